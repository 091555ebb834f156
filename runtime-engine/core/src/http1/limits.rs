//! How much of a message is accepted. Numbers only; they are enforced where the bytes are read.

/// Limits on one message. Bytes over a limit are refused before they are stored, so a peer cannot make a reader hold
/// more than the sum of these and one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the start line and all header lines, line ends and the empty line included. Over it: 431.
    pub head_bytes: usize,
    /// Bytes of the request target as sent. Over it: 414.
    pub target_bytes: usize,
    /// Number of header lines, and of trailer lines. Over it: 431.
    pub headers: usize,
    /// Bytes of the body after its framing is undone. Over it: 413.
    pub body_bytes: u64,
    /// Bytes of the trailer section, line ends and the empty line included. Over it: 431.
    pub trailer_bytes: usize,
    /// Bytes of all chunk extensions of one body together. Over it: 400.
    pub chunk_ext_bytes: usize,
}

impl Default for Limits {
    /// Returns limits that fit every platform. They are 128 KiB of head in at most 256 lines, 16 KiB of target and 32
    /// MiB of body (the amount that Cloud Run lets through over HTTP/1.1, the largest of the platforms). For trailers
    /// and chunk extensions they are 16 KiB each.
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
