//! An invocation that waits for something else than a thread: kept until it is woken, then run on by whoever is free.

use super::Server;
use super::Work;
use super::seats::Seat;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Nobody runs it, and it has not been woken.
const ASLEEP: u8 = 0;
/// It is in the queue.
const QUEUED: u8 = 1;
/// Somebody runs it.
const RUNNING: u8 = 2;
/// Somebody runs it, and it has been woken meanwhile.
const WOKEN: u8 = 3;

/// Gives the seat back, and says whether the answer is its worker's to give.
type Call = Pin<Box<dyn Future<Output = (Seat, bool)> + Send>>;

/// The invocation.
pub(super) struct Pending {
    server: Arc<Server>,
    state: AtomicU8,
    /// `None` once it has ended.
    call: Mutex<Option<Call>>,
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pending").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Pending {
    /// Makes it, about to be run.
    pub(super) fn new(server: &Arc<Server>, mut seat: Seat) -> Arc<Pending> {
        let running = server.clone();
        let call = Box::pin(async move {
            let is_mine = running.runtime.invoke(&mut seat.place).await;
            (seat, is_mine)
        });
        Arc::new(Pending { server: server.clone(), state: AtomicU8::new(QUEUED), call: Mutex::new(Some(call)) })
    }

    /// Runs it as far as it goes. `None`: it waits again, or has ended before.
    pub(super) fn run(self: &Arc<Self>) -> Option<(Seat, bool)> {
        let mut call = self.call.lock().unwrap_or_else(PoisonError::into_inner);
        let waker = Waker::from(self.clone());
        loop {
            self.state.store(RUNNING, SeqCst);
            if let Poll::Ready(ended) = call.as_mut()?.as_mut().poll(&mut Context::from_waker(&waker)) {
                *call = None;
                return Some(ended);
            }
            // Who wakes it from here on puts it into the queue.
            if self.state.compare_exchange(RUNNING, ASLEEP, SeqCst, SeqCst).is_ok() {
                return None;
            }
        }
    }
}

impl Wake for Pending {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state.load(SeqCst);
        loop {
            let next = match state {
                ASLEEP => QUEUED,
                RUNNING => WOKEN,
                _ => return,
            };
            match self.state.compare_exchange(state, next, SeqCst, SeqCst) {
                Ok(_) => break,
                Err(now) => state = now,
            }
        }
        if state == ASLEEP {
            self.server.admission.resume(Work::Pending(self.clone()));
            self.server.news.ring();
        }
    }
}
