//! The host's reaction when a custom handler's process ends by itself.
//!
//! Source: the repository `Azure/azure-functions-host`, `HttpWorkerProcess` and `HttpFunctionInvocationDispatcher`.

use std::time::{Duration, Instant};

/// The time within which errors are counted together.
const WINDOW: Duration = Duration::from_secs(30 * 60);
/// The number of errors with which the host gives up.
const MOST: usize = 3;

/// The host's reaction to an exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing happens: the host takes it for meant, and every later call fails.
    Nothing,
    /// A new process is started.
    Restart,
    /// The host itself ends.
    ShutDown,
}

/// The times of the errors so far.
#[derive(Clone, Debug, Default)]
pub struct Exits(Vec<Instant>);

impl Exits {
    /// Notes that a process has ended with that code, or by a signal (`None`), and returns the reaction.
    pub fn note(&mut self, code: Option<i32>, at: Instant) -> Next {
        match code {
            Some(0) => Next::Nothing,
            Some(200) => Next::Restart,
            _ => {
                if self.0.last().is_some_and(|last| at.duration_since(*last) >= WINDOW) {
                    self.0.clear();
                }
                self.0.push(at);
                if self.0.len() < MOST { Next::Restart } else { Next::ShutDown }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_meant_and_200_is_no_error() {
        let (mut exits, now) = (Exits::default(), Instant::now());
        assert_eq!(exits.note(Some(0), now), Next::Nothing);
        assert!((0..9).all(|_| exits.note(Some(200), now) == Next::Restart));
    }

    #[test]
    fn the_third_error_in_a_row_ends_the_host() {
        let (mut exits, start) = (Exits::default(), Instant::now());
        let after = |minutes: u64| start + Duration::from_secs(60 * minutes);
        assert_eq!(exits.note(Some(1), start), Next::Restart);
        assert_eq!(exits.note(None, after(29)), Next::Restart);
        assert_eq!(exits.note(Some(1), after(60)), Next::Restart, "half an hour went well");
        assert_eq!(exits.note(Some(1), after(61)), Next::Restart);
        assert_eq!(exits.note(Some(137), after(62)), Next::ShutDown);
    }
}
