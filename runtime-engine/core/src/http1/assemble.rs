//! A [`Message`] out of parts that another HTTP implementation has already read and checked.

use super::fields::Field;
use super::framing::Announced;
use super::head::StartLine;
use super::message::Parts;
use super::{Framing, Head, Message, Refusal, method_refusal};
use std::ops::Range;

/// Builds a request message part by part: target line, headers, body. The parts are taken at their word.
#[derive(Debug, Default)]
pub struct Assembly {
    buf: Vec<u8>,
    start: StartLine,
    announced: Announced,
    fields: Vec<Field>,
    body_at: Option<usize>,
}

impl Assembly {
    /// Begins a request. `buf` is memory to be used again; its content is dropped.
    pub fn request(mut buf: Vec<u8>, method: &[u8], target: &[u8], authority: &[u8]) -> Assembly {
        buf.clear();
        let method = put(&mut buf, method);
        let target = put(&mut buf, target);
        let authority = put(&mut buf, authority);
        let start = StartLine { method, target, authority, ..StartLine::default() };
        Assembly { buf, start, announced: Announced::default(), fields: Vec::new(), body_at: None }
    }

    /// Marks the request as one that came over HTTP/2. But for the name of the protocol it is one of HTTP/1.1.
    pub fn over_http2(mut self) -> Assembly {
        self.start.is_http2 = true;
        self
    }

    /// Adds a header behind the others.
    pub fn header(&mut self, name: &[u8], value: &[u8]) {
        let name = put(&mut self.buf, name);
        let value = put(&mut self.buf, value);
        let field = Field::at(name, value);
        self.fields.push(field);
        // Only notes which headers steer a connection; what it refuses as malformed was read by another implementation.
        let _ = self.announced.note(&self.buf, field, true);
    }

    /// Returns the reason why the request is refused, regardless of its body, once all its headers are here: a method
    /// that [`method_refusal`] refuses, or an expectation other than `100-continue`. It is `None` if it is to be
    /// served.
    pub fn refusal(&self) -> Option<Refusal> {
        let unknown = self.announced.expects_other.then_some(Refusal::UnknownExpectation);
        method_refusal(&self.buf[self.start.method.clone()]).or(unknown)
    }

    /// Returns the head as it is so far.
    pub fn head(&self) -> Head<'_> {
        let Assembly { buf, start, announced, fields, .. } = self;
        Head { bytes: buf, start, announced, fields, framing: Framing::UntilClose }
    }

    /// Ends the head, and returns the buffer: the body's bytes go behind the head.
    pub fn body(&mut self) -> &mut Vec<u8> {
        self.body_at = Some(self.buf.len());
        &mut self.buf
    }

    /// Returns the message that was put together.
    pub fn finish(mut self) -> Message {
        let length = self.buf.len();
        if !self.start.authority.is_empty() {
            self.start.outweigh_host(&self.buf, &mut self.fields);
        }
        let body = self.body_at.unwrap_or(length)..length;
        Message(Box::new(Parts {
            framing: Framing::Length(body.len() as u64),
            length,
            start: self.start,
            announced: self.announced,
            fields: self.fields,
            body,
            buf: self.buf,
            ..Parts::default()
        }))
    }
}

fn put(buf: &mut Vec<u8>, part: &[u8]) -> Range<usize> {
    let start = buf.len();
    buf.extend_from_slice(part);
    start..buf.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assembled_request_reads_like_a_parsed_one() {
        let mut assembly = Assembly::request(Vec::new(), b"POST", b"/a?b=1", b"");
        assembly.header(b"host", b"shop:80");
        assembly.header(b"x-a", b"1");
        assembly.header(b"X-A", b"2");
        assembly.body().extend_from_slice(b"body");
        let message = assembly.finish();
        assert_eq!((message.method(), message.target(), message.body()), (&b"POST"[..], &b"/a?b=1"[..], &b"body"[..]));
        assert_eq!(message.host(), Some(&b"shop:80"[..]));
        assert_eq!(message.header("x-a"), Some(&b"1"[..]));
        assert_eq!(message.headers().count(), 3);
    }

    #[test]
    fn an_assembled_request_is_refused_for_what_a_parsed_one_is() {
        let refusal = |method: &[u8], expect: &[u8]| {
            let mut assembly = Assembly::request(Vec::new(), method, b"/", b"shop");
            assembly.header(b"expect", expect);
            assembly.refusal()
        };
        assert_eq!(refusal(b"POST", b"100-continue"), None);
        assert_eq!(refusal(b"CONNECT", b"100-continue"), Some(Refusal::MethodNotServed { method: "CONNECT" }));
        assert_eq!(refusal(b"POST", b"200-ok"), Some(Refusal::UnknownExpectation));
    }

    #[test]
    fn an_authority_outweighs_the_host_header() {
        let mut assembly = Assembly::request(Vec::new(), b"GET", b"/", b"shop");
        assembly.header(b"Host", b"other");
        let message = assembly.finish();
        assert_eq!((message.host(), message.header("host")), (Some(&b"shop"[..]), Some(&b"shop"[..])));
    }

    #[test]
    fn a_message_without_a_head_still_has_its_body() {
        let mut assembly = Assembly::request(Vec::new(), b"", b"", b"");
        assembly.body().extend_from_slice(b"event");
        assert_eq!(assembly.finish().body(), b"event");
    }
}
