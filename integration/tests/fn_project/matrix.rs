//! The matrix on Fn.

use super::run::OnFn;
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Rig, Run, View};
use crate::several::{Hung, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::fn_project::{Call, Outcome};
use platform_emulators::process::{Process, Signal};
use std::time::Duration;

/// The path of a trigger's address begins with the trigger's own. An event that is no request is bytes, without a
/// source.
const SEVERAL: Row = Row { prefix: "/t/app", events: &[(r#"{"raw":true}"#, "any bytes")], hung: Hung::Leaves };

impl Rig for OnFn {
    type Run = OnFn;

    const SEVERAL: Row = SEVERAL;
    const LARGE: usize = 6 << 20;
    const PANIC: &'static str = "asked for a panic";

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnFn {
        OnFn::launch(runtime, deployment, handler, |options| options)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnFn {
        OnFn::start(runtime, deployment, handler)
    }
}

impl Platform for OnFn {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        told(self.call(&Call::request(method, &format!("http://h{path}"), headers, body)))
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

impl Run for OnFn {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        told(self.agent.call(&Call::plain(body)))
    }

    /// Makes the calls one by one, as the agent does.
    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let [body] = bodies else { panic!("one call at a time") };
        let call = Call::plain(body.as_str());
        self.agent.send(&call);
        then(self, &[self.process()]);
        vec![told(self.agent.receive(&call))]
    }

    /// Sends the bytes as a client's request, and as a call in chunks.
    fn other_ways(&mut self, body: &[u8]) -> Vec<Answer> {
        let request = Call::request("POST", "http://h/t/app/x", &[("Content-Type", "application/json")], body);
        let chunked = Call { chunks: Some(100_000), ..Call::plain(body) };
        [request, chunked].iter().map(|call| told(self.agent.call(call))).collect()
    }

    fn assert_gone(&self) {
        assert_eq!(self.names(), Vec::<String>::new(), "the socket is gone");
    }

    fn assert_clean(&self) {
        OnFn::assert_clean(self);
    }
}

matrix! {
    OnFn;
    common echo, error, panic, large_body, init_failure, several_functions;
    own inspect_over_every_trigger, deadline, sigterm_in_flight, refusal;
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

/// A function that never looks up is answered for; the process then leaves, as its one place is lost.
fn deadline(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("faulty"), "faulty");
    let outcome = run.call(&Call::plain(faulty::HANG).within(Duration::from_secs(1)));
    assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome:?}");
    assert_eq!(run.left().code(), Some(1), "{}", run.process().output());
    assert_eq!(run.names(), Vec::<String>::new(), "the socket is gone");
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

/// Checks calls one by one, as the agent sends them. One more at the same time fails as any other call, and the
/// container lives on.
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
