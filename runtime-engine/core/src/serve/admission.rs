//! The number of invocations at once: those that are accepted, those of them that run, and the queue between the two.
//!
//! Whoever accepts one, and whoever ends one, asks for the next that waits: either of the two sees it, whichever comes
//! later. What waits has a moment until which it may; beyond it the server refuses it, and it has cost nobody a thread.
//!
//! First come, first served, as long as that helps. Once the first has used up half of the time it may wait, more comes
//! than fits, and in order everybody would begin just before it is too late. Then the last is served first: it has time
//! enough, and the others are refused.

use super::limit::Limit;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The moment that never comes, in nanoseconds on the process' clock.
pub const NEVER: u64 = u64::MAX;

/// The queue of accepted work. `T` is one piece of work.
#[derive(Debug)]
pub struct Admission<T> {
    accepted: Limit,
    running: Limit,
    waiting: AtomicUsize,
    queue: Mutex<VecDeque<Waiting<T>>>,
    /// `true` if a thread waits for everything to have its answer.
    awaited: AtomicBool,
    idle: Condvar,
}

#[derive(Debug)]
struct Waiting<T> {
    work: T,
    /// The moment in nanoseconds since which it waits, on the same clock as `until`.
    since: u64,
    /// The moment until which it may wait, in nanoseconds on the process' clock.
    until: u64,
    /// `true` if it has begun: then it is never refused.
    begun: bool,
}

impl<T> Admission<T> {
    /// Admits `concurrency` accepted ones at once, `threads` of them running.
    pub fn new(concurrency: usize, threads: usize) -> Admission<T> {
        Admission {
            accepted: Limit::new(concurrency),
            running: Limit::new(threads),
            waiting: AtomicUsize::new(0),
            queue: Mutex::new(VecDeque::new()),
            awaited: AtomicBool::new(false),
            idle: Condvar::new(),
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting<T>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts one more; `false` if there are too many.
    pub fn accept(&self) -> bool {
        self.accepted.take()
    }

    /// Lets one more run; `false` if there are too many.
    pub fn start(&self) -> bool {
        self.running.take()
    }

    /// Puts an accepted one at the end of the queue, where it waits since that moment and may until that one.
    pub fn wait(&self, work: T, since: u64, until: u64) {
        self.queue().push_back(Waiting { work, since, until, begun: false });
        self.waiting.fetch_add(1, SeqCst);
    }

    /// Puts one that has begun already at the front of the queue, where it may wait for ever.
    pub fn resume(&self, work: T) {
        self.queue().push_front(Waiting { work, since: 0, until: NEVER, begun: true });
        self.waiting.fetch_add(1, SeqCst);
    }

    /// Returns the next of the queue, if it may run now. `now` reads the clock.
    pub fn next(&self, now: impl Fn() -> u64) -> Option<T> {
        // Between a look at the queue and the return of an unused permission somebody may have come: look again.
        while self.waiting.load(SeqCst) > 0 && self.start() {
            if let Some(waiting) = Self::take(&mut self.queue(), &now) {
                self.waiting.fetch_sub(1, SeqCst);
                return Some(waiting.work);
            }
            self.freed();
        }
        None
    }

    fn take(queue: &mut VecDeque<Waiting<T>>, now: impl Fn() -> u64) -> Option<Waiting<T>> {
        // Those that have begun are always first.
        let is_late = queue.front().is_some_and(|first| {
            let half = first.until.saturating_sub(first.since) / 2;
            !first.begun && first.until != NEVER && now() > first.since.saturating_add(half)
        });
        if is_late { queue.pop_back() } else { queue.pop_front() }
    }

    /// Takes those out of the queue that may not wait any longer at `now`, at [`NEVER`] all that have not begun; also
    /// returns the moment of the next one.
    pub fn expired(&self, now: u64) -> (Vec<T>, u64) {
        if self.waiting.load(SeqCst) == 0 {
            return (Vec::new(), NEVER);
        }
        let mut queue = self.queue();
        let (late, rest): (VecDeque<_>, VecDeque<_>) =
            queue.drain(..).partition(|waiting| !waiting.begun && waiting.until <= now);
        *queue = rest;
        let next = queue.iter().map(|waiting| waiting.until).min().unwrap_or(NEVER);
        drop(queue);
        self.waiting.fetch_sub(late.len(), SeqCst);
        (late.into_iter().map(|waiting| waiting.work).collect(), next)
    }

    /// Notes that an accepted invocation has its answer.
    pub fn answered(&self) {
        self.accepted.give();
        if self.awaited.load(SeqCst) {
            drop(self.queue());
            self.idle.notify_all();
        }
    }

    /// Notes that a running invocation has left its thread.
    pub fn freed(&self) {
        self.running.give();
    }

    /// Notes that an invocation which had left its thread to others, as it waited for its client, needs one again: it
    /// is not refused that.
    pub fn needs_thread(&self) {
        self.running.take_beyond();
    }

    /// Returns `true` if every accepted one has its answer.
    pub fn is_idle(&self) -> bool {
        self.accepted.taken() == 0
    }

    /// Returns how many hold a thread.
    pub fn running(&self) -> usize {
        self.running.taken()
    }

    /// Waits until everything has its answer; `false` if the time was over before.
    pub fn wait_idle(&self, limit: Duration) -> bool {
        self.awaited.store(true, SeqCst);
        let waited = self.idle.wait_timeout_while(self.queue(), limit, |_| !self.is_idle());
        waited.map_or(true, |(_, result)| !result.timed_out())
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
        admission.wait("third", 0, NEVER);
        assert_eq!(admission.next(|| 1), None, "both threads are busy");
        admission.answered();
        assert!(admission.accept(), "an answered one makes room");
        admission.freed();
        assert_eq!(admission.next(|| 1), Some("third"));
        assert_eq!(admission.next(|| 1), None);
        for _ in 0..3 {
            admission.answered();
        }
        assert!(admission.is_idle() && admission.running() == 2, "two still have their threads");
    }

    #[test]
    fn what_may_not_wait_any_longer_leaves_the_queue_and_has_held_no_thread() {
        let admission = Admission::new(9, 1);
        assert!(admission.start());
        admission.wait("patient", 0, 100);
        admission.wait("hasty", 0, 10);
        admission.resume("begun");
        assert_eq!(admission.expired(9), (vec![], 10));
        assert_eq!(admission.expired(10), (vec!["hasty"], 100));
        admission.freed();
        assert_eq!(admission.expired(NEVER), (vec!["patient"], NEVER));
        assert_eq!(admission.next(|| 99), Some("begun"), "what has begun is never refused");
        assert_eq!(admission.running(), 1);
    }

    #[test]
    fn in_order_as_long_as_there_is_time_and_then_whoever_has_most_of_it() {
        let admission = Admission::new(9, 9);
        for (work, since) in [("first", 0), ("second", 40), ("third", 60)] {
            admission.wait(work, since, since + 100);
        }
        assert_eq!(admission.next(|| 50), Some("first"), "half of its time is left");
        assert_eq!(admission.next(|| 91), Some("third"), "the second has lost more than half");
        admission.resume("begun");
        assert_eq!(admission.next(|| 99), Some("begun"));
        assert_eq!(admission.next(|| 99), Some("second"));
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
                            admission.wait((), 0, NEVER);
                        }
                        while admission.next(|| 0).is_some() {
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
