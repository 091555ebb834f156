//! Opens libraries, with checks that say what is wrong before the linker does in its own words.
#![allow(unsafe_code, reason = "loading code is what this file is for")]

use faas_abi::host::{CheckedModule, Needs, check_library_file};
use faas_abi::{ENTRY_SYMBOL, MAJOR, MINOR, Module, ModuleEntry};
use faas_core::lifecycle::Loader;
use faas_core::modules::Files;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use std::ffi::{c_char, c_int, c_void};
use std::path::Path;

/// Not offered by libloading: the library stays when its handle goes.
const RTLD_NODELETE: c_int = 0x1000;

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

/// Loads libraries from the file system. They stay loaded for the life of the process.
///
/// A file that is asked for under two paths is one library: the linker compares device and inode.
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
        // Absolute, so that the linker takes it for a path and searches nowhere.
        let path = std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))?;
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
pub(crate) fn linked(module: &'static Module, features: u64) -> Result<CheckedModule, String> {
    // SAFETY: a reference to a static table of this binary; all it points to is static.
    unsafe { CheckedModule::read(module, Needs { features }, &|_, _| true) }.map_err(|faults| faults.join("; "))
}

fn open(path: &Path) -> Result<ModuleEntry, String> {
    // LOCAL, so that no module's symbols are taken for another's; NODELETE, because modules have threads.
    // SAFETY: running the library's initialisers is what loading means.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }
        .map_err(|error| format!("it cannot be loaded: {error}"))?;
    // SAFETY: a symbol of that name is a function of that type (faas.h, P1).
    let entry = unsafe { library.get::<ModuleEntry>(ENTRY_SYMBOL.as_bytes()) };
    let entry = entry.map(|entry| *entry).map_err(|_| {
        format!(
            "expected the symbol {ENTRY_SYMBOL}, found none: it is no module of this contract (handlers-sdk and faas.h make one)"
        )
    });
    std::mem::forget(library);
    entry
}

/// Is this address inside a loaded library?
fn in_a_library(address: *const u8, len: usize) -> bool {
    let base = |address: *const u8| {
        let mut info = DlInfo {
            file: std::ptr::null(),
            base: std::ptr::null_mut(),
            symbol: std::ptr::null(),
            address: std::ptr::null_mut(),
        };
        // SAFETY: any address may be asked about; the answer goes into our own struct.
        (unsafe { dladdr(address.cast(), &raw mut info) } != 0).then_some(info.base)
    };
    let first = base(address);
    first.is_some() && first == base(address.wrapping_add(len.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_gets_a_sentence() {
        let load = |path: &Path| Libraries.load(path, 0).unwrap_err();
        let folder = std::env::temp_dir().join(format!("engine-loader-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let text = folder.join("libtext.so");
        std::fs::write(&text, [b'#'; 100]).unwrap();
        assert!(load(&text).contains("expected an ELF shared library"), "{}", load(&text));
        assert!(load(&folder).contains("expected a shared library, found a directory"), "{}", load(&folder));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(load(&text).contains("expected a shared library, found none"), "{}", load(&text));
    }

    #[test]
    fn only_addresses_of_loaded_objects_are_followed() {
        static DATA: [u8; 64] = [1; 64];
        assert!(in_a_library(DATA.as_ptr(), DATA.len()));
        let heap = Box::new([0u8; 64]);
        assert!(!in_a_library(heap.as_ptr(), heap.len()));
        assert!(!in_a_library(std::ptr::without_provenance(8), 8));
        assert!(!in_a_library(DATA.as_ptr(), usize::MAX / 2));
    }
}
