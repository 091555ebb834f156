//! The listener before there is a server behind it: while layers and functions start, and while the process waits to be
//! told to start its function.
//!
//! While the start runs, one thread looks at what comes. It answers what the protocol answers itself, closes that
//! connection, and takes not one byte of anything else, but for signals of the platform, which are small and kept for
//! later. While the process waits, requests are read whole, however large: one of them says that the start is to begin,
//! and may bring the function's code. Who begins a request and does not get on with it is sent away, and when all room
//! is taken, who has been waited for the longest. All other connections are served when the start is over. No invocation
//! runs here: there is no function yet.

use super::listening::Listener;
use super::socket::Socket;
use super::table::{ALARM, END, LISTENER};
use crate::ending::{End, lasting};
use crate::guard;
use crate::sys::{self, Alarm, Epoll, Events};
use faas_core::failure::Failure;
use faas_core::http1::{Framing, Limits, Message, ReadProgress, Reader, write};
use faas_core::platform::{FailedInvocation, Initial, LocalResponse, Response, Route, Serving, Signal, State};
use faas_core::process::Process;
use faas_core::serve::{Manner, NEVER, response_head};
use faas_core::settings::ServerSettings;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The bytes that are read ahead; the whole request of a probe, or of a signal during the start, is shorter.
const PROBE: usize = 4 << 10;
/// The number of clients that may wait for the end of the start; others stay in the system's backlog.
const MOST: usize = if cfg!(test) { 16 } else { 1024 };
/// The bytes of a client that are thrown away after its answer.
const WASTE: usize = 1 << 20;
/// The time that a process that leaves waits for its last answers to go out.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A client that came before the server.
pub(super) struct Pending {
    pub(super) socket: Socket,
    pub(super) peer: Box<str>,
    /// The bytes that have been read and are not used up.
    pub(super) reader: Option<Reader>,
    pub(super) brought: Option<Brought>,
    /// The end of the time for a client that was listened to and has not brought a whole request.
    pub(super) patience: u64,
}

impl Pending {
    /// Returns `true` if a part of a request has come.
    fn has_begun(&self) -> bool {
        self.reader.as_ref().is_some_and(|reader| !reader.is_idle())
    }

    /// Makes a client that has not been listened to yet.
    pub(super) fn new(socket: Socket, peer: Box<str>) -> Pending {
        Pending { socket, peer, reader: None, brought: None, patience: NEVER }
    }
}

/// A whole request that waits for the server.
#[derive(Debug)]
pub(super) enum Brought {
    /// An invocation that is to be begun.
    Request(Message),
    /// A request for a step of the process' life, and the manner of its answer.
    Signal(Signal, Manner),
}

/// The wish that ends a wait.
pub(super) enum Wish {
    /// FunctionStart is to run, with the code or settings that came with the signal, if it was one.
    Start(Option<Initial>),
    /// Close is to run: the platform ends the process, and will say so once more.
    Close,
    /// The process is to leave.
    Leave,
}

/// The listener before there is a server, and all clients that have come.
pub(super) struct StartupListener {
    listener: Arc<Listener>,
    epoll: Epoll,
    end: Arc<Alarm>,
    /// The alarm that goes off when the time of a client may be over.
    clock: Alarm,
    /// The moment that the clock is set for.
    set_for: u64,
    protocol: Arc<dyn Serving>,
    process: Arc<Process>,
    limits: Limits,
    read_timeout: Duration,
    state: State,
    pending: Vec<Option<Pending>>,
    /// Places in the list that are free.
    free: Vec<usize>,
}

/// The failure of a start that takes too long, once it does.
type Late = Arc<Mutex<Option<Failure>>>;

/// The thread that looks after the listener.
pub(super) struct StartupThread {
    thread: JoinHandle<(StartupListener, Option<Wish>)>,
    end: Arc<Alarm>,
    /// The place in which the thread is told of a start that takes too long, and the end that tells that it has passed
    /// this on.
    late: Option<(Late, End)>,
}

impl StartupThread {
    /// Returns a function for a start that takes too long and ends the process: it tells the clients that have asked
    /// for the start. Only the first of these functions does so.
    pub(super) fn on_late(&mut self) -> impl FnOnce(&Failure) + Send + 'static {
        let (late, end) = (self.late.take(), self.end.clone());
        move |failure| {
            let Some((late, passed_on)) = late else { return };
            *late.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
            if !passed_on.is_there() {
                end.set(Duration::ZERO);
                passed_on.wait(LAST_WORD);
            }
        }
    }

    /// Ends the thread; no client is sent away. Returns the listener, and the wish if there was one.
    ///
    /// # Errors
    /// The thread is gone.
    pub(super) fn end(self) -> io::Result<(StartupListener, Option<Wish>)> {
        self.end.set(Duration::ZERO);
        let ended = self.thread.join().map_err(|_| io::Error::other("the thread of the listener is gone"))?;
        self.end.clear();
        Ok(ended)
    }
}

impl StartupListener {
    /// Makes a listener without clients.
    ///
    /// # Errors
    /// No descriptors are left.
    pub(super) fn new(
        listener: Arc<Listener>,
        protocol: Arc<dyn Serving>,
        process: Arc<Process>,
        config: &ServerSettings,
    ) -> io::Result<StartupListener> {
        let (epoll, end, clock) = (Epoll::new()?, Arc::new(Alarm::new()?), Alarm::new()?);
        epoll.add(&*listener, LISTENER)?;
        epoll.add_for_all(&*end, END)?;
        epoll.add(&clock, ALARM)?;
        Ok(StartupListener {
            listener,
            epoll,
            end,
            clock,
            set_for: NEVER,
            protocol,
            process,
            limits: config.limits,
            read_timeout: config.read_timeout,
            state: State::Starting,
            pending: Vec::new(),
            free: Vec::new(),
        })
    }

    /// Looks after the clients on a thread of its own, while this one starts something: the function, or the layers
    /// before it where the function waits for a signal. Such a signal may come as early as that.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn spawn(mut self, waits: bool) -> io::Result<StartupThread> {
        let end = self.end.clone();
        let (late, (passing_on, passed_on)) = (Late::default(), lasting());
        let heard = late.clone();
        let log = self.process.log.clone();
        let thread = guard::spawn(&log, "faas-startup", Some(128 << 10), move || {
            let wish = if waits { self.watch(State::Waiting) } else { None };
            if wish.is_some() || !waits {
                self.watch(State::Starting);
            }
            let late = heard.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(failure) = late {
                self.turn_away(Err(&failure));
            }
            drop(passing_on);
            (self, wish)
        })?;
        Ok(StartupThread { thread, end, late: Some((late, passed_on)) })
    }

    /// Returns the alarm that ends a wait.
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

    /// Answers the clients that have brought a request, and sends them away: there will be no server, because the start
    /// failed, or because the process was told to end before.
    pub(super) fn turn_away(&mut self, result: Result<(), &Failure>) {
        let closed = closed();
        for number in 0..self.pending.len() {
            let Some(Some(pending)) = self.pending.get_mut(number) else { continue };
            match pending.brought.take() {
                None => {}
                Some(Brought::Signal(signal, manner)) => {
                    let result = result.and_then(|()| after_close(&signal, &closed));
                    let answer = self.protocol.signalled(&signal, result);
                    self.tell(number, manner, &answer);
                }
                Some(Brought::Request(request)) => self.fail(number, request, result.err().unwrap_or(&closed)),
            }
        }
    }

    /// Answers a request that has asked for a start that failed.
    fn fail(&mut self, number: usize, request: Message, failure: &Failure) {
        let manner = Manner::of(&request);
        let (request, metadata) = match self.protocol.route(&self.process, &request, self.state) {
            Route::Invoke(metadata) => (request, metadata),
            Route::Rewritten(rewritten, metadata) => (*rewritten, metadata),
            Route::Local(answer) => return self.tell(number, manner, &answer),
            Route::Health | Route::Signal(_) => return,
        };
        let (mut response, mut body) = (Response::default(), Vec::new());
        let id = metadata.request_id.read(request.bytes());
        self.protocol.failed(
            FailedInvocation { metadata: &metadata, request_id: id, failure },
            &mut response,
            &mut body,
        );
        self.respond(number, manner, &response, &body);
    }

    /// Returns the clients that have come.
    pub(super) fn pending(self) -> impl Iterator<Item = Pending> {
        self.pending.into_iter().flatten()
    }

    /// Looks after the clients until one has a wish, which is returned, or until the end: `None`.
    fn watch(&mut self, state: State) -> Option<Wish> {
        self.state = state;
        // Bytes that came in another state were not looked at for this one.
        self.accept();
        for number in 0..self.pending.len() {
            if let Some(wish) = self.look(number) {
                return Some(wish);
            }
        }
        let mut events = Events::new();
        loop {
            // Every client has been looked at: one that has still not sent all of its request is late, or in the way of
            // others.
            self.lose_patience();
            self.accept();
            let tokens: Vec<u64> = self.epoll.wait(&mut events, Events::ROOM).ok()?.map(|event| event.token).collect();
            if tokens.contains(&END) {
                return None;
            }
            for token in tokens {
                let wish = match token {
                    LISTENER | ALARM => None,
                    number => usize::try_from(number).ok().and_then(|number| self.look(number)),
                };
                if wish.is_some() {
                    return wish;
                }
            }
        }
    }

    fn accept(&mut self) {
        while self.pending.len() - self.free.len() < MOST || self.make_room() {
            match self.listener.accept() {
                Ok((socket, peer)) => {
                    let number = self.free.last().copied().unwrap_or(self.pending.len());
                    if socket.prepare().is_err() || self.epoll.add(&socket, number as u64).is_err() {
                        continue;
                    }
                    let pending = Some(Pending::new(socket, peer));
                    match self.free.pop() {
                        Some(number) => self.pending[number] = pending,
                        None => self.pending.push(pending),
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                // There are no descriptors: clients that wait are heard when another leaves, or by the server.
                Err(_) => return,
            }
        }
    }

    /// Sends away the client that has been waited for the longest, if all room is taken and another waits outside. A
    /// client that has not been listened to all of yet stays, and so do all while the process does not listen to them.
    fn make_room(&mut self) -> bool {
        if self.state == State::Starting || !sys::is_readable_now(&*self.listener) {
            return false;
        }
        let pending = self.pending.iter().enumerate();
        let patience = pending.filter_map(|(number, pending)| Some((pending.as_ref()?.patience, number)));
        let Some((_, number)) = patience.min().filter(|(patience, _)| *patience != NEVER) else { return false };
        let has_more = self.pending[number].as_ref().is_some_and(|pending| sys::is_readable_now(&pending.socket));
        if !has_more {
            self.give_up(number);
        }
        !has_more
    }

    /// Sends away the clients whose time is over. It is not over while the process does not listen to them, nor for one
    /// that has not begun.
    fn lose_patience(&mut self) {
        let now = self.process.now_ns();
        if self.state == State::Starting || now < self.set_for {
            return;
        }
        self.clock.clear();
        self.set_for = NEVER;
        for number in 0..self.pending.len() {
            let Some(Some(pending)) = self.pending.get(number) else { continue };
            let patience = pending.patience;
            if patience == NEVER || !pending.has_begun() {
                continue;
            }
            if patience <= now {
                self.give_up(number);
            } else {
                self.wake_at(patience);
            }
        }
    }

    fn wake_at(&mut self, moment: u64) {
        if moment < self.set_for {
            self.set_for = moment;
            self.clock.set(Duration::from_nanos(moment.saturating_sub(self.process.now_ns())));
        }
    }

    /// Notes that a client that was listened to has nothing more to send for now.
    fn be_patient(&mut self, number: usize) {
        let limit = u64::try_from(self.read_timeout.as_nanos()).unwrap_or(NEVER);
        let moment = self.process.now_ns().saturating_add(limit).min(NEVER - 1);
        let Some(Some(pending)) = self.pending.get_mut(number) else { return };
        pending.patience = pending.patience.min(moment);
        if pending.has_begun() {
            let moment = pending.patience;
            self.wake_at(moment);
        }
    }

    /// Sends away a client that does not get on.
    fn give_up(&mut self, number: usize) {
        let Some(Some(pending)) = self.pending.get(number) else { return };
        if pending.has_begun() {
            let mut response = Vec::new();
            response_head::plain(&mut response, 408, "the request did not come in within its time limit");
            self.say(number, &response);
        }
        self.forget(number);
    }

    fn forget(&mut self, number: usize) {
        self.pending[number] = None;
        self.free.push(number);
    }

    fn send_away(&mut self, number: usize) {
        self.forget(number);
        // Other clients may have found the listener full.
        self.accept();
    }

    fn look(&mut self, number: usize) -> Option<Wish> {
        let pending = self.pending.get(number)?.as_ref()?;
        match (&pending.brought, &pending.reader, self.state) {
            (Some(_), ..) | (None, Some(_), State::Starting) => None,
            (None, None, State::Starting) => {
                self.glance(number);
                None
            }
            (None, ..) => self.listen(number),
        }
    }

    /// Looks at the bytes of a client without taking them, and takes them if they are for the listener. A request that
    /// is not whole yet is looked at again when more has come.
    fn glance(&mut self, number: usize) {
        let Some(Some(pending)) = self.pending.get_mut(number) else { return };
        let mut seen = [0; PROBE];
        let seen = match pending.socket.peek(&mut seen) {
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
                Ok(ReadProgress::Head) => {}
                Ok(ReadProgress::Complete) => break reader.take(),
                Ok(ReadProgress::More) | Err(_) => return,
            }
        };
        let Some(request) = request else { return };
        let manner = Manner::of(&request);
        match self.protocol.route(&self.process, &request, self.state) {
            Route::Local(answer) => {
                let _ = (&pending.socket).read(seen);
                self.tell(number, manner, &answer);
            }
            Route::Signal(signal) => {
                let _ = (&pending.socket).read(seen);
                pending.reader = Some(reader);
                pending.brought = Some(Brought::Signal(signal, manner));
            }
            Route::Health | Route::Invoke(_) | Route::Rewritten(..) => {}
        }
    }

    /// Reads the bytes of a client, until its request is whole.
    fn listen(&mut self, number: usize) -> Option<Wish> {
        loop {
            let pending = self.pending.get_mut(number)?.as_mut()?;
            let reader = pending.reader.get_or_insert_with(|| Reader::request(self.limits));
            match reader.poll() {
                Ok(ReadProgress::Head) => {
                    if reader.head().is_some_and(|head| head.expects_continue()) {
                        let _ = (&pending.socket).write_all(write::CONTINUE);
                    }
                }
                Ok(ReadProgress::Complete) => {
                    let request = reader.take()?;
                    pending.patience = NEVER;
                    return self.receive(number, request);
                }
                Ok(ReadProgress::More) => {
                    let begins = reader.is_idle();
                    match (&pending.socket).read(reader.space(PROBE)) {
                        Ok(0) => self.send_away(number),
                        Ok(read) => {
                            reader.filled(read);
                            // The head has one limit from its first byte on; a body may take long, as long as it comes.
                            if begins || reader.head().is_some() {
                                pending.patience = NEVER;
                            }
                        }
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            self.be_patient(number);
                            return None;
                        }
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(_) => self.send_away(number),
                    }
                }
                Err(refusal) => {
                    if refusal.answerable() {
                        let mut response = Vec::new();
                        response_head::plain(&mut response, refusal.status(), &refusal.to_string());
                        self.say(number, &response);
                    }
                    self.send_away(number);
                }
            }
        }
    }

    /// Handles a request that came whole while the process waits, or after its end.
    fn receive(&mut self, number: usize, request: Message) -> Option<Wish> {
        let manner = Manner::of(&request);
        let is_closed = self.state == State::Closed;
        match self.protocol.route(&self.process, &request, self.state) {
            Route::Local(answer) => self.tell(number, manner, &answer),
            // The process waits for its signal: nothing is wrong with it.
            Route::Health if is_closed => self.tell(number, manner, &LocalResponse::text(503, "stopped")),
            Route::Health => self.tell(number, manner, &LocalResponse::text(200, "OK")),
            Route::Invoke(metadata) if is_closed => self.refuse(number, manner, &request, &metadata, &closed()),
            Route::Rewritten(request, metadata) if is_closed => {
                self.refuse(number, manner, &request, &metadata, &closed())
            }
            Route::Invoke(_) | Route::Rewritten(..) => {
                self.bring(number, Brought::Request(request));
                return Some(Wish::Start(None));
            }
            Route::Signal(signal) if is_closed => {
                let answer = self.protocol.signalled(&signal, after_close(&signal, &closed()));
                self.tell(number, manner, &answer);
            }
            Route::Signal(signal) => return self.heed(number, signal, manner),
        }
        None
    }

    /// Obeys a signal to a process that waits.
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
        if let Some(Some(pending)) = self.pending.get_mut(number) {
            pending.brought = Some(brought);
        }
    }

    fn refuse(
        &mut self,
        number: usize,
        manner: Manner,
        request: &Message,
        metadata: &faas_core::invocation::InvocationMetadata,
        failure: &Failure,
    ) {
        let (mut response, mut body) = (Response::default(), Vec::new());
        let id = metadata.request_id.read(request.bytes());
        self.protocol.refused(FailedInvocation { metadata, request_id: id, failure }, &mut response, &mut body);
        self.respond(number, manner, &response, &body);
    }

    fn tell(&mut self, number: usize, manner: Manner, answer: &LocalResponse) {
        let mut response = Response::default();
        answer.head(&mut response);
        self.respond(number, manner, &response, answer.body.as_bytes());
    }

    /// Answers a client, which leaves with it.
    fn respond(&mut self, number: usize, manner: Manner, response: &Response, body: &[u8]) {
        let mut out = Vec::new();
        response_head::head(&mut out, response, manner.last(), Framing::Length(body.len() as u64), &self.process.log);
        if !manner.to_head {
            out.extend_from_slice(body);
        }
        self.say(number, &out);
        self.send_away(number);
    }

    /// Sends the bytes of an answer. The socket takes an answer of this size at once, unless the client has never read
    /// any. Bytes that have come from it are thrown away: the system would reset a connection that is closed over them,
    /// and take the answer away.
    fn say(&self, number: usize, bytes: &[u8]) {
        let Some(Some(pending)) = self.pending.get(number) else { return };
        let _ = (&pending.socket).write_all(bytes);
        pending.socket.shutdown(Shutdown::Write);
        let mut waste = [0; PROBE];
        for _ in 0..WASTE / PROBE {
            match (&pending.socket).read(&mut waste) {
                Ok(1..) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return,
            }
        }
    }
}

fn closed() -> Failure {
    Failure::new("Runtime.Closing", "this instance has been told to stop")
}

/// Returns the answer to a signal after Close has run: a process that has ended cannot start, and needs no other
/// signal.
fn after_close<'f>(signal: &Signal, closed: &'f Failure) -> Result<(), &'f Failure> {
    if matches!(signal, Signal::Initialize(_)) { Err(closed) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
