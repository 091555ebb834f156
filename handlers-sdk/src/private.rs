//! The names that the macros' output uses. They are no part of the API.

pub use crate::call::given::Value;
pub use crate::error::described::{Describe, Described};
pub use crate::executor::drive::Call;
pub use crate::executor::{Workers, running};
pub use crate::glue::class::{
    ClassDef, Member, MethodDef, class_made, close_instance, count, instance_of, joined, made_by_default,
};
pub use crate::glue::export::{Package, module};
pub use crate::glue::function::{FunctionDef, InstanceDef};
pub use crate::glue::layer::LayerDef;
pub use crate::glue::waiting::{Hook, Lent, Way};
#[cfg(feature = "tower")]
pub use crate::http::service::{mounted, serve};
pub use crate::inject::{Lifetime, Need, NeedOf, Needs, NoNeed, Place, Provider};
#[cfg(feature = "json")]
pub use crate::lambda::ended as lambda_ended;
pub use crate::reply::outcome::Outcome;
pub use crate::reply::stream_end::{StreamEnd, StreamEndAsync};
pub use faas_abi::tables::Layer as LayerTable;
pub use faas_abi::{Function, Module};

use crate::call::context::FaasContext;
use crate::call::extract::{CallStyle, FromInvocation, FromInvocationAsync};
use crate::error::Error;
use crate::error::convert::IntoError;
use crate::inject::Inject;
use crate::layer::hooks::Ended;
use crate::reply::IntoReply;
use std::any::Any;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

/// Makes an argument of a plain `fn`.
///
/// # Errors
/// The invocation does not fit.
pub fn argument<T: FromInvocation>(ctx: &FaasContext) -> Result<T, Error> {
    T::from_invocation(ctx)
}

/// Makes an argument of an `async fn`. `M` is the way to make it, which the compiler finds.
///
/// # Errors
/// The invocation does not fit.
pub fn argument_async<T: FromInvocationAsync<M>, M>(
    ctx: &FaasContext,
) -> impl Future<Output = Result<T, Error>> + Send + use<'_, T, M> {
    T::from_invocation_async(ctx)
}

/// The features that an argument uses, and the functions that may take it. A type that is no argument has the constants
/// of [`NotWanted`].
#[derive(Debug)]
pub struct Wanted<T>(PhantomData<T>);

impl<T: FromInvocation> Wanted<T> {
    /// The features that the argument uses where the host has them.
    pub const WANTS: u64 = T::WANTS;
    /// The functions that may take the argument.
    pub const STYLE: CallStyle = T::STYLE;
}

/// Gives [`Wanted`] its constants for a type that is no argument. Those of an argument are inherent constants, which
/// the compiler prefers.
pub trait NotWanted {
    /// The features of the type: it uses no feature.
    const WANTS: u64 = 0;
    /// The functions that may take the type. It does not matter, since the compiler refuses the call itself.
    const STYLE: CallStyle = CallStyle::Any;
}

impl<T> NotWanted for Wanted<T> {}

/// Returns the features that a function uses because of an argument. Ends the compilation of a function that may not
/// have it.
pub const fn wants(style: CallStyle, wants: u64, is_async: bool) -> u64 {
    style.check(is_async);
    wants
}

/// Returns the end of a call whose function cannot be called.
pub fn refused(error: Error) -> Outcome {
    Outcome::failed(error)
}

/// Ends a call with the value that a function returned. `M` is the way in which it becomes a reply, which the compiler
/// finds.
pub fn replied<R: IntoReply<M>, M>(ctx: &FaasContext, value: R) -> Outcome {
    Outcome::of(ctx.held(), value)
}

/// Ends a call with the value that a streaming `async fn` returned.
pub async fn streamed_async<R: StreamEndAsync<M>, M>(ctx: &FaasContext, value: R) -> Outcome {
    value.outcome(ctx).await
}

/// Ends a call with the value that a streaming function returned.
pub fn streamed<R: StreamEnd<M>, M>(_ctx: &FaasContext, value: R) -> Outcome {
    value.outcome()
}

/// Ends the call of a provider that cannot fail with the value it returned.
pub fn made<T: Any + Send + Sync>(_ctx: &FaasContext, value: T) -> Outcome {
    Outcome::Made(Arc::new(value))
}

/// Ends the call of a provider that may fail with the value it returned.
pub fn made_or_failed<R: Made<M>, M>(_ctx: &FaasContext, result: R) -> Outcome {
    Outcome::made(result.value())
}

/// The values that a provider that may fail returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a provider",
    label = "no value that is shared, or no error that a function may return",
    note = "return `T` or `Result<T, E>`, where `T: Send + Sync + 'static`"
)]
pub trait Made<M> {
    /// Returns the value that the provider made.
    ///
    /// # Errors
    /// The provider failed.
    fn value(self) -> Result<Value, Error>;
}

impl<T: Any + Send + Sync, E: IntoError<M>, M> Made<M> for Result<T, E> {
    fn value(self) -> Result<Value, Error> {
        self.map(|value| Arc::new(value) as Value).map_err(Error::of)
    }
}

/// The values that a function for one record at a time may return: a record has no reply.
#[diagnostic::on_unimplemented(
    message = "a function of records returns `()` or `Result<(), E>`, found `{Self}`",
    label = "a record has no reply: return `()` or `Result<(), E>`"
)]
pub trait RecordEnd<M = ()> {
    /// Returns the end of the call.
    fn outcome(self) -> Outcome;
}

impl RecordEnd for () {
    fn outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl<E: IntoError<M>, M> RecordEnd<(M,)> for Result<(), E> {
    fn outcome(self) -> Outcome {
        self.map_or_else(|error| Outcome::failed(Error::of(error)), |()| Outcome::Done)
    }
}

/// Ends a call with the value that a function of records returned.
pub fn recorded<R: RecordEnd<M>, M>(_ctx: &FaasContext, value: R) -> Outcome {
    value.outcome()
}

/// Makes an `async` hook of a layer. The answer is any value that the hook may return, the error anything that `?`
/// converts.
pub fn hook<'a, T, E, M>(future: impl Future<Output = Result<T, E>> + Send + 'a) -> Option<Hook<'a>>
where
    T: Into<Ended>,
    E: IntoError<M>,
{
    let future = async move { future.await.map(Into::into).map_err(Error::of) };
    Some(Hook { future: Box::pin(future), runtime: &crate::executor::RUNTIME })
}

/// The values that a function for a phase may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a function for a phase",
    label = "not the end of a phase",
    note = "return `()` or `Result<(), E>`"
)]
pub trait PhaseEnd<M = ()> {
    /// Returns the end of the phase.
    fn outcome(self) -> Outcome;
}

impl PhaseEnd for () {
    fn outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl<E: IntoError<M>, M> PhaseEnd<(M,)> for Result<(), E> {
    fn outcome(self) -> Outcome {
        self.map_or_else(|error| Outcome::failed(Error::of(error)), |()| Outcome::Done)
    }
}

/// Ends a phase with the value that a method for it returned.
pub fn phase_ended<R: PhaseEnd<M>, M>(_ctx: &FaasContext, result: R) -> Outcome {
    result.outcome()
}

/// A function for a phase, async or not, of an `A`: `M` tells the two apart.
#[diagnostic::on_unimplemented(
    message = "this is not a function for a phase",
    label = "expected a `fn` or `async fn` of one argument, `{A}`, to `()` or `Result<(), E>`"
)]
pub trait PhaseFn<A, M> {
    /// Runs the function with its argument.
    fn call(self, argument: A) -> Call;
}

impl<A, F, R, M> PhaseFn<A, (R, M)> for F
where
    F: FnOnce(A) -> R,
    R: PhaseEnd<M>,
{
    fn call(self, argument: A) -> Call {
        Call::Ended(self(argument).outcome())
    }
}

impl<A, F, T, R, M> PhaseFn<A, (T, R, M)> for F
where
    F: FnOnce(A) -> T,
    T: Future<Output = R> + Send + 'static,
    R: PhaseEnd<M>,
{
    fn call(self, argument: A) -> Call {
        let future = self(argument);
        running(async move { future.await.outcome() })
    }
}

/// Runs the function for a phase.
pub fn phase<M>(function: impl PhaseFn<FaasContext, M>, ctx: &FaasContext) -> Call {
    function.call(ctx.clone())
}

/// Ends a value with its provider's function.
pub fn closed<T: Any + Send + Sync, M>(value: Value, function: impl PhaseFn<Inject<T>, M>) -> Call {
    match value.downcast() {
        Ok(value) => function.call(Inject::from(value)),
        // A provider is only given values that it has made, which have its type.
        Err(_) => Call::Ended(Outcome::Done),
    }
}

/// Returns `true` if two names are equal. It works at compile time.
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
