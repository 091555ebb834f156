//! One request, one reply: framing, methods, limits, the view of the function, the form of a failure.

use integration::artifacts::Runtime;
use integration::client::Reply;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;

integration::both![
    bodies_come_back_byte_for_byte,
    a_function_sees_the_whole_request,
    a_chunked_upload_arrives_whole,
    an_upload_over_the_limit_is_413,
    head_and_statuses_without_a_body_have_none,
    expect_100_continue_is_answered_before_the_body,
    both_framings_at_once_are_400_and_the_connection_ends,
    garbage_is_400_and_the_connection_ends,
    headers_of_64_kilobytes_pass_and_of_a_megabyte_are_431,
    an_error_and_a_panic_are_500_and_the_process_lives_on,
    a_stream_leaves_before_the_handler_ends,
    a_stream_that_fails_is_cut_short,
];

fn bodies_come_back_byte_for_byte(runtime: &Runtime) {
    for function in ["echo", "echo-c"] {
        let run = OnHttp::start(runtime, Deployment::of(function), function);
        let mut client = run.client();
        let all: Vec<u8> = (0..=255).collect();
        for body in [&b""[..], b"x", &all, "gr\u{fc}\u{df} \u{1f600}".as_bytes(), &vec![b'y'; 3_000_000]] {
            let reply = client.call("POST", "/any/path?q=1", "", body).expect("an answer");
            assert_eq!((reply.status, reply.body.len()), (200, body.len()), "{function}: {}", run.process.output());
            assert!(reply.body == body, "{function}: {} bytes differ", body.len());
        }
    }
}

fn a_function_sees_the_whole_request(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("inspect"), "inspect");
    let headers = "X-Twice: one\r\nx-twice: two\r\nCookie: a=1; b=2\r\nX-Request-Id: from-outside\r\n\
                   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nContent-Type: text/plain\r\n";
    let reply = run.call("PUT", "/a%20b/c?x=1&y=%C3%BC&x=2&z", headers, b"\x00\xffbody");
    assert_eq!(reply.status, 200, "{}", reply.text());
    let seen = Inspected::read(&reply.body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("http", "http"));
    assert_eq!(seen.body(), b"\x00\xffbody");
    let http = &seen.0["http"];
    assert_eq!((http["method"].as_str(), http["path"].as_str()), (Some("PUT"), Some("/a b/c")), "{http}");
    assert_eq!(http["raw_path"], "/a%20b/c");
    assert_eq!(http["raw_query"], "x=1&y=%C3%BC&x=2&z");
    let query = serde_json::json!([["x", "1"], ["y", "\u{fc}"], ["x", "2"], ["z", ""]]);
    assert_eq!(http["query"], query);
    let twice: Vec<&str> = http["headers"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|pair| pair[0].as_str().is_some_and(|name| name.eq_ignore_ascii_case("x-twice")))
        .filter_map(|pair| pair[1].as_str())
        .collect();
    assert_eq!(twice, ["one", "two"]);
    let cookies = http["cookies"].to_string();
    assert!(cookies.contains('a') && cookies.contains('2'), "{cookies}");
    assert_eq!((http["client_ip"].as_str(), http["scheme"].as_str()), (Some("127.0.0.1"), Some("http")));
    assert_eq!(http["host"].as_str(), Some(run.address.to_string().as_str()));
    assert!(seen.0["trace"].to_string().contains("0af7651916cd43dd8448eb211c80319c"), "{}", seen.0["trace"]);
    assert!(!seen.text("request_id").is_empty());
}

fn chunked(sizes: &[usize]) -> (Vec<u8>, Vec<u8>) {
    let (mut wire, mut whole) = (Vec::new(), Vec::new());
    for (at, size) in sizes.iter().enumerate() {
        let chunk = vec![b'a' + (at % 26) as u8; *size];
        wire.extend_from_slice(format!("{size:x}\r\n").as_bytes());
        wire.extend_from_slice(&chunk);
        wire.extend_from_slice(b"\r\n");
        whole.extend_from_slice(&chunk);
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    (wire, whole)
}

fn a_chunked_upload_arrives_whole(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut client = run.client();
    for sizes in [&[][..], &[1, 1, 1], &[100_000, 3, 70_000], &[1_000_000; 5]] {
        let (wire, whole) = chunked(sizes);
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").expect("it is open");
        client.send(&wire).expect("it is open");
        let reply = client.read().expect("an answer");
        assert!((reply.status, reply.body.len()) == (200, whole.len()) && reply.body == whole, "{sizes:?}");
    }
}

fn an_upload_over_the_limit_is_413(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut client = run.client();
    let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", (32 << 20) + 1);
    client.send(head.as_bytes()).expect("it is open");
    let reply = client.read().expect("an answer before the body");
    assert_eq!(reply.status, 413);
    assert!(reply.closes, "the rest of the body cannot be told from a request");
    assert_eq!(run.get("/").status, 200, "others are not affected");
}

fn head_and_statuses_without_a_body_have_none(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.status");
    let mut client = run.client();
    // A body where none may be would stand before the next reply on the same connection.
    for (method, path, status) in
        [("HEAD", "/200", 200), ("GET", "/204", 204), ("GET", "/304", 304), ("HEAD", "/404", 404), ("GET", "/200", 200)]
    {
        let reply = client.call(method, path, "", b"").unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert_eq!(reply.status, status, "{method} {path}");
        let length = reply.header("content-length");
        match (method, status) {
            ("HEAD", _) => assert!(matches!(length, None | Some("19")), "{method} {path}: {length:?}"),
            (_, 204) => assert_eq!((length, reply.header("transfer-encoding")), (None, None), "{path}"),
            (_, 304) => assert!(matches!(length, None | Some("19")), "{path}: {length:?}"),
            _ => assert_eq!(reply.text(), "a body all the same"),
        }
    }
}

fn expect_100_continue_is_answered_before_the_body(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut client = run.client();
    let head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    client.send(head).expect("it is open");
    assert_eq!(client.read().expect("leave to go on").status, 100);
    client.send(b"hello").expect("it is open");
    let reply = client.read().expect("an answer");
    assert_eq!((reply.status, reply.text().as_str()), (200, "hello"));
}

fn both_framings_at_once_are_400_and_the_connection_ends(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    for framing in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: +5\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
    ] {
        let mut client = run.client();
        let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
        client.send(format!("POST / HTTP/1.1\r\nHost: x\r\n{framing}\r\n{smuggled}").as_bytes()).expect("it is open");
        let reply = client.read().unwrap_or_else(|error| panic!("{framing:?}: {error}"));
        assert!(matches!(reply.status, 400 | 501), "{framing:?}: {}", reply.status);
        // A reset in place of the end is fine, too: bytes that were not read are thrown away.
        let rest = client.rest().unwrap_or_default();
        assert!(rest.is_empty(), "{framing:?}: a second answer: {}", String::from_utf8_lossy(&rest));
    }
    assert_eq!(run.get("/").status, 200);
}

fn garbage_is_400_and_the_connection_ends(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nNo colon\r\n\r\n"] {
        let mut client = run.client();
        client.send(garbage).expect("it is open");
        client.finish().expect("it is open");
        let reply: Option<Reply> = client.read().ok();
        assert!(reply.is_none_or(|reply| reply.status == 400), "{garbage:?}");
        assert!(client.rest().unwrap_or_default().is_empty());
    }
    assert_eq!((run.get("/").status, run.process.status()), (200, None));
}

fn headers_of_64_kilobytes_pass_and_of_a_megabyte_are_431(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let lines = |count: usize| (0..count).map(|at| format!("X-{at}: {}\r\n", "v".repeat(1000))).collect::<String>();
    assert_eq!(run.call("GET", "/", &lines(64), b"").status, 200);
    let mut client = run.client();
    // The server may end the connection in the middle of it.
    let _ = client.request("GET", "/", &lines(1050), b"");
    if let Ok(reply) = client.read() {
        assert_eq!(reply.status, 431);
    }
    let mut client = run.client();
    client.send(format!("GET / HTTP/1.1\r\nHost: x\r\nX: {}", "v".repeat(150_000)).as_bytes()).expect("it is open");
    assert_eq!(client.read().expect("an answer before the end of the head").status, 431);
    assert_eq!(run.get("/").status, 200);
}

fn an_error_and_a_panic_are_500_and_the_process_lives_on(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("faulty"), "faulty");
    let mut client = run.client();
    for event in [faulty::ERROR, faulty::PANIC] {
        let reply =
            client.call("POST", "/", "Content-Type: application/json\r\n", event.as_bytes()).expect("an answer");
        assert_eq!(reply.status, 500, "{event}: {}", reply.text());
        let json: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert!(json["errorType"].is_string() && json["requestId"].is_string(), "{json}");
        assert!(!reply.text().contains(".rs"), "no place in the source for strangers: {json}");
        let fine = client.call("POST", "/", "Content-Type: application/json\r\n", faulty::FINE.as_bytes());
        assert_eq!(fine.expect("the connection is kept").status, 200);
    }
    assert_eq!(run.process.status(), None);
}

fn a_stream_leaves_before_the_handler_ends(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.streaming");
    let path = run.deployment.path("go");
    let mut client = run.client();
    client.request("POST", "/", "", format!("{}|ok", path.display()).as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", integration::wait::limit()).expect("the first half is out");
    let head = client.head().expect("the head, while the handler holds");
    assert_eq!((head.status, head.header("x-probe")), (201, Some("1")));
    assert_eq!(head.header("transfer-encoding"), Some("chunked"));
    assert_eq!(client.chunk().expect("the first chunk, while the handler holds"), b"first");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(client.chunk().expect("the second"), b"second");
    assert_eq!(client.chunk().expect("the end"), b"");
    assert_eq!(client.call("POST", "/", "", b"|empty").expect("the connection is kept").body, b"");
}

fn a_stream_that_fails_is_cut_short(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.streaming");
    let path = run.deployment.path("go");
    std::fs::write(&path, "").expect("the handler need not wait");
    let mut client = run.client();
    let reply = client.call("POST", "/", "", format!("{}|fail", path.display()).as_bytes());
    assert!(reply.is_err(), "an end that looks whole hides the failure: {reply:?}");
    assert_eq!((run.get("/livez").status, run.process.status()), (200, None));
}
