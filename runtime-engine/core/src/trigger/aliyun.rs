//! Events of Alibaba Cloud Function Compute, told apart by their shape: the platform hands a source's bytes on without
//! an envelope.
//!
//! | mark | kind | source |
//! |---|---|---|
//! | `version` of v1 and `requestContext.http` | http | `aliyun:http` |
//! | `httpMethod` and `path` without `requestContext` | http | `aliyun:apigateway` |
//! | `events`, the first from `acs:oss` | storage | `aliyun:oss` |
//! | `events`, the first from `cdn` | event | `aliyun:cdn` |
//! | `triggerName` and `triggerTime` | timer | `aliyun:timer` |
//! | `source.logstoreName` | log | `aliyun:sls` |
//! | `TopicName` and what else MNS says of a message; or `body` and `attrs.Extend` | topic | `aliyun:mns` |
//! | CBOR, or JSON, of `Version` and `Records` with primary keys | table | `aliyun:tablestore` |
//! | a CloudEvent of a queue ([`is_of_a_queue`]), or a list of them, each an object or a text | queue | `aliyun:eventbridge` |
//! | any other list of CloudEvents | stream | `aliyun:eventbridge` |
//!
//! A message of MNS in its simplified form is the message's own bytes and nothing more. Any other event of EventBridge
//! is a CloudEvent like those of other places.

pub(super) mod cbor;

use super::aws::read::{body_of, map, text};
use super::cloudevents::is_of_a_queue;
use super::members::members;
use super::resource::EVENTBRIDGE;
use super::{DecodedEvent, HttpView, Kind, ReplyFormat, SpareView};
use crate::json::{self, Object, Value, ValueKind as Json};

/// Returns the event decoded if it is one of these. The spare view is taken only then.
pub(super) fn recognise(bytes: &[u8], object: &Object<'_, '_>, spare: &mut SpareView) -> Option<DecodedEvent> {
    let event = Event::of(object.members());
    let (source, fill): (_, fn(&[u8], &Event<'_>, &mut HttpView)) = if event.is_http_trigger() {
        ("aliyun:http", http_trigger)
    } else if event.is_gateway() {
        ("aliyun:apigateway", gateway)
    } else {
        return event.service().map(|(kind, source)| DecodedEvent::bare(kind, source));
    };
    let mut view = spare.take();
    fill(bytes, &event, &mut view);
    Some(DecodedEvent::request(Kind::Http, source, ReplyFormat::Plain, view))
}

/// Decodes an event that is no JSON object.
pub(super) fn recognise_other(event: &[u8]) -> Option<DecodedEvent> {
    if cbor::is_map_of_records(event) {
        return Some(DecodedEvent::bare(Kind::Table, "aliyun:tablestore"));
    }
    is_batch(event).map(|kind| DecodedEvent::bare(kind, EVENTBRIDGE))
}

/// Returns the kind of a batch by its first event; `None` if the bytes are no batch. Queues, Kafka and other streams
/// send a list of CloudEvents, each an object or a text that is one.
fn is_batch(event: &[u8]) -> Option<Kind> {
    let mut begin = event.iter().filter(|byte| !byte.is_ascii_whitespace());
    if !matches!((begin.next(), begin.next()), (Some(b'['), Some(b'"' | b'{'))) {
        return None;
    }
    let list = json::parse(event).ok()?;
    let first = list.elements().next()?;
    let kind = |first: Value<'_>| {
        let is_event = first.get("specversion").is_some();
        let event_type = first.get("type").filter(|_| is_event)?.as_str()?;
        Some(if is_of_a_queue(event_type.as_bytes()) { Kind::Queue } else { Kind::Stream })
    };
    match first.as_str() {
        Some(text) => kind(json::parse(text.as_bytes()).ok()?),
        None => kind(first),
    }
}

members! {
    /// The members that tell the kind of an event.
    Event {
        version = "version",
        raw_path = "rawPath",
        path = "path",
        method = "httpMethod",
        headers = "headers",
        query = "queryParameters",
        params = "pathParameters",
        body = "body",
        base64 = "isBase64Encoded",
        context = "requestContext",
        events = "events",
        timer = "triggerName",
        time = "triggerTime",
        source = "source",
        topic = "TopicName",
        topic_owner = "TopicOwner",
        message_md5 = "MessageMD5",
        attrs = "attrs",
        table_version = "Version",
        records = "Records",
    }
}

impl<'a> Event<'a> {
    fn is_http_trigger(&self) -> bool {
        let http = self.context.and_then(|context| context.get("http"));
        is(self.version, "v1") && http.is_some_and(|http| http.kind() == Json::Object)
    }

    fn is_gateway(&self) -> bool {
        let is_text = |value: Option<Value<'_>>| value.is_some_and(|value| value.kind() == Json::String);
        is_text(self.method) && is_text(self.path) && self.context.is_none()
    }

    /// Returns `true` if the body is base64. The gateway has been seen to say it as a text, too.
    fn is_coded(&self) -> bool {
        self.base64.is_some_and(|flag| flag.as_bool() == Some(true) || is(Some(flag), "true"))
    }

    fn service(&self) -> Option<(Kind, &'static str)> {
        if let Some(first) = self.events.and_then(|events| events.elements().next()) {
            let source = first.get("eventSource").and_then(|source| source.as_str());
            match source.as_deref() {
                Some("acs:oss") => return Some((Kind::Storage, "aliyun:oss")),
                Some("cdn") => return Some((Kind::Event, "aliyun:cdn")),
                _ => {}
            }
        }
        let has = |object: Option<Value<'_>>, member| object.and_then(|object| object.get(member)).is_some();
        let is_row = |record: Value<'_>| record.get("PrimaryKey").is_some();
        Some(if self.timer.is_some() && self.time.is_some() {
            (Kind::Timer, "aliyun:timer")
        } else if has(self.source, "logstoreName") {
            (Kind::Log, "aliyun:sls")
        } else if self.topic.is_some() && (self.topic_owner.is_some() || self.message_md5.is_some())
            || self.body.is_some() && has(self.attrs, "Extend")
        {
            (Kind::Topic, "aliyun:mns")
        } else if self.table_version.is_some()
            && self.records.and_then(|records| records.elements().next()).is_some_and(is_row)
        {
            (Kind::Table, "aliyun:tablestore")
        } else {
            return None;
        })
    }
}

fn is(value: Option<Value<'_>>, word: &str) -> bool {
    value.and_then(|value| value.as_str()).as_deref() == Some(word)
}

/// Fills an empty view from an event of the HTTP trigger.
fn http_trigger(bytes: &[u8], event: &Event<'_>, view: &mut HttpView) {
    let context = |names: &[&str]| event.context.and_then(|context| context.path(names));
    text(context(&["http", "method"]), |t| view.set_method(t));
    text(event.raw_path.or_else(|| context(&["http", "path"])), |t| view.set_coded_path(t));
    text(context(&["http", "protocol"]), |t| view.set_protocol(t));
    text(context(&["http", "sourceIp"]), |t| view.set_client_ip(t));
    text(context(&["domainName"]), |t| view.set_host(t));
    common(bytes, event, view, b"https");
}

/// Fills an empty view from an event of the API gateway, which has the function as its backend.
fn gateway(bytes: &[u8], event: &Event<'_>, view: &mut HttpView) {
    text(event.method, |t| view.set_method(t));
    text(event.path, |t| view.set_coded_path(t));
    map(event.params, &mut view.params);
    common(bytes, event, view, b"http");
}

fn common(bytes: &[u8], event: &Event<'_>, view: &mut HttpView, scheme: &[u8]) {
    map(event.query, &mut view.query);
    view.encode_query();
    map(event.headers, &mut view.headers);
    view.read_way(scheme);
    view.body = body_of(bytes, event.body, event.is_coded());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Fields;
    use crate::trigger::Body;

    fn read(event: &[u8]) -> DecodedEvent {
        DecodedEvent::of_event(event, &mut SpareView::trusting(1))
    }

    fn kind(event: &str) -> (Kind, &'static str) {
        let decoded = read(event.as_bytes());
        (decoded.kind, decoded.source)
    }

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).expect("text")
    }

    fn pairs(fields: &Fields) -> String {
        let pairs: Vec<_> = fields.iter().map(|(name, value)| format!("{}={}", text(name), text(value))).collect();
        pairs.join("&")
    }

    fn body(event: &str, view: &HttpView) -> String {
        let bytes = match &view.body {
            Body::Empty => &[],
            Body::Whole => event.as_bytes(),
            Body::Part(span) => span.read(event.as_bytes()),
            Body::Own(bytes) => bytes,
        };
        text(bytes).to_owned()
    }

    #[test]
    fn the_http_trigger_is_a_request_with_a_reply_of_four_members() {
        let event = r#"{"version":"v1","rawPath":"/a%20b/c","headers":{"Accept":"*/*","X-Two":"1,2","Cookie":"k=v; l=w",
            "Host":"h.example"},"queryParameters":{"q":"a b","r":"1"},"body":"aGk=","isBase64Encoded":true,
            "requestContext":{"accountId":"1","domainName":"d.example","domainPrefix":"d","requestId":"r-1",
            "time":"2026-01-02T03:04:05Z","timeEpoch":"1767323045000","http":{"method":"PUT","path":"/a b/c",
            "protocol":"HTTP/1.1","sourceIp":"192.0.2.7","userAgent":"x"}}}"#;
        let decoded = read(event.as_bytes());
        assert_eq!((decoded.kind, decoded.source, decoded.form), (Kind::Http, "aliyun:http", ReplyFormat::Plain));
        let view = decoded.http.expect("a request");
        assert_eq!((text(view.method()), text(view.raw_path()), text(view.path())), ("PUT", "/a%20b/c", "/a b/c"));
        assert_eq!((pairs(&view.query).as_str(), text(view.raw_query())), ("q=a b&r=1", "q=a%20b&r=1"));
        assert_eq!(view.header(b"x-two"), Some(&b"1,2"[..]));
        assert_eq!(pairs(&view.cookies), "k=v&l=w");
        assert_eq!((text(view.host()), text(view.client_ip())), ("h.example", "192.0.2.7"));
        assert_eq!((text(view.scheme()), text(view.protocol())), ("https", "HTTP/1.1"));
        assert_eq!(body(event, &view), "hi");
    }

    #[test]
    fn the_http_trigger_needs_little_and_its_version() {
        let decoded =
            read(br#"{"version":"v1","requestContext":{"http":{"method":"GET","path":"/x"},"domainName":"d"}}"#);
        let view = decoded.http.expect("a request");
        assert_eq!((decoded.source, text(view.path()), text(view.host())), ("aliyun:http", "/x", "d"));
        assert!(matches!(view.body, Body::Empty));
        assert_eq!(kind(r#"{"version":"2.0","requestContext":{"http":{}}}"#).1, "aws:apigateway:v2");
        assert_eq!(kind(r#"{"version":"v1","requestContext":{"http":null}}"#), (Kind::Raw, ""));
        assert_eq!(kind(r#"{"version":"v1"}"#), (Kind::Raw, ""));
    }

    #[test]
    fn the_gateway_is_known_by_its_method_and_says_base64_in_two_ways() {
        for (flag, expected) in [
            ("true", "hi"),
            ("\"true\"", "hi"),
            ("false", "aGk="),
            ("\"false\"", "aGk="),
            ("null", "aGk="),
            ("1", "aGk="),
        ] {
            let event = format!(
                r#"{{"path":"/api/%C3%BC","httpMethod":"POST","headers":{{"X-Forwarded-For":"10.0.0.1, 192.0.2.9"}},
                "queryParameters":{{"a":"1&2"}},"pathParameters":{{"id":"7"}},"body":"aGk=","isBase64Encoded":{flag}}}"#
            );
            let decoded = read(event.as_bytes());
            assert_eq!(
                (decoded.kind, decoded.source, decoded.form),
                (Kind::Http, "aliyun:apigateway", ReplyFormat::Plain)
            );
            let view = decoded.http.expect("a request");
            assert_eq!(body(&event, &view), expected, "{flag}");
            assert_eq!((text(view.raw_path()), text(view.path())), ("/api/%C3%BC", "/api/ü"));
            assert_eq!((text(view.raw_query()), pairs(&view.params).as_str()), ("a=1%262", "id=7"));
            assert_eq!(text(view.client_ip()), "192.0.2.9");
        }
        for other in [
            r#"{"httpMethod":"GET","path":"/","requestContext":{}}"#,
            r#"{"httpMethod":"GET"}"#,
            r#"{"httpMethod":1,"path":"/"}"#,
        ] {
            assert_ne!(kind(other).1, "aliyun:apigateway", "{other}");
        }
    }

    #[test]
    fn services_are_known_by_what_they_say_of_themselves() {
        for (event, expected) in [
            (
                r#"{"events":[{"eventName":"ObjectCreated:PutObject","eventSource":"acs:oss","eventVersion":"1.0",
                "region":"cn-test","oss":{"bucket":{"name":"b"},"object":{"key":"a%2Fb"}}}]}"#,
                (Kind::Storage, "aliyun:oss"),
            ),
            (
                r#"{"events":[{"eventName":"CdnDomainAdded","eventSource":"cdn","resource":{"domain":"d"}}]}"#,
                (Kind::Event, "aliyun:cdn"),
            ),
            (
                r#"{"triggerTime":"2026-01-02T03:04:05Z","triggerName":"tick","payload":"blue"}"#,
                (Kind::Timer, "aliyun:timer"),
            ),
            (
                r#"{"parameter":{},"source":{"endpoint":"e","projectName":"p","logstoreName":"l","shardId":0,
                "beginCursor":"a","endCursor":"b"},"jobName":"j","taskId":"t","cursorTime":1}"#,
                (Kind::Log, "aliyun:sls"),
            ),
            (r#"{"body":"hello","attrs":{"Extend":"{\"k\":1}"}}"#, (Kind::Topic, "aliyun:mns")),
            (
                r#"{"TopicOwner":"1","Message":"hello","Subscriber":"1","PublishTime":1,"SubscriptionName":"s",
                "MessageMD5":"m","TopicName":"t","MessageId":"i","own":"attribute"}"#,
                (Kind::Topic, "aliyun:mns"),
            ),
            (
                r#"{"Version":"Sync-v1","Records":[{"Type":"PutRow","PrimaryKey":[{"ColumnName":"k","Value":1}]}]}"#,
                (Kind::Table, "aliyun:tablestore"),
            ),
            (
                r#"["{\"specversion\":\"1.0\",\"type\":\"alikafka:Topic:Message\",\"data\":{}}","{}"]"#,
                (Kind::Stream, "aliyun:eventbridge"),
            ),
            (
                r#"["{\"specversion\":\"1.0\",\"type\":\"mns:Queue:SendMessage\",\"data\":{}}"]"#,
                (Kind::Queue, "aliyun:eventbridge"),
            ),
            (r#" [ {"specversion":"1.0","type":"amqp:Queue:SendMessage"},{}]"#, (Kind::Queue, "aliyun:eventbridge")),
            (r#"[{"specversion":"1.0","type":"alikafka:Topic:Message"}]"#, (Kind::Stream, "aliyun:eventbridge")),
            (
                r#"{"specversion":"1.0","id":"1","source":"s","type":"mq:Topic:SendMessage","data":{"body":"hi"}}"#,
                (Kind::Queue, "aliyun:eventbridge"),
            ),
        ] {
            assert_eq!(kind(event), expected, "{event}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_raw() {
        for event in [
            r#"{"events":[]}"#,
            r#"{"events":[{"eventSource":"acs:new"}]}"#,
            r#"{"events":{"eventSource":"acs:oss"}}"#,
            r#"{"triggerName":"tick"}"#,
            r#"{"source":"logstoreName"}"#,
            r#"{"body":"hello","attrs":{}}"#,
            r#"{"TopicName":"t"}"#,
            r#"{"Version":"Sync-v1","Records":[]}"#,
            r#"["text"]"#,
            r#"["{\"type\":\"x\"}"]"#,
            r#"[{"type":"mns:Queue:SendMessage"}]"#,
            r#"[{"specversion":"1.0"}]"#,
            r#"["{\"specversion\":\"1.0\",\"type\":\"x\"}""#,
            "[]",
            "[[\"a\"]]",
        ] {
            assert_eq!(kind(event), (Kind::Raw, ""), "{event}");
        }
    }

    #[test]
    fn a_change_of_a_table_is_known_in_its_own_coding() {
        let mut event = b"\xa2\x67Version\x67Sync-v1\x67Records\x81\xa1\x64Type\x66PutRow".to_vec();
        assert_eq!((read(&event).kind, read(&event).source), (Kind::Table, "aliyun:tablestore"));
        event.truncate(12);
        assert_eq!(read(&event).kind, Kind::Raw);
    }

    #[test]
    fn a_view_that_is_used_again_keeps_nothing() {
        let first =
            read(br#"{"path":"/x?","httpMethod":"PUT","headers":{"a":"b"},"pathParameters":{"p":"1"},"body":"full"}"#);
        let again = DecodedEvent::of_event(
            br#"{"path":"/","httpMethod":"GET"}"#,
            &mut SpareView::used(first.http.expect("a request")),
        );
        let view = again.http.expect("a request");
        assert!(view.headers.is_empty() && view.params.is_empty() && matches!(view.body, Body::Empty));
        assert_eq!((text(view.method()), text(view.client_ip())), ("GET", ""));
    }
}
