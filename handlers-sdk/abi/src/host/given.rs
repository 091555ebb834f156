//! Bytes that one side gave to the other, released exactly once.

use crate::values::{Buf, Bytes};
use core::ffi::c_void;

/// Owned bytes: the host's own, or a module's with its `release`.
#[derive(Debug)]
pub enum Given {
    /// Bytes of the host's own.
    Host(Vec<u8>),
    /// Bytes that a module lets go of.
    Module(ModuleBuf),
}

/// A module's buffer. Dropping it calls its `release`.
#[derive(Debug)]
pub struct ModuleBuf(Buf);

// SAFETY: `release` may be called on any thread, and the bytes are not written while the host has them (faas.h,
// OWNERSHIP); the module keeps that.
unsafe impl Send for ModuleBuf {}
// SAFETY: as for `Send`; sharing only reads.
unsafe impl Sync for ModuleBuf {}

impl Given {
    /// No bytes, which take no memory.
    pub const EMPTY: Given = Given::Host(Vec::new());

    /// Takes over a buffer that a module passed.
    ///
    /// # Safety
    /// `buf` must obey faas.h OWNERSHIP "given", and this must be its only receiver.
    pub unsafe fn take(buf: Buf) -> Given {
        Given::Module(ModuleBuf(buf))
    }

    /// Returns `true` if there is nothing to release, so that it may be memory that lives only as long as the
    /// invocation.
    pub fn is_borrowed(&self) -> bool {
        matches!(self, Given::Module(module) if module.0.release.is_none() && module.0.len > 0)
    }

    /// Returns the bytes, whichever side they belong to.
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Given::Host(bytes) => bytes,
            Given::Module(ModuleBuf(buf)) => {
                let bytes = Bytes { ptr: buf.ptr, len: buf.len };
                // SAFETY: readable and unchanged until `release`, which only our drop calls (faas.h, OWNERSHIP).
                unsafe { bytes.as_slice() }
            }
        }
    }
}

/// A part of a request's body, on its way to a module. An empty part is the end.
#[derive(Debug)]
pub enum Chunk<'a> {
    /// Bytes that live as long as the invocation.
    Lent(&'a [u8]),
    /// Bytes that the module gives back.
    Owned(Vec<u8>),
}

impl Chunk<'_> {
    /// Returns the part in the form in which the contract hands it over.
    pub(super) fn into_buf(self) -> Buf {
        match self {
            Chunk::Owned(bytes) if !bytes.is_empty() => {
                let owner = Box::new(bytes);
                let (ptr, len) = (owner.as_ptr(), owner.len());
                Buf { ptr, len, release: Some(release_bytes), owner: Box::into_raw(owner).cast() }
            }
            Chunk::Owned(_) => Buf::EMPTY,
            Chunk::Lent(bytes) => Buf { ptr: bytes.as_ptr(), len: bytes.len(), ..Buf::EMPTY },
        }
    }
}

unsafe extern "C" fn release_bytes(owner: *mut c_void) {
    // SAFETY: `into_buf` made it of a box, and a module calls this once (faas.h, OWNERSHIP).
    drop(unsafe { Box::from_raw(owner.cast::<Vec<u8>>()) });
}

impl From<Vec<u8>> for Given {
    fn from(bytes: Vec<u8>) -> Self {
        Given::Host(bytes)
    }
}

impl AsRef<[u8]> for Given {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl Drop for ModuleBuf {
    fn drop(&mut self) {
        if let Some(release) = self.0.release {
            // SAFETY: called once, since `ModuleBuf` is not `Clone` and this is its drop.
            unsafe { release(self.0.owner) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::c_void;
    use std::sync::atomic::{AtomicU32, Ordering};

    unsafe extern "C" fn count(owner: *mut c_void) {
        // SAFETY: the tests pass a live counter as owner.
        unsafe { &*owner.cast::<AtomicU32>() }.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn release_is_called_exactly_once() {
        let released = AtomicU32::new(0);
        let buf =
            Buf { ptr: b"abc".as_ptr(), len: 3, release: Some(count), owner: (&raw const released).cast_mut().cast() };
        // SAFETY: the bytes are static and the counter outlives the buffer.
        let given = unsafe { Given::take(buf) };
        assert_eq!(given.as_slice(), b"abc");
        assert_eq!(released.load(Ordering::Relaxed), 0);
        drop(given);
        assert_eq!(released.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_chunk_that_is_handed_over_is_given_back_by_its_release() {
        let buf = Chunk::Owned(b"chunk".to_vec()).into_buf();
        assert!(buf.release.is_some());
        // SAFETY: it was made just above, and this is its only receiver.
        assert_eq!(unsafe { Given::take(buf) }.as_slice(), b"chunk");
        for (chunk, expected) in [(Chunk::Lent(b"lent"), &b"lent"[..]), (Chunk::Owned(Vec::new()), b"")] {
            let buf = chunk.into_buf();
            assert!(buf.release.is_none());
            // SAFETY: as above.
            assert_eq!(unsafe { Given::take(buf) }.as_slice(), expected);
        }
    }

    #[test]
    fn a_null_pointer_with_length_zero_is_empty() {
        // SAFETY: an empty buffer owns nothing.
        let given = unsafe { Given::take(Buf::EMPTY) };
        assert_eq!(given.as_slice(), b"");
        assert!(!given.is_borrowed());
    }
}
