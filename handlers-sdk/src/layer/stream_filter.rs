//! The filter through which a layer passes the pieces of a streamed reply.

use crate::error::Error;

/// A filter for the pieces of one streamed reply. A layer makes one in its `head`, where
/// [`ReplyHead::takes_filter`](crate::ReplyHead::takes_filter) says that the host takes it.
///
/// It is called by one thread at a time, which need not be always the same, and must not block. A filter that fails or
/// panics breaks the stream: its client sees that the reply is not whole.
///
/// ```
/// # use handlers_sdk::{Error, Layer, ReplyHead, Sink, function, layer};
/// # use handlers_sdk::testing::{App, Invoke};
/// use handlers_sdk::StreamFilter;
///
/// /// Sends whole lines alone.
/// #[derive(Default)]
/// struct Lines;
///
/// struct Rest(Vec<u8>);
///
/// impl StreamFilter for Rest {
///     fn piece(&mut self, piece: &[u8]) -> Result<Vec<u8>, Error> {
///         self.0.extend_from_slice(piece);
///         let end = self.0.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
///         Ok(self.0.drain(..end).collect())
///     }
///
///     fn end(&mut self) -> Result<Vec<u8>, Error> {
///         Ok(std::mem::take(&mut self.0))
///     }
/// }
///
/// #[layer]
/// impl Layer for Lines {
///     fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
///         if head.takes_filter() { head.filter(Rest(Vec::new())) } else { Ok(()) }
///     }
/// }
///
/// #[function(stream)]
/// fn count(mut out: Sink) -> Result<(), Error> {
///     for piece in ["one\nt", "wo\nthree"] {
///         out.write(piece.as_bytes())?;
///     }
///     Ok(())
/// }
///
/// let app = App::builder().module(Lines::MODULE).module(count::MODULE).start().expect("starts");
/// let chunks = app.invoke(Invoke::http("GET", "/")).chunks.expect("a stream");
/// assert_eq!(chunks, [&b"one\n"[..], b"two\n", b"three"]);
/// ```
pub trait StreamFilter: Send + 'static {
    /// Returns the bytes that go out in place of this piece, which is never empty. It may keep bytes back.
    ///
    /// # Errors
    /// The stream breaks, and the error is logged.
    fn piece(&mut self, piece: &[u8]) -> Result<Vec<u8>, Error>;

    /// Returns the bytes that go out after the last piece. It is not called for a stream that breaks before.
    ///
    /// # Errors
    /// It fails as [`piece`](Self::piece) does.
    fn end(&mut self) -> Result<Vec<u8>, Error> {
        Ok(Vec::new())
    }
}
