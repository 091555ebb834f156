//! `light-bootstrap`: the runtime as a program of its own. Everything is in the library.
//!
//! It starts without what std does before a `main`. Most of that is a signal stack for the message of a stack overflow,
//! whose place std finds by reading `/proc/self/maps`: a tenth of the time until the first poll. The rest, [`run`]
//! does.
#![no_main]
#![allow(unsafe_code, reason = "the name that the C library's start calls")]

use light_runtime::run;
use std::ffi::{c_char, c_int};

// SAFETY: nothing else in the program has this name, and it is what the C library calls, once, with these arguments.
#[unsafe(no_mangle)]
extern "C" fn main(_count: c_int, _arguments: *const *const c_char) -> c_int {
    run()
}
