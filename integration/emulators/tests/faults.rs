//! Scripted faults, seen from the client.

mod support;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use platform_emulators::aws_lambda::{Aws, Ending, Endpoint, Fault, Kind, Options};
use support::{Client, LIMIT, NEXT, assert_clean, response};

fn start() -> Aws {
    Aws::start(Options::default()).expect("a free port")
}

/// Returns a client whose poll meets that fault while an event waits.
fn polled(aws: &Aws, fault: Fault) -> Client {
    aws.fault(Endpoint::Next, fault);
    aws.submit("{}");
    let mut client = Client::new(aws);
    client.park();
    client
}

fn untouched(aws: &Aws) {
    assert_eq!(aws.snapshot().faults, 0, "it has struck");
    assert_eq!(aws.next_calls(), 0, "the call never reached the state");
    assert_eq!(Client::new(aws).next().body, b"{}", "the event is still there");
    assert_clean(aws);
}

#[test]
fn a_reset_poll_takes_no_event() {
    let aws = start();
    let error = polled(&aws, Fault::Reset).read().expect_err("reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    untouched(&aws);
}

#[test]
fn a_poll_closed_after_its_request_takes_no_event() {
    let aws = start();
    let error = polled(&aws, Fault::CloseAfterRequest).read().expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    untouched(&aws);
}

#[test]
fn garbage_comes_in_place_of_a_reply() {
    let aws = start();
    assert_eq!(
        polled(&aws, Fault::Garbage(b"\x16\x03garbage".to_vec())).rest().expect("then the end"),
        b"\x16\x03garbage"
    );
    untouched(&aws);
}

#[test]
fn a_scripted_status_has_the_platforms_body() {
    let aws = start();
    let reply = polled(&aws, Fault::Status(500)).read().expect("a reply");
    assert_eq!((reply.status, reply.error_type().as_str()), (500, "InternalServerError"));
    untouched(&aws);
}

#[test]
fn half_a_head_and_half_a_body_lose_the_event_until_it_is_redelivered() {
    for fault in [Fault::HalfHead, Fault::HalfBody] {
        let aws = start();
        let whole = polled(&aws, fault.clone()).rest().expect("then the end");
        let text = String::from_utf8(whole).expect("text");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        match fault {
            Fault::HalfHead => assert!(!text.contains("\r\n\r\n"), "{text}"),
            _ => assert!(text.ends_with("Content-Length: 2\r\n\r\n{"), "{text}"),
        }
        assert_eq!(aws.snapshot().state, "Running");
        assert_eq!(Client::new(&aws).next().body, b"{}");
    }
}

#[test]
fn a_reply_may_come_late_or_with_a_connection_that_ends_unannounced() {
    let aws = start();
    let started = Instant::now();
    assert_eq!(polled(&aws, Fault::Delay(Duration::from_millis(30))).read().expect("late").status, 200);
    assert!(started.elapsed() >= Duration::from_millis(30));

    let aws = start();
    let mut client = polled(&aws, Fault::CloseKeepAlive);
    let reply = client.read().expect("whole");
    assert_eq!((reply.status, reply.header("Connection")), (200, None));
    assert_eq!(client.rest().expect("the end"), b"");
}

#[test]
fn a_post_may_be_taken_although_its_sender_never_learns() {
    let aws = start();
    let pending = aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    aws.fault(Endpoint::Response, Fault::CloseAfterRequest);
    client.head("POST", &response(&id), &[("Content-Length", "4")]);
    client.send(b"done");
    assert_eq!(client.read().expect_err("closed").kind(), ErrorKind::UnexpectedEof);
    assert_eq!(pending.wait().text(), "done");
    assert_eq!(aws.record(&id).map(|record| record.accepted()), Some(1));
    assert_eq!(Client::new(&aws).post(&response(&id), b"again").status, 403);
}

#[test]
fn a_refused_post_settles_its_invocation_and_the_next_event_follows() {
    for status in [400, 403, 410, 413] {
        let aws = start();
        let pending = aws.submit("1");
        aws.submit("2");
        let mut client = Client::new(&aws);
        let id = client.next().id();
        aws.fault(Endpoint::Response, Fault::Status(status));
        assert_eq!(client.post(&response(&id), b"x").status, status);
        let answer = pending.wait();
        assert_eq!((answer.kind, answer.status), (Kind::Faulted, Some(status)));
        assert_eq!(client.next().body, b"2");
        assert_eq!(aws.record(&id).map(|record| (record.accepted(), record.refused())), Some((0, 1)));
        assert_clean(&aws);
    }
}

#[test]
fn an_event_delivered_twice_comes_again_after_its_answer() {
    let aws = start();
    aws.fault(Endpoint::Next, Fault::DuplicateDelivery);
    let pending = aws.submit("1");
    aws.submit("2");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    assert_eq!(client.post(&response(&id), b"first").status, 202);
    assert_eq!(pending.wait().text(), "first");
    assert_eq!(client.next().id(), id);
    assert_eq!(client.post(&response(&id), b"second").status, 202);
    assert_eq!(client.next().body, b"2");
    let record = aws.record(&id).expect("it was submitted");
    assert_eq!((record.deliveries.len(), record.accepted()), (2, 2));
}

#[test]
fn refusing_closes_the_port_until_it_listens_again() {
    let aws = start();
    aws.fault(Endpoint::Next, Fault::Refuse);
    let mut client = Client::new(&aws);
    client.head("GET", NEXT, &[]);
    assert_eq!(client.read().expect_err("reset").kind(), ErrorKind::ConnectionReset);
    let refused = Client::connect(&aws).err().map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::ConnectionRefused));
    aws.listen().expect("the port is still free");
    aws.submit("{}");
    let mut client = Client::new(&aws);
    client.next();
    aws.refuse();
    assert!(Client::connect(&aws).is_err());
    assert_eq!(client.next().status, 200, "open connections stay");
}

#[test]
fn a_connection_may_be_reset_as_soon_as_it_is_accepted() {
    let aws = start();
    aws.fault(Endpoint::Connect, Fault::Reset);
    let first = Client::connect(&aws).and_then(|mut client| client.read());
    assert_eq!(first.map(|reply| reply.status).map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset));
    aws.submit("{}");
    Client::new(&aws).next();
}

#[test]
fn all_connections_can_be_cut_under_a_parked_poll() {
    let aws = start();
    for (ending, kind) in [(Ending::Reset, ErrorKind::ConnectionReset), (Ending::Close, ErrorKind::UnexpectedEof)] {
        let mut client = Client::new(&aws);
        client.park();
        aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
        aws.cut(ending);
        assert_eq!(client.read().expect_err("cut").kind(), kind);
        aws.wait_for(|now| now.parked == 0 && now.connections == 0, LIMIT).expect("it is forgotten");
    }
    assert_clean(&aws);
}
