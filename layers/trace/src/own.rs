//! Spans that functions and layers begin themselves, through the service `faas.spans`: those that are open, until their
//! end.

use crate::clock::Clock;
use crate::sampler::Sampler;
use crate::span::{Event, Kind, Outcome, Span, Spans};
use faas_otlp::{Attribute, Context, Exporter, Ids};
use handlers_sdk::telemetry::{GatherSpans, Labels, SpanEnd};
use handlers_sdk::{Config, Redact};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most bytes of a name or a value; the rest is cut off.
const LONGEST: usize = 1024;
/// The most attributes of a span or an event, which is OpenTelemetry's limit; further ones are left out.
const MOST_ATTRIBUTES: usize = 128;
/// The most events of a span, which is OpenTelemetry's limit; the number of further ones is told.
const MOST_EVENTS: usize = 128;

/// The spans that are open.
#[derive(Debug)]
pub(crate) struct Own {
    config: Config,
    exporter: Exporter<Spans>,
    ids: Arc<Ids>,
    clock: Arc<Clock>,
    sampler: Sampler,
    redact: Redact,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// The number of the latest.
    latest: u64,
    /// The spans by their numbers, which grow: the first is the oldest.
    spans: BTreeMap<u64, Begun>,
}

#[derive(Debug)]
struct Begun {
    span: Span,
    /// The distance between the host's clock and the system's in nanoseconds, at the beginning of the span.
    distance: u64,
}

impl Own {
    pub(crate) fn new(
        config: &Config,
        exporter: Exporter<Spans>,
        ids: Arc<Ids>,
        clock: Arc<Clock>,
        sampler: Sampler,
    ) -> Own {
        let redact = Redact::new(&[], Vec::new());
        Own { config: *config, exporter, ids, clock, sampler, redact, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds attributes, with credentials hidden. The last value of a name stands.
    fn add(&self, to: &mut Vec<Attribute>, attributes: Labels<'_>) {
        for (name, value) in attributes.iter() {
            let value = self.redact.value(name, cut(value));
            let value = value.as_str().into();
            if let Some((_, old)) = to.iter_mut().find(|(other, _)| other == name) {
                *old = value;
            } else if to.len() < MOST_ATTRIBUTES {
                to.push((cut(name).to_owned().into(), value));
            }
        }
    }
}

/// Returns the text, or its beginning if it is too long.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl GatherSpans for Own {
    fn begin(&self, parent: &str, name: &str, attributes: Labels<'_>) -> u64 {
        let parent = Context::of_w3c(parent);
        let trace = parent.as_ref().map_or_else(|| self.ids.trace(), |parent| parent.trace);
        let sampled = parent.as_ref().map_or_else(|| self.sampler.takes(&trace), |parent| parent.sampled);
        if !sampled {
            return 0;
        }
        let distance = self.clock.distance();
        let start = self.config.now_ns().wrapping_add(distance);
        let mut span = Span {
            trace,
            id: self.ids.span(),
            parent: parent.map(|parent| parent.span),
            state: String::new(),
            name: cut(name).to_owned(),
            kind: Kind::Internal,
            start,
            end: start,
            attributes: Vec::new(),
            events: Vec::new(),
            lost_events: 0,
            outcome: Outcome::Unset,
        };
        self.add(&mut span.attributes, attributes);
        let mut open = self.open();
        if open.spans.len() >= self.exporter.export().max_queue {
            // Otherwise spans that are never ended would keep all others out.
            open.spans.pop_first();
            self.exporter.lose(1);
        }
        open.latest += 1;
        let number = open.latest;
        open.spans.insert(number, Begun { span, distance });
        number
    }

    fn context(&self, span: u64) -> Option<String> {
        let open = self.open();
        let Begun { span, .. } = open.spans.get(&span)?;
        Some(Context { trace: span.trace, span: span.id, sampled: true }.w3c())
    }

    fn event(&self, span: u64, name: &str, attributes: Labels<'_>) {
        let mut open = self.open();
        let Some(Begun { span, distance }) = open.spans.get_mut(&span) else { return };
        if span.events.len() >= MOST_EVENTS {
            span.lost_events += 1;
            return;
        }
        let mut event = Event {
            time: self.config.now_ns().wrapping_add(*distance),
            name: cut(name).to_owned().into(),
            attributes: Vec::new(),
        };
        self.add(&mut event.attributes, attributes);
        span.events.push(event);
    }

    fn end(&self, span: u64, end: SpanEnd, attributes: Labels<'_>) {
        let Some(Begun { mut span, distance }) = self.open().spans.remove(&span) else { return };
        span.end = self.config.now_ns().wrapping_add(distance);
        span.outcome = match end {
            SpanEnd::Unsaid => Outcome::Unset,
            SpanEnd::Well => Outcome::Ok,
            SpanEnd::Failed => Outcome::Error(String::new()),
        };
        self.add(&mut span.attributes, attributes);
        self.exporter.add(span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_two_characters() {
        let long = "é".repeat(LONGEST);
        assert_eq!((cut(&long).len(), cut("short")), (LONGEST, "short"));
        assert_eq!(cut(&format!("a{long}")).len(), LONGEST - 1);
    }
}
