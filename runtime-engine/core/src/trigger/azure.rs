//! The envelope in which the Azure Functions host calls a custom handler: `Data` holds a value for each input binding,
//! the trigger's first; `Metadata` what the host knows of the trigger.
//!
//! Objects stand in `Data` as they are and bytes as base64. Texts, numbers, truths, lists and null stand there as a
//! string that holds their JSON; one such coding is undone, and a plain string is taken as well. Which trigger it was
//! nobody says; of the trigger's value and the metadata the first mark in this order decides:
//!
//! | mark | kind | source |
//! |---|---|---|
//! | the value has `Url` and `Method` | http | `azure:http` |
//! | it has `IsPastDue` and `Schedule` | timer | `azure:timer` |
//! | metadata `PartitionContext` | stream | `azure:eventhub` |
//! | metadata `DeliveryCount` and `MessageId`, or the lists of both | queue | `azure:servicebus` |
//! | metadata `DequeueCount` | queue | `azure:queue` |
//! | metadata `Uri` and `Properties` | storage | `azure:blob` |
//! | the value, or its first element, is a CloudEvent, or has `eventType`, `subject` and `data` | event | `azure:eventgrid` |
//! | the value's first element has `_rid` and `_etag` | table | `azure:cosmosdb` |
//!
//! Source: the repository `Azure/azure-functions-host`, `ScriptInvocationContextExtensions` and
//! `HttpRequestExtensions`; the names in `Metadata` are those of the extensions' documentation.

use super::aws::read::{body_of, map, pairs, text};
use super::view::{Body, HttpView, SpareView};
use super::{Data, DecodedEvent, Kind, ReplyFormat, cloudevents};
use crate::encoding::base64;
use crate::fields::caseless;
use crate::http1::Message;
use crate::json::{self, Value, ValueKind as Json};
use crate::text::Span;

/// The two parts of an envelope.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    data: Value<'a>,
    metadata: Value<'a>,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope in a message's body; `None` if the body is no envelope.
    pub(crate) fn of(body: &'a [u8]) -> Option<Envelope<'a>> {
        // The first byte shows of most bodies that they are no envelope, which spares the rest of a large one.
        if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return None;
        }
        let (mut data, mut metadata) = (None, None);
        for (key, value) in json::parse(body).ok()?.members() {
            if key == *"Data" {
                data = Some(value);
            } else if key == *"Metadata" {
                metadata = Some(value);
            }
        }
        let is_object = |value: &Value<'_>| value.kind() == Json::Object;
        Some(Envelope { data: data.filter(is_object)?, metadata: metadata.filter(is_object)? })
    }

    /// Returns the number of times that the host has tried before, under a retry policy of the function's.
    pub(crate) fn attempt(self) -> u32 {
        let count = self.metadata.path(&["RetryContext", "RetryCount"]).and_then(|count| count.as_u64());
        count.map_or(0, |count| u32::try_from(count).unwrap_or(u32::MAX))
    }
}

/// Reads the envelope in a message.
pub(super) fn read(message: &Message, spare: &mut SpareView) -> DecodedEvent {
    let event = message.body();
    let Some(Envelope { data, metadata }) = Envelope::of(event) else { return DecodedEvent::raw() };
    let Some((_, trigger)) = data.members().next() else { return DecodedEvent::raw() };
    if !has(trigger, &["Url", "Method"]) {
        return of_value(event, trigger, metadata);
    }
    let mut view = spare.take();
    fill(event, trigger, &mut view);
    DecodedEvent::request(Kind::Http, "azure:http", ReplyFormat::Azure, view)
}

/// Decodes the event from the trigger's value, whose coding is undone first.
fn of_value(event: &[u8], value: Value<'_>, metadata: Value<'_>) -> DecodedEvent {
    let Some(inner) = value.as_str() else {
        return decoded(event, value, metadata, || Body::Part(Span::of(event, value.raw())));
    };
    let inner = inner.as_bytes();
    match json::parse(inner) {
        Ok(inner) if inner.kind() == Json::String => {
            let text = inner.as_str().unwrap_or_default().into_owned().into_bytes();
            // A text may be JSON in its turn, as a message of a queue is, and is still given as it was written.
            let content = json::parse(&text).unwrap_or(inner);
            let mut decoded = decoded(&text, content, metadata, || Body::Whole);
            settle(&mut decoded, &text);
            decoded
        }
        Ok(content) => {
            let mut decoded = decoded(inner, content, metadata, || Body::Whole);
            settle(&mut decoded, inner);
            decoded
        }
        // The host writes no text like this: it is bytes in base64, or was written by hand.
        Err(_) => {
            let mut bytes = Vec::new();
            let coded = inner.len().is_multiple_of(4) && base64::decode_into(&mut bytes, inner).is_ok();
            let body = if coded { bytes } else { inner.to_vec() };
            decoded(event, value, metadata, || Body::Own(body))
        }
    }
}

/// Decodes a value that stands in `text`; its body is `whole`, unless it is a CloudEvent.
fn decoded(text: &[u8], value: Value<'_>, metadata: Value<'_>, whole: impl FnOnce() -> Body) -> DecodedEvent {
    let (kind, source) = recognise(value, metadata);
    if source == EVENT_GRID
        && let Some(event) = cloudevents::recognise(text, value)
    {
        return DecodedEvent { kind, source, ..event };
    }
    let data = Data { body: whole(), ..Data::default() };
    DecodedEvent { data: Some(Box::new(data)), ..DecodedEvent::bare(kind, source) }
}

/// Copies a body that lies in `text` into bytes of its own, since the text is gone before the event.
fn settle(decoded: &mut DecodedEvent, text: &[u8]) {
    let Some(data) = &mut decoded.data else { return };
    match data.body {
        Body::Whole => data.body = Body::Own(text.to_vec()),
        Body::Part(span) => data.body = Body::Own(span.read(text).to_vec()),
        Body::Empty | Body::Own(_) => {}
    }
}

const EVENT_GRID: &str = "azure:eventgrid";

fn recognise(value: Value<'_>, metadata: Value<'_>) -> (Kind, &'static str) {
    let knows = |names: &[&str]| has(metadata, names);
    if has(value, &["IsPastDue", "Schedule"]) {
        return (Kind::Timer, "azure:timer");
    }
    if knows(&["PartitionContext"]) {
        return (Kind::Stream, "azure:eventhub");
    }
    if knows(&["DeliveryCount", "MessageId"]) || knows(&["DeliveryCountArray", "MessageIdArray"]) {
        return (Kind::Queue, "azure:servicebus");
    }
    if knows(&["DequeueCount"]) {
        return (Kind::Queue, "azure:queue");
    }
    if knows(&["Uri", "Properties"]) {
        return (Kind::Storage, "azure:blob");
    }
    let first = value.elements().next().unwrap_or(value);
    if has(first, &["specversion", "type", "source"]) || has(first, &["eventType", "subject", "data"]) {
        return (Kind::Event, EVENT_GRID);
    }
    if value.kind() == Json::Array && has(first, &["_rid", "_etag"]) {
        return (Kind::Table, "azure:cosmosdb");
    }
    (Kind::Raw, "")
}

/// Returns `true` if the object has all these members.
fn has(object: Value<'_>, names: &[&str]) -> bool {
    names.iter().all(|name| object.members().any(|(key, _)| key == **name))
}

/// Fills an empty view from the trigger's request.
fn fill(event: &[u8], request: Value<'_>, view: &mut HttpView) {
    let (mut query, mut body) = (None, None);
    let mut scheme = &b"http"[..];
    for (key, value) in request.members() {
        match &*key.as_str() {
            "Url" => text(Some(value), |url| scheme = address(url, view)),
            "Method" => text(Some(value), |method| view.set_method(method)),
            "Query" => query = Some(value),
            "Headers" => map(Some(value), &mut view.headers),
            "Params" => map(Some(value), &mut view.params),
            "Body" => body = Some(value),
            _ => {}
        }
    }
    // The address has the repeats that the map joins.
    if view.query.is_empty()
        && let Some(query) = query
    {
        match query.as_str() {
            Some(coded) => add_query(json::parse(coded.as_bytes()).ok(), view),
            None => add_query(Some(query), view),
        }
    }
    view.read_way(scheme);
    let coded = view.header(b"content-type").is_some_and(is_binary);
    view.body = body_of(event, body, coded);
}

/// Takes an absolute address apart. Returns its scheme, which is `http` for any other than `https`.
fn address(url: &[u8], view: &mut HttpView) -> &'static [u8] {
    let (scheme, rest) = match url.windows(3).position(|three| three == b"://") {
        Some(at) => (&url[..at], &url[at + 3..]),
        None => (&b""[..], url),
    };
    let slash = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (host, rest) = rest.split_at(slash);
    view.set_host(host);
    let question = rest.iter().position(|byte| *byte == b'?');
    let (path, query) = rest.split_at(question.unwrap_or(rest.len()));
    view.set_coded_path(if path.is_empty() { b"/" } else { path });
    view.set_coded_query(query.strip_prefix(b"?").unwrap_or_default());
    view.decode_query();
    if caseless(scheme, b"https") { b"https" } else { b"http" }
}

fn add_query(object: Option<Value<'_>>, view: &mut HttpView) {
    pairs(object, |key, value| view.query.add(key.as_str().as_bytes(), value));
    view.encode_query();
}

/// Returns `true` if the host gives a body of that type in base64.
fn is_binary(content_type: &[u8]) -> bool {
    let essence = super::media_types::essence(content_type);
    caseless(essence, b"application/octet-stream")
        || essence.get(..10).is_some_and(|kind| caseless(kind, b"multipart/"))
}

#[cfg(test)]
mod tests;
