//! Events of Yandex Cloud Functions that are no HTTP requests: messages of triggers. Triggers of budgets, mail,
//! Telegram and data streams send no such message: take an [`Event`](crate::Event) or [`Json`](crate::Json).
//!
//! The form is Yandex' own: see "Triggers" in the documentation of Cloud Functions.

use super::Base64;
use super::view::{members, views};
use serde_json::Value;
use std::collections::BTreeMap;

members! {
    /// The metadata that every message has.
    Metadata {
        /// The message's id.
        event_id: String = "event_id",
        /// The kind of the event, with `yandex.cloud.events.` in front.
        event_type: String = "event_type",
        /// The time of the event: a text in RFC 3339, or an object with `seconds` and `nanos`.
        created_at: Value = "created_at",
        /// Ids of the trace, where there is one.
        tracing_context: BTreeMap<String, String> = "tracing_context",
        /// The cloud.
        cloud_id: String = "cloud_id",
        /// The folder.
        folder_id: String = "folder_id",
    }

    /// The event of a timer.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::yandex::Timer;
    ///
    /// /// A trigger has no name here: it is told by its id.
    /// #[function]
    /// fn due(timer: Timer) -> String {
    ///     let due = timer.messages.iter().map(|message| &message.details);
    ///     due.map(|details| format!("{}: {}", details.trigger_id, details.payload)).collect()
    /// }
    ///
    /// assert_eq!(sample("yandex/timer").run(due::MODULE).text(), r#"a1s5msktijh2nightly: {"run":"full"}"#);
    /// ```
    Timer {
        /// The messages, most often one.
        messages: Vec<TimerMessage> = "messages",
    }

    /// One event of a timer.
    TimerMessage {
        /// The metadata of the message.
        metadata: Metadata = "event_metadata",
        /// The details of the message.
        details: TimerDetails = "details",
    }

    /// The timer that the message is of.
    TimerDetails {
        /// The trigger.
        trigger_id: String = "trigger_id",
        /// The text that the trigger is configured with.
        payload: String = "payload",
    }

    /// Messages of Message Queue. They leave the queue if the call succeeds, and all come again if it fails.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::yandex::Queue;
    ///
    /// #[function]
    /// fn tenants(queue: Queue) -> String {
    ///     let sent = queue.messages.iter().map(|message| &message.details.message);
    ///     sent.filter_map(|message| message.message_attributes.get("tenant")?.string_value.as_deref()).collect()
    /// }
    ///
    /// assert_eq!(sample("yandex/ymq").run(tenants::MODULE).text(), "acme");
    /// ```
    Queue {
        /// The messages.
        messages: Vec<QueueMessage> = "messages",
    }

    /// A message, and its queue.
    QueueMessage {
        /// The metadata of the message.
        metadata: Metadata = "event_metadata",
        /// The details of the message.
        details: QueueDetails = "details",
    }

    /// The queue and the message.
    QueueDetails {
        /// The queue.
        queue_id: String = "queue_id",
        /// The message.
        message: QueueBody = "message",
    }

    /// A message.
    QueueBody {
        /// The id of the message.
        message_id: String = "message_id",
        /// The body that was sent.
        body: String = "body",
        /// MD5 of the body, in hexadecimal.
        md5_of_body: String = "md5_of_body",
        /// The attributes that the queue gives it: `SentTimestamp`, …
        attributes: BTreeMap<String, String> = "attributes",
        /// The attributes that the sender gave it.
        message_attributes: BTreeMap<String, Attribute> = "message_attributes",
    }

    /// An attribute that the sender gave.
    Attribute {
        /// Its type.
        data_type: String = "data_type" | "dataType",
        /// The value of a text or number.
        string_value: Option<String> = "string_value" | "stringValue",
        /// The value of bytes.
        binary_value: Option<Base64> = "binary_value" | "binaryValue",
    }

    /// A notification of changes to objects of a bucket.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::yandex::Storage;
    ///
    /// #[function]
    /// fn gone(notice: Storage) -> String {
    ///     let gone = notice.messages.iter().filter(|message| message.metadata.event_type.ends_with(".ObjectDelete"));
    ///     gone.map(|message| message.details.object_id.as_str()).collect()
    /// }
    ///
    /// assert_eq!(sample("yandex/storage").run(gone::MODULE).text(), "");
    /// assert_eq!(sample("yandex/storage-deleted").run(gone::MODULE).text(), "in/my cat.jpg");
    /// ```
    Storage {
        /// The messages, one for each object.
        messages: Vec<StorageMessage> = "messages",
    }

    /// A change to an object; `metadata.event_type` has the kind of change.
    StorageMessage {
        /// The metadata of the message.
        metadata: Metadata = "event_metadata",
        /// The details of the message.
        details: StorageDetails = "details",
    }

    /// The object that the message is about.
    StorageDetails {
        /// The bucket's name.
        bucket_id: String = "bucket_id",
        /// The object's key.
        object_id: String = "object_id",
    }

    /// Messages of IoT Core.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::yandex::Iot;
    ///
    /// #[function]
    /// fn measured(batch: Iot) -> Result<Vec<u8>, Error> {
    ///     let message = &batch.messages[0].details;
    ///     handlers_sdk::info!({ device = message.device_id }, "something on {}", message.mqtt_topic);
    ///     message.payload.bytes()
    /// }
    ///
    /// assert_eq!(sample("yandex/iot").run(measured::MODULE).text(), r#"{"order":7}"#);
    /// ```
    Iot {
        /// The messages.
        messages: Vec<IotMessage> = "messages",
    }

    /// A message, and how it came.
    IotMessage {
        /// The metadata of the message.
        metadata: Metadata = "event_metadata",
        /// The details of the message.
        details: IotDetails = "details",
    }

    /// The sender of a message, and its text.
    IotDetails {
        /// The registry; empty for a broker.
        registry_id: String = "registry_id",
        /// The device; empty for a registry's own message.
        device_id: String = "device_id",
        /// The topic.
        mqtt_topic: String = "mqtt_topic",
        /// The text that was published.
        payload: Base64 = "payload",
    }

    /// Lines of Cloud Logging.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::yandex::Logging;
    ///
    /// #[function]
    /// fn alarms(logs: Logging) -> String {
    ///     let lines = logs.messages.iter().flat_map(|batch| &batch.details.messages);
    ///     let bad = lines.filter(|line| line.level == "ERROR");
    ///     bad.map(|line| format!("{} for order {}", line.message, line.json_payload["order"])).collect()
    /// }
    ///
    /// assert_eq!(sample("yandex/logging").run(alarms::MODULE).text(), "no tea for order 7");
    /// ```
    Logging {
        /// The batches, most often one.
        messages: Vec<LoggingMessage> = "messages",
    }

    /// A batch of log lines, and its metadata.
    LoggingMessage {
        /// The metadata of the message.
        metadata: Metadata = "event_metadata",
        /// The details of the message.
        details: LoggingDetails = "details",
    }

    /// The log lines of the batch.
    LoggingDetails {
        /// The log lines of the batch.
        messages: Vec<LogLine> = "messages",
    }

    /// A log line.
    LogLine {
        /// The time of the line.
        timestamp: String = "timestamp",
        /// The level of the line, such as `INFO`.
        level: String = "level",
        /// The text of the line.
        message: String = "message",
        /// The members that were written as JSON beside the text.
        json_payload: BTreeMap<String, Value> = "json_payload",
        /// The resource that wrote the line: `type` and `id`.
        resource: BTreeMap<String, String> = "resource",
    }
}

/// Returns `true` if there are messages, and each is of a type that begins with `kind`.
fn all_of<'a>(kind: &str, metadata: impl Iterator<Item = &'a Metadata>) -> bool {
    let is = |metadata: &Metadata| {
        metadata.event_type.strip_prefix("yandex.cloud.events.").is_some_and(|rest| rest.starts_with(kind))
    };
    let mut metadata = metadata.peekable();
    metadata.peek().is_some() && metadata.all(is)
}

views! {
    Timer: "an event of a timer of Yandex Cloud", |view| {
        all_of("serverless.triggers.TimerMessage", view.messages.iter().map(|message| &message.metadata))
    };
    Queue: "an event of Yandex Message Queue", |view| {
        all_of("messagequeue.", view.messages.iter().map(|message| &message.metadata))
    };
    Storage: "an event of Yandex Object Storage", |view| {
        all_of("storage.", view.messages.iter().map(|message| &message.metadata))
    };
    Iot: "an event of Yandex IoT Core", |view| all_of("iot.", view.messages.iter().map(|message| &message.metadata));
    Logging: "an event of Yandex Cloud Logging", |view| {
        all_of("serverless.triggers.LoggingMessageBatch", view.messages.iter().map(|message| &message.metadata))
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(event_type: &str, details: &str) -> Vec<u8> {
        let metadata = format!(
            r#"{{"event_id":"e","event_type":"yandex.cloud.events.{event_type}","created_at":"2026-01-02T03:04:05Z",
                "tracing_context":null,"cloud_id":"c","folder_id":"f","new":[]}}"#
        );
        format!(r#"{{"messages":[{{"event_metadata":{metadata},"details":{details}}}]}}"#).into_bytes()
    }

    #[test]
    fn messages_are_read_with_what_they_say_of_themselves() {
        let event = messages("serverless.triggers.TimerMessage", r#"{"trigger_id":"t","payload":null}"#);
        let timer = Timer::parse(&event).expect("a timer");
        let message = &timer.messages[0];
        assert_eq!((&*message.details.trigger_id, &*message.details.payload), ("t", ""));
        assert_eq!((&*message.metadata.folder_id, &message.metadata.created_at), ("f", &"2026-01-02T03:04:05Z".into()));
    }

    #[test]
    fn queues_objects_devices_and_logs_are_read() {
        let event = messages(
            "messagequeue.QueueMessage",
            r#"{"queue_id":"q","message":{"message_id":"m","body":"hi","attributes":{"SentTimestamp":1},
                "message_attributes":{"a":{"dataType":"StringValue","stringValue":"v"}}}}"#,
        );
        let queue = Queue::parse(&event).expect("a queue");
        let message = &queue.messages[0].details.message;
        assert_eq!((&*message.body, &*message.attributes["SentTimestamp"]), ("hi", "1"));
        assert_eq!(message.message_attributes["a"].string_value.as_deref(), Some("v"));

        let event = messages("storage.ObjectCreate", r#"{"bucket_id":"b","object_id":"a/1"}"#);
        assert_eq!(Storage::parse(&event).expect("storage").messages[0].details.object_id, "a/1");

        let event = messages("iot.IoTMessage", r#"{"device_id":"d","mqtt_topic":"t","payload":"aGk="}"#);
        let iot = Iot::parse(&event).expect("IoT");
        assert_eq!(iot.messages[0].details.payload.bytes().expect("base64"), b"hi");

        let line = r#"{"messages":[{"level":"INFO","message":"hi","json_payload":{"a":1}}]}"#;
        let event = messages("serverless.triggers.LoggingMessageBatch", line);
        let logging = Logging::parse(&event).expect("logs");
        assert_eq!(logging.messages[0].details.messages[0].json_payload["a"], 1);
    }

    #[test]
    fn messages_of_another_trigger_are_refused_in_words() {
        let event = messages("storage.ObjectCreate", "{}");
        let error = Timer::parse(&event).expect_err("storage");
        let words = "expected an event of a timer of Yandex Cloud, found an object with the members messages";
        assert_eq!(error.message(), words);
        for event in [&b"{}"[..], br#"{"messages":[]}"#, br#"{"messages":[{}]}"#, b"[]"] {
            assert!(Storage::parse(event).is_err() && Queue::parse(event).is_err() && Iot::parse(event).is_err());
        }
    }
}
