//! The details that a function is told of an event, and the way back of a reply to a request in one.

use crate::huawei_functiongraph::run::{launch, options, patient, start};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_plane::metadata;
use integration::wait::limit;
use platform_emulators::huawei_functiongraph::{self, KEYS, Options, Request};
use platform_emulators::runtime_api::Times;
use std::time::{SystemTime, UNIX_EPOCH};

integration::both![
    the_deadline_is_the_receipt_and_the_variables_limit,
    a_limit_that_is_none_means_no_deadline,
    keys_reach_the_context_and_never_the_log,
    without_an_agency_there_are_no_keys,
    a_reply_to_api_gateway_has_all_its_members,
    bodies_from_api_gateway_are_decoded_or_taken_as_they_are,
    bytes_go_back_to_api_gateway_in_base64,
    a_stream_goes_out_in_one_piece,
    each_spelling_of_records_is_a_source,
];

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("it is no geological age")
}

fn the_deadline_is_the_receipt_and_the_variables_limit(runtime: &Runtime) {
    let times = Times { limit: limit(), ..patient() };
    let run = launch(runtime, Deployment::of("inspect"), "inspect", Options { times, ..options() }).polling();
    let limit = limit().as_secs() * 1000;
    for _ in 0..2 {
        let before = now_ms();
        let deadline = run.inspect("{}").number("deadline_ms");
        assert!((before + limit..=now_ms() + limit).contains(&deadline), "{deadline}");
    }
    run.assert_clean();
}

fn a_limit_that_is_none_means_no_deadline(runtime: &Runtime) {
    for timeout in ["", "soon"] {
        let options = Options { timeout: Some(timeout.to_owned()), ..options() };
        let run = launch(runtime, Deployment::of("inspect"), "inspect", options).polling();
        assert!(run.inspect("{}").0["deadline_ms"].is_null(), "{timeout:?}");
    }
}

fn keys_reach_the_context_and_never_the_log(runtime: &Runtime) {
    let options = Options { agency: true, ..options() };
    let run = launch(runtime, metadata().env("FAAS_LOG", "trace"), "metadata.metadata", options).polling();
    for (name, value) in KEYS {
        assert_eq!(run.call(name).text(), value);
    }
    run.assert_clean();
    let said = run.last_words();
    assert!(!said.is_empty() && !said.contains("temporary-"), "{said}");
}

fn without_an_agency_there_are_no_keys(runtime: &Runtime) {
    let run = launch(runtime, metadata(), "metadata.metadata", options()).polling();
    for (name, _) in KEYS {
        assert_eq!(run.call(name).text(), "(none)");
    }
    assert_eq!(run.call("X-CFF-Invoke-Type").text(), "sync");
    run.assert_clean();
}

fn a_reply_to_api_gateway_has_all_its_members(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let request = Request { query: vec![("a".into(), "x y".into())], ..Request::new("GET", "/p") };
    let outcome = run.call(huawei_functiongraph::event(&request));
    let reply: serde_json::Value = serde_json::from_slice(&outcome.body).expect("JSON");
    assert!(reply["statusCode"] == 200 && reply["body"].is_string(), "{reply}");
    assert!(reply["headers"].is_object() && reply["isBase64Encoded"] == false, "{reply}");
    let seen = Inspected::read(&huawei_functiongraph::apig(&run.plane, &request).body);
    assert_eq!(seen.0["http"]["query"], serde_json::json!([["a", "x y"]]));
    assert_eq!(seen.0["http"]["client_ip"], "192.0.2.7");
    // A function without a word of HTTP in it is a whole reply, too.
    let run = start(runtime, "faulty");
    let reply = huawei_functiongraph::apig(&run.plane, &Request::new("GET", "/"));
    assert_eq!((reply.status, &reply.body[..]), (200, &b"\"fine\""[..]));
    run.assert_clean();
}

fn bodies_from_api_gateway_are_decoded_or_taken_as_they_are(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let all: Vec<u8> = (0..=255).collect();
    let request = Request { body: all.clone(), ..Request::new("POST", "/") };
    assert_eq!(Inspected::read(&huawei_functiongraph::apig(&run.plane, &request).body).body(), all);
    for (body, expected) in [(r#"{\"plain\":true}"#, &b"{\"plain\":true}"[..]), ("plain text", b"plain text")] {
        let event = format!(
            r#"{{"httpMethod":"POST","path":"/","headers":{{}},"requestContext":{{"apiId":"a"}},"body":"{body}",
            "isBase64Encoded":true}}"#
        );
        let reply: serde_json::Value = serde_json::from_slice(&run.call(event).body).expect("JSON");
        let seen = Inspected::read(reply["body"].as_str().expect("a text").as_bytes());
        assert_eq!(seen.body(), expected);
    }
    run.assert_clean();
}

fn bytes_go_back_to_api_gateway_in_base64(runtime: &Runtime) {
    let run = launch(runtime, metadata(), "metadata.mirror", options()).polling();
    for (body, coded) in [(&b"text"[..], false), (&[0xff, 0, 0xfe], true), (b"", false)] {
        let reply =
            huawei_functiongraph::apig(&run.plane, &Request { body: body.to_vec(), ..Request::new("POST", "/") });
        assert_eq!((reply.status, reply.coded, &reply.body[..]), (201, coded, body));
    }
    run.assert_clean();
}

fn a_stream_goes_out_in_one_piece(runtime: &Runtime) {
    let run = start(runtime, "stream");
    assert_eq!(run.call(r#"{"chunks":3,"bytes":16}"#).body.len(), 48);
    let reply = huawei_functiongraph::apig(&run.plane, &Request::new("GET", "/"));
    assert_eq!((reply.status, reply.body.len()), (200, 48));
    run.assert_clean();
}

fn each_spelling_of_records_is_a_source(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    for (trigger, event) in [
        ("timer", r#"{"trigger_type":"TIMER"}"#),
        ("stream", r#"{"trigger_type":"KAFKA","records":[]}"#),
        ("topic", r#"{"record":[{"smn":{}}]}"#),
        ("table", r#"{"records":[{"dds":{}}]}"#),
        ("storage", r#"{"Records":[{"eventSource":"OBS","s3":{}}]}"#),
        ("raw", r#"{"Records":[{"eventSource":"moon","s3":{}}]}"#),
    ] {
        assert_eq!(run.inspect(event).text("trigger"), trigger, "{event}");
    }
    run.assert_clean();
}
