//! The matrix on Google Cloud.

use super::run::{OnGoogle, event, function, legacy, service};
use crate::matrix::{fails, matrix};
use crate::rig::{Answer, Header, Platform, Refuses, Rig, Run, View};
use crate::several::{CLOUD_EVENTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::limit;
use platform_emulators::cloudevents::Request;
use platform_emulators::google_cloud::front::{HOST, is_own};
use platform_emulators::google_cloud::{Options, Signature, log};
use platform_emulators::process::{Process, Stream};

impl Rig for OnGoogle {
    type Run = OnGoogle;

    const SEVERAL: Row = CLOUD_EVENTS;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnGoogle {
        OnGoogle::launch(runtime, deployment, handler, service())
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnGoogle {
        OnGoogle::start(runtime, deployment, handler, service())
    }

    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnGoogle {
        OnGoogle::start(runtime, deployment, handler, Options { timeout_s: Some(1), ..service() })
    }

    fn two_at_once(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnGoogle {
        OnGoogle::start(runtime, deployment.env("FAAS_CONCURRENCY", "2"), handler, function(Signature::Http))
    }
}

impl Platform for OnGoogle {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        self.call(&Request::new(method, path, headers, body)).into()
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        self.call(&Request::structured(&serde_json::from_str(event).expect("JSON"))).into()
    }

    fn view(&self) -> View<'_> {
        View::Held(self.process())
    }
}

impl Run for OnGoogle {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        OnGoogle::call(self, &Request::json(body)).into()
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let begin = |body: &String| self.instance.begin(&Request::json(body.as_str())).expect("it is open");
        let begun: Vec<_> = bodies.iter().map(begin).collect();
        then(self, &[self.process()]);
        begun.into_iter().map(|one| one.end().expect("what was accepted is answered").into()).collect()
    }

    fn judge(&self, answer: &Answer, kind: &str) {
        let word = if kind == "TimedOut" { "timeout" } else { "crash" };
        assert_eq!(answer.header("x-google-status"), Some(word), "{answer:?}");
    }

    fn assert_clean(&self) {
        OnGoogle::assert_clean(self);
    }
}

impl Refuses for OnGoogle {
    fn one_more(&self) -> Answer {
        let refused = OnGoogle::call(self, &Request::json("one too many"));
        assert!(!is_own(&refused), "the front end would have let it through");
        refused.into()
    }

    fn is_refusal(answer: &Answer) -> bool {
        let told = (answer.header("retry-after"), answer.header("x-google-status"));
        matches!(answer, Answer::Reply { status: 429, .. }) && told == (Some("1"), Some("error"))
    }
}

matrix! {
    OnGoogle;
    common echo, deadline, large_body, sigterm_in_flight, concurrency, refusal, several_functions;
    own inspect_over_every_trigger, error, panic, init_failure;
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

fn error(runtime: &Runtime) {
    for signature in [Signature::Http, Signature::Event] {
        fails(OnGoogle::function(runtime, "faulty", signature), faulty::ERROR, "Faulty.Error", "asked for an error");
    }
}

fn panic(runtime: &Runtime) {
    for signature in [Signature::Http, Signature::Event] {
        fails(OnGoogle::function(runtime, "faulty", signature), faulty::PANIC, "Panic", "the function failed");
    }
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
