//! A tokio runtime of this library's own. With one worker it is a current-thread runtime: futures are finished on the
//! thread that a host lends, and a thread of its own starts only when something has to go on without one. With more it
//! is a multi-threaded runtime.

use super::workers::workers;
use crate::executor::drive::Runtime;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use tokio::runtime::{Builder, RuntimeMetrics};

/// The name of the executor's threads.
const NAME: &str = "faas-async";

struct Executor {
    runtime: tokio::runtime::Runtime,
    metrics: RuntimeMetrics,
    /// `true` if it has threads from the start.
    has_threads: bool,
}

impl Executor {
    fn new(workers: usize) -> Executor {
        let mut builder = builder(workers);
        // Fails only where the kernel gives no epoll, pipe or thread any more; the panic becomes this call's error.
        let runtime = builder.thread_name(NAME).enable_all().build();
        let runtime = runtime.expect("a tokio runtime needs an epoll, an event file and its threads");
        Executor { metrics: runtime.metrics(), has_threads: workers > 1, runtime }
    }

    /// Starts the thread of a runtime that has not got one. Returns `false` if no thread can be started.
    fn drive(&'static self) -> bool {
        static STARTED: OnceLock<bool> = OnceLock::new();
        self.has_threads
            || *STARTED.get_or_init(|| {
                let work = || self.runtime.block_on(std::future::pending::<()>());
                std::thread::Builder::new().name(NAME.to_owned()).spawn(work).is_ok()
            })
    }
}

#[cfg(feature = "tokio-workers")]
fn builder(workers: usize) -> Builder {
    if workers == 1 {
        return Builder::new_current_thread();
    }
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers);
    builder
}

#[cfg(not(feature = "tokio-workers"))]
fn builder(_one: usize) -> Builder {
    Builder::new_current_thread()
}

fn executor() -> &'static Executor {
    static EXECUTOR: OnceLock<Executor> = OnceLock::new();
    EXECUTOR.get_or_init(|| Executor::new(workers()))
}

pub(crate) static RUNTIME: Runtime = Runtime {
    // Here `tokio::spawn`, timers and sockets find their runtime.
    entered: Some(|body| {
        let _entered = executor().runtime.enter();
        body();
    }),
    block_on,
    spawn,
    // Tasks of a function that has returned have no thread to run on while no other call lends one.
    left: || {
        let executor = executor();
        if executor.metrics.num_alive_tasks() > 0 {
            executor.drive();
        }
    },
};

/// Finishes a future on this thread.
fn block_on(future: Pin<&mut dyn Future<Output = ()>>) {
    executor().runtime.block_on(future);
}

/// Finishes a future on the runtime's own threads. If no thread can be started the future is dropped, which ends its
/// call.
fn spawn(future: Pin<Box<dyn Future<Output = ()> + Send>>) {
    let executor = executor();
    if executor.drive() {
        executor.runtime.spawn(future);
    }
}
