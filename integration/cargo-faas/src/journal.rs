//! The output of a runtime while it runs: the structured lines of the layer `monitor` are kept for tables, which are
//! shown from here too; every other line is handed on at once.

use crate::failure::Failure;
use crate::screen::{Screen, duration};
use platform_emulators::process::Tail;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The time that a line which must come is waited for, once its event has happened.
const PATIENCE: Duration = Duration::from_secs(2);

/// The time that the last lines of a process that has ended are waited for. The output may still be held open by a
/// process that it has left behind.
const LAST_LINES: Duration = Duration::from_secs(30);

/// A phase that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// The name of the phase: `RuntimeStart`, `FunctionStart`, `Close`, …
    pub(crate) name: String,
    /// The time that the phase took.
    pub(crate) took: Duration,
    /// The outcome: `ok`, or the failure.
    pub(crate) outcome: String,
    /// `true` for the first invocation of a process.
    pub(crate) is_cold: bool,
}

/// Writes names and durations of phases in columns.
pub(crate) fn show(phases: &[Phase], screen: Screen) {
    for phase in phases {
        screen.line(&phase_line(phase));
    }
}

fn phase_line(phase: &Phase) -> String {
    let mut line = format!("{:10}{:<14}{:>9}", "", phase.name, duration(phase.took));
    // The words stand on the screen alone: in JSON an outcome is compared.
    let cold = if phase.is_cold { ", cold start" } else { "" };
    if phase.outcome != "ok" || phase.is_cold {
        let _ = write!(line, "  {}{cold}", phase.outcome);
    }
    line
}

/// An invocation that ended, as the runtime saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    request_id: String,
    /// The time that it took inside the runtime.
    pub(crate) took: Duration,
    /// `true` if it was the first of its process.
    pub(crate) cold_start: bool,
    /// The outcome: `ok`, or the failure.
    pub(crate) outcome: String,
}

impl From<&Invocation> for Phase {
    fn from(seen: &Invocation) -> Phase {
        Phase { name: "Invoke".to_owned(), took: seen.took, outcome: seen.outcome.clone(), is_cold: seen.cold_start }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Phase(Phase),
    Invocation(Invocation),
    Other,
}

/// Tells monitor's lines from others. A line of a later version with other keys is an ordinary one.
fn read(text: &str) -> Line {
    if !text.starts_with("{\"faas\":") {
        return Line::Other;
    }
    let Ok(line) = serde_json::from_str::<Value>(text) else { return Line::Other };
    let word = |key: &str| line[key].as_str().map(str::to_owned);
    let outcome = match (word("outcome"), word("error")) {
        (Some(outcome), Some(error)) => format!("{outcome}: {error}"),
        (outcome, _) => outcome.unwrap_or_else(|| "ok".to_owned()),
    };
    let Some(took) = line["us"].as_u64().map(Duration::from_micros) else { return Line::Other };
    match (line["faas"].as_str(), word("phase"), word("requestId")) {
        (Some("phase"), Some(name), _) => Line::Phase(Phase { name, took, outcome, is_cold: false }),
        (Some("invocation"), _, Some(request_id)) => {
            let cold_start = line["cold_start"].as_bool().unwrap_or(false);
            Line::Invocation(Invocation { request_id, took, cold_start, outcome })
        }
        _ => Line::Other,
    }
}

#[derive(Debug, Default)]
struct Kept {
    phases: Vec<Phase>,
    invocations: HashMap<String, Invocation>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Kept>,
    changed: Condvar,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept());
        self.changed.notify_all();
    }
}

/// The output of one process.
#[derive(Debug)]
pub(crate) struct Journal(Arc<Shared>);

impl Journal {
    /// Follows the output of a process until it is closed. Lines that are nobody's are shown under `name`.
    pub(crate) fn follow(tail: Tail, name: String, screen: Screen) -> Result<Journal, Failure> {
        let shared = Arc::new(Shared::default());
        let written = Arc::clone(&shared);
        let follow = move || {
            tail.follow(|line| match read(&line.text) {
                Line::Phase(phase) => written.change(|kept| kept.phases.push(phase)),
                Line::Invocation(invocation) => written.change(|kept| {
                    kept.invocations.insert(invocation.request_id.clone(), invocation);
                }),
                Line::Other => screen.passed_on(&name, &line.text),
            });
            written.change(|kept| kept.ended = true);
        };
        let follower = std::thread::Builder::new().name("journal".to_owned()).spawn(follow);
        follower.map_err(|error| Failure::new("following the runtime's output", error))?;
        Ok(Journal(shared))
    }

    /// Returns the phases up to and with the last one of that name; those there are if it does not come.
    pub(crate) fn phases_to(&self, last: &str) -> Vec<Phase> {
        self.wait(|kept| kept.phases.iter().any(|phase| phase.name == last).then_some(()));
        self.0.kept().phases.clone()
    }

    /// Returns the invocation of that id as the runtime tells of it; `None` if it tells nothing.
    pub(crate) fn invocation(&self, request_id: &str) -> Option<Invocation> {
        self.wait(|kept| kept.invocations.remove(request_id))
    }

    /// Returns the same of the only invocation of a process, whichever request id the platform chose for it.
    pub(crate) fn only_invocation(&self) -> Option<Invocation> {
        self.wait(|kept| kept.invocations.drain().next().map(|(_, invocation)| invocation))
    }

    /// Returns all phases of a process that has ended. When this returns, every line that it wrote has been shown.
    pub(crate) fn all_phases(&self) -> Vec<Phase> {
        self.wait_for(LAST_LINES, |kept| kept.ended.then_some(()));
        self.0.kept().phases.clone()
    }

    fn wait<T>(&self, found: impl FnMut(&mut Kept) -> Option<T>) -> Option<T> {
        self.wait_for(PATIENCE, found)
    }

    fn wait_for<T>(&self, limit: Duration, mut found: impl FnMut(&mut Kept) -> Option<T>) -> Option<T> {
        let until = Instant::now() + limit;
        let mut kept = self.0.kept();
        loop {
            if let Some(value) = found(&mut kept) {
                return Some(value);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || kept.ended {
                return None;
            }
            kept = self.0.changed.wait_timeout(kept, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monitors_lines_are_told_from_others() {
        let phase = r#"{"faas":"phase","phase":"RuntimeStart","us":41,"outcome":"ok"}"#;
        let expected = Phase {
            name: "RuntimeStart".into(),
            took: Duration::from_micros(41),
            outcome: "ok".into(),
            is_cold: false,
        };
        assert_eq!(read(phase), Line::Phase(expected));
        let failed = r#"{"faas":"invocation","requestId":"r","cold_start":true,"outcome":"panic","error":"Function.Panic","us":9}"#;
        let expected = Invocation {
            request_id: "r".into(),
            took: Duration::from_micros(9),
            cold_start: true,
            outcome: "panic: Function.Panic".into(),
        };
        assert_eq!(read(failed), Line::Invocation(expected));
        for other in ["", "hello", r#"{"_aws":{}}"#, r#"{"faas":"phase","phase":"Close"}"#, r#"{"faas":"new","us":1}"#]
        {
            assert_eq!(read(other), Line::Other, "{other}");
        }
    }

    #[test]
    fn phases_stand_in_columns_and_tell_what_went_wrong() {
        let phase = |outcome: &str| Phase {
            name: "FunctionStart".into(),
            took: Duration::from_micros(41),
            outcome: outcome.into(),
            is_cold: false,
        };
        assert_eq!(phase_line(&phase("ok")), "          FunctionStart     41 us");
        assert!(phase_line(&phase("error: Function.Panic")).ends_with("41 us  error: Function.Panic"));
    }

    #[test]
    fn a_cold_start_is_a_word_of_the_screen_and_none_of_the_outcome() {
        let took = Duration::from_micros(41);
        let seen = Invocation { request_id: "r".into(), took, cold_start: true, outcome: "ok".into() };
        let phase = Phase::from(&seen);
        assert_eq!(phase.outcome, "ok");
        assert!(phase_line(&phase).ends_with("41 us  ok, cold start"));
    }
}
