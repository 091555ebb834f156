//! The first invocation after a freeze runs Resume, and those that come meanwhile wait for it. Knows neither what Resume
//! does nor who waits: it hands out one turn, and wakes.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Poll, Waker};

const AWAKE: u8 = 0;
const FROZEN: u8 = 1;
const RESUMING: u8 = 2;

/// Whether the process is to be resumed before it serves.
#[derive(Debug, Default)]
pub(crate) struct Thaw {
    state: AtomicU8,
    waiting: Mutex<Vec<Waker>>,
}

/// The turn to run Resume. Its end, whichever way it comes, lets the others go on.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Thaw);

impl Thaw {
    /// Suspend has run, whether it succeeded or not: what has been suspended in part has to be resumed as well.
    pub(crate) fn froze(&self) {
        let _waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        self.state.store(FROZEN, Ordering::Release);
    }

    /// Comes back at once where nothing is to be resumed; with the turn to do it for one caller; for the others when it
    /// is done.
    pub(crate) async fn turn(&self) -> Option<Turn<'_>> {
        if self.state.load(Ordering::Acquire) == AWAKE {
            return None;
        }
        poll_fn(|context| {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            match self.state.load(Ordering::Acquire) {
                AWAKE => Poll::Ready(None),
                FROZEN => {
                    self.state.store(RESUMING, Ordering::Release);
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
        // A freeze that came while Resume ran is the next turn's.
        if self.0.state.load(Ordering::Acquire) == RESUMING {
            self.0.state.store(AWAKE, Ordering::Release);
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
    fn one_resumes_and_the_others_wait_for_it() {
        let thaw = Thaw::default();
        assert!(block_on(thaw.turn()).is_none(), "nothing is frozen");
        thaw.froze();
        let turn = block_on(thaw.turn()).expect("the first has the turn");
        let mut other = pin!(thaw.turn());
        let mut context = Context::from_waker(Waker::noop());
        assert!(other.as_mut().poll(&mut context).is_pending());
        drop(turn);
        assert!(matches!(other.as_mut().poll(&mut context), Poll::Ready(None)));
        assert!(block_on(thaw.turn()).is_none());
    }

    #[test]
    fn a_freeze_while_resume_runs_is_followed_by_another_resume() {
        let thaw = Thaw::default();
        thaw.froze();
        let turn = block_on(thaw.turn()).expect("the first has the turn");
        thaw.froze();
        drop(turn);
        let turn = block_on(thaw.turn()).expect("the second freeze has a turn of its own");
        drop(turn);
        assert!(block_on(thaw.turn()).is_none());
    }

    #[test]
    fn many_threads_resume_once() {
        let thaw = Thaw::default();
        let resumed = AtomicU8::new(0);
        thaw.froze();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    if let Some(turn) = block_on(thaw.turn()) {
                        resumed.fetch_add(1, Ordering::SeqCst);
                        drop(turn);
                    }
                    assert_eq!(resumed.load(Ordering::SeqCst), 1, "nobody goes on before it is done");
                });
            }
        });
    }
}
