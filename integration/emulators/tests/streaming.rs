//! Streamed responses: pieces as they come, real trailers, cut streams.

mod support;

use platform_emulators::aws_lambda::{Aws, Kind, Options};
use support::{Client, ERROR, LIMIT, assert_clean, error, response};

fn start() -> Aws {
    Aws::start(Options::default()).expect("a free port")
}

#[test]
fn pieces_are_seen_while_the_stream_is_still_open() {
    let aws = start();
    let pending = aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    client.stream(&id);
    client.chunk(b"first");
    aws.wait_for(|now| now.request(&id).is_some_and(|request| request.received == 5), LIMIT).expect("the first piece");
    assert_eq!(aws.snapshot().state, "InvocationResponse");
    client.chunk(b"second");
    client.send(b"0\r\n\r\n");
    assert_eq!(client.read().expect("a reply").status, 202);
    let answer = pending.wait();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Stream, "firstsecond"));
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert!(answer.chunks.len() == 2 && answer.chunks[0].at < answer.chunks[1].at, "{:?}", answer.chunks);
    assert_eq!(answer.error_type, None);
    assert_clean(&aws);
}

#[test]
fn a_failure_in_the_middle_comes_in_trailers() {
    let aws = start();
    let pending = aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    client.stream(&id);
    client.chunk(b"hello");
    client.send(b"0\r\nLambda-Runtime-Function-Error-Type: Function.Broken\r\n");
    client.send(b"Lambda-Runtime-Function-Error-Body: eyJlcnJvclR5cGUiOiJGdW5jdGlvbi5Ccm9rZW4iLCJlcnJvck1lc3NhZ2UiOiJ4In0=\r\n\r\n");
    assert_eq!(client.read().expect("a reply").status, 202);
    let answer = pending.wait();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Stream, "hello"));
    assert_eq!(answer.error_type.as_deref(), Some("Function.Broken"));
    let error = answer.stream_error.expect("it decodes");
    assert_eq!(error, br#"{"errorType":"Function.Broken","errorMessage":"x"}"#);
    assert_eq!(answer.trailers.len(), 2);
    assert_clean(&aws);
}

#[test]
fn a_poll_and_an_error_during_a_stream_are_refused() {
    let aws = start();
    aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    client.stream(&id);
    client.chunk(b"hello");
    aws.wait_for(|now| now.state == "InvocationResponse", LIMIT).expect("the head is read");
    let mut other = Client::new(&aws);
    assert_eq!(other.get(support::NEXT).error_type(), "InvalidStateTransition");
    assert_eq!(other.post(&error(&id), ERROR.as_bytes()).status, 403);
}

#[test]
fn managed_instances_let_an_error_cut_a_stream() {
    let aws = Aws::start(Options { max_concurrency: Some(1), ..Options::default() }).expect("a free port");
    let mut client = Client::new(&aws);
    client.park();
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
    let pending = aws.submit("{}");
    let id = client.read().expect("an event").id();
    client.stream(&id);
    client.chunk(b"some");
    aws.wait_for(|now| now.request(&id).is_some_and(|request| request.received == 4), LIMIT).expect("the piece");
    assert_eq!(Client::new(&aws).post(&error(&id), ERROR.as_bytes()).status, 202);
    let answer = pending.wait();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Stream, "some"));
    assert_eq!(answer.stream_error.as_deref(), Some(ERROR.as_bytes()));
    client.send(b"0\r\n\r\n");
    assert_eq!(client.read().expect("a reply").status, 400);
    let record = aws.record(&id).expect("it was submitted");
    assert_eq!((record.accepted(), record.refused()), (1, 1));
}

#[test]
fn a_stream_that_breaks_the_protocol_is_taken_and_noted() {
    let aws = start();
    aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    let headers = [("Lambda-Runtime-Function-Response-Mode", "streaming"), ("Transfer-Encoding", "chunked")];
    client.head("POST", &response(&id), &headers);
    client.send(b"1\r\nx\r\n0\r\nLambda-Runtime-Function-Error-Type: oops\r\n\r\n");
    assert_eq!(client.read().expect("a reply").status, 202);
    let violations = aws.violations();
    // Neither trailer was announced, the one that was sent is unannounced, and its value is no error type.
    assert_eq!(violations.len(), 4, "{violations:#?}");
}

#[test]
fn expect_continue_and_a_post_without_framing_are_noted() {
    let aws = start();
    aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    client.head("POST", &response(&id), &[("Expect", "100-continue"), ("Content-Length", "1")]);
    assert_eq!(client.read().expect("an interim reply").status, 100);
    client.send(b"x");
    assert_eq!(client.read().expect("a reply").status, 202);
    aws.submit("{}");
    let id = client.next().id();
    client.head("POST", &response(&id), &[]);
    assert_eq!(client.read().expect("a reply").status, 202);
    client.send(b"this is not HTTP\r\n\r\n");
    assert_eq!(client.read().expect("a reply").status, 400);
    aws.wait_for(|now| now.violations == 3, LIMIT).expect("each is noted");
}
