//! The client of the functions frameworks' conformance suite, for one type of function at a time.
//!
//! The suite's own client reads the function's input from a file that the function writes; this one reads it from the
//! function's answer: the CloudEvent as one JSON document, or the JSON of data and context.

use super::cases::{self, Case};
use super::front::Instance;
use crate::cloudevents::Request;
use crate::wire::Answer;
use serde_json::{Value, json};

/// A type of function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// The function answers a request with its body.
    Http,
    /// The function takes JSON, and answers it as the member `payload`.
    Typed,
    /// The function answers a CloudEvent with it, in structured mode.
    CloudEvent,
    /// The function answers data and context with them.
    LegacyEvent,
}

/// Runs the suite, and returns a line for each failure.
pub fn run(instance: &Instance, kind: Type) -> Vec<String> {
    match kind {
        Type::Http => http(instance),
        Type::Typed => typed(instance),
        Type::CloudEvent => {
            let plain = each(instance, |case| (Request::binary_of(&case.event), case.event), read_event);
            let mapped = each(instance, |case| (as_json(&case.legacy), case.event_converted), read_event);
            [plain, mapped].concat()
        }
        Type::LegacyEvent => {
            let plain = each(instance, |case| (as_json(&case.legacy), case.legacy_seen), read_legacy);
            let mapped = each(instance, |case| (Request::binary_of(&case.event), case.legacy_converted), read_legacy);
            [plain, mapped].concat()
        }
    }
}

fn as_json(event: &Value) -> Request {
    Request::json(event.to_string())
}

fn http(instance: &Instance) -> Vec<String> {
    let sent = json!({"res": "PASS"});
    let answer = instance.call(&as_json(&sent));
    let holds = answer.as_ref().is_ok_and(|answer| is_success(answer) && body(answer) == sent);
    if holds { Vec::new() } else { vec![format!("http: {answer:?}")] }
}

fn typed(instance: &Instance) -> Vec<String> {
    let answer = instance.call(&as_json(&json!({"message": "Hello world!"})));
    let expected = json!({"payload": {"message": "Hello world!"}});
    let holds = answer.as_ref().is_ok_and(|answer| is_success(answer) && body(answer) == expected);
    if holds { Vec::new() } else { vec![format!("typed: {answer:?}")] }
}

/// Sends every case, and compares the function's input with the expected one.
fn each(
    instance: &Instance,
    of: impl Fn(Case) -> (Request, Value),
    read: impl Fn(&Answer) -> Result<Value, String>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases::all() {
        let name = case.name;
        let (request, expected) = of(case);
        let seen = match instance.call(&request) {
            Ok(answer) if is_success(&answer) => read(&answer),
            other => Err(format!("{other:?}")),
        };
        match seen {
            Ok(seen) if seen == expected => {}
            Ok(seen) => wrong.push(format!("{name}: expected {expected}, the function got {seen}")),
            Err(why) => wrong.push(format!("{name}: {why}")),
        }
    }
    wrong
}

fn is_success(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

fn body(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

fn read_event(answer: &Answer) -> Result<Value, String> {
    let kind = answer.header("content-type").unwrap_or_default();
    if !kind.starts_with("application/cloudevents+json") {
        return Err(format!("the answer is {kind:?}"));
    }
    Ok(body(answer))
}

fn read_legacy(answer: &Answer) -> Result<Value, String> {
    let mut seen = body(answer);
    let members = seen.as_object_mut().ok_or_else(|| format!("no object: {}", answer.text()))?;
    // Other members beside them do not count.
    members.retain(|name, _| name == "context" || name == "data");
    Ok(seen)
}
