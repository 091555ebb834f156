//! Values in Redis: a few threads, each with a connection of its own, that are started when there is work and none is
//! free.
//!
//! A call has ended by its moment, whatever Redis does: it waits for a thread until then, and the thread for Redis.
//! Nothing is sent twice.

use crate::Answered;
use crate::commands::{self, HEAD};
use crate::link::{Link, Server, Trouble};
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::kv::{Command, Op, Outcome, Stored};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The limits of the connections to Redis.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The time for one call, its waiting and the opening of a connection included.
    pub(crate) timeout: Duration,
    /// The number of connections, and so of calls that Redis works on at once.
    pub(crate) connections: usize,
    pub(crate) max_value_bytes: usize,
}

/// The most calls that wait for a connection. Further ones fail at once.
const MOST_WAITING: usize = 4096;

/// A store in Redis.
#[derive(Debug)]
pub(crate) struct Redis(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    server: Server,
    limits: Limits,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    is_closed: bool,
    /// `true` if the log has said that Redis does not work, and not yet that it does again.
    is_down: bool,
    /// The number of restores from a snapshot: a connection from before is used by other copies, too.
    restores: u64,
}

#[derive(Debug)]
struct Job {
    request: Command,
    answer: Stored,
    end: Instant,
}

impl Redis {
    pub(crate) fn new(server: Server, limits: Limits) -> Redis {
        Redis(Arc::new(Shared { server, limits, state: Mutex::default(), work: Condvar::new() }))
    }

    pub(crate) fn call(&self, request: Command, answer: Stored) {
        let end = Instant::now() + self.0.limits.timeout;
        let mut state = self.0.state();
        if state.waiting.len() >= MOST_WAITING {
            // The answer calls code that is not ours, and that may call back.
            drop(state);
            return answer.give(Err(ServiceErrorKind::Deadline));
        }
        state.waiting.push_back(Job { request, answer, end });
        if state.waiting.len() > state.idle && state.threads < self.0.limits.connections {
            let (shared, number) = (self.0.clone(), state.threads);
            let thread = std::thread::Builder::new().name(format!("kv-{number}"));
            match thread.spawn(move || shared.work()) {
                Ok(_) => state.threads += 1,
                // The threads that there are have to do.
                Err(_) if state.threads > 0 => {}
                Err(error) => {
                    let jobs = std::mem::take(&mut state.waiting);
                    drop(state);
                    handlers_sdk::warn!("faas.kv: no thread can be started: {error}");
                    return jobs.into_iter().for_each(|job| job.answer.give(Err(ServiceErrorKind::Failed)));
                }
            }
        }
        drop(state);
        self.0.work.notify_one();
    }

    /// Lets go of every connection before it is used again.
    pub(crate) fn restored(&self) {
        self.0.state().restores += 1;
    }

    /// Lets the threads end, each at the moment of its call at the latest. The service has answered all calls by then.
    pub(crate) fn close(&self) {
        self.0.state().is_closed = true;
        self.0.work.notify_all();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next call, and how often there had been a restore by then; `None` if the store is closed.
    fn next(&self) -> Option<(Job, u64)> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(job) = state.waiting.pop_front() {
                return Some((job, state.restores));
            }
            state.idle += 1;
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    fn work(&self) {
        let mut kept: Option<(Link, u64)> = None;
        while let Some((Job { request, answer, end }, restores)) = self.next() {
            let link = kept.take().filter(|(_, since)| *since == restores).map(|(link, _)| link);
            let link = link.and_then(|mut link| link.is_open().then_some(link));
            let outcome = match self.exchange(link, &request, end) {
                Ok((link, outcome)) => {
                    kept = Some((link, restores));
                    outcome.map_err(Trouble::Broken)
                }
                Err(trouble) => Err(trouble),
            };
            answer.give(self.told(outcome));
        }
    }

    /// Asks Redis. The connection is handed back only if it can be used again.
    fn exchange(
        &self,
        link: Option<Link>,
        request: &Command,
        end: Instant,
    ) -> Result<(Link, Result<Outcome, String>), Trouble> {
        if Instant::now() >= end {
            return Err(Trouble::Late);
        }
        let mut link = link.map_or_else(|| Link::open(&self.server, end), Ok)?;
        let version = match request.op {
            Op::Put { .. } => version().map_err(|error| Trouble::Broken(format!("no version for it: {error}")))?,
            Op::Get | Op::Remove { .. } => 0,
        };
        let command = commands::command(&request.key, &request.op, version);
        let reply = link.exchange(&command, self.limits.max_value_bytes + HEAD, end)?;
        Ok((link, commands::outcome(&request.op, version, reply)))
    }

    /// Writes one line to the log when Redis does not work, and one when it does again.
    fn told(&self, outcome: Result<Outcome, Trouble>) -> Answered {
        let (is_down, address) = (outcome.is_err(), &self.server.address);
        let was_down = std::mem::replace(&mut self.state().is_down, is_down);
        let (why, error) = match outcome {
            Ok(outcome) => {
                if was_down {
                    handlers_sdk::info!("faas.kv: Redis at {address} works again");
                }
                return Ok(outcome);
            }
            Err(Trouble::Late) => {
                (format!("it did not answer within {:?}", self.limits.timeout), ServiceErrorKind::Deadline)
            }
            Err(Trouble::Broken(why)) => (why, ServiceErrorKind::Failed),
        };
        if !was_down {
            handlers_sdk::warn!("faas.kv: Redis at {address} does not work: {why}");
        }
        Err(error)
    }
}

/// Returns a version that no other write has had, on any instance, a restored one among them: 64 random bits of the
/// kernel's.
fn version() -> std::io::Result<u64> {
    let mut bytes = [0; 8];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes).max(1))
}
