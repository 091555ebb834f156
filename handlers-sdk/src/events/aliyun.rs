//! Events of Alibaba Cloud Function Compute that are no HTTP requests. Those of EventBridge are CloudEvents; changes of
//! a Tablestore table come in CBOR: take a [`TableChange`](super::TableChange), or an [`Event`](crate::Event) for the
//! bytes.
//!
//! The form is Alibaba's own: see "Formats of event for different triggers" in Function Compute's help pages.

use super::found::Found;
use super::view::{View, all_from, argument, members};
use crate::encoding::percent;
use serde_json::Value;
use std::collections::BTreeMap;

members! {
    /// A notification of changes to objects of a bucket.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aliyun::Oss;
    ///
    /// /// Returns the number of bytes by which the bucket has grown.
    /// #[function]
    /// fn growth(notice: Oss) -> String {
    ///     let grown: i64 = notice.events.iter().filter_map(|event| event.oss.object.delta_size).sum();
    ///     format!("{grown} bytes more")
    /// }
    ///
    /// assert_eq!(sample("aliyun/oss").run(growth::MODULE).text(), "122539 bytes more");
    /// ```
    Oss {
        /// The events, most often one.
        events: Vec<OssEvent> = "events",
    }

    /// One event of the list.
    OssEvent {
        /// The name of the event: `ObjectCreated:PutObject`, `ObjectRemoved:DeleteObject`, …
        event_name: String = "eventName",
        /// The source of the event: `acs:oss`.
        event_source: String = "eventSource",
        /// The time of the event, in RFC 3339.
        event_time: String = "eventTime",
        /// The version of this form, as in `1.0`.
        event_version: String = "eventVersion",
        /// The bucket's region.
        region: String = "region",
        /// The bucket and object that it happened to.
        oss: OssEntity = "oss",
        /// The address and the user of the request, as a map.
        request_parameters: BTreeMap<String, String> = "requestParameters",
        /// The ids of the reply.
        response_elements: BTreeMap<String, String> = "responseElements",
        /// The user who asked for it.
        user_identity: BTreeMap<String, String> = "userIdentity",
    }

    /// The bucket and the object.
    OssEntity {
        /// The bucket.
        bucket: OssBucket = "bucket",
        /// The object.
        object: OssObject = "object",
        /// The version of this part's form.
        schema_version: String = "ossSchemaVersion",
        /// The trigger's rule.
        rule_id: String = "ruleId",
    }

    /// A bucket.
    OssBucket {
        /// Its resource name.
        arn: String = "arn",
        /// The name of the bucket.
        name: String = "name",
        /// The owner of the bucket.
        owner_identity: String = "ownerIdentity",
        /// A bucket in front of it, if there is one.
        virtual_bucket: String = "virtualBucket",
    }

    /// An object.
    OssObject {
        /// Its key, URL-coded as it came: see [`OssObject::decoded_key`].
        key: String = "key",
        /// Its size in bytes.
        size: Option<u64> = "size",
        /// The number of bytes by which it grew.
        delta_size: Option<i64> = "deltaSize",
        /// Its entity tag.
        e_tag: String = "eTag",
    }

    /// A notification of changes to domains of the content delivery network.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aliyun::Cdn;
    ///
    /// #[function]
    /// fn added(notice: Cdn) -> String {
    ///     let added = notice.events.iter().filter(|event| event.event_name == "CdnDomainAdded");
    ///     added.filter_map(|event| event.resource.get("domain")?.as_str()).collect()
    /// }
    ///
    /// assert_eq!(sample("aliyun/cdn").run(added::MODULE).text(), "example.com");
    /// ```
    Cdn {
        /// The events, most often one.
        events: Vec<CdnEvent> = "events",
    }

    /// One event of the list.
    CdnEvent {
        /// The name of the event: `LogFileCreated`, `CdnDomainAdded`, …
        event_name: String = "eventName",
        /// The source of the event: `cdn`.
        event_source: String = "eventSource",
        /// The time of the event, in RFC 3339.
        event_time: String = "eventTime",
        /// The version of this form.
        event_version: String = "eventVersion",
        /// The region of the event.
        region: String = "region",
        /// The id of the event's trace.
        trace_id: String = "traceId",
        /// The domain, and more about it.
        resource: BTreeMap<String, Value> = "resource",
        /// The parameters that the event is about.
        parameters: BTreeMap<String, Value> = "eventParameter",
        /// The owner of the domain.
        user_identity: BTreeMap<String, Value> = "userIdentity",
    }

    /// The event of a timer.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::aliyun::Timer;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Settings {
    ///     run: String,
    /// }
    ///
    /// /// Reads the payload, which this trigger has as JSON.
    /// #[function]
    /// fn back_up(timer: Timer) -> Result<String, Error> {
    ///     let settings: Settings = serde_json::from_str(&timer.payload)?;
    ///     Ok(format!("{} backup", settings.run))
    /// }
    ///
    /// assert_eq!(sample("aliyun/timer").run(back_up::MODULE).text(), "full backup");
    /// ```
    Timer {
        /// The time of the event, in RFC 3339.
        trigger_time: String = "triggerTime",
        /// The trigger's name.
        trigger_name: String = "triggerName",
        /// The text that the trigger is configured with.
        payload: String = "payload",
    }

    /// A notice that log lines of a Simple Log Service store are there to be fetched.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aliyun::Sls;
    ///
    /// /// Says which part of the store is to be fetched.
    /// #[function]
    /// fn fetch(notice: Sls) -> String {
    ///     let part = notice.source;
    ///     format!("{}/{}, shard {}, from {}", part.project_name, part.logstore_name, part.shard_id, part.begin_cursor)
    /// }
    ///
    /// let text = "shop/orders, shard 0, from MTUyOTQ4MDIwOTY1NTk3ODQ2Mw==";
    /// assert_eq!(sample("aliyun/sls").run(fetch::MODULE).text(), text);
    /// ```
    Sls {
        /// The parameters that the trigger is configured with.
        parameter: BTreeMap<String, Value> = "parameter",
        /// The place of the lines.
        source: SlsSource = "source",
        /// The job's name.
        job_name: String = "jobName",
        /// The task's id: the same if the event comes again.
        task_id: String = "taskId",
        /// The time of the last line, in seconds since 1970.
        cursor_time: i64 = "cursorTime",
    }

    /// A part of a log store's shard.
    SlsSource {
        /// The service's address.
        endpoint: String = "endpoint",
        /// The project.
        project_name: String = "projectName",
        /// The store.
        logstore_name: String = "logstoreName",
        /// The shard.
        shard_id: i64 = "shardId",
        /// The cursor that the part begins at.
        begin_cursor: String = "beginCursor",
        /// The cursor that the part ends before.
        end_cursor: String = "endCursor",
    }

    /// A message of an MNS topic, in either of its JSON forms. In the simplified form the event is the message's own
    /// bytes.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aliyun::Mns;
    ///
    /// #[function]
    /// fn heard(event: Mns) -> String {
    ///     format!("{} said {}", event.topic_name, event.message)
    /// }
    ///
    /// assert_eq!(sample("aliyun/mns").run(heard::MODULE).text(), r#"orders said {"order":7}"#);
    /// ```
    Mns {
        /// The text that was published.
        message: String = "Message" | "body",
        /// Attributes, in the form that has them apart.
        attrs: BTreeMap<String, String> = "attrs",
        /// The topic.
        topic_name: String = "TopicName",
        /// Its owner's account.
        topic_owner: String = "TopicOwner",
        /// The subscription.
        subscription_name: String = "SubscriptionName",
        /// Its owner's account.
        subscriber: String = "Subscriber",
        /// The id of the message.
        message_id: String = "MessageId",
        /// The MD5 of the message's bytes.
        message_md5: String = "MessageMD5",
        /// The time of the event, in milliseconds since 1970.
        publish_time: i64 = "PublishTime",
    }
}

argument!(Oss);
argument!(Cdn);
argument!(Timer);
argument!(Sls);
argument!(Mns);
argument!(Batch);

/// Messages of a queue, of Kafka or of another stream, by way of EventBridge: each is a CloudEvent in JSON.
///
/// ```
/// # use handlers_sdk::{Error, function, testing::sample};
/// use handlers_sdk::events::aliyun::Batch;
///
/// /// Reads the value of each message out of its CloudEvent.
/// #[function]
/// fn orders(batch: Batch) -> Result<String, Error> {
///     let mut orders = Vec::new();
///     for record in &batch.records {
///         let event: serde_json::Value = serde_json::from_str(record)?;
///         orders.push(event["data"]["value"].as_str().unwrap_or_default().to_owned());
///     }
///     Ok(orders.join(" "))
/// }
///
/// assert_eq!(sample("aliyun/kafka").run(orders::MODULE).text(), r#"{"order":7} {"order":8}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Batch {
    /// The CloudEvents as texts, whether they came as texts or as objects.
    #[serde(deserialize_with = "texts")]
    pub records: Vec<String>,
}

fn texts<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Record {
        Text(String),
        Object(serde_json::Map<String, serde_json::Value>),
    }
    let records: Vec<Record> = serde::Deserialize::deserialize(from)?;
    let text = |record| match record {
        Record::Text(text) => text,
        Record::Object(members) => serde_json::Value::Object(members).to_string(),
    };
    Ok(records.into_iter().map(text).collect())
}

impl OssObject {
    /// Returns the key as the object has it.
    pub fn decoded_key(&self) -> String {
        percent::decoded(&self.key)
    }
}

/// Declares how views are told from other events. An event that only looks alike is refused: no second look finds more.
macro_rules! views {
    ($($view:ident: $expected:literal, $is_sure:expr;)+) => {
        $(impl View for $view {
            const EXPECTED: &'static str = $expected;

            fn is_sure(&self) -> bool {
                let is_sure: fn(&$view) -> bool = $is_sure;
                is_sure(self)
            }

            fn accepts(_: &Found) -> bool {
                false
            }
        })+
    };
}

views! {
    Oss: "an event of acs:oss", |view| all_from("acs:oss", view.events.iter().map(|event| &*event.event_source));
    Cdn: "an event of cdn", |view| all_from("cdn", view.events.iter().map(|event| &*event.event_source));
    Timer: "an event of a timer", |view| !view.trigger_name.is_empty();
    Sls: "an event of a log store", |view| !view.source.logstore_name.is_empty();
    Mns: "an event of an MNS topic", |view| !view.topic_name.is_empty() || !view.attrs.is_empty();
    Batch: "a list of CloudEvents", |_| true;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_with_its_key_as_it_came_and_as_it_is() {
        let event = r#"{"events":[{"eventName":"ObjectCreated:PutObject","eventSource":"acs:oss","region":"cn-test",
            "oss":{"bucket":{"name":"b","virtualBucket":null},"object":{"key":"a%2F%C3%BC","size":7,"deltaSize":"-1"}},
            "userIdentity":{"principalId":1},"new":[]}]}"#;
        let oss = Oss::parse(event.as_bytes()).expect("OSS");
        let object = &oss.events[0].oss.object;
        assert_eq!((&*object.key, &*object.decoded_key()), ("a%2F%C3%BC", "a/ü"));
        assert_eq!((object.size, object.delta_size), (Some(7), Some(-1)));
        assert_eq!((&*oss.events[0].oss.bucket.name, &*oss.events[0].user_identity["principalId"]), ("b", "1"));
    }

    #[test]
    fn domains_timers_logs_and_batches_are_read() {
        let cdn = br#"{"events":[{"eventName":"CdnDomainAdded","eventSource":"cdn","resource":{"domain":"d"}}]}"#;
        assert_eq!(Cdn::parse(cdn).expect("CDN").events[0].resource["domain"], "d");
        let timer = br#"{"triggerTime":"2026-01-02T03:04:05Z","triggerName":"tick","payload":null}"#;
        let timer = Timer::parse(timer).expect("a timer");
        assert_eq!((&*timer.trigger_name, &*timer.payload), ("tick", ""));
        let sls = br#"{"source":{"logstoreName":"l","shardId":3},"cursorTime":"5"}"#;
        let sls = Sls::parse(sls).expect("SLS");
        assert_eq!((sls.source.shard_id, sls.cursor_time), (3, 5));
        assert_eq!(Batch::parse(br#"["{}","{\"a\":1}"]"#).expect("a batch").records[1], "{\"a\":1}");
        assert_eq!(Batch::parse(br#"[{ "a": 1 }]"#).expect("a batch").records[0], "{\"a\":1}");
        assert!(Batch::parse(b"[1]").is_err());
    }

    #[test]
    fn a_message_of_a_topic_is_read_in_both_forms() {
        for event in [
            r#"{"body":"hi","attrs":{"Extend":"{}"}}"#,
            r#"{"Message":"hi","TopicName":"t","PublishTime":1700000000000,"own":"attribute"}"#,
        ] {
            assert_eq!(Mns::parse(event.as_bytes()).expect("MNS").message, "hi", "{event}");
        }
    }

    #[test]
    fn another_event_is_refused_in_words() {
        let error = Oss::parse(br#"{"events":[{"eventSource":"cdn"}]}"#).expect_err("another source");
        assert_eq!(error.message(), "expected an event of acs:oss, found an object with the members events");
        let error = Timer::parse(br#"{"triggerTime":"x"}"#).expect_err("no timer");
        assert_eq!(error.message(), "expected an event of a timer, found an object with the members triggerTime");
        assert!(
            Batch::parse(b"{}").expect_err("no list").message().starts_with("expected a list of CloudEvents, found")
        );
        assert!(Cdn::parse(br#"{"events":[]}"#).is_err() && Sls::parse(b"{}").is_err() && Mns::parse(b"{}").is_err());
    }
}
