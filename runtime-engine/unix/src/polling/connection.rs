//! A keep-alive connection to the control plane.

use crate::sys;
use faas_core::http1::{Eof, Limits, Message, ReadProgress, Reader, Refusal};
use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

/// The limit to connecting. The control plane is on this machine or next to it: if it does not answer soon, it never
/// will.
const CONNECT: Duration = Duration::from_secs(1);
/// The limit to exchanges that are not worth a long wait: a report on a connection of its own, or a request that a
/// start can do without.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// The bytes that one read asks for while the length is not known.
const READ: usize = 16 << 10;
/// The largest body of an answer. Events are at most a few MiB; no control plane sends more than this.
const BODY: u64 = 64 << 20;

/// Says why an exchange with the platform failed.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The connection ended or broke.
    Connection {
        /// The system's error; `None` for an end of file.
        error: Option<io::Error>,
        /// `true` if no byte of an answer was received.
        clean: bool,
    },
    /// The answer is not HTTP.
    Garbage(Refusal),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Connection { error: Some(error), .. } => write!(f, "the connection failed: {error}"),
            Lost::Connection { error: None, clean: true } => f.write_str("the connection was closed"),
            Lost::Connection { error: None, .. } => f.write_str("the connection was closed in the middle of an answer"),
            Lost::Garbage(refusal) => write!(f, "the answer is no HTTP: {refusal}"),
        }
    }
}

/// A connection and the message that is being read from it.
pub(crate) struct Connection {
    stream: Arc<TcpStream>,
    reader: Reader,
    usable: bool,
}

impl Connection {
    /// Connects; every address of the name is tried.
    pub(crate) fn open(endpoint: &str) -> io::Result<Connection> {
        // An address needs no resolver, and the resolver reads files.
        let stream = match endpoint.parse::<SocketAddr>() {
            Ok(address) => TcpStream::connect_timeout(&address, CONNECT)?,
            Err(_) => connect_by_name(endpoint)?,
        };
        // A function may have closed the standard descriptors, and still write to them.
        let stream = if stream.as_raw_fd() <= 2 { stream.try_clone()? } else { stream };
        stream.set_nodelay(true)?;
        let limits = Limits { body_bytes: BODY, ..Limits::default() };
        Ok(Connection { stream: Arc::new(stream), reader: Reader::response(limits), usable: true })
    }

    /// Connects as [`open`](Connection::open) does, with a short limit to everything that follows.
    pub(crate) fn open_impatient(endpoint: &str) -> io::Result<Connection> {
        let connection = Connection::open(endpoint)?;
        connection.stream.set_read_timeout(Some(PATIENCE))?;
        connection.stream.set_write_timeout(Some(PATIENCE))?;
        Ok(connection)
    }

    /// Returns the socket of the connection.
    pub(crate) fn stream(&self) -> &Arc<TcpStream> {
        &self.stream
    }

    /// Returns `true` if another request may be sent on it.
    pub(crate) fn is_usable(&self) -> bool {
        self.usable && self.reader.is_idle()
    }

    /// Returns `true` if the other side has closed it, or sent bytes that nobody asked for.
    pub(crate) fn is_stale(&self) -> bool {
        !self.is_usable() || sys::is_readable_now(&*self.stream)
    }

    /// Notes that no request may follow on it.
    pub(crate) fn spoil(&mut self) {
        self.usable = false;
    }

    /// Sends a head and a body, in one system call where the socket takes it.
    pub(crate) fn send(&mut self, head: &[u8], body: &[u8]) -> Result<(), Lost> {
        write_both(&self.stream, head, body).map_err(|error| {
            self.usable = false;
            Lost::Connection { error: Some(error), clean: true }
        })
    }

    /// Reads one answer, however long it takes.
    pub(crate) fn receive(&mut self) -> Result<Message, Lost> {
        let result = self.read_message();
        match &result {
            Ok(message) => self.usable = message.keep_alive(),
            Err(_) => self.usable = false,
        }
        result
    }

    fn read_message(&mut self) -> Result<Message, Lost> {
        loop {
            match self.reader.poll().map_err(Lost::Garbage)? {
                ReadProgress::Complete => {
                    if let Some(message) = self.reader.take() {
                        return Ok(message);
                    }
                }
                ReadProgress::Head => {}
                ReadProgress::More => {
                    let clean = self.reader.is_idle();
                    match (&*self.stream).read(self.reader.space(READ)) {
                        Ok(0) => match self.reader.eof() {
                            Ok(Eof::Complete) => {}
                            Ok(Eof::Closed) | Err(_) => return Err(Lost::Connection { error: None, clean }),
                        },
                        Ok(read) => self.reader.filled(read),
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            let error = Some(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
                            return Err(Lost::Connection { error, clean });
                        }
                        Err(error) => return Err(Lost::Connection { error: Some(error), clean }),
                    }
                }
            }
        }
    }

    /// Takes a message's memory back for the next one.
    pub(crate) fn recycle(&mut self, message: Message) {
        self.reader.recycle(message);
    }

    /// Sends one request on a connection of its own, with a short limit; returns the status of the answer.
    pub(crate) fn post_alone(endpoint: &str, request: &[u8]) -> io::Result<u16> {
        let mut connection = Connection::open_impatient(endpoint)?;
        let fail = |lost: Lost| io::Error::other(lost.to_string());
        connection.send(request, b"").map_err(fail)?;
        connection.receive().map(|answer| answer.status()).map_err(fail)
    }
}

fn connect_by_name(endpoint: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, format!("no address for {endpoint:?}; expected host:port"));
    for address in endpoint.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Writes two slices whole, together where the socket takes them.
pub(crate) fn write_both(mut stream: &TcpStream, mut head: &[u8], mut body: &[u8]) -> io::Result<()> {
    while !head.is_empty() {
        let sent = if body.is_empty() {
            stream.write(head)
        } else {
            stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)])
        };
        match sent {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                let of_head = written.min(head.len());
                head = &head[of_head..];
                body = &body[written - of_head..];
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if body.is_empty() { Ok(()) } else { stream.write_all(body) }
}
