//! The same runtime on std alone: for cold starts, small images, and other people's programs.
//!
//! Lifecycle, protocols, layers and errors are faas-core's, and sockets and threads faas-unix', the very same
//! as the full engine's, with std and nothing from outside the workspace. Three forms:
//!
//! - `light-bootstrap`, a program that loads functions and layers by name;
//! - [`main!`], one binary with its function and layers linked in, which may be static;
//! - [`LightRuntime`], the same phases inside a `main` of somebody else's.
//!
//! | module | holds |
//! |---|---|
//! | `embed` | [`LightRuntime`] |
//! | `loader`, `signals` | the only places with `unsafe`, but for the name `main`: `dlopen`, `signal` |
#![deny(unsafe_code)]

mod embed;
mod loader;
mod signals;

use faas_core::failure::Failure;
use faas_unix::driver::Driver;
use std::borrow::Cow;

pub use embed::{Failed, LightRuntime, Wrapped};

static DRIVER: Driver = Driver {
    program: "light-bootstrap",
    open: loader::open,
    signals_into: signals::signals_into,
    library,
    http2: None,
    yml: None,
};

/// Returns the code that a platform sends, if it is a bare library.
fn library(code: &[u8]) -> Result<Cow<'_, [u8]>, Failure> {
    // A zip archive begins with these bytes.
    if !code.starts_with(b"PK") {
        return Ok(Cow::Borrowed(code));
    }
    let message =
        "the code is a zip archive: this runtime takes a bare module, a lib….so; the full engine takes archives";
    Err(Failure::new("Runtime.BadCode", message))
}

/// Runs the process to its end: functions and layers are libraries, named by the environment. It has to be called
/// before any thread is made. It fits a program that starts without std's own preparations.
pub fn run() -> ! {
    faas_unix::start::run(&DRIVER)
}

/// Runs the process to its end with a function and layers (outermost first) that are linked into the binary. It has to
/// be called before any thread is made. It fits a program that starts without std's own preparations.
pub fn run_linked(function: &'static Module, layers: &[&'static Module]) -> ! {
    faas_unix::start::run_linked(&DRIVER, function, layers)
}

#[doc(hidden)]
pub use faas_abi::Module;

/// A whole program: a function and its layers linked in, no library loaded.
///
/// Each part is a `&'static faas_abi::Module`: what handlers-sdk makes beside each `#[function]` and `#[layer]` as
/// `MODULE`, or a `module!` of several. Layers stand outermost first.
///
/// ```text
/// light_runtime::main!(function: hello::hello::MODULE, layers: [layer_monitor::Monitor::MODULE]);
/// ```
#[macro_export]
macro_rules! main {
    (function: $function:expr $(, layers: [$($layer:expr),* $(,)?])? $(,)?) => {
        fn main() {
            $crate::run_linked($function, &[$($($layer),*)?]);
        }
    };
}

/// The same program, started without what std does before a `main`, as `light-bootstrap` is. That is a fifth of a
/// static program's start. Most of it is spent on the end of the stack, for the message of a stack overflow. Without it
/// such a process ends on SIGSEGV with no message. The file has to begin with `#![no_main]`.
///
/// ```text
/// #![no_main]
/// light_runtime::c_main!(function: hello::hello::MODULE, layers: [layer_monitor::Monitor::MODULE]);
/// ```
#[macro_export]
macro_rules! c_main {
    (function: $function:expr $(, layers: [$($layer:expr),* $(,)?])? $(,)?) => {
        // SAFETY: without std's `main` nothing else in the program has this name, and it is what the C library calls,
        // once.
        #[unsafe(no_mangle)]
        extern "C" fn main(_count: ::core::ffi::c_int, _arguments: *const *const ::core::ffi::c_char) -> ::core::ffi::c_int {
            $crate::run_linked($function, &[$($($layer),*)?])
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_refused_in_words() {
        let failure = library(b"PK\x03\x04").expect_err("it is an archive");
        assert!(failure.message.contains("takes a bare module") && failure.message.contains("the full engine"));
        assert_eq!(library(b"\x7fELF").expect("it is a library"), &b"\x7fELF"[..]);
    }
}
