//! The tool's reports on a serverless.yml: exit codes, words, and the JSON that is a contract.

use std::path::Path;
use std::process::{Command, Output};

const YML: &str = "service: shop
provider: {name: aliyun, memorySize: 256, region: '${env.REGION_OF_TEST}'}
functions:
  orders:
    memorySize: 512
    events:
      - http: {path: '/orders/:id', method: [get, put]}
      - timer: {name: nightly, cron: 0 0 2 * * *}
  list: {events: [{http: {path: /orders, method: get}}]}
";
const UNIT: &str = "aggregation:\n  all: {functionsPattern: '*'}\n";

fn tool(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-faas"))
        .args(arguments)
        .current_dir(folder)
        .env("REGION_OF_TEST", "cn-hangzhou")
        .output()
        .expect("the tool can be run")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("a file can be written");
    }
    folder
}

#[test]
fn a_right_yml_is_checked_with_exit_code_0_and_a_wrong_one_with_1() {
    let right = folder(&[("serverless.yml", YML)]);
    let output = tool(right.path(), &["check"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("serverless.yml: 0 errors, 1 warning, 2 functions in 2 deployments"));
    // What `templates` says of the platform is said here as well.
    assert!(text(&output).contains("the domain of Function Compute sends all below /orders/* to `orders`"));

    let wrong = folder(&[("f.yml", &YML.replace("memorySize: 512", "memroySize: 512"))]);
    let output = tool(wrong.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output).contains("--> f.yml:5:5") && text(&output).contains("did you mean `memorySize`?"),
        "{}",
        text(&output)
    );
}

#[test]
fn no_yml_and_two_ymls_are_failures_that_name_them() {
    let nothing = folder(&[]);
    let output = tool(nothing.path(), &["check"]);
    assert_eq!(output.status.code(), Some(1));
    let words = ["there is none of f.yml, ", "and no package in dist: --file, --dist or a path says what to check"];
    assert!(words.iter().all(|words| text(&output).contains(words)), "{}", text(&output));
    let two = folder(&[("f.yml", YML), ("serverless.yml", YML)]);
    let output = tool(two.path(), &["check"]);
    assert!(text(&output).contains("f.yml and serverless.yml"), "{}", text(&output));
}

#[test]
fn diagnostics_have_a_json_of_places_and_codes() {
    let wrong = folder(&[("serverless.yml", "service: shop\nfunctionz: {}\n")]);
    let output = tool(wrong.path(), &["check", "--json"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let first = &answer["diagnostics"][0];
    assert_eq!(first["code"], "unknown-key");
    assert_eq!(first["severity"], "error");
    assert_eq!(first["place"], serde_json::json!({"file": "serverless.yml", "line": 2, "column": 1}));
}

#[test]
fn a_plan_shows_what_an_edit_moves() {
    let folder = folder(&[("serverless.yml", &format!("{YML}{UNIT}")), ("before.yml", YML)]);
    let output = tool(folder.path(), &["plan", "--against", "before.yml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    for line in [
        "deployments, each with a cold start of its own: 2 -> 1",
        "memory of one instance of each: 768 MB -> 512 MB",
        "> GET /orders: list in list -> list in all",
        "> timer nightly: orders in orders -> orders in all",
    ] {
        assert!(text(&output).contains(line), "{line}\n{}", text(&output));
    }
    let output = tool(folder.path(), &["plan", "--json", "--against", "before.yml"]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    assert_eq!(answer["difference"]["move"].as_array().map(Vec::len), Some(4));
    assert_eq!(answer["difference"]["vanish"], serde_json::json!([]));
    assert_eq!(answer["plan"]["units"][0]["memoryMb"], 512);
}

#[test]
fn a_key_a_function_and_a_request_are_explained() {
    let folder = folder(&[("serverless.yml", &format!("{YML}{UNIT}"))]);
    for (about, said) in [
        (&["memorySize"][..], "on aws-lambda: MemorySize"),
        (&["orders"], "http GET, PUT /orders/:id  (serverless.yml:7:9)"),
        (&["orders"], "on aliyun-fc: 0 0 2 * * *"),
        (&["GET", "/orders/7"], "goes to `orders` in the unit `all`, by /orders/:id"),
        (&["put", "/orders"], "goes to no function: the path has GET, HEAD, OPTIONS"),
    ] {
        let arguments: Vec<&str> = std::iter::once("explain").chain(about.iter().copied()).collect();
        let output = tool(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(0), "{about:?}");
        assert!(text(&output).contains(said), "{about:?}: {}", text(&output));
    }
    let output = tool(folder.path(), &["explain", "nonsense"]);
    assert_eq!(output.status.code(), Some(1));
    let elsewhere = tempfile::tempdir().expect("a folder can be made");
    assert_eq!(tool(elsewhere.path(), &["explain", "timeout"]).status.code(), Some(0), "a key needs no yml");
}

#[test]
fn manifests_are_written_where_they_are_wanted() {
    let folder = folder(&[("serverless.yml", YML)]);
    let output = tool(folder.path(), &["manifest", "--out", "build"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    for (unit, path) in [("orders", "/orders/:id"), ("list", "/orders")] {
        let written =
            std::fs::read_to_string(folder.path().join("build").join(unit).join("faas.json")).expect("it is there");
        assert!(written.contains(&format!("\"path\": \"{path}\"")), "{written}");
    }
    let output = tool(folder.path(), &["manifest", "--unit", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("there are orders, list"), "{}", text(&output));
}

#[test]
fn dotenv_files_are_read_by_stage_and_the_environment_counts_before_them() {
    let yml = "service: shop\nfunctions:\n  a: {environment: {X: '${env.X_OF_TEST}', R: '${env.REGION_OF_TEST}'}}\n";
    let files = [
        ("serverless.yml", yml),
        (".env", "X_OF_TEST=plain\nREGION_OF_TEST=no\n"),
        (".env.prod", "X_OF_TEST=\"of prod\"\n"),
    ];
    let folder = folder(&files);
    for (stage, expected) in [("dev", "plain"), ("prod", "of prod")] {
        let output = tool(folder.path(), &["manifest", "--stage", stage]);
        let manifest: serde_json::Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output)));
        let environment = &manifest["functions"][0]["environment"];
        assert_eq!(environment, &serde_json::json!({"X": expected, "R": "cn-hangzhou"}), "{stage}");
    }
}
