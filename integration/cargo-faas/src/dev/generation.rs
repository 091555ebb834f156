//! A deployment that runs: a runtime for each unit, and further ones for events of platforms. It is made whole, takes
//! calls, and is ended when a newer one has taken its place. Blocks; the front calls it from threads that may.

use super::deployment::{Deployment, Unit};
use super::last_lines::LastLines;
use super::lifecycles::Origin;
use super::lines;
use super::store::{Phase, Store};
use crate::failure::Failure;
use crate::screen::Screen;
use crate::stage::{self, Call, PATIENCE, Platform, Reply, Setting, Stage};
use platform_emulators::ports::find_free_port;
use platform_emulators::process::{Process, Signal};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};

/// The time that a runtime may take to leave after SIGTERM: its own grace and a little more.
const GRACE: Duration = Duration::from_secs(12);

/// The number of runtimes that are tried for one call, where each leaves before it asks for one.
const RUNTIMES: usize = 3;

/// The variables that this module sets itself.
const DECIDED: &[&str] =
    &["FAAS_CACHE", "FAAS_HANDLER", "FAAS_HOST", "FAAS_LAYERS", "FAAS_MANIFEST", "FAAS_PLATFORM", "FAAS_ROOT", "PORT"];

/// The caller's variables that every process gets, beside settings of the runtime. No other one reaches a function.
const OF_EVERY_PROCESS: &[&str] = &["HOME", "LANG", "PATH", "TMPDIR", "TZ"];

/// The settings that deployments are run with.
#[derive(Clone, Debug)]
pub(crate) struct How {
    /// The file of the runtime.
    pub(crate) runtime: PathBuf,
    /// The platform; `None` for plain HTTP.
    pub(crate) platform: Option<&'static Platform>,
    /// The time that an invocation may take.
    pub(crate) timeout: Duration,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A process of a deployment, for people to look at.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    /// The name of the unit.
    pub(crate) unit: String,
    /// The name of the platform.
    pub(crate) platform: &'static str,
    /// The only function that it has; `None` for all functions of the unit.
    pub(crate) function: Option<String>,
    /// The id of the process.
    pub(crate) pid: u32,
    /// The resident memory of the process in KiB; `None` if it has ended.
    pub(crate) rss_kib: Option<u64>,
}

/// A runtime that serves plain HTTP.
struct Plain {
    process: Process,
    address: SocketAddr,
}

/// A place for a runtime on a platform. A runtime that has left is started again, as the platform does.
struct Slot {
    platform: &'static Platform,
    setting: Setting,
    unit: String,
    function: Option<String>,
    running: Mutex<Option<Arc<dyn Stage>>>,
}

/// The number of a unit, a platform, and the only function if there is one.
type Key = (usize, &'static str, Option<String>);

/// A deployment that runs.
pub(crate) struct Generation {
    /// The number of the deployment, counted from 1.
    pub(crate) number: u64,
    /// The files of the deployment.
    pub(crate) deployment: Deployment,
    how: How,
    plain: Vec<Plain>,
    slots: Mutex<BTreeMap<Key, Arc<Slot>>>,
    in_flight: AtomicUsize,
    idle: Notify,
    is_ending: AtomicBool,
    around: Around,
}

/// The listeners that a generation reports to.
#[derive(Clone)]
pub(crate) struct Around {
    /// The store of lines and phases.
    pub(crate) store: Arc<Store>,
    /// The screen that lines are shown on.
    pub(crate) screen: Screen,
    /// The channel for the number of a generation of which a process has left by itself.
    pub(crate) gone: mpsc::UnboundedSender<u64>,
}

/// A call that is in flight: the generation is not ended under it.
pub(crate) struct Lease(Arc<Generation>);

impl Lease {
    /// Counts one more call.
    pub(crate) fn of(generation: &Arc<Generation>) -> Lease {
        generation.in_flight.fetch_add(1, Ordering::SeqCst);
        Lease(Arc::clone(generation))
    }
}

impl std::ops::Deref for Lease {
    type Target = Arc<Generation>;

    fn deref(&self) -> &Arc<Generation> {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

impl Generation {
    /// Starts a runtime for each unit and returns when all are ready.
    pub(crate) fn start(
        number: u64,
        deployment: Deployment,
        how: &How,
        around: &Around,
    ) -> Result<Generation, Failure> {
        let mut generation = Generation {
            number,
            deployment,
            how: how.clone(),
            plain: Vec::new(),
            slots: Mutex::default(),
            in_flight: AtomicUsize::new(0),
            idle: Notify::new(),
            is_ending: AtomicBool::new(false),
            around: around.clone(),
        };
        if let Some(platform) = how.platform {
            for unit in 0..generation.deployment.units.len() {
                let slot = generation.slot(unit, platform, None)?;
                generation.stage(&slot)?;
            }
            return Ok(generation);
        }
        let began = Instant::now();
        let mut starting = Vec::new();
        for unit in &generation.deployment.units {
            starting.push(generation.spawn(unit)?);
        }
        for (unit, (plain, last)) in generation.deployment.units.iter().zip(&starting) {
            generation.until_ready(unit, plain, last)?;
            let (name, took) = ("ready".to_owned(), began.elapsed());
            let (unit, outcome) = (unit.name.clone(), "ok".to_owned());
            around.store.add_phase(Phase { deployment: number, unit, name, took, outcome });
        }
        generation.plain = starting.into_iter().map(|(plain, _)| plain).collect();
        Ok(generation)
    }

    fn spawn(&self, unit: &Unit) -> Result<(Plain, LastLines), Failure> {
        let port = find_free_port().map_err(|error| Failure::new("port", error))?;
        let setting = self.setting(unit);
        let mut command = setting.command();
        command.env_clear().envs(setting.environment.iter().cloned()).envs(setting.limit());
        command.env("FAAS_PLATFORM", "http").env("FAAS_HOST", "127.0.0.1").env("PORT", port.to_string());
        command.stdin(std::process::Stdio::null());
        let failed = |why: std::io::Error| {
            Failure::new("starting the runtime", format!("{}: {why}", self.how.runtime.display()))
        };
        let (gone, number) = (self.around.gone.clone(), self.number);
        let tell = move |_| {
            // Nobody hears it when the tool is about to end.
            let _ = gone.send(number);
        };
        let process = Process::spawn(command, tell).map_err(failed)?;
        let last = self.follow(&process, &unit.name, true)?;
        Ok((Plain { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) }, last))
    }

    /// Returns the settings that a process of a unit is started with.
    fn setting(&self, unit: &Unit) -> Setting {
        let is_decided = |name: &str| DECIDED.contains(&name);
        let is_passed = |name: &str| OF_EVERY_PROCESS.contains(&name) || name.starts_with("FAAS_") && !is_decided(name);
        let own = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| is_passed(name));
        let mut environment: BTreeMap<String, String> = own.collect();
        // The reader of the replies here is the author.
        environment.entry("FAAS_DEBUG".to_owned()).or_insert_with(|| "1".to_owned());
        environment.extend(self.deployment.environment.iter().filter(|(name, _)| !is_decided(name)).cloned());
        environment.insert("FAAS_ROOT".to_owned(), unit.root.display().to_string());
        let setting = Setting {
            runtime: self.how.runtime.clone(),
            root: unit.root.clone(),
            name: unit.name.clone(),
            environment: environment.into_iter().collect(),
            timeout: self.how.timeout,
        };
        // The tool alone sends to the process, and not any more when it tells it to leave. On OpenFaaS it would wait
        // longer than the tool waits for it.
        setting.without_clients()
    }

    /// Follows the output of a process on a thread of its own. `keeps_none` is `true` if nobody else reads it.
    fn follow(&self, process: &Process, unit: &str, keeps_none: bool) -> Result<LastLines, Failure> {
        let last = LastLines::default();
        let lazy = self.deployment.lazy_of(unit);
        let origin = Origin { deployment: self.number, unit: unit.to_owned(), pid: process.pid(), lazy };
        let (tail, kept, around) = (process.tail(), last.clone(), self.around.clone());
        let follow = move || {
            let each = |line: &platform_emulators::process::Line| {
                kept.push(&line.text);
                if around.store.written(&origin, &line.text) {
                    around.screen.passed_on(&origin.unit, lines::without_stack(&line.text));
                }
            };
            if keeps_none {
                tail.drain(each)
            } else {
                tail.follow(each)
            }
            kept.close();
        };
        let thread = std::thread::Builder::new().name("output".to_owned()).spawn(follow);
        thread.map_err(|error| Failure::new("following the runtime's output", error))?;
        Ok(last)
    }

    fn until_ready(&self, unit: &Unit, plain: &Plain, last: &LastLines) -> Result<(), Failure> {
        let variable = |name: &str| self.setting(unit).environment.into_iter().find(|(other, _)| other == name);
        let path = variable("FAAS_READINESS_PATH").map_or_else(|| "/readyz".to_owned(), |(_, path)| path);
        let end = Instant::now() + PATIENCE;
        loop {
            if probe(plain.address, &path).is_ok_and(|status| status == 200) {
                return Ok(());
            }
            if plain.process.status().is_some() || Instant::now() > end {
                let how = match plain.process.wait(Duration::from_secs(1)) {
                    Ok(status) => format!("ended before it was ready: {status}"),
                    Err(_) => format!("is not ready after {} s", PATIENCE.as_secs()),
                };
                let why = format!("the runtime of {} {how}; its last lines:\n{}", unit.name, last.text());
                return Err(Failure::new("starting the runtime", why));
            }
            // The error is the ordinary case, a process that still runs.
            let _ = plain.process.wait(Duration::from_millis(3));
        }
    }

    /// Returns the address at which the runtime of a unit takes requests; `None` if it is on a platform.
    pub(crate) fn address(&self, unit: usize) -> Option<SocketAddr> {
        self.plain.get(unit).map(|plain| plain.address)
    }

    /// Returns the id of the process that serves a unit's requests over plain HTTP; `None` if it is on a platform.
    pub(crate) fn pid(&self, unit: usize) -> Option<u32> {
        self.plain.get(unit).map(|plain| plain.process.pid())
    }

    /// Returns the name of the platform; `http` is plain HTTP.
    pub(crate) fn platform(&self) -> &'static str {
        self.how.platform.map_or("http", |platform| platform.name)
    }

    /// Returns the platform if the whole deployment is on it; `None` otherwise.
    pub(crate) fn how_is(&self, platform: &Platform) -> Option<&'static Platform> {
        self.how.platform.filter(|own| own.name == platform.name)
    }

    /// Returns the platform; `None` for plain HTTP.
    pub(crate) fn stage_platform(&self) -> Option<&'static Platform> {
        self.how.platform
    }

    /// Returns `true` if a runtime of plain HTTP has left without being told to.
    pub(crate) fn has_lost_one(&self) -> bool {
        !self.is_ending.load(Ordering::SeqCst) && self.plain.iter().any(|plain| plain.process.status().is_some())
    }

    /// Waits until it is known that a runtime has left, or for a moment if no runtime has.
    pub(crate) async fn until_lost(&self) {
        const MOMENT: Duration = Duration::from_secs(1);
        let until = Instant::now() + MOMENT;
        while !self.has_lost_one() && !self.is_ending.load(Ordering::SeqCst) && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends a call to a unit on a platform, by itself or with one function alone, and blocks until its outcome. `served`
    /// is told the id of the process that had it.
    pub(crate) fn send(
        &self,
        unit: usize,
        platform: &'static Platform,
        only: Option<&str>,
        call: &Call,
        served: impl FnOnce(u32),
    ) -> Reply {
        let slot = match self.slot(unit, platform, only) {
            Ok(slot) => slot,
            Err(failure) => return Reply::failed(502, failure.to_string()),
        };
        let pid = Cell::new(None);
        let follow = |process: &Process| {
            pid.set(Some(process.pid()));
            // A call goes on without its lines.
            if let Err(failure) = self.follow(process, &slot.unit, false) {
                self.around.screen.failed(&failure);
            }
        };
        for _ in 0..RUNTIMES {
            let sent = self.stage(&slot).map(|stage| {
                stage.with_process(&mut |process| pid.set(Some(process.pid())));
                stage.send(call, &follow)
            });
            match sent {
                Ok(Some(reply)) => {
                    if let Some(pid) = pid.get() {
                        served(pid);
                    }
                    return reply;
                }
                Ok(None) => {}
                Err(failure) => return Reply::failed(502, failure.to_string()),
            }
        }
        Reply::left()
    }

    /// Says something on the terminal.
    pub(crate) fn say(&self, text: &str) {
        self.around.screen.head("note", text);
    }

    /// Starts the process that a call to a unit goes to, if none runs yet and the platform has one before its first call.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn ensure(&self, unit: usize, platform: &'static Platform, only: Option<&str>) -> Result<(), Failure> {
        let slot = self.slot(unit, platform, only)?;
        self.stage(&slot).map(drop)
    }

    /// Lends the process that a call to a unit goes to, if there is one.
    pub(crate) fn with_process(
        &self,
        unit: usize,
        platform: Option<(&'static Platform, Option<&str>)>,
        look: &mut dyn FnMut(&Process),
    ) {
        match platform {
            None => self.plain.get(unit).into_iter().for_each(|plain| look(&plain.process)),
            Some((platform, only)) => {
                let key = (unit, platform.name, only.map(str::to_owned));
                let slot = self.slots().get(&key).cloned();
                slot.and_then(|slot| slot.stage()).into_iter().for_each(|stage| stage.with_process(look));
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, unit: usize, platform: &'static Platform, only: Option<&str>) -> Result<Arc<Slot>, Failure> {
        let key = (unit, platform.name, only.map(str::to_owned));
        let mut slots = self.slots();
        if let Some(slot) = slots.get(&key) {
            return Ok(Arc::clone(slot));
        }
        let missing = || Failure::new("unit", format!("there is no unit {unit}"));
        let of = self.deployment.units.get(unit).ok_or_else(missing)?;
        let mut setting = self.setting(of);
        setting.environment.push(("FAAS_PLATFORM".to_owned(), platform.name.to_owned()));
        if let Some(function) = only {
            // The name of a function may be longer than that of a file, and is not for a path.
            let path = of.root.join(format!("only-{}.json", slots.len()));
            std::fs::write(&path, of.text_for(function))
                .map_err(|error| Failure::new("manifest", format!("{}: {error}", path.display())))?;
            setting.environment.push(("FAAS_MANIFEST".to_owned(), path.display().to_string()));
            setting.name = function.to_owned();
        }
        let (unit, function) = (of.name.clone(), only.map(str::to_owned));
        let slot = Arc::new(Slot { platform, setting, unit, function, running: Mutex::default() });
        slots.insert(key, Arc::clone(&slot));
        Ok(slot)
    }

    /// Returns the runtime of a slot, which is started if it does not run.
    fn stage(&self, slot: &Slot) -> Result<Arc<dyn Stage>, Failure> {
        let mut running = slot.running.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_ending.load(Ordering::SeqCst) {
            return Err(Failure::new("starting the runtime", "the deployment is being ended"));
        }
        if let Some(stage) = running.as_ref() {
            let mut has_left = true;
            stage.with_all(&mut |process| has_left &= process.status().is_some());
            if !has_left {
                return Ok(Arc::clone(stage));
            }
        }
        let began = Instant::now();
        let title = slot.platform.title();
        let failed = |why: String| Failure::new("starting the runtime", format!("{title}, {}: {why}", slot.unit));
        let stage: Arc<dyn Stage> = (slot.platform.start)(&slot.setting).map_err(failed)?.into();
        let mut followed = Ok(());
        stage.with_process(&mut |process| followed = self.follow(process, &slot.unit, false).map(drop));
        followed?;
        let name = format!("ready on {title}");
        let (unit, took, outcome) = (slot.unit.clone(), began.elapsed(), "ok".to_owned());
        self.around.store.add_phase(Phase { deployment: self.number, unit, name, took, outcome });
        *running = Some(Arc::clone(&stage));
        Ok(stage)
    }

    /// Returns its processes, for people to look at.
    pub(crate) fn look(&self) -> Vec<Look> {
        let units = self.deployment.units.iter().zip(&self.plain);
        let mut all: Vec<Look> = units
            .map(|(unit, plain)| Look {
                unit: unit.name.clone(),
                platform: "http",
                function: None,
                pid: plain.process.pid(),
                rss_kib: rss_kib(plain.process.pid()),
            })
            .collect();
        let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
        for slot in slots {
            let Some(stage) = slot.stage() else { continue };
            stage.with_all(&mut |process| {
                all.push(Look {
                    unit: slot.unit.clone(),
                    platform: slot.platform.name,
                    function: slot.function.clone(),
                    pid: process.pid(),
                    rss_kib: rss_kib(process.pid()),
                });
            });
        }
        all
    }

    /// Waits until no call is in flight, at most until the limit. Returns `true` if none is.
    pub(crate) async fn drained(&self, limit: Duration) -> bool {
        let until = tokio::time::Instant::now() + limit;
        loop {
            let idle = self.idle.notified();
            tokio::pin!(idle);
            // This is registered before the look, so that a call that ends in between is heard.
            idle.as_mut().enable();
            if self.in_flight.load(Ordering::SeqCst) == 0 {
                return true;
            }
            if tokio::time::timeout_at(until, idle).await.is_err() {
                return false;
            }
        }
    }

    /// Returns how many calls are in flight.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Tells every runtime to leave, and returns when all have left. One that does not leave is killed.
    pub(crate) fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        let until = Instant::now() + GRACE;
        // A process that cannot be signalled has ended.
        self.each_process(&mut |process| drop(process.signal(Signal::Term)));
        let (number, screen) = (self.number, self.around.screen);
        self.each_process(&mut |process| {
            let ended = process.wait(until.saturating_duration_since(Instant::now()));
            process.kill_group();
            let how = match ended {
                Ok(status) if status.success() => return,
                Ok(status) => status.to_string(),
                Err(_) => format!("still running {} s after SIGTERM: killed", GRACE.as_secs()),
            };
            screen.head("ended", &format!("pid {} of deployment {number}: {how}", process.pid()));
        });
        self.slots().clear();
    }

    /// Kills every process and removes the folder, now.
    pub(crate) fn discard(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.each_process(&mut |process| process.kill_group());
        // The files that are left are in the system's folder for temporary files.
        let _ = std::fs::remove_dir_all(self.deployment.path());
    }

    /// Removes the files of platforms once nobody needs them. Calls that run end at once, since their process is gone, and
    /// whoever looks at a platform lets go of it as soon.
    pub(crate) async fn clear(&self) {
        const MOMENT: Duration = Duration::from_secs(1);
        if self.slots().is_empty() {
            return;
        }
        self.drained(MOMENT).await;
        let slots = std::mem::take(&mut *self.slots());
        let stages: Vec<Arc<dyn Stage>> = slots.into_values().filter_map(|slot| slot.stage()).collect();
        // The files go with the last that holds a stage.
        let began = Instant::now();
        while stages.iter().any(|stage| Arc::strong_count(stage) > 1) && began.elapsed() < MOMENT {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn each_process(&self, each: &mut dyn FnMut(&Process)) {
        self.plain.iter().for_each(|plain| each(&plain.process));
        let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
        for stage in slots.iter().filter_map(|slot| slot.stage()) {
            stage.with_all(each);
        }
    }
}

impl Slot {
    fn stage(&self) -> Option<Arc<dyn Stage>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the status of a GET request.
fn probe(address: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut head = [0; 12];
    stream.read_exact(&mut head)?;
    Ok(String::from_utf8_lossy(&head[9..]).parse().unwrap_or_default())
}

/// Returns the resident memory of a process in KiB; `None` if it has ended.
fn rss_kib(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Returns the name of a platform as it is shown.
pub(crate) fn title(platform: &str) -> &str {
    stage::platform(platform).map_or(platform, |platform| platform.title())
}
