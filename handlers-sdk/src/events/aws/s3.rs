//! Notifications of S3 about objects of a bucket.

use crate::encoding::percent;
use crate::events::found::Found;
use crate::events::view::{self, View, all_from, argument, members};

members! {
    /// A notification of changes to objects of a bucket.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aws::S3;
    ///
    /// #[function]
    /// fn keys(notice: S3) -> String {
    ///     notice.records.iter().map(|record| record.s3.object.decoded_key()).collect()
    /// }
    ///
    /// assert_eq!(sample("aws/s3").run(keys::MODULE).text(), "in/my cat.jpg");
    /// assert_eq!(sample("aws/s3-test").run(keys::MODULE).text(), "", "a test event has no record");
    /// ```
    S3 {
        /// The events, most often one. `s3:TestEvent`, which S3 sends when a notification is set up, has no event.
        records: Vec<Record> = "Records",
    }

    /// One event of the list.
    Record {
        /// The name of the event: `ObjectCreated:Put`, `ObjectRemoved:Delete`, …
        event_name: String = "eventName",
        /// The time of the event, in RFC 3339.
        event_time: String = "eventTime",
        /// The version of this form, as in `2.1`.
        event_version: String = "eventVersion",
        /// The source of the event: `aws:s3`.
        event_source: String = "eventSource",
        /// The bucket's region.
        aws_region: String = "awsRegion",
        /// The user who caused it.
        user_identity: Identity = "userIdentity",
        /// The request that caused it.
        request_parameters: RequestParameters = "requestParameters",
        /// The ids that AWS' support asks for.
        response_elements: ResponseElements = "responseElements",
        /// The bucket and object that it happened to.
        s3: Entity = "s3",
    }

    /// A principal.
    Identity {
        /// Its id.
        principal_id: String = "principalId",
    }

    /// The request that caused it.
    RequestParameters {
        /// The address of the client.
        source_ip_address: String = "sourceIPAddress",
    }

    /// The reply of S3 to that request.
    ResponseElements {
        /// The request's id.
        request_id: String = "x-amz-request-id",
        /// The id of the host.
        id_2: String = "x-amz-id-2",
    }

    /// The bucket and the object.
    Entity {
        /// The version of this part's form.
        schema_version: String = "s3SchemaVersion",
        /// The id of the bucket's notification.
        configuration_id: String = "configurationId",
        /// The bucket.
        bucket: Bucket = "bucket",
        /// The object.
        object: Object = "object",
    }

    /// A bucket.
    Bucket {
        /// Its name.
        name: String = "name",
        /// Its ARN.
        arn: String = "arn",
        /// Its owner.
        owner_identity: Identity = "ownerIdentity",
    }

    /// An object.
    Object {
        /// Its key, URL-coded as it came: see [`Object::decoded_key`].
        key: String = "key",
        /// Its size in bytes; `None` for a removal.
        size: Option<u64> = "size",
        /// Its entity tag.
        e_tag: Option<String> = "eTag",
        /// Its version, if the bucket keeps versions.
        version_id: Option<String> = "versionId",
        /// The order of the changes to one key: hexadecimal, compared as text, the shorter filled up with zeros on its
        /// right.
        sequencer: String = "sequencer",
    }
}

argument!(S3);

impl Object {
    /// Returns the key as the object has it: S3 URL-codes it in notifications, a space as `+`.
    pub fn decoded_key(&self) -> String {
        percent::decoded(&self.key)
    }
}

impl View for S3 {
    const EXPECTED: &'static str = "an event of aws:s3";

    fn is_sure(&self) -> bool {
        all_from("aws:s3", self.records.iter().map(|record| &*record.event_source))
    }

    /// The test event that S3 sends when a notification is set up has no records, and asks nothing of anybody.
    fn accepts(found: &Found) -> bool {
        *found == Found::TestOfS3 || view::records_of("aws:s3", found)
    }
}

#[cfg(test)]
mod tests {
    use super::S3;
    use crate::events::aws::{Sns, Sqs};

    const TEST_EVENT: &str = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z",
        "Bucket":"b","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw098X5cv4"}"#;

    #[test]
    fn the_test_event_has_no_records_and_is_no_error_also_inside_a_queue_or_topic() {
        assert!(S3::parse(TEST_EVENT.as_bytes()).expect("it is S3's").records.is_empty());
        let queue = serde_json::json!({ "Records": [{ "eventSource": "aws:sqs", "body": TEST_EVENT }] });
        let queue = Sqs::parse(queue.to_string().as_bytes()).expect("a queue");
        assert!(S3::parse(queue.records[0].body.as_bytes()).expect("it is S3's").records.is_empty());
        let topic = serde_json::json!({ "Records": [{ "EventSource": "aws:sns", "Sns": { "Message": TEST_EVENT } }] });
        let topic = Sns::parse(topic.to_string().as_bytes()).expect("a topic");
        assert!(S3::parse(topic.records[0].sns.message.as_bytes()).expect("it is S3's").records.is_empty());
        let error = Sqs::parse(TEST_EVENT.as_bytes()).expect_err("it is no queue's");
        assert_eq!(error.message(), "expected an event of aws:sqs, found a test event of S3");
    }

    #[test]
    fn a_key_is_there_as_it_came_and_as_the_object_has_it() {
        let event = br#"{"Records":[{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete",
            "s3":{"bucket":{"name":"b","ownerIdentity":null},"object":{"key":"a+b/%C3%BC%2B.txt","sequencer":"00"}}}]}"#;
        let record = &S3::parse(event).expect("S3").records[0];
        assert_eq!(record.s3.object.key, "a+b/%C3%BC%2B.txt");
        assert_eq!(record.s3.object.decoded_key(), "a b/ü+.txt");
        assert_eq!((record.s3.object.size, &record.s3.object.version_id), (None, &None));
        assert_eq!(record.s3.bucket.name, "b");
    }
}
