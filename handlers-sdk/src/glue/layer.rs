//! A layer's table, and the hooks that come in through it.

use crate::call::config::Config;
use crate::error::Error;
use crate::ffi::bytes::give;
use crate::ffi::current::within_hook;
use crate::ffi::{Entry, Writer};
use crate::layer::Layer;
use crate::layer::hooks;
use crate::layer::invocation::Invocation;
use crate::panics::{self, authored};
use core::ffi::c_void;
use faas_abi::tables::Layer as LayerTable;
use faas_abi::*;

/// What `#[layer]` implements beside the author's `impl Layer`: which hooks that one has.
pub trait LayerDef: Layer {
    /// The name it is found by.
    const NAME: &'static str;
    /// Lower is further out, where nobody configured an order.
    const ORDER: i32;
    /// It needs whole bodies.
    const WHOLE_BODY: bool;
    /// It must not be skipped.
    const REQUIRED: bool;
    /// Phases with a hook on the way in.
    const BEFORE: u32;
    /// Phases with a hook on the way out.
    const AFTER: u32;
    /// Phases with a hook for failures.
    const FAILED: u32;
    /// It has `head`.
    const HEAD: bool;
    /// It has `recognise`.
    const RECOGNISE: bool;
    /// It has `context`.
    const CONTEXT: bool;
    /// It has `health`.
    const HEALTH: bool;

    /// The table.
    const TABLE: LayerTable = LayerTable {
        size: size_of::<LayerTable>(),
        name: Bytes::of(Self::NAME.as_bytes()),
        flags: IS_REENTRANT
            | IS_INLINE
            | if cfg!(panic = "abort") { IS_ABORTING } else { 0 }
            | if Self::WHOLE_BODY { IS_WHOLE_BODY } else { 0 }
            | if Self::REQUIRED { IS_REQUIRED } else { 0 },
        order: Self::ORDER,
        needs: 0,
        wants: 0,
        before_phases: Self::BEFORE,
        after_phases: Self::AFTER,
        error_phases: Self::FAILED,
        reserved: 0,
        create: Some(create::<Self>),
        before: if Self::BEFORE == 0 { None } else { Some(before::<Self>) },
        after: if Self::AFTER == 0 { None } else { Some(after::<Self>) },
        on_error: if Self::FAILED == 0 { None } else { Some(on_error::<Self>) },
        head: if Self::HEAD { Some(head::<Self>) } else { None },
        cancel: None,
        destroy: Some(destroy::<Self>),
        recognise: if Self::RECOGNISE { Some(recognise::<Self>) } else { None },
        context: if Self::CONTEXT { Some(context::<Self>) } else { None },
        health: if Self::HEALTH { Some(health::<Self>) } else { None },
    };
}

struct Instance<L> {
    entry: &'static Entry,
    layer: L,
}

fn words(error: &Error) -> Buf {
    give(error.to_string().into_bytes())
}

unsafe extern "C" fn create<L: LayerDef>(
    host: *const Host,
    config: Bytes,
    this: *mut *mut c_void,
    why: *mut Buf,
) -> Status {
    // SAFETY: Process: the host passes its table; the config is borrowed for this call.
    let entry = match unsafe { Entry::adopt(host, L::NAME, config) } {
        Ok(entry) => entry,
        Err(unfit) => {
            // SAFETY: the host's out parameter.
            unsafe { why.write(give(unfit.into_bytes())) };
            return E_UNSUPPORTED;
        }
    };
    panics::install(entry);
    let made = panics::catch(|| L::create(&Config::of(entry)));
    let (error, status) = match made {
        Ok(Ok(layer)) => {
            let instance = Box::into_raw(Box::new(Instance { entry, layer }));
            // SAFETY: the host's out parameter.
            unsafe { this.write(instance.cast()) };
            return OK;
        }
        Ok(Err(error)) => (error, E_USER),
        Err(panic) => (panic.into_error(), E_PANIC),
    };
    // SAFETY: the host's out parameter.
    unsafe { why.write(words(&error)) };
    status
}

unsafe extern "C" fn destroy<L: LayerDef>(this: *mut c_void) {
    // SAFETY: made in `create`; the host calls this last and once.
    let instance = unsafe { Box::from_raw(this.cast::<Instance<L>>()) };
    let entry = instance.entry;
    if let Err(panic) = panics::catch(|| drop(instance)) {
        entry.log_alone(1, L::NAME, &panic.into_error().to_string(), &[]);
    }
}

/// Runs one hook.
///
/// # Safety
/// `this` from `create::<L>`; `inv` Alive and this layer's alone while the hook runs.
unsafe fn hook<L: LayerDef>(
    this: *mut c_void,
    inv: *mut Inv,
    body: impl FnOnce(&L, &mut Invocation<'_>) -> Status,
) -> Status {
    // SAFETY: the caller's promise; hooks share the instance (`Layer: Sync`).
    let instance = unsafe { &*this.cast::<Instance<L>>() };
    // SAFETY: the caller's promise.
    let mut invocation = Invocation::new(unsafe { Writer::new(instance.entry, inv) });
    let ended = panics::catch(|| {
        // SAFETY: Alive; a hook logs between its writes, never within one.
        unsafe { within_hook(instance.entry, inv, || authored(|| body(&instance.layer, &mut invocation))) }
    });
    ended.unwrap_or_else(|panic| {
        invocation.fail(&panic.into_error());
        E_PANIC
    })
}

unsafe extern "C" fn before<L: LayerDef>(this: *mut c_void, phase: u32, inv: *mut Inv, _: *mut Tok) -> Status {
    // SAFETY: the host passes what `create` made, and lends the invocation for this call.
    unsafe { hook::<L>(this, inv, |layer, invocation| hooks::before(layer, phase, invocation)) }
}

unsafe extern "C" fn after<L: LayerDef>(this: *mut c_void, phase: u32, inv: *mut Inv, _: *mut Tok) -> Status {
    // SAFETY: as in `before`.
    unsafe { hook::<L>(this, inv, |layer, invocation| hooks::after(layer, phase, invocation)) }
}

unsafe extern "C" fn on_error<L: LayerDef>(
    this: *mut c_void,
    phase: u32,
    inv: *mut Inv,
    inner: Status,
    _: *mut Tok,
) -> Status {
    // SAFETY: as in `before`.
    unsafe { hook::<L>(this, inv, |layer, invocation| hooks::failed(layer, phase, invocation, inner)) }
}

unsafe extern "C" fn head<L: LayerDef>(this: *mut c_void, inv: *mut Inv) {
    // SAFETY: as in `before`. While a stream begins its function's contexts exist: they wait at the gate, and a reply's
    // head gives out nothing that they may have borrowed.
    let instance = unsafe { &*this.cast::<Instance<L>>() };
    // SAFETY: as above.
    let writer = unsafe { Writer::new(instance.entry, inv) };
    let ended = panics::catch(|| {
        // SAFETY: as in `hook`.
        unsafe { within_hook(instance.entry, inv, || authored(|| hooks::head(&instance.layer, writer))) }
    });
    if let Err(panic) = ended {
        instance.entry.log(inv, 1, L::NAME, &panic.into_error().to_string(), &[]);
    }
}

unsafe extern "C" fn recognise<L: LayerDef>(this: *mut c_void, inv: *mut Inv) -> Status {
    // SAFETY: as in `before`.
    unsafe { hook::<L>(this, inv, hooks::recognise) }
}

unsafe extern "C" fn context<L: LayerDef>(this: *mut c_void, inv: *mut Inv) -> Status {
    // SAFETY: as in `before`.
    unsafe { hook::<L>(this, inv, hooks::context) }
}

unsafe extern "C" fn health<L: LayerDef>(this: *mut c_void, why: *mut Buf) -> Status {
    // SAFETY: the host passes what `create` made.
    let instance = unsafe { &*this.cast::<Instance<L>>() };
    let (error, status) = match panics::catch(|| instance.layer.health()) {
        Ok(Ok(())) => return OK,
        Ok(Err(error)) => (error, E_USER),
        Err(panic) => (panic.into_error(), E_PANIC),
    };
    // SAFETY: the host's out parameter.
    unsafe { why.write(words(&error)) };
    status
}
