//! The matrix on SCF once more, for web functions and event functions of an image.

use super::run::{launch_web, start_web};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::{limit, until};
use platform_emulators::process::Signal;
use platform_emulators::tencent_scf::Web;

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
];

fn echo(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("echo"), "echo");
    for target in ["/any?q=1", "/event-invoke"] {
        for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
            let reply = run.call("POST", target, &Web::new("r-1").headers(), body);
            assert_eq!((reply.status, &reply.body[..]), (200, body), "{target}");
        }
    }
}

fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("inspect"), "inspect");
    let headers = format!("{}X-Forwarded-For: 192.0.2.7\r\n", Web::new("r-7").headers());
    let reply = run.call("PUT", "/a%20b?x=1&x=2", &headers, b"body");
    let seen = Inspected::read(&reply.body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("tencent-scf", "http"));
    assert_eq!((seen.text("request_id"), &seen.0["http"]["path"]), ("r-7", &"/a b".into()));
    assert_eq!((&seen.0["http"]["client_ip"], seen.body()), (&"192.0.2.7".into(), b"body".to_vec()));
    for (trigger, event) in [
        ("timer", r#"{"Type":"Timer","TriggerName":"t","Time":"2026-01-02T03:04:00Z","Message":"blue"}"#),
        ("storage", r#"{"Records":[{"cos":{"cosObject":{"key":"/1/b/a"}}}]}"#),
        ("raw", "[1]"),
    ] {
        let reply = run.call("POST", "/event-invoke", &Web::new("r-8").headers(), event.as_bytes());
        let seen = Inspected::read(&reply.body);
        assert_eq!((seen.text("trigger"), seen.text("request_id")), (trigger, "r-8"));
        assert_eq!(seen.event(), event.as_bytes());
    }
}

/// The words for a client, and those for whoever sends an event.
fn fails(runtime: &Runtime, event: &str, words: [&str; 2]) {
    let run = start_web(runtime, Deployment::of("faulty"), "faulty");
    for (target, words) in ["/", "/event-invoke"].into_iter().zip(words) {
        let reply = run.call("POST", target, "Content-Type: application/json\r\n", event.as_bytes());
        assert_eq!(reply.status, 500, "{target}: {}", reply.text());
        assert!(reply.text().contains("errorMessage") && reply.text().contains(words), "{}", reply.text());
        assert_eq!(run.call("POST", target, "", faulty::FINE.as_bytes()).status, 200, "the process lives on");
    }
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR, ["Faulty.Error"; 2]);
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC, ["the function failed", "asked for a panic"]);
}

fn deadline(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("faulty"), "faulty");
    let headers = Web { timeout_ms: 1000, ..Web::new("r-1") }.headers();
    for (target, status) in [("/", 504), ("/event-invoke", 500)] {
        let reply = run.call("POST", target, &headers, faulty::SPIN.as_bytes());
        assert_eq!(reply.status, status, "{target}: {}", reply.text());
        assert!(reply.text().contains("TimedOut"), "{}", reply.text());
    }
    assert_eq!(run.call("POST", "/", "", faulty::FINE.as_bytes()).status, 200, "others are served");
}

fn large_body(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("echo"), "echo");
    let body = vec![b'x'; 5_900_000];
    for target in ["/", "/event-invoke"] {
        let reply = run.call("POST", target, "", &body);
        assert_eq!((reply.status, reply.body.len()), (200, body.len()), "{target}");
    }
    let reply = run.call("POST", "/event-invoke", "", &vec![b'x'; 6_500_000]);
    assert_eq!(reply.status, 500, "a result has a limit");
    assert!(reply.text().contains("Function.ResponseSizeTooLarge"), "{}", reply.text());
}

fn init_failure(runtime: &Runtime) {
    let run = launch_web(runtime, Deployment::of("probe"), "probe.failing_start");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("the database is not there"), "{}", run.process.output());
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("probe"), "probe.hold");
    let path = run.deployment.path("go");
    let mut client = run.client();
    client.request("POST", "/event-invoke", "", path.display().to_string().as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(client.read().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}

fn refusal(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("probe").env("FAAS_CONCURRENCY", "2"), "probe.hold");
    let paths = [run.deployment.path("a"), run.deployment.path("b")];
    let mut clients = paths.clone().map(|path| {
        let mut client = run.client();
        client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
        client
    });
    let both = || run.process.lines().iter().filter(|line| line.text == "holding").count() == 2;
    until("two run at once", &run.process, || both().then_some(())).expect("two at once");
    for target in ["/", "/event-invoke"] {
        let refused = run.call("POST", target, "", b"one too many");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
    }
    for path in &paths {
        std::fs::write(path, "").expect("a handler is let go");
    }
    for client in &mut clients {
        assert_eq!(client.read().expect("it is answered").text(), "let go");
    }
}
