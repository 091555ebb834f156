//! The way from the environment to a running process, and to its exit code.

use crate::driver::Driver;
use crate::ending::{Lasting, lasting};
use crate::guard::Guard;
use crate::loader::{self, Libraries};
use crate::output::Output;
use crate::piping::{self, Answers};
use crate::shutdown::Shutdown;
use crate::{code, manifest, pid1, polling, runtime_files, serving, sys};
use faas_abi::{F_CONCURRENT, F_MAY_BLOCK, F_RECORDS, F_REPLIED, F_STREAM_IN, F_STREAM_OUT, F_SUSPEND, Module};
use faas_core::command_line;
use faas_core::describe::describe;
use faas_core::failure::Failure;
use faas_core::functions::{Linked, Loader};
use faas_core::lifecycle::{FunctionStart, LayersStarted, Runtime, Start};
use faas_core::log::{Level, Log};
use faas_core::manifest::Manifest;
use faas_core::modules::Roots;
use faas_core::parking::block_on;
use faas_core::platform::{self, Detected, HandlerName, Initial, PlatformConfig, Polling, Protocol};
use faas_core::process::{Clock, Process};
use faas_core::settings::{Env, Settings};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The exit code if the start failed, or the platform's control plane is gone.
pub(crate) const FAILED: i32 = 1;

/// Runs the process to its end: functions and layers are libraries, named by the environment. It has to be called
/// before any thread is made. It fits a program that starts without std's own preparations.
pub fn run(driver: &'static Driver) -> ! {
    sys::begin();
    if answer_command_line(driver).is_some_and(|first| first == command_line::DESCRIBE) {
        describe_library(driver);
    }
    pid1::step_aside();
    runtime_files::leave(go(driver, Source::Libraries))
}

/// Runs the process to its end with a function and layers (outermost first) that are linked into the binary. It has to
/// be called before any thread is made. It fits a program that starts without std's own preparations.
pub fn run_linked(driver: &'static Driver, function: &'static Module, layers: &[&'static Module]) -> ! {
    sys::begin();
    let _ = answer_command_line(driver);
    pid1::step_aside();
    runtime_files::leave(go(driver, Source::Linked { function, layers }))
}

/// Returns the clock of a process that begins now.
pub fn clock() -> Clock {
    Clock::machine(sys::monotonic_ns)
}

/// Answers `--help` and `--version`, and ends the process. Returns any other first argument; `None` if there is none.
fn answer_command_line(driver: &Driver) -> Option<OsString> {
    let first = std::env::args_os().nth(1)?;
    if let Some(text) = command_line::answer(driver.program, Some(&first.to_string_lossy())) {
        println!("{}", text.trim_end());
        runtime_files::leave(0);
    }
    Some(first)
}

/// Writes the declarations of the library of the second argument, and ends the process: 0, or 1 if it cannot be loaded,
/// or 2 if no library is named.
fn describe_library(driver: &'static Driver) -> ! {
    let Some(path) = std::env::args_os().nth(2) else {
        complain(driver, &"--describe: expected the path of a library, found nothing");
        runtime_files::leave(2);
    };
    // The features do not matter here: an entry is only read.
    match Libraries(driver).load(Path::new(&path), u64::MAX) {
        Ok(module) => {
            println!("{}", describe(&module));
            runtime_files::leave(0);
        }
        Err(why) => {
            complain(driver, &why);
            runtime_files::leave(FAILED);
        }
    }
}

/// The source of the modules.
pub(crate) enum Source<'a> {
    /// They are libraries, loaded by their names.
    Libraries,
    /// They are linked into the program.
    Linked {
        /// The module that offers the function.
        function: &'static Module,
        /// The modules that offer the layers.
        layers: &'a [&'static Module],
    },
}

/// Writes why a configuration failed: one line on standard error, where every platform looks, since it has no log yet.
fn complain(driver: &Driver, what: &dyn std::fmt::Display) {
    eprintln!("{}: {what}", driver.program);
}

fn say_failed(log: &Log, failure: &Failure) {
    log.say(Level::Error, &format!("start failed: {failure}"));
}

fn go(driver: &'static Driver, source: Source<'_>) -> i32 {
    let complain = |what: &dyn std::fmt::Display| complain(driver, what);
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
    let answers = match &opened.protocol {
        Protocol::Piping(piping) => match Answers::to(piping.answers_to()) {
            Ok(answers) => Some(answers),
            Err(error) => {
                complain(&error);
                return FAILED;
            }
        },
        Protocol::Polling(_) | Protocol::Serving(_) => None,
    };
    let settings = Settings { grace: opened.stop_within(&env, &settings), ..settings };
    let PlatformConfig { identity, protocol, handler, root, log: style, secrets, .. } = opened;
    let root = env.get("FAAS_ROOT").or(root).map(PathBuf::from);
    let roots = Roots { task: root.or_else(|| std::env::current_dir().ok()).unwrap_or_default() };
    // This comes before any thread is made: the process' environment is about to change.
    let place = manifest::Place { driver, platform: identity.platform, secrets };
    let (manifest, laid) = manifest::read(&env, &roots, &place);
    let log = Log::new(settings.level, style.look(&env, &settings), Arc::new(Output::new(framed, style.to)));
    if let Ok(Some(manifest)) = &manifest {
        log.conceal(manifest.secrets.values());
    }
    let _guard = Guard(&log);
    let process = Arc::new(Process::by(clock(), identity, log.clone()));
    laid.doubts.iter().for_each(|doubt| process.log.say(Level::Warn, doubt));
    process.cover_environment(laid.before);
    let life = Life { driver, process, settings, manifest, roots, handler, source, why };
    match protocol {
        Protocol::Polling(polling) => polling::run(&life, Arc::from(polling)),
        Protocol::Serving(serving) => serving::run(&life, Arc::from(serving)),
        Protocol::Piping(piping) => match answers {
            Some(answers) => piping::run(&life, &Arc::from(piping), &answers),
            None => FAILED,
        },
    }
}

/// The values that a direction's driver needs to run the process.
pub(crate) struct Life<'a> {
    pub(crate) driver: &'static Driver,
    pub(crate) process: Arc<Process>,
    pub(crate) settings: Settings,
    /// The functions of the process, if there is a manifest; or the failure of reading it.
    pub(crate) manifest: Result<Option<Manifest>, Failure>,
    pub(crate) roots: Roots,
    pub(crate) handler: Option<HandlerName>,
    pub(crate) source: Source<'a>,
    pub(crate) why: String,
}

impl Life<'_> {
    /// Runs RuntimeStart and FunctionStart. `report` tells the platform of a start that takes too long; the process
    /// then leaves, since nobody can stop a module in its `create`.
    ///
    /// # Errors
    /// The failure that the platform is told.
    pub(crate) fn start(
        &self,
        features: u64,
        report: impl FnOnce(&Failure) + Send + 'static,
    ) -> Result<Runtime, Failure> {
        let limit = self.limit(Box::new(report))?;
        let runtime = self.run_function_start(self.run_runtime_start(features)?, None)?;
        drop(limit);
        Ok(runtime)
    }

    /// Runs RuntimeStart alone. A limit counts for each of the two, and `report` is as for [`start`](Life::start).
    ///
    /// # Errors
    /// The failure that the platform is told.
    pub(crate) fn boot(
        &self,
        features: u64,
        report: impl FnOnce(&Failure) + Send + 'static,
    ) -> Result<LayersStarted, Failure> {
        let limit = self.limit(Box::new(report))?;
        let booted = self.run_runtime_start(features)?;
        drop(limit);
        Ok(booted)
    }

    /// Runs FunctionStart after it, with the code or settings that the platform has sent for it.
    ///
    /// # Errors
    /// The failure that the platform is told.
    pub(crate) fn begin(
        &self,
        layers: LayersStarted,
        with: Option<Initial>,
        report: impl FnOnce(&Failure) + Send + 'static,
    ) -> Result<Runtime, Failure> {
        let limit = self.limit(Box::new(report))?;
        let runtime = self.run_function_start(layers, with)?;
        drop(limit);
        Ok(runtime)
    }

    fn manifest(&self) -> Result<Option<&Manifest>, Failure> {
        self.manifest.as_ref().map(Option::as_ref).map_err(Failure::clone)
    }

    fn run_runtime_start(&self, features: u64) -> Result<LayersStarted, Failure> {
        let (settings, manifest, roots) = (&self.settings, self.manifest()?, &self.roots);
        let start = Start { settings, manifest, roots, features, linked: self.linked(features)? };
        let loader: Arc<dyn Loader> = Arc::new(Libraries(self.driver));
        block_on(Runtime::start_layers(&self.process, loader, start))
    }

    fn run_function_start(&self, layers: LayersStarted, with: Option<Initial>) -> Result<Runtime, Failure> {
        let Initial { environment, code, handler } = with.unwrap_or_default();
        if !environment.is_empty() {
            self.process.give_environment(environment);
        }
        let named = handler.map(|text| HandlerName { text, required: true });
        let handler = named.as_ref().or(self.handler.as_ref());
        let prepared = code.map(|code| code::keep(self.driver, &code)).transpose();
        let (code, manifest) = match prepared.and_then(|code| Ok((code, self.manifest()?))) {
            Ok(prepared) => prepared,
            Err(failure) => {
                block_on(layers.close());
                return Err(failure);
            }
        };
        let start = FunctionStart { settings: &self.settings, manifest, handler, code: code.as_deref() };
        let runtime = block_on(layers.start(start))?;
        runtime.say_started(handler.map(|handler| handler.text.as_str()), &self.why);
        Ok(runtime)
    }

    /// Starts the limit to a start; it ends when the result is dropped.
    fn limit(&self, report: Box<dyn FnOnce(&Failure) + Send>) -> Result<Limit, Failure> {
        let Some(limit) = self.settings.init_timeout else { return Ok(Limit(None)) };
        let (starts, end) = lasting();
        let log = self.process.log.clone();
        let late = move || {
            if !end.wait(limit) {
                let message = format!("start took longer than FAAS_INIT_TIMEOUT, {} ms", limit.as_millis());
                let failure = Failure::new("Runtime.InitTimedOut", message);
                say_failed(&log, &failure);
                report(&failure);
                runtime_files::leave(FAILED);
            }
        };
        match std::thread::Builder::new().spawn(late) {
            Ok(_) => Ok(Limit(Some(starts))),
            Err(error) => Err(Failure::new("Runtime.NoResources", format!("no thread for FAAS_INIT_TIMEOUT: {error}"))),
        }
    }

    fn linked(&self, features: u64) -> Result<Linked, Failure> {
        let Source::Linked { function, layers } = &self.source else { return Ok(Linked::default()) };
        let check = |module| loader::linked(module, features).map_err(|why| Failure::new("Runtime.LoadFailed", why));
        let function = Some(check(*function)?);
        let layers = layers.iter().map(|module| check(module)).collect::<Result<_, _>>()?;
        Ok(Linked { function, layers, ..Linked::default() })
    }

    /// Says that the start has failed.
    pub(crate) fn say_failed(&self, failure: &Failure) {
        say_failed(&self.process.log, failure);
    }

    /// Makes the deadlines and stop signals, which do not run yet.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub(crate) fn shutdown(&self) -> std::io::Result<Shutdown> {
        Shutdown::new(self.driver, self.process.clone(), self.settings.grace)
    }
}

/// The limit to a start, while the start runs; its drop tells the thread that waits that the start is over.
struct Limit(#[expect(dead_code, reason = "its drop is the message")] Option<Lasting>);

/// Returns the features that the host offers, `FAAS_F_*`. If `lends`, a call may hold its thread for as long as it
/// waits.
pub(crate) fn features(concurrency: usize, suspends: bool, lends: bool) -> u64 {
    let several = if concurrency > 1 { F_CONCURRENT } else { 0 };
    let suspend = if suspends { F_SUSPEND } else { 0 };
    // A thread that serves nothing else meanwhile may wait for a module.
    let lends = if lends { F_MAY_BLOCK } else { 0 };
    lends | F_STREAM_OUT | F_STREAM_IN | F_REPLIED | F_RECORDS | several | suspend
}

/// Reports a failed start to the platform.
pub(crate) fn report(polling: &dyn Polling, failure: &Failure) {
    let mut request = Vec::new();
    if polling.init_error(failure, &mut request) {
        // The platform may be the very thing that is missing; the process leaves either way.
        let _ = polling::Connection::post_alone(polling.endpoint(), &request);
    }
}
