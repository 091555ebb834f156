//! The part of both runtimes that needs Linux, over std alone: the way from the environment to a running process,
//! servers, polling workers and pipes over the system's calls, and the end.
//!
//! What a platform's bytes mean, how many invocations there are, when one is late and what a connection does next is
//! [`faas_core`]'s; here bytes are moved and threads wait. A runtime adds its own [`driver::Driver`]: how libraries are
//! opened, how signals are taken, and what else it can speak.
//!
//! | module | holds |
//! |---|---|
//! | [`driver`] | what the two runtimes do differently |
//! | [`start`] | from the environment to a running process, and to its exit code |
//! | `life` | what every way of serving needs of the start |
//! | `exit_code` | the exit codes that mean the same in every way |
//! | [`serving`] | platforms that send requests |
//! | `polling` | platforms that hand out events |
//! | `piping` | platforms that are a parent with a pipe |
//! | `shutdown` | deadlines and stop signals |
//! | `background` | threads for what may take its time |
//! | [`loader`] | libraries, checked before they are used |
//! | [`output`] | log lines onto descriptors |
//! | `manifest` | the functions of the process as a file says them, and their environment |
//! | `secrets` | values for the names of secrets, from the environment and from mounted folders |
//! | `code` | code that came over the wire, as a file |
//! | `runtime_files` | files that end with the process |
//! | `ending` | the end of something, waited for with a limit |
//! | `guard` | what ends the process when a thread of its own panics |
//! | `pid1` | the duties of a container's process 1 |
//! | `sys` | the system's calls that std does not offer |
//!
//! `unsafe` stands in `loader`, `manifest` and `sys` alone.
#![deny(unsafe_code)]

mod background;
mod code;
pub mod driver;
mod ending;
mod exit_code;
mod guard;
mod life;
pub mod loader;
mod manifest;
pub mod output;
mod pid1;
mod piping;
mod polling;
mod runtime_files;
mod secrets;
pub mod serving;
mod shutdown;
pub mod start;
mod sys;
