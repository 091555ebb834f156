//! [`Message`]: one message of any queue, stream or topic.

use super::Base64;
use crate::error::Error;
use std::collections::BTreeMap;

/// A message of a [`Queue`](super::Queue) or a [`Topic`](super::Topic).
///
/// ```
/// # use handlers_sdk::{Error, function, testing::Invoke};
/// use handlers_sdk::events::{Message, Queue};
///
/// fn order(message: &Message) -> Result<u32, Error> {
///     handlers_sdk::info!({ attempt = message.attempt }, "an order from {}", message.source);
///     message.json()
/// }
///
/// #[function]
/// fn orders(queue: Queue) -> Result<String, Error> {
///     Ok(format!("{:?}", queue.messages.iter().map(order).collect::<Result<Vec<_>, _>>()?))
/// }
///
/// assert_eq!(Invoke::records([("m1", "7"), ("m2", "8")]).run(orders::MODULE).text(), "[7, 8]");
/// let failed = Invoke::records([("m3", "nine")]).run(orders::MODULE).failed.expect("it is no number");
/// assert!(failed.message.starts_with(r#"the message "m3" does not fit"#));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The id of the message; for a stream, its place. It is empty if the platform does not say it.
    pub id: String,
    /// The bytes that were sent, with the platform's coding undone.
    pub body: Vec<u8>,
    /// The attributes that the sender gave it: texts as they are, numbers as their text, bytes as base64.
    pub attributes: BTreeMap<String, String>,
    /// The number of times that the message was delivered, this time included. It is 0 if the platform does not say it.
    pub attempt: u64,
    /// The group, session, or partition whose messages come in order. It is `None` if there is no such order.
    pub group: Option<String>,
    /// The key that it was sent with. It is `None` if it has no key.
    pub key: Option<Vec<u8>>,
    /// The queue, stream or topic, as the platform names it.
    pub source: String,
}

impl Message {
    /// Returns the body as text.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if it is no UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        core::str::from_utf8(&self.body).map_err(|error| self.unfit(&error.to_string()))
    }

    /// Returns the body, which is JSON, as a type of yours.
    ///
    /// # Errors
    /// It is `Runtime.UnmarshalError` if it is no JSON, or has another shape. The error names the message's id.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|error| self.unfit(&error.to_string()))
    }

    fn unfit(&self, why: &str) -> Error {
        Error::new("Runtime.UnmarshalError", format!("the message {:?} does not fit: {why}", self.id)).with_status(400)
    }
}

/// Returns the attributes of a message of SQS or of a queue that copies it: a text, or bytes.
pub(super) fn attribute(text: Option<String>, bytes: Option<Base64>) -> String {
    text.or_else(|| bytes.map(|bytes| bytes.as_str().to_owned())).unwrap_or_default()
}
