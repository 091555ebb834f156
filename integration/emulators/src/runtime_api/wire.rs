//! Requests and replies as bytes: HTTP/1.1 with lengths. Header names keep their spelling both ways, underscores
//! included.

use std::io;
use std::time::Instant;
use tokio::net::TcpStream;

/// The names and values of fields, in order.
pub(crate) type Headers = Vec<(String, String)>;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The time at which its head was whole.
    pub at: Instant,
    /// The method of the request.
    pub method: String,
    /// The path and query of the request.
    pub path: String,
    /// The fields in order, with names as they were sent.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The status of its answer; `None` if it was not answered.
    pub status: Option<u16>,
}

impl Seen {
    /// Returns the first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the method and the path, as in `POST /path`.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// A reply of the control plane.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into() }
    }

    /// Returns head and body as bytes.
    pub(super) fn render(&self) -> (Vec<u8>, &[u8]) {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        (head.into_bytes(), if self.status == 204 { &[] } else { &self.body })
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        400..=499 => "Bad Request",
        500.. => "Internal Server Error",
        _ => "Status",
    }
}

/// Reads one request; `None` at the end of the connection.
pub(super) async fn read_request(stream: &TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Seen>> {
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if !read_some(stream, buffer).await? {
            return if buffer.is_empty() { Ok(None) } else { Err(broken("a request ends in its head")) };
        }
    };
    let at = Instant::now();
    let head = String::from_utf8(buffer[..head_end].to_vec()).map_err(|_| broken("a head that is no text"))?;
    let mut lines = head.trim_end_matches("\r\n").split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(path), Some("HTTP/1.1"), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(broken("not a request line of HTTP/1.1"));
    };
    let mut seen = Seen {
        at,
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        status: None,
    };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or_else(|| broken("a header without a colon"))?;
        seen.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let length = match seen.header("content-length") {
        Some(text) => text.parse::<usize>().map_err(|_| broken("a length that is no number"))?,
        None if seen.header("transfer-encoding").is_some() => return Err(broken("a body without a length")),
        None => 0,
    };
    while buffer.len() < head_end + length {
        if !read_some(stream, buffer).await? {
            return Err(broken("a request ends in its body"));
        }
    }
    seen.body = buffer[head_end..head_end + length].to_vec();
    buffer.drain(..head_end + length);
    Ok(Some(seen))
}

/// Adds the bytes that have come; `false` at the end.
async fn read_some(stream: &TcpStream, buffer: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = vec![0; 64 << 10];
    loop {
        stream.readable().await?;
        match stream.try_read(&mut chunk) {
            Ok(0) => return Ok(false),
            Ok(read) => {
                buffer.extend_from_slice(&chunk[..read]);
                return Ok(true);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

pub(super) async fn write_all(stream: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        stream.writable().await?;
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Returns when the other side has gone. Bytes that it sends meanwhile stay unread.
pub(super) async fn peer_gone(stream: &TcpStream) {
    if let Ok(1..) = stream.peek(&mut [0]).await {
        std::future::pending::<()>().await;
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
