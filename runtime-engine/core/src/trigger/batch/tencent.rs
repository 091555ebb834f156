//! Batches of Tencent Cloud. Source: SCF's help pages on triggers.

use super::{Content, Index, Partial, Source, Whole, each, kafka_names};
use crate::json::{self, Value, ValueKind};
use crate::trigger::aws::read::{body_of, each_text};

pub(super) const SOURCES: &[Source] = &[
    Source { word: "tencent:cos", partial: Partial::None, list: bucket, open: |_, content| content.is_whole() },
    Source { word: "tencent:cmq", partial: Partial::None, list: topic, open: topic_message },
    Source { word: "tencent:ckafka", partial: Partial::None, list: kafka, open: kafka_message },
];

fn records<'a>(batch: &Whole<'a>) -> Option<Value<'a>> {
    json::parse(batch.body).ok()?.get("Records").filter(|records| records.kind() == ValueKind::Array)
}

fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, records(batch), index, &["event", "reqid"], &[])
}

fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, records(batch), index, &["CMQ", "msgId"], &[])
}

fn topic_message(bytes: &[u8], content: &mut Content) {
    let Some(message) = json::parse(bytes).ok().and_then(|record| record.get("CMQ")) else { return };
    content.data.body = body_of(bytes, message.get("msgBody"), false);
    for (name, value) in message.members().filter(|(name, _)| *name != "msgBody") {
        // Tags come as a list or as one text.
        each_text(value, |text| content.attributes.add(name.as_str().as_bytes(), text));
    }
}

fn kafka(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for record in records(batch)?.elements() {
        let (id, group) = record.get("Ckafka").map(kafka_names).unwrap_or_default();
        index.add(batch.body, record.raw(), id.as_bytes(), group.as_bytes());
    }
    Some(())
}

fn kafka_message(bytes: &[u8], content: &mut Content) {
    let Some(message) = json::parse(bytes).ok().and_then(|record| record.get("Ckafka")) else { return };
    content.data.body = body_of(bytes, message.get("msgBody"), false);
    for (name, value) in message.members().filter(|(name, _)| *name != "msgBody") {
        // The key has the name that Kafka's own records have for it.
        let name = name.as_str();
        content.attribute(if name == "msgKey" { "key" } else { &name }, Some(value));
    }
}
