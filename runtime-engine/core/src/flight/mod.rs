//! One invocation on its way: from the moment it runs to its one answer, and what comes after that.
//!
//! | file | holds |
//! |---|---|
//! | [`word`] | what an invocation is doing and when that changes: state and serial number, exchanged as one word |
//! | [`slot`] | one place for running invocations as other threads see it |
//! | [`deadlines`] | the thread that looks after deadlines and stop signals |
//!
//! Nothing here calls a module or does I/O: a moment that has come is marked in the slot, and the driver is told.

pub mod deadlines;
pub mod slot;
pub mod word;

pub use deadlines::{Actions, Bell, Deadlines, Lost, Rung};
pub use slot::{Canceller, Slot};
