//! Bodies that their invocations read piece by piece: a part that is asked for is read from the connection at once, and
//! a reader that finds no part is told when there may be one.

use super::Server;
use super::in_flight::{Client, InFlight, lock};
use super::link::{Link, tell};
use super::room;
use super::thread_place::ThreadPlace;
use faas_abi::{E_CANCELLED, OK, PENDING, Status, Tok};
use faas_core::invocation::BodySource;
use faas_core::serve::Upload;
use std::io::{ErrorKind, Read};
use std::sync::{Arc, Weak};

/// The bodies of the requests of a seat, from the connection.
pub(super) struct FromClient {
    pub(super) flight: Arc<InFlight>,
    pub(super) server: Weak<Server>,
}

impl BodySource for FromClient {
    fn read(&self, ready: *mut Tok) -> Result<Vec<u8>, Status> {
        let current = self.server.upgrade().and_then(|server| Some((server, self.flight.current()?)));
        let Some((server, current)) = current else { return Err(E_CANCELLED) };
        let (ready, place, returns_soon) = (ready.addr(), &self.flight.place, self.flight.returns_soon(&server));
        match current.client {
            Client::Http2(recipient, _) => room::read(&server, &*recipient, ready, place, returns_soon),
            Client::Link(link) => read(&server, &link, ready, place, returns_soon),
        }
    }

    fn hold(&self, bytes: usize) -> bool {
        lock(&self.flight.collected).resize(bytes)
    }
}

/// Reads the part of the body that has come, and does not wait. A reader that finds no bytes waits for its token. If
/// `returns_soon`, the call does not wait on its thread for that.
fn read(
    server: &Server,
    link: &Link,
    ready: usize,
    place: &Arc<ThreadPlace>,
    returns_soon: bool,
) -> Result<Vec<u8>, Status> {
    let clock = &**server.runtime.process();
    let mut rooms = Vec::new();
    let mut state = link.lock();
    let found = loop {
        link.read_news(&mut state);
        let connection = &mut state.connection;
        match connection.upload(clock) {
            Upload::Part(bytes) => break Ok(bytes),
            Upload::End => break Ok(Vec::new()),
            Upload::Failed(status) => break Err(status),
            Upload::Read => {
                let space = connection.upload_space();
                let room = space.len();
                match (&link.socket).read(space) {
                    Ok(0) => connection.upload_ended(),
                    Ok(count) => connection.upload_filled(count, room, clock),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => connection.nothing_to_read(),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => connection.upload_ended(),
                }
            }
            Upload::Wait => {
                connection.wait_for_upload(ready, clock);
                if !returns_soon {
                    server.lend_once(place, &mut state.lent_to_read);
                }
                break Err(PENDING);
            }
        }
    };
    // The client may wait for `100 Continue`, and now its time counts.
    server.flush(link, &mut state, &mut rooms);
    drop(state);
    server.let_go(link);
    rooms.into_iter().for_each(|room| tell(room, OK));
    found
}
