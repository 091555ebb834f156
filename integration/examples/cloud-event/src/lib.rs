//! CloudEvents as arguments and as replies.
//!
//! | function | takes | answers |
//! |---|---|---|
//! | `take_off` | a pot that boils | an event that says it is off the fire; nothing for one that is only warm |
//! | `same` | any event | the same one, attributes in headers |
//! | `document` | any event | the same one, as one JSON document |
//! | `payload` | any JSON | it, as the member `payload` of an object |
#![forbid(unsafe_code)]

use handlers_sdk::events::{CloudEvent, CloudEventReply};
use handlers_sdk::{Error, IntoReply, Json, Reply, function};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Boiled {
    pot: u32,
    celsius: f64,
}

#[derive(Serialize)]
struct Taken {
    pot: u32,
}

/// Takes a pot off the fire, and says so in an event of its own.
#[function]
pub fn take_off(event: CloudEvent) -> Result<Reply, Error> {
    let boiled: Boiled = event.data_as()?;
    if boiled.celsius < 100.0 {
        return ().into_reply();
    }
    handlers_sdk::info!({ pot = boiled.pot }, "taken off");
    let reply = CloudEventReply::new(format!("{}-taken", event.id()), "/cook", "org.example.pot.taken");
    reply.json(&Taken { pot: boiled.pot })?.into_reply()
}

/// Answers with the event it was given.
#[function]
pub fn same(event: CloudEvent) -> CloudEvent {
    event
}

/// Answers with the event it was given, as JSON.
#[function]
pub fn document(event: CloudEvent) -> CloudEventReply {
    event.to_reply().structured()
}

/// The answer of the function [`payload`](fn@payload).
#[derive(Serialize)]
pub struct Payload {
    payload: serde_json::Value,
}

/// Wraps JSON as the member `payload`.
#[function]
pub fn payload(Json(value): Json<serde_json::Value>) -> Json<Payload> {
    Json(Payload { payload: value })
}

#[cfg(test)]
mod tests {
    use super::{document, payload, same, take_off};
    use handlers_sdk::testing::Invoke;

    const EVENT: [(&str, &str); 4] = [
        ("id", "a1"),
        ("source", "/pots/3"),
        ("type", "org.example.pot.boiled"),
        ("datacontenttype", "application/json"),
    ];

    #[test]
    fn a_pot_that_boils_is_taken_off_and_one_that_does_not_is_left() {
        let answer = Invoke::cloud_event(&EVENT, r#"{"pot":3,"celsius":100}"#).run(take_off::MODULE);
        assert_eq!((answer.header("ce-id"), &*answer.text()), (Some("a1-taken"), r#"{"pot":3}"#));
        let answer = Invoke::cloud_event(&EVENT, r#"{"pot":3,"celsius":60.5}"#).run(take_off::MODULE);
        assert_eq!((answer.code, answer.headers.len(), &*answer.text()), (1, 0, ""));
    }

    #[test]
    fn an_event_comes_back_in_either_mode() {
        let answer = Invoke::cloud_event(&EVENT, "{}").run(same::MODULE);
        assert_eq!((answer.header("ce-source"), &*answer.text()), (Some("/pots/3"), "{}"));
        let answer = Invoke::cloud_event(&EVENT, "{}").run(document::MODULE);
        assert_eq!((&answer.json()["source"], &answer.json()["data"]), (&"/pots/3".into(), &serde_json::json!({})));
    }

    #[test]
    fn json_is_wrapped() {
        assert_eq!(Invoke::event("[1]").run(payload::MODULE).text(), r#"{"payload":[1]}"#);
    }
}
