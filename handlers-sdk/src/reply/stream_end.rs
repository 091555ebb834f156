//! The values that end a function which streams: its reply has been written when it returns, or is the stream it returns.

use crate::call::context::FaasContext;
use crate::error::Error;
use crate::error::convert::IntoError;
use crate::marker::{AtOnce, ByWaiting};
use crate::reply::outcome::Outcome;

/// The values that a streaming function may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a streaming function",
    label = "not the end of a stream",
    note = "the reply is written through the sink: return `()` or `Result<(), E>`"
)]
pub trait StreamEnd<M = ()> {
    /// Returns the end of the call.
    fn outcome(self) -> Outcome;
}

impl StreamEnd for () {
    fn outcome(self) -> Outcome {
        Outcome::Streamed
    }
}

impl<E: IntoError<M>, M> StreamEnd<(M,)> for Result<(), E> {
    fn outcome(self) -> Outcome {
        self.map_or_else(|error| Outcome::failed(Error::of(error)), |()| Outcome::Streamed)
    }
}

/// The values that a streaming `async fn` may return: also the stream itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a streaming function",
    label = "not a stream, and not the end of one",
    note = "return `Sse<S>` or `StreamReply<S>` (feature `stream`), where `S` is a `Stream<Item = Result<_, E>> + Send`; or write \
            through an `AsyncSink` and return `()` or `Result<(), E>`"
)]
pub trait StreamEndAsync<M = ByWaiting> {
    /// Writes the stream, and returns the end of the call.
    fn outcome(self, ctx: &FaasContext) -> impl Future<Output = Outcome> + Send;
}

impl<R: StreamEnd<M> + Send, M> StreamEndAsync<(AtOnce, M)> for R {
    async fn outcome(self, _ctx: &FaasContext) -> Outcome {
        StreamEnd::outcome(self)
    }
}

/// The value is a stream, or the reason why there is no stream.
#[cfg(feature = "stream")]
impl<R, M, E, N> StreamEndAsync<(ByWaiting, M, N)> for Result<R, E>
where
    R: StreamEndAsync<(ByWaiting, M)> + Send,
    E: IntoError<N> + Send,
{
    async fn outcome(self, ctx: &FaasContext) -> Outcome {
        match self {
            Ok(stream) => stream.outcome(ctx).await,
            Err(error) => Outcome::failed(Error::of(error)),
        }
    }
}
