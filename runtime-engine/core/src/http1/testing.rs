//! Test support: what a reader makes of some bytes, the same however they are cut.

use super::{Eof, Limits, ReadProgress, Reader, Refusal, Version};

/// A message in owned form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) method: String,
    pub(super) target: String,
    pub(super) host: Option<String>,
    pub(super) version: Version,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<(String, String)>,
    pub(super) keep_alive: bool,
    pub(super) expects_continue: bool,
}

/// All messages, and the result of `eof` or an earlier refusal.
pub(super) type Outcome = (Vec<Seen>, Result<Eof, Refusal>);

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

fn pairs(headers: super::Headers<'_>) -> Vec<(String, String)> {
    headers.map(|(name, value)| (text(name), text(value))).collect()
}

/// Feeds `parts` one after the other, then the end of the connection. Returns the messages and the end.
pub(super) fn feed<'p>(mut reader: Reader, parts: impl IntoIterator<Item = &'p [u8]>) -> Outcome {
    let mut seen = Vec::new();
    for mut part in parts {
        loop {
            match drain(&mut reader, &mut seen) {
                Ok(()) if part.is_empty() => break,
                Ok(()) => {}
                Err(refusal) => return (seen, Err(refusal)),
            }
            let space = reader.space(part.len());
            let n = space.len().min(part.len());
            space[..n].copy_from_slice(&part[..n]);
            reader.filled(n);
            part = &part[n..];
        }
    }
    let end = reader.eof();
    if end == Ok(Eof::Complete)
        && let Err(refusal) = drain(&mut reader, &mut seen)
    {
        return (seen, Err(refusal));
    }
    (seen, end)
}

/// Takes every message that is there.
fn drain(reader: &mut Reader, seen: &mut Vec<Seen>) -> Result<(), Refusal> {
    let mut heads = 0;
    loop {
        match reader.poll()? {
            ReadProgress::More => return Ok(()),
            ReadProgress::Head => {
                heads += 1;
                assert_eq!(heads, 1, "a head is reported once");
                assert!(reader.head().is_some());
            }
            ReadProgress::Complete => {
                heads = 0;
                let message = reader.take().expect("a complete message");
                seen.push(Seen {
                    status: message.status(),
                    method: text(message.method()),
                    target: text(message.target()),
                    host: message.host().map(text),
                    version: message.version(),
                    headers: pairs(message.headers()),
                    body: message.body().to_vec(),
                    trailers: pairs(message.trailers()),
                    keep_alive: message.keep_alive(),
                    expects_continue: message.expects_continue(),
                });
                reader.recycle(message);
            }
        }
    }
}

/// Feeds `input` whole, byte by byte, and cut in two everywhere. Asserts that each way comes to the same, and returns
/// that.
pub(super) fn every_way(reader: impl Fn() -> Reader, input: &[u8]) -> Outcome {
    let whole = feed(reader(), [input]);
    assert_eq!(feed(reader(), input.chunks(1)), whole, "byte by byte: {}", input.escape_ascii());
    for cut in 1..input.len() {
        let (front, back) = input.split_at(cut);
        assert_eq!(feed(reader(), [front, back]), whole, "cut at {cut}: {}", input.escape_ascii());
    }
    whole
}

pub(super) fn requests(input: impl AsRef<[u8]>) -> Outcome {
    every_way(|| Reader::request(Limits::default()), input.as_ref())
}

pub(super) fn responses(input: impl AsRef<[u8]>) -> Outcome {
    every_way(|| Reader::response(Limits::default()), input.as_ref())
}

/// Returns the one request in `input`, on a connection that then ends.
pub(super) fn request(input: impl AsRef<[u8]>) -> Seen {
    only(requests(input))
}

/// Returns the one response in `input`.
pub(super) fn response(input: impl AsRef<[u8]>) -> Seen {
    only(responses(input))
}

fn only((mut seen, end): Outcome) -> Seen {
    assert!(end.is_ok(), "{end:?} after {seen:?}");
    assert_eq!(seen.len(), 1);
    seen.remove(0)
}

/// Returns the reason why the first request in `input` is refused.
pub(super) fn refused_request(input: impl AsRef<[u8]>) -> Refusal {
    let input = input.as_ref();
    let (seen, end) = requests(input);
    assert_eq!(seen, [], "accepted: {}", input.escape_ascii());
    end.expect_err("a refusal")
}

/// Returns the reason why the first response in `input` is refused.
pub(super) fn refused_response(input: impl AsRef<[u8]>) -> Refusal {
    let input = input.as_ref();
    let (seen, end) = responses(input);
    assert_eq!(seen, [], "accepted: {}", input.escape_ascii());
    end.expect_err("a refusal")
}
