//! Where futures run: tokio if the author chose it, else a small executor.
//!
//! Each library has its own, since a runtime cannot be shared across libraries, and makes it on first use.

mod park;
#[cfg(not(feature = "tokio"))]
mod small;
#[cfg(feature = "tokio")]
mod with_tokio;

pub(crate) use park::Parked;
#[cfg(not(feature = "tokio"))]
pub(crate) use small::RUNTIME;
#[cfg(feature = "tokio")]
pub(crate) use with_tokio::RUNTIME;
