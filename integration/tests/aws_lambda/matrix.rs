//! The matrix on AWS Lambda.

use crate::several::{self, Answer, Hung, Platform, Row, View};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::on_aws::OnAws;
use integration::wait::{limit, until_sigterm_is_handled};
use platform_emulators::aws::{Kind, Options};
use platform_emulators::process::Signal;
use serde_json::json;

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
    let run = OnAws::start(runtime, "echo", Options::default());
    for body in [&b""[..], b"{}", "grün".as_bytes(), &[0, 255, 10]] {
        assert_eq!(&run.call(body.to_vec()).body[..], body);
    }
    run.assert_clean();
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

fn error(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    let answer = run.aws.invoke(faulty::ERROR);
    assert_eq!(answer.kind, Kind::Error, "{}", answer.text());
    assert!(answer.text().contains("Faulty.Error"), "{}", answer.text());
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"", "the process lives on");
    run.assert_clean();
}

fn panic(runtime: &Runtime) {
    let run = OnAws::start(runtime, "faulty", Options::default());
    assert_eq!(run.aws.invoke(faulty::PANIC).kind, Kind::Error);
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"", "the process lives on");
    run.assert_clean();
}

fn deadline(runtime: &Runtime) {
    // The platform's own end of the environment would race with the report on a busy machine.
    let timeout = std::time::Duration::from_secs(2);
    let options = Options { timeout, enforce_deadline: false, ..Options::default() };
    let run = OnAws::start(runtime, "faulty", options);
    let answer = run.aws.invoke(faulty::SPIN);
    assert_eq!(answer.kind, Kind::Error, "{}", answer.text());
    assert!(answer.text().contains("TimedOut"), "{}", answer.text());
    run.process.wait(limit()).expect("a fresh process is to take its place");
}

fn large_body(runtime: &Runtime) {
    let run = OnAws::start(runtime, "echo", Options::default());
    let body = vec![b'x'; 5_900_000];
    assert_eq!(run.call(body.clone()).body.len(), body.len());
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let run = OnAws::launch(runtime, Deployment::empty(), "missing", Options::default());
    let status = run.process.wait(limit()).expect("it leaves");
    assert_eq!(status.code(), Some(1), "{}", run.process.output());
    let now = run.aws.wait_for(|now| now.ended, limit()).expect("the platform hears of it");
    assert!(now.ended);
    assert!(run.process.output().contains("no library for function \"missing\""), "{}", run.process.output());
}

fn sigterm_in_flight(runtime: &Runtime) {
    let options = Options { timeout: limit(), ..Options::default() };
    let run = OnAws::launch(runtime, Deployment::of("probe"), "probe.hold", options).polling();
    let path = run.deployment.path("go");
    let pending = run.aws.submit(path.display().to_string().as_str());
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    until_sigterm_is_handled(&run.process);
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(pending.wait().text(), "let go");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
    run.assert_clean();
}

fn concurrency(runtime: &Runtime) {
    let options = Options { timeout: limit(), max_concurrency: Some(4), ..Options::default() };
    let run = OnAws::launch(runtime, Deployment::of("probe"), "probe.hold", options).polling();
    run.aws.wait_for(|now| now.parked == 4, limit()).expect("four polls are parked");
    let paths: Vec<_> = (0..4).map(|number| run.deployment.path(&format!("go-{number}"))).collect();
    let pending: Vec<_> = paths.iter().map(|path| run.aws.submit(path.display().to_string().as_str())).collect();
    let all = || run.process.lines().iter().filter(|line| line.text == "holding").count() == 4;
    integration::wait::until("four run at once", &run.process, || all().then_some(())).expect("four at once");
    for path in paths {
        std::fs::write(path, "").expect("a handler is let go");
    }
    for one in pending {
        assert_eq!(one.wait().text(), "let go");
    }
    run.assert_clean();
}

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

impl Platform for OnAws {
    /// Through an HTTP API.
    fn request(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": {"content-type": "application/json"},
            "requestContext": {"stage": "$default", "http": {"method": method, "path": path}},
            "body": body, "isBase64Encoded": false,
        });
        match self.event("", &event.to_string()) {
            Answer::Reply { body, .. } => Answer::of_gateway(&serde_json::from_str(&body).expect("a reply in JSON")),
            failed => failed,
        }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        let answer = self.aws.invoke(event);
        if answer.kind == Kind::Response { Answer::value(answer.text()) } else { Answer::Failed(answer.text()) }
    }

    fn view(&self) -> View<'_> {
        View::Held(&self.process)
    }
}

/// One after the other, and several at once on a managed instance.
fn several_functions(runtime: &Runtime) {
    for max_concurrency in [None, Some(4)] {
        let options = Options { max_concurrency, ..Options::default() };
        several::behave(&SEVERAL, |deployment| OnAws::launch(runtime, deployment, "", options).polling());
    }
}
