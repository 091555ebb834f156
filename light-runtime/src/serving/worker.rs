//! A thread of the crew: hears what happened to a connection, reads, and runs what it has read.

use super::answer::Manner;
use super::connection::{Connection, Inner, NEVER, Phase};
use super::early::Brought;
use super::post::Post;
use super::signals::Errand;
use super::table::{ALARM, END, LISTENER};
use super::{Request, Server, answer, crew};
use crate::sys::{Event, Events};
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::http1::{Framing, Message, Progress, Reader, Version, write};
use faas_core::platform::{Answer, Response, Route, State};
use faas_core::watchdog::Slot;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, MutexGuard};

/// Read this much at once when nothing is known of the length: an ordinary request.
const READ: usize = 4 << 10;

/// Too many at once: the client may try again soon.
const OVERLOADED: (&str, &str) = ("Runtime.Overloaded", "as many invocations as this instance takes are in progress");
/// Close has run, or is about to.
const CLOSED: (&str, &str) = ("Runtime.Closing", "this instance has been told to stop");

pub(super) struct Worker {
    pub(super) server: Arc<Server>,
    /// For whatever comes next; idle between connections, so that an idle connection needs no buffer.
    pub(super) reader: Reader,
    pub(super) place: Place,
    pub(super) number: usize,
    pub(super) slot: Arc<Slot>,
    pub(super) post: Arc<Post>,
    pub(super) response: Response,
    pub(super) head: Vec<u8>,
    pub(super) scratch: Vec<u8>,
    events: Events,
    /// Was there news of several connections at once?
    busy: bool,
    /// The last invocation this thread took, if it took any since it settled.
    pub(super) taken: Option<u64>,
    /// Has the watchdog given this thread up?
    pub(super) lost: bool,
}

/// What a connection brought.
#[allow(clippy::large_enum_variant, reason = "a box would be an allocation a request, to save a move")]
enum Work {
    Invoke(Request),
    /// Something else that takes its time.
    Errand(Errand, Manner),
}

impl Worker {
    pub(super) fn new(server: &Arc<Server>) -> Worker {
        let mut place = server.runtime.place();
        let (number, slot) = server.stopper.watchdog().slot(place.cancel_handle());
        let post = server.new_post(number, &mut place);
        Worker {
            server: server.clone(),
            reader: Reader::request(server.config.limits),
            place,
            number,
            slot,
            post,
            response: Response::default(),
            head: Vec::new(),
            scratch: Vec::new(),
            events: Events::new(),
            busy: false,
            taken: None,
            lost: false,
        }
    }

    /// Works until the end, or until this thread is given up. `called`: somebody needed a watcher.
    pub(super) fn work(&mut self, called: bool) {
        let server = self.server.clone();
        if called {
            server.crew.nap();
        }
        while !server.crew.is_done() {
            if let Some(event) = self.listen()
                && !self.attend_to(event)
            {
                // Its thread is about to hear the next itself, and hears it sooner with nobody before it.
                server.crew.nap();
            }
            while !self.lost
                && let Some(request) = server.admission.next()
            {
                self.serve_queued(request);
            }
            if self.lost {
                return;
            }
            if let Some(take) = self.taken.take()
                && !server.crew.settle(take, self.busy && server.heard.is_empty())
            {
                return;
            }
        }
    }

    /// Waits for news, does what is nobody's but the server's, and gives one connection that something happened to.
    fn listen(&mut self) -> Option<Event> {
        let server = &self.server;
        if let Some(event) = server.heard.next() {
            return Some(event);
        }
        // Several at a time spare calls, but those not looked at yet wait for as long as an invocation takes.
        let most = if server.crew.is_long() { 1 } else { Events::ROOM };
        let news = match server.crew.listen(|| server.epoll.wait(&mut self.events, most)) {
            Ok(news) => news,
            // Only a wrong descriptor or address could be the reason.
            Err(error) => server.die(&format!("the system tells no news of connections: {error}")),
        };
        let mut connections = news.filter(|event| match event.token {
            ALARM => {
                server.alarm();
                false
            }
            LISTENER => {
                server.accept();
                false
            }
            token => token != END,
        });
        let first = connections.next();
        self.busy = server.heard.keep(connections);
        if self.busy {
            // Should the next invocation take long, the clock sends somebody here for the others.
            server.alarms.at(server.alarms.after(crew::NAP));
        }
        first
    }

    /// False: another thread has the connection.
    fn attend_to(&mut self, event: Event) -> bool {
        let Some(connection) = self.server.table.get(event.token) else { return true };
        connection.note(event.ended);
        if connection.claim() {
            self.look_after(&connection);
            return true;
        }
        if event.ended {
            let phase = connection.lock().phase;
            if let Phase::Invoking { slot, serial } = phase {
                self.server.peer_gone(slot, serial);
            }
        }
        false
    }

    /// Does what there is to do at a connection that is this thread's.
    fn look_after(&mut self, connection: &Arc<Connection>) {
        while self.go_on(connection, connection.lock()) && connection.release() {}
    }

    /// Serves whatever the connection brings, one after the other. False: the connection is this thread's no more.
    fn go_on<'c>(&mut self, connection: &'c Arc<Connection>, mut inner: MutexGuard<'c, Inner>) -> bool {
        while let Some(work) = self.next_work(connection, &mut inner) {
            match work {
                Work::Errand(errand, manner) => {
                    inner.phase = Phase::Queued;
                    drop(inner);
                    let began = self.step_aside();
                    let answer = self.server.run_errand(&errand);
                    self.step_back(began);
                    inner = connection.lock();
                    inner.phase = Phase::Reading;
                    self.answer_own(&mut inner, manner, &answer);
                }
                Work::Invoke(request) => {
                    if self.server.is_exhausted() || !self.server.admission.accept() {
                        self.refuse(&mut inner, request, OVERLOADED);
                        continue;
                    }
                    // After it has been accepted: whoever closes looks at the two in the other order.
                    if self.server.state() == State::Closed {
                        self.server.admission.answered();
                        self.refuse(&mut inner, request, CLOSED);
                        continue;
                    }
                    if !self.server.admission.start() {
                        inner.phase = Phase::Queued;
                        drop(inner);
                        self.server.admission.wait(request);
                        return false;
                    }
                    self.engage(&mut inner);
                    drop(inner);
                    if !self.serve(request) {
                        return false;
                    }
                    inner = connection.lock();
                }
            }
        }
        true
    }

    /// The connection is this worker's until its invocation has been answered.
    fn engage(&mut self, inner: &mut Inner) {
        self.place.reset();
        inner.phase = Phase::Invoking { slot: self.number, serial: self.place.serial() };
    }

    /// One that waited for a thread, and then whatever its connection brings.
    fn serve_queued(&mut self, request: Request) {
        let connection = request.connection.clone();
        let mut inner = connection.lock();
        connection.read_notes(&mut inner);
        if inner.ended {
            // The client left while it waited.
            self.server.close(&connection, &mut inner);
            drop(inner);
            self.server.admission.answered();
            self.server.admission.freed();
            self.server.end_if_quiet();
            return;
        }
        self.engage(&mut inner);
        drop(inner);
        if self.serve(request) {
            self.look_after(&connection);
        }
    }

    /// Reads and looks, until there is work or nothing more to read.
    fn next_work(&mut self, connection: &Arc<Connection>, inner: &mut Inner) -> Option<Work> {
        if let Some(brought) = inner.brought.take() {
            let work = match *brought {
                Brought::Request(message) => self.dispatch(connection, inner, message),
                Brought::Signal(signal, manner) => Some(Work::Errand(Errand::Signal(signal), manner)),
            };
            if work.is_some() {
                return work;
            }
        }
        loop {
            connection.read_notes(inner);
            if !self.server.flush(connection, inner) {
                match inner.phase {
                    // The client does not take its response: the next request waits with its connection.
                    Phase::Reading => self.put_reader(inner),
                    _ => self.keep_idle(),
                }
                return None;
            }
            let reader = inner.reader.as_mut().unwrap_or(&mut self.reader);
            match reader.poll() {
                Ok(Progress::Complete) => {
                    let Some(message) = reader.take() else { continue };
                    inner.deadline = NEVER;
                    if let Some(work) = self.dispatch(connection, inner, message) {
                        self.put_reader(inner);
                        return Some(work);
                    }
                }
                Ok(Progress::Head) => self.greet(connection, inner),
                Ok(Progress::More) if inner.unread => self.read(connection, inner),
                Ok(Progress::More) => {
                    self.set_aside(connection, inner);
                    return None;
                }
                Err(refusal) if refusal.answerable() => {
                    self.server.refuse(connection, inner, refusal.status(), &refusal.to_string());
                }
                Err(_) => self.server.close(connection, inner),
            }
        }
    }

    fn read(&mut self, connection: &Connection, inner: &mut Inner) {
        let reader = inner.reader.as_mut().unwrap_or(&mut self.reader);
        let space = reader.space(READ);
        let room = space.len();
        match (&connection.socket).read(space) {
            // Between requests or inside one, nobody is there to be answered.
            Ok(0) => self.server.close(connection, inner),
            Ok(read) => {
                reader.filled(read);
                // Less than there was room for: the next bytes, but not an end that was told already, are told anew.
                inner.unread = read == room || inner.ended;
                // The head has one limit from its first byte on; a body may take long, as long as it comes.
                if reader.head().is_some() {
                    inner.deadline = NEVER;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => inner.unread = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => self.server.close(connection, inner),
        }
    }

    /// Nothing more to do until more comes.
    fn set_aside(&mut self, connection: &Connection, inner: &mut Inner) {
        self.put_reader(inner);
        if inner.reader.is_some() {
            if inner.deadline == NEVER {
                self.server.be_patient(connection, inner, self.server.config.read_timeout);
            }
        } else if self.server.is_draining() {
            self.server.close(connection, inner);
        }
    }

    /// A reader with something in it stays with its connection, an idle one with this thread.
    fn put_reader(&mut self, inner: &mut Inner) {
        if let Some(reader) = inner.reader.take_if(|reader| reader.is_idle()) {
            self.reader = reader;
        } else if inner.reader.is_none() && !self.reader.is_idle() {
            let idle = Reader::request(self.server.config.limits);
            inner.reader = Some(std::mem::replace(&mut self.reader, idle));
        }
    }

    /// What was half read from a connection that is closed or closing is of no use to the next.
    fn keep_idle(&mut self) {
        if !self.reader.is_idle() {
            self.reader = Reader::request(self.server.config.limits);
        }
    }

    /// The head is here and its body is not: may it come?
    fn greet(&mut self, connection: &Connection, inner: &mut Inner) {
        let reader = inner.reader.as_ref().unwrap_or(&self.reader);
        let Some(head) = reader.head() else { return };
        let Some(expected) = head.header("expect") else { return };
        if head.expects_continue() {
            inner.unsent.keep(write::CONTINUE);
        } else if head.version() == Version::Http11 && !expected.eq_ignore_ascii_case(b"100-continue") {
            self.server.refuse(connection, inner, 417, "the only expectation known here is 100-continue");
        }
    }

    fn dispatch(&mut self, connection: &Arc<Connection>, inner: &mut Inner, message: Message) -> Option<Work> {
        let server = &self.server;
        let manner = Manner::of(&message);
        match server.protocol.route(server.runtime.process(), &message, server.state()) {
            Route::Invoke(facts) => {
                let connection = connection.clone();
                return Some(Work::Invoke(Request { connection, message, facts, manner }));
            }
            Route::Health => {
                self.reader.recycle(message);
                return Some(Work::Errand(Errand::Health, manner));
            }
            Route::Own(answer) => {
                self.reader.recycle(message);
                self.answer_own(inner, manner, &answer);
            }
            Route::Rewritten(message, facts) => {
                let connection = connection.clone();
                return Some(Work::Invoke(Request { connection, message: *message, facts, manner }));
            }
            Route::Signal(signal) => {
                self.reader.recycle(message);
                return Some(Work::Errand(Errand::Signal(signal), manner));
            }
        }
        None
    }

    /// The runtime's own word, to a probe.
    fn answer_own(&mut self, inner: &mut Inner, manner: Manner, answer: &Answer) {
        answer.head(&mut self.response);
        self.scratch.clear();
        self.scratch.extend_from_slice(answer.body.as_bytes());
        self.answer_scratch(inner, manner);
    }

    /// One that is not taken; another may come on this connection.
    fn refuse(&mut self, inner: &mut Inner, request: Request, (kind, why): (&str, &str)) {
        let Request { message, facts, manner, .. } = request;
        let failure = Failure::new(kind, why);
        self.scratch.clear();
        let id = facts.request_id.read(message.bytes());
        self.server.protocol.refused(&facts, id, &failure, &mut self.response, &mut self.scratch);
        self.reader.recycle(message);
        self.answer_scratch(inner, manner);
    }

    /// Queues the response with the scratch buffer as its body.
    fn answer_scratch(&mut self, inner: &mut Inner, manner: Manner) {
        let manner = self.server.settled(manner);
        let log = &self.server.runtime.process().log;
        self.head.clear();
        answer::head(&mut self.head, &self.response, manner, Framing::Length(self.scratch.len() as u64), log);
        if !manner.to_head {
            self.head.extend_from_slice(&self.scratch);
        }
        inner.unsent.keep(&self.head);
        inner.closing = !manner.keep;
    }

    /// Leaves the watching to others for a while; they are called if there are none.
    pub(super) fn step_aside(&mut self) -> u64 {
        let (take, alone) = self.server.crew.take();
        self.taken = Some(take);
        if alone {
            self.server.call_deputy();
        }
        self.server.runtime.process().now_ns()
    }

    /// Watches again.
    pub(super) fn step_back(&mut self, began: u64) {
        self.server.crew.back(self.server.runtime.process().now_ns() - began);
    }
}
