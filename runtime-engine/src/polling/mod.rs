//! Platforms that hand out events: ask, serve, answer, ask again.
//!
//! One worker is one connection and one place for invocations; the platform says how many it wants. Requests and answers
//! are the protocol's ([`Polling`]); waiting, connecting again and giving up are decided here, by the platform documents:
//! a poll has no time limit, an answer that may have arrived is never sent twice, and a control plane that is gone is
//! not asked in a busy loop.
//!
//! One worker means one thread, which calls of modules may have to themselves. Several share the event loops, and calls
//! that may block go to the pool.

mod connection;
mod opening;
mod spare;
mod stream;
mod worker;

use crate::deadline::{Hands, Overdue, Then};
use crate::loops::Loops;
use crate::start::{FAILED, Life, say_failed};
use crate::stop::Stop;
use crate::work::Way;
use crate::{diagnostics, traces};
use faas_abi::{F_CONCURRENT, F_MAY_BLOCK, F_REPLIED, F_STREAM_OUT, F_SUSPEND};
use faas_core::failure::Failure;
use faas_core::lifecycle::Runtime;
use faas_core::log::{Level, Log};
use faas_core::platform::Polling;
use spare::Spare;
use std::sync::{Arc, Once, OnceLock};
use stream::Wire;
use tokio::sync::{Notify, OnceCell};
use worker::{Seat, work};

/// What all workers share.
pub(crate) struct Shared {
    runtime: Arc<Runtime>,
    protocol: Arc<dyn Polling>,
    stop: Arc<Stop>,
    spare: Arc<Spare>,
    desks: Arc<OnceLock<Vec<Desk>>>,
    way: Way,
    is_alone: bool,
    launched: Once,
    /// Does the platform know that the process is ready?
    announced: Arc<OnceCell<bool>>,
}

impl Shared {
    /// Sends a report on a connection of its own, and waits a little for it to be taken.
    fn report(&self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        report(&self.runtime.process().log, &self.spare, &*self.protocol, write);
    }

    /// Starts what the first poll can do without, the first time: the platform looks for an event meanwhile.
    fn launch(&self) {
        self.launched.call_once(|| {
            diagnostics::install(&self.runtime.process().log);
            self.watch();
        });
    }

    fn watch(&self) {
        let overdue = Report {
            log: self.runtime.process().log.clone(),
            protocol: self.protocol.clone(),
            spare: self.spare.clone(),
            desks: self.desks.clone(),
            is_alone: self.is_alone,
        };
        let hands = Hands { unit: self.runtime.process().clone(), stop: self.stop.clone(), overdue };
        if let Err(error) = self.stop.launch(hands) {
            tracing::error!("no thread for deadlines and signals: {error}");
        }
    }
}

fn report(log: &Log, spare: &Spare, protocol: &dyn Polling, write: impl FnOnce(&mut Vec<u8>) -> bool) {
    let mut request = Vec::new();
    if !write(&mut request) {
        return;
    }
    // The platform may be the very thing that is missing; whoever reports goes on in the same way.
    match spare.post(protocol.endpoint(), &request) {
        Ok(200..=299) => {}
        Ok(status) => log.say(Level::Error, &format!("the platform answered {status} to a report")),
        Err(error) => {
            let endpoint = protocol.endpoint();
            log.say(Level::Error, &format!("a report did not reach the platform at {endpoint}: {error}"));
        }
    }
}

/// What the watchdog's thread can reach of a worker.
struct Desk {
    wire: Arc<Wire>,
    /// The watchdog has answered in the worker's place.
    abandoned: Arc<Notify>,
}

/// Answers for a function that does not end, on a connection of its own.
struct Report {
    log: Log,
    protocol: Arc<dyn Polling>,
    spare: Arc<Spare>,
    desks: Arc<OnceLock<Vec<Desk>>>,
    is_alone: bool,
}

impl Overdue for Report {
    fn answer(&self, slot: usize, request_id: &[u8], failure: &Failure) -> Then {
        let desk = self.desks.get().and_then(|desks| desks.get(slot));
        if !desk.is_some_and(|desk| desk.wire.cut(&*self.protocol, failure)) {
            report(&self.log, &self.spare, &*self.protocol, |request| {
                self.protocol.failed(request_id, failure, request);
                true
            });
        }
        if let Some(desk) = desk {
            desk.abandoned.notify_one();
        }
        if self.is_alone { Then::Leave } else { Then::Drain }
    }
}

/// Lives the process' life; its exit code.
pub(crate) fn run(life: &Life, protocol: Arc<dyn Polling>) -> i32 {
    let spare = Arc::new(Spare::default());
    let fail = |failure: &Failure, code: i32| {
        say_failed(&life.unit, failure);
        report(&life.unit.log, &spare, &*protocol, |request| protocol.init_error(failure, request));
        code
    };
    let late = {
        let (unit, protocol, spare) = (life.unit.clone(), protocol.clone(), spare.clone());
        move |failure: Failure| {
            say_failed(&unit, &failure);
            report(&unit.log, &spare, &*protocol, |request| protocol.init_error(&failure, request));
            traces::leave(FAILED);
        }
    };
    let workers = protocol.concurrency();
    let runtime = match life.start(features(life, workers, protocol.is_snapshotted()), late) {
        Ok(runtime) => Arc::new(runtime),
        Err(failure) => return fail(&failure, FAILED),
    };
    life.say_started("");
    let loops = match Loops::start(workers, workers) {
        Ok(loops) => loops,
        Err(error) => {
            let failure = Failure::new("Runtime.NoResources", format!("no event loop: {error}"));
            return fail(&failure, FAILED);
        }
    };
    let is_alone = workers == 1;
    let way = if is_alone { Way::Here } else { Way::of(&runtime, loops.pool()) };
    let stop = life.stop.clone();
    let desks = Arc::new(OnceLock::new());
    let (launched, announced) = (Once::new(), Arc::default());
    let shared = Arc::new(Shared { runtime, protocol, stop, spare, desks, way, is_alone, launched, announced });
    let code = loops.block_on(live(&shared, &loops, workers));
    loops.abandon();
    if let Some(runtime) = Arc::into_inner(shared).and_then(|shared| Arc::into_inner(shared.runtime)) {
        faas_core::parking::block_on(runtime.close());
    }
    code
}

fn features(life: &Life, workers: usize, suspends: bool) -> u64 {
    let mut features = F_STREAM_OUT | F_REPLIED;
    if workers > 1 {
        features |= F_CONCURRENT;
    } else if !life.is_linked() {
        // Loaded modules have an executor of their own, which may run on our thread. One that is linked into this
        // binary may share our tokio, and that does not run inside itself.
        features |= F_MAY_BLOCK;
    }
    if suspends {
        features |= F_SUSPEND;
    }
    features
}

/// From the first request to the last answer; the exit code.
async fn live(shared: &Arc<Shared>, loops: &Loops, workers: usize) -> i32 {
    if let Err((failure, code)) = opening::open(shared).await {
        say_failed(shared.runtime.process(), &failure);
        return code;
    }
    let seats: Vec<Seat> = (0..workers).map(|_| Seat::new(shared)).collect();
    let _ = shared.desks.set(seats.iter().map(Seat::desk).collect());
    if shared.is_alone {
        // On this very thread: no task to hand over to.
        for seat in seats {
            work(shared.clone(), seat).await;
        }
        return shared.stop.code();
    }
    let workers: Vec<_> = seats.into_iter().map(|seat| loops.pick().spawn(work(shared.clone(), seat))).collect();
    for worker in workers {
        let _ = worker.await;
    }
    shared.stop.code()
}
