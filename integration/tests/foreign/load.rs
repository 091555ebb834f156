//! Both runtimes as plain HTTP servers under other people's load generators, and under another's process 1.

use crate::needs::{over_both, over_full, program};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::kernel::peak_memory;
use integration::on_http::{self, OnHttp};
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    over_both(&mut trials, &program("ab"), "ab_sees_no_error_over_http_1_0", old_clients);
    over_both(&mut trials, &program("ab"), "ab_sees_no_error_over_http_1_0_with_keep_alive", old_clients_that_stay);
    over_both(&mut trials, &program("tini"), "under_tini_sigterm_runs_close_and_leaves_cleanly", under_tini);
    over_full(&mut trials, &program("curl"), "curl_speaks_http_2_with_prior_knowledge", prior_knowledge);
    over_full(
        &mut trials,
        &program("curl"),
        "curl_uploads_twenty_mebibytes_over_http_2_in_the_memory_of_a_part",
        upload,
    );
    over_full(&mut trials, &program("h2load"), "h2load_sees_no_error_over_many_streams", many_streams);
    trials
}

/// Returns the output of a program, if it ended well.
fn said(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    Err(format!("{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}

fn ab(ab: &Path, runtime: &'static Runtime, more: &[&str]) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let body = run.deployment.path("body");
    std::fs::write(&body, vec![b'x'; 3000]).map_err(|error| error.to_string())?;
    let mut command = Command::new(ab);
    command.args(["-q", "-n", "2000", "-c", "20", "-T", "application/octet-stream", "-p"]).arg(body).args(more);
    let said = said(command.arg(format!("http://{}/", run.address)))?;
    let is_well = said.contains("Complete requests:      2000")
        && said.contains("Failed requests:        0")
        && !said.contains("Non-2xx responses");
    if is_well { Ok(()) } else { Err(format!("{said}\n{}", run.process.output())) }
}

fn old_clients(path: &Path, runtime: &'static Runtime) -> Result<(), String> {
    ab(path, runtime, &[])
}

fn old_clients_that_stay(path: &Path, runtime: &'static Runtime) -> Result<(), String> {
    ab(path, runtime, &["-k"])
}

fn under_tini(tini: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let deployment = Deployment::of("probe");
    let port = free_port();
    let own = on_http::command(runtime, &deployment, "probe.ending", port);
    let mut command = Command::new(tini);
    command.args(["-s", "--"]).arg(own.get_program()).current_dir(deployment.root()).env_clear().stdin(Stdio::null());
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let process = Process::spawn(command, |_| ()).map_err(|error| error.to_string())?;
    let run = OnHttp { process, address: (Ipv4Addr::LOCALHOST, port).into(), deployment }.ready();
    run.process.signal(Signal::Term).map_err(|error| error.to_string())?;
    let status = run.process.wait(limit()).map_err(|late| late.to_string())?;
    let said = run.process.output();
    if status.code() == Some(0) && said.contains("closed") { Ok(()) } else { Err(format!("{status}:\n{said}")) }
}

fn prior_knowledge(curl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut command = Command::new(curl);
    command.args(["--silent", "--show-error", "--noproxy", "*", "--http2-prior-knowledge", "--data", "over two"]);
    command.args(["--write-out", " %{http_version} %{http_code}"]);
    let said = said(command.arg(format!("http://{}/a?b=1", run.address)))?;
    if said == "over two 2 200" { Ok(()) } else { Err(said) }
}

fn upload(curl: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("axum-app"), "axum_app.app");
    let body = run.deployment.path("body");
    std::fs::write(&body, vec![b'x'; 20 << 20]).map_err(|error| error.to_string())?;
    let send = |file: &str| {
        let mut command = Command::new(curl);
        command.args(["--silent", "--show-error", "--noproxy", "*", "--http2-prior-knowledge", "--data-binary", file]);
        command.args(["--header", "Expect:", "--write-out", " %{http_version} %{http_code}"]);
        said(command.arg(format!("http://{}/upload", run.address)))
    };
    send("warm")?;
    let before = peak_memory(&run.process);
    let said = send(&format!("@{}", body.display()))?;
    let more = peak_memory(&run.process) - before;
    let is_well = said.contains("\"bytes\":20971520") && said.ends_with(" 2 200") && more < 4 << 20;
    if is_well { Ok(()) } else { Err(format!("{said}, {more} bytes more\n{}", run.process.output())) }
}

fn many_streams(h2load: &Path, runtime: &'static Runtime) -> Result<(), String> {
    let run = OnHttp::start(runtime, Deployment::of("echo"), "echo");
    let mut command = Command::new(h2load);
    command.args(["-n", "5000", "-c", "8", "-m", "10"]);
    let said = said(command.arg(format!("http://{}/", run.address)))?;
    let all = "5000 total, 5000 started, 5000 done, 5000 succeeded, 0 failed, 0 errored, 0 timeout";
    if said.contains(all) { Ok(()) } else { Err(format!("{said}\n{}", run.process.output())) }
}
