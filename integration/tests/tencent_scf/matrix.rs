//! The matrix on SCF, for event functions. One event is out at a time there; several at once are a web function's
//! matter.

use super::run::{launch, launch_web, patient, start, start_web};
use crate::event_function::{EventFunction, one_after_the_other};
use crate::matrix::{concurrency as all_at_once, matrix};
use crate::rig::{Header, Rig, lower};
use crate::several::{self, Hung, REQUESTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::runtime_api::Times;
use platform_emulators::tencent_scf::{self, Request};
use serde_json::json;
use std::time::Duration;

pub(crate) const SEVERAL: Row = Row {
    prefix: "",
    events: &[
        (
            r#"{"timer":{"source":"nightly"}}"#,
            r#"{"Type":"Timer","TriggerName":"nightly","Time":"2026-01-02T03:04:00Z","Message":"blue"}"#,
        ),
        (
            r#"{"topic":{"source":"paid"}}"#,
            r#"{"Records":[{"CMQ":{"type":"topic","topicName":"paid","msgBody":"hi"}}]}"#,
        ),
    ],
    hung: Hung::Leaves,
};

/// Returns the event of a request through a function URL.
pub(crate) fn event_of(method: &str, path: &str, headers: &[Header<'_>], body: &str) -> String {
    let mut headers = lower(headers);
    headers["x-scf-remote-addr"] = "192.0.2.7".into();
    json!({"body": body, "headers": headers, "httpMethod": method, "path": path, "queryString": {}}).to_string()
}

/// Returns the name of a handler; `None` where the handler is empty.
fn name(handler: &str) -> Option<&str> {
    Some(handler).filter(|handler| !handler.is_empty())
}

/// The rig of an event function.
struct Scf;

impl Rig for Scf {
    type Run = EventFunction;

    const SEVERAL: Row = SEVERAL;
    const LARGE: usize = 5_900_000;
    const PANIC: &'static str = "asked for a panic";

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> EventFunction {
        EventFunction { run: launch(runtime, deployment, name(handler), patient()), event_of }
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> EventFunction {
        EventFunction { run: launch(runtime, deployment, name(handler), patient()).polling(), event_of }
    }

    /// Starts a function with a short limit. The platform kills late here, so that the runtime's own report is what
    /// counts.
    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> EventFunction {
        let times = Times { limit: Duration::from_secs(2), ..patient() };
        EventFunction { run: launch(runtime, deployment, name(handler), times).polling(), event_of }
    }
}

/// The rig of a web function, whose instance may be given several requests.
struct Served;

impl Rig for Served {
    type Run = OnHttp;

    const SEVERAL: Row = REQUESTS;
    const AT_ONCE: usize = 4;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        launch_web(runtime, deployment, handler)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        start_web(runtime, deployment, handler)
    }
}

matrix! {
    Scf;
    common echo, error, panic, deadline, large_body, sigterm_in_flight;
    own inspect_over_every_trigger, init_failure, concurrency, several_functions;
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let request = Request { body: "body".to_owned(), ..Request::new("PUT", "/a%20b") };
    for front in [tencent_scf::url, tencent_scf::gateway] {
        let reply = front(&run.plane, &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        let seen = Inspected::read(reply.body.as_bytes());
        assert_eq!((seen.text("platform"), seen.text("trigger")), ("tencent-scf", "http"));
        assert_eq!((&seen.0["http"]["method"], &seen.0["http"]["path"]), (&"PUT".into(), &"/a b".into()));
        assert_eq!(seen.body(), b"body");
    }
    for (trigger, event) in [
        ("timer", r#"{"Type":"Timer","TriggerName":"t","Time":"2026-01-02T03:04:00Z","Message":"blue"}"#),
        ("storage", r#"{"Records":[{"cos":{"cosObject":{"key":"/1/b/a"}},"event":{"eventSource":"qcs::cos"}}]}"#),
        ("topic", r#"{"Records":[{"CMQ":{"type":"topic","topicName":"t","msgBody":"hi"}}]}"#),
        ("stream", r#"{"Records":[{"Ckafka":{"topic":"t","partition":0,"offset":1,"msgBody":"hi"}}]}"#),
        ("log", r#"{"clslogs":{"data":"H4sI"}}"#),
        ("raw", "[1]"),
    ] {
        let seen = run.inspect(event);
        assert_eq!((seen.text("trigger"), seen.event()), (trigger, event.as_bytes().to_vec()));
    }
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAULTY_START", "error");
    let run = launch(runtime, deployment, Some("faulty"), patient());
    let status = run.process.wait(limit()).expect("it leaves");
    assert_eq!(status.code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("asked not to start"), "{}", run.process.output());
    assert_eq!(run.asked(), Vec::<String>::new(), "there is no call to report it");
}

fn concurrency(runtime: &Runtime) {
    one_after_the_other(&start(runtime, "echo"));
    all_at_once::<Served>(runtime);
}

fn several_functions(runtime: &Runtime) {
    several::behave(&SEVERAL, |deployment| Scf::start(runtime, deployment, ""));
    several::behave(&REQUESTS, |deployment| Served::start(runtime, deployment, ""));
}
