//! The two ends of a call's streams: writing its reply and reading its body, piece by piece, and waiting for the other
//! side of either.

use crate::ffi::Held;
use crate::ffi::bytes::Chunk;
use crate::ffi::write::Given;
use crate::panics;
use crate::park::Parked;
use core::ffi::c_void;
use core::task::{Context, Poll, Waker};
use faas_abi::{E_CANCELLED, E_INTERNAL, OK, PENDING, Status, Tok};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The waker that the host rings when a stream can go on.
#[derive(Default)]
struct Bell {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rung: Option<Status>,
    waker: Option<Waker>,
}

impl Bell {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

unsafe extern "C" fn ring(arg: *mut c_void, status: Status) {
    // SAFETY: `Lane::token` made this pointer for one call, and a token calls once (faas.h, token).
    let bell = unsafe { Arc::from_raw(arg.cast::<Bell>().cast_const()) };
    let mut state = bell.state();
    state.rung = Some(status);
    let waker = state.waker.take();
    drop(state);
    panics::catch_aside(|| waker.map(Waker::wake));
}

/// The part that both ends have: the call, which they keep open, and how they wait.
struct Lane {
    held: Held,
    bell: Arc<Bell>,
    /// A token that no call has used up yet, or null.
    spare: *mut Tok,
    waiting: bool,
    gone: Option<Status>,
}

// SAFETY: a token may be used from any thread; the rest is made for it.
unsafe impl Send for Lane {}
// SAFETY: everything that changes it needs it alone.
unsafe impl Sync for Lane {}

impl Lane {
    fn new(held: &Held) -> Lane {
        let held = held.clone();
        Lane { held, bell: Arc::default(), spare: core::ptr::null_mut(), waiting: false, gone: None }
    }

    /// Returns a token for the next call; the host ends one that is never used. Null means that the host is out of
    /// tokens.
    fn token(&mut self) -> *mut Tok {
        if self.spare.is_null() {
            let arg = Arc::into_raw(self.bell.clone());
            self.spare = self.held.reader().token(ring, arg.cast_mut().cast());
            if self.spare.is_null() {
                // SAFETY: no token was made, so nobody else has the share.
                drop(unsafe { Arc::from_raw(arg) });
            }
        }
        self.spare
    }

    /// Notes that the token has been used up, and is waited for.
    fn used(&mut self) {
        self.spare = core::ptr::null_mut();
        self.waiting = true;
    }

    fn note(&mut self, status: Status) -> Status {
        if status < 0 {
            self.gone = Some(status);
        }
        status.min(OK)
    }

    fn settled(&mut self) -> Option<Status> {
        if let Some(gone) = self.gone {
            return Some(gone);
        }
        if !self.waiting {
            return Some(OK);
        }
        let rung = self.bell.state().rung.take()?;
        self.waiting = false;
        Some(self.note(rung))
    }

    /// Returns `OK` when the next call may be made; otherwise the status that says why no call ever may.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        if let Some(status) = self.settled() {
            return Poll::Ready(status);
        }
        self.bell.state().waker = Some(context.waker().clone());
        // The bell may have rung between the first look and the registration of the waker.
        self.settled().map_or(Poll::Pending, Poll::Ready)
    }

    /// Blocks this thread until [`poll`](Self::poll) is ready. A cancel ends the wait as well.
    fn wait(&mut self) -> Status {
        if let Some(status) = self.settled() {
            return status;
        }
        let (parked, waker) = Parked::here();
        let hearing = self.held.hear_cancel();
        hearing.listen(&waker);
        loop {
            match self.poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(status) => return status,
                Poll::Pending if hearing.wanted() => return self.note(E_CANCELLED),
                Poll::Pending => parked.wait(),
            }
        }
    }
}

/// The writing end of one call's stream. It keeps the call open.
pub(crate) struct WriteEnd(Lane);

impl WriteEnd {
    /// Opens the writing end, of which each call has one.
    pub(crate) fn open(held: &Held) -> Result<WriteEnd, &'static str> {
        held.take_sink()?;
        Ok(WriteEnd(Lane::new(held)))
    }

    pub(crate) fn held(&self) -> &Held {
        &self.0.held
    }

    /// Hands over a chunk. Call it only when [`poll_room`](Self::poll_room) or [`wait_for_room`](Self::wait_for_room)
    /// said `OK`.
    pub(crate) fn write(&mut self, chunk: Given) -> Status {
        let room = self.0.token();
        if room.is_null() {
            return E_INTERNAL;
        }
        // SAFETY: there is one writing end a call, and `&mut self` has it alone.
        let status = unsafe { self.0.held.reader().stream_write(chunk, room) };
        if status == PENDING {
            self.0.used();
            return OK;
        }
        self.0.note(status)
    }

    /// Returns `OK` when the next chunk may be written; otherwise the status that says why no chunk ever may.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        self.0.poll(context)
    }

    /// Blocks this thread until the next chunk may be written. A cancel ends the wait as well.
    pub(crate) fn wait_for_room(&mut self) -> Status {
        self.0.wait()
    }
}

/// The reading end of one call's body. It keeps the call open.
pub(crate) struct ReadEnd {
    lane: Lane,
    /// `true` once the end has been read.
    is_whole: bool,
}

impl ReadEnd {
    /// Opens the reading end, of which each call has one.
    pub(crate) fn open(held: &Held) -> Result<ReadEnd, &'static str> {
        held.take_body()?;
        Ok(ReadEnd { lane: Lane::new(held), is_whole: false })
    }

    /// Reads the next chunk; `None` at the end, or the status that says why there is no more. Pending means that no
    /// chunk is here, and the lane waits for one.
    fn read(&mut self) -> Poll<Option<Result<Chunk, Status>>> {
        if self.is_whole {
            return Poll::Ready(None);
        }
        let ready = self.lane.token();
        if ready.is_null() {
            return Poll::Ready(Some(Err(self.lane.note(E_INTERNAL))));
        }
        // SAFETY: there is one reading end a call, and `&mut self` has it alone.
        match unsafe { self.lane.held.reader().stream_read(ready) } {
            Ok(chunk) if chunk.as_ref().is_empty() => {
                self.is_whole = true;
                Poll::Ready(None)
            }
            Ok(chunk) => Poll::Ready(Some(Ok(chunk))),
            Err(PENDING) => {
                self.lane.used();
                Poll::Pending
            }
            Err(status) => Poll::Ready(Some(Err(self.lane.note(status)))),
        }
    }

    /// Returns the next chunk; `None` at the end.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Chunk, Status>>> {
        loop {
            match std::task::ready!(self.lane.poll(context)) {
                OK => {}
                status => return Poll::Ready(Some(Err(status))),
            }
            if let Poll::Ready(found) = self.read() {
                return Poll::Ready(found);
            }
        }
    }

    /// Blocks this thread until the next chunk is here; `None` at the end. A cancel ends the wait as well.
    pub(crate) fn wait_for_next(&mut self) -> Option<Result<Chunk, Status>> {
        loop {
            match self.lane.wait() {
                OK => {}
                status => return Some(Err(status)),
            }
            if let Poll::Ready(found) = self.read() {
                return found;
            }
        }
    }

    /// Returns the number of bytes of a body that is here in whole. It is `None` for one that comes piece by piece, and
    /// once the end has been read.
    pub(crate) fn whole(&self) -> Option<usize> {
        let reader = self.lane.held.reader();
        (reader.num(faas_abi::NUM_STREAMED_IN) == 0 && !self.is_whole).then(|| reader.body().len())
    }
}
