//! A function without the project: std alone, as a library that cargo makes of it. A host pays for loading it as for
//! any Rust library, its unwinder included; the cost of a runtime's start is the part above that.

use std::panic::catch_unwind;
use std::ptr::null_mut;

/// Copies the event. Null if that panics; `plain_release` frees the copy.
///
/// # Safety
/// `event` is readable for `len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plain_echo(event: *const u8, len: usize) -> *mut u8 {
    // SAFETY: the caller's word.
    let event = unsafe { std::slice::from_raw_parts(event, len) };
    let copied = catch_unwind(|| Box::into_raw(Box::<[u8]>::from(event)));
    copied.map_or(null_mut(), |copy| copy.cast())
}

/// Frees a copy.
///
/// # Safety
/// `copy` came from `plain_echo` for an event of `len` bytes, and is freed once.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn plain_release(copy: *mut u8, len: usize) {
    // SAFETY: the caller's word.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(copy, len)) });
}
