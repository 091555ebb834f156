//! The way of a streamed reply from its function to the driver: it is collected, or it passes layers' filters.
//!
//! A stream without either has no [`Detour`], and its pieces go to the driver as they come.

use faas_abi::Status;
use faas_abi::host::{Filter, Given};

/// The stations of a stream that does not go straight to the driver.
pub(super) enum Detour {
    /// The reply must go out in one piece, and these are the bytes so far.
    Collected(Vec<u8>),
    /// Each piece passes these filters, the innermost layer's first.
    Filtered(Vec<Filter>),
    /// The filters have passed their last piece: the stream takes no more.
    Ended,
    /// A filter has failed, or the call of the stream has: the bytes that have gone out are not whole.
    Broken,
}

/// Passes a piece through the filters, in order, and returns the bytes that go out in its place.
///
/// # Errors
/// The error is the first failed filter's status.
pub(super) fn pass(filters: &mut [Filter], mut piece: Given, is_last: bool) -> Result<Given, Status> {
    for filter in filters {
        // A filter that keeps everything back leaves nothing to do for those behind it, but for the end.
        if piece.as_slice().is_empty() && !is_last {
            break;
        }
        piece = filter.pass(piece.as_slice(), is_last)?;
    }
    Ok(piece)
}
