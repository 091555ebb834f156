//! A tokio runtime of this library's own: one thread, and none at all on a host that lends its own.

use crate::executor::drive::Runtime;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use tokio::runtime::Builder;

static WORKER: OnceLock<bool> = OnceLock::new();

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        // Fails only where the kernel gives no epoll or pipe any more; the panic becomes this call's error.
        Builder::new_current_thread().enable_all().build().expect("a tokio runtime needs an epoll and an event file")
    })
}

pub(crate) static RUNTIME: Runtime = Runtime {
    // Here `tokio::spawn`, timers and sockets find their runtime.
    entered: |body| {
        let _entered = runtime().enter();
        body();
    },
    block_on,
    spawn,
};

/// Finishes a future on this thread.
fn block_on(future: Pin<&mut dyn Future<Output = ()>>) {
    runtime().block_on(future);
}

/// Finishes a future on the runtime's own thread, which starts with the first one. Without a thread the future is
/// dropped, which ends its call.
fn spawn(future: Pin<Box<dyn Future<Output = ()> + Send>>) {
    let started = *WORKER.get_or_init(|| {
        let work = || runtime().block_on(std::future::pending::<()>());
        std::thread::Builder::new().name("faas-async".to_owned()).spawn(work).is_ok()
    });
    if started {
        runtime().spawn(future);
    }
}
