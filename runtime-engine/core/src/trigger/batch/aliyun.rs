//! Batches of Alibaba Cloud. Source: "Formats of event for different triggers" in Function Compute's help pages, and the
//! samples of its Go library.

use super::{Content, Index, Partial, Source, Whole, cloudevents_data, each, kafka_names, text};
use crate::fields::Span;
use crate::json::{self, Value};
use crate::trigger::Body;
use crate::trigger::aliyun::cbor::each_record;
use crate::trigger::aws::read::body_of;

pub(super) const SOURCES: &[Source] = &[
    Source { word: "aliyun:oss", partial: Partial::None, list: bucket, open: |_, content| content.is_whole() },
    Source { word: "aliyun:cdn", partial: Partial::None, list: domains, open: |_, content| content.is_whole() },
    Source { word: "aliyun:mns", partial: Partial::None, list: topic, open: topic_message },
    Source { word: "aliyun:tablestore", partial: Partial::None, list: table, open: |_, content| content.is_whole() },
    Source { word: "aliyun:eventbridge", partial: Partial::None, list: events, open: event },
];

fn parse(bytes: &[u8]) -> Option<Value<'_>> {
    json::parse(bytes).ok()
}

fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, parse(batch.body)?.get("events"), index, &["responseElements", "requestId"], &[])
}

fn domains(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, parse(batch.body)?.get("events"), index, &["traceId"], &[])
}

/// A topic sends its messages one by one.
fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    let message = parse(batch.body)?;
    index.add(batch.body, message.raw(), text(message.get("MessageId")).as_bytes(), b"");
    Some(())
}

/// In both of the topic's JSON forms.
fn topic_message(bytes: &[u8], content: &mut Content) {
    let Some(message) = parse(bytes) else { return };
    content.data.body = body_of(bytes, message.get("Message").or_else(|| message.get("body")), false);
    for (name, value) in message.members().filter(|(name, _)| *name != "Message" && *name != "body") {
        content.attribute(&name.as_str(), Some(value));
    }
    content.attributes_of(message.get("attrs"));
}

/// What belongs together in a table's changes are those of one row. The records come as CBOR or, by hand, as JSON.
fn table(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    match parse(batch.body) {
        Some(json) => {
            for record in json.get("Records")?.elements() {
                let row = record.get("PrimaryKey").map_or(&b""[..], |key| key.raw());
                index.add(batch.body, record.raw(), b"", row);
            }
            Some(())
        }
        None => each_record(batch.body, |record, row| index.add(batch.body, record, b"", row)),
    }
}

/// CloudEvents, each as a text. Records of Kafka keep the order of their partitions.
fn events(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for event in parse(batch.body)?.elements() {
        index.add_decoded(event, |event| {
            let Some(event) = parse(event) else { return Default::default() };
            let group = event.get("data").map(|data| kafka_names(data).1).unwrap_or_default();
            (text(event.get("id")).as_bytes().to_vec(), group.into_bytes())
        });
    }
    Some(())
}

/// The payload of a message that an event's data wraps: a record of Kafka's, a message of RocketMQ's or of an MNS queue.
/// The data of any other event is its payload.
fn event(bytes: &[u8], content: &mut Content) {
    cloudevents_data(bytes, content);
    let Some(data) = parse(bytes).and_then(|event| event.get("data")) else { return };
    let (payload, others): (_, &[&str]) = if data.get("topic").is_some() && data.get("partition").is_some() {
        ("value", &["topic", "partition", "offset", "timestamp", "key"])
    } else if data.get("topic").is_some() && data.get("systemProperties").is_some() {
        ("body", &["topic"])
    } else if data.get("messageId").is_some() && data.get("messageBody").is_some() {
        ("messageBody", &["messageId", "requestId"])
    } else {
        return;
    };
    content.data.body = match data.get(payload) {
        Some(value) => body_of(bytes, Some(value), false),
        None => Body::Part(Span::of(bytes, data.raw())),
    };
    others.iter().for_each(|name| content.attribute(name, data.get(name)));
    content.attributes_of(data.get("headers"));
    content.attributes_of(data.get("systemProperties"));
    content.attributes_of(data.get("userProperties"));
}
