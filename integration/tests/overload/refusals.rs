//! Refusals arrive, also at a client that reads nothing before it has sent everything.

use integration::artifacts::Runtime;
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::limit;

integration::both![
    a_body_that_is_too_large_is_refused_in_words,
    a_chunked_body_that_is_too_large_is_refused_in_words,
    a_head_that_is_too_large_is_refused_in_words,
    a_large_request_that_finds_no_room_is_refused_in_words,
    a_request_that_does_not_come_is_refused_in_words,
];

const MIB: usize = 1 << 20;

/// Sends all bytes, then reads the reply.
fn sent_whole(client: &mut Client, request: &[u8]) -> Reply {
    client.send(request).expect("all of it is taken");
    client.read().expect("the refusal arrives")
}

fn a_body_that_is_too_large_is_refused_in_words(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    for length in [33, 36, 40] {
        let length = length * MIB;
        for _ in 0..2 {
            let mut request = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n").into_bytes();
            request.resize(request.len() + length, b'x');
            let reply = sent_whole(&mut run.client(), &request);
            assert_eq!((reply.status, reply.closes), (413, true));
        }
    }
    assert_eq!(run.call("POST", "/", "", b"served").body, b"served");
}

fn a_chunked_body_that_is_too_large_is_refused_in_words(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FAAS_MAX_BODY", &MIB.to_string());
    let run = OnHttp::start(runtime, deployment, "echo");
    let mut request = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..12 {
        request.extend_from_slice(format!("{MIB:x}\r\n").as_bytes());
        request.resize(request.len() + MIB, b'x');
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(sent_whole(&mut run.client(), &request).status, 413);
}

fn a_head_that_is_too_large_is_refused_in_words(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut request = b"GET / HTTP/1.1\r\nHost: x\r\nX: ".to_vec();
    request.resize(request.len() + 8 * MIB, b'x');
    request.extend_from_slice(b"\r\n\r\n");
    assert_eq!(sent_whole(&mut run.client(), &request).status, 431);
}

fn a_large_request_that_finds_no_room_is_refused_in_words(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("FAAS_CONCURRENCY", "1");
    let run = OnHttp::start(runtime, deployment, "probe.hold");
    let path = run.deployment.path("go");
    let mut holds = run.client();
    holds.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    let mut request = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 16 * MIB).into_bytes();
    request.resize(request.len() + 16 * MIB, b'x');
    let reply = sent_whole(&mut run.client(), &request);
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some(), "{reply:?}");
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(holds.read().expect("an answer").text(), "let go");
}

fn a_request_that_does_not_come_is_refused_in_words(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1s");
    let run = OnHttp::start(runtime, deployment, "echo");
    for part in ["POST / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"] {
        let reply = sent_whole(&mut run.client(), part.as_bytes());
        assert_eq!((reply.status, reply.closes), (408, true), "{part:?}");
    }
}
