//! Events of Tencent SCF that are no HTTP requests. The form is Tencent's own: see "Trigger event message structure" in
//! SCF's help pages.

use super::Base64;
use super::lenient::{Element, Lenient};
use super::view::{members, views};
use crate::error::Error;
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

members! {
    /// The event of a timer.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::tencent::Timer;
    ///
    /// /// Serves two triggers of one function by their names.
    /// #[function]
    /// fn tick(timer: Timer) -> String {
    ///     match timer.trigger_name.as_str() {
    ///         "nightly" => format!("back up, {}", timer.message),
    ///         other => format!("nothing is due for {other}"),
    ///     }
    /// }
    ///
    /// assert_eq!(sample("tencent/timer").run(tick::MODULE).text(), r#"back up, {"run":"full"}"#);
    /// ```
    Timer {
        /// The kind: `Timer`.
        kind: String = "Type",
        /// The trigger's name.
        trigger_name: String = "TriggerName",
        /// The time of the event, in RFC 3339.
        time: String = "Time",
        /// The text that the trigger is configured with.
        message: String = "Message",
    }

    /// A notification of changes to objects of a bucket.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::tencent::Cos;
    ///
    /// #[function]
    /// fn paths(notice: Cos) -> String {
    ///     notice.records.iter().map(|record| record.cos.object.path()).collect()
    /// }
    ///
    /// assert_eq!(sample("tencent/cos").run(paths::MODULE).text(), "in/my cat.jpg");
    /// ```
    Cos {
        /// The events, most often one.
        records: Vec<CosRecord> = "Records",
    }

    /// One event of the list.
    CosRecord {
        /// The bucket and object that it happened to.
        cos: CosEntity = "cos",
        /// The kind, the time and the request of the event.
        event: CosEvent = "event",
    }

    /// The bucket and the object.
    CosEntity {
        /// The version of this part's form.
        schema_version: String = "cosSchemaVersion",
        /// The id of the bucket's notification.
        notification_id: String = "cosNotificationId",
        /// The bucket.
        bucket: CosBucket = "cosBucket",
        /// The object.
        object: CosObject = "cosObject",
    }

    /// A bucket.
    CosBucket {
        /// Its name, without the app id.
        name: String = "name",
        /// The app id.
        appid: String = "appid",
        /// Its region.
        region: String = "region",
    }

    /// An object.
    CosObject {
        /// The path of the object, `/<app id>/<bucket>/<key>`. See [`CosObject::path`].
        key: String = "key",
        /// Its size in bytes.
        size: Option<u64> = "size",
        /// The address at which it can be fetched.
        url: String = "url",
        /// Its version, if the bucket keeps versions.
        vid: String = "vid",
        /// Its metadata.
        meta: BTreeMap<String, String> = "meta",
    }

    /// The kind, the time and the request of an event.
    CosEvent {
        /// The name of the event: `cos:ObjectCreated:Put`, `cos:ObjectRemove:Delete`, …
        name: String = "eventName",
        /// The version of this form, as in `1.0`.
        version: String = "eventVersion",
        /// The time of the event, in seconds since 1970.
        time: i64 = "eventTime",
        /// The source of the event: `qcs::cos`.
        source: String = "eventSource",
        /// The request that caused it.
        request: CosRequest = "requestParameters",
        /// The queue it came through.
        queue: String = "eventQueue",
        /// The request's id.
        request_id: String = "reqid",
    }

    /// The request that caused it.
    CosRequest {
        /// The address of the client.
        source_ip: String = "requestSourceIP",
        /// The headers of the request.
        headers: BTreeMap<String, String> = "requestHeaders",
    }

    /// Messages of a topic of CMQ.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::tencent::Cmq;
    ///
    /// #[function]
    /// fn tags(batch: Cmq) -> String {
    ///     batch.records.iter().flat_map(|record| record.cmq.tags.0.clone()).collect::<Vec<_>>().join(" and ")
    /// }
    ///
    /// assert_eq!(sample("tencent/cmq").run(tags::MODULE).text(), "tea and green");
    /// ```
    Cmq {
        /// The messages, most often one.
        records: Vec<CmqRecord> = "Records",
    }

    /// A message.
    CmqRecord {
        /// The message.
        cmq: CmqMessage = "CMQ",
    }

    /// A message.
    CmqMessage {
        /// The kind: `topic`.
        kind: String = "type",
        /// The topic's owner: an app id.
        topic_owner: String = "topicOwner",
        /// The topic.
        topic_name: String = "topicName",
        /// The subscription.
        subscription_name: String = "subscriptionName",
        /// The time of the event, in RFC 3339.
        publish_time: String = "publishTime",
        /// The id of the message.
        message_id: String = "msgId",
        /// The id of the request that published it.
        request_id: String = "requestId",
        /// The text that was published.
        body: String = "msgBody",
        /// The tags it was published with.
        tags: Tags = "msgTag",
    }

    /// Messages of CKafka.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::tencent::Ckafka;
    ///
    /// /// Says up to which place each partition is read.
    /// #[function]
    /// fn read(batch: Ckafka) -> Option<String> {
    ///     let last = &batch.records.last()?.ckafka;
    ///     Some(format!("{}-{} up to {}", last.topic, last.partition, last.offset))
    /// }
    ///
    /// assert_eq!(sample("tencent/ckafka").run(read::MODULE).text(), "orders-1 up to 37");
    /// ```
    Ckafka {
        /// The messages.
        records: Vec<CkafkaRecord> = "Records",
    }

    /// A message.
    CkafkaRecord {
        /// The message.
        ckafka: CkafkaMessage = "Ckafka",
    }

    /// A message.
    CkafkaMessage {
        /// The topic.
        topic: String = "topic",
        /// The partition.
        partition: i64 = "partition",
        /// Its place in the partition.
        offset: i64 = "offset",
        /// Its key.
        key: String = "msgKey",
        /// Its value.
        body: String = "msgBody",
    }

    /// A bundle of log lines of CLS.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::tencent::Cls;
    ///
    /// /// Refuses a bundle that is no gzip stream.
    /// #[function]
    /// fn keep(bundle: Cls) -> Result<&'static str, Error> {
    ///     let packed = bundle.compressed()?.starts_with(&[0x1f, 0x8b]);
    ///     if packed { Ok("kept") } else { Err(Error::new("Logs.Form", "expected gzip")) }
    /// }
    ///
    /// assert_eq!(sample("tencent/cls").run(keep::MODULE).text(), "kept");
    /// ```
    Cls {
        /// The bundle.
        logs: ClsData = "clslogs",
    }

    /// The bundle: base64 of gzip of JSON.
    ClsData {
        /// The base64, as it came.
        data: Base64 = "data",
    }
}

views! {
    Timer: "an event of a timer", |view| view.kind == "Timer" && !view.trigger_name.is_empty();
    Cos: "an event of COS", |view| all(&view.records, |record| !record.cos.object.key.is_empty());
    Cmq: "an event of CMQ", |view| all(&view.records, |record| !record.cmq.topic_name.is_empty());
    Ckafka: "an event of CKafka", |view| all(&view.records, |record| !record.ckafka.topic.is_empty());
    Cls: "an event of CLS", |view| !view.logs.data.is_empty();
}

fn all<T>(records: &[T], is_one: fn(&T) -> bool) -> bool {
    !records.is_empty() && records.iter().all(is_one)
}

impl CosObject {
    /// Returns the key as the bucket knows it: without the app id and the bucket's name in front.
    pub fn path(&self) -> &str {
        let mut parts = self.key.splitn(4, '/');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(""), Some(_), Some(_), Some(path)) => path,
            _ => &self.key,
        }
    }
}

impl Cls {
    /// Returns the gzip stream. [`Log`](super::Log) unpacks it, with the feature `events-log`.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if it is no base64.
    pub fn compressed(&self) -> Result<Vec<u8>, Error> {
        self.logs.data.bytes()
    }
}

/// Tags of a message: they come as a list, or as one text with commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tags(pub Vec<String>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tags, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            List(Vec<Element<String>>),
            Joined(Element<String>),
        }
        Ok(Tags(match Form::deserialize(deserializer)? {
            Form::List(tags) => tags.into_iter().map(|tag| tag.0).collect(),
            Form::Joined(text) => {
                text.0.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
            }
        }))
    }
}

impl Lenient for Tags {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tags, D::Error> {
        Tags::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_read() {
        let event = br#"{"Type":"Timer","TriggerName":"tick","Time":"2026-01-02T03:04:00Z","Message":null,"New":[]}"#;
        let timer = Timer::parse(event).expect("a timer");
        assert_eq!((&*timer.trigger_name, &*timer.time, &*timer.message), ("tick", "2026-01-02T03:04:00Z", ""));
    }

    #[test]
    fn an_object_is_read_with_its_key_as_it_came_and_as_the_bucket_knows_it() {
        let event = br#"{"Records":[{"cos":{"cosBucket":{"name":"b","appid":1250000000,"region":"ap-test"},
            "cosObject":{"key":"/1250000000/b/dir/a.txt","size":"3","vid":null,"meta":{"x-cos-request-id":"r","n":1}}},
            "event":{"eventName":"cos:ObjectCreated:Put","eventTime":1767323045,"reqid":17,
            "requestParameters":{"requestSourceIP":"192.0.2.1","requestHeaders":{"Authorization":"a"}}}}]}"#;
        let record = &Cos::parse(event).expect("COS").records[0];
        assert_eq!((record.cos.object.path(), record.cos.object.size), ("dir/a.txt", Some(3)));
        assert_eq!((&*record.cos.bucket.appid, &*record.cos.object.meta["n"]), ("1250000000", "1"));
        assert_eq!((record.event.time, &*record.event.request_id), (1_767_323_045, "17"));
        assert_eq!(&*record.event.request.source_ip, "192.0.2.1");
        for odd in ["a.txt", "/1/b", "x/1/b/a.txt"] {
            assert_eq!(CosObject { key: odd.into(), ..CosObject::default() }.path(), odd);
        }
    }

    #[test]
    fn tags_come_as_a_list_or_joined() {
        for (tags, expected) in [
            (r#"["a","b"]"#, &["a", "b"][..]),
            (r#""a, b""#, &["a", "b"]),
            (r#""a""#, &["a"]),
            (r#""""#, &[]),
            ("null", &[]),
            ("[]", &[]),
            ("[1]", &["1"]),
        ] {
            let event = format!(
                r#"{{"Records":[{{"CMQ":{{"topicName":"t","topicOwner":1,"msgBody":"hi","msgTag":{tags}}}}}]}}"#
            );
            let message = &Cmq::parse(event.as_bytes()).expect("CMQ").records[0].cmq;
            assert_eq!(
                (&message.tags.0[..], &*message.topic_owner),
                (&expected.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>()[..], "1"),
                "{tags}"
            );
        }
    }

    #[test]
    fn messages_and_logs_are_read() {
        let event =
            br#"{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":"36","msgKey":null,"msgBody":"hi"}}]}"#;
        let message = &Ckafka::parse(event).expect("CKafka").records[0].ckafka;
        assert_eq!((message.partition, message.offset, &*message.key, &*message.body), (1, 36, "", "hi"));
        let logs = Cls::parse(br#"{"clslogs":{"data":"H4sIAAAAAAAAAA=="}}"#).expect("CLS");
        assert_eq!(logs.compressed().expect("base64")[..3], [0x1f, 0x8b, 8]);
    }

    #[test]
    fn another_event_is_refused_in_words() {
        let cmq = br#"{"Records":[{"CMQ":{"topicName":"t"}}]}"#;
        let error = Cos::parse(cmq).expect_err("another source");
        assert_eq!(error.message(), "expected an event of COS, found records that name no source");
        let error = Timer::parse(br#"{"Type":"Other","TriggerName":"t"}"#).expect_err("no timer");
        assert!(error.message().starts_with("expected an event of a timer, found an object with"), "{error}");
        assert!(Ckafka::parse(cmq).is_err() && Cmq::parse(br#"{"Records":[]}"#).is_err() && Cls::parse(b"{}").is_err());
    }
}
