//! The matrix on Yandex' bash runtime.

use super::run::OnYandex;
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Rig, Run, View};
use crate::several::{Hung, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::process::Process;
use platform_emulators::yandex::{Outcome, http_event, trigger_event};
use serde_json::{Value, json};

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

impl Rig for Calls {
    type Run = Calls;

    const SEVERAL: Row = SEVERAL;
    /// The bodies that `echo` is sent. Bytes that are not JSON come back as a JSON text.
    const BODIES: &'static [&'static [u8]] = &[
        b"{}",
        b"[1,2]",
        "\"gr\u{fc}n\"".as_bytes(),
        b"null",
        b"{\"a\":{\"b\":[]}}\n",
        b"",
        b"two words",
        "gr\u{fc}n\n".as_bytes(),
    ];
    const AT_ONCE: usize = 2;
    const PANIC: &'static str = "asked for a panic";

    /// Prepares the function: each call starts a process.
    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> Calls {
        Calls::start(runtime, deployment, handler)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> Calls {
        Calls { run: OnYandex::new(runtime, deployment, handler), log: String::new() }
    }
}

/// A function, and the output of its processes.
pub(crate) struct Calls {
    run: OnYandex,
    log: String,
}

impl Calls {
    fn outcome(&mut self, event: impl AsRef<[u8]>) -> Outcome {
        let ended = self.run.call(event);
        self.log.push_str(&ended.log);
        self.log.push('\n');
        ended.outcome
    }

    /// Returns a function whose folder is a package already, entry point and all.
    pub(crate) fn of_package(deployment: Deployment) -> Calls {
        Calls { run: OnYandex { deployment }, log: String::new() }
    }
}

impl Platform for Calls {
    /// Sends a request through API Gateway: an address of the function's own has no path.
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        let mut event: Value = serde_json::from_str(&http_event(method, &[], headers, body)).expect("JSON");
        event["url"] = path.into();
        match self.outcome(event.to_string()) {
            Outcome::ExecutionError(told) => Answer::Failed(told),
            outcome => {
                let response = outcome.response().unwrap_or_else(|why| panic!("{why}"));
                Answer::Reply { status: response.status, headers: response.headers, body: response.body.into() }
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

/// Returns the answer for the caller of an event.
fn told(outcome: Outcome) -> Answer {
    match outcome {
        Outcome::ExecutionError(told) => Answer::Failed(told),
        outcome => match outcome.value() {
            Value::String(text) => Answer::value(text),
            value => Answer::value(value.to_string()),
        },
    }
}

impl Run for Calls {
    fn deployment(&self) -> &Deployment {
        &self.run.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        told(self.outcome(body))
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let begin = |body: &String| {
            let mut call = self.run.begin();
            call.write(body.as_bytes());
            call.finish();
            call
        };
        let begun: Vec<_> = bodies.iter().map(begin).collect();
        let processes: Vec<_> = begun.iter().map(|call| call.process()).collect();
        then(self, &processes);
        begun.into_iter().map(|mut call| told(call.end(limit()).outcome)).collect()
    }

    /// Sends the bytes as a value, since texts that are JSON come back as that JSON.
    fn echoes(&mut self, body: &[u8]) {
        let sent = serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into());
        assert_eq!(self.outcome(body), Outcome::Success(sent));
    }

    fn judge(&self, answer: &Answer, _: &str) {
        let told: Value = serde_json::from_str(&answer.text()).unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        assert!(told["stackTrace"].is_array(), "{told}");
    }
}

matrix! {
    Calls;
    common echo, error, panic, deadline, sigterm_in_flight, concurrency, several_functions;
    own inspect_over_every_trigger, large_body, init_failure;
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

/// Checks events of any size; answers have at most a mebibyte.
fn large_body(runtime: &Runtime) {
    let run = OnYandex::of(runtime, "echo");
    let largest = format!("\"{}\"", "x".repeat((1 << 20) - 2));
    assert_eq!(run.call(&largest).outcome, Outcome::Success(largest[1..largest.len() - 1].into()));
    let Outcome::ExecutionError(told) = run.call(format!("\"{}\"", "x".repeat(1 << 20))).outcome else {
        panic!("more than a mebibyte is an answer")
    };
    assert!(told.contains("Function.ResponseSizeTooLarge") && told.contains("1048576"), "{told}");
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
