//! The matrix on SCF once more, for web functions and event functions of an image.

use super::run::{launch_web, start_web};
use crate::either::{self, Way};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
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

/// One process takes both.
const WAYS: [Way; 2] = [(start_web, "/any?q=1"), (start_web, "/event-invoke")];

fn echo(runtime: &Runtime) {
    either::echo(runtime, WAYS, &Web::new("r-1").headers());
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

fn error(runtime: &Runtime) {
    either::error(runtime, WAYS);
}

fn panic(runtime: &Runtime) {
    either::panic(runtime, WAYS);
}

fn deadline(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("faulty"), "faulty");
    let headers = Web { timeout_ms: 1000, ..Web::new("r-1") }.headers();
    for (target, status) in [("/", 504), ("/event-invoke", 500)] {
        let reply = run.call("POST", target, &headers, faulty::HANG.as_bytes());
        assert_eq!(reply.status, status, "{target}: {}", reply.text());
        assert!(reply.text().contains("TimedOut"), "{}", reply.text());
    }
    assert_eq!(run.call("POST", "/", "", faulty::FINE.as_bytes()).status, 200, "others are served");
}

fn large_body(runtime: &Runtime) {
    either::large_body(runtime, WAYS);
}

fn init_failure(runtime: &Runtime) {
    either::init_failure(&launch_web(runtime, Deployment::of("probe"), "probe.failing_start"));
}

fn sigterm_in_flight(runtime: &Runtime) {
    either::sigterm_in_flight(runtime, WAYS);
}

fn refusal(runtime: &Runtime) {
    either::refusal(runtime, WAYS);
}
