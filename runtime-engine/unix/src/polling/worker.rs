//! A worker: it asks for an event, serves it, answers, and asks again.

use super::stream::{ToPlatform, Wire};
use super::{Connection, Shared, Waiting};
use crate::exit_code::FAILED;
use faas_core::chain::Place;
use faas_core::flight::Slot;
use faas_core::http1::Message;
use faas_core::invocation::{InvocationMetadata, Progress};
use faas_core::log::{Level, Origin};
use faas_core::parking::block_on;
use faas_core::platform::{BodyFrom, Delivery, PostOutcome, nothing_pause_ms};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

/// The time for which a connection may be silent before it is checked ahead of an answer. The check is a system call,
/// which an invocation of that length does not feel.
const LONG: Duration = Duration::from_millis(1);

/// The size in bytes up to which the memory of a rendered reply is kept for the next one.
const KEPT: usize = 256 << 10;

struct Worker<'a> {
    shared: &'a Arc<Shared>,
    waiting: Arc<Waiting>,
    wire: Arc<Wire>,
    connection: Option<Connection>,
    failures: usize,
    /// The number of polls in a row that brought nothing.
    nothings: u32,
    head: Vec<u8>,
    scratch: Vec<u8>,
}

/// Asks for events and serves them, until a stop.
pub(super) fn work(shared: &Arc<Shared>) {
    shared.enter();
    let mut place = shared.runtime.place();
    let slot = shared.shutdown.deadlines().slot(&mut place);
    let wire = Wire::new(&shared.runtime.process().log);
    shared.add_wire(slot.number(), &wire);
    if shared.protocol.streams() {
        let stream = ToPlatform { wire: wire.clone(), protocol: shared.protocol.clone() };
        place.get_mut().set_stream(Box::new(stream));
    }
    let mut next = Vec::new();
    shared.protocol.next(&mut next);
    let waiting = shared.new_waiting();
    let mut worker = Worker {
        shared,
        waiting,
        wire,
        connection: None,
        failures: 0,
        nothings: 0,
        head: Vec::new(),
        scratch: Vec::new(),
    };
    let is_announced = worker.announce();
    while is_announced && let Some(event) = worker.ask(&next) {
        let process = shared.runtime.process();
        match shared.protocol.delivery(process, &event) {
            Delivery::Event(metadata) => {
                worker.failures = 0;
                worker.nothings = 0;
                worker.serve(&mut place, &slot, event, &metadata);
            }
            Delivery::Nothing => worker.pause_for_nothing(),
            Delivery::Again(why) => worker.setback(&why),
            Delivery::Fatal(why) => {
                process.log.say(Level::Error, &why);
                shared.give_up(FAILED);
            }
        }
    }
    // This comes before the others have ended: an event that came on it now would be lost.
    worker.wire.close();
    shared.retire();
}

impl Worker<'_> {
    fn is_stopping(&self) -> bool {
        self.shared.shutdown.deadlines().is_stopping()
    }

    /// Tells the platform, if it wants that, that the process is ready: the first worker does, and the others wait.
    /// Returns `false` if it could not be told.
    fn announce(&mut self) -> bool {
        let mut request = Vec::new();
        if !self.shared.protocol.ready(&mut request) {
            return true;
        }
        let shared = self.shared;
        let mut announced = shared.announced.lock().unwrap_or_else(PoisonError::into_inner);
        if *announced {
            return true;
        }
        while let Some(answer) = self.ask(&request) {
            if let 200..=299 = answer.status() {
                self.failures = 0;
                *announced = true;
                return true;
            }
            self.setback(&format!("the platform answered {} to being told of readiness", answer.status()));
        }
        false
    }

    fn pause_for_nothing(&mut self) {
        self.failures = 0;
        self.nothings += 1;
        self.shared.shutdown.pause(Duration::from_millis(nothing_pause_ms(self.nothings)));
    }

    /// Sends a poll and returns its answer, which may take hours; `None` at a stop.
    fn ask(&mut self, request: &[u8]) -> Option<Message> {
        loop {
            self.connect()?;
            let connection = self.connection.as_mut()?;
            self.waiting.parked.store(true, Ordering::SeqCst);
            // A stop that came before this line is seen here; one that comes after sees that we are parked.
            if self.shared.shutdown.deadlines().is_stopping() {
                self.waiting.parked.store(false, Ordering::SeqCst);
                return None;
            }
            let answer = connection.send(request, b"").and_then(|()| {
                // The poll is on its way: the thread of the deadlines starts while the platform looks for an event.
                self.shared.launch();
                connection.receive()
            });
            self.waiting.parked.store(false, Ordering::SeqCst);
            match answer {
                Ok(message) => return Some(message),
                Err(_) if self.is_stopping() => return None,
                Err(lost) => {
                    self.connection = None;
                    self.setback(&format!("the poll failed: {lost}"));
                }
            }
        }
    }

    /// Connects if no connection is usable; `None` at a stop.
    fn connect(&mut self) -> Option<()> {
        while !self.connection.as_ref().is_some_and(Connection::is_usable) {
            if self.is_stopping() {
                return None;
            }
            self.connection = None;
            match Connection::open(self.shared.protocol.endpoint()) {
                Ok(connection) => {
                    self.waiting.set_stream(connection.stream());
                    self.wire.set_socket(connection.stream());
                    self.connection = Some(connection);
                }
                Err(error) => {
                    let endpoint = self.shared.protocol.endpoint();
                    self.setback(&format!("no connection to the control plane at {endpoint}: {error}"));
                }
            }
        }
        Some(())
    }

    /// Counts one more failure in a row, and then pauses or gives up.
    fn setback(&mut self, why: &str) {
        let log = &self.shared.runtime.process().log;
        let Some(pause) = self.shared.protocol.pauses_ms().get(self.failures).copied() else {
            log.say(Level::Error, &format!("{why}; giving up after {} tries", self.failures + 1));
            self.shared.give_up(FAILED);
            return;
        };
        self.failures += 1;
        // The first failure is usual after a freeze and is written at level debug.
        let level = if pause == 0 { Level::Debug } else { Level::Warn };
        log.say(level, &format!("{why}; trying again in {pause} ms"));
        if pause > 0 {
            // A stop ends the pause, also before the first poll.
            self.shared.launch();
            self.shared.shutdown.pause(Duration::from_millis(pause.into()));
        }
    }

    fn serve(&mut self, place: &mut Place, slot: &Slot, event: Message, metadata: &InvocationMetadata) {
        let runtime = &self.shared.runtime;
        let deadlines = self.shared.shutdown.deadlines();
        let cold = runtime.process().enter();
        place.reset();
        place.get_mut().renew(event, metadata, cold);
        deadlines.begin(slot, place);
        // The walk is a large value, and is pinned where it is made.
        if !block_on(pin!(runtime.invoke(place))) {
            // It has been answered for, and the process is about to leave. This thread has nothing more to do.
            loop {
                std::thread::park();
            }
        }
        let took = Duration::from_nanos(runtime.process().now_ns() - place.get().received_ns());
        match place.get().progress() {
            Progress::Streaming(_) => self.end_stream(place),
            Progress::Open | Progress::Set(_) => self.answer(place, took > LONG),
        }
        if runtime.has_replied_work(place) {
            deadlines.begin_replied(slot, place, self.shared.replied_timeout);
            block_on(runtime.replied(place));
            slot.end_replied();
        }
        runtime.process().leave();
        if let Some(message) = place.get_mut().clear()
            && let Some(connection) = &mut self.connection
        {
            connection.recycle(message);
        }
    }

    /// Sends the answer and reads the platform's reply to it.
    fn answer(&mut self, place: &mut Place, long: bool) {
        self.head.clear();
        if self.scratch.capacity() > KEPT {
            self.scratch = Vec::new();
        }
        self.scratch.clear();
        let invocation = place.get();
        let from = self.shared.protocol.answer(invocation, &mut self.head, &mut self.scratch);
        // If it has only one event out at a time, the platform hands out again an event whose answer it did not get.
        let look = long || self.shared.protocol.concurrency() > 1;
        if self.connection.as_ref().is_some_and(|open| !open.is_usable() || look && open.is_stale()) {
            // Nothing of this answer has been sent yet, so a fresh connection repeats nothing.
            self.connection = None;
        }
        if self.connect().is_none() && self.connection.is_none() {
            // A stop must not lose an accepted invocation: one last connection for its answer.
            self.connection = Connection::open(self.shared.protocol.endpoint()).ok();
        }
        let Some(connection) = &mut self.connection else {
            self.complain(place, "the answer is lost: no connection to the control plane");
            return;
        };
        let body = match from {
            BodyFrom::Reply => invocation.reply().as_slice(),
            BodyFrom::Scratch => &self.scratch,
        };
        let result = connection.send(&self.head, body).and_then(|()| connection.receive());
        self.taken(place, result);
    }

    fn end_stream(&mut self, place: &mut Place) {
        let whole = self.wire.end(&*self.shared.protocol, place.get().failure());
        let Some(connection) = &mut self.connection else { return };
        if !whole {
            connection.spoil();
            self.complain(place, "the platform took no more of the stream");
            return;
        }
        let result = connection.receive();
        // The head of the reply announced that the platform closes the connection.
        connection.spoil();
        self.taken(place, result);
    }

    /// Handles the platform's reply to an answer. An answer that may have arrived is never sent again.
    fn taken(&mut self, place: &Place, result: Result<Message, super::connection::Lost>) {
        match result {
            Ok(message) => {
                let status = message.status();
                match self.shared.protocol.verdict(status) {
                    PostOutcome::Accepted => {}
                    PostOutcome::Dropped => {
                        self.complain(place, &format!("the platform refused the answer with {status}"))
                    }
                    PostOutcome::Fatal => {
                        self.complain(place, &format!("the platform answered {status}: leaving"));
                        self.shared.give_up(FAILED);
                    }
                }
                if let Some(connection) = &mut self.connection {
                    connection.recycle(message);
                }
            }
            Err(lost) => {
                if !self.is_stopping() {
                    self.complain(place, &format!("whether the answer arrived is unknown: {lost}"));
                }
                self.connection = None;
            }
        }
    }

    fn complain(&self, place: &Place, what: &str) {
        let origin = Origin { request_id: place.get().request_id(), target: b"runtime", ..Origin::default() };
        let log = &self.shared.runtime.process().log;
        log.write(Level::Error, origin, what.as_bytes(), std::iter::empty());
    }
}
