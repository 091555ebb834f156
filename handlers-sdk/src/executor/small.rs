//! An executor over std, for futures that wait for channels, streams and the like but for no socket or timer of a
//! framework.

use super::workers::workers;
use crate::executor::drive::Runtime;
use crate::park::Parked;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Wake, Waker};

/// No task can be left without a thread here, since there is nothing to spawn tasks with.
pub(crate) static RUNTIME: Runtime = Runtime { entered: None, block_on, spawn, left: || () };

/// Finishes a future on this thread.
fn block_on(mut future: Pin<&mut dyn Future<Output = ()>>) {
    let (parked, waker) = Parked::here();
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        parked.wait();
    }
}

struct Task {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    state: AtomicU8,
}

/// The task waits for its waker.
const WAITING: u8 = 0;
/// The task is in the queue.
const QUEUED: u8 = 1;
/// A thread polls the task.
const RUNNING: u8 = 2;
/// A thread polls the task, and it was woken meanwhile.
const WOKEN: u8 = 3;

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let woken = |state| match state {
            WAITING => Some(QUEUED),
            RUNNING => Some(WOKEN),
            _ => None,
        };
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, woken) == Ok(WAITING) {
            executor().push(self);
        }
    }
}

impl Task {
    fn run(self: Arc<Self>) {
        self.state.store(RUNNING, Ordering::Release);
        let waker = Waker::from(self.clone());
        let mut place = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(future) = &mut *place
            && future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        {
            *place = None;
        }
        drop(place);
        // A task that was woken during its poll goes to the end of the queue, and never to two threads at once.
        if self.state.compare_exchange(RUNNING, WAITING, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.state.store(QUEUED, Ordering::Release);
            executor().push(self);
        }
    }
}

#[derive(Default)]
struct Executor {
    ready: Mutex<VecDeque<Arc<Task>>>,
    more: Condvar,
}

impl Executor {
    fn ready(&self) -> MutexGuard<'_, VecDeque<Arc<Task>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, task: Arc<Task>) {
        self.ready().push_back(task);
        self.more.notify_one();
    }

    fn next(&self) -> Arc<Task> {
        let mut ready =
            self.more.wait_while(self.ready(), |ready| ready.is_empty()).unwrap_or_else(PoisonError::into_inner);
        ready.pop_front().expect("the wait ends when there is one")
    }
}

fn executor() -> &'static Executor {
    static EXECUTOR: OnceLock<Executor> = OnceLock::new();
    EXECUTOR.get_or_init(Executor::default)
}

fn work() {
    loop {
        executor().next().run();
    }
}

/// Finishes a future on the executor's threads, which start with the first one. If no thread can be started the future
/// is dropped, which ends its call.
fn spawn(future: Pin<Box<dyn Future<Output = ()> + Send>>) {
    static STARTED: OnceLock<usize> = OnceLock::new();
    let start = || std::thread::Builder::new().name("faas-async".to_owned()).spawn(work).is_ok();
    let started = *STARTED.get_or_init(|| (0..workers()).filter(|_| start()).count());
    if started > 0 {
        executor().push(Arc::new(Task { future: Mutex::new(Some(future)), state: AtomicU8::new(QUEUED) }));
    }
}
