//! Many connections at once: idle ones, busy ones, too many of them, and those whose client leaves.

use crate::client::Client;
use crate::gate::{Gate, Running};
use crate::server::Server;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

fn hold(server: &Server) -> Client {
    let mut client = server.connect();
    client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n");
    client
}

#[test]
fn a_thousand_idle_connections_and_two_hundred_busy_ones() {
    const BUSY: usize = 200;
    let gate = Gate::new();
    let server = Server::slow_with_files(&gate, 2000, &[("FAAS_THREADS", "200")]);
    let mut idle: Vec<_> = (0..1000).map(|_| server.connect()).collect();
    for client in idle.iter_mut().step_by(10) {
        assert_eq!(client.get("/readyz").status, 200);
    }
    let mut busy: Vec<_> = (0..BUSY).map(|_| hold(&server)).collect();
    let mut running: Vec<Running> = (0..BUSY).map(|_| gate.next()).collect();
    let threads = || std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap().count();
    // The threads that read the last requests may still be about to leave.
    let end = Instant::now() + Duration::from_secs(30);
    while threads() > BUSY + 3 {
        let many = threads();
        assert!(Instant::now() < end, "one an invocation, one each for watching, deadlines and probes, not {many}");
        thread::yield_now();
    }
    for client in &mut idle {
        assert_eq!(client.get("/livez").status, 200, "somebody always listens");
    }
    running.iter_mut().for_each(Running::go_on);
    busy.iter_mut().for_each(|client| assert_eq!(client.read().text(), "/hold"));
}

#[test]
fn those_without_a_thread_wait_and_those_too_many_are_refused() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[("FAAS_THREADS", "2"), ("FAAS_CONCURRENCY", "4")]);
    let (sender, answered) = channel();
    thread::scope(|scope| {
        for _ in 0..5 {
            let mut client = hold(&server);
            let sender = sender.clone();
            scope.spawn(move || {
                let reply = client.read();
                sender.send((client, reply)).unwrap();
            });
        }
        let mut running = [gate.next(), gate.next()];
        // No one of the accepted four can end, so the first answer is the fifth's.
        let (mut refused, reply) = answered.recv().unwrap();
        assert_eq!((reply.status, reply.header("retry-after"), reply.closes()), (503, Some("1"), false));
        assert!(reply.text().contains("Runtime.Overloaded"), "{}", reply.text());
        assert!(gate.is_quiet(), "two threads, two invocations");
        assert_eq!(refused.get("/readyz").status, 200, "probes are no invocations");
        running.iter_mut().for_each(Running::go_on);
        [gate.next(), gate.next()].iter_mut().for_each(Running::go_on);
        for _ in 0..4 {
            assert_eq!(answered.recv().unwrap().1.text(), "/hold");
        }
        refused.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n");
        gate.next().go_on();
        assert_eq!(refused.read().text(), "/hold", "the refused client may try again on its connection");
    });
}

#[test]
fn a_client_that_leaves_cancels_its_invocation_and_no_other() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[]);
    let leaver = hold(&server);
    let mut left = gate.next();
    let mut stayer = hold(&server);
    let mut stays = gate.next();
    drop(leaver);
    assert_eq!(left.line(), "cancelled 2");
    stays.go_on();
    assert_eq!(stayer.read().text(), "/hold");
    let mut next = server.connect();
    next.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n");
    gate.next().go_on();
    assert_eq!(next.read().text(), "/hold", "the thread that was cancelled serves others");
}

#[test]
fn a_request_that_comes_during_an_invocation_is_read_after_it() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[]);
    let mut client = hold(&server);
    let mut first = gate.next();
    client.send("GET /hold2 HTTP/1.1\r\nHost: test\r\n\r\n");
    // The server has read of it by the time when another's request, sent later, is answered.
    assert_eq!(server.connect().get("/livez").status, 200);
    assert!(gate.is_quiet(), "one at a time on a connection");
    first.go_on();
    assert_eq!(client.read().text(), "/hold");
    gate.next().go_on();
    assert_eq!(client.read().text(), "/hold2");
}

#[test]
fn work_after_the_response_holds_up_neither_the_client_nor_the_end() {
    let gate = Gate::new();
    let server = Server::late(&gate);
    let mut client = server.connect();
    assert_eq!(client.get("/").status, 204);
    let mut first = gate.next();
    assert_eq!((first.path.as_str(), client.get("/").status), ("replied", 204));
    let mut second = gate.next();
    server.signal("TERM");
    assert!(client.is_closed());
    first.go_on();
    second.go_on();
    assert_eq!((first.line(), second.line()), (String::new(), String::new()));
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn without_descriptors_silent_clients_make_room_and_busy_ones_stay() {
    let gate = Gate::new();
    let server = Server::slow_with_files(&gate, 40, &[]);
    let mut busy = hold(&server);
    let mut running = gate.next();
    let silent: Vec<_> = (0..60).map(|_| server.connect()).collect();
    server.log_line("connections cannot all be kept");
    for _ in 0..60 {
        assert_eq!(server.connect().get("/livez").status, 200);
    }
    running.go_on();
    assert_eq!(busy.read().text(), "/hold", "a client that waits for its answer is not closed");
    drop(silent);
}
