//! One connection as the system knows it: its socket, and the core's [`Connection`] behind a lock.
//!
//! The lock is held for reading, writing and deciding, never during an invocation. Whoever works for the connection
//! claims it under the lock; others only send what is waiting. Who hears something while the lock is held leaves a note,
//! and whoever has held the lock reads the notes when it is free.

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

/// What is thrown away in one go, in reads of 16 KiB, before others get their turn.
const WASTE_READS: usize = 64;

/// One connection, with its socket.
#[derive(Debug)]
pub(super) struct Link {
    /// Its number in the table and at the system.
    pub(super) token: u64,
    /// The socket, which does not block.
    pub(super) socket: Socket,
    /// The other side's address; empty over a Unix socket.
    pub(super) peer: Box<str>,
    /// What was heard and nobody has looked at.
    news: AtomicU8,
    state: Mutex<State>,
}

/// There may be something to read, or room to write.
const CHANGED: u8 = 1;
/// The other side sends no more.
const ENDED: u8 = 2;

/// What is known of it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) connection: Connection,
    /// `true` while somebody works for it.
    pub(super) claimed: bool,
    /// The invocation that runs for it: the number of its slot.
    pub(super) slot: Option<usize>,
    /// The place of its invocation, while that waits on its thread for the client to make room.
    pub(super) lent: Lent,
    /// The same, while that waits on its thread for the client to send more of its body.
    pub(super) lent_to_read: Lent,
    /// What the runtime itself does for it: how the answer goes out, and when it is overdue.
    pub(super) errand: Option<(Manner, u64)>,
    /// What came with it before the server was there.
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

    /// Leaves a note for whoever works for the connection.
    pub(super) fn note(&self, ended: bool) {
        self.news.fetch_or(if ended { CHANGED | ENDED } else { CHANGED }, SeqCst);
    }

    /// Returns `true` if there is a note that nobody has read. To be asked after the lock was let go: who left a note while
    /// it was held relies on that.
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

    /// Returns its state, unless somebody has it this moment.
    pub(super) fn try_lock(&self) -> Option<Locked<'_>> {
        self.state.try_lock().ok().map(Locked::new)
    }
}

/// The state of a connection, held. Buffers of modules that are not needed any more are let go of once it is not held: their
/// modules may call the runtime meanwhile.
pub(super) struct Locked<'a> {
    state: MutexGuard<'a, State>,
    /// Behind the guard: what is declared later is dropped later.
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

/// A request that has come.
pub(super) struct Arrived {
    pub(super) message: Message,
    /// `true` if it is only the head, whose body its invocation reads.
    pub(super) is_head: bool,
}

impl Arrived {
    /// A request that is whole.
    pub(super) fn whole(message: Message) -> Arrived {
        Arrived { message, is_head: false }
    }
}

/// Tells the one who waits at an end of a stream, if anybody does, to go on, or with another status that it is no use.
pub(super) fn tell(room: usize, status: Status) {
    if room != 0 {
        complete(std::ptr::without_provenance_mut::<Tok>(room), status);
    }
}

/// Writes what the socket takes of two slices in one call; how much that was, `None` if it takes nothing now.
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
    /// Does what the connection wants until it has a request, which is returned, or waits. `rooms` gets the tokens of
    /// those who wait at the ends of streams and are to be told, once the lock is free, to go on.
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
                    // It comes fast: others first, then more of it, until the patience ends.
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
            // What was half read from a connection that is closed or closing is of no use to the next.
            *spare = Reader::request(self.config.limits);
        }
        self.arm(link, state);
        request
    }

    /// Writes what the socket takes of what is waiting; `false` if the connection is gone.
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

    /// Sends what is waiting, and nothing else, for a connection that somebody works for.
    pub(super) fn flush(&self, link: &Link, state: &mut State, rooms: &mut Vec<usize>) {
        while state.connection.wants_to_write() && self.write_some(link, state, rooms) {}
        self.arm(link, state);
    }

    /// Enters the connection's moment, if it has an earlier one now; one that is closed makes no room any more.
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

    /// Notes the reader of a body who has something to look at, to be told once the lock is free.
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

    /// Ends a connection as the step says. Returns nothing: no request comes.
    pub(super) fn carry_out<T>(&self, link: &Link, step: Step) -> Option<T> {
        match step {
            Step::Abort => link.socket.abort(),
            _ => link.socket.shutdown(Shutdown::Both),
        }
        self.table.remove(link.token);
        None
    }

    /// Tells those who wait at the ends of streams; not to be called with a connection's lock held.
    pub(super) fn tell_rooms(&self, rooms: &mut Vec<usize>) {
        for room in rooms.drain(..) {
            tell(room, OK);
        }
        self.end_if_quiet();
    }

    /// The lock has been let go by somebody who does not go on with the connection: what was noted meanwhile is heard anew.
    pub(super) fn let_go(&self, link: &Link) {
        if link.has_news() {
            self.look_again(link);
        }
    }

    /// Has the connection looked at again by whoever listens.
    pub(super) fn look_again(&self, link: &Link) {
        let _ = self.epoll.again(&link.socket, link.token);
    }

    /// Who waits at an end of a stream waits in vain. Told on a thread of its own: it may be a module's code.
    pub(super) fn no_more_room(&self, room: usize) {
        if room != 0 {
            self.background.run(move || tell(room, E_CANCELLED));
        }
    }
}

/// What came of throwing away.
enum Waste {
    /// Nothing is left for now.
    All,
    /// There may be more to read.
    Some,
    /// The other side has ended the connection.
    Ended,
}

/// Throws away what has come.
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
