//! The record of all that has happened: the last invocations, the last lines of output, and the listeners for more. It
//! is bounded, and knows no network, and of a process its number alone.

use super::lifecycles::{Lifecycle, Lifecycles, Origin};
use super::lines::{self, Line, Of, Problem};
use super::record::{Body, Input, Record};
use crate::stage::Headers;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::broadcast;

/// The number of invocations that are kept.
pub(crate) const INVOCATIONS: usize = 200;
/// The number of lines of output that are kept for each invocation, and in all.
const LINES: (usize, usize) = (200, 2_000);
/// The number of bytes of a line that are kept.
const LINE: usize = 8 << 10;
/// The number of processes that are known to have served.
const PROCESSES: usize = 256;
/// The number of phases of processes that are kept.
const PHASES: usize = 200;
/// The time after its reply for which a line may still be that of an invocation whose request id is not certain.
const LATE: Duration = Duration::from_secs(2);
/// The number of changes that a slow listener may be behind.
const BEHIND: usize = 1_024;

/// A line of a process' output.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The number of the line, counted from 1.
    pub(crate) number: u64,
    /// The unit whose process wrote it.
    pub(crate) unit: String,
    /// The function; `None` if it is not known.
    pub(crate) function: Option<String>,
    /// The request id; `None` if it is not known.
    pub(crate) request_id: Option<String>,
    /// The text of the line.
    pub(crate) text: String,
}

impl Entry {
    /// Returns the line as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "number": self.number, "unit": self.unit, "function": self.function, "requestId": self.request_id,
            "text": self.text,
        })
    }
}

/// A phase of a process that ended.
#[derive(Clone, Debug)]
pub(crate) struct Phase {
    /// The number of the deployment.
    pub(crate) deployment: u64,
    /// The name of the unit.
    pub(crate) unit: String,
    /// The name of the phase: `RuntimeStart`, `start`, …
    pub(crate) name: String,
    /// The time that the phase took.
    pub(crate) took: Duration,
    /// The outcome: `ok`, or the failure.
    pub(crate) outcome: String,
}

/// A change that listeners may want to show.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A change of the invocation of that number.
    Invocation(u64),
    /// A new line of output.
    Line(std::sync::Arc<Entry>),
    /// A change of the deployment, its build or its processes.
    State,
}

#[derive(Debug, Default)]
struct Inner {
    records: VecDeque<Record>,
    made: u64,
    entries: VecDeque<std::sync::Arc<Entry>>,
    written: u64,
    phases: VecDeque<Phase>,
    lifecycles: Lifecycles,
    /// The deployments and ids of processes that have served.
    warm: VecDeque<(u64, u32)>,
    functions: Vec<String>,
}

/// Returns the invocation that a line belongs to: that of its request id, else the only one of the unit that runs.
/// That one then has this id: some platforms choose it themselves.
fn owner<'r>(records: &'r mut VecDeque<Record>, unit: &str, request_id: Option<&str>) -> Option<&'r mut Record> {
    let is_it = |record: &Record| request_id.is_some_and(|id| record.request_id == id);
    if let Some(at) = records.iter().rposition(is_it) {
        let record = records.get_mut(at)?;
        record.is_named = true;
        return Some(record);
    }
    // A line that was written before a reply may be read after it.
    let is_fresh = |record: &Record| match record.took {
        None => true,
        Some(took) => request_id.is_some() && record.began.elapsed() < took + LATE,
    };
    let mut fresh = records
        .iter_mut()
        .filter(|record| record.unit == unit && is_fresh(record) && (request_id.is_none() || !record.is_named));
    let only = fresh.next()?;
    if fresh.next().is_some() {
        return None;
    }
    if let Some(id) = request_id {
        only.request_id = id.to_owned();
        only.is_named = true;
    }
    Some(only)
}

/// The store of all that is kept.
#[derive(Debug)]
pub(crate) struct Store {
    inner: Mutex<Inner>,
    changes: broadcast::Sender<Change>,
}

/// The properties of an invocation that begins.
#[derive(Debug)]
pub(crate) struct New {
    /// The id of the request.
    pub(crate) request_id: String,
    /// The name of the unit.
    pub(crate) unit: String,
    /// The function; `None` if the front does not know it.
    pub(crate) function: Option<String>,
    /// The name of the platform.
    pub(crate) platform: &'static str,
    /// The number of the deployment.
    pub(crate) deployment: u64,
    /// The request or event that it is made with.
    pub(crate) input: Input,
    /// The body, as far as it is there.
    pub(crate) body: Body,
    /// The invocation that this one repeats; `None` if it is new.
    pub(crate) repeats: Option<u64>,
    /// `true` if the platform takes the request id, `false` if it may choose another one.
    pub(crate) is_named: bool,
}

impl Store {
    /// Returns an empty store.
    pub(crate) fn new() -> Store {
        Store { inner: Mutex::default(), changes: broadcast::channel(BEHIND).0 }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, change: Change) {
        // This fails when nobody listens.
        let _ = self.changes.send(change);
    }

    /// Listens to changes from here on.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Sets the names of functions: spans of these names are theirs from here on.
    pub(crate) fn set_functions(&self, names: Vec<String>) {
        self.inner().functions = names;
    }

    /// Says that something of the deployment is different.
    pub(crate) fn state_changed(&self) {
        self.tell(Change::State);
    }

    /// Adds an invocation that begins, and returns its number.
    pub(crate) fn begin(&self, new: New) -> u64 {
        let mut inner = self.inner();
        inner.made += 1;
        let number = inner.made;
        let record = Record {
            number,
            request_id: new.request_id,
            unit: new.unit,
            function: new.function,
            platform: new.platform,
            deployment: new.deployment,
            input: new.input,
            body: new.body,
            at: SystemTime::now(),
            began: Instant::now(),
            status: None,
            reply_headers: Headers::new(),
            reply: Body::default(),
            took: None,
            problem: None,
            start: Vec::new(),
            spans: Vec::new(),
            monitor: None,
            lines: Vec::new(),
            repeats: new.repeats,
            is_first: false,
            pid: None,
            is_told: false,
            is_named: new.is_named,
        };
        if inner.records.len() == INVOCATIONS {
            inner.records.pop_front();
        }
        inner.records.push_back(record);
        drop(inner);
        self.tell(Change::Invocation(number));
        number
    }

    /// Says which process of which deployment serves an invocation. It is taken for the first of that process if the front
    /// knows of none before, until the runtime says which one is.
    pub(crate) fn served_by(&self, number: u64, deployment: u64, pid: u32) {
        let mut inner = self.inner();
        let is_first = !inner.warm.contains(&(deployment, pid));
        if is_first {
            if inner.warm.len() == PROCESSES {
                inner.warm.pop_front();
            }
            inner.warm.push_back((deployment, pid));
        }
        if let Some(record) = inner.records.iter_mut().find(|record| record.number == number) {
            (record.deployment, record.pid) = (deployment, Some(pid));
            record.is_first = if record.is_told { record.is_first } else { is_first };
        }
    }

    /// Changes the record of an invocation, if it is still kept.
    pub(crate) fn change(&self, number: u64, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.inner().records.iter_mut().find(|record| record.number == number) {
            change(record);
        }
    }

    /// Ends an invocation, and returns the time it took. Returns `None` if it is not kept any more, or had ended.
    pub(crate) fn end(&self, number: u64, change: impl FnOnce(&mut Record)) -> Option<Record> {
        let mut ended = None;
        self.change(number, |record| {
            if record.took.is_none() {
                record.took = Some(record.began.elapsed());
                change(record);
                ended = Some(record.clone());
            }
        });
        self.tell(Change::Invocation(number));
        ended
    }

    /// Returns an invocation by its number; `None` if it is not kept.
    pub(crate) fn get(&self, number: u64) -> Option<Record> {
        let inner = self.inner();
        let mut record = inner.records.iter().find(|record| record.number == number).cloned()?;
        // A request that no layer and no function has seen, such as one without a route, still is the first.
        if let Some(pid) = record.pid.filter(|_| record.is_first && !record.is_told && record.start.is_empty()) {
            record.start = inner.lifecycles.start_of(record.deployment, pid);
        }
        Some(record)
    }

    /// Returns the invocations that are kept, the latest first.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.inner().records.iter().rev().cloned().collect()
    }

    /// Returns the phases that are kept, in order.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        self.inner().phases.iter().cloned().collect()
    }

    /// Adds a phase that has ended.
    pub(crate) fn add_phase(&self, phase: Phase) {
        let mut inner = self.inner();
        if inner.phases.len() == PHASES {
            inner.phases.pop_front();
        }
        inner.phases.push_back(phase);
        drop(inner);
        self.tell(Change::State);
    }

    /// Returns the lines of output after that number.
    pub(crate) fn entries(&self, after: u64) -> Vec<std::sync::Arc<Entry>> {
        self.inner().entries.iter().filter(|entry| entry.number > after).cloned().collect()
    }

    /// Returns the processes whose phases are kept, the latest first.
    pub(crate) fn lifecycles(&self) -> Vec<Lifecycle> {
        self.inner().lifecycles.all()
    }

    /// Takes a line that a process has written. Returns `true` if it is for people, and does not tell of spans or
    /// phases.
    pub(crate) fn written(&self, origin: &Origin, text: &str) -> bool {
        match lines::read(text) {
            Line::Phase { name, took, outcome } => {
                let (deployment, unit) = (origin.deployment, origin.unit.clone());
                self.add_phase(Phase { deployment, unit, name, took, outcome });
                false
            }
            Line::PhaseSpan(span) => {
                self.inner().lifecycles.add(origin, span);
                self.tell(Change::State);
                false
            }
            Line::Span(of, span) => {
                let is_function = self.inner().functions.contains(&span.name);
                self.of_request(origin, &of, |record| {
                    // The front goes by the route, and an event that comes as a request may be another function's. The
                    // span of the function ends before those of the layers around it, which may have a function's name.
                    if is_function && record.spans.is_empty() {
                        record.function = Some(span.name.clone());
                    }
                    record.spans.push(span);
                });
                false
            }
            Line::Invocation(of, monitor) => {
                self.of_request(origin, &of, |record| {
                    record.function = monitor["function"].as_str().map(str::to_owned).or(record.function.take());
                    record.monitor = Some(monitor);
                });
                false
            }
            Line::Text { request_id, function, problem } => {
                self.add_line(origin, text, request_id, function, problem);
                true
            }
        }
    }

    fn of_request(&self, origin: &Origin, of: &Of, change: impl FnOnce(&mut Record)) {
        let mut guard = self.inner();
        let inner = &mut *guard;
        let number = owner(&mut inner.records, &origin.unit, Some(&of.request_id)).map(|record| {
            change(record);
            // Which one is the first is the runtime's to say: of several that began at once the front cannot know.
            (record.is_first, record.is_told) = (of.is_first, true);
            record.start.extend(inner.lifecycles.because_of(origin, of.is_first, record.function.as_deref()));
            record.number
        });
        drop(guard);
        number.into_iter().for_each(|number| self.tell(Change::Invocation(number)));
    }

    fn add_line(
        &self,
        origin: &Origin,
        text: &str,
        request_id: Option<String>,
        function: Option<String>,
        problem: Option<Problem>,
    ) {
        let mut end = text.len().min(LINE);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let mut guard = self.inner();
        let inner = &mut *guard;
        let unit = origin.unit.clone();
        let mut entry = Entry { number: 0, unit: unit.clone(), function, request_id, text: text.to_owned() };
        let mut changed = None;
        if let Some(record) = owner(&mut inner.records, &unit, entry.request_id.as_deref()) {
            if record.lines.len() < LINES.0 {
                record.lines.push(text.to_owned());
            }
            if problem.is_some() {
                record.problem = problem;
                // A function that did not start has no span in the invocation that it was to start for.
                record.start.extend(inner.lifecycles.because_of(origin, record.is_first, record.function.as_deref()));
            }
            entry.function = entry.function.or_else(|| record.function.clone());
            entry.request_id = Some(record.request_id.clone());
            changed = Some(record.number);
        }
        inner.written += 1;
        entry.number = inner.written;
        let entry = std::sync::Arc::new(entry);
        if inner.entries.len() == LINES.1 {
            inner.entries.pop_front();
        }
        inner.entries.push_back(std::sync::Arc::clone(&entry));
        drop(guard);
        self.tell(Change::Line(entry));
        changed.into_iter().for_each(|number| self.tell(Change::Invocation(number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        Origin { deployment: 1, unit: "shop".to_owned(), pid: 7, lazy: std::sync::Arc::new(["order".to_owned()]) }
    }

    fn written(store: &Store, text: &str) -> bool {
        store.written(&origin(), text)
    }

    fn begin(store: &Store, id: &str) -> u64 {
        store.begin(New {
            request_id: id.to_owned(),
            unit: "shop".to_owned(),
            function: None,
            platform: "http",
            deployment: 1,
            input: Input::Event("x".to_owned()),
            body: Body::default(),
            repeats: None,
            is_named: true,
        })
    }

    #[test]
    fn only_the_last_invocations_are_kept_and_numbers_go_on() {
        let store = Store::new();
        let numbers: Vec<u64> = (0..INVOCATIONS + 3).map(|n| begin(&store, &n.to_string())).collect();
        assert_eq!(store.records().len(), INVOCATIONS);
        assert!(store.get(numbers[2]).is_none() && store.get(numbers[3]).is_some());
        assert_eq!(store.records()[0].number, 203);
    }

    #[test]
    fn a_line_goes_to_its_request_or_to_the_only_one_that_runs() {
        let store = Store::new();
        let (one, two) = (begin(&store, "one"), begin(&store, "two"));
        assert!(written(&store, "printed by somebody"));
        assert!(written(&store, "2026-01-02T03:04:05.678Z INFO two function order: hello"));
        let line = r#"{"faas":"span","requestId":"two","cold_start":false,"span":"order","depth":0,"from_us":1,"to_us":5,"outcome":"ok"}"#;
        assert!(!written(&store, line));
        store.end(one, |_| ());
        assert!(written(&store, "printed by the only one"));
        let (one, two) = (store.get(one).unwrap(), store.get(two).unwrap());
        assert_eq!(one.lines, Vec::<String>::new());
        assert_eq!(two.lines.len(), 2, "{two:?}");
        assert_eq!(two.spans.len(), 1);
        let ids: Vec<_> = store.entries(0).iter().map(|entry| entry.request_id.clone()).collect();
        assert_eq!(ids, [None, Some("two".to_owned()), Some("two".to_owned())]);
        assert_eq!(store.entries(2).len(), 1);
    }

    #[test]
    fn a_line_of_a_later_invocation_is_not_one_of_an_earlier_whose_id_its_reply_said() {
        let store = Store::new();
        let [one, two] = ["own-1", "own-2"].map(|id| {
            let number = begin(&store, id);
            store.change(number, |record| record.is_named = false);
            number
        });
        store.end(one, |record| record.request_id = "platform-1".to_owned());
        let span = |id: &str| {
            let tail = r#""span":"auth","depth":0,"from_us":1,"to_us":5,"outcome":"ok"}"#;
            written(&store, &format!(r#"{{"faas":"span","requestId":"{id}","cold_start":false,{tail}"#));
        };
        span("platform-1");
        span("platform-2");
        let ids = [one, two].map(|number| store.get(number).unwrap().request_id);
        assert_eq!(ids, ["platform-1", "platform-2"]);
        assert!([one, two].iter().all(|number| store.get(*number).unwrap().spans.len() == 1));
    }

    #[test]
    fn the_first_invocation_of_a_process_is_a_cold_start_and_the_runtime_says_which_one_it_is() {
        let store = Store::new();
        let (one, two) = (begin(&store, "one"), begin(&store, "two"));
        for (number, pid) in [(one, 7), (two, 7)] {
            store.served_by(number, 1, pid);
        }
        let are_first = || [one, two].map(|number| store.get(number).unwrap().is_first);
        assert_eq!(are_first(), [true, false]);
        let tail = r#""span":"auth","depth":0,"from_us":1,"to_us":5,"outcome":"ok"}"#;
        written(&store, &format!(r#"{{"faas":"span","requestId":"two","cold_start":true,{tail}"#));
        written(&store, &format!(r#"{{"faas":"span","requestId":"one","cold_start":false,{tail}"#));
        assert_eq!(are_first(), [false, true]);
        let third = begin(&store, "three");
        store.served_by(third, 1, 8);
        assert!(store.get(third).unwrap().is_first, "another process of the same unit");
    }

    #[test]
    fn a_first_request_without_a_span_shows_the_start_and_one_whose_function_did_not_start_shows_that() {
        let store = Store::new();
        let phase = |phase: &str, outcome: &str| {
            let function = if phase == "FunctionStart" { r#""function":"order","# } else { "" };
            let tail = format!(r#""span":"auth","depth":0,"from_us":1,"to_us":5,"outcome":"{outcome}"}}"#);
            written(&store, &format!(r#"{{"faas":"span","phase":"{phase}",{function}{tail}"#));
        };
        phase("RuntimeStart", "ok");
        let (one, two) = (begin(&store, "one"), begin(&store, "two"));
        store.served_by(one, 1, 7);
        store.end(one, |_| ());
        let phases = |number| store.get(number).unwrap().start.into_iter().map(|span| span.phase).collect::<Vec<_>>();
        assert_eq!(phases(one), ["RuntimeStart"]);
        store.change(two, |record| record.function = Some("order".to_owned()));
        phase("FunctionStart", "Stock.Closed");
        written(&store, "2026-01-02T03:04:05.678Z ERROR two runtime: Stock.Closed: on Sundays errorType=Stock.Closed");
        assert_eq!(phases(two), ["FunctionStart"]);
    }
}
