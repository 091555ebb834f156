//! Events of Huawei FunctionGraph that are no HTTP requests. The form is Huawei's own: see "Supported event sources" in
//! FunctionGraph's developer guide.

use super::Base64;
use super::view::{all_from, members, views};
use crate::encoding::percent;
use serde_json::Value;
use std::collections::BTreeMap;

members! {
    /// The event of a timer.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::huawei::Timer;
    ///
    /// #[function]
    /// fn due(timer: Timer) -> String {
    ///     format!("{} at {}", timer.trigger_name, timer.time)
    /// }
    ///
    /// assert_eq!(sample("huawei/timer").run(due::MODULE).text(), "nightly at 2026-01-02T11:04:05+08:00");
    /// ```
    Timer {
        /// The version of this form, as in `v1.0`.
        version: String = "version",
        /// The time of the event, in RFC 3339.
        time: String = "time",
        /// The type of the trigger: `TIMER`.
        trigger_type: String = "trigger_type",
        /// The trigger's name.
        trigger_name: String = "trigger_name",
        /// The text that the trigger is configured with.
        user_event: String = "user_event",
    }

    /// Messages of Kafka, by topic.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::huawei::Kafka;
    ///
    /// #[function]
    /// fn count(batch: Kafka) -> String {
    ///     let counts = batch.records.iter().map(|record| format!("{} of {}", record.messages.len(), record.topic_id));
    ///     counts.collect::<Vec<_>>().join(", ")
    /// }
    ///
    /// assert_eq!(sample("huawei/kafka").run(count::MODULE).text(), "2 of orders");
    /// ```
    Kafka {
        /// The version of this form.
        event_version: String = "event_version",
        /// The time of the event, in seconds since 1970.
        event_time: i64 = "event_time",
        /// The type of the trigger: `KAFKA`.
        trigger_type: String = "trigger_type",
        /// The region of the event.
        region: String = "region",
        /// The Kafka instance.
        instance_id: String = "instance_id",
        /// The messages.
        records: Vec<KafkaRecord> = "records",
    }

    /// Messages of one topic.
    KafkaRecord {
        /// The topic.
        topic_id: String = "topic_id",
        /// The values of the messages.
        messages: Vec<String> = "messages",
    }

    /// Messages of SMN.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::huawei::Smn;
    ///
    /// /// Finds the name of the topic at the end of its URN.
    /// #[function]
    /// fn topic(event: Smn) -> String {
    ///     let topics = event.records.iter().filter_map(|record| record.smn.topic_urn.rsplit(':').next());
    ///     topics.collect()
    /// }
    ///
    /// assert_eq!(sample("huawei/smn").run(topic::MODULE).text(), "orders");
    /// ```
    Smn {
        /// The messages, most often one.
        records: Vec<SmnRecord> = "record",
    }

    /// A message, and how it came.
    SmnRecord {
        /// The version of this form.
        event_version: String = "event_version",
        /// The subscription.
        subscription_urn: String = "event_subscription_urn",
        /// The source of the event: `smn`.
        event_source: String = "event_source",
        /// The message.
        smn: SmnMessage = "smn",
    }

    /// A message.
    SmnMessage {
        /// The topic.
        topic_urn: String = "topic_urn",
        /// The time of the event, in RFC 3339.
        timestamp: String = "timestamp",
        /// The attributes that the sender gave it.
        attributes: Value = "message_attributes",
        /// The text that was published.
        message: String = "message",
        /// The kind: `notification`, …
        kind: String = "type",
        /// The id of the message.
        message_id: String = "message_id",
        /// Its subject.
        subject: String = "subject",
    }

    /// A notification of changes to objects of a bucket.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::huawei::Obs;
    ///
    /// #[function]
    /// fn uploaded(notice: Obs) -> String {
    ///     let new = notice.records.iter().filter(|record| record.event_name.starts_with("ObjectCreated:"));
    ///     new.map(|record| format!("{} in {}", record.obs.object.decoded_key(), record.region)).collect()
    /// }
    ///
    /// assert_eq!(sample("huawei/obs").run(uploaded::MODULE).text(), "in/my cat.jpg in eu-de");
    /// ```
    Obs {
        /// The events, most often one.
        records: Vec<ObsRecord> = "Records",
    }

    /// One event of the list.
    ObsRecord {
        /// The name of the event: `ObjectCreated:Put`, `ObjectRemoved:Delete`, …
        event_name: String = "eventName",
        /// The time of the event, in RFC 3339.
        event_time: String = "eventTime",
        /// The version of this form.
        event_version: String = "eventVersion",
        /// The source of the event: `OBS`.
        event_source: String = "eventSource",
        /// The bucket's region.
        region: String = "awsRegion" | "region",
        /// The user who caused it.
        user_identity: BTreeMap<String, String> = "userIdentity",
        /// The request that caused it.
        request_parameters: BTreeMap<String, String> = "requestParameters",
        /// The reply to that request.
        response_elements: BTreeMap<String, String> = "responseElements",
        /// The bucket and object that it happened to.
        obs: ObsEntity = "s3" | "obs",
    }

    /// The bucket and the object.
    ObsEntity {
        /// The id of the bucket's notification.
        configuration_id: String = "configurationId",
        /// The bucket.
        bucket: ObsBucket = "bucket",
        /// The object.
        object: ObsObject = "object",
    }

    /// A bucket.
    ObsBucket {
        /// Its name.
        name: String = "name",
        /// Its resource name.
        arn: String = "arn",
    }

    /// An object.
    ObsObject {
        /// Its key, URL-coded as it came: see [`ObsObject::decoded_key`].
        key: String = "key",
        /// Its size in bytes; `None` for a removal.
        size: Option<u64> = "size",
        /// Its entity tag.
        e_tag: String = "eTag" | "etag",
        /// Its version, if the bucket keeps versions.
        version_id: String = "versionId",
        /// The order of the changes to one key.
        sequencer: String = "sequencer",
    }

    /// Records of a stream of DIS.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::huawei::Dis;
    ///
    /// #[function]
    /// fn data(stream: Dis) -> Result<Vec<u8>, Error> {
    ///     let mut all = Vec::new();
    ///     for record in &stream.message.records {
    ///         all.extend(record.data.bytes()?);
    ///     }
    ///     Ok(all)
    /// }
    ///
    /// assert_eq!(sample("huawei/dis").run(data::MODULE).text(), r#"{"order":7}"#);
    /// ```
    Dis {
        /// The shard.
        shard_id: String = "ShardID",
        /// The stream.
        stream_name: String = "StreamName",
        /// The place where reading began.
        tag: String = "Tag",
        /// The records.
        message: DisMessage = "Message",
    }

    /// Records, and the place of the next ones.
    DisMessage {
        /// The place where the next records begin.
        next_partition_cursor: String = "next_partition_cursor",
        /// The milliseconds by which these records are behind the end of the stream.
        millis_behind_latest: String = "millis_behind_latest",
        /// The records.
        records: Vec<DisRecord> = "records",
    }

    /// A record.
    DisRecord {
        /// Its key.
        partition_key: String = "partition_key",
        /// Its data.
        data: Base64 = "data",
        /// Its place in the shard.
        sequence_number: String = "sequence_number",
    }

    /// Log lines of LTS.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::huawei::Lts;
    ///
    /// /// Finds the group that the lines are of, which stands beside them in the bundle.
    /// #[function]
    /// fn group(event: Lts) -> Result<Option<String>, Error> {
    ///     let bundle: serde_json::Value = serde_json::from_slice(&event.lts.data.bytes()?)?;
    ///     Ok(bundle["log_group_id"].as_str().map(str::to_owned))
    /// }
    ///
    /// assert_eq!(sample("huawei/lts").run(group::MODULE).text(), "97a9d284-4448-11e8-8fa4-286ed488ce70");
    /// ```
    Lts {
        /// The bundle.
        lts: LtsData = "lts",
    }

    /// The bundle: base64 of JSON.
    LtsData {
        /// The base64, as it came.
        data: Base64 = "data",
    }

    /// An operation on a resource that CTS has recorded.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::huawei::Cts;
    ///
    /// #[function]
    /// fn audit(event: Cts) -> String {
    ///     let trace = event.cts;
    ///     format!("{}: {} {}", trace.user["name"].as_str().unwrap_or("?"), trace.trace_name, trace.resource_name)
    /// }
    ///
    /// assert_eq!(sample("huawei/cts").run(audit::MODULE).text(), "ada: createFunction orders");
    /// ```
    Cts {
        /// The record.
        cts: Trace = "cts",
    }

    /// A record of an operation.
    Trace {
        /// The time of the operation.
        time: String = "time",
        /// The user of the operation: `name`, `id`, `domain`.
        user: Value = "user",
        /// The request of the operation.
        request: Value = "request",
        /// The reply to the operation.
        response: Value = "response",
        /// The status of the answer.
        code: String = "code",
        /// The service.
        service_type: String = "service_type",
        /// The kind of the resource.
        resource_type: String = "resource_type",
        /// The name of the resource.
        resource_name: String = "resource_name",
        /// The id of the resource.
        resource_id: String = "resource_id",
        /// The operation.
        trace_name: String = "trace_name",
        /// The type of the trace: `ConsoleAction`, `SystemAction`, …
        trace_type: String = "trace_type",
        /// The time at which it was recorded.
        record_time: String = "record_time",
        /// The id of the record.
        trace_id: String = "trace_id",
        /// The status of the trace: `normal`, `warning`, `incident`.
        trace_status: String = "trace_status",
    }

    /// Changes of a collection of DDS.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::huawei::Dds;
    ///
    /// /// Reads the new document, which is JSON in a text here.
    /// #[function]
    /// fn stocked(changes: Dds) -> Result<Option<String>, Error> {
    ///     let text = changes.records[0].dds.full_document.as_str().unwrap_or("{}");
    ///     let document: serde_json::Value = serde_json::from_str(text)?;
    ///     Ok(document["name"].as_str().map(str::to_owned))
    /// }
    ///
    /// assert_eq!(sample("huawei/dds").run(stocked::MODULE).text(), "tea");
    /// ```
    Dds {
        /// The changes.
        records: Vec<DdsRecord> = "records",
    }

    /// A change.
    DdsRecord {
        /// The name of the event: `insert`, `update`, …
        event_name: String = "event_name",
        /// The version of this form.
        event_version: String = "event_version",
        /// The source of the event: `dds`.
        event_source: String = "event_source",
        /// The region of the event.
        region: String = "region",
        /// The id of the event.
        event_source_id: String = "event_source_id",
        /// The change of a document.
        dds: DdsChange = "dds",
    }

    /// The change of a document.
    DdsChange {
        /// Its size in bytes.
        size_bytes: u64 = "size_bytes",
        /// The place to go on reading from: JSON, or a text of it.
        token: Value = "token",
        /// The document: JSON, or a text of it.
        full_document: Value = "full_document",
        /// Database and collection, `db` and `coll`: JSON, or a text of it.
        ns: Value = "ns",
    }
}

views! {
    Timer: "an event of a timer", |view| view.trigger_type == "TIMER";
    Kafka: "an event of Kafka", |view| view.trigger_type == "KAFKA";
    Smn: "an event of SMN", |view| all_from("smn", view.records.iter().map(|record| &*record.event_source));
    Obs: "an event of OBS", |view| all_from("OBS", view.records.iter().map(|record| &*record.event_source));
    Dis: "an event of DIS", |view| !view.stream_name.is_empty() || !view.shard_id.is_empty();
    Lts: "an event of LTS", |view| !view.lts.data.is_empty();
    Cts: "an event of CTS", |view| !view.cts.trace_name.is_empty();
    Dds: "an event of DDS", |view| all_from("dds", view.records.iter().map(|record| &*record.event_source));
}

impl ObsObject {
    /// Returns the key as the object has it.
    pub fn decoded_key(&self) -> String {
        percent::decoded(&self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_and_messages_are_read() {
        let event = br#"{"version":"v1.0","time":"2026-01-02T03:04:00+08:00","trigger_type":"TIMER","trigger_name":"t",
            "user_event":null}"#;
        let timer = Timer::parse(event).expect("a timer");
        assert_eq!((&*timer.trigger_name, &*timer.user_event), ("t", ""));
        let event = br#"{"event_time":1767323045,"trigger_type":"KAFKA","region":"cn-test",
            "records":[{"messages":["one",2],"topic_id":"t"}]}"#;
        let kafka = Kafka::parse(event).expect("Kafka");
        assert_eq!((kafka.event_time, &*kafka.records[0].topic_id), (1_767_323_045, "t"));
        assert_eq!(kafka.records[0].messages, ["one", "2"]);
        let event = br#"{"record":[{"event_source":"smn","event_subscription_urn":"urn","smn":{"topic_urn":"urn:t",
            "message":"hi","type":"notification","message_id":"m","subject":null,"message_attributes":null}}],"x":1}"#;
        let smn = &Smn::parse(event).expect("SMN").records[0].smn;
        assert_eq!((&*smn.message, &*smn.subject, &*smn.kind), ("hi", "", "notification"));
    }

    #[test]
    fn an_object_is_read_with_its_key_as_it_came_and_as_it_is() {
        for tag in ["eTag", "etag"] {
            let event = format!(
                r#"{{"Records":[{{"eventSource":"OBS","eventName":"ObjectCreated:Put","s3":{{"bucket":{{"name":"b"}},
                "object":{{"key":"a%2F%C3%BC","size":3,"{tag}":"e"}}}},"userIdentity":{{"ID":1}}}}]}}"#
            );
            let record = &Obs::parse(event.as_bytes()).expect("OBS").records[0];
            assert_eq!((&*record.obs.object.decoded_key(), &*record.obs.object.e_tag), ("a/ü", "e"));
            assert_eq!((record.obs.object.size, &*record.user_identity["ID"]), (Some(3), "1"));
        }
    }

    #[test]
    fn streams_logs_traces_and_changes_are_read() {
        let event = br#"{"ShardID":"s","Message":{"next_partition_cursor":"c","records":[{"partition_key":"k",
            "data":"aGk=","sequence_number":1}],"millis_behind_latest":""},"Tag":"latest","StreamName":"dis-1"}"#;
        let dis = Dis::parse(event).expect("DIS");
        assert_eq!(dis.message.records[0].data.bytes().expect("base64"), b"hi");
        assert_eq!((&*dis.stream_name, &*dis.message.records[0].sequence_number), ("dis-1", "1"));
        let lts = Lts::parse(br#"{"lts":{"data":"e30="}}"#).expect("LTS");
        assert_eq!(lts.lts.data.bytes().expect("base64"), b"{}");
        let cts = br#"{"cts":{"trace_name":"createFunction","user":{"name":"u"},"code":200,"request":""}}"#;
        let cts = Cts::parse(cts).expect("CTS").cts;
        assert_eq!((&cts.user["name"], &*cts.code), (&"u".into(), "200"));
        let event = br#"{"records":[{"event_name":"insert","event_source":"dds","dds":{"size_bytes":"100",
            "full_document":"{}","ns":{"db":"d","coll":"c"}}}]}"#;
        let dds = &Dds::parse(event).expect("DDS").records[0].dds;
        assert_eq!((dds.size_bytes, &dds.full_document, &dds.ns["db"]), (100, &"{}".into(), &"d".into()));
    }

    #[test]
    fn another_event_is_refused_in_words() {
        let s3 = br#"{"Records":[{"eventSource":"aws:s3","s3":{}}]}"#;
        assert_eq!(Obs::parse(s3).expect_err("S3").message(), "expected an event of OBS, found one of aws:s3");
        let kafka = br#"{"trigger_type":"KAFKA","records":[]}"#;
        assert!(Timer::parse(kafka).expect_err("Kafka").message().starts_with("expected an event of a timer, found"));
        assert!(Dds::parse(kafka).is_err() && Smn::parse(kafka).is_err() && Dis::parse(kafka).is_err());
        assert!(Lts::parse(b"{}").is_err() && Cts::parse(b"{}").is_err() && Kafka::parse(b"{}").is_err());
    }
}
