//! The statements of `docs/conformance/knative.md` on events in JSON.

use super::run::{OnKnative, binary, structured};
use integration::artifacts::Runtime;
use platform_emulators::cloudevents::Request;
use serde_json::{Value, json};

integration::both![
    names_of_other_characters_are_400,
    null_is_absent_and_null_data_is_there,
    a_text_in_json_is_not_parsed_again,
    text_and_bytes_go_there_and_back,
    numbers_that_are_no_integers_are_400,
    times_keep_their_text_and_what_is_none_is_400,
    a_function_that_cannot_read_its_data_is_not_asked_again,
];

/// Returns the answer of `cloud_event.document`: the event as JSON.
fn document(run: &OnKnative, request: &Request) -> Value {
    let answer = run.call(request);
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {} {}", answer.status, answer.text()))
}

fn documents(runtime: &Runtime) -> OnKnative {
    OnKnative::of(runtime, "cloud_event.document")
}

/// Sends requests that are no events. Each is refused with a reason, and calls no function.
fn refused(runtime: &Runtime, all: &[(&str, &str)]) {
    let run = OnKnative::of(runtime, "probe.phases");
    for (more, reason) in all {
        let answer = run.call(&structured(more));
        assert_eq!((answer.status, answer.text().contains(reason)), (400, true), "{more}: {}", answer.text());
    }
    assert_eq!(run.calls(), 0, "{}", run.process().output());
}

fn names_of_other_characters_are_400(runtime: &Runtime) {
    refused(
        runtime,
        &[
            (r#","Upper":"x""#, "\"Upper\""),
            (r#","under_score":"x""#, "\"under_score\""),
            (r#","dash-ed":"x""#, "\"dash-ed\""),
            (r#","dash-ed":null"#, "\"dash-ed\""),
            (r#","":1"#, "\"\""),
        ],
    );
    let run = documents(runtime);
    assert_eq!(document(&run, &structured(r#","lower7":"x""#))["lower7"], "x");
}

fn null_is_absent_and_null_data_is_there(runtime: &Runtime) {
    let run = documents(runtime);
    let seen = document(&run, &structured(r#","subject":null,"time":null,"data_base64":null"#));
    let members: Vec<_> = seen.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["id", "source", "specversion", "type"]);
    let seen = document(&run, &structured(r#","data":null"#));
    assert_eq!(seen.get("data"), Some(&Value::Null), "{seen}");
    refused(runtime, &[(r#","data":null,"data_base64":"AAE=""#, "both"), (r#","id":null"#, "twice")]);
}

fn a_text_in_json_is_not_parsed_again(runtime: &Runtime) {
    let run = documents(runtime);
    let text = r#"{"looks":"like JSON"}"#;
    let event = structured(&format!(r#","datacontenttype":"application/json","data":{}"#, json!(text)));
    assert_eq!(document(&run, &event)["data"], text);
    let same = OnKnative::of(runtime, "cloud_event.same");
    assert_eq!(same.call(&event).text(), json!(text).to_string(), "a JSON text, quotes and all");
}

fn text_and_bytes_go_there_and_back(runtime: &Runtime) {
    let (documents, same) = (documents(runtime), OnKnative::of(runtime, "cloud_event.same"));
    let text = structured(r#","datacontenttype":"text/plain","data":"gr\u00fcn \"100\"""#);
    assert_eq!(document(&documents, &text)["data"], "grün \"100\"");
    assert_eq!(same.call(&text).body, "grün \"100\"".as_bytes());
    let bytes = structured(r#","datacontenttype":"image/png","data_base64":"AAH/""#);
    assert_eq!(document(&documents, &bytes)["data_base64"], "AAH/");
    let answer = same.call(&bytes);
    assert_eq!((answer.header("content-type"), &answer.body[..]), (Some("image/png"), &[0, 1, 255][..]));
    let untyped = same.call(&structured(r#","data_base64":"AAE=""#));
    assert_eq!((untyped.header("content-type"), &untyped.body[..]), (None, &[0, 1][..]));
    let json = same.call(&structured(r#","data":{"a":1}"#));
    assert_eq!((json.header("content-type"), &*json.text()), (Some("application/json"), r#"{"a":1}"#));
}

fn numbers_that_are_no_integers_are_400(runtime: &Runtime) {
    refused(
        runtime,
        &[
            (r#","n":2147483648"#, "32 bits"),
            (r#","n":-2147483649"#, "32 bits"),
            (r#","n":1.5"#, "32 bits"),
            (r#","n":1e3"#, "32 bits"),
            (r#","n":{}"#, "neither text"),
            (r#","n":[1]"#, "neither text"),
        ],
    );
    let seen = document(&documents(runtime), &structured(r#","n":2147483647,"m":-2147483648,"flag":true"#));
    assert_eq!((&seen["n"], &seen["m"], &seen["flag"]), (&"2147483647".into(), &"-2147483648".into(), &"true".into()));
}

fn times_keep_their_text_and_what_is_none_is_400(runtime: &Runtime) {
    let run = documents(runtime);
    for time in ["2026-01-02T03:04:05.123456789+09:30", "2026-01-02T03:04:05Z", "2024-02-29T23:59:60-00:00"] {
        assert_eq!(document(&run, &structured(&format!(r#","time":"{time}""#)))["time"], time);
        assert_eq!(document(&run, &binary(&[("time", time)], ""))["time"], time);
    }
    refused(runtime, &[(r#","time":"noon""#, "RFC 3339"), (r#","time":"2025-02-29T00:00:00Z""#, "RFC 3339")]);
    assert_eq!(run.call(&binary(&[("time", "2026-01-02")], "")).status, 400);
}

fn a_function_that_cannot_read_its_data_is_not_asked_again(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "cloud_event.take_off");
    let answer = run.call(&binary(&[], "no JSON"));
    assert_eq!((answer.status, answer.text().contains("Runtime.UnmarshalError")), (400, true), "{}", answer.text());
}
