//! Futures, contexts that stay, cancels: every call ends exactly once.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Gate, Invoke};
use handlers_sdk::{Error, Event, FaasContext, abi, function};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

static GATES: Mutex<Vec<(String, Arc<Gate>)>> = Mutex::new(Vec::new());

/// Returns the gate of that name.
fn gate(name: &str) -> Arc<Gate> {
    let mut gates = GATES.lock().expect("no panic under the lock");
    if let Some((_, gate)) = gates.iter().find(|(other, _)| other == name) {
        return gate.clone();
    }
    gates.push((name.to_owned(), Arc::default()));
    gates[gates.len() - 1].1.clone()
}

static DROPPED: AtomicU32 = AtomicU32::new(0);

struct Noted;

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

#[function]
async fn ready(event: Event) -> Event {
    event
}

#[function]
async fn waits(ctx: FaasContext) -> Result<Event, Error> {
    let name = String::from_utf8_lossy(ctx.event()).into_owned();
    gate(&name).pass().await;
    handlers_sdk::info!({ gate = name }, "went through");
    if name == "panic later" {
        panic!("behind the gate");
    }
    Ok(ctx.to_event())
}

#[function]
async fn dropped(ctx: FaasContext) -> Event {
    let _noted = Noted;
    gate("never opened").pass().await;
    ctx.to_event()
}

#[function]
async fn gets_over_it(event: Event) -> Event {
    std::panic::catch_unwind(|| panic!("caught by its author")).expect_err("it panics");
    event
}

static KEPT: Mutex<Option<FaasContext>> = Mutex::new(None);

#[function]
fn keeps(ctx: FaasContext, event: Event) -> Event {
    *kept() = Some(ctx);
    event
}

fn kept() -> MutexGuard<'static, Option<FaasContext>> {
    KEPT.lock().expect("no panic under the lock")
}

static FOREIGN: Mutex<Option<Event>> = Mutex::new(None);

#[function]
fn swaps(event: Event) -> Event {
    FOREIGN.lock().expect("no panic under the lock").replace(event.clone()).unwrap_or(event)
}

/// Checks that no completion of a token came late, twice or for nobody.
fn every_end_counted() -> bool {
    abi::host::token::ignored() == 0
}

#[test]
fn a_future_that_is_ready_ends_inline() {
    let app = App::builder().module(ready::MODULE).start().expect("starts");
    let mut running = app.begin(Invoke::event("at once"));
    assert!(!running.is_pending());
    assert_eq!(running.wait().text(), "at once");
}

#[test]
fn a_future_that_waits_ends_through_done() {
    let app = App::builder().module(waits::MODULE).start().expect("starts");
    let mut one = app.begin(Invoke::event("one"));
    let mut two = app.begin(Invoke::event("two"));
    assert!(one.is_pending() && two.is_pending());
    gate("two").open();
    assert_eq!(two.wait().text(), "two");
    assert!(one.is_pending());
    gate("one").open();
    let answer = one.wait();
    assert_eq!(answer.text(), "one");
    let fields = [("gate".to_owned(), "one".to_owned())];
    let line = answer.logs.iter().find(|line| line.fields == fields).expect("logged");
    assert_eq!(line.request_id.as_deref(), Some("test-request"), "a line without a context finds its call");
    assert!(every_end_counted());
}

#[test]
fn a_host_that_lends_its_thread_gets_the_end_on_it() {
    let app = App::builder().module(waits::MODULE).lends_thread().start().expect("starts");
    let opener = std::thread::spawn(|| gate("lent").open());
    let mut running = app.begin(Invoke::event("lent"));
    assert!(!running.is_pending());
    assert_eq!(running.wait().text(), "lent");
    opener.join().expect("no panic");
}

#[test]
fn a_panic_behind_an_await_is_an_error() {
    let app = App::builder().module(waits::MODULE).start().expect("starts");
    let running = app.begin(Invoke::event("panic later"));
    gate("panic later").open();
    let failed = running.wait().failed.expect("fails");
    assert_eq!((failed.status, failed.message.as_str()), (abi::E_PANIC, "behind the gate"));
    assert!(failed.detail.contains("asynchrony.rs:"), "{}", failed.detail);
}

#[test]
fn a_panic_that_its_author_has_caught_leaves_a_line_of_its_call() {
    let app = App::builder().module(gets_over_it::MODULE).start().expect("starts");
    let answer = app.invoke(Invoke::event("calm"));
    assert_eq!(answer.text(), "calm");
    assert_eq!(answer.logs.len(), 1, "{:?}", answer.logs);
    let line = &answer.logs[0];
    assert_eq!((line.level, line.message.as_str()), (1, "Panic: caught by its author"));
    assert_eq!(line.request_id.as_deref(), Some("test-request"));
    let location = line.fields.iter().find(|(name, _)| name == "location");
    assert!(location.is_some_and(|(_, place)| place.contains("asynchrony.rs:")), "{line:?}");
}

#[test]
fn a_cancel_drops_the_future_and_ends_the_call_once() {
    let app = App::builder().module(dropped::MODULE).start().expect("starts");
    let mut running = app.begin(Invoke::event(""));
    assert!(running.is_pending());
    running.cancel(abi::CANCEL_DEADLINE);
    running.cancel(abi::CANCEL_DEADLINE);
    let failed = running.wait().failed.expect("fails");
    assert_eq!((failed.status, failed.kind.as_str()), (abi::E_DEADLINE, "Function.TimedOut"));
    assert_eq!(DROPPED.load(Ordering::SeqCst), 1);
    assert!(every_end_counted());
}

#[test]
fn a_kept_context_delays_the_end_and_then_it_comes_once() {
    let app = App::builder().module(keeps::MODULE).start().expect("starts");
    let mut running = app.begin(Invoke::event("kept"));
    assert!(running.is_pending());
    {
        let kept = kept();
        let ctx = kept.as_ref().expect("kept");
        assert_eq!((ctx.event(), ctx.request_id()), (&b"kept"[..], "test-request"));
        let clones: Vec<FaasContext> = (0..4).map(|_| ctx.clone()).collect();
        std::thread::scope(|scope| {
            for clone in clones {
                scope.spawn(move || assert_eq!(clone.event(), b"kept"));
            }
        });
    }
    assert!(running.is_pending());
    drop(kept().take());
    assert_eq!(running.wait().text(), "kept");
    assert!(every_end_counted());
}

#[test]
fn another_invocations_event_is_copied_into_the_reply() {
    let app = App::builder().module(swaps::MODULE).start().expect("starts");
    let mut first = app.begin(Invoke::event("first"));
    assert!(first.is_pending(), "its event is kept");
    let mut second = app.begin(Invoke::event("second"));
    assert!(second.is_pending(), "so is this one's");
    assert_eq!(first.wait().text(), "first");
    drop(FOREIGN.lock().expect("no panic under the lock").take());
    assert_eq!(second.wait().text(), "first");
}
