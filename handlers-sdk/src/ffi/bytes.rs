//! Bytes that cross the border: given away together with the function that frees them, or borrowed for as long as an
//! invocation is held.

use super::held::Held;
use core::ffi::c_void;
use core::sync::atomic::{Ordering, compiler_fence};
use faas_abi::{Buf, Bytes};
use std::ops::Deref;

/// Makes a buffer whose bytes are freed by this module's allocator.
pub(crate) fn give(bytes: Vec<u8>) -> Buf {
    if bytes.is_empty() {
        return Buf::EMPTY;
    }
    let owner = Box::new(bytes);
    let (ptr, len) = (owner.as_ptr(), owner.len());
    Buf { ptr, len, release: Some(release), owner: Box::into_raw(owner).cast() }
}

/// Makes a buffer of bytes that must not be found in freed memory: they are overwritten before it is freed.
pub(crate) fn give_wiped(bytes: Vec<u8>) -> Buf {
    match give(bytes) {
        empty @ Buf { release: None, .. } => empty,
        buf => Buf { release: Some(release_wiped), ..buf },
    }
}

unsafe extern "C" fn release_wiped(owner: *mut c_void) {
    // SAFETY: as in `release`.
    let mut bytes = unsafe { Box::from_raw(owner.cast::<Vec<u8>>()) };
    for byte in bytes.iter_mut() {
        // SAFETY: a byte of ours. Volatile, so that the store to memory that is freed next is not left out.
        unsafe { core::ptr::write_volatile(byte, 0) };
    }
    compiler_fence(Ordering::SeqCst);
}

/// Returns a buffer over static storage.
pub(crate) fn give_static(bytes: &'static [u8]) -> Buf {
    Buf { ptr: bytes.as_ptr(), len: bytes.len(), release: None, owner: core::ptr::null_mut() }
}

unsafe extern "C" fn release(owner: *mut c_void) {
    // SAFETY: `give` made this pointer, and the contract calls `release` once (faas.h, OWNERSHIP).
    drop(unsafe { Box::from_raw(owner.cast::<Vec<u8>>()) });
}

/// Bytes of an invocation, readable wherever this is: it keeps the invocation open.
#[derive(Clone)]
pub(crate) struct InvBytes {
    bytes: Bytes,
    held: Held,
}

impl InvBytes {
    /// Returns the event as it came.
    pub(crate) fn event(held: &Held) -> InvBytes {
        InvBytes { bytes: Bytes::of(held.reader().event()), held: held.clone() }
    }

    /// Returns the body, its base64 undone.
    pub(crate) fn body(held: &Held) -> InvBytes {
        InvBytes { bytes: Bytes::of(held.reader().body()), held: held.clone() }
    }

    /// Gives up the hold if these bytes belong to the invocation of `held`, whose reply they are to be.
    pub(crate) fn lend_to(self, held: &Held) -> Result<Lent, InvBytes> {
        if self.held.is(held) { Ok(Lent(self.bytes)) } else { Err(self) }
    }
}

impl Deref for InvBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: Alive: the bytes live as long as the invocation, which `held` keeps open.
        unsafe { self.bytes.as_slice() }
    }
}

/// Bytes of the invocation whose reply they are. They are made only for the end of that invocation, right before it.
pub(crate) struct Lent(Bytes);

// SAFETY: the bytes are not written while the invocation lives (faas.h: event, "invocation").
unsafe impl Send for Lent {}

impl Lent {
    /// Returns a buffer without a release: memory that lives as long as the invocation.
    pub(crate) fn buf(self) -> Buf {
        Buf { ptr: self.0.ptr, len: self.0.len, release: None, owner: core::ptr::null_mut() }
    }
}

// SAFETY: the bytes are not written while the invocation lives, and `held` is free to move and to be shared.
unsafe impl Send for InvBytes {}
// SAFETY: as for `Send`.
unsafe impl Sync for InvBytes {}

/// Bytes that were given: a part of a request's body, or the answer of a service. They are given back when this is
/// dropped, which may be after the call or the invocation only for those that have a release of their own; the others
/// are copied.
pub(crate) struct Chunk(Buf);

// SAFETY: `release` may be called on any thread, and nobody writes the bytes (faas.h, OWNERSHIP).
unsafe impl Send for Chunk {}
// SAFETY: as for `Send`; sharing only reads.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// Takes over the bytes that a host gave. Bytes that the host does not want back are copied.
    ///
    /// # Safety
    /// `buf` was given: of an invocation that is Alive, or with a call of a service that lasts. This is its only
    /// receiver.
    pub(crate) unsafe fn of(buf: Buf) -> Chunk {
        if buf.release.is_some() || buf.len == 0 {
            return Chunk(buf);
        }
        // SAFETY: readable for as long as the caller promises.
        let bytes = unsafe { core::slice::from_raw_parts(buf.ptr, buf.len) };
        Chunk(give(bytes.to_vec()))
    }

    /// Gives the bytes on to another receiver.
    pub(crate) fn into_buf(self) -> Buf {
        std::mem::ManuallyDrop::new(self).0
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        let bytes = Bytes { ptr: self.0.ptr, len: self.0.len };
        // SAFETY: readable and unchanged until `release`, which only our drop calls (faas.h, OWNERSHIP).
        unsafe { bytes.as_slice() }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: called once: this is the only receiver, and its drop.
            unsafe { release(self.0.owner) }
        }
    }
}
