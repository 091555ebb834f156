//! The statements of `docs/conformance/yandex.md`, one test a behaviour.

use super::run::OnYandex;
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::{limit, silence};
use platform_emulators::process::Stream;
use platform_emulators::yandex::Outcome;

integration::both![
    the_input_is_read_to_its_end,
    the_output_is_one_document_and_the_log_goes_elsewhere,
    a_process_serves_one_call,
    close_runs_before_the_end,
    a_reply_to_a_request_has_the_platforms_form,
    a_port_makes_it_a_server,
    the_platform_can_be_forced,
];

fn the_input_is_read_to_its_end(runtime: &Runtime) {
    let run = OnYandex::of(runtime, "echo");
    let mut call = run.begin();
    for part in ["{\"a\":", "\"two\nlines\"".replace('\n', "\\n").as_str(), "}", "\n\n"] {
        call.write(part.as_bytes());
    }
    // A whole document is there, and the input is still open.
    assert!(call.process().wait(silence() / 6).is_err(), "it waits for the end");
    assert!(call.process().lines_of(Stream::Stdout).is_empty(), "{}", call.process().output());
    assert_eq!(call.end(limit()).outcome, Outcome::Success(serde_json::json!({"a": "two\nlines"})));
}

fn the_output_is_one_document_and_the_log_goes_elsewhere(runtime: &Runtime) {
    let run = OnYandex::new(runtime, Deployment::of("probe").env("FAAS_LOG", "debug"), "probe.phases");
    let ended = run.call("x");
    assert_eq!(ended.outcome, Outcome::Success("done".into()), "nothing but the document is in the output");
    for line in ["function in FunctionStart", "function in Invoke", "platform yandex (REQUEST_ID is set)"] {
        assert!(ended.log.contains(line), "{line}: {}", ended.log);
    }
}

fn a_process_serves_one_call(runtime: &Runtime) {
    let run = OnYandex::of(runtime, "inspect");
    for _ in 0..2 {
        assert_eq!(run.call("{}").outcome.value()["cold_start"], true);
    }
}

fn close_runs_before_the_end(runtime: &Runtime) {
    let run = OnYandex::new(runtime, Deployment::of("probe"), "probe.ending");
    let ended = run.call("1");
    assert_eq!(ended.outcome, Outcome::Success(1.into()));
    assert!(ended.log.contains("closed"), "{}", ended.log);
}

fn a_reply_to_a_request_has_the_platforms_form(runtime: &Runtime) {
    let run = OnYandex::new(runtime, Deployment::of("probe"), "probe.status");
    let gateway = r#"{"url":"/404","path":"/{status}","httpMethod":"GET","headers":{},"multiValueHeaders":{},
        "requestContext":{"requestTimeEpoch":1},"pathParams":{"status":"404"},"body":"","isBase64Encoded":false}"#;
    let response = run.call(gateway).outcome.response().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((response.status, response.body.as_str(), response.is_base64), (404, "a body all the same", false));
}

fn a_port_makes_it_a_server(runtime: &Runtime) {
    let port = platform_emulators::ports::free_port().to_string();
    let deployment = Deployment::of("echo").env("PORT", &port).env("FAAS_HOST", "127.0.0.1");
    let run = OnYandex::new(runtime, deployment, "echo");
    let call = run.begin();
    let line = call.process().wait_for_line(|line| line.contains("platform "), limit()).expect("a start line");
    assert!(line.contains("platform http (nothing marks another platform)"), "{line}");
}

fn the_platform_can_be_forced(runtime: &Runtime) {
    let deployment = Deployment::of("inspect").env("PORT", "1").env("FAAS_PLATFORM", "yandex");
    let run = OnYandex::new(runtime, deployment, "inspect");
    let ended = run.call("{}");
    assert!(ended.log.contains("platform yandex (FAAS_PLATFORM names it)"), "{}", ended.log);
    assert_eq!(ended.outcome.value()["platform"], "yandex");
}
