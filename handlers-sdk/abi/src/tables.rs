//! The sized tables and opaque types of `faas.h`, member by member. The header says what each member means.
//!
//! Rule P3: tables grow at the end only; a member exists if it lies inside `size` and is not null. [`read_table`]
//! brings that about for a whole table at once.

use crate::values::{Buf, Bytes, Field, Pair, Status};
use core::ffi::c_void;

/// One entry's view of the host; opaque.
#[repr(C)]
#[derive(Debug)]
pub struct HostCtx {
    _opaque: [u8; 0],
}

/// One invocation or lifecycle phase; opaque, host owned.
#[repr(C)]
#[derive(Debug)]
pub struct Inv {
    _opaque: [u8; 0],
}

/// A one-shot completion; opaque, and not a pointer to anything.
#[repr(C)]
#[derive(Debug)]
pub struct Tok {
    _opaque: [u8; 0],
}

/// The type of a module's one symbol, `faas_module_v1`.
pub type ModuleEntry = unsafe extern "C" fn(host_major: u32, host_minor: u32) -> *const Module;

/// The type of functions that are called once, when a callback token completes.
pub type TokenFn = unsafe extern "C" fn(arg: *mut c_void, status: Status);

/// The type of functions that free a slot's value.
pub type DropFn = unsafe extern "C" fn(value: *mut c_void);

/// The type of functions through which the pieces of a stream pass.
pub type FilterFn = unsafe extern "C" fn(arg: *mut c_void, piece: Bytes, is_last: u32, out: *mut Buf) -> Status;

/// The type of `create` of functions and layers.
pub type CreateFn =
    unsafe extern "C" fn(host: *const Host, config: Bytes, this: *mut *mut c_void, why: *mut Buf) -> Status;

/// The type of `before`, `after` and a function's `phase`.
pub type PhaseFn = unsafe extern "C" fn(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status;

/// The type of a function's `invoke`.
pub type InvokeFn = unsafe extern "C" fn(this: *mut c_void, inv: *mut Inv, tok: *mut Tok) -> Status;

/// The type of a layer's `on_error`.
pub type OnErrorFn =
    unsafe extern "C" fn(this: *mut c_void, phase: u32, inv: *mut Inv, inner: Status, tok: *mut Tok) -> Status;

/// The type of `cancel` of functions and layers.
pub type CancelFn = unsafe extern "C" fn(this: *mut c_void, inv: *mut Inv, reason: u32);

/// The type of `faas_host.done`.
pub type HostDoneFn = unsafe extern "C" fn(*mut Tok, Status);

/// The type of `faas_host.log_enabled`.
pub type HostLogEnabledFn = unsafe extern "C" fn(*mut HostCtx, u32, Bytes) -> u32;

/// The type of `faas_host.log`.
pub type HostLogFn = unsafe extern "C" fn(*mut HostCtx, *const Inv, u32, Bytes, Bytes, *const Field, usize);

/// The type of `faas_host.emit`.
pub type HostEmitFn = unsafe extern "C" fn(*mut HostCtx, Bytes);

/// The type of `faas_host.config`.
pub type HostConfigFn = unsafe extern "C" fn(*mut HostCtx, Bytes, *mut Bytes) -> Status;

/// The type of `faas_host.now_ns`.
pub type HostNowNsFn = unsafe extern "C" fn(*mut HostCtx) -> u64;

/// The type of `faas_host.service`.
pub type HostServiceFn = unsafe extern "C" fn(*mut HostCtx, Bytes, u32) -> *const c_void;

/// The type of `faas_host.offer`.
pub type HostOfferFn = unsafe extern "C" fn(*mut HostCtx, Bytes, u32, *const c_void) -> Status;

/// The type of `faas_host.meta`.
pub type HostMetaFn = unsafe extern "C" fn(*const Inv, u32) -> Bytes;

/// The type of `faas_host.num`.
pub type HostNumFn = unsafe extern "C" fn(*const Inv, u32) -> u64;

/// The type of `faas_host.set_meta`.
pub type HostSetMetaFn = unsafe extern "C" fn(*mut Inv, u32, Bytes) -> Status;

/// The type of `faas_host.event`.
pub type HostEventFn = unsafe extern "C" fn(*const Inv) -> Bytes;

/// The type of `faas_host.body`.
pub type HostBodyFn = unsafe extern "C" fn(*const Inv) -> Bytes;

/// The type of `faas_host.set_body`.
pub type HostSetBodyFn = unsafe extern "C" fn(*mut Inv, Buf) -> Status;

/// The type of `faas_host.count`.
pub type HostCountFn = unsafe extern "C" fn(*const Inv, u32) -> usize;

/// The type of `faas_host.at`.
pub type HostAtFn = unsafe extern "C" fn(*const Inv, u32, usize, *mut Pair) -> Status;

/// The type of `faas_host.get`.
pub type HostGetFn = unsafe extern "C" fn(*const Inv, u32, Bytes, *mut Bytes) -> Status;

/// The type of `faas_host.set`.
pub type HostSetFn = unsafe extern "C" fn(*mut Inv, u32, Bytes, Bytes) -> Status;

/// The type of `faas_host.add`.
pub type HostAddFn = unsafe extern "C" fn(*mut Inv, u32, Bytes, Bytes) -> Status;

/// The type of `faas_host.remove`.
pub type HostRemoveFn = unsafe extern "C" fn(*mut Inv, u32, Bytes) -> Status;

/// The type of `faas_host.cancelled`.
pub type HostCancelledFn = unsafe extern "C" fn(*const Inv) -> u32;

/// The type of `faas_host.scratch`.
pub type HostScratchFn = unsafe extern "C" fn(*mut Inv, usize, usize) -> *mut c_void;

/// The type of `faas_host.set_slot`.
pub type HostSetSlotFn = unsafe extern "C" fn(*mut Inv, *const c_void, *mut c_void, Option<DropFn>) -> Status;

/// The type of `faas_host.slot`.
pub type HostSlotFn = unsafe extern "C" fn(*const Inv, *const c_void) -> *mut c_void;

/// The type of `faas_host.reply`.
pub type HostReplyFn = unsafe extern "C" fn(*mut Inv, u32, Buf) -> Status;

/// The type of `faas_host.reply_body`.
pub type HostReplyBodyFn = unsafe extern "C" fn(*const Inv) -> Bytes;

/// The type of `faas_host.fail`.
pub type HostFailFn = unsafe extern "C" fn(*mut Inv, Bytes, Bytes, Bytes) -> Status;

/// The type of `faas_host.stream_begin`.
pub type HostStreamBeginFn = unsafe extern "C" fn(*mut Inv, u32) -> Status;

/// The type of `faas_host.stream_write`.
pub type HostStreamWriteFn = unsafe extern "C" fn(*mut Inv, Buf, *mut Tok) -> Status;

/// The type of `faas_host.stream_read`.
pub type HostStreamReadFn = unsafe extern "C" fn(*mut Inv, *mut Buf, *mut Tok) -> Status;

/// The type of `faas_host.token`.
pub type HostTokenFn = unsafe extern "C" fn(*mut Inv, Option<TokenFn>, *mut c_void) -> *mut Tok;

/// The type of `faas_host.set_num`.
pub type HostSetNumFn = unsafe extern "C" fn(*mut Inv, u32, u64) -> Status;

/// The type of `faas_host.stream_filter`.
pub type HostStreamFilterFn = unsafe extern "C" fn(*mut Inv, Option<FilterFn>, *mut c_void, Option<DropFn>) -> Status;

/// The functions that the host offers: `faas_host`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas.h, member by member")]
pub struct Host {
    pub size: usize,
    pub major: u32,
    pub minor: u32,
    pub features: u64,
    pub ctx: *mut HostCtx,
    pub done: Option<HostDoneFn>,
    pub log_enabled: Option<HostLogEnabledFn>,
    pub log: Option<HostLogFn>,
    pub emit: Option<HostEmitFn>,
    pub config: Option<HostConfigFn>,
    pub now_ns: Option<HostNowNsFn>,
    pub service: Option<HostServiceFn>,
    pub offer: Option<HostOfferFn>,
    pub meta: Option<HostMetaFn>,
    pub num: Option<HostNumFn>,
    pub set_meta: Option<HostSetMetaFn>,
    pub event: Option<HostEventFn>,
    pub body: Option<HostBodyFn>,
    pub set_body: Option<HostSetBodyFn>,
    pub count: Option<HostCountFn>,
    pub at: Option<HostAtFn>,
    pub get: Option<HostGetFn>,
    pub set: Option<HostSetFn>,
    pub add: Option<HostAddFn>,
    pub remove: Option<HostRemoveFn>,
    pub cancelled: Option<HostCancelledFn>,
    pub scratch: Option<HostScratchFn>,
    pub set_slot: Option<HostSetSlotFn>,
    pub slot: Option<HostSlotFn>,
    pub reply: Option<HostReplyFn>,
    pub reply_body: Option<HostReplyBodyFn>,
    pub fail: Option<HostFailFn>,
    pub stream_begin: Option<HostStreamBeginFn>,
    pub stream_write: Option<HostStreamWriteFn>,
    pub stream_read: Option<HostStreamReadFn>,
    pub token: Option<HostTokenFn>,
    pub set_num: Option<HostSetNumFn>,
    pub stream_filter: Option<HostStreamFilterFn>,
}

/// A function a module offers: `faas_function`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas.h, member by member")]
pub struct Function {
    pub size: usize,
    pub name: Bytes,
    pub flags: u32,
    pub phases: u32,
    pub needs: u64,
    pub wants: u64,
    pub triggers: Bytes,
    pub group: Bytes,
    pub create: Option<CreateFn>,
    pub invoke: Option<InvokeFn>,
    pub phase: Option<PhaseFn>,
    pub cancel: Option<CancelFn>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// A layer a module offers: `faas_layer`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas.h, member by member")]
pub struct Layer {
    pub size: usize,
    pub name: Bytes,
    pub flags: u32,
    pub order: i32,
    pub needs: u64,
    pub wants: u64,
    pub before_phases: u32,
    pub after_phases: u32,
    pub error_phases: u32,
    pub reserved: u32,
    pub create: Option<CreateFn>,
    pub before: Option<PhaseFn>,
    pub after: Option<PhaseFn>,
    pub on_error: Option<OnErrorFn>,
    pub head: Option<unsafe extern "C" fn(*mut c_void, *mut Inv)>,
    pub cancel: Option<CancelFn>,
    pub destroy: Option<unsafe extern "C" fn(*mut c_void)>,
    pub recognise: Option<unsafe extern "C" fn(*mut c_void, *mut Inv) -> Status>,
    pub context: Option<unsafe extern "C" fn(*mut c_void, *mut Inv) -> Status>,
    pub health: Option<unsafe extern "C" fn(*mut c_void, *mut Buf) -> Status>,
}

/// The description of a module: `faas_module`.
///
/// ```
/// use faas_abi::{Bytes, MAGIC, MAJOR, Module, ModuleEntry};
/// use std::ptr::null;
///
/// /// A module that refuses to be loaded, and gives the reason.
/// static MODULE: Module = Module {
///     size: size_of::<Module>(),
///     magic: MAGIC,
///     major: MAJOR,
///     min_minor: 0,
///     name: Bytes::of(b"shop"),
///     version: Bytes::of(b"0.1.0"),
///     built_with: Bytes::EMPTY,
///     refusal: Bytes::of(b"expected a processor with AVX2"),
///     functions: null(),
///     function_count: 0,
///     layers: null(),
///     layer_count: 0,
/// };
///
/// /// A library exports it by the name `faas_module_v1`.
/// extern "C" fn module(_host_major: u32, _host_minor: u32) -> *const Module {
///     &raw const MODULE
/// }
///
/// let entry: ModuleEntry = module;
/// // SAFETY: it asks nothing of its caller.
/// assert!(!unsafe { entry(MAJOR, 0) }.is_null());
/// ```
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas.h, member by member")]
pub struct Module {
    pub size: usize,
    pub magic: u64,
    pub major: u32,
    pub min_minor: u32,
    pub name: Bytes,
    pub version: Bytes,
    pub built_with: Bytes,
    pub refusal: Bytes,
    pub functions: *const *const Function,
    pub function_count: usize,
    pub layers: *const *const Layer,
    pub layer_count: usize,
}

// SAFETY: the tables are immutable from the moment they are handed over (P3, OWNERSHIP); the pointers inside are
// dereferenced only by code that answers for it.
unsafe impl Sync for Host {}
// SAFETY: as for `Host`.
unsafe impl Send for Host {}
// SAFETY: as for `Host`.
unsafe impl Sync for Function {}
// SAFETY: as for `Host`.
unsafe impl Sync for Layer {}
// SAFETY: as for `Host`.
unsafe impl Sync for Module {}

/// Lists the functions of a host's table: `host_calls!(member: its type, …)`.
macro_rules! host_calls {
    ($($name:ident: $of:ident),* $(,)?) => {
        /// The functions of a host of 1.0, all of which are there (faas.h, P3): a module asks once and then calls. Those
        /// of later minors may be `None`.
        ///
        /// ```
        /// use faas_abi::{Host, HostCalls};
        ///
        /// // SAFETY: zero is a legal value of every member.
        /// let broken: Host = unsafe { std::mem::zeroed() };
        /// assert!(HostCalls::of(&broken).is_err(), "a host has every function of version 1.0");
        /// ```
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs, reason = "documented in include/faas.h, member by member")]
        pub struct HostCalls {
            pub features: u64,
            pub ctx: *mut HostCtx,
            $(pub $name: $of,)*
            pub stream_filter: Option<HostStreamFilterFn>,
        }

        impl HostCalls {
            /// Returns the functions of a host's table.
            ///
            /// # Errors
            /// The name of a function that is missing: that host breaks the contract.
            pub fn of(host: &Host) -> Result<HostCalls, &'static str> {
                Ok(HostCalls {
                    features: host.features,
                    ctx: host.ctx,
                    $($name: host.$name.ok_or(stringify!($name))?,)*
                    stream_filter: host.stream_filter,
                })
            }
        }
    };
}

host_calls! {
    done: HostDoneFn,
    log_enabled: HostLogEnabledFn,
    log: HostLogFn,
    emit: HostEmitFn,
    config: HostConfigFn,
    now_ns: HostNowNsFn,
    service: HostServiceFn,
    offer: HostOfferFn,
    meta: HostMetaFn,
    num: HostNumFn,
    set_meta: HostSetMetaFn,
    event: HostEventFn,
    body: HostBodyFn,
    set_body: HostSetBodyFn,
    count: HostCountFn,
    at: HostAtFn,
    get: HostGetFn,
    set: HostSetFn,
    add: HostAddFn,
    remove: HostRemoveFn,
    cancelled: HostCancelledFn,
    scratch: HostScratchFn,
    set_slot: HostSetSlotFn,
    slot: HostSlotFn,
    reply: HostReplyFn,
    reply_body: HostReplyBodyFn,
    fail: HostFailFn,
    stream_begin: HostStreamBeginFn,
    stream_write: HostStreamWriteFn,
    stream_read: HostStreamReadFn,
    token: HostTokenFn,
    set_num: HostSetNumFn,
}

// SAFETY: as for `Host`.
unsafe impl Sync for HostCalls {}
// SAFETY: as for `Host`.
unsafe impl Send for HostCalls {}

/// A table of the contract, which begins with its own size.
///
/// ```
/// use faas_abi::tables::{Table, read_table};
///
/// /// A service of our own, in its second minor version.
/// #[repr(C)]
/// struct Till {
///     size: usize,
///     price: Option<extern "C" fn(u64) -> u64>,
///     discount: Option<extern "C" fn(u64) -> u64>,
/// }
///
/// // SAFETY: it begins with `size`, and null is a legal function pointer in an `Option`.
/// unsafe impl Table for Till {
///     const FIRST_SIZE: usize = 16;
/// }
///
/// extern "C" fn price(pieces: u64) -> u64 {
///     pieces * 3
/// }
///
/// // A provider that was built for the first version knows nothing of `discount`.
/// let theirs = Till { size: Till::FIRST_SIZE, price: Some(price), discount: None };
/// // SAFETY: it is a table, and as large as it says.
/// let ours = unsafe { read_table(&raw const theirs) };
/// assert_eq!((ours.price.map(|price| price(2)), ours.discount.is_some()), (Some(6), false));
/// ```
///
/// # Safety
/// `#[repr(C)]`, first member `size: usize`, and every other member valid when all its bytes are zero.
pub unsafe trait Table: Sized {
    /// Its size in bytes in minor version 0, which no table may be smaller than. It never changes.
    const FIRST_SIZE: usize;
}

// SAFETY: begins with `size`; every other member is a number, a nullable function pointer or a raw pointer.
unsafe impl Table for Host {
    const FIRST_SIZE: usize = 288;
}
// SAFETY: as for `Host`.
unsafe impl Table for Function {
    const FIRST_SIZE: usize = 120;
}
// SAFETY: as for `Host`.
unsafe impl Table for Layer {
    const FIRST_SIZE: usize = 144;
}
// SAFETY: as for `Host`.
unsafe impl Table for Module {
    const FIRST_SIZE: usize = 120;
}

/// Copies a table of any minor version into this version's shape: members beyond its `size` are zero, which is `None`.
///
/// A reference to the other side's table would claim memory that an older minor does not have; a copy does not.
///
/// ```
/// use faas_abi::tables::read_table;
/// use faas_abi::{Function, Module};
///
/// /// Copies the functions of a module, whichever minor version it was built for.
/// ///
/// /// # Safety
/// /// The module is one that a library has handed over.
/// unsafe fn functions(module: &Module) -> Vec<Function> {
///     // SAFETY: the list has as many pointers, each to a table.
///     (0..module.function_count).map(|index| unsafe { read_table(*module.functions.add(index)) }).collect()
/// }
/// ```
///
/// # Safety
/// `table` must be aligned and point to a table of type `T` of which `size` bytes are readable.
pub unsafe fn read_table<T: Table>(table: *const T) -> T {
    // SAFETY: every table begins with its size (trait `Table`), readable by the caller's promise.
    let size = unsafe { table.cast::<usize>().read() };
    // Members are at most eight bytes wide and aligned, so a multiple of eight never cuts one.
    let take = size.min(core::mem::size_of::<T>()) & !7;
    let mut own = core::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: `take` is within both tables; one is the caller's, the other a fresh local.
    unsafe { core::ptr::copy_nonoverlapping(table.cast::<u8>(), own.as_mut_ptr().cast::<u8>(), take) };
    // SAFETY: all-zero is valid for what was not copied (trait `Table`), the rest came from a `T`.
    unsafe { own.assume_init() }
}
