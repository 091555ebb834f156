//! The modules of a test, in the place of libraries on a disk.

use crate::ffi::checked::checked;
use faas_abi::Module;
use faas_abi::host::CheckedModule;
use faas_core::functions::Loader;
use faas_core::modules::{Files, Roots};
use std::path::{Path, PathBuf};

/// The folder that the libraries seem to be in.
const FOLDER: &str = "/test";

/// Modules under the names of the libraries that they would be.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    books: Vec<(String, &'static Module)>,
}

impl Shelf {
    /// Puts a module on it, and returns the library's name: that of its first entry, if no other library has it.
    pub(super) fn put(&mut self, module: &'static Module, wanted: &str) -> String {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_free = |name: &str| self.books.iter().all(|(other, _)| other != name);
        let name = match wanted {
            wanted if !wanted.is_empty() && wanted.chars().all(is_plain) && is_free(wanted) => wanted.to_owned(),
            _ => format!("module{}", self.books.len() + 1),
        };
        self.books.push((name.clone(), module));
        name
    }

    pub(super) fn roots() -> Roots {
        Roots { task: PathBuf::from(FOLDER) }
    }

    fn find(&self, path: &Path) -> Option<&'static Module> {
        let library = path.strip_prefix(FOLDER).ok()?.to_str()?.strip_prefix("lib")?.strip_suffix(".so")?;
        self.books.iter().find(|(name, _)| name == library).map(|(_, module)| *module)
    }
}

impl Files for Shelf {
    fn exists(&self, path: &Path) -> bool {
        self.find(path).is_some()
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

impl Loader for Shelf {
    fn load(&self, path: &Path, features: u64) -> Result<CheckedModule, String> {
        let module = self.find(path).ok_or_else(|| format!("{}: no such module in the test", path.display()))?;
        checked(module, features).map_err(|faults| faults.join("; "))
    }
}
