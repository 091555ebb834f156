//! The JSON the control plane writes and the rules it applies to the errors it is sent: refusals with their statuses,
//! the payloads it makes in the runtime's stead, error-type and X-Ray clean-up. Pure functions, no state.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

/// The most bytes of an event and of a buffered response: 6 MiB + 100 bytes.
pub const MAX_PAYLOAD: usize = 6_291_556;
/// The most bytes of a streamed response: 200 MiB.
pub const MAX_STREAM: usize = 200 * 1024 * 1024;
/// The most bytes of the body of `/error` and `/init/error`, for managed instances.
pub const MAX_MANAGED_ERROR: usize = 1024 * 1024;
/// The most bytes of an X-Ray cause that are kept; longer ones are cropped.
const MAX_XRAY_CAUSE: usize = 64 * 1024;

/// A call the control plane refuses, each with its status and `errorType`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The id in the path is not that of a current invocation; the status is 400.
    InvalidRequestId {
        /// The id that was sent.
        id: String,
    },
    /// The mode header is there but is not `streaming`; the status is 400.
    InvalidResponseMode {
        /// The value that was sent.
        mode: String,
    },
    /// The request's body ended early; the status is 400.
    Truncated,
    /// The runtime's state does not allow the call; the status is 403.
    InvalidStateTransition {
        /// The state that the runtime is in.
        from: &'static str,
        /// The state that the call would have led to.
        to: &'static str,
    },
    /// An extension's call is refused under this `errorType`; the status is 403.
    Extension {
        /// The `errorType`, such as `Extension.RegistrationClosed`.
        error_type: &'static str,
        /// The mistake of the call.
        message: String,
    },
    /// The invocation timed out before its answer came, on managed instances; the status is 410.
    InvokeTimeout {
        /// The late invocation.
        id: String,
    },
    /// The body is larger than allowed; the status is 413.
    TooLarge {
        /// The number of bytes that were sent.
        size: usize,
        /// The number of bytes that are allowed.
        limit: usize,
    },
    /// There are more polls than the queue holds, or a scripted fault struck; the status is 500.
    Internal {
        /// The failure in words.
        message: String,
    },
    /// A scripted fault answers with a status of its own.
    Scripted {
        /// The status to answer with.
        status: u16,
    },
}

impl Refusal {
    /// Returns the HTTP status that the call is refused with.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Refusal::InvalidRequestId { .. } | Refusal::InvalidResponseMode { .. } | Refusal::Truncated => 400,
            Refusal::InvalidStateTransition { .. } | Refusal::Extension { .. } => 403,
            Refusal::InvokeTimeout { .. } => 410,
            Refusal::TooLarge { .. } => 413,
            Refusal::Internal { .. } => 500,
            Refusal::Scripted { status } => *status,
        }
    }

    /// Returns the `errorType` of the body.
    pub(crate) fn error_type(&self) -> &'static str {
        match self {
            Refusal::InvalidRequestId { .. } => "InvalidRequestID",
            Refusal::InvalidResponseMode { .. } => "InvalidFunctionResponseMode",
            Refusal::Truncated => "TruncatedHTTPRequest",
            Refusal::InvalidStateTransition { .. } => "InvalidStateTransition",
            Refusal::Extension { error_type, .. } => error_type,
            Refusal::InvokeTimeout { .. } => "InvokeTimeout",
            Refusal::TooLarge { .. } => "RequestEntityTooLarge",
            Refusal::Internal { .. } => "InternalServerError",
            Refusal::Scripted { status } => match status {
                400 => "InvalidRequestID",
                403 => "InvalidStateTransition",
                410 => "InvokeTimeout",
                413 => "RequestEntityTooLarge",
                _ => "InternalServerError",
            },
        }
    }

    /// Returns the `errorMessage` of the body.
    pub(crate) fn message(&self) -> String {
        match self {
            Refusal::InvalidRequestId { id } => format!("Invalid request ID: {id}"),
            Refusal::InvalidResponseMode { mode } => format!("Invalid function response mode: {mode}"),
            Refusal::Truncated => "HTTP request ended before its body was complete".to_owned(),
            Refusal::InvalidStateTransition { from, to } => format!("State transition from {from} to {to} not allowed"),
            Refusal::Extension { message, .. } | Refusal::Internal { message } => message.clone(),
            Refusal::InvokeTimeout { id } => format!("Invocation {id} timed out before this answer"),
            Refusal::TooLarge { size, limit } => response_too_large(*size, *limit),
            Refusal::Scripted { status } => format!("Scripted fault, status {status}"),
        }
    }

    /// Returns the body: exactly `errorMessage` and `errorType`.
    pub(crate) fn body(&self) -> Bytes {
        error_json(self.error_type(), &self.message())
    }
}

/// Returns the body of every 202.
pub(crate) fn accepted() -> Bytes {
    line(&json!({"status": "OK"}))
}

/// Returns an error payload made by the platform.
pub(crate) fn error_json(error_type: &str, message: &str) -> Bytes {
    line(&json!({"errorMessage": message, "errorType": error_type}))
}

/// Returns JSON as the platform's encoder writes it: one line feed after it, and `<`, `>`, `&` escaped. Those three
/// occur in JSON only inside strings, so replacing the characters is enough.
pub(crate) fn line(value: &Value) -> Bytes {
    let plain = value.to_string();
    let mut out = String::with_capacity(plain.len() + 1);
    for character in plain.chars() {
        match character {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            other => out.push(other),
        }
    }
    out.push('\n');
    out.into()
}

/// Returns the message of `Function.ResponseSizeTooLarge`.
pub(crate) fn response_too_large(size: usize, limit: usize) -> String {
    format!("Response payload size ({size} bytes) exceeded maximum allowed payload size ({limit} bytes).")
}

/// Returns the payload for a runtime whose process ends under an invocation (`Runtime.ExitError`).
pub(crate) fn exit_error(request_id: &str, status: ExitStatus) -> Bytes {
    let reason = match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(signal)) => {
            let core = if status.core_dumped() { " (core dumped)" } else { "" };
            format!("Runtime exited with error: signal: {}{core}", signal_text(signal))
        }
        (None, None) => "Runtime exited with error: unknown status".to_owned(),
    };
    error_json("Runtime.ExitError", &format!("RequestId: {request_id} Error: {reason}"))
}

fn signal_text(signal: i32) -> String {
    match signal {
        1 => "hangup".into(),
        2 => "interrupt".into(),
        3 => "quit".into(),
        4 => "illegal instruction".into(),
        5 => "trace/breakpoint trap".into(),
        6 => "aborted".into(),
        7 => "bus error".into(),
        8 => "floating point exception".into(),
        9 => "killed".into(),
        11 => "segmentation fault".into(),
        13 => "broken pipe".into(),
        14 => "alarm clock".into(),
        15 => "terminated".into(),
        other => format!("signal {other}"),
    }
}

/// Returns the payload for a deadline that passes. `stamp` is in RFC 3339.
pub(crate) fn timed_out(request_id: &str, stamp: &str, timeout: Duration) -> Bytes {
    let message = format!("{stamp} {request_id} Task timed out after {:.2} seconds", timeout.as_secs_f64());
    error_json("Sandbox.Timedout", &message)
}

/// Returns the text that the platform keeps of `Lambda-Runtime-Function-Error-Type`: the value where it holds
/// `(Runtime|Function)\.[A-Z][A-Za-z]+` anywhere, else an `Unknown` of its family.
pub(crate) fn kept_error_type(sent: Option<&str>) -> String {
    match sent {
        Some(value) if is_error_type(value) => value.to_owned(),
        Some(value) if value.starts_with("Function.") => "Function.Unknown".to_owned(),
        _ => "Runtime.Unknown".to_owned(),
    }
}

/// Returns `true` if the value holds `(Runtime|Function)\.[A-Z][A-Za-z]+` anywhere (the platform's pattern is
/// unanchored).
pub(crate) fn is_error_type(value: &str) -> bool {
    ["Runtime.", "Function."].iter().any(|family| {
        value.match_indices(family).any(|(at, _)| {
            let mut rest = value[at + family.len()..].bytes();
            rest.next().is_some_and(|first| first.is_ascii_uppercase())
                && rest.next().is_some_and(|second| second.is_ascii_alphabetic())
        })
    })
}

/// Returns the payload that the invoker gets for an `/error` body of that content type. The internal cause is taken out
/// of the one type that may carry it. Every other body passes unchanged.
pub(crate) fn error_payload(content_type: Option<&str>, body: Bytes) -> Bytes {
    if content_type != Some("application/vnd.aws.lambda.error.cause+json") {
        return body;
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(mut object)) => {
            object.remove("errorCause");
            line(&Value::Object(object))
        }
        _ => Bytes::from_static(b"Invalid error body"),
    }
}

/// Returns the X-Ray cause as kept: dropped when it is not JSON or empty, cropped to 64 KiB.
pub(crate) fn xray_cause(sent: Option<&str>) -> Option<String> {
    let sent = sent?;
    let value: Value = serde_json::from_str(sent).ok()?;
    let says_something = ["working_directory", "exceptions", "paths", "message"].iter().any(|key| match &value[*key] {
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    });
    let mut end = sent.len().min(MAX_XRAY_CAUSE);
    while !sent.is_char_boundary(end) {
        end -= 1;
    }
    says_something.then(|| sent[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped_as_the_platforms_encoder_does() {
        let body = error_json("Runtime.Unknown", "a<b>&c");
        assert_eq!(&body[..], b"{\"errorMessage\":\"a\\u003cb\\u003e\\u0026c\",\"errorType\":\"Runtime.Unknown\"}\n");
        assert_eq!(accepted().len(), 16);
    }

    #[test]
    fn an_error_type_outside_the_pattern_becomes_unknown_of_its_family() {
        assert_eq!(kept_error_type(Some("Runtime.NoSuchHandler")), "Runtime.NoSuchHandler");
        assert_eq!(kept_error_type(Some("my Function.TooCold!")), "my Function.TooCold!");
        assert_eq!(kept_error_type(Some("Function.cold")), "Function.Unknown");
        assert_eq!(kept_error_type(Some("Function.X")), "Function.Unknown");
        assert_eq!(kept_error_type(Some("TypeError")), "Runtime.Unknown");
        assert_eq!(kept_error_type(None), "Runtime.Unknown");
    }

    #[test]
    fn the_error_cause_is_stripped_from_its_own_content_type_only() {
        let body = Bytes::from_static(br#"{"errorType":"T","errorMessage":"m","errorCause":{"a":1}}"#);
        let cause = Some("application/vnd.aws.lambda.error.cause+json");
        assert_eq!(
            &error_payload(cause, body.clone())[..],
            b"{\"errorMessage\":\"m\",\"errorType\":\"T\"}\n".as_slice()
        );
        assert_eq!(error_payload(Some("application/json"), body.clone()), body);
        assert_eq!(&error_payload(cause, Bytes::from_static(b"junk"))[..], b"Invalid error body");
    }

    #[test]
    fn an_empty_xray_cause_is_dropped_and_a_long_one_cropped() {
        assert_eq!(xray_cause(Some(r#"{"working_directory":"","exceptions":[],"paths":[]}"#)), None);
        assert_eq!(xray_cause(Some("junk")), None);
        let long = format!(r#"{{"message":"{}"}}"#, "é".repeat(64 * 1024));
        let kept = xray_cause(Some(&long)).expect("it says something");
        assert!(long.starts_with(&kept) && kept.len() <= 64 * 1024 && kept.len() > 64 * 1024 - 2);
    }

    #[test]
    fn the_exit_text_names_the_status_or_the_signal() {
        let text = |raw| String::from_utf8(exit_error("id", ExitStatus::from_raw(raw)).to_vec()).expect("it is text");
        assert!(text(3 << 8).contains("RequestId: id Error: Runtime exited with error: exit status 3"));
        assert!(text(0).contains("Runtime exited without providing a reason"));
        assert!(text(9).contains("signal: killed"));
        assert!(text(11 | 0x80).contains("signal: segmentation fault (core dumped)"));
    }
}
