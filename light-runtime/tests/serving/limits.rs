//! Requests that are refused: too large, malformed, smuggled, or never whole.

use crate::server::Server;

/// Sends a request on a connection of its own. Returns the status of the answer, after which the server closes the
/// connection.
fn refused(server: &Server, request: &[u8]) -> u16 {
    let mut client = server.connect();
    client.try_send(request);
    let reply = client.read();
    assert!(reply.closes(), "{reply:?}");
    assert!(client.is_closed(), "nothing follows a refusal");
    reply.status
}

#[test]
fn what_is_too_large_is_refused_and_others_are_served() {
    let server = Server::echo(&[("FAAS_MAX_BODY", "1000")]);
    let mut other = server.connect();
    assert_eq!(other.post("/", &[b'x'; 1000]).body.len(), 1000);
    let with_body = |framing: &str| format!("POST / HTTP/1.1\r\nHost: test\r\n{framing}\r\n\r\n");
    assert_eq!(refused(&server, with_body("Content-Length: 1001").as_bytes()), 413);
    let expecting = with_body("Expect: 100-continue\r\nContent-Length: 1001");
    assert_eq!(refused(&server, expecting.as_bytes()), 413, "and it is not asked for");
    let chunked = with_body("Transfer-Encoding: chunked") + "3e9\r\n" + &"x".repeat(1001) + "\r\n0\r\n\r\n";
    assert_eq!(refused(&server, chunked.as_bytes()), 413);
    let target = format!("GET /{} HTTP/1.1\r\nHost: test\r\n\r\n", "x".repeat(17 << 10));
    assert_eq!(refused(&server, target.as_bytes()), 414);
    let head = format!("GET / HTTP/1.1\r\nHost: test\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert_eq!(refused(&server, head.as_bytes()), 431);
    let head = format!("GET /who HTTP/1.1\r\nHost: test\r\nX: {}\r\n\r\n", "x".repeat(64 << 10));
    other.send(head);
    assert_eq!(other.read().status, 200, "64 KiB of headers are fine");
}

#[test]
fn a_client_that_sends_all_of_a_refused_body_first_still_gets_the_answer() {
    let server = Server::echo(&[("FAAS_MAX_BODY", "1000")]);
    let mut client = server.connect();
    client.send(format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", 8 << 20));
    client.send(vec![b'x'; 8 << 20]);
    assert_eq!(client.read().status, 413);
}

#[test]
fn what_two_servers_might_read_differently_is_refused() {
    let server = Server::echo(&[]);
    for (status, request) in [
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        (400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +4\r\n\r\nxxxx"),
        (400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
        (400, "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"),
        (400, "GET / HTTP/1.1\nHost: a\n\n"),
        (400, "GET / HTTP/1.1\r\n\r\n"),
        (400, "nonsense\r\n\r\n"),
        (505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
    ] {
        assert_eq!(refused(&server, request.as_bytes()), status, "{request:?}");
    }
    let mut client = server.connect();
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(client.is_closed(), "HTTP/2 is not answered in HTTP/1.1");
}

#[test]
fn a_request_that_stays_half_is_answered_408_and_idle_connections_stay() {
    let server = Server::echo(&[("FAAS_READ_TIMEOUT", "200ms")]);
    let mut idle = server.connect();
    assert_eq!(idle.post("/", b"1").text(), "1");
    let mut silent = server.connect();
    for half in ["G", "GET / HTTP/1.1\r\nHost:", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nxx"] {
        assert_eq!(refused(&server, half.as_bytes()), 408, "{half:?}");
    }
    assert_eq!(idle.post("/", b"2").text(), "2", "between requests there is no limit");
    assert!(silent.is_closed(), "but one before the first byte");
}

#[test]
fn a_client_that_leaves_in_the_middle_harms_nobody() {
    let server = Server::echo(&[]);
    for half in ["", "G", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nxx"] {
        server.connect().send(half);
    }
    assert_eq!(server.connect().post("/", b"fine").text(), "fine");
}

#[test]
fn slow_clients_do_not_hold_up_others() {
    let server = Server::echo(&[("FAAS_THREADS", "1")]);
    let mut slow: Vec<_> = (0..20).map(|_| server.connect()).collect();
    let request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok";
    for at in 0..request.len() {
        slow.iter_mut().for_each(|client| client.send(&request[at..=at]));
        assert_eq!(server.connect().post("/", b"fast").text(), "fast");
    }
    slow.iter_mut().for_each(|client| assert_eq!(client.read().text(), "ok"));
}
