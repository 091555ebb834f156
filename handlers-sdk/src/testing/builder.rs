//! The parts that a process in a test is made of, and its start. What is done with the process stands in `app`.

use super::app::App;
use super::fakes::{FakeHttp, FakeKv, FakeParams, Fakes, Linked as LinkedService};
use super::journal::Journal;
use super::platform::{self, Kind};
use super::provided::Provided;
use super::shelf::Shelf;
use crate::call::context::FaasContext;
use crate::error::Error;
use crate::ffi::checked::checked;
use crate::inject::of_test;
use crate::service::table::Service;
use faas_abi::host::ServiceTable;
use faas_abi::*;
use faas_core::flight::{Bell, Deadlines, Rung};
use faas_core::functions::Linked;
use faas_core::lifecycle::{Runtime, Start};
use faas_core::log::{Format, Level, Log};
use faas_core::manifest::{
    EventFilter, EventSpec, FenceSetting, FunctionSpec, Manifest, Position, RecordSpec, StartWhen,
};
use faas_core::parking::block_on;
use faas_core::process::{Clock, Process};
use faas_core::settings::{Env, LayerName, Settings};
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The parts that an [`App`] is made of.
///
/// ```
/// # use handlers_sdk::{FaasContext, function, testing::{App, Invoke}};
/// use handlers_sdk::testing::Builder;
///
/// #[function]
/// fn stage(ctx: FaasContext) -> String {
///     format!("{} on {}", ctx.env("STAGE").unwrap_or("no stage"), ctx.platform())
/// }
///
/// /// Returns a builder with the settings that all tests of this file share.
/// fn base() -> Builder {
///     App::builder().module(stage::MODULE).config("STAGE", "test")
/// }
///
/// let on_knative = base().on("knative").start().expect("starts");
/// assert_eq!(on_knative.invoke(Invoke::http("GET", "/")).text(), "test on knative");
/// ```
#[derive(Default)]
pub struct Builder {
    modules: Vec<(&'static Module, String)>,
    routes: Vec<(String, String, String)>,
    variables: Vec<(String, String)>,
    services: Vec<LinkedService>,
    fakes: Fakes,
    timeout: Option<Duration>,
    lends_thread: bool,
    platform: Option<&'static str>,
    provided: Provided,
}

impl Builder {
    /// Adds functions and layers; layers stand in the order in which they come, the first outermost.
    #[must_use]
    pub fn module(self, module: &'static Module) -> Builder {
        self.configured(module, "")
    }

    /// Adds functions and layers with a configuration for each entry of the module, as JSON.
    ///
    /// ```
    /// # use handlers_sdk::{FaasContext, function, testing::{App, Invoke}};
    /// #[function]
    /// fn most(ctx: FaasContext) -> Result<String, handlers_sdk::Error> {
    ///     Ok(format!("{:?}", ctx.config().get::<u32>("most")?))
    /// }
    ///
    /// let app = App::builder().configured(most::MODULE, r#"{"most":3}"#).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("")).text(), "Some(3)");
    /// ```
    #[must_use]
    pub fn configured(mut self, module: &'static Module, config: &str) -> Builder {
        self.modules.push((module, config.to_owned()));
        self
    }

    /// Routes requests of that method and path to the function, as `http` among its events in a manifest does. A
    /// function with routes of its own, by `#[http(…)]` in a class, needs none: those that are given here take the place
    /// of its own.
    ///
    /// ```
    /// use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::{Request, function};
    ///
    /// #[function]
    /// fn show(request: Request) -> String {
    ///     format!("order {}", request.path_param("id").unwrap_or("?"))
    /// }
    ///
    /// let app = App::builder().module(show::MODULE).route("GET", "/orders/{id}", "show").start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::http("GET", "/orders/7")).text(), "order 7");
    /// assert_eq!(app.invoke(Invoke::http("POST", "/orders/7")).status(), 405);
    /// ```
    #[must_use]
    pub fn route(mut self, method: &str, path: &str, function: &str) -> Builder {
        self.routes.push((method.to_owned(), path.to_owned(), function.to_owned()));
        self
    }

    /// Sets a configured or environment value that every entry sees, over those of the test's own environment. The
    /// runtime's settings, `FAAS_DEBUG` and others, are taken from here alone.
    #[must_use]
    pub fn config(mut self, key: &str, value: &str) -> Builder {
        self.variables.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Adds a service that functions and layers find, offered by the test in the place of another module.
    #[must_use]
    pub fn service<S: Service>(mut self, table: &'static S) -> Builder {
        self.services.push((S::NAME, S::MAJOR, ServiceTable::of(table)));
        self
    }

    /// Lets functions and layers send requests to this client: it is what `ctx.http_client()` finds.
    #[must_use]
    pub fn http_client(mut self, fake: &FakeHttp) -> Builder {
        self.fakes.http = Some(fake.clone());
        self
    }

    /// Lets functions and layers keep values in this store: it is what `ctx.kv()` finds.
    #[must_use]
    pub fn kv(mut self, fake: &FakeKv) -> Builder {
        self.fakes.kv = Some(fake.clone());
        self
    }

    /// Lets functions and layers ask this source for parameters and secrets: it is what `ctx.params()` finds.
    #[must_use]
    pub fn params(mut self, fake: &FakeParams) -> Builder {
        self.fakes.params = Some(fake.clone());
        self
    }

    /// Gives this value wherever an `Inject<T>` asks for one, in place of the value that a provider would make.
    ///
    /// ```
    /// use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::{Inject, function, provider};
    /// use std::time::SystemTime;
    ///
    /// struct Clock(fn() -> u64);
    ///
    /// #[provider]
    /// fn clock() -> Clock {
    ///     Clock(|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()))
    /// }
    ///
    /// #[function]
    /// fn now(clock: Inject<Clock>) -> String {
    ///     (clock.0)().to_string()
    /// }
    ///
    /// let app = App::builder().module(now::MODULE).provide(Clock(|| 7)).start().expect("starts");
    /// assert_eq!(app.invoke(Invoke::event("")).text(), "7");
    /// ```
    #[must_use]
    pub fn provide<T: Any + Send + Sync>(mut self, value: T) -> Builder {
        self.provided.value(value);
        self
    }

    /// Makes values with `make` in place of a provider, and as often as it: once, or for each invocation.
    ///
    /// ```
    /// # use handlers_sdk::{Error, FaasContext, Inject, function, provider, testing::{App, Invoke}};
    /// struct User(String);
    ///
    /// /// Looks the user up by the token of the request.
    /// #[provider(per_request)]
    /// async fn user(_: FaasContext) -> Result<User, Error> {
    ///     Err(Error::new("User.Unknown", "the user database is not here").with_status(503))
    /// }
    ///
    /// #[function]
    /// async fn greet(user: Inject<User>) -> String {
    ///     format!("hello, {}", user.0)
    /// }
    ///
    /// let app = App::builder().module(greet::MODULE);
    /// let app = app.override_provider(|ctx| Ok(User(ctx.http().map_or("", |http| http.path()).to_owned())));
    /// assert_eq!(app.start().expect("starts").invoke(Invoke::http("GET", "/ada")).text(), "hello, /ada");
    /// ```
    #[must_use]
    pub fn override_provider<T: Any + Send + Sync>(
        mut self,
        make: impl Fn(&FaasContext) -> Result<T, Error> + Send + Sync + 'static,
    ) -> Builder {
        self.provided.maker(make);
        self
    }

    /// Adds all values that `other` gives.
    pub(super) fn providing(mut self, other: Provided) -> Builder {
        self.provided.add_all(other);
        self
    }

    /// Sets how long an invocation of any of the functions may take, by the app's [clock](App::advance).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Builder {
        self.timeout = Some(timeout);
        self
    }

    /// Lets the host lend its thread: futures are finished on it, as in light-runtime.
    #[must_use]
    pub fn lends_thread(mut self) -> Builder {
        self.lends_thread = true;
        self
    }

    /// Puts the process on that platform: its name is one of `FAAS_PLATFORM`, and each event comes as the platform
    /// sends it. See [`Invoke::on`](super::Invoke::on).
    ///
    /// # Panics
    /// There is no such platform.
    #[must_use]
    pub fn on(mut self, platform: &str) -> Builder {
        self.platform = Some(platform::known(platform));
        self
    }

    /// Creates the entries and runs the phases of the start.
    ///
    /// # Errors
    /// A part does not fit, or an entry or a phase failed. The text names it and the reason.
    pub fn start(mut self) -> Result<App, String> {
        let scopes = std::mem::take(&mut self.provided).scopes();
        self.variables.push((of_test::KEY.to_owned(), of_test::announce(&scopes)));
        let features =
            F_STREAM_OUT | F_STREAM_IN | F_CONCURRENT | F_RECORDS | if self.lends_thread { F_MAY_BLOCK } else { 0 };
        let identity = match self.platform {
            Some(name) => platform::open(name, Kind::Event, &self.variables)?.identity,
            None => platform::nowhere(),
        };
        let look_up = |name: &str| self.variables.iter().rev().find(|(other, _)| other == name).map(|(_, v)| v.clone());
        let settings = Settings::read(&Env::new(&look_up)).map_err(|bad| bad.to_string())?;
        let clock = Arc::new(AtomicU64::new(0));
        let journal = Arc::new(Journal::default());
        let log = Log::new(Level::Debug, Format::Json, journal.clone());
        let process = Arc::new(Process::by(Clock::ByHand(clock.clone()), identity, log));
        process.give_environment(self.variables.clone());
        let (shelf, manifest) = self.manifest(features)?;
        let offered = std::mem::take(&mut self.fakes).make(&clock, &mut self.services);
        let linked = Linked { services: self.services.clone(), ..Linked::default() };
        let start = Start { settings: &settings, manifest: Some(&manifest), roots: &Shelf::roots(), features, linked };
        let started = block_on(Runtime::start(&process, Arc::new(shelf), start, None));
        let runtime = started.map_err(|failure| format!("{failure}"))?;
        Ok(App {
            deadlines: Arc::new(Deadlines::new(process, Box::new(NoBell), settings.grace)),
            runtime: Some(runtime),
            functions: manifest.functions.into_iter().map(|function| function.name).collect(),
            variables: self.variables,
            platform: self.platform,
            _scopes: scopes,
            _offered: offered,
            journal,
            clock,
            free: Mutex::default(),
            overdue: Mutex::default(),
            has_lost: AtomicBool::new(false),
        })
    }

    /// Returns the manifest that a process of these modules would have.
    fn manifest(&self, features: u64) -> Result<(Shelf, Manifest), String> {
        let (mut shelf, mut declared) = (Shelf::default(), String::new());
        let (mut layers, mut functions): (Vec<LayerName>, Vec<FunctionSpec>) = (Vec::new(), Vec::new());
        for (module, config) in &self.modules {
            let offered = checked(module, features).map_err(|faults| faults.join("; "))?;
            let mut names = offered.layers.iter().map(|layer| &layer.name);
            let first = names.next().or_else(|| offered.functions.first().map(|function| &function.name));
            let library = shelf.put(module, first.map_or("", |name| name.as_str()));
            for layer in &offered.layers {
                let is_alone = offered.layers.len() == 1;
                let name = if is_alone { library.clone() } else { format!("{library}.{}", layer.name) };
                layers.push(LayerName { name, required: true, config: config.clone() });
            }
            for function in &offered.functions {
                if functions.iter().any(|other| *other.name == *function.name) {
                    return Err(format!("two modules of the app offer a function {:?}", function.name));
                }
                functions.push(self.function(&function.name, &library, config));
                declared.clone_from(&function.triggers);
            }
        }
        // The runtime reads what several functions declare itself. To one alone it gives everything, where no manifest
        // names its routes; here the manifest does.
        if let [alone] = &mut functions[..]
            && alone.events.is_empty()
        {
            alone.events = own_routes(&declared)?;
        }
        if let Some((.., name)) =
            self.routes.iter().find(|(.., name)| functions.iter().all(|other| other.name != *name))
        {
            return Err(format!("a route is to be the function {name:?}'s, and no module of the app offers it"));
        }
        Ok((shelf, Manifest { layers, functions, ..Manifest::default() }))
    }

    fn function(&self, name: &str, library: &str, config: &str) -> FunctionSpec {
        let routes = self.routes.iter().filter(|(.., function)| function == name);
        let event = |(method, path, _): &(String, String, String)| EventSpec {
            position: Position { line: 1, column: 1 },
            filter: EventFilter::Http { path: Some(path.clone()), methods: vec![method.to_ascii_uppercase().into()] },
        };
        FunctionSpec {
            name: name.to_owned(),
            handler: format!("{library}.{name}"),
            config: config.to_owned(),
            environment: Vec::new(),
            timeout: self.timeout.map(Some),
            concurrency: None,
            records: RecordSpec::default(),
            start: StartWhen::Eager,
            layers: Vec::new(),
            // A test that makes a function fail does so more than once.
            fence: FenceSetting::Off,
            events: routes.map(event).collect(),
        }
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("modules", &self.modules.len()).finish_non_exhaustive()
    }
}

/// Returns the events that a function declares, if a path is among them.
fn own_routes(triggers: &str) -> Result<Vec<EventSpec>, String> {
    if triggers.is_empty() {
        return Ok(Vec::new());
    }
    let events = Manifest::read_triggers(triggers.as_bytes());
    let events = events.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))?;
    let is_route = |event: &EventSpec| matches!(event.filter, EventFilter::Http { path: Some(_), .. });
    Ok(if events.iter().any(is_route) { events } else { Vec::new() })
}

/// A bell that never rings: nobody sleeps until a deadline, since the test moves the clock.
struct NoBell;

impl Bell for NoBell {
    fn wait(&self, _: Option<Duration>) -> Rung {
        Rung::Timeout
    }

    fn ring(&self) {}
}
