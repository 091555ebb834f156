//! Connections: many, idle, slow, given up, with logs that nobody reads, over a freeze.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::{self, OnHttp};
use integration::wait::{limit, silence};
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

integration::both![
    requests_overlap,
    an_idle_connection_stays_open,
    requests_sent_ahead_are_answered_in_order,
    slow_clients_do_not_block_others,
    a_thousand_connections_stay_open,
    a_client_that_gives_up_cancels_its_handler,
    logs_that_nobody_reads_harm_nothing,
    a_freeze_harms_nothing,
];

fn requests_overlap(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.gate");
    for _ in 0..3 {
        let mut clients: Vec<_> = (0..4).map(|_| run.client()).collect();
        for client in &mut clients {
            client.request("POST", "/", "", b"4").expect("it is open");
        }
        for client in &mut clients {
            assert_eq!(client.read().expect("an answer").text(), "met");
        }
    }
}

fn an_idle_connection_stays_open(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let (mut used, mut fresh) = (run.client(), run.client());
    assert_eq!(used.call("POST", "/", "", b"1").expect("an answer").body, b"1");
    assert!(run.process.wait(silence()).is_err(), "it left:\n{}", run.process.output());
    for client in [&mut used, &mut fresh] {
        assert_eq!(client.call("POST", "/", "", b"2").expect("it is still open").body, b"2");
    }
}

fn requests_sent_ahead_are_answered_in_order(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut client = run.client();
    let requests: String =
        (0..20).map(|n| format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{n:02}")).collect();
    client.send(requests.as_bytes()).expect("it is open");
    for n in 0..20 {
        assert_eq!(client.read().expect("an answer").text(), format!("{n:02}"));
    }
}

fn slow_clients_do_not_block_others(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nslow";
    let mut slow: Vec<_> = (0..50).map(|_| run.client()).collect();
    // Each gets one byte a round, and somebody else a whole request in between.
    for byte in head {
        for client in &mut slow {
            client.send(&[*byte]).expect("it is open");
        }
        assert_eq!(run.call("POST", "/", "", b"quick").body, b"quick");
    }
    for client in &mut slow {
        assert_eq!(client.read().expect("an answer at last").body, b"slow");
    }
}

/// Returns the limit of open files of this process.
fn open_files() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("the kernel tells");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line of it");
    line.split_whitespace().nth(3).and_then(|soft| soft.parse().ok()).unwrap_or(u64::MAX)
}

fn a_thousand_connections_stay_open(runtime: &Runtime) {
    const NEEDED: u64 = 4096;
    if open_files() < NEEDED {
        // Both ends need a descriptor each, and the usual limit is 1024: the test runs again under a higher one.
        let name = format!("connections::a_thousand_connections_stay_open::{}", runtime.name.replace('-', "_"));
        let this = std::env::current_exe().expect("the test binary has a path");
        let script = format!("ulimit -n {NEEDED} && exec \"$0\" --exact {name}");
        let output = Command::new("/bin/sh").args(["-c", &script]).arg(this).output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    let deployment = Deployment::of("echo").env("FAAS_CONCURRENCY", "1000");
    let run = OnHttp::start(runtime, deployment, "echo");
    let mut clients: Vec<_> = (0..1000).map(|_| run.client()).collect();
    for round in [b"first", b"again"] {
        for client in &mut clients {
            client.request("POST", "/", "", round).expect("it is open");
        }
        for client in &mut clients {
            assert_eq!(client.read().expect("an answer").body, round);
        }
    }
}

fn a_client_that_gives_up_cancels_its_handler(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.hold");
    let mut client = run.client();
    client.request("POST", "/", "", b"/no/such/file").expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    drop(client);
    run.process.wait_for_line(|line| line == "cancelled", limit()).expect("the handler is told");
    assert_eq!(run.get("/livez").status, 200);
}

fn logs_that_nobody_reads_harm_nothing(runtime: &Runtime) {
    let deployment = Deployment::of("echo").layer("monitor").env("FAAS_LOG", "trace");
    let port = free_port();
    let own = on_http::command(runtime, &deployment, "echo", port);
    // Both outputs go to a reader that has gone: each write is EPIPE.
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "\"$0\" 2>&1 | :"]).arg(own.get_program()).current_dir(deployment.root()).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let process = Process::spawn(command, |_| ()).expect("sh starts");
    let run = OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }.ready();
    let mut client = run.client();
    for _ in 0..100 {
        assert_eq!(client.call("POST", "/", "", b"still here").expect("an answer").body, b"still here");
    }
    assert_eq!(run.process.status(), None);
}

fn a_freeze_harms_nothing(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut client = run.client();
    assert_eq!(client.call("POST", "/", "", b"before").expect("an answer").body, b"before");
    run.process.signal(Signal::Stop).expect("the signal is sent");
    // The kernel accepts for it; the answer comes after the thaw.
    let mut during = run.client();
    during.request("POST", "/", "", b"during").expect("it is open");
    assert!(run.process.wait(silence()).is_err(), "it is frozen, not gone");
    run.process.signal(Signal::Cont).expect("the signal is sent");
    assert_eq!(during.read().expect("an answer").body, b"during");
    assert_eq!(client.call("POST", "/", "", b"after").expect("it is still open").body, b"after");
}
