//! How a runtime that speaks HTTP/2 takes part: it is handed connections that begin as HTTP/2 does, and gives the
//! requests that it reads to the server, which stands them beside all others: the same admission, limits and drain.

use super::in_flight::Client;
use super::link::{Link, State};
use super::socket::Socket;
use super::{Request, Server, Work};
use faas_abi::Status;
use faas_abi::host::Given;
use faas_core::failure::Failure;
use faas_core::http1::{Message, Version};
use faas_core::log::Level;
use faas_core::platform::{Answer, Response, Route};
use faas_core::serve::{self, Budget, Manner};
use faas_core::settings::ServerSettings;
use std::net::TcpStream;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a connection of HTTP/2 begins (RFC 9113 §3.4), the whole of it: what begins like it and goes on otherwise is a
/// request of HTTP/1.1, and is refused as one.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A server of HTTP/2 connections.
pub trait Http2: Send + Sync {
    /// Serves the connection to its end, on threads of its own: this call must not wait.
    fn serve(&self, connection: Handover);
}

/// Who gets the answer to a request of HTTP/2. Each request gets one: `answer`, or `begin` and after it `end`.
pub trait Recipient: Send + Sync + std::fmt::Debug {
    /// The whole response.
    fn answer(&self, response: &Response, body: Given);
    /// The head of a stream; `false` if nobody takes it any more.
    fn begin(&self, response: &Response) -> bool;
    /// A part of the stream. `room` is the address of the token that tells its writer, 0 for none, and is completed when
    /// there is room again if the answer is `PENDING`.
    fn chunk(&self, chunk: Given, room: usize) -> Status;
    /// The stream has ended. `whole`: nothing failed after its head.
    fn end(&self, whole: bool);
    /// The invocation runs in the slot of this number, until its answer.
    fn runs_in(&self, slot: usize);
}

/// A connection, and the server behind it. While one exists, the server has not ended.
#[derive(Debug)]
pub struct Handover {
    /// Does not block.
    pub socket: TcpStream,
    /// The other side's address.
    pub peer: Arc<str>,
    /// Where requests go.
    pub desk: Desk,
}

/// Where requests of HTTP/2 go.
#[derive(Debug)]
pub struct Desk(Arc<Server>);

/// Who is to be told when no further request is taken; once, also who comes later.
#[derive(Default)]
pub(super) struct Ends(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    ended: bool,
    list: Vec<Box<dyn FnOnce() + Send>>,
}

impl std::fmt::Debug for Ends {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ends").finish_non_exhaustive()
    }
}

impl Ends {
    fn add(&self, tell: Box<dyn FnOnce() + Send>) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.ended {
            drop(waiting);
            return tell();
        }
        waiting.list.push(tell);
    }

    /// Tells them.
    pub(super) fn tell(&self) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.ended = true;
        let list = std::mem::take(&mut waiting.list);
        drop(waiting);
        list.into_iter().for_each(|tell| tell());
    }
}

impl Server {
    /// Returns the state of a connection that is for HTTP/1.1; any other has been handed over, or has not said yet what it
    /// is, and is let go.
    pub(super) fn as_http1<'l>(
        self: &Arc<Self>,
        link: &'l Link,
        mut state: MutexGuard<'l, State>,
    ) -> Option<MutexGuard<'l, State>> {
        let (Some(http2), Socket::Tcp(socket)) = (self.http2, &link.socket) else { return Some(state) };
        let mut seen = [0; PREFACE.len()];
        let count = link.socket.peek(&mut seen).unwrap_or(0);
        if count == 0 || !PREFACE.starts_with(&seen[..count]) {
            return Some(state);
        }
        if count < PREFACE.len() {
            link.read_news(&mut state);
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
        match copy {
            Ok(socket) => http2.serve(Handover { socket, peer: Arc::from(&*link.peer), desk: Desk::new(self) }),
            // No descriptors left: the connection ends with its only one.
            Err(error) => {
                self.runtime.process().log.say(Level::Debug, &format!("an HTTP/2 connection is lost: {error}"))
            }
        }
        None
    }
}

impl Desk {
    pub(super) fn new(server: &Arc<Server>) -> Desk {
        server.http2_open.fetch_add(1, SeqCst);
        Desk(server.clone())
    }

    /// Returns the limits of connections and requests.
    pub fn config(&self) -> &ServerSettings {
        &self.0.config
    }

    /// Returns what counts the bytes of unfinished requests and unsent responses.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.0.budget
    }

    /// Returns where lines of the log go.
    pub fn log(&self) -> &faas_core::log::Log {
        &self.0.runtime.process().log
    }

    /// Has `tell` called when no further request is taken.
    pub fn at_the_end(&self, tell: impl FnOnce() + Send + 'static) {
        self.0.http2_end.add(Box::new(tell));
    }

    /// The client of the invocation in that slot is gone.
    pub fn peer_gone(&self, slot: usize) {
        self.0.peer_gone(slot);
    }

    /// Returns `true` once no further request is taken.
    pub fn is_ending(&self) -> bool {
        self.0.is_draining()
    }

    /// Takes a request; its answer goes to the recipient, from any thread.
    pub fn exchange(&self, message: Message, peer: &Arc<str>, recipient: Arc<dyn Recipient>) {
        let server = &self.0;
        let manner = Manner { to_head: message.method() == b"HEAD", version: Version::Http11, keep: true };
        let process = server.runtime.process();
        match server.protocol.route(process, &message, server.state()) {
            Route::Own(answer) => own(&*recipient, &answer),
            Route::Invoke(facts) => self.invoke(message, facts, peer, manner, recipient),
            Route::Rewritten(message, facts) => self.invoke(*message, facts, peer, manner, recipient),
            Route::Health => self.errand(None, recipient),
            Route::Signal(signal) => self.errand(Some(signal), recipient),
        }
    }

    fn errand(&self, signal: Option<faas_core::platform::Signal>, recipient: Arc<dyn Recipient>) {
        let server = self.0.clone();
        self.0.background.run(move || own(&*recipient, &server.do_errand(signal)));
    }

    fn invoke(
        &self,
        message: Message,
        facts: faas_core::invocation::Facts,
        peer: &Arc<str>,
        manner: Manner,
        recipient: Arc<dyn Recipient>,
    ) {
        let server = &self.0;
        if let Err((kind, why)) = server.admit() {
            let (mut response, mut body) = (Response::default(), Vec::new());
            let failure = Failure::new(kind, why);
            let id = facts.request_id.read(message.bytes());
            server.protocol.refused(&facts, id, &failure, &mut response, &mut body);
            server.refusals.say(&server.runtime.process().log, id, &failure);
            return recipient.answer(&response, Given::from(body));
        }
        let until = facts.deadline.map_or(serve::NEVER, |deadline| deadline.ns);
        let client = Client::Http2(recipient, peer.clone());
        let charge = serve::Charge::of(&server.budget);
        let request = Request { client, message, facts, manner, charge };
        server.admission.wait(Work::Request(request), server.runtime.process().now_ns(), until);
        if until != serve::NEVER {
            server.timers.at(until);
        }
        server.news.ring();
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.0.http2_open.fetch_sub(1, SeqCst);
        self.0.end_if_quiet();
    }
}

fn own(recipient: &dyn Recipient, answer: &Answer) {
    let mut response = Response::default();
    answer.head(&mut response);
    recipient.answer(&response, Given::from(answer.body.as_bytes().to_vec()));
}
