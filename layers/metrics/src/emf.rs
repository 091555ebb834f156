//! CloudWatch documents: the Embedded Metric Format, whose `_aws` member says which other members are metrics.

use crate::labels::{Labels, Outcome, class};
use crate::settings::{Dimension, Settings};
use handlers_sdk::{Invocation, Line};
use std::time::{SystemTime, UNIX_EPOCH};

const METRICS: &str = r#"{"Name":"Invocations","Unit":"Count"},{"Name":"Errors","Unit":"Count"},{"Name":"ColdStarts","Unit":"Count"},{"Name":"Duration","Unit":"Microseconds"}"#;

/// Returns the directive of a document, but for its time: made once where it is always the same. `dimensions` and
/// `metrics` are JSON, the latter without its brackets.
pub(crate) fn directive(namespace: &str, dimensions: &str, metrics: &str) -> String {
    let mut directive = Line::new();
    directive.text("Namespace", namespace);
    directive.json("Dimensions", dimensions);
    directive.json("Metrics", &format!("[{metrics}]"));
    format!(",\"CloudWatchMetrics\":[{}]}}", directive.finish())
}

/// Returns the directive of invocations.
pub(crate) fn of_invocations(settings: &Settings) -> String {
    directive(settings.namespace, &dimensions(settings), METRICS)
}

/// Returns a document of now with that directive.
pub(crate) fn begin(directive: &str) -> Line {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut line = Line::new();
    line.json("_aws", &format!("{{\"Timestamp\":{}{directive}", now.as_millis()));
    line
}

/// Returns the sets of dimensions as JSON: `[["FunctionName"],["FunctionName","Route"]]`.
fn dimensions(settings: &Settings) -> String {
    let set = |set: &Vec<Dimension>| {
        let names: Vec<String> = set.iter().map(|dimension| format!("\"{}\"", dimension.name())).collect();
        format!("[{}]", names.join(","))
    };
    let sets: Vec<String> = settings.dimensions.iter().map(set).collect();
    format!("[{}]", sets.join(","))
}

/// Returns the document of one invocation.
pub(crate) fn document(
    settings: &Settings,
    directive: &str,
    invocation: &Invocation<'_>,
    outcome: Outcome,
    took_ns: u64,
) -> Line {
    let mut line = begin(directive);
    // The event is read only if a dimension depends on it.
    let mut of_event = None;
    for (index, dimension) in settings.dimensions.iter().flatten().enumerate() {
        if settings.dimensions.iter().flatten().take(index).any(|earlier| earlier == dimension) {
            continue;
        }
        let mut event = || *of_event.get_or_insert_with(|| Labels::of(invocation, outcome));
        let value = match dimension {
            Dimension::FunctionName => invocation.function(),
            Dimension::Service => invocation.service_name(),
            Dimension::Stage => invocation.stage(),
            Dimension::Version => invocation.version(),
            Dimension::Outcome => outcome.word(),
            Dimension::Trigger => event().trigger,
            Dimension::Route => event().route,
            Dimension::Method => event().method,
            Dimension::StatusClass => event().status,
        };
        // A dimension that is announced has to be there, and must not be empty.
        line.text(dimension.name(), if value.is_empty() { "none" } else { value });
    }
    line.text("requestId", invocation.request_id());
    if let Some(trace) = invocation.trace_id() {
        line.text("traceId", trace);
    }
    line.text("outcome", outcome.word());
    line.text("status", class(invocation.reply_status(), outcome));
    line.number("Invocations", 1);
    line.number("Errors", u64::from(outcome.is_failure()));
    line.number("ColdStarts", u64::from(invocation.is_cold_start()));
    line.number("Duration", took_ns / 1000);
    line
}
