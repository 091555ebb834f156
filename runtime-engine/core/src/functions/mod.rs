//! The functions of a process, and which of them serves an event.

pub mod router;
