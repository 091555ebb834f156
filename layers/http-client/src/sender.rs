//! Requests on their way: a queue, threads that begin with the first request and end when there is nothing to do, and
//! one that looks after deadlines.

use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::settings::Settings;
use crate::stop::Stop;
use crate::url::Url;
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::http::{ClientReply, ClientRequest, Sent, Transport};
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The time after which a thread that has nothing to do ends.
const IDLE: Duration = Duration::from_secs(10);
/// The most requests that wait. Further ones fail at once.
const MOST_WAITING: usize = 1024;

/// One request, with the way to answer it.
struct Job {
    request: ClientRequest,
    number: u64,
    deadline: Instant,
    answer: Mutex<Option<Sent>>,
    stop: Stop,
}

impl Job {
    /// Answers, unless it has been answered. A failure is a line of the log.
    fn end(&self, result: Result<ClientReply, Fault>) {
        let answer = self.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(answer) = answer else { return };
        answer.give(result.map_err(|Fault { kind, why }| {
            let server = Url::read(self.request.url()).map(|url| url.origin.host_and_port());
            let server = server.as_deref().unwrap_or("-");
            // The caller knows that it has cancelled it.
            if kind != ServiceErrorKind::Cancelled {
                handlers_sdk::warn!({ server = server }, "a request has failed: {why}");
            }
            kind
        }));
    }

    /// Ends the request from outside.
    fn stop(&self, kind: ServiceErrorKind, why: &str) {
        self.stop.want(kind);
        self.end(Err(Fault::new(kind, why)));
    }
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Arc<Job>>,
    running: Vec<Arc<Job>>,
    /// The number of threads that send.
    threads: usize,
    idle: usize,
    /// `true` while a thread looks after deadlines.
    has_clock: bool,
    /// The moment until which the thread for deadlines sleeps at most.
    clock_sleeps_until: Option<Instant>,
    is_closed: bool,
}

struct Shared {
    settings: Settings,
    exchange: Exchange,
    state: Mutex<State>,
    /// The condition that is notified when there is something to send, or the layer ends.
    work: Condvar,
    /// The condition that is notified when there is another deadline, or the layer ends.
    deadlines: Condvar,
}

/// A sender of requests over some threads.
pub(crate) struct Sender(Arc<Shared>);

impl Sender {
    pub(crate) fn new(settings: &Settings) -> Sender {
        Sender(Arc::new(Shared {
            settings: settings.clone(),
            exchange: Exchange::new(settings),
            state: Mutex::default(),
            work: Condvar::new(),
            deadlines: Condvar::new(),
        }))
    }

    /// Closes connections that are idle.
    pub(crate) fn let_go(&self) {
        self.0.exchange.pool.clear();
    }

    /// Ends the requests that are under way, and the threads.
    pub(crate) fn close(&self) {
        let jobs: Vec<Arc<Job>> = {
            let mut state = self.0.state();
            state.is_closed = true;
            let waiting = std::mem::take(&mut state.waiting);
            state.running.iter().cloned().chain(waiting).collect()
        };
        self.0.work.notify_all();
        self.0.deadlines.notify_all();
        jobs.iter().for_each(|job| job.stop(ServiceErrorKind::Cancelled, "the layer ends"));
        self.let_go();
    }
}

impl Transport for Sender {
    fn send(&self, request: ClientRequest, answer: Sent) {
        let limit = request.limit().unwrap_or(self.0.settings.timeout);
        // A limit that is too long to be a moment becomes an hour.
        let now = Instant::now();
        let deadline = now.checked_add(limit).unwrap_or(now + Duration::from_secs(3600));
        let number = answer.number();
        let job = Job { request, number, deadline, answer: Mutex::new(Some(answer)), stop: Stop::default() };
        self.0.take(Arc::new(job));
    }

    fn cancelled(&self, number: u64) {
        let found = {
            let mut state = self.0.state();
            let of_number = |job: &Arc<Job>| job.number == number;
            let waiting = state.waiting.iter().position(of_number).and_then(|at| state.waiting.remove(at));
            waiting.or_else(|| state.running.iter().find(|job| of_number(job)).cloned())
        };
        if let Some(job) = found {
            job.stop(ServiceErrorKind::Cancelled, "it was cancelled");
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request into the queue, and sees to it that there are threads.
    fn take(self: &Arc<Self>, job: Arc<Job>) {
        let mut state = self.state();
        if state.is_closed {
            drop(state);
            return job.stop(ServiceErrorKind::Cancelled, "the layer has ended");
        }
        if state.waiting.len() >= MOST_WAITING {
            drop(state);
            return job.stop(ServiceErrorKind::Failed, "too many requests wait");
        }
        if state.idle <= state.waiting.len() && state.threads < self.settings.concurrency {
            let shared = self.clone();
            let started = thread::Builder::new().name("faas-http".to_owned()).spawn(move || shared.work());
            match started {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => {
                    drop(state);
                    return job.stop(ServiceErrorKind::Failed, &format!("no thread can be started: {error}"));
                }
                // The other threads will take it.
                Err(_) => {}
            }
        }
        if !state.has_clock {
            let shared = self.clone();
            let started = thread::Builder::new().name("faas-http-clock".to_owned()).spawn(move || shared.keep_time());
            if let Err(error) = started {
                drop(state);
                return job.stop(ServiceErrorKind::Failed, &format!("no thread can be started: {error}"));
            }
            state.has_clock = true;
        }
        let is_earlier = state.clock_sleeps_until.is_none_or(|until| job.deadline < until);
        state.waiting.push_back(job);
        drop(state);
        self.work.notify_one();
        if is_earlier {
            self.deadlines.notify_one();
        }
    }

    /// Does the work of a thread that sends.
    fn work(&self) {
        let mut state = self.state();
        loop {
            if let Some(job) = state.waiting.pop_front() {
                state.running.push(job.clone());
                drop(state);
                let result = match job.stop.check() {
                    Ok(()) => self.exchange.run(&job.request, &job.stop),
                    Err(fault) => Err(fault),
                };
                job.end(result);
                state = self.state();
                state.running.retain(|other| other.number != job.number);
                continue;
            }
            if state.is_closed {
                break;
            }
            state.idle += 1;
            let waited =
                self.work.wait_timeout_while(state, IDLE, |state| state.waiting.is_empty() && !state.is_closed);
            let (after, timed_out) = waited.unwrap_or_else(PoisonError::into_inner);
            state = after;
            state.idle -= 1;
            if timed_out.timed_out() && state.waiting.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Does the work of the thread that looks after deadlines.
    fn keep_time(&self) {
        let mut state = self.state();
        while !state.is_closed {
            let now = Instant::now();
            let due = |job: &&Arc<Job>| job.deadline <= now;
            let late: Vec<Arc<Job>> = state.running.iter().chain(&state.waiting).filter(due).cloned().collect();
            state.waiting.retain(|job| job.deadline > now);
            if late.iter().any(|job| job.stop.check().is_ok()) {
                drop(state);
                late.iter().for_each(|job| job.stop(ServiceErrorKind::Deadline, "its time was over"));
                state = self.state();
                continue;
            }
            // A request that was stopped already is only waited for until its thread has noticed.
            let next = state.running.iter().chain(&state.waiting).map(|job| job.deadline).filter(|at| *at > now).min();
            let is_idle = state.running.is_empty() && state.waiting.is_empty();
            let limit = next.map_or(IDLE, |at| at.saturating_duration_since(now));
            state.clock_sleeps_until = Some(now + limit);
            let (after, timed_out) = self.deadlines.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
            state = after;
            if is_idle && timed_out.timed_out() && state.running.is_empty() && state.waiting.is_empty() {
                break;
            }
        }
        (state.has_clock, state.clock_sleeps_until) = (false, None);
    }
}
