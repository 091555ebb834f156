//! The threads that watch the connections while others run invocations.
//!
//! The thread that hears of a request runs it itself, so that a request costs no hop between threads. That is safe as
//! long as somebody else watches meanwhile. Somebody does: whoever begins an invocation as the last watcher calls a
//! deputy first, a spare thread or a new one. A deputy waits for the system's news like everybody, but is told only
//! when the leader, who waits again after every request, is not waiting: then the leader's invocation takes long, or
//! there is much to do.
//!
//! Much to do is no reason for two threads to wake each other all the time. While invocations usually are short, a
//! thread that was overtaken or called, or that leaves another listening when news comes thick, naps before it listens,
//! and naps on while the others get on with the work: one thread does it all. When invocations usually are long, nobody
//! naps, and as many threads run as there are requests. Who would nap beside two others becomes a spare.
//!
//! Counts and waiting only; knows nothing of connections.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The time that no thread may be watching where invocations were short so far and one is not.
pub(super) const NAP: Duration = Duration::from_millis(1);
/// The time in nanoseconds from which on an invocation is long: a hop between threads no longer counts.
const LONG_NS: u64 = 100_000;
/// The number of short invocations that weigh as much as a long one. A few that the system interrupted make no
/// difference, and a function that is long more often than one time in nine does.
const LONG_WEIGHT: u32 = 8;
/// The value of `long` from which on invocations are taken to be long.
const MOSTLY: u32 = 32;
/// The largest value of `long`, which means that every recent invocation was long.
const SURE: u32 = 64;

#[derive(Debug)]
pub(super) struct ThreadPool {
    /// The most threads, the main one included, beside those that wait for their clients.
    most: usize,
    /// The number of threads that wait for their clients.
    stalled: AtomicUsize,
    watching: AtomicUsize,
    /// The number of watching threads that wait for news now.
    listening: AtomicUsize,
    /// The number of times that a watcher has taken an invocation: the last to do so is the leader.
    takes: AtomicU64,
    /// The certainty that invocations are long, from 0 to [`SURE`].
    long: AtomicU32,
    /// `true` if the function says itself that it takes long.
    blocks: bool,
    done: AtomicBool,
    state: Mutex<State>,
    called: Condvar,
    napping: Condvar,
}

#[derive(Debug, Default)]
struct State {
    threads: usize,
    spares: usize,
    /// The number of spare threads that are called and have not noticed.
    calls: usize,
    handles: Vec<JoinHandle<()>>,
}

impl ThreadPool {
    /// Makes the pool with the main thread, which watches. `blocks` is `true` if the function says itself that it takes
    /// long.
    pub(super) fn new(most: usize, blocks: bool) -> ThreadPool {
        ThreadPool {
            most,
            stalled: AtomicUsize::new(0),
            watching: AtomicUsize::new(1),
            listening: AtomicUsize::new(0),
            takes: AtomicU64::new(0),
            long: AtomicU32::new(0),
            blocks,
            done: AtomicBool::new(false),
            state: Mutex::new(State { threads: 1, ..State::default() }),
            called: Condvar::new(),
            napping: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if invocations are mostly long.
    pub(super) fn is_long(&self) -> bool {
        self.blocks || self.long.load(Relaxed) >= MOSTLY
    }

    /// Notes that a watcher takes an invocation. Returns the number of its taking, and `true` if nobody is left to
    /// watch, in which case it must [`call`](ThreadPool::call) before it begins.
    pub(super) fn take(&self) -> (u64, bool) {
        let take = self.takes.fetch_add(1, SeqCst) + 1;
        (take, self.watching.fetch_sub(1, SeqCst) == 1)
    }

    /// Notes that the thread watches again, after an invocation of that length.
    pub(super) fn back(&self, took_ns: u64) {
        // Two threads may overwrite each other here, which a tendency survives.
        let long = self.long.load(Relaxed);
        if took_ns >= LONG_NS {
            self.long.store((long + LONG_WEIGHT).min(SURE), Relaxed);
        } else if long > 0 {
            self.long.store(long - 1, Relaxed);
        }
        self.watching.fetch_add(1, SeqCst);
    }

    /// Makes a thread watch: a spare one, or one that `spawn` makes.
    ///
    /// # Errors
    /// The thread cannot be made. Nobody watches until somebody is back.
    pub(super) fn call(&self, spawn: impl FnOnce() -> std::io::Result<JoinHandle<()>>) -> std::io::Result<()> {
        let mut state = self.state();
        if state.calls < state.spares {
            state.calls += 1;
            self.watching.fetch_add(1, SeqCst);
            self.called.notify_one();
        } else if state.threads < self.most.saturating_add(self.stalled.load(SeqCst)) {
            self.watching.fetch_add(1, SeqCst);
            match spawn() {
                Ok(handle) => state.handles.push(handle),
                Err(error) => {
                    self.watching.fetch_sub(1, SeqCst);
                    return Err(error);
                }
            }
            state.threads += 1;
        }
        Ok(())
    }

    /// Notes that a thread waits for its client; another may be made in its place.
    pub(super) fn stall(&self) {
        self.stalled.fetch_add(1, SeqCst);
    }

    /// Notes that a call that had stalled goes on.
    pub(super) fn go_on(&self) {
        self.stalled.fetch_sub(1, SeqCst);
    }

    /// Waits for news with `wait`.
    pub(super) fn listen<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.listening.fetch_add(1, SeqCst);
        let news = wait();
        self.listening.fetch_sub(1, SeqCst);
        news
    }

    /// Decides after an invocation that was that taking: the thread goes on watching, or leaves it to others and waits
    /// until it is needed. `busy` is `true` if news came thick, and every listener more is woken by it. Returns `false`
    /// if the work is over.
    pub(super) fn settle(&self, take: u64, busy: bool) -> bool {
        let is_overtaken = self.takes.load(SeqCst) != take;
        let is_crowded = busy && self.listening.load(SeqCst) > 0 && !self.is_long();
        if !(is_overtaken || is_crowded) || self.is_done() {
            return !self.is_done();
        }
        let mut state = self.state();
        if self.watching.fetch_sub(1, SeqCst) < 3 {
            // A leader and a deputy are left at least.
            self.watching.fetch_add(1, SeqCst);
            drop(state);
            self.nap();
            return !self.is_done();
        }
        state.spares += 1;
        while state.calls == 0 && !self.is_done() {
            state = self.called.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.spares -= 1;
        state.calls = state.calls.saturating_sub(1);
        drop(state);
        self.nap();
        !self.is_done()
    }

    /// Waits while other threads watch, as long as invocations are short and the others get on with them.
    pub(super) fn nap(&self) {
        let mut state = self.state();
        while !self.is_long() && !self.is_done() {
            let before = self.takes.load(SeqCst);
            let nap = self.napping.wait_timeout_while(state, NAP, |_| !self.is_done());
            state = nap.unwrap_or_else(PoisonError::into_inner).0;
            if self.takes.load(SeqCst) == before {
                if self.watching.load(SeqCst) == 1 {
                    // All other threads have been at the same invocations all the time.
                    self.long.store(SURE, Relaxed);
                }
                return;
            }
        }
    }

    /// Returns `true` if there is nothing more to do.
    pub(super) fn is_done(&self) -> bool {
        self.done.load(SeqCst)
    }

    /// Ends the work; returns `true` if it was the first to do so.
    pub(super) fn finish(&self) -> bool {
        let state = self.state();
        let first = !self.done.swap(true, SeqCst);
        drop(state);
        self.called.notify_all();
        self.napping.notify_all();
        first
    }

    /// Waits for the end of the work, and of all other threads.
    pub(super) fn join(&self) {
        let mut state = self.state();
        while !self.is_done() {
            state = self.called.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let handles = std::mem::take(&mut state.handles);
        drop(state);
        for handle in handles {
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::mpsc::channel;

    fn nobody() -> std::io::Result<JoinHandle<()>> {
        panic!("no thread is needed here")
    }

    #[test]
    fn the_last_watcher_calls_a_deputy_and_a_second_one_does_not() {
        let pool = ThreadPool::new(3, true);
        let (_, alone) = pool.take();
        assert!(alone);
        let mut spawned = 0;
        let spawn = || {
            spawned += 1;
            std::thread::Builder::new().spawn(|| ())
        };
        pool.call(spawn).unwrap();
        assert_eq!(spawned, 1);
        pool.back(0);
        let (_, alone) = pool.take();
        assert!(!alone, "the deputy watches");
        pool.back(0);
    }

    #[test]
    fn who_was_overtaken_becomes_a_spare_and_is_called_before_a_thread_is_made() {
        let pool = Arc::new(ThreadPool::new(3, true));
        let (first, alone) = pool.take();
        assert!(alone);
        let (tell, told) = channel();
        let deputy = pool.clone();
        let spawn = || {
            std::thread::Builder::new().spawn(move || {
                let (take, alone) = deputy.take();
                tell.send((take, alone)).unwrap();
            })
        };
        pool.call(spawn).unwrap();
        // The deputy takes the next invocation and nobody watches.
        let (second, alone) = told.recv().unwrap();
        assert!(second == first + 1 && alone);
        pool.back(0);
        assert!(pool.settle(first, false), "overtaken, but nobody else watches: it goes on");
        pool.back(0);
        assert!(pool.settle(first, false), "overtaken, but the leader needs a deputy");
        // Now three watch. The overtaken one becomes a spare until it is called.
        pool.back(0);
        let spare = pool.clone();
        let waiting = std::thread::spawn(move || spare.settle(first, false));
        while pool.state().spares == 0 {
            std::thread::yield_now();
        }
        assert!(!pool.take().1);
        assert!(pool.take().1, "the spare does not watch");
        pool.call(nobody).unwrap();
        assert!(waiting.join().unwrap());
    }

    #[test]
    fn the_end_wakes_spares_and_stops_everybody() {
        let pool = Arc::new(ThreadPool::new(2, true));
        let (first, _) = pool.take();
        pool.takes.fetch_add(1, SeqCst);
        pool.watching.fetch_add(2, SeqCst);
        pool.back(0);
        let spare = pool.clone();
        let waiting = std::thread::spawn(move || spare.settle(first, false));
        assert!(pool.finish());
        assert!(!pool.finish(), "only once");
        assert!(!waiting.join().unwrap());
        pool.join();
    }

    #[test]
    fn long_invocations_become_the_usual_ones() {
        let pool = ThreadPool::new(2, false);
        assert!(!pool.is_long());
        pool.take();
        pool.back(1_000_000_000);
        assert!(!pool.is_long(), "one may have been interrupted");
        for _ in 0..4 {
            pool.take();
            pool.back(LONG_NS);
        }
        assert!(pool.is_long());
        for _ in 0..SURE {
            pool.take();
            pool.back(1_000);
        }
        assert!(!pool.is_long());
    }
}
