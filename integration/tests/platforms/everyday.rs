//! The eight functions of `docs/everyday.md`, from one library, over plain HTTP, AWS Lambda and Knative.

use crate::knative::run::{OnKnative, service};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::Options;
use platform_emulators::cloudevents::Request;
use serde_json::{Value, json};

integration::both![over_plain_http, on_aws_lambda, on_knative];

const FORM: &[(&str, &str)] = &[("Content-Type", "application/x-www-form-urlencoded")];
const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const BATCH: &str = r#"{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":"7"},
    {"eventSource":"aws:sqs","messageId":"m2","body":"seven"}]}"#;
const TIMER: &str = r#"{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.events","account":"1",
    "time":"2026-01-02T03:04:05Z","region":"eu-west-1","resources":["arn:aws:events:eu-west-1:1:rule/nightly"],"detail":{}}"#;

/// Returns the library, with a manifest of its functions' routes and events.
fn deployment() -> Deployment {
    let http = |method: &str, path: &str| json!({"http": {"path": path, "method": method}});
    let function =
        |name: &str, events: &[Value]| json!({"name": name, "handler": format!("everyday.{name}"), "events": events});
    let manifest = json!({"version": 1, "name": "everyday", "functions": [
        function("order", &[http("POST", "/orders")]),
        function("item", &[http("GET", "/shops/{shop}/items/{id}")]),
        function("sign_up", &[http("any", "/sign-up")]),
        function("welcome", &[http("GET", "/welcome")]),
        function("ticks", &[http("GET", "/ticks")]),
        function("jobs", &[json!({"queue": true}), json!({"event": {"type": "dev.knative.kafka.event"}})]),
        function("tidy", &[json!({"timer": true}), json!({"event": {"type": "dev.knative.sources.ping"}})]),
        function("me", &[http("GET", "/me")]),
        function("user", &[http("GET", "/users/{id}")]),
    ]});
    Deployment::of("everyday").manifest(&manifest.to_string()).env("USERS_WORD", "open")
}

/// The reply for a client.
#[derive(Debug)]
struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    fn header(&self, wanted: &str) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| &**value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A request: method, path with its query, headers, body.
type Call<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)], &'c str);

/// Checks that each function that serves requests does its work.
fn behave(call: impl Fn(Call<'_>) -> Reply) {
    let ok = |call: Reply| {
        assert_eq!(call.status, 200, "{call:?}");
        call
    };

    let order = |body| call(("POST", "/orders", JSON, body));
    let reply = order(r#"{"item":"coffee","count":2}"#);
    assert_eq!((reply.status, &*reply.body), (201, "6"), "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let refused = order(r#"{"item":"tea","count":2}"#);
    let told = refused.json();
    assert_eq!(
        (refused.status, &told["errorType"], &told["errorMessage"]),
        (409, &json!("Order.SoldOut"), &json!("tea is sold out"))
    );
    assert!(told["requestId"].as_str().is_some_and(|id| !id.is_empty()), "{told}");
    let bad = order(r#"{"item":"coffee","count":"two"}"#);
    let why = r#"count: invalid type: string "two", expected u32 at line 1 column 30"#;
    assert_eq!((bad.status, &bad.json()["errorMessage"]), (400, &json!(why)));
    assert_eq!(call(("POST", "/orders", FORM, "item=coffee")).status, 415);

    let found = ok(call(("GET", "/shops/tea%20house/items/7?tag=green+tea&tag=b&page=2", &[], "")));
    let filter = json!({"tag": ["green tea", "b"], "page": 2});
    assert_eq!(found.json(), json!({"shop": "tea house", "id": 7, "filter": filter}));
    assert_eq!(call(("GET", "/shops/x/items/1000", &[], "")).status, 404);
    let bad = call(("GET", "/shops/x/items/seven", &[], ""));
    assert_eq!(
        (bad.status, &bad.json()["errorMessage"]),
        (400, &json!(r#"path parameter `id`: expected u64, found "seven""#))
    );

    let signed_up = call(("POST", "/sign-up", FORM, "name=Ann+Lee&age=30"));
    assert_eq!((signed_up.status, signed_up.header("location")), (303, Some("/welcome")));
    assert_eq!(call(("GET", "/sign-up?name=Tim&age=7", &[], "")).status, 422);
    let page = ok(call(("GET", "/welcome", &[], "")));
    assert_eq!((page.header("content-type"), &*page.body), (Some("text/html; charset=utf-8"), "<h1>Welcome</h1>"));

    let ticks = ok(call(("GET", "/ticks", &[], "")));
    assert_eq!(ticks.body, "id: 0\ndata: tick 0\n\nid: 1\ndata: tick 1\n\nid: 2\ndata: tick 2\n\n");

    assert_eq!(ok(call(("GET", "/me", &[("Authorization", "Bearer ann:open")], ""))).body, "ann");
    for (headers, kind) in [(&[][..], "User.Missing"), (&[("Authorization", "Bearer ann:shut")], "User.Unknown")] {
        let refused = call(("GET", "/me", headers, ""));
        assert_eq!((refused.status, &refused.json()["errorType"]), (401, &json!(kind)));
    }

    assert_eq!(ok(call(("GET", "/users/7", &[], ""))).json(), "user 7");
    assert_eq!(call(("GET", "/users/100", &[], "")).status, 404);
}

fn over_plain_http(runtime: &Runtime) {
    let run = OnHttp::start(runtime, deployment(), "welcome");
    let call = |(method, path, headers, body): Call<'_>| {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let reply = run.call(method, path, &headers, body.as_bytes());
        Reply { status: reply.status, body: reply.text(), headers: reply.headers }
    };
    behave(call);
}

fn on_knative(runtime: &Runtime) {
    let run = OnKnative::start(runtime, deployment(), "welcome", service());
    let call = |(method, path, headers, body): Call<'_>| {
        let answer = run.call(&Request::new(method, path, headers, body));
        Reply { status: answer.status, body: answer.text(), headers: answer.headers }
    };
    behave(call);
    let event = |of: &[(&str, &str)], body: &str| {
        let common = [("Content-Type", "application/json"), ("ce-specversion", "1.0"), ("ce-id", "m2")];
        call(("POST", "/", &[&common[..], of].concat(), body)).body
    };
    let job =
        [("ce-type", "dev.knative.kafka.event"), ("ce-source", "/apis/v1/namespaces/shop/kafkasources/jobs#jobs")];
    assert_eq!(event(&job, "7"), r#"{"batchItemFailures":[]}"#);
    assert_eq!(event(&job, r#""seven""#), r#"{"batchItemFailures":[{"itemIdentifier":"m2"}]}"#);
    let timer =
        [("ce-type", "dev.knative.sources.ping"), ("ce-source", "/apis/v1/namespaces/shop/pingsources/nightly")];
    assert_eq!(event(&timer, "{}"), "true");
    run.pod.process().wait_for_line(|line| line.contains("timer=nightly"), limit()).expect("the timer has its name");
}

fn on_aws_lambda(runtime: &Runtime) {
    let run = OnAws::launch(runtime, deployment(), "everyday", Options::default()).polling();
    let call = |(method, path, headers, body): Call<'_>| {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        // The gateway hands on the path with its coding undone.
        let path = path.replace("%20", " ");
        let headers: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), json!(value))).collect();
        let http = json!({"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "test"});
        let context = json!({"http": http, "requestId": "gateway-1", "stage": "$default", "apiId": "a", "accountId": "1",
            "domainName": "a.execute-api.eu-west-1.amazonaws.com", "time": "02/Jan/2026:03:04:05 +0000", "timeEpoch": 1});
        let event = json!({"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
            "headers": headers, "requestContext": context, "body": body, "isBase64Encoded": false});
        gateway_reply(&run.aws.invoke(&*event.to_string()).body)
    };
    behave(call);
    let failed: Value = serde_json::from_slice(&run.call(BATCH).body).expect("JSON");
    assert_eq!(failed, json!({"batchItemFailures": [{"itemIdentifier": "m2"}]}));
    assert_eq!(run.call(TIMER).text(), "true");
    run.process.wait_for_line(|line| line.contains("timer=nightly"), limit()).expect("the timer has its name");
    run.assert_clean();
}

/// Returns the reply in the form of an API gateway, or with a head before the body, as a stream has it.
fn gateway_reply(answer: &[u8]) -> Reply {
    let apart = answer.windows(8).position(|bytes| bytes == [0; 8]);
    let head: Value = serde_json::from_slice(&answer[..apart.unwrap_or(answer.len())]).expect("JSON");
    let body = match apart {
        Some(end) => String::from_utf8_lossy(&answer[end + 8..]).into_owned(),
        None => head["body"].as_str().unwrap_or_default().to_owned(),
    };
    let headers = head["headers"].as_object().into_iter().flatten();
    Reply {
        status: head["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status"),
        headers: headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect(),
        body,
    }
}
