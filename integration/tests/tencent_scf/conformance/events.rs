//! The details that a function is told of an event, and of a request in one.

use crate::tencent_scf::run::{launch, patient, start};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::wait::limit;
use platform_emulators::runtime_api::{Event, Times};
use platform_emulators::tencent_scf::{self, Request};
use std::time::{SystemTime, UNIX_EPOCH};

integration::both![
    the_three_headers_are_read_in_any_case,
    an_event_without_them_is_served,
    the_deadline_is_the_receipt_and_the_limit,
    an_empty_event_is_empty_bytes,
    a_query_of_texts_lists_and_bare_names_is_one,
    a_function_url_is_a_request_without_a_context,
    the_client_is_named_by_context_or_header,
    a_message_of_a_topic_is_one_with_either_form_of_tags,
    a_stream_goes_out_in_one_piece,
];

fn own(headers: &[(&str, Option<&str>)]) -> Event {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned)));
    Event { id: Some("r-1".to_owned()), headers: headers.collect(), ..Event::from("{}") }
}

fn the_three_headers_are_read_in_any_case(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    for headers in [
        &[][..],
        &[("Request_Id", Some("r-1")), ("Memory_Limit_In_Mb", Some("256")), ("TIME_LIMIT_IN_MS", Some("60000"))],
    ] {
        let seen = run.inspect(own(headers));
        assert_eq!(seen.text("request_id"), "r-1");
        assert!(seen.0["deadline_ms"].is_number(), "{}", seen.0);
        assert_eq!((seen.text("function"), seen.text("version")), ("scf-function", "$LATEST"));
        assert_eq!(seen.text("region"), "ap-test");
    }
    run.assert_clean();
}

fn an_event_without_them_is_served(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let seen = run.inspect(own(&[("request_id", None), ("memory_limit_in_mb", None), ("time_limit_in_ms", None)]));
    assert_eq!((seen.text("request_id"), &seen.0["deadline_ms"]), ("", &serde_json::Value::Null));
    run.assert_clean();
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_millis()).expect("it is no geological age")
}

fn the_deadline_is_the_receipt_and_the_limit(runtime: &Runtime) {
    let times = Times { limit: limit(), ..patient() };
    let run = launch(runtime, Deployment::of("inspect"), Some("inspect"), times).polling();
    let limit = u64::try_from(limit().as_millis()).expect("it is short");
    // The second event comes long after the first: each has its own.
    for _ in 0..2 {
        let before = now_ms();
        let deadline = run.inspect("{}").number("deadline_ms");
        assert!((before + limit..=now_ms() + limit).contains(&deadline), "{deadline}");
    }
}

fn an_empty_event_is_empty_bytes(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let seen = run.inspect("");
    assert_eq!((seen.event(), seen.text("trigger")), (Vec::new(), "raw"));
    run.assert_clean();
}

/// Returns the findings of `inspect` in a request through a front.
fn seen(reply: &tencent_scf::Reply) -> Inspected {
    assert_eq!(reply.status, 200, "{reply:?}");
    Inspected::read(reply.body.as_bytes())
}

fn a_query_of_texts_lists_and_bare_names_is_one(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let some = |value: &str| Some(value.to_owned());
    let query = [("a", some("1")), ("b", some("x y")), ("b", some("&")), ("bare", None)];
    let query = query.map(|(name, value)| (name.to_owned(), value)).to_vec();
    for front in [tencent_scf::url, tencent_scf::gateway] {
        let seen = seen(&front(&run.plane, &Request { query: query.clone(), ..Request::new("GET", "/") }));
        let expected = serde_json::json!([["a", "1"], ["b", "x y"], ["b", "&"], ["bare", ""]]);
        assert_eq!(seen.0["http"]["query"], expected);
        assert_eq!(seen.0["http"]["raw_query"], "a=1&b=x%20y&b=%26&bare=");
    }
    run.assert_clean();
}

fn a_function_url_is_a_request_without_a_context(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let event = r#"{"httpMethod":"GET","path":"/p","headers":{"host":"h"},"queryString":{},"body":""}"#;
    let reply: serde_json::Value = serde_json::from_slice(&run.call(event).body).expect("a reply in JSON");
    let seen: serde_json::Value = serde_json::from_str(reply["body"].as_str().expect("a text")).expect("JSON");
    assert_eq!((seen["trigger"].as_str(), seen["http"]["path"].as_str()), (Some("http"), Some("/p")));
    run.assert_clean();
}

fn the_client_is_named_by_context_or_header(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    let request = Request::new("GET", "/");
    for (front, client) in [(tencent_scf::url as fn(&_, &_) -> _, "192.0.2.7"), (tencent_scf::gateway, "192.0.2.8")] {
        assert_eq!(seen(&front(&run.plane, &request)).0["http"]["client_ip"], client);
    }
    run.assert_clean();
}

fn a_message_of_a_topic_is_one_with_either_form_of_tags(runtime: &Runtime) {
    let run = start(runtime, "inspect");
    for tags in [r#"["a","b"]"#, r#""a, b""#] {
        let event =
            format!(r#"{{"Records":[{{"CMQ":{{"type":"topic","topicName":"t","msgBody":"hi","msgTag":{tags}}}}}]}}"#);
        let seen = run.inspect(event.as_str());
        assert_eq!((seen.text("trigger"), seen.event()), ("topic", event.into_bytes()));
    }
    run.assert_clean();
}

fn a_stream_goes_out_in_one_piece(runtime: &Runtime) {
    let run = start(runtime, "stream");
    assert_eq!(run.call(r#"{"chunks":3,"bytes":16}"#).body.len(), 48);
    for front in [tencent_scf::url, tencent_scf::gateway] {
        let reply = front(&run.plane, &Request::new("GET", "/"));
        assert_eq!((reply.status, reply.body.len()), (200, 48), "{reply:?}");
    }
    run.assert_clean();
}
