//! Takes a module's tables apart for the test kit.

use faas_abi::Module;
use faas_abi::host::{CheckedModule, Needs};

/// Reads a module of this program.
///
/// # Errors
/// The list of all that does not fit.
pub(crate) fn checked(module: &'static Module, features: u64) -> Result<CheckedModule, Vec<String>> {
    // SAFETY: the tables are items of this program, made by this crate's macros, so all they point to is readable.
    unsafe { CheckedModule::read(module, Needs { features }, &|_, _| true) }
}
