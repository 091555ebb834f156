//! A runtime as process 1 of a pid namespace, as it is in a container: statements 9 to 11 of plain HTTP.

use crate::needs::{need, under};
use integration::artifacts::{self, Runtime};
use integration::client::Client;
use integration::deployment::Deployment;
use integration::on_http::{self, OnHttp};
use integration::wait::{self, limit};
use libtest_mimic::Trial;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

const UNSHARE: [&str; 5] = ["unshare", "--pid", "--fork", "--mount-proc", "--"];

pub(crate) fn trials() -> Vec<Trial> {
    let need = need("unshare, and leave to make pid namespaces", UNSHARE[0], &[&UNSHARE[1..], &["true"]].concat());
    let mut trials = Vec::new();
    trials.extend(need.over_both("first_process_sigterm_ends_it_in_order", sigterm));
    trials.extend(need.over_both("first_process_a_hundred_orphans_leave_no_zombie", orphans));
    trials.extend(need.over_both("first_process_the_status_of_a_child_is_not_stolen", status));
    trials.extend(need.over_both("first_process_leaves_with_the_code_of_a_failed_start", failed_start));
    trials.extend(need.over_both("first_process_leaves_when_the_runtime_dies", death));
    trials
}

/// Returns the C function of this name.
fn deployment(name: &str) -> Deployment {
    let source = artifacts::workspace().join(format!("integration/tests/c/{name}.c"));
    let library = artifacts::compile_c(&source, &format!("lib{name}.so"), &[]).unwrap_or_else(|why| panic!("{why}"));
    Deployment::empty().file(&format!("lib{name}.so"), &library)
}

fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    let port = free_port();
    let command = under(&UNSHARE, &on_http::command(runtime, &deployment, handler, port));
    let process = Process::spawn(command, |_| ()).expect("unshare starts");
    OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }
}

fn post(client: &mut Client, wish: &str) -> String {
    client.call("POST", "/", "Content-Type: text/plain\r\n", wish.as_bytes()).expect("an answer").text()
}

/// Returns the number of process 1 outside its namespace: the only child of `unshare`.
fn outer_number(run: &OnHttp) -> u32 {
    let unshare = run.process.pid();
    let children = std::fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).expect("children");
    children.trim().parse().unwrap_or_else(|error| panic!("{error}: one child in {children:?}"))
}

fn send_term(process: u32) {
    let sent = Command::new("sh").args(["-c", "kill -s TERM \"$0\"", &process.to_string()]).status();
    assert!(sent.expect("sh starts").success());
}

fn sigterm(runtime: &'static Runtime) {
    let run = launch(runtime, Deployment::of("probe"), "probe.hold").ready();
    let go = run.deployment.path("go");
    let mut client = run.client();
    client.request("POST", "/", "", go.display().to_string().as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("an invocation is under way");
    send_term(outer_number(&run));
    let refused = wait::until("new connections are refused", &run.process, || {
        Client::connect(run.address)
            .and_then(|mut client| client.call("GET", "/readyz", "", b""))
            .map_or(Some(()), |reply| (reply.status == 503).then_some(()))
    });
    refused.unwrap_or_else(|why| panic!("{why}"));
    std::fs::write(go, "").expect("the invocation is let go");
    assert_eq!(client.read().expect("what was accepted is answered").body, b"let go");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}

fn orphans(runtime: &'static Runtime) {
    let run = launch(runtime, deployment("children"), "children").ready();
    let mut client = run.client();
    assert_eq!(post(&mut client, "orphans"), "100", "all of them became children of process 1");
    let gone = wait::until("process 1 and the runtime are alone, and no zombie is left", &run.process, || {
        (post(&mut client, "processes") == "2 0").then_some(())
    });
    gone.unwrap_or_else(|why| panic!("{why}; it is {}", post(&mut client, "processes")));
    drop(client);
    send_term(outer_number(&run));
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}

fn status(runtime: &'static Runtime) {
    let run = launch(runtime, deployment("children"), "children").ready();
    let mut client = run.client();
    for _ in 0..3 {
        assert_eq!(post(&mut client, "status"), "7");
    }
}

fn failed_start(runtime: &'static Runtime) {
    let run = launch(runtime, Deployment::of("probe"), "probe.failing_start");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("the database is not there"), "{}", run.process.output());
}

fn death(runtime: &'static Runtime) {
    let run = launch(runtime, Deployment::of("faulty"), "faulty").ready();
    let mut client = run.client();
    // The connection ends with the process.
    let _ = client.call("POST", "/", "Content-Type: application/json\r\n", integration::faulty::ABORT.as_bytes());
    let status = run.process.wait(limit()).expect("process 1 goes too");
    assert_eq!(status.code(), Some(128 + 6), "the code names SIGABRT: {}", run.process.output());
}
