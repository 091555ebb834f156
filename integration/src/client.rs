//! An HTTP client on a bare socket: it sends exactly the bytes it is given, in the pieces it is given them, and reads
//! replies by their framing. It trusts nothing, so that a wrong length or a missing end shows.

use crate::wait;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

pub use platform_emulators::wire::Answer as Reply;

/// One connection to a server.
pub struct Client {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Client {
    /// Connects to the server.
    ///
    /// # Errors
    /// The connection is refused, or nobody is there.
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(wait::limit()))?;
        Ok(Client { stream: BufReader::new(stream), address })
    }

    /// Returns a second handle for sending, so that one thread sends a body while another already reads the reply.
    ///
    /// # Errors
    /// No descriptor is left.
    pub fn sender(&self) -> io::Result<TcpStream> {
        self.stream.get_ref().try_clone()
    }

    /// Waits for the first byte of a reply: `false` if the connection ends in order before it.
    ///
    /// # Errors
    /// The connection is reset, or no bytes come within the limit.
    pub fn begins(&mut self) -> io::Result<bool> {
        Ok(!self.stream.fill_buf()?.is_empty())
    }

    /// Returns the address of this end.
    ///
    /// # Errors
    /// The socket has no address any more.
    pub fn local(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().local_addr()
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Ends the sending side only.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stream.get_mut().shutdown(Shutdown::Write)
    }

    /// Sends a whole request; `headers` are further lines, each ended by CRLF. A body is sent with its length.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn request(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> io::Result<()> {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}", self.address);
        if !body.is_empty() || method == "POST" {
            bytes.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        bytes.push_str("\r\n");
        let mut bytes = bytes.into_bytes();
        bytes.extend_from_slice(body);
        self.send(&bytes)
    }

    /// Reads one reply to a request with a method other than HEAD.
    ///
    /// # Errors
    /// The bytes are not HTTP or cut short, or no bytes come within the limit.
    pub fn read(&mut self) -> io::Result<Reply> {
        self.read_reply(false)
    }

    /// Reads status and headers alone, of a reply whose body is still being made.
    ///
    /// # Errors
    /// It fails as [`Client::read`] does.
    pub fn head(&mut self) -> io::Result<Reply> {
        self.read_reply(true)
    }

    /// Reads one chunk; the last one is empty.
    ///
    /// # Errors
    /// The bytes are no chunk or cut short, or no bytes come within the limit.
    pub fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let line = self.line()?;
        let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16);
        let size = size.map_err(|_| io::Error::other(format!("not the size of a chunk: {line:?}")))?;
        let mut chunk = vec![0; size];
        if size == 0 {
            self.fields()?;
            return Ok(chunk);
        }
        self.stream.read_exact(&mut chunk)?;
        if self.line()?.is_empty() { Ok(chunk) } else { Err(io::Error::other("a chunk is longer than its size says")) }
    }

    /// Sends a request, and returns its reply.
    ///
    /// # Errors
    /// It fails as sending and reading do.
    pub fn call(&mut self, method: &str, target: &str, headers: &str, body: &[u8]) -> io::Result<Reply> {
        self.request(method, target, headers, body)?;
        self.read_reply(method == "HEAD")
    }

    /// Sends all of `bytes`, or as many as the server takes before it closes the connection or does not take more for
    /// `patience`. Returns how many were sent.
    ///
    /// # Errors
    /// The socket has no such limit.
    pub fn push(&mut self, bytes: &[u8], patience: Duration) -> io::Result<usize> {
        let socket = self.stream.get_mut();
        socket.set_write_timeout(Some(patience))?;
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match socket.write(rest) {
                Ok(written) if written > 0 => sent += written,
                _ => break,
            }
        }
        socket.set_write_timeout(None)?;
        Ok(sent)
    }

    /// Returns the first bytes of a reply, as many as are there by then; `None` if nothing comes for `patience`.
    ///
    /// # Errors
    /// The connection ended, in order or by a reset.
    pub fn glance(&mut self, patience: Duration) -> io::Result<Option<Vec<u8>>> {
        self.stream.get_ref().set_read_timeout(Some(patience))?;
        let seen = match self.stream.fill_buf() {
            Ok([]) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => Ok(None),
            Err(error) => Err(error),
        };
        self.stream.get_ref().set_read_timeout(Some(wait::limit()))?;
        seen
    }

    /// Reads all bytes until the server closes.
    ///
    /// # Errors
    /// The connection is reset, or does not end within the limit.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// Reads a reply. With `head_only` it is that to a HEAD, which has no body, whatever its headers say.
    fn read_reply(&mut self, head_only: bool) -> io::Result<Reply> {
        let status_line = self.line()?;
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("not a status line: {status_line:?}")))?;
        let headers = self.fields()?;
        let mut reply = Reply { status, headers, body: Vec::new(), closes: false };
        reply.closes = reply.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if head_only || matches!(status, 100..=199 | 204 | 304) {
            return Ok(reply);
        }
        if reply.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            loop {
                let chunk = self.chunk()?;
                if chunk.is_empty() {
                    break;
                }
                reply.body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = reply.header("content-length") {
            let length = length.parse().map_err(|_| io::Error::other(format!("bad length {length:?}")))?;
            reply.body.resize(length, 0);
            self.stream.read_exact(&mut reply.body)?;
        } else {
            self.stream.read_to_end(&mut reply.body)?;
        }
        Ok(reply)
    }

    fn fields(&mut self) -> io::Result<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| io::Error::other(format!("not a header: {line:?}")))?;
            fields.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(line)
    }
}
