//! All metrics as data points of OTLP (opentelemetry/proto/metrics/v1/metrics.proto, field by field), cumulative: each
//! report has the sums since the start, so that one that is lost loses no count.

use crate::Gathered;
use crate::histogram::Histogram;
use crate::invocations::Example;
use crate::own::{Metric, Pairs, Samples, unit};
use crate::settings::Bound;
use faas_otlp::{Attribute, Message, Resource, Signal, faas_trigger};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The number of `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: u64 = 2;

/// All metrics, as a signal of the exporter.
#[derive(Debug)]
pub(crate) struct Points(pub(crate) Arc<Gathered>);

/// The item that waits to be sent: the news that something has changed.
#[derive(Debug)]
pub(crate) struct Changed;

/// The beginning and the end of a report, in nanoseconds since 1970.
#[derive(Clone, Copy)]
struct Times {
    start: u64,
    now: u64,
}

/// Returns the present time in nanoseconds since 1970.
pub(crate) fn wall_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

impl Signal for Points {
    type Item = Changed;
    const WORD: &'static str = "data points";

    fn count(&self, _: &[Changed]) -> u64 {
        // Each series has a count and a histogram; then there are cold starts, and those in progress.
        let mut count = 2 * self.0.invocations.series().len() + 2;
        self.0.own.with(|metrics| {
            count += metrics
                .values()
                .map(|metric| match metric {
                    Metric::Counter(series) | Metric::Gauge(series) => series.len(),
                    Metric::Histogram(series) => series.len(),
                })
                .sum::<usize>();
        });
        count as u64
    }

    /// Returns 0, since the next report tells of everything that this one told.
    fn put_back(&self, _: Vec<Changed>, queue: &mut VecDeque<Changed>, _: usize) -> u64 {
        if queue.is_empty() {
            queue.push_back(Changed);
        }
        0
    }

    /// Writes an `ExportMetricsServiceRequest`.
    fn encode(&self, resource: &Resource, _: &[Changed]) -> Vec<u8> {
        let gathered = &self.0;
        let times = Times { start: gathered.start, now: wall_ns() };
        let bounds = &gathered.settings.buckets;
        faas_otlp::request(resource, |of_scope| {
            let series = gathered.invocations.series();
            let labels: Vec<Vec<Attribute>> = series.iter().map(|series| attributes(&series.labels)).collect();
            metric(of_scope, "faas.invocations", "{invocation}", |out| {
                let counts = series.iter().map(|series| Number::Int(series.seconds.count()));
                sum(out, times, true, &labels.iter().map(Vec::as_slice).zip(counts).collect::<Vec<_>>());
            });
            metric(of_scope, "faas.coldstarts", "{coldstart}", |out| {
                sum(out, times, true, &[(&[], Number::Int(gathered.invocations.cold()))]);
            });
            metric(of_scope, "faas.invocations.in_flight", "{invocation}", |out| {
                sum(out, times, false, &[(&[], Number::Int(gathered.in_flight()))]);
            });
            metric(of_scope, "faas.invoke_duration", "s", |out| {
                histograms(out, |out| {
                    for (labels, series) in labels.iter().zip(&series) {
                        histogram(out, times, labels, &series.seconds, bounds, series.take_example());
                    }
                });
            });
            gathered.own.with(|metrics| metrics.iter().for_each(|(name, one)| own(of_scope, times, name, one, bounds)));
        })
    }
}

/// Returns the labels of a series in OpenTelemetry's words.
fn attributes(labels: &[(&'static str, String)]) -> Vec<Attribute> {
    let one = |(name, value): &(&'static str, String)| {
        let (name, value) = match *name {
            "function" => ("faas.name", value.as_str()),
            "trigger" => ("faas.trigger", faas_trigger(value)),
            "route" => ("http.route", value.as_str()),
            "method" if value == "other" => ("http.request.method", "_OTHER"),
            "method" => ("http.request.method", value.as_str()),
            other => (other, value.as_str()),
        };
        (name.into(), value.into())
    };
    labels.iter().map(one).collect()
}

/// A number of a data point.
#[derive(Clone, Copy)]
enum Number {
    Int(u64),
    Double(f64),
}

/// Writes a `Metric`: its name, its unit and its data.
fn metric(of_scope: &mut Message, name: &str, unit: &str, data: impl FnOnce(&mut Message)) {
    of_scope.message(2, |out| {
        out.bytes(1, name.as_bytes());
        if !unit.is_empty() {
            out.bytes(3, unit.as_bytes());
        }
        data(out);
    });
}

/// Writes a `Sum` of these points.
fn sum(out: &mut Message, times: Times, is_monotonic: bool, points: &[(&[Attribute], Number)]) {
    out.message(7, |out| {
        points.iter().for_each(|(labels, number)| point(out, times, labels, *number));
        out.number(2, CUMULATIVE);
        out.number(3, u64::from(is_monotonic));
    });
}

/// Writes a `NumberDataPoint` of one number.
fn point(out: &mut Message, times: Times, labels: &[Attribute], number: Number) {
    out.message(1, |out| {
        out.fixed64(2, times.start);
        out.fixed64(3, times.now);
        match number {
            Number::Double(value) => out.double(4, value),
            // The field is an `sfixed64`, which such a count fits.
            Number::Int(value) => out.fixed64(6, value),
        }
        out.attributes(7, labels);
    });
}

/// Writes a `Histogram` of some points.
fn histograms(out: &mut Message, points: impl FnOnce(&mut Message)) {
    out.message(9, |out| {
        points(out);
        out.number(2, CUMULATIVE);
    });
}

/// Writes a `HistogramDataPoint` of one histogram.
fn histogram(
    out: &mut Message,
    times: Times,
    labels: &[Attribute],
    of: &Histogram,
    bounds: &[Bound],
    example: Option<Example>,
) {
    out.message(1, |out| {
        let buckets = of.buckets();
        out.fixed64(2, times.start);
        out.fixed64(3, times.now);
        out.fixed64(4, buckets.iter().sum());
        out.double(5, of.sum());
        out.packed(6, buckets.into_iter());
        out.packed(7, bounds.iter().map(|bound| bound.value.to_bits()));
        if let Some(example) = example {
            out.message(8, |exemplar| {
                exemplar.fixed64(2, example.time);
                exemplar.double(3, example.seconds);
                exemplar.bytes(4, &example.span);
                exemplar.bytes(5, &example.trace);
            });
        }
        out.attributes(9, labels);
    });
}

/// Writes a metric that functions report.
fn own(of_scope: &mut Message, times: Times, name: &str, one: &Metric, bounds: &[Bound]) {
    // The unit is one of UCUM, where the name ends in one.
    let unit = match unit(name) {
        "Seconds" => "s",
        "Bytes" => "By",
        "Percent" => "%",
        _ => "",
    };
    let labelled = |labels: &Pairs| -> Vec<Attribute> {
        labels.iter().map(|(name, value)| (name.clone().into(), value.as_str().into())).collect()
    };
    let numbers = |series: &Samples<f64>| -> Vec<(Vec<Attribute>, Number)> {
        series.values().map(|sample| (labelled(&sample.labels), Number::Double(sample.value))).collect()
    };
    metric(of_scope, name, unit, |out| match one {
        Metric::Counter(series) => {
            let points = numbers(series);
            let points: Vec<(&[Attribute], Number)> =
                points.iter().map(|(labels, number)| (labels.as_slice(), *number)).collect();
            sum(out, times, true, &points);
        }
        // This is a `Gauge`.
        Metric::Gauge(series) => out.message(5, |out| {
            numbers(series).iter().for_each(|(labels, number)| point(out, times, labels, *number));
        }),
        Metric::Histogram(series) => histograms(out, |out| {
            for sample in series.values() {
                histogram(out, times, &labelled(&sample.labels), &sample.value, bounds, None);
            }
        }),
    });
}
