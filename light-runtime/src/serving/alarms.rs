//! Moments to come: connections whose patience ends, the listener's next try, the end of the lame-duck time.
//!
//! One clock for all, set to the earliest. A connection is entered once and looked at when the clock goes off: that its
//! moment has moved meanwhile, as it does with every part of a body, costs nothing.

use super::connection::NEVER;
use crate::sys::Alarm;
use faas_core::unit::Unit;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Alarms {
    unit: Arc<Unit>,
    clock: Alarm,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What the clock is set for.
    set_for: u64,
    /// Numbers of connections to be looked at.
    watched: Vec<u64>,
}

impl Alarms {
    /// None yet.
    ///
    /// # Errors
    /// If there are no descriptors left.
    pub(super) fn new(unit: Arc<Unit>) -> std::io::Result<Alarms> {
        let state = State { set_for: NEVER, watched: Vec::new() };
        Ok(Alarms { unit, clock: Alarm::new()?, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The clock's descriptor.
    pub(super) fn clock(&self) -> &Alarm {
        &self.clock
    }

    /// The moment that comes after that time.
    pub(super) fn after(&self, time: Duration) -> u64 {
        self.unit.now_ns().saturating_add(u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1))
    }

    /// Goes off at that moment at the latest.
    pub(super) fn at(&self, moment: u64) {
        self.set(&mut self.state(), moment);
    }

    fn set(&self, state: &mut State, moment: u64) {
        if moment < state.set_for {
            state.set_for = moment;
            self.clock.set(Duration::from_nanos(moment.saturating_sub(self.unit.now_ns())));
        }
    }

    /// Goes off now.
    pub(super) fn ring(&self) {
        self.at(0);
    }

    /// Looks after a connection from now on; its moment is that one or a later one.
    pub(super) fn watch(&self, token: u64, moment: u64) {
        let mut state = self.state();
        state.watched.push(token);
        self.set(&mut state, moment);
    }

    /// It went off: `look` is told of each connection and says its next moment, or none to be rid of it.
    pub(super) fn went_off(&self, mut look: impl FnMut(u64) -> Option<u64>) {
        self.clock.clear();
        let mut watched = {
            let mut state = self.state();
            state.set_for = NEVER;
            std::mem::take(&mut state.watched)
        };
        let mut earliest = NEVER;
        watched.retain(|token| {
            let next = look(*token);
            earliest = earliest.min(next.unwrap_or(NEVER));
            next.is_some()
        });
        let mut state = self.state();
        state.watched.append(&mut watched);
        self.set(&mut state, earliest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys;
    use faas_core::log::{Format, Level, LineKind, Log, Sink};
    use faas_core::unit::Identity;

    struct Silent;

    impl Sink for Silent {
        fn write(&self, _: &[u8], _: LineKind) {}
    }

    fn alarms() -> Alarms {
        let log = Log::new(Level::Error, Format::Text, Arc::new(Silent));
        Alarms::new(Arc::new(Unit::new(Identity::default(), log))).unwrap()
    }

    fn wait(alarms: &Alarms) {
        let epoll = sys::Epoll::new().unwrap();
        epoll.add(alarms.clock(), 7).unwrap();
        let mut events = sys::Events::new();
        assert_eq!(epoll.wait(&mut events, 1).unwrap().next().unwrap().token, 7);
    }

    #[test]
    fn the_earliest_moment_counts_and_later_ones_are_kept() {
        let alarms = alarms();
        let late = alarms.after(Duration::from_secs(3600));
        alarms.watch(1, late);
        alarms.watch(2, alarms.after(Duration::from_millis(5)));
        wait(&alarms);
        let mut seen = Vec::new();
        alarms.went_off(|token| {
            seen.push(token);
            (token == 1).then_some(late)
        });
        assert_eq!(seen, [1, 2]);
        assert!(!sys::is_readable_now(alarms.clock()), "an hour is not over");
        assert_eq!(alarms.state().set_for, late);
        alarms.ring();
        wait(&alarms);
        let mut seen = Vec::new();
        alarms.went_off(|token| {
            seen.push(token);
            None
        });
        assert_eq!(seen, [1]);
        assert_eq!(alarms.state().set_for, NEVER);
    }
}
