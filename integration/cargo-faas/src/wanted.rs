//! Chooses the event that is sent: the one that somebody gives, or one that the functions are written for. `invoke`
//! sends it to a runtime of its own, and a running dev to the deployment that serves.

use crate::event;
use crate::events::request_of;
use crate::project::deployment::DeployedFunction;
use crate::recording::Recording;
use crate::stage::{CallInput, ClientRequest, Platform};
use handlers_sdk::testing::{Sample, samples};
use serde_json::Value;

/// The word for AWS in the names of samples.
const AWS: &str = "aws";

/// The events that a function is written for: of all that a deployment serves, the plainest.
#[derive(Debug, PartialEq, Eq)]
enum Serves<'a> {
    /// A request to a route: its method and its path, with parameters.
    Route(String, &'a str),
    /// Any request.
    Requests,
    /// Events of a kind: the word of the manifest.
    Events(&'a str),
    /// The deployment does not say it.
    Unsaid,
}

/// The input that the command line gives.
pub(crate) enum Given {
    /// A JSON text.
    Text(String),
    /// A recording of the layer `record`.
    Recording(Recording),
    /// A sample.
    Sample(&'static Sample),
}

/// The input that is sent on a platform.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// The input in words.
    pub(crate) title: String,
    pub(crate) input: CallInput,
    /// The function whose it is, for platforms that name it.
    pub(crate) function: Option<String>,
}

/// Returns the plainest of some functions, and the events that it serves. A request comes before anything else, and of
/// routes the shortest without parameters.
fn served(functions: &[DeployedFunction]) -> (Option<&DeployedFunction>, Serves<'_>) {
    let all = || functions.iter().flat_map(|function| function.events.iter().map(move |event| (function, event)));
    let routes =
        all().filter_map(|(function, event)| event.get("http").map(|http| (function, http))).map(|(function, http)| {
            let path = http["path"].as_str().unwrap_or("/");
            (path.contains([':', '*', '{']), first_method(&http["method"]) != "GET", path, http, function)
        });
    let plainest = routes.min_by_key(|(has_parameters, changes, path, ..)| (*has_parameters, *changes, *path));
    if let Some((_, _, path, http, function)) = plainest {
        let serves = match http.get("path") {
            Some(_) => Serves::Route(first_method(&http["method"]), path),
            None => Serves::Requests,
        };
        return (Some(function), serves);
    }
    let Some((function, event)) = all().next() else { return (functions.first(), Serves::Unsaid) };
    let kind = event.as_object().and_then(|members| members.keys().next());
    (Some(function), kind.map_or(Serves::Unsaid, |kind| Serves::Events(kind)))
}

/// Returns the method of a route, which is a text, a list, or not said, in capitals.
fn first_method(method: &Value) -> String {
    let first = method.as_str().or_else(|| method[0].as_str()).unwrap_or("GET").to_ascii_uppercase();
    if matches!(&*first, "ANY" | "ALL" | "*") { "GET".to_owned() } else { first }
}

/// Returns an event of AWS' that one of the functions is written for; a request is the event that API Gateway makes of
/// it.
pub(crate) fn on_aws(functions: &[DeployedFunction]) -> String {
    match served(functions).1 {
        Serves::Route(method, path) => event::of_route(&method, path),
        Serves::Requests | Serves::Unsaid => event::BUILT_IN.to_owned(),
        Serves::Events(kind) => sample_on_aws(kind)
            .map_or_else(|| "{}".to_owned(), |sample| String::from_utf8_lossy(sample.bytes()).into_owned()),
    }
}

/// Returns the sample of AWS' of a kind of event, of several the plainest; `None` if AWS has no such events.
fn sample_on_aws(kind: &str) -> Option<&'static Sample> {
    let name = match kind {
        "timer" => "aws/schedule",
        "queue" => "aws/sqs",
        "topic" => "aws/sns",
        "storage" => "aws/s3",
        "log" => "aws/logs",
        "stream" => "aws/kinesis",
        "table" => "aws/dynamodb",
        "event" => "aws/eventbridge",
        "websocket" => "aws/websocket",
        "authorizer" => "aws/authorizer",
        _ => return None,
    };
    samples().iter().find(|sample| sample.name() == name)
}

/// Returns the sample by which a platform tells a kind of event in a CloudEvent; `None` if it has a form of its own for
/// the kind, or none.
fn sample_in_cloudevent(platform: &str, kind: &str) -> Option<&'static Sample> {
    let name = match (platform, kind) {
        ("google-cloud", "topic" | "queue") => "google/pubsub",
        ("google-cloud", "storage") => "google/storage",
        ("google-cloud", "table") => "google/firestore",
        ("knative", "timer") => "knative/ping",
        ("knative", "stream" | "queue") => "knative/kafka",
        ("vefaas", "timer") => "vefaas/timer",
        _ => return None,
    };
    samples().iter().find(|sample| sample.name() == name)
}

/// Returns an event of a platform's, or a request, that one of the functions is written for. Where the platform has no
/// sample of the kind it is an empty object.
pub(crate) fn on(platform: &Platform, functions: &[DeployedFunction]) -> Wanted {
    let (function, serves) = served(functions);
    let function = function.map(|function| function.name.clone());
    let request = |method: &str, target: String| {
        let has_body = matches!(method, "POST" | "PUT" | "PATCH");
        let headers = has_body.then(|| ("content-type".to_owned(), "application/json".to_owned()));
        let body = if has_body { b"{}".to_vec() } else { Vec::new() };
        let title = format!("{method} {target}");
        (
            title,
            CallInput::Request(ClientRequest {
                method: method.into(),
                target,
                headers: headers.into_iter().collect(),
                body,
            }),
        )
    };
    let (title, input) = match serves {
        Serves::Route(method, path) => request(&method, event::target_of(path)),
        Serves::Requests | Serves::Unsaid => request("GET", "/?name=Ada%20Lovelace&lang=en".to_owned()),
        Serves::Events(kind) => {
            let is_it = |sample: &&Sample| sample.platform() == platform.name && sample.trigger() == kind;
            let found = match platform.samples {
                AWS => sample_on_aws(kind),
                _ => sample_in_cloudevent(platform.name, kind).or_else(|| samples().iter().find(is_it)),
            };
            match found {
                Some(sample) => (sample.name().to_owned(), of_sample(sample)),
                None => ("{}".to_owned(), CallInput::Event(b"{}".to_vec())),
            }
        }
    };
    Wanted { title, input, function }
}

/// Returns the input that the command line gives, for the function that is written for it.
pub(crate) fn given(given: Given, functions: &[DeployedFunction]) -> Wanted {
    let (title, input, kind) = match given {
        Given::Text(text) => ("JSON".to_owned(), CallInput::Event(text.into_bytes()), None),
        Given::Recording(Recording::Event(event)) => {
            ("a recording".to_owned(), CallInput::Event(event.into_bytes()), None)
        }
        Given::Recording(Recording::Request { method, target, headers, body }) => {
            let title = format!("{method} {target}");
            let body = body.into_bytes();
            (title, CallInput::Request(ClientRequest { method, target, headers, body }), Some("http"))
        }
        Given::Sample(sample) => (sample.name().to_owned(), of_sample(sample), Some(sample.trigger())),
    };
    let serves_it = |function: &&DeployedFunction| {
        function.events.iter().any(|event| kind.is_some_and(|kind| event.get(kind).is_some()))
    };
    let function = functions.iter().find(serves_it).or(functions.first());
    Wanted { title, input, function: function.map(|function| function.name.clone()) }
}

fn of_sample(sample: &Sample) -> CallInput {
    if sample.is_request() { CallInput::Request(request_of(sample)) } else { CallInput::Event(sample.bytes().to_vec()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage;
    use serde_json::json;

    fn functions(events: Value) -> [DeployedFunction; 1] {
        let events = events.as_array().unwrap().clone();
        [DeployedFunction { name: "f".into(), handler: "d.f".into(), events }]
    }

    #[test]
    fn without_an_event_it_is_one_that_the_function_is_written_for() {
        let made = |events: Value| on_aws(&functions(events));
        assert_eq!(made(json!([])), event::BUILT_IN);
        assert_eq!(made(json!([{"http": true}])), event::BUILT_IN);
        let route: Value =
            serde_json::from_str(&made(json!([{"timer": true}, {"http": {"path": "/a/:id/*", "method": ["PUT"]}}])))
                .unwrap();
        assert_eq!((&route["rawPath"], &route["requestContext"]["http"]["method"]), (&json!("/a/1/1"), &json!("PUT")));
        let plainest =
            json!([{"http": {"path": "/a/:id"}}, {"http": {"path": "/b", "method": "post"}}, {"http": {"path": "/b"}}]);
        let plainest: Value = serde_json::from_str(&made(plainest)).unwrap();
        assert_eq!(
            (&plainest["rawPath"], &plainest["requestContext"]["http"]["method"]),
            (&json!("/b"), &json!("GET"))
        );
        assert!(made(json!([{"queue": {"source": "jobs"}}])).contains("aws:sqs"));
    }

    #[test]
    fn every_kind_that_aws_has_is_a_sample_of_that_kind() {
        for kind in ["timer", "queue", "topic", "storage", "log", "stream", "table", "event", "websocket", "authorizer"]
        {
            assert_eq!(sample_on_aws(kind).map(Sample::trigger), Some(kind));
        }
        assert!(sample_on_aws("mail").is_none());
    }

    #[test]
    fn a_recording_is_sent_as_it_came_to_the_function_that_serves_its_kind() {
        let functions = functions(json!([{"http": {"path": "/a/:id"}}]));
        let headers = vec![("x-a".to_owned(), "1".to_owned())];
        let request = Recording::Request {
            method: "PUT".into(),
            target: "/a/7?b=c".into(),
            headers: headers.clone(),
            body: "{}".into(),
        };
        let wanted = given(Given::Recording(request), &functions);
        let CallInput::Request(request) = wanted.input else { panic!("{wanted:?}") };
        assert_eq!((&*request.method, &*request.target, request.headers), ("PUT", "/a/7?b=c", headers));
        assert_eq!((wanted.title.as_str(), wanted.function.as_deref()), ("PUT /a/7?b=c", Some("f")));
        let wanted = given(Given::Recording(Recording::Event("[1]".into())), &functions);
        assert!(matches!(&wanted.input, CallInput::Event(event) if event == b"[1]"), "{wanted:?}");
    }

    #[test]
    fn on_another_platform_it_is_a_request_or_that_platforms_sample() {
        let made = |events: Value, platform: &str| on(stage::platform(platform).unwrap(), &functions(events));
        let title = |events: Value, platform: &str| made(events, platform).title;
        assert_eq!(title(json!([{"http": {"path": "/a/:id", "method": "put"}}]), "fn"), "PUT /a/1");
        assert_eq!(title(json!([]), "fc"), "GET /?name=Ada%20Lovelace&lang=en");
        assert_eq!(title(json!([{"timer": true}]), "tencent"), "tencent/timer");
        assert_eq!(title(json!([{"queue": true}]), "aws"), "aws/sqs");
        for (kind, platform, sample) in [
            ("topic", "google", "google/pubsub"),
            ("queue", "google", "google/pubsub"),
            ("storage", "google", "google/storage"),
            ("table", "google", "google/firestore"),
            ("timer", "knative", "knative/ping"),
            ("queue", "knative", "knative/kafka"),
            ("timer", "vefaas", "vefaas/timer"),
        ] {
            assert_eq!(title(json!([{kind: true}]), platform), sample, "{kind} on {platform}");
        }
        let event = made(json!([{"event": true}]), "knative");
        assert_eq!(event.function.as_deref(), Some("f"));
        assert!(
            matches!(event.input, CallInput::Request(request) if request.method == "POST"),
            "it comes as a request"
        );
        assert!(matches!(made(json!([{"table": true}]), "fn").input, CallInput::Event(bytes) if bytes == b"{}"));
    }
}
