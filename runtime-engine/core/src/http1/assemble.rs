//! A [`Message`] out of parts that another HTTP implementation has already read and checked.

use super::fields::Field;
use super::framing::Announced;
use super::head::StartLine;
use super::{Framing, Message};
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

    /// The same for a request that came over HTTP/2. But for the name of the protocol it is one of HTTP/1.1.
    pub fn over_http2(mut self) -> Assembly {
        self.start.is_http2 = true;
        self
    }

    /// One more header.
    pub fn header(&mut self, name: &[u8], value: &[u8]) {
        let name = put(&mut self.buf, name);
        let value = put(&mut self.buf, value);
        let field = Field::at(name, value);
        self.fields.push(field);
        // Only notes which headers steer a connection; what it would refuse was refused where the message was read.
        let _ = self.announced.note(&self.buf, field, true);
    }

    /// The head is whole; the body's bytes go behind it.
    pub fn body(&mut self) -> &mut Vec<u8> {
        self.body_at = Some(self.buf.len());
        &mut self.buf
    }

    /// The message.
    pub fn finish(self) -> Message {
        let length = self.buf.len();
        let body = self.body_at.unwrap_or(length)..length;
        Message {
            framing: Framing::Length(body.len() as u64),
            base: 0,
            length,
            start: self.start,
            announced: self.announced,
            fields: self.fields,
            body,
            trailers: Vec::new(),
            trailers_at: 0,
            buf: self.buf,
        }
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
    fn a_message_without_a_head_still_has_its_body() {
        let mut assembly = Assembly::request(Vec::new(), b"", b"", b"");
        assembly.body().extend_from_slice(b"event");
        assert_eq!(assembly.finish().body(), b"event");
    }
}
