//! The polling protocol of FunctionGraph's custom runtimes. Whether the platform holds a poll until there is an event,
//! or answers at once that there is none, is not promised: both are fine.

use super::Limits;
use crate::failure::Failure;
use crate::http1::Message;
use crate::invocation::{Invocation, InvocationMetadata};
use crate::log::Level;
use crate::platform::plain_event::Requests;
use crate::platform::polling::fits_path;
use crate::platform::{BodyFrom, Delivery, Polling, PostOutcome};
use crate::process::{Deadline, Process};
use crate::text::Span;
use std::time::Duration;

const REQUEST: &str = "/v1/runtime/invocation/request";
/// The id comes behind these.
const RESPONSE: &[u8] = b"/v1/runtime/invocation/response/";
const ERROR: &[u8] = b"/v1/runtime/invocation/error/";

/// The number of times in a row that a second's pause is made.
const SECONDS: usize = 59;

/// The pauses before the next tries, in milliseconds: first 0, for a connection that a freeze has killed; then up to a
/// second, for a minute in all.
const PAUSES_MS: [u16; 6 + SECONDS] = {
    let mut pauses = [1000; 6 + SECONDS];
    let first = [0, 50, 100, 200, 400, 800];
    let mut at = 0;
    while at < first.len() {
        pauses[at] = first[at];
        at += 1;
    }
    pauses
};

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    endpoint: String,
    requests: Requests,
    timeout: Option<Duration>,
}

impl RuntimeApi {
    pub(super) fn new(endpoint: String, limits: Limits) -> RuntimeApi {
        let requests = Requests::to(&endpoint, limits.max_result);
        RuntimeApi { endpoint, requests, timeout: limits.timeout }
    }
}

impl Polling for RuntimeApi {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn next(&self, out: &mut Vec<u8>) {
        self.requests.get(REQUEST, out);
    }

    /// Reads an event, which has an id and the status 200. Any other answer is not an event, and not a failure.
    fn delivery(&self, process: &Process, answer: &Message) -> Delivery {
        let request_id = answer.header("x-cff-request-id").unwrap_or_default().trim_ascii();
        if answer.status() != 200 || request_id.is_empty() {
            if !matches!(answer.status(), 200 | 204) {
                process.log.say(Level::Debug, &format!("the runtime API answered {} to the poll", answer.status()));
            }
            return Delivery::Nothing;
        }
        if !fits_path(request_id) {
            return Delivery::Again("the runtime API handed out an event whose id fits in no path".into());
        }
        let bytes = answer.bytes();
        Delivery::Event(InvocationMetadata {
            request_id: Span::of(bytes, request_id),
            content_type: answer.header("content-type").map_or(Span::EMPTY, |value| Span::of(bytes, value)),
            // No event says when it is due: the limit counts from here.
            deadline: Deadline::within(process, self.timeout),
            is_whole: true,
            ..InvocationMetadata::default()
        })
    }

    fn pauses_ms(&self) -> &[u16] {
        &PAUSES_MS
    }

    fn answer(&self, invocation: &Invocation, head: &mut Vec<u8>, scratch: &mut Vec<u8>) -> BodyFrom {
        let id = invocation.request_id();
        self.requests.answer(invocation, [[RESPONSE, id], [ERROR, id]], head, scratch)
    }

    fn failed(&self, request_id: &[u8], failure: &Failure, out: &mut Vec<u8>) {
        self.requests.failed([ERROR, request_id], failure, out);
    }

    /// Accepts any status from 200 to 299, though only 200 is documented. After any other status the answer is dropped:
    /// the next event may be fine.
    fn verdict(&self, status: u16) -> PostOutcome {
        if let 200..=299 = status { PostOutcome::Accepted } else { PostOutcome::Dropped }
    }
}
