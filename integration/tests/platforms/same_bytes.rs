//! The same files, byte for byte, on every platform: two programs, two modules.

use crate::PLATFORMS;
use integration::artifacts;
use std::io::Write;
use std::path::Path;
use std::process::Command;

/// Returns the SHA-256 of a file, by a program of its own.
pub(crate) fn hash(file: &Path) -> String {
    let output = Command::new("sha256sum").arg(file).output().expect("sha256sum starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("hexadecimal");
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Deployments hold links to these very files.
#[test]
fn the_same_files_serve_every_platform() {
    let all = artifacts::get();
    let (echo, inspect) = (all.module("echo"), all.module("inspect"));
    for runtime in all.both() {
        let before = [&*runtime.path, echo, inspect].map(hash);
        for platform in PLATFORMS {
            (platform.echo)(runtime);
            (platform.inspect)(runtime);
            // Past the capture of the test harness, which hides what a passing test prints.
            let [own, echo, inspect] = &before;
            let line = format!("{} {own}, echo {echo}, inspect {inspect} on {}\n", runtime.name, platform.word);
            std::io::stdout().write_all(line.as_bytes()).expect("the output is open");
        }
        assert_eq!([&*runtime.path, echo, inspect].map(hash), before);
    }
}
