//! Events that are no HTTP requests, as arguments.
//!
//! [`Timer`], [`Queue`], [`Topic`], [`Storage`], [`Log`], [`TableChange`] and [`CloudEvent`] mean the same on every
//! platform that has such a trigger, and a function that takes one runs on all of them:
//!
//! ```
//! use handlers_sdk::events::{Queue, Timer};
//! use handlers_sdk::function;
//!
//! #[function]
//! fn nightly(timer: Timer) -> String {
//!     format!("{} is due", timer.name)
//! }
//!
//! /// One function of two triggers: the one that did not come is `None`.
//! #[function]
//! fn work(queue: Option<Queue>, timer: Option<Timer>) -> String {
//!     format!("{} messages, by the clock: {}", queue.map_or(0, |queue| queue.messages.len()), timer.is_some())
//! }
//! # fn main() {}
//! ```
//!
//! What only one platform knows is in that platform's own views: a module for each cloud, as [`aws`], and each neutral
//! trigger says in `view` which it is.
//!
//! ```
//! use handlers_sdk::events::aws;
//! use handlers_sdk::{Error, FaasContext, function};
//!
//! #[function]
//! fn jobs(ctx: FaasContext, batch: aws::Sqs) -> Result<aws::BatchFailures, Error> {
//!     let mut failures = aws::BatchFailures::new();
//!     for message in &batch.records {
//!         if message.body.is_empty() {
//!             ctx.warn(format_args!("nothing in {}", message.message_id));
//!             failures.add(&message.message_id);
//!         }
//!     }
//!     Ok(failures)
//! }
//! # fn main() {}
//! ```
//!
//! A view has the members that the service's documentation names, in snake case. It is lenient: a member that is
//! missing or `null` is empty, zero or `None`; members nobody knows are passed over; numbers may come as texts and
//! texts as numbers. Times stay what they were, texts or numbers. The bytes of the event are there beside it: take an
//! [`Event`](crate::Event) too.
//!
//! An event that is not of the view's service is refused with an error of kind `Runtime.UnmarshalError` that says what
//! was expected and what was found. What counts is what the event says of itself: the source that its records name, or
//! the members that no other event has. The same goes for one that has a member of a wrong shape, as an object for a
//! text.
//!
//! Every view also reads bytes that came some other way, as a notification of S3 in a message of SQS:
//!
//! ```
//! use handlers_sdk::events::aws;
//!
//! let inner = br#"{"Records":[{"eventSource":"aws:s3","s3":{"object":{"key":"my+file.txt"}}}]}"#;
//! let notice = aws::S3::parse(inner)?;
//! assert_eq!(notice.records[0].s3.object.decoded_key(), "my file.txt");
//! # Ok::<(), handlers_sdk::Error>(())
//! ```

// What makes an event out of bytes is `#[inline]`, down to where it is read: a reader is compiled for the functions that take
// such an event. Otherwise everybody who builds this crate would compile all readers, which is most of its time.

pub mod aliyun;
pub mod aws;
pub mod azure;
mod base64;
mod cbor;
pub mod cloudevents;
mod found;
pub mod google;
pub mod huawei;
mod lenient;
mod log_lines;
mod message;
mod neutral;
pub mod openwhisk;
mod queue;
mod storage;
mod table;
pub mod tencent;
mod timer;
mod topic;
mod view;
pub mod yandex;

pub use base64::Base64;
pub use cloudevents::{CloudEvent, CloudEventReply};
pub use log_lines::{Log, LogEntry};
pub use message::Message;
pub use queue::Queue;
pub use storage::{Storage, StorageEvent, StorageObject};
pub use table::{Change, Operation, Row, TableChange};
pub use timer::Timer;
pub use topic::Topic;
