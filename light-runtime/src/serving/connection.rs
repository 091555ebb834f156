//! One connection: whose turn it is, what is half read, what is half sent.
//!
//! One thread at a time attends to a connection: whoever [`claim`](Connection::claim)s it first. Others only leave a
//! note of what they heard, which the one finds when it lets go. The lock is for those who have to look in between, the
//! clock and the watchdog; it is held for reading and writing and never during an invocation.

use super::early::{Brought, Guest};
use super::socket::Socket;
use faas_abi::host::Given;
use faas_core::http1::Reader;
use std::io::{self, ErrorKind, IoSlice, Write};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// No moment: on the clock of [`Unit::now_ns`](faas_core::unit::Unit::now_ns).
pub(super) const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Connection {
    /// Its number in the table and at the system.
    pub(super) token: u64,
    /// Does not block.
    pub(super) socket: Socket,
    /// The other side's address; empty over a Unix socket.
    pub(super) peer: Box<str>,
    /// Does a thread, or the queue, have it?
    claimed: AtomicBool,
    /// What was heard of it and not looked at yet.
    news: AtomicU8,
    inner: Mutex<Inner>,
}

/// There may be something to read, or room to write.
const CHANGED: u8 = 1;
/// The other side sends no more.
const ENDED: u8 = 2;

/// What goes on at the connection.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// A request is expected or half here, or a response is on its way.
    Reading,
    /// A request waits for a thread.
    Queued,
    /// An invocation.
    Invoking {
        /// The worker's number at the watchdog.
        slot: usize,
        /// The invocation's number in the worker's place.
        serial: u32,
    },
    /// Everything is sent and nothing more is read; waiting for the other side to have read it.
    Lingering,
    /// Nothing any more.
    Closed,
}

pub(super) struct Inner {
    pub(super) phase: Phase,
    /// What has come of a request that is not whole; an idle connection has none.
    pub(super) reader: Option<Reader>,
    /// What it brought while the start ran.
    pub(super) brought: Option<Box<Brought>>,
    /// What the socket has not taken.
    pub(super) unsent: Unsent,
    /// To be closed when all is sent.
    pub(super) closing: bool,
    /// May there be something in the socket to read?
    pub(super) unread: bool,
    /// Will the other side send no more?
    pub(super) ended: bool,
    /// When patience ends.
    pub(super) deadline: u64,
    /// Is the alarm looking after the deadline?
    pub(super) watched: bool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("phase", &self.phase).finish_non_exhaustive()
    }
}

impl Connection {
    /// A fresh one.
    pub(super) fn new(token: u64, guest: Guest) -> Connection {
        let Guest { socket, peer, reader, brought, .. } = guest;
        let inner = Inner {
            phase: Phase::Reading,
            reader,
            brought: brought.map(Box::new),
            unsent: Unsent::default(),
            closing: false,
            unread: false,
            ended: false,
            deadline: NEVER,
            watched: false,
        };
        let (claimed, news) = (AtomicBool::new(false), AtomicU8::new(0));
        Connection { token, socket, peer, claimed, news, inner: Mutex::new(inner) }
    }

    /// Leaves a note for whoever has it or will have it.
    pub(super) fn note(&self, ended: bool) {
        self.news.fetch_or(if ended { CHANGED | ENDED } else { CHANGED }, SeqCst);
    }

    /// Takes it, if nobody has it.
    pub(super) fn claim(&self) -> bool {
        !self.claimed.swap(true, SeqCst)
    }

    /// Lets go of it. True: there was a note, and it is claimed again.
    pub(super) fn release(&self) -> bool {
        self.let_go();
        self.news.load(SeqCst) != 0 && self.claim()
    }

    /// Lets go of it; somebody has to be told of it anew.
    pub(super) fn let_go(&self) {
        self.claimed.store(false, SeqCst);
    }

    /// Reads the notes.
    pub(super) fn read_notes(&self, inner: &mut Inner) {
        if self.news.load(SeqCst) != 0 {
            let news = self.news.swap(0, SeqCst);
            inner.unread |= news & CHANGED != 0;
            inner.ended |= news & ENDED != 0;
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The invocation has its response.
    pub(super) fn disengage(&mut self) {
        if matches!(self.phase, Phase::Invoking { .. }) {
            self.phase = Phase::Reading;
        }
    }
}

/// Bytes of a response that the socket has not taken yet.
#[derive(Debug, Default)]
pub(super) struct Unsent {
    head: Vec<u8>,
    head_at: usize,
    body: Option<Given>,
    body_at: usize,
}

impl Unsent {
    pub(super) fn is_empty(&self) -> bool {
        self.head_at == self.head.len() && self.body.is_none()
    }

    /// Keeps copies of bytes, behind what is here already.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        debug_assert!(self.body.is_none(), "nothing may follow a body that is not copied");
        self.head.extend_from_slice(bytes);
    }

    /// Keeps a body that is not copied, from `at` on.
    pub(super) fn keep_body(&mut self, body: Given, at: usize) {
        (self.body, self.body_at) = (Some(body), at);
    }

    /// Sends what the socket takes; says how much that was.
    ///
    /// # Errors
    /// The connection is gone.
    pub(super) fn flush(&mut self, socket: &Socket) -> io::Result<usize> {
        let body = self.body.as_ref().map_or(&[][..], |body| &body.as_slice()[self.body_at..]);
        let head = &self.head[self.head_at..];
        let sent = send(socket, head, body)?;
        let of_head = sent.min(head.len());
        let all = sent == head.len() + body.len();
        self.head_at += of_head;
        self.body_at += sent - of_head;
        if all {
            *self = Unsent::default();
        }
        Ok(sent)
    }
}

/// Sends what the socket takes of two slices, in one call where they are worth two; says how much that was.
///
/// # Errors
/// The connection is gone.
pub(super) fn send(mut socket: &Socket, head: &[u8], body: &[u8]) -> io::Result<usize> {
    let total = head.len() + body.len();
    let mut sent = 0;
    while sent < total {
        let result = match head.get(sent..) {
            Some(head) if body.is_empty() => socket.write(head),
            Some(head) if !head.is_empty() => socket.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]),
            _ => socket.write(&body[sent - head.len()..]),
        };
        match result {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => sent += written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serving::socket::tests::tcp;
    use std::io::Read;

    #[test]
    fn a_note_left_while_somebody_has_it_is_found_when_it_is_let_go() {
        let (_client, socket) = tcp();
        let connection = Connection::new(0, Guest::new(socket, Box::default()));
        assert!(connection.claim());
        assert!(!connection.claim());
        connection.note(true);
        assert!(connection.release(), "there is something to look at");
        connection.read_notes(&mut connection.lock());
        assert!(connection.lock().unread && connection.lock().ended);
        assert!(!connection.release());
        assert!(connection.claim(), "it was let go");
    }

    #[test]
    fn what_the_socket_does_not_take_is_sent_later_in_order() {
        let (mut client, server) = tcp();
        let body: Vec<u8> = (0..8 << 20).map(|number: u32| number.to_le_bytes()[1]).collect();
        let sent = send(&server, b"head", &body).unwrap();
        assert!(sent > 4 && sent < body.len(), "a socket buffer is smaller than 8 MiB: {sent}");
        let mut unsent = Unsent::default();
        unsent.keep_body(Given::from(body.clone()), sent - 4);
        assert!(!unsent.is_empty());
        let reader = std::thread::spawn(move || {
            let mut all = vec![0; 4 + (8 << 20)];
            client.read_exact(&mut all).unwrap();
            all
        });
        while !unsent.is_empty() {
            unsent.flush(&server).unwrap();
            std::thread::yield_now();
        }
        let all = reader.join().unwrap();
        assert_eq!(&all[..4], b"head");
        assert!(all[4..] == body, "the body came as it was");
    }
}
