//! The writer of a stream over HTTP/2 that waits for its client to make room.
//!
//! As over HTTP/1.1, one that holds its thread meanwhile leaves its place to others: readers that do not read cost nobody
//! else a thread.

use super::Server;
use super::http2::Recipient;
use super::link::tell;
use super::thread_place::{Lent, ThreadPlace};
use faas_abi::host::Given;
use faas_abi::{E_CANCELLED, OK, PENDING, Status};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};

/// A writer that waits. It is told once: that there is room, or, when this is dropped, that nobody makes any.
#[derive(Debug)]
pub struct Waiting {
    server: Arc<Server>,
    /// Its place, while that is left to others.
    lent: Lent,
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
    fn new(server: &Arc<Server>, writer: Writer, lent: Lent) -> Waiting {
        Waiting { server: server.clone(), lent, writer: Some(writer) }
    }

    /// There is room again.
    pub fn go_on(mut self) {
        self.tell(OK);
    }

    fn tell(&mut self, status: Status) {
        self.server.take_back(&mut self.lent);
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
/// thread if it has none (`room` is 0). `returns_soon`: the call does not wait on its thread for its token.
pub(super) fn write(
    server: &Arc<Server>,
    recipient: &dyn Recipient,
    chunk: Given,
    room: usize,
    place: &Arc<ThreadPlace>,
    returns_soon: bool,
) -> Status {
    let status = recipient.chunk(chunk);
    if status != PENDING {
        return status;
    }
    if room != 0 {
        let lent = if returns_soon { Lent::default() } else { server.lend(place) };
        recipient.wait(Waiting::new(server, Writer::Token(room), lent));
        return PENDING;
    }
    let (thread, told) = channel();
    recipient.wait(Waiting::new(server, Writer::Thread(thread), server.lend(place)));
    told.recv().unwrap_or(E_CANCELLED)
}
