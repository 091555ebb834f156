//! Holds the code that is promised to allocate nothing in its steady state against a counting allocator: a connection's
//! codec, the search for a route, and an invocation that layers change.

mod counting;

use counting::steady;
use faas_abi::host::Invocation as _;
use faas_core::http1::write::{HeadWriter, chunk, last_chunk};
use faas_core::http1::{Assembly, Framing, Limits, ReadProgress, Reader};
use faas_core::invocation::{Invocation, InvocationMetadata};
use faas_core::log::{Format, Level, LineKind, Log, Sink};
use faas_core::process::{Identity, Process};
use faas_core::router::{Found, Matching, Params, Router};
use std::sync::Arc;

/// Receives `wire` in reads of at most `read` bytes and gives the number of messages in it.
fn receive(reader: &mut Reader, mut wire: &[u8], read: usize) -> usize {
    let mut messages = 0;
    loop {
        match reader.poll().expect("an acceptable message") {
            ReadProgress::More if wire.is_empty() => return messages,
            ReadProgress::More => {
                let space = reader.space(read.min(1024));
                let n = wire.len().min(space.len()).min(read);
                space[..n].copy_from_slice(&wire[..n]);
                reader.filled(n);
                wire = &wire[n..];
            }
            ReadProgress::Head => {}
            ReadProgress::Complete => {
                let message = reader.take().expect("a complete message");
                assert!(message.headers().count() > 0);
                reader.recycle(message);
                messages += 1;
            }
        }
    }
}

fn event(body: usize) -> Vec<u8> {
    let mut wire =
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 5c1d\r\n".to_vec();
    wire.extend_from_slice(format!("Content-Length: {body}\r\n\r\n").as_bytes());
    wire.resize(wire.len() + body, b'x');
    wire
}

#[test]
fn the_counter_counts() {
    assert_eq!(steady(10, || drop(std::hint::black_box(vec![1_u8]))), 10);
}

#[test]
fn polling_for_events_allocates_nothing() {
    let mut reader = Reader::response(Limits::default());
    let wire = event(1024);
    assert_eq!(steady(100, || assert_eq!(receive(&mut reader, &wire, usize::MAX), 1)), 0);
}

#[test]
fn large_events_one_after_the_other_allocate_nothing() {
    let mut reader = Reader::response(Limits::default());
    let wire = event(6 << 20);
    assert_eq!(steady(3, || assert_eq!(receive(&mut reader, &wire, 64 << 10), 1)), 0);
}

#[test]
fn chunked_events_with_trailers_allocate_nothing() {
    let mut reader = Reader::response(Limits::default());
    let mut wire = Vec::new();
    HeadWriter::response(&mut wire, 200).unwrap().end(Framing::Chunked);
    for _ in 0..100 {
        chunk(&mut wire, &[b'x'; 300]);
    }
    last_chunk(&mut wire, [(&b"a"[..], &b"b"[..])]).unwrap();
    for read in [usize::MAX, 1000, 7] {
        assert_eq!(steady(10, || assert_eq!(receive(&mut reader, &wire, read), 1)), 0);
    }
}

#[test]
fn pipelined_requests_allocate_nothing() {
    let mut reader = Reader::request(Limits::default());
    let wire = b"GET /orders/1?full=yes HTTP/1.1\r\nHost: shop\r\nAccept: */*\r\n\r\n".repeat(50);
    for read in [usize::MAX, 1000, 61] {
        assert_eq!(steady(20, || assert_eq!(receive(&mut reader, &wire, read), 50)), 0);
    }
}

#[test]
fn writing_heads_allocates_nothing() {
    let mut out = Vec::new();
    let mut round = || {
        out.clear();
        let mut head =
            HeadWriter::request(&mut out, "POST", "/runtime/invocation/5c1d/response", "127.0.0.1:9001").unwrap();
        head.header("content-type", "application/json").unwrap();
        head.end(Framing::Length(9));
        let mut head = HeadWriter::response(&mut out, 200).unwrap();
        head.header("content-type", "application/json").unwrap();
        head.end(Framing::Chunked);
        chunk(&mut out, b"data");
        last_chunk(&mut out, [(&b"a"[..], &b"b"[..])]).unwrap();
    };
    assert_eq!(steady(100, &mut round), 0);
}

#[test]
fn finding_a_route_allocates_nothing() {
    for caseless in [false, true] {
        let mut router = Router::new(Matching { caseless, ..Matching::default() });
        let routes = ["/orders/:order/items/{item}", "/orders/*", "/:a/:b", "/files/*path", "/files/caf%C3%A9"];
        for (owner, route) in routes.iter().enumerate() {
            router.add(route, &["GET"], owner).expect("a route");
        }
        let requests: [(&[u8], &[u8], usize); 6] = [
            (b"GET", b"/orders/1/items/a%20b", 0),
            (b"GET", b"/orders/1/items", 1),
            (b"HEAD", b"/x/y/", 2),
            (b"GET", b"/files/a/b/c%2Fd/e", 3),
            (b"GET", b"/files/caf%c3%a9", 4),
            (b"GET", b"/files", 3),
        ];
        let mut params = Params::new();
        let mut round = || {
            for (method, path, expected) in requests {
                let found = router.find(method, path, &mut params);
                assert!(matches!(found, Found::Route { owner, .. } if owner == expected), "{found:?}");
                assert!(params.iter().count() <= 2);
            }
            assert_eq!(router.find(b"GET", b"/nobody", &mut params), Found::NotFound);
            assert!(matches!(router.find(b"PUT", b"/x/y", &mut params), Found::MethodNotAllowed(_)));
        };
        assert_eq!(steady(100, &mut round), 0);
    }
}

/// A log that nobody reads.
struct Nowhere;

impl Sink for Nowhere {
    fn write(&self, _: &[u8], _: LineKind) {}
}

#[test]
fn an_invocation_that_layers_change_allocates_nothing() {
    let log = Log::new(Level::Error, Format::Text, Arc::new(Nowhere));
    let mut invocation = Invocation::new(Arc::new(Process::new(Identity::default(), log)), Arc::from("f"));
    let mut message = Some(Assembly::request(Vec::new(), b"GET", b"/orders?a=1", b"").finish());
    let mut round = || {
        let http =
            InvocationMetadata { format: faas_core::trigger::MessageFormat::Request, ..InvocationMetadata::default() };
        invocation.renew(message.take().expect("it came back"), &http, false);
        for value in [&b"1"[..], b"a much longer value than the one before it was", &[b'x'; 900]] {
            for list in [faas_abi::LIST_HEADER, faas_abi::LIST_EXTENSION, faas_abi::LIST_REPLY_HEADER] {
                assert_eq!(invocation.set(list, b"name", value), faas_abi::OK);
                assert_eq!(invocation.add(list, b"other", value), faas_abi::OK);
            }
            assert_eq!(invocation.set_meta(faas_abi::META_TRIGGER, value), faas_abi::OK);
            assert_eq!(invocation.set_meta(faas_abi::META_PATH, value), faas_abi::OK);
        }
        message = invocation.clear();
    };
    assert_eq!(steady(100, &mut round), 0);
}
