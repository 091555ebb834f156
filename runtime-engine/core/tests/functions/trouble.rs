//! A function that fails, hangs or is asked too often, among others that are well.

use super::*;
use std::time::Duration;

const THREE: &str = r#"{"version":1,"functions":[
    {"name":"bad","handler":"obey","fence":{"failures":3,"for":"50ms"},"events":[{"queue":true}]},
    {"name":"good","handler":"show","events":[{"http":{"path":"/good"}}]},
    {"name":"late","handler":"absent","start":"lazy","events":[{"http":{"path":"/late"}}]}]}"#;

fn failure_of(answer: Answer) -> String {
    match answer {
        Answer::Failure(words) => words,
        Answer::Reply(..) => "none".to_owned(),
    }
}

#[test]
fn a_function_that_panics_too_often_is_fenced_and_the_others_go_on() {
    let process = start(THREE);
    let words = |event: &str| failure_of(process.event_for("bad", event));
    for _ in 0..2 {
        assert!(words("panic").contains("anic"), "it is called");
    }
    assert!(words("error").starts_with("Shop.Closed"), "an error is an answer, and the count begins anew");
    for _ in 0..3 {
        assert!(words("panic").contains("anic"), "it is called");
    }
    let fenced = "Runtime.FunctionFenced: function bad has failed too often in a row and is left alone for a while";
    assert_eq!(words("well"), fenced);
    assert!(matches!(process.get("/good"), Answer::Reply(200, _)));
    let warnings = process.lines("WARN");
    let line = "function bad is fenced for 50ms: it has failed 3 times in a row, or could not start; others go on";
    assert_eq!(warnings.iter().filter(|warning| warning.contains(line)).count(), 1, "{warnings:?}");
    // Time passes on the process' clock alone: asked again and again, it is let through once the pause is over.
    let until = process.whole().now_ns() + 50_000_000;
    while process.whole().now_ns() < until {
        std::thread::yield_now();
    }
    assert_eq!(words("well"), "none");
    assert!(process.lines("INFO").iter().any(|line| line.contains("function bad is fenced no more")));
}

#[test]
fn a_lazy_function_that_cannot_start_fails_its_invocation_and_is_fenced() {
    let process = start(THREE);
    let first = failure_of(process.get("/late"));
    assert!(first.starts_with("Runtime.NoSuchFunction: "), "{first}");
    let (second, headers) = process.request("GET", "/late");
    assert!(matches!(&second, Answer::Reply(503, body) if body.contains("Runtime.FunctionFenced")), "{second:?}");
    assert!(headers.contains(&("retry-after".to_owned(), "10".to_owned())), "{headers:?}");
    assert!(matches!(process.get("/good"), Answer::Reply(200, _)));
}

/// Waits until it is told to go on.
mod slow {
    use std::sync::{Condvar, Mutex, PoisonError};

    pub(super) static GATE: (Mutex<(usize, bool)>, Condvar) = (Mutex::new((0, false)), Condvar::new());

    pub(super) fn wait() {
        let mut state = GATE.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        GATE.1.notify_all();
        while !state.1 {
            state = GATE.1.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[layer(name = "slow")]
impl Layer for Slow {
    fn create(_: &Config) -> Result<Self, Error> {
        Ok(Slow)
    }

    fn before_invoke(&self, _: &mut Invocation<'_>) -> Result<Flow, Error> {
        slow::wait();
        Ok(Flow::Continue)
    }
}

pub(super) struct Slow;

#[test]
fn a_function_that_runs_as_many_as_it_may_refuses_the_next_and_the_others_go_on() {
    let two = r#"{"version":1,"functions":[
        {"name":"slow","handler":"show","concurrency":2,"layers":["slow"],"events":[{"http":{"path":"/slow"}}]},
        {"name":"good","handler":"show","events":[{"http":{"path":"/good"}}]}]}"#;
    let process = start(two);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..2).map(|_| scope.spawn(|| process.get("/slow"))).collect();
        let mut state = slow::GATE.0.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 < 2 {
            state = slow::GATE.1.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        let (refused, headers) = process.request("GET", "/slow");
        assert!(matches!(&refused, Answer::Reply(429, body) if body.contains("at once as it may, 2")), "{refused:?}");
        assert!(headers.contains(&("retry-after".to_owned(), "1".to_owned())), "{headers:?}");
        assert!(matches!(process.get("/good"), Answer::Reply(200, _)));
        slow::GATE.0.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
        slow::GATE.1.notify_all();
        for one in running {
            assert!(matches!(one.join().expect("it does not panic"), Answer::Reply(200, _)));
        }
    });
    assert!(matches!(process.get("/slow"), Answer::Reply(200, _)), "there is room again");
}

#[test]
fn a_function_has_less_time_than_the_platform_gives_if_it_says_so() {
    let limited = r#"{"version":1,"functions":[{"name":"short","handler":"show","timeout":"2s"}]}"#;
    let process = start(limited);
    let within = |limit: Option<Duration>| {
        let deadline = faas_core::process::Deadline::within(process.whole(), limit);
        let message = Assembly::request(Vec::new(), b"GET", b"/", b"");
        let (place, _) = process.invoke(
            message,
            InvocationMetadata { format: MessageFormat::Request, deadline, ..InvocationMetadata::default() },
        );
        let (received, deadline) = (place.get().received_ns(), place.get().num(faas_abi::NUM_DEADLINE_NS));
        Duration::from_nanos(deadline.saturating_sub(received))
    };
    assert_eq!(within(None), Duration::from_secs(2));
    assert_eq!(within(Some(Duration::from_secs(60))), Duration::from_secs(2));
    assert!(within(Some(Duration::from_secs(1))) <= Duration::from_secs(1), "an earlier deadline stands");
}
