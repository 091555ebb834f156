//! The matrix on SCF, for event functions. One event is out at a time there; several at once are a web function's matter.

use super::run::{launch, patient, start, start_web};
use crate::several::{self, Answer, Hung, Platform, REQUESTS, Row, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::on_plane::OnPlane;
use integration::wait::{limit, until, until_sigterm_is_handled};
use platform_emulators::handout::{Kind, Times};
use platform_emulators::process::Signal;
use platform_emulators::scf::{self, Request};
use serde_json::json;
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
    concurrency,
    several_functions,
];

pub(crate) fn echo(runtime: &Runtime) {
    let run = start(runtime, "echo");
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        assert_eq!(run.call(body.to_vec()).body, body);
    }
    run.assert_clean();
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let request = Request { body: "body".to_owned(), ..Request::new("PUT", "/a%20b") };
    for front in [scf::url, scf::gateway] {
        let reply = front(&run.plane, &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        let seen = Inspected::read(reply.body.as_bytes());
        assert_eq!((seen.text("platform"), seen.text("trigger")), ("tencent-scf", "http"));
        assert_eq!((&seen.0["http"]["method"], &seen.0["http"]["path"]), (&"PUT".into(), &"/a b".into()));
        assert_eq!(seen.body(), b"body");
    }
    for (trigger, event) in [
        ("timer", r#"{"Type":"Timer","TriggerName":"t","Time":"2026-01-02T03:04:00Z","Message":"blue"}"#),
        ("storage", r#"{"Records":[{"cos":{"cosObject":{"key":"/1/b/a"}},"event":{"eventSource":"qcs::cos"}}]}"#),
        ("topic", r#"{"Records":[{"CMQ":{"type":"topic","topicName":"t","msgBody":"hi"}}]}"#),
        ("stream", r#"{"Records":[{"Ckafka":{"topic":"t","partition":0,"offset":1,"msgBody":"hi"}}]}"#),
        ("log", r#"{"clslogs":{"data":"H4sI"}}"#),
        ("raw", "[1]"),
    ] {
        let seen = run.inspect(event);
        assert_eq!((seen.text("trigger"), seen.event()), (trigger, event.as_bytes().to_vec()));
    }
    run.assert_clean();
}

fn fails(runtime: &Runtime, event: &str, words: &str) {
    let run = start(runtime, "faulty");
    let outcome = run.plane.invoke(event);
    assert_eq!(outcome.kind, Kind::Error, "{}", outcome.text());
    assert!(outcome.text().contains(words) && outcome.text().contains("errorMessage"), "{}", outcome.text());
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"", "the process lives on");
    run.assert_clean();
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR, "Faulty.Error");
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC, "asked for a panic");
}

/// The platform kills late here, so that the runtime's own report is what counts.
fn deadline(runtime: &Runtime) {
    let times = Times { limit: Duration::from_secs(2), ..patient() };
    let run = launch(runtime, Deployment::of("faulty"), Some("faulty"), times).polling();
    let outcome = run.plane.invoke(faulty::SPIN);
    assert_eq!(outcome.kind, Kind::Error, "{}", outcome.text());
    assert!(outcome.text().contains("TimedOut"), "{}", outcome.text());
    run.process.wait(limit()).expect("a fresh process is to take its place");
    run.assert_clean();
}

fn large_body(runtime: &Runtime) {
    let run = start(runtime, "echo");
    let body = vec![b'x'; 5_900_000];
    assert_eq!(run.call(body.clone()).body.len(), body.len());
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAULTY_START", "error");
    let run = launch(runtime, deployment, Some("faulty"), patient());
    let status = run.process.wait(limit()).expect("it leaves");
    assert_eq!(status.code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("asked not to start"), "{}", run.process.output());
    assert_eq!(run.asked(), Vec::<String>::new(), "there is no call to report it");
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = launch(runtime, Deployment::of("probe"), Some("probe.hold"), patient()).polling();
    let path = run.deployment.path("go");
    let pending = run.plane.submit(path.display().to_string());
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    until_sigterm_is_handled(&run.process);
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.until_said("stopping: 1 in flight");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(pending.wait().text(), "let go");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    run.assert_clean();
}

/// Events wait for one another at the platform; a web function's instance may be given several requests.
fn concurrency(runtime: &Runtime) {
    let run: OnPlane = start(runtime, "echo");
    let pending: Vec<_> = (0..3).map(|number| run.plane.submit(number.to_string())).collect();
    for (number, pending) in pending.into_iter().enumerate() {
        assert_eq!(pending.wait().text(), number.to_string());
    }
    run.assert_clean();
    let run = start_web(runtime, Deployment::of("probe"), "probe.hold");
    let paths: Vec<_> = (0..4).map(|number| run.deployment.path(&format!("go-{number}"))).collect();
    let mut clients: Vec<_> = paths
        .iter()
        .map(|path| {
            let mut client = run.client();
            client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
            client
        })
        .collect();
    let all = || run.process.lines().iter().filter(|line| line.text == "holding").count() == 4;
    until("four run at once", &run.process, || all().then_some(())).expect("four at once");
    for path in paths {
        std::fs::write(path, "").expect("a handler is let go");
    }
    for client in &mut clients {
        assert_eq!(client.read().expect("it is answered").text(), "let go");
    }
}

pub(crate) const SEVERAL: Row = Row {
    prefix: "",
    events: &[
        (
            r#"{"timer":{"source":"nightly"}}"#,
            r#"{"Type":"Timer","TriggerName":"nightly","Time":"2026-01-02T03:04:00Z","Message":"blue"}"#,
        ),
        (
            r#"{"topic":{"source":"paid"}}"#,
            r#"{"Records":[{"CMQ":{"type":"topic","topicName":"paid","msgBody":"hi"}}]}"#,
        ),
    ],
    hung: Hung::Leaves,
};

pub(crate) struct EventFunction(pub(crate) OnPlane);

impl Platform for EventFunction {
    /// Through a function URL.
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let headers = json!({"content-type": "application/json", "x-scf-remote-addr": "192.0.2.7"});
        let event = json!({"body": body, "headers": headers, "httpMethod": method, "path": path, "queryString": {}})
            .to_string();
        match self.event("", &event) {
            Answer::Reply { body, .. } => Answer::of_gateway(&serde_json::from_str(&body).expect("a reply in JSON")),
            failed => failed,
        }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        let outcome = self.0.plane.invoke(event);
        if outcome.kind == Kind::Result { Answer::value(outcome.text()) } else { Answer::Failed(outcome.text()) }
    }

    fn view(&self) -> View<'_> {
        View::Held(&self.0.process)
    }
}

/// As an event function, and its requests as a web function too.
fn several_functions(runtime: &Runtime) {
    let launch = |deployment| EventFunction(launch(runtime, deployment, None, patient()).polling());
    several::behave(&SEVERAL, launch);
    several::behave(&REQUESTS, |deployment| start_web(runtime, deployment, ""));
}
