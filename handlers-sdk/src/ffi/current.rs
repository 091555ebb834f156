//! The call that this thread is in, for log lines that name no context.

use super::entry::Entry;
use super::held::Held;
use super::read::Reader;
use core::cell::Cell;
use faas_abi::Inv;
use std::sync::RwLock;

/// A call that a thread is in. It lies on the stack of the function that runs the call's code.
struct Call {
    entry: &'static Entry,
    inv: *const Inv,
    gate: *const RwLock<()>,
    /// `true` for a layer's hook, `false` for a function's code.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "spans alone look at it"))]
    is_hook: bool,
}

thread_local! {
    /// The call that the thread is in; null outside of calls. Every hook changes it twice, so it is one pointer.
    static CURRENT: Cell<*const Call> = const { Cell::new(core::ptr::null()) };
}

struct Restore(*const Call);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Makes that call the current one until the returned value is dropped, which happens before the call's own end.
fn with(current: *const Call) -> Restore {
    Restore(CURRENT.replace(current))
}

/// Runs `body` with the current call; `None` if there is none.
fn current<T>(body: impl FnOnce(Option<&Call>) -> T) -> T {
    // SAFETY: null, or a call that lies further up this stack: whoever made it the current one restores the earlier one
    // before it ends, also in a panic.
    body(unsafe { CURRENT.get().as_ref() })
}

/// Runs `body` with that call as the current one.
pub(crate) fn within<T>(held: &Held, body: impl FnOnce() -> T) -> T {
    let reader = held.reader();
    let (inv, gate) = reader.raw();
    let call = Call { entry: reader.entry(), inv, gate, is_hook: false };
    let _restore = with(&raw const call);
    body()
}

/// Runs a layer's hook with its invocation as the current one.
///
/// # Safety
/// `inv` must be Alive while `body` runs.
pub(crate) unsafe fn within_hook<T>(entry: &'static Entry, inv: *const Inv, body: impl FnOnce() -> T) -> T {
    let call = Call { entry, inv, gate: core::ptr::null(), is_hook: true };
    let _restore = with(&raw const call);
    body()
}

/// Runs `body` as a part of no call, so that its log lines name no invocation. That is for the end of an invocation,
/// which may come while another one runs further up this stack.
pub(crate) fn apart<T>(body: impl FnOnce() -> T) -> T {
    let _restore = with(core::ptr::null());
    body()
}

/// The place that a log line goes to.
pub(crate) enum Place<'a> {
    /// The line goes to the host, and belongs to this call.
    Call(Reader<'a>),
    /// The line goes to the host, and belongs to no call.
    Host(&'static Entry),
}

/// Runs `body` with the place for this thread's log lines; `None` if no entry of this module exists yet.
pub(crate) fn place<T>(body: impl FnOnce(Option<Place<'_>>) -> T) -> T {
    current(|call| {
        let Some(&Call { entry, inv, gate, .. }) = call else { return body(Entry::first().map(Place::Host)) };
        // SAFETY: null, or the gate of a `Shared` that `within` keeps borrowed further up this stack.
        let gate = unsafe { gate.as_ref() };
        // SAFETY: Alive and Quiet: `within` or `within_hook` is further up this stack.
        body(Some(Place::Call(unsafe { Reader::new(entry, inv, gate) })))
    })
}

/// Returns `true` if the current call is a layer's hook.
#[cfg(feature = "tracing")]
pub(crate) fn is_in_hook() -> bool {
    current(|call| call.is_some_and(|call| call.is_hook))
}
