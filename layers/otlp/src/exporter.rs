//! Telemetry on its way out: a queue of bounded length and one thread that sends it in batches. Code that adds an item
//! never waits. Dropped items are counted, and the log says so.

use crate::collector::Sent;
use crate::resource::Resource;
use crate::settings::{Export, Flush};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// The pause after a failure. It doubles with each further one, up to a minute.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause that a collector may ask for.
const LONGEST_WISH: Duration = Duration::from_secs(300);
/// The time between two lines about dropped items.
const BETWEEN_WORDS: Duration = Duration::from_secs(60);

/// The platforms that hand out work and freeze the process between two invocations.
const POLLED: [&str; 3] = ["aws-lambda", "huawei-functiongraph", "tencent-scf"];
/// The platforms that send requests and take the processor away after a reply.
const THROTTLED: [&str; 3] = ["aliyun-fc", "google-cloud", "vefaas"];

/// A kind of telemetry.
pub trait Signal: Debug + Send + Sync + 'static {
    /// The item that waits in the queue.
    type Item: Debug + Send;
    /// The word for the parts of a request, in the plural, for the log; and the name of the thread.
    const WORD: &'static str;

    /// Returns the number of parts, such as spans or data points, that a request of these items has.
    fn count(&self, items: &[Self::Item]) -> u64;

    /// Puts items back that a collector did not take yet, as far as there is room, and returns the number of parts that
    /// are lost.
    fn put_back(&self, mut items: Vec<Self::Item>, queue: &mut VecDeque<Self::Item>, room: usize) -> u64 {
        // The oldest go first when there is no room for all.
        let lost = items.len().saturating_sub(room);
        let kept = items.split_off(lost);
        kept.into_iter().rev().for_each(|item| queue.push_front(item));
        if items.is_empty() { 0 } else { self.count(&items) }
    }

    /// Returns the body of the request.
    fn encode(&self, resource: &Resource, items: &[Self::Item]) -> Vec<u8>;
}

/// The exporter of one signal.
#[derive(Debug)]
pub struct Exporter<S: Signal>(Arc<Shared<S>>);

#[derive(Debug)]
struct Shared<S: Signal> {
    signal: S,
    export: Export,
    state: Mutex<State<S::Item>>,
    /// The condition that is notified when the thread has something to do.
    work: Condvar,
    /// The condition that is notified when an attempt is over.
    over: Condvar,
}

#[derive(Debug)]
struct State<T> {
    resource: Option<Arc<Resource>>,
    queue: VecDeque<T>,
    has_thread: bool,
    is_sending: bool,
    is_urgent: bool,
    is_closed: bool,
    failures: u64,
    /// The moment before which nothing is tried; `None` if nothing forbids it.
    paused_until: Option<Instant>,
    dropped: u64,
    /// The number of dropped parts that the log has told of, or is being told of.
    told: u64,
    /// `true` while the thread writes a line.
    is_telling: bool,
    wakers: Vec<Waker>,
}

impl<T> Default for State<T> {
    fn default() -> State<T> {
        State {
            resource: None,
            queue: VecDeque::new(),
            has_thread: false,
            is_sending: false,
            is_urgent: false,
            is_closed: false,
            failures: 0,
            paused_until: None,
            dropped: 0,
            told: 0,
            is_telling: false,
            wakers: Vec::new(),
        }
    }
}

impl<T> State<T> {
    fn is_idle(&self) -> bool {
        self.queue.is_empty() && !self.is_sending
    }

    fn is_paused(&self) -> bool {
        self.paused_until.is_some_and(|until| Instant::now() < until)
    }
}

/// Another way to the same queue.
impl<S: Signal> Clone for Exporter<S> {
    fn clone(&self) -> Exporter<S> {
        Exporter(self.0.clone())
    }
}

impl<S: Signal> Exporter<S> {
    /// Makes an exporter. It starts its thread with the first item.
    pub fn new(signal: S, export: Export) -> Exporter<S> {
        let (work, over) = (Condvar::new(), Condvar::new());
        Exporter(Arc::new(Shared { signal, export, state: Mutex::default(), work, over }))
    }

    /// Returns the settings: where to send, and when.
    pub fn export(&self) -> &Export {
        &self.0.export
    }

    /// Sets the resource that everything belongs to, unless it is set.
    pub fn of(&self, resource: impl FnOnce(&Export) -> Resource) {
        let mut state = self.0.lock();
        if state.resource.is_none() {
            state.resource = Some(Arc::new(resource(&self.0.export)));
        }
    }

    /// Forgets the resource: after a snapshot the process may be another instance.
    pub fn forget_resource(&self) {
        self.0.lock().resource = None;
    }

    /// Adds an item to the queue, or drops it.
    pub fn add(&self, item: S::Item) {
        let mut state = self.0.lock();
        if state.queue.len() >= self.0.export.max_queue || state.is_closed {
            state.dropped += self.0.signal.count(&[item]);
            return;
        }
        self.push(state, item);
    }

    /// Counts parts that were lost before they were added.
    pub fn lose(&self, parts: u64) {
        self.0.lock().dropped += parts;
    }

    /// Adds an item unless one waits, which then stands for this one as well.
    pub fn mark(&self, item: S::Item) {
        let state = self.0.lock();
        if state.queue.is_empty() && !state.is_closed {
            self.push(state, item);
        }
    }

    fn push(&self, mut state: MutexGuard<'_, State<S::Item>>, item: S::Item) {
        let was_empty = state.queue.is_empty();
        state.queue.push_back(item);
        if !state.has_thread {
            state.has_thread = true;
            let shared = self.0.clone();
            // Without a thread the queue fills, and items without room are counted.
            let _ = std::thread::Builder::new().name(S::WORD.to_owned()).spawn(move || shared.run());
        } else if was_empty || state.queue.len() >= self.0.export.max_batch {
            self.0.work.notify_one();
        }
    }

    /// Sends the waiting items, where that has to be done right after an invocation's reply.
    pub async fn replied(&self, platform: &str) {
        match self.0.export.flush {
            Flush::Reply => self.flush().await,
            Flush::Auto if POLLED.contains(&platform) => self.flush().await,
            Flush::Auto if THROTTLED.contains(&platform) => self.hurry(),
            Flush::Auto | Flush::Interval => {}
        }
    }

    /// Asks for all items to be sent now, and does not wait.
    fn hurry(&self) {
        let mut state = self.0.lock();
        state.is_urgent = !state.queue.is_empty();
        self.0.work.notify_one();
    }

    /// Sends all items, and waits until they are sent or could not be, without holding a thread.
    async fn flush(&self) {
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

    /// Sends all items, and waits for it on this thread for as long as one attempt may take.
    pub fn flush_here(&self) {
        self.hurry();
        let state = self.0.lock();
        let failures = state.failures;
        let goes_on = |state: &mut State<S::Item>| !state.is_idle() && state.failures == failures && !state.is_paused();
        drop(self.0.over.wait_timeout_while(state, self.0.export.timeout, goes_on));
    }

    /// Ends the exporter. The items that are left are told of as dropped.
    pub fn close(&self) {
        self.flush_here();
        // The process may end right after this, and with it the thread in the middle of a line.
        let telling = |state: &mut State<S::Item>| state.is_telling;
        let waited = self.0.over.wait_timeout_while(self.0.lock(), self.0.export.timeout, telling);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_closed = true;
        let left: Vec<S::Item> = state.queue.drain(..).collect();
        if !left.is_empty() {
            state.dropped += self.0.signal.count(&left);
        }
        self.0.work.notify_one();
        if state.dropped > state.told {
            let dropped = state.dropped;
            drop(state);
            handlers_sdk::warn!(
                { dropped = dropped },
                "{} were dropped: the collector did not take them in time",
                S::WORD
            );
        }
    }
}

impl<S: Signal> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S::Item>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        let mut pause = FIRST_PAUSE;
        let mut told_at: Option<Instant> = None;
        while let Some(batch) = self.next() {
            let resource = self.lock().resource.clone().unwrap_or_default();
            let body = self.signal.encode(&resource, &batch);
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
                    state.dropped += self.signal.count(&batch);
                    why
                }
                Sent::NotNow(why, wish) => {
                    state.failures += 1;
                    let wish = wish.map_or(pause, |wish| wish.min(LONGEST_WISH));
                    state.paused_until = Some(Instant::now() + wish);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    let room = self.export.max_queue.saturating_sub(state.queue.len());
                    state.dropped += self.signal.put_back(batch, &mut state.queue, room);
                    why
                }
            };
            let wakers = std::mem::take(&mut state.wakers);
            let may_tell = told_at.is_none_or(|at| at.elapsed() >= BETWEEN_WORDS);
            let dropped = (state.dropped > state.told && may_tell && !state.is_closed).then_some(state.dropped);
            if let Some(dropped) = dropped {
                state.told = dropped;
                state.is_telling = true;
                told_at = Some(Instant::now());
            }
            drop(state);
            self.over.notify_all();
            wakers.into_iter().for_each(Waker::wake);
            if let Some(dropped) = dropped {
                handlers_sdk::warn!({ dropped = dropped }, "{} were dropped; the collector: {why}", S::WORD);
                self.lock().is_telling = false;
                self.over.notify_all();
            }
        }
    }

    /// Waits until a batch is due, and takes it. Returns `None` at the end.
    fn next(&self) -> Option<Vec<S::Item>> {
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
