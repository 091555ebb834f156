//! The frozen value types, passed by value. Rule P4 of `faas.h`: they never change.

use core::ffi::c_void;

/// The result of a call: zero or more is flow, less is failure.
pub type Status = i32;

/// Borrowed bytes; see OWNERSHIP in `faas.h`. `ptr` may be null only if `len` is 0.
///
/// ```
/// use faas_abi::Bytes;
///
/// let lent = Bytes::of(b"abc");
/// // SAFETY: the bytes are static.
/// assert_eq!(unsafe { lent.as_slice() }, b"abc");
/// // SAFETY: there is nothing to read.
/// assert_eq!(unsafe { Bytes::EMPTY.as_slice() }, b"");
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Bytes {
    /// The address of the first byte.
    pub ptr: *const u8,
    /// The number of bytes.
    pub len: usize,
}

// SAFETY: a `Bytes` is an address and a length; whoever dereferences it answers for lifetime and sharing.
unsafe impl Send for Bytes {}
// SAFETY: as above; the bytes behind a shared `Bytes` are not written while it is readable (faas.h, OWNERSHIP).
unsafe impl Sync for Bytes {}

impl Bytes {
    /// No bytes: a null pointer and the length 0.
    pub const EMPTY: Bytes = Bytes { ptr: core::ptr::null(), len: 0 };

    /// Borrows a slice. The result must not outlive it; the receiver's rules say for how long it reads.
    pub const fn of(slice: &[u8]) -> Bytes {
        Bytes { ptr: slice.as_ptr(), len: slice.len() }
    }

    /// Reads as a slice; a null pointer is the empty slice.
    ///
    /// # Safety
    /// If `ptr` is not null, `ptr..ptr+len` must be initialised, and neither freed nor written during `'a`.
    pub const unsafe fn as_slice<'a>(self) -> &'a [u8] {
        if self.ptr.is_null() || self.len == 0 {
            return &[];
        }
        // SAFETY: not null and non-empty here; the rest is the caller's promise.
        unsafe { core::slice::from_raw_parts(self.ptr, self.len) }
    }
}

/// A name and its value.
///
/// ```
/// use faas_abi::{Bytes, Pair};
///
/// let header = Pair { name: Bytes::of(b"etag"), value: Bytes::of(b"7") };
/// assert_eq!((header.name.len, header.value.len), (4, 1));
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The name of the pair.
    pub name: Bytes,
    /// The value of the pair.
    pub value: Bytes,
}

impl Pair {
    /// A pair of two empty texts.
    pub const EMPTY: Pair = Pair { name: Bytes::EMPTY, value: Bytes::EMPTY };
}

/// A named value beside a log line's message.
///
/// ```
/// use faas_abi::{Bytes, Field};
///
/// let field = Field { name: Bytes::of(b"order"), value: Bytes::of(b"7"), ..Field::EMPTY };
/// assert_eq!((field.kind, field.reserved), (0, 0), "a text");
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// The name of the field.
    pub name: Bytes,
    /// The value of the field.
    pub value: Bytes,
    /// The kind of the value, by which it is read: `FAAS_TEXT` or `FAAS_JSON`.
    pub kind: u32,
    /// A member that has to be 0 until a later version gives it a meaning.
    pub reserved: u32,
}

impl Field {
    /// A field with no name and an empty text.
    pub const EMPTY: Field = Field { name: Bytes::EMPTY, value: Bytes::EMPTY, kind: 0, reserved: 0 };
}

/// Given bytes: the receiver calls `release(owner)` exactly once, on any thread.
///
/// ```
/// use faas_abi::Buf;
/// use std::ffi::c_void;
///
/// unsafe extern "C" fn release(owner: *mut c_void) {
///     // SAFETY: it is the vector that `give` has boxed, and this is called once.
///     drop(unsafe { Box::from_raw(owner.cast::<Vec<u8>>()) });
/// }
///
/// /// Gives a vector away without a copy.
/// fn give(bytes: Vec<u8>) -> Buf {
///     let owner = Box::new(bytes);
///     let (ptr, len) = (owner.as_ptr(), owner.len());
///     Buf { ptr, len, release: Some(release), owner: Box::into_raw(owner).cast() }
/// }
///
/// let given = give(b"abc".to_vec());
/// // SAFETY: nobody else releases it.
/// given.release.into_iter().for_each(|release| unsafe { release(given.owner) });
/// ```
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Buf {
    /// The address of the first byte; may be null only if `len` is 0.
    pub ptr: *const u8,
    /// The number of bytes.
    pub len: usize,
    /// The function that frees the bytes. It is `None` for static storage, or memory that lives as long as the
    /// invocation.
    pub release: Option<unsafe extern "C" fn(owner: *mut c_void)>,
    /// The argument that `release` is called with.
    pub owner: *mut c_void,
}

impl Buf {
    /// No bytes, with nothing to release.
    pub const EMPTY: Buf = Buf { ptr: core::ptr::null(), len: 0, release: None, owner: core::ptr::null_mut() };
}
