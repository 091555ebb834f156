//! The full runtime: tokio around faas-core, for platforms that hand out events, that send requests, or that are a parent
//! with a pipe.
//!
//! Lifecycle, protocols, layers, codecs and errors are faas-core's, the very same as light-runtime's; this crate moves
//! bytes and waits. Two forms:
//!
//! - `bootstrap`, a program that loads functions and layers by name ([`run`]);
//! - [`main!`], one binary with its function and layers linked in.
//!
//! | module | holds |
//! |---|---|
//! | `start` | from the environment to a running process, and to its exit code |
//! | `first` | the duties of a container's process 1 |
//! | `polling` | platforms that hand out events: the core's codec over tokio's sockets |
//! | `serving` | platforms that send requests: HTTP/1.1 by the core's codec, HTTP/2 by hyper |
//! | `piping` | platforms that are a parent with a pipe: one event at a time, without tokio |
//! | `loops`, `work` | the threads; where a call runs: right here, or on the pool of threads that may block |
//! | `stop`, `deadline` | signals, the end of work, and what is done for an invocation over its deadline |
//! | `output`, `diagnostics` | log lines onto descriptors; the engine's own `tracing` events as such lines |
//! | `code`, `traces` | code that a platform sends; files that go with the process |
//! | `loader`, `sys` | the only places with `unsafe`, but for the name `main`: loading libraries; the system itself |
#![deny(unsafe_code)]

mod code;
mod deadline;
mod diagnostics;
mod first;
mod loader;
mod loops;
mod output;
mod piping;
mod polling;
mod serving;
mod start;
mod stop;
mod sys;
mod traces;
mod work;

pub use start::{run, run_linked};

#[doc(hidden)]
pub use faas_abi::Module;

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
