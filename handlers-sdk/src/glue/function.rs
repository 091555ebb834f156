//! A function's table, and the calls that come in through it.

use crate::call::context::FaasContext;
use crate::executor::drive::{self, Call};
use crate::ffi::bytes::give;
use crate::ffi::{Entry, Held};
use crate::glue::later;
use crate::inject::{self, Needs, attached};
use crate::panics;
use core::ffi::c_void;
use faas_abi::*;

/// The type that a `create` makes: a function's own instance, or the one that the functions of a class share.
pub trait InstanceDef: Sized + 'static {
    /// The name of the function or class.
    const NAME: &'static str;
    /// The phases it has work in, as bits.
    const PHASES: u32;
    /// The values injected into each of its functions, found by [`FunctionDef::MEMBER`].
    const NEEDS: &'static [Needs];

    /// Runs one of the phases in `PHASES`.
    fn phase(phase: u32, ctx: &FaasContext) -> Call;
}

/// The trait that `#[function]` implements on the marker type it makes.
pub trait FunctionDef: Sized + 'static {
    /// The instance that its `create` makes.
    type Instance: InstanceDef;
    /// The name that the function is found by.
    const NAME: &'static str;
    /// The name of the class that it is a method of, or empty.
    const GROUP: &'static str = "";
    /// The flags `IS_*` beyond those every function has.
    const FLAGS: u32;
    /// `true` if the function replies through a sink.
    const STREAMS: bool;
    /// The features `F_*` that the function uses where the host has them.
    const WANTS: u64;
    /// The triggers as an array of JSON, or empty.
    const TRIGGERS: &'static str;
    /// Its place among the functions of its instance.
    const MEMBER: usize = 0;

    /// Serves one invocation.
    fn call(ctx: &FaasContext) -> Call;

    /// The table of the contract for this function.
    const TABLE: Function = Function {
        size: size_of::<Function>(),
        name: Bytes::of(Self::NAME.as_bytes()),
        flags: Self::FLAGS | IS_REENTRANT | if cfg!(panic = "abort") { IS_ABORTING } else { 0 },
        phases: phases::<Self::Instance>(),
        needs: if Self::STREAMS { F_STREAM_OUT } else { 0 }
            | if Self::FLAGS & IS_PER_RECORD != 0 { F_RECORDS } else { 0 },
        wants: Self::WANTS,
        triggers: Bytes::of(Self::TRIGGERS.as_bytes()),
        group: Bytes::of(Self::GROUP.as_bytes()),
        create: Some(create::<Self::Instance>),
        invoke: Some(invoke::<Self>),
        // The hook is there also without a bit in `phases`: an invocation may have left work for after its reply.
        phase: Some(phase::<Self::Instance>),
        cancel: Some(cancel),
        destroy: if is_injected::<Self::Instance>() { Some(destroy) } else { None },
    };
}

/// Returns `true` if something is injected. Then values are made at the start and ended at Close.
const fn is_injected<I: InstanceDef>() -> bool {
    Needs::any(I::NEEDS)
}

const fn phases<I: InstanceDef>() -> u32 {
    I::PHASES | if is_injected::<I>() { 1 << FUNCTION_START | 1 << CLOSE } else { 0 }
}

unsafe extern "C" fn create<I: InstanceDef>(
    host: *const Host,
    config: Bytes,
    this: *mut *mut c_void,
    why: *mut Buf,
) -> Status {
    // SAFETY: Process: the host passes its table; the config is borrowed for this call.
    let entry = match unsafe { Entry::adopt(host, I::NAME, config) } {
        Ok(entry) => entry,
        Err(unfit) => {
            // SAFETY: the host's out parameter.
            unsafe { why.write(give(unfit.into_bytes())) };
            return E_UNSUPPORTED;
        }
    };
    panics::install(entry);
    if is_injected::<I>() {
        attached::attach(entry);
    }
    // SAFETY: the host's out parameter.
    unsafe { this.write(core::ptr::from_ref(entry).cast_mut().cast()) };
    OK
}

/// Returns the entry whose address `create` wrote.
///
/// # Safety
/// `this` must come from [`create`].
unsafe fn entry(this: *mut c_void) -> &'static Entry {
    // SAFETY: `create` wrote the address of a leaked entry.
    unsafe { &*this.cast::<Entry>() }
}

unsafe extern "C" fn invoke<F: FunctionDef>(this: *mut c_void, inv: *mut Inv, tok: *mut Tok) -> Status {
    // SAFETY: the host passes back what `create` wrote.
    let entry = unsafe { entry(this) };
    let held = if F::FLAGS & IS_PER_RECORD == 0 {
        // SAFETY: Alive: this call brings them.
        unsafe { Held::new(entry, inv, tok, F::STREAMS) }
    } else {
        // SAFETY: as above.
        unsafe { Held::without_reply(entry, inv, tok) }
    };
    if is_injected::<F::Instance>() {
        return drive::drive(held, |ctx| inject::call(ctx, F::MEMBER, F::call));
    }
    drive::drive(held, F::call)
}

unsafe extern "C" fn phase<I: InstanceDef>(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status {
    // SAFETY: the host passes back what `create` wrote.
    let entry = unsafe { entry(this) };
    // SAFETY: Alive: this call brings them.
    let held = unsafe { Held::without_reply(entry, inv, tok) };
    drive::drive(held, |ctx| {
        let own = match phase {
            FUNCTION_START if is_injected::<I>() => inject::begin(ctx, I::NEEDS, |ctx| I::phase(FUNCTION_START, ctx)),
            CLOSE if is_injected::<I>() => inject::end(ctx, |ctx| I::phase(CLOSE, ctx)),
            phase => I::phase(phase, ctx),
        };
        match (phase == REPLIED).then(|| later::take(ctx.held())).flatten() {
            Some(work) => work.beside(own),
            None => own,
        }
    })
}

unsafe extern "C" fn destroy(this: *mut c_void) {
    // SAFETY: the host passes back what `create` wrote.
    let entry = unsafe { entry(this) };
    // SAFETY: the host calls this last and once, when no call is in progress.
    panics::catch_aside(|| unsafe { attached::detach(entry) });
}

unsafe extern "C" fn cancel(this: *mut c_void, inv: *mut Inv, _reason: u32) {
    // SAFETY: the host passes back what `create` wrote.
    let entry = unsafe { entry(this) };
    // The waker's code may be anybody's.
    panics::catch_aside(|| entry.running.cancel(inv.addr()));
}
