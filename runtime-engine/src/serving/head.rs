//! Heads of HTTP/1 responses: a protocol's status and headers, with the framing and the `Connection` that this
//! connection needs.

use faas_core::fields::caseless;
use faas_core::http1::write::HeadWriter;
use faas_core::http1::{Framing, Message, Version, status_has_body};
use faas_core::platform::Response;

/// How the response to a request goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    to_head: bool,
    version: Version,
    /// May another request follow?
    pub(super) keep: bool,
}

impl Manner {
    /// As the request asks for.
    pub(super) fn of(request: &Message) -> Manner {
        let head = request.head();
        Manner { to_head: head.method() == b"HEAD", version: head.version(), keep: head.keep_alive() }
    }

    /// Does a body follow the head of a response with that status?
    pub(super) fn has_body(self, status: u16) -> bool {
        !self.to_head && status_has_body(status)
    }

    /// The framing of a body whose length nobody knows yet. An older client learns its end from the connection's.
    pub(super) fn open_ended(&mut self) -> Framing {
        if self.version == Version::Http11 {
            return Framing::Chunked;
        }
        self.keep = false;
        Framing::UntilClose
    }
}

/// Appends the head of a response. Headers that cannot be written, or that are not the function's to set, are left out.
pub(super) fn write(out: &mut Vec<u8>, response: &Response, manner: Manner, framing: Framing) {
    // Protocols give legal statuses; should one not, the client gets a response nevertheless.
    let status = if (200..=999).contains(&response.status) { response.status } else { 500 };
    let Ok(mut head) = HeadWriter::response(out, status) else { return };
    for (name, value) in response.headers.iter() {
        if !is_of_the_connection(name)
            && let Err(unwritable) = head.header(name, value)
        {
            tracing::debug!("response header {:?} is left out: {unwritable}", String::from_utf8_lossy(name));
        }
    }
    let _ = match (manner.keep, manner.version) {
        (false, _) if framing != Framing::UntilClose => head.header("connection", "close"),
        (true, Version::Http10) => head.header("connection", "keep-alive"),
        _ => Ok(()),
    };
    head.end(framing);
}

/// Appends a whole response in text, the last of its connection.
pub(super) fn plain(out: &mut Vec<u8>, status: u16, text: &str) {
    let Ok(mut head) = HeadWriter::response(out, status) else { return };
    let _ = head.header("content-type", "text/plain; charset=utf-8");
    let _ = head.header("connection", "close");
    head.end(Framing::Length(text.len() as u64));
    out.extend_from_slice(text.as_bytes());
}

/// Headers that speak of one connection (RFC 9110 §7.6.1) or of framing.
pub(super) fn is_of_the_connection(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 8] = [
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"content-length",
        b"upgrade",
    ];
    NAMES.iter().any(|other| name.len() == other.len() && caseless(name, other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(headers: &[(&str, &str)], manner: Manner, framing: Framing) -> String {
        let mut response = Response { status: 200, ..Response::default() };
        headers.iter().for_each(|(name, value)| response.headers.add(name.as_bytes(), value.as_bytes()));
        let mut out = Vec::new();
        write(&mut out, &response, manner, framing);
        String::from_utf8(out).unwrap()
    }

    const KEEP: Manner = Manner { to_head: false, version: Version::Http11, keep: true };

    #[test]
    fn a_function_cannot_speak_for_the_connection() {
        let headers = [("Connection", "upgrade"), ("Content-Length", "7"), ("bad name", "1"), ("x-own", "1")];
        let expected = "HTTP/1.1 200 OK\r\nx-own: 1\r\ncontent-length: 2\r\n\r\n";
        assert_eq!(written(&headers, KEEP, Framing::Length(2)), expected);
    }

    #[test]
    fn connection_is_said_only_where_it_is_news() {
        assert!(!written(&[], KEEP, Framing::Empty).contains("connection"));
        let last = Manner { keep: false, ..KEEP };
        assert!(written(&[], last, Framing::Empty).contains("\r\nconnection: close\r\n"));
        let mut old = Manner { version: Version::Http10, ..KEEP };
        assert!(written(&[], old, Framing::Empty).contains("\r\nconnection: keep-alive\r\n"));
        let framing = old.open_ended();
        assert_eq!(written(&[], old, framing).matches("connection: close").count(), 1);
    }

    #[test]
    fn head_requests_and_some_statuses_have_no_body() {
        assert!(KEEP.has_body(200));
        assert!(!KEEP.has_body(204) && !KEEP.has_body(304));
        assert!(!Manner { to_head: true, ..KEEP }.has_body(200));
    }
}
