//! More calls than time for them, and calls that end too late or never.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::on_http::OnHttp;
use integration::wait::{limit, scale};

integration::both![
    a_crowd_that_has_no_time_is_answered_and_harms_nothing,
    a_crowd_before_one_thread_is_answered_and_harms_nothing,
    calls_that_wait_too_long_cost_no_thread,
    separate_calls_that_end_late_are_not_lost_threads,
    calls_that_never_end_cost_the_process_which_says_so,
];

/// Returns milliseconds, stretched like all limits, as a duration that the runtime reads.
fn time(ms: u32) -> String {
    format!("{}ms", ms * scale())
}

fn crowd(runtime: &Runtime, threads: u32) {
    let deployment = Deployment::of("crowd").env("FAAS_THREADS", &threads.to_string());
    let deployment = deployment.env("FAAS_TIMEOUT", &time(500));
    let run = OnHttp::start(runtime, deployment, "crowd.blocks");
    // 24 calls of 200 ms, of which a thread runs two within the limit.
    let event = format!("1 {}", 200 * scale());
    let replies = run.at_once(24, "POST", "/", event.as_bytes());
    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!(count(200) + count(503) + count(504), 24, "{replies:?}");
    assert!(count(200) > 0, "some are served: {}", run.process.output());
    let most = replies.iter().filter(|reply| reply.status == 200).filter_map(|reply| reply.text().parse().ok()).max();
    assert!(most <= Some(threads), "{most:?} were in progress at once on {threads} threads");
    assert_eq!(run.process.status(), None, "{}", run.process.output());
    for _ in 0..5 {
        assert_eq!(run.call("POST", "/", "", b"1 0").status, 200, "{}", run.process.output());
    }
    assert_eq!(run.get("/readyz").status, 200, "{}", run.process.output());
}

fn a_crowd_that_has_no_time_is_answered_and_harms_nothing(runtime: &Runtime) {
    crowd(runtime, 2);
}

fn a_crowd_before_one_thread_is_answered_and_harms_nothing(runtime: &Runtime) {
    crowd(runtime, 1);
}

fn calls_that_wait_too_long_cost_no_thread(runtime: &Runtime) {
    let deployment = Deployment::of("crowd").env("FAAS_THREADS", "2").env("FAAS_MAX_HUNG", "2");
    let run = OnHttp::start(runtime, deployment.env("FAAS_TIMEOUT", &time(500)), "crowd.blocks");
    // Two run to just below the limit, so that those behind them have no time left.
    let event = format!("1 {}", 400 * scale());
    for reply in run.at_once(12, "POST", "/", event.as_bytes()) {
        assert!(matches!(reply.status, 200 | 503 | 504), "{reply:?}");
    }
    // Both threads are there: each of the two calls stays until the other is in progress too.
    for reply in run.at_once(2, "POST", "/", b"2 0") {
        assert_eq!((reply.status, reply.text().as_str()), (200, "2"), "{}", run.process.output());
    }
    assert_eq!(run.process.status(), None, "{}", run.process.output());
}

fn separate_calls_that_end_late_are_not_lost_threads(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAAS_MAX_HUNG", "2").env("FAAS_TIMEOUT", &time(300));
    let run = OnHttp::start(runtime, deployment, "faulty");
    for _ in 0..6 {
        let late = run.get(&format!("/?do=sleep&ms={}", 400 * scale()));
        assert_eq!(late.status, 504, "{}\n{}", late.text(), run.process.output());
        assert_eq!(run.get("/?do=nothing").status, 200, "{}", run.process.output());
    }
    assert_eq!(run.process.status(), None, "{}", run.process.output());
}

fn calls_that_never_end_cost_the_process_which_says_so(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAAS_MAX_HUNG", "2").env("FAAS_TIMEOUT", &time(300));
    let run = OnHttp::start(runtime, deployment.env("FAAS_GRACE", "5s"), "faulty");
    let mut clients = [run.client(), run.client()];
    for client in &mut clients {
        client.request("POST", "/", "", faulty::SPIN.as_bytes()).expect("it is open");
    }
    for client in &mut clients {
        assert_eq!(client.read().expect("an answer").status, 504);
    }
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    let said = run.process.output();
    assert!(said.lines().any(|line| line.contains("ERROR") && line.contains("leaving")), "{said}");
}
