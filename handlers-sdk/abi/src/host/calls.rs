//! The running call of an invocation and the wish to cancel it: which module may be told, and whether it was.
//!
//! Does not know the invocation itself; model checked by `tests/loom_token.rs`.
#![cfg_attr(not(loom), allow(unreachable_pub, reason = "public to the model checker alone"))]

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering, put};
use crate::tables::{CancelFn, Inv};
use core::ffi::c_void;
use std::sync::PoisonError;

/// The entry that is being called, so that a wish to cancel can reach it.
#[derive(Clone, Copy, Debug)]
pub struct Callee {
    /// The `cancel` of the module that is called.
    pub cancel: CancelFn,
    /// The instance that the call is made on.
    pub this: *mut c_void,
}

// SAFETY: `cancel` may be called from any thread with the instance's own pointer (faas.h, faas_function.cancel).
unsafe impl Send for Callee {}

/// The running call, and the reason of a cancel.
#[derive(Debug)]
pub struct Calls {
    /// The number of the invocation (32 bits) and the reason of its cancel (32 bits).
    reason: AtomicU64,
    callee: Mutex<Option<Callee>>,
}

impl Default for Calls {
    fn default() -> Self {
        Self::new()
    }
}

impl Calls {
    /// Makes the state of an invocation with no running call and no reason to cancel one.
    pub fn new() -> Calls {
        Calls { reason: AtomicU64::new(0), callee: Mutex::new(None) }
    }

    fn callee(&self) -> MutexGuard<'_, Option<Callee>> {
        self.callee.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the reason of a cancel, or 0. It may be called from any thread.
    #[allow(clippy::cast_possible_truncation, reason = "the lower half is the reason")]
    pub fn reason(&self) -> u32 {
        self.reason.load(Ordering::Relaxed) as u32
    }

    /// Returns the number of the invocation being served.
    #[allow(clippy::cast_possible_truncation, reason = "the upper half is the number")]
    pub fn serial(&self) -> u32 {
        (self.reason.load(Ordering::Relaxed) >> 32) as u32
    }

    /// Begins another invocation: forgets a cancel, and makes a late reason for the former invocation void.
    pub fn reset(&self) {
        let serial = self.serial().wrapping_add(1);
        put(&self.reason, u64::from(serial) << 32, Ordering::Relaxed);
    }

    /// Begins a call. A wish that came before is in [`reason`](Calls::reason) by now; a later one reaches the callee.
    pub fn begin(&self, callee: Callee) {
        *self.callee() = Some(callee);
    }

    /// Ends the call. When this returns, its `cancel` is not running and will not be called.
    pub fn end(&self) {
        *self.callee() = None;
    }

    /// Says `reason` once about that invocation, and tells the running call. A later reason, or one for an invocation
    /// that is over, is ignored.
    #[cfg_attr(loom, allow(clippy::not_unsafe_ptr_arg_deref, reason = "`inv` is handed on, not followed"))]
    pub fn fire(&self, serial: u32, reason: u32, inv: *mut Inv) {
        let unsaid = u64::from(serial) << 32;
        let said = unsaid | u64::from(reason);
        if self.reason.compare_exchange(unsaid, said, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        // The lock is held during the call, so that the call cannot end, and another begin, under it.
        let callee = self.callee();
        // The invocation may have ended between the exchange and the lock: then the callee is another's.
        if self.serial() != serial {
            return;
        }
        if let Some(Callee { cancel, this }) = *callee {
            // SAFETY: the callee is set only while its call runs, and the lock keeps it running.
            unsafe { cancel(this, inv, reason) }
        }
    }
}
