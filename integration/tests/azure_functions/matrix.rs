//! The matrix on Azure Functions.

use super::run::OnAzure;
use crate::several::{self, Answer, Hung, Platform, Row, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::{limit, until};
use platform_emulators::azure::{Bound, Call, Ended, Mode, Next, Request};
use platform_emulators::process::Signal;
use serde_json::{Value, json};

integration::both![
    echo,
    inspect_over_every_trigger,
    error,
    panic,
    deadline,
    large_body,
    init_failure,
    sigterm_in_flight,
    concurrency,
    refusal,
    several_functions,
];

pub(crate) fn echo(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "echo");
    for message in ["", "{}", "gr\u{fc}n \"\\\n"] {
        let call = Call::queue("echo", message);
        let envelope: Value = serde_json::from_str(&call.envelope()).expect("JSON");
        assert_eq!(run.done(&call).raw["ReturnValue"], envelope, "the event is the whole envelope");
    }
    let request = Request::new("POST", "/api/echo", &[], "body");
    let envelope = Call::http("echo", request.clone()).envelope();
    assert_eq!(run.request(request).text(), envelope, "byte for byte");
    run.assert_clean();
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "inspect");
    let grid = json!({
        "id": "1", "topic": "t", "subject": "s", "eventType": "E", "eventTime": "2026-01-02T03:04:05Z", "data": { "a": 1 },
    });
    let cloud = json!({ "specversion": "1.0", "type": "E", "source": "/s", "id": "1", "data": { "a": 1 } });
    for (trigger, call) in [
        ("timer", Call::timer("inspect")),
        ("queue", Call::queue("inspect", "red")),
        ("queue", Call::service_bus("inspect", r#"{"a":1}"#)),
        ("storage", Call::blob("inspect", Bound::Text("a text".to_owned()))),
        ("storage", Call::blob("inspect", Bound::Bytes(vec![0, 255]))),
        ("stream", Call::event_hub("inspect", json!(["one", { "a": 2 }]))),
        ("event", Call::event_grid("inspect", grid)),
        ("event", Call::event_grid("inspect", cloud)),
        ("table", Call::cosmos_db("inspect")),
        ("raw", Call::new("inspect", "start", Bound::Json(json!({})))),
    ] {
        let seen = run.inspect(&call);
        assert_eq!((seen.text("platform"), seen.text("trigger")), ("azure-functions", trigger), "{}", seen.0);
        assert_eq!((seen.text("function"), seen.text("region")), ("inspect", "West Europe"));
        assert_eq!(String::from_utf8(seen.event()).as_deref(), Ok(&*call.envelope()), "untouched");
        assert!(seen.0["http"].is_null(), "{}", seen.0);
    }
    let headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "c=d"), ("Content-Type", "text/plain")];
    let request = Request::new("PUT", "/api/a%20b?x=1&x=2", &headers, "body");
    for mode in [Mode::Envelope, Mode::Proxy] {
        let run = OnAzure::start(runtime, Deployment::of("inspect"), "inspect", mode);
        let seen = run.inspect_request(request.clone());
        assert_eq!((seen.text("trigger"), seen.body()), ("http", b"body".to_vec()), "{mode:?}");
        let http = &seen.0["http"];
        assert_eq!(
            (&http["method"], &http["path"], &http["raw_path"]),
            (&"PUT".into(), &"/api/a b".into(), &"/api/a%20b".into())
        );
        assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#, "{mode:?}");
        assert!(http["headers"].to_string().contains(r#"["X-Twice","1"],["X-Twice","2"]"#), "{http}");
        assert_eq!(
            (http["cookies"].to_string().as_str(), &http["scheme"]),
            (r#"["c=d"]"#, &"https".into()),
            "{mode:?}"
        );
        assert_eq!(http["host"], "shop.azurewebsites.net");
        run.assert_clean();
    }
    run.assert_clean();
}

fn error(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "faulty");
    let why = run.fails(faulty::ERROR);
    assert!(
        why.starts_with("status 500") && why.contains("Faulty.Error") && why.contains("asked for an error"),
        "{why}"
    );
    assert_eq!(run.returned(faulty::FINE), "fine", "the process lives on");
    run.assert_clean();
}

fn panic(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "faulty");
    let why = run.fails(faulty::PANIC);
    assert!(why.starts_with("status 500") && why.contains("asked for a panic"), "{why}");
    assert_eq!(run.returned(faulty::FINE), "fine", "the process lives on");
    run.assert_clean();
}

fn deadline(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAAS_TIMEOUT", "1s");
    let run = OnAzure::start(runtime, deployment, "faulty", Mode::Envelope);
    let why = run.fails(faulty::SPIN);
    assert!(why.starts_with("status 500") && why.contains("Function.TimedOut"), "{why}");
    assert_eq!(run.returned(faulty::FINE), "fine", "others are served");
    run.assert_clean();
}

fn large_body(runtime: &Runtime) {
    let run = OnAzure::of(runtime, "echo");
    let message = "x".repeat(30_000_000);
    let done = run.done(&Call::queue("echo", &message));
    let job = done.raw["ReturnValue"]["Data"]["job"].as_str().map(str::len);
    assert_eq!(job, Some(message.len() + 2), "in its quotes");
    run.assert_clean();
}

/// The host tries again, and gives up with the third error.
fn init_failure(runtime: &Runtime) {
    let run = OnAzure::launch(runtime, Deployment::empty(), "missing", Mode::Envelope);
    for next in [Next::Restart, Next::Restart, Next::ShutDown] {
        assert_eq!(run.host.exited(), Ok((Some(1), next)));
    }
    let said = run.process().output();
    assert!(said.contains("no library for function \"missing\""), "{said}");
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = OnAzure::start(runtime, Deployment::of("probe"), "probe.hold", Mode::Envelope);
    let (process, path) = (run.process(), run.deployment.path("go"));
    let call = Call::queue("hold", &path.display().to_string()).output("$return");
    let pending = run.host.begin(&call).expect("it is open");
    process.wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    process.signal(Signal::Term).expect("the signal is sent");
    process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the function is let go");
    let Ok(Ended::Done(done)) = pending.end() else { panic!("what was accepted is answered: {}", process.output()) };
    assert_eq!(done.output("$return").as_deref(), Some("let go"));
    assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(0), "{}", process.output());
    run.assert_clean();
}

fn concurrency(runtime: &Runtime) {
    let run = OnAzure::start(runtime, Deployment::of("probe"), "probe.gate", Mode::Envelope);
    let call = Call::queue("gate", "3").output("$return");
    let begin = || run.host.begin(&call).expect("it is open");
    for pending in [begin(), begin(), begin()] {
        let Ok(Ended::Done(done)) = pending.end() else { panic!("{}", run.process().output()) };
        assert_eq!(done.output("$return").as_deref(), Some("met"));
    }
    run.assert_clean();
}

fn refusal(runtime: &Runtime) {
    let deployment = Deployment::of("probe").env("FAAS_CONCURRENCY", "1");
    let run = OnAzure::start(runtime, deployment, "probe.hold", Mode::Envelope);
    let (process, path) = (run.process(), run.deployment.path("go"));
    let call = Call::queue("hold", &path.display().to_string());
    let pending = run.host.begin(&call).expect("it is open");
    until("one runs", &process, || process.output().contains("holding").then_some(())).expect("one runs");
    let why = run.fails("one too many");
    assert!(why.starts_with("status 503") && why.contains("Runtime.Overloaded"), "{why}");
    std::fs::write(path, "").expect("the function is let go");
    assert!(matches!(pending.end(), Ok(Ended::Done(_))), "{}", process.output());
    run.assert_clean();
}

/// The host says which function a call is for. The one that it sends requests to is called `api` there and is none of the
/// process: who serves them is found by method and path.
pub(crate) const SEVERAL: Row =
    Row { prefix: "/api", events: &[(r#"{"timer":true}"#, "timer"), (r#"{"queue":true}"#, "red")], hung: Hung::GoesOn };

impl Platform for OnAzure {
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let headers = [("Content-Type", "application/json")];
        match self.call(&Call::http("api", Request::new(method, path, &headers, body))) {
            Ended::Done(done) => {
                let reply = done.reply.expect("a reply");
                Answer::Reply { status: reply.status, body: reply.text(), headers: reply.headers }
            }
            Ended::Failed(why) => Answer::Failed(why),
            Ended::Hung => panic!("it is never answered: {}", self.process().output()),
        }
    }

    fn event(&mut self, function: &str, event: &str) -> Answer {
        let call = if event == "timer" { Call::timer(function) } else { Call::queue(function, event) };
        Answer::value(self.done(&call).raw["ReturnValue"].to_string())
    }

    fn view(&self) -> View<'_> {
        View::Shared(self.process())
    }
}

fn several_functions(runtime: &Runtime) {
    several::behave(&SEVERAL, |deployment| OnAzure::start(runtime, deployment, "", Mode::Envelope));
}
