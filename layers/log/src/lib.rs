//! Writes one JSON line for each invocation, with the keys of AWS' Powertools: the caller, the request, how it ended,
//! how long it took. Secrets are hidden by key and by pattern, and bodies are shown on request alone.
//!
//! The README has the tables of its configuration and of the line.
#![forbid(unsafe_code)]

mod body;
mod settings;

use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Line, Recovery, layer};
use serde_json::Value;
use settings::{Correlation, Settings};
use std::time::SystemTime;

/// The layer, with its settings.
#[derive(Debug)]
pub struct Log {
    config: Config,
    settings: Settings,
}

/// The platform whose log has another key for the level.
const GOOGLE_CLOUD: &str = "google-cloud";
/// The key under which other layers find the correlation id.
const CORRELATION_ID: &str = "correlation_id";

/// The outcome and the kind of a failure, and the level of the line.
struct Ended<'a> {
    outcome: &'static str,
    level: &'static str,
    error: Option<&'a str>,
}

impl Ended<'_> {
    fn of_status(status: Option<u16>) -> Ended<'static> {
        let (outcome, level) = match status {
            Some(500..) => ("error", "ERROR"),
            Some(400..) => ("refused", "WARN"),
            _ => ("ok", "INFO"),
        };
        Ended { outcome, level, error: None }
    }

    fn of_failure<'a>(failure: &Failure<'a>) -> Ended<'a> {
        let outcome = match failure {
            failure if failure.is_panic() => "panic",
            failure if failure.is_cancelled() => "cancelled",
            _ => "error",
        };
        Ended { outcome, level: "ERROR", error: Some(failure.kind) }
    }
}

impl Log {
    fn correlation_id(&self, invocation: &Invocation<'_>) -> Option<String> {
        let mut event: Option<Value> = None;
        self.settings.correlation.iter().find_map(|place| match place {
            Correlation::Header(name) => Some(invocation.http()?.header(name)?.to_owned()),
            Correlation::Event(pointer) => {
                let read = || serde_json::from_slice(invocation.event()).unwrap_or_default();
                match event.get_or_insert_with(read).pointer(pointer)? {
                    Value::String(text) => Some(text.clone()),
                    Value::Number(number) => Some(number.to_string()),
                    _ => None,
                }
            }
        })
    }

    fn write(&self, invocation: &Invocation<'_>, ended: &Ended<'_>) {
        let settings = &self.settings;
        let http = invocation.http();
        let status = invocation.reply_status().filter(|_| ended.error.is_none());
        let mut line = Line::new();
        line.text(if invocation.platform() == GOOGLE_CLOUD { "severity" } else { "level" }, ended.level);
        line.text(
            "message",
            &match http {
                Some(http) => format!(
                    "{} {} {}",
                    http.method(),
                    http.path(),
                    status.map_or(ended.outcome.to_owned(), |status| status.to_string())
                ),
                None => format!("{} {}", invocation.trigger(), ended.outcome),
            },
        );
        line.time("timestamp", SystemTime::now());
        let service = settings.service.as_deref().unwrap_or_else(|| invocation.service_name());
        line.text("service", if service.is_empty() { invocation.function() } else { service });
        line.flag("cold_start", invocation.is_cold_start());
        line.text("function_name", invocation.function());
        optional(&mut line, "function_version", invocation.version());
        if invocation.memory_mb() > 0 {
            line.number("function_memory_size", invocation.memory_mb());
        }
        optional(&mut line, "function_arn", invocation.invoked_as());
        line.text("function_request_id", invocation.request_id());
        optional(&mut line, CORRELATION_ID, invocation.extension(CORRELATION_ID).unwrap_or_default());
        optional(&mut line, "xray_trace_id", invocation.trace_id().unwrap_or_default());
        if settings.sample.share() < 1.0 {
            line.json("sampling_rate", &settings.sample.share().to_string());
        }
        line.text("trigger", invocation.trigger());
        line.text("outcome", ended.outcome);
        optional(&mut line, "error", ended.error.unwrap_or_default());
        let took_ns = invocation.now_ns().saturating_sub(invocation.received_ns());
        line.json("duration_ms", &format!("{}.{:03}", took_ns / 1_000_000, took_ns / 1_000 % 1_000));
        if http.is_some() {
            line.json("http", &self.http(invocation, status));
        } else if settings.request_body > 0 {
            body::add(&mut line, "event", invocation.event(), settings.request_body, &settings.redact);
        }
        line.number("reply_bytes", invocation.reply_bytes());
        for (name, json) in &settings.fields {
            line.json(name, json);
        }
        for name in &settings.extensions {
            if let Some(value) = invocation.extension(name) {
                line.text(name, &settings.redact.value(name, value));
            }
        }
        line.emit(&self.config);
    }

    fn http(&self, invocation: &Invocation<'_>, status: Option<u16>) -> String {
        let settings = &self.settings;
        let mut line = Line::new();
        let Some(http) = invocation.http() else { return line.finish() };
        line.text("method", http.method()).text("path", http.path());
        optional(&mut line, "route", http.route().unwrap_or_default());
        if let Some(status) = status {
            line.number("status", u64::from(status));
        }
        if settings.query {
            optional(&mut line, "query", &settings.redact.form(http.raw_query()));
        }
        if settings.client_ip {
            optional(&mut line, "client_ip", http.client_ip());
        }
        let chosen = |names: &[String], value: &dyn Fn(&str) -> Option<String>| {
            let mut line = Line::new();
            let mut is_any = false;
            for (name, value) in names.iter().filter_map(|name| Some((name, value(name)?))) {
                line.text(name, &settings.redact.value(name, &value));
                is_any = true;
            }
            is_any.then(|| line.finish())
        };
        if let Some(headers) = chosen(&settings.headers, &|name| http.header(name).map(str::to_owned)) {
            line.json("headers", &headers);
        }
        if let Some(headers) = chosen(&settings.reply_headers, &|name| invocation.reply_header(name).map(str::to_owned))
        {
            line.json("reply_headers", &headers);
        }
        if settings.request_body > 0 {
            body::add(&mut line, "body", http.body(), settings.request_body, &settings.redact);
        }
        if settings.reply_body > 0 {
            body::add(&mut line, "reply_body", invocation.reply_body(), settings.reply_body, &settings.redact);
        }
        line.finish()
    }
}

/// Adds a member, unless its value is empty.
fn optional(line: &mut Line, name: &str, value: &str) {
    if !value.is_empty() {
        line.text(name, value);
    }
}

#[layer(name = "log")]
impl Layer for Log {
    fn create(config: &Config) -> Result<Self, Error> {
        Ok(Log { config: *config, settings: Settings::read(config)? })
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        if let Some(id) = self.correlation_id(invocation) {
            invocation.set_extension(CORRELATION_ID, &id)?;
        }
        Ok(Flow::Continue)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let ended = Ended::of_status(invocation.reply_status());
        if ended.outcome == "error" || self.settings.sample.takes() {
            self.write(invocation, &ended);
        }
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        self.write(invocation, &Ended::of_failure(failure));
        Ok(Recovery::Pass)
    }
}
