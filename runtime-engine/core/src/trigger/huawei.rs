//! Events of Huawei FunctionGraph.

use super::{HttpView, Reading};
use crate::json::Value;

/// A reading if the event is one of these. `view` is an old view whose memory is used again; it is taken only then.
pub(super) fn recognise(_bytes: &[u8], _value: Value<'_>, _view: &mut HttpView) -> Option<Reading> {
    None
}
