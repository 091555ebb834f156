//! HTTP functions, and event functions of an image.

use crate::huawei_functiongraph::run::{launch_http, server_command, start_http, start_image};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_plane::metadata;
use integration::wait::{limit, until};
use platform_emulators::huawei_functiongraph::Web;
use platform_emulators::process::Process;

integration::both![
    an_http_function_listens_on_port_8000_of_its_own_machine,
    the_platforms_headers_reach_the_context_and_not_the_request,
    keys_of_a_server_reach_the_context_and_never_the_log,
    an_image_for_events_answers_to_invoke_and_init,
    an_initializer_starts_the_function,
];

/// The port may be taken by another test of its kind; what counts is that it is asked for.
fn an_http_function_listens_on_port_8000_of_its_own_machine(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    let process = Process::spawn(server_command(runtime, &deployment, "echo"), |_| ()).expect("the runtime starts");
    let line = process.wait_for_line(|line| line.contains("127.0.0.1:8000"), limit());
    assert!(line.is_ok(), "{}", process.output());
}

fn the_platforms_headers_reach_the_context_and_not_the_request(runtime: &Runtime) {
    let run = start_http(runtime, Deployment::of("inspect"), "inspect");
    let headers = format!("{}X-Mine: 1\r\n", Web::new("r-7").headers());
    let seen = Inspected::read(&run.call("GET", "/invoke", &headers, b"").body);
    assert_eq!((seen.text("request_id"), seen.text("function")), ("r-7", "graph-function"));
    assert_eq!((seen.text("version"), seen.text("region")), ("latest", "cn"));
    assert!(seen.number("remaining_ms") <= 60_000, "{}", seen.0);
    let names = seen.0["http"]["headers"].to_string().to_lowercase();
    assert!(names.contains("x-mine") && !names.contains("x-cff-"), "{names}");
}

fn keys_of_a_server_reach_the_context_and_never_the_log(runtime: &Runtime) {
    let run = start_http(runtime, metadata().env("FAAS_LOG", "trace"), "metadata.metadata");
    let with = Web { agency: true, ..Web::new("r-7") }.headers();
    let reply = run.call("POST", "/", &with, b"x-cff-security-secret-key");
    assert_eq!(reply.text(), "temporary-secret-key");
    let without = run.call("POST", "/", &Web::new("r-8").headers(), b"x-cff-security-secret-key");
    assert_eq!(without.text(), "(none)");
    run.stop();
    let said = run.process.output();
    assert!(!said.is_empty() && !said.contains("temporary-"), "{said}");
}

fn an_image_for_events_answers_to_invoke_and_init(runtime: &Runtime) {
    let run = start_image(runtime, Deployment::of("inspect"), "inspect");
    assert_eq!(run.call("POST", "/init", &Web::new("r-6").headers(), b"").status, 200);
    let event = r#"{"version":"v1.0","trigger_type":"TIMER"}"#;
    let reply = run.call("POST", "/invoke", &Web::new("r-7").headers(), event.as_bytes());
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let seen = Inspected::read(&reply.body);
    assert_eq!((seen.text("trigger"), seen.text("request_id")), ("timer", "r-7"));
    assert_eq!(seen.event(), event.as_bytes());
    assert_eq!(run.call("GET", "/invoke", "", b"").status, 405);
    assert_eq!(run.call("POST", "/other", "", b"").status, 404);
}

fn an_initializer_starts_the_function(runtime: &Runtime) {
    let deployment = Deployment::of("probe").layers(&["probe.outer"]).env("FAAS_HUAWEI_MODE", "event");
    let deployment = deployment.env("RUNTIME_INITIALIZER_HANDLER", "bootstrap.init");
    let run = launch_http(runtime, deployment, "probe.phases");
    run.process.wait_for_line(|line| line.contains("listening on"), limit()).expect("it waits for the platform");
    assert!(!run.process.output().contains("function in FunctionStart"), "{}", run.process.output());
    let answered = until("the initializer is answered", &run.process, || {
        let mut client = integration::client::Client::connect(run.address).ok()?;
        client.call("POST", "/init", &Web::new("r-1").headers(), b"").ok()
    });
    assert_eq!(answered.unwrap_or_else(|why| panic!("{why}")).status, 200, "{}", run.process.output());
    let started = run.process.wait_for_line(|line| line == "function in FunctionStart", limit());
    assert!(started.is_ok(), "{}", run.process.output());
    assert_eq!(run.call("POST", "/init", "", b"").status, 200, "a second time it does nothing");
    assert_eq!(run.call("POST", "/invoke", &Web::new("r-2").headers(), b"{}").text(), "done");
    run.process.wait_for_line(|line| line == "function in Invoke", limit()).expect("it was called");
    assert_eq!(run.process.output().matches("function in FunctionStart").count(), 1);
}
