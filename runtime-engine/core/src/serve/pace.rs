//! The pace that a client has to keep: the limit of a body that comes in, and of a response that goes out.

use super::admission::NEVER;
use std::time::Duration;

/// The bytes for which a client has one second more beyond its time limit, while it sends or takes them.
const LEAST_RATE: u64 = 1 << 10;

/// A limit that moves with what a client does: a time between any two parts, and a least rate over all of them.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    began: u64,
    bytes: u64,
    limit: u64,
}

impl Pace {
    /// Makes a pace that begins at `now`, in nanoseconds; `limit` is the time between any two parts.
    pub fn new(now: u64, limit: Duration) -> Pace {
        Pace { began: now, bytes: 0, limit: nanos(limit) }
    }

    /// Notes that more has come at `now`. Returns the moment until which the next part may come.
    pub fn advance(&mut self, now: u64, bytes: usize) -> u64 {
        self.bytes += bytes as u64;
        let earned = self.bytes.saturating_mul(1_000_000_000 / LEAST_RATE);
        let whole = self.began.saturating_add(self.limit).saturating_add(earned);
        now.saturating_add(self.limit).min(whole)
    }
}

/// Returns the nanoseconds of a time, and never [`NEVER`].
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn each_part_has_its_time_and_what_trickles_runs_out_of_it() {
        let mut fast = Pace::new(0, Duration::from_secs(5));
        assert_eq!(fast.advance(0, 0), 5 * SECOND);
        assert_eq!(fast.advance(4 * SECOND, 64 << 10), 9 * SECOND, "a part in time has earned another");
        let mut slow = Pace::new(0, Duration::from_secs(5));
        assert!(slow.advance(4 * SECOND, 1) < 6 * SECOND, "one byte has not");
        let until = slow.advance(5 * SECOND, 1023);
        assert!(until.abs_diff(6 * SECOND) < SECOND / 1000, "a kibibyte earns a second: {until}");
    }
}
