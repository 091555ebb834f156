//! Batches of Tencent Cloud. Source: SCF's help pages on triggers.

use super::{Content, Index, Partial, Source, Whole, at, each, each_named, kafka_names, parse};

pub(super) const SOURCES: &[Source] = &[
    Source { word: "tencent:cos", partial: Partial::None, list: bucket, open: |_, content| content.is_whole() },
    Source { word: "tencent:cmq", partial: Partial::None, list: topic, open: topic_message },
    Source { word: "tencent:ckafka", partial: Partial::None, list: kafka, open: kafka_message },
];

fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["Records"]), index, &["event", "reqid"], &[])
}

fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["Records"]), index, &["CMQ", "msgId"], &[])
}

/// Reads a message of a topic. Its tags come as a list or as one text.
fn topic_message(bytes: &[u8], content: &mut Content) {
    content.payload_among(bytes, at(parse(bytes), &["CMQ"]), "msgBody", false);
}

fn kafka(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    let names: super::Names<'_> = &|record| kafka_names(at(record, &["Ckafka"]));
    each_named(batch.body, at(parse(batch.body), &["Records"]), index, names)
}

/// Reads a record of CKafka. The key becomes the attribute `key`, as in Kafka's own records.
fn kafka_message(bytes: &[u8], content: &mut Content) {
    let message = at(parse(bytes), &["Ckafka"]);
    content.payload(bytes, at(message, &["msgBody"]), false);
    for name in ["topic", "partition", "offset"] {
        content.attribute(name, at(message, &[name]));
    }
    content.attribute("key", at(message, &["msgKey"]));
}
