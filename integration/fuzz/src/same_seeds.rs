//! Hash maps with the same seed in every process: a run of a target tries the same inputs as the one before it, and a
//! finding is found again. It says nothing about the code under test.

use std::ffi::{c_uint, c_void};

/// Stands in for the system's source of random bytes, from which the standard library takes the seeds of its hash maps.
///
/// # Safety
/// `buffer` points to `length` bytes that may be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, _flags: c_uint) -> isize {
    // SAFETY: the caller vouches for `length` writable bytes at `buffer`, as the function of this name asks of it.
    unsafe { buffer.cast::<u8>().write_bytes(0, length) };
    length.cast_signed()
}
