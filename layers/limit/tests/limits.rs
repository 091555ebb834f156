//! The invocations that are let through and those that are refused, through the layer's real table and by the kit's
//! clock.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, App, Gate, Invoke};
use handlers_sdk::{Error, FaasContext, HttpView, function};
use layer_limit::Limit;
use std::time::Duration;

#[function]
fn shop(ctx: FaasContext) -> Result<&'static str, Error> {
    match ctx.http().map_or("", HttpView::path) {
        "/fails" => Err(Error::new("Shop.Closed", "closed")),
        "/panics" => panic!("on purpose"),
        _ => Ok("fine"),
    }
}

fn app(config: &str) -> App {
    App::builder().configured(Limit::MODULE, config).module(shop::MODULE).start().expect("starts")
}

fn get(app: &App, key: &str) -> Answer {
    app.invoke(Invoke::http("GET", "/").header("X-Key", key))
}

#[test]
fn one_over_the_rate_is_told_when_to_come_again() {
    let app = app(r#"{"key":"header:x-key","rate":2,"per":"10s"}"#);
    let first = get(&app, "a");
    assert_eq!((first.status(), first.text().as_str()), (200, "fine"));
    assert_eq!(first.header("ratelimit-policy"), Some(r#""default";q=2;w=10"#));
    assert_eq!(first.header("ratelimit"), Some(r#""default";r=1;t=5"#));
    assert_eq!(get(&app, "a").header("ratelimit"), Some(r#""default";r=0;t=10"#));
    let refused = get(&app, "a");
    assert_eq!((refused.status(), refused.header("retry-after")), (429, Some("5")));
    assert_eq!(
        (refused.header("ratelimit"), refused.header("cache-control")),
        (Some(r#""default";r=0;t=10"#), Some("no-store"))
    );
    assert_eq!(refused.json()["errorType"], "Limit.TooManyRequests");
    assert_eq!(get(&app, "b").status(), 200, "another key has a bucket of its own");
    app.advance(Duration::from_secs(5));
    assert_eq!((get(&app, "a").status(), get(&app, "a").status()), (200, 429));
}

#[test]
fn whoever_sends_no_key_shares_one() {
    let app = app(r#"{"key":"header:x-key","rate":1}"#);
    assert_eq!(app.invoke(Invoke::http("GET", "/a")).status(), 200);
    assert_eq!(app.invoke(Invoke::http("GET", "/b")).status(), 429);
}

#[test]
fn a_client_is_who_the_platform_says_and_not_who_it_says_itself() {
    let app = app(r#"{"rate":1}"#);
    let call = |forwarded: &str| app.invoke(Invoke::http("GET", "/").header("X-Forwarded-For", forwarded)).status();
    assert_eq!((call("198.51.100.1"), call("198.51.100.2")), (200, 429), "nobody who is trusted has said so");
}

#[test]
fn an_event_over_the_limit_fails_and_one_without_a_client_is_not_counted() {
    let all = app(r#"{"key":"all","rate":1}"#);
    assert!(all.invoke(Invoke::event("{}")).failed.is_none());
    let failed = all.invoke(Invoke::event("{}")).failed.expect("it is over the limit");
    assert_eq!(failed.kind, "Limit.TooManyRequests");
    let client = app(r#"{"rate":1}"#);
    assert!((0..3).all(|_| client.invoke(Invoke::event("{}")).failed.is_none()));
}

/// The gate at which calls wait.
static DOOR: Gate = Gate::new();

#[function]
async fn waits() -> &'static str {
    DOOR.pass().await;
    "waited"
}

#[test]
fn one_too_many_at_once_is_refused_until_another_is_over() {
    let app = App::builder().configured(Limit::MODULE, r#"{"key":"all","concurrency":2}"#).module(waits::MODULE);
    let app = app.start().expect("starts");
    let get = || Invoke::http("GET", "/");
    let running = [app.begin(get()), app.begin(get())];
    let refused = app.invoke(get());
    assert_eq!((refused.status(), refused.header("retry-after")), (429, Some("1")));
    assert_eq!(refused.json()["errorType"], "Limit.TooManyAtOnce");
    DOOR.open();
    for call in running {
        assert_eq!(call.wait().text(), "waited");
    }
    assert_eq!(app.invoke(get()).text(), "waited");
}

#[test]
fn as_many_run_at_once_as_may_and_a_place_is_free_when_one_is_over() {
    let app = app(r#"{"key":"all","concurrency":1}"#);
    for path in ["/", "/fails", "/panics", "/"] {
        let status = app.invoke(Invoke::http("GET", path)).status();
        assert_ne!(status, 429, "{path}");
    }
}

#[test]
fn routes_share_what_their_paths_do() {
    let app = App::builder().configured(Limit::MODULE, r#"{"key":"route","rate":1}"#).module(shop::MODULE);
    let app = app.route("GET", "/orders/{id}", "shop").route("GET", "/other", "shop").start().expect("starts");
    let call = |path: &str| app.invoke(Invoke::http("GET", path)).status();
    assert_eq!((call("/orders/1"), call("/orders/2"), call("/other")), (200, 429, 200));
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        ("{}", "rate: expected a rate, or a concurrency, found neither"),
        (r#"{"rate":0}"#, "rate: expected a number over zero, found 0"),
        (r#"{"rate":1,"per":0}"#, "per: expected a time over zero and up to 24h"),
        (r#"{"rate":1,"per":"25h"}"#, "per: expected a time over zero and up to 24h"),
        (r#"{"concurrency":1,"burst":3}"#, "burst: expected a rate beside it"),
        (r#"{"rate":1,"key":"ip"}"#, r#"key: expected client, path, route, function, all, or a header"#),
        (r#"{"rate":1,"maxKeys":0}"#, "maxKeys: expected a number over zero"),
        (r#"{"rate":"1"}"#, r#"rate: invalid type: string "1", expected u32"#),
    ] {
        let app = App::builder().configured(Limit::MODULE, config).module(shop::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
}
