//! A control plane that hands out events over plain HTTP, one at a time: what those of Tencent SCF and Huawei FunctionGraph
//! have in common. [`crate::tencent_scf`] and [`crate::huawei_functiongraph`] say what is particular to each and start one.
//!
//! It is strict: what the platform would refuse is refused, every breach of the order of calls is listed, every request
//! is kept, and what goes wrong on a network can be asked for.
//!
//! | file | holds |
//! |---|---|
//! | `plane` | the interface: start a process, send events, wait, look, break things |
//! | `state` | what is out, what waits, what has been answered; no I/O |
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

/// An event.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// Its request id; made up where there is none.
    pub id: Option<String>,
    /// Its bytes.
    pub body: Vec<u8>,
    /// Headers in place of the platform's own of the same name; `None` leaves that one out.
    pub headers: Vec<(String, Option<String>)>,
}

impl<T: Into<Vec<u8>>> From<T> for Event {
    fn from(body: T) -> Event {
        Event { body: body.into(), ..Event::default() }
    }
}

/// How an event ended.
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

/// What the invoker gets.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub kind: Kind,
    /// Its request id.
    pub id: String,
    /// What was posted.
    pub body: Vec<u8>,
    /// How often the event was handed out until then.
    pub deliveries: usize,
}

impl Outcome {
    /// What was posted, as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Times, the same for every platform.
#[derive(Clone, Debug)]
pub struct Times {
    /// The limit of an invocation, as the process is told.
    pub limit: Duration,
    /// When the platform itself ends an invocation; `None`: at the limit.
    pub kill_after: Option<Duration>,
    /// How long the process may take to say that it is ready, where the platform wants to hear it.
    pub init_limit: Duration,
    /// How long [`Pending::wait`] waits.
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

/// Which call a fault meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The one that says that the process is ready.
    Ready,
    /// The poll.
    Poll,
    /// A result or an error.
    Answer,
}

/// What goes wrong with one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset; the call has no effect.
    Reset,
    /// The connection is closed; the call has no effect.
    Close,
    /// These bytes come instead of an answer, then the connection is closed; the call has no effect.
    Garbage(Vec<u8>),
    /// This status comes. To a poll: with an id and a body, and it is no event. To any other call: one of success does not
    /// change what the call does, one of failure means that it has no effect, and that an answer is lost.
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

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// In order.
    Close,
    /// By a reset.
    Reset,
}

/// The control plane at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Has the process said that it is ready, or does the platform not want to hear it?
    pub ready: bool,
    /// Polls that wait for an event.
    pub parked: usize,
    /// Polls so far.
    pub polls: usize,
    /// Events that nobody has been given.
    pub waiting: usize,
    /// The event that is out.
    pub out: Option<String>,
    /// Open connections.
    pub connections: usize,
    /// Faults that have not struck yet.
    pub faults: usize,
    /// Has the process ended?
    pub ended: bool,
}
