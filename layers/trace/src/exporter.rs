//! Spans on their way out: a queue of bounded length and one thread that sends it in batches. Nobody who adds a span waits.
//! What is dropped is counted, and the log says so.

use crate::collector::Sent;
use crate::settings::Export;
use crate::span::{self, Attribute, Span};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// After a failure the next try waits, twice as long each time, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Between two lines about spans that were dropped.
const BETWEEN_WORDS: Duration = Duration::from_secs(60);

/// The exporter.
#[derive(Debug)]
pub(crate) struct Exporter(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    export: Export,
    resource: OnceLock<Vec<Attribute>>,
    state: Mutex<State>,
    /// For the thread: there is something to do.
    work: Condvar,
    /// For those that wait: an attempt is over.
    over: Condvar,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Span>,
    has_thread: bool,
    is_sending: bool,
    is_urgent: bool,
    is_closed: bool,
    failures: u64,
    /// Until then nothing is tried.
    paused_until: Option<Instant>,
    dropped: u64,
    /// How many of these the log has told of.
    told: u64,
    wakers: Vec<Waker>,
}

impl State {
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.is_sending
    }

    fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| Instant::now() < until)
    }
}

impl Exporter {
    pub(crate) fn new(export: Export) -> Exporter {
        let (state, resource) = (Mutex::default(), OnceLock::new());
        Exporter(Arc::new(Shared { export, resource, state, work: Condvar::new(), over: Condvar::new() }))
    }

    /// Says what all spans are of, if nobody has yet.
    pub(crate) fn of(&self, resource: impl FnOnce() -> Vec<Attribute>) {
        self.0.resource.get_or_init(resource);
    }

    /// Adds one to the queue, or drops it.
    pub(crate) fn add(&self, span: Span) {
        let mut state = self.0.lock();
        if state.queue.len() >= self.0.export.max_queue || state.is_closed {
            state.dropped += 1;
            return;
        }
        let was_empty = state.queue.is_empty();
        state.queue.push_back(span);
        if !state.has_thread {
            state.has_thread = true;
            let shared = self.0.clone();
            // Without a thread the queue fills, and what finds no room is counted.
            let _ = std::thread::Builder::new().name("trace".to_owned()).spawn(move || shared.run());
        } else if was_empty || state.queue.len() >= self.0.export.max_batch {
            self.0.work.notify_one();
        }
    }

    /// Has all that is there sent now, and does not wait.
    pub(crate) fn hurry(&self) {
        let mut state = self.0.lock();
        state.is_urgent = !state.queue.is_empty();
        self.0.work.notify_one();
    }

    /// The same, and waits until it is sent or could not be, without a thread.
    pub(crate) async fn flush(&self) {
        self.hurry();
        let failures = self.0.lock().failures;
        poll_fn(|context| {
            let mut state = self.0.lock();
            if state.is_idle() || state.failures != failures || state.is_paused() {
                return Poll::Ready(());
            }
            if !state.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                state.wakers.push(context.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// The same on this thread, for as long as one attempt may take.
    pub(crate) fn flush_here(&self) {
        self.hurry();
        let state = self.0.lock();
        let failures = state.failures;
        let goes_on = |state: &mut State| !state.is_idle() && state.failures == failures && !state.is_paused();
        drop(self.0.over.wait_timeout_while(state, self.0.export.timeout, goes_on));
    }

    /// Nothing comes any more. What is left is told of as dropped.
    pub(crate) fn close(&self) {
        self.flush_here();
        let mut state = self.0.lock();
        state.is_closed = true;
        state.dropped += state.queue.len() as u64;
        state.queue.clear();
        self.0.work.notify_one();
        if state.dropped > state.told {
            let dropped = state.dropped;
            drop(state);
            handlers_sdk::warn!({ dropped = dropped }, "spans were dropped: the collector did not take them in time");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut pause = FIRST_PAUSE;
        let mut told_at: Option<Instant> = None;
        while let Some(batch) = self.next() {
            let resource = self.resource.get().map(Vec::as_slice).unwrap_or_default();
            let body = span::request(resource, &batch);
            let sent = self.export.endpoint.post(&self.export.headers, &body, self.export.timeout);
            let mut state = self.lock();
            state.is_sending = false;
            let why = match sent {
                Sent::Taken { rejected } => {
                    pause = FIRST_PAUSE;
                    state.paused_until = None;
                    state.dropped += rejected;
                    "it rejects them".to_owned()
                }
                Sent::Refused(why) => {
                    state.failures += 1;
                    state.dropped += batch.len() as u64;
                    why
                }
                Sent::NotNow(why) => {
                    state.failures += 1;
                    state.paused_until = Some(Instant::now() + pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    let room = self.export.max_queue.saturating_sub(state.queue.len());
                    // The oldest go first when there is no room for all.
                    let lost = batch.len().saturating_sub(room);
                    state.dropped += lost as u64;
                    batch.into_iter().skip(lost).rev().for_each(|span| state.queue.push_front(span));
                    why
                }
            };
            let wakers = std::mem::take(&mut state.wakers);
            let may_tell = told_at.is_none_or(|at| at.elapsed() >= BETWEEN_WORDS);
            let dropped = (state.dropped > state.told && may_tell && !state.is_closed).then_some(state.dropped);
            if let Some(dropped) = dropped {
                state.told = dropped;
                told_at = Some(Instant::now());
            }
            drop(state);
            self.over.notify_all();
            wakers.into_iter().for_each(Waker::wake);
            if let Some(dropped) = dropped {
                handlers_sdk::warn!({ dropped = dropped }, "spans were dropped; the collector: {why}");
            }
        }
    }

    /// Waits until a batch is due, and takes it. `None`: the end.
    fn next(&self) -> Option<Vec<Span>> {
        let mut state = self.lock();
        let mut since = Instant::now();
        loop {
            if state.is_closed {
                return None;
            }
            if state.queue.is_empty() {
                state.is_urgent = false;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                since = Instant::now();
                continue;
            }
            let paused =
                state.paused_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            let is_due = state.is_urgent || state.queue.len() >= self.export.max_batch;
            let wait = if is_due { Duration::ZERO } else { self.export.interval.saturating_sub(since.elapsed()) };
            let wait = wait.max(paused);
            if wait.is_zero() {
                let count = state.queue.len().min(self.export.max_batch);
                state.is_sending = true;
                return Some(state.queue.drain(..count).collect());
            }
            state = self.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
