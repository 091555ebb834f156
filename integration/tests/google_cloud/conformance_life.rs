//! The statements of `docs/conformance/google-cloud.md` on start, end and log of an instance.

use super::run::{OnGoogle, PROJECT, event, function, service};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::{limit, until};
use platform_emulators::cloudevents::Request;
use platform_emulators::google_cloud::{Signature, log};
use platform_emulators::process::{Signal, Stream};
use std::net::{TcpListener, TcpStream};

integration::both![
    port_8080_is_meant_where_none_is_named,
    sigterm_lets_a_call_end_and_takes_no_new_ones,
    a_log_line_is_one_object_with_its_trace,
    a_malformed_trace_is_ignored,
    an_unknown_signature_ends_the_process,
    a_job_is_refused_with_the_reason,
    another_look_of_the_log_can_be_asked_for,
];

/// Whether it can be had is another question: somebody else may have it, here the test itself if it is free.
fn port_8080_is_meant_where_none_is_named(runtime: &Runtime) {
    let _taken = TcpListener::bind("0.0.0.0:8080");
    let run = OnGoogle::launch(runtime, Deployment::of("echo").env("PORT", ""), "echo", service());
    let named = run.process().wait_for_line(|line| line.contains("0.0.0.0:8080"), limit());
    assert!(named.is_ok(), "{named:?}");
}

fn sigterm_lets_a_call_end_and_takes_no_new_ones(runtime: &Runtime) {
    let run = OnGoogle::start(runtime, Deployment::of("probe"), "probe.hold", function(Signature::Http));
    let path = run.deployment.path("go");
    let pending = run.instance.begin(&Request::json(path.display().to_string())).expect("it is open");
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    run.process().signal(Signal::Term).expect("the signal is sent");
    run.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    let addresses = run.instance.addresses().expect("there are some");
    let closed = || TcpStream::connect(&addresses[..]).is_err().then_some(());
    until("new connections are refused", run.process(), closed).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(run.process().status(), None, "it waits for what runs");
    std::fs::write(path, "").expect("the function is let go");
    let answer = pending.end().expect("what was accepted is answered");
    assert_eq!((answer.status, &*answer.text()), (200, "let go"));
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process().output());
}

/// Returns the entry of that message, once it is written.
fn entry(run: &OnGoogle, message: &str) -> log::Entry {
    let is_it = |line: &str| log::read(line).is_ok_and(|entry| entry.message == message);
    let line = run.process().wait_for_line(is_it, limit()).expect("it is logged");
    log::read(&line).expect("just read")
}

const TRACE: &str = "11112222333344445555666677778888";

fn a_log_line_is_one_object_with_its_trace(runtime: &Runtime) {
    let cloud = format!("{TRACE}/12297848147757817309;o=1");
    let w3c = format!("00-{TRACE}-00f067aa0ba902b7-00");
    for (w3c, cloud, span, sampled) in
        [(&*w3c, &*cloud, "00f067aa0ba902b7", false), ("", &*cloud, "aaaabbbbccccdddd", true)]
    {
        let run = OnGoogle::function(runtime, "cloud_event.take_off", Signature::CloudEvent);
        let request = event("org.example.pot.boiled", "/pots/3", r#"{"pot":3,"celsius":100}"#)
            .with("traceparent", w3c)
            .with("X-Cloud-Trace-Context", cloud)
            .with("Function-Execution-Id", "x1");
        assert_eq!(run.call(&request).header("ce-type"), Some("org.example.pot.taken"));
        let entry = entry(&run, "taken off");
        assert_eq!((&*entry.severity, entry.sampled), ("INFO", sampled));
        assert_eq!(entry.trace, Some(format!("projects/{PROJECT}/traces/{TRACE}")));
        assert_eq!(entry.span.as_deref(), Some(span));
        assert_eq!((&entry.labels["execution_id"], &entry.payload["pot"]), (&"x1".into(), &"3".into()));
        for line in run.process().lines_of(Stream::Stdout) {
            let read = log::read(&line).unwrap_or_else(|why| panic!("{why}: {line}"));
            assert_ne!(read.severity, "DEFAULT", "every line is an object: {line}");
        }
    }
}

fn a_malformed_trace_is_ignored(runtime: &Runtime) {
    let run = OnGoogle::service(runtime, "inspect");
    for cloud in ["", "x", "11/22;o=1", &format!("{TRACE}/-7"), &format!("{TRACE}/1;p=1"), &format!("{TRACE}/0;o=1")] {
        let request = Request::json("").with("X-Cloud-Trace-Context", cloud).with("traceparent", "junk");
        let trace = &run.inspect(&request).0["trace"];
        assert!(trace["traceparent"].is_null() && trace["platform"].is_null(), "{cloud}: {trace}");
    }
    let sound = format!("{TRACE}/1");
    let trace =
        &run.inspect(&Request::json("").with("X-Cloud-Trace-Context", &sound).with("traceparent", "junk")).0["trace"];
    assert_eq!(trace["traceparent"], format!("00-{TRACE}-0000000000000001-00"));
    assert_eq!(trace["platform"], sound);
}

fn leaves(runtime: &Runtime, name: &str, value: &str) {
    let run = OnGoogle::launch(runtime, Deployment::of("echo").env(name, value), "echo", service());
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process().output());
    let said = run.process().output();
    assert!(said.contains(name) && said.contains(value) && said.contains("platform google-cloud"), "{said}");
}

fn an_unknown_signature_ends_the_process(runtime: &Runtime) {
    leaves(runtime, "FUNCTION_SIGNATURE_TYPE", "carrier-pigeon");
}

fn a_job_is_refused_with_the_reason(runtime: &Runtime) {
    leaves(runtime, "CLOUD_RUN_JOB", "nightly");
}

fn another_look_of_the_log_can_be_asked_for(runtime: &Runtime) {
    let deployment = Deployment::of("hello").env("FAAS_LOG_FORMAT", "text");
    let run = OnGoogle::start(runtime, deployment, "hello", service());
    assert_eq!(run.call(&Request::new("GET", "/?name=ada", &[], "")).status, 200);
    let line = run.process().wait_for_line(|line| line.contains("greeting name=ada"), limit());
    assert!(line.is_ok_and(|line| line.contains(" INFO ")));
}
