//! Layers that pass the pieces of a streamed reply through a filter of theirs.

use handlers_sdk::testing::{Answer, App, Invoke};
use handlers_sdk::{AsyncSink, Config, Error, Layer, ReplyHead, Sink, StreamError, StreamFilter, abi, function, layer};
use std::sync::atomic::{AtomicU32, Ordering};

/// Writes its mark behind each piece and, twice, behind the last; fails or panics at a piece that says so.
struct Marks(char);

impl StreamFilter for Marks {
    fn piece(&mut self, piece: &[u8]) -> Result<Vec<u8>, Error> {
        match piece {
            b"fails" => Err(Error::new("Shop.Ink", "the ink is dry")),
            b"panics" => panic!("the ink is spilt"),
            b"kept" => Ok(Vec::new()),
            _ => Ok([piece, self.0.to_string().as_bytes()].concat()),
        }
    }

    fn end(&mut self) -> Result<Vec<u8>, Error> {
        Ok(format!("{0}{0}", self.0).into_bytes())
    }
}

fn mark(head: &mut ReplyHead<'_>, mark: char) -> Result<(), Error> {
    if !head.takes_filter() {
        return head.set_header("x-filtered", "no");
    }
    head.add_header("x-filtered", &mark.to_string())?;
    head.filter(Marks(mark))
}

#[derive(Default)]
struct Outer;

#[layer(name = "outer", order = 1)]
impl Layer for Outer {
    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        mark(head, 'o')
    }
}

struct Inner;

#[layer(name = "inner", order = 2)]
impl Layer for Inner {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Inner)
    }

    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        mark(head, 'i')
    }
}

/// Streams the words of the path, and fails at the word `fail`.
#[function(stream)]
async fn words(mut out: AsyncSink, request: handlers_sdk::Request) -> Result<(), Error> {
    out.begin()?;
    for word in request.path().trim_start_matches('/').split('/').filter(|word| !word.is_empty()) {
        match word {
            "fail" => return Err(Error::new("Shop.Closed", "come back")),
            _ => out.write(word.as_bytes()).await?,
        }
    }
    Ok(())
}

/// Takes no notice of an error of its stream.
#[function(stream)]
fn deaf(mut out: Sink) -> Result<(), Error> {
    let first = out.write(b"fails");
    assert_eq!(first, Err(StreamError::Refused(abi::E_INTERNAL)));
    assert_eq!(out.write(b"more"), Err(StreamError::Refused(abi::E_INTERNAL)));
    Ok(())
}

#[function]
fn whole() -> &'static str {
    "whole"
}

fn app(function: &'static abi::Module) -> App {
    let layers = App::builder().module(Outer::MODULE).module(Inner::MODULE);
    layers.module(function).start().expect("starts")
}

fn chunks(answer: &Answer) -> Vec<&str> {
    let chunks = answer.chunks.as_ref().expect("a stream");
    chunks.iter().map(|chunk| std::str::from_utf8(chunk).expect("a text")).collect()
}

#[test]
fn a_piece_passes_the_innermost_filter_first_and_their_ends_follow_in_that_order() {
    let app = app(words::MODULE);
    let answer = app.invoke(Invoke::http("GET", "/a/b"));
    assert_eq!(chunks(&answer), ["aio", "bio", "iiooo"]);
    let filtered: Vec<&str> = answer.headers.iter().map(|(_, value)| value.as_str()).collect();
    assert_eq!((filtered.as_slice(), &answer.failed), (&["i", "o"][..], &None));
    assert_eq!(chunks(&app.invoke(Invoke::http("GET", "/"))), ["iiooo"], "a stream without a piece has its end");
    assert_eq!(chunks(&app.invoke(Invoke::http("GET", "/a/b").slow_peer())), ["aio", "bio", "iiooo"]);
    assert_eq!(chunks(&app.invoke(Invoke::http("GET", "/kept/a"))), ["aio", "iiooo"], "nothing goes out for nothing");
}

#[test]
fn a_filter_sees_no_end_of_a_stream_that_its_function_breaks() {
    let answer = app(words::MODULE).invoke(Invoke::http("GET", "/a/fail"));
    assert_eq!(chunks(&answer), ["aio"]);
    assert_eq!(answer.failed.map(|failed| failed.kind).as_deref(), Some("Shop.Closed"));
}

#[test]
fn a_filter_that_fails_or_panics_breaks_the_stream_and_says_why() {
    for (path, words) in [("/a/fails/b", "Shop.Ink: the ink is dry"), ("/a/panics/b", "Panic: the ink is spilt")] {
        let answer = app(words::MODULE).invoke(Invoke::http("GET", path));
        assert_eq!(chunks(&answer), ["aio"], "{path}");
        assert!(answer.failed.is_some(), "{path}");
        let line = answer.logs.iter().find(|line| line.message.contains(words));
        assert_eq!(line.map(|line| line.target.as_str()), Some("inner"), "{path}: {:?}", answer.logs);
    }
}

#[test]
fn a_function_that_takes_no_notice_of_a_failed_filter_fails_all_the_same() {
    let answer = app(deaf::MODULE).invoke(Invoke::http("GET", "/"));
    assert_eq!(chunks(&answer), [""; 0]);
    let failed = answer.failed.expect("the stream is broken");
    assert_eq!((failed.kind.as_str(), failed.status), ("Runtime.Filter", abi::E_INTERNAL));
}

#[test]
fn a_reply_in_one_piece_takes_no_filter() {
    let answer = app(whole::MODULE).invoke(Invoke::http("GET", "/"));
    assert_eq!((answer.text().as_str(), answer.header("x-filtered")), ("whole", Some("no")));
    // Over this platform's pipe every reply is in one piece.
    let layers = App::builder().on("openwhisk").module(Outer::MODULE).module(words::MODULE);
    let answer = layers
        .start()
        .expect("starts")
        .invoke(Invoke::event(r#"{"__ow_method":"get","__ow_path":"/a/b","__ow_headers":{}}"#));
    assert_eq!((answer.chunks.as_ref(), answer.text().as_str(), answer.header("x-filtered")), (None, "ab", Some("no")));
}

/// A filter that counts how many of its kind are alive, and changes nothing.
struct Counted;

static ALIVE: AtomicU32 = AtomicU32::new(0);

impl StreamFilter for Counted {
    fn piece(&mut self, piece: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(piece.to_vec())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Default)]
struct Counts;

#[layer(name = "counts", order = 3)]
impl Layer for Counts {
    fn head(&self, head: &mut ReplyHead<'_>) -> Result<(), Error> {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        head.filter(Counted)
    }
}

#[test]
fn every_filter_is_dropped_once_however_its_stream_ends() {
    let layers = App::builder().module(Outer::MODULE).module(Inner::MODULE).module(Counts::MODULE);
    let app = layers.module(words::MODULE).start().expect("starts");
    for path in ["/a", "/a/fail", "/a/fails", "/panics", ""] {
        app.invoke(Invoke::http("GET", path));
        assert_eq!(ALIVE.load(Ordering::Relaxed), 0, "{path}");
    }
    assert!(app.invoke(Invoke::http("GET", "/a/b/c").peer_gone_after(1)).failed.is_some());
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0, "the peer is gone");
}
