//! What every way of serving needs of the start: the values of the process, and the phases that come before the first
//! invocation. It knows none of the ways.

use crate::code::{self, LibraryOf};
use crate::ending::{Lasting, lasting};
use crate::exit_code::FAILED;
use crate::loader::{self, Libraries, Open};
use crate::runtime_files;
use crate::shutdown::{Shutdown, SignalsInto};
use faas_abi::{F_CONCURRENT, F_MAY_BLOCK, F_RECORDS, F_REPLIED, F_STREAM_IN, F_STREAM_OUT, F_SUSPEND, Module};
use faas_core::failure::Failure;
use faas_core::functions::{Linked, Loader};
use faas_core::lifecycle::{FunctionStart, LayersStarted, Runtime, Start};
use faas_core::log::{Level, Log};
use faas_core::manifest::Manifest;
use faas_core::modules::Roots;
use faas_core::parking::block_on;
use faas_core::platform::{HandlerName, Initial};
use faas_core::process::Process;
use faas_core::settings::Settings;
use std::sync::Arc;

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

/// The values that a direction's driver needs to run the process.
pub(crate) struct Life<'a> {
    pub(crate) open: Open,
    pub(crate) library: LibraryOf,
    pub(crate) signals_into: SignalsInto,
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

    /// Runs FunctionStart once the layers have started, with the code or settings that the platform has sent.
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
        let loader: Arc<dyn Loader> = Arc::new(Libraries(self.open));
        block_on(Runtime::start_layers(&self.process, loader, start))
    }

    fn run_function_start(&self, layers: LayersStarted, with: Option<Initial>) -> Result<Runtime, Failure> {
        let Initial { environment, code, handler } = with.unwrap_or_default();
        if !environment.is_empty() {
            self.process.give_environment(environment);
        }
        let named = handler.map(|text| HandlerName { text, required: true });
        let handler = named.as_ref().or(self.handler.as_ref());
        let prepared = code.map(|code| code::keep(self.library, &code)).transpose();
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
        Shutdown::new(self.signals_into, self.process.clone(), self.settings.grace)
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

fn say_failed(log: &Log, failure: &Failure) {
    log.say(Level::Error, &format!("start failed: {failure}"));
}
