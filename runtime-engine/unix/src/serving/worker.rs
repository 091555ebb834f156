//! A thread of the pool: it hears of news of a connection, reads, and runs the requests it has read.

use super::access_log::Access;
use super::in_flight::Client;
use super::link::{Arrived, Link, Locked};
use super::pending::Pending;
use super::seats::Seat;
use super::startup_listener::Brought as StartupBrought;
use super::table::{ALARM, END, LISTENER, NEWS};
use super::{Request, Server, Work, thread_pool};
use crate::sys::{Event, Events};
use faas_core::failure::Failure;
use faas_core::http1::{Message, Reader};
use faas_core::invocation::InvocationMetadata;
use faas_core::platform::{FailedInvocation, LocalResponse, Response, Route, Signal, State};
use faas_core::serve::{self, Manner, response_head};
use std::sync::Arc;

/// The refusal when too many invocations run at once: the client may try again soon.
const OVERLOADED: (&str, &str) = ("Runtime.Overloaded", "as many invocations as this instance takes are in progress");
/// The refusal when the memory for unfinished requests and unsent responses is used up.
const FULL: (&str, &str) = ("Runtime.Overloaded", "this instance holds as many unsent responses as it may");
/// The refusal of a request that waited for a thread until its time was over.
const WAITED: (&str, &str) = ("Runtime.Overloaded", "no thread was free before the time limit of the invocation");
/// The refusal when every thread is lost to functions that do not end.
const LEAVING: (&str, &str) = ("Runtime.Closing", "this instance is about to leave");
/// The refusal when Close has run, or is about to.
const CLOSED: (&str, &str) = ("Runtime.Closing", "this instance has been told to stop");

/// The state of one thread of the server.
pub(super) struct Worker<'s> {
    /// The server, borrowed: a share of it would be counted several times a request.
    pub(super) server: &'s Arc<Server>,
    /// The reader for the next request; idle between connections, so that an idle connection needs no buffer.
    pub(super) reader: Reader,
    /// The seat for the next invocation.
    pub(super) seat: Option<Box<Seat>>,
    /// The place for the next invocation that may wait.
    pub(super) spare: Option<Arc<Pending>>,
    /// The writers of streams that are to be told that there is room.
    pub(super) rooms: Vec<usize>,
    response: Response,
    head: Vec<u8>,
    scratch: Vec<u8>,
    events: Events,
    /// `true` if there was news of several connections at once.
    busy: bool,
    /// The number of the last invocation that this thread took, if it took any since it settled.
    taken: Option<u64>,
}

impl<'s> Worker<'s> {
    pub(super) fn new(server: &'s Arc<Server>) -> Worker<'s> {
        Worker {
            server,
            reader: Reader::request(server.config.limits),
            seat: None,
            spare: None,
            rooms: Vec::new(),
            response: Response::default(),
            head: Vec::new(),
            scratch: Vec::new(),
            events: Events::new(),
            busy: false,
            taken: None,
        }
    }

    /// Works until the end. `called` is `true` if the thread was made because another needed a watcher.
    pub(super) fn work(&mut self, called: bool) {
        let server = self.server;
        if called {
            server.pool.nap();
        }
        while !server.pool.is_done() {
            if let Some(event) = self.listen()
                && !self.attend_to(event)
            {
                // The thread of the last invocation is about to listen itself, and hears the next sooner with nobody
                // before it.
                server.pool.nap();
            }
            while let Some(work) = server.admission.next(|| server.runtime.process().now_ns()) {
                let link = match work {
                    Work::Request(request) => self.serve_queued(request),
                    Work::Pending(pending) => self.resume(pending),
                };
                if let Some(link) = link {
                    self.look_after(&link);
                }
            }
            if let Some(take) = self.taken.take()
                && !server.pool.settle(take, self.busy && server.ready.is_empty())
            {
                return;
            }
        }
    }

    /// Waits for news, does the server's own work, and returns one connection that has news.
    fn listen(&mut self) -> Option<Event> {
        let server = self.server;
        if let Some(event) = server.ready.next() {
            return Some(event);
        }
        // Several events at a time spare calls, but those not looked at yet wait for as long as an invocation takes.
        let most = if server.pool.is_long() { 1 } else { Events::ROOM };
        let news = match server.pool.listen(|| server.epoll.wait(&mut self.events, most)) {
            Ok(news) => news,
            // Only a wrong descriptor or address could be the reason.
            Err(error) => server.die(&format!("the system tells no news of connections: {error}")),
        };
        let mut alarm = false;
        let mut connections = news.filter(|event| match event.token {
            ALARM => {
                alarm = true;
                false
            }
            LISTENER => {
                server.accept();
                false
            }
            NEWS => {
                server.news.clear();
                false
            }
            token => token != END,
        });
        let first = connections.next();
        self.busy = server.ready.keep(connections);
        if self.busy {
            // If the next invocation takes long, the clock sends a thread here for the others.
            server.timers.at(server.timers.after(thread_pool::NAP));
        }
        if alarm {
            self.alarm(server);
        }
        first
    }

    /// Does the work that is due, after the clock went off.
    fn alarm(&mut self, server: &Arc<Server>) {
        for token in server.timers.went_off() {
            let Some(link) = server.table.get(token) else { continue };
            let mut state = link.lock();
            server.errand_is_overdue(&link, &mut state);
            if let Some(step) = state.connection.time_is_up(&**server.runtime.process()) {
                server.end_connection(&link, state, step);
            } else {
                drop(state);
                self.attend_to(Event { token, ended: false });
            }
        }
        self.refuse_late(server);
        server.accept_again();
        server.go_on_stopping();
    }

    /// Refuses the requests that have waited for a thread until their time was over; they have cost nobody anything.
    fn refuse_late(&mut self, server: &Arc<Server>) {
        // No thread will ever run those that wait if every thread is lost.
        let is_exhausted = server.is_exhausted();
        let now = if is_exhausted { serve::NEVER } else { server.runtime.process().now_ns() };
        let (late, next) = server.admission.expired(now);
        for work in late {
            if let Work::Request(request) = work {
                self.refuse_accepted(server, request, if is_exhausted { LEAVING } else { WAITED });
            }
        }
        if next != serve::NEVER {
            server.timers.at(next);
        }
    }

    fn refuse_accepted(&mut self, server: &Arc<Server>, request: Request, (kind, why): (&'static str, &'static str)) {
        let Request { client, message, metadata, manner, .. } = request;
        self.render_refusal(&message, &metadata, (kind, why));
        server.admission.answered();
        match client {
            Client::Http2(recipient, _) => recipient.answer(&self.response, std::mem::take(&mut self.scratch).into()),
            Client::Link(link) => {
                let mut state = link.lock();
                self.answer_scratch(&mut state.connection, manner);
                self.go_on(&link, state);
            }
        }
    }

    /// Attends to one event. Returns `false` if another thread has the connection.
    fn attend_to(&mut self, event: Event) -> bool {
        let server = self.server;
        let Some(link) = server.table.get(event.token) else { return true };
        link.note(event.ended);
        // The thread that holds the lock reads the note when it is free.
        let Some(mut state) = link.try_lock() else { return false };
        if !state.claimed {
            state.claimed = true;
            self.go_on(&link, state);
            return true;
        }
        // Another thread works for it; a stream's reader may have made room.
        link.read_news(&mut state);
        server.flush(&link, &mut state, &mut self.rooms);
        server.look_at_upload(&mut state, &mut self.rooms);
        let slot = state.slot.filter(|_| event.ended || state.connection.is_closed());
        drop(state);
        server.let_go(&link);
        server.tell_rooms(&mut self.rooms);
        if let Some(slot) = slot {
            server.peer_gone(slot);
        }
        false
    }

    /// Does the work at a connection that is claimed for this thread.
    fn look_after(&mut self, link: &Arc<Link>) {
        self.go_on(link, link.lock());
    }

    /// Works at a connection, until there is nothing more to do or another thread has it.
    fn go_on<'l>(&mut self, link: &'l Arc<Link>, mut state: Locked<'l>) {
        let server = self.server;
        if server.http2.is_some() && state.connection.is_fresh() {
            let Some(same) = server.as_http1(link, state) else { return };
            state = same;
        }
        loop {
            link.read_news(&mut state);
            let arrived = match state.brought.take().map(|brought| *brought) {
                Some(StartupBrought::Signal(signal, manner)) => {
                    drop(state);
                    return self.errand(link, manner, Some(signal));
                }
                Some(StartupBrought::Request(message)) => Some(Arrived::whole(message)),
                None => server.drive(link, &mut state, &mut self.reader, &mut self.rooms),
            };
            let Some(Arrived { message, is_head }) = arrived else {
                state.claimed = false;
                drop(state);
                server.tell_rooms(&mut self.rooms);
                if !link.has_news() {
                    return;
                }
                let Some(again) = link.try_lock().filter(|state| !state.claimed) else { return };
                state = again;
                state.claimed = true;
                continue;
            };
            let manner = Manner::of(&message);
            let (message, mut metadata) =
                match server.protocol.route(server.runtime.process(), &message, server.state()) {
                    Route::Invoke(metadata) => (message, metadata),
                    Route::Rewritten(message, metadata) => (*message, metadata),
                    Route::Health => {
                        drop(state);
                        self.reader.recycle(message);
                        return self.errand(link, manner, None);
                    }
                    Route::Signal(signal) => {
                        drop(state);
                        self.reader.recycle(message);
                        return self.errand(link, manner, Some(signal));
                    }
                    Route::Local(answer) => {
                        self.reader.recycle(message);
                        self.answer_own(&mut state.connection, manner, &answer);
                        if !self.rooms.is_empty() {
                            drop(state);
                            server.tell_rooms(&mut self.rooms);
                            state = link.lock();
                        }
                        continue;
                    }
                };
            metadata.is_streamed_in = is_head;
            if let Err(why) = server.admit() {
                self.render_refusal(&message, &metadata, why);
                self.reader.recycle(message);
                self.answer_scratch(&mut state.connection, manner);
                continue;
            }
            let charge = state.connection.take_charge();
            let client = Client::Link(link.clone());
            if !server.admission.start() {
                drop(state);
                server.let_go(link);
                let until = metadata.deadline.map_or(serve::NEVER, |deadline| deadline.ns);
                let request = Request { client, message, metadata, manner, charge };
                server.admission.wait(Work::Request(request), server.runtime.process().now_ns(), until);
                if until != serve::NEVER {
                    server.timers.at(until);
                }
                return server.tell_rooms(&mut self.rooms);
            }
            let mut seat = self.take_seat();
            seat.charge = charge;
            state.slot = Some(seat.slot.number());
            drop(state);
            server.let_go(link);
            let goes_on = self.serve(client, message, &metadata, manner, seat).is_some();
            server.tell_rooms(&mut self.rooms);
            if !goes_on {
                return;
            }
            state = link.lock();
        }
    }

    /// Returns a seat for the next invocation.
    fn take_seat(&mut self) -> Box<Seat> {
        self.seat.take().unwrap_or_else(|| self.server.seat())
    }

    /// Serves a request that has waited for a thread. Returns the connection if this worker is to go on with it.
    fn serve_queued(&mut self, request: Request) -> Option<Arc<Link>> {
        let server = self.server;
        // Many may have been accepted before the first of them had its response.
        if !server.has_memory() {
            server.admission.freed();
            self.refuse_accepted(server, request, FULL);
            return None;
        }
        let Request { client, message, metadata, manner, charge } = request;
        let mut seat = self.take_seat();
        seat.charge = charge;
        match &client {
            Client::Link(link) => {
                link.lock().slot = Some(seat.slot.number());
                server.let_go(link);
            }
            Client::Http2(recipient, _) => recipient.runs_in(seat.slot.number()),
        }
        self.serve(client, message, &metadata, manner, seat)
    }

    /// Has the runtime's own answer sent.
    fn answer_own(&mut self, connection: &mut serve::Connection, manner: Manner, answer: &LocalResponse) {
        answer.head(&mut self.response);
        self.scratch.clear();
        self.scratch.extend_from_slice(answer.body.as_bytes());
        self.answer_scratch(connection, manner);
    }

    fn errand(&mut self, link: &Arc<Link>, manner: Manner, signal: Option<Signal>) {
        self.server.tell_rooms(&mut self.rooms);
        self.server.run_errand(link, manner, signal);
    }

    /// Renders the response to a request that is not taken.
    fn render_refusal(&mut self, message: &Message, metadata: &InvocationMetadata, (kind, why): (&str, &str)) {
        self.scratch.clear();
        let id = metadata.request_id.read(message.bytes());
        let failure = Failure::new(kind, why);
        self.server.protocol.refused(
            FailedInvocation { metadata, request_id: id, failure: &failure },
            &mut self.response,
            &mut self.scratch,
        );
        self.server.refusals.say(&self.server.runtime.process().log, id, &failure);
        self.server.access(&Access {
            request_id: id,
            message: Some(message),
            client: "",
            status: self.response.status,
            bytes: Some(self.scratch.len()),
            received_ns: 0,
        });
    }

    /// Has the response sent, with the scratch buffer as its body.
    fn answer_scratch(&mut self, connection: &mut serve::Connection, manner: Manner) {
        let goes_on = connection.end_upload();
        let manner = self.server.settled(manner, goes_on);
        self.head.clear();
        let log = &self.server.runtime.process().log;
        response_head::whole(&mut self.head, &self.response, &self.scratch, manner, log);
        connection.send(&self.head);
        connection.answered(manner.keep);
    }

    /// Leaves the watching to others for a while, and calls one if nobody else watches.
    pub(super) fn step_aside(&mut self, now: u64) -> u64 {
        let (take, alone) = self.server.pool.take();
        self.taken = Some(take);
        if alone {
            self.server.call_deputy();
        }
        now
    }

    /// Watches for news of connections again.
    pub(super) fn step_back(&mut self, began: u64) {
        self.server.pool.back(self.server.runtime.process().now_ns().saturating_sub(began));
    }
}

impl Server {
    /// Accepts one more invocation, unless it has to be refused.
    ///
    /// # Errors
    /// The error has the kind and the message of the refusal.
    pub(super) fn admit(&self) -> Result<(), (&'static str, &'static str)> {
        if !self.has_memory() {
            return Err(FULL);
        }
        if self.is_exhausted() {
            return Err(LEAVING);
        }
        if !self.admission.accept() {
            return Err(OVERLOADED);
        }
        // This comes after it has been accepted: the thread that closes looks at the two in the other order.
        if self.state() == State::Closed {
            self.admission.answered();
            return Err(CLOSED);
        }
        Ok(())
    }
}
