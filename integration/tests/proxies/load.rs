//! Clients that keep a proxy busy: GET and requests with bodies of many sizes, each reply compared with its request.

use integration::client::Client;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Instant;

/// The bytes that bodies are slices of, so that a reply to another request shows.
static PATTERN: LazyLock<Vec<u8>> =
    LazyLock::new(|| (0..PERIOD).map(|byte| byte as u8).cycle().take(LARGE + PERIOD).collect());
const LARGE: usize = 1 << 20;
/// The period of the bytes: a prime, so that no power of two hides a shift.
const PERIOD: usize = 251;
/// The bytes of a body. One request in [`LARGE_EVERY`] has [`LARGE`] instead.
const SIZES: [usize; 10] = [0, 1, 100, 1000, 4096, 10_000, 16_384, 20_000, 65_536, 102_400];
const LARGE_EVERY: usize = 97;

/// The number of times that one request is sent again before it counts as failed.
const RENEWALS: usize = 5;

/// The way in which a client treats its connections.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connections {
    /// There is one for all requests, until the proxy says that it closes.
    Kept,
    /// There is one for all requests. A request is sent again on a new connection if its own ends before the first byte
    /// of the reply, at most [`RENEWALS`] times. The proxy then closed it while the request was on its way, as it may
    /// at any time (RFC 9112, 9.3.1).
    KeptAndRenewed,
    /// There is a new one for each request.
    Fresh,
}

/// The results of the requests.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// The number of replies with each status.
    pub(crate) statuses: BTreeMap<u16, usize>,
    /// Replies with another body than was sent, and requests without a whole reply; the first of them in words.
    pub(crate) failed: usize,
    said: Vec<String>,
    /// The number of requests that were sent again.
    renewed: usize,
}

impl Tally {
    fn replies(&self) -> usize {
        self.statuses.values().sum()
    }

    /// Checks that every request was answered with 200 and its own body, and that there were at least `at_least`.
    ///
    /// # Errors
    /// The difference, in words.
    pub(crate) fn is_whole(&self, at_least: usize) -> Result<(), String> {
        let all_well = self.failed == 0 && self.statuses.keys().all(|status| *status == 200);
        if all_well && self.replies() >= at_least { Ok(()) } else { Err(self.to_string()) }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statuses {:?}, {} failed, {} sent again", self.statuses, self.failed, self.renewed)?;
        self.said.iter().try_for_each(|said| write!(f, "\n  {said}"))
    }
}

struct Shared {
    address: SocketAddr,
    method: &'static str,
    /// The number of the next request.
    next: AtomicUsize,
    /// The number of the first request that is not made.
    end: AtomicUsize,
    tally: Mutex<Tally>,
    changed: Condvar,
}

/// Some clients at work.
pub(crate) struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    /// Starts clients, each on a thread of its own; together they make `requests` requests, those with a body by
    /// `method`.
    pub(crate) fn start(
        address: SocketAddr,
        clients: &[(usize, Connections)],
        method: &'static str,
        requests: usize,
    ) -> Load {
        let shared = Arc::new(Shared {
            address,
            method,
            next: AtomicUsize::new(0),
            end: AtomicUsize::new(requests),
            tally: Mutex::default(),
            changed: Condvar::new(),
        });
        let kinds = clients.iter().flat_map(|(count, connections)| std::iter::repeat_n(*connections, *count));
        let client = |connections| {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || shared.work(connections))
        };
        let clients = kinds.map(client).collect();
        Load { shared, clients }
    }

    /// Waits for that many more replies.
    ///
    /// # Errors
    /// They do not come within the limit.
    pub(crate) fn until_more(&self, replies: usize) -> Result<(), String> {
        let limit = Instant::now() + integration::wait::limit();
        let mut tally = self.shared.tally();
        let wanted = tally.replies() + replies;
        while tally.replies() < wanted {
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("{replies} more replies did not come: {tally}"));
            }
            tally = self.shared.changed.wait_timeout(tally, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        Ok(())
    }

    /// Lets the clients end the requests they are at.
    pub(crate) fn end(self) -> Tally {
        self.shared.end.store(0, Ordering::Relaxed);
        self.all()
    }

    /// Waits for the replies to all requests.
    pub(crate) fn all(mut self) -> Tally {
        for client in std::mem::take(&mut self.clients) {
            if client.join().is_err() {
                self.shared.failed("a client panicked".to_owned());
            }
        }
        std::mem::take(&mut self.shared.tally())
    }
}

/// A trial that fails in the middle leaves no clients behind.
impl Drop for Load {
    fn drop(&mut self) {
        self.shared.end.store(0, Ordering::Relaxed);
    }
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn failed(&self, said: String) {
        let mut tally = self.tally();
        tally.failed += 1;
        if tally.said.len() < 5 {
            tally.said.push(said);
        }
    }

    fn work(&self, connections: Connections) {
        let mut kept = None;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.end.load(Ordering::Relaxed) {
                return;
            }
            match self.exchange(number, connections, &mut kept) {
                Ok(status) => {
                    *self.tally().statuses.entry(status).or_default() += 1;
                    self.changed.notify_all();
                }
                Err(error) => self.failed(format!("request {number}: {error}")),
            }
        }
    }

    fn exchange(&self, number: usize, connections: Connections, kept: &mut Option<Client>) -> io::Result<u16> {
        let request = Request::of(number, self.method);
        let mut renewals = 0;
        let mut client = loop {
            let (mut client, is_kept) = match kept.take() {
                Some(client) => (client, true),
                None => (Client::connect(self.address)?, false),
            };
            let closing = if connections == Connections::Fresh { "Connection: close\r\n" } else { "" };
            match request.send(&mut client, closing).and_then(|()| client.begins()) {
                Ok(true) => break client,
                Err(error) if !is_end(&error) => return Err(error),
                Ok(false) | Err(_) if connections == Connections::KeptAndRenewed && renewals < RENEWALS => {
                    renewals += 1;
                    self.tally().renewed += 1;
                }
                Ok(false) | Err(_) => {
                    let which = if is_kept { "kept" } else { "new" };
                    return Err(io::Error::other(format!(
                        "the {which} connection ended before the first byte of a reply"
                    )));
                }
            }
        };
        let reply = client.read()?;
        if reply.status == 200 && reply.body != request.body {
            let (got, sent) = (reply.body.len(), request.body.len());
            return Err(io::Error::other(format!("{sent} bytes were sent, and {got} other ones came back")));
        }
        if connections != Connections::Fresh && !reply.closes {
            *kept = Some(client);
        }
        Ok(reply.status)
    }
}

/// Returns `true` if the error says that the peer has closed the connection.
fn is_end(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe)
}

struct Request {
    method: &'static str,
    target: String,
    body: &'static [u8],
    is_chunked: bool,
}

impl Request {
    /// Returns the request of that number. One in three is a GET; every other one of the rest comes in chunks.
    fn of(number: usize, method: &'static str) -> Request {
        let target = format!("/load/{number}?of=all");
        if number.is_multiple_of(3) {
            return Request { method: "GET", target, body: b"", is_chunked: false };
        }
        let large = number % LARGE_EVERY == 1;
        // Six in a row have one size, so that each comes in both framings.
        let size = if large { LARGE } else { SIZES[number / 6 % SIZES.len()] };
        let body = &PATTERN[number % PERIOD..][..size];
        Request { method, target, body, is_chunked: number.is_multiple_of(2) }
    }

    fn send(&self, client: &mut Client, headers: &str) -> io::Result<()> {
        if !self.is_chunked {
            return client.request(self.method, &self.target, headers, self.body);
        }
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: shop\r\n{headers}Transfer-Encoding: chunked\r\n\r\n",
            self.method, self.target
        );
        let mut bytes = head.into_bytes();
        for piece in self.body.chunks(30_000) {
            bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            bytes.extend_from_slice(piece);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n\r\n");
        client.send(&bytes)
    }
}
