//! The calls that run, are refused, and are answered again, through the layer's real table, with the store of
//! `layer-kv`.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, App, Gate, Invoke};
use handlers_sdk::{Error, FaasContext, HttpView, IntoReply, Reply, Response, Sink, function};
use layer_idempotency::Idempotency;
use layer_kv::Kv;
use std::future::pending;
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// The paths of the calls that have run. Each test has a path of its own, and so a count.
static RUNS: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn run(name: &str) {
    RUNS.lock().unwrap().push(name.to_owned());
}

fn runs(name: &str) -> usize {
    RUNS.lock().unwrap().iter().filter(|other| *other == name).count()
}

#[function]
fn order(ctx: FaasContext) -> Result<Reply, Error> {
    let path = ctx.http().map_or("", HttpView::path).to_owned();
    run(&path);
    let count = runs(&path);
    match ctx.http().and_then(|http| http.query("do")) {
        Some("fail") => Err(Error::new("Shop.Closed", "closed")),
        Some("panic") => panic!("on purpose"),
        Some(status) => Response::new(status.parse().expect("a status")).body(format!("run {count}")).into_reply(),
        None => Response::new(201)
            .header("location", format!("/orders/{count}"))
            .header("x-key", ctx.extension("idempotency-key").unwrap_or("none").to_owned())
            .cookie("a=b")
            .cookie("c=d")
            .body(format!("run {count}"))
            .into_reply(),
    }
}

fn app(config: &str) -> App {
    let app = App::builder().configured(Kv::MODULE, "").configured(Idempotency::MODULE, config).module(order::MODULE);
    app.start().expect("starts")
}

fn post(app: &App, target: &str, key: &str, body: &str) -> Answer {
    app.invoke(Invoke::http("POST", target).header("Idempotency-Key", key).body(body))
}

fn kind(answer: &Answer) -> String {
    answer.json()["errorType"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn the_second_call_gets_the_reply_of_the_first() {
    let app = app("");
    let first = post(&app, "/second", "\"k\"", "{}");
    assert_eq!((first.status(), first.text().as_str(), first.header("x-key")), (201, "run 1", Some("k")));
    assert_eq!(first.header("idempotent-replayed"), None);
    let second = post(&app, "/second", "k", "{}");
    assert_eq!((second.status(), second.text().as_str()), (201, "run 1"));
    assert_eq!((second.header("location"), second.header("idempotent-replayed")), (Some("/orders/1"), Some("true")));
    assert_eq!((&second.cookies, second.cookies.len()), (&first.cookies, 2));
    assert_eq!(post(&app, "/second", "other", "{}").text(), "run 2", "another key is another order");
    app.advance(Duration::from_secs(24 * 3600));
    assert_eq!(post(&app, "/second", "k", "{}").text(), "run 3", "its time is over");
}

#[test]
fn a_key_that_is_used_for_something_else_is_422_and_calls_without_one_pass() {
    let app = app("");
    assert_eq!(post(&app, "/else", "k", "{\"n\":1}").status(), 201);
    for (target, body) in [("/else", "{\"n\":2}"), ("/else?n=1", "{\"n\":1}"), ("/else/2", "{\"n\":1}")] {
        let refused = post(&app, target, "k", body);
        assert_eq!((refused.status(), kind(&refused).as_str()), (422, "Idempotency.KeyReused"), "{target} {body}");
    }
    let without = || app.invoke(Invoke::http("POST", "/else").body("{\"n\":1}")).text();
    assert_eq!((without(), without()), ("run 2".into(), "run 3".into()));
    let get = || app.invoke(Invoke::http("GET", "/else").header("Idempotency-Key", "k")).text();
    assert_eq!((get(), get()), ("run 4".into(), "run 5".into()), "GET changes nothing");
}

#[test]
fn a_key_that_cannot_be_or_is_missing_where_it_has_to_be_is_400() {
    let app = app(r#"{"requireKey":true}"#);
    let missing = app.invoke(Invoke::http("POST", "/missing"));
    assert_eq!((missing.status(), kind(&missing).as_str()), (400, "Idempotency.KeyMissing"));
    let long = "k".repeat(256);
    for key in ["", "\"k", &long] {
        let refused = post(&app, "/missing", key, "");
        assert_eq!((refused.status(), kind(&refused).as_str()), (400, "Idempotency.KeyInvalid"), "{key:?}");
    }
    let two = Invoke::http("POST", "/missing").header("Idempotency-Key", "a").header("idempotency-key", "b");
    assert_eq!(kind(&app.invoke(two)), "Idempotency.KeyInvalid");
    assert_eq!(runs("/missing"), 0);
}

#[test]
fn what_has_failed_may_be_tried_again_unless_it_is_kept() {
    let outcomes = [("fail", 500), ("panic", 500), ("503", 503), ("404", 404)];
    let app = app("");
    for (what, status) in outcomes {
        let path = format!("/failed/{what}");
        for run in 1..=2 {
            assert_eq!(post(&app, &format!("{path}?do={what}"), "k", "").status(), status, "{what}");
            assert_eq!(runs(&path), run, "{what}");
        }
    }
    let kept = self::app(r#"{"keep":"all"}"#);
    for (what, status) in outcomes {
        let path = format!("/kept/{what}");
        for _ in 0..2 {
            assert_eq!(post(&kept, &format!("{path}?do={what}"), what, "").status(), status, "{what}");
        }
        assert_eq!(runs(&path), 1, "{what}");
    }
    assert_eq!(kind(&post(&kept, "/kept/fail?do=fail", "fail", "")), "Idempotency.FailedBefore");
    let answers = self::app(r#"{"keep":"answers"}"#);
    for (what, expected) in [("404", "run 1"), ("503", "run 2")] {
        let target = format!("/answers/{what}?do={what}");
        post(&answers, &target, what, "");
        assert_eq!(post(&answers, &target, what, "").text(), expected);
    }
}

#[test]
fn a_reply_that_is_too_long_is_not_kept_and_its_effect_takes_place_once_all_the_same() {
    let by_layer = app(r#"{"maxReplyBytes":3}"#);
    let small = App::builder().configured(Kv::MODULE, r#"{"maxValueBytes":60}"#).module(Idempotency::MODULE);
    let by_store = small.module(order::MODULE).start().expect("starts");
    for (app, path) in [(by_layer, "/long/layer"), (by_store, "/long/store")] {
        assert_eq!(post(&app, path, "k", "").text(), "run 1");
        let again = post(&app, path, "k", "");
        assert_eq!((again.status(), kind(&again).as_str(), runs(path)), (409, "Idempotency.ReplyNotKept", 1), "{path}");
    }
}

#[function(stream)]
fn streams(mut out: Sink) -> Result<(), Error> {
    run("streams");
    out.begin()?;
    out.write(b"a stream")?;
    Ok(())
}

#[test]
fn a_stream_is_not_kept_and_its_effect_takes_place_once_all_the_same() {
    let app = App::builder().configured(Kv::MODULE, "").module(Idempotency::MODULE).module(streams::MODULE);
    let app = app.start().expect("starts");
    assert_eq!(post(&app, "/", "k", "").text(), "a stream");
    let again = post(&app, "/", "k", "");
    assert_eq!((again.status(), kind(&again).as_str(), runs("streams")), (409, "Idempotency.ReplyNotKept", 1));
}

#[test]
fn keys_of_callers_that_are_told_apart_have_nothing_to_do_with_one_another() {
    let app = app(r#"{"scope":["header:Authorization"],"payload":["/n"]}"#);
    let call = |who: &str, body: &str| {
        let call = Invoke::http("POST", "/scope").header("Idempotency-Key", "k").header("Authorization", who);
        app.invoke(call.body(body))
    };
    assert_eq!((call("ann", "{\"n\":1}").text(), call("bob", "{\"n\":1}").text()), ("run 1".into(), "run 2".into()));
    assert_eq!(call("ann", "{\"n\":1,\"sent\":\"later\"}").text(), "run 1", "only n makes a difference");
    assert_eq!(call("ann", "{\"n\":2}").status(), 422);
}

static COUNT: AtomicU32 = AtomicU32::new(0);

#[function]
fn counts() -> String {
    (COUNT.fetch_add(1, Ordering::Relaxed) + 1).to_string()
}

#[test]
fn a_place_in_the_body_or_the_platforms_id_can_be_the_key() {
    let json = app(r#"{"key":"/id"}"#);
    for (body, expected) in
        [(r#"{"id":7}"#, "run 1"), (r#"{"id":7}"#, "run 1"), (r#"{"id":8}"#, "run 2"), ("{}", "run 3")]
    {
        assert_eq!(json.invoke(Invoke::http("POST", "/json").body(body)).text(), expected, "{body}");
    }
    let by_request = App::builder().configured(Kv::MODULE, "").configured(Idempotency::MODULE, r#"{"key":"request"}"#);
    let by_request = by_request.module(counts::MODULE).start().expect("starts");
    let call = |id: &str| by_request.invoke(Invoke::event("{}").meta(handlers_sdk::abi::META_REQUEST_ID, id)).text();
    assert_eq!((call("a"), call("a"), call("b")), ("1".into(), "1".into(), "2".into()));
}

#[function(record)]
fn job(ctx: FaasContext, job: String) -> Result<(), Error> {
    run(&format!("record {}", ctx.record().map_or("", |record| record.id())));
    if job == "bad" { Err(Error::new("Job.Bad", "it is bad")) } else { Ok(()) }
}

#[test]
fn a_record_that_is_delivered_again_is_passed_by_and_a_failed_one_is_tried_again() {
    let app = App::builder().configured(Kv::MODULE, "").configured(Idempotency::MODULE, r#"{"record":"id"}"#);
    let app = app.module(job::MODULE).start().expect("starts");
    let failed = |records: &[(&str, &str)]| -> Vec<String> {
        let answer = app.invoke(Invoke::records(records.iter().map(|(id, job)| (*id, job.as_bytes()))));
        answer.failed_records.into_iter().map(|(id, _)| id).collect()
    };
    assert_eq!(failed(&[("a", "1"), ("b", "bad"), ("c", "2")]), ["b"]);
    assert_eq!(failed(&[("a", "1"), ("b", "bad"), ("c", "2"), ("d", "3")]), ["b"]);
    assert_eq!(["a", "b", "c", "d"].map(|id| runs(&format!("record {id}"))), [1, 2, 1, 1]);
    assert_eq!(failed(&[("a", "another")]), ["a"], "one id stands for one thing");
}

#[test]
fn an_event_that_is_no_batch_is_done_once_by_a_function_of_records() {
    let app = App::builder().configured(Kv::MODULE, "");
    let app = app.configured(Idempotency::MODULE, r#"{"key":"request","record":"id"}"#).module(job::MODULE);
    let app = app.start().expect("starts");
    let call = |id: &str, job: &str| app.invoke(Invoke::event(job).meta(handlers_sdk::abi::META_REQUEST_ID, id)).failed;
    let before = runs("record ");
    assert!(call("a", "1").is_none() && call("a", "1").is_none());
    assert_eq!(runs("record ") - before, 1);
    assert!(call("b", "bad").is_some() && call("b", "bad").is_some());
    assert_eq!(runs("record ") - before, 3);
}

/// The gate at which calls wait.
static DOOR: Gate = Gate::new();

#[function]
async fn waits() -> Response {
    run("waits");
    DOOR.pass().await;
    Response::text("waited")
}

#[test]
fn while_one_is_at_it_another_is_409_and_one_that_is_cut_short_keeps_its_key_for_a_moment() {
    let app = App::builder().configured(Kv::MODULE, "").module(Idempotency::MODULE).module(waits::MODULE);
    let app = app.timeout(Duration::from_secs(10)).start().expect("starts");
    let call = |key: &str| Invoke::http("POST", "/").header("Idempotency-Key", key);
    let (mut first, cut) = (app.begin(call("k")), app.begin(call("cut")));
    assert!(first.is_pending());
    let second = app.invoke(call("k"));
    assert_eq!((second.status(), second.header("retry-after")), (409, Some("1")));
    assert_eq!(kind(&second), "Idempotency.InProgress");
    cut.cancel(handlers_sdk::abi::CANCEL_DEADLINE);
    assert!(cut.wait().failed.is_some());
    assert_eq!(app.invoke(call("cut")).status(), 409, "nobody knows how far it came");
    DOOR.open();
    assert_eq!((first.wait().text(), app.invoke(call("k")).text()), ("waited".into(), "waited".into()));
    app.advance(Duration::from_secs(13));
    assert_eq!(app.invoke(call("cut")).text(), "waited", "its lease is over");
    assert_eq!(runs("waits"), 3);
}

#[function]
async fn never() {
    pending::<()>().await;
}

#[test]
fn with_claims_that_stand_what_was_cut_short_is_not_tried_again() {
    let app = App::builder().configured(Kv::MODULE, "").configured(Idempotency::MODULE, r#"{"onCrash":"refuse"}"#);
    let app = app.module(never::MODULE).timeout(Duration::from_secs(10)).start().expect("starts");
    let call = || Invoke::http("POST", "/").header("Idempotency-Key", "k");
    let cut = app.begin(call());
    cut.cancel(handlers_sdk::abi::CANCEL_DEADLINE);
    assert!(cut.wait().failed.is_some());
    app.advance(Duration::from_secs(3600));
    assert_eq!(kind(&app.invoke(call())), "Idempotency.InProgress");
}

#[test]
fn without_a_store_it_refuses_or_runs_as_it_is_told() {
    let closed = |config: &str| {
        let gone = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
        let app = App::builder().configured(Kv::MODULE, &format!(r#"{{"redis":"{gone}"}}"#));
        app.configured(Idempotency::MODULE, config).module(order::MODULE).start().expect("starts")
    };
    let app = closed("");
    let refused = post(&app, "/down", "k", "");
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("1")));
    assert_eq!((kind(&refused).as_str(), runs("/down")), ("Idempotency.StoreDown", 0));
    assert!(app.close().iter().any(|line| line.message.contains("it is not run")));
    let app = closed(r#"{"storeDown":"run"}"#);
    let texts = [post(&app, "/open", "k", "").text(), post(&app, "/open", "k", "").text()];
    assert_eq!(texts, ["run 1", "run 2"]);
    assert!(app.close().iter().any(|line| line.message.contains("may have run before")));
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        (r#"{"key":"x"}"#, "key: expected request, a header"),
        (r#"{"key":"id"}"#, "key: expected request, a header"),
        (r#"{"record":"x"}"#, "record: expected id"),
        (r#"{"scope":["user"]}"#, "scope[0]: expected a header"),
        (r#"{"payload":["id"]}"#, "payload[0]: expected a place such as /order/id"),
        (r#"{"methods":["post"]}"#, "methods[0]: expected a method in capitals"),
        (r#"{"expiry":0}"#, "expiry: expected a time over zero and up to 400 days"),
        (r#"{"lease":"9700h"}"#, "lease: expected a time over zero and up to 400 days"),
        (r#"{"keep":"some"}"#, "keep: unknown variant `some`"),
    ] {
        let app =
            App::builder().configured(Kv::MODULE, "").configured(Idempotency::MODULE, config).module(order::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
    let alone = App::builder().module(Idempotency::MODULE).module(order::MODULE);
    let found = alone.start().expect_err("there is no store");
    assert!(found.contains("expected a layer further out that offers faas.kv, such as kv, found none"), "{found}");
}
