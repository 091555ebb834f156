//! Faults of an answer: POST `/invocation/{id}/response` and `/invocation/{id}/error`. Every case goes through both.

use crate::run::{
    ENDS, End, assert_answered_once, assert_calm, assert_error, assert_goes_on, assert_idles, assert_leaves,
    assert_next_one_serves, cut, faulty, go_down, hold, patient, record, unruly, until_said,
};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::faulty::{FIVE_MB, SEVEN_MB};
use integration::on_aws::OnAws;
use integration::wait::{limit, scale};
use platform_emulators::aws_lambda::{Answer, Ending, Endpoint, Fault, Kind, Options};
use std::time::Duration;

pub(crate) const GROUP: Group = Group {
    title: "The answer: `POST /invocation/{id}/response` and `…/error`",
    cases: &[
        Case {
            name: "answer_reset_before_it_is_read",
            fault: "the connection is reset before the answer is read",
            then: "nobody can know whether it arrived: not sent again, said in the log, polls on. The platform hands the \
                   event out once more, and one answer arrives",
            check: |runtime| for_both(runtime, |run, end| not_taken(run, end, Fault::Reset)),
        },
        Case {
            name: "answer_of_five_megabytes_reset_while_it_is_sent",
            fault: "the same, while a large answer is still being sent",
            then: "the same",
            check: large_and_reset,
        },
        Case {
            name: "answer_reset_after_it_is_read",
            fault: "the connection is reset after the answer is read, without a word",
            then: "not sent again; goes on",
            check: |runtime| for_both(runtime, |run, end| taken_and_cut(run, end, Ending::Reset)),
        },
        Case {
            name: "answer_closed_after_it_is_read",
            fault: "the connection is closed after the answer is read, without a word",
            then: "not sent again; goes on",
            check: |runtime| for_both(runtime, |run, end| taken_without_a_word(run, end, Fault::CloseAfterRequest)),
        },
        Case {
            name: "answer_replied_to_with_half_a_head",
            fault: "the platform's reply ends in the middle of its head",
            then: "not sent again; goes on",
            check: |runtime| for_both(runtime, |run, end| taken_without_a_word(run, end, Fault::HalfHead)),
        },
        Case {
            name: "answer_replied_to_with_half_a_body",
            fault: "the platform's reply ends in the middle of its body",
            then: "not sent again; goes on",
            check: |runtime| for_both(runtime, |run, end| taken_without_a_word(run, end, Fault::HalfBody)),
        },
        Case {
            name: "answer_replied_to_with_garbage",
            fault: "what comes back is no HTTP",
            then: "not sent again; polls on. The platform hands the event out once more, and one answer arrives",
            check: |runtime| {
                for_both(runtime, |run, end| not_taken(run, end, Fault::Garbage(b"\0\x01what?\r\n\r\n".to_vec())))
            },
        },
        Case {
            name: "answer_refused_400_403_410_413",
            fault: "400, 403, 410 or 413",
            then: "the answer is dropped and the log says so; goes on",
            check: refused,
        },
        Case {
            name: "answer_refused_500_503",
            fault: "500 or 503",
            then: "exit 1, with no further poll",
            check: fatal,
        },
        Case {
            name: "answer_never_replied_to_then_cut",
            fault: "no reply, and the connection ends after a long silence",
            then: "waits without using the processor; not sent again; goes on",
            check: |runtime| for_both(runtime, silent_then_cut),
        },
        Case {
            name: "answer_never_replied_to",
            fault: "no reply at all",
            then: "the platform ends the process at the deadline; a fresh one serves",
            check: silent,
        },
        Case {
            name: "answer_connection_closed_behind_the_reply",
            fault: "the connection ends right behind the platform's reply, unannounced",
            then: "polls on a new connection at once; goes on",
            check: |runtime| for_both(runtime, closed_behind_the_reply),
        },
        Case {
            name: "answer_connection_closed_while_the_function_runs",
            fault: "the idle connection is closed, or reset, while the function runs",
            then: "noticed before the answer is sent: it goes out on a new connection, once",
            check: closed_meanwhile,
        },
        Case {
            name: "answer_refused_a_connection_for_a_while",
            fault: "the control plane goes down while the function runs, and comes back",
            then: "nothing has been sent yet, so connecting is tried again with pauses; the answer arrives, once",
            check: down_meanwhile,
        },
        Case {
            name: "answer_refused_a_connection_for_good",
            fault: "the control plane goes down while the function runs, for good",
            then: "eight tries, then the answer is lost, which the log says; exit 1",
            check: gone_meanwhile,
        },
        Case {
            name: "answer_larger_than_the_platform_takes",
            fault: "a reply of seven megabytes",
            then: "`Function.ResponseSizeTooLarge` is posted in its place; goes on",
            check: too_large,
        },
        Case {
            name: "answer_streamed_and_reset_before_it_is_read",
            fault: "the connection is reset under a streamed answer",
            then: "not sent again; polls on. The platform hands the event out once more, and one stream arrives",
            check: stream_reset,
        },
    ],
};

const UNKNOWN: &str = "whether the answer arrived is unknown";

/// Checks a fresh run for a response and one for an error.
fn for_both(runtime: &Runtime, check: impl Fn(&OnAws, &End)) {
    for end in ENDS {
        let run = faulty(runtime, patient());
        check(&run, &end);
        assert_goes_on(&run);
    }
}

fn invoke(run: &OnAws, end: &End, fault: Fault) -> Answer {
    run.aws.fault(end.endpoint, fault);
    let answer = run.aws.invoke(end.event);
    assert_eq!(answer.kind, end.kind, "{}; output:\n{}", answer.text(), run.process.output());
    answer
}

fn not_taken(run: &OnAws, end: &End, fault: Fault) {
    let answer = invoke(run, end, fault);
    assert_answered_once(run, &answer.request_id, 2);
    until_said(run, UNKNOWN);
}

fn large_and_reset(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    run.aws.fault(Endpoint::Response, Fault::Reset);
    let answer = run.call(FIVE_MB);
    assert_eq!(answer.body.len(), 5_000_000);
    assert_answered_once(&run, &answer.request_id, 2);
    assert_goes_on(&run);
}

fn taken_without_a_word(run: &OnAws, end: &End, fault: Fault) {
    let answer = invoke(run, end, fault);
    until_said(run, UNKNOWN);
    assert_goes_on(run);
    assert_answered_once(run, &answer.request_id, 1);
}

fn taken_and_cut(run: &OnAws, end: &End, ending: Ending) {
    let answer = invoke(run, end, Fault::Delay(limit() * 10));
    run.aws.cut(ending);
    until_said(run, UNKNOWN);
    assert_goes_on(run);
    assert_answered_once(run, &answer.request_id, 1);
}

fn silent_then_cut(run: &OnAws, end: &End) {
    let answer = invoke(run, end, Fault::Delay(limit() * 10));
    assert_idles(&run.process);
    assert_eq!(run.aws.next_calls(), 1, "no poll before the reply");
    run.aws.cut(Ending::Close);
    until_said(run, UNKNOWN);
    assert_goes_on(run);
    assert_answered_once(run, &answer.request_id, 1);
}

fn refused(runtime: &Runtime) {
    for_both(runtime, |run, end| {
        for status in [400, 403, 410, 413] {
            run.aws.fault(end.endpoint, Fault::Status(status));
            let lost = run.aws.invoke(end.event);
            assert_eq!((lost.kind, lost.status), (Kind::Faulted, Some(status)), "{}", lost.text());
            until_said(run, &format!("the platform refused the answer with {status}"));
            assert_goes_on(run);
            let record = record(run, &lost.request_id);
            assert_eq!((record.deliveries.len(), record.posts.len()), (1, 1), "{record:?}");
        }
    });
}

fn fatal(runtime: &Runtime) {
    for (end, status) in ENDS.iter().zip([500, 503]) {
        let run = faulty(runtime, patient());
        run.aws.fault(end.endpoint, Fault::Status(status));
        let lost = run.aws.invoke(end.event);
        assert_leaves(&run, &format!("the platform answered {status}: leaving"));
        assert_eq!((record(&run, &lost.request_id).posts.len(), run.aws.next_calls()), (1, 1));
    }
}

fn silent(runtime: &Runtime) {
    for end in ENDS {
        let options = Options { timeout: Duration::from_secs(1) * scale(), ..Options::default() };
        let mut run = faulty(runtime, options);
        run.aws.fault(end.endpoint, Fault::Never);
        assert_eq!(run.aws.invoke(end.event).kind, Kind::Timeout);
        run.process.wait(limit()).expect("the platform ends it");
        assert_calm(&run);
        assert_next_one_serves(&mut run, runtime);
    }
}

fn closed_behind_the_reply(run: &OnAws, end: &End) {
    let answer = invoke(run, end, Fault::CloseKeepAlive);
    assert_goes_on(run);
    assert_answered_once(run, &answer.request_id, 1);
    let said = run.process.output();
    assert!(!said.contains(UNKNOWN) && !said.contains("trying again"), "{said}");
}

fn closed_meanwhile(runtime: &Runtime) {
    for end in ENDS {
        for ending in [Ending::Close, Ending::Reset] {
            let run = unruly(runtime, patient());
            let held = hold(&run, end.command);
            cut(&run, ending);
            held.let_go();
            let answer = held.answer();
            assert_eq!(answer.kind, end.kind, "{ending:?}: {}; {}", answer.text(), run.process.output());
            assert_answered_once(&run, &answer.request_id, 1);
            assert_goes_on(&run);
        }
    }
}

fn down_meanwhile(runtime: &Runtime) {
    for end in ENDS {
        let run = unruly(runtime, patient());
        let held = hold(&run, end.command);
        go_down(&run);
        held.let_go();
        until_said(&run, "trying again in 400 ms");
        run.aws.listen().expect("the port is still free");
        let answer = held.answer();
        assert_eq!(answer.kind, end.kind, "{}; {}", answer.text(), run.process.output());
        assert_answered_once(&run, &answer.request_id, 1);
        assert_goes_on(&run);
    }
}

fn gone_meanwhile(runtime: &Runtime) {
    let run = unruly(runtime, patient());
    let held = hold(&run, "hold");
    go_down(&run);
    held.let_go();
    assert_leaves(&run, "giving up after 8 tries");
    until_said(&run, "the answer is lost");
    let answer = held.answer();
    assert_eq!((answer.kind, record(&run, &answer.request_id).posts.len()), (Kind::Exited, 0));
}

fn too_large(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    let answer = run.aws.invoke(SEVEN_MB);
    let message = assert_error(&answer, "Function.ResponseSizeTooLarge");
    assert!(message.contains("7000000"), "{message}");
    assert_answered_once(&run, &answer.request_id, 1);
    assert_goes_on(&run);
}

fn stream_reset(runtime: &Runtime) {
    let run = unruly(runtime, patient());
    run.aws.fault(Endpoint::Response, Fault::Reset);
    let held = hold(&run, "torn");
    held.let_go();
    let answer = held.answer();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Stream, "firstsecond"), "{}", run.process.output());
    assert_answered_once(&run, &answer.request_id, 2);
    assert_goes_on(&run);
}
