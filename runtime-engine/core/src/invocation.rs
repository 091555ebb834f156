//! One invocation, or one lifecycle phase, as modules see it: the event, what the platform says about it, the reply.
//!
//! Nothing is parsed before somebody asks. The memory of one is used again for the next ([`Invocation::renew`]).

mod calls;
mod contract;
mod filters;
mod kept;
mod record;
mod service;
mod stamp;
mod streams;
mod walk;

pub(crate) use record::OfBatch;
pub(crate) use service::Served;
pub use streams::{BodySource, Stream};
use streams::{Incoming, Outgoing};

pub use stamp::Stamp;

use calls::Calls;
use kept::Kept;
use stamp::Captured;

use crate::failure::Failure;
use crate::fields::Fields;
use crate::http1::Message;
use crate::log::{Level, Origin};
use crate::process::{Deadline, Process};
use crate::router::Params;
use crate::text::Span;
use crate::text::Text;
use crate::trigger::batch::Batch;
use crate::trigger::{Body, DecodedEvent, HttpView, Kind, MessageFormat, MessageLayout, ReplyFormat, SpareView};
use faas_abi::host::{Given, HeadHook, Memory};
use faas_abi::*;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The facts about an invocation that a platform's protocol knows without reading the event. Spans lie in
/// [`Message::bytes`].
#[derive(Clone, Copy, Debug, Default)]
pub struct InvocationMetadata {
    /// The id of the request, as the platform gives it.
    pub request_id: Span,
    /// The name that this call used for the function: an ARN on AWS.
    pub invoked_as: Span,
    /// The platform's own trace text.
    pub trace: Span,
    /// The W3C trace context; empty if the platform has no such context.
    pub traceparent: Span,
    /// The W3C trace state, `tracestate`.
    pub tracestate: Span,
    /// The tenant that the invocation is for.
    pub tenant: Span,
    /// The client's context, in JSON.
    pub client_context: Span,
    /// The identity of the caller, in JSON.
    pub identity: Span,
    /// The content type of the event.
    pub content_type: Span,
    /// The moment when the event was whole, in nanoseconds on the process' clock. It is 0 if the protocol has not
    /// looked at the clock, so that the invocation looks itself.
    pub received_ns: u64,
    /// The moment when the invocation must be answered; `None` if there is no limit.
    pub deadline: Option<Deadline>,
    /// The number of times that the platform has tried before.
    pub attempt: u32,
    /// The function's name as this call gives it; if it is empty, that of the process holds.
    pub function: Span,
    /// The name of the function that the platform addresses with this very event. It is empty unless one process may be
    /// several functions of the platform's.
    pub addressee: Span,
    /// The version as this call gives it; if it is empty, that of the process holds.
    pub version: Span,
    /// The service as this call gives it; if it is empty, that of the process holds.
    pub service: Span,
    /// The region as this call gives it; if it is empty, that of the process holds.
    pub region: Span,
    /// The account as this call gives it; if it is empty, that of the process holds.
    pub account: Span,
    /// The memory limit in MiB as this call gives it; if it is 0, that of the process holds.
    pub memory_mb: u32,
    /// The way in which the message is read.
    pub format: MessageFormat,
    /// The part of the message that is the event, as [`MessageLayout::event`] says it.
    pub event: Span,
    /// The address of a request's client, as [`MessageLayout::client_ip`] says it. If it is empty,
    /// [`HttpView::client_ip`] is found in the headers.
    pub client_ip: Span,
    /// The beginning of the names of headers that are the platform's, as [`MessageLayout::own_headers`] says it. They
    /// stay among the platform's metadata if they have a value.
    pub own_headers: &'static [u8],
    /// `true` if the reply must go out in one piece: a stream is collected first.
    pub is_whole: bool,
    /// `true` if the message is only the head of its request, whose body comes piece by piece ([`BodySource`]).
    pub is_streamed_in: bool,
    /// `true` if the function's log lines of the levels info, debug and trace are kept for the reply. Warnings and
    /// errors are written.
    pub captures_log: bool,
}

impl InvocationMetadata {
    /// Returns the facts by which the message is read.
    pub(crate) fn layout(&self) -> MessageLayout {
        let InvocationMetadata { format, event, client_ip, own_headers, .. } = *self;
        MessageLayout { format, event, client_ip, own_headers }
    }
}

/// The form of the reply's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The bytes are in the platform's own form.
    Raw,
    /// The bytes are a value in JSON.
    Value,
    /// The bytes are the body of an HTTP reply with this status.
    Http(u16),
}

impl Code {
    /// Returns the code of the contract's number; `None` if it has no meaning.
    fn of(number: u32) -> Option<Code> {
        match number {
            REPLY_RAW => Some(Code::Raw),
            REPLY_VALUE => Some(Code::Value),
            200..=599 => u16::try_from(number).ok().map(Code::Http),
            _ => None,
        }
    }
}

impl Code {
    /// Returns the contract's number of the code.
    fn number(self) -> u64 {
        u64::from(match self {
            Code::Raw => REPLY_RAW,
            Code::Value => REPLY_VALUE,
            Code::Http(status) => u32::from(status),
        })
    }
}

/// Says how far the reply of an invocation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing has been set yet.
    Open,
    /// A reply is set and may still change.
    Set(Code),
    /// The head of a stream is out.
    Streaming(Code),
}

/// The driver's record of an invocation in flight.
pub trait Flight: Send + Sync {
    /// Enforces a deadline that a layer has brought forward, on [`Process::now_ns`]'s clock. It may be past already.
    fn tighten(&self, deadline_ns: u64);

    /// Notes the number of the function that serves the invocation; `usize::MAX` if no function does.
    fn serves(&self, function: usize);

    /// Claims the answer at the end of the walk. Returns `false` if the invocation has been answered already, for
    /// instance as timed out: then it has its line in the log, too, and its own outcome is dropped.
    fn claim(&self) -> bool;
}

/// Holds all data of one invocation, or of one phase.
pub struct Invocation {
    process: Arc<Process>,
    function: Arc<str>,
    served: Served,
    /// The parameters that the last route found in its request's path; their memory is used again.
    params: Params,
    message: Option<Message>,
    metadata: InvocationMetadata,
    peer: String,
    request_id: Vec<u8>,
    cold: bool,
    received_ns: u64,
    decoded: OnceLock<DecodedEvent>,
    spare: Mutex<SpareView>,
    /// `true` while a recogniser is asked about the event.
    recognising: bool,
    /// The texts that layers have set over those of the event. The spans lie in it.
    texts: Text,
    trigger: Option<Span>,
    source: Option<Span>,
    own_traceparent: Option<Span>,
    tracestate: Option<Span>,
    traceparent: OnceLock<Vec<u8>>,
    body: Option<Given>,
    kept: Kept,
    extensions: Fields,
    calls: Calls,
    memory: Memory,
    progress: Progress,
    reply_headers: Fields,
    reply_cookies: Fields,
    reply: Given,
    failure: Option<Failure>,
    /// `true` if the failure's words come from `fail` in the call at hand, whose status is not known yet.
    failed_here: bool,
    /// The reply that `fail` dropped in the call at hand.
    dropped: Option<(Code, Given)>,
    /// The head hooks of the layers that are entered, outermost first.
    heads: Vec<HeadHook>,
    heads_ran: bool,
    /// `true` while the head hooks of a stream run whose pieces go out as they come.
    takes_filters: bool,
    /// `true` while there is no invocation here, nor anything of the last one.
    is_clear: bool,
    /// `true` once the reply is out: it can be read and not changed any more.
    is_out: bool,
    /// `true` if the function has left work for after the reply, whatever its table says.
    has_later: bool,
    /// `true` if a layer has been entered that cannot do without the whole body of the reply.
    no_streams: bool,
    flight: Option<Arc<dyn Flight>>,
    /// The destination of a streamed reply.
    outgoing: Mutex<Outgoing>,
    /// The position up to which the body of the request has been read.
    incoming: Incoming,
    captured: Arc<Captured>,
    /// The records of the event, once they have been asked for.
    batch: OnceLock<Option<Box<Batch>>>,
    /// The parts that make it one record of a batch; `None` for any other invocation.
    record: Option<Box<record::Record>>,
}

impl std::fmt::Debug for Invocation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = String::from_utf8_lossy(self.request_id());
        f.debug_struct("Invocation").field("request_id", &id).field("progress", &self.progress).finish_non_exhaustive()
    }
}

impl Invocation {
    /// Makes an empty invocation: for a lifecycle phase, or as a place for invocations to come.
    pub fn new(process: Arc<Process>, function: Arc<str>) -> Invocation {
        let spare = SpareView::trusting(process.identity.trusted_hops);
        Invocation {
            process,
            function,
            served: Served::default(),
            params: Params::default(),
            message: None,
            metadata: InvocationMetadata::default(),
            peer: String::new(),
            request_id: Vec::new(),
            cold: false,
            received_ns: 0,
            decoded: OnceLock::new(),
            spare: Mutex::new(spare),
            recognising: false,
            texts: Text::default(),
            trigger: None,
            source: None,
            own_traceparent: None,
            tracestate: None,
            traceparent: OnceLock::new(),
            body: None,
            kept: Kept::default(),
            extensions: Fields::default(),
            calls: Calls::default(),
            memory: Memory::default(),
            progress: Progress::Open,
            reply_headers: Fields::default(),
            reply_cookies: Fields::default(),
            reply: Given::EMPTY,
            failure: None,
            failed_here: false,
            dropped: None,
            heads: Vec::new(),
            heads_ran: false,
            takes_filters: false,
            is_clear: true,
            is_out: false,
            has_later: false,
            no_streams: false,
            flight: None,
            outgoing: Mutex::default(),
            incoming: Incoming::default(),
            captured: Arc::default(),
            batch: OnceLock::new(),
            record: None,
        }
    }

    /// Makes this place serve the next invocation. Everything of the last one is gone.
    pub fn renew(&mut self, message: Message, metadata: &InvocationMetadata, cold: bool) {
        if !self.is_clear {
            self.clear();
        }
        self.is_clear = false;
        self.message = Some(message);
        self.received_ns = if metadata.received_ns > 0 { metadata.received_ns } else { self.process.now_ns() };
        self.metadata = *metadata;
        self.cold = cold;
    }

    /// Ends it and gives the message back, whose memory the reader uses again. Where streams go and
    /// the record in flight stay as they were set.
    pub fn clear(&mut self) -> Option<Message> {
        // The reply and what modules keep may point into the event: they go first.
        self.reply = Given::EMPTY;
        self.dropped = None;
        self.body = None;
        self.kept.clear();
        self.memory.clear();
        if let Some(DecodedEvent { http: Some(view), .. }) = self.decoded.take() {
            self.spare.get_mut().unwrap_or_else(PoisonError::into_inner).put(view);
        }
        self.batch.take();
        self.record = None;
        self.traceparent.take();
        self.texts.clear();
        self.trigger = None;
        self.source = None;
        self.own_traceparent = None;
        self.tracestate = None;
        self.peer.clear();
        self.request_id.clear();
        self.extensions.clear();
        self.calls.clear();
        self.progress = Progress::Open;
        self.reply_headers.clear();
        self.reply_cookies.clear();
        self.failure = None;
        self.failed_here = false;
        self.heads.clear();
        self.heads_ran = false;
        self.is_out = false;
        self.has_later = false;
        self.no_streams = false;
        self.outgoing().detour = None;
        self.incoming.clear();
        if self.metadata.captures_log {
            self.captured.clear();
        }
        self.metadata = InvocationMetadata::default();
        self.is_clear = true;
        self.message.take()
    }

    /// Sets the address of the connection's other end, for a request that came over HTTP.
    pub fn set_peer(&mut self, address: &str) {
        self.peer.push_str(address);
    }

    /// Sets a request id of our own making, if the platform gives no id.
    pub fn set_request_id(&mut self, id: &[u8]) {
        self.request_id.clear();
        self.request_id.extend_from_slice(id);
    }

    /// Sets the flight that is told of a deadline brought forward and of the walk's end, from now on, for this
    /// invocation and those after it in the same place. Without one, a deadline brought forward is only shown.
    pub fn set_flight(&mut self, flight: Arc<dyn Flight>) {
        self.flight = Some(flight);
    }

    /// Returns the process that it runs in.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Returns the metadata that the protocol told of it.
    pub fn metadata(&self) -> &InvocationMetadata {
        &self.metadata
    }

    /// Returns the moment when its event was whole, on the process' clock.
    pub fn received_ns(&self) -> u64 {
        self.received_ns
    }

    /// Returns the message that brought the invocation; `None` if there is no message, as in a phase.
    pub fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    /// Returns the id of its request.
    pub fn request_id(&self) -> &[u8] {
        if self.request_id.is_empty() { self.fact(self.metadata.request_id) } else { &self.request_id }
    }

    /// Returns the event's kind and parts. It reads the event the first time.
    pub fn decoded(&self) -> &DecodedEvent {
        self.decoded.get_or_init(|| {
            let Some(message) = &self.message else { return DecodedEvent::raw() };
            let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
            DecodedEvent::of(self.metadata.layout(), message, &self.peer, &mut spare)
        })
    }

    /// Returns the HTTP request in the event; `None` if it carries no request.
    pub fn http(&self) -> Option<&HttpView> {
        self.decoded().http.as_deref()
    }

    /// Returns the request in it, to be changed; `None` if the event is no request. Only a recogniser may make one. To
    /// any other layer a view that it made by a header would hide the event's body, and make a request of another
    /// event.
    fn http_mut(&mut self) -> Option<&mut HttpView> {
        self.decoded();
        let decoded = self.decoded.get_mut().expect("read just above");
        if decoded.http.is_none() && self.recognising {
            let mut view = self.spare.get_mut().unwrap_or_else(PoisonError::into_inner).take();
            view.body = Body::Whole;
            decoded.http = Some(view);
        }
        decoded.http.as_deref_mut()
    }

    /// Begins a recogniser's turn, with an event that no source is known for.
    pub(crate) fn begin_recognising(&mut self) {
        self.recognising = true;
    }

    /// Ends a recogniser's turn. If it does not know the event, nothing that it set stays.
    pub(crate) fn end_recognising(&mut self, known: bool) {
        self.recognising = false;
        if known {
            if let Some(DecodedEvent { http: Some(view), .. }) = self.decoded.get_mut() {
                view.complete_path();
            }
            return;
        }
        self.trigger = None;
        self.source = None;
        self.kept.body(self.body.take().unwrap_or(Given::EMPTY));
        if let Some(view) = self.decoded.get_mut().and_then(|decoded| decoded.http.take()) {
            self.kept.view(view);
        }
    }

    /// Returns how far the reply is.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Returns the headers of the reply.
    pub fn reply_headers(&self) -> &Fields {
        &self.reply_headers
    }

    /// Returns the cookies of the reply, as values.
    pub fn reply_cookies(&self) -> &Fields {
        &self.reply_cookies
    }

    /// Returns the body of the reply.
    pub fn reply(&self) -> &Given {
        &self.reply
    }

    /// Puts a body in the place of the reply's.
    fn set_reply(&mut self, body: Given) {
        self.kept.body(std::mem::replace(&mut self.reply, body));
    }

    /// Moves the reply's body out.
    pub fn take_reply(&mut self) -> Given {
        std::mem::replace(&mut self.reply, Given::EMPTY)
    }

    /// Takes the lines that have been kept so far. Later ones are written, since nobody would take them any more.
    pub fn take_captured(&self) -> Vec<String> {
        self.captured.take()
    }

    /// Writes the lines kept so far to the log: no reply carries those of a failure.
    pub(crate) fn write_captured(&self) {
        if self.metadata.captures_log {
            self.take_captured().iter().for_each(|line| self.say(Level::Info, line));
        }
    }

    /// Returns the reason why the invocation failed; `None` if it has not failed.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Returns the stamp of a log line about it. `target` is the part of the entry that speaks; `entry` is empty for
    /// the runtime.
    pub fn origin<'a>(&'a self, target: &'a [u8], entry: &'a str) -> Origin<'a> {
        use faas_abi::host::Invocation as _;
        Origin {
            request_id: self.request_id(),
            tenant: self.meta(META_TENANT),
            entry,
            target,
            trace: if self.process.log.shows_trace() { self.meta(META_TRACEPARENT) } else { &[] },
            account: &self.process.identity.account,
        }
    }

    /// Writes a line of the runtime's own about the invocation.
    pub fn say(&self, level: Level, message: &str) {
        self.process.log.write(level, self.origin(b"runtime", ""), message.as_bytes(), std::iter::empty());
    }

    /// Returns the name of the function in its module; empty for a phase without a function.
    pub fn function_name(&self) -> &str {
        &self.function
    }

    fn fact(&self, span: Span) -> &[u8] {
        self.message.as_ref().map_or(&[], |message| span.read(message.bytes()))
    }

    fn fact_or<'a>(&'a self, span: Span, otherwise: &'a str) -> &'a [u8] {
        if span.is_empty() { otherwise.as_bytes() } else { self.fact(span) }
    }

    /// Returns the W3C trace context: a layer's, else the one that was sent if it is well-formed, else one made from
    /// the platform's own ids.
    fn traceparent(&self) -> &[u8] {
        if let Some(set) = self.own_traceparent {
            return set.read(self.texts.as_slice());
        }
        self.sent_traceparent()
    }

    /// Returns the W3C trace context that was sent if it is well-formed, else one made from the platform's own ids. It
    /// is empty if there are no such ids.
    fn sent_traceparent(&self) -> &[u8] {
        let sent = self.fact(self.metadata.traceparent);
        if crate::trace::is_traceparent(sent) {
            return sent;
        }
        self.traceparent.get_or_init(|| {
            crate::trace::from_xray(self.fact(self.metadata.trace))
                .or_else(|| crate::trace::from_cloud(self.fact(self.metadata.trace)))
                .or_else(|| crate::trace::from_b3(self.message.as_ref()?))
                .unwrap_or_default()
        })
    }
}

impl Invocation {
    /// Returns `true` if the reply to this event goes back as HTTP, natively or in the source's JSON.
    pub fn wants_http(&self) -> bool {
        self.decoded().form != ReplyFormat::Bare
    }

    /// Returns the kind of the invocation's trigger. It reads the event the first time, as [`Invocation::decoded`]
    /// does.
    pub fn kind(&self) -> Kind {
        self.decoded().kind
    }
}
