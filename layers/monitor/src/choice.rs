//! Which invocations get a line: all, a share, or those that were slow. Failures always do.

use handlers_sdk::{Config, Error};
use std::sync::atomic::{AtomicU64, Ordering};

/// The choice.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The share of lines for what went well, 0 to 1.
    share: f64,
    /// A shorter one gets no line.
    slow_us: u64,
    seen: AtomicU64,
}

impl Choice {
    /// Reads `FAAS_MONITOR_SAMPLE` and `FAAS_MONITOR_SLOW_MS`.
    pub(crate) fn read(config: &Config) -> Result<Choice, Error> {
        let wrong = |variable: &str, expected: &str, found: &str| {
            Error::new("Monitor.Config", format!("{variable}: expected {expected}, found {found:?}"))
        };
        let text = |name| config.env(name).filter(|value| !value.is_empty());
        let share = text("FAAS_MONITOR_SAMPLE").map_or(Ok(1.0), |found| {
            let share = found.parse().ok().filter(|share| (0.0..=1.0).contains(share));
            share.ok_or_else(|| wrong("FAAS_MONITOR_SAMPLE", "a share from 0 to 1", found))
        })?;
        let slow_ms: u64 = text("FAAS_MONITOR_SLOW_MS").map_or(Ok(0), |found| {
            found.parse().map_err(|_| wrong("FAAS_MONITOR_SLOW_MS", "milliseconds, like 250", found))
        })?;
        Ok(Choice { share, slow_us: slow_ms.saturating_mul(1000), seen: AtomicU64::new(0) })
    }

    /// `true` if an invocation that went well and took that long gets a line. Of a share of one fourth, each fourth does.
    #[allow(clippy::cast_precision_loss, reason = "beyond 2^53 invocations the share is not exact any more")]
    pub(crate) fn takes(&self, took_us: u64) -> bool {
        if took_us < self.slow_us {
            return false;
        }
        if self.share >= 1.0 {
            return true;
        }
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) as f64;
        ((seen + 1.0) * self.share).floor() > (seen * self.share).floor()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(share: f64, slow_us: u64) -> Choice {
        Choice { share, slow_us, seen: AtomicU64::new(0) }
    }

    #[test]
    fn of_a_share_so_many_are_taken() {
        for (share, expected) in [(0.0, 0), (0.25, 25), (0.3, 30), (1.0, 100)] {
            let choice = choice(share, 0);
            assert_eq!((0..100).filter(|_| choice.takes(1)).count(), expected, "{share}");
        }
    }

    #[test]
    fn of_slow_ones_alone_the_share_is_taken() {
        let choice = choice(0.5, 1000);
        let taken: Vec<bool> = [999, 1000, 10, 5000, 1000, 2000].into_iter().map(|us| choice.takes(us)).collect();
        assert_eq!(taken, [false, false, false, true, false, true]);
    }
}
