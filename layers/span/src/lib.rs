//! Tells when the layers and the function inside of it began and ended: one line an invocation, on the platform's log
//! stream.
//!
//! `cargo faas dev` puts one before each layer of a process, and one before the function, and draws what the lines say:
//!
//! `{"faas":"span","requestId":"…","span":"auth","depth":0,"from_us":12,"to_us":340,"outcome":"ok"}`
//!
//! Times count from the moment the invocation's event was whole. A layer that answers by itself has no line of a span
//! inside of it.
#![forbid(unsafe_code)]

use handlers_sdk::{Config, Error, Failure, Flow, Invocation, Layer, Line, Recovery, layer};

/// The layer, as it is configured.
#[derive(Debug)]
pub struct Span {
    config: Config,
    /// The name of the span inside of it.
    span: String,
    /// The number of spans outside of it.
    depth: u64,
}

/// The beginning of each span in microseconds, by its depth.
#[derive(Default)]
struct Began(Vec<(u64, u64)>);

impl Span {
    fn end(&self, invocation: &Invocation<'_>, outcome: &str) {
        let to = since(invocation);
        let began = invocation.value::<Began>();
        let from = began.and_then(|began| began.0.iter().find(|(depth, _)| *depth == self.depth));
        let mut line = Line::new();
        line.text("faas", "span").text("requestId", invocation.request_id());
        line.text("span", &self.span).number("depth", self.depth);
        line.number("from_us", from.map_or(to, |(_, from)| *from)).number("to_us", to).text("outcome", outcome);
        line.emit(&self.config);
    }
}

/// Returns the microseconds since the event was whole.
fn since(invocation: &Invocation<'_>) -> u64 {
    invocation.now_ns().saturating_sub(invocation.received_ns()) / 1000
}

#[layer(name = "span")]
impl Layer for Span {
    fn create(config: &Config) -> Result<Self, Error> {
        let wrong = || Error::new("Span.Config", "expected a configuration such as {\"span\":\"auth\",\"depth\":0}");
        let span = config.get("span")?.ok_or_else(wrong)?;
        Ok(Span { config: *config, span, depth: config.get("depth")?.unwrap_or_default() })
    }

    fn before_invoke(&self, invocation: &mut Invocation<'_>) -> Result<Flow, Error> {
        let entry = (self.depth, since(invocation));
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
}
