//! Threads for work that may take its time and must hold up nobody else: a module's code that is told of a cancel, a
//! report to a platform, a probe of health. They are made when they are needed and end when nothing has come for a
//! while.

use crate::guard;
use faas_core::log::Log;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most jobs at once; more of them wait.
const MOST: usize = 32;
/// The time after which a thread without a job ends.
const IDLE: Duration = Duration::from_secs(5);
/// The stack of these threads in bytes. The runtime's own jobs need little, but a module's code may need more.
const STACK: usize = 1 << 20;

type Job = Box<dyn FnOnce() + Send>;

/// The threads, shared by all clones.
#[derive(Clone)]
pub(crate) struct Background(Arc<Shared>);

struct Shared {
    log: Log,
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl std::fmt::Debug for Background {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Background").finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut state = self.state();
        loop {
            while let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.state();
            }
            state.idle += 1;
            let (back, waited) = self.called.wait_timeout(state, IDLE).unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return;
            }
        }
    }
}

impl Background {
    /// Makes the pool without a thread.
    pub(crate) fn new(log: &Log) -> Background {
        Background(Arc::new(Shared { log: log.clone(), state: Mutex::default(), called: Condvar::new() }))
    }

    /// Runs the job on one of the threads. If the system gives no thread, it runs when one is free, or right here if
    /// there is not one at all.
    pub(crate) fn run(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.0.state();
        state.jobs.push_back(Box::new(job));
        if state.idle >= state.jobs.len() {
            drop(state);
            return self.0.called.notify_one();
        }
        if state.threads < MOST {
            let shared = self.0.clone();
            if guard::spawn(&self.0.log, "faas-background", Some(STACK), move || shared.work()).is_ok() {
                state.threads += 1;
                return;
            }
        }
        if state.threads == 0
            && let Some(job) = state.jobs.pop_back()
        {
            drop(state);
            job();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::silent;
    use std::sync::mpsc::channel;

    #[test]
    fn a_job_that_blocks_holds_up_no_other() {
        let background = Background::new(&silent());
        let (release, blocked) = channel::<()>();
        let (done, finished) = channel();
        background.run(move || assert!(blocked.recv().is_err()));
        for number in 0..3 {
            let done = done.clone();
            background.run(move || done.send(number).unwrap());
            assert_eq!(finished.recv_timeout(Duration::from_secs(60)), Ok(number));
        }
        drop(release);
    }
}
