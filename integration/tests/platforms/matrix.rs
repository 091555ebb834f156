//! The matrix: the behaviours that every platform shows, written once. The `matrix.rs` of a platform lists with
//! `matrix!` those that it has as they are here, and those that it has in a way of its own.
//!
//! | behaviour | is shown by |
//! |---|---|
//! | `echo`, `large_body` | bytes come back as they were sent |
//! | `inspect_over_every_trigger` | a function's view of each trigger: always the platform's own |
//! | `error`, `panic`, `deadline` | a failure in the platform's words; others are served after it |
//! | `init_failure` | a process that cannot start ends, and says why |
//! | `sigterm_in_flight` | a call that has begun is answered before the process leaves |
//! | `concurrency`, `refusal` | as many calls as there are places run at once; one more is refused |
//! | `several_functions` | four functions in one process: [`crate::several`] |

use crate::rig::{Answer, Platform, Refuses, Rig, Run};
use crate::several::{self, Hung};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::{limit, until};
use platform_emulators::process::Process;
use std::path::PathBuf;

/// Makes the tests of a platform: `common` behaviours are those of this file over the rig, `own` ones functions beside
/// it.
macro_rules! matrix {
    ($rig:ty; common $($common:ident),* $(,)?; own $($own:ident),* $(,)?;) => {
        $(pub(crate) fn $common(runtime: &integration::artifacts::Runtime) {
            $crate::matrix::$common::<$rig>(runtime);
        })*
        integration::both![$($common,)* $($own,)*];
    };
}

pub(crate) use matrix;

pub(crate) fn echo<R: Rig>(runtime: &Runtime) {
    let mut run = R::start(runtime, Deployment::of("echo"), "echo");
    for body in R::BODIES {
        run.echoes(body);
    }
    run.assert_clean();
}

pub(crate) fn large_body<R: Rig>(runtime: &Runtime) {
    let mut run = R::start(runtime, Deployment::of("echo"), "echo");
    run.echoes(&vec![b'x'; R::LARGE]);
    run.assert_clean();
}

pub(crate) fn error<R: Rig>(runtime: &Runtime) {
    fails(R::start(runtime, Deployment::of("faulty"), "faulty"), faulty::ERROR, "Faulty.Error", "asked for an error");
}

pub(crate) fn panic<R: Rig>(runtime: &Runtime) {
    fails(R::start(runtime, Deployment::of("faulty"), "faulty"), faulty::PANIC, "Panic", R::PANIC);
}

/// Calls `faulty` with an event that fails, in every way there is, and sees that the process lives on.
pub(crate) fn fails<R: Run>(mut run: R, event: &str, kind: &str, words: &str) {
    let answer = run.send(event.as_bytes());
    assert!(answer.text().contains(words), "{answer:?} says nothing of {words:?}");
    judge_all(&mut run, answer, event, kind);
    others_are_served(&mut run);
    run.assert_clean();
}

/// Judges an answer, and those in every other way.
fn judge_all<R: Run>(run: &mut R, answer: Answer, event: &str, kind: &str) {
    let mut answers = vec![answer];
    answers.extend(run.other_ways(event.as_bytes()));
    for answer in answers {
        assert!(answer.is_failure(kind), "{answer:?} is no {kind}; {}", run.output());
        run.judge(&answer, kind);
    }
}

fn others_are_served<R: Run>(run: &mut R) {
    let answer = run.send(faulty::FINE.as_bytes());
    assert!(answer.is_reply(200, "fine"), "the process does not live on: {answer:?}; {}", run.output());
}

pub(crate) fn deadline<R: Rig>(runtime: &Runtime) {
    let mut run = R::limited(runtime, Deployment::of("faulty"), "faulty");
    let answer = run.send(faulty::HANG.as_bytes());
    if let Answer::Reply { status, .. } = answer {
        assert_eq!(status, 504, "{answer:?}");
    }
    assert!(answer.is_failure("TimedOut"), "{answer:?}; {}", run.output());
    run.judge(&answer, "TimedOut");
    match R::SEVERAL.hung {
        Hung::GoesOn => others_are_served(&mut run),
        Hung::Leaves => {
            assert_eq!(run.left(), Some(1), "a fresh process is to take its place: {}", run.output());
            run.assert_gone();
        }
        Hung::OneACall => {}
    }
    run.assert_clean();
}

pub(crate) fn init_failure<R: Rig>(runtime: &Runtime) {
    let run = R::launch(runtime, Deployment::empty(), "missing");
    assert_eq!(run.left(), Some(1), "{}", run.output());
    assert!(run.output().contains("no library for function \"missing\""), "{}", run.output());
    run.assert_gone();
}

pub(crate) fn sigterm_in_flight<R: Rig>(runtime: &Runtime) {
    let (deployment, handler) = R::holding();
    let mut run = R::patient(runtime, deployment, handler);
    let path = run.deployment().path("go");
    let answers = run.during(&[R::held_by(&path)], |run, processes| {
        until_held(processes, 1);
        for process in processes {
            run.terminate(process);
            let begun = process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit());
            begun.unwrap_or_else(|why| panic!("the stop does not begin: {why}"));
        }
        std::fs::write(&path, "").expect("the function is let go");
    });
    assert!(answers[0].is_these(R::LET_GO.as_bytes()), "what was accepted is answered: {answers:?}");
    if R::SEVERAL.hung != Hung::OneACall {
        assert_eq!(run.left(), Some(0), "{}", run.output());
        run.assert_gone();
    }
    run.assert_clean();
}

pub(crate) fn concurrency<R: Rig>(runtime: &Runtime) {
    let (deployment, handler) = R::holding();
    let mut run = R::at_once(runtime, deployment, handler);
    hold::<R>(&mut run, R::AT_ONCE, |_| ());
    run.assert_clean();
}

pub(crate) fn refusal<R: Rig<Run: Refuses>>(runtime: &Runtime) {
    let (deployment, handler) = R::holding();
    let mut run = R::two_at_once(runtime, deployment, handler);
    hold::<R>(&mut run, 2, |run| {
        let refused = run.one_more();
        assert!(R::Run::is_refusal(&refused), "{refused:?}");
    });
    run.assert_clean();
}

/// Holds that many calls at the same time, does `then`, and lets them go.
fn hold<R: Rig>(run: &mut R::Run, count: usize, then: impl FnOnce(&R::Run)) {
    let paths: Vec<PathBuf> = (0..count).map(|number| run.deployment().path(&format!("go-{number}"))).collect();
    let bodies: Vec<String> = paths.iter().map(|path| R::held_by(path)).collect();
    let answers = run.during(&bodies, |run, processes| {
        until_held(processes, count);
        then(run);
        for path in &paths {
            std::fs::write(path, "").expect("a function is let go");
        }
    });
    for answer in answers {
        assert!(answer.is_these(R::LET_GO.as_bytes()), "{answer:?}; {}", run.output());
    }
}

/// Waits until that many calls of the function that holds run.
fn until_held(processes: &[&Process], count: usize) {
    let holding = |process: &&Process| process.lines().iter().filter(|line| line.text == "holding").count();
    let held = || (processes.iter().map(holding).sum::<usize>() >= count).then_some(());
    until(&format!("{count} calls run at once"), processes[0], held).unwrap_or_else(|why| panic!("{why}"));
}

pub(crate) fn several_functions<R: Rig>(runtime: &Runtime) {
    several::behave(&R::SEVERAL, |deployment| R::start(runtime, deployment, ""));
}
