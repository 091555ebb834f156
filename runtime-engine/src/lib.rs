//! The full runtime: everything that light-runtime does, and what takes libraries to do: HTTP/2, archives of code.
//!
//! Lifecycle, protocols, layers, codecs and errors are faas-core's, sockets and threads are faas-unix', the very same
//! as light-runtime's. Two forms:
//!
//! - `bootstrap`, a program that loads functions and layers by name ([`run`]);
//! - [`main!`], one binary with its function and layers linked in.
//!
//! | module | holds |
//! |---|---|
//! | `http2` | HTTP/2 by hyper over tokio, in front of the same server |
//! | `code` | archives that a platform sends |
//! | `diagnostics` | this crate's own `tracing` events as lines of the log |
//! | `yml` | `serverless.yml` in place of a manifest, with the feature of that name |
//! | `loader`, `signals` | the only places with `unsafe`, but for the name `main`: libloading, signal-hook |
#![deny(unsafe_code)]

mod code;
mod diagnostics;
mod http2;
mod loader;
mod signals;
#[cfg(feature = "yml")]
mod yml;

use faas_unix::driver::Driver;

#[doc(hidden)]
pub use faas_abi::Module;

static HTTP2: http2::OverTokio = http2::OverTokio::new();

static DRIVER: Driver = Driver {
    program: "bootstrap",
    open: loader::open,
    signals_into: signals::signals_into,
    library: code::library,
    http2: Some(&HTTP2),
    #[cfg(feature = "yml")]
    yml: Some(yml::manifest),
    #[cfg(not(feature = "yml"))]
    yml: None,
};

/// Runs the process to its end: functions and layers are libraries, named by the environment. It has to be called
/// before any thread is made.
pub fn run() -> ! {
    faas_unix::start::run(&DRIVER)
}

/// Runs the process to its end with a function and layers (outermost first) that are linked into the binary. It has to
/// be called before any thread is made.
pub fn run_linked(function: &'static Module, layers: &[&'static Module]) -> ! {
    faas_unix::start::run_linked(&DRIVER, function, layers)
}

/// A whole program: a function and its layers linked in, no library loaded.
///
/// Each part is a `&'static faas_abi::Module`: what handlers-sdk makes beside each `#[function]` and `#[layer]` as
/// `MODULE`, or a `module!` of several. Layers stand outermost first.
///
/// ```text
/// runtime_engine::main!(function: hello::hello::MODULE, layers: [layer_monitor::Monitor::MODULE]);
/// ```
#[macro_export]
macro_rules! main {
    (function: $function:expr $(, layers: [$($layer:expr),* $(,)?])? $(,)?) => {
        fn main() {
            $crate::run_linked($function, &[$($($layer),*)?]);
        }
    };
}
