//! Batches of Huawei Cloud. Source: FunctionGraph's developer guide, supported event sources.

use super::{Content, Index, Partial, Source, Whole, at, each, list_at, parse, text};

pub(super) const SOURCES: &[Source] = &[
    Source { word: "huawei:smn", partial: Partial::None, list: topic, open: topic_message },
    Source { word: "huawei:obs", partial: Partial::None, list: bucket, open: |_, content| content.is_whole() },
    Source { word: "huawei:dds", partial: Partial::None, list: table, open: |_, content| content.is_whole() },
    Source { word: "huawei:dis", partial: Partial::None, list: stream, open: stream_record },
    // A record is the message itself.
    Source { word: "huawei:kafka", partial: Partial::None, list: kafka, open: |_, content| content.is_whole() },
];

fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["record"]), index, &["smn", "message_id"], &[])
}

fn topic_message(bytes: &[u8], content: &mut Content) {
    let message = at(parse(bytes), &["smn"]);
    content.payload(bytes, at(message, &["message"]), false);
    for name in ["topic_urn", "timestamp", "subject", "type"] {
        content.attribute(name, at(message, &[name]));
    }
    content.attributes_of(at(message, &["message_attributes"]));
}

fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["Records"]), index, &["responseElements", "x-amz-request-id"], &[])
}

fn table(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["records"]), index, &["dds", "token"], &[])
}

/// Indexes a stream's records. A batch is of one shard, and records that belong together have one partition key.
fn stream(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["Message", "records"]), index, &["sequence_number"], &["partition_key"])
}

fn stream_record(bytes: &[u8], content: &mut Content) {
    content.payload_among(bytes, parse(bytes), "data", true);
}

/// Indexes the messages, which stand by topic without partition and offset. Only the order within a topic can therefore
/// be kept.
fn kafka(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for topic in list_at(parse(batch.body), &["records"])?.elements() {
        let name = text(at(Some(topic), &["topic_id"]));
        for message in at(Some(topic), &["messages"]).iter().flat_map(|messages| messages.elements()) {
            index.add_decoded(message, |_| (Vec::new(), name.as_bytes().to_vec()));
        }
    }
    Some(())
}
