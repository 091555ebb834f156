//! The same runtime on std alone: for cold starts, small images, and other people's programs.
//!
//! Lifecycle, protocols, layers and errors are faas-core's, the very same as the full engine's; this crate moves bytes
//! and waits, with std and nothing from outside the workspace. Three forms:
//!
//! - `light-bootstrap`, a program that loads functions and layers by name;
//! - [`main!`], one binary with its function and layers linked in, which may be static;
//! - [`LightRuntime`], the same phases inside a `main` of somebody else's.
//!
//! | module | holds |
//! |---|---|
//! | `start` | from the environment to a running process, and to its exit code |
//! | `first` | the duties of a container's process 1 |
//! | `polling` | platforms that hand out events |
//! | `serving` | platforms that send requests |
//! | `piping` | platforms that are a parent with a pipe |
//! | `wrap` | [`LightRuntime`] |
//! | `stopper` | the watchdog's hands: signals, deadlines, leaving |
//! | `output` | log lines onto descriptors |
//! | `code` | code that came over the wire, as a file |
//! | `traces` | files that end with the process |
//! | `loader`, `sys` | the only places with `unsafe`: `dlopen`; signals, epoll, process 1, `_exit` |
#![deny(unsafe_code)]

mod code;
mod first;
mod loader;
mod output;
mod piping;
mod polling;
mod serving;
mod start;
mod stopper;
mod sys;
mod traces;
mod wrap;

pub use start::{run, run_linked};
pub use wrap::{Failed, LightRuntime, Wrapped};

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
