//! What authors of functions and layers write against.
//!
//! ```
//! use handlers_sdk::{Error, Event, FaasContext, function};
//!
//! #[function]
//! fn echo(event: Event) -> Event {
//!     event
//! }
//!
//! #[function]
//! async fn greet(ctx: FaasContext, name: String) -> Result<String, Error> {
//!     handlers_sdk::info!({name = name}, "greeting on {}", ctx.platform());
//!     Ok(format!("hello, {name}"))
//! }
//! # fn main() {}
//! ```
//!
//! A crate of type `cdylib` with these lines is a module that `bootstrap` and `light-bootstrap` load: it offers every
//! [`function`] and [`layer`] that is linked into it. As `rlib` the same crate is linked into a program, where the tables
//! are found as items: `echo::MODULE`, or what [`module!`] makes of several.
//!
//! - A function's arguments are anything that is [`FromInvocation`]; what it returns is anything that is [`IntoReply`].
//! - [`FaasContext`] tells of the invocation. **The invocation ends when its last context, event or sink is dropped.**
//! - A layer is an `impl Layer` marked [`layer`]; see [`Layer`].
//! - The feature `testing` runs both in a test, without a runtime.
//!
//! Nothing here needs `unsafe` of an author; `#![forbid(unsafe_code)]` is fine in their crates.
#![deny(unsafe_code)]

// The macros' output names this crate by its full path, here too.
extern crate self as handlers_sdk;

// The guides' code is compiled and run with the documentation tests.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../docs/writing-a-function.md")]
struct WritingAFunction;
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../../docs/writing-a-layer.md")]
struct WritingALayer;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod cancel;
mod config;
mod context;
mod driver;
mod error;
mod event;
#[cfg(feature = "json")]
pub mod events;
mod extract;
mod hooks;
mod http;
mod invocation;
#[cfg(feature = "json")]
mod json;
mod json_text;
mod layer;
mod line;
pub mod log;
mod outcome;
mod pairs;
mod panics;
#[cfg(any(feature = "json", feature = "testing"))]
mod percent;
mod reads;
mod reply;
mod reply_head;
mod response;
mod runtime;
mod seam;
mod sink;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tracing")]
mod tracing_layer;

pub use config::Config;
pub use context::{FaasContext, PhaseContext};
pub use error::Error;
pub use event::Event;
pub use extract::{FromInvocation, Request};
pub use faas_abi as abi;
pub use handlers_sdk_macros::{function, layer, module};
pub use http::HttpView;
pub use invocation::{Invocation, List};
#[cfg(feature = "json")]
pub use json::Json;
pub use layer::{Failure, Flow, Layer, Recovery};
pub use line::Line;
pub use log::Level;
pub use pairs::Pairs;
pub use reply::{Body, IntoReply, Reply};
pub use reply_head::ReplyHead;
pub use response::Response;
pub use seam::export::linked;
pub use seam::service::Service;
pub use sink::{AsyncSink, Sink, StreamError};
#[cfg(feature = "tracing")]
pub use tracing_layer::{HostLog, install as install_tracing};
