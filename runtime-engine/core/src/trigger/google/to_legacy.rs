//! Makes events in the older form `{"context", "data"}` of CloudEvents, service by service.

use super::legacy::{Legacy, Push, topic_of};
use super::names::{self, FIREBASE_AUTH, FIREBASE_DATABASE, PUBSUB, PUBSUB_MESSAGE, STORAGE};
use super::to_event::{members, text_of, with_metadata};
use crate::fields::{Fields, exact};
use crate::http1::Message;
use crate::json::{self, Value, ValueKind as Json, Writer};
use crate::trigger::cloudevents::EventRefusal;
use std::time::Duration;

/// Makes an event of the older form of a CloudEvent's attributes and data. One of a type that the older form never had
/// keeps its attributes as the context.
///
/// # Errors
/// Its type has an older form, and its source names no service and resource.
pub(super) fn of_event(attributes: &Fields, data: &[u8]) -> Result<Vec<u8>, EventRefusal> {
    let get = |name: &str| attributes.get(name.as_bytes(), exact).and_then(|value| std::str::from_utf8(value).ok());
    let value = json::parse(data).ok();
    let mut out = Vec::with_capacity(data.len() + 512);
    let mut json = Writer::new(&mut out);
    json.begin_object().key("context").begin_object();
    let Some(event_type) = get("type").and_then(names::legacy_type) else {
        for (name, value) in attributes.iter() {
            json.key(name).string(value);
        }
        json.end_object().key("data");
        plain(&mut json, value, data);
        json.end_object();
        return Ok(out);
    };
    let source = get("source").unwrap_or_default();
    let (service, name) = source
        .strip_prefix("//")
        .and_then(|source| source.split_once('/'))
        .filter(|(service, name)| !service.is_empty() && !name.is_empty())
        .ok_or_else(|| EventRefusal::new(format!("the source {source:?} names no service and resource")))?;
    let whole = get("subject").map_or_else(|| name.to_owned(), |subject| format!("{name}/{subject}"));
    json.key("eventId").string(get("id").unwrap_or_default());
    if let Some(time) = get("time") {
        json.key("timestamp").string(time);
    }
    json.key("eventType").string(event_type).key("resource");
    match service {
        PUBSUB => object(&mut json, service, name, Some(PUBSUB_MESSAGE)),
        STORAGE => {
            let kind = value.and_then(|data| data.get("kind")?.as_str());
            object(&mut json, service, &whole, kind.as_deref());
        }
        FIREBASE_AUTH => {
            json.string(name);
        }
        FIREBASE_DATABASE => {
            json.string(without_location(&whole));
        }
        _ => {
            json.string(whole);
        }
    }
    json.end_object().key("data");
    match (service, value) {
        (PUBSUB, Some(data)) => {
            json.begin_object();
            let message = data.get("message").filter(|message| message.kind() == Json::Object).unwrap_or(data);
            members(&mut json, message, |name| (!matches!(name, "messageId" | "publishTime")).then_some(name));
            json.end_object();
        }
        (FIREBASE_AUTH, Some(data)) => with_metadata(&mut json, data, |name| match name {
            "createTime" => "createdAt",
            "lastSignInTime" => "lastSignedInAt",
            other => other,
        }),
        _ => plain(&mut json, value, data),
    }
    json.end_object();
    Ok(out)
}

/// Makes an event with a member `context` of one whose context stands at the top.
pub(super) fn of_flat(legacy: &Legacy<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut json = Writer::new(&mut out);
    json.begin_object().key("context").begin_object();
    json.key("eventId").string(&*legacy.id);
    if let Some(timestamp) = legacy.timestamp.as_deref() {
        json.key("timestamp").string(timestamp);
    }
    json.key("eventType").string(&*legacy.event_type);
    json.key("resource").raw(legacy.resource.raw()).end_object();
    json.key("data").raw(legacy.data.map_or(b"null", |data| data.raw())).end_object();
    out
}

/// Makes an event of the older form out of a pushed message.
pub(super) fn of_push(push: &Push<'_>, request: &Message, now: Duration) -> Vec<u8> {
    let mut out = Vec::new();
    let mut json = Writer::new(&mut out);
    json.begin_object().key("context").begin_object();
    json.key("eventId").string(&*push.id);
    json.key("timestamp").string(push.time.as_deref().map_or_else(|| text_of(now), str::to_owned));
    json.key("eventType").string(names::PUBSUB_PUBLISH).key("resource");
    object(&mut json, PUBSUB, topic_of(request.target()), Some(PUBSUB_MESSAGE));
    json.end_object().key("data").begin_object().key("@type").string(PUBSUB_MESSAGE);
    let own = ["messageId", "message_id", "publishTime", "publish_time", "@type"];
    members(&mut json, push.message, |name| (!own.contains(&name)).then_some(name));
    if push.message.get("attributes").is_none() {
        json.key("attributes").begin_object().end_object();
    }
    json.end_object().end_object();
    out
}

fn object(json: &mut Writer<'_>, service: &str, name: &str, kind: Option<&str>) {
    json.begin_object().key("service").string(service).key("name").string(name);
    if let Some(kind) = kind {
        json.key("type").string(kind);
    }
    json.end_object();
}

/// Writes data as it is if it is JSON, else as a text, or in base64 if it is no UTF-8.
fn plain(json: &mut Writer<'_>, value: Option<Value<'_>>, data: &[u8]) {
    match value {
        Some(value) => json.raw(value.raw()),
        None if data.is_empty() => json.null(),
        None if std::str::from_utf8(data).is_ok() => json.string(data),
        None => json.base64(data),
    };
}

/// Returns a resource of the Firebase database without its location.
fn without_location(resource: &str) -> String {
    let Some((before, rest)) = resource.split_once("/locations/") else { return resource.to_owned() };
    let after = rest.find('/').map_or("", |at| &rest[at..]);
    format!("{before}{after}")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ID, TIME, flat, posted};
    use super::super::{event_of_body, legacy_of_body, legacy_of_event};
    use super::*;

    fn of(event_type: &str, source: &str, subject: &str, data: &str) -> Result<String, String> {
        let mut headers = vec![
            ("ce-specversion", "1.0"),
            ("ce-id", ID),
            ("ce-time", TIME),
            ("ce-type", event_type),
            ("ce-source", source),
            ("content-type", "application/json"),
        ];
        if !subject.is_empty() {
            headers.push(("ce-subject", subject));
        }
        let made = legacy_of_event(&posted("/", &headers, data)).map_err(|refusal| refusal.reason.into_owned())?;
        assert_eq!(made.headers().count(), 1, "no attribute is left over");
        Ok(String::from_utf8(made.body().to_vec()).expect("UTF-8"))
    }

    fn expected(event_type: &str, resource: &str, data: &str) -> Result<String, String> {
        Ok(format!(
            r#"{{"context":{{"eventId":"{ID}","timestamp":"{TIME}","eventType":"{event_type}","resource":{resource}}},"data":{data}}}"#
        ))
    }

    #[test]
    fn each_service_has_its_resource() {
        assert_eq!(
            of(
                "google.cloud.storage.object.v1.finalized",
                "//storage.googleapis.com/projects/_/buckets/b",
                "objects/a/b",
                r#"{"kind":"storage#object"}"#
            ),
            expected(
                "google.storage.object.finalize",
                r#"{"service":"storage.googleapis.com","name":"projects/_/buckets/b/objects/a/b","type":"storage#object"}"#,
                r#"{"kind":"storage#object"}"#
            )
        );
        assert_eq!(
            of(
                "google.cloud.firestore.document.v1.deleted",
                "//firestore.googleapis.com/projects/p/databases/(default)",
                "documents/a/b",
                "{}"
            ),
            expected(
                "providers/cloud.firestore/eventTypes/document.delete",
                r#""projects/p/databases/(default)/documents/a/b""#,
                "{}"
            )
        );
        assert_eq!(
            of(
                "google.firebase.database.ref.v1.written",
                "//firebasedatabase.googleapis.com/projects/_/locations/us-central1/instances/i",
                "refs/a/locations/b",
                "[]"
            ),
            expected(
                "providers/google.firebase.database/eventTypes/ref.write",
                r#""projects/_/instances/i/refs/a/locations/b""#,
                "[]"
            )
        );
        assert_eq!(
            of(
                "google.firebase.auth.user.v1.created",
                "//firebaseauth.googleapis.com/projects/p",
                "users/u",
                r#"{"uid":"u","metadata":{"createTime":"c","lastSignInTime":"l"}}"#
            ),
            expected(
                "providers/firebase.auth/eventTypes/user.create",
                r#""projects/p""#,
                r#"{"uid":"u","metadata":{"createdAt":"c","lastSignedInAt":"l"}}"#
            )
        );
        let remote = "google.firebase.remoteconfig.remoteConfig.v1.updated";
        assert_eq!(
            of(remote, "//firebaseremoteconfig.googleapis.com/projects/p", "", ""),
            expected("providers/firebase.remoteConfig/remoteconfig.update", r#""projects/p""#, "null")
        );
    }

    #[test]
    fn a_message_of_pubsub_is_taken_out_of_its_data() {
        let event_type = "google.cloud.pubsub.topic.v1.messagePublished";
        let source = "//pubsub.googleapis.com/projects/p/topics/t";
        let resource =
            format!(r#"{{"service":"pubsub.googleapis.com","name":"projects/p/topics/t","type":"{PUBSUB_MESSAGE}"}}"#);
        let data =
            r#"{"subscription":"s","message":{"data":"aGk=","messageId":"1","publishTime":"t","attributes":{}}}"#;
        let flat = r#"{"data":"aGk=","attributes":{}}"#;
        for data in [data, flat] {
            assert_eq!(of(event_type, source, "", data), expected("google.pubsub.topic.publish", &resource, flat));
        }
    }

    #[test]
    fn a_type_that_the_older_form_never_had_keeps_its_attributes() {
        let made = of("org.example.boiled", "/pots/3", "", "100C").expect("it passes");
        let context = format!(
            r#""specversion":"1.0","id":"{ID}","time":"{TIME}","type":"org.example.boiled","source":"/pots/3","datacontenttype":"application/json""#
        );
        assert_eq!(made, format!(r#"{{"context":{{{context}}},"data":"100C"}}"#));
        for source in ["/pots/3", "//storage.googleapis.com", "//storage.googleapis.com/", "///x"] {
            let why = of("google.cloud.storage.object.v1.deleted", source, "", "{}").expect_err(source);
            assert_eq!(why, format!("the source {source:?} names no service and resource"));
        }
    }

    #[test]
    fn a_structured_event_is_taken_too_and_a_batch_is_not() {
        let event = format!(
            r#"{{"specversion":"1.0","id":"{ID}","time":"{TIME}","type":"google.firebase.analytics.log.v1.written",
            "source":"//firebaseanalytics.googleapis.com/projects/p/apps/a","subject":"events/e","data":{{"x":1}}}}"#
        );
        let structured = [("content-type", "application/cloudevents+json")];
        let made = legacy_of_event(&posted("/", &structured, &event)).expect("fits");
        let analytics = "providers/google.firebase.analytics/eventTypes/event.log";
        let expected = expected(analytics, r#""projects/p/apps/a/events/e""#, r#"{"x":1}"#).expect("always");
        assert_eq!(made.body(), expected.as_bytes());
        let batch = [("content-type", "application/cloudevents-batch+json")];
        assert_eq!(legacy_of_event(&posted("/", &batch, "[]")).expect_err("many").status, 415);
    }

    #[test]
    fn a_context_at_the_top_is_gathered_and_one_that_is_there_stays() {
        let body = flat("acme.thing", "{\"name\":\"r\"}", "[1]", r#","params":{},"auth":{"admin":true}"#);
        let made = legacy_of_body(&posted("/", &[], &body), Duration::ZERO).expect("JSON").expect("it is changed");
        let expected = expected("acme.thing", r#"{"name":"r"}"#, "[1]").expect("always");
        assert_eq!(made.body(), expected.as_bytes());
        for body in [&*expected, "{\"x\":1}", "[]"] {
            assert!(legacy_of_body(&posted("/", &[], body), Duration::ZERO).expect("JSON").is_none(), "{body}");
        }
        assert_eq!(legacy_of_body(&posted("/", &[], "x"), Duration::ZERO).expect_err("no JSON").status, 400);
    }

    #[test]
    fn a_pushed_message_becomes_one_of_its_topic() {
        let body = r#"{"subscription":"s","message":{"data":"aGk=","messageId":"1","message_id":"1"}}"#;
        let made = legacy_of_body(&posted("/projects/p/topics/t", &[], body), Duration::from_millis(7));
        let made = made.expect("JSON").expect("it is changed");
        let resource = format!(r#"{{"service":"{PUBSUB}","name":"projects/p/topics/t","type":"{PUBSUB_MESSAGE}"}}"#);
        assert_eq!(
            String::from_utf8_lossy(made.body()),
            format!(
                r#"{{"context":{{"eventId":"1","timestamp":"1970-01-01T00:00:00.007Z","eventType":"google.pubsub.topic.publish","resource":{resource}}},"data":{{"@type":"{PUBSUB_MESSAGE}","data":"aGk=","attributes":{{}}}}}}"#
            )
        );
    }

    #[test]
    fn there_and_back_an_event_is_the_same() {
        for (event_type, resource, more) in [
            ("providers/cloud.firestore/eventTypes/document.update", "projects/p/databases/d/documents/x/y", ""),
            ("providers/firebase.auth/eventTypes/user.delete", "projects/p", ""),
            (
                "providers/google.firebase.database/eventTypes/ref.create",
                "projects/_/instances/i/refs/a",
                r#","domain":"asia-southeast1.firebasedatabase.app""#,
            ),
        ] {
            let data = r#"{"uid":"u","metadata":{"createdAt":"c"}}"#;
            let there = event_of_body(
                &posted("/", &[], &flat(event_type, &format!("\"{resource}\""), data, more)),
                Duration::ZERO,
            );
            let back = legacy_of_event(&there.expect("a CloudEvent")).expect("and back");
            let expected = expected(event_type, &format!("\"{resource}\""), data).expect("always");
            assert_eq!(String::from_utf8_lossy(back.body()), expected);
        }
    }
}
