//! Why an invocation or a phase failed. The log gets all of it; everybody else gets what is meant for them.

use faas_abi::{
    CANCEL_CLOSING, CANCEL_DEADLINE, E_CANCELLED, E_DEADLINE, E_INVALID, E_NOT_FOUND, E_PANIC, E_TOO_BIG,
    E_UNSUPPORTED, E_USER, Status,
};
use std::fmt;

/// The message that stands in place of one that callers are not to read.
pub const CONCEALED: &str = "the function failed";

/// A failure in words. The log gets all of them; whatever leaves the process goes through
/// [`for_caller`](Failure::for_caller) or [`for_owner`](Failure::for_owner).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// The kind of the failure, in dotted words: `Runtime.…` if it is the runtime's, `Function.…` or the author's own
    /// name if it is the author's.
    pub kind: String,
    /// One sentence for people that describes the failure.
    pub message: String,
    /// Further lines: `at file:line:column` first, then a stack, then the causes, each behind `caused by`. It may be
    /// empty.
    pub detail: String,
    /// The readers of the message and of the detail.
    pub openness: Openness,
}

/// The readers of a failure's message and detail. The kind is open to everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Openness {
    /// The message is written for callers: an author's own error, or a limit of the runtime's.
    #[default]
    Message,
    /// The message may hold internals: a panic, an error that `?` has converted, the name of a layer. Only the log and
    /// the function's owner read it.
    Kind,
    /// Everybody reads everything, since `FAAS_DEBUG` says so.
    Everything,
}

/// The part of a failure that a reader outside of the process is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    /// The kind of the failure, for programs.
    pub kind: &'a str,
    /// One sentence for people that describes the failure.
    pub message: &'a str,
    /// The further lines; empty without `FAAS_DEBUG`.
    pub detail: &'a str,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)?;
        if !self.detail.is_empty() {
            write!(f, "\n{}", self.detail)?;
        }
        Ok(())
    }
}

impl Failure {
    /// Makes a failure without detail, whose message callers may read.
    pub fn new(kind: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure { kind: kind.into(), message: message.into(), ..Failure::default() }
    }

    /// Makes a failure without detail, whose message is for the log and the function's owner.
    pub fn internal(kind: impl Into<String>, message: impl Into<String>) -> Failure {
        Failure { openness: Openness::Kind, ..Failure::new(kind, message) }
    }

    /// Makes the failure of an invocation that did not end by its deadline.
    pub fn timed_out() -> Failure {
        Failure::new("Function.TimedOut", "the function did not answer within its time limit")
    }

    /// Makes the failure of an invocation that was cut short, or not begun, because the process stops.
    pub fn closing() -> Failure {
        Failure::new("Runtime.Closing", "the instance is stopping; try another")
    }

    /// Returns the failure that a cancel makes of an invocation that then failed; `None` for a reason that leaves the
    /// failure as it is.
    pub fn of_cancel(reason: u32) -> Option<Failure> {
        match reason {
            CANCEL_DEADLINE => Some(Failure::timed_out()),
            CANCEL_CLOSING => Some(Failure::closing()),
            _ => None,
        }
    }

    /// Makes the failure of a bare status, for a module that gave no words.
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
        Failure::internal(kind, format!("{who} ended with {what} (status {status})"))
    }

    /// Makes the failure of a request whose body did not come in: the status is one of `stream_read`.
    pub(crate) fn of_body(status: Status) -> Failure {
        match status {
            E_TOO_BIG => Failure::new("Runtime.BodyTooLarge", "the body is larger than this server takes"),
            E_DEADLINE => Failure::new("Runtime.BodyTimedOut", "the request did not come in within its time limit"),
            E_INVALID => Failure::new("Runtime.BadBody", "the framing of the body is broken"),
            _ => Failure::new("Runtime.BodyCutOff", "the request was not sent whole"),
        }
    }

    /// Opens everything of the failure to everybody, as `FAAS_DEBUG` wants.
    pub fn reveal(&mut self) {
        self.openness = Openness::Everything;
    }

    /// Returns the part that a stranger is told: the client of an HTTP trigger, whichever way its request came.
    pub fn for_caller(&self) -> Told<'_> {
        let message = if self.openness == Openness::Kind { CONCEALED } else { &self.message };
        Told { message, ..self.for_owner() }
    }

    /// Returns the part that the function's owner is told: as the sender of an event, or as the reader of the
    /// platform's report of a start.
    pub fn for_owner(&self) -> Told<'_> {
        let detail = if self.openness == Openness::Everything { &*self.detail } else { "" };
        Told { kind: &self.kind, message: &self.message, detail }
    }

    /// Returns `true` if a module panicked. The kind is the SDK's word for that, or the core's for a bare status.
    pub fn is_panic(&self) -> bool {
        matches!(self.kind.as_str(), "Panic" | "Function.Panic")
    }

    /// Returns `true` if an invocation was still running at its deadline.
    pub fn is_time_out(&self) -> bool {
        self.kind == "Function.TimedOut"
    }

    /// Returns the status of the response to a request that failed so.
    pub fn http_status(&self) -> u16 {
        match self.kind.as_str() {
            "Function.TimedOut" => 504,
            "Runtime.Overloaded" | "Runtime.Closing" => 503,
            "Runtime.BadBody" | "Runtime.BodyCutOff" => 400,
            "Runtime.BodyTimedOut" => 408,
            "Runtime.BodyTooLarge" => 413,
            _ => 500,
        }
    }

    /// Returns the kind as AWS' error types are spelt, `(Runtime|Function).Word`. Other names go under `Function.`.
    pub fn aws_type(&self) -> String {
        let tail = self.kind.strip_prefix("Runtime.").or_else(|| self.kind.strip_prefix("Function."));
        if tail.is_some_and(|tail| {
            tail.starts_with(|first: char| first.is_ascii_uppercase())
                && tail.len() > 1
                && tail.chars().all(|letter| letter.is_ascii_alphabetic())
        }) {
            return self.kind.clone();
        }
        // Of a path its types and variants are kept: `shop::orders::OrderError::SoldOut` is `OrderErrorSoldOut`.
        let is_module = |segment: &&str| !segment.starts_with(|first: char| first.is_ascii_uppercase());
        let types: String = self.kind.split("::").skip_while(is_module).collect();
        let named = if types.is_empty() { &self.kind } else { &types };
        let mut word: String = named.chars().filter(char::is_ascii_alphabetic).collect();
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
    fn callers_read_an_open_message_owners_every_message_and_nobody_the_detail() {
        let with_detail = |failure: Failure| Failure { detail: "at a.rs:1:2".into(), ..failure };
        let open = with_detail(Failure::new("Shop.Closed", "come back"));
        let panic = with_detail(Failure::internal("Panic", "10.0.0.7 is down"));
        let told = |told: Told<'_>| told.to_string();
        assert_eq!(told(open.for_caller()), "Shop.Closed: come back");
        assert_eq!(told(open.for_owner()), "Shop.Closed: come back");
        assert_eq!(told(panic.for_caller()), "Panic: the function failed");
        assert_eq!(told(panic.for_owner()), "Panic: 10.0.0.7 is down");
    }

    #[test]
    fn a_revealed_failure_shows_everything_to_everybody() {
        let mut panic = Failure { detail: "at a.rs:1:2".into(), ..Failure::internal("Panic", "10.0.0.7 is down") };
        panic.reveal();
        assert_eq!(panic.for_caller().to_string(), "Panic: 10.0.0.7 is down\nat a.rs:1:2");
        assert_eq!(panic.for_owner(), panic.for_caller());
    }

    #[test]
    fn a_status_without_words_says_nothing_to_callers() {
        let failure = Failure::of_status(E_PANIC, "layer auth in before");
        assert_eq!(failure.for_caller().to_string(), "Function.Panic: the function failed");
    }

    #[test]
    fn every_kind_becomes_a_legal_aws_error_type() {
        for (kind, expected) in [
            ("Runtime.LoadFailed", "Runtime.LoadFailed"),
            ("Function.Panic", "Function.Panic"),
            ("OutOfStock", "Function.OutOfStock"),
            ("my_crate::error 7", "Function.Mycrateerror"),
            ("shop::orders::OrderError::SoldOut", "Function.OrderErrorSoldOut"),
            ("core::num::error::ParseIntError", "Function.ParseIntError"),
            ("Order.SoldOut", "Function.OrderSoldOut"),
            ("Function.x", "Function.Functionx"),
            ("", "Function.Error"),
            ("7", "Function.Error"),
        ] {
            assert_eq!(Failure::new(kind, "").aws_type(), expected, "{kind}");
        }
    }
}
