//! The common part of platforms that send plain requests: the address they listen at, the metadata of a request, the
//! form of a reply and of a failure as HTTP. A platform takes of it what fits; nothing here knows which platform it is.

use super::{BodyFrom, FailedInvocation, Response, endpoint, error_document};
use crate::fields::{caseless, is_named};
use crate::http1::{Head, Message};
use crate::invocation::{Code, Invocation, InvocationMetadata, Progress};
use crate::process::{Deadline, Process};
use crate::settings::{BadSetting, Env};
use crate::text::Span;
use crate::trigger::MessageFormat;
use std::time::Duration;

/// Returns the `host:port` to listen on. The host is `FAAS_HOST`, else all IPv4 addresses; the port is that of
/// `variable`, else `port`.
///
/// # Errors
/// The variable holds no port, or `FAAS_HOST` no host.
pub(super) fn address(env: &Env<'_>, variable: &'static str, port: u16) -> Result<String, BadSetting> {
    address_on(env, "0.0.0.0", variable, port)
}

/// Returns the address to listen at, with `host` if `FAAS_HOST` is not set.
///
/// # Errors
/// The variable holds no port, or `FAAS_HOST` no host.
pub(super) fn address_on(env: &Env<'_>, host: &str, variable: &'static str, port: u16) -> Result<String, BadSetting> {
    let port = match env.get(variable) {
        None => port,
        Some(text) => text.trim().parse().map_err(|_| BadSetting::new(variable, &text, "a port from 0 to 65535"))?,
    };
    let named = env.get("FAAS_HOST");
    let text = named.as_deref().unwrap_or(host);
    match endpoint::host(text) {
        Some(host) => Ok(format!("{host}:{port}")),
        None => Err(BadSetting::new("FAAS_HOST", text, "an address or a name")),
    }
}

/// Returns the metadata in those headers of a request that most senders agree on: trace context, content type,
/// `x-request-id`. `timeout` is the limit of an invocation from now on.
pub(super) fn metadata(process: &Process, request: &Message, timeout: Option<Duration>) -> InvocationMetadata {
    let deadline = Deadline::within(process, timeout);
    let mut metadata = InvocationMetadata { format: MessageFormat::Request, deadline, ..InvocationMetadata::default() };
    let bytes = request.bytes();
    for (name, value) in request.headers() {
        let text = match name.len() {
            11 if is_named(name, b"traceparent") => &mut metadata.traceparent,
            10 if is_named(name, b"tracestate") => &mut metadata.tracestate,
            12 if is_named(name, b"Content-Type") => &mut metadata.content_type,
            12 if is_named(name, b"X-Request-Id") => {
                take_request_id(&mut metadata, bytes, value);
                continue;
            }
            _ => continue,
        };
        *text = Span::of(bytes, value);
    }
    metadata
}

/// The longest request id that is taken from a sender, in bytes: more than any known sender makes.
const LONGEST_ID: usize = 128;

/// Takes a request id that came with a request, if it is short and of letters, digits and `-._~:/+=@|`. Anything else
/// changes nothing: where there is no other id, the driver makes one. The id goes into the log, into answers, and into
/// marks that platforms cut logs by. `value` lies in `bytes`.
pub(super) fn take_request_id(metadata: &mut InvocationMetadata, bytes: &[u8], value: &[u8]) {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/+=@|".contains(byte);
    if (1..=LONGEST_ID).contains(&value.len()) && value.iter().all(is_plain) {
        metadata.request_id = Span::of(bytes, value);
    }
}

/// Returns `true` if the body of a request with this head may come piece by piece: it is no CloudEvent, which is read
/// before anybody knows whose it is.
pub(super) fn may_stream(head: Head<'_>) -> bool {
    let is_event = |(name, value): (&[u8], &[u8])| {
        const MEDIA_TYPE: &[u8] = b"application/cloudevents";
        let starts = |text: &[u8]| value.get(..text.len()).is_some_and(|start| caseless(start, text));
        caseless(name, b"ce-specversion") || caseless(name, b"content-type") && starts(MEDIA_TYPE)
    };
    !head.headers().any(is_event)
}

/// Returns the path of a request's target, percent-coded as it came.
pub(super) fn path(request: &Message) -> &[u8] {
    request.target().split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// Writes the whole response to an invocation: its reply, or [`failed`] with the headers that layers have set.
pub(super) fn respond(invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
    if let Some(failure) = invocation.failure() {
        failed(FailedInvocation::of(invocation, failure), response, scratch);
        kept_headers(invocation, response);
        return BodyFrom::Scratch;
    }
    head(invocation, code(invocation), response);
    untype_nothing(invocation, response);
    BodyFrom::Reply
}

/// Returns the rest of a header's name that begins with a platform's `prefix`, in whatever case. It is `None` if it
/// begins otherwise.
pub(super) fn own_name<'n>(prefix: &[u8], name: &'n [u8]) -> Option<&'n [u8]> {
    name.split_at_checked(prefix.len()).filter(|(start, _)| caseless(start, prefix)).map(|(_, rest)| rest)
}

/// Takes the content type off a response without a body, unless the function or a layer has set one.
pub(super) fn untype_nothing(invocation: &Invocation, response: &mut Response) {
    let is_typed = || invocation.reply_headers().get(b"content-type", caseless).is_some();
    if invocation.reply().as_slice().is_empty() && !is_typed() {
        response.headers.remove(b"content-type", caseless);
    }
}

/// Returns the code of the reply as it stands.
pub(super) fn code(invocation: &Invocation) -> Code {
    match invocation.progress() {
        Progress::Set(code) | Progress::Streaming(code) => code,
        Progress::Open => Code::Raw,
    }
}

/// Writes status, headers and cookies of a reply.
pub(super) fn head(invocation: &Invocation, code: Code, response: &mut Response) {
    response.clear();
    response.status = match code {
        Code::Http(status) => status,
        Code::Value | Code::Raw => 200,
    };
    let mut typed = false;
    for (name, value) in invocation.reply_headers().iter() {
        typed |= is_named(name, b"content-type");
        response.headers.add(name, value);
    }
    for (_, cookie) in invocation.reply_cookies().iter() {
        response.headers.add(b"set-cookie", cookie);
    }
    if !typed && let Some(default) = content_type(code) {
        response.headers.add(b"content-type", default);
    }
}

/// Returns the content type of a reply that does not set it itself; `None` for a reply with a status.
pub(super) fn content_type(code: Code) -> Option<&'static [u8]> {
    match code {
        Code::Value => Some(b"application/json"),
        Code::Raw => Some(b"application/octet-stream"),
        Code::Http(_) => None,
    }
}

/// Writes a failure as status and JSON, which no cache may keep.
pub(super) fn failed(call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
    response.clear();
    response.status = call.failure.http_status();
    response.headers.add(b"content-type", b"application/json");
    response.no_store();
    error_document::request(call.failure.for_caller(), call.request_id, scratch);
}

/// Keeps the headers that layers set for every reply, as the layer cors does, for an error too. Headers that describe a
/// body are dropped, and so are those that say how long a reply may be kept.
pub(super) fn kept_headers(invocation: &Invocation, response: &mut Response) {
    const OF_A_REPLY: [&[u8]; 6] = [b"cache-control", b"expires", b"age", b"etag", b"last-modified", b"pragma"];
    for (name, value) in invocation.reply_headers().iter() {
        let describes_body = name.get(..8).is_some_and(|start| caseless(start, b"content-"));
        if !describes_body && !OF_A_REPLY.iter().any(|other| caseless(name, other)) {
            response.headers.add(name, value);
        }
    }
    for (_, cookie) in invocation.reply_cookies().iter() {
        response.headers.add(b"set-cookie", cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    fn read(pairs: &[(&str, &str)]) -> Result<String, String> {
        let look_up = crate::testing::look_up(pairs);
        address(&Env::new(&look_up), "PORT", 8080).map_err(|bad| bad.to_string())
    }

    #[test]
    fn nothing_is_a_bare_200_unless_a_type_is_set() {
        use super::super::cloudevents::tests::{process, request};
        use faas_abi::host::{Given, Invocation as Contract};
        let answered = |code: Option<u32>, content_type: Option<&str>, body: &str| {
            let mut invocation = Invocation::new(process(), std::sync::Arc::from("f"));
            invocation.renew(request("GET", "/", &[], ""), &InvocationMetadata::default(), false);
            if let Some(content_type) = content_type {
                invocation.add(faas_abi::LIST_REPLY_HEADER, b"content-type", content_type.as_bytes());
            }
            if let Some(code) = code {
                Contract::reply(&mut invocation, code, Given::from(body.as_bytes().to_vec()));
            }
            invocation.settle(faas_abi::OK, "f");
            let mut response = Response::default();
            assert_eq!(respond(&invocation, &mut response, &mut Vec::new()), BodyFrom::Reply);
            let told =
                response.headers.get(b"content-type", caseless).map(|text| String::from_utf8_lossy(text).into_owned());
            (response.status, told)
        };
        for code in [None, Some(faas_abi::REPLY_RAW), Some(faas_abi::REPLY_VALUE)] {
            assert_eq!(answered(code, None, ""), (200, None), "{code:?}");
            assert_eq!(answered(code, Some("a/b"), ""), (200, Some("a/b".into())), "{code:?}");
        }
        assert_eq!(answered(Some(faas_abi::REPLY_VALUE), None, "1"), (200, Some("application/json".into())));
        assert_eq!(answered(Some(204), None, ""), (204, None));
    }

    #[test]
    fn no_cache_keeps_a_failure_whatever_was_set_for_the_reply() {
        use super::super::cloudevents::tests::{process, request};
        use faas_abi::host::Invocation as _;
        let mut invocation = Invocation::new(process(), std::sync::Arc::from("f"));
        invocation.renew(request("GET", "/", &[], ""), &InvocationMetadata::default(), false);
        for (name, value) in [
            ("Cache-Control", "max-age=60"),
            ("etag", "x"),
            ("content-language", "en"),
            ("access-control-max-age", "5"),
        ] {
            invocation.add(faas_abi::LIST_REPLY_HEADER, name.as_bytes(), value.as_bytes());
        }
        invocation.set_failure(Failure::new("Shop.Closed", "come back"));
        let mut response = Response::default();
        respond(&invocation, &mut response, &mut Vec::new());
        let told: Vec<_> =
            response.headers.iter().map(|(name, value)| [name, value].map(String::from_utf8_lossy)).collect();
        let expected =
            [["content-type", "application/json"], ["cache-control", "no-store"], ["access-control-max-age", "5"]];
        assert_eq!(told, expected);
    }

    #[test]
    fn the_address_is_of_the_variables_and_brackets_ipv6() {
        assert_eq!(read(&[]), Ok("0.0.0.0:8080".into()));
        assert_eq!(read(&[("PORT", " 9000 "), ("FAAS_HOST", "127.0.0.1")]), Ok("127.0.0.1:9000".into()));
        assert_eq!(read(&[("FAAS_HOST", "::")]), Ok("[::]:8080".into()));
        assert_eq!(read(&[("FAAS_HOST", "[::1]")]), Ok("[::1]:8080".into()));
        assert_eq!(read(&[("PORT", "70000")]), Err("PORT: expected a port from 0 to 65535, found \"70000\"".into()));
    }
}
