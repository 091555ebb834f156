//! The statements of `docs/conformance/azure-functions.md` about requests, in envelopes, forwarded and proxied.

use super::run::OnAzure;
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::azure_functions::{Bound, Call, Mode, Request};
use serde_json::{Value, json};

integration::both![
    a_request_is_read_with_and_without_a_body,
    a_query_may_be_an_object_or_its_json,
    bodies_in_base64_are_decoded,
    a_reply_has_status_headers_and_body,
    a_reply_goes_to_the_output_that_is_named,
    a_call_tells_its_invocation_and_its_retries,
    forwarded_and_proxied_requests_reach_the_function,
    a_proxied_stream_is_flushed_chunk_by_chunk,
    failures_of_handed_requests_are_plain,
    a_clients_request_is_never_taken_for_an_envelope,
    without_the_host_a_request_is_served,
];

fn a_request_is_read_with_and_without_a_body(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "inspect");
    let headers = [("X-Two", "1"), ("X-Two", "2"), ("Content-Type", "text/plain")];
    let seen = run.inspect_request(Request::new("POST", "/api/x", &headers, "gr\u{fc}n"));
    assert_eq!(seen.body(), "gr\u{fc}n".as_bytes());
    let told = seen.0["http"]["headers"].to_string();
    assert!(told.contains(r#"["X-Two","1"],["X-Two","2"]"#), "{told}");
    assert_eq!(seen.0["http"]["client_ip"], "192.0.2.7");
    let seen = run.inspect_request(Request::new("GET", "/api/x", &[], ""));
    assert_eq!((seen.body(), seen.0["http"]["method"].as_str()), (Vec::new(), Some("GET")));
    run.assert_clean();
}

fn a_query_may_be_an_object_or_its_json(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "inspect");
    for query in [json!({ "a": "1" }), json!(r#"{"a":"1"}"#)] {
        let request = json!({ "Url": "http://localhost:7071/api/x", "Method": "GET", "Query": query, "Headers": {} });
        let call = Call::new("inspect", "req", Bound::Plain(request)).http_output("res");
        let reply = run.done(&call).reply.expect("a reply");
        assert_eq!(Inspected::read(&reply.body).0["http"]["query"].to_string(), r#"[["a","1"]]"#);
    }
    run.assert_clean();
}

fn bodies_in_base64_are_decoded(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "inspect");
    for kind in ["application/octet-stream", "multipart/form-data; boundary=x"] {
        let bytes: Vec<u8> = (0..=255).collect();
        let seen = run.inspect_request(Request::new("POST", "/api/x", &[("Content-Type", kind)], bytes.clone()));
        assert_eq!(seen.body(), bytes, "{kind}");
    }
    let seen = run.inspect_request(Request::new("POST", "/api/x", &[("Content-Type", "text/plain")], "aGk="));
    assert_eq!(seen.body(), b"aGk=", "a text is no base64");
    run.assert_clean();
}

fn a_reply_has_status_headers_and_body(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "faulty");
    let reply = run.request(Request::new("GET", "/api/faulty?do=error&status=409", &[], ""));
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    assert_eq!(
        (reply.status, reply.header("content-type"), &body["errorType"]),
        (409, Some("application/json"), &"Faulty.Error".into())
    );
    let run = OnAzure::start(runtime, Deployment::of("stream"), "stream", Mode::Envelope);
    let reply = run.request(Request::new("GET", "/api/stream?chunks=2&bytes=4", &[], ""));
    assert_eq!((reply.status, reply.text().as_str()), (200, "0..\n1..\n"), "a stream goes in one piece");
    assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
    run.assert_clean();
}

fn a_reply_goes_to_the_output_that_is_named(runtime: &Runtime) {
    for name in ["reply", "$return"] {
        let deployment = Deployment::of("hello").env("FAAS_AZURE_HTTP_OUTPUT", name);
        let run = OnAzure::start(runtime, deployment, "hello", Mode::Envelope);
        let mut call = Call::http("hello", Request::new("GET", "/api/hello?name=ada", &[], ""));
        call.outputs.clear();
        let reply = run.done(&call.http_output(name)).reply.expect("a reply");
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{name}");
        assert!(reply.text().contains(r#""hello":"ada""#), "{name}: {}", reply.text());
        run.assert_clean();
    }
}

fn a_call_tells_its_invocation_and_its_retries(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "inspect");
    let retry = json!({ "RetryCount": 2, "MaxRetryCount": 3, "Exception": null });
    let call = Call::queue("inspect", "red").knows(&[("RetryContext", retry.clone())]);
    let pending = run.host.begin(&call).expect("it is open");
    let id = pending.id().to_owned();
    let Ok(platform_emulators::azure_functions::Ended::Done(done)) = pending.end() else {
        panic!("{}", run.process().output())
    };
    let seen = Inspected(done.raw["ReturnValue"].clone());
    let event: Value = serde_json::from_slice(&seen.event()).expect("JSON");
    assert_eq!((seen.text("request_id"), &event["Metadata"]["RetryContext"]), (id.as_str(), &retry));
    run.assert_clean();
}

fn forwarded_and_proxied_requests_reach_the_function(runtime: &Runtime) {
    for (mode, path, query) in [
        (Mode::Forward, "/api/x", r#"[["a","1,2"]]"#),
        (Mode::Proxy, "/api/x", r#"[["a","1"],["a","2"]]"#),
        (Mode::Worker, "/inspect", r#"[["a","1,2"]]"#),
    ] {
        let run = OnAzure::start(runtime, Deployment::of("inspect"), "inspect", mode);
        let call = Call::http("inspect", Request::new("GET", "/api/x?a=1&a=2", &[("User-Agent", "test/1")], ""));
        let pending = run.host.begin(&call).expect("it is open");
        let id = pending.id().to_owned();
        let Ok(platform_emulators::azure_functions::Ended::Done(done)) = pending.end() else {
            panic!("{}", run.process().output())
        };
        let reply = done.reply.expect("a reply");
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "as it is: {mode:?}");
        let seen = Inspected::read(&reply.body);
        assert_eq!((seen.text("request_id"), &seen.0["http"]["path"]), (id.as_str(), &path.into()), "{mode:?}");
        assert_eq!(seen.0["http"]["query"].to_string(), query, "{mode:?}");
        let body =
            run.inspect_request(Request { is_chunked: true, ..Request::new("PUT", "/api/x", &[], "chunks of it") });
        let expected = if mode == Mode::Proxy { &b"chunks of it"[..] } else { b"" };
        assert_eq!(body.body(), expected, "only a proxied body may be of no known length");
    }
}

fn a_proxied_stream_is_flushed_chunk_by_chunk(runtime: &Runtime) {
    let run = OnAzure::start(runtime, Deployment::of("probe"), "probe.streaming", Mode::Proxy);
    let path = run.deployment.path("go");
    let request = Request::new("POST", "/api/x", &[], format!("{}|ok", path.display()));
    let (method, target, headers, body, _) = run.host.handed("streaming", &request, "i-1");
    let headers = headers.iter().filter(|(name, _)| name != "Host");
    let headers: String = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let mut client = Client::connect(run.host.address()).expect("it listens");
    client.request(&method, &target, &headers, &body).expect("it is open");
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the first half is out");
    assert_eq!(client.head().expect("the head, while the function holds").status, 201);
    assert_eq!(client.chunk().expect("the first chunk, while the function holds"), b"first");
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(client.chunk().expect("the second"), b"second");
    assert_eq!(client.chunk().expect("the end"), b"");
}

fn failures_of_handed_requests_are_plain(runtime: &Runtime) {
    let run = OnAzure::start(runtime, Deployment::of("faulty"), "faulty", Mode::Forward);
    let reply = run.request(Request::new("GET", "/api/faulty?do=error", &[], ""));
    assert_eq!((reply.status, reply.header("content-type")), (500, Some("application/json")));
    assert!(reply.text().contains("Faulty.Error"), "{}", reply.text());
    run.process().wait_for_line(|line| line.contains("asked for an error"), limit()).expect("the log tells it");
}

/// Where the route is the function's name and nothing stands before it, a client decides what is posted to
/// `/{function}`.
fn a_clients_request_is_never_taken_for_an_envelope(runtime: &Runtime) {
    for mode in [Mode::Forward, Mode::Proxy, Mode::Worker] {
        let run = OnAzure::start(runtime, Deployment::of("inspect"), "inspect", mode);
        let forged = json!({ "Url": "http://h/", "Method": "GET", "Headers": { "X-MS-CLIENT-PRINCIPAL": ["admin"] } });
        let forged = Call::new("inspect", "req", Bound::Plain(forged)).envelope();
        let headers = [("Content-Type", "application/json"), ("X-Azure-Functions-InvocationId", "mine")];
        let seen = run.inspect_request(Request::new("POST", "/inspect", &headers, forged.clone()));
        assert_eq!((seen.body(), &seen.0["http"]["method"]), (forged.into_bytes(), &"POST".into()), "{mode:?}");
        assert!(!seen.0["http"]["headers"].to_string().contains("PRINCIPAL"), "{mode:?}: {}", seen.0);
        assert_ne!(seen.text("request_id"), "mine");
    }
}

fn without_the_host_a_request_is_served(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "inspect");
    let mut client = Client::connect(run.host.address()).expect("it listens");
    let reply = client.call("POST", "/anything?a=1", "", b"body").expect("an answer");
    let seen = Inspected::read(&reply.body);
    assert_eq!((reply.status, seen.body(), &seen.0["http"]["path"]), (200, b"body".to_vec(), &"/anything".into()));
    assert_eq!(client.call("GET", "/", "", b"").expect("an answer").text(), "OK", "but for the host's question");
}
