//! One invocation's place in memory, and whose turn it is: the host's, or a module's.
//!
//! A `faas_inv*` is the address of a [`Cell`]. Between calls the host owns what is inside; during a call, and until
//! `done` after a pending one, the module does, and [`Lease`] refuses access. A lease dropped while lent leaks its
//! cell: memory under a running module is never freed.

use super::token::Token;
use crate::constants::PENDING;
use crate::tables::{CancelFn, Inv, Tok};
use crate::values::Status;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

pub(super) struct Cell<I> {
    reason: AtomicU32,
    callee: Mutex<Option<Callee>>,
    inv: UnsafeCell<I>,
}

// SAFETY: `reason` and `callee` are made for sharing. `inv` is reached through a `Lease` only while it is not lent, and
// by a module's calls only while it is: faas.h, THREADS, orders the latter among themselves.
unsafe impl<I: Send + Sync> Sync for Cell<I> {}

/// What is being called, so that a wish to cancel can reach it.
#[derive(Clone, Copy)]
pub(super) struct Callee {
    pub(super) cancel: CancelFn,
    pub(super) this: *mut c_void,
}

// SAFETY: `cancel` may be called from any thread with the instance's own pointer (faas.h, faas_function.cancel).
unsafe impl Send for Callee {}

impl<I> Cell<I> {
    /// The reason of a cancel, or 0. From any thread.
    pub(super) fn reason(&self) -> u32 {
        self.reason.load(Ordering::Relaxed)
    }

    /// The invocation, for the calls of the module that has it.
    pub(super) fn inv(&self) -> *mut I {
        self.inv.get()
    }

    fn callee(&self) -> std::sync::MutexGuard<'_, Option<Callee>> {
        self.callee.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An invocation that is either the host's or lent to a module.
pub struct Lease<I> {
    cell: Arc<Cell<I>>,
    token: Token,
    lent: bool,
}

impl<I> core::fmt::Debug for Lease<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Lease").field("lent", &self.lent).finish_non_exhaustive()
    }
}

impl<I: Send + Sync + 'static> Lease<I> {
    /// Gives an invocation its place.
    pub fn new(inv: I) -> Self {
        let cell = Cell { reason: AtomicU32::new(0), callee: Mutex::new(None), inv: UnsafeCell::new(inv) };
        Lease { cell: Arc::new(cell), token: Token::new(), lent: false }
    }

    /// Reads the invocation.
    ///
    /// # Panics
    /// If a module has it: a bug in the host's order of calls.
    pub fn get(&self) -> &I {
        assert!(!self.lent, "the invocation is lent to a module");
        // SAFETY: not lent, so only this lease reaches `inv`, and `&self` keeps writers out.
        unsafe { &*self.cell.inv.get() }
    }

    /// Changes the invocation.
    ///
    /// # Panics
    /// If a module has it: a bug in the host's order of calls.
    pub fn get_mut(&mut self) -> &mut I {
        assert!(!self.lent, "the invocation is lent to a module");
        // SAFETY: not lent, so only this lease reaches `inv`, and `&mut self` makes it exclusive.
        unsafe { &mut *self.cell.inv.get() }
    }

    /// Is a module's call still running?
    pub fn is_lent(&self) -> bool {
        self.lent
    }

    /// Forgets a cancel, before the place serves another invocation.
    pub fn reset(&mut self) {
        self.cell.reason.store(0, Ordering::Relaxed);
    }

    /// A handle through which another thread may cancel whatever this place is serving.
    pub fn cancel_handle(&self) -> Cancel<I> {
        Cancel { cell: self.cell.clone() }
    }

    /// The reason of a cancel, or 0.
    pub fn cancelled(&self) -> u32 {
        self.cell.reason()
    }

    pub(super) fn raw(&self) -> *mut Inv {
        Arc::as_ptr(&self.cell).cast_mut().cast()
    }

    /// One call of a module: `call` gets the `faas_inv*` and a fresh token.
    pub(super) fn lend(&mut self, callee: Option<Callee>, call: impl FnOnce(*mut Inv, *mut Tok) -> Status) -> Status {
        assert!(!self.lent, "the invocation is lent to a module");
        if callee.is_some() {
            *self.cell.callee() = callee;
        }
        let status = call(self.raw(), self.token.arm());
        if status == PENDING {
            self.lent = true;
        } else {
            self.token.disarm();
            if callee.is_some() {
                *self.cell.callee() = None;
            }
        }
        status
    }

    /// The end of a call that returned `FAAS_PENDING`; the invocation is the host's again.
    pub fn poll_done(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let status = std::task::ready!(self.token.poll(context));
        self.lent = false;
        *self.cell.callee() = None;
        Poll::Ready(status)
    }
}

impl<I> Drop for Lease<I> {
    fn drop(&mut self) {
        if self.lent {
            core::mem::forget(self.cell.clone());
        }
    }
}

/// Cancels what a [`Lease`] serves, from any thread.
pub struct Cancel<I> {
    cell: Arc<Cell<I>>,
}

impl<I> core::fmt::Debug for Cancel<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cancel").finish_non_exhaustive()
    }
}

impl<I> Clone for Cancel<I> {
    fn clone(&self) -> Self {
        Cancel { cell: self.cell.clone() }
    }
}

impl<I: Send + Sync + 'static> Cancel<I> {
    /// Says `reason` once: `cancelled` answers it from now on, and the running call's own `cancel` is called.
    /// A later reason is ignored.
    pub fn fire(&self, reason: u32) {
        if self.cell.reason.compare_exchange(0, reason, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        // Held during the call, so that the invocation cannot end and begin anew under it.
        let callee = self.cell.callee();
        if let Some(Callee { cancel, this }) = *callee {
            // SAFETY: the callee is set only while its call runs, and the lock keeps it running.
            unsafe { cancel(this, Arc::as_ptr(&self.cell).cast_mut().cast(), reason) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{CANCEL_DEADLINE, OK};
    use crate::host::token::complete;
    use std::task::Waker;

    #[test]
    fn a_pending_call_lends_the_invocation_until_done() {
        let mut lease = Lease::new(7u32);
        let mut token = core::ptr::null_mut();
        let status = lease.lend(None, |_, tok| {
            token = tok;
            PENDING
        });
        assert_eq!(status, PENDING);
        assert!(lease.is_lent());
        let mut context = Context::from_waker(Waker::noop());
        assert!(lease.poll_done(&mut context).is_pending());
        complete(token, OK);
        assert_eq!(lease.poll_done(&mut context), Poll::Ready(OK));
        assert_eq!(*lease.get(), 7);
    }

    #[test]
    fn a_lease_dropped_while_lent_leaks_its_cell() {
        let mut lease = Lease::new(String::from("still in use"));
        let mut seen = core::ptr::null_mut();
        lease.lend(None, |inv, _| {
            seen = inv;
            PENDING
        });
        drop(lease);
        // SAFETY: exactly what the test shows: the cell is not freed; taken back here so that nothing leaks in the test.
        let cell = unsafe { Arc::from_raw(seen.cast::<Cell<String>>().cast_const()) };
        // SAFETY: the lease is gone and no module exists.
        assert_eq!(unsafe { &*cell.inv() }, "still in use");
    }

    unsafe extern "C" fn note(this: *mut c_void, _: *mut Inv, reason: u32) {
        // SAFETY: the test passes a live counter.
        unsafe { &*this.cast::<AtomicU32>() }.fetch_add(reason, Ordering::Relaxed);
    }

    #[test]
    fn cancel_reaches_the_running_call_once_and_no_finished_one() {
        let heard = AtomicU32::new(0);
        let callee = Callee { cancel: note, this: (&raw const heard).cast_mut().cast() };
        let mut lease = Lease::new(());
        let cancel = lease.cancel_handle();
        lease.lend(Some(callee), |_, _| {
            cancel.fire(CANCEL_DEADLINE);
            cancel.fire(CANCEL_DEADLINE);
            OK
        });
        assert_eq!(heard.load(Ordering::Relaxed), CANCEL_DEADLINE);
        assert_eq!(lease.cancelled(), CANCEL_DEADLINE);
        lease.reset();
        cancel.fire(CANCEL_DEADLINE);
        assert_eq!(heard.load(Ordering::Relaxed), CANCEL_DEADLINE, "nothing was running");
    }
}
