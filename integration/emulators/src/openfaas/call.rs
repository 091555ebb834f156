//! A request, and the connections that carry one after the other.

use crate::wire::{Answer, Framing, Headers, Wire};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A call of a function.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method of the request.
    pub method: String,
    /// The path and query behind the function's name.
    pub target: String,
    /// The headers of the client.
    pub headers: Headers,
    /// The bytes of the body.
    pub body: Vec<u8>,
    /// The size of the chunks in which it is sent, in bytes; `None` sends it with a length.
    pub chunks: Option<usize>,
    /// The id that the gateway gives it.
    pub id: String,
}

impl Call {
    /// Returns a call with that method and without headers or body.
    pub fn new(method: &str, target: &str) -> Call {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        Call {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: Headers::new(),
            body: Vec::new(),
            chunks: None,
            id: format!("{:08x}-0000-4000-8000-{number:012x}", std::process::id()),
        }
    }

    /// Makes a POST of these bytes.
    pub fn post(target: &str, body: &[u8]) -> Call {
        Call { body: body.to_vec(), ..Call::new("POST", target) }
    }

    /// Returns the call with one more header.
    pub fn with(mut self, name: &str, value: &str) -> Call {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns a header of the client's.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Returns the headers that the gateway sends on: the client's and its own.
    pub(super) fn forwarded(&self, host: &str) -> Headers {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let mut headers = self.headers.clone();
        let own = [
            ("Host", host.to_owned()),
            ("X-Call-Id", self.id.clone()),
            ("X-Start-Time", nanos.to_string()),
            ("X-Forwarded-For", "192.0.2.9".to_owned()),
            ("X-Forwarded-Host", "gateway.example".to_owned()),
        ];
        headers.extend(own.map(|(name, value)| (name.to_owned(), value)));
        headers
    }

    pub(super) fn framing(&self) -> Framing {
        self.chunks.map_or(Framing::Length, Framing::Chunks)
    }
}

/// The connections to one port that are kept between calls.
#[derive(Debug)]
pub(super) struct Pool {
    address: SocketAddr,
    /// The age at which an idle connection is ended.
    idle: Duration,
    kept: Mutex<Vec<Kept>>,
}

#[derive(Debug)]
struct Kept {
    wire: Wire<TcpStream>,
    /// The socket of the connection, for its limits.
    socket: TcpStream,
    since: Instant,
}

impl Pool {
    pub(super) fn new(port: u16, idle: Duration) -> Pool {
        Pool { address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), idle, kept: Mutex::default() }
    }

    /// Makes a whole exchange. As for Go's client, a kept connection that turns out to be ended is no failure.
    pub(super) fn exchange(&self, call: &Call, headers: &[(String, String)], limit: Duration) -> io::Result<Answer> {
        if let Some(kept) = self.take() {
            match self.over(kept, call, headers, limit) {
                Err(error) if is_gone(&error) => {}
                done => return done,
            }
        }
        let socket = TcpStream::connect_timeout(&self.address, limit)?;
        socket.set_nodelay(true)?;
        let wire = Wire::new(socket.try_clone()?);
        self.over(Kept { wire, socket, since: Instant::now() }, call, headers, limit)
    }

    fn take(&self) -> Option<Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.since.elapsed() < self.idle);
        kept.pop()
    }

    fn over(&self, mut kept: Kept, call: &Call, headers: &[(String, String)], limit: Duration) -> io::Result<Answer> {
        kept.socket.set_read_timeout(Some(limit.max(Duration::from_millis(1))))?;
        kept.wire.send(&call.method, &call.target, headers, &call.body, call.framing())?;
        let answer = kept.wire.receive(&call.method)?;
        if !answer.closes {
            kept.since = Instant::now();
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        }
        Ok(answer)
    }
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

/// Returns `true` if the limit ended the exchange.
pub(super) fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
