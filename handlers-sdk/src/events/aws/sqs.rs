//! Batches of messages of SQS.

use crate::events::found::Found;
use crate::events::view::{View, all_from, argument, members};
use crate::events::{Base64, view};
use std::collections::BTreeMap;

members! {
    /// A batch of messages. Answer with [`BatchFailures`](super::BatchFailures) of message ids.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aws::Sqs;
    ///
    /// /// Reads the messages that were delivered before.
    /// #[function]
    /// fn again(batch: Sqs) -> String {
    ///     let again = batch.records.iter().filter(|message| message.receive_count() > Some(1));
    ///     again.map(|message| message.body.as_str()).collect()
    /// }
    ///
    /// assert_eq!(sample("aws/sqs").run(again::MODULE).text(), r#"{"order":8}"#);
    /// ```
    Sqs {
        /// The messages.
        records: Vec<Record> = "Records",
    }

    /// A message.
    Record {
        /// The id that names it in [`BatchFailures`](super::BatchFailures).
        message_id: String = "messageId",
        /// The handle by which a client deletes it or changes how long it is hidden.
        receipt_handle: String = "receiptHandle",
        /// The body that was sent.
        body: String = "body",
        /// MD5 of the body, in hexadecimal.
        md5_of_body: String = "md5OfBody",
        /// MD5 of the sender's attributes, in hexadecimal.
        md5_of_message_attributes: String = "md5OfMessageAttributes",
        /// The attributes that SQS gives it: `SentTimestamp`, `SenderId`, `MessageGroupId`, …
        attributes: BTreeMap<String, String> = "attributes",
        /// The attributes that the sender gave it.
        message_attributes: BTreeMap<String, Attribute> = "messageAttributes",
        /// The source of the event: `aws:sqs`.
        event_source: String = "eventSource",
        /// The queue.
        event_source_arn: String = "eventSourceARN",
        /// The region.
        aws_region: String = "awsRegion",
    }

    /// An attribute that the sender gave.
    Attribute {
        /// The type of the value: `String`, `Number` or `Binary`, perhaps with the sender's own type behind a dot.
        data_type: String = "dataType",
        /// The value of a `String` or `Number`.
        string_value: Option<String> = "stringValue",
        /// The value of a `Binary`.
        binary_value: Option<Base64> = "binaryValue",
        /// A list of texts, which SQS does not use so far.
        string_list_values: Vec<String> = "stringListValues",
        /// A list of bytes, which SQS does not use so far.
        binary_list_values: Vec<Base64> = "binaryListValues",
    }
}

argument!(Sqs);

impl Record {
    fn number(&self, attribute: &str) -> Option<u64> {
        self.attributes.get(attribute)?.parse().ok()
    }

    /// Returns how often the message was received, this time included: `ApproximateReceiveCount`.
    pub fn receive_count(&self) -> Option<u64> {
        self.number("ApproximateReceiveCount")
    }

    /// Returns the time at which it was sent, in milliseconds since 1970: `SentTimestamp`. It is `None` if it is
    /// missing.
    pub fn sent_millis(&self) -> Option<u64> {
        self.number("SentTimestamp")
    }

    /// Returns the group of the message; `None` in a queue that keeps no order.
    pub fn message_group_id(&self) -> Option<&str> {
        self.attributes.get("MessageGroupId").map(String::as_str)
    }
}

impl View for Sqs {
    const EXPECTED: &'static str = "an event of aws:sqs";

    fn is_sure(&self) -> bool {
        all_from("aws:sqs", self.records.iter().map(|record| &*record.event_source))
    }

    fn accepts(found: &Found) -> bool {
        view::records_of("aws:sqs", found)
    }
}

#[cfg(test)]
mod tests {
    use super::Sqs;

    #[test]
    fn a_message_is_read_with_its_attributes() {
        let event = br#"{"Records":[{"messageId":"m1","body":"{}","eventSource":"aws:sqs","new":{"x":[1]},
            "attributes":{"ApproximateReceiveCount":2,"SentTimestamp":"1520621625029","MessageGroupId":"g"},
            "messageAttributes":{"a":{"dataType":"Binary","binaryValue":"AAEC","stringValue":null},"b":null}},null]}"#;
        let batch = Sqs::parse(event).expect("SQS");
        let [message, nothing] = &batch.records[..] else { panic!("{batch:?}") };
        assert_eq!((&*message.message_id, &*message.body), ("m1", "{}"));
        assert_eq!((message.receive_count(), message.sent_millis()), (Some(2), Some(1_520_621_625_029)));
        assert_eq!(message.message_group_id(), Some("g"));
        let binary = message.message_attributes["a"].binary_value.as_ref().expect("it is there");
        assert_eq!(binary.bytes().expect("base64"), [0, 1, 2]);
        assert_eq!(message.message_attributes["a"].string_value, None);
        assert_eq!(message.message_attributes["b"], Default::default());
        assert_eq!((*nothing).clone(), Default::default());
        assert_eq!(nothing.receive_count(), None);
    }

    #[test]
    fn an_event_that_is_no_batch_of_messages_is_refused_in_words() {
        for (event, message) in [
            ("", "found no JSON: EOF while parsing a value at line 1 column 0"),
            ("{}", "found an object without members"),
            ("[]", "found a JSON list"),
            (r#"{"Records":[{"EventSource":"aws:sns"}]}"#, "found one of aws:sns"),
            (r#"{"Records":[{"eventSource":"aws:s3"}]}"#, "found one of aws:s3"),
            (
                r#"{"Records":[{"eventSource":"aws:sqs"},{"eventSource":"aws:s3"}]}"#,
                "found records of aws:sqs and aws:s3",
            ),
            (r#"{"records":{}}"#, "found one with records by topic"),
            (r#"{"Records":[{"eventSource":"aws:kinesis","body":{}}]}"#, "found one of aws:kinesis"),
            (
                r#"{"Records":[{"eventSource":"aws:sqs","body":{}}]}"#,
                "found one that does not fit: invalid type: map, expected a text at line 1 column 46",
            ),
        ] {
            let error = Sqs::parse(event.as_bytes()).expect_err(event);
            assert_eq!(error.kind(), "Runtime.UnmarshalError");
            assert_eq!(error.message(), format!("expected an event of aws:sqs, {message}"), "{event}");
        }
    }

    #[test]
    fn records_that_name_no_source_are_taken_at_the_authors_word() {
        for event in [r#"{"Records":[]}"#, r#"{"Records":null}"#, r#"{"Records":[{"eventSource":null},{}]}"#] {
            assert!(Sqs::parse(event.as_bytes()).is_ok(), "{event}");
        }
    }
}
