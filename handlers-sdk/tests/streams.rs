//! Replies written piece by piece, and bodies read so.
#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "tests")]

use futures_core::Stream;
use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{
    AsyncSink, BodyReader, Error, FaasContext, Sink, Sse, SseEvent, StreamError, StreamReply, function,
};
use std::io::{Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

fn count(ctx: &FaasContext) -> usize {
    core::str::from_utf8(ctx.event()).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[function(stream)]
fn lines(ctx: FaasContext, mut out: Sink) -> Result<(), StreamError> {
    out.status(206)?.header("content-type", "text/plain")?.cookie("a=b")?;
    for line in 0..count(&ctx) {
        out.write(format!("{line}\n").as_bytes())?;
        assert_eq!(ctx.request_id(), "test-request", "reads go on beside the stream");
    }
    Ok(())
}

#[function(stream)]
async fn lines_async(ctx: FaasContext, mut out: AsyncSink) -> Result<(), StreamError> {
    for line in 0..count(&ctx) {
        out.send(format!("{line}\n").into_bytes()).await?;
    }
    Ok(())
}

#[function(stream)]
fn breaks(mut out: Sink) -> Result<(), Error> {
    write!(out, "half")?;
    assert_eq!(out.status(500).err(), Some(StreamError::Begun));
    Err(Error::new("Tape.Torn", "in the middle").with_status(503))
}

#[function(stream)]
fn refuses(_out: Sink) -> Result<(), Error> {
    Err(Error::new("Tape.None", "nothing to play").with_status(404))
}

#[function]
fn forgot_the_word(_out: Sink) {}

#[test]
fn a_stream_has_status_headers_and_chunks() {
    let answer = Invoke::event("3").run(lines::MODULE);
    assert_eq!(answer.failed, None);
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    assert_eq!(answer.cookies, ["a=b"]);
    assert_eq!(answer.chunks.expect("a stream"), [b"0\n", b"1\n", b"2\n"]);
}

#[test]
fn a_stream_never_begun_is_an_empty_one() {
    for module in [lines::MODULE, lines_async::MODULE] {
        let answer = Invoke::event("0").run(module);
        assert_eq!(answer.failed, None);
        assert_eq!((answer.status(), answer.chunks), (200, Some(Vec::new())));
    }
}

#[test]
fn a_slow_peer_is_waited_for() {
    for module in [lines::MODULE, lines_async::MODULE] {
        let app = App::builder().module(module).start().expect("starts");
        let answer = app.invoke(Invoke::event("50").slow_peer());
        assert_eq!(answer.failed, None);
        assert_eq!(answer.chunks.expect("a stream").len(), 50);
    }
}

#[test]
fn a_peer_that_is_gone_is_an_error_the_author_sees() {
    for module in [lines::MODULE, lines_async::MODULE] {
        let answer = Invoke::event("50").peer_gone_after(2).run(module);
        let failed = answer.failed.expect("fails");
        assert_eq!(failed.kind, "StreamError");
        assert_eq!(failed.message, StreamError::PeerGone.to_string());
        assert_eq!(answer.chunks.expect("a stream").len(), 2);
    }
}

#[test]
fn a_cancel_ends_the_wait_for_a_peer_that_is_stuck() {
    for module in [lines::MODULE, lines_async::MODULE] {
        let answer = Invoke::event("50").stuck_and_cancelled_after(3).run(module);
        let failed = answer.failed.expect("fails");
        assert!(matches!(failed.kind.as_str(), "StreamError" | "Function.TimedOut"), "{}", failed.kind);
        assert_eq!(answer.chunks.expect("a stream").len(), 3);
    }
}

#[test]
fn an_error_after_the_head_is_a_failure_even_with_a_status() {
    let answer = Invoke::http("GET", "/").run(breaks::MODULE);
    assert_eq!(answer.failed.expect("fails").kind, "Tape.Torn");
    assert_eq!(answer.chunks.expect("a stream").concat(), b"half");
}

#[test]
fn an_error_before_the_head_is_a_reply_like_any() {
    let answer = Invoke::http("GET", "/").run(refuses::MODULE);
    assert_eq!((answer.status(), answer.chunks), (404, None));
}

#[function(blocking)]
fn begins_and_goes_on(mut body: BodyReader) -> Result<String, Error> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (mut begun, mut end) = ([0; 2], String::new());
    body.read_exact(&mut begun)?;
    let rest = body.next_part().ok_or_else(|| Error::new("Test.Short", "the part has a third byte"))??;
    body.read_to_string(&mut end)?;
    Ok(format!("{}, {}, {end}", text(&begun), text(&rest)))
}

#[test]
fn the_rest_of_a_part_that_was_begun_comes_before_the_next_part() {
    let upload = Invoke::http("POST", "/").body_in_parts(["abc", "de"]);
    assert_eq!(upload.run(begins_and_goes_on::MODULE).text(), "ab, c, de");
}

#[test]
fn a_sink_without_the_word_stream_says_what_is_missing() {
    let failed = Invoke::event("").run(forgot_the_word::MODULE).failed.expect("fails");
    assert!(failed.message.contains("#[function(stream)]"), "{}", failed.message);
}

/// A stream of numbers, each after a wait.
struct Numbers {
    next: u8,
    waited: bool,
}

impl Numbers {
    fn new() -> Numbers {
        Numbers { next: 0, waited: false }
    }
}

impl Stream for Numbers {
    type Item = Result<String, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waited = !self.waited;
        if self.waited {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.next += 1;
        Poll::Ready(match self.next {
            1 | 2 => Some(Ok(self.next.to_string())),
            3 => Some(Err(Error::new("Numbers.Out", "no more"))),
            _ => None,
        })
    }
}

/// A stream of the first numbers as events.
struct News(Numbers);

impl Stream for News {
    type Item = Result<SseEvent, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let number = std::task::ready!(Pin::new(&mut self.0).poll_next(context));
        Poll::Ready(number.and_then(Result::ok).map(|number| Ok(SseEvent::new(number).id("7"))))
    }
}

#[function(stream)]
async fn numbers() -> StreamReply<impl Stream<Item = Result<String, Error>>> {
    StreamReply::new(Numbers::new()).status(202).header("content-type", "text/plain")
}

#[function(stream)]
async fn news(ctx: FaasContext) -> Result<Sse<News>, (u16, &'static str)> {
    if ctx.event().is_empty() { Err((404, "no news")) } else { Ok(Sse::new(News(Numbers::new()))) }
}

#[test]
fn a_stream_of_ones_own_is_written_until_it_ends_or_fails() {
    let answer = Invoke::event("").run(numbers::MODULE);
    assert_eq!((answer.code, answer.header("content-type")), (202, Some("text/plain")));
    assert_eq!(answer.chunks.as_deref(), Some(&[b"1".to_vec(), b"2".to_vec()][..]));
    assert_eq!(answer.failed.expect("it fails in the middle").kind, "Numbers.Out");
    let answer = Invoke::http("GET", "/").body("x").run(news::MODULE);
    assert_eq!(answer.failed, None);
    assert_eq!(
        (answer.header("content-type"), answer.header("cache-control")),
        (Some("text/event-stream"), Some("no-cache"))
    );
    assert_eq!(answer.chunks.expect("a stream").concat(), b"id: 7\ndata: 1\n\nid: 7\ndata: 2\n\n");
}

#[test]
fn a_stream_that_cannot_begin_is_an_answer_with_a_status() {
    let answer = Invoke::http("GET", "/").run(news::MODULE);
    assert_eq!((answer.status(), answer.chunks.is_none()), (404, true));
}

#[test]
fn a_peer_that_is_gone_ends_a_stream_of_ones_own() {
    let answer = Invoke::event("x").peer_gone_after(1).run(news::MODULE);
    assert_eq!(answer.failed.expect("the peer is gone").kind, "StreamError");
}
