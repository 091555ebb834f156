//! The matrix on Knative.

use super::run::{OnKnative, REQUIRED, binary, function, structured};
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Refuses, Rig, Run, View};
use crate::several::{CLOUD_EVENTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::limit;
use platform_emulators::cloudevents::Request;
use platform_emulators::knative::options::{REVISION, SERVICE};
use platform_emulators::knative::{Delivery, Options};
use platform_emulators::process::Process;
use platform_emulators::wire;

impl Rig for OnKnative {
    type Run = OnKnative;

    const SEVERAL: Row = CLOUD_EVENTS;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnKnative {
        OnKnative::launch(runtime, deployment, handler, function())
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnKnative {
        OnKnative::start(runtime, deployment, handler, function())
    }

    fn two_at_once(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnKnative {
        let options = Options { container_concurrency: 0, ..function() };
        OnKnative::start(runtime, deployment.env("FAAS_CONCURRENCY", "2"), handler, options)
    }
}

impl Platform for OnKnative {
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

/// Returns the answer for a sender. A broker repeats a failed call.
fn told(answer: wire::Answer) -> Answer {
    assert_eq!(answer.status >= 500, Delivery::of(&answer) == Delivery::Again, "{}", answer.text());
    answer.into()
}

impl Run for OnKnative {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        told(OnKnative::call(self, &Request::json(body)))
    }

    /// Makes the calls, of which every second one is an event.
    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let request = |(number, body): (usize, &String)| match number % 2 {
            0 => binary(&[], body.as_str()),
            _ => Request::json(body.as_str()),
        };
        let begin = |request| self.pod.begin(&request).expect("it is open");
        let begun: Vec<_> = bodies.iter().enumerate().map(request).map(begin).collect();
        then(self, &[self.process()]);
        begun.into_iter().map(|one| told(one.end().expect("what was accepted is answered"))).collect()
    }

    /// Sends the bytes as a request: an event's data are judged by their content type.
    fn echoes(&mut self, body: &[u8]) {
        let answer = told(OnKnative::call(self, &Request::new("POST", "/", &[], body)));
        assert!(answer.is_these(body), "{:?} comes back as {answer:?}", String::from_utf8_lossy(body));
    }

    fn other_ways(&mut self, body: &[u8]) -> Vec<Answer> {
        vec![told(OnKnative::call(self, &binary(&[], body)))]
    }
}

impl Refuses for OnKnative {
    fn one_more(&self) -> Answer {
        told(OnKnative::call(self, &binary(&[], "one too many")))
    }
}

matrix! {
    OnKnative;
    common echo, error, panic, sigterm_in_flight, concurrency, refusal, several_functions;
    own inspect_over_every_trigger, deadline, large_body, init_failure;
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

fn deadline(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAAS_TIMEOUT", "1s");
    let run = OnKnative::start(runtime, deployment, "faulty", function());
    for request in [Request::json(faulty::HANG), binary(&[], faulty::HANG)] {
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
