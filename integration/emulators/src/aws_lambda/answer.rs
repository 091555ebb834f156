//! The outcome for the invoker, and the view of the environment that waiting tests look at. There are only data here.

use std::time::{Duration, Instant};

use bytes::Bytes;

/// The way in which an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole buffered response.
    Response,
    /// A streamed response; one with an error trailer has [`Answer::error_type`] and [`Answer::stream_error`] set.
    Stream,
    /// The runtime posted an error.
    Error,
    /// Init failed and was reported; the cached report answers every invocation.
    InitError,
    /// SnapStart: the restore failed and was reported.
    RestoreError,
    /// The deadline passed.
    Timeout,
    /// The process (or an extension) ended.
    Exited,
    /// The response was larger than allowed: `Function.ResponseSizeTooLarge`.
    TooLarge,
    /// The response's body ended early: `Runtime.TruncatedResponse`.
    Truncated,
    /// The response named an unknown mode: `Runtime.InvalidResponseModeHeader`.
    InvalidMode,
    /// Managed instances: no poll is parked, or the id is in flight.
    Refused,
    /// A scripted fault took the answer.
    Faulted,
    /// The caller's patience ended first.
    Unanswered,
}

/// A piece of a body as it arrived.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The time at which it was read.
    pub at: Instant,
    /// Its bytes; one read may join several chunks of the wire.
    pub bytes: Bytes,
}

/// The outcome of an invocation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The way in which it ended.
    pub kind: Kind,
    /// The request id of the invocation.
    pub request_id: String,
    /// The status that the deciding post was answered with; `None` where no post decided.
    pub status: Option<u16>,
    /// Header fields of that post, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The payload the invoker gets: the body posted, or the error the platform made.
    pub body: Bytes,
    /// The pieces of a streamed body, in order.
    pub chunks: Vec<Chunk>,
    /// Trailer fields, names in lower case.
    pub trailers: Vec<(String, String)>,
    /// The text of `X-Amz-Function-Error` of the invoke reply.
    pub function_error: Option<&'static str>,
    /// The error type as the platform keeps it; `None` without an error.
    pub error_type: Option<String>,
    /// The error JSON of a stream's trailer, decoded.
    pub stream_error: Option<Vec<u8>>,
    /// The X-Ray cause as it is kept.
    pub xray_cause: Option<String>,
    /// The time at which it was submitted.
    pub submitted: Instant,
    /// The time at which the event was first handed to a poll.
    pub delivered: Option<Instant>,
    /// The time at which the answer was whole.
    pub answered: Instant,
}

impl Answer {
    /// Returns the first header of that name (lower case) of the deciding post.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Returns the first trailer of that name (lower case).
    pub fn trailer(&self, name: &str) -> Option<&str> {
        find(&self.trailers, name)
    }

    /// Returns the payload as text, in which bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns the time from delivery to the whole answer; `None` if it was not delivered.
    pub fn round_trip(&self) -> Option<Duration> {
        self.delivered.map(|delivered| self.answered - delivered)
    }
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// An invocation that has no answer yet.
#[derive(Clone, Debug)]
pub struct InFlight {
    /// The request id of the invocation.
    pub request_id: String,
    /// `true` if the invocation was given to a poll.
    pub delivered: bool,
    /// `true` if the head of its response has come.
    pub responding: bool,
    /// The number of bytes of the response's body that have come so far, also those beyond a limit.
    pub received: usize,
}

/// The environment at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The name of the runtime's state, as in 403 messages; for managed instances `Started`, `InitError` or `Ready`.
    pub state: &'static str,
    /// The number of polls that wait for an event.
    pub parked: usize,
    /// The most polls that ever waited at once.
    pub max_parked: usize,
    /// The number of GET `/next` calls so far.
    pub next_calls: usize,
    /// `true` if the restore poll waits.
    pub restore_parked: bool,
    /// The number of `/init/error` calls that were accepted.
    pub init_errors: usize,
    /// The number of `/restore/error` calls that were accepted.
    pub restore_errors: usize,
    /// The number of extensions that are registered.
    pub extensions: usize,
    /// The number of extensions that wait for their next event.
    pub extensions_parked: usize,
    /// The number of connections that are open.
    pub connections: usize,
    /// The number of connections that were ever accepted.
    pub accepted_connections: usize,
    /// The number of bytes on the framed log descriptor so far.
    pub log_bytes: usize,
    /// The number of scripted faults that have not struck yet.
    pub faults: usize,
    /// The number of breaches of the protocol so far.
    pub violations: usize,
    /// The invocations without an answer, in the order submitted.
    pub in_flight: Vec<InFlight>,
    /// `true` if the process that was spawned last has ended.
    pub ended: bool,
}

impl Snapshot {
    /// Returns the unanswered invocation of that id; `None` if there is none.
    pub fn request(&self, id: &str) -> Option<&InFlight> {
        self.in_flight.iter().find(|request| request.request_id == id)
    }
}
