//! The matrix on Google Cloud.

use super::run::{OnGoogle, event, function, legacy, service};
use crate::several::{self, Answer, CLOUD_EVENTS, Platform, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::{limit, until};
use platform_emulators::cloudevents::Request;
use platform_emulators::google::front::{HOST, is_own};
use platform_emulators::google::{Options, Signature, log};
use platform_emulators::process::{Signal, Stream};

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
    let run = OnGoogle::service(runtime, "echo");
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        let answer = run.call(&Request::new("POST", "/", &[], body));
        assert_eq!((answer.status, &answer.body[..]), (200, body));
    }
    run.assert_clean();
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnGoogle::service(runtime, "inspect");
    let headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "c=d")];
    let seen = run.inspect(&Request::new("PUT", "/a%20b?x=1&x=2", &headers, "body"));
    assert_eq!((seen.text("platform"), seen.text("trigger"), seen.body()), ("google-cloud", "http", b"body".to_vec()));
    let http = &seen.0["http"];
    assert_eq!((&http["path"], &http["host"], &http["scheme"]), (&"/a b".into(), &HOST.into(), &"https".into()));
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);

    let data = r#"{"message":{"data":"aGk=","messageId":"77"}}"#;
    let published = "google.cloud.pubsub.topic.v1.messagePublished";
    let topic = event(published, "//pubsub.googleapis.com/projects/p/topics/t", data);
    let seen = run.inspect(&topic);
    assert_eq!((seen.text("trigger"), seen.event()), ("event", data.as_bytes().to_vec()));
    assert!(seen.0["http"].is_null(), "{}", seen.0);
    let structured = serde_json::json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {}});
    for request in [Request::structured(&structured), Request::batch(&[structured.clone(), structured.clone()])] {
        let seen = run.inspect(&request);
        assert_eq!((seen.text("trigger"), seen.event()), ("event", request.body));
    }

    let run = OnGoogle::function(runtime, "inspect", Signature::CloudEvent);
    let user = legacy("providers/firebase.auth/eventTypes/user.create", "projects/p", r#"{"uid":"u"}"#, "");
    let seen = run.inspect(&user);
    assert_eq!((seen.text("trigger"), seen.event()), ("event", br#"{"uid":"u"}"#.to_vec()));
    let push = r#"{"message":{"data":"aGk=","messageId":"1","publishTime":"2026-01-02T03:04:05Z"},"subscription":"s"}"#;
    let seen = run.inspect(&Request::json(push).to("/projects/p/topics/t"));
    assert_eq!((seen.text("trigger"), seen.event()), ("event", push.as_bytes().to_vec()));

    let run = OnGoogle::function(runtime, "inspect", Signature::Event);
    for (request, trigger) in [
        (topic, "topic"),
        (Request::json(push), "topic"),
        (legacy("google.storage.object.delete", "projects/_/buckets/b/objects/o", "{}", ""), "storage"),
        (legacy("providers/cloud.firestore/eventTypes/document.write", "r", "{}", ""), "table"),
        (legacy("providers/google.firebase.database/eventTypes/ref.write", "r", "{}", ""), "table"),
        (user, "event"),
        (Request::json("{}"), "raw"),
    ] {
        let seen = run.inspect(&request);
        assert_eq!(seen.text("trigger"), trigger, "{request:?}");
        assert_eq!(String::from_utf8_lossy(&seen.event()).starts_with(r#"{"context":{"#), trigger != "raw");
    }
    run.assert_clean();
}

fn fails(runtime: &Runtime, wish: &str, words: &str) {
    for signature in [Signature::Http, Signature::Event] {
        let run = OnGoogle::function(runtime, "faulty", signature);
        let answer = run.call(&Request::json(wish));
        assert_eq!((answer.status, answer.header("x-google-status")), (500, Some("crash")), "{}", answer.text());
        assert!(answer.text().contains(words), "{}", answer.text());
        assert_eq!(run.call(&Request::json(faulty::FINE)).status, 200, "the process lives on");
        run.assert_clean();
    }
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR, "asked for an error");
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC, "the function failed");
}

fn deadline(runtime: &Runtime) {
    let options = Options { timeout_s: Some(1), ..service() };
    let run = OnGoogle::start(runtime, Deployment::of("faulty"), "faulty", options);
    let answer = run.call(&Request::json(faulty::SPIN));
    assert_eq!((answer.status, answer.header("x-google-status")), (504, Some("timeout")), "{}", answer.text());
    assert_eq!(run.call(&Request::json(faulty::FINE)).status, 200, "others are served");
}

fn large_body(runtime: &Runtime) {
    let run = OnGoogle::service(runtime, "echo");
    let body = vec![b'x'; 30_000_000];
    let answer = run.call(&Request::new("POST", "/", &[], body.clone()));
    assert!(answer.status == 200 && answer.body == body, "{} {}", answer.status, answer.body.len());
}

fn init_failure(runtime: &Runtime) {
    for (deployment, handler, words) in [
        (Deployment::empty(), "missing", "no library for function \"missing\""),
        (Deployment::of("probe"), "probe.failing_start", "the database is not there"),
    ] {
        let run = OnGoogle::launch(runtime, deployment, handler, service());
        assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process().output());
        let lines = run.process().lines_of(Stream::Stdout);
        let entries: Vec<_> = lines.iter().map(|line| log::read(line).expect("a sound line")).collect();
        let told = |entry: &log::Entry| entry.severity == "ERROR" && entry.message.contains(words);
        assert!(entries.iter().any(told), "{entries:#?}");
    }
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = OnGoogle::start(runtime, Deployment::of("probe"), "probe.hold", service());
    let path = run.deployment.path("go");
    let pending = run.instance.begin(&Request::json(path.display().to_string())).expect("it is open");
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    run.process().signal(Signal::Term).expect("the signal is sent");
    run.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(pending.end().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process().output());
}

fn concurrency(runtime: &Runtime) {
    let run = OnGoogle::start(runtime, Deployment::of("probe"), "probe.gate", service());
    let begin = || run.instance.begin(&Request::json("3")).expect("it is open");
    for pending in [begin(), begin(), begin()] {
        assert_eq!(pending.end().expect("it is answered").text(), "met", "{}", run.process().output());
    }
}

fn refusal(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("FAAS_CONCURRENCY", "1");
    let run = OnGoogle::start(runtime, deployment, "probe.hold", function(Signature::Http));
    let path = run.deployment.path("go");
    let pending = run.instance.begin(&Request::json(path.display().to_string())).expect("it is open");
    until("one runs", run.process(), || run.process().output().contains("holding").then_some(())).expect("one runs");
    let refused = run.call(&Request::json("one too many"));
    assert_eq!((refused.status, refused.header("retry-after"), is_own(&refused)), (429, Some("1"), false));
    assert_eq!(refused.header("x-google-status"), Some("error"), "{}", refused.text());
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(pending.end().expect("it is answered").text(), "let go");
}

impl Platform for OnGoogle {
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
    several::behave(&CLOUD_EVENTS, |deployment| OnGoogle::start(runtime, deployment, "", service()));
}
