//! A request's body that comes piece by piece: each piece is waited for once, and the test says how it ends.

use faas_abi::host::token;
use faas_abi::{OK, PENDING, Status, Tok};
use faas_core::invocation::BodySource;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// The pieces that are still to come.
#[derive(Debug)]
pub(super) struct Parts(Mutex<State>);

#[derive(Debug)]
struct State {
    coming: VecDeque<Vec<u8>>,
    /// The end of the body: well, or with this status.
    end: Status,
    /// `true` once the next piece, or the end, has been waited for.
    is_due: bool,
}

impl Parts {
    /// Returns a body that comes in these pieces and ends with that status.
    pub(super) fn new((parts, end): (Vec<Vec<u8>>, Status)) -> Parts {
        Parts(Mutex::new(State { coming: parts.into(), end, is_due: false }))
    }
}

impl BodySource for Parts {
    fn read(&self, ready: *mut Tok) -> Result<Vec<u8>, Status> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut state.is_due, true) {
            // A completion may come before the answer that announces it.
            token::complete(ready, OK);
            return Err(PENDING);
        }
        match state.coming.pop_front() {
            Some(part) => {
                state.is_due = false;
                Ok(part)
            }
            None if state.end < 0 => Err(state.end),
            None => Ok(Vec::new()),
        }
    }

    fn hold(&self, _: usize) -> bool {
        true
    }
}
