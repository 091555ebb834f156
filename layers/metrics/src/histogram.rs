//! A histogram that any number of threads add to.

use crate::settings::Bound;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

/// The counts by bucket, and their sum. Each is an atomic of its own, so a reader may see one a moment before another.
#[derive(Debug)]
pub(crate) struct Histogram {
    /// The counts, not cumulative. The last is for values above all bounds.
    buckets: Box<[AtomicU64]>,
    /// The sum, as the bits of a floating-point number.
    sum: AtomicU64,
}

impl Histogram {
    pub(crate) fn new(bounds: &[Bound]) -> Histogram {
        Histogram { buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(), sum: AtomicU64::new(0) }
    }

    /// Adds one more observation. A value equal to a bound belongs to the bucket of that bound.
    pub(crate) fn add(&self, bounds: &[Bound], value: f64) {
        let bucket = bounds.partition_point(|bound| bound.value < value);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let more = |bits| Some((f64::from_bits(bits) + value).to_bits());
        // The update never fails: the closure always returns a number.
        let _ = self.sum.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
    }

    /// Returns how many there were.
    pub(crate) fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// Returns the counts by bucket, the last for values above all bounds.
    pub(crate) fn buckets(&self) -> Vec<u64> {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect()
    }

    /// Returns the sum of all observations.
    pub(crate) fn sum(&self) -> f64 {
        f64::from_bits(self.sum.load(Ordering::Relaxed))
    }

    /// Writes its lines in Prometheus' text format. `labels` are without braces.
    pub(crate) fn write(&self, out: &mut String, name: &str, labels: &str, bounds: &[Bound]) {
        let comma = if labels.is_empty() { "" } else { "," };
        let braced = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let mut total = 0;
        let bounds = bounds.iter().map(|bound| bound.text.as_str()).chain(["+Inf"]);
        for (bucket, bound) in self.buckets.iter().zip(bounds) {
            total += bucket.load(Ordering::Relaxed);
            let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {total}");
        }
        let _ = writeln!(out, "{name}_sum{braced} {}\n{name}_count{braced} {total}", self.sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_bounds_belong_to_them() {
        let bounds = [("0.1", 0.1), ("1", 1.0)].map(|(text, value)| Bound { text: text.to_owned(), value });
        let histogram = Histogram::new(&bounds);
        for value in [0.1, 0.125, 60.0] {
            histogram.add(&bounds, value);
        }
        let mut out = String::new();
        histogram.write(&mut out, "h", "a=\"b\"", &bounds);
        let expected = "h_bucket{a=\"b\",le=\"0.1\"} 1\nh_bucket{a=\"b\",le=\"1\"} 2\nh_bucket{a=\"b\",le=\"+Inf\"} 3\n\
                        h_sum{a=\"b\"} 60.225\nh_count{a=\"b\"} 3\n";
        assert_eq!((out.as_str(), histogram.count()), (expected, 3));
    }
}
