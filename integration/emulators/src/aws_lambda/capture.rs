//! The messages of the runtime, as the tests see them: posts with the status they got, error reports, framed log
//! records. There are only data here, and their parsing.

use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use super::state::Post;

/// One POST to `/response` or `/error`, whether it was accepted or not.
#[derive(Clone, Debug)]
pub struct Posted {
    /// The call that it was.
    pub post: Post,
    /// The request id in its path.
    pub request_id: String,
    /// The time at which its head was read.
    pub at: Instant,
    /// The status it was answered with; `None` while unanswered, and for ever when its connection was cut.
    pub status: Option<u16>,
    /// The number of bytes of its body.
    pub size: usize,
}

impl Posted {
    /// Returns `true` if it was answered 202.
    pub fn accepted(&self) -> bool {
        self.status == Some(202)
    }
}

/// The account of one request id.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The request id.
    pub request_id: String,
    /// The times at which the event was handed to a poll. More than one is a redelivery.
    pub deliveries: Vec<Instant>,
    /// Every answer that named it, in order.
    pub posts: Vec<Posted>,
}

impl Record {
    /// Returns the number of answers that were accepted; exactly one in a healthy run.
    pub fn accepted(&self) -> usize {
        self.posts.iter().filter(|post| post.accepted()).count()
    }

    /// Returns the number of answers that were refused or cut.
    pub fn refused(&self) -> usize {
        self.posts.len() - self.accepted()
    }
}

/// A report of `/init/error` or `/restore/error`, or the `/error` of an invocation, as received.
#[derive(Clone, Debug)]
pub struct Report {
    /// The time at which it was read.
    pub at: Instant,
    /// The status that it was answered with.
    pub status: u16,
    /// The error-type header as it was sent.
    pub sent_type: Option<String>,
    /// The error type the platform keeps.
    pub error_type: String,
    /// The content type, relabelled where the platform does so.
    pub content_type: String,
    /// The X-Ray cause as it is kept.
    pub xray_cause: Option<String>,
    /// The header fields as they were received.
    pub headers: Vec<(String, String)>,
    /// The body as it was received.
    pub body: Bytes,
}

/// Severity of a framed log record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    None,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// One record of the framed log descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The severity in the header.
    pub level: Level,
    /// `true` for text, `false` for JSON.
    pub text: bool,
    /// The time in microseconds since 1970.
    pub micros: u64,
    /// The bytes of the message.
    pub message: Vec<u8>,
}

/// The reason why bytes on the log descriptor are not frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The type word is not a known one.
    UnknownType {
        /// The offset of the frame.
        at: usize,
        /// The type word that was there.
        found: u32,
    },
    /// The bytes end inside a header or a message.
    CutShort {
        /// The offset of the frame.
        at: usize,
        /// The number of bytes that the frame needs.
        expected: usize,
        /// The number of bytes that are there.
        found: usize,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FrameError::UnknownType { at, found } => {
                write!(f, "frame at byte {at}: type 0x{found:08X}, expected 0xA55A0002 to 0xA55A001B")
            }
            FrameError::CutShort { at, expected, found } => {
                write!(f, "frame at byte {at}: {expected} bytes expected, {found} there")
            }
        }
    }
}

impl std::error::Error for FrameError {}

const HEADER: usize = 16;
const MAGIC: u32 = 0xA55A_0000;

/// Splits the bytes of a log descriptor into records. The header is big-endian: the type as u32, the length of the
/// message alone as u32, and the microseconds since 1970 as u64. The type is
/// `0xA55A0000 | level << 2 | 2 (a time is there) | 1 (text)`.
///
/// # Errors
/// Names the first frame that is not one.
pub fn frames(bytes: &[u8]) -> Result<Vec<Frame>, FrameError> {
    let mut frames = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let Some((header, rest)) = rest.split_first_chunk::<HEADER>() else {
            return Err(FrameError::CutShort { at, expected: HEADER, found: rest.len() });
        };
        let word =
            |from: usize| u32::from_be_bytes([header[from], header[from + 1], header[from + 2], header[from + 3]]);
        let found = word(0);
        let level = match found >> 2 & 0x3fff {
            0 => Level::None,
            1 => Level::Trace,
            2 => Level::Debug,
            3 => Level::Info,
            4 => Level::Warn,
            5 => Level::Error,
            6 => Level::Fatal,
            _ => return Err(FrameError::UnknownType { at, found }),
        };
        if found & 0xffff_0000 != MAGIC || found & 2 == 0 {
            return Err(FrameError::UnknownType { at, found });
        }
        let length = word(4) as usize;
        let Some(message) = rest.get(..length) else {
            return Err(FrameError::CutShort { at, expected: HEADER + length, found: HEADER + rest.len() });
        };
        let micros = u64::from(word(8)) << 32 | u64::from(word(12));
        frames.push(Frame { level, text: found & 1 == 1, micros, message: message.to_vec() });
        at += HEADER + length;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u32, message: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend(u32::try_from(message.len()).expect("it is short").to_be_bytes());
        bytes.extend(1_790_000_000_000_001u64.to_be_bytes());
        bytes.extend(message);
        bytes
    }

    #[test]
    fn the_known_types_are_told_apart() {
        let bytes = [frame(0xA55A_0003, b"plain"), frame(0xA55A_000F, b"info"), frame(0xA55A_0016, b"{}")].concat();
        let frames = frames(&bytes).expect("three frames");
        let heads: Vec<_> = frames.iter().map(|frame| (frame.level, frame.text)).collect();
        assert_eq!(heads, [(Level::None, true), (Level::Info, true), (Level::Error, false)]);
        assert_eq!(frames[1].message, b"info");
        assert_eq!(frames[2].micros, 1_790_000_000_000_001);
    }

    #[test]
    fn bytes_that_are_not_frames_are_named_with_their_place() {
        let mut bytes = frame(0xA55A_0003, b"plain");
        bytes.extend(frame(0xA55A_0001, b"no time"));
        assert_eq!(frames(&bytes), Err(FrameError::UnknownType { at: 21, found: 0xA55A_0001 }));
        let cut = frame(0xA55A_0003, b"plain");
        assert_eq!(frames(&cut[..18]), Err(FrameError::CutShort { at: 0, expected: 21, found: 18 }));
        assert_eq!(frames(&cut[..5]), Err(FrameError::CutShort { at: 0, expected: 16, found: 5 }));
        assert!(frames(&frame(0xA55A_001F, b"")).is_err());
    }
}
