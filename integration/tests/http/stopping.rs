//! Starting and stopping: the port, the probes, the signals.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::on_http::{self, OnHttp};
use integration::wait::{self, limit, silence};
use platform_emulators::process::{Process, Signal};
use std::net::TcpListener;

integration::both![
    the_port_of_the_variable_is_listened_on,
    a_port_in_use_is_named_and_ends_the_process,
    a_port_that_is_none_is_named_and_ends_the_process,
    a_failed_start_is_said_and_ends_the_process,
    a_start_over_its_limit_is_told_and_one_within_is_not,
    readiness_waits_for_the_start_and_liveness_does_not,
    probes_do_not_reach_the_handler,
    sigterm_lets_what_runs_end_and_leaves_cleanly,
    sigint_is_sigterm,
    sigterm_during_start_ends_the_process,
    a_second_signal_ends_the_process_at_once,
    the_grace_ends_what_does_not,
];

fn the_port_of_the_variable_is_listened_on(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    assert_eq!(run.call("POST", "/", "", b"here").body, b"here");
    let port = run.address.port().to_string();
    let line = run.process.wait_for_line(|line| line.contains(&port), limit());
    assert!(line.is_ok(), "the start line names it: {line:?}");
}

fn a_port_in_use_is_named_and_ends_the_process(runtime: &Runtime) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it has an address").port();
    let deployment = Deployment::of("echo");
    let command = on_http::command(runtime, &deployment, "echo", port);
    let process = Process::spawn(command, |_| ()).expect("the runtime starts");
    assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(1));
    let said = process.output();
    assert!(said.contains(&port.to_string()) && said.to_lowercase().contains("in use"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

fn a_port_that_is_none_is_named_and_ends_the_process(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("PORT", "eighty");
    let command = on_http::command(runtime, &deployment, "echo", 0);
    let process = Process::spawn(command, |_| ()).expect("the runtime starts");
    assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(1));
    let said = process.output();
    assert!(said.contains("PORT") && said.contains("eighty"), "{said}");
}

fn a_failed_start_is_said_and_ends_the_process(runtime: &Runtime) {
    let run = OnHttp::launch(runtime, Deployment::of("probe"), "probe.failing_start");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1));
    assert!(run.process.output().contains("the database is not there"), "{}", run.process.output());
}

fn a_start_over_its_limit_is_told_and_one_within_is_not(runtime: &Runtime) {
    let slow = |limit: &str| {
        let deployment = Deployment::of("probe");
        let go = deployment.path("go");
        let deployment = deployment.env("PROBE_FILE", &go.display().to_string()).env("FAAS_INIT_TIMEOUT", limit);
        let run = OnHttp::launch(runtime, deployment, "probe.slow_start");
        run.process.wait_for_line(|line| line == "holding", wait::limit()).expect("the start is under way");
        (run, go)
    };
    let (run, _) = slow("1s");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1));
    let said = run.process.output();
    let is_told = said.contains("Runtime.InitTimedOut") && said.contains("longer than FAAS_INIT_TIMEOUT, 1000 ms");
    assert!(is_told, "{said}");
    let (run, go) = slow("10m");
    std::fs::write(go, "").expect("the start is let go");
    let run = run.ready();
    assert_eq!(run.call("POST", "/", "", b"started").body, b"started");
    assert!(!run.process.output().contains("InitTimedOut"), "{}", run.process.output());
}

fn readiness_waits_for_the_start_and_liveness_does_not(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let go = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &go.display().to_string());
    let run = OnHttp::launch(runtime, deployment, "probe.slow_start");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the start is under way");
    let ready = wait::until("a probe is answered", &run.process, || run.try_get("/readyz").ok());
    assert_eq!(ready.unwrap_or_else(|why| panic!("{why}")).status, 503);
    assert_eq!(run.get("/livez").status, 200);
    std::fs::write(go, "").expect("the start is let go");
    let run = run.ready();
    assert_eq!(run.get("/livez").status, 200);
    assert_eq!(run.call("POST", "/", "", b"started").body, b"started");
}

fn probes_do_not_reach_the_handler(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.hold");
    for path in ["/livez", "/readyz"] {
        let reply = run.call("GET", path, "User-Agent: kube-probe/1.33\r\nConnection: close\r\n", b"");
        assert_eq!((reply.status, reply.header("cache-control")), (200, Some("no-store")), "{path}");
    }
    assert!(!run.process.output().contains("holding"), "{}", run.process.output());
}

/// Asks a running handler to stay until the file exists, and returns its connection.
fn held(run: &OnHttp) -> (Client, std::path::PathBuf) {
    let path = run.deployment.path("go");
    let mut client = run.client();
    client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    (client, path)
}

fn sigterm_lets_what_runs_end_and_leaves_cleanly(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe").env("FAAS_GRACE", "60s"), "probe.hold");
    let (mut client, path) = held(&run);
    let mut idle = run.client();
    run.process.signal(Signal::Term).expect("the signal is sent");
    // New work is refused, be it by the port or by an answer.
    let refused = wait::until("new work is refused", &run.process, || match run.try_get("/readyz") {
        Ok(reply) if reply.status == 200 => None,
        refused => Some(refused.map(|reply| reply.status)),
    });
    assert!(matches!(refused, Ok(Err(_) | Ok(503))), "{refused:?}");
    assert_eq!(run.process.status(), None, "it waits for what runs");
    std::fs::write(path, "").expect("the handler is let go");
    let reply = client.read().expect("what was accepted is answered");
    assert_eq!((reply.status, reply.text().as_str(), reply.closes), (200, "let go", true));
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    assert!(idle.rest().is_ok_and(|rest| rest.is_empty()), "an idle connection ends without a word");
    assert!(Client::connect(run.address).is_err());
}

fn sigint_is_sigterm(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.ending");
    assert_eq!(run.call("POST", "/", "", b"1").body, b"1");
    run.process.signal(Signal::Int).expect("the signal is sent");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0));
    assert!(run.process.output().contains("closed"), "Close came:\n{}", run.process.output());
}

fn sigterm_during_start_ends_the_process(runtime: &Runtime) {
    let run = OnHttp::launch(runtime, Deployment::of("probe").env("PROBE_FILE", "/no/such/file"), "probe.slow_start");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the start is under way");
    let sent = std::time::Instant::now();
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait(limit()).expect("it leaves");
    // The default grace is 8 s, most platforms kill after 10: a start in progress is no reason to wait for either.
    assert!(sent.elapsed() < std::time::Duration::from_secs(7) * wait::scale(), "after {:?}", sent.elapsed());
}

fn a_second_signal_ends_the_process_at_once(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe").env("FAAS_GRACE", "1h"), "probe.hold");
    let (_client, _path) = held(&run);
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert!(run.process.wait(silence() / 6).is_err(), "the first signal lets it run");
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
}

fn the_grace_ends_what_does_not(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("faulty").env("FAAS_GRACE", "1s"), "faulty");
    let mut client = run.client();
    let body = integration::faulty::SPIN.as_bytes();
    client.request("POST", "/", "Content-Type: application/json\r\n", body).expect("it is open");
    // The request is in: an answer to a later one on another connection shows that this one was read.
    assert_eq!(run.get("/livez").status, 200);
    run.process.signal(Signal::Term).expect("the signal is sent");
    let status = run.process.wait(limit()).expect("the grace is over");
    assert!(status.code().is_some(), "no signal ended it: {status}");
}
