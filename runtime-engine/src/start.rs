//! From the environment to a running process, and to its exit code.

use crate::loader::{self, Libraries};
use crate::output::Output;
use crate::piping::Answers;
use crate::stop::Stop;
use crate::{first, piping, polling, serving, sys, traces};
use faas_abi::Module;
use faas_core::failure::Failure;
use faas_core::lifecycle::{Booted, Linked, Runtime, Start};
use faas_core::log::{Level, Log};
use faas_core::modules::Roots;
use faas_core::parking::block_on;
use faas_core::platform::{self, Detected, HandlerName, Opened, Protocol};
use faas_core::settings::{Env, Settings};
use faas_core::unit::Unit;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::Duration;

/// The start failed, or the platform's control plane is gone.
pub(crate) const FAILED: i32 = 1;

/// Runs the process to its end: functions and layers are libraries, named by the environment. To be called before any
/// thread is made.
pub fn run() -> ! {
    sys::begin();
    first::step_aside();
    traces::leave(go(Source::Libraries))
}

/// Runs the process to its end with a function and layers (outermost first) that are linked into the binary. To be
/// called before any thread is made.
pub fn run_linked(function: &'static Module, layers: &[&'static Module]) -> ! {
    first::step_aside();
    traces::leave(go(Source::Linked { function, layers: layers.to_vec() }))
}

/// Where modules come from.
pub(crate) enum Source {
    /// Loaded by name.
    Libraries,
    /// In the binary.
    Linked {
        /// Offers the function.
        function: &'static Module,
        /// Offer the layers.
        layers: Vec<&'static Module>,
    },
}

/// A failed configuration has no log yet: one line on standard error, where every platform looks.
pub(crate) fn complain(what: &dyn Display) -> i32 {
    eprintln!("bootstrap: {what}");
    FAILED
}

/// One variable of the process.
pub(crate) fn look_up(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

fn go(source: Source) -> i32 {
    let env = Env::new(&look_up);
    let settings = match Settings::read(&env) {
        Ok(settings) => settings,
        Err(bad) => return complain(&bad),
    };
    let Detected { opened, why } = match platform::detect(&env, &settings) {
        Ok(detected) => detected,
        Err(unknown) => return complain(&unknown),
    };
    // Before anything is opened: a number that the parent has left free would become something else's.
    let answers = match &opened.protocol {
        Protocol::Piping(protocol) => match Answers::to(protocol.answers_to()) {
            Ok(answers) => Some(answers),
            Err(error) => return complain(&error),
        },
        Protocol::Polling(_) | Protocol::Serving(_) => None,
    };
    let framed = env.number("_LAMBDA_TELEMETRY_LOG_FD").ok().flatten();
    let framed = framed.and_then(|fd| i32::try_from(fd).ok()).and_then(sys::inherited);
    let settings = Settings { grace: opened.stop_within(&env, &settings), ..settings };
    let Opened { identity, protocol, handler, root, log: style, .. } = opened;
    let log = Log::new(settings.level, style.look(&env, &settings), Arc::new(Output::new(framed, style.to)));
    let unit = Runtime::unit(identity, log);
    let root = env.get("FAAS_ROOT").or(root).map(PathBuf::from);
    let roots = Roots { task: root.or_else(|| std::env::current_dir().ok()).unwrap_or_default() };
    let stop = match Stop::new(unit.clone(), settings.grace) {
        Ok(stop) => Arc::new(stop),
        Err(error) => return complain(&format_args!("no descriptors for signals and deadlines: {error}")),
    };
    let life = Life { unit, settings, roots, handler, source, why, stop };
    match protocol {
        Protocol::Polling(protocol) => polling::run(&life, Arc::from(protocol)),
        Protocol::Serving(protocol) => serving::run(life, Arc::from(protocol)),
        Protocol::Piping(protocol) => {
            answers.map_or(FAILED, |answers| piping::run(&life, &Arc::from(protocol), answers))
        }
    }
}

/// What a direction's driver needs to live the process' life.
pub(crate) struct Life {
    pub(crate) unit: Arc<Unit>,
    pub(crate) settings: Settings,
    pub(crate) roots: Roots,
    pub(crate) handler: Option<HandlerName>,
    pub(crate) source: Source,
    pub(crate) why: String,
    pub(crate) stop: Arc<Stop>,
}

impl Life {
    /// Are the modules a part of this binary, and share its libraries?
    pub(crate) fn is_linked(&self) -> bool {
        matches!(self.source, Source::Linked { .. })
    }

    /// RuntimeStart and FunctionStart, on this thread. `late` is what happens if `FAAS_INIT_TIMEOUT` passes first.
    ///
    /// # Errors
    /// What the platform is told.
    pub(crate) fn start(&self, features: u64, late: impl FnOnce(Failure) + Send + 'static) -> Result<Runtime, Failure> {
        let limit = InitTimer::begin(self.settings.init_timeout, late);
        let start = self.what_to_start(features, self.handler.as_ref(), None)?;
        let runtime = block_on(Runtime::start(&self.unit, &Libraries, start))?;
        drop(limit);
        Ok(runtime)
    }

    /// RuntimeStart alone, in the same way.
    ///
    /// # Errors
    /// What the platform is told.
    pub(crate) fn boot(&self, features: u64, late: impl FnOnce(Failure) + Send + 'static) -> Result<Booted, Failure> {
        let limit = InitTimer::begin(self.settings.init_timeout, late);
        let start = self.what_to_start(features, None, None)?;
        let booted = block_on(Runtime::boot(&self.unit, &Libraries, &start))?;
        drop(limit);
        Ok(booted)
    }

    /// FunctionStart after [`boot`](Life::boot), on this thread and without a limit. `code`: the library, where it is not
    /// to be looked for.
    ///
    /// # Errors
    /// What the platform is told.
    pub(crate) fn function(
        &self,
        booted: Booted,
        features: u64,
        handler: Option<&HandlerName>,
        code: Option<&Path>,
    ) -> Result<Runtime, Failure> {
        let start = self.what_to_start(features, handler, code)?;
        block_on(booted.start(&Libraries, start))
    }

    fn what_to_start<'a>(
        &'a self,
        features: u64,
        handler: Option<&'a HandlerName>,
        code: Option<&'a Path>,
    ) -> Result<Start<'a>, Failure> {
        let linked = self.linked(features)?;
        Ok(Start { settings: &self.settings, handler, code, roots: &self.roots, features, linked })
    }

    fn linked(&self, features: u64) -> Result<Linked, Failure> {
        let Source::Linked { function, layers } = &self.source else { return Ok(Linked::default()) };
        let check = |module| loader::linked(module, features).map_err(|why| Failure::new("Runtime.LoadFailed", why));
        let function = Some(check(*function)?);
        let layers = layers.iter().map(|module| check(module)).collect::<Result<_, _>>()?;
        Ok(Linked { function, layers })
    }

    /// The line that says what runs here, and why under this platform.
    pub(crate) fn say_started(&self, what: &str) {
        if !self.unit.log.enabled(Level::Info) {
            return;
        }
        let identity = &self.unit.identity;
        let handler = self.handler.as_ref().map_or("(the only function there is)", |handler| handler.text.as_str());
        let layers: Vec<_> = self.settings.layers.iter().map(|layer| layer.name.as_str()).collect();
        let layers = if layers.is_empty() { "no layers".to_owned() } else { format!("layers {}", layers.join(", ")) };
        let message = format!("{what}platform {} ({}), function {handler}, {layers}", identity.platform, self.why);
        self.unit.log.say(Level::Info, &message);
    }
}

/// A failed start, in the log and, where that is elsewhere, on standard error too.
pub(crate) fn say_failed(unit: &Unit, failure: &Failure) {
    unit.log.say(Level::Error, &format!("start failed: {failure}"));
    eprintln!("bootstrap: start failed: {failure}");
}

/// What the platform is told of a start over its limit.
pub(crate) fn too_long(limit: Duration) -> Failure {
    Failure::new("Runtime.InitTimedOut", format!("start took longer than FAAS_INIT_TIMEOUT allows ({limit:?})"))
}

/// A thread that waits for the end of start, there only if somebody set a limit.
struct InitTimer(#[expect(dead_code, reason = "its drop is the message")] Option<mpsc::Sender<()>>);

impl InitTimer {
    fn begin(limit: Option<Duration>, late: impl FnOnce(Failure) + Send + 'static) -> InitTimer {
        let Some(limit) = limit else { return InitTimer(None) };
        let (sender, receiver) = mpsc::channel();
        let wait = move || {
            if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                late(too_long(limit));
            }
        };
        // Without a thread there is no limit, which is how platforms behave that set none.
        let _ = std::thread::Builder::new().name("faas-init-timer".to_owned()).spawn(wait);
        InitTimer(Some(sender))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_over_its_limit_is_told_and_one_within_is_not() {
        let (sender, receiver) = mpsc::channel();
        let slow = InitTimer::begin(Some(Duration::from_millis(1)), move |failure| {
            let _ = sender.send(failure.kind);
        });
        assert_eq!(receiver.recv().as_deref(), Ok("Runtime.InitTimedOut"));
        drop(slow);
        let (sender, receiver) = mpsc::channel();
        drop(InitTimer::begin(Some(Duration::from_secs(3600)), move |failure| {
            let _ = sender.send(failure.kind);
        }));
        assert!(receiver.recv().is_err(), "the thread ended without a word");
    }
}
