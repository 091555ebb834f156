//! What a module's library shows to the linker: the contract's one symbol, and nothing else.

use integration::artifacts;
use std::path::Path;
use std::process::Command;

/// The symbols a library defines for others, sorted.
fn exported(library: &Path) -> Vec<String> {
    let output = Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library).output();
    let output = output.expect("nm starts: it comes with every C compiler");
    assert!(output.status.success(), "{output:?}");
    let mut names: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(|name| name.split('@').next().unwrap_or(name).to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_module_exports_the_entry_symbol_and_nothing_else() {
    for name in ["echo", "echo-c", "inspect", "hello", "faulty", "stream", "layer-monitor", "layer-metrics"] {
        let library = artifacts::get().module(name);
        assert_eq!(exported(library), ["faas_module_v1"], "{}", library.display());
    }
}
