//! Lists that the linker makes: each crate puts the addresses of its entries into a section, and the linker lays those
//! side by side. Each list is declared by the module whose entries it has; nothing in here knows of them.
//!
//! Each format of object files has its own way to the bounds of a section: symbols that the linker of ELF (Linux) or
//! Mach-O (macOS) defines, and on COFF (Windows) the order of the suffixes `$a`, `$b`, `$c`. On other systems the lists
//! are empty, and entries are named by [`module!`](crate::module!).

/// Makes a module `$name` with a function `entries()`: everything that [`__register!`](crate::__register!) put into
/// that section.
macro_rules! section {
    ($name:ident, $entry:ty, $section:literal) => {
        #[allow(unsafe_code, reason = "the bounds of a section are the linker's")]
        pub(crate) mod $name {
            #[allow(unused_imports, reason = "not every type needs the parent's names")]
            use super::*;

            // In ELF a section exists, and with it its bounds, only if something is in it. In Mach-O the bounds are
            // there without it, and an empty list would not be empty: every symbol has a byte at least.
            #[cfg(all(unix, not(target_vendor = "apple")))]
            #[used]
            #[unsafe(link_section = $section)]
            static NOTHING: [&$entry; 0] = [];

            #[cfg(unix)]
            unsafe extern "C" {
                #[cfg_attr(target_vendor = "apple", link_name = concat!("\u{1}section$start$__DATA$__", $section))]
                #[cfg_attr(not(target_vendor = "apple"), link_name = concat!("__start_", $section))]
                static START: [usize; 0];
                #[cfg_attr(target_vendor = "apple", link_name = concat!("\u{1}section$end$__DATA$__", $section))]
                #[cfg_attr(not(target_vendor = "apple"), link_name = concat!("__stop_", $section))]
                static END: [usize; 0];
            }

            // Without this a library would export the bounds, too, which concern nobody else.
            #[cfg(all(unix, not(target_vendor = "apple")))]
            core::arch::global_asm!(concat!(".hidden __start_", $section), concat!(".hidden __stop_", $section));

            #[cfg(windows)]
            #[used]
            #[unsafe(link_section = concat!(".", $section, "$a"))]
            static START: [usize; 0] = [];
            #[cfg(windows)]
            #[used]
            #[unsafe(link_section = concat!(".", $section, "$c"))]
            static END: [usize; 0] = [];

            /// Returns the entries that are in the section.
            pub(crate) fn entries() -> &'static [&'static $entry] {
                #[cfg(any(unix, windows))]
                {
                    let (start, end) = (&raw const START, &raw const END);
                    let count = (end.addr() - start.addr()) / size_of::<&$entry>();
                    // SAFETY: only `__register!` and the empty lists above write to this section, addresses of this
                    // type; the linker puts them side by side, and they never change.
                    unsafe { core::slice::from_raw_parts(start.cast(), count) }
                }
                #[cfg(not(any(unix, windows)))]
                &[]
            }
        }
    };
}

pub(crate) use section;

/// Puts an entry's address into the list of that name.
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($section:literal, $table:ty, $value:expr) => {
        const _: () = {
            $crate::__listed!($section, $table, $value);
            $crate::__listed!(
                "faas_packages",
                $crate::__private::Package,
                &$crate::__private::Package {
                    name: ::core::env!("CARGO_PKG_NAME"),
                    version: ::core::env!("CARGO_PKG_VERSION"),
                }
            );
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __listed {
    ($section:literal, $entry:ty, $value:expr) => {
        const _: () = {
            #[used]
            #[cfg_attr(all(unix, not(target_vendor = "apple")), unsafe(link_section = $section))]
            #[cfg_attr(
                                target_vendor = "apple",
                                unsafe(link_section = ::core::concat!("__DATA,__", $section, ",regular,no_dead_strip"))
                            )]
            #[cfg_attr(windows, unsafe(link_section = ::core::concat!(".", $section, "$b")))]
            static ENTRY: &'static $entry = $value;
        };
    };
}
