//! Keeps callers away from a function that fails again and again, so that the others of its process are not held up by
//! it. Panics, time-outs and failed starts count; an error that a function returns is an answer like any other.
//!
//! The fence has no clock: moments are nanoseconds on the process'.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// The rule by which a fence goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FenceRule {
    /// The fence goes up after this many failures in a row.
    pub failures: u32,
    /// It is up for this time; then one invocation is let through to see whether the function is well again.
    pub pause: Duration,
}

impl Default for FenceRule {
    fn default() -> FenceRule {
        FenceRule { failures: 5, pause: Duration::from_secs(10) }
    }
}

/// The change that an ended invocation has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The fence is as it was.
    None,
    /// The fence is up from now on: the function has failed this many times in a row.
    Up(u32),
    /// The fence is down again.
    Down,
}

/// The fence of one function.
#[derive(Debug)]
pub(crate) struct Fence {
    /// The rule of the fence; `None` if the function is never fenced.
    rule: Option<FenceRule>,
    in_a_row: AtomicU32,
    /// The moment when the next invocation is let through; 0 while the fence is down.
    up_until: AtomicU64,
}

impl Fence {
    /// Makes a fence that is down.
    pub(crate) fn new(rule: Option<FenceRule>) -> Fence {
        Fence { rule, in_a_row: AtomicU32::new(0), up_until: AtomicU64::new(0) }
    }

    /// Returns `true` while everybody is let through.
    pub(crate) fn is_down(&self) -> bool {
        self.up_until.load(Ordering::Acquire) == 0
    }

    /// Returns `true` if an invocation that ends well changes nothing.
    pub(crate) fn is_calm(&self) -> bool {
        self.is_down() && self.in_a_row.load(Ordering::Relaxed) == 0
    }

    /// Lets an invocation through, or says how many nanoseconds from now the next one is let through.
    ///
    /// One invocation is let through when the pause is over. Until it has ended well, or another pause has passed, no
    /// other follows.
    pub(crate) fn pass(&self, now: u64) -> Result<(), u64> {
        let until = self.up_until.load(Ordering::Acquire);
        if until == 0 {
            return Ok(());
        }
        if now < until {
            return Err(until - now);
        }
        let again = now.saturating_add(self.pause_ns());
        match self.up_until.compare_exchange(until, again, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) | Err(0) => Ok(()),
            Err(until) => Err(until.saturating_sub(now)),
        }
    }

    /// Counts the end of an invocation. `failed` is `true` if it ended by a panic or a time-out.
    pub(crate) fn ended(&self, failed: bool, now: u64) -> Change {
        let Some(rule) = self.rule else { return Change::None };
        if !failed {
            self.in_a_row.store(0, Ordering::Relaxed);
            return if self.up_until.swap(0, Ordering::AcqRel) == 0 { Change::None } else { Change::Down };
        }
        let in_a_row = self.in_a_row.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if in_a_row < rule.failures { Change::None } else { self.raise(in_a_row, now) }
    }

    /// Puts the fence up, regardless of the count: a function that could not be started has failed for good.
    pub(crate) fn start_failed(&self, now: u64) -> Change {
        let Some(rule) = self.rule else { return Change::None };
        self.in_a_row.store(rule.failures, Ordering::Relaxed);
        self.raise(rule.failures, now)
    }

    fn raise(&self, in_a_row: u32, now: u64) -> Change {
        let until = now.saturating_add(self.pause_ns());
        if self.up_until.swap(until, Ordering::AcqRel) == 0 { Change::Up(in_a_row) } else { Change::None }
    }

    fn pause_ns(&self) -> u64 {
        let pause = self.rule.map_or(Duration::ZERO, |rule| rule.pause);
        u64::try_from(pause.as_nanos()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fence() -> Fence {
        Fence::new(Some(FenceRule { failures: 3, pause: Duration::from_nanos(100) }))
    }

    #[test]
    fn it_goes_up_after_failures_in_a_row_and_a_success_between_them_starts_the_count_again() {
        let fence = fence();
        let ends = [true, true, false, true, true, true].map(|failed| fence.ended(failed, 10));
        let none = Change::None;
        assert_eq!(ends, [none, none, none, none, none, Change::Up(3)]);
        assert_eq!(fence.pass(10), Err(100));
        assert_eq!(fence.pass(109), Err(1));
    }

    #[test]
    fn one_invocation_at_a_time_tries_whether_the_function_is_well_again() {
        let fence = fence();
        for _ in 0..3 {
            fence.ended(true, 0);
        }
        assert_eq!((fence.pass(100), fence.pass(100)), (Ok(()), Err(100)), "one is let through");
        assert_eq!(fence.ended(true, 150), Change::None, "it is up already");
        assert_eq!((fence.pass(249), fence.pass(250)), (Err(1), Ok(())), "and for another pause");
        assert_eq!((fence.ended(false, 260), fence.pass(260), fence.pass(260)), (Change::Down, Ok(()), Ok(())));
        assert_eq!(fence.ended(true, 270), Change::None, "the count has begun anew");
    }

    #[test]
    fn a_trial_that_never_ends_is_followed_by_another() {
        let fence = fence();
        assert_eq!(fence.start_failed(0), Change::Up(3));
        assert_eq!((fence.pass(100), fence.pass(199), fence.pass(200)), (Ok(()), Err(1), Ok(())));
    }

    #[test]
    fn without_a_rule_nobody_is_kept_away() {
        let fence = Fence::new(None);
        assert!((0..100).all(|_| fence.ended(true, 0) == Change::None && fence.pass(0).is_ok()));
        assert_eq!((fence.start_failed(0), fence.pass(0)), (Change::None, Ok(())));
    }
}
