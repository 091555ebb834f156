//! Instances of a module's functions and layers: calls as plain methods.

use super::calls::Callee;
use super::given::Given;
use super::lease::Lease;
use super::table::{HostTable, Invocation};
use crate::constants::{E_INTERNAL, IS_REENTRANT, NUM_AFTER_REPLY, OK, REPLIED};
use crate::tables::{CancelFn, CreateFn, Function, Inv, Layer};
use crate::values::{Buf, Bytes, Status};
use core::ffi::c_void;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Keeps the calls of an entry that is not re-entrant apart.
#[derive(Debug)]
struct Turn(Option<Mutex<()>>);

impl Turn {
    fn of(flags: u32) -> Turn {
        Turn((flags & IS_REENTRANT == 0).then(|| Mutex::new(())))
    }

    /// Waits for the turn of a call, which has it until the returned value is dropped. Nearly every entry is re-entrant,
    /// and its calls take no lock.
    #[inline]
    fn take(&self) -> Option<MutexGuard<'_, ()>> {
        self.0.as_ref().map(|lock| lock.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn create(create: CreateFn, host: HostTable, config: &[u8]) -> Result<*mut c_void, String> {
    let mut this = core::ptr::null_mut();
    let mut why = Buf::EMPTY;
    // SAFETY: the module was checked (module.rs); the out parameters are ours and the config is borrowed for the call.
    let status = unsafe { create(host.0, Bytes::of(config), &raw mut this, &raw mut why) };
    // SAFETY: `why` is given by the call (faas.h, create).
    let why = unsafe { Given::take(why) };
    if status == OK {
        return Ok(this);
    }
    let why = String::from_utf8_lossy(why.as_slice()).into_owned();
    Err(if why.is_empty() { format!("create returned status {status} and no reason") } else { why })
}

/// Returns the module's function that a cancel calls while that instance's call is running; `None` if it has no such
/// function.
fn callee(cancel: Option<CancelFn>, this: *mut c_void) -> Option<Callee> {
    cancel.map(|cancel| Callee { cancel, this })
}

/// The instance that a function's `create` made. The functions of a group share it.
#[derive(Debug)]
struct Instance {
    host: HostTable,
    this: *mut c_void,
    turn: Turn,
    /// The address of the `create` that made it, which every function that shares it has.
    made_by: usize,
}

// SAFETY: the contract allows calls from any thread; `turn` keeps those of a non-re-entrant entry apart.
unsafe impl Send for Instance {}
// SAFETY: as for `Send`.
unsafe impl Sync for Instance {}

/// The instance of a group, for the functions that are to share it, for as long as one of them has it.
#[derive(Debug)]
pub struct GroupInstance(Weak<Instance>);

impl GroupInstance {
    pub(super) fn join(&self, table: Function, name: String) -> Option<FunctionInstance> {
        let instance = self.0.upgrade()?;
        assert_eq!(table.create.map(|create| create as usize), Some(instance.made_by), "another group's instance");
        Some(FunctionInstance { table, name, instance, leads: false })
    }
}

/// One instance of a function, or its part in the instance of its group.
#[derive(Debug)]
pub struct FunctionInstance {
    table: Function,
    name: String,
    instance: Arc<Instance>,
    /// `true` if it has made the instance. The instance's phases are then run through it.
    leads: bool,
}

impl FunctionInstance {
    pub(super) fn create(table: Function, name: String, host: HostTable, config: &[u8]) -> Result<Self, String> {
        let entry = table.create.ok_or("it has no `create`")?;
        let this = create(entry, host, config)?;
        let instance = Instance { host, this, turn: Turn::of(table.flags), made_by: entry as usize };
        Ok(FunctionInstance { table, name, instance: Arc::new(instance), leads: true })
    }

    /// Returns its name in the module.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its instance, for other functions of its group to share.
    pub fn of_group(&self) -> GroupInstance {
        GroupInstance(Arc::downgrade(&self.instance))
    }

    /// Returns the view of the host that its instance has.
    pub fn host(&self) -> HostTable {
        self.instance.host
    }

    /// Returns its `FAAS_IS_*` flags as bits.
    pub fn flags(&self) -> u32 {
        self.table.flags
    }

    /// Returns the `FAAS_F_*` that it uses where the host has them: those it wants and those it needs.
    pub fn wants(&self) -> u64 {
        self.table.wants | self.table.needs
    }

    /// Returns `true` if it has work in that phase (FUNCTION_START, CLOSE, SUSPEND, RESUME, REPLIED). The instance's
    /// work is that of the function that made it alone; REPLIED is each invocation's.
    pub fn has_phase(&self, phase: u32) -> bool {
        self.table.phases & crate::constants::phase_bit(phase) != 0
            && self.table.phase.is_some()
            && (self.leads || phase == REPLIED)
    }

    /// Serves one invocation. After `PENDING`, wait with [`Lease::poll_done`].
    pub fn invoke<I: Invocation>(&self, lease: &mut Lease<I>) -> Status {
        let Some(invoke) = self.table.invoke else { return E_INTERNAL };
        let Instance { this, turn, .. } = &*self.instance;
        let _alone = turn.take();
        // SAFETY: `this` is what `create` made; the lease gives a live invocation and a fresh token.
        lease.lend(callee(self.table.cancel, *this), |inv, tok| unsafe { invoke(*this, inv, tok) })
    }

    /// Runs a lifecycle phase. Returns `OK` at once if it has no work there.
    pub fn phase<I: Invocation>(&self, phase: u32, lease: &mut Lease<I>) -> Status {
        let has_work = self.has_phase(phase) || phase == REPLIED && lease.get().num(NUM_AFTER_REPLY) != 0;
        let Some(call) = self.table.phase.filter(|_| has_work) else { return OK };
        let Instance { this, turn, .. } = &*self.instance;
        let _alone = turn.take();
        // SAFETY: as in `invoke`.
        lease.lend(callee(self.table.cancel, *this), |inv, tok| unsafe { call(*this, phase, inv, tok) })
    }

    /// Ends the instance, after CLOSE and when no call is in progress; that of a group with the last of its functions.
    /// An instance that is only dropped is leaked.
    pub fn destroy(self) {
        if let (Some(destroy), Some(instance)) = (self.table.destroy, Arc::into_inner(self.instance)) {
            // SAFETY: nobody else has the instance, so this is the last call.
            unsafe { destroy(instance.this) }
        }
    }
}

/// Returns a layer's hook for a phase; `None` if it has no such hook.
#[inline]
fn hook<H>(hook: Option<H>, phases: u32, phase: u32) -> Option<H> {
    if phases & crate::constants::phase_bit(phase) == 0 { None } else { hook }
}

/// One instance of a layer.
#[derive(Debug)]
pub struct LayerInstance {
    table: Layer,
    name: String,
    host: HostTable,
    this: *mut c_void,
    turn: Turn,
}

// SAFETY: as for `FunctionInstance`.
unsafe impl Send for LayerInstance {}
// SAFETY: as for `FunctionInstance`.
unsafe impl Sync for LayerInstance {}

impl LayerInstance {
    pub(super) fn create(table: Layer, name: String, host: HostTable, config: &[u8]) -> Result<Self, String> {
        let entry = table.create.ok_or("it has no `create`")?;
        let this = create(entry, host, config)?;
        Ok(LayerInstance { turn: Turn::of(table.flags), table, name, host, this })
    }

    /// Returns its name in the module.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its view of the host.
    pub fn host(&self) -> HostTable {
        self.host
    }

    /// Returns its `FAAS_IS_*` flags as bits.
    pub fn flags(&self) -> u32 {
        self.table.flags
    }

    /// Returns `true` if it has a hook for that phase on the way in.
    pub fn has_before(&self, phase: u32) -> bool {
        hook(self.table.before, self.table.before_phases, phase).is_some()
    }

    /// Returns `true` if it has a hook for that phase on the way out of a success.
    pub fn has_after(&self, phase: u32) -> bool {
        hook(self.table.after, self.table.after_phases, phase).is_some()
    }

    /// Returns `true` if it has a hook for that phase on the way out of a failure.
    pub fn has_on_error(&self, phase: u32) -> bool {
        hook(self.table.on_error, self.table.error_phases, phase).is_some()
    }

    /// Returns `true` if it looks at the heads of replies.
    pub fn has_head(&self) -> bool {
        self.table.head.is_some()
    }

    /// Returns `true` if it knows events of its own.
    pub fn has_recognise(&self) -> bool {
        self.table.recognise.is_some()
    }

    /// Returns `true` if it adds to every invocation's context.
    pub fn has_context(&self) -> bool {
        self.table.context.is_some()
    }

    /// Calls `before`; `OK` if it has no such hook.
    pub fn before<I: Invocation>(&self, phase: u32, lease: &mut Lease<I>) -> Status {
        let Some(call) = hook(self.table.before, self.table.before_phases, phase) else { return OK };
        let _alone = self.turn.take();
        // SAFETY: `this` is what `create` made; the lease gives a live invocation and a fresh token.
        lease.lend(callee(self.table.cancel, self.this), |inv, tok| unsafe { call(self.this, phase, inv, tok) })
    }

    /// Calls `after`; `OK` if it has no such hook.
    pub fn after<I: Invocation>(&self, phase: u32, lease: &mut Lease<I>) -> Status {
        let Some(call) = hook(self.table.after, self.table.after_phases, phase) else { return OK };
        let _alone = self.turn.take();
        // SAFETY: as in `before`.
        lease.lend(callee(self.table.cancel, self.this), |inv, tok| unsafe { call(self.this, phase, inv, tok) })
    }

    /// Calls `on_error`; hands `inner` on if it has no such hook.
    pub fn on_error<I: Invocation>(&self, phase: u32, inner: Status, lease: &mut Lease<I>) -> Status {
        let Some(call) = hook(self.table.on_error, self.table.error_phases, phase) else { return inner };
        let _alone = self.turn.take();
        let callee = callee(self.table.cancel, self.this);
        // SAFETY: as in `before`.
        lease.lend(callee, |inv, tok| unsafe { call(self.this, phase, inv, inner, tok) })
    }

    /// Calls `recognise`; `OK` means that this layer knows the event. `PENDING` means nothing here, and nobody waits
    /// for it.
    pub fn recognise<I: Invocation>(&self, lease: &mut Lease<I>) -> Status {
        let Some(call) = self.table.recognise else { return crate::constants::E_NOT_FOUND };
        let _alone = self.turn.take();
        // SAFETY: as in `before`.
        lease.lend_inline(|inv| unsafe { call(self.this, inv) })
    }

    /// Calls `context`, which adds to the invocation. `PENDING` means nothing here, and nobody waits for it.
    pub fn context<I: Invocation>(&self, lease: &mut Lease<I>) -> Status {
        let Some(call) = self.table.context else { return OK };
        let _alone = self.turn.take();
        // SAFETY: as in `before`.
        lease.lend_inline(|inv| unsafe { call(self.this, inv) })
    }

    /// Calls `health`, and returns a reason if the layer is not well.
    ///
    /// # Errors
    /// The layer is not well, in its own words.
    pub fn health(&self) -> Result<(), String> {
        let Some(call) = self.table.health else { return Ok(()) };
        let mut why = Buf::EMPTY;
        let status = {
            let _alone = self.turn.take();
            // SAFETY: `this` is what `create` made; the out parameter is ours.
            unsafe { call(self.this, &raw mut why) }
        };
        // SAFETY: `why` is given by the call (faas.h, health).
        let why = unsafe { Given::take(why) };
        match status {
            OK => Ok(()),
            ..0 => Err(String::from_utf8_lossy(why.as_slice()).into_owned()),
            _ => Err(format!("its health ended with status {status}, which has no meaning there")),
        }
    }

    /// Returns the hook that runs when a reply's head is fixed; `None` if it has no such hook. The instance must
    /// outlive every use: the runtimes keep layers for the life of the process.
    pub fn head_hook(&self) -> Option<HeadHook> {
        self.table.head.map(|call| HeadHook { call, this: self.this })
    }

    /// Ends the instance, after CLOSE and when no call is in progress. An instance that is only dropped is leaked.
    pub fn destroy(self) {
        if let Some(destroy) = self.table.destroy {
            // SAFETY: consumes the instance, so this is the last call.
            unsafe { destroy(self.this) }
        }
    }
}

/// A layer's `head`, ready to run.
#[derive(Clone, Copy, Debug)]
pub struct HeadHook {
    call: unsafe extern "C" fn(*mut c_void, *mut Inv),
    this: *mut c_void,
}

// SAFETY: as for `LayerInstance`.
unsafe impl Send for HeadHook {}
// SAFETY: as for `LayerInstance`.
unsafe impl Sync for HeadHook {}

impl HeadHook {
    /// Runs it over an invocation that is the host's.
    pub fn run<I: Invocation>(&self, lease: &mut Lease<I>) {
        lease.lend_inline(|inv| {
            self.run_raw(inv);
            OK
        });
    }

    /// Runs it while a module has the invocation, from within its `stream_begin`.
    pub(super) fn run_raw(&self, inv: *mut Inv) {
        // SAFETY: `this` is a living layer's; nobody else is in the invocation now.
        unsafe { (self.call)(self.this, inv) }
    }
}
