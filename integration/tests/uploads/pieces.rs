//! A body piece by piece: while it is sent, of any size in little memory, from clients that are slow, torn off or send
//! too much, to functions that read all of it, a part, or nothing.

use integration::artifacts::Runtime;
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::kernel::peak_memory;
use integration::on_http::OnHttp;
use integration::wait;
use platform_emulators::h2c;
use platform_emulators::wire::Headers;
use std::time::Duration;

integration::both![
    what_is_sent_comes_back_before_more_is_sent,
    twenty_mebibytes_need_the_memory_of_a_part,
    twenty_mebibytes_that_nobody_reads_are_not_taken,
    a_sender_of_single_bytes_is_read_as_long_as_it_is_in_time,
    a_torn_body_is_told_to_its_reader_and_cancels_the_invocation,
    a_body_that_is_too_large_or_too_slow_is_told_by_its_status,
    a_client_that_asks_first_is_told_to_go_on_by_the_first_read,
    the_next_request_follows_a_body_that_was_left_if_little_of_it_was,
    requests_for_one_function_wait_for_no_body_of_another,
    a_function_that_asks_for_a_whole_body_beside_one_that_reads_parts_gets_it,
    over_http2_a_body_comes_piece_by_piece,
];

const MIB: usize = 1 << 20;
/// The additional memory in bytes that a process may need for an upload: buffers of the two sockets are the kernel's.
const LITTLE: u64 = 4 << 20;

fn start(runtime: &Runtime, function: &str) -> OnHttp {
    OnHttp::start(runtime, Deployment::of("upload").layer("monitor").layer("metrics"), &format!("upload.{function}"))
}

fn begin(client: &mut Client, length: usize, more: &str) {
    let head = format!("POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{more}\r\n");
    client.send(head.as_bytes()).expect("it is open");
}

fn read(run: &OnHttp, client: &mut Client) -> Reply {
    client.read().unwrap_or_else(|error| panic!("{error}:\n{}", run.process.output()))
}

fn what_is_sent_comes_back_before_more_is_sent(runtime: &Runtime) {
    let run = start(runtime, "mirror");
    let mut client = run.client();
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").expect("it is open");
    assert_eq!(client.head().expect("the head comes before the body").status, 200);
    for word in ["one", "two", "three"] {
        client.send(format!("{:x}\r\n{word}\r\n", word.len()).as_bytes()).expect("it is open");
        assert_eq!(client.chunk().expect("it comes back").escape_ascii().to_string(), word);
    }
    client.send(b"0\r\n\r\n").expect("it is open");
    assert_eq!(client.chunk().expect("the end"), b"");
    // The connection is as good as new.
    begin(&mut client, 4, "");
    client.send(b"more").expect("it is open");
    assert_eq!(read(&run, &mut client).text(), "more");
}

/// Returns bytes that differ from place to place, and the answer of `count` to them.
fn large(length: usize) -> (Vec<u8>, String) {
    let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
    let add = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325, add);
    (bytes, format!("\"{length} bytes, {sum:016x}\""))
}

fn twenty_mebibytes_need_the_memory_of_a_part(runtime: &Runtime) {
    let (bytes, expected) = large(20 * MIB);
    for function in ["count", "count_async"] {
        let run = start(runtime, function);
        assert_eq!(run.call("POST", "/", "", b"x").status, 200);
        let before = peak_memory(&run.process);
        for _ in 0..2 {
            let reply = run.call("POST", "/", "", &bytes);
            let expected = if function == "count" { expected.as_str() } else { "20971520 bytes" };
            assert_eq!((reply.status, reply.text().as_str()), (200, expected), "{}", run.process.output());
        }
        let more = peak_memory(&run.process) - before;
        assert!(more < LITTLE, "{function} took {more} bytes for 20 MiB");
    }
}

fn twenty_mebibytes_that_nobody_reads_are_not_taken(runtime: &Runtime) {
    let deployment = Deployment::of("upload").env("FAAS_TIMEOUT", "5s");
    let run = OnHttp::start(runtime, deployment, "upload.ignore");
    let before = peak_memory(&run.process);
    let mut client = run.client();
    begin(&mut client, 20 * MIB, "");
    wait::until("it has begun", &run.process, || run.process.output().contains("begun").then_some(()))
        .expect("it runs");
    let sent = client.push(&vec![b'x'; 20 * MIB], Duration::from_millis(300)).expect("a socket");
    assert!(sent < 20 * MIB, "all was taken");
    let more = peak_memory(&run.process) - before;
    assert!(more < LITTLE, "{more} bytes for a body that nobody reads, {sent} sent");
    assert_eq!(run.get("/livez").status, 200);
    let reply = read(&run, &mut client);
    assert_eq!((reply.status, reply.closes), (504, true), "it is cancelled at its deadline: {reply:?}");
}

fn a_sender_of_single_bytes_is_read_as_long_as_it_is_in_time(runtime: &Runtime) {
    let run = start(runtime, "count_async");
    let mut clients: Vec<_> = (0..8).map(|_| run.client()).collect();
    for client in &mut clients {
        begin(client, 20, "");
    }
    for _ in 0..20 {
        for client in &mut clients {
            client.send(b"x").expect("it is open");
        }
        assert_eq!(run.call("POST", "/", "", b"quick").text(), "5 bytes");
    }
    for client in &mut clients {
        assert_eq!(read(&run, client).text(), "20 bytes");
    }
}

fn a_torn_body_is_told_to_its_reader_and_cancels_the_invocation(runtime: &Runtime) {
    let run = start(runtime, "count");
    let mut client = run.client();
    begin(&mut client, 100, "");
    client.send(&[b'x'; 40]).expect("it is open");
    drop(client);
    let told = || run.process.output().contains("the body ended after").then_some(());
    wait::until("the function is told", &run.process, told).expect("its client is gone");
    assert!(run.process.output().contains("the peer of the stream is gone"), "{}", run.process.output());
    assert_eq!(run.call("POST", "/", "", b"hello").text(), "\"5 bytes, a430d84680aabd0b\"");
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
}

fn a_body_that_is_too_large_or_too_slow_is_told_by_its_status(runtime: &Runtime) {
    let deployment = Deployment::of("upload").env("FAAS_MAX_BODY", "1000").env("FAAS_READ_TIMEOUT", "500ms");
    let run = OnHttp::start(runtime, deployment, "upload.count_async");
    let mut client = run.client();
    begin(&mut client, 1001, "");
    assert_eq!(read(&run, &mut client).status, 413, "by its head");
    let mut client = run.client();
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").expect("it is open");
    for _ in 0..3 {
        // The last piece may come when the answer is out.
        let _ = client.send(format!("190\r\n{}\r\n", "x".repeat(400)).as_bytes());
    }
    let reply = read(&run, &mut client);
    assert_eq!((reply.status, reply.closes), (413, true), "by what has come of it: {reply:?}");
    let mut client = run.client();
    begin(&mut client, 100, "");
    let reply = read(&run, &mut client);
    assert_eq!((reply.status, reply.closes), (408, true), "{reply:?}");
    let mut client = run.client();
    client.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n").expect("it is open");
    let reply = read(&run, &mut client);
    assert_eq!((reply.status, reply.closes), (400, true), "{reply:?}");
}

fn a_client_that_asks_first_is_told_to_go_on_by_the_first_read(runtime: &Runtime) {
    let run = start(runtime, "count_async");
    let mut client = run.client();
    begin(&mut client, 5, "Expect: 100-continue\r\n");
    assert_eq!(client.head().expect("an interim answer").status, 100);
    client.send(b"hello").expect("it is open");
    assert_eq!(read(&run, &mut client).text(), "5 bytes");
}

fn the_next_request_follows_a_body_that_was_left_if_little_of_it_was(runtime: &Runtime) {
    let run = start(runtime, "first");
    let mut client = run.client();
    begin(&mut client, 30_000, "");
    client.send(&[b'x'; 10_000]).expect("it is open");
    let reply = read(&run, &mut client);
    assert_eq!((reply.text().as_str(), reply.closes), ("there is one", false));
    client.send(&[b'x'; 20_000]).expect("it is open");
    begin(&mut client, 0, "");
    assert_eq!(read(&run, &mut client).text(), "there is none");
    begin(&mut client, 20 * MIB, "");
    client.send(&[b'x'; 1000]).expect("it is open");
    let reply = read(&run, &mut client);
    assert_eq!((reply.text().as_str(), reply.closes), ("there is one", true), "nobody waits for 20 MiB");
}

/// Starts one process with two functions.
fn both_functions(runtime: &Runtime) -> OnHttp {
    let manifest = r#"{"version":1,"functions":[
        {"name":"parts","handler":"upload.count_async","events":[{"http":{"path":"/parts"}}]},
        {"name":"whole","handler":"echo.echo","events":[{"http":{"path":"/whole"}}]}]}"#;
    let deployment = Deployment::of("upload").module("echo").manifest(manifest);
    OnHttp::start(runtime, deployment, "")
}

fn requests_for_one_function_wait_for_no_body_of_another(runtime: &Runtime) {
    let run = both_functions(runtime);
    let mut slow = run.client();
    slow.send(b"POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhello").expect("it is open");
    assert_eq!(run.call("POST", "/parts", "", b"12345678").text(), "8 bytes");
    slow.send(b"world").expect("it is open");
    assert_eq!(read(&run, &mut slow).text(), "helloworld");
}

fn a_function_that_asks_for_a_whole_body_beside_one_that_reads_parts_gets_it(runtime: &Runtime) {
    let run = both_functions(runtime);
    let (bytes, _) = large(3 * MIB);
    let reply = run.call("POST", "/whole", "", &bytes);
    assert!(reply.status == 200 && reply.body == bytes, "{} bytes came back", reply.body.len());
    assert_eq!(run.call("POST", "/parts", "", &bytes).text(), "3145728 bytes");
    assert_eq!(run.call("POST", "/whole", "", b"").body, b"");
}

fn over_http2_a_body_comes_piece_by_piece(runtime: &Runtime) {
    if !runtime.speaks_http2() {
        return;
    }
    for (function, expected) in [("count_async", "10000 bytes"), ("first", "there is one")] {
        let run = start(runtime, function);
        let answer = h2c::exchange(run.connect(), "POST", "/", "x", &Headers::default(), &[b'x'; 10_000]);
        let answer = answer.unwrap_or_else(|error| panic!("{error}:\n{}", run.process.output()));
        assert_eq!((answer.status, String::from_utf8_lossy(&answer.body).as_ref()), (200, expected));
    }
}
