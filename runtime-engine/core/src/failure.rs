//! Why an invocation or a phase failed: what the platform is told.

use faas_abi::{E_CANCELLED, E_DEADLINE, E_INVALID, E_NOT_FOUND, E_PANIC, E_TOO_BIG, E_UNSUPPORTED, E_USER, Status};
use std::fmt;

/// A failure in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What failed, in dotted words: `Runtime.…` if it is ours, `Function.…` or the author's own name if it is theirs.
    pub kind: String,
    /// One sentence for people.
    pub message: String,
    /// More lines: causes, location. May be empty.
    pub detail: String,
}

impl Failure {
    /// A failure without detail.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure { kind: kind.into(), message: message.into(), detail: String::new() }
    }

    /// What a bare status means, for a module that gave no words.
    pub fn of_status(status: Status, who: &str) -> Failure {
        let (kind, what) = match status {
            E_INVALID => ("Function.Invalid", "an invalid argument"),
            E_UNSUPPORTED => ("Function.Unsupported", "something this runtime does not support"),
            E_CANCELLED => ("Function.Cancelled", "being cancelled"),
            E_DEADLINE => ("Function.TimedOut", "a passed deadline"),
            E_TOO_BIG => ("Function.TooBig", "something too big"),
            E_PANIC => ("Function.Panic", "a panic"),
            E_USER => ("Function.Error", "an error of its own without words"),
            E_NOT_FOUND => ("Function.NotFound", "something not found"),
            _ => ("Function.Internal", "an internal failure"),
        };
        Failure::new(kind, format!("{who} ended with {what} (status {status})"))
    }

    /// `true` if a module panicked: in the words of the SDK, or by the bare status.
    pub fn is_panic(&self) -> bool {
        matches!(self.kind.as_str(), "Panic" | "Function.Panic")
    }

    /// `true` if an invocation was still running at its deadline.
    pub fn is_time_out(&self) -> bool {
        self.kind == "Function.TimedOut"
    }

    /// The kind as AWS' error types are spelt, `(Runtime|Function).Word`: other names go under `Function.`.
    pub fn aws_type(&self) -> String {
        let tail = self.kind.strip_prefix("Runtime.").or_else(|| self.kind.strip_prefix("Function."));
        if tail.is_some_and(|tail| {
            tail.starts_with(|first: char| first.is_ascii_uppercase())
                && tail.len() > 1
                && tail.chars().all(|letter| letter.is_ascii_alphabetic())
        }) {
            return self.kind.clone();
        }
        let mut word: String = self.kind.chars().filter(char::is_ascii_alphabetic).collect();
        if let Some(first) = word.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        if word.len() < 2 { "Function.Error".to_owned() } else { format!("Function.{word}") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)?;
        if !self.detail.is_empty() {
            write!(f, "\n{}", self.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_becomes_a_legal_aws_error_type() {
        for (kind, expected) in [
            ("Runtime.LoadFailed", "Runtime.LoadFailed"),
            ("Function.Panic", "Function.Panic"),
            ("OutOfStock", "Function.OutOfStock"),
            ("my_crate::error 7", "Function.Mycrateerror"),
            ("Function.x", "Function.Functionx"),
            ("", "Function.Error"),
            ("7", "Function.Error"),
        ] {
            assert_eq!(Failure::new(kind, "").aws_type(), expected, "{kind}");
        }
    }
}
