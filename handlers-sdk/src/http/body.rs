//! The body of a request as an `http_body::Body`.

use crate::call::body_stream::BodyStream;
use crate::stream_error::StreamError;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The body of a request, which is read as it is asked for. See [`BodyStream`].
///
/// It is a `futures_core::Stream` of `Bytes` as well.
///
/// ```
/// # use handlers_sdk::{StreamError, function, testing::Invoke};
/// use futures_core::Stream;
/// use handlers_sdk::http::Body;
/// use std::future::poll_fn;
/// use std::pin::Pin;
///
/// /// Counts the parts of an upload.
/// #[function]
/// async fn parts(request: http::Request<Body>) -> Result<String, StreamError> {
///     let (mut body, mut parts) = (request.into_body(), 0);
///     while let Some(part) = poll_fn(|context| Pin::new(&mut body).poll_next(context)).await {
///         parts += usize::from(!part?.is_empty());
///     }
///     Ok(parts.to_string())
/// }
///
/// assert_eq!(Invoke::http("POST", "/").body_in_parts(["a", "b", "c"]).run(parts::MODULE).text(), "3");
/// ```
pub struct Body {
    stream: BodyStream,
    /// The number of bytes that are still to come; `None` if the request does not say it.
    left: Option<u64>,
}

impl Body {
    /// Wraps a stream. `announced` is the length in bytes that the request's head gives.
    pub(super) fn new(stream: BodyStream, announced: Option<u64>) -> Body {
        let whole = stream.length().map(|length| length as u64);
        Body { stream, left: whole.or(announced) }
    }

    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        let part = std::task::ready!(self.stream.poll_part(context));
        let bytes = part.map(|part| part.map(Bytes::from_owner));
        match &bytes {
            Some(Ok(bytes)) => self.left = self.left.map(|left| left.saturating_sub(bytes.len() as u64)),
            _ => self.left = Some(0),
        }
        Poll::Ready(bytes)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        self.poll_bytes(context).map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl futures_core::Stream for Body {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_bytes(context)
    }
}

impl futures_core::Stream for BodyStream {
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_part(context).map(|part| part.map(|part| part.map(Bytes::from_owner)))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("left", &self.left).finish_non_exhaustive()
    }
}
