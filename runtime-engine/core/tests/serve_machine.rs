//! A server made of the core's machines alone, under random events: bytes in any pieces, clients that stall, shut half,
//! leave or do not read, invocations that end in any order or not in time, a stop in the middle of it.
//!
//! What holds whatever happens: each accepted invocation is answered exactly once, in the order of its connection; no
//! seat is lost; what is buffered of requests stays within the budget; a stop ends.

#[path = "serve_machine/server.rs"]
mod server;

use faas_core::serve::Upload;
use proptest::prelude::*;
use server::{Act, SECOND, Server, request};

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..6usize, 0..9usize, prop_oneof![3 => Just(0usize), 1 => 1..200_000usize])
            .prop_map(|(client, kind, part)| Act::Send { client, kind, part }),
        1 => (0..6usize).prop_map(|client| Act::Shut { client }),
        2 => (0..6usize, 0..400_000usize).prop_map(|(client, bytes)| Act::Read { client, bytes }),
        2 => (1..3_000u64).prop_map(Act::Pass),
        3 => (0..4usize, 0..200_000usize).prop_map(|(which, bytes)| Act::End { which, bytes }),
        1 => (0..4usize, 0..300_000usize).prop_map(|(which, bytes)| Act::Chunk { which, bytes }),
        3 => (0..4usize, 1..8usize).prop_map(|(which, parts)| Act::Pull { which, parts }),
        1 => Just(Act::Stop),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_invocation_has_one_answer_and_nothing_is_left(acts in prop::collection::vec(act(), 1..80)) {
        let mut server = Server::new(6);
        for act in &acts {
            server.act(act);
        }
        server.finish();
        for (number, call) in server.calls.iter().enumerate() {
            prop_assert_eq!(call.answers, 1, "invocation {}", number);
        }
        prop_assert!(server.admission.is_idle() && server.admission.running() == 0, "a seat is lost");
        for (number, client) in server.clients.iter().enumerate() {
            prop_assert!(client.closed, "connection {} is left: {:?}", number, client.connection);
        }
        server.calls.clear();
        prop_assert_eq!(server.budget.used(), 0);
    }
}

#[test]
fn a_queued_invocation_that_is_never_started_costs_no_thread() {
    let mut server = Server::new(6);
    for client in 0..4 {
        server.act(&Act::Send { client, kind: 0, part: 0 });
    }
    assert_eq!(server.running().len(), 2);
    server.act(&Act::Pass(2_500));
    let answers: Vec<usize> = server.calls.iter().map(|call| call.answers).collect();
    assert_eq!(answers, [1, 1, 1, 1], "504 for those that run, 503 for those that waited");
    assert_eq!(server.admission.running(), 2, "the two that still run hold their threads");
}

/// Makes a server with one client, whose request of this head has been taken before its body.
fn uploading(head: &str) -> Server {
    let mut server = Server::new(2);
    server.clients[1].sent.extend(head.as_bytes());
    server.attend(1);
    assert_eq!(server.running(), [0], "the invocation has begun");
    server
}

fn send(server: &mut Server, bytes: &[u8]) {
    server.clients[1].sent.extend(bytes);
    server.attend(1);
}

const LARGE: &str = "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n";

#[test]
fn nothing_is_read_of_a_body_that_nobody_asks_for() {
    let mut server = uploading(LARGE);
    send(&mut server, &[b'x'; 100_000]);
    assert_eq!(server.clients[1].sent.len(), 100_000);
    server.pull(1, 1);
    assert!(server.clients[1].sent.len() >= 100_000 - (64 << 10), "one part, and no more");
    assert_eq!(server.pull(1, 99), Some(Upload::Wait));
    assert!(server.clients[1].connection.upload_news() == 0, "nothing has come");
    send(&mut server, &[b'x'; 300_000]);
    assert_eq!(server.clients[1].connection.upload_news(), 1, "who waits is told");
    assert_eq!(server.pull(1, 99), Some(Upload::End));
    server.end(0, 10);
    assert!(server.clients[1].got.starts_with(b"HTTP/1.1 200 "), "{}", server.clients[1].got.escape_ascii());
    send(&mut server, &request(0));
    assert_eq!(server.running(), [1], "the next request of the connection is served");
}

#[test]
fn a_body_that_has_come_with_its_head_comes_piece_by_piece_all_the_same() {
    let mut server = uploading("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(server.clients[1].connection.upload(&server.time), Upload::Part(b"hello".to_vec()));
    assert_eq!(server.pull(1, 9), Some(Upload::End));
}

#[test]
fn a_client_is_told_to_go_on_when_its_body_is_first_asked_for() {
    let mut server = uploading("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(server.clients[1].got, b"");
    assert_eq!(server.pull(1, 9), Some(Upload::Wait));
    server.attend(1);
    assert_eq!(server.clients[1].got, b"HTTP/1.1 100 Continue\r\n\r\n");
    send(&mut server, b"abc");
    assert_eq!(server.pull(1, 9), Some(Upload::End));
    // One that was never asked may never send it: the connection ends with the answer.
    let mut server = uploading("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    server.end(0, 10);
    let got = String::from_utf8_lossy(&server.clients[1].got).into_owned();
    assert!(got.starts_with("HTTP/1.1 200 ") && got.contains("connection: close"), "{got}");
}

#[test]
fn only_the_time_counts_in_which_somebody_waits_for_the_client() {
    let mut server = uploading(LARGE);
    server.time.0.set(60 * SECOND);
    assert!(server.clients[1].connection.time_is_up(&server.time).is_none());
    send(&mut server, &[b'x'; 1_000]);
    assert_eq!(server.pull(1, 9), Some(Upload::Wait), "the function took its time, and the client is not late");
    server.time.0.set(64 * SECOND);
    assert!(server.clients[1].connection.time_is_up(&server.time).is_none());
    assert_eq!(server.pull(1, 9), Some(Upload::Wait));
    server.time.0.set(70 * SECOND);
    assert!(server.clients[1].connection.time_is_up(&server.time).is_none(), "the answer is still due");
    assert_eq!(server.clients[1].connection.upload_news(), 1);
    assert_eq!(server.pull(1, 9), Some(Upload::Failed(faas_abi::E_DEADLINE)));
}

#[test]
fn a_body_that_is_cut_off_fails_and_one_that_is_left_is_thrown_away_if_it_is_little() {
    let mut server = uploading(LARGE);
    server.clients[1].shut = true;
    server.attend(1);
    assert_eq!(server.pull(1, 9), Some(Upload::Failed(faas_abi::E_CANCELLED)));
    for (length, goes_on) in [(30_000, true), (400_000, false)] {
        let mut server = uploading(&format!("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"));
        send(&mut server, &vec![b'x'; 10_000]);
        server.end(0, 10);
        send(&mut server, &vec![b'x'; length - 10_000]);
        send(&mut server, &request(0));
        assert_eq!(server.running().len(), usize::from(goes_on), "a body of {length} bytes");
    }
}
