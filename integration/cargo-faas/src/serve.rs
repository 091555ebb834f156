//! `dev`: a URL until Ctrl-C or SIGTERM, then what is in progress is answered and the runtime leaves.

use crate::failure::Failure;
use crate::front::Front;
use crate::local::{Local, Stopped};
use crate::running::RunArgs;
use crate::screen::{Screen, duration};
use crate::task::Task;
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

/// The port tried first.
const PORT: u16 = 8080;

/// Exit code after a second Ctrl-C, as shells count a death by SIGINT.
const INTERRUPTED: u8 = 130;

/// What ends the waiting.
enum Told {
    Signal,
    Drained,
}

/// Serve functions of this project over HTTP until Ctrl-C, behind a local AWS Lambda
#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Port to serve at [default: 8080, or any if it is taken]
    #[arg(long)]
    port: Option<u16>,

    #[command(flatten)]
    run: RunArgs,
}

impl Dev {
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        let listener = listen(self.port)?;
        let (sender, told) = channel();
        watch_signals(sender.clone())?;
        let task = Task::make(self.run.prepare(screen)?)?;
        announce(&task, screen);
        let local = Arc::new(Local::start(task, self.run.timeout(), screen)?);
        screen.phases(&local.start_phases());
        let address = listener.local_addr().map_err(|error| Failure::new("serving", error))?;
        let front =
            Front::start(listener, Arc::downgrade(&local), screen).map_err(|error| Failure::new("serving", error))?;
        screen.head("serving", &format!("http://{address}/ (Ctrl-C to leave)"));
        let in_peace = until_drained(&front, &local, &told, sender, screen)?;
        let local = Arc::into_inner(local).ok_or_else(|| Failure::new("shutdown", "a request is still in progress"))?;
        let stopped = local.stop();
        screen.phases(&stopped.phases.iter().filter(|phase| phase.name == "Close").cloned().collect::<Vec<_>>());
        screen.head("shutdown", &ending(&stopped));
        match stopped.violations.first() {
            Some(breach) => Err(Failure::new("protocol", breach)),
            None if in_peace => Ok(ExitCode::SUCCESS),
            None => Ok(ExitCode::from(INTERRUPTED)),
        }
    }
}

/// Says what is about to run.
pub(crate) fn announce(task: &Task, screen: Screen) {
    let (functions, layers) = (task.functions().join(", "), task.layers().join(", "));
    let layers = if layers.is_empty() { "no layers".to_owned() } else { format!("layers {layers}") };
    let what = if task.functions().len() == 1 { "function" } else { "functions" };
    screen.head("task", &format!("{}: {what} {functions}, {layers}", task.root().display()));
}

/// How the runtime's process ended, in words.
pub(crate) fn ending(stopped: &Stopped) -> String {
    let shutdown = &stopped.shutdown;
    let signals: Vec<_> = shutdown.signals.iter().map(|signal| format!("SIG{signal:?}").to_uppercase()).collect();
    let signals = if signals.is_empty() { "no signal".to_owned() } else { signals.join(", then ") };
    let status = shutdown.status.map_or_else(|| "still running".to_owned(), |status| status.to_string());
    format!("{signals}, {status} after {}", duration(shutdown.took))
}

fn listen(port: Option<u16>) -> Result<TcpListener, Failure> {
    let at = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = match port {
        Some(port) => at(port),
        None => at(PORT).or_else(|error| if error.kind() == io::ErrorKind::AddrInUse { at(0) } else { Err(error) }),
    };
    listener.map_err(|error| Failure::new("serving", format!("port {}: {error}", port.unwrap_or(PORT))))
}

fn watch_signals(sender: Sender<Told>) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::new("signals", error);
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let watch = move || {
        for _ in signals.forever() {
            if sender.send(Told::Signal).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch).map_err(failed)?;
    Ok(())
}

/// Waits for a signal, then for the requests in progress. False: a second signal made an end of them.
fn until_drained(
    front: &Front,
    local: &Local,
    told: &Receiver<Told>,
    sender: Sender<Told>,
    screen: Screen,
) -> Result<bool, Failure> {
    // The sender of `Signal` lives as long as the process.
    let _ = told.recv();
    let progress = match front.close() {
        0 => "nothing in progress".to_owned(),
        1 => "1 request in progress; Ctrl-C again to drop it".to_owned(),
        many => format!("{many} requests in progress; Ctrl-C again to drop them"),
    };
    screen.head("draining", &progress);
    let waiting = front.clone();
    let wait = move || {
        waiting.drained();
        // The receiver lives until the process ends.
        let _ = sender.send(Told::Drained);
    };
    let thread = std::thread::Builder::new().name("drain".to_owned()).spawn(wait);
    thread.map_err(|error| Failure::new("draining", error))?;
    if matches!(told.recv(), Ok(Told::Drained)) {
        return Ok(true);
    }
    local.drop_work();
    while matches!(told.recv(), Ok(Told::Signal)) {}
    Ok(false)
}
