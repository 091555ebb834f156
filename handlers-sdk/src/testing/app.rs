//! A process in a test: layers and functions under the runtime's own lifecycle, with a clock that the test moves.

use super::answer::Answer;
use super::builder::Builder;
use super::invoke::{Invoke, ReadBy};
use super::journal::{Journal, LogLine};
use super::platform::Platform;
use super::reader::Reader;
use super::running::{Overdue, Running, Seat};
use crate::inject::Scopes;
use crate::service::Offered;
use faas_abi::*;
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::flight::{Actions, Canceller, Deadlines, Lost};
use faas_core::lifecycle::Runtime;
use faas_core::parking::block_on;
use faas_core::platform::Signal;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A process of started layers and functions.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::testing::App;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static ORDERS: AtomicU32 = AtomicU32::new(0);
///
/// #[function]
/// fn order() -> String {
///     format!("order {}", ORDERS.fetch_add(1, Ordering::Relaxed) + 1)
/// }
///
/// // One process, whose state is there for the next invocation.
/// let app = App::builder().module(order::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "order 1");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "order 2");
/// assert!(app.close().is_empty(), "nothing was logged");
/// ```
pub struct App {
    /// The runtime; `None` only while it is being closed.
    pub(super) runtime: Option<Runtime>,
    pub(super) deadlines: Arc<Deadlines>,
    pub(super) functions: Vec<String>,
    pub(super) variables: Vec<(String, String)>,
    pub(super) platform: Option<&'static str>,
    /// The scopes, which the entries find by their configuration.
    pub(super) _scopes: Arc<Scopes>,
    /// The services of the test, which end with the app.
    pub(super) _offered: Vec<Offered>,
    pub(super) journal: Arc<Journal>,
    pub(super) clock: Arc<AtomicU64>,
    /// Places of invocations that are over, to be used again as a runtime does.
    pub(super) free: Mutex<Vec<Seat>>,
    /// The deadline state of each slot, by the slot's number.
    pub(super) overdue: Mutex<Vec<Arc<Overdue>>>,
    /// `true` if an invocation was answered for whose function may still run.
    pub(super) has_lost: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    /// Returns a builder without any module.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until it is closed")
    }

    /// Runs one of the phases of `handlers_sdk::abi` once more: `SUSPEND`, `RESUME`, or `RUNTIME_START`,
    /// `FUNCTION_START` and `CLOSE` of the layers. The phase after a reply is run with each invocation.
    ///
    /// ```
    /// # use handlers_sdk::{Error, PhaseContext, abi, function, testing::App};
    /// fn flush(_: PhaseContext) -> Result<(), Error> {
    ///     Err(Error::new("Orders.Flush", "the disk is full"))
    /// }
    ///
    /// #[function(suspend = flush)]
    /// fn order() {}
    ///
    /// let app = App::builder().module(order::MODULE).start().expect("starts");
    /// let why = app.run_phase(abi::SUSPEND).expect_err("it cannot flush");
    /// assert!(why.contains("the disk is full"), "{why}");
    /// ```
    ///
    /// # Errors
    /// A hook or function failed. The text names it and the reason.
    pub fn run_phase(&self, phase: u32) -> Result<(), String> {
        let runtime = self.runtime();
        let result = match phase {
            SUSPEND => block_on(runtime.suspend()),
            RESUME => block_on(runtime.resume()),
            _ => block_on(runtime.chain().phase(phase, &mut runtime.place(), async |_: &mut Place| OK)),
        };
        result.map_err(|failure| failure.to_string())
    }

    /// Moves the clock: deadlines that have come by then are acted upon, in the order of a runtime. Nothing else moves
    /// it: an app begins at 2026-01-02T03:04:05Z and stays there.
    ///
    /// Shortly before its deadline (50 ms, or a fifth of the limit if that is less) an invocation is cancelled. A
    /// little later (20 ms, or a tenth) it is answered for, whatever its function does: it has failed with
    /// `Function.TimedOut`. Move the clock up to the first moment to see how a function reacts to a cancel.
    ///
    /// ```
    /// use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::function;
    /// use std::time::Duration;
    ///
    /// #[function]
    /// async fn never() -> String {
    ///     std::future::pending().await
    /// }
    ///
    /// let app = App::builder().module(never::MODULE).timeout(Duration::from_secs(3)).start().expect("starts");
    /// let running = app.begin(Invoke::event(""));
    /// app.advance(Duration::from_secs(3));
    /// assert_eq!(running.wait().status(), 504);
    /// ```
    pub fn advance(&self, time: Duration) {
        self.clock.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
        self.deadlines.look_now(&AtDeadlines(self));
    }

    /// Invokes a function and waits for the end.
    ///
    /// # Panics
    /// There is no function of the name that is addressed, or the platform sends no such event.
    pub fn invoke(&self, invoke: Invoke) -> Answer {
        self.begin(invoke).wait()
    }

    /// Invokes a function; it may still be running when this returns.
    ///
    /// # Panics
    /// It panics as [`invoke`](Self::invoke) does.
    pub fn begin(&self, invoke: Invoke) -> Running<'_> {
        assert!(!self.functions.is_empty(), "no module of the app offers a function");
        if let Some(wanted) = &invoke.function {
            let is_here = self.functions.contains(wanted);
            assert!(is_here, "expected a function of {:?}, found {wanted:?}", self.functions);
        }
        let platform = Platform::new(invoke.platform.or(self.platform), invoke.arrival.kind, &self.variables);
        let reader = match &invoke.reader {
            ReadBy::Pace(pace) => Reader::of(*pace),
            ReadBy::Reader(reader) => reader.clone(),
        };
        let seat = lock(&self.free).pop().unwrap_or_else(|| self.new_seat());
        Running::begin(self, seat, invoke, platform, reader)
    }

    fn new_seat(&self) -> Seat {
        let mut place = self.runtime().place();
        let slot = self.deadlines.slot(&mut place);
        let overdue = Arc::new(Overdue::default());
        let mut all = lock(&self.overdue);
        // Slots are numbered in the order in which they are made, and two threads may make two at once.
        if all.len() <= slot.number() {
            all.resize_with(slot.number() + 1, Arc::default);
        }
        all[slot.number()] = overdue.clone();
        Seat { place, slot, overdue }
    }

    /// Takes back the place of an invocation that is over, which may serve another.
    pub(super) fn give_back(&self, seat: Seat) {
        lock(&self.free).push(seat);
    }

    pub(super) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// Returns the lines that were logged so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.journal.lines()
    }

    /// Returns the lines that were emitted as they are.
    pub fn emitted(&self) -> Vec<String> {
        self.journal.emitted()
    }

    /// Runs the phase Close and ends the entries. Returns all lines that were logged.
    ///
    /// # Panics
    /// A hook of the phase fails.
    pub fn close(mut self) -> Vec<LogLine> {
        if let Some(runtime) = self.runtime.take() {
            block_on(runtime.signal(&Signal::Stop)).unwrap_or_else(|failure| panic!("{failure}"));
            lock(&self.free).clear();
            if self.has_lost.load(Ordering::SeqCst) {
                // A process would leave here: code that still runs must not lose its instance.
                std::mem::forget(runtime);
            } else {
                block_on(runtime.close());
            }
        }
        self.journal.lines()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("functions", &self.functions).finish_non_exhaustive()
    }
}

/// The actions of a test's app at deadlines.
struct AtDeadlines<'a>(&'a App);

impl Actions for AtDeadlines<'_> {
    fn cancel(&self, canceller: Canceller, reason: u32) {
        canceller.fire(reason);
    }

    fn overdue(&self, slot: usize, lost: Lost<'_>, _closing: bool) {
        let runtime = self.0.runtime();
        let then = "and is still running";
        runtime.functions().out_of_reach(runtime.process(), lost, &Failure::timed_out(), then);
        self.0.has_lost.store(true, Ordering::SeqCst);
        if let Some(overdue) = lock(&self.0.overdue).get(slot) {
            overdue.set();
        }
    }

    fn hung(&self, _: usize, _: Option<Lost<'_>>) {}

    fn stop(&self) {}

    fn leave(&self) {}
}
