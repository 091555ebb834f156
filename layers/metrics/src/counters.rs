//! What is counted, and how Prometheus reads it.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// With a reply.
    Ok,
    /// With an error.
    Error,
    /// With a panic.
    Panic,
    /// Cancelled or out of time.
    Cancelled,
}

const OUTCOMES: [(Outcome, &str); 4] =
    [(Outcome::Ok, "ok"), (Outcome::Error, "error"), (Outcome::Panic, "panic"), (Outcome::Cancelled, "cancelled")];

/// Upper bounds of the duration's buckets in microseconds, with the text of the same in seconds.
const BUCKETS: [(u64, &str); 10] = [
    (100, "0.0001"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (5_000, "0.005"),
    (25_000, "0.025"),
    (100_000, "0.1"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (5_000_000, "5"),
    (30_000_000, "30"),
];

/// Counts since start. Each is its own; a reader may see one a moment before another.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    outcomes: [AtomicU64; OUTCOMES.len()],
    /// Not cumulative; the last is for what no bucket holds.
    buckets: [AtomicU64; BUCKETS.len() + 1],
    sum_ns: AtomicU64,
    cold: AtomicU64,
}

impl Counters {
    /// One invocation more.
    pub(crate) fn add(&self, outcome: Outcome, took_ns: u64, cold: bool) {
        self.outcomes[outcome as usize].fetch_add(1, Ordering::Relaxed);
        let bucket = BUCKETS.partition_point(|(bound, _)| bound * 1000 < took_ns);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(took_ns, Ordering::Relaxed);
        if cold {
            self.cold.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The text format, version 0.0.4.
    pub(crate) fn prometheus(&self, in_flight: u64) -> String {
        let mut out = String::with_capacity(2048);
        let mut metric = |name: &str, kind: &str, help: &str, samples: &dyn Fn(&mut String)| {
            let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
            samples(&mut out);
        };
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        metric("faas_invocations_total", "counter", "Invocations by outcome.", &|out| {
            for (index, (_, word)) in OUTCOMES.iter().enumerate() {
                let _ = writeln!(out, "faas_invocations_total{{outcome=\"{word}\"}} {}", load(&self.outcomes[index]));
            }
        });
        metric("faas_cold_starts_total", "counter", "Invocations that were the first of their process.", &|out| {
            let _ = writeln!(out, "faas_cold_starts_total {}", load(&self.cold));
        });
        metric("faas_invocations_in_flight", "gauge", "Invocations in progress.", &|out| {
            let _ = writeln!(out, "faas_invocations_in_flight {in_flight}");
        });
        let name = "faas_invocation_duration_seconds";
        metric(name, "histogram", "From the whole event to the outcome.", &|out| {
            let mut total = 0;
            for (index, (_, bound)) in BUCKETS.iter().enumerate() {
                total += load(&self.buckets[index]);
                let _ = writeln!(out, "{name}_bucket{{le=\"{bound}\"}} {total}");
            }
            total += load(&self.buckets[BUCKETS.len()]);
            let sum = load(&self.sum_ns);
            let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {total}");
            let _ = writeln!(out, "{name}_sum {}.{:09}", sum / 1_000_000_000, sum % 1_000_000_000);
            let _ = writeln!(out, "{name}_count {total}");
        });
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_bounds_belong_to_them() {
        let counters = Counters::default();
        counters.add(Outcome::Ok, 100_000, true);
        counters.add(Outcome::Ok, 100_001, false);
        counters.add(Outcome::Panic, 60_000_000_000, false);
        let text = counters.prometheus(2);
        for line in [
            "faas_invocations_total{outcome=\"ok\"} 2",
            "faas_invocations_total{outcome=\"panic\"} 1",
            "faas_cold_starts_total 1",
            "faas_invocations_in_flight 2",
            "faas_invocation_duration_seconds_bucket{le=\"0.0001\"} 1",
            "faas_invocation_duration_seconds_bucket{le=\"0.0005\"} 2",
            "faas_invocation_duration_seconds_bucket{le=\"30\"} 2",
            "faas_invocation_duration_seconds_bucket{le=\"+Inf\"} 3",
            "faas_invocation_duration_seconds_sum 60.000200001",
            "faas_invocation_duration_seconds_count 3",
        ] {
            assert!(text.lines().any(|other| other == line), "{line:?} is not in\n{text}");
        }
    }
}
