//! CloudEvents 1.0 over HTTP and as JSON.
//!
//! A request is an event in one of three modes, which its content type tells: *binary* (attributes in `ce-` headers,
//! the body is the data), *structured* (`application/cloudevents+json`: all of it in the body), *batched* (a JSON list
//! of such). [`look`] says which, and why one that claims to be an event is none: a server answers with the reason and
//! calls nobody. What a function sees is the same in the first two modes: attributes by name, and the data as bytes. A
//! batch is one event, its list.
//!
//! Source: the specification's core, HTTP protocol binding and JSON format (repository `cloudevents/spec`). Where it
//! leaves a choice: names and values of attributes are held to the letter; header values that were not percent-coded
//! are read as the UTF-8 that they are; a `%` that begins no code is a `%`.

mod attributes;
mod binary;
mod kinds;
mod structured;
mod time;

pub use attributes::EventRefusal;
pub(super) use attributes::check;
pub use binary::encode_header_value;
pub(crate) use kinds::kinds_of_type;

use super::media_types::essence;
use super::resource::EVENTBRIDGE;
use super::{Data, DecodedEvent, Kind, ReplyFormat};
use crate::fields::{caseless, exact};
use crate::http1::Message;
use crate::json::{self, Value};

/// The [`DecodedEvent::source`] of one event.
const ONE: &str = "cloudevents";
/// The source of a list of events.
const BATCH: &str = "cloudevents:batch";

/// The mode in which an event travels over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Attributes stand in the headers.
    Binary,
    /// One event comes as JSON.
    Structured,
    /// A list of events comes as JSON.
    Batched,
    /// The content type names a format that nothing here reads.
    Unknown,
}

impl Mode {
    /// Returns the mode of a request; `None` if it does not say that it is an event.
    pub fn of(request: &Message) -> Option<Mode> {
        let mut required = attributes::Required::default();
        let mut mode = None;
        for (name, value) in request.headers() {
            if let Some(name) = attribute_name(name) {
                required.note(name);
            } else if name.len() == 12 && caseless(name, b"content-type") {
                mode = Mode::of_content_type(value);
            }
        }
        mode.or_else(|| required.missing().is_none().then_some(Mode::Binary))
    }

    fn of_content_type(content_type: &[u8]) -> Option<Mode> {
        const PREFIX: &[u8] = b"application/cloudevents";
        let essence = essence(content_type);
        let format = essence.get(PREFIX.len()..).filter(|_| caseless(&essence[..PREFIX.len()], PREFIX))?;
        Some(if caseless(format, b"+json") {
            Mode::Structured
        } else if caseless(format, b"-batch+json") {
            Mode::Batched
        } else {
            Mode::Unknown
        })
    }
}

/// The result of looking at a request, as far as CloudEvents go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// The request does not say that it is an event.
    NoEvent,
    /// The request is one event.
    One,
    /// The request is a list of at least one event.
    Batch,
    /// The request is a list without an event.
    EmptyBatch,
    /// The request says that it is an event and is not one.
    Refused(EventRefusal),
}

/// Looks whether a request is an event. All that [`of_message`](super::DecodedEvent::of) reads later is checked here.
pub fn look(request: &Message) -> Offer {
    let checked = match Mode::of(request) {
        None => return Offer::NoEvent,
        Some(Mode::Binary) => binary::read(request, |_, _| {}).map(|()| Offer::One),
        Some(Mode::Structured) => parse(request.body()).and_then(|value| {
            structured::read(request.body(), value, structured::Rigour::Strict, None)?;
            Ok(Offer::One)
        }),
        Some(Mode::Batched) => parse(request.body()).and_then(|value| batch(request.body(), value)),
        Some(Mode::Unknown) => Err(EventRefusal::format("of the formats for CloudEvents only JSON is read here")),
    };
    checked.unwrap_or_else(Offer::Refused)
}

fn parse(body: &[u8]) -> Result<Value<'_>, EventRefusal> {
    json::parse(body).map_err(|error| EventRefusal::new(format!("the CloudEvent is no JSON: {error}")))
}

fn batch(body: &[u8], list: Value<'_>) -> Result<Offer, EventRefusal> {
    if list.kind() != json::ValueKind::Array {
        return Err(EventRefusal::new("a batch of CloudEvents is a JSON list"));
    }
    let mut offer = Offer::EmptyBatch;
    for (index, event) in list.elements().enumerate() {
        structured::read(body, event, structured::Rigour::Strict, None)
            .map_err(|refusal| EventRefusal::new(format!("event {index} of the batch: {}", refusal.reason)))?;
        offer = Offer::Batch;
    }
    Ok(offer)
}

/// Returns `true` if this text is one event in JSON.
pub fn is_event(text: &[u8]) -> bool {
    text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
        && json::parse(text).is_ok_and(|value| structured::says_so(value))
}

/// Returns the event decoded if it is a CloudEvent in JSON. Members that are not attributes are passed over, since it
/// has come by a way that does not know CloudEvents.
pub(super) fn recognise(bytes: &[u8], value: Value<'_>) -> Option<DecodedEvent> {
    if !structured::says_so(value) {
        return None;
    }
    let mut data = Box::<Data>::default();
    structured::read(bytes, value, structured::Rigour::Lenient, Some(&mut data)).ok()?;
    let is_of_a_queue = data.attributes.get(b"type", exact).is_some_and(is_of_a_queue);
    let (kind, source) = if is_of_a_queue { (Kind::Queue, EVENTBRIDGE) } else { (Kind::Event, ONE) };
    Some(DecodedEvent { data: Some(data), ..DecodedEvent::bare(kind, source) })
}

/// Returns `true` if a CloudEvent of this type is a message of a queue by way of Alibaba's EventBridge: of MNS,
/// RocketMQ or RabbitMQ.
pub(super) fn is_of_a_queue(event_type: &[u8]) -> bool {
    [&b"mns:Queue:SendMessage"[..], b"mq:Topic:SendMessage", b"amqp:Queue:SendMessage"].contains(&event_type)
}

/// Reads a CloudEvent that came over HTTP, in the mode that its content type says. A single event that [`look`] refuses
/// becomes raw. A batch is not checked again: [`look`] has done so.
pub(super) fn of_message(message: &Message) -> DecodedEvent {
    let native =
        |source, data| DecodedEvent { data, form: ReplyFormat::Native, ..DecodedEvent::bare(Kind::Event, source) };
    let mut data = Box::<Data>::default();
    let read = match Mode::of(message) {
        Some(Mode::Binary) => binary::data(message, &mut data).map(|()| native(ONE, Some(data))),
        Some(Mode::Structured) => parse(message.body()).and_then(|value| {
            structured::read(message.body(), value, structured::Rigour::Strict, Some(&mut data))?;
            Ok(native(ONE, Some(data)))
        }),
        Some(Mode::Batched) => Ok(native(BATCH, None)),
        Some(Mode::Unknown) | None => Err(EventRefusal::new("")),
    };
    read.unwrap_or(DecodedEvent { form: ReplyFormat::Native, ..DecodedEvent::raw() })
}

/// Returns the part of a header's name behind `ce-`; `None` if it does not begin so.
fn attribute_name(header: &[u8]) -> Option<&[u8]> {
    header.get(3..).filter(|_| caseless(&header[..3], b"ce-"))
}

#[cfg(test)]
mod testing {
    use super::*;
    use crate::http1::Assembly;

    pub(super) fn request(headers: &[(&str, &[u8])], body: &[u8]) -> Message {
        let mut assembly = Assembly::request(Vec::new(), b"POST", b"/", b"");
        headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value));
        assembly.body().extend_from_slice(body);
        assembly.finish()
    }

    pub(super) fn reason(request: &Message) -> (u16, String) {
        match look(request) {
            Offer::Refused(refusal) => (refusal.status, refusal.reason.into_owned()),
            other => (0, format!("{other:?}")),
        }
    }

    pub(super) fn attributes(data: &Data) -> Vec<(String, String)> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        data.attributes.iter().map(|(name, value)| (text(name), text(value))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{attributes, reason, request};
    use super::*;
    use crate::trigger::{Body, SpareView};

    const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}}"#;

    fn typed(content_type: &str, body: &str) -> Message {
        request(&[("Content-Type", content_type.as_bytes())], body.as_bytes())
    }

    #[test]
    fn the_content_type_tells_the_mode_whatever_its_case() {
        for (content_type, mode) in [
            ("application/cloudevents+json", Some(Mode::Structured)),
            ("Application/CloudEvents+JSON ; charset=UTF-8", Some(Mode::Structured)),
            ("application/cloudevents-batch+json", Some(Mode::Batched)),
            ("APPLICATION/CLOUDEVENTS-BATCH+JSON;charset=utf-8", Some(Mode::Batched)),
            ("application/cloudevents+avro", Some(Mode::Unknown)),
            ("application/cloudevents", Some(Mode::Unknown)),
            ("application/cloudevents-batch+protobuf", Some(Mode::Unknown)),
            ("application/cloud", None),
            ("application/json", None),
            ("", None),
        ] {
            assert_eq!(Mode::of(&typed(content_type, "")), mode, "{content_type}");
        }
    }

    #[test]
    fn four_headers_make_a_binary_event_and_three_make_none() {
        let all = [("ce-specversion", &b"1.0"[..]), ("CE-ID", b"1"), ("Ce-Source", b"/s"), ("ce-type", b"t")];
        assert_eq!(Mode::of(&request(&all, b"")), Some(Mode::Binary));
        for missing in 0..all.len() {
            let some: Vec<_> = all.iter().copied().enumerate().filter(|(at, _)| *at != missing).collect();
            let some: Vec<_> = some.into_iter().map(|(_, header)| header).collect();
            assert_eq!(Mode::of(&request(&some, b"")), None, "without {}", all[missing].0);
        }
    }

    #[test]
    fn a_content_type_of_cloudevents_outweighs_the_headers() {
        let headers = [
            ("ce-specversion", &b"1.0"[..]),
            ("ce-id", b"of the header"),
            ("ce-source", b"/h"),
            ("ce-type", b"h"),
            ("content-type", b"application/cloudevents+json"),
        ];
        let message = request(&headers, EVENT.as_bytes());
        assert_eq!(look(&message), Offer::One);
        let data = of_message(&message).data.expect("an event");
        assert_eq!(attributes(&data)[1], ("id".into(), "1".into()));
    }

    #[test]
    fn what_says_that_it_is_an_event_and_is_none_is_refused_with_a_reason() {
        let structured = |body| reason(&typed("application/cloudevents+json", body));
        assert!(structured("{").1.starts_with("the CloudEvent is no JSON: "));
        assert_eq!(structured("[]"), (400, "a CloudEvent is a JSON object".into()));
        assert_eq!(reason(&typed("application/cloudevents+avro", "")).0, 415);
        let batch = |body| reason(&typed("application/cloudevents-batch+json", body));
        assert_eq!(batch("{}"), (400, "a batch of CloudEvents is a JSON list".into()));
        assert_eq!(
            batch(&format!("[{EVENT},{{}}]")),
            (400, "event 1 of the batch: the attribute \"specversion\" is missing".into())
        );
    }

    #[test]
    fn a_batch_is_one_event_and_an_empty_one_none() {
        let batch = |body: &str| typed("application/cloudevents-batch+json", body);
        assert_eq!(look(&batch("[ ]")), Offer::EmptyBatch);
        let two = batch(&format!("[{EVENT},{EVENT}]"));
        assert_eq!(look(&two), Offer::Batch);
        let decoded = of_message(&two);
        assert_eq!(
            (decoded.kind, decoded.source, decoded.form),
            (Kind::Event, "cloudevents:batch", ReplyFormat::Native)
        );
        assert!(decoded.data.is_none() && decoded.http.is_none());
    }

    #[test]
    fn both_modes_read_alike() {
        let structured = of_message(&typed("application/cloudevents+json", EVENT));
        let headers = [
            ("ce-specversion", &b"1.0"[..]),
            ("ce-id", b"1"),
            ("ce-source", b"/s"),
            ("ce-type", b"t"),
            ("content-type", b"application/json"),
        ];
        let binary = of_message(&request(&headers, br#"{"a":1}"#));
        for decoded in [&structured, &binary] {
            assert_eq!((decoded.kind, decoded.source, decoded.form), (Kind::Event, "cloudevents", ReplyFormat::Native));
            let data = decoded.data.as_ref().expect("an event");
            let expected = [
                ("specversion", "1.0"),
                ("id", "1"),
                ("source", "/s"),
                ("type", "t"),
                ("datacontenttype", "application/json"),
            ];
            assert_eq!(attributes(data), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        let body = structured.data.expect("an event").body;
        let Body::Part(span) = body else { panic!("{body:?}") };
        assert_eq!(span.read(EVENT.as_bytes()), br#"{"a":1}"#);
        assert!(matches!(binary.data.expect("an event").body, Body::Whole));
    }

    #[test]
    fn what_is_refused_is_raw_when_it_is_read_all_the_same() {
        for message in [typed("application/cloudevents+json", "{}"), typed("text/plain", "x")] {
            let decoded = of_message(&message);
            assert_eq!((decoded.kind, decoded.form), (Kind::Raw, ReplyFormat::Native));
        }
    }

    #[test]
    fn an_event_in_json_is_recognised_on_every_way_and_its_oddities_are_passed_over() {
        let event = r#"{"specversion":"1.0","id":"1","source":"acs:oss","type":"oss:ObjectCreated","subject":"",
            "aliyunregionid":"cn-hangzhou","X_odd":{},"datacontenttype":"application/json;charset=utf-8","data":{"b":2}}"#;
        let decoded = DecodedEvent::of_event(event.as_bytes(), &mut SpareView::default());
        assert_eq!((decoded.kind, decoded.source, decoded.form), (Kind::Event, "cloudevents", ReplyFormat::Bare));
        let data = decoded.data.expect("attributes");
        let names: Vec<_> = attributes(&data).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["specversion", "id", "source", "type", "aliyunregionid", "datacontenttype"]);
        for other in [r#"{"id":"1","source":"s","type":"t"}"#, r#"{"specversion":1,"id":"1","source":"s","type":"t"}"#]
        {
            assert_eq!(DecodedEvent::of_event(other.as_bytes(), &mut SpareView::default()).kind, Kind::Raw, "{other}");
        }
        assert!(is_event(event.as_bytes()) && !is_event(b"[]") && !is_event(b"{\"specversion\":") && !is_event(b"{}"));
    }
}
