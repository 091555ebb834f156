//! Behind of-watchdog: the calls that it forwards, its own questions, and its end.

use super::run::{BehindWatchdog, patient, until_held};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::{limit, until};
use platform_emulators::openfaas::{Call, Drained, Options};

integration::both![
    what_the_watchdog_forwards_is_answered,
    its_limit_is_ours,
    its_ready_path_is_the_functions,
    calls_are_served_to_the_watchdogs_end,
    a_failed_start_ends_the_watchdog,
];

fn what_the_watchdog_forwards_is_answered(runtime: &Runtime) {
    let run = BehindWatchdog::start(runtime, Deployment::of("inspect"), "inspect", Options::default());
    let call = Call { chunks: Some(3), ..Call::post("/_/health?x=1", b"streamed body") };
    let answer = run.call(&call.clone().with("X-Twice", "1").with("X-Twice", "2"));
    let seen = Inspected::read(&answer.body);
    assert_eq!((seen.text("platform"), seen.text("request_id")), ("openfaas", call.id.as_str()));
    // The watchdog's own paths never come here, so every path is the function's.
    assert_eq!((seen.0["http"]["path"].as_str(), seen.body()), (Some("/_/health"), b"streamed body".to_vec()));
    let headers = seen.0["http"]["headers"].to_string();
    assert!(headers.contains("gzip") && headers.matches("X-Twice").count() == 2, "{headers}");
    assert_eq!(answer.all("x-duration-seconds").len(), 1);
    let run = BehindWatchdog::start(runtime, Deployment::of("echo"), "echo", Options::default());
    for body in [&b""[..], &[0, 255, 10], &vec![b'x'; 3_000_000]] {
        let answer = run.call(&Call::post("/", body));
        assert!((answer.status, answer.body.len()) == (200, body.len()) && answer.body == body, "{}", run.output());
    }
    assert_eq!(run.watchdog.log().len(), 3, "the lines are the watchdog's: {:?}", run.watchdog.log());
    assert!(!run.output().contains("ContentLength"), "{}", run.output());
}

fn its_limit_is_ours(runtime: &Runtime) {
    let options = Options { exec_timeout: "2s".into(), ..Options::default() };
    let run = BehindWatchdog::start(runtime, Deployment::of("faulty"), "faulty", options);
    let answer = run.call(&Call::post("/", faulty::HANG.as_bytes()));
    assert_eq!(answer.status, 504, "{}", run.output());
    let given_up =
        run.watchdog.process().wait_for_line(|line| line.contains("did not answer within its time limit"), limit());
    given_up.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(run.call(&Call::post("/", faulty::FINE.as_bytes())).status, 200, "others are served");
}

fn its_ready_path_is_the_functions(runtime: &Runtime) {
    let options = Options { ready_path: "/204".into(), ..Options::default() };
    let run = BehindWatchdog::start(runtime, Deployment::of("probe"), "probe.status", options);
    let ready = until("the function is asked", run.watchdog.process(), || {
        run.watchdog.ready().ok().filter(|status| !matches!(status, 500 | 503))
    });
    assert_eq!(ready.unwrap_or_else(|why| panic!("{why}")), 204);
}

fn calls_are_served_to_the_watchdogs_end(runtime: &Runtime) {
    let options = Options { healthcheck_interval: "3s".into(), write_timeout: "10m".into(), ..patient() };
    let run = BehindWatchdog::start(runtime, Deployment::of("probe"), "probe.hold", options);
    let path = run.deployment.path("go");
    let body = path.display().to_string().into_bytes();
    std::thread::scope(|scope| {
        let held = scope.spawn(|| run.call(&Call::post("/", &body)));
        until_held(run.watchdog.process(), 1);
        let end = scope.spawn(|| run.watchdog.terminate().expect("the signal is sent"));
        let begun = run.watchdog.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit());
        begun.unwrap_or_else(|why| panic!("{why}"));
        // Calls come one after the other until the watchdog takes no more. Each of them has to find the function.
        let taken: Vec<u16> = std::iter::from_fn(|| {
            let call = Call::post("/", run.deployment.root().display().to_string().as_bytes());
            run.watchdog.call(&call).ok().map(|answer| answer.status)
        })
        .collect();
        assert!(!taken.is_empty() && taken.iter().all(|status| *status == 200), "{taken:?}\n{}", run.output());
        std::fs::write(&path, "").expect("the handler is let go");
        assert_eq!(held.join().expect("it is answered").text(), "let go");
        assert_eq!(end.join().expect("it ends"), Drained { unfinished: 0 });
    });
    let status = run.watchdog.process().wait(limit()).expect("it leaves by itself");
    assert_eq!((status.code(), run.watchdog.fatal()), (Some(0), None), "{}", run.output());
}

fn a_failed_start_ends_the_watchdog(runtime: &Runtime) {
    let run = BehindWatchdog::launch(runtime, Deployment::of("probe"), "probe.failing_start", Options::default());
    let status = run.watchdog.process().wait(limit()).expect("it leaves");
    assert_eq!((status.code(), run.watchdog.fatal()), (Some(1), Some(status)), "{}", run.output());
    assert!(run.watchdog.call(&Call::post("/", b"")).is_err());
}
