//! Reading an invocation, from any thread.

use super::bytes::Chunk;
use super::entry::Entry;
use super::write::Given;
use core::marker::PhantomData;
use faas_abi::tables::TokenFn;
use faas_abi::{Buf, Bytes, E_INTERNAL, Inv, OK, PENDING, Pair, Status, Tok};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A readable view of an invocation, for as long as `'a`: made only where Alive and Quiet hold for that long.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    entry: &'static Entry,
    inv: *const Inv,
    /// The gate that keeps reads and writes of a stream apart; `None` without a stream.
    gate: Option<&'a RwLock<()>>,
    life: PhantomData<&'a Inv>,
}

// SAFETY: everything it calls is [read] or [any], allowed from several threads at once.
unsafe impl Send for Reader<'_> {}
// SAFETY: as for `Send`.
unsafe impl Sync for Reader<'_> {}

impl<'a> Reader<'a> {
    /// Makes a reader of an invocation.
    ///
    /// # Safety
    /// `inv` must be Alive and Quiet during `'a`; where writes happen beside, both sides use `gate`.
    pub(crate) unsafe fn new(entry: &'static Entry, inv: *const Inv, gate: Option<&'a RwLock<()>>) -> Self {
        Reader { entry, inv, gate, life: PhantomData }
    }

    pub(crate) fn entry(self) -> &'static Entry {
        self.entry
    }

    /// Returns the pointers that this was made of, for `current.rs`.
    pub(crate) fn raw(self) -> (*const Inv, *const RwLock<()>) {
        (self.inv, self.gate.map_or(core::ptr::null(), core::ptr::from_ref))
    }

    fn quiet(self) -> Option<RwLockReadGuard<'a, ()>> {
        self.gate.map(|gate| gate.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the answer of a host function as a slice.
    fn slice(self, bytes: Bytes) -> &'a [u8] {
        // SAFETY: results of reads live as long as the invocation (faas.h), which outlives `'a` (Alive).
        unsafe { bytes.as_slice() }
    }

    pub(crate) fn meta(self, key: u32) -> &'a [u8] {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet.
        self.slice(unsafe { (self.entry.host.meta)(self.inv, key) })
    }

    /// Returns a text; empty if the bytes are not UTF-8.
    pub(crate) fn text(self, key: u32) -> &'a str {
        let bytes = self.meta(key);
        if bytes.is_ascii() {
            // SAFETY: ASCII is UTF-8. Nearly every text is ASCII, and that is tested for many bytes at once.
            return unsafe { core::str::from_utf8_unchecked(bytes) };
        }
        core::str::from_utf8(bytes).unwrap_or_default()
    }

    pub(crate) fn num(self, key: u32) -> u64 {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet.
        unsafe { (self.entry.host.num)(self.inv, key) }
    }

    pub(crate) fn event(self) -> &'a [u8] {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet.
        self.slice(unsafe { (self.entry.host.event)(self.inv) })
    }

    pub(crate) fn body(self) -> &'a [u8] {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet.
        self.slice(unsafe { (self.entry.host.body)(self.inv) })
    }

    pub(crate) fn reply_body(self) -> &'a [u8] {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet; only views that borrow from a writer use it, so `'a` ends before a change.
        self.slice(unsafe { (self.entry.host.reply_body)(self.inv) })
    }

    pub(crate) fn count(self, list: u32) -> usize {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet.
        unsafe { (self.entry.host.count)(self.inv, list) }
    }

    pub(crate) fn at(self, list: u32, index: usize) -> Option<(&'a [u8], &'a [u8])> {
        let mut pair = Pair::EMPTY;
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet; `pair` is ours.
        let status = unsafe { (self.entry.host.at)(self.inv, list, index, &raw mut pair) };
        (status == OK).then(|| (self.slice(pair.name), self.slice(pair.value)))
    }

    pub(crate) fn get(self, list: u32, name: &str) -> Option<&'a [u8]> {
        let mut value = Bytes::EMPTY;
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet; the name is borrowed for the call and `value` is ours.
        let status = unsafe { (self.entry.host.get)(self.inv, list, Bytes::of(name.as_bytes()), &raw mut value) };
        (status == OK).then(|| self.slice(value))
    }

    /// Returns the reason of a cancel, or 0.
    pub(crate) fn cancelled(self) -> u32 {
        // SAFETY: [any]; Alive.
        unsafe { (self.entry.host.cancelled)(self.inv) }
    }

    /// Writes a chunk of the reply's stream. `room` is a token of [`token`](Reader::token).
    ///
    /// # Safety
    /// One thread at a time writes to an invocation's stream, which has begun.
    pub(crate) unsafe fn stream_write(self, chunk: Given, room: *mut Tok) -> Status {
        let _quiet = self.quiet();
        // SAFETY: [out]; Alive, Quiet, and the caller's promise; the chunk is given.
        unsafe { (self.entry.host.stream_write)(self.inv.cast_mut(), chunk.buf(), room) }
    }

    /// Reads a chunk of the request's body, of which an empty one is the end. `ready` is a token of
    /// [`token`](Reader::token).
    ///
    /// # Errors
    /// It is `PENDING` if no chunk is here yet, else the status that says why no more will come.
    ///
    /// # Safety
    /// One thread at a time reads an invocation's body.
    pub(crate) unsafe fn stream_read(self, ready: *mut Tok) -> Result<Chunk, Status> {
        let mut chunk = Buf::EMPTY;
        let _quiet = self.quiet();
        // SAFETY: [in]; Alive, Quiet, and the caller's promise; `chunk` is ours.
        match unsafe { (self.entry.host.stream_read)(self.inv.cast_mut(), &raw mut chunk, ready) } {
            // SAFETY: the host has just given it.
            OK => Ok(unsafe { Chunk::of(chunk) }),
            status => Err(if status > OK && status != PENDING { E_INTERNAL } else { status }),
        }
    }

    /// Returns a token. Null means that the host is out of tokens, and `arg` is still the caller's.
    pub(crate) fn token(self, call: TokenFn, arg: *mut core::ffi::c_void) -> *mut Tok {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet; `lane.rs` answers for `call` and `arg`.
        unsafe { (self.entry.host.token)(self.inv.cast_mut(), Some(call), arg) }
    }

    /// Returns the value of this module's slot; null if it is empty.
    pub(crate) fn slot(self, key: *const core::ffi::c_void) -> *mut core::ffi::c_void {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet.
        unsafe { (self.entry.host.slot)(self.inv, key) }
    }

    /// Writes a line, also while another thread writes to the invocation.
    pub(crate) fn log(self, level: u32, target: &str, message: &str, fields: &[(&str, &str)]) {
        self.entry.log(self.inv, level, target, message, fields);
    }
}
