//! Events of Google Cloud: the data of CloudEvents that its services send, and the older form of `data` and `context`.
//!
//! The attributes of a CloudEvent tell what happened: take a [`CloudEvent`](super::CloudEvent) beside a view of its
//! data. Firestore and some others send their data in protobuf, which is left to a crate of your choice.
//!
//! The forms are Google's own: the schemas in `googleapis/google-cloudevents`, and for the older one the documentation
//! of background functions.

use super::Base64;
use super::view::{members, views};
use crate::error::Error;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

members! {
    /// A message that was published: data of `google.cloud.pubsub.topic.v1.messagePublished`, and the body of a push.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::google::PubSub;
    ///
    /// /// Reads the message, which belongs to the orders of one customer.
    /// #[function]
    /// fn heard(event: PubSub) -> Result<String, Error> {
    ///     let text = String::from_utf8_lossy(&event.message.data.bytes()?).into_owned();
    ///     Ok(format!("{}: {text}", event.message.ordering_key))
    /// }
    ///
    /// assert_eq!(sample("google/pubsub").run(heard::MODULE).text(), r#"customer-7: {"order":7}"#);
    /// ```
    PubSub {
        /// The message.
        message: PubSubMessage = "message",
        /// The subscription it came by.
        subscription: String = "subscription",
    }

    /// A message of Pub/Sub.
    PubSubMessage {
        /// The text that was published.
        data: Base64 = "data",
        /// The attributes that the publisher gave it.
        attributes: BTreeMap<String, String> = "attributes",
        /// The id of the message.
        message_id: String = "messageId" | "message_id",
        /// The time of the event, in RFC 3339.
        publish_time: String = "publishTime" | "publish_time",
        /// Messages of the same key come in order.
        ordering_key: String = "orderingKey",
    }

    /// A change to an object: data of `google.cloud.storage.object.v1.…`.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::google::StorageObject;
    ///
    /// /// Names the very content that the event is about, whatever was written since.
    /// #[function]
    /// fn content(object: StorageObject) -> String {
    ///     format!("{}#{}", object.name, object.generation)
    /// }
    ///
    /// assert_eq!(sample("google/storage").run(content::MODULE).text(), "in/my cat.jpg#1587627537231057");
    /// ```
    StorageObject {
        /// The bucket.
        bucket: String = "bucket",
        /// Its name in the bucket.
        name: String = "name",
        /// The generation of its content, another one after each write.
        generation: String = "generation",
        /// The generation of its metadata.
        metageneration: String = "metageneration",
        /// The kind: `storage#object`.
        kind: String = "kind",
        /// The content type of the object.
        content_type: String = "contentType",
        /// Its size in bytes.
        size: Option<u64> = "size",
        /// The MD5 of its content.
        md5_hash: String = "md5Hash",
        /// The entity tag of the object.
        etag: String = "etag",
        /// The time at which it was made, in RFC 3339.
        time_created: String = "timeCreated",
        /// The time at which it was changed last, in RFC 3339.
        updated: String = "updated",
        /// Metadata of the owner's.
        metadata: BTreeMap<String, String> = "metadata",
    }

    /// An event of the older form, which functions of the signature `event` are given.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::google::{Legacy, StorageObject};
    ///
    /// #[function]
    /// fn size(event: Legacy) -> Result<String, Error> {
    ///     match event.context.event_type.as_str() {
    ///         "google.storage.object.finalize" => Ok(format!("{:?} bytes", event.data_as::<StorageObject>()?.size)),
    ///         other => Ok(format!("passed by {other}")),
    ///     }
    /// }
    ///
    /// assert_eq!(sample("google/legacy-storage").run(size::MODULE).text(), "Some(352) bytes");
    /// assert_eq!(sample("google/legacy-pubsub").run(size::MODULE).text(), "passed by google.pubsub.topic.publish");
    /// ```
    Legacy {
        /// The kind of the event, the thing it happened to, and the time.
        context: Context = "context",
        /// The data of the service. See [`Legacy::data_as`].
        data: Value = "data",
    }

    /// The members of an event of the older form that describe the event itself.
    Context {
        /// The id of the event.
        event_id: String = "eventId" | "event_id",
        /// The time of the event, in RFC 3339.
        timestamp: String = "timestamp",
        /// The kind of the event: `google.storage.object.finalize`, …
        event_type: String = "eventType" | "event_type",
        /// The thing that it happened to: a name, or an object with `service`, `name` and `type`. See
        /// [`Context::resource_name`].
        resource: Value = "resource",
    }
}

views! {
    PubSub: "a message of Pub/Sub", |event| !event.message.message_id.is_empty();
    StorageObject: "an object of Cloud Storage", |object| !object.bucket.is_empty() && !object.name.is_empty();
    Legacy: "an event of Google's older form", |event| !event.context.event_type.is_empty();
}

impl Legacy {
    /// Returns the data as a type of yours.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if it has another shape.
    pub fn data_as<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(&self.data).map_err(|error| {
            let message = format!("the data of {:?} does not fit: {error}", self.context.event_type);
            Error::new("Runtime.UnmarshalError", message)
        })
    }
}

impl Context {
    /// Returns the name of the resource, in whichever form it came.
    pub fn resource_name(&self) -> &str {
        self.resource.as_str().or_else(|| self.resource["name"].as_str()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_in_both_spellings() {
        for (id, time) in [("messageId", "publishTime"), ("message_id", "publish_time")] {
            let event = format!(r#"{{"message":{{"data":"aGk=","{id}":77,"{time}":"t","attributes":{{"a":"b"}}}}}}"#);
            let event = PubSub::parse(event.as_bytes()).expect("Pub/Sub");
            assert_eq!((&*event.message.message_id, &*event.message.publish_time), ("77", "t"));
            assert_eq!(event.message.data.bytes().expect("base64"), b"hi");
            assert_eq!((&*event.message.attributes["a"], &*event.subscription), ("b", ""));
        }
    }

    #[test]
    fn an_object_tells_its_size_as_a_number() {
        let object = br#"{"bucket":"b","name":"a/b","size":"352","generation":"15","metadata":null,"new":{}}"#;
        let object = StorageObject::parse(object).expect("an object");
        assert_eq!((&*object.name, object.size, &*object.generation), ("a/b", Some(352), "15"));
    }

    #[test]
    fn the_older_form_is_read_with_both_kinds_of_resources() {
        for resource in [r#""projects/p""#, r#"{"service":"s","name":"projects/p","type":"t"}"#] {
            let event = format!(
                r#"{{"context":{{"eventId":"9","eventType":"e","resource":{resource}}},"data":{{"bucket":"b"}}}}"#
            );
            let event = Legacy::parse(event.as_bytes()).expect("an event");
            assert_eq!((&*event.context.event_id, event.context.resource_name()), ("9", "projects/p"));
            assert_eq!(event.data_as::<StorageObject>().expect("it fits").bucket, "b");
            let error = event.data_as::<Vec<u8>>().expect_err("it is an object");
            assert!(error.message().starts_with("the data of \"e\" does not fit"), "{error}");
        }
    }

    #[test]
    fn what_is_none_is_refused() {
        for (found, expected) in [
            (PubSub::parse(b"{}").err(), "a message of Pub/Sub"),
            (StorageObject::parse(br#"{"name":"x"}"#).err(), "an object of Cloud Storage"),
            (Legacy::parse(br#"{"data":1}"#).err(), "an event of Google's older form"),
        ] {
            let error = found.expect(expected);
            assert!(error.message().starts_with(&format!("expected {expected}, found an object")), "{error}");
        }
    }
}
