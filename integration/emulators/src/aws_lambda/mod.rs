//! AWS Lambda's control plane: Runtime API 2018-06-01 with extensions, response streaming, SnapStart and managed
//! instances.
//!
//! ```no_run
//! use platform_emulators::aws_lambda::{Aws, Event, Kind, Options};
//! use std::process::Command;
//!
//! let aws = Aws::start(Options { handler: Some("echo".into()), ..Options::default() })?;
//! let runtime = aws.spawn(Command::new("target/debug/bootstrap"))?;
//! let answer = aws.invoke(Event::from(r#"{"n":1}"#));
//! assert_eq!((answer.kind, answer.text().as_str()), (Kind::Response, r#"{"n":1}"#));
//! assert_eq!(aws.violations(), Vec::<String>::new());
//! aws.shutdown(&runtime);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `state`, `managed` | the two state machines, sans-IO |
//! | `shared`, `control`, `polls`, `posts`, `registry` | one environment under one lock: invocations, polls, answers, extensions |
//! | `routes`, `runtime_api`, `extensions` | the calls |
//! | `server`, `reply`, `faults` | connections, replies, scripted faults |
//! | `strict`, `payloads`, `capture`, `clock` | breaches, the platform's own JSON, the runtime's messages |
//! | `options`, `answer`, `lifecycle` | the choices of a test, its outcomes, the process |

mod answer;
mod capture;
mod clock;
mod control;
mod extensions;
mod faults;
mod lifecycle;
mod managed;
mod options;
mod payloads;
mod polls;
mod posts;
mod registry;
mod reply;
mod routes;
mod runtime_api;
mod server;
mod shared;
mod state;
mod strict;

use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

pub use answer::{Answer, Chunk, InFlight, Kind, Snapshot};
pub use capture::{Frame, FrameError, Level, Posted, Record, Report, frames};
pub use faults::{Ending, Endpoint, Fault};
pub use lifecycle::{GRACE, Shutdown};
pub use managed::MAX_PARKED;
pub use options::{ChunkNext, Cognito, Event, InitType, Options};
pub use payloads::{MAX_MANAGED_ERROR, MAX_PAYLOAD, MAX_STREAM};
pub use registry::{Extension, MAX_EXTENSIONS};
pub use state::{Post, State};

use crate::process::Process;
use crate::wait::TimedOut;
use control::Control;
use shared::Shared;

/// A running control plane. Dropping it closes its port and every connection; processes end with their own handles.
pub struct Aws {
    shared: Arc<Shared>,
    address: SocketAddr,
    server: Option<JoinHandle<()>>,
}

impl Aws {
    /// Starts the control plane on a free loopback port.
    ///
    /// # Errors
    /// There is no free port, or no thread can be started.
    pub fn start(options: Options) -> io::Result<Aws> {
        let (sender, commands) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(Control::new(options), sender));
        let (address, server) = server::start(Arc::clone(&shared), commands)?;
        Ok(Aws { shared, address, server: Some(server) })
    }

    /// Returns the address it listens on; the value of `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns every variable the platform sets, and [`Options::env`] after them.
    pub fn env(&self) -> Vec<(String, String)> {
        self.shared.look(|control| control.options.variables(self.address))
    }

    /// Starts the runtime under test in a fresh environment. State, extensions and cached failures of the last one are
    /// gone, and its connections are reset. Events that no poll has taken stay, and so do the counts. The process gets
    /// [`Aws::env`] and over it the variables `command` was given, nothing else; no input; a process group of its own.
    ///
    /// # Errors
    /// The program cannot be started, or the last process still runs.
    pub fn spawn(&self, command: Command) -> io::Result<Process> {
        let (options, last, ending) =
            self.shared.look(|control| (control.options.clone(), control.process.clone(), control.closing));
        if let Some(last) = last.filter(|last| last.status().is_none()) {
            // A process that is being ended after a passed deadline is gone within its grace.
            if !ending || last.wait_exit(GRACE + Duration::from_secs(10)).is_none() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the environment's process still runs"));
            }
        }
        let (command, log) = lifecycle::prepare(command, &options, self.address)?;
        let generation = self.shared.change(|control| {
            control.renew();
            control.generation
        });
        let shared = Arc::clone(&self.shared);
        let process =
            Process::spawn(command, move |status| shared.change(|control| control.exited(generation, status)))?;
        self.shared.change(|control| control.process = Some(process.watched()));
        if let Some(reader) = log {
            lifecycle::read_log(Arc::clone(&self.shared), reader);
        }
        Ok(process)
    }

    /// Ends the runtime as the platform does between invocations: SIGKILL, or with an extension registered SIGTERM,
    /// [`GRACE`], SIGKILL. Returns when it has ended.
    pub fn shutdown(&self, process: &Process) -> Shutdown {
        let with_extension = self.shared.change(|control| control.close("spindown"));
        lifecycle::end(&process.watched(), with_extension)
    }

    /// Sends an event and blocks until its outcome.
    pub fn invoke(&self, event: impl Into<Event>) -> Answer {
        self.submit(event).wait()
    }

    /// Sends an event without waiting. One at a time, events queue, also for a process still to be spawned (unless init
    /// has failed); on managed instances one is refused at once when no poll is parked.
    pub fn submit(&self, event: impl Into<Event>) -> Pending {
        let event = event.into();
        let (id, patience) = self.shared.change(|control| (control.submit(event), control.options.patience));
        Pending { shared: Arc::clone(&self.shared), id, submitted: Instant::now(), patience }
    }

    /// Takes the environment out of its snapshot, for SnapStart. Returns `false` when no restore poll is parked.
    pub fn restore(&self) -> bool {
        self.shared.change(Control::restore)
    }

    /// Lets the deadline of an invocation pass now, whatever the clock and [`Options::enforce_deadline`] say. Returns
    /// `false` when no poll has taken it or it is answered.
    pub fn time_out(&self, request_id: &str) -> bool {
        let (under_way, leaving) = self.shared.change(|control| {
            let under_way = control.snapshot().request(request_id).is_some_and(|request| request.delivered);
            let stop = control.time_out(request_id);
            (under_way, stop.then(|| lifecycle::close_after_timeout(control)).flatten())
        });
        lifecycle::end_in_background(leaving);
        under_way
    }

    /// Queues a fault for the next call of that endpoint for which no other is queued.
    pub fn fault(&self, endpoint: Endpoint, fault: Fault) {
        self.shared.change(|control| control.script.push(endpoint, fault));
    }

    /// Ends every open connection, as a thaw after a long freeze does.
    pub fn cut(&self, ending: Ending) {
        self.shared.change(|control| control.cut(ending, true));
    }

    /// Closes the port: new connections are refused until [`Aws::listen`]. Open ones stay.
    pub fn refuse(&self) {
        let (done, refused) = oneshot::channel();
        if self.shared.commands.send(crate::acceptor::Command::Refuse(done)).is_ok() {
            // The server ends only when this handle is dropped.
            let _ = refused.blocking_recv();
        }
    }

    /// Opens the port again.
    ///
    /// # Errors
    /// Another program has taken the port meanwhile.
    pub fn listen(&self) -> io::Result<()> {
        let (done, listening) = oneshot::channel();
        let gone = || io::Error::from(io::ErrorKind::NotConnected);
        self.shared.commands.send(crate::acceptor::Command::Listen(done)).map_err(|_| gone())?;
        listening.blocking_recv().map_err(|_| gone())?
    }

    /// Blocks until the environment is as wanted.
    ///
    /// # Errors
    /// [`TimedOut`] at the limit, with the environment as it was then.
    pub fn wait_for(&self, wanted: impl Fn(&Snapshot) -> bool, limit: Duration) -> Result<Snapshot, TimedOut> {
        let found = self.shared.wait_until(limit, |control| Some(control.snapshot()).filter(&wanted));
        found.ok_or_else(|| TimedOut { what: format!("{:#?}", self.snapshot()), limit })
    }

    /// Returns the environment now.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.look(Control::snapshot)
    }

    /// Returns the account of one request id.
    pub fn record(&self, request_id: &str) -> Option<Record> {
        self.shared.look(|control| control.invocations.get(request_id).map(|invocation| invocation.record.clone()))
    }

    /// Returns the accounts of all request ids, in the order submitted.
    pub fn records(&self) -> Vec<Record> {
        self.shared.look(|control| {
            let mut invocations: Vec<_> = control.invocations.values().collect();
            invocations.sort_by_key(|invocation| invocation.submitted);
            invocations.into_iter().map(|invocation| invocation.record.clone()).collect()
        })
    }

    /// Returns the posts that named an id never given out.
    pub fn strays(&self) -> Vec<Posted> {
        self.shared.look(|control| control.strays.clone())
    }

    /// Returns every `/init/error`, accepted or refused.
    pub fn init_errors(&self) -> Vec<Report> {
        self.shared.look(|control| control.init_errors.clone())
    }

    /// Returns every `/restore/error`, accepted or refused.
    pub fn restore_errors(&self) -> Vec<Report> {
        self.shared.look(|control| control.restore_errors.clone())
    }

    /// Returns every `/error` of an invocation that its state allowed, with its headers.
    pub fn errors(&self) -> Vec<Report> {
        self.shared.look(|control| control.errors.clone())
    }

    /// Returns the number of GET `/next` calls so far.
    pub fn next_calls(&self) -> usize {
        self.snapshot().next_calls
    }

    /// Returns the most polls that ever waited at once.
    pub fn max_parked(&self) -> usize {
        self.snapshot().max_parked
    }

    /// Returns the extensions of this environment.
    pub fn extensions(&self) -> Vec<Extension> {
        self.shared.look(|control| control.extensions.list())
    }

    /// Returns every breach of the protocol so far, in words. Empty in a healthy run.
    pub fn violations(&self) -> Vec<String> {
        self.shared.look(|control| control.violations.clone())
    }

    /// Returns the records on the framed log descriptor so far.
    ///
    /// # Errors
    /// The bytes are not frames, or the last one is not whole yet.
    pub fn log_frames(&self) -> Result<Vec<Frame>, FrameError> {
        self.shared.look(|control| frames(&control.log))
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        // Both fail only when the thread is gone already.
        let _ = self.shared.commands.send(crate::acceptor::Command::Stop);
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// An invocation under way.
pub struct Pending {
    shared: Arc<Shared>,
    id: String,
    submitted: Instant,
    patience: Duration,
}

impl Pending {
    /// Returns its id.
    pub fn request_id(&self) -> &str {
        &self.id
    }

    /// Blocks until its outcome; [`Kind::Unanswered`] when [`Options::patience`] ends first.
    pub fn wait(self) -> Answer {
        let left = (self.submitted + self.patience).saturating_duration_since(Instant::now());
        self.wait_for(left).unwrap_or_else(|timed_out| Answer {
            kind: Kind::Unanswered,
            request_id: self.id.clone(),
            status: None,
            headers: Vec::new(),
            body: timed_out.to_string().into(),
            chunks: Vec::new(),
            trailers: Vec::new(),
            function_error: None,
            error_type: None,
            stream_error: None,
            xray_cause: None,
            submitted: self.submitted,
            delivered: None,
            answered: Instant::now(),
        })
    }

    /// Blocks until its outcome, for `limit` at most; may be called again. The answer is handed out once.
    ///
    /// # Errors
    /// It is [`TimedOut`] at the limit.
    pub fn wait_for(&self, limit: Duration) -> Result<Answer, TimedOut> {
        let found = self.shared.wait_until(limit, |control| control.invocations.get_mut(&self.id)?.answer.take());
        found.ok_or_else(|| {
            let now = self.shared.look(Control::snapshot);
            TimedOut { what: format!("no answer to {}: {now:#?}", self.id), limit }
        })
    }
}
