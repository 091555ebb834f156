//! Freeze and thaw: SIGSTOP and SIGCONT, as a platform freezes a sandbox between invocations and thaws it hours later.

use crate::run::{
    assert_answered_once, assert_error, assert_goes_on, assert_leaves, assert_next_one_serves, cut, due_in, faulty,
    freeze, hold, patient, record, thaw, unruly,
};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::faulty::FINE;
use integration::on_aws::OnAws;
use integration::wait::{limit, scale, silence};
use platform_emulators::aws_lambda::{Answer, Ending, Kind, Options};
use std::time::{Duration, Instant};

pub(crate) const GROUP: Group = Group {
    title: "Freeze and thaw",
    cases: &[
        Case {
            name: "frozen_while_parked",
            fault: "frozen in the poll for long; the connection lives",
            then: "the same poll gets the next event: nothing has timed out",
            check: parked,
        },
        Case {
            name: "frozen_while_parked_and_cut",
            fault: "frozen in the poll; the connection is reset, or closed, meanwhile",
            then: "polls on a new connection at the thaw, without a word; goes on",
            check: parked_and_cut,
        },
        Case {
            name: "frozen_while_an_event_comes",
            fault: "frozen in the poll; an event comes before the thaw",
            then: "served at the thaw",
            check: event_comes,
        },
        Case {
            name: "frozen_until_after_the_deadline_of_an_event",
            fault: "the same, and the deadline has passed at the thaw",
            then: "a line says that the deadline has passed; answered once: by the function within a second (or `FAAS_TIMEOUT`), else `Function.TimedOut` and exit 1",
            check: event_is_late,
        },
        Case {
            name: "frozen_while_the_function_runs",
            fault: "frozen in the middle of an invocation, thawed before its deadline",
            then: "as if nothing had been",
            check: running,
        },
        Case {
            name: "frozen_while_the_function_runs_and_cut",
            fault: "the same, and the connection is closed, or reset, meanwhile",
            then: "the answer goes out on a new connection, once",
            check: running_and_cut,
        },
        Case {
            name: "frozen_past_the_deadline_of_a_running_function",
            fault: "frozen in the middle of an invocation until after its deadline",
            then: "`Function.TimedOut` at the thaw, once; goes on if the function heeds the cancel at once, else exit 1",
            check: running_late,
        },
        Case {
            name: "frozen_past_the_platforms_patience",
            fault: "the same, and the platform ends the process at the deadline",
            then: "the platform answers; a fresh process serves",
            check: killed,
        },
    ],
};

fn parked(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    freeze(&run.process);
    assert!(run.process.wait(silence()).is_err(), "it left while it was frozen");
    thaw(&run.process);
    assert_goes_on(&run);
    let parked = run.aws.wait_for(|now| now.parked == 1, limit()).expect("it polls on");
    assert_eq!(
        (parked.next_calls, parked.accepted_connections),
        (2, 1),
        "the poll from before the freeze was answered"
    );
}

fn parked_and_cut(runtime: &Runtime) {
    for ending in [Ending::Reset, Ending::Close] {
        let run = faulty(runtime, patient());
        freeze(&run.process);
        cut(&run, ending);
        thaw(&run.process);
        assert_goes_on(&run);
        let said = run.process.output();
        assert!(!said.contains("trying again"), "{said}");
    }
}

fn event_comes(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    freeze(&run.process);
    let pending = run.aws.submit(FINE);
    run.aws.wait_for(|now| now.in_flight.iter().any(|it| it.delivered), limit()).expect("the poll is open");
    thaw(&run.process);
    let answer = pending.wait();
    assert_eq!(answer.kind, Kind::Response, "{}", answer.text());
    assert_answered_once(&run, &answer.request_id, 1);
    assert_goes_on(&run);
}

/// Waits until the deadline of an invocation has passed. Nothing tells of it: the time is what is under test.
fn outlast(run: &OnAws, id: &str, limit: Duration) {
    let delivered = record(run, id).deliveries[0];
    while let Some(left) = (delivered + limit).checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        assert!(run.process.wait(left).is_err(), "it left while it was frozen");
    }
}

/// Checks that there is one answer: the function's own, or that it was too late. Then the process goes on or leaves, by
/// its own words.
fn assert_one_or_the_other(run: &mut OnAws, runtime: &Runtime, answer: &Answer) {
    assert_answered_once(run, &answer.request_id, 1);
    if answer.kind != Kind::Response {
        assert_error(answer, "Function.TimedOut");
        // A runtime that was cut off in the middle has said so before the process left.
        let left = run.aws.wait_for(|now| now.parked == 1 || now.ended, limit()).expect("it polls on, or leaves").ended;
        if left {
            assert_leaves(run, "and is still running: leaving");
            return assert_next_one_serves(run, runtime);
        }
    }
    assert_goes_on(run);
}

fn event_is_late(runtime: &Runtime) {
    let due = Duration::from_millis(200);
    let run = faulty(runtime, due_in(due));
    freeze(&run.process);
    let pending = run.aws.submit(FINE);
    run.aws.wait_for(|now| now.in_flight.iter().any(|it| it.delivered), limit()).expect("the poll is open");
    outlast(&run, pending.request_id(), due);
    thaw(&run.process);
    let answer = pending.wait();
    assert_eq!(answer.kind, Kind::Response, "{}", run.process.output());
    let said = |line: &str| line.contains("the platform's deadline ") && line.contains(&answer.request_id);
    run.process.wait_for_line(said, limit()).expect("it says why it took longer than the platform allows");
    assert_answered_once(&run, &answer.request_id, 1);
    assert_goes_on(&run);
}

fn running(runtime: &Runtime) {
    let run = unruly(runtime, patient());
    let held = hold(&run, "hold");
    freeze(&run.process);
    held.let_go();
    assert!(run.process.wait(silence()).is_err(), "it left while it was frozen");
    assert!(record(&run, held.id()).posts.is_empty(), "a frozen process does nothing");
    thaw(&run.process);
    let answer = held.answer();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Response, "let go"));
    assert_answered_once(&run, &answer.request_id, 1);
    assert_goes_on(&run);
}

fn running_and_cut(runtime: &Runtime) {
    for ending in [Ending::Close, Ending::Reset] {
        let run = unruly(runtime, patient());
        let held = hold(&run, "hold");
        freeze(&run.process);
        held.let_go();
        cut(&run, ending);
        thaw(&run.process);
        let answer = held.answer();
        assert_eq!(answer.kind, Kind::Response, "{ending:?}: {}", answer.text());
        assert_answered_once(&run, &answer.request_id, 1);
        assert_goes_on(&run);
    }
}

fn running_late(runtime: &Runtime) {
    let due = Duration::from_secs(1) * scale();
    let mut run = unruly(runtime, due_in(due));
    let held = hold(&run, "hold");
    freeze(&run.process);
    outlast(&run, held.id(), due);
    thaw(&run.process);
    let answer = held.answer();
    assert_error(&answer, "Function.TimedOut");
    assert_one_or_the_other(&mut run, runtime, &answer);
}

fn killed(runtime: &Runtime) {
    let mut run = faulty(runtime, Options { timeout: Duration::from_secs(1) * scale(), ..Options::default() });
    freeze(&run.process);
    assert_eq!(run.aws.invoke(FINE).kind, Kind::Timeout);
    run.process.wait(limit()).expect("the platform ends it");
    assert_next_one_serves(&mut run, runtime);
}
