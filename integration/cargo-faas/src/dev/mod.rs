//! The command `cargo faas dev`: it serves a project while it is written, and shows what happens in it; `invoke` and
//! `logs` ask it.
//!
//! | module | holds |
//! |---|---|
//! | `options` | the arguments |
//! | `source` | where deployments come from, and what is watched |
//! | `watch`, `timers` | what changes; what is due |
//! | `deployment`, `generation`, `last_lines` | a deployment on disk; the processes that run it; what one said that does not start |
//! | `front`, `tee` | the HTTP server before everything; bodies that pass by |
//! | `app` | what the parts share |
//! | `store`, `record` | what has happened; what is kept of one invocation |
//! | `lifecycles`, `lines` | the phases of processes; what a line of output says |
//! | `trouble` | what goes wrong on purpose |
//! | `console` | pages, and what programs ask |
//! | `address`, `client` | where a running dev is; asking it |

mod address;
mod app;
mod client;
mod console;
mod deployment;
mod front;
mod generation;
mod last_lines;
mod lifecycles;
mod lines;
mod options;
mod record;
mod source;
mod store;
mod tee;
mod timers;
mod trouble;
mod watch;

pub(crate) use client::{Sent, ask, runs};
pub(crate) use options::{Asking, Dev, Logs};

use crate::children;
use crate::failure::Failure;
use crate::screen::{Screen, duration};
use crate::stage::{self, PLAIN_HTTP};
use app::{App, Build};
use generation::{Generation, How};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use source::Source;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch as state};
use tokio::task::JoinHandle;

/// The port that is tried first.
const PORT: u16 = 8080;

/// The exit code after a second Ctrl-C, as shells count a death by SIGINT.
const INTERRUPTED: i32 = 130;

/// The time between two starts of a deployment that leaves by itself.
const AGAIN: Duration = Duration::from_millis(500);

impl Dev {
    /// Serves until Ctrl-C.
    ///
    /// # Errors
    /// It cannot begin: the port is taken, there is no project, no runtime.
    pub(crate) fn run(&self, screen: Screen) -> Result<ExitCode, Failure> {
        run(self, screen)
    }
}

fn run(options: &Dev, screen: Screen) -> Result<ExitCode, Failure> {
    let failed = |error: io::Error| Failure::new("dev", error);
    let platform = match options.run.platform() {
        // The front passes requests on as they are.
        None | Some(PLAIN_HTTP) => None,
        Some(word) => Some(stage::platform(word)?),
    };
    let (signals, heard) = mpsc::unbounded_channel();
    let is_serving = Arc::new(AtomicBool::new(false));
    let is_heard = watch_signals(signals, Arc::clone(&is_serving)).map_err(|error| Failure::new("signals", error))?;
    let listener = listen(options)?;
    let address = listener.local_addr().map_err(failed)?;
    let source = Source::find(options, screen);
    // The failure of a build that a signal has ended is none of its own: the thread of signals ends this process.
    while is_heard.load(Ordering::SeqCst) {
        std::thread::park();
    }
    let mut source = source?;
    is_serving.store(true, Ordering::SeqCst);
    let how = How { runtime: source.runtime(), platform, timeout: options.run.timeout() };
    let app = Arc::new(App::new(screen, reachable(address), how));
    let announced = address::Announced::write(&source.address_file(), app.address)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(failed)?;
    let code = runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        Supervisor::new(Arc::clone(&app), options.drain()).serve(&mut source, listener, heard).await
    })?;
    // Blocking threads may still wait for platforms that have ended.
    runtime.shutdown_background();
    drop(announced);
    Ok(code)
}

/// Returns where the console is reached, wherever it listens.
fn reachable(address: SocketAddr) -> SocketAddr {
    let local = match address {
        SocketAddr::V4(_) => SocketAddr::from(([127, 0, 0, 1], address.port())),
        SocketAddr::V6(_) => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port())),
    };
    if address.ip().is_unspecified() { local } else { address }
}

fn listen(options: &Dev) -> Result<TcpListener, Failure> {
    let at = |port| TcpListener::bind((options.host, port));
    let listener = match options.port {
        Some(port) => at(port),
        None => at(PORT).or_else(|error| if error.kind() == io::ErrorKind::AddrInUse { at(0) } else { Err(error) }),
    };
    let listener = listener.map_err(|error| {
        let is_taken = error.kind() == io::ErrorKind::AddrInUse;
        let hint = if is_taken { "; name another by --port, or leave it out for one that is free" } else { "" };
        Failure::new("serving", format!("{}, port {}: {error}{hint}", options.host, options.port.unwrap_or(PORT)))
    })?;
    listener.set_nonblocking(true).map_err(|error| Failure::new("serving", error))?;
    Ok(listener)
}

/// Passes signals on. Before it serves, nothing is there to be drained: a signal ends what builds, and this process.
/// Returns whether one was heard.
fn watch_signals(heard: mpsc::UnboundedSender<()>, is_serving: Arc<AtomicBool>) -> io::Result<Arc<AtomicBool>> {
    const SIGNALS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];
    // The thread hears every signal that the flag has seen.
    let mut signals = Signals::new(SIGNALS)?;
    let is_heard = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        signal_hook::flag::register(signal, Arc::clone(&is_heard))?;
    }
    let watch = move || {
        for signal in signals.forever() {
            if !is_serving.load(Ordering::SeqCst) {
                children::end(&[]);
                std::process::exit(128 + signal);
            }
            if heard.send(()).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("signals".to_owned()).spawn(watch)?;
    Ok(is_heard)
}

/// The supervisor, which keeps a deployment serving.
struct Supervisor {
    app: Arc<App>,
    drain: Duration,
    gone: mpsc::UnboundedSender<u64>,
    left: mpsc::UnboundedReceiver<u64>,
    drains: Vec<JoinHandle<()>>,
    built: watch::Built,
}

/// A deployment that has started, and how long its start took; or the failure.
type Made = Result<(Generation, Duration), Failure>;

impl Supervisor {
    fn new(app: Arc<App>, drain: Duration) -> Supervisor {
        let (gone, left) = mpsc::unbounded_channel();
        Supervisor { app, drain, gone, left, drains: Vec::new(), built: watch::Built::default() }
    }

    async fn serve(
        mut self,
        source: &mut Source,
        listener: tokio::net::TcpListener,
        mut signals: mpsc::UnboundedReceiver<()>,
    ) -> Result<ExitCode, Failure> {
        let app = Arc::clone(&self.app);
        let (stop, stopped) = state::channel(false);
        let front = tokio::spawn(front::serve(Arc::clone(&app), listener, stopped));
        app.screen.head("serving", &format!("http://{}/ (Ctrl-C to leave)", app.address));
        app.screen.head("console", &format!("http://{}/_faas", app.address));
        let (changes, mut changed) = mpsc::unbounded_channel();
        tokio::spawn(watch::watch(source.watched(), self.built.clone(), changes.clone()));
        tokio::spawn(timers::fire(Arc::clone(&app)));
        // The first build begins without a change.
        let _ = changes.send(());
        let mut build: Option<JoinHandle<Made>> = None;
        let mut is_stale = false;
        loop {
            tokio::select! {
                _ = signals.recv() => break,
                Some(()) = changed.recv() => is_stale = true,
                Some(number) = self.left.recv() => {
                    let is_lost = app.now().is_some_and(|now| now.number == number && now.has_lost_one());
                    if is_lost && build.is_none() {
                        app.screen.head("restart", "a runtime has left by itself");
                        // The lost deployment takes no more requests: they wait for the next.
                        build = Some(self.begin(source, AGAIN));
                    }
                }
                made = async { build.as_mut().expect("asked only with one").await }, if build.is_some() => {
                    build = None;
                    self.made(made.unwrap_or_else(|error| Err(Failure::new("build", error))));
                }
            }
            if is_stale && build.is_none() {
                is_stale = false;
                build = Some(self.begin(source, Duration::ZERO));
            }
        }
        self.leave(&stop, front, build, signals).await
    }

    /// Builds and starts a deployment on threads of their own.
    fn begin(&self, source: &Source, after: Duration) -> JoinHandle<Made> {
        let (app, around, source) = (Arc::clone(&self.app), self.app.around(&self.gone), source.clone());
        app.set_build(Build::Working);
        self.built.begins(&source.watched());
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            let make = move || {
                let deployment = source.make()?;
                let built = Instant::now();
                let number = app.next_number();
                let generation = Generation::start(number, deployment, &app.how, &around)?;
                Ok((generation, built.elapsed()))
            };
            tokio::task::spawn_blocking(make).await.unwrap_or_else(|error| Err(Failure::new("build", error)))
        })
    }

    /// Takes the result of a build: it serves from here on, or the old deployment goes on.
    fn made(&mut self, made: Made) {
        match made {
            Ok((generation, took)) => {
                let (number, processes) = (generation.number, generation.look());
                let pids: Vec<String> =
                    processes.iter().map(|look| format!("{} pid {}", look.unit, look.pid)).collect();
                let old = self.app.swap(Some(Arc::new(generation)));
                let text = format!("{number}, ready after {}: {}", duration(took), pids.join(", "));
                self.app.screen.head("deployed", &text);
                self.app.set_build(Build::Serves);
                self.drains.retain(|drain| !drain.is_finished());
                self.drains.extend(old.map(|old| self.retire(old)));
            }
            Err(failure) => {
                self.app.screen.failed(&failure);
                if let Some(now) = self.app.now() {
                    self.app.screen.head("serving", &format!("deployment {} goes on", now.number));
                }
                self.app.set_build(Build::Failed(failure.whole()));
            }
        }
    }

    /// Waits for the requests of a deployment and ends it.
    fn retire(&self, old: Arc<Generation>) -> JoinHandle<()> {
        let (drain, screen) = (self.drain, self.app.screen);
        tokio::spawn(async move {
            if !old.drained(drain).await {
                let in_flight = old.in_flight();
                screen.head("drain", &format!("deployment {} ends under {in_flight} requests", old.number));
            }
            // It fails only if the tool is ending.
            let _ = tokio::task::spawn_blocking(move || old.end()).await;
        })
    }

    /// Takes no more requests, waits for those that run, and ends everything. A second signal ends it at once.
    async fn leave(
        mut self,
        stop: &state::Sender<bool>,
        front: JoinHandle<()>,
        build: Option<JoinHandle<Made>>,
        mut signals: mpsc::UnboundedReceiver<()>,
    ) -> Result<ExitCode, Failure> {
        let app = Arc::clone(&self.app);
        stop.send_replace(true);
        let progress = match app.all().iter().map(|generation| generation.in_flight()).sum() {
            0 => "nothing in progress".to_owned(),
            1 => "1 request in progress; Ctrl-C again to drop it".to_owned(),
            many => format!("{many} requests in progress; Ctrl-C again to drop them"),
        };
        app.screen.head("draining", &progress);
        let leave = async {
            let _ = front.await;
            let is_building = build.is_some();
            if let Some(build) = build {
                children::end(&app.pids());
                if let Ok(Ok((generation, _))) = build.await {
                    app.swap(Some(Arc::new(generation)));
                }
            }
            let last = app.swap(None);
            self.drains.extend(last.map(|last| self.retire(last)));
            for drain in self.drains.drain(..) {
                let _ = drain.await;
            }
            is_building
        };
        tokio::select! {
            _ = leave => {}
            _ = signals.recv() => {
                let all = app.all();
                all.iter().for_each(|generation| generation.discard());
                for generation in &all {
                    generation.clear().await;
                }
                children::end(&[]);
                address::forget();
                app.screen.head("shutdown", "dropped what was in progress");
                std::process::exit(INTERRUPTED);
            }
        }
        app.screen.head("shutdown", "every process has ended");
        Ok(ExitCode::SUCCESS)
    }
}
