//! The way in which a request under way is ended from outside: at its deadline, by its caller, with the layer.

use crate::fault::Fault;
use handlers_sdk::service::ServiceErrorKind;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The wish to end a request, and the socket whose end wakes the thread that works for it.
#[derive(Debug, Default)]
pub(crate) struct Stop(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    wanted: Option<ServiceErrorKind>,
    socket: Option<Arc<TcpStream>>,
}

impl Stop {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the request. The first reason counts.
    pub(crate) fn want(&self, kind: ServiceErrorKind) {
        let mut state = self.state();
        if state.wanted.is_none() {
            state.wanted = Some(kind);
        }
        if let Some(socket) = state.socket.take() {
            // A socket that has ended by itself is no failure.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// Notes that the request works on this socket from now on.
    ///
    /// # Errors
    /// The request is to end.
    pub(crate) fn works_on(&self, socket: &Arc<TcpStream>) -> Result<(), Fault> {
        self.check()?;
        self.state().socket = Some(socket.clone());
        self.check()
    }

    /// Notes that the request does not work on the socket any more.
    ///
    /// # Errors
    /// The request is to end, and so the socket has ended, too.
    pub(crate) fn leaves(&self) -> Result<(), Fault> {
        self.state().socket = None;
        self.check()
    }

    /// Fails if the request is to end.
    ///
    /// # Errors
    /// The request is to end.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        match self.state().wanted {
            None => Ok(()),
            Some(kind) => Err(Fault::new(kind, "it was stopped")),
        }
    }
}
