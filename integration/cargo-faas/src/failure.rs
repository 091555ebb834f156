//! A step of the tool that failed, in words for the person at the terminal.

use std::fmt;

/// A failed step, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    step: &'static str,
    why: String,
}

impl Failure {
    /// Makes the failure of a step.
    pub(crate) fn new(step: &'static str, why: impl fmt::Display) -> Failure {
        Failure { step, why: why.to_string() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.why)
    }
}

impl std::error::Error for Failure {}
