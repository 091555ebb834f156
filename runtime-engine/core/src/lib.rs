//! The common part of both runtimes, without any I/O: platforms, lifecycle, triggers, codecs.
//!
//! A driver moves bytes and waits; what the bytes mean, which phase comes next and in which order layers are called is
//! decided here, once. That is why both runtimes behave the same.
//!
//! | module | holds |
//! |---|---|
//! | [`platform`] | one file a platform: detection, protocol |
//! | [`lifecycle`] | RuntimeStart, FunctionStart, Invoke, Close over loaded modules |
//! | [`chain`], [`onion`] | the layers around a function, and the order of their calls |
//! | [`invocation`] | one invocation as modules see it |
//! | [`records`] | functions that are called for one record of a batch at a time |
//! | [`trigger`] | what an event is, its HTTP view, and the reply in its source's shape |
//! | [`host`], [`process`] | what modules are offered; what is the same for the whole process |
//! | [`functions`] | the functions of the process, and whose an invocation is |
//! | [`router`] | which function serves a method and a path |
//! | [`manifest`] | `faas.json`: the functions that a process is to serve |
//! | [`flight`] | one running invocation, deadlines and stop signals |
//! | [`serve`] | a server: connections, admission, heads of responses |
//! | [`secrets`] | names in the place of values, until the process starts |
//! | [`modules`], [`settings`] | names of libraries, variables of the environment |
//! | [`command_line`] | what the programs answer to `--help` and `--version` |
//! | [`describe`] | what a module declares, as JSON, for tools |
//! | [`log`], [`trace`] | lines, trace contexts |
//! | [`failure`], [`report`] | why something failed and who is told what of it; the line that it leaves behind |
//! | [`http1`], [`json`], [`encoding`] | codecs |
//! | [`parking`] | waiting for a future with nothing but a thread |
//! | [`order`] | sorting in little code |
//!
//! Each platform is a cargo feature with its name, all on by default. What is left out has no row in the table of
//! [`platform`], no source among those of [`trigger`], and so nothing that leads to its code: the linker leaves it out.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(feature = "all-platforms"),
    allow(dead_code, reason = "what only a left-out platform uses; with all of them nothing may be dead")
)]

pub mod chain;
pub mod command_line;
pub mod describe;
pub mod encoding;
pub mod failure;
pub mod fields;
pub mod flight;
pub mod functions;
pub mod host;
pub mod http1;
pub mod invocation;
pub mod json;
pub mod lifecycle;
pub mod log;
pub mod manifest;
pub mod modules;
pub mod onion;
pub mod order;
pub mod parking;
pub mod platform;
pub mod process;
pub mod records;
pub mod report;
pub mod router;
pub mod secrets;
pub mod serve;
pub mod services;
pub mod settings;
#[cfg(test)]
mod testing;
pub mod text;
pub mod trace;
pub mod trigger;
mod turn;
