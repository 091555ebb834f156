//! Plain HTTP: any container host, Kubernetes, the local machine. The default when nothing marks another platform.
//!
//! `PORT` (8080), every path is the function's, but two probe paths and `kube-probe` clients. After SIGTERM readiness is
//! 503 and requests are still served until the process is told to stop accepting.

use super::{BodyFrom, Listen, Opened, Protocol, Response, Route, Row, Serving, State};
use crate::failure::Failure;
use crate::fields::{Span, caseless};
use crate::http1::Message;
use crate::invocation::{Code, Facts, Invocation, Progress};
use crate::json::Writer;
use crate::settings::{BadSetting, Env, Settings};
use crate::trigger::Shape;
use crate::unit::{Deadline, Identity, Unit};
use std::time::Duration;

/// The platform's word.
pub const NAME: &str = "http";

/// Invocations at once where nobody sets `FAAS_CONCURRENCY`.
const CONCURRENCY: usize = 256;

/// The platform's row.
pub const ROW: Row = Row { name: NAME, marks: "nothing", mark: |_| None, open };

/// Reads the variables.
///
/// # Errors
/// If `PORT` is no port.
pub(super) fn open(env: &Env<'_>, settings: &Settings) -> Result<Opened, BadSetting> {
    let port = env.get("PORT").unwrap_or_else(|| "8080".to_owned());
    let number: u16 = port.trim().parse().map_err(|_| BadSetting::new("PORT", &port, "a port from 0 to 65535"))?;
    let host = env.get("FAAS_HOST").unwrap_or_else(|| "0.0.0.0".to_owned());
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    let identity = Identity {
        platform: NAME,
        function: env.text("FAAS_FUNCTION_NAME"),
        version: env.text("FAAS_FUNCTION_VERSION"),
        service: env.text("FAAS_SERVICE"),
        stage: env.text("FAAS_STAGE"),
        region: env.text("FAAS_REGION"),
        ..Identity::default()
    };
    let path = |name: &str, default: &str| env.get(name).unwrap_or_else(|| default.to_owned()).into_bytes();
    Ok(Opened::new(
        identity,
        Protocol::Serving(Box::new(PlainHttp {
            listen: format!("{host}:{number}"),
            concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
            timeout: settings.timeout,
            live: path("FAAS_LIVENESS_PATH", "/livez"),
            ready: path("FAAS_READINESS_PATH", "/readyz"),
        })),
    ))
}

/// The protocol.
#[derive(Debug)]
pub struct PlainHttp {
    listen: String,
    concurrency: usize,
    timeout: Option<Duration>,
    live: Vec<u8>,
    ready: Vec<u8>,
}

impl Serving for PlainHttp {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn route(&self, unit: &Unit, request: &Message, state: State) -> Route {
        let path = request.target().split(|byte| *byte == b'?').next().unwrap_or_default();
        if path == self.live {
            return Route::text(200, "OK");
        }
        let agent = request.header("user-agent").unwrap_or_default();
        if path == self.ready || agent.starts_with(b"kube-probe/") || agent.starts_with(b"GoogleHC/") {
            return if state.is_ready() { Route::Health } else { Route::text(503, "not ready") };
        }
        Route::Invoke(self.facts(unit, request))
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        if let Some(failure) = invocation.failure() {
            self.failed(invocation.facts(), invocation.request_id(), failure, response, scratch);
            // What layers set for every reply, cors for one, also goes with an error; what describes a body does not.
            for (name, value) in invocation.reply_headers().iter() {
                if !name.get(..8).is_some_and(|start| caseless(start, b"content-")) {
                    response.headers.add(name, value);
                }
            }
            for (_, cookie) in invocation.reply_cookies().iter() {
                response.headers.add(b"set-cookie", cookie);
            }
            return BodyFrom::Scratch;
        }
        let code = match invocation.progress() {
            Progress::Set(code) | Progress::Streaming(code) => code,
            Progress::Open => Code::Raw,
        };
        self.stream_head(invocation, code, response);
        BodyFrom::Reply
    }

    fn failed(&self, _: &Facts, request_id: &[u8], failure: &Failure, response: &mut Response, scratch: &mut Vec<u8>) {
        response.clear();
        response.status = status_of(failure);
        response.headers.add(b"content-type", b"application/json");
        let mut json = Writer::new(scratch);
        json.begin_object();
        json.key("errorType").string(&failure.kind);
        json.key("errorMessage").string(&failure.message);
        json.key("requestId").string(request_id);
        json.end_object();
    }

    fn stream_head(&self, invocation: &Invocation, code: Code, response: &mut Response) {
        response.clear();
        response.status = match code {
            Code::Http(status) => status,
            Code::Value | Code::Raw => 200,
        };
        let mut typed = false;
        for (name, value) in invocation.reply_headers().iter() {
            typed |= caseless(name, b"content-type");
            response.headers.add(name, value);
        }
        for (_, cookie) in invocation.reply_cookies().iter() {
            response.headers.add(b"set-cookie", cookie);
        }
        let default: &[u8] = match code {
            Code::Value => b"application/json",
            Code::Raw => b"application/octet-stream",
            Code::Http(_) => return,
        };
        if !typed {
            response.headers.add(b"content-type", default);
        }
    }
}

impl PlainHttp {
    fn facts(&self, unit: &Unit, request: &Message) -> Facts {
        let mut facts = Facts { shape: Shape::Request, ..Facts::default() };
        let bytes = request.bytes();
        for (name, value) in request.headers() {
            let span = Span::of(bytes, value);
            match name.len() {
                11 if caseless(name, b"traceparent") => facts.traceparent = span,
                10 if caseless(name, b"tracestate") => facts.tracestate = span,
                12 if caseless(name, b"content-type") => facts.content_type = span,
                12 if caseless(name, b"x-request-id") => facts.request_id = span,
                _ => {}
            }
        }
        if let Some(timeout) = self.timeout {
            facts.deadline = Some(Deadline::after_ms(unit, u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)));
        }
        facts
    }
}

/// The status that says what kind of failure it was.
fn status_of(failure: &Failure) -> u16 {
    match failure.kind.as_str() {
        "Function.TimedOut" => 504,
        "Runtime.Overloaded" | "Runtime.Closing" => 503,
        _ => 500,
    }
}
