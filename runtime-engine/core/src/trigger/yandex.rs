//! Events of Yandex Cloud Functions: requests, and the messages of triggers.
//!
//! Source: the pages on invocation and triggers in the documentation of Cloud Functions and API Gateway. API Gateway's
//! payload 1.0 is that of AWS and is read as such; so are its WebSocket events. Of triggers, the one for data streams
//! sends what is in the stream, and the one for Telegram what Telegram sends: nothing marks those.
//!
//! | mark | kind | source |
//! |---|---|---|
//! | `httpMethod` and `requestContext.requestTimeEpoch` | http | `yandex:http` |
//! | `messages[0].event_metadata.event_type`, `yandex.cloud.events.` and | | |
//! | … `serverless.triggers.TimerMessage` | timer | `yandex:timer` |
//! | … `messagequeue.` | queue | `yandex:ymq` |
//! | … `storage.` | storage | `yandex:storage` |
//! | … `iot.` | topic | `yandex:iot` |
//! | … `serverless.triggers.LoggingMessageBatch`, `….CloudLogsMessageBatch` | log | `yandex:logging` |
//! | … `containerregistry.` | event | `yandex:container-registry` |
//! | … anything else | event | `yandex:event` |
//! | `messages[0].budget_id` and `.billing_account_id` | event | `yandex:budget` |
//! | `messages[0].received_at`, `.headers` and `.message` | event | `yandex:mail` |

use super::aws::read::{body_of, both_maps, map, text};
use super::view::{HttpView, SpareView};
use super::{DecodedEvent, Kind, ReplyFormat};
use crate::fields::{caseless_order, exact_order};
use crate::json::{Object, Value, ValueKind as Json};

/// Returns the event decoded if it is one of these. The spare view is taken only then.
pub(super) fn recognise(bytes: &[u8], object: &Object<'_, '_>, spare: &mut SpareView) -> Option<DecodedEvent> {
    let value = object.value();
    if let Some(message) = value.get("messages").and_then(|list| list.elements().next()) {
        return source(message).map(|(kind, source)| DecodedEvent::bare(kind, source));
    }
    let context = value.get("requestContext")?;
    let method = value.get("httpMethod").filter(|method| method.kind() == Json::String)?;
    context.get("requestTimeEpoch").filter(|time| !time.is_null())?;
    let mut view = spare.take();
    request(bytes, value, method, context, &mut view);
    Some(DecodedEvent::request(Kind::Http, "yandex:http", ReplyFormat::Yandex, view))
}

/// Returns the kind and source of a batch by its first message: a trigger sends one kind.
fn source(message: Value<'_>) -> Option<(Kind, &'static str)> {
    let has = |names: &[&str]| names.iter().all(|name| message.get(name).is_some());
    let Some(event_type) = message.path(&["event_metadata", "event_type"]) else {
        return if has(&["budget_id", "billing_account_id"]) {
            Some((Kind::Event, "yandex:budget"))
        } else if has(&["received_at", "headers", "message"]) {
            Some((Kind::Event, "yandex:mail"))
        } else {
            None
        };
    };
    let event_type = event_type.as_str()?;
    let event = event_type.strip_prefix("yandex.cloud.events.")?;
    Some(match event.split_once('.') {
        Some(("serverless", "triggers.TimerMessage")) => (Kind::Timer, "yandex:timer"),
        Some(("serverless", "triggers.LoggingMessageBatch" | "triggers.CloudLogsMessageBatch")) => {
            (Kind::Log, "yandex:logging")
        }
        Some(("messagequeue", _)) => (Kind::Queue, "yandex:ymq"),
        Some(("storage", _)) => (Kind::Storage, "yandex:storage"),
        Some(("iot", _)) => (Kind::Topic, "yandex:iot"),
        Some(("containerregistry", _)) => (Kind::Event, "yandex:container-registry"),
        _ => (Kind::Event, "yandex:event"),
    })
}

/// Fills an empty view from a request. Through API Gateway `url` is the path that was asked for, and `path` is the
/// pattern in its specification. A call of the function's own address tells no path, whatever stood behind the address.
fn request(bytes: &[u8], event: Value<'_>, method: Value<'_>, context: Value<'_>, view: &mut HttpView) {
    text(Some(method), |method| view.set_method(method));
    view.set_protocol(b"HTTP/1.1");
    let mut target = Vec::new();
    text(event.get("url"), |url| target.extend_from_slice(url));
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    view.set_coded_path(if path.is_empty() { b"/" } else { path });
    text(event.get("path"), |pattern| view.set_route(pattern));
    both_maps(
        event.get("multiValueQueryStringParameters"),
        event.get("queryStringParameters"),
        &mut view.query,
        exact_order,
    );
    view.encode_query();
    both_maps(event.get("multiValueHeaders"), event.get("headers"), &mut view.headers, caseless_order);
    map(event.get("pathParams"), &mut view.params);
    text(context.path(&["identity", "sourceIp"]), |client| view.set_client_ip(client));
    view.read_way(b"https");
    let coded = event.get("isBase64Encoded").and_then(|flag| flag.as_bool()) == Some(true);
    view.body = body_of(bytes, event.get("body"), coded);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigger::Body;

    fn read(event: &str) -> DecodedEvent {
        DecodedEvent::of_event(event.as_bytes(), &mut SpareView::trusting(1))
    }

    fn message(event_type: &str) -> String {
        format!(
            r#"{{"messages":[{{"event_metadata":{{"event_id":"e","event_type":"{event_type}"}},"details":{{}}}}]}}"#
        )
    }

    #[test]
    fn triggers_are_known_by_the_type_of_their_first_message() {
        for (event_type, kind, source) in [
            ("serverless.triggers.TimerMessage", Kind::Timer, "yandex:timer"),
            ("messagequeue.QueueMessage", Kind::Queue, "yandex:ymq"),
            ("storage.ObjectCreate", Kind::Storage, "yandex:storage"),
            ("storage.ObjectDelete", Kind::Storage, "yandex:storage"),
            ("iot.IoTMessage", Kind::Topic, "yandex:iot"),
            ("serverless.triggers.LoggingMessageBatch", Kind::Log, "yandex:logging"),
            ("serverless.triggers.CloudLogsMessageBatch", Kind::Log, "yandex:logging"),
            ("containerregistry.CreateImage", Kind::Event, "yandex:container-registry"),
            ("new.Thing", Kind::Event, "yandex:event"),
            ("", Kind::Event, "yandex:event"),
        ] {
            let decoded = read(&message(&format!("yandex.cloud.events.{event_type}")));
            assert_eq!((decoded.kind, decoded.source, decoded.form), (kind, source, ReplyFormat::Bare), "{event_type}");
        }
        for (event, source) in [
            (r#"{"messages":[{"billing_account_id":"a","budget_id":"b","amount":1}]}"#, "yandex:budget"),
            (r#"{"messages":[{"received_at":"t","headers":[],"message":"m"}]}"#, "yandex:mail"),
        ] {
            assert_eq!((read(event).kind, read(event).source), (Kind::Event, source));
        }
    }

    #[test]
    fn messages_of_others_are_raw() {
        for event in [
            message("acme.events.Thing").as_str(),
            r#"{"messages":[]}"#,
            r#"{"messages":null}"#,
            r#"{"messages":[{"key":"value"}]}"#,
            r#"{"messages":[{"event_metadata":{"event_type":7}}]}"#,
            r#"{"httpMethod":"GET","requestContext":{"requestTimeEpoch":null}}"#,
            r#"{"requestContext":{"requestTimeEpoch":1}}"#,
            r#"{"httpMethod":null,"requestContext":{"requestTimeEpoch":1}}"#,
        ] {
            assert_eq!(read(event).kind, Kind::Raw, "{event}");
        }
    }

    #[test]
    fn a_request_to_the_function_itself_has_no_path() {
        let event = r#"{"httpMethod":"POST","headers":{"Host":"functions.example","X-A":"2","Content-Type":"text/plain"},
            "multiValueHeaders":{"X-A":["1","2"]},"queryStringParameters":{"q":"2"},
            "multiValueQueryStringParameters":{"q":["1","2"],"s":["a b"]},"url":"",
            "requestContext":{"identity":{"sourceIp":"192.0.2.7","userAgent":"u"},"httpMethod":"POST","requestId":"r",
            "requestTime":"t","requestTimeEpoch":1600000000},"body":"aGk=","isBase64Encoded":true}"#;
        let decoded = read(event);
        assert_eq!((decoded.kind, decoded.source, decoded.form), (Kind::Http, "yandex:http", ReplyFormat::Yandex));
        let view = decoded.http.expect("a request");
        assert_eq!((view.method(), view.path(), view.client_ip()), (&b"POST"[..], &b"/"[..], &b"192.0.2.7"[..]));
        assert_eq!((view.raw_query(), view.query.len()), (&b"q=1&q=2&s=a%20b"[..], 3));
        assert_eq!((view.headers.len(), view.host(), view.scheme()), (4, &b"functions.example"[..], &b"https"[..]));
        assert!(matches!(view.body, Body::Own(ref bytes) if bytes == b"hi"));
    }

    #[test]
    fn api_gateway_tells_path_pattern_and_parameters() {
        let event = r#"{"url":"/pets/7%20a?x=1","path":"/pets/{id}","httpMethod":"GET","pathParams":{"id":"7 a"},
            "params":{"id":"7 a"},"headers":{},"queryStringParameters":{"x":"1"},
            "requestContext":{"requestTimeEpoch":1},"body":null,"isBase64Encoded":false}"#;
        let view = read(event).http.expect("a request");
        assert_eq!((view.raw_path(), view.path()), (&b"/pets/7%20a"[..], &b"/pets/7 a"[..]));
        assert_eq!((view.route(), view.raw_query()), (&b"/pets/{id}"[..], &b"x=1"[..]));
        assert_eq!(view.params.get(b"id", crate::fields::exact), Some(&b"7 a"[..]));
        assert!(matches!(view.body, Body::Empty));
    }

    #[test]
    fn payload_1_of_api_gateway_is_that_of_aws() {
        let event = r#"{"version":"1.0","resource":"/a","path":"/a","httpMethod":"GET","headers":{},
            "requestContext":{"requestTimeEpoch":1}}"#;
        assert_eq!(read(event).source, "aws:apigateway:v1");
    }
}
