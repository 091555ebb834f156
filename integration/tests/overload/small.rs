//! A process with 256 MiB of memory and 256 descriptors, and every kind of hostile client in front of it, one after the
//! other and all of them kept open.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::kernel::{self, Memory};
use integration::on_http::OnHttp;
use integration::wait;
use std::time::Duration;

integration::both![a_small_process_outlives_every_kind_of_hostile_client];

const MIB: usize = 1 << 20;
/// The memory of the process, in bytes.
const MEMORY: u64 = 256 << 20;
/// The time that a client that sends much waits for the server to take some of it.
const PATIENCE: Duration = Duration::from_millis(100);

/// Hostile clients of one kind.
struct Attack {
    name: &'static str,
    count: usize,
    sends: Vec<u8>,
    /// The statuses of answers that it may get. Such a connection may also end without an answer, for the sake of
    /// others.
    statuses: &'static [u16],
}

/// Returns the head of a request, and as many bytes behind it.
fn large(head: &str, bytes: usize) -> Vec<u8> {
    let mut request = head.as_bytes().to_vec();
    request.resize(head.len() + bytes, b'x');
    request
}

fn attacks() -> Vec<Attack> {
    let chunk = large(&format!("{:x}\r\n", MIB), MIB);
    let chunks = std::iter::repeat_n([&chunk[..], b"\r\n"].concat(), 31).collect::<Vec<_>>().concat();
    let chunked = [b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", &chunks[..]].concat();
    let body = large(&format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", 31 * MIB), 31 * MIB - 1);
    let reply = format!("GET /?do=reply&bytes={} HTTP/1.1\r\nHost: x\r\n\r\n", 20 * MIB);
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let attack = |name, count, sends, statuses| Attack { name, count, sends, statuses };
    vec![
        attack("bodies of 31 MiB without their end", 40, body, &[408, 413, 503]),
        attack("chunked bodies without their end", 20, chunked, &[408, 413, 503]),
        attack("readers of 20 MiB that do not read", 20, reply.into_bytes(), &[200, 503]),
        attack("connections that say nothing", 300, Vec::new(), &[408]),
        attack("prefaces of HTTP/2 and nothing more", 100, preface, &[]),
        attack("half heads of 60 KB", 200, large("GET / HTTP/1.1\r\nHost: x\r\nX: ", 60_000), &[408, 503]),
        attack("heads that are too large", 20, large("GET / HTTP/1.1\r\nHost: x\r\nX: ", 300_000), &[431, 503]),
        attack("tunnels", 20, b"CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n".to_vec(), &[501, 503]),
    ]
}

/// Checks that the bytes that came are an answer in whole, with one of these statuses.
fn assert_well_formed(client: &mut Client, attack: &Attack) {
    // In HTTP/2 an answer is frames, of which the first is the server's settings.
    let Ok(Some(beginning)) = client.glance(Duration::from_millis(1)) else { return };
    if attack.statuses.is_empty() {
        assert_eq!(beginning.get(3), Some(&4), "{}: {}", attack.name, beginning.escape_ascii());
        return;
    }
    let beginning = String::from_utf8_lossy(&beginning).into_owned();
    if attack.statuses.contains(&200) && beginning.starts_with("HTTP/1.1 200 ") {
        return;
    }
    let reply = client.read().unwrap_or_else(|error| panic!("{}: {error} in {beginning:?}", attack.name));
    assert!(attack.statuses.contains(&reply.status), "{}: {reply:?}", attack.name);
}

/// Checks that a good client is served: at once, or when those are cut that hold the memory for replies and take
/// nothing of them. Until then it is told to come again.
fn a_good_client_is_served(run: &OnHttp, among: &str) {
    let served = wait::until("a good client is served", &run.process, || {
        let reply = run.get("/?do=nothing");
        assert!(matches!(reply.status, 200 | 503), "{among}: {reply:?}");
        assert!(reply.status == 200 || reply.header("retry-after").is_some(), "{among}: {reply:?}");
        (reply.status == 200 && reply.body == b"\"fine\"").then_some(())
    });
    served.unwrap_or_else(|why| panic!("{among}: {why}"));
}

fn a_small_process_outlives_every_kind_of_hostile_client(runtime: &Runtime) {
    kernel::allow_open_files(2048);
    let memory = Memory::limit(MEMORY);
    let wrapper = [memory.wrapper(), ["prlimit", "--nofile=256", "--"].map(str::to_owned).to_vec()].concat();
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let deployment = Deployment::of("faulty").env("FAAS_THREADS", "2").env("FAAS_READ_TIMEOUT", "1h");
    // The limit is as long as the whole test: a slow reader is cut because others need its memory, not because its time
    // is over.
    let deployment = deployment.env("FAAS_WRITE_TIMEOUT", "1h");
    let run = OnHttp::start_under(&wrapper, runtime, deployment, "faulty");
    let mut kept = Vec::new();
    for attack in attacks() {
        let mut clients = Vec::new();
        for number in 0..attack.count {
            let mut client = run.client();
            client.push(&attack.sends, PATIENCE).expect("a socket");
            clients.push(client);
            if number % 10 == 0 {
                assert_eq!(run.get("/livez").status, 200, "{}: {}", attack.name, run.process.output());
            }
        }
        for client in &mut clients {
            assert_well_formed(client, &attack);
        }
        a_good_client_is_served(&run, attack.name);
        kept.push(clients);
    }
    assert_eq!(run.get("/readyz").status, 200);
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    drop(kept);
}
