//! The calls that are made, and the treatment of answers that are no events.

use crate::event_function;
use crate::huawei_functiongraph::run::{launch, options, start};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_plane::{OnPlane, nameless};
use platform_emulators::huawei_functiongraph::Options;
use platform_emulators::runtime_api::{Endpoint, Event, Fault};
use std::time::Duration;

const POLL: &str = "GET /v1/runtime/invocation/request";

integration::both![
    the_address_is_taken_as_it_is,
    calls_have_the_documented_paths_and_each_id_one_post,
    the_id_is_read_in_any_case_and_without_blanks,
    an_answer_without_an_id_is_no_event,
    an_answer_other_than_200_is_no_event_and_a_pause_follows,
    quick_empty_answers_make_no_busy_loop,
    the_poll_has_no_time_limit,
    a_handler_that_means_nothing_is_the_only_function,
];

fn the_address_is_taken_as_it_is(runtime: &Runtime) {
    let run = start(runtime, "echo");
    let address = run.plane.address().to_string();
    let journal = run.plane.journal();
    assert!(!journal.is_empty() && journal.iter().all(|seen| seen.header("host") == Some(&address)), "{journal:?}");
    run.assert_clean();
}

fn named(id: &str, body: &str) -> Event {
    Event { id: Some(id.to_owned()), ..Event::from(body) }
}

fn calls_have_the_documented_paths_and_each_id_one_post(runtime: &Runtime) {
    let run = start(runtime, "faulty");
    let id = "0b1c2d3e-0000-4000-8000-0000000000ab";
    run.plane.invoke(named(id, "{}"));
    run.plane.invoke(named("a.b_c~d", r#"{"do":"error"}"#));
    let run = run.polling();
    let response = format!("POST /v1/runtime/invocation/response/{id}");
    let error = "POST /v1/runtime/invocation/error/a.b_c~d";
    assert_eq!(run.asked(), [POLL, &response, POLL, error, POLL]);
    run.assert_clean();
}

fn the_id_is_read_in_any_case_and_without_blanks(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    for name in ["x-cff-request-id", "X-CFF-REQUEST-ID"] {
        let headers = vec![(name.to_owned(), Some("  r-1 \t ".to_owned()))];
        let seen = run.inspect(Event { headers, ..named("r-1", "{}") });
        assert_eq!(seen.text("request_id"), "r-1");
    }
    run.assert_clean();
}

/// Lets the polls behind the next event meet these faults, and returns when an event has been served behind them.
fn meets(run: &OnPlane, faults: &[Fault]) {
    run.call("1");
    for fault in faults {
        run.plane.fault(Endpoint::Poll, fault.clone());
    }
    run.call("2");
    assert_eq!(run.call("3").text(), "3");
    assert_eq!(run.plane.snapshot().faults, 0);
    assert_eq!(run.asked().iter().filter(|line| line.starts_with("POST")).count(), 3, "only events are answered");
    run.assert_clean();
}

fn an_answer_without_an_id_is_no_event(runtime: &Runtime) {
    meets(&start(runtime, "echo"), &[Fault::Empty, Fault::Empty, Fault::Empty]);
}

fn an_answer_other_than_200_is_no_event_and_a_pause_follows(runtime: &Runtime) {
    let run = start(runtime, "echo");
    meets(&run, &[Fault::Status(201), Fault::Status(404), Fault::Status(500), Fault::Status(503)]);
    let journal = run.plane.journal();
    let polls: Vec<_> = journal.iter().filter(|seen| seen.method == "GET").collect();
    let pauses = polls.windows(2).filter(|two| two[0].status.is_some_and(|status| status != 200));
    let pauses: Vec<Duration> = pauses.map(|two| two[1].at - two[0].at).collect();
    assert!(pauses.len() == 4 && pauses.iter().all(|pause| *pause >= Duration::from_millis(50)), "{pauses:?}");
}

fn quick_empty_answers_make_no_busy_loop(runtime: &Runtime) {
    let options = Options { holds_polls: false, ..options() };
    let run = launch(runtime, Deployment::of("echo"), "echo", options);
    // The pauses grow: so few polls take longer than a second already.
    run.plane.wait_for(|now| now.polls >= 8, integration::wait::limit()).expect("it goes on asking");
    let journal = run.plane.journal();
    assert!(journal[7].at - journal[0].at >= Duration::from_secs(1), "{:?}", journal[7].at - journal[0].at);
    assert_eq!(run.call("{}").text(), "{}");
    run.assert_clean();
}

fn the_poll_has_no_time_limit(runtime: &Runtime) {
    event_function::the_poll_has_no_time_limit(&start(runtime, "echo"));
}

fn a_handler_that_means_nothing_is_the_only_function(runtime: &Runtime) {
    let run = launch(runtime, nameless("echo"), "bootstrap.handler", options()).polling();
    assert_eq!(run.call("{}").text(), "{}");
    run.assert_clean();
}
