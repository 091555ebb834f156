//! The records of a batch: where they lie in the event, and what each of them holds.
//!
//! A [`Batch`] is an index: for each record its id, its group and where its bytes lie. A record is taken apart only
//! when it is its turn, so that a batch of ten thousand costs a few bytes for each. One file a family of sources says
//! where the records of its events are; which source an event is of has been recognised before.
//!
//! | file | sources | partial failure |
//! |---|---|---|
//! | `aws` | SQS | the ids of what failed |
//! | | Kinesis, DynamoDB | the first that failed: the stream goes on from there |
//! | | SNS, S3, Kafka, Amazon MQ, DocumentDB | none |
//! | `aliyun` | OSS, CDN, MNS, Tablestore, what EventBridge sends in batches (Kafka, RocketMQ, RabbitMQ, MNS queues) | none |
//! | `tencent` | COS, CMQ, CKafka | none |
//! | `huawei` | SMN, OBS, DIS, Kafka, DDS | none |
//! | `azure` | lists of Event Hubs, Service Bus, Cosmos DB and Event Grid | none |
//! | `yandex` | Message Queue, IoT Core, Object Storage, Container Registry and other triggers | none |
//! | `cloudevents` | a batch over HTTP, a message of Pub/Sub | none |

#[cfg(feature = "aliyun-fc")]
mod aliyun;
#[cfg(feature = "aws-lambda")]
mod aws;
#[cfg(feature = "azure-functions")]
mod azure;
#[cfg(feature = "cloudevents")]
mod cloudevents;
#[cfg(feature = "huawei-functiongraph")]
mod huawei;
#[cfg(feature = "tencent-scf")]
mod tencent;
#[cfg(test)]
mod tests;
#[cfg(feature = "yandex")]
mod yandex;

use super::{Body, Data};
use crate::fields::Fields;
use crate::json::{self, Value, ValueKind};
use crate::text::Span;
use std::borrow::Cow;

/// A platform's way to take it that some records of a batch failed and others did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Partial {
    /// It has no such way: the batch has succeeded or failed as a whole.
    None,
    /// The platform is told the ids of those that failed, and sends these again.
    Ids,
    /// The platform goes on from the first that failed: records behind it that were done come again, too.
    Checkpoint,
}

/// Says how the batches of one source are taken apart.
#[derive(Debug)]
pub(crate) struct Source {
    /// The word for the source, as in `FAAS_META_SOURCE`.
    word: &'static str,
    /// The way in which the source's platform takes partial failure.
    partial: Partial,
    /// Finds the records of an event; `None` if it holds no records that could be told apart.
    list: fn(&Whole<'_>, &mut Index) -> Option<()>,
    /// Takes one record of the batch apart.
    open: fn(&[u8], &mut Content),
}

/// An event that may be a batch.
#[derive(Clone, Copy, Debug)]
struct Whole<'a> {
    /// The event as it came.
    #[cfg_attr(
        not(any(feature = "aliyun-fc", feature = "azure-functions")),
        allow(dead_code, reason = "two families have more there")
    )]
    event: &'a [u8],
    /// The part of it that holds the records: the event, but for an envelope around it.
    body: &'a [u8],
}

/// The facts of each record that are known before it is looked into.
#[derive(Debug, Default)]
struct Index {
    /// The id of each record as a name, and its group as the value.
    names: Fields,
    /// The place of each record's bytes.
    places: Vec<Span>,
    /// The records' bytes, where they had to be decoded; `None` if they lie in the body.
    decoded: Option<Vec<u8>>,
    /// The number of earlier deliveries of each record; empty unless the batch tells it beside its records.
    attempts: Vec<u32>,
}

impl Index {
    /// Adds one more record, a part of `body`. Without an id, its number among the others is its id.
    fn add(&mut self, body: &[u8], record: &[u8], id: &[u8], group: &[u8]) {
        self.places.push(Span::of(body, record));
        self.name(id, group);
    }

    /// Adds one more record, whose text is decoded if it is a JSON string. `name` returns its id and group, out of the
    /// decoded bytes.
    fn add_decoded(&mut self, record: Value<'_>, name: impl FnOnce(&[u8]) -> (Vec<u8>, Vec<u8>)) {
        let decoded = self.decoded.get_or_insert_default();
        let start = decoded.len();
        if !record.append_str_to(decoded) {
            decoded.extend_from_slice(record.raw());
        }
        self.places.push(Span::new(start, decoded.len()));
        let (id, group) = name(&decoded[start..]);
        self.name(&id, &group);
    }

    fn name(&mut self, id: &[u8], group: &[u8]) {
        if id.is_empty() {
            let number = self.names.len().to_string();
            self.names.add(number.as_bytes(), group);
        } else {
            self.names.add(id, group);
        }
    }
}

/// The parts of one record.
#[derive(Debug, Default)]
pub(crate) struct Content {
    /// The payload, decoded if its source sends base64, and the attributes of a CloudEvent. A [`Body::Part`] lies in
    /// the record.
    pub(crate) data: Data,
    /// The attributes that the source tells beside the payload.
    pub(crate) attributes: Fields,
    /// The number of earlier deliveries; `None` if the source does not tell it.
    pub(crate) attempt: Option<u32>,
}

impl Content {
    /// Makes the whole record the payload.
    fn is_whole(&mut self) {
        self.data.body = Body::Whole;
    }

    /// Adds one more attribute, if the value is a text, a number or a boolean.
    #[inline(never)]
    fn attribute(&mut self, name: &str, value: Option<Value<'_>>) {
        super::aws::read::text(value, |value| self.attributes.add(name.as_bytes(), value));
    }

    /// Adds every text, number and boolean of an object as an attribute, and each of those in a list.
    #[inline(never)]
    fn attributes_of(&mut self, object: Option<Value<'_>>) {
        super::aws::read::map(object, &mut self.attributes);
    }

    /// Makes the member of that name the payload, and every other one an attribute. `coded` is `true` if the payload is
    /// base64.
    #[inline(never)]
    fn payload_among(&mut self, bytes: &[u8], object: Option<Value<'_>>, payload: &str, coded: bool) {
        self.payload(bytes, at(object, &[payload]), coded);
        for (name, value) in object.iter().flat_map(|object| object.members()).filter(|(name, _)| *name != *payload) {
            super::aws::read::each_text(value, |text| self.attributes.add(name.as_str().as_bytes(), text));
        }
    }

    /// Makes this value of the record the payload. `coded` is `true` if it is base64.
    #[inline(never)]
    fn payload(&mut self, bytes: &[u8], value: Option<Value<'_>>, coded: bool) {
        self.data.body = super::aws::read::body_of(bytes, value, coded);
    }
}

/// The records of an event.
#[derive(Debug)]
pub(crate) struct Batch {
    source: &'static Source,
    index: Index,
    /// The records that have failed: the id as a name, and the reason as the value. A function or layer that serves the
    /// whole batch may add to it.
    pub(crate) failed: Fields,
    /// `true` once the outcome of the batch is settled: a record that is added to `failed` later changes nothing.
    pub(crate) is_settled: bool,
}

impl Batch {
    /// Returns the records of an event of this source; `None` if it is no batch.
    pub(crate) fn of(source: &[u8], event: &[u8], body: &[u8]) -> Option<Batch> {
        let source = SOURCES.iter().flat_map(|family| family.iter()).find(|known| known.word.as_bytes() == source)?;
        let mut index = Index::default();
        (source.list)(&Whole { event, body }, &mut index)?;
        Some(Batch { source, index, failed: Fields::default(), is_settled: false })
    }

    /// Returns the way in which the batch's platform takes partial failure.
    pub(crate) fn partial(&self) -> Partial {
        self.source.partial
    }

    /// Returns the number of records.
    pub(crate) fn len(&self) -> usize {
        self.index.places.len()
    }

    /// Returns the id of a record. The same record has it when it is delivered again, unless its source gives no id:
    /// then it is the record's number in the batch.
    pub(crate) fn id(&self, record: usize) -> &[u8] {
        self.index.names.at(record).map_or(&[], |(id, _)| id)
    }

    /// Returns the group that a record is ordered in; empty if it has no group.
    pub(crate) fn group(&self, record: usize) -> &[u8] {
        self.index.names.at(record).map_or(&[], |(_, group)| group)
    }

    /// Returns the bytes of a record. `body` is the one that the batch was read from.
    pub(crate) fn bytes<'a>(&'a self, record: usize, body: &'a [u8]) -> &'a [u8] {
        let place = self.index.places.get(record).copied().unwrap_or_default();
        place.read(self.index.decoded.as_deref().unwrap_or(body))
    }

    /// Takes a record apart. `bytes` are those of the record.
    pub(crate) fn open(&self, record: usize, bytes: &[u8]) -> Content {
        let mut content = Content::default();
        (self.source.open)(bytes, &mut content);
        content.attempt = content.attempt.or_else(|| self.index.attempts.get(record).copied());
        content
    }
}

/// The sources of the platforms that are built in.
const SOURCES: &[&[Source]] = &[
    #[cfg(feature = "aws-lambda")]
    aws::SOURCES,
    #[cfg(feature = "aliyun-fc")]
    aliyun::SOURCES,
    #[cfg(feature = "tencent-scf")]
    tencent::SOURCES,
    #[cfg(feature = "huawei-functiongraph")]
    huawei::SOURCES,
    #[cfg(feature = "azure-functions")]
    azure::SOURCES,
    #[cfg(feature = "yandex")]
    yandex::SOURCES,
    #[cfg(feature = "cloudevents")]
    cloudevents::SOURCES,
];

// The functions below are called once or a few times for each record. Inlined they would be copies of the same walk
// through an object in every source.

/// Reads JSON; `None` if the bytes are not JSON.
#[inline(never)]
fn parse(bytes: &[u8]) -> Option<Value<'_>> {
    json::parse(bytes).ok()
}

/// Returns the value at these names, one inside of the other.
#[inline(never)]
fn at<'a>(value: Option<Value<'a>>, names: &[&str]) -> Option<Value<'a>> {
    value?.path(names)
}

/// Returns the list at these names, one inside of the other; `None` if there is no list.
#[inline(never)]
fn list_at<'a>(value: Option<Value<'a>>, names: &[&str]) -> Option<Value<'a>> {
    at(value, names).filter(|list| list.kind() == ValueKind::Array)
}

/// Returns the text of a string, a number or a boolean; it is empty for any other value.
#[inline(never)]
fn text(value: Option<Value<'_>>) -> Cow<'_, str> {
    match value {
        Some(value) if matches!(value.kind(), ValueKind::Number | ValueKind::Bool) => Cow::Borrowed(value.text()),
        Some(value) => value.as_str().unwrap_or_default(),
        None => Cow::Borrowed(""),
    }
}

/// Adds each element of a list, whose id and group lie at these names in it. Without names it has no id, or no group.
fn each(body: &[u8], list: Option<Value<'_>>, index: &mut Index, id: &[&str], group: &[&str]) -> Option<()> {
    each_named(body, list, index, &|record| {
        let named =
            |names: &[&str]| if names.is_empty() { String::new() } else { text(at(record, names)).into_owned() };
        (named(id), named(group))
    })
}

/// A function that returns the id and the group of a record.
type Names<'n> = &'n dyn Fn(Option<Value<'_>>) -> (String, String);

/// Adds each element of a list; `None` if the value is no list.
fn each_named(body: &[u8], list: Option<Value<'_>>, index: &mut Index, names: Names<'_>) -> Option<()> {
    for record in list_at(list, &[])?.elements() {
        let (id, group) = names(Some(record));
        index.add(body, record.raw(), id.as_bytes(), group.as_bytes());
    }
    Some(())
}

/// Returns `topic-partition`, as Kafka's own tools write it; it is empty if either is missing.
fn partition(record: Option<Value<'_>>) -> String {
    let (topic, partition) = (text(at(record, &["topic"])), text(at(record, &["partition"])));
    if topic.is_empty() || partition.is_empty() { String::new() } else { [&*topic, &*partition].join("-") }
}

/// Returns `topic-partition-offset` and `topic-partition`, the id and the group of a record of Kafka's.
fn kafka_names(record: Option<Value<'_>>) -> (String, String) {
    let group = partition(record);
    let offset = text(at(record, &["offset"]));
    let id = if group.is_empty() || offset.is_empty() { String::new() } else { [&*group, &*offset].join("-") };
    (id, group)
}

/// Takes a CloudEvent in JSON apart: attributes and data, as of one that came alone. Bytes that are not one are their
/// own payload.
fn cloudevents_data(bytes: &[u8], content: &mut Content) {
    let event = parse(bytes).and_then(|value| super::cloudevents::recognise(bytes, value));
    match event.and_then(|event| event.data) {
        Some(data) => content.data = *data,
        None => content.is_whole(),
    }
}

/// Returns the number of times that a message was delivered before, from the number of times that it was received.
#[inline(never)]
fn retries(received: Option<Value<'_>>) -> Option<u32> {
    text(received).parse::<u32>().ok().map(|count| count.saturating_sub(1))
}
