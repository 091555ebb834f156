//! One CloudWatch document: the Embedded Metric Format, whose `_aws` member says which other members are metrics.

use crate::counters::Outcome;
use handlers_sdk::{Invocation, Line};
use std::time::{SystemTime, UNIX_EPOCH};

/// The document of one invocation, with the function's name as its dimension.
pub(crate) fn document(
    namespace: &str,
    invocation: &Invocation<'_>,
    outcome: Outcome,
    took_ns: u64,
    cold: bool,
) -> Line {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut directive = Line::new();
    directive.text("Namespace", namespace);
    directive.json("Dimensions", r#"[["FunctionName"]]"#);
    directive.json(
        "Metrics",
        r#"[{"Name":"Invocations","Unit":"Count"},{"Name":"Errors","Unit":"Count"},{"Name":"ColdStarts","Unit":"Count"},{"Name":"Duration","Unit":"Microseconds"}]"#,
    );
    let mut aws = Line::new();
    aws.number("Timestamp", u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    aws.json("CloudWatchMetrics", &format!("[{}]", directive.finish()));
    let mut line = Line::new();
    line.json("_aws", &aws.finish());
    line.text("FunctionName", invocation.function());
    line.text("requestId", invocation.request_id());
    line.number("Invocations", 1);
    line.number("Errors", u64::from(outcome != Outcome::Ok));
    line.number("ColdStarts", u64::from(cold));
    line.number("Duration", took_ns / 1000);
    line
}
