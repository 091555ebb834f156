//! What the watchdog's thread does when a moment has come. How an invocation is answered whose function does not end is
//! the direction's own ([`Overdue`]); whether the process goes on is decided here.

use crate::start::FAILED;
use crate::stop::{Phase, Stop};
use crate::traces;
use faas_core::failure::Failure;
use faas_core::log::{Level, Origin};
use faas_core::unit::Unit;
use faas_core::watchdog::Actions;
use std::sync::Arc;

/// Answers for a function that does not end.
pub(crate) trait Overdue: Send + Sync {
    /// Tells the platform, or whoever will. The invocation's memory is out of reach.
    fn answer(&self, slot: usize, request_id: &[u8], failure: &Failure) -> Then;
    /// A stop begins.
    fn stopping(&self) {}
}

/// What comes after an answer for a function that does not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// Nothing else is in flight, and nothing else can be: the process leaves.
    Leave,
    /// Others are in flight: no new work, they end within the grace, then the process leaves.
    Drain,
    /// Enough threads are left.
    GoOn,
}

/// The watchdog's hands.
pub(crate) struct Hands<O> {
    pub(crate) unit: Arc<Unit>,
    pub(crate) stop: Arc<Stop>,
    pub(crate) overdue: O,
}

/// What whoever waits for an invocation over its deadline is told.
pub(crate) fn timed_out() -> Failure {
    Failure::new("Function.TimedOut", "the function did not answer within its time limit")
}

impl<O: Overdue> Actions for Hands<O> {
    fn timed_out(&self, slot: usize, request_id: &[u8]) {
        let failure = timed_out();
        let then = self.overdue.answer(slot, request_id, &failure);
        let what = match then {
            Then::Leave => "and is still running: leaving",
            Then::Drain => "and is still running: leaving once the others have ended",
            Then::GoOn => "and is still running",
        };
        let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
        let message = format!("{} {what}", failure.message);
        self.unit.log.write(Level::Error, origin, message.as_bytes(), std::iter::empty());
        match then {
            Then::Leave => traces::leave(FAILED),
            Then::Drain => self.stop.give_up(FAILED),
            Then::GoOn => {}
        }
    }

    fn stop(&self) {
        self.overdue.stopping();
        self.stop.advance(Phase::Leaving);
    }

    fn leave(&self) {
        if self.stop.watchdog().is_busy() {
            self.unit
                .log
                .say(Level::Error, "leaving with invocations unanswered: the grace is over, or a second signal came");
        }
        traces::leave(FAILED);
    }
}
