//! Functions and layers in other languages than Rust and C: C++ and Go, alone and mixed, over both runtimes.

use crate::needs::{over_both, program};
use integration::artifacts::{self, Runtime};
use integration::client::Reply;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::aws_lambda::{Kind, Options};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub(crate) fn trials() -> Vec<Trial> {
    let (cpp, go) = (program("g++"), program("go"));
    let mut trials = Vec::new();
    over_both(&mut trials, &cpp, "a_function_in_cpp_serves_and_its_exceptions_are_failures", cpp_serves);
    over_both(&mut trials, &cpp, "a_layer_in_cpp_stands_around_a_function_in_rust", cpp_layer);
    over_both(&mut trials, &go, "a_function_in_go_serves_and_its_panics_are_failures", go_serves);
    over_both(&mut trials, &go, "a_layer_in_go_stands_around_a_function_in_rust", go_layer);
    over_both(&mut trials, &go, "a_function_in_go_serves_many_at_once_and_leaves_at_a_stop", go_at_once);
    over_both(&mut trials, &go.and(cpp), "go_and_cpp_serve_in_one_process", mixed);
    trials.extend([("g++", cpp_exports as fn(&Path) -> Result<(), String>), ("go", go_exports)].map(
        |(name, exports)| {
            crate::needs::once(
                &program(name),
                &format!("a_module_made_by_{name}_exports_the_entry_symbol_alone"),
                exports,
            )
        },
    ));
    trials
}

fn cpp(compiler: &Path) -> Result<PathBuf, String> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MADE.get_or_init(|| artifacts::greet_cpp(compiler)).clone()
}

fn go(go: &Path) -> Result<PathBuf, String> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MADE.get_or_init(|| artifacts::echo_go(go)).clone()
}

fn same<T: PartialEq + std::fmt::Debug>(found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) }
}

/// Waits for a line with all of these words.
fn logged(run: &OnAws, words: &[&str]) -> Result<(), String> {
    let line = run.process.wait_for_line(|line| words.iter().all(|word| line.contains(word)), limit());
    line.map(drop).map_err(|late| format!("{words:?}: {late}; output:\n{}", run.process.output()))
}

/// Returns status, body and the stamp of a layer.
fn seen(reply: &Reply) -> (u16, String, Option<String>) {
    (reply.status, reply.text(), reply.header("x-stamp").map(str::to_owned))
}

fn cpp_serves(compiler: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = || Ok::<_, String>(Deployment::empty().file("libgreet_cpp.so", &cpp(compiler)?));
    let run = OnHttp::start(runtime, deployment()?, "greet_cpp.greet");
    same(run.call("POST", "/", "", b"ada").text(), "hello, ada".to_owned())?;
    same(run.call("POST", "/", "", b"").status, 500)?;
    same(run.call("POST", "/", "", b"bob").text(), "hello, bob".to_owned())?;
    same(run.stop().code(), Some(0))?;
    let run = OnAws::launch(runtime, deployment()?, "greet_cpp.greet", Options::default()).polling();
    let failed = run.aws.invoke("");
    same(failed.kind, Kind::Error)?;
    logged(&run, &["Cpp.Exception", "expected a name, found an empty event"])?;
    run.assert_clean();
    Ok(())
}

fn cpp_layer(compiler: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("hello").file("libgreet_cpp.so", &cpp(compiler)?).layers(&["greet_cpp.stamp"]);
    let run = OnHttp::start(runtime, deployment, "hello");
    let (status, _, stamp) = seen(&run.get("/a?name=ada"));
    same((status, stamp.as_deref()), (200, Some("C++")))?;
    same(run.stop().code(), Some(0))
}

fn go_serves(toolchain: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = || Ok::<_, String>(Deployment::empty().file("libecho_go.so", &go(toolchain)?));
    let run = OnHttp::start(runtime, deployment()?, "echo_go.echo");
    let large = vec![b'g'; 1 << 20];
    for body in [&b"ada"[..], b"", &large] {
        same(run.call("POST", "/", "", body).body == body, true)?;
    }
    same(run.call("POST", "/", "", b"panic").status, 500)?;
    same(run.call("POST", "/", "", b"bob").text(), "bob".to_owned())?;
    same(run.stop().code(), Some(0))?;
    let run = OnAws::launch(runtime, deployment()?, "echo_go.echo", Options::default()).polling();
    same(run.call("\"once\"").text(), "\"once\"".to_owned())?;
    same(run.aws.invoke("panic").kind, Kind::Error)?;
    logged(&run, &["Go.Panic", "as the event asks"])?;
    run.assert_clean();
    Ok(())
}

fn go_layer(toolchain: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("hello").file("libecho_go.so", &go(toolchain)?).layers(&["echo_go.stamp"]);
    let run = OnHttp::start(runtime, deployment, "hello");
    let (status, _, stamp) = seen(&run.get("/a?name=ada"));
    same((status, stamp.as_deref()), (200, Some("Go")))?;
    same(run.stop().code(), Some(0))
}

/// Go's collector and its signals run beside the calls.
fn go_at_once(toolchain: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::empty().file("libecho_go.so", &go(toolchain)?);
    let run = OnHttp::start(runtime, deployment, "echo_go.echo");
    let body = vec![b'g'; 100_000];
    for _ in 0..10 {
        let replies = run.at_once(16, "POST", "/", &body);
        same(replies.iter().filter(|reply| reply.body == body).count(), 16)?;
    }
    same(run.stop().code(), Some(0))
}

fn mixed(toolchain: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::empty().file("libecho_go.so", &go(toolchain)?);
    let compiler = Path::new("g++");
    let deployment = deployment.file("libgreet_cpp.so", &cpp(compiler)?).layers(&["greet_cpp.stamp"]);
    let run = OnHttp::start(runtime, deployment, "echo_go.echo");
    same(seen(&run.call("POST", "/", "", b"ada")), (200, "ada".to_owned(), Some("C++".to_owned())))?;
    same(run.stop().code(), Some(0))
}

fn cpp_exports(compiler: &Path) -> Result<(), String> {
    exports(&cpp(compiler)?)
}

fn go_exports(toolchain: &Path) -> Result<(), String> {
    exports(&go(toolchain)?)
}

/// Checks that only the entry symbol is for others.
pub(crate) fn exports(library: &Path) -> Result<(), String> {
    let output = Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library).output();
    let output = output.map_err(|error| format!("nm comes with every C compiler: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split([' ', '@']).next()).collect();
    same(names, vec!["faas_module_v1"])
}
