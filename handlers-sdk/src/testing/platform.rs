//! The bytes that a platform sends for an event or a request, and those it gets back, by the runtime's own protocols.

use super::answer::PlatformReply;
use faas_core::encoding::percent;
use faas_core::failure::Failure;
use faas_core::http1::{Assembly, Limits, Message, ReadProgress, Reader};
use faas_core::invocation::{Invocation, InvocationMetadata, Progress};
use faas_core::json::{self, Writer};
use faas_core::platform::{
    BodyFrom, Delivery, FailedInvocation, PLATFORMS, PlatformConfig, Polling, Protocol, Response, Route, Serving,
    State, detect,
};
use faas_core::process::{Identity, Process};
use faas_core::settings::{Env, Settings};
use faas_core::trigger::MessageFormat;

/// An event or a request before a platform has put it into its own words.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) kind: Kind,
    pub(super) method: String,
    /// The path and query as they are sent.
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
    /// The event, or the body of the request.
    pub(super) body: Vec<u8>,
}

/// The kind of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Bytes that the platform wraps in a call of its own.
    Event,
    /// A CloudEvent over HTTP.
    CloudEvent,
    /// An HTTP request.
    Request,
}

/// One platform's protocol. Without a name it is a plain HTTP server that also takes bare events.
pub(super) struct Platform {
    name: Option<&'static str>,
    protocol: Protocol,
}

/// Returns the variables that a platform's environment holds, and no others: the least that its protocol needs.
fn variables(platform: &str, kind: Kind) -> &'static [(&'static str, &'static str)] {
    match (platform, kind) {
        ("aws-lambda", _) => &[
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("AWS_LAMBDA_FUNCTION_NAME", "test"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ],
        ("tencent-scf", Kind::Event | Kind::CloudEvent) => {
            &[("SCF_RUNTIME_API", "127.0.0.1"), ("SCF_RUNTIME_API_PORT", "9001")]
        }
        ("huawei-functiongraph", Kind::Event | Kind::CloudEvent) => {
            &[("RUNTIME_API_ADDR", "127.0.0.1:9001"), ("RUNTIME_FUNC_NAME", "test")]
        }
        ("aliyun-fc", _) => &[("FC_FUNCTION_NAME", "test"), ("FC_FUNC_CODE_PATH", "/code"), ("FC_SERVER_PORT", "9000")],
        ("fn", _) => &[("FN_LISTENER", "unix:/tmp/iofs/lsnr.sock")],
        // An arrival that is neither a CloudEvent nor a request is an event of the older form.
        ("google-cloud", Kind::Event) => &[("FUNCTION_SIGNATURE_TYPE", "event")],
        ("yandex", _) => &[("REQUEST_ID", "test-request")],
        _ => &[],
    }
}

/// Returns the platform of that name.
///
/// # Panics
/// There is no such platform. The message lists those that exist.
pub(super) fn known(name: &str) -> &'static str {
    let found = PLATFORMS.iter().find(|entry| entry.name == name);
    found.map(|entry| entry.name).unwrap_or_else(|| {
        let names: Vec<&str> = PLATFORMS.iter().map(|entry| entry.name).collect();
        panic!("expected one of the platforms {}, found {name:?}", names.join(", "))
    })
}

/// Opens the platform of that name with its variables; `own` are those of the test, which take precedence.
pub(super) fn open(name: &'static str, kind: Kind, own: &[(String, String)]) -> Result<PlatformConfig, String> {
    let look_up = |variable: &str| {
        let own = own.iter().rev().find(|(other, _)| other == variable).map(|(_, value)| value.clone());
        let theirs = || variables(name, kind).iter().find(|(other, _)| *other == variable);
        match variable {
            "FAAS_PLATFORM" => Some(name.to_owned()),
            _ => own.or_else(|| theirs().map(|(_, value)| (*value).to_owned())),
        }
    };
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).map_err(|bad| bad.to_string())?;
    detect(&env, &settings).map(|detected| detected.opened).map_err(|error| error.to_string())
}

/// Returns the identity of a process that the test has put on no platform.
pub(super) fn nowhere() -> Identity {
    Identity { platform: "test", ..Identity::default() }
}

impl Platform {
    /// Makes the protocol of a platform; `None` is a plain HTTP server.
    pub(super) fn new(name: Option<&'static str>, kind: Kind, own: &[(String, String)]) -> Platform {
        let opened = open(name.unwrap_or("http"), kind, own).unwrap_or_else(|why| panic!("{why}"));
        Platform { name, protocol: opened.protocol }
    }

    /// Returns `true` if a reply can go out in parts.
    pub(super) fn streams(&self) -> bool {
        match &self.protocol {
            Protocol::Polling(polling) => polling.streams(),
            Protocol::Serving(_) => true,
            Protocol::Piping(_) => false,
        }
    }

    /// Returns the message that the platform sends, as its protocol reads it.
    ///
    /// # Panics
    /// The platform sends no such thing, or the runtime answers it without a function.
    pub(super) fn deliver(
        &self,
        process: &Process,
        arrival: &Arrival,
        request_id: &str,
    ) -> (Message, InvocationMetadata) {
        match &self.protocol {
            Protocol::Polling(polling) => self.polled(&**polling, process, arrival, request_id),
            Protocol::Serving(serving) => self.served(&**serving, process, arrival, request_id),
            Protocol::Piping(piping) => {
                self.takes_events_only(arrival);
                piping.event(process, &arrival.body).unwrap_or_else(|answer| refused(200, &answer))
            }
        }
    }

    fn polled(
        &self,
        polling: &dyn Polling,
        process: &Process,
        arrival: &Arrival,
        request_id: &str,
    ) -> (Message, InvocationMetadata) {
        let is_aws = self.name == Some("aws-lambda");
        let gateway;
        let event = match arrival.kind {
            Kind::Request if is_aws => {
                gateway = api_gateway(arrival, request_id);
                &gateway
            }
            _ => {
                self.takes_events_only(arrival);
                &arrival.body
            }
        };
        let mut headers: Vec<(&str, &str)> = match self.name {
            Some("aws-lambda") => vec![
                ("Lambda-Runtime-Aws-Request-Id", request_id),
                ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-west-1:111122223333:function:test"),
            ],
            Some("tencent-scf") => vec![("request_id", request_id), ("memory_limit_in_mb", "128")],
            _ => vec![("X-CFF-Request-Id", request_id)],
        };
        headers.push(("Content-Type", "application/json"));
        if arrival.kind != Kind::Request {
            headers.extend(arrival.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        }
        let message = response(&headers, event);
        match polling.delivery(process, &message) {
            Delivery::Event(metadata) => (message, metadata),
            other => panic!("the platform's protocol takes this for no event: {other:?}"),
        }
    }

    fn served(
        &self,
        serving: &dyn Serving,
        process: &Process,
        arrival: &Arrival,
        request_id: &str,
    ) -> (Message, InvocationMetadata) {
        let call = self.call(arrival, request_id);
        let mut assembly = Assembly::request(Vec::new(), call.method.as_bytes(), call.target.as_bytes(), b"");
        for (name, value) in &call.headers {
            assembly.header(name.as_bytes(), value.as_bytes());
        }
        assembly.body().extend_from_slice(&call.body);
        let message = assembly.finish();
        if self.name.is_none() && arrival.kind != Kind::Request {
            // A plain server would take the event for a request.
            let format =
                if arrival.kind == Kind::CloudEvent { MessageFormat::CloudEvent } else { MessageFormat::Event };
            return (message, InvocationMetadata { format, ..InvocationMetadata::default() });
        }
        match serving.route(process, &message, State::Ready) {
            Route::Invoke(metadata) => (message, metadata),
            Route::Rewritten(message, metadata) => (*message, metadata),
            Route::Local(answer) => refused(answer.status, answer.body.as_bytes()),
            other @ (Route::Health | Route::Signal(_)) => panic!("the runtime answers this itself: {other:?}"),
        }
    }

    /// Returns the platform's own call around an event or a request.
    fn call(&self, arrival: &Arrival, request_id: &str) -> Arrival {
        let owned = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let is_event = arrival.kind == Kind::Event;
        let mut call = arrival.clone();
        let mut post = |target: &str, content_type: &str| {
            (call.method, call.target) = ("POST".to_owned(), target.to_owned());
            call.headers.push(owned("content-type", content_type));
        };
        match self.name {
            Some("aliyun-fc") if is_event => post("/invoke", "application/octet-stream"),
            Some("azure-functions") if is_event => post("/function", "application/json"),
            Some("openwhisk") => {
                self.takes_events_only(arrival);
                post("/run", "application/json");
            }
            Some(_) if is_event => post(&arrival.target, "application/json"),
            _ => {}
        }
        match self.name {
            Some("aliyun-fc") => {
                call.headers.push(owned("x-fc-request-id", request_id));
                call.headers.push(owned("x-fc-control-path", if is_event { "/invoke" } else { "/http-invoke" }));
            }
            Some("azure-functions") => {
                call.headers.push(owned("X-Azure-Functions-InvocationId", request_id));
                call.headers.push(owned("host", "127.0.0.1:8080"));
            }
            Some("fn") => {
                if arrival.kind == Kind::Request {
                    call.headers = arrival.headers.iter().map(|(name, value)| fn_header(name, value)).collect();
                    call.headers.push(owned("Fn-Intent", "httprequest"));
                    call.headers.push(owned("Fn-Http-Method", &arrival.method));
                    call.headers.push(owned("Fn-Http-Request-Url", &arrival.target));
                }
                (call.method, call.target) = ("POST".to_owned(), "/call".to_owned());
                call.headers.push(owned("Fn-Call-Id", request_id));
            }
            Some("openwhisk") => call.body = activation(&arrival.body, request_id),
            _ => {}
        }
        call
    }

    fn takes_events_only(&self, arrival: &Arrival) {
        let name = self.name.unwrap_or_default();
        match arrival.kind {
            Kind::Event => {}
            Kind::CloudEvent => panic!("{name} sends no CloudEvents over HTTP"),
            Kind::Request => panic!(
                "to {name} a request comes inside of an event: take `testing::sample` of one of its HTTP triggers"
            ),
        }
    }

    /// Returns the reply that the platform gets for an invocation that is over.
    pub(super) fn reply(&self, invocation: &Invocation, chunks: Option<&[Vec<u8>]>) -> PlatformReply {
        let mut scratch = Vec::new();
        let streamed = match invocation.progress() {
            Progress::Streaming(code) if chunks.is_some() => Some(code),
            _ => None,
        };
        let body = |from, scratch: Vec<u8>| match from {
            BodyFrom::Reply => invocation.reply().as_slice().to_vec(),
            BodyFrom::Scratch => scratch,
        };
        let all = || chunks.unwrap_or_default().concat();
        match &self.protocol {
            Protocol::Polling(polling) => {
                let mut head = Vec::new();
                let body = match streamed {
                    Some(code) => {
                        polling.stream_head(invocation, code, &mut head, &mut scratch);
                        [scratch, all()].concat()
                    }
                    None => body(polling.answer(invocation, &mut head, &mut scratch), scratch),
                };
                posted(&head, body)
            }
            Protocol::Serving(serving) => {
                let mut response = Response::default();
                let body = match streamed {
                    Some(code) => {
                        serving.stream_head(invocation, code, &mut response);
                        all()
                    }
                    None => body(serving.respond(invocation, &mut response, &mut scratch), scratch),
                };
                responded(&response, body)
            }
            Protocol::Piping(piping) => {
                piping.answer(invocation, &mut scratch);
                PlatformReply { body: scratch, ..PlatformReply::default() }
            }
        }
    }

    /// Returns the reply that the platform gets for an invocation that does not end.
    pub(super) fn failed(&self, request_id: &[u8], failure: &Failure) -> PlatformReply {
        let mut scratch = Vec::new();
        match &self.protocol {
            Protocol::Polling(polling) => {
                polling.failed(request_id, failure, &mut scratch);
                let end = scratch.windows(4).position(|four| four == b"\r\n\r\n").map_or(scratch.len(), |at| at + 4);
                let body = scratch.split_off(end);
                posted(&scratch, body)
            }
            Protocol::Serving(serving) => {
                let mut response = Response::default();
                serving.failed(
                    FailedInvocation { metadata: &InvocationMetadata::default(), request_id, failure },
                    &mut response,
                    &mut scratch,
                );
                responded(&response, scratch)
            }
            Protocol::Piping(piping) => {
                piping.failed(request_id, failure, &mut scratch);
                PlatformReply { body: scratch, ..PlatformReply::default() }
            }
        }
    }
}

fn refused(status: u16, answer: &[u8]) -> ! {
    panic!("the runtime answers this itself, with {status}: {}", String::from_utf8_lossy(answer))
}

/// Returns the headers of a client's request, as the agent of Fn hands them on.
fn fn_header(name: &str, value: &str) -> (String, String) {
    let is_type = name.eq_ignore_ascii_case("content-type");
    (if is_type { name.to_owned() } else { format!("Fn-Http-H-{name}") }, value.to_owned())
}

/// Returns an activation of an OpenWhisk action, with these arguments.
fn activation(arguments: &[u8], request_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut json = Writer::new(&mut out);
    json.begin_object();
    json.key("action_name").string("/_/test");
    json.key("activation_id").string(request_id);
    match json::parse(arguments) {
        Ok(value) => json.key("value").raw(value.raw()),
        Err(error) => panic!("the arguments of an OpenWhisk action are JSON: {error}"),
    };
    json.end_object();
    out
}

/// Returns a request as an HTTP API of API Gateway sends it, payload 2.0.
fn api_gateway(arrival: &Arrival, request_id: &str) -> Vec<u8> {
    let (path, query) = arrival.target.split_once('?').unwrap_or((&arrival.target, ""));
    // HTTP APIs hand the path decoded, in `rawPath` too; the query stays as it came.
    let mut decoded = Vec::new();
    percent::decode_into(&mut decoded, path.as_bytes(), false);
    let path = decoded;
    let mut out = Vec::new();
    let mut json = Writer::new(&mut out);
    json.begin_object();
    json.key("version").string("2.0");
    json.key("routeKey").string("$default");
    json.key("rawPath").string(&path);
    json.key("rawQueryString").string(query);
    json.key("cookies").begin_array();
    for cookie in of_name(arrival, "cookie").flat_map(|(_, value)| value.split("; ")) {
        json.string(cookie);
    }
    json.end_array();
    json.key("headers").begin_object();
    for (at, (name, _)) in
        arrival.headers.iter().enumerate().filter(|(_, (name, _))| !name.eq_ignore_ascii_case("cookie"))
    {
        // Repeats are joined where the first of them stands.
        if !arrival.headers[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            let values: Vec<&str> = of_name(arrival, name).map(|(_, value)| value.as_str()).collect();
            json.key(name.to_ascii_lowercase()).string(values.join(","));
        }
    }
    json.end_object();
    json.key("requestContext").begin_object();
    json.key("requestId").string(request_id);
    json.key("stage").string("$default");
    json.key("http").begin_object();
    json.key("method").string(&arrival.method);
    json.key("path").string(&path);
    json.key("protocol").string("HTTP/1.1");
    json.end_object().end_object();
    if !arrival.body.is_empty() {
        json.key("body").base64(&arrival.body);
    }
    json.key("isBase64Encoded").bool(!arrival.body.is_empty());
    json.end_object();
    out
}

/// Returns the headers of that name, in whatever case.
fn of_name<'a>(arrival: &'a Arrival, wanted: &'a str) -> impl Iterator<Item = &'a (String, String)> {
    arrival.headers.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted))
}

/// Returns the response to a poll, read as a runtime reads it.
fn response(headers: &[(&str, &str)], body: &[u8]) -> Message {
    let mut bytes = b"HTTP/1.1 200 OK\r\n".to_vec();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    let mut reader = Reader::response(Limits { body_bytes: u64::MAX, ..Limits::default() });
    let mut rest = &bytes[..];
    loop {
        match reader.poll() {
            Ok(ReadProgress::Head) => {}
            Ok(ReadProgress::Complete) => return reader.take().expect("it is complete"),
            Ok(ReadProgress::More) => {
                let space = reader.space(rest.len());
                let count = space.len().min(rest.len());
                space[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                reader.filled(count);
            }
            Err(refusal) => panic!("a header of the test cannot be sent: {refusal:?}"),
        }
    }
}

/// Returns a request that the runtime makes, by its head.
fn posted(head: &[u8], body: Vec<u8>) -> PlatformReply {
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split("\r\n");
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
    PlatformReply { status: None, path, headers: headers.collect(), body }
}

/// Returns a response.
fn responded(response: &Response, body: Vec<u8>) -> PlatformReply {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = response.headers.iter().map(|(name, value)| (text(name), text(value))).collect();
    PlatformReply { status: Some(response.status), path: String::new(), headers, body }
}
