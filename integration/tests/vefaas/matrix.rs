//! The matrix on veFaaS.

use super::run::OnVefaas;
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Refuses, Rig, Run, View};
use crate::several::{REQUESTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::limit;
use platform_emulators::process::Process;
use platform_emulators::vefaas::Request;

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

impl Rig for OnVefaas {
    type Run = OnVefaas;

    const SEVERAL: Row = SEVERAL;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnVefaas {
        OnVefaas::launch(runtime, deployment, handler, None)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnVefaas {
        OnVefaas::start(runtime, deployment, handler, None)
    }

    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnVefaas {
        OnVefaas::start(runtime, deployment, handler, Some(1))
    }

    fn patient(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnVefaas {
        let run = OnVefaas::start(runtime, deployment, handler, None);
        run.instance.initialize().unwrap_or_else(|why| panic!("{why}"));
        run
    }
}

impl Platform for OnVefaas {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        self.call(&Request::http(method, path, headers, body)).into()
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        self.call(&Request::event(&[("Content-Type", "application/cloudevents+json")], event)).into()
    }

    fn view(&self) -> View<'_> {
        View::Held(self.process())
    }
}

impl Run for OnVefaas {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        self.post(body).into()
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let begin = |body: &String| self.instance.begin(&Request::http("POST", "/", &[], body.as_str()));
        let begun: Vec<_> = bodies.iter().map(|body| begin(body).expect("it is open")).collect();
        then(self, &[self.process()]);
        begun.into_iter().map(|one| one.end().expect("what was accepted is answered").into()).collect()
    }

    fn judge(&self, answer: &Answer, kind: &str) {
        let (code, words) = match kind {
            "Panic" => ("function_panic", "the function failed"),
            "Faulty.Error" => ("function_execution_error", "asked for an error"),
            _ => ("function_execution_error", ""),
        };
        assert_eq!(answer.header("x-faas-response-error-code"), Some(code), "{answer:?}");
        let told = answer.header("x-faas-response-error-message");
        assert!(told.is_some_and(|told| told.contains(words)), "{told:?}");
    }
}

impl Refuses for OnVefaas {
    fn one_more(&self) -> Answer {
        self.post("one too many").into()
    }
}

matrix! {
    OnVefaas;
    common echo, error, panic, deadline, large_body, sigterm_in_flight, concurrency, refusal, several_functions;
    own inspect_over_every_trigger, init_failure;
}

/// The headers of a CloudEvent in binary mode.
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

fn init_failure(runtime: &Runtime) {
    let run = OnVefaas::start(runtime, Deployment::of("probe"), "probe.failing_start", None);
    let answer = run.instance.control("POST", "/v1/initialize").expect("it is answered");
    assert_eq!(answer.status, 500, "{}", answer.text());
    assert!(answer.text().contains("the database is not there"), "{}", answer.text());
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process().output());
}
