//! The arguments of OpenWhisk actions.

use super::{HttpView, Reading};

/// Reads arguments.
pub(super) fn read(_event: &[u8], _view: HttpView) -> Reading {
    Reading::raw()
}
