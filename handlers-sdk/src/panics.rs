//! Panics end where they began: in this library, as an error with message and place, or as a line of the log.
//!
//! Unwinding must not cross the border, and the host's panic hook never hears of a panic in here, because each library
//! has a standard library of its own. While author's code runs guarded, the hook keeps its findings for the error that
//! the guard makes. A panic that no guard will report is a line at level ERROR:
//!
//! - a panic on a thread or in a task of the author's own;
//! - a panic in guarded code that the author has caught;
//! - every panic of a library that is built with `panic = "abort"`, since the process ends behind the hook.
//!
//! In a program that modules are linked into, threads without a guard are the program's, and so is the hook for them.

use crate::debug;
use crate::error::Error;
use crate::ffi::Entry;
use crate::ffi::current::place;
use crate::log::{self, Level};
use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

/// `true` once a host has opened this library: its standard library, and the hook in it, serve nobody else.
static IS_LIBRARY: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

thread_local! {
    /// The number of guarded calls that this thread is in, counted in [`ONE`]s, and [`KEPT`] while [`LAST`] holds a
    /// panic: a call that ends well looks at nothing else.
    static GUARDS: Cell<u32> = const { Cell::new(0) };
    /// The last panic of guarded code that nobody has reported yet.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

const KEPT: u32 = 1;
const ONE: u32 = 2;

/// The kind of the error that a panic becomes.
const KIND: &str = "Panic";

/// All that is known of a panic.
pub(crate) struct Panic {
    message: String,
    /// The place as `file:line:column`; empty if it is not known.
    location: String,
    backtrace: Option<String>,
}

impl Panic {
    pub(crate) fn new(message: &str) -> Panic {
        Panic { message: message.to_owned(), location: String::new(), backtrace: None }
    }

    fn of(info: &PanicHookInfo<'_>) -> Panic {
        Panic {
            message: message(info.payload()),
            location: info.location().map(ToString::to_string).unwrap_or_default(),
            backtrace: debug::is_on().then(|| Backtrace::force_capture().to_string()),
        }
    }

    pub(crate) fn into_error(self) -> Error {
        let detail = match (self.location, self.backtrace) {
            (location, _) if location.is_empty() => String::new(),
            (location, None) => format!("at {location}"),
            (location, Some(backtrace)) => format!("at {location}\n{backtrace}"),
        };
        Error::placed(KIND, self.message, detail)
    }

    /// Writes the line of the panic: for the call that this thread is in, if it is in one.
    pub(crate) fn report(&self) {
        let backtrace = self.backtrace.as_deref().unwrap_or_default();
        let fields: [(&str, &dyn Display); 3] =
            [("errorType", &KIND), ("location", &self.location), ("stackTrace", &backtrace)];
        let fields = if backtrace.is_empty() { &fields[..2] } else { &fields[..] };
        log::log(Level::Error, "panic", format_args!("{KIND}: {}", self.message), fields);
    }
}

/// Returns `true` if this thread may write to the host's log.
fn has_log() -> bool {
    place(|place| place.is_some())
}

/// One guarded call. Its drop looks whether a panic is kept.
struct Guard;

impl Guard {
    fn enter() -> Guard {
        GUARDS.with(|guards| guards.set(guards.get() + ONE));
        Guard
    }

    fn leave(self) -> bool {
        std::mem::forget(self);
        Guard::end()
    }

    fn end() -> bool {
        GUARDS.with(|guards| {
            let left = guards.get() - ONE;
            guards.set(left);
            left & KEPT != 0
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        Guard::end();
    }
}

/// Takes the panic that is kept; `None` if there is none.
fn take_kept() -> Option<Panic> {
    GUARDS.with(|guards| guards.set(guards.get() & !KEPT));
    LAST.take()
}

/// Runs `body`, and returns a panic in it as an `Err`.
pub(crate) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, Panic> {
    let guard = Guard::enter();
    let ended = catch_unwind(AssertUnwindSafe(body));
    let is_kept = guard.leave();
    let payload = match ended {
        Ok(value) => {
            if is_kept {
                report_kept();
            }
            return Ok(value);
        }
        Err(payload) => payload,
    };
    let message = message(&*payload);
    let seen = take_kept();
    // The drop of the payload may panic as well.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    Err(Panic { message, ..seen.unwrap_or_else(|| Panic::new("")) })
}

/// Runs `body`, in which a panic is no call's failure: the hook has reported it, and `None` is returned.
pub(crate) fn catch_aside<T>(body: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}

/// Runs author's code of a call, which is the current one. A panic in code that ends well all the same was caught by
/// its author; its line is written here, where it still gets the call's request id.
pub(crate) fn authored<T>(body: impl FnOnce() -> T) -> T {
    let value = body();
    if GUARDS.get() & KEPT != 0 {
        report_kept();
    }
    value
}

#[cold]
fn report_kept() {
    // While a panic unwinds, this code runs in a drop, and the guard further up makes an error of the panic.
    if !std::thread::panicking()
        && let Some(seen) = take_kept()
    {
        seen.report();
    }
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

/// Notes that a host has opened this library.
pub(crate) fn set_library() {
    IS_LIBRARY.store(true, Ordering::Relaxed);
}

/// Sets the panic hook, once for this library.
pub(crate) fn install(entry: &Entry) {
    debug::read(entry);
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // A thread that is ending may have lost its locals; then it is in no guarded call either.
            let is_guarded = GUARDS.try_with(Cell::get).unwrap_or(0) >= ONE;
            let is_ours = is_guarded || IS_LIBRARY.load(Ordering::Relaxed);
            if !(is_ours && has_log()) {
                before(info);
            } else if is_guarded && cfg!(panic = "unwind") {
                note(info);
            } else {
                Panic::of(info).report();
            }
        }));
    });
}

/// Keeps a panic for the guard. A panic of this thread that is kept already was caught by the author.
fn note(info: &PanicHookInfo<'_>) {
    let panic = Panic::of(info);
    let Ok(earlier) = LAST.try_with(|last| last.replace(Some(panic))) else { return };
    let _ = GUARDS.try_with(|guards| guards.set(guards.get() | KEPT));
    if let Some(earlier) = earlier {
        earlier.report();
    }
}
