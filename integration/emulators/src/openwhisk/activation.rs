//! The messages to a container, and the platform's reading of the answers.

use crate::wire::Answer;
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// The most bytes of a result. A longer one is cut, which makes an error of it.
const MAX_RESULT: usize = 1 << 20;

/// The content of `/init`.
#[derive(Clone, Debug, Default)]
pub struct Init {
    /// The code of the action; empty for an image that has its own.
    pub code: String,
    /// `true` if the code is base64.
    pub binary: bool,
    /// The name of the function in the code; empty for `main`.
    pub main: String,
    /// The variables beside the platform's own.
    pub env: Vec<(String, String)>,
}

impl Init {
    /// Returns the content with one more variable.
    pub fn env(mut self, name: &str, value: &str) -> Init {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the environment, the platform's own first.
    pub(super) fn environment(&self) -> Map<String, Value> {
        let own = [
            ("__OW_NAMESPACE", "guest"),
            ("__OW_ACTION_NAME", "/guest/shop/order"),
            ("__OW_ACTION_VERSION", "0.0.1"),
            ("__OW_ACTIVATION_ID", "0000"),
            ("__OW_TRANSACTION_ID", "t0"),
            ("__OW_DEADLINE", "4102444800000"),
        ];
        let own = own.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value)));
        own.chain(self.env.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())))).collect()
    }

    pub(super) fn body(&self) -> String {
        let main = if self.main.is_empty() { "main" } else { &self.main };
        let value = json!({
            "name": "order",
            "main": main,
            "code": self.code,
            "binary": self.binary,
            "env": self.environment(),
        });
        json!({ "value": value }).to_string()
    }
}

/// An activation of the action.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The arguments as JSON. They are not read here, and arrive as they stand.
    pub value: String,
    /// The id of the activation.
    pub id: String,
    /// The name of the action.
    pub action: String,
    /// The time by which it must be answered, in milliseconds since 1970.
    pub deadline_ms: u64,
    /// `true` to send the deadline as a number, as the documentation prints it, and not as the text that the invoker
    /// sends.
    pub number: bool,
    /// The address of the API; `None` leaves it out of the payload.
    pub api_host: Option<String>,
}

impl Activation {
    /// Makes an activation with these arguments, and time enough.
    pub fn of(value: &str) -> Activation {
        static ACTIVATIONS: AtomicU64 = AtomicU64::new(1);
        let number = ACTIVATIONS.fetch_add(1, Ordering::Relaxed);
        Activation {
            value: value.to_owned(),
            id: format!("{:016x}{number:016x}", std::process::id()),
            action: "/guest/shop/order".to_owned(),
            deadline_ms: 4_102_444_800_000,
            number: false,
            api_host: None,
        }
    }

    /// Returns the JSON object that a container is sent: the arguments, and the members that tell of the activation.
    pub fn body(&self) -> String {
        let deadline =
            if self.number { Value::from(self.deadline_ms) } else { Value::from(self.deadline_ms.to_string()) };
        let mut members = json!({
            "namespace": "guest",
            "action_name": self.action,
            "action_version": "0.0.1",
            "activation_id": self.id,
            "transaction_id": "t1",
            "deadline": deadline,
        });
        if let Some(host) = &self.api_host {
            members["api_host"] = Value::from(host.as_str());
        }
        let members = members.to_string();
        format!("{{\"value\":{},{}", self.value, members.strip_prefix('{').unwrap_or_default())
    }
}

/// The outcome of an activation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The action has this result.
    Success(Value),
    /// The action reported an error of its own: a result with the member `error`.
    ApplicationError(Value),
    /// The action broke the contract, or reports that it failed: the status and its words.
    DeveloperError(u16, Value),
    /// The activation was taken to another container.
    Rescheduled,
    /// There is no answer that the invoker accepts.
    NoResponse(String),
}

impl Outcome {
    /// Reads the outcome from an answer that has a length.
    pub(super) fn of(answer: &Answer) -> Outcome {
        if answer.status == 503 {
            return Outcome::Rescheduled;
        }
        let result: Result<Value, _> = serde_json::from_slice(&answer.body);
        match (answer.status, result) {
            (200, Ok(_)) if answer.body.len() > MAX_RESULT => {
                Outcome::ApplicationError(json!({ "error": "the result is too long" }))
            }
            (200, Ok(result)) if result.get("error").is_some() => Outcome::ApplicationError(result),
            (200, Ok(result)) if result.is_object() || result.is_array() => Outcome::Success(result),
            (status, Ok(said)) => Outcome::DeveloperError(status, said),
            (status, Err(_)) => {
                Outcome::DeveloperError(status, json!("the action did not produce a valid JSON response"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        Outcome::of(&Answer { status, headers: Vec::new(), body: body.as_bytes().to_vec(), closes: false })
    }

    #[test]
    fn an_answer_is_judged_by_status_and_shape() {
        assert_eq!(outcome(200, r#"{"a":1}"#), Outcome::Success(json!({"a": 1})));
        assert_eq!(outcome(200, "[1]"), Outcome::Success(json!([1])));
        assert_eq!(outcome(200, r#"{"error":1}"#), Outcome::ApplicationError(json!({"error": 1})));
        assert_eq!(outcome(502, r#"{"error":1}"#), Outcome::DeveloperError(502, json!({"error": 1})));
        assert_eq!(outcome(200, "7"), Outcome::DeveloperError(200, json!(7)));
        assert!(matches!(outcome(200, "{"), Outcome::DeveloperError(200, Value::String(_))));
        assert_eq!(outcome(503, ""), Outcome::Rescheduled);
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_RESULT));
        assert!(matches!(outcome(200, &long), Outcome::ApplicationError(_)));
    }

    #[test]
    fn arguments_go_out_as_they_stand_and_the_deadline_as_a_text() {
        let activation = Activation { api_host: Some("https://h".into()), ..Activation::of("{\"b\" : [1]}") };
        let body = activation.body();
        assert!(body.starts_with("{\"value\":{\"b\" : [1]},\""), "{body}");
        let read: Value = serde_json::from_str(&body).expect("it is JSON");
        assert_eq!((&read["deadline"], &read["api_host"]), (&json!("4102444800000"), &json!("https://h")));
        let read: Value = serde_json::from_str(&Activation { number: true, ..activation }.body()).expect("it is JSON");
        assert_eq!(read["deadline"], json!(4_102_444_800_000_u64));
    }
}
