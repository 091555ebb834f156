//! The engine's own `tracing` events, written as lines of the process' one log.
//!
//! Modules do not come this way: their lines go through the contract's log, with entry and request id on them.

use faas_core::log::{self, Level, Log, Origin};
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::metadata::LevelFilter;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// Sends the engine's events to `log` from now on. The first log of a process stays: a program that has a subscriber of
/// its own keeps it.
pub(crate) fn install(log: &Log) {
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(ToLog(log.clone())));
}

struct ToLog(Log);

fn level(level: &tracing::Level) -> Level {
    match *level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// Returns `true` for events of libraries below the engine: they write of every poll, which the process' log is not
/// for.
fn is_from_below(target: &str) -> bool {
    ["h2", "hyper", "tokio", "mio"]
        .iter()
        .any(|library| target.strip_prefix(library).is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', ':'])))
}

impl<S: Subscriber> Layer<S> for ToLog {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.0.enabled(level(metadata.level())) && !is_from_below(metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let levels = [LevelFilter::TRACE, LevelFilter::DEBUG, LevelFilter::INFO, LevelFilter::WARN];
        let wanted = [Level::Trace, Level::Debug, Level::Info, Level::Warn].map(|level| self.0.enabled(level));
        let most = levels.iter().zip(wanted).find(|(_, wanted)| *wanted).map(|(level, _)| *level);
        Some(most.unwrap_or(LevelFilter::ERROR))
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        let origin = Origin { target: target(metadata.target()), ..Origin::default() };
        let fields = line.fields.iter().map(|(name, value)| log::Field::text(name.as_bytes(), value.as_bytes()));
        self.0.write(level(metadata.level()), origin, line.message.as_bytes(), fields);
    }
}

/// Returns the target as it stands in the log. For this crate it is `runtime`, the target that the rest of the runtime
/// logs under; any other target stays as it is.
fn target(target: &str) -> &[u8] {
    if target.starts_with(env!("CARGO_CRATE_NAME")) { b"runtime" } else { target.as_bytes() }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format_args!("{value:?}"));
    }
}

impl Line {
    fn put(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if field.name() == "message" {
            let _ = self.message.write_fmt(value);
        } else {
            self.fields.push((field.name(), value.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use faas_core::log::{Format, LineKind, Sink};
    use std::sync::{Arc, Mutex};

    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Sink for Kept {
        fn write(&self, line: &[u8], _: LineKind) {
            self.0.lock().unwrap().push(String::from_utf8_lossy(line).into_owned());
        }
    }

    #[test]
    fn events_of_a_wanted_level_become_lines_and_libraries_below_stay_silent() {
        let sink = Arc::new(Kept::default());
        let log = Log::new(Level::Info, Format::Text, sink.clone());
        let subscriber = tracing_subscriber::registry().with(ToLog(log));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(tries = 3, "the control plane is {}", "gone");
            tracing::debug!("not wanted");
            tracing::error!(target: "h2::proto", "not ours");
            tracing::info!(target: "h2o", "a function's");
        });
        let lines = sink.0.lock().unwrap();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].ends_with(" WARN - runtime: the control plane is gone tries=3\n"), "{}", lines[0]);
        assert!(lines[1].ends_with(" INFO - h2o: a function's\n"), "{}", lines[1]);
    }
}
