//! VolcEngine veFaaS: a server of ours, which is sent requests, CloudEvents, and under a header of its own control
//! requests.
//!
//! Source: the repository `volcengine/vefaas-golang-runtime`. Its failures are told in two headers of the response,
//! which the platform reads.

use super::http::{self, CONCURRENCY};
use super::{
    BodyFrom, FailedInvocation, Initial, Listen, LocalResponse, PlatformConfig, PlatformEntry, Protocol, Response,
    Route, Serving, Signal, StartAt, State, http_common,
};
use crate::failure::Failure;
use crate::fields::caseless;
use crate::http1::{Head, Message};
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::json::decimal_into;
use crate::process::Process;
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::MessageFormat;
use crate::trigger::cloudevents::{self, Offer};
use std::borrow::Cow;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "vefaas";

/// The port where nobody sets one.
const PORT: u16 = 5000;
/// A call's time where nobody sets one.
const TIMEOUT: Duration = Duration::from_secs(900);
/// The exit code of a process that cannot listen.
const CANNOT_LISTEN: i32 = 170;

const ERROR_CODE: &str = "X-Faas-Response-Error-Code";
/// The most bytes of a message in a header. No proxy takes more.
const LONGEST: usize = 1024;
const ERROR_MESSAGE: &str = "X-Faas-Response-Error-Message";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "VolcEngine veFaaS",
    short: "veFaaS",
    aliases: &["volcengine"],
    marks: "`_FAAS_RUNTIME_PORT` or `_FAAS_FUNC_TIMEOUT`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.first(&["_FAAS_RUNTIME_PORT", "_FAAS_FUNC_TIMEOUT"]).map(|(name, _)| name)
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let timeout = env.seconds("_FAAS_FUNC_TIMEOUT")?;
    let server = Server {
        listen: http_common::address(env, "_FAAS_RUNTIME_PORT", PORT)?,
        concurrency: settings.concurrency.unwrap_or(CONCURRENCY),
        timeout: timeout.or(settings.timeout),
    };
    // What is called when a stop begins may take as long as any other call.
    let grace = timeout.unwrap_or(TIMEOUT);
    Ok(PlatformConfig::new(http::identity(env, NAME), Protocol::Serving(Box::new(server))).with_grace(grace))
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct Server {
    listen: String,
    concurrency: usize,
    timeout: Option<Duration>,
}

impl Serving for Server {
    fn listen(&self) -> Listen<'_> {
        Listen::Tcp(&self.listen)
    }

    fn listen_failed(&self) -> i32 {
        CANNOT_LISTEN
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn start(&self) -> StartAt {
        StartAt::Signal
    }

    fn may_stream(&self, head: Head<'_>) -> bool {
        head.header("x-faas-event-type").is_none() && http_common::may_stream(head)
    }

    fn route(&self, process: &Process, request: &Message, state: State) -> Route {
        if request.header("x-faas-internal-request") == Some(b"true") {
            return control(request, state);
        }
        let mut metadata = http_common::metadata(process, request, self.timeout);
        metadata.own_headers = b"x-faas-";
        let mut event_type: &[u8] = b"";
        for (name, value) in request.headers() {
            match name.len() {
                // The platform's gateway sets it. Where no proxy is trusted it is the client's own.
                9 if process.identity.trusted_hops > 0 && caseless(name, b"x-real-ip") => {
                    metadata.client_ip = Span::of(request.bytes(), value);
                }
                17 if caseless(name, b"x-faas-event-type") => event_type = value,
                17 if caseless(name, b"x-faas-request-id") => {
                    http_common::take_request_id(&mut metadata, request.bytes(), value);
                }
                _ => {}
            }
        }
        match event_type {
            b"" | b"http" => Route::Invoke(metadata),
            b"cloudevent" => match cloudevents::look(request) {
                Offer::One | Offer::Batch => {
                    Route::Invoke(InvocationMetadata { format: MessageFormat::CloudEvent, ..metadata })
                }
                Offer::NoEvent | Offer::EmptyBatch => no_event("the request has no CloudEvent in it".into()),
                Offer::Refused(refusal) => no_event(refusal.reason),
            },
            _ => Route::Local(LocalResponse::text(400, "").with(&[
                (ERROR_CODE, "invalid_event_type"),
                (ERROR_MESSAGE, "The event type is neither http nor cloudevent."),
            ])),
        }
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        if let Some(failure) = invocation.failure() {
            self.failed(FailedInvocation::of(invocation, failure), response, scratch);
            http_common::kept_headers(invocation, response);
            duration(invocation, response);
            return BodyFrom::Scratch;
        }
        self.stream_head(invocation, http_common::code(invocation), response);
        http_common::untype_nothing(invocation, response);
        BodyFrom::Reply
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        http_common::failed(call, response, scratch);
        let code = if call.failure.is_panic() { "function_panic" } else { "function_execution_error" };
        response.headers.add(ERROR_CODE.as_bytes(), code.as_bytes());
        let visible = |out: &mut Vec<u8>| {
            out.extend(
                call.failure.for_caller().message.bytes().filter(|byte| (b' '..=b'~').contains(byte)).take(LONGEST),
            )
        };
        response.headers.add_with(ERROR_MESSAGE.as_bytes(), visible);
    }

    fn stream_head(&self, invocation: &Invocation, code: Code, response: &mut Response) {
        http_common::head(invocation, code, response);
        duration(invocation, response);
    }

    fn signalled(&self, _: &Signal, result: Result<(), &Failure>) -> LocalResponse {
        match result {
            Ok(()) => LocalResponse::text(200, ""),
            Err(failure) => LocalResponse::text(500, failure.for_owner().to_string()),
        }
    }
}

/// Returns the answer to a request that should be an event and is not one, with the reason.
fn no_event(why: Cow<'static, str>) -> Route {
    Route::Local(LocalResponse::text(400, why).with(&[
        (ERROR_CODE, "invalid_cloud_event"),
        (ERROR_MESSAGE, "The request is not a valid CloudEvent; the body says why."),
    ]))
}

/// Returns the route of a request of the platform's own. One that no control header marks is the function's, whatever
/// its path.
fn control(request: &Message, state: State) -> Route {
    let method = request.method();
    match http_common::path(request) {
        b"/v1/initialize" if method == b"POST" => match state {
            State::Waiting | State::Starting => Route::Signal(Signal::Initialize(Initial::default())),
            // It may be asked for again, and has been done.
            State::Ready | State::Stopping | State::Closed => Route::text(200, ""),
        },
        b"/v1/version" if method == b"GET" => Route::text(200, env!("CARGO_PKG_VERSION")),
        b"/v1/initialize" | b"/v1/version" => Route::text(405, ""),
        _ => Route::text(404, ""),
    }
}

/// Sets the time that the invocation took, in milliseconds with two digits behind the point, in place of one that the
/// function set.
fn duration(invocation: &Invocation, response: &mut Response) {
    let hundredths = invocation.process().now_ns().saturating_sub(invocation.received_ns()) / 10_000;
    let mut text = Vec::new();
    decimal_into(&mut text, hundredths / 100);
    text.push(b'.');
    text.extend([hundredths / 10 % 10, hundredths % 10].map(|digit| b'0' + digit as u8));
    response.headers.set(b"X-Faas-Execution-Duration", &text, caseless);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Identity;
    use faas_abi::host::Invocation as _;
    use std::sync::Arc;

    fn opened(pairs: &[(&str, &str)]) -> Result<Box<dyn Serving>, String> {
        match crate::platform::testing::opened(&ENTRY, pairs)?.1.protocol {
            Protocol::Serving(server) => Ok(server),
            other => panic!("{other:?}"),
        }
    }

    fn process() -> Arc<Process> {
        trusting(ENTRY.trusted_hops)
    }

    fn trusting(trusted_hops: usize) -> Arc<Process> {
        crate::testing::process_of(Identity { trusted_hops, ..Identity::default() }).0
    }

    fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Message {
        crate::testing::request(method, target, headers, b"")
    }

    #[test]
    fn the_port_and_the_limit_are_of_the_variables() {
        let server = opened(&[]).expect("there are defaults");
        assert_eq!((server.listen(), server.listen_failed()), (Listen::Tcp("0.0.0.0:5000"), 170));
        assert_eq!(opened(&[("_FAAS_RUNTIME_PORT", "8000")]).expect("fits").listen(), Listen::Tcp("0.0.0.0:8000"));
        for (name, value) in [("_FAAS_RUNTIME_PORT", "x"), ("_FAAS_FUNC_TIMEOUT", "x")] {
            assert!(opened(&[(name, value)]).unwrap_err().starts_with(name), "{name}");
        }
    }

    #[test]
    fn only_the_internal_header_makes_a_control_request() {
        let (server, process) = (opened(&[]).expect("fits"), process());
        let internal = [("x-faas-internal-request", "true")];
        let told = |method, path, state| server.route(&process, &request(method, path, &internal), state);
        let start = told("POST", "/v1/initialize", State::Waiting);
        assert!(matches!(start, Route::Signal(Signal::Initialize(_))), "{start:?}");
        for (method, path, status) in [
            ("POST", "/v1/initialize", 200),
            ("GET", "/v1/initialize", 405),
            ("GET", "/v1/version", 200),
            ("POST", "/v1/version", 405),
            ("GET", "/", 404),
        ] {
            let route = told(method, path, State::Ready);
            assert!(matches!(&route, Route::Local(answer) if answer.status == status), "{method} {path}: {route:?}");
        }
        for headers in [&[][..], &[("X-Faas-Internal-Request", "false")]] {
            let route = server.route(&process, &request("POST", "/v1/initialize", headers), State::Waiting);
            assert!(matches!(route, Route::Invoke(_)), "{route:?}");
        }
    }

    #[test]
    fn the_event_type_says_how_a_request_is_read() {
        let (server, process) = (opened(&[("_FAAS_FUNC_TIMEOUT", "30")]).expect("fits"), process());
        let event = [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-type", "t"), ("ce-source", "s")];
        for (event_type, format) in
            [("", MessageFormat::Request), ("http", MessageFormat::Request), ("cloudevent", MessageFormat::CloudEvent)]
        {
            let mut headers = vec![("X-Faas-Event-Type", event_type), ("X-Faas-Request-Id", "r")];
            headers.extend(event);
            let message = request("POST", "/a", &headers);
            let Route::Invoke(metadata) = server.route(&process, &message, State::Ready) else {
                panic!("it is for the function")
            };
            assert_eq!((metadata.format, metadata.request_id.read(message.bytes())), (format, &b"r"[..]));
            assert!(metadata.deadline.is_some_and(|deadline| deadline.remaining_ms(&process) <= 30_000));
        }
        for (headers, code) in [
            (&[("X-Faas-Event-Type", "else")][..], "invalid_event_type"),
            (&[("X-Faas-Event-Type", "cloudevent")], "invalid_cloud_event"),
            (&[("X-Faas-Event-Type", "cloudevent"), event[0], event[1], event[2]], "invalid_cloud_event"),
            (
                &[("X-Faas-Event-Type", "cloudevent"), event[0], event[1], event[2], ("ce-source", "")],
                "invalid_cloud_event",
            ),
        ] {
            let route = server.route(&process, &request("POST", "/", headers), State::Ready);
            let Route::Local(answer) = route else { panic!("{route:?}") };
            assert_eq!((answer.status, answer.headers[0]), (400, (ERROR_CODE, code)));
        }
    }

    #[test]
    fn the_client_is_the_one_the_platform_names_and_its_own_headers_are_not_the_clients() {
        let server = opened(&[]).expect("fits");
        for (process, client) in [(process(), &b"192.0.2.7"[..]), (trusting(0), b"10.0.0.9")] {
            let headers = [("X-Faas-Access-Key-Id", "k"), ("X-Real-Ip", "192.0.2.7"), ("X-A", "1")];
            let message = request("GET", "/", &headers);
            let Route::Invoke(metadata) = server.route(&process, &message, State::Ready) else {
                panic!("it is for the function")
            };
            let mut invocation = Invocation::new(process, Arc::from("f"));
            invocation.renew(message, &metadata, false);
            invocation.set_peer("10.0.0.9");
            let view = invocation.http().expect("a request");
            assert_eq!((view.client_ip(), view.headers.len()), (client, 2));
            assert_eq!(invocation.get(faas_abi::LIST_PLATFORM, b"x-faas-access-key-id"), Some(&b"k"[..]));
        }
    }

    #[test]
    fn failures_are_told_in_two_headers() {
        let server = opened(&[]).expect("fits");
        for (kind, status, code) in [
            ("Panic", 500, "function_panic"),
            ("Shop.Closed", 500, "function_execution_error"),
            ("Function.TimedOut", 504, "function_execution_error"),
        ] {
            let mut response = Response::default();
            let failure = Failure::new(kind, "why\r\nnot: ü");
            server.failed(
                FailedInvocation { metadata: &InvocationMetadata::default(), request_id: b"r", failure: &failure },
                &mut response,
                &mut Vec::new(),
            );
            let header = |name: &str| response.headers.get(name.as_bytes(), caseless).map(String::from_utf8_lossy);
            assert_eq!((response.status, header(ERROR_CODE).as_deref()), (status, Some(code)));
            assert_eq!(header(ERROR_MESSAGE).as_deref(), Some("whynot: "), "one line of visible text");
        }
    }

    #[test]
    fn a_response_says_how_long_the_invocation_took() {
        let (server, process) = (opened(&[]).expect("fits"), process());
        let message = request("GET", "/", &[]);
        let Route::Invoke(metadata) = server.route(&process, &message, State::Ready) else {
            panic!("it is for the function")
        };
        let mut invocation = Invocation::new(process, Arc::from("f"));
        invocation.renew(message, &metadata, false);
        invocation.add(faas_abi::LIST_REPLY_HEADER, b"x-faas-execution-duration", b"mine");
        let mut response = Response::default();
        server.respond(&invocation, &mut response, &mut Vec::new());
        let text = response.headers.get(b"X-Faas-Execution-Duration", caseless).expect("it is there");
        let text = std::str::from_utf8(text).expect("text");
        assert!(
            text.parse::<f64>().is_ok_and(|millis| millis >= 0.0) && text.as_bytes()[text.len() - 3] == b'.',
            "{text}"
        );
    }
}
