//! The configuration of the layer.

use handlers_sdk::{Config, Error, Redact, Share};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Written {
    service: Option<String>,
    sample_rate: Share,
    correlation_id: Vec<String>,
    fields: Map<String, Value>,
    headers: Vec<String>,
    reply_headers: Vec<String>,
    extensions: Vec<String>,
    query: bool,
    client_ip: bool,
    request_body: usize,
    reply_body: usize,
    redact_keys: Vec<String>,
    redact_patterns: Vec<String>,
}

impl Default for Written {
    fn default() -> Written {
        Written {
            service: None,
            sample_rate: Share::default(),
            correlation_id: ["header:x-correlation-id", "header:x-request-id"].map(str::to_owned).to_vec(),
            fields: Map::new(),
            headers: Vec::new(),
            reply_headers: Vec::new(),
            extensions: Vec::new(),
            query: false,
            client_ip: false,
            request_body: 0,
            reply_body: 0,
            redact_keys: Vec::new(),
            redact_patterns: Vec::new(),
        }
    }
}

/// The place of an id that several calls have in common.
#[derive(Debug)]
pub(crate) enum Correlation {
    Header(String),
    /// The value at a JSON pointer into the event (RFC 6901).
    Event(String),
}

/// The whole configuration of the layer.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) service: Option<String>,
    pub(crate) sample: Share,
    pub(crate) correlation: Vec<Correlation>,
    /// The members that the layer adds to each line: the name of each, and its value as JSON.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) headers: Vec<String>,
    pub(crate) reply_headers: Vec<String>,
    pub(crate) extensions: Vec<String>,
    pub(crate) query: bool,
    pub(crate) client_ip: bool,
    /// The most bytes of a request's body that are shown; 0 shows no body.
    pub(crate) request_body: usize,
    pub(crate) reply_body: usize,
    pub(crate) redact: Redact,
}

/// The members that the layer writes itself.
pub(crate) const OWN: [&str; 20] = [
    "level",
    "severity",
    "message",
    "timestamp",
    "service",
    "cold_start",
    "function_name",
    "function_version",
    "function_memory_size",
    "function_arn",
    "function_request_id",
    "correlation_id",
    "xray_trace_id",
    "sampling_rate",
    "trigger",
    "outcome",
    "error",
    "duration_ms",
    "http",
    "reply_bytes",
];

impl Settings {
    pub(crate) fn read(config: &Config) -> Result<Settings, Error> {
        let written: Written = config.deserialize()?;
        let mut correlation = Vec::new();
        for (index, text) in written.correlation_id.iter().enumerate() {
            correlation.push(match text.strip_prefix("header:").filter(|name| !name.is_empty()) {
                Some(name) => Correlation::Header(name.to_owned()),
                None if text.starts_with('/') => Correlation::Event(text.clone()),
                None => {
                    let expected = "header:<name>, or a JSON pointer such as /detail/id";
                    return Err(config.mistake(&format!("correlationId[{index}]"), expected, format!("{text:?}")));
                }
            });
        }
        if let Some(name) = written.fields.keys().find(|name| OWN.contains(&name.as_str())) {
            return Err(config.mistake(
                &format!("fields.{name}"),
                "a name that the line has not yet",
                "one of its own",
            ));
        }
        let all_stars = |pattern: &String| pattern.chars().all(|c| c == '*');
        if let Some(index) = written.redact_patterns.iter().position(all_stars) {
            let found = format!("{:?}", written.redact_patterns[index]);
            return Err(config.mistake(&format!("redactPatterns[{index}]"), "a pattern such as sk_*", found));
        }
        Ok(Settings {
            service: written.service,
            sample: written.sample_rate,
            correlation,
            fields: written.fields.iter().map(|(name, value)| (name.clone(), value.to_string())).collect(),
            headers: written.headers,
            reply_headers: written.reply_headers,
            extensions: written.extensions,
            query: written.query,
            client_ip: written.client_ip,
            request_body: written.request_body,
            reply_body: written.reply_body,
            redact: Redact::new(&written.redact_keys, written.redact_patterns),
        })
    }
}
