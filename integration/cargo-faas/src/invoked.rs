//! The answer of `invoke --json` where it has started a runtime itself. The invocation has the members of a running
//! dev's answer, and more, since the whole process was seen. Members are only ever added.

use crate::journal::Phase;
use crate::local::{Served, Stopped};
use crate::reply;
use faas_core::encoding::base64;
use platform_emulators::aws_lambda::Kind;
use serde_json::{Value, json};
use std::time::Duration;

/// Returns the whole answer. `title` is the event in words; `problem` is why the invocation failed, if it has.
pub(crate) fn document(
    title: &str,
    served: &Served,
    is_request: bool,
    problem: Option<&str>,
    phases: &[Phase],
    stopped: &Stopped,
) -> Value {
    let answer = &served.answer;
    let response = reply::of(answer).ok().filter(|_| is_request);
    let body = response.as_ref().map_or(&answer.body[..], |response| &response.body);
    let mut reply = json!({"bytes": body.len()});
    match std::str::from_utf8(body) {
        Ok(text) => reply["text"] = text.into(),
        Err(_) => {
            let mut text = Vec::new();
            base64::encode_into(&mut text, body);
            reply["base64"] = String::from_utf8_lossy(&text).into();
        }
    }
    // A value is no response, and has the status that a running dev gives an event that went well.
    let went_well = if answer.kind == Kind::Response { 200 } else { 500 };
    let headers = response.as_ref().map(|response| response.headers.clone()).unwrap_or_default();
    let seen = served.invocation.as_ref();
    json!({
        "invocations": [{
            "requestId": answer.request_id,
            "title": title,
            "platform": "aws-lambda",
            "status": response.as_ref().map_or(went_well, |response| response.status),
            "us": answer.round_trip().map(us),
            "failed": problem.is_some(),
            "coldStart": seen.map(|seen| seen.cold_start),
            "reply": reply,
            "replyHeaders": headers,
            "problem": problem.map(|message| json!({"message": message})),
        }],
        "phases": phases.iter().map(phase).collect::<Vec<_>>(),
        "shutdown": {
            "exitCode": stopped.shutdown.status.and_then(|status| status.code()),
            "us": us(stopped.shutdown.took),
        },
    })
}

fn phase(phase: &Phase) -> Value {
    json!({"name": phase.name, "us": us(phase.took), "outcome": phase.outcome})
}

/// Returns a time in microseconds.
fn us(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
