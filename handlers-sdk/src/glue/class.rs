//! A class: functions that share one instance, which is made as a provider's value is.

use crate::call::context::FaasContext;
use crate::executor::drive::Call;
use crate::glue::function::FunctionDef;
use crate::inject::{Needs, Provider, Value};
use crate::reply::outcome::Outcome;
use faas_abi::{Bytes, Function};
use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

/// What `#[functions]` implements on the author's type.
pub trait ClassDef: Any + Send + Sync + Sized {
    /// The name of the class.
    const GROUP: &'static str;
    /// The phases it has a method for, beside its start and its end.
    const PHASES: u32;
    /// What its functions need, then what its methods for phases need.
    const NEEDS: &'static [Needs];
    /// The tables of its functions.
    const FUNCTIONS: &'static [&'static Function];
    /// What makes its instance.
    const PROVIDER: Provider;

    /// Makes the instance.
    fn make(ctx: &FaasContext) -> Call;

    /// Ends the instance.
    fn close(self: Arc<Self>, ctx: &FaasContext) -> Call {
        let _ = ctx;
        Call::Ended(Outcome::Done)
    }

    /// Runs one of the phases in `PHASES`.
    fn phase(phase: u32, ctx: &FaasContext) -> Call;
}

/// The method with the number `N` of a class.
pub trait MethodDef<const N: usize>: ClassDef {
    /// The name it is found by.
    const NAME: &'static str;
    /// `IS_*` beyond those every function has.
    const FLAGS: u32;
    /// It replies through a sink.
    const STREAMS: bool;
    /// JSON array of triggers, or empty.
    const TRIGGERS: &'static str;

    /// Serves one invocation.
    fn call(ctx: &FaasContext) -> Call;
}

/// The function that a method is.
#[derive(Debug)]
pub struct Member<C, const N: usize>(PhantomData<C>);

impl<C: MethodDef<N>, const N: usize> FunctionDef for Member<C, N> {
    const NAME: &'static str = C::NAME;
    const GROUP: &'static str = C::GROUP;
    const FLAGS: u32 = C::FLAGS;
    const PHASES: u32 = C::PHASES;
    const STREAMS: bool = C::STREAMS;
    const TRIGGERS: &'static str = C::TRIGGERS;
    const NEEDS: &'static [Needs] = C::NEEDS;
    const MEMBER: usize = N;

    fn call(ctx: &FaasContext) -> Call {
        <C as MethodDef<N>>::call(ctx)
    }

    fn phase(phase: u32, ctx: &FaasContext) -> Call {
        C::phase(phase, ctx)
    }
}

/// Ends an instance.
pub fn close_instance<C: ClassDef>(value: Value, ctx: &FaasContext) -> Call {
    match value.downcast::<C>() {
        Ok(instance) => instance.close(ctx),
        // A provider is given the values that it has made.
        Err(_) => Call::Ended(Outcome::Done),
    }
}

/// Makes the instance of a class that has no `#[init]`.
pub fn made_by_default<C: WithoutInit>() -> Call {
    Call::Ended(Outcome::Made(Arc::new(C::default())))
}

/// A class that needs no `#[init]`.
#[diagnostic::on_unimplemented(
    message = "nothing makes the instance of the class `{Self}`",
    label = "has neither `#[init]` nor `Default`",
    note = "write `#[init] async fn new(…) -> Result<Self, E>` among its methods, or derive `Default`"
)]
pub trait WithoutInit: Any + Send + Sync + Default {}

impl<C: Any + Send + Sync + Default> WithoutInit for C {}

/// Checks that the instance of a class may be shared; its name is what the compiler says of one that may not.
pub const fn one_instance_serves_several_threads<C: Any + Send + Sync>() {}

/// How many functions there are in all parts.
pub const fn count(parts: &[&[&'static Function]]) -> usize {
    let (mut all, mut part) = (0, 0);
    while part < parts.len() {
        all += parts[part].len();
        part += 1;
    }
    all
}

/// Stands in a place that no function was put in yet.
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

/// The functions of all parts, of which there are `N`.
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
