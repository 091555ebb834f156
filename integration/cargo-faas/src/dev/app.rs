//! The state that the parts of `cargo faas dev` share: the running deployment, the events so far, the last build.

use super::deployment::Timer;
use super::generation::{Around, Generation, How, Lease};
use super::record::{Body, Input};
use super::store::{Change, New, Store};
use crate::failure::Failure;
use crate::screen::{Screen, bytes, duration};
use crate::stage::{self, Call, CallInput, Platform, Reply};
use crate::stamp;
use handlers_sdk::testing::samples;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;

/// The time that a call waits for a deployment that is about to be ready.
const WAIT: Duration = Duration::from_secs(60);

/// The state of the newest build.
#[derive(Clone, Debug, Default)]
pub(crate) enum Build {
    /// The build runs, or its result is being started.
    #[default]
    Working,
    /// The result of the build serves.
    Serves,
    /// The build failed, or its result did not start.
    Failed(String),
}

/// The state that all parts share.
pub(crate) struct App {
    /// The record of all that has happened.
    pub(crate) store: Arc<Store>,
    /// The screen for people.
    pub(crate) screen: Screen,
    /// The address that the front listens on.
    pub(crate) address: SocketAddr,
    /// The settings that deployments are run with.
    pub(crate) how: How,
    current: watch::Sender<Option<Arc<Generation>>>,
    made: AtomicU64,
    alive: Mutex<Vec<Weak<Generation>>>,
    build: watch::Sender<Build>,
}

/// An event that is to be sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// The function that is to serve it, whatever else it serves; `None` leaves that to the routes and triggers.
    pub(crate) function: Option<String>,
    /// The name of the event, for people.
    pub(crate) name: String,
    /// The bytes of the event.
    pub(crate) bytes: Vec<u8>,
    /// The invocation that it repeats; `None` if it is new.
    pub(crate) repeats: Option<u64>,
    /// The faults that are to happen to it.
    pub(crate) trouble: Trouble,
}

/// The faults that are to happen to an event, as they may on a platform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// The time that the event has; `None` for the usual time.
    pub(crate) deadline: Option<Duration>,
    /// The time for which the process is frozen before it gets the event; `None` to leave it running.
    pub(crate) freeze: Option<Duration>,
    /// `true` if SIGTERM is sent to the process while it has the event.
    pub(crate) sigterm: bool,
    /// `true` if the event is sent twice, with one request id.
    pub(crate) duplicate: bool,
    /// The number of times that the event is sent again if it fails.
    pub(crate) retry: u32,
    /// `true` if the event is refused, as a platform does on which too many invocations run.
    pub(crate) throttle: bool,
}

impl App {
    /// Makes the state before any deployment runs.
    pub(crate) fn new(screen: Screen, address: SocketAddr, how: How) -> App {
        App {
            store: Arc::new(Store::new()),
            screen,
            address,
            how,
            current: watch::Sender::new(None),
            made: AtomicU64::new(0),
            alive: Mutex::default(),
            build: watch::Sender::default(),
        }
    }

    /// Returns the number of the next deployment.
    pub(crate) fn next_number(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Returns the listeners that a deployment reports to.
    pub(crate) fn around(&self, gone: &tokio::sync::mpsc::UnboundedSender<u64>) -> Around {
        Around { store: Arc::clone(&self.store), screen: self.screen, gone: gone.clone() }
    }

    /// Returns the deployment that serves; `None` if no deployment does.
    pub(crate) fn now(&self) -> Option<Arc<Generation>> {
        self.current.borrow().clone()
    }

    /// Sends new calls to this deployment from here on, and returns the one before.
    pub(crate) fn swap(&self, new: Option<Arc<Generation>>) -> Option<Arc<Generation>> {
        if let Some(new) = &new {
            let mut alive = self.alive();
            alive.retain(|old| old.strong_count() > 0);
            alive.push(Arc::downgrade(new));
            let functions = new.deployment.functions();
            self.store.set_functions(functions.into_iter().map(|(_, name)| name.to_owned()).collect());
        }
        let old = self.current.send_replace(new);
        self.store.state_changed();
        old
    }

    fn alive(&self) -> MutexGuard<'_, Vec<Weak<Generation>>> {
        self.alive.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns every deployment that has not ended, those that are drained included.
    pub(crate) fn all(&self) -> Vec<Arc<Generation>> {
        self.alive().iter().filter_map(Weak::upgrade).collect()
    }

    /// Returns the processes of every deployment.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.all().iter().flat_map(|generation| generation.look()).map(|look| look.pid).collect()
    }

    /// Takes a share of the deployment that serves, or waits for one; with `not` for another one than this. It is `None`
    /// at once, without `not`, if the newest build has failed, after which nothing comes by itself. A swap cannot come
    /// between the look and the count: a deployment is ended only after every call that goes to it was counted.
    pub(crate) fn lease(&self, not: Option<u64>) -> impl Future<Output = Option<Lease>> + Send + use<> {
        let (mut current, mut build) = (self.current.subscribe(), self.build.subscribe());
        async move {
            let until = tokio::time::Instant::now() + WAIT;
            loop {
                {
                    let now = current.borrow_and_update();
                    if let Some(generation) = now.as_ref().filter(|now| Some(now.number) != not) {
                        return Some(Lease::of(generation));
                    }
                }
                // A deployment that is lost is begun again, whatever the newest build came to.
                if not.is_none() && matches!(*build.borrow_and_update(), Build::Failed(_)) {
                    return None;
                }
                let changed = async {
                    tokio::select! {
                        changed = current.changed() => changed,
                        changed = build.changed() => changed,
                    }
                };
                if !matches!(tokio::time::timeout_at(until, changed).await, Ok(Ok(()))) {
                    return None;
                }
            }
        }
    }

    /// Returns how the newest build goes.
    pub(crate) fn build(&self) -> Build {
        self.build.borrow().clone()
    }

    /// Sets the state of the newest build.
    pub(crate) fn set_build(&self, build: Build) {
        self.build.send_replace(build);
        self.store.state_changed();
    }

    /// Returns the timers of the deployment that serves.
    pub(crate) fn timers(&self) -> Vec<Timer> {
        self.now().map(|now| now.deployment.timers.clone()).unwrap_or_default()
    }

    /// Returns the whole state as JSON. Its form is documented, and members are only added.
    pub(crate) fn state(&self) -> Value {
        let (word, why) = match self.build() {
            Build::Working => ("working", None),
            Build::Serves => ("serves", None),
            Build::Failed(why) => ("failed", Some(why)),
        };
        let now = self.now();
        let processes = now.as_ref().map(|now| now.look()).unwrap_or_default();
        let processes: Vec<Value> = processes
            .iter()
            .map(|look| {
                json!({
                    "unit": look.unit, "platform": look.platform, "function": look.function, "pid": look.pid,
                    "rssKib": look.rss_kib,
                })
            })
            .collect();
        json!({
            "url": format!("http://{}/", self.address),
            "pid": std::process::id(),
            "build": word,
            "failure": why,
            "deployment": now.as_ref().map(|now| now.number),
            "platform": now.as_ref().map_or("http", |now| now.platform()),
            "inFlight": now.as_ref().map_or(0, |now| now.in_flight()),
            "processes": processes,
        })
    }

    /// Sends an event to its function, as often as is wanted, and returns the numbers of the invocations once all have
    /// ended.
    pub(crate) async fn send_event(
        self: &Arc<App>,
        platform: &'static Platform,
        wanted: Wanted,
    ) -> Result<Vec<u64>, Failure> {
        self.send_event_to(None, platform, wanted).await
    }

    /// Sends an event as [`send_event`](App::send_event) does, to the unit of this name. With `None` it is the unit that
    /// has the function, or that events of the sample's kind go to.
    pub(crate) async fn send_event_to(
        self: &Arc<App>,
        unit: Option<&str>,
        platform: &'static Platform,
        wanted: Wanted,
    ) -> Result<Vec<u64>, Failure> {
        if wanted.trouble.deadline.is_some() && !platform.sets_deadlines() {
            let why = "tells no event how long it has: --deadline is for aws-lambda and fn, and --timeout for all";
            return Err(Failure::new("event", format!("{} {why}", platform.title())));
        }
        let lease = self.lease(None).await.ok_or_else(|| Failure::new("event", "no deployment is ready"))?;
        let unit = match (unit, &wanted.function) {
            (Some(unit), function) => {
                // Another deployment may serve since the name was looked up.
                let missing = || {
                    let name = function.as_deref().unwrap_or(unit);
                    Failure::new("event", lease.deployment.no_function(name))
                };
                lease.deployment.unit_with(unit, function.as_deref()).ok_or_else(missing)?
            }
            (None, Some(name)) => {
                let missing = || Failure::new("event", lease.deployment.no_function(name));
                lease.deployment.unit_of(name).ok_or_else(missing)?
            }
            (None, None) => {
                let sample = samples().iter().find(|sample| sample.name() == wanted.name);
                sample.map_or(0, |sample| lease.deployment.unit_for(sample.trigger()))
            }
        };
        // An instance of its own platform serves it, unless the whole deployment is on that platform.
        let only = wanted.function.clone().filter(|_| lease.how_is(platform).is_none());
        let request_id = stamp::request_id();
        let mut numbers = Vec::new();
        let copies = if wanted.trouble.duplicate { 2 } else { 1 };
        for copy in 0..copies {
            let mut left = wanted.trouble.retry;
            loop {
                let id =
                    if copies > 1 || left < wanted.trouble.retry { request_id.clone() } else { stamp::request_id() };
                let id = if copy == 0 && left == wanted.trouble.retry { request_id.clone() } else { id };
                let number = self.one_event(&lease, unit, platform, only.clone(), &wanted, id).await;
                numbers.push(number);
                let is_failed = self.store.get(number).is_some_and(|record| record.is_failed());
                if !is_failed || left == 0 {
                    break;
                }
                left -= 1;
            }
        }
        Ok(numbers)
    }

    async fn one_event(
        self: &Arc<App>,
        lease: &Lease,
        unit: usize,
        platform: &'static Platform,
        only: Option<String>,
        wanted: &Wanted,
        request_id: String,
    ) -> u64 {
        let number = self.store.begin(New {
            request_id: request_id.clone(),
            unit: lease.deployment.units.get(unit).map(|unit| unit.name.clone()).unwrap_or_default(),
            function: wanted.function.clone(),
            platform: platform.name,
            deployment: lease.number,
            input: Input::Event(wanted.name.clone()),
            body: Body::of(&wanted.bytes),
            repeats: wanted.repeats,
            is_named: false,
        });
        if wanted.trouble.throttle {
            let why = "429 TooManyRequests: the platform runs no more at once, as was asked for";
            self.ended(number, &Reply::failed(429, why));
            return number;
        }
        let call = Call {
            request_id,
            function: wanted.function.clone(),
            input: CallInput::Event(wanted.bytes.clone()),
            deadline: wanted.trouble.deadline,
        };
        let (generation, trouble, store) = (Arc::clone(lease), wanted.trouble.clone(), Arc::clone(&self.store));
        let send = move || {
            let place = Some((platform, only.as_deref()));
            trouble.before(&generation, unit, place);
            let during = trouble.during(&generation, unit, place);
            let served = |pid| store.served_by(number, generation.number, pid);
            let reply = generation.send(unit, platform, only.as_deref(), &call, served);
            drop(during);
            reply
        };
        let reply = tokio::task::spawn_blocking(send).await;
        let reply = reply.unwrap_or_else(|error| Reply::failed(500, format!("the tool's own thread: {error}")));
        self.ended(number, &reply);
        number
    }

    /// Keeps the reply of a call, and shows it on the terminal.
    pub(crate) fn ended(&self, number: u64, reply: &Reply) {
        let record = self.store.end(number, |record| {
            record.status = Some(reply.status);
            record.reply_headers = reply.headers.clone();
            record.reply = Body::of(&reply.body);
            // A line with another id is another invocation's from here on.
            if let Some(id) = &reply.request_id {
                (record.request_id, record.is_named) = (id.clone(), true);
            }
            if let Some(why) = &reply.failure
                && record.problem.is_none()
            {
                let (kind, message) = why.split_once(": ").unwrap_or(("failed", why));
                record.problem = Some(super::lines::Problem {
                    kind: kind.to_owned(),
                    message: message.to_owned(),
                    ..Default::default()
                });
            }
        });
        if let Some(record) = record {
            self.show(&record);
        }
    }

    /// Shows one line on the terminal for an invocation that has ended.
    pub(crate) fn show(&self, record: &super::record::Record) {
        let label = if matches!(record.input, Input::Event(_)) { "event" } else { "request" };
        let title = record.input.title();
        let title = title.strip_prefix("event ").unwrap_or(&title);
        let status = record.status.map_or_else(|| "no reply".to_owned(), |status| status.to_string());
        let size = bytes(usize::try_from(record.reply.total).unwrap_or(usize::MAX));
        let took = duration(record.took.unwrap_or_default());
        let mut line = format!("{title} -> {status}, {size}, {took}");
        if record.is_first {
            line.push_str(", cold start");
        }
        if let Some(problem) = &record.problem {
            line.push_str(&format!("; {}: {}", problem.kind, problem.message));
            if !problem.place.is_empty() {
                line.push_str(&format!(" at {}", problem.place));
            }
        }
        self.screen.head(label, &line);
    }

    /// Listens to changes from here on.
    pub(crate) fn listen(&self) -> tokio::sync::broadcast::Receiver<Change> {
        self.store.listen()
    }
}

/// Returns the platform that an event of plain HTTP's timers is made for, and its sample.
pub(crate) fn timer_platform(how: &How) -> &'static Platform {
    let has_timers =
        |platform: &&'static Platform| ["aws", "aliyun", "tencent", "huawei", "azure"].contains(&platform.samples);
    how.platform.filter(has_timers).unwrap_or(&stage::PLATFORMS[0])
}
