//! Functions through their real tables: arguments, replies, errors, panics.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, App, Invoke};
use handlers_sdk::{Error, Event, FaasContext, Json, PhaseContext, Reply, Request, Response, abi, function};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Mutex;

#[function]
fn echo(event: Event) -> Event {
    event
}

#[derive(Deserialize)]
struct Order {
    item: String,
    count: u32,
}

#[derive(Serialize)]
struct Receipt {
    total: u32,
}

#[derive(Debug)]
struct SoldOut;

impl fmt::Display for SoldOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing left")
    }
}

impl std::error::Error for SoldOut {}

#[function(name = "order", blocking, default, trigger = "http", trigger = "queue")]
fn place_order(ctx: FaasContext, Json(order): Json<Order>) -> Result<Json<Receipt>, SoldOut> {
    if order.item == "tea" {
        return Err(SoldOut);
    }
    ctx.info(format_args!("ordered {}", order.item));
    Ok(Json(Receipt { total: order.count * 3 }))
}

#[function]
fn text() -> &'static str {
    "plain"
}

#[function]
fn page(request: Request) -> Result<Response, Error> {
    match request.path() {
        "/teapot" => Err(Error::new("Kitchen.Teapot", "short and \"stout\"").with_status(418)),
        "/foreign" => Err(Error::from(SoldOut).with_status(409)),
        "/foreign/said" => Err(Error::from(SoldOut).with_message("come back on Monday").with_status(503)),
        "/down" => Err(Error::new("Kitchen.Down", "no gas")),
        path => Ok(Response::html(format!("<p>{path}</p>"))
            .status(201)
            .header("x-one", "1")
            .header("x-one", "2")
            .cookie("id=7; HttpOnly")),
    }
}

#[function]
fn fragile(ctx: FaasContext) -> &'static str {
    assert!(ctx.body() != b"drop", "dropped on the floor");
    "whole"
}

#[function]
async fn fragile_async(body: Vec<u8>) -> Reply {
    assert!(body != b"drop", "dropped later");
    Reply::raw(body)
}

static PHASES: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn started(ctx: PhaseContext) -> Result<(), Error> {
    if ctx.env("COLOUR") == Some("green") {
        PHASES.lock().expect("no panic under the lock").push("start");
    }
    Ok(())
}

async fn closed(_: PhaseContext) -> Result<(), std::io::Error> {
    PHASES.lock().expect("no panic under the lock").push("close");
    Ok(())
}

#[function(start = started, close = closed)]
fn with_phases() {}

handlers_sdk::module!(functions: [echo, place_order, text]);

fn names(module: &'static abi::Module) -> Vec<String> {
    let app = App::builder().module(module).start().expect("starts");
    let shown = format!("{app:?}");
    shown.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_event_comes_back_as_it_went_in() {
    for event in [&b""[..], b"x", b"\xff\x00\xfe", "ünïcode".as_bytes(), &vec![7; 1 << 20]] {
        let answer = Invoke::event(event).run(echo::MODULE);
        assert_eq!(answer.body, event);
        assert_eq!(answer.code, abi::REPLY_RAW);
        assert_eq!(answer.failed, None);
    }
}

#[test]
fn two_functions_in_one_module_are_found_by_name() {
    assert_eq!(names(faas_module()), ["echo", "order", "text"]);
    let app = App::builder().module(faas_module()).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("a").function("echo")).text(), "a");
    assert_eq!(app.invoke(Invoke::event("a").function("text")).text(), "plain");
}

#[test]
fn everything_linked_is_what_the_exported_symbol_offers() {
    let mut all = names(handlers_sdk::linked());
    all.sort();
    assert_eq!(all, ["echo", "fragile", "fragile_async", "order", "page", "text", "with_phases"]);
}

#[test]
fn json_goes_in_and_out_and_is_logged_with_its_request() {
    let answer = Invoke::event(r#"{"item":"bread","count":2}"#).run(place_order::MODULE);
    assert_eq!(answer.json()["total"], 6);
    assert_eq!(answer.code, abi::REPLY_VALUE);
    assert_eq!(answer.logs.len(), 1);
    assert_eq!(answer.logs[0].message, "ordered bread");
    assert_eq!(answer.logs[0].request_id.as_deref(), Some("test-request"));
}

#[test]
fn json_that_does_not_fit_names_the_place() {
    let failed = Invoke::event("{\n \"item\": 3}").run(place_order::MODULE).failed.expect("fails");
    assert_eq!(failed.kind, "Runtime.UnmarshalError");
    assert!(failed.message.contains("line 2 column"), "{}", failed.message);
    let answer = Invoke::http("POST", "/").body("{").run(place_order::MODULE);
    assert_eq!(answer.status(), 400, "a client's mistake is no failure of the function");
    assert_eq!(answer.json()["errorType"], "Runtime.UnmarshalError");
}

#[test]
fn an_error_of_another_type_is_its_type_and_its_words_and_internal() {
    let failed = Invoke::event(r#"{"item":"tea","count":2}"#).run(place_order::MODULE).failed.expect("fails");
    assert_eq!(
        (failed.status, failed.kind.as_str(), failed.message.as_str()),
        (abi::E_INTERNAL, "functions::SoldOut", "nothing left")
    );
    assert_eq!(failed.detail, "", "no `?` and no call of ours has seen where it was made");
}

#[test]
fn an_http_error_with_a_status_is_a_reply_and_without_one_a_failure() {
    let answer = Invoke::http("GET", "/teapot").run(page::MODULE);
    assert_eq!(answer.status(), 418);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.text(),
        r#"{"errorType":"Kitchen.Teapot","errorMessage":"short and \"stout\"","requestId":"test-request"}"#
    );
    let failed = Invoke::http("GET", "/down").run(page::MODULE).failed.expect("fails");
    assert_eq!(failed.kind, "Kitchen.Down");
}

#[test]
fn an_error_that_is_a_reply_keeps_a_foreign_text_for_the_log() {
    let answer = Invoke::http("GET", "/foreign").run(page::MODULE);
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (409, r#"{"errorType":"functions::SoldOut","errorMessage":"the function failed","requestId":"test-request"}"#)
    );
    let said = |answer: &Answer| answer.logs.iter().map(|line| (line.level, line.message.clone())).collect::<Vec<_>>();
    assert_eq!(said(&answer), [(3, "functions::SoldOut: nothing left".to_owned())]);
    let answer = Invoke::http("GET", "/foreign/said").run(page::MODULE);
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (503, r#"{"errorType":"functions::SoldOut","errorMessage":"come back on Monday","requestId":"test-request"}"#)
    );
    assert_eq!(said(&answer), [(1, "functions::SoldOut: come back on Monday".to_owned())], "the server has failed");
    assert_eq!(said(&Invoke::http("GET", "/teapot").run(page::MODULE)), []);
}

#[test]
fn a_response_keeps_status_repeats_and_cookies() {
    let answer = Invoke::http("GET", "/a%20b?x=1").run(page::MODULE);
    assert_eq!(answer.status(), 201);
    assert_eq!(answer.text(), "<p>/a b</p>");
    assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.headers.iter().filter(|(name, _)| name == "x-one").count(), 2);
    assert_eq!(answer.cookies, ["id=7; HttpOnly"]);
}

#[test]
fn a_request_wants_an_http_trigger() {
    let failed = Invoke::event("{}").run(page::MODULE).failed.expect("fails");
    assert_eq!(failed.kind, "Runtime.TriggerMismatch");
    assert!(failed.message.contains("\"raw\""), "{}", failed.message);
}

#[test]
fn a_panic_is_an_error_with_its_place_and_the_next_call_works() {
    for module in [fragile::MODULE, fragile_async::MODULE] {
        let app = App::builder().module(module).start().expect("starts");
        let failed = app.invoke(Invoke::event("drop")).failed.expect("fails");
        assert_eq!(failed.status, abi::E_PANIC);
        assert_eq!(failed.kind, "Panic");
        assert!(failed.message.starts_with("dropped "), "{}", failed.message);
        assert!(failed.detail.starts_with("at ") && failed.detail.contains("functions.rs:"), "{}", failed.detail);
        assert_eq!(app.invoke(Invoke::event("keep")).failed, None);
        app.close();
    }
}

#[test]
fn a_text_says_that_it_is_one_whoever_asked() {
    for invoke in [Invoke::event("{}"), Invoke::http("GET", "/")] {
        let answer = invoke.run(text::MODULE);
        assert_eq!(
            (answer.text().as_str(), answer.header("content-type")),
            ("plain", Some("text/plain; charset=utf-8"))
        );
    }
}

#[test]
fn phases_run_where_they_are_named_and_only_there() {
    let app = App::builder().module(with_phases::MODULE).config("COLOUR", "green").start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("")).failed, None);
    app.run_phase(abi::SUSPEND).expect("no function has work there");
    app.close();
    assert_eq!(*PHASES.lock().expect("no panic under the lock"), ["start", "close"]);
}
