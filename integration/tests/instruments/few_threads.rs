//! A runtime of an ordinary user's who may make few threads: it serves with those it gets, or says in one line why it
//! does not start.

use crate::needs::{need, under};
use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::on_http::{self, OnHttp};
use integration::wait::{limit, until};
use libtest_mimic::Trial;
use platform_emulators::h2c;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use platform_emulators::wire::Headers;
use std::fs::Permissions;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Returns a program as a user of this number, with as many processes and threads as the last argument says. All of the
/// user's count together, so each runtime has a user that no other process belongs to.
fn limited(user: u32, threads: usize) -> Vec<String> {
    let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
    let nproc = format!("--nproc={threads}");
    ["setpriv", &user, &group, "--clear-groups", "prlimit", &nproc].map(str::to_owned).to_vec()
}

pub(crate) fn trials() -> Vec<Trial> {
    let command = limited(61_230, 64);
    let arguments: Vec<&str> = command[1..].iter().map(String::as_str).chain(["true"]).collect();
    let need = need("setpriv and prlimit, as root", &command[0], &arguments);
    need.over_both("few_threads_are_enough_or_are_said_to_be_too_few", few_threads).into()
}

/// Returns a copy of the runtime and of the module `echo` that everybody may read.
fn readable(runtime: &Runtime) -> (Runtime, Deployment) {
    let deployment = Deployment::empty();
    let copy = |from: &Path, name: &str| {
        let path = deployment.path(name);
        std::fs::copy(from, &path).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("it is ours");
        path
    };
    copy(artifacts::get().module("echo"), "libecho.so");
    let path = copy(&runtime.path, "runtime");
    std::fs::set_permissions(deployment.root(), Permissions::from_mode(0o755)).expect("it is ours");
    (Runtime { name: runtime.name, path }, deployment)
}

fn launch(runtime: &Runtime, threads: usize) -> OnHttp {
    let (runtime, deployment) = readable(runtime);
    let port = free_port();
    let user = if runtime.name == artifacts::get().light_bootstrap().name { 61_234 } else { 61_235 };
    let prefix = limited(user, threads);
    let prefix: Vec<&str> = prefix.iter().map(String::as_str).chain(["--"]).collect();
    let process = Process::spawn(under(&prefix, &on_http::command(&runtime, &deployment, "echo", port)), |_| ());
    let process = process.expect("setpriv starts");
    OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }
}

fn few_threads(runtime: &'static Runtime) {
    let mut served = 0;
    for threads in 1..=8 {
        let run = launch(runtime, threads);
        // The process is ready, or it has left.
        let ready = until("it is ready", &run.process, || {
            run.try_get("/readyz").is_ok_and(|reply| reply.status == 200).then_some(())
        });
        if ready.is_err() {
            let status = run.process.wait(limit()).expect("it is not ready and has left");
            let lines = run.process.lines();
            assert_eq!((status.code(), lines.len()), (Some(1), 1), "{threads}: {status}\n{}", run.process.output());
            assert!(lines[0].text.contains("start failed: Runtime.NoResources: "), "{threads}: {}", lines[0].text);
            assert_eq!(served, 0, "with fewer threads it served");
            continue;
        }
        served += 1;
        let replies = run.at_once(8, "POST", "/", b"served");
        assert!(replies.iter().all(|reply| (reply.status, &reply.body[..]) == (200, b"served")), "{replies:?}");
        // HTTP/2 takes threads of its own: the request is served, or the connection ends.
        for _ in 0..2 {
            let stream = TcpStream::connect(run.address).expect("it listens");
            stream.set_read_timeout(Some(limit())).expect("a limit");
            if let Ok(answer) = h2c::exchange(stream, "POST", "/", "x", &Headers::default(), b"served") {
                assert_eq!((answer.status, &answer.body[..]), (200, &b"served"[..]), "{threads}");
            }
        }
        assert_eq!(run.call("POST", "/", "", b"served").body, b"served", "{threads}: {}", run.process.output());
        assert_eq!(run.stop().code(), Some(0), "{threads}: {}", run.process.output());
    }
    assert!(served > 0, "eight threads are enough");
}
