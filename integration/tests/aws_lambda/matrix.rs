//! The matrix on AWS Lambda.

use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Rig, Run, View, lower};
use crate::several::{self, Hung, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{self, Kind, Options};
use platform_emulators::process::Process;
use serde_json::json;
use std::time::Duration;

pub(crate) const SEVERAL: Row = Row {
    prefix: "",
    events: &[
        (
            r#"{"timer":{"source":"nightly"}}"#,
            r#"{"source":"aws.events","detail-type":"Scheduled Event","resources":["arn:aws:events:r:1:rule/nightly"]}"#,
        ),
        (
            r#"{"queue":{"source":"paid"}}"#,
            r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:paid","messageId":"m"}]}"#,
        ),
    ],
    hung: Hung::Leaves,
};

impl Rig for OnAws {
    type Run = OnAws;

    const SEVERAL: Row = SEVERAL;
    const LARGE: usize = 5_900_000;
    const AT_ONCE: usize = 4;
    const PANIC: &'static str = "asked for a panic";

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAws {
        OnAws::launch(runtime, deployment, handler, Options::default())
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAws {
        OnAws::launch(runtime, deployment, handler, Options::default()).polling()
    }

    /// Starts a function with a short limit. The platform's own end of the environment would race with the report on a
    /// busy machine.
    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAws {
        let options = Options { timeout: Duration::from_secs(2), enforce_deadline: false, ..Options::default() };
        OnAws::launch(runtime, deployment, handler, options).polling()
    }

    fn patient(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAws {
        OnAws::launch(runtime, deployment, handler, Options { timeout: limit(), ..Options::default() }).polling()
    }

    fn at_once(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAws {
        let options = Options { timeout: limit(), max_concurrency: Some(4), ..Options::default() };
        let run = OnAws::launch(runtime, deployment, handler, options);
        run.aws.wait_for(|now| now.parked == 4, limit()).expect("four polls are parked");
        run
    }
}

/// Waits for a poll: an event that comes while none is parked is refused.
fn await_poll(run: &OnAws) {
    run.aws.wait_for(|now| now.parked > 0 || now.ended, limit()).expect("it polls, or has ended");
}

/// Returns the answer for the caller.
fn told(answer: aws_lambda::Answer) -> Answer {
    if answer.kind == Kind::Response { Answer::value(answer.body) } else { Answer::Failed(answer.text()) }
}

impl Platform for OnAws {
    /// Sends a request through an HTTP API.
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        let event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": lower(headers),
            "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
            "body": body, "isBase64Encoded": false,
        });
        match self.event("", &event.to_string()) {
            Answer::Reply { body, .. } => Answer::of_gateway(&serde_json::from_slice(&body).expect("a reply in JSON")),
            failed => failed,
        }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        await_poll(self);
        told(self.aws.invoke(event))
    }

    fn view(&self) -> View<'_> {
        View::Held(&self.process)
    }
}

impl Run for OnAws {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        await_poll(self);
        told(self.aws.invoke(body.to_vec()))
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let begun: Vec<_> = bodies.iter().map(|body| self.aws.submit(body.as_str())).collect();
        then(self, &[&self.process]);
        begun.into_iter().map(|one| told(one.wait())).collect()
    }

    fn assert_gone(&self) {
        self.aws.wait_for(|now| now.ended, limit()).expect("the platform hears of it");
    }

    fn assert_clean(&self) {
        OnAws::assert_clean(self);
    }
}

matrix! {
    OnAws;
    common echo, error, panic, deadline, large_body, init_failure, sigterm_in_flight, concurrency;
    own inspect_over_every_trigger, several_functions;
}

/// One event a source; every fixture of two crates is `aws_fixtures`' matter.
pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnAws::start(runtime, "inspect", Options::default());
    let http = [
        r#"{"version":"2.0","rawPath":"/a","requestContext":{"http":{"method":"GET","path":"/a"}}}"#,
        r#"{"version":"1.0","resource":"/a","path":"/a","httpMethod":"GET","requestContext":{"resourcePath":"/a"}}"#,
        r#"{"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"GET","path":"/a"}"#,
        r#"{"raw_path":"/a","method":"GET","headers":{}}"#,
    ];
    for event in http {
        let reply: serde_json::Value = serde_json::from_slice(&run.call(event).body).expect("a reply in JSON");
        assert_eq!(reply["statusCode"], 200, "{event}");
        let seen: serde_json::Value = serde_json::from_str(reply["body"].as_str().expect("a text")).expect("JSON");
        assert_eq!((&seen["trigger"], &seen["http"]["path"]), (&"http".into(), &"/a".into()), "{event}");
    }
    for (trigger, event) in [
        ("queue", r#"{"Records":[{"eventSource":"aws:sqs","messageId":"m"}]}"#),
        ("topic", r#"{"Records":[{"EventSource":"aws:sns","Sns":{}}]}"#),
        ("storage", r#"{"Records":[{"eventSource":"aws:s3","s3":{}}]}"#),
        ("stream", r#"{"Records":[{"eventSource":"aws:kinesis","kinesis":{}}]}"#),
        ("table", r#"{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{}}]}"#),
        ("timer", r#"{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}"#),
        ("event", r#"{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{}}"#),
        ("log", r#"{"awslogs":{"data":"H4sI"}}"#),
        ("websocket", r#"{"requestContext":{"connectionId":"c","routeKey":"$connect"}}"#),
        ("authorizer", r#"{"type":"TOKEN","methodArn":"arn:aws:execute-api:x","authorizationToken":"t"}"#),
        ("raw", r#"[1]"#),
    ] {
        let reply = run.call(event);
        let text = reply.text();
        assert!(
            text.contains(&format!(r#"\"trigger\":\"{trigger}\""#))
                || text.contains(&format!(r#""trigger":"{trigger}""#)),
            "{event}: {text}"
        );
    }
    run.assert_clean();
}

/// The functions run one after the other, and several at once on a managed instance.
fn several_functions(runtime: &Runtime) {
    for max_concurrency in [None, Some(4)] {
        let options = Options { max_concurrency, ..Options::default() };
        several::behave(&SEVERAL, |deployment| OnAws::launch(runtime, deployment, "", options).polling());
    }
}
