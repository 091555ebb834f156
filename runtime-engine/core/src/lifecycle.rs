//! RuntimeStart → FunctionStart → Invoke* → Close over loaded modules.
//!
//! Libraries are opened by a driver's [`Loader`]; what is looked for, in which order things are made and ended, and what
//! a failure is called is decided here.

use crate::chain::{self, Chain, Place, Stacked};
use crate::failure::Failure;
use crate::host::{self, Shared};
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::modules::{Files, Name, NotFound, Roots, pick, twice};
use crate::platform::{HandlerName, Signal};
use crate::report;
use crate::settings::{Env, LayerName, Settings, doubt, layer_variable};
use crate::thaw::Thaw;
use crate::unit::{Identity, Unit};
use faas_abi::host::{CheckedModule, FunctionInstance, LayerEntry};
use faas_abi::{CLOSE, E_INTERNAL, FUNCTION_START, INVOKE, OK, REPLIED, RESUME, RUNTIME_START, SUSPEND};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Opens libraries.
pub trait Loader: Files {
    /// Opens a library for the life of the process and checks what it offers against these features.
    ///
    /// # Errors
    /// Everything that does not fit, in one text.
    fn load(&self, path: &Path, features: u64) -> Result<CheckedModule, String>;
}

/// Modules that are linked into the binary instead of loaded.
#[derive(Debug, Default)]
pub struct Linked {
    /// Where functions come from; `None`: loaded by name.
    pub function: Option<CheckedModule>,
    /// The layers, outermost first.
    pub layers: Vec<CheckedModule>,
}

/// A process that has started.
#[derive(Debug)]
pub struct Runtime {
    unit: Arc<Unit>,
    chain: Chain,
    function: FunctionInstance,
    name: Arc<str>,
    /// Is Resume to run before the next invocation?
    thaw: Thaw,
    /// Has Close run?
    closed: AtomicBool,
}

/// A process after RuntimeStart, without a function yet.
#[derive(Debug)]
pub struct Booted {
    unit: Arc<Unit>,
    shared: Arc<Shared>,
    chain: Chain,
}

/// What start needs.
#[derive(Debug)]
pub struct Start<'a> {
    /// The environment's settings.
    pub settings: &'a Settings,
    /// The function's name, if anybody gave one.
    pub handler: Option<&'a HandlerName>,
    /// The library that holds the function, where it is given and not looked for.
    pub code: Option<&'a Path>,
    /// Where libraries are.
    pub roots: &'a Roots,
    /// The host's `FAAS_F_*`.
    pub features: u64,
    /// Linked modules.
    pub linked: Linked,
}

impl Booted {
    /// Runs FunctionStart. After a failure, whatever had been made has been closed.
    ///
    /// # Errors
    /// What the platform is told.
    pub async fn start(self, loader: &dyn Loader, start: Start<'_>) -> Result<Runtime, Failure> {
        let Booted { unit, shared, chain } = self;
        let mut place = Place::new(Invocation::new(unit.clone(), Arc::from("")));
        let mut made = None;
        let started = chain.phase(FUNCTION_START, &mut place, async |place: &mut Place| {
            match function(&shared, loader, &start) {
                Ok(function) => {
                    let status = chain::call_phase(&function, FUNCTION_START, place).await;
                    made = Some(function);
                    status
                }
                Err(failure) => {
                    place.get_mut().set_failure(failure);
                    E_INTERNAL
                }
            }
        });
        match (started.await, made) {
            (Ok(()), Some(function)) => {
                let name = Arc::from(function.name());
                let (thaw, closed) = (Thaw::default(), AtomicBool::new(false));
                Ok(Runtime { unit, chain, function, name, thaw, closed })
            }
            (result, made) => {
                let failure = match result {
                    Err(failure) => failure,
                    // Layers may recover a failed phase; without a function there is still nothing to run.
                    Ok(()) => Failure::internal(
                        "Runtime.NoFunction",
                        "a layer recovered a failed FunctionStart, but there is no function to serve",
                    ),
                };
                close(&unit, chain, made.into_iter().collect(), true).await;
                Err(told(failure, &unit))
            }
        }
    }

    /// Runs Close: the process is asked to end before there was a function.
    pub async fn close(self) {
        close(&self.unit, self.chain, Vec::new(), true).await;
    }
}

impl Runtime {
    /// The process before anything is loaded.
    pub fn unit(identity: Identity, log: Log) -> Arc<Unit> {
        Arc::new(Unit::new(identity, log))
    }

    /// Runs RuntimeStart and FunctionStart. After a failure, whatever had been made has been closed.
    ///
    /// # Errors
    /// What the platform is told.
    pub async fn start(unit: &Arc<Unit>, loader: &dyn Loader, start: Start<'_>) -> Result<Runtime, Failure> {
        Runtime::boot(unit, loader, &start).await?.start(loader, start).await
    }

    /// Runs RuntimeStart. After a failure, whatever had been made has been closed.
    ///
    /// # Errors
    /// What the platform is told.
    pub async fn boot(unit: &Arc<Unit>, loader: &dyn Loader, start: &Start<'_>) -> Result<Booted, Failure> {
        unit.set_debug(start.settings.debug);
        let shared = Shared::new(unit.clone());
        let mut stack = Vec::new();
        let stacked = layers(&shared, loader, start, &mut stack);
        let chain = Chain::new(stack, unit.log.clone());
        let mut place = Place::new(Invocation::new(unit.clone(), Arc::from("")));
        let booted = async {
            stacked?;
            chain.phase(RUNTIME_START, &mut place, async |_: &mut Place| OK).await
        };
        match booted.await {
            Ok(()) => Ok(Booted { unit: unit.clone(), shared, chain }),
            Err(failure) => {
                close(unit, chain, Vec::new(), true).await;
                Err(told(failure, unit))
            }
        }
    }

    /// The process.
    pub fn process(&self) -> &Arc<Unit> {
        &self.unit
    }

    /// The stack of layers.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// `FAAS_IS_*` of the function.
    pub fn function_flags(&self) -> u32 {
        self.function.flags()
    }

    /// A place for invocations, one after the other.
    pub fn place(&self) -> Place {
        Place::new(Invocation::new(self.unit.clone(), self.name.clone()))
    }

    /// Serves the invocation in `place`, settles its reply or failure, and leaves a line of a failure in the log. Returns
    /// `true` if the answer is the caller's to give: see [`Flight::claim`](crate::invocation::Flight::claim).
    pub async fn invoke(&self, place: &mut Place) -> bool {
        // The platform says when it freezes the process and not when it thaws it: this is the first sign.
        if let Some(_turn) = self.thaw.turn().await {
            // The invocation is served all the same.
            let _ = self.resume().await;
        }
        self.chain.invoke(&self.function, place).await;
        let cancelled = place.cancelled();
        let invocation = place.get_mut();
        let is_ours = invocation.conclude(cancelled);
        if let Some(failure) = invocation.failure().filter(|_| is_ours) {
            invocation.write_captured();
            report::failed(invocation, INVOKE, failure);
        }
        is_ours
    }

    /// The name of the function as its module gives it.
    pub fn function_name(&self) -> &str {
        &self.name
    }

    /// Runs the phase that a platform asks a started process for. A failure is logged.
    ///
    /// # Errors
    /// The first failure.
    pub async fn signal(&self, signal: &Signal) -> Result<(), Failure> {
        match signal {
            Signal::Initialize(_) => Ok(()),
            Signal::Suspend => {
                let suspended = self.suspend().await;
                self.thaw.froze();
                suspended
            }
            Signal::Stop if self.closed.swap(true, Ordering::AcqRel) => Ok(()),
            Signal::Stop => close_phase(&self.unit, &self.chain, &[&self.function]).await,
        }
    }

    /// Is there work for after the reply?
    pub fn has_replied_work(&self) -> bool {
        self.function.has_phase(REPLIED) || self.chain.has_phase(REPLIED)
    }

    /// Work after the reply is out. A failure is logged.
    pub async fn replied(&self, place: &mut Place) {
        let result = self.chain.outward(REPLIED, &[&self.function], place).await;
        // Nobody is told but the log.
        let _ = self.ended(REPLIED, place, result);
    }

    /// Before a snapshot or freeze. A failure is logged.
    ///
    /// # Errors
    /// The first failure.
    pub async fn suspend(&self) -> Result<(), Failure> {
        let mut place = self.place();
        let result = self.chain.outward(SUSPEND, &[&self.function], &mut place).await;
        self.ended(SUSPEND, &place, result)
    }

    /// After a restore. A failure is logged.
    ///
    /// # Errors
    /// The first failure.
    pub async fn resume(&self) -> Result<(), Failure> {
        let mut place = self.place();
        let result = self.chain.resume(&[&self.function], &mut place).await;
        self.ended(RESUME, &place, result)
    }

    fn ended(&self, phase: u32, place: &Place, result: Result<(), Failure>) -> Result<(), Failure> {
        result.map_err(|failure| {
            report::failed(place.get(), phase, &failure);
            told(failure, &self.unit)
        })
    }

    /// Does anything want to be told of the end?
    pub fn has_close_work(&self) -> bool {
        self.function.has_phase(CLOSE) || self.chain.has_phase(CLOSE)
    }

    /// Runs Close, in reverse of start, unless it has run already, and ends every instance.
    pub async fn close(self) {
        let closed = self.closed.load(Ordering::Acquire);
        close(&self.unit, self.chain, vec![self.function], !closed).await;
    }
}

/// Runs Close. A failure is logged.
async fn close_phase(unit: &Arc<Unit>, chain: &Chain, functions: &[&FunctionInstance]) -> Result<(), Failure> {
    let name = functions.first().map_or("", |function| function.name());
    let mut place = Place::new(Invocation::new(unit.clone(), Arc::from(name)));
    let phase = chain.phase(CLOSE, &mut place, async |place: &mut Place| {
        let mut worst = OK;
        for function in functions {
            worst = worst.min(chain::call_phase(function, CLOSE, place).await);
        }
        worst
    });
    let result = phase.await;
    result.map_err(|failure| {
        report::failed(place.get(), CLOSE, &failure);
        told(failure, unit)
    })
}

async fn close(unit: &Arc<Unit>, chain: Chain, functions: Vec<FunctionInstance>, phase: bool) {
    if phase {
        // Nobody is told but the log.
        let _ = close_phase(unit, &chain, &functions.iter().collect::<Vec<_>>()).await;
    }
    functions.into_iter().for_each(FunctionInstance::destroy);
    chain.into_layers().into_iter().rev().for_each(|layer| layer.instance.destroy());
}

/// A failure on its way out of the process.
fn told(mut failure: Failure, unit: &Unit) -> Failure {
    if unit.is_debug() {
        failure.reveal();
    }
    failure
}

/// Makes the layers, outermost first: the linked ones, then those of `FAAS_LAYERS` that are not linked. Those in `stack`
/// after a failure have been made and must be closed.
fn layers(
    shared: &Arc<Shared>,
    loader: &dyn Loader,
    start: &Start<'_>,
    stack: &mut Vec<Stacked>,
) -> Result<(), Failure> {
    let Start { settings, roots, features, linked, .. } = start;
    let modules = &linked.layers;
    let of_linked = modules.iter().flat_map(|module| module.layers.iter().map(|layer| layer.name.as_str()));
    say_unknown_settings(shared, of_linked.chain(settings.layers.iter().map(|named| named.name.as_str())));
    let mut names = Vec::new();
    let mut keep = |name: &str, layer: Result<Stacked, Failure>, required: bool| match layer {
        Ok(layer) => {
            stack.push(layer);
            names.push(name.to_owned());
            Ok(())
        }
        Err(failure) if required => Err(failure),
        Err(failure) => {
            shared.unit.log.say(Level::Warn, &format!("skipped: optional layer {name:?}: {failure}"));
            Ok(())
        }
    };
    for module in modules {
        distinct(module, "a linked module")?;
        for layer in &module.layers {
            let named = settings.layers.iter().find(|named| names_linked(named, module, &layer.name));
            named.map_or(Ok(()), |named| refuse_optional(layer, named))?;
            let config = match named {
                Some(named) => Ok(Configuration { variable: layer_variable(&named.name), json: named.config.clone() }),
                None => Configuration::of_linked(shared, &layer.name),
            };
            let made =
                config.and_then(|config| make(shared, layer, *features, named.is_none_or(|it| it.required), &config));
            keep(&layer.name, made, named.is_none_or(|named| named.required))?;
        }
    }
    for named in &settings.layers {
        let is_linked =
            |module: &CheckedModule| module.layers.iter().any(|layer| names_linked(named, module, &layer.name));
        if !modules.iter().any(is_linked) {
            let layer = match load(shared, loader, roots, *features, named) {
                Ok(layer) => {
                    refuse_optional(&layer, named)?;
                    let config = Configuration { variable: layer_variable(&named.name), json: named.config.clone() };
                    make(shared, &layer, *features, named.required, &config)
                }
                Err(failure) => Err(failure),
            };
            keep(&named.name, layer, named.required)?;
        }
    }
    shared.unit.note_layers(names);
    Ok(())
}

/// Does an entry of `FAAS_LAYERS` mean this layer of a linked module? It names the layer, or `module.layer`.
fn names_linked(named: &LayerName, module: &CheckedModule, layer: &str) -> bool {
    let rest = named.name.strip_suffix(layer);
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_suffix('.') == Some(module.name.as_str()))
}

/// The configuration of a layer, and where it comes from.
struct Configuration {
    variable: String,
    json: String,
}

impl Configuration {
    /// For a linked layer that `FAAS_LAYERS` does not name: what its variable says.
    fn of_linked(shared: &Shared, layer: &str) -> Result<Configuration, Failure> {
        let variable = layer_variable(layer);
        let look_up =
            |name: &str| shared.variable(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned());
        match Env::new(&look_up).json(variable.clone()) {
            Ok(json) => Ok(Configuration { variable, json }),
            Err(bad) => Err(Failure::new("Runtime.LayerFailed", bad.to_string())),
        }
    }
}

/// Variables that look like settings and are none: nobody would notice a misspelt one.
fn say_unknown_settings<'l>(shared: &Shared, layers: impl Iterator<Item = &'l str>) {
    let layers: Vec<&str> = layers.collect();
    for (name, value) in std::env::vars_os() {
        let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
        if let Some(doubt) = doubt(&name, &value, layers.iter().copied()) {
            shared.unit.log.say(Level::Warn, &doubt);
        }
    }
}

/// Refuses a module with two functions, or two layers, of one name: one of them could never be reached.
fn distinct(module: &CheckedModule, place: &str) -> Result<(), Failure> {
    let functions = twice("functions", module.functions.iter().map(|function| function.name.as_str()));
    let layers = || twice("layers", module.layers.iter().map(|layer| layer.name.as_str()));
    match functions.or_else(layers) {
        Some(why) => Err(Failure::new("Runtime.LoadFailed", format!("{place}: {why}"))),
        None => Ok(()),
    }
}

/// Ends the start over a layer that must not be skipped and is configured to be: nobody would notice that it is missing.
fn refuse_optional(layer: &LayerEntry, named: &LayerName) -> Result<(), Failure> {
    if named.required || !layer.is_required() {
        return Ok(());
    }
    let name = &named.name;
    let why = format!(
        "FAAS_LAYERS makes layer {name} optional, which that layer does not allow: write {name} instead of {name}?"
    );
    Err(Failure::internal("Runtime.LayerRequired", why))
}

fn load(
    shared: &Shared,
    loader: &dyn Loader,
    roots: &Roots,
    features: u64,
    named: &LayerName,
) -> Result<LayerEntry, Failure> {
    let not_found = |why: String| Failure::internal("Runtime.LayerNotFound", why);
    let name = Name::parse(&named.name).map_err(|error| not_found(error.to_string()))?;
    let path = roots.layer(&name, loader).map_err(|error| not_found(error.to_string()))?;
    let mut module = loader.load(&path, features).map_err(|why| Failure::internal("Runtime.LoadFailed", why))?;
    distinct(&module, &path.display().to_string())?;
    let offered = module.layers.iter().map(|layer| layer.name.as_str());
    // A library of one layer may be called otherwise; one of several has the one of its own name first.
    let wanted = name.entry.as_deref().or_else(|| offered.clone().find(|layer| *layer == name.library));
    let index = pick("layer", offered, wanted).map_err(|why| not_found(format!("{}: {why}", path.display())))?;
    let layer = module.layers.swap_remove(index);
    if layer.aborts() {
        warn_of_abort(shared, "layer", &named.name);
    }
    Ok(layer)
}

fn make(
    shared: &Arc<Shared>,
    layer: &LayerEntry,
    features: u64,
    required: bool,
    config: &Configuration,
) -> Result<Stacked, Failure> {
    let host = host::table(shared, format!("layer {}", layer.name), features);
    let instance = layer.create(host, config.json.as_bytes()).map_err(|why| {
        let with = if config.json.is_empty() { "without" } else { "with" };
        let (name, variable) = (&layer.name, &config.variable);
        Failure::internal("Runtime.LayerFailed", format!("layer {name} could not be made {with} {variable}: {why}"))
    })?;
    Ok(Stacked { instance, required })
}

fn function(shared: &Arc<Shared>, loader: &dyn Loader, start: &Start<'_>) -> Result<FunctionInstance, Failure> {
    let Start { settings, features, .. } = start;
    let not_found = |why: String| Failure::internal("Runtime.NoSuchFunction", why);
    let loaded;
    let (module, wanted, place) = match (&start.linked.function, start.code) {
        (Some(module), _) => {
            // A linked module is all there is: a handler names a function of it, or nothing.
            let wanted = start.handler.map(|handler| handler.text.rsplit('.').next().unwrap_or_default().to_owned());
            let wanted = wanted.filter(|name| module.functions.iter().any(|function| function.name == *name));
            (module, wanted, "the linked module".to_owned())
        }
        (None, code) => {
            let (path, entry) = match code {
                Some(path) => (path.to_owned(), None),
                None => find(shared, loader, start).map_err(|error| not_found(error.to_string()))?,
            };
            loaded = loader.load(&path, *features).map_err(|why| Failure::internal("Runtime.LoadFailed", why))?;
            // A name that came without a library, or as a mere hint, may be the function's or mean nothing.
            let offers = |name: &String| loaded.functions.iter().any(|function| function.name == *name);
            let entry = entry.or_else(|| start.handler.map(|handler| handler.text.clone()).filter(offers));
            (&loaded, entry, path.display().to_string())
        }
    };
    distinct(module, &place)?;
    let offered = module.functions.iter().map(|function| function.name.as_str());
    let index = pick("function", offered, wanted.as_deref()).map_err(|why| not_found(format!("{place}: {why}")))?;
    let entry = &module.functions[index];
    if entry.aborts() {
        warn_of_abort(shared, "function", &entry.name);
    }
    let host = host::table(shared, format!("function {}", entry.name), *features);
    entry.create(host, settings.config.as_bytes()).map_err(|why| {
        let with = if settings.config.is_empty() { "without" } else { "with" };
        let what = format!("function {} could not be made {with} FAAS_CONFIG: {why}", entry.name);
        Failure::internal("Runtime.FunctionFailed", what)
    })
}

/// The library of the function. A hint that leads nowhere gives way to the only function there is.
fn find(shared: &Shared, loader: &dyn Loader, start: &Start<'_>) -> Result<(PathBuf, Option<String>), NotFound> {
    let Some(handler) = start.handler else { return start.roots.function(None, loader) };
    let found = Name::parse(&handler.text).and_then(|name| start.roots.function(Some(&name), loader));
    let Err(error) = found else { return found };
    if handler.required {
        return Err(error);
    }
    let Ok(only) = start.roots.function(None, loader) else { return Err(error) };
    let message = format!("the platform's handler {:?} names no library; running {}", handler.text, only.0.display());
    shared.unit.log.say(Level::Info, &message);
    Ok(only)
}

fn warn_of_abort(shared: &Shared, what: &str, name: &str) {
    let message =
        format!("{what} {name} is built with panic=abort: a panic in it ends the process; build it with panic=unwind");
    shared.unit.log.say(Level::Warn, &message);
}

/// Request ids of our own making, where a platform gives none: 16 random bytes a process, counted up.
#[derive(Debug)]
pub struct RequestIds(Mutex<u128>);

impl Default for RequestIds {
    fn default() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let half = || u128::from(RandomState::new().hash_one(std::process::id()));
        RequestIds(Mutex::new(half() << 64 | half()))
    }
}

/// The two hexadecimal digits of each byte.
const DIGITS: [[u8; 2]; 256] = {
    let mut digits = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        digits[byte] = [b"0123456789abcdef"[byte >> 4], b"0123456789abcdef"[byte & 15]];
        byte += 1;
    }
    digits
};

impl RequestIds {
    /// The next one: 32 hexadecimal digits.
    pub fn next(&self) -> [u8; 32] {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = last.wrapping_add(1);
        let id = *last;
        drop(last);
        let mut text = [0; 32];
        for (byte, digits) in id.to_be_bytes().iter().zip(text.chunks_exact_mut(2)) {
            digits.copy_from_slice(&DIGITS[usize::from(*byte)]);
        }
        text
    }
}
