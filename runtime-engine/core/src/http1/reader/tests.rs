//! What the reader promises a driver, in both directions.

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
    assert_eq!(reader.poll(), Ok(Progress::Head));
    assert_eq!(reader.poll(), Ok(Progress::Complete));
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
    assert_eq!(reader.poll(), Ok(Progress::Head));
    let head = reader.head().unwrap();
    assert!(head.expects_continue());
    assert_eq!((head.framing(), head.header("EXPECT")), (Framing::Length(2), Some(&b"100-continue"[..])));
    assert_eq!(reader.poll(), Ok(Progress::More));
    assert!(reader.take().is_none());
    give(&mut reader, b"ok");
    assert_eq!(reader.poll(), Ok(Progress::Complete));
    assert_eq!(reader.poll(), Ok(Progress::Complete));
    assert_eq!(reader.take().unwrap().body(), b"ok");
    assert!(reader.is_idle());
}

#[test]
fn room_for_a_known_length_is_made_once_and_to_size() {
    let mut reader = Reader::request(Limits::default());
    let length = 5 << 20;
    let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
    give(&mut reader, head.as_bytes());
    assert_eq!(reader.poll(), Ok(Progress::Head));
    assert_eq!(reader.poll(), Ok(Progress::More));
    assert_eq!(reader.space(64 << 10).len(), length);
    reader.filled(length - 1);
    assert_eq!(reader.poll(), Ok(Progress::More));
    assert_eq!(reader.space(64 << 10).len(), 1, "no larger buffer for the last byte");
    reader.filled(1);
    assert_eq!(reader.poll(), Ok(Progress::Complete));
    assert_eq!(reader.take().unwrap().body().len(), length);
}

#[test]
fn a_claimed_length_does_not_make_room_before_bytes_come() {
    let mut reader = Reader::request(Limits { body_bytes: u64::MAX, ..Limits::default() });
    give(&mut reader, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000000000000\r\n\r\n");
    assert_eq!(reader.poll(), Ok(Progress::Head));
    assert!(reader.space(1).len() <= 2 * AT_ONCE);
    let mut reader = Reader::request(Limits { body_bytes: u64::MAX, ..Limits::default() });
    give(&mut reader, b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nx");
    assert_eq!(reader.poll(), Ok(Progress::Head));
    assert_eq!(reader.poll(), Ok(Progress::More));
    assert!(reader.space(1).len() <= 2 * AT_ONCE);
}

#[test]
fn the_buffer_goes_round_between_message_and_reader() {
    let mut reader = Reader::request(Limits::default());
    give(&mut reader, GET);
    let message = complete(&mut reader);
    let address = message.buf.as_ptr();
    assert!(reader.buf.is_empty());
    reader.recycle(message);
    give(&mut reader, GET);
    assert_eq!(complete(&mut reader).buf.as_ptr(), address);
}

#[test]
fn a_huge_buffer_serves_the_next_huge_message_and_is_given_up_after_small_ones() {
    let mut reader = Reader::request(Limits::default());
    let largest = |reader: &Reader| reader.buf.len().max(reader.spare.len());
    let huge = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 1 << 20);
    let mut addresses = Vec::new();
    for _ in 0..2 {
        give(&mut reader, huge.as_bytes());
        assert_eq!(reader.poll(), Ok(Progress::Head));
        reader.space(1);
        reader.filled(1 << 20);
        assert_eq!(reader.poll(), Ok(Progress::Complete));
        let message = reader.take().unwrap();
        addresses.push(message.buf.as_ptr());
        reader.recycle(message);
        assert!(largest(&reader) > 1 << 20, "kept for the next huge message");
    }
    assert_eq!(addresses[0], addresses[1], "the same memory");
    for _ in 0..2 {
        give(&mut reader, GET);
        let message = complete(&mut reader);
        reader.recycle(message);
    }
    assert!(largest(&reader) <= KEPT);
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
