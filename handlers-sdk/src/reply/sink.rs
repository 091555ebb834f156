//! A reply that is written piece by piece.

use crate::call::context::FaasContext;
use crate::call::extract::{CallStyle, FromInvocation};
use crate::error::Error;
use crate::ffi::Held;
use crate::ffi::write::Given;
use crate::host::lane::WriteEnd;
use crate::stream_error::{StreamError, check};
use faas_abi::*;
use std::fmt;
use std::future::poll_fn;

/// The status and headers until they are out, and the writing end.
struct Stream {
    end: WriteEnd,
    status: u16,
    begun: bool,
}

impl Stream {
    fn open(held: &Held) -> Result<Stream, Error> {
        let end = WriteEnd::open(held).map_err(|message| Error::new("Runtime.Sink", message))?;
        Ok(Stream { end, status: 200, begun: false })
    }

    fn status(&mut self, status: u16) -> Result<(), StreamError> {
        if self.begun {
            return Err(StreamError::Begun);
        }
        self.status = status;
        Ok(())
    }

    fn header(&mut self, list: u32, name: &str, value: impl AsRef<[u8]>) -> Result<(), StreamError> {
        if self.begun {
            return Err(StreamError::Begun);
        }
        check(self.end.held().write_gated(|writer| writer.add(list, name, value)))
    }

    fn begin(&mut self) -> Result<(), StreamError> {
        if self.begun {
            return Ok(());
        }
        let status = u32::from(self.status);
        check(self.end.held().write_gated(|writer| writer.stream_begin(status)))?;
        self.begun = true;
        self.end.held().set_stream_begun();
        Ok(())
    }
}

macro_rules! head {
    () => {
        /// Sets the status, before the head is out. It is 200 unless set.
        ///
        /// # Errors
        /// [`StreamError::Begun`] if the head is out.
        pub fn status(&mut self, status: u16) -> Result<&mut Self, StreamError> {
            self.0.status(status)?;
            Ok(self)
        }

        /// Adds one more header, before the head is out.
        ///
        /// # Errors
        /// [`StreamError::Begun`] if the head is out, or the host refuses the header.
        pub fn header(&mut self, name: &str, value: &str) -> Result<&mut Self, StreamError> {
            self.0.header(LIST_REPLY_HEADER, name, value)?;
            Ok(self)
        }

        /// Adds one more `Set-Cookie`, as its whole text, before the head is out.
        ///
        /// # Errors
        /// It fails as [`header`](Self::header) does.
        pub fn cookie(&mut self, text: &str) -> Result<&mut Self, StreamError> {
            self.0.header(LIST_REPLY_COOKIE, "", text)?;
            Ok(self)
        }

        /// Sends the head now, and not with the first piece.
        ///
        /// # Errors
        /// The peer is gone, or the host refuses.
        pub fn begin(&mut self) -> Result<(), StreamError> {
            self.0.begin()
        }
    };
}

/// The writing end for `#[function(stream)] fn`. Writing waits while the peer is slow.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::{Error, Sink};
/// use std::io::Write;
///
/// #[function(stream)]
/// fn count(mut out: Sink) -> Result<(), Error> {
///     out.status(202)?.header("content-type", "text/plain")?;
///     for number in 1..=3 {
///         writeln!(out, "{number}")?;
///     }
///     Ok(())
/// }
///
/// let answer = Invoke::http("GET", "/").run(count::MODULE);
/// assert_eq!((answer.status(), answer.text().as_str()), (202, "1\n2\n3\n"));
/// ```
pub struct Sink(Stream);

impl Sink {
    pub(crate) fn open(held: &Held) -> Result<Sink, Error> {
        Stream::open(held).map(Sink)
    }

    head!();

    /// Writes a copy of `chunk`.
    ///
    /// # Errors
    /// The peer is gone, or the host refuses.
    pub fn write(&mut self, chunk: &[u8]) -> Result<(), StreamError> {
        self.send(chunk.to_vec())
    }

    /// Writes `chunk` without a copy.
    ///
    /// # Errors
    /// It fails as [`write`](Self::write) does.
    pub fn send(&mut self, chunk: Vec<u8>) -> Result<(), StreamError> {
        self.0.begin()?;
        check(self.0.end.wait_for_room())?;
        if chunk.is_empty() {
            return Ok(());
        }
        check(self.0.end.write(Given::Owned(chunk)))
    }
}

/// The sink takes texts and formatted output: `write!(out, …)`.
impl std::io::Write for Sink {
    fn write(&mut self, chunk: &[u8]) -> std::io::Result<usize> {
        Sink::write(self, chunk).map_err(std::io::Error::other)?;
        Ok(chunk.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The writing end for `#[function(stream)] async fn`. Awaiting a write waits while the peer is slow.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::{AsyncSink, StreamError};
///
/// #[function(stream)]
/// async fn rows(mut out: AsyncSink) -> Result<(), StreamError> {
///     out.header("content-type", "text/csv")?.begin()?; // The client sees the head before there is a row.
///     for row in ["tea,2\n", "ink,1\n"] {
///         out.write(row.as_bytes()).await?;
///     }
///     Ok(())
/// }
///
/// let answer = Invoke::http("GET", "/").run(rows::MODULE);
/// assert_eq!(answer.chunks, Some(vec![b"tea,2\n".to_vec(), b"ink,1\n".to_vec()]));
/// ```
pub struct AsyncSink(Stream);

impl AsyncSink {
    pub(crate) fn open(held: &Held) -> Result<AsyncSink, Error> {
        Stream::open(held).map(AsyncSink)
    }

    /// Adds one more header, of bytes that may be no text; a cookie is added to the cookies.
    #[cfg(feature = "tower")]
    pub(crate) fn raw_header(&mut self, name: &str, value: &[u8]) -> Result<(), StreamError> {
        match name {
            "set-cookie" => self.0.header(LIST_REPLY_COOKIE, "", value),
            _ => self.0.header(LIST_REPLY_HEADER, name, value),
        }
    }

    head!();

    /// Writes a copy of `chunk`.
    ///
    /// # Errors
    /// The peer is gone, or the host refuses.
    pub async fn write(&mut self, chunk: &[u8]) -> Result<(), StreamError> {
        self.send(chunk.to_vec()).await
    }

    /// Writes `chunk` without a copy.
    ///
    /// # Errors
    /// It fails as [`write`](Self::write) does.
    pub async fn send(&mut self, chunk: Vec<u8>) -> Result<(), StreamError> {
        self.0.begin()?;
        check(poll_fn(|context| self.0.end.poll_room(context)).await)?;
        if chunk.is_empty() {
            return Ok(());
        }
        check(self.0.end.write(Given::Owned(chunk)))
    }
}

impl FromInvocation for Sink {
    const STYLE: CallStyle = CallStyle::Blocking;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        Sink::open(ctx.held())
    }
}

impl FromInvocation for AsyncSink {
    const STYLE: CallStyle = CallStyle::Async;

    fn from_invocation(ctx: &FaasContext) -> Result<Self, Error> {
        AsyncSink::open(ctx.held())
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("begun", &self.0.begun).finish_non_exhaustive()
    }
}

impl fmt::Debug for AsyncSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncSink").field("begun", &self.0.begun).finish_non_exhaustive()
    }
}
