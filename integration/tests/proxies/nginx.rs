//! nginx: a master that keeps the listening socket, and workers that a reload exchanges.

use crate::load::Connections;
use crate::run::{Form, Proxy, Running, SITE, write};
use crate::{borders, refusals, service};
use integration::needs::program;
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::process::Signal;
use std::path::Path;
use std::process::Command;

const NGINX: Proxy = Proxy {
    name: "nginx",
    command,
    reload,
    clients_of_a_reload: &[(4, Connections::Fresh), (4, Connections::KeptAndRenewed)],
    asks_for_health: false,
    buffered: Form { name: "buffered", switch: None },
    unbuffered: Form { name: "unbuffered", switch: Some("proxy_request_buffering off;") },
    over_http_2: None,
};

pub(crate) fn trials() -> Vec<Trial> {
    let needs = program(NGINX.name);
    let mut trials = service::trials(NGINX, &needs);
    trials.extend(refusals::trials(NGINX, &needs));
    trials.extend(borders::trials(NGINX, &needs));
    trials.extend(borders::cache_trials(NGINX, &needs));
    trials
}

const WORKERS: usize = 2;

/// Writes the configuration. The head may be larger than the runtime allows, so that the runtime refuses it.
fn command(program: &Path, folder: &Path) -> Result<Command, String> {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {name};\n"))
        .collect();
    let main = format!(
        "daemon off;\nuser root;\nworker_processes {WORKERS};\npid pid;\nerror_log stderr notice;\nevents {{}}\nhttp {{\n    \
         access_log off;\n{temporary}    large_client_header_buffers 64 8k;\n    include {SITE};\n}}\n"
    );
    write(folder, "main", &main)?;
    let mut command = Command::new(program);
    command.args(["-e", "stderr", "-c", "main", "-p"]).arg(folder);
    Ok(command)
}

/// Asks for a reload. Old workers write that they leave when they have heard of the new ones, which serve by then.
fn reload(_: &Path, running: &Running) -> Result<(), String> {
    let leaves = |line: &str| line.contains("gracefully shutting down");
    let before = running.process.lines().iter().filter(|line| leaves(&line.text)).count();
    running.process.signal(Signal::Hup).map_err(|error| error.to_string())?;
    let mut seen = 0;
    let all_leave = |line: &str| {
        seen += usize::from(leaves(line));
        seen == before + WORKERS
    };
    running.process.wait_for_line(all_leave, limit()).map(drop).map_err(|late| late.to_string())
}
