//! Reading a reply: its head by httparse, its body by RFC 9112, 6.3. Everything has a limit.

use crate::fault::Fault;
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::http::ClientReply;
use httparse::{EMPTY_HEADER, Status};
use std::io::{ErrorKind as Io, Read};

/// The most bytes of a reply's head.
const LARGEST_HEAD: usize = 64 << 10;
/// The most bytes of the line before a chunk, and of all trailers.
const LARGEST_LINE: usize = 8 << 10;
/// The most headers of a reply.
const MOST_HEADERS: usize = 128;
/// The number of bytes up to which a head is parsed anew each time that some come.
const SHORT: usize = 256;
/// The most replies such as 103 that may come before the one that counts.
const MOST_INTERIM: usize = 16;

/// A reply that was read whole, and whether its connection can take another request.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) reply: ClientReply,
    pub(crate) is_reusable: bool,
}

/// The way in which a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    Nothing,
    Length(u64),
    Chunks,
    /// The body ends with the connection.
    Rest,
}

struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    body: Body,
    is_kept: bool,
}

/// Bytes of a connection, of which some have been read ahead.
pub(crate) struct Incoming<'s> {
    stream: &'s mut dyn Read,
    buffer: Vec<u8>,
    /// The number of bytes of the buffer that have been taken.
    at: usize,
    /// `true` once anything has come.
    pub(crate) has_begun: bool,
}

fn torn() -> Fault {
    Fault::failed("the connection ended within the reply")
}

fn garbage(what: &str) -> Fault {
    Fault::failed(format!("the reply is no HTTP: {what}"))
}

impl<'s> Incoming<'s> {
    pub(crate) fn new(stream: &'s mut dyn Read) -> Incoming<'s> {
        Incoming { stream, buffer: Vec::new(), at: 0, has_begun: false }
    }

    /// Returns the bytes that have come and were not taken.
    fn ahead(&self) -> &[u8] {
        &self.buffer[self.at..]
    }

    fn pass(&mut self, count: usize) {
        self.at += count;
    }

    /// Forgets the bytes that were taken.
    fn compact(&mut self) {
        self.buffer.drain(..self.at);
        self.at = 0;
    }

    /// Reads more bytes. Returns `false` at the end of the connection.
    fn more(&mut self) -> Result<bool, Fault> {
        // The bytes that are moved are fewer than those taken since: small pieces do not move large ones again and
        // again.
        if self.at > self.buffer.len() / 2 {
            self.compact();
        }
        let mut piece = [0; 16 << 10];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(false),
                Ok(count) => {
                    self.has_begun = true;
                    self.buffer.extend_from_slice(&piece[..count]);
                    return Ok(true);
                }
                Err(error) if error.kind() == Io::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn need_more(&mut self) -> Result<(), Fault> {
        if self.more()? { Ok(()) } else { Err(torn()) }
    }

    /// Reads the reply to a request of that method, whose body has at most `most` bytes.
    pub(crate) fn read(&mut self, method: &str, most: u64) -> Result<Whole, Fault> {
        let head = self.final_head(method)?;
        let too_big = || Fault::new(ServiceErrorKind::TooBig, format!("the body is longer than {most} bytes"));
        let body = match head.body {
            Body::Nothing => Vec::new(),
            Body::Length(length) if length > most => return Err(too_big()),
            Body::Length(length) => self.take(usize::try_from(length).map_err(|_| too_big())?)?,
            Body::Chunks => self.chunks(most)?.ok_or_else(too_big)?,
            Body::Rest => loop {
                if self.ahead().len() as u64 > most {
                    return Err(too_big());
                }
                if !self.more()? {
                    break self.take(self.ahead().len())?;
                }
            },
        };
        // Bytes that were not asked for would be taken for the next reply.
        let is_reusable = head.is_kept && head.body != Body::Rest && self.ahead().is_empty();
        let mut reply = ClientReply::new(head.status).with_body(body);
        for (name, value) in head.headers {
            reply = reply.with_header(name, value);
        }
        Ok(Whole { reply, is_reusable })
    }

    /// Reads the head of a proxy's answer to CONNECT, which has no body if it is good. Returns its status.
    pub(crate) fn connected(&mut self) -> Result<u16, Fault> {
        let head = self.final_head("HEAD")?;
        if head.status == 200 && !self.ahead().is_empty() {
            return Err(garbage("a proxy speaks before it is asked"));
        }
        Ok(head.status)
    }

    fn final_head(&mut self, method: &str) -> Result<Head, Fault> {
        for _ in 0..MOST_INTERIM {
            // The head does not end before this place.
            let mut searched = 0;
            let head = loop {
                let has_end = has_end(&self.ahead()[searched..]);
                searched = self.ahead().len().saturating_sub(3);
                // Text that is no HTTP shows in its first bytes. After that a head is read once, however slowly it
                // comes.
                let found = if has_end || self.ahead().len() < SHORT { head(self.ahead(), method)? } else { None };
                match found {
                    Some((head, length)) => {
                        self.pass(length);
                        break head;
                    }
                    None if self.ahead().len() > LARGEST_HEAD => {
                        return Err(Fault::failed(format!(
                            "the head of the reply is longer than {LARGEST_HEAD} bytes"
                        )));
                    }
                    None => {
                        let was_begun = self.has_begun;
                        if !self.more()? {
                            let silent = "the connection ended without a reply";
                            return Err(if was_begun { torn() } else { Fault::failed(silent) });
                        }
                    }
                }
            };
            match head.status {
                200..=599 => return Ok(head),
                101 => return Err(garbage("it changes the protocol, which nobody has asked for")),
                100..=199 => {}
                _ => return Err(garbage("its status is not from 100 to 599")),
            }
        }
        Err(garbage("it has too many interim replies"))
    }

    /// Reads until this number of bytes is there.
    fn need(&mut self, count: usize) -> Result<(), Fault> {
        while self.ahead().len() < count {
            self.need_more()?;
        }
        Ok(())
    }

    /// Returns the next `count` bytes, without a copy of them.
    fn take(&mut self, count: usize) -> Result<Vec<u8>, Fault> {
        self.compact();
        self.need(count)?;
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Returns a body in chunks; `None` if it is longer than it may be.
    fn chunks(&mut self, most: u64) -> Result<Option<Vec<u8>>, Fault> {
        let mut body = Vec::new();
        loop {
            let (length, size) = loop {
                match httparse::parse_chunk_size(self.ahead()) {
                    Ok(Status::Complete(found)) => break found,
                    Ok(Status::Partial) if self.ahead().len() <= LARGEST_LINE => self.need_more()?,
                    _ => return Err(garbage("the size of a chunk is no hexadecimal number")),
                }
            };
            self.pass(length);
            if size == 0 {
                return self.trailers().map(|()| Some(body));
            }
            if size > most.saturating_sub(body.len() as u64) {
                return Ok(None);
            }
            let with_end = usize::try_from(size).ok().and_then(|size| size.checked_add(2));
            let Some(with_end) = with_end else { return Ok(None) };
            self.need(with_end)?;
            let (data, end) = self.ahead()[..with_end].split_at(with_end - 2);
            body.extend_from_slice(data);
            if end != b"\r\n" {
                return Err(garbage("a chunk is longer than its size"));
            }
            self.pass(with_end);
        }
    }

    /// Passes over the trailers behind the last chunk.
    fn trailers(&mut self) -> Result<(), Fault> {
        let mut passed = 0;
        loop {
            if let Some(at) = self.ahead().windows(2).position(|bytes| bytes == b"\r\n") {
                self.pass(at + 2);
                if at == 0 {
                    return Ok(());
                }
                passed += at;
            } else {
                self.need_more()?;
            }
            if passed + self.ahead().len() > LARGEST_LINE {
                return Err(garbage("its trailers are too long"));
            }
        }
    }
}

/// Returns `true` if an empty line is among these bytes.
fn has_end(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(4).any(|four| four == b"\r\n\r\n")
}

/// Reads a head, and returns it with its length; `None` if it is not there whole.
fn head(bytes: &[u8], method: &str) -> Result<Option<(Head, usize)>, Fault> {
    let mut fields = [EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut fields);
    let length = match response.parse(bytes) {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(garbage(&error.to_string())),
    };
    let status = response.code.unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers: Vec<(String, String)> =
        response.headers.iter().map(|field| (field.name.to_ascii_lowercase(), text(field.value))).collect();
    let all = |name: &'static str| {
        let of_name = headers.iter().filter(move |(other, _)| other == name);
        of_name.flat_map(|(_, value)| value.split(',')).map(str::trim)
    };
    let is_kept = response.version == Some(1) && !all("connection").any(|word| word.eq_ignore_ascii_case("close"));
    let codings: Vec<&str> = all("transfer-encoding").collect();
    let lengths: Vec<&str> = all("content-length").collect();
    let has_none = method == "HEAD" || matches!(status, 100..=199 | 204 | 304);
    let body = match (codings.as_slice(), lengths.as_slice()) {
        _ if has_none => Body::Nothing,
        ([coding], _) if coding.eq_ignore_ascii_case("chunked") => Body::Chunks,
        ([_, ..], _) => return Err(garbage("its transfer coding is not chunked")),
        ([], []) => Body::Rest,
        ([], [first, others @ ..]) => {
            let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
            let number = first.parse().ok().filter(|_| is_number && others.iter().all(|other| other == first));
            Body::Length(
                number.ok_or_else(|| garbage("its Content-Length is no number, or there are two that differ"))?,
            )
        }
    };
    // A reply with both may be two to another reader (RFC 9112, 6.3): its connection is of no use any more.
    let is_kept = is_kept && (codings.is_empty() || lengths.is_empty());
    Ok(Some((Head { status, headers, body, is_kept }, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads these bytes, which come one by one. Returns status and body, and whether the connection is of use.
    fn read(method: &str, bytes: &[u8], most: u64) -> Result<(u16, Vec<u8>, bool), ServiceErrorKind> {
        struct OneByOne<'b>(&'b [u8]);

        impl Read for OneByOne<'_> {
            fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
                let count = self.0.len().min(1);
                into[..count].copy_from_slice(&self.0[..count]);
                self.0 = &self.0[count..];
                Ok(count)
            }
        }

        let read = |stream: &mut dyn Read| Incoming::new(stream).read(method, most);
        let slowly = read(&mut OneByOne(bytes)).map_err(|fault| fault.kind);
        let at_once = read(&mut &*bytes).map_err(|fault| fault.kind);
        let seen = |whole: Whole| (whole.reply.status(), whole.reply.body().to_vec(), whole.is_reusable);
        let (slowly, at_once) = (slowly.map(seen), at_once.map(seen));
        let plain = |read: &Result<(u16, Vec<u8>, bool), ServiceErrorKind>| {
            read.clone().map(|(status, body, _)| (status, body))
        };
        assert_eq!(plain(&slowly), plain(&at_once), "however it comes");
        at_once
    }

    #[test]
    fn a_body_ends_where_the_head_says() {
        for (method, bytes, status, body, is_reusable) in [
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", true),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nab", 200, "ab", true),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc", 200, "ab", false),
            ("GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false),
            ("GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab", 200, "ab", false),
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", 200, "", true),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", true),
            ("GET", "HTTP/1.1 200 OK\r\n\r\nall of it", 200, "all of it", false),
            ("GET", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x", true),
            (
                "GET",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\na\r\nA\r\n0123456789\r\n0\r\nt: 1\r\n\r\n",
                200,
                "a0123456789",
                true,
            ),
            (
                "GET",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
                200,
                "",
                false,
            ),
        ] {
            let expected = Ok((status, body.as_bytes().to_vec(), is_reusable));
            assert_eq!(read(method, bytes.as_bytes(), 100), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_reply_or_ends_early_has_failed() {
        for bytes in [
            "",
            "HTTP/1.1 200 OK\r\nContent-Le",
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\na",
            "HTTP/1.1 101 Switching Protocols\r\n\r\n",
            "HTTP/1.1 999 What\r\n\r\n",
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.1 200 OK\r\n a: folded\r\n\r\n",
        ] {
            assert_eq!(read("GET", bytes.as_bytes(), 100), Err(ServiceErrorKind::Failed), "{bytes:?}");
        }
    }

    #[test]
    fn nothing_is_longer_than_it_may_be() {
        for bytes in [
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456".to_owned(),
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\n\r\n123456".to_owned(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n3\r\n".to_owned(),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_owned(),
        ] {
            assert_eq!(read("GET", bytes.as_bytes(), 5), Err(ServiceErrorKind::TooBig), "{bytes:?}");
        }
        let largest = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n";
        assert_eq!(read("GET", largest, u64::MAX), Err(ServiceErrorKind::TooBig));
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(LARGEST_HEAD));
        assert_eq!(read("GET", endless.as_bytes(), 5), Err(ServiceErrorKind::Failed));
        let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(MOST_INTERIM + 1);
        assert_eq!(read("GET", interim.as_bytes(), 5), Err(ServiceErrorKind::Failed));
    }
}
