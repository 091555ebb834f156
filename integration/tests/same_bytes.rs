//! One file, two runtimes, two platforms: the same library, byte for byte, answers the same everywhere.

use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use platform_emulators::aws_lambda::Options;
use platform_emulators::process::Process;
use std::io::Write;
use std::path::Path;
use std::process::Command;

const EVENT: &[u8] = b"{\"same\":\"bytes\",\"text\":\"gr\xc3\xbc\xc3\x9f\"}";

fn hash(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("hexadecimal");
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Checks by the kernel that the process runs this file, and not a copy of it.
fn assert_mapped(process: &Process, file: &Path) {
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", process.pid())).expect("the process is there");
    let file = file.canonicalize().expect("the library is there").display().to_string();
    assert!(maps.lines().any(|line| line.ends_with(&file)), "{file} is not among:\n{maps}");
}

fn on_aws(runtime: &Runtime, name: &str, file: &Path) -> Vec<u8> {
    let run = OnAws::start(runtime, name, Options::default());
    assert_mapped(&run.process, file);
    let reply = run.call(EVENT.to_vec());
    run.assert_clean();
    reply.body.to_vec()
}

fn on_http(runtime: &Runtime, name: &str, file: &Path) -> Vec<u8> {
    let run = OnHttp::start(runtime, Deployment::of(name), name);
    assert_mapped(&run.process, file);
    run.call("POST", "/", "Content-Type: application/json\r\n", EVENT).body
}

fn everywhere(name: &str) {
    let file = artifacts::get().module(name);
    let before = hash(file);
    for runtime in artifacts::get().both() {
        for (platform, reply) in [("AWS Lambda", on_aws(runtime, name, file)), ("HTTP", on_http(runtime, name, file))] {
            assert_eq!(reply, EVENT, "{} on {platform}", runtime.name);
            // The line goes past the capture of the test harness, which hides the output of a passing test.
            let line = format!("sha256 {before} {name} answered under {} on {platform}\n", runtime.name);
            std::io::stdout().write_all(line.as_bytes()).expect("the output is open");
        }
    }
    assert_eq!(hash(file), before);
}

#[test]
fn one_echo_from_rust_serves_both_runtimes_and_both_platforms() {
    everywhere("echo");
}

#[test]
fn one_echo_from_c_serves_both_runtimes_and_both_platforms() {
    everywhere("echo-c");
}
