//! Replies of Azure custom handlers.

use super::Parts;

/// Writes the reply.
pub(super) fn write(parts: Parts<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(parts.body);
}
