//! Opens a library with libloading and finds its entry point.
#![allow(unsafe_code, reason = "loading code is what this file is for")]

use faas_abi::{ENTRY_SYMBOL, ModuleEntry};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::c_int;
use std::path::Path;

/// The flag by which the library stays when its handle is dropped; libloading does not offer it.
const RTLD_NODELETE: c_int = 0x1000;

/// Opens the library for the life of the process.
///
/// # Errors
/// The linker's words, or that the library has no entry point.
pub(crate) fn open(path: &Path) -> Result<ModuleEntry, String> {
    // LOCAL, so that no module's symbols are taken for another's; NODELETE, because modules have threads.
    // SAFETY: running the library's initialisers is what loading means.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }
        .map_err(|error| format!("it cannot be loaded: {error}"))?;
    // SAFETY: a symbol of that name is a function of that type (faas.h, P1).
    let entry = unsafe { library.get::<ModuleEntry>(ENTRY_SYMBOL.as_bytes()) };
    let entry = entry.map(|entry| *entry).map_err(|_| faas_unix::loader::no_entry());
    std::mem::forget(library);
    entry
}
