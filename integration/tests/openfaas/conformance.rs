//! The statements of `docs/conformance/openfaas.md` about a process in the watchdog's place.

use super::run::{InPod, patient, until_held};
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::{limit, until};
use platform_emulators::openfaas::{Call, Options};

integration::both![
    health_is_200_503_and_405,
    readiness_is_200_429_503_and_405,
    a_ready_path_is_the_functions_to_answer,
    the_lock_file_is_there_while_calls_are_taken,
    a_suppressed_lock_file_is_not_missed,
    every_answer_of_a_function_says_how_long_it_took,
    x_timeout_shortens_the_limit_and_is_ignored_otherwise,
    calls_are_served_while_the_pod_drains,
    max_inflight_counts_exactly,
    metrics_are_on_a_port_of_their_own,
    durations_are_seconds_or_gos,
    server_sent_events_leave_as_they_are_written,
    each_call_leaves_a_line_with_its_id,
];

/// Returns a function that starts when the file of that name appears.
fn starting(runtime: &Runtime) -> InPod {
    let deployment = Deployment::of("probe");
    let go = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &go.display().to_string());
    let run = InPod::launch(runtime, deployment, "probe.slow_start", Options::default());
    run.pod.process().wait_for_line(|line| line == "holding", limit()).expect("the start is under way");
    let probed = until("a probe is answered", run.pod.process(), || run.pod.probe("GET", "/_/health").ok());
    assert_eq!(probed.unwrap_or_else(|why| panic!("{why}")).status, 503);
    run
}

fn started(run: &InPod) {
    std::fs::write(run.deployment.path("go"), "").expect("the start is let go");
    run.pod.wait_until_healthy().unwrap_or_else(|why| panic!("{why}"));
}

fn health_is_200_503_and_405(runtime: &Runtime) {
    let run = starting(runtime);
    started(&run);
    let answer = run.pod.probe("GET", "/_/health").expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "OK"));
    for method in ["POST", "PUT", "HEAD", "DELETE"] {
        assert_eq!(run.probe(method, "/_/health"), 405, "{method}");
    }
    std::fs::remove_file(run.lock_file()).expect("the lock file is there");
    assert_eq!(run.probe("GET", "/_/health"), 503, "without its file it is not healthy");
    std::fs::write(run.lock_file(), "").expect("a file can be made");
    assert_eq!(run.probe("GET", "/_/health"), 200);
    run.terminate();
    assert_eq!(run.probe("GET", "/_/health"), 503, "{}", run.output());
    assert_eq!(run.post(b"served").text(), "served");
}

fn readiness_is_200_429_503_and_405(runtime: &Runtime) {
    let options = Options { max_inflight: 1, ..patient() };
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.hold", options);
    assert_eq!((run.probe("GET", "/_/ready"), run.probe("POST", "/_/ready")), (200, 405));
    let path = run.deployment.path("go");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| run.post(path.display().to_string().as_bytes()));
        until_held(run.pod.process(), 1);
        assert_eq!((run.probe("GET", "/_/ready"), run.probe("GET", "/_/health")), (429, 200));
        std::fs::write(&path, "").expect("the handler is let go");
        assert_eq!(held.join().expect("it is answered").status, 200);
    });
    assert_eq!(run.probe("GET", "/_/ready"), 200);
    run.terminate();
    assert_eq!(run.probe("GET", "/_/ready"), 503);
    let starting = starting(runtime);
    assert_eq!(starting.probe("GET", "/_/ready"), 503);
}

fn a_ready_path_is_the_functions_to_answer(runtime: &Runtime) {
    let options = Options { ready_path: "/204?deep".into(), ..Options::default() };
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.status", options);
    assert_eq!(run.probe("GET", "/_/ready"), 204);
    assert_eq!(run.probe("POST", "/_/ready"), 405);
    let options = Options { ready_path: "/ready/now".into(), ..Options::default() };
    let run = InPod::start(runtime, Deployment::of("inspect"), "inspect", options);
    let seen = Inspected::read(&run.pod.probe("GET", "/_/ready").expect("an answer").body);
    assert_eq!((&seen.0["http"]["method"], &seen.0["http"]["path"]), (&"GET".into(), &"/ready/now".into()));
    assert!(seen.0["http"]["headers"].to_string().contains("kube-probe/1.30"), "{}", seen.0);
}

fn the_lock_file_is_there_while_calls_are_taken(runtime: &Runtime) {
    let run = starting(runtime);
    assert!(!run.lock_file().exists(), "it is not healthy yet");
    started(&run);
    assert!(run.lock_file().is_file());
    run.terminate();
    let gone = until("the lock file is gone", run.pod.process(), || (!run.lock_file().exists()).then_some(()));
    gone.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(run.post(b"served").text(), "served", "calls are still taken");
}

fn a_suppressed_lock_file_is_not_missed(runtime: &Runtime) {
    let options = Options { suppress_lock: true, ..Options::default() };
    let run = InPod::start(runtime, Deployment::of("echo"), "echo", options);
    assert!(!run.lock_file().exists());
    assert_eq!((run.probe("GET", "/_/health"), run.probe("GET", "/_/ready")), (200, 200));
}

/// The emulator looks at every answer.
fn every_answer_of_a_function_says_how_long_it_took(runtime: &Runtime) {
    let run = InPod::of(runtime, "faulty");
    for event in [faulty::FINE, faulty::ERROR, faulty::PANIC] {
        let answer = run.post(event.as_bytes());
        assert!(answer.header("x-duration-seconds").is_some(), "{event}: {:?}", answer.headers);
    }
    run.assert_clean();
    let run = InPod::start(runtime, Deployment::of("stream"), "stream", Options::default());
    assert_eq!(run.call(&Call::new("GET", "/?chunks=2&bytes=4")).text(), "0..\n1..\n");
    run.assert_clean();
    let run = InPod::of(runtime, "echo");
    assert_eq!(run.call(&Call::new("HEAD", "/")).status, 200);
    run.assert_clean();
}

fn x_timeout_shortens_the_limit_and_is_ignored_otherwise(runtime: &Runtime) {
    let options = || Options { write_timeout: "10m".into(), ..patient() };
    let run = InPod::start(runtime, Deployment::of("inspect"), "inspect", options());
    let remaining = |timeout: &str| {
        let answer = run.call(&Call::new("GET", "/").with("X-Timeout", timeout));
        Inspected::read(&answer.body).number("remaining_ms")
    };
    assert!(remaining("5m") <= 300_000);
    for ignored in ["11m", "20", "soon", "0s", "-1s"] {
        assert!((300_000..=600_000).contains(&remaining(ignored)), "{ignored}");
    }
    let run = InPod::start(runtime, Deployment::of("faulty"), "faulty", patient());
    let answer = run.call(&Call::post("/", faulty::HANG.as_bytes()).with("X-Timeout", "500ms"));
    assert_eq!((answer.status, answer.header("x-openfaas-internal")), (504, Some("of-watchdog")), "{}", answer.text());
    run.assert_clean();
}

fn calls_are_served_while_the_pod_drains(runtime: &Runtime) {
    let options = Options { healthcheck_interval: "6s".into(), write_timeout: "10m".into(), ..patient() };
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.hold", options);
    let path = run.deployment.path("go");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| run.post(path.display().to_string().as_bytes()));
        until_held(run.pod.process(), 1);
        run.terminate();
        assert_eq!(run.probe("GET", "/_/health"), 503);
        // A new call on a new connection is taken, and that one outlives the drain.
        let late = scope.spawn(|| run.post(path.display().to_string().as_bytes()));
        until_held(run.pod.process(), 2);
        let closed = until("the port closes", run.pod.process(), || {
            std::net::TcpStream::connect(run.pod.address()).is_err().then_some(())
        });
        closed.unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(run.pod.process().status(), None, "two still run");
        std::fs::write(&path, "").expect("the handlers are let go");
        for held in [held, late] {
            assert_eq!(held.join().expect("what was accepted is answered").text(), "let go");
        }
    });
    run.assert_left();
    run.assert_clean();
}

fn max_inflight_counts_exactly(runtime: &Runtime) {
    let options = Options { max_inflight: 3, ..patient() };
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.hold", options);
    let path = |name: &str| run.deployment.path(name).display().to_string().into_bytes();
    let release = |name: &str| std::fs::write(run.deployment.path(name), "").expect("a handler is let go");
    std::thread::scope(|scope| {
        let mut held = Vec::new();
        for (count, name) in ["a", "b", "c"].iter().enumerate() {
            assert_eq!(run.probe("GET", "/_/ready"), 200, "{name}");
            held.push(scope.spawn(|| run.post(&path(name))));
            until_held(run.pod.process(), count + 1);
        }
        for _ in 0..20 {
            assert_eq!(run.post(b"one too many").status, 429);
        }
        assert_eq!(run.probe("GET", "/_/ready"), 429);
        release("a");
        assert_eq!(held.remove(0).join().expect("it is answered").status, 200);
        assert_eq!(run.probe("GET", "/_/ready"), 200, "one place is free");
        held.push(scope.spawn(|| run.post(&path("d"))));
        until_held(run.pod.process(), 4);
        assert_eq!(run.post(b"one too many").status, 429);
        for name in ["b", "c", "d"] {
            release(name);
        }
        for held in held {
            assert_eq!(held.join().expect("it is answered").status, 200);
        }
    });
    run.assert_clean();
}

fn metrics_are_on_a_port_of_their_own(runtime: &Runtime) {
    let run = InPod::start(runtime, Deployment::of("faulty"), "faulty", Options::default());
    for event in [faulty::FINE, faulty::FINE, faulty::ERROR] {
        run.post(event.as_bytes());
    }
    run.call(&Call::new("GET", "/"));
    let page = run.pod.scrape(run.metrics).expect("an answer");
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    assert!(page.header("content-type").is_some_and(|value| value.starts_with("text/plain; version=0.0.4")));
    for line in [
        "http_requests_total{code=\"200\",method=\"post\"} 2",
        "http_requests_total{code=\"500\",method=\"post\"} 1",
        "http_requests_total{code=\"200\",method=\"get\"} 1",
        "http_request_duration_seconds_count{code=\"200\",method=\"post\"} 2",
        "http_request_duration_seconds_bucket{code=\"200\",method=\"post\",le=\"+Inf\"} 2",
        "http_requests_in_flight 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert_eq!(run.call(&Call::new("GET", "/metrics")).status, 200, "on the function's port it is the function's path");
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.hold", patient());
    let path = run.deployment.path("go");
    std::thread::scope(|scope| {
        let held = scope.spawn(|| run.post(path.display().to_string().as_bytes()));
        until_held(run.pod.process(), 1);
        let text = run.pod.scrape(run.metrics).expect("an answer").text();
        assert!(text.ends_with("http_requests_in_flight 1\n"), "{text}");
        std::fs::write(&path, "").expect("the handler is let go");
        held.join().expect("it is answered");
    });
}

fn durations_are_seconds_or_gos(runtime: &Runtime) {
    for (text, millis) in [("90", 90_000), ("1m30s", 90_000), ("1.5m", 90_000), ("90000ms", 90_000)] {
        let options = Options { exec_timeout: text.into(), write_timeout: "10m".into(), ..Options::default() };
        let run = InPod::start(runtime, Deployment::of("inspect"), "inspect", options);
        let remaining = Inspected::read(&run.post(b"").body).number("remaining_ms");
        assert!((60_000..=millis).contains(&remaining), "{text}: {remaining}");
    }
    for (options, name) in [
        (Options { exec_timeout: "soon".into(), ..Options::default() }, "exec_timeout"),
        (Options { write_timeout: "0".into(), ..Options::default() }, "write_timeout"),
        (Options { healthcheck_interval: "1x".into(), ..Options::default() }, "healthcheck_interval"),
    ] {
        let run = InPod::launch(runtime, Deployment::of("echo"), "echo", options);
        assert_eq!(run.pod.wait().expect("it leaves").code(), Some(1), "{}", run.output());
        assert!(run.output().contains(&format!("{name}: expected")), "{}", run.output());
    }
}

fn server_sent_events_leave_as_they_are_written(runtime: &Runtime) {
    let run = InPod::start(runtime, Deployment::of("probe"), "probe.streaming", Options::default());
    let path = run.deployment.path("go");
    let mut client = Client::connect(run.pod.address()).expect("it listens");
    let headers = "Accept: text/event-stream\r\nX-Call-Id: sse-1\r\n";
    client.request("POST", "/", headers, format!("{}|ok", path.display()).as_bytes()).expect("it is open");
    run.pod.process().wait_for_line(|line| line == "holding", limit()).expect("the first half is out");
    let head = client.head().expect("the head, while the handler holds");
    assert_eq!((head.status, head.header("transfer-encoding")), (201, Some("chunked")));
    assert!(head.header("x-duration-seconds").is_some(), "{:?}", head.headers);
    assert_eq!(client.chunk().expect("the first chunk, while the handler holds"), b"first");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(client.chunk().expect("the second"), b"second");
    assert_eq!(client.chunk().expect("the end"), b"");
    // A caller that wants a stream has as long as it takes.
    let run = InPod::of(runtime, "inspect");
    for (accept, limited) in [("text/event-stream", false), ("application/x-ndjson", false), ("text/html", true)] {
        let seen = Inspected::read(&run.call(&Call::new("GET", "/").with("Accept", accept)).body);
        assert_eq!(seen.0["remaining_ms"].is_number(), limited, "{accept}: {}", seen.0);
    }
}

fn each_call_leaves_a_line_with_its_id(runtime: &Runtime) {
    let options = Options { log_callid: true, ..Options::default() };
    let run = InPod::start(runtime, Deployment::of("echo"), "echo", options);
    let call = Call { id: "call-7".into(), ..Call::post("/path?secret=1", b"123456789") };
    assert_eq!(run.call(&call).status, 200);
    let line = run.pod.process().wait_for_line(|line| line.contains("POST /path"), limit());
    let line = line.unwrap_or_else(|why| panic!("{why}"));
    assert!(line.contains("POST /path - 200 OK - ContentLength: 9B (0.") && line.ends_with("s) [call-7]"), "{line}");
    let probe = call.with("User-Agent", "kube-probe/1.30");
    assert_eq!(run.call(&Call { target: "/probed".into(), ..probe }).status, 200);
    // Lines come in the order of calls.
    assert_eq!(run.call(&Call::new("GET", "/last")).status, 200);
    let last = run.pod.process().wait_for_line(|line| line.contains("GET /last"), limit());
    last.unwrap_or_else(|why| panic!("{why}"));
    assert!(!run.output().contains("/probed") && !run.output().contains("secret"), "{}", run.output());
}
