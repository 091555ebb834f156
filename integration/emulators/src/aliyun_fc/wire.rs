//! HTTP/1.1 as the platform speaks it: a client that keeps its connections and reads every answer by its framing. It
//! forgives nothing, so that a wrong length, a missing end or a stray byte between two answers shows.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The names and values of fields, in order.
pub(super) type Headers = Vec<(String, String)>;

/// The framing of a request's body.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body<'a> {
    /// The body is sent with its length.
    Whole(&'a [u8]),
    /// The body is sent in chunks of this many bytes.
    Chunked(&'a [u8], usize),
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The status of the answer.
    pub status: u16,
    /// The fields in order, with names as they were sent.
    pub headers: Vec<(String, String)>,
    /// The number of bytes that it took on the connection.
    pub bytes: usize,
}

impl Head {
    /// Returns the first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns every value of a header, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let same = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        same.map(|(_, value)| value.as_str()).collect()
    }
}

/// The rest of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Length(usize),
    Chunks,
    Close,
    Nothing,
}

/// A connection to the server.
#[derive(Debug)]
pub(super) struct Wire {
    stream: BufReader<TcpStream>,
    rest: Rest,
    /// `true` if the server closes after this answer.
    closing: bool,
}

impl Wire {
    pub(super) fn connect(address: SocketAddr, limit: Duration) -> io::Result<Wire> {
        let stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_nodelay(true)?;
        Ok(Wire { stream: BufReader::with_capacity(64 << 10, stream), rest: Rest::Nothing, closing: false })
    }

    /// Returns `true` if another request may follow.
    pub(super) fn is_free(&self) -> bool {
        self.rest == Rest::Nothing && !self.closing
    }

    pub(super) fn send(&mut self, method: &str, target: &str, headers: &Headers, body: Body<'_>) -> io::Result<()> {
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let (bytes, piece) = match body {
            Body::Whole(bytes) => {
                if !bytes.is_empty() || method == "POST" || method == "PUT" {
                    head.push_str(&format!("Content-Length: {}\r\n", bytes.len()));
                }
                (bytes, None)
            }
            Body::Chunked(bytes, piece) => {
                head.push_str("Transfer-Encoding: chunked\r\n");
                (bytes, Some(piece.max(1)))
            }
        };
        head.push_str("\r\n");
        let mut all = head.into_bytes();
        match piece {
            None => all.extend_from_slice(bytes),
            Some(piece) => {
                for chunk in bytes.chunks(piece) {
                    all.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    all.extend_from_slice(chunk);
                    all.extend_from_slice(b"\r\n");
                }
                all.extend_from_slice(b"0\r\n\r\n");
            }
        }
        self.stream.get_mut().write_all(&all)
    }

    /// Reads the head of the answer to a request of that method, until the moment.
    pub(super) fn head(&mut self, method: &str, until: Instant) -> io::Result<Head> {
        let mut bytes = 0;
        let status_line = self.line(until, &mut bytes)?;
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| wrong(format!("not a status line: {status_line:?}")))?;
        let mut headers = Headers::new();
        loop {
            let line = self.line(until, &mut bytes)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| wrong(format!("not a header: {line:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let head = Head { status, headers, bytes };
        self.closing = head.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        let length = head.all("content-length");
        let coding = head.all("transfer-encoding");
        self.rest = match (method, status, &length[..], &coding[..]) {
            ("HEAD", ..) | (_, 100..=199 | 204 | 304, ..) => Rest::Nothing,
            (_, _, [], [coding]) if coding.eq_ignore_ascii_case("chunked") => Rest::Chunks,
            (_, _, [length], []) => match length.parse() {
                Ok(0) => Rest::Nothing,
                Ok(length) => Rest::Length(length),
                Err(_) => return Err(wrong(format!("not a length: {length:?}"))),
            },
            (_, _, [], []) => Rest::Close,
            _ => return Err(wrong(format!("lengths {length:?} and codings {coding:?} at once"))),
        };
        Ok(head)
    }

    /// Returns the next piece of the body; `None` if it has ended.
    pub(super) fn piece(&mut self, until: Instant) -> io::Result<Option<Vec<u8>>> {
        match self.rest {
            Rest::Nothing => Ok(None),
            Rest::Length(length) => {
                let mut piece = vec![0; length.min(64 << 10)];
                self.exactly(&mut piece, until)?;
                self.rest = if piece.len() == length { Rest::Nothing } else { Rest::Length(length - piece.len()) };
                Ok(Some(piece))
            }
            Rest::Chunks => {
                let line = self.line(until, &mut 0)?;
                let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
                let size = size.map_err(|_| wrong(format!("not the size of a chunk: {line:?}")))?;
                if size == 0 {
                    while !self.line(until, &mut 0)?.is_empty() {}
                    self.rest = Rest::Nothing;
                    return Ok(None);
                }
                let mut piece = vec![0; size];
                self.exactly(&mut piece, until)?;
                if !self.line(until, &mut 0)?.is_empty() {
                    return Err(wrong("a chunk is longer than its size says"));
                }
                Ok(Some(piece))
            }
            Rest::Close => {
                let mut piece = vec![0; 64 << 10];
                let read = self.read(&mut piece, until)?;
                piece.truncate(read);
                if read == 0 {
                    (self.rest, self.closing) = (Rest::Nothing, true);
                }
                Ok((read > 0).then_some(piece))
            }
        }
    }

    /// Returns the rest of the body.
    pub(super) fn body(&mut self, until: Instant) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece(until)? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Returns `true` if the server has ended it, or sent bytes that were not asked for. This is asked between two
    /// requests.
    pub(super) fn is_spoilt(&mut self) -> bool {
        let ready = self.stream.get_ref().set_nonblocking(true).and_then(|()| {
            let found = self.stream.fill_buf().map(<[u8]>::len);
            self.stream.get_ref().set_nonblocking(false).and(found)
        });
        !matches!(ready, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    fn exactly(&mut self, mut bytes: &mut [u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.read(bytes, until)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => bytes = &mut bytes[read..],
            }
        }
        Ok(())
    }

    fn line(&mut self, until: Instant, bytes: &mut usize) -> io::Result<String> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            self.fill(until)?;
            let found = self.stream.buffer();
            if found.is_empty() {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let end = found.iter().position(|byte| *byte == b'\n').map_or(found.len(), |at| at + 1);
            line.extend_from_slice(&found[..end]);
            self.stream.consume(end);
        }
        *bytes += line.len();
        let text = String::from_utf8(line).map_err(|_| wrong("a line that is no text"))?;
        text.strip_suffix("\r\n").map(str::to_owned).ok_or_else(|| wrong(format!("a line without its end: {text:?}")))
    }

    fn read(&mut self, bytes: &mut [u8], until: Instant) -> io::Result<usize> {
        self.fill(until)?;
        self.stream.read(bytes)
    }

    /// Waits until bytes are here to be read. No bytes mean that the server has ended it. A wait that a signal breaks
    /// off, as one with a limit is after a freeze, goes on.
    fn fill(&mut self, until: Instant) -> io::Result<()> {
        loop {
            self.limit(until)?;
            match self.stream.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                filled => return filled.map(|_| ()),
            }
        }
    }

    fn limit(&self, until: Instant) -> io::Result<()> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.get_ref().set_read_timeout(Some(left))
    }
}

/// Returns `true` if the error says that the time was over.
pub(super) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock)
}

fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    const LIMIT: Duration = Duration::from_secs(20);

    /// Returns a server that reads a request up to its end and answers with these bytes.
    fn answering(bytes: &'static [u8]) -> (Wire, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody comes");
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"end") && !request.ends_with(b"0\r\n\r\n") {
                stream.read_exact(&mut byte).expect("a request");
                request.push(byte[0]);
            }
            stream.write_all(bytes).expect("it is open");
            String::from_utf8(request).expect("text")
        });
        (Wire::connect(address, LIMIT).expect("it listens"), server)
    }

    fn until() -> Instant {
        Instant::now() + LIMIT
    }

    #[test]
    fn requests_go_out_with_their_length_or_in_chunks() {
        let headers = vec![("Host".to_owned(), "h".to_owned())];
        let (mut wire, server) = answering(b"");
        wire.send("POST", "/a?b", &headers, Body::Whole(b"end")).expect("it is open");
        assert_eq!(server.join().expect("it ends"), "POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nend");
        let (mut wire, server) = answering(b"");
        wire.send("POST", "/", &headers, Body::Chunked(b"abcde", 3)).expect("it is open");
        let sent = server.join().expect("it ends");
        assert!(sent.ends_with("Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"), "{sent}");
    }

    #[test]
    fn answers_are_read_by_their_framing_and_what_follows_spoils_the_connection() {
        for (answer, body, free, spoilt) in [
            (&b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: 1\r\n\r\nhi"[..], &b"hi"[..], true, false),
            (
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n",
                b"hi!",
                true,
                false,
            ),
            (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", b"", false, false),
            (b"HTTP/1.1 200 OK\r\n\r\nhi", b"hi", false, false),
            (b"HTTP/1.1 204 No Content\r\n\r\nstray", b"", true, true),
        ] {
            let (mut wire, server) = answering(answer);
            wire.send("POST", "/", &Headers::new(), Body::Whole(b"end")).expect("it is open");
            let head = wire.head("POST", until()).expect("a head");
            assert_eq!(head.bytes, answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4);
            assert_eq!(wire.body(until()).expect("a body"), body);
            assert_eq!(wire.is_free(), free);
            server.join().expect("it ends");
            assert!(!spoilt || wire.is_spoilt());
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for answer in [
            &b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"[..],
            b"HTTP/1.0 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n0\r\n\r\n",
            b"HTTP/1.1 2",
        ] {
            let (mut wire, server) = answering(answer);
            wire.send("POST", "/", &Headers::new(), Body::Whole(b"end")).expect("it is open");
            let read = wire.head("POST", until()).and_then(|_| wire.body(until()));
            assert!(read.is_err(), "{}", answer.escape_ascii());
            server.join().expect("it ends");
        }
    }
}
