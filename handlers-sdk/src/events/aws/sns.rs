//! Notifications of SNS to a topic's subscribers.

use crate::error::Error;
use crate::events::found::Found;
use crate::events::view::{View, all_from, argument, members};
use crate::events::{Base64, view};
use std::collections::BTreeMap;

members! {
    /// A notification; Lambda is called with one record.
    ///
    /// ```
    /// # use handlers_sdk::{function, testing::sample};
    /// use handlers_sdk::events::aws::Sns;
    ///
    /// #[function]
    /// fn subject(notice: Sns) -> Option<String> {
    ///     notice.records.into_iter().next()?.sns.subject
    /// }
    ///
    /// assert_eq!(sample("aws/sns").run(subject::MODULE).text(), "An order");
    /// ```
    Sns {
        /// The notifications.
        records: Vec<Record> = "Records",
    }

    /// A notification and where it comes from.
    Record {
        /// The source of the event: `aws:sns`.
        event_source: String = "EventSource" | "eventSource",
        /// The version of this form; `1.0` so far.
        event_version: String = "EventVersion",
        /// The subscription.
        event_subscription_arn: String = "EventSubscriptionArn",
        /// The notification itself.
        sns: Message = "Sns",
    }

    /// A notification. A queue that is subscribed without raw delivery has this as JSON in its messages' bodies.
    Message {
        /// The id of the message.
        message_id: String = "MessageId",
        /// The kind: `Notification`.
        kind: String = "Type",
        /// The topic.
        topic_arn: String = "TopicArn",
        /// The subject, if it was given.
        subject: Option<String> = "Subject",
        /// The text that was published.
        message: String = "Message",
        /// The time of the event, in RFC 3339.
        timestamp: String = "Timestamp",
        /// The attributes that the publisher gave it.
        message_attributes: BTreeMap<String, Attribute> = "MessageAttributes",
        /// The version of the signature: `1` (SHA1) or `2` (SHA256).
        signature_version: String = "SignatureVersion",
        /// AWS' signature, in base64.
        signature: String = "Signature",
        /// Its certificate.
        signing_cert_url: String = "SigningCertUrl" | "SigningCertURL",
        /// The address that ends the subscription.
        unsubscribe_url: String = "UnsubscribeUrl" | "UnsubscribeURL",
    }

    /// An attribute that the publisher gave.
    Attribute {
        /// The kind: `String`, `String.Array`, `Number` or `Binary`.
        kind: String = "Type",
        /// The value as text; of a `Binary` it is base64.
        value: String = "Value",
    }
}

argument!(Sns);

impl Attribute {
    /// Returns the bytes: of a `Binary` those of its base64, of all others those of their text.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if the value of a `Binary` is no base64.
    pub fn bytes(&self) -> Result<Vec<u8>, Error> {
        if self.kind == "Binary" {
            Base64::from(self.value.clone()).bytes()
        } else {
            Ok(self.value.clone().into_bytes())
        }
    }
}

impl View for Sns {
    const EXPECTED: &'static str = "an event of aws:sns";

    fn is_sure(&self) -> bool {
        all_from("aws:sns", self.records.iter().map(|record| &*record.event_source))
    }

    fn accepts(found: &Found) -> bool {
        view::records_of("aws:sns", found)
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Sns};

    #[test]
    fn a_notification_is_read_whichever_way_its_addresses_are_spelled() {
        for spelling in ["SigningCertUrl", "SigningCertURL"] {
            let event = format!(
                r#"{{"Records":[{{"EventSource":"aws:sns","Sns":{{"Subject":null,"Message":"hi","{spelling}":"https://c",
                "MessageAttributes":{{"b":{{"Type":"Binary","Value":"AAEC"}},"s":{{"Type":"String","Value":"AAEC"}}}}}}}}]}}"#
            );
            let notice = &Sns::parse(event.as_bytes()).expect("SNS").records[0].sns;
            assert_eq!((&*notice.message, &*notice.signing_cert_url), ("hi", "https://c"));
            assert_eq!(notice.subject, None);
            assert_eq!(notice.message_attributes["b"].bytes().expect("base64"), [0, 1, 2]);
            assert_eq!(notice.message_attributes["s"].bytes().expect("text"), b"AAEC");
        }
    }

    #[test]
    fn a_notification_in_a_message_of_a_queue_is_read_alone() {
        let body = r#"{"Type":"Notification","TopicArn":"arn:t","Message":"hi","SignatureVersion":1}"#;
        let message: Message = serde_json::from_str(body).expect("a notification");
        assert_eq!((&*message.topic_arn, &*message.signature_version), ("arn:t", "1"));
    }
}
