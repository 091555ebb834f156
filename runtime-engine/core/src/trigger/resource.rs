//! The names of the things that an event comes from: its queue, topic, bucket, table, stream, or timer. One table says
//! where each source writes them, so that a process of many functions can tell whose event it is.
//!
//! The places are those of the sources' own documents, as the readers of this folder name them. Sources that are
//! missing here name nothing: logs of AWS are compressed, and an event of Azure's host has its function's name beside
//! it.

use crate::json::{self, Value, ValueKind};
use std::borrow::Cow;

/// The places where a source writes names: members from the outside in. `*` stands for the first element of an array,
/// or the first member of an object.
const PLACES: &[(&str, &[&[&str]])] = &[
    ("aws:sqs", &[&["Records", "*", "eventSourceARN"]]),
    ("aws:sns", &[&["Records", "*", "Sns", "TopicArn"]]),
    ("aws:s3", &[&["Records", "*", "s3", "bucket", "name"], &["Bucket"]]),
    ("aws:dynamodb", &[&["Records", "*", "eventSourceARN"], &["eventSourceARN"]]),
    ("aws:kinesis", &[&["Records", "*", "eventSourceARN"], &["eventSourceARN"]]),
    ("aws:kafka", &[&["records", "*", "*", "topic"], &["eventSourceArn"]]),
    ("self-managed-kafka", &[&["records", "*", "*", "topic"]]),
    ("aws:mq", &[&["eventSourceArn"]]),
    ("aws:rmq", &[&["eventSourceArn"]]),
    ("aws:docdb", &[&["eventSourceArn"]]),
    ("aws:firehose", &[&["deliveryStreamArn"]]),
    ("aws:eventbridge", &[&["source"]]),
    ("aws:eventbridge:schedule", &[&["resources", "*"]]),
    ("aliyun:oss", &[&["events", "*", "oss", "bucket", "name"]]),
    ("aliyun:timer", &[&["triggerName"]]),
    ("aliyun:sls", &[&["source", "logstoreName"]]),
    ("aliyun:mns", &[&["TopicName"]]),
    ("tencent:timer", &[&["TriggerName"]]),
    ("tencent:cos", &[&["Records", "*", "cos", "cosBucket", "name"]]),
    ("tencent:cmq", &[&["Records", "*", "CMQ", "topicName"]]),
    ("tencent:ckafka", &[&["Records", "*", "Ckafka", "topic"]]),
    ("huawei:timer", &[&["trigger_name"]]),
    ("huawei:kafka", &[&["records", "*", "topic_id"]]),
    ("huawei:smn", &[&["record", "*", "smn", "topic_urn"]]),
    ("huawei:obs", &[&["Records", "*", "s3", "bucket", "name"]]),
    ("huawei:dis", &[&["StreamName"]]),
    ("yandex:timer", &[&["messages", "*", "details", "trigger_id"]]),
    ("yandex:ymq", &[&["messages", "*", "details", "queue_id"]]),
    ("yandex:storage", &[&["messages", "*", "details", "bucket_id"]]),
    ("google:pubsub", &[&["context", "resource", "name"], &["context", "resource"], &["resource"]]),
    ("google:storage", &[&["data", "bucket"]]),
    ("google:firestore", &[&["context", "resource"], &["resource"]]),
];

/// The source of messages that come by Alibaba's EventBridge.
pub(super) const EVENTBRIDGE: &str = "aliyun:eventbridge";

/// Returns the names of the resource that an event of this source comes from: a name, a path, or an ARN, as the source
/// writes it. It returns no name if the source writes no name, or if the event is not as it should be.
pub(crate) fn names<'e>(source: &str, event: &'e [u8]) -> impl Iterator<Item = Cow<'e, str>> + use<'e> {
    let places = PLACES.iter().find(|(other, _)| *other == source).map_or(&[][..], |(_, places)| *places);
    let by_eventbridge = if source == EVENTBRIDGE { of_eventbridge(event) } else { Vec::new() };
    let event = if places.is_empty() { None } else { json::parse(event).ok() };
    places.iter().filter_map(move |place| follow(event?, place)).chain(by_eventbridge)
}

/// Returns the names in a message by Alibaba's EventBridge: the subject of its CloudEvent, and the topic of its data.
/// Of a batch the first message is read.
fn of_eventbridge<'e>(event: &[u8]) -> Vec<Cow<'e, str>> {
    let look = |event: Value<'_>| {
        let places: [&[&str]; 2] = [&["subject"], &["data", "topic"]];
        let owned = |place: &&[&str]| Some(Cow::Owned(follow(event, place)?.into_owned()));
        places.iter().filter_map(owned).collect()
    };
    let Ok(event) = json::parse(event) else { return Vec::new() };
    let Some(first) = event.elements().next() else { return look(event) };
    match first.as_str() {
        Some(text) => json::parse(text.as_bytes()).map(look).unwrap_or_default(),
        None => look(first),
    }
}

/// Returns the event types that an event of this source names in its members. A CloudEvent has its type as an
/// attribute, and is not read here.
pub(crate) fn types<'e>(source: &str, event: &'e [u8]) -> impl Iterator<Item = Cow<'e, str>> + use<'e> {
    const PLACES: &[&[&str]] = &[&["detail-type"], &["context", "eventType"], &["eventType"]];
    let has_types = source.starts_with("aws:eventbridge") || source.starts_with("google:");
    let event = if has_types { json::parse(event).ok() } else { None };
    PLACES.iter().filter_map(move |place| follow(event?, place))
}

fn follow<'e>(event: Value<'e>, place: &[&str]) -> Option<Cow<'e, str>> {
    let step = |value: Value<'e>, member: &&str| match (*member, value.kind()) {
        ("*", ValueKind::Array) => value.elements().next(),
        ("*", _) => value.members().next().map(|(_, value)| value),
        (member, _) => value.get(member),
    };
    place.iter().try_fold(event, step)?.as_str()
}

/// Returns the words by which a configuration may call a source of this name. They are the whole name, the resource of
/// an ARN, and each part of a path or of that resource. `orders` therefore means `arn:aws:sqs:eu-west-1:1:orders` and
/// `projects/p/topics/orders`.
pub(crate) fn words(name: &str) -> impl Iterator<Item = &str> {
    // arn:partition:service:region:account:resource, yrn alike, urn:service:region:project:resource and acs alike.
    let skipped = match name.split(':').next() {
        Some("arn" | "yrn") => 5,
        Some("urn" | "acs") => 4,
        _ => 0,
    };
    let resource = name.splitn(skipped + 1, ':').nth(skipped).unwrap_or(name);
    let parts = resource.split([':', '/', '#']).filter(|part| part.len() < resource.len());
    let own = if resource.len() < name.len() { Some(resource) } else { None };
    [name].into_iter().chain(own).chain(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::{DecodedEvent, SpareView};

    fn means(wanted: &str, name: &str) -> bool {
        words(name).any(|word| word == wanted)
    }

    fn all(event: &str) -> Vec<String> {
        let decoded = DecodedEvent::of_event(event.as_bytes(), &mut SpareView::default());
        names(decoded.source, event.as_bytes()).map(Cow::into_owned).collect()
    }

    #[test]
    fn an_event_names_its_queue_topic_bucket_table_stream_or_timer() {
        for (event, expected) in [
            (r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:1:orders"}]}"#, "orders"),
            (
                r#"{"Records":[{"EventSource":"aws:sns","Sns":{"TopicArn":"arn:aws:sns:eu-west-1:1:orders"}}]}"#,
                "orders",
            ),
            (r#"{"Records":[{"eventSource":"aws:s3","s3":{"bucket":{"name":"photos"}}}]}"#, "photos"),
            (r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"photos"}"#, "photos"),
            (
                r#"{"Records":[{"eventSource":"aws:dynamodb","eventSourceARN":"arn:aws:dynamodb:r:1:table/Orders/stream/2026"}]}"#,
                "Orders",
            ),
            (r#"{"eventSource":"aws:kafka","eventSourceArn":"arn","records":{"paid-0":[{"topic":"paid"}]}}"#, "paid"),
            (r#"{"eventSource":"SelfManagedKafka","records":{"paid-0":[{"topic":"paid"}]}}"#, "paid"),
            (
                r#"{"source":"aws.events","detail-type":"Scheduled Event","resources":["arn:aws:events:r:1:rule/nightly"]}"#,
                "nightly",
            ),
            (r#"{"source":"com.shop","detail-type":"Paid"}"#, "com.shop"),
            (r#"{"triggerName":"nightly","triggerTime":"t","payload":""}"#, "nightly"),
            (r#"{"Type":"Timer","TriggerName":"nightly","Time":"t"}"#, "nightly"),
            (r#"{"trigger_type":"TIMER","trigger_name":"nightly"}"#, "nightly"),
            (
                r#"[{"specversion":"1.0","type":"mns:Queue:SendMessage","subject":"acs:mns:cn-hangzhou:1:queues/orders"}]"#,
                "orders",
            ),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"mns:Queue:SendMessage","subject":"acs:mns:r:1:queues/orders"}"#,
                "orders",
            ),
            (
                r#"["{\"specversion\":\"1.0\",\"type\":\"mq:Topic:SendMessage\",\"data\":{\"topic\":\"paid\"}}"]"#,
                "paid",
            ),
            (r#"{"record":[{"smn":{"topic_urn":"urn:smn:region:project:alerts"}}]}"#, "alerts"),
            (
                r#"{"messages":[{"event_metadata":{"event_type":"yandex.cloud.events.messagequeue.QueueMessage"},"details":{"queue_id":"yrn:yc:ymq:ru:b1:orders"}}]}"#,
                "orders",
            ),
        ] {
            let names = all(event);
            assert!(names.iter().any(|name| means(expected, name)), "{expected} is not among {names:?} of {event}");
        }
    }

    #[test]
    fn a_part_of_an_arn_that_is_no_resource_is_no_name() {
        let arn = "arn:aws:sqs:eu-west-1:123:orders";
        for part in ["arn", "aws", "sqs", "eu-west-1", "123", "order", "", "orders2"] {
            assert!(!means(part, arn), "{part}");
        }
        assert!(means(arn, arn) && means("orders", arn));
        assert!(means("orders", "projects/p/topics/orders") && means("com.shop", "com.shop"));
    }

    #[test]
    fn an_event_that_is_not_as_it_should_be_names_nothing() {
        for event in ["", "[]", "null", r#"{"Records":[]}"#, r#"{"Records":[{"eventSource":"aws:sqs"}]}"#] {
            assert!(all(event).is_empty(), "{event}");
        }
    }
}
