//! SCF's web functions, and event functions of an image, which come to the same port: `POST /event-invoke` is an event,
//! and all else is a client's own request.
//!
//! What the platform adds to a request stands in headers that begin with `X-Scf-`, which it lets no client send. They
//! are no part of the request that a function sees; keys of the role are among them.

use super::MAX_RESULT;
use crate::fields::caseless;
use crate::http1::{Head, Message, decimal};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::platform::plain_event;
use crate::platform::{BodyFrom, FailedInvocation, Listen, Response, Route, Serving, State, http_common};
use crate::process::{Deadline, Process};
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::MessageFormat;
use std::time::Duration;

/// The only port that the platform sends to.
const PORT: u16 = 9000;

/// The number of invocations at once where nobody sets `FAAS_CONCURRENCY`: the most that an instance can be configured
/// for. No variable tells the configured number, and the platform never sends more.
const CONCURRENCY: usize = 100;

const OWN: &[u8] = b"x-scf-";

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct WebFunction {
    listen: String,
    concurrency: usize,
    timeout: Option<Duration>,
    /// The path of the health check; empty if no check is configured.
    ready: Vec<u8>,
}

impl WebFunction {
    pub(super) fn read(env: &Env<'_>, settings: &Settings) -> Result<WebFunction, BadSetting> {
        Ok(WebFunction {
            listen: http_common::address(env, "PORT", PORT)?,
            concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
            timeout: settings.timeout,
            ready: env.path("FAAS_READINESS_PATH")?.unwrap_or_default(),
        })
    }

    /// Reads the headers of the request.
    fn metadata(&self, process: &Process, request: &Message) -> InvocationMetadata {
        let mut metadata =
            InvocationMetadata { own_headers: OWN, ..http_common::metadata(process, request, self.timeout) };
        for (name, value) in request.headers() {
            let Some(own) = http_common::own_name(OWN, name).filter(|_| !value.is_empty()) else { continue };
            let span = Span::of(request.bytes(), value);
            let number = || decimal(value).and_then(|number| u32::try_from(number).ok());
            let is = |name: &[u8]| caseless(own, name);
            match own.len() {
                3 if is(b"uin") => metadata.account = span,
                4 if is(b"name") => metadata.function = span,
                5 if is(b"appid") && metadata.account.is_empty() => metadata.account = span,
                6 if is(b"memory") => metadata.memory_mb = number().unwrap_or(0),
                6 if is(b"region") => metadata.region = span,
                7 if is(b"version") => metadata.version = span,
                7 if is(b"timeout") => {
                    let limit = number().map(|millis| Duration::from_millis(millis.into()));
                    metadata.deadline = Deadline::within(process, limit).or(metadata.deadline);
                }
                10 if is(b"request-id") => http_common::take_request_id(&mut metadata, request.bytes(), value),
                11 if is(b"remote-addr") => metadata.client_ip = span,
                _ => {}
            }
        }
        metadata
    }
}

impl Serving for WebFunction {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        !head.target().starts_with(b"/event-invoke") && http_common::may_stream(head)
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        let path = http_common::path(request);
        if !self.ready.is_empty() && path == self.ready {
            return if state.is_ready() { Route::Health } else { Route::text(503, "not ready") };
        }
        let mut metadata = self.metadata(process, request);
        if path == b"/event-invoke" && request.method() == b"POST" {
            metadata.format = MessageFormat::Event;
            metadata.is_whole = true;
        }
        Route::Invoke(metadata)
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        plain_event::respond_to_either(invocation, MAX_RESULT, response, scratch)
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        plain_event::failed_either(call, response, scratch);
    }
}
