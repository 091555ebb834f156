//! One connection as the system knows it: its socket, and the core's [`Connection`] behind a lock.
//!
//! The lock is held for reading, writing and deciding, never during an invocation. Whoever works for the connection
//! claims it under the lock; others only send what is waiting. Who hears something while the lock is held leaves a
//! note, and whoever has held the lock reads the notes when it is free.

use super::Server;
use super::socket::Socket;
use super::startup_listener::Brought;
use super::thread_place::Lent;
use faas_abi::host::Given;
use faas_abi::host::token::complete;
use faas_abi::{E_CANCELLED, OK, Status, Tok};
use faas_core::http1::{Message, Reader};
use faas_core::process::Process;
use faas_core::serve::{Connection, Event, Manner, Step};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most reads of 16 KiB that are thrown away at once, before others get their turn.
const WASTE_READS: usize = 64;

/// One connection, with its socket.
#[derive(Debug)]
pub(super) struct Link {
    /// The connection's number in the table and at the system.
    pub(super) token: u64,
    /// The socket, which does not block.
    pub(super) socket: Socket,
    /// The other side's address; empty over a Unix socket.
    pub(super) peer: Box<str>,
    /// The notes about the connection that nobody has read yet.
    news: AtomicU8,
    state: Mutex<State>,
}

/// There may be something to read, or room to write.
const CHANGED: u8 = 1;
/// The other side sends no more.
const ENDED: u8 = 2;

/// The state of a connection, behind its lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) connection: Connection,
    /// `true` while a thread works for the connection.
    pub(super) claimed: bool,
    /// The slot of the invocation that runs for it.
    pub(super) slot: Option<usize>,
    /// The place of its invocation, while that waits on its thread for the client to make room.
    pub(super) lent: Lent,
    /// The place of its invocation, while that waits on its thread for the client to send more of its body.
    pub(super) lent_to_read: Lent,
    /// The runtime's own work for it: the manner of the answer, and the moment when it is overdue.
    pub(super) errand: Option<(Manner, u64)>,
    /// The request or signal that came with it before the server was there.
    pub(super) brought: Option<Box<Brought>>,
}

impl Link {
    pub(super) fn new(token: u64, socket: Socket, peer: Box<str>, connection: Connection) -> Link {
        let (lent, lent_to_read) = (Lent::default(), Lent::default());
        let state = State { connection, claimed: false, slot: None, lent, lent_to_read, errand: None, brought: None };
        Link { token, socket, peer, news: AtomicU8::new(0), state: Mutex::new(state) }
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        Locked::new(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Leaves a note for the thread that works for the connection.
    pub(super) fn note(&self, ended: bool) {
        self.news.fetch_or(if ended { CHANGED | ENDED } else { CHANGED }, SeqCst);
    }

    /// Returns `true` if there is a note that nobody has read. It is called after the lock was let go: a thread that
    /// left a note while it was held relies on that.
    pub(super) fn has_news(&self) -> bool {
        self.news.load(SeqCst) != 0
    }

    /// Reads the notes that were left.
    pub(super) fn read_news(&self, state: &mut State) {
        if self.has_news() {
            let news = self.news.swap(0, SeqCst);
            state.connection.heard(Event { ended: news & ENDED != 0 });
        }
    }

    /// Returns its state, unless another thread holds it now.
    pub(super) fn try_lock(&self) -> Option<Locked<'_>> {
        self.state.try_lock().ok().map(Locked::new)
    }
}

/// The state of a connection, with its lock held. Buffers of modules that are not needed any more are dropped once the
/// lock is free: their modules may call the runtime meanwhile.
pub(super) struct Locked<'a> {
    state: MutexGuard<'a, State>,
    /// The buffers to drop. They stand behind the guard, since fields are dropped in their order.
    spent: Vec<Given>,
}

impl<'a> Locked<'a> {
    fn new(state: MutexGuard<'a, State>) -> Locked<'a> {
        Locked { state, spent: Vec::new() }
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    #[inline(always)]
    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.state.connection.has_spent() {
            self.spent = self.state.connection.take_spent();
        }
    }
}

/// A request that has arrived.
pub(super) struct Arrived {
    pub(super) message: Message,
    /// `true` if it is only the head, whose body its invocation reads.
    pub(super) is_head: bool,
}

impl Arrived {
    /// Makes a request that is whole.
    pub(super) fn whole(message: Message) -> Arrived {
        Arrived { message, is_head: false }
    }
}

/// Tells the token `room`, unless it is 0: its owner waits at an end of a stream, and goes on, or learns from another
/// status that it waits in vain.
pub(super) fn tell(room: usize, status: Status) {
    if room != 0 {
        complete(std::ptr::without_provenance_mut::<Tok>(room), status);
    }
}

/// Writes as much of two slices as the socket takes in one call. Returns the number of bytes; `None` if it takes
/// nothing now.
///
/// # Errors
/// The connection is gone.
pub(super) fn write(mut socket: &Socket, head: &[u8], body: &[u8]) -> io::Result<Option<usize>> {
    loop {
        let result = match (head.is_empty(), body.is_empty()) {
            (_, true) => socket.write(head),
            (true, _) => socket.write(body),
            (false, false) => socket.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]),
        };
        match result {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => return Ok(Some(written)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Server {
    /// Reads and writes for the connection until a request is whole, which is returned, or until it has to wait. Tokens of
    /// waiting writers and readers are added to `rooms`, to be ended once the lock is free.
    pub(super) fn drive(
        &self,
        link: &Link,
        state: &mut State,
        spare: &mut Reader,
        rooms: &mut Vec<usize>,
    ) -> Option<Arrived> {
        let clock = &**self.runtime.process();
        let request = loop {
            let connection = &mut state.connection;
            match connection.step(spare, &self.config, self.is_draining(), clock) {
                Step::Read => {
                    let space = connection.space(spare);
                    let room = space.len();
                    match (&link.socket).read(space) {
                        Ok(0) => break self.carry_out(link, connection.end_of_input()),
                        Ok(count) => connection.filled(spare, count, room, clock),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => connection.nothing_to_read(),
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(_) => break self.carry_out(link, connection.end_of_input()),
                    }
                }
                Step::Write => {
                    if !self.write_some(link, state, rooms) {
                        break None;
                    }
                }
                Step::Discard => match discard(link, connection, clock) {
                    Waste::All => {}
                    // Bytes come fast: other connections get a turn, then more of these are read, until the patience
                    // ends.
                    Waste::Some => {
                        self.look_again(link);
                        break None;
                    }
                    Waste::Ended => break self.carry_out(link, connection.end(Step::Close)),
                },
                Step::EndSending => link.socket.shutdown(Shutdown::Write),
                Step::Request => break connection.take_request(spare, &self.config).map(Arrived::whole),
                Step::Head => {
                    if connection.head(spare).is_some_and(|head| self.protocol.may_stream(head)) {
                        let head = connection.take_head(spare, &self.config, clock);
                        break head.map(|message| Arrived { message, is_head: true });
                    }
                    connection.read_whole(spare);
                }
                Step::Wait => break None,
                step @ (Step::Close | Step::Abort) => break self.carry_out(link, step),
            }
        };
        if !spare.is_idle() {
            // The rest of a request from a connection that is closed or closing is of no use to the next.
            *spare = Reader::request(self.config.limits);
        }
        self.arm(link, state);
        request
    }

    /// Writes as much of the waiting bytes as the socket takes; returns `false` if the connection is gone.
    fn write_some(&self, link: &Link, state: &mut State, rooms: &mut Vec<usize>) -> bool {
        let clock = &**self.runtime.process();
        let State { connection, lent, .. } = state;
        let (first, second) = connection.unsent();
        match write(&link.socket, first, second) {
            Ok(Some(count)) => {
                let room = connection.sent(count, clock);
                if room != 0 {
                    self.take_back(lent);
                    rooms.push(room);
                }
            }
            Ok(None) => connection.no_room(&self.config, clock),
            Err(_) => {
                self.carry_out::<()>(link, connection.end(Step::Close));
                return false;
            }
        }
        true
    }

    /// Sends the waiting bytes, and nothing else, for a connection that another thread works for.
    pub(super) fn flush(&self, link: &Link, state: &mut State, rooms: &mut Vec<usize>) {
        while state.connection.wants_to_write() && self.write_some(link, state, rooms) {}
        self.arm(link, state);
    }

    /// Sets a timer for the connection's next deadline. If the connection is closed, writers and readers that wait at its
    /// streams are woken.
    pub(super) fn arm(&self, link: &Link, state: &mut State) {
        if let Some(moment) = state.connection.timer() {
            self.timers.enter(moment, link.token);
        }
        if state.connection.is_closed() {
            self.take_back(&mut state.lent);
            self.no_more_room(state.connection.take_room());
            self.take_back(&mut state.lent_to_read);
            self.no_more_room(state.connection.upload_news());
        }
    }

    /// Adds the reader of a body to `rooms` if there is something for it, to be told once the lock is free.
    pub(super) fn look_at_upload(&self, state: &mut State, rooms: &mut Vec<usize>) {
        let ready = state.connection.upload_news();
        if ready != 0 {
            self.take_back(&mut state.lent_to_read);
            rooms.push(ready);
        }
    }

    /// Ends a connection that has been used up, as the step says; an invocation of its learns that nobody waits for it.
    pub(super) fn end_connection(&self, link: &Link, mut state: Locked<'_>, step: Step) {
        self.carry_out::<()>(link, step);
        let slot = state.slot;
        self.arm(link, &mut state);
        drop(state);
        if let Some(slot) = slot {
            self.peer_gone(slot);
        }
    }

    /// Ends a connection as the step says. It always returns `None`: no request comes.
    pub(super) fn carry_out<T>(&self, link: &Link, step: Step) -> Option<T> {
        match step {
            Step::Abort => link.socket.abort(),
            _ => link.socket.shutdown(Shutdown::Both),
        }
        self.table.remove(link.token);
        None
    }

    /// Tells those that wait at the ends of streams. It is not called with a connection's lock held.
    pub(super) fn tell_rooms(&self, rooms: &mut Vec<usize>) {
        for room in rooms.drain(..) {
            tell(room, OK);
        }
        self.end_if_quiet();
    }

    /// Listens anew for notes that were left while the lock was held by a thread that does not go on with the
    /// connection.
    pub(super) fn let_go(&self, link: &Link) {
        if link.has_news() {
            self.look_again(link);
        }
    }

    /// Has the connection looked at again by a thread that listens.
    pub(super) fn look_again(&self, link: &Link) {
        let _ = self.epoll.again(&link.socket, link.token);
    }

    /// Tells the token `room` that it waits in vain at its end of a stream. It is told on a thread of its own: that may
    /// be a module's code.
    pub(super) fn no_more_room(&self, room: usize) {
        if room != 0 {
            self.background.run(move || tell(room, E_CANCELLED));
        }
    }
}

/// The result of throwing bytes away.
enum Waste {
    /// Everything was read for now.
    All,
    /// There may be more to read.
    Some,
    /// The other side has ended the connection.
    Ended,
}

/// Throws away the bytes that have come.
fn discard(link: &Link, connection: &mut Connection, clock: &Process) -> Waste {
    let mut waste = [0; 16 << 10];
    for _ in 0..WASTE_READS {
        match (&link.socket).read(&mut waste) {
            Ok(0) => return Waste::Ended,
            Ok(_) => connection.discarded(clock),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                connection.nothing_to_read();
                return Waste::All;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Waste::Ended,
        }
    }
    Waste::Some
}
