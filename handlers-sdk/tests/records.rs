//! Functions that take one record of a batch at a time, and the layers around each record.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, FaasContext, Failure, Flow, Invocation, Json, Layer, Recovery, abi, function, layer};
use serde::Deserialize;

#[derive(Deserialize)]
struct Job {
    id: u64,
}

fn checked(job: &Job) -> Result<(), Error> {
    match job.id {
        0 => Err(Error::new("Job.Id", "expected an id above 0")),
        13 => panic!("unlucky"),
        _ => Ok(()),
    }
}

#[function(record)]
fn plain(ctx: FaasContext, Json(job): Json<Job>) -> Result<(), Error> {
    if let Some(record) = ctx.record() {
        let (layer, group) = (ctx.extension("of").unwrap_or("nobody"), record.group());
        ctx.info(format_args!("{} {} {group:?} {layer} {}", record.id(), record.index(), ctx.request_id()));
    }
    checked(&job)
}

/// Waits once, so that the call is finished on the executor.
async fn a_moment() {
    let mut waited = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return std::task::Poll::Ready(());
        }
        context.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

#[function(record)]
async fn waiting(Json(job): Json<Job>) -> Result<(), Error> {
    a_moment().await;
    checked(&job)
}

#[function(record)]
fn silent(_: Vec<u8>) {}

#[function]
fn whole(ctx: FaasContext) -> String {
    format!("{} bytes, a record: {}", ctx.event().len(), ctx.record().is_some())
}

/// A layer that passes records by, forgives some, and counts all of them.
#[derive(Default)]
struct Watch;

#[layer(name = "watch")]
impl Layer for Watch {
    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        invocation.set_extension("of", "watch").map(|()| Flow::Continue)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let failed: Vec<String> = invocation.failed_records().map(|(id, reason)| format!("{id} {reason}")).collect();
        invocation.log(handlers_sdk::Level::Info, format_args!("failed: {}", failed.join(", ")), &[]);
        Ok(())
    }

    fn before_record(&self, record: &mut Invocation<'_>) -> Result<Flow, Error> {
        let id = record.record().map_or("", |record| record.id()).to_owned();
        match &*id {
            "seen" => Ok(Flow::Respond),
            "barred" => Err(Error::new("Watch.Barred", "not this one")),
            _ => Ok(Flow::Continue),
        }
    }

    fn after_record(&self, record: &mut Invocation<'_>) -> Result<(), Error> {
        match record.record().is_some_and(|record| record.id() == "late") {
            true => Err(Error::new("Watch.Late", "too late")),
            false => Ok(()),
        }
    }

    fn record_failed(&self, record: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        if record.record().is_some_and(|record| record.id() == "forgiven") {
            return Ok(Recovery::Recovered);
        }
        match failure.is_panic() {
            true => Err(Error::new("Watch.Panic", "it panicked")),
            false => Ok(Recovery::Pass),
        }
    }
}

fn failed(answer: &handlers_sdk::testing::Answer) -> Vec<String> {
    answer.failed_records.iter().map(|(id, reason)| format!("{id} {reason}")).collect()
}

#[test]
fn each_record_is_a_call_and_a_failed_one_costs_only_itself() {
    for module in [plain::MODULE, waiting::MODULE] {
        let records =
            [("a", r#"{"id":1}"#), ("b", r#"{"id":0}"#), ("c", "no JSON"), ("d", r#"{"id":13}"#), ("e", r#"{"id":2}"#)];
        let answer = Invoke::records(records).run(module);
        let failed = failed(&answer);
        assert_eq!(failed.len(), 3, "{failed:?}");
        assert_eq!(failed[0], "b Job.Id: expected an id above 0");
        assert!(failed[1].starts_with("c Runtime.UnmarshalError: "), "{failed:?}");
        assert_eq!(failed[2], "d Panic: unlucky");
        assert_eq!(answer.failed, None);
    }
}

#[test]
fn a_record_knows_itself_and_what_the_layers_left_for_its_batch() {
    let app = App::builder().module(Watch::MODULE).module(plain::MODULE).start().expect("it starts");
    app.invoke(Invoke::records([("a", r#"{"id":1}"#), ("b", r#"{"id":2}"#)]));
    let logged: Vec<String> = app.logs().into_iter().map(|line| line.message).collect();
    assert_eq!(logged, ["a 0 None watch test-request", "b 1 None watch test-request", "failed: "]);
}

#[test]
fn layers_pass_records_by_let_them_fail_and_forgive_them() {
    for module in [plain::MODULE, waiting::MODULE] {
        let app = App::builder().module(Watch::MODULE).module(module).start().expect("it starts");
        let records = ["seen", "barred", "late", "forgiven", "panics", "fine"].map(|id| match id {
            "seen" | "forgiven" => (id, r#"{"id":0}"#),
            "panics" => (id, r#"{"id":13}"#),
            id => (id, r#"{"id":1}"#),
        });
        let answer = app.invoke(Invoke::records(records));
        let expected =
            ["barred Watch.Barred: not this one", "late Watch.Late: too late", "panics Watch.Panic: it panicked"];
        assert_eq!(failed(&answer), expected);
        let last = app.logs().pop().expect("a line");
        assert_eq!(last.message, format!("failed: {}", expected.join(", ")));
    }
}

#[test]
fn an_event_that_is_no_batch_is_one_record_and_a_function_of_batches_sees_the_whole() {
    assert_eq!(Invoke::event(r#"{"id":1}"#).run(plain::MODULE).failed, None);
    let refused = Invoke::event(r#"{"id":0}"#).run(plain::MODULE).failed.expect("it fails");
    assert_eq!((&*refused.kind, refused.status), ("Job.Id", abi::E_USER));
    assert_eq!(Invoke::event("").run(silent::MODULE).failed, None);
    let answer = Invoke::records([("a", "1")]).run(whole::MODULE);
    assert!(answer.text().ends_with(" bytes, a record: false"), "{}", answer.text());
}
