//! Batches of records of a Kinesis stream.

use crate::events::found::Found;
use crate::events::view::{View, all_from, argument, members};
use crate::events::{Base64, view};
use serde_json::Value;

members! {
    /// A batch of records of one shard. Answer with [`BatchFailures`](super::BatchFailures) of sequence numbers.
    ///
    /// The last members are those of a tumbling window, whose answer is `{"state":…,"batchItemFailures":[…]}`.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::aws::{BatchFailures, Kinesis};
    ///
    /// /// Reads up to the first record that is no JSON: reading begins there again.
    /// #[function]
    /// fn read(batch: Kinesis) -> Result<BatchFailures, Error> {
    ///     let mut failures = BatchFailures::new();
    ///     for record in batch.records.iter().map(|record| &record.kinesis) {
    ///         if serde_json::from_slice::<serde_json::Value>(&record.data.bytes()?).is_err() {
    ///             failures.add(&record.sequence_number);
    ///             break;
    ///         }
    ///     }
    ///     Ok(failures)
    /// }
    ///
    /// assert_eq!(sample("aws/kinesis").run(read::MODULE).text(), r#"{"batchItemFailures":[]}"#);
    /// ```
    Kinesis {
        /// The records. The last call of a window has no records.
        records: Vec<Record> = "Records",
        /// The window, if there is one.
        window: Option<Window> = "window",
        /// The state that the window's last call returned.
        state: Value = "state",
        /// The window's shard.
        shard_id: String = "shardId",
        /// `true` if this is the window's last call.
        is_final_invoke_for_window: bool = "isFinalInvokeForWindow",
        /// `true` if the window ends early because its state is too big.
        is_window_terminated_early: bool = "isWindowTerminatedEarly",
    }

    /// A record and where it comes from.
    Record {
        /// Shard and sequence number, with a colon between them.
        event_id: String = "eventID",
        /// The name of the event: `aws:kinesis:record`.
        event_name: String = "eventName",
        /// The version of this form; `1.0` so far.
        event_version: String = "eventVersion",
        /// The source of the event: `aws:kinesis`.
        event_source: String = "eventSource",
        /// The stream, or its consumer.
        event_source_arn: String = "eventSourceARN",
        /// The role of the function.
        invoke_identity_arn: String = "invokeIdentityArn",
        /// The region.
        aws_region: String = "awsRegion",
        /// The record itself.
        kinesis: Data = "kinesis",
    }

    /// A record.
    Data {
        /// The data that was put.
        data: Base64 = "data",
        /// The key that chose the shard.
        partition_key: String = "partitionKey",
        /// The number that names it in [`BatchFailures`](super::BatchFailures): some fifty digits.
        sequence_number: String = "sequenceNumber",
        /// The time at which it came, in seconds since 1970.
        approximate_arrival_timestamp: f64 = "approximateArrivalTimestamp",
        /// The encryption of the record: `NONE` or `KMS`.
        encryption_type: String = "encryptionType",
        /// The version of this part's form.
        schema_version: String = "kinesisSchemaVersion",
    }

    /// A tumbling window.
    Window {
        /// The moment in RFC 3339.
        start: String = "start",
        /// The moment in RFC 3339.
        end: String = "end",
    }
}

argument!(Kinesis);

impl View for Kinesis {
    const EXPECTED: &'static str = "an event of aws:kinesis";

    fn is_sure(&self) -> bool {
        all_from("aws:kinesis", self.records.iter().map(|record| &*record.event_source))
    }

    fn accepts(found: &Found) -> bool {
        view::records_of("aws:kinesis", found)
    }
}

#[cfg(test)]
mod tests {
    use super::Kinesis;

    #[test]
    fn a_record_is_read_with_its_bytes() {
        let event = br#"{"Records":[{"eventSource":"aws:kinesis","kinesis":{"data":"SGVsbG8=","sequenceNumber":"4954",
            "approximateArrivalTimestamp":"1480641523.477"}}]}"#;
        let batch = Kinesis::parse(event).expect("Kinesis");
        let data = &batch.records[0].kinesis;
        assert_eq!(data.data.bytes().expect("base64"), b"Hello");
        assert_eq!((&*data.sequence_number, data.approximate_arrival_timestamp), ("4954", 1_480_641_523.477));
        assert_eq!(batch.window, None);
    }

    #[test]
    fn the_last_call_of_a_window_has_no_records() {
        let event = br#"{"Records":[],"window":{"start":"2020-12-09T07:04:00Z"},"state":{"1":2},
            "isFinalInvokeForWindow":true}"#;
        let batch = Kinesis::parse(event).expect("Kinesis");
        assert!(batch.is_final_invoke_for_window && !batch.is_window_terminated_early);
        assert_eq!(batch.window.expect("a window").start, "2020-12-09T07:04:00Z");
        assert_eq!(batch.state["1"], 2);
    }
}
