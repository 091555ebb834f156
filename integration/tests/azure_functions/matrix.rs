//! The matrix on Azure Functions.

use super::run::OnAzure;
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Refuses, Rig, Run, View};
use crate::several::{Hung, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use platform_emulators::azure_functions::{Bound, Call, Ended, Mode, Next, Request};
use platform_emulators::process::Process;
use serde_json::{Value, json};

/// The event of a row that is the clock's.
pub(crate) const TIMER: &str = "timer";

/// The host names the function of a call. The one that it sends requests to is called `api` there and is none of the
/// process: method and path determine which serves them.
pub(crate) const SEVERAL: Row =
    Row { prefix: "/api", events: &[(r#"{"timer":true}"#, TIMER), (r#"{"queue":true}"#, "red")], hung: Hung::GoesOn };

impl Rig for OnAzure {
    type Run = OnAzure;

    const SEVERAL: Row = SEVERAL;
    const BODIES: &'static [&'static [u8]] = &[b"", b"{}", "gr\u{fc}n \"\\\n".as_bytes()];
    const PANIC: &'static str = "asked for a panic";

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAzure {
        OnAzure::launch(runtime, deployment, handler, Mode::Envelope)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAzure {
        OnAzure::start(runtime, deployment, handler, Mode::Envelope)
    }
}

impl Platform for OnAzure {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        to_client(self, &Call::http("api", Request::new(method, path, headers, body)))
    }

    fn event(&mut self, function: &str, event: &str) -> Answer {
        let call = if event == TIMER { Call::timer(function) } else { Call::queue(function, event) };
        Answer::value(self.done(&call).raw["ReturnValue"].to_string())
    }

    fn view(&self) -> View<'_> {
        View::Shared(self.process())
    }
}

/// Returns the answer that the host gives the client of a call by a request.
pub(crate) fn to_client(run: &OnAzure, call: &Call) -> Answer {
    match run.call(call) {
        Ended::Done(done) => {
            let reply = done.reply.expect("a reply");
            Answer::Reply { status: reply.status, headers: reply.headers, body: reply.body }
        }
        Ended::Failed(why) => Answer::Failed(why),
        Ended::Hung => panic!("it is never answered: {}", run.process().output()),
    }
}

impl OnAzure {
    /// Returns a call by a message of a queue.
    fn message(&self, body: &[u8]) -> Call {
        Call::queue(&self.name, &String::from_utf8_lossy(body)).output("$return")
    }
}

fn told(ended: Ended) -> Answer {
    match ended {
        Ended::Done(done) => Answer::value(done.output("$return").unwrap_or_default()),
        Ended::Failed(why) => Answer::Failed(why),
        Ended::Hung => panic!("it is never answered"),
    }
}

impl Run for OnAzure {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        told(OnAzure::call(self, &self.message(body)))
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let process = self.process();
        let begin = |body: &String| self.host.begin(&self.message(body.as_bytes())).expect("it is open");
        let begun: Vec<_> = bodies.iter().map(begin).collect();
        then(self, &[&process]);
        begun.into_iter().map(|one| told(one.end().expect("what was accepted is answered"))).collect()
    }

    /// The event is the whole envelope. A client's request comes back byte for byte, its envelope around it.
    fn echoes(&mut self, body: &[u8]) {
        let call = Call::queue(&self.name, &String::from_utf8_lossy(body));
        let envelope: Value = serde_json::from_str(&call.envelope()).expect("JSON");
        assert!(self.done(&call).raw["ReturnValue"] == envelope, "another envelope of {} bytes", body.len());
        let request = Request::new("POST", "/api/echo", &[], body);
        let envelope = Call::http(&self.name, request.clone()).envelope();
        assert!(OnAzure::request(self, request).text() == envelope, "another request of {} bytes", body.len());
    }

    fn judge(&self, answer: &Answer, _: &str) {
        assert!(answer.text().starts_with("status 500"), "{answer:?}");
    }

    fn assert_clean(&self) {
        OnAzure::assert_clean(self);
    }
}

impl Refuses for OnAzure {
    fn one_more(&self) -> Answer {
        Answer::Failed(self.fails("one too many"))
    }

    fn is_refusal(answer: &Answer) -> bool {
        answer.text().starts_with("status 503") && answer.text().contains("Runtime.Overloaded")
    }
}

matrix! {
    OnAzure;
    common echo, error, panic, deadline, large_body, sigterm_in_flight, concurrency, refusal, several_functions;
    own inspect_over_every_trigger, init_failure;
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

/// The host tries again, and gives up with the third error.
fn init_failure(runtime: &Runtime) {
    let run = OnAzure::launch(runtime, Deployment::empty(), "missing", Mode::Envelope);
    for next in [Next::Restart, Next::Restart, Next::ShutDown] {
        assert_eq!(run.host.exited(), Ok((Some(1), next)));
    }
    let said = run.process().output();
    assert!(said.contains("no library for function \"missing\""), "{said}");
}
