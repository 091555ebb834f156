//! A streamed answer: head, chunks as they come, end. The function's own writes go to the socket and wait for it.

use super::connection::{PATIENCE, write_both};
use faas_abi::host::Given;
use faas_abi::{E_CANCELLED, OK, Status, Tok};
use faas_core::failure::Failure;
use faas_core::http1::write;
use faas_core::invocation::{Code, Invocation, Stream};
use faas_core::platform::Polling;
use std::io::Read;
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

/// The socket that a worker's streams go to, and whether it has broken.
#[derive(Default)]
pub(super) struct Wire(Mutex<State>);

#[derive(Default)]
struct State {
    socket: Option<Arc<TcpStream>>,
    /// Is a head out, and no end?
    open: bool,
    broken: bool,
}

impl Wire {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker has this connection now.
    pub(super) fn set_socket(&self, socket: &Arc<TcpStream>) {
        *self.state() = State { socket: Some(socket.clone()), open: false, broken: false };
    }

    /// The worker has ended. Whoever else still has the socket, the platform sees that nobody polls on it.
    pub(super) fn close(&self) {
        if let Some(socket) = std::mem::take(&mut *self.state()).socket {
            // One that is broken needs no end.
            let _ = socket.shutdown(std::net::Shutdown::Both);
        }
    }

    /// Ends a stream; says whether the platform took it.
    pub(super) fn end(&self, protocol: &dyn Polling, failure: Option<&Failure>) -> bool {
        let mut out = Vec::new();
        protocol.stream_end(failure, &mut out);
        let taken = self.write(&out, b"") == OK;
        self.state().open = false;
        taken
    }

    /// Ends a stream in its writer's place, which is over its deadline, and waits a little until the platform has taken
    /// it; says whether there was one. A writer that is stuck in a write keeps the wire, and the connection's end has to
    /// say it.
    pub(super) fn cut(&self, protocol: &dyn Polling, failure: &Failure) -> bool {
        let mut state = match self.0.try_lock() {
            Ok(state) => state,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return true,
        };
        let State { socket: Some(socket), open: true, broken: false } = &*state else { return state.open };
        let mut out = Vec::new();
        protocol.stream_end(Some(failure), &mut out);
        let socket = socket.clone();
        let written = write_both(&socket, &out, b"");
        state.broken = true;
        drop(state);
        // The process leaves next, and whatever is on its way then may be lost.
        if written.and_then(|()| socket.set_read_timeout(Some(PATIENCE))).is_ok() {
            let _ = (&*socket).read(&mut [0; 64]);
        }
        true
    }

    fn open(&self, head: &[u8]) -> Status {
        self.state().open = true;
        self.write(head, b"")
    }

    fn write(&self, head: &[u8], body: &[u8]) -> Status {
        let mut state = self.state();
        let State { socket: Some(socket), broken: false, .. } = &*state else { return E_CANCELLED };
        if write_both(socket, head, body).is_err() {
            state.broken = true;
            return E_CANCELLED;
        }
        OK
    }
}

/// What an invocation streams into.
pub(super) struct ToPlatform {
    pub(super) wire: Arc<Wire>,
    pub(super) protocol: Arc<dyn Polling>,
}

impl Stream for ToPlatform {
    fn open(&mut self, invocation: &Invocation, code: Code) -> Status {
        let (mut head, mut prelude) = (Vec::new(), Vec::new());
        self.protocol.stream_head(invocation, code, &mut head, &mut prelude);
        if !prelude.is_empty() {
            write::chunk(&mut head, &prelude);
        }
        self.wire.open(&head)
    }

    fn write(&mut self, chunk: Given, _: *mut Tok) -> Status {
        // An empty chunk would be the end of the body.
        let Some(length) = NonZeroUsize::new(chunk.as_slice().len()) else { return OK };
        let mut head = Vec::with_capacity(20);
        write::chunk_size(&mut head, length);
        match self.wire.write(&head, chunk.as_slice()) {
            OK => self.wire.write(write::CHUNK_END, b""),
            lost => lost,
        }
    }
}
