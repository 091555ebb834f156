//! How connections end: refused, lingering, out of patience, or simply gone. Works on a connection whose lock is held.
//!
//! A connection is never closed under bytes the client is still sending, which would make the system reset it and take
//! the last response away: the sending side is ended first, and what comes is thrown away until the client has read and
//! closed too.

use super::connection::{Connection, Inner, NEVER, Phase};
use super::{Server, answer};
use crate::sys;
use std::io::{ErrorKind, Read};
use std::net::Shutdown;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a client has to read its last response and close.
const LINGER: Duration = Duration::from_secs(1);

impl Server {
    /// Sends what is waiting. True: everything is out and another request may be looked at.
    pub(super) fn flush(&self, connection: &Connection, inner: &mut Inner) -> bool {
        match inner.phase {
            Phase::Lingering => {
                self.discard(connection, inner);
                return false;
            }
            Phase::Closed => return false,
            _ => {}
        }
        if !inner.unsent.is_empty() {
            match inner.unsent.flush(&connection.socket) {
                Err(_) => {
                    self.close(connection, inner);
                    return false;
                }
                Ok(sent) if !inner.unsent.is_empty() => {
                    if sent > 0 || inner.deadline == NEVER {
                        self.be_patient(connection, inner, self.config.write_timeout);
                    }
                    return false;
                }
                Ok(_) => inner.deadline = NEVER,
            }
        }
        if inner.closing {
            self.linger(connection, inner);
            return false;
        }
        true
    }

    /// Patience ends after that time, unless it is said again.
    pub(super) fn be_patient(&self, connection: &Connection, inner: &mut Inner, time: Duration) {
        inner.deadline = self.alarms.after(time);
        if !std::mem::replace(&mut inner.watched, true) {
            self.alarms.watch(connection.token, inner.deadline);
        }
    }

    /// Answers what cannot be accepted; nothing more is read.
    pub(super) fn refuse(&self, connection: &Connection, inner: &mut Inner, status: u16, why: &str) {
        let mut response = Vec::new();
        answer::plain(&mut response, status, why);
        inner.unsent.keep(&response);
        inner.reader = None;
        inner.deadline = NEVER;
        inner.closing = true;
        self.flush(connection, inner);
    }

    /// Everything is sent: ends the sending side.
    fn linger(&self, connection: &Connection, inner: &mut Inner) {
        connection.socket.shutdown(Shutdown::Write);
        inner.reader = None;
        inner.phase = Phase::Lingering;
        self.be_patient(connection, inner, LINGER);
        self.discard(connection, inner);
    }

    /// Throws away what comes, until the end.
    fn discard(&self, connection: &Connection, inner: &mut Inner) {
        let mut waste = [0; 16 << 10];
        for _ in 0..64 {
            match (&connection.socket).read(&mut waste) {
                Ok(0) => return self.close(connection, inner),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.close(connection, inner),
            }
        }
        // It comes fast: others first, then more of it, until the patience ends.
        let _ = self.epoll.again(&connection.socket, connection.token);
    }

    /// Its moment has come, maybe; the next one, if there is any.
    pub(super) fn look_at(&self, connection: &Connection, now: u64) -> Option<u64> {
        let inner = &mut *connection.lock();
        if inner.deadline == NEVER {
            inner.watched = false;
            return None;
        }
        if now < inner.deadline {
            return Some(inner.deadline);
        }
        match inner.phase {
            Phase::Reading if inner.unsent.is_empty() => {
                self.refuse(connection, inner, 408, "the request did not come in within its time limit");
                return Some(inner.deadline).filter(|moment| *moment != NEVER);
            }
            Phase::Reading => self.abort(connection, inner),
            Phase::Lingering => self.close(connection, inner),
            Phase::Queued | Phase::Invoking { .. } | Phase::Closed => {}
        }
        inner.watched = false;
        None
    }

    /// Ends it in order.
    pub(super) fn close(&self, connection: &Connection, inner: &mut Inner) {
        connection.socket.shutdown(Shutdown::Both);
        self.forget(connection, inner);
    }

    /// Ends it so that the client knows that something is missing.
    pub(super) fn abort(&self, connection: &Connection, inner: &mut Inner) {
        connection.socket.abort();
        self.forget(connection, inner);
    }

    fn forget(&self, connection: &Connection, inner: &mut Inner) {
        inner.phase = Phase::Closed;
        inner.reader = None;
        inner.deadline = NEVER;
        inner.unsent = super::connection::Unsent::default();
        self.table.remove(connection.token);
        if self.draining.load(Ordering::SeqCst) {
            self.end_if_quiet();
        }
    }

    /// Closes those between two requests; the others end with their response.
    pub(super) fn close_idle(&self) {
        for connection in self.table.all() {
            let inner = &mut *connection.lock();
            let has_request = inner.reader.is_some() || inner.brought.is_some();
            let idle = matches!(inner.phase, Phase::Reading) && !has_request && inner.unsent.is_empty();
            // What has arrived and is not read yet is a request on its way.
            if idle && !inner.closing && !sys::is_readable_now(&connection.socket) {
                self.close(&connection, inner);
            }
        }
    }
}
