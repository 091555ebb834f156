//! Why a message is not accepted: one variant a rule, the status a server answers with, and the words for the log.

use std::fmt;

/// A message that is not accepted. The reader that gave it gives nothing else from then on, and the connection has to
/// be closed: where the next message would begin is not known.
///
/// `found` is the offending byte, `line` the number of the header or trailer line, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are explained above, each variant by its own text
pub enum Refusal {
    /// A line ends in LF without CR. RFC 9112 §2.2 lets a recipient accept that; attackers smuggle requests past
    /// recipients that do.
    BareLineFeed,
    /// CR not followed by LF.
    BareCarriageReturn,
    /// The request line does not have three parts with one space between them.
    BadRequestLine,
    /// The method is not a token.
    BadMethod { found: u8 },
    /// The method asks for a tunnel or for the request itself: see [`method_refusal`].
    MethodNotServed { method: &'static str },
    /// A byte that no request target may hold.
    BadTarget { found: u8 },
    /// The target is in none of the four forms, or in one its method does not allow (RFC 9112 §3.2).
    BadTargetForm,
    /// The target is longer than the limit.
    TargetTooLong { limit: usize },
    /// The version is not `HTTP/` digit `.` digit.
    BadVersion,
    /// A version other than 1.0 and 1.1.
    UnsupportedVersion { major: u8, minor: u8 },
    /// The client speaks HTTP/2 without asking first (RFC 9113 §3.4).
    Http2Preface,
    /// The first line of a response is not a status line.
    BadStatusLine,
    /// 101, though no upgrade was asked for.
    SwitchingProtocols,
    /// A field name is empty or holds a byte that is not a token character.
    BadHeaderName { line: usize, found: u8 },
    /// White space between a field name and its colon (RFC 9112 §5.1: must be refused).
    SpaceBeforeColon { line: usize },
    /// A field line begins with white space: a folded value, or a line to be taken for one (RFC 9112 §5.2).
    FoldedHeader { line: usize },
    /// A control character in a field value.
    BadHeaderValue { line: usize, found: u8 },
    /// The head has more field lines than the limit.
    TooManyHeaders { limit: usize },
    /// The head is longer than the limit.
    HeadTooLarge { limit: usize },
    /// HTTP/1.1 without `Host` (RFC 9112 §3.2).
    MissingHost,
    /// The header `Host` stands there more than once.
    RepeatedHost,
    /// `Host` or the target's authority is not a host with an optional port.
    BadHost,
    /// `Expect` names something other than `100-continue` (RFC 9110 §10.1.1).
    UnknownExpectation,
    /// `Content-Length` is not a plain decimal number below 2^64.
    BadContentLength,
    /// `Content-Length` stands there more than once, be it with the same number.
    RepeatedContentLength,
    /// Both `Content-Length` and `Transfer-Encoding` are there.
    TwoFramings,
    /// The last coding in `Transfer-Encoding` is not `chunked`, or `chunked` is named twice.
    BadTransferEncoding,
    /// The header `Transfer-Encoding` stands there more than once.
    RepeatedTransferEncoding,
    /// `Transfer-Encoding` stands in an HTTP/1.0 message (RFC 9112 §6.1).
    TransferEncodingInHttp10,
    /// There is another coding below `chunked`.
    UnsupportedTransferCoding,
    /// The body is longer than the limit.
    BodyTooLarge { limit: u64 },
    /// A chunk's size is not a plain hexadecimal number.
    BadChunkSize { found: u8 },
    /// A chunk's size has more than 16 digits.
    ChunkSizeTooLong,
    /// A control character in a chunk extension, or the end of the line inside a quoted string.
    BadChunkExtension { found: u8 },
    /// The chunk extensions are longer than the limit.
    ChunkExtensionsTooLong { limit: usize },
    /// A chunk's data is not followed by CR LF.
    BadChunkEnd { found: u8 },
    /// The trailer section is longer than the limit.
    TrailersTooLarge { limit: usize },
    /// The connection ended inside a head.
    TruncatedHead { received: usize },
    /// The connection ended inside a body; `expected` is what `Content-Length` promised.
    TruncatedBody { received: u64, expected: Option<u64> },
    /// The process has no memory for the message: an allocation failed, or a server's budget is used up.
    NoMemory,
}

/// Returns the reason why a request with this method is refused, whatever its target; `None` for a method that
/// functions serve.
///
/// - `CONNECT` makes every 2xx answer the beginning of a tunnel (RFC 9110 §9.3.6): a proxy in front then passes on what
///   the client sends without looking at it, past its own rules about paths.
/// - `TRACE` asks for the request as it arrived (RFC 9110 §9.3.8), with what proxies have added to it.
///
/// Neither is implemented for any resource, so the answer is 501 (RFC 9110 §9.1). The reader applies this rule itself;
/// a driver whose requests another implementation has read calls it, or
/// [`Assembly::refusal`](super::Assembly::refusal).
#[inline]
pub fn method_refusal(method: &[u8]) -> Option<Refusal> {
    match method {
        b"CONNECT" => Some(Refusal::MethodNotServed { method: "CONNECT" }),
        b"TRACE" => Some(Refusal::MethodNotServed { method: "TRACE" }),
        _ => None,
    }
}

impl Refusal {
    /// Returns the status that a server owes for it. For a refusal that only a client can meet it is 502.
    pub fn status(&self) -> u16 {
        use Refusal::*;
        match self {
            BodyTooLarge { .. } => 413,
            TargetTooLong { .. } => 414,
            UnknownExpectation => 417,
            HeadTooLarge { .. } | TooManyHeaders { .. } | TrailersTooLarge { .. } => 431,
            MethodNotServed { .. } | UnsupportedTransferCoding => 501,
            BadStatusLine | SwitchingProtocols => 502,
            NoMemory => 503,
            UnsupportedVersion { .. } | Http2Preface => 505,
            _ => 400,
        }
    }

    /// Returns `true` if a server may still send a response with [`status`](Refusal::status) before it closes. It may
    /// not to a client that speaks HTTP/2 or has left. When a response was refused, there is nobody to answer.
    pub fn answerable(&self) -> bool {
        use Refusal::*;
        !matches!(self, Http2Preface | BadStatusLine | SwitchingProtocols | TruncatedHead { .. } | TruncatedBody { .. })
    }
}

/// A byte as it may be shown in a log line.
struct Byte(u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            byte @ 0x20..=0x7e => write!(f, "'{}'", char::from(byte)),
            byte => write!(f, "byte 0x{byte:02x}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Refusal::*;
        match *self {
            BareLineFeed => f.write_str("expected CR LF at the end of a line, found LF alone"),
            BareCarriageReturn => f.write_str("expected LF after CR, found another byte"),
            BadRequestLine => f.write_str("expected `method target version` with single spaces as the request line"),
            BadMethod { found } => write!(f, "expected a token and a space as the method, found {}", Byte(found)),
            MethodNotServed { method } => write!(f, "the method {method} is not implemented here"),
            BadTarget { found } => write!(f, "the request target holds {}, which has to be percent-coded", Byte(found)),
            BadTargetForm => f.write_str(
                "expected a request target that begins with `/`, `http://` or `https://`, or `*` for OPTIONS",
            ),
            TargetTooLong { limit } => write!(f, "the request target is longer than {limit} bytes"),
            BadVersion => f.write_str("expected HTTP/1.1 or HTTP/1.0 as the version"),
            UnsupportedVersion { major, minor } => {
                write!(f, "expected HTTP/1.1 or HTTP/1.0 as the version, found HTTP/{major}.{minor}")
            }
            Http2Preface => f.write_str("the client opened with the HTTP/2 preface; this port speaks HTTP/1.1"),
            BadStatusLine => {
                f.write_str("expected a status line such as `HTTP/1.1 200 OK` as the first line of the response")
            }
            SwitchingProtocols => f.write_str("the server switched protocols (101) without being asked to"),
            BadHeaderName { line, found } => {
                write!(f, "header line {line}: expected a name and a colon, found {}", Byte(found))
            }
            SpaceBeforeColon { line } => write!(f, "header line {line}: white space before the colon"),
            FoldedHeader { line } => {
                write!(f, "header line {line} begins with white space; folded header values are not accepted")
            }
            BadHeaderValue { line, found } => write!(f, "header line {line}: the value holds {}", Byte(found)),
            TooManyHeaders { limit } => write!(f, "more than {limit} header lines"),
            HeadTooLarge { limit } => write!(f, "start line and headers are longer than {limit} bytes"),
            MissingHost => f.write_str("an HTTP/1.1 request needs a Host header"),
            RepeatedHost => f.write_str("expected one Host header, found several"),
            BadHost => f.write_str("the host is not a name or address with an optional port"),
            UnknownExpectation => f.write_str("expected `100-continue` as the only expectation"),
            BadContentLength => f.write_str("expected a decimal number as Content-Length"),
            RepeatedContentLength => f.write_str("expected one Content-Length, found several"),
            TwoFramings => f.write_str("both Content-Length and Transfer-Encoding; a message has one framing"),
            BadTransferEncoding => f.write_str("expected `chunked` as the last and only Transfer-Encoding"),
            RepeatedTransferEncoding => f.write_str("expected one Transfer-Encoding, found several"),
            TransferEncodingInHttp10 => f.write_str("Transfer-Encoding in an HTTP/1.0 message"),
            UnsupportedTransferCoding => f.write_str("a transfer coding other than `chunked`"),
            BodyTooLarge { limit } => write!(f, "the body is longer than {limit} bytes"),
            BadChunkSize { found } => write!(f, "expected a hexadecimal chunk size, found {}", Byte(found)),
            ChunkSizeTooLong => f.write_str("a chunk size of more than 16 digits"),
            BadChunkExtension { found } => write!(f, "a chunk extension holds {}", Byte(found)),
            ChunkExtensionsTooLong { limit } => write!(f, "chunk extensions of more than {limit} bytes"),
            BadChunkEnd { found } => write!(f, "expected CR LF after a chunk's data, found {}", Byte(found)),
            TrailersTooLarge { limit } => write!(f, "the trailer section is longer than {limit} bytes"),
            TruncatedHead { received } => write!(f, "the connection ended {received} bytes into a head"),
            TruncatedBody { received, expected: Some(expected) } => {
                write!(f, "the connection ended after {received} of {expected} body bytes")
            }
            TruncatedBody { received, expected: None } => {
                write!(f, "the connection ended after {received} body bytes, before the last chunk")
            }
            NoMemory => f.write_str("there is no memory for the message at the moment"),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_of_rules_has_its_status() {
        let table = [
            (Refusal::BareLineFeed, 400),
            (Refusal::TwoFramings, 400),
            (Refusal::BodyTooLarge { limit: 1 }, 413),
            (Refusal::TargetTooLong { limit: 1 }, 414),
            (Refusal::UnknownExpectation, 417),
            (Refusal::HeadTooLarge { limit: 1 }, 431),
            (Refusal::TooManyHeaders { limit: 1 }, 431),
            (Refusal::MethodNotServed { method: "TRACE" }, 501),
            (Refusal::UnsupportedTransferCoding, 501),
            (Refusal::NoMemory, 503),
            (Refusal::UnsupportedVersion { major: 3, minor: 0 }, 505),
        ];
        for (refusal, status) in table {
            assert_eq!(refusal.status(), status, "{refusal}");
            assert!(refusal.answerable(), "{refusal}");
        }
    }

    #[test]
    fn a_tunnel_and_an_echo_are_refused_and_methods_of_functions_are_not() {
        for method in ["CONNECT", "TRACE"] {
            let refusal = method_refusal(method.as_bytes()).unwrap();
            assert_eq!((refusal.status(), refusal.answerable()), (501, true), "{method}");
        }
        // Methods are case-sensitive (RFC 9110 §9.1): `connect` is another one.
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "QUERY", "connect", ""] {
            assert_eq!(method_refusal(method.as_bytes()), None, "{method}");
        }
    }

    #[test]
    fn nobody_is_answered_who_cannot_read_the_answer() {
        assert!(!Refusal::Http2Preface.answerable());
        assert!(!Refusal::TruncatedHead { received: 3 }.answerable());
        assert!(!Refusal::BadStatusLine.answerable());
    }

    #[test]
    fn the_text_names_what_was_found_without_raw_control_bytes() {
        let text = Refusal::BadHeaderValue { line: 3, found: 0 }.to_string();
        assert_eq!(text, "header line 3: the value holds byte 0x00");
        assert_eq!(
            Refusal::BadMethod { found: b'(' }.to_string(),
            "expected a token and a space as the method, found '('"
        );
        assert_eq!(
            Refusal::TruncatedBody { received: 3, expected: Some(10) }.to_string(),
            "the connection ended after 3 of 10 body bytes"
        );
    }
}
