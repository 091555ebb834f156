//! caddy: one process that takes a new configuration over its administration socket.

use crate::load::Connections;
use crate::run::{Form, Proxy, Running, SITE, write};
use crate::{borders, refusals, service};
use integration::needs::program;
use libtest_mimic::Trial;
use std::path::Path;
use std::process::{Command, Stdio};

const CADDY: Proxy = Proxy {
    name: "caddy",
    command,
    reload,
    // Each configuration listens on a socket of its own (SO_REUSEPORT), and the connections that the old one has not
    // accepted yet are reset when it closes, with or without a runtime behind it.
    clients_of_a_reload: &[(8, Connections::KeptAndRenewed)],
    asks_for_health: true,
    buffered: Form { name: "buffered", switch: Some("buffer_requests") },
    unbuffered: Form { name: "unbuffered", switch: None },
    over_http_2: Some(Form { name: "over_http_2", switch: Some("versions h2c") }),
};

pub(crate) fn trials() -> Vec<Trial> {
    let needs = program(CADDY.name);
    let mut trials = service::trials(CADDY, &needs);
    trials.extend(refusals::trials(CADDY, &needs));
    trials.extend(borders::trials(CADDY, &needs));
    trials
}

fn command(program: &Path, folder: &Path) -> Result<Command, String> {
    let socket = folder.join("socket");
    let options = format!("{{\n    admin unix/{}\n}}\n", socket.display());
    write(folder, "main", &format!("{options}import {SITE}\n"))?;
    let mut command = Command::new(program);
    command.args(["run", "--adapter", "caddyfile", "--config", "main"]);
    Ok(command)
}

fn reload(program: &Path, running: &Running) -> Result<(), String> {
    let folder = running.folder.path();
    let output = Command::new(program)
        .args(["reload", "--force", "--adapter", "caddyfile", "--config", "main", "--address"])
        .arg(format!("unix/{}", folder.join("socket").display()))
        .current_dir(folder)
        .env("HOME", folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
