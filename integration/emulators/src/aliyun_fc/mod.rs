//! Alibaba Cloud Function Compute as the client of an instance with a custom runtime or container: it starts the
//! process, dials its port, initialises it, sends events and clients' requests, freezes and ends it, and cuts the log
//! by the markers. Versions 2.0 and 3.0, and the vendor's two local tools.
//!
//! ```no_run
//! use platform_emulators::aliyun_fc::{Fc, Kind, Options};
//! use std::process::Command;
//!
//! let fc = Fc::spawn(Command::new("target/debug/bootstrap"), Options { port: 9000, ..Options::default() })?;
//! fc.dial().expect("it accepts connections");
//! let answer = fc.invoke(r#"{"n":1}"#);
//! assert_eq!((answer.kind, answer.body), (Kind::Success, br#"{"n":1}"#.to_vec()));
//! assert_eq!(fc.violations(), Vec::<String>::new());
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `options` | a function's properties; variables and headers that follow from them |
//! | `exchange` | one request and its answer |
//! | `life` | the steps of an instance's life |
//! | `answer` | the answers for callers and clients |
//! | `strict` | the platform's refusals, and breaches in an answer |
//! | `log` | markers |
//! | `wire` | HTTP/1.1 |
//!
//! Sources: Function Compute's help pages on custom runtimes, and the published sources of the local tools. Which of
//! its two error types the platform gives for a failure that the runtime reports is not documented; here it is the one
//! that its name suggests.

mod answer;
mod exchange;
mod life;
mod log;
mod options;
mod strict;
mod wire;

pub use answer::{Answer, Kind, Response, Stopped};
pub use exchange::{Event, Exchange, Request};
pub use life::Hook;
pub use options::{CREDENTIALS, Dialect, Options};
pub use wire::Head;

use crate::process::Process;
use log::{Asked, Outcome, Step};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wire::Wire;

/// An address of this machine that a server on 127.0.0.1 alone does not have, as the platform's side of an instance.
const SELF: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// An instance of the function.
pub struct Fc {
    options: Options,
    process: Process,
    state: Mutex<State>,
    /// The lock while the instance is initialised: other calls wait.
    initializing: Mutex<()>,
}

#[derive(Default)]
struct State {
    requests: u64,
    idle: Vec<Wire>,
    asked: Vec<Asked>,
    breaches: Vec<String>,
    in_flight: usize,
    initialized: bool,
    frozen: bool,
    stopping: bool,
    gone: bool,
}

impl Fc {
    /// Starts the process with the platform's variables, and over them those that the command was given; nothing else
    /// but `PATH`.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(mut command: Command, options: Options) -> io::Result<Fc> {
        let own: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.envs(options.variables()).envs(own).stdin(Stdio::null());
        let process = Process::spawn(command, |_| ())?;
        Ok(Fc { options, process, state: Mutex::default(), initializing: Mutex::new(()) })
    }

    /// Returns the function's properties.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Returns the instance's process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns where the platform reaches it.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((SELF, self.options.port))
    }

    /// Returns every breach of the protocol so far, once the markers of the steps that have ended are there.
    pub fn violations(&self) -> Vec<String> {
        let asked = self.state().asked.clone();
        for asked in asked.iter().filter(|asked| matches!(asked.outcome, Outcome::Fine | Outcome::Failed)) {
            // An end that never comes shows below.
            let _ = self.wait_for_end(asked.step, &asked.request_id);
        }
        let mut found = self.state().breaches.clone();
        found.extend(log::breaches(&self.process.lines(), &asked));
        found
    }

    fn wait_for_end(&self, step: Step, request_id: &str) -> Result<String, crate::wait::TimedOut> {
        self.process.wait_for_line(|line| log::is_end(line, step, request_id), self.options.patience)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breach(&self, what: impl Into<String>) {
        self.state().breaches.push(what.into());
    }

    fn next_id(&self) -> String {
        let mut state = self.state();
        state.requests += 1;
        self.options.request_id(state.requests)
    }

    fn note(&self, step: Step, request_id: &str, outcome: Outcome) {
        let mut state = self.state();
        match state.asked.iter_mut().find(|asked| asked.step == step && asked.request_id == request_id) {
            Some(asked) => asked.outcome = outcome,
            None => state.asked.push(Asked { step, request_id: request_id.to_owned(), outcome }),
        }
    }
}
