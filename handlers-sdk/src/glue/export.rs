//! The one exported symbol, and how it finds what a library has.
//!
//! A cargo library built as `cdylib` and `rlib` has the same object code in both, so a symbol that `#[function]` defined
//! would be there twice as soon as two libraries are linked into one program. Therefore the symbol is defined here, once,
//! and each `#[function]` and `#[layer]` only puts the address of its table into a section. The linker lays those side
//! by side: in a `cdylib`, the entries of that library; in a program, those of everything linked into it.

use faas_abi::tables::Layer as LayerTable;
use faas_abi::{Bytes, Function, MAGIC, MAJOR, Module};
use std::sync::OnceLock;

/// Name and version of the crate an entry is written in.
#[derive(Debug)]
pub struct Package {
    /// `CARGO_PKG_NAME`.
    pub name: &'static str,
    /// `CARGO_PKG_VERSION`.
    pub version: &'static str,
}

// A section exists, and with it its bounds, only if something is in it.
#[used]
#[unsafe(link_section = "faas_functions")]
static NO_FUNCTIONS: [&Function; 0] = [];
#[used]
#[unsafe(link_section = "faas_layers")]
static NO_LAYERS: [&LayerTable; 0] = [];
#[used]
#[unsafe(link_section = "faas_packages")]
static NO_PACKAGES: [&Package; 0] = [];

unsafe extern "C" {
    #[link_name = "__start_faas_functions"]
    static FUNCTIONS: [usize; 0];
    #[link_name = "__stop_faas_functions"]
    static FUNCTIONS_END: [usize; 0];
    #[link_name = "__start_faas_layers"]
    static LAYERS: [usize; 0];
    #[link_name = "__stop_faas_layers"]
    static LAYERS_END: [usize; 0];
    #[link_name = "__start_faas_packages"]
    static PACKAGES: [usize; 0];
    #[link_name = "__stop_faas_packages"]
    static PACKAGES_END: [usize; 0];
}

// The bounds are nobody else's business: without this a library would export them too.
core::arch::global_asm!(
    ".hidden __start_faas_functions",
    ".hidden __stop_faas_functions",
    ".hidden __start_faas_layers",
    ".hidden __stop_faas_layers",
    ".hidden __start_faas_packages",
    ".hidden __stop_faas_packages",
);

/// The entries between two bounds.
///
/// # Safety
/// The bounds must be those of a section that holds addresses of static `T`s and nothing else.
unsafe fn between<T>(start: *const [usize; 0], end: *const [usize; 0]) -> &'static [&'static T] {
    let count = (end.addr() - start.addr()) / size_of::<&T>();
    // SAFETY: the linker puts the section's entries side by side, and they never change.
    unsafe { core::slice::from_raw_parts(start.cast(), count) }
}

struct Found(Module);

// SAFETY: the pointers in it are those of sections that never change.
unsafe impl Send for Found {}
// SAFETY: as for `Send`.
unsafe impl Sync for Found {}

/// Everything that is linked together with this crate: what the exported symbol returns.
pub fn linked() -> &'static Module {
    static MODULE: OnceLock<Found> = OnceLock::new();
    let found = MODULE.get_or_init(|| {
        // SAFETY: only `__register!` and the empty array above write to this section.
        let functions = unsafe { between(&raw const FUNCTIONS, &raw const FUNCTIONS_END) };
        // SAFETY: as above.
        let layers = unsafe { between(&raw const LAYERS, &raw const LAYERS_END) };
        // SAFETY: as above.
        let packages = unsafe { between(&raw const PACKAGES, &raw const PACKAGES_END) };
        let package = packages.first().copied().unwrap_or(&Package { name: "", version: "" });
        Found(module(package, functions, layers))
    });
    &found.0
}

/// A module of these entries.
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

/// What a runtime looks for in a library (faas.h, P1).
#[unsafe(no_mangle)]
extern "C" fn faas_module_v1(host_major: u32, _host_minor: u32) -> *const Module {
    // A program that modules are linked into takes their tables without asking here.
    crate::panics::set_library();
    if host_major == MAJOR { linked() } else { core::ptr::null() }
}

/// Puts an entry's table where the exported symbol finds it.
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($section:literal, $table:ty, $value:expr) => {
        const _: () = {
            #[used]
            #[unsafe(link_section = $section)]
            static ENTRY: &'static $table = $value;
            #[used]
            #[unsafe(link_section = "faas_packages")]
            static PACKAGE: &'static $crate::__private::Package = &$crate::__private::Package {
                name: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
            };
        };
    };
}
