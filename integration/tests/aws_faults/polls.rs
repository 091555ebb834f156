//! Faults of the poll: GET `/invocation/next`.

use crate::run::{
    assert_answered_once, assert_goes_on, assert_idles, assert_leaves, assert_no_busy_loop, cut_parked, due_in, faulty,
    go_down, hold, launch_prepared, patient, polls_meet, processor_time, record, unruly, until_connected, until_said,
    until_struck,
};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty::FINE;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Ending, Endpoint, Event, Fault, Kind};
use platform_emulators::process::Signal;
use std::time::Instant;

pub(crate) const GROUP: Group = Group {
    title: "The poll: `GET /invocation/next`",
    cases: &[
        Case {
            name: "poll_refused_for_good",
            fault: "connections are refused and stay so",
            then: "eight tries within some three seconds, the pauses growing from none to 1.6 s, then exit 1; no busy loop",
            check: refused_for_good,
        },
        Case {
            name: "poll_refused_from_the_start",
            fault: "the very first connection is refused",
            then: "the same",
            check: refused_from_the_start,
        },
        Case {
            name: "poll_refused_for_a_while",
            fault: "connections are refused for a while",
            then: "goes on with the next try that succeeds",
            check: refused_for_a_while,
        },
        Case {
            name: "poll_reset",
            fault: "the connection is reset, once or several times",
            then: "the first new try comes at once and without a word, as after a freeze; goes on",
            check: |runtime| survives(runtime, &[Fault::Reset, Fault::Reset, Fault::Reset]),
        },
        Case {
            name: "poll_closed_after_the_request",
            fault: "the connection is closed without an answer",
            then: "tries again; goes on",
            check: |runtime| survives(runtime, &[Fault::CloseAfterRequest, Fault::CloseAfterRequest]),
        },
        Case {
            name: "poll_answered_403_404_429",
            fault: "403, 404 or 429",
            then: "tries again after a pause; goes on",
            check: |runtime| survives(runtime, &[Fault::Status(403), Fault::Status(404), Fault::Status(429)]),
        },
        Case {
            name: "poll_answered_403_for_good",
            fault: "403 again and again",
            then: "eight tries, then exit 1",
            check: forbidden_for_good,
        },
        Case {
            name: "poll_answered_500_503",
            fault: "500 or 503",
            then: "exit 1 at once: documented as beyond recovery",
            check: broken,
        },
        Case {
            name: "poll_answered_with_garbage",
            fault: "what comes is no HTTP",
            then: "tries again on a new connection; goes on",
            check: |runtime| {
                let garbage = [&b"\x16\x03\x01garbage"[..], b"HTTP/1.1 two hundred\r\n\r\n", b"\r\n\r\n\0"];
                survives(runtime, &garbage.map(|bytes| Fault::Garbage(bytes.to_vec())));
            },
        },
        Case {
            name: "poll_answered_with_half_a_head",
            fault: "the answer ends in the middle of its head",
            then: "polls again; the platform hands the event out once more, and it is answered once",
            check: |runtime| cut_short(runtime, Fault::HalfHead),
        },
        Case {
            name: "poll_answered_with_half_a_body",
            fault: "the answer ends in the middle of the event",
            then: "the same; half an event reaches no function",
            check: |runtime| cut_short(runtime, Fault::HalfBody),
        },
        Case {
            name: "poll_never_answered",
            fault: "no answer, for as long as one cares to watch",
            then: "waits without a time limit and without using the processor; still leaves at SIGTERM with 0",
            check: never_answered,
        },
        Case {
            name: "poll_cut_after_a_silence",
            fault: "the connection is reset, or closed, after a long silence",
            then: "polls on a new connection at once; goes on",
            check: cut_after_a_silence,
        },
        Case {
            name: "poll_connection_closed_behind_the_event",
            fault: "the connection ends right behind the event, unannounced",
            then: "the answer goes out on a new connection, once",
            check: closed_behind_the_event,
        },
        Case {
            name: "poll_connection_closed_behind_the_event_of_a_quick_function",
            fault: "the same, and the function takes less than a millisecond",
            then: "the answer may be lost with the connection and is not repeated; the platform hands the event out once \
                   more, and one answer arrives",
            check: closed_behind_a_quick_event,
        },
        Case {
            name: "poll_duplicate_delivery",
            fault: "an event that was answered is delivered once more",
            then: "served and answered once for each delivery",
            check: delivered_twice,
        },
        Case {
            name: "poll_event_without_an_id",
            fault: "an event without a request id",
            then: "cannot be answered: asks again, as for a refusal; exit 1 if it does not end",
            check: without_an_id,
        },
        Case {
            name: "poll_event_without_a_deadline",
            fault: "an event whose deadline is no number",
            then: "served with the limit of `FAAS_TIMEOUT`, or without a limit",
            check: without_a_deadline,
        },
    ],
};

fn survives(runtime: &Runtime, faults: &[Fault]) {
    let run = polls_meet(runtime, patient(), faults);
    assert_goes_on(&run);
    until_struck(&run);
    assert_goes_on(&run);
}

fn refused_for_good(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    let (before, began) = (processor_time(&run.process), Instant::now());
    go_down(&run);
    until_said(&run, "trying again in 1600 ms");
    assert_no_busy_loop(&run.process, before, began.elapsed());
    assert_leaves(&run, "giving up after 8 tries");
    assert!(run.process.output().contains(&run.aws.address().to_string()), "it says what it could not reach");
}

fn refused_from_the_start(runtime: &Runtime) {
    let run = launch_prepared(runtime, Deployment::of("faulty"), "faulty", patient(), |aws| aws.refuse());
    assert_leaves(&run, "giving up after 8 tries");
    assert!(run.process.output().contains(&run.aws.address().to_string()), "it says what it could not reach");
}

fn refused_for_a_while(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    go_down(&run);
    until_said(&run, "trying again in 200 ms");
    run.aws.listen().expect("the port is still free");
    assert_goes_on(&run);
}

fn forbidden_for_good(runtime: &Runtime) {
    let faults: Vec<_> = std::iter::repeat_n(Fault::Status(403), 8).collect();
    let run = polls_meet(runtime, patient(), &faults);
    let began = Instant::now();
    let before = processor_time(&run.process);
    until_said(&run, "trying again in 1600 ms");
    assert_no_busy_loop(&run.process, before, began.elapsed());
    assert_leaves(&run, "answered 403 to the poll; giving up after 8 tries");
    assert_eq!(run.aws.snapshot().faults, 0, "every one of them was a try");
}

fn broken(runtime: &Runtime) {
    for status in [500, 503] {
        let run = polls_meet(runtime, patient(), &[Fault::Status(status), Fault::Status(status)]);
        assert_leaves(&run, &format!("answered {status} to the poll"));
        assert_eq!(run.aws.snapshot().faults, 1, "it did not ask again");
    }
}

fn cut_short(runtime: &Runtime, fault: Fault) {
    let run = polls_meet(runtime, patient(), &[fault]);
    let answer = run.call(FINE);
    assert_answered_once(&run, &answer.request_id, 2);
    assert_goes_on(&run);
}

fn never_answered(runtime: &Runtime) {
    let run = polls_meet(runtime, patient(), &[Fault::Never]);
    until_struck(&run);
    assert_idles(&run.process);
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}

fn cut_after_a_silence(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    assert_idles(&run.process);
    for ending in [Ending::Reset, Ending::Close] {
        cut_parked(&run, ending);
        assert_goes_on(&run);
    }
    assert!(!run.process.output().contains("trying again"), "{}", run.process.output());
}

fn closed_behind_the_event(runtime: &Runtime) {
    let run = unruly(runtime, patient());
    run.aws.fault(Endpoint::Next, Fault::CloseKeepAlive);
    run.call("the poll before it");
    let held = hold(&run, "hold");
    // The connection of the extension is left.
    until_connected(&run, 1);
    held.let_go();
    let answer = held.answer();
    assert_eq!(answer.kind, Kind::Response, "{}", answer.text());
    assert_answered_once(&run, &answer.request_id, 1);
    assert_goes_on(&run);
}

fn closed_behind_a_quick_event(runtime: &Runtime) {
    let run = polls_meet(runtime, patient(), &[Fault::CloseKeepAlive]);
    let answer = run.call(FINE);
    let record = record(&run, &answer.request_id);
    assert_eq!((record.posts.len(), record.accepted()), (1, 1), "{record:?}");
    assert!(record.deliveries.len() <= 2, "{record:?}");
    assert_goes_on(&run);
}

fn delivered_twice(runtime: &Runtime) {
    let run = polls_meet(runtime, patient(), &[Fault::DuplicateDelivery]);
    let answer = run.call(FINE);
    assert_goes_on(&run);
    let record = record(&run, &answer.request_id);
    assert_eq!((record.deliveries.len(), record.posts.len(), record.accepted()), (2, 2, 2), "{record:?}");
}

fn without_an_id(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    let headers = vec![("Lambda-Runtime-Aws-Request-Id".to_owned(), String::new())];
    let pending = run.aws.submit(Event { headers, ..Event::from(FINE) });
    assert_leaves(&run, "without Lambda-Runtime-Aws-Request-Id; giving up after 8 tries");
    let answer = pending.wait();
    assert_eq!(answer.kind, Kind::Exited, "{}", answer.text());
    assert_eq!(record(&run, &answer.request_id).posts.len(), 0, "nobody knows what to call it");
}

fn without_a_deadline(runtime: &Runtime) {
    let run = faulty(runtime, due_in(limit()));
    for deadline in ["", "soon", "-1", "99999999999999999999999"] {
        let headers = vec![("Lambda-Runtime-Deadline-Ms".to_owned(), deadline.to_owned())];
        let answer = run.call(Event { headers, ..Event::from(FINE) });
        assert_answered_once(&run, &answer.request_id, 1);
    }
    assert_goes_on(&run);
}
