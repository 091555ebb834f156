//! The start line, and the head as a whole: read in one pass as the bytes come, kept as offsets into them.

use crate::fields::caseless;
use std::ops::Range;

use super::fields::{Field, Line, LineEnd, Lines, line_end, read_line};
use super::framing::Announced;
use super::recall::Recall;
use super::{Limits, Refusal, grammar, method_refusal};

/// The two versions that are spoken here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0 has no transfer codings, and closes after one exchange unless a header asks otherwise.
    Http10,
    /// The message is of HTTP/1.1.
    #[default]
    Http11,
}

/// The kind of message that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

/// The parts of the first line; those of the other kind of message are empty.
#[derive(Clone, Debug, Default)]
pub(super) struct StartLine {
    pub(super) version: Version,
    /// `true` if it came as HTTP/2, and is a message of HTTP/1.1 only here.
    pub(super) is_http2: bool,
    pub(super) method: Range<usize>,
    pub(super) target: Range<usize>,
    pub(super) authority: Range<usize>,
    pub(super) status: u16,
}

impl StartLine {
    /// Puts the authority in the place of the value of `Host`. The host in the target stands, and the header's is
    /// ignored (RFC 9112 §3.2.2, and RFC 9113 §8.3.1 for `:authority`): nobody is to see two different ones.
    #[cold]
    #[inline(never)]
    pub(super) fn outweigh_host(&self, bytes: &[u8], fields: &mut [Field]) {
        for field in fields.iter_mut().filter(|field| caseless(field.name(bytes), b"host")) {
            *field = field.with_value(self.authority.clone());
        }
    }
}

/// A head in progress or whole. Offsets count from the first byte of the message.
#[derive(Debug)]
pub(super) struct HeadReader {
    side: Side,
    lines: Lines,
    started: bool,
    pub(super) start: StartLine,
    pub(super) announced: Announced,
    pub(super) fields: Vec<Field>,
    /// The heads of earlier responses. Requests are not remembered: they come from many clients, and their heads have
    /// less in common.
    recall: Recall,
}

impl HeadReader {
    pub(super) fn new(side: Side) -> HeadReader {
        HeadReader {
            side,
            lines: Lines::default(),
            started: false,
            start: StartLine::default(),
            announced: Announced::default(),
            fields: Vec::new(),
            recall: Recall::default(),
        }
    }

    pub(super) fn side(&self) -> Side {
        self.side
    }

    /// Makes it ready for the next message. It keeps the allocation of `fields` if that is still here.
    pub(super) fn reset(&mut self) {
        self.lines = Lines::default();
        self.started = false;
        self.start = StartLine::default();
        self.announced = Announced::default();
        self.fields.clear();
    }

    /// Returns `true` if no byte of a message was among `received` bytes. Empty lines before a request are no part of
    /// it.
    pub(super) fn untouched(&self, received: usize) -> bool {
        !self.started && self.lines.line == received
    }

    /// Returns the offset behind the head, once it is whole.
    pub(super) fn end(&self) -> usize {
        self.lines.line
    }

    /// Reads on in `message`, all bytes of the message received so far; `true` once the head is whole.
    pub(super) fn advance(&mut self, message: &mut [u8], limits: &Limits) -> Result<bool, Refusal> {
        let full = message.len() >= limits.head_bytes;
        let seen = message.len().min(limits.head_bytes);
        let seen = &mut message[..seen];
        if !self.lines.worth_reading(seen, full) {
            return Ok(false);
        }
        if self.read(seen, limits)? {
            return Ok(true);
        }
        if full {
            return Err(Refusal::HeadTooLarge { limit: limits.head_bytes });
        }
        self.lines.unfinished(seen);
        Ok(false)
    }

    fn read(&mut self, bytes: &mut [u8], limits: &Limits) -> Result<bool, Refusal> {
        if !self.started {
            if self.side == Side::Request {
                // RFC 9112 §2.2: empty lines before a request are skipped; they count as bytes of its head.
                while let Some(b"\r\n") = bytes.get(self.lines.line..self.lines.line + 2) {
                    self.lines.line += 2;
                }
            }
            let next = match self.side {
                Side::Request => request_line(bytes, self.lines.line, limits, &mut self.start)?,
                Side::Response => match self.recall.begin(bytes) {
                    Some((start, next)) => {
                        self.start = start;
                        Some(next)
                    }
                    None => status_line(bytes, &mut self.start)?,
                },
            };
            let Some(next) = next else { return Ok(false) };
            self.lines.line = next;
            self.started = true;
        }
        loop {
            if self.side == Side::Response {
                self.take_known(bytes)?;
            }
            match read_line(bytes, self.lines.line, self.fields.len() + 1)? {
                Line::Unfinished => return Ok(false),
                Line::Field(..) if self.fields.len() >= limits.headers => {
                    return Err(Refusal::TooManyHeaders { limit: limits.headers });
                }
                Line::Field(field, next) => {
                    self.announced.note(bytes, field, self.side == Side::Request)?;
                    self.fields.push(field);
                    self.lines.line = next;
                }
                Line::Empty(end) => {
                    self.lines.line = end;
                    // Neither is asked of HTTP/1.0, whose clients' expectations are ignored (RFC 9110 §10.1.1).
                    if self.side == Side::Request && self.start.version == Version::Http11 {
                        if self.announced.host.is_none() {
                            return Err(Refusal::MissingHost);
                        }
                        if self.announced.expects_other {
                            return Err(Refusal::UnknownExpectation);
                        }
                    }
                    match self.side {
                        Side::Response => self.recall.end(&bytes[..end], &self.start, &self.fields),
                        Side::Request if self.start.authority.is_empty() => {}
                        Side::Request => self.start.outweigh_host(bytes, &mut self.fields),
                    }
                    return Ok(true);
                }
            }
        }
    }

    /// Takes the lines from here on that look as they did in an earlier head.
    fn take_known(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let first = self.fields.len();
        self.lines.line = self.recall.take_lines(bytes, self.lines.line, &mut self.fields);
        for field in &self.fields[first..] {
            self.announced.note(bytes, *field, false)?;
        }
        Ok(())
    }
}

/// Reads `method SP target SP version CR LF` at `from`. Returns the offset behind it, or `None` while its end has not
/// come.
fn request_line(
    bytes: &mut [u8],
    from: usize,
    limits: &Limits,
    start: &mut StartLine,
) -> Result<Option<usize>, Refusal> {
    let method = from..from + grammar::token_len(&bytes[from..]);
    match bytes.get(method.end) {
        None => return Ok(None),
        Some(b' ') if !method.is_empty() => {}
        Some(b'\r') if method.is_empty() && bytes.len() == from + 1 => return Ok(None), // perhaps an empty line
        Some(b'\r') if method.is_empty() => return Err(Refusal::BareCarriageReturn),
        Some(b'\n') if method.is_empty() => return Err(Refusal::BareLineFeed),
        Some(b'\r' | b'\n') => return Err(Refusal::BadRequestLine),
        Some(&found) => return Err(Refusal::BadMethod { found }),
    }
    let target = method.end + 1;
    let target = target..target + grammar::target_len(&bytes[target..]);
    if target.len() > limits.target_bytes {
        return Err(Refusal::TargetTooLong { limit: limits.target_bytes });
    }
    match bytes.get(target.end) {
        None => return Ok(None),
        Some(b' ') if !target.is_empty() => {}
        Some(b' ' | b'\r' | b'\n') => return Err(Refusal::BadRequestLine),
        Some(&found) => return Err(Refusal::BadTarget { found }),
    }
    let Some(version) = version(bytes, target.end + 1)? else { return Ok(None) };
    let next = match line_end(bytes, target.end + 1 + VERSION)? {
        LineEnd::Unfinished => return Ok(None),
        LineEnd::At(next) => next,
        LineEnd::Other(_) => return Err(Refusal::BadVersion),
    };
    start.version = match version {
        (2, 0) if &bytes[method.clone()] == b"PRI" && &bytes[target.clone()] == b"*" => {
            return Err(Refusal::Http2Preface);
        }
        version => known(version)?,
    };
    (start.authority, start.target) = split_target(bytes, &method, target)?;
    start.method = method;
    Ok(Some(next))
}

/// Reads `version SP 3DIGIT [ SP reason ] CR LF` at the front. The space before a missing reason is not insisted on:
/// many servers leave it out.
fn status_line(bytes: &[u8], start: &mut StartLine) -> Result<Option<usize>, Refusal> {
    let version = match version(bytes, 0) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        Err(_) => return Err(Refusal::BadStatusLine),
    };
    let Some(&[space, hundreds, tens, ones]) = bytes.get(VERSION..VERSION + 4) else {
        return if bytes.contains(&b'\n') { Err(Refusal::BadStatusLine) } else { Ok(None) };
    };
    let digits = [hundreds, tens, ones];
    if space != b' ' || hundreds == b'0' || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::BadStatusLine);
    }
    let mut reason = VERSION + 4;
    if bytes.get(reason) == Some(&b' ') {
        reason += grammar::value_len(&bytes[reason..]);
    }
    let next = match line_end(bytes, reason)? {
        LineEnd::Unfinished => return Ok(None),
        LineEnd::At(next) => next,
        LineEnd::Other(_) => return Err(Refusal::BadStatusLine),
    };
    start.version = known(version)?;
    start.status = digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    Ok(Some(next))
}

/// The length of `HTTP/` digit `.` digit.
const VERSION: usize = 8;

/// Returns the two numbers of the version at `from`, or `None` while it is not all there.
fn version(bytes: &[u8], from: usize) -> Result<Option<(u8, u8)>, Refusal> {
    match bytes[from..] {
        [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9', ..] => {
            Ok(Some((major - b'0', minor - b'0')))
        }
        [_, _, _, _, _, _, _, _, ..] => Err(Refusal::BadVersion),
        ref rest if rest.contains(&b'\n') => Err(Refusal::BadVersion),
        _ => Ok(None),
    }
}

fn known((major, minor): (u8, u8)) -> Result<Version, Refusal> {
    match (major, minor) {
        (1, 1) => Ok(Version::Http11),
        (1, 0) => Ok(Version::Http10),
        _ => Err(Refusal::UnsupportedVersion { major, minor }),
    }
}

/// Returns the authority and the target in origin form, or `*` for OPTIONS (RFC 9112 §3.2). The authority is empty if
/// it is not in the target. The fourth form, host and port, is one of CONNECT alone, which is refused.
fn split_target(
    bytes: &mut [u8],
    method: &Range<usize>,
    target: Range<usize>,
) -> Result<(Range<usize>, Range<usize>), Refusal> {
    let (method, text) = (&bytes[method.clone()], &bytes[target.clone()]);
    if let Some(refusal) = method_refusal(method) {
        return Err(refusal);
    }
    let options = method == b"OPTIONS";
    if text[0] == b'/' || (options && text == b"*") {
        return Ok((0..0, target));
    }
    let scheme = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|front| caseless(front, scheme)))
        .ok_or(Refusal::BadTargetForm)?
        .len();
    let length = text[scheme..].iter().position(|&byte| matches!(byte, b'/' | b'?')).unwrap_or(text.len() - scheme);
    let mut authority = target.start + scheme..target.start + scheme + length;
    let mut path = authority.end..target.end;
    if !grammar::is_host(&bytes[authority.clone()]) {
        return Err(Refusal::BadHost);
    }
    if bytes[path.clone()].first() != Some(&b'/') {
        // `http://host` and `http://host?query` mean the path `/` (or all of the server, for OPTIONS), which is not
        // there: the authority moves over the last slash before it and leaves room behind it.
        bytes.copy_within(authority.clone(), authority.start - 1);
        bytes[authority.end - 1] = if options && path.is_empty() { b'*' } else { b'/' };
        authority = authority.start - 1..authority.end - 1;
        path.start -= 1;
    }
    Ok((authority, path))
}

#[cfg(test)]
mod tests {
    use crate::http1::testing::{every_way, refused_request, refused_response, request, requests, response};
    use crate::http1::{Eof, Limits, Reader, Refusal, Version};

    fn refused_line(line: &str) -> Refusal {
        refused_request(format!("{line}\r\nHost: a\r\n\r\n"))
    }

    #[test]
    fn a_request_gives_method_target_version_and_headers_as_sent() {
        let seen = request("get-IT /a%20b/?q=1&q=2 HTTP/1.1\r\nHost: shop:8080\r\nX-A:  1 \t2\t \r\nx-a:\r\n\r\n");
        assert_eq!((&seen.method[..], &seen.target[..]), ("get-IT", "/a%20b/?q=1&q=2"));
        assert_eq!(seen.version, Version::Http11);
        let headers = [("Host", "shop:8080"), ("X-A", "1 \t2"), ("x-a", "")];
        assert_eq!(seen.headers, headers.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(seen.body, b"");
    }

    #[test]
    fn empty_lines_before_a_request_are_skipped() {
        let (seen, end) =
            requests("\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n\r\n");
        assert_eq!(seen.iter().map(|seen| &seen.target[..]).collect::<Vec<_>>(), ["/a", "/b"]);
        assert_eq!(end, Ok(Eof::Closed));
    }

    #[test]
    fn the_request_line_has_three_parts_and_single_spaces() {
        for line in ["GET", "GET /", "GET  / HTTP/1.1", "", "GET\t/ HTTP/1.1", " GET / HTTP/1.1"] {
            let refusal = refused_line(line);
            let expected = match line {
                "" => Refusal::BadMethod { found: b':' }, // an empty line is skipped, then `Host:` comes
                "GET\t/ HTTP/1.1" => Refusal::BadMethod { found: b'\t' },
                " GET / HTTP/1.1" => Refusal::BadMethod { found: b' ' },
                _ => Refusal::BadRequestLine,
            };
            assert_eq!(refusal, expected, "{line:?}");
        }
        for line in ["GET /  HTTP/1.1", "GET / HTTP/1.1 ", "GET / / HTTP/1.1", "GET / HTTP/1.1\t"] {
            assert_eq!(refused_line(line), Refusal::BadVersion, "{line:?}");
        }
    }

    #[test]
    fn a_method_is_a_token() {
        assert_eq!(refused_line("G(T / HTTP/1.1"), Refusal::BadMethod { found: b'(' });
        assert_eq!(refused_line("GÉT / HTTP/1.1"), Refusal::BadMethod { found: 0xc3 });
        assert_eq!(refused_request(b"\x16\x03\x01\x02\x00\x01\r\n"), Refusal::BadMethod { found: 0x16 });
    }

    #[test]
    fn line_ends_are_cr_lf() {
        assert_eq!(refused_request("GET / HTTP/1.1\nHost: a\n\n"), Refusal::BareLineFeed);
        assert_eq!(refused_request("GET / HTTP/1.1\r\nHost: a\n\n"), Refusal::BareLineFeed);
        assert_eq!(refused_request("GET / HTTP/1.1\r\nHost: a\r\n\n"), Refusal::BareLineFeed);
        assert_eq!(refused_request("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), Refusal::BareLineFeed);
        assert_eq!(refused_request("GET / HTTP/1.1\rHost: a\r\n\r\n"), Refusal::BareCarriageReturn);
        assert_eq!(refused_request("GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n"), Refusal::BareCarriageReturn);
        assert_eq!(refused_request("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"), Refusal::BareCarriageReturn);
    }

    #[test]
    fn versions_other_than_1_0_and_1_1_are_told_apart_from_nonsense() {
        for (line, refusal) in [
            ("GET / HTTP/2.0", Refusal::UnsupportedVersion { major: 2, minor: 0 }),
            ("GET / HTTP/1.2", Refusal::UnsupportedVersion { major: 1, minor: 2 }),
            ("GET / HTTP/0.9", Refusal::UnsupportedVersion { major: 0, minor: 9 }),
            ("GET / HTTP/3", Refusal::BadVersion),
            ("GET / http/1.1", Refusal::BadVersion),
            ("GET / HTTP/1.10", Refusal::BadVersion),
            ("GET / HTTP/11", Refusal::BadVersion),
            ("GET / HTTPS/1.1", Refusal::BadVersion),
            ("GET / ICY", Refusal::BadVersion),
        ] {
            assert_eq!(refused_line(line), refusal, "{line}");
        }
    }

    #[test]
    fn the_http_2_preface_is_recognised() {
        assert_eq!(refused_request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Refusal::Http2Preface);
        assert_eq!(refused_line("PRI / HTTP/2.0"), Refusal::UnsupportedVersion { major: 2, minor: 0 });
    }

    #[test]
    fn an_absolute_target_gives_its_host_which_outweighs_the_header() {
        for (target, host, origin) in [
            ("http://shop/a?b", "shop", "/a?b"),
            ("HTTP://shop:80/", "shop:80", "/"),
            ("https://[::1]:443/a", "[::1]:443", "/a"),
            ("http://shop", "shop", "/"),
            ("http://shop?a/b", "shop", "/?a/b"),
            ("http://a?b", "a", "/?b"),
            ("/http://shop/", "other", "/http://shop/"),
            ("//shop/a", "other", "//shop/a"),
        ] {
            let seen = request(format!("GET {target} HTTP/1.1\r\nHost: other\r\n\r\n"));
            assert_eq!((seen.host.as_deref(), &seen.target[..]), (Some(host), origin), "{target}");
            assert_eq!(seen.method, "GET", "{target}");
            assert_eq!(
                seen.headers,
                [("Host".to_owned(), host.to_owned())],
                "the ignored host is seen nowhere: {target}"
            );
        }
    }

    #[test]
    fn an_absolute_target_does_not_stand_in_for_the_host_header() {
        assert_eq!(refused_request("GET http://shop/ HTTP/1.1\r\n\r\n"), Refusal::MissingHost);
    }

    #[test]
    fn the_whole_server_is_a_target_of_options_alone() {
        assert_eq!(request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target, "*");
        assert_eq!(request("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n").target, "*");
        assert_eq!(request("OPTIONS http://b/ HTTP/1.1\r\nHost: a\r\n\r\n").target, "/");
        assert_eq!(refused_line("GET * HTTP/1.1"), Refusal::BadTargetForm);
    }

    #[test]
    fn a_tunnel_and_an_echo_are_refused_whatever_their_target() {
        for (method, target) in [
            ("CONNECT", "shop:443"),
            ("CONNECT", "shop"),
            ("CONNECT", "/admin"),
            ("CONNECT", "http://shop/"),
            ("CONNECT", "*"),
            ("TRACE", "/"),
            ("TRACE", "http://shop/"),
        ] {
            for version in ["HTTP/1.1", "HTTP/1.0"] {
                let refusal = refused_line(&format!("{method} {target} {version}"));
                assert_eq!(refusal, Refusal::MethodNotServed { method }, "{method} {target} {version}");
            }
        }
        for line in ["GET shop:443 HTTP/1.1", "OPTIONS shop:443 HTTP/1.1"] {
            assert_eq!(refused_line(line), Refusal::BadTargetForm, "{line}");
        }
    }

    #[test]
    fn an_upgrade_that_is_asked_for_is_ignored() {
        let seen = request("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
        assert_eq!((&seen.target[..], seen.keep_alive), ("/", true));
    }

    #[test]
    fn a_target_without_a_usable_form_is_refused() {
        for line in ["GET a HTTP/1.1", "GET ftp://a/ HTTP/1.1", "GET http:/a HTTP/1.1", "GET ?a HTTP/1.1"] {
            assert_eq!(refused_line(line), Refusal::BadTargetForm, "{line}");
        }
        for line in ["GET http:// HTTP/1.1", "GET http:///a HTTP/1.1", "GET http://u@h/ HTTP/1.1"] {
            assert_eq!(refused_line(line), Refusal::BadHost, "{line}");
        }
        assert_eq!(refused_line("GET /#a HTTP/1.1"), Refusal::BadTarget { found: b'#' });
        assert_eq!(refused_line("GET /\u{e9} HTTP/1.1"), Refusal::BadTarget { found: 0xc3 });
        assert_eq!(refused_line("GET /\0 HTTP/1.1"), Refusal::BadTarget { found: 0 });
        assert_eq!(refused_line("GET /\t HTTP/1.1"), Refusal::BadTarget { found: b'\t' });
    }

    #[test]
    fn http_1_1_needs_one_good_host() {
        assert_eq!(refused_request("GET / HTTP/1.1\r\n\r\n"), Refusal::MissingHost);
        assert_eq!(refused_request("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"), Refusal::RepeatedHost);
        assert_eq!(refused_request("GET / HTTP/1.0\r\nHost: a\r\nhost: a\r\n\r\n"), Refusal::RepeatedHost);
        for host in ["a b", "a/b", "u@a", "a:x", "a,b", "a?b"] {
            assert_eq!(refused_request(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")), Refusal::BadHost, "{host}");
        }
        assert_eq!(request("GET / HTTP/1.1\r\nHost:\r\n\r\n").host.as_deref(), Some(""));
        assert_eq!(request("GET / HTTP/1.0\r\n\r\n").host, None);
    }

    fn small() -> Reader {
        Reader::request(Limits { head_bytes: 100, target_bytes: 20, headers: 3, ..Limits::default() })
    }

    #[test]
    fn limits_of_a_head_are_exact() {
        let fits = |target: usize, pad: usize| {
            let input = format!("GET /{} HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "t".repeat(target), "x".repeat(pad));
            (input.len(), every_way(small, input.as_bytes()).1)
        };
        assert_eq!(fits(19, 0).1, Ok(Eof::Closed));
        assert_eq!(fits(20, 0).1, Err(Refusal::TargetTooLong { limit: 20 }));
        assert_eq!(fits(0, 68), (100, Ok(Eof::Closed)));
        assert_eq!(fits(0, 69), (101, Err(Refusal::HeadTooLarge { limit: 100 })));
        assert_eq!(fits(200, 64).1, Err(Refusal::TargetTooLong { limit: 20 }));
        let three = "GET / HTTP/1.1\r\nHost: a\r\nA:\r\nB:\r\n";
        assert_eq!(every_way(small, format!("{three}\r\n").as_bytes()).1, Ok(Eof::Closed));
        let refusal = Err(Refusal::TooManyHeaders { limit: 3 });
        assert_eq!(every_way(small, format!("{three}C:\r\n\r\n").as_bytes()).1, refusal);
    }

    #[test]
    fn a_head_that_never_ends_is_refused_at_its_limit() {
        for filler in ["x", "\r\n", "G", "a:\r\n"] {
            let input = filler.repeat(200 / filler.len());
            let end = every_way(small, input.as_bytes()).1;
            assert!(end.is_err(), "{filler:?}");
        }
        let empty_lines = "\r\n".repeat(60);
        assert_eq!(every_way(small, empty_lines.as_bytes()).1, Err(Refusal::HeadTooLarge { limit: 100 }));
    }

    #[test]
    fn a_status_line_may_lack_its_reason() {
        for line in ["HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.1 200 Très bien\t!"] {
            assert_eq!(response(format!("{line}\r\nContent-Length: 0\r\n\r\n")).status, 200, "{line}");
        }
    }

    #[test]
    fn what_is_not_a_status_line_is_refused() {
        for line in [
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000",
            "HTTP/1.1 099 X",
            "HTTP/1.1  200 OK",
            "HTTP/1.1 20x OK",
            "HTTP/1.1\t200 OK",
            "HTTP/1.1",
            "HTTP 200",
            "ICY 200 OK",
            "SSH-2.0-OpenSSH_9",
            "HTTP/1.1 200 O\0K",
        ] {
            assert_eq!(
                refused_response(format!("{line}\r\nContent-Length: 0\r\n\r\n")),
                Refusal::BadStatusLine,
                "{line}"
            );
        }
        let other = Refusal::UnsupportedVersion { major: 2, minor: 0 };
        assert_eq!(refused_response("HTTP/2.0 200 OK\r\n\r\n"), other);
        assert_eq!(refused_response("HTTP/1.1 200 OK\n\n"), Refusal::BareLineFeed);
        assert_eq!(refused_response("\r\nHTTP/1.1 200 OK\r\n\r\n"), Refusal::BadStatusLine);
    }
}
