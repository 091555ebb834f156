//! The outcome of a bounded wait that was not met. There is no waiting code here: every wait in this crate is a
//! condition variable beside the state it watches.

use std::fmt;
use std::time::Duration;

/// A wait reached its limit before its condition held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    /// The condition that was waited for, and the state instead.
    pub what: String,
    /// The limit that passed.
    pub limit: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not within {} ms: {}", self.limit.as_millis(), self.what)
    }
}

impl std::error::Error for TimedOut {}
