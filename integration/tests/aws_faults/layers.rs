//! Layers that fail, required and optional.

use crate::run::{assert_answered_once, assert_calm, assert_error, patient, until_said};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws::{Kind, Options};

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
    // A panic in a layer is written by the layer's own library.
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
