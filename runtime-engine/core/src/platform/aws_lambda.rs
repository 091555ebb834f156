//! AWS Lambda, Runtime API 2018-06-01: classic, managed instances, SnapStart, response streaming.
//!
//! Sources: the Lambda developer guide (runtimes-api, runtimes-custom, response streaming, logging, SnapStart) and the
//! published Runtime Interface Emulator. The trace id of an invocation is in its context; the environment variable
//! `_X_AMZN_TRACE_ID` is never written, since writing the environment crashes a process with modules of their own std.

use super::endpoint::endpoint;
use super::polling::fits_path;
use super::{
    BodyFrom, Delivery, PlatformConfig, PlatformEntry, Polling, PostOutcome, Protocol, Registration, error_document,
    nothing, reply_body,
};
use crate::encoding::base64;
use crate::failure::Failure;
use crate::fields::caseless_inline as caseless;
use crate::http1::{Message, decimal, write};
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::json::{Writer, decimal_into};
use crate::log::{Format, Level, LineKind};
use crate::process::{Deadline, Identity, Process};
use crate::report;
use crate::settings::{BadSetting, Env, Settings};
use crate::text::Span;
use crate::trigger::reply;
use std::fmt::Debug;
use std::time::Duration;

/// The word that `FAAS_PLATFORM` names the platform with.
pub const NAME: &str = "aws-lambda";

/// The most bytes of a request and of a buffered response: 6 MiB and 100 bytes. One byte more is refused with 413.
pub const MAX_REPLY: usize = 6_291_556;

/// The bytes at which the platform cuts the header with the X-Ray cause: 64 KiB.
const MAX_CAUSE: usize = 64 << 10;

const API: &str = "/2018-06-01/runtime/";
const EXTENSION_API: &str = "/2020-01-01/extension/";
const AGENT: &str = concat!("runtime-engine/", env!("CARGO_PKG_VERSION"));

/// The name under which the process registers to be told of the end. Any name serves; it shows in the platform's log.
const EXTENSION_NAME: &str = "runtime-engine-close";

/// The platform's entry in the list of all.
pub const ENTRY: PlatformEntry = PlatformEntry {
    name: NAME,
    title: "AWS Lambda",
    short: "AWS Lambda",
    aliases: &["aws", "lambda"],
    marks: "`AWS_LAMBDA_RUNTIME_API`",
    mark,
    trusted_hops: 1,
    open,
};

fn mark(env: &Env<'_>) -> Option<&'static str> {
    env.get("AWS_LAMBDA_RUNTIME_API").map(|_| "AWS_LAMBDA_RUNTIME_API")
}

fn open(env: &Env<'_>, settings: &Settings) -> Result<PlatformConfig, BadSetting> {
    const ADDRESS: &str = "AWS_LAMBDA_RUNTIME_API";
    let endpoint = endpoint(ADDRESS, &env.text(ADDRESS), "host:port of the Runtime API")?;
    let identity = Identity {
        platform: NAME,
        function: env.text("AWS_LAMBDA_FUNCTION_NAME"),
        version: env.text("AWS_LAMBDA_FUNCTION_VERSION"),
        region: env.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).map(|(_, region)| region).unwrap_or_default(),
        handler: env.text("_HANDLER"),
        memory_mb: env.number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").ok().flatten().unwrap_or(0),
        ..Identity::default()
    };
    // Unset, invalid and 0 all mean classic, one at a time.
    let concurrency = env.number("AWS_LAMBDA_MAX_CONCURRENCY").ok().flatten().unwrap_or(1).max(1);
    let snapshotted = env.text("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start";
    let api = RuntimeApi::new(endpoint, usize::try_from(concurrency).unwrap_or(1), snapshotted);
    let api = RuntimeApi { timeout: settings.timeout, ..api };
    let handler = identity.handler.clone();
    let opened = PlatformConfig::new(identity, Protocol::Polling(Box::new(api))).with_handler(handler);
    Ok(opened.with_root(env.text("LAMBDA_TASK_ROOT")))
}

/// The protocol, as the variables of the platform set it up.
#[derive(Debug)]
pub struct RuntimeApi {
    endpoint: String,
    concurrency: usize,
    snapshotted: bool,
    /// The limit of an event that comes without a deadline, or with one that has passed.
    timeout: Option<Duration>,
    /// The poll never changes: it is written once.
    next: Vec<u8>,
    /// The end of the request line of every other request, and the headers behind it: ` HTTP/1.1`, host and agent.
    tail: Vec<u8>,
}

impl RuntimeApi {
    fn new(endpoint: String, concurrency: usize, snapshotted: bool) -> RuntimeApi {
        let tail = format!(" HTTP/1.1\r\nHost: {endpoint}\r\nUser-Agent: {AGENT}\r\n").into_bytes();
        let mut next = format!("GET {API}invocation/next").into_bytes();
        next.extend_from_slice(&tail);
        next.extend_from_slice(b"\r\n");
        RuntimeApi { endpoint, concurrency, snapshotted, timeout: None, next, tail }
    }

    fn post(&self, path: &[&[u8]], out: &mut Vec<u8>) {
        out.extend_from_slice(b"POST ");
        path.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(&self.tail);
    }

    /// Writes the head of an error report, whose body of `body` bytes the caller knows already.
    fn error_head(&self, path: &[&[u8]], failure: &Failure, body: usize, traced: bool, out: &mut Vec<u8>) {
        self.post(path, out);
        out.extend_from_slice(b"Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: ");
        out.extend_from_slice(failure.aws_type().as_bytes());
        out.extend_from_slice(b"\r\n");
        if traced {
            let start = out.len();
            out.extend_from_slice(b"Lambda-Runtime-Function-XRay-Error-Cause: ");
            xray_cause(failure, out);
            out.extend_from_slice(b"\r\n");
            if out.len() - start > MAX_CAUSE {
                out.truncate(start);
            }
        }
        length(body, out);
    }

    /// Writes a whole request that reports an error.
    fn error_request(&self, path: &[&[u8]], failure: &Failure, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        error_document::event(failure.for_owner(), &mut body);
        self.error_head(path, failure, body.len(), false, out);
        out.extend_from_slice(&body);
    }

    fn invocation_error(
        &self,
        invocation: &Invocation,
        failure: &Failure,
        head: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
    ) -> BodyFrom {
        // A client of an HTTP trigger is not shown it: API Gateway and function URLs answer 502 with a text of their
        // own.
        error_document::event(failure.for_owner(), scratch);
        let traced = !invocation.metadata().trace.is_empty();
        let id = invocation.request_id();
        self.error_head(&[API.as_bytes(), b"invocation/", id, b"/error"], failure, scratch.len(), traced, head);
        BodyFrom::Scratch
    }
}

impl Polling for RuntimeApi {
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn concurrency(&self) -> usize {
        self.concurrency
    }

    fn next(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.next);
    }

    fn delivery(&self, process: &Process, answer: &Message) -> Delivery {
        match answer.status() {
            200 => {}
            status @ 500.. => return Delivery::Fatal(format!("the Runtime API answered {status} to the poll")),
            status => return Delivery::Again(format!("the Runtime API answered {status} to the poll")),
        }
        let metadata = metadata(process, answer, self.timeout);
        if metadata.request_id.is_empty() {
            return Delivery::Again("the Runtime API handed out an event without Lambda-Runtime-Aws-Request-Id".into());
        }
        // It goes into the path of the answer.
        if !fits_path(metadata.request_id.read(answer.bytes())) {
            return Delivery::Again("the Runtime API handed out an event whose request id fits in no path".into());
        }
        Delivery::Event(metadata)
    }

    fn answer(&self, invocation: &Invocation, head: &mut Vec<u8>, scratch: &mut Vec<u8>) -> BodyFrom {
        if let Some(failure) = invocation.failure() {
            return self.invocation_error(invocation, failure, head, scratch);
        }
        let from = reply_body(invocation, nothing::EVENT, scratch);
        let size = match from {
            BodyFrom::Reply => invocation.reply().as_slice().len(),
            BodyFrom::Scratch => scratch.len(),
        };
        if size > MAX_REPLY {
            scratch.clear();
            let failure = too_large(size);
            report::unsent(invocation, &failure);
            return self.invocation_error(invocation, &failure, head, scratch);
        }
        self.post(&[API.as_bytes(), b"invocation/", invocation.request_id(), b"/response"], head);
        let content_type = match from {
            BodyFrom::Scratch => None,
            BodyFrom::Reply => invocation.reply_headers().get(b"content-type", caseless),
        };
        head.extend_from_slice(b"Content-Type: ");
        head.extend_from_slice(content_type.unwrap_or(b"application/json"));
        head.extend_from_slice(b"\r\n");
        length(size, head);
        from
    }

    fn failed(&self, request_id: &[u8], failure: &Failure, out: &mut Vec<u8>) {
        self.error_request(&[API.as_bytes(), b"invocation/", request_id, b"/error"], failure, out);
    }

    fn streams(&self) -> bool {
        true
    }

    fn verdict(&self, status: u16) -> PostOutcome {
        match status {
            200..=299 => PostOutcome::Accepted,
            // 500 is documented as not recoverable: leave promptly.
            500.. => PostOutcome::Fatal,
            // 400, 403, 410, 413: this answer is lost, the next event is not.
            _ => PostOutcome::Dropped,
        }
    }

    fn stream_head(&self, invocation: &Invocation, code: Code, head: &mut Vec<u8>, prelude: &mut Vec<u8>) {
        self.post(&[API.as_bytes(), b"invocation/", invocation.request_id(), b"/response"], head);
        let status = match code {
            Code::Http(status) => Some(status),
            Code::Value => Some(200),
            Code::Raw => None,
        }
        .filter(|_| invocation.wants_http());
        head.extend_from_slice(b"Content-Type: ");
        match status {
            Some(status) => {
                head.extend_from_slice(b"application/vnd.awslambda.http-integration-response");
                reply::write_prelude(status, invocation.reply_headers(), invocation.reply_cookies(), prelude);
                prelude.extend_from_slice(&[0; 8]);
            }
            None => {
                let content_type = invocation.reply_headers().get(b"content-type", caseless);
                head.extend_from_slice(content_type.unwrap_or(b"application/octet-stream"));
            }
        }
        // The guide asks for the connection to be closed after a streamed response.
        head.extend_from_slice(
            b"\r\nLambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\
              Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\
              Connection: close\r\n\r\n",
        );
    }

    fn stream_end(&self, failure: Option<&Failure>, out: &mut Vec<u8>) {
        let Some(failure) = failure else {
            out.extend_from_slice(write::LAST_CHUNK);
            return;
        };
        let mut json = Vec::new();
        error_document::event(failure.for_owner(), &mut json);
        out.extend_from_slice(b"0\r\nLambda-Runtime-Function-Error-Type: ");
        out.extend_from_slice(failure.aws_type().as_bytes());
        out.extend_from_slice(b"\r\nLambda-Runtime-Function-Error-Body: ");
        base64::encode_into(out, &json);
        out.extend_from_slice(b"\r\n\r\n");
    }

    fn init_error(&self, failure: &Failure, out: &mut Vec<u8>) -> bool {
        self.error_request(&[API.as_bytes(), b"init/error"], failure, out);
        true
    }

    fn is_snapshotted(&self) -> bool {
        self.snapshotted
    }

    fn restore(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(API.as_bytes());
        out.extend_from_slice(b"restore/next");
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(b"\r\n");
    }

    fn restore_error(&self, failure: &Failure, out: &mut Vec<u8>) {
        self.error_request(&[API.as_bytes(), b"restore/error"], failure, out);
    }

    /// Registers an extension without events, which costs two requests: only then does the platform send a runtime
    /// SIGTERM.
    fn enlist(&self, answer: Option<&Message>, out: &mut Vec<u8>) -> Registration {
        let Some(answer) = answer else {
            const EVENTS: &[u8] = br#"{"events":[]}"#;
            self.post(&[EXTENSION_API.as_bytes(), b"register"], out);
            out.extend_from_slice(b"Lambda-Extension-Name: ");
            out.extend_from_slice(EXTENSION_NAME.as_bytes());
            out.extend_from_slice(b"\r\nContent-Type: application/json\r\n");
            length(EVENTS.len(), out);
            out.extend_from_slice(EVENTS);
            return Registration::Exchange;
        };
        let Some(identifier) = answer.header("lambda-extension-identifier").filter(|_| answer.status() == 200) else {
            return Registration::Refused;
        };
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(EXTENSION_API.as_bytes());
        out.extend_from_slice(b"event/next");
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(b"Lambda-Extension-Identifier: ");
        out.extend_from_slice(identifier);
        out.extend_from_slice(b"\r\n\r\n");
        Registration::Park
    }
}

/// Reads the headers in one pass. An empty value counts as absent: managed instances send them all.
fn metadata(process: &Process, answer: &Message, timeout: Option<Duration>) -> InvocationMetadata {
    let mut metadata = InvocationMetadata { received_ns: process.now_ns(), ..InvocationMetadata::default() };
    let mut moment: Option<u64> = None;
    let bytes = answer.bytes();
    // By their lengths first, and in the platform's own spelling: this is on the way of every event.
    for (name, value) in answer.headers() {
        let text = match name.len() {
            12 if caseless(name, b"Content-Type") => &mut metadata.content_type,
            23 if caseless(name, b"Lambda-Runtime-Trace-Id") => &mut metadata.trace,
            26 if caseless(name, b"Lambda-Runtime-Deadline-Ms") => {
                moment = decimal(value);
                continue;
            }
            28 if caseless(name, b"Lambda-Runtime-Aws-Tenant-Id") => &mut metadata.tenant,
            29 if caseless(name, b"Lambda-Runtime-Aws-Request-Id") => &mut metadata.request_id,
            29 if caseless(name, b"Lambda-Runtime-Client-Context") => &mut metadata.client_context,
            31 if caseless(name, b"Lambda-Runtime-Cognito-Identity") => &mut metadata.identity,
            35 if caseless(name, b"Lambda-Runtime-Invoked-Function-Arn") => &mut metadata.invoked_as,
            _ => continue,
        };
        *text = Span::of(bytes, value);
    }
    metadata.deadline = match moment {
        Some(moment) => {
            let id = metadata.request_id.read(bytes);
            Some(Deadline::at_moment(process, metadata.received_ns, moment, timeout, id))
        }
        None => Deadline::within(process, timeout),
    };
    metadata
}

/// Makes the failure that the platform itself would report, before the bytes are sent.
fn too_large(size: usize) -> Failure {
    Failure::new(
        "Function.ResponseSizeTooLarge",
        format!("Response payload size ({size} bytes) exceeded maximum allowed payload size ({MAX_REPLY} bytes)."),
    )
}

fn length(body: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Content-Length: ");
    decimal_into(out, body as u64);
    out.extend_from_slice(b"\r\n\r\n");
}

/// Writes the X-Ray cause. It stands in a header: bytes that are not visible ASCII are left out.
fn xray_cause(failure: &Failure, out: &mut Vec<u8>) {
    let visible = |text: &str| -> String { text.chars().filter(|c| matches!(c, ' '..='~')).take(8 << 10).collect() };
    let mut json = Writer::new(out);
    json.begin_object();
    json.key("working_directory").string("/var/task");
    json.key("exceptions").begin_array().begin_object();
    json.key("type").string(visible(&failure.kind));
    json.key("message").string(visible(&failure.message));
    json.key("stack").begin_array().end_array();
    json.end_object().end_array();
    json.key("paths").begin_array().end_array();
    json.end_object();
}

/// Returns the 16 bytes before a framed message on AWS Lambda, big-endian. They are the type with level and format, the
/// length of the message, and microseconds since 1970.
pub fn frame_head(message: usize, kind: LineKind) -> [u8; 16] {
    let level = match kind.level {
        None => 0,
        Some(Level::Trace) => 1,
        Some(Level::Debug) => 2,
        Some(Level::Info) => 3,
        Some(Level::Warn) => 4,
        Some(Level::Error) => 5,
    };
    let text = u32::from(kind.format == Format::Text);
    let kind_word: u32 = 0xa55a_0000 | level << 2 | 2 | text;
    let micros = u64::try_from(kind.time.as_micros()).unwrap_or(u64::MAX);
    let mut head = [0; 16];
    head[..4].copy_from_slice(&kind_word.to_be_bytes());
    head[4..8].copy_from_slice(&u32::try_from(message).unwrap_or(u32::MAX).to_be_bytes());
    head[8..].copy_from_slice(&micros.to_be_bytes());
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::plain_event;
    use std::time::Duration;

    #[test]
    fn an_id_that_would_write_another_request_is_no_event() {
        let api = RuntimeApi::new("127.0.0.1:9001".to_owned(), 1, false);
        let process = crate::testing::process().0;
        let delivered = |id: &str| {
            let answer = format!("200 OK\nLambda-Runtime-Aws-Request-Id: {id}\n\n{{}}");
            api.delivery(&process, &plain_event::testing::response(&answer))
        };
        assert!(matches!(delivered("8476a536-e9f4-11e8-9739-2dfe598c3fcd"), Delivery::Event(_)));
        for id in ["", "a b", "x/response HTTP/1.1", "../../init/error", "a?b", "a#b"] {
            assert!(matches!(delivered(id), Delivery::Again(_)), "{id}");
        }
    }

    #[test]
    fn headers_are_known_in_any_case_and_each_by_its_whole_name() {
        type Text = fn(&InvocationMetadata) -> Span;
        const TEXTS: [(&str, Text); 7] = [
            ("Content-Type", |metadata| metadata.content_type),
            ("Lambda-Runtime-Trace-Id", |metadata| metadata.trace),
            ("Lambda-Runtime-Aws-Tenant-Id", |metadata| metadata.tenant),
            ("Lambda-Runtime-Aws-Request-Id", |metadata| metadata.request_id),
            ("Lambda-Runtime-Client-Context", |metadata| metadata.client_context),
            ("Lambda-Runtime-Cognito-Identity", |metadata| metadata.identity),
            ("Lambda-Runtime-Invoked-Function-Arn", |metadata| metadata.invoked_as),
        ];
        let process = crate::testing::process().0;
        for spelling in [str::to_owned, str::to_ascii_lowercase, str::to_ascii_uppercase] {
            let lines: String = TEXTS.iter().map(|(name, _)| format!("{}: {name}\n", spelling(name))).collect();
            let answer = plain_event::testing::response(&format!("200 OK\n{lines}\n{{}}"));
            let metadata = metadata(&process, &answer, None);
            for (name, text) in TEXTS {
                assert_eq!(text(&metadata).read(answer.bytes()), name.as_bytes(), "{lines}");
            }
        }
        let others: String = TEXTS.iter().map(|(name, _)| format!("x{}: 1\n", &name[1..])).collect();
        let answer = plain_event::testing::response(&format!("200 OK\n{others}\n{{}}"));
        let metadata = metadata(&process, &answer, None);
        assert!(TEXTS.iter().all(|(_, text)| text(&metadata).is_empty()), "{others}");
    }

    #[test]
    fn the_time_to_a_deadline_counts_from_the_moment_at_which_the_event_was_whole() {
        let process = crate::testing::process().0;
        let moment = crate::process::epoch_ms() + 3_600_000;
        let answer = format!("200 OK\nLambda-Runtime-Deadline-Ms: {moment}\n\n{{}}");
        let answer = plain_event::testing::response(&answer);
        let metadata = metadata(&process, &answer, None);
        let deadline = metadata.deadline.expect("a deadline");
        assert_eq!(deadline.epoch_ms, moment);
        assert_eq!((deadline.ns - metadata.received_ns) % 1_000_000, 0, "whole milliseconds from there");
        let mut invocation = Invocation::new(process, "f".into());
        invocation.renew(answer, &metadata, false);
        assert_eq!(invocation.received_ns(), metadata.received_ns);
    }

    #[test]
    fn a_frame_names_level_format_length_and_time() {
        let kind = LineKind { level: Some(Level::Info), format: Format::Text, time: Duration::from_micros(0x0102) };
        assert_eq!(frame_head(5, kind), [0xa5, 0x5a, 0, 0x0f, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 2]);
        let kind = LineKind { level: Some(Level::Error), format: Format::Json, ..kind };
        assert_eq!(frame_head(5, kind)[3], 0x16);
        let kind = LineKind { level: None, format: Format::Text, ..kind };
        assert_eq!(frame_head(5, kind)[3], 0x03);
    }
}
