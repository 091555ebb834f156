//! Fn's agent as the client of one function container: it starts the process, waits for the socket to appear, checks
//! and connects it at once, sends calls one by one over one connection, freezes the container between them and ends it.
//!
//! ```no_run
//! use platform_emulators::fn_project::{Agent, Call, Options, Outcome};
//! use std::process::Command;
//!
//! let folder = std::path::PathBuf::from("/tmp/iofs");
//! let mut agent = Agent::spawn(Command::new("target/debug/bootstrap"), Options::in_folder(folder))?;
//! agent.connect().expect("the socket appears");
//! let outcome = agent.call(&Call::plain("hello"));
//! assert!(matches!(outcome, Outcome::Success(answer) if answer.body == b"hello"));
//! assert_eq!(agent.violations(), Vec::<String>::new());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `call` | a call, and the outcome for its caller |
//! | `socket` | the watch over the folder, and the rules for the socket |
//!
//! Sources: the page on the function format in `fnproject/docs`, and the agent in `fnproject/fn`. The agent is told of
//! a new name by inotify; here the folder is asked every millisecond.

mod call;
mod socket;

pub use call::{Call, Outcome, Request};

use crate::process::{Process, Signal, alone};
use crate::wire::{Framing, Wire};
use socket::Watch;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The properties of a container.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder that agent and container share.
    pub folder: PathBuf,
    /// The value of `FN_LISTENER`; `None` for `unix:` and `lsnr.sock` in the folder.
    pub listener: Option<String>,
    /// The value of `FN_FORMAT`; `None` leaves it out.
    pub format: Option<String>,
    /// The time that the socket may take to appear. The platform's own limit is 5 s; a slow machine needs more.
    pub start_limit: Duration,
    /// The time that the agent waits for an answer.
    pub patience: Duration,
    /// `true` if the container is frozen between calls.
    pub freezes: bool,
    /// The values of `FN_LOGFRAME_NAME` and `FN_LOGFRAME_HDR`; `None` leaves them out.
    pub frame: Option<(String, String)>,
    /// The function's and the application's own configuration.
    pub config: Vec<(String, String)>,
}

impl Options {
    /// Returns a container that shares this folder.
    pub fn in_folder(folder: PathBuf) -> Options {
        Options {
            folder,
            listener: None,
            format: Some("http-stream".to_owned()),
            start_limit: Duration::from_secs(5),
            patience: Duration::from_secs(30),
            freezes: false,
            frame: None,
            config: Vec::new(),
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("lsnr.sock")
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut list: Vec<(String, String)> = [
            ("FN_LISTENER", self.listener.clone().unwrap_or_else(|| format!("unix:{}", self.socket().display()))),
            ("FN_FN_ID", "01FNEMULATED0000000000000".to_owned()),
            ("FN_APP_ID", "01APPEMULATED000000000000".to_owned()),
            ("FN_FN_NAME", "emulated".to_owned()),
            ("FN_APP_NAME", "shop".to_owned()),
            ("FN_MEMORY", "128".to_owned()),
            ("FN_TYPE", "sync".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        list.extend(self.format.iter().map(|format| ("FN_FORMAT".to_owned(), format.clone())));
        if let Some((name, header)) = &self.frame {
            list.push(("FN_LOGFRAME_NAME".to_owned(), name.clone()));
            list.push(("FN_LOGFRAME_HDR".to_owned(), header.clone()));
        }
        list.extend(self.config.iter().cloned());
        list
    }
}

/// The agent, with its container.
pub struct Agent {
    options: Options,
    process: Arc<Process>,
    watch: Watch,
    wire: Option<Wire<UnixStream>>,
    violations: Vec<String>,
    frozen: bool,
}

impl Agent {
    /// Starts a container: nothing of the caller's environment but `PATH`, over which the command's own variables go.
    ///
    /// # Errors
    /// The program cannot be started. The error is the system's.
    pub fn spawn(mut command: Command, options: Options) -> io::Result<Agent> {
        alone(&mut command, options.environment());
        command.stdin(Stdio::null());
        let watch = Watch::begin(options.socket());
        let process = Arc::new(Process::spawn(command, |_| ())?);
        Ok(Agent { options, process, watch, wire: None, violations: Vec::new(), frozen: false })
    }

    /// Waits for the socket, checks it and connects, all as soon as its name appears.
    ///
    /// # Errors
    /// The container did not come up in time, or its socket breaks the rules. The text is the one for the caller of the
    /// first call.
    pub fn connect(&mut self) -> Result<(), String> {
        let end = Instant::now() + self.options.start_limit;
        let stream = loop {
            if let Some(appeared) = self.watch.look() {
                break appeared?;
            }
            if let Some(status) = self.process.status() {
                return Err(format!("container failed to initialize: {status}; output:\n{}", self.process.output()));
            }
            if Instant::now() > end {
                return Err(format!("container initialization timed out; output:\n{}", self.process.output()));
            }
            // The error is the ordinary case, a process that still runs.
            let _ = self.process.wait(Duration::from_millis(1));
        };
        stream.set_read_timeout(Some(self.options.patience)).map_err(|error| error.to_string())?;
        self.wire = Some(Wire::new(stream));
        Ok(())
    }

    /// Sends a call and returns its outcome. Calls come one by one: this one has to end before the next begins.
    ///
    /// # Panics
    /// There is no connection, or the process cannot be frozen.
    pub fn call(&mut self, call: &Call) -> Outcome {
        self.send(call);
        self.receive(call)
    }

    /// Sends a call and does not wait.
    ///
    /// # Panics
    /// There is no connection, or the process cannot be thawed.
    pub fn send(&mut self, call: &Call) {
        self.thaw();
        let wire = self.wire.as_mut().expect("the agent is connected");
        let framing = call.chunks.map_or(Framing::Length, Framing::Chunks);
        // A failure shows when the answer is read.
        let _ = wire.send("POST", "/call", &call.headers(), &call.body, framing);
    }

    /// Returns the outcome of a call that was sent.
    ///
    /// # Panics
    /// There is no connection, or the process cannot be frozen.
    pub fn receive(&mut self, call: &Call) -> Outcome {
        let wire = self.wire.as_mut().expect("the agent is connected");
        let outcome = match wire.receive("POST") {
            Err(error) => Outcome::Broken(error.to_string()),
            Ok(answer) => {
                self.violations.extend(call::breaches(call, &answer));
                Outcome::of(call, answer)
            }
        };
        if self.options.freezes && !matches!(outcome, Outcome::Broken(_)) {
            self.freeze();
        }
        outcome
    }

    /// Sends any request on a connection of its own, which the agent never does.
    ///
    /// # Errors
    /// There is no connection, or no answer.
    pub fn stray(&self, method: &str, target: &str) -> io::Result<crate::wire::Answer> {
        let stream = UnixStream::connect(self.options.socket())?;
        stream.set_read_timeout(Some(self.options.patience))?;
        let mut wire = Wire::new(stream);
        wire.send(method, target, &[("Host".to_owned(), "localhost".to_owned())], b"", Framing::Length)?;
        wire.receive(method)
    }

    /// Freezes the container, as the platform does when it has been idle for 50 ms.
    ///
    /// # Panics
    /// The signal cannot be sent, or the container does not stop.
    pub fn freeze(&mut self) {
        self.process.signal(Signal::Stop).expect("the container is frozen");
        let stat = format!("/proc/{}/stat", self.process.pid());
        let end = Instant::now() + self.options.patience;
        // The state stands behind the name, which may hold anything but ends at the last parenthesis.
        while std::fs::read_to_string(&stat)
            .is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['T', 'Z'])))
        {
            assert!(Instant::now() < end, "the container does not stop");
            let _ = self.process.wait(Duration::from_millis(1));
        }
        self.frozen = true;
    }

    /// Thaws the container.
    ///
    /// # Panics
    /// The signal cannot be sent.
    pub fn thaw(&mut self) {
        if std::mem::take(&mut self.frozen) {
            self.process.signal(Signal::Cont).expect("the container is thawed");
        }
    }

    /// Asks it to leave and waits; after `grace` it is killed.
    ///
    /// # Panics
    /// The signal cannot be sent or a killed process does not end.
    pub fn stop(&mut self, grace: Duration) -> ExitStatus {
        self.thaw();
        self.process.signal(Signal::Term).expect("the signal is sent");
        self.process.wait(grace).unwrap_or_else(|_| {
            self.process.signal(Signal::Kill).expect("the signal is sent");
            self.process.wait(grace).expect("a killed process ends")
        })
    }

    /// Returns the container, which can be looked at while a call runs.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Returns the shared folder.
    pub fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// Returns the breaches of the socket and of answers, beyond those in outcomes.
    pub fn violations(&self) -> Vec<String> {
        let mut all = self.watch.violations().to_vec();
        all.extend(self.violations.iter().cloned());
        all
    }
}
