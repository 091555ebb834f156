//! A reply of the control plane: status, header fields, body, and the framing of the body. It can be handed to the HTTP
//! server or rendered to bytes, which the faults then cut.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::payloads::{self, Refusal};

/// The most bytes of a chunk of a chunked body.
const CHUNK: usize = 32 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Bytes,
    pub(crate) chunked: bool,
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &'static str, body: Bytes) -> Reply {
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static(content_type))];
        Reply { status, headers, body, chunked: false }
    }

    pub(crate) fn json(status: u16, body: Bytes) -> Reply {
        Reply::new(status, "application/json", body)
    }

    pub(crate) fn accepted() -> Reply {
        Reply::json(202, payloads::accepted())
    }

    pub(crate) fn text(status: u16, text: &'static str) -> Reply {
        Reply::new(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
    }

    /// Sets a header where the value can be one: an event made by a test may hold what HTTP cannot carry.
    pub(crate) fn set(&mut self, name: HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            self.headers.retain(|(present, _)| *present != name);
            self.headers.push((name, value));
        }
    }

    pub(crate) fn into_response(self) -> Response<Payload> {
        let pieces = if self.chunked { split(&self.body) } else { VecDeque::from([self.body.clone()]) };
        let length = (!self.chunked).then_some(self.body.len() as u64);
        let mut response = Response::new(Payload { pieces, length });
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.headers_mut().extend(self.headers);
        response
    }

    /// Returns head and body as bytes for the connection.
    pub(crate) fn render(&self) -> (Vec<u8>, Vec<u8>) {
        let reason = StatusCode::from_u16(self.status).ok().and_then(|status| status.canonical_reason()).unwrap_or("");
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status).into_bytes();
        for (name, value) in &self.headers {
            head.extend(title_case(name.as_str()).bytes());
            head.extend(b": ");
            head.extend(value.as_bytes());
            head.extend(b"\r\n");
        }
        if !self.chunked {
            head.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).bytes());
            return (head, self.body.to_vec());
        }
        head.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        let mut body = Vec::new();
        for piece in split(&self.body) {
            body.extend(format!("{:x}\r\n", piece.len()).bytes());
            body.extend(&piece[..]);
            body.extend(b"\r\n");
        }
        body.extend(b"0\r\n\r\n");
        (head, body)
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Reply {
        Reply::json(refusal.status(), refusal.body())
    }
}

fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + rest
    });
    words.collect::<Vec<_>>().join("-")
}

fn split(body: &Bytes) -> VecDeque<Bytes> {
    (0..body.len()).step_by(CHUNK).map(|from| body.slice(from..body.len().min(from + CHUNK))).collect()
}

/// The body given to the HTTP server: without a length it is sent chunked.
pub(crate) struct Payload {
    pieces: VecDeque<Bytes>,
    length: Option<u64>,
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.pieces.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.length.is_some() && self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
