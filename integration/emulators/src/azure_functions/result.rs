//! The host's reading of a custom handler's answer to an envelope.
//!
//! Source: the repository `Azure/azure-functions-host`, `DefaultHttpWorkerService`,
//! `HttpScriptInvocationResultExtensions`, `WorkerFunctionInvoker` and `HttpBinding`.

use super::call::Output;
use super::text::{decode, is_time};
use crate::wire::{Answer, Headers};
use serde_json::{Map, Value};

/// The value that a binding gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Produced {
    /// The value is bytes, which for most bindings are a text.
    Bytes(Vec<u8>),
    /// The value is JSON.
    Json(Value),
}

impl Produced {
    /// Returns the value as text: the content of bytes and strings, else the JSON.
    pub fn text(&self) -> String {
        match self {
            Produced::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Produced::Json(Value::String(text)) => text.clone(),
            Produced::Json(value) => value.to_string(),
        }
    }
}

/// The reply to the client of an HTTP trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The status of the answer.
    pub status: u16,
    /// The header fields, in order.
    pub headers: Headers,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Returns the first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A call that went well.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// The output bindings that have got a value, by name.
    pub outputs: Vec<(String, Produced)>,
    /// The reply to the client; `None` without a client.
    pub reply: Option<Reply>,
    /// The lines for the function's log.
    pub logs: Vec<String>,
    /// The members of the answer as they came.
    pub raw: Value,
}

impl Done {
    /// Returns the text that a binding has got; `None` if it has got no text.
    pub fn output(&self, name: &str) -> Option<String> {
        self.outputs.iter().find(|(other, _)| other == name).map(|(_, value)| value.text())
    }
}

/// The outcome of a call.
#[derive(Clone, Debug)]
pub enum Ended {
    /// The call went well.
    Done(Done),
    /// The call failed, for this reason: retries and poison queues are for these; a client gets 500.
    Failed(String),
    /// The call did not end: the host waits until the function's time is over.
    Hung,
}

/// Reads an answer, and adds its breaches to `breaches`.
pub(super) fn read(answer: &Answer, outputs: &[Output], breaches: &mut Vec<String>) -> Ended {
    let kind = answer.header("content-type").unwrap_or_default();
    let is_json = kind.starts_with("application/json");
    if !(200..300).contains(&answer.status) {
        if !is_json {
            breaches.push(format!("a failure of the type {kind:?}"));
        }
        return Ended::Failed(format!("status {}: {}", answer.status, answer.text()));
    }
    if answer.status != 200 {
        breaches.push(format!("status {} for a call that went well", answer.status));
    }
    if answer.body.is_empty() {
        breaches.push("2xx without a body: the call never ends".to_owned());
        return Ended::Hung;
    }
    if !is_json {
        breaches.push(format!("a result of the type {kind:?}"));
        return Ended::Failed(format!("no formatter for {kind:?}"));
    }
    match serde_json::from_slice(&answer.body) {
        Ok(Value::Null) => {
            breaches.push("2xx with null: the call never ends".to_owned());
            Ended::Hung
        }
        Ok(Value::Object(members)) => match of_members(members, outputs, breaches) {
            Ok(done) => Ended::Done(done),
            Err(why) => Ended::Failed(why),
        },
        Ok(_) | Err(_) => {
            breaches.push("a result that is no JSON object".to_owned());
            Ended::Failed(format!("not a result: {}", answer.text()))
        }
    }
}

fn of_members(members: Map<String, Value>, outputs: &[Output], breaches: &mut Vec<String>) -> Result<Done, String> {
    for name in members.keys() {
        let known = ["Outputs", "Logs", "ReturnValue"].iter().find(|known| known.eq_ignore_ascii_case(name));
        if known.is_none_or(|known| known != name) {
            breaches.push(format!("a result with the member {name:?}"));
        }
    }
    let member = |name| caseless(&members, name).filter(|value| !value.is_null());
    let given = match member("Outputs") {
        None => Map::new(),
        Some(Value::Object(given)) => given.clone(),
        Some(other) => return Err(format!("Outputs is no object: {other}")),
    };
    let logs = match member("Logs") {
        None => Vec::new(),
        Some(Value::Array(lines)) => {
            let text = |line: &Value| line.as_str().map(str::to_owned).ok_or_else(|| format!("a line that is {line}"));
            lines.iter().map(text).collect::<Result<_, _>>()?
        }
        Some(other) => return Err(format!("Logs is no list: {other}")),
    };
    let mut done = Done { logs, ..Done::default() };
    let returned = outputs.iter().find(|output| output.name == "$return");
    let mut put = |name: &str, value: Produced| {
        done.outputs.retain(|(other, _)| other != name);
        done.outputs.push((name.to_owned(), value));
    };
    for output in outputs.iter().filter(|output| output.name != "$return") {
        if output.is_http {
            let response = given.get(&output.name).map_or(Ok(Value::Object(Map::new())), response)?;
            put(&output.name, Produced::Json(response));
        } else if let Some(value) = given.get(&output.name) {
            put(&output.name, bound(value, output.is_binary));
        }
    }
    match (member("ReturnValue"), returned) {
        (Some(value), Some(output)) => put("$return", bound(value, output.is_binary)),
        // Members of an object that are called like an output are its value.
        (Some(Value::Object(pairs)), None) => {
            let named = |name: &String| outputs.iter().any(|output| output.name == *name);
            pairs
                .iter()
                .filter(|(name, _)| named(name))
                .for_each(|(name, value)| put(name, Produced::Json(value.clone())));
        }
        _ => {}
    }
    if let Some(output) = outputs.iter().find(|output| output.is_http) {
        let value = done.outputs.iter().find(|(name, _)| *name == output.name).map(|(_, value)| value);
        done.reply = Some(value.map_or_else(empty, |value| reply(value, breaches)));
    }
    done.raw = Value::Object(members);
    Ok(done)
}

fn caseless<'v>(members: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

/// Makes the value of a binding: strings are base64 if they can be, and times if they look like one.
fn bound(value: &Value, is_binary: bool) -> Produced {
    match value {
        Value::String(text) if !is_binary && is_time(text) => Produced::Json(Value::String(text.replace('T', " "))),
        Value::String(text) if !is_binary => {
            decode(text).map_or_else(|| Produced::Json(value.clone()), Produced::Bytes)
        }
        _ => Produced::Json(value.clone()),
    }
}

/// Makes the reply of an HTTP output: an object with the four members the host knows, or a string of such.
fn response(value: &Value) -> Result<Value, String> {
    let parsed = match value {
        Value::String(text) => {
            serde_json::from_str(text).map_err(|error| format!("{text:?} is no response: {error}"))?
        }
        other => other.clone(),
    };
    let Value::Object(members) = &parsed else { return Err(format!("{parsed} is no response")) };
    let mut response = Map::new();
    for name in ["statusCode", "status", "body", "headers"] {
        response.insert(name.to_owned(), caseless(members, name).cloned().unwrap_or(Value::Null));
    }
    Ok(Value::Object(response))
}

fn empty() -> Reply {
    Reply { status: 200, headers: Vec::new(), body: Vec::new() }
}

fn reply(value: &Produced, breaches: &mut Vec<String>) -> Reply {
    let mut reply = empty();
    let members = match value {
        Produced::Bytes(bytes) => return Reply { body: bytes.clone(), ..reply },
        Produced::Json(Value::Object(members)) if caseless(members, "body").is_some() => members,
        Produced::Json(_) => return Reply { body: value.text().into_bytes(), ..reply },
    };
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let status = ["statusCode", "status"].iter().find_map(|name| number(caseless(members, name)?));
    reply.status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(200);
    for (name, value) in caseless(members, "headers").and_then(Value::as_object).into_iter().flatten() {
        if reply.header(name).is_some() {
            breaches.push(format!("the header {name:?} again: the host drops it"));
            continue;
        }
        match value {
            Value::String(text) => reply.headers.push((name.clone(), text.clone())),
            other => breaches.push(format!("the header {name:?} is {other}")),
        }
    }
    reply.body = match caseless(members, "body") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(other) => other.to_string().into_bytes(),
    };
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn output(name: &str, is_http: bool) -> Output {
        Output { name: name.to_owned(), is_http, is_binary: false }
    }

    fn answer(status: u16, kind: &str, body: &str) -> Answer {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        Answer { status, headers, body: body.as_bytes().to_vec(), closes: false }
    }

    fn done(body: &str, outputs: &[Output]) -> (Done, Vec<String>) {
        let mut breaches = Vec::new();
        match read(&answer(200, "application/json; charset=utf-8", body), outputs, &mut breaches) {
            Ended::Done(done) => (done, breaches),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn what_never_ends_and_what_fails_is_told_apart() {
        let mut breaches = Vec::new();
        let mut ended = |status, kind, body| read(&answer(status, kind, body), &[], &mut breaches);
        assert!(matches!(ended(200, "application/json", ""), Ended::Hung));
        assert!(matches!(ended(200, "application/json", "null"), Ended::Hung));
        assert!(matches!(ended(200, "text/plain", "{}"), Ended::Failed(_)));
        assert!(matches!(ended(200, "application/json", "[]"), Ended::Failed(_)));
        assert!(matches!(ended(500, "text/plain", "no"), Ended::Failed(_)));
        assert_eq!(breaches.len(), 5);
        assert!(matches!(read(&answer(404, "application/json", "{}"), &[], &mut breaches), Ended::Failed(_)));
        assert_eq!(breaches.len(), 5, "a failure in JSON is as it should be");
    }

    #[test]
    fn strings_that_are_base64_become_bytes() {
        let body = r#"{"Outputs":{"a":"cmVk","b":"a-b","c":["cmVk"],"d":"2026-01-02T03:04:05Z"},"Logs":["x"],"ReturnValue":null}"#;
        let outputs = ["a", "b", "c", "d", "e"].map(|name| output(name, false));
        let (done, breaches) = done(body, &outputs);
        assert_eq!(done.outputs[0].1, Produced::Bytes(b"red".to_vec()));
        assert_eq!((done.output("b").as_deref(), done.output("c").as_deref()), (Some("a-b"), Some(r#"["cmVk"]"#)));
        assert_ne!(done.output("d").as_deref(), Some("2026-01-02T03:04:05Z"), "a time is written in another form");
        assert_eq!((done.output("e"), done.logs, breaches), (None, vec!["x".to_owned()], Vec::<String>::new()));
    }

    #[test]
    fn a_response_is_an_object_or_its_text_and_anything_else_fails() {
        for res in [json!({ "StatusCode": "403", "BODY": "no" }), json!(r#"{"status":403,"body":"no"}"#)] {
            let (done, _) = done(&json!({ "Outputs": { "res": res } }).to_string(), &[output("res", true)]);
            let reply = done.reply.expect("a reply");
            assert_eq!((reply.status, reply.text().as_str()), (403, "no"));
        }
        let mut breaches = Vec::new();
        let some = answer(200, "application/json", r#"{"Outputs":{"res":"SomeBlah"}}"#);
        assert!(matches!(read(&some, &[output("res", true)], &mut breaches), Ended::Failed(_)));
    }

    #[test]
    fn the_return_value_is_a_binding_or_an_object_of_bindings() {
        let (done_one, _) = done(r#"{"ReturnValue":"dGVzdA=="}"#, &[output("$return", false)]);
        assert_eq!(done_one.output("$return").as_deref(), Some("test"));
        let (done_two, _) = done(r#"{"ReturnValue":{"done":"dGVzdA==","x":1}}"#, &[output("done", false)]);
        assert_eq!((done_two.output("done").as_deref(), done_two.output("x")), (Some("dGVzdA=="), None));
        let returned = r#"{"ReturnValue":{"statusCode":201,"headers":{"A":"1"},"body":"made"}}"#;
        let reply = done(returned, &[output("$return", true)]).0.reply.expect("a reply");
        assert_eq!((reply.status, reply.header("a"), reply.text().as_str()), (201, Some("1"), "made"));
    }

    #[test]
    fn a_header_counts_once() {
        let body = r#"{"Outputs":{"res":{"headers":{"Set-Cookie":"a=1","set-cookie":"b=2"},"body":""}}}"#;
        let (done, breaches) = done(body, &[output("res", true)]);
        let reply = done.reply.expect("a reply");
        assert_eq!((reply.headers.len(), breaches.len()), (1, 1), "{breaches:?}");
    }
}
