//! Alibaba Cloud Function Compute, custom runtime and custom container, versions 2.0 and 3.0: the platform is the
//! client of a long-lived HTTP server, and calls it for events, for requests and for the steps of the instance's life.
//!
//! Sources: Function Compute's help pages on custom runtimes (principles, web functions, event handlers, instance
//! lifecycle hooks) and the vendor's published local tools, which leave `x-fc-control-path` out: what it would say is
//! then told by the path. The header ends an instance's service at a word, so it is heeded only where the platform's
//! own variables are.

use super::{
    BodyFrom, FailedInvocation, Listen, LocalResponse, PlatformConfig, PlatformEntry, Protocol, Response, Route,
    Serving, Signal, StartAt, State, error_document, http_common, nothing, reply_body,
};
use crate::failure::Failure;
use crate::fields::caseless;
use crate::http1::{Head, Message, decimal};
use crate::invocation::{Code, Invocation, InvocationMetadata, Progress};
use crate::log::Log;
use crate::platform::Initial;
use crate::process::{Deadline, Identity, Process};
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::MessageFormat;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "aliyun-fc";

/// The port where no variable names another.
const PORT: u16 = 9000;

/// The number of invocations at once if `FAAS_CONCURRENCY` is not set: the most that an instance can be configured for.
/// No variable tells the configured number, and the platform never sends more.
const CONCURRENCY: usize = 200;

/// The beginning of the platform's own headers, both ways. Those of a client are not let through.
const OWN: &[u8] = b"x-fc-";

/// The header by which a response says that the function has failed, whatever the HTTP status.
const FAILED: &[(&str, &str)] = &[("x-fc-status", "404")];

/// The variables that mark the platform. The last is of the built-in runtimes and leads to an error.
const MARKS: [&str; 7] = [
    "FC_FUNC_CODE_PATH",
    "FC_SERVER_PORT",
    "FC_CUSTOM_LISTEN_PORT",
    "FC_FUNCTION_NAME",
    "FC_RUNTIME",
    "FC_INSTANCE_ID",
    "FC_RUNTIME_API",
];

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Alibaba Function Compute",
    short: "Function Compute",
    aliases: &["aliyun", "fc", "fc3"],
    marks: "one of `FC_FUNC_CODE_PATH`, `FC_SERVER_PORT`, `FC_CUSTOM_LISTEN_PORT`, `FC_FUNCTION_NAME`, `FC_RUNTIME`, \
            `FC_INSTANCE_ID`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.first(&MARKS).map(|(name, _)| name)
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let port = env.first(&["FC_SERVER_PORT", "FC_CUSTOM_LISTEN_PORT"]).map(|(name, _)| name);
    if let (None, Some(api)) = (port, env.get("FC_RUNTIME_API")) {
        const EXPECTED: &str =
            "nothing: this is a custom runtime or container, not one of the platform's built-in runtimes";
        return Err(BadSetting::new("FC_RUNTIME_API", &api, EXPECTED));
    }
    let text = |names: &[&str]| env.first(names).map(|(_, value)| value).unwrap_or_default();
    let memory = text(&["FC_FUNCTION_MEMORY_SIZE", "FC_MEMORY_SIZE"]);
    let identity = Identity {
        platform: NAME,
        function: env.text("FC_FUNCTION_NAME"),
        version: text(&["FC_VERSION_ID", "FC_QUALIFIER"]),
        service: env.text("FC_SERVICE_NAME"),
        region: env.text("FC_REGION"),
        account: env.text("FC_ACCOUNT_ID"),
        handler: text(&["FC_FUNCTION_HANDLER", "FC_HANDLER"]),
        memory_mb: memory.trim().parse().unwrap_or(0),
        ..Identity::default()
    };
    let server = FunctionCompute {
        listen: http_common::address(env, port.unwrap_or("FC_SERVER_PORT"), PORT)?,
        concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
        timeout: env.seconds("FC_TIMEOUT").ok().flatten().or(settings.timeout),
        initializes: env.get("FC_INITIALIZER_HANDLER").is_some(),
        is_there: mark(env).is_some(),
        ready: env.path("FAAS_READINESS_PATH")?.unwrap_or_default(),
        hooks: Mutex::default(),
    };
    // The handler's text is demanded by the platform and means nothing to it.
    let hint = identity.handler.clone();
    let opened = PlatformConfig::new(identity, Protocol::Serving(Box::new(server))).with_hint(hint);
    Ok(opened.with_root(env.text("FC_FUNC_CODE_PATH")))
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct FunctionCompute {
    listen: String,
    concurrency: usize,
    timeout: Option<Duration>,
    /// `true` if the platform asks for FunctionStart by a request.
    initializes: bool,
    /// `true` if the platform's own variables say that this is the platform. It lets no client send a header of its own
    /// names. Where `FAAS_PLATFORM` alone says it, anybody may send them, and they are not obeyed.
    is_there: bool,
    /// The path of the health check; empty if no check is configured.
    ready: Vec<u8>,
    /// The hooks that run, for the line at their end.
    hooks: Mutex<Vec<Running>>,
}

/// A hook of the instance's life that runs.
#[derive(Debug)]
struct Running {
    hook: Hook,
    request_id: Vec<u8>,
    log: Log,
}

/// A step of the instance's life that the platform asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hook {
    Initialize,
    PreFreeze,
    PreStop,
}

impl Hook {
    fn of(signal: &Signal) -> Hook {
        match signal {
            Signal::Initialize(_) => Hook::Initialize,
            Signal::Suspend => Hook::PreFreeze,
            Signal::Stop => Hook::PreStop,
        }
    }

    /// Returns the word for the hook in the lines that mark the log.
    fn word(self) -> &'static str {
        match self {
            Hook::Initialize => "Initialize",
            Hook::PreFreeze => "PreFreeze",
            Hook::PreStop => "PreStop",
        }
    }
}

/// The purpose of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The request brings an event, in its body.
    Event,
    /// The request is a client's own, which the platform passes on.
    Request,
    /// The request asks for a step of the instance's life.
    Hook(Hook),
    /// The request has a control path that is not known.
    Unknown,
}

/// The facts that the headers of a request tell.
struct Call<'m> {
    metadata: InvocationMetadata,
    control: &'m [u8],
    /// The hooks that the function is configured with.
    initializes: bool,
    stops: bool,
    freezes: bool,
}

impl Serving for FunctionCompute {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn start(&self) -> StartAt {
        if self.initializes { StartAt::Signal } else { StartAt::Once }
    }

    /// Returns `true`, since only the hook itself shows that it is configured.
    fn suspends(&self) -> bool {
        true
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        self.is_there && head.header("x-fc-control-path") == Some(b"/http-invoke")
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        let path = http_common::path(request);
        let mut call = self.read(process, request);
        if call.control.is_empty() && !self.ready.is_empty() && path == self.ready {
            return if state.is_ready() { Route::Health } else { Route::text(503, "not ready") };
        }
        match call.asked(request.method(), path) {
            Asked::Unknown => Route::text(404, "no such control path"),
            Asked::Hook(hook) => self.hook(process, hook, call.metadata.request_id.read(request.bytes()), state),
            _ if state == State::Closed => Route::Local(closed()),
            Asked::Request => {
                call.metadata.format = MessageFormat::Request;
                Route::Invoke(call.metadata)
            }
            Asked::Event => {
                call.metadata.is_whole = true;
                Route::Invoke(call.metadata)
            }
        }
    }

    fn before(&self, invocation: &Invocation) {
        mark_begin(&invocation.process().log, "Invoke", invocation.request_id());
    }

    fn after(&self, process: &Process, _: &InvocationMetadata, request_id: &[u8], failed: bool) {
        mark_end(&process.log, "Invoke", request_id, failed);
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        if let Some(failure) = invocation.failure() {
            self.failed(FailedInvocation::of(invocation, failure), response, scratch);
            if is_event(invocation.metadata()) {
                scratch.clear();
                error_document::event(error_document::to_sender(invocation, failure), scratch);
            } else {
                http_common::kept_headers(invocation, response);
                sign(response, 404);
            }
            return BodyFrom::Scratch;
        }
        if !is_event(invocation.metadata()) {
            self.stream_head(invocation, http_common::code(invocation), response);
            http_common::untype_nothing(invocation, response);
            return BodyFrom::Reply;
        }
        let from = reply_body(invocation, nothing::EVENT, scratch);
        response.clear();
        response.status = 200;
        let own = invocation.reply_headers().get(b"content-type", caseless);
        let content_type = match (from, own, invocation.progress()) {
            (BodyFrom::Scratch, ..) | (_, None, Progress::Set(Code::Value)) => b"application/json",
            (_, Some(own), _) => own,
            (_, None, _) => &b"application/octet-stream"[..],
        };
        response.headers.add(b"content-type", content_type);
        sign(response, 200);
        from
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        http_common::failed(call, response, scratch);
        if is_event(call.metadata) {
            scratch.clear();
            error_document::event(call.failure.for_owner(), scratch);
            // What was never begun is no call.failure of the function's: the caller may send it again.
            response.status = if response.status == 503 { 503 } else { 404 };
        }
        sign(response, 404);
    }

    fn stream_head(&self, invocation: &Invocation, code: Code, response: &mut Response) {
        http_common::head(invocation, code, response);
        sign(response, 200);
    }

    fn signalled(&self, signal: &Signal, result: Result<(), &Failure>) -> LocalResponse {
        let hook = Hook::of(signal);
        let mut hooks = self.hooks.lock().unwrap_or_else(PoisonError::into_inner);
        let running = hooks.iter().position(|running| running.hook == hook).map(|at| hooks.remove(at));
        drop(hooks);
        if let Some(Running { request_id, log, .. }) = running {
            mark_end(&log, hook.word(), &request_id, result.is_err());
        }
        match result {
            Ok(()) => LocalResponse::text(200, ""),
            Err(failure) => {
                let mut json = Vec::new();
                error_document::event(failure.for_owner(), &mut json);
                LocalResponse::json(404, String::from_utf8_lossy(&json).into_owned()).with(FAILED)
            }
        }
    }
}

impl FunctionCompute {
    /// Reads the headers in one pass. An empty value is an absent one: the platform sends all that it knows of.
    fn read<'m>(&self, process: &Process, request: &'m Message) -> Call<'m> {
        let metadata = InvocationMetadata { own_headers: OWN, ..InvocationMetadata::default() };
        let mut call = Call { metadata, control: b"", initializes: self.initializes, stops: false, freezes: false };
        let metadata = &mut call.metadata;
        let mut timeout = self.timeout;
        for (name, value) in request.headers() {
            if value.is_empty() {
                continue;
            }
            let span = Span::of(request.bytes(), value);
            let number = || decimal(value).and_then(|number| u32::try_from(number).ok());
            let Some(own) = http_common::own_name(OWN, name) else {
                match name.len() {
                    11 if caseless(name, b"traceparent") => metadata.traceparent = span,
                    10 if caseless(name, b"tracestate") => metadata.tracestate = span,
                    12 if caseless(name, b"content-type") => metadata.content_type = span,
                    _ => {}
                }
                continue;
            };
            let is = |name: &[u8]| caseless(own, name);
            match own.len() {
                6 if is(b"region") => metadata.region = span,
                9 if is(b"qualifier") => {
                    metadata.invoked_as = span;
                    if metadata.version.is_empty() {
                        metadata.version = span;
                    }
                }
                9 if is(b"client-ip") => metadata.client_ip = span,
                10 if is(b"request-id") => http_common::take_request_id(metadata, request.bytes(), value),
                10 if is(b"account-id") => metadata.account = span,
                10 if is(b"version-id") => metadata.version = span,
                11 if is(b"retry-count") => metadata.attempt = number().unwrap_or(0),
                12 if self.is_there && is(b"control-path") => call.control = value,
                12 if is(b"service-name") => metadata.service = span,
                13 if is(b"function-name") => metadata.function = span,
                15 if is(b"function-memory") => metadata.memory_mb = number().unwrap_or(0),
                16 if is(b"function-timeout") => {
                    let seconds = number().filter(|seconds| *seconds > 0);
                    timeout = seconds.map(|seconds| Duration::from_secs(u64::from(seconds))).or(timeout);
                }
                20 if self.is_there && is(b"function-initializer") => call.initializes = true,
                32 if is(b"tracing-opentracing-span-context") => metadata.trace = span,
                35 if self.is_there && is(b"instance-lifecycle-pre-stop-handler") => call.stops = true,
                37 if self.is_there && is(b"instance-lifecycle-pre-freeze-handler") => call.freezes = true,
                _ => {}
            }
        }
        metadata.deadline = Deadline::within(process, timeout);
        call
    }

    /// Runs the step, or says at once that there is nothing to do.
    fn hook(&self, process: &Process, hook: Hook, request_id: &[u8], state: State) -> Route {
        let signal = match (hook, state) {
            (Hook::Initialize, State::Waiting | State::Starting) => Some(Signal::Initialize(Initial::default())),
            (Hook::PreFreeze, State::Ready | State::Stopping) => Some(Signal::Suspend),
            (Hook::PreStop, State::Waiting | State::Starting | State::Ready | State::Stopping) => Some(Signal::Stop),
            (Hook::Initialize | Hook::PreFreeze, State::Closed) => return Route::Local(closed()),
            // It has been done, or nothing has begun that it could be done to.
            _ => None,
        };
        mark_begin(&process.log, hook.word(), request_id);
        let Some(signal) = signal else {
            mark_end(&process.log, hook.word(), request_id, false);
            return Route::text(200, "");
        };
        let running = Running { hook, request_id: request_id.to_vec(), log: process.log.clone() };
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner).push(running);
        Route::Signal(signal)
    }
}

impl Call<'_> {
    /// Returns the kind of a request. The control path decides; without one, a path that a hook is configured for, and
    /// `/invoke`.
    fn asked(&self, method: &[u8], path: &[u8]) -> Asked {
        // The hooks are documented as POST and GET; the vendor's own samples do not look at the method.
        let calls = method == b"POST" || method == b"GET";
        match (self.control, path) {
            (b"/invoke", _) => Asked::Event,
            (b"/http-invoke", _) => Asked::Request,
            (b"/initialize", _) => Asked::Hook(Hook::Initialize),
            (b"/pre-freeze", _) => Asked::Hook(Hook::PreFreeze),
            (b"/pre-stop", _) => Asked::Hook(Hook::PreStop),
            (b"", b"/invoke") if method == b"POST" => Asked::Event,
            (b"", b"/initialize") if calls && self.initializes => Asked::Hook(Hook::Initialize),
            (b"", b"/pre-freeze") if calls && self.freezes => Asked::Hook(Hook::PreFreeze),
            (b"", b"/pre-stop") if calls && self.stops => Asked::Hook(Hook::PreStop),
            (b"", _) => Asked::Request,
            _ => Asked::Unknown,
        }
    }
}

fn is_event(metadata: &InvocationMetadata) -> bool {
    metadata.format == MessageFormat::Event
}

/// Signs the response with the outcome of the call, in the platform's own header and in no other of that kind.
fn sign(response: &mut Response, status: u16) {
    response.headers.remove(OWN, |name, start| name.get(..start.len()).is_some_and(|name| caseless(name, start)));
    response.headers.add(b"x-fc-status", if status == 200 { b"200" } else { b"404" });
}

/// Returns the answer once Close has run.
fn closed() -> LocalResponse {
    let body = r#"{"errorType":"Runtime.Closing","errorMessage":"the instance has been told to stop","stackTrace":[]}"#;
    LocalResponse::json(503, body).with(FAILED)
}

/// Writes the line that the platform takes for the beginning of a call's log. `what` is `Invoke` or the word of a hook.
fn mark_begin(log: &Log, what: &str, request_id: &[u8]) {
    mark_line(log, what, " Start RequestId: ", request_id, "");
}

/// Writes the line that the platform takes for the end of a call's log.
fn mark_end(log: &Log, what: &str, request_id: &[u8], failed: bool) {
    let error = if failed { ", Error: Unhandled function error" } else { "" };
    mark_line(log, what, " End RequestId: ", request_id, error);
}

fn mark_line(log: &Log, what: &str, edge: &str, request_id: &[u8], error: &str) {
    let parts = [b"FC ", what.as_bytes(), edge.as_bytes(), request_id, error.as_bytes(), b"\n"];
    log.mark(&parts.concat(), false);
}

#[cfg(test)]
mod tests;
