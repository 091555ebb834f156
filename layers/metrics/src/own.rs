//! Numbers that functions and other layers report through `faas.telemetry`.

use crate::emf;
use crate::histogram::Histogram;
use crate::invocations::head;
use crate::labels::{line, push};
use crate::settings::Settings;
use handlers_sdk::telemetry::{Gather, Labels};
use handlers_sdk::{Config, Line};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most reports that are kept for the next document in CloudWatch's format, which holds no more of one metric.
const MOST_PENDING: usize = 100;

/// The destination of numbers, which is known with the platform: 0 not yet, 1 documents, 2 the page for Prometheus.
const UNKNOWN: u8 = 0;
const DOCUMENTS: u8 = 1;
const PAGE: u8 = 2;

/// The gatherer of reported numbers.
#[derive(Debug)]
pub(crate) struct Own {
    settings: Arc<Settings>,
    destination: AtomicU8,
    kept: Mutex<Kept>,
}

/// A series: its labels, and its present value.
#[derive(Debug)]
pub(crate) struct Sample<T> {
    pub(crate) labels: Pairs,
    pub(crate) value: T,
}

/// Series by the text of their labels.
pub(crate) type Samples<T> = BTreeMap<String, Sample<T>>;

#[derive(Debug, Default)]
struct Kept {
    metrics: BTreeMap<String, Metric>,
    /// The number of series of all metrics together.
    series: usize,
    /// `true` once a series was not kept apart, of which a line was written.
    is_full: bool,
    pending: Vec<Report>,
    dropped: u64,
}

/// One metric with its series by labels. All of one name are of one kind.
#[derive(Debug)]
pub(crate) enum Metric {
    Counter(Samples<f64>),
    Gauge(Samples<f64>),
    Histogram(Samples<Histogram>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// The labels as they were reported.
pub(crate) type Pairs = Vec<(String, String)>;
/// The values by the name of their metric.
type Values = BTreeMap<String, Vec<f64>>;

/// A number on its way to a document.
#[derive(Debug)]
struct Report {
    name: String,
    labels: Pairs,
    value: f64,
}

impl Own {
    pub(crate) fn new(settings: Arc<Settings>) -> Own {
        Own { settings, destination: AtomicU8::new(UNKNOWN), kept: Mutex::default() }
    }

    /// Says where the process' numbers go: into documents on the log, or to the page that Prometheus reads.
    pub(crate) fn goes_to_documents(&self, documents: bool) {
        if self.destination.load(Ordering::Relaxed) == UNKNOWN {
            self.destination.store(if documents { DOCUMENTS } else { PAGE }, Ordering::Relaxed);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, kind: Kind, name: &str, value: f64, labels: Labels<'_>) {
        if !value.is_finite() || kind == Kind::Counter && value < 0.0 || !is_name(name) {
            return;
        }
        let destination = self.destination.load(Ordering::Relaxed);
        let mut kept = self.kept();
        if destination != PAGE {
            if kept.pending.len() < MOST_PENDING {
                kept.pending.push(Report { name: name.to_owned(), labels: owned(labels), value });
            } else {
                kept.dropped += 1;
            }
        }
        let is_kept = destination != DOCUMENTS || self.settings.otlp.is_some();
        if is_kept && kept.add(&self.settings, kind, name, value, labels) {
            drop(kept);
            handlers_sdk::warn!(
                "more than {} series of own metrics: further ones are counted as series=\"other\"",
                self.settings.series
            );
        }
    }

    /// Shows all metrics, by their names.
    pub(crate) fn with(&self, show: impl FnOnce(&BTreeMap<String, Metric>)) {
        show(&self.kept().metrics);
    }

    /// Writes its part of the page that Prometheus reads.
    pub(crate) fn write(&self, out: &mut String) {
        for (name, metric) in &self.kept().metrics {
            let name: String = name.chars().map(|c| if c == '.' { '_' } else { c }).collect();
            match metric {
                Metric::Counter(series) => numbers(out, &name, "counter", series),
                Metric::Gauge(series) => numbers(out, &name, "gauge", series),
                Metric::Histogram(series) => {
                    head(out, &name, "histogram", "Reported by the application.");
                    for (labels, sample) in series {
                        sample.value.write(out, &name, labels, &self.settings.buckets);
                    }
                }
            }
        }
    }

    /// Writes the pending numbers as documents, one for each set of labels.
    pub(crate) fn flush(&self, config: &Config) {
        let (pending, dropped) = {
            let mut kept = self.kept();
            if kept.pending.is_empty() {
                return;
            }
            (std::mem::take(&mut kept.pending), std::mem::take(&mut kept.dropped))
        };
        if dropped > 0 {
            handlers_sdk::warn!(
                "{dropped} reports of own metrics found no room: {MOST_PENDING} are kept between two invocations"
            );
        }
        let mut groups: BTreeMap<Pairs, Values> = BTreeMap::new();
        for Report { name, labels, value } in pending {
            groups.entry(labels).or_default().entry(name).or_default().push(value);
        }
        for (labels, metrics) in groups {
            document(self.settings.namespace, &labels, &metrics).emit(config);
        }
    }
}

impl Gather for Own {
    fn counter(&self, name: &str, value: f64, labels: Labels<'_>) {
        self.add(Kind::Counter, name, value, labels);
    }

    fn gauge(&self, name: &str, value: f64, labels: Labels<'_>) {
        self.add(Kind::Gauge, name, value, labels);
    }

    fn histogram(&self, name: &str, value: f64, labels: Labels<'_>) {
        self.add(Kind::Histogram, name, value, labels);
    }
}

impl Kept {
    /// Returns `true` the first time that a series is not kept apart any more.
    fn add(&mut self, settings: &Settings, kind: Kind, name: &str, value: f64, labels: Labels<'_>) -> bool {
        let mut text = String::new();
        labels.iter().for_each(|(name, value)| push(&mut text, name, value));
        let limit = settings.series;
        // A metric has one series more, for all that are not kept apart. A name beyond the limit is dropped.
        if !self.metrics.contains_key(name) {
            if self.metrics.len() >= limit {
                return !std::mem::replace(&mut self.is_full, true);
            }
            let metric = match kind {
                Kind::Counter => Metric::Counter(BTreeMap::new()),
                Kind::Gauge => Metric::Gauge(BTreeMap::new()),
                Kind::Histogram => Metric::Histogram(BTreeMap::new()),
            };
            self.metrics.insert(name.to_owned(), metric);
        }
        let Some(metric) = self.metrics.get_mut(name) else { return false };
        let is_new = match metric {
            Metric::Counter(series) | Metric::Gauge(series) => !series.contains_key(&text),
            Metric::Histogram(series) => !series.contains_key(&text),
        };
        let is_beyond = is_new && self.series >= limit;
        if is_beyond {
            text = line(&other());
        } else if is_new {
            self.series += 1;
        }
        let labels = || if is_beyond { other() } else { owned(labels) };
        let number = || Sample { labels: labels(), value: 0.0 };
        match (metric, kind) {
            (Metric::Counter(series), Kind::Counter) => series.entry(text).or_insert_with(number).value += value,
            (Metric::Gauge(series), Kind::Gauge) => series.entry(text).or_insert_with(number).value = value,
            (Metric::Histogram(series), Kind::Histogram) => {
                let made = || Sample { labels: labels(), value: Histogram::new(&settings.buckets) };
                series.entry(text).or_insert_with(made).value.add(&settings.buckets, value);
            }
            // A name that has another kind already cannot have both.
            _ => {}
        }
        is_beyond && !std::mem::replace(&mut self.is_full, true)
    }
}

/// Returns the labels of all series that are not kept apart.
fn other() -> Pairs {
    vec![("series".to_owned(), "other".to_owned())]
}

fn owned(labels: Labels<'_>) -> Pairs {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn numbers(out: &mut String, name: &str, kind: &str, series: &Samples<f64>) {
    head(out, name, kind, "Reported by the application.");
    for (labels, sample) in series {
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(out, "{name}{braced} {}", sample.value);
    }
}

/// Returns `true` for letters, digits, `_` and `.`, unless it is a name of the layer's own.
fn is_name(name: &str) -> bool {
    let is_legal = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'.';
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(is_legal)
        && !name.starts_with("faas_")
}

fn document(namespace: &str, labels: &[(String, String)], metrics: &Values) -> Line {
    let listed: Vec<String> = metrics
        .keys()
        .map(|name| {
            let mut line = Line::new();
            line.text("Name", name).text("Unit", unit(name));
            line.finish()
        })
        .collect();
    let mut line = emf::begin(&emf::directive(namespace, &dimensions(labels), &listed.join(",")));
    for (name, value) in labels {
        line.text(name, value);
    }
    for (name, values) in metrics {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        line.json(name, &if values.len() == 1 { values.concat() } else { format!("[{}]", values.join(",")) });
    }
    line
}

/// Returns one set of dimensions: the names of the labels.
fn dimensions(labels: &[(String, String)]) -> String {
    let names: Vec<String> = labels
        .iter()
        .map(|(name, _)| {
            // An object of one member writes its name as JSON.
            let mut line = Line::new();
            line.json(name, "");
            line.finish().trim_matches(['{', '}', ':']).to_owned()
        })
        .collect();
    format!("[[{}]]", names.join(","))
}

/// Returns CloudWatch's unit of a metric, by the end of its name.
pub(crate) fn unit(name: &str) -> &'static str {
    match name.rsplit(['_', '.']).next() {
        Some("total" | "count") => "Count",
        Some("seconds") => "Seconds",
        Some("bytes") => "Bytes",
        Some("percent") => "Percent",
        _ => "None",
    }
}
