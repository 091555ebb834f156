//! A stop waits for invocations, and for nobody else.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::{self, limit, scale, silence};
use platform_emulators::process::Signal;
use std::path::PathBuf;

integration::both![
    a_client_that_does_not_read_does_not_hold_up_a_stop,
    half_a_request_does_not_hold_up_a_stop,
    a_silent_client_of_http_2_does_not_hold_up_a_stop,
    idle_connections_do_not_hold_up_a_stop,
    an_invocation_is_answered_among_clients_that_do_nothing,
    the_first_signal_does_not_cut_what_an_inner_stop_waits_for,
    the_second_signal_ends_an_inner_stop_at_once,
];

/// The seconds that a stop has, more than enough for one that waits for nobody.
const GRACE: u32 = 6;

fn start(runtime: &Runtime, handler: &str) -> OnHttp {
    let deployment = Deployment::of("overload").env("FAAS_GRACE", &format!("{}s", GRACE * scale()));
    OnHttp::start(runtime, deployment, handler)
}

/// Checks that a stop with these clients ends in order, within the grace, and that Close runs.
fn stops_cleanly(run: &OnHttp) {
    let sent = std::time::Instant::now();
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    let took = sent.elapsed();
    assert!(took <= std::time::Duration::from_secs(u64::from(GRACE * scale())), "after {took:?}");
    assert!(run.process.output().contains("closed"), "Close runs:\n{}", run.process.output());
}

/// Waits until the bytes of these clients have been read: an answer to a later request on another connection shows it.
fn settle(run: &OnHttp) {
    assert_eq!(run.get("/livez").status, 200);
}

/// Returns a client that asks for a large reply and reads no more than its head.
fn deaf(run: &OnHttp) -> Client {
    let mut client = run.client();
    client.request("POST", "/", "", &vec![b'x'; 24 << 20]).expect("it is taken");
    assert_eq!(client.head().expect("the reply begins").status, 200);
    client
}

/// Returns clients with half a head, and with half a body.
fn halves(run: &OnHttp) -> Vec<Client> {
    ["POST / HTTP/1.1\r\nHo", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"]
        .map(|half| {
            let mut client = run.client();
            client.send(half.as_bytes()).expect("it is open");
            client
        })
        .into()
}

/// Returns clients that begin to speak HTTP/2 and send nothing more: four bytes, and the preface with empty settings.
fn silent_http2(run: &OnHttp) -> Vec<Client> {
    [&b"PRI "[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"]
        .map(|beginning| {
            let mut client = run.client();
            client.send(beginning).expect("it is open");
            client
        })
        .into()
}

/// Returns clients between two requests, and before their first.
fn idle(run: &OnHttp) -> Vec<Client> {
    let mut used = run.client();
    assert_eq!(used.call("GET", "/livez", "", b"").expect("an answer").status, 200);
    vec![used, run.client()]
}

fn a_client_that_does_not_read_does_not_hold_up_a_stop(runtime: &Runtime) {
    let run = start(runtime, "overload.closing");
    let _client = deaf(&run);
    stops_cleanly(&run);
}

fn half_a_request_does_not_hold_up_a_stop(runtime: &Runtime) {
    let run = start(runtime, "overload.closing");
    let _clients = halves(&run);
    settle(&run);
    stops_cleanly(&run);
}

fn a_silent_client_of_http_2_does_not_hold_up_a_stop(runtime: &Runtime) {
    let run = start(runtime, "overload.closing");
    let _clients = silent_http2(&run);
    settle(&run);
    stops_cleanly(&run);
}

fn idle_connections_do_not_hold_up_a_stop(runtime: &Runtime) {
    let run = start(runtime, "overload.closing");
    let mut clients = idle(&run);
    settle(&run);
    stops_cleanly(&run);
    for client in &mut clients {
        assert!(client.rest().is_ok_and(|rest| rest.is_empty()), "it ends without a word");
    }
}

/// Begins an invocation that stays until the file exists.
fn held(run: &OnHttp) -> (Client, PathBuf) {
    let path = run.deployment.path("go");
    let mut client = run.client();
    client.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    (client, path)
}

fn an_invocation_is_answered_among_clients_that_do_nothing(runtime: &Runtime) {
    let run = start(runtime, "overload.either");
    let mut clients = halves(&run);
    clients.extend(silent_http2(&run));
    clients.extend(idle(&run));
    let (mut client, path) = held(&run);
    settle(&run);
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert!(run.process.wait(silence() / 6).is_err(), "it waits for what runs:\n{}", run.process.output());
    std::fs::write(path, "").expect("the function is let go");
    let reply = client.read().expect("what was accepted is answered");
    assert_eq!((reply.status, reply.text().as_str()), (200, "let go"));
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    assert!(run.process.output().contains("closed"), "Close runs:\n{}", run.process.output());
}

/// Returns a process that stops of itself, as an invocation never ends, and waits for another one.
fn stopping_of_itself(runtime: &Runtime) -> (OnHttp, Client, PathBuf) {
    let limit_of_calls = 3 * scale();
    let deployment = Deployment::of("overload").env("FAAS_MAX_HUNG", "1");
    let deployment = deployment.env("FAAS_TIMEOUT", &format!("{limit_of_calls}s")).env("FAAS_GRACE", "1h");
    let run = OnHttp::start(runtime, deployment, "overload.either");
    let mut spins = run.client();
    spins.request("POST", "/", "", b"spin").expect("it is open");
    // The other one begins when half of the first one's time is over, so that it has that much left.
    assert!(run.process.wait(silence() / 2).is_err(), "it runs:\n{}", run.process.output());
    let (client, path) = held(&run);
    assert_eq!(spins.read().expect("an answer").status, 504);
    let drains = wait::until("no request is taken any more", &run.process, || match run.try_get("/readyz") {
        Ok(reply) if reply.status == 200 => None,
        _ => Some(()),
    });
    drains.unwrap_or_else(|why| panic!("{why}"));
    (run, client, path)
}

fn the_first_signal_does_not_cut_what_an_inner_stop_waits_for(runtime: &Runtime) {
    let (run, mut client, path) = stopping_of_itself(runtime);
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert!(run.process.wait(silence() / 30).is_err(), "it waits for what runs:\n{}", run.process.output());
    std::fs::write(path, "").expect("the function is let go");
    let reply = client.read().unwrap_or_else(|error| panic!("{error}:\n{}", run.process.output()));
    assert_eq!((reply.status, reply.text().as_str()), (200, "let go"));
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
}

fn the_second_signal_ends_an_inner_stop_at_once(runtime: &Runtime) {
    let (run, _client, _path) = stopping_of_itself(runtime);
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert!(run.process.wait(silence() / 30).is_err(), "the first one does not:\n{}", run.process.output());
    run.process.signal(Signal::Term).expect("the signal is sent");
    let sent = std::time::Instant::now();
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(sent.elapsed() < silence() / 2, "after {:?}", sent.elapsed());
}
