//! Finds the kind of an event by its own members, for the message that it does not fit its view. Events that fit never
//! come here.

use serde_json::{Map, Value};
use std::fmt;

/// The kind of event that was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The bytes are no JSON.
    NoJson,
    /// The bytes are JSON of this kind, but no object.
    NoObject(&'static str),
    /// The event, or the list `Records` in it, names one source, and this is its name.
    Source(String),
    /// The list `Records` names more than one source: the first, and the first that differs from it.
    Mixed(String, String),
    /// The event has a list or `null` as `Records`, and names no source.
    Records,
    /// The event has an object or `null` as `records`, as Kafka's have, and names no source.
    Topics,
    /// The event is one of EventBridge's bus.
    Bus,
    /// The event is a bundle of log lines.
    Logs,
    /// The event is the one by which S3 tests once that a function can be notified of a bucket.
    TestOfS3,
    /// The event is a request of an HTTP trigger.
    Request,
    /// The event is an object of no known kind, with the names of its members.
    Members(Vec<String>),
}

impl Found {
    /// Looks at an event, and finds its kind.
    pub(crate) fn of(event: &[u8]) -> Found {
        match serde_json::from_slice::<Value>(event) {
            Err(_) => Found::NoJson,
            Ok(Value::Object(members)) => object(&members),
            Ok(Value::Array(_)) => Found::NoObject("a JSON list"),
            Ok(Value::String(_)) => Found::NoObject("a JSON text"),
            Ok(Value::Number(_)) => Found::NoObject("a JSON number"),
            Ok(Value::Bool(_)) => Found::NoObject("a JSON truth"),
            Ok(Value::Null) => Found::NoObject("null"),
        }
    }
}

fn object(members: &Map<String, Value>) -> Found {
    let top = members.get("eventSource").and_then(Value::as_str).filter(|source| !source.is_empty());
    match (members.get("Records"), members.get("records")) {
        (Some(Value::Array(records)), _) => return of_records(records),
        (Some(Value::Null), _) => return Found::Records,
        (_, _) if top.is_some() => return Found::Source(top.unwrap_or_default().to_owned()),
        (_, Some(Value::Object(_) | Value::Null)) => return Found::Topics,
        _ => {}
    }
    if members.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Found::TestOfS3;
    }
    let has = |name| members.contains_key(name);
    if has("detail-type") || has("detail") || (has("source") && has("account")) {
        Found::Bus
    } else if has("awslogs") {
        Found::Logs
    } else if has("requestContext") || has("httpMethod") {
        Found::Request
    } else {
        Found::Members(members.keys().cloned().collect())
    }
}

fn of_records(records: &[Value]) -> Found {
    let mut first: Option<&str> = None;
    for record in records {
        let source = record.get("eventSource").or_else(|| record.get("EventSource")).and_then(Value::as_str);
        match (first, source.filter(|source| !source.is_empty())) {
            (Some(first), Some(other)) if first != other => return Found::Mixed(first.to_owned(), other.to_owned()),
            (None, Some(source)) => first = Some(source),
            _ => {}
        }
    }
    first.map_or(Found::Records, |source| Found::Source(source.to_owned()))
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::NoJson => f.write_str("no JSON"),
            Found::NoObject(kind) => f.write_str(kind),
            Found::Source(source) => write!(f, "one of {source}"),
            Found::Mixed(one, other) => write!(f, "records of {one} and {other}"),
            Found::Records => f.write_str("records that name no source"),
            Found::Topics => f.write_str("one with records by topic"),
            Found::Bus => f.write_str("one of EventBridge"),
            Found::Logs => f.write_str("one of CloudWatch Logs"),
            Found::TestOfS3 => f.write_str("a test event of S3"),
            Found::Request => f.write_str("an HTTP request"),
            Found::Members(members) if members.is_empty() => f.write_str("an object without members"),
            Found::Members(members) => {
                let shown = &members[..members.len().min(8)];
                write!(f, "an object with the members {}", shown.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Found;

    #[test]
    fn what_an_event_says_of_itself_is_told_in_words() {
        for (event, words) in [
            ("", "no JSON"),
            ("[]", "a JSON list"),
            (r#""x""#, "a JSON text"),
            ("1", "a JSON number"),
            ("true", "a JSON truth"),
            ("null", "null"),
            ("{}", "an object without members"),
            (r#"{"a":1,"b":2}"#, "an object with the members a, b"),
            (r#"{"Records":[]}"#, "records that name no source"),
            (r#"{"Records":null}"#, "records that name no source"),
            (r#"{"Records":[null,{"EventSource":"aws:sns"}]}"#, "one of aws:sns"),
            (r#"{"Records":[{"eventSource":"a"},{"eventSource":"b"}]}"#, "records of a and b"),
            (r#"{"eventSource":"aws:mq","messages":[]}"#, "one of aws:mq"),
            (r#"{"records":{}}"#, "one with records by topic"),
            (r#"{"detail-type":"x","source":"y"}"#, "one of EventBridge"),
            (r#"{"awslogs":{}}"#, "one of CloudWatch Logs"),
            (r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#, "a test event of S3"),
            (r#"{"httpMethod":"GET"}"#, "an HTTP request"),
        ] {
            assert_eq!(Found::of(event.as_bytes()).to_string(), words, "{event}");
        }
    }
}
