//! The statements of `docs/conformance/google-cloud.md` on requests and answers.

use super::run::{OnGoogle, event, function, service};
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::{limit, silence};
use platform_emulators::cloudevents::Request;
use platform_emulators::google_cloud::options::{REVISION, SERVICE};
use platform_emulators::google_cloud::{Options, Signature};
use platform_emulators::h2c;
use std::net::TcpStream;

integration::both![
    the_port_is_open_for_all_addresses_and_localhost,
    paths_of_browsers_are_404_without_a_call,
    every_other_path_and_method_reaches_the_function,
    a_get_to_an_event_function_is_405,
    a_failure_is_500_and_says_crash,
    answers_have_nothing_that_the_contract_forbids,
    a_thousand_requests_run_at_once,
    http2_with_prior_knowledge_is_spoken_or_refused,
    a_stream_arrives_piece_by_piece,
    an_idle_connection_stays_open,
    names_of_the_revision_reach_the_function,
    the_timeout_is_the_deadline,
];

fn the_port_is_open_for_all_addresses_and_localhost(runtime: &Runtime) {
    let run = OnGoogle::service(runtime, "echo");
    assert_eq!(run.call(&Request::json("1")).body, b"1", "by the name localhost");
    let addresses = run.instance.addresses().expect("there are some");
    let port = addresses[0].port();
    let line = run.process().wait_for_line(|line| line.contains(&format!("0.0.0.0:{port}")), limit());
    assert!(line.is_ok(), "the start line names it: {line:?}");
}

fn seen(run: &OnGoogle) -> usize {
    run.process().lines().iter().filter(|line| line.text == "function in Invoke").count()
}

fn paths_of_browsers_are_404_without_a_call(runtime: &Runtime) {
    let run = OnGoogle::function(runtime, "probe.phases", Signature::Http);
    for path in ["/favicon.ico", "/robots.txt"] {
        assert_eq!(run.call(&Request::new("GET", path, &[], "")).status, 404, "{path}");
    }
    assert_eq!(run.call(&Request::json("x")).text(), "done");
    run.process().wait_for_line(|line| line == "function in Invoke", limit()).expect("it ran");
    assert_eq!(seen(&run), 1, "{}", run.process().output());
}

fn every_other_path_and_method_reaches_the_function(runtime: &Runtime) {
    let run = OnGoogle::function(runtime, "inspect", Signature::Http);
    for path in ["/", "/livez", "/readyz", "/health/readiness", "/a/favicon.ico", "/_ah/warmup", "/a%2Fb?c=d"] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PURGE"] {
            let http = &run.inspect(&Request::new(method, path, &[], "")).0["http"];
            let expected = path.split('?').next();
            assert_eq!((http["method"].as_str(), http["raw_path"].as_str()), (Some(method), expected), "{http}");
        }
    }
    let events = event("t", "/s", "{}");
    assert_eq!(run.inspect(&events).text("trigger"), "http", "a function of requests gets everything as one");
    run.assert_clean();
}

fn a_get_to_an_event_function_is_405(runtime: &Runtime) {
    for signature in [Signature::CloudEvent, Signature::Event] {
        let run = OnGoogle::function(runtime, "probe.phases", signature);
        for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
            let answer = run.call(&Request::new(method, "/any/path", &[], ""));
            assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        }
        let answer = run.call(&event("t", "/s", "{}").to("/any/path"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        run.process().wait_for_line(|line| line == "function in Invoke", limit()).expect("it ran");
        assert_eq!(seen(&run), 1, "{}", run.process().output());
        run.assert_clean();
    }
}

fn a_failure_is_500_and_says_crash(runtime: &Runtime) {
    for signature in [Signature::Http, Signature::CloudEvent, Signature::Event] {
        let run = OnGoogle::function(runtime, "faulty", signature);
        for wish in [faulty::ERROR, faulty::PANIC] {
            let answer = run.call(&event("t", "/s", wish));
            // A function of the older form has its wish in `data`, which it does not look into.
            let expected = if signature == Signature::Event { (200, None) } else { (500, Some("crash")) };
            assert_eq!((answer.status, answer.header("x-google-status")), expected, "{}", answer.text());
        }
        run.assert_clean();
    }
}

fn answers_have_nothing_that_the_contract_forbids(runtime: &Runtime) {
    let run = OnGoogle::function(runtime, "faulty", Signature::CloudEvent);
    for request in [
        event("t", "/s", faulty::FINE),
        event("t", "/s", faulty::ERROR),
        event("t", "/s", r#"{"do":"reply","bytes":100000}"#),
        Request::new("GET", "/", &[], ""),
        Request::json("{}"),
        Request::json("no JSON"),
        Request::batch(&[]),
    ] {
        let answer = run.call(&request);
        for name in ["etag", "x-powered-by", "server", "via"] {
            assert_eq!(answer.header(name), None, "{request:?}");
        }
    }
    run.assert_clean();
}

/// Returns the number of open files that this process may have.
fn open_files() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok()).unwrap_or(u64::MAX)
}

fn a_thousand_requests_run_at_once(runtime: &Runtime) {
    const NEEDED: u64 = 4096;
    const ALL: usize = 1000;
    if open_files() < NEEDED {
        // Both ends need a descriptor each, and the usual limit is 1024: the test runs again under a higher one.
        let (_, module) = module_path!().split_once("::").expect("a module of a test binary");
        let name = format!("{module}::a_thousand_requests_run_at_once::{}", runtime.name.replace('-', "_"));
        let this = std::env::current_exe().expect("the test binary has a path");
        let script = format!("ulimit -n {NEEDED} && exec \"$0\" --exact {name}");
        let output = std::process::Command::new("/bin/sh").args(["-c", &script]).arg(this).output().expect("sh starts");
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    // The function blocks its thread, so there has to be one for each.
    let deployment = Deployment::of("probe").env("FAAS_THREADS", "1000");
    let run = OnGoogle::start(runtime, deployment, "probe.gate", Options { concurrency: ALL, ..service() });
    let end = std::time::Instant::now() + limit();
    loop {
        let request = Request::json(ALL.to_string());
        let pending: Vec<_> = (0..ALL).map(|_| run.instance.begin(&request).expect("it is open")).collect();
        let answers = pending.into_iter().map(|pending| pending.end().expect("it is answered"));
        let (met, others): (Vec<_>, Vec<_>) = answers.partition(|answer| answer.text() == "met");
        if others.is_empty() {
            assert_eq!(met.len(), ALL);
            return;
        }
        // The gate waits for some seconds alone, which a crowded machine may need for a thousand requests.
        let late = |text: &str| text.contains("the others did not come");
        let other = others.iter().find(|answer| !late(&answer.text()));
        assert!(other.is_none() && std::time::Instant::now() < end, "{} met, {other:?}", met.len());
    }
}

fn http2_with_prior_knowledge_is_spoken_or_refused(runtime: &Runtime) {
    let run = OnGoogle::service(runtime, "echo");
    let stream = || {
        let stream = TcpStream::connect(&run.instance.addresses().expect("there are some")[..]).expect("it is open");
        stream.set_read_timeout(Some(limit())).expect("a limit can be set");
        stream
    };
    let request = Request::json("over HTTP/2");
    let answer = h2c::exchange(stream(), "POST", "/", "paint.example", &request.headers, &request.body);
    if runtime.name == "bootstrap" {
        let answer = answer.expect("it is spoken");
        assert_eq!((answer.status, &answer.body[..]), (200, &b"over HTTP/2"[..]));
        let attributes = event("t", "/s", "over HTTP/2").headers;
        let answer = h2c::exchange(stream(), "POST", "/", "paint.example", &attributes, b"over HTTP/2");
        assert_eq!(answer.expect("it is spoken").body, b"over HTTP/2");
    } else {
        assert!(answer.is_err(), "{answer:?}");
    }
    assert_eq!(run.call(&Request::json("after it")).body, b"after it");
}

fn a_stream_arrives_piece_by_piece(runtime: &Runtime) {
    let run = OnGoogle::start(runtime, Deployment::of("probe"), "probe.streaming", function(Signature::Http));
    let path = run.deployment.path("go");
    let mut client = Client::connect(run.instance.addresses().expect("there are some")[0])
        .or_else(|_| Client::connect(*run.instance.addresses().expect("there are some").last().expect("one")))
        .expect("it is open");
    client.request("POST", "/", "", format!("{}|end", path.display()).as_bytes()).expect("it is open");
    let head = client.head().expect("the head comes first");
    assert_eq!((head.status, head.header("transfer-encoding")), (201, Some("chunked")));
    assert_eq!(client.chunk().expect("before the function ends"), b"first");
    std::fs::write(path, "").expect("the function is let go");
    assert_eq!(client.chunk().expect("the rest"), b"second");
    assert_eq!(client.chunk().expect("the end"), b"");
}

fn an_idle_connection_stays_open(runtime: &Runtime) {
    let run = OnGoogle::service(runtime, "echo");
    let address = *run.instance.addresses().expect("there are some").last().expect("one");
    let mut client = Client::connect(address).expect("it is open");
    assert_eq!(client.call("POST", "/", "", b"1").expect("an answer").body, b"1");
    assert!(run.process().wait(silence()).is_err(), "it left:\n{}", run.process().output());
    assert_eq!(client.call("POST", "/", "", b"2").expect("it is still open").body, b"2");
}

fn names_of_the_revision_reach_the_function(runtime: &Runtime) {
    let options = Options { target: Some("painter".to_owned()), ..function(Signature::Http) };
    let run = OnGoogle::start(runtime, Deployment::of("inspect"), "inspect", options);
    let seen = run.inspect(&Request::new("GET", "/", &[("Function-Execution-Id", "x1y2")], ""));
    assert_eq!((seen.text("function"), seen.text("version")), (SERVICE, REVISION));
    assert_eq!((seen.text("platform"), seen.text("request_id")), ("google-cloud", "x1y2"));
    let run = OnGoogle::service(runtime, "inspect");
    let ids: Vec<_> = (0..2).map(|_| run.inspect(&Request::json("")).text("request_id").to_owned()).collect();
    assert!(ids[0].len() >= 12 && ids[0] != ids[1], "made where the platform gives none: {ids:?}");
}

fn the_timeout_is_the_deadline(runtime: &Runtime) {
    let options = Options { timeout_s: Some(3600), ..service() };
    let run = OnGoogle::start(runtime, Deployment::of("inspect"), "inspect", options);
    let seen = run.inspect(&Request::json(""));
    assert!((3_000_000..=3_600_000).contains(&seen.number("remaining_ms")), "{}", seen.0);
    let run = OnGoogle::service(runtime, "inspect");
    assert!(run.inspect(&Request::json("")).0["deadline_ms"].is_null());
}
