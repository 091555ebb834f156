//! `cargo faas package` as it is used: projects are built, by zig and by cargo's own linker, and the packages are read,
//! judged and run by programs that are not the project's: `skopeo`, `umoci`, CycloneDX's validator, qemu.
//!
//! Runtimes are kept in the target folder, so that a second run builds none. The tests of the platforms show how a
//! package of each platform runs there.
#![forbid(unsafe_code)]

use integration::artifacts;
use integration::needs::{always, folder, once, program, run, rust_target};
use integration::wait::limit;
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use serde_json::Value;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output, Stdio};
use std::time::Instant;
use tempfile::TempDir;

fn main() -> ExitCode {
    let zig = || folder("zig");
    let arm64 = |triple| zig().and(program("qemu-aarch64")).and(rust_target(triple));
    let trials = vec![
        once(&zig(), "a_package_for_the_oldest_glibc_passes_the_check_and_runs_here", oldest),
        once(&arm64("aarch64-unknown-linux-gnu"), "a_package_for_arm64_passes_the_check_and_answers_under_qemu", arm),
        once(
            &arm64("aarch64-unknown-linux-musl"),
            "one_program_for_arm64_loads_nothing_and_answers_under_qemu",
            arm_program,
        ),
        once(&program("skopeo").and(program("umoci")), "an_image_on_a_base_is_read_by_others", image),
        always("one_program_is_an_image_by_itself_and_answers", one_program),
        once(&folder("python-cyclonedx"), "the_bill_of_materials_is_valid", bill),
        always("what_is_too_new_for_its_platform_is_refused", refused),
    ];
    run(trials)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn succeeded(output: Output) -> Result<Output, String> {
    if output.status.success() { Ok(output) } else { Err(format!("{}: {}", output.status, text(&output))) }
}

/// Returns the example that all of these package.
fn shop() -> PathBuf {
    artifacts::workspace().join("integration/examples/shop")
}

/// Runs the tool in the example's folder, with zig in `PATH` if it is given.
fn tool(arguments: &[&str], zig: Option<&Path>) -> Result<Output, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = zig.map(|zig| zig.join("bin")).into_iter().chain(std::env::split_paths(&path));
    let path: OsString = std::env::join_paths(folders).map_err(|error| error.to_string())?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
    command.args(arguments).current_dir(shop()).env("PATH", path);
    // There is one cache for all of these tests and all runs of them.
    command.env("FAAS_CACHE", artifacts::target().join("faas-cache")).stdin(Stdio::null());
    command.output().map_err(|error| error.to_string())
}

/// Packages the example, and returns the folder, and the tool's report on the only package.
fn package(more: &[&str], zig: Option<&Path>) -> Result<(TempDir, Value), String> {
    let out = tempfile::tempdir().map_err(|error| error.to_string())?;
    let place = out.path().display().to_string();
    let common = ["package", "--profile", "test-artifacts", "--json", "--out", &place];
    let output = tool(&[&common[..], more].concat(), zig)?;
    let answer: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {}", text(&output)))?;
    succeeded(output)?;
    Ok((out, answer["packages"][0].clone()))
}

fn path(package: &Value) -> &str {
    package["path"].as_str().unwrap_or_default()
}

/// Unpacks a zip with the modes that it has.
fn unpack(zip: &str) -> Result<TempDir, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let script = "import os, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1]) as zip:\n    for entry in zip.infolist():\n        \
                  os.chmod(zip.extract(entry, sys.argv[2]), entry.external_attr >> 16 & 0o7777)\n";
    let output = Command::new("python3").args(["-c", script, zip]).arg(folder.path()).output();
    succeeded(output.map_err(|error| error.to_string())?)?;
    Ok(folder)
}

/// Starts the shop as plain HTTP, sells one piece, and ends it.
fn sells(mut command: Command, root: &Path) -> Result<(), String> {
    let port = free_port();
    command.current_dir(root).env_clear().env("FAAS_ROOT", root).env("FAAS_PLATFORM", "http").stdin(Stdio::null());
    command.env("FAAS_HOST", "127.0.0.1").env("PORT", port.to_string());
    let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
    let listens = process.wait_for_line(|line| line.contains("listening on "), limit() * 4);
    listens.map_err(|late| format!("{late}: {}", process.output()))?;
    let body = r#"{"pieces":1}"#;
    let request = format!(
        "POST /orders HTTP/1.1\r\nHost: h\r\nX-Customer: ada\r\nContent-Type: application/json\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let until = Instant::now() + limit();
    let reply = loop {
        let ask = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_read_timeout(Some(limit()))?;
            stream.write_all(request.as_bytes())?;
            let mut reply = String::new();
            stream.read_to_string(&mut reply)?;
            Ok(reply)
        };
        match ask() {
            Ok(reply) => break reply,
            Err(error) if Instant::now() > until => return Err(format!("{error}: {}", process.output())),
            Err(_) => std::thread::yield_now(),
        }
    };
    process.signal(Signal::Term).map_err(|error| error.to_string())?;
    let status = process.wait(limit() * 2).map_err(|late| late.to_string())?;
    let sold = r#"{"id":0,"shop":"tea","customer":"ada","pieces":1}"#;
    if reply.starts_with("HTTP/1.1 201 ") && reply.ends_with(sold) && status.success() {
        return Ok(());
    }
    Err(format!("{reply}\n{status}\n{}", process.output()))
}

fn passes(zip: &str, more: &[&str]) -> Result<Value, String> {
    let output = tool(&[&["check", "--json", zip], more].concat(), None)?;
    let answer: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let report = answer["artefacts"][0].clone();
    if output.status.success() && report["findings"] == Value::Array(Vec::new()) {
        return Ok(report);
    }
    Err(format!("{answer:#}"))
}

fn oldest(zig: &Path) -> Result<(), String> {
    let (_out, package) = package(&["--platform", "tencent-scf", "--light", "--linker", "zig"], Some(zig))?;
    let report = passes(path(&package), &["--platform", "tencent", "--start"])?;
    if report["glibc"] != "2.17" || !report["initMs"].is_number() {
        return Err(format!("{report:#}"));
    }
    let root = unpack(path(&package))?;
    sells(Command::new(root.path().join("bootstrap")), root.path())
}

fn arm(zig: &Path) -> Result<(), String> {
    let ways = ["--platform", "tencent-scf", "--light", "--linker", "zig", "--arch", "arm64"];
    let (_out, package) = package(&ways, Some(zig))?;
    let report = passes(path(&package), &["--platform", "tencent", "--arch", "arm64"])?;
    if report["arch"] != "arm64" {
        return Err(format!("{report:#}"));
    }
    let root = unpack(path(&package))?;
    let mut command = Command::new("qemu-aarch64");
    command.args(["-L", "/usr/aarch64-linux-gnu"]).arg(root.path().join("bootstrap"));
    sells(command, root.path())
}

/// Checks that one program with musl linked in sells under `qemu`. It has no root to load libraries from, so that
/// nothing can be loaded.
fn arm_program(zig: &Path) -> Result<(), String> {
    let (_out, package) = package(&["--platform", "aws-lambda", "--one-file", "--arch", "arm64"], Some(zig))?;
    let report = passes(path(&package), &["--platform", "aws-lambda", "--arch", "arm64", "--files"])?;
    if report["arch"] != "arm64" || !is_one_program(&report) {
        return Err(format!("{report:#}"));
    }
    let root = unpack(path(&package))?;
    let mut command = Command::new("qemu-aarch64");
    command.arg(root.path().join("bootstrap"));
    sells(command, root.path())
}

/// Returns the files of the shop that are built already.
fn built() -> [String; 8] {
    let built = artifacts::get();
    let text = |path: &Path| path.display().to_string();
    [
        "--runtime".to_owned(),
        text(&built.light_bootstrap().path),
        "--library".to_owned(),
        text(built.module("shop")),
        "--library".to_owned(),
        text(built.module("layer_monitor")),
        "--library".to_owned(),
        text(built.module("layer_cors")),
    ]
}

fn image(_: &Path) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let run = |arguments: &[&str]| {
        let output = Command::new(arguments[0]).args(&arguments[1..]).current_dir(folder.path()).output();
        succeeded(output.map_err(|error| error.to_string())?)
    };
    // Another program has made this base: nothing but a variable and a command.
    run(&["umoci", "init", "--layout", "base"])?;
    run(&["umoci", "new", "--image", "base:plain"])?;
    run(&["umoci", "config", "--image", "base:plain", "--config.env", "A=1", "--config.cmd", "/bin/sh"])?;
    let base = folder.path().join("base").display().to_string();
    let built = built();
    let mut ways = vec!["--platform", "openfaas", "--glibc", "99.0", "--linker", "cargo", "--base", &base];
    ways.extend(built.iter().map(String::as_str));
    let (_out, package) = package(&ways, None)?;
    let image = format!("oci:{}:shop", path(&package));
    let inspected = run(&["skopeo", "inspect", "--config", &image])?;
    let config: Value = serde_json::from_slice(&inspected.stdout).map_err(|error| error.to_string())?;
    let inner = &config["config"];
    let is_right = inner["Entrypoint"] == serde_json::json!(["/app/bootstrap"])
        && inner["Env"] == serde_json::json!(["A=1", "FAAS_PLATFORM=openfaas"])
        && inner["Cmd"].is_null()
        && config["os"] == "linux";
    if !is_right {
        return Err(format!("{config:#}"));
    }
    // Every digest is checked on the way.
    run(&["skopeo", "copy", "--quiet", &image, "dir:copied"])?;
    run(&["umoci", "unpack", "--rootless", "--image", &format!("{}:shop", path(&package)), "unpacked"])?;
    let root = folder.path().join("unpacked/rootfs/app");
    sells(Command::new(root.join("bootstrap")), &root)?;
    passes(path(&package), &["--platform", "openfaas", "--glibc", "99.0"]).map(|_| ())
}

/// Returns `true` if there is nothing to load: no library in the package, and no C library that is wanted.
fn is_one_program(report: &Value) -> bool {
    let files = report["files"].as_array().into_iter().flatten().filter_map(|file| file["path"].as_str());
    files.eq(["bootstrap", "faas.json"]) && report["glibc"].is_null()
}

fn one_program() -> Result<(), String> {
    let (_out, package) = package(&["--platform", "http", "--one-file"], None)?;
    let report = passes(path(&package), &["--platform", "http", "--files", "--start"])?;
    if is_one_program(&report) { Ok(()) } else { Err(format!("{report:#}")) }
}

fn bill(python: &Path) -> Result<(), String> {
    let ways = ["--platform", "aws-lambda", "--light", "--untrimmed", "--linker", "cargo", "--glibc", "99.0"];
    let (_out, package) = package(&ways, None)?;
    let sbom = package["sbom"].as_str().unwrap_or_default();
    let script = "import sys\nfrom cyclonedx.schema import SchemaVersion\n\
                  from cyclonedx.validation.json import JsonStrictValidator\n\
                  error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(open(sys.argv[1]).read())\n\
                  sys.exit(str(error) if error else 0)\n";
    let output = Command::new(python.join("bin/python")).args(["-c", script, sbom]).output();
    succeeded(output.map_err(|error| error.to_string())?)?;
    let bill = std::fs::read_to_string(sbom).map_err(|error| error.to_string())?;
    let read: Value = serde_json::from_str(&bill).map_err(|error| error.to_string())?;
    if read["metadata"]["component"]["version"] != env!("CARGO_PKG_VERSION") {
        return Err(format!("expected the version of the shop, which is the workspace's: {bill}"));
    }
    for name in ["\"shop\"", "\"layer-monitor\"", "\"light-runtime\"", "\"handlers-sdk\"", "\"functions/libshop.so\""] {
        if !bill.contains(name) {
            return Err(format!("no {name} in {bill}"));
        }
    }
    Ok(())
}

fn refused() -> Result<(), String> {
    let built = built();
    let out = tempfile::tempdir().map_err(|error| error.to_string())?;
    let place = out.path().display().to_string();
    let mut ways = vec!["package", "--platform", "aws", "--glibc", "2.2.5", "--linker", "cargo", "--out", &place];
    ways.extend(built.iter().map(String::as_str));
    let output = tool(&ways, None)?;
    let said = text(&output);
    let is_told = said.contains("refused   shop for aws-lambda\n")
        && said.contains("error[glibc-too-new]: bootstrap: it wants glibc ")
        && said.contains(", and that system has 2.2.5: ");
    // Nor is there a list of nothing.
    if output.status.code() == Some(1) && is_told && !out.path().join("aws-lambda").exists() {
        return Ok(());
    }
    Err(format!("{}: {said}", output.status))
}
