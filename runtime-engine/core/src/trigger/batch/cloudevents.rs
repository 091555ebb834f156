//! A batch of CloudEvents over HTTP: a JSON list of events in structured mode; and the message of Pub/Sub that is in one.
//! Sources: the HTTP protocol binding and the JSON format of `cloudevents/spec`, whose partitioning extension is
//! `partitionkey`; and `MessagePublishedData` of `googleapis/google-cloudevents`.

use super::{Content, Index, Partial, Source, Whole, at, cloudevents_data, each, parse, retries, text};

pub(super) const SOURCES: &[Source] = &[
    Source { word: "cloudevents:batch", partial: Partial::None, list: events, open: cloudevents_data },
    Source { word: "cloudevents", partial: Partial::None, list: published, open: message },
];

fn events(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, parse(batch.body), index, &["id"], &["partitionkey"])
}

/// Indexes the one message that an event of Pub/Sub holds beside its subscription. Any other event alone is no batch.
fn published(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    let data = parse(batch.body)?;
    data.get("subscription")?;
    let message = data.get("message")?;
    let name = |member| text(at(Some(message), &[member]));
    index.add(batch.body, message.raw(), name("messageId").as_bytes(), name("orderingKey").as_bytes());
    index.attempts.extend(retries(data.get("deliveryAttempt")));
    Some(())
}

fn message(bytes: &[u8], content: &mut Content) {
    let message = parse(bytes);
    content.payload(bytes, at(message, &["data"]), true);
    content.attributes_of(at(message, &["attributes"]));
}
