//! The filter through which a layer passes the pieces of a streamed reply: the safe trait that an author implements, and
//! the functions by which the contract calls it.

use crate::error::Error;
use crate::ffi::bytes::give;
use crate::ffi::current::within_hook;
use crate::ffi::{Entry, Writer};
use crate::panics;
use core::ffi::c_void;
use faas_abi::*;

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

/// The state behind a filter's `arg`.
struct Passing<F> {
    filter: F,
    entry: &'static Entry,
    inv: *mut Inv,
}

/// Gives the filter to the host, for the stream that begins.
pub(crate) fn set<F: StreamFilter>(writer: &mut Writer<'_>, filter: F) -> Status {
    let (entry, inv) = writer.raw();
    let arg = Box::into_raw(Box::new(Passing { filter, entry, inv }));
    let status = writer.stream_filter(pass::<F>, arg.cast(), drop_filter::<F>);
    if status < 0 {
        // SAFETY: made just above, and a host that refuses has not taken it.
        drop(unsafe { Box::from_raw(arg) });
    }
    status
}

unsafe extern "C" fn pass<F: StreamFilter>(arg: *mut c_void, piece: Bytes, is_last: u32, out: *mut Buf) -> Status {
    // SAFETY: `set` made it, and one thread at a time calls this before `drop_filter` (faas.h, stream_filter).
    let Passing { filter, entry, inv } = unsafe { &mut *arg.cast::<Passing<F>>() };
    // SAFETY: borrowed for the call.
    let piece = unsafe { piece.as_slice() };
    let filtered = || {
        let mut bytes = if piece.is_empty() { Vec::new() } else { filter.piece(piece)? };
        if is_last != 0 {
            bytes.extend_from_slice(&filter.end()?);
        }
        Ok::<_, Error>(bytes)
    };
    // SAFETY: Alive: the host passes pieces only while the call of the stream is in progress, or has just ended.
    let ended = unsafe { within_hook(entry, *inv, || panics::catch(filtered)) };
    let (error, status) = match ended {
        Ok(Ok(bytes)) => {
            // SAFETY: the host's out parameter.
            unsafe { out.write(give(bytes)) };
            return OK;
        }
        Ok(Err(error)) => (error, E_USER),
        Err(panic) => (panic.into_error(), E_PANIC),
    };
    entry.log(*inv, 1, entry.name(), &error.to_string(), &[]);
    status
}

unsafe extern "C" fn drop_filter<F: StreamFilter>(arg: *mut c_void) {
    // SAFETY: `set` made it, and the host calls this last and once.
    let passing = unsafe { Box::from_raw(arg.cast::<Passing<F>>()) };
    // The filter's own drop may panic.
    panics::catch_aside(|| drop(passing));
}
