//! A function's table, and the calls that come in through it.

use crate::call::context::FaasContext;
use crate::executor::drive::{self, Call};
use crate::ffi::bytes::give;
use crate::ffi::{Entry, Held};
use crate::glue::later;
use crate::panics;
use core::ffi::c_void;
use faas_abi::*;

/// What `#[function]` implements on the marker type it makes.
pub trait FunctionDef: Sized + 'static {
    /// The name it is found by.
    const NAME: &'static str;
    /// `IS_*` beyond those every function has.
    const FLAGS: u32;
    /// The phases it has work in.
    const PHASES: u32;
    /// It replies through a sink.
    const STREAMS: bool;
    /// JSON array of triggers, or empty.
    const TRIGGERS: &'static str;

    /// Serves one invocation.
    fn call(ctx: &FaasContext) -> Call;

    /// Runs one of the phases in `PHASES`.
    fn phase(phase: u32, ctx: &FaasContext) -> Call {
        let _ = (phase, ctx);
        Call::Ended(crate::reply::outcome::Outcome::Done)
    }

    /// The table.
    const TABLE: Function = Function {
        size: size_of::<Function>(),
        name: Bytes::of(Self::NAME.as_bytes()),
        flags: Self::FLAGS | IS_REENTRANT | if cfg!(panic = "abort") { IS_ABORTING } else { 0 },
        phases: Self::PHASES,
        needs: if Self::STREAMS { F_STREAM_OUT } else { 0 }
            | if Self::FLAGS & IS_PER_RECORD != 0 { F_RECORDS } else { 0 },
        wants: 0,
        triggers: Bytes::of(Self::TRIGGERS.as_bytes()),
        group: Bytes::EMPTY,
        create: Some(create::<Self>),
        invoke: Some(invoke::<Self>),
        // Also without a bit in `phases`: an invocation may have left work for after its reply.
        phase: Some(phase::<Self>),
        cancel: Some(cancel),
        destroy: None,
    };
}

unsafe extern "C" fn create<F: FunctionDef>(
    host: *const Host,
    config: Bytes,
    this: *mut *mut c_void,
    why: *mut Buf,
) -> Status {
    // SAFETY: Process: the host passes its table; the config is borrowed for this call.
    let entry = match unsafe { Entry::adopt(host, F::NAME, config) } {
        Ok(entry) => entry,
        Err(unfit) => {
            // SAFETY: the host's out parameter.
            unsafe { why.write(give(unfit.into_bytes())) };
            return E_UNSUPPORTED;
        }
    };
    panics::install(entry);
    // SAFETY: the host's out parameter.
    unsafe { this.write(core::ptr::from_ref(entry).cast_mut().cast()) };
    OK
}

/// What `create` wrote.
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
    drive::drive(held, F::call)
}

unsafe extern "C" fn phase<F: FunctionDef>(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status {
    // SAFETY: the host passes back what `create` wrote.
    let entry = unsafe { entry(this) };
    // SAFETY: Alive: this call brings them.
    let held = unsafe { Held::without_reply(entry, inv, tok) };
    drive::drive(held, |ctx| {
        let own = F::phase(phase, ctx);
        match (phase == REPLIED).then(|| later::take(ctx.held())).flatten() {
            Some(work) => work.beside(own),
            None => own,
        }
    })
}

unsafe extern "C" fn cancel(this: *mut c_void, inv: *mut Inv, _reason: u32) {
    // SAFETY: the host passes back what `create` wrote.
    let entry = unsafe { entry(this) };
    // The waker's code may be anybody's.
    panics::catch_aside(|| entry.running.cancel(inv.addr()));
}
