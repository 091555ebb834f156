//! The configuration of the layer, by variables of the environment.

use faas_otlp::{Export, Flush, Names, Written};
use handlers_sdk::{Config, Error};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The upper bounds of histograms' buckets, in seconds, where no others are configured.
const BUCKETS: &str = "0.0001,0.0005,0.001,0.005,0.025,0.1,0.5,1,5,30";
/// The most series, where no other number is configured.
const SERIES: usize = 200;

/// An upper bound of a histogram.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bound {
    /// The bound as it was configured, which a line of Prometheus repeats.
    pub(crate) text: String,
    pub(crate) value: f64,
}

/// A dimension of CloudWatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dimension {
    FunctionName,
    Service,
    Stage,
    Version,
    Trigger,
    Route,
    Method,
    StatusClass,
    Outcome,
}

impl Dimension {
    const ALL: [Dimension; 9] = [
        Dimension::FunctionName,
        Dimension::Service,
        Dimension::Stage,
        Dimension::Version,
        Dimension::Trigger,
        Dimension::Route,
        Dimension::Method,
        Dimension::StatusClass,
        Dimension::Outcome,
    ];

    /// Returns its name in CloudWatch.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dimension::FunctionName => "FunctionName",
            Dimension::Service => "Service",
            Dimension::Stage => "Stage",
            Dimension::Version => "Version",
            Dimension::Trigger => "Trigger",
            Dimension::Route => "Route",
            Dimension::Method => "Method",
            Dimension::StatusClass => "StatusClass",
            Dimension::Outcome => "Outcome",
        }
    }
}

/// The whole configuration of the layer.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The namespace in CloudWatch.
    pub(crate) namespace: &'static str,
    /// The sets of dimensions in CloudWatch.
    pub(crate) dimensions: Vec<Vec<Dimension>>,
    /// The path that is answered in the function's place, or on the port of its own.
    pub(crate) path: &'static str,
    /// The port of its own; `None` if it has no such port.
    pub(crate) listen: Option<SocketAddr>,
    /// The bounds of the buckets, ascending.
    pub(crate) buckets: Vec<Bound>,
    /// The most series that are kept apart, of invocations and again of own metrics.
    pub(crate) series: usize,
    /// The way to a collector; `None` if nothing is sent to one.
    pub(crate) otlp: Option<Export>,
}

const NAMES: Names = Names { variable: "METRICS", path: "/v1/metrics" };
/// OpenTelemetry's variables: a list of exporters, and how often metrics are sent, in milliseconds.
const EXPORTER: &str = "OTEL_METRICS_EXPORTER";
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let text = |name| config.env(name).filter(|value| !value.is_empty());
        let dimensions = text("FAAS_METRICS_DIMENSIONS").unwrap_or("FunctionName");
        let buckets = text("FAAS_METRICS_BUCKETS").unwrap_or(BUCKETS);
        Ok(Settings {
            namespace: text("FAAS_METRICS_NAMESPACE").unwrap_or("runtime-engine"),
            dimensions: dimensions_of(dimensions)?,
            path: text("FAAS_METRICS_PATH").unwrap_or("/metrics"),
            listen: text("FAAS_METRICS_LISTEN").map(address_of).transpose()?,
            buckets: buckets_of(buckets)?,
            series: text("FAAS_METRICS_SERIES").map_or(Ok(SERIES), series_of)?,
            otlp: otlp(config)?,
        })
    }
}

/// Returns the way to a collector; `None` if OpenTelemetry's variable does not say `otlp`.
fn otlp(config: &Config) -> Result<Option<Export>, Error> {
    let text = |name| config.env(name).map(str::trim).filter(|value| !value.is_empty());
    if !text(EXPORTER).is_some_and(|list| list.split(',').any(|word| word.trim() == "otlp")) {
        return Ok(None);
    }
    let interval = text(INTERVAL).map_or(Ok(60_000), |found| {
        let millis = found.parse().ok().filter(|millis| *millis > 0);
        millis.ok_or_else(|| wrong(INTERVAL, "milliseconds over zero, like 60000", found))
    })?;
    let written = Written {
        endpoint: None,
        headers: None,
        service_name: None,
        attributes: Vec::new(),
        flush: Flush::Auto,
        interval: Duration::from_millis(interval),
        timeout: None,
        // At most one report waits, since it tells of everything; so no report is sent early because many wait.
        max_queue: 2,
        max_batch: 2,
    };
    Export::read(config, NAMES, written).map(Some)
}

fn wrong(variable: &str, expected: &str, found: &str) -> Error {
    Error::new("Metrics.Config", format!("{variable}: expected {expected}, found {found:?}"))
}

fn dimensions_of(text: &str) -> Result<Vec<Vec<Dimension>>, Error> {
    let one = |name: &str| {
        let found = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name.trim());
        found.ok_or_else(|| {
            let all = Dimension::ALL.map(Dimension::name).join(", ");
            wrong("FAAS_METRICS_DIMENSIONS", &format!("sets like FunctionName;FunctionName,Route of {all}"), text)
        })
    };
    text.split(';').map(|set| set.split(',').map(one).collect()).collect()
}

fn buckets_of(text: &str) -> Result<Vec<Bound>, Error> {
    let wrong = || wrong("FAAS_METRICS_BUCKETS", "ascending upper bounds over zero, like 0.01,0.1,1", text);
    let mut bounds: Vec<Bound> = Vec::new();
    for word in text.split(',').map(str::trim) {
        let value: f64 = word.parse().map_err(|_| wrong())?;
        let is_next = value.is_finite() && value > bounds.last().map_or(0.0, |last| last.value);
        if !is_next {
            return Err(wrong());
        }
        bounds.push(Bound { text: word.to_owned(), value });
    }
    Ok(bounds)
}

/// Returns a port on every address, or an address with its port.
fn address_of(text: &str) -> Result<SocketAddr, Error> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    text.parse().map_err(|_| wrong("FAAS_METRICS_LISTEN", "a port, or an address like 127.0.0.1:9464", text))
}

fn series_of(text: &str) -> Result<usize, Error> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| wrong("FAAS_METRICS_SERIES", "a number over zero", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_are_sets_of_known_names() {
        use Dimension::*;
        assert_eq!(
            dimensions_of("FunctionName; FunctionName, Route").expect("they are known"),
            [vec![FunctionName], vec![FunctionName, Route]]
        );
        let error = dimensions_of("FunctionName,Path").expect_err("paths have no end");
        assert!(error.message().starts_with("FAAS_METRICS_DIMENSIONS: expected sets like"), "{error}");
    }

    #[test]
    fn bounds_ascend_and_keep_their_text() {
        let bounds = buckets_of("0.010, 0.1,1").expect("they ascend");
        assert_eq!((bounds[0].text.as_str(), bounds[0].value, bounds.len()), ("0.010", 0.01, 3));
        for wrong in ["", "0", "1,1", "2,1", "1,NaN", "1,inf", "a"] {
            assert!(buckets_of(wrong).is_err(), "{wrong:?}");
        }
        assert!(buckets_of(BUCKETS).is_ok());
    }

    #[test]
    fn a_port_alone_is_one_on_every_address() {
        assert_eq!(address_of("9464").expect("a port"), SocketAddr::from(([0, 0, 0, 0], 9464)));
        assert_eq!(address_of("127.0.0.1:1").expect("an address"), SocketAddr::from(([127, 0, 0, 1], 1)));
        assert!(address_of("localhost:1").is_err() && address_of("70000").is_err());
        assert!(series_of("0").is_err() && series_of("many").is_err());
    }
}
