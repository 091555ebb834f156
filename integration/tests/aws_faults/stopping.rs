//! Stop signals, one invocation at a time.

use crate::run::{
    Held, assert_answered_once, assert_calm, assert_error, assert_leaves, cut, faulty, go_down, hold, launch_prepared,
    patient, unruly, until_holding, until_said,
};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Ending, Endpoint, Fault, Kind};
use platform_emulators::process::Signal;

pub(crate) const GROUP: Group = Group {
    title: "Stop: SIGTERM, SIGINT",
    cases: &[
        Case {
            name: "sigterm_while_parked",
            fault: "SIGTERM in the poll, as soon as the first one comes",
            then: "Close runs; exit 0",
            check: parked,
        },
        Case {
            name: "sigterm_before_the_first_poll",
            fault: "SIGTERM in a pause between two tries, before any poll has been sent",
            then: "exit 0, without a further try",
            check: never_polled,
        },
        Case {
            name: "sigterm_in_flight",
            fault: "SIGTERM while the function runs",
            then: "it is answered; no further poll; Close runs; exit 0",
            check: in_flight,
        },
        Case {
            name: "sigterm_in_flight_and_the_connection_closed",
            fault: "the same, and the connection is closed meanwhile",
            then: "the same, on a new connection",
            check: in_flight_and_cut,
        },
        Case {
            name: "sigterm_longer_than_the_grace",
            fault: "SIGTERM while a function runs that does not end within the grace",
            then: "`Runtime.Closing` shortly before the end of the grace; exit 1, and the log says why",
            check: longer_than_the_grace,
        },
        Case {
            name: "sigterm_longer_than_the_grace_but_for_cancel",
            fault: "SIGTERM while a function runs that ends when it is told to",
            then: "it is told so within the grace; `Runtime.Closing`; Close runs; exit 0",
            check: cancelled_within_the_grace,
        },
        Case {
            name: "sigterm_twice",
            fault: "a second signal while the function still runs",
            then: "exit 1 at once, which the log says; the platform answers",
            check: twice,
        },
        Case {
            name: "sigterm_while_the_control_plane_is_down",
            fault: "SIGTERM in a pause between two tries",
            then: "Close runs; exit 0, without a further try",
            check: while_down,
        },
        Case {
            name: "sigterm_while_an_answer_is_not_replied_to",
            fault: "SIGTERM while the platform does not reply to an answer",
            then: "exit 1 at the end of the grace; the answer is not sent again",
            check: while_unreplied,
        },
    ],
};

fn start(runtime: &Runtime, grace: &str) -> OnAws {
    let deployment = Deployment::of("unruly").env("FAAS_GRACE", grace);
    OnAws::launch(runtime, deployment, "unruly", patient()).polling()
}

fn signal(run: &OnAws, signal: Signal) {
    run.process.signal(signal).expect("the signal is sent");
}

fn assert_stops(run: &OnAws) {
    let status = run.process.wait(limit()).expect("it leaves");
    assert_eq!(status.code(), Some(0), "{status}:\n{}", run.process.output());
    until_said(run, "closed");
    assert_calm(run);
}

fn assert_let_go(run: &OnAws, held: Held) {
    held.let_go();
    let answer = held.answer();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Response, "let go"), "{}", run.process.output());
    assert_answered_once(run, &answer.request_id, 1);
}

fn parked(runtime: &Runtime) {
    // One that is late to take signals dies of some of these.
    for how in [Signal::Term, Signal::Int].repeat(8) {
        let run = unruly(runtime, patient());
        signal(&run, how);
        assert_stops(&run);
        assert_eq!(run.aws.next_calls(), 1);
    }
}

fn never_polled(runtime: &Runtime) {
    let run = launch_prepared(runtime, Deployment::of("faulty"), "faulty", patient(), |aws| aws.refuse());
    until_said(&run, "trying again in 400 ms");
    signal(&run, Signal::Term);
    let status = run.process.wait(limit()).expect("it leaves");
    let said = run.process.output();
    assert_eq!(status.code(), Some(0), "{status}:\n{said}");
    assert!(said.contains("stopping: 0 in flight") && !said.contains("giving up"), "{said}");
}

fn in_flight(runtime: &Runtime) {
    let run = start(runtime, "24h");
    let held = hold(&run, "hold");
    signal(&run, Signal::Term);
    until_said(&run, "stopping: 1 in flight");
    assert_let_go(&run, held);
    assert_stops(&run);
    assert_eq!(run.aws.next_calls(), 1, "no further poll");
}

fn in_flight_and_cut(runtime: &Runtime) {
    let run = start(runtime, "24h");
    let held = hold(&run, "hold");
    signal(&run, Signal::Term);
    until_said(&run, "stopping: 1 in flight");
    cut(&run, Ending::Close);
    assert_let_go(&run, held);
    assert_stops(&run);
    assert_eq!(run.aws.next_calls(), 1, "no further poll");
}

fn longer_than_the_grace(runtime: &Runtime) {
    let run = start(runtime, "300ms");
    let pending = run.aws.submit("deaf");
    until_holding(&run, 1);
    signal(&run, Signal::Term);
    assert_leaves(&run, "and is still running: leaving");
    let answer = pending.wait();
    assert_error(&answer, "Runtime.Closing");
    assert_answered_once(&run, &answer.request_id, 1);
}

fn cancelled_within_the_grace(runtime: &Runtime) {
    let run = start(runtime, "300ms");
    let held = hold(&run, "hold");
    signal(&run, Signal::Term);
    let answer = held.answer();
    assert_error(&answer, "Runtime.Closing");
    assert_answered_once(&run, &answer.request_id, 1);
    assert_stops(&run);
}

fn twice(runtime: &Runtime) {
    let run = start(runtime, "24h");
    let held = hold(&run, "hold");
    // Two signals of the same kind may arrive as one.
    signal(&run, Signal::Term);
    signal(&run, Signal::Int);
    assert_leaves(&run, "the grace is over, or a second signal came");
    assert_eq!(held.answer().kind, Kind::Exited);
}

fn while_down(runtime: &Runtime) {
    let run = start(runtime, "24h");
    go_down(&run);
    until_said(&run, "trying again in 400 ms");
    signal(&run, Signal::Term);
    assert_stops(&run);
    let said = run.process.output();
    assert!(!said.contains("giving up"), "{said}");
}

fn while_unreplied(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAAS_GRACE", "300ms");
    let run = OnAws::launch(runtime, deployment, "faulty", patient()).polling();
    run.aws.fault(Endpoint::Response, Fault::Delay(limit() * 10));
    let answer = run.call(integration::faulty::FINE);
    signal(&run, Signal::Term);
    let status = run.process.wait(limit()).expect("it leaves");
    assert_eq!(status.code(), Some(1), "{status}:\n{}", run.process.output());
    assert_answered_once(&run, &answer.request_id, 1);
    assert_calm(&run);
    // Here nothing is left that could hold it up.
    let run = faulty(runtime, patient());
    run.call(integration::faulty::FINE);
    signal(&run, Signal::Term);
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}
