//! Batches of AWS' services. Source: the Lambda developer guide, the pages on each service as an event source.

use super::{Content, Index, Partial, Source, Whole, at, each, each_named, kafka_names, parse, retries, text};
use crate::encoding::base64;
use crate::json::Value;

pub(super) const SOURCES: &[Source] = &[
    Source { word: "aws:sqs", partial: Partial::Ids, list: queue, open: message },
    Source { word: "aws:kinesis", partial: Partial::Checkpoint, list: stream, open: stream_record },
    Source { word: "aws:dynamodb", partial: Partial::Checkpoint, list: table, open: |_, content| content.is_whole() },
    Source { word: "aws:sns", partial: Partial::None, list: topic, open: notification },
    Source { word: "aws:s3", partial: Partial::None, list: bucket, open: |_, content| content.is_whole() },
    Source { word: "aws:kafka", partial: Partial::None, list: kafka, open: kafka_record },
    Source { word: "self-managed-kafka", partial: Partial::None, list: kafka, open: kafka_record },
    Source { word: "aws:mq", partial: Partial::None, list: active_mq, open: active_mq_message },
    Source { word: "aws:rmq", partial: Partial::None, list: rabbit_mq, open: rabbit_mq_message },
    Source { word: "aws:docdb", partial: Partial::None, list: documents, open: |_, content| content.is_whole() },
];

/// Indexes a queue's messages. Only queues whose name ends in `.fifo` keep an order: a standard queue's groups share it
/// fairly, and no more.
fn queue(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each_named(batch.body, at(parse(batch.body), &["Records"]), index, &|record| {
        let is_fifo = text(at(record, &["eventSourceARN"])).ends_with(".fifo");
        let group = if is_fifo { text(at(record, &["attributes", "MessageGroupId"])) } else { "".into() };
        (text(at(record, &["messageId"])).into_owned(), group.into_owned())
    })
}

fn message(bytes: &[u8], content: &mut Content) {
    let message = parse(bytes);
    content.payload(bytes, at(message, &["body"]), false);
    content.attempt = retries(at(message, &["attributes", "ApproximateReceiveCount"]));
    content.attributes_of(at(message, &["attributes"]));
    for (name, value) in at(message, &["messageAttributes"]).iter().flat_map(|map| map.members()) {
        match at(Some(value), &["binaryValue"]) {
            Some(coded) => coded_attribute(&name.as_str(), coded, content),
            None => content.attribute(&name.as_str(), at(Some(value), &["stringValue"])),
        }
    }
}

/// Adds an attribute that comes in base64. A text that is no base64 gives no value.
fn coded_attribute(name: &str, coded: Value<'_>, content: &mut Content) {
    content.attributes.add_with(name.as_bytes(), |out| {
        let _ = base64::decode_into(out, coded.as_str().unwrap_or_default().as_bytes());
    });
}

/// Indexes a stream's records. A batch is of one shard, and records that belong together have one partition key.
fn stream(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    let records = at(parse(batch.body), &["Records"]);
    each(batch.body, records, index, &["kinesis", "sequenceNumber"], &["kinesis", "partitionKey"])
}

fn stream_record(bytes: &[u8], content: &mut Content) {
    let record = parse(bytes);
    content.payload_among(bytes, at(record, &["kinesis"]), "data", true);
    content.attribute("eventID", at(record, &["eventID"]));
}

/// Indexes a table's stream; the changes of one item belong together.
fn table(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each_named(batch.body, at(parse(batch.body), &["Records"]), index, &|record| {
        let keys = at(record, &["dynamodb", "Keys"]).map_or("", |keys| keys.text());
        (text(at(record, &["dynamodb", "SequenceNumber"])).into_owned(), keys.to_owned())
    })
}

fn topic(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["Records"]), index, &["Sns", "MessageId"], &[])
}

fn notification(bytes: &[u8], content: &mut Content) {
    let sns = at(parse(bytes), &["Sns"]);
    content.payload(bytes, at(sns, &["Message"]), false);
    for name in ["TopicArn", "Subject", "Timestamp", "Type"] {
        content.attribute(name, at(sns, &[name]));
    }
    for (name, value) in at(sns, &["MessageAttributes"]).iter().flat_map(|map| map.members()) {
        content.attribute(&name.as_str(), at(Some(value), &["Value"]));
    }
}

/// Indexes the changes of a bucket. The id is that of the request that changed the object, which most often changed no
/// other.
fn bucket(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["Records"]), index, &["responseElements", "x-amz-request-id"], &[])
}

/// Indexes the records, which stand in a list for each partition.
fn kafka(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for (_, records) in at(parse(batch.body), &["records"])?.members() {
        each_named(batch.body, Some(records), index, &kafka_names)?;
    }
    Some(())
}

fn kafka_record(bytes: &[u8], content: &mut Content) {
    let record = parse(bytes);
    content.payload(bytes, at(record, &["value"]), true);
    for name in ["topic", "partition", "offset", "timestamp", "timestampType"] {
        content.attribute(name, at(record, &[name]));
    }
    if let Some(key) = at(record, &["key"]) {
        coded_attribute("key", key, content);
    }
    for header in at(record, &["headers"]).iter().flat_map(|headers| headers.elements()) {
        for (name, value) in header.members() {
            let bytes: Vec<u8> = value.elements().filter_map(byte).collect();
            content.attributes.add(name.as_str().as_bytes(), &bytes);
        }
    }
}

/// Returns a byte of a header; `None` if the number is no byte. AWS writes some of them signed, as Java has them.
fn byte(number: Value<'_>) -> Option<u8> {
    let number = number.as_i64()?;
    u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
}

fn active_mq(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["messages"]), index, &["messageID"], &[])
}

fn active_mq_message(bytes: &[u8], content: &mut Content) {
    let message = parse(bytes);
    content.payload_among(bytes, message, "data", true);
    content.attempt = redelivered(message);
    content.attributes_of(at(message, &["properties"]));
}

/// Indexes the messages, which stand in a list for each queue.
fn rabbit_mq(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    for (_, messages) in at(parse(batch.body), &["rmqMessagesByQueue"])?.members() {
        each(batch.body, Some(messages), index, &["basicProperties", "messageId"], &[])?;
    }
    Some(())
}

fn rabbit_mq_message(bytes: &[u8], content: &mut Content) {
    let message = parse(bytes);
    content.payload(bytes, at(message, &["data"]), true);
    content.attempt = redelivered(message);
    content.attributes_of(at(message, &["basicProperties"]));
}

/// Returns 0 for a first delivery and 1 for a later one: these brokers count no further. `None` means that the message
/// does not tell it.
fn redelivered(message: Option<Value<'_>>) -> Option<u32> {
    at(message, &["redelivered"]).and_then(|redelivered| redelivered.as_bool()).map(u32::from)
}

fn documents(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, at(parse(batch.body), &["events"]), index, &["event", "_id", "_data"], &[])
}
