//! Huawei FunctionGraph: statements 21 to 27 of its checklist.

use super::client::{Client, LIMIT, sleeper};
use platform_emulators::huawei_functiongraph::{self, KEYS, Options, Request};
use platform_emulators::runtime_api::{Endpoint, Event, Fault, Kind, Plane, Times};
use std::time::Duration;

const REQUEST: &str = "/v1/runtime/invocation/request";

fn start(options: Options) -> (Plane, Client) {
    let times = Times { patience: LIMIT, ..options.times.clone() };
    let plane = huawei_functiongraph::start(Options { times, ..options }).expect("a free port");
    let client = Client::of(&plane);
    (plane, client)
}

fn response(id: &str) -> String {
    format!("/v1/runtime/invocation/response/{id}")
}

fn named(id: &str) -> Event {
    Event { id: Some(id.to_owned()), ..Event::from("{}") }
}

#[test]
fn a_poll_is_held_or_told_at_once_that_there_is_nothing() {
    let (plane, mut client) = start(Options::default());
    client.send("GET", REQUEST, "");
    plane.wait_for(|now| now.parked == 1, LIMIT).expect("it is held");
    let pending = plane.submit("{}");
    assert_eq!(client.read().expect("the event").2, "{}");
    assert_eq!(client.call("POST", &response(pending.id()), "x").0, 200);
    assert_eq!(pending.wait().text(), "x");
    let (plane, mut client) = start(Options { holds_polls: false, ..Options::default() });
    let (status, head, _) = client.call("GET", REQUEST, "");
    assert!(status == 204 && !head.to_lowercase().contains("x-cff-request-id"), "{head}");
    assert_eq!(plane.violations(), Vec::<String>::new());
}

#[test]
fn the_first_post_for_an_id_is_200_and_unknown_ids_and_second_posts_are_refused() {
    let (plane, mut client) = start(Options::default());
    let pending = plane.submit(named("r-1"));
    client.call("GET", REQUEST, "");
    assert_eq!(client.call("POST", &response("r-2"), "x").0, 400);
    assert_eq!(client.call("POST", &response("r-1"), "first").0, 200);
    assert_eq!(client.call("POST", "/v1/runtime/invocation/error/r-1", "second").0, 400);
    assert_eq!(client.call("POST", "/v1/runtime/invocation/r-1/response", "x").0, 404);
    let outcome = pending.wait();
    assert_eq!((outcome.kind, outcome.text().as_str()), (Kind::Result, "first"));
    assert_eq!(plane.violations().len(), 3, "{:?}", plane.violations());
}

#[test]
fn keys_are_sent_where_an_agency_is_set_and_nowhere_else() {
    for agency in [false, true] {
        let (plane, mut client) = start(Options { agency, ..Options::default() });
        let _pending = plane.submit("{}");
        let (_, head, _) = client.call("GET", REQUEST, "");
        assert!(KEYS.iter().all(|(name, value)| head.contains(&format!("{name}: {value}\r\n")) == agency), "{head}");
    }
}

#[test]
fn over_the_limit_the_process_is_killed() {
    let times = Times { limit: Duration::from_millis(200), ..Times::default() };
    let (plane, mut client) = start(Options { times, ..Options::default() });
    let process = plane.spawn(sleeper()).expect("sh starts");
    client.send("GET", REQUEST, "");
    plane.wait_for(|now| now.parked == 1, LIMIT).expect("it is held");
    assert_eq!(plane.invoke("{}").kind, Kind::TimedOut);
    assert_eq!(process.wait(LIMIT).expect("it is killed").code(), None);
}

#[test]
fn a_process_that_ends_without_a_poll_is_an_error_to_the_caller() {
    let (plane, _) = start(Options::default());
    let pending = plane.submit("{}");
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", "exit 3"]);
    let process = plane.spawn(command).expect("sh starts");
    process.wait(LIMIT).expect("it ends");
    assert_eq!(pending.wait().kind, Kind::Exited);
}

#[test]
fn a_result_over_the_limit_and_a_refused_answer_are_errors() {
    let (plane, mut client) = start(Options { max_result: 3, ..Options::default() });
    let pending = plane.submit(named("r-1"));
    client.call("GET", REQUEST, "");
    assert_eq!(client.call("POST", &response("r-1"), "four").0, 413);
    assert_eq!((pending.wait().kind, plane.violations().len()), (Kind::TooLarge, 1));
    let pending = plane.submit(named("r-2"));
    client.call("GET", REQUEST, "");
    plane.fault(Endpoint::Answer, Fault::Status(500));
    assert_eq!(client.call("POST", &response("r-2"), "x").0, 500);
    assert_eq!(pending.wait().kind, Kind::Refused);
}

#[test]
fn api_gateway_codes_bodies_and_takes_nothing_but_its_own_form() {
    let (plane, mut client) = start(Options::default());
    let request = Request { body: b"hi".to_vec(), ..Request::new("POST", "/p") };
    let mut ask = |result: &str| {
        std::thread::scope(|scope| {
            let reply = scope.spawn(|| huawei_functiongraph::apig(&plane, &request));
            let (_, head, event) = client.call("GET", REQUEST, "");
            let id = head.lines().find_map(|line| line.strip_prefix("X-Cff-Request-Id: ")).expect("an id").to_owned();
            client.call("POST", &response(&id), result);
            (event, reply.join().expect("a reply"))
        })
    };
    let (event, reply) = ask(r#"{"statusCode":201,"headers":{},"body":"aGk=","isBase64Encoded":true}"#);
    assert!(event.contains(r#""body":"aGk=""#) && event.contains(r#""isBase64Encoded":true"#), "{event}");
    assert_eq!((reply.status, &reply.body[..], reply.coded), (201, &b"hi"[..], true));
    for malformed in [
        "text",
        "[]",
        r#"{"statusCode":200,"headers":{},"body":{},"isBase64Encoded":false}"#,
        r#"{"headers":{},"body":"","isBase64Encoded":false}"#,
        r#"{"statusCode":200,"headers":{},"isBase64Encoded":false}"#,
        r#"{"statusCode":200,"headers":{},"body":"!","isBase64Encoded":true}"#,
    ] {
        assert_eq!(ask(malformed).1.status, 500, "{malformed}");
    }
}
