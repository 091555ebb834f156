//! From the environment to a running process, and to its exit code.

use crate::loader::{self, Libraries};
use crate::output::Output;
use crate::stopper::Stopper;
use crate::{first, polling, serving, sys};
use faas_abi::{F_CONCURRENT, F_MAY_BLOCK, F_REPLIED, F_STREAM_OUT, F_SUSPEND, Module};
use faas_core::failure::Failure;
use faas_core::lifecycle::{Linked, Runtime, Start};
use faas_core::log::{Level, Log};
use faas_core::modules::Roots;
use faas_core::parking::block_on;
use faas_core::platform::{self, Detected, HandlerName, Opened, Polling, Protocol};
use faas_core::settings::{Env, Settings};
use faas_core::unit::Unit;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The start failed, or the platform's control plane is gone.
pub(crate) const FAILED: i32 = 1;

/// Runs the process to its end: functions and layers are libraries, named by the environment. To be called before any
/// thread is made, and fit for a program that starts without std's own preparations.
pub fn run() -> ! {
    sys::begin();
    first::step_aside();
    sys::leave(go(Source::Libraries))
}

/// Runs the process to its end with a function and layers (outermost first) that are linked into the binary. To be
/// called before any thread is made.
pub fn run_linked(function: &'static Module, layers: &[&'static Module]) -> ! {
    first::step_aside();
    sys::leave(go(Source::Linked { function, layers }))
}

/// Where modules come from.
pub(crate) enum Source<'a> {
    /// Loaded by name.
    Libraries,
    /// In the binary.
    Linked {
        /// Offers the function.
        function: &'static Module,
        /// Offer the layers.
        layers: &'a [&'static Module],
    },
}

/// A failed configuration has no log yet: one line on standard error, where every platform looks.
fn complain(what: &dyn std::fmt::Display) {
    eprintln!("light-bootstrap: {what}");
}

fn say_failed(log: &Log, failure: &Failure) {
    log.say(Level::Error, &format!("start failed: {failure}"));
    complain(&format_args!("start failed: {failure}"));
}

fn go(source: Source<'_>) -> i32 {
    let look_up = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
    let env = Env::new(&look_up);
    let settings = match Settings::read(&env) {
        Ok(settings) => settings,
        Err(bad) => {
            complain(&bad);
            return FAILED;
        }
    };
    let detected = match platform::detect(&env, &settings) {
        Ok(detected) => detected,
        Err(unknown) => {
            complain(&unknown);
            return FAILED;
        }
    };
    let framed = env.number("_LAMBDA_TELEMETRY_LOG_FD").ok().flatten();
    let framed = framed.and_then(|fd| i32::try_from(fd).ok()).and_then(sys::inherited);
    let Detected { opened, why } = detected;
    let Opened { identity, protocol, handler, root, log: style } = opened;
    let log = Log::new(settings.level, style.look(&env, &settings), Arc::new(Output::new(framed, style.to)));
    let unit = Runtime::unit(identity, log);
    let root = env.get("FAAS_ROOT").or(root).map(PathBuf::from);
    let roots = Roots { task: root.or_else(|| std::env::current_dir().ok()).unwrap_or_default() };
    let life = Life { unit, settings, roots, handler, source, why };
    match protocol {
        Protocol::Polling(polling) => polling::run(&life, Arc::from(polling)),
        Protocol::Serving(serving) => serving::run(&life, Arc::from(serving)),
        Protocol::Piping(_) => {
            complain(&"no pipes yet");
            FAILED
        }
    }
}

/// What a direction's driver needs to live the process' life.
pub(crate) struct Life<'a> {
    pub(crate) unit: Arc<Unit>,
    pub(crate) settings: Settings,
    pub(crate) roots: Roots,
    pub(crate) handler: Option<HandlerName>,
    pub(crate) source: Source<'a>,
    pub(crate) why: String,
}

impl Life<'_> {
    /// RuntimeStart and FunctionStart. `report` tells the platform of a start that takes too long; the process then
    /// leaves, since nobody can stop a module in its `create`.
    pub(crate) fn start(
        &self,
        concurrency: usize,
        suspends: bool,
        report: impl FnOnce(&Failure) + Send + 'static,
    ) -> Result<Runtime, Failure> {
        let started = Arc::new(AtomicBool::new(false));
        if let Some(limit) = self.settings.init_timeout {
            let (started, log) = (started.clone(), self.unit.log.clone());
            let late = move || {
                let began = Instant::now();
                while let Some(left) = limit.checked_sub(began.elapsed()).filter(|left| !left.is_zero()) {
                    std::thread::park_timeout(left);
                }
                if started.load(Ordering::Acquire) {
                    return;
                }
                let message = format!("start took longer than FAAS_INIT_TIMEOUT, {} ms", limit.as_millis());
                let failure = Failure::new("Runtime.InitTimedOut", message);
                say_failed(&log, &failure);
                report(&failure);
                sys::leave(FAILED);
            };
            if let Err(error) = std::thread::Builder::new().spawn(late) {
                return Err(Failure::new("Runtime.NoResources", format!("no thread for FAAS_INIT_TIMEOUT: {error}")));
            }
        }
        let mut features = F_MAY_BLOCK | F_STREAM_OUT | F_REPLIED;
        if concurrency > 1 {
            features |= F_CONCURRENT;
        }
        if suspends {
            features |= F_SUSPEND;
        }
        let linked = self.linked(features)?;
        let (handler, roots) = (self.handler.as_ref(), &self.roots);
        let start = Start { settings: &self.settings, handler, roots, features, code: None, linked };
        let runtime = block_on(Runtime::start(&self.unit, &Libraries, start))?;
        started.store(true, Ordering::Release);
        self.say_started();
        Ok(runtime)
    }

    fn linked(&self, features: u64) -> Result<Linked, Failure> {
        let Source::Linked { function, layers } = &self.source else { return Ok(Linked::default()) };
        let check = |module| loader::linked(module, features).map_err(|why| Failure::new("Runtime.LoadFailed", why));
        let function = Some(check(*function)?);
        let layers = layers.iter().map(|module| check(module)).collect::<Result<_, _>>()?;
        Ok(Linked { function, layers })
    }

    fn say_started(&self) {
        let identity = &self.unit.identity;
        let handler = self.handler.as_ref().map_or("(the only function there is)", |handler| handler.text.as_str());
        let layers: Vec<_> = self.settings.layers.iter().map(|layer| layer.name.as_str()).collect();
        let layers = if layers.is_empty() { "no layers".to_owned() } else { format!("layers {}", layers.join(", ")) };
        let message = format!("platform {} ({}), function {handler}, {layers}", identity.platform, self.why);
        self.unit.log.say(Level::Info, &message);
    }

    /// A failed start, in the log and on standard error.
    pub(crate) fn say_failed(&self, failure: &Failure) {
        say_failed(&self.unit.log, failure);
    }

    /// A watchdog that listens to stop signals, running on a thread of its own.
    pub(crate) fn stopper(&self) -> std::io::Result<Stopper> {
        Stopper::new(self.unit.clone(), self.settings.grace)
    }
}

/// How a driver reports a failed start.
pub(crate) fn report(polling: &dyn Polling, failure: &Failure) {
    let mut request = Vec::new();
    if polling.init_error(failure, &mut request) {
        // The platform may be the very thing that is missing; the process leaves either way.
        let _ = polling::Connection::post_alone(polling.endpoint(), &request);
    }
}
