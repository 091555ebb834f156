//! The folders that the tool takes for a project, and its message where there is none: a crate, a workspace and its
//! members, with a yml and without, files; variables; and the commands about no project at all.
#![forbid(unsafe_code)]

use integration::artifacts;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// Returns the tool in a folder.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
    command.args(arguments).current_dir(folder).env("CARGO_TARGET_DIR", artifacts::target_of_tool(folder));
    command.env("CARGO_NET_OFFLINE", "true").env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
    command
}

fn tool(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().expect("the tool starts")
}

fn invoke(folder: &Path, more: &[&str]) -> Output {
    let runtime = path(&artifacts::get().light_bootstrap().path);
    tool(folder, &[&["invoke", "--runtime", runtime][..], more].concat())
}

fn path(path: &Path) -> &str {
    path.to_str().expect("paths of artefacts are text")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Returns the output of an invocation that ends well.
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(output));
    text(output)
}

/// Returns the last line of a failure.
fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", text(output));
    String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

/// Returns the folder of a workspace of two packages: the function of `web-part` serves requests, and that of
/// `queue-part` takes messages of a queue.
fn workspace() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    write(folder.path(), "Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = []\n");
    std::fs::copy(artifacts::workspace().join("Cargo.lock"), folder.path().join("Cargo.lock")).expect("it is copied");
    for (name, template) in [("web-part", "http"), ("queue-part", "event")] {
        said(&tool(folder.path(), &["new", name, "--template", template]));
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file can be written");
}

#[test]
fn in_a_member_it_is_the_member_and_in_the_root_of_a_workspace_all_of_them() {
    let folder = workspace();
    let root = folder.path();
    let all = said(&invoke(root, &[]));
    assert!(all.contains("build     queue-part, web-part (dev)\n"), "{all}");
    assert!(all.contains(": functions work, hello, no layers\n"), "{all}");
    assert!(
        all.contains(r#"{"hello":"Ada Lovelace","platform":"aws-lambda"}"#),
        "a request before anything else: {all}"
    );
    for (place, more, function) in [
        ("web-part", &[][..], "hello"),
        ("web-part/src", &[], "hello"),
        ("queue-part", &[], "work"),
        ("", &["-p", "queue-part"], "work"),
        ("", &["--function", "work"], "work"),
        ("", &["--function", "queue_part.work"], "work"),
        ("queue-part", &["--function", "web-part"], "hello"),
    ] {
        let one = said(&invoke(&root.join(place), more));
        assert!(one.contains(&format!(": function {function}, no layers\n")), "{place} {more:?}: {one}");
    }
    let error = failure(&invoke(root, &["-p", "nobody"]));
    let root = root.canonicalize().expect("it is there");
    assert_eq!(
        error,
        format!(
            "failed: package: expected a package of {} with `crate-type = [\"cdylib\"]`, found nobody; there are: \
             queue-part, web-part",
            root.display()
        )
    );
    let error = failure(&invoke(&root, &["--function", "nobody"]));
    assert_eq!(error, "failed: function: there is no function `nobody`; there are: work, hello");
}

const YML: &str = "service: parts
functions:
  greet:
    handler: web-part.hello
    events: [{http: {path: /greet/*, method: get}}]
  take: {handler: queue_part.work}
";

#[test]
fn with_a_yml_it_is_what_the_yml_says_wherever_in_the_workspace_one_is() {
    let folder = workspace();
    let root = folder.path();
    write(root, "serverless.yml", YML);
    for place in ["", "web-part", "queue-part/src"] {
        let first = said(&invoke(&root.join(place), &[]));
        assert!(first.contains("chosen    greet; --function names another: take\n"), "{place}: {first}");
        assert!(first.contains("GET /greet/1, ") && first.contains(": function greet, "), "{place}: {first}");
    }
    let other = said(&invoke(root, &["--function", "take", "--sample", "aws/sqs"]));
    assert!(other.contains("function take: working on order 7"), "{other}");

    let outside = tempfile::tempdir().expect("a folder can be made");
    write(outside.path(), "f.yml", YML);
    let first = said(&invoke(root, &["--file", path(&outside.path().join("f.yml"))]));
    assert!(first.contains("GET /greet/1, ") && first.contains(": function greet, "), "{first}");

    write(root, "serverless.yml", &YML.replace("web-part.hello", "hello"));
    let error = failure(&invoke(root, &[]));
    assert_eq!(
        error,
        "failed: function: greet of the deployment greet: no library `hello` for the handler `hello`; there is: \
         queue_part, web_part; did you mean `web_part.hello`?"
    );
    write(root, "serverless.yml", &YML.replace("web-part.hello", "web-part.helo"));
    let error = failure(&invoke(root, &[]));
    assert!(error.ends_with("the handler `web-part.helo`: no function \"helo\" in it; it offers: hello"), "{error}");

    write(root, "serverless.yml", &YML.replace("service", "servce"));
    let wrong = invoke(root, &[]);
    assert_eq!(failure(&wrong), "failed: yml: serverless.yml is not right; what is wrong is said above");
    assert!(text(&wrong).contains("did you mean `service`?"), "{}", text(&wrong));
}

#[test]
fn a_crate_without_a_library_and_a_folder_without_code_say_what_is_expected() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let place = folder.path().canonicalize().expect("it is there");
    assert_eq!(
        failure(&invoke(&place, &[])),
        format!(
            "failed: project: there is none in {}: expected a Cargo.toml here or above, a go.mod, or files in C or C++; \
             `cargo faas new` makes one",
            place.display()
        )
    );
    write(&place, "Cargo.toml", "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    std::fs::create_dir(place.join("src")).expect("it can be made");
    write(&place, "src/lib.rs", "");
    assert_eq!(
        failure(&invoke(&place, &[])),
        format!(
            "failed: build: no package of {} makes a shared library that is needed here: one of functions has \
             `crate-type = [\"cdylib\"]` in the table [lib] of its Cargo.toml",
            place.display()
        )
    );
    write(
        &place,
        "Cargo.toml",
        "[package]\nname = \"plain\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n",
    );
    let error = failure(&invoke(&place, &[]));
    assert!(
        error.starts_with("failed: library: ") && error.contains("libplain.so: expected the symbol faas_module_v1"),
        "{error}"
    );
    write(&place, "src/lib.rs", "pub fn broken( {}");
    let error = failure(&invoke(&place, &[]));
    assert!(
        error.starts_with("failed: build: cargo build ended with exit status: 101; what it said is above"),
        "{error}"
    );
}

#[test]
fn in_the_root_of_this_repository_it_is_the_order_service_unless_something_else_is_named() {
    let root = artifacts::workspace();
    let shop = said(&invoke(root, &["--alone"]));
    assert!(shop.contains("build     layer-cors, layer-monitor, shop (dev)\n"), "{shop}");
    assert!(shop.contains("functions report, buy, order, deliver, layers monitor, cors\n"), "{shop}");
    assert!(shop.contains("          {\"shop\":\"tea\",\"orders\":0,\"left\":5}\n"), "{shop}");
    let hello = said(&invoke(root, &["--alone", "--function", "hello"]));
    assert!(hello.contains("build     hello (dev)\n") && hello.contains(": function hello, no layers\n"), "{hello}");
}

#[test]
fn a_function_of_a_file_sees_the_variables_that_it_is_given_and_may_reply_a_text() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let shop = format!("{}:report", path(artifacts::get().module("shop")));
    write(folder.path(), "vars", "FAAS_CONFIG='{\"name\":\"of the file\"}'\n");
    let config = r#"FAAS_CONFIG={"name":"north","stock":3}"#;
    let output = said(&invoke(folder.path(), &["--function", &shop, "--data", "{}", "--env", config]));
    assert!(output.contains("          {\"shop\":\"north\",\"orders\":0,\"left\":3}\n"), "{output}");
    let output = said(&invoke(folder.path(), &["--function", &shop, "--data", "{}", "--env-file", "vars"]));
    assert!(output.contains("          {\"shop\":\"of the file\",\"orders\":0,\"left\":0}\n"), "{output}");
    let both = ["--function", &shop, "--data", "{}", "--env-file", "vars", "--env", config];
    assert!(said(&invoke(folder.path(), &both)).contains("\"north\""));

    let error = failure(&invoke(folder.path(), &["--function", &format!("{shop}s")]));
    assert_eq!(error, "failed: function: there is no function `shop.reports`; there are: buy, deliver, order, report");
}

#[test]
fn settings_of_the_callers_environment_are_handed_on_and_those_that_the_tool_decides_are_refused_aloud() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let runtime = path(&artifacts::get().light_bootstrap().path);
    let echo = path(artifacts::get().module("echo"));
    let arguments = ["invoke", "--runtime", runtime, "--function", echo, "--data", "7"];
    let refused = command(folder.path(), &arguments).env("FAAS_HANDLER", "other").output().expect("the tool starts");
    let line = "refused   FAAS_HANDLER of the environment: --function says which function runs\n";
    assert!(said(&refused).contains(line), "{}", text(&refused));
    let wrong = command(folder.path(), &arguments).env("FAAS_LOG", "loud").output().expect("the tool starts");
    assert!(failure(&wrong).contains("light-bootstrap"), "{}", text(&wrong));
    assert!(text(&wrong).contains("FAAS_LOG"), "{}", text(&wrong));

    write(folder.path(), "vars", "FAAS_LAYERS=x\n");
    let error = failure(&invoke(folder.path(), &["--function", echo, "--env-file", "vars"]));
    assert_eq!(error, "failed: env file: vars: FAAS_LAYERS: --layers says which layers run");
    let usage = invoke(folder.path(), &["--env", "FAAS_ROOT=/"]);
    assert_eq!(usage.status.code(), Some(2));
    let words = "error: invalid value 'FAAS_ROOT=/' for '--env <NAME=VALUE>': FAAS_ROOT is not for --env: libraries are where \
                 the tool lays them";
    assert!(text(&usage).starts_with(words), "{}", text(&usage));
}

#[test]
fn an_event_comes_from_the_standard_input_or_from_the_samples_of_the_platform() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let runtime = path(&artifacts::get().light_bootstrap().path);
    let echo = path(artifacts::get().module("echo"));
    let mut child = command(folder.path(), &["invoke", "--runtime", runtime, "--function", echo, "--event", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the tool starts");
    child.stdin.take().expect("it is a pipe").write_all(b"{\"n\": 41}").expect("it is read");
    let output = child.wait_with_output().expect("it ends");
    assert!(said(&output).contains("\n          {\"n\": 41}\n"), "{}", text(&output));
    let error = failure(&invoke(folder.path(), &["--function", echo, "--data", "{"]));
    assert!(error.starts_with("failed: event: --data: expected JSON: "), "{error}");
    let error = failure(&invoke(folder.path(), &["--function", echo, "--sample", "aliyun/oss"]));
    assert_eq!(
        error,
        "failed: event: aliyun/oss is sent by aliyun-fc, and this is aws-lambda: say --platform aliyun-fc"
    );
}

#[test]
fn the_events_of_all_platforms_are_listed_and_printed_to_the_byte() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let printed = tool(folder.path(), &["events", "print", "aws/sqs"]);
    let file = artifacts::workspace().join("handlers-sdk/samples/aws/sqs.json");
    assert_eq!(printed.stdout, std::fs::read(file).expect("the sample is there"));
    let listed = tool(folder.path(), &["events", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("it is JSON");
    let events = listed["events"].as_array().expect("it is a list");
    let first = serde_json::json!({"name": "aliyun/apigateway", "platform": "aliyun-fc", "trigger": "http",
        "source": "aliyun:apigateway", "isRequest": false, "bytes": events[0]["bytes"]});
    assert_eq!(events[0], first);
    let count = |about: &str| said(&tool(folder.path(), &["events", "list", about])).lines().count();
    assert!(count("aws-lambda") > 20 && count("timer") > 5 && count("aws/sqs") == 2);
    assert!(failure(&tool(folder.path(), &["events", "print", "sqs"])).contains("there are: aws/sqs"));
}

#[test]
fn cargo_finds_the_tool_as_its_subcommand() {
    let folder = PathBuf::from(env!("CARGO_BIN_EXE_cargo-faas"));
    let folder = folder.parent().expect("it lies in a folder");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path)));
    let run = |arguments: &[&str]| {
        let mut cargo = artifacts::cargo();
        let output = cargo.args(arguments).env("PATH", path.as_ref().expect("paths can be joined")).output();
        output.expect("cargo starts")
    };
    let help = said(&run(&["faas", "--help"]));
    assert!(
        help.contains("Usage: cargo faas [COMMAND]")
            && help.contains("Exit codes: 0 done, 1 a step failed, 2 wrong usage, 129 SIGHUP ended invoke or"),
        "{help}"
    );
    let usage = run(&["faas", "invoke", "--nonsense"]);
    assert_eq!(usage.status.code(), Some(2), "{}", text(&usage));
    assert!(text(&usage).starts_with("error: unexpected argument '--nonsense' found"), "{}", text(&usage));
    assert!(!text(&usage).contains('\x1b'), "no colours where there is no terminal");
    for shell in ["bash", "zsh", "fish"] {
        let completions = said(&run(&["faas", "completions", shell]));
        assert!(completions.contains("cargo-faas") && completions.contains("invoke"), "{shell}: {completions}");
    }
}

#[test]
fn bash_completes_the_words_behind_cargo_faas_and_leaves_all_others_to_cargos_own() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    write(folder.path(), "faas.bash", &said(&tool(folder.path(), &["completions", "bash"])));
    // The words are completed as bash does it: the function that is registered for cargo gets them.
    let script = r#"
        PATH=
        own() { COMPREPLY=(own "$2"); }
        [[ $1 = none ]] || complete -F own cargo
        source ./faas.bash
        [[ $1 = late ]] && { complete -F own cargo; source ./faas.bash; }
        [[ $(complete -p "$2") =~ -F\ ([^\ ]+) ]]
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        "${BASH_REMATCH[1]}" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        echo "${COMPREPLY[@]}"
    "#;
    let complete = |words: &[&str]| {
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", script, "bash"]).args(words).current_dir(folder.path());
        said(&bash.output().expect("bash starts"))
    };
    for (words, completed) in [
        (&["there", "cargo", "faas", "inv"][..], "invoke\n"),
        (&["there", "cargo", "+nightly", "faas", "inv"], "invoke\n"),
        (&["none", "cargo", "faas", "invoke", "--samp"], "--sample\n"),
        (&["there", "cargo", "faas", "events", "pri"], "print\n"),
        (&["there", "cargo-faas", "invoke", "--samp"], "--sample\n"),
        (&["there", "cargo", "bui"], "own bui\n"),
        (&["there", "cargo", "fa"], "own fa\n"),
        (&["late", "cargo", "bui"], "own bui\n"),
        (&["none", "cargo", "bui"], "\n"),
    ] {
        assert_eq!(complete(words), completed, "{words:?}");
    }
}
