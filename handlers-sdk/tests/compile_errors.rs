//! The messages of the compiler for wrong signatures and attributes: at the author's line, with the right way to write
//! it.
//!
//! The texts are those of one compiler, so they are compared under that one alone. `TRYBUILD=overwrite` writes them
//! anew.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use std::process::Command;

/// The compiler whose messages are in `compile_errors`.
const COMPILER: &str = "rustc 1.95.";

#[test]
fn wrong_signatures_and_attributes_are_told_at_their_line() {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let found = Command::new(rustc).arg("--version").output().expect("there is a compiler, since this was compiled");
    let found = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    if !found.starts_with(COMPILER) {
        println!("skipped: the messages are those of {COMPILER}x, this is {found}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/compile_errors/*.rs");
}
