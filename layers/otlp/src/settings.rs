//! The settings that say where telemetry goes, and when: a layer's own configuration, and where that is silent
//! OpenTelemetry's variables (opentelemetry.io/docs/specs/otel/protocol/exporter). A variable of one signal goes before
//! that of all.

use crate::collector::Endpoint;
use crate::message::Attribute;
use handlers_sdk::{Config, Error};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::time::Duration;

/// The moments at which telemetry is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Flush {
    /// It is sent after each reply where the platform freezes the process then, and at intervals elsewhere.
    #[default]
    Auto,
    /// It is sent after each reply.
    Reply,
    /// It is sent at intervals.
    Interval,
}

/// The names of a signal's variables.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// The signal's word in names of variables: `TRACES`.
    pub variable: &'static str,
    /// The path that a collector takes it at: `/v1/traces`.
    pub path: &'static str,
}

/// A layer's own configuration. Keys that it leaves open are read from OpenTelemetry's variables.
#[derive(Debug)]
pub struct Written {
    /// The key `endpoint`.
    pub endpoint: Option<String>,
    /// The key `headers`.
    pub headers: Option<Vec<(String, String)>>,
    /// The key `serviceName`.
    pub service_name: Option<String>,
    /// The key `attributes`.
    pub attributes: Vec<(String, String)>,
    /// The key `flush`.
    pub flush: Flush,
    /// The key `interval`.
    pub interval: Duration,
    /// The key `timeout`.
    pub timeout: Option<Duration>,
    /// The key `maxQueue`.
    pub max_queue: usize,
    /// The key `maxBatch`.
    pub max_batch: usize,
}

/// Everything that an exporter needs to know.
#[derive(Clone, Debug)]
pub struct Export {
    /// The address of the collector.
    pub endpoint: Endpoint,
    /// The headers of each request.
    pub headers: Vec<(String, String)>,
    /// The name of the service; `None` if it is not configured.
    pub service_name: Option<String>,
    /// The further attributes of the resource.
    pub attributes: Vec<(String, String)>,
    /// The moments at which it is sent.
    pub flush: Flush,
    /// The time that an item waits for more.
    pub interval: Duration,
    /// The time that a request may take, its answer included.
    pub timeout: Duration,
    /// The most items that wait.
    pub max_queue: usize,
    /// The most items of one request.
    pub max_batch: usize,
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Returns the value of a variable; `None` if it is not set or empty.
fn variable(config: &Config, name: &str) -> Option<&'static str> {
    config.env(name).map(str::trim).filter(|value| !value.is_empty())
}

/// Returns an attribute; `None` if its value is empty.
pub fn text(name: &'static str, value: &str) -> Option<Attribute> {
    (!value.is_empty()).then(|| (name.into(), value.into()))
}

impl Export {
    /// Completes the written configuration from the environment.
    ///
    /// # Errors
    /// A value does not fit. The error names its key or variable, and says what was expected.
    pub fn read(config: &Config, names: Names, written: Written) -> Result<Export, Error> {
        let of_signal = |what: &str| {
            let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", names.variable);
            let all = format!("OTEL_EXPORTER_OTLP_{what}");
            [own, all].into_iter().find_map(|name| Some((variable(config, &name)?, name)))
        };
        let timeout = match (written.timeout, of_signal("TIMEOUT")) {
            (Some(timeout), _) => timeout,
            (None, Some((found, name))) => {
                let millis = found.parse().map(Duration::from_millis);
                millis.map_err(|_| wrong(&name, "milliseconds, like 2000", found))?
            }
            (None, None) => Duration::from_secs(2),
        };
        for (key, time) in [("timeout", timeout), ("interval", written.interval)] {
            if time.is_zero() {
                return Err(config.mistake(key, "a time over zero", "0"));
            }
        }
        if written.max_queue == 0 {
            return Err(config.mistake("maxQueue", "a number over zero", 0));
        }
        if written.max_batch == 0 || written.max_batch > written.max_queue {
            let expected = format!("a number over zero and up to maxQueue, {}", written.max_queue);
            return Err(config.mistake("maxBatch", expected, written.max_batch));
        }
        let headers = match (written.headers, of_signal("HEADERS")) {
            (Some(headers), _) => headers,
            (None, Some((found, _))) => pairs(found),
            (None, None) => Vec::new(),
        };
        let is_clean = |text: &str| text.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
        if let Some((name, _)) =
            headers.iter().find(|(name, value)| name.is_empty() || !is_clean(name) || !is_clean(value))
        {
            return Err(config.mistake("headers", "names and values of one line", format!("{name:?}")));
        }
        let mut attributes = pairs(variable(config, "OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        attributes.extend(written.attributes);
        let of_variable = || variable(config, "OTEL_SERVICE_NAME").map(str::to_owned);
        Ok(Export {
            endpoint: endpoint(config, names, written.endpoint.as_deref())?,
            headers,
            service_name: written.service_name.or_else(of_variable),
            attributes,
            flush: written.flush,
            interval: written.interval,
            timeout,
            max_queue: written.max_queue,
            max_batch: written.max_batch,
        })
    }
}

fn wrong(variable: &str, expected: &str, found: &str) -> Error {
    Error::new("Runtime.ConfigError", format!("{variable}: expected {expected}, found {found:?}"))
}

fn endpoint(config: &Config, names: Names, own: Option<&str>) -> Result<Endpoint, Error> {
    if let Some(url) = own {
        return Endpoint::read(url).map_err(|expected| config.mistake("endpoint", expected, format!("{url:?}")));
    }
    let of_signal = format!("OTEL_EXPORTER_OTLP_{}_ENDPOINT", names.variable);
    if let Some(url) = variable(config, &of_signal) {
        return Endpoint::read(url).map_err(|expected| wrong(&of_signal, expected, url));
    }
    let base = variable(config, ENDPOINT).unwrap_or("http://localhost:4318");
    let url = format!("{}{}", base.trim_end_matches('/'), names.path);
    Endpoint::read(&url).map_err(|expected| wrong(ENDPOINT, expected, base))
}

/// Reads `a=1,b=2`, and undoes its percent-coding.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((decoded(name.trim()), decoded(value.trim())))
    };
    text.split(',').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_opentelemetry_are_pairs_with_their_coding_undone() {
        let expected = [("a", "1"), ("b c", "x=,y"), ("d", "100%")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(pairs("a=1, b%20c = x=%2Cy,nothing,d=100%"), expected);
    }
}
