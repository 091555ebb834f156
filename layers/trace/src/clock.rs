//! The host's clock, which never steps, in nanoseconds since 1970.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// One distance between both clocks for all spans of the process, so that none begins before the one around it. It is
/// taken anew once it is off by more than a millisecond, as after a freeze or a step of the system's clock.
#[derive(Debug)]
pub(crate) struct Clock(AtomicU64);

/// The difference in nanoseconds from which on the distance is taken anew.
const FAR_OFF: u64 = 1_000_000;

/// Returns the system's time in nanoseconds since 1970.
pub(crate) fn wall_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Clock {
    /// Begins with the present distance of both clocks.
    pub(crate) fn new(now_ns: u64) -> Clock {
        Clock(AtomicU64::new(wall_ns().wrapping_sub(now_ns)))
    }

    /// Looks at both clocks, and returns the nanoseconds to add to a moment of the host's.
    pub(crate) fn look(&self, now_ns: u64) -> u64 {
        self.looked(wall_ns().wrapping_sub(now_ns))
    }

    fn looked(&self, found: u64) -> u64 {
        let known = self.distance();
        if found.wrapping_sub(known).cast_signed().unsigned_abs() <= FAR_OFF {
            return known;
        }
        self.0.store(found, Ordering::Relaxed);
        found
    }

    /// Returns the nanoseconds to add to a moment of the host's, as they were last found.
    pub(crate) fn distance(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_difference_changes_nothing_and_a_step_is_taken_over() {
        let clock = Clock(AtomicU64::new(5_000_000));
        assert_eq!(clock.looked(5_900_000), 5_000_000);
        assert_eq!(clock.looked(4_100_000), 5_000_000);
        assert_eq!(clock.looked(9_000_000), 9_000_000);
        assert_eq!(clock.looked(1_000_000), 1_000_000, "backward, too");
        assert_eq!(clock.distance(), 1_000_000);
    }
}
