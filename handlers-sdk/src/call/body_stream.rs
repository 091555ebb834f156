//! The body of a request, read piece by piece.

use crate::call::context::FaasContext;
use crate::call::extract::{CallStyle, FromInvocation};
use crate::error::Error;
use crate::ffi::bytes;
use crate::host::lane::ReadEnd;
use crate::stream_error::StreamError;
use faas_abi::F_STREAM_IN;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::ops::Deref;
use std::task::{Context, Poll};

/// A part of a body: bytes that are read as a slice. It is never empty.
///
/// ```
/// # use handlers_sdk::{BodyStream, StreamError, function, testing::Invoke};
/// use handlers_sdk::Chunk;
///
/// fn is_png(part: &Chunk) -> bool {
///     part.starts_with(b"\x89PNG")
/// }
///
/// /// Looks at the first part alone.
/// #[function]
/// async fn kind(mut body: BodyStream) -> Result<&'static str, StreamError> {
///     let first = body.next().await.transpose()?;
///     Ok(if first.as_ref().is_some_and(is_png) { "a picture" } else { "something else" })
/// }
///
/// let upload = Invoke::http("POST", "/").body_in_parts(["\u{89}PNG", "and the rest"]);
/// assert_eq!(upload.run(kind::MODULE).text(), "something else", "U+0089 is two bytes");
/// ```
pub struct Chunk {
    bytes: bytes::Chunk,
    /// The number of bytes at its beginning that have been read already.
    read: usize,
}

impl Chunk {
    /// Returns a copy of the bytes as a vector.
    pub fn to_vec(&self) -> Vec<u8> {
        self.as_ref().to_vec()
    }
}

impl AsRef<[u8]> for Chunk {
    fn as_ref(&self) -> &[u8] {
        &self.bytes.as_ref()[self.read..]
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_ref()
    }
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("bytes", &self.len()).finish_non_exhaustive()
    }
}

fn open(ctx: &FaasContext) -> Result<ReadEnd, Error> {
    ReadEnd::open(ctx.held()).map_err(|message| Error::new("Runtime.Body", message))
}

/// The body of a request as it comes, for an `async fn`.
///
/// A function that takes one is called when the head of its request is here. The client's next bytes are read only when
/// [`next`](BodyStream::next) asks for them, so that an upload of any size needs the memory of one part. Where the
/// platform hands out bodies in whole, this is the whole body in one part. Beside it, and for layers in front of such a
/// function, [`FaasContext::body`] is empty.
///
/// ```
/// use handlers_sdk::{AsyncSink, BodyStream, Error, function};
///
/// /// Counts the bytes of an upload.
/// #[function]
/// async fn count(mut body: BodyStream) -> Result<String, Error> {
///     let mut bytes = 0;
///     while let Some(part) = body.next().await {
///         bytes += part?.len();
///     }
///     Ok(format!("{bytes} bytes"))
/// }
///
/// /// Sends back the body while it comes.
/// #[function(stream)]
/// async fn mirror(mut body: BodyStream, mut reply: AsyncSink) -> Result<(), Error> {
///     while let Some(part) = body.next().await {
///         reply.write(&part?).await?;
///     }
///     Ok(())
/// }
/// # fn main() {}
/// ```
pub struct BodyStream(ReadEnd);

impl BodyStream {
    /// Returns the next part of the body, and waits for it; `None` once the body is whole.
    ///
    /// # Errors
    /// The client is gone, sends too much, is too slow, or breaks its framing; then every later call says the same.
    pub async fn next(&mut self) -> Option<Result<Chunk, StreamError>> {
        poll_fn(|context| self.poll_part(context)).await
    }

    /// Polls for the next part of the body, for a future of one's own. See [`next`](Self::next).
    pub fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Chunk, StreamError>>> {
        self.0.poll_next(context).map(made)
    }

    /// Returns how many bytes there are. It is `None` if the body still comes, whose length only a header may tell, and
    /// once its end has been read.
    pub fn length(&self) -> Option<usize> {
        self.0.whole()
    }
}

fn made(part: Option<Result<bytes::Chunk, faas_abi::Status>>) -> Option<Result<Chunk, StreamError>> {
    part.map(|part| part.map(|bytes| Chunk { bytes, read: 0 }).map_err(StreamError::of_reading))
}

impl FromInvocation for BodyStream {
    const WANTS: u64 = F_STREAM_IN;
    const STYLE: CallStyle = CallStyle::Async;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        open(ctx).map(BodyStream)
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream").finish_non_exhaustive()
    }
}

/// The body of a request as it comes, for a plain `fn`: a [`std::io::Read`] that waits on its thread. It behaves as
/// [`BodyStream`] does.
///
/// ```
/// use handlers_sdk::{BodyReader, Error, function};
/// use std::io::{BufRead, BufReader};
///
/// /// Counts the lines of an upload.
/// #[function(blocking)]
/// fn lines(body: BodyReader) -> Result<String, Error> {
///     let mut lines = 0;
///     for line in BufReader::new(body).lines() {
///         line?;
///         lines += 1;
///     }
///     Ok(format!("{lines} lines"))
/// }
/// # fn main() {}
/// ```
pub struct BodyReader {
    end: ReadEnd,
    /// The part that [`std::io::Read`] has begun; `None` if there is none, or the body is whole.
    part: Option<Chunk>,
}

impl BodyReader {
    /// Returns the next part of the body, and waits for it; `None` once the body is whole. It is the rest of a part that
    /// [`std::io::Read`] has begun to read, if there is a rest.
    ///
    /// # Errors
    /// They are those of [`BodyStream::next`].
    pub fn next_part(&mut self) -> Option<Result<Chunk, StreamError>> {
        match self.part.take().filter(|part| !part.is_empty()) {
            Some(rest) => Some(Ok(rest)),
            None => made(self.end.wait_for_next()),
        }
    }
}

impl io::Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(mut part) = self.next_part().transpose().map_err(io::Error::other)? else { return Ok(0) };
        let count = into.len().min(part.len());
        into[..count].copy_from_slice(&part[..count]);
        part.read += count;
        self.part = Some(part);
        Ok(count)
    }
}

impl FromInvocation for BodyReader {
    const WANTS: u64 = F_STREAM_IN;
    const STYLE: CallStyle = CallStyle::Blocking;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        open(ctx).map(|end| BodyReader { end, part: None })
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyReader").finish_non_exhaustive()
    }
}
