//! The call that this thread is in, for log lines that name no context.

use super::entry::Entry;
use super::held::Held;
use super::read::Reader;
use core::cell::Cell;
use faas_abi::Inv;
use std::sync::RwLock;

#[derive(Clone, Copy)]
enum Current {
    /// The thread is in no call.
    Nowhere,
    /// The thread is in this call.
    In(Call),
}

#[derive(Clone, Copy)]
struct Call {
    entry: &'static Entry,
    inv: *const Inv,
    gate: *const RwLock<()>,
    /// `true` for a layer's hook, `false` for a function's code.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "spans alone look at it"))]
    is_hook: bool,
}

thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(Current::Nowhere) };
}

struct Restore(Current);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

fn with(current: Current) -> Restore {
    Restore(CURRENT.replace(current))
}

/// Runs `body` with that call as the current one.
pub(crate) fn within<T>(held: &Held, body: impl FnOnce() -> T) -> T {
    let reader = held.reader();
    let (inv, gate) = reader.raw();
    let _restore = with(Current::In(Call { entry: reader.entry(), inv, gate, is_hook: false }));
    body()
}

/// Runs a layer's hook with its invocation as the current one.
///
/// # Safety
/// `inv` must be Alive while `body` runs.
pub(crate) unsafe fn within_hook<T>(entry: &'static Entry, inv: *const Inv, body: impl FnOnce() -> T) -> T {
    let _restore = with(Current::In(Call { entry, inv, gate: core::ptr::null(), is_hook: true }));
    body()
}

/// Runs `body` as no part of a call: the end of an invocation, which may be done while another one runs further up this
/// stack. Log lines name no invocation there.
pub(crate) fn apart<T>(body: impl FnOnce() -> T) -> T {
    let _restore = with(Current::Nowhere);
    body()
}

/// The place that a log line goes to.
pub(crate) enum Place<'a> {
    /// To the host, as a line of this call.
    Call(Reader<'a>),
    /// To the host, as a line of no call.
    Host(&'static Entry),
}

/// Runs `body` with the place for this thread's log lines; `None` if no entry of this module exists yet.
pub(crate) fn place<T>(body: impl FnOnce(Option<Place<'_>>) -> T) -> T {
    match CURRENT.get() {
        Current::Nowhere => body(Entry::first().map(Place::Host)),
        Current::In(Call { entry, inv, gate, .. }) => {
            // SAFETY: null, or the gate of a `Shared` that `within` keeps borrowed further up this stack.
            let gate = unsafe { gate.as_ref() };
            // SAFETY: Alive and Quiet: `within` or `within_hook` is further up this stack.
            body(Some(Place::Call(unsafe { Reader::new(entry, inv, gate) })))
        }
    }
}

/// Returns `true` in a layer's hook.
#[cfg(feature = "tracing")]
pub(crate) fn is_in_hook() -> bool {
    matches!(CURRENT.get(), Current::In(Call { is_hook: true, .. }))
}
