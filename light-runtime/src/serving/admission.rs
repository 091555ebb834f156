//! How many at once: accepted invocations, those of them that run, and the queue between the two numbers.
//!
//! Counts only. Whoever accepts one, and whoever ends one, asks for the next that waits: either of the two sees it,
//! whichever comes later.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// `T` is an accepted request.
#[derive(Debug)]
pub(super) struct Admission<T> {
    concurrency: usize,
    threads: usize,
    accepted: AtomicUsize,
    running: AtomicUsize,
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<T>>,
    /// Does anybody wait for everything to have its answer?
    awaited: AtomicBool,
    idle: Condvar,
}

/// Adds one if there are fewer than `limit`.
fn below(count: &AtomicUsize, limit: usize) -> bool {
    if count.fetch_add(1, SeqCst) < limit {
        return true;
    }
    count.fetch_sub(1, SeqCst);
    false
}

impl<T> Admission<T> {
    /// `concurrency` accepted at once, `threads` of them running.
    pub(super) fn new(concurrency: usize, threads: usize) -> Admission<T> {
        Admission {
            concurrency,
            threads,
            accepted: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            waiting: AtomicUsize::new(0),
            queue: Mutex::new(VecDeque::new()),
            awaited: AtomicBool::new(false),
            idle: Condvar::new(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts one more, unless there are too many.
    pub(super) fn accept(&self) -> bool {
        below(&self.accepted, self.concurrency)
    }

    /// Lets one more run, unless there are too many.
    pub(super) fn start(&self) -> bool {
        below(&self.running, self.threads)
    }

    /// Puts an accepted one in the queue.
    pub(super) fn wait(&self, request: T) {
        self.queue().push_back(request);
        self.waiting.fetch_add(1, SeqCst);
    }

    /// The first of the queue, if it may run now.
    pub(super) fn next(&self) -> Option<T> {
        // Between a look at the queue and the return of an unused permission somebody may have come: look again.
        while self.waiting.load(SeqCst) > 0 && self.start() {
            if let Some(request) = self.queue().pop_front() {
                self.waiting.fetch_sub(1, SeqCst);
                return Some(request);
            }
            self.freed();
        }
        None
    }

    /// Takes the queue apart: nothing will run any more.
    pub(super) fn give_up(&self) -> Vec<T> {
        let all: Vec<T> = self.queue().drain(..).collect();
        self.waiting.fetch_sub(all.len(), SeqCst);
        all
    }

    /// An accepted one has its answer.
    pub(super) fn answered(&self) {
        self.accepted.fetch_sub(1, SeqCst);
        if self.awaited.load(SeqCst) {
            drop(self.queue());
            self.idle.notify_all();
        }
    }

    /// A running one has left its thread.
    pub(super) fn freed(&self) {
        self.running.fetch_sub(1, SeqCst);
    }

    /// Has everything its answer?
    fn is_idle(&self) -> bool {
        self.accepted.load(SeqCst) == 0
    }

    /// Waits until everything has its answer, or the time is over; says which.
    pub(super) fn wait_idle(&self, limit: Duration) -> bool {
        self.awaited.store(true, SeqCst);
        let waited = self.idle.wait_timeout_while(self.queue(), limit, |_| !self.is_idle());
        waited.map_or(true, |(_, result)| !result.timed_out())
    }

    /// Has everything its answer, and does nothing run but `hung` ones?
    pub(super) fn is_quiet(&self, hung: usize) -> bool {
        self.is_idle() && self.running.load(SeqCst) <= hung
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_not_run_yet_waits_and_what_is_too_much_is_refused() {
        let admission = Admission::new(3, 2);
        for _ in 0..3 {
            assert!(admission.accept());
        }
        assert!(!admission.accept(), "a fourth is too much");
        assert!(admission.start() && admission.start());
        assert!(!admission.start());
        admission.wait("third");
        assert_eq!(admission.next(), None, "both threads are busy");
        admission.answered();
        assert!(admission.accept(), "an answered one makes room");
        admission.freed();
        assert_eq!(admission.next(), Some("third"));
        assert_eq!(admission.next(), None);
        for _ in 0..3 {
            admission.answered();
        }
        assert!(!admission.is_quiet(1) && admission.is_quiet(2), "two still have their threads");
    }

    #[test]
    fn who_waits_for_the_last_answer_is_told_of_it() {
        let admission = Admission::<()>::new(2, 2);
        assert!(admission.wait_idle(Duration::ZERO));
        assert!(admission.accept() && admission.accept());
        assert!(!admission.wait_idle(Duration::from_millis(1)));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| admission.wait_idle(Duration::from_secs(3600)));
            admission.answered();
            admission.answered();
            assert!(waiting.join().unwrap());
        });
    }

    #[test]
    fn nothing_is_lost_between_those_who_queue_and_those_who_end() {
        let admission = Admission::new(usize::MAX, 2);
        let served = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2000 {
                        if admission.start() {
                            served.fetch_add(1, SeqCst);
                            admission.freed();
                        } else {
                            admission.wait(());
                        }
                        while admission.next().is_some() {
                            served.fetch_add(1, SeqCst);
                            admission.freed();
                        }
                    }
                });
            }
        });
        assert_eq!(served.load(SeqCst), 8000, "the last to queue or to end sees what waits");
    }
}
