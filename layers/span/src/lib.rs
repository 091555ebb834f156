//! Tells when the layers and the function inside of it began and ended: one line a phase and one an invocation, on the
//! platform's log stream.
//!
//! `cargo faas dev` puts one before each layer of a process, and one before the function, and draws what the lines say:
//!
//! - `{"faas":"span","requestId":"…","cold_start":true,"span":"auth","depth":0,"from_us":12,"to_us":340,"outcome":"ok"}`;
//!   the times count from the moment the invocation's event was whole. A layer that answers by itself has no line of a
//!   span inside of it.
//! - `{"faas":"span","phase":"FunctionStart","function":"order","span":"auth","depth":0,"from_us":4100,"to_us":4350,
//!   "outcome":"ok"}`; the times count from the start of the process. A phase of the whole process has no `function`. What
//!   stands around one function alone has its phases RuntimeStart and Close with it.
#![forbid(unsafe_code)]

use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Line, Phase, Recovery, layer};

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Span {
    config: Config,
    /// The name of the span inside of it.
    span: String,
    /// The number of spans outside of it.
    depth: u64,
    /// The function that it stands around; `None` if it stands around all functions of the process.
    of: Option<String>,
    /// `true` if the function itself is the span, and no layer.
    is_function: bool,
}

/// The beginning of each span in microseconds, by its depth.
#[derive(Default)]
struct Began(Vec<(u64, u64)>);

impl Began {
    fn of(&self, depth: u64) -> Option<u64> {
        self.0.iter().find(|(of, _)| *of == depth).map(|(_, from)| *from)
    }
}

impl Span {
    /// Ends `line`, which says so far what the span is a part of.
    fn tell(&self, mut line: Line, began: Option<&Began>, to: u64, outcome: &str) {
        let from = began.and_then(|began| began.of(self.depth)).unwrap_or(to);
        line.text("span", &self.span).number("depth", self.depth);
        line.number("from_us", from).number("to_us", to).text("outcome", outcome);
        line.emit(&self.config);
    }

    fn end(&self, invocation: &Invocation<'_>, outcome: &str) {
        let mut line = Line::new();
        line.text("faas", "span").text("requestId", invocation.request_id());
        line.flag("cold_start", invocation.is_cold_start());
        self.tell(line, invocation.value::<Began>(), since_event(invocation), outcome);
    }

    /// Returns `true` if there is nothing inside of it in that phase: a function is not there yet when the runtime starts.
    fn is_empty(&self, phase: &Phase<'_>) -> bool {
        self.is_function && phase.name() == "RuntimeStart"
    }

    fn begin_phase(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        if self.is_empty(phase) {
            return Ok(());
        }
        let entry = (self.depth, since_start(phase));
        match phase.value_mut::<Began>() {
            Some(began) => began.0.push(entry),
            None => phase.set_value(Began(vec![entry]))?,
        }
        Ok(())
    }

    fn end_phase(&self, phase: &Phase<'_>, outcome: &str) {
        if self.is_empty(phase) {
            return;
        }
        let mut line = Line::new();
        line.text("faas", "span").text("phase", phase.name());
        // In a phase of the whole process the runtime has the name of whatever the platform calls it by.
        let function = if phase.name() == "FunctionStart" { Some(phase.function()) } else { self.of.as_deref() };
        if let Some(function) = function {
            line.text("function", function);
        }
        self.tell(line, phase.value::<Began>(), since_start(phase), outcome);
    }
}

/// Returns the microseconds since the event was whole.
fn since_event(invocation: &Invocation<'_>) -> u64 {
    invocation.now_ns().saturating_sub(invocation.received_ns()) / 1000
}

/// Returns the microseconds since the start of the process, or since the beginning of the clock where a host does not
/// know when that was.
fn since_start(phase: &Phase<'_>) -> u64 {
    phase.now_ns().saturating_sub(phase.started_ns().unwrap_or(0)) / 1000
}

#[layer(name = "span")]
impl Layer for Span {
    fn create(config: &Config) -> Result<Self, Error> {
        let wrong = || Error::new("Span.Config", "expected a configuration such as {\"span\":\"auth\",\"depth\":0}");
        let span = config.get("span")?.ok_or_else(wrong)?;
        let (of, is_function) = (config.get("of")?, config.get("function")?.unwrap_or_default());
        Ok(Span { config: *config, span, depth: config.get("depth")?.unwrap_or_default(), of, is_function })
    }

    fn before_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.begin_phase(phase)
    }

    fn after_runtime_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end_phase(phase, "ok");
        Ok(())
    }

    fn runtime_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end_phase(phase, failure.kind);
        Ok(())
    }

    fn before_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.begin_phase(phase)
    }

    fn after_function_start(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end_phase(phase, "ok");
        Ok(())
    }

    fn function_start_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end_phase(phase, failure.kind);
        Ok(())
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let entry = (self.depth, since_event(invocation));
        match invocation.value_mut::<Began>() {
            Some(began) => began.0.push(entry),
            None => invocation.set_value(Began(vec![entry]))?,
        }
        Ok(Flow::Continue)
    }

    fn after_invoke(&self, invocation: &mut Invocation<'_>) -> Result<(), Error> {
        self.end(invocation, "ok");
        Ok(())
    }

    fn invoke_failed(&self, invocation: &mut Invocation<'_>, failure: &Failure<'_>) -> Result<Recovery, Error> {
        self.end(invocation, failure.kind);
        Ok(Recovery::Pass)
    }

    fn before_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.begin_phase(phase)
    }

    fn after_close(&self, phase: &mut Phase<'_>) -> Result<(), Error> {
        self.end_phase(phase, "ok");
        Ok(())
    }

    fn close_failed(&self, phase: &mut Phase<'_>, failure: &Failure<'_>) -> Result<(), Error> {
        self.end_phase(phase, failure.kind);
        Ok(())
    }
}
