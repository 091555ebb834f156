//! The values that a function may return.

pub(crate) mod forms;
#[cfg(feature = "http")]
mod http_types;
#[cfg(feature = "json")]
pub(crate) mod json;
#[cfg(all(feature = "stream", feature = "tokio"))]
pub(crate) mod keep_alive;
pub(crate) mod outcome;
pub(crate) mod parts;
pub(crate) mod response;
pub(crate) mod sink;
#[cfg(feature = "stream")]
pub(crate) mod stream;
pub(crate) mod stream_end;

use crate::call::event::Event;
use crate::error::Error;
use crate::error::convert::IntoError;
use crate::ffi::Writer;
use crate::ffi::write::Given;
use crate::host::bytes::Bytes;
use faas_abi::{LIST_REPLY_COOKIE, LIST_REPLY_HEADER, NUM_IS_HTTP, OK, REPLY_RAW, REPLY_VALUE, Status};

/// The content type of bytes without a known type.
const OCTETS: &str = "application/octet-stream";

/// Something a function returns.
///
/// ```
/// use handlers_sdk::{Error, Html, IntoReply, Json, Reply, function};
///
/// /// A page with a title.
/// struct Page(String);
///
/// impl IntoReply for Page {
///     fn into_reply(self) -> Result<Reply, Error> {
///         Html(format!("<title>{}</title>", self.0)).into_reply()
///     }
/// }
///
/// #[function]
/// fn home() -> (u16, [(&'static str, &'static str); 1], Page) {
///     (201, [("cache-control", "no-store")], Page("home".to_owned()))
/// }
/// # fn main() {}
/// ```
///
/// `M` tells the kinds of types apart for the compiler; implement the trait without it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the reply of a function",
    label = "not a reply",
    note = "wrap a value in `Json(…)`, a page in `Html(…)`; a status goes in front: `(201, Json(…))`; `Response` is an HTTP \
            reply by hand; `()` is a reply of nothing",
    note = "`Option<T>` and `Result<T, E>` are replies if `T` is one and `E` is an error: `handlers_sdk::Error`, \
            `anyhow::Error`, a `std::error::Error`, `(u16, &str)`",
    note = "for a type of your own implement `IntoReply`"
)]
pub trait IntoReply<M = ()> {
    /// Makes a reply of the value.
    ///
    /// # Errors
    /// There is no reply, and this is the function's error.
    fn into_reply(self) -> Result<Reply, Error>;
}

/// A reply: the kind of its bytes, headers, cookies, body.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// use handlers_sdk::{IntoReply, Reply};
///
/// /// A document of XML.
/// struct Xml(String);
///
/// impl IntoReply for Xml {
///     fn into_reply(self) -> Result<Reply, Error> {
///         ([("content-type", "application/xml")], Reply::value(self.0)).into_reply()
///     }
/// }
///
/// #[function]
/// fn feed() -> Xml {
///     Xml("<feed/>".to_owned())
/// }
///
/// let answer = Invoke::http("GET", "/").run(feed::MODULE);
/// assert_eq!((answer.header("content-type"), answer.text().as_str()), (Some("application/xml"), "<feed/>"));
/// ```
#[derive(Debug)]
pub struct Reply {
    code: u32,
    content_type: Option<&'static str>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    pub(crate) body: Body,
    /// `true` if the thing that was asked for is not there: a 404 for an HTTP trigger.
    is_not_found: bool,
}

/// The bytes of a reply, by the way they are held.
///
/// ```
/// # use handlers_sdk::{Response, function, testing::Invoke};
/// use handlers_sdk::Body;
///
/// /// Takes a text of the program's own as it is, and makes any other.
/// fn page(name: &str) -> Body {
///     if name.is_empty() { Body::Static(b"hello") } else { Body::Owned(format!("hello, {name}").into_bytes()) }
/// }
///
/// #[function]
/// fn greet(name: String) -> Response {
///     Response::new(200).body(page(&name))
/// }
///
/// assert_eq!(Invoke::http("POST", "/").body("ada").run(greet::MODULE).text(), "hello, ada");
/// ```
#[derive(Debug)]
pub enum Body {
    /// Bytes that were made for the reply.
    Owned(Vec<u8>),
    /// Bytes that the program itself holds.
    Static(&'static [u8]),
    /// The event itself, without a copy.
    Event(Event),
    /// Bytes that others may hold too.
    Shared(Bytes),
}

impl Default for Body {
    fn default() -> Body {
        Body::Static(b"")
    }
}

impl Body {
    fn is_empty(&self) -> bool {
        match self {
            Body::Owned(bytes) => bytes.is_empty(),
            Body::Static(bytes) => bytes.is_empty(),
            Body::Event(event) => event.is_empty(),
            Body::Shared(bytes) => bytes.is_empty(),
        }
    }

    /// Returns the bytes for a layer, to which no event is lent: that one is copied.
    pub(crate) fn into_given(self) -> Given {
        match self {
            Body::Owned(bytes) => Given::Owned(bytes),
            Body::Static(bytes) => Given::Static(bytes),
            Body::Event(event) => Given::Owned(event.to_vec()),
            Body::Shared(bytes) => bytes.into_given(),
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Body {
        Body::Owned(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Body {
        Body::Owned(text.into_bytes())
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Body {
        Body::Static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Body {
        Body::Static(bytes)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        Body::Shared(bytes)
    }
}

impl From<Event> for Body {
    fn from(event: Event) -> Body {
        Body::Event(event)
    }
}

impl Reply {
    fn new(code: u32, body: Body) -> Reply {
        Reply { code, content_type: None, headers: Vec::new(), cookies: Vec::new(), body, is_not_found: false }
    }

    /// Makes a reply of bytes in the platform's own form, handed on untouched.
    pub fn raw(body: impl Into<Body>) -> Reply {
        Reply::new(REPLY_RAW, body.into())
    }

    /// Makes a reply of a value: bare for an event, body of a 200 for an HTTP trigger. It is JSON unless a header says
    /// otherwise.
    pub fn value(body: impl Into<Body>) -> Reply {
        Reply::new(REPLY_VALUE, body.into())
    }

    /// Makes a reply with an HTTP status.
    pub(crate) fn http(
        status: u16,
        content_type: Option<&'static str>,
        headers: Vec<(String, String)>,
        cookies: Vec<String>,
        body: Body,
    ) -> Reply {
        Reply { content_type, headers, cookies, ..Reply::new(u32::from(status), body) }
    }

    /// Makes a reply of text, which has a content type: by its content alone, `1.10` or `null` could not be told from a
    /// value.
    fn text(body: impl Into<Body>) -> Reply {
        Reply::typed("text/plain; charset=utf-8", body)
    }

    /// Makes a reply of a value that is no JSON.
    fn typed(content_type: &'static str, body: impl Into<Body>) -> Reply {
        Reply { content_type: Some(content_type), ..Reply::value(body) }
    }

    /// Makes the reply for a thing that is not there: a 404 for an HTTP trigger, nothing for an event.
    fn not_found() -> Reply {
        Reply { is_not_found: true, ..Reply::value(Body::default()) }
    }

    /// Answers an HTTP trigger with this status.
    fn set_status(&mut self, status: u16) -> Result<(), Error> {
        if !(200..=599).contains(&status) {
            let message = format!("expected an HTTP status of 200 to 599, found {status}");
            return Err(Error::new("Runtime.ReplyStatus", message));
        }
        let is_value = self.code == REPLY_VALUE && !self.body.is_empty();
        if is_value && self.content_type.is_none() && !self.headers.iter().any(|(name, _)| is_content_type(name)) {
            self.content_type = Some("application/json");
        }
        self.code = u32::from(status);
        self.is_not_found = false;
        Ok(())
    }

    /// Adds a header. A content type replaces the one that the body has by itself.
    fn add_header(&mut self, name: String, value: String) {
        if is_content_type(&name) {
            self.content_type = None;
        }
        self.headers.push((name, value));
    }

    /// Writes the reply to the host; `body` is its own body, taken out.
    pub(crate) fn write(self, body: Given, writer: &mut Writer<'_>) -> Status {
        if self.is_not_found && writer.reader().num(NUM_IS_HTTP) != 0 {
            return outcome::document(404, "Function.NotFound", "not found", writer);
        }
        if let Some(content_type) = self.content_type {
            writer.set(LIST_REPLY_HEADER, "content-type", content_type);
        }
        for (name, value) in &self.headers {
            let status = writer.add(LIST_REPLY_HEADER, name, value);
            if status < 0 {
                writer.fail("Runtime.ReplyHeader", &format!("the host refuses the reply header {name:?}"), "");
                return status;
            }
        }
        for cookie in &self.cookies {
            writer.add(LIST_REPLY_COOKIE, "", cookie);
        }
        writer.reply(self.code, body).min(OK)
    }
}

fn is_content_type(name: &str) -> bool {
    name.eq_ignore_ascii_case("content-type")
}

impl IntoReply for Reply {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(self)
    }
}

/// The reply is empty: each platform has a form for it.
impl IntoReply for () {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::value(Body::default()))
    }
}

/// The reply has the platform's own form, untouched and uncopied.
impl IntoReply for Event {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::raw(self))
    }
}

/// The reply is a body of bytes: `application/octet-stream` for an HTTP trigger.
impl IntoReply for Vec<u8> {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::typed(OCTETS, self))
    }
}

/// The reply is a body of bytes, uncopied: `application/octet-stream` for an HTTP trigger.
impl IntoReply for Bytes {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::typed(OCTETS, self))
    }
}

/// The reply is a text, and has the content type of text.
impl IntoReply for String {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::text(self))
    }
}

/// The reply is a text, and has the content type of text.
impl IntoReply for &'static str {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::text(self))
    }
}

impl<R: IntoReply<M>, M, E: IntoError<N>, N> IntoReply<(M, N)> for Result<R, E> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_err(Error::of)?.into_reply()
    }
}

/// `None` is a thing that is not there: a 404 for an HTTP trigger, nothing for an event.
impl<R: IntoReply<M>, M> IntoReply<(M,)> for Option<R> {
    fn into_reply(self) -> Result<Reply, Error> {
        self.map_or_else(|| Ok(Reply::not_found()), IntoReply::into_reply)
    }
}
