//! A step of the tool that failed, in words for the person at the terminal.

use std::fmt;

/// A failed step, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    step: &'static str,
    why: String,
    /// The text that stands on the terminal already, for those who do not see that; empty if there is none.
    said: String,
}

impl Failure {
    /// Makes the failure of a step.
    pub(crate) fn new(step: &'static str, why: impl fmt::Display) -> Failure {
        Failure { step, why: why.to_string(), said: String::new() }
    }

    /// Adds what was said on the terminal already.
    #[must_use]
    pub(crate) fn after(mut self, said: &str) -> Failure {
        said.trim_end().clone_into(&mut self.said);
        self
    }

    /// Returns the text for those who do not see the terminal.
    pub(crate) fn whole(&self) -> String {
        if self.said.is_empty() { self.to_string() } else { format!("{}\n\n{self}", self.said) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.why)
    }
}

impl std::error::Error for Failure {}
