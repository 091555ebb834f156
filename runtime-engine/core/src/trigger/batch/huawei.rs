//! Batches of Huawei Cloud. Source: FunctionGraph's developer guide, supported event sources.

use super::{Content, Index, Partial, Source, Whole, each, text};
use crate::json::{self, Value, ValueKind};
use crate::trigger::aws::read::body_of;

pub(super) const SOURCES: &[Source] = &[
    Source { word: "huawei:smn", partial: Partial::None, list: topic, open: topic_message },
    Source { word: "huawei:obs", partial: Partial::None, list: bucket, open: |_, content| content.is_whole() },
    Source { word: "huawei:dds", partial: Partial::None, list: table, open: |_, content| content.is_whole() },
    Source { word: "huawei:dis", partial: Partial::None, list: stream, open: stream_record },
    // A record is the message itself.
    Source { word: "huawei:kafka", partial: Partial::None, list: kafka, open: |_, content| content.is_whole() },
];

fn member<'a>(batch: &Whole<'a>, names: &[&str]) -> Option<Value<'a>> {
    json::parse(batch.body).ok()?.path(names).filter(|records| records.kind() == ValueKind::Array)
}

fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, member(batch, &["record"]), index, &["smn", "message_id"], &[])
}

fn topic_message(bytes: &[u8], content: &mut Content) {
    let Some(message) = json::parse(bytes).ok().and_then(|record| record.get("smn")) else { return };
    content.data.body = body_of(bytes, message.get("message"), false);
    for name in ["topic_urn", "timestamp", "subject", "type"] {
        content.attribute(name, message.get(name));
    }
    content.attributes_of(message.get("message_attributes"));
}

fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, member(batch, &["Records"]), index, &["responseElements", "x-amz-request-id"], &[])
}

fn table(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, member(batch, &["records"]), index, &["dds", "token"], &[])
}

/// A batch is of one shard. What belongs together in it has one partition key.
fn stream(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, member(batch, &["Message", "records"]), index, &["sequence_number"], &["partition_key"])
}

fn stream_record(bytes: &[u8], content: &mut Content) {
    let Ok(record) = json::parse(bytes) else { return };
    content.data.body = body_of(bytes, record.get("data"), true);
    for (name, value) in record.members().filter(|(name, _)| *name != "data") {
        content.attribute(&name.as_str(), Some(value));
    }
}

/// Messages by topic, without partition or offset: the order within a topic is all there is to keep.
fn kafka(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for topic in member(batch, &["records"])?.elements() {
        let name = text(topic.get("topic_id"));
        for message in topic.get("messages").iter().flat_map(|messages| messages.elements()) {
            index.add_decoded(message, |_| (Vec::new(), name.as_bytes().to_vec()));
        }
    }
    Some(())
}
