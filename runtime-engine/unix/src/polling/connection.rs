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
/// The largest body that is sent without a look at what comes back meanwhile: the buffers between two processes of one
/// machine take it.
const AT_ONCE: usize = 64 << 10;
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

    /// Sends a head and a body, in one system call where the socket takes it. An answer that comes before a large body
    /// is through ends the sending once the other side takes no more: who refuses it early may never read the rest.
    pub(crate) fn send(&mut self, head: &[u8], body: &[u8]) -> Result<(), Lost> {
        let sent =
            if body.len() <= AT_ONCE { write_both(&self.stream, head, body) } else { self.send_large(head, body) };
        sent.map_err(|error| {
            self.usable = false;
            Lost::Connection { error: Some(error), clean: true }
        })
    }

    fn send_large(&mut self, head: &[u8], mut body: &[u8]) -> io::Result<()> {
        write_both(&self.stream, head, b"")?;
        let stream = &*self.stream;
        while !body.is_empty() {
            let is_stuck = match sys::write_now(stream, body) {
                // Only the end of reading may be the news, as after a stop, and an answer may also come early from
                // somebody who takes the rest: as long as it is taken, it is sent.
                Ok(0) => {
                    sys::wait_for_room_or_news(stream)
                        && !sys::wait_writable(stream, PATIENCE)
                        && self.has_begun_to_answer()
                }
                Ok(written) => {
                    body = &body[written..];
                    false
                }
                // What the other side has said before it closed can still be read.
                Err(_) if self.has_begun_to_answer() => true,
                Err(error) => return Err(error),
            };
            if is_stuck {
                // Half a request stands on the connection, behind which no other can follow.
                self.usable = false;
                return Ok(());
            }
        }
        Ok(())
    }

    fn has_begun_to_answer(&self) -> bool {
        sys::is_readable_now(&*self.stream) && sys::peek(&*self.stream, &mut [0]).is_ok_and(|bytes| bytes > 0)
    }

    /// Reads one answer, however long it takes.
    pub(crate) fn receive(&mut self) -> Result<Message, Lost> {
        let result = self.read_message();
        match &result {
            Ok(message) => self.usable = self.usable && message.keep_alive(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Returns a connection and its other end.
    fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has one").to_string();
        let connection = Connection::open(&address).expect("it listens");
        (connection, listener.accept().expect("it has connected").0)
    }

    #[test]
    fn an_answer_before_the_whole_request_ends_the_sending() {
        let (mut connection, mut server) = pair();
        server.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}").expect("it is open");
        // Nobody reads it, and the buffers of the sockets take far less.
        let body = vec![b'x'; 64 << 20];
        connection.send(b"POST / HTTP/1.1\r\n\r\n", &body).expect("the answer ends it");
        assert_eq!(connection.receive().expect("it is there").status(), 413);
        assert!(!connection.is_usable(), "half a request stands on it");
    }

    const ACCEPTED: &[u8] = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

    /// Sends a large request, of which the server reads all that comes. `before` and `behind` are what it writes before
    /// and after it has read.
    fn sends_all(
        mut connection: Connection,
        mut server: TcpStream,
        before: &[u8],
        behind: &'static [u8],
    ) -> Connection {
        server.write_all(before).expect("it is open");
        let reads = std::thread::spawn(move || {
            let mut request = vec![0; 6 + (32 << 20)];
            server.read_exact(&mut request).expect("all of it comes");
            server.write_all(behind).expect("it is open");
            request
        });
        let body: Vec<u8> = (0..32 << 20).map(|at: u32| at.to_le_bytes()[1]).collect();
        connection.send(b"head\r\n", &body).expect("it is read");
        assert!(reads.join().expect("it reads")[6..] == body, "other bytes have arrived");
        connection
    }

    #[test]
    fn a_large_request_arrives_whole_whether_its_answer_comes_behind_it_or_before() {
        for (before, behind) in [(&b""[..], ACCEPTED), (ACCEPTED, b""), (b"HTTP/1.1 100 Continue\r\n\r\n", ACCEPTED)] {
            let (connection, server) = pair();
            let mut connection = sends_all(connection, server, before, behind);
            assert_eq!(connection.receive().expect("it is answered").status(), 202);
            assert!(connection.is_usable());
        }
    }

    #[test]
    fn a_stop_that_ends_the_reading_cuts_no_large_request() {
        let (connection, server) = pair();
        connection.stream().shutdown(std::net::Shutdown::Read).expect("it is open");
        sends_all(connection, server, b"", b"");
    }

    #[test]
    fn a_connection_that_ends_says_whether_anything_of_an_answer_came() {
        let (mut connection, server) = pair();
        drop(server);
        let lost = connection.receive().expect_err("nothing came");
        assert_eq!(lost.to_string(), "the connection was closed");
        let (mut connection, mut server) = pair();
        server.write_all(b"HTTP/1.1 200 OK\r\nConte").expect("it is open");
        drop(server);
        let lost = connection.receive().expect_err("half a head came");
        assert_eq!(lost.to_string(), "the connection was closed in the middle of an answer");
        assert!(!connection.is_usable());
    }

    #[test]
    fn a_closing_answer_is_the_last_on_its_connection() {
        let (mut connection, mut server) = pair();
        let answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        server.write_all(answer).expect("it is open");
        connection.receive().expect("it is whole");
        assert!(!connection.is_usable());
    }

    #[test]
    fn an_open_silent_connection_is_fresh_and_a_closed_or_talking_one_is_stale() {
        let (connection, mut server) = pair();
        assert!(!connection.is_stale());
        server.write_all(b"H").expect("it is open");
        assert!(sys::wait_readable(&**connection.stream(), Duration::from_secs(10)) && connection.is_stale());
        let (connection, server) = pair();
        drop(server);
        assert!(sys::wait_readable(&**connection.stream(), Duration::from_secs(10)) && connection.is_stale());
    }
}
