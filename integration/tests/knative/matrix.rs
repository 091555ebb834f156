//! The matrix on Knative.

use super::run::{OnKnative, REQUIRED, binary, function, service, structured};
use crate::several::{self, Answer, CLOUD_EVENTS, Platform, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::{limit, until};
use platform_emulators::cloudevents::Request;
use platform_emulators::knative::options::{REVISION, SERVICE};
use platform_emulators::knative::{Delivery, Options};
use platform_emulators::process::Signal;

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
    let run = OnKnative::start(runtime, Deployment::of("echo"), "echo", service());
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        let answer = run.call(&Request::new("POST", "/", &[], body));
        assert_eq!((answer.status, &answer.body[..]), (200, body));
    }
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "inspect");
    let headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "c=d")];
    let seen = run.inspect(&Request::new("PUT", "/a%20b?x=1&x=2", &headers, "body"));
    assert_eq!((seen.text("platform"), seen.text("trigger"), seen.body()), ("knative", "http", b"body".to_vec()));
    assert_eq!((seen.text("function"), seen.text("version")), (SERVICE, REVISION));
    let http = &seen.0["http"];
    assert_eq!((&http["path"], &http["client_ip"]), (&"/a b".into(), &"192.0.2.7".into()));
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);

    let event: serde_json::Map<_, _> =
        REQUIRED.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let batch = Request::batch(&[event.clone().into(), event.into()]);
    for request in [binary(&[], "100C"), structured(r#","data":{"celsius":100}"#), batch] {
        let seen = run.inspect(&request);
        assert_eq!((seen.text("trigger"), seen.event()), ("event", request.body));
        assert!(seen.0["http"].is_null(), "{}", seen.0);
    }
}

fn fails(runtime: &Runtime, wish: &str, words: &str) {
    let run = OnKnative::of(runtime, "faulty");
    for request in [Request::json(wish), binary(&[("datacontenttype", "application/json")], wish)] {
        let answer = run.call(&request);
        assert_eq!((answer.status, Delivery::of(&answer)), (500, Delivery::Again), "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
    }
    assert_eq!(run.call(&Request::json(faulty::FINE)).status, 200, "the process lives on");
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR, "asked for an error");
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC, "the function failed");
}

fn deadline(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAAS_TIMEOUT", "1s");
    let run = OnKnative::start(runtime, deployment, "faulty", function());
    for request in [Request::json(faulty::SPIN), binary(&[], faulty::SPIN)] {
        let answer = run.call(&request);
        assert_eq!((answer.status, answer.text().contains("Function.TimedOut")), (504, true), "{}", answer.text());
    }
    assert_eq!(run.call(&Request::json(faulty::FINE)).status, 200, "others are served");
}

fn large_body(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "echo");
    let body = vec![b'x'; 30_000_000];
    for request in [Request::new("POST", "/", &[], body.clone()), binary(&[], body.clone())] {
        let answer = run.call(&request);
        assert!(answer.status == 200 && answer.body == body, "{} {}", answer.status, answer.body.len());
    }
}

fn init_failure(runtime: &Runtime) {
    let run = OnKnative::launch(runtime, Deployment::of("probe"), "probe.failing_start", function());
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process().output());
    assert!(run.process().output().contains("the database is not there"), "{}", run.process().output());
    assert!(run.pod.ready().is_err(), "it never became ready");
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "probe.hold");
    let path = run.deployment.path("go");
    let pending = run.pod.begin(&binary(&[], path.display().to_string())).expect("it is open");
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    run.process().signal(Signal::Term).expect("the signal is sent");
    run.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(pending.end().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process().output());
}

fn concurrency(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "probe.gate");
    let begin = |request: &Request| run.pod.begin(request).expect("it is open");
    for pending in [begin(&Request::json("3")), begin(&binary(&[], "3")), begin(&binary(&[], "3"))] {
        assert_eq!(pending.end().expect("it is answered").text(), "met", "{}", run.process().output());
    }
}

fn refusal(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("FAAS_CONCURRENCY", "1");
    let run = OnKnative::start(runtime, deployment, "probe.hold", Options { container_concurrency: 0, ..function() });
    let path = run.deployment.path("go");
    let pending = run.pod.begin(&Request::json(path.display().to_string())).expect("it is open");
    until("one runs", run.process(), || run.process().output().contains("holding").then_some(())).expect("one runs");
    let refused = run.call(&binary(&[], "one too many"));
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    assert_eq!(Delivery::of(&refused), Delivery::Again);
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(pending.end().expect("it is answered").text(), "let go");
}

impl Platform for OnKnative {
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.call(&Request::new(method, path, &[("Content-Type", "application/json")], body)).into()
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        self.call(&Request::structured(&serde_json::from_str(event).expect("JSON"))).into()
    }

    fn view(&self) -> View<'_> {
        View::Held(self.process())
    }
}

fn several_functions(runtime: &Runtime) {
    several::behave(&CLOUD_EVENTS, |deployment| OnKnative::start(runtime, deployment, "", service()));
}
