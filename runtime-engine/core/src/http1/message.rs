//! A message as a driver sees it: its head, body and trailers, as slices of one buffer.

use std::fmt;
use std::ops::Range;

use super::Version;
use super::fields::Field;
use super::framing::{Announced, Framing};
use super::head::StartLine;

/// The head of a message: start line and headers. It is a view that is copied freely.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) start: &'a StartLine,
    pub(super) announced: &'a Announced,
    pub(super) fields: &'a [Field],
    pub(super) framing: Framing,
}

impl<'a> Head<'a> {
    /// Returns the status of a response, 100 to 999; 0 in a request.
    pub fn status(self) -> u16 {
        self.start.status
    }

    /// Returns the method of a request as sent (methods are case-sensitive); empty in a response.
    pub fn method(self) -> &'a [u8] {
        &self.bytes[self.start.method.clone()]
    }

    /// Returns the target of a request: path and query as sent, with percent-coding untouched. A target in absolute
    /// form is given without scheme and host, and `*` as it is. It is empty in a response.
    pub fn target(self) -> &'a [u8] {
        &self.bytes[self.start.target.clone()]
    }

    /// Returns the host and port that the request is meant for. Those of the target outweigh the header `Host` (RFC
    /// 9112 §3.2.2), which may be empty. `None` means HTTP/1.0 without either, or a response.
    pub fn host(self) -> Option<&'a [u8]> {
        match &self.bytes[self.start.authority.clone()] {
            [] => self.announced.host.map(|host| host.value(self.bytes)),
            authority => Some(authority),
        }
    }

    /// Returns the version that the sender speaks.
    pub fn version(self) -> Version {
        self.start.version
    }

    /// Returns the protocol that the message came by, as `HTTP/1.0`, `HTTP/1.1` or `HTTP/2.0`.
    pub fn protocol(self) -> &'static str {
        match self.start.version {
            _ if self.start.is_http2 => "HTTP/2.0",
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }

    /// Returns all headers in the order in which they came, repeats included. If the target has a host, that is the
    /// value of `Host`.
    pub fn headers(self) -> Headers<'a> {
        Headers { bytes: self.bytes, fields: self.fields.iter() }
    }

    /// Returns the value of the first header of this name, in any case; `None` if there is no such header.
    pub fn header(self, name: impl AsRef<[u8]>) -> Option<&'a [u8]> {
        self.headers().first(name.as_ref())
    }

    /// Returns how the body that follows is framed.
    pub fn framing(self) -> Framing {
        self.framing
    }

    /// Returns `true` if a body follows, be it an empty one in chunks.
    pub fn has_body(self) -> bool {
        !matches!(self.framing, Framing::Empty | Framing::Length(0))
    }

    /// Returns `true` if the connection can carry another message after this one, as far as its sender is concerned.
    pub fn keep_alive(self) -> bool {
        self.framing != Framing::UntilClose && self.announced.keep_alive(self.start.version)
    }

    /// Returns `true` if the client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1). It never does
    /// in HTTP/1.0 or without a body.
    pub fn expects_continue(self) -> bool {
        self.announced.expects_continue && self.start.version == Version::Http11 && self.has_body()
    }
}

/// An iterator over fields: the name and value of each, without the white space around the value.
#[derive(Clone)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    fields: std::slice::Iter<'a, Field>,
}

impl<'a> Headers<'a> {
    fn first(self, name: &[u8]) -> Option<&'a [u8]> {
        let found = self.fields.as_slice().iter().find(|field| field.name(self.bytes).eq_ignore_ascii_case(name))?;
        Some(found.value(self.bytes))
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let field = self.fields.next()?;
        Some((field.name(self.bytes), field.value(self.bytes)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.fields.size_hint()
    }
}

impl ExactSizeIterator for Headers<'_> {}

/// A whole message with the buffer that it was received in. [`Reader::recycle`](super::Reader::recycle) takes it back
/// once it is done with; without that the reader allocates for the next one.
///
/// It is moved often, so it is one pointer, and its parts stay where they are.
pub struct Message(pub(super) Box<Parts>);

/// The parts of a message.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) buf: Vec<u8>,
    /// The offset in `buf` where the message begins; all offsets below count from there.
    pub(super) base: usize,
    /// The number of bytes that the message took up there.
    pub(super) length: usize,
    pub(super) start: StartLine,
    pub(super) announced: Announced,
    pub(super) fields: Vec<Field>,
    pub(super) framing: Framing,
    pub(super) body: Range<usize>,
    pub(super) trailers: Vec<Field>,
    /// The offset of the trailer section; its fields count from there.
    pub(super) trailers_at: usize,
}

impl Message {
    /// Returns the buffer that the message lies in: all that the other methods return is a part of it.
    pub fn bytes(&self) -> &[u8] {
        &self.0.buf
    }

    /// Returns the message's memory, for another message.
    pub fn into_buffer(self) -> Vec<u8> {
        self.0.buf
    }

    /// Puts a body behind a message without one. Offsets into [`bytes`](Message::bytes) stay what they are.
    pub(crate) fn append_body(&mut self, body: &[u8]) {
        let Parts { buf, base, length, body: range, framing, .. } = &mut *self.0;
        buf.truncate(*base + *length);
        buf.extend_from_slice(body);
        *range = *length..*length + body.len();
        *length = range.end;
        *framing = Framing::Length(body.len() as u64);
    }

    /// Returns the start line and the headers.
    pub fn head(&self) -> Head<'_> {
        let Parts { buf, base, start, announced, fields, framing, .. } = &*self.0;
        Head { bytes: &buf[*base..], start, announced, fields, framing: *framing }
    }

    /// Returns the body, with its framing undone.
    pub fn body(&self) -> &[u8] {
        &self.0.buf[self.0.base..][self.0.body.clone()]
    }

    /// Returns the fields of the trailer section of a chunked body. They stand apart, since they must not be taken for
    /// headers.
    pub fn trailers(&self) -> Headers<'_> {
        let Parts { buf, base, trailers, trailers_at, .. } = &*self.0;
        Headers { bytes: &buf[base + trailers_at..], fields: trailers.iter() }
    }

    /// Returns the value of the first trailer of this name, in any case; `None` if there is no such trailer.
    pub fn trailer(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.trailers().first(name.as_ref())
    }

    /// Returns the status, as [`Head::status`] does.
    pub fn status(&self) -> u16 {
        self.head().status()
    }

    /// Returns the method, as [`Head::method`] does.
    pub fn method(&self) -> &[u8] {
        self.head().method()
    }

    /// Returns the target, as [`Head::target`] does.
    pub fn target(&self) -> &[u8] {
        self.head().target()
    }

    /// Returns the host, as [`Head::host`] does.
    pub fn host(&self) -> Option<&[u8]> {
        self.head().host()
    }

    /// Returns the version, as [`Head::version`] does.
    pub fn version(&self) -> Version {
        self.head().version()
    }

    /// Returns the headers, as [`Head::headers`] does.
    pub fn headers(&self) -> Headers<'_> {
        self.head().headers()
    }

    /// Returns one header, as [`Head::header`] does.
    pub fn header(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.head().header(name)
    }

    /// Returns `true` if the connection goes on, as [`Head::keep_alive`] does.
    pub fn keep_alive(&self) -> bool {
        self.head().keep_alive()
    }

    /// Returns `true` if the sender waits, as [`Head::expects_continue`] does.
    pub fn expects_continue(&self) -> bool {
        self.head().expects_continue()
    }
}

/// Says how large the message is, never what it holds: bodies and credentials stay out of logs.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("status", &self.0.start.status)
            .field("headers", &self.0.fields.len())
            .field("body_bytes", &self.0.body.len())
            .finish_non_exhaustive()
    }
}
