//! A layer's filter of a stream's pieces: calls as a plain method, and one drop.

use super::given::Given;
use crate::constants::{E_INTERNAL, OK};
use crate::tables::{DropFn, FilterFn};
use crate::values::{Buf, Bytes, Status};
use core::ffi::c_void;

/// A function of a module through which the pieces of one stream pass, and its state. Dropping it calls its `drop`.
#[derive(Debug)]
pub struct Filter {
    call: FilterFn,
    arg: *mut c_void,
    drop: Option<DropFn>,
}

// SAFETY: the contract allows the calls on any thread, one at a time, which `&mut self` keeps (faas.h, stream_filter).
unsafe impl Send for Filter {}
// SAFETY: a shared `Filter` gives access to nothing.
unsafe impl Sync for Filter {}

impl Filter {
    /// Makes a filter of the three things that a module gave.
    ///
    /// # Safety
    /// The three must be those that a module gave to `stream_filter`, and this must be their only receiver.
    pub(super) unsafe fn new(call: FilterFn, arg: *mut c_void, drop: Option<DropFn>) -> Filter {
        Filter { call, arg, drop }
    }

    /// Returns the bytes that go out in place of the piece. There may be no bytes. No piece is passed after the last
    /// one.
    ///
    /// # Errors
    /// The error is the status with which the filter failed. One that has no meaning here is `E_INTERNAL`.
    pub fn pass(&mut self, piece: &[u8], is_last: bool) -> Result<Given, Status> {
        let mut out = Buf::EMPTY;
        // SAFETY: `arg` is the module's until `drop`; the piece is borrowed for the call, and `out` is ours.
        let status = unsafe { (self.call)(self.arg, Bytes::of(piece), u32::from(is_last), &raw mut out) };
        // SAFETY: given by the call, whatever it returns (faas.h, stream_filter).
        let out = unsafe { Given::take(out) };
        match status {
            OK => Ok(out),
            ..0 => Err(status),
            _ => Err(E_INTERNAL),
        }
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        if let Some(drop) = self.drop {
            // SAFETY: called once, since `Filter` is not `Clone` and this is its drop.
            unsafe { drop(self.arg) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{E_USER, PENDING};

    /// The state of a filter that counts its calls, and answers with this status.
    struct Counting {
        status: Status,
        calls: u32,
        drops: u32,
    }

    unsafe extern "C" fn call(arg: *mut c_void, piece: Bytes, is_last: u32, out: *mut Buf) -> Status {
        // SAFETY: the tests pass a living `Counting`, which nobody else has during the call.
        let state = unsafe { &mut *arg.cast::<Counting>() };
        state.calls += 1 + is_last * 10;
        // SAFETY: the host's out parameter; the piece outlives what is made of it here.
        unsafe { out.write(Buf { ptr: piece.ptr, len: piece.len / 2, ..Buf::EMPTY }) };
        state.status
    }

    unsafe extern "C" fn drop_it(arg: *mut c_void) {
        // SAFETY: as in `call`.
        unsafe { (*arg.cast::<Counting>()).drops += 1 };
    }

    #[test]
    fn a_filter_gives_what_goes_out_or_its_status_and_is_dropped_once() {
        for (status, expected) in
            [(OK, Ok(&b"ab"[..])), (E_USER, Err(E_USER)), (PENDING, Err(E_INTERNAL)), (77, Err(E_INTERNAL))]
        {
            let mut state = Counting { status, calls: 0, drops: 0 };
            let arg = (&raw mut state).cast();
            // SAFETY: the state outlives the filter, and is read after it alone.
            let mut filter = unsafe { Filter::new(call, arg, Some(drop_it)) };
            let out = filter.pass(b"abcd", true);
            assert_eq!(out.as_ref().map(Given::as_slice).map_err(|status| *status), expected, "{status}");
            drop(filter);
            assert_eq!((state.calls, state.drops), (11, 1));
        }
    }
}
