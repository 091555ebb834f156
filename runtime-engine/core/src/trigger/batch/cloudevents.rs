//! A batch of CloudEvents over HTTP: a JSON list of events in structured mode. Source: the HTTP protocol binding and
//! the JSON format of `cloudevents/spec`; `partitionkey` is its partitioning extension.

use super::{Index, Partial, Source, Whole, cloudevents_data, each, parse};

pub(super) const SOURCES: &[Source] =
    &[Source { word: "cloudevents:batch", partial: Partial::None, list: events, open: cloudevents_data }];

fn events(batch: &Whole<'_>, index: &mut Index) -> Option<()> {
    each(batch.body, parse(batch.body), index, &["id"], &["partitionkey"])
}
