//! A control plane that hands out events over plain HTTP, one at a time: the part that those of Tencent SCF and Huawei
//! FunctionGraph have in common. [`crate::tencent_scf`] and [`crate::huawei_functiongraph`] have the rules of each and
//! start one.
//!
//! It is strict: calls that the platform would refuse are refused, every breach of the order of calls is listed, every
//! request is kept, and faults of a network can be injected.
//!
//! | file | holds |
//! |---|---|
//! | `plane` | the interface: start a process, send events, wait, look, inject faults |
//! | `state` | the events that are out, that wait, that have been answered; no I/O |
//! | `server` | connections, scripted faults, deadlines |
//! | `wire` | requests and replies as bytes |

mod plane;
mod server;
mod state;
mod wire;

pub use plane::{Pending, Plane};
pub use wire::Seen;

pub(crate) use state::{Call, Rules};

use std::time::Duration;

/// An event for the function.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The request id of the event; `None` makes one up.
    pub id: Option<String>,
    /// The bytes of the event.
    pub body: Vec<u8>,
    /// The headers in place of the platform's own of the same name; `None` leaves that one out.
    pub headers: Vec<(String, Option<String>)>,
}

impl<T: Into<Vec<u8>>> From<T> for Event {
    fn from(body: T) -> Event {
        Event { body: body.into(), ..Event::default() }
    }
}

/// The way in which an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A result was posted.
    Result,
    /// An error was posted.
    Error,
    /// A result was posted that is longer than the platform takes.
    TooLarge,
    /// The limit passed; the process was killed.
    TimedOut,
    /// The limit passed before anybody fetched it; the process was killed.
    NeverFetched,
    /// The process did not say in time that it is ready.
    InitTimedOut,
    /// The process ended.
    Exited,
    /// A scripted fault refused the answer.
    Refused,
    /// The caller's patience ended first.
    Unanswered,
}

/// The outcome that the invoker gets.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The way in which it ended.
    pub kind: Kind,
    /// The request id of the event.
    pub id: String,
    /// The bytes that were posted.
    pub body: Vec<u8>,
    /// The number of times that the event was handed out until then.
    pub deliveries: usize,
}

impl Outcome {
    /// Returns the posted bytes as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The limits of time, the same for every platform.
#[derive(Clone, Debug)]
pub struct Times {
    /// The limit of an invocation, as the process is told.
    pub limit: Duration,
    /// The time at which the platform itself ends an invocation; `None` for the limit.
    pub kill_after: Option<Duration>,
    /// The time that the process may take to say that it is ready, where the platform wants to hear it.
    pub init_limit: Duration,
    /// The longest time that [`Pending::wait`] waits; then the outcome is [`Kind::Unanswered`].
    pub patience: Duration,
}

impl Default for Times {
    fn default() -> Times {
        Times {
            limit: Duration::from_secs(60),
            kill_after: None,
            init_limit: Duration::from_secs(60),
            patience: Duration::from_secs(120),
        }
    }
}

/// The kind of call that a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The call that says that the process is ready.
    Ready,
    /// The poll for an event.
    Poll,
    /// The post of a result or an error.
    Answer,
}

/// A fault of one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset; the call has no effect.
    Reset,
    /// The connection is closed; the call has no effect.
    Close,
    /// These bytes come instead of an answer, then the connection is closed; the call has no effect.
    Garbage(Vec<u8>),
    /// This status comes. To a poll it comes with an id and a body, and is no event. To any other call a success does
    /// not change its effect; a failure means that the call has no effect, and that an answer is lost.
    Status(u16),
    /// The platform answers 200 with a body, and it is no event.
    Empty,
    /// No answer comes at all.
    Never,
    /// The answer ends in the middle of its head.
    HalfHead,
    /// The answer ends in the middle of its body.
    HalfBody,
    /// The answer is whole, and the connection is closed behind it, unannounced.
    CloseBehind,
    /// The event that this poll gets is handed out once more after it has been answered.
    Again,
}

/// The way in which a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The connection is closed in order.
    Close,
    /// The connection is reset.
    Reset,
}

/// The control plane at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// `true` if the process has said that it is ready, or the platform does not want to hear it.
    pub ready: bool,
    /// The number of polls that wait for an event.
    pub parked: usize,
    /// The number of polls so far.
    pub polls: usize,
    /// The number of events that no process has been given.
    pub waiting: usize,
    /// The request id of the event that is out; `None` if no event is.
    pub out: Option<String>,
    /// The number of open connections.
    pub connections: usize,
    /// The number of faults that have not struck yet.
    pub faults: usize,
    /// `true` if the process has ended.
    pub ended: bool,
}
