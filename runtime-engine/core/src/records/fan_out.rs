//! Runs the records of a batch: several at once, each as an invocation of its own, the records of one group one after
//! the other.
//!
//! As many workers as records may run at once each take one lane of records after the other, and none waits for
//! another. They wait together on the thread of the batch, or each has a thread where the function needs one. What a
//! batch takes beside its index is a place for each worker, however many records it has.

use super::RecordRule;
use super::lanes::Lanes;
use super::report::{Undone, Why, conclude_records};
use crate::chain::{Chain, Place};
use crate::invocation::{Invocation, OfBatch};
use crate::parking::block_on;
use crate::report;
use crate::trigger::batch::{Batch, Partial};
use faas_abi::host::{Cancel, FunctionInstance, Invocation as _};
use faas_abi::{CANCEL_CLOSING, Status};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

/// The time in nanoseconds before the deadline from which on no record is begun, or a fifth of the limit if that is
/// less.
const NEAR_NS: u64 = 100_000_000;

/// Runs the function for each record of the batch in `place`, and settles the outcome of the batch.
pub(crate) async fn run(chain: &Chain, function: &FunctionInstance, rule: RecordRule, place: &mut Place) -> Status {
    let running = Arc::new(Running::default());
    let heard = running.clone();
    let hook = place.hear_cancel(move |reason| heard.cancel(reason));
    let undone = match place.get().batch() {
        Some(batch) => {
            let fan_out = FanOut::new(chain, function, place, batch, running);
            fan_out.run(rule).await;
            fan_out.undone.into_inner().unwrap_or_else(PoisonError::into_inner)
        }
        None => Vec::new(),
    };
    drop(hook);
    conclude_records(place.get_mut(), undone, rule.failures)
}

/// A record that runs now.
#[derive(Clone, Debug)]
struct InProgress {
    cancel: Cancel<Invocation>,
    serial: u32,
}

impl InProgress {
    fn fire(&self, reason: u32) {
        self.cancel.fire_for(self.serial, reason);
    }
}

/// The records that run now, to be cancelled with their batch: one for each worker.
#[derive(Debug, Default)]
struct Running(Mutex<Vec<Option<InProgress>>>);

impl Running {
    fn set(&self, worker: usize, record: Option<InProgress>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.len() <= worker {
            running.resize(worker + 1, None);
        }
        running[worker] = record;
    }

    fn cancel(&self, reason: u32) {
        // A module is told without the lock: it may take its time, and its record may end meanwhile.
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        running.iter().flatten().for_each(|record| record.fire(reason));
    }
}

/// A batch that is being run.
struct FanOut<'a> {
    chain: &'a Chain,
    function: &'a FunctionInstance,
    /// The place of the batch, which nobody changes meanwhile.
    place: &'a Place,
    batch: &'a Batch,
    /// The bytes that the batch was read from.
    body: &'a [u8],
    /// The values that every record has from its batch.
    of_batch: Arc<OfBatch>,
    lanes: Lanes,
    running: Arc<Running>,
    /// The first record that is not done, where a platform goes on from it; `usize::MAX` if all are done.
    checkpoint: AtomicUsize,
    /// No record is begun from this moment on, on the process' clock.
    begin_until: u64,
    undone: Mutex<Vec<Undone>>,
}

impl<'a> FanOut<'a> {
    fn new(
        chain: &'a Chain,
        function: &'a FunctionInstance,
        place: &'a Place,
        batch: &'a Batch,
        running: Arc<Running>,
    ) -> FanOut<'a> {
        let invocation = place.get();
        let begin_until = invocation.metadata().deadline.map_or(u64::MAX, |deadline| {
            let limit = deadline.ns.saturating_sub(invocation.received_ns());
            deadline.ns.saturating_sub(NEAR_NS.min(limit / 5))
        });
        FanOut {
            chain,
            function,
            place,
            batch,
            body: invocation.body(),
            of_batch: Arc::new(invocation.of_batch()),
            lanes: Lanes::of(batch),
            running,
            checkpoint: AtomicUsize::new(usize::MAX),
            begin_until,
            undone: Mutex::default(),
        }
    }

    async fn run(&self, rule: RecordRule) {
        let workers = rule.concurrency.min(self.lanes.len());
        match workers {
            0 => {}
            1 => self.work(0).await,
            _ if rule.on_threads => std::thread::scope(|scope| {
                for worker in 1..workers {
                    let work = move || block_on(self.work(worker));
                    // Without a thread more, the others do its part.
                    let _ = std::thread::Builder::new().name("faas-record".to_owned()).spawn_scoped(scope, work);
                }
                block_on(self.work(0));
            }),
            _ => {
                type Worker<'w> = Pin<Box<dyn Future<Output = ()> + Send + 'w>>;
                let mut working: Vec<Worker<'_>> =
                    (0..workers).map(|worker| Box::pin(self.work(worker)) as _).collect();
                poll_fn(|context| {
                    working.retain_mut(|worker| worker.as_mut().poll(context).is_pending());
                    if working.is_empty() { Poll::Ready(()) } else { Poll::Pending }
                })
                .await;
            }
        }
    }

    /// Takes lanes and runs their records until there are no more.
    async fn work(&self, worker: usize) {
        let mut place = Place::new(Invocation::of_record(self.place.get()));
        while let Some(first) = self.lanes.take() {
            let mut next = Some(first);
            let mut is_broken = false;
            while let Some(record) = next {
                next = self.lanes.after(record);
                let refused = if is_broken { Some(Why::Behind) } else { self.refuses(record) };
                match refused {
                    Some(why) => self.is_undone(record, why),
                    None => is_broken = !self.serve(worker, record, &mut place).await,
                }
            }
        }
    }

    /// Returns the reason why the record is not begun, if it is not.
    fn refuses(&self, record: usize) -> Option<Why> {
        if record > self.checkpoint.load(Ordering::Relaxed) {
            return Some(Why::Behind);
        }
        match self.place.cancelled() {
            0 if self.place.get().process().now_ns() < self.begin_until => None,
            CANCEL_CLOSING => Some(Why::Closing),
            _ => Some(Why::NoTime),
        }
    }

    fn is_undone(&self, record: usize, why: Why) {
        if self.batch.partial() == Partial::Checkpoint {
            self.checkpoint.fetch_min(record, Ordering::Relaxed);
        }
        let mut undone = self.undone.lock().unwrap_or_else(PoisonError::into_inner);
        undone.push(Undone { record, why });
    }

    /// Runs one record in `place`. Returns `true` if it succeeded.
    async fn serve(&self, worker: usize, record: usize, place: &mut Place) -> bool {
        place.reset();
        let bytes = self.batch.bytes(record, self.body);
        place.get_mut().begin_record(&self.of_batch, self.batch, record, bytes);
        let in_progress = InProgress { cancel: place.cancel_handle(), serial: place.serial() };
        self.running.set(worker, Some(in_progress.clone()));
        // A cancel that came before nobody has told this record of.
        match self.place.cancelled() {
            0 => {}
            reason => in_progress.fire(reason),
        }
        let status = self.chain.record(self.function, place).await;
        self.running.set(worker, None);
        let cancelled = place.cancelled();
        let invocation = place.get_mut();
        invocation.settle(status, self.function.name());
        invocation.conclude(cancelled);
        let failure = invocation.failure().cloned();
        if let Some(failure) = &failure {
            report::failed(invocation, faas_abi::INVOKE, failure);
        }
        invocation.clear();
        let succeeded = failure.is_none();
        if let Some(failure) = failure {
            self.is_undone(record, Why::Failed { status, failure });
        }
        succeeded
    }
}
