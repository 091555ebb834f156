//! Batches of Alibaba Cloud. Source: "Formats of event for different triggers" in Function Compute's help pages, and
//! the samples of its Go library.

use super::{Content, Index, Partial, Source, Whole, at, cloudevents_data, each, each_named, kafka_names, parse, text};
use crate::json::Value;
use crate::trigger::aliyun::cbor::each_record;

pub(super) const SOURCES: &[Source] = &[
    Source { word: "aliyun:oss", partial: Partial::None, list: bucket, open: |_, content| content.is_whole() },
    Source { word: "aliyun:cdn", partial: Partial::None, list: domains, open: |_, content| content.is_whole() },
    Source { word: "aliyun:mns", partial: Partial::None, list: topic, open: topic_message },
    Source { word: "aliyun:tablestore", partial: Partial::None, list: table, open: |_, content| content.is_whole() },
    Source { word: "aliyun:eventbridge", partial: Partial::None, list: events, open: event },
];

fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["events"]), index, &["responseElements", "requestId"], &[])
}

fn domains(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["events"]), index, &["traceId"], &[])
}

/// Indexes the one message of an event: a topic sends its messages one by one.
fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    let message = parse(batch.body)?;
    index.add(batch.body, message.raw(), text(at(Some(message), &["MessageId"])).as_bytes(), b"");
    Some(())
}

/// Reads a message in both of the topic's JSON forms.
fn topic_message(bytes: &[u8], content: &mut Content) {
    let message = parse(bytes);
    let payload = if at(message, &["Message"]).is_some() { "Message" } else { "body" };
    content.payload_among(bytes, message, payload, false);
    content.attributes_of(at(message, &["attrs"]));
}

/// Indexes a table's changes; those of one row belong together. The records come as CBOR or, by hand, as JSON.
fn table(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    match parse(batch.body) {
        Some(json) => each_named(batch.body, at(Some(json), &["Records"]), index, &|record| {
            let row = at(record, &["PrimaryKey"]).map_or("", |key| key.text());
            (String::new(), row.to_owned())
        }),
        None => each_record(batch.body, |record, row| index.add(batch.body, record, b"", row)),
    }
}

/// Indexes a CloudEvent, or a list of them, each an object or a text. Records of Kafka keep the order of their
/// partitions.
fn events(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    let name = |event: Option<Value<'_>>| {
        let (_, group) = kafka_names(at(event, &["data"]));
        (text(at(event, &["id"])).as_bytes().to_vec(), group.into_bytes())
    };
    // The whole event is read here: the body of a CloudEvent that comes alone is only its data.
    let all = parse(batch.event)?;
    let alone = if all.get("specversion").is_some() { Some(all) } else { None };
    alone.into_iter().chain(all.elements()).for_each(|event| index.add_decoded(event, |event| name(parse(event))));
    Some(())
}

/// Reads an event whose data may wrap a message of Kafka, RocketMQ, RabbitMQ or an MNS queue. The payload is then that
/// of the message. The data of any other event is the payload.
fn event(bytes: &[u8], content: &mut Content) {
    cloudevents_data(bytes, content);
    let data = at(parse(bytes), &["data"]);
    let has = |name| at(data, &[name]).is_some();
    let (payload, others): (_, &[&str]) = if has("topic") && has("partition") && has("value") {
        ("value", &["topic", "partition", "offset", "timestamp", "key"])
    } else if has("topic") && has("systemProperties") && has("body") {
        ("body", &["topic"])
    } else if has("envelope") && has("props") && has("body") {
        ("body", &[])
    } else if has("messageId") && has("messageBody") {
        ("messageBody", &["messageId", "requestId"])
    } else {
        return;
    };
    content.payload(bytes, at(data, &[payload]), false);
    others.iter().for_each(|name| content.attribute(name, at(data, &[name])));
    for properties in ["headers", "systemProperties", "userProperties", "props"] {
        content.attributes_of(at(data, &[properties]));
    }
}
