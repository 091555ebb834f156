//! One place for running invocations, one after the other, as other threads see it.

use super::word::{Due, FlightState, StateWord, StopMoments};
use crate::chain::Place;
use crate::invocation::Invocation;
use faas_abi::host::Cancel;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One place for running invocations.
pub struct Slot {
    number: usize,
    state: StateWord,
    request_id: Mutex<Vec<u8>>,
    /// The number of the function that serves the invocation.
    function: AtomicUsize,
    cancel: Cancel<Invocation>,
    /// The number of slots of the process that are hung.
    hung: Arc<AtomicUsize>,
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("number", &self.number).field("state", &self.state).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    pub(super) fn new(number: usize, cancel: Cancel<Invocation>, hung: Arc<AtomicUsize>) -> Slot {
        Slot {
            number,
            state: StateWord::default(),
            request_id: Mutex::new(Vec::new()),
            function: AtomicUsize::new(0),
            cancel,
            hung,
        }
    }

    /// Returns its number among the slots of the process, counted from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Returns the request id of the invocation that runs, or ran last, with a deadline.
    pub(super) fn request_id(&self) -> Vec<u8> {
        lock(&self.request_id).clone()
    }

    /// Notes the number of the function that serves the invocation which runs.
    pub(super) fn serves(&self, function: usize) {
        self.function.store(function, Ordering::Relaxed);
    }

    /// Returns the number of the function that serves the invocation which runs, or ran last.
    pub fn function(&self) -> usize {
        self.function.load(Ordering::Relaxed)
    }

    /// Returns `true` while an invocation runs that nobody has answered for.
    pub fn is_running(&self) -> bool {
        matches!(self.state.load().0, FlightState::Running | FlightState::Cancelled)
    }

    /// Notes that the invocation in `place` runs from now on, with these moments.
    pub(super) fn begin(&self, place: &Place, cancel_at: u64, report_at: u64) {
        let mut id = lock(&self.request_id);
        id.clear();
        id.extend_from_slice(place.get().request_id());
        drop(id);
        self.state.set(place.serial(), FlightState::Running, cancel_at, report_at);
    }

    /// Notes that the invocation's work for after the reply runs from now on, with these moments.
    pub(super) fn begin_replied(&self, place: &Place, cancel_at: u64, hung_at: u64) {
        self.state.set(place.serial(), FlightState::Replied, cancel_at, hung_at);
    }

    pub(super) fn tighten(&self, cancel_at: u64, report_at: u64) {
        self.state.tighten(cancel_at, report_at);
    }

    pub(super) fn look(&self, now: u64, stop: StopMoments) -> Due {
        let due = self.state.look(now, stop);
        if matches!(due, Due::Hung { .. }) {
            self.hung.fetch_add(1, Ordering::SeqCst);
        }
        due
    }

    /// Ends the walk of the invocation. Returns `true` if the answer is its worker's to give. Otherwise somebody else
    /// has answered, and the worker has only its thread and memory to give back.
    pub(super) fn claim(&self) -> bool {
        !matches!(self.end(), FlightState::Abandoned | FlightState::Hung)
    }

    /// Ends the work after the reply.
    pub fn end_replied(&self) {
        self.end();
    }

    fn end(&self) -> FlightState {
        let before = self.state.end();
        if before == FlightState::Hung {
            self.hung.fetch_sub(1, Ordering::SeqCst);
        }
        before
    }

    /// Returns the canceller by which the module of the running invocation is told to end; `None` if no invocation
    /// runs, or if it has been told.
    pub fn canceller(&self) -> Option<Canceller> {
        let (state, serial) = self.state.load();
        (state == FlightState::Running).then(|| self.canceller_of(serial))
    }

    pub(super) fn canceller_of(&self, serial: u32) -> Canceller {
        Canceller { cancel: self.cancel.clone(), serial }
    }
}

/// Tells a module to end one certain invocation. It runs the module's own code, which may take its time: not on a
/// thread that others wait for.
#[derive(Clone, Debug)]
pub struct Canceller {
    cancel: Cancel<Invocation>,
    serial: u32,
}

impl Canceller {
    /// Tells it, unless that invocation is over. `reason` is a `FAAS_CANCEL_*`.
    pub fn fire(&self, reason: u32) {
        self.cancel.fire_for(self.serial, reason);
    }
}
