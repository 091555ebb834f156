//! The invocations that get a line: all, a share, or those that were slow. Failures always do.

use handlers_sdk::{Config, Error, Share};

/// The choice, as it is configured.
#[derive(Debug)]
pub(crate) struct Choice {
    /// The share of lines for invocations that went well.
    share: Share,
    /// The fewest microseconds of an invocation that gets a line.
    slow_us: u64,
}

impl Choice {
    /// Reads `FAAS_MONITOR_SAMPLE` and `FAAS_MONITOR_SLOW_MS`.
    pub(crate) fn read(config: &Config) -> Result<Choice, Error> {
        let wrong = |variable: &str, expected: &str, found: &str| {
            Error::new("Monitor.Config", format!("{variable}: expected {expected}, found {found:?}"))
        };
        let text = |name| config.env(name).filter(|value| !value.is_empty());
        let share = text("FAAS_MONITOR_SAMPLE").map_or(Ok(Share::default()), |found| {
            let share = found.parse().ok().and_then(Share::new);
            share.ok_or_else(|| wrong("FAAS_MONITOR_SAMPLE", "a share from 0 to 1", found))
        })?;
        let slow_ms: u64 = text("FAAS_MONITOR_SLOW_MS").map_or(Ok(0), |found| {
            found.parse().map_err(|_| wrong("FAAS_MONITOR_SLOW_MS", "milliseconds, like 250", found))
        })?;
        Ok(Choice { share, slow_us: slow_ms.saturating_mul(1000) })
    }

    /// Returns `true` if an invocation that went well and took that long gets a line.
    pub(crate) fn takes(&self, took_us: u64) -> bool {
        took_us >= self.slow_us && self.share.takes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(share: f64, slow_us: u64) -> Choice {
        Choice { share: Share::new(share).expect("a share"), slow_us }
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
