//! Heads of HTTP/1.1 responses: a protocol's status and headers with the framing and the `Connection` that this
//! connection needs.

use crate::fields::{caseless, is_named};
use crate::http1::write::HeadWriter;
use crate::http1::{Framing, Message, Version, status_has_body};
use crate::log::{Level, Log};
use crate::platform::{LocalResponse, Response};
use std::sync::atomic::{AtomicBool, Ordering};

/// The manner in which the response to a request goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// `true` if the request was HEAD: then no body is sent.
    pub to_head: bool,
    /// The version the client speaks.
    pub version: Version,
    /// `true` if another request may follow on the connection.
    pub keep: bool,
}

impl Manner {
    /// Returns the manner that the request asks for.
    pub fn of(request: &Message) -> Manner {
        let head = request.head();
        Manner { to_head: head.method() == b"HEAD", version: head.version(), keep: head.keep_alive() }
    }

    /// Makes it the last response of its connection.
    pub fn last(self) -> Manner {
        Manner { keep: false, ..self }
    }

    /// Returns `true` if a body follows the head of a response with that status.
    pub fn has_body(self, status: u16) -> bool {
        !self.to_head && status_has_body(status)
    }
}

/// Appends a whole response, head and body.
pub fn whole(out: &mut Vec<u8>, response: &Response, body: &[u8], manner: Manner, log: &Log) {
    head(out, response, manner, Framing::Length(body.len() as u64), log);
    if manner.has_body(response.status) {
        out.extend_from_slice(body);
    }
}

/// Appends a whole response of the runtime's own.
pub fn own(out: &mut Vec<u8>, answer: &LocalResponse, manner: Manner, log: &Log) {
    let mut response = Response::default();
    answer.head(&mut response);
    whole(out, &response, answer.body.as_bytes(), manner, log);
}

/// Appends the head of a response.
pub fn head(out: &mut Vec<u8>, response: &Response, manner: Manner, framing: Framing, log: &Log) {
    let mut writer = match HeadWriter::response(out, response.status) {
        Ok(writer) => writer,
        // Protocols give legal statuses; should one not, the client gets a response nevertheless.
        Err(_) => return plain_head(out, 500, 0),
    };
    for (name, value) in response.headers.iter() {
        if is_of_the_connection(name) {
            continue;
        }
        if let Err(unwritable) = writer.header(name, value) {
            say_once(log, name, &unwritable);
        }
    }
    // Names and values of our own are legal.
    let _ = match (manner.keep, manner.version) {
        (false, _) if framing != Framing::UntilClose => writer.header("connection", "close"),
        (true, Version::Http10) => writer.header("connection", "keep-alive"),
        _ => Ok(()),
    };
    let mut framing = framing;
    if manner.to_head {
        writer.answer_head();
        if framing == Framing::Length(0)
            && let Some(length) = announced(response)
        {
            framing = Framing::Length(length);
        }
    }
    writer.end(framing);
}

/// Appends a short response in text, the last of its connection.
pub fn plain(out: &mut Vec<u8>, status: u16, text: &str) {
    plain_head(out, status, text.len());
    out.extend_from_slice(text.as_bytes());
}

fn plain_head(out: &mut Vec<u8>, status: u16, length: usize) {
    let Ok(mut writer) = HeadWriter::response(out, status) else { return };
    let _ = writer.header("content-type", "text/plain; charset=utf-8");
    let _ = writer.header("cache-control", "no-store");
    let _ = writer.header("connection", "close");
    writer.end(Framing::Length(length as u64));
}

/// Returns the length that GET would have, if the function answers HEAD without a body and says it.
fn announced(response: &Response) -> Option<u64> {
    let length = response.headers.get(b"content-length", caseless)?;
    std::str::from_utf8(length).ok()?.parse().ok()
}

/// Returns `true` for a header that speaks of one connection (RFC 9110 §7.6.1) or of framing. A function may not set
/// those.
pub fn is_of_the_connection(name: &[u8]) -> bool {
    match name.len() {
        2 => is_named(name, b"te"),
        7 => is_named(name, b"trailer") || is_named(name, b"upgrade"),
        10 => is_named(name, b"connection") || is_named(name, b"keep-alive"),
        14 => is_named(name, b"content-length"),
        16 => is_named(name, b"proxy-connection"),
        17 => is_named(name, b"transfer-encoding"),
        _ => false,
    }
}

/// Logs that a header which cannot be written is left out. Only the first is logged; a line a response would be too
/// many.
fn say_once(log: &Log, name: &[u8], why: &dyn std::fmt::Display) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if log.enabled(Level::Debug) && !SAID.swap(true, Ordering::Relaxed) {
        let name = String::from_utf8_lossy(name);
        log.say(Level::Debug, &format!("response header {name:?} is left out: {why}; further ones are not logged"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Format, LineKind, Sink};
    use std::sync::Arc;

    struct Silent;

    impl Sink for Silent {
        fn write(&self, _: &[u8], _: LineKind) {}
    }

    fn written(headers: &[(&str, &str)], manner: Manner, framing: Framing) -> String {
        let mut response = Response { status: 200, ..Response::default() };
        for (name, value) in headers {
            response.headers.add(name.as_bytes(), value.as_bytes());
        }
        let mut out = Vec::new();
        head(&mut out, &response, manner, framing, &Log::new(Level::Error, Format::Text, Arc::new(Silent)));
        String::from_utf8(out).unwrap()
    }

    const KEEP: Manner = Manner { to_head: false, version: Version::Http11, keep: true };

    #[test]
    fn a_function_cannot_speak_for_the_connection() {
        let headers = [
            ("Connection", "upgrade"),
            ("Keep-Alive", "timeout=5"),
            ("Transfer-Encoding", "chunked"),
            ("Content-Length", "7"),
            ("Upgrade", "websocket"),
            ("x-own", "1"),
            ("bad name", "1"),
        ];
        assert_eq!(
            written(&headers, KEEP, Framing::Length(2)),
            "HTTP/1.1 200 OK\r\nx-own: 1\r\ncontent-length: 2\r\n\r\n"
        );
    }

    #[test]
    fn connection_is_said_once_and_only_where_it_is_news() {
        let close = KEEP.last();
        let old = Manner { version: Version::Http10, ..KEEP };
        assert!(!written(&[], KEEP, Framing::Empty).contains("connection"));
        assert!(written(&[], close, Framing::Empty).contains("\r\nconnection: close\r\n"));
        assert!(written(&[], old, Framing::Empty).contains("\r\nconnection: keep-alive\r\n"));
        let until_close = written(&[], old.last(), Framing::UntilClose);
        assert_eq!(until_close.matches("connection").count(), 1, "{until_close}");
    }

    #[test]
    fn a_plain_response_is_the_last_one() {
        let mut out = Vec::new();
        plain(&mut out, 408, "too slow");
        let expected = "HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\nconnection: close\r\n\
                        content-length: 8\r\n\r\ntoo slow";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
