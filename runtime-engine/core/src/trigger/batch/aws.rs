//! Batches of AWS' services. Source: the Lambda developer guide, the pages on each service as an event source.

use super::{Content, Index, Partial, Source, Whole, each, kafka_names, retries, text};
use crate::encoding::base64;
use crate::json::{self, Value, ValueKind};
use crate::trigger::aws::read::body_of;

pub(super) const SOURCES: &[Source] = &[
    Source { word: "aws:sqs", partial: Partial::Ids, list: queue, open: message },
    Source { word: "aws:kinesis", partial: Partial::Checkpoint, list: stream, open: stream_record },
    Source { word: "aws:dynamodb", partial: Partial::Checkpoint, list: table, open: whole },
    Source { word: "aws:sns", partial: Partial::None, list: topic, open: notification },
    Source { word: "aws:s3", partial: Partial::None, list: bucket, open: whole },
    Source { word: "aws:kafka", partial: Partial::None, list: kafka, open: kafka_record },
    Source { word: "self-managed-kafka", partial: Partial::None, list: kafka, open: kafka_record },
    Source { word: "aws:mq", partial: Partial::None, list: active_mq, open: active_mq_message },
    Source { word: "aws:rmq", partial: Partial::None, list: rabbit_mq, open: rabbit_mq_message },
    Source { word: "aws:docdb", partial: Partial::None, list: documents, open: whole },
];

fn parse(bytes: &[u8]) -> Option<Value<'_>> {
    json::parse(bytes).ok()
}

fn whole(_: &[u8], content: &mut Content) {
    content.is_whole();
}

/// Adds each of `Records`. `names`: id and group of one.
fn records(batch: &Whole<'_>, index: &mut Index, names: impl Fn(Value<'_>) -> (String, String)) -> Option<()> {
    let records = parse(batch.body)?.get("Records").filter(|records| records.kind() == ValueKind::Array)?;
    for record in records.elements() {
        let (id, group) = names(record);
        index.add(batch.body, record.raw(), id.as_bytes(), group.as_bytes());
    }
    Some(())
}

/// Only queues whose name ends in `.fifo` keep an order: a standard queue's groups share it fairly, and no more.
fn queue(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    records(batch, index, |record| {
        let is_fifo = text(record.get("eventSourceARN")).ends_with(".fifo");
        let group = if is_fifo { text(record.path(&["attributes", "MessageGroupId"])) } else { "".into() };
        (text(record.get("messageId")).into_owned(), group.into_owned())
    })
}

fn message(bytes: &[u8], content: &mut Content) {
    let Some(message) = parse(bytes) else { return };
    content.data.body = body_of(bytes, message.get("body"), false);
    let attributes = message.get("attributes");
    content.attempt = retries(attributes.and_then(|attributes| attributes.get("ApproximateReceiveCount")));
    content.attributes_of(attributes);
    for (name, value) in message.get("messageAttributes").iter().flat_map(|map| map.members()) {
        if let Some(coded) = value.get("binaryValue").and_then(|coded| coded.as_str()) {
            content.attributes.add_pair_with(
                |out| name.append_to(out),
                |out| {
                    // What is no base64 is no value.
                    let _ = base64::decode_into(out, coded.as_bytes());
                },
            );
        } else {
            content.attribute(&name.as_str(), value.get("stringValue"));
        }
    }
}

/// A batch is of one shard. What belongs together in it has one partition key.
fn stream(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    records(batch, index, |record| {
        let part = |name| text(record.path(&["kinesis", name])).into_owned();
        (part("sequenceNumber"), part("partitionKey"))
    })
}

fn stream_record(bytes: &[u8], content: &mut Content) {
    let Some(record) = parse(bytes) else { return };
    let kinesis = record.get("kinesis");
    content.data.body = body_of(bytes, kinesis.and_then(|kinesis| kinesis.get("data")), true);
    for (name, value) in kinesis.iter().flat_map(|kinesis| kinesis.members()).filter(|(name, _)| *name != "data") {
        content.attribute(&name.as_str(), Some(value));
    }
    content.attribute("eventID", record.get("eventID"));
}

/// What belongs together in a table's stream are the changes of one item.
fn table(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    records(batch, index, |record| {
        let keys = record.path(&["dynamodb", "Keys"]).map_or("", |keys| keys.text());
        (text(record.path(&["dynamodb", "SequenceNumber"])).into_owned(), keys.to_owned())
    })
}

fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    records(batch, index, |record| (text(record.path(&["Sns", "MessageId"])).into_owned(), String::new()))
}

fn notification(bytes: &[u8], content: &mut Content) {
    let Some(sns) = parse(bytes).and_then(|record| record.get("Sns")) else { return };
    content.data.body = body_of(bytes, sns.get("Message"), false);
    for name in ["TopicArn", "Subject", "Timestamp", "Type"] {
        content.attribute(name, sns.get(name));
    }
    for (name, value) in sns.get("MessageAttributes").iter().flat_map(|map| map.members()) {
        content.attribute(&name.as_str(), value.get("Value"));
    }
}

/// S3 names the request that changed the object, which most often changed this one alone.
fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    records(batch, index, |record| {
        (text(record.path(&["responseElements", "x-amz-request-id"])).into_owned(), String::new())
    })
}

/// A list of records for each partition.
fn kafka(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for (_, records) in parse(batch.body)?.get("records")?.members() {
        for record in records.elements() {
            let (id, group) = kafka_names(record);
            index.add(batch.body, record.raw(), id.as_bytes(), group.as_bytes());
        }
    }
    Some(())
}

fn kafka_record(bytes: &[u8], content: &mut Content) {
    let Some(record) = parse(bytes) else { return };
    content.data.body = body_of(bytes, record.get("value"), true);
    for name in ["topic", "partition", "offset", "timestamp", "timestampType"] {
        content.attribute(name, record.get(name));
    }
    if let Some(key) = record.get("key").and_then(|key| key.as_str()) {
        content.attributes.add_with(b"key", |out| {
            // What is no base64 is no key.
            let _ = base64::decode_into(out, key.as_bytes());
        });
    }
    for header in record.get("headers").iter().flat_map(|headers| headers.elements()) {
        for (name, value) in header.members() {
            content
                .attributes
                .add_pair_with(|out| name.append_to(out), |out| out.extend(value.elements().filter_map(byte)));
        }
    }
}

/// AWS writes the bytes of a header as numbers, and some of them signed, as Java has them.
fn byte(number: Value<'_>) -> Option<u8> {
    let number = number.as_i64()?;
    u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
}

fn active_mq(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, parse(batch.body)?.get("messages"), index, &["messageID"], &[])
}

fn active_mq_message(bytes: &[u8], content: &mut Content) {
    let Some(message) = parse(bytes) else { return };
    content.data.body = body_of(bytes, message.get("data"), true);
    content.attempt = redelivered(message);
    for (name, value) in message.members().filter(|(name, _)| *name != "data") {
        content.attribute(&name.as_str(), Some(value));
    }
    content.attributes_of(message.get("properties"));
}

/// A list of messages for each queue.
fn rabbit_mq(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for (_, messages) in parse(batch.body)?.get("rmqMessagesByQueue")?.members() {
        each(batch.body, Some(messages), index, &["basicProperties", "messageId"], &[])?;
    }
    Some(())
}

fn rabbit_mq_message(bytes: &[u8], content: &mut Content) {
    let Some(message) = parse(bytes) else { return };
    content.data.body = body_of(bytes, message.get("data"), true);
    content.attempt = redelivered(message);
    content.attributes_of(message.get("basicProperties"));
}

/// These brokers tell a first delivery from a later one, and count no further.
fn redelivered(message: Value<'_>) -> Option<u32> {
    message.get("redelivered").and_then(|redelivered| redelivered.as_bool()).map(u32::from)
}

fn documents(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, parse(batch.body)?.get("events"), index, &["event", "_id", "_data"], &[])
}
