//! Calls of the Fn agent.

use super::{HttpView, Reading};
use crate::http1::Message;

/// Reads a call.
pub(super) fn read(_message: &Message, _peer: &str, _view: HttpView) -> Reading {
    Reading::raw()
}
