//! The matrix in a container app.

use super::run::{replica, start};
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
    concurrency,
    refusal,
    several_functions,
];

pub(crate) fn echo(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("echo"), "echo");
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        let reply = run.call("POST", "/", "", body);
        assert_eq!((reply.status, &reply.body[..]), (200, body));
    }
}

/// There is one: the request, here as the ingress hands it on.
pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("inspect"), "inspect");
    let headers = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Request-Id: r-1\r\n\
                   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let seen = Inspected::read(&run.call("PUT", "/a%20b?x=1&x=2", headers, b"body").body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("azure-container-apps", "http"));
    assert_eq!((seen.text("request_id"), seen.body()), ("r-1", b"body".to_vec()));
    let http = &seen.0["http"];
    assert_eq!(
        (&http["path"], &http["client_ip"], &http["scheme"]),
        (&"/a b".into(), &"192.0.2.7".into(), &"https".into())
    );
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    assert!(seen.0["trace"].to_string().contains("0af7651916cd43dd8448eb211c80319c"), "{}", seen.0);
}

fn fails(runtime: &Runtime, event: &str) {
    let run = start(runtime, Deployment::of("faulty"), "faulty");
    let reply = run.call("POST", "/", "", event.as_bytes());
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
    let run = start(runtime, Deployment::of("faulty").env("FAAS_TIMEOUT", "1s"), "faulty");
    let reply = run.call("POST", "/", "", faulty::SPIN.as_bytes());
    assert_eq!(reply.status, 504, "{}", reply.text());
    assert_eq!(run.call("POST", "/", "", faulty::FINE.as_bytes()).status, 200, "others are served");
}

fn large_body(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("echo"), "echo");
    let body = vec![b'x'; 30_000_000];
    let reply = run.call("POST", "/", "", &body);
    assert!(reply.status == 200 && reply.body == body, "{} {}", reply.status, reply.body.len());
}

fn init_failure(runtime: &Runtime) {
    let run = OnHttp::launch(runtime, replica(Deployment::empty()), "missing");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("no library for function \"missing\""), "{}", run.process.output());
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("probe"), "probe.hold");
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

fn concurrency(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("probe"), "probe.gate");
    let clients = [(); 3].map(|()| {
        let mut client = run.client();
        client.request("POST", "/", "", b"3").expect("it is open");
        client
    });
    for mut client in clients {
        assert_eq!(client.read().expect("it is answered").text(), "met", "{}", run.process.output());
    }
}

fn refusal(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("probe").env("FAAS_CONCURRENCY", "1"), "probe.hold");
    let path = run.deployment.path("go");
    let mut client = run.client();
    client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
    let holding = || run.process.output().contains("holding").then_some(());
    until("one runs", &run.process, holding).expect("one runs");
    let refused = run.call("POST", "/", "", b"one too many");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(client.read().expect("it is answered").text(), "let go");
}

fn several_functions(runtime: &Runtime) {
    several::behave(&REQUESTS, |deployment| start(runtime, deployment, ""));
}
