//! One POST to the collector, over a plain socket. Nothing here waits longer than it is told.

use crate::message::rejected;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// The address of a collector: `http://host:port/path`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The host and port, as they stand in `Host`.
    authority: String,
    path: String,
}

/// The result of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The collector took it, but for this number of parts.
    Taken { rejected: u64 },
    /// The collector did not take it now. It may take the same later, after the pause that it asks for.
    NotNow(String, Option<Duration>),
    /// The collector will never take it.
    Refused(String),
}

/// The reply of a collector.
#[derive(Debug, PartialEq, Eq)]
struct Reply {
    status: u16,
    /// The seconds of `Retry-After`; `None` without one. A date is not read.
    pause: Option<Duration>,
    body: Vec<u8>,
}

/// The most bytes of a reply that are read.
const LARGEST: u64 = 64 << 10;

impl Endpoint {
    /// Reads a URL.
    ///
    /// # Errors
    /// The text is no such URL. The words say what was expected.
    pub fn read(url: &str) -> Result<Endpoint, &'static str> {
        const EXPECTED: &str = "a URL such as http://localhost:4318/v1/traces";
        if url.starts_with("https://") {
            return Err(
                "a URL with http://: this layer has no TLS. Send to a collector beside it, which speaks TLS onward",
            );
        }
        let rest = url.strip_prefix("http://").ok_or(EXPECTED)?;
        let (authority, path) = rest.find('/').map_or((rest, "/"), |at| rest.split_at(at));
        let is_clean = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let has_port = authority.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && (host.ends_with(']') || !host.contains(':')) && port.parse::<u16>().is_ok()
        });
        let has_host = !authority.is_empty() && !authority.contains('@') && !authority.ends_with(':');
        if !has_host || !is_clean(authority) || !is_clean(path) || !has_port && authority.contains(':') {
            return Err(EXPECTED);
        }
        let authority = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        Ok(Endpoint { authority, path: path.to_owned() })
    }

    /// Sends a request and reads the reply, within that time.
    pub(crate) fn post(&self, headers: &[(String, String)], body: &[u8], limit: Duration) -> Sent {
        match self.exchange(headers, body, Instant::now() + limit) {
            Ok(Reply { status: 200..=299, body, .. }) => Sent::Taken { rejected: rejected(&body) },
            Ok(Reply { status: status @ (408 | 429 | 502..=504), pause, .. }) => {
                Sent::NotNow(format!("it answers {status}"), pause)
            }
            Ok(Reply { status, .. }) => Sent::Refused(format!("it answers {status}")),
            Err(error) if error.kind() == ErrorKind::InvalidData => Sent::Refused(error.to_string()),
            Err(error) => Sent::NotNow(error.to_string(), None),
        }
    }

    fn exchange(&self, headers: &[(String, String)], body: &[u8], end: Instant) -> io::Result<Reply> {
        let mut stream = self.connect(end)?;
        let mut head = format!("POST {} HTTP/1.1\r\nHost: {}\r\n", self.path, self.authority);
        head.push_str("Content-Type: application/x-protobuf\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        for mut rest in [head.as_bytes(), body] {
            while !rest.is_empty() {
                stream.set_write_timeout(Some(left(end)?))?;
                match stream.write(rest) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
        let mut reply = Vec::new();
        let mut piece = [0; 4096];
        while !is_whole(&reply) && (reply.len() as u64) < LARGEST {
            stream.set_read_timeout(Some(left(end)?))?;
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => reply.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        parse(&reply)
    }

    fn connect(&self, end: Instant) -> io::Result<TcpStream> {
        let mut last = io::Error::new(ErrorKind::NotFound, "its name has no address");
        for address in self.authority.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, left(end)?) {
                Ok(stream) => return Ok(stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn head_end(reply: &[u8]) -> Option<usize> {
    reply.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4)
}

/// Returns the value of a header in a reply's head; `name` is in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.trim())
}

/// Returns `true` if all bytes are there that the head promises. Without a promise the reply ends with the connection.
fn is_whole(reply: &[u8]) -> bool {
    let Some(end) = head_end(reply) else { return false };
    let head = String::from_utf8_lossy(&reply[..end]).to_ascii_lowercase();
    let length = header(&head, "content-length").and_then(|length| length.parse::<usize>().ok());
    length.is_some_and(|length| reply.len() - end >= length)
}

/// Reads a reply. Bytes that do not begin as HTTP are not a collector's. A reply that ends within its head is cut
/// short.
fn parse(reply: &[u8]) -> io::Result<Reply> {
    if reply.is_empty() {
        return Err(io::Error::new(ErrorKind::UnexpectedEof, "it hangs up without an answer"));
    }
    let wrong = || io::Error::new(ErrorKind::InvalidData, "what answers is no HTTP server");
    let status = reply.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5)).ok_or_else(wrong)?;
    let status = std::str::from_utf8(status).ok().and_then(|text| text.parse().ok()).ok_or_else(wrong)?;
    let cut = || io::Error::new(ErrorKind::UnexpectedEof, "it hangs up in the middle of its answer");
    let end = head_end(reply).ok_or_else(cut)?;
    let head = String::from_utf8_lossy(&reply[..end]).to_ascii_lowercase();
    let pause = header(&head, "retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
    Ok(Reply { status, pause, body: reply[end..].to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_url_of_plain_http() {
        for (url, authority, path) in [
            ("http://localhost:4318/v1/traces", "localhost:4318", "/v1/traces"),
            ("http://otel", "otel:80", "/"),
            ("http://[::1]:4318/x?y", "[::1]:4318", "/x?y"),
        ] {
            let expected = Endpoint { authority: authority.to_owned(), path: path.to_owned() };
            assert_eq!(Endpoint::read(url), Ok(expected), "{url}");
        }
        for url in [
            "",
            "localhost:4318",
            "http://",
            "http://:4318",
            "http://a:b",
            "http://a b",
            "http://u@a",
            "http://a:",
            "http://a/\n",
        ] {
            assert!(Endpoint::read(url).is_err(), "{url:?}");
        }
        assert!(Endpoint::read("https://otel").is_err_and(|why| why.contains("no TLS")));
    }

    #[test]
    fn a_reply_is_whole_when_its_length_is_there() {
        let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab";
        assert!(is_whole(reply) && !is_whole(&reply[..reply.len() - 1]));
        assert_eq!(parse(reply).expect("it is HTTP"), Reply { status: 200, pause: None, body: b"ab".to_vec() });
        let full = parse(b"HTTP/1.1 429 Full\r\nRetry-After: 7\r\n\r\n").expect("it is HTTP");
        assert_eq!((full.status, full.pause), (429, Some(Duration::from_secs(7))));
        assert_eq!(parse(b"HTTP/1.1 200 OK\r\nCont").expect_err("it is cut").kind(), ErrorKind::UnexpectedEof);
        assert_eq!(parse(b"SSH-2.0-x").expect_err("it is none").kind(), ErrorKind::InvalidData);
        assert_eq!(parse(b"").expect_err("nothing").kind(), ErrorKind::UnexpectedEof);
    }
}
