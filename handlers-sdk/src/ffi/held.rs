//! One call in progress, kept open by whoever still looks at it.
//!
//! Authors may put a context into a thread or a static. The call therefore ends when the last [`Held`] is dropped: in
//! the common case that is the driver's own, right after the author's code returned, and the answer goes back inline.

use super::entry::Entry;
use super::read::Reader;
use super::write::Writer;
use faas_abi::{E_INTERNAL, Inv, PENDING, Status, Tok};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// How a call ends: what is written to the host as the last thing that happens to an invocation in here.
pub(crate) trait Ending: Send + 'static {
    /// Writes it, and says with which status the call ends. `begun`: `true` if the head of a stream is out.
    fn write(self, writer: &mut Writer<'_>, begun: bool) -> Status;
}

/// An ending that waits for the last share to go.
type Stashed = Box<dyn FnOnce(&mut Writer<'_>, bool) -> Status + Send>;

struct Shared {
    entry: &'static Entry,
    inv: *mut Inv,
    tok: *mut Tok,
    ending: Mutex<Option<Stashed>>,
    gate: RwLock<()>,
    stream: AtomicU8,
    /// Somebody reads the request's body.
    body_taken: AtomicBool,
}

// SAFETY: `inv` and `tok` may be used from any thread; reads and writes are kept apart as Quiet says.
unsafe impl Send for Shared {}
// SAFETY: as for `Send`.
unsafe impl Sync for Shared {}

const NO_STREAM: u8 = 0;
const STREAM_ALLOWED: u8 = 1;
const SINK_TAKEN: u8 = 2;
const STREAM_BEGUN: u8 = 3;

/// A share in a call. The last one to go ends it.
#[derive(Clone)]
pub(crate) struct Held(Option<Arc<Shared>>);

impl Held {
    /// # Safety
    /// `inv` and `tok` must be those of a call of this entry that just came in, of which this is the first `Held`.
    pub(crate) unsafe fn new(entry: &'static Entry, inv: *mut Inv, tok: *mut Tok, streams: bool) -> Held {
        Held(Some(Arc::new(Shared {
            entry,
            inv,
            tok,
            ending: Mutex::new(None),
            gate: RwLock::new(()),
            stream: AtomicU8::new(if streams { STREAM_ALLOWED } else { NO_STREAM }),
            body_taken: AtomicBool::new(false),
        })))
    }

    fn shared(&self) -> &Arc<Shared> {
        self.0.as_ref().expect("only `end` and `drop` take it, and both consume the value")
    }

    pub(crate) fn is(&self, other: &Held) -> bool {
        Arc::ptr_eq(self.shared(), other.shared())
    }

    /// Tells calls of one entry apart while they run.
    pub(crate) fn key(&self) -> usize {
        self.shared().inv.addr()
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

    /// The right to write the stream, once.
    pub(crate) fn take_sink(&self) -> Result<(), &'static str> {
        let taken =
            self.shared().stream.compare_exchange(STREAM_ALLOWED, SINK_TAKEN, Ordering::Relaxed, Ordering::Relaxed);
        match taken {
            Ok(_) => Ok(()),
            Err(NO_STREAM) => Err("it takes a sink but is not marked #[function(stream)]"),
            Err(_) => Err("it takes two sinks; a reply has one"),
        }
    }

    /// The right to read the request's body, once.
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

    /// Ends a call on the thread it came in on. The status to return: the end itself, or `PENDING` if someone else
    /// still holds the call and will end it.
    pub(crate) fn end(mut self, ending: impl Ending) -> Status {
        let Some(mut shared) = self.0.take() else { return PENDING };
        if let Some(alone) = Arc::get_mut(&mut shared) {
            return alone.write(|writer, begun| ending.write(writer, begun));
        }
        shared.stash(ending);
        Arc::into_inner(shared).map_or(PENDING, Shared::finish)
    }

    /// Ends a call that has already returned `PENDING`.
    pub(crate) fn end_later(self, ending: impl Ending) {
        self.shared().stash(ending);
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
    fn stash(&self, ending: impl Ending) {
        let stashed: Stashed = Box::new(|writer, begun| ending.write(writer, begun));
        *self.ending.lock().unwrap_or_else(PoisonError::into_inner) = Some(stashed);
    }

    fn finish(mut self) -> Status {
        match self.ending.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            Some(ending) => self.write(ending),
            None => self.write(|writer, _| {
                writer.fail("Runtime.NoOutcome", "the call was dropped without an outcome", "");
                E_INTERNAL
            }),
        }
    }

    fn write(&mut self, ending: impl FnOnce(&mut Writer<'_>, bool) -> Status) -> Status {
        let begun = *self.stream.get_mut() == STREAM_BEGUN;
        // SAFETY: Alive: the call is not ended yet. Alone: `&mut self` of the last `Held` means nobody else can look.
        let mut writer = unsafe { Writer::new(self.entry, self.inv) };
        ending(&mut writer, begun)
    }
}
