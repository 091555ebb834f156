//! The head of a reply, in a layer's `head`.

use crate::call::pairs::Pairs;
use crate::error::Error;
use crate::ffi::{Reader, Writer};
use crate::host::filter::{self, StreamFilter};
use crate::host::values;
use crate::layer::invocation::accepted;
use faas_abi::*;
use std::any::Any;
use std::fmt;

/// Status, headers and cookies of a reply, before they leave. Beside them the request's method and headers are
/// readable, and what layers have left for the invocation. A streaming function is still running and may be looking at
/// the rest.
///
/// ```
/// # use handlers_sdk::{Error, Layer, Response, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::ReplyHead;
///
/// /// Lets nobody keep an error page, even if the function allows it.
/// #[derive(Default)]
/// struct NoStore;
///
/// #[layer]
/// impl Layer for NoStore {
///     fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
///         if head.status() >= 400 && head.method() == "GET" {
///             head.set_header("cache-control", "no-store")?;
///         }
///         Ok(())
///     }
/// }
///
/// #[function]
/// fn gone() -> Response {
///     Response::new(410).header("cache-control", "max-age=60")
/// }
///
/// let app = App::builder().module(NoStore::MODULE).module(gone::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::http("GET", "/")).header("cache-control"), Some("no-store"));
/// ```
pub struct ReplyHead<'a> {
    writer: Writer<'a>,
}

impl<'a> ReplyHead<'a> {
    pub(crate) fn new(writer: Writer<'a>) -> ReplyHead<'a> {
        ReplyHead { writer }
    }

    fn reader(&self) -> Reader<'_> {
        self.writer.reader()
    }

    /// Returns the first request header of that name, such as `origin`; `None` without one.
    pub fn request_header(&self, name: &str) -> Option<&str> {
        self.reader().get(LIST_HEADER, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns the method of the request.
    pub fn method(&self) -> &str {
        self.reader().text(META_METHOD)
    }

    /// Returns the trigger's own kind, such as `"aws:apigateway:v2"`.
    pub fn source(&self) -> &str {
        self.reader().text(META_SOURCE)
    }

    /// Returns the extension that a layer left under that name; `None` without one.
    pub fn extension(&self, name: &str) -> Option<&str> {
        self.reader().get(LIST_EXTENSION, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns a typed value that a hook of the same library has left with
    /// [`Invocation::set_value`](crate::Invocation::set_value).
    pub fn value<T: Any + Send + Sync>(&self) -> Option<&T> {
        values::get(self.reader())
    }

    /// Returns the status of the reply.
    pub fn status(&self) -> u16 {
        u16::try_from(self.reader().num(NUM_REPLY_STATUS)).unwrap_or(0)
    }

    /// Returns `true` if the reply is in the platform's own form, which is handed on untouched: its body is no HTTP
    /// body.
    pub fn is_raw(&self) -> bool {
        self.reader().num(NUM_REPLY_CODE) == u64::from(REPLY_RAW)
    }

    /// Returns `true` if this is the head of a stream whose pieces a [`filter`](Self::filter) may change. It is `false`
    /// for a reply in one piece, also for a stream that is collected because its platform takes no other: those are
    /// changed in `after_invoke`. A runtime older than version 1.1 of the contract says `false` for every reply.
    pub fn takes_filter(&self) -> bool {
        self.reader().num(NUM_TAKES_FILTERS) != 0
    }

    /// Passes each piece of the stream through this filter, after those of the layers further in.
    ///
    /// # Errors
    /// [`takes_filter`](Self::takes_filter) is `false`.
    pub fn filter(&mut self, filter: impl StreamFilter) -> Result<(), Error> {
        accepted("a filter", filter::set(&mut self.writer, filter))
    }

    /// Sets another status, 200 to 599.
    ///
    /// # Errors
    /// The host refuses the change; this holds for every method that changes something.
    pub fn set_status(&mut self, status: u16) -> Result<(), Error> {
        accepted("the status", self.writer.set_num(NUM_REPLY_CODE, u64::from(status)))
    }

    /// Returns the first header of that name; `None` without one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.reader().get(LIST_REPLY_HEADER, name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Returns all headers of the reply, in order and with repeats.
    pub fn headers(&self) -> Pairs<'_> {
        Pairs::new(self.reader(), LIST_REPLY_HEADER)
    }

    /// Returns all headers but those that layers further out had set before, for a layer that keeps replies: the layers
    /// further out set theirs anew on each. `outer` are the headers that stood there on the way in.
    pub fn own_headers(&self, outer: &[(String, String)]) -> Vec<(String, String)> {
        let mut outer: Vec<_> = outer.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut is_own = |pair: &(&str, &str)| match outer.iter().position(|other| other == pair) {
            Some(index) => {
                outer.swap_remove(index);
                false
            }
            None => true,
        };
        let own = self.headers().filter(|pair| is_own(pair));
        own.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// Sets a header.
    ///
    /// # Errors
    /// It fails as [`set_status`](Self::set_status) does.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        accepted(name, self.writer.set(LIST_REPLY_HEADER, name, value))
    }

    /// Adds a header.
    ///
    /// # Errors
    /// It fails as [`set_status`](Self::set_status) does.
    pub fn add_header(&mut self, name: &str, value: &str) -> Result<(), Error> {
        accepted(name, self.writer.add(LIST_REPLY_HEADER, name, value))
    }

    /// Removes a header, if it is there.
    ///
    /// # Errors
    /// It fails as [`set_status`](Self::set_status) does.
    pub fn remove_header(&mut self, name: &str) -> Result<(), Error> {
        accepted(name, self.writer.remove(LIST_REPLY_HEADER, name))
    }

    /// Adds a `Set-Cookie`, as its whole text.
    ///
    /// # Errors
    /// It fails as [`set_status`](Self::set_status) does.
    pub fn add_cookie(&mut self, text: &str) -> Result<(), Error> {
        accepted("a cookie", self.writer.add(LIST_REPLY_COOKIE, "", text))
    }
}

impl fmt::Debug for ReplyHead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyHead").field("status", &self.status()).finish_non_exhaustive()
    }
}
