//! A thread that waits until it is woken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::thread::Thread;
use std::time::Instant;

/// The calling thread, and whether it was woken.
pub(crate) struct Parked {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Parked {
    /// Returns the calling thread, and a waker for it.
    pub(crate) fn here() -> (Arc<Parked>, Waker) {
        let parked = Arc::new(Parked { thread: std::thread::current(), woken: AtomicBool::new(false) });
        (parked.clone(), Waker::from(parked))
    }

    /// Waits until it is woken; a wake before counts. Only the thread of [`here`](Self::here) may call it.
    pub(crate) fn wait(&self) {
        while !self.woken.swap(false, Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Waits until it is woken, or until that moment if there is one. Returns `true` if it was woken. Only the thread
    /// of [`here`](Self::here) may call it.
    pub(crate) fn wait_until(&self, end: Option<Instant>) -> bool {
        let Some(end) = end else {
            self.wait();
            return true;
        };
        while !self.woken.swap(false, Ordering::Acquire) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::park_timeout(left);
        }
        true
    }
}
