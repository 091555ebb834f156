//! Google Cloud Run, and Cloud Run functions: containers that a front end sends requests and events.
//!
//! What is taken is told by `FUNCTION_SIGNATURE_TYPE`: requests (`http`), CloudEvents (`cloudevent`), or events of the
//! older form (`event`); whichever form an event comes in, the function gets the one it takes. A service that names no
//! function is sent both requests and CloudEvents.
//!
//! Sources: Cloud Run's container contract and its page on health checks, the contract in the README of
//! `GoogleCloudPlatform/functions-framework`, and for headers the framework for Node.js.

use super::{
    BodyFrom, FailedInvocation, Listen, LocalResponse, LogStyle, LogTo, PlatformConfig, PlatformEntry, Protocol,
    Response, Route, Serving, State, cloudevents, http, http_common,
};
use crate::fields::caseless;
use crate::http1::{Head, Message};
use crate::invocation::{Invocation, InvocationMetadata};
use crate::log::Format;
use crate::process::{self, Identity, Process};
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trace;
use crate::trigger::google;
use crate::trigger::{MessageFormat, cloudevents::EventRefusal};
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "google-cloud";

/// The number of invocations at once where nobody sets `FAAS_CONCURRENCY`: the most that an instance can be configured
/// for. No variable tells the configured number, and the front end never sends more.
const CONCURRENCY: usize = 1000;

/// The header that says of a response that the function failed, and how.
const STATUS: &[u8] = b"X-Google-Status";

/// The variables that mark the platform beside `K_SERVICE`.
const MARKS: [&str; 4] = ["FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE", "CLOUD_RUN_TIMEOUT_SECONDS", "CLOUD_RUN_JOB"];

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Google Cloud Run and functions",
    short: "Cloud Run",
    aliases: &["google", "gcp", "cloud-run", "gcf"],
    marks: "`K_SERVICE` without `KUBERNETES_SERVICE_HOST`; or one of `FUNCTION_TARGET`, `FUNCTION_SIGNATURE_TYPE`, \
            `CLOUD_RUN_TIMEOUT_SECONDS`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    let service = env.get("K_SERVICE").filter(|_| env.get("KUBERNETES_SERVICE_HOST").is_none());
    service.map(|_| "K_SERVICE").or_else(|| env.first(&MARKS).map(|(name, _)| name))
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    if let Some(job) = env.get("CLOUD_RUN_JOB") {
        const EXPECTED: &str = "nothing: a job is sent no requests, and there is nothing to serve; deploy a service";
        return Err(BadSetting::new("CLOUD_RUN_JOB", &job, EXPECTED));
    }
    let or = |names: &[&str], own: String| env.first(names).map_or(own, |(_, value)| value);
    let own = http::identity(env, NAME);
    let takes = Takes::read(env)?;
    // The name that the frameworks have for a function where nobody gives one. A service has none.
    let target = env.get("FUNCTION_TARGET");
    let target = target.or_else(|| (takes != Takes::Both).then(|| "function".to_owned())).unwrap_or_default();
    let identity = Identity {
        function: or(&["K_SERVICE"], own.function),
        version: or(&["K_REVISION"], own.version),
        service: or(&["K_CONFIGURATION"], own.service),
        region: or(&["FUNCTION_REGION"], own.region),
        account: env.first(&["GOOGLE_CLOUD_PROJECT", "GCP_PROJECT"]).map_or_else(String::new, |(_, project)| project),
        handler: target.clone(),
        ..own
    };
    let server = GoogleCloud {
        listen: http_common::address(env, "PORT", http::PORT)?,
        concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
        timeout: env.seconds("CLOUD_RUN_TIMEOUT_SECONDS")?.or(settings.timeout),
        takes,
        live: env.path("FAAS_LIVENESS_PATH")?,
        ready: env.path("FAAS_READINESS_PATH")?,
    };
    let opened = PlatformConfig::new(identity, Protocol::Serving(Box::new(server))).with_hint(target);
    Ok(PlatformConfig { log: LogStyle { to: LogTo::Output, format: Some(Format::Google) }, ..opened })
}

/// The kinds of requests that the process takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// A service: CloudEvents as events, all else as requests.
    Both,
    /// A function: everything as a request.
    Requests,
    /// It is a function of CloudEvents.
    Events,
    /// A function: events of the older form.
    Legacy,
}

impl Takes {
    fn read(env: &Env<'_>) -> Result<Takes, BadSetting> {
        match env.get("FUNCTION_SIGNATURE_TYPE").as_deref() {
            None if env.get("FUNCTION_TARGET").is_none() => Ok(Takes::Both),
            None | Some("http") => Ok(Takes::Requests),
            Some("cloudevent") => Ok(Takes::Events),
            Some("event") => Ok(Takes::Legacy),
            Some(other) => Err(BadSetting::new("FUNCTION_SIGNATURE_TYPE", other, "http, cloudevent or event")),
        }
    }
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct GoogleCloud {
    listen: String,
    concurrency: usize,
    timeout: Option<Duration>,
    takes: Takes,
    /// The paths of probes, if the environment names some: all others are the function's.
    live: Option<Vec<u8>>,
    ready: Option<Vec<u8>>,
}

impl GoogleCloud {
    fn probe(&self, request: &Message, state: State) -> Option<Route> {
        let path = http_common::path(request);
        if self.live.as_deref() == Some(path) {
            return Some(Route::text(200, "OK"));
        }
        (self.ready.as_deref() == Some(path))
            .then(|| if state.is_ready() { Route::Health } else { Route::text(503, "not ready") })
    }

    fn metadata(&self, process: &Process, request: &Message) -> InvocationMetadata {
        let mut metadata = http_common::metadata(process, request, self.timeout);
        for (name, value) in request.headers().filter(|(name, _)| name.len() == 21) {
            if caseless(name, b"function-execution-id") {
                http_common::take_request_id(&mut metadata, request.bytes(), value);
            } else if caseless(name, b"x-cloud-trace-context") && trace::is_cloud(value) {
                metadata.trace = Span::of(request.bytes(), value);
            }
        }
        metadata
    }

    /// Returns the route of an event that came in another form than the function takes.
    fn rewritten(&self, process: &Process, made: Result<Message, EventRefusal>, format: MessageFormat) -> Route {
        match made {
            Ok(message) => {
                let metadata = InvocationMetadata { format, ..self.metadata(process, &message) };
                Route::Rewritten(Box::new(message), metadata)
            }
            Err(refusal) => cloudevents::refuse(refusal),
        }
    }

    fn legacy(&self, process: &Process, request: &Message) -> Route {
        // Whether it is an event, and a sound one, is the same question here as elsewhere.
        match cloudevents::route(request, InvocationMetadata::default) {
            Some(Route::Invoke(_)) => self.rewritten(process, google::legacy_of_event(request), MessageFormat::Event),
            Some(answer) => answer,
            None => match google::legacy_of_body(request, now()) {
                Ok(None) => Route::Invoke(InvocationMetadata {
                    format: MessageFormat::Event,
                    ..self.metadata(process, request)
                }),
                Ok(Some(made)) => self.rewritten(process, Ok(made), MessageFormat::Event),
                Err(refusal) => cloudevents::refuse(refusal),
            },
        }
    }

    fn is_event(&self, metadata: &InvocationMetadata) -> bool {
        metadata.format == MessageFormat::CloudEvent || self.takes == Takes::Legacy
    }
}

/// Returns the time since 1970.
fn now() -> Duration {
    Duration::from_millis(process::epoch_ms())
}

impl Serving for GoogleCloud {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        matches!(self.takes, Takes::Requests | Takes::Both) && http_common::may_stream(head)
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        if let Some(route) = self.probe(request, state) {
            return route;
        }
        let metadata = || self.metadata(process, request);
        match self.takes {
            Takes::Both => cloudevents::route(request, metadata).unwrap_or_else(|| Route::Invoke(metadata())),
            Takes::Requests => match http_common::path(request) {
                b"/favicon.ico" | b"/robots.txt" => Route::Local(LocalResponse::text(404, "")),
                _ => Route::Invoke(metadata()),
            },
            Takes::Events | Takes::Legacy if request.method() != b"POST" => cloudevents::only_post(),
            Takes::Events => cloudevents::route(request, metadata).unwrap_or_else(|| {
                self.rewritten(process, google::event_of_body(request, now()), MessageFormat::CloudEvent)
            }),
            Takes::Legacy => self.legacy(process, request),
        }
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        if let Some(failure) = invocation.failure() {
            self.failed(FailedInvocation::of(invocation, failure), response, scratch);
            http_common::kept_headers(invocation, response);
            return BodyFrom::Scratch;
        }
        if self.is_event(invocation.metadata()) {
            return cloudevents::respond(invocation, response, scratch);
        }
        http_common::respond(invocation, response, scratch)
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        if self.is_event(call.metadata) {
            cloudevents::failed(call, response, scratch);
        } else {
            http_common::failed(call, response, scratch);
        }
        let status: &[u8] = match response.status {
            500 => b"crash",
            504 => b"timeout",
            _ => b"error",
        };
        response.headers.add(STATUS, status);
    }

    /// Writes the response to an invocation that is one too many, or comes after a stop has begun. For one too many it is
    /// 429, after which the platform tries another instance.
    fn refused(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        self.failed(call, response, scratch);
        if call.failure.kind == "Runtime.Overloaded" {
            response.status = 429;
        }
        response.headers.add(b"retry-after", b"1");
    }
}

#[cfg(test)]
mod tests;
