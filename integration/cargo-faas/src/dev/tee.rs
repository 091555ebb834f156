//! Bodies: one that is watched as it passes by, and the type that every reply of the front has.

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, SizeHint};
use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The failure of a body, in words.
#[derive(Debug)]
pub(crate) struct BodyError(String);

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for BodyError {}

/// The type that the body of every reply has.
pub(crate) type Out = UnsyncBoxBody<Bytes, BodyError>;

/// Returns a body of bytes that are there.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Out {
    boxed(Full::new(bytes.into()))
}

/// Returns any body as the common type.
pub(crate) fn boxed<B>(body: B) -> Out
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: fmt::Display,
{
    body.map_err(|error| BodyError(error.to_string())).boxed_unsync()
}

/// The function that sees each piece.
type Each = Box<dyn FnMut(&[u8]) + Send>;

/// Watches a body that passes by: each of its pieces, and its end, once, and whether it was whole.
pub(crate) struct Tee<B: Body> {
    inner: B,
    each: Each,
    end: Option<Box<dyn FnOnce(bool) + Send>>,
}

impl<B: Body> Tee<B> {
    /// Begins to watch `body`.
    pub(crate) fn new(
        body: B,
        each: impl FnMut(&[u8]) + Send + 'static,
        end: impl FnOnce(bool) + Send + 'static,
    ) -> Tee<B> {
        Tee { inner: body, each: Box::new(each), end: Some(Box::new(end)) }
    }

    fn finish(&mut self, is_whole: bool) {
        if let Some(end) = self.end.take() {
            end(is_whole);
        }
    }
}

impl<B> Body for Tee<B>
where
    B: Body<Data = Bytes> + Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(data) = frame.data_ref() {
                    (self.each)(data);
                }
            }
            Poll::Ready(Some(Err(_))) => self.finish(false),
            Poll::Ready(None) => self.finish(true),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: Body> Drop for Tee<B> {
    /// Ends the copy of the body. A body that is dropped with nothing left to come was whole: nobody asks for the end
    /// of a body whose length is known.
    fn drop(&mut self) {
        let is_whole = self.inner.is_end_stream();
        self.finish(is_whole);
    }
}
