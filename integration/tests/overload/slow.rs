//! Clients that are slow, in either direction.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::kernel;
use integration::on_http::OnHttp;
use integration::wait::{self, scale};
use platform_emulators::h2c;
use platform_emulators::wire::Headers;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

integration::both![
    readers_that_do_not_read_leave_others_their_threads,
    readers_of_http_2_that_do_not_read_leave_others_their_threads,
    a_reader_that_does_not_read_is_cut,
    a_reader_of_http_2_that_does_not_read_is_cut,
    a_stream_over_http_2_waits_for_its_reader,
    a_reply_that_nobody_reads_is_cut,
    a_body_that_trickles_is_refused,
    a_head_that_trickles_is_refused,
    a_connection_that_says_nothing_is_closed,
];

/// Returns a stream of 64 MiB, more than all buffers on the way hold, of which the client reads the head alone.
fn unread(run: &OnHttp) -> Client {
    let mut client = run.client();
    client.request("GET", "/?chunks=64&bytes=1048576", "", b"").expect("it is open");
    assert_eq!(client.head().expect("the stream begins").status, 200);
    client
}

fn readers_that_do_not_read_leave_others_their_threads(runtime: &Runtime) {
    let deployment = Deployment::of("stream").env("FAAS_THREADS", "2").env("FAAS_WRITE_TIMEOUT", "1h");
    let run = OnHttp::start(runtime, deployment, "stream");
    let _readers = [unread(&run), unread(&run)];
    for _ in 0..3 {
        assert_eq!(run.get("/livez").status, 200);
        assert_eq!(run.get("/?chunks=2&bytes=16").body.len(), 32, "{}", run.process.output());
    }
}

/// The functions that stream alike: a plain one, an async one, and one in C.
const STREAMING: [(&str, &str); 3] = [("stream", "stream"), ("stream", "stream_async"), ("overload", "flood")];

/// Does the same as [`unread`] over HTTP/2.
fn unread_http2(run: &OnHttp) -> TcpStream {
    let mut stream = run.connect();
    assert_eq!(h2c::head(&mut stream, "/?chunks=64&bytes=1048576", "x").expect("it begins"), 200);
    stream
}

fn readers_of_http_2_that_do_not_read_leave_others_their_threads(runtime: &Runtime) {
    for (module, function) in STREAMING {
        let deployment = Deployment::of(module).env("FAAS_THREADS", "2").env("FAAS_WRITE_TIMEOUT", "1h");
        let run = OnHttp::start(runtime, deployment, &format!("{module}.{function}"));
        let _readers: Vec<_> = (0..2).filter(|_| runtime.speaks_http2()).map(|_| unread_http2(&run)).collect();
        for _ in 0..3 {
            assert_eq!(run.get("/livez").status, 200);
            assert_eq!(run.get("/?chunks=2&bytes=16").body.len(), 32, "{function}: {}", run.process.output());
        }
    }
}

/// Waits until the server has given this connection up.
fn until_cut(run: &OnHttp, local: SocketAddr) {
    let gone = || (!kernel::is_connected(local, run.address)).then_some(());
    wait::until("the connection is cut", &run.process, gone).unwrap_or_else(|why| panic!("{why}"));
}

fn a_reader_that_does_not_read_is_cut(runtime: &Runtime) {
    let deployment = Deployment::of("stream").env("FAAS_WRITE_TIMEOUT", "1s");
    let run = OnHttp::start(runtime, deployment, "stream");
    let mut reader = unread(&run);
    until_cut(&run, reader.local().expect("it has an address"));
    let seen = reader.rest();
    assert!(seen.as_ref().map_or(true, |rest| !rest.ends_with(b"0\r\n\r\n")), "it does not look whole");
    assert_eq!(run.get("/?chunks=2&bytes=16").body.len(), 32);
}

fn a_reader_of_http_2_that_does_not_read_is_cut(runtime: &Runtime) {
    for (module, function) in STREAMING {
        let deployment = Deployment::of(module).env("FAAS_THREADS", "1").env("FAAS_WRITE_TIMEOUT", "1s");
        let run = OnHttp::start(runtime, deployment, &format!("{module}.{function}"));
        if runtime.speaks_http2() {
            until_cut(&run, unread_http2(&run).local_addr().expect("it has an address"));
        }
        assert_eq!(run.get("/?chunks=2&bytes=16").body.len(), 32, "{function}: {}", run.process.output());
    }
}

/// It holds also where one invocation at once runs, and a host lends its thread to a call that waits for room.
fn a_stream_over_http_2_waits_for_its_reader(runtime: &Runtime) {
    for (module, function) in STREAMING {
        for concurrency in ["1", "2"] {
            let deployment = Deployment::of(module).env("FAAS_CONCURRENCY", concurrency);
            let run = OnHttp::start(runtime, deployment, &format!("{module}.{function}"));
            let path = "/?chunks=64&bytes=65536";
            match h2c::exchange(run.connect(), "GET", path, "x", &Headers::default(), b"") {
                Ok(answer) => assert_eq!((answer.status, answer.body.len()), (200, 4 << 20)),
                Err(error) => assert!(!runtime.speaks_http2(), "{function}: {error}: {}", run.process.output()),
            }
        }
    }
}

fn a_reply_that_nobody_reads_is_cut(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FAAS_WRITE_TIMEOUT", "1s");
    let run = OnHttp::start(runtime, deployment, "echo");
    let body = vec![b'x'; 24 << 20];
    let mut reader = run.client();
    reader.request("POST", "/", "", &body).expect("it is taken");
    assert_eq!(reader.head().expect("the reply begins").status, 200);
    until_cut(&run, reader.local().expect("it has an address"));
    assert!(reader.rest().map_or(true, |rest| rest.len() < body.len()), "the rest is missing");
    assert_eq!(run.call("POST", "/", "", b"served").body, b"served");
}

/// Sends a byte each 0.4 s until the server answers, and returns its answer.
fn trickle(run: &OnHttp, beginning: &str, rest: u8) -> (Vec<u8>, Duration) {
    let mut client = run.client();
    client.send(beginning.as_bytes()).expect("it is open");
    let began = Instant::now();
    while began.elapsed() < wait::limit() {
        // The pause is a wait for the answer.
        match client.glance(Duration::from_millis(400)) {
            Ok(Some(answer)) => return (answer, began.elapsed()),
            Ok(None) => client.send(&[rest]).unwrap_or_else(|error| panic!("{error} without an answer")),
            Err(error) => panic!("{error} without an answer"),
        }
    }
    panic!("nothing said for {:?}", began.elapsed());
}

fn a_body_that_trickles_is_refused(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", &format!("{}s", scale()));
    let run = OnHttp::start(runtime, deployment, "echo");
    let (answer, took) = trickle(&run, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", b'x');
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", answer.escape_ascii());
    assert!(took < Duration::from_secs(15) * scale(), "after {took:?}");
    let (answer, _) = trickle(&run, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n", b'x');
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", answer.escape_ascii());
}

fn a_head_that_trickles_is_refused(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", &format!("{}s", scale()));
    let run = OnHttp::start(runtime, deployment, "echo");
    let (answer, took) = trickle(&run, "GET / HTTP/1.1\r\nX: ", b'x');
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", answer.escape_ascii());
    assert!(took < Duration::from_secs(5) * scale(), "after {took:?}");
}

fn a_connection_that_says_nothing_is_closed(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FAAS_READ_TIMEOUT", "1s");
    let run = OnHttp::start(runtime, deployment, "echo");
    for beginning in [&b""[..], b"PRI ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut client = run.client();
        client.send(beginning).expect("it is open");
        let rest = client.rest();
        let timed_out = |kind| matches!(kind, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
        assert!(
            !rest.is_err_and(|error| timed_out(error.kind())),
            "still open: {:?}",
            beginning.escape_ascii().to_string()
        );
    }
    assert_eq!(run.call("POST", "/", "", b"served").body, b"served");
}
