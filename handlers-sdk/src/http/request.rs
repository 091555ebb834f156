//! A request of the `http` crate out of an invocation.

use super::Body;
use crate::call::body_stream::BodyStream;
use crate::call::context::FaasContext;
use crate::call::extract::{CallStyle, FromInvocation};
use crate::error::Error;
use crate::ffi::Reader;
use ::http::header::CONTENT_LENGTH;
use ::http::uri::PathAndQuery;
use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use faas_abi::*;
use std::net::IpAddr;

/// The address of the client of a request, as `FAAS_TRUSTED_HOPS` lets it be told. It is among the request's extensions
/// where it is known, as `axum::extract::ConnectInfo` is elsewhere.
///
/// ```
/// # use handlers_sdk::{function, http::Body, testing::sample};
/// use handlers_sdk::http::ClientAddress;
///
/// #[function]
/// async fn whence(request: http::Request<Body>) -> Option<String> {
///     let ClientAddress(address) = request.extensions().get()?;
///     Some(address.to_string())
/// }
///
/// assert_eq!(sample("aws/apigateway-v2").run(whence::MODULE).text(), "192.0.2.7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);

/// The request as it came: method, path and query untouched, headers with their repeats, and the body read as it is
/// asked for. Among its extensions are the [`FaasContext`] and the [`ClientAddress`].
impl FromInvocation for Request<Body> {
    const WANTS: u64 = F_STREAM_IN;
    const STYLE: CallStyle = CallStyle::Async;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        let reader = ctx.held().reader();
        if reader.num(NUM_IS_HTTP) == 0 {
            let message = format!("expected an HTTP request, found an event of trigger {:?}", ctx.trigger());
            return Err(Error::new("Runtime.TriggerMismatch", message));
        }
        let bad =
            |what: &str| Error::new("BadRequest", format!("the {what} of the request is malformed")).with_status(400);
        let mut request = Request::new(());
        *request.method_mut() = Method::from_bytes(reader.meta(META_METHOD)).map_err(|_| bad("method"))?;
        *request.uri_mut() = uri(&reader).ok_or_else(|| bad("path"))?;
        *request.version_mut() = match reader.meta(META_PROTOCOL) {
            b"HTTP/1.0" => Version::HTTP_10,
            b"HTTP/2.0" | b"HTTP/2" => Version::HTTP_2,
            _ => Version::HTTP_11,
        };
        *request.headers_mut() = headers(&reader);
        let extensions = request.extensions_mut();
        extensions.insert(ctx.clone());
        if let Ok(address) = reader.text(META_CLIENT_IP).parse() {
            extensions.insert(ClientAddress(address));
        }
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let stream = BodyStream::from_invocation(ctx)?;
        Ok(request.map(|()| Body::new(stream, announced)))
    }
}

fn uri(reader: &Reader<'_>) -> Option<Uri> {
    let mut target = reader.meta(META_RAW_PATH).to_vec();
    if target.is_empty() {
        target.push(b'/');
    }
    let query = reader.meta(META_RAW_QUERY);
    if !query.is_empty() {
        target.push(b'?');
        target.extend_from_slice(query);
    }
    PathAndQuery::from_maybe_shared(bytes::Bytes::from(target)).ok().map(Uri::from)
}

/// Returns the headers. Text that is no header of HTTP is left out: an event may hold anything.
fn headers(reader: &Reader<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in (0..reader.count(LIST_HEADER)).filter_map(|index| reader.at(LIST_HEADER, index)) {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}
