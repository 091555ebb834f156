//! Writes a streamed answer: its head, chunks as they come, its end.
//!
//! A chunk goes to the socket as far as that takes it at once. The rest waits here up to a limit and is written by a
//! thread of its own, so that a function is never held in a write: it is told when there is room.

use super::connection::{PATIENCE, write_both};
use crate::{guard, sys};
use faas_abi::host::Given;
use faas_abi::host::token::complete;
use faas_abi::{E_CANCELLED, OK, PENDING, Status, Tok};
use faas_core::failure::Failure;
use faas_core::http1::write;
use faas_core::invocation::{Code, Invocation, Stream};
use faas_core::log::Log;
use faas_core::platform::Polling;
use faas_core::serve::connection::STREAM_FULL;
use std::collections::VecDeque;
use std::io::Read;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};

/// The stack of the writing thread in bytes. The runtime's own code needs little, but a module's code may be told of
/// room on it.
const STACK: usize = 1 << 20;

/// The socket that a worker's streams go to, and whether it has broken.
pub(super) struct Wire {
    log: Log,
    state: Mutex<State>,
    /// The condition which tells that bytes wait to be written, or that no more will.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    socket: Option<Arc<TcpStream>>,
    /// `true` if a head is out, and no end.
    open: bool,
    broken: bool,
    /// The bytes that the socket has not taken, in order.
    waiting: VecDeque<Given>,
    /// The number of those bytes, with those that are being written.
    bytes: usize,
    /// `true` while a thread writes what waits.
    has_writer: bool,
    /// A token of the function that waits for room; 0 if it does not wait.
    room: usize,
}

impl State {
    /// Notes that nothing more can be written; returns the token of the writer that waits in vain.
    fn give_up(&mut self) -> usize {
        self.broken = true;
        self.waiting.clear();
        self.bytes = 0;
        std::mem::take(&mut self.room)
    }

    /// Queues the rest of these bytes, from `at` on. Memory of the invocation is copied.
    fn keep(&mut self, bytes: Given, at: usize) {
        let rest = bytes.as_slice().len() - at;
        if rest == 0 {
            return;
        }
        self.bytes += rest;
        let as_it_is = at == 0 && !bytes.is_borrowed();
        self.waiting.push_back(if as_it_is { bytes } else { Given::from(bytes.as_slice()[at..].to_vec()) });
    }
}

fn tell(room: usize, status: Status) {
    if room != 0 {
        complete(std::ptr::without_provenance_mut::<Tok>(room), status);
    }
}

impl Wire {
    /// Makes a wire without a socket.
    pub(super) fn new(log: &Log) -> Arc<Wire> {
        Arc::new(Wire { log: log.clone(), state: Mutex::default(), changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the connection that the worker has now.
    pub(super) fn set_socket(&self, socket: &Arc<TcpStream>) {
        let mut state = self.state();
        state.socket = Some(socket.clone());
        (state.open, state.broken) = (false, false);
    }

    /// Shuts the socket down, since the worker has ended: also if somebody else still holds it, the platform sees that
    /// nobody polls on it.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.open = false;
        let socket = state.socket.take();
        drop(state);
        self.changed.notify_all();
        if let Some(socket) = socket {
            // A socket that is broken needs no end.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Ends a stream; returns `true` if the platform took the end.
    pub(super) fn end(&self, protocol: &dyn Polling, failure: Option<&Failure>) -> bool {
        let mut out = Vec::new();
        protocol.stream_end(failure, &mut out);
        let state = self.finish();
        let State { socket: Some(socket), broken: false, .. } = &*state else { return false };
        write_both(socket, &out, b"").is_ok()
    }

    /// Waits until no bytes wait any more; the function writes no more.
    fn finish(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.open = false;
        // A function that did not wait for the room it had asked for is told with the end of its invocation.
        state.room = 0;
        self.changed.notify_all();
        while state.has_writer {
            state = self.wait(state);
        }
        state
    }

    /// Ends a stream in place of its writer, which is over its deadline, and waits a little until the platform has
    /// taken the end. Returns `true` if there was a stream. A platform that takes nothing is not told: the connection's
    /// end has to say it.
    pub(super) fn cut(&self, protocol: &dyn Polling, failure: &Failure) -> bool {
        let mut state = match self.state.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return true,
        };
        let State { socket: Some(socket), open: true, broken: false, has_writer: false, .. } = &*state else {
            return state.open;
        };
        let mut out = Vec::new();
        protocol.stream_end(Some(failure), &mut out);
        let socket = socket.clone();
        let written = write_both(&socket, &out, b"");
        state.give_up();
        drop(state);
        // The process leaves next, and bytes that are on their way then may be lost.
        if written.and_then(|()| socket.set_read_timeout(Some(PATIENCE))).is_ok() {
            let _ = (&*socket).read(&mut [0; 64]);
        }
        true
    }

    fn open(self: &Arc<Self>, head: Vec<u8>) -> Status {
        self.state().open = true;
        match self.write([Given::from(head)], 0) {
            // The function has not asked for room yet.
            PENDING => OK,
            status => status,
        }
    }

    /// Sends as much of these parts as the socket takes, and keeps the rest. `room` is the token that is told of room.
    fn write(self: &Arc<Self>, parts: impl IntoIterator<Item = Given>, room: usize) -> Status {
        let mut state = self.state();
        for part in parts {
            let State { socket: Some(socket), broken: false, .. } = &*state else { return E_CANCELLED };
            let at = if state.bytes == 0 { sys::write_now(&**socket, part.as_slice()) } else { Ok(0) };
            let Ok(at) = at else {
                state.give_up();
                return E_CANCELLED;
            };
            state.keep(part, at);
        }
        if state.bytes == 0 {
            return OK;
        }
        self.changed.notify_all();
        if !state.has_writer {
            let wire = self.clone();
            if guard::spawn(&self.log, "faas-stream", Some(STACK), move || wire.write_on()).is_err() {
                state.give_up();
                return E_CANCELLED;
            }
            state.has_writer = true;
        }
        if state.bytes < STREAM_FULL {
            return OK;
        }
        state.room = room;
        PENDING
    }

    /// Writes the waiting bytes until the stream has ended and no bytes wait any more.
    fn write_on(&self) {
        let mut state = self.state();
        loop {
            let (Some(part), Some(socket)) = (state.waiting.pop_front(), state.socket.clone()) else {
                if !state.open || state.broken || state.socket.is_none() {
                    break;
                }
                state = self.wait(state);
                continue;
            };
            drop(state);
            let written = write_both(&socket, part.as_slice(), b"");
            state = self.state();
            let told = if written.is_err() {
                (state.give_up(), E_CANCELLED)
            } else {
                state.bytes = state.bytes.saturating_sub(part.as_slice().len());
                (if state.bytes < STREAM_FULL / 2 { std::mem::take(&mut state.room) } else { 0 }, OK)
            };
            drop(state);
            drop(part);
            tell(told.0, told.1);
            state = self.state();
        }
        let room = if state.socket.is_none() { state.give_up() } else { 0 };
        state.has_writer = false;
        drop(state);
        self.changed.notify_all();
        tell(room, E_CANCELLED);
    }
}

/// The stream of an invocation to the platform.
pub(super) struct ToPlatform {
    pub(super) wire: Arc<Wire>,
    pub(super) protocol: Arc<dyn Polling>,
}

impl Stream for ToPlatform {
    fn open(&mut self, invocation: &Invocation, code: Code) -> Status {
        let (mut head, mut prelude) = (Vec::new(), Vec::new());
        self.protocol.stream_head(invocation, code, &mut head, &mut prelude);
        if !prelude.is_empty() {
            write::chunk(&mut head, &prelude);
        }
        self.wire.open(head)
    }

    fn write(&mut self, chunk: Given, room: *mut Tok) -> Status {
        // An empty chunk would be the end of the body.
        let Some(length) = NonZeroUsize::new(chunk.as_slice().len()) else { return OK };
        let mut head = Vec::with_capacity(20);
        write::chunk_size(&mut head, length);
        self.wire.write([Given::from(head), chunk, Given::from(write::CHUNK_END.to_vec())], room.addr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faas_abi::host::token::Token;
    use faas_core::log::{Format, Level, LineKind, Sink};
    use faas_core::parking::block_on;
    use std::future::poll_fn;
    use std::net::{Ipv4Addr, TcpListener};

    const CHUNK: usize = 64 << 10;

    struct Silent;

    impl Sink for Silent {
        fn write(&self, _: &[u8], _: LineKind) {}
    }

    /// Returns a wire whose stream has begun, and the platform's end of it.
    fn wire() -> (Arc<Wire>, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let here = TcpStream::connect(listener.local_addr().expect("an address")).expect("it listens");
        let (there, _) = listener.accept().expect("a connection");
        let wire = Wire::new(&Log::new(Level::Error, Format::Text, Arc::new(Silent)));
        wire.set_socket(&Arc::new(here));
        assert_eq!(wire.open(b"head".to_vec()), OK);
        (wire, there)
    }

    /// Writes until there is no room any more, at most 16 MiB: a platform that reads quickly always has some. Returns
    /// the number of bytes, and `true` if the writer has to wait for room.
    fn fill(wire: &Arc<Wire>, token: &Token) -> (usize, bool) {
        let mut sent = 0;
        while sent < 16 << 20 {
            let status = wire.write([Given::from(vec![7; CHUNK])], token.arm().addr());
            sent += CHUNK;
            match status {
                PENDING => return (sent, true),
                status => assert_eq!(status, OK, "after {sent} bytes"),
            }
        }
        (sent, false)
    }

    #[test]
    fn a_write_never_waits_and_room_is_told_of_when_the_platform_reads() {
        let (wire, mut there) = wire();
        let token = Token::new();
        let (mut sent, mut waits) = fill(&wire, &token);
        assert!(waits, "nobody reads");
        sent += b"head".len();
        let reader = std::thread::spawn(move || {
            let mut all = Vec::new();
            there.read_to_end(&mut all).map(|_| all)
        });
        for _ in 0..20 {
            if waits {
                assert_eq!(block_on(poll_fn(|context| token.poll(context))), OK);
            }
            let (more, waits_again) = fill(&wire, &token);
            (sent, waits) = (sent + more, waits_again);
        }
        assert!(!wire.finish().broken);
        wire.close();
        let read = reader.join().expect("it does not panic").expect("an end");
        assert_eq!((read.len(), &read[..5]), (sent, &b"head\x07"[..]), "all of it, in order");
    }

    #[test]
    fn a_platform_that_leaves_is_told_to_whoever_waits_and_to_every_later_write() {
        let (wire, there) = wire();
        let token = Token::new();
        assert!(fill(&wire, &token).1, "nobody reads");
        drop(there);
        assert_eq!(block_on(poll_fn(|context| token.poll(context))), E_CANCELLED);
        assert_eq!(wire.write([Given::from(vec![7])], token.arm().addr()), E_CANCELLED);
        assert!(wire.finish().broken);
    }
}
