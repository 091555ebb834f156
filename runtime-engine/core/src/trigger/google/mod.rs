//! Events of Google Cloud in their older form, `(data, context)`, and the way between it and CloudEvents.
//!
//! The form that a service sends depends on the trigger's age, and the form that a function takes on its signature. The
//! functions frameworks turn one into the other, and so do the conversions here, both ways. A subscription of Pub/Sub
//! that pushes has a form of its own and is read as either.
//!
//! Sources: the mapping and the test data of `GoogleCloudPlatform/functions-framework-conformance`. Where they are
//! silent, the frameworks for Node.js and Python are followed.

mod legacy;
mod names;
mod to_event;
mod to_legacy;

use super::cloudevents::{self, EventRefusal};
use super::{Body, DecodedEvent, Kind};
use crate::fields::caseless;
use crate::http1::{Assembly, Message};
use crate::json::{self, Value};
use legacy::{Legacy, Push};
use std::time::Duration;

/// Returns the event decoded if it is one of these.
pub(super) fn recognise(_bytes: &[u8], value: Value<'_>) -> Option<DecodedEvent> {
    let legacy = Legacy::read(value)?;
    let (kind, source) = match names::service_of_type(&legacy.event_type)? {
        names::PUBSUB => (Kind::Topic, "google:pubsub"),
        names::STORAGE => (Kind::Storage, "google:storage"),
        names::FIRESTORE => (Kind::Table, "google:firestore"),
        names::FIREBASE_DATABASE => (Kind::Table, "google:firebase-database"),
        names::FIREBASE_AUTH => (Kind::Event, "google:firebase-auth"),
        names::FIREBASE_ANALYTICS => (Kind::Event, "google:firebase-analytics"),
        names::FIREBASE_REMOTE_CONFIG => (Kind::Event, "google:firebase-remote-config"),
        _ => return None,
    };
    Some(DecodedEvent::bare(kind, source))
}

/// Makes a CloudEvent in binary mode of a request. Its body is an event of the older form, or pushed by Pub/Sub. `now`
/// is the time since 1970, for a push that does not tell its own.
///
/// # Errors
/// The body is no JSON or neither of the two, or its event has no counterpart among CloudEvents.
pub fn event_of_body(request: &Message, now: Duration) -> Result<Message, EventRefusal> {
    let body = parse(request)?;
    let (legacy, push) = (Legacy::read(body), Push::read(body));
    let event = match (&legacy, &push) {
        (Some(legacy), _) => to_event::of_legacy(legacy)?,
        (None, Some(push)) => to_event::of_push(push, request, now),
        (None, None) => {
            return Err(EventRefusal::new("the request is neither a CloudEvent nor an event of Google's older form"));
        }
    };
    let attributes = event.attributes();
    for (name, value) in attributes.clone() {
        cloudevents::check(name.as_bytes(), value.as_bytes())?;
    }
    let mut coded = Vec::new();
    let headers = |assembly: &mut Assembly| {
        for (name, value) in attributes {
            coded.clear();
            cloudevents::encode_header_value(&mut coded, value.as_bytes());
            assembly.header(format!("ce-{name}").as_bytes(), &coded);
        }
    };
    Ok(rewritten(request, headers, &event.data))
}

/// Makes a request with an event of the older form, of one with a CloudEvent that [`cloudevents::look`] takes.
///
/// # Errors
/// The request is a batch of CloudEvents, or the source of its event names no service and resource.
pub fn legacy_of_event(request: &Message) -> Result<Message, EventRefusal> {
    let data = cloudevents::of_message(request).data;
    let data =
        data.ok_or_else(|| EventRefusal::format("a batch of CloudEvents has no form that this function takes"))?;
    let bytes = match &data.body {
        Body::Empty => &[],
        Body::Whole => request.body(),
        Body::Part(span) => span.read(request.body()),
        Body::Own(bytes) => bytes,
    };
    let event = to_legacy::of_event(&data.attributes, bytes)?;
    Ok(rewritten(request, |_| {}, &event))
}

/// Makes an event of the older form of a request whose body is not a CloudEvent; `None` if it has the form already, or
/// is some other JSON.
///
/// # Errors
/// The body is not JSON.
pub fn legacy_of_body(request: &Message, now: Duration) -> Result<Option<Message>, EventRefusal> {
    let body = parse(request)?;
    let event = match (Legacy::read(body), Push::read(body)) {
        (Some(legacy), _) if legacy.is_nested => return Ok(None),
        (Some(legacy), _) => to_legacy::of_flat(&legacy),
        (None, Some(push)) => to_legacy::of_push(&push, request, now),
        (None, None) => return Ok(None),
    };
    Ok(Some(rewritten(request, |_| {}, &event)))
}

fn parse(request: &Message) -> Result<Value<'_>, EventRefusal> {
    json::parse(request.body())
        .map_err(|error| EventRefusal::new(format!("the request is neither a CloudEvent nor JSON: {error}")))
}

/// Returns the request with this JSON as its body. The headers of its former body and event are left out, and `headers`
/// adds those of the new event.
fn rewritten(request: &Message, headers: impl FnOnce(&mut Assembly), body: &[u8]) -> Message {
    let host = request.host().unwrap_or_default();
    let room = Vec::with_capacity(request.bytes().len() + body.len());
    let mut assembly = Assembly::request(room, request.method(), request.target(), host);
    for (name, value) in request.headers() {
        let of_body = [&b"content-type"[..], b"content-length", b"content-encoding", b"transfer-encoding", b"expect"];
        let of_event = name.get(..3).is_some_and(|start| caseless(start, b"ce-"));
        if !of_event && !of_body.iter().any(|other| caseless(name, other)) {
            assembly.header(name, value);
        }
    }
    assembly.header(b"content-type", b"application/json");
    headers(&mut assembly);
    assembly.body().extend_from_slice(body);
    assembly.finish()
}

#[cfg(test)]
mod testing {
    use super::*;

    pub(super) const ID: &str = "aaaaaa-1111-bbbb-2222-cccccccccccc";
    pub(super) const TIME: &str = "2020-09-29T11:32:00.123Z";

    pub(super) fn posted(target: &str, headers: &[(&str, &str)], body: &str) -> Message {
        let mut assembly = Assembly::request(Vec::new(), b"POST", target.as_bytes(), b"");
        headers.iter().for_each(|(name, value)| assembly.header(name.as_bytes(), value.as_bytes()));
        assembly.body().extend_from_slice(body.as_bytes());
        assembly.finish()
    }

    /// Returns an event of the older form whose context stands at the top.
    pub(super) fn flat(event_type: &str, resource: &str, data: &str, more: &str) -> String {
        format!(
            r#"{{"eventId":"{ID}","timestamp":"{TIME}","eventType":"{event_type}","resource":{resource},"data":{data}{more}}}"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{flat, posted};
    use super::*;
    use crate::trigger::{ReplyFormat, SpareView};

    #[test]
    fn events_of_the_older_form_are_known_by_their_type() {
        for (event_type, kind, source) in [
            ("google.pubsub.topic.publish", Kind::Topic, "google:pubsub"),
            ("providers/cloud.pubsub/eventTypes/topic.publish", Kind::Topic, "google:pubsub"),
            ("google.storage.object.delete", Kind::Storage, "google:storage"),
            ("providers/cloud.firestore/eventTypes/document.write", Kind::Table, "google:firestore"),
            ("providers/google.firebase.database/eventTypes/ref.write", Kind::Table, "google:firebase-database"),
            ("providers/firebase.auth/eventTypes/user.create", Kind::Event, "google:firebase-auth"),
            ("providers/google.firebase.analytics/eventTypes/event.log", Kind::Event, "google:firebase-analytics"),
            ("providers/firebase.remoteConfig/remoteconfig.update", Kind::Event, "google:firebase-remote-config"),
        ] {
            let event = flat(event_type, "\"projects/p\"", "{}", "");
            let nested = event.replacen('{', "{\"context\":{", 1).replacen(",\"data\"", "},\"data\"", 1);
            for event in [event, nested] {
                let decoded = DecodedEvent::of_event(event.as_bytes(), &mut SpareView::default());
                assert_eq!((decoded.kind, decoded.source, decoded.form), (kind, source, ReplyFormat::Bare), "{event}");
            }
        }
        for event in [flat("acme.thing", "\"r\"", "{}", ""), r#"{"eventType":"google.pubsub.topic.publish"}"#.into()] {
            assert_eq!(DecodedEvent::of_event(event.as_bytes(), &mut SpareView::default()).kind, Kind::Raw, "{event}");
        }
    }

    #[test]
    fn a_rewritten_request_keeps_all_headers_that_are_not_of_the_body() {
        let headers = [
            ("Host", "f.example"),
            ("Traceparent", "t"),
            ("Content-Type", "text/plain"),
            ("Content-Length", "999"),
            ("ce-stray", "1"),
        ];
        let made = rewritten(&posted("/a?b=1", &headers, "old"), |_| {}, b"new");
        let names: Vec<_> = made.headers().map(|(name, _)| String::from_utf8_lossy(name).into_owned()).collect();
        assert_eq!(names, ["Host", "Traceparent", "content-type"]);
        assert_eq!((made.method(), made.target(), made.body()), (&b"POST"[..], &b"/a?b=1"[..], &b"new"[..]));
        assert_eq!(made.host(), Some(&b"f.example"[..]));
    }
}
