//! The matrix on FunctionGraph, for event functions. One event is out at a time there; several at once are an HTTP
//! function's matter.

use super::run::{launch, launch_http, options, patient, start, start_http};
use crate::event_function::{EventFunction, one_after_the_other};
use crate::matrix::{concurrency as all_at_once, matrix};
use crate::rig::{Header, Rig};
use crate::several::{self, Hung, REQUESTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::huawei_functiongraph::{self, Options, Request};
use platform_emulators::runtime_api::{Kind, Times};
use std::time::Duration;

pub(crate) const SEVERAL: Row = Row {
    prefix: "",
    events: &[
        (
            r#"{"timer":{"source":"nightly"}}"#,
            r#"{"version":"v1.0","trigger_type":"TIMER","trigger_name":"nightly","user_event":"blue"}"#,
        ),
        (
            r#"{"topic":{"source":"paid"}}"#,
            r#"{"record":[{"event_source":"smn","smn":{"topic_urn":"urn:smn:region:project:paid","message":"hi"}}]}"#,
        ),
    ],
    hung: Hung::Leaves,
};

/// Returns the event of a request through API Gateway. Texts go back as they are.
pub(crate) fn event_of(method: &str, path: &str, headers: &[Header<'_>], body: &str) -> String {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    huawei_functiongraph::event(&Request { headers, body: body.into(), ..Request::new(method, path) })
}

/// The rig of an event function.
struct FunctionGraph;

impl Rig for FunctionGraph {
    type Run = EventFunction;

    const SEVERAL: Row = SEVERAL;
    const LARGE: usize = 5_900_000;
    const PANIC: &'static str = "asked for a panic";

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> EventFunction {
        EventFunction { run: launch(runtime, deployment, handler, options()), event_of }
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> EventFunction {
        EventFunction { run: launch(runtime, deployment, handler, options()).polling(), event_of }
    }

    /// Starts a function with a short limit. The platform kills late here, so that the runtime's own report is what
    /// counts.
    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> EventFunction {
        let times = Times { limit: Duration::from_secs(2), ..patient() };
        EventFunction { run: launch(runtime, deployment, handler, Options { times, ..options() }).polling(), event_of }
    }
}

/// The rig of an HTTP function, whose instance may be given several requests.
struct Served;

impl Rig for Served {
    type Run = OnHttp;

    const SEVERAL: Row = REQUESTS;
    const AT_ONCE: usize = 4;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        launch_http(runtime, deployment, handler)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        start_http(runtime, deployment, handler)
    }
}

matrix! {
    FunctionGraph;
    common echo, error, panic, deadline, large_body, sigterm_in_flight;
    own inspect_over_every_trigger, init_failure, concurrency, several_functions;
}

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let request = Request { body: b"\xff\x00body".to_vec(), ..Request::new("PUT", "/a%20b") };
    let reply = huawei_functiongraph::apig(&run.plane, &request);
    assert_eq!(reply.status, 200, "{reply:?}");
    let seen = Inspected::read(&reply.body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("huawei-functiongraph", "http"));
    assert_eq!((&seen.0["http"]["method"], &seen.0["http"]["path"]), (&"PUT".into(), &"/a b".into()));
    assert_eq!(seen.body(), b"\xff\x00body");
    for (trigger, event) in [
        ("timer", r#"{"version":"v1.0","trigger_type":"TIMER","trigger_name":"t","user_event":"blue"}"#),
        ("stream", r#"{"trigger_type":"KAFKA","records":[{"topic_id":"t","messages":["hi"]}]}"#),
        ("topic", r#"{"record":[{"event_source":"smn","smn":{"topic_urn":"urn","message":"hi"}}]}"#),
        ("storage", r#"{"Records":[{"eventSource":"OBS","s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}]}"#),
        ("stream", r#"{"ShardID":"s","Message":{"records":[]},"Tag":"latest","StreamName":"dis-1"}"#),
        ("log", r#"{"lts":{"data":"e30="}}"#),
        ("event", r#"{"cts":{"trace_name":"createFunction"}}"#),
        ("table", r#"{"records":[{"event_source":"dds","dds":{"size_bytes":"1"}}]}"#),
        ("raw", "[1]"),
    ] {
        let seen = run.inspect(event);
        assert_eq!((seen.text("trigger"), seen.event()), (trigger, event.as_bytes().to_vec()));
    }
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").env("FAULTY_START", "error");
    let run = launch(runtime, deployment, "faulty", options());
    let pending = run.plane.submit("{}");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    assert!(run.process.output().contains("asked not to start"), "{}", run.process.output());
    // The process may have left before the event was there.
    let kind = pending.wait().kind;
    assert!(matches!(kind, Kind::Exited | Kind::Unanswered), "{kind:?}");
    assert_eq!(run.asked(), Vec::<String>::new());
}

fn concurrency(runtime: &Runtime) {
    one_after_the_other(&start(runtime, "echo"));
    all_at_once::<Served>(runtime);
}

fn several_functions(runtime: &Runtime) {
    several::behave(&SEVERAL, |deployment| FunctionGraph::start(runtime, deployment, ""));
    several::behave(&REQUESTS, |deployment| Served::start(runtime, deployment, ""));
}
