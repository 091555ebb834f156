//! CloudEvents 1.0 over HTTP and as JSON.

use super::Reading;
use crate::http1::Message;
use crate::json::Value;

/// A reading if the event is a CloudEvent in JSON.
pub(super) fn recognise(_bytes: &[u8], _value: Value<'_>) -> Option<Reading> {
    None
}

/// Reads a CloudEvent that came over HTTP, in the mode that its content type says.
pub(super) fn of_message(_message: &Message) -> Reading {
    Reading::raw()
}
