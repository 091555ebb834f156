//! The SDK that authors of functions and layers write against.
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
//! [`function`] and [`layer`] that is linked into it. As `rlib` the same crate is linked into a program, where the
//! tables are found as items: `echo::MODULE`, or what [`module!`] makes of several.
//!
//! - A function's arguments are anything that is [`FromInvocation`]; what it returns is anything that is [`IntoReply`].
//! - [`FaasContext`] tells of the invocation. **The invocation ends when its last context, event or sink is dropped.**
//! - A layer is an `impl Layer` marked [`layer`]; see [`Layer`].
//! - [`service`] has what layers offer to functions and to one another: requests over HTTP, parameters and secrets.
//! - The feature `testing` runs both in a test, without a runtime.
//!
//! Nothing here needs `unsafe` of an author; `#![forbid(unsafe_code)]` is fine in their crates.
#![deny(unsafe_code)]

// The output of the macros names this crate by its full path, here too.
extern crate self as handlers_sdk;

// The guides' code is compiled and run with the documentation tests. The folder links to them, so that the package has
// them.
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../guides/writing-a-function.md")]
struct WritingAFunction;
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../guides/errors.md")]
struct Errors;
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../guides/classes.md")]
struct Classes;
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../guides/writing-a-layer.md")]
struct WritingALayer;
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../guides/records.md")]
struct Records;
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../guides/events.md")]
struct Events;
#[cfg(all(doctest, feature = "testing"))]
#[doc = include_str!("../guides/testing.md")]
struct Testing;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod call;
mod debug;
mod encoding;
mod error;
#[cfg(feature = "json")]
pub mod events;
mod executor;
mod ffi;
mod glue;
mod host;
#[cfg(feature = "http")]
pub mod http;
mod inject;
#[cfg(feature = "json")]
pub mod lambda;
mod layer;
pub mod log;
pub mod marker;
mod panics;
mod park;
mod reply;
mod section;
pub mod service;
mod service_error;
mod stream_error;
#[cfg(feature = "tracing")]
mod subscriber;
pub mod telemetry;
#[cfg(feature = "tower")]
pub use layer::tower;
#[cfg(feature = "testing")]
pub mod testing;

pub use call::{
    body_stream::{BodyReader, BodyStream, Chunk},
    config::Config,
    context::{FaasContext, PhaseContext},
    detached::Detached,
    event::Event,
    extract::{CallStyle, FromInvocation, FromInvocationAsync},
    http_view::HttpView,
    pairs::Pairs,
    record::RecordInfo,
    request::{ClientIp, Cookies, Deadline, Headers, Request, RequestId},
    secret::Secret,
};
#[cfg(feature = "json")]
pub use call::{
    claims::Claims,
    config::Configured,
    form::{Form, Path, Query},
    json::Json,
    span::Span,
};
pub use error::{Error, convert::IntoError, status::IntoStatus};
pub use executor::background::Cancelled;
pub use faas_abi as abi;
pub use glue::export::linked;
pub use handlers_sdk_macros::{FaasError, function, functions, layer, module, provider};
pub use host::{bytes::Bytes, filter::StreamFilter};
pub use inject::Inject;
pub use layer::{
    Failure, Flow, Layer, Recovery,
    invocation::{Invocation, List, TimedCall},
    phase::Phase,
    reply_head::ReplyHead,
};
pub use log::{Level, line::Line};
#[cfg(feature = "json")]
pub use log::{redact::Redact, share::Share};
#[cfg(all(feature = "stream", feature = "tokio"))]
pub use reply::keep_alive::KeepAlive;
#[cfg(feature = "stream")]
pub use reply::stream::{Sse, SseEvent, StreamReply};
pub use reply::{
    Body, IntoReply, Reply,
    forms::{Html, Raw, Redirect},
    parts::ReplyPart,
    response::Response,
    sink::{AsyncSink, Sink},
};
pub use service::table::Service;
pub use stream_error::StreamError;
#[cfg(feature = "tracing")]
pub use subscriber::{install as install_tracing, lines::HostLog, spans::HostSpans};

#[doc(hidden)]
#[macro_export]
#[cfg(feature = "tower")]
macro_rules! __needs_tower {
    () => {};
}

#[doc(hidden)]
#[macro_export]
#[cfg(not(feature = "tower"))]
macro_rules! __needs_tower {
    () => {
        ::core::compile_error!("`#[function(service)]` needs the feature `tower` of handlers-sdk");
    };
}
