//! Probes while the start runs: alive, not ready. Everybody else waits unread, and is welcomed when the start is over.
//!
//! One thread looks at what comes to the port. It answers what the protocol answers itself, closes that connection, and
//! takes not one byte of anything else. It may not run an invocation: there is no function yet.

use super::answer;
use super::table::{END, LISTENER};
use crate::sys::{Alarm, Epoll, Events};
use faas_core::http1::{Limits, Progress, Reader};
use faas_core::platform::{Answer, Route, Serving, State};
use faas_core::unit::Unit;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// A probe's whole request is in here; what is longer is no probe.
const PROBE: usize = 4 << 10;
/// So many may wait for the end of the start; others stay in the system's backlog.
const MOST: usize = 1024;

/// A connection that came during the start.
pub(super) struct Guest {
    pub(super) socket: TcpStream,
    pub(super) address: SocketAddr,
}

/// The thread at the door.
pub(super) struct Doorman {
    thread: JoinHandle<Vec<Guest>>,
    end: Arc<Alarm>,
}

impl Doorman {
    /// Opens the door.
    ///
    /// # Errors
    /// If descriptors or threads are out.
    pub(super) fn begin(listener: &TcpListener, protocol: Arc<dyn Serving>, unit: Arc<Unit>) -> io::Result<Doorman> {
        let door = Door { listener: listener.try_clone()?, epoll: Epoll::new()?, protocol, unit, guests: Vec::new() };
        let end = Arc::new(Alarm::new()?);
        door.epoll.add(&door.listener, LISTENER)?;
        door.epoll.add_for_all(&*end, END)?;
        let builder = std::thread::Builder::new().name("faas-doorman".to_owned()).stack_size(128 << 10);
        Ok(Doorman { thread: builder.spawn(move || door.watch())?, end })
    }

    /// Closes it; who is still waiting.
    pub(super) fn end(self) -> Vec<Guest> {
        self.end.set(Duration::ZERO);
        self.thread.join().unwrap_or_default()
    }
}

struct Door {
    listener: TcpListener,
    epoll: Epoll,
    protocol: Arc<dyn Serving>,
    unit: Arc<Unit>,
    guests: Vec<Option<Guest>>,
}

impl Door {
    fn watch(mut self) -> Vec<Guest> {
        let mut events = Events::new();
        loop {
            let Ok(heard) = self.epoll.wait(&mut events, Events::ROOM) else { break };
            let tokens: Vec<u64> = heard.map(|event| event.token).collect();
            for token in &tokens {
                match *token {
                    END => {}
                    LISTENER => self.accept(),
                    guest => self.look(usize::try_from(guest).unwrap_or(usize::MAX)),
                }
            }
            if tokens.contains(&END) {
                break;
            }
        }
        self.guests.into_iter().flatten().collect()
    }

    fn accept(&mut self) {
        while self.guests.len() < MOST {
            let Ok((socket, address)) = self.listener.accept() else { return };
            let number = self.guests.len();
            if socket.set_nonblocking(true).is_ok() && self.epoll.add(&socket, number as u64).is_ok() {
                self.guests.push(Some(Guest { socket, address }));
            }
        }
    }

    /// Answers a guest that is a probe. One whose request is not whole yet is looked at again when more has come.
    fn look(&mut self, number: usize) {
        let Some(Some(guest)) = self.guests.get(number) else { return };
        let mut seen = [0; PROBE];
        let Ok(length) = guest.socket.peek(&mut seen) else { return };
        let Some(answer) = self.own_answer(&seen[..length]) else { return };
        let mut response = Vec::new();
        answer::plain(&mut response, answer.status, &answer.body);
        let mut socket = &guest.socket;
        // Taken, so that closing is an orderly end and no reset.
        let _ = socket.read(&mut seen[..length]);
        let _ = socket.write_all(&response);
        self.guests[number] = None;
    }

    fn own_answer(&self, bytes: &[u8]) -> Option<Answer> {
        let mut reader = Reader::request(Limits { head_bytes: PROBE, body_bytes: 0, ..Limits::default() });
        reader.space(bytes.len()).get_mut(..bytes.len())?.copy_from_slice(bytes);
        reader.filled(bytes.len());
        let request = loop {
            match reader.poll() {
                Ok(Progress::Head) => {}
                Ok(Progress::Complete) => break reader.take()?,
                Ok(Progress::More) | Err(_) => return None,
            }
        };
        match self.protocol.route(&self.unit, &request, State::Starting) {
            Route::Own(answer) => Some(answer),
            Route::Health | Route::Invoke(_) | Route::Rewritten(..) | Route::Signal(_) => None,
        }
    }
}
