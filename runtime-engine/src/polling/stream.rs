//! A streamed answer: head, chunks as they come, end.
//!
//! The function's own writes go to the socket at once, from whichever thread they come. What the socket does not take
//! waits for it: on a lent thread, the write waits; else the rest is kept, the function is told to wait for room, and
//! the worker writes it. No more than one chunk and a head are ever kept.

use super::spare::PATIENCE;
use crate::sys;
use faas_abi::host::Given;
use faas_abi::host::token::complete;
use faas_abi::{E_CANCELLED, E_INVALID, OK, PENDING, Status, Tok};
use faas_core::failure::Failure;
use faas_core::http1::write;
use faas_core::invocation::{Code, Invocation, Stream};
use faas_core::platform::Polling;
use std::io::{self, IoSlice, Write};
use std::net::TcpStream;
use std::num::NonZeroUsize;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

/// Where a worker's streams go.
pub(super) struct Wire {
    /// Writes wait on their own thread: nothing else runs on it.
    lends: bool,
    state: Mutex<State>,
    /// Something is kept.
    kept: Notify,
}

#[derive(Default)]
struct State {
    socket: Option<Arc<OwnedWriteHalf>>,
    /// The same socket past tokio, whose view of it moves only while its thread is not lent.
    own: Option<TcpStream>,
    begun: bool,
    broken: bool,
    rest: Vec<u8>,
    written: usize,
    /// Address of the token that waits for room, 0 for none. Not a pointer to anything.
    room: usize,
}

impl State {
    fn own(&mut self) -> io::Result<&mut TcpStream> {
        if self.own.is_none() {
            let socket: &tokio::net::TcpStream = self.socket.as_deref().ok_or(io::ErrorKind::NotConnected)?.as_ref();
            self.own = Some(socket.as_fd().try_clone_to_owned()?.into());
        }
        self.own.as_mut().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Nothing more will be written.
    fn fail(&mut self) -> usize {
        self.broken = true;
        self.rest.clear();
        self.written = 0;
        std::mem::take(&mut self.room)
    }
}

fn tell(room: usize, status: Status) {
    if room != 0 {
        complete(std::ptr::without_provenance_mut::<Tok>(room), status);
    }
}

impl Wire {
    /// `lends`: may a write wait where it is called?
    pub(super) fn new(lends: bool) -> Wire {
        Wire { lends, state: Mutex::default(), kept: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The worker has this connection now.
    pub(super) fn set_socket(&self, socket: &Arc<OwnedWriteHalf>) {
        *self.state() = State { socket: Some(socket.clone()), ..State::default() };
    }

    /// The worker has ended. Its connection ends with its last owner: an event that came on it now would be lost.
    pub(super) fn close(&self) {
        *self.state() = State::default();
    }

    /// Writes what the function's own writes leave. Never ends.
    pub(super) async fn pump(&self) {
        loop {
            self.kept.notified().await;
            self.flush().await;
        }
    }

    /// Ends a stream. False: the platform took no more of it.
    pub(super) async fn end(&self, protocol: &dyn Polling, failure: Option<&Failure>) -> bool {
        {
            let mut state = self.state();
            state.begun = false;
            if state.broken {
                return false;
            }
            protocol.stream_end(failure, &mut state.rest);
        }
        self.flush().await
    }

    /// As [`end`](Wire::end), for a function that does not end; waits a little until the platform has taken it. True: the
    /// invocation has been streaming, and all that can be said of its end has been.
    pub(super) fn cut(&self, protocol: &dyn Polling, failure: &Failure) -> bool {
        // The function may be waiting in the middle of a write; then the connection's end is the stream's.
        let Ok(mut state) = self.state.try_lock() else { return true };
        if !state.begun {
            return false;
        }
        if !state.broken && state.rest.is_empty() {
            let mut end = Vec::new();
            protocol.stream_end(Some(failure), &mut end);
            if let Some(socket) = state.socket.clone() {
                let written = socket.try_write(&end);
                state.fail();
                drop(state);
                // The process may leave next, and whatever is on its way then may be lost.
                if written.is_ok() {
                    let socket: &tokio::net::TcpStream = (*socket).as_ref();
                    sys::wait_readable(socket, PATIENCE);
                }
                return true;
            }
        }
        state.fail();
        true
    }

    async fn flush(&self) -> bool {
        loop {
            let socket = {
                let state = self.state();
                if state.broken || state.rest.is_empty() {
                    return !state.broken;
                }
                state.socket.clone()
            };
            let Some(socket) = socket else { return false };
            let ready = socket.writable().await;
            let mut state = self.state();
            match ready.and_then(|()| socket.try_write(&state.rest[state.written..])) {
                Ok(written) => {
                    state.written += written;
                    if state.written < state.rest.len() {
                        continue;
                    }
                    state.rest.clear();
                    state.written = 0;
                    let room = std::mem::take(&mut state.room);
                    drop(state);
                    tell(room, OK);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    let room = state.fail();
                    drop(state);
                    tell(room, E_CANCELLED);
                }
            }
        }
    }

    fn write(&self, parts: [&[u8]; 3], room: *mut Tok) -> Status {
        let mut state = self.state();
        if state.broken {
            return E_CANCELLED;
        }
        if state.room != 0 {
            return E_INVALID;
        }
        state.begun = true;
        let taken = if !state.rest.is_empty() {
            Ok(0)
        } else if self.lends {
            state.own().and_then(|own| write_waiting(own, parts))
        } else {
            state.socket.as_ref().map_or(Err(io::ErrorKind::NotConnected.into()), |socket| write_at_once(socket, parts))
        };
        let Ok(taken) = taken else {
            state.fail();
            return E_CANCELLED;
        };
        let mut skip = taken;
        for part in parts {
            let from = skip.min(part.len());
            state.rest.extend_from_slice(&part[from..]);
            skip -= from;
        }
        if state.rest.is_empty() {
            return OK;
        }
        state.room = room.addr();
        drop(state);
        self.kept.notify_one();
        if room.is_null() { OK } else { PENDING }
    }
}

/// As much as the socket takes now.
fn write_at_once(socket: &OwnedWriteHalf, parts: [&[u8]; 3]) -> io::Result<usize> {
    match socket.try_write_vectored(&parts.map(IoSlice::new)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

/// Everything, waiting for the socket on this thread.
fn write_waiting(own: &mut TcpStream, parts: [&[u8]; 3]) -> io::Result<usize> {
    let mut slices = parts.map(IoSlice::new);
    let mut left = &mut slices[..];
    let mut taken = 0;
    IoSlice::advance_slices(&mut left, 0);
    while !left.is_empty() {
        match own.write_vectored(left) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                taken += written;
                IoSlice::advance_slices(&mut left, written);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => sys::wait_writable(own)?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(taken)
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
        self.wire.write([&head, b"", b""], std::ptr::null_mut())
    }

    fn write(&mut self, chunk: Given, room: *mut Tok) -> Status {
        // An empty chunk would be the end of the body.
        let Some(length) = NonZeroUsize::new(chunk.as_slice().len()) else { return OK };
        if room.is_null() && !self.wire.lends {
            return E_INVALID;
        }
        let mut head = Vec::with_capacity(20);
        write::chunk_size(&mut head, length);
        self.wire.write([&head, chunk.as_slice(), write::CHUNK_END], room)
    }
}
