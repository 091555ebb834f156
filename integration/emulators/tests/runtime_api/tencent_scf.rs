//! Tencent SCF: statements 20 to 28 of its checklist.

use super::client::{Client, LIMIT, sleeper};
use platform_emulators::runtime_api::{Endpoint, Event, Fault, Kind, Plane, Times};
use platform_emulators::tencent_scf::{self, Options, Request};
use std::process::Command;
use std::time::Duration;

const READY: &str = "/runtime/init/ready";
const NEXT: &str = "/runtime/invocation/next";
const RESPONSE: &str = "/runtime/invocation/response";
const ERROR: &str = "/runtime/invocation/error";

fn start(times: Times) -> Plane {
    tencent_scf::start(Options { times: Times { patience: LIMIT, ..times }, ..Options::default() })
        .expect("a free port")
}

/// Returns a control plane whose process has said that it is ready.
fn ready() -> (Plane, Client) {
    let plane = start(Times::default());
    let mut client = Client::of(&plane);
    assert_eq!(client.call("POST", READY, " ").0, 200);
    (plane, client)
}

#[test]
fn a_poll_before_readiness_is_parked_and_a_breach() {
    let plane = start(Times::default());
    let pending = plane.submit("{}");
    let mut early = Client::of(&plane);
    early.send("GET", NEXT, "");
    plane.wait_for(|now| now.parked == 1, LIMIT).expect("it is parked");
    let now = plane.snapshot();
    assert_eq!((now.ready, now.waiting, now.out), (false, 1, None), "nothing is delivered");
    assert_eq!(plane.violations(), ["a poll before readiness was told"]);
    let mut client = Client::of(&plane);
    assert_eq!(client.call("POST", READY, "").0, 200);
    assert_eq!(early.read().expect("the event").2, "{}");
    assert_eq!(client.call("POST", RESPONSE, "x").0, 200);
    assert_eq!((pending.wait().text().as_str(), plane.snapshot().parked), ("x", 0));
}

#[test]
fn readiness_told_twice_has_no_effect() {
    let (plane, mut client) = ready();
    assert_eq!(client.call("POST", READY, "").0, 200);
    let pending = plane.submit("1");
    assert_eq!(client.call("GET", NEXT, "").2, "1");
    client.call("POST", RESPONSE, "2");
    assert_eq!(pending.wait().text(), "2");
    assert_eq!(plane.violations(), ["readiness was told twice"]);
}

#[test]
fn an_event_comes_with_three_headers_spelt_with_underscores_and_all_successes_are_200() {
    let (plane, mut client) = ready();
    let pending = plane.submit(Event { id: Some("r-1".into()), ..Event::from("{}") });
    let (status, head, _) = client.call("GET", NEXT, "");
    for line in ["request_id: r-1\r\n", "memory_limit_in_mb: 128\r\n", "time_limit_in_ms: 60000\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    assert_eq!((status, client.call("POST", ERROR, "no cat").0), (200, 200));
    let outcome = pending.wait();
    assert_eq!((outcome.kind, outcome.text().as_str()), (Kind::Error, "no cat"));
    assert_eq!(plane.violations(), Vec::<String>::new());
}

#[test]
fn two_polls_without_an_answer_get_the_same_event() {
    let (plane, mut client) = ready();
    let pending = plane.submit("{}");
    let other = plane.submit("[]");
    let first = client.call("GET", NEXT, "");
    assert_eq!(client.call("GET", NEXT, ""), first);
    assert_eq!(plane.violations(), [format!("a poll before the answer to {}", pending.id())]);
    client.call("POST", RESPONSE, "x");
    assert_eq!(pending.wait().deliveries, 2);
    assert_eq!(client.call("GET", NEXT, "").2, "[]");
    client.call("POST", RESPONSE, "y");
    assert_eq!(other.wait().deliveries, 1);
}

#[test]
fn the_first_answer_counts_and_one_for_nothing_is_refused() {
    let (plane, mut client) = ready();
    assert_eq!(client.call("POST", RESPONSE, "early").0, 400);
    let pending = plane.submit("{}");
    client.call("GET", NEXT, "");
    assert_eq!((client.call("POST", RESPONSE, "first").0, client.call("POST", ERROR, "second").0), (200, 400));
    let outcome = pending.wait();
    assert_eq!((outcome.kind, outcome.text().as_str()), (Kind::Result, "first"));
    assert_eq!(plane.violations().len(), 2, "{:?}", plane.violations());
}

#[test]
fn over_the_limit_the_process_is_killed_whether_it_fetched_the_event_or_not() {
    for (fetches, kind) in [(true, Kind::TimedOut), (false, Kind::NeverFetched)] {
        let plane = start(Times { limit: Duration::from_millis(200), ..Times::default() });
        let process = plane.spawn(sleeper()).expect("sh starts");
        let mut client = Client::of(&plane);
        client.call("POST", READY, "");
        if fetches {
            client.send("GET", NEXT, "");
            plane.wait_for(|now| now.parked == 1, LIMIT).expect("it is parked");
        }
        assert_eq!(plane.invoke("{}").kind, kind);
        assert_eq!(process.wait(LIMIT).expect("it is killed").code(), None);
    }
}

#[test]
fn without_readiness_the_caller_hears_of_it_at_the_init_limit_even_of_a_process_that_has_ended() {
    for script in ["exec sleep 600", "exit 3"] {
        let plane = start(Times { init_limit: Duration::from_millis(300), ..Times::default() });
        let pending = plane.submit("{}");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        let process = plane.spawn(command).expect("sh starts");
        assert_eq!(pending.wait().kind, Kind::InitTimedOut, "{script}");
        process.wait(LIMIT).expect("it has ended");
        assert_eq!(plane.invoke("{}").kind, Kind::InitTimedOut, "and of every later event");
    }
}

#[test]
fn unknown_paths_and_methods_are_breaches() {
    let (plane, mut client) = ready();
    assert_eq!(client.call("POST", "/runtime/invocation/r-1/response", "x").0, 404);
    assert_eq!(client.call("POST", NEXT, "").0, 405);
    assert_eq!(plane.violations().len(), 2, "{:?}", plane.violations());
}

#[test]
fn faults_strike_once_and_what_they_cut_comes_again() {
    let (plane, mut client) = ready();
    let pending = plane.submit("[1,2,3]");
    for fault in [Fault::Reset, Fault::Close, Fault::HalfHead, Fault::HalfBody, Fault::Garbage(b"x".to_vec())] {
        plane.fault(Endpoint::Poll, fault.clone());
        client.send("GET", NEXT, "");
        assert_eq!(client.read(), None, "{fault:?}");
        client = Client::of(&plane);
    }
    plane.fault(Endpoint::Poll, Fault::Status(500));
    plane.fault(Endpoint::Poll, Fault::Empty);
    assert_eq!(client.call("GET", NEXT, "").0, 500);
    assert!(!client.call("GET", NEXT, "").1.contains("request_id"));
    assert_eq!(client.call("GET", NEXT, "").2, "[1,2,3]");
    plane.fault(Endpoint::Answer, Fault::Status(503));
    assert_eq!(client.call("POST", RESPONSE, "lost").0, 503);
    plane.fault(Endpoint::Poll, Fault::Again);
    assert_eq!(client.call("GET", NEXT, "").2, "[1,2,3]");
    assert_eq!(client.call("POST", RESPONSE, "taken").0, 200);
    assert_eq!(client.call("GET", NEXT, "").2, "[1,2,3]");
    assert_eq!(client.call("POST", RESPONSE, "once more").0, 200);
    assert_eq!(pending.wait().text(), "taken");
    assert_eq!((plane.snapshot().faults, plane.violations()), (0, Vec::<String>::new()));
}

#[test]
fn fronts_make_events_and_replies_and_refuse_what_is_none() {
    let (plane, mut client) = ready();
    let request = Request {
        query: vec![("a".into(), Some("1".into())), ("a".into(), Some("2".into())), ("b".into(), None)],
        headers: vec![("X-Mine".into(), "1".into())],
        ..Request::new("GET", "/p")
    };
    let mut ask = |front: fn(&Plane, &Request) -> tencent_scf::Reply, result: &str| {
        std::thread::scope(|scope| {
            let reply = scope.spawn(|| front(&plane, &request));
            let event = client.call("GET", NEXT, "").2;
            client.call("POST", RESPONSE, result);
            (event, reply.join().expect("a reply"))
        })
    };
    let whole = r#"{"statusCode":201,"headers":{"x":"y"},"body":"hi","isBase64Encoded":false}"#;
    for front in [tencent_scf::url as fn(&Plane, &Request) -> tencent_scf::Reply, tencent_scf::gateway] {
        let (event, reply) = ask(front, whole);
        assert!(event.contains(r#""queryString":{"a":["1","2"],"b":true}"#) && event.contains("x-mine"), "{event}");
        assert_eq!((reply.status, reply.body.as_str()), (201, "hi"));
    }
    assert_eq!(ask(tencent_scf::url, "[1]").1.body, "[1]");
    assert_eq!(ask(tencent_scf::url, "no json").1.status, 430);
    assert_eq!(ask(tencent_scf::gateway, "[1]").1.status, 502);
    assert_eq!(ask(tencent_scf::gateway, r#"{"statusCode":"200"}"#).1.status, 502);
}
