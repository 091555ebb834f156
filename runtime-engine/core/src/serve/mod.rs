//! A server without its I/O: what a connection does next, how many invocations there are at once, how much is buffered.
//!
//! | file | holds |
//! |---|---|
//! | [`connection`] | one connection of HTTP/1.1: bytes in, the next step out; and a body that its invocation reads |
//! | [`unsent`] | bytes of responses that the socket has not taken |
//! | [`response_head`] | heads of responses |
//! | [`admission`] | how many invocations are accepted, and how many run |
//! | [`limit`] | a count that many threads share, with a limit |
//! | [`budget`] | how many bytes of unfinished requests and unsent responses there may be |
//! | [`pace`] | how fast a client has to be |
//! | [`timers`] | moments to come, the earliest first |
//!
//! Drivers read, write and wait as they are told here; no count and no order is theirs.

pub mod admission;
pub mod budget;
pub mod connection;
pub mod limit;
pub mod pace;
pub mod response_head;
pub mod timers;
pub mod unsent;

pub use admission::{Admission, NEVER};
pub use budget::{Budget, Charge};
pub use connection::{Connection, Event, Step, Upload};
pub use pace::Pace;
pub use response_head::Manner;
pub use timers::Timers;
pub use unsent::Unsent;
