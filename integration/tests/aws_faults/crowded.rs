//! Several invocations at once (managed instances): the effect of one worker's trouble on the others.

use crate::run::{
    Held, assert_answered_once, assert_calm, assert_error, assert_goes_on, assert_leaves, connected, go_down, hold,
    holding, record, until_connected, until_holding, until_said,
};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::{limit, scale};
use platform_emulators::aws_lambda::{Ending, Endpoint, Event, Fault, Kind, Options, Pending};
use platform_emulators::process::Signal;
use std::time::Duration;

pub(crate) const GROUP: Group = Group {
    title: "Several invocations at once (`AWS_LAMBDA_MAX_CONCURRENCY`)",
    cases: &[
        Case {
            name: "one_of_four_never_ends",
            fault: "one function never ends while three others run",
            then: "`Function.TimedOut` for the one; no more polls; the three are answered; exit 1 with the last of them",
            check: one_of_four,
        },
        Case {
            name: "one_never_ends_while_the_others_are_parked",
            fault: "one function never ends; nothing else is in flight",
            then: "`Function.TimedOut`; exit 1 at once",
            check: one_alone,
        },
        Case {
            name: "all_of_four_never_end",
            fault: "no function ends",
            then: "`Function.TimedOut` for each; exit 1",
            check: all_of_four,
        },
        Case {
            name: "the_others_outlast_the_grace",
            fault: "one function never ends, and another does not end within the grace",
            then: "`Function.TimedOut` for the one, `Runtime.Closing` for the other shortly before the end of the grace; exit 1",
            check: outlasted,
        },
        Case {
            name: "polls_of_four_cut",
            fault: "all parked connections are reset, or closed",
            then: "every worker polls again; goes on",
            check: all_cut,
        },
        Case {
            name: "polls_of_four_refused_for_a_while",
            fault: "connections are refused for a while",
            then: "every worker comes back",
            check: all_refused,
        },
        Case {
            name: "one_poll_of_two_answered_500",
            fault: "500 to the poll of one worker while another serves",
            then: "the other one's invocation is answered; exit 1",
            check: one_told_500,
        },
        Case {
            name: "connection_closed_behind_the_event_of_one_of_two",
            fault: "the connection ends right behind the event, unannounced",
            then: "the answer goes out on a new connection: here the platform would not hand the event out again",
            check: closed_behind_the_event,
        },
        Case {
            name: "answer_later_than_the_platform_waits",
            fault: "410: the platform has given up on the invocation",
            then: "the answer is dropped; goes on",
            check: late,
        },
        Case {
            name: "sigterm_with_two_of_four_in_flight",
            fault: "SIGTERM while two functions run and two workers are parked",
            then: "no more polls; both are answered; Close runs; exit 0",
            check: sigterm,
        },
    ],
};

fn crowd(workers: usize) -> Options {
    Options { max_concurrency: Some(workers), timeout: limit(), enforce_deadline: false, ..Options::default() }
}

/// A grace that no test waits for: a runtime that leaves at its end fails by the limit.
const ENDLESS: &str = "24h";

fn start(runtime: &Runtime, workers: usize, grace: &str) -> OnAws {
    let deployment = Deployment::of("unruly").env("FAAS_GRACE", grace);
    let run = OnAws::launch(runtime, deployment, "unruly", crowd(workers));
    until_parked(&run, workers);
    run
}

fn until_parked(run: &OnAws, workers: usize) {
    let parked = run.aws.wait_for(|now| now.parked == workers, limit());
    parked.unwrap_or_else(|late| panic!("{late}; output:\n{}", run.process.output()));
}

/// Sends an event that never ends and is due soon, and waits until it runs.
fn never_ending(run: &OnAws, command: &str, due: Duration) -> Pending {
    let earlier = holding(&run.process);
    let pending = run.aws.submit(Event { deadline_in: Some(due), ..Event::from(command) });
    until_holding(run, earlier + 1);
    pending
}

fn assert_abandoned(run: &OnAws, pending: Pending) {
    let answer = pending.wait();
    assert_error(&answer, "Function.TimedOut");
    assert_answered_once(run, &answer.request_id, 1);
}

fn assert_let_go(run: &OnAws, held: Held) {
    let answer = held.answer();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Response, "let go"), "{}", run.process.output());
    assert_answered_once(run, &answer.request_id, 1);
}

const STILL_RUNNING: &str = "and is still running: leaving once the others have ended";

fn due() -> Duration {
    Duration::from_millis(700) * scale()
}

fn one_of_four(runtime: &Runtime) {
    let run = start(runtime, 4, ENDLESS);
    let others: Vec<Held> = (0..3).map(|_| hold(&run, "hold")).collect();
    let polls = run.aws.next_calls();
    assert_abandoned(&run, never_ending(&run, "spin", due()));
    until_said(&run, STILL_RUNNING);
    for other in others {
        assert_eq!(run.process.status(), None, "the others are waited for");
        other.let_go();
        assert_let_go(&run, other);
    }
    assert_leaves(&run, STILL_RUNNING);
    assert_eq!(run.aws.next_calls(), polls, "it takes no more work");
}

fn one_alone(runtime: &Runtime) {
    let run = start(runtime, 4, ENDLESS);
    assert_abandoned(&run, never_ending(&run, "deaf", due()));
    assert_leaves(&run, STILL_RUNNING);
    assert_eq!(run.aws.next_calls(), 4, "it takes no more work");
}

fn all_of_four(runtime: &Runtime) {
    let run = start(runtime, 4, ENDLESS);
    let all: Vec<_> = (0..4).map(|_| never_ending(&run, "deaf", due() * 2)).collect();
    all.into_iter().for_each(|pending| assert_abandoned(&run, pending));
    assert_leaves(&run, STILL_RUNNING);
}

fn outlasted(runtime: &Runtime) {
    let run = start(runtime, 2, "500ms");
    let other = never_ending(&run, "deaf", limit());
    assert_abandoned(&run, never_ending(&run, "deaf", due()));
    assert_leaves(&run, STILL_RUNNING);
    let answer = other.wait();
    assert_error(&answer, "Runtime.Closing");
    assert_answered_once(&run, &answer.request_id, 1);
}

fn all_cut(runtime: &Runtime) {
    let run = start(runtime, 4, ENDLESS);
    for ending in [Ending::Reset, Ending::Close] {
        run.aws.cut(ending);
        run.aws.wait_for(|now| now.parked < 4, limit()).unwrap_or_else(|_| run.aws.snapshot());
        until_parked(&run, 4);
        let all: Vec<Held> = (0..4).map(|_| hold(&run, "hold")).collect();
        all.iter().for_each(Held::let_go);
        all.into_iter().for_each(|held| assert_let_go(&run, held));
        until_parked(&run, 4);
    }
    assert_calm(&run);
}

fn all_refused(runtime: &Runtime) {
    let run = start(runtime, 4, ENDLESS);
    go_down(&run);
    until_said(&run, "trying again in 200 ms");
    run.aws.listen().expect("the port is still free");
    until_parked(&run, 4);
    assert_goes_on(&run);
}

fn one_told_500(runtime: &Runtime) {
    let run = start(runtime, 2, ENDLESS);
    let other = hold(&run, "hold");
    run.aws.fault(Endpoint::Next, Fault::Status(500));
    assert_eq!(run.call("once").text(), "once");
    until_said(&run, "answered 500 to the poll");
    other.let_go();
    assert_let_go(&run, other);
    assert_leaves(&run, "answered 500 to the poll");
}

fn closed_behind_the_event(runtime: &Runtime) {
    let run = start(runtime, 2, ENDLESS);
    run.aws.fault(Endpoint::Next, Fault::CloseKeepAlive);
    // Polls are served in the order they came: the first one now goes to the end of the line and meets the fault.
    for event in ["the first poll", "the second poll"] {
        assert_eq!(run.call(event).kind, Kind::Response);
        until_parked(&run, 2);
    }
    let before = connected(&run);
    let held = hold(&run, "hold");
    until_connected(&run, before - 1);
    held.let_go();
    assert_let_go(&run, held);
    until_parked(&run, 2);
    assert_goes_on(&run);
}

fn late(runtime: &Runtime) {
    let run = start(runtime, 2, ENDLESS);
    let held = hold(&run, "hold");
    assert!(run.aws.time_out(held.id()), "it is under way");
    held.let_go();
    until_said(&run, "the platform refused the answer with 410");
    let answer = held.answer();
    let record = record(&run, &answer.request_id);
    assert_eq!((answer.kind, record.posts.len(), record.accepted()), (Kind::Timeout, 1, 0), "{record:?}");
    until_parked(&run, 2);
    assert_goes_on(&run);
}

fn sigterm(runtime: &Runtime) {
    let run = start(runtime, 4, ENDLESS);
    let held = [hold(&run, "hold"), hold(&run, "hold")];
    let polls = run.aws.next_calls();
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.aws.wait_for(|now| now.parked == 0, limit()).expect("parked polls end");
    for held in held {
        held.let_go();
        assert_let_go(&run, held);
    }
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    until_said(&run, "closed");
    assert_eq!(run.aws.next_calls(), polls, "it takes no more work");
    assert_calm(&run);
}
