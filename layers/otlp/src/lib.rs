//! OTLP over HTTP in protobuf, for layers that send telemetry: a queue, one thread that sends it, and OpenTelemetry's
//! variables, which say where to. Code that adds an item never waits for the collector.
#![forbid(unsafe_code)]

mod collector;
mod exporter;
mod ids;
mod message;
mod resource;
mod settings;

pub use collector::Endpoint;
pub use exporter::{Exporter, Signal};
pub use ids::Ids;
pub use message::{Attribute, Message, Value};
pub use resource::{Resource, faas_trigger, request};
pub use settings::{Export, Flush, Names, Written, text};
