//! One environment of the control plane: the state machine, the polls that wait, the invocations under way and their
//! waiters. Everything here happens under one lock and does no I/O; [`super::polls`] and [`super::posts`] have the
//! parts that take polls and answers.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use serde_json::json;
use tokio::sync::oneshot;

use super::answer::{Answer, Chunk, InFlight, Kind, Snapshot};
use super::capture::{Posted, Record, Report};
use super::clock::{epoch_ms, timestamp};
use super::faults::{Ending, Script, Takeover};
use super::managed::Managed;
use super::options::{Event, InitType, Options};
use super::payloads::{self, Refusal};
use super::polls::Parked;
use super::registry::Registry;
use super::state::{Classic, State};
use crate::process::Watched;

/// The rules the environment follows.
pub(crate) enum Machine {
    Classic(Classic),
    Managed(Managed),
}

impl Machine {
    fn new(options: &Options) -> Machine {
        if options.managed() { Machine::Managed(Managed::default()) } else { Machine::Classic(Classic::default()) }
    }

    fn name(&self) -> &'static str {
        match self {
            Machine::Classic(machine) => machine.state().name(),
            Machine::Managed(machine) if machine.init_failed() => State::InitError.name(),
            Machine::Managed(machine) if machine.started() => State::Ready.name(),
            Machine::Managed(_) => State::Started.name(),
        }
    }

    /// Returns `true` while init, or a restore, is not over.
    fn starting(&self) -> bool {
        match self {
            Machine::Classic(machine) => {
                matches!(machine.state(), State::Started | State::RestoreReady | State::Restoring)
            }
            Machine::Managed(machine) => !machine.started(),
        }
    }
}

/// An event on its way to a poll.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) event: Arc<Event>,
    pub(crate) deadline_ms: u128,
}

/// One invocation, from its submission on.
pub(crate) struct Invocation {
    pub(crate) event: Arc<Event>,
    pub(crate) submitted: Instant,
    pub(crate) delivered: Option<Instant>,
    deadline: Option<(Instant, u128)>,
    pub(crate) responding: bool,
    pub(crate) received: usize,
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) settled: bool,
    pub(crate) answer: Option<Answer>,
    pub(crate) record: Record,
}

struct Connection {
    takeover: Option<oneshot::Sender<Takeover>>,
    /// `true` if an extension uses it, which outlives the runtime's own connections at a shutdown.
    extension: bool,
}

/// The failure of an environment for good; every invocation gets this until a new one is started.
#[derive(Clone)]
pub(crate) enum Failure {
    Reported { kind: Kind, report: Box<Report> },
    Exited(ExitStatus),
    Extension { error_type: &'static str, name: String },
}

/// The whole state of the environment.
pub(crate) struct Control {
    pub(crate) options: Options,
    pub(crate) machine: Machine,
    pub(crate) extensions: Registry,
    pub(crate) invocations: HashMap<String, Invocation>,
    /// The invocations without an answer, in the order submitted.
    open: VecDeque<String>,
    /// The invocations among them that no poll has taken.
    queue: VecDeque<String>,
    pub(super) parked: Vec<Parked>,
    pub(super) restore_parked: Option<(u64, oneshot::Sender<()>)>,
    connections: HashMap<u64, Connection>,
    pub(crate) failure: Option<Failure>,
    /// `true` while the environment is being ended: the runtime's calls are refused.
    pub(crate) closing: bool,
    pub(crate) process: Option<Arc<Watched>>,
    ended: bool,
    pub(crate) generation: u64,
    /// The moment the deadline task sleeps to.
    watching: Option<Instant>,
    /// `true` if the deadline task sleeps too long.
    pub(crate) rewatch: bool,
    pub(crate) script: Script,
    pub(crate) violations: Vec<String>,
    pub(crate) init_errors: Vec<Report>,
    pub(crate) restore_errors: Vec<Report>,
    pub(crate) errors: Vec<Report>,
    pub(crate) strays: Vec<Posted>,
    pub(crate) log: Vec<u8>,
    pub(super) next_calls: usize,
    pub(super) max_parked: usize,
    accepted_connections: usize,
    last_token: u64,
    random: RandomState,
}

impl Control {
    pub(crate) fn new(options: Options) -> Control {
        Control {
            machine: Machine::new(&options),
            options,
            extensions: Registry::default(),
            invocations: HashMap::new(),
            open: VecDeque::new(),
            queue: VecDeque::new(),
            parked: Vec::new(),
            restore_parked: None,
            connections: HashMap::new(),
            failure: None,
            closing: false,
            process: None,
            ended: false,
            generation: 0,
            watching: None,
            rewatch: false,
            script: Script::default(),
            violations: Vec::new(),
            init_errors: Vec::new(),
            restore_errors: Vec::new(),
            errors: Vec::new(),
            strays: Vec::new(),
            log: Vec::new(),
            next_calls: 0,
            max_parked: 0,
            accepted_connections: 0,
            last_token: 0,
            random: RandomState::new(),
        }
    }

    /// Begins a fresh environment: nothing of the last one but the counts and the events that no poll has taken.
    pub(crate) fn renew(&mut self) {
        self.generation += 1;
        self.machine = Machine::new(&self.options);
        self.extensions = Registry::default();
        self.parked.clear();
        self.restore_parked = None;
        self.failure = None;
        self.closing = false;
        self.process = None;
        self.ended = false;
        self.cut(Ending::Reset, true);
    }

    /// Ends connections; those of extensions only when asked for.
    pub(crate) fn cut(&mut self, ending: Ending, extensions_too: bool) {
        for connection in self.connections.values_mut().filter(|each| extensions_too || !each.extension) {
            if let Some(takeover) = connection.takeover.take() {
                // The connection may have ended by itself this moment.
                let _ = takeover.send(Takeover::silent(ending));
            }
        }
    }

    pub(crate) fn connected(&mut self, takeover: oneshot::Sender<Takeover>) -> u64 {
        let token = self.token();
        self.accepted_connections += 1;
        self.connections.insert(token, Connection { takeover: Some(takeover), extension: false });
        token
    }

    pub(crate) fn disconnected(&mut self, connection: u64) {
        self.connections.remove(&connection);
    }

    pub(crate) fn used_by_extension(&mut self, connection: u64) {
        if let Some(connection) = self.connections.get_mut(&connection) {
            connection.extension = true;
        }
    }

    pub(crate) fn take_over(&mut self, connection: u64, takeover: Takeover) {
        if let Some(sender) = self.connections.get_mut(&connection).and_then(|each| each.takeover.take()) {
            let _ = sender.send(takeover);
        }
    }

    pub(crate) fn token(&mut self) -> u64 {
        self.last_token += 1;
        self.last_token
    }

    /// Returns a version 4 UUID.
    pub(crate) fn uuid(&mut self) -> String {
        let hash = |salt: u8| {
            let mut hasher = self.random.build_hasher();
            hasher.write_u64(self.last_token);
            hasher.write_u8(salt);
            hasher.finish()
        };
        let (high, low) = (hash(0), hash(1));
        self.last_token += 1;
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    /// Refuses any call of a runtime that is being ended, with a 403.
    pub(crate) fn check_open(&self, to: &'static str) -> Result<(), Refusal> {
        if self.closing {
            return Err(Refusal::InvalidStateTransition { from: "Shutdown", to });
        }
        Ok(())
    }

    /// Tells the runtime to leave: its calls are refused from here on and extensions get the event they asked for.
    /// Returns `true` when one is registered, which earns the runtime a SIGTERM.
    pub(crate) fn close(&mut self, reason: &str) -> bool {
        self.closing = true;
        let deadline = epoch_ms() + 2000;
        let event = json!({"eventType": "SHUTDOWN", "deadlineMs": deadline as u64, "shutdownReason": reason});
        self.extensions.shutdown(&payloads::line(&event));
        self.extensions.len() > 0
    }

    /// Notes that the process of that generation has ended.
    pub(crate) fn exited(&mut self, generation: u64, status: ExitStatus) {
        if generation != self.generation {
            return;
        }
        self.ended = true;
        let starting = self.machine.starting() && !self.closing;
        if self.failure.is_none() && starting {
            self.fail(Failure::Exited(status));
        }
        let delivered: Vec<String> =
            self.open.iter().filter(|id| self.invocations[*id].delivered.is_some()).cloned().collect();
        for id in delivered {
            self.settle(&id, |answer| {
                answer.kind = Kind::Exited;
                answer.error_type = Some("Runtime.ExitError".to_owned());
                answer.body = payloads::exit_error(&answer.request_id, status);
                answer.function_error = Some("Unhandled");
            });
        }
        self.parked.clear();
    }

    /// Notes that the environment cannot serve: every caller that waits is told so, and every later one.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.failure = Some(failure);
        self.queue.clear();
        for id in self.open.clone() {
            self.answer_failure(&id);
        }
    }

    fn answer_failure(&mut self, id: &str) {
        let Some(failure) = self.failure.clone() else { return };
        self.settle(id, |answer| {
            answer.function_error = Some("Unhandled");
            match failure {
                Failure::Reported { kind, report } => {
                    answer.kind = kind;
                    answer.status = Some(report.status);
                    answer.error_type = Some(report.error_type);
                    answer.headers = report.headers;
                    answer.xray_cause = report.xray_cause;
                    answer.body = report.body;
                }
                Failure::Exited(status) => {
                    answer.kind = Kind::Exited;
                    answer.error_type = Some("Runtime.ExitError".to_owned());
                    answer.body = payloads::exit_error(&answer.request_id, status);
                }
                Failure::Extension { error_type, name } => {
                    answer.kind = Kind::Exited;
                    answer.error_type = Some(error_type.to_owned());
                    let message = format!("RequestId: {} Error: extension {name} failed", answer.request_id);
                    answer.body = payloads::error_json(error_type, &message);
                }
            }
        });
    }

    /// Takes an event. One at a time it waits for its turn; managed instances give it to a parked poll or refuse it.
    pub(crate) fn submit(&mut self, mut event: Event) -> String {
        let id = event.request_id.take().unwrap_or_else(|| self.uuid());
        let fresh = Invocation {
            event: Arc::new(event),
            submitted: Instant::now(),
            delivered: None,
            deadline: None,
            responding: false,
            received: 0,
            chunks: Vec::new(),
            settled: false,
            answer: None,
            record: Record { request_id: id.clone(), ..Record::default() },
        };
        if self.invocations.get(&id).is_some_and(|earlier| !earlier.settled) {
            // The invocation in flight keeps its id; the refusal is filed under one of its own.
            let refused = self.uuid();
            self.invocations.insert(refused.clone(), fresh);
            self.refuse(&refused, &format!("{id} is in flight already"));
            return refused;
        }
        self.invocations.insert(id.clone(), fresh);
        self.open.push_back(id.clone());
        if self.failure.is_some() {
            self.answer_failure(&id);
            return id;
        }
        match &mut self.machine {
            Machine::Classic(_) => {
                self.queue.push_back(id.clone());
                self.dispatch();
            }
            Machine::Managed(machine) => {
                if self.parked.is_empty() || !self.extensions.ready(true) {
                    self.refuse(&id, "no poll is parked");
                } else if machine.deliver(&id) {
                    let delivery = self.deliver(&id);
                    let poll = self.parked.remove(0);
                    // The event is lost only when the connection ends this moment, as it is for real.
                    let _ = poll.sender.send(delivery);
                } else {
                    self.refuse(&id, "an earlier invocation of this id is not over");
                }
            }
        }
        id
    }

    fn refuse(&mut self, id: &str, why: &str) {
        self.settle(id, |answer| {
            answer.kind = Kind::Refused;
            answer.error_type = Some("Runtime.Unavailable".to_owned());
            answer.function_error = Some("Unhandled");
            answer.body = payloads::error_json("Runtime.Unavailable", &format!("Runtime is unavailable: {why}"));
        });
    }

    /// Gives the next event to the parked poll, where the rules allow it now.
    pub(crate) fn dispatch(&mut self) {
        let Machine::Classic(machine) = &mut self.machine else { return };
        if !machine.can_deliver() || self.parked.is_empty() || !self.extensions.ready(false) {
            return;
        }
        let Some(id) = self.queue.pop_front() else { return };
        machine.deliver(&id);
        // More than one poll is a breach, noted when it came. Each gets the event, as a repeated poll would.
        for poll in std::mem::take(&mut self.parked) {
            let delivery = self.deliver(&id);
            let _ = poll.sender.send(delivery);
        }
        let invocation = &self.invocations[&id];
        let arn = invocation.event.invoked_arn.clone().unwrap_or_else(|| self.options.arn());
        let event = json!({
            "eventType": "INVOKE",
            "deadlineMs": invocation.deadline.map_or(0, |(_, ms)| ms as u64),
            "requestId": id,
            "invokedFunctionArn": arn,
            "tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.event.trace_id},
        });
        self.extensions.invoke(&payloads::line(&event));
    }

    pub(super) fn deliver(&mut self, id: &str) -> Delivery {
        let now = Instant::now();
        let timeout = self.options.timeout;
        let enforce = self.options.enforce_deadline;
        let invocation = self.invocations.get_mut(id).expect("an id that is delivered was submitted");
        invocation.record.deliveries.push(now);
        invocation.delivered.get_or_insert(now);
        let allowed = invocation.event.deadline_in.unwrap_or(timeout);
        let (at, deadline_ms) = *invocation.deadline.get_or_insert((now + allowed, epoch_ms() + allowed.as_millis()));
        let event = Arc::clone(&invocation.event);
        if enforce && self.watching.is_none_or(|watching| at < watching) {
            self.watching = Some(at);
            self.rewatch = true;
        }
        Delivery { id: id.to_owned(), event, deadline_ms }
    }

    /// Queues an event that was delivered once more, for when it is answered.
    pub(crate) fn duplicate(&mut self, id: &str) {
        self.queue.push_front(id.to_owned());
    }

    /// Settles an invocation: the first call decides, every other is ignored.
    pub(crate) fn settle(&mut self, id: &str, fill: impl FnOnce(&mut Answer)) {
        let Some(invocation) = self.invocations.get_mut(id) else { return };
        if invocation.settled {
            return;
        }
        invocation.settled = true;
        let mut answer = Answer {
            kind: Kind::Unanswered,
            request_id: id.to_owned(),
            status: None,
            headers: Vec::new(),
            body: Bytes::new(),
            chunks: std::mem::take(&mut invocation.chunks),
            trailers: Vec::new(),
            function_error: None,
            error_type: None,
            stream_error: None,
            xray_cause: None,
            submitted: invocation.submitted,
            delivered: invocation.delivered,
            answered: Instant::now(),
        };
        fill(&mut answer);
        invocation.answer = Some(answer);
        if let Some(at) = self.open.iter().position(|open| open == id) {
            self.open.remove(at);
        }
    }

    /// Returns `true` if the restore calls exist.
    pub(crate) fn snap_start(&self) -> bool {
        self.options.init_type == InitType::SnapStart && !self.options.managed()
    }

    /// Returns `true` if an extension may still register.
    pub(crate) fn registration_open(&self) -> bool {
        self.machine.starting() && self.failure.is_none()
    }

    /// Returns the moment the deadline task should sleep to.
    pub(crate) fn next_deadline(&mut self) -> Option<Instant> {
        let deadlines = self.open.iter().filter_map(|id| self.invocations[id].deadline);
        self.watching = deadlines.map(|(at, _)| at).min().filter(|_| self.options.enforce_deadline);
        self.rewatch = false;
        self.watching
    }

    /// Times out the invocations that are overdue. One at a time that ends the environment, whose calls are refused
    /// from here on. Returns `true` if it must be stopped.
    pub(crate) fn expire(&mut self, now: Instant) -> bool {
        if !self.options.enforce_deadline {
            return false;
        }
        let overdue = |id: &&String| self.invocations[*id].deadline.is_some_and(|(at, _)| at <= now);
        let overdue: Vec<String> = self.open.iter().filter(overdue).cloned().collect();
        // The fold does not short-circuit, since each of them is over.
        overdue.iter().fold(false, |stop, id| self.time_out(id) | stop)
    }

    /// Times out one invocation that a poll has taken, whatever the clock says. Returns as [`Control::expire`] does.
    pub(crate) fn time_out(&mut self, id: &str) -> bool {
        let Some(invocation) = self.invocations.get(id).filter(|it| !it.settled && it.delivered.is_some()) else {
            return false;
        };
        let allowed = invocation.event.deadline_in.unwrap_or(self.options.timeout);
        let stamp = timestamp(SystemTime::now());
        self.settle(id, |answer| {
            answer.kind = Kind::Timeout;
            answer.error_type = Some("Sandbox.Timedout".to_owned());
            answer.function_error = Some("Unhandled");
            answer.body = payloads::timed_out(&answer.request_id, &stamp, allowed);
        });
        match &mut self.machine {
            Machine::Classic(_) => {
                self.closing = true;
                true
            }
            Machine::Managed(machine) => {
                machine.time_out(id);
                false
            }
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let in_flight = self.open.iter().map(|id| {
            let invocation = &self.invocations[id];
            InFlight {
                request_id: id.clone(),
                delivered: invocation.delivered.is_some(),
                responding: invocation.responding,
                received: invocation.received,
            }
        });
        Snapshot {
            state: self.machine.name(),
            parked: self.parked.len(),
            max_parked: self.max_parked,
            next_calls: self.next_calls,
            restore_parked: self.restore_parked.is_some(),
            init_errors: self.init_errors.iter().filter(|report| report.status == 202).count(),
            restore_errors: self.restore_errors.iter().filter(|report| report.status == 202).count(),
            extensions: self.extensions.len(),
            extensions_parked: self.extensions.parked(),
            connections: self.connections.len(),
            accepted_connections: self.accepted_connections,
            violations: self.violations.len(),
            in_flight: in_flight.collect(),
            log_bytes: self.log.len(),
            faults: self.script.waiting(),
            ended: self.ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_uuids_and_differ() {
        let mut control = Control::new(Options::default());
        let ids: Vec<String> = (0..50).map(|_| control.uuid()).collect();
        assert!(ids.iter().all(|id| id.len() == 36 && id.as_bytes()[14] == b'4'), "{ids:?}");
        assert!(ids.iter().enumerate().all(|(at, id)| !ids[..at].contains(id)), "{ids:?}");
    }
}
