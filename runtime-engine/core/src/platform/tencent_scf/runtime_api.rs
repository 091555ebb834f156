//! The polling protocol of SCF's custom runtimes. No path holds an id: one event is out at a time, and the first answer
//! that is posted is its answer.

use super::MAX_RESULT;
use crate::failure::Failure;
use crate::fields::caseless;
use crate::http1::{Message, decimal};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::log::{Level, Origin};
use crate::platform::plain_event::Requests;
use crate::platform::{BodyFrom, Delivery, Polling, PostOutcome, http_common};
use crate::process::{Deadline, Process};
use crate::text::Span;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

const READY: &[u8] = b"/runtime/init/ready";
const NEXT: &str = "/runtime/invocation/next";
const RESPONSE: &[u8] = b"/runtime/invocation/response";
const ERROR: &[u8] = b"/runtime/invocation/error";

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct RuntimeApi {
    endpoint: String,
    requests: Requests,
    /// The limit of an event that comes without one.
    timeout: Option<Duration>,
    /// The request id that was answered last.
    answered: Mutex<Vec<u8>>,
}

impl RuntimeApi {
    pub(super) fn new(endpoint: String, timeout: Option<Duration>) -> RuntimeApi {
        let requests = Requests::to(&endpoint, MAX_RESULT);
        RuntimeApi { endpoint, requests, timeout, answered: Mutex::default() }
    }

    fn note_answered(&self, request_id: &[u8]) {
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        answered.clear();
        answered.extend_from_slice(request_id);
    }

    /// Logs an event that comes again after its answer. The platform hands an event out again until it has an answer,
    /// so this one's answer was lost. The event is served all the same.
    fn watch_for_repeats(&self, process: &Process, request_id: &[u8]) {
        let answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        if !request_id.is_empty() && *answered == request_id {
            let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
            let message = b"this event comes again, though it has been answered: it runs once more";
            process.log.write(Level::Warn, origin, message, std::iter::empty());
        }
    }
}

impl Polling for RuntimeApi {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Writes the request before which no event is delivered. Its body is one blank, as in the vendor's samples.
    fn ready(&self, out: &mut Vec<u8>) -> bool {
        self.requests.post([READY, b""], b"text/plain", 1, out);
        out.push(b' ');
        true
    }

    fn next(&self, out: &mut Vec<u8>) {
        self.requests.get(NEXT, out);
    }

    fn delivery(&self, process: &Process, answer: &Message) -> Delivery {
        match answer.status() {
            204 => return Delivery::Nothing,
            200..=299 => {}
            status => return Delivery::Again(format!("the runtime API answered {status} to the poll")),
        }
        let metadata = self.metadata(process, answer);
        self.watch_for_repeats(process, metadata.request_id.read(answer.bytes()));
        Delivery::Event(metadata)
    }

    fn answer(&self, invocation: &Invocation, head: &mut Vec<u8>, scratch: &mut Vec<u8>) -> BodyFrom {
        self.note_answered(invocation.request_id());
        self.requests.answer(invocation, [[RESPONSE, b""], [ERROR, b""]], head, scratch)
    }

    fn failed(&self, _: &[u8], failure: &Failure, out: &mut Vec<u8>) {
        self.requests.failed([ERROR, b""], failure, out);
    }

    /// Accepts any status from 200 to 299, though only 200 is documented. After any other status the answer is dropped:
    /// the next event may be fine.
    fn verdict(&self, status: u16) -> PostOutcome {
        if let 200..=299 = status { PostOutcome::Accepted } else { PostOutcome::Dropped }
    }
}

impl RuntimeApi {
    /// Reads the headers in one pass. Their names have underscores; an event that lacks one of them is served all the
    /// same.
    fn metadata(&self, process: &Process, answer: &Message) -> InvocationMetadata {
        let mut metadata = InvocationMetadata { is_whole: true, ..InvocationMetadata::default() };
        let mut limit = self.timeout;
        for (name, value) in answer.headers() {
            let span = Span::of(answer.bytes(), value);
            match name.len() {
                10 if caseless(name, b"request_id") => {
                    http_common::take_request_id(&mut metadata, answer.bytes(), value)
                }
                12 if caseless(name, b"content-type") => metadata.content_type = span,
                16 if caseless(name, b"time_limit_in_ms") => {
                    limit = decimal(value).filter(|millis| *millis > 0).map(Duration::from_millis).or(limit);
                }
                18 if caseless(name, b"memory_limit_in_mb") => {
                    metadata.memory_mb = decimal(value).and_then(|mb| u32::try_from(mb).ok()).unwrap_or(0);
                }
                _ => {}
            }
        }
        // A limit, not a moment: it counts from here.
        metadata.deadline = Deadline::within(process, limit);
        metadata
    }
}
