//! Functions that take longer than they may.

use crate::gate::Gate;
use crate::server::Server;

#[test]
fn a_function_that_heeds_its_cancel_is_answered_504_and_goes_on_serving() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[("FAAS_TIMEOUT", "200ms")]);
    let mut client = server.connect();
    for _ in 0..2 {
        client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n");
        assert_eq!(gate.next().line(), "cancelled 1");
        let reply = client.read();
        assert_eq!(reply.status, 504);
        assert!(reply.text().contains("Function.TimedOut"), "{}", reply.text());
    }
}

#[test]
fn a_function_that_hangs_is_answered_504_and_its_thread_is_replaced() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[("FAAS_TIMEOUT", "200ms"), ("FAAS_THREADS", "2")]);
    let mut client = server.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: test\r\nX-Request-Id: the-one\r\n\r\n");
    let mut hanging = gate.next();
    // The second request waits in the same connection.
    client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n");
    let reply = client.read();
    assert_eq!(reply.status, 504);
    assert!(reply.text().contains("the-one") && !reply.closes(), "{}", reply.text());
    gate.next().go_on();
    assert_eq!(client.read().text(), "/hold", "the connection goes on");
    assert!(server.log_line("Function.TimedOut").contains("the-one"));
    hanging.go_on();
    assert_eq!(hanging.line(), "", "it ends");
    server.signal("TERM");
    assert!(client.is_closed(), "and nobody hears of it");
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn a_stream_over_its_deadline_is_broken() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[("FAAS_TIMEOUT", "200ms")]);
    let mut client = server.connect();
    client.send("GET /stream HTTP/1.1\r\nHost: test\r\n\r\n");
    let _running = gate.next();
    assert_eq!(client.read_head().status, 200);
    assert!(client.rest().is_err(), "no orderly end");
    assert_eq!(server.connect().get("/livez").status, 200);
}

#[test]
fn without_a_thread_left_the_process_answers_and_leaves() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[("FAAS_TIMEOUT", "200ms"), ("FAAS_THREADS", "1")]);
    let mut client = server.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: test\r\n\r\n");
    let _hanging = gate.next();
    let mut waiting = server.connect();
    waiting.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.read().status, 504);
    let reply = waiting.read();
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert_eq!(server.exit().code(), Some(1));
}
