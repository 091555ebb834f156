//! The matrix on OpenFaaS, in the watchdog's place.

use super::run::{InPod, patient, until_held};
use crate::several::{self, Answer, Platform, REQUESTS, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::openfaas::{Call, Options};

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
    let run = InPod::of(runtime, "echo");
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        let answer = run.post(body);
        assert_eq!((answer.status, &answer.body[..]), (200, body));
    }
    run.assert_clean();
}

/// There is one: the request that the gateway passes on.
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

fn fails(runtime: &Runtime, event: &str) {
    let run = InPod::of(runtime, "faulty");
    let answer = run.post(event.as_bytes());
    assert_eq!((answer.status, answer.header("x-openfaas-internal")), (500, None), "{}", answer.text());
    assert!(answer.text().contains("errorMessage"), "{}", answer.text());
    assert_eq!(run.post(faulty::FINE.as_bytes()).status, 200, "the process lives on");
    run.assert_clean();
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR);
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC);
}

fn deadline(runtime: &Runtime) {
    let options = Options { exec_timeout: "1s".into(), ..Options::default() };
    let run = InPod::start(runtime, Deployment::of("faulty"), "faulty", options);
    let answer = run.post(faulty::SPIN.as_bytes());
    assert_eq!((answer.status, answer.header("x-openfaas-internal")), (504, Some("of-watchdog")), "{}", answer.text());
    assert_eq!(run.post(faulty::FINE.as_bytes()).status, 200, "others are served");
    run.assert_clean();
}

fn large_body(runtime: &Runtime) {
    let run = InPod::of(runtime, "echo");
    let body = vec![b'x'; 30_000_000];
    let answer = run.call(&Call { chunks: Some(1 << 16), ..Call::post("/", &body) });
    assert_eq!((answer.status, answer.body.len()), (200, body.len()));
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let run = InPod::launch(runtime, Deployment::empty(), "missing", Options::default());
    assert_eq!(run.pod.wait().expect("it leaves").code(), Some(1), "{}", run.output());
    assert!(run.output().contains("no library for function \"missing\""), "{}", run.output());
    assert!(!run.lock_file().exists(), "it was never healthy");
}

fn sigterm_in_flight(runtime: &Runtime) {
    let options = Options { healthcheck_interval: "0".into(), write_timeout: "10m".into(), ..patient() };
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.hold", options);
    let path = run.deployment.path("go");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| run.post(path.display().to_string().as_bytes()));
        until_held(run.pod.process(), 1);
        run.pod.terminate().expect("the signal is sent");
        let begun = run.pod.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit());
        begun.unwrap_or_else(|why| panic!("{why}"));
        std::fs::write(&path, "").expect("the handler is let go");
        assert_eq!(held.join().expect("what was accepted is answered").text(), "let go");
    });
    run.assert_left();
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

impl Platform for InPod {
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let call = Call { body: body.into(), ..Call::new(method, path) };
        self.call(&call.with("Content-Type", "application/json")).into()
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        panic!("the gateway passes on requests alone: {event}")
    }

    fn view(&self) -> View<'_> {
        View::Held(self.pod.process())
    }
}

fn several_functions(runtime: &Runtime) {
    several::behave(&REQUESTS, |deployment| InPod::start(runtime, deployment, "", Options::default()));
}
