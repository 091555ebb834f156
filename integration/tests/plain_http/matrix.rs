//! The matrix on plain HTTP.

use crate::several::{self, REQUESTS};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::wait::{limit, until};
use platform_emulators::process::Signal;

integration::both![
    echo,
    inspect_over_every_trigger,
    error,
    panic,
    deadline,
    large_body,
    init_failure,
    sigterm_in_flight,
    refusal,
    several_functions,
];

pub(crate) fn echo(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        let reply = run.call("POST", "/", "", body);
        assert_eq!((reply.status, &reply.body[..]), (200, body));
    }
}

/// There is one: the request.
pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("inspect"), "inspect");
    let reply = run.call("PUT", "/a%20b?x=1&x=2", "X-Twice: 1\r\nX-Twice: 2\r\nCookie: c=d\r\n", b"body");
    let seen = Inspected::read(&reply.body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("http", "http"));
    let http = &seen.0["http"];
    assert_eq!((&http["method"], &http["path"], &http["raw_path"]), (&"PUT".into(), &"/a b".into(), &"/a%20b".into()));
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    let twice = http["headers"].as_array().expect("a list").iter().filter(|pair| pair[0] == "X-Twice").count();
    assert_eq!((twice, http["cookies"].to_string().contains('c')), (2, true), "{http}");
    assert_eq!(seen.body(), b"body");
}

fn fails(runtime: &Runtime, event: &str) {
    let run = OnHttp::start(runtime, Deployment::of("faulty"), "faulty");
    let reply = run.call("POST", "/", "Content-Type: application/json\r\n", event.as_bytes());
    assert_eq!(reply.status, 500, "{}", reply.text());
    assert!(reply.text().contains("errorMessage"), "{}", reply.text());
    assert_eq!(run.call("POST", "/", "", faulty::FINE.as_bytes()).status, 200, "the process lives on");
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR);
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC);
}

fn deadline(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAAS_TIMEOUT", "1s");
    let run = OnHttp::start(runtime, deployment, "faulty");
    let reply = run.call("POST", "/", "", faulty::SPIN.as_bytes());
    assert_eq!(reply.status, 504, "{}", reply.text());
    assert_eq!(run.call("POST", "/", "", faulty::FINE.as_bytes()).status, 200, "others are served");
}

fn large_body(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let body = vec![b'x'; 30_000_000];
    let reply = run.call("POST", "/", "", &body);
    assert_eq!((reply.status, reply.body.len()), (200, body.len()));
}

fn init_failure(runtime: &Runtime) {
    let run = OnHttp::launch(runtime, Deployment::empty(), "missing");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("no library for function \"missing\""), "{}", run.process.output());
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe"), "probe.hold");
    let path = run.deployment.path("go");
    let mut client = run.client();
    client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(client.read().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}

fn refusal(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("probe").env("FAAS_CONCURRENCY", "2"), "probe.hold");
    let paths = [run.deployment.path("a"), run.deployment.path("b")];
    let mut clients = paths.clone().map(|path| {
        let mut client = run.client();
        client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
        client
    });
    let both = || run.process.lines().iter().filter(|line| line.text == "holding").count() == 2;
    until("two run at once", &run.process, || both().then_some(())).expect("two at once");
    let refused = run.call("POST", "/", "", b"one too many");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    for path in &paths {
        std::fs::write(path, "").expect("a handler is let go");
    }
    for client in &mut clients {
        assert_eq!(client.read().expect("it is answered").text(), "let go");
    }
}

fn several_functions(runtime: &Runtime) {
    several::behave(&REQUESTS, |deployment| OnHttp::start(runtime, deployment, ""));
}
