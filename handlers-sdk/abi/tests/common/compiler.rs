//! Finds and runs the machine's C and C++ compilers.
#![allow(dead_code, reason = "each test target uses its part")]

use std::path::PathBuf;
use std::process::Command;

/// Returns the folder of `faas.h`.
pub(crate) fn include() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("include")
}

/// Returns the C compiler: `$CC` or `cc`, which building Rust programs needs anyway.
pub(crate) fn c() -> String {
    std::env::var("CC").unwrap_or_else(|_| "cc".to_owned())
}

/// Returns the first C++ compiler that can be run; `None` if there is none.
pub(crate) fn cpp() -> Option<String> {
    let named = std::env::var("CXX").ok();
    let names = named.into_iter().chain(["c++", "g++", "clang++"].map(str::to_owned));
    names.into_iter().find(|name| Command::new(name).arg("--version").output().is_ok_and(|out| out.status.success()))
}

/// Compiles one source with the header in reach, warnings being errors. Returns the output file.
///
/// # Errors
/// The error is the compiler's output.
pub(crate) fn compile(compiler: &str, name: &str, source: &str, flags: &[&str]) -> Result<PathBuf, String> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let (input, output) = (folder.join(name), folder.join(format!("{name}.out")));
    std::fs::write(&input, source).map_err(|error| format!("{}: {error}", input.display()))?;
    let run = Command::new(compiler)
        .args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"])
        .args(flags)
        .arg("-I")
        .arg(include())
        .arg(&input)
        .arg("-o")
        .arg(&output)
        .output()
        .map_err(|error| format!("{compiler}: {error}; a C compiler is needed, or name one in CC"))?;
    if run.status.success() { Ok(output) } else { Err(String::from_utf8_lossy(&run.stderr).into_owned()) }
}
