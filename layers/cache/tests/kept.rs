//! The replies from memory, through the layer's real table and by the kit's clock.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, App, Gate, Invoke};
use handlers_sdk::{Error, FaasContext, Flow, Invocation, Layer, Response, function, layer};
use layer_cache::Cache;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Answers with the number of the call, as the query asks for: `?cc=` for `Cache-Control`, and so on.
#[function]
fn shop(ctx: FaasContext) -> Result<Response, Error> {
    let number = CALLS.fetch_add(1, Ordering::SeqCst);
    let http = ctx.http().expect("a request");
    let fails = http.header("x-fail");
    match fails {
        Some("error") => return Err(Error::new("Shop.Down", "down")),
        Some("panic") => panic!("on purpose"),
        Some("busy") => return Ok(Response::new(503).header("x-own", "of the failure")),
        _ => {}
    }
    let mut reply = Response::text(format!("{number}")).header("etag", "\"v1\"");
    for (name, value) in http.queries() {
        reply = match name {
            "status" => reply.status(value.parse().expect("a status")),
            "cookie" => reply.cookie(value),
            "cc" => reply.header("cache-control", value),
            "vary" => reply.header("vary", value),
            "expires" => reply.header("expires", value),
            "bytes" => reply.body(vec![b'x'; value.parse().expect("a size")]),
            _ => reply,
        };
    }
    Ok(reply)
}

fn app(config: &str) -> App {
    App::builder().configured(Cache::MODULE, config).module(shop::MODULE).start().expect("starts")
}

fn get(app: &App, target: &str) -> Answer {
    app.invoke(Invoke::http("GET", target))
}

fn with(app: &App, target: &str, name: &str, value: &str) -> Answer {
    app.invoke(Invoke::http("GET", target).header(name, value))
}

/// Returns `true` if the second answer is the first one's.
fn is_kept(app: &App, call: impl Fn() -> Invoke) -> bool {
    let (first, second) = (app.invoke(call()), app.invoke(call()));
    let from_memory = second.header("cache-status").is_some_and(|status| status.contains("hit"));
    assert_eq!(from_memory, first.text() == second.text() && second.header("age").is_some(), "{first:?} {second:?}");
    from_memory
}

fn get_kept(app: &App, target: &str) -> bool {
    is_kept(app, || Invoke::http("GET", target))
}

#[test]
fn a_reply_is_kept_for_its_time_and_says_how_old_it_is() {
    let app = app(r#"{"ttl":"60s"}"#);
    let first = get(&app, "/a");
    assert_eq!((first.header("cache-status"), first.header("age")), (Some("faas; fwd=miss; stored"), None));
    app.advance(Duration::from_secs(59));
    let second = get(&app, "/a");
    assert_eq!((second.text(), second.header("age")), (first.text(), Some("59")));
    assert_eq!((second.header("cache-status"), second.header("etag")), (Some("faas; hit; ttl=1"), Some("\"v1\"")));
    app.advance(Duration::from_secs(1));
    assert_ne!(get(&app, "/a").text(), first.text());
}

#[test]
fn what_a_reply_says_of_itself_goes_before_the_configuration() {
    let app = app(r#"{"ttl":"60s","maxEntryBytes":1000}"#);
    for (target, expected) in [
        ("/?a=1", true),
        ("/?cc=no-store", false),
        ("/?cc=private", false),
        ("/?cc=no-cache", false),
        ("/?cc=max-age=0", false),
        ("/?cc=public,max-age=5", true),
        ("/?cookie=a=b", false),
        ("/?vary=*", false),
        ("/?expires=0", false),
        ("/?status=404", false),
        ("/?bytes=1001", false),
        ("/?bytes=1000", true),
    ] {
        assert_eq!(get_kept(&app, target), expected, "{target}");
    }
    assert!(get_kept(&app, "/?status=404&cc=max-age=5") && get_kept(&app, "/?status=301&cc=max-age=5"));
    assert!(!get_kept(&app, "/?status=201&cc=max-age=5") && !get_kept(&app, "/?status=302&cc=max-age=5"));
    assert!(!get_kept(&self::app("{}"), "/"), "without a time of its own and of the configuration it is not kept");
}

#[test]
fn only_safe_requests_without_credentials_are_answered_from_memory() {
    let app = app(r#"{"ttl":"60s"}"#);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert!(!is_kept(&app, || Invoke::http(method, "/m")), "{method}");
    }
    assert!(is_kept(&app, || Invoke::http("HEAD", "/m")));
    for (name, value) in
        [("Authorization", "Bearer a"), ("Cookie", "a=b"), ("Range", "bytes=0-1"), ("Cache-Control", "no-store")]
    {
        assert!(!is_kept(&app, || Invoke::http("GET", "/c").header(name, value)), "{name}");
    }
    let keyed = self::app(r#"{"ttl":"60s","authorization":"key","cookies":"key"}"#);
    assert!(is_kept(&keyed, || Invoke::http("GET", "/c").header("Authorization", "Bearer a")));
    let other = with(&keyed, "/c", "Authorization", "Bearer b");
    assert_eq!(other.header("age"), None, "each has replies of its own");
}

#[test]
fn what_a_request_asks_of_a_cache_counts() {
    let app = app(r#"{"ttl":"60s"}"#);
    let first = get(&app, "/");
    app.advance(Duration::from_secs(10));
    assert_eq!(with(&app, "/", "Cache-Control", "max-age=10").text(), first.text());
    assert_ne!(with(&app, "/", "Cache-Control", "max-age=9").text(), first.text());
    let renewed = with(&app, "/", "Cache-Control", "no-cache");
    assert_eq!(get(&app, "/").text(), renewed.text(), "and what came is kept");
    assert_ne!(with(&app, "/", "Pragma", "no-cache").text(), renewed.text());
    assert_eq!(with(&app, "/new", "Cache-Control", "only-if-cached").status(), 504);
    let known = with(&app, "/", "If-None-Match", "W/\"v0\", \"v1\"");
    assert_eq!((known.status(), known.body.len(), known.header("etag")), (304, 0, Some("\"v1\"")));
    assert_eq!(with(&app, "/", "If-None-Match", "\"v0\"").status(), 200);
}

#[test]
fn what_makes_a_difference_is_kept_apart() {
    let app = app(r#"{"ttl":"60s","query":["page"],"headers":["x-tenant"]}"#);
    let first = get(&app, "/?page=1&utm=a");
    assert_eq!(get(&app, "/?utm=b&page=1").text(), first.text());
    assert_ne!(get(&app, "/?page=2").text(), first.text());
    assert_ne!(with(&app, "/?page=1", "X-Tenant", "t").text(), first.text());
    let app = self::app("{}");
    let call = |language: &str| with(&app, "/?vary=Accept-Language&cc=max-age=9", "accept-language", language).text();
    let german = call("de");
    assert_ne!(call("fr"), german);
    assert_eq!(call("de"), german, "both are kept");
}

#[test]
fn a_reply_that_is_too_old_stands_in_for_a_failure_and_no_longer_than_it_may() {
    for fail in ["error", "panic", "busy"] {
        let app = app(r#"{"ttl":"10s","staleIfError":"1m"}"#);
        let first = get(&app, "/");
        app.advance(Duration::from_secs(30));
        let stale = with(&app, "/", "X-Fail", fail);
        assert_eq!((stale.status(), stale.text()), (200, first.text()), "{fail}: {stale:?}");
        assert_eq!((stale.header("age"), stale.header("x-own")), (Some("30"), None), "{fail}");
        app.advance(Duration::from_secs(41));
        assert!(with(&app, "/", "X-Fail", fail).status() >= 500, "{fail}");
    }
    let app = app(r#"{"ttl":"10s","staleIfError":"1m"}"#);
    get(&app, "/?cc=max-age=1,must-revalidate");
    app.advance(Duration::from_secs(2));
    assert_eq!(with(&app, "/?cc=max-age=1,must-revalidate", "X-Fail", "error").status(), 500, "the reply forbids it");
}

/// The gate at which calls wait.
static DOOR: Gate = Gate::new();
/// The number of calls that have come to it.
static FETCHES: AtomicUsize = AtomicUsize::new(0);

#[function]
async fn slow() -> &'static str {
    FETCHES.fetch_add(1, Ordering::SeqCst);
    DOOR.pass().await;
    "slow"
}

#[test]
fn one_call_fetches_and_others_wait_for_it() {
    let app =
        App::builder().configured(Cache::MODULE, r#"{"ttl":"60s"}"#).module(slow::MODULE).start().expect("starts");
    let mut running: Vec<_> = (0..3).map(|_| app.begin(Invoke::http("GET", "/"))).collect();
    assert!(running.iter_mut().all(|call| call.is_pending()));
    DOOR.open();
    for call in running {
        assert_eq!(call.wait().text(), "slow");
    }
    assert_eq!(FETCHES.load(Ordering::SeqCst), 1);
}

/// A layer that lets in callers with a name.
#[derive(Default)]
struct Guard;

#[layer(name = "guard")]
impl Layer for Guard {
    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let name = invocation.http().and_then(|http| http.header("x-user")).unwrap_or_default();
        let claims = format!(r#"{{"sub":"{name}"}}"#);
        invocation.set_claims(&claims)?;
        Ok(Flow::Continue)
    }
}

#[test]
fn who_is_known_to_another_layer_has_replies_of_their_own() {
    let builder = App::builder().module(Guard::MODULE).configured(Cache::MODULE, r#"{"ttl":"60s"}"#);
    let app = builder.module(shop::MODULE).start().expect("starts");
    let of = |user: &str| app.invoke(Invoke::http("GET", "/claims").header("X-User", user)).text();
    let (ann, bob) = (of("ann"), of("bob"));
    assert_ne!(ann, bob);
    assert_eq!((of("ann"), of("bob")), (ann, bob));
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        (r#"{"ttl":"long"}"#, r#"ttl: invalid value: string "long", expected a time such as 30s"#),
        (r#"{"maxBytes":0}"#, "maxBytes: expected a number over zero, found 0"),
        (
            r#"{"maxBytes":10,"maxEntryBytes":11}"#,
            "maxEntryBytes: expected a number over zero and up to maxBytes, 10, found 11",
        ),
        (r#"{"authorization":"cache"}"#, "authorization: unknown variant `cache`, expected `pass` or `key`"),
        (r#"{"tll":1}"#, "unknown field `tll`, expected one of `ttl`"),
    ] {
        let app = App::builder().configured(Cache::MODULE, config).module(shop::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
}
