//! What the layer is configured with: its own part, and where that is silent OpenTelemetry's variables.

use crate::collector::Endpoint;
use crate::span::{Attribute, Value};
use handlers_sdk::{Config, Error, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Forms of the context that a request carries further in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Propagator {
    W3c,
    B3,
    Xray,
}

/// When spans are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Flush {
    /// After each reply where the platform freezes the process then, and in between elsewhere.
    Auto,
    Reply,
    Interval,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    endpoint: Option<String>,
    headers: Option<BTreeMap<String, String>>,
    service_name: Option<String>,
    attributes: BTreeMap<String, String>,
    sample_rate: Option<f64>,
    parent_based: Option<bool>,
    propagators: Vec<Propagator>,
    flush: Flush,
    interval: Span,
    timeout: Option<Span>,
    max_queue: usize,
    max_batch: usize,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            endpoint: None,
            headers: None,
            service_name: None,
            attributes: BTreeMap::new(),
            sample_rate: None,
            parent_based: None,
            propagators: vec![Propagator::W3c],
            flush: Flush::Auto,
            interval: Span(Duration::from_secs(5)),
            timeout: None,
            max_queue: 2048,
            max_batch: 512,
        }
    }
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) service_name: Option<String>,
    pub(crate) attributes: Vec<Attribute>,
    /// The share of traces that begin here.
    pub(crate) rate: f64,
    /// Does the caller's decision go before?
    pub(crate) parent_based: bool,
    pub(crate) propagators: Vec<Propagator>,
    pub(crate) flush: Flush,
    pub(crate) export: Export,
}

/// What the exporter needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Export {
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) interval: Duration,
    pub(crate) timeout: Duration,
    pub(crate) max_queue: usize,
    pub(crate) max_batch: usize,
}

const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const TIMEOUT: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        let text = |name| config.env(name).map(str::trim).filter(|value| !value.is_empty());
        let (rate, parent_based) = sampler(&text)?;
        let rate = written.sample_rate.unwrap_or(rate);
        if !(0.0..=1.0).contains(&rate) {
            return Err(config.mistake("sampleRate", "a share from 0 to 1", rate));
        }
        let timeout = match (written.timeout, text(TIMEOUT)) {
            (Some(Span(timeout)), _) => timeout,
            (None, Some(found)) => {
                let millis = found.parse().map(Duration::from_millis);
                millis.map_err(|_| wrong(TIMEOUT, "milliseconds, like 2000", found))?
            }
            (None, None) => Duration::from_secs(2),
        };
        for (key, time) in [("timeout", timeout), ("interval", written.interval.0)] {
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
        let headers = match written.headers {
            Some(headers) => headers.into_iter().collect(),
            None => pairs(text("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default()),
        };
        let is_clean = |text: &str| text.bytes().all(|byte| byte >= b' ' && byte != 0x7f);
        if let Some((name, _)) =
            headers.iter().find(|(name, value)| name.is_empty() || !is_clean(name) || !is_clean(value))
        {
            return Err(config.mistake("headers", "names and values of one line", format!("{name:?}")));
        }
        let mut attributes = pairs(text("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default());
        attributes.extend(written.attributes);
        let service_name = written.service_name.or_else(|| text("OTEL_SERVICE_NAME").map(str::to_owned));
        Ok(Settings {
            service_name,
            attributes: attributes.into_iter().map(|(name, value)| (name.into(), Value::Text(value))).collect(),
            rate,
            parent_based: written.parent_based.unwrap_or(parent_based),
            propagators: written.propagators,
            flush: written.flush,
            export: Export {
                endpoint: endpoint(config, written.endpoint.as_deref(), &text)?,
                headers,
                interval: written.interval.0,
                timeout,
                max_queue: written.max_queue,
                max_batch: written.max_batch,
            },
        })
    }
}

fn wrong(variable: &str, expected: &str, found: &str) -> Error {
    Error::new("Runtime.ConfigError", format!("{variable}: expected {expected}, found {found:?}"))
}

fn endpoint<'a>(
    config: &Config,
    own: Option<&str>,
    text: &impl Fn(&'static str) -> Option<&'a str>,
) -> Result<Endpoint, Error> {
    if let Some(url) = own {
        return Endpoint::read(url).map_err(|expected| config.mistake("endpoint", expected, format!("{url:?}")));
    }
    if let Some(url) = text(TRACES) {
        return Endpoint::read(url).map_err(|expected| wrong(TRACES, expected, url));
    }
    let base = text(ENDPOINT).unwrap_or("http://localhost:4318");
    let url = format!("{}/v1/traces", base.trim_end_matches('/'));
    Endpoint::read(&url).map_err(|expected| wrong(ENDPOINT, expected, base))
}

/// The share of traces, and whether the caller decides.
fn sampler<'a>(text: &impl Fn(&'static str) -> Option<&'a str>) -> Result<(f64, bool), Error> {
    let Some(name) = text(SAMPLER) else { return Ok((1.0, true)) };
    let (name, parent_based) = name.strip_prefix("parentbased_").map_or((name, false), |name| (name, true));
    let rate = match name {
        "always_on" => 1.0,
        "always_off" => 0.0,
        "traceidratio" => {
            let found = text(SAMPLER_ARG).unwrap_or("1");
            let rate = found.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
            rate.ok_or_else(|| wrong(SAMPLER_ARG, "a share from 0 to 1", found))?
        }
        _ => {
            return Err(wrong(
                SAMPLER,
                "always_on, always_off or traceidratio, or one of them after parentbased_",
                name,
            ));
        }
    };
    Ok((rate, parent_based))
}

/// `a=1,b=2`, its percent-coding undone.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        Some((decoded(name.trim()), decoded(value.trim())))
    };
    text.split(',').filter_map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.get(..2).filter(|_| *first == b'%').and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_opentelemetry_are_pairs_with_their_coding_undone() {
        let expected = [("a", "1"), ("b c", "x=,y"), ("d", "100%")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(pairs("a=1, b%20c = x=%2Cy,nothing,d=100%"), expected);
    }

    #[test]
    fn samplers_are_opentelemetrys() {
        let with = |name: &'static str, share: Option<&'static str>| {
            sampler(&move |variable| if variable == SAMPLER { Some(name) } else { share })
        };
        assert_eq!(with("parentbased_traceidratio", Some("0.25")).expect("it is one"), (0.25, true));
        assert_eq!(with("always_off", None).expect("it is one"), (0.0, false));
        assert!(with("jaeger_remote", None).is_err() && with("traceidratio", Some("2")).is_err());
    }
}
