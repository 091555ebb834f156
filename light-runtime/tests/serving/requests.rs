//! Requests and responses on one connection.

use crate::server::{Server, command};
use std::thread;

#[test]
fn one_connection_carries_many_requests() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    let mut ids = Vec::new();
    for _ in 0..3 {
        let reply = client.get("/who");
        let text = reply.text();
        let (id, ip) = text.split_once(' ').unwrap();
        assert_eq!((reply.status, ip, id.len(), reply.closes()), (200, "127.0.0.1", 32, false));
        ids.push(id.to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3, "each has an id of its own");
    client.send("GET /who HTTP/1.1\r\nHost: test\r\nX-Request-Id: mine\r\nConnection: close\r\n\r\n");
    let reply = client.read();
    assert_eq!(reply.text(), "mine 127.0.0.1");
    assert!(reply.closes() && client.is_closed());
}

#[test]
fn requests_sent_at_once_are_answered_in_order() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    let mut all = String::new();
    for number in 0..50 {
        let body = format!("{number}");
        all += &format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    }
    // Cut in the middle of a request, so that some come in two parts.
    let (first, second) = all.split_at(all.len() / 2 + 3);
    client.send(first);
    assert_eq!(client.read().text(), "0");
    client.send(second);
    for number in 1..50 {
        assert_eq!(client.read().text(), number.to_string());
    }
}

#[test]
fn pipelined_requests_behind_responses_that_the_client_takes_late_all_arrive() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    for number in 0..8 {
        client.send(format!("GET /big/{} HTTP/1.1\r\nHost: test\r\n\r\n", 1_000_000 + number));
    }
    for number in 0..8 {
        let reply = client.read();
        assert_eq!(reply.body.len(), 1_000_000 + number);
        assert!(reply.body.iter().enumerate().all(|(at, byte)| *byte == b'a' + u8::try_from(at % 23).unwrap()));
    }
}

#[test]
fn head_and_204_have_no_body() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    client.send("HEAD /big/1000 HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.read_head().header("content-length"), Some("1000"));
    let reply = client.get("/empty");
    assert_eq!((reply.status, reply.header("content-length"), reply.body.len()), (204, None, 0));
    assert_eq!(client.post("/", b"after").text(), "after", "nothing was left over in between");
}

#[test]
fn old_clients_get_their_connection_closed_or_kept_as_they_ask() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    client.send("GET /who HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(client.read().header("connection"), Some("keep-alive"));
    client.send("GET /who HTTP/1.0\r\n\r\n");
    assert!(client.read().closes() && client.is_closed());
}

#[test]
fn bodies_come_in_chunks_and_in_megabytes() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n");
    client.send("6\r\n world\r\n0\r\nX-Trailer: 1\r\n\r\n");
    assert_eq!(client.read().text(), "hello world");
    let body: Vec<u8> = (0..8u32 << 20).map(|number| number.to_le_bytes()[1]).collect();
    // The reply is the request's own memory, and larger than any socket buffer.
    let reply = client.post("/", &body);
    assert!(reply.body == body);
    assert_eq!(client.post("/", b"small again").text(), "small again");
}

#[test]
fn a_function_sets_no_headers_of_the_connection() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    let reply = client.get("/own");
    let names: Vec<_> = reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(reply.status, 418);
    assert_eq!(names, [("x-own", "1"), ("content-length", "3")]);
    assert_eq!(client.get("/own").text(), "own", "the connection is still good");
}

#[test]
fn a_body_is_asked_for_where_the_client_waits_to_be_asked() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!((client.line(), client.line()), (Some("HTTP/1.1 100 Continue".into()), Some(String::new())));
    client.send("ok");
    assert_eq!(client.read().text(), "ok");
    client.send("POST / HTTP/1.1\r\nHost: test\r\nExpect: a-miracle\r\nContent-Length: 2\r\n\r\n");
    let reply = client.read();
    assert_eq!(reply.status, 417);
    assert!(reply.closes() && client.is_closed());
}

#[test]
fn probes_are_answered_by_the_runtime() {
    let server = Server::echo(&[]);
    let mut client = server.connect();
    for path in ["/livez", "/readyz"] {
        assert_eq!((client.get(path).status, client.get(path).text()), (200, "OK".into()), "{path}");
    }
    client.send("GET /who HTTP/1.1\r\nHost: test\r\nUser-Agent: kube-probe/1.30\r\n\r\n");
    assert_ne!(client.read().text(), "OK", "who asks makes no probe: it reaches the function");
    client.send("HEAD /readyz HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.read_head().status, 200);
    assert_eq!(client.get("/who").status, 200);
}

#[test]
fn short_calls_need_few_threads_however_many_clients_there_are() {
    let server = Server::launch(command("echo.short", &[]));
    thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut client = server.connect();
                (0..20).for_each(|_| assert_eq!(client.post("/", b"x").text(), "x"));
            });
        }
    });
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap().count();
    assert!(tasks < 32, "one for deadlines, and a few that read and run: {tasks}");
}

#[test]
fn a_taken_port_is_named_and_the_exit_code_is_1() {
    let server = Server::echo(&[]);
    let port = server.address.port().to_string();
    let output = command("echo.echo", &[("PORT", &port)]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{text}");
}
