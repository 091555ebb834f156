//! Carries a call's work for after its reply from the call to the phase Replied of the same invocation, in a slot.

use crate::executor::after_reply::AfterReply;
use crate::ffi::held::Later;
use crate::ffi::{Held, Writer};
use crate::panics::catch_aside;
use core::ffi::c_void;
use core::sync::atomic::AtomicU8;
use faas_abi::{NUM_AFTER_REPLY, OK};
use std::sync::{Mutex, PoisonError};

/// Its address is the slot's key. An atomic, so that it is never merged with another constant.
static KEY: AtomicU8 = AtomicU8::new(1);

/// The value of the slot: the work, until the phase takes it.
struct Slot(Mutex<Option<Box<AfterReply>>>);

impl Slot {
    fn take(&self) -> Option<Box<AfterReply>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

fn key() -> *const c_void {
    (&raw const KEY).cast()
}

unsafe extern "C" fn drop_slot(slot: *mut c_void) {
    // SAFETY: `keep` made this pointer, and a slot is dropped once (faas.h, set_slot).
    let slot = unsafe { Box::from_raw(slot.cast::<Slot>()) };
    // Without a phase after the reply, as when the reader of the reply has gone, the work is done here all the same.
    if let Some(work) = slot.take() {
        catch_aside(|| work.adrift());
    }
}

impl Later for AfterReply {
    fn keep(self: Box<Self>, writer: &mut Writer<'_>) {
        let slot = Box::into_raw(Box::new(Slot(Mutex::new(Some(self))))).cast();
        if writer.set_slot(key(), slot, drop_slot) == OK {
            // If the host refuses, the work is done when the slot is dropped.
            writer.set_num(NUM_AFTER_REPLY, 1);
        } else {
            // SAFETY: the host did not take it.
            unsafe { drop_slot(slot) };
        }
    }
}

/// Takes the work that this invocation's call has left, in the phase Replied. Returns `None` if it left no work.
pub(crate) fn take(held: &Held) -> Option<Box<AfterReply>> {
    let slot = held.reader().slot(key()).cast::<Slot>();
    // SAFETY: null, or what `keep` put under our key. It lives as long as the invocation, and nobody changes it but
    // under its lock.
    unsafe { slot.as_ref() }?.take()
}
