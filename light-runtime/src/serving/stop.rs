//! The end: stop signals, time-outs, and what is still done before the process leaves.
//!
//! A stop signal makes readiness fail at once. Service goes on for the lame-duck time, then the listener and idle
//! connections are closed, what has been accepted is answered with `connection: close`, and when nothing is left the
//! work is over. The watchdog ends it earlier when the grace is over. A stop during a start that somebody has asked for is
//! followed at its end, without that time.

use super::alarms::Alarms;
use super::answer::Manner;
use super::connection::{Inner, Phase};
use super::early::Wish;
use super::post::Current;
use super::{Server, answer, time_out};
use crate::start::FAILED;
use crate::sys::Alarm;
use crate::traces;
use faas_core::failure::Failure;
use faas_core::http1::Framing;
use faas_core::invocation::Facts;
use faas_core::log::{Level, Origin};
use faas_core::platform::Response;
use faas_core::watchdog::{Actions, Watchdog};
use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// What a stop signal finds.
#[derive(Debug)]
enum Stage {
    /// A start: nothing has been accepted, and nothing that runs can be ended in order.
    Starting,
    /// The start of a function that a request has asked for: it goes on, and that request is answered before the end.
    Asked,
    /// A process that waits to be told to start its function, until this goes off.
    Waiting(Arc<Alarm>),
    /// One that ends before it had a function, and needs no more than the time.
    Ending,
    /// The server. Its memory is held by its threads alone: the main one runs Close only if it is the last to hold it,
    /// and the work may be over before the watchdog's thread has let go.
    Serving { server: Weak<Server>, alarms: Arc<Alarms> },
}

/// The watchdog's, at whatever stage the process is.
#[derive(Clone, Debug)]
pub(super) struct Hands {
    stage: Arc<Mutex<Stage>>,
    /// The file that says the process is ready: a stop makes that untrue.
    ready: Option<PathBuf>,
}

impl Hands {
    /// A start has begun.
    pub(super) fn new(ready: Option<&str>) -> Hands {
        Hands { stage: Arc::new(Mutex::new(Stage::Starting)), ready: ready.map(PathBuf::from) }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on a stop signal makes the alarm go off.
    pub(super) fn wait(&self, alarm: &Arc<Alarm>) {
        *self.stage() = Stage::Waiting(alarm.clone());
    }

    /// The waiting is over: what is to be done, for a stop signal outweighs what else was wished for.
    pub(super) fn go_on(&self, watchdog: &Watchdog, wish: Wish) -> Wish {
        let mut stage = self.stage();
        let wish = if watchdog.is_stopping() { Wish::Leave } else { wish };
        *stage = match wish {
            Wish::Start(_) => Stage::Asked,
            Wish::Close | Wish::Leave => Stage::Ending,
        };
        wish
    }

    /// The start has ended.
    pub(super) fn hold(&self, server: &Arc<Server>) {
        *self.stage() = Stage::Serving { server: Arc::downgrade(server), alarms: server.alarms.clone() };
        if server.stopper.watchdog().is_stopping() {
            // It came during the start, and has waited long enough.
            let _ = server.drain_at.set(0);
            server.alarms.ring();
        }
    }

    fn server(&self) -> Option<Arc<Server>> {
        match &*self.stage() {
            Stage::Serving { server, .. } => server.upgrade(),
            _ => None,
        }
    }
}

impl Actions for Hands {
    fn timed_out(&self, slot: usize, request_id: &[u8]) {
        if let Some(server) = self.server() {
            server.give_up_worker(slot, request_id);
        }
    }

    fn stop(&self) {
        if let Some(path) = &self.ready {
            traces::remove(path);
        }
        match &*self.stage() {
            Stage::Starting => traces::leave(0),
            Stage::Waiting(alarm) => alarm.set(Duration::ZERO),
            Stage::Asked | Stage::Ending => {}
            Stage::Serving { alarms, .. } => alarms.ring(),
        }
    }

    fn leave(&self) {
        traces::leave(FAILED);
    }
}

impl Server {
    /// The clock went off.
    pub(super) fn alarm(&self) {
        let now = self.runtime.process().now_ns();
        self.alarms.went_off(|token| self.look_at(&*self.table.get(token)?, now));
        self.accept_again();
        if self.stopper.watchdog().is_stopping() && !self.is_draining() {
            self.drain();
        }
    }

    /// A stop has begun; with no lame-duck time the moment of the end is this one.
    fn drain(&self) {
        let at = *self.drain_at.get_or_init(|| self.alarms.after(self.config.lame_duck));
        if self.config.lame_duck > Duration::ZERO && self.runtime.process().now_ns() < at {
            return self.alarms.at(at);
        }
        // Those whose connection the system has taken already were promised to be heard.
        self.accept();
        self.close_listener();
        self.draining.store(true, SeqCst);
        self.close_idle();
        self.end_if_quiet();
    }

    /// Has the listener been closed?
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(SeqCst)
    }

    /// Ends the work if nothing is left of it.
    pub(super) fn end_if_quiet(&self) {
        let hung = self.crew.hung();
        if !self.is_draining() || !self.table.is_empty() || !self.admission.is_quiet(hung) || !self.crew.finish() {
            return;
        }
        if hung > 0 {
            // Instances that are being called cannot be ended, and their threads end nothing.
            traces::leave(self.exit_code.load(SeqCst));
        }
        self.end.set(Duration::ZERO);
    }

    /// A function is over its deadline and does not come back: its client is answered, its thread is left to it.
    fn give_up_worker(&self, number: usize, request_id: &[u8]) {
        let failure = time_out();
        let log = &self.runtime.process().log;
        let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
        log.write(Level::Error, origin, failure.to_string().as_bytes(), std::iter::empty());
        self.crew.lost();
        // Before the response, which may be followed by the next request.
        self.admission.answered();
        let abandoned = self.post(number).and_then(|post| post.abandon());
        if let Some((Current { connection, manner, facts }, headless)) = abandoned {
            self.protocol.after(self.runtime.process(), &facts, request_id, true);
            let inner = &mut *connection.lock();
            if headless {
                inner.disengage();
                self.answer_failed(inner, &facts, request_id, &failure, manner);
                // Whoever hears of it sends what is left and reads on.
                connection.let_go();
                let _ = self.epoll.again(&connection.socket, connection.token);
            } else {
                self.abort(&connection, inner);
            }
        }
        if self.is_exhausted() || self.crew.hung() >= self.config.max_hung {
            self.leave_soon();
        }
        self.end_if_quiet();
    }

    /// Is every thread that may run invocations lost?
    pub(super) fn is_exhausted(&self) -> bool {
        self.crew.hung() >= self.config.threads
    }

    /// This process is of little use any more: a fresh one should take its place.
    fn leave_soon(&self) {
        if self.exit_code.swap(FAILED, SeqCst) != FAILED {
            let hung = self.crew.hung();
            let message = format!("{hung} invocations never ended; leaving as soon as the others are answered");
            self.runtime.process().log.say(Level::Error, &message);
            self.stopper.watchdog().stop();
        }
        if !self.is_exhausted() {
            return;
        }
        // Nobody will ever run those that wait for a thread.
        let failure = Failure::new("Runtime.Closing", "this instance is about to leave");
        for request in self.admission.give_up() {
            let connection = request.connection;
            let inner = &mut *connection.lock();
            inner.phase = Phase::Reading;
            let id = request.facts.request_id.read(request.message.bytes());
            self.answer_failed(inner, &request.facts, id, &failure, request.manner);
            connection.let_go();
            let _ = self.epoll.again(&connection.socket, connection.token);
            self.admission.answered();
        }
    }

    fn answer_failed(&self, inner: &mut Inner, facts: &Facts, request_id: &[u8], failure: &Failure, manner: Manner) {
        let manner = self.settled(manner);
        let (mut response, mut head, mut body) = (Response::default(), Vec::new(), Vec::new());
        self.protocol.failed(facts, request_id, failure, &mut response, &mut body);
        let log = &self.runtime.process().log;
        answer::head(&mut head, &response, manner, Framing::Length(body.len() as u64), log);
        if !manner.to_head {
            head.extend_from_slice(&body);
        }
        inner.unsent.keep(&head);
        inner.closing = !manner.keep;
    }
}
