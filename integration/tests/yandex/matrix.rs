//! The matrix on Yandex' bash runtime.

use super::run::OnYandex;
use crate::several::{self, Answer, Hung, Platform, Row, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::process::Signal;
use platform_emulators::yandex::{Outcome, http_event, trigger_event};
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
    several_functions,
];

pub(crate) fn echo(runtime: &Runtime) {
    let run = OnYandex::of(runtime, "echo");
    for event in ["{}", "[1,2]", "\"grün\"", "null", "{\"a\":{\"b\":[]}}\n"] {
        let sent: Value = serde_json::from_str(event).expect("JSON");
        assert_eq!(run.call(event).outcome, Outcome::Success(sent), "{event:?}");
    }
    // What is no JSON comes back as a JSON text.
    for event in ["", "two words", "grün\n"] {
        assert_eq!(run.call(event).outcome, Outcome::Success(event.into()), "{event:?}");
    }
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnYandex::of(runtime, "inspect");
    let headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Host", "functions.example"), ("Content-Type", "text/plain")];
    let event = http_event("PUT", &[("x", "1"), ("x", "2")], &headers, "body");
    let response = run.call(&event).outcome.response().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((response.status, response.is_base64), (200, false));
    let seen = Inspected::read(response.body.as_bytes());
    assert_eq!((seen.text("platform"), seen.text("trigger"), seen.body()), ("yandex", "http", b"body".to_vec()));
    let http = &seen.0["http"];
    assert_eq!((&http["method"], &http["path"], &http["client_ip"]), (&"PUT".into(), &"/".into(), &"192.0.2.7".into()));
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    assert_eq!((&http["host"], &http["scheme"]), (&"functions.example".into(), &"https".into()));
    let twice = http["headers"].as_array().expect("a list").iter().filter(|pair| pair[0] == "X-Twice").count();
    assert_eq!(twice, 2, "{http}");

    for (event_type, details, trigger) in [
        ("serverless.triggers.TimerMessage", json!({"trigger_id": "t", "payload": "p"}), "timer"),
        ("messagequeue.QueueMessage", json!({"queue_id": "q", "message": {"message_id": "m", "body": "b"}}), "queue"),
        ("storage.ObjectCreate", json!({"bucket_id": "b", "object_id": "o"}), "storage"),
        ("iot.IoTMessage", json!({"registry_id": "r", "mqtt_topic": "t", "payload": "aGk="}), "topic"),
        ("serverless.triggers.LoggingMessageBatch", json!({"messages": []}), "log"),
        ("containerregistry.CreateImage", json!({"image_id": "i"}), "event"),
    ] {
        let event = trigger_event(&format!("yandex.cloud.events.{event_type}"), &[details]);
        let seen = Inspected(run.call(&event).outcome.value());
        assert_eq!((seen.text("trigger"), seen.event()), (trigger, event.clone().into_bytes()), "{event}");
        assert_eq!((seen.text("request_id"), seen.text("function")), ("6f0c-emulated", "d4emulated"));
    }
    assert_eq!(Inspected(run.call("[1]").outcome.value()).text("trigger"), "raw");
}

fn fails(run: &OnYandex, event: &str, kind: &str, words: &str) {
    let ended = run.call(event);
    let Outcome::ExecutionError(told) = &ended.outcome else { panic!("{ended:?}") };
    let told: Value = serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {told}"));
    assert_eq!(told["errorType"], kind, "{told}");
    assert!(told["errorMessage"].as_str().is_some_and(|text| text.contains(words)), "{told}");
    assert!(told["stackTrace"].is_array(), "{told}");
}

fn error(runtime: &Runtime) {
    fails(&OnYandex::of(runtime, "faulty"), faulty::ERROR, "Faulty.Error", "asked for an error");
}

fn panic(runtime: &Runtime) {
    fails(&OnYandex::of(runtime, "faulty"), faulty::PANIC, "Panic", "asked for a panic");
}

/// The platform tells no limit; the one that is set here is below its own.
fn deadline(runtime: &Runtime) {
    let run = OnYandex::new(runtime, Deployment::of("faulty").env("FAAS_TIMEOUT", "1s"), "faulty");
    fails(&run, faulty::SPIN, "Function.TimedOut", "did not answer within its time limit");
}

/// Events of any size; answers of at most a mebibyte.
fn large_body(runtime: &Runtime) {
    let run = OnYandex::of(runtime, "echo");
    let largest = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(run.call(&largest).outcome, Outcome::Success(largest[1..largest.len() - 1].into()));
    fails(&run, &format!("\"{}\"", "x".repeat(1 << 20)), "Function.ResponseSizeTooLarge", "1048576");
    let event = json!({"do": "nothing", "more": "x".repeat(5 << 20)}).to_string();
    assert_eq!(OnYandex::of(runtime, "faulty").call(event).outcome, Outcome::Success("fine".into()));
}

fn init_failure(runtime: &Runtime) {
    let run = OnYandex::new(runtime, Deployment::empty(), "missing");
    let ended = run.call("{}");
    assert!(
        matches!(&ended.outcome, Outcome::ExecutionError(told) if told.contains("no library for function")),
        "{ended:?}"
    );
    assert!(ended.log.contains("no library for function \"missing\""), "{}", ended.log);
}

fn sigterm_in_flight(runtime: &Runtime) {
    let run = OnYandex::new(runtime, Deployment::of("probe"), "probe.hold");
    let path = run.deployment.path("go");
    let mut call = run.begin();
    call.write(path.display().to_string().as_bytes());
    call.finish();
    call.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
    call.process().signal(Signal::Term).expect("the signal is sent");
    call.process().wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the function is let go");
    let ended = call.end(limit());
    assert_eq!(ended.outcome, Outcome::Success("let go".into()), "{}", ended.log);
}

/// Each call has a process of its own.
fn concurrency(runtime: &Runtime) {
    let run = OnYandex::new(runtime, Deployment::of("probe"), "probe.hold");
    let calls = ["a", "b"].map(|name| {
        let path = run.deployment.path(name);
        let mut call = run.begin();
        call.write(path.display().to_string().as_bytes());
        call.finish();
        call.process().wait_for_line(|line| line == "holding", limit()).expect("the function runs");
        (call, path)
    });
    for (call, path) in calls {
        std::fs::write(path, "").expect("the function is let go");
        assert_eq!(call.end(limit()).outcome, Outcome::Success("let go".into()));
    }
}

pub(crate) const SEVERAL: Row = Row {
    prefix: "",
    events: &[
        (
            r#"{"timer":{"source":"nightly"}}"#,
            r#"{"messages":[{"event_metadata":{"event_type":"yandex.cloud.events.serverless.triggers.TimerMessage"},
                "details":{"trigger_id":"nightly","payload":"p"}}]}"#,
        ),
        (
            r#"{"queue":{"source":"paid"}}"#,
            r#"{"messages":[{"event_metadata":{"event_type":"yandex.cloud.events.messagequeue.QueueMessage"},
                "details":{"queue_id":"yrn:yc:ymq:ru:b1:paid","message":{"message_id":"m","body":"b"}}}]}"#,
        ),
    ],
    hung: Hung::OneACall,
};

/// The function, and what its processes have written.
pub(crate) struct Calls {
    run: OnYandex,
    log: String,
}

impl Calls {
    fn outcome(&mut self, event: &str) -> Outcome {
        let ended = self.run.call(event);
        self.log.push_str(&ended.log);
        self.log.push('\n');
        ended.outcome
    }
}

impl Calls {
    /// A function whose folder is a package already, entry point and all.
    pub(crate) fn of_package(deployment: Deployment) -> Calls {
        Calls { run: OnYandex { deployment }, log: String::new() }
    }
}

impl Platform for Calls {
    /// Through API Gateway: an address of the function's own has no path.
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let mut event: Value = serde_json::from_str(&http_event(method, &[], &[], body)).expect("JSON");
        event["url"] = path.into();
        match self.outcome(&event.to_string()) {
            Outcome::ExecutionError(told) => Answer::Failed(told),
            outcome => {
                let response = outcome.response().unwrap_or_else(|why| panic!("{why}"));
                Answer::Reply { status: response.status, headers: response.headers, body: response.body }
            }
        }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        Answer::value(self.outcome(event).value().to_string())
    }

    fn view(&self) -> View<'_> {
        View::Log(&self.log)
    }
}

fn several_functions(runtime: &Runtime) {
    several::behave(&SEVERAL, |deployment| Calls { run: OnYandex::new(runtime, deployment, ""), log: String::new() });
}
