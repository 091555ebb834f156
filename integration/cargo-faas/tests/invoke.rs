//! The built tool over the artefacts that all behaviour tests share: one event through both runtimes, to the last
//! phase, and its output and exit code when a step fails. Nothing is built here.
#![forbid(unsafe_code)]

use integration::{artifacts, wait};
use platform_emulators::process::{Process, Signal};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

fn tool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-faas")).args(arguments).output().expect("the tool starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of artefacts are text")
}

/// Runs `invoke` with built files and returns its output.
fn invoke(runtime: &Path, function: &str, more: &[&str]) -> Output {
    let built = artifacts::get();
    let layers = format!("{},{}", path(built.module("layer_monitor")), path(built.module("layer_metrics")));
    let function = path(built.module(function));
    let files = ["invoke", "--runtime", path(runtime), "--function", function, "--layers", &layers];
    tool(&[&files, more].concat())
}

#[test]
fn one_event_goes_through_both_runtimes_and_every_phase_is_named_in_order() {
    for runtime in artifacts::get().both() {
        let output = invoke(&runtime.path, "hello", &[]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}: {said}{}", runtime.name, text(&output.stderr));
        let table = said.split("phases ").nth(1).unwrap_or_else(|| panic!("{}: no phases in {said}", runtime.name));
        let rows: Vec<_> = table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(rows, ["RuntimeStart", "FunctionStart", "Invoke", "Close"], "{}: {said}", runtime.name);
        assert!(said.contains(r#""hello":"Ada Lovelace""#), "{}: {said}", runtime.name);
        assert!(said.contains("reply     200, "), "{}: {said}", runtime.name);
        assert!(said.contains("SIGTERM, exit status: 0 after "), "{}: {said}", runtime.name);
    }
}

#[test]
fn an_event_of_ones_own_is_sent_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("event.json");
    std::fs::write(&file, r#"{"n":41}"#).expect("the event is written");
    let output = invoke(&artifacts::get().light_bootstrap().path, "echo", &["--event", path(&file)]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    assert!(said.contains("\n          {\"n\":41}\n"), "{said}");
}

#[test]
fn the_answer_in_json_is_alone_on_the_standard_output_and_says_all_that_is_known() {
    let runtime = &artifacts::get().light_bootstrap().path;
    let answer = |output: &Output| -> Value { serde_json::from_slice(&output.stdout).expect("it is JSON") };
    let output = invoke(runtime, "hello", &["--json"]);
    let said = answer(&output);
    let one = &said["invocations"][0];
    assert_eq!(
        (output.status.code(), &one["status"], &one["failed"]),
        (Some(0), &json!(200), &json!(false)),
        "{said:#}"
    );
    assert_eq!(
        (&one["coldStart"], &one["problem"], &one["platform"]),
        (&json!(true), &Value::Null, &json!("aws-lambda"))
    );
    let body = one["reply"]["text"].as_str().expect("a text");
    assert!(body.contains("Ada Lovelace") && one["reply"]["bytes"] == body.len(), "{said:#}");
    assert_eq!(one["replyHeaders"], json!([["content-type", "application/json"]]));
    let phases: Vec<&Value> = said["phases"].as_array().expect("a list").iter().map(|phase| &phase["name"]).collect();
    assert_eq!(phases, ["RuntimeStart", "FunctionStart", "Invoke", "Close"]);
    assert_eq!(said["shutdown"]["exitCode"], 0);
    assert!(text(&output.stderr).contains("reply     200, "), "people read it on the other output");

    let output = invoke(runtime, "faulty", &["--json", "--data", r#"{"do":"panic"}"#]);
    let said = answer(&output);
    assert_eq!((output.status.code(), &said["invocations"][0]["failed"]), (Some(1), &json!(true)), "{said:#}");
    let why = said["invocations"][0]["problem"]["message"].as_str().expect("a text");
    assert!(why.contains("asked for a panic"), "{why}");
}

#[test]
fn a_signal_ends_the_runtime_and_removes_the_folder() {
    let built = artifacts::get();
    let runtime = path(&built.light_bootstrap().path);
    for (platform, signal, code) in
        [("aws-lambda", Signal::Int, 130), ("fc", Signal::Term, 143), ("yandex", Signal::Hup, 129)]
    {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
        tool.args(["invoke", "--runtime", runtime, "--layers", "", "--function", path(built.module("faulty"))]);
        tool.args(["--platform", platform, "--data", r#"{"do":"sleep","ms":60000}"#]);
        let tool = Process::spawn(tool, |_| ()).expect("the tool starts");
        tool.wait_for_line(|line| line.starts_with("event "), wait::limit()).expect("it sends the event");
        tool.signal(signal).expect("it is sent");
        let status = tool.wait(wait::limit()).expect("it ends");
        let said = tool.output();
        assert_eq!(status.code(), Some(code), "{platform}: {said}");
        let word = |before: &str| said.split(before).nth(1).and_then(|rest| rest.split([',', ':']).next());
        let pid = word(", pid ").expect("the process is named");
        assert!(!Path::new("/proc").join(pid).exists(), "{platform}: {pid} runs: {said}");
        let folder = word("task      ").expect("the folder is named");
        assert!(folder.starts_with('/') && !Path::new(folder).exists(), "{platform}: {folder} is there: {said}");
        assert!(!said.contains("failed: "), "{platform}: {said}");
    }
}

/// Every platform but AWS Lambda, whose control plane the tests above see.
const PLATFORMS: [&str; 14] = [
    "aliyun-fc",
    "azure-container-apps",
    "azure-functions",
    "fn",
    "google-cloud",
    "http",
    "huawei-functiongraph",
    "knative",
    "kubernetes",
    "openfaas",
    "openwhisk",
    "tencent-scf",
    "vefaas",
    "yandex",
];

#[test]
fn on_every_platform_one_event_goes_through_both_runtimes_and_every_phase_is_told() {
    for runtime in artifacts::get().both() {
        for platform in PLATFORMS {
            let output = invoke(&runtime.path, "hello", &["--platform", platform, "--json"]);
            let about = format!("{}, {platform}: {}", runtime.name, text(&output.stderr));
            assert_eq!(output.status.code(), Some(0), "{about}");
            let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {about}"));
            let one = &said["invocations"][0];
            assert_eq!((&one["platform"], &one["status"]), (&json!(platform), &json!(200)), "{about}");
            let body = one["reply"]["text"].as_str().expect("a text");
            assert!(body.contains(r#""hello":"Ada Lovelace""#), "{body}; {about}");
            let phases = said["phases"].as_array().expect("a list").iter().map(|phase| &phase["name"]);
            assert_eq!(
                phases.collect::<Vec<_>>(),
                ["RuntimeStart", "FunctionStart", "Invoke", "Close"],
                "{said:#}; {about}"
            );
            assert!(text(&output.stderr).contains(&format!("platform {platform} (")), "the runtime found it: {about}");
        }
    }
}

#[test]
fn on_another_platform_a_sample_is_one_of_its_own_and_a_failure_is_told() {
    let runtime = &artifacts::get().light_bootstrap().path;
    for (platform, sample, part) in [
        ("tencent", "tencent/timer", r#""TriggerName":"#),
        ("knative", "knative/ping", r#"{"run":"full"}"#),
        ("yandex", "yandex/ymq", "queue_id"),
        ("azure", "azure/queue", "order"),
    ] {
        let output = invoke(runtime, "echo", &["--platform", platform, "--sample", sample]);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
        assert!(said.contains(&format!("event     {sample}, ")), "{said}");
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = invoke(runtime, "echo", &["--platform", "tencent", "--sample", "aws/sqs"]);
    let error = text(&output.stderr);
    assert!(
        error.contains("aws/sqs is sent by aws-lambda, and this is tencent-scf: say --platform aws-lambda"),
        "{error}"
    );

    for platform in ["fc", "huawei", "http", "openwhisk", "yandex"] {
        let failing = ["--platform", platform, "--data", r#"{"do":"panic"}"#, "--json"];
        let output = invoke(runtime, "faulty", &failing);
        let said: Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
        let one = &said["invocations"][0];
        assert_eq!((output.status.code(), &one["failed"]), (Some(1), &json!(true)), "{platform}: {said:#}");
        assert!(one["status"].as_u64() >= Some(500), "{platform}: {said:#}");
        assert!(text(&output.stderr).contains("\nfailed: invocation: "), "{platform}: {}", text(&output.stderr));
    }

    let error = text(&invoke(runtime, "faulty", &["--platform", "azure", "--data", r#"{"do":"panic"}"#]).stderr);
    assert!(error.contains("failed: invocation: Panic: asked for a panic"), "{error}");
    let error = text(&invoke(runtime, "hello", &["--platform", "mars"]).stderr);
    assert!(error.contains("failed: platform: there is no local platform \"mars\"; there are aws-lambda, "), "{error}");
}

#[test]
fn a_library_without_functions_and_a_start_that_fails_are_failures_that_say_why() {
    let runtime = &artifacts::get().light_bootstrap().path;
    let monitor = artifacts::get().module("layer_monitor");
    let output = tool(&["invoke", "--runtime", path(runtime), "--function", path(monitor)]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let error = text(&output.stderr);
    assert_eq!(error, format!("failed: function: no library declares one: {}\n", path(monitor)));

    let shop = path(artifacts::get().module("shop"));
    let output = tool(&["invoke", "--runtime", path(runtime), "--function", shop]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    let error = text(&output.stderr);
    assert!(error.starts_with("failed: starting the runtime: light-bootstrap reported a failed start: "), "{error}");

    let failing = ["--platform", "openfaas", "--env", "FAULTY_START=error"];
    let error = text(&invoke(runtime, "faulty", &failing).stderr);
    assert!(error.contains("OpenFaaS: the process ended before /_/health was 200: exit status: 1; output:"), "{error}");
    assert!(error.contains("Faulty.Start: asked not to start"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = tool(&["invoke", "--runtime", "/no/such/bootstrap", "--layers", "", "--function", "/no/f.so"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("/no/such/bootstrap"), "{}", text(&output.stderr));
    assert_eq!(tool(&["--nonsense"]).status.code(), Some(2));
}

#[test]
fn what_the_layer_record_wrote_down_is_sent_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("recording.json");
    let runtime = &artifacts::get().light_bootstrap().path;
    let replay = |recorded: &str, function: &str| {
        std::fs::write(&file, recorded).expect("the recording is written");
        invoke(runtime, function, &["--replay", path(&file)])
    };
    let event = replay(r#"{"version":1,"event":{"json":{"n":41}},"failure":{"kind":"Panic"}}"#, "echo");
    assert!(text(&event.stdout).contains("\n          {\"n\":41}\n"), "{}{}", text(&event.stdout), text(&event.stderr));
    let request = r#"{"version":1,"http":{"method":"GET","target":"/?name=Ann","headers":[["host","shop.example"]]}}"#;
    let request = replay(request, "hello");
    assert!(text(&request.stdout).contains(r#""hello":"Ann""#), "{}{}", text(&request.stdout), text(&request.stderr));
    let unknown = replay(r#"{"version":2,"event":{"json":1}}"#, "echo");
    assert_eq!(unknown.status.code(), Some(1), "{}", text(&unknown.stdout));
    assert!(text(&unknown.stderr).contains("its version is 2"), "{}", text(&unknown.stderr));
}
