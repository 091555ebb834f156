//! The matrix on OpenFaaS, in the watchdog's place.

use super::run::{InPod, patient, until_held};
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Rig, Run, View, on_threads};
use crate::several::{REQUESTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use platform_emulators::openfaas::{Call, Options};
use platform_emulators::process::Process;

impl Rig for InPod {
    type Run = InPod;

    const SEVERAL: Row = REQUESTS;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> InPod {
        InPod::launch(runtime, deployment, handler, Options::default())
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> InPod {
        InPod::start(runtime, deployment, handler, Options::default())
    }

    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> InPod {
        let options = Options { exec_timeout: "1s".into(), ..Options::default() };
        InPod::start(runtime, deployment, handler, options)
    }

    fn patient(runtime: &Runtime, deployment: Deployment, handler: &str) -> InPod {
        let options = Options { healthcheck_interval: "0".into(), write_timeout: "10m".into(), ..patient() };
        InPod::start(runtime, deployment, handler, options)
    }
}

impl Platform for InPod {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        let call = Call { body: body.into(), ..Call::new(method, path) };
        self.call(&headers.iter().fold(call, |call, (name, value)| call.with(name, value))).into()
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        panic!("the gateway passes on requests alone: {event}")
    }

    fn view(&self) -> View<'_> {
        View::Held(self.pod.process())
    }
}

impl Run for InPod {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        self.post(body).into()
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let post = |run: &InPod, body: &str| run.post(body.as_bytes()).into();
        on_threads(self, bodies, post, || then(self, &[self.pod.process()]))
    }

    /// Checks the watchdog's words. It says nothing of a function's failure, and tells of a time that is up.
    fn judge(&self, answer: &Answer, kind: &str) {
        let by = (kind == "TimedOut").then_some("of-watchdog");
        assert_eq!(answer.header("x-openfaas-internal"), by, "{answer:?}");
    }

    fn terminate(&self, _: &Process) {
        self.pod.terminate().expect("the signal is sent");
    }

    fn left(&self) -> Option<i32> {
        self.pod.wait().unwrap_or_else(|why| panic!("{why}")).code()
    }

    fn assert_gone(&self) {
        assert!(!self.lock_file().exists(), "it is healthy no more");
    }

    fn assert_clean(&self) {
        InPod::assert_clean(self);
    }
}

matrix! {
    InPod;
    common echo, error, panic, deadline, init_failure, sigterm_in_flight, several_functions;
    own inspect_over_every_trigger, large_body, refusal;
}

/// Checks the only trigger, which is the request that the gateway passes on.
pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = InPod::of(runtime, "inspect");
    let call = Call { method: "PUT".into(), ..Call::post("/a%20b?x=1&x=2", b"body") };
    let call = call.with("X-Twice", "1").with("X-Twice", "2").with("Cookie", "c=d");
    let seen = Inspected::read(&run.call(&call).body);
    assert_eq!((seen.text("platform"), seen.text("trigger"), seen.text("function")), ("openfaas", "http", "figlet"));
    assert_eq!(seen.text("request_id"), call.id);
    assert!(seen.number("remaining_ms") <= 30_000, "{}", seen.0);
    let http = &seen.0["http"];
    assert_eq!((&http["method"], &http["path"], &http["raw_path"]), (&"PUT".into(), &"/a b".into(), &"/a%20b".into()));
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    let headers = http["headers"].as_array().expect("a list");
    let count = |name: &str| headers.iter().filter(|pair| pair[0].as_str() == Some(name)).count();
    assert_eq!((count("X-Twice"), count("X-Start-Time"), count("X-Forwarded-Host")), (2, 1, 1), "{http}");
    assert_eq!((http["cookies"][0].as_str(), http["client_ip"].as_str()), (Some("c=d"), Some("127.0.0.1")));
    assert_eq!(seen.body(), b"body");
    run.assert_clean();
}

fn large_body(runtime: &Runtime) {
    let run = InPod::of(runtime, "echo");
    let body = vec![b'x'; 30_000_000];
    let answer = run.call(&Call { chunks: Some(1 << 16), ..Call::post("/", &body) });
    assert_eq!((answer.status, answer.body.len()), (200, body.len()));
    run.assert_clean();
}

fn refusal(runtime: &Runtime) {
    let options = Options { max_inflight: 2, ..patient() };
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.hold", options);
    let paths = [run.deployment.path("a"), run.deployment.path("b")];
    std::thread::scope(|scope| {
        let held = paths.each_ref().map(|path| scope.spawn(|| run.post(path.display().to_string().as_bytes())));
        until_held(run.pod.process(), 2);
        let refused = run.post(b"one too many");
        assert_eq!((refused.status, refused.header("x-openfaas-internal")), (429, Some("faas-middleware")));
        assert_eq!(refused.text(), "Concurrent request limit exceeded. Max concurrent requests: 2\n");
        for path in &paths {
            std::fs::write(path, "").expect("a handler is let go");
        }
        for held in held {
            assert_eq!(held.join().expect("it is answered").text(), "let go");
        }
    });
    run.assert_clean();
}
