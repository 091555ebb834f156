//! Notifications of S3.

use super::found::Found;
use super::view::{self, View, all_from, argument, members};
use crate::percent;

members! {
    /// What happened to objects of a bucket.
    S3 {
        /// What happened, most often one thing.
        records: Vec<Record> = "Records",
    }

    /// One thing that happened.
    Record {
        /// `ObjectCreated:Put`, `ObjectRemoved:Delete`, …
        event_name: String = "eventName",
        /// When, in RFC 3339.
        event_time: String = "eventTime",
        /// Of this form, as in `2.1`.
        event_version: String = "eventVersion",
        /// `aws:s3`.
        event_source: String = "eventSource",
        /// The bucket's region.
        aws_region: String = "awsRegion",
        /// Who caused it.
        user_identity: Identity = "userIdentity",
        /// How it was asked for.
        request_parameters: RequestParameters = "requestParameters",
        /// What AWS' support asks for.
        response_elements: ResponseElements = "responseElements",
        /// To what it happened.
        s3: Entity = "s3",
    }

    /// A principal.
    Identity {
        /// Its id.
        principal_id: String = "principalId",
    }

    /// How it was asked for.
    RequestParameters {
        /// From which address.
        source_ip_address: String = "sourceIPAddress",
    }

    /// What S3 answered to it.
    ResponseElements {
        /// The request's id.
        request_id: String = "x-amz-request-id",
        /// The host's.
        id_2: String = "x-amz-id-2",
    }

    /// Bucket and object.
    Entity {
        /// Of this part's form.
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
        /// In bytes; removals name none.
        size: Option<u64> = "size",
        /// Its entity tag.
        e_tag: Option<String> = "eTag",
        /// Its version, if the bucket keeps versions.
        version_id: Option<String> = "versionId",
        /// Orders what happened to one key: hexadecimal, compared as text, the shorter filled up with zeros on its right.
        sequencer: String = "sequencer",
    }
}

argument!(S3);

impl Object {
    /// The key as the object has it: S3 URL-codes it in notifications, a space as `+`.
    pub fn decoded_key(&self) -> String {
        percent::decoded(&self.key)
    }
}

impl View for S3 {
    const EXPECTED: &'static str = "an event of aws:s3";

    fn is_sure(&self) -> bool {
        all_from("aws:s3", self.records.iter().map(|record| &*record.event_source))
    }

    fn accepts(found: &Found) -> bool {
        view::records_of("aws:s3", found)
    }
}

#[cfg(test)]
mod tests {
    use super::S3;

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
