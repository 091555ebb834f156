//! Times every phase and every invocation, and writes one structured line for each.
//!
//! The lines are JSON objects on the platform's log stream. `faas` tells them from others:
//!
//! - `{"faas":"phase","phase":"FunctionStart","us":812,"outcome":"ok"}`
//! - `{"faas":"invocation","requestId":"…","function":"hello","cold_start":true,"outcome":"ok","us":41,"status":200,
//!   "reply_bytes":13,"in_flight":1,"rss_kib":2140,"trigger":"http","method":"GET","path":"/","traceId":"…"}`; after a
//!   failure also `"error"`, its kind. Messages, queries and bodies are never written.
//!
//! `us` of an invocation counts from the moment its event was whole. `rss_kib` is the memory of the whole process. The
//! README has the table of its configuration.
#![forbid(unsafe_code)]

mod choice;
mod memory;

use choice::Choice;
use handlers_sdk::{Config, Error, Failure, Invocation, Layer, Line, Phase, Recovery, layer};
use memory::Resident;

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Monitor {
    config: Config,
    resident: Resident,
    choice: Choice,
    /// `true` if lines tell of the event; `None` leaves it to the platform.
    tells_event: Option<bool>,
}

/// The platform whose events are JSON that many functions never look into: to read it costs more than the line.
const AWS_LAMBDA: &str = "aws-lambda";

/// The beginning of a phase in the host's nanoseconds, kept by the phase.
struct Began(u64);

impl Monitor {
    fn end(&self, phase: &Phase<'_>, error: Option<&str>) {
        let began = phase.value::<Began>().map_or(0, |began| began.0);
        let mut line = Line::new();
        line.text("faas", "phase").text("phase", phase.name());
        line.number("us", phase.now_ns().saturating_sub(began) / 1000);
        line.text("outcome", if error.is_some() { "error" } else { "ok" });
        if let Some(kind) = error {
            line.text("error", kind);
        }
        line.emit(&self.config);
    }

    fn invocation(&self, invocation: &Invocation<'_>, word: &str, error: Option<&str>, us: u64) {
        let mut line = Line::new();
        line.text("faas", "invocation");
        line.text("requestId", invocation.request_id());
        line.text("function", invocation.function());
        line.flag("cold_start", invocation.is_cold_start());
        line.text("outcome", word);
        if let Some(kind) = error {
            line.text("error", kind);
        }
        line.number("us", us);
        if let Some(status) = invocation.reply_status().filter(|_| error.is_none()) {
            line.number("status", u64::from(status));
        }
        line.number("reply_bytes", invocation.reply_bytes());
        line.number("in_flight", invocation.in_flight());
        if let Some(kib) = self.resident.kib() {
            line.number("rss_kib", kib);
        }
        if self.tells_event.unwrap_or_else(|| invocation.platform() != AWS_LAMBDA) {
            event(&mut line, invocation);
        }
        if let Some(trace) = invocation.trace_id() {
            line.text("traceId", trace);
        }
        line.emit(&self.config);
    }
}

/// Writes the members about the event, which is read for them unless the function has read it.
fn event(line: &mut Line, invocation: &Invocation<'_>) {
    line.text("trigger", invocation.trigger());
    if let Some(http) = invocation.http() {
        line.text("method", http.method()).text("path", http.path());
        if let Some(route) = http.route() {
            line.text("route", route);
        }
    }
}

/// Reads the setting `FAAS_MONITOR_EVENT`; `None` if it is not set.
fn tells_event(config: &Config) -> Result<Option<bool>, Error> {
    let Some(found) = config.env("FAAS_MONITOR_EVENT").filter(|found| !found.is_empty()) else { return Ok(None) };
    let switch = handlers_sdk::abi::settings::switch(found.as_bytes());
    let wrong = || Error::new("Monitor.Config", format!("FAAS_MONITOR_EVENT: expected on or off, found {found:?}"));
    switch.map(Some).ok_or_else(wrong)
}

fn begin(phase: &mut Phase<'_>) -> Result<(), Error> {
    let now = phase.now_ns();
    phase.set_value(Began(now))
}

fn took_us(invocation: &Invocation<'_>) -> u64 {
    invocation.now_ns().saturating_sub(invocation.received_ns()) / 1000
}

#[layer(name = "monitor")]
impl Layer for Monitor {
    fn create(config: &Config) -> Result<Self, Error> {
        let (choice, tells_event) = (Choice::read(config)?, tells_event(config)?);
        Ok(Monitor { config: *config, resident: Resident::open(), choice, tells_event })
    }

    fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        begin(phase)
    }

    fn after_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end(phase, None);
        Ok(())
    }

    fn runtime_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end(phase, Some(failure.kind));
        Ok(())
    }

    fn before_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        begin(phase)
    }

    fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end(phase, None);
        Ok(())
    }

    fn function_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end(phase, Some(failure.kind));
        Ok(())
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        let us = took_us(invocation);
        let failed = invocation.reply_status().is_some_and(|status| status >= 500);
        if failed || self.choice.takes(us) {
            self.invocation(invocation, if failed { "error" } else { "ok" }, None, us);
        }
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        let word = match failure {
            failure if failure.is_panic() => "panic",
            failure if failure.is_cancelled() => "cancelled",
            _ => "error",
        };
        self.invocation(invocation, word, Some(failure.kind), took_us(invocation));
        Ok(Recovery::Pass)
    }

    fn before_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        begin(phase)
    }

    fn after_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end(phase, None);
        Ok(())
    }

    fn close_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end(phase, Some(failure.kind));
        Ok(())
    }
}
