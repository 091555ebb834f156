//! The ways to outlive a call: work for after the reply, detached copies, contexts that are kept, and waits for a
//! cancel.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, App, Gate, Invoke, LogLine};
use handlers_sdk::{Detached, Error, FaasContext, abi, function};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A time that is longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

fn messages(logs: &[LogLine]) -> Vec<&str> {
    logs.iter().map(|line| line.message.as_str()).collect()
}

fn says_it_was_held(line: &LogLine) -> bool {
    line.message.contains("was held open for")
}

#[function]
fn leaves_work(ctx: FaasContext) -> &'static str {
    ctx.after_reply(async { handlers_sdk::info!("first") });
    ctx.after_reply(async { handlers_sdk::info!("second") });
    handlers_sdk::info!("the function");
    "replied"
}

#[function]
async fn leaves_work_of_a_future(ctx: FaasContext) -> Result<&'static str, Error> {
    ctx.after_reply(async { handlers_sdk::info!("counted") });
    Err(Error::new("Test.Failed", "on purpose"))
}

#[function]
fn leaves_panics(ctx: FaasContext) -> &'static str {
    ctx.after_reply(async { panic!("in the work") });
    ctx.after_reply(async { handlers_sdk::info!("unmoved") });
    "replied"
}

#[function]
fn leaves_its_own_context(ctx: FaasContext) -> &'static str {
    let own = ctx.clone();
    ctx.after_reply(async move { own.info(format_args!("with a context")) });
    "replied"
}

static GATE: Gate = Gate::new();

#[function]
fn leaves_work_that_waits(ctx: FaasContext) -> &'static str {
    ctx.after_reply(GATE.pass());
    "replied"
}

static DROPPED: AtomicU32 = AtomicU32::new(0);

struct Noted;

impl Drop for Noted {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

#[function]
fn leaves_work_without_end(ctx: FaasContext) -> &'static str {
    let noted = Noted;
    ctx.after_reply(async move {
        let _noted = noted;
        std::future::pending().await
    });
    "replied"
}

#[test]
fn work_for_after_the_reply_is_done_once_the_function_has_returned() {
    let answer = Invoke::event("").run(leaves_work::MODULE);
    assert_eq!((answer.text().as_str(), answer.failed), ("replied", None));
    assert_eq!(messages(&answer.logs), ["the function", "first", "second"]);
    assert!(answer.logs.iter().all(|line| line.request_id.as_deref() == Some("test-request")), "{:?}", answer.logs);
}

#[test]
fn a_failed_invocation_has_its_work_done_too() {
    let answer = Invoke::event("").run(leaves_work_of_a_future::MODULE);
    assert_eq!(answer.failed.expect("it fails").kind, "Test.Failed");
    assert!(messages(&answer.logs).contains(&"counted"), "{:?}", answer.logs);
}

#[test]
fn a_panic_in_work_for_after_the_reply_is_a_line_and_changes_nothing_else() {
    let answer = Invoke::event("").run(leaves_panics::MODULE);
    assert_eq!((answer.text().as_str(), answer.failed), ("replied", None));
    assert_eq!(messages(&answer.logs), ["unmoved", "Panic: in the work"]);
}

#[test]
fn work_that_has_taken_a_context_along_holds_up_the_reply_and_not_for_ever() {
    let answer = Invoke::event("").run(leaves_its_own_context::MODULE);
    assert_eq!(answer.text(), "replied");
    assert_eq!(messages(&answer.logs), ["with a context"]);
}

#[test]
fn a_call_waits_for_its_work_and_ends_through_done() {
    let app = App::builder().module(leaves_work_that_waits::MODULE).start().expect("starts");
    let mut running = app.begin(Invoke::event(""));
    assert!(running.is_pending());
    GATE.open();
    assert_eq!(running.wait().text(), "replied");
}

#[test]
fn a_cancel_drops_work_that_does_not_end() {
    let app = App::builder().module(leaves_work_without_end::MODULE).start().expect("starts");
    let mut running = app.begin(Invoke::event(""));
    assert!(running.is_pending());
    running.cancel(abi::CANCEL_CLOSING);
    assert_eq!(running.wait().failed.expect("it is cancelled").kind, "Runtime.Closing");
    assert_eq!(DROPPED.load(Ordering::SeqCst), 1);
}

static DETACHED: Mutex<Option<Detached>> = Mutex::new(None);

#[function]
fn detaches(ctx: FaasContext) -> &'static str {
    *DETACHED.lock().expect("no panic under the lock") = Some(ctx.detached());
    "replied"
}

#[test]
fn a_detached_copy_outlives_its_invocation_and_holds_nothing_up() {
    let app = App::builder().module(detaches::MODULE).start().expect("starts");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut running = app.begin(Invoke::event("").meta(abi::META_TRACEPARENT, trace));
    assert!(!running.is_pending());
    assert_eq!(running.wait().text(), "replied");
    let detached = DETACHED.lock().expect("no panic under the lock").take().expect("kept");
    std::thread::spawn(move || {
        assert_eq!((detached.request_id(), detached.platform()), ("test-request", "test"));
        assert_eq!((detached.traceparent(), detached.tenant(), detached.deadline()), (Some(trace), None, None));
        detached.log(handlers_sdk::Level::Info, format_args!("later"), &[("step", &2)]);
    })
    .join()
    .expect("no panic");
    let logs = app.close();
    let line = logs.iter().find(|line| line.message == "later").expect("logged");
    let fields =
        [("request_id", "test-request"), ("step", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!((line.fields.as_slice(), line.request_id.as_deref()), (&fields[..], None));
}

/// Begins an invocation that is cancelled as soon as it is open.
fn cancelled(module: &'static abi::Module) -> Answer {
    let app = App::builder().module(module).start().expect("starts");
    let mut running = app.begin(Invoke::event(""));
    assert!(running.is_pending(), "threads hold it open");
    running.cancel(abi::CANCEL_PEER_GONE);
    running.wait()
}

#[function]
fn has_two_who_wait(ctx: FaasContext) -> &'static str {
    for _ in 0..2 {
        let ctx = ctx.clone();
        std::thread::spawn(move || assert!(ctx.wait_cancelled(LONG)));
    }
    "replied"
}

#[test]
fn every_thread_that_waits_for_a_cancel_hears_it() {
    let answer = cancelled(has_two_who_wait::MODULE);
    assert_eq!((answer.text().as_str(), answer.failed), ("replied", None), "the last one ends the call");
}

#[function]
async fn waits_beside_a_thread(ctx: FaasContext) {
    let thread = ctx.clone();
    std::thread::spawn(move || {
        assert!(thread.wait_cancelled(LONG));
        assert!(thread.wait_cancelled(LONG), "and whoever comes later");
        thread.info(format_args!("heard"));
    });
    ctx.cancelled().await;
    std::future::pending().await
}

#[test]
fn a_function_that_waits_hides_no_cancel_from_its_threads() {
    let answer = cancelled(waits_beside_a_thread::MODULE);
    assert_eq!(answer.failed.expect("its future is dropped").kind, "Runtime.Cancelled");
    assert!(messages(&answer.logs).contains(&"heard"), "{:?}", answer.logs);
}

#[function]
fn waits_for_nothing(ctx: FaasContext) -> String {
    let waited = [Duration::ZERO, Duration::from_millis(1)].map(|time| ctx.wait_cancelled(time));
    format!("{waited:?}")
}

#[test]
fn a_wait_that_no_cancel_ends_says_so() {
    assert_eq!(Invoke::event("").run(waits_for_nothing::MODULE).text(), "[false, false]");
}

#[function]
fn is_kept_for_long(ctx: FaasContext) -> &'static str {
    std::thread::spawn(move || ctx.wait_cancelled(Duration::from_millis(150)));
    "replied"
}

#[test]
fn a_call_that_is_held_open_for_long_says_so_once_for_its_function() {
    let app = App::builder().module(is_kept_for_long::MODULE).start().expect("starts");
    for _ in 0..2 {
        assert_eq!(app.invoke(Invoke::event("")).text(), "replied");
    }
    let logs = app.close();
    let said: Vec<_> = logs.iter().filter(|line| says_it_was_held(line)).collect();
    assert_eq!(said.len(), 1, "{logs:?}");
    assert_eq!((said[0].level, said[0].request_id.as_deref()), (2, Some("test-request")));
    assert!(said[0].message.contains("is_kept_for_long"), "{}", said[0].message);
}

static KEPT: Mutex<Option<FaasContext>> = Mutex::new(None);

#[function]
fn is_kept_for_ever(ctx: FaasContext) -> &'static str {
    *KEPT.lock().expect("no panic under the lock") = Some(ctx);
    "replied"
}

#[test]
fn a_call_that_is_held_open_says_so_when_it_is_cancelled_since_it_may_never_end() {
    let app = App::builder().module(is_kept_for_ever::MODULE).start().expect("starts");
    let since = Instant::now();
    let running = app.begin(Invoke::event(""));
    while let Some(left) = Duration::from_millis(150).checked_sub(since.elapsed()) {
        std::thread::park_timeout(left);
    }
    assert!(!app.logs().iter().any(says_it_was_held));
    running.cancel(abi::CANCEL_DEADLINE);
    let said = app.logs().into_iter().find(says_it_was_held).expect("it says so");
    assert!(said.message.contains("was cancelled, and still cannot end"), "{}", said.message);
    drop(KEPT.lock().expect("no panic under the lock").take());
    assert_eq!(running.wait().text(), "replied");
}

#[function]
fn is_kept_for_a_moment(ctx: FaasContext) -> &'static str {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        sender.send(()).expect("it is awaited");
        drop(ctx);
    });
    receiver.recv().expect("it is sent");
    "replied"
}

#[test]
fn a_call_that_is_held_open_for_a_moment_says_nothing() {
    let answer = Invoke::event("").run(is_kept_for_a_moment::MODULE);
    assert_eq!((answer.text().as_str(), answer.logs), ("replied", Vec::new()));
}
