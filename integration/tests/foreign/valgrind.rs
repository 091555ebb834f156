//! Both runtimes under a checker of every memory access: the promises of Rust, with C modules and borrowed memory in
//! between.

use crate::needs::{over_both, program};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::aws_lambda::{Aws, Kind, Options};
use platform_emulators::process::Signal;
use std::path::Path;
use std::process::Command;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    over_both(&mut trials, &program("valgrind"), "valgrind_finds_no_error_from_start_to_close", whole_life);
    trials
}

fn whole_life(valgrind: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("probe").layers(&["probe.outer", "probe.inner"]);
    let options = Options {
        handler: Some("probe.phases".to_owned()),
        task_root: Some(deployment.root().to_owned()),
        timeout: limit(),
        patience: limit(),
        ..Options::default()
    };
    let aws = Aws::start(options).map_err(|error| error.to_string())?;
    let mut command = Command::new(valgrind);
    command.args(["--quiet", "--error-exitcode=99", "--exit-on-first-error=no"]).arg(&runtime.path);
    command.envs(deployment.variables());
    let process = aws.spawn(command).map_err(|error| error.to_string())?;
    for round in 0..20 {
        let event = if round % 5 == 4 { "fail".to_owned() } else { "x".repeat(round * 1000) };
        let answer = aws.invoke(event.as_str());
        if !matches!(answer.kind, Kind::Response | Kind::Error) {
            return Err(format!("round {round}: {:?} {}\n{}", answer.kind, answer.text(), process.output()));
        }
    }
    process.signal(Signal::Term).map_err(|error| error.to_string())?;
    let status = process.wait(limit()).map_err(|late| late.to_string())?;
    let output = process.output();
    let clean = status.code() == Some(0) && !output.contains("== ") && output.contains("outer after Close");
    if clean { Ok(()) } else { Err(format!("{status}:\n{output}")) }
}
