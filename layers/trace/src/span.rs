//! A span that is over, and its bytes in OTLP (opentelemetry/proto/trace/v1/trace.proto, field by field).

use faas_otlp::{Attribute, Message, Resource, Signal};
use std::borrow::Cow;

/// The kind of a span (`Span.SpanKind`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Internal = 1,
    Server = 2,
    Consumer = 5,
}

/// A span that is over.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) trace: [u8; 16],
    pub(crate) id: [u8; 8],
    pub(crate) parent: Option<[u8; 8]>,
    pub(crate) state: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The beginning of the span, in nanoseconds since 1970.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) events: Vec<Event>,
    /// The number of events that found no room.
    pub(crate) lost_events: u64,
    pub(crate) outcome: Outcome,
}

/// The way in which a span ended (`Status`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Unset,
    Ok,
    /// The text of the failure, which may be empty.
    Error(String),
}

impl Outcome {
    pub(crate) fn of(error: Option<String>) -> Outcome {
        error.map_or(Outcome::Unset, Outcome::Error)
    }
}

/// An event within a span.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// The moment in nanoseconds since 1970.
    pub(crate) time: u64,
    pub(crate) name: Cow<'static, str>,
    pub(crate) attributes: Vec<Attribute>,
}

/// All spans, as a signal of the exporter.
#[derive(Debug)]
pub(crate) struct Spans;

impl Signal for Spans {
    type Item = Span;
    const WORD: &'static str = "spans";

    fn count(&self, spans: &[Span]) -> u64 {
        spans.len() as u64
    }

    /// Writes an `ExportTraceServiceRequest`.
    fn encode(&self, resource: &Resource, spans: &[Span]) -> Vec<u8> {
        faas_otlp::request(resource, |of_scope| spans.iter().for_each(|span| span.write(of_scope, 2)))
    }
}

impl Span {
    fn write(&self, to: &mut Message, field: u32) {
        to.message(field, |out| {
            out.bytes(1, &self.trace);
            out.bytes(2, &self.id);
            if !self.state.is_empty() {
                out.bytes(3, self.state.as_bytes());
            }
            if let Some(parent) = &self.parent {
                out.bytes(4, parent);
            }
            out.bytes(5, self.name.as_bytes());
            out.number(6, self.kind as u64);
            out.fixed64(7, self.start);
            out.fixed64(8, self.end);
            out.attributes(9, &self.attributes);
            for Event { time, name, attributes } in &self.events {
                out.message(11, |event| {
                    event.fixed64(1, *time);
                    event.bytes(2, name.as_bytes());
                    event.attributes(3, attributes);
                });
            }
            if self.lost_events > 0 {
                out.number(12, self.lost_events);
            }
            match &self.outcome {
                Outcome::Unset => {}
                Outcome::Ok => out.message(15, |status| status.number(3, 1)),
                Outcome::Error(why) => out.message(15, |status| {
                    status.bytes(2, why.as_bytes());
                    status.number(3, 2);
                }),
            }
        });
    }
}
