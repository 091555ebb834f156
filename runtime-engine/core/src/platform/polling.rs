//! Platforms that are asked for events: what a driver needs to know of one. Drivers move bytes and wait; every word on
//! the wire, every pause and every number of tries is a protocol's.

use super::BodyFrom;
use crate::failure::Failure;
use crate::http1::Message;
use crate::invocation::{Code, Invocation, InvocationMetadata};
use crate::process::Process;
use std::fmt;

/// A platform to be asked for events.
pub trait Polling: Send + Sync {
    /// Returns where the platform listens, as `host:port`.
    fn endpoint(&self) -> &str;
    /// Returns the number of polls that may be parked at once.
    fn concurrency(&self) -> usize {
        1
    }
    /// Writes the request that says, once, after start and before the first poll, that the process is ready. Its answer
    /// has to be a success, and it is repeated as a poll is. Returns `false` if the platform wants no such request.
    fn ready(&self, _out: &mut Vec<u8>) -> bool {
        false
    }
    /// Writes the request for the next event. It may stay unanswered for hours and has no read timeout.
    fn next(&self, out: &mut Vec<u8>);
    /// Reads the answer to a poll.
    fn delivery(&self, process: &Process, answer: &Message) -> Delivery;
    /// Pauses in milliseconds after failures in a row: no connection, a broken one, [`Delivery::Again`]. A zero is
    /// worth no line in the log. After the last one the control plane is taken to be gone, and the process leaves.
    fn pauses_ms(&self) -> &[u16] {
        // There is no pause before the first try: a connection that a freeze has killed is no trouble.
        &[0, 50, 100, 200, 400, 800, 1600]
    }
    /// Returns `true` if a reply can go out in parts. If not, streams are collected and go out as one.
    fn streams(&self) -> bool {
        false
    }
    /// Writes the head of the request that answers an invocation, and where its body is no plain copy of the reply,
    /// the body into `scratch`.
    fn answer(&self, invocation: &Invocation, head: &mut Vec<u8>, scratch: &mut Vec<u8>) -> BodyFrom;
    /// Writes the whole request that says an invocation failed, for one whose memory is out of reach.
    fn failed(&self, request_id: &[u8], failure: &Failure, out: &mut Vec<u8>);
    /// Returns the meaning of the status of the answer to one of those.
    fn verdict(&self, status: u16) -> PostOutcome;
    /// Writes the head of a streamed answer and what precedes the function's bytes in its body. It is called only where
    /// [`streams`](Polling::streams) is `true`.
    fn stream_head(&self, _invocation: &Invocation, _code: Code, _head: &mut Vec<u8>, _prelude: &mut Vec<u8>) {}
    /// Writes the end of a streamed answer. With a failure it says why the stream ended early; `None` is a good end.
    fn stream_end(&self, _failure: Option<&Failure>, _out: &mut Vec<u8>) {}
    /// Writes the request that reports a failed start. Returns `false` if the platform has no such request, and the
    /// exit code says it.
    fn init_error(&self, _failure: &Failure, _out: &mut Vec<u8>) -> bool {
        false
    }
    /// Returns `true` if the process is to be snapshotted after start. Then [`restore`](Polling::restore) comes before
    /// the first poll.
    fn is_snapshotted(&self) -> bool {
        false
    }
    /// Writes the request that is answered when a snapshot has been restored.
    fn restore(&self, _out: &mut Vec<u8>) {}
    /// Writes the request that reports a failure after a restore.
    fn restore_error(&self, _failure: &Failure, _out: &mut Vec<u8>) {}
    /// Writes the request that has to be sent, on a connection of its own, for a signal at the end. It is called with
    /// no answer for the first request, then with each answer.
    fn enlist(&self, _answer: Option<&Message>, _out: &mut Vec<u8>) -> Registration {
        Registration::Done
    }
}

/// Its direction alone. With `Debug` among the functions of the trait, the printing of every platform's members would
/// be in the program, and nobody calls it.
impl fmt::Debug for dyn Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Polling")
    }
}

/// The result of a poll.
#[derive(Debug)]
pub enum Delivery {
    /// The poll has brought an event.
    Event(InvocationMetadata),
    /// No event is there now, which is not a failure. The runtime polls again after a short pause, which grows from one
    /// such answer to the next.
    Nothing,
    /// A failure; poll again after a pause that grows.
    Again(String),
    /// The failure will not pass; the process has to leave.
    Fatal(String),
}

/// Returns the pause before the next poll after `in_a_row` polls that brought [`Delivery::Nothing`], in milliseconds:
/// 50, 100, … 1000. It is never a busy loop, and never a second too late for more than an idle process.
pub fn nothing_pause_ms(in_a_row: u32) -> u64 {
    u64::from(in_a_row.clamp(1, 20)) * 50
}

/// The platform's verdict on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostOutcome {
    /// The platform has taken it.
    Accepted,
    /// Refused for this invocation only; go on.
    Dropped,
    /// The platform is in trouble; leave.
    Fatal,
}

/// One step of [`Polling::enlist`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The request that was written is to be sent, and its answer to be handed to the next call.
    Exchange,
    /// The request that was written is to be sent. Its connection stays open for the life of the process.
    Park,
    /// There is nothing more to do.
    Done,
    /// The platform refused; stop signals will not come.
    Refused,
}

/// Returns `true` if a request id may stand as one part of a request's path: it is visible ASCII, without a character
/// that would end the part. Any other id could write a request of its own making.
pub(super) fn fits_path(request_id: &[u8]) -> bool {
    // Every byte is looked at, since that can be done with many at once, and this is on the way of every event.
    let fits = |byte: u8| byte.is_ascii_graphic() & (byte != b'/') & (byte != b'?') & (byte != b'#');
    request_id.iter().fold(true, |all, byte| all & fits(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_that_fits_no_path_is_missed_wherever_it_stands() {
        for byte in 0..=255_u8 {
            let expected = byte.is_ascii_graphic() && !b"/?#".contains(&byte);
            for at in 0..40 {
                let mut id = [b'x'; 40];
                id[at] = byte;
                assert_eq!(fits_path(&id), expected, "{byte:#x} at {at}");
            }
        }
    }

    #[test]
    fn an_id_is_one_part_of_a_path() {
        for id in ["8476a536-e9f4-11e8-9739-2dfe598c3fcd", "r.1:~%20", ""] {
            assert!(fits_path(id.as_bytes()), "{id}");
        }
        for id in ["a b", "a/b", "a/../next", "a?b", "a#b", "a\r\nX: y", "\u{7f}", "\u{fc}"] {
            assert!(!fits_path(id.as_bytes()), "{id:?}");
        }
    }
}
