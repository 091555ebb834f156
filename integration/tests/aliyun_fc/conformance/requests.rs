//! Clients' requests, which pass through.

use super::super::run::{OnFc, told};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::{limit, silence};
use platform_emulators::aliyun_fc::{Kind, Options, Request};

integration::both![
    a_client_may_use_the_platforms_paths,
    a_request_passes_through_unchanged,
    a_function_speaks_neither_for_the_connection_nor_for_the_platform,
    a_stream_passes_through_piece_by_piece,
    a_stream_that_fails_is_cut_short,
    connections_are_kept_and_chunked_requests_read,
    an_idle_connection_stays_open,
    headers_as_large_as_the_platform_lets_pass_are_read,
];

fn a_client_may_use_the_platforms_paths(runtime: &Runtime) {
    let run = OnFc::of(runtime, "inspect");
    for (method, path) in
        [("POST", "/invoke"), ("POST", "/initialize"), ("GET", "/pre-stop"), ("GET", "/pre-freeze"), ("GET", "/readyz")]
    {
        let response = run.fc.request(&Request::new(method, path).body("own"));
        let seen = Inspected::read(&response.body());
        assert_eq!((seen.text("trigger"), &seen.0["http"]["path"]), ("http", &path.into()), "{method} {path}");
    }
    assert_eq!(run.inspect("{}").text("trigger"), "raw", "an event is an event all the same");
    run.assert_clean();
}

fn a_request_passes_through_unchanged(runtime: &Runtime) {
    let run = OnFc::of(runtime, "inspect");
    let request = Request::new("PATCH", "/a%2Fb%20c/%C3%BC?x=1&y=%C3%BC&x=2&z")
        .header("X-Twice", "one")
        .header("x-twice", "two")
        .header("Cookie", "a=1; b=2")
        .header("X-Fc-Request-Id", "a client's own is not let through")
        .header("X-Forwarded-For", "10.0.0.1")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .body(b"\x00\xffbody");
    let response = run.fc.request(&request);
    assert_eq!((&response.kind, response.status), (&Kind::Success, 200), "{}", response.text());
    let seen = Inspected::read(&response.body());
    assert_eq!(seen.text("request_id"), response.request_id);
    assert_eq!((seen.body(), seen.event()), (b"\x00\xffbody".to_vec(), b"\x00\xffbody".to_vec()));
    let http = &seen.0["http"];
    assert_eq!((&http["method"], &http["raw_path"]), (&"PATCH".into(), &"/a%2Fb%20c/%C3%BC".into()));
    assert_eq!((&http["path"], &http["raw_query"]), (&"/a/b c/ü".into(), &"x=1&y=%C3%BC&x=2&z".into()));
    assert_eq!(http["query"], serde_json::json!([["x", "1"], ["y", "ü"], ["x", "2"], ["z", ""]]));
    assert_eq!((&http["host"], &http["client_ip"]), (&"shop.example.com".into(), &"192.0.2.44".into()));
    let headers = http["headers"].to_string().to_ascii_lowercase();
    assert!(headers.contains(r#"["x-twice","one"],["x-twice","two"]"#), "{headers}");
    assert!(!headers.contains("x-fc-") && !headers.contains("role-secret"), "{headers}");
    assert!(seen.0["trace"].to_string().contains("0af7651916cd43dd8448eb211c80319c"), "{}", seen.0["trace"]);
    run.assert_clean();
}

fn a_function_speaks_neither_for_the_connection_nor_for_the_platform(runtime: &Runtime) {
    let run = OnFc::named(runtime, told(), "fc.headers", Options::default());
    let mut exchange = run.fc.open(&Request::new("GET", "/tea")).expect("it is sent");
    let head = exchange.head.clone().expect("an answer");
    assert_eq!((head.status, head.all("x-fc-status"), head.all("x-own")), (418, vec!["200"], vec!["1", "2"]));
    for name in ["connection", "keep-alive", "x-fc-request-id"] {
        assert_eq!(head.header(name), None);
    }
    assert_eq!(exchange.piece().expect("a body"), Some(b"tea".to_vec()));
    assert_eq!((exchange.finish().kind, run.call("x").kind), (Kind::Success, Kind::Success));
    run.assert_clean();
}

fn a_stream_passes_through_piece_by_piece(runtime: &Runtime) {
    let run = OnFc::named(runtime, Deployment::of("probe"), "probe.streaming", Options::default());
    let path = run.deployment.path("go");
    let request = Request::new("POST", "/").body(format!("{}|ok", path.display()));
    let mut exchange = run.fc.open(&request).expect("it is sent");
    let head = exchange.head.clone().expect("the head, while the function holds");
    assert_eq!((head.status, head.header("transfer-encoding")), (201, Some("chunked")));
    assert_eq!(exchange.piece().expect("it is open"), Some(b"first".to_vec()), "while the function holds");
    std::fs::write(path, "").expect("the function is let go");
    let response = exchange.finish();
    assert_eq!((response.kind, response.pieces), (Kind::Success, vec![b"second".to_vec()]));
    let event = run.call(format!("{}|ok", run.deployment.path("go").display()).as_str());
    assert_eq!(event.text(), "firstsecond", "an event's result goes out whole");
    run.assert_clean();
}

fn a_stream_that_fails_is_cut_short(runtime: &Runtime) {
    let run = OnFc::named(runtime, Deployment::of("probe"), "probe.streaming", Options::default());
    let path = run.deployment.path("go");
    std::fs::write(&path, "").expect("the function need not wait");
    let event = format!("{}|fail", path.display());
    let response = run.fc.request(&Request::new("POST", "/").body(event.clone()));
    assert!(matches!(response.kind, Kind::BadResponse(_)), "an end that looks whole hides the failure: {response:?}");
    let failed = format!("FC Invoke End RequestId: {}, Error: Unhandled function error", response.request_id);
    run.fc.process().wait_for_line(|line| line == failed, limit()).expect("it is marked as one");
    assert_eq!(run.fc.invoke(event.as_str()).status(), 404, "of an event nothing had gone out");
    run.assert_clean();
}

fn connections_are_kept_and_chunked_requests_read(runtime: &Runtime) {
    let run = OnFc::of(runtime, "echo");
    let body: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    for chunks in [None, Some(1000), Some(1_000_000), Some(7)] {
        let length = if chunks == Some(7) { 1000 } else { body.len() };
        let request = Request { chunks, ..Request::new("POST", "/").body(&body[..length]) };
        let response = run.fc.request(&request);
        assert!(response.body() == body[..length], "{chunks:?}: {}", response.pieces.len());
    }
    // The emulator sends on the connection it has, and tells if that has ended.
    run.assert_clean();
}

fn an_idle_connection_stays_open(runtime: &Runtime) {
    let run = OnFc::of(runtime, "echo");
    assert_eq!(run.call("before").text(), "before");
    assert!(run.fc.process().wait(silence()).is_err(), "it left:\n{}", run.output());
    assert_eq!(run.call("after").text(), "after");
    run.assert_clean();
}

fn headers_as_large_as_the_platform_lets_pass_are_read(runtime: &Runtime) {
    let run = OnFc::of(runtime, "inspect");
    let query = "q".repeat(4000);
    let request = Request::new("GET", &format!("/?{query}")).header("X-Large", &"v".repeat(8000));
    let seen = Inspected::read(&run.fc.request(&request).body());
    assert_eq!(seen.0["http"]["raw_query"], query);
    let more = Request::new("GET", "/").header("X-Large", &"v".repeat(8200));
    assert!(matches!(run.fc.request(&more).kind, Kind::InvalidArgument(_)), "more is never sent");
    run.assert_clean();
}
