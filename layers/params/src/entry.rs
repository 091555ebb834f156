//! The knowledge of one name, and the answers that follow from it. Nothing here waits or asks a source.

use crate::source::{Found, Unknown};
use handlers_sdk::service::ServiceErrorKind;
use handlers_sdk::service::params::{Got, Value, Watch};
use std::time::{Duration, Instant, SystemTime};

/// The longest time for which it is believed that a name has no value.
const NOTHING: Duration = Duration::from_secs(10);
/// The pause before a source is asked again after a failure. It doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A moment on both clocks: one of them may stand still while the process is frozen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(pub(crate) Instant, pub(crate) SystemTime);

impl Moment {
    pub(crate) fn now() -> Moment {
        Moment(Instant::now(), SystemTime::now())
    }

    fn since(self, earlier: Moment) -> Duration {
        let by_wall = self.1.duration_since(earlier.1).unwrap_or_default();
        self.0.saturating_duration_since(earlier.0).max(by_wall)
    }
}

/// The times for which a value is of use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) ttl: Duration,
    pub(crate) keep: Duration,
}

/// The knowledge of one name.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// The last good value; `None` if there was no good value.
    value: Option<Value>,
    /// The time when a source last said that there is a value, or that there is no value.
    checked: Option<Moment>,
    failures: u32,
    /// The moment before which no source is asked, and the kind of its last failure.
    paused: Option<(Instant, ServiceErrorKind)>,
    /// `true` while a source is being asked, or is to be.
    pub(crate) is_asked: bool,
    /// The answers that wait for that.
    pub(crate) waiting: Vec<Got>,
    pub(crate) watches: Vec<Watch>,
}

/// The answer to a question.
#[derive(Debug)]
pub(crate) enum Said {
    /// The result is this, and no source needs to be asked.
    Now(Result<Value, ServiceErrorKind>),
    /// The value is this, and a source is to be asked at the same time.
    Meanwhile(Value),
    /// The question has to wait for a source.
    Later,
}

impl Entry {
    /// Returns the answer to a question at this moment. A value younger than `ttl` is the answer. Up to `keep` it still
    /// is, and a source is asked at the same time, unless a failure has paused that. Otherwise the question waits for a
    /// source, or gets the last failure during a pause. That a name has no value is believed for `ttl`, and for at most
    /// [`NOTHING`].
    pub(crate) fn say(&self, now: Moment, terms: Terms) -> Said {
        let age = self.checked.map(|checked| now.since(checked));
        let pause = self.paused.filter(|(until, _)| now.0 < *until);
        match (&self.value, age) {
            (Some(value), Some(age)) if age < terms.ttl => Said::Now(Ok(value.clone())),
            (Some(value), Some(age)) if age < terms.keep => match pause {
                Some(_) => Said::Now(Ok(value.clone())),
                None => Said::Meanwhile(value.clone()),
            },
            (None, Some(age)) if age < terms.ttl.min(NOTHING) => Said::Now(Err(ServiceErrorKind::NotFound)),
            _ => pause.map_or(Said::Later, |(_, kind)| Said::Now(Err(kind))),
        }
    }

    /// Takes the answer of a source. `version` is used for a value that differs from the one before.
    pub(crate) fn learn(&mut self, said: Result<Found, Unknown>, now: Moment, version: impl FnOnce() -> u64) {
        match said {
            Ok(found) => {
                (self.checked, self.failures, self.paused) = (Some(now), 0, None);
                self.value = match (found, self.value.take()) {
                    (Found::Nothing, _) => None,
                    (Found::Value(bytes), Some(known)) if known.reveal() == bytes => Some(known),
                    (Found::Value(bytes), _) => Some(Value::new(bytes, version())),
                };
            }
            Err(unknown) => {
                let pause = FIRST_PAUSE.saturating_mul(1 << self.failures.min(8)).min(LONGEST_PAUSE);
                self.failures += 1;
                self.paused = Some((now.0 + pause, unknown.kind));
            }
        }
    }

    /// Returns the news for watches: the value, or that there is no value. It is `None` if nothing is known.
    pub(crate) fn news(&self) -> Option<Result<Value, ServiceErrorKind>> {
        self.checked.map(|_| self.value.clone().ok_or(ServiceErrorKind::NotFound))
    }

    /// Returns the time until a source is to be asked for the watches; `None` if nobody watches, or it is being asked.
    pub(crate) fn due(&mut self, now: Moment, terms: Terms) -> Option<Duration> {
        self.watches.retain(|watch| !watch.is_over());
        if self.watches.is_empty() || self.is_asked {
            return None;
        }
        let pause = self.paused.map_or(Duration::ZERO, |(until, _)| until.saturating_duration_since(now.0));
        let rest = self.checked.map_or(Duration::ZERO, |checked| terms.ttl.saturating_sub(now.since(checked)));
        Some(pause.max(rest))
    }

    /// Returns `true` if the entry can be forgotten.
    pub(crate) fn is_idle(&self) -> bool {
        self.value.is_none() && !self.is_asked && self.watches.is_empty() && self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { ttl: Duration::from_secs(60), keep: Duration::from_secs(600) };

    fn at(start: Moment, seconds: u64) -> Moment {
        let time = Duration::from_secs(seconds);
        Moment(start.0 + time, start.1 + time)
    }

    /// Returns the value, its version, and whether a source is asked at the same time; or the failure; or `None` for a
    /// question that has to wait.
    fn said(entry: &Entry, now: Moment) -> Option<Result<(String, u64, bool), ServiceErrorKind>> {
        let text = |value: &Value| value.reveal_text().expect("text").to_owned();
        match entry.say(now, TERMS) {
            Said::Now(result) => Some(result.map(|value| (text(&value), value.version(), false))),
            Said::Meanwhile(value) => Some(Ok((text(&value), value.version(), true))),
            Said::Later => None,
        }
    }

    fn value(text: &str) -> Result<Found, Unknown> {
        Ok(Found::Value(text.as_bytes().to_vec()))
    }

    #[test]
    fn a_value_is_at_hand_then_refreshed_beside_and_then_waited_for() {
        let (start, mut entry) = (Moment::now(), Entry::default());
        assert_eq!(said(&entry, start), None);
        entry.learn(value("a"), start, || 1);
        let a = |is_asked| Some(Ok(("a".to_owned(), 1, is_asked)));
        assert_eq!((said(&entry, at(start, 59)), said(&entry, at(start, 60))), (a(false), a(true)));
        assert_eq!((said(&entry, at(start, 599)), said(&entry, at(start, 600))), (a(true), None));
        entry.learn(value("a"), at(start, 600), || panic!("it is the same value"));
        entry.learn(value("b"), at(start, 600), || 2);
        assert_eq!(said(&entry, at(start, 600)), Some(Ok(("b".to_owned(), 2, false))));
    }

    #[test]
    fn a_frozen_clock_does_not_keep_a_value_young() {
        let (start, mut entry) = (Moment::now(), Entry::default());
        entry.learn(value("a"), start, || 1);
        assert_eq!(said(&entry, Moment(start.0, at(start, 600).1)), None);
        assert_eq!(said(&entry, Moment(at(start, 600).0, start.1)), None);
    }

    #[test]
    fn the_last_good_value_outlasts_failures_for_as_long_as_it_is_kept() {
        let (start, mut entry) = (Moment::now(), Entry::default());
        entry.learn(value("a"), start, || 1);
        let failure = || Err(Unknown::new("down"));
        entry.learn(failure(), at(start, 60), || 2);
        let a = |is_asked| Some(Ok(("a".to_owned(), 1, is_asked)));
        assert_eq!((said(&entry, at(start, 60)), said(&entry, at(start, 61))), (a(false), a(true)), "after a pause");
        entry.learn(failure(), at(start, 600), || 2);
        assert_eq!(said(&entry, at(start, 600)), Some(Err(ServiceErrorKind::Failed)));
        assert_eq!(said(&entry, at(start, 601)), None);
    }

    #[test]
    fn what_is_removed_is_not_there_and_looked_for_again_soon() {
        let (start, mut entry) = (Moment::now(), Entry::default());
        entry.learn(value("a"), start, || 1);
        entry.learn(Ok(Found::Nothing), at(start, 1), || 2);
        assert_eq!(said(&entry, at(start, 10)), Some(Err(ServiceErrorKind::NotFound)));
        assert_eq!(said(&entry, at(start, 11)), None);
        assert!(matches!(entry.news(), Some(Err(ServiceErrorKind::NotFound))));
    }
}
