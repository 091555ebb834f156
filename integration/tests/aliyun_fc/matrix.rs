//! The matrix on Function Compute.

use super::run::OnFc;
use crate::matrix::matrix;
use crate::rig::{Answer, Header, Platform, Rig, Run, View, on_threads};
use crate::several::{Hung, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::aliyun_fc::{self, Event, Kind, Options, Request};
use platform_emulators::process::Process;
use serde_json::Value;

pub(crate) const SEVERAL: Row = Row {
    prefix: "",
    events: &[
        (
            r#"{"timer":{"source":"nightly"}}"#,
            r#"{"triggerTime":"2026-01-02T03:04:05Z","triggerName":"nightly","payload":"blue"}"#,
        ),
        (r#"{"topic":{"source":"paid"}}"#, r#"{"TopicOwner":"1","Message":"hi","MessageMD5":"m","TopicName":"paid"}"#),
    ],
    hung: Hung::GoesOn,
};

impl Rig for OnFc {
    type Run = OnFc;

    const SEVERAL: Row = SEVERAL;
    const LARGE: usize = 32 << 20;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnFc {
        OnFc::launch(runtime, deployment, Options { handler: handler.to_owned(), ..Options::default() })
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnFc {
        OnFc::named(runtime, deployment, handler, Options { concurrency: 4, ..Options::default() })
    }

    fn limited(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnFc {
        OnFc::named(runtime, deployment, handler, Options { timeout: 2, ..Options::default() })
    }

    /// Returns an image, which finds its folder by itself.
    fn patient(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnFc {
        let root = deployment.root().display().to_string();
        let options = Options { container: true, timeout: 600, ..Options::default() };
        OnFc::named(runtime, deployment.env("FAAS_ROOT", &root), handler, options)
    }
}

impl Platform for OnFc {
    fn request_with(&mut self, method: &str, path: &str, headers: &[Header<'_>], body: &str) -> Answer {
        let request = Request::new(method, path).body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let response = self.fc.request(&request);
        Answer::Reply { status: response.status, headers: response.headers, body: response.pieces.concat() }
    }

    fn event(&mut self, _: &str, event: &str) -> Answer {
        Answer::value(self.call(event).text())
    }

    fn view(&self) -> View<'_> {
        View::Held(self.fc.process())
    }
}

/// Returns the answer for the caller of an event.
fn told(answer: aliyun_fc::Answer) -> Answer {
    match answer.kind {
        Kind::Success => Answer::value(answer.body),
        _ => Answer::Failed(answer.text()),
    }
}

impl Run for OnFc {
    fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    fn send(&mut self, body: &[u8]) -> Answer {
        told(self.fc.invoke(body.to_vec()))
    }

    fn during(&mut self, bodies: &[String], then: impl FnOnce(&Self, &[&Process])) -> Vec<Answer> {
        let invoke = |run: &OnFc, body: &str| told(run.fc.invoke(body));
        on_threads(self, bodies, invoke, || then(self, &[self.fc.process()]))
    }

    /// Sends the bytes as a client's request.
    fn other_ways(&mut self, body: &[u8]) -> Vec<Answer> {
        let response = self.fc.request(&Request::new("POST", "/any?q=1").body(body));
        vec![Answer::Reply { status: response.status, headers: response.headers, body: response.pieces.concat() }]
    }

    fn assert_clean(&self) {
        OnFc::assert_clean(self);
    }
}

matrix! {
    OnFc;
    common echo, deadline, large_body, sigterm_in_flight, several_functions;
    own inspect_over_every_trigger, error, panic, init_failure, concurrency;
}

/// A message of a queue of MNS, as EventBridge sends it alone; in a batch it is an element, or the text of one.
const MESSAGE: &str = r#"{"specversion":"1.0","id":"1","source":"MNS-Function-orders","type":"mns:Queue:SendMessage",
    "subject":"acs:mns:cn-hangzhou:1:queues/orders","data":{"requestId":"r","messageId":"m","messageBody":"hi"}}"#;

/// A batch of changes to a table, in CBOR.
const TABLESTORE: &[u8] = b"\xa2\x67Version\x67Sync-v1\x67Records\x81\xa3\x64Type\x66PutRow\x6aPrimaryKey\x81\xa2\x6a\
    ColumnName\x62id\x65Value\x18\x2a\x67Columns\x80";

pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnFc::of(runtime, "inspect");
    let seen = Inspected::read(&run.fc.request(&Request::new("PUT", "/a%20b?x=1&x=2").body("body")).body());
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("aliyun-fc", "http"));
    assert_eq!((&seen.0["http"]["path"], &seen.0["http"]["raw_query"]), (&"/a b".into(), &"x=1&x=2".into()));
    assert_eq!(seen.body(), b"body");
    for event in [
        r#"{"version":"v1","rawPath":"/a","headers":{"Host":"h"},"queryParameters":{"q":"1"},"body":"aGk=",
            "isBase64Encoded":true,"requestContext":{"domainName":"d","http":{"method":"POST","path":"/a",
            "protocol":"HTTP/1.1","sourceIp":"192.0.2.7","userAgent":"u"}}}"#,
        r#"{"path":"/a","httpMethod":"POST","headers":{"Host":"h"},"queryParameters":{"q":"1"},"pathParameters":{},
            "body":"aGk=","isBase64Encoded":"true"}"#,
    ] {
        let reply: Value = serde_json::from_slice(&run.call(event).body).expect("a reply in JSON");
        assert_eq!((&reply["statusCode"], &reply["isBase64Encoded"]), (&200.into(), &false.into()), "{reply}");
        let seen = Inspected::read(reply["body"].as_str().expect("a text").as_bytes());
        let http = &seen.0["http"];
        assert_eq!((seen.text("trigger"), &http["method"], &http["path"]), ("http", &"POST".into(), &"/a".into()));
        assert_eq!((http["query"].to_string().as_str(), &http["host"]), (r#"[["q","1"]]"#, &"h".into()));
        assert_eq!((seen.body(), seen.event()), (b"hi".to_vec(), event.as_bytes().to_vec()));
    }
    let bus = r#"{"id":"1","source":"acs.oss","specversion":"1.0","type":"oss:ObjectCreated:PutObject","data":{},
        "datacontenttype":"application/json","aliyunaccountid":"1","aliyuneventbusname":"default"}"#;
    let batch = r#"["{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"acs:alikafka\",\"type\":\"alikafka:Topic:Message\",
        \"data\":{\"value\":\"v\"}}"]"#;
    let batch = batch.replace("\n        ", "");
    for (trigger, event) in [
        (
            "storage",
            br#"{"events":[{"eventName":"ObjectCreated:PutObject","eventSource":"acs:oss","oss":{}}]}"#.to_vec(),
        ),
        ("event", br#"{"events":[{"eventName":"LogFileCreated","eventSource":"cdn"}]}"#.to_vec()),
        ("timer", br#"{"triggerTime":"2026-01-02T03:04:05Z","triggerName":"tick","payload":"blue"}"#.to_vec()),
        ("log", br#"{"parameter":{},"source":{"logstoreName":"l","shardId":0},"jobName":"j"}"#.to_vec()),
        ("topic", br#"{"body":"hi","attrs":{"Extend":"{}"}}"#.to_vec()),
        ("topic", br#"{"TopicOwner":"1","Message":"hi","MessageMD5":"m","TopicName":"t"}"#.to_vec()),
        ("raw", b"a message in its simplified form".to_vec()),
        ("table", TABLESTORE.to_vec()),
        ("event", bus.as_bytes().to_vec()),
        ("stream", batch.into_bytes()),
        ("queue", MESSAGE.as_bytes().to_vec()),
        ("queue", format!("[{MESSAGE}]").into_bytes()),
        ("queue", serde_json::json!([MESSAGE]).to_string().into_bytes()),
    ] {
        let seen = run.inspect(event.clone());
        assert_eq!(seen.text("trigger"), trigger, "{}", event.escape_ascii());
        assert_eq!(seen.event(), event);
    }
    run.assert_clean();
}

fn error(runtime: &Runtime) {
    let run = OnFc::of(runtime, "faulty");
    let answer = run.fc.invoke(faulty::ERROR);
    assert_eq!((&answer.kind, answer.status()), (&Kind::FunctionError, 404), "{}", answer.text());
    assert_eq!(answer.kind.error_type(), Some("HandledInvocationError"));
    let json: Value = serde_json::from_str(&answer.text()).expect("JSON");
    assert_eq!((&json["errorType"], json["stackTrace"].is_array()), (&"Faulty.Error".into(), true), "{json}");
    let response = run.fc.request(&Request::new("POST", "/").body(faulty::ERROR));
    assert_eq!((response.kind, response.status, response.said.as_deref()), (Kind::FunctionError, 500, Some("404")));
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"", "the process lives on");
    run.assert_clean();
}

fn panic(runtime: &Runtime) {
    let run = OnFc::of(runtime, "faulty");
    let answer = run.fc.invoke(faulty::PANIC);
    assert_eq!((&answer.kind, answer.status()), (&Kind::FunctionError, 404), "{}", answer.text());
    let response = run.fc.request(&Request::new("POST", "/").body(faulty::PANIC));
    assert_eq!((response.kind, response.status), (Kind::FunctionError, 500));
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"", "the process lives on");
    run.assert_clean();
}

fn init_failure(runtime: &Runtime) {
    let run = OnFc::launch(runtime, Deployment::empty(), Options::default());
    assert_eq!(run.fc.process().wait(limit()).expect("it leaves").code(), Some(1), "{}", run.output());
    let why = run.fc.dial().expect_err("nobody listens");
    assert!(why.starts_with("FunctionNotStarted: ") && why.contains("no library for function"), "{why}");
}

fn concurrency(runtime: &Runtime) {
    let options = Options { concurrency: 4, timeout: 600, ..Options::default() };
    let deployment = Deployment::of("probe").env("FAAS_CONCURRENCY", "4");
    let run = OnFc::named(runtime, deployment, "probe.hold", options);
    let paths: Vec<_> = (0..4).map(|number| run.deployment.path(&format!("go-{number}"))).collect();
    let events: Vec<_> = paths.iter().map(|path| path.display().to_string()).collect();
    std::thread::scope(|scope| {
        let pending: Vec<_> = events.iter().map(|event| scope.spawn(|| run.call(event.as_str()))).collect();
        run.until("holding", 4);
        assert_eq!(run.fc.invoke("one more").kind, Kind::Busy, "the platform sends no more");
        let refused = run.fc.invoke(Event { overcommit: true, ..Event::from("one more all the same") });
        assert_eq!((&refused.kind, refused.status()), (&Kind::FunctionError, 503), "{}", refused.text());
        for path in &paths {
            std::fs::write(path, "").expect("a handler is let go");
        }
        for one in pending {
            assert_eq!(one.join().expect("it is answered").text(), "let go");
        }
    });
    run.assert_clean();
}
