//! Behaviours of functions that are sent clients' requests and of functions that are sent events, over the same server:
//! on the platforms that have both, each is reached in a way of its own. Which ways those are, and what a failure is
//! answered there, the platforms' own files say.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::on_http::OnHttp;
use integration::wait::{limit, until};
use platform_emulators::process::Signal;

/// The way in which a process with a function is started, and the path that it is called at.
pub(crate) type Way = (fn(&Runtime, Deployment, &str) -> OnHttp, &'static str);

pub(crate) fn echo(runtime: &Runtime, ways: [Way; 2], headers: &str) {
    for (start, target) in ways {
        let run = start(runtime, Deployment::of("echo"), "echo");
        for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
            let reply = run.call("POST", target, headers, body);
            assert_eq!((reply.status, &reply.body[..]), (200, body), "{target}");
        }
    }
}

/// Sends an event that fails each way, and expects the words for that way in the answer.
pub(crate) fn fails(runtime: &Runtime, ways: [Way; 2], event: &str, words: [&str; 2]) {
    for ((start, target), words) in ways.into_iter().zip(words) {
        let run = start(runtime, Deployment::of("faulty"), "faulty");
        let reply = run.call("POST", target, "Content-Type: application/json\r\n", event.as_bytes());
        assert_eq!(reply.status, 500, "{target}: {}", reply.text());
        assert!(reply.text().contains("errorMessage") && reply.text().contains(words), "{}", reply.text());
        assert_eq!(run.call("POST", target, "", faulty::FINE.as_bytes()).status, 200, "the process lives on");
    }
}

pub(crate) fn error(runtime: &Runtime, ways: [Way; 2]) {
    fails(runtime, ways, faulty::ERROR, ["Faulty.Error"; 2]);
}

/// The client of a request is told nothing of a panic; whoever sends an event is.
pub(crate) fn panic(runtime: &Runtime, ways: [Way; 2]) {
    fails(runtime, ways, faulty::PANIC, ["the function failed", "asked for a panic"]);
}

/// The second way is the events', whose results have a limit.
pub(crate) fn large_body(runtime: &Runtime, ways: [Way; 2]) {
    let body = vec![b'x'; 5_900_000];
    for (start, target) in ways {
        let run = start(runtime, Deployment::of("echo"), "echo");
        let reply = run.call("POST", target, "", &body);
        assert_eq!((reply.status, reply.body.len()), (200, body.len()), "{target}");
    }
    let (start, target) = ways[1];
    let run = start(runtime, Deployment::of("echo"), "echo");
    let reply = run.call("POST", target, "", &vec![b'x'; 6_500_000]);
    assert_eq!(reply.status, 500, "a result has a limit");
    assert!(reply.text().contains("Function.ResponseSizeTooLarge"), "{}", reply.text());
}

/// Expects that a process which was just launched, with a function that does not start, leaves and says why.
pub(crate) fn init_failure(run: &OnHttp) {
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("the database is not there"), "{}", run.process.output());
}

pub(crate) fn sigterm_in_flight(runtime: &Runtime, ways: [Way; 2]) {
    for (start, target) in ways {
        let run = start(runtime, Deployment::of("probe"), "probe.hold");
        let path = run.deployment.path("go");
        let mut client = run.client();
        client.request("POST", target, "", path.display().to_string().as_bytes()).expect("it is open");
        run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
        run.process.signal(Signal::Term).expect("the signal is sent");
        run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
        std::fs::write(path, "").expect("the handler is let go");
        assert_eq!(client.read().expect("what was accepted is answered").text(), "let go");
        assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    }
}

pub(crate) fn refusal(runtime: &Runtime, ways: [Way; 2]) {
    for (start, target) in ways {
        let run = start(runtime, Deployment::of("probe").env("FAAS_CONCURRENCY", "2"), "probe.hold");
        let paths = [run.deployment.path("a"), run.deployment.path("b")];
        let mut clients = paths.clone().map(|path| {
            let mut client = run.client();
            client.request("POST", target, "", path.display().to_string().as_bytes()).expect("it is open");
            client
        });
        let both = || run.process.lines().iter().filter(|line| line.text == "holding").count() == 2;
        until("two run at once", &run.process, || both().then_some(())).expect("two at once");
        let refused = run.call("POST", target, "", b"one too many");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")), "{}", refused.text());
        for path in &paths {
            std::fs::write(path, "").expect("a handler is let go");
        }
        for client in &mut clients {
            assert_eq!(client.read().expect("it is answered").text(), "let go");
        }
    }
}
