//! The door before there is a server behind it: while layers and functions start, and while the process waits to be told
//! to start its function.
//!
//! While the start runs, one thread looks at what comes. It answers what the protocol answers itself, closes that
//! connection, and takes not one byte of anything else, but for signals of the platform, which are small and kept for
//! later. While the process waits, requests are read whole, however large: one of them says that the start is to begin,
//! and may bring the function's code. Everybody else is welcomed when the start is over. No invocation runs here: there
//! is no function yet.

use super::answer::{self, Manner};
use super::listening::Listener;
use super::socket::Socket;
use super::table::{END, LISTENER};
use crate::sys::{Alarm, Epoll, Events};
use faas_core::failure::Failure;
use faas_core::http1::{Framing, Limits, Message, Progress, Reader, write};
use faas_core::platform::{Answer, Initial, Response, Route, Serving, Signal, State};
use faas_core::unit::Unit;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// The whole request of a probe, or of a signal during the start, is in here.
const PROBE: usize = 4 << 10;
/// So many may wait for the end of the start; others stay in the system's backlog.
const MOST: usize = 1024;

/// Somebody who came before the server.
pub(super) struct Guest {
    pub(super) socket: Socket,
    pub(super) peer: Box<str>,
    /// What has been read and is not used up.
    pub(super) reader: Option<Reader>,
    pub(super) brought: Option<Brought>,
}

impl Guest {
    /// Who has not been listened to yet.
    pub(super) fn new(socket: Socket, peer: Box<str>) -> Guest {
        Guest { socket, peer, reader: None, brought: None }
    }
}

/// A whole request that waits for the server.
#[derive(Debug)]
pub(super) enum Brought {
    /// An invocation.
    Request(Message),
    /// What the platform asks for, and how it wants the answer.
    Signal(Signal, Manner),
}

/// What is to happen to a process that waits.
pub(super) enum Wish {
    /// FunctionStart, with what came with the signal, if it was one.
    Start(Option<Initial>),
    /// Close: the platform ends the process, and will say so once more.
    Close,
    /// The end.
    Leave,
}

/// The door, and everybody who is inside.
pub(super) struct Door {
    listener: Arc<Listener>,
    epoll: Epoll,
    end: Arc<Alarm>,
    protocol: Arc<dyn Serving>,
    unit: Arc<Unit>,
    limits: Limits,
    state: State,
    guests: Vec<Option<Guest>>,
    /// Places in the list that are free.
    free: Vec<usize>,
}

/// A thread at the door.
pub(super) struct Doorman {
    thread: JoinHandle<(Door, Option<Wish>)>,
    end: Arc<Alarm>,
}

impl Doorman {
    /// Closes the door; nobody is sent away. With what was wished for, if anything was.
    ///
    /// # Errors
    /// The thread is gone.
    pub(super) fn end(self) -> io::Result<(Door, Option<Wish>)> {
        self.end.set(Duration::ZERO);
        let ended = self.thread.join().map_err(|_| io::Error::other("the thread at the door is gone"))?;
        self.end.clear();
        Ok(ended)
    }
}

impl Door {
    /// Nobody is inside.
    ///
    /// # Errors
    /// If there are no descriptors left.
    pub(super) fn new(
        listener: Arc<Listener>,
        protocol: Arc<dyn Serving>,
        unit: Arc<Unit>,
        limits: Limits,
    ) -> io::Result<Door> {
        let (epoll, end) = (Epoll::new()?, Arc::new(Alarm::new()?));
        epoll.add(&*listener, LISTENER)?;
        epoll.add_for_all(&*end, END)?;
        let state = State::Starting;
        Ok(Door { listener, epoll, end, protocol, unit, limits, state, guests: Vec::new(), free: Vec::new() })
    }

    /// Looks after it on a thread of its own, while this one starts something: the function, or what comes before it
    /// where the function waits for a signal. Such a signal may come as early as that.
    ///
    /// # Errors
    /// If there is no thread.
    pub(super) fn keep(mut self, waits: bool) -> io::Result<Doorman> {
        let end = self.end.clone();
        let builder = std::thread::Builder::new().name("faas-doorman".to_owned()).stack_size(128 << 10);
        let thread = builder.spawn(move || {
            let wish = if waits { self.watch(State::Waiting) } else { None };
            if wish.is_some() || !waits {
                self.watch(State::Starting);
            }
            (self, wish)
        })?;
        Ok(Doorman { thread, end })
    }

    /// What ends a wait.
    pub(super) fn alarm(&self) -> &Arc<Alarm> {
        &self.end
    }

    /// Waits for the signal that starts the function, or for an invocation that comes without one.
    pub(super) fn wait(&mut self) -> Wish {
        self.watch(State::Waiting).unwrap_or(Wish::Leave)
    }

    /// Waits for the end, after Close.
    pub(super) fn wait_for_end(&mut self) {
        self.watch(State::Closed);
    }

    /// Answers those who have brought something, and sends them away: there will be no server.
    pub(super) fn turn_away(&mut self, result: Result<(), &Failure>) {
        for number in 0..self.guests.len() {
            let Some(Some(guest)) = self.guests.get_mut(number) else { continue };
            match guest.brought.take() {
                None => {}
                Some(Brought::Signal(signal, manner)) => {
                    let answer = self.protocol.signalled(&signal, result);
                    self.tell(number, manner, &answer);
                }
                Some(Brought::Request(request)) => {
                    if let Err(failure) = result {
                        self.fail(number, request, failure);
                    }
                }
            }
        }
    }

    /// A request that has asked for a start that failed.
    fn fail(&mut self, number: usize, request: Message, failure: &Failure) {
        let manner = Manner::of(&request);
        let (request, facts) = match self.protocol.route(&self.unit, &request, self.state) {
            Route::Invoke(facts) => (request, facts),
            Route::Rewritten(rewritten, facts) => (*rewritten, facts),
            Route::Own(answer) => return self.tell(number, manner, &answer),
            Route::Health | Route::Signal(_) => return,
        };
        let (mut response, mut body) = (Response::default(), Vec::new());
        let id = facts.request_id.read(request.bytes());
        self.protocol.failed(&facts, id, failure, &mut response, &mut body);
        self.respond(number, manner, &response, &body);
    }

    /// Everybody who is inside.
    pub(super) fn guests(self) -> impl Iterator<Item = Guest> {
        self.guests.into_iter().flatten()
    }

    /// Looks after it until something is wished for, or until the end: then nothing is.
    fn watch(&mut self, state: State) -> Option<Wish> {
        self.state = state;
        // What came in another state was looked at with other eyes.
        self.accept();
        for number in 0..self.guests.len() {
            if let Some(wish) = self.look(number) {
                return Some(wish);
            }
        }
        let mut events = Events::new();
        loop {
            let tokens: Vec<u64> = self.epoll.wait(&mut events, Events::ROOM).ok()?.map(|event| event.token).collect();
            if tokens.contains(&END) {
                return None;
            }
            for token in tokens {
                let wish = match token {
                    LISTENER => {
                        self.accept();
                        None
                    }
                    number => usize::try_from(number).ok().and_then(|number| self.look(number)),
                };
                if wish.is_some() {
                    return wish;
                }
            }
        }
    }

    fn accept(&mut self) {
        while self.guests.len() - self.free.len() < MOST {
            match self.listener.accept() {
                Ok((socket, peer)) => {
                    let number = self.free.last().copied().unwrap_or(self.guests.len());
                    if socket.prepare().is_err() || self.epoll.add(&socket, number as u64).is_err() {
                        continue;
                    }
                    let guest = Some(Guest::new(socket, peer));
                    match self.free.pop() {
                        Some(number) => self.guests[number] = guest,
                        None => self.guests.push(guest),
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                // No descriptors: who waits is heard when a guest leaves, or by the server.
                Err(_) => return,
            }
        }
    }

    fn send_away(&mut self, number: usize) {
        self.guests[number] = None;
        self.free.push(number);
        // Somebody may have found it full.
        self.accept();
    }

    fn look(&mut self, number: usize) -> Option<Wish> {
        let guest = self.guests.get(number)?.as_ref()?;
        match (&guest.brought, &guest.reader, self.state) {
            (Some(_), ..) | (None, Some(_), State::Starting) => None,
            (None, None, State::Starting) => {
                self.glance(number);
                None
            }
            (None, ..) => self.listen(number),
        }
    }

    /// Looks at what a guest has sent without taking it, and takes it if it is for us. A request that is not whole yet is
    /// looked at again when more has come.
    fn glance(&mut self, number: usize) {
        let Some(Some(guest)) = self.guests.get_mut(number) else { return };
        let mut seen = [0; PROBE];
        let seen = match guest.socket.peek(&mut seen) {
            Ok(0) => return self.send_away(number),
            Ok(length) => &mut seen[..length],
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => return self.send_away(number),
        };
        let mut reader = Reader::request(self.limits);
        let Some(room) = reader.space(seen.len()).get_mut(..seen.len()) else { return };
        room.copy_from_slice(seen);
        reader.filled(seen.len());
        let request = loop {
            match reader.poll() {
                Ok(Progress::Head) => {}
                Ok(Progress::Complete) => break reader.take(),
                Ok(Progress::More) | Err(_) => return,
            }
        };
        let Some(request) = request else { return };
        let manner = Manner::of(&request);
        match self.protocol.route(&self.unit, &request, self.state) {
            Route::Own(answer) => {
                let _ = (&guest.socket).read(seen);
                self.tell(number, manner, &answer);
            }
            Route::Signal(signal) => {
                let _ = (&guest.socket).read(seen);
                guest.reader = Some(reader);
                guest.brought = Some(Brought::Signal(signal, manner));
            }
            Route::Health | Route::Invoke(_) | Route::Rewritten(..) => {}
        }
    }

    /// Reads what a guest sends, until its request is whole.
    fn listen(&mut self, number: usize) -> Option<Wish> {
        loop {
            let guest = self.guests.get_mut(number)?.as_mut()?;
            let reader = guest.reader.get_or_insert_with(|| Reader::request(self.limits));
            match reader.poll() {
                Ok(Progress::Head) => {
                    if reader.head().is_some_and(|head| head.expects_continue()) {
                        let _ = (&guest.socket).write_all(write::CONTINUE);
                    }
                }
                Ok(Progress::Complete) => {
                    let request = reader.take()?;
                    return self.receive(number, request);
                }
                Ok(Progress::More) => match (&guest.socket).read(reader.space(PROBE)) {
                    Ok(0) => self.send_away(number),
                    Ok(read) => reader.filled(read),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => self.send_away(number),
                },
                Err(refusal) => {
                    if refusal.answerable() {
                        let mut response = Vec::new();
                        answer::plain(&mut response, refusal.status(), &refusal.to_string());
                        self.say(number, &response);
                    }
                    self.send_away(number);
                }
            }
        }
    }

    /// A request that came whole while the process waits, or after its end.
    fn receive(&mut self, number: usize, request: Message) -> Option<Wish> {
        let manner = Manner::of(&request);
        let is_closed = self.state == State::Closed;
        let closed = || Failure::new("Runtime.Closing", "this instance has been told to stop");
        match self.protocol.route(&self.unit, &request, self.state) {
            Route::Own(answer) => self.tell(number, manner, &answer),
            // It waits to be asked for something: nothing is wrong with it.
            Route::Health if is_closed => self.tell(number, manner, &Answer::text(503, "stopped")),
            Route::Health => self.tell(number, manner, &Answer::text(200, "OK")),
            Route::Invoke(facts) if is_closed => self.refuse(number, manner, &request, &facts, &closed()),
            Route::Rewritten(request, facts) if is_closed => self.refuse(number, manner, &request, &facts, &closed()),
            Route::Invoke(_) | Route::Rewritten(..) => {
                self.bring(number, Brought::Request(request));
                return Some(Wish::Start(None));
            }
            Route::Signal(signal) if is_closed => {
                // What has ended needs neither of the others.
                let result = if matches!(signal, Signal::Initialize(_)) { Err(closed()) } else { Ok(()) };
                let answer = self.protocol.signalled(&signal, result.as_ref().copied());
                self.tell(number, manner, &answer);
            }
            Route::Signal(signal) => return self.heed(number, signal, manner),
        }
        None
    }

    /// A signal to a process that waits.
    fn heed(&mut self, number: usize, mut signal: Signal, manner: Manner) -> Option<Wish> {
        let wish = match &mut signal {
            Signal::Initialize(initial) => Wish::Start(Some(std::mem::take(initial))),
            Signal::Stop => Wish::Close,
            Signal::Suspend => {
                // There is no function to be told of it, and its layers have only just begun.
                let answer = self.protocol.signalled(&signal, Ok(()));
                self.tell(number, manner, &answer);
                return None;
            }
        };
        self.bring(number, Brought::Signal(signal, manner));
        Some(wish)
    }

    fn bring(&mut self, number: usize, brought: Brought) {
        if let Some(Some(guest)) = self.guests.get_mut(number) {
            guest.brought = Some(brought);
        }
    }

    fn refuse(
        &mut self,
        number: usize,
        manner: Manner,
        request: &Message,
        facts: &faas_core::invocation::Facts,
        failure: &Failure,
    ) {
        let (mut response, mut body) = (Response::default(), Vec::new());
        let id = facts.request_id.read(request.bytes());
        self.protocol.refused(facts, id, failure, &mut response, &mut body);
        self.respond(number, manner, &response, &body);
    }

    fn tell(&mut self, number: usize, manner: Manner, answer: &Answer) {
        let mut response = Response::default();
        answer.head(&mut response);
        self.respond(number, manner, &response, answer.body.as_bytes());
    }

    /// Answers a guest, which leaves with it.
    fn respond(&mut self, number: usize, manner: Manner, response: &Response, body: &[u8]) {
        let mut out = Vec::new();
        answer::head(&mut out, response, manner.last(), Framing::Length(body.len() as u64), &self.unit.log);
        if !manner.to_head {
            out.extend_from_slice(body);
        }
        self.say(number, &out);
        self.send_away(number);
    }

    /// The socket takes an answer of this size at once; a client that has never read any is none.
    fn say(&self, number: usize, bytes: &[u8]) {
        let Some(Some(guest)) = self.guests.get(number) else { return };
        let _ = (&guest.socket).write_all(bytes);
        guest.socket.shutdown(Shutdown::Write);
    }
}

#[cfg(test)]
mod tests;
