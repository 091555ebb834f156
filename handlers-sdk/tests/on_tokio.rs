//! With the feature `tokio`: the tasks that a function spawns, and the effect of a cancel.
#![cfg(feature = "tokio")]
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{FaasContext, abi, function};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// A time that is longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

type Wire = (Mutex<Sender<&'static str>>, Mutex<Receiver<&'static str>>);

/// The news that tasks tell of themselves, over one wire for each test.
struct Told(std::sync::OnceLock<Wire>);

impl Told {
    const fn new() -> Told {
        Told(std::sync::OnceLock::new())
    }

    fn wire(&self) -> &Wire {
        self.0.get_or_init(|| {
            let (sender, receiver) = channel();
            (Mutex::new(sender), Mutex::new(receiver))
        })
    }

    fn tell(&self, word: &'static str) {
        self.wire().0.lock().expect("no panic under the lock").send(word).expect("the test listens");
    }

    fn next(&self) -> &'static str {
        self.wire().1.lock().expect("no panic under the lock").recv_timeout(LONG).expect("somebody tells")
    }
}

static SPAWNED: Told = Told::new();

#[function]
async fn spawns_and_returns() -> &'static str {
    tokio::spawn(async {
        SPAWNED.tell("began");
        tokio::time::sleep(Duration::from_millis(1)).await;
        SPAWNED.tell("ended");
    });
    "replied"
}

#[test]
fn a_task_of_a_function_that_returns_at_once_runs() {
    for app in [App::builder(), App::builder().lends_thread()] {
        let app = app.module(spawns_and_returns::MODULE).start().expect("starts");
        let mut running = app.begin(Invoke::event(""));
        assert!(!running.is_pending());
        assert_eq!(running.wait().text(), "replied");
        assert_eq!([SPAWNED.next(), SPAWNED.next()], ["began", "ended"]);
    }
}

static LEFT: Told = Told::new();

#[function]
async fn waits_and_leaves_a_task() -> &'static str {
    tokio::time::sleep(Duration::from_millis(1)).await;
    tokio::spawn(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        LEFT.tell("ended");
    });
    "replied"
}

#[test]
fn a_task_that_a_waiting_function_leaves_behind_goes_on_where_the_thread_was_lent() {
    let app = App::builder().module(waits_and_leaves_a_task::MODULE).lends_thread().start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("")).text(), "replied");
    assert_eq!(LEFT.next(), "ended");
}

struct Notes(&'static Told, &'static str);

impl Drop for Notes {
    fn drop(&mut self) {
        self.0.tell(self.1);
    }
}

static SELECTED: Told = Told::new();

#[function]
async fn selects() -> &'static str {
    let _dropped = Notes(&SELECTED, "dropped");
    tokio::select! {
        () = tokio::time::sleep(LONG) => "slept",
        () = std::future::pending() => "never",
    }
}

#[test]
fn a_cancel_drops_a_select_and_what_it_waits_for() {
    let app = App::builder().module(selects::MODULE).start().expect("starts");
    let running = app.begin(Invoke::event(""));
    running.cancel(abi::CANCEL_DEADLINE);
    assert_eq!(running.wait().failed.expect("cancelled").kind, "Function.TimedOut");
    assert_eq!(SELECTED.next(), "dropped");
}

static NESTED: Told = Told::new();

/// Spawns a task of its own, and in that another one.
#[function]
async fn nests(ctx: FaasContext) {
    let outer = ctx.clone();
    let task = tokio::spawn(async move {
        let inner = outer.clone();
        tokio::spawn(async move {
            inner.cancelled().await;
            NESTED.tell("heard");
        });
        outer.cancelled().await;
        NESTED.tell("heard");
    });
    let _dropped = Notes(&NESTED, "dropped");
    task.await.expect("it does not panic");
    std::future::pending().await
}

#[test]
fn a_cancel_is_heard_by_nested_tasks_and_the_call_ends_when_they_do() {
    let app = App::builder().module(nests::MODULE).start().expect("starts");
    let running = app.begin(Invoke::event(""));
    running.cancel(abi::CANCEL_PEER_GONE);
    assert_eq!(running.wait().failed.expect("cancelled").kind, "Runtime.Cancelled");
    let mut told = [NESTED.next(), NESTED.next(), NESTED.next()];
    told.sort_unstable();
    assert_eq!(told, ["dropped", "heard", "heard"]);
}

static BLOCKING: Told = Told::new();

#[function]
async fn blocks_elsewhere(ctx: FaasContext) -> &'static str {
    let waits = tokio::task::spawn_blocking(move || {
        BLOCKING.tell("began");
        let heard = ctx.wait_cancelled(LONG);
        BLOCKING.tell(if heard { "heard" } else { "deaf" });
    });
    waits.await.expect("it does not panic");
    "replied"
}

#[test]
fn a_thread_of_spawn_blocking_hears_the_cancel() {
    let app = App::builder().module(blocks_elsewhere::MODULE).start().expect("starts");
    let running = app.begin(Invoke::event(""));
    assert_eq!(BLOCKING.next(), "began");
    running.cancel(abi::CANCEL_DEADLINE);
    assert_eq!(running.wait().failed.expect("cancelled").kind, "Function.TimedOut");
    assert_eq!(BLOCKING.next(), "heard");
}
