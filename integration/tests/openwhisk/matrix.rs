//! The matrix on OpenWhisk, as an action container.

use super::run::{Below, Container, NO_RESULT, action, error_of, own_error_of, until_held};
use super::web::inspected;
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Rig, Run, View, lower, on_threads};
use crate::several::{Hung, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use platform_emulators::openwhisk::{Activation, Init, Options, Outcome};
use platform_emulators::process::Process;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// The events of a feed of Kafka and one of a database. Timers send any text they are told to.
const SEVERAL: Row = Row {
    prefix: "",
    events: &[
        (
            r#"{"stream":true}"#,
            r#"{"messages":[{"partition":0,"key":null,"offset":421760,"topic":"paid","value":"v"}]}"#,
        ),
        (r#"{"table":true}"#, r#"{"dbname":"db","id":"6ca4","seq":"2-g1AA","changes":[{"rev":"2-da3f"}]}"#),
    ],
    hung: Hung::Leaves,
};

impl Rig for Container {
    type Run = Container;

    const SEVERAL: Row = SEVERAL;
    const BODIES: &'static [&'static [u8]] =
        &[b"{}", b"[]", "{ \"a\" : [1, 2.50, \"\u{fc}\\u00fc\\n\", null] }".as_bytes(), br#"[{"b":true}]"#];
    const LET_GO: &'static str = r#"{"let":"go"}"#;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> Container {
        Container::launch(runtime, deployment, handler, Options::default())
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> Container {
        Container::start(runtime, deployment, handler, Options::default())
    }

    fn holding() -> (Deployment, &'static str) {
        (action(), "action.hold")
    }

    fn held_by(path: &Path) -> String {
        json!({ "go": path }).to_string()
    }
}

/// Returns the arguments of a web action: the members of a body in JSON are among them.
fn web(method: &str, path: &str, headers: &[Header<'_>], body: &str) -> String {
    let mut arguments: Value = if body.is_empty() { json!({}) } else { body.parse().expect("an object") };
    arguments["__ow_method"] = method.to_ascii_lowercase().into();
    arguments["__ow_headers"] = lower(headers);
    arguments["__ow_headers"]["host"] = "h.example".into();
    arguments["__ow_path"] = path.into();
    arguments.to_string()
}

impl Platform for Below {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        let said = self.run(&web(method, path, headers, body));
        assert_eq!(said.status, 200, "{}; output:\n{}", said.json(), self.output());
        Answer::of_gateway(&said.json())
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        Answer::value(self.run(event).json().to_string())
    }

    fn view(&self) -> View<'_> {
        panic!("the proxy holds its child")
    }

    fn output(&self) -> String {
        Below::output(self)
    }
}

impl Platform for Container {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        match self.run(&web(method, path, headers, body)) {
            Outcome::Success(result) => Answer::of_gateway(&result),
            Outcome::ApplicationError(said) | Outcome::DeveloperError(_, said) => Answer::Failed(said.to_string()),
            other => panic!("{other:?}; output:\n{}", self.output()),
        }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        Answer::value(self.result(event).to_string())
    }

    fn view(&self) -> View<'_> {
        View::Held(self.invoker.process())
    }
}

impl Run for Container {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        let arguments = std::str::from_utf8(body).expect("arguments are JSON");
        let answer = self.invoker.send(&Activation::of(arguments));
        answer.unwrap_or_else(|error| panic!("{error}; output:\n{}", self.output())).into()
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let run = |run: &Container, body: &str| Answer::value(run.result(body).to_string());
        on_threads(self, bodies, run, || then(self, &[self.invoker.process()]))
    }

    fn terminate(&self, _: &Process) {
        self.invoker.terminate().expect("the signal is sent");
    }

    fn left(&self) -> Option<i32> {
        self.invoker.wait().expect("it leaves").code()
    }

    fn assert_clean(&self) {
        Container::assert_clean(self);
    }
}

matrix! {
    Container;
    common echo, sigterm_in_flight, several_functions;
    own inspect_over_every_trigger, error, panic, deadline, large_body, init_failure, refusal;
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = Container::of(runtime, "inspect");
    let kafka = r#"{"messages":[{"partition":0,"key":null,"offset":421760,"topic":"mytopic","value":"v"}]}"#;
    let change = r#"{"dbname":"db","id":"6ca4","seq":"2-g1AA","changes":[{"rev":"2-da3f"}]}"#;
    for (value, trigger) in [(r#"{"n":1}"#, "raw"), ("[1]", "raw"), (kafka, "stream"), (change, "table")] {
        let activation = Activation::of(value);
        let seen = inspected(run.invoker.run(&activation));
        assert_eq!((seen.text("platform"), seen.text("trigger")), ("openwhisk", trigger), "{value}");
        assert_eq!((seen.text("request_id"), seen.text("function")), (&*activation.id, "order"));
        assert_eq!((seen.text("version"), seen.event()), ("0.0.1", value.as_bytes().to_vec()));
    }
    for (mode, more) in [("raw", r#","__ow_query":"x=1","__ow_body":"aGk=""#), ("taken apart", r#","x":"1""#)] {
        let headers = r#"{"content-type":"application/json","cookie":"c=d","host":"h.example"}"#;
        let value = format!(r#"{{"__ow_method":"put","__ow_headers":{headers},"__ow_path":"/a%20b"{more}}}"#);
        let seen = inspected(run.run(&value));
        assert_eq!(seen.text("trigger"), "http", "{mode}");
        let http = &seen.0["http"];
        assert_eq!(
            (&http["method"], &http["path"], &http["host"]),
            (&"PUT".into(), &"/a b".into(), &"h.example".into())
        );
        assert_eq!((http["query"].to_string().as_str(), &http["cookies"]), (r#"[["x","1"]]"#, &json!(["c=d"])));
        assert_eq!(seen.body(), if mode == "raw" { &b"hi"[..] } else { br#"{"x":"1"}"# });
    }
    run.assert_clean();
}

fn error(runtime: &Runtime) {
    let run = Container::of(runtime, "faulty");
    assert!(own_error_of(&run.run(faulty::ERROR)).starts_with("Faulty.Error: "), "{}", run.output());
    assert_eq!(error_of(&run.run(faulty::FINE)), NO_RESULT, "the process lives on, and a text is no result");
    run.assert_clean();
}

fn panic(runtime: &Runtime) {
    let run = Container::of(runtime, "faulty");
    assert!(error_of(&run.run(faulty::PANIC)).starts_with("Panic: "), "{}", run.output());
    assert_eq!(error_of(&run.run(faulty::FINE)), NO_RESULT, "the process lives on, and a text is no result");
    run.assert_clean();
}

fn deadline(runtime: &Runtime) {
    let run = Container::of(runtime, "faulty");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later").as_millis();
    let deadline_ms = u64::try_from(now).expect("it is not that late") + 2_000;
    let outcome = run.invoker.run(&Activation { deadline_ms, ..Activation::of(faulty::HANG) });
    assert!(error_of(&outcome).starts_with("Function.TimedOut: "), "{outcome:?}");
    // That was the only thread that may run an activation.
    assert_eq!(run.invoker.wait().expect("it leaves").code(), Some(1), "{}", run.output());
    run.assert_clean();
}

fn large_body(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    let value = format!(r#"{{"a":"{}"}}"#, "x".repeat(1_048_561));
    let answer = run.invoker.send(&Activation::of(&value)).expect("an answer");
    assert!(answer.status == 200 && answer.text() == value, "{} bytes", answer.body.len());
    let value = format!("[{}0]", "0,".repeat(10_000_000));
    let answer = run.invoker.send(&Activation::of(&value)).expect("an answer");
    assert_eq!((answer.status, answer.body.len()), (200, value.len()));
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let run = Container::launch(runtime, Deployment::empty(), "missing", Options::default());
    let answer = run.invoker.init(&Init::default()).expect("an answer");
    assert_eq!(answer.status, 502, "{}", answer.text());
    let said: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    let error = said["error"].as_str().expect("an error");
    assert!(error.contains("no library for function \"missing\""), "{error}");
    assert_eq!(run.invoker.wait().expect("it leaves").code(), Some(1), "{}", run.output());
    run.assert_clean();
}

fn refusal(runtime: &Runtime) {
    let run = Container::start(runtime, action(), "action.hold", Options::default());
    std::thread::scope(|scope| {
        let held = scope.spawn(|| run.run(&run.until_file("go")));
        until_held(run.invoker.process(), 1);
        assert_eq!(run.run("{}"), Outcome::Rescheduled, "{}", run.output());
        run.let_go("go");
        assert_eq!(held.join().expect("it is answered"), Outcome::Success(json!({ "let": "go" })));
    });
    assert_eq!(run.result("{}"), json!({ "no": "path" }));
    run.assert_clean();
}
