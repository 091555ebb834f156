//! Times every phase and every invocation, and writes one structured line for each.
//!
//! The lines are JSON objects on the platform's log stream. `faas` tells them from others:
//!
//! - `{"faas":"phase","phase":"FunctionStart","us":812,"outcome":"ok"}`
//! - `{"faas":"invocation","requestId":"…","function":"hello","cold_start":true,"outcome":"ok","us":41,"status":200,
//!   "reply_bytes":13,"in_flight":1,"rss_kib":2140}`; after a failure also `"error"`, its kind. Messages and bodies are
//!   never written.
//!
//! `us` of an invocation counts from the moment its event was whole. `rss_kib` is the memory of the whole process.
#![forbid(unsafe_code)]

mod memory;

use handlers_sdk::{Config, Error, Failure, Invocation, Layer, Line, Phase, Recovery, layer};
use memory::Resident;
use std::sync::atomic::{AtomicU64, Ordering};

/// The layer.
#[derive(Debug)]
pub struct Monitor {
    config: Config,
    resident: Resident,
    /// When the phase in progress began, in the host's nanoseconds. Phases follow one another.
    phase_began: AtomicU64,
}

impl Monitor {
    fn begin(&self, phase: &Phase<'_>) {
        self.phase_began.store(phase.now_ns(), Ordering::Relaxed);
    }

    fn end(&self, phase: &Phase<'_>, name: &str, error: Option<&str>) {
        let mut line = Line::new();
        line.text("faas", "phase").text("phase", name);
        line.number("us", phase.now_ns().saturating_sub(self.phase_began.load(Ordering::Relaxed)) / 1000);
        outcome(&mut line, error);
        line.emit(&self.config);
    }

    fn invocation(&self, invocation: &Invocation<'_>, word: &str, error: Option<&str>) {
        let mut line = Line::new();
        line.text("faas", "invocation");
        line.text("requestId", invocation.request_id());
        line.text("function", invocation.function());
        line.flag("cold_start", invocation.is_cold_start());
        line.text("outcome", word);
        if let Some(kind) = error {
            line.text("error", kind);
        }
        line.number("us", invocation.now_ns().saturating_sub(invocation.received_ns()) / 1000);
        if let Some(status) = invocation.reply_status().filter(|_| error.is_none()) {
            line.number("status", u64::from(status));
        }
        line.number("reply_bytes", invocation.reply_bytes());
        line.number("in_flight", invocation.in_flight());
        if let Some(kib) = self.resident.kib() {
            line.number("rss_kib", kib);
        }
        line.emit(&self.config);
    }
}

fn outcome(line: &mut Line, error: Option<&str>) {
    line.text("outcome", if error.is_some() { "error" } else { "ok" });
    if let Some(kind) = error {
        line.text("error", kind);
    }
}

#[layer(name = "monitor")]
impl Layer for Monitor {
    fn create(config: &Config) -> Result<Self, Error> {
        Ok(Monitor { config: *config, resident: Resident::open(), phase_began: AtomicU64::new(config.now_ns()) })
    }

    fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.begin(phase);
        Ok(())
    }

    fn after_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end(phase, "RuntimeStart", None);
        Ok(())
    }

    fn runtime_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end(phase, "RuntimeStart", Some(failure.kind));
        Ok(())
    }

    fn before_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.begin(phase);
        Ok(())
    }

    fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end(phase, "FunctionStart", None);
        Ok(())
    }

    fn function_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end(phase, "FunctionStart", Some(failure.kind));
        Ok(())
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.invocation(invocation, "ok", None);
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        let word = match failure {
            failure if failure.is_panic() => "panic",
            failure if failure.is_cancelled() => "cancelled",
            _ => "error",
        };
        self.invocation(invocation, word, Some(failure.kind));
        Ok(Recovery::Pass)
    }

    fn before_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.begin(phase);
        Ok(())
    }

    fn after_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end(phase, "Close", None);
        Ok(())
    }

    fn close_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end(phase, "Close", Some(failure.kind));
        Ok(())
    }
}
