//! CloudEvents as arguments and as replies of functions.

use handlers_sdk::events::{CloudEvent, CloudEventReply, google};
use handlers_sdk::testing::Invoke;
use handlers_sdk::{Error, function};
use serde::Deserialize;

#[function]
fn same(event: CloudEvent) -> CloudEvent {
    event
}

#[function]
fn document(event: CloudEvent) -> CloudEventReply {
    event.to_reply().structured()
}

#[derive(Deserialize)]
struct Boiled {
    pot: u32,
}

#[function]
fn take_off(event: CloudEvent) -> Result<CloudEventReply, Error> {
    let boiled: Boiled = event.data_as()?;
    let reply = CloudEventReply::new(format!("{}-taken", event.id()), "/cook", "org.example.pot.taken");
    reply.attribute("subject", event.subject().unwrap_or("none")).json(&serde_json::json!({ "pot": boiled.pot }))
}

#[function]
fn topic(message: google::PubSub) -> Result<String, Error> {
    let bytes = message.message.data.bytes()?;
    Ok(format!("{} {}", message.message.message_id, String::from_utf8_lossy(&bytes)))
}

const EVENT: [(&str, &str); 5] = [
    ("id", "a1"),
    ("source", "/pots/3"),
    ("type", "org.example.pot.boiled"),
    ("subject", "pot \"three\" €"),
    ("level", "7"),
];

fn with(content_type: &str) -> Vec<(&str, &str)> {
    EVENT.into_iter().chain([("datacontenttype", content_type)]).collect()
}

#[test]
fn an_event_comes_back_in_headers_that_hold_every_text() {
    let answer = Invoke::cloud_event(&with("text/plain"), "100C").run(same::MODULE);
    assert_eq!((answer.status(), &*answer.text()), (200, "100C"));
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", "a1"),
        ("ce-subject", "pot%20%22three%22%20%E2%82%AC"),
        ("ce-level", "7"),
        ("content-type", "text/plain"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert_eq!(answer.headers.len(), 7, "{:?}", answer.headers);
}

#[test]
fn an_event_comes_back_as_one_document() {
    let answer = Invoke::cloud_event(&with("application/json"), r#"{"pot":3.0}"#).run(document::MODULE);
    assert_eq!(answer.header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
    let document = answer.json();
    assert_eq!((&document["specversion"], &document["subject"]), (&"1.0".into(), &"pot \"three\" €".into()));
    assert!(answer.text().ends_with(r#","data":{"pot":3.0}}"#), "{}", answer.text());
}

#[test]
fn data_is_read_as_the_authors_type_and_a_reply_is_an_event() {
    let answer = Invoke::cloud_event(&with("application/json"), r#"{"pot":3}"#).run(take_off::MODULE);
    assert_eq!((answer.header("ce-id"), answer.header("ce-type")), (Some("a1-taken"), Some("org.example.pot.taken")));
    assert_eq!((answer.header("content-type"), &*answer.text()), (Some("application/json"), r#"{"pot":3}"#));
    let failed = Invoke::cloud_event(&EVENT, "no JSON").run(take_off::MODULE).failed.expect("it cannot be read");
    assert_eq!(failed.kind, "Runtime.UnmarshalError");
}

#[test]
fn what_is_no_cloudevent_is_refused() {
    let failed = Invoke::event("{}").run(same::MODULE).failed.expect("it is none");
    assert_eq!(failed.kind, "Runtime.TriggerMismatch");
    assert_eq!(failed.message, "expected a CloudEvent, found an event of trigger \"raw\"");
}

#[test]
fn the_data_of_an_event_of_googles_has_a_view() {
    let data = r#"{"message":{"data":"aGk=","messageId":"77","attributes":null},"subscription":"s"}"#;
    assert_eq!(Invoke::cloud_event(&EVENT, data).run(topic::MODULE).text(), "77 hi");
    assert_eq!(
        Invoke::cloud_event(&EVENT, "{}").run(topic::MODULE).failed.expect("none").kind,
        "Runtime.UnmarshalError"
    );
}
