//! Encoders: heads, chunks and trailers, appended to a `Vec<u8>` the caller keeps and clears.
//!
//! What comes from a function or a peer cannot break out of its place: names have to be tokens, values may hold no
//! control character, and the two framing fields are written by [`HeadWriter::end`] alone, once. Bodies are never
//! copied here, so that a driver can hand head and body to one vectored write.

use std::fmt;
use std::num::NonZeroUsize;

use super::{Framing, grammar, status_has_body};

/// The interim response to `Expect: 100-continue`.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The bytes that follow the data of each chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// The end of a chunked body without trailers.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// A part of a message that must not be written, since the peer would take the message for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unwritable {
    /// The method is not a token.
    Method,
    /// The target is empty or holds white space, a control character, `#` or a byte over 0x7e.
    Target,
    /// The host holds something that is not part of a host with an optional port.
    Host,
    /// The status is not in 200 to 999: interim responses are not heads of their own.
    Status(u16),
    /// The field name is not a token.
    Name,
    /// The field value holds a control character.
    Value,
    /// `Content-Length` or `Transfer-Encoding` is given as an ordinary field.
    FramingField,
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unwritable::Method => "the method is not a token",
            Unwritable::Target => "the request target is empty or holds a byte that has to be percent-coded",
            Unwritable::Host => "the host is not a name or address with an optional port",
            Unwritable::Status(status) => {
                return write!(f, "expected a response status from 200 to 999, found {status}");
            }
            Unwritable::Name => "the header name is empty or holds a byte that names may not hold",
            Unwritable::Value => "the header value holds a line break or another control character",
            Unwritable::FramingField => "Content-Length and Transfer-Encoding follow from the body and cannot be set",
        })
    }
}

impl std::error::Error for Unwritable {}

/// Returns `true` if the bytes may stand as a header's name.
pub fn is_header_name(name: &[u8]) -> bool {
    grammar::is_token(name)
}

/// Returns `true` if the bytes may stand as a header's value.
pub fn is_header_value(value: &[u8]) -> bool {
    grammar::is_value(value)
}

/// A head being written. Every call appends whole lines or, on an error, nothing.
#[must_use = "a head is whole only after `end`"]
pub struct HeadWriter<'a> {
    out: &'a mut Vec<u8>,
    from: usize,
    /// Status of a response, 0 for a request.
    status: u16,
    /// `true` if it answers HEAD.
    to_head: bool,
}

impl<'a> HeadWriter<'a> {
    /// Begins a request with its `Host`, which may be empty.
    ///
    /// # Errors
    /// One of the three cannot stand in a head; nothing was written.
    pub fn request(
        out: &'a mut Vec<u8>,
        method: impl AsRef<[u8]>,
        target: impl AsRef<[u8]>,
        host: impl AsRef<[u8]>,
    ) -> Result<HeadWriter<'a>, Unwritable> {
        let (method, target, host) = (method.as_ref(), target.as_ref(), host.as_ref());
        if !grammar::is_token(method) {
            return Err(Unwritable::Method);
        }
        if !grammar::is_target(target) {
            return Err(Unwritable::Target);
        }
        if !host.is_empty() && !grammar::is_host(host) {
            return Err(Unwritable::Host);
        }
        let from = out.len();
        append(out, [method, b" ", target, b" HTTP/1.1\r\nhost: ", host, b"\r\n"]);
        Ok(HeadWriter { out, from, status: 0, to_head: false })
    }

    /// Begins a final response. A status without a known reason is written without a phrase.
    ///
    /// # Errors
    /// The status is out of range. Then no byte was written.
    pub fn response(out: &'a mut Vec<u8>, status: u16) -> Result<HeadWriter<'a>, Unwritable> {
        if !(200..=999).contains(&status) {
            return Err(Unwritable::Status(status));
        }
        let from = out.len();
        match status {
            // Most responses have this one.
            200 => out.extend_from_slice(b"HTTP/1.1 200 OK\r\n"),
            _ => {
                let mut digits = [0; 20];
                let digits = decimal(u64::from(status), &mut digits);
                append(out, [b"HTTP/1.1 ", digits, b" ", reason(status).as_bytes(), b"\r\n"]);
            }
        }
        Ok(HeadWriter { out, from, status, to_head: false })
    }

    /// Writes a header. Names are sent as given, repeats as separate lines.
    ///
    /// # Errors
    /// Name or value cannot stand in a head, or the field is one that [`end`](HeadWriter::end) writes.
    pub fn header(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), Unwritable> {
        field(self.out, name.as_ref(), value.as_ref())
    }

    /// Takes the lines written so far back, for another head in their place.
    pub fn abandon(self) {
        self.out.truncate(self.from);
    }

    /// Ends the head and announces the body:
    /// - `Empty`: nothing in a request; `content-length: 0` in a response whose status allows a body,
    /// - `Length(n)`: `content-length: n`,
    /// - `Chunked`: `transfer-encoding: chunked`, not for HTTP/1.0 peers,
    /// - `UntilClose`: `connection: close`; a response's body then ends with the connection. A request has no such
    ///   body, and sends none.
    ///
    /// Where the status forbids a body, the head says so:
    /// - 204: no framing is written (RFC 9110 §8.6 forbids a length),
    /// - 205: `content-length: 0`, whatever the framing (RFC 9110 §15.3.6),
    /// - 304: the length of what it stands for (RFC 9110 §8.6), where `Length` gives one that is not 0; no body at hand
    ///   says nothing about that length.
    ///
    /// The answer to HEAD is announced like that to GET, and then no body is sent; see
    /// [`answer_head`](HeadWriter::answer_head) for one whose body nobody has made.
    pub fn end(self, framing: Framing) {
        let HeadWriter { out, status, to_head, .. } = self;
        let response = status != 0;
        let allowed = !response || status_has_body(status);
        let mut digits = [0; 20];
        match framing {
            Framing::Length(0) | Framing::Empty if to_head => {}
            Framing::Length(length) if allowed || (status == 304 && length > 0) => {
                // In one step with the end, since most heads end like this.
                return append(out, [b"content-length: ", decimal(length, &mut digits), b"\r\n\r\n"]);
            }
            Framing::Chunked if allowed => append(out, [b"transfer-encoding: chunked\r\n"]),
            Framing::Empty if allowed && response => append(out, [b"content-length: 0\r\n"]),
            Framing::UntilClose => append(out, [b"connection: close\r\n"]),
            _ => {}
        }
        if status == 205 {
            append(out, [b"content-length: 0\r\n"]);
        }
        append(out, [b"\r\n"]);
    }

    /// Notes that the response answers a HEAD request. An empty body is then one that nobody made, and
    /// [`end`](HeadWriter::end) announces no length of 0 that GET might not have (RFC 9110 §8.6).
    pub fn answer_head(&mut self) {
        self.to_head = true;
    }
}

/// Appends the line before the data of a chunk; [`CHUNK_END`] follows the data. A chunk without data would end the
/// body, so its length is not zero.
pub fn chunk_size(out: &mut Vec<u8>, length: NonZeroUsize) {
    let mut digits = [0; 16];
    append(out, [hexadecimal(length.get() as u64, &mut digits), b"\r\n"]);
}

/// Appends a whole chunk; nothing if there is no data.
pub fn chunk(out: &mut Vec<u8>, data: &[u8]) {
    if let Some(length) = NonZeroUsize::new(data.len()) {
        chunk_size(out, length);
        append(out, [data, CHUNK_END]);
    }
}

/// Appends the end of a chunked body with these trailers. [`LAST_CHUNK`] is the end without trailers.
///
/// # Errors
/// A trailer is one that [`HeadWriter::header`] would refuse. Then no byte was written.
pub fn last_chunk<'t>(
    out: &mut Vec<u8>,
    trailers: impl IntoIterator<Item = (&'t [u8], &'t [u8])>,
) -> Result<(), Unwritable> {
    let from = out.len();
    append(out, [b"0\r\n"]);
    for (name, value) in trailers {
        if let Err(unwritable) = field(out, name, value) {
            out.truncate(from);
            return Err(unwritable);
        }
    }
    append(out, [b"\r\n"]);
    Ok(())
}

fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) -> Result<(), Unwritable> {
    if !grammar::is_token(name) {
        return Err(Unwritable::Name);
    }
    if !grammar::is_value(value) {
        return Err(Unwritable::Value);
    }
    let framing = match name.len() {
        14 => name.eq_ignore_ascii_case(b"content-length"),
        17 => name.eq_ignore_ascii_case(b"transfer-encoding"),
        _ => false,
    };
    if framing {
        return Err(Unwritable::FramingField);
    }
    append(out, [name, b": ", value, b"\r\n"]);
    Ok(())
}

/// Appends all parts after making room once.
#[inline]
fn append<const N: usize>(out: &mut Vec<u8>, parts: [&[u8]; N]) {
    out.reserve(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        out.extend_from_slice(part);
    }
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return &digits[at..];
        }
    }
}

fn hexadecimal(mut number: u64, digits: &mut [u8; 16]) -> &[u8] {
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
        if number == 0 {
            return &digits[at..];
        }
    }
}

/// Returns the reason phrase of a status in IANA's registry of status codes. It is empty for a code without one.
pub fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        208 => "Already Reported",
        226 => "IM Used",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        511 => "Network Authentication Required",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::testing::{request, response};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn head(status: u16, framing: Framing) -> String {
        written(|out| HeadWriter::response(out, status).unwrap().end(framing))
    }

    #[test]
    fn a_request_is_written_in_order_and_read_back() {
        let text = written(|out| {
            let mut head = HeadWriter::request(out, "POST", "/2018-06-01/x?y=1", "127.0.0.1:9001").unwrap();
            head.header("content-type", "application/json").unwrap();
            head.header("X-Empty", "").unwrap();
            head.end(Framing::Length(2));
            out.extend_from_slice(b"{}");
        });
        assert_eq!(
            text,
            "POST /2018-06-01/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:9001\r\ncontent-type: application/json\r\n\
             X-Empty: \r\ncontent-length: 2\r\n\r\n{}"
        );
        assert_eq!(request(&text).body, b"{}");
    }

    #[test]
    fn a_request_without_a_body_announces_none() {
        let text = written(|out| HeadWriter::request(out, "GET", "/", "a").unwrap().end(Framing::Empty));
        assert_eq!(text, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    }

    #[test]
    fn a_response_announces_its_body() {
        assert_eq!(head(200, Framing::Length(120)), "HTTP/1.1 200 OK\r\ncontent-length: 120\r\n\r\n");
        assert_eq!(head(404, Framing::Empty), "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(head(200, Framing::Chunked), "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        assert_eq!(head(200, Framing::UntilClose), "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
        assert_eq!(head(299, Framing::Empty), "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");
    }

    #[test]
    fn statuses_without_a_body_have_no_framing() {
        for framing in [Framing::Empty, Framing::Length(3), Framing::Chunked] {
            assert_eq!(head(204, framing), "HTTP/1.1 204 No Content\r\n\r\n");
        }
        for framing in [Framing::Empty, Framing::Length(0), Framing::Chunked] {
            assert_eq!(head(304, framing), "HTTP/1.1 304 Not Modified\r\n\r\n");
        }
        assert_eq!(head(304, Framing::Length(9)), "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n");
        for framing in [Framing::Empty, Framing::Length(3), Framing::Chunked] {
            assert_eq!(head(205, framing), "HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n");
        }
        let last = "HTTP/1.1 205 Reset Content\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(head(205, Framing::UntilClose), last);
    }

    #[test]
    fn the_answer_to_head_announces_a_body_that_was_made_and_no_other() {
        let to_head = |framing| {
            written(|out| {
                let mut head = HeadWriter::response(out, 200).unwrap();
                head.answer_head();
                head.end(framing);
            })
        };
        assert_eq!(to_head(Framing::Length(9)), "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n");
        for framing in [Framing::Empty, Framing::Length(0)] {
            assert_eq!(to_head(framing), "HTTP/1.1 200 OK\r\n\r\n");
        }
    }

    #[test]
    fn nothing_breaks_out_of_a_header() {
        let mut out = Vec::new();
        let mut head = HeadWriter::response(&mut out, 200).unwrap();
        for value in ["a\r\nSet-Cookie: b", "a\nb", "a\rb", "a\0b", "\x7f"] {
            assert_eq!(head.header("x", value), Err(Unwritable::Value), "{value:?}");
        }
        for name in ["", "a b", "a:", "a\r\n", "ü", "a\0"] {
            assert_eq!(head.header(name, "x"), Err(Unwritable::Name), "{name:?}");
        }
        for name in ["Content-Length", "transfer-encoding"] {
            assert_eq!(head.header(name, "1"), Err(Unwritable::FramingField), "{name}");
        }
        head.end(Framing::Empty);
        assert_eq!(out, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    }

    #[test]
    fn nothing_breaks_out_of_a_request_line() {
        let refused = |method: &str, target: &str, host: &str| {
            let mut out = b"kept".to_vec();
            let error = HeadWriter::request(&mut out, method, target, host).err();
            assert_eq!(out, b"kept");
            error
        };
        for method in ["", "G T", "GET\r\n"] {
            assert_eq!(refused(method, "/", "a"), Some(Unwritable::Method), "{method:?}");
        }
        for target in ["", "/ HTTP/1.1\r\nX: y", "/a b", "/\n", "/é", "/#f"] {
            assert_eq!(refused("GET", target, "a"), Some(Unwritable::Target), "{target:?}");
        }
        for host in ["a\r\nX: y", "a b", "u@h"] {
            assert_eq!(refused("GET", "/", host), Some(Unwritable::Host), "{host:?}");
        }
    }

    #[test]
    fn a_status_is_that_of_a_final_response() {
        for status in [0, 99, 100, 199, 1000, u16::MAX] {
            let mut out = Vec::new();
            assert_eq!(HeadWriter::response(&mut out, status).err(), Some(Unwritable::Status(status)));
            assert!(out.is_empty());
        }
    }

    #[test]
    fn an_abandoned_head_leaves_what_was_there_before() {
        let mut out = b"before".to_vec();
        let mut head = HeadWriter::response(&mut out, 200).unwrap();
        head.header("a", "b").unwrap();
        head.abandon();
        assert_eq!(out, b"before");
    }

    #[test]
    fn chunks_and_trailers_are_read_back() {
        let mut out = Vec::new();
        HeadWriter::response(&mut out, 200).unwrap().end(Framing::Chunked);
        chunk(&mut out, b"");
        chunk(&mut out, &[b'x'; 26]);
        chunk_size(&mut out, NonZeroUsize::new(2).unwrap());
        out.extend_from_slice(b"yz");
        out.extend_from_slice(CHUNK_END);
        last_chunk(&mut out, [(&b"Error-Type"[..], &b"Function.Broken"[..])]).unwrap();
        assert!(out.ends_with(
            b"\r\n\r\n1a\r\nxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n2\r\nyz\r\n0\r\nError-Type: Function.Broken\r\n\r\n"
        ));
        let seen = response(&out);
        assert_eq!(seen.body.len(), 28);
        assert_eq!(seen.trailers, [("Error-Type".to_owned(), "Function.Broken".to_owned())]);
    }

    #[test]
    fn a_bad_trailer_leaves_nothing_behind() {
        let mut out = b"kept".to_vec();
        let trailers = [(&b"a"[..], &b"b"[..]), (b"c", b"d\r\n")];
        assert_eq!(last_chunk(&mut out, trailers), Err(Unwritable::Value));
        assert_eq!(out, b"kept");
        last_chunk(&mut out, []).unwrap();
        assert_eq!(out, [b"kept", LAST_CHUNK].concat());
    }

    #[test]
    fn numbers_are_written_over_their_whole_range() {
        for number in [0, 9, 10, 4096, u64::from(u32::MAX), u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
            assert_eq!(hexadecimal(number, &mut [0; 16]), format!("{number:x}").as_bytes());
        }
    }
}
