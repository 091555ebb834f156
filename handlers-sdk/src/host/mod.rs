//! What the host offers, behind safe handles: the two ends of a call's streams, the bytes that it lends and gives, the
//! values that hooks leave on an invocation, and filters of streams.
//!
//! It reaches the host through [`ffi`](crate::ffi), whose invariants its `SAFETY` notes name. It may not know of contexts,
//! arguments or replies, which are made of it.
#![allow(unsafe_code, reason = "the host keeps pointers that are made here, and calls back with them")]

pub(crate) mod bytes;
pub(crate) mod filter;
pub(crate) mod lane;
pub(crate) mod values;
