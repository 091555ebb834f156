//! All names that were asked for, and the threads that ask sources. They begin with the first question, and end when
//! there is nothing to ask and nobody watches.

use crate::entry::{Entry, Moment, Said, Terms};
use crate::settings::Settings;
use crate::source::{Found, Reach, Unknown};
use handlers_sdk::Config;
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::params::{Got, Source, Watch};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The most names that are asked for at once.
const MOST_THREADS: usize = 4;
/// The time after which a thread that has nothing to do ends.
const IDLE: Duration = Duration::from_secs(10);
/// The number of names beyond which those without a value are forgotten.
const MOST_NAMES: usize = 4096;

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// The names that sources are to be asked for.
    queue: VecDeque<String>,
    threads: usize,
    idle: usize,
    versions: u64,
    is_closed: bool,
}

struct Shared {
    config: Config,
    settings: Settings,
    state: Mutex<State>,
    work: Condvar,
}

/// The store of all parameters.
pub(crate) struct Store(Arc<Shared>);

/// Returns `true` for a name as the runtime's own secrets have it: parts of letters, digits, `_`, `-` and `.`, parted
/// by `/`, with no way out of a folder.
fn is_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.bytes().all(is_letter);
    name.len() <= 253 && name.split('/').all(is_part)
}

impl Store {
    pub(crate) fn new(config: Config, settings: Settings) -> Store {
        Store(Arc::new(Shared { config, settings, state: Mutex::default(), work: Condvar::new() }))
    }

    /// Ends the threads, and answers the questions that wait.
    pub(crate) fn close(&self) {
        let waiting: Vec<Got> = {
            let mut state = self.0.state();
            state.is_closed = true;
            state.entries.drain().flat_map(|(_, entry)| entry.waiting).collect()
        };
        self.0.work.notify_all();
        waiting.into_iter().for_each(|answer| answer.give(Err(ServiceErrorKind::Cancelled)));
    }
}

impl Source for Store {
    fn get(&self, name: &str, answer: Got) {
        if !is_name(name) {
            return answer.give(Err(ServiceErrorKind::NotFound));
        }
        let mut state = self.0.state();
        let entry = state.entry(name);
        match entry.say(Moment::now(), self.0.settings.terms()) {
            Said::Now(result) => {
                drop(state);
                answer.give(result);
            }
            Said::Meanwhile(value) => {
                self.0.ask(&mut state, name);
                drop(state);
                answer.give(Ok(value));
            }
            Said::Later => {
                entry.waiting.push(answer);
                let unasked = self.0.ask(&mut state, name);
                drop(state);
                unasked.into_iter().for_each(|answer| answer.give(Err(ServiceErrorKind::Failed)));
            }
        }
    }

    fn watch(&self, name: &str, watch: Watch) {
        if !is_name(name) {
            return watch.tell(Err(ServiceErrorKind::NotFound));
        }
        let mut state = self.0.state();
        let entry = state.entry(name);
        entry.watches.push(watch.clone());
        let (known, said) = (entry.news(), entry.say(Moment::now(), self.0.settings.terms()));
        // A thread is needed in any case: it asks again when the time has come.
        if matches!(said, Said::Now(_)) {
            self.0.start_thread(&mut state);
            self.0.work.notify_one();
        } else {
            self.0.ask(&mut state, name);
        }
        drop(state);
        if let Some(known) = known {
            watch.tell(known);
        }
    }
}

impl State {
    fn entry(&mut self, name: &str) -> &mut Entry {
        if self.entries.len() >= MOST_NAMES && !self.entries.contains_key(name) {
            self.entries.retain(|_, entry| !entry.is_idle());
        }
        self.entries.entry(name.to_owned()).or_default()
    }
}

impl Settings {
    fn terms(&self) -> Terms {
        Terms { ttl: self.ttl, keep: self.keep }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the sources for a name, unless that is being done. Returns the waiters, which wait in vain, if there is no
    /// thread.
    fn ask(self: &Arc<Self>, state: &mut State, name: &str) -> Vec<Got> {
        let Some(entry) = state.entries.get_mut(name).filter(|entry| !entry.is_asked) else { return Vec::new() };
        entry.is_asked = true;
        state.queue.push_back(name.to_owned());
        if state.idle < state.queue.len() {
            self.start_thread(state);
        }
        self.work.notify_one();
        if state.threads > 0 {
            return Vec::new();
        }
        state.queue.clear();
        state.entries.get_mut(name).map_or_else(Vec::new, |entry| {
            entry.is_asked = false;
            std::mem::take(&mut entry.waiting)
        })
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) {
        if state.threads >= MOST_THREADS || state.is_closed || state.idle > state.queue.len() {
            return;
        }
        let shared = self.clone();
        match thread::Builder::new().name("faas-params".to_owned()).spawn(move || shared.work()) {
            Ok(_) => state.threads += 1,
            Err(error) => handlers_sdk::error!("no thread can be started: {error}"),
        }
    }

    /// Does the work of each thread.
    fn work(self: Arc<Self>) {
        let mut state = self.state();
        loop {
            if state.is_closed {
                break;
            }
            let next_due = self.queue_what_is_due(&mut state);
            if let Some(name) = state.queue.pop_front() {
                drop(state);
                self.refresh(&name);
                state = self.state();
                continue;
            }
            state.idle += 1;
            let limit = next_due.map_or(IDLE, |due| due.min(IDLE));
            let (after, waited) = self.work.wait_timeout(state, limit).unwrap_or_else(PoisonError::into_inner);
            state = after;
            state.idle -= 1;
            // One thread stays for as long as there is a watch.
            if waited.timed_out() && state.queue.is_empty() && (next_due.is_none() || state.threads > 1) {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Puts watched names into the queue whose time has come. Returns how long it is until the next one's.
    fn queue_what_is_due(&self, state: &mut State) -> Option<Duration> {
        let (now, terms) = (Moment::now(), self.settings.terms());
        let State { entries, queue, .. } = state;
        let mut next: Option<Duration> = None;
        for (name, entry) in entries {
            match entry.due(now, terms) {
                None => {}
                Some(due) if due.is_zero() => {
                    entry.is_asked = true;
                    queue.push_back(name.clone());
                }
                Some(due) => next = Some(next.map_or(due, |next| next.min(due))),
            }
        }
        next
    }

    /// Asks the sources for a name, and tells all waiters and watches.
    fn refresh(self: &Arc<Self>, name: &str) {
        let said = self.look_up(name);
        if let Err(Unknown { why, .. }) = &said {
            handlers_sdk::warn!({ param = name }, "a parameter cannot be read: {why}");
        }
        let mut state = self.state();
        let State { entries, versions, .. } = &mut *state;
        let Some(entry) = entries.get_mut(name) else { return };
        let failure = said.as_ref().err().map(|unknown| unknown.kind);
        entry.learn(said, Moment::now(), || {
            *versions += 1;
            *versions
        });
        let news = entry.news().filter(|_| failure.is_none());
        let answers = std::mem::take(&mut entry.waiting);
        let watches = entry.watches.clone();
        drop(state);
        for answer in answers {
            answer.give(match (failure, &news) {
                (Some(kind), _) => Err(kind),
                (None, Some(news)) => news.clone(),
                (None, None) => Err(ServiceErrorKind::Failed),
            });
        }
        if let Some(news) = news {
            watches.iter().for_each(|watch| watch.tell(news.clone()));
        }
        // Only now may the name be asked for again: watches hear of values in their order.
        let mut state = self.state();
        if let Some(entry) = state.entries.get_mut(name) {
            entry.is_asked = false;
            if !entry.waiting.is_empty() {
                self.ask(&mut state, name);
            }
        }
    }

    /// Asks the sources for a name. The first one that has it counts. One that fails might have had it, so those behind
    /// it are not asked.
    fn look_up(&self, name: &str) -> Result<Found, Unknown> {
        let reach = Reach { client: self.config.http_client(), timeout: self.settings.timeout };
        for prefixed in &self.settings.sources {
            let Some(rest) = name.strip_prefix(prefixed.prefix.as_str()).filter(|rest| is_name(rest)) else { continue };
            match prefixed.source.ask(rest, &reach)? {
                Found::Nothing => {}
                found => return Ok(found),
            }
        }
        Ok(Found::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn a_name_leads_out_of_no_folder_and_into_no_query() {
        for name in ["a", "db/password", "a.b-c_d/1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a?b", "a#b", "a b", "a%2f", "ä", "a\nb"] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
