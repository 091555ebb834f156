//! What one function or layer knows of its host: the table, copied once, and calls that need no invocation.

use super::cancel::Registry;
use core::ffi::c_void;
use faas_abi::tables::read_table;
use faas_abi::{Bytes, Host, Inv, OK, Pair, Status, Tok};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

/// One function's or layer's side of the host. Made in `create` and never freed: the host's table lives as long as the
/// process, and so may a log call.
pub(crate) struct Entry {
    pub(crate) host: Host,
    name: &'static str,
    config: Box<[u8]>,
    pub(crate) running: Registry,
    /// `true` once a line has said that a call was kept open after its function had returned.
    pub(crate) said_kept: AtomicBool,
}

/// The first entry of this module: where a log line goes that no call stands behind.
static FIRST: AtomicPtr<Entry> = AtomicPtr::new(core::ptr::null_mut());

/// All of them, so that a checker of leaks sees that they are kept.
static KEPT: Mutex<Vec<&'static Entry>> = Mutex::new(Vec::new());

impl Entry {
    /// Copies what `create` was given.
    ///
    /// # Safety
    /// `host` must be a host's table, valid as long as the process; `config` readable during the call.
    pub(crate) unsafe fn adopt(host: *const Host, name: &'static str, config: Bytes) -> &'static Entry {
        // SAFETY: the caller's promise about `host`.
        let host = unsafe { read_table(host) };
        // SAFETY: the caller's promise about `config`.
        let config = unsafe { config.as_slice() }.into();
        let entry: &'static Entry = Box::leak(Box::new(Entry {
            host,
            name,
            config,
            running: Registry::default(),
            said_kept: AtomicBool::new(false),
        }));
        let first = core::ptr::from_ref(entry).cast_mut();
        let _ = FIRST.compare_exchange(core::ptr::null_mut(), first, Ordering::AcqRel, Ordering::Relaxed);
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        entry
    }

    pub(crate) fn first() -> Option<&'static Entry> {
        // SAFETY: null, or an entry that `adopt` leaked.
        unsafe { FIRST.load(Ordering::Acquire).as_ref() }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The JSON that came with `create`.
    pub(crate) fn config_json(&self) -> &[u8] {
        &self.config
    }

    pub(crate) fn has(&self, feature: u64) -> bool {
        self.host.features & feature == feature
    }

    /// Ends a call that returned `PENDING`.
    pub(crate) fn done(&self, tok: *mut Tok, status: Status) {
        if let Some(done) = self.host.done {
            // SAFETY: [any]; a token is no pointer, and one that is not live is ignored.
            unsafe { done(tok, status) }
        }
    }

    pub(crate) fn log_enabled(&self, level: u32, target: &str) -> bool {
        let Some(log_enabled) = self.host.log_enabled else { return false };
        // SAFETY: [any]; Process; the target is borrowed for the call.
        unsafe { log_enabled(self.host.ctx, level, Bytes::of(target.as_bytes())) != 0 }
    }

    /// Writes a line. `inv` is null or an invocation that is Alive and Quiet.
    pub(crate) fn log(&self, inv: *const Inv, level: u32, target: &str, message: &str, fields: &[(&str, &str)]) {
        let Some(log) = self.host.log else { return };
        let pair = |(name, value): &(&str, &str)| Pair {
            name: Bytes::of(name.as_bytes()),
            value: Bytes::of(value.as_bytes()),
        };
        let mut few = [Pair::EMPTY; 8];
        let many: Vec<Pair>;
        let pairs = if fields.len() <= few.len() {
            for (place, field) in few.iter_mut().zip(fields) {
                *place = pair(field);
            }
            &few[..fields.len()]
        } else {
            many = fields.iter().map(pair).collect();
            &many
        };
        let (target, message) = (Bytes::of(target.as_bytes()), Bytes::of(message.as_bytes()));
        // SAFETY: [any]; Process; everything else is borrowed for the call.
        unsafe { log(self.host.ctx, inv, level, target, message, pairs.as_ptr(), pairs.len()) }
    }

    /// Writes a line that no invocation stands behind.
    pub(crate) fn log_alone(&self, level: u32, target: &str, message: &str, fields: &[(&str, &str)]) {
        self.log(core::ptr::null(), level, target, message, fields);
    }

    pub(crate) fn emit(&self, line: &[u8]) {
        if let Some(emit) = self.host.emit {
            // SAFETY: [any]; Process; the line is borrowed for the call.
            unsafe { emit(self.host.ctx, Bytes::of(line)) }
        }
    }

    /// A configured or environment value as it was at start.
    pub(crate) fn config(&self, key: &str) -> Option<&'static [u8]> {
        let config = self.host.config?;
        let mut found = Bytes::EMPTY;
        // SAFETY: [any]; Process; the key is borrowed for the call, `found` is ours.
        let status = unsafe { config(self.host.ctx, Bytes::of(key.as_bytes()), &raw mut found) };
        // SAFETY: the value lives as long as the process (faas.h, config).
        (status == OK).then(|| unsafe { found.as_slice() })
    }

    /// Monotonic nanoseconds; 0 if the host has no clock.
    pub(crate) fn now_ns(&self) -> u64 {
        // SAFETY: [any]; Process.
        self.host.now_ns.map_or(0, |now_ns| unsafe { now_ns(self.host.ctx) })
    }

    pub(crate) fn service(&self, name: &str, major: u32) -> *const c_void {
        let Some(service) = self.host.service else { return core::ptr::null() };
        // SAFETY: [any]; Process; the name is borrowed for the call.
        unsafe { service(self.host.ctx, Bytes::of(name.as_bytes()), major) }
    }

    pub(crate) fn offer(&self, name: &str, major: u32, table: *const c_void) -> Status {
        let Some(offer) = self.host.offer else { return faas_abi::E_UNSUPPORTED };
        // SAFETY: [any]; Process; the name is borrowed for the call, the table's life is the caller's promise.
        unsafe { offer(self.host.ctx, Bytes::of(name.as_bytes()), major, table) }
    }
}
