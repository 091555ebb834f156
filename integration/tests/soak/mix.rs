//! The orders of each round, and their expected outcomes. A round is the same every time.

use integration::faulty;

/// The expected outcome of an event.
pub(crate) enum Outcome {
    /// A reply with this body.
    Reply(Body),
    /// An error of this kind.
    Error(&'static str),
    /// Seven million bytes, or the platform's refusal of them.
    TooLarge,
    /// A stream of this number of bytes.
    Stream(usize),
    /// A stream that breaks after this number of bytes.
    BrokenStream(usize),
}

/// The body of a reply.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// The text `"fine"`.
    Fine,
    /// A JSON text of this number of bytes.
    Text(usize),
}

impl Outcome {
    /// Returns `true` if these are the bytes.
    pub(crate) fn is_body(&self, body: &Body, bytes: &[u8]) -> bool {
        match body {
            Body::Fine => bytes == b"\"fine\"",
            Body::Text(size) => bytes.len() == *size && bytes.first() == Some(&b'"') && bytes.last() == Some(&b'"'),
        }
    }
}

/// An event and its outcome.
pub(crate) struct Mix {
    pub(crate) event: String,
    pub(crate) outcome: Outcome,
}

/// Returns the event of a round for the function `faulty`. In a hundred rounds there are two errors, two panics, 38
/// replies of up to 64 KiB, and 58 events of up to 4 KiB. In a thousand there are a reply of five million bytes, one of
/// seven million, and an event of 1 MiB.
pub(crate) fn replies(at: usize) -> Mix {
    // Neighbours differ, and each round is the same every time.
    let spread = at.wrapping_mul(0x9e37_79b9) >> 3;
    let mix = |event: String, outcome| Mix { event, outcome };
    match (at % 1000, at % 100) {
        (101, _) => mix(faulty::FIVE_MB.to_owned(), Outcome::Reply(Body::Text(5_000_000))),
        (102, _) => mix(faulty::SEVEN_MB.to_owned(), Outcome::TooLarge),
        (103, _) => mix(padded(1 << 20), Outcome::Reply(Body::Fine)),
        (_, 13 | 63) => mix(faulty::ERROR.to_owned(), Outcome::Error("Faulty.Error")),
        (_, 37 | 87) => mix(faulty::PANIC.to_owned(), Outcome::Error("Panic")),
        (_, 60..) => {
            let size = 2 + spread % (64 << 10);
            mix(format!(r#"{{"do":"reply","bytes":{size}}}"#), Outcome::Reply(Body::Text(size)))
        }
        _ => mix(padded(spread % 4096), Outcome::Reply(Body::Fine)),
    }
}

fn padded(size: usize) -> String {
    format!(r#"{{"do":"nothing","pad":"{}"}}"#, "p".repeat(size))
}

/// Returns the event of a round for the function `stream`: up to 20 chunks of up to 8 KiB; one in ten breaks.
pub(crate) fn streams(at: usize) -> Mix {
    let spread = at.wrapping_mul(0x9e37_79b9) >> 3;
    // A chunk begins with its number, so that it has three bytes at least.
    let (chunks, bytes) = (1 + spread % 20, 3 + spread % (8 << 10));
    if at % 10 == 7 {
        let after = chunks / 2;
        let event = format!(r#"{{"chunks":{chunks},"bytes":{bytes},"fail_after":{after}}}"#);
        return Mix { event, outcome: Outcome::BrokenStream(after * bytes) };
    }
    Mix { event: format!(r#"{{"chunks":{chunks},"bytes":{bytes}}}"#), outcome: Outcome::Stream(chunks * bytes) }
}
