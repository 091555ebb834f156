//! The answer of `invoke --json` where it has started a runtime itself. It is the invocation in the members that a
//! running dev has for one, and the facts of the process, all of which was seen. Members are only ever added.

use crate::journal::Phase;
use crate::local::Stopped;
use crate::screen::bytes;
use crate::stage::Headers;
use faas_core::encoding::base64;
use serde_json::{Value, json};
use std::time::Duration;

/// An invocation that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) request_id: String,
    /// The event in words.
    pub(super) title: String,
    pub(super) platform: &'static str,
    /// The status that a client gets. A value is no response, and is called one that went well as a running dev calls
    /// it.
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
    /// The time from the event to the reply; `None` if it is not known.
    pub(super) took: Option<Duration>,
    /// `true` if it was the first of its process; `None` if nothing says so.
    pub(super) cold_start: Option<bool>,
    /// The reason why it failed; `None` if it has not.
    pub(super) problem: Option<String>,
}

/// Returns the whole answer.
pub(super) fn document(ended: &Ended, stopped: &Stopped) -> Value {
    let body = &ended.body[..];
    let mut reply = json!({"bytes": body.len()});
    match std::str::from_utf8(body) {
        Ok(text) => reply["text"] = text.into(),
        Err(_) => {
            let mut text = Vec::new();
            base64::encode_into(&mut text, body);
            reply["base64"] = String::from_utf8_lossy(&text).into();
        }
    }
    json!({
        "invocations": [{
            "requestId": ended.request_id,
            "title": ended.title,
            "platform": ended.platform,
            "status": ended.status,
            "us": ended.took.map(us),
            "failed": ended.problem.is_some(),
            "coldStart": ended.cold_start,
            "reply": reply,
            "replyHeaders": ended.headers,
            "problem": ended.problem.as_ref().map(|message| json!({"message": message})),
        }],
        "phases": stopped.phases.iter().map(phase).collect::<Vec<_>>(),
        "shutdown": {
            "exitCode": stopped.shutdown.status.and_then(|status| status.code()),
            "us": us(stopped.shutdown.took),
        },
    })
}

/// Returns a body for people.
pub(super) fn body_text(body: &[u8]) -> String {
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("({}, not text)", bytes(body.len())),
    }
}

fn phase(phase: &Phase) -> Value {
    json!({"name": phase.name, "us": us(phase.took), "outcome": phase.outcome})
}

/// Returns a time in whole microseconds.
fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
