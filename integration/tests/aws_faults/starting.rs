//! Faults of the calls before the first poll: init error, extension, restore.

use crate::run::{assert_calm, assert_leaves, launch_prepared, patient, until_said};
use crate::{Case, Group};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Endpoint, Fault, InitType, Options};

pub(crate) const GROUP: Group = Group {
    title: "Start: `POST /init/error`, `POST /extension/register`, `GET /restore/next`",
    cases: &[
        Case {
            name: "init_error_refused_or_lost",
            fault: "the report of a failed start is refused with 403 or 500, reset, closed without a reply or answered with garbage",
            then: "not sent again; exit 1; the log and standard error say why the start failed",
            check: init_error_lost,
        },
        Case {
            name: "init_error_never_replied_to",
            fault: "no reply to the report of a failed start",
            then: "waits a second; exit 1",
            check: |runtime| init_error(runtime, Fault::Never),
        },
        Case {
            name: "register_refused_or_lost",
            fault: "registering for the stop signal is refused with 500, reset or answered with garbage",
            then: "starts all the same; the log says that Close will not run",
            check: register_lost,
        },
        Case {
            name: "register_never_replied_to",
            fault: "no reply to it",
            then: "waits a second; the same",
            check: |runtime| register(runtime, Fault::Never),
        },
        Case {
            name: "restore_refused_or_lost",
            fault: "the wait for the restore is refused with 403 or 500, reset or answered with garbage",
            then: "exit 1, and the log says why",
            check: restore_lost,
        },
    ],
};

fn garbage() -> Fault {
    Fault::Garbage(b"no HTTP at all\r\n\r\n".to_vec())
}

fn init_error_lost(runtime: &Runtime) {
    for fault in [Fault::Status(403), Fault::Status(500), Fault::Reset, Fault::CloseAfterRequest, garbage()] {
        init_error(runtime, fault);
    }
}

fn init_error(runtime: &Runtime, fault: Fault) {
    let deployment = Deployment::of("probe");
    let run = launch_prepared(runtime, deployment, "probe.failing_start", patient(), |aws| {
        aws.fault(Endpoint::InitError, fault.clone());
    });
    assert_leaves(&run, "the database is not there");
    let said = run.process.lines();
    let lines = said.iter().filter(|line| line.text.contains("the database is not there"));
    assert_eq!(lines.filter(|line| line.text.contains("ERROR")).count(), 1, "{said:?}");
    let now = run.aws.snapshot();
    // The count is of the reports whose body was read, whatever they were answered.
    assert!(run.aws.init_errors().len() <= 1, "{fault:?}: {:?}", run.aws.init_errors());
    assert_eq!((now.faults, now.next_calls), (0, 0), "{fault:?}");
}

fn register_lost(runtime: &Runtime) {
    for fault in [Fault::Status(500), Fault::Reset, garbage()] {
        register(runtime, fault);
    }
}

fn register(runtime: &Runtime, fault: Fault) {
    let run = launch_prepared(runtime, Deployment::of("probe"), "probe.ending", patient(), |aws| {
        aws.fault(Endpoint::Register, fault.clone());
    });
    until_said(&run, "Close will not run");
    let run = run.polling();
    assert_eq!(run.call("all the same").text(), "all the same", "{fault:?}");
    assert_eq!(run.aws.extensions().len(), 0, "{fault:?}: asked once");
    assert_calm(&run);
}

fn restore_lost(runtime: &Runtime) {
    for (fault, words) in [
        (Fault::Status(403), "403"),
        (Fault::Status(500), "500"),
        (Fault::Reset, "the connection"),
        (garbage(), "no HTTP"),
    ] {
        let options = Options { init_type: InitType::SnapStart, ..patient() };
        let run: OnAws = launch_prepared(runtime, Deployment::of("echo"), "echo", options, |aws| {
            aws.fault(Endpoint::RestoreNext, fault);
        });
        run.process.wait(limit()).expect("it leaves");
        assert_leaves(&run, "waiting for the restore failed");
        assert_leaves(&run, words);
        assert_eq!(run.aws.next_calls(), 0);
    }
}
