//! `cargo faas check` over a corpus of files and packages that would not work where they are to run: the report on
//! each, and on those that would. The bad ones are made here, of good ones, each with one mistake.
#![forbid(unsafe_code)]

#[path = "check/platforms.rs"]
mod platforms;

use integration::artifacts;
use serde_json::Value;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn tool(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
    command.args(arguments).current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.output().expect("the tool starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Returns the report on one path: the exit code, and of each finding its severity, its code and its file.
fn report(folder: &Path, arguments: &[&str]) -> (Option<i32>, Vec<String>, Value) {
    let output = tool(folder, &[&["check", "--json"], arguments].concat());
    let answer: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {}{}", text(&output.stdout), text(&output.stderr)));
    let report = answer["artefacts"][0].clone();
    let one = |finding: &Value| {
        let field = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", field("severity"), field("code"), field("file"))
    };
    let found = report["findings"].as_array().expect("a list").iter().map(one).collect();
    (output.status.code(), found, report)
}

/// The folder of the good files that bad ones are made of.
static GOOD: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = artifacts::get();
    let files = [
        ("bootstrap", built.light_bootstrap().path.as_path()),
        ("libecho.so", built.module("echo_c")),
        ("libauth.so", built.module("auth")),
        ("liblayer_monitor.so", built.module("layer_monitor")),
    ];
    artifacts::stripped("good", &files)
});

fn good(name: &str) -> Vec<u8> {
    std::fs::read(GOOD.join(name)).expect("it was made")
}

/// Compiles a shared library of a C text.
fn library(folder: &Path, name: &str, source: &str, flags: &[&str]) -> PathBuf {
    let (text, path) = (folder.join(format!("{name}.c")), folder.join(name));
    std::fs::write(&text, source).expect("there is room");
    let mut command = Command::new("cc");
    command.args(["-shared", "-fPIC", "-o"]).arg(&path).arg(&text).args(flags).current_dir(folder);
    let output = command.output().expect("cc starts");
    assert!(output.status.success(), "{name}: {}", text_of(&output));
    path
}

fn text_of(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

/// The source of a module as the linker sees it, which nobody calls.
const MODULE: &str = "const void *faas_module_v1(unsigned a, unsigned b) { (void)a; (void)b; return 0; }\n";

#[test]
fn files_that_would_not_work_are_told_apart() {
    let folder = tempfile::tempdir().expect("there is room");
    let root = folder.path();
    let echo = good("libecho.so");
    let write = |name: &str, bytes: &[u8]| std::fs::write(root.join(name), bytes).expect("there is room");
    let mut other = echo.clone();
    // The field e_machine is at byte 18: PowerPC of 64 bits, and the other of the two processors.
    other[18..20].copy_from_slice(&21_u16.to_le_bytes());
    write("libpower.so", &other);
    let arm = if cfg!(target_arch = "aarch64") { 62_u16 } else { 183 };
    other[18..20].copy_from_slice(&arm.to_le_bytes());
    write("libother.so", &other);
    write("libcut.so", &echo[..echo.len() / 2]);
    write("libtext.so", b"hello\n");
    write("libempty.so", b"");
    write("libwindows.so", b"MZ\x90\0");
    write("libprogram.so", &good("bootstrap"));
    write("libecho.so", &echo);
    library(root, "libplain.so", "int unrelated(void) { return 7; }\n", &[]);
    library(root, "libfuture.so", &MODULE.replace("_v1", "_v9"), &[]);
    let newer = std::fs::read_to_string(artifacts::workspace().join("integration/bad-modules/newer-minor.c"));
    let headers = ["handlers-sdk/abi/include", "integration/bad-modules"];
    let headers = headers.map(|folder| format!("-I{}", artifacts::workspace().join(folder).display()));
    library(root, "libnewer.so", &newer.expect("it is there"), &headers.each_ref().map(String::as_str));
    library(root, "libpath.so", MODULE, &["-Wl,-rpath,/opt/elsewhere/lib"]);
    library(root, "libstack.so", MODULE, &["-Wl,-z,execstack"]);
    library(root, "libextra.so", "int extra(void) { return 7; }\n", &[]);
    let user = "int extra(void);\n".to_owned() + MODULE + "int use(void) { return extra(); }\n";
    library(root, "libneeds.so", &user, &["-L.", "-lextra"]);
    let random =
        "#include <sys/random.h>\n".to_owned() + MODULE + "int fill(char *p) { return (int)getrandom(p, 1, 0); }\n";
    library(root, "librandom.so", &random, &[]);

    let here = if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" };
    for (file, expected) in [
        ("libpower.so", &["error wrong-arch libpower.so"][..]),
        ("libother.so", &["error wrong-arch libother.so"]),
        ("libcut.so", &["error not-elf libcut.so"]),
        ("libtext.so", &["error not-elf libtext.so"]),
        ("libempty.so", &["error not-elf libempty.so"]),
        ("libwindows.so", &["error not-elf libwindows.so"]),
        ("libprogram.so", &["error wrong-kind libprogram.so"]),
        ("libplain.so", &["error no-entry libplain.so"]),
        ("libfuture.so", &["error contract libfuture.so"]),
        ("libnewer.so", &["error contract libnewer.so"]),
        ("libneeds.so", &["error needs-library libneeds.so"]),
        ("libpath.so", &["warning search-path libpath.so"]),
        ("libstack.so", &["warning executable-stack libstack.so"]),
        ("libecho.so", &[]),
        ("librandom.so", &[]),
    ] {
        let (code, found, report) = report(root, &["--arch", here, file]);
        assert_eq!(found, expected, "{file}: {report:#}");
        let is_bad = expected.iter().any(|finding| finding.starts_with("error"));
        assert_eq!(code, Some(i32::from(is_bad)), "{file}");
    }
    let (.., newer) = report(root, &["libnewer.so"]);
    let message = newer["findings"][0]["message"].as_str().expect("a text");
    assert_eq!(message, format!("it needs contract 1.99, and this runtime has 1.{}", faas_abi::MINOR));
    let (code, found, report) = report(root, &["--platform", "tencent", "librandom.so"]);
    assert_eq!((code, &found[..]), (Some(1), &["error glibc-too-new librandom.so".to_owned()][..]));
    let message = report["findings"][0]["message"].as_str().expect("a text");
    assert!(message.starts_with("it wants glibc 2.25, and CentOS 7 has 2.17: getrandom@GLIBC_2.25"), "{message}");
    assert_eq!(report["glibc"], "2.25");
}

#[test]
fn what_people_see_names_the_file_and_says_what_to_do() {
    let folder = tempfile::tempdir().expect("there is room");
    std::fs::write(folder.path().join("libtext.so"), "hello\n").expect("there is room");
    let output = tool(folder.path(), &["check", "libtext.so"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stdout),
        "libtext.so: 1 error, 0 warnings\n\
         error[not-elf]: libtext.so: expected a compiled file for Linux (ELF), found a text\n"
    );
    library(folder.path(), "libplain.so", "int unrelated(void) { return 7; }\n", &[]);
    let said = text(&tool(folder.path(), &["check", "libplain.so"]).stdout);
    let help = "error[no-entry]: libplain.so: expected a module, found a library without the symbol faas_module_v1\n  \
                = help: a function or layer of handlers-sdk in a crate of type cdylib has it\n";
    assert!(said.ends_with(help), "{said}");
}

#[test]
fn wrong_usage_is_told_from_what_is_wrong() {
    let folder = tempfile::tempdir().expect("there is room");
    assert_eq!(tool(folder.path(), &["check", "--max-init-ms", "soon", "x.so"]).status.code(), Some(2));
    assert_eq!(tool(folder.path(), &["check", "--arch", "mips", "x.so"]).status.code(), Some(2));
    let output = tool(folder.path(), &["check", "--platform", "vercel", "x.so"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no platform `vercel`; there are aliyun-fc, aws-lambda, "));
    let output = tool(folder.path(), &["check", "x.so"]);
    assert!(text(&output.stderr).starts_with("failed: check: x.so: No such file"), "{}", text_of(&output));
}

/// Returns the paths and platforms of a report, as `path for platform`; of a file without one the path alone.
fn subjects(output: &Output) -> Vec<String> {
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text_of(output)));
    let one = |report: &Value| {
        let platform = report["platform"].as_str().map(|platform| format!(" for {platform}")).unwrap_or_default();
        format!("{}{platform}", report["path"].as_str().unwrap_or_default())
    };
    answer["artefacts"].as_array().expect("a list").iter().map(one).collect()
}

/// Makes a folder of packages, which are no good: a zip that is none, and an image without a program.
fn packages(folder: &Path) {
    std::fs::create_dir_all(folder.join("dist/aws-lambda")).expect("there is room");
    std::fs::write(folder.join("dist/aws-lambda/shop.zip"), "PK").expect("there is room");
    std::fs::create_dir_all(folder.join("dist/http/shop/app")).expect("there is room");
    std::fs::write(folder.join("dist/http/shop/Dockerfile"), "FROM scratch\n").expect("there is room");
    std::fs::write(folder.join("dist/SHA256SUMS"), "").expect("there is room");
}

#[test]
fn packages_are_checked_without_a_yml_and_in_the_folder_that_holds_them() {
    let folder = tempfile::tempdir().expect("there is room");
    let root = folder.path();
    let checked = |arguments: &[&str]| subjects(&tool(root, &[&["check", "--json"], arguments].concat()));
    let output = tool(root, &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let why = "failed: check: there is none of f.yml, f.yaml, serverless.yml, serverless.yaml here, and no package in \
               dist: --file, --dist or a path says what to check\n";
    assert_eq!(text(&output.stderr), why);
    packages(root);
    let both = ["dist/aws-lambda/shop.zip for aws-lambda", "dist/http/shop for http"];
    assert_eq!(checked(&[]), both);
    assert_eq!(checked(&["dist"]), both);
    assert_eq!(checked(&["--platform", "aws"]), both[..1]);
    assert_eq!(checked(&["dist", "--platform", "aws"]), both[..1]);
    assert_eq!(checked(&["dist/http"]), both[1..]);
    assert_eq!(checked(&["dist/aws-lambda/shop.zip", "dist/http/shop"]), both);
    let output = tool(root, &["check", "dist", "--platform", "fn"]);
    let why = "failed: check: dist has packages for aws-lambda, http, and none for what --platform says\n";
    assert_eq!((output.status.code(), &*text(&output.stderr)), (Some(1), why));
    // A yml that is there is checked as well.
    std::fs::write(root.join("serverless.yml"), "service: shop\nfunctions: {order: {}}\n").expect("there is room");
    let output = tool(root, &["check"]);
    assert!(text(&output.stdout).starts_with("serverless.yml: 0 errors, "), "{}", text_of(&output));
    assert_eq!(subjects(&tool(root, &["check", "--json"])), both);
}

/// A file of a zip: its path, its bytes, and its mode; `None` as Windows makes it.
type Entry<'e> = (&'e str, Vec<u8>, Option<u32>);

fn zip(folder: &Path, entries: &[Entry<'_>]) -> PathBuf {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes, mode) in entries {
        let options = SimpleFileOptions::default();
        let options = mode.map_or(options, |mode| options.unix_permissions(mode));
        zip.start_file(*path, options).expect("it is written");
        zip.write_all(bytes).expect("it is written");
    }
    let mut bytes = zip.finish().expect("it is written").into_inner();
    if entries.iter().any(|(_, _, mode)| mode.is_none()) {
        // The upper byte of "version made by": 0 is what Windows writes, and attributes are its own then.
        let heads: Vec<usize> =
            bytes.windows(4).enumerate().filter(|(_, window)| *window == b"PK\x01\x02").map(|(at, _)| at).collect();
        for head in heads {
            bytes[head + 5] = 0;
            bytes[head + 38..head + 42].fill(0);
        }
    }
    let path = folder.join("shop.zip");
    std::fs::write(&path, bytes).expect("there is room");
    path
}

const MANIFEST: &str = r#"{"version":1,"layers":["monitor"],"functions":[{"name":"echo","handler":"echo"}]}"#;

/// Returns a package without a mistake.
fn package() -> Vec<Entry<'static>> {
    vec![
        ("bootstrap", good("bootstrap"), Some(0o100_755)),
        ("faas.json", MANIFEST.into(), Some(0o100_644)),
        ("functions/libecho.so", good("libecho.so"), Some(0o100_644)),
        ("layers/liblayer_monitor.so", good("liblayer_monitor.so"), Some(0o100_644)),
    ]
}

/// Returns that package with one file in another place, with another content or mode, added, or removed.
fn changed(path: &str, change: impl FnOnce(&mut Entry<'static>)) -> Vec<Entry<'static>> {
    let mut package = package();
    let entry = package.iter_mut().find(|entry| entry.0 == path).expect("it is there");
    change(entry);
    package
}

fn with(entry: Entry<'static>) -> Vec<Entry<'static>> {
    let mut package = package();
    package.push(entry);
    package
}

fn without(path: &str) -> Vec<Entry<'static>> {
    package().into_iter().filter(|entry| entry.0 != path).collect()
}

#[test]
fn packages_that_would_not_work_are_told_apart() {
    let folder = tempfile::tempdir().expect("there is room");
    let manifest = |text: &str| changed("faas.json", |entry| entry.1 = text.into());
    let cases: Vec<(&str, Vec<Entry<'_>>, &[&str])> = vec![
        ("a good one", package(), &[]),
        ("no runtime", without("bootstrap"), &["error no-boot-file bootstrap"]),
        (
            "a runtime in a folder",
            changed("bootstrap", |entry| entry.0 = "bin/bootstrap"),
            &["error no-boot-file bootstrap", "warning stray bin/bootstrap"],
        ),
        (
            "a runtime that may not be executed",
            changed("bootstrap", |entry| entry.2 = Some(0o100_644)),
            &["error not-executable bootstrap"],
        ),
        (
            "a zip of Windows",
            changed("bootstrap", |entry| entry.2 = None),
            &[
                "error not-executable bootstrap",
                "error no-mode bootstrap",
                "error no-mode faas.json",
                "error no-mode functions/libecho.so",
                "error no-mode layers/liblayer_monitor.so",
            ],
        ),
        (
            "a script without an interpreter",
            changed("bootstrap", |entry| entry.1 = b"exec ./runtime\n".to_vec()),
            &["error no-shebang bootstrap", "error not-elf bootstrap"],
        ),
        (
            "a file that only its owner may read",
            changed("functions/libecho.so", |entry| entry.2 = Some(0o100_600)),
            &["error not-readable functions/libecho.so"],
        ),
        (
            "a file that all may write",
            changed("faas.json", |entry| entry.2 = Some(0o100_666)),
            &["warning odd-mode faas.json"],
        ),
        ("no library of the function", without("functions/libecho.so"), &["error no-library faas.json"]),
        ("no library of the layer", without("layers/liblayer_monitor.so"), &["error no-library faas.json"]),
        (
            "a library for another machine",
            changed("functions/libecho.so", |entry| entry.1[18] = 21),
            &["error wrong-arch functions/libecho.so"],
        ),
        ("a manifest that is none", manifest("{"), &["error bad-manifest faas.json"]),
        (
            "a function that the library does not have",
            manifest(r#"{"version":1,"layers":["monitor"],"functions":[{"name":"x","handler":"echo.nothing"}]}"#),
            &["error no-function faas.json"],
        ),
        (
            "a layer that the library does not have",
            manifest(r#"{"version":1,"layers":["monitor.nothing"],"functions":[{"name":"echo","handler":"echo"}]}"#),
            &["error no-layer faas.json"],
        ),
        (
            "an optional layer that is not there",
            manifest(
                r#"{"version":1,"layers":["monitor",{"name":"trace","optional":true}],"functions":[{"name":"echo","handler":"echo"}]}"#,
            ),
            &["warning no-library faas.json"],
        ),
        (
            "a library that nobody names",
            manifest(r#"{"version":1,"functions":[{"name":"echo","handler":"echo"}]}"#),
            &["warning unused-library layers/liblayer_monitor.so"],
        ),
        (
            "two libraries of one name",
            with(("libecho.so", good("libecho.so"), Some(0o100_755))),
            &["warning name-clash functions/libecho.so"],
        ),
        (
            "a certificate for others to be known by",
            with(("ca.pem", b"-----BEGIN CERTIFICATE-----\n".to_vec(), Some(0o100_644))),
            &["warning stray ca.pem"],
        ),
        (
            "a certificate with its key",
            with(("client.pem", b"-----BEGIN EC PRIVATE KEY-----\n".to_vec(), Some(0o100_644))),
            &["error secret client.pem"],
        ),
        (
            "a key under the name of a certificate",
            with(("server.crt", b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n".to_vec(), Some(0o100_644))),
            &["error secret server.crt"],
        ),
        ("secrets", with((".env", b"KEY=1\n".to_vec(), Some(0o100_644))), &["error secret .env"]),
        ("a stray file", with(("README.md", b"#\n".to_vec(), Some(0o100_644))), &["warning stray README.md"]),
        ("a path that leads out", with(("../evil", b"x".to_vec(), Some(0o100_644))), &["error bad-path ../evil"]),
    ];
    for (what, entries, expected) in cases {
        let path = zip(folder.path(), &entries);
        let arguments = ["--platform", "aws-lambda", "--glibc", "99.0", path.to_str().expect("it is text")];
        let (code, found, report) = report(folder.path(), &arguments);
        assert_eq!(found, expected, "{what}: {report:#}");
        let is_bad = expected.iter().any(|finding| finding.starts_with("error"));
        assert_eq!(code, Some(i32::from(is_bad)), "{what}");
    }
    let path = folder.path().join("shop.zip");
    let whole = std::fs::read(&path).expect("it was written");
    std::fs::write(&path, &whole[..whole.len() / 2]).expect("there is room");
    let (code, found, _) = report(folder.path(), &["--platform", "aws-lambda", "shop.zip"]);
    assert_eq!(code, Some(1));
    assert_eq!(found, ["error bad-zip shop.zip"]);
}

#[test]
fn a_layer_that_must_not_be_optional_is_an_error_where_it_is() {
    let folder = tempfile::tempdir().expect("there is room");
    let layers = r#""layers":[{"name":"auth","optional":true,"config":{}}]"#;
    let manifest = format!(r#"{{"version":1,{layers},"functions":[{{"name":"echo","handler":"echo"}}]}}"#);
    let mut entries = changed("faas.json", |entry| entry.1 = manifest.into_bytes());
    entries.retain(|entry| entry.0 != "layers/liblayer_monitor.so");
    entries.push(("layers/libauth.so", good("libauth.so"), Some(0o100_644)));
    zip(folder.path(), &entries);
    let (code, found, report) = report(folder.path(), &["--platform", "aws-lambda", "--glibc", "99.0", "shop.zip"]);
    assert_eq!((code, &found[..]), (Some(1), &["error layer-required faas.json".to_owned()][..]), "{report:#}");
}

#[test]
fn libraries_with_an_executor_each_are_noted() {
    let folder = tempfile::tempdir().expect("there is room");
    let library = |name: &str| std::fs::read(artifacts::get().module(name)).expect("it was built");
    let one = library("axum-app");
    let manifest = r#"{"version":1,"functions":[{"name":"a","handler":"one"},{"name":"b","handler":"two"}]}"#;
    let mut entries = changed("faas.json", |entry| entry.1 = manifest.into());
    entries.truncate(2);
    entries.push(("functions/libone.so", one.clone(), Some(0o100_644)));
    entries.push(("functions/libtwo.so", one, Some(0o100_644)));
    zip(folder.path(), &entries);
    let (code, found, report) = report(folder.path(), &["--platform", "aws-lambda", "--glibc", "99.0", "shop.zip"]);
    let expected = ["note several-executors functions/libtwo.so".to_owned()];
    assert_eq!((code, &found[..]), (Some(0), &expected[..]), "{report:#}");
}

#[test]
fn scripts_of_a_platform_are_looked_at_like_programs() {
    let folder = tempfile::tempdir().expect("there is room");
    let glibc = ["--platform", "openwhisk", "--glibc", "99.0", "shop.zip"];
    let exec = |text: &str| with(("exec", text.as_bytes().to_vec(), Some(0o100_755)));
    zip(folder.path(), &exec("#!/bin/sh\ncd \"${0%/*}\" && exec ./bootstrap\n"));
    assert_eq!(report(folder.path(), &glibc).1, Vec::<String>::new());
    zip(folder.path(), &exec("#!/bin/sh\r\nexec ./bootstrap\r\n"));
    assert_eq!(report(folder.path(), &glibc).1, ["error line-ends exec"]);
    zip(folder.path(), &package());
    assert_eq!(report(folder.path(), &glibc).1, ["error no-boot-file exec"]);
}

#[test]
fn a_start_is_measured_and_one_that_fails_or_takes_too_long_is_an_error() {
    let folder = tempfile::tempdir().expect("there is room");
    zip(folder.path(), &package());
    let ways = ["--platform", "aws-lambda", "--glibc", "99.0", "shop.zip"];
    let (code, found, whole) = report(folder.path(), &[&["--start"], &ways[..]].concat());
    assert_eq!((code, found.len()), (Some(0), 0), "{whole:#}");
    assert!(whole["initMs"].as_f64().is_some_and(|ms| ms > 0.0), "{whole:#}");
    let (code, found, _) = report(folder.path(), &[&["--max-init-ms", "0"], &ways[..]].concat());
    assert_eq!((code, &found[..]), (Some(1), &["error slow-start bootstrap".to_owned()][..]));
    // The layer auth does not start without a configuration.
    let manifest = r#"{"version":1,"layers":["auth"],"functions":[{"name":"echo","handler":"echo"}]}"#;
    let mut entries = changed("faas.json", |entry| entry.1 = manifest.into());
    entries.retain(|entry| entry.0 != "layers/liblayer_monitor.so");
    entries.push(("layers/libauth.so", good("libauth.so"), Some(0o100_644)));
    zip(folder.path(), &entries);
    for platform in ["aws-lambda", "aliyun-fc", "azure-functions", "google-cloud", "huawei-functiongraph", "http"] {
        let ways = ["--start", "--platform", platform, "--glibc", "99.0", "shop.zip"];
        let (code, found, whole) = report(folder.path(), &ways);
        let errors: Vec<&String> = found.iter().filter(|finding| finding.starts_with("error")).collect();
        assert_eq!((code, &errors[..]), (Some(1), &[&"error does-not-start bootstrap".to_owned()][..]), "{whole:#}");
    }
}

#[test]
fn a_package_is_started_by_what_its_platform_starts_in_the_platforms_own_environment() {
    let folder = tempfile::tempdir().expect("there is room");
    let script = "#!/bin/sh\ncd \"${0%/*}\" && exec ./bootstrap\n";
    for (platform, script_name) in [
        ("aliyun-fc", None),
        ("aws-lambda", None),
        ("azure-container-apps", None),
        ("azure-functions", None),
        ("fn", None),
        ("google-cloud", None),
        ("http", None),
        ("huawei-functiongraph", None),
        ("knative", None),
        ("kubernetes", None),
        ("openfaas", None),
        ("openwhisk", Some("exec")),
        ("tencent-scf", Some("scf_bootstrap")),
        ("vefaas", Some("run.sh")),
        ("yandex", Some("handler.sh")),
    ] {
        let mut entries = package();
        entries.extend(script_name.map(|name| (name, script.into(), Some(0o100_755))));
        zip(folder.path(), &entries);
        let ways = ["--platform", platform, "--glibc", "99.0", "--start", "shop.zip"];
        let (_, found, whole) = report(folder.path(), &ways);
        let errors: Vec<&String> = found.iter().filter(|finding| finding.starts_with("error")).collect();
        assert!(errors.is_empty() && whole["initMs"].as_f64() > Some(0.0), "{platform}: {whole:#}");
    }
    // A runtime that is told to be on a platform ends where that platform's variables are not.
    zip(folder.path(), &package());
    let on = |platform: &str, told: &str| {
        let told = format!("FAAS_PLATFORM={told}");
        let ways = ["--platform", platform, "--glibc", "99.0", "--start", "--env", &told, "shop.zip"];
        report(folder.path(), &ways)
            .1
            .iter()
            .filter(|finding| finding.starts_with("error"))
            .cloned()
            .collect::<Vec<_>>()
    };
    for platform in ["aws-lambda", "fn"] {
        assert_eq!(on(platform, platform), [""; 0], "{platform}");
        assert_eq!(on("http", platform), ["error does-not-start bootstrap"], "{platform}");
    }
}

#[test]
fn every_file_of_a_package_is_listed_with_what_it_is() {
    let folder = tempfile::tempdir().expect("there is room");
    zip(folder.path(), &with(("README.md", b"#\n".to_vec(), Some(0o100_644))));
    let (_, _, report) = report(folder.path(), &["--files", "--platform", "aws-lambda", "--glibc", "99.0", "shop.zip"]);
    let one = |file: &Value| format!("{} {} {}", file["mode"], file["part"], file["path"]).replace('"', "");
    let files: Vec<String> = report["files"].as_array().expect("a list").iter().map(one).collect();
    let expected = [
        "0644 stray README.md",
        "0755 runtime bootstrap",
        "0644 manifest faas.json",
        "0644 function functions/libecho.so",
        "0644 layer layers/liblayer_monitor.so",
    ];
    assert_eq!(files, expected);
}
