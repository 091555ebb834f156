//! The steps of an instance's life: dialled, initialised, frozen and thawed, stopped.

use super::exchange::send_on;
use super::log::{Outcome, Step};
use super::wire::{Body, Head, Wire};
use super::{Dialect, Fc, Kind, Stopped};
use crate::process::Signal;
use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// A hook that a function may be configured with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// The hook before the first request.
    Initialize,
    /// The hook before a freeze, in 2.0.
    PreFreeze,
    /// The hook before the end.
    PreStop,
}

impl Hook {
    fn path(self) -> &'static str {
        match self {
            Hook::Initialize => "/initialize",
            Hook::PreFreeze => "/pre-freeze",
            Hook::PreStop => "/pre-stop",
        }
    }

    fn step(self) -> Step {
        match self {
            Hook::Initialize => Step::Initialize,
            Hook::PreFreeze => Step::PreFreeze,
            Hook::PreStop => Step::PreStop,
        }
    }

    fn method(self) -> &'static str {
        if self == Hook::Initialize { "POST" } else { "GET" }
    }
}

impl Fc {
    /// Dials the port until it accepts, as the platform does before it sends anything.
    ///
    /// # Errors
    /// The port never accepts: `FunctionNotStarted` with the reason and the process' output.
    pub fn dial(&self) -> Result<(), String> {
        let pause = match self.options.dialect {
            Dialect::Fc2 | Dialect::Fc3 => Duration::from_millis(3),
            Dialect::OldLocal => Duration::from_millis(500),
            Dialect::NewLocal => Duration::from_secs(1),
        };
        let end = Instant::now() + self.options.start_limit;
        loop {
            match Wire::connect(self.address(), self.options.start_limit) {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > end || self.process.status().is_some() => {
                    let status = self.process.status();
                    let output = self.process.output();
                    let why =
                        format!("Ping CA failed: {}: {error}; the process is {status:?}:\n{output}", self.address());
                    return Err(format!("FunctionNotStarted: {why}"));
                }
                Err(_) => {}
            }
            // The error is the ordinary case, a process that still runs.
            let _ = self.process.wait(pause);
        }
    }

    /// Initialises the instance, if that is configured and has not been done.
    pub(super) fn ready(&self) -> Result<(), Kind> {
        if !self.options.initializer || self.options.dialect == Dialect::NewLocal {
            return Ok(());
        }
        let _alone = self.initializing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if self.state().initialized {
            return Ok(());
        }
        let failed = match self.hook(Hook::Initialize) {
            Ok((Head { status: 200..=299, .. }, _)) => {
                self.state().initialized = true;
                return Ok(());
            }
            Ok((head, body)) => format!("{}: {}", head.status, String::from_utf8_lossy(&body)),
            Err(error) => error.to_string(),
        };
        self.state().gone = true;
        Err(Kind::InitFailed(failed))
    }

    /// Sends a hook, whether it is configured or has been sent before or not, and returns its answer.
    ///
    /// # Errors
    /// There is no connection, or no answer within the hook's time.
    pub fn hook(&self, hook: Hook) -> io::Result<(Head, Vec<u8>)> {
        let request_id = self.next_id();
        let mut headers = self.options.headers(&request_id, hook.path());
        headers.push(("Host".to_owned(), self.address().to_string()));
        self.note(hook.step(), &request_id, Outcome::Unknown);
        let limit = Duration::from_secs(u64::from(self.options.hook_timeout)).max(self.options.patience);
        let until = Instant::now() + limit;
        let mut wire = self.wire()?;
        send_on(&mut wire, hook.method(), hook.path(), &headers, Body::Whole(b""))?;
        let head = wire.head(hook.method(), until)?;
        let body = wire.body(until)?;
        let outcome = match head.status {
            200..=299 => Outcome::Fine,
            // No work was begun.
            503 => Outcome::Refused,
            _ => Outcome::Failed,
        };
        self.note(hook.step(), &request_id, outcome);
        self.keep(wire);
        Ok((head, body))
    }

    /// Freezes the instance, after the hook where it is configured; and returns the status of that.
    ///
    /// # Errors
    /// A call runs, the hook has no answer, or the signal is refused.
    pub fn freeze(&self) -> io::Result<Option<u16>> {
        if self.state().in_flight > 0 {
            return Err(io::Error::other("an instance that serves is not frozen"));
        }
        let told = if self.options.pre_freeze && self.options.dialect == Dialect::Fc2 {
            Some(self.hook(Hook::PreFreeze)?.0.status)
        } else {
            None
        };
        self.process.signal(Signal::Stop)?;
        self.state().frozen = true;
        Ok(told)
    }

    /// Thaws the instance. The next call would do that, too.
    pub fn thaw(&self) {
        if std::mem::take(&mut self.state().frozen) {
            // It fails only for a process that has ended, which shows in the next exchange.
            let _ = self.process.signal(Signal::Cont);
        }
    }

    /// Ends the instance: thawed, told by the hook where it is configured, and killed; a container is asked by a signal
    /// first.
    pub fn stop(&self) -> Stopped {
        self.thaw();
        self.state().stopping = true;
        let pre_stop = self.options.pre_stop.then(|| self.hook(Hook::PreStop).map(|(head, _)| head.status));
        if self.options.container {
            let _ = self.terminate();
        }
        let _ = self.process.signal(Signal::Kill);
        Stopped { pre_stop, status: self.process.wait(self.options.patience).ok() }
    }

    /// Sends SIGTERM, as to a container, and returns the exit; `None` if it still runs when the patience ends.
    ///
    /// # Errors
    /// The signal is refused.
    pub fn terminate(&self) -> io::Result<Option<ExitStatus>> {
        self.thaw();
        self.state().stopping = true;
        self.process.signal(Signal::Term)?;
        Ok(self.process.wait(self.options.patience).ok())
    }
}
