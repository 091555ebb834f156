//! The common part of both runtimes, without any I/O: platforms, lifecycle, triggers, codecs.
//!
//! A driver moves bytes and waits; what the bytes mean, which phase comes next and in which order layers are called is
//! decided here, once. That is why both runtimes behave the same.
//!
//! The modules lie in layers: each uses some of those in the rows below its own, and none of those above.
//!
//! | module | holds |
//! |---|---|
//! | [`lifecycle`] | RuntimeStart, FunctionStart, Invoke, Close over loaded modules |
//! | [`functions`] | the functions of the process, and whose an invocation is |
//! | [`serve`] | a server: connections, admission, heads of responses |
//! | [`platform`] | one file a platform: detection, protocol |
//! | [`records`] | functions that are called for one record of a batch at a time |
//! | [`flight`] | one running invocation, deadlines and stop signals |
//! | [`report`] | the line that a failure leaves behind |
//! | [`chain`] | the layers around a function, and the walks through them |
//! | [`host`] | what modules are offered |
//! | [`manifest`] | `faas.json`: the functions that a process is to serve |
//! | [`invocation`] | one invocation as modules see it |
//! | [`secrets`] | names in the place of values, until the process starts |
//! | [`process`] | what is the same for the whole process |
//! | [`command_line`] | what the programs answer to `--help` and `--version` |
//! | [`settings`] | variables of the environment |
//! | [`trigger`] | what an event is, its HTTP view, and the reply in its source's shape |
//! | [`router`] | which function serves a method and a path |
//! | [`log`] | lines, and the mask that keeps secrets out of them |
//! | [`trace`] | trace contexts |
//! | [`describe`] | what a module declares, as JSON, for tools |
//! | [`http1`], [`json`] | codecs |
//! | [`fields`] | names and values in one text |
//! | [`text`] | bytes that never move once they have been shown, and places in them |
//! | [`encoding`] | smaller codecs |
//! | [`services`] | what modules offer to one another |
//! | [`onion`] | the order of the calls of layers |
//! | [`failure`] | why something failed and who is told what of it |
//! | [`modules`] | names of libraries |
//! | [`parking`] | waiting for a future with nothing but a thread |
//! | `turn` | work that one does while the others who need it wait |
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
