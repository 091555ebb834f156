//! What the macros' output names. No part of the API.

pub use crate::call::extract::FromInvocation;
pub use crate::executor::Workers;
pub use crate::executor::drive::Call;
pub use crate::glue::export::{Package, module};
pub use crate::glue::function::FunctionDef;
pub use crate::glue::layer::LayerDef;
pub use crate::reply::outcome::Outcome;
pub use faas_abi::tables::Layer as LayerTable;
pub use faas_abi::{Function, Module};

use crate::call::context::FaasContext;
use crate::error::Error;
use crate::reply::IntoReply;
use std::future::Future;

/// A function's argument.
///
/// # Errors
/// The invocation does not fit.
pub fn argument<T: FromInvocation>(ctx: &FaasContext) -> Result<T, Error> {
    T::from_invocation(ctx)
}

/// The function cannot be called.
pub fn refused(error: Error) -> Outcome {
    Outcome::failed(error)
}

/// What a function returned.
pub fn replied(ctx: &FaasContext, value: impl IntoReply) -> Outcome {
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
pub fn streamed(_ctx: &FaasContext, value: impl StreamEnd) -> Outcome {
    value.outcome()
}

/// What a function that takes one record at a time may return: a record has no reply.
#[diagnostic::on_unimplemented(
    message = "a function of records returns `()` or `Result<(), E>`, found `{Self}`",
    label = "a record has no reply: return `()` or `Result<(), E>`"
)]
pub trait RecordEnd {
    /// How its call ends.
    fn outcome(self) -> Outcome;
}

impl RecordEnd for () {
    fn outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl<E: Into<Error>> RecordEnd for Result<(), E> {
    fn outcome(self) -> Outcome {
        phase_ended(self)
    }
}

/// What a function of records returned.
pub fn recorded(_ctx: &FaasContext, value: impl RecordEnd) -> Outcome {
    value.outcome()
}

/// A call that is a future.
pub fn running(future: impl Future<Output = Outcome> + Send + 'static) -> Call {
    Call::Running(Box::pin(future), &crate::executor::RUNTIME)
}

/// A function for a phase, async or not: `M` tells the two apart.
pub trait PhaseFn<M> {
    /// Runs it.
    fn call(self, ctx: FaasContext) -> Call;
}

fn phase_ended<E: Into<Error>>(result: Result<(), E>) -> Outcome {
    result.map_or_else(|error| Outcome::failed(Error::returned(error)), |()| Outcome::Done)
}

impl<F, E> PhaseFn<(E,)> for F
where
    F: FnOnce(FaasContext) -> Result<(), E>,
    E: Into<Error>,
{
    fn call(self, ctx: FaasContext) -> Call {
        Call::Ended(phase_ended(self(ctx)))
    }
}

impl<F, T, E> PhaseFn<(T, E)> for F
where
    F: FnOnce(FaasContext) -> T,
    T: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Error>,
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
