//! One invocation's place in memory, and the side that has it: the host, or a module.
//!
//! A `faas_inv*` is the address of a [`Cell`]. Between calls the host owns what is inside; during a call, and until
//! `done` after a pending one, the module does, and [`Lease`] refuses access. A lease dropped while lent leaks its
//! cell: memory under a running module is never freed.

use super::calls::{Callee, Calls};
use super::token::Token;
use crate::constants::PENDING;
use crate::tables::{Inv, Tok};
use crate::values::Status;
use core::cell::UnsafeCell;
use std::sync::Arc;
use std::task::{Context, Poll};

/// An invocation with a stamp: ids that lines of the log are written with. They are kept beside it, so that a line can
/// be written by any thread at any time.
pub trait Stamped: Send + Sync + 'static {
    /// Holds the ids that log lines are written with.
    type Stamp: Default + Send + Sync + 'static;
    /// Writes the ids over those of the one before, ahead of the first call of a module's. They stand still from then
    /// on.
    fn stamp(&self, stamp: &mut Self::Stamp);
}

pub(super) struct Cell<I: Stamped> {
    calls: Calls,
    stamp: UnsafeCell<I::Stamp>,
    inv: UnsafeCell<I>,
}

// SAFETY: `calls` is made for sharing. `inv` is reached through a `Lease` only while it is not lent, and
// by a module's calls only while it is: faas.h, THREADS, orders the latter among themselves. `stamp` is written by the
// lease before the first call of an invocation, when no module has it, and only read from then on.
unsafe impl<I: Stamped> Sync for Cell<I> {}

impl<I: Stamped> Cell<I> {
    /// Returns the ids for lines of the log, for the modules that have the invocation.
    pub(super) fn stamp(&self) -> &I::Stamp {
        // SAFETY: modules have the invocation from its first call on, and nobody writes the ids from then on.
        unsafe { &*self.stamp.get() }
    }

    /// Returns the reason of a cancel, or 0. It may be called from any thread.
    pub(super) fn reason(&self) -> u32 {
        self.calls.reason()
    }

    /// Returns the invocation, for the calls of the module that has it.
    pub(super) fn inv(&self) -> *mut I {
        self.inv.get()
    }
}

/// An invocation that is either the host's or lent to a module.
pub struct Lease<I: Stamped> {
    cell: Arc<Cell<I>>,
    token: Token,
    lent: bool,
    /// `true` if the invocation has its stamp.
    is_stamped: bool,
}

impl<I: Stamped> core::fmt::Debug for Lease<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Lease").field("lent", &self.lent).finish_non_exhaustive()
    }
}

impl<I: Stamped> Lease<I> {
    /// Gives an invocation a place in memory.
    pub fn new(inv: I) -> Self {
        let cell = Cell { calls: Calls::new(), stamp: UnsafeCell::default(), inv: UnsafeCell::new(inv) };
        Lease { cell: Arc::new(cell), token: Token::new(), lent: false, is_stamped: false }
    }

    /// Reads the invocation.
    ///
    /// # Panics
    /// A module has it, which is a bug in the host's order of calls.
    pub fn get(&self) -> &I {
        assert!(!self.lent, "the invocation is lent to a module");
        // SAFETY: not lent, so only this lease reaches `inv`, and `&self` keeps writers out.
        unsafe { &*self.cell.inv.get() }
    }

    /// Changes the invocation.
    ///
    /// # Panics
    /// A module has it, which is a bug in the host's order of calls.
    pub fn get_mut(&mut self) -> &mut I {
        assert!(!self.lent, "the invocation is lent to a module");
        // SAFETY: not lent, so only this lease reaches `inv`, and `&mut self` makes it exclusive.
        unsafe { &mut *self.cell.inv.get() }
    }

    /// Returns `true` while a module's call is running.
    pub fn is_lent(&self) -> bool {
        self.lent
    }

    /// Forgets a cancel and the stamp, before the place serves another invocation: it gets the next
    /// [`serial`](Lease::serial).
    pub fn reset(&mut self) {
        self.cell.calls.reset();
        self.is_stamped = false;
    }

    /// Stamps the invocation, if it is about to have its first call.
    #[inline]
    fn stamp(&mut self) {
        assert!(!self.lent, "the invocation is lent to a module");
        if !std::mem::replace(&mut self.is_stamped, true) {
            // SAFETY: no module has had this invocation, so nobody else reads the ids, and `&mut self` keeps other
            // writers out.
            self.get().stamp(unsafe { &mut *self.cell.stamp.get() });
        }
    }

    /// Returns the number of the invocation this place is serving, for [`Cancel::fire_for`].
    pub fn serial(&self) -> u32 {
        self.cell.calls.serial()
    }

    /// Returns a handle through which another thread may cancel whatever this place is serving.
    pub fn cancel_handle(&self) -> Cancel<I> {
        Cancel { cell: self.cell.clone() }
    }

    /// Returns the reason of a cancel, or 0.
    pub fn cancelled(&self) -> u32 {
        self.cell.reason()
    }

    /// Hears of a cancel while the host itself works for the invocation: `heard` is called with the reason, once, from
    /// any thread, until the [`CancelHook`] is dropped. A cancel that came before is in [`cancelled`](Lease::cancelled)
    /// alone. No module may be called for this invocation meanwhile.
    pub fn hear_cancel(&mut self, heard: impl Fn(u32) + Send + Sync + 'static) -> CancelHook<I> {
        assert!(!self.lent, "the invocation is lent to a module");
        let heard = Box::new(Heard(Box::new(heard)));
        let this = (&raw const *heard).cast_mut().cast();
        self.cell.calls.begin(Callee { cancel: tell_host, this });
        CancelHook { cell: self.cell.clone(), _heard: heard }
    }

    pub(super) fn raw(&self) -> *mut Inv {
        Arc::as_ptr(&self.cell).cast_mut().cast()
    }

    /// Makes one call of a module: `call` gets the `faas_inv*` and a fresh token.
    pub(super) fn lend(&mut self, callee: Option<Callee>, call: impl FnOnce(*mut Inv, *mut Tok) -> Status) -> Status {
        self.stamp();
        if let Some(callee) = callee {
            self.cell.calls.begin(callee);
        }
        let status = call(self.raw(), self.token.arm());
        if status == PENDING {
            self.lent = true;
        } else {
            self.token.disarm();
            if callee.is_some() {
                self.cell.calls.end();
            }
        }
        status
    }

    /// Makes one call of a module that has no token: the invocation is the host's again when it returns, whatever it
    /// returns.
    pub(super) fn lend_inline(&mut self, call: impl FnOnce(*mut Inv) -> Status) -> Status {
        self.stamp();
        call(self.raw())
    }

    /// Returns the end of a call that returned `FAAS_PENDING`; the invocation is the host's again.
    pub fn poll_done(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        let status = std::task::ready!(self.token.poll(context));
        self.lent = false;
        self.cell.calls.end();
        Poll::Ready(status)
    }
}

impl<I: Stamped> Drop for Lease<I> {
    fn drop(&mut self) {
        if self.lent {
            core::mem::forget(self.cell.clone());
        }
    }
}

/// The host's own code that hears of a cancel.
struct Heard(Box<dyn Fn(u32) + Send + Sync>);

/// Hands a reason of cancel to the hook of a host that works for an invocation itself. Such a host has this as its
/// `cancel`.
unsafe extern "C" fn tell_host(this: *mut core::ffi::c_void, _: *mut Inv, reason: u32) {
    // SAFETY: `hear_cancel` gives the address of a box that its hook keeps until this cannot be called any more.
    let heard = unsafe { &*this.cast_const().cast::<Heard>() };
    (heard.0)(reason);
}

/// The host hears of a cancel as long as this lives: see [`Lease::hear_cancel`].
pub struct CancelHook<I: Stamped> {
    cell: Arc<Cell<I>>,
    _heard: Box<Heard>,
}

impl<I: Stamped> core::fmt::Debug for CancelHook<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CancelHook").finish_non_exhaustive()
    }
}

impl<I: Stamped> Drop for CancelHook<I> {
    fn drop(&mut self) {
        // This returns when nobody is being told, and nobody is told from here on: only then is the box freed.
        self.cell.calls.end();
    }
}

/// A handle that cancels the invocation which a [`Lease`] serves, from any thread.
pub struct Cancel<I: Stamped> {
    cell: Arc<Cell<I>>,
}

impl<I: Stamped> core::fmt::Debug for Cancel<I> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Cancel").finish_non_exhaustive()
    }
}

impl<I: Stamped> Clone for Cancel<I> {
    fn clone(&self) -> Self {
        Cancel { cell: self.cell.clone() }
    }
}

impl<I: Stamped> Cancel<I> {
    /// Says `reason` once about whatever is being served: `cancelled` returns it from now on, and the running call's
    /// own `cancel` is called. A later reason is ignored.
    pub fn fire(&self, reason: u32) {
        self.fire_for(self.cell.calls.serial(), reason);
    }

    /// Does the same as [`fire`](Cancel::fire), if the place is still serving that invocation ([`Lease::serial`]): for
    /// a clock that may be late.
    pub fn fire_for(&self, serial: u32, reason: u32) {
        self.cell.calls.fire(serial, reason, Arc::as_ptr(&self.cell).cast_mut().cast());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{CANCEL_DEADLINE, OK};
    use crate::host::token::complete;
    use core::ffi::c_void;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Waker;

    /// Makes `()`, `u32` and `String` invocations without ids.
    macro_rules! unstamped {
        ($($of:ty),*) => {$(
            impl Stamped for $of {
                type Stamp = ();
                fn stamp(&self, (): &mut ()) {}
            }
        )*};
    }

    unstamped!((), u32, String);

    /// An invocation that is its own id.
    struct Id(u32);

    impl Stamped for Id {
        type Stamp = u32;
        fn stamp(&self, stamp: &mut u32) {
            *stamp = self.0;
        }
    }

    #[test]
    fn the_stamp_is_that_of_the_first_call_until_another_invocation_has_the_place() {
        let mut lease = Lease::new(Id(1));
        lease.lend_inline(|_| OK);
        lease.get_mut().0 = 2;
        lease.lend(None, |_, _| OK);
        assert_eq!(*lease.cell.stamp(), 1);
        lease.reset();
        lease.lend(None, |_, _| OK);
        assert_eq!(*lease.cell.stamp(), 2);
    }

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
        // SAFETY: exactly what the test shows: the cell is not freed; taken back here so that nothing leaks in the
        // test.
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

    #[test]
    fn the_host_hears_of_a_cancel_once_and_not_after_its_work() {
        let heard = Arc::new(AtomicU32::new(0));
        let mut lease = Lease::new(());
        let cancel = lease.cancel_handle();
        let note = heard.clone();
        let hook = lease.hear_cancel(move |reason| {
            note.fetch_add(reason, Ordering::Relaxed);
        });
        cancel.fire(CANCEL_DEADLINE);
        cancel.fire(CANCEL_DEADLINE);
        assert_eq!((heard.load(Ordering::Relaxed), lease.cancelled()), (CANCEL_DEADLINE, CANCEL_DEADLINE));
        drop(hook);
        lease.reset();
        cancel.fire(CANCEL_DEADLINE);
        assert_eq!(heard.load(Ordering::Relaxed), CANCEL_DEADLINE, "the work is over");
        assert_eq!(Arc::strong_count(&heard), 1, "what hears is freed with the hook");
    }

    #[test]
    fn a_late_clock_does_not_cancel_the_next_invocation() {
        let heard = AtomicU32::new(0);
        let callee = Callee { cancel: note, this: (&raw const heard).cast_mut().cast() };
        let mut lease = Lease::new(());
        let cancel = lease.cancel_handle();
        let first = lease.serial();
        lease.reset();
        lease.lend(Some(callee), |_, _| {
            cancel.fire_for(first, CANCEL_DEADLINE);
            OK
        });
        assert_eq!(heard.load(Ordering::Relaxed), 0);
        assert_eq!(lease.cancelled(), 0);
    }
}
