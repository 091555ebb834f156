//! OTLP over HTTP in protobuf, for layers that send telemetry: a queue, one thread that sends it, OpenTelemetry's
//! variables, which say where to, and trace contexts. Code that adds an item never waits for the collector.
#![forbid(unsafe_code)]

mod collector;
mod context;
mod exporter;
mod ids;
mod message;
mod resource;
mod settings;

pub use collector::Endpoint;
pub use context::Context;
pub use exporter::{Exporter, Signal};
pub use ids::Ids;
pub use message::{Attribute, Message, Value};
pub use resource::{Resource, faas_trigger, request};
pub use settings::{Export, Flush, Names, Written, text};
