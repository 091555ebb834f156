//! The number of threads that the executor of a library has.

use crate::ffi::Entry;
use crate::log::{self, Level};
use crate::section::section;

/// The number of threads that [`executor!`](crate::executor!) asks for.
#[derive(Debug)]
pub struct Workers(usize);

section!(workers, Workers, "faas_workers");

impl Workers {
    /// Makes a setting of that many threads.
    ///
    /// # Panics
    /// The number is 0; or it is above 1 and futures run on tokio without the feature `tokio-workers`. The panic is at
    /// compile time.
    pub const fn new(count: usize) -> Workers {
        assert!(count > 0, "expected `workers` above 0");
        assert!(
            count == 1 || SEVERAL,
            "on tokio, more than one worker needs the feature `tokio-workers` of `handlers-sdk`"
        );
        Workers(count)
    }
}

/// The largest number that is taken. A larger one is a mistake, and would slow down the start.
const MOST: usize = 512;

/// `true` if the executor can have several threads. Tokio's runtime of several threads is code that most libraries do
/// not need. It is the only part of tokio that asks for the library of mathematics, which the start would have to load.
const SEVERAL: bool = cfg!(any(not(feature = "tokio"), feature = "tokio-workers"));

/// Returns how many threads this library's executor has: `FAAS_ASYNC_WORKERS`; else the most that a crate linked into
/// it asks for by [`executor!`](crate::executor!); else one. A library that can have one only says so in the log if the
/// setting asks for more.
pub(super) fn workers() -> usize {
    let asked = || workers::entries().iter().map(|workers| workers.0).max();
    let entry = Entry::first();
    let workers = entry.and_then(configured).or_else(asked).unwrap_or(1).min(MOST);
    if SEVERAL || workers == 1 {
        return workers;
    }
    if let Some(entry) = entry {
        let message = format!(
            "FAAS_ASYNC_WORKERS is {workers}, and this library runs its futures on one thread: for more, build it with \
             the feature `tokio-workers` of `handlers-sdk`"
        );
        log::write(None, entry, Level::Warn, module_path!(), format_args!("{message}"), &[]);
    }
    1
}

fn configured(entry: &Entry) -> Option<usize> {
    let text = entry.config("FAAS_ASYNC_WORKERS")?;
    core::str::from_utf8(text).ok()?.trim().parse().ok().filter(|count| *count > 0)
}

/// Says how many threads run this library's futures: `handlers_sdk::executor!(workers = 4);`, once, beside the
/// functions.
///
/// Without it there is one, which is enough for futures that wait. With more, futures run side by side. On tokio that
/// needs the feature `tokio-workers`: the runtime is then a multi-threaded one, on which `tokio::task::block_in_place`
/// works. The setting `FAAS_ASYNC_WORKERS` overrides it. Of several crates in one library the largest number counts.
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
