//! Platforms that hand out events: ask, serve, answer, ask again.
//!
//! One worker is one connection and one place for invocations; the platform says how many it wants. Requests and answers
//! are the protocol's ([`Polling`]); waiting, connecting again and giving up are decided here, by the platform documents:
//! a poll has no time limit, an answer that may have arrived is never sent twice, and a control plane that is gone is
//! not asked in a busy loop.
//!
//! One worker means one thread, which calls of modules may have to themselves. Several share the processor's threads,
//! and calls that may block go to the pool.

mod connection;
mod opening;
mod spare;
mod stream;
mod worker;

use crate::deadline::{Hands, Overdue, Then};
use crate::start::{FAILED, Life, say_failed};
use crate::stop::Stop;
use crate::sys;
use crate::work::Way;
use faas_abi::{F_CONCURRENT, F_MAY_BLOCK, F_REPLIED, F_STREAM_OUT, F_SUSPEND};
use faas_core::failure::Failure;
use faas_core::lifecycle::Runtime;
use faas_core::log::Level;
use faas_core::platform::Polling;
use spare::Spare;
use std::sync::{Arc, OnceLock};
use stream::Wire;
use tokio::runtime::Builder;
use tokio::sync::Notify;
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
}

impl Shared {
    /// Sends a report on a connection of its own, and waits a little for it to be taken.
    fn report(&self, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        report(&self.spare, &*self.protocol, write);
    }

    /// Starts the watchdog, the first time: the poll is on its way by then, and the platform looks for an event.
    fn launch(&self) {
        let overdue = Report {
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

fn report(spare: &Spare, protocol: &dyn Polling, write: impl FnOnce(&mut Vec<u8>) -> bool) {
    let mut request = Vec::new();
    if !write(&mut request) {
        return;
    }
    // The platform may be the very thing that is missing; whoever reports goes on in the same way.
    match spare.post(protocol.endpoint(), &request) {
        Ok(200..=299) => {}
        Ok(status) => tracing::error!("the platform answered {status} to a report"),
        Err(error) => tracing::error!("a report did not reach the platform at {}: {error}", protocol.endpoint()),
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
    protocol: Arc<dyn Polling>,
    spare: Arc<Spare>,
    desks: Arc<OnceLock<Vec<Desk>>>,
    is_alone: bool,
}

impl Overdue for Report {
    fn answer(&self, slot: usize, request_id: &[u8], failure: &Failure) -> Then {
        let desk = self.desks.get().and_then(|desks| desks.get(slot));
        if !desk.is_some_and(|desk| desk.wire.cut(&*self.protocol, failure)) {
            report(&self.spare, &*self.protocol, |request| {
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
        report(&spare, &*protocol, |request| protocol.init_error(failure, request));
        code
    };
    let late = {
        let (unit, protocol, spare) = (life.unit.clone(), protocol.clone(), spare.clone());
        move |failure: Failure| {
            say_failed(&unit, &failure);
            report(&spare, &*protocol, |request| protocol.init_error(&failure, request));
            sys::leave(FAILED);
        }
    };
    let workers = protocol.concurrency();
    let runtime = match life.start(features(life, workers, protocol.is_snapshotted()), late) {
        Ok(runtime) => Arc::new(runtime),
        Err(failure) => return fail(&failure, FAILED),
    };
    life.say_started(Level::Debug, "");
    let threads = match threads(workers) {
        Ok(threads) => threads,
        Err(error) => {
            let failure = Failure::new("Runtime.NoResources", format!("no event loop: {error}"));
            return fail(&failure, FAILED);
        }
    };
    let is_alone = workers == 1;
    let way = if is_alone { Way::Here } else { Way::of(&runtime) };
    let stop = life.stop.clone();
    let desks = Arc::new(OnceLock::new());
    let shared = Arc::new(Shared { runtime, protocol, stop, spare, desks, way, is_alone });
    let code = threads.block_on(live(&shared, workers));
    // Threads of the pool may be in functions that do not end.
    threads.shutdown_background();
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

/// One thread for one worker; for several, as many as there are processors, and a pool that takes every worker's call.
fn threads(workers: usize) -> std::io::Result<tokio::runtime::Runtime> {
    if workers == 1 {
        return Builder::new_current_thread().enable_all().build();
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let pool = workers.saturating_add(1);
    Builder::new_multi_thread()
        .worker_threads(processors.min(workers))
        .max_blocking_threads(pool)
        .thread_name("faas-engine")
        .enable_all()
        .build()
}

/// From the first request to the last answer; the exit code.
async fn live(shared: &Arc<Shared>, workers: usize) -> i32 {
    if let Err((failure, code)) = opening::open(shared).await {
        say_failed(shared.runtime.process(), &failure);
        return code;
    }
    let seats: Vec<Seat> = (0..workers).map(|_| Seat::new(shared)).collect();
    let _ = shared.desks.set(seats.iter().map(Seat::desk).collect());
    let mut seats = seats.into_iter();
    let first = seats.next();
    let others: Vec<_> = seats.map(|seat| tokio::spawn(work(shared.clone(), seat))).collect();
    if let Some(first) = first {
        work(shared.clone(), first).await;
    }
    for other in others {
        let _ = other.await;
    }
    shared.stop.code()
}
