//! The host's table and an invocation's pointers, behind types that safe code cannot misuse. Nothing in here knows of
//! anything above it in this crate; what the host calls is in [`host`](crate::host) and [`glue`](crate::glue).
//!
//! The invariants its `SAFETY` comments name:
//! - **Alive**: a `faas_inv*` and its token are valid from the call that brings them until that call returns anything but
//!   `PENDING`, or until `done`. A [`Held`] keeps the call open: the end is written by whoever drops the last one, so
//!   whatever borrows from a `Held` is valid. A layer's view lives only for the length of one hook.
//! - **Quiet**: while reads are possible, nobody writes. Outside of streams the only writes are those at the end, when
//!   no `Held` is left. In a stream, the writes before its head and reads exclude one another through the gate of `Shared`;
//!   its chunks, and those of the body, go through lanes of their own, which may be used beside reads.
//! - **Process**: what `create` was given (the table, its context, configured values) lives as long as the process;
//!   [`Entry`] is leaked to match.
#![allow(unsafe_code, reason = "the host is called through its table of pointers, and everything else through this")]

pub(crate) mod bytes;
pub(crate) mod cancel;
#[cfg(feature = "testing")]
pub(crate) mod checked;
pub(crate) mod current;
pub(crate) mod entry;
pub(crate) mod held;
#[cfg(feature = "json")]
mod kept;
pub(crate) mod read;
pub(crate) mod write;

pub(crate) use bytes::InvBytes;
pub(crate) use entry::Entry;
pub(crate) use held::Held;
pub(crate) use read::Reader;
pub(crate) use write::Writer;
