//! C modules built with gcc's address and undefined behaviour sanitizers: under a small host in C that is built with
//! them too, and under the real runtimes, whose allocations the sanitizer's library takes over without their being
//! built for it.

use crate::needs::{Need, need_of_compiler};
use integration::artifacts::{Runtime, compile_c, workspace};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::process::{Process, Signal};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const SANITIZERS: &str = "-fsanitize=address,undefined";

/// Every end of an invocation that `ledger` knows; the last ones take an HTTP connection along.
const EVENTS: [&str; 17] = [
    "plain",
    "twice",
    "reply, fail",
    "fail, reply",
    "reply, panic",
    "reply, cancelled",
    "no such code",
    "too big",
    "keep",
    "pending",
    "no stream",
    "recover",
    "over",
    "reply, stream",
    "stream, reply",
    "stream, fail",
    "stream",
];

pub(crate) fn trials() -> Vec<Trial> {
    let need: Need = need_of_compiler("cc with the sanitizers' libraries", SANITIZERS);
    let mut trials = vec![
        need.trial("sanitizers_echo_c_under_a_host_in_c", || {
            assert_clean(&under_host("examples/echo-c/echo.c", &["", "a", "{\"n\":1}", &"x".repeat(100_000)]));
        }),
        need.trial("sanitizers_every_end_of_an_invocation_under_a_host_in_c", || {
            assert_clean(&under_host("tests/c/ledger.c", &[&EVENTS[..], &["hold"]].concat()));
        }),
        need.trial("sanitizers_find_a_byte_too_far", || {
            let output = under_host("tests/c/ledger.c", &["overrun"]);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && said.contains("heap-buffer-overflow"), "{}: {said}", output.status);
        }),
    ];
    trials.extend(need.over_both("sanitizers_a_module_under_the_runtime_on_aws", on_aws));
    trials.extend(need.over_both("sanitizers_a_module_under_the_runtime_over_http", on_http));
    trials.extend(need.over_both("sanitizers_a_layer_keeps_what_it_is_shown_while_it_changes_it_on_aws", keeps_on_aws));
    trials.extend(
        need.over_both("sanitizers_a_layer_keeps_what_it_is_shown_while_it_changes_it_over_http", keeps_over_http),
    );
    trials
}

/// Compiles a source below `integration` with the sanitizers.
fn compile(source: &str, file: &str, more: &[&str]) -> PathBuf {
    let flags = [SANITIZERS, "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g"];
    let source = workspace().join("integration").join(source);
    compile_c(&source, file, &[&flags, more].concat()).unwrap_or_else(|why| panic!("{why}"))
}

fn library(source: &str) -> PathBuf {
    let stem = Path::new(source).file_stem().unwrap_or_default().to_string_lossy();
    compile(source, &format!("lib{stem}_sanitized.so"), &[])
}

fn under_host(source: &str, events: &[&str]) -> Output {
    // The last option for the kind of output counts.
    let host = compile("tests/c/host.c", "host_sanitized", &["-fPIE", "-pie", "-ldl"]);
    Command::new(host).arg(library(source)).args(events).output().expect("the host starts")
}

fn assert_clean(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("closed"), "{}: {said}", output.status);
}

/// Returns the module with the books.
fn ledger() -> Deployment {
    sanitized(Deployment::empty().file("libledger.so", &library("tests/c/ledger.c")).layers(&["ledger.over"]))
}

/// Returns a function within a layer that keeps all that it is shown.
fn keeper() -> Deployment {
    sanitized(Deployment::empty().file("libkeeper.so", &library("tests/c/keeper.c")).layers(&["keeper.keeper"]))
}

/// Adds the variables that bring the sanitizer's library in front of all others.
fn sanitized(deployment: Deployment) -> Deployment {
    let found = Command::new("cc").arg("-print-file-name=libasan.so").output().expect("cc starts");
    let path = String::from_utf8_lossy(&found.stdout).trim_end().to_owned();
    // The runtimes leave without exit handlers, where leaks would be looked for; valgrind looks for them.
    deployment.env("LD_PRELOAD", &path).env("ASAN_OPTIONS", "detect_leaks=0:log_to_stderr=1:exitcode=99")
}

fn assert_leaves(process: &Process) {
    process.signal(Signal::Term).expect("the signal is sent");
    let status = process.wait(limit()).expect("SIGTERM ends it");
    let output = process.output();
    assert_eq!(status.code(), Some(0), "{output}");
    assert!(output.contains(", 0 released again") && !output.contains("AddressSanitizer"), "{output}");
    assert!(!output.contains("runtime error:"), "{output}");
}

fn on_aws(runtime: &'static Runtime) {
    let options = Options { timeout: limit(), ..Options::default() };
    let run = OnAws::launch(runtime, ledger(), "ledger", options).polling();
    for event in EVENTS.iter().cycle().take(3 * EVENTS.len()) {
        let answer = run.aws.invoke(*event);
        let ended = matches!(answer.kind, Kind::Response | Kind::Error | Kind::Stream | Kind::TooLarge);
        assert!(ended, "{event}: {:?}\n{}", answer.kind, run.process.output());
    }
    run.assert_clean();
    assert_leaves(&run.process);
}

fn on_http(runtime: &'static Runtime) {
    let run = OnHttp::start(runtime, ledger(), "ledger");
    for event in EVENTS.iter().cycle().take(3 * EVENTS.len()) {
        // Broken streams have no whole answer; that the process lives is what counts.
        let _ = run.client().call("POST", "/", "Content-Type: text/plain\r\n", event.as_bytes());
        assert_eq!(run.process.status(), None, "{event}: {}", run.process.output());
    }
    assert_leaves(&run.process);
}

fn assert_kept(process: &Process) {
    process.signal(Signal::Term).expect("the signal is sent");
    let status = process.wait(limit()).expect("SIGTERM ends it");
    let output = process.output();
    assert!(status.success() && !output.contains("AddressSanitizer"), "{status}: {output}");
}

fn keeps_on_aws(runtime: &'static Runtime) {
    let options = Options { timeout: limit(), ..Options::default() };
    let run = OnAws::launch(runtime, keeper(), "keeper.stand", options).polling();
    let gateway = r#"{"version":"2.0","rawPath":"/a%20b","rawQueryString":"a=1&b=2","headers":{"x-kept":"1","cookie":"c=d"},
        "requestContext":{"http":{"method":"GET","path":"/a b"}},"isBase64Encoded":false}"#;
    for _ in 0..3 {
        for event in ["plain", gateway] {
            let answer = run.aws.invoke(event);
            assert!(matches!(answer.kind, Kind::Response), "{event}: {:?}\n{}", answer.kind, run.process.output());
        }
        let answer = run.aws.invoke("fail");
        assert!(matches!(answer.kind, Kind::Error), "{:?}\n{}", answer.kind, run.process.output());
        assert!(answer.text().contains("Stand.Asked") || answer.text().contains("as it was"), "{}", answer.text());
    }
    assert_kept(&run.process);
}

fn keeps_over_http(runtime: &'static Runtime) {
    let run = OnHttp::start(runtime, keeper(), "keeper.stand");
    for _ in 0..3 {
        for (event, status) in [("plain", 200), ("fail", 500)] {
            let head = "Content-Type: text/plain\r\nx-kept: 1\r\nCookie: a=b\r\n";
            let reply = run.client().call("POST", "/a%20b?c=d&e=f", head, event.as_bytes()).expect("it is answered");
            assert_eq!(reply.status, status, "{event}: {}", run.process.output());
        }
    }
    assert_kept(&run.process);
}
