//! Opens libraries, with checks that name the fault before the linker does in its own words.
#![allow(unsafe_code, reason = "calling into loaded code is what this file is for")]

use faas_abi::host::{CheckedModule, Needs, check_library_file};
use faas_abi::{ENTRY_SYMBOL, MAJOR, MINOR, Module, ModuleEntry};
use faas_core::functions::Loader;
use faas_core::modules::Files;
use std::ffi::{c_char, c_int, c_void};
use std::path::Path;

#[repr(C)]
struct DlInfo {
    file: *const c_char,
    base: *mut c_void,
    symbol: *const c_char,
    address: *mut c_void,
}

unsafe extern "C" {
    fn dladdr(address: *const c_void, info: *mut DlInfo) -> c_int;
}

/// A function that opens a library for the life of the process and finds its entry point.
pub type Open = fn(&Path) -> Result<ModuleEntry, String>;

/// Loads libraries from the file system. They stay loaded for the life of the process.
#[derive(Debug)]
pub struct Libraries(pub Open);

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
        // The path is absolute, so that the linker takes it for a path and searches nowhere.
        let absolute = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let at = |why: String| format!("{}: {why}", absolute.display());
        check_library_file(&absolute).map_err(at)?;
        let entry = (self.0)(&absolute).map_err(at)?;
        // SAFETY: the symbol is a module's entry point by its name; it is pure and takes two numbers (faas.h).
        let module = unsafe { entry(MAJOR, MINOR) };
        // SAFETY: `in_a_library` accepts only addresses inside loaded objects, and this one stays loaded.
        unsafe { CheckedModule::read(module, Needs { features }, &in_a_library) }
            .map_err(|faults| at(format!("it does not fit this runtime: {}", faults.join("; "))))
    }
}

/// Checks a table that is linked into this binary.
///
/// # Errors
/// The message names everything that does not fit.
pub fn linked(module: &'static Module, features: u64) -> Result<CheckedModule, String> {
    // SAFETY: a reference to a static table of this binary, made by the SDK's macros; all it points to is static.
    unsafe { CheckedModule::read(module, Needs { features }, &|_, _| true) }.map_err(|faults| faults.join("; "))
}

/// Returns the message for a library that has no entry point.
pub fn no_entry() -> String {
    format!(
        "expected the symbol {ENTRY_SYMBOL}, found none: it is no module of this contract (handlers-sdk and faas.h make one)"
    )
}

/// Returns the first address of the library that holds this one; 0 if no library does.
fn base(address: *const u8) -> usize {
    let mut info = DlInfo {
        file: std::ptr::null(),
        base: std::ptr::null_mut(),
        symbol: std::ptr::null(),
        address: std::ptr::null_mut(),
    };
    // SAFETY: any address may be asked about; the answer goes into our own struct.
    let found = unsafe { dladdr(address.cast(), &raw mut info) != 0 };
    if found { info.base.addr() } else { 0 }
}

/// Returns `true` if these bytes lie inside one loaded library.
fn in_a_library(address: *const u8, len: usize) -> bool {
    let first = base(address);
    first != 0 && first == base(address.wrapping_add(len.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_gets_a_sentence() {
        let load = |path: &Path| Libraries(|_| Err("not opened here".to_owned())).load(path, 0).unwrap_err();
        let folder = std::env::temp_dir().join(format!("faas-loader-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = folder.join("libtext.so");
        std::fs::write(&text, [b'#'; 100]).unwrap();
        assert!(load(&text).contains("expected an ELF shared library"), "{}", load(&text));
        assert!(load(&folder).contains("expected a shared library, found a directory"), "{}", load(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(load(&text).contains("expected a shared library, found none"), "{}", load(&text));
    }
}
