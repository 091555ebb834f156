//! What the invoker gets, and the view of the environment that waiting tests look at. Only data.

use std::time::{Duration, Instant};

use bytes::Bytes;

/// How an invocation ended.
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
    /// When it was read.
    pub at: Instant,
    /// Its bytes; one read may join several chunks of the wire.
    pub bytes: Bytes,
}

/// The outcome of an invocation.
#[derive(Clone, Debug)]
pub struct Answer {
    /// How it ended.
    pub kind: Kind,
    /// The invocation.
    pub request_id: String,
    /// Status the deciding post was answered with; `None` where no post decided.
    pub status: Option<u16>,
    /// Header fields of that post, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The payload the invoker gets: the body posted, or the error the platform made.
    pub body: Bytes,
    /// Pieces of a streamed body, in order.
    pub chunks: Vec<Chunk>,
    /// Trailer fields, names in lower case.
    pub trailers: Vec<(String, String)>,
    /// `X-Amz-Function-Error` of the invoke reply.
    pub function_error: Option<&'static str>,
    /// Error type as the platform keeps it.
    pub error_type: Option<String>,
    /// The error JSON of a stream's trailer, decoded.
    pub stream_error: Option<Vec<u8>>,
    /// X-Ray cause as kept.
    pub xray_cause: Option<String>,
    /// When it was submitted.
    pub submitted: Instant,
    /// When the event was first handed to a poll.
    pub delivered: Option<Instant>,
    /// When the answer was whole.
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

    /// Returns the payload as text, what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// From delivery to the whole answer.
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
    /// The invocation.
    pub request_id: String,
    /// Whether a poll was given it.
    pub delivered: bool,
    /// Whether the head of its response is here.
    pub responding: bool,
    /// Bytes of the response so far.
    pub received: usize,
}

/// The environment at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Name of the runtime's state, as in 403 messages; for managed instances `Started`, `InitError` or `Ready`.
    pub state: &'static str,
    /// Polls waiting for an event.
    pub parked: usize,
    /// Most polls that ever waited at once.
    pub max_parked: usize,
    /// GET `/next` calls so far.
    pub next_calls: usize,
    /// Whether the restore poll waits.
    pub restore_parked: bool,
    /// `/init/error` calls accepted.
    pub init_errors: usize,
    /// `/restore/error` calls accepted.
    pub restore_errors: usize,
    /// Extensions registered.
    pub extensions: usize,
    /// Extensions waiting for their next event.
    pub extensions_parked: usize,
    /// Connections open.
    pub connections: usize,
    /// Connections ever accepted.
    pub accepted_connections: usize,
    /// Bytes on the framed log descriptor so far.
    pub log_bytes: usize,
    /// Scripted faults that have not struck yet.
    pub faults: usize,
    /// Breaches of the protocol so far.
    pub violations: usize,
    /// Invocations without an answer, in the order submitted.
    pub in_flight: Vec<InFlight>,
    /// Whether the process that was spawned last has ended.
    pub ended: bool,
}

impl Snapshot {
    /// Returns the unanswered invocation of that id.
    pub fn request(&self, id: &str) -> Option<&InFlight> {
        self.in_flight.iter().find(|request| request.request_id == id)
    }
}
