//! A process in a test: layers and functions under the runtime's own lifecycle, with a clock that the test moves.

use super::answer::Answer;
use super::fakes::{FakeHttp, FakeKv, FakeParams, Fakes, Linked as LinkedService};
use super::invoke::{Invoke, ReadBy};
use super::journal::{Journal, LogLine};
use super::platform::{self, Kind, Platform};
use super::provided::Provided;
use super::reader::Reader;
use super::running::{Overdue, Running, Seat};
use super::shelf::Shelf;
use crate::call::context::FaasContext;
use crate::error::Error;
use crate::glue::checked::checked;
use crate::glue::service::Service;
use crate::inject::{Scopes, of_test};
use crate::service::Offered;
use faas_abi::host::{FunctionEntry, LayerInstance, ServiceTable};
use faas_abi::*;
use faas_core::chain::Place;
use faas_core::failure::Failure;
use faas_core::flight::{Actions, Bell, Canceller, Deadlines, Lost, Rung};
use faas_core::functions::Linked;
use faas_core::functions::manifest::{
    EventFilter, EventSpec, FenceSetting, FunctionSpec, Manifest, Position, RecordSpec, StartWhen,
};
use faas_core::host::{Environment, Shared, table};
use faas_core::lifecycle::{Runtime, Start};
use faas_core::log::{Format, Level, Log};
use faas_core::parking::block_on;
use faas_core::platform::Signal;
use faas_core::process::{Clock, Process};
use faas_core::settings::{Env, LayerName, Settings};
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

    /// Gives this value wherever an `Inject<T>` asks for one, in place of what a provider would make.
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
    /// sends it. See [`Invoke::on`].
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

/// Returns the functions that a module offers, with the events they are written for.
///
/// ```
/// use handlers_sdk::testing::functions;
/// use handlers_sdk::{function, module};
///
/// #[function]
/// fn order() {}
///
/// #[function]
/// fn cancel() {}
///
/// module!(functions: [order, cancel]);
///
/// let offered = functions(faas_module()).expect("it fits");
/// let names: Vec<String> = offered.iter().map(|function| function.name.to_string()).collect();
/// assert_eq!(names, ["order", "cancel"]);
/// ```
///
/// # Errors
/// The module does not fit, for this reason.
pub fn functions(module: &'static Module) -> Result<Vec<FunctionEntry>, String> {
    checked(module, F_STREAM_OUT | F_RECORDS).map(|module| module.functions).map_err(|faults| faults.join("; "))
}

/// One instance of a module's only layer, to look at its table.
///
/// ```
/// use handlers_sdk::{Error, Layer, Phase, abi, layer};
///
/// #[derive(Default)]
/// struct Flushes;
///
/// #[layer]
/// impl Layer for Flushes {
///     fn after_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
///         Ok(())
///     }
/// }
///
/// let flushes = handlers_sdk::testing::layer(Flushes::MODULE, "").expect("it is made");
/// assert!(flushes.has_after(abi::CLOSE) && !flushes.has_before(abi::INVOKE));
/// ```
///
/// # Errors
/// The module does not fit, or the layer has a reason of its own.
pub fn layer(module: &'static Module, config: &str) -> Result<LayerInstance, String> {
    let checked = checked(module, F_STREAM_OUT).map_err(|faults| faults.join("; "))?;
    let layer = checked.layers.first().ok_or("the module has no layer")?;
    let log = Log::new(Level::Debug, Format::Json, Arc::new(Journal::default()));
    let shared = Shared::new(Arc::new(Process::new(platform::nowhere(), log)));
    layer.create(table(&shared, layer.name.to_string(), &Environment::default(), F_STREAM_OUT), config.as_bytes())
}

/// A process of started layers and functions.
///
/// ```
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::testing::App;
/// use std::sync::atomic::{AtomicU32, Ordering};
///
/// static ORDERS: AtomicU32 = AtomicU32::new(0);
///
/// #[function]
/// fn order() -> String {
///     format!("order {}", ORDERS.fetch_add(1, Ordering::Relaxed) + 1)
/// }
///
/// // One process, whose state is there for the next invocation.
/// let app = App::builder().module(order::MODULE).start().expect("starts");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "order 1");
/// assert_eq!(app.invoke(Invoke::event("")).text(), "order 2");
/// assert!(app.close().is_empty(), "nothing was logged");
/// ```
pub struct App {
    /// `None` only while it is being closed.
    runtime: Option<Runtime>,
    deadlines: Arc<Deadlines>,
    functions: Vec<String>,
    variables: Vec<(String, String)>,
    platform: Option<&'static str>,
    /// The scopes, which the entries find by their configuration.
    _scopes: Arc<Scopes>,
    /// The services of the test, which end with the app.
    _offered: Vec<Offered>,
    journal: Arc<Journal>,
    clock: Arc<AtomicU64>,
    /// Places of invocations that are over, to be used again as a runtime does.
    free: Mutex<Vec<Seat>>,
    /// The deadline state of each slot, by the slot's number.
    overdue: Mutex<Vec<Arc<Overdue>>>,
    /// `true` if an invocation was answered for whose function may still run.
    has_lost: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl App {
    /// Returns a builder without any module.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until it is closed")
    }

    /// Runs one of the phases of `handlers_sdk::abi` once more: `SUSPEND`, `RESUME`, or `RUNTIME_START`,
    /// `FUNCTION_START` and `CLOSE` of the layers. The phase after a reply is run with each invocation.
    ///
    /// ```
    /// # use handlers_sdk::{Error, PhaseContext, abi, function, testing::App};
    /// fn flush(_: PhaseContext) -> Result<(), Error> {
    ///     Err(Error::new("Orders.Flush", "the disk is full"))
    /// }
    ///
    /// #[function(suspend = flush)]
    /// fn order() {}
    ///
    /// let app = App::builder().module(order::MODULE).start().expect("starts");
    /// let why = app.run_phase(abi::SUSPEND).expect_err("it cannot flush");
    /// assert!(why.contains("the disk is full"), "{why}");
    /// ```
    ///
    /// # Errors
    /// A hook or function failed. The text names it and the reason.
    pub fn run_phase(&self, phase: u32) -> Result<(), String> {
        let runtime = self.runtime();
        let result = match phase {
            SUSPEND => block_on(runtime.suspend()),
            RESUME => block_on(runtime.resume()),
            _ => block_on(runtime.chain().phase(phase, &mut runtime.place(), async |_: &mut Place| OK)),
        };
        result.map_err(|failure| failure.to_string())
    }

    /// Moves the clock: deadlines that have come by then are acted upon, in the order of a runtime. Nothing else moves
    /// it: an app begins at 2026-01-02T03:04:05Z and stays there.
    ///
    /// Shortly before its deadline (50 ms, or a fifth of the limit if that is less) an invocation is cancelled. A
    /// little later (20 ms, or a tenth) it is answered for, whatever its function does: it has failed with
    /// `Function.TimedOut`. Move the clock up to the first moment to see how a function reacts to a cancel.
    ///
    /// ```
    /// use handlers_sdk::testing::{App, Invoke};
    /// use handlers_sdk::function;
    /// use std::time::Duration;
    ///
    /// #[function]
    /// async fn never() -> String {
    ///     std::future::pending().await
    /// }
    ///
    /// let app = App::builder().module(never::MODULE).timeout(Duration::from_secs(3)).start().expect("starts");
    /// let running = app.begin(Invoke::event(""));
    /// app.advance(Duration::from_secs(3));
    /// assert_eq!(running.wait().status(), 504);
    /// ```
    pub fn advance(&self, time: Duration) {
        self.clock.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::SeqCst);
        self.deadlines.look_now(&AtDeadlines(self));
    }

    /// Invokes a function and waits for the end.
    ///
    /// # Panics
    /// There is no function of the name that is addressed, or the platform sends no such event.
    pub fn invoke(&self, invoke: Invoke) -> Answer {
        self.begin(invoke).wait()
    }

    /// Invokes a function; it may still be running when this returns.
    ///
    /// # Panics
    /// It panics as [`invoke`](Self::invoke) does.
    pub fn begin(&self, invoke: Invoke) -> Running<'_> {
        assert!(!self.functions.is_empty(), "no module of the app offers a function");
        if let Some(wanted) = &invoke.function {
            let is_here = self.functions.contains(wanted);
            assert!(is_here, "expected a function of {:?}, found {wanted:?}", self.functions);
        }
        let platform = Platform::new(invoke.platform.or(self.platform), invoke.arrival.kind, &self.variables);
        let reader = match &invoke.reader {
            ReadBy::Pace(pace) => Reader::of(*pace),
            ReadBy::Reader(reader) => reader.clone(),
        };
        let seat = lock(&self.free).pop().unwrap_or_else(|| self.new_seat());
        Running::begin(self, seat, invoke, platform, reader)
    }

    fn new_seat(&self) -> Seat {
        let mut place = self.runtime().place();
        let slot = self.deadlines.slot(&mut place);
        let overdue = Arc::new(Overdue::default());
        let mut all = lock(&self.overdue);
        // Slots are numbered in the order in which they are made, and two threads may make two at once.
        if all.len() <= slot.number() {
            all.resize_with(slot.number() + 1, Arc::default);
        }
        all[slot.number()] = overdue.clone();
        Seat { place, slot, overdue }
    }

    /// Takes back the place of an invocation that is over, which may serve another.
    pub(super) fn give_back(&self, seat: Seat) {
        lock(&self.free).push(seat);
    }

    pub(super) fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// Returns the lines that were logged so far.
    pub fn logs(&self) -> Vec<LogLine> {
        self.journal.lines()
    }

    /// Returns the lines that were emitted as they are.
    pub fn emitted(&self) -> Vec<String> {
        self.journal.emitted()
    }

    /// Runs the phase Close and ends the entries. Returns all lines that were logged.
    ///
    /// # Panics
    /// A hook of the phase fails.
    pub fn close(mut self) -> Vec<LogLine> {
        if let Some(runtime) = self.runtime.take() {
            block_on(runtime.signal(&Signal::Stop)).unwrap_or_else(|failure| panic!("{failure}"));
            lock(&self.free).clear();
            if self.has_lost.load(Ordering::SeqCst) {
                // A process would leave here: code that still runs must not lose its instance.
                std::mem::forget(runtime);
            } else {
                block_on(runtime.close());
            }
        }
        self.journal.lines()
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("modules", &self.modules.len()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("functions", &self.functions).finish_non_exhaustive()
    }
}

/// A bell that never rings: nobody sleeps until a deadline, since the test moves the clock.
struct NoBell;

impl Bell for NoBell {
    fn wait(&self, _: Option<Duration>) -> Rung {
        Rung::Timeout
    }

    fn ring(&self) {}
}

/// The actions of a test's app at deadlines.
struct AtDeadlines<'a>(&'a App);

impl Actions for AtDeadlines<'_> {
    fn cancel(&self, canceller: Canceller, reason: u32) {
        canceller.fire(reason);
    }

    fn overdue(&self, slot: usize, lost: Lost<'_>, _closing: bool) {
        let runtime = self.0.runtime();
        let then = "and is still running";
        runtime.functions().out_of_reach(runtime.process(), lost, &Failure::timed_out(), then);
        self.0.has_lost.store(true, Ordering::SeqCst);
        if let Some(overdue) = lock(&self.0.overdue).get(slot) {
            overdue.set();
        }
    }

    fn hung(&self, _: usize, _: Option<Lost<'_>>) {}

    fn stop(&self) {}

    fn leave(&self) {}
}
