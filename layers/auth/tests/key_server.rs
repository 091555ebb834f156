//! Keys that a server publishes: asked for in advance, again for an unknown one, kept while the server is away. The
//! server is a layer that offers `faas.http` and answers when the test says so.
#![allow(missing_docs, reason = "tests")]

mod support;

use handlers_sdk::service::http::{ClientReply, ClientRequest, Sent, Transport};
use handlers_sdk::service::{Offered, ServiceErrorKind};
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Config, Error, Layer, function, layer};
use layer_auth::Auth;
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use support::{Signer, set};

/// The answer of the server to a request.
enum Answer {
    Now(Result<ClientReply, ServiceErrorKind>),
    /// The request is kept for the test.
    Later,
}

/// The server, one for all tests of this file, which therefore take turns.
#[derive(Default)]
struct Server {
    answer: Option<Answer>,
    asked: Vec<String>,
    open: Vec<Sent>,
}

static SERVER: Mutex<Server> = Mutex::new(Server { answer: None, asked: Vec::new(), open: Vec::new() });
static TURN: Mutex<()> = Mutex::new(());

fn server() -> MutexGuard<'static, Server> {
    SERVER.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answers(answer: Answer) {
    server().answer = Some(answer);
}

fn tells(signers: &[&Signer]) -> Result<ClientReply, ServiceErrorKind> {
    Ok(ClientReply::new(200).with_body(set(signers).to_string()))
}

struct Network;

impl Transport for Network {
    fn send(&self, request: ClientRequest, answer: Sent) {
        let mut server = server();
        server.asked.push(request.url().to_owned());
        match server.answer.take() {
            Some(Answer::Now(result)) => {
                drop(server);
                answer.give(result);
            }
            _ => server.open.push(answer),
        }
    }
}

struct Client(#[allow(dead_code, reason = "the service ends with the layer")] Offered);

#[layer(name = "network")]
impl Layer for Client {
    fn create(config: &Config) -> Result<Self, Error> {
        config.offer_http_client(Arc::new(Network)).map(Client)
    }
}

#[function]
fn hello() -> &'static str {
    "hello"
}

const URL: &str = "https://id.example/keys";

/// Starts with keys of that server, and takes the turn of this file's tests.
fn start(first: Answer) -> (App, MutexGuard<'static, ()>) {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    *server() = Server::default();
    answers(first);
    let config = json!({"jwt": {"issuers": [{"keysUrl": URL, "lifetime": "10m", "keepFor": "1h", "cooldown": "30s"}]}});
    let app = App::builder().module(Client::MODULE).configured(Auth::MODULE, &config.to_string()).module(hello::MODULE);
    (app.start().expect("starts"), turn)
}

fn with(signer: &Signer) -> Invoke {
    let token = signer.sign(&json!({"sub": "ann"}));
    Invoke::http("GET", "/").header("Authorization", &format!("Bearer {token}"))
}

fn status(app: &App, signer: &Signer) -> u32 {
    app.invoke(with(signer)).status()
}

fn asked() -> usize {
    server().asked.len()
}

#[test]
fn keys_are_asked_for_at_the_start_and_again_in_the_background_when_they_are_old() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let (app, _turn) = start(Answer::Now(tells(&[&old])));
    assert_eq!(server().asked, [URL]);
    assert_eq!((status(&app, &old), asked()), (200, 1));
    app.advance(Duration::from_secs(600));
    answers(Answer::Later);
    assert_eq!((status(&app, &old), status(&app, &old), asked()), (200, 200, 2), "nobody waits for the second request");
    let open = server().open.pop().expect("it is under way");
    open.give(tells(&[&new]));
    assert_eq!((status(&app, &new), status(&app, &old), asked()), (200, 401, 2));
}

#[test]
fn nobody_is_let_in_before_there_are_keys_and_all_wait_for_one_request() {
    let signer = Signer::new("a");
    let (app, _turn) = start(Answer::Later);
    let mut waiting: Vec<_> = (0..3).map(|_| app.begin(with(&signer))).collect();
    assert!(waiting.iter_mut().all(handlers_sdk::testing::Running::is_pending));
    let open = server().open.pop().expect("it is under way");
    open.give(tells(&[&signer]));
    for call in waiting {
        assert_eq!(call.wait().status(), 200);
    }
    assert_eq!(asked(), 1);
}

#[test]
fn a_server_that_is_away_is_a_503_and_asked_again_after_a_second() {
    let signer = Signer::new("a");
    let (app, _turn) = start(Answer::Now(Err(ServiceErrorKind::NotFound)));
    let refused = app.invoke(with(&signer));
    assert_eq!((refused.status(), refused.header("retry-after")), (503, Some("5")));
    assert_eq!((status(&app, &signer), asked()), (503, 1), "it is not asked for each request");
    for wrong in [
        Ok(ClientReply::new(500)),
        Ok(ClientReply::new(302).with_header("location", "https://evil.example/")),
        Ok(ClientReply::new(200).with_body("{}")),
        Ok(ClientReply::new(200).with_body("x".repeat(2 << 20))),
        Err(ServiceErrorKind::Deadline),
    ] {
        app.advance(Duration::from_secs(1));
        answers(Answer::Now(wrong));
        assert_eq!(status(&app, &signer), 503);
    }
    app.advance(Duration::from_secs(1));
    answers(Answer::Now(tells(&[&signer])));
    assert_eq!((status(&app, &signer), asked()), (200, 7));
    assert_eq!(app.invoke(Invoke::http("GET", "/")).status(), 401, "who says nothing needs no keys");
}

#[test]
fn an_unknown_key_is_asked_for_once_in_the_cooldown_however_many_come() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let (app, _turn) = start(Answer::Now(tells(&[&old])));
    assert_eq!((status(&app, &new), asked()), (401, 1), "the keys are seconds old");
    app.advance(Duration::from_secs(30));
    answers(Answer::Now(tells(&[&old, &new])));
    assert_eq!((status(&app, &new), asked()), (200, 2));
    for number in 0..50 {
        assert_eq!(status(&app, &Signer::new(&format!("garbage-{number}"))), 401);
    }
    assert_eq!((status(&app, &old), asked()), (200, 2));
    app.advance(Duration::from_secs(30));
    answers(Answer::Now(Err(ServiceErrorKind::Failed)));
    assert_eq!(status(&app, &Signer::new("newer")), 503, "it may be a new one: nobody can tell");
    assert_eq!((status(&app, &Signer::new("newest")), status(&app, &old), asked()), (503, 200, 3));
}

#[test]
fn keys_are_kept_while_the_server_is_away_and_not_for_ever() {
    let signer = Signer::new("a");
    let (app, _turn) = start(Answer::Now(tells(&[&signer])));
    app.advance(Duration::from_secs(59 * 60));
    answers(Answer::Now(Err(ServiceErrorKind::NotFound)));
    assert_eq!((status(&app, &signer), status(&app, &signer)), (200, 200));
    let warned =
        app.logs().into_iter().filter(|line| line.message.contains("the former ones are good for 3600s")).count();
    assert_eq!((warned, asked()), (1, 2));
    app.advance(Duration::from_secs(60));
    answers(Answer::Now(Err(ServiceErrorKind::NotFound)));
    assert_eq!((status(&app, &signer), asked()), (503, 3));
    app.advance(Duration::from_secs(1));
    answers(Answer::Now(tells(&[&signer])));
    assert_eq!(status(&app, &signer), 200);
}

#[test]
fn without_anybody_who_sends_requests_nothing_starts() {
    let config = json!({"jwt": {"issuers": [{"keysUrl": URL}]}});
    let app = App::builder().configured(Auth::MODULE, &config.to_string()).module(hello::MODULE);
    let why = app.start().expect_err("no client");
    assert!(why.contains("the keys of https://id.example/keys need the service faas.http"), "{why}");
}
