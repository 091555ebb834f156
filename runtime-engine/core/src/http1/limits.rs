//! The limits to the size of a message. These are only the numbers; they are enforced where the bytes are read.

/// Limits on one message. Bytes over a limit are refused before they are stored, so a peer cannot make a reader hold
/// more than the sum of these and one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of the start line and all header lines, line ends and the empty line included. A larger head is
    /// refused with 431.
    pub head_bytes: usize,
    /// The bytes of the request target as sent. A longer one is refused with 414.
    pub target_bytes: usize,
    /// The number of header lines, and of trailer lines. More are refused with 431.
    pub headers: usize,
    /// The bytes of the body after its framing is undone. A larger one is refused with 413.
    pub body_bytes: u64,
    /// The bytes of the trailer section, line ends and the empty line included. A larger one is refused with 431.
    pub trailer_bytes: usize,
    /// The bytes of all chunk extensions of one body together. More are refused with 400.
    pub chunk_ext_bytes: usize,
}

impl Default for Limits {
    /// Returns limits that fit every platform. They are 128 KiB of head in at most 256 lines, 16 KiB of target and 32
    /// MiB of body. Cloud Run lets that much through over HTTP/1.1, the most of all platforms. For trailers and chunk
    /// extensions they are 16 KiB each.
    fn default() -> Self {
        Limits {
            head_bytes: 128 << 10,
            target_bytes: 16 << 10,
            headers: 256,
            body_bytes: 32 << 20,
            trailer_bytes: 16 << 10,
            chunk_ext_bytes: 16 << 10,
        }
    }
}
