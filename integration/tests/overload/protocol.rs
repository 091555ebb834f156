//! The harmless oddities of a client: it asks for a tunnel, ends its sending side, speaks HTTP/1.0.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::h2c;
use platform_emulators::wire::Headers;
use std::io::ErrorKind;

integration::both![
    a_tunnel_is_refused_and_the_connection_closed,
    a_tunnel_over_http_2_is_refused,
    no_connection_of_http_2_is_taken_for_http_1,
    an_echo_of_the_request_is_refused_and_the_connection_closed,
    an_upgrade_that_is_asked_for_is_ignored,
    another_expectation_is_refused,
    a_205_has_no_content,
    a_client_that_ends_its_sending_side_gets_its_answer,
    a_stream_that_fails_for_an_http_1_0_client_ends_in_a_reset,
];

/// Starts a function that says when it runs, and would stay.
fn start(runtime: &Runtime) -> OnHttp {
    OnHttp::start(runtime, Deployment::of("probe"), "probe.hold")
}

/// Checks that nothing of the request reached the function.
fn nobody_ran(run: &OnHttp) {
    assert_eq!(run.get("/livez").status, 200);
    assert!(!run.process.output().contains("holding"), "{}", run.process.output());
}

/// Returns the answer to a request behind which another one is hidden, and checks that the connection ends after it.
fn answered_and_closed(run: &OnHttp, request: &str) -> u16 {
    let mut client = run.client();
    let hidden = "POST /hidden HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n/no";
    client.send(format!("{request}{hidden}").as_bytes()).expect("it is open");
    let reply = client.read().expect("an answer");
    assert!(reply.closes, "{request:?}: {reply:?}");
    assert_eq!(client.rest().expect("the end"), b"", "{request:?}: nothing behind it is answered");
    reply.status
}

fn a_tunnel_is_refused_and_the_connection_closed(runtime: &Runtime) {
    let run = start(runtime);
    for request in [
        "CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n",
        "CONNECT shop:443 HTTP/1.0\r\n\r\n",
        "CONNECT /admin HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT http://shop/admin HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        assert_eq!(answered_and_closed(&run, request), 501, "{request:?}");
    }
    nobody_ran(&run);
}

fn a_tunnel_over_http_2_is_refused(runtime: &Runtime) {
    let run = start(runtime);
    let answer = h2c::exchange(run.connect(), "CONNECT", "", "shop:443", &Headers::default(), b"");
    assert!(answer.as_ref().map_or(true, |answer| answer.status >= 400), "{answer:?}");
    nobody_ran(&run);
}

/// The first bytes may come before the first look at the connection, or at that very moment.
fn no_connection_of_http_2_is_taken_for_http_1(runtime: &Runtime) {
    let run = start(runtime);
    for number in 0..2000 {
        let answer = h2c::head(&mut run.connect(), "/livez", "x");
        assert_eq!(answer.is_ok(), runtime.speaks_http2(), "connection {number}: {answer:?}");
    }
}

fn an_echo_of_the_request_is_refused_and_the_connection_closed(runtime: &Runtime) {
    let run = start(runtime);
    assert_eq!(answered_and_closed(&run, "TRACE / HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n"), 501);
    nobody_ran(&run);
}

fn an_upgrade_that_is_asked_for_is_ignored(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut client = run.client();
    for (protocol, more) in [("websocket", "Sec-WebSocket-Version: 13\r\n"), ("h2c", "HTTP2-Settings: AAMAAABk\r\n")] {
        let headers = format!("Connection: Upgrade\r\nUpgrade: {protocol}\r\n{more}");
        let reply = client.call("POST", "/", &headers, b"as before").expect("an answer");
        assert_eq!((reply.status, reply.text().as_str()), (200, "as before"), "{protocol}");
        assert!(reply.header("upgrade").is_none(), "{protocol}");
    }
}

fn another_expectation_is_refused(runtime: &Runtime) {
    let run = start(runtime);
    for expectation in ["200-ok", "100-continue, 200-ok"] {
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\nExpect: {expectation}\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(answered_and_closed(&run, &request), 417, "{expectation}");
    }
    nobody_ran(&run);
}

fn a_205_has_no_content(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.status");
    let mut client = run.client();
    let reply = client.call("GET", "/205", "", b"").expect("an answer");
    assert_eq!((reply.status, reply.header("content-length"), &reply.body[..]), (205, Some("0"), &b""[..]));
    let next = client.call("GET", "/200", "", b"").expect("an answer to the next request");
    assert_eq!((next.status, next.text().as_str()), (200, "a body all the same"));
}

fn a_client_that_ends_its_sending_side_gets_its_answer(runtime: &Runtime) {
    for ends_before_it_runs in [true, false] {
        // It does not look whether it is cancelled: to the server an end may also be that of a client that has left.
        let run = OnHttp::start(runtime, Deployment::of("overload"), "overload.either");
        let path = run.deployment.path("go");
        let mut client = run.client();
        client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
        if ends_before_it_runs {
            client.finish().expect("it is open");
        }
        run.process.wait_for_line(|line| line == "holding", limit()).expect("the function runs");
        if !ends_before_it_runs {
            client.finish().expect("it is open");
        }
        // The end is seen before the answer: a later request is answered in between.
        assert_eq!(run.get("/livez").status, 200);
        std::fs::write(path, "").expect("the function is let go");
        let reply = client.read().unwrap_or_else(|error| panic!("{error}:\n{}", run.process.output()));
        assert_eq!((reply.status, reply.text().as_str()), (200, "let go"), "{}", run.process.output());
    }
}

/// Returns `true` if the connection ends in a way that says that something is missing.
fn is_reset(client: &mut Client) -> bool {
    client.rest().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
}

fn a_stream_that_fails_for_an_http_1_0_client_ends_in_a_reset(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("stream"), "stream");
    for _ in 0..10 {
        let mut client = run.client();
        client.send(b"GET /?chunks=9&bytes=1000&fail_after=3 HTTP/1.0\r\n\r\n").expect("it is open");
        let reply = client.head().expect("the stream begins");
        assert_eq!((reply.status, reply.header("transfer-encoding")), (200, None));
        assert!(is_reset(&mut client), "an orderly end looks like the whole");
    }
}
