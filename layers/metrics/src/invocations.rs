//! Counts and durations of invocations, a series for each set of labels.

use crate::histogram::Histogram;
use crate::labels::{Labels, line};
use crate::settings::Bound;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The invocations, by their labels.
#[derive(Debug)]
pub(crate) struct Invocations {
    series: RwLock<HashMap<String, Arc<Series>>>,
    /// The most series that are kept apart.
    limit: usize,
    is_full: AtomicBool,
    cold: AtomicU64,
}

/// The numbers for one set of labels.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) seconds: Histogram,
    example: Mutex<Option<Example>>,
}

/// An example of an invocation of its series, by the place where it is found among the traces.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Example {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
    pub(crate) seconds: f64,
    /// The time of it, in nanoseconds since 1970.
    pub(crate) time: u64,
}

impl Series {
    fn add(&self, bounds: &[Bound], seconds: f64, example: Option<Example>) {
        self.seconds.add(bounds, seconds);
        if example.is_some() {
            *self.example.lock().unwrap_or_else(PoisonError::into_inner) = example;
        }
    }

    /// Returns the last example since the last call; `None` if there was no example.
    pub(crate) fn take_example(&self) -> Option<Example> {
        self.example.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

thread_local! {
    /// The key of a look-up, a buffer that is used again.
    static KEY: RefCell<String> = const { RefCell::new(String::new()) };
}

impl Invocations {
    pub(crate) fn new(limit: usize) -> Invocations {
        let (is_full, cold) = (AtomicBool::new(false), AtomicU64::new(0));
        Invocations { series: RwLock::default(), limit, is_full, cold }
    }

    /// Counts the first invocation of a process.
    pub(crate) fn add_cold(&self) {
        self.cold.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns how many first invocations there were.
    pub(crate) fn cold(&self) -> u64 {
        self.cold.load(Ordering::Relaxed)
    }

    /// Returns all series, by their labels.
    pub(crate) fn series(&self) -> Vec<Arc<Series>> {
        let all = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<Series>> = all.values().cloned().collect();
        all.sort_by(|one, other| one.labels.cmp(&other.labels));
        all
    }

    /// Counts one more. Returns `true` the first time that a series is not kept apart any more.
    pub(crate) fn add(&self, bounds: &[Bound], labels: Labels<'_>, seconds: f64, example: Option<Example>) -> bool {
        KEY.with_borrow_mut(|key| {
            if let Some(series) = self.find(labels, key) {
                series.add(bounds, seconds, example);
                return false;
            }
            let mut all = self.series.write().unwrap_or_else(PoisonError::into_inner);
            let has_room = all.len() < self.limit;
            let labels = if has_room { labels } else { labels.other() };
            labels.write_key(key);
            let made = || {
                let (labels, seconds) = (labels.pairs(), Histogram::new(bounds));
                Arc::new(Series { labels, seconds, example: Mutex::default() })
            };
            all.entry(key.clone()).or_insert_with(made).add(bounds, seconds, example);
            !has_room && !self.is_full.swap(true, Ordering::Relaxed)
        })
    }

    fn find(&self, labels: Labels<'_>, key: &mut String) -> Option<Arc<Series>> {
        labels.write_key(key);
        self.series.read().unwrap_or_else(PoisonError::into_inner).get(key.as_str()).cloned()
    }

    /// Writes its part of the page that Prometheus reads.
    pub(crate) fn write(&self, out: &mut String, bounds: &[Bound]) {
        let all: Vec<(String, Arc<Series>)> =
            self.series().into_iter().map(|series| (line(&series.labels), series)).collect();
        head(out, "faas_invocations_total", "counter", "Invocations by outcome.");
        for (labels, series) in &all {
            let _ = writeln!(out, "faas_invocations_total{{{labels}}} {}", series.seconds.count());
        }
        head(out, "faas_cold_starts_total", "counter", "Invocations that were the first of their process.");
        let _ = writeln!(out, "faas_cold_starts_total {}", self.cold());
        let name = "faas_invocation_duration_seconds";
        head(out, name, "histogram", "From the whole event to the outcome.");
        for (labels, series) in &all {
            series.seconds.write(out, name, labels, bounds);
        }
    }
}

/// Writes the lines that stand before those of a metric.
pub(crate) fn head(out: &mut String, name: &str, kind: &str, help: &str) {
    let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Outcome;

    fn labels(route: &str, outcome: Outcome) -> Labels<'_> {
        Labels { function: "shop", trigger: "http", route, method: "GET", status: "2xx", outcome }
    }

    #[test]
    fn each_set_of_labels_is_a_series_and_those_beyond_the_limit_are_one() {
        let bounds = [Bound { text: "1".to_owned(), value: 1.0 }];
        let invocations = Invocations::new(2);
        let add = |route, outcome| invocations.add(&bounds, labels(route, outcome), 0.5, None);
        assert!(!add("/a", Outcome::Ok) && !add("/a", Outcome::Ok) && !add("/b", Outcome::Ok));
        assert!(add("/c", Outcome::Ok), "the first one without a series of its own is told");
        assert!(!add("/d", Outcome::Ok) && !add("/e", Outcome::Error) && !add("/a", Outcome::Ok));
        let mut out = String::new();
        invocations.write(&mut out, &bounds);
        let of = |route: &str, outcome: &str| {
            format!(
                "faas_invocations_total{{function=\"shop\",trigger=\"http\",route=\"{route}\",method=\"GET\",status=\"2xx\",outcome=\"{outcome}\"}}"
            )
        };
        let other = |outcome: &str| {
            of("other", outcome).replace("shop", "other").replace("\"http\"", "\"other\"").replace("GET", "other")
        };
        for (series, count) in [(of("/a", "ok"), 3), (of("/b", "ok"), 1), (other("ok"), 2), (other("error"), 1)] {
            assert!(out.contains(&format!("{series} {count}\n")), "{series} {count} is not in\n{out}");
        }
        assert!(!out.contains("/c"), "{out}");
    }
}
