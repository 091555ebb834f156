//! Replies that are a stream of the author's: bytes, or server-sent events.

use crate::call::context::FaasContext;
use crate::error::Error;
use crate::error::convert::IntoError;
use crate::marker::ByWaiting;
use crate::reply::outcome::Outcome;
use crate::reply::sink::AsyncSink;
use crate::reply::stream_end::StreamEndAsync;
use crate::stream_error::StreamError;
use futures_core::Stream;
use std::fmt::{self, Debug, Write};
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;

/// A reply of the pieces of a stream, for a `#[function(stream)] async fn`. A piece is `Result<T, E>`, where `T` is
/// bytes or a text; an error ends the stream as a failure in the middle.
///
/// ```
/// use handlers_sdk::{StreamReply, function};
/// # use std::{convert::Infallible, pin::Pin, task::{Context, Poll}};
/// # struct Lines(u8);
/// # impl futures_core::Stream for Lines {
/// #     type Item = Result<String, Infallible>;
/// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
/// #         self.0 -= 1;
/// #         Poll::Ready((self.0 > 0).then(|| Ok(format!("{}\n", self.0))))
/// #     }
/// # }
///
/// #[function(stream)]
/// async fn count_down() -> StreamReply<Lines> {
///     StreamReply::new(Lines(4)).header("content-type", "text/plain")
/// }
/// # let answer = handlers_sdk::testing::Invoke::http("GET", "/").run(count_down::MODULE);
/// # assert_eq!(answer.text(), "3\n2\n1\n");
/// ```
pub struct StreamReply<S> {
    stream: S,
    status: u16,
    headers: Vec<(String, String)>,
}

impl<S> StreamReply<S> {
    /// Makes a reply of status 200 with these pieces.
    pub fn new(stream: S) -> StreamReply<S> {
        StreamReply { stream, status: 200, headers: Vec::new() }
    }

    /// Sets another status, 200 to 599.
    #[must_use]
    pub fn status(mut self, status: u16) -> StreamReply<S> {
        self.status = status;
        self
    }

    /// Adds one more header, beside those of the same name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> StreamReply<S> {
        self.headers.push((name.into(), value.into()));
        self
    }
}

impl<S> Debug for StreamReply<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReply").field("status", &self.status).finish_non_exhaustive()
    }
}

fn head(sink: &mut AsyncSink, status: u16, headers: &[(impl AsRef<str>, impl AsRef<str>)]) -> Result<(), StreamError> {
    sink.status(status)?;
    for (name, value) in headers {
        sink.header(name.as_ref(), value.as_ref())?;
    }
    Ok(())
}

/// Writes the pieces of a stream until it ends, fails, or the peer is gone.
async fn write_all<S, T, E, M>(stream: S, mut sink: AsyncSink, bytes: fn(T) -> Vec<u8>) -> Result<(), Error>
where
    S: Stream<Item = Result<T, E>> + Send,
    T: Send,
    E: IntoError<M> + Send,
{
    let mut stream = pin!(stream);
    sink.begin().map_err(Error::of)?;
    while let Some(piece) = poll_fn(|context| stream.as_mut().poll_next(context)).await {
        sink.send(bytes(piece.map_err(Error::of)?)).await.map_err(Error::of)?;
    }
    Ok(())
}

impl<S, T, E, M> StreamEndAsync<(ByWaiting, M)> for StreamReply<S>
where
    S: Stream<Item = Result<T, E>> + Send,
    T: Into<Vec<u8>> + Send,
    E: IntoError<M> + Send,
{
    async fn outcome(self, ctx: &FaasContext) -> Outcome {
        let written = async {
            let mut sink = AsyncSink::open(ctx.held())?;
            head(&mut sink, self.status, &self.headers).map_err(Error::of)?;
            write_all(self.stream, sink, Into::into).await
        };
        written.await.map_or_else(Outcome::failed, |()| Outcome::Streamed)
    }
}

/// Server-sent events, for a `#[function(stream)] async fn`: each piece of the stream is a `Result<SseEvent, E>`.
///
/// ```
/// use handlers_sdk::{Sse, SseEvent, function};
/// # use std::{convert::Infallible, pin::Pin, task::{Context, Poll}};
/// # struct Ticks(u8);
/// # impl futures_core::Stream for Ticks {
/// #     type Item = Result<SseEvent, Infallible>;
/// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
/// #         self.0 -= 1;
/// #         Poll::Ready((self.0 > 0).then(|| Ok(SseEvent::new(format!("tick {}", self.0)))))
/// #     }
/// # }
///
/// #[function(stream)]
/// async fn ticks() -> Sse<Ticks> {
///     Sse::new(Ticks(3))
/// }
/// # let answer = handlers_sdk::testing::Invoke::http("GET", "/").run(ticks::MODULE);
/// # assert_eq!(answer.text(), "data: tick 2\n\ndata: tick 1\n\n");
/// ```
pub struct Sse<S>(S);

impl<S> Sse<S> {
    /// Makes a reply of a stream of events.
    pub fn new(stream: S) -> Sse<S> {
        Sse(stream)
    }

    #[cfg(feature = "tokio")]
    pub(crate) fn into_stream(self) -> S {
        self.0
    }
}

impl<S> Debug for Sse<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse").finish_non_exhaustive()
    }
}

impl<S, E, M> StreamEndAsync<(ByWaiting, M)> for Sse<S>
where
    S: Stream<Item = Result<SseEvent, E>> + Send,
    E: IntoError<M> + Send,
{
    async fn outcome(self, ctx: &FaasContext) -> Outcome {
        let written = async {
            let mut sink = AsyncSink::open(ctx.held())?;
            let headers = [("content-type", "text/event-stream"), ("cache-control", "no-cache")];
            head(&mut sink, 200, &headers).map_err(Error::of)?;
            write_all(self.0, sink, Into::into).await
        };
        written.await.map_or_else(Outcome::failed, |()| Outcome::Streamed)
    }
}

/// One server-sent event: data, and optionally its name, its id, and how long to wait before connecting again.
///
/// ```
/// use handlers_sdk::SseEvent;
/// use std::time::Duration;
///
/// let event = SseEvent::new("one\ntwo").name("news").id("7").retry(Duration::from_secs(3));
/// assert_eq!(event.to_string(), "event: news\nid: 7\nretry: 3000\ndata: one\ndata: two\n\n");
/// assert_eq!(SseEvent::comment("still here").to_string(), ": still here\n\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SseEvent {
    fields: String,
    data: String,
}

impl SseEvent {
    /// Returns an event of this data, of one line or several.
    pub fn new(data: impl AsRef<str>) -> SseEvent {
        let mut event = SseEvent { fields: String::new(), data: String::new() };
        lines(&mut event.data, "data", data.as_ref());
        event
    }

    /// Returns an event whose data is JSON.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize>(value: &T) -> Result<SseEvent, Error> {
        let data = crate::call::json::write(value)?;
        Ok(SseEvent::new(String::from_utf8_lossy(&data)))
    }

    /// Returns a comment, which clients pass over: sent now and then it keeps the connection open.
    pub fn comment(text: impl AsRef<str>) -> SseEvent {
        let mut event = SseEvent { fields: String::new(), data: String::new() };
        lines(&mut event.fields, "", text.as_ref());
        event
    }

    /// Sets the event's name, which a client listens to. Text behind a line end is left out.
    #[must_use]
    pub fn name(mut self, name: impl AsRef<str>) -> SseEvent {
        line(&mut self.fields, "event", name.as_ref());
        self
    }

    /// Sets the event's id, which a client that connects again sends as `Last-Event-ID`. Text behind a line end is left
    /// out.
    #[must_use]
    pub fn id(mut self, id: impl AsRef<str>) -> SseEvent {
        line(&mut self.fields, "id", id.as_ref());
        self
    }

    /// Sets how long the client waits before it connects again, in whole milliseconds.
    #[must_use]
    pub fn retry(mut self, wait: Duration) -> SseEvent {
        line(&mut self.fields, "retry", &wait.as_millis().to_string());
        self
    }
}

/// The bytes are the event as it is written: `out.send(event.into())` through an [`AsyncSink`].
impl From<SseEvent> for Vec<u8> {
    fn from(event: SseEvent) -> Vec<u8> {
        event.to_string().into_bytes()
    }
}

impl fmt::Display for SseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}{}", self.fields, self.data)
    }
}

/// Writes one line of the form; a value cannot begin another line.
fn line(out: &mut String, name: &str, value: &str) {
    let value = value.split(['\r', '\n']).next().unwrap_or_default();
    _ = writeln!(out, "{name}: {value}");
}

/// Writes one line of the form for each line of the text, whose line ends are `
/// `, `\r
/// ` or `\r`.
fn lines(out: &mut String, name: &str, text: &str) {
    text.replace("\r\n", "\n").split(['\r', '\n']).for_each(|text| line(out, name, text));
}

#[cfg(test)]
mod tests {
    use super::SseEvent;

    #[test]
    fn no_text_breaks_out_of_its_field() {
        for (event, text) in [
            (SseEvent::new(""), "data: \n\n"),
            (SseEvent::new("a\r\nb\rc\n\nid: 1"), "data: a\ndata: b\ndata: c\ndata: \ndata: id: 1\n\n"),
            (SseEvent::new("x").name("a\ndata: y").id("1\r2"), "event: a\nid: 1\ndata: x\n\n"),
            (SseEvent::comment("a\ndata: b"), ": a\n: data: b\n\n"),
        ] {
            assert_eq!(event.to_string(), text);
        }
    }
}
