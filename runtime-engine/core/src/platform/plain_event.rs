//! Events and results without a form of their own, as Tencent's and Huawei's platforms take them: the bytes in one
//! message, the result's bytes in the other, a failure as JSON of three members. In requests to a platform that is
//! asked for events, and in responses to one that sends them. Nothing here knows which platform it is.

use super::{BodyFrom, FailedInvocation, Response, error_document, http_common, nothing, reply_body};
use crate::failure::Failure;
use crate::fields::caseless;
use crate::invocation::{Invocation, InvocationMetadata};
use crate::json::decimal_into;
use crate::report;
use crate::trigger::MessageFormat;

const AGENT: &str = concat!("runtime-engine/", env!("CARGO_PKG_VERSION"));

/// The content type of a result that does not name its own, and of every failure.
const JSON: &[u8] = b"application/json";

/// Writes requests to one control plane.
#[derive(Debug)]
pub(super) struct Requests {
    /// The end of each request line, and the headers behind it: ` HTTP/1.1`, host and agent.
    tail: Vec<u8>,
    /// The longest result that the platform takes, in bytes.
    max_result: usize,
}

impl Requests {
    /// Makes requests to the control plane at `host:port`, which takes results of `max_result` bytes at most.
    pub(super) fn to(endpoint: &str, max_result: usize) -> Requests {
        let tail = format!(" HTTP/1.1\r\nHost: {endpoint}\r\nUser-Agent: {AGENT}\r\n").into_bytes();
        Requests { tail, max_result }
    }

    /// Writes a whole GET of that path.
    pub(super) fn get(&self, path: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(b"GET ");
        out.extend_from_slice(path.as_bytes());
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(b"\r\n");
    }

    /// Writes the head of a POST whose path has these parts.
    pub(super) fn post(&self, path: [&[u8]; 2], content_type: &[u8], body: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(b"POST ");
        path.iter().for_each(|part| out.extend_from_slice(part));
        out.extend_from_slice(&self.tail);
        out.extend_from_slice(b"Content-Type: ");
        out.extend_from_slice(content_type);
        out.extend_from_slice(b"\r\nContent-Length: ");
        decimal_into(out, body as u64);
        out.extend_from_slice(b"\r\n\r\n");
    }

    /// Writes a whole report of a failure.
    pub(super) fn failed(&self, path: [&[u8]; 2], failure: &Failure, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        error_document::event(failure.for_owner(), &mut body);
        self.post(path, JSON, body.len(), out);
        out.extend_from_slice(&body);
    }

    /// Writes the answer to an invocation: its result to one path, or its failure to the other.
    pub(super) fn answer(
        &self,
        invocation: &Invocation,
        [result, error]: [[&[u8]; 2]; 2],
        head: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
    ) -> BodyFrom {
        match result_body(invocation, self.max_result, scratch) {
            Ok(from) => {
                let size = if from == BodyFrom::Reply { invocation.reply().as_slice().len() } else { scratch.len() };
                self.post(result, content_type(invocation, from), size, head);
                from
            }
            Err(failure) => {
                error_document::event(error_document::to_sender(invocation, &failure), scratch);
                self.post(error, JSON, scratch.len(), head);
                BodyFrom::Scratch
            }
        }
    }
}

/// Writes the response to an event: its result with 200, or its failure.
pub(super) fn respond(
    invocation: &Invocation,
    max_result: usize,
    response: &mut Response,
    scratch: &mut Vec<u8>,
) -> BodyFrom {
    match result_body(invocation, max_result, scratch) {
        Ok(from) => {
            response.clear();
            response.status = 200;
            response.headers.add(b"content-type", content_type(invocation, from));
            from
        }
        Err(failure) => {
            failed(&failure, response, scratch);
            scratch.clear();
            error_document::event(error_document::to_sender(invocation, &failure), scratch);
            BodyFrom::Scratch
        }
    }
}

/// Writes the response to an event that failed. Any status but 200 says so. An event that was never begun has another
/// status than the rest, since it may be sent again.
pub(super) fn failed(failure: &Failure, response: &mut Response, scratch: &mut Vec<u8>) {
    response.clear();
    response.status = match failure.http_status() {
        503 => 503,
        _ => 500,
    };
    response.headers.add(b"content-type", JSON);
    error_document::event(failure.for_owner(), scratch);
}

/// Answers an invocation by an event with its result, and one by a client's request as HTTP itself.
pub(super) fn respond_to_either(
    invocation: &Invocation,
    max_result: usize,
    response: &mut Response,
    scratch: &mut Vec<u8>,
) -> BodyFrom {
    if is_event(invocation.metadata()) {
        respond(invocation, max_result, response, scratch)
    } else {
        http_common::respond(invocation, response, scratch)
    }
}

/// Tells the failure of an invocation by an event as an event's, and that of a client's request as HTTP's.
pub(super) fn failed_either(call: FailedInvocation<'_>, response: &mut Response, scratch: &mut Vec<u8>) {
    if is_event(call.metadata) {
        failed(call.failure, response, scratch);
    } else {
        http_common::failed(call, response, scratch);
    }
}

/// Returns `true` for an invocation by an event, and not by a request of a client's.
fn is_event(metadata: &InvocationMetadata) -> bool {
    metadata.format == MessageFormat::Event
}

/// Returns the place of the result. The failure of the invocation is the error, and so is a result that is too long.
fn result_body(invocation: &Invocation, max_result: usize, scratch: &mut Vec<u8>) -> Result<BodyFrom, Failure> {
    if let Some(failure) = invocation.failure() {
        return Err(failure.clone());
    }
    let from = reply_body(invocation, nothing::EVENT, scratch);
    let size = if from == BodyFrom::Reply { invocation.reply().as_slice().len() } else { scratch.len() };
    if size > max_result {
        scratch.clear();
        let message = format!("the result has {size} bytes, and the platform takes at most {max_result}");
        let failure = Failure::new("Function.ResponseSizeTooLarge", message);
        report::unsent(invocation, &failure);
        return Err(failure);
    }
    Ok(from)
}

fn content_type(invocation: &Invocation, from: BodyFrom) -> &[u8] {
    match from {
        BodyFrom::Scratch => JSON,
        BodyFrom::Reply => invocation.reply_headers().get(b"content-type", caseless).unwrap_or(JSON),
    }
}

#[cfg(test)]
pub(super) mod testing;
