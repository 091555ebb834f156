//! The built tool as a server, over the artefacts that all behaviour tests share: requests in, phases out, an
//! environment that dies and comes again, and the end by Ctrl-C.
#![forbid(unsafe_code)]

use integration::{artifacts, client::Client, wait};
use platform_emulators::process::{Process, Signal};
use std::net::SocketAddr;
use std::process::Command;

/// The tool serving a function, and where.
fn serve(function: &str, more: &[&str]) -> (Process, SocketAddr) {
    let built = artifacts::get();
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-faas"));
    command.args(["dev", "--port", "0", "--runtime"]).arg(&built.light_bootstrap().path);
    command.arg("--function").arg(built.module(function)).arg("--layers").arg(built.module("layer_monitor")).args(more);
    let tool = Process::spawn(command, |_| ()).expect("the tool starts");
    let line = tool.wait_for_line(|line| line.starts_with("serving "), wait::limit());
    let line = line.unwrap_or_else(|timed_out| panic!("{timed_out}"));
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
    (tool, address.unwrap_or_else(|| panic!("no address in {line:?}")))
}

fn line(tool: &Process, wanted: &str) -> String {
    tool.wait_for_line(|line| line.contains(wanted), wait::limit()).unwrap_or_else(|timed_out| panic!("{timed_out}"))
}

/// Ctrl-C, and the exit that has to follow.
fn leave(tool: &Process) {
    tool.signal(Signal::Int).expect("the signal is sent");
    let status = tool.wait(wait::limit()).expect("it leaves");
    assert_eq!(status.code(), Some(0), "{}", tool.output());
}

#[test]
fn requests_on_one_connection_are_answered_and_ctrl_c_ends_with_close_and_zero() {
    let (tool, address) = serve("hello", &[]);
    for phase in ["RuntimeStart ", "FunctionStart "] {
        line(&tool, phase);
    }
    let mut client = Client::connect(address).expect("connects");
    let reply = client.call("GET", "/greet?name=J%C3%B8rgen", "", b"").expect("answers");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.text(), r#"{"hello":"Jørgen","path":"/greet","cold_start":true}"#);
    let reply = client.call("POST", "/", "Content-Type: text/plain\r\n", b"body").expect("answers");
    assert!(reply.text().ends_with(r#""cold_start":false}"#), "{}", reply.text());
    let reply = client.call("HEAD", "/", "", b"").expect("answers");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
    let told = line(&tool, "GET /greet?name=J%C3%B8rgen -> 200, ");
    assert!(told.contains("Invoke ") && told.ends_with("ok, cold start"), "{told}");
    leave(&tool);
    let close = tool.lines().iter().position(|line| line.text.trim_start().starts_with("Close "));
    let shutdown = tool.lines().iter().position(|line| line.text.starts_with("shutdown  SIGTERM, exit status: 0"));
    assert!(close.is_some() && close < shutdown, "{}", tool.output());
    // The runtime's last line, which is written while the process leaves.
    let stopping = tool.lines().iter().position(|line| line.text.contains(" runtime: stopping: 0 in flight"));
    assert!(stopping.is_some() && stopping < shutdown, "{}", tool.output());
}

#[test]
fn a_dead_runtime_is_a_500_and_the_next_request_finds_a_fresh_one() {
    let (tool, address) = serve("faulty", &["--timeout", "1"]);
    let mut client = Client::connect(address).expect("connects");
    for (how, words) in [("abort", "Runtime.ExitError: "), ("spin", "imed")] {
        let reply = client.call("GET", &format!("/?do={how}"), "", b"").expect("answers");
        assert_eq!((reply.status, reply.text().as_str()), (500, r#"{"message":"Internal Server Error"}"#), "{how}");
        let told = line(&tool, &format!("GET /?do={how} -> 500, "));
        assert!(told.contains(words), "{told}");
        let reply = client.call("GET", "/", "", b"").expect("answers");
        assert_eq!((reply.status, reply.text().as_str()), (200, "\"fine\""), "after {how}:\n{}", tool.output());
    }
    let starts = tool.lines().iter().filter(|line| line.text.contains("first poll after")).count();
    assert_eq!(starts, 3, "{}", tool.output());
    leave(&tool);
}

#[test]
fn what_is_no_request_is_refused_and_a_taken_port_is_a_failure() {
    let (tool, address) = serve("hello", &[]);
    let mut client = Client::connect(address).expect("connects");
    client.send(b"GET / HTTP/1.1\r\n\r\n").expect("sends");
    let reply = client.read().expect("answers");
    assert_eq!((reply.status, reply.closes()), (400, true));
    line(&tool, "refused a request of ");
    let taken =
        Command::new(env!("CARGO_BIN_EXE_cargo-faas")).args(["dev", "--port", &address.port().to_string()]).output();
    let taken = taken.expect("the tool starts");
    assert_eq!(taken.status.code(), Some(1));
    let error = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert!(error.starts_with(&format!("failed: serving: port {}: ", address.port())), "{error}");
    leave(&tool);
}
