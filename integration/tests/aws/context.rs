//! Statements 12, 13, 21 and 22: the details that a function is told about its invocation.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use platform_emulators::aws_lambda::{Cognito, Event, Kind, Options};
use std::time::{SystemTime, UNIX_EPOCH};

integration::both![
    checklist_12_the_trace_is_in_the_context_and_never_in_the_environment,
    checklist_13_header_names_have_no_case_and_empty_means_absent,
    checklist_21_the_deadline_is_absolute_and_what_remains_is_never_negative,
    checklist_22_malformed_context_headers_crash_nothing,
];

const ROOT: &str = "1-6a000000-aaaabbbbccccddddeeee0001";
const TRACE: &str = "Root=1-6a000000-aaaabbbbccccddddeeee0001;Parent=53995c3f42cd8ad8;Sampled=1";

fn traced(body: &str) -> Event {
    Event { trace_id: Some(TRACE.to_owned()), ..Event::from(body) }
}

fn checklist_12_the_trace_is_in_the_context_and_never_in_the_environment(runtime: &Runtime) {
    let run = OnAws::start(runtime, "inspect", Options::default());
    let with = run.inspect(traced("{}")).0["trace"].to_string();
    assert!(with.contains(ROOT) && with.contains("53995c3f42cd8ad8"), "{with}");
    let without = run.inspect("{}").0["trace"].to_string();
    assert!(!without.contains(ROOT), "the trace of the invocation before: {without}");
    run.assert_clean();

    let run = OnAws::launch(runtime, Deployment::of("probe"), "probe.environment", Options::default()).polling();
    assert_eq!(run.call(traced("_X_AMZN_TRACE_ID")).text(), "(not set)");
    // The look itself works: it finds the platform's variable.
    assert_eq!(run.call("AWS_LAMBDA_FUNCTION_NAME").text(), "test_function");
    run.assert_clean();
}

fn checklist_13_header_names_have_no_case_and_empty_means_absent(runtime: &Runtime) {
    let lower = OnAws::start(runtime, "inspect", Options { lower_case_headers: true, ..Options::default() });
    let sent = Event { request_id: Some("lower-1".to_owned()), ..traced("{}") };
    let seen = lower.inspect(sent);
    assert_eq!(seen.text("request_id"), "lower-1");
    assert!(seen.0["trace"].to_string().contains(ROOT), "{}", seen.0);
    assert!(seen.number("deadline_ms") > 0);
    lower.assert_clean();

    let run = OnAws::start(runtime, "inspect", Options::default());
    let mut absent = run.inspect("{}").0;
    let empty = ["Trace-Id", "Client-Context", "Cognito-Identity", "Aws-Tenant-Id", "Invoked-Function-Arn"];
    let headers = empty.iter().map(|name| (format!("Lambda-Runtime-{name}"), String::new())).collect();
    let mut present = run.inspect(Event { headers, ..Event::from("{}") }).0;
    for seen in [&mut absent, &mut present] {
        for name in ["request_id", "deadline_ms", "remaining_ms", "cold_start"] {
            seen[name].take();
        }
    }
    assert_eq!(present, absent);
    run.assert_clean();
}

fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(now.as_millis()).expect("and long before the year 500 million")
}

fn due(epoch_ms: u64) -> Event {
    let headers = vec![("Lambda-Runtime-Deadline-Ms".to_owned(), epoch_ms.to_string())];
    Event { headers, ..Event::from("{}") }
}

fn checklist_21_the_deadline_is_absolute_and_what_remains_is_never_negative(runtime: &Runtime) {
    // The emulator only sends the deadline here: the header carries another one.
    let run = OnAws::start(runtime, "inspect", Options { enforce_deadline: false, ..Options::default() });
    let deadline = now_ms() + 90_000;
    let seen = run.inspect(due(deadline));
    assert_eq!(seen.number("deadline_ms"), deadline);
    assert!((1..=90_000).contains(&seen.number("remaining_ms")), "{}", seen.0);

    // A deadline that has passed shows a wrong clock: a second is left to answer, never a wrapped number.
    let late = run.aws.invoke(due(now_ms() - 5_000));
    match late.kind {
        Kind::Response => {
            let seen = integration::inspected::Inspected::read(&late.body);
            assert!(seen.number("remaining_ms") <= 1_000, "{}", seen.0);
        }
        Kind::Error => assert_eq!(late.error_type.as_deref(), Some("Function.TimedOut"), "{}", late.text()),
        other => panic!("{other:?}: {}; output:\n{}", late.text(), run.process.output()),
    }
    run.assert_clean();
}

fn checklist_22_malformed_context_headers_crash_nothing(runtime: &Runtime) {
    let run = OnAws::start(runtime, "inspect", Options::default());
    for text in ["{\"custom\":{\"a\":\"1\"}}", "{not json", "[]", "\"", "{\"custom\":", "null", "{\"custom\":7}"] {
        for name in ["Client-Context", "Cognito-Identity"] {
            let headers = vec![(format!("Lambda-Runtime-{name}"), text.to_owned())];
            let seen = run.inspect(Event { headers, ..Event::from("{\"n\":1}") });
            assert_eq!(seen.event(), b"{\"n\":1}", "{name}: {text}");
        }
    }
    let cognito = Cognito { identity_id: "me".into(), identity_pool_id: "pool".into() };
    run.inspect(Event { cognito: Some(cognito), client_context: Some("{}".into()), ..Event::from("{}") });
    // The deadline is not even a number here.
    let headers = vec![("Lambda-Runtime-Deadline-Ms".to_owned(), "soon".to_owned())];
    run.inspect(Event { headers, ..Event::from("{}") });
    run.assert_clean();
}
