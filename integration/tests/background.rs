//! Work that functions leave behind, and code that hears that an invocation is cancelled, over both binaries.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::process::Process;
use std::time::Duration;

integration::both![
    a_task_of_a_function_that_returned_at_once_runs_where_threads_are_lent,
    a_task_of_a_function_that_returned_at_once_runs_on_a_server,
    work_after_the_reply_ends_before_the_next_event_is_asked_for,
    work_after_the_reply_holds_up_no_client,
    work_after_the_reply_has_a_time_limit,
    work_after_the_reply_that_panics_is_a_line_with_the_request_id,
    work_that_a_phase_leaves_ends_with_the_phase,
    a_context_that_is_kept_for_long_is_a_warning_once,
    block_in_place_works_with_two_workers_and_fails_with_one,
    a_deadline_reaches_a_select_a_blocking_thread_and_nested_tasks,
    a_client_that_leaves_reaches_a_select_a_blocking_thread_and_nested_tasks,
    a_number_of_workers_that_does_not_fit_ends_the_start,
];

fn background() -> Deployment {
    Deployment::of("background")
}

fn on_aws(runtime: &Runtime, deployment: Deployment, function: &str) -> OnAws {
    OnAws::launch(runtime, deployment, &format!("background.{function}"), Options::default()).polling()
}

fn on_http(runtime: &Runtime, deployment: Deployment, function: &str) -> OnHttp {
    OnHttp::start(runtime, deployment, &format!("background.{function}"))
}

/// Waits for a line with these words.
fn said(process: &Process, words: &str) -> String {
    let line = process.wait_for_line(|line| line.contains(words), limit());
    line.unwrap_or_else(|late| panic!("{words:?}: {late}; output:\n{}", process.output()))
}

/// Returns how many lines have these words.
fn count(process: &Process, words: &str) -> usize {
    process.lines().iter().filter(|line| line.text.contains(words)).count()
}

fn a_task_of_a_function_that_returned_at_once_runs_where_threads_are_lent(runtime: &Runtime) {
    for function in ["spawns", "waits_and_spawns"] {
        let run = on_aws(runtime, background(), function);
        assert_eq!(run.call("{}").text(), "replied", "{function}");
        let line = said(&run.process, "the task has ended");
        assert!(line.contains("request_id"), "{function}: a detached copy names its invocation: {line}");
        run.assert_clean();
    }
}

fn a_task_of_a_function_that_returned_at_once_runs_on_a_server(runtime: &Runtime) {
    for function in ["spawns", "waits_and_spawns"] {
        let run = on_http(runtime, background(), function);
        assert_eq!(run.call("POST", "/", "", b"").text(), "replied", "{function}");
        said(&run.process, "the task has ended");
    }
}

fn work_after_the_reply_ends_before_the_next_event_is_asked_for(runtime: &Runtime) {
    let run = on_aws(runtime, background(), "after");
    for round in 1..=3 {
        assert_eq!(run.call("20").text(), "replied");
        // The process may be frozen as soon as it polls.
        let polls = run.aws.wait_for(|now| now.parked > 0, limit()).expect("it polls again");
        assert!(polls.parked > 0);
        assert_eq!(count(&run.process, "the work after the reply has ended"), round, "{}", run.process.output());
    }
    run.assert_clean();
}

fn work_after_the_reply_holds_up_no_client(runtime: &Runtime) {
    let run = on_http(runtime, background().env("FAAS_REPLIED_TIMEOUT", "10m"), "after");
    // The event is ten minutes, which no test waits for.
    assert_eq!(run.call("POST", "/", "", b"600000").text(), "replied");
    assert_eq!(count(&run.process, "the work after the reply"), 0, "{}", run.process.output());
}

fn work_after_the_reply_has_a_time_limit(runtime: &Runtime) {
    let run = on_http(runtime, background().env("FAAS_REPLIED_TIMEOUT", "100ms"), "after");
    assert_eq!(run.call("POST", "/", "", b"600000").text(), "replied");
    said(&run.process, "the work after the reply is dropped");
    assert_eq!(count(&run.process, "the work after the reply has ended"), 0, "{}", run.process.output());
    assert_eq!(run.call("POST", "/", "", b"1").text(), "replied");
    said(&run.process, "the work after the reply has ended");
}

fn work_after_the_reply_that_panics_is_a_line_with_the_request_id(runtime: &Runtime) {
    let run = on_http(runtime, background(), "after_with_panic");
    let reply = run.call("POST", "/", "X-Request-Id: mine-7\r\n", b"");
    assert_eq!((reply.status, reply.text().as_str()), (200, "replied"));
    said(&run.process, "the work after the reply has ended");
    let panicked =
        run.process.wait_for_line(|line| line.contains("ERROR") && line.contains("after the reply"), limit());
    let line = panicked.unwrap_or_else(|late| panic!("{late}; output:\n{}", run.process.output()));
    assert!(line.contains("mine-7"), "{line}");
}

fn work_that_a_phase_leaves_ends_with_the_phase(runtime: &Runtime) {
    let run = on_http(runtime, background(), "closes");
    assert_eq!(run.call("POST", "/", "", b"").text(), "replied");
    assert_eq!(run.stop().code(), Some(0));
    said(&run.process, "the work of the phase has ended");
}

fn a_context_that_is_kept_for_long_is_a_warning_once(runtime: &Runtime) {
    let run = on_http(runtime, background(), "keeps");
    for _ in 0..3 {
        assert_eq!(run.call("POST", "/", "", b"").text(), "replied");
    }
    let line = said(&run.process, "was held open for");
    assert!(line.contains(" WARN ") && line.contains("invocation of keeps"), "{line}");
    assert_eq!(count(&run.process, "was held open for"), 1, "{}", run.process.output());
}

fn block_in_place_works_with_two_workers_and_fails_with_one(runtime: &Runtime) {
    let two = background().env("FAAS_ASYNC_WORKERS", "2");
    assert_eq!(on_aws(runtime, two, "in_place").call("{}").text(), "replied");
    let two = background().env("FAAS_ASYNC_WORKERS", "2");
    assert_eq!(on_http(runtime, two, "in_place").call("POST", "/", "", b"").text(), "replied");
    let one = on_aws(runtime, background(), "in_place");
    let failed = one.aws.invoke("{}");
    assert_eq!(failed.kind, Kind::Error, "{}", failed.text());
    said(&one.process, "multi-threaded runtime");
}

/// The ways to wait, with the lines that are written when each ends.
const WAYS: [(&str, &[&str]); 3] = [
    ("select", &["the future is dropped"]),
    ("thread", &["the future is dropped", "the thread has heard"]),
    ("nested", &["the future is dropped", "the inner task has heard", "the outer task has heard"]),
];

fn a_deadline_reaches_a_select_a_blocking_thread_and_nested_tasks(runtime: &Runtime) {
    let run = on_http(runtime, background().env("FAAS_TIMEOUT", "300ms"), "waits");
    for (round, (way, words)) in WAYS.iter().enumerate() {
        let reply = run.call("POST", "/", "", way.as_bytes());
        assert_eq!(reply.status, 504, "{way}: {}", reply.text());
        for word in *words {
            said(&run.process, word);
        }
        assert_eq!(count(&run.process, "the future is dropped"), round + 1, "{}", run.process.output());
    }
    let run = on_aws_with_deadline(runtime);
    for (way, words) in WAYS {
        assert_eq!(run.aws.invoke(way).kind, Kind::Error, "{way}");
        for word in words {
            said(&run.process, word);
        }
    }
}

/// Starts a function under an event's deadline of two seconds.
fn on_aws_with_deadline(runtime: &Runtime) -> OnAws {
    let options = Options { timeout: Duration::from_secs(2), ..Options::default() };
    OnAws::launch(runtime, background(), "background.waits", options).polling()
}

fn a_client_that_leaves_reaches_a_select_a_blocking_thread_and_nested_tasks(runtime: &Runtime) {
    let run = on_http(runtime, background(), "waits");
    for (round, (way, words)) in WAYS.iter().enumerate() {
        let mut client = run.client();
        client.request("POST", "/", "", way.as_bytes()).expect("it is sent");
        let waits = || count(&run.process, "waiting") > round;
        let begun = integration::wait::until("it waits", &run.process, || waits().then_some(()));
        begun.unwrap_or_else(|why| panic!("{way}: {why}"));
        drop(client);
        for word in *words {
            said(&run.process, word);
        }
    }
}

fn a_number_of_workers_that_does_not_fit_ends_the_start(runtime: &Runtime) {
    let deployment = background().env("FAAS_ASYNC_WORKERS", "none");
    let run = OnHttp::launch(runtime, deployment, "background.spawns");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1));
    let output = run.process.output();
    assert!(output.contains("FAAS_ASYNC_WORKERS: expected a whole number above 0, found \"none\""), "{output}");
}
