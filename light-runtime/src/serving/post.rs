//! What others may know of a worker's invocation: whom it is for, how to cancel it, and the stream it opens.
//!
//! The first to send a head decides: the worker's stream, or the watchdog that gives the worker up. After that the other
//! may only break the connection.

use super::Server;
use super::answer::{self, Manner};
use super::connection::{Connection, send};
use crate::sys;
use faas_abi::host::{Cancel, Given};
use faas_abi::{E_CANCELLED, OK, Status, Tok};
use faas_core::chain::Place;
use faas_core::http1::{Framing, Version, status_has_body, write};
use faas_core::invocation::{Code, Facts, Invocation, Stream};
use faas_core::platform::{Response, Serving};
use faas_core::watchdog::Watchdog;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// No head is out.
const WHOLE: u8 = 0;
/// A stream's head is out, or on its way.
const STREAMING: u8 = 1;
/// The invocation is given up.
const ABANDONED: u8 = 2;

/// A chunk up to this size is copied behind its size line, so that it goes out in one call.
const COPY: usize = 4 << 10;

pub(super) struct Post {
    pub(super) cancel: Cancel<Invocation>,
    current: Mutex<Option<Current>>,
    head: AtomicU8,
    outgoing: Mutex<Option<Outgoing>>,
}

impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post").field("head", &self.head).finish_non_exhaustive()
    }
}

/// The connection that waits for the response.
#[derive(Clone)]
pub(super) struct Current {
    pub(super) connection: Arc<Connection>,
    pub(super) manner: Manner,
    pub(super) facts: Facts,
}

/// A stream that is open.
struct Outgoing {
    connection: Arc<Connection>,
    chunked: bool,
    /// Must no body follow the head?
    mute: bool,
    keep: bool,
    broken: bool,
}

/// What becomes of a connection after a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Another request may come.
    Keep,
    /// The end of the connection is the end of the body.
    Close,
    /// The client has to see that something is missing.
    Abort,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Post {
    pub(super) fn new(cancel: Cancel<Invocation>) -> Post {
        Post { cancel, current: Mutex::new(None), head: AtomicU8::new(WHOLE), outgoing: Mutex::new(None) }
    }

    /// An invocation for that connection begins.
    pub(super) fn begin(&self, connection: &Arc<Connection>, manner: Manner, facts: Facts) {
        self.head.store(WHOLE, SeqCst);
        *lock(&self.current) = Some(Current { connection: connection.clone(), manner, facts });
    }

    /// It has ended.
    pub(super) fn end(&self) {
        *lock(&self.current) = None;
    }

    /// The watchdog gives it up: whose response is due, and whether it may still have a head.
    pub(super) fn abandon(&self) -> Option<(Current, bool)> {
        let current = lock(&self.current).take()?;
        Some((current, self.head.swap(ABANDONED, SeqCst) == WHOLE))
    }

    /// Ends the stream. `whole`: nothing failed after its head.
    pub(super) fn end_stream(&self, whole: bool, patience: Duration) -> Ending {
        let Some(mut outgoing) = lock(&self.outgoing).take() else { return Ending::Abort };
        if whole && outgoing.chunked && !outgoing.mute {
            outgoing.write(write::LAST_CHUNK, b"", patience);
        }
        match (whole && !outgoing.broken, outgoing.keep) {
            (false, _) => Ending::Abort,
            (true, true) => Ending::Keep,
            (true, false) => Ending::Close,
        }
    }
}

impl Outgoing {
    /// Sends both slices whole, however long the client takes, as long as it takes something.
    fn write(&mut self, mut head: &[u8], mut body: &[u8], patience: Duration) -> Status {
        while !(self.broken || head.is_empty() && body.is_empty()) {
            match send(&self.connection.socket, head, body) {
                Err(_) => self.broken = true,
                Ok(sent) => {
                    let of_head = sent.min(head.len());
                    head = &head[of_head..];
                    body = &body[sent - of_head..];
                    if !(head.is_empty() && body.is_empty()) {
                        self.broken = !sys::wait_writable(&self.connection.socket, patience);
                    }
                }
            }
        }
        if self.broken { E_CANCELLED } else { OK }
    }
}

/// What a worker's invocations stream into.
struct ToClient {
    post: Arc<Post>,
    protocol: Arc<dyn Serving>,
    watchdog: Arc<Watchdog>,
    patience: Duration,
    response: Response,
    head: Vec<u8>,
}

impl Stream for ToClient {
    fn open(&mut self, invocation: &Invocation, code: Code) -> Status {
        let Some(Current { connection, manner, .. }) = lock(&self.post.current).clone() else { return E_CANCELLED };
        if self.post.head.compare_exchange(WHOLE, STREAMING, SeqCst, SeqCst).is_err() {
            return E_CANCELLED;
        }
        self.protocol.stream_head(invocation, code, &mut self.response);
        let chunked = manner.version == Version::Http11;
        let keep = manner.keep && chunked && !self.watchdog.is_stopping();
        let manner = Manner { keep, ..manner };
        let framing = if chunked { Framing::Chunked } else { Framing::UntilClose };
        self.head.clear();
        answer::head(&mut self.head, &self.response, manner, framing, &invocation.unit().log);
        let mute = manner.to_head || !status_has_body(self.response.status);
        let mut outgoing = Outgoing { connection, chunked, mute, keep, broken: false };
        let status = outgoing.write(&self.head, b"", self.patience);
        *lock(&self.post.outgoing) = Some(outgoing);
        status
    }

    fn write(&mut self, chunk: Given, _: *mut Tok) -> Status {
        let mut outgoing = lock(&self.post.outgoing);
        let Some(outgoing) = &mut *outgoing else { return E_CANCELLED };
        let data = chunk.as_slice();
        // An empty chunk would be the end of the body.
        let Some(length) = NonZeroUsize::new(data.len()) else { return OK };
        if outgoing.mute {
            return if outgoing.broken { E_CANCELLED } else { OK };
        }
        if !outgoing.chunked {
            return outgoing.write(data, b"", self.patience);
        }
        self.head.clear();
        write::chunk_size(&mut self.head, length);
        if data.len() <= COPY {
            self.head.extend_from_slice(data);
            self.head.extend_from_slice(write::CHUNK_END);
            return outgoing.write(&self.head, b"", self.patience);
        }
        match outgoing.write(&self.head, data, self.patience) {
            OK => outgoing.write(write::CHUNK_END, b"", self.patience),
            lost => lost,
        }
    }
}

impl Server {
    /// A worker's post, under its number at the watchdog.
    pub(super) fn new_post(&self, number: usize, place: &mut Place) -> Arc<Post> {
        let post = Arc::new(Post::new(place.cancel_handle()));
        place.get_mut().set_stream(Box::new(ToClient {
            post: post.clone(),
            protocol: self.protocol.clone(),
            watchdog: self.stopper.watchdog().clone(),
            patience: self.config.write_timeout,
            response: Response::default(),
            head: Vec::new(),
        }));
        let mut posts = lock(&self.posts);
        if posts.len() <= number {
            posts.resize(number + 1, None);
        }
        posts[number] = Some(post.clone());
        post
    }

    /// The post of that number.
    pub(super) fn post(&self, number: usize) -> Option<Arc<Post>> {
        lock(&self.posts).get(number)?.clone()
    }

    /// The client of that invocation sends no more: it has left.
    pub(super) fn peer_gone(&self, number: usize, serial: u32) {
        if let Some(post) = self.post(number) {
            post.cancel.fire_for(serial, faas_abi::CANCEL_PEER_GONE);
        }
    }
}
