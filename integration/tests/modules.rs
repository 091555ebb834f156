//! Libraries that a runtime must refuse, from `integration/bad-modules`: a message that names what was expected and
//! what was found, exactly one report at the platform, exit code over zero, no signal, no panic text. Over both
//! binaries.

use integration::artifacts::{self, Runtime, compile_c, workspace};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use std::path::{Path, PathBuf};
use std::process::Command;

integration::both![
    a_sound_module_loads,
    modules_from_c_are_refused_with_expected_and_found,
    files_that_are_no_module_are_refused_with_expected_and_found,
    a_module_without_its_dependency_is_refused_by_its_name,
    a_module_without_permission_is_refused,
    names_that_lead_out_of_the_folder_are_refused,
    an_unknown_function_is_refused_with_a_list_of_what_there_is,
    a_missing_file_is_refused_with_every_place_looked_at,
    a_bad_layer_is_refused_like_a_bad_function,
    an_optional_layer_that_is_bad_is_skipped_with_a_line,
    a_library_is_described_without_being_started,
];

fn sources() -> PathBuf {
    workspace().join("integration/bad-modules")
}

/// Compiles one of the bad modules.
fn bad(name: &str, more: &[&str]) -> PathBuf {
    let mut flags = vec!["-fvisibility=hidden"];
    flags.extend(more);
    let library = compile_c(&sources().join(format!("{name}.c")), &format!("bad-{name}.so"), &flags);
    library.unwrap_or_else(|why| panic!("{why}"))
}

/// Returns the rows of the README's table: module, message.
fn table() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(sources().join("README.md")).expect("the folder says what is in it");
    let mut rows = Vec::new();
    let mut module = String::new();
    for line in
        readme.lines().skip_while(|line| !line.starts_with("| `sound`")).take_while(|line| line.starts_with('|'))
    {
        let cells: Vec<&str> = line.split(" | ").collect();
        if let Some(name) = cells[0].split('`').nth(1) {
            module = name.to_owned();
        }
        let Some(message) = cells.last().and_then(|cell| quoted(cell)) else { continue };
        // The words before the symbol are the linker's or the runtime's own; the symbol is in both.
        rows.push((module.clone(), message.replace("undefined symbol: faas_module_v1", "faas_module_v1")));
    }
    assert!(rows.len() > 15, "the table has its rows: {rows:?}");
    rows
}

/// Returns the first text between one or two backticks.
fn quoted(cell: &str) -> Option<String> {
    let start = cell.find('`')?;
    let mark = if cell[start..].starts_with("``") { "``" } else { "`" };
    let text = cell[start + mark.len()..].split(mark).next()?;
    Some(text.to_owned())
}

/// Starts with a library of that name in the task root and asserts a clean refusal with these words.
fn refused(runtime: &Runtime, what: &str, deployment: Deployment, handler: &str, words: &[&str]) {
    let run = OnAws::launch(runtime, deployment, handler, Options::default());
    let answer = run.aws.invoke("{}");
    let output = run.process.output();
    assert_eq!(answer.kind, Kind::InitError, "{what}: {}; output:\n{output}", answer.text());
    let status = run.process.wait(limit()).unwrap_or_else(|late| panic!("{what}: {late}"));
    assert!(status.code().is_some_and(|code| code > 0), "{what}: {status}");
    let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("the report is JSON");
    let message = json["errorMessage"].as_str().unwrap_or_default();
    let output = run.process.output();
    for word in words {
        assert!(message.contains(word), "{what}: expected {word:?} in the report, found: {message}");
        assert!(output.contains(word), "{what}: expected {word:?} in the log, found:\n{output}");
    }
    assert!(!output.contains("panicked"), "{what}: no panic text:\n{output}");
    let now = run.aws.snapshot();
    assert_eq!((run.aws.init_errors().len(), now.init_errors, now.next_calls), (1, 1, 0), "{what}");
    run.assert_clean();
}

/// Returns a task root with that library as `libbad.so`.
fn with(library: &Path) -> Deployment {
    Deployment::empty().file("libbad.so", library)
}

fn a_sound_module_loads(runtime: &Runtime) {
    let run = OnAws::launch(runtime, with(&bad("sound", &[])), "bad.echo", Options::default()).polling();
    assert_eq!(run.call("the others fail for their own reason").text(), "the others fail for their own reason");
    run.assert_clean();
}

fn modules_from_c_are_refused_with_expected_and_found(runtime: &Runtime) {
    let rows = table();
    let mut names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    names.dedup();
    for name in names.into_iter().filter(|name| !matches!(*name, "sound" | "missing-dependency")) {
        let words: Vec<&str> = rows.iter().filter(|(row, _)| row == name).map(|(_, word)| word.as_str()).collect();
        refused(runtime, name, with(&bad(name, &[])), "bad.echo", &words);
    }
}

fn a_module_without_its_dependency_is_refused_by_its_name(runtime: &Runtime) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let build = |arguments: &[&str]| {
        let status = Command::new("cc").current_dir(folder.path()).args(["-shared", "-fPIC"]).args(arguments).status();
        assert!(status.expect("cc starts").success(), "{arguments:?}");
    };
    let source = |name: &str| sources().join(name).display().to_string();
    let include = workspace().join("handlers-sdk/abi/include").display().to_string();
    build(&["-o", "libmissing.so", &source("missing.c")]);
    build(&["-I", &include, "-o", "bad.so", &source("missing-dependency.c"), "-L", ".", "-lmissing"]);
    std::fs::remove_file(folder.path().join("libmissing.so")).expect("it was there");
    let rows = table();
    let words: Vec<&str> =
        rows.iter().filter(|(name, _)| name == "missing-dependency").map(|(_, word)| word.as_str()).collect();
    assert_eq!(words.len(), 1);
    refused(runtime, "missing-dependency", with(&folder.path().join("bad.so")), "bad.echo", &words);
}

fn files_that_are_no_module_are_refused_with_expected_and_found(runtime: &Runtime) {
    let sound = std::fs::read(bad("sound", &[])).expect("it was compiled");
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = sound.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        file
    };
    let cut = |length: usize| sound[..length].to_vec();
    let (other, words): (u8, [&str; 2]) = if cfg!(target_arch = "aarch64") {
        (62, ["for AArch64 (ELF machine 183)", "found one for x86-64 (machine 62)"])
    } else {
        (183, ["for x86-64 (ELF machine 62)", "found one for AArch64 (machine 183)"])
    };
    let cases: [(&str, Vec<u8>, &[&str]); 9] = [
        ("a script", b"#!/bin/sh\nexit 0\n".to_vec(), &["expected an ELF shared library", "#!/bin/sh"]),
        ("an empty file", Vec::new(), &["expected an ELF shared library, found an empty file"]),
        ("cut in the header", cut(40), &["truncated: expected at least 64 bytes, found 40"]),
        ("cut in the program headers", cut(100), &["the file is truncated: expected at least", "found 100"]),
        ("cut in a segment", cut(sound.len() / 4), &["the file is truncated: expected at least"]),
        ("32-bit", changed(4, &[1]), &["expected a 64-bit library (ELF class 2), found a 32-bit one (class 1)"]),
        ("big-endian", changed(5, &[2]), &["expected a little-endian library (ELF data 1), found data 2"]),
        ("another architecture", changed(18, &[other, 0]), &words),
        (
            "an executable",
            changed(16, &[2, 0]),
            &["expected a shared library (ELF type 3), found an executable (type 2)"],
        ),
    ];
    for (what, bytes, words) in cases {
        let deployment = Deployment::empty();
        std::fs::write(deployment.path("libbad.so"), bytes).expect("the task root is writable");
        refused(runtime, what, deployment, "bad.echo", words);
    }
    let deployment = Deployment::empty();
    std::fs::create_dir(deployment.path("libbad.so")).expect("the task root is writable");
    refused(runtime, "a directory", deployment, "bad.echo", &["expected a shared library, found a directory"]);
    let deployment = Deployment::empty();
    let pipe = Command::new("mkfifo").arg(deployment.path("libbad.so")).status();
    assert!(pipe.expect("mkfifo starts").success());
    refused(runtime, "a pipe", deployment, "bad.echo", &["found something that is no regular file"]);
    let dangling = Deployment::empty().file("libbad.so", Path::new("/nowhere/at/all.so"));
    refused(runtime, "a dangling link", dangling, "bad.echo", &["libbad.so"]);
    let program = artifacts::get().light_bootstrap();
    let words = ["cannot dynamically load position-independent executable"];
    refused(runtime, "a position-independent executable", with(&program.path), "bad.echo", &words);
}

fn a_module_without_permission_is_refused(runtime: &Runtime) {
    use std::os::unix::fs::PermissionsExt;
    let deployment = Deployment::empty();
    let path = deployment.path("libbad.so");
    std::fs::copy(bad("sound", &[]), &path).expect("the task root is writable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).expect("it is ours");
    if std::fs::File::open(&path).is_ok() {
        // Root may read it all the same: then nothing is refused, and it loads.
        let run = OnAws::launch(runtime, deployment, "bad.echo", Options::default()).polling();
        assert_eq!(run.call("root").text(), "root");
        return;
    }
    refused(runtime, "no permission", deployment, "bad.echo", &["expected a readable file", "Permission denied"]);
}

fn names_that_lead_out_of_the_folder_are_refused(runtime: &Runtime) {
    for handler in
        ["../bad.echo", "..", "a/../../bad.echo", "/tmp/bad.echo", "sub/bad.echo", "bad..echo", ".echo", "bad."]
    {
        let deployment = with(&bad("sound", &[]));
        refused(runtime, handler, deployment, handler, &[handler, "expected `library.name` or `library`"]);
    }
}

fn an_unknown_function_is_refused_with_a_list_of_what_there_is(runtime: &Runtime) {
    let words = ["no function \"nobody\"", "it offers: echo"];
    refused(runtime, "unknown function", with(&bad("sound", &[])), "bad.nobody", &words);
    let words = ["no function is named", "environment, gate, hold"];
    refused(runtime, "one of several", Deployment::of("probe"), "probe", &words);
}

fn a_missing_file_is_refused_with_every_place_looked_at(runtime: &Runtime) {
    let deployment = Deployment::empty();
    let places = ["libgone.so", "gone.so", "functions/libgone.so", "functions/gone.so"];
    let places = places.map(|place| deployment.path(place).display().to_string());
    let words: Vec<&str> = places.iter().map(String::as_str).collect();
    refused(runtime, "missing file", deployment, "gone.echo", &words);
}

fn a_bad_layer_is_refused_like_a_bad_function(runtime: &Runtime) {
    let deployment = with(&bad("sound", &[])).file("liblayer_wrong.so", &bad("wrong-magic", &[])).layers(&["wrong"]);
    let words = ["liblayer_wrong.so", "magic: expected 0x464141532d414249"];
    refused(runtime, "a layer of wrong magic", deployment, "bad.echo", &words);
    let deployment = with(&bad("sound", &[])).layers(&["absent"]);
    let words = ["no library for layer \"absent\"", "/opt/layers/liblayer_absent.so"];
    refused(runtime, "an absent layer", deployment, "bad.echo", &words);
}

fn an_optional_layer_that_is_bad_is_skipped_with_a_line(runtime: &Runtime) {
    let deployment = with(&bad("sound", &[])).file("liblayer_wrong.so", &bad("wrong-magic", &[])).layers(&["wrong?"]);
    let run = OnAws::launch(runtime, deployment, "bad.echo", Options::default()).polling();
    let line = run
        .process
        .wait_for_line(|line| line.contains(" WARN - runtime: skipped: optional layer \"wrong\": "), limit())
        .expect("it says so");
    assert!(line.contains("magic: expected 0x464141532d414249"), "{line}");
    assert_eq!(run.call("without it").text(), "without it");
    run.assert_clean();
}

/// The description by `--describe` is one line of JSON, the same by both runtimes. A mistake that would refuse a module
/// at the start refuses it here.
fn a_library_is_described_without_being_started(runtime: &Runtime) {
    let describe = |arguments: &[&Path]| {
        let output =
            Command::new(&runtime.path).arg("--describe").args(arguments).output().expect("the runtime starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, said, error) = describe(&[artifacts::get().module("shop")]);
    assert_eq!((code, error.as_str()), (Some(0), ""), "{said}");
    let shop: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
    // In which order a linker leaves the functions of a class is its own affair.
    let functions = shop["functions"].as_array().expect("it is a list");
    let order = functions.iter().find(|function| function["name"] == "order").expect("it is among them");
    assert_eq!((functions.len(), &order["group"]), (4, &"shop".into()));
    assert_eq!(order["triggers"], serde_json::json!([{"http": {"method": ["GET"], "path": "/orders/{id}"}}]));
    assert_eq!((said.lines().count(), shop["layers"].as_array().map(Vec::len)), (1, Some(0)));
    let (_, said, _) = describe(&[artifacts::get().module("auth")]);
    let auth: serde_json::Value = serde_json::from_str(&said).expect("it is JSON");
    assert_eq!(auth["layers"], serde_json::json!([{"name": "auth", "isRequired": true}]));

    let (code, said, error) = describe(&[&bad("null-table", &[])]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(error.starts_with(&format!("{}: ", runtime.name)), "{error}");
    let (code, _, error) = describe(&[]);
    let expected = format!("{}: --describe: expected the path of a library, found nothing\n", runtime.name);
    assert_eq!((code, error), (Some(2), expected));
}
