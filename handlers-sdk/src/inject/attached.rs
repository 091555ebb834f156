//! The state that belongs to an entry from `create` to `destroy`: its scope and, once it has started, the values it was
//! given.
#![allow(unsafe_code, reason = "the entry keeps a pointer, since it lives longer than what is attached to it")]

use super::per_request::PerRequest;
use super::registry::Scopes;
use super::scope::Scope;
use crate::call::context::FaasContext;
use crate::call::given::Values;
use crate::ffi::Entry;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// The state attached to an entry that something is injected into.
pub(crate) struct Attached {
    // This is dropped first: the scope is the last to let go of a value.
    started: OnceLock<Started>,
    /// `true` while it uses the values of its scope.
    pub(super) has_joined: AtomicBool,
    pub(super) scope: Arc<Scope>,
}

/// The values that an entry was given at its start.
pub(crate) struct Started {
    /// The shared values that its functions ask for.
    pub(super) shared: Values,
    /// The values that are made per request, for each of its functions.
    pub(super) each: Vec<PerRequest>,
}

impl Attached {
    pub(super) fn started(&self) -> Option<&Started> {
        self.started.get()
    }

    pub(super) fn set_started(&self, started: Started) {
        // A second start finds the values of the first one, which are the same.
        let _ = self.started.set(started);
    }
}

/// Attaches the scope of an entry, once, in `create`.
pub(crate) fn attach(entry: &Entry) {
    let scope = Scopes::scope(entry);
    let attached = Attached { started: OnceLock::new(), has_joined: AtomicBool::new(false), scope };
    entry.attach(Box::into_raw(Box::new(attached)).cast());
}

/// Returns the state attached to the entry behind `ctx`; `None` if nothing is injected into it.
pub(crate) fn attached(ctx: &FaasContext) -> Option<&Attached> {
    let attached = ctx.held().entry().attached().cast::<Attached>();
    // SAFETY: null, or from `attach`. `detach` comes when no call is in progress (faas.h, destroy), and `ctx` keeps
    // one.
    unsafe { attached.as_ref() }
}

/// Drops the attached state.
///
/// # Safety
/// No call of the entry may be in progress, and no further call may come.
pub(crate) unsafe fn detach(entry: &Entry) {
    let attached = entry.detach().cast::<Attached>();
    if !attached.is_null() {
        // SAFETY: from `attach`, and taken off by this call alone; nobody else looks by the caller's promise.
        drop(unsafe { Box::from_raw(attached) });
    }
}
