//! The part of a runtime that speaks HTTP/2. It is handed connections that begin as HTTP/2 does, and gives the requests
//! that it reads to the server. There they stand beside all others, with the same admission, limits and drain.

use super::in_flight::Client;
use super::link::{Link, Locked};
pub use super::room::Waiting;
use super::socket::Socket;
use super::{Request, Server, Work};
use faas_abi::Status;
use faas_abi::host::Given;
use faas_core::failure::Failure;
use faas_core::http1::{Head, Message, Version};
use faas_core::order;
use faas_core::platform::{FailedInvocation, LocalResponse, Response, Route};
use faas_core::serve::{self, Budget, Manner};
use faas_core::settings::ServerSettings;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// The bytes with which a connection of HTTP/2 begins (RFC 9113 §3.4). Bytes that begin like these and go on otherwise
/// are a request of HTTP/1.1, and are refused as one.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A server of HTTP/2 connections.
pub trait Http2: Send + Sync {
    /// Serves the connection to its end, on threads of its own: this call must not wait.
    ///
    /// # Errors
    /// The system has no threads or descriptors for that; the connection is closed.
    fn serve(&self, connection: Handover) -> io::Result<()>;
}

/// The client of an HTTP/2 request, to which the answer goes. Each request gets one: `answer`, or `begin` and after it
/// `end`.
pub trait Recipient: Send + Sync {
    /// Takes a whole response.
    fn answer(&self, response: &Response, body: Given);
    /// Takes the head of a stream. Returns `false` if nobody takes the stream any more.
    fn begin(&self, response: &Response) -> bool;
    /// Takes a part of the stream. The status is `PENDING` if it is taken, and its writer is about to
    /// [`wait`](Recipient::wait) for room. If `is_last`, it is taken also while a writer waits, which has ended without
    /// its room.
    fn chunk(&self, chunk: Given, is_last: bool) -> Status;
    /// Notes that the stream's writer waits until there is room again, which may be already.
    fn wait(&self, writer: Waiting);
    /// Returns the next part of the request's body, which is empty at the end. The error is `PENDING` if no part is
    /// here, and its reader is about to [`wait`](Recipient::wait_for_part) for one.
    ///
    /// # Errors
    /// They are those of `BodySource`.
    fn part(&self) -> Result<Vec<u8>, Status>;
    /// Notes that the reader of the request's body waits until a part has come, which may be already.
    fn wait_for_part(&self, reader: Waiting);
    /// Notes that the stream has ended. `whole` is `true` if nothing failed after its head.
    fn end(&self, whole: bool);
    /// Notes that the invocation runs in the slot of this number, until its answer.
    fn runs_in(&self, slot: usize);
}

impl std::fmt::Debug for dyn Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recipient")
    }
}

/// A connection, and the server behind it. While one exists, the server has not ended.
#[derive(Debug)]
pub struct Handover {
    /// The socket, which does not block.
    pub socket: TcpStream,
    /// The address of the other side.
    pub peer: Arc<str>,
    /// The server that requests are handed to.
    pub desk: Desk,
}

/// The place that requests of HTTP/2 are handed to.
#[derive(Debug)]
pub struct Desk {
    server: Arc<Server>,
    /// The number of the connection.
    number: u64,
}

/// A connection of HTTP/2, as the server sees it.
pub trait Peer: Send + Sync {
    /// Closes the connection once its requests have their answers; it takes no further request.
    fn end(&self);
    /// Returns the moment since which it has had no request; `None` while one is in progress.
    fn idle_since(&self) -> Option<Instant>;
    /// Closes the connection now, since others need the room.
    fn close(&self);
}

/// All connections of HTTP/2.
#[derive(Default)]
pub(super) struct Peers(Mutex<List>);

#[derive(Default)]
struct List {
    ended: bool,
    last: u64,
    /// The connections by their numbers; `None` before they have introduced themselves.
    peers: HashMap<u64, Option<Weak<dyn Peer>>>,
}

impl std::fmt::Debug for Peers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peers").finish_non_exhaustive()
    }
}

impl Peers {
    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more connection, and returns its number. The connection itself is added later, by
    /// [`Peers::introduce`].
    fn add(&self) -> u64 {
        let mut list = self.list();
        list.last += 1;
        let number = list.last;
        list.peers.insert(number, None);
        number
    }

    /// Adds the connection that has this number. After [`Peers::end`] it is told at once to take no further request.
    fn introduce(&self, number: u64, peer: Weak<dyn Peer>) {
        let mut list = self.list();
        if list.ended
            && let Some(peer) = peer.upgrade()
        {
            peer.end();
        }
        list.peers.insert(number, Some(peer));
    }

    fn remove(&self, number: u64) {
        self.list().peers.remove(&number);
    }

    /// Returns all connections that are open. It holds no lock: the last reference to one may be dropped by the caller.
    fn all(&self) -> Vec<Arc<dyn Peer>> {
        self.list().peers.values().flatten().filter_map(Weak::upgrade).collect()
    }

    /// Returns the number of open connections.
    pub(super) fn len(&self) -> usize {
        self.list().peers.len()
    }

    /// Tells all connections to take no further request, also those that come later.
    pub(super) fn end(&self) {
        self.list().ended = true;
        self.all().iter().for_each(|peer| peer.end());
    }

    /// Closes one in `part` of those connections that have been idle for longer than `least`. It takes those that were
    /// idle for the longest time. They have closed a moment later.
    pub(super) fn make_room(&self, part: usize, least: Duration) {
        let all = self.all();
        let now = Instant::now();
        let idle = all.iter().filter_map(|peer| Some((peer.idle_since()?, peer)));
        let mut idle: Vec<_> = idle.filter(|(since, _)| now.duration_since(*since) > least).collect();
        order::sort(&mut idle, |(a, _), (b, _)| a < b);
        idle.iter().take(idle.len().div_ceil(part)).for_each(|(_, peer)| peer.close());
    }
}

impl Server {
    /// Returns the state of a connection that is for HTTP/1.1; `None` if it has been handed over to HTTP/2, or if it
    /// has not sent enough to tell.
    pub(super) fn as_http1<'l>(self: &Arc<Self>, link: &'l Link, mut state: Locked<'l>) -> Option<Locked<'l>> {
        let (Some(http2), Socket::Tcp(socket)) = (self.http2, &link.socket) else { return Some(state) };
        // This comes before the look: news that arrives after it has the connection looked at again.
        link.read_news(&mut state);
        let mut seen = [0; PREFACE.len()];
        let count = match link.socket.peek(&mut seen) {
            Ok(count @ 1..) => count,
            // Bytes that come between this look and a read would be read as HTTP/1.1, and refused.
            Err(error) if error.kind() == ErrorKind::WouldBlock && !self.is_draining() => 0,
            Ok(_) | Err(_) => return Some(state),
        };
        if !PREFACE.starts_with(&seen[..count]) {
            return Some(state);
        }
        if count < PREFACE.len() {
            state.claimed = false;
            drop(state);
            self.let_go(link);
            return None;
        }
        let copy = socket.try_clone();
        self.epoll.remove(&link.socket);
        let _ = state.connection.end_of_input();
        self.table.remove(link.token);
        drop(state);
        let serve = |socket| http2.serve(Handover { socket, peer: Arc::from(&*link.peer), desk: Desk::new(self) });
        // Without descriptors for a copy, the connection ends with its only one.
        if let Err(error) = copy.and_then(serve) {
            self.say_stalled(&format!("HTTP/2: {error}"));
        }
        None
    }
}

impl Desk {
    pub(super) fn new(server: &Arc<Server>) -> Desk {
        Desk { server: server.clone(), number: server.http2_peers.add() }
    }

    /// Returns the limits of connections and requests.
    pub fn config(&self) -> &ServerSettings {
        &self.server.config
    }

    /// Returns the counter of the bytes of unfinished requests and unsent responses.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.server.budget
    }

    /// Returns the process' log.
    pub fn log(&self) -> &faas_core::log::Log {
        &self.server.runtime.process().log
    }

    /// Makes the connection known to the server.
    pub fn introduce(&self, peer: Weak<dyn Peer>) {
        self.server.http2_peers.introduce(self.number, peer);
    }

    /// Tells the invocation in that slot that its client is gone.
    pub fn peer_gone(&self, slot: usize) {
        self.server.peer_gone(slot);
    }

    /// Returns `true` once no further request is taken.
    pub fn is_ending(&self) -> bool {
        self.server.is_draining()
    }

    /// Returns `true` if a request with this head is given to the server before its body.
    pub fn takes_head(&self, head: Head<'_>) -> bool {
        self.server.takes_heads && self.server.protocol.may_stream(head)
    }

    /// Takes a request. Its answer goes to the recipient, from any thread. If `is_head`, it is only the head, and the
    /// body is the recipient's to give.
    pub fn exchange(&self, message: Message, is_head: bool, peer: &Arc<str>, recipient: Arc<dyn Recipient>) {
        let server = &self.server;
        let manner = Manner { to_head: message.method() == b"HEAD", version: Version::Http11, keep: true };
        let process = server.runtime.process();
        match server.protocol.route(process, &message, server.state()) {
            Route::Local(answer) => own(&*recipient, &answer),
            Route::Invoke(mut metadata) => {
                metadata.is_streamed_in = is_head;
                self.invoke(message, metadata, peer, manner, recipient);
            }
            Route::Rewritten(message, metadata) => self.invoke(*message, metadata, peer, manner, recipient),
            Route::Health => self.errand(None, recipient),
            Route::Signal(signal) => self.errand(Some(signal), recipient),
        }
    }

    fn errand(&self, signal: Option<faas_core::platform::Signal>, recipient: Arc<dyn Recipient>) {
        let server = self.server.clone();
        self.server.background.run(move || own(&*recipient, &server.do_errand(signal)));
    }

    fn invoke(
        &self,
        message: Message,
        metadata: faas_core::invocation::InvocationMetadata,
        peer: &Arc<str>,
        manner: Manner,
        recipient: Arc<dyn Recipient>,
    ) {
        let server = &self.server;
        if let Err((kind, why)) = server.admit() {
            let (mut response, mut body) = (Response::default(), Vec::new());
            let failure = Failure::new(kind, why);
            let id = metadata.request_id.read(message.bytes());
            server.protocol.refused(
                FailedInvocation { metadata: &metadata, request_id: id, failure: &failure },
                &mut response,
                &mut body,
            );
            server.refusals.say(&server.runtime.process().log, id, &failure);
            return recipient.answer(&response, Given::from(body));
        }
        let until = metadata.deadline.map_or(serve::NEVER, |deadline| deadline.ns);
        let client = Client::Http2(recipient, peer.clone());
        let charge = serve::Charge::of(&server.budget);
        let request = Request { client, message, metadata, manner, charge };
        server.admission.wait(Work::Request(request), server.runtime.process().now_ns(), until);
        if until != serve::NEVER {
            server.timers.at(until);
        }
        server.news.ring();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.server.http2_peers.remove(self.number);
        self.server.end_if_quiet();
    }
}

fn own(recipient: &dyn Recipient, answer: &LocalResponse) {
    let mut response = Response::default();
    answer.head(&mut response);
    recipient.answer(&response, Given::from(answer.body.as_bytes().to_vec()));
}
