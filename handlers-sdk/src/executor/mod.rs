//! Runs author's code and its futures: on tokio if the author chose it, else on a small executor.
//!
//! Each library has its own, since a runtime cannot be shared across libraries, and makes it on first use.

pub(crate) mod after_reply;
pub(crate) mod background;
pub(crate) mod drive;
#[cfg(not(feature = "tokio"))]
mod small;
#[cfg(feature = "tokio")]
mod with_tokio;
mod workers;

#[cfg(not(feature = "tokio"))]
pub(crate) use small::RUNTIME;
#[cfg(feature = "tokio")]
pub(crate) use with_tokio::RUNTIME;
pub use workers::Workers;

use crate::reply::outcome::Outcome;
use drive::Call;
use std::future::Future;

/// Returns a call that is a future.
pub fn running(future: impl Future<Output = Outcome> + Send + 'static) -> Call {
    Call::Running(Box::pin(future), &RUNTIME)
}
