//! Moments to come: connections whose time ends, the listener's next try, the steps of a stop. All share one clock,
//! which is set to the earliest.

use crate::sys::Alarm;
use faas_core::process::Process;
use faas_core::serve::{NEVER, Timers as Heap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The moments and the clock.
#[derive(Debug)]
pub(super) struct Timers {
    process: Arc<Process>,
    clock: Alarm,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The moment that the clock is set for.
    set_for: u64,
    heap: Heap,
}

impl Timers {
    /// Makes the timers without moments.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(super) fn new(process: Arc<Process>) -> std::io::Result<Timers> {
        let state = State { set_for: NEVER, heap: Heap::default() };
        Ok(Timers { process, clock: Alarm::new()?, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the descriptor of the clock.
    pub(super) fn clock(&self) -> &Alarm {
        &self.clock
    }

    /// Returns the moment that comes after that time.
    pub(super) fn after(&self, time: Duration) -> u64 {
        self.process.now_ns().saturating_add(u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1))
    }

    /// Has the clock go off at that moment at the latest.
    pub(super) fn at(&self, moment: u64) {
        self.set(&mut self.state(), moment);
    }

    fn set(&self, state: &mut State, moment: u64) {
        if moment < state.set_for {
            state.set_for = moment;
            self.clock.set(Duration::from_nanos(moment.saturating_sub(self.process.now_ns())));
        }
    }

    /// Has the clock go off now.
    pub(super) fn ring(&self) {
        self.at(0);
    }

    /// Enters a number, which [`went_off`](Timers::went_off) returns at that moment.
    pub(super) fn enter(&self, moment: u64, number: u64) {
        let mut state = self.state();
        state.heap.add(moment, number);
        self.set(&mut state, moment);
    }

    /// Returns the numbers whose moment has come, after the clock went off, and sets it for the next.
    pub(super) fn went_off(&self) -> Vec<u64> {
        self.clock.clear();
        let now = self.process.now_ns();
        let mut state = self.state();
        state.set_for = NEVER;
        let due = std::iter::from_fn(|| state.heap.due(now)).collect();
        let next = state.heap.earliest();
        self.set(&mut state, next);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::silent;
    use crate::sys;
    use faas_core::process::Identity;

    #[test]
    fn only_what_is_due_is_told_of_and_the_clock_is_set_for_the_next() {
        let timers = Timers::new(Arc::new(Process::new(Identity::default(), silent()))).unwrap();
        let late = timers.after(Duration::from_secs(3600));
        timers.enter(late, 1);
        timers.enter(timers.after(Duration::from_millis(5)), 2);
        assert!(sys::wait_readable(timers.clock(), Duration::from_secs(60)));
        assert_eq!(timers.went_off(), [2]);
        assert!(!sys::is_readable_now(timers.clock()), "an hour is not over");
        assert_eq!(timers.state().set_for, late);
        timers.ring();
        assert!(sys::wait_readable(timers.clock(), Duration::from_secs(60)));
        assert_eq!(timers.went_off(), []);
        assert_eq!(timers.state().set_for, late);
    }
}
