//! Platforms that send requests: what a driver needs to know of one. Drivers listen, read, wait and write; what a
//! request is, how its response looks and which lifecycle phase it drives is a protocol's.

use super::{BodyFrom, http_common};
use crate::failure::Failure;
use crate::fields::Fields;
use crate::http1::{Head, Limits, Message};
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::process::Process;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A platform that sends requests.
pub trait Serving: Send + Sync {
    /// Returns where the server is to listen.
    fn listen(&self) -> Listen<'_>;
    /// Returns the exit code of a process that could not listen there.
    fn listen_failed(&self) -> i32 {
        1
    }
    /// Returns the number of invocations at once; more are [`refused`](Serving::refused).
    fn concurrency(&self) -> usize;
    /// Returns the largest body of a request, in bytes. `FAAS_MAX_BODY` overrides it.
    fn body_bytes(&self) -> u64 {
        Limits::default().body_bytes
    }
    /// Returns when functions are to start.
    fn start(&self) -> StartAt {
        StartAt::Once
    }
    /// Returns `true` if the platform says when it freezes the process. Then [`Signal::Suspend`] comes, and Resume runs
    /// before the next invocation.
    fn suspends(&self) -> bool {
        false
    }
    /// Returns the time after a stop signal for which requests are served as before, for routers that learn late;
    /// `FAAS_LAME_DUCK` overrides it.
    fn lame_duck(&self) -> Duration {
        Duration::ZERO
    }
    /// Returns a file that is there while the process takes requests, and whose absence fails [`Route::Health`]; `None`
    /// if the platform looks for no file.
    fn ready_file(&self) -> Option<&str> {
        None
    }
    /// Returns a second address, as `host:port`, for [`side_page`](Serving::side_page)s alone; `None` if the platform
    /// wants no such port.
    fn side_listen(&self) -> Option<&str> {
        None
    }
    /// Returns the answer to a GET of this path on the second port: content type and text.
    fn side_page(&self, _path: &[u8]) -> Option<(&'static str, String)> {
        None
    }
    /// Returns `true` if a request with this head is an ordinary one of HTTP, so that [`route`](Serving::route) needs
    /// no more of it and its function may read the body piece by piece. Without this every body is read in whole first.
    fn may_stream(&self, head: Head<'_>) -> bool {
        let _ = head;
        false
    }
    /// Returns the purpose of a request. It may write to the process' log and may not keep anything of the request.
    fn route(&self, process: &Process, request: &Message, state: State) -> Route;
    /// Is called when an invocation is about to begin.
    fn before(&self, _invocation: &Invocation) {}
    /// Is called when an invocation has ended and its response is about to go out. That is once for each
    /// [`before`](Serving::before), also for a function that never ended.
    fn after(&self, _process: &Process, _metadata: &InvocationMetadata, _request_id: &[u8], _failed: bool) {}
    /// Writes status, headers and body of the response to an invocation: as HTTP itself, unless the platform has
    /// another form.
    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        http_common::respond(invocation, response, scratch)
    }
    /// Writes the response that says an invocation failed.
    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        http_common::failed(call, response, scratch);
    }
    /// Writes the response to one more request than may run at once, or than is still taken.
    fn refused(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        self.failed(call, response, scratch);
        response.headers.add(b"retry-after", b"1");
    }
    /// Writes status and headers of a streamed response.
    fn stream_head(&self, invocation: &Invocation, code: Code, response: &mut Response) {
        http_common::head(invocation, code, response);
    }
    /// Returns the answer to a [`Signal`], once the work that it asks for is done.
    fn signalled(&self, signal: &Signal, result: Result<(), &Failure>) -> LocalResponse {
        let _ = signal;
        match result {
            Ok(()) => LocalResponse::text(200, "OK"),
            Err(failure) => LocalResponse::text(500, failure.for_owner().to_string()),
        }
    }
}

/// Its direction alone, as for `Polling`.
impl fmt::Debug for dyn Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Serving")
    }
}

/// An invocation that has failed, or that was not taken, as its response tells of it.
#[derive(Clone, Copy, Debug)]
pub struct FailedInvocation<'a> {
    /// The facts that the protocol knows of it. Its memory may be out of reach: a [`Span`](crate::text::Span) of it
    /// is not to be read.
    pub metadata: &'a InvocationMetadata,
    /// Its id; empty if it has no id.
    pub request_id: &'a [u8],
    /// The reason why it failed.
    pub failure: &'a Failure,
}

impl<'a> FailedInvocation<'a> {
    /// Tells of an invocation whose memory is within reach.
    pub(super) fn of(invocation: &'a Invocation, failure: &'a Failure) -> FailedInvocation<'a> {
        FailedInvocation { metadata: invocation.metadata(), request_id: invocation.request_id(), failure }
    }
}

/// Says where a server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen<'a> {
    /// It listens at `host:port`.
    Tcp(&'a str),
    /// A Unix socket of this path, open to all users. It is bound under another name in the same folder first, and the
    /// path becomes a symbolic link with a relative target. A client that waits for the path to appear can connect at
    /// once. Both are removed at the end.
    Unix(&'a str),
}

impl fmt::Display for Listen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Listen::Tcp(address) => f.write_str(address),
            Listen::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

/// Says when FunctionStart runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// It runs with the start of the process.
    Once,
    /// It runs at [`Signal::Initialize`], or at the first invocation that comes without one.
    Signal,
}

/// The stage of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for [`Signal::Initialize`]; no function has been started.
    Waiting,
    /// Layers and functions are being started.
    Starting,
    /// The process serves invocations.
    Ready,
    /// A stop has begun. Requests are still served, and routers should learn that they soon will not be.
    Stopping,
    /// Close has run at [`Signal::Stop`]: nothing can be served any more.
    Closed,
}

impl State {
    /// Returns `true` if a new request would be served in the ordinary way.
    pub fn is_ready(self) -> bool {
        self == State::Ready
    }
}

/// The purpose of a request.
#[derive(Debug)]
pub enum Route {
    /// The request is an invocation.
    Invoke(InvocationMetadata),
    /// The request is an invocation by this other request, which the protocol has made out of the one that came.
    Rewritten(Box<Message>, InvocationMetadata),
    /// The runtime answers the request itself. It is no invocation, and is not logged.
    Local(LocalResponse),
    /// Answered by the runtime after asking the layers how they are.
    Health,
    /// The platform drives the lifecycle. The answer is [`Serving::signalled`].
    Signal(Signal),
}

impl Route {
    /// Makes the route of a request that is answered with a short text of the runtime's own.
    pub fn text(status: u16, body: &'static str) -> Route {
        Route::Local(LocalResponse::text(status, body))
    }
}

/// A step that a platform asks of a process, apart from invocations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// FunctionStart is to run now. A process that has started is not sent it twice: the protocol answers itself.
    Initialize(Initial),
    /// The process is about to be frozen: Suspend.
    Suspend,
    /// The process is about to be ended. Close runs after the invocations that are in flight.
    Stop,
}

/// The values that come with [`Signal::Initialize`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initial {
    /// Values that functions and layers are to see as their environment.
    pub environment: Vec<(String, String)>,
    /// A module, or an archive with one, that is to be the function. It is given only where the protocol allows it.
    pub code: Option<Vec<u8>>,
    /// The handler text, where the signal names one.
    pub handler: Option<String>,
}

/// A response of the runtime's own. No cache may keep it: it says how things are now, and a function is at that
/// address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalResponse {
    /// The HTTP status.
    pub status: u16,
    /// Content type of the body.
    pub content_type: &'static str,
    /// Its headers beside the content type.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body of the response.
    pub body: Cow<'static, str>,
}

impl LocalResponse {
    /// Makes a response whose body is a text.
    pub fn text(status: u16, body: impl Into<Cow<'static, str>>) -> LocalResponse {
        LocalResponse { status, content_type: "text/plain; charset=utf-8", headers: &[], body: body.into() }
    }

    /// Makes a response whose body is JSON.
    pub fn json(status: u16, body: impl Into<Cow<'static, str>>) -> LocalResponse {
        LocalResponse { content_type: "application/json", ..LocalResponse::text(status, body) }
    }

    /// Returns the same response with more headers.
    pub fn with(self, headers: &'static [(&'static str, &'static str)]) -> LocalResponse {
        LocalResponse { headers, ..self }
    }

    /// Writes status and headers into `response`; the body remains.
    pub fn head(&self, response: &mut Response) {
        response.clear();
        response.status = self.status;
        response.headers.add(b"content-type", self.content_type.as_bytes());
        response.no_store();
        for (name, value) in self.headers {
            response.headers.add(name.as_bytes(), value.as_bytes());
        }
    }
}

/// Status and headers of a response; drivers add framing and `Connection`.
#[derive(Debug, Default)]
pub struct Response {
    /// The status of HTTP.
    pub status: u16,
    /// Its headers in order, cookies included.
    pub headers: Fields,
}

impl Response {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.status = 0;
        self.headers.clear();
    }

    /// Says that no cache may keep the response.
    pub(super) fn no_store(&mut self) {
        self.headers.add(b"cache-control", b"no-store");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::caseless;

    #[test]
    fn no_cache_may_keep_an_answer_of_the_runtimes_own() {
        for answer in [LocalResponse::text(200, "OK"), LocalResponse::json(404, "{}").with(&[("allow", "GET")])] {
            let mut response = Response::default();
            answer.head(&mut response);
            assert_eq!(response.headers.get(b"cache-control", caseless), Some(&b"no-store"[..]));
        }
    }
}
