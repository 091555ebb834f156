//! The runtime in the watchdog's place: its port, its health and readiness paths, its limit, its metrics and its lines,
//! with functions in the process. Sources: `pkg/watchdog.go`, `pkg/readiness.go` and `metrics` of of-watchdog, and the
//! concurrency limiter of faas-middleware.

use super::calls::Calls;
use super::{CONCURRENCY, Times};
use crate::failure::Failure;
use crate::fields::caseless;
use crate::http1::{Assembly, Head, Message};
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::platform::{BodyFrom, FailedInvocation, Listen, Response, Route, Serving, State, http_common};
use crate::process::Process;
use crate::settings::{BadSetting, Env, Settings};
use std::time::Duration;

/// The header that marks an answer which is not the function's.
const INTERNAL: &[u8] = b"x-openfaas-internal";

/// The watchdog's port for metrics. `FAAS_METRICS_PORT` overrides it, and 0 there turns the port off.
const METRICS_PORT: u16 = 8081;

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub(super) struct InPlace {
    listen: String,
    metrics: Option<String>,
    concurrency: usize,
    /// The value of `max_inflight`; `None` where it is not set.
    limit: Option<usize>,
    times: Times,
    lock: Option<String>,
    /// The path of the function's own that says whether it is ready.
    ready: Vec<u8>,
    calls: Calls,
}

impl InPlace {
    pub(super) fn read(env: &Env<'_>, settings: &Settings, times: Times) -> Result<InPlace, BadSetting> {
        if env.flag("jwt_auth")? {
            // To leave it out in silence would be to let everybody in.
            return Err(BadSetting::new("jwt_auth", &env.text("jwt_auth"), "false: tokens are not checked here"));
        }
        let limit = env.number("max_inflight")?.filter(|limit| *limit > 0);
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let folder = env.get("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
        let metrics = http_common::address(env, "FAAS_METRICS_PORT", METRICS_PORT)?;
        Ok(InPlace {
            listen: http_common::address(env, "port", 8080)?,
            metrics: Some(metrics).filter(|address| !address.ends_with(":0")),
            concurrency: limit.or(settings.concurrency).unwrap_or(CONCURRENCY),
            limit,
            times: times.cut_by_write(),
            lock: (!env.flag("suppress_lock")?).then(|| format!("{}/.lock", folder.trim_end_matches('/'))),
            ready: env.text("ready_path").into_bytes(),
            calls: Calls::new(env.flag("log_callid")?),
        })
    }

    /// Returns the answer to a probe of `/_/ready`.
    fn readiness(&self, process: &Process, request: &Message) -> Route {
        if self.limit.is_some_and(|limit| self.calls.running() >= limit) {
            return Route::text(429, "as many calls as max_inflight allows are running");
        }
        if self.ready.is_empty() {
            return Route::Health;
        }
        let mut asked = Assembly::request(Vec::new(), b"GET", &self.ready, b"");
        for (name, value) in request.headers() {
            if !caseless(name, b"content-length") && !caseless(name, b"transfer-encoding") {
                asked.header(name, value);
            }
        }
        let asked = asked.finish();
        let metadata = self.times.metadata(process, &asked);
        Route::Rewritten(Box::new(asked), metadata)
    }
}

impl Serving for InPlace {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn lame_duck(&self) -> Duration {
        self.times.drain
    }

    fn ready_file(&self) -> Option<&str> {
        self.lock.as_deref()
    }

    fn side_listen(&self) -> Option<&str> {
        self.metrics.as_deref()
    }

    fn side_page(&self, path: &[u8]) -> Option<(&'static str, String)> {
        (path == b"/metrics").then(|| ("text/plain; version=0.0.4; charset=utf-8", self.calls.metrics()))
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        http_common::may_stream(head)
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        let path = http_common::path(request);
        if path != b"/_/health" && path != b"/_/ready" {
            return Route::Invoke(self.times.metadata(process, request));
        }
        if request.method() != b"GET" {
            return Route::text(405, "");
        }
        if !state.is_ready() {
            return Route::text(503, "");
        }
        if path == b"/_/ready" { self.readiness(process, request) } else { Route::Health }
    }

    fn before(&self, invocation: &Invocation) {
        self.calls.begin(invocation);
    }

    fn after(&self, process: &Process, _: &InvocationMetadata, request_id: &[u8], _: bool) {
        self.calls.end(process, request_id);
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        let from = http_common::respond(invocation, response, scratch);
        if let Some(failure) = invocation.failure() {
            mark_internal(failure, response);
        }
        let length = match from {
            BodyFrom::Reply => invocation.reply().as_slice().len(),
            BodyFrom::Scratch => scratch.len(),
        };
        self.calls.answer(invocation.request_id(), Some(length), response);
        from
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        http_common::failed(call, response, scratch);
        mark_internal(call.failure, response);
        self.calls.answer(call.request_id, Some(scratch.len()), response);
    }

    fn refused(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        if call.failure.kind != "Runtime.Overloaded" {
            http_common::failed(call, response, scratch);
            mark_internal(call.failure, response);
            return;
        }
        response.clear();
        response.status = 429;
        response.headers.add(b"content-type", b"text/plain");
        response.no_store();
        response.headers.add(INTERNAL, b"faas-middleware");
        let limit = self.concurrency;
        scratch.extend_from_slice(
            format!("Concurrent request limit exceeded. Max concurrent requests: {limit}\n").as_bytes(),
        );
        self.calls.refuse(response.status);
    }

    fn stream_head(&self, invocation: &Invocation, code: Code, response: &mut Response) {
        http_common::head(invocation, code, response);
        self.calls.answer(invocation.request_id(), None, response);
    }
}

/// Marks a time-out, and any other failure of the runtime's own, as the watchdog's words. They are not the function's.
fn mark_internal(failure: &Failure, response: &mut Response) {
    if failure.is_time_out() || failure.kind.starts_with("Runtime.") {
        response.headers.add(INTERNAL, b"of-watchdog");
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{opened, process, request, serving};
    use super::*;

    fn status(route: &Route) -> u16 {
        match route {
            Route::Local(answer) => answer.status,
            other => panic!("not the runtime's own answer: {other:?}"),
        }
    }

    #[test]
    fn the_ports_are_the_watchdogs() {
        let plain = serving(&[]);
        assert_eq!((plain.listen(), plain.side_listen()), (Listen::Tcp("0.0.0.0:8080"), Some("0.0.0.0:8081")));
        let own = serving(&[("port", "9000"), ("FAAS_METRICS_PORT", "9001"), ("FAAS_HOST", "127.0.0.1")]);
        assert_eq!((own.listen(), own.side_listen()), (Listen::Tcp("127.0.0.1:9000"), Some("127.0.0.1:9001")));
        assert_eq!(serving(&[("FAAS_METRICS_PORT", "0")]).side_listen(), None);
        assert!(opened(&[("port", "http")]).unwrap_err().starts_with("port: expected a port"));
    }

    #[test]
    fn the_lock_file_is_where_temporary_files_are_unless_it_is_suppressed() {
        assert_eq!(serving(&[]).ready_file(), Some("/tmp/.lock"));
        assert_eq!(serving(&[("TMPDIR", "/run/tmp/")]).ready_file(), Some("/run/tmp/.lock"));
        assert_eq!(serving(&[("suppress_lock", "true")]).ready_file(), None);
    }

    #[test]
    fn at_once_is_what_max_inflight_says_then_what_we_say() {
        assert_eq!(serving(&[]).concurrency(), CONCURRENCY);
        assert_eq!(serving(&[("FAAS_CONCURRENCY", "9")]).concurrency(), 9);
        assert_eq!(serving(&[("FAAS_CONCURRENCY", "9"), ("max_inflight", "2")]).concurrency(), 2);
        assert_eq!(serving(&[("FAAS_CONCURRENCY", "9"), ("max_inflight", "0")]).concurrency(), 9);
        assert_eq!(opened(&[("max_inflight", "x")]).unwrap_err(), "max_inflight: expected a whole number, found \"x\"");
    }

    #[test]
    fn a_stop_takes_the_drain_and_what_still_runs() {
        let (_, opened) = opened(&[("healthcheck_interval", "5s"), ("write_timeout", "20s")]).unwrap();
        assert_eq!(opened.grace, Some(Duration::from_secs(25)));
    }

    #[test]
    fn tokens_that_nobody_would_check_are_no_silent_matter() {
        let error = opened(&[("jwt_auth", "true")]).unwrap_err();
        assert_eq!(error, "jwt_auth: expected false: tokens are not checked here, found \"true\"");
    }

    #[test]
    fn health_and_readiness_follow_the_state_and_only_get_is_known() {
        let serving = serving(&[]);
        let (process, _) = process();
        for path in ["/_/health", "/_/ready"] {
            let ask = |method: &str, state| serving.route(&process, &request(method, path, &[]), state);
            for state in [State::Starting, State::Stopping] {
                assert_eq!(status(&ask("GET", state)), 503, "{path} {state:?}");
            }
            assert!(matches!(ask("GET", State::Ready), Route::Health));
            for method in ["POST", "HEAD", "PUT"] {
                assert_eq!(status(&ask(method, State::Ready)), 405, "{path} {method}");
            }
        }
        let call = serving.route(&process, &request("GET", "/_/other", &[]), State::Stopping);
        assert!(matches!(call, Route::Invoke(_)), "calls are served to the end");
    }

    #[test]
    fn a_ready_path_is_asked_with_get_and_the_probes_headers() {
        let serving = serving(&[("ready_path", "/am/i?deep=1")]);
        let (process, _) = process();
        let probe = request(
            "GET",
            "/_/ready",
            &[("Host", "10.0.0.1"), ("Content-Length", "0"), ("User-Agent", "kube-probe/1.30")],
        );
        let Route::Rewritten(asked, _) = serving.route(&process, &probe, State::Ready) else {
            panic!("the function is asked")
        };
        assert_eq!((asked.method(), asked.target()), (&b"GET"[..], &b"/am/i?deep=1"[..]));
        assert_eq!(asked.header("user-agent"), Some(&b"kube-probe/1.30"[..]));
        assert_eq!((asked.header("content-length"), asked.body()), (None, &b""[..]));
        assert_eq!(status(&serving.route(&process, &probe, State::Starting)), 503);
    }

    #[test]
    fn one_too_many_is_429_in_the_middlewares_words() {
        let serving = serving(&[("max_inflight", "3")]);
        let (mut response, mut body) = (Response::default(), Vec::new());
        let refuse = Failure::new("Runtime.Overloaded", "busy");
        serving.refused(
            FailedInvocation { metadata: &InvocationMetadata::default(), request_id: b"id", failure: &refuse },
            &mut response,
            &mut body,
        );
        assert_eq!(response.status, 429);
        assert_eq!(response.headers.get(b"Content-Type", caseless), Some(&b"text/plain"[..]));
        assert_eq!(response.headers.get(INTERNAL, caseless), Some(&b"faas-middleware"[..]));
        assert_eq!(body, b"Concurrent request limit exceeded. Max concurrent requests: 3\n");
        body.clear();
        serving.refused(
            FailedInvocation {
                metadata: &InvocationMetadata::default(),
                request_id: b"id",
                failure: &Failure::new("Runtime.Closing", "bye"),
            },
            &mut response,
            &mut body,
        );
        assert_eq!(response.status, 503);
    }

    #[test]
    fn a_time_out_is_told_apart_from_the_functions_own_failures() {
        let serving = serving(&[]);
        for (kind, status, internal) in [("Function.TimedOut", 504, true), ("Function.Panic", 500, false)] {
            let (mut response, mut body) = (Response::default(), Vec::new());
            serving.failed(
                FailedInvocation {
                    metadata: &InvocationMetadata::default(),
                    request_id: b"id",
                    failure: &Failure::new(kind, "no"),
                },
                &mut response,
                &mut body,
            );
            assert_eq!((response.status, response.headers.get(INTERNAL, caseless).is_some()), (status, internal));
        }
    }
}
