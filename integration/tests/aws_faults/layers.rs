//! Layers that fail, required and optional.

use crate::run::{assert_answered_once, assert_calm, assert_error, assert_leaves, due_in, patient, until_said};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::{limit, scale};
use platform_emulators::aws_lambda::{Kind, Options};
use std::time::Duration;

pub(crate) const GROUP: Group = Group {
    title: "A layer that fails",
    cases: &[
        Case {
            name: "layer_optional_fails",
            fault: "an optional layer fails, on the way in or on the way out",
            then: "skipped, and the log says so; the function's reply goes out",
            check: |runtime| ["error", "after"].iter().for_each(|how| optional(runtime, how)),
        },
        Case {
            name: "layer_optional_panics",
            fault: "an optional layer panics",
            then: "the same",
            check: |runtime| optional(runtime, "panic"),
        },
        Case {
            name: "layer_required_fails",
            fault: "a required layer fails, on the way in or on the way out",
            then: "its error is the invocation's; goes on",
            check: |runtime| ["error", "after"].iter().for_each(|how| required(runtime, how, "Shaky.Failed")),
        },
        Case {
            name: "layer_required_panics",
            fault: "a required layer panics",
            then: "an error; goes on",
            check: |runtime| required(runtime, "panic", "Panic"),
        },
        Case {
            name: "layer_optional_answers_garbage",
            fault: "an optional layer ends with a status or words that mean nothing",
            then: "skipped, and the log says so; the function's reply goes out",
            check: optional_garbage,
        },
        Case {
            name: "layer_required_answers_garbage",
            fault: "a required layer does",
            then: "an error in words; goes on",
            check: required_garbage,
        },
        Case {
            name: "layer_hangs",
            fault: "a layer, required or optional, never ends, asleep in the system, or says that it will and does not",
            then: "`Function.TimedOut` before the deadline; exit 1; a fresh process serves",
            check: hangs,
        },
        Case {
            name: "layer_optional_cannot_start",
            fault: "an optional layer is missing, or cannot be made",
            then: "skipped, and the log says so; starts without it",
            check: optional_cannot_start,
        },
        Case {
            name: "layer_required_cannot_start",
            fault: "a required layer is missing, cannot be made or fails at start",
            then: "`/init/error`, once; exit 1",
            check: required_cannot_start,
        },
    ],
};

fn shaky(layer: &str, how: &str) -> Deployment {
    Deployment::of("shaky").layers(&[layer]).env("SHAKY", how)
}

fn start(runtime: &Runtime, layer: &str, how: &str) -> OnAws {
    OnAws::launch(runtime, shaky(layer, how), "shaky", patient()).polling()
}

fn assert_no_violation(run: &OnAws, how: &str) {
    // The layer's own library writes the line of its panic.
    if how == "panic" { run.assert_clean() } else { assert_calm(run) }
}

fn optional(runtime: &Runtime, how: &str) {
    let run = start(runtime, "shaky?", how);
    for _ in 0..3 {
        let answer = run.call("1");
        assert_eq!(answer.text(), "\"waited\"", "{how}");
        assert_answered_once(&run, &answer.request_id, 1);
        let skipped = |line: &str| line.contains(&answer.request_id) && line.contains("and was skipped: asked to");
        run.process.wait_for_line(skipped, limit()).unwrap_or_else(|late| panic!("{how}: {late}"));
    }
    assert_no_violation(&run, how);
}

fn required(runtime: &Runtime, how: &str, kind: &str) {
    let run = start(runtime, "shaky", how);
    for _ in 0..3 {
        let answer = run.aws.invoke("1");
        let message = assert_error(&answer, kind);
        assert!(message.contains("asked to"), "{message}");
        assert_answered_once(&run, &answer.request_id, 1);
    }
    assert_eq!(run.process.status(), None);
    assert_no_violation(&run, how);
}

/// The ways to end that have no meaning.
const GARBAGE: [&str; 4] = ["status", "failure", "after", "bytes"];

fn errant(runtime: &Runtime, layer: &str, how: &str, options: Options) -> OnAws {
    let deployment = Deployment::of("errant").layers(&[layer]).env("ERRANT", how);
    OnAws::launch(runtime, deployment, "errant", options).polling()
}

fn optional_garbage(runtime: &Runtime) {
    for how in GARBAGE {
        let run = errant(runtime, "errant?", how, patient());
        assert_eq!(run.call("\"event\"").text(), "\"event\"", "{how}");
        until_said(&run, "layer errant failed in");
        assert_calm(&run);
    }
}

fn required_garbage(runtime: &Runtime) {
    for how in GARBAGE {
        let run = errant(runtime, "errant", how, patient());
        for _ in 0..3 {
            let answer = run.aws.invoke("\"event\"");
            assert_eq!(answer.kind, Kind::Error, "{how}: {}", answer.text());
            assert_answered_once(&run, &answer.request_id, 1);
        }
        assert_eq!(run.call("spared").text(), "spared", "{how}");
        assert_calm(&run);
    }
}

fn hangs(runtime: &Runtime) {
    for layer in ["errant", "errant?"] {
        for how in ["hang", "pending"] {
            let mut run = errant(runtime, layer, how, due_in(Duration::from_millis(2500) * scale()));
            let answer = run.aws.invoke("\"event\"");
            assert_error(&answer, "Function.TimedOut");
            assert_answered_once(&run, &answer.request_id, 1);
            assert_leaves(&run, "is still running: leaving");
            run.process = run.aws.spawn(run.deployment.command(runtime)).expect("a fresh environment starts");
            assert_eq!(run.call("spared").text(), "spared", "{layer} {how}");
        }
    }
}

fn optional_cannot_start(runtime: &Runtime) {
    for (layer, how) in [("shaky?", "create"), ("nowhere?", "")] {
        let run = start(runtime, layer, how);
        assert_eq!(run.call("1").text(), "\"waited\"");
        until_said(&run, "skipped: optional layer");
        assert_calm(&run);
    }
}

fn required_cannot_start(runtime: &Runtime) {
    for (layer, how) in [("shaky", "create"), ("shaky", "start"), ("nowhere", "")] {
        let run = OnAws::launch(runtime, shaky(layer, how), "shaky", Options::default());
        assert_eq!(run.aws.invoke("1").kind, Kind::InitError, "{layer} {how}: {}", run.process.output());
        assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{layer} {how}");
        let now = run.aws.snapshot();
        assert_eq!((now.init_errors, now.next_calls), (1, 0));
        assert_calm(&run);
    }
}
