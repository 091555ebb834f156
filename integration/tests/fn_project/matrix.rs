//! The matrix on Fn.

use super::run::OnFn;
use crate::several::{self, Answer, Hung, Platform, Row, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::fn_agent::{Call, Outcome};
use platform_emulators::process::Signal;
use std::time::Duration;

integration::both![
    echo,
    inspect_over_every_trigger,
    error,
    panic,
    deadline,
    large_body,
    init_failure,
    sigterm_in_flight,
    refusal,
    several_functions,
];

pub(crate) fn echo(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("echo"), "echo");
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        assert_eq!(run.call(&Call::plain(body)).answer().body, body);
        assert_eq!(run.call(&Call::request("POST", "http://h/t/app/x", &[], body)).answer().body, body);
    }
    run.assert_clean();
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("inspect"), "inspect");
    let headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "c=d"), ("Content-Type", "text/plain")];
    let call = Call::request("PUT", "https://shop.example/t/app/a%20b?x=1&x=2", &headers, "body");
    let seen = Inspected::read(&run.call(&call).answer().body);
    assert_eq!((seen.text("platform"), seen.text("trigger"), seen.text("request_id")), ("fn", "http", &*call.id));
    assert_eq!((seen.text("function"), seen.body()), ("emulated", b"body".to_vec()));
    let http = &seen.0["http"];
    assert_eq!(
        (&http["method"], &http["path"], &http["raw_path"]),
        (&"PUT".into(), &"/t/app/a b".into(), &"/t/app/a%20b".into())
    );
    assert_eq!((&http["host"], &http["scheme"]), (&"shop.example".into(), &"https".into()));
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    assert_eq!(http["cookies"].to_string(), r#"["c=d"]"#);
    let names: Vec<&str> =
        http["headers"].as_array().expect("a list").iter().filter_map(|pair| pair[0].as_str()).collect();
    assert_eq!(names, ["X-Twice", "X-Twice", "Cookie", "Content-Type"], "the client's alone");

    let seen = Inspected::read(&run.plain("any bytes").answer().body);
    assert_eq!((seen.text("trigger"), seen.event(), seen.0["http"].is_null()), ("raw", b"any bytes".to_vec(), true));
    run.assert_clean();
}

/// The words for whoever calls by an event, and those for the client of an HTTP trigger.
fn fails(runtime: &Runtime, event: &str, words: [&str; 2]) {
    let mut run = OnFn::start(runtime, Deployment::of("faulty"), "faulty");
    let request = Call::request("POST", "/", &[("Content-Type", "application/json")], event);
    for (call, words) in [Call::plain(event), request].iter().zip(words) {
        let outcome = run.call(call);
        assert!(matches!(&outcome, Outcome::Failed(told) if told.contains(words)), "{outcome:?}");
    }
    assert_eq!(run.plain(faulty::FINE).answer().text(), "\"fine\"", "the container lives on");
    run.assert_clean();
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR, ["Faulty.Error"; 2]);
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC, ["asked for a panic", "the function failed"]);
}

/// A function that never looks up is answered for; the process then leaves, as its one place is lost.
fn deadline(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("faulty"), "faulty");
    let outcome = run.call(&Call::plain(faulty::SPIN).within(Duration::from_secs(1)));
    assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome:?}");
    assert_eq!(run.left().code(), Some(1), "{}", run.process().output());
    assert_eq!(run.names(), Vec::<String>::new(), "the socket is gone");
}

fn large_body(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("echo"), "echo");
    let body = vec![b'x'; 6 << 20];
    assert!(run.call(&Call::plain(body.clone())).answer().body == body);
    assert!(run.call(&Call { chunks: Some(100_000), ..Call::plain(body.clone()) }).answer().body == body);
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let run = OnFn::launch(runtime, Deployment::empty(), "missing", |options| options);
    assert_eq!(run.left().code(), Some(1), "{}", run.process().output());
    assert!(run.process().output().contains("no library for function \"missing\""), "{}", run.process().output());
    assert_eq!(run.names(), Vec::<String>::new(), "no socket stays behind");
}

fn sigterm_in_flight(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("probe"), "probe.hold");
    let path = run.deployment.path("go");
    let call = Call::plain(path.display().to_string());
    run.agent.send(&call);
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    run.process().signal(Signal::Term).expect("the signal is sent");
    run.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(run.agent.receive(&call).answer().text(), "let go");
    assert_eq!(run.left().code(), Some(0), "{}", run.process().output());
    assert_eq!(run.names(), Vec::<String>::new(), "the socket is gone");
}

/// The agent sends calls one by one. One more at the same time fails as any other call, and the container lives on.
fn refusal(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("probe"), "probe.hold");
    let path = run.deployment.path("go");
    let call = Call::plain(path.display().to_string());
    run.agent.send(&call);
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    let refused = run.agent.stray("POST", "/call").expect("it is answered");
    assert_eq!(refused.status, 502, "{}", refused.text());
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(run.agent.receive(&call).answer().text(), "let go");
    run.assert_clean();
}

/// The path of a trigger's address begins with the trigger's own. What is no request is bytes, without a source.
const SEVERAL: Row = Row { prefix: "/t/app", events: &[(r#"{"raw":true}"#, "any bytes")], hung: Hung::Leaves };

impl Platform for OnFn {
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [("Content-Type", "application/json")];
        told(self.call(&Call::request(method, &format!("http://h{path}"), &headers, body)))
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        told(self.plain(event))
    }

    fn view(&self) -> View<'_> {
        View::Held(self.process())
    }
}

fn told(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::Success(answer) => answer.into(),
        Outcome::Failed(words) | Outcome::TimedOut(words) => Answer::Failed(words),
        other => panic!("{other:?}"),
    }
}

fn several_functions(runtime: &Runtime) {
    several::behave(&SEVERAL, |deployment| OnFn::start(runtime, deployment, ""));
}
