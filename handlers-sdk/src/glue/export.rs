//! The one exported symbol, and how it finds the entries of a library.
//!
//! A cargo library built as `cdylib` and `rlib` has the same object code in both, so a symbol that `#[function]`
//! defined would be there twice as soon as two libraries are linked into one program. Therefore the symbol is defined
//! here, once, and each `#[function]` and `#[layer]` only puts the address of its table into a section. The linker lays
//! those side by side: in a `cdylib`, the entries of that library; in a program, those of everything linked into it.

use crate::section::section;
use faas_abi::tables::Layer as LayerTable;
use faas_abi::{Bytes, Function, MAGIC, MAJOR, Module};
use std::sync::OnceLock;

/// Name and version of the crate an entry is written in.
#[derive(Debug)]
pub struct Package {
    /// The crate's name, from `CARGO_PKG_NAME`.
    pub name: &'static str,
    /// The crate's version, from `CARGO_PKG_VERSION`.
    pub version: &'static str,
}

section!(functions, Function, "faas_functions");
section!(layers, LayerTable, "faas_layers");
section!(packages, Package, "faas_packages");

struct Found(Module);

// SAFETY: its pointers are those of sections that never change.
unsafe impl Send for Found {}
// SAFETY: as for `Send`.
unsafe impl Sync for Found {}

/// Returns the module of all functions and layers that are linked together with this crate. The exported symbol returns
/// the same module.
///
/// ```standalone_crate
/// use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::{function, linked};
///
/// #[function]
/// fn hello() -> &'static str {
///     "hello"
/// }
///
/// // This program has one function, and so has its module.
/// let app = App::builder().module(linked()).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "hello");
/// ```
pub fn linked() -> &'static Module {
    static MODULE: OnceLock<Found> = OnceLock::new();
    let found = MODULE.get_or_init(|| {
        let package = packages::entries().first().copied().unwrap_or(&Package { name: "", version: "" });
        Found(module(package, functions::entries(), layers::entries()))
    });
    &found.0
}

/// Makes a module of these entries.
pub const fn module(
    package: &'static Package,
    functions: &'static [&'static Function],
    layers: &'static [&'static LayerTable],
) -> Module {
    Module {
        size: size_of::<Module>(),
        magic: MAGIC,
        major: MAJOR,
        min_minor: 0,
        name: Bytes::of(package.name.as_bytes()),
        version: Bytes::of(package.version.as_bytes()),
        built_with: Bytes::of(
            concat!(env!("HANDLERS_SDK_BUILT_WITH"), ", handlers-sdk ", env!("CARGO_PKG_VERSION")).as_bytes(),
        ),
        refusal: Bytes::EMPTY,
        functions: functions.as_ptr().cast(),
        function_count: functions.len(),
        layers: layers.as_ptr().cast(),
        layer_count: layers.len(),
    }
}

/// Returns the module's table. It is the symbol that a runtime looks for in a library (faas.h, P1).
#[unsafe(no_mangle)]
extern "C" fn faas_module_v1(host_major: u32, _host_minor: u32) -> *const Module {
    // A program that modules are linked into takes their tables without asking here.
    crate::panics::set_library();
    if host_major == MAJOR { linked() } else { core::ptr::null() }
}
