//! Begin and end of the runtime's process: its command with the platform's environment, the log descriptor it inherits,
//! and the platform's way of ending it.

use std::io::{self, Read};
use std::net::SocketAddr;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::control::Control;
use super::faults::Ending;
use super::options::{LOG_FD, Options};
use super::shared::Shared;
use crate::process::{Signal, Watched};

/// The time between SIGTERM and SIGKILL: 30 % of the two seconds an environment has to shut down.
pub const GRACE: Duration = Duration::from_millis(600);

/// The end of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// The signals that were sent, in order; empty when it had ended before.
    pub signals: Vec<Signal>,
    /// The exit of the process; `None` if it did not end.
    pub status: Option<ExitStatus>,
    /// The time from the first signal to the exit.
    pub took: Duration,
}

/// Returns the command as the platform starts it: nothing of the caller's environment, the platform's variables, and
/// over them those the command was given. Returns the reading end of the log descriptor where there is one.
pub(crate) fn prepare(
    command: Command,
    options: &Options,
    address: SocketAddr,
) -> io::Result<(Command, Option<io::PipeReader>)> {
    let own: Vec<_> = command.get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    let directory = command.get_current_dir().map(ToOwned::to_owned).or_else(|| options.task_root.clone());
    let (mut prepared, reader) = if options.telemetry_log_fd {
        let (reader, writer) = io::pipe()?;
        // The standard library passes on descriptors 0 to 2 alone, so the shell moves the pipe to its place.
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(format!("exec {LOG_FD}>&0 0</dev/null; exec \"$@\"")).arg("sh");
        shell.arg(command.get_program()).args(command.get_args());
        shell.stdin(writer);
        (shell, Some(reader))
    } else {
        let mut command = command;
        command.stdin(Stdio::null());
        (command, None)
    };
    prepared.env_clear().envs(options.variables(address));
    for (name, value) in own {
        match value {
            Some(value) => prepared.env(name, value),
            None => prepared.env_remove(name),
        };
    }
    if let Some(directory) = directory {
        prepared.current_dir(directory);
    }
    Ok((prepared, reader))
}

/// Keeps the bytes that come through the log descriptor.
pub(crate) fn read_log(shared: Arc<Shared>, mut reader: io::PipeReader) {
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read) = reader.read(&mut buffer) {
            if read == 0 {
                break;
            }
            shared.change(|control| control.log.extend_from_slice(&buffer[..read]));
        }
    });
}

/// Ends a process: at once without extensions, else politely first.
pub(crate) fn end(process: &Watched, with_extension: bool) -> Shutdown {
    let started = Instant::now();
    let mut signals = Vec::new();
    if process.status().is_none() && with_extension && process.signal(Signal::Term).is_ok() {
        signals.push(Signal::Term);
        process.wait_exit(GRACE);
    }
    if process.status().is_none() && process.signal(Signal::Kill).is_ok() {
        signals.push(Signal::Kill);
    }
    // No process outlives SIGKILL for long. The limit is for one that is stuck in the kernel.
    let status = process.wait_exit(Duration::from_secs(10));
    process.kill_group();
    Shutdown { signals, status, took: started.elapsed() }
}

/// A process that is to be ended, and whether an extension earns it a SIGTERM.
pub(crate) type Leaving = (Arc<Watched>, bool);

/// Notes that a deadline has passed, one invocation at a time: the runtime's connections are cut and its process, if
/// this control plane started it, is to be ended. Without a process the new environment begins here.
pub(crate) fn close_after_timeout(control: &mut Control) -> Option<Leaving> {
    let Some(process) = control.process.clone() else {
        control.renew();
        return None;
    };
    let with_extension = control.close("timeout");
    control.cut(Ending::Reset, false);
    Some((process, with_extension))
}

/// Ends a process without blocking the caller.
pub(crate) fn end_in_background(leaving: Option<Leaving>) {
    if let Some((process, with_extension)) = leaving {
        std::thread::spawn(move || end(&process, with_extension));
    }
}
