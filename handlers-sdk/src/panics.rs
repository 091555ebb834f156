//! Panics end where they began: in this library, as an error with message and place.
//!
//! Unwinding must not cross the border, and the host's panic hook never hears of a panic in here, because each library
//! has a standard library of its own. While author's code runs guarded, the hook keeps what it learns for the error and
//! prints nothing; a panic anywhere else goes to the hook that was there before.

use crate::error::Error;
use crate::seam::Entry;
use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// With `FAAS_DEBUG` configured, errors carry backtraces.
static DEBUG: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static LAST: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

struct Seen {
    place: String,
    backtrace: Option<String>,
}

/// A panic that was caught.
pub(crate) struct Panic {
    message: String,
    detail: String,
}

impl Panic {
    pub(crate) fn new(message: &str) -> Panic {
        Panic { message: message.to_owned(), detail: String::new() }
    }

    pub(crate) fn into_error(self) -> Error {
        Error::placed("Panic", self.message, self.detail)
    }
}

struct Depth;

impl Depth {
    fn enter() -> Depth {
        DEPTH.set(DEPTH.get() + 1);
        Depth
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Runs `body`; a panic in it is an `Err`.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Panic> {
    let depth = Depth::enter();
    let ended = catch_unwind(AssertUnwindSafe(body));
    drop(depth);
    ended.map_err(|payload| {
        let message = message(&*payload);
        // The payload's own drop may panic as well.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
        let seen = LAST.take();
        let detail = seen.map(|seen| match seen.backtrace {
            Some(backtrace) => format!("at {}\n{backtrace}", seen.place),
            None => format!("at {}", seen.place),
        });
        Panic { message, detail: detail.unwrap_or_default() }
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panicked with a value that is no text".to_owned()
    }
}

/// `true` if `FAAS_DEBUG` is configured.
pub(crate) fn is_debug() -> bool {
    DEBUG.load(Ordering::Relaxed)
}

/// Sets the hook, once for this library.
pub(crate) fn install(entry: &Entry) {
    if entry.config("FAAS_DEBUG").and_then(faas_abi::settings::switch).unwrap_or(false) {
        DEBUG.store(true, Ordering::Relaxed);
    }
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A thread on its way out may have lost its locals; then it is in no guarded call either.
            if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
                before(info);
            } else {
                note(info);
            }
        }));
    });
}

fn note(info: &PanicHookInfo<'_>) {
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let backtrace = is_debug().then(|| Backtrace::force_capture().to_string());
    let _ = LAST.try_with(|last| last.replace(Some(Seen { place, backtrace })));
}
