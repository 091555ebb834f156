//! The programs that the tests run: both runtimes, the example functions, the layers and the C modules, built once a
//! run.
//!
//! A nested `cargo build` makes them with the profile `test-artifacts`, in a target folder of the workspace, and every
//! path comes from its `--message-format=json`. Test binaries of one `cargo test` each ask for it: the first one
//! builds, the others find it fresh (cargo's own lock keeps them apart). C modules are compiled beside it under a name
//! of their own and moved into place, which needs no lock. A part that does not compile fails the tests that need it,
//! with the compiler's words, and no others.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, OnceLock};

/// The packages of the runtimes.
const RUNTIMES: [&str; 2] = ["runtime-engine", "light-runtime"];

/// The modules of Rust among the examples.
const EXAMPLES: &[&str] = &[
    "axum-app",
    "background",
    "charge",
    "cloud-event",
    "crowd",
    "echo",
    "everyday",
    "inspect",
    "hello",
    "faulty",
    "records",
    "shaky",
    "shop",
    "stream",
    "tasks",
    "traced",
    "waiting",
    "auth",
    "orders",
    "outbound",
    "upload",
    "whoami",
];

/// Returns the packages of the layers: every folder of `layers` that makes a module.
///
/// # Panics
/// A folder or manifest cannot be read.
pub fn layers() -> Vec<String> {
    let folder = workspace().join("layers");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.expect("an entry can be read");
        let manifest = entry.path().join("Cargo.toml");
        let text = std::fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
        if text.contains("\"cdylib\"") {
            found.push(format!("layer-{}", entry.file_name().to_string_lossy()));
        }
    }
    found.sort_unstable();
    found
}

/// The modules that C makes: name, source from the workspace's root.
const C_MODULES: &[(&str, &str)] = &[
    ("echo_c", "integration/examples/echo-c/echo.c"),
    ("probe", "integration/tests/c/probe.c"),
    ("record", "integration/tests/c/record.c"),
    ("unruly", "integration/tests/c/unruly.c"),
    ("reader", "integration/tests/c/reader.c"),
    ("overload", "integration/tests/c/overload.c"),
    ("errant", "integration/tests/c/errant.c"),
];

/// A runtime under test.
#[derive(Debug)]
pub struct Runtime {
    /// The name: `bootstrap` or `light-bootstrap`.
    pub name: &'static str,
    /// The path of the binary.
    pub path: PathBuf,
}

impl Runtime {
    /// Returns `true` if it serves HTTP/2, which `light-bootstrap` does not.
    pub fn speaks_http2(&self) -> bool {
        self.name == "bootstrap"
    }
}

/// All files that were built.
#[derive(Debug)]
pub struct Artifacts {
    bootstrap: Result<Runtime, String>,
    light_bootstrap: Result<Runtime, String>,
    modules: BTreeMap<String, Result<PathBuf, String>>,
    axum_served: Result<PathBuf, String>,
}

/// Builds the missing files, once a process.
///
/// # Panics
/// Cargo cannot be started.
pub fn get() -> &'static Artifacts {
    static ARTIFACTS: OnceLock<Artifacts> = OnceLock::new();
    ARTIFACTS.get_or_init(build)
}

impl Artifacts {
    /// Returns the full engine.
    ///
    /// # Panics
    /// It does not build. The message has the compiler's words.
    pub fn bootstrap(&self) -> &Runtime {
        self.bootstrap.as_ref().unwrap_or_else(|why| panic!("bootstrap was not built:\n{why}"))
    }

    /// Returns the light runtime.
    ///
    /// # Panics
    /// It does not build. The message has the compiler's words.
    pub fn light_bootstrap(&self) -> &Runtime {
        self.light_bootstrap.as_ref().unwrap_or_else(|why| panic!("light-bootstrap was not built:\n{why}"))
    }

    /// Returns both runtimes.
    ///
    /// # Panics
    /// One does not build. The message has the compiler's words.
    pub fn both(&self) -> [&Runtime; 2] {
        [self.bootstrap(), self.light_bootstrap()]
    }

    /// Returns the shared library of a module: `echo`, `layer_monitor`, `echo_c`, …
    ///
    /// # Panics
    /// It does not build. The message has the compiler's words.
    pub fn module(&self, name: &str) -> &Path {
        match self.modules.get(&name.replace('-', "_")) {
            Some(Ok(path)) => path,
            Some(Err(why)) => panic!("module {name} was not built:\n{why}"),
            None => panic!("no module {name} among {:?}", self.modules.keys()),
        }
    }

    /// Returns the application of the module `axum_app`, served by axum itself.
    ///
    /// # Panics
    /// It does not build. The message has the compiler's words.
    pub fn axum_served(&self) -> &Path {
        self.axum_served.as_deref().unwrap_or_else(|why| panic!("axum-served was not built:\n{why}"))
    }
}

/// Returns the developer's tool, built once a process.
///
/// # Panics
/// It does not build. The message has the compiler's words.
pub fn tool() -> &'static Path {
    static TOOL: LazyLock<PathBuf> = LazyLock::new(|| dev_build("cargo-faas", "cargo_faas", &[], ""));
    &TOOL
}

/// Returns the root of the workspace: where cargo says this package is now, which need not be where it was compiled.
pub fn workspace() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        // Packages lie at different depths; the lock file is the workspace's.
        let root = Path::new(&here).ancestors().find(|folder| folder.join("Cargo.lock").is_file());
        root.unwrap_or(Path::new("/")).to_owned()
    });
    &ROOT
}

/// Returns the workspace's target folder, where `.ci/foreign` puts its programs.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Returns the target folder in which the tests of the tool build that folder. This repository has another one than the
/// projects that they make. Each has a library `shop`, of which one target folder holds the last.
pub fn target_of_tool(folder: &Path) -> PathBuf {
    target().join(if folder.starts_with(workspace()) { "of-repository" } else { "new-templates" })
}

/// Returns the target folder of the nested build: the workspace's, in which a profile has a lock of its own; below
/// `CARGO_TARGET_DIR` where the caller keeps its builds elsewhere.
fn nested_target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Path::new(&folder).join("test-artifacts-build"),
        None => workspace().join("target"),
    }
}

/// Returns a command of `cargo` in the workspace, without the variables that the outer cargo set for this test binary.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"].iter().any(|own| name.starts_with(own)) {
            command.env_remove(&*name);
        }
    }
    // It is for options of this test binary, such as `--report-time`; with it, everything would be built anew.
    command.env_remove("RUSTC_BOOTSTRAP");
    command.current_dir(workspace());
    command
}

/// Builds packages with the profile of the tests. Returns the files that cargo made, by the name of the target with `-` as
/// `_`; and the output of cargo and the compiler, when anything did not build.
///
/// # Panics
/// Cargo cannot be started.
pub fn cargo_build(packages: &[&str]) -> (BTreeMap<String, PathBuf>, String) {
    let mut command = cargo();
    command.args(["build", "--keep-going", "--profile", "test-artifacts", "--message-format=json", "--target-dir"]);
    command.arg(nested_target()).args(packages.iter().flat_map(|package| ["-p", package]));
    read_messages(&output(&mut command))
}

/// Runs a command of cargo.
///
/// # Panics
/// Cargo cannot be started.
fn output(cargo: &mut Command) -> Output {
    cargo.output().unwrap_or_else(|error| panic!("cargo cannot be started: {error}"))
}

/// Returns the module `faulty`, built with `panic = "abort"`.
///
/// # Panics
/// It does not build. The message has the compiler's words.
pub fn aborting() -> &'static Path {
    static ABORTING: LazyLock<PathBuf> =
        LazyLock::new(|| dev_build("faulty", "faulty", &["--config", "profile.dev.panic=\"abort\""], ""));
    &ABORTING
}

/// Returns the full engine with the feature `yml`, by which it reads `serverless.yml` itself.
///
/// # Panics
/// It does not build. The message has the compiler's words.
pub fn bootstrap_with_yml() -> &'static Runtime {
    static WITH_YML: LazyLock<Runtime> = LazyLock::new(|| Runtime {
        name: "bootstrap",
        path: dev_build("runtime-engine", "bootstrap", &["--features", "yml"], ""),
    });
    &WITH_YML
}

/// Returns the layer `compress` with every coding that it knows.
///
/// # Panics
/// It does not build. The message has the compiler's words.
pub fn compress_with_all_codings() -> &'static Path {
    static WITH_ALL: LazyLock<PathBuf> =
        LazyLock::new(|| dev_build("layer-compress", "layer_compress", &["--features", "br,zstd"], ""));
    &WITH_ALL
}

/// Returns the target that this machine is.
///
/// # Panics
/// The compiler does not say.
pub fn host() -> String {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc starts");
    let text = String::from_utf8(output.stdout).expect("it is text");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc names its host").to_owned()
}

/// Returns the example `linked`, a function and two layers in one static program.
///
/// # Panics
/// It does not build. The message has the compiler's words.
pub fn linked() -> Runtime {
    // With an explicit target the flags reach no procedural macro, which cannot be static.
    let path = dev_build("linked", "linked", &["--target", &host()], "-C target-feature=+crt-static");
    Runtime { name: "linked", path }
}

/// Builds a program or module that few tests need, in the profile and the folder of the tests themselves, which have most
/// of its dependencies, and returns the file of that target. `flags` are those of the compiler, none if empty.
fn dev_build(package: &str, target_name: &str, more: &[&str], flags: &str) -> PathBuf {
    let mut command = cargo();
    command.args(["build", "--message-format=json", "--target-dir"]).arg(target()).args(["-p", package]).args(more);
    if !flags.is_empty() {
        command.env("RUSTFLAGS", flags);
    }
    let (mut made, said) = read_messages(&output(&mut command));
    made.remove(target_name).unwrap_or_else(|| panic!("{package} was not built ({more:?}):\n{said}"))
}

fn read_messages(output: &Output) -> (BTreeMap<String, PathBuf>, String) {
    let mut made = BTreeMap::new();
    let mut said = String::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else { continue };
        if message["reason"] == "compiler-message" && message["message"]["level"] == "error" {
            said.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
        }
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        let name = message["target"]["name"].as_str().unwrap_or_default().replace('-', "_");
        let library = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let library = library.clone().find(|file| file.ends_with(".so"));
        let is_module = message["target"]["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == "cdylib"));
        if let Some(file) = message["executable"].as_str().or(library.filter(|_| is_module)) {
            made.insert(name, PathBuf::from(file));
        }
    }
    if !output.status.success() {
        said.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    (made, said)
}

fn build() -> Artifacts {
    let layers = layers();
    let modules_of_rust: Vec<&str> = EXAMPLES.iter().copied().chain(layers.iter().map(String::as_str)).collect();
    let (mut made, said) = cargo_build(&[&RUNTIMES, &modules_of_rust[..]].concat());
    let mut take = |name: &str| {
        let missing = || format!("cargo made no binary or shared library of the name {name}\n{said}");
        made.remove(name).ok_or_else(missing)
    };
    let runtime = |name: &'static str, path: Result<PathBuf, String>| path.map(|path| Runtime { name, path });
    let bootstrap = runtime("bootstrap", take("bootstrap"));
    let light_bootstrap = runtime("light-bootstrap", take("light_bootstrap"));
    let mut modules = BTreeMap::new();
    for package in modules_of_rust {
        let name = package.replace('-', "_");
        let path = take(&name);
        modules.insert(name, path);
    }
    let axum_served = take("axum_served");
    for (name, source) in C_MODULES {
        let path = compile_c(&workspace().join(source), &format!("lib{name}.so"), &[]);
        modules.insert((*name).to_owned(), path);
    }
    Artifacts { bootstrap, light_bootstrap, modules, axum_served }
}

/// Makes copies of programs and modules without the tables for debuggers, which are most of them, and returns their
/// folder. Each is a name there and the file it is made of; `purpose` is the name of the folder.
///
/// # Panics
/// `strip` refuses a file.
pub fn stripped(purpose: &str, files: &[(&str, &Path)]) -> PathBuf {
    let folder = nested_target().join("stripped").join(purpose);
    for (name, path) in files {
        let strip = |fresh: &Path| {
            let mut command = Command::new("strip");
            command.args(["--strip-all", "-o"]).args([fresh, path]);
            command
        };
        made(&folder, name, strip).unwrap_or_else(|why| panic!("{why}"));
    }
    folder
}

/// Returns the folder of the modules that cargo does not make.
fn c_modules() -> PathBuf {
    nested_target().join("c-modules")
}

/// Has a program make a file of that name in a folder; it is given the path. A process that has the old file mapped keeps
/// it.
fn made(folder: &Path, file: &str, make: impl FnOnce(&Path) -> Command) -> Result<PathBuf, String> {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let (fresh, path) = (folder.join(format!("{}.{number}.{file}", std::process::id())), folder.join(file));
    let mut command = make(&fresh);
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| format!("{name} cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("{name} for {file}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    std::fs::rename(&fresh, &path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn header() -> PathBuf {
    workspace().join("handlers-sdk/abi/include")
}

/// Compiles a C file to a shared library in the folder of the C modules.
///
/// # Errors
/// The error is the output of the compiler.
pub fn compile_c(source: &Path, file: &str, more: &[&str]) -> Result<PathBuf, String> {
    made(&c_modules(), file, |fresh| {
        let mut command = Command::new("cc");
        command.args(["-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-pthread", "-I"]);
        command.arg(header()).arg("-o").args([fresh, source]).args(more);
        command
    })
}

/// Returns the function and the layer in C++.
///
/// # Errors
/// The error is the output of the compiler.
pub fn greet_cpp(compiler: &Path) -> Result<PathBuf, String> {
    made(&c_modules(), "libgreet_cpp.so", |fresh| {
        let mut command = Command::new(compiler);
        command.args(["-std=c++17", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-shared", "-fPIC"]);
        command.args(["-fvisibility=hidden", "-static-libstdc++", "-static-libgcc", "-Wl,--exclude-libs,ALL", "-I"]);
        command.arg(header()).arg("-o").arg(fresh).arg(workspace().join("integration/examples/cpp/greet.cpp"));
        command
    })
}

/// Returns the function and the layer in Go.
///
/// # Errors
/// The error is the output of the compiler.
pub fn echo_go(go: &Path) -> Result<PathBuf, String> {
    let folder = workspace().join("integration/examples/echo-go");
    made(&c_modules(), "libecho_go.so", |fresh| {
        let exports = format!("-s -w -extldflags=-Wl,--version-script={}", folder.join("exports.map").display());
        let mut command = Command::new(go);
        command.args(["build", "-buildmode=c-shared", "-ldflags", &exports, "-o"]).arg(fresh).arg(".");
        command.current_dir(&folder).env("CGO_ENABLED", "1").env("CGO_CFLAGS", format!("-I{}", header().display()));
        command
    })
}
