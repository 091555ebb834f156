//! Finds the body that a head announces, and whether the connection lives on: RFC 9112 §6.3 and §9.3, and the fields
//! they read.

use super::fields::Field;
use super::{Refusal, Version, grammar};
use crate::fields::is_named;

/// The way in which the end of a body is marked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// The message has no body.
    #[default]
    Empty,
    /// The message has `Content-Length`: this many bytes follow, perhaps 0.
    Length(u64),
    /// The body comes in chunks: `Transfer-Encoding: chunked`.
    Chunked,
    /// The body is all bytes until the connection ends, as only a response's may be.
    UntilClose,
}

/// Returns `true` if a response with this status is sent with a body: not 1xx, 204 and 304 (RFC 9110 §6.4.1) nor 205
/// (RFC 9110 §15.3.6). The answer to HEAD never has one, whatever the status.
pub fn status_has_body(status: u16) -> bool {
    status != 205 && !ends_with_its_head(status)
}

/// Returns `true` if a response with this status ends with its head, whatever that says (RFC 9112 §6.3). 205 is not
/// among them: it has no body, but announces that like others.
fn ends_with_its_head(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

/// Returns the framing of a request, from two things in its head: the number in `Content-Length`, and `chunked`. That
/// is `true` if there is a `Transfer-Encoding`, whose value was found to be `chunked`.
///
/// # Errors
/// Both are there at once, or there is a transfer coding in HTTP/1.0.
pub fn request_framing(version: Version, length: Option<u64>, chunked: bool) -> Result<Framing, Refusal> {
    Ok(match (one_framing(version, length, chunked)?, length) {
        (true, _) => Framing::Chunked,
        (false, Some(length)) => Framing::Length(length),
        (false, None) => Framing::Empty,
    })
}

/// Returns the framing of a response, like [`request_framing`]. `to_head` is `true` if it answers a HEAD request.
///
/// # Errors
/// It fails as for a request.
pub fn response_framing(
    version: Version,
    status: u16,
    to_head: bool,
    length: Option<u64>,
    chunked: bool,
) -> Result<Framing, Refusal> {
    let chunked = one_framing(version, length, chunked)?;
    Ok(match length {
        _ if to_head || ends_with_its_head(status) => Framing::Empty,
        _ if chunked => Framing::Chunked,
        Some(length) => Framing::Length(length),
        None => Framing::UntilClose,
    })
}

fn one_framing(version: Version, length: Option<u64>, chunked: bool) -> Result<bool, Refusal> {
    match (chunked, length, version) {
        (true, Some(_), _) => Err(Refusal::TwoFramings),
        (true, None, Version::Http10) => Err(Refusal::TransferEncodingInHttp10),
        _ => Ok(chunked),
    }
}

/// The values of the header fields that steer the codec, gathered while they are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    pub(super) host: Option<Field>,
    pub(super) expects_continue: bool,
    /// `Expect` names something else than `100-continue`.
    pub(super) expects_other: bool,
    close: bool,
    keep_alive: bool,
}

impl Announced {
    /// Takes note of a header. Only a request's `Host` is looked at.
    #[inline]
    pub(super) fn note(&mut self, bytes: &[u8], field: Field, request: bool) -> Result<(), Refusal> {
        // The lengths of the names below: most headers have another.
        match field.name_len() {
            4 | 6 | 10 | 14 | 17 => self.note_steering(bytes, field, request),
            _ => Ok(()),
        }
    }

    fn note_steering(&mut self, bytes: &[u8], field: Field, request: bool) -> Result<(), Refusal> {
        let (name, value) = (field.name(bytes), field.value(bytes));
        match name.len() {
            4 if request && is_named(name, b"Host") => {
                if self.host.is_some() {
                    return Err(Refusal::RepeatedHost);
                }
                if !value.is_empty() && !grammar::is_host(value) {
                    return Err(Refusal::BadHost);
                }
                self.host = Some(field);
            }
            6 if is_named(name, b"Expect") => {
                for expectation in grammar::list(value) {
                    let known = is_named(expectation, b"100-continue");
                    self.expects_continue |= known;
                    self.expects_other |= !known;
                }
            }
            10 if is_named(name, b"Connection") => {
                for option in grammar::list(value) {
                    self.close |= is_named(option, b"close");
                    self.keep_alive |= is_named(option, b"keep-alive");
                }
            }
            14 if is_named(name, b"Content-Length") => {
                if self.length.is_some() {
                    return Err(Refusal::RepeatedContentLength);
                }
                self.length = Some(decimal(value).ok_or(Refusal::BadContentLength)?);
            }
            17 if is_named(name, b"Transfer-Encoding") => {
                if self.chunked {
                    return Err(Refusal::RepeatedTransferEncoding);
                }
                only_chunked(value)?;
                self.chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns `true` if the sender lets the connection live on (RFC 9112 §9.3).
    pub(super) fn keep_alive(&self, version: Version) -> bool {
        match version {
            Version::Http11 => !self.close,
            Version::Http10 => self.keep_alive && !self.close,
        }
    }
}

/// Reads a number of one or more digits and nothing else; `None` if the text is not one, or does not fit.
pub fn decimal(value: &[u8]) -> Option<u64> {
    /// The number of digits up to which a number always fits.
    const SURE: usize = 19;
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    let (front, rest) = value.split_at(value.len().min(SURE));
    if front.is_empty() {
        return None;
    }
    let number = front.iter().try_fold(0, |number, byte| Some(number * 10 + digit(*byte)?))?;
    rest.iter().try_fold(number, |number: u64, byte| number.checked_mul(10)?.checked_add(digit(*byte)?))
}

/// Accepts `chunked` alone. A coding that is understood below it is refused with 501, a message whose end is in doubt
/// with 400 (RFC 9112 §6.1 and §6.3).
fn only_chunked(value: &[u8]) -> Result<(), Refusal> {
    if is_named(value, b"chunked") {
        return Ok(());
    }
    let is_chunked = |coding: &&[u8]| is_named(coding, b"chunked");
    let times = grammar::list(value).filter(is_chunked).count();
    let all_tokens = value.split(|&byte| byte == b',').map(grammar::trim).all(grammar::is_token);
    if all_tokens && times == 1 && grammar::list(value).last().is_some_and(|last| is_chunked(&last)) {
        return Err(Refusal::UnsupportedTransferCoding);
    }
    Err(Refusal::BadTransferEncoding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::testing::{refused_request, request, response};

    #[test]
    fn a_request_without_framing_fields_has_no_body() {
        assert_eq!(request_framing(Version::Http11, None, false), Ok(Framing::Empty));
        assert_eq!(request_framing(Version::Http10, None, false), Ok(Framing::Empty));
        assert_eq!(request_framing(Version::Http10, Some(3), false), Ok(Framing::Length(3)));
        assert_eq!(request_framing(Version::Http11, None, true), Ok(Framing::Chunked));
    }

    #[test]
    fn a_response_without_framing_fields_ends_with_the_connection() {
        let framing = |status, to_head, length, chunked| {
            response_framing(Version::Http11, status, to_head, length, chunked).unwrap()
        };
        assert_eq!(framing(200, false, None, false), Framing::UntilClose);
        assert_eq!(framing(200, false, Some(0), false), Framing::Length(0));
        assert_eq!(framing(500, false, None, true), Framing::Chunked);
        for (status, to_head) in [(204, false), (304, false), (200, true), (404, true)] {
            for (length, chunked) in [(None, false), (Some(7), false), (None, true)] {
                assert_eq!(framing(status, to_head, length, chunked), Framing::Empty, "{status} {length:?} {chunked}");
            }
        }
    }

    #[test]
    fn two_framings_are_refused_even_where_there_is_no_body() {
        assert_eq!(response_framing(Version::Http11, 204, false, Some(1), true), Err(Refusal::TwoFramings));
        assert_eq!(request_framing(Version::Http11, Some(0), true), Err(Refusal::TwoFramings));
        let refusal = Err(Refusal::TransferEncodingInHttp10);
        assert_eq!(response_framing(Version::Http10, 200, false, None, true), refusal);
    }

    #[test]
    fn http_1_1_keeps_the_connection_unless_asked_to_close_it() {
        let kept =
            |version: &str, headers: &str| request(format!("GET / {version}\r\nHost: a\r\n{headers}\r\n")).keep_alive;
        assert!(kept("HTTP/1.1", ""));
        assert!(kept("HTTP/1.1", "Connection: upgrade\r\n"));
        assert!(kept("HTTP/1.1", "Connection: closed\r\n"));
        assert!(!kept("HTTP/1.1", "Connection: Close\r\n"));
        assert!(!kept("HTTP/1.1", "Connection: TE ,\tclose\r\n"));
        assert!(!kept("HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"));
    }

    #[test]
    fn http_1_0_closes_the_connection_unless_asked_to_keep_it() {
        let kept = |headers: &str| request(format!("GET / HTTP/1.0\r\n{headers}\r\n")).keep_alive;
        assert!(!kept(""));
        assert!(kept("Connection: Keep-Alive\r\n"));
        assert!(!kept("Connection: keep-alive, close\r\n"));
        assert!(response("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
    }

    #[test]
    fn a_body_that_ends_with_the_connection_does_not_keep_it() {
        let seen = response("HTTP/1.1 200 OK\r\n\r\nall of this");
        assert_eq!((&seen.body[..], seen.keep_alive), (&b"all of this"[..], false));
    }

    #[test]
    fn a_client_waits_for_100_only_with_a_body_and_in_http_1_1() {
        let waits = |version: &str, headers: &str, body: &str| {
            let seen = request(format!("PUT / {version}\r\nHost: a\r\n{headers}\r\n\r\n{body}"));
            seen.expects_continue
        };
        assert!(waits("HTTP/1.1", "Expect: 100-Continue\r\nContent-Length: 1", "x"));
        assert!(waits("HTTP/1.1", "Expect: 100-continue\r\nTransfer-Encoding: chunked", "0\r\n\r\n"));
        assert!(!waits("HTTP/1.1", "Expect: 100-continue\r\nContent-Length: 0", ""));
        assert!(!waits("HTTP/1.1", "Expect: 100-continue", ""));
        assert!(!waits("HTTP/1.0", "Expect: 100-continue\r\nContent-Length: 1", "x"));
        assert!(waits("HTTP/1.1", "Expect: 100-continue, 100-CONTINUE\r\nContent-Length: 1", "x"));
        assert!(!waits("HTTP/1.1", "Expect:\r\nContent-Length: 1", "x"));
    }

    #[test]
    fn any_other_expectation_of_an_http_1_1_client_is_refused() {
        for expect in ["200-ok", "100-continued", "100-continue, 200-ok", "100-continue;x=1", "\"100-continue\""] {
            let input = |version| format!("GET / {version}\r\nHost: a\r\nExpect: {expect}\r\n\r\n");
            assert_eq!(refused_request(input("HTTP/1.1")), Refusal::UnknownExpectation, "{expect}");
            assert!(!request(input("HTTP/1.0")).expects_continue, "{expect}: ignored in HTTP/1.0");
        }
        assert_eq!(response("HTTP/1.1 200 OK\r\nExpect: 200-ok\r\nContent-Length: 0\r\n\r\n").status, 200);
    }

    #[test]
    fn a_205_is_sent_without_a_body_and_read_like_any_other() {
        for status in [100, 103, 204, 205, 304] {
            assert!(!status_has_body(status), "{status}");
        }
        for status in [200, 206, 404, 500] {
            assert!(status_has_body(status), "{status}");
        }
        assert_eq!(response_framing(Version::Http11, 205, false, Some(0), false), Ok(Framing::Length(0)));
        assert_eq!(response_framing(Version::Http11, 205, false, None, true), Ok(Framing::Chunked));
    }

    #[test]
    fn a_length_is_digits_that_fit() {
        assert_eq!(decimal(b"0"), Some(0));
        assert_eq!(decimal(b"00042"), Some(42));
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "18446744073709551616", "99999999999999999999999", "+1", "-1", "1 ", "0x1", "1.0", "a", "5,5"] {
            assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
        }
    }
}
