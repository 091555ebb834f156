//! Tells the kind of an event, and makes the one HTTP view over every event that carries a request.
//!
//! An event is read only when somebody asks: a function that takes raw bytes and answers raw bytes pays nothing here.
//! Recognition goes by shape, never by who sent it, and never refuses: what nothing recognises is [`Kind::Raw`]. One
//! file per family of sources turns events into [`DecodedEvent`]s; [`reply`] writes HTTP replies in the sources' forms.

mod aliyun;
mod aws;
pub(crate) mod azure;
pub(crate) mod batch;
mod caller;
pub mod cloudevents;
mod fn_project;
pub mod google;
mod huawei;
mod media_types;
mod members;
mod native;
mod openwhisk;
pub mod reply;
pub(crate) mod resource;
mod tencent;
mod view;
mod yandex;

pub use view::{Body, HttpView, SpareView};

use crate::fields::{Fields, caseless};
use crate::http1::Message;
use crate::json::{Object, Outline};
use crate::text::Span;

/// The kind of trigger, as a function sees it on every platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A request that wants a reply.
    Http,
    /// A schedule has come due.
    Timer,
    /// Messages of a queue, in records.
    Queue,
    /// Messages of a topic, in records.
    Topic,
    /// Something happened to an object in a bucket.
    Storage,
    /// Log lines have been written.
    Log,
    /// Records of a stream came.
    Stream,
    /// Rows of a table have changed.
    Table,
    /// An event of a bus, a CloudEvent, or an event with which a service of the platform calls functions.
    Event,
    /// A message or connection of a WebSocket.
    WebSocket,
    /// A question whether a request may pass.
    Authorizer,
    /// The bytes are no event of a kind that is known.
    Raw,
}

impl Kind {
    /// Returns the word that `FAAS_META_TRIGGER` has for the kind.
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

/// The form in which an HTTP reply to this event goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyFormat {
    /// The reply goes back as HTTP itself.
    Native,
    /// The JSON of API Gateway REST and WebSocket APIs, payload 1.0.
    ApiGatewayV1,
    /// The JSON of API Gateway HTTP, payload 2.0, and of function URLs.
    ApiGatewayV2,
    /// The JSON of an Application Load Balancer.
    Alb,
    /// The JSON of VPC Lattice.
    Lattice,
    /// The JSON of Alibaba, Tencent and Huawei: `statusCode`, `headers`, `body` and `isBase64Encoded`, with one value a
    /// header.
    Plain,
    /// The form is that of [`Plain`](ReplyFormat::Plain) with `multiValueHeaders`, which Yandex takes.
    Yandex,
    /// The JSON of an OpenWhisk web action: `statusCode`, `headers` and `body`.
    WebAction,
    /// The outputs of an Azure custom handler.
    Azure,
    /// The event has no request in it: a reply's body goes back bare.
    Bare,
}

/// A decoded event.
#[derive(Debug)]
pub struct DecodedEvent {
    /// The kind of the trigger.
    pub kind: Kind,
    /// The source in its own words, e.g. `aws:apigateway:v2`; empty for raw.
    pub source: &'static str,
    /// The form in which an HTTP reply goes back.
    pub form: ReplyFormat,
    /// The request in the event; `None` if it carries no request.
    pub http: Option<Box<HttpView>>,
    /// The attributes and data of a CloudEvent, or the trigger's value in an event of Azure's host; `None` in any other
    /// event.
    pub data: Option<Box<Data>>,
}

/// The data of a CloudEvent, whatever mode it came in. Without attributes it is the value inside of another envelope.
#[derive(Debug, Default)]
pub struct Data {
    /// The attributes by name, extensions among them, as canonical texts.
    pub attributes: Fields,
    /// The place of the data.
    pub body: Body,
}

/// The way in which a message is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MessageFormat {
    /// The body of the message is an event, which is recognised by its shape.
    #[default]
    Event,
    /// The message itself is the request.
    Request,
    /// The message is a CloudEvent over HTTP, in the mode that its content type says.
    CloudEvent,
    /// The message is the envelope of Azure's host.
    Azure,
    /// The message is a call of the Fn agent, with a request in `Fn-Http-` headers.
    Fn,
    /// The event of the message is the arguments of an OpenWhisk action.
    OpenWhisk,
}

/// The facts by which a message is read: what its platform's protocol knows without reading the event. The spans lie in
/// [`Message::bytes`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageLayout {
    /// The way in which the message is read.
    pub format: MessageFormat,
    /// The part of the message that is the event; if it is empty, the whole body is.
    pub event: Span,
    /// The address of a request's client, where the platform says it by itself; empty where it does not.
    pub client_ip: Span,
    /// The beginning of the names of headers that the platform writes for the runtime, which are no part of a request.
    /// It is empty if there are no such headers.
    pub own_headers: &'static [u8],
}

impl DecodedEvent {
    /// Makes an event of bytes that nothing recognises.
    pub fn raw() -> DecodedEvent {
        DecodedEvent::bare(Kind::Raw, "")
    }

    /// Makes an event without a request in it.
    pub fn bare(kind: Kind, source: &'static str) -> DecodedEvent {
        DecodedEvent { kind, source, form: ReplyFormat::Bare, http: None, data: None }
    }

    /// Makes an event with a request in it, or one that is a request. A path that its source leaves empty is `/`, and
    /// cookies that it does not give by themselves are those of the headers.
    pub fn request(kind: Kind, source: &'static str, form: ReplyFormat, mut view: Box<HttpView>) -> DecodedEvent {
        view.complete_path();
        view.complete_cookies();
        DecodedEvent { kind, source, form, http: Some(view), data: None }
    }

    /// Reads a message as its protocol says. `peer` is the address of the connection's other end without its port, an
    /// IPv4 address as one; it is empty where there is no such address. `spare` is a view whose memory is used again,
    /// and which knows how many proxies are trusted. It is taken if there is a request.
    pub fn of(layout: MessageLayout, message: &Message, peer: &str, spare: &mut SpareView) -> DecodedEvent {
        match layout.format {
            MessageFormat::Event if layout.event.is_empty() => DecodedEvent::of_event(message.body(), spare),
            MessageFormat::Event => DecodedEvent::of_event(layout.event.read(message.bytes()), spare),
            MessageFormat::Request => {
                let client = layout.client_ip.read(message.bytes());
                let mut view = spare.take();
                native::read(message, client, peer, &mut view);
                DecodedEvent::request(Kind::Http, "http", ReplyFormat::Native, view).without_own(layout.own_headers)
            }
            MessageFormat::CloudEvent if cfg!(feature = "cloudevents") => cloudevents::of_message(message),
            MessageFormat::Azure if cfg!(feature = "azure-functions") => azure::read(message, spare),
            MessageFormat::Fn if cfg!(feature = "fn") => fn_project::read(message, spare),
            MessageFormat::OpenWhisk if cfg!(feature = "openwhisk") => {
                openwhisk::read(layout.event.read(message.bytes()), spare)
            }
            // Only a platform says such a shape, and it is not built in.
            MessageFormat::CloudEvent | MessageFormat::Azure | MessageFormat::Fn | MessageFormat::OpenWhisk => {
                DecodedEvent::raw()
            }
        }
    }

    /// Reads a request that came over HTTP itself.
    pub fn of_request(message: &Message, peer: &str, spare: &mut SpareView) -> DecodedEvent {
        let mut view = spare.take();
        native::read(message, b"", peer, &mut view);
        DecodedEvent::request(Kind::Http, "http", ReplyFormat::Native, view)
    }

    /// Returns the event without the platform's own words in the request's headers.
    fn without_own(mut self, own: &[u8]) -> DecodedEvent {
        if let Some(view) = self.http.as_mut().filter(|_| !own.is_empty()) {
            view.headers.remove(own, |name, start| name.get(..start.len()).is_some_and(|name| caseless(name, start)));
        }
        self
    }

    /// Reads an event by its shape. The spare view is taken if there is a request in it.
    pub fn of_event(event: &[u8], spare: &mut SpareView) -> DecodedEvent {
        // Little else than a JSON object can be more than raw; a look at the first byte spares the rest of a large
        // body.
        if event.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return OTHER_SOURCES.iter().find_map(|recognise| recognise(event)).unwrap_or_else(DecodedEvent::raw);
        }
        let mut outline = Outline::default();
        let Ok(object) = Object::parse(event, &mut outline) else { return DecodedEvent::raw() };
        SOURCES.iter().find_map(|recognise| recognise(event, &object, spare)).unwrap_or_else(DecodedEvent::raw)
    }
}

/// A recogniser of events that are JSON objects. It returns `None` for an event of another family, and takes the spare
/// view only otherwise.
type Recognise = fn(&[u8], &Object<'_, '_>, &mut SpareView) -> Option<DecodedEvent>;

/// The families of sources in the order of asking, of the platforms that are built in.
const SOURCES: &[Recognise] = &[
    #[cfg(feature = "aws-lambda")]
    aws::recognise,
    #[cfg(feature = "cloudevents")]
    |event, object, _| cloudevents::recognise(event, object.value()),
    #[cfg(feature = "tencent-scf")]
    tencent::recognise,
    #[cfg(feature = "huawei-functiongraph")]
    huawei::recognise,
    #[cfg(feature = "aliyun-fc")]
    aliyun::recognise,
    #[cfg(feature = "yandex")]
    yandex::recognise,
    #[cfg(feature = "google-cloud")]
    |event, object, _| google::recognise(event, object.value()),
];

/// A recogniser of events that are not JSON objects; it returns `None` for an event of another family.
type RecogniseOther = fn(&[u8]) -> Option<DecodedEvent>;

/// The families that send events that are not JSON objects, in the order of asking.
const OTHER_SOURCES: &[RecogniseOther] = &[
    #[cfg(feature = "aliyun-fc")]
    aliyun::recognise_other,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn view(event: &str, hops: usize) -> Box<HttpView> {
        let decoded = DecodedEvent::of_event(event.as_bytes(), &mut SpareView::trusting(hops));
        decoded.http.unwrap_or_else(|| panic!("no request in {event}"))
    }

    #[test]
    fn an_empty_path_is_the_root_at_every_source() {
        for event in [
            r#"{"requestContext":{"elb":{}},"httpMethod":"GET","path":""}"#,
            r#"{"requestContext":{"elb":{}}}"#,
            r#"{"version":"2.0","rawPath":"","requestContext":{"http":{"method":"GET","path":""}}}"#,
            r#"{"version":"2.0","rawPath":"","requestContext":{"domainName":"i.lambda-url.eu-west-2.on.aws","http":{}}}"#,
            r#"{"resource":"/","requestContext":{"resourceId":"r"},"httpMethod":"GET","path":""}"#,
            r#"{"version":"1.0","resource":"/","requestContext":{},"httpMethod":"GET","path":""}"#,
            r#"{"version":"2.0","method":"GET","path":"","requestContext":{"serviceArn":"arn"}}"#,
            r#"{"raw_path":"?a=1","method":"GET"}"#,
            r#"{"requestContext":{"connectionId":"c","routeKey":"$default"},"path":""}"#,
            r#"{"httpMethod":"GET","path":"","requestContext":{"serviceId":"s"}}"#,
            r#"{"httpMethod":"GET","path":"","queryString":{},"headers":{"x-scf-request-id":"r"}}"#,
            r#"{"httpMethod":"GET","path":"","requestContext":{"apiId":"a"}}"#,
            r#"{"version":"v1","rawPath":"","requestContext":{"http":{"method":"GET","path":""}}}"#,
            r#"{"httpMethod":"GET","path":""}"#,
            r#"{"httpMethod":"GET","url":"","requestContext":{"requestTimeEpoch":1}}"#,
        ] {
            let view = view(event, 1);
            assert_eq!((view.path(), view.raw_path()), (&b"/"[..], &b"/"[..]), "{event}");
        }
    }

    #[test]
    fn the_clients_address_is_bare_at_every_source() {
        const ELB: &str = r#"{"requestContext":{"elb":{}},"headers":{"X-Forwarded-For":"ADDRESS"}}"#;
        const LIST: &str =
            r#"{"requestContext":{"elb":{}},"multiValueHeaders":{"X-Forwarded-For":["9.9.9.9","ADDRESS"]}}"#;
        const LATTICE: &str = r#"{"raw_path":"/","method":"GET","headers":{"x-forwarded-for":"9.9.9.9, ADDRESS"}}"#;
        const FC_GATEWAY: &str = r#"{"httpMethod":"GET","path":"/","headers":{"X-Forwarded-For":"ADDRESS"}}"#;
        let by_header = [ELB, LIST, LATTICE, FC_GATEWAY];
        let by_context = [
            r#"{"version":"2.0","rawPath":"/","requestContext":{"http":{"sourceIp":"ADDRESS"}}}"#,
            r#"{"resource":"/","requestContext":{"resourceId":"r","identity":{"sourceIp":"ADDRESS"}}}"#,
            r#"{"requestContext":{"connectionId":"c","identity":{"sourceIp":"ADDRESS"}}}"#,
            r#"{"version":"v1","requestContext":{"http":{"sourceIp":"ADDRESS"}}}"#,
            r#"{"httpMethod":"GET","path":"/","requestContext":{"serviceId":"s","sourceIp":"ADDRESS"}}"#,
            r#"{"httpMethod":"GET","path":"/","queryString":{},"headers":{"x-scf-remote-addr":"ADDRESS"}}"#,
            r#"{"httpMethod":"GET","requestContext":{"apiId":"a","sourceIp":"ADDRESS"}}"#,
            r#"{"httpMethod":"GET","requestContext":{"requestTimeEpoch":1,"identity":{"sourceIp":"ADDRESS"}}}"#,
        ];
        for (text, expected) in [
            ("10.1.22.195:32554", &b"10.1.22.195"[..]),
            ("[2001:db8::7]:443", b"2001:db8::7"),
            ("2001:db8::7", b"2001:db8::7"),
        ] {
            for event in by_header.iter().chain(&by_context) {
                let event = event.replace("ADDRESS", text);
                assert_eq!(view(&event, 1).client_ip(), expected, "{event}");
            }
            for event in by_header {
                assert_eq!(view(&event.replace("ADDRESS", text), 0).client_ip(), b"", "nobody is trusted");
            }
            for event in by_context {
                let event = event.replace("ADDRESS", text);
                assert_eq!(view(&event, 0).client_ip(), expected, "the platform says it: {event}");
            }
        }
    }
}
