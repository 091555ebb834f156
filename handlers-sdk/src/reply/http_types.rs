//! The types of the crates `http` and `bytes`, as replies and as arguments.

use crate::call::context::FaasContext;
use crate::call::extract::FromInvocation;
use crate::call::request::http;
use crate::error::Error;
use crate::error::convert::IntoError;
use crate::error::status::IntoStatus;
use crate::host::bytes::Bytes;
use crate::reply::parts::ReplyPart;
use crate::reply::response::Response;
use crate::reply::{Body, IntoReply, Reply};
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};

impl IntoStatus for StatusCode {
    fn into_status(self) -> u16 {
        self.as_u16()
    }
}

impl ReplyPart for StatusCode {
    fn apply(self, reply: &mut Reply) -> Result<(), Error> {
        self.as_u16().apply(reply)
    }
}

/// The reply is a status and nothing else.
impl IntoReply for StatusCode {
    fn into_reply(self) -> Result<Reply, Error> {
        Response::new(self.as_u16()).into_reply()
    }
}

/// The error is a status and has no other message.
impl IntoError for StatusCode {
    fn into_error(self) -> Error {
        (self, self.canonical_reason().unwrap_or("failed")).into_error()
    }
}

/// Returns the value of a header as text. A header that is no text cannot be sent on every platform.
fn text(name: &HeaderName, value: &HeaderValue) -> Result<String, Error> {
    value.to_str().map(str::to_owned).map_err(|_| {
        Error::new("Runtime.ReplyHeader", format!("expected the reply header {name} to be a text of visible ASCII"))
    })
}

impl ReplyPart for HeaderMap {
    fn apply(self, reply: &mut Reply) -> Result<(), Error> {
        for (name, value) in &self {
            let value = text(name, value)?;
            if *name == ::http::header::SET_COOKIE {
                reply.cookies.push(value);
            } else {
                reply.add_header(name.as_str().to_owned(), value);
            }
        }
        Ok(())
    }
}

impl<B: Into<Body>> IntoReply for ::http::Response<B> {
    fn into_reply(self) -> Result<Reply, Error> {
        let (parts, body) = self.into_parts();
        let mut reply = Reply::http(parts.status.as_u16(), None, Vec::new(), Vec::new(), body.into());
        parts.status.apply(&mut reply)?;
        parts.headers.apply(&mut reply)?;
        Ok(reply)
    }
}

impl From<bytes::Bytes> for Body {
    fn from(bytes: bytes::Bytes) -> Body {
        Body::Owned(bytes.into())
    }
}

/// The bytes are a copy of the body or event.
impl From<Bytes> for bytes::Bytes {
    fn from(bytes: Bytes) -> bytes::Bytes {
        Vec::from(bytes).into()
    }
}

/// The bytes are a copy of the body.
impl FromInvocation for bytes::Bytes {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Ok(bytes::Bytes::copy_from_slice(ctx.body()))
    }
}

impl IntoReply for bytes::Bytes {
    fn into_reply(self) -> Result<Reply, Error> {
        Vec::from(self).into_reply()
    }
}

fn refused(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new("Runtime.UnmarshalError", format!("expected {what}, found {why}")).with_status(400)
}

impl FromInvocation for Method {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        http(ctx)?.method().parse().map_err(|why| refused("a method", &why))
    }
}

/// The address is path and query as they came.
impl FromInvocation for Uri {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let request = http(ctx)?;
        let (path, query) = (request.raw_path(), request.raw_query());
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        target.parse().map_err(|why| refused("a path and query", &why))
    }
}

/// A copy of the headers; a header that the crate `http` does not take is left out.
impl FromInvocation for HeaderMap {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let pairs = http(ctx)?.headers().raw();
        let header = |(name, value)| Some((HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?));
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.filter_map(header) {
            headers.append(name, value);
        }
        Ok(headers)
    }
}

/// The request in the words of the crate `http`, with a body without a copy.
impl FromInvocation for ::http::Request<Bytes> {
    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let mut request = ::http::Request::new(Bytes::from_invocation(ctx)?);
        *request.method_mut() = Method::from_invocation(ctx)?;
        *request.uri_mut() = Uri::from_invocation(ctx)?;
        *request.headers_mut() = HeaderMap::from_invocation(ctx)?;
        Ok(request)
    }
}
