//! The calls that are made, their order and their content.

use crate::event_function;
use crate::tencent_scf::run::{launch, patient, start};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_plane::nameless;
use integration::wait::limit;
use platform_emulators::runtime_api::{Endpoint, Fault};

const READY: &str = "POST /runtime/init/ready";
const NEXT: &str = "GET /runtime/invocation/next";
const RESPONSE: &str = "POST /runtime/invocation/response";
const ERROR: &str = "POST /runtime/invocation/error";

integration::both![
    host_and_port_are_those_of_the_two_variables,
    readiness_is_told_once_after_the_start_and_before_the_first_poll,
    the_poll_has_no_time_limit,
    each_event_is_answered_once_before_the_next_poll_and_no_path_has_an_id,
    results_go_out_byte_for_byte,
    any_success_is_taken_for_one,
    a_handler_that_is_missing_or_means_nothing_is_the_only_function,
];

fn host_and_port_are_those_of_the_two_variables(runtime: &Runtime) {
    let run = start(runtime, "echo");
    let address = run.plane.address().to_string();
    let journal = run.plane.journal();
    assert!(journal.len() >= 2 && journal.iter().all(|seen| seen.header("host") == Some(&address)), "{journal:?}");
    run.assert_clean();
}

fn readiness_is_told_once_after_the_start_and_before_the_first_poll(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let go = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &go.display().to_string());
    let run = launch(runtime, deployment, Some("probe.slow_start"), patient());
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the start is under way");
    assert_eq!(run.asked(), Vec::<String>::new(), "nothing is told before the start is over");
    std::fs::write(go, "").expect("the start is let go");
    let run = run.polling();
    assert_eq!(run.asked(), [READY, NEXT]);
    run.call("{}");
    assert_eq!(run.asked().iter().filter(|line| *line == READY).count(), 1);
    run.assert_clean();
}

fn the_poll_has_no_time_limit(runtime: &Runtime) {
    event_function::the_poll_has_no_time_limit(&start(runtime, "echo"));
}

fn each_event_is_answered_once_before_the_next_poll_and_no_path_has_an_id(runtime: &Runtime) {
    let run = start(runtime, "faulty");
    for event in ["{}", r#"{"do":"error"}"#, "{}"] {
        run.plane.invoke(event);
    }
    let run = run.polling();
    assert_eq!(run.asked(), [READY, NEXT, RESPONSE, NEXT, ERROR, NEXT, RESPONSE, NEXT]);
    run.assert_clean();
}

fn results_go_out_byte_for_byte(runtime: &Runtime) {
    let run = start(runtime, "echo");
    let all: Vec<u8> = (0..=255).collect();
    for body in [&b""[..], b" ", b"{\"a\": 1}\n", b"\"text\"", &all] {
        assert_eq!(run.call(body.to_vec()).body, body);
    }
    run.assert_clean();
}

fn any_success_is_taken_for_one(runtime: &Runtime) {
    let run = start(runtime, "echo");
    run.plane.fault(Endpoint::Answer, Fault::Status(202));
    assert_eq!(run.call("1").text(), "1");
    assert_eq!(run.call("2").text(), "2");
    run.assert_clean();
    let said = run.last_words();
    assert!(!said.contains("refused the answer"), "{said}");
}

fn a_handler_that_is_missing_or_means_nothing_is_the_only_function(runtime: &Runtime) {
    for handler in [None, Some("index.main_handler")] {
        let run = launch(runtime, nameless("echo"), handler, patient()).polling();
        assert_eq!(run.call("{}").text(), "{}", "{handler:?}");
        run.assert_clean();
    }
}
