//! The project's budgets beside the measured values.

use crate::lambda::quantity::*;
use crate::name::*;
use crate::suites::{LAYERS, Results, Suite, layered};
use crate::table;
use crate::units::{RUNTIMES, Unit};

/// A budget for one measured value.
struct Budget {
    what: String,
    limit: f64,
    /// `true` if the measured value is to be at least the limit, not at most.
    at_least: bool,
    measured: Option<f64>,
    digits: usize,
    unit: &'static str,
}

fn at_most(what: impl Into<String>, limit: f64, measured: Option<f64>) -> Budget {
    Budget { what: what.into(), limit, at_least: false, measured, digits: 2, unit: " ×" }
}

fn at_least(what: impl Into<String>, limit: f64, measured: Option<f64>) -> Budget {
    Budget { at_least: true, ..at_most(what, limit, measured) }
}

fn in_units(what: impl Into<String>, limit: f64, unit: &'static str, digits: usize, measured: Option<f64>) -> Budget {
    Budget { digits, unit, ..at_most(what, limit, measured) }
}

impl Budget {
    fn row(&self) -> Vec<String> {
        let sign = if self.at_least { "≥" } else { "≤" };
        let met = self.measured.map(|measured| {
            let measured = round(measured, self.digits);
            if self.at_least { measured >= self.limit } else { measured <= self.limit }
        });
        let met = met.map_or("–", |met| if met { "yes" } else { "**no**" });
        let limit = format!("{sign} {}{}", self.limit, self.unit);
        let measured = table::number(self.measured, self.digits);
        vec![self.what.clone(), limit, format!("{measured}{}", self.unit), met.to_owned()]
    }
}

/// Rounds a number, since the value in the table counts.
fn round(number: f64, digits: usize) -> f64 {
    format!("{number:.digits$}").parse().unwrap_or(number)
}

/// Returns all budgets as a table.
pub fn table(results: &Results) -> String {
    let budgets = [cold(results), steady(results), layers(results), server(results), units(results), memory(results)];
    let head = ["budget", "limit", "measured", "met"].map(str::to_owned);
    let rows: Vec<_> = budgets.iter().flatten().map(Budget::row).collect();
    table::markdown(&head, &rows)
}

fn cold(results: &Results) -> Vec<Budget> {
    let ratio = |one, other| results.cold.samples.ratio(one, other, FIRST_POLL);
    vec![
        at_most("start: light-bootstrap to a C host of a plain std library", 1.15, ratio(LIGHT, C_PLAIN)),
        at_most("start: light-bootstrap to lambda_runtime tuned, one thread", 0.9, ratio(LIGHT, RAW)),
        at_most("start: one static file to the static C floor", 1.15, ratio(ONE_FILE, C_STATIC)),
        at_most("start: bootstrap with two layers to lambda_runtime tuned, one thread", 1.1, ratio(FULL_LAYERS, RAW)),
        at_most("start: the same to lambda_runtime as users build it", 1.0, ratio(FULL_LAYERS, README_STOCK)),
    ]
}

fn steady(results: &Results) -> Vec<Budget> {
    let ratio = |suite: &Suite, one, other| suite.samples.ratio(one, other, P50);
    let (steady, sparse, http) = (&results.steady, &results.sparse, &results.http_event);
    let mut budgets = vec![
        at_most("round trip, one core: light-bootstrap to the C floor", 1.08, ratio(steady, LIGHT, C_STATIC)),
        at_most("round trip, one core: bootstrap to lambda_runtime's best", 1.0, ratio(steady, FULL, RAW)),
        at_most("the same to lambda_runtime as users write it", 0.5, ratio(steady, FULL, README_STOCK)),
        at_most("HTTP event: light-bootstrap to lambda_http tuned, one thread", 0.6, ratio(http, LIGHT, HTTP_SINGLE)),
        at_most("HTTP event: bootstrap to lambda_http tuned, one thread", 0.6, ratio(http, FULL, HTTP_SINGLE)),
        at_most("sparse traffic: light-bootstrap to the C floor", 1.3, ratio(sparse, LIGHT, C_STATIC)),
        at_most("sparse traffic: bootstrap to the C floor", 1.9, ratio(sparse, FULL, C_STATIC)),
    ];
    if let Some((label, suite)) = results.sizes.last() {
        for runtime in [LIGHT, FULL] {
            let what = format!("{label} event: {runtime} to the C floor");
            budgets.push(at_most(what, 1.5, ratio(suite, runtime, C_STATIC)));
        }
    }
    budgets
}

/// Returns the nanoseconds that one layer of that kind adds to a round trip; from `layers` of them.
pub fn layer_ns(results: &Results, runtime: &str, kind: &str, layers: usize) -> Option<f64> {
    let (with, without) = (layered(runtime, kind, layers), layered(runtime, kind, 0));
    let more = results.layers.samples.paired(&with, &without, P50, |with, without| with - without)?;
    Some(more * 1e3 / crate::lambda::count(layers))
}

fn layers(results: &Results) -> Vec<Budget> {
    let most = LAYERS[LAYERS.len() - 1];
    let mut budgets = Vec::new();
    for (kind, limit) in [("working", 100.0), ("empty", 5.0)] {
        for runtime in [LIGHT, FULL] {
            let measured = layer_ns(results, runtime, kind, most);
            budgets.push(in_units(format!("one {kind} layer of {most}: {runtime}"), limit, " ns", 0, measured));
        }
    }
    budgets
}

fn server(results: &Results) -> Vec<Budget> {
    let mut budgets = Vec::new();
    for (connections, suite) in &results.server {
        for (runtime, peer, share) in [(FULL, HYPER, 0.9), (LIGHT, C_SERVER, 0.8)] {
            let at = format!("HTTP, {connections} connections: {runtime} to {peer}");
            let ratio = |one, other, quantity| suite.samples.ratio(one, other, quantity);
            if *connections == 1 {
                budgets.push(at_least(format!("{at}, requests/s"), share, ratio(runtime, peer, RATE)));
            } else {
                // CPU of the peer to CPU of the runtime, so that more is better as in the row above.
                budgets.push(at_least(format!("{at}, requests for the same CPU"), share, ratio(peer, runtime, CPU)));
            }
            budgets.push(at_most(format!("{at}, p99"), 1.1, ratio(runtime, peer, P99)));
        }
    }
    budgets
}

fn units(results: &Results) -> Vec<Budget> {
    let mut budgets = Vec::new();
    for runtime in RUNTIMES {
        let suite = results.unit_trips.iter().find(|(other, _)| *other == runtime).map(|(_, suite)| suite);
        let (many, alone) = (Unit::Eager.words(), Unit::Alone.words());
        let more = suite.and_then(|suite| suite.samples.paired(many, alone, P50, |many, alone| many - alone));
        let what = format!("finding the function of a request among 1,000: {runtime}");
        budgets.push(in_units(what, 1000.0, " ns", 0, more.map(|micros| micros * 1e3)));
    }
    for runtime in RUNTIMES {
        let timer = |unit| {
            let mut counted = results.unit_counts.iter();
            let counted = counted.find(|counted| counted.runtime == runtime && counted.unit == unit);
            counted.map(|counted| counted.timer.instructions)
        };
        let ratio = timer(Unit::One).zip(timer(Unit::Alone)).map(|(one, alone)| one / alone);
        let what = format!("instructions of an invocation, a unit of one to no manifest: {runtime}");
        budgets.push(Budget { digits: 3, ..at_most(what, 1.01, ratio) });
    }
    let reading = results.manifest.as_ref().map(|reading| reading.median.as_secs_f64() * 1e3);
    budgets.push(in_units("reading a manifest of 1,000 functions", 2.0, " ms", 2, reading));
    budgets
}

fn memory(results: &Results) -> Vec<Budget> {
    let pss = |subject| results.steady.samples.median(subject, PSS);
    #[expect(clippy::cast_precision_loss, reason = "sizes of files are far below 2^52")]
    let kib = |subject| results.files.iter().find(|(name, _)| name == subject).map(|(_, size)| *size as f64 / 1024.0);
    vec![
        in_units("memory (Pss) after warm-up: light-bootstrap", 1.6, " MiB", 2, pss(LIGHT)),
        in_units("memory (Pss) after warm-up: bootstrap", 3.0, " MiB", 2, pss(FULL)),
        in_units("size, stripped: light-bootstrap", 1000.0, " KiB", 0, kib(LIGHT)),
        in_units(format!("size, stripped: {LIGHT_AWS}"), 700.0, " KiB", 0, kib(LIGHT_AWS)),
        in_units("size, stripped: bootstrap", 4096.0, " KiB", 0, kib(FULL)),
    ]
}
