//! A reply in pieces, by a plain function, `stream`, and by an async one, `stream_async`:
//! `{"chunks":3,"bytes":16,"pause_ms":10,"fail_after":2}`, or over HTTP `/?chunks=3&bytes=16`.
//!
//! Each chunk is a line of `bytes` bytes, its number in front, line break included. `fail_after` ends the stream with
//! an error once so many chunks are out.
#![forbid(unsafe_code)]

use handlers_sdk::{AsyncSink, Error, FaasContext, Sink, function};
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize)]
#[serde(default)]
struct Wish {
    chunks: u64,
    bytes: u64,
    pause_ms: u64,
    fail_after: Option<u64>,
}

impl Default for Wish {
    fn default() -> Wish {
        Wish { chunks: 3, bytes: 16, pause_ms: 0, fail_after: None }
    }
}

impl Wish {
    fn of(ctx: &FaasContext) -> Wish {
        let Some(http) = ctx.http().filter(|http| !http.raw_query().is_empty()) else {
            return serde_json::from_slice(ctx.body()).unwrap_or_default();
        };
        let number = |name| http.query(name).and_then(|text| text.parse::<u64>().ok());
        let usual = Wish::default();
        Wish {
            chunks: number("chunks").unwrap_or(usual.chunks),
            bytes: number("bytes").unwrap_or(usual.bytes),
            pause_ms: number("pause_ms").unwrap_or(usual.pause_ms),
            fail_after: number("fail_after"),
        }
    }
}

fn line(number: u64, bytes: u64) -> Vec<u8> {
    let mut line = number.to_string().into_bytes();
    line.resize(usize::try_from(bytes).unwrap_or(16).max(line.len() + 1) - 1, b'.');
    line.push(b'\n');
    line
}

/// Writes lines, and waits between them as long as it is asked to.
#[function(stream)]
pub fn stream(ctx: FaasContext, mut out: Sink) -> Result<(), Error> {
    let wish = Wish::of(&ctx);
    out.header("content-type", "text/plain; charset=utf-8")?.begin()?;
    for number in 0..wish.chunks {
        if wish.fail_after == Some(number) {
            return Err(Error::new("Stream.Torn", format!("asked to fail after {number} chunks")));
        }
        if number > 0 && wish.pause_ms > 0 {
            // A wake-up for nothing only shortens one pause.
            std::thread::park_timeout(Duration::from_millis(wish.pause_ms));
        }
        out.send(line(number, wish.bytes))?;
    }
    Ok(())
}

/// Writes lines without a pause, and leaves its thread while its client is slow.
#[function(stream)]
pub async fn stream_async(ctx: FaasContext, mut out: AsyncSink) -> Result<(), Error> {
    let wish = Wish::of(&ctx);
    out.header("content-type", "text/plain; charset=utf-8")?.begin()?;
    for number in 0..wish.chunks {
        out.send(line(number, wish.bytes)).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{stream, stream_async};
    use handlers_sdk::testing::Invoke;

    #[test]
    fn lines_come_as_they_are_asked_for() {
        let answer = Invoke::event(r#"{"chunks":2,"bytes":4}"#).run(stream::MODULE);
        assert_eq!(answer.chunks.as_deref(), Some(&[b"0..\n".to_vec(), b"1..\n".to_vec()][..]));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        for module in [stream::MODULE, stream_async::MODULE] {
            assert_eq!(Invoke::http("GET", "/?chunks=100&bytes=1").run(module).body.len(), 10 * 2 + 90 * 3);
        }
    }

    #[test]
    fn it_fails_in_the_middle() {
        let answer = Invoke::event(r#"{"fail_after":1}"#).run(stream::MODULE);
        assert_eq!(answer.failed.expect("fails").kind, "Stream.Torn");
        assert_eq!(answer.chunks.expect("a stream").len(), 1);
    }
}
