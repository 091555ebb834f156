//! Both runtimes as plain HTTP servers, before clients that other people wrote.

use crate::needs::{Foreign, over_both, program};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::{self, OnHttp};
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::ports::free_port;
use platform_emulators::process::Process;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    over_both(&mut trials, &program("curl"), "curl_uploads_two_megabytes_after_100_continue", upload);
    over_both(&mut trials, &program("curl"), "curl_keeps_its_connection_over_methods_and_statuses", keep_alive);
    over_both(&mut trials, &program("wrk"), "wrk_sees_no_error_over_fifty_connections", load);
    over_both(&mut trials, &program("promtool"), "promtool_accepts_the_metrics", metrics);
    over_both(&mut trials, &pid_namespace(), "as_process_1_sigterm_runs_close_and_leaves_cleanly", as_process_1);
    trials
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{}: {said}{}", output.status, String::from_utf8_lossy(&output.stdout)));
    }
    Ok(said + &String::from_utf8_lossy(&output.stdout))
}

/// The options that make the program behind them process 1 of a namespace of its own.
const AS_PROCESS_1: [&str; 5] = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];

/// Returns `unshare`, where the kernel lets it work.
fn pid_namespace() -> Foreign {
    program("unshare").if_it(|unshare| {
        let tried = Command::new(unshare).args(AS_PROCESS_1).arg("true").stderr(Stdio::null()).status();
        if tried.is_ok_and(|status| status.success()) {
            Ok(())
        } else {
            Err("the kernel lets this user make no pid namespace".to_owned())
        }
    })
}

fn as_process_1(unshare: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("probe");
    let port = free_port();
    let own = on_http::command(runtime, &deployment, "probe.ending", port);
    let mut command = Command::new(unshare);
    command.args(AS_PROCESS_1).arg(own.get_program()).current_dir(deployment.root()).env_clear().stdin(Stdio::null());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
    let run = OnHttp { process, address: (Ipv4Addr::LOCALHOST, port).into(), deployment }.ready();
    // This is its number outside of the namespace.
    let pid = run.process.pid();
    let children = format!("/proc/{pid}/task/{pid}/children");
    let children = std::fs::read_to_string(&children).map_err(|error| format!("{children}: {error}"))?;
    let inside = children.split_whitespace().next().ok_or("unshare has no child")?;
    let status = std::fs::read_to_string(format!("/proc/{inside}/status")).map_err(|error| error.to_string())?;
    if !status.lines().any(|line| line.starts_with("NSpid:") && line.ends_with("\t1")) {
        return Err(format!("it is not process 1:\n{status}"));
    }
    // A process 1 is sent no signal that it has no handler for.
    output(Command::new("/bin/sh").args(["-c", "kill -s TERM \"$0\"", inside]))?;
    let status = run.process.wait(limit()).map_err(|late| late.to_string())?;
    let said = run.process.output();
    if status.code() == Some(0) && said.contains("closed") { Ok(()) } else { Err(format!("{status}:\n{said}")) }
}

fn upload(curl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let body: Vec<u8> = (0..2_000_000_u32).map(|at| (at % 251) as u8).collect();
    let (sent, got) = (run.deployment.path("sent"), run.deployment.path("got"));
    std::fs::write(&sent, &body).map_err(|error| error.to_string())?;
    let said = output(
        Command::new(curl)
            .args(["--silent", "--show-error", "--verbose", "--noproxy", "*", "-H", "Expect: 100-continue"])
            .arg("--data-binary")
            .arg(format!("@{}", sent.display()))
            .arg("-o")
            .arg(&got)
            .arg(format!("http://{}/", run.address)),
    )?;
    if !said.contains("100 Continue") {
        return Err(format!("curl was not told to go on:\n{said}"));
    }
    let got = std::fs::read(got).map_err(|error| error.to_string())?;
    if got == body { Ok(()) } else { Err(format!("{} bytes came back, {} were sent", got.len(), body.len())) }
}

fn keep_alive(curl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("inspect"), "inspect");
    let url = |path: &str| format!("http://{}{path}", run.address);
    let said = output(
        Command::new(curl)
            .args(["--silent", "--show-error", "--verbose", "--noproxy", "*"])
            .arg(url("/a?x=1"))
            .args(["--next", "--silent", "--show-error", "--verbose", "--noproxy", "*", "--head"])
            .arg(url("/b"))
            .args(["--next", "--silent", "--show-error", "--verbose", "--noproxy", "*", "-X", "DELETE"])
            .arg(url("/c%20d")),
    )?;
    let reused = said.matches("Re-using existing").count();
    if reused == 2 { Ok(()) } else { Err(format!("{reused} of 2 requests re-used the connection:\n{said}")) }
}

fn load(wrk: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let said = output(Command::new(wrk).args(["-t1", "-c50", "-d2s"]).arg(format!("http://{}/", run.address)))?;
    if said.contains("Socket errors") || said.contains("Non-2xx") || said.contains(" 0 requests in") {
        return Err(format!("{said}\n{}", run.process.output()));
    }
    Ok(())
}

fn metrics(promtool: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("orders").layer("metrics"), "orders");
    for shop in ["vienna", "graz", "nowhere"] {
        run.call("POST", "/", "", shop.as_bytes());
    }
    let reply = run.get("/metrics");
    for own in ["faas_invocations_total", "orders_total", "order_seconds_bucket"] {
        assert!(reply.text().contains(own), "{own} is not in\n{}", reply.text());
    }
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    check.stdin.take().map(|mut input| input.write_all(&reply.body)).transpose().map_err(|error| error.to_string())?;
    let output = check.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && !reply.body.is_empty() {
        return Ok(());
    }
    Err(format!("{} {said}\n{}", output.status, reply.text()))
}
