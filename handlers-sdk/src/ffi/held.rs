//! One call in progress, kept open by every share of it.
//!
//! Authors may put a context into a thread or a static. The call therefore ends when the last [`Held`] is dropped: in
//! the common case that is the driver's own, right after the author's code returned, and the answer goes back inline.

use super::cancel::Hearing;
use super::entry::Entry;
use super::read::Reader;
use super::write::Writer;
use faas_abi::{E_INTERNAL, F_REPLIED, Inv, PENDING, Status, Tok};
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

/// The end of a call, which is written to the host as the last step of an invocation in this module.
pub(crate) trait Ending: Send + 'static {
    /// Writes the end, and returns the status with which the call ends. `begun` is `true` if the head of a stream is
    /// out.
    fn write(self, writer: &mut Writer<'_>, begun: bool) -> Status;
}

/// Work for after the reply, which a call has collected.
pub(crate) trait Later: Any + Send {
    /// Leaves the work on the invocation, whose reply has just been written.
    fn keep(self: Box<Self>, writer: &mut Writer<'_>);
}

/// An ending that waits for the last share to go.
type Stashed = Box<dyn FnOnce(&mut Writer<'_>, bool) -> Status + Send>;

/// The state of a call that has not ended.
#[derive(Default)]
struct Open {
    ending: Option<Stashed>,
    rare: Option<Box<Rare>>,
}

/// The parts of the state that few calls have.
#[derive(Default)]
struct Rare {
    later: Option<Box<dyn Later>>,
    /// The watch over a call that is still open after the author's code has returned; `None` if it is not.
    kept: Option<Kept>,
}

impl Open {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }
}

struct Shared {
    entry: &'static Entry,
    inv: *mut Inv,
    tok: *mut Tok,
    open: Mutex<Open>,
    has_later: AtomicBool,
    gate: RwLock<()>,
    stream: AtomicU8,
    /// `true` once the request's body has been taken for reading.
    body_taken: AtomicBool,
    /// `true` for a phase and for a record of a batch: there is no reply after it.
    no_reply: bool,
}

// SAFETY: `inv` and `tok` may be used from any thread; reads and writes are kept apart as Quiet says.
unsafe impl Send for Shared {}
// SAFETY: as for `Send`.
unsafe impl Sync for Shared {}

const NO_STREAM: u8 = 0;
const STREAM_ALLOWED: u8 = 1;
const SINK_TAKEN: u8 = 2;
const STREAM_BEGUN: u8 = 3;

/// A share in a call. The drop of the last share ends the call.
#[derive(Clone)]
pub(crate) struct Held(Option<Arc<Shared>>);

impl Held {
    /// Makes the first `Held` of a call.
    ///
    /// # Safety
    /// `inv` and `tok` must be those of a call of this entry that just came in, of which this is the first `Held`.
    pub(crate) unsafe fn new(entry: &'static Entry, inv: *mut Inv, tok: *mut Tok, streams: bool) -> Held {
        Held(Some(Arc::new(Shared {
            entry,
            inv,
            tok,
            open: Mutex::default(),
            has_later: AtomicBool::new(false),
            gate: RwLock::new(()),
            stream: AtomicU8::new(if streams { STREAM_ALLOWED } else { NO_STREAM }),
            body_taken: AtomicBool::new(false),
            no_reply: false,
        })))
    }

    /// Returns the first share of a call after which there is no reply: of a phase, or of one record of a batch.
    ///
    /// # Safety
    /// It needs the same as [`new`](Self::new).
    pub(crate) unsafe fn without_reply(entry: &'static Entry, inv: *mut Inv, tok: *mut Tok) -> Held {
        // SAFETY: the caller's promise.
        let mut held = unsafe { Held::new(entry, inv, tok, false) };
        if let Some(shared) = held.0.as_mut().and_then(Arc::get_mut) {
            shared.no_reply = true;
        }
        held
    }

    fn shared(&self) -> &Arc<Shared> {
        self.0.as_ref().expect("only `end` and `drop` take it, and both consume the value")
    }

    pub(crate) fn is(&self, other: &Held) -> bool {
        Arc::ptr_eq(self.shared(), other.shared())
    }

    /// Registers a waiter for a wish to cancel this call. The caller keeps a share for as long as the hearing.
    pub(crate) fn hear_cancel(&self) -> Hearing {
        let shared = self.shared();
        let hearing = shared.entry.running.add(shared.inv.addr());
        // The wish may have come before this waiter was registered.
        if self.reader().cancelled() != 0 {
            hearing.want();
        }
        hearing
    }

    /// Adds to the work for after the reply; `add` is given what there is already.
    pub(crate) fn add_later(&self, add: impl FnOnce(Option<Box<dyn Later>>) -> Box<dyn Later>) {
        let shared = self.shared();
        let mut open = shared.open();
        let rare = open.rare();
        rare.later = Some(add(rare.later.take()));
        shared.has_later.store(true, Ordering::Relaxed);
    }

    /// Returns `true` if there is work for after the reply.
    pub(crate) fn has_later(&self) -> bool {
        self.shared().has_later.load(Ordering::Relaxed)
    }

    /// Returns the work for after the reply, if it has to be done before the call ends. That is so if there is no
    /// reply, if the host has no time after it, or if somebody keeps the call open. The work itself may do so.
    pub(crate) fn take_due_later(&self) -> Option<Box<dyn Later>> {
        let shared = self.shared();
        if !shared.no_reply && Arc::strong_count(shared) == 1 && shared.entry.has(F_REPLIED) {
            return None;
        }
        shared.open().rare().later.take()
    }

    pub(crate) fn entry(&self) -> &'static Entry {
        self.shared().entry
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        let shared = self.shared();
        let gate = (shared.stream.load(Ordering::Relaxed) != NO_STREAM).then_some(&shared.gate);
        // SAFETY: Alive: `&self` keeps the call open. Quiet: without a stream nobody writes before the end; with one
        // both sides pass the gate.
        unsafe { Reader::new(shared.entry, shared.inv, gate) }
    }

    /// Takes the right to write the stream, which is given once.
    pub(crate) fn take_sink(&self) -> Result<(), &'static str> {
        let taken =
            self.shared().stream.compare_exchange(STREAM_ALLOWED, SINK_TAKEN, Ordering::Relaxed, Ordering::Relaxed);
        match taken {
            Ok(_) => Ok(()),
            Err(NO_STREAM) => Err("it takes a sink but is not marked #[function(stream)]"),
            Err(_) => Err("it takes two sinks; a reply has one"),
        }
    }

    /// Takes the right to read the request's body, which is given once.
    pub(crate) fn take_body(&self) -> Result<(), &'static str> {
        let taken = self.shared().body_taken.swap(true, Ordering::Relaxed);
        if taken { Err("the body is read by somebody already; a request has one") } else { Ok(()) }
    }

    /// Writes while the stream runs. Only the sink calls it, so there is one writer.
    pub(crate) fn write_gated<T>(&self, write: impl FnOnce(&mut Writer<'_>) -> T) -> T {
        let shared = self.shared();
        let _alone = shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: Alive through `&self`; alone: every read of a streaming call passes the gate, and so do we.
        write(&mut unsafe { Writer::new(shared.entry, shared.inv) })
    }

    pub(crate) fn set_stream_begun(&self) {
        self.shared().stream.store(STREAM_BEGUN, Ordering::Relaxed);
    }

    /// Ends a call on the thread it came in on. Returns the status of the end, or `PENDING` if another share will end
    /// it.
    pub(crate) fn end(mut self, ending: impl Ending) -> Status {
        let Some(mut shared) = self.0.take() else { return PENDING };
        if let Some(alone) = Arc::get_mut(&mut shared) {
            return alone.write(|writer, begun| ending.write(writer, begun));
        }
        shared.watch();
        shared.stash(ending);
        Arc::into_inner(shared).map_or(PENDING, Shared::finish)
    }

    /// Ends a call that has already returned `PENDING`.
    pub(crate) fn end_later(self, ending: impl Ending) {
        let shared = self.shared();
        if Arc::strong_count(shared) > 1 {
            shared.watch();
        }
        shared.stash(ending);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // `into_inner` gives the value to exactly one of the threads that let go.
        if let Some(shared) = self.0.take().and_then(Arc::into_inner) {
            let (entry, tok) = (shared.entry, shared.tok);
            let status = shared.finish();
            entry.done(tok, status);
        }
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stash(&self, ending: impl Ending) {
        let stashed: Stashed = Box::new(|writer, begun| ending.write(writer, begun));
        self.open().ending = Some(stashed);
    }

    /// Begins to watch a call whose author's code has returned while another share is left. A call whose sink was taken
    /// is not watched: it is meant to go on.
    fn watch(&self) {
        if self.stream.load(Ordering::Relaxed) < SINK_TAKEN {
            let kept = Kept::begin(self.entry, self.inv);
            self.open().rare().kept = Some(kept);
        }
    }

    fn finish(mut self) -> Status {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        let ending = open.ending.take();
        if let Some(kept) = open.rare.as_mut().and_then(|rare| rare.kept.take()) {
            kept.end(self.inv);
        }
        match ending {
            Some(ending) => self.write(ending),
            None => self.write(|writer, _| {
                writer.fail("Runtime.NoOutcome", "the call was dropped without an outcome", "");
                E_INTERNAL
            }),
        }
    }

    #[cold]
    fn keep_later(&mut self, writer: &mut Writer<'_>) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(later) = open.rare().later.take() {
            later.keep(writer);
        }
    }

    fn write(&mut self, ending: impl FnOnce(&mut Writer<'_>, bool) -> Status) -> Status {
        let begun = *self.stream.get_mut() == STREAM_BEGUN;
        // SAFETY: Alive: the call is not ended yet. Alone: `&mut self` of the last `Held` means nobody else can look.
        let mut writer = unsafe { Writer::new(self.entry, self.inv) };
        let status = ending(&mut writer, begun);
        if *self.has_later.get_mut() {
            self.keep_later(&mut writer);
        }
        status
    }
}

/// The time for which a call may be kept open before a line tells of it.
const KEPT_LONG: Duration = Duration::from_millis(100);

/// The watch over a call that is kept open after the author's code returned.
struct Kept {
    since: Instant,
    entry: &'static Entry,
    /// The hearing of a cancel, which wakes the warning. A cancelled call that cannot end would be silent otherwise.
    _hearing: Hearing,
}

impl Kept {
    fn begin(entry: &'static Entry, inv: *const Inv) -> Kept {
        let since = Instant::now();
        let hearing = entry.running.add(inv.addr());
        hearing.listen(&Waker::from(Arc::new(Cancelled { since, entry })));
        Kept { since, entry, _hearing: hearing }
    }

    /// Ends the watch when the last share is gone. `inv` is Alive and Quiet.
    fn end(self, inv: *const Inv) {
        let kept = self.since.elapsed();
        if kept >= KEPT_LONG {
            warn(self.entry, inv, kept, "");
        }
    }
}

/// The waker of the warning for a kept call that is cancelled.
struct Cancelled {
    since: Instant,
    entry: &'static Entry,
}

impl Wake for Cancelled {
    fn wake(self: Arc<Self>) {
        let kept = self.since.elapsed();
        if kept >= KEPT_LONG {
            warn(self.entry, core::ptr::null(), kept, ", was cancelled, and still cannot end");
        }
    }
}

/// Writes the line that a call was kept open: once for each function, since a function that keeps one call keeps all.
fn warn(entry: &Entry, inv: *const Inv, kept: Duration, more: &str) {
    if entry.said_kept.swap(true, Ordering::Relaxed) {
        return;
    }
    let name = entry.name();
    let message = format!(
        "an invocation of {name} was held open for {} ms after its function had returned{more}: a context, event or \
         request that was kept elsewhere holds back the reply; `ctx.detached()` does not",
        kept.as_millis()
    );
    entry.log(inv, 2, name, &message, &[]);
}
