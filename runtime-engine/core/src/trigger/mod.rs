//! What kind of event this is, and the one HTTP view over every event that carries a request.
//!
//! An event is read only when somebody asks: a function that takes raw bytes and answers raw bytes pays nothing here.
//! Recognition goes by shape, never by who sent it, and never refuses: what nothing recognises is [`Kind::Raw`].
//! One file per family of sources turns events into [`Reading`]s; [`reply`] writes HTTP replies in the sources' forms.

mod aws;
mod native;
pub mod reply;
mod view;

pub use view::{Body, HttpView};

use crate::http1::Message;
use crate::json;

/// The kind of trigger, as a function sees it on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that wants a reply.
    Http,
    /// A schedule.
    Timer,
    /// Messages of a queue, in records.
    Queue,
    /// Messages of a topic, in records.
    Topic,
    /// Something happened to an object in a bucket.
    Storage,
    /// Log lines.
    Log,
    /// Records of a stream.
    Stream,
    /// Changes of a table.
    Table,
    /// An event of a bus, a CloudEvent, or what a service of the platform calls functions with.
    Event,
    /// A message or connection of a WebSocket.
    WebSocket,
    /// A question whether a request may pass.
    Authorizer,
    /// None of these: bytes.
    Raw,
}

impl Kind {
    /// The word of `FAAS_META_TRIGGER`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Timer => "timer",
            Kind::Queue => "queue",
            Kind::Topic => "topic",
            Kind::Storage => "storage",
            Kind::Log => "log",
            Kind::Stream => "stream",
            Kind::Table => "table",
            Kind::Event => "event",
            Kind::WebSocket => "websocket",
            Kind::Authorizer => "authorizer",
            Kind::Raw => "raw",
        }
    }
}

/// In which shape an HTTP reply to this event goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As HTTP itself.
    Native,
    /// The JSON of API Gateway REST and WebSocket APIs, payload 1.0.
    ApiGatewayV1,
    /// The JSON of API Gateway HTTP, payload 2.0, and of function URLs.
    ApiGatewayV2,
    /// The JSON of an Application Load Balancer.
    Alb,
    /// The JSON of VPC Lattice.
    Lattice,
    /// The event has no request in it: a reply's body goes back bare.
    Bare,
}

/// What an event turned out to be.
#[derive(Debug)]
pub struct Reading {
    /// Its kind.
    pub kind: Kind,
    /// The source in its own words, e.g. `aws:apigateway:v2`; empty for raw.
    pub source: &'static str,
    /// How an HTTP reply goes back.
    pub form: Form,
    /// The request in it.
    pub http: Option<HttpView>,
}

impl Reading {
    /// Bytes that nothing recognises.
    pub fn raw() -> Reading {
        Reading { kind: Kind::Raw, source: "", form: Form::Bare, http: None }
    }

    /// Reads a request that came over HTTP itself.
    pub fn of_request(message: &Message, peer: &str, view: HttpView) -> Reading {
        Reading { kind: Kind::Http, source: "http", form: Form::Native, http: Some(native::read(message, peer, view)) }
    }

    /// Reads an event by its shape. `view` is an old view whose memory is used again.
    pub fn of_event(event: &[u8], view: HttpView) -> Reading {
        // Only a JSON object can be more than raw; a look at the first byte spares the rest of a large body.
        if event.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Reading::raw();
        }
        let Ok(value) = json::parse(event) else { return Reading::raw() };
        aws::recognise(event, value, view).unwrap_or_else(Reading::raw)
    }
}
