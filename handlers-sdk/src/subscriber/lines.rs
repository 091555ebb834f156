//! `tracing` events as lines of the host's log, for the call the thread is in.

use crate::log::{Level, enabled, log};
use std::fmt::{Debug, Display, Write};
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// Hands events to the host's log. [`install_tracing`](crate::install_tracing) sets it up; put it into a registry of your
/// own to add layers beside it.
///
/// ```standalone_crate
/// # use handlers_sdk::{function, testing::Invoke};
/// use handlers_sdk::{Error, HostLog, PhaseContext};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// fn start(_: PhaseContext) -> Result<(), Error> {
///     // Layers that are added beside it see the same events.
///     let subscriber = tracing_subscriber::registry().with(HostLog);
///     Ok(tracing::subscriber::set_global_default(subscriber)?)
/// }
///
/// #[function(start = start)]
/// fn order() {
///     tracing::warn!(pieces = 3, "a large order");
/// }
///
/// let line = &Invoke::event("").run(order::MODULE).logs[0];
/// assert_eq!((line.level, line.field("pieces")), (2, Some("3")));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct HostLog;

pub(super) fn level(of: &tracing::Level) -> Level {
    match *of {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// Message and fields as texts.
#[derive(Default)]
pub(super) struct Line {
    pub(super) message: String,
    pub(super) fields: Vec<(&'static str, String)>,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.fields.push((field.name(), format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.fields.push((field.name(), value.to_owned()));
        }
    }
}

impl<S: Subscriber> Layer<S> for HostLog {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // The host decides line by line, and may not even be there yet.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        metadata.is_span() || enabled(level(metadata.level()), metadata.target())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let fields: Vec<(&str, &dyn Display)> =
            line.fields.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
        let metadata = event.metadata();
        log(level(metadata.level()), metadata.target(), format_args!("{}", line.message), &fields);
    }
}
