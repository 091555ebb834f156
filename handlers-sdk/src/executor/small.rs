//! An executor of one thread over std, for futures that wait for channels, streams and the like but for no socket or
//! timer of a framework.

use super::park::Parked;
use crate::executor::drive::Runtime;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Wake, Waker};

pub(crate) static RUNTIME: Runtime = Runtime { entered: |body| body(), block_on, spawn };

/// Finishes a future on this thread.
fn block_on(mut future: Pin<&mut dyn Future<Output = ()>>) {
    let (parked, waker) = Parked::here();
    while future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
        parked.wait();
    }
}

struct Task {
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    queued: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
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
        let task = executor().next();
        // Cleared before the poll: a wake during it queues the task once more.
        task.queued.store(false, Ordering::Release);
        let waker = Waker::from(task.clone());
        let mut place = task.future.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(future) = &mut *place
            && future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        {
            *place = None;
        }
    }
}

/// Finishes a future on the executor's thread, which starts with the first one. Without a thread the future is dropped,
/// which ends its call.
fn spawn(future: Pin<Box<dyn Future<Output = ()> + Send>>) {
    static STARTED: OnceLock<bool> = OnceLock::new();
    let started =
        *STARTED.get_or_init(|| std::thread::Builder::new().name("faas-async".to_owned()).spawn(work).is_ok());
    if started {
        executor().push(Arc::new(Task { future: Mutex::new(Some(future)), queued: AtomicBool::new(true) }));
    }
}
