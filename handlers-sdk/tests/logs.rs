//! Log lines reach the host, with the call they belong to.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::Invoke;
use handlers_sdk::{FaasContext, Level, function};
use std::fmt;

#[function]
fn talks(ctx: FaasContext) -> &'static str {
    let order = 7;
    handlers_sdk::warn!({order = order, item = "tea"}, "only {} left", 2);
    handlers_sdk::trace!({ also = Unwanted }, "{}", Unwanted);
    ctx.log(Level::Debug, format_args!("in passing"), &[("many", &9)]);
    let other = std::thread::spawn(move || ctx.info(format_args!("from elsewhere")));
    other.join().map_or("it panicked", |()| "said")
}

/// A value that must never be formatted.
struct Unwanted;

impl fmt::Display for Unwanted {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("a line that is not wanted was formatted")
    }
}

#[test]
fn lines_have_level_target_fields_and_their_request() {
    let answer = Invoke::event("").run(talks::MODULE);
    assert_eq!(answer.text(), "said");
    let lines: Vec<_> =
        answer.logs.iter().map(|line| (line.level, line.target.as_str(), line.message.as_str())).collect();
    assert_eq!(lines, [(2, "logs", "only 2 left"), (4, "talks", "in passing"), (3, "talks", "from elsewhere")]);
    let fields: Vec<_> = answer.logs[0].fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(fields, ["order=7", "item=tea"]);
    assert!(answer.logs.iter().all(|line| line.request_id.as_deref() == Some("test-request")));
}

#[cfg(feature = "tracing")]
mod with_tracing {
    use super::*;

    #[function(start = listen)]
    fn traces() {
        tracing::info!(order = 7, item = %"tea", "traced");
    }

    fn listen(_: FaasContext) -> Result<(), handlers_sdk::Error> {
        handlers_sdk::install_tracing();
        Ok(())
    }

    #[test]
    fn tracing_events_are_lines_of_the_call() {
        let answer = Invoke::event("").run(traces::MODULE);
        assert_eq!(answer.logs.len(), 1);
        let line = &answer.logs[0];
        assert_eq!((line.level, line.target.as_str(), line.message.as_str()), (3, "logs::with_tracing", "traced"));
        assert_eq!(line.fields, [("order".to_owned(), "7".to_owned()), ("item".to_owned(), "tea".to_owned())]);
        assert_eq!(line.request_id.as_deref(), Some("test-request"));
    }
}
