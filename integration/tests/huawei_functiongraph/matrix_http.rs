//! The matrix on FunctionGraph once more, for HTTP functions and event functions of an image.

use super::run::{launch_http, start_http, start_image};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::wait::{limit, until};
use platform_emulators::huawei_functiongraph::Web;
use platform_emulators::process::Signal;

integration::both![
    echo,
    inspect_over_every_trigger,
    error,
    panic,
    deadline,
    large_body,
    init_failure,
    sigterm_in_flight,
    refusal,
];

/// How a process with a function is started, and where it is sent to.
type Way = (fn(&Runtime, Deployment, &str) -> OnHttp, &'static str);

const WAYS: [Way; 2] = [(start_http, "/any?q=1"), (start_image, "/invoke")];

fn echo(runtime: &Runtime) {
    for (start, target) in WAYS {
        let run = start(runtime, Deployment::of("echo"), "echo");
        for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
            let reply = run.call("POST", target, &Web::new("r-1").headers(), body);
            assert_eq!((reply.status, &reply.body[..]), (200, body), "{target}");
        }
    }
}

fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start_http(runtime, Deployment::of("inspect"), "inspect");
    let headers = format!("{}X-Real-Ip: 192.0.2.7\r\n", Web::new("r-7").headers());
    let seen = Inspected::read(&run.call("PUT", "/a%20b?x=1&x=2", &headers, b"body").body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("huawei-functiongraph", "http"));
    assert_eq!((seen.text("request_id"), &seen.0["http"]["path"]), ("r-7", &"/a b".into()));
    assert_eq!((&seen.0["http"]["client_ip"], seen.body()), (&"192.0.2.7".into(), b"body".to_vec()));
    let run = start_image(runtime, Deployment::of("inspect"), "inspect");
    for (trigger, event) in [
        ("timer", r#"{"version":"v1.0","trigger_type":"TIMER","trigger_name":"t","user_event":"blue"}"#),
        ("topic", r#"{"record":[{"event_source":"smn","smn":{"topic_urn":"urn","message":"hi"}}]}"#),
        ("raw", "[1]"),
    ] {
        let seen = Inspected::read(&run.call("POST", "/invoke", &Web::new("r-8").headers(), event.as_bytes()).body);
        assert_eq!((seen.text("trigger"), seen.text("request_id")), (trigger, "r-8"));
        assert_eq!(seen.event(), event.as_bytes());
    }
}

/// The words for the client of an HTTP function, and those for whoever sends an event.
fn fails(runtime: &Runtime, event: &str, words: [&str; 2]) {
    for ((start, target), words) in WAYS.into_iter().zip(words) {
        let run = start(runtime, Deployment::of("faulty"), "faulty");
        let reply = run.call("POST", target, "Content-Type: application/json\r\n", event.as_bytes());
        assert_eq!(reply.status, 500, "{target}: {}", reply.text());
        assert!(reply.text().contains("errorMessage") && reply.text().contains(words), "{}", reply.text());
        assert_eq!(run.call("POST", target, "", faulty::FINE.as_bytes()).status, 200, "the process lives on");
    }
}

fn error(runtime: &Runtime) {
    fails(runtime, faulty::ERROR, ["Faulty.Error"; 2]);
}

fn panic(runtime: &Runtime) {
    fails(runtime, faulty::PANIC, ["the function failed", "asked for a panic"]);
}

fn deadline(runtime: &Runtime) {
    for ((start, target), status) in WAYS.into_iter().zip([504, 500]) {
        let run = start(runtime, Deployment::of("faulty").env("RUNTIME_TIMEOUT", "3"), "faulty");
        let reply = run.call("POST", target, "", faulty::SPIN.as_bytes());
        assert_eq!(reply.status, status, "{target}: {}", reply.text());
        assert!(reply.text().contains("TimedOut"), "{}", reply.text());
        assert_eq!(run.call("POST", target, "", faulty::FINE.as_bytes()).status, 200, "others are served");
    }
}

fn large_body(runtime: &Runtime) {
    let body = vec![b'x'; 5_900_000];
    for (start, target) in WAYS {
        let run = start(runtime, Deployment::of("echo"), "echo");
        let reply = run.call("POST", target, "", &body);
        assert_eq!((reply.status, reply.body.len()), (200, body.len()), "{target}");
    }
    let run = start_image(runtime, Deployment::of("echo"), "echo");
    let reply = run.call("POST", "/invoke", "", &vec![b'x'; 6_500_000]);
    assert_eq!(reply.status, 500, "a result has a limit");
    assert!(reply.text().contains("Function.ResponseSizeTooLarge"), "{}", reply.text());
}

fn init_failure(runtime: &Runtime) {
    let run = launch_http(runtime, Deployment::of("probe"), "probe.failing_start");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("the database is not there"), "{}", run.process.output());
}

fn sigterm_in_flight(runtime: &Runtime) {
    for (start, target) in WAYS {
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

fn refusal(runtime: &Runtime) {
    for (start, target) in WAYS {
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
