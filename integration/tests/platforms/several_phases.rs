//! The phases of several functions in one process: each has its own, marked with its own name, and Close runs in
//! reverse.

use crate::aliyun_fc::run::OnFc;
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aliyun_fc::{self, Dialect};
use platform_emulators::aws_lambda::{InitType, Options};
use platform_emulators::process::{Process, Signal};

integration::both![
    on_http_each_starts_and_closes_with_its_own_layers_inside_those_of_the_process,
    on_aws_each_is_suspended_and_resumed_around_a_snapshot,
    on_aws_each_is_closed_at_the_end,
    on_function_compute_each_is_suspended_resumed_and_closed,
];

/// `late` starts with its first invocation.
const MANIFEST: &str = r#"{"version": 1, "layers": ["probe.outer"], "default": "first", "functions": [
    {"name": "first", "handler": "probe.phases", "config": true},
    {"name": "second", "handler": "probe.phases", "config": true, "layers": ["probe.inner"],
     "events": [{"http": {"path": "/second"}}]},
    {"name": "late", "handler": "probe.phases", "config": true, "start": "lazy", "events": [{"http": {"path": "/late"}}]}]}"#;

fn deployment() -> Deployment {
    let deployment = Deployment::of("probe");
    std::fs::write(deployment.path("faas.json"), MANIFEST).expect("a file can be made");
    deployment
}

/// Returns the lines of the functions and layers, in order.
fn told(process: &Process) -> Vec<String> {
    let own =
        |line: &str| ["outer", "inner", "first", "second", "late"].contains(&line.split(' ').next().unwrap_or(""));
    process.lines().into_iter().map(|line| line.text).filter(|line| own(line)).collect()
}

/// Returns the lines of these phases alone.
fn of_phases(process: &Process, phases: &[&str]) -> Vec<String> {
    let is_of = |line: &String| phases.iter().any(|phase| line.ends_with(phase));
    told(process).into_iter().filter(is_of).collect()
}

fn on_http_each_starts_and_closes_with_its_own_layers_inside_those_of_the_process(runtime: &Runtime) {
    let run = OnHttp::start(runtime, deployment(), "");
    for path in ["/late", "/second", "/any"] {
        assert_eq!(run.call("POST", path, "", b"1").text(), "done");
    }
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    let expected = [
        "outer before RuntimeStart",
        "outer after RuntimeStart",
        "outer before FunctionStart",
        "first in FunctionStart",
        "outer after FunctionStart",
        "inner before RuntimeStart",
        "inner after RuntimeStart",
        "outer before FunctionStart",
        "inner before FunctionStart",
        "second in FunctionStart",
        "inner after FunctionStart",
        "outer after FunctionStart",
        "outer before FunctionStart",
        "late in FunctionStart",
        "outer after FunctionStart",
        "outer before Invoke",
        "late in Invoke",
        "outer after Invoke",
        "outer before Invoke",
        "inner before Invoke",
        "second in Invoke",
        "inner after Invoke",
        "outer after Invoke",
        "outer before Invoke",
        "first in Invoke",
        "outer after Invoke",
        "outer before Close",
        "late in Close",
        "inner before Close",
        "second in Close",
        "inner after Close",
        "first in Close",
        "outer after Close",
    ];
    assert_eq!(told(&run.process), expected);
}

fn on_aws_each_is_suspended_and_resumed_around_a_snapshot(runtime: &Runtime) {
    let options = Options { init_type: InitType::SnapStart, ..Options::default() };
    let run = OnAws::launch(runtime, deployment(), "", options);
    let parked = run.aws.wait_for(|now| now.restore_parked || now.ended, limit()).expect("it waits to be restored");
    assert!(parked.restore_parked, "{}", run.process.output());
    assert!(run.aws.restore());
    assert_eq!(run.call("1").text(), "done");
    run.process.wait_for_line(|line| line == "outer after Invoke", limit()).expect("it is invoked");
    let expected = ["first in Suspend", "second in Suspend", "first in Resume", "second in Resume"];
    assert_eq!(of_phases(&run.process, &["Suspend", "Resume"]), expected);
    run.assert_clean();
}

fn on_aws_each_is_closed_at_the_end(runtime: &Runtime) {
    let run = OnAws::launch(runtime, deployment(), "", Options::default()).polling();
    assert_eq!(run.call("1").text(), "done");
    run.aws.wait_for(|now| now.extensions_parked == 1, limit()).expect("there is work at close");
    assert_eq!(run.aws.shutdown(&run.process).signals, [Signal::Term]);
    run.process.wait(limit()).expect("it has ended");
    assert_eq!(of_phases(&run.process, &["Close"]), closed());
    run.assert_clean();
}

/// Returns the lines of Close where `late` has not started.
fn closed() -> Vec<&'static str> {
    vec![
        "outer before Close",
        "inner before Close",
        "second in Close",
        "inner after Close",
        "first in Close",
        "outer after Close",
    ]
}

fn on_function_compute_each_is_suspended_resumed_and_closed(runtime: &Runtime) {
    let options =
        aliyun_fc::Options { dialect: Dialect::Fc2, pre_freeze: true, pre_stop: true, ..aliyun_fc::Options::default() };
    let run = OnFc::named(runtime, deployment(), "", options);
    assert_eq!(run.call("1").text(), "done");
    assert_eq!(run.fc.freeze().expect("an answer"), Some(200), "{}", run.output());
    assert_eq!(run.call("2").text(), "done");
    let stopped = run.fc.stop();
    assert!(matches!(stopped.pre_stop, Some(Ok(200))), "{stopped:?}");
    let process = run.fc.process();
    let expected = ["first in Suspend", "second in Suspend", "first in Resume", "second in Resume"];
    assert_eq!(of_phases(process, &["Suspend", "Resume"]), expected);
    assert_eq!(of_phases(process, &["Close"]), closed());
    run.assert_clean();
}
