//! Comments in the silences of a stream of server-sent events, so that no proxy on the way takes it for dead.

use crate::reply::stream::{Sse, SseEvent};
use futures_core::Stream;
use std::fmt::{self, Debug};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// The stream that [`Sse::keep_alive`] makes of a stream of events.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::{KeepAlive, Sse, SseEvent};
/// use std::convert::Infallible;
/// use std::pin::Pin;
/// use std::task::{Context, Poll};
/// use std::time::Duration;
///
/// /// A stream that ends at once.
/// struct Silence;
///
/// impl futures_core::Stream for Silence {
///     type Item = Result<SseEvent, Infallible>;
///
///     fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
///         Poll::Ready(None)
///     }
/// }
///
/// /// Names the type, which a function that returns it has to.
/// #[function(stream)]
/// async fn quiet() -> Sse<KeepAlive<Silence>> {
///     Sse::new(Silence).keep_alive(Duration::from_secs(15))
/// }
///
/// assert_eq!(Invoke::http("GET", "/").run(quiet::MODULE).text(), "");
/// ```
pub struct KeepAlive<S> {
    stream: Pin<Box<S>>,
    every: Duration,
    /// The timer, made when the stream is first polled: only then is there a runtime to keep the time.
    silence: Option<Pin<Box<Sleep>>>,
}

impl<S> Sse<S> {
    /// Sends a comment, which clients pass over, whenever nothing was sent for that long. Proxies close connections
    /// that are quiet for about a minute; 15 seconds are usual.
    ///
    /// ```
    /// use handlers_sdk::{KeepAlive, Sse, SseEvent, function};
    /// use std::time::Duration;
    /// # use std::{convert::Infallible, pin::Pin, task::{Context, Poll}};
    /// # struct Ticks(u8);
    /// # impl futures_core::Stream for Ticks {
    /// #     type Item = Result<SseEvent, Infallible>;
    /// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
    /// #         self.0 -= 1;
    /// #         Poll::Ready((self.0 > 0).then(|| Ok(SseEvent::new("tick"))))
    /// #     }
    /// # }
    ///
    /// #[function(stream)]
    /// async fn ticks() -> Sse<KeepAlive<Ticks>> {
    ///     Sse::new(Ticks(2)).keep_alive(Duration::from_secs(15))
    /// }
    /// # let answer = handlers_sdk::testing::Invoke::http("GET", "/").run(ticks::MODULE);
    /// # assert_eq!(answer.text(), "data: tick\n\n");
    /// ```
    pub fn keep_alive(self, every: Duration) -> Sse<KeepAlive<S>> {
        Sse::new(KeepAlive { stream: Box::pin(self.into_stream()), every, silence: None })
    }
}

impl<S, E> Stream for KeepAlive<S>
where
    S: Stream<Item = Result<SseEvent, E>>,
{
    type Item = Result<SseEvent, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let every = self.every;
        let sent = self.stream.as_mut().poll_next(context);
        let silence = self.silence.get_or_insert_with(|| Box::pin(sleep(every)));
        let sent = match sent {
            Poll::Pending if silence.as_mut().poll(context).is_ready() => Poll::Ready(Some(Ok(SseEvent::comment("")))),
            other => other,
        };
        if sent.is_ready() {
            silence.as_mut().reset(Instant::now() + every);
        }
        sent
    }
}

impl<S> Debug for KeepAlive<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeepAlive").field("every", &self.every).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::future::poll_fn;

    /// A stream that says something after each of these silences.
    struct Talker(Vec<Duration>, Option<Pin<Box<Sleep>>>);

    impl Stream for Talker {
        type Item = Result<SseEvent, Infallible>;

        fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            let Some(&wait) = self.0.first() else { return Poll::Ready(None) };
            let due = self.1.get_or_insert_with(|| Box::pin(sleep(wait)));
            if due.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.1 = None;
            self.0.remove(0);
            Poll::Ready(Some(Ok(SseEvent::new("said"))))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_comment_is_sent_in_each_silence_that_is_long_and_in_no_other() {
        let waits = [1, 35, 9, 0].map(Duration::from_secs).to_vec();
        let mut stream = Sse::new(Talker(waits, None)).keep_alive(Duration::from_secs(10)).into_stream();
        let began = Instant::now();
        let mut seen = Vec::new();
        while let Some(Ok(event)) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
            seen.push((began.elapsed().as_secs(), event.to_string()));
        }
        let said = |at| (at, "data: said\n\n".to_owned());
        let silent = |at| (at, ": \n\n".to_owned());
        assert_eq!(seen, [said(1), silent(11), silent(21), silent(31), said(36), said(45), said(45)]);
    }
}
