//! What a function may ask for in its arguments.

use crate::call::context::FaasContext;
use crate::call::event::Event;
use crate::call::http_view::HttpView;
use crate::error::Error;
use crate::reply::sink::{AsyncSink, Sink};

/// Which functions may take an argument: one that waits on its thread would hold up all others of an event loop, and one
/// that has to be awaited is of no use elsewhere. What does not fit does not compile:
///
/// ```compile_fail,E0080
/// use handlers_sdk::{Sink, StreamError, function};
///
/// #[function(stream)]
/// async fn wrong(mut out: Sink) -> Result<(), StreamError> {
///     out.write(b"an AsyncSink would do")
/// }
/// # fn main() {}
/// ```
///
/// ```compile_fail,E0080
/// use handlers_sdk::{BodyStream, function};
///
/// #[function]
/// fn wrong(body: BodyStream) -> String {
///     "a BodyReader would do".to_owned()
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallStyle {
    /// Every function.
    Any,
    /// A plain `fn`.
    Blocking,
    /// An `async fn`.
    Async,
}

impl CallStyle {
    /// Ends the compilation of a function that takes what it may not.
    #[doc(hidden)]
    pub const fn check(self, is_async: bool) {
        match (self, is_async) {
            (CallStyle::Blocking, true) => panic!(
                "this argument waits on its thread, which would hold up everything else: an `async fn` takes an \
                 `AsyncSink` for a `Sink` and a `BodyStream` for a `BodyReader`"
            ),
            (CallStyle::Async, false) => panic!(
                "this argument has to be awaited: a plain `fn` takes a `Sink` for an `AsyncSink` and a `BodyReader` for a \
                 `BodyStream`, or becomes an `async fn`"
            ),
            _ => {}
        }
    }
}

/// Something made from an invocation for an argument of a function.
pub trait FromInvocation: Sized {
    /// What a function that takes it makes use of where the host has it: `FAAS_F_*` of `faas.h`.
    #[doc(hidden)]
    const WANTS: u64 = 0;
    /// Which functions may take it.
    const STYLE: CallStyle = CallStyle::Any;

    /// Makes it.
    ///
    /// # Errors
    /// The invocation does not fit; the function is not called and this is its error.
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error>;
}

impl FromInvocation for FaasContext {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(ctx.clone())
    }
}

impl FromInvocation for Event {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(ctx.to_event())
    }
}

/// A copy of the body.
impl FromInvocation for Vec<u8> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(ctx.body().to_vec())
    }
}

/// A copy of the body, which must be UTF-8.
impl FromInvocation for String {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        core::str::from_utf8(ctx.body()).map(str::to_owned).map_err(|error| {
            let message = format!("expected a UTF-8 body, found {error}");
            Error::new("Runtime.UnmarshalError", message).with_status(400)
        })
    }
}

impl FromInvocation for Sink {
    const STYLE: CallStyle = CallStyle::Blocking;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Sink::open(ctx.held())
    }
}

impl FromInvocation for AsyncSink {
    const STYLE: CallStyle = CallStyle::Async;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        AsyncSink::open(ctx.held())
    }
}

/// The HTTP request of an HTTP trigger. It keeps its invocation open as a context does.
#[derive(Clone, Debug)]
pub struct Request {
    ctx: FaasContext,
}

impl FromInvocation for Request {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        if ctx.http().is_some() {
            return Ok(Request { ctx: ctx.clone() });
        }
        let message = format!("expected an HTTP request, found an event of trigger {:?}", ctx.trigger());
        Err(Error::new("Runtime.TriggerMismatch", message))
    }
}

impl Request {
    /// Everything about the request.
    pub fn http(&self) -> HttpView<'_> {
        self.ctx.http().expect("checked when the request was made, and a trigger never changes while a function runs")
    }

    /// The body, its base64 undone.
    pub fn body(&self) -> &[u8] {
        self.ctx.body()
    }

    /// `GET`, `POST`, …
    pub fn method(&self) -> &str {
        self.http().method()
    }

    /// The path, as the platform hands it.
    pub fn path(&self) -> &str {
        self.http().path()
    }

    /// The first decoded query value of that name.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.http().query(name)
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.http().header(name)
    }

    /// A cookie.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.http().cookie(name)
    }

    /// What the route's pattern matched under that name.
    pub fn path_param(&self, name: &str) -> Option<&str> {
        self.http().path_param(name)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is not, or not of that shape: status 400 with place and reason.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        crate::call::json::read(self.body())
    }
}
