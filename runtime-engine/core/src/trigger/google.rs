//! Legacy events of Google Cloud.

use super::Reading;
use crate::json::Value;

/// A reading if the event is one of these.
pub(super) fn recognise(_bytes: &[u8], _value: Value<'_>) -> Option<Reading> {
    None
}
