//! Events of Google's older form, and messages that Pub/Sub pushes.
//!
//! The context is the member `context`, or its members stand at the top beside `data`. The resource is a text, or an
//! object with `service`, `name` and `type`. Unknown members are passed over.

use crate::json::{Value, ValueKind as Json};
use std::borrow::Cow;

/// An event of the older form.
#[derive(Debug)]
pub(super) struct Legacy<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) timestamp: Option<Cow<'a, str>>,
    pub(super) event_type: Cow<'a, str>,
    /// The service that the resource names; `None` if it names no service.
    pub(super) service: Option<Cow<'a, str>>,
    /// The name of the resource.
    pub(super) name: Cow<'a, str>,
    /// The resource as it stands in the event.
    pub(super) resource: Value<'a>,
    pub(super) data: Option<Value<'a>>,
    /// The domain in an event of the Firebase database; `None` in other events.
    pub(super) domain: Option<Cow<'a, str>>,
    /// `true` if the event has a member `context`.
    pub(super) is_nested: bool,
}

impl<'a> Legacy<'a> {
    /// Reads an event of the older form; `None` if the JSON is no such event.
    pub(super) fn read(body: Value<'a>) -> Option<Legacy<'a>> {
        let nested = body.get("context").filter(|context| context.kind() == Json::Object);
        let context = nested.unwrap_or(body);
        let text = |name| context.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        let resource = context.get("resource")?;
        let of_resource = |name| resource.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        Some(Legacy {
            id: text("eventId")?,
            timestamp: text("timestamp"),
            event_type: text("eventType")?,
            service: of_resource("service"),
            name: resource.as_str().or_else(|| of_resource("name")).unwrap_or_default(),
            resource,
            data: body.get("data"),
            domain: body.get("domain").and_then(|domain| domain.as_str()).filter(|domain| !domain.is_empty()),
            is_nested: nested.is_some(),
        })
    }
}

/// A message that a subscription pushes.
#[derive(Debug)]
pub(super) struct Push<'a> {
    /// The whole body that was pushed.
    pub(super) body: Value<'a>,
    pub(super) message: Value<'a>,
    pub(super) id: Cow<'a, str>,
    pub(super) time: Option<Cow<'a, str>>,
}

impl<'a> Push<'a> {
    /// Reads a pushed message; `None` if the JSON is no such message.
    pub(super) fn read(body: Value<'a>) -> Option<Push<'a>> {
        body.get("subscription")?.as_str().filter(|subscription| !subscription.is_empty())?;
        let message = body.get("message")?;
        let text = |name| message.get(name).and_then(|value| value.as_str()).filter(|text| !text.is_empty());
        Some(Push { body, message, id: text("messageId")?, time: text("publishTime") })
    }
}

/// Returns the topic in the path of a request, where the subscription's owner has put it. A path without a topic gives
/// `UNKNOWN_PUBSUB_TOPIC`.
pub(super) fn topic_of(target: &[u8]) -> &str {
    const UNKNOWN: &str = "UNKNOWN_PUBSUB_TOPIC";
    let Ok(target) = std::str::from_utf8(target) else { return UNKNOWN };
    let path = target.split('?').next().unwrap_or_default();
    let mut from = 0;
    while let Some(at) = path[from..].find("projects/").map(|at| at + from) {
        let parts: Vec<&str> = path[at..].splitn(5, '/').collect();
        if let [_, project, "topics", topic, ..] = *parts
            && !project.is_empty()
            && !topic.is_empty()
        {
            return &path[at..at + "projects/".len() + project.len() + "/topics/".len() + topic.len()];
        }
        from = at + 1;
    }
    UNKNOWN
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    #[test]
    fn the_context_is_nested_or_at_the_top() {
        let flat = r#"{"eventId":"9","timestamp":"t","eventType":"e","resource":"projects/p","data":{"a":1},"params":{},
            "domain":"d"}"#;
        let nested = r#"{"context":{"eventId":"9","timestamp":"t","eventType":"e",
            "resource":{"service":"s","name":"projects/p","type":"x"}},"data":{"a":1},"domain":"d"}"#;
        for (text, service, is_nested) in [(flat, None, false), (nested, Some("s"), true)] {
            let legacy = Legacy::read(parse(text.as_bytes()).expect("JSON")).expect("an event");
            assert_eq!((&*legacy.id, legacy.timestamp.as_deref(), &*legacy.event_type), ("9", Some("t"), "e"));
            assert_eq!((legacy.service.as_deref(), &*legacy.name), (service, "projects/p"));
            assert_eq!((legacy.domain.as_deref(), legacy.is_nested), (Some("d"), is_nested));
            assert_eq!(legacy.data.map(|data| data.raw()), Some(&br#"{"a":1}"#[..]));
        }
    }

    #[test]
    fn without_id_type_or_resource_there_is_no_event() {
        for text in [
            "[]",
            "7",
            r#"{"eventType":"e","resource":"r"}"#,
            r#"{"eventId":"9","resource":"r"}"#,
            r#"{"eventId":"9","eventType":"e"}"#,
            r#"{"eventId":"","eventType":"e","resource":"r"}"#,
            r#"{"context":{},"eventId":"9","eventType":"e","resource":"r"}"#,
        ] {
            assert!(Legacy::read(parse(text.as_bytes()).expect("JSON")).is_none(), "{text}");
        }
    }

    #[test]
    fn a_push_names_its_subscription_and_its_message() {
        let text = r#"{"subscription":"projects/p/subscriptions/s","message":{"messageId":"1","data":"aGk=","publishTime":"t"}}"#;
        let push = Push::read(parse(text.as_bytes()).expect("JSON")).expect("a push");
        assert_eq!((&*push.id, push.time.as_deref()), ("1", Some("t")));
        for none in
            [r#"{"subscription":"s"}"#, r#"{"message":{"messageId":"1"}}"#, r#"{"subscription":"s","message":{}}"#]
        {
            assert!(Push::read(parse(none.as_bytes()).expect("JSON")).is_none(), "{none}");
        }
    }

    #[test]
    fn the_topic_is_looked_for_in_the_path() {
        for (target, topic) in [
            ("/projects/p/topics/t", "projects/p/topics/t"),
            ("/a/projects/p/topics/t/more?x=projects/q/topics/u", "projects/p/topics/t"),
            ("/projects/projects/p/topics/t", "projects/p/topics/t"),
            ("/projects/p/subscriptions/s", "UNKNOWN_PUBSUB_TOPIC"),
            ("/projects//topics/t", "UNKNOWN_PUBSUB_TOPIC"),
            ("/?projects/p/topics/t", "UNKNOWN_PUBSUB_TOPIC"),
            ("/", "UNKNOWN_PUBSUB_TOPIC"),
        ] {
            assert_eq!(topic_of(target.as_bytes()), topic, "{target}");
        }
    }
}
