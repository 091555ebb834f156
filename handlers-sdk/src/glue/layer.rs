//! A layer's table, and the hooks that come in through it.

use crate::call::config::Config;
use crate::error::Error;
use crate::ffi::bytes::give;
use crate::ffi::current::within_hook;
use crate::ffi::{Entry, Writer};
use crate::glue::waiting::{self, Hook, Lent, Way};
use crate::layer::Layer;
use crate::layer::hooks;
use crate::panics;
use core::ffi::c_void;
use faas_abi::tables::Layer as LayerTable;
use faas_abi::*;

/// The trait that `#[layer]` implements beside the author's `impl Layer`: it says which hooks that has.
pub trait LayerDef: Layer {
    /// The name that the layer is found by.
    const NAME: &'static str;
    /// The place of the layer where no order is configured: a lower one is further out.
    const ORDER: i32;
    /// `true` if the layer needs whole bodies.
    const WHOLE_BODY: bool;
    /// `true` if the layer must not be skipped.
    const REQUIRED: bool;
    /// `true` if its plain hooks may block.
    const BLOCKING: bool;
    /// The phases with a hook on the way in, as bits.
    const BEFORE: u32;
    /// The phases with a hook on the way out, as bits.
    const AFTER: u32;
    /// The phases with a hook for failures, as bits.
    const FAILED: u32;
    /// `true` if it has the hook `head`.
    const HEAD: bool;
    /// `true` if it has the hook `recognise`.
    const RECOGNISE: bool;
    /// `true` if it has the hook `context`.
    const CONTEXT: bool;
    /// `true` if it has the hook `health`.
    const HEALTH: bool;
    /// The phases whose hooks are `async`, for each [`Way`].
    const ASYNC: [u32; 3];

    /// Returns one of those hooks as a future; `None` for any other hook.
    fn hook<'a>(&'a self, way: Way, phase: u32, lent: &'a mut Lent) -> Option<Hook<'a>> {
        let _ = (way, phase, lent);
        None
    }

    /// The table of the contract for this layer.
    const TABLE: LayerTable = LayerTable {
        size: size_of::<LayerTable>(),
        name: Bytes::of(Self::NAME.as_bytes()),
        flags: IS_REENTRANT
            | if Self::BLOCKING { IS_BLOCKING } else { IS_INLINE }
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
        cancel: if is_ever_async::<Self>() { Some(cancel::<Self>) } else { None },
        destroy: Some(destroy::<Self>),
        recognise: if Self::RECOGNISE { Some(recognise::<Self>) } else { None },
        context: if Self::CONTEXT { Some(context::<Self>) } else { None },
        health: if Self::HEALTH { Some(health::<Self>) } else { None },
    };
}

/// The instance of a layer that `create` makes.
pub(super) struct Instance<L> {
    pub(super) entry: &'static Entry,
    pub(super) layer: L,
}

const fn is_ever_async<L: LayerDef>() -> bool {
    L::ASYNC[0] | L::ASYNC[1] | L::ASYNC[2] != 0
}

/// Returns `true` if that hook is `async`: known when the library is compiled, so that a plain one pays nothing for the
/// question.
const fn is_async<L: LayerDef>(way: Way, phase: u32) -> bool {
    phase < 32 && L::ASYNC[way as usize] & 1 << phase != 0
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
/// `this` must come from `create::<L>`. `inv` must be Alive, and this layer's alone while the hook runs.
unsafe fn hook<L: LayerDef>(this: *mut c_void, inv: *mut Inv, body: impl FnOnce(&L, Writer<'_>) -> Status) -> Status {
    // SAFETY: the caller's promise; hooks share the instance (`Layer: Sync`).
    let instance = unsafe { &*this.cast::<Instance<L>>() };
    // SAFETY: the caller's promise.
    let mut writer = unsafe { Writer::new(instance.entry, inv) };
    // The guard is inside, so that its report of a panic that the author caught gets the invocation's request id.
    // SAFETY: Alive; a hook logs between its writes, never within one.
    let ended = unsafe { within_hook(instance.entry, inv, || panics::catch(|| body(&instance.layer, writer.again()))) };
    ended.unwrap_or_else(|panic| {
        hooks::fail(&mut writer, &panic.into_error());
        E_PANIC
    })
}

unsafe extern "C" fn before<L: LayerDef>(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status {
    if is_async::<L>(Way::In, phase) {
        // SAFETY: the host passes what `create` made, and lends the invocation until the call has ended.
        return unsafe { waiting::start::<L>(this, Way::In, phase, inv, OK, tok) };
    }
    // SAFETY: the host passes what `create` made, and lends the invocation for this call.
    unsafe { hook::<L>(this, inv, |layer, writer| hooks::before(layer, phase, writer)) }
}

unsafe extern "C" fn after<L: LayerDef>(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status {
    if is_async::<L>(Way::Out, phase) {
        // SAFETY: as in `before`.
        return unsafe { waiting::start::<L>(this, Way::Out, phase, inv, OK, tok) };
    }
    // SAFETY: as in `before`.
    unsafe { hook::<L>(this, inv, |layer, writer| hooks::after(layer, phase, writer)) }
}

unsafe extern "C" fn on_error<L: LayerDef>(
    this: *mut c_void,
    phase: u32,
    inv: *mut Inv,
    inner: Status,
    tok: *mut Tok,
) -> Status {
    if is_async::<L>(Way::Failed, phase) {
        // SAFETY: as in `before`.
        return unsafe { waiting::start::<L>(this, Way::Failed, phase, inv, inner, tok) };
    }
    // SAFETY: as in `before`.
    unsafe { hook::<L>(this, inv, |layer, writer| hooks::failed(layer, phase, writer, inner)) }
}

unsafe extern "C" fn cancel<L: LayerDef>(this: *mut c_void, inv: *mut Inv, _reason: u32) {
    // SAFETY: the host passes what `create` made.
    let instance = unsafe { &*this.cast::<Instance<L>>() };
    // The waker may run anybody's code, which may panic.
    panics::catch_aside(|| instance.entry.running.cancel(inv.addr()));
}

unsafe extern "C" fn head<L: LayerDef>(this: *mut c_void, inv: *mut Inv) {
    // SAFETY: as in `before`. While a stream begins its function's contexts exist: they wait at the gate, and a reply's
    // head gives out nothing that they may have borrowed.
    let instance = unsafe { &*this.cast::<Instance<L>>() };
    // SAFETY: as above.
    let writer = unsafe { Writer::new(instance.entry, inv) };
    // SAFETY: as in `hook`.
    let ended = unsafe { within_hook(instance.entry, inv, || panics::catch(|| hooks::head(&instance.layer, writer))) };
    if let Err(error) = ended.unwrap_or_else(|panic| Err(panic.into_error())) {
        instance.entry.log(inv, 1, L::NAME, &error.to_string(), &[]);
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
