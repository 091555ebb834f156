//! The subscriber of `tracing`: its events are lines of the host's log, its spans those of the layer that takes them. The
//! log itself, in [`log`](crate::log), and the services of layers know nothing of it.

pub(crate) mod lines;
pub(crate) mod spans;

use lines::HostLog;
use spans::HostSpans;
use tracing_subscriber::layer::SubscriberExt;

/// Makes the host's log, and the layer that takes spans, this library's subscriber, unless there is one already. Call
/// it in a function's `start` or a layer's `create`. This is not done automatically: cargo unites the features of all
/// crates it builds together, and a library that has no use for `tracing` should not carry it.
///
/// ```standalone_crate
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::{Error, PhaseContext, install_tracing};
///
/// fn start(_: PhaseContext) -> Result<(), Error> {
///     install_tracing();
///     Ok(())
/// }
///
/// #[function(start = start)]
/// fn order() {
///     tracing::info!("ordered");
/// }
///
/// assert_eq!(Invoke::event("").run(order::MODULE).logs[0].message, "ordered");
/// ```
pub fn install() {
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(HostLog).with(HostSpans));
}
