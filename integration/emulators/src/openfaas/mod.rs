//! OpenFaaS around a function: a pod whose process stands in the watchdog's place, with the gateway and the kubelet
//! that call it; and of-watchdog in mode `http`, which starts the process and forwards to it.
//!
//! ```no_run
//! use platform_emulators::openfaas::{Call, Options, Pod};
//! use std::process::Command;
//!
//! let pod = Pod::spawn(Command::new("target/debug/bootstrap"), Options { port: 8080, ..Options::default() })?;
//! pod.wait_until_healthy().expect("it becomes ready");
//! let answer = pod.call(&Call::post("/", b"hi"))?;
//! assert_eq!((answer.status, pod.violations()), (200, Vec::<String>::new()));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `options` | the deployment of a function, the variables that follow, durations as the watchdog reads them |
//! | `call` | a request, and the connections that carry one after the other |
//! | `pod` | the process in the watchdog's place, and the breaches in its answers |
//! | `watchdog` | of-watchdog's own forwarding, limits and end |
//!
//! Sources: the repositories `openfaas/of-watchdog` and `openfaas/faas-middleware`.

mod call;
mod options;
mod pod;
mod watchdog;

pub use call::Call;
pub use options::{Options, duration};
pub use pod::Pod;
pub use watchdog::{Drained, Watchdog};
