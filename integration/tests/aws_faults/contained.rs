//! Functions that do not end, or end their process, or worse; one invocation at a time.

use crate::run::{
    assert_answered_once, assert_calm, assert_error, assert_goes_on, assert_leaves, assert_next_one_serves, cut_parked,
    due_in, faulty, go_down, hold, one_of_five_tries, patient, unruly, until_holding, until_said,
};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::faulty::{ABORT, FIVE_MB, PANIC, SLEEP};
use integration::on_aws::OnAws;
use integration::wait::{self, limit, scale};
use platform_emulators::aws_lambda::{Answer, Ending, Endpoint, Fault, Kind};
use platform_emulators::process::Signal;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::time::Duration;

pub(crate) const GROUP: Group = Group {
    title: "A function out of hand",
    cases: &[
        Case {
            name: "function_that_spins",
            fault: "it never ends and uses the processor",
            then: "`Function.TimedOut` before the deadline; the log says so; exit 1; a fresh process serves",
            check: |runtime| never_ends(runtime, |runtime, due| unruly(runtime, due_in(due)), "spin"),
        },
        Case {
            name: "function_that_blocks",
            fault: "it never ends, asleep in the system, deaf to cancel",
            then: "the same",
            check: |runtime| never_ends(runtime, |runtime, due| unruly(runtime, due_in(due)), "deaf"),
        },
        Case {
            name: "function_that_sleeps_past_its_deadline",
            fault: "a synchronous function sleeps a second too long",
            then: "the same",
            check: |runtime| never_ends(runtime, |runtime, due| faulty(runtime, due_in(due)), SLEEP),
        },
        Case {
            name: "function_that_heeds_cancel",
            fault: "it would not end in time, but asks whether it is cancelled",
            then: "`Function.TimedOut` before the deadline; goes on",
            check: heeds_cancel,
        },
        Case {
            name: "async_function_past_its_deadline",
            fault: "an `async fn` waits too long",
            then: "its future is dropped; `Function.TimedOut` before the deadline; goes on",
            check: async_past_deadline,
        },
        Case {
            name: "stream_that_never_ends",
            fault: "it never ends after the first piece of a stream",
            then: "the stream ends with `Function.TimedOut` in its trailers; exit 1; a fresh process serves",
            check: endless_stream,
        },
        Case {
            name: "function_that_blocks_and_its_report_is_lost",
            fault: "it never ends, and the report of that is reset, refused with 500, not replied to, or finds nobody there",
            then: "the report is not sent again; exit 1; a fresh process serves",
            check: report_lost,
        },
        Case { name: "function_that_panics", fault: "it panics", then: "an error; goes on", check: panics },
        Case {
            name: "function_whose_own_thread_panics",
            fault: "a thread that it started panics",
            then: "its reply, if it makes one; goes on",
            check: own_thread_panics,
        },
        Case {
            name: "function_that_exits",
            fault: "it calls `exit`, with 0 or another code",
            then: "the platform answers `Runtime.ExitError`; a fresh process serves",
            check: exits,
        },
        Case {
            name: "function_that_aborts_or_crashes",
            fault: "it aborts, or accesses memory that is not there",
            then: "the same",
            check: crashes,
        },
        Case {
            name: "function_that_hoards_memory",
            fault: "it asks for more memory than there is",
            then: "Rust aborts: the same",
            check: hoards,
        },
        Case {
            name: "function_that_forks",
            fault: "it leaves a child process behind, with copies of every descriptor",
            then: "goes on; a signal to the child is no signal to the runtime; SIGTERM still ends the runtime with 0",
            check: forks,
        },
        Case {
            name: "function_that_closes_stdout",
            fault: "it closes standard output, and prints later on",
            then: "goes on; what it prints never reaches a connection that was opened since; the runtime's own log goes on",
            check: closes_stdout,
        },
        Case {
            name: "function_that_replies_five_megabytes",
            fault: "a reply just below the platform's limit, over and over",
            then: "goes on",
            check: large_replies,
        },
    ],
};

/// Checks a function that never ends, whose deadline only the runtime keeps.
fn never_ends(runtime: &Runtime, start: impl Fn(&Runtime, Duration) -> OnAws, event: &str) {
    // It is more than a second: the longer a sleep, the less exact its end may be.
    let due = Duration::from_millis(2500) * scale();
    let mut took = Vec::new();
    let in_time = one_of_five_tries(|| {
        let mut run = start(runtime, due);
        let answer = run.aws.invoke(event);
        assert_timed_out(&run, &answer);
        assert_leaves(&run, "the function did not answer within its time limit and is still running: leaving");
        assert_next_one_serves(&mut run, runtime);
        took.extend(answer.round_trip());
        took.last().is_some_and(|took| *took < due)
    });
    assert!(in_time, "none of the answers came within {due:?}: {took:?}");
}

fn due() -> Duration {
    Duration::from_millis(700) * scale()
}

fn assert_timed_out(run: &OnAws, answer: &Answer) {
    let message = assert_error(answer, "Function.TimedOut");
    assert!(message.contains("time limit"), "{message}");
    assert_answered_once(run, &answer.request_id, 1);
}

fn heeds_cancel(runtime: &Runtime) {
    let goes_on = one_of_five_tries(|| {
        let run = unruly(runtime, due_in(due()));
        let answer = hold(&run, "hold").answer();
        assert_timed_out(&run, &answer);
        let goes_on = is_polling_again(&run);
        if goes_on {
            assert_goes_on(&run);
        }
        goes_on
    });
    assert!(goes_on, "between cancel and report there is time to heed it");
}

/// Waits until the runtime polls or has left. Returns `true` if it polls.
fn is_polling_again(run: &OnAws) -> bool {
    let now = run.aws.wait_for(|now| now.parked == 1 || now.ended, limit());
    !now.unwrap_or_else(|late| panic!("{late}; output:\n{}", run.process.output())).ended
}

fn async_past_deadline(runtime: &Runtime) {
    let goes_on = one_of_five_tries(|| {
        let run = OnAws::start(runtime, "shaky", due_in(due()));
        let answer = run.aws.invoke((limit().as_millis() * 10).to_string().as_str());
        assert_timed_out(&run, &answer);
        if !is_polling_again(&run) {
            return false;
        }
        until_said(&run, "patience is at an end");
        let answer = run.call("1");
        assert_eq!(answer.text(), "\"waited\"");
        assert_answered_once(&run, &answer.request_id, 1);
        assert_eq!(run.process.status(), None);
        assert_calm(&run);
        true
    });
    assert!(goes_on, "between cancel and report there is time to drop a future");
}

fn endless_stream(runtime: &Runtime) {
    let mut run = unruly(runtime, due_in(due()));
    let held = hold(&run, "torn");
    let answer = held.answer();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Stream, "first"), "{}", run.process.output());
    let error = String::from_utf8_lossy(answer.stream_error.as_deref().unwrap_or_default()).into_owned();
    assert!(error.contains("Function.TimedOut"), "{error:?} in {answer:?}");
    assert_answered_once(&run, &answer.request_id, 1);
    assert_leaves(&run, "and is still running: leaving");
    assert_next_one_serves(&mut run, runtime);
}

fn report_lost(runtime: &Runtime) {
    for fault in [Fault::Reset, Fault::Status(500), Fault::Never, Fault::CloseAfterRequest] {
        let mut run = unruly(runtime, due_in(due()));
        let taken = fault == Fault::CloseAfterRequest;
        run.aws.fault(Endpoint::Error, fault);
        let answer = run.aws.invoke("deaf");
        assert_leaves(&run, "and is still running: leaving");
        assert_eq!(answer.kind == Kind::Error, taken, "{}", answer.text());
        let posts = run.aws.record(&answer.request_id).expect("it was submitted").posts;
        assert!(posts.len() <= 1, "{posts:?}");
        assert_eq!(run.aws.snapshot().faults, 0, "one report");
        assert_next_one_serves(&mut run, runtime);
    }
    let run = unruly(runtime, due_in(due() * 4));
    let pending = run.aws.submit("deaf");
    until_holding(&run, 1);
    go_down(&run);
    assert_leaves(&run, "and is still running: leaving");
    assert_eq!(pending.wait().kind, Kind::Exited);
}

fn panics(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    for _ in 0..3 {
        let answer = run.aws.invoke(PANIC);
        let message = assert_error(&answer, "Panic");
        assert!(message.contains("asked for a panic"), "{message}");
        assert_answered_once(&run, &answer.request_id, 1);
        assert_eq!(run.call(integration::faulty::FINE).text(), "\"fine\"");
    }
    run.assert_clean();
}

fn own_thread_panics(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    for _ in 0..3 {
        let answer = run.call(integration::faulty::THREAD);
        assert_answered_once(&run, &answer.request_id, 1);
    }
    until_said(&run, "asked for a panic elsewhere");
    assert_eq!(run.call(integration::faulty::FINE).text(), "\"fine\"");
    run.assert_clean();
}

/// Checks that the platform answers for a process that has ended, and that a fresh one serves.
fn assert_ended(mut run: OnAws, runtime: &Runtime, event: &str, code: Option<i32>, signal: Option<i32>) {
    let answer = run.aws.invoke(event);
    assert_eq!((answer.kind, answer.error_type.as_deref()), (Kind::Exited, Some("Runtime.ExitError")), "{event}");
    let status = run.process.wait(limit()).expect("it has ended");
    assert_eq!((status.code(), status.signal()), (code, signal), "{event}: {}", run.process.output());
    assert_calm(&run);
    assert_next_one_serves(&mut run, runtime);
}

fn exits(runtime: &Runtime) {
    assert_ended(unruly(runtime, patient()), runtime, "exit 0", Some(0), None);
    assert_ended(unruly(runtime, patient()), runtime, "exit 3", Some(3), None);
    assert_ended(faulty(runtime, patient()), runtime, "{\"do\":\"exit\",\"code\":4}", Some(4), None);
}

fn crashes(runtime: &Runtime) {
    assert_ended(unruly(runtime, patient()), runtime, "abort", None, Some(6));
    assert_ended(unruly(runtime, patient()), runtime, "segv", None, Some(11));
    assert_ended(faulty(runtime, patient()), runtime, ABORT, None, Some(6));
}

fn hoards(runtime: &Runtime) {
    assert_ended(faulty(runtime, patient()), runtime, "{\"do\":\"hoard\"}", None, Some(6));
}

/// Returns `true` if a process lives; one that nobody has collected yet does not.
fn lives(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn forks(runtime: &Runtime) {
    let mut run = unruly(runtime, patient());
    let child = |run: &OnAws| run.call("fork").text().parse::<u32>().expect("the number of a process");
    let ended = child(&run);
    let stays = child(&run);
    let sent = Command::new("/bin/sh").args(["-c", "kill -s TERM \"$0\"", &ended.to_string()]).status();
    assert!(sent.expect("there is a shell").success());
    let gone = wait::until("the child ends by the signal", &run.process, || (!lives(ended)).then_some(()));
    gone.unwrap_or_else(|why| panic!("{why}"));
    assert_goes_on(&run);
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    until_said(&run, "closed");
    assert!(lives(stays), "the other child lives on");
    assert_next_one_serves(&mut run, runtime);
    let sent = Command::new("/bin/sh").args(["-c", "kill -s KILL \"$0\"", &stays.to_string()]).status();
    assert!(sent.expect("there is a shell").success());
}

fn closes_stdout(runtime: &Runtime) {
    let run = unruly(runtime, patient());
    assert_eq!(run.call("mute").text(), "mute");
    cut_parked(&run, Ending::Close);
    assert_goes_on(&run);
    for _ in 0..3 {
        assert_eq!(run.call("print").text(), "closed", "the number belongs to nobody");
        assert_goes_on(&run);
    }
    let held = hold(&run, "hold");
    until_holding(&run, 1);
    held.let_go();
    assert_eq!(held.answer().kind, Kind::Response);
    assert_calm(&run);
}

fn large_replies(runtime: &Runtime) {
    let run = faulty(runtime, patient());
    for _ in 0..5 {
        assert_eq!(run.call(FIVE_MB).body.len(), 5_000_000);
    }
    assert_goes_on(&run);
}
