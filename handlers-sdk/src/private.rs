//! What the macros' output names. No part of the API.

pub use crate::error::described::{Describe, Described};
pub use crate::executor::drive::Call;
pub use crate::glue::export::{Package, module};
pub use crate::glue::function::FunctionDef;
pub use crate::glue::layer::LayerDef;
pub use crate::reply::outcome::Outcome;
pub use faas_abi::tables::Layer as LayerTable;
pub use faas_abi::{Function, Module};

use crate::call::context::FaasContext;
use crate::call::extract::{AtOnce, ByWaiting, FromInvocation, FromInvocationAsync};
use crate::error::Error;
use crate::error::convert::IntoError;
use crate::reply::IntoReply;
use std::future::Future;

/// Makes an argument of a plain `fn`.
///
/// # Errors
/// The invocation does not fit.
pub fn argument<T: FromInvocation>(ctx: &FaasContext) -> Result<T, Error> {
    T::from_invocation(ctx)
}

/// Makes an argument of an `async fn`. `M` is how, which the compiler finds.
///
/// # Errors
/// The invocation does not fit.
pub fn argument_async<T: FromInvocationAsync<M>, M>(
    ctx: &FaasContext,
) -> impl Future<Output = Result<T, Error>> + Send + use<'_, T, M> {
    T::from_invocation_async(ctx)
}

/// The function cannot be called.
pub fn refused(error: Error) -> Outcome {
    Outcome::failed(error)
}

/// What a function returned. `M` is how it becomes a reply, which the compiler finds.
pub fn replied<R: IntoReply<M>, M>(ctx: &FaasContext, value: R) -> Outcome {
    Outcome::of(ctx.held(), value)
}

/// What a streaming function may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a streaming function",
    label = "not the end of a stream",
    note = "the reply is written through the sink: return `()` or `Result<(), E>`"
)]
pub trait StreamEnd<M = ()> {
    /// How its call ends.
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

/// What a streaming `async fn` may return: also the stream itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a streaming function",
    label = "not a stream, and not the end of one",
    note = "return `Sse<S>` or `StreamReply<S>` (feature `stream`), where `S` is a `Stream<Item = Result<_, E>> + Send`; or write \
            through an `AsyncSink` and return `()` or `Result<(), E>`"
)]
pub trait StreamEndAsync<M = ByWaiting> {
    /// Writes what there is to write. How the call ends.
    fn outcome(self, ctx: &FaasContext) -> impl Future<Output = Outcome> + Send;
}

impl<R: StreamEnd<M> + Send, M> StreamEndAsync<(AtOnce, M)> for R {
    async fn outcome(self, _ctx: &FaasContext) -> Outcome {
        StreamEnd::outcome(self)
    }
}

/// A stream, or the reason why there is none.
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

/// What a streaming `async fn` returned.
pub async fn streamed_async<R: StreamEndAsync<M>, M>(ctx: &FaasContext, value: R) -> Outcome {
    value.outcome(ctx).await
}

/// What a streaming function returned.
pub fn streamed<R: StreamEnd<M>, M>(_ctx: &FaasContext, value: R) -> Outcome {
    value.outcome()
}

/// A call that is a future.
pub fn running(future: impl Future<Output = Outcome> + Send + 'static) -> Call {
    Call::Running(Box::pin(future), &crate::executor::RUNTIME)
}

/// A function for a phase, async or not: `M` tells the two apart.
#[diagnostic::on_unimplemented(
    message = "this is not a function for a phase",
    label = "expected `fn(PhaseContext) -> Result<(), E>` or `async fn(PhaseContext) -> Result<(), E>`",
    note = "a phase's function takes a `PhaseContext` and returns `Result<(), E>`"
)]
pub trait PhaseFn<M> {
    /// Runs it.
    fn call(self, ctx: FaasContext) -> Call;
}

fn phase_ended<E: IntoError<M>, M>(result: Result<(), E>) -> Outcome {
    result.map_or_else(|error| Outcome::failed(Error::of(error)), |()| Outcome::Done)
}

impl<F, E, M> PhaseFn<(E, M)> for F
where
    F: FnOnce(FaasContext) -> Result<(), E>,
    E: IntoError<M>,
{
    fn call(self, ctx: FaasContext) -> Call {
        Call::Ended(phase_ended(self(ctx)))
    }
}

impl<F, T, E, M> PhaseFn<(T, E, M)> for F
where
    F: FnOnce(FaasContext) -> T,
    T: Future<Output = Result<(), E>> + Send + 'static,
    E: IntoError<M>,
{
    fn call(self, ctx: FaasContext) -> Call {
        let future = self(ctx);
        running(async move { phase_ended(future.await) })
    }
}

/// Runs a phase's function.
pub fn phase<M>(function: impl PhaseFn<M>, ctx: &FaasContext) -> Call {
    function.call(ctx.clone())
}

/// Compares two names at compile time.
pub const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}
