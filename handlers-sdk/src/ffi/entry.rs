//! The knowledge that one function or layer has of its host: the table, copied once, and calls that need no invocation.

use super::cancel::Registry;
#[cfg(feature = "json")]
use super::kept::Kept;
use core::ffi::c_void;
use faas_abi::tables::read_table;
use faas_abi::{Bytes, Field, Host, HostCalls, Inv, OK, Status, Tok};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Mutex, PoisonError};

/// One function's or layer's side of the host. It is made in `create` and never freed: the host's table lives as long
/// as the process, and so may a log call.
pub(crate) struct Entry {
    pub(crate) host: HostCalls,
    name: &'static str,
    config: Box<[u8]>,
    pub(crate) running: Registry,
    /// The scope of the values injected into it, from `create` to `destroy`; null if nothing is injected.
    attached: AtomicPtr<c_void>,
    /// Its configuration read as types, each once.
    #[cfg(feature = "json")]
    pub(crate) configured: Kept,
    /// The value that a function makes at its start for the calls to come.
    #[cfg(feature = "tower")]
    pub(crate) kept: std::sync::OnceLock<Box<dyn std::any::Any + Send + Sync>>,
    /// `true` once a line has said that a call was kept open after its function had returned.
    pub(crate) said_kept: AtomicBool,
}

/// The first entry of this module: log lines that belong to no call go through it.
static FIRST: AtomicPtr<Entry> = AtomicPtr::new(core::ptr::null_mut());

/// All entries, so that a checker of leaks sees that they are kept.
static KEPT: Mutex<Vec<&'static Entry>> = Mutex::new(Vec::new());

impl Entry {
    /// Copies what `create` was given.
    ///
    /// # Errors
    /// The text says why this host cannot be used.
    ///
    /// # Safety
    /// `host` must be a host's table, valid as long as the process; `config` readable during the call.
    pub(crate) unsafe fn adopt(host: *const Host, name: &'static str, config: Bytes) -> Result<&'static Entry, String> {
        // SAFETY: the caller's promise about `host`.
        let host = HostCalls::of(&unsafe { read_table(host) })
            .map_err(|missing| format!("the host's table has no `{missing}`, which version 1.0 of the contract has"))?;
        // SAFETY: the caller's promise about `config`.
        let config = unsafe { config.as_slice() }.into();
        let entry: &'static Entry = Box::leak(Box::new(Entry {
            host,
            name,
            config,
            running: Registry::default(),
            said_kept: AtomicBool::new(false),
            attached: AtomicPtr::default(),
            #[cfg(feature = "json")]
            configured: Kept::default(),
            #[cfg(feature = "tower")]
            kept: std::sync::OnceLock::new(),
        }));
        let first = core::ptr::from_ref(entry).cast_mut();
        let _ = FIRST.compare_exchange(core::ptr::null_mut(), first, Ordering::AcqRel, Ordering::Relaxed);
        KEPT.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(entry)
    }

    pub(crate) fn first() -> Option<&'static Entry> {
        // SAFETY: null, or an entry that `adopt` leaked.
        unsafe { FIRST.load(Ordering::Acquire).as_ref() }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Attaches the scope of the values injected into it.
    pub(crate) fn attach(&self, attached: *mut c_void) {
        self.attached.store(attached, Ordering::Release);
    }

    /// Returns the scope that is attached, or null.
    pub(crate) fn attached(&self) -> *mut c_void {
        self.attached.load(Ordering::Acquire)
    }

    /// Takes off the attached scope, and returns it.
    pub(crate) fn detach(&self) -> *mut c_void {
        self.attached.swap(core::ptr::null_mut(), Ordering::AcqRel)
    }

    /// Returns the JSON that came with `create`.
    pub(crate) fn config_json(&self) -> &[u8] {
        &self.config
    }

    pub(crate) fn has(&self, feature: u64) -> bool {
        self.host.features & feature == feature
    }

    /// Ends a call that had returned `PENDING`.
    pub(crate) fn done(&self, tok: *mut Tok, status: Status) {
        // SAFETY: [any]; a token is no pointer, and one that is not live is ignored.
        unsafe { (self.host.done)(tok, status) }
    }

    pub(crate) fn log_enabled(&self, level: u32, target: &str) -> bool {
        // SAFETY: [any]; Process; the target is borrowed for the call.
        unsafe { (self.host.log_enabled)(self.host.ctx, level, Bytes::of(target.as_bytes())) != 0 }
    }

    /// Writes a line. `inv` is null or an invocation that is Alive; another thread may write to it.
    pub(crate) fn log(&self, inv: *const Inv, level: u32, target: &str, message: &str, fields: &[(&str, &str)]) {
        let text = |(name, value): &(&str, &str)| Field {
            name: Bytes::of(name.as_bytes()),
            value: Bytes::of(value.as_bytes()),
            ..Field::EMPTY
        };
        let mut few = [Field::EMPTY; 8];
        let many: Vec<Field>;
        let fields = if fields.len() <= few.len() {
            for (place, field) in few.iter_mut().zip(fields) {
                *place = text(field);
            }
            &few[..fields.len()]
        } else {
            many = fields.iter().map(text).collect();
            &many
        };
        let (target, message) = (Bytes::of(target.as_bytes()), Bytes::of(message.as_bytes()));
        // SAFETY: [any]; Process; everything else is borrowed for the call.
        unsafe { (self.host.log)(self.host.ctx, inv, level, target, message, fields.as_ptr(), fields.len()) }
    }

    /// Writes a line that belongs to no invocation.
    pub(crate) fn log_alone(&self, level: u32, target: &str, message: &str, fields: &[(&str, &str)]) {
        self.log(core::ptr::null(), level, target, message, fields);
    }

    pub(crate) fn emit(&self, line: &[u8]) {
        // SAFETY: [any]; Process; the line is borrowed for the call.
        unsafe { (self.host.emit)(self.host.ctx, Bytes::of(line)) }
    }

    /// Returns a configured or environment value as it was at start.
    pub(crate) fn config(&self, key: &str) -> Option<&'static [u8]> {
        let mut found = Bytes::EMPTY;
        // SAFETY: [any]; Process; the key is borrowed for the call, `found` is ours.
        let status = unsafe { (self.host.config)(self.host.ctx, Bytes::of(key.as_bytes()), &raw mut found) };
        // SAFETY: the value lives as long as the process (faas.h, config).
        (status == OK).then(|| unsafe { found.as_slice() })
    }

    /// Returns the host's monotonic clock in nanoseconds, never 0.
    pub(crate) fn now_ns(&self) -> u64 {
        // SAFETY: [any]; Process.
        unsafe { (self.host.now_ns)(self.host.ctx) }
    }

    pub(crate) fn service(&self, name: &str, major: u32) -> *const c_void {
        // SAFETY: [any]; Process; the name is borrowed for the call.
        unsafe { (self.host.service)(self.host.ctx, Bytes::of(name.as_bytes()), major) }
    }

    pub(crate) fn offer(&self, name: &str, major: u32, table: *const c_void) -> Status {
        // SAFETY: [any]; Process; the name is borrowed for the call, the table's life is the caller's promise.
        unsafe { (self.host.offer)(self.host.ctx, Bytes::of(name.as_bytes()), major, table) }
    }
}
