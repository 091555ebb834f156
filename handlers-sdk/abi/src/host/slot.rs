//! The state machine of one completion: armed by one thread, completed by any, polled by the one that armed it.
//!
//! It knows generations, statuses and listeners; it does not know where slots live (that is `token.rs`). Model checked
//! by `tests/loom_token.rs`.
#![cfg_attr(not(loom), allow(unreachable_pub, reason = "public to the model checker alone"))]

use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering, put};
use crate::constants::{E_INTERNAL, PENDING};
use crate::tables::TokenFn;
use crate::values::Status;
use core::ffi::c_void;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

const IDLE: u64 = 0;
const ARMED: u64 = 1;
const DONE: u64 = 2;

/// The place in which one completion lies until it is fetched.
#[derive(Debug)]
pub struct Slot {
    /// The generation (32 bits), the status (16) and one of the three states (16). They are one word, so that one
    /// exchange both claims the completion and delivers it.
    state: AtomicU64,
    target: Mutex<Target>,
}

/// The listener, and the generation whose end it waits for: a completion that is slow to come for its target must not
/// take that of a later generation.
#[derive(Debug)]
struct Target {
    generation: u32,
    listener: Listener,
}

#[derive(Debug)]
enum Listener {
    Nobody,
    Task(Waker),
    Module { call: TokenFn, arg: *mut c_void },
}

// SAFETY: `arg` is only passed back to the module's function, which the contract allows from any thread.
unsafe impl Send for Listener {}

/// The result of a completion.
#[derive(Debug)]
pub enum Finish {
    /// The generation was not armed any more, or never.
    Ignored,
    /// The waiter was told, or will look by itself.
    Told,
    /// The caller has to call a module, once, with the status.
    Call {
        /// The function that a completion calls.
        call: TokenFn,
        /// The argument of the function that is called.
        arg: *mut c_void,
        /// The status that the function is called with.
        status: Status,
    },
}

fn word(generation: u32, status: i16, state: u64) -> u64 {
    u64::from(generation) << 32 | u64::from(status.cast_unsigned()) << 16 | state
}

#[allow(clippy::cast_possible_truncation, reason = "the upper half is the generation")]
fn generation_of(word: u64) -> u32 {
    (word >> 32) as u32
}

impl Default for Slot {
    fn default() -> Self {
        Self::new()
    }
}

impl Slot {
    /// Makes a slot that no token stands for.
    pub fn new() -> Slot {
        let target = Target { generation: 0, listener: Listener::Nobody };
        Slot { state: AtomicU64::new(IDLE), target: Mutex::new(target) }
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.target.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_generation(&self) -> u32 {
        generation_of(self.state.load(Ordering::Relaxed)).wrapping_add(1)
    }

    /// Opens it for one call, and returns the generation. Earlier ones are dead from here on.
    pub fn arm(&self) -> u32 {
        let generation = self.next_generation();
        put(&self.state, word(generation, 0, ARMED), Ordering::Release);
        generation
    }

    /// Opens it as [`arm`](Slot::arm) does, for a completion that is a call of a module's function.
    pub fn arm_call(&self, call: TokenFn, arg: *mut c_void) -> u32 {
        let generation = self.next_generation();
        *self.target() = Target { generation, listener: Listener::Module { call, arg } };
        self.arm()
    }

    /// Closes the slot: a completion of the generation that was armed comes to nothing.
    pub fn disarm(&self) {
        let generation = generation_of(self.state.load(Ordering::Relaxed));
        put(&self.state, word(generation, 0, IDLE), Ordering::Release);
    }

    /// Closes it, forgets its listener, and makes it ready for another owner.
    pub fn retire(&self) {
        let generation = self.next_generation();
        *self.target() = Target { generation, listener: Listener::Nobody };
        put(&self.state, word(generation, 0, IDLE), Ordering::Release);
    }

    /// Returns `true` while this generation waits for its end.
    pub fn is_armed(&self, generation: u32) -> bool {
        self.state.load(Ordering::Relaxed) == word(generation, 0, ARMED)
    }

    /// Returns the status it was completed with, once. Only the side that armed it may call this.
    pub fn poll(&self, context: &mut Context<'_>) -> Poll<Status> {
        if let Some(status) = self.take() {
            return Poll::Ready(status);
        }
        let generation = generation_of(self.state.load(Ordering::Relaxed));
        {
            let mut target = self.target();
            target.generation = generation;
            match &mut target.listener {
                Listener::Task(waker) => waker.clone_from(context.waker()),
                listener => *listener = Listener::Task(context.waker().clone()),
            }
        }
        // The completion may have come between the first look and the registration of the waker.
        self.take().map_or(Poll::Pending, Poll::Ready)
    }

    fn take(&self) -> Option<Status> {
        let word = self.state.load(Ordering::Acquire);
        if word & 0xffff != DONE {
            return None;
        }
        self.disarm();
        #[allow(clippy::cast_possible_truncation, reason = "the middle 16 bits are the status")]
        Some(Status::from((word >> 16) as i16))
    }

    /// Completes a generation. It may be called from any thread, any number of times: the first call wins.
    pub fn finish(&self, generation: u32, status: Status) -> Finish {
        let status = terminal(status);
        let (armed, done) = (word(generation, 0, ARMED), word(generation, status, DONE));
        if self.state.compare_exchange(armed, done, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return Finish::Ignored;
        }
        let listener = {
            let mut target = self.target();
            // The listener is of another generation: the waiter has not come yet and will see the end, or has seen it
            // already.
            if target.generation != generation {
                return Finish::Told;
            }
            core::mem::replace(&mut target.listener, Listener::Nobody)
        };
        match listener {
            Listener::Nobody => Finish::Told,
            Listener::Task(waker) => {
                waker.wake();
                Finish::Told
            }
            Listener::Module { call, arg } => Finish::Call { call, arg, status: Status::from(status) },
        }
    }
}

/// Returns the status as the word holds it. `FAAS_PENDING` is no end, and a status that does not fit is unknown: both
/// are an internal failure (rule P5).
fn terminal(status: Status) -> i16 {
    let status = if status == PENDING { E_INTERNAL } else { status };
    #[allow(clippy::cast_possible_truncation, reason = "it is a small constant")]
    i16::try_from(status).unwrap_or(E_INTERNAL as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_ends_with_a_status_nobody_knows_has_failed() {
        for status in [PENDING, 100_000, Status::MAX, Status::MIN, -100_000] {
            assert_eq!(Status::from(terminal(status)), E_INTERNAL, "{status}");
        }
        for status in [0, 2, 12_345, -7] {
            assert_eq!(Status::from(terminal(status)), status);
        }
    }
}
