//! The envelope that the Azure Functions host sends.

use super::{HttpView, Reading};
use crate::http1::Message;

/// Reads an envelope.
pub(super) fn read(_message: &Message, _view: HttpView) -> Reading {
    Reading::raw()
}
