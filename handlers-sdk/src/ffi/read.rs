//! Reading an invocation, from any thread.

use super::entry::Entry;
use core::marker::PhantomData;
use faas_abi::{Bytes, Inv, OK, Pair};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// A readable view of an invocation, for as long as `'a`: made only where Alive and Quiet hold for that long.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    entry: &'static Entry,
    inv: *const Inv,
    /// Of a stream: keeps reads and writes apart.
    gate: Option<&'a RwLock<()>>,
    life: PhantomData<&'a Inv>,
}

// SAFETY: everything it calls is [read] or [any], allowed from several threads at once.
unsafe impl Send for Reader<'_> {}
// SAFETY: as for `Send`.
unsafe impl Sync for Reader<'_> {}

impl<'a> Reader<'a> {
    /// # Safety
    /// `inv` must be Alive and Quiet during `'a`; where writes happen beside, both sides use `gate`.
    pub(crate) unsafe fn new(entry: &'static Entry, inv: *const Inv, gate: Option<&'a RwLock<()>>) -> Self {
        Reader { entry, inv, gate, life: PhantomData }
    }

    pub(crate) fn entry(self) -> &'static Entry {
        self.entry
    }

    /// For `current.rs`: what this was made of.
    pub(crate) fn raw(self) -> (*const Inv, *const RwLock<()>) {
        (self.inv, self.gate.map_or(core::ptr::null(), core::ptr::from_ref))
    }

    fn quiet(self) -> Option<RwLockReadGuard<'a, ()>> {
        self.gate.map(|gate| gate.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a host function answered, as a slice.
    fn slice(self, bytes: Bytes) -> &'a [u8] {
        // SAFETY: results of reads live as long as the invocation (faas.h), which outlives `'a` (Alive).
        unsafe { bytes.as_slice() }
    }

    pub(crate) fn meta(self, key: u32) -> &'a [u8] {
        let _quiet = self.quiet();
        // SAFETY: [read]; Alive, Quiet.
        self.slice(unsafe { (self.entry.host.meta)(self.inv, key) })
    }

    /// A text; what is not UTF-8 is no text.
    pub(crate) fn text(self, key: u32) -> &'a str {
        core::str::from_utf8(self.meta(key)).unwrap_or_default()
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

    /// The reason of a cancel, or 0.
    pub(crate) fn cancelled(self) -> u32 {
        // SAFETY: [any]; Alive.
        unsafe { (self.entry.host.cancelled)(self.inv) }
    }

    /// The value of this module's slot, or null.
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
