//! Writers and readers that wait at an end of a stream over HTTP/2: the writer for room, the reader of a body for more
//! of it.
//!
//! As over HTTP/1.1, one that holds its thread meanwhile leaves its place to others: readers that do not read cost
//! nobody else a thread.

use super::Server;
use super::http2::Recipient;
use super::link::tell;
use super::thread_place::{Lent, ThreadPlace};
use faas_abi::host::Given;
use faas_abi::{E_CANCELLED, OK, PENDING, Status};
use std::sync::Arc;

/// A writer or reader that waits. It is told once: to go on, or, when this is dropped, that it waits in vain.
#[derive(Debug)]
pub struct Waiting {
    server: Arc<Server>,
    /// Its place, while that is left to others.
    lent: Lent,
    /// The address of the token that it is told by; 0 once it has been.
    token: usize,
}

impl Waiting {
    /// Makes a wait for room. `returns_soon` is `true` if the call does not wait on its thread for its token.
    fn new(server: &Arc<Server>, token: usize, place: &Arc<ThreadPlace>, returns_soon: bool) -> Waiting {
        let lent = if returns_soon { Lent::default() } else { server.lend(place) };
        Waiting { server: server.clone(), lent, token }
    }

    /// Tells the one that waits that there is room again, or something to read.
    pub fn go_on(mut self) {
        self.tell(OK);
    }

    fn tell(&mut self, status: Status) {
        self.server.take_back(&mut self.lent);
        tell(std::mem::take(&mut self.token), status);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.tell(E_CANCELLED);
    }
}

/// Gives a part of a stream to its recipient. If the stream is full, the writer waits for its token, unless that is 0:
/// then these are bytes at the stream's end, and nobody waits.
pub(super) fn write(
    server: &Arc<Server>,
    recipient: &dyn Recipient,
    chunk: Given,
    room: usize,
    place: &Arc<ThreadPlace>,
    returns_soon: bool,
) -> Status {
    let status = recipient.chunk(chunk, room == 0);
    if status == PENDING && room != 0 {
        recipient.wait(Waiting::new(server, room, place, returns_soon));
    }
    status
}

/// Takes a part of a request's body. If there is no part, the reader waits for its token.
pub(super) fn read(
    server: &Arc<Server>,
    recipient: &dyn Recipient,
    ready: usize,
    place: &Arc<ThreadPlace>,
    returns_soon: bool,
) -> Result<Vec<u8>, Status> {
    let part = recipient.part();
    if part == Err(PENDING) {
        recipient.wait_for_part(Waiting::new(server, ready, place, returns_soon));
    }
    part
}
