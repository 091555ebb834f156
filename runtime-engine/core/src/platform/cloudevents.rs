//! The common part of servers that take CloudEvents: which request is an event, and the answer to an event.
//!
//! No reply is 204; a reply of bytes that are an event in JSON says so in its content type; whatever a function sets by
//! itself goes out as it is. Source: the specification's HTTP protocol binding, and Knative Eventing's on replies.

use super::{BodyFrom, FailedInvocation, LocalResponse, Response, Route, http_common};
use crate::fields::caseless;
use crate::http1::Message;
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::trigger::MessageFormat;
use crate::trigger::cloudevents::{self, EventRefusal, Offer};

/// The content type of an event in JSON.
const STRUCTURED: &[u8] = b"application/cloudevents+json; charset=utf-8";

/// Returns the route of a request that says it is an event; `None` if it does not say so. A request that claims to be
/// an event and is not one is answered here, and no function is called. A batch is one invocation, and an empty one is
/// no invocation.
pub(super) fn route(request: &Message, metadata: impl FnOnce() -> InvocationMetadata) -> Option<Route> {
    Some(match cloudevents::look(request) {
        Offer::NoEvent => return None,
        Offer::One | Offer::Batch => {
            Route::Invoke(InvocationMetadata { format: MessageFormat::CloudEvent, ..metadata() })
        }
        Offer::EmptyBatch => Route::text(204, ""),
        Offer::Refused(refusal) => refuse(refusal),
    })
}

/// Says why a request is no event.
pub(super) fn refuse(refusal: EventRefusal) -> Route {
    Route::Local(LocalResponse::text(refusal.status, refusal.reason))
}

/// Returns the answer to a request with another method, where only events are taken.
pub(super) fn only_post() -> Route {
    Route::Local(LocalResponse::text(405, "events are sent by POST").with(&[("allow", "POST")]))
}

/// Writes the response to an event.
pub(super) fn respond(invocation: &Invocation, response: &mut Response, scratch: &mut Vec<u8>) -> BodyFrom {
    if let Some(failure) = invocation.failure() {
        failed(FailedInvocation::of(invocation, failure), response, scratch);
        http_common::kept_headers(invocation, response);
        return BodyFrom::Scratch;
    }
    let code = http_common::code(invocation);
    http_common::head(invocation, code, response);
    let is_typed = invocation.reply_headers().get(b"content-type", caseless).is_some();
    match (code, invocation.reply().as_slice()) {
        (Code::Value | Code::Raw, []) if !invocation.reply_headers().iter().any(|(name, _)| is_attribute(name)) => {
            response.status = 204;
            response.headers.remove(b"content-type", caseless);
        }
        (Code::Raw, body) if !is_typed && cloudevents::is_event(body) => {
            response.headers.set(b"content-type", STRUCTURED, caseless);
        }
        _ => {}
    }
    BodyFrom::Reply
}

fn is_attribute(header: &[u8]) -> bool {
    header.get(..3).is_some_and(|start| caseless(start, b"ce-"))
}

/// Writes the response to an event that failed. Its sender repeats it after a 5xx, and gives it up after a 400. That
/// status is for data that a function cannot read however often it is sent.
pub(super) fn failed(call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
    http_common::failed(call, response, scratch);
    if call.failure.kind == "Runtime.UnmarshalError" {
        response.status = 400;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::platform::Serving;
    use crate::process::Process;
    use faas_abi::host::{Given, Invocation as Contract};
    use std::sync::Arc;

    pub(crate) fn process() -> Arc<Process> {
        crate::testing::process().0
    }

    pub(in crate::platform) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Message {
        crate::testing::request(method, target, headers, body.as_bytes())
    }

    /// An event in binary mode.
    pub(in crate::platform) const EVENT: [(&str, &str); 5] = [
        ("ce-specversion", "1.0"),
        ("ce-id", "77"),
        ("ce-source", "/pots/3"),
        ("ce-type", "org.example.pot.boiled"),
        ("content-type", "text/plain"),
    ];

    /// Returns the invocation that a request makes which a server takes.
    pub(in crate::platform) fn invoked(server: &dyn Serving, request: Message) -> Invocation {
        let process = process();
        let (request, metadata) = match server.route(&process, &request, crate::platform::State::Ready) {
            Route::Invoke(metadata) => (request, metadata),
            Route::Rewritten(request, metadata) => (*request, metadata),
            other => panic!("{other:?}"),
        };
        let mut invocation = Invocation::new(process, Arc::from("f"));
        invocation.renew(request, &metadata, false);
        invocation
    }

    fn answered(code: u32, headers: &[(&str, &str)], body: &[u8]) -> (u16, Option<String>) {
        let mut invocation = Invocation::new(process(), Arc::from("f"));
        let metadata = InvocationMetadata { format: MessageFormat::CloudEvent, ..InvocationMetadata::default() };
        invocation.renew(request("POST", "/", &EVENT, "100C"), &metadata, false);
        for (name, value) in headers {
            invocation.add(faas_abi::LIST_REPLY_HEADER, name.as_bytes(), value.as_bytes());
        }
        Contract::reply(&mut invocation, code, Given::from(body.to_vec()));
        let mut response = Response::default();
        assert_eq!(respond(&invocation, &mut response, &mut Vec::new()), BodyFrom::Reply);
        let content_type = response.headers.get(b"content-type", caseless);
        (response.status, content_type.map(|text| String::from_utf8_lossy(text).into_owned()))
    }

    #[test]
    fn no_reply_is_204_and_every_other_says_what_it_is() {
        let json = r#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
        let structured = "application/cloudevents+json; charset=utf-8";
        for (code, headers, body, expected) in [
            (faas_abi::REPLY_VALUE, &[][..], "", (204, None)),
            (faas_abi::REPLY_RAW, &[], "", (204, None)),
            (faas_abi::REPLY_RAW, &[("Ce-Id", "9")], "", (200, Some("application/octet-stream"))),
            (faas_abi::REPLY_VALUE, &[], "{}", (200, Some("application/json"))),
            (faas_abi::REPLY_RAW, &[], "{}", (200, Some("application/octet-stream"))),
            (faas_abi::REPLY_RAW, &[], json, (200, Some(structured))),
            (faas_abi::REPLY_RAW, &[("content-type", "a/b")], json, (200, Some("a/b"))),
            (200, &[("ce-id", "9")], "", (200, None)),
            (422, &[], "", (422, None)),
        ] {
            let (status, content_type) = answered(code, headers, body.as_bytes());
            assert_eq!((status, content_type.as_deref()), expected, "{code} {body}");
        }
    }

    #[test]
    fn data_that_cannot_be_read_is_given_up_and_all_else_is_repeated() {
        for (kind, status) in
            [("Runtime.UnmarshalError", 400), ("Shop.Closed", 500), ("Panic", 500), ("Function.TimedOut", 504)]
        {
            let mut response = Response::default();
            let failure = Failure::new(kind, "why");
            failed(
                FailedInvocation { metadata: &InvocationMetadata::default(), request_id: b"r", failure: &failure },
                &mut response,
                &mut Vec::new(),
            );
            assert_eq!(response.status, status, "{kind}");
        }
    }
}
