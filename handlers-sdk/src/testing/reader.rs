//! The other end of a stream: the chunks that were written, and the moments at which there is room for more.

use faas_abi::host::token;
use faas_abi::host::{Cancel, Given};
use faas_abi::{CANCEL_DEADLINE, E_CANCELLED, OK, PENDING, Status, Tok};
use faas_core::invocation::{Code, Invocation, Stream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The reader of a streamed reply that takes a chunk when the test says so: after each chunk the function has no room
/// until it is taken.
///
/// ```
/// use handlers_sdk::testing::{App, Invoke, Reader};
/// use handlers_sdk::{AsyncSink, StreamError, function};
///
/// #[function(stream)]
/// async fn ticks(mut out: AsyncSink) -> Result<(), StreamError> {
///     for tick in ["tick", "tock"] {
///         out.send(tick.into()).await?;
///     }
///     Ok(())
/// }
///
/// let app = App::builder().module(ticks::MODULE).start().expect("starts");
/// let reader = Reader::new();
/// let mut running = app.begin(Invoke::event("").read_by(&reader));
/// assert!(running.is_pending(), "there is no room for the second chunk");
/// assert_eq!(reader.take().as_deref(), Some(&b"tick"[..]));
/// assert_eq!(reader.take().as_deref(), Some(&b"tock"[..]));
/// assert_eq!(running.wait().failed, None);
/// assert_eq!(reader.take(), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Reader(Arc<(Mutex<State>, Condvar)>);

/// The pace at which a reader takes chunks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pace {
    /// It takes each chunk at once.
    #[default]
    Fast,
    /// Another thread takes each chunk after it is written.
    Slow,
    /// It takes a chunk when the test says so.
    Told,
    /// It takes chunks at once, and is gone after this number of them.
    GoneAfter(usize),
    /// It takes chunks at once, and after this number of them never again: then the invocation is cancelled.
    StuckAfter(usize),
}

#[derive(Debug, Default)]
struct State {
    pace: Pace,
    /// Everything that was written. It is `None` before the head is out.
    chunks: Option<Vec<Vec<u8>>>,
    /// The number of chunks that the test has taken.
    taken: usize,
    /// The address of the token that waits for room; a token is no memory and never dangles.
    waiting: Option<usize>,
    is_gone: bool,
    is_over: bool,
    cancel: Option<Cancel<Invocation>>,
}

impl Reader {
    /// Makes a reader for one invocation, which takes nothing until it is told.
    pub fn new() -> Reader {
        Reader::of(Pace::Told)
    }

    pub(super) fn of(pace: Pace) -> Reader {
        Reader(Arc::new((Mutex::new(State { pace, ..State::default() }), Condvar::new())))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the next chunk, and waits for it if it has not been written. `None` means that the stream has ended, or
    /// the invocation without a stream.
    pub fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            let next = state.chunks.as_ref().and_then(|chunks| chunks.get(state.taken)).cloned();
            if let Some(chunk) = next {
                state.taken += 1;
                let waiting = state.waiting.take();
                drop(state);
                complete(waiting, OK);
                return Some(chunk);
            }
            if state.is_over {
                return None;
            }
            state = self.0.1.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Leaves: the write that waits and those that come fail with [`StreamError::PeerGone`](crate::StreamError).
    pub fn leave(&self) {
        let mut state = self.lock();
        state.is_gone = true;
        let waiting = state.waiting.take();
        drop(state);
        complete(waiting, E_CANCELLED);
    }

    /// Sets the invocation that is cancelled when the reader is stuck.
    pub(super) fn cancels(&self, cancel: Cancel<Invocation>) {
        self.lock().cancel = Some(cancel);
    }

    /// Notes that the invocation has ended.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        state.cancel = None;
        self.0.1.notify_all();
    }

    /// Returns the chunks that were written so far. It is `None` if no stream has begun.
    pub(super) fn chunks(&self) -> Option<Vec<Vec<u8>>> {
        self.lock().chunks.clone()
    }
}

fn complete(waiting: Option<usize>, status: Status) {
    if let Some(address) = waiting {
        token::complete(core::ptr::without_provenance_mut(address), status);
    }
}

impl Stream for Reader {
    fn open(&mut self, _: &Invocation, _: Code) -> Status {
        self.lock().chunks = Some(Vec::new());
        OK
    }

    fn write(&mut self, chunk: Given, room: *mut Tok) -> Status {
        let mut state = self.lock();
        let pace = state.pace;
        let is_gone = state.is_gone;
        let Some(chunks) = &mut state.chunks else { return E_CANCELLED };
        if is_gone || matches!(pace, Pace::GoneAfter(most) if chunks.len() >= most) {
            return E_CANCELLED;
        }
        chunks.push(chunk.as_slice().to_vec());
        let written = chunks.len();
        self.0.1.notify_all();
        match pace {
            Pace::StuckAfter(most) if written >= most => {
                if let Some(cancel) = state.cancel.take() {
                    std::thread::spawn(move || cancel.fire(CANCEL_DEADLINE));
                }
                PENDING
            }
            Pace::Slow if !room.is_null() => {
                let room = room.addr();
                std::thread::spawn(move || complete(Some(room), OK));
                PENDING
            }
            Pace::Told if !room.is_null() => {
                state.waiting = Some(room.addr());
                PENDING
            }
            _ => OK,
        }
    }
}
