//! Log lines that a subscription of CloudWatch Logs sends.

use crate::error::Error;
use crate::events::Base64;
use crate::events::found::Found;
use crate::events::view::{View, argument, members};

members! {
    /// A bundle of log lines.
    ///
    /// ```
    /// # use handlers_sdk::{Error, function, testing::sample};
    /// use handlers_sdk::events::aws::CloudWatchLogs;
    ///
    /// /// Hands on the bundle as it is packed: a gzip stream.
    /// #[function]
    /// fn archive(logs: CloudWatchLogs) -> Result<Vec<u8>, Error> {
    ///     logs.compressed()
    /// }
    ///
    /// assert_eq!(sample("aws/logs").run(archive::MODULE).body[..2], [0x1f, 0x8b]);
    /// ```
    CloudWatchLogs {
        /// The bundle.
        awslogs: Data = "awslogs",
    }

    /// The bundle: base64 of gzip of JSON.
    Data {
        /// The base64, as it came.
        data: Base64 = "data",
    }
}

argument!(CloudWatchLogs);

impl CloudWatchLogs {
    /// Returns the gzip stream. [`Log`](crate::events::Log) unpacks it, with the feature `events-log`; without it no
    /// function carries the code for that. The unpacked text is JSON with `messageType`, `owner`, `logGroup`,
    /// `logStream`, `subscriptionFilters` and `logEvents`, a list of `id`, `timestamp` (milliseconds since 1970) and
    /// `message`.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if it is no base64.
    pub fn compressed(&self) -> Result<Vec<u8>, Error> {
        self.awslogs.data.bytes()
    }
}

impl View for CloudWatchLogs {
    const EXPECTED: &'static str = "an event of CloudWatch Logs";

    fn is_sure(&self) -> bool {
        !self.awslogs.data.is_empty()
    }

    fn accepts(found: &Found) -> bool {
        *found == Found::Logs
    }
}

#[cfg(test)]
mod tests {
    use super::CloudWatchLogs;

    #[test]
    fn a_bundle_is_there_as_it_came_and_as_gzip() {
        let event = CloudWatchLogs::parse(br#"{"awslogs":{"data":"H4sIAAAAAAAAAA=="}}"#).expect("logs");
        assert_eq!(event.awslogs.data.as_str(), "H4sIAAAAAAAAAA==");
        assert_eq!(event.compressed().expect("base64")[..3], [0x1f, 0x8b, 8]);
    }

    #[test]
    fn an_event_without_a_bundle_is_refused_and_an_empty_one_served() {
        let error = CloudWatchLogs::parse(br#"{"logs":{}}"#).expect_err("no bundle");
        assert_eq!(error.message(), "expected an event of CloudWatch Logs, found an object with the members logs");
        for event in [r#"{"awslogs":null}"#, r#"{"awslogs":{}}"#, r#"{"awslogs":{"data":null}}"#] {
            let event = CloudWatchLogs::parse(event.as_bytes()).expect("an empty bundle");
            assert_eq!(event.compressed().expect("nothing"), b"");
        }
    }
}
