//! RuntimeStart → FunctionStart → Invoke* → Close over loaded modules.
//!
//! What things are made of is [`functions::factory`]'s; in which order they are made and ended,
//! and what a failure comes to, is decided here.

mod centre;
mod close;
mod request_ids;

pub use centre::invoke;
pub use request_ids::RequestIds;

use crate::chain::{Chain, Place};
use crate::failure::Failure;
use crate::functions::target::{FailedStart, Started};
use crate::functions::{self, Factory, Function, Functions, Linked, Loader, Owner, Refusal};
use crate::invocation::Invocation;
use crate::log::Level;
use crate::manifest::Manifest;
use crate::modules::Roots;
use crate::parking::block_on;
use crate::platform::{HandlerName, Signal};
use crate::process::Process;
use crate::report;
use crate::settings::Settings;
use crate::trigger::MessageFormat;
use crate::turn::Turns;
use centre::Centre;
use close::{close, close_phase, end_alone};
use faas_abi::{CLOSE, FUNCTION_START, INVOKE, IS_BLOCKING, OK, REPLIED};
use faas_abi::{RESUME, RUNTIME_START, SUSPEND};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The most functions that start at once. Starts wait for others more than they work, and processes have few cores.
const STARTS_AT_ONCE: usize = 8;

/// The things that RuntimeStart needs.
#[derive(Debug)]
pub struct Start<'a> {
    /// The settings of the environment.
    pub settings: &'a Settings,
    /// The functions of the process, if a manifest says them.
    pub manifest: Option<&'a Manifest>,
    /// The folders that libraries lie in.
    pub roots: &'a Roots,
    /// The host's `FAAS_F_*` flags.
    pub features: u64,
    /// The modules that are linked into the program.
    pub linked: Linked,
}

/// The input of FunctionStart.
#[derive(Clone, Copy, Debug)]
pub struct FunctionStart<'a> {
    /// The settings of the environment.
    pub settings: &'a Settings,
    /// The functions of the process, if a manifest says them.
    pub manifest: Option<&'a Manifest>,
    /// The function's name, if anybody gave one.
    pub handler: Option<&'a HandlerName>,
    /// The library that holds the function, where it is given and not looked for.
    pub code: Option<&'a Path>,
}

/// A process after RuntimeStart, without a function yet.
#[derive(Debug)]
pub struct LayersStarted {
    process: Arc<Process>,
    factory: Factory,
    chain: Chain,
}

/// A process that has started.
#[derive(Debug)]
pub struct Runtime {
    process: Arc<Process>,
    factory: Factory,
    /// The layers around all functions.
    chain: Chain,
    functions: Arc<Functions>,
    /// The turn to run Resume, which is due if it has to run before the next invocation.
    resuming: Turns,
    /// `true` once Close has run.
    closed: AtomicBool,
}

/// The way in which calls of the functions of a process go, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallManner {
    /// `true` if all functions say that their calls are long, or a layer around them does. Where only some do, it is
    /// seen as they run.
    pub all_block: bool,
    /// `true` if any function says that its calls return soon, and may wait then for something else than a thread.
    pub some_wait: bool,
}

impl LayersStarted {
    /// Runs FunctionStart of every function that starts with the process. After a failure, whatever had been made has
    /// been closed.
    ///
    /// # Errors
    /// The failure that the platform is told.
    pub async fn start(self, start: FunctionStart<'_>) -> Result<Runtime, Failure> {
        let LayersStarted { process, factory, chain } = self;
        let filled = match start.manifest.map(|manifest| manifest.ask_modules_for_secrets(&process)).transpose() {
            Ok(filled) => filled.flatten(),
            Err(failure) => {
                close(&process, chain, Vec::new(), None, true).await;
                return Err(told(failure, &process));
            }
        };
        let functions = match filled.as_ref().or(start.manifest) {
            None => {
                let one = Functions::one(start.settings, start.handler, start.code);
                match factory.whole_module(one.all()[0].wanted()) {
                    Some(module) => Functions::of_module(module, start.settings),
                    None => Ok(one),
                }
            }
            Some(manifest) => {
                let functions = Functions::of(manifest, start.settings, start.handler, &process.log);
                functions.map(|mut functions| {
                    functions.ask_modules(manifest, &factory, &process.log);
                    functions
                })
            }
        };
        let functions = match functions {
            Ok(functions) => functions,
            Err(failure) => {
                close(&process, chain, Vec::new(), None, true).await;
                return Err(told(failure, &process));
            }
        };
        if let Err(failed) = start_all(&process, &chain, &factory, &functions).await {
            let started = functions.into_all().into_iter().filter_map(Function::into_started).collect();
            let failure = failed.of_function();
            close(&process, chain, started, Some(failed), true).await;
            return Err(told(failure, &process));
        }
        if let Some(manifest) = filled.as_ref().or(start.manifest) {
            functions.say_whose_events_count(manifest, &factory, &process.log);
        }
        let (functions, resuming, closed) = (Arc::new(functions), Turns::default(), AtomicBool::new(false));
        Ok(Runtime { process, factory, chain, functions, resuming, closed })
    }

    /// Runs Close: the process is asked to end before there was a function.
    pub async fn close(self) {
        close(&self.process, self.chain, Vec::new(), None, true).await;
    }
}

/// Starts every function that starts with the process: one after the other, or several at once where no layer looks on.
async fn start_all(
    process: &Arc<Process>,
    chain: &Chain,
    factory: &Factory,
    functions: &Functions,
) -> Result<(), FailedStart> {
    let eager: Vec<&Function> = functions.all().iter().filter(|function| !function.is_lazy()).collect();
    if eager.len() < 2 || chain.has_phase(FUNCTION_START) {
        for function in eager {
            function.start(process, chain, factory).await?;
        }
        return Ok(());
    }
    let (next, failed) = (Mutex::new(eager.into_iter()), Mutex::new(None));
    let lock = |failed| Mutex::lock(failed).unwrap_or_else(PoisonError::into_inner);
    let work = || {
        while lock(&failed).is_none() {
            let function = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(function) = function else { return };
            if let Err(failure) = block_on(function.start(process, chain, factory)) {
                let mut failed = lock(&failed);
                if let Some(other) = failed.replace(failure) {
                    // Two failed at once: the platform is told of one, and both have a line and are ended.
                    drop(failed);
                    process.log.say(Level::Error, &format!("start failed: {}", other.of_function()));
                    other.end(process);
                }
                return;
            }
        }
    };
    let others = functions.all().len().min(STARTS_AT_ONCE) - 1;
    std::thread::scope(|scope| {
        for _ in 0..others {
            // Without a thread more, the others do its part.
            let _ = std::thread::Builder::new().name("faas-start".to_owned()).spawn_scoped(scope, work);
        }
        work();
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

impl Runtime {
    /// Runs RuntimeStart and FunctionStart. After a failure, whatever had been made has been closed.
    ///
    /// # Errors
    /// The failure that the platform is told.
    pub async fn start(
        process: &Arc<Process>,
        loader: Arc<dyn Loader>,
        start: Start<'_>,
        handler: Option<&HandlerName>,
    ) -> Result<Runtime, Failure> {
        let Start { settings, manifest, .. } = start;
        let started = Runtime::start_layers(process, loader, start).await?;
        started.start(FunctionStart { settings, manifest, handler, code: None }).await
    }

    /// Runs RuntimeStart. After a failure, whatever had been made has been closed.
    ///
    /// # Errors
    /// The failure that the platform is told.
    pub async fn start_layers(
        process: &Arc<Process>,
        loader: Arc<dyn Loader>,
        start: Start<'_>,
    ) -> Result<LayersStarted, Failure> {
        let Start { settings, manifest, roots, features, linked } = start;
        process.set_debug(settings.debug);
        let factory = Factory::new(process, loader, roots.clone(), features, linked, manifest.is_some());
        let mut stack = Vec::new();
        let are_there = manifest.map_or(Ok(()), Manifest::secrets_of_layers_are_there);
        let made = are_there.and_then(|()| factory.layers(&functions::layers(manifest, settings), &mut stack));
        process.note_layers(stack.iter().map(|layer| layer.name.clone()).collect());
        let chain = Chain::new(stack, process.log.clone());
        let mut place = Place::new(Invocation::new(process.clone(), Arc::from("")));
        let started = async {
            made?;
            chain.phase(RUNTIME_START, &mut place, async |_: &mut Place| OK).await
        };
        match started.await {
            Ok(()) => Ok(LayersStarted { process: process.clone(), factory, chain }),
            Err(failure) => {
                close(process, chain, Vec::new(), None, true).await;
                Err(told(failure, process))
            }
        }
    }

    /// Returns the process that runs here.
    pub fn process(&self) -> &Arc<Process> {
        &self.process
    }

    /// Returns the layers around all functions.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Writes the line with the functions that run here, and the reason for this platform. A handler of `None` means
    /// that nobody named a function.
    pub fn say_started(&self, handler: Option<&str>, why: &str) {
        /// The most names that a line for people has.
        const MOST_NAMES: usize = 20;
        let all = self.functions.all();
        let what = match all {
            [only] if !only.is_from_manifest() => {
                format!("function {}", handler.unwrap_or("(the only function there is)"))
            }
            [only] => format!("function {}", only.name()),
            all => {
                let names: Vec<&str> = all.iter().take(MOST_NAMES).map(Function::name).collect();
                let more = match all.len() - names.len() {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                format!("functions {}{more}", names.join(", "))
            }
        };
        self.process.say_started(&what, why);
    }

    /// Returns the functions of the process.
    pub fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    fn started(&self) -> impl Iterator<Item = &Started> {
        self.functions.all().iter().filter_map(Function::started)
    }

    /// Returns the only function of the process, if there is but one, it has started, and no layers stand around it
    /// alone.
    fn only(&self) -> Option<&Started> {
        match self.functions.all() {
            [only] => only.started().filter(|started| !started.has_own_layers()),
            _ => None,
        }
    }

    /// Returns `true` if some function has not started, so that the events it serves are not known.
    fn has_unknown(&self) -> bool {
        self.functions.all().iter().any(|function| function.started().is_none())
    }

    /// Returns the way in which calls of the functions go.
    pub fn call_manner(&self) -> CallManner {
        let blocks = |flags: u32| flags & IS_BLOCKING != 0;
        // A call includes the hooks of the layers around it.
        let layer_blocks = self.chain.layers().iter().any(|layer| blocks(layer.instance.flags()));
        let all_block =
            layer_blocks || !self.has_unknown() && self.started().all(|started| blocks(started.function.flags()));
        CallManner { all_block, some_wait: self.started().any(Started::returns_soon) }
    }

    /// Returns `true` if some function wants the bodies of requests piece by piece, or may want them once it has
    /// started.
    pub fn wants_pieces(&self) -> bool {
        self.has_unknown() || self.started().any(Started::wants_pieces)
    }

    /// Makes a place for invocations, one after the other.
    pub fn place(&self) -> Place {
        Place::new(Invocation::new(self.process.clone(), Arc::from(self.functions.first_name())))
    }

    /// Serves the invocation in `place`, settles its reply or failure, and leaves a line of a failure in the log.
    /// Returns `true` if the answer is the caller's to give: see [`Flight::claim`](crate::invocation::Flight::claim).
    pub async fn invoke(&self, place: &mut Place) -> bool {
        // The platform says when it freezes the process and not when it thaws it: this is the first sign.
        if let Some(_turn) = self.resuming.turn().await {
            // The invocation is served all the same. What is rare is boxed, here and below: the walk of every
            // invocation would have room for it otherwise, and that is copied where it has to wait.
            let _ = Box::pin(self.resume()).await;
        }
        let served_by = self.serve(place).await;
        let cancelled = place.cancelled();
        let invocation = place.get_mut();
        let is_ours = invocation.conclude(cancelled);
        if is_ours {
            if let Some(function) = served_by {
                function.ended(invocation.failure(), &self.process);
            }
            if let Some(failure) = invocation.failure() {
                invocation.write_captured();
                report::failed(invocation, INVOKE, failure);
            }
        }
        is_ours
    }

    /// Finds the function and lets it serve; returns it if it has been called.
    async fn serve(&self, place: &mut Place) -> Option<&Function> {
        if place.get().metadata().is_streamed_in && place.get().metadata().format != MessageFormat::Request {
            // What it is cannot be known before it is whole.
            if let Err(failure) = Box::pin(place.get_mut().collect_body()).await {
                self.functions.leave_unowned(place.get_mut());
                Centre::Failure(&failure).run(&self.chain, place).await;
                return None;
            }
        }
        let recognised = self.chain.recognise(place);
        if recognised < 0 {
            self.functions.leave_unowned(place.get_mut());
            place.get_mut().settle(recognised, "the runtime");
            return None;
        }
        let function = match self.functions.owner(place.get_mut(), &self.process) {
            Owner::Function(function) => function,
            Owner::Nobody(refusal) => return Box::pin(self.refuse(refusal, place)).await,
        };
        let _admitted = match function.admit(&self.process) {
            Ok(admitted) => admitted,
            Err(refusal) => return Box::pin(self.refuse(refusal, place)).await,
        };
        let started = match function.started() {
            Some(started) => started,
            None => Box::pin(self.start_late(function, place)).await?,
        };
        if place.get().metadata().is_streamed_in
            && !started.wants_pieces()
            && let Err(failure) = Box::pin(place.get_mut().collect_body()).await
        {
            Centre::Failure(&failure).run(&self.chain, place).await;
            return None;
        }
        let chain = started.chain(&self.chain);
        let centre = Centre::Function(&started.function, started.record_rule);
        if started.has_own_layers() {
            centre.invoke(chain, place).await;
        } else {
            // Its recognisers have been asked.
            centre.run(chain, place).await;
        }
        Some(function)
    }

    /// Starts a function for its first invocation. Returns `None` if it could not start, and the invocation has failed.
    async fn start_late<'f>(&self, function: &'f Function, place: &mut Place) -> Option<&'f Started> {
        let failed = match function.start(&self.process, &self.chain, &self.factory).await {
            Ok(started) => return Some(started),
            Err(failed) => failed,
        };
        function.start_failed(&self.process);
        let failure = failed.failure.clone();
        end_alone(&self.process, failed).await;
        Centre::Failure(&failure).run(&self.chain, place).await;
        None
    }

    /// Answers an invocation that no function serves. The layers of the process see it like any other.
    async fn refuse(&self, refusal: Refusal, place: &mut Place) -> Option<&Function> {
        Centre::Refusal(&refusal).run(&self.chain, place).await;
        None
    }

    /// Readiness: asks every layer. It blocks as long as a layer does, so the caller has to have a clock.
    ///
    /// # Errors
    /// Name and words of the first required layer that is not well.
    pub fn health(&self) -> Result<(), String> {
        // Every one is asked, whatever the others say: each has its line when it falls ill.
        let mut first = self.chain.health();
        for function in self.functions.all() {
            let own = function.started().map_or(Ok(()), |started| started.own.health());
            first = first.and(own.map_err(|why| format!("function {}: {why}", function.name())));
        }
        first
    }

    /// Runs the phase that a platform asks a started process for. A failure is logged.
    ///
    /// # Errors
    /// The error is the first failure.
    pub async fn signal(&self, signal: &Signal) -> Result<(), Failure> {
        match signal {
            Signal::Initialize(_) => Ok(()),
            Signal::Suspend => {
                let suspended = self.suspend().await;
                self.resuming.set_due();
                suspended
            }
            Signal::Stop if self.closed.swap(true, Ordering::AcqRel) => Ok(()),
            Signal::Stop => close_phase(&self.process, &self.chain, &self.started().collect::<Vec<_>>()).await,
        }
    }

    /// Returns `true` if there is work for after the reply of the invocation in `place`, which has been served.
    pub fn has_replied_work(&self, place: &Place) -> bool {
        let started = || self.functions.get(place.get().function_number()).and_then(Function::started);
        place.get().has_later()
            || self.chain.has_phase(REPLIED)
            || started().is_some_and(|started| started.has_phase(REPLIED))
    }

    /// Returns `true` if anything wants, or may want, to be told of the end.
    pub fn has_close_work(&self) -> bool {
        self.has_unknown() || self.chain.has_phase(CLOSE) || self.started().any(|started| started.has_phase(CLOSE))
    }

    /// Runs the work for after the reply. A failure is logged.
    pub async fn replied(&self, place: &mut Place) {
        let number = place.get().function_number();
        let started = self.functions.get(number).and_then(Function::started);
        let result = match started {
            Some(started) => started.chain(&self.chain).outward(REPLIED, Some(&started.function), place).await,
            None => self.chain.outward(REPLIED, None, place).await,
        };
        // Nobody is told but the log.
        let _ = self.ended(REPLIED, place, result);
    }

    /// Runs SUSPEND before a snapshot or freeze: every function with its own layers, then the layers of the process. A
    /// failure is logged.
    ///
    /// # Errors
    /// The error is the first failure.
    pub async fn suspend(&self) -> Result<(), Failure> {
        if let Some(only) = self.only() {
            let mut place = self.place();
            let result = self.chain.outward(SUSPEND, Some(&only.function), &mut place).await;
            return self.ended(SUSPEND, &place, result);
        }
        let mut first = Ok(());
        for started in self.started().filter(|started| started.has_phase(SUSPEND)) {
            let mut place = started.whose.place(&self.process);
            let result = started.own.outward(SUSPEND, Some(&started.function), &mut place).await;
            first = first.and(self.ended(SUSPEND, &place, result));
        }
        let mut place = self.place();
        let result = self.chain.outward(SUSPEND, None, &mut place).await;
        first.and(self.ended(SUSPEND, &place, result))
    }

    /// Runs RESUME after a restore: the layers of the process, then every function with its own layers. A failure is
    /// logged.
    ///
    /// # Errors
    /// The error is the first failure.
    pub async fn resume(&self) -> Result<(), Failure> {
        if let Some(only) = self.only() {
            let mut place = self.place();
            let result = self.chain.resume(Some(&only.function), &mut place).await;
            return self.ended(RESUME, &place, result);
        }
        let mut place = self.place();
        let result = self.chain.resume(None, &mut place).await;
        let mut first = self.ended(RESUME, &place, result);
        for started in self.started().filter(|started| started.has_phase(RESUME)) {
            let mut place = started.whose.place(&self.process);
            let result = started.own.resume(Some(&started.function), &mut place).await;
            first = first.and(self.ended(RESUME, &place, result));
        }
        first
    }

    fn ended(&self, phase: u32, place: &Place, result: Result<(), Failure>) -> Result<(), Failure> {
        result.map_err(|failure| {
            report::failed(place.get(), phase, &failure);
            told(failure, &self.process)
        })
    }

    /// Runs Close, in reverse of start, unless it has run already, and ends every instance.
    pub async fn close(self) {
        let phase = !self.closed.load(Ordering::Acquire);
        // The thread of the deadlines may hold the functions for a moment more, for their names.
        let started = match Arc::try_unwrap(self.functions) {
            Ok(functions) => functions.into_all().into_iter().filter_map(Function::into_started).collect(),
            Err(functions) => {
                if phase {
                    let started: Vec<&Started> = functions.all().iter().filter_map(Function::started).collect();
                    let _ = close_phase(&self.process, &self.chain, &started).await;
                }
                return;
            }
        };
        close(&self.process, self.chain, started, None, phase).await;
    }
}

/// Returns a failure as it may leave the process: without secrets, and wholly open under `FAAS_DEBUG`.
fn told(mut failure: Failure, process: &Process) -> Failure {
    process.log.mask().hide_in(&mut failure);
    if process.is_debug() {
        failure.reveal();
    }
    failure
}
