//! The test kit is the runtime's own core: routes, deadlines, streams, services, log lines and platforms behave as
//! there.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::abi::tables::Table;
use handlers_sdk::testing::{App, Invoke, Reader};
use handlers_sdk::{
    AsyncSink, Error, FaasContext, Invocation, Layer, Level, PhaseContext, Request, Response, Service, Sink,
    StreamError, function, layer,
};
use std::sync::Mutex;
use std::time::Duration;

#[function]
fn show(request: Request) -> String {
    format!("{} of {}", request.http().path_param("id").unwrap_or("none"), request.path())
}

#[function]
fn list() -> &'static str {
    "all"
}

#[function]
async fn patient(ctx: FaasContext) -> Result<String, Error> {
    if ctx.body() == b"never" {
        std::future::pending::<()>().await;
    }
    Ok(format!("{:?} left, cold {}", ctx.remaining(), ctx.is_cold_start()))
}

static AFTER: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn after_reply(_: PhaseContext) -> Result<(), Error> {
    AFTER.lock().expect("no panic under the lock").push("after the reply");
    Ok(())
}

#[function(replied = after_reply)]
fn tidies() {}

#[function]
fn says(ctx: FaasContext) -> Result<Response, Error> {
    ctx.log(Level::Warn, format_args!("on {}", ctx.platform()), &[("path", &"x")]);
    match ctx.body() {
        b"fail" => Err(Error::new("Says.No", "no")),
        b"\"fail\"" => Err(Error::new("Says.No", "no")),
        _ => Ok(Response::text("yes").status(202).header("x-own", "1")),
    }
}

#[function(stream)]
fn counts(mut out: Sink) -> Result<(), StreamError> {
    for number in 0..3 {
        out.write(format!("{number}").as_bytes())?;
    }
    Ok(())
}

#[function(stream)]
async fn counts_async(mut out: AsyncSink) -> Result<(), StreamError> {
    for number in 0..3 {
        out.send(format!("{number}").into_bytes()).await?;
    }
    Ok(())
}

#[repr(C)]
struct Till {
    size: usize,
    price: Option<extern "C" fn(u64) -> u64>,
}

// SAFETY: `repr(C)`, begins with `size`, and null is a valid function pointer in an `Option`.
unsafe impl Table for Till {
    const FIRST_SIZE: usize = 16;
}

// SAFETY: only this file offers the name, and with this table.
unsafe impl Service for Till {
    const NAME: &'static str = "test.till";
    const MAJOR: u32 = 1;
}

extern "C" fn double(count: u64) -> u64 {
    count * 2
}

static FAKE_TILL: Till = Till { size: Till::FIRST_SIZE, price: Some(double) };

#[function]
fn pays(ctx: FaasContext) -> Result<String, Error> {
    let price = ctx.service::<Till>().and_then(|till| till.price);
    price.map(|price| price(21).to_string()).ok_or_else(|| Error::new("Pays.NoTill", "no till"))
}

/// A layer that brings deadlines forward to one second.
#[derive(Default)]
struct Hurry;

#[layer]
impl Layer for Hurry {
    fn context(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let soon = invocation.now_ns() + 1_000_000_000;
        invocation.set_deadline_ns(soon)
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_request_goes_to_the_function_of_its_route_with_its_parameters() {
    let app = App::builder().module(show::MODULE).module(list::MODULE);
    let app = app.route("GET", "/orders/{id}", "show").route("GET", "/orders", "list").start().expect("starts");
    assert_eq!(app.invoke(Invoke::http("GET", "/orders/a+b%20c?x=1")).text(), "a+b c of /orders/a+b c");
    assert_eq!(app.invoke(Invoke::http("GET", "/orders")).text(), "all");
    let answer = app.invoke(Invoke::http("DELETE", "/orders/7"));
    assert_eq!((answer.status(), answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(app.invoke(Invoke::http("GET", "/elsewhere")).status(), 404);
    assert_eq!(app.invoke(Invoke::http("GET", "/elsewhere").function("list")).text(), "all", "it is addressed");
}

#[test]
fn an_event_that_no_function_serves_says_so() {
    let app = App::builder().module(show::MODULE).module(list::MODULE).start().expect("starts");
    let answer = app.invoke(Invoke::event("?"));
    assert_eq!(answer.failed.expect("nobody's").kind, "Runtime.NoFunction");
}

#[test]
fn a_route_of_nobody_and_two_functions_of_one_name_end_the_start() {
    let why = App::builder().module(list::MODULE).route("GET", "/", "lost").start().expect_err("nobody's");
    assert!(why.contains("\"lost\""), "{why}");
    let why = App::builder().module(list::MODULE).module(list::MODULE).start().expect_err("two");
    assert!(why.contains("\"list\""), "{why}");
    let twice = App::builder().module(show::MODULE).module(list::MODULE).route("GET", "/{a}", "show");
    let why = twice.route("GET", "/{b}", "list").start().expect_err("one route of two functions");
    assert!(why.contains("/{b}"), "{why}");
}

#[test]
fn the_clock_stands_still_until_it_is_moved() {
    let app = App::builder().module(patient::MODULE).timeout(3 * SECOND).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("")).text(), "Some(3s) left, cold true");
    app.advance(60 * SECOND);
    assert_eq!(app.invoke(Invoke::event("").remaining(2 * SECOND)).text(), "Some(2s) left, cold false");
    assert_eq!(app.invoke(Invoke::event("").remaining(9 * SECOND)).text(), "Some(3s) left, cold false");
}

#[test]
fn an_invocation_that_does_not_end_by_its_deadline_is_answered_for() {
    let app = App::builder().module(patient::MODULE).start().expect("starts");
    let mut other = app.begin(Invoke::event("never"));
    let mut running = app.begin(Invoke::event("never").remaining(SECOND));
    app.advance(Duration::from_millis(940));
    assert!(running.is_pending());
    app.advance(Duration::from_millis(60));
    let answer = running.wait();
    let failed = answer.failed.as_ref().expect("late");
    assert_eq!((failed.kind.as_str(), answer.status()), ("Function.TimedOut", 504));
    assert_eq!(answer.on_platform().status, Some(504));
    let line = answer.logs.last().expect("a line");
    assert!(line.message.ends_with("and is still running"), "{line:?}");
    assert_eq!(
        (line.level, line.field("function"), line.request_id.as_deref()),
        (1, Some("patient"), Some("test-request"))
    );
    assert!(other.is_pending(), "it has no deadline");
    other.cancel(handlers_sdk::abi::CANCEL_CLOSING);
    assert_eq!(other.wait().failed.expect("told to end").kind, "Runtime.Closing");
    assert_eq!(app.invoke(Invoke::event("")).failed, None, "the next one is served");
    app.close();
}

#[test]
fn an_invocation_is_cancelled_shortly_before_its_deadline() {
    let app = App::builder().module(patient::MODULE).start().expect("starts");
    let mut running = app.begin(Invoke::event("never").remaining(SECOND));
    app.advance(Duration::from_millis(949));
    assert!(running.is_pending());
    app.advance(Duration::from_millis(1));
    let answer = running.wait();
    assert_eq!((answer.status(), answer.failed.map(|failed| failed.kind)), (504, Some("Function.TimedOut".to_owned())));
    let said = &answer.logs.last().expect("a line").message;
    assert!(!said.contains("still running"), "its future was dropped: {said}");
}

#[test]
fn a_deadline_that_a_layer_brings_forward_counts() {
    let app =
        App::builder().module(Hurry::MODULE).module(patient::MODULE).timeout(60 * SECOND).start().expect("starts");
    let running = app.begin(Invoke::event("never"));
    app.advance(SECOND);
    assert_eq!(running.wait().status(), 504);
}

#[test]
fn work_after_the_reply_is_done_with_each_invocation() {
    let app = App::builder().module(tidies::MODULE).start().expect("starts");
    app.invoke(Invoke::event(""));
    app.invoke(Invoke::event(""));
    assert_eq!(AFTER.lock().expect("no panic under the lock").len(), 2);
}

#[test]
fn a_reader_takes_chunks_when_it_is_told_and_may_leave() {
    for module in [counts::MODULE, counts_async::MODULE] {
        let app = App::builder().module(module).start().expect("starts");
        let reader = Reader::new();
        let invoke = Invoke::event("").read_by(&reader);
        std::thread::scope(|scope| {
            let whole = scope.spawn(|| app.invoke(invoke));
            let taken: Vec<Vec<u8>> = std::iter::from_fn(|| reader.take()).collect();
            assert_eq!(taken, [b"0", b"1", b"2"]);
            let answer = whole.join().expect("no panic");
            assert_eq!((answer.failed, answer.body.as_slice()), (None, &b"012"[..]));
        });
        let reader = Reader::new();
        let invoke = Invoke::event("").read_by(&reader);
        std::thread::scope(|scope| {
            let cut = scope.spawn(|| app.invoke(invoke));
            assert_eq!(reader.take().as_deref(), Some(&b"0"[..]));
            reader.leave();
            let failed = cut.join().expect("no panic").failed.expect("nobody reads");
            assert_eq!(failed.message, StreamError::PeerGone.to_string());
        });
    }
}

#[test]
fn a_fake_service_is_found_and_without_one_there_is_none() {
    let app = App::builder().module(pays::MODULE).service(&FAKE_TILL).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("")).text(), "42");
    assert_eq!(Invoke::event("").run(pays::MODULE).failed.expect("no till").kind, "Pays.NoTill");
}

#[test]
fn a_failure_leaves_its_line_and_says_what_a_caller_reads() {
    let answer = Invoke::event("fail").run(says::MODULE);
    let [own, line] = &answer.logs[..] else { panic!("two lines, not {:?}", answer.logs) };
    assert_eq!((own.level, own.message.as_str(), own.field("path")), (2, "on test", Some("x")));
    assert_eq!(own.entry, "function says");
    assert_eq!((line.level, line.target.as_str(), line.message.as_str()), (1, "runtime", "Says.No: no"));
    let failed = answer.failed.expect("fails");
    assert_eq!((failed.told.as_str(), failed.message.as_str()), ("no", "no"));
    let failed = Invoke::event("").run(panics::MODULE).failed.expect("fails");
    assert_eq!((failed.told.as_str(), failed.message.as_str()), ("the function failed", "out of order"));
}

#[function]
fn panics() -> String {
    panic!("out of order")
}

#[test]
fn an_event_comes_and_its_reply_goes_as_on_each_platform() {
    for (platform, good, bad) in [
        (
            "aws-lambda",
            "/2018-06-01/runtime/invocation/test-request/response",
            "/2018-06-01/runtime/invocation/test-request/error",
        ),
        ("tencent-scf", "/runtime/invocation/response", "/runtime/invocation/error"),
        (
            "huawei-functiongraph",
            "/v1/runtime/invocation/response/test-request",
            "/v1/runtime/invocation/error/test-request",
        ),
    ] {
        let app = App::builder().module(says::MODULE).on(platform).start().expect("starts");
        let answer = app.invoke(Invoke::event("\"hi\""));
        assert_eq!(
            (answer.on_platform().path.as_str(), answer.on_platform().text().as_str()),
            (good, "yes"),
            "{platform}"
        );
        assert_eq!(answer.logs[0].message, format!("on {platform}"));
        let answer = app.invoke(Invoke::event("\"fail\""));
        assert_eq!(answer.on_platform().path, bad, "{platform}");
        assert_eq!(answer.on_platform().json()["errorMessage"], "no", "{platform}");
    }
    for (platform, event, status) in [
        ("aliyun-fc", "hi", 200),
        ("fn", "hi", 200),
        // The result of an action has to be an object or a list.
        ("openwhisk", r#"{"a":1}"#, 502),
        ("azure-functions", r#"{"Data":{"m":"hi"},"Metadata":{}}"#, 200),
        ("vefaas", "hi", 202),
        ("openfaas", "hi", 202),
        (
            "google-cloud",
            r#"{"context":{"eventId":"1","timestamp":"2026-01-02T03:04:05Z","eventType":"google.pubsub.topic.publish",
            "resource":"projects/p/topics/t"},"data":{"data":"aGk="}}"#,
            202,
        ),
        ("knative", "hi", 202),
        ("azure-container-apps", "hi", 202),
        ("kubernetes", "hi", 202),
        ("http", "hi", 202),
    ] {
        let answer = Invoke::event(event).on(platform).run(says::MODULE);
        assert_eq!(answer.on_platform().status, Some(status), "{platform}: {answer:?}");
        assert_eq!(answer.logs[0].message, format!("on {platform}"));
    }
    let answer = Invoke::event("hi").on("yandex").run(says::MODULE);
    assert_eq!((answer.on_platform().status, answer.on_platform().text().as_str()), (None, "\"yes\""));
}

#[test]
fn a_request_comes_and_its_reply_goes_as_on_each_platform() {
    let request = || Invoke::http("PUT", "/a%20b?x=1&x=2").header("Cookie", "c=d").header("X-A", "1").body("hi");
    for platform in [
        "aliyun-fc",
        "aws-lambda",
        "azure-container-apps",
        "azure-functions",
        "fn",
        "google-cloud",
        "http",
        "huawei-functiongraph",
        "knative",
        "kubernetes",
        "openfaas",
        "tencent-scf",
        "vefaas",
    ] {
        let answer = request().on(platform).run(told::MODULE);
        let expected = "PUT /a b x=1&x=2 c=d 1 hi";
        assert_eq!((answer.failed, answer.body), (None, expected.as_bytes().to_vec()), "{platform}");
    }
    let answer = request().on("aws-lambda").run(told::MODULE);
    let posted = answer.on_platform().json();
    assert_eq!((&posted["statusCode"], &posted["headers"]["x-own"]), (&202.into(), &"1".into()));
    assert_eq!(request().on("http").run(told::MODULE).on_platform().header("X-Own"), Some("1"));
}

#[function]
fn told(request: Request) -> Response {
    let query: Vec<String> = request.http().queries().map(|(name, value)| format!("{name}={value}")).collect();
    let (cookie, header) = (request.http().cookie("c").unwrap_or("-"), request.header("x-a").unwrap_or("-"));
    let body = String::from_utf8_lossy(request.body()).into_owned();
    let text = format!("{} {} {} c={cookie} {header} {body}", request.method(), request.path(), query.join("&"));
    Response::text(text).status(202).header("x-own", "1")
}

#[test]
#[should_panic(expected = "tencent-scf sends no CloudEvents over HTTP")]
fn what_a_platform_never_sends_is_said() {
    Invoke::cloud_event(&[("id", "1"), ("source", "/"), ("type", "t")], "").on("tencent-scf").run(list::MODULE);
}

#[function]
fn counted(handlers_sdk::Json(pieces): handlers_sdk::Json<u32>) -> Result<String, Error> {
    match pieces {
        0 => Err(Error::new("Order.Pieces", "expected 1 or more, found 0").with_status(422)),
        pieces => Ok(pieces.to_string()),
    }
}

#[test]
fn the_status_of_a_failure_is_that_of_the_response_which_the_platform_gets() {
    let boiled = [("id", "1"), ("source", "/pots/3"), ("type", "org.example.boiled")];
    let event = |body: &str| Invoke::cloud_event(&boiled, body);
    let request = |body: &str| Invoke::http("POST", "/").body(body);
    for (case, invoke, status) in [
        ("a request's error is a reply", request("0"), 422),
        ("a request that cannot be read", request("?"), 400),
        ("an event that ends with the same error has failed", event("0"), 500),
        ("an event that cannot be read is given up", event("?").on("knative"), 400),
        ("an event that fails is repeated", event("0").on("knative"), 500),
        ("an agent takes 502 for a failure", Invoke::event("0").on("fn"), 502),
        ("without a response there is the one of a server", Invoke::event("0").on("aws-lambda"), 500),
    ] {
        let answer = invoke.run(counted::MODULE);
        assert_eq!(answer.status(), status, "{case}");
        let sent = answer.on_platform().status;
        assert!(sent.is_none_or(|sent| u32::from(sent) == status), "{case}: {sent:?}");
    }
}
