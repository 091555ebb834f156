//! haproxy: a master that hands the listening sockets on to the next worker.

use crate::load::Connections;
use crate::run::{Form, Proxy, Running, SITE, write};
use crate::{borders, refusals, service};
use integration::needs::program;
use integration::wait::{limit, until};
use libtest_mimic::Trial;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

const HAPROXY: Proxy = Proxy {
    name: "haproxy",
    command,
    reload,
    clients_of_a_reload: &[(4, Connections::Fresh), (4, Connections::KeptAndRenewed)],
    asks_for_health: true,
    buffered: Form { name: "buffered", switch: Some("option http-buffer-request") },
    unbuffered: Form { name: "unbuffered", switch: None },
    over_http_2: Some(Form { name: "over_http_2", switch: Some("default-server proto h2") }),
};

pub(crate) fn trials() -> Vec<Trial> {
    let needs = program(HAPROXY.name);
    let mut trials = service::trials(HAPROXY, &needs);
    trials.extend(refusals::trials(HAPROXY, &needs));
    trials.extend(borders::trials(HAPROXY, &needs));
    trials
}

/// Writes the configuration. The head may be larger than the runtime allows, so that the runtime refuses it.
fn command(program: &Path, folder: &Path) -> Result<Command, String> {
    let global = format!(
        "global\n    tune.bufsize 262144\n    tune.http.maxhdr 600\n    \
         stats socket {} mode 600 level admin expose-fd listeners\n",
        folder.join("socket").display()
    );
    write(folder, "global", &global)?;
    let mut command = Command::new(program);
    command.args(["-W", "-db", "-f", "global", "-f", SITE, "-S"]).arg(folder.join("master"));
    Ok(command)
}

/// Asks the master for a reload over its socket: a signal is lost to it while it still starts, and its socket is closed
/// for a moment after a reload. It answers when the new worker is ready.
fn reload(_: &Path, running: &Running) -> Result<(), String> {
    const READY: &str = "Loading success.";
    let before = running.process.lines().iter().filter(|line| line.text.contains(READY)).count();
    let ask = || -> std::io::Result<()> {
        let mut master = UnixStream::connect(running.folder.path().join("master"))?;
        master.write_all(b"reload\n")?;
        // The master hangs up when it has taken the command.
        master.read_to_end(&mut Vec::new()).map(drop)
    };
    until("the master takes a command", &running.process, || ask().ok())?;
    let mut seen = 0;
    let ready = |line: &str| {
        seen += usize::from(line.contains(READY));
        seen > before
    };
    running.process.wait_for_line(ready, limit()).map(drop).map_err(|late| late.to_string())
}
