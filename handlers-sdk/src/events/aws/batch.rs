//! The reply to a batch of which a part failed.

use crate::call::json;
use crate::error::Error;
use crate::reply::{IntoReply, Reply};
use serde::Serialize;

/// The records of a batch that are to come again. Without any, all are done. SQS wants message ids; Kinesis and
/// DynamoDB want sequence numbers, and go on from the lowest.
///
/// AWS heeds it if the event source mapping has `ReportBatchItemFailures`; without that a batch fails whole, by an
/// error. An identifier that is empty or no record's makes the whole batch come again.
///
/// ```
/// # use handlers_sdk::{function, testing::sample};
/// use handlers_sdk::events::aws::{BatchFailures, Sqs};
///
/// /// Does all orders but the eighth, which comes again.
/// #[function]
/// fn work(batch: Sqs) -> BatchFailures {
///     let undone = batch.records.iter().filter(|message| message.body.contains("8"));
///     undone.map(|message| message.message_id.as_str()).collect()
/// }
///
/// let reply = r#"{"batchItemFailures":[{"itemIdentifier":"2e1424d4-f796-459a-8184-9c92662be6da"}]}"#;
/// assert_eq!(sample("aws/sqs").run(work::MODULE).text(), reply);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct BatchFailures {
    #[serde(rename = "batchItemFailures")]
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Item {
    #[serde(rename = "itemIdentifier")]
    id: String,
}

impl BatchFailures {
    /// Returns a reply without any identifier.
    pub fn new() -> BatchFailures {
        BatchFailures::default()
    }

    /// Adds one more identifier.
    pub fn add(&mut self, id: impl Into<String>) {
        self.items.push(Item { id: id.into() });
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns `true` if no record failed.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl<T: Into<String>> FromIterator<T> for BatchFailures {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> BatchFailures {
        BatchFailures { items: ids.into_iter().map(|id| Item { id: id.into() }).collect() }
    }
}

impl IntoReply for BatchFailures {
    fn into_reply(self) -> Result<Reply, Error> {
        Ok(Reply::value(json::write(&self)?))
    }
}

#[cfg(test)]
mod tests {
    use super::BatchFailures;

    #[test]
    fn failures_are_written_as_aws_reads_them() {
        let mut failures = BatchFailures::new();
        assert_eq!(serde_json::to_string(&failures).expect("JSON"), r#"{"batchItemFailures":[]}"#);
        failures.add("a");
        failures.add(String::from("b\""));
        let text = r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b\""}]}"#;
        assert_eq!(serde_json::to_string(&failures).expect("JSON"), text);
        assert_eq!(["a", "b\""].into_iter().collect::<BatchFailures>(), failures);
        assert_eq!((failures.len(), failures.is_empty()), (2, false));
    }
}
