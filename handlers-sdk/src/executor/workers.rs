//! How many threads the executor of a library has.

use crate::ffi::Entry;
use crate::glue::export;

/// The number of threads that [`executor!`](crate::executor!) asks for.
#[derive(Debug)]
pub struct Workers(usize);

impl Workers {
    /// Makes a setting of that many threads.
    ///
    /// # Panics
    /// The number is 0. The panic is at compile time.
    pub const fn new(count: usize) -> Workers {
        assert!(count > 0, "expected `workers` above 0");
        Workers(count)
    }
}

/// The largest number that is taken. A larger one is a mistake, and would slow down the start.
const MOST: usize = 512;

/// Returns how many threads this library's executor has: `FAAS_ASYNC_WORKERS`; else the most that a crate linked into
/// it asks for by [`executor!`](crate::executor!); else one.
pub(super) fn workers() -> usize {
    let asked = || export::workers::entries().iter().map(|workers| workers.0).max();
    configured().or_else(asked).unwrap_or(1).min(MOST)
}

fn configured() -> Option<usize> {
    let text = Entry::first()?.config("FAAS_ASYNC_WORKERS")?;
    core::str::from_utf8(text).ok()?.trim().parse().ok().filter(|count| *count > 0)
}

/// Says how many threads run this library's futures: `handlers_sdk::executor!(workers = 4);`, once, beside the functions.
///
/// Without it there is one, which is enough for futures that wait. With more, futures run side by side; with the feature
/// `tokio` the runtime is then a multi-threaded one, on which `tokio::task::block_in_place` works. The setting
/// `FAAS_ASYNC_WORKERS` overrides it. Of several crates in one library the largest number counts.
///
/// ```
/// handlers_sdk::executor!(workers = 4);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! executor {
    (workers = $workers:expr $(,)?) => {
        $crate::__register!("faas_workers", $crate::__private::Workers, &$crate::__private::Workers::new($workers));
    };
}
