//! Web functions, and event functions of an image.

use crate::tencent_scf::run::{start_web, web_command};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_plane::metadata;
use integration::wait::limit;
use platform_emulators::process::Process;
use platform_emulators::tencent_scf::Web;

integration::both![
    a_web_function_listens_on_port_9000_of_all_addresses,
    the_platforms_headers_reach_the_context_and_not_the_request,
    keys_reach_the_context_and_never_the_log,
    an_event_to_an_image_has_its_result_in_the_reply,
];

/// The port may be taken by another test of its kind; what counts is that it is asked for.
fn a_web_function_listens_on_port_9000_of_all_addresses(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    let process = Process::spawn(web_command(runtime, &deployment, "echo"), |_| ()).expect("the runtime starts");
    let line = process.wait_for_line(|line| line.contains("0.0.0.0:9000"), limit());
    assert!(line.is_ok(), "{}", process.output());
}

fn the_platforms_headers_reach_the_context_and_not_the_request(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("inspect"), "inspect");
    let headers = format!("{}X-Mine: 1\r\n", Web { timeout_ms: 60_000, ..Web::new("r-7") }.headers());
    let seen = Inspected::read(&run.call("GET", "/", &headers, b"").body);
    assert_eq!((seen.text("request_id"), seen.text("function")), ("r-7", "scf-function"));
    assert_eq!((seen.text("version"), seen.text("region")), ("$LATEST", "ap-test"));
    // Of a limit in milliseconds a minute is left, and not a thousand.
    assert!(seen.number("remaining_ms") <= 60_000, "{}", seen.0);
    let names = seen.0["http"]["headers"].to_string().to_lowercase();
    assert!(names.contains("x-mine") && !names.contains("x-scf-"), "{names}");
}

fn keys_reach_the_context_and_never_the_log(runtime: &Runtime) {
    let run = start_web(runtime, metadata().env("FAAS_LOG", "trace"), "metadata.metadata");
    let with = Web { role: true, ..Web::new("r-7") }.headers();
    assert_eq!(run.call("POST", "/", &with, b"x-scf-secret-key").text(), "temporary-key");
    let without = Web::new("r-8").headers();
    assert_eq!(run.call("POST", "/event-invoke", &without, b"x-scf-secret-key").text(), "(none)");
    run.stop();
    let said = run.process.output();
    assert!(!said.is_empty() && !said.contains("temporary-"), "{said}");
}

fn an_event_to_an_image_has_its_result_in_the_reply(runtime: &Runtime) {
    let run = start_web(runtime, Deployment::of("inspect"), "inspect");
    let event = r#"{"Type":"Timer","TriggerName":"t"}"#;
    let reply = run.call("POST", "/event-invoke", &Web::new("r-7").headers(), event.as_bytes());
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let seen = Inspected::read(&reply.body);
    assert_eq!((seen.text("trigger"), seen.text("request_id")), ("timer", "r-7"));
    assert_eq!(seen.event(), event.as_bytes());
}
