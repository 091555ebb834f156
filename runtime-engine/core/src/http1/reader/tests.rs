//! The reader's promises to a driver, in both directions.

use super::*;
use crate::http1::testing::{every_way, feed, refused_response, request, requests, response, responses};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn give(reader: &mut Reader, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let space = reader.space(1);
        let n = space.len().min(bytes.len());
        space[..n].copy_from_slice(&bytes[..n]);
        reader.filled(n);
        bytes = &bytes[n..];
    }
}

fn complete(reader: &mut Reader) -> Message {
    assert_eq!(reader.poll(), Ok(ReadProgress::Head));
    assert_eq!(reader.poll(), Ok(ReadProgress::Complete));
    reader.take().unwrap()
}

#[test]
fn a_body_of_known_length_ends_there() {
    let (seen, end) = responses(
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"n\": 41}HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    );
    assert_eq!(seen[0].body, b"{\"n\": 41}");
    assert_eq!(seen[1].status, 202);
    assert_eq!(end, Ok(Eof::Closed));
}

#[test]
fn a_chunked_body_is_put_together_and_its_trailers_kept_apart() {
    let seen = response(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n\
         6\r\nhello \r\n1;ext\r\nw\r\n4\r\norld\r\n0\r\nError-Type: x\r\nerror-body:  y \r\n\r\n",
    );
    assert_eq!(seen.body, b"hello world");
    assert_eq!(seen.headers.len(), 2);
    let trailers = [("Error-Type", "x"), ("error-body", "y")];
    assert_eq!(seen.trailers, trailers.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(seen.keep_alive);
}

#[test]
fn interim_responses_are_skipped() {
    let seen = response(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    assert_eq!((seen.status, seen.headers.len(), &seen.body[..]), (200, 1, &b"ok"[..]));
    assert_eq!(refused_response("HTTP/1.1 101 Switching Protocols\r\n\r\n"), Refusal::SwitchingProtocols);
}

#[test]
fn statuses_without_a_body_have_none_whatever_their_head_says() {
    for status in [204, 304] {
        let (seen, _) = responses(format!(
            "HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        ));
        assert_eq!(seen.iter().map(|seen| seen.status).collect::<Vec<_>>(), [status, 200]);
    }
}

#[test]
fn the_answer_to_head_has_no_body_and_the_one_after_it_may_have_one() {
    let reader = || {
        let mut reader = Reader::response(Limits::default());
        reader.expect_no_body();
        reader
    };
    let input = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\
                 HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let (seen, end) = every_way(reader, input.as_bytes());
    assert_eq!(seen.iter().map(|seen| &seen.body[..]).collect::<Vec<_>>(), [&b""[..], b"hello"]);
    assert_eq!(end, Ok(Eof::Closed));
}

#[test]
fn the_end_of_the_connection_is_told_apart_by_where_it_comes() {
    assert_eq!(requests(""), (vec![], Ok(Eof::Closed)));
    assert_eq!(requests(GET).1, Ok(Eof::Closed));
    assert_eq!(requests("\r\n").1, Ok(Eof::Closed));
    assert_eq!(requests("GET / HT").1, Err(Refusal::TruncatedHead { received: 8 }));
    let head = "POST / HTTP/1.1\r\nHost: a\r\n";
    assert_eq!(requests(head).1, Err(Refusal::TruncatedHead { received: head.len() }));
    assert_eq!(
        requests(format!("{head}Content-Length: 10\r\n\r\nabc")).1,
        Err(Refusal::TruncatedBody { received: 3, expected: Some(10) })
    );
    for rest in ["", "5", "5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\nA: b\r\n"] {
        let received = rest.len().saturating_sub(3).min(5) as u64;
        let (seen, end) = requests(format!("{head}Transfer-Encoding: chunked\r\n\r\n{rest}"));
        assert_eq!(seen, []);
        assert_eq!(end, Err(Refusal::TruncatedBody { received, expected: None }), "{rest:?}");
    }
    assert_eq!(responses("HTTP/1.0 200 OK\r\n\r\nabc").1, Ok(Eof::Complete));
}

#[test]
fn pipelined_requests_come_one_by_one_in_order() {
    let mut input = Vec::new();
    for n in 0..40 {
        let body = "x".repeat(n * 3);
        input.extend_from_slice(
            format!("POST /{n} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes(),
        );
    }
    for step in [1, 7, 64, 1000, input.len()] {
        let (seen, end) = feed(Reader::request(Limits::default()), input.chunks(step));
        assert_eq!(end, Ok(Eof::Closed));
        assert_eq!(seen.len(), 40);
        for (n, seen) in seen.iter().enumerate() {
            assert_eq!((seen.target.clone(), seen.body.len()), (format!("/{n}"), n * 3));
        }
    }
}

#[test]
fn a_refused_reader_says_the_same_for_ever() {
    let mut reader = Reader::request(Limits::default());
    give(&mut reader, b"bad\n");
    let refusal = reader.poll().unwrap_err();
    give(&mut reader, GET);
    assert_eq!(reader.poll(), Err(refusal));
    assert_eq!(reader.eof(), Err(refusal));
    assert!(reader.take().is_none());
    assert!(reader.head().is_none());
    assert!(!reader.is_idle());
}

#[test]
fn bodies_over_the_limit_are_refused_with_the_head() {
    let reader = || Reader::request(Limits { body_bytes: 4, ..Limits::default() });
    let input = |length| format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhell");
    assert_eq!(every_way(reader, input("4").as_bytes()).1, Ok(Eof::Closed));
    for length in ["5", "18446744073709551615"] {
        let refusal = every_way(reader, input(length).as_bytes()).1;
        assert_eq!(refusal, Err(Refusal::BodyTooLarge { limit: 4 }));
    }
    let reader = || Reader::response(Limits { body_bytes: 4, ..Limits::default() });
    assert_eq!(every_way(reader, b"HTTP/1.1 200 OK\r\n\r\nhell").1, Ok(Eof::Complete));
    let refusal = every_way(reader, b"HTTP/1.1 200 OK\r\n\r\nhello").1;
    assert_eq!(refusal, Err(Refusal::BodyTooLarge { limit: 4 }));
}

#[test]
fn trailers_over_their_limits_are_refused() {
    let reader = || Reader::request(Limits { trailer_bytes: 20, headers: 3, ..Limits::default() });
    let input = |trailers: &str| {
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n{trailers}\r\n")
    };
    assert_eq!(every_way(reader, input("A: 3456789012345\r\n").as_bytes()).1, Ok(Eof::Closed));
    let refusal = every_way(reader, input("A: 34567890123456\r\n").as_bytes()).1;
    assert_eq!(refusal, Err(Refusal::TrailersTooLarge { limit: 20 }));
    let refusal = every_way(reader, input("A:\r\nB:\r\nC:\r\nD:\r\n").as_bytes()).1;
    assert_eq!(refusal, Err(Refusal::TooManyHeaders { limit: 3 }));
}

#[test]
fn a_head_is_there_to_be_looked_at_before_its_body() {
    let mut reader = Reader::request(Limits::default());
    assert!(reader.is_idle());
    give(&mut reader, b"PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert!(!reader.is_idle());
    assert_eq!(reader.poll(), Ok(ReadProgress::Head));
    let head = reader.head().unwrap();
    assert!(head.expects_continue());
    assert_eq!((head.framing(), head.header("EXPECT")), (Framing::Length(2), Some(&b"100-continue"[..])));
    assert_eq!(reader.poll(), Ok(ReadProgress::More));
    assert!(reader.take().is_none());
    give(&mut reader, b"ok");
    assert_eq!(reader.poll(), Ok(ReadProgress::Complete));
    assert_eq!(reader.poll(), Ok(ReadProgress::Complete));
    assert_eq!(reader.take().unwrap().body(), b"ok");
    assert!(reader.is_idle());
}

#[test]
fn room_for_an_event_of_known_length_is_made_once_and_to_size() {
    let mut reader = Reader::response(Limits::default());
    let length = 6 << 20;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
    give(&mut reader, head.as_bytes());
    assert_eq!(reader.poll(), Ok(ReadProgress::Head));
    assert_eq!(reader.poll(), Ok(ReadProgress::More));
    assert_eq!(reader.would_buffer(64 << 10), head.len() + length);
    assert_eq!(reader.space(64 << 10).len(), length);
    assert_eq!(reader.buffered(), head.len() + length);
    reader.filled(length - 1);
    assert_eq!(reader.poll(), Ok(ReadProgress::More));
    assert_eq!(reader.space(64 << 10).len(), 1, "no larger buffer for the last byte");
    reader.filled(1);
    assert_eq!(reader.poll(), Ok(ReadProgress::Complete));
    assert_eq!(reader.take().unwrap().body().len(), length);
}

const UNLIMITED: Limits = Limits {
    head_bytes: 128 << 10,
    target_bytes: 16 << 10,
    headers: 256,
    body_bytes: u64::MAX,
    trailer_bytes: 16 << 10,
    chunk_ext_bytes: 16 << 10,
};

#[test]
fn a_claimed_length_makes_no_room_before_bytes_come() {
    for framing in
        ["Content-Length: 9000000000000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nx"]
    {
        let mut reader = Reader::request(UNLIMITED);
        give(&mut reader, format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}").as_bytes());
        assert_eq!(reader.poll(), Ok(ReadProgress::Head));
        assert_eq!(reader.poll(), Ok(ReadProgress::More));
        reader.space(1);
        assert_eq!(reader.buffered(), SMALLEST, "{framing:?}");
        let mut reader = Reader::response(UNLIMITED);
        give(&mut reader, format!("HTTP/1.1 200 OK\r\n{framing}").as_bytes());
        assert_eq!(reader.poll(), Ok(ReadProgress::Head));
        assert_eq!(reader.poll(), Ok(ReadProgress::More));
        reader.space(1);
        assert!(reader.buffered() <= 2 * AT_ONCE, "{framing:?}");
    }
}

#[test]
fn a_request_takes_up_at_most_twice_what_has_come_and_never_more_than_it_is_long() {
    let length = 5 << 20;
    for framing in
        [format!("Content-Length: {length}\r\n\r\n"), format!("Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n")]
    {
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}");
        let mut reader = Reader::request(Limits { body_bytes: length as u64, ..Limits::default() });
        give(&mut reader, head.as_bytes());
        assert_eq!(reader.poll(), Ok(ReadProgress::Head));
        let (mut came, mut largest, mut grew) = (head.len(), 0, 0);
        while reader.poll() == Ok(ReadProgress::More) && came < head.len() + length {
            let expected = reader.would_buffer(4 << 10);
            let room = reader.space(4 << 10).len();
            assert_eq!(reader.buffered(), expected);
            assert!(reader.buffered() <= (2 * came).max(came + (4 << 10)).max(SMALLEST), "after {came} bytes");
            grew += usize::from(reader.buffered() > largest);
            largest = reader.buffered();
            let n = room.min(1000);
            reader.filled(n);
            came += n;
        }
        assert!(largest <= head.len() + length + CHUNK_LINES, "{largest} bytes for {length}");
        assert!(grew < 15, "{grew} times");
    }
}

#[test]
fn memory_that_is_not_there_refuses_the_message() {
    for mut reader in [Reader::request(UNLIMITED), Reader::response(UNLIMITED)] {
        let head: &[u8] = match reader.head.side() {
            Side::Request => b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000000000000\r\n\r\n",
            Side::Response => b"HTTP/1.1 200 OK\r\n\r\n",
        };
        give(&mut reader, head);
        assert_eq!(reader.poll(), Ok(ReadProgress::Head));
        give(&mut reader, &vec![b'x'; SMALLEST - head.len()]);
        assert_eq!(reader.poll(), Ok(ReadProgress::More));
        // More than any address space has: what a process under a limit meets sooner.
        assert!(!reader.space(1 << 60).is_empty(), "a driver that reads into no room takes it for the end");
        assert_eq!(reader.poll(), Err(Refusal::NoMemory));
        assert_eq!(reader.buffered(), SMALLEST);
    }
}

#[test]
fn what_is_not_there_of_the_room_asked_for_is_no_harm_while_there_is_some() {
    let mut reader = Reader::request(Limits::default());
    assert_eq!(reader.space(usize::MAX / 4).len(), SMALLEST);
    give(&mut reader, b"GET / HTTP/1.1\r\n");
    assert!(!reader.space(usize::MAX / 4).is_empty());
    give(&mut reader, b"Host: a\r\n\r\n");
    assert_eq!(complete(&mut reader).target(), b"/");
}

#[test]
fn what_the_buffers_take_up_is_known_and_given_back_between_messages() {
    let mut reader = Reader::request(Limits::default());
    assert_eq!(reader.buffered(), 0);
    give(&mut reader, GET);
    give(&mut reader, GET);
    assert_eq!(reader.buffered(), SMALLEST);
    let message = complete(&mut reader);
    assert_eq!(message.bytes().len(), SMALLEST, "it takes its buffer along");
    reader.recycle(message);
    assert_eq!(reader.buffered(), 2 * SMALLEST);
    reader.trim();
    assert_eq!(reader.buffered(), SMALLEST, "the next message is in it");
    let message = complete(&mut reader);
    reader.recycle(message);
    reader.trim();
    assert_eq!(reader.buffered(), 0);
    give(&mut reader, GET);
    assert_eq!(complete(&mut reader).target(), b"/");
}

#[test]
fn the_buffer_goes_round_between_message_and_reader() {
    let mut reader = Reader::request(Limits::default());
    give(&mut reader, GET);
    let message = complete(&mut reader);
    let address = message.0.buf.as_ptr();
    assert!(reader.buf.is_empty());
    reader.recycle(message);
    give(&mut reader, GET);
    assert_eq!(complete(&mut reader).0.buf.as_ptr(), address);
}

#[test]
fn a_huge_buffer_serves_the_next_huge_event_and_is_given_up_after_small_ones() {
    let mut reader = Reader::response(Limits::default());
    let largest = |reader: &Reader| reader.buf.len().max(reader.spare.len());
    let huge = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 1 << 20);
    let mut addresses = Vec::new();
    for _ in 0..2 {
        give(&mut reader, huge.as_bytes());
        assert_eq!(reader.poll(), Ok(ReadProgress::Head));
        reader.space(1);
        reader.filled(1 << 20);
        assert_eq!(reader.poll(), Ok(ReadProgress::Complete));
        let message = reader.take().unwrap();
        addresses.push(message.0.buf.as_ptr());
        reader.recycle(message);
        assert!(largest(&reader) > 1 << 20, "kept for the next huge message");
    }
    assert_eq!(addresses[0], addresses[1], "the same memory");
    for _ in 0..2 {
        give(&mut reader, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let message = complete(&mut reader);
        reader.recycle(message);
    }
    assert!(largest(&reader) <= KEPT);
}

#[test]
fn a_connection_does_not_keep_what_its_largest_request_needed() {
    let mut reader = Reader::request(Limits::default());
    for length in [KEPT / 2, 4 << 20] {
        give(&mut reader, format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").as_bytes());
        assert_eq!(reader.poll(), Ok(ReadProgress::Head));
        give(&mut reader, &vec![b'x'; length]);
        assert_eq!(reader.poll(), Ok(ReadProgress::Complete));
        let message = reader.take().unwrap();
        assert_eq!(message.body().len(), length);
        reader.recycle(message);
        assert!(reader.buffered() <= 2 * KEPT, "{} bytes", reader.buffered());
    }
}

#[test]
fn a_message_dropped_costs_an_allocation_and_nothing_else() {
    let mut reader = Reader::request(Limits::default());
    for _ in 0..3 {
        give(&mut reader, GET);
        drop(complete(&mut reader));
    }
}

#[test]
fn filling_past_the_space_counts_only_the_space() {
    let mut reader = Reader::request(Limits::default());
    let n = reader.space(1).len();
    reader.filled(n + 100);
    assert_eq!(reader.poll().unwrap_err(), Refusal::BadMethod { found: 0 });
    assert_eq!(request(GET).method, "GET");
}

#[test]
fn a_message_never_shows_its_content_in_debug_output() {
    let mut reader = Reader::request(Limits::default());
    give(&mut reader, b"POST /secret HTTP/1.1\r\nHost: a\r\nX: secret\r\nContent-Length: 6\r\n\r\nsecret");
    assert!(!format!("{:?}", complete(&mut reader)).contains("secret"));
}
