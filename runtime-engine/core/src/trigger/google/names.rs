//! The names that the older form and CloudEvents have for the types of events, and the services that send them.

pub(super) const PUBSUB: &str = "pubsub.googleapis.com";
pub(super) const STORAGE: &str = "storage.googleapis.com";
pub(super) const FIRESTORE: &str = "firestore.googleapis.com";
pub(super) const FIREBASE_AUTH: &str = "firebaseauth.googleapis.com";
pub(super) const FIREBASE_DATABASE: &str = "firebasedatabase.googleapis.com";
pub(super) const FIREBASE_ANALYTICS: &str = "firebaseanalytics.googleapis.com";
pub(super) const FIREBASE_REMOTE_CONFIG: &str = "firebaseremoteconfig.googleapis.com";

/// The type that a message of Pub/Sub names in itself.
pub(super) const PUBSUB_MESSAGE: &str = "type.googleapis.com/google.pubsub.v1.PubsubMessage";
/// The older type of Pub/Sub's events.
pub(super) const PUBSUB_PUBLISH: &str = "google.pubsub.topic.publish";

/// The pairs of an older type and its CloudEvent type. If several older types share a CloudEvent type, that one is
/// turned back into the first.
const TYPES: &[(&str, &str)] = &[
    (PUBSUB_PUBLISH, "google.cloud.pubsub.topic.v1.messagePublished"),
    ("providers/cloud.pubsub/eventTypes/topic.publish", "google.cloud.pubsub.topic.v1.messagePublished"),
    ("google.storage.object.finalize", "google.cloud.storage.object.v1.finalized"),
    ("providers/cloud.storage/eventTypes/object.change", "google.cloud.storage.object.v1.finalized"),
    ("google.storage.object.delete", "google.cloud.storage.object.v1.deleted"),
    ("google.storage.object.archive", "google.cloud.storage.object.v1.archived"),
    ("google.storage.object.metadataUpdate", "google.cloud.storage.object.v1.metadataUpdated"),
    ("providers/cloud.firestore/eventTypes/document.write", "google.cloud.firestore.document.v1.written"),
    ("providers/cloud.firestore/eventTypes/document.create", "google.cloud.firestore.document.v1.created"),
    ("providers/cloud.firestore/eventTypes/document.update", "google.cloud.firestore.document.v1.updated"),
    ("providers/cloud.firestore/eventTypes/document.delete", "google.cloud.firestore.document.v1.deleted"),
    ("providers/firebase.auth/eventTypes/user.create", "google.firebase.auth.user.v1.created"),
    ("providers/firebase.auth/eventTypes/user.delete", "google.firebase.auth.user.v1.deleted"),
    ("providers/firebase.remoteConfig/remoteconfig.update", "google.firebase.remoteconfig.remoteConfig.v1.updated"),
    ("providers/google.firebase.analytics/eventTypes/event.log", "google.firebase.analytics.log.v1.written"),
    ("providers/google.firebase.database/eventTypes/ref.create", "google.firebase.database.ref.v1.created"),
    ("providers/google.firebase.database/eventTypes/ref.write", "google.firebase.database.ref.v1.written"),
    ("providers/google.firebase.database/eventTypes/ref.update", "google.firebase.database.ref.v1.updated"),
    ("providers/google.firebase.database/eventTypes/ref.delete", "google.firebase.database.ref.v1.deleted"),
];

/// The pairs of the beginning of an older type and the service that sends it.
const SERVICES: &[(&str, &str)] = &[
    ("providers/cloud.firestore/", FIRESTORE),
    ("providers/google.firebase.analytics/", FIREBASE_ANALYTICS),
    ("providers/firebase.auth/", FIREBASE_AUTH),
    ("providers/google.firebase.database/", FIREBASE_DATABASE),
    ("providers/firebase.remoteConfig/", FIREBASE_REMOTE_CONFIG),
    ("providers/cloud.pubsub/", PUBSUB),
    ("providers/cloud.storage/", STORAGE),
    ("google.pubsub", PUBSUB),
    ("google.storage", STORAGE),
];

/// Returns the CloudEvent type of an older type; `None` if there is no counterpart.
pub(super) fn event_type(legacy: &str) -> Option<&'static str> {
    TYPES.iter().find(|(older, _)| *older == legacy).map(|(_, event)| *event)
}

/// Returns the older type of a CloudEvent type; `None` if there is no counterpart.
pub(super) fn legacy_type(event: &str) -> Option<&'static str> {
    TYPES.iter().find(|(_, newer)| *newer == event).map(|(older, _)| *older)
}

/// Returns the service that sends events of an older type; `None` if the type is unknown.
pub(super) fn service_of_type(legacy: &str) -> Option<&'static str> {
    SERVICES.iter().find(|(start, _)| legacy.starts_with(start)).map(|(_, service)| *service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_older_type_has_a_service_and_comes_back_to_a_type_of_the_same_event() {
        for (older, newer) in TYPES {
            assert!(service_of_type(older).is_some(), "{older}");
            assert_eq!(event_type(older), Some(*newer));
            assert_eq!(legacy_type(newer).and_then(event_type), Some(*newer), "{newer}");
        }
        assert_eq!(legacy_type("google.cloud.pubsub.topic.v1.messagePublished"), Some("google.pubsub.topic.publish"));
        assert_eq!(event_type("google.pubsub"), None);
    }
}
