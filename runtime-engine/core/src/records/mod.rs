//! Functions that are called for one record of a batch at a time: `FAAS_IS_PER_RECORD`.
//!
//! | file | holds |
//! |---|---|
//! | `lanes` | which records keep which order |
//! | `fan_out` | runs the records, several at once, each as an invocation of its own |
//! | `report` | what a batch comes to of which records failed, in the form of its platform |
//!
//! Which records an event has is `trigger::batch`'s to know, and what a record shows of itself
//! [`Invocation`](crate::invocation::Invocation)'s.

mod fan_out;
mod lanes;
mod report;

pub(crate) use fan_out::run;
pub(crate) use report::conclude;

use crate::settings::{RecordFailures, RecordSettings};
use faas_abi::{F_MAY_BLOCK, IS_BLOCKING, IS_INLINE, IS_PER_RECORD};

/// The number of records of a batch that run at once if it is not set and the function waits without a thread.
const AT_ONCE: usize = 16;

/// The rule by which one function is called for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RecordRule {
    /// The number of records of a batch that run at once, at least 1.
    pub(crate) concurrency: usize,
    /// `true` if a record that runs beside others needs a thread of its own.
    pub(crate) on_threads: bool,
    /// The outcome of a batch of which some records failed.
    pub(crate) failures: RecordFailures,
}

impl RecordRule {
    /// Makes the rule for a function with these flags. `invocations` is the number of its invocations that may run at
    /// once, if it is set.
    pub(crate) fn of(flags: u32, settings: RecordSettings, invocations: Option<usize>) -> RecordRule {
        let waits = flags & IS_INLINE != 0 && flags & IS_BLOCKING == 0;
        let unsaid = if waits { AT_ONCE.min(invocations.unwrap_or(AT_ONCE)) } else { 1 };
        RecordRule {
            concurrency: settings.concurrency.unwrap_or(unsaid).max(1),
            on_threads: !waits,
            failures: settings.failures,
        }
    }

    /// Returns those of the host's features that it offers to a function with these flags: if several records wait on
    /// one thread, no record may block it.
    pub(crate) fn features(self, flags: u32, features: u64) -> u64 {
        let shares_thread = flags & IS_PER_RECORD != 0 && self.concurrency > 1 && !self.on_threads;
        if shares_thread { features & !F_MAY_BLOCK } else { features }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_runs_several_records_at_once_and_what_blocks_one() {
        let concurrency = |flags, configured, invocations| {
            let settings = RecordSettings { concurrency: configured, ..RecordSettings::default() };
            RecordRule::of(flags, settings, invocations).concurrency
        };
        assert_eq!(concurrency(IS_INLINE, None, None), 16);
        assert_eq!(concurrency(IS_INLINE, None, Some(4)), 4, "no more than it may have invocations");
        assert_eq!(concurrency(IS_INLINE, None, Some(1000)), 16);
        assert_eq!(concurrency(0, None, None), 1);
        assert_eq!(concurrency(IS_BLOCKING | IS_INLINE, None, None), 1);
        for flags in [0, IS_INLINE, IS_BLOCKING] {
            assert_eq!(concurrency(flags, Some(3), Some(1)), 3, "what is said counts");
        }
    }

    #[test]
    fn only_a_function_whose_records_share_a_thread_may_not_block_it() {
        let offers = |flags, concurrency| {
            let settings = RecordSettings { concurrency: Some(concurrency), ..RecordSettings::default() };
            RecordRule::of(flags, settings, None).features(flags, F_MAY_BLOCK) != 0
        };
        assert!(!offers(IS_PER_RECORD | IS_INLINE, 2));
        assert!(offers(IS_PER_RECORD | IS_INLINE, 1));
        assert!(offers(IS_PER_RECORD, 2), "each of its records has a thread");
        assert!(offers(IS_INLINE, 2), "it is called for whole batches");
    }
}
