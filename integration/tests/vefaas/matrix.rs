//! The matrix on veFaaS.

use super::run::OnVefaas;
use crate::several::{self, Answer, Platform, REQUESTS, Row, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::{limit, until};
use platform_emulators::process::Signal;
use platform_emulators::vefaas::Request;

integration::both![
    echo,
    inspect_over_every_trigger,
    error,
    panic,
    deadline,
    large_body,
    init_failure,
    sigterm_in_flight,
    concurrency,
    refusal,
    several_functions,
];

pub(crate) fn echo(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "echo");
    run.instance.initialize().unwrap_or_else(|why| panic!("{why}"));
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        let answer = run.post(body);
        assert_eq!((answer.status, &answer.body[..]), (200, body));
    }
}

/// A CloudEvent in binary mode.
const EVENT: [(&str, &str); 5] = [
    ("ce-specversion", "1.0"),
    ("ce-id", "e-1"),
    ("ce-type", "faas.timer.event"),
    ("ce-source", "urn:timer"),
    ("Content-Type", "application/json"),
];

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "inspect");
    let headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "c=d")];
    let seen = run.inspect(&Request::http("PUT", "/a%20b?x=1&x=2", &headers, "body"));
    assert_eq!((seen.text("platform"), seen.text("trigger"), seen.body()), ("vefaas", "http", b"body".to_vec()));
    assert_eq!(seen.text("request_id"), "emulated-request");
    let http = &seen.0["http"];
    assert_eq!(
        (&http["path"], &http["raw_path"], &http["client_ip"]),
        (&"/a b".into(), &"/a%20b".into(), &"192.0.2.7".into())
    );
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    let sent = http["headers"].to_string();
    assert!(sent.contains(r#"["X-Twice","1"],["X-Twice","2"]"#) && !sent.contains("emulated-secret"), "{sent}");

    let seen = run.inspect(&Request::event(&EVENT, r#"{"a":1}"#));
    assert_eq!((seen.text("trigger"), seen.event()), ("event", br#"{"a":1}"#.to_vec()));
    let whole = r#"{"specversion":"1.0","id":"e-1","type":"faas.tos.event","source":"urn:tos","data":{"a":1}}"#;
    let seen = run.inspect(&Request::event(&[("Content-Type", "application/cloudevents+json")], whole));
    assert_eq!((seen.text("trigger"), seen.event()), ("event", whole.as_bytes().to_vec()));
}

fn fails(runtime: &Runtime, event: &str, code: &str, words: &str) {
    let run = OnVefaas::of(runtime, "faulty");
    let answer = run.post(event);
    assert_eq!((answer.status, answer.header("x-faas-response-error-code")), (500, Some(code)), "{}", answer.text());
    let told = answer.header("x-faas-response-error-message");
    assert!(told.is_some_and(|told| told.contains(words)), "{told:?}");
    assert_eq!(run.post(faulty::FINE).status, 200, "the process lives on");
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR, "function_execution_error", "asked for an error");
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC, "function_panic", "the function failed");
}

fn deadline(runtime: &Runtime) {
    let run = OnVefaas::start(runtime, Deployment::of("faulty"), "faulty", Some(1));
    let answer = run.post(faulty::SPIN);
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert_eq!(answer.header("x-faas-response-error-code"), Some("function_execution_error"));
    assert_eq!(run.post(faulty::FINE).status, 200, "others are served");
}

fn large_body(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "echo");
    let body = vec![b'x'; 30_000_000];
    let answer = run.post(body.clone());
    assert!(answer.status == 200 && answer.body == body, "{} {}", answer.status, answer.body.len());
}

fn init_failure(runtime: &Runtime) {
    let run = OnVefaas::start(runtime, Deployment::of("probe"), "probe.failing_start", None);
    let answer = run.instance.control("POST", "/v1/initialize").expect("it is answered");
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("the database is not there"), "{}", answer.text());
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process().output());
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = OnVefaas::start(runtime, Deployment::of("probe"), "probe.hold", None);
    let path = run.deployment.path("go");
    let request = Request::http("POST", "/", &[], path.display().to_string());
    let pending = run.instance.begin(&request).expect("it is open");
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    run.process().signal(Signal::Term).expect("the signal is sent");
    run.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(pending.end().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process().output());
}

fn concurrency(runtime: &Runtime) {
    let run = OnVefaas::start(runtime, Deployment::of("probe"), "probe.gate", None);
    run.instance.initialize().unwrap_or_else(|why| panic!("{why}"));
    let begin = || run.instance.begin(&Request::http("POST", "/", &[], "3")).expect("it is open");
    for pending in [begin(), begin(), begin()] {
        assert_eq!(pending.end().expect("it is answered").text(), "met", "{}", run.process().output());
    }
}

fn refusal(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("FAAS_CONCURRENCY", "1");
    let run = OnVefaas::start(runtime, deployment, "probe.hold", None);
    run.instance.initialize().unwrap_or_else(|why| panic!("{why}"));
    let path = run.deployment.path("go");
    let request = Request::http("POST", "/", &[], path.display().to_string());
    let pending = run.instance.begin(&request).expect("it is open");
    until("one runs", run.process(), || run.process().output().contains("holding").then_some(())).expect("one runs");
    let refused = run.post("one too many");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(pending.end().expect("it is answered").text(), "let go");
}

const SEVERAL: Row = Row {
    events: &[
        (
            r#"{"event":{"type":"faas.timer.event"}}"#,
            r#"{"specversion":"1.0","id":"1","source":"urn:timer","type":"faas.timer.event","data":{}}"#,
        ),
        (
            r#"{"event":{"source":"urn:paid"}}"#,
            r#"{"specversion":"1.0","id":"2","source":"urn:paid","type":"faas.rocketmq.event","data":{}}"#,
        ),
    ],
    ..REQUESTS
};

impl Platform for OnVefaas {
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.call(&Request::http(method, path, &[("Content-Type", "application/json")], body)).into()
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        self.call(&Request::event(&[("Content-Type", "application/cloudevents+json")], event)).into()
    }

    fn view(&self) -> View<'_> {
        View::Held(self.process())
    }
}

fn several_functions(runtime: &Runtime) {
    several::behave(&SEVERAL, |deployment| OnVefaas::start(runtime, deployment, "", None));
}
