//! A `faas_host` over two safe traits: the thunks that modules call.
//!
//! Each thunk converts, calls one trait method, converts back. A panic in a method ends in the thunk, as the contract
//! wants, with the fallback that its line names.

use super::entry::HeadHook;
use super::filter::Filter;
use super::given::{Chunk, Given};
use super::lease::{Cell, Stamped};
use super::memory::Memory;
use super::token;
use crate::constants::*;
use crate::tables::{DropFn, FilterFn, Host, HostCtx, Inv, Tok, TokenFn};
use crate::values::{Buf, Bytes, Field, Pair, Status};
use core::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// One invocation or phase, as a runtime keeps it. `&self` methods may be called from several threads at once.
pub trait Invocation: Stamped {
    /// Returns the text of a `FAAS_META_*` key; empty if unknown or absent.
    fn meta(&self, key: u32) -> &[u8];
    /// Returns the number of a `FAAS_NUM_*` key; 0 if unknown.
    fn num(&self, key: u32) -> u64;
    /// Sets a text that is settable.
    fn set_meta(&mut self, key: u32, value: &[u8]) -> Status;
    /// Sets a number that is settable: `NUM_DEADLINE_NS`, `NUM_REPLY_CODE`, `NUM_AFTER_REPLY` or `NUM_TIMED`. Without
    /// an implementation it refuses each of them with `E_UNSUPPORTED`.
    fn set_num(&mut self, key: u32, value: u64) -> Status {
        let _ = (key, value);
        E_UNSUPPORTED
    }
    /// Returns the event as it came.
    fn event(&self) -> &[u8];
    /// Returns the HTTP body, base64 undone, or the event.
    fn body(&self) -> &[u8];
    /// Replaces the body that `body` gives.
    fn set_body(&mut self, body: Given) -> Status;
    /// Returns the length of a `FAAS_LIST_*`; 0 if it is unknown.
    fn count(&self, list: u32) -> usize;
    /// Returns one pair of a list; `None` behind its end.
    fn at(&self, list: u32, index: usize) -> Option<(&[u8], &[u8])>;
    /// Returns the first value of that name; `None` without one.
    fn get(&self, list: u32, name: &[u8]) -> Option<&[u8]>;
    /// Replaces all values of that name.
    fn set(&mut self, list: u32, name: &[u8], value: &[u8]) -> Status;
    /// Adds one more value to a list.
    fn add(&mut self, list: u32, name: &[u8], value: &[u8]) -> Status;
    /// Removes all values of that name.
    fn remove(&mut self, list: u32, name: &[u8]) -> Status;
    /// Returns the memory of scratch, slots and tokens.
    fn memory(&self) -> &Memory;
    /// Returns the memory of scratch, slots and tokens, to be changed.
    fn memory_mut(&mut self) -> &mut Memory;
    /// Sets the reply and its code.
    fn reply(&mut self, code: u32, body: Given) -> Status;
    /// Returns the reply's body; empty without a reply, and for a stream.
    fn reply_body(&self) -> &[u8];
    /// Sets the failure that the invocation ends with.
    fn fail(&mut self, kind: &[u8], message: &[u8], detail: &[u8]) -> Status;
    /// Notes that a stream of this code begins, and gives the head hooks to run before [`stream_open`].
    ///
    /// [`stream_open`]: Invocation::stream_open
    fn stream_stage(&mut self, code: u32) -> Result<Arc<[HeadHook]>, Status>;
    /// Adds a filter to the staged stream, further out than its filters of before. It is called only where the number
    /// `NUM_TAKES_FILTERS` is not 0. Without an implementation the filter is dropped.
    fn stream_filter(&mut self, filter: Filter) {
        let _ = filter;
    }
    /// Sends the head of the staged stream on its way.
    fn stream_open(&mut self) -> Status;
    /// Takes one chunk of the reply. `room` is never null, and is completed when there is room again, if the answer is
    /// `PENDING`. It may be called beside `&self` methods and beside [`stream_read`](Invocation::stream_read), and does
    /// not wait.
    fn stream_write(&self, chunk: Given, room: *mut Tok) -> Status;
    /// Returns the next chunk of the request's body, which is empty at its end. `ready` is never null, and is completed
    /// when there may be one, if the answer is `Err(PENDING)`. In all else it is like
    /// [`stream_write`](Invocation::stream_write).
    ///
    /// # Errors
    /// The status is `PENDING`, or says why there is no more of the body.
    fn stream_read(&self, ready: *mut Tok) -> Result<Chunk<'_>, Status>;
}

/// The runtime as one entry sees it. All methods may be called from any thread.
pub trait Context: Send + Sync + 'static {
    /// The type of an invocation in the runtime.
    type Inv: Invocation;
    /// Returns `true` if a line of this level (1 error to 5 trace) and target would be written.
    fn log_enabled(&self, level: u32, target: &[u8]) -> bool;
    /// Writes a line: of an invocation with this stamp, or of no invocation.
    fn log(
        &self,
        stamp: Option<&<Self::Inv as Stamped>::Stamp>,
        level: u32,
        target: &[u8],
        message: &[u8],
        fields: Fields<'_>,
    );
    /// Writes a line as it is, without time or fields.
    fn emit(&self, line: &[u8]);
    /// Returns a configured or environment value; `None` if there is no such key.
    fn config(&self, key: &[u8]) -> Option<&[u8]>;
    /// Returns the monotonic clock in nanoseconds, which is never 0.
    fn now_ns(&self) -> u64;
    /// Returns a service that some module offers; `None` if no module does.
    fn service(&self, name: &[u8], major: u32) -> Option<ServiceTable>;
    /// Offers a service to other modules.
    fn offer(&self, name: &[u8], major: u32, table: ServiceTable) -> Status;
}

/// A service's table: an address that only modules dereference, and [`param`](ServiceTable::param) for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceTable(pub(super) *const c_void);

impl ServiceTable {
    /// Returns the table of a service that the host's own program offers.
    pub fn of<T: Sync>(table: &'static T) -> ServiceTable {
        ServiceTable(core::ptr::from_ref(table).cast())
    }
}

// SAFETY: the host never dereferences it; modules share it as the service's own rules say.
unsafe impl Send for ServiceTable {}
// SAFETY: as for `Send`.
unsafe impl Sync for ServiceTable {}

/// The fields of a log line.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(&'a [Field]);

/// One field of a log line.
#[derive(Clone, Copy, Debug)]
pub struct LogField<'a> {
    /// The name of the field.
    pub name: &'a [u8],
    /// The value of the field.
    pub value: &'a [u8],
    /// `true` if the module says that the value is JSON.
    pub is_json: bool,
}

impl<'a> Fields<'a> {
    /// The fields of a line without fields.
    pub const NONE: Fields<'static> = Fields(&[]);

    /// Returns the fields one after the other.
    pub fn iter(&self) -> impl Iterator<Item = LogField<'a>> + Clone + use<'a> {
        self.0.iter().map(|field| {
            // SAFETY: borrowed for the duration of the `log` call, which `'a` does not outlive (faas.h, OWNERSHIP).
            let name = unsafe { field.name.as_slice() };
            // SAFETY: as above.
            let value = unsafe { field.value.as_slice() };
            LogField { name, value, is_json: field.kind == JSON }
        })
    }
}

/// A `faas_host` for one entry. It lives as long as the process, since modules keep the pointer.
#[derive(Clone, Copy, Debug)]
pub struct HostTable(pub(super) &'static Host);

impl HostTable {
    /// Returns the address of its context, which no other table of the process has:
    /// `std::ptr::from_ref(context).addr()` within the context's methods.
    pub fn context(self) -> usize {
        self.0.ctx.addr()
    }
}

/// Every table there is. A search for lost memory finds them here: modules have let go of theirs after Close.
static TABLES: std::sync::Mutex<Vec<HostTable>> = std::sync::Mutex::new(Vec::new());

/// Makes the table for one entry's context.
pub fn table<C: Context>(context: C, features: u64) -> HostTable {
    let context: &'static C = Box::leak(Box::new(context));
    let table = HostTable(Box::leak(Box::new(Host {
        size: size_of::<Host>(),
        major: MAJOR,
        minor: MINOR,
        features,
        ctx: core::ptr::from_ref(context).cast_mut().cast(),
        done: Some(done),
        log_enabled: Some(log_enabled::<C>),
        log: Some(log::<C>),
        emit: Some(emit::<C>),
        config: Some(config::<C>),
        now_ns: Some(now_ns::<C>),
        service: Some(service::<C>),
        offer: Some(offer::<C>),
        meta: Some(meta::<C::Inv>),
        num: Some(num::<C::Inv>),
        set_meta: Some(set_meta::<C::Inv>),
        event: Some(event::<C::Inv>),
        body: Some(body::<C::Inv>),
        set_body: Some(set_body::<C::Inv>),
        count: Some(count::<C::Inv>),
        at: Some(at::<C::Inv>),
        get: Some(get::<C::Inv>),
        set: Some(set::<C::Inv>),
        add: Some(add::<C::Inv>),
        remove: Some(remove::<C::Inv>),
        cancelled: Some(cancelled::<C::Inv>),
        scratch: Some(scratch::<C::Inv>),
        set_slot: Some(set_slot::<C::Inv>),
        slot: Some(slot::<C::Inv>),
        reply: Some(reply::<C::Inv>),
        reply_body: Some(reply_body::<C::Inv>),
        fail: Some(fail::<C::Inv>),
        stream_begin: Some(stream_begin::<C::Inv>),
        stream_write: Some(stream_write::<C::Inv>),
        stream_read: Some(stream_read::<C::Inv>),
        token: Some(new_token::<C::Inv>),
        set_num: Some(set_num::<C::Inv>),
        stream_filter: Some(stream_filter::<C::Inv>),
    })));
    TABLES.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(table);
    table
}

fn guard<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

/// Returns the context behind a `faas_host_ctx*`.
///
/// # Safety
/// `ctx` must be what [`table`] put into the table of a `C`.
unsafe fn context<'a, C: Context>(ctx: *mut HostCtx) -> &'a C {
    // SAFETY: leaked in `table`, never written; the module passes back the table's own `ctx` (faas.h, faas_host).
    unsafe { &*ctx.cast::<C>() }
}

/// Reads the bytes that a module lends for a call.
///
/// # Safety
/// The bytes must be readable until the call returns, as the contract says.
unsafe fn lent<'a>(bytes: Bytes) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { bytes.as_slice() }
}

/// Reads the invocation behind a `faas_inv*`.
///
/// # Safety
/// The module must have the invocation, and no writer beside this reader (faas.h, THREADS).
unsafe fn read<'a, I: Invocation>(inv: *const Inv) -> &'a I {
    // SAFETY: a live `faas_inv*` is the address of a `Cell<I>` (lease.rs).
    let cell = unsafe { &*inv.cast::<Cell<I>>() };
    // SAFETY: the caller's promise.
    unsafe { &*cell.inv() }
}

/// Changes the invocation behind a `faas_inv*`.
///
/// # Safety
/// The module must have the invocation, and nobody else may be in it now (faas.h, THREADS).
unsafe fn write<'a, I: Invocation>(inv: *mut Inv) -> &'a mut I {
    // SAFETY: a live `faas_inv*` is the address of a `Cell<I>` (lease.rs).
    let cell = unsafe { &*inv.cast::<Cell<I>>() };
    // SAFETY: the caller's promise.
    unsafe { &mut *cell.inv() }
}

unsafe extern "C" fn done(tok: *mut Tok, status: Status) {
    guard((), || token::complete(tok, status));
}

unsafe extern "C" fn log_enabled<C: Context>(ctx: *mut HostCtx, level: u32, target: Bytes) -> u32 {
    // SAFETY: called through the table with its own ctx.
    let context = unsafe { context::<C>(ctx) };
    // SAFETY: borrowed for the call.
    let target = unsafe { lent(target) };
    guard(0, || u32::from(context.log_enabled(level, target)))
}

unsafe extern "C" fn log<C: Context>(
    ctx: *mut HostCtx,
    inv: *const Inv,
    level: u32,
    target: Bytes,
    message: Bytes,
    fields: *const Field,
    count: usize,
) {
    // SAFETY: called through the table with its own ctx.
    let context = unsafe { context::<C>(ctx) };
    // SAFETY: null, or a live invocation: its stamp lies beside it, and stands still while a module has it.
    let stamp = (!inv.is_null()).then(|| unsafe { (*inv.cast::<Cell<C::Inv>>()).stamp() });
    // SAFETY: borrowed for the call.
    let target = unsafe { lent(target) };
    // SAFETY: borrowed for the call.
    let message = unsafe { lent(message) };
    let fields = if fields.is_null() || count == 0 {
        &[][..]
    } else {
        // SAFETY: `count` fields, borrowed for the call.
        unsafe { core::slice::from_raw_parts(fields, count) }
    };
    guard((), || context.log(stamp, level, target, message, Fields(fields)));
}

unsafe extern "C" fn emit<C: Context>(ctx: *mut HostCtx, line: Bytes) {
    // SAFETY: called through the table with its own ctx.
    let context = unsafe { context::<C>(ctx) };
    // SAFETY: borrowed for the call.
    let line = unsafe { lent(line) };
    guard((), || context.emit(line));
}

unsafe extern "C" fn config<C: Context>(ctx: *mut HostCtx, key: Bytes, out: *mut Bytes) -> Status {
    // SAFETY: called through the table with its own ctx.
    let context = unsafe { context::<C>(ctx) };
    // SAFETY: borrowed for the call.
    let key = unsafe { lent(key) };
    let found = guard(None, || context.config(key));
    // SAFETY: `out` is the module's and writable.
    unsafe { put(out, found) }
}

/// Writes a found text to a module's out parameter.
///
/// # Safety
/// `out` must be null or writable.
unsafe fn put(out: *mut Bytes, found: Option<&[u8]>) -> Status {
    let (Some(found), false) = (found, out.is_null()) else { return E_NOT_FOUND };
    // SAFETY: not null, and writable by the caller's promise.
    unsafe { out.write(Bytes::of(found)) };
    OK
}

unsafe extern "C" fn now_ns<C: Context>(ctx: *mut HostCtx) -> u64 {
    // SAFETY: called through the table with its own ctx.
    let context = unsafe { context::<C>(ctx) };
    guard(1, || context.now_ns())
}

unsafe extern "C" fn service<C: Context>(ctx: *mut HostCtx, name: Bytes, major: u32) -> *const c_void {
    // SAFETY: called through the table with its own ctx.
    let context = unsafe { context::<C>(ctx) };
    // SAFETY: borrowed for the call.
    let name = unsafe { lent(name) };
    guard(None, || context.service(name, major)).map_or(core::ptr::null(), |table| table.0)
}

unsafe extern "C" fn offer<C: Context>(ctx: *mut HostCtx, name: Bytes, major: u32, table: *const c_void) -> Status {
    if table.is_null() {
        return E_INVALID;
    }
    // SAFETY: called through the table with its own ctx.
    let context = unsafe { context::<C>(ctx) };
    // SAFETY: borrowed for the call.
    let name = unsafe { lent(name) };
    guard(E_INTERNAL, || context.offer(name, major, ServiceTable(table)))
}

unsafe extern "C" fn meta<I: Invocation>(inv: *const Inv, key: u32) -> Bytes {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    guard(Bytes::EMPTY, || Bytes::of(inv.meta(key)))
}

unsafe extern "C" fn num<I: Invocation>(inv: *const Inv, key: u32) -> u64 {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    guard(0, || inv.num(key))
}

unsafe extern "C" fn set_meta<I: Invocation>(inv: *mut Inv, key: u32, value: Bytes) -> Status {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    // SAFETY: borrowed for the call.
    let value = unsafe { lent(value) };
    guard(E_INTERNAL, || inv.set_meta(key, value))
}

unsafe extern "C" fn event<I: Invocation>(inv: *const Inv) -> Bytes {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    guard(Bytes::EMPTY, || Bytes::of(inv.event()))
}

unsafe extern "C" fn body<I: Invocation>(inv: *const Inv) -> Bytes {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    guard(Bytes::EMPTY, || Bytes::of(inv.body()))
}

unsafe extern "C" fn set_body<I: Invocation>(inv: *mut Inv, body: Buf) -> Status {
    // SAFETY: given by this call.
    let body = unsafe { Given::take(body) };
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    guard(E_INTERNAL, || inv.set_body(body))
}

unsafe extern "C" fn count<I: Invocation>(inv: *const Inv, list: u32) -> usize {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    guard(0, || inv.count(list))
}

unsafe extern "C" fn at<I: Invocation>(inv: *const Inv, list: u32, index: usize, out: *mut Pair) -> Status {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    let found = guard(None, || inv.at(list, index));
    let (Some((name, value)), false) = (found, out.is_null()) else { return E_NOT_FOUND };
    // SAFETY: `out` is not null, and the module's to write.
    unsafe { out.write(Pair { name: Bytes::of(name), value: Bytes::of(value) }) };
    OK
}

unsafe extern "C" fn get<I: Invocation>(inv: *const Inv, list: u32, name: Bytes, out: *mut Bytes) -> Status {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    // SAFETY: borrowed for the call.
    let name = unsafe { lent(name) };
    let found = guard(None, || inv.get(list, name));
    // SAFETY: `out` is the module's and writable.
    unsafe { put(out, found) }
}

unsafe extern "C" fn set<I: Invocation>(inv: *mut Inv, list: u32, name: Bytes, value: Bytes) -> Status {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    // SAFETY: borrowed for the call.
    let name = unsafe { lent(name) };
    // SAFETY: borrowed for the call.
    let value = unsafe { lent(value) };
    guard(E_INTERNAL, || inv.set(list, name, value))
}

unsafe extern "C" fn add<I: Invocation>(inv: *mut Inv, list: u32, name: Bytes, value: Bytes) -> Status {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    // SAFETY: borrowed for the call.
    let name = unsafe { lent(name) };
    // SAFETY: borrowed for the call.
    let value = unsafe { lent(value) };
    guard(E_INTERNAL, || inv.add(list, name, value))
}

unsafe extern "C" fn remove<I: Invocation>(inv: *mut Inv, list: u32, name: Bytes) -> Status {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    // SAFETY: borrowed for the call.
    let name = unsafe { lent(name) };
    guard(E_INTERNAL, || inv.remove(list, name))
}

unsafe extern "C" fn cancelled<I: Invocation>(inv: *const Inv) -> u32 {
    // SAFETY: a live `faas_inv*` is the address of a `Cell<I>`; the reason is an atomic beside the invocation.
    let cell = unsafe { &*inv.cast::<Cell<I>>() };
    cell.reason()
}

unsafe extern "C" fn scratch<I: Invocation>(inv: *mut Inv, size: usize, align: usize) -> *mut c_void {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    guard(core::ptr::null_mut(), || inv.memory_mut().scratch(size, align))
}

unsafe extern "C" fn set_slot<I: Invocation>(
    inv: *mut Inv,
    key: *const c_void,
    value: *mut c_void,
    drop: Option<DropFn>,
) -> Status {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    guard(E_INTERNAL, || {
        // SAFETY: the module promises it (faas.h, set_slot).
        unsafe { inv.memory_mut().set_slot(key, value, drop) };
        OK
    })
}

unsafe extern "C" fn slot<I: Invocation>(inv: *const Inv, key: *const c_void) -> *mut c_void {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    guard(core::ptr::null_mut(), || inv.memory().slot(key))
}

unsafe extern "C" fn reply<I: Invocation>(inv: *mut Inv, code: u32, body: Buf) -> Status {
    // SAFETY: given by this call.
    let body = unsafe { Given::take(body) };
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    guard(E_INTERNAL, || inv.reply(code, body))
}

unsafe extern "C" fn reply_body<I: Invocation>(inv: *const Inv) -> Bytes {
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    guard(Bytes::EMPTY, || Bytes::of(inv.reply_body()))
}

unsafe extern "C" fn fail<I: Invocation>(inv: *mut Inv, kind: Bytes, message: Bytes, detail: Bytes) -> Status {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    // SAFETY: borrowed for the call.
    let kind = unsafe { lent(kind) };
    // SAFETY: borrowed for the call.
    let message = unsafe { lent(message) };
    // SAFETY: borrowed for the call.
    let detail = unsafe { lent(detail) };
    guard(E_INTERNAL, || inv.fail(kind, message, detail))
}

unsafe extern "C" fn stream_begin<I: Invocation>(inv: *mut Inv, code: u32) -> Status {
    let staged = {
        // SAFETY: [write].
        let inv = unsafe { write::<I>(inv) };
        guard(Err(E_INTERNAL), || inv.stream_stage(code))
    };
    // No reference to the invocation is held here: the hooks take their own.
    match staged {
        Ok(hooks) => hooks.iter().for_each(|hook| hook.run_raw(inv)),
        Err(status) => return status,
    }
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    guard(E_INTERNAL, || inv.stream_open())
}

unsafe extern "C" fn stream_write<I: Invocation>(inv: *mut Inv, chunk: Buf, room: *mut Tok) -> Status {
    // SAFETY: given by this call.
    let chunk = unsafe { Given::take(chunk) };
    if room.is_null() {
        return E_INVALID;
    }
    // SAFETY: [out]: nobody writes now but this lane, which only reads what others read.
    let inv = unsafe { read::<I>(inv) };
    guard(E_INTERNAL, || inv.stream_write(chunk, room))
}

unsafe extern "C" fn stream_read<I: Invocation>(inv: *mut Inv, out: *mut Buf, ready: *mut Tok) -> Status {
    if out.is_null() || ready.is_null() {
        return E_INVALID;
    }
    // SAFETY: [in]: as for `stream_write`.
    let inv = unsafe { read::<I>(inv) };
    match guard(Err(E_INTERNAL), || inv.stream_read(ready)) {
        Ok(chunk) => {
            // SAFETY: not null, and the module's to write.
            unsafe { out.write(chunk.into_buf()) };
            OK
        }
        Err(status) => status,
    }
}

unsafe extern "C" fn new_token<I: Invocation>(inv: *mut Inv, call: Option<TokenFn>, arg: *mut c_void) -> *mut Tok {
    let Some(call) = call else { return core::ptr::null_mut() };
    // SAFETY: [read].
    let inv = unsafe { read::<I>(inv) };
    // SAFETY: the module promises it (faas.h, token).
    guard(core::ptr::null_mut(), || unsafe { inv.memory().token(call, arg) })
}

unsafe extern "C" fn set_num<I: Invocation>(inv: *mut Inv, key: u32, value: u64) -> Status {
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    guard(E_INTERNAL, || inv.set_num(key, value))
}

unsafe extern "C" fn stream_filter<I: Invocation>(
    inv: *mut Inv,
    call: Option<FilterFn>,
    arg: *mut c_void,
    drop: Option<DropFn>,
) -> Status {
    let Some(call) = call else { return E_INVALID };
    // SAFETY: [write].
    let inv = unsafe { write::<I>(inv) };
    guard(E_INTERNAL, || {
        if inv.num(NUM_TAKES_FILTERS) == 0 {
            return E_INVALID;
        }
        // SAFETY: given by this call, which takes them from here on.
        inv.stream_filter(unsafe { Filter::new(call, arg, drop) });
        OK
    })
}
