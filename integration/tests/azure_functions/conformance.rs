//! The statements of `docs/conformance/azure-functions.md` about the process and about envelopes.

use super::run::OnAzure;
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::limit;
use platform_emulators::azure_functions::{Bound, Call, Ended, Level, Mode, Next, Request};
use platform_emulators::process::Signal;
use serde_json::json;
use std::net::TcpListener;

integration::both![
    the_port_is_of_the_newest_variable,
    a_port_that_is_none_is_named_and_ends_the_process,
    the_root_is_answered_at_once_and_without_the_function,
    calls_wait_for_a_slow_start,
    names_are_matched_without_case_and_others_are_404,
    envelopes_of_both_framings_and_of_100_megabytes_arrive,
    one_coding_is_undone_and_plain_values_pass,
    a_call_without_a_result_is_answered_in_full,
    an_error_is_a_failure_in_json,
    texts_that_look_like_base64_survive,
    outputs_of_the_functions_own_go_through,
    members_named_like_an_output_are_its_value,
    a_hundred_calls_at_once_keep_their_ids,
    lines_of_a_call_go_with_its_result,
    only_errors_go_to_standard_error,
    a_process_that_cannot_serve_ends_in_error,
    sigterm_ends_an_idle_process_in_order,
    a_killed_process_is_followed_by_a_new_one,
];

fn the_port_is_of_the_newest_variable(runtime: &Runtime) {
    for is_old in [false, true] {
        let run = OnAzure::with(runtime, Deployment::of("echo"), "echo", |options| options.is_old = is_old);
        run.ready();
        let line = run.process().wait_for_line(|line| line.contains("platform "), limit()).expect("a start line");
        let variable = if is_old { "FUNCTIONS_HTTPWORKER_PORT" } else { "FUNCTIONS_CUSTOMHANDLER_PORT" };
        assert!(line.contains(&format!("platform azure-functions ({variable} is set)")), "{line}");
    }
    let other = platform_emulators::ports::free_port().to_string();
    let deployment = Deployment::of("echo").env("FUNCTIONS_HTTPWORKER_PORT", &other);
    OnAzure::start(runtime, deployment, "echo", Mode::Envelope);
}

fn a_port_that_is_none_is_named_and_ends_the_process(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("FUNCTIONS_CUSTOMHANDLER_PORT", "many");
    let run = OnAzure::launch(runtime, deployment, "echo", Mode::Envelope);
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1));
    let said = run.process().output();
    assert!(said.contains("FUNCTIONS_CUSTOMHANDLER_PORT") && said.contains("platform azure-functions"), "{said}");
}

fn the_root_is_answered_at_once_and_without_the_function(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let path = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &path.display().to_string());
    let run = OnAzure::launch(runtime, deployment, "probe.slow_start", Mode::Envelope);
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function is being started");
    run.ready();
    std::fs::write(path, "").expect("the start is let go");
    let run = OnAzure::of(runtime, "inspect");
    for _ in 0..3 {
        assert_eq!(run.host.ping().expect("an answer").status, 200);
    }
    let seen = run.inspect(&Call::timer("inspect"));
    assert_eq!(seen.0["cold_start"], true, "nothing ran before it");
    assert_eq!(run.host.ping().expect("an answer").status, 200, "and for ever after");
}

fn calls_wait_for_a_slow_start(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let path = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &path.display().to_string());
    let run = OnAzure::launch(runtime, deployment, "probe.slow_start", Mode::Envelope);
    run.ready();
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the function is being started");
    let pending = run.host.begin(&Call::queue("slow_start", "red")).expect("it is open");
    assert_eq!(run.host.ping().expect("an answer").status, 200, "others do not wait");
    std::fs::write(path, "").expect("the start is let go");
    assert!(matches!(pending.end(), Ok(Ended::Done(_))), "{}", run.process().output());
    run.assert_clean();
}

fn names_are_matched_without_case_and_others_are_404(runtime: &Runtime) {
    let deployment = Deployment::of("inspect").env("FAAS_FUNCTION_NAME", "Paint");
    let run = OnAzure::start(runtime, deployment, "inspect", Mode::Envelope);
    for name in ["Paint", "paint", "inspect", "Inspect"] {
        assert_eq!(run.inspect(&Call::queue(name, "red")).text("function"), name, "as the host calls it");
    }
    for name in ["Other", "paint2"] {
        let Ended::Failed(why) = run.call(&Call::queue(name, "red")) else { panic!("{name} is not here") };
        assert!(why.starts_with("status 404") && why.contains("Runtime.NoSuchFunction"), "{why}");
    }
    assert_eq!(run.inspect(&Call::queue("Paint", "red")).text("trigger"), "queue", "the process lives on");
    run.assert_clean();
}

fn envelopes_of_both_framings_and_of_100_megabytes_arrive(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "faulty");
    // The emulator sends envelopes in chunks.
    assert_eq!(run.returned(faulty::FINE), "fine");
    let padding = "x".repeat(100_000_000);
    let why = run.fails(&format!(r#"{{"padding":"{padding}","do":"error"}}"#));
    assert!(why.contains("Faulty.Error"), "what stands behind it is read: {why}");
    let envelope = Call::queue("faulty", faulty::FINE).envelope();
    let headers = "X-Azure-Functions-InvocationId: i-1\r\nContent-Type: application/json\r\n";
    let mut client = Client::connect(run.host.address()).expect("it listens");
    let reply = client.call("POST", "/faulty", headers, envelope.as_bytes()).expect("an answer");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert!(reply.text().starts_with(r#"{"Outputs":{},"#), "{}", reply.text());
    run.assert_clean();
}

fn one_coding_is_undone_and_plain_values_pass(runtime: &Runtime) {
    // The function answers with the value of the variable that the body names.
    let names = ["a text", "5", "[1,2]", "null", "true", r#"{"a":1}"#, "plain", "gr\u{fc}n"];
    let deployment = names.iter().fold(Deployment::of("probe"), |deployment, name| deployment.env(name, "got it!"));
    let run = OnAzure::start(runtime, deployment, "probe.environment", Mode::Envelope);
    for (bound, what) in [
        (Bound::Text("a text".to_owned()), "a text"),
        (Bound::Text("5".to_owned()), "a text that is a number"),
        (Bound::Text(r#"{"a":1}"#.to_owned()), "a text that is an object"),
        (Bound::Json(json!(5)), "a number"),
        (Bound::Json(json!([1, 2])), "a list"),
        (Bound::Json(json!(null)), "null"),
        (Bound::Json(json!(true)), "a truth"),
        (Bound::Json(json!({ "a": 1 })), "an object"),
        (Bound::Bytes("gr\u{fc}n".as_bytes().to_vec()), "bytes"),
        (Bound::Plain(json!("plain")), "a plain text"),
        (Bound::Plain(json!(5)), "a plain number"),
        (Bound::Plain(json!([1, 2])), "a plain list"),
        (Bound::Plain(json!(null)), "a plain null"),
    ] {
        let call = Call::new("environment", "value", bound).output("$return");
        assert_eq!(run.done(&call).output("$return").as_deref(), Some("got it!"), "{what}");
    }
    run.assert_clean();
}

fn a_call_without_a_result_is_answered_in_full(runtime: &Runtime) {
    let run = OnAzure::start(runtime, Deployment::of("probe"), "probe.streaming", Mode::Envelope);
    let done = run.done(&Call::queue("streaming", "|empty"));
    assert_eq!(done.raw, json!({ "Outputs": {}, "Logs": [], "ReturnValue": null }));
    run.assert_clean();
}

fn an_error_is_a_failure_in_json(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "faulty");
    let Ended::Failed(why) = run.call(&Call::queue("faulty", faulty::ERROR).output("done")) else {
        panic!("it is asked to fail")
    };
    let body = why.strip_prefix("status 500: ").unwrap_or_else(|| panic!("{why}"));
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!((&body["errorType"], &body["errorMessage"]), (&"Faulty.Error".into(), &"asked for an error".into()));
    assert!(body.get("Outputs").is_none() && body["requestId"].is_string(), "{body}");
    run.assert_clean();
}

fn texts_that_look_like_base64_survive(runtime: &Runtime) {
    let texts =
        ["abcd", "two words", "dGVzdA==", "00001234", "2026-01-02T03:04:05Z", "no base64", "gr\u{fc}n", "12345678"];
    let name = |at: usize| format!("TEXT_{at}");
    let deployment = texts.iter().enumerate();
    let deployment = deployment.fold(Deployment::of("probe"), |all, (at, text)| all.env(&name(at), text));
    let run = OnAzure::start(runtime, deployment, "probe.environment", Mode::Envelope);
    for (at, text) in texts.into_iter().enumerate() {
        assert_eq!(run.returned(&name(at)), text);
    }
    run.assert_clean();
}

fn outputs_of_the_functions_own_go_through(runtime: &Runtime) {
    let own = r#"{"Outputs":{"done":"cmVk","list":["one","two"]},"Logs":["painted"],"ReturnValue":null}"#;
    let deployment = Deployment::of("probe").env("OWN", own);
    let run = OnAzure::start(runtime, deployment, "probe.environment", Mode::Envelope);
    let done = run.done(&Call::queue("environment", "OWN").output("done").output("list"));
    assert_eq!(
        (done.output("done").as_deref(), done.output("list").as_deref()),
        (Some("red"), Some(r#"["one","two"]"#))
    );
    assert_eq!(done.logs, ["painted"]);
    // A request whose reply is one output of several comes in an envelope in every mode.
    let both = r#"{"Outputs":{"done":"cmVk","res":{"statusCode":202,"body":"taken"}}}"#;
    let deployment = Deployment::of("probe").env("OWN", both);
    let run = OnAzure::start(runtime, deployment, "probe.environment", Mode::Forward);
    let call = Call::http("environment", Request::new("POST", "/api/x", &[], "OWN")).output("done");
    let done = run.done(&call);
    let reply = done.reply.as_ref().expect("a reply");
    assert_eq!((reply.status, reply.text().as_str(), done.output("done").as_deref()), (202, "taken", Some("red")));
    run.assert_clean();
}

fn members_named_like_an_output_are_its_value(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("OWN", r#"{"done":"abcd","other":1}"#);
    let run = OnAzure::start(runtime, deployment, "probe.environment", Mode::Envelope);
    let done = run.done(&Call::queue("environment", "OWN").output("done"));
    assert_eq!(done.output("done").as_deref(), Some("abcd"));
    run.assert_clean();
}

fn a_hundred_calls_at_once_keep_their_ids(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "inspect");
    let calls: Vec<_> = (0..100).map(|number| Call::queue("inspect", &format!("message {number}"))).collect();
    let pending: Vec<_> = calls.iter().map(|call| run.host.begin(call).expect("it is open")).collect();
    for (call, pending) in calls.iter().zip(pending) {
        let id = pending.id().to_owned();
        let Ok(Ended::Done(done)) = pending.end() else { panic!("{}", run.process().output()) };
        let seen = integration::inspected::Inspected(done.raw["ReturnValue"].clone());
        assert_eq!((seen.text("request_id"), seen.event()), (id.as_str(), call.envelope().into_bytes()));
    }
    run.assert_clean();

    // No call waits for another to end.
    let deployment = Deployment::of("probe").env("FAAS_THREADS", "100");
    let run = OnAzure::start(runtime, deployment, "probe.gate", Mode::Envelope);
    let call = Call::queue("gate", "100").output("$return");
    let pending: Vec<_> = (0..100).map(|_| run.host.begin(&call).expect("it is open")).collect();
    for pending in pending {
        let Ok(Ended::Done(done)) = pending.end() else { panic!("{}", run.process().output()) };
        assert_eq!(done.output("$return").as_deref(), Some("met"));
    }
}

fn lines_of_a_call_go_with_its_result(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "hello");
    let done = run.done(&Call::http("hello", Request::new("GET", "/api/hello?name=ada", &[], "")));
    assert_eq!(done.logs, ["greeting name=ada"]);
    assert!(!run.process().output().contains("greeting"), "{}", run.process().output());
    let run = OnAzure::start(runtime, Deployment::of("hello"), "hello", Mode::Forward);
    run.request(Request::new("GET", "/api/hello?name=ada", &[], ""));
    let line = run.process().wait_for_line(|line| line.contains("greeting"), limit()).expect("it is written");
    assert!(line.contains("name=ada") && line.contains("5f0c7c3e"), "with the invocation's id: {line}");
}

fn only_errors_go_to_standard_error(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "faulty");
    assert_eq!(run.returned(faulty::FINE), "fine");
    run.process().wait_for_line(|line| line.contains("platform "), limit()).expect("a start line");
    let log = run.host.log();
    assert!(!log.is_empty() && log.iter().all(|(level, _)| *level == Level::Information), "{log:?}");
    run.fails(faulty::ERROR);
    run.process().wait_for_line(|line| line.contains("asked for an error"), limit()).expect("it is told");
    let log = run.host.log();
    let errors: Vec<_> = log.iter().filter(|(level, _)| *level == Level::Error).collect();
    assert_eq!(errors.len(), 1, "one record: {log:?}");
    assert!(errors[0].1.contains("Faulty.Error: asked for an error"), "{errors:?}");
}

fn a_process_that_cannot_serve_ends_in_error(runtime: &Runtime) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it has an address").port();
    let run = OnAzure::with(runtime, Deployment::of("echo"), "echo", |options| options.port = port);
    assert_eq!(run.host.exited(), Ok((Some(1), Next::Restart)), "a port in use");
    let run = OnAzure::launch(runtime, Deployment::of("probe"), "probe.failing_start", Mode::Envelope);
    assert_eq!(run.host.exited(), Ok((Some(1), Next::Restart)), "a start that fails");
}

fn sigterm_ends_an_idle_process_in_order(runtime: &Runtime) {
    let run = OnAzure::start(runtime, Deployment::of("probe"), "probe.ending", Mode::Envelope);
    run.done(&Call::queue("ending", "x"));
    run.process().signal(Signal::Term).expect("the signal is sent");
    run.process().wait_for_line(|line| line == "closed", limit()).expect("Close comes");
    assert_eq!(run.host.exited(), Ok((Some(0), Next::Nothing)));
}

fn a_killed_process_is_followed_by_a_new_one(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "faulty");
    assert_eq!(run.returned(faulty::FINE), "fine");
    run.host.restart().unwrap_or_else(|why| panic!("{why}"));
    run.ready();
    assert_eq!(run.returned(faulty::FINE), "fine");
    run.assert_clean();
}
