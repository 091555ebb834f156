//! The state of one slot's invocation, and the moments when it has to change: state, serial number and two moments.
//!
//! The state and the serial number are one word and are exchanged as one: a thread that looks a moment too late holds
//! the word of an earlier invocation, and its exchange fails. The moments are written before the word that they belong
//! to, so that a thread that has read a word reads its moments or later ones. Checked with loom
//! (`tests/loom_flight.rs`).

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

/// The moment that never comes, in nanoseconds on the process' clock.
pub const NEVER: u64 = u64::MAX;

/// The time after its report that an invocation may still run before its thread counts as lost, in nanoseconds.
pub const HUNG_AFTER_NS: u64 = 1_000_000_000;

/// The state of an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum FlightState {
    /// The slot has no invocation.
    Idle = 0,
    /// The slot's invocation is running.
    Running = 1,
    /// It runs, and its module has been told to end.
    Cancelled = 2,
    /// It runs, and another thread has answered for it.
    Abandoned = 3,
    /// It has been answered, and its work for after the reply runs.
    Replied = 4,
    /// It has been answered, and its module has been told to end.
    RepliedCancelled = 5,
    /// It still runs a grace after it should have ended: its thread counts as lost.
    Hung = 6,
}

const STATES: [FlightState; 7] = [
    FlightState::Idle,
    FlightState::Running,
    FlightState::Cancelled,
    FlightState::Abandoned,
    FlightState::Replied,
    FlightState::RepliedCancelled,
    FlightState::Hung,
];

fn word(serial: u32, state: FlightState) -> u64 {
    u64::from(serial) << 32 | state as u64
}

fn state_of(word: u64) -> FlightState {
    STATES.get((word & 7) as usize).copied().unwrap_or(FlightState::Idle)
}

fn serial_of(word: u64) -> u32 {
    (word >> 32) as u32
}

/// The moments that a stop sets for every invocation, in nanoseconds on the process' clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopMoments {
    /// The moment when modules are told to end.
    pub cancel_at: u64,
    /// The moment when an invocation that still runs is answered for.
    pub report_at: u64,
}

impl StopMoments {
    /// The moments of a process in which no stop has begun.
    pub const NONE: StopMoments = StopMoments { cancel_at: NEVER, report_at: NEVER };
}

/// An action that has come due; each is told once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// There is nothing to do before this moment, which may be [`NEVER`].
    At(u64),
    /// The module of the invocation with this serial is to be told to end.
    Cancel {
        /// The serial of the invocation in its slot.
        serial: u32,
        /// `true` if a stop asks for it, `false` if the invocation's own deadline does.
        closing: bool,
    },
    /// The invocation is to be answered for: its worker no longer may.
    Report {
        /// `true` if a stop asks for it, as for [`Due::Cancel`].
        closing: bool,
    },
    /// Its thread counts as lost.
    Hung {
        /// `true` if it is lost to work after its reply, of which nobody has heard yet; `false` if it was answered for.
        replied: bool,
    },
}

/// FlightState, serial number and moments of a slot.
#[derive(Debug)]
pub struct StateWord {
    word: AtomicU64,
    cancel_at: AtomicU64,
    report_at: AtomicU64,
}

impl Default for StateWord {
    fn default() -> StateWord {
        StateWord { word: AtomicU64::new(0), cancel_at: AtomicU64::new(NEVER), report_at: AtomicU64::new(NEVER) }
    }
}

impl StateWord {
    /// Puts the invocation of that serial into this state. After the reply, `report_at` is the moment at which its
    /// thread counts as lost.
    pub fn set(&self, serial: u32, state: FlightState, cancel_at: u64, report_at: u64) {
        self.cancel_at.store(cancel_at, Ordering::Relaxed);
        self.report_at.store(report_at, Ordering::Relaxed);
        // In one order with the moment at which the looking thread will wake: of two writers, one sees the other.
        self.put(word(serial, state));
    }

    /// Stores a word that others change by exchange.
    ///
    /// Loom lets an exchange succeed on a value that a store has replaced, which no machine does: there it is a swap.
    fn put(&self, word: u64) {
        #[cfg(not(loom))]
        self.word.store(word, Ordering::SeqCst);
        #[cfg(loom)]
        self.word.swap(word, Ordering::SeqCst);
    }

    /// Brings the moments forward, never back.
    pub fn tighten(&self, cancel_at: u64, report_at: u64) {
        self.cancel_at.fetch_min(cancel_at, Ordering::Relaxed);
        self.report_at.fetch_min(report_at, Ordering::SeqCst);
    }

    /// Notes that nothing runs any more; returns the state of the invocation that ran.
    pub fn end(&self) -> FlightState {
        state_of(self.word.swap(word(0, FlightState::Idle), Ordering::SeqCst))
    }

    /// Returns the state and the serial.
    pub fn load(&self) -> (FlightState, u32) {
        let word = self.word.load(Ordering::SeqCst);
        (state_of(word), serial_of(word))
    }

    /// Looks at it at the moment `now` and takes at most one step. It has to be called until it says [`Due::At`].
    pub fn look(&self, now: u64, stop: StopMoments) -> Due {
        loop {
            let seen = self.word.load(Ordering::SeqCst);
            let (cancel_at, report_at) =
                (self.cancel_at.load(Ordering::Relaxed), self.report_at.load(Ordering::Relaxed));
            let serial = serial_of(seen);
            let reported_at = report_at.min(stop.report_at);
            let (at, next) = match state_of(seen) {
                FlightState::Idle | FlightState::Hung => return Due::At(NEVER),
                FlightState::Running => (cancel_at.min(stop.cancel_at), FlightState::Cancelled),
                FlightState::Cancelled => (reported_at, FlightState::Abandoned),
                FlightState::Abandoned => (reported_at.saturating_add(HUNG_AFTER_NS), FlightState::Hung),
                FlightState::Replied => (cancel_at.min(stop.cancel_at), FlightState::RepliedCancelled),
                FlightState::RepliedCancelled => (reported_at, FlightState::Hung),
            };
            if now < at {
                return Due::At(at);
            }
            if self.word.compare_exchange(seen, word(serial, next), Ordering::SeqCst, Ordering::SeqCst).is_err() {
                continue;
            }
            return match next {
                FlightState::Cancelled | FlightState::RepliedCancelled => {
                    Due::Cancel { serial, closing: now < cancel_at }
                }
                FlightState::Abandoned => Due::Report { closing: now < report_at },
                _ => Due::Hung { replied: state_of(seen) == FlightState::RepliedCancelled },
            };
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_cancelled_reported_and_lost_in_this_order_and_each_once() {
        let slot = StateWord::default();
        slot.set(7, FlightState::Running, 100, 200);
        assert_eq!(slot.look(99, StopMoments::NONE), Due::At(100));
        assert_eq!(slot.look(100, StopMoments::NONE), Due::Cancel { serial: 7, closing: false });
        assert_eq!(slot.look(100, StopMoments::NONE), Due::At(200));
        assert_eq!(slot.look(200, StopMoments::NONE), Due::Report { closing: false });
        assert_eq!(slot.look(200, StopMoments::NONE), Due::At(200 + HUNG_AFTER_NS));
        assert_eq!(slot.look(200 + HUNG_AFTER_NS, StopMoments::NONE), Due::Hung { replied: false });
        assert_eq!(slot.look(NEVER - 1, StopMoments::NONE), Due::At(NEVER));
        assert_eq!(slot.end(), FlightState::Hung);
    }

    #[test]
    fn one_that_ends_in_time_is_never_reported() {
        let slot = StateWord::default();
        slot.set(1, FlightState::Running, 100, 200);
        assert_eq!(slot.end(), FlightState::Running);
        assert_eq!(slot.look(1_000, StopMoments::NONE), Due::At(NEVER), "old moments of an idle slot mean nothing");
    }

    #[test]
    fn a_stop_sets_moments_also_for_one_without_a_deadline() {
        let slot = StateWord::default();
        slot.set(3, FlightState::Running, NEVER, NEVER);
        let stop = StopMoments { cancel_at: 50, report_at: 60 };
        assert_eq!(slot.look(50, stop), Due::Cancel { serial: 3, closing: true });
        assert_eq!(slot.look(60, stop), Due::Report { closing: true });
    }

    #[test]
    fn a_deadline_can_be_brought_forward_and_not_put_off() {
        let slot = StateWord::default();
        slot.set(1, FlightState::Running, 100, 200);
        slot.tighten(150, 250);
        assert_eq!(slot.look(99, StopMoments::NONE), Due::At(100));
        slot.tighten(10, 20);
        assert_eq!(slot.look(10, StopMoments::NONE), Due::Cancel { serial: 1, closing: false });
        assert_eq!(slot.look(20, StopMoments::NONE), Due::Report { closing: false });
    }

    #[test]
    fn work_after_the_reply_is_cancelled_and_then_lost_but_never_reported() {
        let slot = StateWord::default();
        slot.set(9, FlightState::Replied, 10, 20);
        assert_eq!(slot.look(10, StopMoments::NONE), Due::Cancel { serial: 9, closing: false });
        assert_eq!(slot.look(20, StopMoments::NONE), Due::Hung { replied: true });
    }
}
