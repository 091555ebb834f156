//! The kinds of event that a CloudEvent stands for by its type. Where timers, topics and buckets all send CloudEvents, a
//! function that serves one of them is found by these.
//!
//! Sources: the types of Knative's PingSource and KafkaSource, those of Google in `googleapis/google-cloudevents`, and
//! the timer of veFaaS.

use crate::trigger::Kind;

/// Returns the kinds that events of this type are, the most fitting one first; none if the type tells no other kind than
/// that of any CloudEvent.
pub(crate) fn kinds_of_type(event_type: &str) -> &'static [Kind] {
    const OF_GOOGLE: &[(&str, &[Kind])] = &[
        // Pub/Sub has no queues: a subscription is one.
        ("google.cloud.pubsub.topic.v1.messagePublished", &[Kind::Topic, Kind::Queue]),
        ("google.cloud.storage.object.v1.", &[Kind::Storage]),
        ("google.cloud.firestore.document.v1.", &[Kind::Table]),
    ];
    match event_type {
        "dev.knative.sources.ping" | "faas.timer.event" => &[Kind::Timer],
        "dev.knative.kafka.event" => &[Kind::Stream, Kind::Queue],
        _ => OF_GOOGLE.iter().find(|(start, _)| event_type.starts_with(start)).map_or(&[], |(_, kinds)| *kinds),
    }
}
