//! Fn Project and Oracle Functions: an agent that calls a Unix socket of ours, one call at a time.
//!
//! Sources: the page on the function format in the repository `fnproject/docs`, the agent in `fnproject/fn`, and the
//! development kits `fdk-go`, `fdk-python` and `fdk-node`. The agent stops a container that answers anything but 200,
//! 502 or 504, so the status a client sees travels in a header.

use super::http_common::{self, code};
use super::{
    BodyFrom, FailedInvocation, Listen, PlatformConfig, PlatformEntry, Protocol, Response, Route, Serving, State,
    nothing, reply_body,
};
use crate::encoding::calendar;
use crate::fields::caseless;
use crate::http1::Message;
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::json::{Writer, decimal_into};
use crate::process::{Deadline, Identity, Process};
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::MessageFormat;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "fn";

/// The longest path that fits in a socket's address: `sun_path` without its last zero and the `phony` of the name that
/// is bound.
const MAX_PATH: usize = 107 - 5;

/// The headers that every response has.
const OWN_HEADERS: [(&[u8], &[u8]); 2] = [
    (b"Fn-Fdk-Version", concat!("runtime-engine/", env!("CARGO_PKG_VERSION")).as_bytes()),
    (b"Fn-Fdk-Runtime", b"native/abi-1"),
];

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "Fn, Oracle Functions",
    short: "Fn",
    aliases: &["fnproject", "oracle"],
    marks: "`FN_LISTENER`, `FN_FORMAT` or `FN_FN_ID`",
    mark,
    trusted_hops: 0,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.first(&["FN_LISTENER", "FN_FORMAT", "FN_FN_ID"]).map(|(name, _)| name)
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    let format = env.text("FN_FORMAT");
    if !format.is_empty() && format != "http-stream" {
        return Err(BadSetting::new("FN_FORMAT", &format, "http-stream"));
    }
    let listener = env.text("FN_LISTENER");
    let path = listener.strip_prefix("unix:").unwrap_or_default();
    if !path.starts_with('/') || path.ends_with('/') || path.len() > MAX_PATH {
        let expected = "unix: and the absolute path of a socket, of at most 102 bytes";
        return Err(BadSetting::new("FN_LISTENER", &listener, expected));
    }
    let either = |names: &[&'static str]| env.first(names).map(|(_, value)| value).unwrap_or_default();
    let identity = Identity {
        platform: NAME,
        function: either(&["FN_FN_NAME", "FN_NAME", "FN_FN_ID"]),
        service: either(&["FN_APP_NAME", "FN_APP_ID"]),
        region: env.text("OCI_RESOURCE_PRINCIPAL_REGION"),
        memory_mb: env.number("FN_MEMORY").ok().flatten().unwrap_or(0),
        ..Identity::default()
    };
    let frame = env.get("FN_LOGFRAME_NAME").zip(env.get("FN_LOGFRAME_HDR"));
    let agent = Agent { path: path.to_owned(), timeout: settings.timeout, frame };
    Ok(PlatformConfig::new(identity, Protocol::Serving(Box::new(agent))))
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct Agent {
    path: String,
    /// The limit of a call that brings no limit of its own.
    timeout: Option<Duration>,
    /// The name of the log's frame, and the header that its value is taken from; `None` if the log has no frames.
    frame: Option<(String, String)>,
}

impl Serving for Agent {
    fn listen(&self) -> Listen<'_> {
        Listen::Unix(&self.path)
    }

    fn concurrency(&self) -> usize {
        1
    }

    fn route(&self, process: &Process, request: &Message, _: State) -> Route {
        if http_common::path(request) != b"/call" {
            return Route::text(404, "the only path is /call");
        }
        if request.method() != b"POST" {
            return Route::text(405, "the only method is POST");
        }
        Route::Invoke(self.metadata(process, request))
    }

    /// Writes the line by which the log is cut, and which names the call.
    fn before(&self, invocation: &Invocation) {
        let Some((name, header)) = &self.frame else { return };
        let Some(value) = invocation.message().and_then(|message| message.header(header)) else { return };
        let mut line = Vec::with_capacity(name.len() + value.len() + 3);
        line.push(b'\n');
        line.extend_from_slice(name.as_bytes());
        line.push(b'=');
        line.extend_from_slice(value);
        line.push(b'\n');
        invocation.process().log.mark(&line, true);
    }

    fn respond(&self, invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
        if let Some(failure) = invocation.failure() {
            self.failed(FailedInvocation::of(invocation, failure), response, scratch);
            return BodyFrom::Scratch;
        }
        self.stream_head(invocation, code(invocation), response);
        if is_request(invocation.metadata()) {
            // Fn's own kits leave the type at bytes, also where there are none.
            if code(invocation) == Code::Value {
                http_common::untype_nothing(invocation, response);
            }
            return BodyFrom::Reply;
        }
        let from = reply_body(invocation, nothing::BYTES, scratch);
        if from == BodyFrom::Scratch {
            response.headers.set(b"content-type", b"application/json", caseless);
        }
        from
    }

    fn failed(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        response.clear();
        response.status = if call.failure.is_time_out() { 504 } else { 502 };
        own_headers(response);
        response.headers.add(b"Content-Type", b"application/json");
        // The agent hands it to the client of an HTTP trigger.
        let told = if is_request(call.metadata) { call.failure.for_caller() } else { call.failure.for_owner() };
        let mut json = Writer::new(scratch);
        json.begin_object();
        json.key("message").string(told.message);
        let separator = if told.detail.is_empty() { "" } else { "\n" };
        json.key("detail").string(format!("{}{separator}{}", told.kind, told.detail));
        json.end_object();
    }

    /// Writes the response to a call that cannot be taken. It fails as any other does, since no other status leaves the
    /// container alive.
    fn refused(&self, call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
        self.failed(call, response, scratch);
        if call.failure.kind == "Runtime.Closing" {
            // The process is about to leave: a status that the agent does not know ends the container, so that it sends
            // the next call to another.
            response.status = 503;
        }
    }

    fn stream_head(&self, invocation: &Invocation, code: Code, response: &mut Response) {
        http_common::head(invocation, code, response);
        if is_request(invocation.metadata()) {
            enclose(response);
        }
        response.status = 200;
        own_headers(response);
    }
}

impl Agent {
    fn metadata(&self, process: &Process, request: &Message) -> InvocationMetadata {
        let mut metadata = InvocationMetadata::default();
        let mut moment = None;
        let bytes = request.bytes();
        for (name, value) in request.headers() {
            let span = Span::of(bytes, value);
            match name.len() {
                9 if caseless(name, b"fn-intent") && caseless(value, b"httprequest") => {
                    metadata.format = MessageFormat::Fn
                }
                10 if caseless(name, b"fn-call-id") => http_common::take_request_id(&mut metadata, bytes, value),
                11 if caseless(name, b"fn-deadline") => {
                    moment = rfc3339_ms(value);
                }
                11 if caseless(name, b"traceparent") => metadata.traceparent = span,
                10 if caseless(name, b"tracestate") => metadata.tracestate = span,
                12 if caseless(name, b"content-type") => metadata.content_type = span,
                12 if caseless(name, b"x-b3-traceid") => metadata.trace = span,
                _ => {}
            }
        }
        metadata.deadline = match moment {
            Some(moment) => {
                let id = metadata.request_id.read(bytes);
                Some(Deadline::at_moment(process, process.now_ns(), moment, self.timeout, id))
            }
            None => Deadline::within(process, self.timeout),
        };
        metadata
    }
}

/// Returns `true` if the call carries a request, whose response is to be enclosed.
fn is_request(metadata: &InvocationMetadata) -> bool {
    metadata.format == MessageFormat::Fn
}

fn own_headers(response: &mut Response) {
    for (name, value) in OWN_HEADERS {
        response.headers.add(name, value);
    }
}

/// Moves the client's status and headers into headers of the call's response. Only the content type keeps its name.
/// Headers that frame a message are the call's own.
fn enclose(response: &mut Response) {
    let status = response.status;
    let inner = std::mem::take(&mut response.headers);
    response.headers.add_with(b"Fn-Http-Status", |out| decimal_into(out, u64::from(status)));
    for (name, value) in inner.iter() {
        if caseless(name, b"content-type") {
            response.headers.add(b"Content-Type", value);
        } else if ![&b"content-length"[..], b"transfer-encoding", b"connection"].iter().any(|own| caseless(name, own)) {
            response.headers.add_pair_with(
                |out| {
                    out.extend_from_slice(b"Fn-Http-H-");
                    out.extend_from_slice(name);
                },
                |out| out.extend_from_slice(value),
            );
        }
    }
}

/// Returns the milliseconds since 1970 of a moment as RFC 3339 writes it. A moment without a fraction means the end of
/// its second: the agent (`fnproject/fn`) cuts its deadline to whole seconds, so that the true one is up to a second
/// later. It is `None` if the text is no such moment, or one before 1970.
fn rfc3339_ms(text: &[u8]) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let is = |at: usize, one_of: &[u8]| text.get(at).is_some_and(|byte| one_of.contains(byte));
    if !(is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":")) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut at = 19;
    let mut millis = 999;
    if is(at, b".") {
        let digits = text[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        millis = number(at + 1..at + 1 + digits.min(3))? * [100, 10, 1][digits.min(3) - 1];
        at += 1 + digits;
    }
    let offset = match text.get(at..)? {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let minutes = number(at + 1..at + 3)? * 60 + number(at + 4..at + 6)?;
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let days = calendar::days(year, month, day);
    let seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + second;
    u64::try_from(seconds * 1000 + millis).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::http1::Assembly;
    use crate::testing::process;
    use faas_abi::host::{Given, Invocation as Contract};
    use std::sync::Arc;

    fn opened(pairs: &[(&str, &str)]) -> Result<PlatformConfig, String> {
        let look_up = crate::testing::look_up(pairs);
        let env = Env::new(&look_up);
        let settings = Settings::read(&env).expect("no setting is wrong here");
        open(&env, &settings).map_err(|bad| bad.to_string())
    }

    fn agent(more: &[(&str, &str)]) -> Box<dyn Serving> {
        let mut pairs = vec![("FN_LISTENER", "unix:/tmp/iofs/lsnr.sock")];
        pairs.extend(more);
        match opened(&pairs).expect("it fits").protocol {
            Protocol::Serving(server) => server,
            other => panic!("{other:?}"),
        }
    }

    fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Message {
        let mut assembly = Assembly::request(Vec::new(), method.as_bytes(), target.as_bytes(), b"localhost");
        headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
        assembly.body().extend_from_slice(body);
        assembly.finish()
    }

    /// Returns the invocation that a call with these headers makes.
    fn called(agent: &dyn Serving, process: &Arc<Process>, headers: &[(&str, &str)], body: &[u8]) -> Invocation {
        let message = request("POST", "/call", headers, body);
        let Route::Invoke(metadata) = agent.route(process, &message, State::Ready) else { panic!("it is a call") };
        let mut invocation = Invocation::new(process.clone(), Arc::from("f"));
        invocation.renew(message, &metadata, false);
        invocation
    }

    fn list(response: &Response) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let own = |name: &[u8]| name.starts_with(b"Fn-Fdk-");
        response
            .headers
            .iter()
            .filter(|(name, _)| !own(name))
            .map(|(name, value)| format!("{}: {}", text(name), text(value)))
            .collect()
    }

    #[test]
    fn the_listener_is_a_socket_and_nothing_else() {
        let long = format!("unix:/{}", "x".repeat(107));
        for listener in
            ["", "unix:", "unix:relative", "unix:/folder/", "/tmp/lsnr.sock", "tcp://127.0.0.1:80", long.as_str()]
        {
            let why = opened(&[("FN_LISTENER", listener)]).unwrap_err();
            assert!(why.starts_with("FN_LISTENER: expected unix: and the absolute path"), "{listener}: {why}");
        }
        assert_eq!(
            opened(&[("FN_LISTENER", "unix:/s"), ("FN_FORMAT", "json")]).unwrap_err(),
            "FN_FORMAT: expected http-stream, found \"json\""
        );
        assert_eq!(agent(&[("FN_FORMAT", "http-stream")]).listen(), Listen::Unix("/tmp/iofs/lsnr.sock"));
    }

    #[test]
    fn names_come_from_the_environment_and_ids_where_there_are_none() {
        let identity =
            opened(&[("FN_LISTENER", "unix:/s"), ("FN_FN_ID", "01F"), ("FN_APP_NAME", "shop"), ("FN_MEMORY", "128")])
                .expect("it fits")
                .identity;
        assert_eq!((identity.function.as_str(), identity.service.as_str()), ("01F", "shop"));
        assert_eq!((identity.platform, identity.memory_mb), ("fn", 128));
    }

    #[test]
    fn a_call_is_a_post_to_one_path() {
        let (process, agent) = (process().0, agent(&[]));
        for (method, target, status) in [("POST", "/", 404), ("POST", "/call/x", 404), ("GET", "/call", 405)] {
            let route = agent.route(&process, &request(method, target, &[], b""), State::Ready);
            assert!(matches!(&route, Route::Local(answer) if answer.status == status), "{method} {target}: {route:?}");
        }
        let headers = [("Fn-Call-Id", "01A"), ("Fn-Deadline", "2100-01-01T00:00:00Z"), ("X-B3-TraceId", "t")];
        let invocation = called(&*agent, &process, &headers, b"event");
        assert_eq!((invocation.request_id(), invocation.event()), (&b"01A"[..], &b"event"[..]));
        assert_eq!(invocation.metadata().deadline.map(|deadline| deadline.epoch_ms), Some(4_102_444_800_999));
        assert_eq!(invocation.meta(faas_abi::META_TRACE), b"t");
    }

    #[test]
    fn a_call_without_a_deadline_has_the_limit_that_is_set() {
        let process = process().0;
        assert_eq!(called(&*agent(&[]), &process, &[("Fn-Deadline", "soon")], b"").metadata().deadline, None);
        let invocation = called(&*agent(&[("FAAS_TIMEOUT", "30")]), &process, &[], b"");
        assert!(invocation.metadata().deadline.is_some_and(|deadline| deadline.remaining_ms(&process) <= 30_000));
    }

    #[test]
    fn moments_are_read_with_fractions_and_offsets() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", Some(999)),
            ("2000-02-29T00:00:00z", Some(951_782_400_999)),
            ("2024-02-29T23:59:59.25Z", Some(1_709_251_199_250)),
            ("2024-02-29T23:59:59.123456789Z", Some(1_709_251_199_123)),
            ("2100-01-01T02:00:00+02:00", Some(4_102_444_800_999)),
            ("2099-12-31T19:30:00.5-04:30", Some(4_102_444_800_500)),
            ("1969-12-31T23:59:58Z", None),
            ("2024-02-29T23:59:59", None),
            ("2024-02-29T23:59:59.Z", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-01-01T24:00:00Z", None),
            ("2024-01-01T00:00:00+0100", None),
            ("1790000000000", None),
            ("", None),
        ] {
            assert_eq!(rfc3339_ms(text.as_bytes()), millis, "{text}");
        }
    }

    #[test]
    fn a_reply_to_a_request_is_enclosed() {
        let (process, agent) = (process().0, agent(&[]));
        let mut invocation = called(&*agent, &process, &[("Fn-Intent", "httprequest")], b"");
        for (name, value) in [("content-type", "text/plain"), ("Location", "/x"), ("x-a", "1"), ("x-a", "2")] {
            invocation.add(faas_abi::LIST_REPLY_HEADER, name.as_bytes(), value.as_bytes());
        }
        invocation.add(faas_abi::LIST_REPLY_COOKIE, b"c", b"c=1");
        Contract::reply(&mut invocation, 201, Given::from(b"made".to_vec()));
        let mut response = Response::default();
        assert_eq!(agent.respond(&invocation, &mut response, &mut Vec::new()), BodyFrom::Reply);
        assert_eq!(response.status, 200);
        assert_eq!(
            list(&response),
            [
                "Fn-Http-Status: 201",
                "Content-Type: text/plain",
                "Fn-Http-H-Location: /x",
                "Fn-Http-H-x-a: 1",
                "Fn-Http-H-x-a: 2",
                "Fn-Http-H-set-cookie: c=1",
            ]
        );
        assert_eq!(response.headers.get(b"fn-fdk-runtime", caseless), Some(&b"native/abi-1"[..]));
        assert!(response.headers.get(b"fn-fdk-version", caseless).is_some_and(|it| it.starts_with(b"runtime-engine/")));
    }

    #[test]
    fn a_reply_to_an_event_goes_as_it_is_and_its_status_is_lost() {
        let (process, agent) = (process().0, agent(&[]));
        let mut invocation = called(&*agent, &process, &[], b"{}");
        invocation.add(faas_abi::LIST_REPLY_HEADER, b"x-a", b"1");
        Contract::reply(&mut invocation, 404, Given::from(b"none".to_vec()));
        let mut response = Response::default();
        assert_eq!(agent.respond(&invocation, &mut response, &mut Vec::new()), BodyFrom::Reply);
        assert_eq!((response.status, list(&response)), (200, vec!["x-a: 1".to_owned()]));
    }

    #[test]
    fn a_failure_is_502_a_passed_deadline_504_and_the_end_of_the_container_neither() {
        let agent = agent(&[]);
        for (kind, status) in
            [("Function.Error", 502), ("Function.TimedOut", 504), ("Runtime.Overloaded", 502), ("Runtime.Closing", 503)]
        {
            let (mut response, mut body) = (Response::default(), Vec::new());
            agent.refused(
                FailedInvocation {
                    metadata: &InvocationMetadata::default(),
                    request_id: b"",
                    failure: &Failure::new(kind, "why"),
                },
                &mut response,
                &mut body,
            );
            assert_eq!((response.status, list(&response)), (status, vec!["Content-Type: application/json".to_owned()]));
            assert_eq!(String::from_utf8(body).unwrap(), format!(r#"{{"message":"why","detail":"{kind}"}}"#));
        }
    }

    #[test]
    fn the_log_is_framed_if_both_variables_are_set_and_the_header_is_there() {
        let (process, kept) = process();
        let framed = agent(&[("FN_LOGFRAME_NAME", "call"), ("FN_LOGFRAME_HDR", "Fn-Call-Id")]);
        framed.before(&called(&*framed, &process, &[("fn-call-id", "01A")], b""));
        framed.before(&called(&*framed, &process, &[], b""));
        let half = agent(&[("FN_LOGFRAME_NAME", "call")]);
        half.before(&called(&*half, &process, &[("Fn-Call-Id", "01B")], b""));
        assert_eq!(kept.take_marks(), [("\ncall=01A\n".to_owned(), true)]);
    }
}
