//! The memory of unfinished requests: it stays within a budget, refusals have words, and the process lives.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::kernel;
use integration::on_http::OnHttp;
use integration::wait::{self, silence};
use std::time::{Duration, Instant};

integration::both![
    unfinished_bodies_stay_within_the_budget,
    claimed_lengths_cost_nothing,
    unfinished_bodies_do_not_end_a_process_with_little_memory,
    silent_connections_lock_nobody_out,
    silent_connections_of_http_2_lock_nobody_out,
    half_requests_lock_nobody_out,
    connections_beyond_the_limit_lock_nobody_out,
];

const MIB: u64 = 1 << 20;
/// The limit of a body, `FAAS_MAX_BODY`, by default.
const BODY: u64 = 32 * MIB;
/// The budget where no `FAAS_MAX_BUFFERED` says otherwise.
const BUFFERED: u64 = 64 * MIB + 2 * BODY;
/// The memory of a process apart from requests, with that kept back by its allocator.
const REST: u64 = 32 * MIB;

/// Opens connections that send a request of almost the largest size, and keeps them open. Each sends the head, and all
/// of the body but the end, as far as the server takes it. Probes are answered in between.
fn unfinished(run: &OnHttp, count: usize) -> Vec<Client> {
    let length = 31 * MIB as usize;
    let mut request = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n").into_bytes();
    request.resize(request.len() + length - 1, b'x');
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = run.client();
        client.push(&request, Duration::from_millis(300)).expect("a socket");
        assert_eq!(run.get("/livez").status, 200, "{}", run.process.output());
        clients.push(client);
    }
    clients
}

/// Returns how many of them were answered; each answer says that there is no room.
fn refused(clients: &mut [Client]) -> usize {
    let mut count = 0;
    for client in clients {
        if let Ok(Some(answer)) = client.glance(Duration::from_millis(1)) {
            let known = answer.starts_with(b"HTTP/1.1 503 ") || answer.starts_with(b"HTTP/1.1 413 ");
            assert!(known, "{}", answer.escape_ascii());
            count += 1;
        }
    }
    count
}

fn unfinished_bodies_stay_within_the_budget(runtime: &Runtime) {
    for (count, budget, deployment) in [
        (40, BUFFERED, Deployment::of("echo")),
        (16, 48 * MIB, Deployment::of("echo").env("FAAS_MAX_BUFFERED", &(48 * MIB).to_string())),
    ] {
        let run = OnHttp::start(runtime, deployment, "echo");
        let mut clients = unfinished(&run, count);
        assert_eq!(run.call("POST", "/", "", b"served").body, b"served", "{}", run.process.output());
        let peak = kernel::peak_memory(&run.process);
        // A buffer that moves is there twice for a moment.
        assert!(peak <= budget + BODY + REST, "{} MiB for a budget of {} MiB", peak / MIB, budget / MIB);
        assert!(refused(&mut clients) > 0, "{count} bodies of 31 MiB do not fit into {} MiB", budget / MIB);
    }
}

fn claimed_lengths_cost_nothing(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let large = vec![b'x'; 20 * MIB as usize];
    let mut client = run.client();
    let reply = client.call("POST", "/", "", &large).expect("an answer");
    assert_eq!(reply.body.len(), large.len());
    let before = kernel::peak_memory(&run.process);
    let mut clients = Vec::new();
    for _ in 0..400 {
        let mut client = run.client();
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {BODY}\r\n\r\n");
        client.send(head.as_bytes()).expect("it is open");
        clients.push(client);
    }
    assert_eq!(run.get("/livez").status, 200);
    assert_eq!(run.call("POST", "/", "", b"served").body, b"served");
    let grown = kernel::peak_memory(&run.process) - before;
    assert!(grown <= REST, "{} MiB for 400 heads", grown / MIB);
    assert_eq!(run.process.status(), None);
}

fn unfinished_bodies_do_not_end_a_process_with_little_memory(runtime: &Runtime) {
    let wrapper = ["prlimit", "--as=536870912", "--"];
    let deployment = Deployment::of("echo").env("FAAS_THREADS", "2");
    let run = OnHttp::start_under(&wrapper, runtime, deployment, "echo");
    let mut clients = unfinished(&run, 24);
    assert_eq!(run.call("POST", "/", "", b"served").body, b"served", "{}", run.process.output());
    assert!(refused(&mut clients) > 0, "24 bodies of 31 MiB do not fit into 512 MiB");
    assert_eq!(run.process.status(), None, "{}", run.process.output());
    drop(clients);
    let again = wait::until("a large request is served again", &run.process, || {
        let reply = run.client().call("POST", "/", "", &vec![b'x'; 4 * MIB as usize]).ok()?;
        (reply.status == 200 && reply.body.len() as u64 == 4 * MIB).then_some(())
    });
    again.unwrap_or_else(|why| panic!("{why}"));
}

fn silent_connections_lock_nobody_out(runtime: &Runtime) {
    let wrapper = ["prlimit", "--nofile=256", "--"];
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1h");
    let run = OnHttp::start_under(&wrapper, runtime, deployment, "echo");
    drop(nobody_is_locked_out(&run, b""));
}

fn silent_connections_of_http_2_lock_nobody_out(runtime: &Runtime) {
    let wrapper = ["prlimit", "--nofile=256", "--"];
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1h");
    let run = OnHttp::start_under(&wrapper, runtime, deployment, "echo");
    drop(nobody_is_locked_out(&run, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"));
}

fn half_requests_lock_nobody_out(runtime: &Runtime) {
    let wrapper = ["prlimit", "--nofile=256", "--"];
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1h");
    let run = OnHttp::start_under(&wrapper, runtime, deployment, "echo");
    drop(nobody_is_locked_out(&run, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"));
}

fn connections_beyond_the_limit_lock_nobody_out(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1h").env("FAAS_MAX_CONNECTIONS", "100");
    let run = OnHttp::start(runtime, deployment, "echo");
    let before = kernel::sockets(&run.process);
    let _silent = nobody_is_locked_out(&run, b"");
    let more = kernel::sockets(&run.process).saturating_sub(before);
    assert!(more <= 100, "{more} connections");
}

/// Checks that everybody else is served while 300 connections send this and nothing more, and that the log says little
/// of it. Returns those connections.
fn nobody_is_locked_out(run: &OnHttp, beginning: &[u8]) -> Vec<Client> {
    let lines = run.process.lines().len();
    let silent = |_| {
        let mut client = run.client();
        // Some are closed for others before they have sent it.
        let _ = client.send(beginning);
        client
    };
    let silent = (0..300).map(silent).collect();
    let end = Instant::now() + silence();
    while Instant::now() < end {
        assert_eq!(run.get("/livez").status, 200, "{}", run.process.output());
        assert_eq!(run.call("POST", "/", "", b"served").body, b"served", "{}", run.process.output());
        assert!(run.process.wait(Duration::from_millis(100)).is_err(), "{}", run.process.output());
    }
    let said = run.process.lines().len() - lines;
    assert!(said <= 5, "{said} lines:\n{}", run.process.output());
    silent
}
