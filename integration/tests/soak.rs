//! Long service: many thousand invocations with errors, panics, streams whole and broken, and replies from nothing to
//! more than the platform takes, mixed. Each has exactly one answer of the right shape, and at the end the process
//! holds no more memory, descriptors or threads than after its warm-up.
//!
//! `FAAS_SOAK` says how many a runtime and platform (default 2,000; `.ci/run` a tenth of 200,000, `.ci/long` all of
//! them). Each prints one line with its figures.

#[path = "soak/health.rs"]
mod health;
#[path = "soak/mix.rs"]
mod mix;

use health::Health;
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use mix::{Mix, Outcome};
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::process::Process;
use std::ops::Range;
use std::time::Instant;

integration::both![on_aws_replies, on_aws_streams, over_http_replies, over_http_streams];

/// The number of connections of the HTTP clients, one a thread.
const CLIENTS: usize = 4;
/// The value of `FAAS_THREADS` of every process.
const POOL: usize = 8;
/// The most threads of a server: its pool, the first thread and that of the deadlines, and one more for each client that
/// reads slowly.
const THREADS: usize = POOL + 2 + CLIENTS;

/// The rounds until buffers have their size on AWS Lambda, one invocation at a time.
const WARM_UP: usize = 2_000;
/// The rounds until each thread of a pool has its buffers, over HTTP; half the soak if that is more.
const WARM_UP_OF_POOL: usize = 10_000;

/// The parts of a soak, one of which is streams; they have a process of their own.
const PARTS: usize = 5;

/// The event of round `at`, and its expected outcome.
type Event = fn(usize) -> Mix;

fn invocations() -> usize {
    let Ok(text) = std::env::var("FAAS_SOAK") else { return 2_000 };
    text.parse().unwrap_or_else(|_| panic!("FAAS_SOAK: expected a whole number, found {text:?}"))
}

/// Runs the warm-up and then the soak, and compares. The process may have `threads` threads, or as many as it had before.
fn soak(name: &str, process: &Process, threads: usize, soak: Range<usize>, mut rounds: impl FnMut(Range<usize>)) {
    rounds(0..soak.start);
    let before = Health::of(process);
    let started = Instant::now();
    let count = soak.len();
    rounds(soak);
    let seconds = started.elapsed().as_secs_f64();
    let after = Health::of(process);
    let rate = count as f64 / seconds;
    println!("soak {name}: {count} invocations, {rate:.0}/s; before {before}; after {after}");
    after.assert_no_more_than(&before, threads, process);
}

/// Returns a function with both layers, and a pool with twice as many threads as there are clients. The C library is
/// told to give free memory back at once, so that all memory is in use. By itself it keeps some megabytes a thread,
/// once replies as large have been made.
fn deployment(function: &str) -> Deployment {
    let deployment = Deployment::of(function).layer("monitor").layer("metrics");
    deployment
        .env("MALLOC_MMAP_THRESHOLD_", "131072")
        .env("MALLOC_TRIM_THRESHOLD_", "131072")
        .env("FAAS_THREADS", &POOL.to_string())
}

fn aws(name: &str, runtime: &Runtime, function: &str, count: usize, event: Event) {
    let options = Options { timeout: limit(), patience: limit(), ..Options::default() };
    let run = OnAws::launch(runtime, deployment(function), function, options).polling();
    soak(&format!("{} on AWS Lambda, {name}", runtime.name), &run.process, 0, WARM_UP..WARM_UP + count, |rounds| {
        for at in rounds {
            let Mix { event, outcome } = event(at);
            let answer = run.aws.invoke(event.as_str());
            let right = match &outcome {
                Outcome::Reply(body) => answer.kind == Kind::Response && outcome.is_body(body, &answer.body),
                Outcome::Error(kind) => answer.kind == Kind::Error && answer.text().contains(kind),
                Outcome::TooLarge => matches!(answer.kind, Kind::Error | Kind::TooLarge),
                Outcome::Stream(bytes) => {
                    (answer.kind, answer.body.len(), &answer.error_type) == (Kind::Stream, *bytes, &None)
                }
                Outcome::BrokenStream(bytes) => {
                    (answer.kind, answer.body.len()) == (Kind::Stream, *bytes) && answer.error_type.is_some()
                }
            };
            assert!(right, "round {at}, {event:.80}: {:?} {:.200}", answer.kind, answer.text());
        }
    });
    let records = run.aws.records();
    assert_eq!(records.len(), WARM_UP + count);
    assert!(records.iter().all(|record| record.posts.len() == 1), "one answer each");
    run.assert_clean();
}

fn http_round(client: &mut Client, reconnect: &dyn Fn() -> Client, at: usize, Mix { event, outcome }: Mix) {
    let reply = client.call("POST", "/", "Content-Type: application/json\r\n", event.as_bytes());
    let right = match (&outcome, &reply) {
        (Outcome::Reply(body), Ok(reply)) => reply.status == 200 && outcome.is_body(body, &reply.body),
        (Outcome::Error(_), Ok(reply)) => reply.status == 500 && reply.text().contains("errorType"),
        (Outcome::TooLarge, Ok(reply)) => reply.status == 200 && reply.body.len() == 7_000_000,
        (Outcome::Stream(bytes), Ok(reply)) => reply.status == 200 && reply.body.len() == *bytes,
        (Outcome::BrokenStream(_), Err(_)) => {
            *client = reconnect();
            true
        }
        _ => false,
    };
    assert!(right, "round {at}, {event:.80}: {:?}", reply.map(|reply| (reply.status, reply.body.len())));
}

fn http(name: &str, runtime: &Runtime, function: &str, count: usize, event: Event) {
    let run = OnHttp::start(runtime, deployment(function), function);
    let warm_up = WARM_UP_OF_POOL.max(count / 2);
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| run.client()).collect();
    soak(
        &format!("{} on plain HTTP, {name}", runtime.name),
        &run.process,
        THREADS,
        warm_up..warm_up + count,
        |rounds| {
            std::thread::scope(|scope| {
                for (number, client) in clients.iter_mut().enumerate() {
                    let (rounds, run) = (rounds.clone(), &run);
                    scope.spawn(move || {
                        for at in rounds.skip(number).step_by(CLIENTS) {
                            http_round(client, &|| run.client(), at, event(at));
                        }
                        // A new connection may not be accepted yet; one that has an answer is.
                        let live = client.call("GET", "/livez", "", b"").expect("an answer");
                        assert_eq!(live.status, 200);
                    });
                }
            });
        },
    );
    assert_eq!(run.process.status(), None);
}

fn on_aws_replies(runtime: &Runtime) {
    aws("replies", runtime, "faulty", invocations() * (PARTS - 1) / PARTS, mix::replies);
}

fn on_aws_streams(runtime: &Runtime) {
    aws("streams", runtime, "stream", invocations() / PARTS, mix::streams);
}

fn over_http_replies(runtime: &Runtime) {
    http("replies", runtime, "faulty", invocations() * (PARTS - 1) / PARTS, mix::replies);
}

fn over_http_streams(runtime: &Runtime) {
    http("streams", runtime, "stream", invocations() / PARTS, mix::streams);
}
