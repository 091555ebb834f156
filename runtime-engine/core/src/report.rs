//! The line that a failure leaves behind: one at level ERROR for each invocation, for each record of a batch, and for
//! each lifecycle phase after the start, that failed.
//!
//! The line holds all that is known of a failure, whatever callers are told of it. Its message is `kind: message`; its
//! fields, of which an empty one is left out:
//!
//! | field | holds |
//! |---|---|
//! | `errorType` | the kind |
//! | `function` | the function's name in its module |
//! | `record` | the id of the record, for a failure of one record of a batch |
//! | `phase` | the lifecycle phase, for a failure outside of an invocation |
//! | `location` | `file:line:column` of the panic or the error |
//! | `cause` | what it was caused by, outermost first |
//! | `stackTrace` | the rest of its detail: a backtrace, with `FAAS_DEBUG` |
//!
//! The names are those of AWS Lambda's JSON log records, which its console understands.

use crate::chain::phase_name;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::log::{Field, Level, Origin};
use crate::process::Process;
use faas_abi::host::Invocation as _;
use faas_abi::{INVOKE, META_RECORD_ID, REPLIED};

/// Writes the line of an invocation, or of a phase, that has ended in failure.
pub(crate) fn failed(invocation: &Invocation, phase: u32, failure: &Failure) {
    let record = String::from_utf8_lossy(invocation.meta(META_RECORD_ID));
    let whose = Whose { function: invocation.function_name(), record: &record };
    write(invocation.process(), invocation.origin(b"runtime", ""), phase, whose, failure, "");
}

/// Writes the line of a record that its function, called with the whole batch, says has failed.
pub(crate) fn record_failed(invocation: &Invocation, record: &str, failure: &Failure) {
    let whose = Whose { function: invocation.function_name(), record };
    write(invocation.process(), invocation.origin(b"runtime", ""), INVOKE, whose, failure, "");
}

/// Writes the line of an invocation that ended well and whose reply its platform does not take.
pub(crate) fn unsent(invocation: &Invocation, failure: &Failure) {
    failed(invocation, INVOKE, failure);
}

/// Writes the line of an invocation whose memory is out of reach: its function still runs, and the invocation has been
/// answered in its place. `then` tells the next step of the process, and ends the message.
pub fn out_of_reach(process: &Process, request_id: &[u8], function: &str, failure: &Failure, then: &str) {
    let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
    write(process, origin, INVOKE, Whose { function, record: "" }, failure, then);
}

/// Writes the line of an invocation that was answered, and whose work after the reply does not end. `then` is as for
/// [`out_of_reach`].
pub fn replied_does_not_end(process: &Process, request_id: &[u8], function: &str, then: &str) {
    let failure = Failure::new("Function.TimedOut", "the work after the reply does not end:");
    let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
    write(process, origin, REPLIED, Whose { function, record: "" }, &failure, then);
}

/// The function and the record that a line's failure is of.
struct Whose<'a> {
    /// The function's name in its module.
    function: &'a str,
    /// The record's id; empty if the failure is of no record.
    record: &'a str,
}

fn write(process: &Process, origin: Origin<'_>, phase: u32, whose: Whose<'_>, failure: &Failure, then: &str) {
    let parts = Parts::of(&failure.detail);
    let cause = parts.cause.join("; ");
    let apart = if then.is_empty() { "" } else { " " };
    let message = format!("{}: {}{apart}{then}", failure.kind, failure.message);
    let fields = [
        ("errorType", &*failure.kind),
        ("function", whose.function),
        ("record", whose.record),
        ("phase", if phase == INVOKE { "" } else { phase_name(phase) }),
        ("location", parts.location),
        ("cause", &cause),
        ("stackTrace", parts.rest),
    ];
    let fields = fields.iter().filter(|(_, value)| !value.is_empty());
    process.log.write(
        Level::Error,
        origin,
        message.as_bytes(),
        fields.map(|(name, value)| Field::text(name.as_bytes(), value.as_bytes())),
    );
}

/// The parts of a failure's detail, taken apart.
struct Parts<'a> {
    location: &'a str,
    rest: &'a str,
    cause: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    /// Splits a detail. `at` on the first line is the location; from the first `caused by` on come the causes; the rest
    /// lies between.
    fn of(detail: &'a str) -> Parts<'a> {
        let (location, detail) = match detail.strip_prefix("at ") {
            None => ("", detail),
            Some(located) => located.split_once('\n').unwrap_or((located, "")),
        };
        let first = [detail.starts_with(CAUSED).then_some(0), detail.find("\ncaused by").map(|at| at + 1)];
        let cause = first.into_iter().flatten().min().unwrap_or(detail.len());
        let (rest, causes) = detail.split_at(cause);
        let lines = causes.lines().map(|line| line.strip_prefix(CAUSED).unwrap_or(line).trim_start_matches([':', ' ']));
        Parts { location, rest: rest.trim_end(), cause: lines.filter(|line| !line.is_empty()).collect() }
    }
}

const CAUSED: &str = "caused by";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::process;

    fn line(detail: &str) -> String {
        let (process, kept) = process();
        let failure = Failure { detail: detail.to_owned(), ..Failure::internal("Panic", "no stock") };
        out_of_reach(&process, b"id-1", "order", &failure, "");
        kept.take().remove(0)
    }

    #[test]
    fn a_line_has_kind_message_place_causes_request_and_function() {
        let head = "ERROR id-1 runtime: Panic: no stock errorType=Panic function=order";
        assert_eq!(line(""), head);
        assert_eq!(line("at src/a.rs:3:5"), format!("{head} location=src/a.rs:3:5"));
        assert_eq!(line("caused by: no route"), format!("{head} cause=no route"));
        let all = "at a.rs:3:5\n0: main\n1: start\ncaused by: reset\ncaused by Shop.Closed: late\nat b.rs:1:1";
        let expected = format!(
            "{head} location=a.rs:3:5 cause=reset; Shop.Closed: late; at b.rs:1:1 stackTrace=0: main\\n1: start"
        );
        assert_eq!(line(all), expected);
    }

    #[test]
    fn what_the_process_does_about_it_ends_the_message() {
        let (process, kept) = process();
        out_of_reach(&process, b"id-1", "order", &Failure::timed_out(), "and is still running: leaving");
        let message =
            "Function.TimedOut: the function did not answer within its time limit and is still running: leaving";
        let expected = format!("ERROR id-1 runtime: {message} errorType=Function.TimedOut function=order");
        assert_eq!(kept.take(), [expected]);
    }
}
