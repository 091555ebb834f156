//! The server on stop signals: what is under way is answered, and the process ends.

use crate::gate::Gate;
use crate::server::Server;
use std::net::TcpStream;

#[test]
fn what_is_in_flight_is_answered_and_the_exit_code_is_0() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[]);
    let mut idle = server.connect();
    assert_eq!(idle.get("/livez").status, 200);
    let mut half = server.connect();
    half.send("GET /hold HTTP/1.1\r\nHo");
    assert_eq!(server.connect().get("/livez").status, 200);
    let mut client = server.connect();
    client.send("GET /hold HTTP/1.1\r\nHost: test\r\n\r\n");
    let mut running = gate.next();
    server.signal("TERM");
    assert!(idle.is_closed(), "idle connections are closed at once");
    assert!(TcpStream::connect(server.address).is_err(), "and no new ones are taken");
    running.go_on();
    let reply = client.read();
    assert!(reply.text() == "/hold" && reply.closes() && client.is_closed(), "{reply:?}");
    half.send("st: test\r\n\r\n");
    gate.next().go_on();
    let reply = half.read();
    assert!(reply.text() == "/hold" && reply.closes() && half.is_closed(), "a request half here is heard to its end");
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn an_idle_process_leaves_at_once() {
    for name in ["TERM", "INT"] {
        let server = Server::echo(&[]);
        assert_eq!(server.connect().post("/", b"x").text(), "x");
        server.signal(name);
        assert_eq!(server.exit().code(), Some(0), "{name}");
    }
}

#[test]
fn a_lame_duck_still_serves_but_is_not_ready() {
    let server = Server::echo(&[("FAAS_LAME_DUCK", "1h"), ("FAAS_GRACE", "2h")]);
    let mut client = server.connect();
    assert_eq!(client.get("/readyz").status, 200);
    server.signal("TERM");
    while server.connect().get("/readyz").status == 200 {}
    assert_eq!(server.connect().get("/livez").status, 200);
    let reply = server.connect().post("/", b"still here");
    assert!(reply.text() == "still here" && reply.closes(), "{reply:?}");
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(1), "a second signal ends the patience");
}

#[test]
fn the_lame_duck_time_ends() {
    let server = Server::echo(&[("FAAS_LAME_DUCK", "100ms")]);
    let mut client = server.connect();
    assert_eq!(client.post("/", b"x").text(), "x");
    server.signal("TERM");
    assert!(client.is_closed());
    assert_eq!(server.exit().code(), Some(0));
}

#[test]
fn the_grace_ends_for_those_who_never_end() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[("FAAS_GRACE", "100ms")]);
    let mut client = server.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: test\r\n\r\n");
    let _running = gate.next();
    server.signal("TERM");
    assert_eq!(server.exit().code(), Some(1));
}

#[test]
fn a_process_with_a_hung_invocation_leaves_when_the_others_have_their_answers() {
    let gate = Gate::new();
    let server = Server::slow(&gate, &[("FAAS_TIMEOUT", "200ms"), ("FAAS_MAX_HUNG", "0")]);
    let mut client = server.connect();
    client.send("GET /hang HTTP/1.1\r\nHost: test\r\n\r\n");
    let _running = gate.next();
    let reply = client.read();
    assert_eq!(reply.status, 504);
    assert_eq!(server.exit().code(), Some(1));
}

#[test]
fn half_of_the_grace_is_left_for_the_end_however_long_the_lame_duck_time() {
    let server = Server::echo(&[("FAAS_LAME_DUCK", "1h"), ("FAAS_GRACE", "8s")]);
    let mut client = server.connect();
    assert_eq!(client.post("/", b"x").text(), "x");
    server.signal("TERM");
    assert!(client.is_closed());
    assert_eq!(server.exit().code(), Some(0));
}
