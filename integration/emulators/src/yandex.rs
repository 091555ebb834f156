//! Yandex Cloud Functions' bash runtime: for each call it starts the function's script, gives it the event on standard
//! input, takes standard output for the result and standard error for the log.
//!
//! Source: the pages on bash and on invocation in the documentation of Cloud Functions.

use crate::process::{Process, Stream, alone};
use crate::wire::Headers;
use serde_json::Value;
use std::io::{self, PipeWriter, Write};
use std::process::Command;
use std::time::Duration;

/// The most bytes of a result. A larger one is an error.
const MAX_RESULT: usize = 1 << 20;

/// The headers of a result that the platform does not take.
const REFUSED: [&str; 4] = ["proxy-authenticate", "transfer-encoding", "via", "www-authenticate"];

/// The outcome of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The result is this JSON document.
    Success(Value),
    /// The script ended with another code than 0, or by a signal: `BashScriptExecutionError`. This is its output, which
    /// goes to the log.
    ExecutionError(String),
    /// The result is too large: `BashScriptReadOutputError`.
    ReadOutputError(usize),
    /// The result is not one JSON document.
    NotJson(String),
    /// Time was up, and the script was killed.
    TimedOut,
}

/// The response to a client whose request was a function's event.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The status of the answer.
    pub status: u16,
    /// The headers: those of `multiValueHeaders`, and those of `headers` that are not among them.
    pub headers: Headers,
    /// The text of the body, base64 left as it stands.
    pub body: String,
    /// `true` if the body is base64.
    pub is_base64: bool,
}

impl Outcome {
    /// Returns the result.
    ///
    /// # Panics
    /// There is no result.
    pub fn value(self) -> Value {
        match self {
            Outcome::Success(value) => value,
            other => panic!("the call failed: {other:?}"),
        }
    }

    /// Returns the response to the client of a request.
    ///
    /// # Errors
    /// The platform answers 502, for this reason.
    pub fn response(&self) -> Result<Response, String> {
        let Outcome::Success(value) = self else { return Err(format!("502: {self:?}")) };
        let status = value["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let status = status.ok_or_else(|| format!("no statusCode in {value}"))?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| format!("no text: {value}"));
        let mut headers: Headers = Vec::new();
        for (name, values) in value["multiValueHeaders"].as_object().into_iter().flatten() {
            for value in values.as_array().ok_or_else(|| format!("no list: {values}"))? {
                headers.push((name.clone(), text(value)?));
            }
        }
        let listed: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        for (name, value) in value["headers"].as_object().into_iter().flatten() {
            if !listed.contains(&name.to_ascii_lowercase()) {
                headers.push((name.clone(), text(value)?));
            }
        }
        if let Some((name, _)) = headers.iter().find(|(name, _)| REFUSED.contains(&&*name.to_ascii_lowercase())) {
            return Err(format!("a header that the platform does not take: {name}"));
        }
        let is_base64 = value["isBase64Encoded"].as_bool().unwrap_or(false);
        let body = if value["body"].is_null() { String::new() } else { text(&value["body"])? };
        Ok(Response { status, headers, body, is_base64 })
    }
}

/// A call in progress.
pub struct Call {
    process: Process,
    input: Option<PipeWriter>,
}

impl Call {
    /// Starts the script for one call: nothing of the caller's environment but `PATH`, over which the command's own
    /// variables go.
    ///
    /// # Errors
    /// The program cannot be started. The error is the system's.
    pub fn begin(mut command: Command) -> io::Result<Call> {
        let names =
            [("REQUEST_ID", "6f0c-emulated"), ("FUNCTION_NAME", "d4emulated"), ("FUNCTION_VERSION", "d4version")];
        alone(&mut command, names.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let (reader, writer) = io::pipe()?;
        command.stdin(reader);
        Ok(Call { process: Process::spawn(command, |_| ())?, input: Some(writer) })
    }

    /// Writes a part of the event. A script that has stopped reading is no error here, since its end shows it.
    ///
    /// # Panics
    /// The input has been closed.
    pub fn write(&mut self, part: &[u8]) {
        let input = self.input.as_mut().expect("the input is open");
        let _ = input.write_all(part);
    }

    /// Closes the input of the script.
    pub fn finish(&mut self) {
        self.input = None;
    }

    /// Closes the input, if it is open, and waits for the end.
    pub fn end(&mut self, limit: Duration) -> Ended {
        self.finish();
        self.ended(limit)
    }

    /// Waits for the end of a script whose input is closed.
    pub fn ended(&self, limit: Duration) -> Ended {
        let status = self.process.wait(limit);
        let result = self.process.lines_of(Stream::Stdout).join("\n");
        let log = self.process.lines_of(Stream::Stderr).join("\n");
        let outcome = match status {
            Err(_) => Outcome::TimedOut,
            Ok(status) if !status.success() => Outcome::ExecutionError(result),
            Ok(_) if result.len() > MAX_RESULT => Outcome::ReadOutputError(result.len()),
            Ok(_) => serde_json::from_str(&result).map_or(Outcome::NotJson(result), Outcome::Success),
        };
        Ended { outcome, log }
    }

    /// Returns the script's process.
    pub fn process(&self) -> &Process {
        &self.process
    }
}

/// The outcome of a call, and its log.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The outcome of the call.
    pub outcome: Outcome,
    /// The text of standard error.
    pub log: String,
}

/// Makes a whole call.
///
/// # Errors
/// The program cannot be started. The error is the system's.
pub fn call(command: Command, event: &[u8], limit: Duration) -> io::Result<Ended> {
    let mut call = Call::begin(command)?;
    call.write(event);
    Ok(call.end(limit))
}

/// Returns the event of a request to the function's own address.
pub fn http_event(method: &str, query: &[(&str, &str)], headers: &[(&str, &str)], body: &str) -> String {
    let single = |pairs: &[(&str, &str)]| -> Value {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let lists = |pairs: &[(&str, &str)]| -> Value {
        let mut map = serde_json::Map::new();
        for (name, value) in pairs {
            let list = map.entry(*name).or_insert_with(|| Value::Array(Vec::new()));
            list.as_array_mut().expect("a list").push(Value::from(*value));
        }
        map.into()
    };
    serde_json::json!({
        "httpMethod": method,
        "headers": single(headers),
        "multiValueHeaders": lists(headers),
        "queryStringParameters": single(query),
        "multiValueQueryStringParameters": lists(query),
        "url": "",
        "params": {},
        "multiValueParams": {},
        "pathParams": {},
        "requestContext": {
            "identity": {"sourceIp": "192.0.2.7", "userAgent": "emulator"},
            "httpMethod": method,
            "requestId": "6f0c-emulated",
            "requestTime": "2/Jan/2026:03:04:05 +0000",
            "requestTimeEpoch": 1_767_323_045,
        },
        "body": body,
        "isBase64Encoded": false,
    })
    .to_string()
}

/// Returns the event of a trigger: messages of one type.
pub fn trigger_event(event_type: &str, details: &[Value]) -> String {
    let message = |details: &Value| {
        serde_json::json!({
            "event_metadata": {
                "event_id": "e-1",
                "event_type": event_type,
                "created_at": "2026-01-02T03:04:05.678901Z",
                "tracing_context": {"trace_id": "dd52ace79c62892f", "span_id": "", "parent_span_id": ""},
                "cloud_id": "b1cloud",
                "folder_id": "b1folder",
            },
            "details": details,
        })
    };
    serde_json::json!({"messages": details.iter().map(message).collect::<Vec<_>>()}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_is_the_result_and_errors_are_the_log() {
        let ended = call(sh("echo working >&2; cat"), b"{\"a\":[1]}", LIMIT).expect("sh starts");
        assert_eq!((ended.outcome, ended.log.as_str()), (Outcome::Success(serde_json::json!({"a": [1]})), "working"));
        let ended = call(sh("echo \"\\\"$REQUEST_ID\\\"\""), b"", LIMIT).expect("sh starts");
        assert_eq!(ended.outcome, Outcome::Success("6f0c-emulated".into()));
    }

    #[test]
    fn what_is_no_result_is_told_apart() {
        let outcome = |script| call(sh(script), b"", LIMIT).expect("sh starts").outcome;
        assert_eq!(outcome("echo words"), Outcome::NotJson("words".into()));
        assert_eq!(outcome("echo 1; echo 2"), Outcome::NotJson("1\n2".into()));
        assert_eq!(outcome("echo 1; exit 3"), Outcome::ExecutionError("1".into()));
        assert_eq!(outcome("head -c 1048577 /dev/zero | tr '\\0' 1"), Outcome::ReadOutputError(MAX_RESULT + 1));
    }

    #[test]
    fn a_result_is_a_response_by_its_lists_first() {
        let outcome = Outcome::Success(serde_json::json!({
            "statusCode": 201, "headers": {"A": "lost", "B": "b"}, "multiValueHeaders": {"a": ["1", "2"]}, "body": "hi"
        }));
        let response = outcome.response().expect("a response");
        let pairs: Vec<(&str, &str)> = response.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!((response.status, response.body.as_str()), (201, "hi"));
        assert_eq!(pairs, [("a", "1"), ("a", "2"), ("B", "b")]);
        let refused = Outcome::Success(serde_json::json!({"statusCode": 200, "headers": {"Via": "x"}}));
        assert!(refused.response().is_err());
        assert!(Outcome::Success(serde_json::json!({"body": "x"})).response().is_err());
    }
}
