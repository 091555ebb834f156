//! Functions of all kinds in one process: a plain `fn`, an `async fn` that waits, and one in C that completes from a
//! thread. Each overlaps as it does alone, and none takes the places of the others.

use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait;
use serde_json::json;

integration::both![
    functions_of_all_kinds_overlap,
    a_stream_that_nobody_reads_leaves_the_other_functions_their_threads,
    a_function_at_its_limit_leaves_the_others_their_places,
];

/// The functions, each at the path of its name.
const FUNCTIONS: [(&str, &str); 4] =
    [("waits", "crowd.waits"), ("blocks", "crowd.blocks"), ("pending", "overload.pending"), ("stream", "stream")];

/// Returns a process with functions of all kinds. `limit` is the most invocations of `waits` at once.
fn start(runtime: &Runtime, limit: Option<usize>, variables: &[(&str, &str)]) -> OnHttp {
    let functions = FUNCTIONS.map(|(name, handler)| {
        let events = json!([{"http": {"path": format!("/{name}")}}]);
        let mut function = json!({"name": name, "handler": handler, "events": events});
        if let Some(limit) = limit.filter(|_| name == "waits") {
            function["concurrency"] = limit.into();
        }
        function
    });
    let deployment = Deployment::of("crowd").module("overload").module("stream");
    let deployment = variables.iter().fold(deployment, |deployment, (name, value)| deployment.env(name, value));
    let manifest = json!({"version": 1, "functions": functions}).to_string();
    std::fs::write(deployment.path("faas.json"), manifest).expect("a file can be made");
    OnHttp::start(runtime, deployment, "")
}

/// Sends an event on as many connections, and reads nothing yet.
fn send(run: &OnHttp, function: &str, event: &str, count: usize) -> Vec<Client> {
    let mut clients: Vec<_> = (0..count).map(|_| run.client()).collect();
    for client in &mut clients {
        client.request("POST", &format!("/{function}"), "", event.as_bytes()).expect("it is open");
    }
    clients
}

/// The two of one library count together, so that each waits for the other.
fn functions_of_all_kinds_overlap(runtime: &Runtime) {
    let run = start(runtime, None, &[]);
    let mut clients = send(&run, "waits", "8 0", 4);
    clients.extend(send(&run, "pending", "4 0", 4));
    clients.extend(send(&run, "blocks", "8 0", 4));
    for client in &mut clients {
        let reply = client.read().expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

fn a_stream_that_nobody_reads_leaves_the_other_functions_their_threads(runtime: &Runtime) {
    let run = start(runtime, None, &[("FAAS_THREADS", "2"), ("FAAS_WRITE_TIMEOUT", "1h")]);
    let unread = || {
        let mut client = run.client();
        client.request("GET", "/stream?chunks=64&bytes=1048576", "", b"").expect("it is open");
        assert_eq!(client.head().expect("the stream begins").status, 200);
        client
    };
    let mut readers = [unread(), unread()];
    for _ in 0..3 {
        for function in ["waits", "blocks", "pending"] {
            let reply = run.call("POST", &format!("/{function}"), "", b"1 0");
            assert_eq!(reply.status, 200, "{function}: {}", run.process.output());
        }
        assert_eq!(run.get("/stream?chunks=2&bytes=16").body.len(), 32, "{}", run.process.output());
    }
    // Read after all, they go on to their end, and the threads are there for others again.
    for reader in &mut readers {
        let mut bytes = 0;
        loop {
            match reader.chunk().expect("the stream goes on").len() {
                0 => break,
                more => bytes += more,
            }
        }
        assert_eq!(bytes, 64 << 20);
    }
    let mut clients = send(&run, "blocks", "2 0", 2);
    for client in &mut clients {
        assert_eq!(client.read().expect("an answer").status, 200);
    }
}

fn a_function_at_its_limit_leaves_the_others_their_places(runtime: &Runtime) {
    let run = start(runtime, Some(2), &[]);
    // They stay until two more are in progress, which may not be of the same function.
    let mut held = send(&run, "waits", "4 0", 2);
    let three = wait::until("both are in progress, beside the one that looks", &run.process, || {
        (run.call("POST", "/blocks", "", b"1 0").text() == "3").then_some(())
    });
    three.unwrap_or_else(|why| panic!("{why}"));
    let busy = run.call("POST", "/waits", "", b"1 0");
    assert!(busy.status == 429 && busy.text().contains("Runtime.FunctionBusy"), "{} {}", busy.status, busy.text());
    assert_eq!(run.call("POST", "/pending", "", b"1 0").status, 200);
    held.extend(send(&run, "blocks", "4 0", 2));
    for client in &mut held {
        assert_eq!(client.read().expect("an answer").status, 200);
    }
    assert_eq!(run.call("POST", "/waits", "", b"1 0").status, 200, "there is room again");
}
