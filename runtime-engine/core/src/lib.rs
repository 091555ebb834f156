//! What both runtimes have in common, without any I/O: platforms, lifecycle, triggers, codecs.
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
//! | [`trigger`] | what an event is, its HTTP view, and the reply in its source's shape |
//! | [`host`], [`mod@unit`] | what modules are offered; what is the same for the whole process |
//! | [`functions`] | which function serves a request |
//! | [`flight`] | one running invocation, deadlines and stop signals |
//! | [`serve`] | a server: connections, admission, heads of responses |
//! | [`modules`], [`settings`] | names of libraries, variables of the environment |
//! | [`command_line`] | what the programs answer to `--help` and `--version` |
//! | [`log`], [`trace`] | lines, trace contexts |
//! | [`failure`], [`report`] | why something failed and who is told what of it; the line that it leaves behind |
//! | [`http1`], [`json`], [`encoding`] | codecs |
//! | [`parking`] | waiting for a future with nothing but a thread |
#![forbid(unsafe_code)]

pub mod chain;
pub mod command_line;
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
pub mod modules;
pub mod onion;
pub mod parking;
pub mod platform;
pub mod report;
pub mod serve;
pub mod settings;
mod thaw;
pub mod trace;
pub mod trigger;
pub mod unit;
