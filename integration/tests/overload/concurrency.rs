//! Invocations overlap, whatever kind of function they call; probes are answered beside them; calls beyond the limit
//! are refused.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::{self, limit};
use std::time::Duration;

integration::both![
    async_functions_that_wait_overlap,
    functions_that_block_overlap,
    functions_that_complete_from_a_thread_overlap,
    more_than_may_run_is_refused,
    one_thread_runs_one_at_a_time,
    probes_are_answered_while_the_only_thread_is_taken,
];

/// The number of calls at once.
const CROWD: usize = 8;

/// Every call stays until all of them are in progress. Probes are answered while they wait for the last.
fn overlap(runtime: &Runtime, module: &str, function: &str) {
    let run = OnHttp::start(runtime, Deployment::of(module), &format!("{module}.{function}"));
    let event = format!("{CROWD} 0");
    let mut clients: Vec<_> = (1..CROWD).map(|_| run.client()).collect();
    for client in &mut clients {
        client.request("POST", "/", "", event.as_bytes()).expect("it is open");
    }
    for probe in ["/livez", "/readyz"] {
        assert_eq!(run.get(probe).status, 200, "{probe}");
    }
    let last = run.call("POST", "/", "", event.as_bytes());
    assert_eq!((last.status, last.text()), (200, CROWD.to_string()), "{}", run.process.output());
    for client in &mut clients {
        assert_eq!(client.read().expect("an answer").status, 200);
    }
}

fn async_functions_that_wait_overlap(runtime: &Runtime) {
    overlap(runtime, "crowd", "waits");
}

fn functions_that_block_overlap(runtime: &Runtime) {
    overlap(runtime, "crowd", "blocks");
}

fn functions_that_complete_from_a_thread_overlap(runtime: &Runtime) {
    overlap(runtime, "overload", "pending");
}

fn more_than_may_run_is_refused(runtime: &Runtime) {
    for (module, function) in [("crowd", "waits"), ("crowd", "blocks"), ("overload", "pending")] {
        let deployment = Deployment::of(module).env("FAAS_CONCURRENCY", "2");
        let run = OnHttp::start(runtime, deployment, &format!("{module}.{function}"));
        // Each stays for two others, of which one is not let in.
        let mut clients: Vec<_> = (0..3).map(|_| run.client()).collect();
        for client in &mut clients {
            client.request("POST", "/", "", b"3 0").expect("it is open");
        }
        let refused = wait::until("one is refused", &run.process, || {
            let pause = Duration::from_millis(5);
            clients.iter_mut().position(|client| client.glance(pause).is_ok_and(|seen| seen.is_some()))
        });
        let refused = refused.unwrap_or_else(|why| panic!("{function}: {why}"));
        let reply = clients.remove(refused).read().expect("an answer");
        assert_eq!(reply.status, 503, "{function}: {}", reply.text());
        assert!(reply.header("retry-after").is_some(), "{function}: {reply:?}");
        assert_eq!(run.get("/livez").status, 200, "{function}");
        for client in &mut clients {
            let pause = Duration::from_millis(50);
            assert!(client.glance(pause).expect("it is open").is_none(), "{function}: two are in progress");
        }
    }
}

fn one_thread_runs_one_at_a_time(runtime: &Runtime) {
    let deployment = Deployment::of("crowd").env("FAAS_THREADS", "1");
    let run = OnHttp::start(runtime, deployment, "crowd.blocks");
    let replies = run.at_once(6, "POST", "/", b"1 50");
    for reply in &replies {
        assert_eq!((reply.status, reply.text().as_str()), (200, "1"), "at most one is in progress");
    }
}

fn probes_are_answered_while_the_only_thread_is_taken(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("FAAS_THREADS", "1");
    let run = OnHttp::start(runtime, deployment, "probe.hold");
    let path = run.deployment.path("go");
    let event = path.display().to_string();
    let mut clients: Vec<_> = (0..3).map(|_| run.client()).collect();
    for client in &mut clients {
        client.request("POST", "/", "", event.as_bytes()).expect("it is open");
    }
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    for probe in ["/livez", "/readyz", "/livez"] {
        assert_eq!(run.get(probe).status, 200, "{probe}");
    }
    let holding = run.process.lines().iter().filter(|line| line.text == "holding").count();
    assert_eq!(holding, 1, "the others wait for the thread");
    std::fs::write(path, "").expect("the handler is let go");
    for client in &mut clients {
        assert_eq!(client.read().expect("an answer").text(), "let go");
    }
}
