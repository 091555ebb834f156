//! Batches that the Azure Functions host hands to a custom handler: triggers whose `cardinality` is `many`, and those
//! that always bring a list. The values stand in `Data`, what is known of each in lists of `Metadata`, one entry a
//! value. Source: the documentation of the triggers' metadata.

use super::{Content, Index, Partial, Source, Whole, at, cloudevents_data, each, list_at, parse, text};
use crate::json::Value;

pub(super) const SOURCES: &[Source] = &[
    Source { word: "azure:eventhub", partial: Partial::None, list: hub, open: message },
    Source { word: "azure:servicebus", partial: Partial::None, list: bus, open: message },
    Source { word: "azure:cosmosdb", partial: Partial::None, list: documents, open: |_, content| content.is_whole() },
    Source { word: "azure:eventgrid", partial: Partial::None, list: grid, open: cloudevents_data },
];

/// Returns the list of values that the trigger brought; `None` for a single value, which is no batch.
fn values<'a>(batch: &Whole<'a>) -> Option<Value<'a>> {
    list_at(parse(batch.body), &[])
}

/// Returns the entry of each value in a list of the metadata. There are no entries if the metadata has no such list.
fn entries(batch: &Whole<'_>, list: &str) -> Vec<String> {
    let list = at(parse(batch.event), &["Metadata", list]);
    // The host may give a list as the text of it.
    let text_of_it = list.and_then(|list| list.as_str()).unwrap_or_default();
    let list = if text_of_it.is_empty() { list } else { parse(text_of_it.as_bytes()) };
    list.iter().flat_map(|list| list.elements()).map(|entry| text(Some(entry)).into_owned()).collect()
}

fn add(batch: &Whole<'_>, index: &mut Index, ids: &str, groups: &str) -> Option<()> {
    let values = values(batch)?;
    let (ids, groups) = (entries(batch, ids), entries(batch, groups));
    let at = |list: &[String], place: usize| list.get(place).cloned().unwrap_or_default();
    for (place, value) in values.elements().enumerate() {
        index.add(batch.body, value.raw(), at(&ids, place).as_bytes(), at(&groups, place).as_bytes());
    }
    Some(())
}

/// Indexes the events of a hub. A batch is of one partition, and events that belong together have one partition key.
fn hub(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    add(batch, index, "SequenceNumberArray", "PartitionKeyArray")
}

fn bus(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    add(batch, index, "MessageIdArray", "SessionIdArray")?;
    let counts = entries(batch, "DeliveryCountArray");
    index.attempts = counts.iter().map(|count| count.parse::<u32>().unwrap_or(1).saturating_sub(1)).collect();
    Some(())
}

fn documents(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, values(batch), index, &["id"], &["id"])
}

fn grid(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, values(batch), index, &["id"], &[])
}

/// Reads a message. A text is the message's content, and any other value is the JSON that was sent.
fn message(bytes: &[u8], content: &mut Content) {
    content.payload(bytes, parse(bytes), false);
}
