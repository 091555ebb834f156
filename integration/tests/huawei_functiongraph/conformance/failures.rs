//! The reactions to failures.

use crate::event_function;
use crate::huawei_functiongraph::run::{launch, options, start};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::limit;
use platform_emulators::huawei_functiongraph::Options;
use platform_emulators::process::Signal;
use platform_emulators::runtime_api::{Endpoint, Fault, Kind};

integration::both![
    a_refused_answer_is_logged_and_the_loop_goes_on,
    an_error_and_a_panic_are_reported_with_both_members,
    a_result_over_the_limit_is_an_error_of_our_own,
    a_failed_start_is_said_and_no_poll_is_made,
    polls_that_fail_are_made_again,
    a_control_plane_that_is_away_is_waited_for,
    sigterm_between_events_closes_in_order,
];

fn a_refused_answer_is_logged_and_the_loop_goes_on(runtime: &Runtime) {
    let run = start(runtime, "echo");
    for status in [400, 413, 500, 503] {
        run.plane.fault(Endpoint::Answer, Fault::Status(status));
        assert_eq!(run.plane.invoke("x").kind, Kind::Refused);
        run.until_said(&format!("the platform refused the answer with {status}"));
    }
    run.plane.fault(Endpoint::Answer, Fault::Status(202));
    assert_eq!(run.call("y").text(), "y");
    let posts = run.asked().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 5, "no answer is sent twice");
    run.assert_clean();
}

fn an_error_and_a_panic_are_reported_with_both_members(runtime: &Runtime) {
    let run = start(runtime, "faulty");
    for (event, kind, words) in
        [(faulty::ERROR, "Faulty.Error", "asked for an error"), (faulty::PANIC, "Panic", "asked for a panic")]
    {
        let outcome = run.plane.invoke(event);
        assert_eq!(outcome.kind, Kind::Error, "{}", outcome.text());
        let report: serde_json::Value = serde_json::from_slice(&outcome.body).expect("JSON");
        assert!(report["errorType"].as_str().is_some_and(|found| found.contains(kind)), "{report}");
        assert!(report["errorMessage"].as_str().is_some_and(|found| found.contains(words)), "{report}");
    }
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"");
    run.assert_clean();
}

fn a_result_over_the_limit_is_an_error_of_our_own(runtime: &Runtime) {
    let options = Options { max_result: 10, ..options() };
    let run = launch(runtime, Deployment::of("echo"), "echo", options).polling();
    assert_eq!(run.call("ten bytes!").text(), "ten bytes!");
    let outcome = run.plane.invoke("eleven byte");
    assert_eq!(outcome.kind, Kind::Error, "{}", outcome.text());
    assert!(outcome.text().contains("Function.ResponseSizeTooLarge"), "{}", outcome.text());
    run.assert_clean();
}

fn a_failed_start_is_said_and_no_poll_is_made(runtime: &Runtime) {
    let run = launch(runtime, Deployment::of("probe"), "probe.failing_start", options());
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1));
    let lines = run.process.lines();
    let errors =
        lines.iter().filter(|line| line.text.contains("ERROR") && line.text.contains("the database is not there"));
    assert_eq!(errors.count(), 1, "{}", run.process.output());
    assert_eq!(run.asked(), Vec::<String>::new());
}

fn polls_that_fail_are_made_again(runtime: &Runtime) {
    event_function::polls_that_fail_are_made_again(start(runtime, "echo"), []);
}

/// The pauses have their own test, for a minute in all; here the control plane is away for as long as it takes to reach
/// the longest of them.
fn a_control_plane_that_is_away_is_waited_for(runtime: &Runtime) {
    let run = start(runtime, "echo");
    run.go_down();
    run.until_said("trying again in 1000 ms");
    run.plane.listen().expect("the port is still free");
    assert_eq!(run.call("back").text(), "back");
    assert_eq!(run.process.status(), None);
    run.assert_clean();
}

/// The documentation does not say what the platform sends at the end; whatever it is, nothing is lost by a stop signal,
/// during a poll or between two of them.
fn sigterm_between_events_closes_in_order(runtime: &Runtime) {
    for holds_polls in [true, false] {
        let options = Options { holds_polls, ..options() };
        let run = launch(runtime, Deployment::of("probe"), "probe.ending", options);
        assert_eq!(run.call("1").text(), "1");
        run.process.signal(Signal::Term).expect("the signal is sent");
        assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
        assert!(run.process.output().contains("closed"), "Close came:\n{}", run.process.output());
        run.assert_clean();
    }
}
