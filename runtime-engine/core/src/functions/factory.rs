//! Makes instances of layers and functions: finds the library of a name, opens it once, and creates the entry in it. In
//! which order things are made and ended is [`lifecycle`](crate::lifecycle)'s.

use crate::chain::ConfiguredLayer;
use crate::failure::Failure;
use crate::host::{self, Environment, Shared};
use crate::log::Level;
use crate::modules::{Files, Name, NotFound, Roots, pick};
use crate::platform::HandlerName;
use crate::process::Process;
use crate::records::RecordRule;
use crate::settings::{Env, LayerName, RecordSettings, doubt, layer_variable};
use crate::turn::{Turn, Turns};
use faas_abi::host::{
    CheckedModule, FunctionEntry, FunctionInstance, GroupInstance, LayerEntry, LayerInstance, ServiceTable,
};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Opens the libraries that modules come in.
pub trait Loader: Files + Send + Sync {
    /// Opens a library for the life of the process and checks what it offers against these features.
    ///
    /// # Errors
    /// The text lists everything that does not fit.
    fn load(&self, path: &Path, features: u64) -> Result<CheckedModule, String>;
}

/// Modules that are linked into the binary instead of loaded.
#[derive(Debug, Default)]
pub struct Linked {
    /// The module that functions are made of; `None` if they are loaded by name.
    pub function: Option<CheckedModule>,
    /// The modules of the layers, the outermost one first.
    pub layers: Vec<CheckedModule>,
    /// The services that the program itself offers, by name and major version, before any module may.
    pub services: Vec<(&'static str, u32, ServiceTable)>,
}

/// The function and library that are to serve, as far as anybody has named them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// The function's name in the process; if it is empty, the name in its module.
    pub name: &'a str,
    /// The name of the function, or of it and its library; `None` if nobody has named either.
    pub handler: Option<&'a HandlerName>,
    /// The library that holds it, where it is given and not looked for.
    pub code: Option<&'a Path>,
    /// Its configuration, JSON; may be empty.
    pub config: &'a str,
    /// The source of the configuration, for messages.
    pub configured_by: &'a str,
    /// The number of its invocations that may run at once; `None` if nobody has set it.
    pub concurrency: Option<usize>,
    /// The settings of its calls for the records of a batch.
    pub records: RecordSettings,
}

/// A module that is to be served as a whole.
#[derive(Debug)]
pub(crate) struct WholeModule {
    /// The path of the library; `None` if the module is linked.
    pub(crate) path: Option<PathBuf>,
    /// Its functions, in its order.
    pub(crate) functions: Vec<Offered>,
}

/// The declarations of a function in its module.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) name: String,
    pub(crate) triggers: String,
    pub(crate) is_default: bool,
}

/// A module, and as much of its function's name as anybody has said.
struct Found<'f> {
    module: Source<'f>,
    entry: Option<String>,
    path: Option<PathBuf>,
}

/// A function of a module.
struct Entry<'f> {
    module: Source<'f>,
    index: usize,
    /// The place of the module, for messages.
    place: String,
}

/// The source of a module.
enum Source<'f> {
    Linked(&'f CheckedModule),
    Loaded(Arc<CheckedModule>),
}

impl Source<'_> {
    fn functions(&self) -> &[FunctionEntry] {
        match self {
            Source::Linked(module) => &module.functions,
            Source::Loaded(module) => &module.functions,
        }
    }
}

/// The things that functions which share an instance have in common: the group, its module, and the configuration.
#[derive(PartialEq, Eq, Hash)]
struct GroupKey {
    module: String,
    group: String,
    config: String,
    environment: Environment,
}

/// The functions that share an instance.
#[derive(Debug)]
pub(crate) struct Group {
    /// The turn to make and start the instance: the others wait for it.
    start: Turns,
    instance: Mutex<Option<GroupInstance>>,
}

impl Default for Group {
    fn default() -> Group {
        let start = Turns::default();
        start.set_due();
        Group { start, instance: Mutex::default() }
    }
}

impl Group {
    /// Notes that its start has failed: the next of its functions tries again.
    pub(crate) fn start_failed(&self) {
        self.start.set_due();
    }
}

/// The material that instances are made of.
pub struct Factory {
    shared: Arc<Shared>,
    loader: Arc<dyn Loader>,
    roots: Roots,
    features: u64,
    linked: Linked,
    /// The place of the configuration of layers whose variable is not set, for messages; `None` if it is that variable.
    configured_in: Option<&'static str>,
    /// The libraries that have been asked for, by path.
    libraries: Mutex<HashMap<PathBuf, Arc<Library>>>,
    /// The functions that share instances.
    groups: Mutex<HashMap<GroupKey, Arc<Group>>>,
}

/// A library; `None` until a thread has opened it. That thread holds the lock meanwhile: others that need the library
/// wait instead of opening and checking it as well.
type Library = Mutex<Option<Arc<CheckedModule>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Factory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factory").field("roots", &self.roots).finish_non_exhaustive()
    }
}

impl Factory {
    /// Makes things for this process: of the linked modules, and of libraries in the folders of `roots`. `features` are
    /// the host's `FAAS_F_*` flags. `has_manifest` says where the configuration of layers is looked for.
    pub(crate) fn new(
        process: &Arc<Process>,
        loader: Arc<dyn Loader>,
        roots: Roots,
        features: u64,
        linked: Linked,
        has_manifest: bool,
    ) -> Factory {
        process.services.offer_own(&linked.services);
        Factory {
            shared: Shared::new(process.clone()),
            loader,
            roots,
            features,
            linked,
            configured_in: has_manifest.then_some("its config in the manifest"),
            libraries: Mutex::default(),
            groups: Mutex::default(),
        }
    }

    fn process(&self) -> &Process {
        &self.shared.process
    }

    /// Makes the layers of the process, outermost first: the linked ones, then those of `named` that are not linked.
    /// Those in `stack` after a failure have been made and must be closed.
    ///
    /// # Errors
    /// The failure is that of the first layer that is required and could not be made.
    pub(crate) fn layers(&self, named: &[LayerName], stack: &mut Vec<Arc<ConfiguredLayer>>) -> Result<(), Failure> {
        let modules = &self.linked.layers;
        let of_linked = modules.iter().flat_map(|module| module.layers.iter().map(|layer| layer.name.as_str()));
        self.say_unknown_settings(of_linked.chain(named.iter().map(|named| named.name.as_str())));
        for module in modules {
            for layer in &module.layers {
                let named = named.iter().find(|named| names_linked(named, module, &layer.name));
                let (name, said) = named.map_or((&*layer.name, ""), |named| (&*named.name, &*named.config));
                let required = named.is_none_or(|named| named.required);
                self.refuse_optional(layer, &layer.name, required)?;
                let config = self.configuration(name, said);
                let made = config.and_then(|config| self.layer(layer, &config, &Environment::default()));
                self.keep(&layer.name, made, required, stack)?;
            }
        }
        self.own_layers(named, &Environment::default(), stack)
    }

    /// Makes the layers of one function that are not linked, outermost first. `stack` is as for
    /// [`layers`](Factory::layers), and so are the errors.
    pub(crate) fn own_layers(
        &self,
        named: &[LayerName],
        environment: &Environment,
        stack: &mut Vec<Arc<ConfiguredLayer>>,
    ) -> Result<(), Failure> {
        for named in named {
            let is_linked =
                |module: &CheckedModule| module.layers.iter().any(|layer| names_linked(named, module, &layer.name));
            if !self.linked.layers.iter().any(is_linked) {
                let made = match self.layer_entry(named) {
                    Ok((module, index)) => {
                        let layer = &module.layers[index];
                        self.refuse_optional(layer, &named.name, named.required)?;
                        self.configuration(&named.name, &named.config)
                            .and_then(|config| self.layer(layer, &config, environment))
                    }
                    Err(failure) => Err(failure),
                };
                self.keep(&named.name, made, named.required, stack)?;
            }
        }
        Ok(())
    }

    /// Ends the start over a layer that must not be skipped and is configured to be: nobody would notice that it is
    /// missing.
    fn refuse_optional(&self, layer: &LayerEntry, name: &str, required: bool) -> Result<(), Failure> {
        if required || !layer.is_required() {
            return Ok(());
        }
        let (who, instead) = match self.configured_in {
            None => ("FAAS_LAYERS makes", format!("write {name} instead of {name}?")),
            Some(_) => ("the manifest or FAAS_LAYERS makes", "leave out `optional`, or `?`".to_owned()),
        };
        let why = format!("{who} layer {name} optional, which that layer does not allow: {instead}");
        Err(Failure::internal("Runtime.LayerRequired", why))
    }

    /// Adds a layer that has been made to the others. One that could not be made is a failure if it is required, or
    /// else a line in the log.
    fn keep(
        &self,
        name: &str,
        made: Result<LayerInstance, Failure>,
        required: bool,
        stack: &mut Vec<Arc<ConfiguredLayer>>,
    ) -> Result<(), Failure> {
        match made {
            Ok(instance) => {
                stack.push(Arc::new(ConfiguredLayer { name: name.to_owned(), instance, required }));
                Ok(())
            }
            Err(failure) if required => Err(failure),
            Err(failure) => {
                self.process().log.say(Level::Warn, &format!("skipped: optional layer {name:?}: {failure}"));
                Ok(())
            }
        }
    }

    /// Returns the module of a layer, and the layer's index in it.
    fn layer_entry(&self, named: &LayerName) -> Result<(Arc<CheckedModule>, usize), Failure> {
        let not_found = |why: String| Failure::internal("Runtime.LayerNotFound", why);
        let name = Name::parse(&named.name).map_err(|error| not_found(error.to_string()))?;
        let path = self.roots.layer(&name, &*self.loader).map_err(|error| not_found(error.to_string()))?;
        let module = self.library(&path).map_err(|why| Failure::internal("Runtime.LoadFailed", why))?;
        let offered = module.layers.iter().map(|layer| layer.name.as_str());
        // A library of one layer may be called otherwise; one of several has the one of its own name first.
        let wanted = name.entry.as_deref().or_else(|| offered.clone().find(|layer| *layer == name.library));
        let index = pick("layer", offered, wanted).map_err(|why| not_found(format!("{}: {why}", path.display())))?;
        if module.layers[index].aborts() {
            self.warn_of_abort("layer", &named.name);
        }
        Ok((module, index))
    }

    /// Returns the configuration in a layer's variable, else that in its entry. The variable has been read already for
    /// an entry of `FAAS_LAYERS`, and not for one of a manifest nor for a linked layer without an entry.
    fn configuration(&self, layer: &str, said: &str) -> Result<Configuration, Failure> {
        let variable = layer_variable(layer);
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let look_up = |name: &str| self.shared.variable(name.as_bytes()).map(text);
        match Env::new(&look_up).json(variable.clone()) {
            Ok(json) if json.is_empty() && !said.is_empty() => {
                let from = self.configured_in.map_or(variable, str::to_owned);
                Ok(Configuration { from, json: said.to_owned() })
            }
            Ok(json) => Ok(Configuration { from: variable, json }),
            Err(bad) => Err(Failure::new("Runtime.LayerFailed", bad.to_string())),
        }
    }

    fn layer(
        &self,
        layer: &LayerEntry,
        config: &Configuration,
        environment: &Environment,
    ) -> Result<LayerInstance, Failure> {
        self.say_missing("layer", &layer.name, layer.misses(self.features));
        let host = host::table(&self.shared, format!("layer {}", layer.name), environment, self.features);
        layer.create(host, config.json.as_bytes()).map_err(|why| {
            self.process().services.withdraw(host);
            let with = if config.json.is_empty() { "without" } else { "with" };
            let (name, from) = (&layer.name, &config.from);
            Failure::internal("Runtime.LayerFailed", format!("layer {name} could not be made {with} {from}: {why}"))
        })
    }

    /// Returns the module of a function, and the name of the function in it if anybody has named it.
    fn function_module(&self, wanted: Wanted<'_>) -> Result<Found<'_>, Failure> {
        let not_found = |why: String| Failure::internal("Runtime.NoSuchFunction", why);
        if let Some(module) = &self.linked.function {
            // A linked module is all there is: a handler names a function of it, or nothing.
            let entry = wanted.handler.map(|handler| handler.text.rsplit('.').next().unwrap_or_default().to_owned());
            let entry = entry.filter(|name| module.functions.iter().any(|function| function.name == *name));
            return Ok(Found { module: Source::Linked(module), entry, path: None });
        }
        let (path, entry) = match wanted.code {
            Some(path) => (path.to_owned(), None),
            None => self.find(wanted.handler).map_err(|error| not_found(error.to_string()))?,
        };
        let loaded = self.library(&path).map_err(|why| Failure::internal("Runtime.LoadFailed", why))?;
        // A name that came without a library, or as a mere hint, may be the function's or mean nothing.
        let offers = |name: &String| loaded.functions.iter().any(|function| function.name == *name);
        let entry = entry.or_else(|| wanted.handler.map(|handler| handler.text.clone()).filter(offers));
        Ok(Found { module: Source::Loaded(loaded), entry, path: Some(path) })
    }

    /// Returns the functions of a module that is to be served as a whole. Nobody has then named one of its functions,
    /// and some say themselves which events they are written for. It is `None` if one function is meant: the default,
    /// or one that says nothing. It is also `None` for a mistake, which the function's start will tell.
    pub(crate) fn whole_module(&self, wanted: Wanted<'_>) -> Option<WholeModule> {
        let found = self.function_module(wanted).ok()?;
        let functions = found.module.functions();
        let offered = functions.iter().map(|function| function.name.as_str());
        let is_whole = found.entry.is_none()
            && (functions.len() == 1 || pick("function", offered, None).is_err())
            && functions.iter().any(|function| !function.triggers.is_empty());
        is_whole.then(|| WholeModule {
            path: found.path,
            functions: functions
                .iter()
                .map(|function| Offered {
                    name: function.name.clone(),
                    triggers: function.triggers.clone(),
                    is_default: function.is_default(),
                })
                .collect(),
        })
    }

    /// Returns the events that a function is written for, by its own account; empty if it does not declare any, or
    /// cannot be found.
    pub(crate) fn triggers(&self, wanted: Wanted<'_>) -> String {
        let triggers = |entry: Entry<'_>| entry.module.functions()[entry.index].triggers.clone();
        self.function_entry(wanted).map(triggers).unwrap_or_default()
    }

    /// Returns the entry of a function in its module.
    ///
    /// # Errors
    /// The failure says which library or function was looked for and where, or what does not fit.
    fn function_entry(&self, wanted: Wanted<'_>) -> Result<Entry<'_>, Failure> {
        let Found { module, entry, path } = self.function_module(wanted)?;
        let place = path.map_or_else(|| "the linked module".to_owned(), |path| path.display().to_string());
        let offered = module.functions().iter().map(|function| function.name.as_str());
        let index = pick("function", offered, entry.as_deref())
            .map_err(|why| Failure::internal("Runtime.NoSuchFunction", format!("{place}: {why}")))?;
        Ok(Entry { module, index, place })
    }

    /// Makes a function, or its part in the instance of its group. The group whose first function it is waits for
    /// others until `turn`, where it goes then, is dropped: the whole start is to be over by then.
    ///
    /// # Errors
    /// The failure says what was looked for and where, what does not fit, or why `create` failed.
    pub(crate) async fn function<'g>(
        &self,
        wanted: Wanted<'_>,
        environment: &Environment,
        (group, turn): (&'g OnceLock<Arc<Group>>, &mut Option<Turn<'g>>),
    ) -> Result<FunctionInstance, Failure> {
        let found = self.function_entry(wanted)?;
        let entry = &found.module.functions()[found.index];
        if entry.aborts() {
            self.warn_of_abort("function", &entry.name);
        }
        let name = if wanted.name.is_empty() { &entry.name } else { wanted.name };
        self.say_missing("function", name, entry.misses(self.features));
        if entry.group.is_empty() {
            return self.instance(entry, format!("function {name}"), wanted, environment);
        }
        let key = GroupKey {
            module: found.place.clone(),
            group: entry.group.clone(),
            config: wanted.config.to_owned(),
            environment: environment.clone(),
        };
        let group = group.get_or_init(|| self.group(key));
        loop {
            *turn = group.start.turn().await;
            if turn.is_some() {
                let made = self.instance(entry, format!("functions {}", entry.group), wanted, environment)?;
                *lock(&group.instance) = Some(made.of_group());
                return Ok(made);
            }
            if let Some(joined) = lock(&group.instance).as_ref().and_then(|instance| entry.join(instance)) {
                return Ok(joined);
            }
            // The instance is gone with all its functions.
            group.start.set_due();
        }
    }

    fn group(&self, key: GroupKey) -> Arc<Group> {
        lock(&self.groups).entry(key).or_default().clone()
    }

    fn instance(
        &self,
        entry: &FunctionEntry,
        label: String,
        wanted: Wanted<'_>,
        environment: &Environment,
    ) -> Result<FunctionInstance, Failure> {
        let flags = entry.flags();
        let features = RecordRule::of(flags, wanted.records, wanted.concurrency).features(flags, self.features);
        let host = host::table(&self.shared, label, environment, features);
        entry.create(host, wanted.config.as_bytes()).map_err(|why| {
            self.process().services.withdraw(host);
            let with = if wanted.config.is_empty() { "without" } else { "with" };
            let name = if wanted.name.is_empty() { &entry.name } else { wanted.name };
            let from = wanted.configured_by;
            Failure::internal(
                "Runtime.FunctionFailed",
                format!("function {name} could not be made {with} {from}: {why}"),
            )
        })
    }

    /// Returns the library of the function. A hint that leads nowhere gives way to the only function there is.
    fn find(&self, handler: Option<&HandlerName>) -> Result<(PathBuf, Option<String>), NotFound> {
        let (roots, files) = (&self.roots, &*self.loader);
        let Some(handler) = handler else { return roots.function(None, files) };
        let found = Name::parse(&handler.text).and_then(|name| roots.function(Some(&name), files));
        let Err(error) = found else { return found };
        if handler.required {
            return Err(error);
        }
        let Ok(only) = roots.function(None, files) else { return Err(error) };
        let message =
            format!("the platform's handler {:?} names no library; running {}", handler.text, only.0.display());
        self.process().log.say(Level::Info, &message);
        Ok(only)
    }

    /// Opens a library, unless it is open: several functions may come from one. After a failure the next to ask tries
    /// again.
    fn library(&self, path: &Path) -> Result<Arc<CheckedModule>, String> {
        let known = lock(&self.libraries).get(path).cloned();
        let library = known.unwrap_or_else(|| lock(&self.libraries).entry(path.to_owned()).or_default().clone());
        let mut opened = lock(&library);
        if let Some(module) = &*opened {
            return Ok(module.clone());
        }
        let module = Arc::new(self.loader.load(path, self.features)?);
        *opened = Some(module.clone());
        Ok(module)
    }

    fn warn_of_abort(&self, what: &str, name: &str) {
        let message = format!(
            "{what} {name} is built with panic=abort: a panic in it ends the process; build it with panic=unwind"
        );
        self.process().log.say(Level::Warn, &message);
    }

    /// Warns of an entry that wants features which this runtime has not: it works all the same, with less.
    fn say_missing(&self, what: &str, name: &str, features: u64) {
        if features != 0 {
            let message =
                format!("{what} {name} does less here: this runtime does not have {}", feature_names(features));
            self.process().log.say(Level::Info, &message);
        }
    }

    /// Warns of variables that look like settings and are not: nobody would notice a misspelt one.
    fn say_unknown_settings<'l>(&self, layers: impl Iterator<Item = &'l str>) {
        if !self.process().is_of_machine() {
            return;
        }
        let layers: Vec<&str> = layers.collect();
        for (name, value) in std::env::vars_os() {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            if let Some(doubt) = doubt(&name, &value, layers.iter().copied()) {
                self.process().log.say(Level::Warn, &doubt);
            }
        }
    }
}

/// Returns the features as `faas.h` calls them, for people. A feature that this version does not know is shown by the
/// number of its bit.
fn feature_names(features: u64) -> String {
    const NAMES: [&str; 8] =
        ["MAY_BLOCK", "STREAM_OUT", "STREAM_IN", "CONCURRENT", "SUSPEND", "REPLIED", "RECORDS", "UPGRADE"];
    let bits = (0..64_usize).filter(|bit| features >> bit & 1 == 1);
    let names = bits.map(|bit| NAMES.get(bit).map_or_else(|| format!("feature {bit}"), |name| (*name).to_owned()));
    names.collect::<Vec<_>>().join(", ")
}

/// Returns `true` if an entry of `FAAS_LAYERS` means this layer of a linked module. It names the layer, or
/// `module.layer`.
fn names_linked(named: &LayerName, module: &CheckedModule, layer: &str) -> bool {
    let rest = named.name.strip_suffix(layer);
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_suffix('.') == Some(module.name.as_str()))
}

/// The configuration of a layer, and where it comes from.
struct Configuration {
    from: String,
    json: String,
}
