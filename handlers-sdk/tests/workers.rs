//! An executor of two threads, as `executor!` asks for, whichever it is.
#![forbid(unsafe_code)]
#![cfg(any(not(feature = "tokio"), feature = "tokio-workers"))]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Event, function};
use std::future::poll_fn;
use std::sync::Barrier;
use std::task::Poll;

handlers_sdk::executor!(workers = 2);
handlers_sdk::executor!(workers = 1);

/// A barrier that needs two threads at once.
static BOTH: Barrier = Barrier::new(2);

/// Is pending once, so that the rest runs on the executor.
async fn step_aside() {
    let mut came = false;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::replace(&mut came, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[function]
async fn meets(event: Event) -> Event {
    step_aside().await;
    BOTH.wait();
    event
}

#[test]
fn two_futures_that_hold_a_thread_each_run_at_once() {
    let app = App::builder().module(meets::MODULE).start().expect("starts");
    for round in ["first", "second"] {
        let (one, other) = (app.begin(Invoke::event(round)), app.begin(Invoke::event("other")));
        assert_eq!((one.wait().text().as_str(), other.wait().text().as_str()), (round, "other"));
    }
}
