//! The statements of `docs/conformance/google-cloud.md` on events and their forms.

use super::run::{OnGoogle, event, legacy};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use platform_emulators::cloudevents::Request;
use platform_emulators::google_cloud::Signature;
use platform_emulators::google_cloud::conformance::{self, Type};
use serde_json::{Value, json};

integration::both![
    the_suite_passes_for_requests,
    the_suite_passes_for_typed_functions,
    the_suite_passes_for_cloudevents,
    the_suite_passes_for_the_older_form,
    ten_calls_at_once_are_in_one_instance,
    an_object_of_storage_is_split_where_its_name_begins,
    a_firebase_database_without_a_domain_is_400,
    every_mode_is_taken_whatever_its_case_and_malformed_is_400,
    a_pushed_message_is_an_event_of_its_topic,
];

fn passes(runtime: &Runtime, handler: &str, signature: Signature, kind: Type) {
    let run = OnGoogle::function(runtime, handler, signature);
    let wrong = conformance::run(&run.instance, kind);
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", run.process().output());
    run.assert_clean();
}

fn the_suite_passes_for_requests(runtime: &Runtime) {
    passes(runtime, "echo", Signature::Http, Type::Http);
}

fn the_suite_passes_for_typed_functions(runtime: &Runtime) {
    passes(runtime, "cloud_event.payload", Signature::Http, Type::Typed);
}

fn the_suite_passes_for_cloudevents(runtime: &Runtime) {
    passes(runtime, "cloud_event.document", Signature::CloudEvent, Type::CloudEvent);
}

fn the_suite_passes_for_the_older_form(runtime: &Runtime) {
    passes(runtime, "echo", Signature::Event, Type::LegacyEvent);
}

/// The suite compares times; here the ten have to meet.
fn ten_calls_at_once_are_in_one_instance(runtime: &Runtime) {
    for signature in [Signature::Http, Signature::CloudEvent] {
        let run = OnGoogle::function(runtime, "probe.gate", signature);
        let all: Vec<_> = (0..10).map(|_| run.instance.begin(&event("t", "/s", "10")).expect("it is open")).collect();
        for pending in all {
            assert_eq!(pending.end().expect("it is answered").text(), "met", "{}", run.process().output());
        }
    }
}

/// Returns the arguments of a function of CloudEvents, as JSON.
fn given(run: &OnGoogle, request: &Request) -> Value {
    let answer = run.call(request);
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {} {}", answer.status, answer.text()))
}

fn documents(runtime: &Runtime) -> OnGoogle {
    OnGoogle::function(runtime, "cloud_event.document", Signature::CloudEvent)
}

fn an_object_of_storage_is_split_where_its_name_begins(runtime: &Runtime) {
    let run = documents(runtime);
    let bucket = "projects/_/buckets/recipes";
    for (name, subject) in [
        ("soups/a/b.md#1587627537231057", "objects/soups/a/b.md"),
        ("soups/a/b.md", "objects/soups/a/b.md"),
        ("a#b#17", "objects/a#b"),
        ("grün €.md", "objects/grün €.md"),
    ] {
        let resource = format!("{bucket}/objects/{name}");
        let seen = given(&run, &legacy("google.storage.object.finalize", &resource, "{}", ""));
        assert_eq!(
            (&seen["source"], &seen["subject"]),
            (&format!("//storage.googleapis.com/{bucket}").into(), &subject.into())
        );
    }
}

fn a_firebase_database_without_a_domain_is_400(runtime: &Runtime) {
    let run = documents(runtime);
    let write = |more: &str| {
        let resource = "projects/_/instances/kitchen/refs/a";
        legacy("providers/google.firebase.database/eventTypes/ref.write", resource, "{}", more)
    };
    let answer = run.call(&write(""));
    assert_eq!((answer.status, answer.text().contains("domain")), (400, true), "{}", answer.text());
    assert_eq!(run.call(&write(r#","domain":7"#)).status, 400);
    let source = "//firebasedatabase.googleapis.com/projects/_/locations/us-central1/instances/kitchen";
    assert_eq!(given(&run, &write(r#","domain":"firebaseio.com""#))["source"], source);
}

fn every_mode_is_taken_whatever_its_case_and_malformed_is_400(runtime: &Runtime) {
    let run = documents(runtime);
    let whole = json!({"specversion": "1.0", "id": "77", "source": "/s", "type": "t", "time": "2026-01-02T03:04:05.006Z",
        "datacontenttype": "application/json", "data": {"a": [1, null]}});
    let typed = |kind: &str, body: &str| Request::new("POST", "/", &[("Content-Type", kind)], body);
    assert_eq!(given(&run, &event("t", "/s", r#"{"a":[1,null]}"#)), whole);
    for kind in [
        "application/cloudevents+json",
        "application/cloudevents+json; charset=utf-8",
        "Application/CloudEvents+JSON;charset=UTF-8",
        "APPLICATION/CLOUDEVENTS+JSON",
    ] {
        assert_eq!(given(&run, &typed(kind, &whole.to_string())), whole, "{kind}");
    }
    for (request, status) in [
        (typed("application/cloudevents+json", "{"), 400),
        (typed("application/cloudevents+json", r#"{"specversion":"1.0"}"#), 400),
        (typed("application/cloudevents+json", &whole.to_string().replace("1.0", "0.3")), 400),
        (typed("application/cloudevents+avro", "x"), 415),
        (typed("application/json", r#"{"no":"event"}"#), 400),
        (event("t", "", "{}"), 400),
        (event("t", "/s", "{}").with("ce-subject", "%FF"), 400),
    ] {
        let answer = run.call(&request);
        assert_eq!(answer.status, status, "{request:?}: {}", answer.text());
        assert!(!answer.body.is_empty() && answer.header("x-google-status").is_none(), "a reason, and no crash");
    }
    run.assert_clean();
}

fn a_pushed_message_is_an_event_of_its_topic(runtime: &Runtime) {
    let push = json!({"message": {"data": "aGk=", "messageId": "1", "publishTime": "2026-01-02T03:04:05Z"}, "subscription": "s"});
    let request = Request::json(push.to_string()).to("/push/projects/p/topics/t?token=x");
    let seen = given(&documents(runtime), &request);
    assert_eq!((&seen["id"], &seen["data"]), (&"1".into(), &push));
    assert_eq!(seen["source"], "//pubsub.googleapis.com/projects/p/topics/t");
    let run = OnGoogle::start(runtime, Deployment::of("echo"), "echo", super::run::function(Signature::Event));
    let seen = given(&run, &request);
    assert_eq!(seen["context"]["resource"]["name"], "projects/p/topics/t");
    assert_eq!(
        (&seen["context"]["eventType"], &seen["data"]["data"]),
        (&"google.pubsub.topic.publish".into(), &"aGk=".into())
    );
}
