//! The two lanes of one invocation: the request's body as it is read, and a reply as it is written.
//!
//! Each lane has a lock of its own, which is held for a moment: one thread may read and another write, beside others
//! that look at the invocation. What waits, waits for a token.

use super::filters::{Detour, pass};
use super::{Code, Invocation, Progress};
use crate::failure::Failure;
use crate::trigger::{Body, DecodedEvent, MessageFormat};
use faas_abi::host::token::Token;
use faas_abi::host::{Chunk, Filter, Given, Invocation as _};
use faas_abi::*;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError};

/// The most bytes of a streamed reply that are collected. Each platform has a smaller limit of its own.
const COLLECT_BYTES: usize = 64 << 20;

/// The driver's end of a streamed reply.
pub trait Stream: Send + Sync {
    /// Sends the head: code, reply headers and cookies of the invocation as they are now.
    fn open(&mut self, invocation: &Invocation, code: Code) -> Status;
    /// Takes a chunk, and does not wait. `room` is completed when there is room again, if the answer is `PENDING`. It is
    /// null for bytes at the stream's end, after which nobody waits for room.
    fn write(&mut self, chunk: Given, room: *mut Tok) -> Status;
}

/// The driver's end of a request's body that comes piece by piece.
pub trait BodySource: Send + Sync {
    /// Returns the next bytes, and does not wait. They are empty at the end. If the answer is `Err(PENDING)`, `ready`
    /// is completed when there may be some.
    ///
    /// # Errors
    /// It is `PENDING` if no bytes are here. `E_TOO_BIG`, `E_INVALID`, `E_DEADLINE` and `E_CANCELLED` mean what
    /// `faas.h` says of `stream_read`, and come again from then on.
    fn read(&self, ready: *mut Tok) -> Result<Vec<u8>, Status>;
    /// Counts `bytes` in all as held for the invocation, in place of what was counted for it before, until it is done.
    /// Returns `false`, and changes nothing, if the process may not hold them.
    fn hold(&self, bytes: usize) -> bool;
}

/// The destination of a streamed reply.
#[derive(Default)]
pub(super) struct Outgoing {
    /// The driver's destination; `None` if a stream has nowhere to go.
    pub(super) stream: Option<Box<dyn Stream>>,
    /// The stations of the bytes on their way; `None` if they go straight to the driver.
    pub(super) detour: Option<Detour>,
}

/// The position up to which the request's body has been read.
#[derive(Default)]
pub(super) struct Incoming {
    source: Option<Arc<dyn BodySource>>,
    /// `true` once a body that is here in whole has been handed out.
    is_read: AtomicBool,
}

impl Incoming {
    pub(super) fn clear(&mut self) {
        *self.is_read.get_mut() = false;
    }
}

impl Invocation {
    /// Says where the bytes of streams go, from now on; without it, streams are unsupported.
    pub fn set_stream(&mut self, stream: Box<dyn Stream>) {
        self.outgoing().stream = Some(stream);
    }

    /// Says where bodies come from that are streamed in, from now on.
    pub fn set_body_source(&mut self, source: Arc<dyn BodySource>) {
        self.incoming.source = Some(source);
    }

    /// Returns `true` if the request's body comes piece by piece, and nobody has replaced it.
    pub(crate) fn is_streamed_in(&self) -> bool {
        self.metadata.is_streamed_in && self.body.is_none()
    }

    #[inline]
    pub(super) fn outgoing(&mut self) -> &mut Outgoing {
        self.outgoing.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn open_stream(&mut self) -> Status {
        self.takes_filters = false;
        let status = self.begin_stream();
        if status < 0 {
            // Another reply may take its place, which is no stream of theirs.
            self.outgoing().detour = None;
        }
        status
    }

    fn begin_stream(&mut self) -> Status {
        let Progress::Set(code) = self.progress else { return E_INVALID };
        if self.metadata.is_whole {
            self.outgoing().detour = Some(Detour::Collected(Vec::new()));
            self.progress = Progress::Streaming(code);
            return OK;
        }
        let Some(mut stream) = self.outgoing().stream.take() else { return E_UNSUPPORTED };
        let status = stream.open(self, code);
        self.outgoing().stream = Some(stream);
        // A stream that could not begin is no reply.
        self.progress = if status < 0 { Progress::Open } else { Progress::Streaming(code) };
        status
    }

    /// Adds a filter to the stream that is about to begin.
    pub(super) fn add_filter(&mut self, filter: Filter) {
        match &mut self.outgoing().detour {
            Some(Detour::Filtered(filters)) => filters.push(filter),
            detour => *detour = Some(Detour::Filtered(vec![filter])),
        }
    }

    /// Returns `true` for a stream whose end its filters have still to see, and for one that is broken.
    pub fn is_filtered(&mut self) -> bool {
        matches!(self.outgoing().detour, Some(Detour::Filtered(_) | Detour::Broken))
    }

    pub(super) fn write_stream(&self, chunk: Given, room: *mut Tok) -> Status {
        if self.is_out || !matches!(self.progress, Progress::Streaming(_)) {
            return E_INVALID;
        }
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        let Outgoing { stream, detour } = &mut *outgoing;
        let chunk = match detour {
            None => chunk,
            Some(Detour::Collected(collected)) => {
                if collected.len() + chunk.as_slice().len() > COLLECT_BYTES {
                    return E_TOO_BIG;
                }
                collected.extend_from_slice(chunk.as_slice());
                return OK;
            }
            Some(Detour::Filtered(filters)) => match pass(filters, chunk, false) {
                // There is as much room as before.
                Ok(chunk) if chunk.as_slice().is_empty() => return OK,
                Ok(chunk) => chunk,
                Err(_) => {
                    *detour = Some(Detour::Broken);
                    return E_INTERNAL;
                }
            },
            Some(Detour::Ended) => return E_INVALID,
            Some(Detour::Broken) => return E_INTERNAL,
        };
        stream.as_mut().map_or(E_UNSUPPORTED, |stream| stream.write(chunk, room))
    }

    /// Ends the filters of a stream whose call has ended so: after a success, the bytes that they have kept back go out.
    /// Returns `false` if the call has not failed, and the stream is broken all the same.
    pub(super) fn end_filters(&mut self, status: Status) -> bool {
        let Outgoing { stream, detour } = self.outgoing();
        let (is_whole, next) = match (detour.take(), status) {
            (Some(Detour::Filtered(_)), ..0) => (true, Some(Detour::Broken)),
            (Some(Detour::Filtered(mut filters)), _) => match (pass(&mut filters, Given::EMPTY, true), stream) {
                (Ok(rest), Some(stream)) => {
                    // A client that is gone gets no end, and is no failure of the function's.
                    stream.write(rest, std::ptr::null_mut());
                    (true, Some(Detour::Ended))
                }
                _ => (false, Some(Detour::Broken)),
            },
            (Some(Detour::Broken), status) => (status < 0, Some(Detour::Broken)),
            (other, _) => (true, other),
        };
        *detour = next;
        is_whole
    }

    pub(super) fn read_stream(&self, ready: *mut Tok) -> Result<Chunk<'_>, Status> {
        if self.is_streamed_in() {
            let source = self.incoming.source.as_ref().ok_or(E_UNSUPPORTED)?;
            return source.read(ready).map(Chunk::Owned);
        }
        let is_read = self.incoming.is_read.swap(true, Relaxed);
        Ok(Chunk::Lent(if is_read { &[] } else { self.body() }))
    }

    /// Reads the body that comes piece by piece to its end and makes the request a whole one: for a function that has
    /// not asked for pieces.
    ///
    /// # Errors
    /// The failure is the one that the client is told.
    pub(crate) async fn collect_body(&mut self) -> Result<(), Failure> {
        let Some(source) = self.incoming.source.clone() else { return Ok(()) };
        let (mut body, token) = (Vec::new(), Token::new());
        loop {
            let ready = token.arm();
            match source.read(ready) {
                Ok(bytes) if bytes.is_empty() => break,
                Ok(bytes) => {
                    if !source.hold(body.len() + bytes.len()) {
                        let why = "this instance holds as much of unfinished requests as it may";
                        return Err(Failure::new("Runtime.Overloaded", why));
                    }
                    body.extend_from_slice(&bytes);
                }
                Err(PENDING) => {
                    poll_fn(|context| token.poll(context)).await;
                }
                Err(status) => return Err(Failure::of_body(status)),
            }
        }
        self.metadata.is_streamed_in = false;
        if let Some(message) = &mut self.message {
            message.append_body(&body);
        }
        // It may have been looked at already, to find its function.
        if let Some(DecodedEvent { http: Some(view), .. }) = self.decoded.get_mut()
            && self.metadata.format == MessageFormat::Request
            && !body.is_empty()
        {
            view.body = Body::Whole;
        }
        Ok(())
    }
}
