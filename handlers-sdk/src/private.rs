//! What the macros' output names. No part of the API.

pub use crate::executor::drive::Call;
pub use crate::glue::class::{
    ClassDef, Member, MethodDef, close_instance, count, joined, made_by_default, one_instance_serves_several_threads,
};
pub use crate::glue::export::{Package, module};
pub use crate::glue::function::FunctionDef;
pub use crate::glue::layer::LayerDef;
pub use crate::inject::{Lifetime, Need, NeedOf, Needs, NoNeed, Place, Provider, Value, instance};
pub use crate::reply::outcome::Outcome;
pub use faas_abi::tables::Layer as LayerTable;
pub use faas_abi::{Function, Module};

use crate::call::context::FaasContext;
use crate::call::extract::{FromInvocation, FromInvocationAsync};
use crate::error::Error;
use crate::inject::Inject;
use crate::reply::IntoReply;
use std::any::Any;
use std::future::Future;
use std::sync::Arc;

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

/// What a function returned.
pub fn replied<R: IntoReply>(ctx: &FaasContext, value: R) -> Outcome {
    Outcome::of(ctx.held(), value)
}

/// What a streaming function may return.
pub trait StreamEnd {
    /// How its call ends.
    fn outcome(self) -> Outcome;
}

impl StreamEnd for () {
    fn outcome(self) -> Outcome {
        Outcome::Streamed
    }
}

impl<E: Into<Error>> StreamEnd for Result<(), E> {
    fn outcome(self) -> Outcome {
        self.map_or_else(|error| Outcome::failed(Error::returned(error)), |()| Outcome::Streamed)
    }
}

/// What a streaming function returned.
pub fn streamed<R: StreamEnd>(_ctx: &FaasContext, value: R) -> Outcome {
    value.outcome()
}

/// What a provider returned that cannot fail.
pub fn made<T: Any + Send + Sync>(_ctx: &FaasContext, value: T) -> Outcome {
    Outcome::Made(Arc::new(value))
}

/// What a provider returned that may fail.
pub fn made_or_failed<R: Made>(_ctx: &FaasContext, result: R) -> Outcome {
    Outcome::made(result.value())
}

/// What a provider may return that may fail.
pub trait Made {
    /// The value, or why there is none.
    ///
    /// # Errors
    /// The provider failed.
    fn value(self) -> Result<Value, Error>;
}

impl<T: Any + Send + Sync, E: Into<Error>> Made for Result<T, E> {
    fn value(self) -> Result<Value, Error> {
        self.map(|value| Arc::new(value) as Value).map_err(Error::returned)
    }
}

/// A call that is a future.
pub fn running(future: impl Future<Output = Outcome> + Send + 'static) -> Call {
    Call::Running(Box::pin(future), &crate::executor::RUNTIME)
}

/// What a function for a phase may return.
pub trait PhaseEnd {
    /// How the phase ends.
    fn outcome(self) -> Outcome;
}

impl PhaseEnd for () {
    fn outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl<E: Into<Error>> PhaseEnd for Result<(), E> {
    fn outcome(self) -> Outcome {
        self.map_or_else(|error| Outcome::failed(Error::returned(error)), |()| Outcome::Done)
    }
}

/// What a method for a phase returned.
pub fn phase_ended<R: PhaseEnd>(_ctx: &FaasContext, result: R) -> Outcome {
    result.outcome()
}

/// A function for a phase, async or not, of an `A`: `M` tells the two apart.
pub trait PhaseFn<A, M> {
    /// Runs it.
    fn call(self, argument: A) -> Call;
}

impl<A, F, R> PhaseFn<A, (R,)> for F
where
    F: FnOnce(A) -> R,
    R: PhaseEnd,
{
    fn call(self, argument: A) -> Call {
        Call::Ended(self(argument).outcome())
    }
}

impl<A, F, T, R> PhaseFn<A, (T, R)> for F
where
    F: FnOnce(A) -> T,
    T: Future<Output = R> + Send + 'static,
    R: PhaseEnd,
{
    fn call(self, argument: A) -> Call {
        let future = self(argument);
        running(async move { future.await.outcome() })
    }
}

/// Runs a phase's function.
pub fn phase<M>(function: impl PhaseFn<FaasContext, M>, ctx: &FaasContext) -> Call {
    function.call(ctx.clone())
}

/// Ends a value with its provider's function.
pub fn closed<T: Any + Send + Sync, M>(value: Value, function: impl PhaseFn<Inject<T>, M>) -> Call {
    match value.downcast() {
        Ok(value) => function.call(Inject::from(value)),
        // A provider is given the values that it has made.
        Err(_) => Call::Ended(Outcome::Done),
    }
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
