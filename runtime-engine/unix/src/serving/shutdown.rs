//! The end: stop signals, time-outs, and what is still done before the process leaves.
//!
//! A stop signal makes readiness fail at once. Service goes on for the lame-duck time, then the listener and idle
//! connections are closed and what has been accepted is answered with `connection: close`. The stop waits for
//! invocations; a client that does not take its answer is waited for a little while, and no client keeps Close from
//! running. A stop during a start that somebody has asked for is followed at its end, without that time.

use super::in_flight::{Client, Current};
use super::startup_listener::Wish;
use super::timers::Timers;
use super::{Server, link};
use crate::background::Background;
use crate::exit_code::FAILED;
use crate::runtime_files;
use crate::sys::Alarm;
use faas_abi::E_CANCELLED;
use faas_core::failure::Failure;
use faas_core::flight::{Actions, Canceller, Deadlines, Lost};
use faas_core::log::Level;
use faas_core::platform::{FailedInvocation, Response};
use faas_core::process::Process;
use faas_core::serve::{Step, response_head};
use std::path::PathBuf;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// The time that the process waits for a client that takes nothing of its answer, once every invocation has one.
const LINGER: Duration = Duration::from_secs(2);
/// The time between two looks at such clients.
const LOOK: Duration = Duration::from_millis(100);

/// The stage of the process, by which a stop signal acts.
#[derive(Debug)]
enum Stage {
    /// The process starts: nothing has been accepted, and nothing that runs can be ended in order.
    Starting,
    /// A request has asked for the start of the function: the start goes on, and that request is answered before the
    /// end.
    Asked,
    /// The process waits to be told to start its function, until this goes off.
    Waiting(Arc<Alarm>),
    /// The process ends before it had a function, and needs no more than the time.
    Ending,
    /// The server serves. Its memory is held by its threads alone: the main one runs Close only if it is the last to
    /// hold it, and the work may be over before the thread of the deadlines has let go.
    Serving { server: Weak<Server>, timers: Arc<Timers> },
}

/// The actions on deadlines and stop signals, at every stage of the process.
#[derive(Clone, Debug)]
pub(super) struct Hands {
    process: Arc<Process>,
    background: Background,
    stage: Arc<Mutex<Stage>>,
    /// The file that says the process is ready: a stop removes it.
    ready: Option<PathBuf>,
}

impl Hands {
    /// Notes that a start has begun.
    pub(super) fn new(process: &Arc<Process>, background: &Background, ready: Option<&str>) -> Hands {
        let stage = Arc::new(Mutex::new(Stage::Starting));
        Hands { process: process.clone(), background: background.clone(), stage, ready: ready.map(PathBuf::from) }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that from here on a stop signal makes the alarm go off.
    pub(super) fn wait(&self, alarm: &Arc<Alarm>) {
        *self.stage() = Stage::Waiting(alarm.clone());
    }

    /// Ends the waiting. Returns the wish that is to be done, which a stop signal outweighs.
    pub(super) fn go_on(&self, deadlines: &Deadlines, wish: Wish) -> Wish {
        let mut stage = self.stage();
        let wish = if deadlines.is_stopping() { Wish::Leave } else { wish };
        *stage = match wish {
            Wish::Start(_) => Stage::Asked,
            Wish::Close | Wish::Leave => Stage::Ending,
        };
        wish
    }

    /// Notes that the start has ended and that the server serves.
    pub(super) fn hold(&self, server: &Arc<Server>) {
        *self.stage() = Stage::Serving { server: Arc::downgrade(server), timers: server.timers.clone() };
        if server.shutdown.deadlines().is_stopping() {
            // The signal came during the start, and has waited long enough.
            let _ = server.drain_at.set(0);
            server.timers.ring();
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
    fn cancel(&self, canceller: Canceller, reason: u32) {
        self.background.run(move || canceller.fire(reason));
    }

    fn overdue(&self, slot: usize, lost: Lost<'_>, closing: bool) {
        if let Some(server) = self.server() {
            server.answer_for(slot, lost, closing);
        }
    }

    fn hung(&self, hung: usize, replied: Option<Lost<'_>>) {
        if let Some(server) = self.server() {
            if let Some(lost) = replied {
                let runtime = &server.runtime;
                runtime.functions().replied_does_not_end(runtime.process(), lost, "and goes on");
            }
            server.lose(hung);
        }
    }

    fn stop(&self) {
        if let Some(path) = &self.ready {
            runtime_files::remove(path);
        }
        match &*self.stage() {
            Stage::Starting => runtime_files::leave(0),
            Stage::Waiting(alarm) => alarm.set(Duration::ZERO),
            Stage::Asked | Stage::Ending => {}
            Stage::Serving { timers, .. } => timers.ring(),
        }
    }

    fn leave(&self) {
        let left = self.process.in_flight();
        let what = if left > 0 {
            format!("with {left} invocations unanswered or running")
        } else {
            "before Close has ended".to_owned()
        };
        self.process.log.say(Level::Error, &format!("leaving {what}: the grace is over, or a second signal came"));
        runtime_files::leave(FAILED);
    }
}

impl Server {
    /// Takes the steps of a stop whose moment has come.
    pub(super) fn go_on_stopping(&self) {
        if !self.shutdown.deadlines().is_stopping() {
            return;
        }
        if !self.is_draining() {
            self.drain();
        }
        self.end_if_quiet();
    }

    /// Closes the listener and idle connections after a stop has begun; with no lame-duck time this happens at once.
    fn drain(&self) {
        let at = *self.drain_at.get_or_init(|| self.timers.after(self.config.lame_duck));
        if self.config.lame_duck > Duration::ZERO && self.runtime.process().now_ns() < at {
            return self.timers.at(at);
        }
        // Connections that the system has taken already were promised to be heard.
        self.accept();
        self.close_listener();
        self.draining.store(true, SeqCst);
        self.http2_peers.end();
        // Bytes that have arrived and are not read yet are a request on its way: the next look reads it first.
        for link in self.table.all() {
            self.look_again(&link);
        }
    }

    /// Returns `true` once the listener has been closed.
    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(SeqCst)
    }

    /// Ends the work if nothing is left of it.
    pub(super) fn end_if_quiet(&self) {
        if !self.is_draining() || !self.admission.is_idle() || self.pool.is_done() {
            return;
        }
        let now = self.runtime.process().now_ns();
        let since = match self.answered_at.compare_exchange(0, now, SeqCst, SeqCst) {
            Ok(_) => now,
            Err(since) => since,
        };
        let linger = u64::try_from(LINGER.as_nanos()).unwrap_or(u64::MAX);
        if self.admission.running() > 0 {
            // Invocations that were answered for do not end. Instances that are being called cannot be ended: when the
            // grace is over, the process leaves without. One that leaves because of them waits for nothing.
            if self.exit_code.load(SeqCst) == FAILED && self.clients_are_served(now.saturating_sub(since) >= linger) {
                runtime_files::leave(FAILED);
            }
            return self.timers.at(self.timers.after(LOOK));
        }
        if !self.clients_are_served(now.saturating_sub(since) >= linger) {
            return self.timers.at(self.timers.after(LOOK));
        }
        if self.pool.finish() {
            self.end.set(Duration::ZERO);
        }
    }

    /// Returns `true` if the process has no client to wait for. If `late`, it does not wait for clients that have not
    /// moved for a while.
    fn clients_are_served(&self, late: bool) -> bool {
        if self.http2_peers.len() == 0 && self.table.len() == 0 {
            return true;
        }
        if !late {
            return false;
        }
        let now = self.runtime.process().now_ns();
        let linger = u64::try_from(LINGER.as_nanos()).unwrap_or(u64::MAX);
        let moves = |link: &Arc<link::Link>| {
            let state = link.lock();
            let moves = state.connection.owes() && now.saturating_sub(state.connection.progress_at()) < linger;
            drop(state);
            self.let_go(link);
            moves
        };
        !self.table.all().iter().any(moves)
    }

    /// Answers for a function that does not end in time, and leaves its thread to it.
    fn answer_for(&self, number: usize, lost: Lost<'_>, closing: bool) {
        let request_id = lost.request_id;
        let Some((Current { client, manner }, metadata, headless)) =
            self.seats.flight(number).and_then(|flight| flight.abandon())
        else {
            return;
        };
        let failure = if closing { Failure::closing() } else { Failure::timed_out() };
        let process = self.runtime.process();
        let functions = self.runtime.functions();
        functions.out_of_reach(process, lost, &failure, "and is still running");
        self.protocol.after(process, &metadata, request_id, true);
        // This comes before the response, which may be followed by the next request.
        self.admission.answered();
        match client {
            Client::Http2(recipient, _) if headless => {
                let (mut response, mut body) = (Response::default(), Vec::new());
                self.protocol.failed(
                    FailedInvocation { metadata: &metadata, request_id, failure: &failure },
                    &mut response,
                    &mut body,
                );
                recipient.answer(&response, body.into());
            }
            Client::Http2(recipient, _) => recipient.end(false),
            Client::Link(link) => {
                let mut state = link.lock();
                state.slot = None;
                self.take_back(&mut state.lent);
                self.take_back(&mut state.lent_to_read);
                let room = state.connection.take_room();
                let goes_on = state.connection.end_upload();
                if headless {
                    let (mut response, mut out, mut body) = (Response::default(), Vec::new(), Vec::new());
                    self.protocol.failed(
                        FailedInvocation { metadata: &metadata, request_id, failure: &failure },
                        &mut response,
                        &mut body,
                    );
                    let manner = self.settled(manner, goes_on);
                    response_head::whole(&mut out, &response, &body, manner, &process.log);
                    state.connection.send(&out);
                    state.connection.answered(manner.keep);
                } else {
                    let step = state.connection.end(Step::Abort);
                    self.carry_out::<()>(&link, step);
                }
                state.claimed = false;
                drop(state);
                // The writer of the stream is a module's, and is told on another thread.
                self.background.run(move || link::tell(room, E_CANCELLED));
                // The thread that hears of it sends the waiting bytes and reads on.
                self.look_again(&link);
            }
        }
        self.end_if_quiet();
    }

    /// Counts one more thread as lost. If too many are, this process is of little use any more: a fresh one should take
    /// its place.
    fn lose(&self, hung: usize) {
        if hung < self.config.max_hung || self.exit_code.swap(FAILED, SeqCst) == FAILED {
            return;
        }
        let message = format!("{hung} functions do not end: leaving as soon as the others are answered");
        self.runtime.process().log.say(Level::Error, &message);
        self.shutdown.deadlines().stop();
        self.timers.ring();
    }

    /// Returns `true` if every thread that may run invocations is lost.
    pub(super) fn is_exhausted(&self) -> bool {
        self.exit_code.load(SeqCst) == FAILED && self.shutdown.deadlines().hung() >= self.config.threads
    }
}
