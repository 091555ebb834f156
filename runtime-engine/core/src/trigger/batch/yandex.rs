//! Batches of Yandex Cloud: the messages of triggers. Source: "Triggers" in the documentation of Cloud Functions.

use super::{Content, Index, Partial, Source, Whole, retries, text};
use crate::json::{self, ValueKind};
use crate::trigger::aws::read::body_of;

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

/// A message of a queue has the queue's own id for it; all others have the event's. A FIFO queue keeps the order of its
/// groups, one of IoT Core's topics its own.
fn messages(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    let messages = json::parse(batch.body).ok()?.get("messages").filter(|list| list.kind() == ValueKind::Array)?;
    for message in messages.elements() {
        let details = |names: &[&str]| message.get("details").and_then(|details| details.path(names));
        let own = text(details(&["message", "message_id"]));
        let id = if own.is_empty() { text(message.path(&["event_metadata", "event_id"])) } else { own };
        let group = if text(details(&["queue_id"])).ends_with(".fifo") {
            text(details(&["message", "attributes", "MessageGroupId"]))
        } else {
            text(details(&["mqtt_topic"]))
        };
        index.add(batch.body, message.raw(), id.as_bytes(), group.as_bytes());
    }
    Some(())
}

fn queue_message(bytes: &[u8], content: &mut Content) {
    let Some(message) = json::parse(bytes).ok().and_then(|message| message.path(&["details", "message"])) else {
        return;
    };
    content.data.body = body_of(bytes, message.get("body"), false);
    let attributes = message.get("attributes");
    content.attempt = retries(attributes.and_then(|attributes| attributes.get("ApproximateReceiveCount")));
    content.attributes_of(attributes);
    for (name, value) in message.get("message_attributes").iter().flat_map(|map| map.members()) {
        let text = value.get("string_value").or_else(|| value.get("stringValue"));
        content.attribute(&name.as_str(), text);
    }
}

fn iot_message(bytes: &[u8], content: &mut Content) {
    let Some(details) = json::parse(bytes).ok().and_then(|message| message.get("details")) else { return };
    content.data.body = body_of(bytes, details.get("payload"), true);
    for name in ["registry_id", "device_id", "mqtt_topic"] {
        content.attribute(name, details.get(name));
    }
}
