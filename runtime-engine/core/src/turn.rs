//! Work that one invocation does and that all others wait for: Resume after a freeze, FunctionStart of a function that
//! starts with its first invocation. It knows neither the work nor who waits: it hands out one turn at a time, and
//! wakes.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

const DONE: u8 = 0;
const DUE: u8 = 1;
const AT_WORK: u8 = 2;

/// Work that may be due before anything else goes on. At first it is not.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    state: AtomicU8,
    waiting: Mutex<Vec<Waker>>,
}

/// The turn to do the work. Its end, whichever way it comes, lets the others go on.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Turns);

impl Turns {
    /// Notes that the work is to be done, by the next thread that comes. During a turn this means another one after it.
    pub(crate) fn set_due(&self) {
        let _waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.state.store(DUE, Ordering::Release);
    }

    /// Takes the turn, waiting for it while another caller has it. Returns `None` if there is nothing to do, or nothing
    /// more once that other has done it.
    pub(crate) async fn turn(&self) -> Option<Turn<'_>> {
        if self.state.load(Ordering::Acquire) == DONE {
            return None;
        }
        poll_fn(|context| {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            match self.state.load(Ordering::Acquire) {
                DONE => Poll::Ready(None),
                DUE => {
                    self.state.store(AT_WORK, Ordering::Release);
                    Poll::Ready(Some(Turn(self)))
                }
                _ => {
                    waiting.push(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Work that fell due meanwhile is the next turn's.
        if self.0.state.load(Ordering::Acquire) == AT_WORK {
            self.0.state.store(DONE, Ordering::Release);
        }
        let all = std::mem::take(&mut *waiting);
        drop(waiting);
        all.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parking::block_on;
    use std::pin::pin;
    use std::task::Context;

    #[test]
    fn one_does_the_work_and_the_others_wait_for_it() {
        let turns = Turns::default();
        assert!(block_on(turns.turn()).is_none(), "nothing is due");
        turns.set_due();
        let turn = block_on(turns.turn()).expect("the first has the turn");
        let mut other = pin!(turns.turn());
        let mut context = Context::from_waker(Waker::noop());
        assert!(other.as_mut().poll(&mut context).is_pending());
        drop(turn);
        assert!(matches!(other.as_mut().poll(&mut context), Poll::Ready(None)));
        assert!(block_on(turns.turn()).is_none());
    }

    #[test]
    fn work_that_falls_due_during_a_turn_is_done_in_another() {
        let turns = Turns::default();
        turns.set_due();
        let turn = block_on(turns.turn()).expect("the first has the turn");
        turns.set_due();
        drop(turn);
        let turn = block_on(turns.turn()).expect("there is a second turn");
        drop(turn);
        assert!(block_on(turns.turn()).is_none());
    }

    #[test]
    fn many_threads_do_the_work_once() {
        let turns = Turns::default();
        let done = AtomicU8::new(0);
        turns.set_due();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    if let Some(turn) = block_on(turns.turn()) {
                        done.fetch_add(1, Ordering::SeqCst);
                        drop(turn);
                    }
                    assert_eq!(done.load(Ordering::SeqCst), 1, "nobody goes on before it is done");
                });
            }
        });
    }
}
