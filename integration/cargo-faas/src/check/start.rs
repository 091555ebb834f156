//! Starts a package as it is, with its own runtime and the given environment alone, and measures how long it takes
//! until it is ready. It is started as plain HTTP, which every runtime can do, whatever platforms it was built with.

use platform_emulators::process::{Process, Signal};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The time after which a start counts as one that never ends.
const LIMIT: Duration = Duration::from_secs(30);

/// The time that the runtime may take to leave.
const LEAVE: Duration = Duration::from_secs(10);

/// The text before the address in a line of the runtime's.
const LISTENING: &str = "listening on ";

/// Starts the program of the folder `root`, and ends it again.
///
/// Returns the time from its start until its readiness probe said 200: functions and layers have started by then.
///
/// # Errors
/// The program was not ready. The error has its output.
pub(crate) fn start(root: &Path, program: &str, environment: &[(String, String)]) -> Result<Duration, String> {
    let mut command = Command::new(root.join(program));
    command.current_dir(root).env_clear().stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command.env("FAAS_ROOT", root).envs(environment.iter().map(|(name, value)| (name, value)));
    command.env("FAAS_PLATFORM", "http").env("FAAS_HOST", "127.0.0.1").env("PORT", "0");
    let begun = Instant::now();
    let process = Process::spawn(command, |_| ()).map_err(|error| format!("it cannot be started: {error}"))?;
    let ready = until_ready(&process, begun);
    // A process that has ended by itself cannot be signalled.
    let _ = process.signal(Signal::Term);
    let _ = process.wait(LEAVE);
    ready
}

fn until_ready(process: &Process, begun: Instant) -> Result<Duration, String> {
    let line = process.wait_for_line(|line| listening(line).is_some(), LIMIT);
    let Some(address) = line.ok().as_deref().and_then(listening) else { return Err(not_ready(process, begun)) };
    // It answers from now on, and says 503 while some part still starts.
    while !is_ready(address) {
        if process.status().is_some() || begun.elapsed() > LIMIT {
            return Err(not_ready(process, begun));
        }
        std::thread::yield_now();
    }
    Ok(begun.elapsed())
}

/// Returns the failure of a process that is not ready: the reason, behind its own output.
fn not_ready(process: &Process, begun: Instant) -> String {
    // A process that has closed its outputs before the limit is ending.
    let left = LIMIT.saturating_sub(begun.elapsed()).min(LEAVE);
    match process.wait(left) {
        Ok(status) => format!("{}ended before it was ready: {status}", said(process)),
        Err(_) => format!("{}it was not ready after {} s", said(process), LIMIT.as_secs()),
    }
}

fn listening(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once(LISTENING)?;
    let rest = rest.strip_prefix("http://").unwrap_or(rest);
    rest.split([',', '/', ' ']).next()?.parse().ok()
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut head = [0; 12];
        stream.read_exact(&mut head)?;
        Ok(head.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

/// Returns the last lines of its output, which is where the reason stands.
fn said(process: &Process) -> String {
    let lines = process.lines();
    let tail = lines.len().saturating_sub(5);
    lines[tail..].iter().map(|line| format!("{}\n", line.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_start_line() {
        let line = "2026-11-26T17:37:00.213Z INFO - runtime: listening on http://127.0.0.1:4711, platform http (nothing marks another)";
        let of_manifest = "2026-11-29T15:35:09.227Z INFO - runtime: listening on 127.0.0.1:4711";
        for line in [line, of_manifest] {
            assert_eq!(listening(line), Some(SocketAddr::from(([127, 0, 0, 1], 4711))), "{line}");
        }
        assert_eq!(listening("INFO - runtime: platform aws-lambda"), None);
    }

    #[test]
    fn what_ends_at_once_is_quoted() {
        let folder = tempfile::tempdir().expect("there is room");
        let error = start(folder.path(), "bootstrap", &[]).expect_err("there is no program");
        assert!(error.starts_with("it cannot be started: "), "{error}");
        let error = start(Path::new("/bin"), "false", &[]).expect_err("it does not serve");
        assert!(error.ends_with("ended before it was ready: exit status: 1"), "{error}");
    }
}
