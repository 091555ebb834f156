//! The functions of the process, and whose an invocation is.
//!
//! | module | holds |
//! |---|---|
//! | [`factory`] | libraries, and instances of what is in them |
//! | [`target`] | one function: its configuration, its instance, who may call it now |
//! | `events` | which function serves an event that is no request |
//! | `own_events` | what functions say themselves that they are written for |
//! | `gate`, `fence` | how many invocations of one function run at once; a function that fails too often |
//! | `refusal` | what an invocation is told that no function serves |
//!
//! A process without a manifest has one function and routes nothing. A function of a process of several is found in
//! this order:
//!
//! 1. by the name that the platform addresses with this very event, if a function has it: the path of Azure's host;
//! 2. by its events: a request by method and path, anything else by its kind, its type, and what it comes from;
//! 3. by a name that the platform has for what it calls: the function's, the one it was invoked as, its handler text; not a
//!    request, if functions have paths and none has its;
//! 4. the default function.

mod events;
pub mod factory;
mod fence;
mod gate;
mod own_events;
mod refusal;
pub mod target;

pub use factory::{Factory, Linked, Loader};
pub use fence::FenceRule;
pub use target::Function;

pub(crate) use factory::WholeModule;
pub(crate) use refusal::Refusal;

use crate::failure::Failure;
use crate::fields;
use crate::flight::Lost;
use crate::host::Environment;
use crate::invocation::Invocation;
use crate::log::{Level, Log};
use crate::manifest::{EventFilter, EventSpec, FenceSetting, FunctionSpec, Manifest, StartWhen};
use crate::platform::HandlerName;
use crate::process::Process;
use crate::report;
use crate::router::{Found, Matching, RouteError, Router};
use crate::settings::{LayerName, RecordSettings, Settings};
use crate::trigger::Kind;
use events::Events;
use faas_abi::host::Invocation as _;
use faas_abi::{META_SOURCE, META_TRIGGER};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use target::{Started, Target};

/// The functions of the process.
#[derive(Debug)]
pub struct Functions {
    all: Vec<Function>,
    /// The way to the function of an invocation; `None` if there is one function, which serves every invocation.
    routing: Option<Routing>,
}

/// The way in which the function of an invocation is found.
#[derive(Debug)]
struct Routing {
    router: Router,
    events: Events,
    /// The functions by their names and handler texts.
    names: HashMap<Box<str>, usize>,
    default: Option<usize>,
    /// `true` if there is one function: it serves all but requests for paths that are not its.
    is_alone: bool,
    /// The name of an invocation that is no function's: the empty one.
    nobody: Arc<str>,
}

/// Says which function an invocation belongs to.
#[derive(Debug)]
pub(crate) enum Owner<'f> {
    /// The invocation belongs to this function.
    Function(&'f Function),
    /// No function serves it, for the time being or at all.
    Nobody(Refusal),
}

impl Functions {
    /// Makes the one function of a process without a manifest.
    pub(crate) fn one(settings: &Settings, handler: Option<&HandlerName>, code: Option<&Path>) -> Functions {
        let target = Target {
            handler: handler.cloned(),
            code: code.map(Path::to_owned),
            config: settings.config.clone(),
            configured_by: "FAAS_CONFIG".to_owned(),
            records: settings.records,
            ..Target::default()
        };
        Functions { all: vec![Function::new(0, target)], routing: None }
    }

    /// Makes the functions of a module that is served as a whole. Each has the events that it says itself it is written
    /// for. They have one configuration.
    ///
    /// # Errors
    /// The triggers of a function cannot be read, or two functions claim one route.
    pub(crate) fn of_module(module: WholeModule, settings: &Settings) -> Result<Functions, Failure> {
        let mut specs = Vec::with_capacity(module.functions.len());
        for function in &module.functions {
            specs.push(FunctionSpec {
                name: function.name.clone(),
                handler: function.name.clone(),
                config: settings.config.clone(),
                events: triggers(&function.name, &function.triggers)?,
                ..FunctionSpec::default()
            });
        }
        own_events::name_timers(specs.iter_mut().map(|spec| (spec.name.as_str(), &mut spec.events)));
        let default = module.functions.iter().position(|function| function.is_default);
        let names = specs.iter().enumerate().map(|(number, spec)| (spec.name.as_str().into(), number)).collect();
        let manifest = Manifest { default, functions: specs, ..Manifest::default() };
        let routing = Routing::of(&manifest, names, None)?;
        let target = |spec| Target {
            code: module.path.clone(),
            configured_by: "FAAS_CONFIG".to_owned(),
            ..target(spec, true, settings.records)
        };
        let all = manifest.functions.iter().enumerate();
        let all = all.map(|(number, spec)| Function::new(number, target(spec))).collect();
        Ok(Functions { all, routing: Some(routing) })
    }

    /// Has the functions that a manifest gives no events serve those events that they declare themselves. An event that
    /// another function has already stays that function's. A function that starts late is not asked: its library would
    /// be opened for that.
    pub(crate) fn ask_modules(&mut self, manifest: &Manifest, factory: &Factory, log: &Log) {
        let Some(routing) = &mut self.routing else { return };
        let without = |spec: &FunctionSpec| spec.events.is_empty() && spec.start == StartWhen::Eager;
        let mut asked = Vec::new();
        for (number, spec) in manifest.functions.iter().enumerate().filter(|(_, spec)| without(spec)) {
            let own = factory.triggers(self.all[number].wanted());
            let events = triggers(&spec.name, &own).unwrap_or_else(|failure| {
                log.say(Level::Warn, &failure.message);
                Vec::new()
            });
            asked.push((number, spec, events));
        }
        own_events::name_timers(asked.iter_mut().map(|(_, spec, events)| (spec.name.as_str(), events)));
        for (number, spec, events) in asked {
            for event in events {
                if let Err(other) = routing.add(number, &event.filter) {
                    let taken = manifest.functions.get(other).map_or("another function", |other| &other.name);
                    let message = format!(
                        "function {} does not serve what its module says at {} of its triggers: it is function \
                         {taken}'s already",
                        spec.name, event.position
                    );
                    log.say(Level::Warn, &message);
                }
            }
        }
    }

    /// Says of which functions the manifest's events count and not those that their modules name, and which functions
    /// serve nothing by themselves. It has to be called when they have started: their libraries are open by then.
    pub(crate) fn say_whose_events_count(&self, manifest: &Manifest, factory: &Factory, log: &Log) {
        let Some(routing) = self.routing.as_ref().filter(|_| log.enabled(Level::Info)) else { return };
        let eager = manifest.functions.iter().enumerate().filter(|(_, spec)| spec.start == StartWhen::Eager);
        for (number, spec) in eager {
            let own = factory.triggers(self.all[number].wanted());
            // What cannot be read has been said, or does not count.
            let own = triggers(&spec.name, &own).unwrap_or_default();
            if let Some(message) = own_events::difference(spec, &own) {
                log.say(Level::Info, &message);
            } else if spec.events.is_empty() && own.is_empty() && !routing.is_alone && routing.default != Some(number) {
                let message = format!(
                    "function {} serves no events: neither the manifest nor its module names any, and it is called by \
                     its name",
                    spec.name
                );
                log.say(Level::Info, &message);
            }
        }
    }

    /// Makes the functions of a manifest. A handler that names one of them makes it the default. A handler of the
    /// platform's need not name any: some platforms demand a text, and a package without a default function has no name
    /// to give.
    ///
    /// # Errors
    /// Two functions claim one route, or `FAAS_HANDLER` names no function of the manifest.
    pub(crate) fn of(
        manifest: &Manifest,
        settings: &Settings,
        handler: Option<&HandlerName>,
        log: &Log,
    ) -> Result<Functions, Failure> {
        let specs = &manifest.functions;
        let mut names = HashMap::with_capacity(specs.len() * 2);
        for (number, spec) in specs.iter().enumerate().rev() {
            // The first function of a handler keeps its text; a name always means its own function.
            names.insert(spec.handler.as_str().into(), number);
        }
        names.extend(specs.iter().enumerate().map(|(number, spec)| (spec.name.as_str().into(), number)));
        let named = handler.and_then(|handler| names.get(handler.text.as_str()).copied());
        if let (Some(HandlerName { text, .. }), None) = (handler, named) {
            if settings.handler.is_some() {
                let known: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).take(20).collect();
                let message = format!("no function {text:?} in the manifest; it has: {}", known.join(", "));
                return Err(Failure::new("Runtime.NoSuchFunction", message));
            }
            // Deployment files of several functions give the platform the name of the unit.
            if *text != manifest.name {
                log.say(Level::Info, &format!("the platform's handler {text:?} names no function of the manifest"));
            }
        }
        if !settings.config.is_empty() {
            let message = "FAAS_CONFIG means nothing beside a manifest, where each function has a config of its own";
            log.say(Level::Warn, message);
        }
        let several = specs.len() > 1;
        let all = specs
            .iter()
            .enumerate()
            .map(|(number, spec)| Function::new(number, target(spec, several, settings.records)))
            .collect();
        let is_routed = several || specs.iter().any(|spec| !spec.events.is_empty());
        let routing = is_routed.then(|| Routing::of(manifest, names, named)).transpose()?;
        Ok(Functions { all, routing })
    }

    /// Returns all functions, in the order of the manifest.
    pub fn all(&self) -> &[Function] {
        &self.all
    }

    /// Returns the name that invocations have before their function is found: that of the only function, if there is
    /// one.
    pub(crate) fn first_name(&self) -> &str {
        if self.routing.is_none() { self.name(0) } else { "" }
    }

    /// Takes them apart, to end them.
    pub(crate) fn into_all(self) -> Vec<Function> {
        self.all
    }

    /// Returns the function of this number; `None` for an invocation that is no function's.
    pub(crate) fn get(&self, number: usize) -> Option<&Function> {
        self.all.get(number)
    }

    /// Returns the name of the function of this number. It is empty for an invocation that is no function's.
    pub fn name(&self, number: usize) -> &str {
        self.get(number).map_or("", Function::name)
    }

    /// Returns `true` if calls of the function of this number return soon, so that no call holds a thread while it
    /// waits.
    pub fn returns_soon(&self, number: usize) -> bool {
        self.get(number).and_then(Function::started).is_some_and(Started::returns_soon)
    }

    /// Finds the function that the invocation is for, and marks it with that.
    pub(crate) fn owner(&self, invocation: &mut Invocation, process: &Process) -> Owner<'_> {
        let Some(routing) = &self.routing else {
            let function = &self.all[0];
            // Its places are the function's from the beginning.
            if function.is_from_manifest() {
                function.mark(invocation, process);
            }
            return Owner::Function(function);
        };
        match routing.find(invocation) {
            Ok(number) => {
                self.all[number].mark(invocation, process);
                Owner::Function(&self.all[number])
            }
            Err(refusal) => {
                invocation.serve_as_nobody(&routing.nobody);
                Owner::Nobody(refusal)
            }
        }
    }

    /// Marks an invocation that ends before its function was found. In a process of several functions it is nobody's.
    pub(crate) fn leave_unowned(&self, invocation: &mut Invocation) {
        if let Some(routing) = &self.routing {
            invocation.serve_as_nobody(&routing.nobody);
        }
    }

    /// Writes the line of an invocation whose memory is out of reach: its function still runs, and it has been answered
    /// in its place. `then` tells the next step of the process, and ends the message.
    pub fn out_of_reach(&self, process: &Process, lost: Lost<'_>, failure: &Failure, then: &str) {
        report::out_of_reach(process, lost.request_id, self.name(lost.function), failure, then);
        if let Some(function) = self.get(lost.function) {
            function.ended(Some(failure), process);
        }
    }

    /// Writes the line of an invocation that was answered, and whose work after the reply does not end. `then` is as
    /// for [`out_of_reach`](Functions::out_of_reach).
    pub fn replied_does_not_end(&self, process: &Process, lost: Lost<'_>, then: &str) {
        report::replied_does_not_end(process, lost.request_id, self.name(lost.function), then);
    }
}

/// Returns the layers around all functions, outermost first: those of the manifest, then those that only `FAAS_LAYERS`
/// names.
pub(crate) fn layers(manifest: Option<&Manifest>, settings: &Settings) -> Vec<LayerName> {
    let Some(manifest) = manifest else { return settings.layers.clone() };
    let is_new = |named: &&LayerName| !manifest.layers.iter().any(|other| other.name == named.name);
    manifest.layers.iter().chain(settings.layers.iter().filter(is_new)).cloned().collect()
}

/// Reads the events that a function of a module declares.
fn triggers(name: &str, text: &str) -> Result<Vec<EventSpec>, Failure> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Manifest::read_triggers(text.as_bytes()).map_err(|mistakes| {
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let message = format!("the triggers of function {name} in its module: {}", mistakes.join("; "));
        Failure::new("Runtime.BadTriggers", message)
    })
}

fn target(spec: &FunctionSpec, several: bool, of_process: RecordSettings) -> Target {
    let fence = match spec.fence {
        FenceSetting::Of { failures, pause } => Some(FenceRule { failures, pause }),
        FenceSetting::Off => None,
        // The only function of a process keeps nobody else from being served.
        FenceSetting::Default => several.then(FenceRule::default),
    };
    Target {
        name: spec.name.clone(),
        handler: Some(HandlerName { text: spec.handler.clone(), required: true }),
        code: None,
        config: spec.config.clone(),
        configured_by: "the manifest's config".to_owned(),
        environment: Environment::of(&spec.environment),
        timeout: spec.timeout.flatten(),
        concurrency: spec.concurrency,
        layers: spec.layers.clone(),
        fence,
        is_lazy: spec.start == StartWhen::Lazy,
        records: RecordSettings {
            concurrency: spec.records.concurrency.or(of_process.concurrency),
            failures: spec.records.failures.unwrap_or(of_process.failures),
        },
    }
}

impl Routing {
    fn of(manifest: &Manifest, names: HashMap<Box<str>, usize>, named: Option<usize>) -> Result<Routing, Failure> {
        let mut router = Router::new(Matching { strict_slash: manifest.strict_slash, caseless: manifest.caseless });
        let mut events = Events::default();
        for (function, spec) in manifest.functions.iter().enumerate() {
            for event in &spec.events {
                match &event.filter {
                    EventFilter::Http { path, methods } => {
                        let methods: Vec<&str> = methods.iter().map(|method| &**method).collect();
                        let added = router.add(path.as_deref().unwrap_or("/*"), &methods, function);
                        added.map_err(|error| {
                            let place = event.position;
                            let message = format!("{place}, function {}: {}", spec.name, in_words(&error, manifest));
                            Failure::new("Runtime.BadManifest", message)
                        })?;
                    }
                    EventFilter::Other { kind, source, event_type } => {
                        events.add(*kind, source.as_deref(), event_type.as_deref(), function);
                    }
                }
            }
        }
        let (default, is_alone) = (named.or(manifest.default), manifest.functions.len() == 1);
        Ok(Routing { router, events, names, default, is_alone, nobody: Arc::from("") })
    }

    /// Has a function serve events. If another function has them already, the error is that function's number.
    fn add(&mut self, function: usize, filter: &EventFilter) -> Result<(), usize> {
        match filter {
            EventFilter::Http { path, methods } => {
                let methods: Vec<&str> = methods.iter().map(|method| &**method).collect();
                let added = self.router.add(path.as_deref().unwrap_or("/*"), &methods, function);
                added.map_err(|error| match error {
                    RouteError::Taken { earlier_owner, .. } => earlier_owner,
                    _ => usize::MAX,
                })
            }
            EventFilter::Other { kind, source, event_type } => {
                self.events.add_free(*kind, source.as_deref(), event_type.as_deref(), function)
            }
        }
    }

    fn find(&self, invocation: &mut Invocation) -> Result<usize, Refusal> {
        let named = |name: &[u8]| std::str::from_utf8(name).ok().and_then(|name| self.names.get(name).copied());
        if let Some(number) = self.addressed(invocation.addressee()) {
            return Ok(number);
        }
        let is_request = invocation.meta(META_TRIGGER) == Kind::Http.word().as_bytes();
        let mut nobody = None;
        if is_request && !self.router.is_empty() {
            match self.route(invocation) {
                Ok(number) => return Ok(number),
                Err(Some(refusal)) => return Err(refusal),
                Err(None) => nobody = Some("this path".to_owned()),
            }
        }
        if let Some(number) = self.events.owner(invocation) {
            return Ok(number);
        }
        let found = if nobody.is_some() {
            // A service is often called like one of its functions, which does not make all paths that function's.
            self.default
        } else {
            let alone = self.is_alone.then_some(0);
            invocation.names().into_iter().find_map(named).or(self.default).or(alone)
        };
        found.ok_or_else(|| {
            let what = || {
                let (kind, source) = (invocation.meta(META_TRIGGER), invocation.meta(META_SOURCE));
                let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
                if source.is_empty() {
                    format!("events of kind {}", text(kind))
                } else {
                    format!("events of kind {} from {}", text(kind), text(source))
                }
            };
            Refusal::NoOwner(nobody.unwrap_or_else(what))
        })
    }

    /// Returns the function of the name that the platform addresses. Azure's host, the only one that does so, has names
    /// that differ in more than their case.
    fn addressed(&self, name: &[u8]) -> Option<usize> {
        if name.is_empty() {
            return None;
        }
        let exact = std::str::from_utf8(name).ok().and_then(|name| self.names.get(name));
        let caseless = || self.names.iter().find(|(other, _)| fields::caseless(other.as_bytes(), name));
        exact.or_else(|| caseless().map(|(_, number)| number)).copied()
    }

    /// Returns the function of a request's method and path. The error is `None` if no function has the path.
    fn route(&self, invocation: &mut Invocation) -> Result<usize, Option<Refusal>> {
        match invocation.route(&self.router) {
            Some(Found::Route { owner, .. }) => Ok(owner),
            Some(Found::Options(allow)) => Err(Some(Refusal::Options(allow.to_string()))),
            Some(Found::MethodNotAllowed(allow)) => Err(Some(Refusal::Method(allow.to_string()))),
            Some(Found::NotFound) | None => Err(None),
        }
    }
}

/// Returns the message about a route that the router refuses. If another function has the route already, the message
/// has that function's name, where the error itself has only its number.
fn in_words(error: &RouteError, manifest: &Manifest) -> String {
    let RouteError::Taken { method, pattern, earlier, earlier_owner, .. } = error else { return error.to_string() };
    let method = method.as_deref().unwrap_or("any method");
    let other = &manifest.functions[*earlier_owner].name;
    format!("route `{pattern}` with {method} is function {other}'s already, as `{earlier}`: one of them has to go")
}
