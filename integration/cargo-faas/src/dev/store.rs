//! The record of all that has happened: the last invocations, the last lines of output, and the listeners for more. It
//! is bounded, and knows no network and no process.

use super::lifecycles::{Lifecycles, Origin};
use super::lines::{self, Line, Of, PhaseSpan, Problem, Span};
use crate::stage::Headers;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::broadcast;

/// The number of invocations that are kept.
pub(crate) const INVOCATIONS: usize = 200;
/// The number of bytes of each body that are kept.
pub(crate) const BODY: usize = 64 << 10;
/// The number of lines of output that are kept for each invocation, and in all.
const LINES: (usize, usize) = (200, 2_000);
/// The number of bytes of a line that are kept.
const LINE: usize = 8 << 10;
/// The number of phases of processes that are kept.
const PHASES: usize = 200;
/// The time after its reply for which a line may still be that of an invocation whose request id is not certain.
const LATE: Duration = Duration::from_secs(2);
/// The number of changes that a slow listener may be behind.
const BEHIND: usize = 1_024;

/// The first bytes of a body, and how many there were.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// The first bytes, at most [`BODY`].
    pub(crate) bytes: Vec<u8>,
    /// The number of bytes of the whole body.
    pub(crate) total: u64,
}

impl Body {
    /// Makes a body of bytes that are all there.
    pub(crate) fn of(bytes: &[u8]) -> Body {
        let mut body = Body::default();
        body.push(bytes);
        body
    }

    /// Adds a further piece of the body.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let room = BODY.saturating_sub(self.bytes.len()).min(piece.len());
        self.bytes.extend_from_slice(&piece[..room]);
        self.total += piece.len() as u64;
    }

    /// Returns `true` if not all of it is kept.
    pub(crate) fn is_cut(&self) -> bool {
        self.total > self.bytes.len() as u64
    }

    /// Returns the bytes as text, in which those that are not UTF-8 are replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

/// The request or event of an invocation.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A request, without its body.
    Request {
        /// The method of the request.
        method: String,
        /// The path and query of the request.
        target: String,
        /// The headers of the request.
        headers: Headers,
    },
    /// An event, with its name: `aws/sqs`, `timer nightly`.
    Event(String),
}

impl Input {
    /// Returns a title of a few words.
    pub(crate) fn title(&self) -> String {
        match self {
            Input::Request { method, target, .. } => format!("{method} {target}"),
            Input::Event(name) => format!("event {name}"),
        }
    }
}

/// The record of an invocation.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The number of the invocation, counted from 1.
    pub(crate) number: u64,
    /// The id of the request.
    pub(crate) request_id: String,
    /// The unit that serves it.
    pub(crate) unit: String,
    /// The function; `None` until it is known.
    pub(crate) function: Option<String>,
    /// The platform that it came by.
    pub(crate) platform: &'static str,
    /// The number of the deployment that serves it.
    pub(crate) deployment: u64,
    /// The request or event that it was made with.
    pub(crate) input: Input,
    /// The body of the request or event.
    pub(crate) body: Body,
    /// The time at which it came.
    pub(crate) at: SystemTime,
    began: Instant,
    /// The status of its reply; `None` before it has one.
    pub(crate) status: Option<u16>,
    /// The headers of its reply.
    pub(crate) reply_headers: Headers,
    /// The body of its reply.
    pub(crate) reply: Body,
    /// The time that it took; `None` while it runs.
    pub(crate) took: Option<Duration>,
    /// The failure, in the front's own words or the runtime's; `None` if it went well.
    pub(crate) problem: Option<Problem>,
    /// The spans of the phases that came before it because of it: those of its process if it was the first, and those of
    /// its function if that starts when it is needed.
    pub(crate) start: Vec<PhaseSpan>,
    /// The spans of layers and function, as they ended.
    pub(crate) spans: Vec<Span>,
    /// The members that the layer monitor wrote about it; `None` without that layer.
    pub(crate) monitor: Option<Value>,
    /// The lines of output that are its own.
    pub(crate) lines: Vec<String>,
    /// The invocation that this one repeats; `None` if it is new.
    pub(crate) repeats: Option<u64>,
    /// `true` if no invocation of its process came before.
    pub(crate) is_first: bool,
    /// `true` if the request id is certain.
    is_named: bool,
}

impl Record {
    /// Returns `true` if it failed, or its reply tells of a failure.
    pub(crate) fn is_failed(&self) -> bool {
        self.problem.is_some() || self.status.is_some_and(|status| status >= 500)
    }

    /// Returns the parts that lists show, as JSON. Its form is documented, and members are only added.
    pub(crate) fn summary(&self) -> Value {
        json!({
            "number": self.number,
            "requestId": self.request_id,
            "title": self.input.title(),
            "unit": self.unit,
            "function": self.function,
            "platform": self.platform,
            "deployment": self.deployment,
            "status": self.status,
            "us": self.took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            "running": self.took.is_none(),
            "failed": self.is_failed(),
            "coldStart": self.is_first,
            "epochMs": u64::try_from(self.at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(0),
        })
    }

    /// Returns the whole record as JSON.
    pub(crate) fn whole(&self) -> Value {
        let mut all = self.summary();
        let pairs = |headers: &Headers| headers.iter().map(|(name, value)| json!([name, value])).collect::<Vec<_>>();
        let body = |body: &Body| json!({"text": body.text(), "bytes": body.total, "cut": body.is_cut()});
        if let Input::Request { method, target, headers } = &self.input {
            all["request"] = json!({"method": method, "target": target, "headers": pairs(headers)});
        }
        all["body"] = body(&self.body);
        all["reply"] = body(&self.reply);
        all["replyHeaders"] = pairs(&self.reply_headers).into();
        all["start"] = self.start.iter().map(PhaseSpan::to_json).collect();
        all["spans"] = self.spans.iter().map(Span::to_json).collect();
        all["problem"] = self.problem.as_ref().map(Problem::to_json).into();
        all["monitor"] = self.monitor.clone().into();
        all["lines"] = self.lines.clone().into();
        all["repeats"] = self.repeats.into();
        all
    }
}

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
    warm: Vec<(u64, String)>,
    functions: Vec<String>,
}

impl Inner {
    /// Returns the invocation that a line belongs to: that of its request id, else the only one of the unit that runs.
    /// That one then has this id: some platforms choose it themselves.
    fn owner(&mut self, unit: &str, request_id: Option<&str>) -> Option<&mut Record> {
        let is_it = |record: &Record| request_id.is_some_and(|id| record.request_id == id);
        if let Some(at) = self.records.iter().rposition(is_it) {
            return self.records.get_mut(at);
        }
        // A line that was written before a reply may be read after it.
        let is_fresh = |record: &Record| match record.took {
            None => true,
            Some(took) => request_id.is_some() && record.began.elapsed() < took + LATE,
        };
        let mut fresh = self
            .records
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
        let process = (new.deployment, format!("{}/{}", new.platform, new.unit));
        let is_first = !inner.warm.contains(&process);
        if is_first {
            inner.warm.retain(|(deployment, _)| deployment + 8 > new.deployment);
            inner.warm.push(process);
        }
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
            is_first,
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
        self.inner().records.iter().find(|record| record.number == number).cloned()
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

    /// Returns the processes whose phases are kept, the latest first, and the spans of each.
    pub(crate) fn lifecycles(&self) -> Vec<(Origin, Vec<PhaseSpan>)> {
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
                self.add_line(&origin.unit, text, request_id, function, problem);
                true
            }
        }
    }

    fn of_request(&self, origin: &Origin, of: &Of, change: impl FnOnce(&mut Record)) {
        let mut inner = self.inner();
        let mut lifecycles = std::mem::take(&mut inner.lifecycles);
        let number = inner.owner(&origin.unit, Some(&of.request_id)).map(|record| {
            change(record);
            // Which one is the first is the runtime's to say: of several that began at once the front cannot know.
            record.is_first = of.is_first;
            record.start.extend(lifecycles.because_of(origin, of.is_first, record.function.as_deref()));
            record.number
        });
        inner.lifecycles = lifecycles;
        drop(inner);
        number.into_iter().for_each(|number| self.tell(Change::Invocation(number)));
    }

    fn add_line(
        &self,
        unit: &str,
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
        let mut inner = self.inner();
        let mut entry = Entry { number: 0, unit: unit.to_owned(), function, request_id, text: text.to_owned() };
        let mut changed = None;
        if let Some(record) = inner.owner(unit, entry.request_id.as_deref()) {
            if record.lines.len() < LINES.0 {
                record.lines.push(text.to_owned());
            }
            if problem.is_some() {
                record.problem = problem;
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
        drop(inner);
        self.tell(Change::Line(entry));
        changed.into_iter().for_each(|number| self.tell(Change::Invocation(number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(store: &Store, text: &str) -> bool {
        store.written(&Origin { deployment: 1, unit: "shop".to_owned(), pid: 7 }, text)
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
    fn of_a_body_the_first_bytes_are_kept_and_its_length() {
        let mut body = Body::of(&vec![b'x'; BODY - 1]);
        assert!(!body.is_cut());
        body.push(b"abc");
        assert_eq!((body.bytes.len(), body.total, body.is_cut()), (BODY, BODY as u64 + 2, true));
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
    fn the_first_invocation_of_a_process_is_a_cold_start() {
        let store = Store::new();
        let (one, two) = (begin(&store, "one"), begin(&store, "two"));
        assert!(store.get(one).unwrap().is_first && !store.get(two).unwrap().is_first);
    }
}
