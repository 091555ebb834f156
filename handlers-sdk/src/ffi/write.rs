//! Changing an invocation: one writer, and no reader beside it.

use super::bytes::{Lent, give, give_static};
use super::entry::Entry;
use super::read::Reader;
use core::ffi::c_void;
use core::marker::PhantomData;
use faas_abi::tables::{DropFn, FilterFn};
use faas_abi::{Buf, Bytes, E_NOT_FOUND, E_UNSUPPORTED, Inv, OK, Status};

/// The only access to an invocation during `'a`.
pub(crate) struct Writer<'a> {
    entry: &'static Entry,
    inv: *mut Inv,
    life: PhantomData<&'a mut Inv>,
}

// SAFETY: [write] asks for one thread at a time, not for a certain one, and a `Writer` is the only access.
unsafe impl Send for Writer<'_> {}
// SAFETY: a shared `Writer` only gives readers, which may be on several threads.
unsafe impl Sync for Writer<'_> {}

/// The bytes of a reply or of a chunk.
pub(crate) enum Given {
    Owned(Vec<u8>),
    Static(&'static [u8]),
    Lent(Lent),
}

impl Given {
    pub(crate) fn buf(self) -> Buf {
        match self {
            Given::Owned(bytes) => give(bytes),
            Given::Static(bytes) => give_static(bytes),
            Given::Lent(lent) => lent.buf(),
        }
    }
}

impl<'a> Writer<'a> {
    /// Makes the writer of an invocation.
    ///
    /// # Safety
    /// `inv` must be Alive during `'a`, and nothing else may read or write it meanwhile but through this.
    pub(crate) unsafe fn new(entry: &'static Entry, inv: *mut Inv) -> Writer<'a> {
        Writer { entry, inv, life: PhantomData }
    }

    /// Lends the same access for a shorter time.
    pub(crate) fn again(&mut self) -> Writer<'_> {
        Writer { entry: self.entry, inv: self.inv, life: PhantomData }
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        // SAFETY: Alive during `'a`, and `&self` keeps writes out while the reader lives.
        unsafe { Reader::new(self.entry, self.inv, None) }
    }

    /// Returns the entry and the invocation, for a callback that the host keeps no longer than it has the invocation.
    pub(crate) fn raw(&self) -> (&'static Entry, *mut Inv) {
        (self.entry, self.inv)
    }

    pub(crate) fn set_meta(&mut self, key: u32, value: &str) -> Status {
        // SAFETY: [write]; Alive and alone; the value is copied.
        unsafe { (self.entry.host.set_meta)(self.inv, key, Bytes::of(value.as_bytes())) }
    }

    pub(crate) fn set_body(&mut self, body: Vec<u8>) -> Status {
        // SAFETY: [write]; Alive and alone; the body is given.
        unsafe { (self.entry.host.set_body)(self.inv, give(body)) }
    }

    pub(crate) fn set(&mut self, list: u32, name: &str, value: &str) -> Status {
        // SAFETY: [write]; Alive and alone; name and value are copied.
        unsafe { (self.entry.host.set)(self.inv, list, Bytes::of(name.as_bytes()), Bytes::of(value.as_bytes())) }
    }

    pub(crate) fn add(&mut self, list: u32, name: &str, value: impl AsRef<[u8]>) -> Status {
        // SAFETY: [write]; Alive and alone; name and value are copied.
        unsafe { (self.entry.host.add)(self.inv, list, Bytes::of(name.as_bytes()), Bytes::of(value.as_ref())) }
    }

    /// Removes all entries of a name from a list. A name that is not there is removed already, which is no error.
    pub(crate) fn remove(&mut self, list: u32, name: &str) -> Status {
        // SAFETY: [write]; Alive and alone; the name is borrowed for the call.
        let status = unsafe { (self.entry.host.remove)(self.inv, list, Bytes::of(name.as_bytes())) };
        if status == E_NOT_FOUND { OK } else { status }
    }

    pub(crate) fn set_slot(&mut self, key: *const c_void, value: *mut c_void, drop: DropFn) -> Status {
        // SAFETY: [write]; Alive and alone; `values.rs` answers for value and drop.
        unsafe { (self.entry.host.set_slot)(self.inv, key, value, Some(drop)) }
    }

    pub(crate) fn reply(&mut self, code: u32, body: Given) -> Status {
        // SAFETY: [write]; Alive and alone; the body is given.
        unsafe { (self.entry.host.reply)(self.inv, code, body.buf()) }
    }

    pub(crate) fn fail(&mut self, kind: &str, message: &str, detail: &str) -> Status {
        let [kind, message, detail] = [kind, message, detail].map(|text| Bytes::of(text.as_bytes()));
        // SAFETY: [write]; Alive and alone; the texts are copied.
        unsafe { (self.entry.host.fail)(self.inv, kind, message, detail) }
    }

    pub(crate) fn stream_begin(&mut self, code: u32) -> Status {
        // SAFETY: [write]; Alive and alone. It runs layers' head hooks, which get views of their own.
        unsafe { (self.entry.host.stream_begin)(self.inv, code) }
    }

    /// Adds a filter to the stream of the reply. A host of version 1.0 takes no filters.
    pub(crate) fn stream_filter(&mut self, call: FilterFn, arg: *mut c_void, drop: DropFn) -> Status {
        let Some(stream_filter) = self.entry.host.stream_filter else { return E_UNSUPPORTED };
        // SAFETY: [write]; Alive and alone; `host/filter.rs` answers for the three.
        unsafe { stream_filter(self.inv, Some(call), arg, Some(drop)) }
    }

    pub(crate) fn set_num(&mut self, key: u32, value: u64) -> Status {
        // SAFETY: [write]; Alive and alone.
        unsafe { (self.entry.host.set_num)(self.inv, key, value) }
    }
}
