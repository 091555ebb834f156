//! Statements 8 to 11: errors, panics and failed starts as the invoker gets them.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Answer, Kind, Options};
use serde_json::Value;
use std::time::Duration;

integration::both![
    checklist_08_a_handler_error_gives_error_with_type_and_message,
    checklist_09_error_types_have_the_platforms_form,
    checklist_10_a_panic_is_answered_and_the_next_call_works,
    checklist_10_an_aborting_process_is_answered_by_the_platform_and_the_next_environment_works,
    checklist_10_a_handler_that_never_yields_is_answered_before_its_deadline,
    checklist_11_a_failed_start_is_reported_once_without_a_poll,
    checklist_11_a_missing_function_is_reported_once_without_a_poll,
    checklist_11_a_start_over_its_limit_is_reported_once_without_a_poll,
];

fn error(answer: &Answer) -> (String, String) {
    let json: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|why| panic!("{why}: {}", answer.text()));
    let text = |name: &str| json[name].as_str().unwrap_or_else(|| panic!("no text {name} in {json}")).to_owned();
    (text("errorType"), text("errorMessage"))
}

/// Returns `true` if the whole text is `(Runtime|Function)\.[A-Z][A-Za-z]+`.
fn has_the_platforms_form(kind: &str) -> bool {
    let tail = kind.strip_prefix("Runtime.").or_else(|| kind.strip_prefix("Function.")).unwrap_or_default();
    tail.len() > 1
        && tail.starts_with(|c: char| c.is_ascii_uppercase())
        && tail.chars().all(|c| c.is_ascii_alphabetic())
}

fn checklist_08_a_handler_error_gives_error_with_type_and_message(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    for _ in 0..3 {
        let answer = run.aws.invoke(faulty::ERROR);
        assert_eq!((answer.kind, answer.function_error), (Kind::Error, Some("Unhandled")));
        assert_eq!(error(&answer), ("Faulty.Error".to_owned(), "asked for an error".to_owned()));
        run.call(faulty::FINE);
    }
    run.assert_clean();
}

fn checklist_09_error_types_have_the_platforms_form(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    for event in [faulty::ERROR, faulty::PANIC, faulty::SEVEN_MB] {
        run.aws.invoke(event);
    }
    let sent: Vec<_> = run.aws.errors().into_iter().map(|report| report.sent_type).collect();
    assert_eq!(sent.len(), 3);
    let failed = OnAws::launch(runtime, Deployment::of("probe"), "probe.failing_start", Options::default());
    failed.aws.wait_for(|now| now.init_errors == 1, limit()).expect("it is reported");
    let init = failed.aws.init_errors()[0].sent_type.clone();
    for kind in sent.into_iter().chain([init]) {
        assert!(kind.as_deref().is_some_and(has_the_platforms_form), "{kind:?}");
    }
    run.assert_clean();
}

fn checklist_10_a_panic_is_answered_and_the_next_call_works(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    let pid = run.process.pid();
    for _ in 0..3 {
        let answer = run.aws.invoke(faulty::PANIC);
        assert_eq!(answer.kind, Kind::Error, "{}", answer.text());
        let (kind, message) = error(&answer);
        assert!(kind.contains("Panic"), "{kind}: {message}");
        run.call(faulty::FINE);
    }
    assert_eq!((run.process.status(), run.process.pid()), (None, pid), "the process lives on");
    run.assert_clean();
}

fn checklist_10_an_aborting_process_is_answered_by_the_platform_and_the_next_environment_works(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    let answer = run.aws.invoke(faulty::ABORT);
    assert_eq!((answer.kind, answer.error_type.as_deref()), (Kind::Exited, Some("Runtime.ExitError")));
    let status = run.process.wait(limit()).expect("it has ended");
    assert!(!status.success(), "{status}");
    let _next = run.aws.spawn(run.deployment.command(runtime)).expect("a fresh environment starts");
    assert_eq!(run.call(faulty::FINE).kind, Kind::Response);
    run.assert_clean();
}

fn checklist_10_a_handler_that_never_yields_is_answered_before_its_deadline(runtime: &Runtime) {
    for event in [faulty::SPIN, faulty::SLEEP] {
        let run = OnAws::start(runtime, "faulty", Options { timeout: Duration::from_secs(2), ..Options::default() });
        let answer = run.aws.invoke(event);
        // The platform's own answer is there for a runtime that was too slow on a stalled machine; the runtime's names
        // the deadline and comes before it.
        assert!(matches!(answer.kind, Kind::Error | Kind::Timeout), "{:?}: {}", answer.kind, answer.text());
        if answer.kind == Kind::Error {
            let (kind, message) = error(&answer);
            assert!(kind == "Function.TimedOut" && message.contains("time limit"), "{kind}: {message}");
            assert!(run.process.wait(limit()).is_ok(), "a process with a hung function leaves");
            let _next = run.aws.spawn(run.deployment.command(runtime)).expect("a fresh environment starts");
            assert_eq!(run.call(faulty::FINE).kind, Kind::Response);
        }
        assert_eq!(run.aws.record(&answer.request_id).map(|record| record.posts.len() <= 1), Some(true));
        run.assert_clean();
    }
}

/// Checks that there is one report, no poll, and an exit code over zero.
fn assert_failed_start(run: &OnAws, word: &str) {
    let answer = run.aws.invoke("{}");
    assert_eq!(answer.kind, Kind::InitError, "{}; output:\n{}", answer.text(), run.process.output());
    let (_, message) = error(&answer);
    assert!(message.contains(word), "{word:?} in {message}");
    let status = run.process.wait(limit()).expect("it leaves");
    assert!(status.code().is_some_and(|code| code > 0), "{status}");
    assert!(run.process.output().contains(word), "the log says it too:\n{}", run.process.output());
    let snapshot = run.aws.snapshot();
    assert_eq!((snapshot.init_errors, snapshot.next_calls), (1, 0));
    assert_eq!(run.aws.init_errors().len(), 1);
    run.assert_clean();
}

fn checklist_11_a_failed_start_is_reported_once_without_a_poll(runtime: &Runtime) {
    let run = OnAws::launch(runtime, Deployment::of("probe"), "probe.failing_start", Options::default());
    assert_failed_start(&run, "the database is not there");
}

fn checklist_11_a_start_over_its_limit_is_reported_once_without_a_poll(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let never = deployment.path("never").display().to_string();
    let deployment = deployment.env("PROBE_FILE", &never).env("FAAS_INIT_TIMEOUT", "1s");
    let run = OnAws::launch(runtime, deployment, "probe.slow_start", Options::default());
    assert_failed_start(&run, "start took longer than FAAS_INIT_TIMEOUT, 1000 ms");
}

fn checklist_11_a_missing_function_is_reported_once_without_a_poll(runtime: &Runtime) {
    let run = OnAws::launch(runtime, Deployment::empty(), "nowhere.at_all", Options::default());
    assert_failed_start(&run, "libnowhere.so");
}
