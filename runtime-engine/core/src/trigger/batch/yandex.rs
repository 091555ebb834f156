//! Batches of Yandex Cloud: the messages of triggers. Source: "Triggers" in the documentation of Cloud Functions.

use super::{Content, Index, Partial, Source, Whole, at, each_named, parse, retries, text};

const fn source(word: &'static str, open: fn(&[u8], &mut Content)) -> Source {
    Source { word, partial: Partial::None, list: messages, open }
}

pub(super) const SOURCES: &[Source] = &[
    source("yandex:ymq", queue_message),
    source("yandex:iot", iot_message),
    source("yandex:storage", |_, content| content.is_whole()),
    source("yandex:container-registry", |_, content| content.is_whole()),
    source("yandex:event", |_, content| content.is_whole()),
];

/// Indexes the messages. A message of a queue has the queue's id for it, and all others have the event's. A FIFO queue
/// keeps order within its groups, and IoT Core within each topic.
fn messages(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each_named(batch.body, at(parse(batch.body), &["messages"]), index, &|message| {
        let details = at(message, &["details"]);
        let own = text(at(details, &["message", "message_id"]));
        let id = if own.is_empty() { text(at(message, &["event_metadata", "event_id"])) } else { own };
        let is_fifo = text(at(details, &["queue_id"])).ends_with(".fifo");
        let group: &[&str] = if is_fifo { &["message", "attributes", "MessageGroupId"] } else { &["mqtt_topic"] };
        (id.into_owned(), text(at(details, group)).into_owned())
    })
}

fn queue_message(bytes: &[u8], content: &mut Content) {
    let message = at(parse(bytes), &["details", "message"]);
    content.payload(bytes, at(message, &["body"]), false);
    content.attempt = retries(at(message, &["attributes", "ApproximateReceiveCount"]));
    content.attributes_of(at(message, &["attributes"]));
    for (name, value) in at(message, &["message_attributes"]).iter().flat_map(|map| map.members()) {
        let value = Some(value);
        content.attribute(&name.as_str(), at(value, &["string_value"]).or_else(|| at(value, &["stringValue"])));
    }
}

fn iot_message(bytes: &[u8], content: &mut Content) {
    content.payload_among(bytes, at(parse(bytes), &["details"]), "payload", true);
}
