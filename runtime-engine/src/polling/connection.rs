//! One keep-alive connection to the control plane: the core's codec over a tokio socket.
//!
//! Not hyper's client: for one request after the other on one connection its pool, channels and tasks are a detour of
//! some 7 µs an invocation, nearly half of what the whole round trip costs on loopback.

use faas_core::http1::{Eof, Limits, Message, Progress, Reader, Refusal};
use std::fmt;
use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The control plane is on this machine or next to it: what does not connect soon never will.
pub(super) const CONNECT: Duration = Duration::from_secs(1);
/// Read this much at once when nothing is known of the length.
const READ: usize = 16 << 10;
/// Events are at most a few MiB; no control plane sends more than this.
const BODY: u64 = 64 << 20;

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Lost {
    /// The connection broke.
    Broken(io::Error),
    /// It was closed. `clean`: before any byte of an answer.
    Closed {
        /// Was nothing of an answer received?
        clean: bool,
    },
    /// What came is no HTTP.
    Garbage(Refusal),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Broken(error) => write!(f, "the connection failed: {error}"),
            Lost::Closed { clean: true } => f.write_str("the connection was closed"),
            Lost::Closed { clean: false } => f.write_str("the connection was closed in the middle of an answer"),
            Lost::Garbage(refusal) => write!(f, "the answer is no HTTP: {refusal}"),
        }
    }
}

/// A connection and what is being read from it.
pub(super) struct Connection {
    read: OwnedReadHalf,
    write: Arc<OwnedWriteHalf>,
    reader: Reader,
    usable: bool,
}

/// What answers and events are held to.
pub(super) fn limits() -> Limits {
    Limits { body_bytes: BODY, ..Limits::default() }
}

impl Connection {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// The system's, or that it took longer than [`CONNECT`].
    pub(super) async fn open(endpoint: &str) -> io::Result<Connection> {
        let mut stream = tokio::time::timeout(CONNECT, TcpStream::connect(endpoint)).await??;
        if stream.as_raw_fd() <= 2 {
            // A function may have closed the standard descriptors, and still write to them.
            stream = TcpStream::from_std(stream.into_std()?.try_clone()?)?;
        }
        stream.set_nodelay(true)?;
        let (read, write) = stream.into_split();
        Ok(Connection { read, write: Arc::new(write), reader: Reader::response(limits()), usable: true })
    }

    /// The writing half, for streams.
    pub(super) fn writer(&self) -> &Arc<OwnedWriteHalf> {
        &self.write
    }

    /// May another request be sent on it?
    pub(super) fn is_usable(&self) -> bool {
        self.usable && self.reader.is_idle()
    }

    /// Has the other side closed it, or said something unasked?
    pub(super) fn is_stale(&self) -> bool {
        !self.is_usable() || crate::sys::is_stale(self.read.as_ref())
    }

    /// Has the other side closed it, as far as is known without asking the system?
    pub(super) fn has_ended(&self) -> bool {
        // A read that emptied the socket has taken its readiness away: usually this does not get as far as the system.
        let mut byte = [0];
        !matches!(self.read.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Has anything of an answer come?
    pub(super) fn is_silent(&self) -> bool {
        self.reader.is_idle()
    }

    /// No request may follow on it.
    pub(super) fn spoil(&mut self) {
        self.usable = false;
    }

    /// Sends a head and a body, in one system call where the socket takes it. Ends early if the answer is here before
    /// the request is out, which [`receive`](Connection::receive) then gives.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) async fn send(&mut self, mut head: &[u8], mut body: &[u8]) -> Result<(), Lost> {
        while !head.is_empty() || !body.is_empty() {
            match self.write.try_write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(written) => {
                    let of_head = written.min(head.len());
                    head = &head[of_head..];
                    body = &body[written - of_head..];
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.answered_before_room().await? {
                        self.usable = false;
                        return Ok(());
                    }
                }
                Err(error) => {
                    self.usable = false;
                    return Err(Lost::Broken(error));
                }
            }
        }
        Ok(())
    }

    /// Waits until more of a request can be written. True: the platform has answered already.
    async fn answered_before_room(&mut self) -> Result<bool, Lost> {
        tokio::select! {
            ready = self.write.writable() => ready.map(|()| false).map_err(Lost::Broken),
            ready = self.read.readable() => {
                ready.map_err(Lost::Broken)?;
                match self.read.try_read(self.reader.space(READ)) {
                    Ok(0) => Err(Lost::Closed { clean: self.reader.is_idle() }),
                    Ok(read) => {
                        self.reader.filled(read);
                        loop {
                            match self.reader.poll().map_err(Lost::Garbage)? {
                                Progress::Head => {}
                                progress => break Ok(progress == Progress::Complete),
                            }
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                    Err(error) => Err(Lost::Broken(error)),
                }
            }
        }
    }

    /// Reads one answer, however long it takes. May be dropped and called again.
    ///
    /// # Errors
    /// The connection ended, or what came is no HTTP.
    pub(super) async fn receive(&mut self) -> Result<Message, Lost> {
        let result = self.read_message().await;
        match &result {
            Ok(message) => self.usable &= message.keep_alive(),
            Err(_) => self.usable = false,
        }
        result
    }

    async fn read_message(&mut self) -> Result<Message, Lost> {
        loop {
            match self.reader.poll().map_err(Lost::Garbage)? {
                Progress::Complete => {
                    if let Some(message) = self.reader.take() {
                        return Ok(message);
                    }
                }
                Progress::Head => {}
                Progress::More => {
                    let clean = self.reader.is_idle();
                    match self.read.read(self.reader.space(READ)).await {
                        Ok(0) => match self.reader.eof() {
                            Ok(Eof::Complete) => {}
                            Ok(Eof::Closed) | Err(_) => return Err(Lost::Closed { clean }),
                        },
                        Ok(read) => self.reader.filled(read),
                        Err(error) => return Err(Lost::Broken(error)),
                    }
                }
            }
        }
    }

    /// Gives a message's memory back.
    pub(super) fn recycle(&mut self, message: Message) {
        self.reader.recycle(message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    async fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connection = Connection::open(&listener.local_addr().unwrap().to_string()).await.unwrap();
        (connection, listener.accept().await.unwrap().0)
    }

    #[test]
    fn an_answer_before_the_whole_request_ends_the_sending() {
        run(async {
            let (mut connection, mut server) = pair().await;
            server.write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
            // Nobody reads it: far more than the sockets' buffers take.
            let body = vec![b'x'; 64 << 20];
            connection.send(b"POST / HTTP/1.1\r\n\r\n", &body).await.unwrap();
            assert_eq!(connection.receive().await.unwrap().status(), 413);
            assert!(!connection.is_usable(), "half a request stands on it");
        });
    }

    #[test]
    fn a_connection_that_ends_says_whether_anything_of_an_answer_came() {
        run(async {
            let (mut connection, server) = pair().await;
            drop(server);
            assert!(matches!(connection.receive().await, Err(Lost::Closed { clean: true })));
            let (mut connection, mut server) = pair().await;
            server.write_all(b"HTTP/1.1 200 OK\r\nConte").await.unwrap();
            drop(server);
            assert!(matches!(connection.receive().await, Err(Lost::Closed { clean: false })));
        });
    }

    #[test]
    fn a_closing_answer_is_the_last_on_its_connection() {
        run(async {
            let (mut connection, mut server) = pair().await;
            server.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").await.unwrap();
            connection.receive().await.unwrap();
            assert!(!connection.is_usable());
        });
    }
}
