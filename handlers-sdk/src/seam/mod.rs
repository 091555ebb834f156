//! Everything in this crate that touches the contract's raw pointers, behind types that safe code cannot misuse.
//!
//! The invariants its `SAFETY` comments name:
//! - **Alive**: a `faas_inv*` and its token are valid from the call that brings them until that call returns anything but
//!   `PENDING`, or until `done`. A [`Held`] keeps the call open: the end is written by whoever drops the last one, so
//!   whatever borrows from a `Held` is valid. A layer's view lives only for the length of one hook.
//! - **Quiet**: while reads are possible, nobody writes. Outside of streams the only writes are those at the end, when
//!   no `Held` is left. In a stream, writes and reads exclude one another through the gate of `Shared`.
//! - **Process**: what `create` was given (the table, its context, configured values) lives as long as the process;
//!   [`Entry`] is leaked to match.
#![allow(unsafe_code, reason = "the one place of this crate that talks to the contract")]

pub(crate) mod bytes;
#[cfg(feature = "testing")]
pub(crate) mod checked;
pub(crate) mod current;
pub(crate) mod entry;
pub(crate) mod export;
pub(crate) mod function;
pub(crate) mod held;
pub(crate) mod layer;
pub(crate) mod read;
pub(crate) mod room;
pub(crate) mod service;
pub(crate) mod values;
pub(crate) mod write;

pub(crate) use bytes::InvBytes;
pub(crate) use entry::Entry;
pub(crate) use held::Held;
pub(crate) use read::Reader;
pub(crate) use write::Writer;
