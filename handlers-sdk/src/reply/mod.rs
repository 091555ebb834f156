//! What a function may return.

pub(crate) mod outcome;
pub(crate) mod response;
pub(crate) mod sink;

use crate::call::event::Event;
use crate::error::Error;
use crate::ffi::Writer;
use crate::ffi::write::Given;
use faas_abi::*;

/// Something a function returns.
pub trait IntoReply {
    /// Makes the reply. `is_http` answers whether an HTTP trigger asked; it reads the event, so ask only where it matters.
    ///
    /// # Errors
    /// There is none; this is the function's error.
    fn into_reply(self, is_http: &dyn Fn() -> bool) -> Result<Reply, Error>;
}

/// A reply: what its bytes are, headers, cookies, body.
#[derive(Debug)]
pub struct Reply {
    code: u32,
    content_type: Option<&'static str>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
    pub(crate) body: Body,
}

/// The bytes of a reply.
#[derive(Debug)]
pub enum Body {
    /// Bytes made for it.
    Owned(Vec<u8>),
    /// Bytes of the program.
    Static(&'static [u8]),
    /// The event itself.
    Event(Event),
}

impl Default for Body {
    fn default() -> Body {
        Body::Static(b"")
    }
}

impl Body {
    /// For a layer, to which no event is lent: that one is copied.
    pub(crate) fn into_given(self) -> Given {
        match self {
            Body::Owned(bytes) => Given::Owned(bytes),
            Body::Static(bytes) => Given::Static(bytes),
            Body::Event(event) => Given::Owned(event.to_vec()),
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

impl From<Event> for Body {
    fn from(event: Event) -> Body {
        Body::Event(event)
    }
}

impl Reply {
    fn new(code: u32, body: Body) -> Reply {
        Reply { code, content_type: None, headers: Vec::new(), cookies: Vec::new(), body }
    }

    /// Bytes in the platform's own form, handed on untouched.
    pub fn raw(body: impl Into<Body>) -> Reply {
        Reply::new(REPLY_RAW, body.into())
    }

    /// A value: bare for an event, body of a 200 for an HTTP trigger; JSON unless a header says otherwise.
    pub fn value(body: impl Into<Body>) -> Reply {
        Reply::new(REPLY_VALUE, body.into())
    }

    /// An HTTP reply.
    pub(crate) fn http(
        status: u16,
        content_type: Option<&'static str>,
        headers: Vec<(String, String)>,
        cookies: Vec<String>,
        body: Body,
    ) -> Reply {
        Reply { code: u32::from(status), content_type, headers, cookies, body }
    }

    /// A text says that it is one: by its content alone, `1.10` or `null` could not be told from a value.
    fn text(body: impl Into<Body>) -> Reply {
        Reply { content_type: Some("text/plain; charset=utf-8"), ..Reply::value(body) }
    }

    /// Writes it; `body` is its own, taken out.
    pub(crate) fn write(self, body: Given, writer: &mut Writer<'_>) -> Status {
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

impl IntoReply for Reply {
    fn into_reply(self, _is_http: &dyn Fn() -> bool) -> Result<Reply, Error> {
        Ok(self)
    }
}

/// Nothing: each platform has a form for it.
impl IntoReply for () {
    fn into_reply(self, _is_http: &dyn Fn() -> bool) -> Result<Reply, Error> {
        Ok(Reply::value(Body::default()))
    }
}

/// The platform's own form, untouched and uncopied.
impl IntoReply for Event {
    fn into_reply(self, _is_http: &dyn Fn() -> bool) -> Result<Reply, Error> {
        Ok(Reply::raw(self))
    }
}

/// The platform's own form, untouched.
impl IntoReply for Vec<u8> {
    fn into_reply(self, _is_http: &dyn Fn() -> bool) -> Result<Reply, Error> {
        Ok(Reply::raw(self))
    }
}

/// A text, which says by its content type that it is one.
impl IntoReply for String {
    fn into_reply(self, _is_http: &dyn Fn() -> bool) -> Result<Reply, Error> {
        Ok(Reply::text(self))
    }
}

/// A text, which says by its content type that it is one.
impl IntoReply for &'static str {
    fn into_reply(self, _is_http: &dyn Fn() -> bool) -> Result<Reply, Error> {
        Ok(Reply::text(self))
    }
}

impl<R: IntoReply, E: Into<Error>> IntoReply for Result<R, E> {
    fn into_reply(self, is_http: &dyn Fn() -> bool) -> Result<Reply, Error> {
        self.map_err(Error::returned)?.into_reply(is_http)
    }
}
