//! The reactions to failures.

use crate::event_function;
use crate::tencent_scf::run::{launch, patient, start};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::limit;
use platform_emulators::process::Signal;
use platform_emulators::runtime_api::{Endpoint, Fault, Kind};

integration::both![
    a_failed_start_tells_nothing_and_exits,
    a_panic_is_reported_and_the_loop_goes_on,
    an_event_that_comes_again_after_its_answer_is_said,
    a_refused_answer_is_logged_and_the_loop_goes_on,
    a_result_over_six_mebibytes_is_an_error_of_our_own,
    polls_that_fail_are_made_again,
    readiness_that_is_refused_is_told_again,
    a_control_plane_that_is_gone_ends_the_process,
    keys_of_the_role_are_not_logged,
    sigterm_between_events_closes_in_order,
];

fn a_failed_start_tells_nothing_and_exits(runtime: &Runtime) {
    let run = launch(runtime, Deployment::of("probe"), Some("probe.failing_start"), patient());
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1));
    let lines = run.process.lines();
    let errors =
        lines.iter().filter(|line| line.text.contains("ERROR") && line.text.contains("the database is not there"));
    assert_eq!(errors.count(), 1, "{}", run.process.output());
    assert_eq!(run.asked(), Vec::<String>::new());
}

fn a_panic_is_reported_and_the_loop_goes_on(runtime: &Runtime) {
    let run = start(runtime, "faulty");
    for _ in 0..3 {
        let outcome = run.plane.invoke(faulty::PANIC);
        assert_eq!(outcome.kind, Kind::Error, "{}", outcome.text());
        assert!(outcome.text().contains("asked for a panic"), "{}", outcome.text());
    }
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"");
    run.assert_clean();
}

fn an_event_that_comes_again_after_its_answer_is_said(runtime: &Runtime) {
    let run = start(runtime, "echo");
    // The fault strikes the poll behind this event.
    run.plane.fault(Endpoint::Poll, Fault::Again);
    run.call("first");
    let outcome = run.call("second");
    run.until_said("this event comes again, though it has been answered");
    assert_eq!(run.call("third").text(), "third");
    assert_eq!(run.plane.deliveries(&outcome.id), 2);
    run.assert_clean();
    let said = run.last_words();
    assert_eq!(said.matches("comes again").count(), 1, "{said}");
    assert!(said.lines().any(|line| line.contains("comes again") && line.contains(&outcome.id)), "{said}");
}

fn a_refused_answer_is_logged_and_the_loop_goes_on(runtime: &Runtime) {
    let run = start(runtime, "echo");
    for status in [400, 413, 500, 503] {
        run.plane.fault(Endpoint::Answer, Fault::Status(status));
        assert_eq!(run.call("x").text(), "x", "the platform hands it out again");
        run.until_said(&format!("the platform refused the answer with {status}"));
    }
    run.plane.fault(Endpoint::Answer, Fault::Close);
    run.plane.submit("y");
    run.until_said("whether the answer arrived is unknown");
    assert_eq!(run.process.status(), None);
}

fn a_result_over_six_mebibytes_is_an_error_of_our_own(runtime: &Runtime) {
    let run = start(runtime, "faulty");
    let outcome = run.plane.invoke(faulty::SEVEN_MB);
    assert_eq!(outcome.kind, Kind::Error, "{}", &outcome.text()[..100]);
    assert!(outcome.text().contains("Function.ResponseSizeTooLarge"), "{}", outcome.text());
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"");
    run.assert_clean();
}

fn polls_that_fail_are_made_again(runtime: &Runtime) {
    event_function::polls_that_fail_are_made_again(start(runtime, "echo"), [Fault::Status(500), Fault::Status(404)]);
}

fn readiness_that_is_refused_is_told_again(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let go = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &go.display().to_string());
    let run = launch(runtime, deployment, Some("probe.slow_start"), patient());
    run.plane.fault(Endpoint::Ready, Fault::Status(500));
    run.plane.fault(Endpoint::Ready, Fault::Close);
    std::fs::write(go, "").expect("the start is let go");
    let run = run.polling();
    let told = run.asked().iter().filter(|line| *line == "POST /runtime/init/ready").count();
    assert_eq!(told, 3, "{:?}", run.asked());
    assert_eq!(run.call("1").text(), "1");
    run.assert_clean();
}

fn a_control_plane_that_is_gone_ends_the_process(runtime: &Runtime) {
    let run = start(runtime, "echo");
    run.go_down();
    run.until_said("trying again in 200 ms");
    run.plane.listen().expect("the port is still free");
    assert_eq!(run.call("back").text(), "back", "for a while it may be gone");
    run.go_down();
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    run.until_said("giving up after 8 tries");
}

fn keys_of_the_role_are_not_logged(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("FAAS_LOG", "trace");
    let run = launch(runtime, deployment, Some("probe.environment"), patient()).polling();
    assert_eq!(run.call("TENCENTCLOUD_SECRETKEY").text(), "temporary-key", "the function has them");
    let said = run.last_words();
    assert!(!said.is_empty() && !said.contains("temporary-"), "{said}");
}

/// The documentation does not say what the platform sends at the end; whatever it is, nothing is lost by a stop signal.
fn sigterm_between_events_closes_in_order(runtime: &Runtime) {
    let run = launch(runtime, Deployment::of("probe"), Some("probe.ending"), patient()).polling();
    assert_eq!(run.call("1").text(), "1");
    let run = run.polling();
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    assert!(run.process.output().contains("closed"), "Close came:\n{}", run.process.output());
    run.assert_clean();
}
