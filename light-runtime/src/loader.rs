//! Opens a library with `dlopen` and finds its entry point.
#![allow(unsafe_code, reason = "loading code is what this file is for")]

use faas_abi::{ENTRY_SYMBOL, ModuleEntry};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const RTLD_NOW: c_int = 2;
const RTLD_LOCAL: c_int = 0;
const RTLD_NODELETE: c_int = 0x1000;

unsafe extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *mut c_char;
}

/// Opens the library for the life of the process.
///
/// # Errors
/// The linker's words, or that the library has no entry point.
pub(crate) fn open(path: &Path) -> Result<ModuleEntry, String> {
    let file = CString::new(path.as_os_str().as_bytes()).map_err(|_| "the path holds a zero byte".to_owned())?;
    // Opened for ever: NODELETE, and no handle is kept. LOCAL, so that no module's symbols are taken for another's.
    // SAFETY: a zero-terminated path; running the library's initialisers is what loading means.
    let handle = unsafe { dlopen(file.as_ptr(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) };
    if handle.is_null() {
        return Err(format!("it cannot be loaded: {}", last_error()));
    }
    let name = CString::new(ENTRY_SYMBOL).unwrap_or_default();
    // SAFETY: a live handle and a zero-terminated name.
    let symbol = unsafe { dlsym(handle, name.as_ptr()) };
    if symbol.is_null() {
        return Err(faas_unix::loader::no_entry());
    }
    // SAFETY: a symbol of that name is a function of that type (faas.h, P1); both are plain addresses.
    Ok(unsafe { std::mem::transmute::<*mut c_void, ModuleEntry>(symbol) })
}

fn last_error() -> String {
    // SAFETY: takes nothing; the text is the thread's own until its next call.
    let text = unsafe { dlerror() };
    if text.is_null() {
        return "the linker gives no reason".to_owned();
    }
    // SAFETY: not null, zero-terminated, and read before any other call.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
