//! The functions that one process serves: which there are, and which of them an event is for.

pub mod manifest;
