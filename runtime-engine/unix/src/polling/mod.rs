//! Platforms that hand out events: ask, serve, answer, ask again.
//!
//! One worker is one connection, one thread and one place for invocations; the platform says how many it wants. The
//! first runs on the main thread. Requests and answers are the protocol's ([`Polling`]); waiting, connecting again and
//! giving up are decided here, by the platform documents: a poll has no time limit, an answer that may have arrived is
//! never sent twice, and a control plane that is gone is not asked in a busy loop.

mod connection;
mod opening;
mod stream;
mod worker;

pub(crate) use connection::Connection;

use crate::background::Background;
use crate::exit_code::FAILED;
use crate::guard;
use crate::life::{Life, features};
use crate::runtime_files;
use crate::shutdown::Shutdown;
use faas_core::failure::Failure;
use faas_core::flight::{Actions, Canceller, Lost};
use faas_core::lifecycle::Runtime;
use faas_core::log::Level;
use faas_core::parking::block_on;
use faas_core::platform::Polling;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use stream::Wire;

/// The state that all workers share.
pub(crate) struct Shared {
    pub(crate) runtime: Runtime,
    pub(crate) protocol: Arc<dyn Polling>,
    pub(crate) shutdown: Shutdown,
    pub(crate) background: Background,
    pub(crate) replied_timeout: Duration,
    pub(crate) exit_code: AtomicI32,
    /// The number of workers that have not ended, without those whose function never will.
    at_work: AtomicUsize,
    /// `true` if there is a function that does not end.
    hung: AtomicBool,
    /// `true` if the platform has been told that the process is ready.
    announced: Mutex<bool>,
    /// The waiting connection of each worker, so that a stop can end the wait.
    waiting: Arc<Mutex<Vec<Arc<Waiting>>>>,
    /// The wire of each worker, by the number of its slot.
    wires: Mutex<Vec<(usize, Arc<Wire>)>>,
}

/// A worker's connection, as far as a stop needs it.
#[derive(Default)]
pub(crate) struct Waiting {
    /// `true` while the worker waits in a poll, and in nothing else.
    pub(crate) parked: AtomicBool,
    stream: Mutex<Option<Arc<TcpStream>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waiting {
    pub(crate) fn set_stream(&self, stream: &Arc<TcpStream>) {
        *lock(&self.stream) = Some(stream.clone());
    }

    /// Ends a parked poll by shutting the reading side down: an event that has arrived already is still read and
    /// answered.
    fn interrupt(&self) {
        if self.parked.load(Ordering::SeqCst)
            && let Some(stream) = &*lock(&self.stream)
        {
            let _ = stream.shutdown(std::net::Shutdown::Read);
        }
    }
}

impl Shared {
    fn new_waiting(&self) -> Arc<Waiting> {
        let waiting = Arc::new(Waiting::default());
        lock(&self.waiting).push(waiting.clone());
        waiting
    }

    fn add_wire(&self, slot: usize, wire: &Arc<Wire>) {
        lock(&self.wires).push((slot, wire.clone()));
    }

    /// Starts the thread of deadlines and signals, the first time.
    fn launch(self: &Arc<Shared>) {
        if let Err(error) = self.shutdown.launch(|| Hands::new(self)) {
            let message = format!("no thread for deadlines and signals: {error}");
            self.runtime.process().log.say(Level::Error, &message);
        }
    }

    /// Ends the process with this code, once every worker has noticed.
    pub(crate) fn give_up(&self, code: i32) {
        self.exit_code.store(code, Ordering::Relaxed);
        self.shutdown.deadlines().stop();
    }

    /// Returns the words for the log that say how the process leaves a function which does not end.
    fn leaving(&self) -> &'static str {
        if self.protocol.concurrency() > 1 { "leaving once the others have ended" } else { "leaving" }
    }

    /// Notes that a worker has begun.
    fn enter(&self) {
        self.at_work.fetch_add(1, Ordering::AcqRel);
    }

    /// Notes that a worker has ended, or never will. A thread in a function that does not end cannot be waited for, so
    /// then the last of the others ends the process.
    fn retire(&self) {
        if self.at_work.fetch_sub(1, Ordering::AcqRel) == 1 && self.hung.load(Ordering::Acquire) {
            runtime_files::leave(self.exit_code.load(Ordering::Relaxed));
        }
    }
}

/// Runs the process from its start to its end; returns its exit code.
pub(crate) fn run(life: &Life<'_>, protocol: Arc<dyn Polling>) -> i32 {
    let shutdown = match life.shutdown() {
        Ok(shutdown) => shutdown,
        Err(error) => {
            let message = format!("no descriptors for signals and deadlines: {error}");
            let failure = Failure::new("Runtime.NoResources", message);
            return fail(life, &*protocol, &failure);
        }
    };
    let workers = protocol.concurrency();
    let late = {
        let protocol = protocol.clone();
        move |failure: &Failure| report(&*protocol, failure)
    };
    let runtime = match life.start(features(workers, protocol.is_snapshotted(), true), late) {
        Ok(runtime) => runtime,
        Err(failure) => return fail(life, &*protocol, &failure),
    };
    if let Err((failure, code)) = opening::open(&runtime, &*protocol) {
        life.say_failed(&failure);
        block_on(runtime.close());
        return code;
    }
    // This comes before the first poll: whoever is asked for an event may stop the process at once, and Close is to run.
    if let Err(error) = shutdown.take_signals() {
        let message = format!("stop signals are not taken: {error}");
        let code = fail(life, &*protocol, &Failure::new("Runtime.NoResources", message));
        block_on(runtime.close());
        return code;
    }
    let background = Background::new(&runtime.process().log);
    let shared = Arc::new(Shared {
        background,
        runtime,
        protocol,
        shutdown,
        replied_timeout: life.settings.replied_timeout,
        exit_code: AtomicI32::new(0),
        at_work: AtomicUsize::new(0),
        hung: AtomicBool::new(false),
        announced: Mutex::new(false),
        waiting: Arc::default(),
        wires: Mutex::new(Vec::new()),
    });
    let others: Vec<_> = (1..workers)
        .map_while(|number| {
            let shared = shared.clone();
            let log = life.process.log.clone();
            guard::spawn(&log, &format!("faas-worker-{number}"), None, move || worker::work(&shared)).ok()
        })
        .collect();
    worker::work(&shared);
    for other in others {
        let _ = other.join();
    }
    let code = shared.exit_code.load(Ordering::Relaxed);
    // Threads of reports hold it only for a moment, and then the process leaves anyway.
    if let Ok(shared) = Arc::try_unwrap(shared).map_err(drop) {
        block_on(shared.runtime.close());
    }
    code
}

fn fail(life: &Life<'_>, protocol: &dyn Polling, failure: &Failure) -> i32 {
    life.say_failed(failure);
    report(protocol, failure);
    FAILED
}

/// Reports a failed start to the platform.
fn report(polling: &dyn Polling, failure: &Failure) {
    let mut request = Vec::new();
    if polling.init_error(failure, &mut request) {
        // The platform may be the very thing that is missing; the process leaves either way.
        let _ = Connection::post_alone(polling.endpoint(), &request);
    }
}

/// The actions on deadlines and stop signals for a process that polls.
pub(crate) struct Hands {
    shared: std::sync::Weak<Shared>,
    /// The waiting workers, beside those of `shared`, which is not held here: the main thread runs Close only if it is
    /// the last to hold that, and the work may be over before this thread has let go.
    waiting: Arc<Mutex<Vec<Arc<Waiting>>>>,
    background: Background,
    log: faas_core::log::Log,
}

impl Hands {
    pub(crate) fn new(shared: &Arc<Shared>) -> Hands {
        let (waiting, background) = (shared.waiting.clone(), shared.background.clone());
        Hands { shared: Arc::downgrade(shared), waiting, background, log: shared.runtime.process().log.clone() }
    }
}

impl Actions for Hands {
    fn cancel(&self, canceller: Canceller, reason: u32) {
        self.background.run(move || canceller.fire(reason));
    }

    /// Answers over a connection of its own, since the function still has its thread and its memory. The process leaves
    /// once the others have ended, so that the platform starts a fresh one.
    fn overdue(&self, slot: usize, lost: Lost<'_>, closing: bool) {
        let (shared, request_id, function) = (self.shared.clone(), lost.request_id.to_vec(), lost.function);
        // A report waits for the platform, and others' deadlines do not wait for that.
        self.background.run(move || {
            if let Some(shared) = shared.upgrade() {
                answer_for(&shared, slot, Lost { request_id: &request_id, function }, closing);
            }
        });
    }

    fn hung(&self, _: usize, replied: Option<Lost<'_>>) {
        // An invocation that has been answered for has made the process leave already.
        let (Some(shared), Some(lost)) = (self.shared.upgrade(), replied) else { return };
        let process = shared.runtime.process();
        shared.runtime.functions().replied_does_not_end(process, lost, shared.leaving());
        shared.hung.store(true, Ordering::Release);
        shared.give_up(FAILED);
        shared.retire();
    }

    fn stop(&self) {
        lock(&self.waiting).iter().for_each(|waiting| waiting.interrupt());
    }

    fn leave(&self) {
        self.log.say(Level::Error, "leaving before everything has ended: the grace is over, or a second signal came");
        runtime_files::leave(FAILED);
    }
}

fn answer_for(shared: &Shared, slot: usize, lost: Lost<'_>, closing: bool) {
    let process = shared.runtime.process();
    let failure = if closing { Failure::closing() } else { Failure::timed_out() };
    // This comes before anybody can know of it: a worker that ends from here on takes no more work.
    shared.hung.store(true, Ordering::Release);
    shared.give_up(FAILED);
    // This comes first, since the platform may be as slow to take a report as to do anything else.
    let then = format!("and is still running: {}", shared.leaving());
    shared.runtime.functions().out_of_reach(process, lost, &failure, &then);
    let wire = lock(&shared.wires).iter().find(|(number, _)| *number == slot).map(|(_, wire)| wire.clone());
    // An answer whose head is out can only be ended; another one would be refused.
    if !wire.is_some_and(|wire| wire.cut(&*shared.protocol, &failure)) {
        let mut request = Vec::new();
        shared.protocol.failed(lost.request_id, &failure, &mut request);
        if let Err(error) = Connection::post_alone(shared.protocol.endpoint(), &request) {
            process.log.say(Level::Warn, &format!("the time-out could not be reported: {error}"));
        }
    }
    shared.retire();
}
