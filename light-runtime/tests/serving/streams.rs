//! Responses that a function streams.

use crate::gate::Gate;
use crate::server::Server;

#[test]
fn chunks_go_out_as_they_are_written() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[]);
    let mut client = server.connect();
    for _ in 0..2 {
        client.send("GET /stream HTTP/1.1\r\nHost: test\r\n\r\n");
        let mut running = gate.next();
        let head = client.read_head();
        assert_eq!((head.status, head.header("transfer-encoding")), (200, Some("chunked")));
        assert_eq!(head.header("content-type"), Some("text/plain"));
        assert_eq!(client.chunk().as_deref(), Some(&b"first;"[..]), "it is here before the second is written");
        running.go_on();
        assert_eq!(client.chunk().as_deref(), Some(&b"second;"[..]));
        assert_eq!(client.chunk(), None);
    }
}

#[test]
fn an_old_client_gets_a_stream_that_ends_with_the_connection() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[]);
    let mut client = server.connect();
    client.send("GET /stream HTTP/1.0\r\n\r\n");
    gate.next().go_on();
    let head = client.read_head();
    assert!(head.closes() && head.header("transfer-encoding").is_none(), "{head:?}");
    assert_eq!(client.rest().unwrap(), b"first;second;");
}

#[test]
fn a_stream_that_fails_ends_without_its_last_chunk() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[]);
    for version in ["1.1", "1.0"] {
        let mut client = server.connect();
        client.send(format!("GET /broken HTTP/{version}\r\nHost: test\r\n\r\n"));
        let mut running = gate.next();
        assert_eq!(client.read_head().status, 200);
        running.go_on();
        match client.rest() {
            // Bytes that had arrived before the reset may still be read, but no end.
            Ok(rest) => panic!("expected a reset, found an orderly end after {:?}", String::from_utf8_lossy(&rest)),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
    assert_eq!(server.connect().get("/livez").status, 200);
}

#[test]
fn head_of_a_stream_has_no_chunks() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[]);
    let mut client = server.connect();
    client.send("HEAD /stream HTTP/1.1\r\nHost: test\r\n\r\n");
    gate.next().go_on();
    assert_eq!(client.read_head().header("transfer-encoding"), Some("chunked"));
    assert_eq!(client.get("/livez").text(), "OK", "the next thing on the wire is the next response");
}
