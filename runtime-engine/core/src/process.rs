//! The values that are the same for every invocation of this process: its identity, its platform, the moment it began.

use crate::log::{Level, Log, Origin};
use crate::services::Services;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Names and numbers that the platform's environment gives once.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The platform's word, e.g. `aws-lambda`, `http`.
    pub platform: &'static str,
    /// The function's name at the platform.
    pub function: String,
    /// The version of the function.
    pub version: String,
    /// The service or application it belongs to.
    pub service: String,
    /// The stage or the namespace.
    pub stage: String,
    /// The region that it runs in.
    pub region: String,
    /// The account that it belongs to.
    pub account: String,
    /// The handler as it is configured.
    pub handler: String,
    /// The memory in MiB, or 0 if it is not known.
    pub memory_mb: u64,
    /// The number of proxies in front of the process that are trusted to tell a client's address and scheme; with 0 no
    /// proxy is.
    pub trusted_hops: usize,
}

/// The clock by which a process reads the time.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clocks.
    Machine {
        /// Returns nanoseconds of a clock that never goes back.
        read: fn() -> u64,
        /// The value that `read` returned when the process began.
        born_ns: u64,
    },
    /// A clock that stands still until it is moved: nanoseconds since the process began, for tests.
    ByHand(Arc<AtomicU64>),
}

impl Clock {
    /// The time of a new clock that is moved by hand, in milliseconds since 1970: 2026-01-02T03:04:05Z.
    pub const BY_HAND_EPOCH_MS: u64 = 1_767_323_045_000;

    /// Makes the machine's clocks, of which `read` reads one that never goes back, in nanoseconds. The process begins
    /// now.
    ///
    /// A driver's `read` may take a third of the time that std's `Instant` does, and every layer that measures reads
    /// twice.
    pub fn machine(read: fn() -> u64) -> Clock {
        Clock::Machine { read, born_ns: read() }
    }

    /// Returns the nanoseconds since the process began.
    fn age_ns(&self) -> u64 {
        match self {
            Clock::Machine { read, born_ns } => read().saturating_sub(*born_ns),
            Clock::ByHand(age_ns) => age_ns.load(Ordering::SeqCst),
        }
    }

    /// Returns the milliseconds since 1970.
    fn epoch_ms(&self) -> u64 {
        match self {
            Clock::Machine { .. } => epoch_ms(),
            Clock::ByHand(age_ns) => Clock::BY_HAND_EPOCH_MS + age_ns.load(Ordering::SeqCst) / 1_000_000,
        }
    }
}

/// The process: its identity, clock, log, and the state of its work.
#[derive(Debug)]
pub struct Process {
    /// The names of the function and its place.
    pub identity: Identity,
    /// The log that lines are written to.
    pub log: Log,
    /// The services that modules offer to one another.
    pub services: Services,
    clock: Clock,
    debug: AtomicBool,
    warm: AtomicBool,
    in_flight: AtomicU32,
    /// `true` if a thread waits for invocations to end.
    awaited: AtomicBool,
    quiet: (Mutex<()>, Condvar),
    given: OnceLock<Vec<(String, String)>>,
    covered: OnceLock<Vec<(String, Option<Vec<u8>>)>>,
    layers: OnceLock<Vec<String>>,
}

impl Process {
    /// Makes a process that begins now, by the machine's clocks as std reads them.
    pub fn new(identity: Identity, log: Log) -> Process {
        Process::by(Clock::machine(std_ns), identity, log)
    }

    /// Makes a process that begins now, by that clock.
    pub fn by(clock: Clock, identity: Identity, log: Log) -> Process {
        Process {
            identity,
            log,
            services: Services::default(),
            clock,
            debug: AtomicBool::new(false),
            warm: AtomicBool::new(false),
            in_flight: AtomicU32::new(0),
            awaited: AtomicBool::new(false),
            quiet: (Mutex::new(()), Condvar::new()),
            given: OnceLock::new(),
            covered: OnceLock::new(),
            layers: OnceLock::new(),
        }
    }

    /// Sets whether stacks and causes leave the process: the setting `FAAS_DEBUG`.
    pub fn set_debug(&self, debug: bool) {
        self.debug.store(debug, Ordering::Relaxed);
    }

    /// Returns `true` if stacks and causes leave the process.
    pub fn is_debug(&self) -> bool {
        self.debug.load(Ordering::Relaxed)
    }

    /// Returns the nanoseconds on a clock that never goes back and is never 0.
    pub fn now_ns(&self) -> u64 {
        self.clock.age_ns() + 1
    }

    /// Returns `true` if the process is one of the machine's, with its environment, and not one that a test has made.
    pub(crate) fn is_of_machine(&self) -> bool {
        matches!(self.clock, Clock::Machine { .. })
    }

    /// Returns the milliseconds since 1970.
    pub fn epoch_ms(&self) -> u64 {
        self.clock.epoch_ms()
    }

    /// Notes that an invocation begins; returns `true` if it is the process' first.
    pub fn enter(&self) -> bool {
        // In one order with whoever forbids more and then waits for the end of what has begun.
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        !self.warm.swap(true, Ordering::Relaxed)
    }

    /// Notes that an invocation has ended.
    pub fn leave(&self) {
        // In one order with `awaited`, so that who begins to wait either sees the end or is told of it.
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        if self.awaited.load(Ordering::SeqCst) {
            drop(self.quiet.0.lock());
            self.quiet.1.notify_all();
        }
    }

    /// Blocks until no invocation is in progress, or the time is over; returns `true` in the first case.
    pub fn wait_quiet(&self, limit: Duration) -> bool {
        self.awaited.store(true, Ordering::SeqCst);
        let guard = self.quiet.0.lock().unwrap_or_else(PoisonError::into_inner);
        let busy = |(): &mut ()| self.in_flight.load(Ordering::SeqCst) > 0;
        let waited = self.quiet.1.wait_timeout_while(guard, limit, busy);
        waited.map_or(true, |(_, result)| !result.timed_out())
    }

    /// Sets values that the platform has sent after the process began, to be seen over the environment's. Only the
    /// first call counts: the environment is read when functions start.
    pub fn give_environment(&self, values: Vec<(String, String)>) {
        let _ = self.given.set(values);
    }

    /// Notes the variables of functions that have been laid over the environment of the process, for code that asks the
    /// system. Each comes with its value from before, or `None` if it was not there. Entries see that value, and their
    /// own variables. Only the first call counts.
    pub fn cover_environment(&self, before: Vec<(String, Option<Vec<u8>>)>) {
        let _ = self.covered.set(before);
    }

    /// Returns the variables that were laid over the environment, each with its value before.
    pub(crate) fn covered(&self) -> &[(String, Option<Vec<u8>>)] {
        self.covered.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns one of those values that the platform has sent.
    pub fn given(&self, name: &[u8]) -> Option<&str> {
        let values = self.given.get()?;
        values.iter().find(|(other, _)| other.as_bytes() == name).map(|(_, value)| value.as_str())
    }

    /// Notes the names of the layers that have been made, outermost first. Only the first call counts: layers are made
    /// once.
    pub(crate) fn note_layers(&self, names: Vec<String>) {
        let _ = self.layers.set(names);
    }

    /// Writes the line that says what runs here, and why under this platform: after RuntimeStart, since it lists the
    /// layers that are there. `what` names the functions.
    pub(crate) fn say_started(&self, what: &str, why: &str) {
        if !self.log.enabled(Level::Info) {
            return;
        }
        let layers = match self.layers.get().map(Vec::as_slice) {
            None | Some([]) => "no layers".to_owned(),
            Some(names) => format!("layers {}", names.join(", ")),
        };
        let platform = self.identity.platform;
        self.log.say(Level::Info, &format!("platform {platform} ({why}), {what}, {layers}"));
    }

    /// Returns the number of invocations in progress.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }
}

/// Returns the nanoseconds by std's clock, since somebody asked first.
fn std_ns() -> u64 {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = FIRST.elapsed();
    // In 64 bits, which last for five centuries.
    since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos())
}

/// Returns the milliseconds since 1970 by the machine's clock.
pub fn epoch_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The moment when an invocation must be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// The milliseconds since 1970, as the platform says them.
    pub epoch_ms: u64,
    /// The moment on [`Process::now_ns`]'s clock. Converted once per invocation: after a freeze the clocks differ.
    pub ns: u64,
}

/// The time of an invocation whose deadline leaves no time to answer, if `FAAS_TIMEOUT` sets no limit: one second.
const LEAST: Duration = Duration::from_secs(1);
/// The time in milliseconds before a deadline within which there is no time to answer: an invocation is cancelled up to
/// 50 ms before its deadline.
const NO_TIME_MS: u64 = 50;

impl Deadline {
    /// Returns the end of a limit that begins now. It is `None` for a limit of zero, which is no limit, and without a
    /// limit.
    pub fn within(process: &Process, limit: Option<Duration>) -> Option<Deadline> {
        let limit = limit.filter(|limit| !limit.is_zero())?;
        let (millis, nanos) = (u64::try_from(limit.as_millis()), u64::try_from(limit.as_nanos()));
        Some(Deadline {
            epoch_ms: process.epoch_ms().saturating_add(millis.unwrap_or(u64::MAX)),
            ns: process.now_ns().saturating_add(nanos.unwrap_or(u64::MAX)),
        })
    }

    /// Makes a deadline of a moment that the platform gives, in milliseconds since 1970.
    ///
    /// A moment that has passed on arrival says that the clocks differ, or that the event was long on its way. The
    /// invocation is served all the same: it gets `limit`, or one second where that is `None` or less, and a line at
    /// WARN says so.
    ///
    /// `now_ns` is the time on the process' clock.
    pub fn at_moment(
        process: &Process,
        now_ns: u64,
        moment_ms: u64,
        limit: Option<Duration>,
        request_id: &[u8],
    ) -> Deadline {
        let now_ms = process.epoch_ms();
        let left = moment_ms.saturating_sub(now_ms);
        if left >= NO_TIME_MS {
            return Deadline { epoch_ms: moment_ms, ns: now_ns.saturating_add(left.saturating_mul(1_000_000)) };
        }
        let limit = limit.unwrap_or(LEAST).max(LEAST);
        let when = match now_ms.saturating_sub(moment_ms) {
            0 => format!("is {left} ms away on arrival"),
            late => format!("passed {late} ms before the event arrived"),
        };
        let message = format!(
            "the platform's deadline {when}, by this machine's clock: the invocation gets {} ms instead (FAAS_TIMEOUT, \
             at least one second)",
            limit.as_millis()
        );
        let origin = Origin { request_id, target: b"runtime", ..Origin::default() };
        process.log.write(Level::Warn, origin, message.as_bytes(), std::iter::empty());
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Deadline {
            epoch_ms: now_ms.saturating_add(limit_ms),
            ns: now_ns.saturating_add(limit_ms.saturating_mul(1_000_000)),
        }
    }

    /// Returns the milliseconds that are left; 0 once it has passed.
    pub fn remaining_ms(&self, process: &Process) -> u64 {
        self.ns.saturating_sub(process.now_ns()) / 1_000_000
    }
}
