//! The configuration of the layer: its own part, and for open keys OpenTelemetry's variables.

use faas_otlp::{Export, Flush, Names};
use handlers_sdk::{Config, Error, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The forms in which a request carries the context further in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Propagator {
    W3c,
    B3,
    Xray,
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
    layers: bool,
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
            layers: true,
            flush: Flush::Auto,
            interval: Span(Duration::from_secs(5)),
            timeout: None,
            max_queue: 2048,
            max_batch: 512,
        }
    }
}

/// The whole configuration of the layer.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The share of traces that begin here, 0 to 1.
    pub(crate) rate: f64,
    /// `true` if the caller's decision goes before.
    pub(crate) parent_based: bool,
    pub(crate) propagators: Vec<Propagator>,
    /// `true` if there is a span for each call of a layer, of the function, and for the reply.
    pub(crate) layers: bool,
    pub(crate) export: Export,
}

const NAMES: Names = Names { variable: "TRACES", path: "/v1/traces" };
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
        let export = Export::read(
            config,
            NAMES,
            faas_otlp::Written {
                endpoint: written.endpoint,
                headers: written.headers.map(|headers| headers.into_iter().collect()),
                service_name: written.service_name,
                attributes: written.attributes.into_iter().collect(),
                flush: written.flush,
                interval: written.interval.0,
                timeout: written.timeout.map(|Span(timeout)| timeout),
                max_queue: written.max_queue,
                max_batch: written.max_batch,
            },
        )?;
        let parent_based = written.parent_based.unwrap_or(parent_based);
        Ok(Settings { rate, parent_based, propagators: written.propagators, layers: written.layers, export })
    }
}

fn wrong(variable: &str, expected: &str, found: &str) -> Error {
    Error::new("Runtime.ConfigError", format!("{variable}: expected {expected}, found {found:?}"))
}

/// Returns the share of traces, and whether the caller decides.
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

#[cfg(test)]
mod tests {
    use super::*;

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
