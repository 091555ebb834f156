//! FunctionGraph's HTTP functions and event functions of an image, on port 8000.
//!
//! An HTTP function is sent what API Gateway makes of its clients' requests; every path is the function's. An event
//! function of an image is sent events by `POST /invoke`, and one `POST /init` before them if its initializer is on.
//!
//! What the platform adds to a request stands in headers that begin with `X-CFF-`. They are no part of the request that
//! a function sees; keys of the agency may be among them. Partners fill the names of project and region with others, so
//! that what the environment says counts more.

use super::Limits;
use crate::failure::Failure;
use crate::fields::caseless;
use crate::http1::{Message, decimal};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::platform::plain_event;
use crate::platform::{
    BodyFrom, FailedInvocation, Initial, Listen, LocalResponse, Response, Route, Serving, Signal, StartAt, State,
    error_document, http_common,
};
use crate::process::{Deadline, Process};
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::MessageFormat;
use std::time::Duration;

/// The only port that the platform sends to.
const PORT: u16 = 8000;

/// The number of invocations at once where nobody sets `FAAS_CONCURRENCY`: the most that an instance can be configured
/// for. No variable tells the configured number, and the platform never sends more.
const CONCURRENCY: usize = 1000;

const OWN: &[u8] = b"x-cff-";

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct Server {
    listen: String,
    concurrency: usize,
    limits: Limits,
    /// `true` if the process is an image that is sent events.
    takes_events: bool,
    /// `true` if the platform asks for FunctionStart by a request.
    initializes: bool,
    /// The path of the health check; empty if no check is configured.
    ready: Vec<u8>,
}

impl Server {
    pub(super) fn read(
        env: &Env<'_>,
        settings: &Settings,
        limits: Limits,
        takes_events: bool,
    ) -> Result<Server, BadSetting> {
        // The server of an HTTP function is reached from its own machine; a container's is not.
        let host = if takes_events { "0.0.0.0" } else { "127.0.0.1" };
        Ok(Server {
            listen: http_common::address_on(env, host, "PORT", PORT)?,
            concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
            limits,
            takes_events,
            initializes: takes_events && env.get("RUNTIME_INITIALIZER_HANDLER").is_some(),
            ready: env.path("FAAS_READINESS_PATH")?.unwrap_or_default(),
        })
    }

    /// Returns the metadata in the headers, for those that the environment does not tell.
    fn metadata(&self, process: &Process, request: &Message) -> InvocationMetadata {
        let identity = &process.identity;
        let mut metadata =
            InvocationMetadata { own_headers: OWN, ..http_common::metadata(process, request, self.limits.timeout) };
        for (name, value) in request.headers() {
            let span = Span::of(request.bytes(), value);
            // API Gateway sets it. Where no proxy is trusted it is the client's own.
            if identity.trusted_hops > 0 && caseless(name, b"x-real-ip") {
                metadata.client_ip = span;
            }
            let Some(own) = http_common::own_name(OWN, name).filter(|_| !value.is_empty()) else { continue };
            let number = || decimal(value).and_then(|number| u32::try_from(number).ok());
            let is = |name: &[u8]| caseless(own, name);
            match own.len() {
                6 if is(b"memory") && identity.memory_mb == 0 => metadata.memory_mb = number().unwrap_or(0),
                6 if is(b"region") => metadata.region = span,
                7 if is(b"package") && identity.service.is_empty() => metadata.service = span,
                7 if is(b"timeout") && self.limits.timeout.is_none() => {
                    metadata.deadline =
                        Deadline::within(process, number().map(|seconds| Duration::from_secs(seconds.into())));
                }
                9 if is(b"func-name") && identity.function.is_empty() => metadata.function = span,
                10 if is(b"request-id") => http_common::take_request_id(&mut metadata, request.bytes(), value),
                10 if is(b"project-id") && identity.account.is_empty() => metadata.account = span,
                12 if is(b"func-version") && identity.version.is_empty() => metadata.version = span,
                _ => {}
            }
        }
        metadata
    }

    /// Returns the route of a request: an event, a step of the instance's life, or a refusal of anything that the
    /// platform does not send to an image.
    fn event_route(&self, process: &Process, request: &Message, path: &[u8], state: State) -> Route {
        match path {
            b"/invoke" if request.method() == b"POST" => {
                let metadata = self.metadata(process, request);
                Route::Invoke(InvocationMetadata { format: MessageFormat::Event, is_whole: true, ..metadata })
            }
            b"/init" if request.method() == b"POST" => match state {
                State::Waiting | State::Starting => Route::Signal(Signal::Initialize(Initial::default())),
                State::Ready | State::Stopping | State::Closed => Route::Local(LocalResponse::json(200, "{}")),
            },
            b"/invoke" | b"/init" => {
                Route::Local(LocalResponse::text(405, "POST is expected").with(&[("allow", "POST")]))
            }
            _ => Route::text(404, "events come to /invoke"),
        }
    }
}

impl Serving for Server {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn start(&self) -> StartAt {
        if self.initializes { StartAt::Signal } else { StartAt::Once }
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        let path = http_common::path(request);
        if !self.ready.is_empty() && path == self.ready {
            return if state.is_ready() { Route::Health } else { Route::text(503, "not ready") };
        }
        if self.takes_events {
            return self.event_route(process, request, path, state);
        }
        Route::Invoke(self.metadata(process, request))
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        plain_event::respond_to_either(invocation, self.limits.max_result, response, scratch)
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        plain_event::failed_either(call, response, scratch);
    }

    fn signalled(&self, _: &Signal, result: Result<(), &Failure>) -> LocalResponse {
        let Err(failure) = result else { return LocalResponse::json(200, "{}") };
        let mut body = Vec::new();
        error_document::event(failure.for_owner(), &mut body);
        LocalResponse::json(500, String::from_utf8_lossy(&body).into_owned())
    }
}
