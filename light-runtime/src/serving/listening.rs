//! The port: bound before the start, served after it.

use super::Server;
use super::connection::Connection;
use crate::sys;
use faas_core::log::Level;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// So many connections may wait while the start runs or all threads are busy.
const BACKLOG: u16 = 4096;
/// When there are no descriptors left, the next try comes after this time.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes the port. From here on the system takes connections and lets them wait.
///
/// # Errors
/// In words that name the address.
pub(super) fn bind(address: &str) -> Result<(TcpListener, SocketAddr), String> {
    let at = |error: io::Error| format!("cannot listen on {address}: {error}");
    // On unix std sets SO_REUSEADDR.
    let listener = TcpListener::bind(address).map_err(at)?;
    sys::set_backlog(&listener, BACKLOG);
    listener.set_nonblocking(true).map_err(at)?;
    let address = listener.local_addr().map_err(at)?;
    Ok((listener, address))
}

impl Server {
    /// Accepts whoever waits.
    pub(super) fn accept(&self) {
        let listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(listener) = &*listener else { return };
        loop {
            match listener.accept() {
                Ok((socket, address)) => self.welcome(socket, address),
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    // The client left before its turn.
                    ErrorKind::Interrupted | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset => {}
                    _ => return self.stall(&error),
                },
            }
        }
    }

    pub(super) fn welcome(&self, socket: TcpStream, address: SocketAddr) {
        // Responses are written whole; waiting for more would only delay their last packet.
        if socket.set_nonblocking(true).and_then(|()| socket.set_nodelay(true)).is_err() {
            return;
        }
        let peer = address.ip().to_canonical().to_string();
        let connection = self.table.add(|token| Connection::new(token, socket, &peer));
        if let Err(error) = self.epoll.add(&connection.socket, connection.token) {
            self.close(&connection, &mut connection.lock());
            self.stall(&error);
        }
    }

    /// No descriptors left: others wait in the backlog until connections close.
    fn stall(&self, error: &io::Error) {
        if !self.stalled.swap(true, SeqCst) {
            let message = format!("no connection can be accepted for now: {error}");
            self.runtime.process().log.say(Level::Error, &message);
        }
        self.alarms.at(self.alarms.after(PAUSE));
    }

    /// Tries again after a stall.
    pub(super) fn accept_again(&self) {
        if self.stalled.swap(false, SeqCst) {
            self.accept();
        }
    }

    /// New connections are refused by the system from now on.
    pub(super) fn close_listener(&self) {
        *self.listener.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
