//! Platforms that run the process as a child and speak with it over its descriptors: one event in, one answer out.

use crate::failure::Failure;
use crate::http1::Message;
use crate::invocation::{Invocation, InvocationMetadata};
use crate::process::Process;
use std::fmt;

/// A parent that writes events and reads answers. One at a time; the end of the input is the end of the process' work.
pub trait Piping: Send + Sync {
    /// Returns the way in which events are told apart.
    fn feed(&self) -> Feed;
    /// Returns the descriptor that answers go to; events come on standard input. It must not reach children of
    /// functions.
    fn answers_to(&self) -> i32;
    /// Writes the message that tells the parent how the start ended. If no byte is written, the parent is not told.
    fn started(&self, _result: Result<(), &Failure>, _out: &mut Vec<u8>) {}
    /// Reads an event. An input that is not one is answered at once, with the text of the error.
    ///
    /// # Errors
    /// The whole answer to an input that is not an event.
    fn event(&self, process: &Process, input: &[u8]) -> Result<(Message, InvocationMetadata), Vec<u8>>;
    /// Writes the whole answer to an invocation. Returns `false` if the process has to exit with a failure afterwards.
    fn answer(&self, invocation: &Invocation, out: &mut Vec<u8>) -> bool;
    /// Writes the whole answer for an invocation whose memory is out of reach; the process leaves afterwards.
    fn failed(&self, request_id: &[u8], failure: &Failure, out: &mut Vec<u8>);
}

/// Its direction alone, as for `Polling`.
impl fmt::Debug for dyn Piping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Piping")
    }
}

/// Says how events come through the pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Each line is an event; there may be any number of them.
    Lines,
    /// All bytes until the end of the input are one event.
    Whole,
}
