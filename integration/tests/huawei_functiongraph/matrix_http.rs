//! The matrix on FunctionGraph once more, for HTTP functions and event functions of an image.

use super::run::{launch_http, start_http, start_image};
use crate::either::{self, Way};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use platform_emulators::huawei_functiongraph::Web;

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

const WAYS: [Way; 2] = [(start_http, "/any?q=1"), (start_image, "/invoke")];

fn echo(runtime: &Runtime) {
    either::echo(runtime, WAYS, &Web::new("r-1").headers());
}

fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start_http(runtime, Deployment::of("inspect"), "inspect");
    let headers = format!("{}X-Real-Ip: 192.0.2.7\r\n", Web::new("r-7").headers());
    let seen = Inspected::read(&run.call("PUT", "/a%20b?x=1&x=2", &headers, b"body").body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("huawei-functiongraph", "http"));
    assert_eq!((seen.text("request_id"), &seen.0["http"]["path"]), ("r-7", &"/a b".into()));
    assert_eq!((&seen.0["http"]["client_ip"], seen.body()), (&"192.0.2.7".into(), b"body".to_vec()));
    let run = start_image(runtime, Deployment::of("inspect"), "inspect");
    for (trigger, event) in [
        ("timer", r#"{"version":"v1.0","trigger_type":"TIMER","trigger_name":"t","user_event":"blue"}"#),
        ("topic", r#"{"record":[{"event_source":"smn","smn":{"topic_urn":"urn","message":"hi"}}]}"#),
        ("raw", "[1]"),
    ] {
        let seen = Inspected::read(&run.call("POST", "/invoke", &Web::new("r-8").headers(), event.as_bytes()).body);
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
    for ((start, target), status) in WAYS.into_iter().zip([504, 500]) {
        let run = start(runtime, Deployment::of("faulty").env("RUNTIME_TIMEOUT", "3"), "faulty");
        let reply = run.call("POST", target, "", faulty::HANG.as_bytes());
        assert_eq!(reply.status, status, "{target}: {}", reply.text());
        assert!(reply.text().contains("TimedOut"), "{}", reply.text());
        assert_eq!(run.call("POST", target, "", faulty::FINE.as_bytes()).status, 200, "others are served");
    }
}

fn large_body(runtime: &Runtime) {
    either::large_body(runtime, WAYS);
}

fn init_failure(runtime: &Runtime) {
    either::init_failure(&launch_http(runtime, Deployment::of("probe"), "probe.failing_start"));
}

fn sigterm_in_flight(runtime: &Runtime) {
    either::sigterm_in_flight(runtime, WAYS);
}

fn refusal(runtime: &Runtime) {
    either::refusal(runtime, WAYS);
}
