//! Opens libraries: `dlopen` with checks that say what is wrong before the linker does in its own words.
#![allow(unsafe_code, reason = "loading code is what this file is for")]

use faas_abi::host::{CheckedModule, Needs, check_library_file};
use faas_abi::{ENTRY_SYMBOL, MAJOR, MINOR, ModuleEntry};
use faas_core::lifecycle::Loader;
use faas_core::modules::Files;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const RTLD_NOW: c_int = 2;
const RTLD_LOCAL: c_int = 0;
const RTLD_NODELETE: c_int = 0x1000;

#[repr(C)]
struct DlInfo {
    file: *const c_char,
    base: *mut c_void,
    symbol: *const c_char,
    address: *mut c_void,
}

unsafe extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
    fn dlerror() -> *mut c_char;
    fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
}

/// Loads libraries from the file system. They stay loaded for the life of the process.
#[derive(Debug)]
pub(crate) struct Libraries;

impl Files for Libraries {
    fn exists(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok()
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
    }
}

impl Loader for Libraries {
    fn load(&self, path: &Path, features: u64) -> Result<CheckedModule, String> {
        let at = |why: String| format!("{}: {why}", path.display());
        let path = std::path::absolute(path).map_err(|error| at(error.to_string()))?;
        let at = |why: String| format!("{}: {why}", path.display());
        check_library_file(&path).map_err(at)?;
        let entry = open(&path).map_err(at)?;
        // SAFETY: the symbol is a module's entry point by its name; it is pure and takes two numbers (faas.h).
        let module = unsafe { entry(MAJOR, MINOR) };
        // SAFETY: `in_a_library` accepts only addresses inside loaded objects, and this one stays loaded.
        unsafe { CheckedModule::read(module, Needs { features }, &in_a_library) }
            .map_err(|faults| at(format!("it does not fit this runtime: {}", faults.join("; "))))
    }
}

/// A table linked into this binary.
///
/// # Errors
/// Everything that does not fit.
pub(crate) fn linked(module: &'static faas_abi::Module, features: u64) -> Result<CheckedModule, String> {
    // SAFETY: a reference to a static table of this binary, made by the SDK's macros; all it points to is static.
    unsafe { CheckedModule::read(module, Needs { features }, &|_, _| true) }.map_err(|faults| faults.join("; "))
}

fn open(path: &Path) -> Result<ModuleEntry, String> {
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
        return Err(format!(
            "expected the symbol {ENTRY_SYMBOL}, found none: it is no module of this contract (handlers-sdk and faas.h make one)"
        ));
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

/// Is this address inside a loaded library?
fn in_a_library(address: *const u8, len: usize) -> bool {
    let known = |address: *const u8| {
        let mut info = DlInfo {
            file: std::ptr::null(),
            base: std::ptr::null_mut(),
            symbol: std::ptr::null(),
            address: std::ptr::null_mut(),
        };
        // SAFETY: any address may be asked about; the answer goes into our own struct.
        unsafe { dladdr(address.cast(), &raw mut info) != 0 }
    };
    known(address) && known(address.wrapping_add(len.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_gets_a_sentence() {
        let load = |path: &Path| Libraries.load(path, 0).unwrap_err();
        let folder = std::env::temp_dir().join(format!("light-loader-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = folder.join("libtext.so");
        std::fs::write(&text, [b'#'; 100]).unwrap();
        assert!(load(&text).contains("expected an ELF shared library"), "{}", load(&text));
        assert!(load(&folder).contains("expected a shared library, found a directory"), "{}", load(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(load(&text).contains("expected a shared library, found none"), "{}", load(&text));
    }
}
