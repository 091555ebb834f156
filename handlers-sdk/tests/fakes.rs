//! The services that a test gives: what they say, what they note, and how they end.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::http::{ClientReply, ClientRequest};
use handlers_sdk::service::kv::{Condition, Op, WriteOutcome};
use handlers_sdk::service::params::{Value, Watching};
use handlers_sdk::testing::{App, FakeHttp, FakeKv, FakeParams, Invoke};
use handlers_sdk::{Config, Error, FaasContext, Layer, function, layer};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// Sends a request by the method and URL that it is called with, and returns the status or the failure.
#[function]
async fn send(ctx: FaasContext, line: String) -> Result<String, Error> {
    let client = ctx.http_client().ok_or_else(|| Error::msg("no client"))?;
    let (method, url) = line.split_once(' ').unwrap_or(("GET", &line));
    Ok(match client.send(ClientRequest::new(method, url).header("x-one", "1").body("ping")).await {
        Ok(reply) => reply.status().to_string(),
        Err(error) => format!("{:?}", error.kind()),
    })
}

fn sends(client: &FakeHttp) -> App {
    App::builder().module(send::MODULE).http_client(client).timeout(3 * SECOND).start().expect("starts")
}

fn text(app: &App, event: &str) -> String {
    app.invoke(Invoke::event(event)).text()
}

#[test]
fn what_is_said_for_a_request_is_used_in_order_and_the_last_of_it_stays() {
    let client = FakeHttp::new()
        .reply("GET", "http://a/", ClientReply::new(201))
        .fail("GET", "http://a/", ServiceErrorKind::TooBig)
        .reply("GET", "http://a/", ClientReply::new(202))
        .reply("POST", "http://a/", ClientReply::new(203));
    let app = sends(&client);
    let asked = ["GET", "GET", "POST", "get", "GET"].map(|method| text(&app, &format!("{method} http://a/")));
    assert_eq!(asked, ["201", "TooBig", "203", "202", "202"]);
    assert_eq!(text(&app, "GET http://a/b"), "NotFound", "nothing is said for it");
    client.answer_with(|request| Ok(ClientReply::new(if request.method() == "PUT" { 204 } else { 404 })));
    assert_eq!([text(&app, "PUT http://a/b"), text(&app, "GET http://a/")], ["204", "202"]);
}

#[test]
fn every_request_is_noted_as_it_was_sent() {
    let client = FakeHttp::new();
    let app = sends(&client);
    text(&app, "PATCH http://a/b?c=d");
    let [request] = &client.requests()[..] else { panic!("one request") };
    assert_eq!((request.method(), request.url()), ("PATCH", "http://a/b?c=d"));
    assert_eq!(request.headers().collect::<Vec<_>>(), [("x-one", "1")]);
    assert_eq!(&**request.content(), b"ping");
    assert_eq!(request.limit(), Some(3 * SECOND), "the rest of the invocation, by the app's clock");
    app.advance(SECOND);
    app.invoke(Invoke::event("GET http://a/").remaining(SECOND));
    assert_eq!(client.requests()[1].limit(), Some(SECOND));
}

#[test]
fn a_request_that_hangs_ends_with_its_invocation() {
    let client = FakeHttp::new().hang("GET", "http://slow/");
    let app = sends(&client);
    let mut running = app.begin(Invoke::event("GET http://slow/"));
    assert!(running.is_pending());
    assert_eq!(client.cancelled(), 0);
    app.advance(Duration::from_millis(2950));
    assert_eq!((running.wait().status(), client.cancelled()), (504, 1));
}

#[test]
fn without_a_client_of_the_test_there_is_none() {
    let app = App::builder().module(send::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::event("GET http://a/")).failed.expect("none").message, "no client");
}

/// Makes the change that it is called with: `name verb value`.
#[function]
async fn change(ctx: FaasContext, line: String) -> Result<String, Error> {
    let kv = ctx.kv().ok_or_else(|| Error::msg("no store"))?;
    let [key, verb, value] = line.split(' ').collect::<Vec<_>>()[..] else { return Err(Error::msg("three words")) };
    let bytes = || value.as_bytes().to_vec();
    let version = || value.parse::<u64>().unwrap_or(0);
    let change = match verb {
        "put" => kv.put(key.as_bytes(), bytes(), Some(10 * SECOND)).await.map(WriteOutcome::Made),
        "first" => kv.put_if_absent(key.as_bytes(), bytes(), None).await,
        "over" => kv.put_if_version(key.as_bytes(), version(), bytes(), None).await,
        "remove" => kv.remove(key.as_bytes(), Some(version()).filter(|version| *version > 0)).await,
        _ => return Err(Error::msg("which verb?")),
    };
    Ok(match change {
        Ok(WriteOutcome::Made(version)) => format!("made {version}"),
        Ok(WriteOutcome::Absent) => "absent".to_owned(),
        Ok(WriteOutcome::Conflict(entry)) => format!("conflict {}", entry.version),
        Err(error) => format!("{:?}", error.kind()),
    })
}

#[test]
fn a_store_keeps_versions_conditions_and_times_to_live() {
    let store = FakeKv::new().with("a", "x");
    let app = App::builder().module(change::MODULE).kv(&store).start().expect("starts");
    for (line, expected) in [
        ("a first y", "conflict 1"),
        ("a over 7", "conflict 1"),
        ("a over 1", "made 2"),
        ("b over 1", "absent"),
        ("b first y", "made 3"),
        ("b remove 2", "conflict 3"),
        ("b remove 3", "made 0"),
        ("b remove 0", "absent"),
        ("c put z", "made 4"),
    ] {
        assert_eq!(text(&app, line), expected, "{line}");
    }
    assert_eq!([store.value("a"), store.value("b")], [Some(b"1".to_vec()), None]);
    app.advance(10 * SECOND - Duration::from_nanos(1));
    assert_eq!(store.value("c"), Some(b"z".to_vec()));
    app.advance(Duration::from_nanos(1));
    assert_eq!(store.value("c"), None);
    assert_eq!(text(&app, "c first y"), "made 5", "its time is over");
}

#[test]
fn a_store_fails_as_often_as_it_is_told_and_notes_every_call() {
    let store = FakeKv::new().fail("a", ServiceErrorKind::Deadline).fail("a", ServiceErrorKind::Failed);
    let app = App::builder().module(change::MODULE).kv(&store).start().expect("starts");
    let said = ["a put 1", "b put 1", "a put 1", "a put 1"].map(|line| text(&app, line));
    assert_eq!(said, ["Deadline", "made 1", "Failed", "made 2"]);
    let requests = store.requests();
    assert_eq!(requests.iter().map(|request| &request.key[..]).collect::<Vec<_>>(), [b"a", b"b", b"a", b"a"]);
    let put = Op::Put { value: b"1".to_vec(), ttl: Some(10 * SECOND), only_if: Condition::Always };
    assert_eq!(requests[3].op, put);
}

#[test]
fn a_store_outlives_its_app() {
    let store = FakeKv::new();
    for expected in ["made 1", "conflict 1"] {
        let app = App::builder().module(change::MODULE).kv(&store).start().expect("starts");
        assert_eq!(text(&app, "a first x"), expected);
        app.close();
    }
}

/// A listener that hears of one parameter for as long as it lives.
struct Hears(#[allow(dead_code, reason = "the watch ends with the layer")] Watching);

static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

#[layer(name = "hears")]
impl Layer for Hears {
    fn create(config: &Config) -> Result<Self, Error> {
        let params = config.params().ok_or_else(|| Error::msg("no parameters"))?;
        let heard = Arc::new(|news: Result<Value, handlers_sdk::service::ServiceError>| {
            let news = news.map_or_else(
                |error| format!("{:?}", error.kind()),
                |value| value.reveal_text().unwrap_or_default().to_owned(),
            );
            HEARD.lock().expect("no panic under the lock").push(news);
        });
        Ok(Hears(params.watch("a", move |news| heard(news))?))
    }
}

/// Asks for the parameter that it is called with.
#[function]
async fn ask(ctx: FaasContext, name: String) -> Result<String, Error> {
    let params = ctx.params().ok_or_else(|| Error::msg("no parameters"))?;
    Ok(match params.get(&name).await {
        Ok(value) => value.reveal_text().unwrap_or_default().to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    })
}

#[test]
fn parameters_change_while_they_are_watched_and_questions_are_noted() {
    let params = FakeParams::new().with("a", "1").fail("a", ServiceErrorKind::Deadline);
    let app = App::builder().module(Hears::MODULE).module(ask::MODULE).params(&params).start().expect("starts");
    assert_eq!(["a", "a", "b"].map(|name| text(&app, name)), ["Deadline", "1", "NotFound"]);
    params.with("a", "2").with("b", "other");
    assert_eq!(["a", "b"].map(|name| text(&app, name)), ["2", "other"]);
    params.remove("a");
    assert_eq!(text(&app, "a"), "NotFound");
    app.close();
    params.with("a", "3");
    assert_eq!(*HEARD.lock().expect("no panic under the lock"), ["1", "2", "NotFound", "Cancelled"]);
    assert_eq!(params.asked(), ["a", "a", "b", "a", "b", "a"]);
}
