//! The statements of `docs/conformance/knative.md` on a pod: ports, probes, hosts, the end.

use super::run::{OnKnative, binary, function, service, structured};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::{limit, until};
use platform_emulators::cloudevents::Request;
use platform_emulators::h2c;
use platform_emulators::knative::Options;
use platform_emulators::knative::options::Probe;
use platform_emulators::knative::pod::{HOST, is_own};
use platform_emulators::process::Signal;
use std::net::TcpStream;

integration::both![
    http2_with_prior_knowledge_is_spoken_or_refused,
    the_handshake_of_webhooks_is_answered_where_it_is_wanted,
    events_of_64_kib_and_of_1_mib_are_taken,
    ports_and_probes_are_those_of_the_platform,
    readiness_waits_for_the_start_and_liveness_does_not,
    probes_are_no_invocations,
    the_host_reaches_the_function,
    after_sigterm_all_is_served_until_routes_have_learnt_of_it,
    a_pod_that_is_scaled_down_drains_first,
    what_is_over_the_limit_waits_at_the_queue_proxy,
    a_wrong_environment_ends_the_process,
];

fn http2_with_prior_knowledge_is_spoken_or_refused(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "echo");
    let exchange = |request: &Request| {
        let stream = TcpStream::connect(run.pod.address()).expect("it is open");
        stream.set_read_timeout(Some(limit())).expect("a limit can be set");
        h2c::exchange(stream, "POST", "/", HOST, &request.headers, &request.body)
    };
    for request in [Request::json("100C"), binary(&[], "100C"), structured(r#","data":1"#)] {
        if runtime.name == "bootstrap" {
            let answer = exchange(&request).expect("it is spoken");
            assert_eq!((answer.status, answer.body), (200, request.body));
        } else {
            assert!(exchange(&request).is_err());
            assert_eq!(run.call(&request).body, request.body, "it goes on");
        }
    }
}

fn the_handshake_of_webhooks_is_answered_where_it_is_wanted(runtime: &Runtime) {
    let asks = [("WebHook-Request-Origin", "sender.example"), ("WebHook-Request-Rate", "120")];
    let asks = Request::new("OPTIONS", "/", &asks, "");
    let deployment = || Deployment::of("echo").env("FAAS_SIGNATURE", "cloudevent");
    let run = OnKnative::start(runtime, deployment().env("FAAS_WEBHOOK", "true"), "echo", function());
    let answer = run.call(&asks);
    assert_eq!((answer.status, answer.header("webhook-allowed-origin")), (200, Some("*")));
    assert_eq!(answer.header("webhook-allowed-rate"), Some("*"));
    assert_eq!(run.call(&Request::new("OPTIONS", "/", &[], "")).status, 405, "nothing is asked");
    let run = OnKnative::start(runtime, deployment(), "echo", function());
    assert_eq!(run.call(&asks).status, 405);
}

fn events_of_64_kib_and_of_1_mib_are_taken(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "echo");
    for size in [64 << 10, 1 << 20] {
        let data = "x".repeat(size);
        assert_eq!(run.call(&binary(&[], &*data)).body, data.as_bytes());
        let request = structured(&format!(r#","data":"{data}""#));
        assert_eq!(run.call(&request).body, request.body);
    }
}

fn ports_and_probes_are_those_of_the_platform(runtime: &Runtime) {
    // A service has PORT alone; a function has LISTEN_ADDRESS, too, which counts more.
    let run = OnKnative::start(runtime, Deployment::of("probe"), "probe.phases", service());
    assert_eq!(run.call(&Request::json("x")).text(), "done");
    let deployment = Deployment::of("probe").env("PORT", "1");
    let run = OnKnative::start(runtime, deployment, "probe.phases", function());
    for (path, status) in [("/health/liveness", 200), ("/health/readiness", 200), ("/livez", 200), ("/readyz", 200)] {
        assert_eq!(run.pod.kubelet(path).expect("it is answered"), status, "{path}");
        assert_eq!(run.call(&Request::new("GET", path, &[], "")).status, status, "whoever asks");
    }
    assert_eq!(run.calls(), 0, "none is sent to the function");
    let paths = Deployment::of("probe").env("LIVENESS_URL", "/up").env("READINESS_URL", "/ok");
    let options = Options { readiness: Probe::Http("/ok".to_owned()), ..function() };
    let run = OnKnative::start(runtime, paths, "probe.phases", options);
    assert_eq!(run.call(&Request::new("GET", "/up", &[], "")).status, 200);
    assert_eq!(run.call(&Request::new("GET", "/health/liveness", &[], "")).text(), "done", "it is the function's now");
}

fn readiness_waits_for_the_start_and_liveness_does_not(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let go = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &go.display().to_string());
    let run = OnKnative::launch(runtime, deployment, "probe.slow_start", function());
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the start is under way");
    let answered = until("a probe is answered", run.process(), || run.pod.probe().ok());
    assert_eq!(answered.unwrap_or_else(|why| panic!("{why}")), 503);
    assert_eq!(run.pod.kubelet("/health/liveness").expect("it is answered"), 200);
    std::fs::write(go, "").expect("the start is let go");
    run.pod.ready().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(run.call(&Request::json("started")).body, b"started");
}

fn probes_are_no_invocations(runtime: &Runtime) {
    let deployment = Deployment::of("echo").layer("monitor").env("FAAS_LOG", "trace");
    let run = OnKnative::start(runtime, deployment, "echo", function());
    for path in ["/health/readiness", "/health/liveness", "/readyz", "/livez"] {
        assert_eq!(run.pod.kubelet(path).expect("it is answered"), 200, "{path}");
    }
    assert_eq!(run.call(&binary(&[], "x")).text(), "x");
    // Lines are written in order: what a probe had caused would stand before the line of the call.
    let is_call = |line: &str| line.contains(r#""faas":"invocation""#);
    let first = run.process().wait_for_line(is_call, limit()).expect("the call is told of");
    assert!(first.contains(r#""cold_start":true"#), "{first}");
    let lines = run.process().lines();
    assert_eq!(lines.iter().filter(|line| is_call(&line.text)).count(), 1, "{lines:?}");
    assert!(lines.iter().all(|line| !line.text.contains("kube-probe")), "{lines:?}");
}

fn the_host_reaches_the_function(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "inspect");
    for host in [HOST, "other.example:8443"] {
        let seen = run.inspect(&Request::new("GET", "/", &[("Host", host)], ""));
        assert_eq!(seen.0["http"]["host"], host);
    }
}

fn after_sigterm_all_is_served_until_routes_have_learnt_of_it(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "probe.hold");
    let (first, second) = (run.deployment.path("first"), run.deployment.path("second"));
    let path = |path: &std::path::Path| path.display().to_string();
    let pending = run.pod.begin(&Request::json(path(&first))).expect("it is open");
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    run.process().signal(Signal::Term).expect("the signal is sent");
    run.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    // Routers learn late: for some seconds a new request is served, and readiness tells whoever asks. On a machine that
    // is slow to come here the port may be closed already, which is the end of the same story.
    std::fs::write(&second, "").expect("the second need not wait");
    if let Ok(answer) = run.pod.call(&Request::json(path(&second))) {
        assert!(answer.text() == "let go" || answer.status == 503 || is_own(&answer), "{answer:?}");
    }
    if let Ok(status) = run.pod.probe() {
        assert_eq!(status, 503);
    }
    std::fs::write(first, "").expect("the function is let go");
    assert_eq!(pending.end().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process().output());
}

fn a_pod_that_is_scaled_down_drains_first(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "probe.hold");
    let path = run.deployment.path("go");
    let pending = run.pod.begin(&binary(&[], path.display().to_string())).expect("it is open");
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| run.pod.scale_down());
        std::fs::write(path, "").expect("the function is let go");
        assert_eq!(pending.end().expect("it is answered").text(), "let go");
        let status = ended.join().expect("it does not panic").unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(status.code(), Some(0), "{}", run.process().output());
    });
    assert!(run.process().output().contains("stopping: "), "SIGTERM came:\n{}", run.process().output());
}

fn what_is_over_the_limit_waits_at_the_queue_proxy(runtime: &Runtime) {
    let options = Options { container_concurrency: 1, ..function() };
    let run = OnKnative::start(runtime, Deployment::of("echo"), "echo", options);
    std::thread::scope(|scope| {
        let run = &run;
        let call = |n: u8| scope.spawn(move || run.call(&binary(&[], vec![b'0' + n; 3])));
        let calls: Vec<_> = (0..5).map(|n| (n, call(n))).collect();
        for (n, call) in calls {
            assert_eq!(call.join().expect("it does not panic").body, vec![b'0' + n; 3]);
        }
    });
}

fn a_wrong_environment_ends_the_process(runtime: &Runtime) {
    for (name, value) in [("LISTEN_ADDRESS", "nowhere"), ("FAAS_SIGNATURE", "carrier-pigeon"), ("PORT", "many")] {
        let options = if name == "PORT" { service() } else { function() };
        let run = OnKnative::launch(runtime, Deployment::of("echo").env(name, value), "echo", options);
        assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1), "{name}");
        let said = run.process().output();
        assert!(said.contains(name) && said.contains(value) && said.contains("platform knative"), "{said}");
    }
}
