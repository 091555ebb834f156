//! A class: functions that share one instance. The instance is made as a provider's value is.

use crate::call::context::FaasContext;
use crate::call::given::Value;
use crate::error::Error;
use crate::executor::drive::Call;
use crate::glue::function::{FunctionDef, InstanceDef};
use crate::inject::{self, Provider};
use crate::reply::outcome::Outcome;
use faas_abi::{Bytes, Function};
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// The trait that `#[functions]` implements on the author's type, beside [`InstanceDef`]. One instance serves several
/// threads, so it has to be `Send + Sync`.
pub trait ClassDef: InstanceDef + Any + Send + Sync {
    /// The tables of the class's functions.
    const FUNCTIONS: &'static [&'static Function];
    /// The provider of the class's instance.
    const PROVIDER: Provider;

    /// Makes the instance of the class.
    fn make(ctx: &FaasContext) -> Call;

    /// Ends the instance, in the phase Close.
    fn close(self: Arc<Self>, ctx: &FaasContext) -> Call {
        let _ = ctx;
        Call::Ended(Outcome::Done)
    }
}

/// The method with the number `N` of a class.
pub trait MethodDef<const N: usize> {
    /// The name that the function is found by.
    const NAME: &'static str;
    /// The flags `IS_*` beyond those every function has.
    const FLAGS: u32;
    /// `true` if the method replies through a sink.
    const STREAMS: bool;
    /// The features `F_*` that the method uses where the host has them.
    const WANTS: u64;
    /// The triggers as an array of JSON, or empty.
    const TRIGGERS: &'static str;

    /// Serves one invocation.
    fn call(ctx: &FaasContext) -> Call;
}

/// The function that stands for the method with the number `N`.
#[derive(Debug)]
pub struct Member<C, const N: usize>(PhantomData<C>);

impl<C: ClassDef + MethodDef<N>, const N: usize> FunctionDef for Member<C, N> {
    type Instance = C;
    const NAME: &'static str = <C as MethodDef<N>>::NAME;
    const GROUP: &'static str = <C as InstanceDef>::NAME;
    const FLAGS: u32 = C::FLAGS;
    const STREAMS: bool = C::STREAMS;
    const WANTS: u64 = <C as MethodDef<N>>::WANTS;
    const TRIGGERS: &'static str = C::TRIGGERS;
    const MEMBER: usize = N;

    fn call(ctx: &FaasContext) -> Call {
        <C as MethodDef<N>>::call(ctx)
    }
}

/// Ends an instance with the method for the phase Close.
pub fn close_instance<C: ClassDef>(value: Value, ctx: &FaasContext) -> Call {
    match value.downcast::<C>() {
        Ok(instance) => instance.close(ctx),
        // The value has another type only if the host mixed up two providers, which it does not.
        Err(_) => Call::Ended(Outcome::Done),
    }
}

/// Makes the instance of a class that has no `#[init]`.
pub fn made_by_default<C: WithoutInit>() -> Call {
    Call::Ended(Outcome::Made(Arc::new(C::default())))
}

/// A class that needs no `#[init]`, since it has a default.
#[diagnostic::on_unimplemented(
    message = "nothing makes the instance of the class `{Self}`",
    label = "has neither `#[init]` nor `Default`",
    note = "write `#[init] async fn new(…) -> Result<Self, E>` among its methods, or derive `Default`"
)]
pub trait WithoutInit: Any + Send + Sync + Default {}

impl<C: Any + Send + Sync + Default> WithoutInit for C {}

/// Returns the instance that was injected into a function of its class.
///
/// # Errors
/// No instance was injected, since the function has not been started.
pub fn instance_of<C: ClassDef>(ctx: &FaasContext) -> Result<Arc<C>, Error> {
    inject::instance(ctx)
}

/// Ends the call of an `#[init]` that cannot fail with the instance it returned.
pub fn class_made<C: ClassDef>(_ctx: &FaasContext, instance: C) -> Outcome {
    Outcome::Made(Arc::new(instance))
}

/// Returns how many functions there are in all parts.
pub const fn count(parts: &[&[&'static Function]]) -> usize {
    let (mut all, mut part) = (0, 0);
    while part < parts.len() {
        all += parts[part].len();
        part += 1;
    }
    all
}

/// The function that fills a place of the list until another one is put there.
const NOTHING: &Function = &Function {
    size: size_of::<Function>(),
    name: Bytes::EMPTY,
    flags: 0,
    phases: 0,
    needs: 0,
    wants: 0,
    triggers: Bytes::EMPTY,
    group: Bytes::EMPTY,
    create: None,
    invoke: None,
    phase: None,
    cancel: None,
    destroy: None,
};

/// Returns the functions of all parts, of which there are `N`.
pub const fn joined<const N: usize>(parts: &[&[&'static Function]]) -> [&'static Function; N] {
    let mut all = [NOTHING; N];
    let (mut at, mut part) = (0, 0);
    while part < parts.len() {
        let mut index = 0;
        while index < parts[part].len() {
            all[at] = parts[part][index];
            at += 1;
            index += 1;
        }
        part += 1;
    }
    all
}
