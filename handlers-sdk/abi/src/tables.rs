//! The sized tables and opaque types of `faas.h`, member by member. The header says what each member means.
//!
//! Rule P3: tables grow at the end only; a member exists if it lies inside `size` and is not null. [`read_table`] brings that about
//! for a whole table at once.

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

/// `faas_module_v1`.
pub type ModuleEntry = unsafe extern "C" fn(host_major: u32, host_minor: u32) -> *const Module;

/// Called once when a callback token completes.
pub type TokenFn = unsafe extern "C" fn(arg: *mut c_void, status: Status);

/// Frees a slot's value.
pub type DropFn = unsafe extern "C" fn(value: *mut c_void);

/// `create` of functions and layers.
pub type CreateFn =
    unsafe extern "C" fn(host: *const Host, config: Bytes, this: *mut *mut c_void, why: *mut Buf) -> Status;

/// `before`, `after` and a function's `phase`.
pub type PhaseFn = unsafe extern "C" fn(this: *mut c_void, phase: u32, inv: *mut Inv, tok: *mut Tok) -> Status;

/// A function's `invoke`.
pub type InvokeFn = unsafe extern "C" fn(this: *mut c_void, inv: *mut Inv, tok: *mut Tok) -> Status;

/// A layer's `on_error`.
pub type OnErrorFn =
    unsafe extern "C" fn(this: *mut c_void, phase: u32, inv: *mut Inv, inner: Status, tok: *mut Tok) -> Status;

/// `cancel` of functions and layers.
pub type CancelFn = unsafe extern "C" fn(this: *mut c_void, inv: *mut Inv, reason: u32);

/// What the host offers: `faas_host`.
#[repr(C)]
#[derive(Debug)]
#[allow(missing_docs, reason = "documented in include/faas.h, member by member")]
pub struct Host {
    pub size: usize,
    pub major: u32,
    pub minor: u32,
    pub features: u64,
    pub ctx: *mut HostCtx,
    pub done: Option<unsafe extern "C" fn(*mut Tok, Status)>,
    pub log_enabled: Option<unsafe extern "C" fn(*mut HostCtx, u32, Bytes) -> u32>,
    pub log: Option<unsafe extern "C" fn(*mut HostCtx, *const Inv, u32, Bytes, Bytes, *const Field, usize)>,
    pub emit: Option<unsafe extern "C" fn(*mut HostCtx, Bytes)>,
    pub config: Option<unsafe extern "C" fn(*mut HostCtx, Bytes, *mut Bytes) -> Status>,
    pub now_ns: Option<unsafe extern "C" fn(*mut HostCtx) -> u64>,
    pub service: Option<unsafe extern "C" fn(*mut HostCtx, Bytes, u32) -> *const c_void>,
    pub offer: Option<unsafe extern "C" fn(*mut HostCtx, Bytes, u32, *const c_void) -> Status>,
    pub meta: Option<unsafe extern "C" fn(*const Inv, u32) -> Bytes>,
    pub num: Option<unsafe extern "C" fn(*const Inv, u32) -> u64>,
    pub set_meta: Option<unsafe extern "C" fn(*mut Inv, u32, Bytes) -> Status>,
    pub event: Option<unsafe extern "C" fn(*const Inv) -> Bytes>,
    pub body: Option<unsafe extern "C" fn(*const Inv) -> Bytes>,
    pub set_body: Option<unsafe extern "C" fn(*mut Inv, Buf) -> Status>,
    pub count: Option<unsafe extern "C" fn(*const Inv, u32) -> usize>,
    pub at: Option<unsafe extern "C" fn(*const Inv, u32, usize, *mut Pair) -> Status>,
    pub get: Option<unsafe extern "C" fn(*const Inv, u32, Bytes, *mut Bytes) -> Status>,
    pub set: Option<unsafe extern "C" fn(*mut Inv, u32, Bytes, Bytes) -> Status>,
    pub add: Option<unsafe extern "C" fn(*mut Inv, u32, Bytes, Bytes) -> Status>,
    pub remove: Option<unsafe extern "C" fn(*mut Inv, u32, Bytes) -> Status>,
    pub cancelled: Option<unsafe extern "C" fn(*const Inv) -> u32>,
    pub scratch: Option<unsafe extern "C" fn(*mut Inv, usize, usize) -> *mut c_void>,
    pub set_slot: Option<unsafe extern "C" fn(*mut Inv, *const c_void, *mut c_void, Option<DropFn>) -> Status>,
    pub slot: Option<unsafe extern "C" fn(*const Inv, *const c_void) -> *mut c_void>,
    pub reply: Option<unsafe extern "C" fn(*mut Inv, u32, Buf) -> Status>,
    pub reply_body: Option<unsafe extern "C" fn(*const Inv) -> Bytes>,
    pub fail: Option<unsafe extern "C" fn(*mut Inv, Bytes, Bytes, Bytes) -> Status>,
    pub stream_begin: Option<unsafe extern "C" fn(*mut Inv, u32) -> Status>,
    pub stream_write: Option<unsafe extern "C" fn(*mut Inv, Buf, *mut Tok) -> Status>,
    pub stream_read: Option<unsafe extern "C" fn(*mut Inv, *mut Buf, *mut Tok) -> Status>,
    pub token: Option<unsafe extern "C" fn(*mut Inv, Option<TokenFn>, *mut c_void) -> *mut Tok>,
    pub set_num: Option<unsafe extern "C" fn(*mut Inv, u32, u64) -> Status>,
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

/// What a module is: `faas_module`.
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

/// A table of the contract, which begins with its own size.
///
/// # Safety
/// `#[repr(C)]`, first member `size: usize`, and every other member valid when all its bytes are zero.
pub unsafe trait Table: Sized {
    /// Its size in minor version 0, which no table may be smaller than. Never changes.
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
