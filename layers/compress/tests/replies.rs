//! The replies that are compressed and those that are left alone, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use flate2::read::GzDecoder;
use handlers_sdk::testing::{Answer, App, Invoke, samples};
use handlers_sdk::{Error, FaasContext, Reply, Request, Response, Sink, function};
use layer_compress::Compress;
use std::io::Read;

const LONG: usize = 4000;

/// Returns the reply that the path chooses.
#[function]
fn shop(request: Request) -> Result<Response, Error> {
    let body = "compress me ".repeat(LONG / 12);
    let reply = Response::text(body.clone());
    Ok(match request.path() {
        "/etag" => reply.header("etag", "\"v1\"").header("content-digest", "sha-256=:x:").header("vary", "Origin"),
        "/weak" => reply.header("etag", "W/\"v1\"").header("vary", "origin, ACCEPT-ENCODING"),
        "/coded" => reply.header("content-encoding", "br"),
        "/fixed" => reply.header("cache-control", "public, No-Transform"),
        "/partial" => reply.status(206).header("content-range", "bytes 0-1/2"),
        "/empty" => Response::new(204),
        "/short" => Response::text("short"),
        "/json" => Response::new(201).header("content-type", "application/problem+json; charset=utf-8").body(body),
        "/image" => Response::new(200).header("content-type", "image/png").body(body),
        "/bmp" => Response::new(200).header("content-type", "Image/BMP").body(body),
        "/untyped" => Response::new(200).body(body),
        "/events" => Response::new(200).header("content-type", "text/event-stream").body(body),
        "/random" => {
            let mut state = 7_u32;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24).to_le_bytes()[0]
            };
            Response::text((0..LONG).map(|_| next()).collect::<Vec<u8>>())
        }
        _ => reply,
    })
}

#[function]
fn value(_: FaasContext) -> Reply {
    Reply::value(format!("\"{}\"", "v".repeat(LONG)))
}

#[function]
fn raw(_: FaasContext) -> Reply {
    Reply::raw(format!("{{\"statusCode\":200,\"body\":\"{}\"}}", "r".repeat(LONG)))
}

/// Streams three pieces of the type that the path names, and breaks the stream after them if the path says so.
#[function(stream)]
fn stream(mut out: Sink, request: Request) -> Result<(), Error> {
    let kind = request.path().trim_start_matches('/');
    match kind {
        "short" => out.header("content-length", "5")?,
        "coded" => out.header("content-encoding", "br")?,
        "fixed" => out.header("cache-control", "no-transform")?,
        _ => out.header("content-length", "4000")?,
    };
    out.header("content-type", if kind == "image/png" { kind } else { "text/event-stream" })?;
    out.header("etag", "\"v1\"")?;
    for number in 0..3 {
        out.write(piece(number).as_bytes())?;
    }
    if kind == "broken" { Err(Error::msg("broken")) } else { Ok(()) }
}

fn piece(number: u32) -> String {
    format!("data: {}\n\n", number.to_string().repeat(1000))
}

fn app(config: &str) -> App {
    App::builder().configured(Compress::MODULE, config).module(shop::MODULE).start().expect("starts")
}

fn get(app: &App, path: &str) -> Answer {
    app.invoke(Invoke::http("GET", path).header("Accept-Encoding", "gzip"))
}

fn unpacked(answer: &Answer) -> String {
    assert_eq!(answer.header("content-encoding"), Some("gzip"), "{answer:?}");
    let mut text = String::new();
    GzDecoder::new(&answer.body[..]).read_to_string(&mut text).expect("it is gzip");
    text
}

fn all(answer: &Answer, name: &str) -> String {
    let same = answer.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    same.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_reply_is_smaller_for_who_accepts_it_and_a_cache_keeps_the_two_apart() {
    let app = app("{}");
    let answer = get(&app, "/");
    assert!(answer.body.len() < LONG / 10 && unpacked(&answer) == "compress me ".repeat(LONG / 12), "{answer:?}");
    assert_eq!(
        (all(&answer, "vary").as_str(), all(&answer, "content-type").as_str()),
        ("Accept-Encoding", "text/plain; charset=utf-8")
    );
    let plain = app.invoke(Invoke::http("GET", "/"));
    assert_eq!((plain.header("content-encoding"), all(&plain, "vary").as_str()), (None, "Accept-Encoding"));
    assert!(plain.text().starts_with("compress me "));
    let json = get(&app, "/json");
    assert_eq!((json.status(), unpacked(&json).len()), (201, LONG / 12 * 12));
}

#[test]
fn a_tag_of_the_bytes_becomes_one_of_the_content() {
    let app = app("{}");
    let answer = get(&app, "/etag");
    assert_eq!((answer.header("etag"), answer.header("content-digest")), (Some("W/\"v1\""), None));
    assert_eq!(all(&answer, "vary"), "Origin, Accept-Encoding");
    let weak = get(&app, "/weak");
    assert_eq!((weak.header("etag"), all(&weak, "vary").as_str()), (Some("W/\"v1\""), "origin, ACCEPT-ENCODING"));
}

#[test]
fn what_may_not_be_changed_or_gains_nothing_is_left_alone() {
    let app = app("{}");
    for path in ["/coded", "/fixed", "/partial", "/empty", "/short", "/image", "/bmp", "/untyped"] {
        let answer = get(&app, path);
        assert_ne!(answer.header("content-encoding"), Some("gzip"), "{path}");
        assert_eq!(answer.header("vary"), None, "{path}");
    }
    assert_eq!(get(&app, "/random").header("content-encoding"), None, "it would be larger");
    let head = app.invoke(Invoke::http("HEAD", "/").header("Accept-Encoding", "gzip"));
    assert_eq!(head.header("content-encoding"), None);
}

#[test]
fn a_value_keeps_its_type_and_the_platforms_own_form_its_bytes() {
    let app = |module| App::builder().configured(Compress::MODULE, "{}").module(module).start().expect("starts");
    let call = Invoke::http("GET", "/").header("Accept-Encoding", "gzip");
    let answer = app(value::MODULE).invoke(call.clone());
    assert_eq!((unpacked(&answer).len(), answer.header("content-type")), (LONG + 2, Some("application/json")));
    let answer = app(raw::MODULE).invoke(call);
    assert!(answer.text().starts_with("{\"statusCode\":200") && answer.header("content-encoding").is_none());
    let event = app(value::MODULE).invoke(Invoke::event("{}"));
    assert_eq!(event.body.len(), LONG + 2);
}

#[test]
fn where_bytes_do_not_get_through_nothing_is_compressed() {
    let coded = |config: &str, platform: &str, event: &str| {
        let app = App::builder().configured(Compress::MODULE, config).module(value::MODULE).on(platform);
        let sample = samples().iter().find(|one| one.name() == event).expect("it is one");
        let event = String::from_utf8(sample.bytes().to_vec()).expect("text");
        let accepts = event.replacen("\"headers\":{", "\"headers\":{\"accept-encoding\":\"gzip\",", 1);
        let accepts = accepts.replacen("\"headers\": {", "\"headers\": {\"accept-encoding\":\"gzip\",", 1);
        assert_ne!(accepts, event, "the sample has headers");
        app.start().expect("starts").invoke(Invoke::event(accepts)).header("content-encoding").is_some()
    };
    assert!(coded("{}", "aws-lambda", "aws/apigateway-v2") && coded("{}", "aws-lambda", "aws/function-url"));
    assert!(
        !coded("{}", "aws-lambda", "aws/apigateway-v1")
            && coded(r#"{"restApi":true}"#, "aws-lambda", "aws/apigateway-v1")
    );
}

#[test]
fn types_and_sizes_are_chosen() {
    let app = app(r#"{"types":["image/*"],"minBytes":5,"maxBytes":4100,"level":1}"#);
    assert_eq!(unpacked(&get(&app, "/bmp")).len(), LONG / 12 * 12);
    assert_eq!(get(&app, "/short").header("content-encoding"), None, "five bytes do not get smaller");
    assert!(unpacked(&get(&app, "/")).starts_with("compress"));
    let small = self::app(r#"{"maxBytes":2000}"#);
    assert_eq!(get(&small, "/").header("content-encoding"), None);
}

fn streamed(path: &str, accepted: &str) -> Answer {
    let app = App::builder().configured(Compress::MODULE, "{}").module(stream::MODULE).start().expect("starts");
    app.invoke(Invoke::http("GET", path).header("Accept-Encoding", accepted))
}

/// Checks that whoever has read a piece of the stream can unpack it at once.
fn arrives_at_once<R: Read>(answer: &Answer, coding: &str, reader: impl Fn(Vec<u8>) -> R) {
    assert_eq!((answer.header("content-encoding"), &answer.failed), (Some(coding), &None));
    let chunks = answer.chunks.as_ref().expect("a stream");
    assert_eq!(chunks.len(), 4, "three pieces and an end");
    assert!(chunks.iter().all(|chunk| chunk.len() < 100), "{coding} packs: {chunks:?}");
    for (number, expected) in (1..=3_usize).map(|number| (number, (0..).map(piece).take(number).collect::<String>())) {
        let mut found = vec![0; expected.len()];
        reader(chunks[..number].concat()).read_exact(&mut found).unwrap_or_else(|why| panic!("{coding}: {why}"));
        assert_eq!(found, expected.as_bytes(), "{coding}");
    }
    let mut all = Vec::new();
    reader(chunks.concat()).read_to_end(&mut all).expect("it has an end");
    assert_eq!(all, (0..3).map(piece).collect::<String>().as_bytes(), "{coding}");
}

#[test]
fn a_reply_in_pieces_is_packed_piece_by_piece() {
    let answer = streamed("/", "gzip");
    arrives_at_once(&answer, "gzip", |bytes| GzDecoder::new(std::io::Cursor::new(bytes)));
    let names = ["etag", "vary", "content-length"].map(|name| answer.header(name));
    assert_eq!(names, [Some("W/\"v1\""), Some("Accept-Encoding"), None]);
}

#[test]
fn a_stream_that_may_not_be_changed_or_gains_nothing_is_left_alone() {
    for path in ["/short", "/coded", "/fixed", "/image/png"] {
        let answer = streamed(path, "gzip");
        assert_ne!(answer.header("content-encoding"), Some("gzip"), "{path}");
        assert_eq!((answer.body.len(), answer.header("etag")), (3 * piece(0).len(), Some("\"v1\"")), "{path}");
    }
    let plain = streamed("/", "identity");
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), (None, Some("Accept-Encoding")));
    assert_eq!(plain.header("content-length"), Some("4000"));
    let app = App::builder().configured(Compress::MODULE, "{}").module(stream::MODULE).start().expect("starts");
    let head = app.invoke(Invoke::http("HEAD", "/").header("Accept-Encoding", "gzip"));
    assert_eq!(head.header("content-encoding"), None);
}

#[test]
fn a_broken_stream_has_no_end_of_its_coding() {
    let answer = streamed("/broken", "gzip");
    assert!(answer.failed.is_some());
    let whole = GzDecoder::new(&answer.body[..]).read_to_end(&mut Vec::new());
    assert_eq!(whole.map_err(|why| why.kind()), Err(std::io::ErrorKind::UnexpectedEof));
}

#[cfg(feature = "zstd")]
#[test]
fn zstandard_is_chosen_where_a_client_takes_it() {
    let answer = app("{}").invoke(Invoke::http("GET", "/").header("Accept-Encoding", "gzip, zstd"));
    assert_eq!(answer.header("content-encoding"), Some("zstd"));
    assert_eq!(zstd::decode_all(&answer.body[..]).expect("it is zstd"), "compress me ".repeat(LONG / 12).as_bytes());
    let reader = |bytes| zstd::Decoder::new(std::io::Cursor::new(bytes)).expect("a reader");
    arrives_at_once(&streamed("/", "gzip, zstd"), "zstd", reader);
}

#[cfg(feature = "br")]
#[test]
fn brotli_is_chosen_where_a_client_takes_it() {
    let answer = app("{}").invoke(Invoke::http("GET", "/").header("Accept-Encoding", "gzip, br"));
    assert_eq!(answer.header("content-encoding"), Some("br"));
    let mut text = Vec::new();
    brotli::BrotliDecompress(&mut &answer.body[..], &mut text).expect("it is brotli");
    assert_eq!(text, "compress me ".repeat(LONG / 12).as_bytes());
    let reader = |bytes| brotli::Decompressor::new(std::io::Cursor::new(bytes), 4096);
    arrives_at_once(&streamed("/", "gzip, br"), "br", reader);
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        (r#"{"level":0}"#, "level: expected a level from 1 to 9, found 0"),
        (r#"{"level":"best"}"#, r#"level: invalid type: string "best", expected u8"#),
        (r#"{"minBytes":10,"maxBytes":9}"#, "maxBytes: expected at least minBytes, 10, found 9"),
        (
            r#"{"types":["png"]}"#,
            r#"types[0]: expected a content type such as application/x-font or image/*, found "png""#,
        ),
        (r#"{"min":1}"#, "unknown field `min`, expected one of `minBytes`"),
    ] {
        let app = App::builder().configured(Compress::MODULE, config).module(shop::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
}
