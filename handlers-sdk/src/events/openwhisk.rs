//! The events with which the feeds of OpenWhisk's own packages fire actions. A web action is an HTTP request as on
//! every platform.
//!
//! The form is that of the packages' README files, `apache/openwhisk-package-kafka` and
//! `apache/openwhisk-package-cloudant`.

use super::view::{members, views};
use serde_json::Value;

members! {
    /// Messages of a Kafka topic, at least one.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::openwhisk::Kafka;
    ///
    /// /// Reads the messages that are no JSON.
    /// #[function]
    /// fn plain(batch: Kafka) -> String {
    ///     batch.messages.iter().filter_map(|message| message.value.as_str()).collect()
    /// }
    ///
    /// assert_eq!(sample("openwhisk/kafka").run(plain::MODULE).text(), "plain");
    /// ```
    Kafka {
        /// The messages that have come since the last time.
        messages: Vec<KafkaMessage> = "messages",
    }

    /// A message.
    KafkaMessage {
        /// The topic.
        topic: String = "topic",
        /// The partition of the topic.
        partition: i64 = "partition",
        /// Its place in the partition.
        offset: i64 = "offset",
        /// Its key; empty if it has no key.
        key: String = "key",
        /// Its value: a text, or any JSON where the feed was told that it is JSON.
        value: Value = "value",
    }

    /// A change of a document of a Cloudant or CouchDB database.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::openwhisk::Change;
    ///
    /// #[function]
    /// fn note(change: Change) -> String {
    ///     let what = if change.deleted { "gone" } else { "changed" };
    ///     format!("{} of {} is {what}", &change.id[..4], change.database)
    /// }
    ///
    /// assert_eq!(sample("openwhisk/cloudant").run(note::MODULE).text(), "6ca4 of stock is changed");
    /// ```
    Change {
        /// The database, where the feed names it.
        database: String = "dbname",
        /// The document.
        id: String = "id",
        /// The change's place among all of the database.
        seq: String = "seq",
        /// The document's revisions.
        changes: Vec<Revision> = "changes",
        /// `true` if the document is gone.
        deleted: bool = "deleted",
    }

    /// A revision.
    Revision {
        /// Its id.
        rev: String = "rev",
    }
}

views! {
    Kafka: "messages of OpenWhisk's Kafka feed", |event| event.messages.iter().any(|message| !message.topic.is_empty());
    Change: "a change of OpenWhisk's Cloudant feed", |event| event.changes.iter().any(|change| !change.rev.is_empty());
}

#[cfg(test)]
mod tests {
    use super::{Change, Kafka};

    #[test]
    fn messages_have_a_value_of_any_kind() {
        let event = br#"{"messages":[{"partition":0,"key":null,"offset":421760,"topic":"orders","value":{"amount":5}},
            {"partition":1,"key":"k","offset":"7","topic":"orders","value":"plain"}],"more":true}"#;
        let kafka = Kafka::parse(event).expect("messages");
        let [first, second] = &kafka.messages[..] else { panic!("two messages, not {:?}", kafka.messages) };
        assert_eq!((&*first.topic, first.partition, first.offset, &*first.key), ("orders", 0, 421_760, ""));
        assert_eq!((&first.value["amount"], second.value.as_str()), (&5.into(), Some("plain")));
        assert_eq!((second.offset, &*second.key), (7, "k"));
    }

    #[test]
    fn a_change_names_document_and_revisions() {
        let event = br#"{"dbname":"db","id":"6ca4","seq":"2-g1AA","changes":[{"rev":"2-da3f"}]}"#;
        let change = Change::parse(event).expect("a change");
        assert_eq!((&*change.database, &*change.id, &*change.seq), ("db", "6ca4", "2-g1AA"));
        assert_eq!((&*change.changes[0].rev, change.deleted), ("2-da3f", false));
        let old = Change::parse(br#"{"id":"a","seq":7,"changes":[{"rev":"1-b"}],"deleted":true}"#).expect("a change");
        assert_eq!((&*old.database, &*old.seq, old.deleted), ("", "7", true));
    }

    #[test]
    fn what_is_none_is_refused() {
        let error = Kafka::parse(br#"{"messages":[]}"#).expect_err("no message");
        assert_eq!(
            error.message(),
            "expected messages of OpenWhisk's Kafka feed, found an object with the members messages"
        );
        let error = Change::parse(br#"{"id":"a"}"#).expect_err("no change");
        assert_eq!(
            error.message(),
            "expected a change of OpenWhisk's Cloudant feed, found an object with the members id"
        );
    }
}
