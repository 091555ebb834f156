//! A module of the SDK linked by others than the system's linker: lld, mold, and zig, which brings its own C library.

use super::languages::exports;
use crate::needs::{Foreign, folder, once, over_both, program};
use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use libtest_mimic::Trial;
use platform_emulators::aws_lambda::Options;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The way in which a module is built.
#[derive(Clone, Copy)]
struct Linker {
    name: &'static str,
    /// Returns the arguments of cargo, behind the package.
    build: fn(&Path) -> Vec<String>,
    rustflags: Option<&'static str>,
}

const LINKERS: [Linker; 3] = [
    Linker { name: "lld", build: plain, rustflags: Some("-Clink-arg=-fuse-ld=lld") },
    Linker { name: "mold", build: plain, rustflags: Some("-Clink-arg=-fuse-ld=mold") },
    Linker { name: "zig", build: zig, rustflags: None },
];

fn needs(linker: Linker) -> Foreign {
    match linker.name {
        "lld" => program("ld.lld"),
        "mold" => program("mold"),
        _ => folder("zig"),
    }
}

fn plain(_: &Path) -> Vec<String> {
    vec!["build".to_owned(), "--target".to_owned(), artifacts::host()]
}

/// Returns the arguments by which cargo-zigbuild makes zig the compiler and linker, for a glibc that is older than any
/// here.
fn zig(_: &Path) -> Vec<String> {
    vec!["zigbuild".to_owned(), "--target".to_owned(), format!("{}.2.28", artifacts::host())]
}

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for linker in LINKERS {
        let needs = needs(linker);
        let name = format!("a_module_linked_by_{}_exports_the_entry_symbol_alone", linker.name);
        trials.push(once(&needs, &name, move |found| exports(&built(linker, found)?)));
        let name = format!("a_module_linked_by_{}_serves", linker.name);
        over_both(&mut trials, &needs, &name, move |found: &Path, runtime| serves(&built(linker, found)?, runtime));
    }
    trials
}

/// Returns the function `echo`, built once by each linker.
fn built(linker: Linker, found: &Path) -> Result<PathBuf, String> {
    static BUILT: Mutex<BTreeMap<&str, Result<PathBuf, String>>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built.entry(linker.name).or_insert_with(|| build(linker, found)).clone()
}

fn build(linker: Linker, found: &Path) -> Result<PathBuf, String> {
    // The folder is its own, since other flags make other builds stale.
    let target = artifacts::target().join("linkers").join(linker.name);
    let mut command = artifacts::cargo();
    command.args((linker.build)(found)).args(["-p", "echo", "--target-dir"]).arg(&target);
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    if let Some(flags) = linker.rustflags {
        command.env("RUSTFLAGS", flags);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(found.join("bin")).chain(std::env::split_paths(&path));
    command.env("PATH", std::env::join_paths(folders).map_err(|error| error.to_string())?);
    let output = command.output().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{}: {}", linker.name, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(target.join(artifacts::host()).join("debug/libecho.so"))
}

fn serves(library: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = || Deployment::empty().file("libecho.so", library);
    let run = OnHttp::start(runtime, deployment(), "echo");
    let reply = run.call("POST", "/", "", b"linked");
    if (reply.status, reply.text().as_str()) != (200, "linked") || run.stop().code() != Some(0) {
        return Err(format!("{}: {}\n{}", reply.status, reply.text(), run.process.output()));
    }
    let run = OnAws::launch(runtime, deployment(), "echo", Options::default()).polling();
    let answer = run.call("\"linked\"");
    run.assert_clean();
    if answer.text() == "\"linked\"" { Ok(()) } else { Err(answer.text()) }
}
