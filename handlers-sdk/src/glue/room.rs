//! Writing a stream chunk by chunk, and waiting for room.

use crate::executor::Parked;
use crate::ffi::Held;
use crate::ffi::write::Given;
use core::ffi::c_void;
use core::task::{Context, Poll, Waker};
use faas_abi::{E_CANCELLED, E_INTERNAL, F_MAY_BLOCK, OK, PENDING, Status, Tok};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where the host says that there is room again.
#[derive(Default)]
struct Room {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    ready: Option<Status>,
    waker: Option<Waker>,
}

impl Room {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

unsafe extern "C" fn room_is_ready(arg: *mut c_void, status: Status) {
    // SAFETY: `Port::room_token` made this pointer for one call, and a token calls once (faas.h, token).
    let room = unsafe { Arc::from_raw(arg.cast::<Room>().cast_const()) };
    let mut state = room.state();
    state.ready = Some(status);
    let waker = state.waker.take();
    drop(state);
    crate::panics::catch_aside(|| waker.map(Waker::wake));
}

/// The writing end of one call's stream. It keeps the call open.
pub(crate) struct Port {
    held: Held,
    room: Arc<Room>,
    /// A token that no write has used up yet, or null.
    spare: *mut Tok,
    waiting: bool,
    gone: Option<Status>,
}

// SAFETY: a token may be used from any thread; the rest is made for it.
unsafe impl Send for Port {}

impl Port {
    /// The writing end; one for each call.
    pub(crate) fn open(held: &Held) -> Result<Port, &'static str> {
        held.take_sink()?;
        let held = held.clone();
        Ok(Port { held, room: Arc::default(), spare: core::ptr::null_mut(), waiting: false, gone: None })
    }

    pub(crate) fn held(&self) -> &Held {
        &self.held
    }

    /// A token for the next write; the host ends one that is never used. Null: it is out of them.
    fn room_token(&mut self) -> *mut Tok {
        if self.spare.is_null() {
            let arg = Arc::into_raw(self.room.clone());
            self.spare = self.held.write_gated(|writer| writer.token(room_is_ready, arg.cast_mut().cast()));
            if self.spare.is_null() {
                // SAFETY: no token was made, so nobody else has the share.
                drop(unsafe { Arc::from_raw(arg) });
            }
        }
        self.spare
    }

    /// Hands over a chunk. `block`: on a host that lends its thread, wait in there for room.
    /// Call it only when [`poll_room`](Self::poll_room) or [`wait_for_room`](Self::wait_for_room) said `OK`.
    pub(crate) fn write(&mut self, chunk: Given, block: bool) -> Status {
        let lends_thread = block && self.held.entry().has(F_MAY_BLOCK);
        let room = if lends_thread { core::ptr::null_mut() } else { self.room_token() };
        if room.is_null() && !lends_thread {
            return E_INTERNAL;
        }
        let status = self.held.write_gated(|writer| writer.stream_write(chunk, room));
        if status == PENDING {
            self.spare = core::ptr::null_mut();
            self.waiting = true;
            return OK;
        }
        self.note(status)
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
        let ready = self.room.state().ready.take()?;
        self.waiting = false;
        Some(self.note(ready))
    }

    /// `OK` when the next chunk may be written; else why none ever may.
    pub(crate) fn poll_room(&mut self, context: &mut Context<'_>) -> Poll<Status> {
        if let Some(status) = self.settled() {
            return Poll::Ready(status);
        }
        self.room.state().waker = Some(context.waker().clone());
        // It may have come between the first look and the waker being in its place.
        self.settled().map_or(Poll::Pending, Poll::Ready)
    }

    /// The same, on a thread that may wait. A cancel ends the wait as well.
    pub(crate) fn wait_for_room(&mut self) -> Status {
        if let Some(status) = self.settled() {
            return status;
        }
        let (parked, waker) = Parked::here();
        let hearing = self.held.hear_cancel();
        hearing.listen(&waker);
        loop {
            match self.poll_room(&mut Context::from_waker(&waker)) {
                Poll::Ready(status) => return status,
                Poll::Pending if hearing.wanted() => return self.note(E_CANCELLED),
                Poll::Pending => parked.wait(),
            }
        }
    }
}
