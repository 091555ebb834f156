//! The state of the platform: the event that is out, those that wait, those that have been answered. All of it is under
//! one lock, without I/O.

use super::wire::{Headers, Seen};
use super::{Ending, Endpoint, Event, Fault, Kind, Outcome, Snapshot, Times};
use crate::process::{Signal, Watched};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// The call that a request makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Ready,
    Poll,
    /// The post of a result or an error, with the request id of its path, on platforms that have it there.
    Answer {
        id: Option<String>,
        is_error: bool,
    },
}

impl Call {
    pub(super) fn endpoint(&self) -> Endpoint {
        match self {
            Call::Ready => Endpoint::Ready,
            Call::Poll => Endpoint::Poll,
            Call::Answer { .. } => Endpoint::Answer,
        }
    }
}

/// The rules that are particular to a platform.
pub(crate) struct Rules {
    /// Returns the call of a method and path, or the status for any other.
    pub(crate) route: fn(&str, &str) -> Result<Call, u16>,
    /// Returns the headers of an event's reply.
    pub(crate) headers: Box<dyn Fn(&str) -> Headers + Send>,
    /// `true` if the process has to say that it is ready.
    pub(crate) awaits_ready: bool,
    /// `true` if a poll waits for an event. Otherwise it is told at once that there is no event.
    pub(crate) holds_polls: bool,
    /// `true` if an event without an answer is handed out again at the next poll.
    pub(crate) hands_out_again: bool,
    /// The most bytes of a result.
    pub(crate) max_result: usize,
    pub(crate) times: Times,
}

/// An event on its way.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

/// The outcome of a poll.
pub(super) enum Polled {
    Now(Delivery),
    Parked(u64, oneshot::Receiver<Delivery>),
    Nothing,
}

struct Invocation {
    event: Event,
    deliveries: usize,
    outcome: Option<Outcome>,
}

/// The event that is out.
struct Out {
    id: String,
    due: Instant,
    /// `true` if a poll has got it.
    fetched: bool,
    /// `true` if its last delivery was cut on the way.
    lost: bool,
}

pub(super) struct State {
    pub(super) rules: Rules,
    ready: bool,
    polled: bool,
    polls: usize,
    parked: Vec<(u64, oneshot::Sender<Delivery>)>,
    queue: VecDeque<String>,
    out: Option<Out>,
    invocations: HashMap<String, Invocation>,
    /// The event that is handed out once more when it has been answered.
    again: Option<String>,
    pub(super) script: Vec<(Endpoint, Fault)>,
    pub(super) journal: Vec<Seen>,
    pub(super) violations: Vec<String>,
    /// The sender that ends each connection; `None` once it has been told to end.
    connections: HashMap<u64, Option<oneshot::Sender<Ending>>>,
    process: Option<Arc<Watched>>,
    pub(super) generation: u64,
    ended: bool,
    /// The moment by which the process has to be ready.
    init_due: Option<Instant>,
    init_failed: bool,
    last_number: u64,
}

impl State {
    pub(super) fn new(rules: Rules) -> State {
        State {
            ready: !rules.awaits_ready,
            rules,
            polled: false,
            polls: 0,
            parked: Vec::new(),
            queue: VecDeque::new(),
            out: None,
            invocations: HashMap::new(),
            again: None,
            script: Vec::new(),
            journal: Vec::new(),
            violations: Vec::new(),
            connections: HashMap::new(),
            process: None,
            generation: 0,
            ended: false,
            init_due: None,
            init_failed: false,
            last_number: 0,
        }
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Begins a fresh process; events that no process was given stay. Returns the number of the process.
    pub(super) fn begin(&mut self) -> u64 {
        self.generation += 1;
        self.ready = !self.rules.awaits_ready;
        self.polled = false;
        self.parked.clear();
        self.ended = false;
        self.init_failed = false;
        self.init_due = self.rules.awaits_ready.then(|| Instant::now() + self.rules.times.init_limit);
        self.generation
    }

    pub(super) fn set_process(&mut self, process: Arc<Watched>) {
        self.process = Some(process);
    }

    pub(super) fn exited(&mut self, generation: u64) {
        if generation != self.generation {
            return;
        }
        self.ended = true;
        self.parked.clear();
        if let Some(out) = self.out.take() {
            self.settle(&out.id, Kind::Exited, Vec::new());
        }
        // A platform that waits to hear of readiness goes on waiting. For another one a poll is enough.
        if !self.rules.awaits_ready && !self.polled {
            self.settle_waiting(Kind::Exited);
        }
    }

    fn settle_waiting(&mut self, kind: Kind) {
        for id in std::mem::take(&mut self.queue) {
            self.settle(&id, kind, Vec::new());
        }
    }

    /// Settles an event. The first outcome counts.
    fn settle(&mut self, id: &str, kind: Kind, body: Vec<u8>) {
        if let Some(invocation) = self.invocations.get_mut(id)
            && invocation.outcome.is_none()
        {
            let deliveries = invocation.deliveries;
            invocation.outcome = Some(Outcome { kind, id: id.to_owned(), body, deliveries });
        }
    }

    pub(super) fn outcome(&self, id: &str) -> Option<Outcome> {
        self.invocations.get(id)?.outcome.clone()
    }

    pub(super) fn deliveries(&self, id: &str) -> usize {
        self.invocations.get(id).map_or(0, |invocation| invocation.deliveries)
    }

    pub(super) fn submit(&mut self, event: Event) -> String {
        let number = self.number();
        let id = event.id.clone().unwrap_or_else(|| format!("9e1f0c52-6a0e-4c2b-8b7e-{number:012x}"));
        self.invocations.insert(id.clone(), Invocation { event, deliveries: 0, outcome: None });
        if self.init_failed {
            self.settle(&id, Kind::InitTimedOut, Vec::new());
            return id;
        }
        self.queue.push_back(id.clone());
        self.dispatch();
        id
    }

    /// Takes the next event for the process, if no event is out. Gives it to the parked poll, if there is one.
    fn dispatch(&mut self) {
        if self.out.is_some() || !self.ready || self.ended {
            return;
        }
        let Some(id) = self.again.take().or_else(|| self.queue.pop_front()) else { return };
        let allowed = self.rules.times.kill_after.unwrap_or(self.rules.times.limit);
        self.out = Some(Out { id, due: Instant::now() + allowed, fetched: false, lost: false });
        while !self.parked.is_empty() {
            let (_, poll) = self.parked.remove(0);
            let Some(delivery) = self.deliver() else { return };
            if poll.send(delivery).is_ok() {
                return;
            }
            self.lost();
        }
    }

    fn deliver(&mut self) -> Option<Delivery> {
        let out = self.out.as_mut()?;
        let invocation = self.invocations.get_mut(&out.id)?;
        (out.fetched, out.lost) = (true, false);
        invocation.deliveries += 1;
        let mut headers = (self.rules.headers)(&out.id);
        for (name, value) in &invocation.event.headers {
            headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            headers.extend(value.iter().map(|value| (name.clone(), value.clone())));
        }
        Some(Delivery { headers, body: invocation.event.body.clone() })
    }

    /// Notes that the event's last delivery did not arrive whole.
    pub(super) fn lost(&mut self) {
        if let Some(out) = &mut self.out {
            out.lost = true;
        }
    }

    pub(super) fn ready(&mut self) {
        if self.ready {
            self.violations.push("readiness was told twice".to_owned());
        }
        self.ready = true;
        self.init_due = None;
        self.dispatch();
    }

    pub(super) fn poll(&mut self) -> Polled {
        self.polls += 1;
        self.polled = true;
        if !self.ready {
            self.violations.push("a poll before readiness was told".to_owned());
        } else if !self.parked.is_empty() {
            self.violations.push("two polls at once".to_owned());
        }
        self.dispatch();
        if let Some(out) = self.out.as_ref().filter(|_| self.ready) {
            let fetched = out.fetched && !out.lost;
            if fetched {
                self.violations.push(format!("a poll before the answer to {}", out.id));
            }
            if (!fetched || self.rules.hands_out_again)
                && let Some(delivery) = self.deliver()
            {
                return Polled::Now(delivery);
            }
        }
        if !self.rules.holds_polls {
            return Polled::Nothing;
        }
        let (sender, receiver) = oneshot::channel();
        let number = self.number();
        self.parked.push((number, sender));
        Polled::Parked(number, receiver)
    }

    pub(super) fn abandon(&mut self, number: u64) {
        self.parked.retain(|(other, _)| *other != number);
    }

    /// Lets the event that the poll got come once more.
    pub(super) fn repeat(&mut self) {
        self.again = self.out.as_ref().map(|out| out.id.clone());
    }

    /// Takes an answer, and returns the status of the reply.
    pub(super) fn answer(&mut self, line: &str, id: Option<&str>, is_error: bool, body: &[u8]) -> u16 {
        let fits = |out: &&mut Out| out.fetched && id.is_none_or(|id| id == out.id);
        let Some(out) = self.out.as_mut().filter(fits) else {
            self.violations.push(format!("{line}: no such event is out (400)"));
            return 400;
        };
        let (out, size) = (out.id.clone(), body.len());
        self.out = None;
        let too_large = !is_error && size > self.rules.max_result;
        if too_large {
            self.violations.push(format!("{line}: a result of {size} bytes (413)"));
        }
        let kind = if too_large {
            Kind::TooLarge
        } else if is_error {
            Kind::Error
        } else {
            Kind::Result
        };
        self.settle(&out, kind, body.to_vec());
        self.dispatch();
        if too_large { 413 } else { 200 }
    }

    /// Takes an answer that a fault has refused.
    pub(super) fn refuse_answer(&mut self) {
        if self.rules.hands_out_again {
            self.lost();
        } else if let Some(out) = self.out.take() {
            self.settle(&out.id, Kind::Refused, Vec::new());
        }
    }

    pub(super) fn take_fault(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let at = self.script.iter().position(|(other, _)| *other == endpoint)?;
        Some(self.script.remove(at).1)
    }

    pub(super) fn connected(&mut self, cutter: oneshot::Sender<Ending>) -> u64 {
        let number = self.number();
        self.connections.insert(number, Some(cutter));
        number
    }

    pub(super) fn disconnected(&mut self, number: u64) {
        self.connections.remove(&number);
    }

    /// Tells every connection to end, and returns their numbers.
    pub(super) fn cut(&mut self, ending: Ending) -> Vec<u64> {
        for cutter in self.connections.values_mut().filter_map(Option::take) {
            // The connection may have ended by itself this moment.
            let _ = cutter.send(ending);
        }
        self.connections.keys().copied().collect()
    }

    pub(super) fn is_connected(&self, number: u64) -> bool {
        self.connections.contains_key(&number)
    }

    /// Returns the moment at which the next limit passes; `None` if there is none.
    pub(super) fn next_due(&self) -> Option<Instant> {
        [self.init_due, self.out.as_ref().map(|out| out.due)].into_iter().flatten().min()
    }

    /// Ends an event or a start whose limit has passed, and the process with it.
    pub(super) fn expire(&mut self, now: Instant) {
        let mut over = false;
        if self.init_due.is_some_and(|due| due <= now) {
            self.init_due = None;
            self.init_failed = true;
            self.settle_waiting(Kind::InitTimedOut);
            over = true;
        }
        if let Some(out) = self.out.take_if(|out| out.due <= now) {
            self.settle(&out.id, if out.fetched { Kind::TimedOut } else { Kind::NeverFetched }, Vec::new());
            over = true;
        }
        if over && let Some(process) = &self.process {
            // It fails only for a process that has ended.
            let _ = process.signal(Signal::Kill);
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            ready: self.ready,
            parked: self.parked.len(),
            polls: self.polls,
            waiting: self.queue.len(),
            out: self.out.as_ref().map(|out| out.id.clone()),
            connections: self.connections.len(),
            faults: self.script.len(),
            ended: self.ended,
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.rules.times.patience
    }
}
