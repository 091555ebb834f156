//! The writer of a stream over HTTP/2 that waits for its client to make room.
//!
//! As over HTTP/1.1, one that holds its thread meanwhile leaves its place to others: readers that do not read cost nobody
//! else a thread.

use super::Server;
use super::http2::Recipient;
use super::link::tell;
use faas_abi::host::Given;
use faas_abi::{E_CANCELLED, OK, PENDING, Status};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

/// A writer that waits. It is told once: that there is room, or, when this is dropped, that nobody makes any.
#[derive(Debug)]
pub struct Waiting {
    server: Arc<Server>,
    /// `true` while its place is left to others.
    stalled: bool,
    writer: Option<Writer>,
}

#[derive(Debug)]
enum Writer {
    /// Told by the token of this address.
    Token(usize),
    /// A thread that stands in its call.
    Thread(Sender<Status>),
}

impl Waiting {
    fn new(server: &Arc<Server>, writer: Writer, holds_thread: bool) -> Waiting {
        let mut stalled = false;
        if holds_thread {
            server.begin_stall(&mut stalled);
        }
        Waiting { server: server.clone(), stalled, writer: Some(writer) }
    }

    /// There is room again.
    pub fn go_on(mut self) {
        self.tell(OK);
    }

    fn tell(&mut self, status: Status) {
        self.server.end_stall(&mut self.stalled);
        match self.writer.take() {
            Some(Writer::Token(room)) => tell(room, status),
            // It stands there until it is told.
            Some(Writer::Thread(thread)) => drop(thread.send(status)),
            None => {}
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.tell(E_CANCELLED);
    }
}

/// Gives a part of a stream to its recipient. One that is full has its writer wait: until its token is told, or on its
/// thread if it has none (`room` is 0).
pub(super) fn write(
    server: &Arc<Server>,
    recipient: &dyn Recipient,
    chunk: Given,
    room: usize,
    holds_thread: bool,
) -> Status {
    let status = recipient.chunk(chunk);
    if status != PENDING {
        return status;
    }
    if room != 0 {
        recipient.wait(Waiting::new(server, Writer::Token(room), holds_thread));
        return PENDING;
    }
    let (thread, told) = channel();
    recipient.wait(Waiting::new(server, Writer::Thread(thread), true));
    told.recv().unwrap_or(E_CANCELLED)
}
