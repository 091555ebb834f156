//! Events of AWS that are no HTTP requests.
//!
//! The form is AWS' own; see "Invoking Lambda with events from other AWS services" in the Lambda developer guide.

mod batch;
pub mod dynamodb;
pub mod eventbridge;
pub mod kafka;
pub mod kinesis;
pub mod logs;
pub mod s3;
pub mod sns;
pub mod sqs;

pub use batch::BatchFailures;
pub use dynamodb::DynamoDb;
pub use eventbridge::EventBridge;
pub use kafka::Kafka;
pub use kinesis::Kinesis;
pub use logs::CloudWatchLogs;
pub use s3::S3;
pub use sns::Sns;
pub use sqs::Sqs;
