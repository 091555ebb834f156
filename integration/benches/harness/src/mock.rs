//! AWS' Runtime API as thin as it gets: one thread, one buffer a connection, nothing allocated for an invocation, so
//! that the runtime alone is measured. It still checks every answer, which must name its invocation.

use crate::sys::Epoll;
use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// The time after which a silent runtime is taken to be lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// The control plane of one process.
#[derive(Debug)]
pub struct Mock {
    listener: TcpListener,
    epoll: Epoll,
    connections: BTreeMap<RawFd, Connection>,
    /// The connection whose poll waits for its event.
    parked: Option<RawFd>,
    count: u64,
    id: String,
    head: Vec<u8>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    bytes: Vec<u8>,
    filled: usize,
}

/// Returns `true` if this is the body of a right answer.
pub type Check<'a> = &'a dyn Fn(&[u8]) -> bool;

/// The times of one invocation.
#[derive(Clone, Copy, Debug)]
pub struct Trip {
    /// The time from just before the event is written until the answer has been read whole.
    pub round_trip: Duration,
}

/// A whole request: its length, and the places of its parts.
struct Request {
    line: std::ops::Range<usize>,
    body: std::ops::Range<usize>,
    size: usize,
}

impl Mock {
    /// Listens on a port of its own.
    ///
    /// # Errors
    /// The system refuses, with its own error.
    pub fn new() -> io::Result<Mock> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let epoll = Epoll::new()?;
        epoll.add(listener.as_raw_fd())?;
        let (id, head) = (String::new(), Vec::new());
        Ok(Mock { listener, epoll, connections: BTreeMap::new(), parked: None, count: 0, id, head })
    }

    /// Returns the address as `host:port`.
    ///
    /// # Errors
    /// The system refuses, with its own error.
    pub fn endpoint(&self) -> io::Result<String> {
        self.listener.local_addr().map(|address| address.to_string())
    }

    /// Waits until a poll has been read whole.
    ///
    /// # Errors
    /// The runtime reports a failure, breaks the protocol or says nothing.
    pub fn poll(&mut self) -> io::Result<()> {
        while self.parked.is_none() {
            self.step(None)?;
        }
        Ok(())
    }

    /// Hands `event` to the parked poll and waits for the answer, whose body `check` accepts or not.
    ///
    /// # Errors
    /// It fails as [`poll`](Self::poll) does, and if the answer is an error or a wrong one.
    pub fn invoke(&mut self, event: &[u8], check: Check<'_>) -> io::Result<Trip> {
        self.poll()?;
        self.write_head(event.len());
        let fd = self.parked.take().ok_or_else(|| io::Error::other("no poll is parked"))?;
        let connection = self.connections.get(&fd).ok_or_else(|| io::Error::other("the parked poll is gone"))?;
        let began = Instant::now();
        write_both(&connection.stream, &self.head, event)?;
        let ended = loop {
            if let Some(ended) = self.step(Some(check))? {
                break ended;
            }
        };
        Ok(Trip { round_trip: ended - began })
    }

    fn write_head(&mut self, length: usize) {
        self.count += 1;
        self.id.clear();
        self.head.clear();
        // Writing into memory cannot fail.
        let _ = std::fmt::Write::write_fmt(&mut self.id, format_args!("8476a536-e9f4-11e8-9739-{:012x}", self.count));
        let deadline = std::time::SystemTime::now() + Duration::from_secs(60);
        let deadline = deadline.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let _ = write!(
            self.head,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {}\r\n\
             Lambda-Runtime-Deadline-Ms: {deadline}\r\n\
             Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-2:123456789012:function:bench\r\n\
             Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1\r\n\
             Content-Length: {length}\r\n\r\n",
            self.id
        );
    }

    /// Waits for one socket and serves it. Returns the moment at which an answer was whole, if this was one.
    fn step(&mut self, check: Option<Check<'_>>) -> io::Result<Option<Instant>> {
        let Some(fd) = self.epoll.wait(PATIENCE)? else {
            return Err(io::Error::other("the runtime says nothing"));
        };
        if fd == self.listener.as_raw_fd() {
            let (stream, _) = self.listener.accept()?;
            stream.set_nodelay(true)?;
            self.epoll.add(stream.as_raw_fd())?;
            let connection = Connection { stream, bytes: vec![0; 64 << 10], filled: 0 };
            self.connections.insert(connection.stream.as_raw_fd(), connection);
            return Ok(None);
        }
        let Some(connection) = self.connections.get_mut(&fd) else { return Ok(None) };
        if connection.read()? == 0 {
            self.connections.remove(&fd);
            if self.connections.is_empty() {
                return Err(io::Error::other("the runtime has closed its last connection"));
            }
            return Ok(None);
        }
        let mut ended = None;
        while let Some(request) = connection.request()? {
            let line = &connection.bytes[request.line.clone()];
            if line.starts_with(b"GET /2018-06-01/runtime/invocation/next ") {
                self.parked = Some(fd);
            } else if line.starts_with(b"POST /2018-06-01/runtime/invocation/") {
                let now = Instant::now();
                let body = &connection.bytes[request.body.clone()];
                let path = &line[b"POST /2018-06-01/runtime/invocation/".len()..];
                let mine = path.strip_prefix(self.id.as_bytes()).is_some_and(|rest| rest.starts_with(b"/response "));
                if !mine || !check.is_some_and(|check| check(body)) {
                    let start = String::from_utf8_lossy(&body[..body.len().min(300)]).into_owned();
                    return Err(io::Error::other(format!("{}: {start}", String::from_utf8_lossy(line))));
                }
                ended = Some(now);
                (&connection.stream).write_all(ACCEPTED)?;
            } else if line.starts_with(b"POST /2020-01-01/extension/register ") {
                (&connection.stream).write_all(REGISTERED)?;
            } else if !line.starts_with(b"GET /2020-01-01/extension/event/next ") {
                let body = String::from_utf8_lossy(&connection.bytes[request.body.clone()]).into_owned();
                return Err(io::Error::other(format!("{}: {body}", String::from_utf8_lossy(line))));
            }
            connection.drop_front(request.size);
        }
        Ok(ended)
    }
}

const ACCEPTED: &[u8] =
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"status\":\"OK\"}\n";
const REGISTERED: &[u8] = b"HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: 21c81ddf-a90c-4d4a-b5b6-7d3a6b3a4f10\r\n\
    Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";

impl Connection {
    fn read(&mut self) -> io::Result<usize> {
        if self.filled == self.bytes.len() {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
        match (&self.stream).read(&mut self.bytes[self.filled..]) {
            Ok(read) => {
                self.filled += read;
                Ok(read)
            }
            // A process that was ended with unread bytes resets its connection.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Returns the first request, if it is whole. A chunked body is decoded in place, once all of it is here.
    fn request(&mut self) -> io::Result<Option<Request>> {
        let bytes = &mut self.bytes[..self.filled];
        let Some(head) = find(bytes, b"\r\n\r\n").map(|at| at + 4) else { return Ok(None) };
        let line = 0..find(bytes, b"\r\n").unwrap_or(0);
        let (mut length, mut chunked) = (0, false);
        for header in bytes[line.end..head].split(|byte| *byte == b'\n') {
            if let Some(value) = header_value(header, "content-length:") {
                length = value.parse().map_err(io::Error::other)?;
            } else if header_value(header, "transfer-encoding:").is_some() {
                chunked = true;
            }
        }
        if !chunked {
            let size = head + length;
            if self.bytes.len() < size {
                self.bytes.resize(size, 0);
            }
            return Ok((self.filled >= size).then_some(Request { line, body: head..size, size }));
        }
        if !bytes.ends_with(b"\r\n0\r\n\r\n") {
            return Ok(None);
        }
        let (mut at, mut end) = (head, head);
        loop {
            let eol = find(&bytes[at..], b"\r\n").ok_or_else(|| io::Error::other("a chunk has no size"))?;
            let size = std::str::from_utf8(&bytes[at..at + eol]).map_err(io::Error::other)?;
            let size = usize::from_str_radix(size, 16).map_err(io::Error::other)?;
            at += eol + 2;
            if at + size + 2 > bytes.len() {
                return Err(io::Error::other("a chunk is longer than the request"));
            }
            bytes.copy_within(at..at + size, end);
            end += size;
            at += size + 2;
            if size == 0 {
                return Ok(Some(Request { line, body: head..end, size: at }));
            }
        }
    }

    fn drop_front(&mut self, size: usize) {
        self.bytes.copy_within(size..self.filled, 0);
        self.filled -= size;
    }
}

fn header_value<'a>(header: &'a [u8], name: &str) -> Option<&'a str> {
    let start = header.get(..name.len())?;
    start.eq_ignore_ascii_case(name.as_bytes()).then(|| std::str::from_utf8(&header[name.len()..]).ok())?.map(str::trim)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(bytes, what)
}

fn write_both(mut stream: &TcpStream, head: &[u8], body: &[u8]) -> io::Result<()> {
    let written = stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)])?;
    match written.checked_sub(head.len()) {
        Some(of_body) => stream.write_all(&body[of_body..]),
        None => {
            stream.write_all(&head[written..])?;
            stream.write_all(body)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(bytes: &[u8]) -> Connection {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        Connection { stream, bytes: bytes.to_vec(), filled: bytes.len() }
    }

    #[test]
    fn a_chunked_answer_is_whole_only_with_its_last_chunk() {
        let text = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert!(connection(&text[..text.len() - 1]).request().unwrap().is_none());
        let mut whole = connection(text);
        let request = whole.request().unwrap().unwrap();
        assert_eq!(&whole.bytes[request.body], b"abcde");
        assert_eq!(request.size, text.len());
    }

    #[test]
    fn what_follows_a_request_stays() {
        let mut two = connection(b"POST /a HTTP/1.1\r\ncontent-length: 2\r\n\r\nokGET /b HTTP/1.1\r\n\r\n");
        let first = two.request().unwrap().unwrap();
        assert_eq!(&two.bytes[first.body], b"ok");
        two.drop_front(first.size);
        let second = two.request().unwrap().unwrap();
        assert_eq!(&two.bytes[second.line], b"GET /b HTTP/1.1");
    }
}
