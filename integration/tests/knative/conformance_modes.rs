//! The statements of `docs/conformance/knative.md` on the modes in which events come and go.

use super::run::{OnKnative, REQUIRED, binary, structured};
use integration::artifacts::Runtime;
use integration::wait::limit;
use platform_emulators::cloudevents::{Event, Request};
use platform_emulators::knative::Delivery;
use serde_json::{Value, json};

integration::both![
    a_binary_event_has_all_four_attributes,
    the_content_type_tells_the_mode_whatever_its_case,
    a_reply_codes_exactly_what_no_header_holds,
    header_values_are_unquoted_and_decoded_once,
    what_decodes_to_no_utf8_is_400,
    emoji_go_there_and_back,
    the_content_type_is_the_datas,
    a_reply_is_an_event_or_204,
    an_empty_batch_is_no_call,
    each_mode_turns_into_the_other_and_back,
];

/// Returns the answer of `cloud_event.same`: the event in binary mode, read as strictly as can be.
fn same(run: &OnKnative, request: &Request) -> Event {
    let answer = run.call(request);
    Event::read(&answer).unwrap_or_else(|why| panic!("{why}: {} {:?} {}", answer.status, answer.headers, answer.text()))
}

fn subject(run: &OnKnative, header: &str) -> Option<String> {
    same(run, &binary(&[], "").with("ce-subject", header)).attribute("subject").map(str::to_owned)
}

fn a_binary_event_has_all_four_attributes(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "inspect");
    assert_eq!(run.inspect(&binary(&[], "100C")).text("trigger"), "event");
    let events = OnKnative::of_events(runtime, "inspect");
    for (missing, _) in REQUIRED {
        let some: Vec<_> = REQUIRED.into_iter().filter(|(name, _)| *name != missing).collect();
        let request = Request::binary(&some, "100C");
        assert_eq!(run.inspect(&request).text("trigger"), "http", "without {missing}");
        assert_eq!(events.call(&request).status, 400, "without {missing}");
    }
    assert_eq!(events.call(&Request::new("GET", "/", &[], "")).status, 405);
    assert_eq!(events.inspect(&binary(&[], "100C")).text("trigger"), "event");
}

fn the_content_type_tells_the_mode_whatever_its_case(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "inspect");
    let event = String::from_utf8(structured("").body).expect("text");
    let typed = |kind: &str, body: &str| Request::new("POST", "/", &[("Content-Type", kind)], body);
    for kind in ["Application/CloudEvents+JSON", "application/cloudevents+json;charset=utf-8"] {
        assert_eq!(run.inspect(&typed(kind, &event)).text("trigger"), "event", "{kind}");
        assert_eq!(run.call(&typed(kind, &format!("[{event}]"))).status, 400, "a list is no event");
    }
    for kind in ["application/cloudevents-batch+json", "APPLICATION/CLOUDEVENTS-BATCH+JSON; charset=utf-8"] {
        assert_eq!(run.inspect(&typed(kind, &format!("[{event}]"))).text("trigger"), "event", "{kind}");
        assert_eq!(run.call(&typed(kind, &event)).status, 400, "an event is no list");
    }
    assert_eq!(run.call(&typed("application/cloudevents+avro", "x")).status, 415);
    assert_eq!(run.inspect(&typed("application/json", &event)).text("trigger"), "http");
}

fn a_reply_codes_exactly_what_no_header_holds(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "cloud_event.same");
    let stays = "!#$&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~";
    let text = format!("a \"b\" 100% {stays} \u{a0}é");
    let answer = run.call(&binary(&[("subject", &text)], ""));
    let coded = format!("a%20%22b%22%20100%25%20{stays}%20%C2%A0%C3%A9");
    assert_eq!(answer.header("ce-subject"), Some(&*coded));
}

fn header_values_are_unquoted_and_decoded_once(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "cloud_event.same");
    for (header, text) in [
        (r#""quoted \"text\" \\ %41""#, r#"quoted "text" \ A"#),
        ("Euro%20%e2%82%ac", "Euro €"),
        ("%2541", "%41"),
        ("100%", "100%"),
        ("Euro € raw", "Euro € raw"),
    ] {
        assert_eq!(subject(&run, header).as_deref(), Some(text), "{header}");
    }
}

fn what_decodes_to_no_utf8_is_400(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "probe.phases");
    for header in ["%C0%A0", "%FF", "a%ED%A0%80", "%00"] {
        let answer = run.call(&binary(&[], "").with("ce-subject", header));
        assert_eq!((answer.status, answer.text().contains("subject")), (400, true), "{header}: {}", answer.text());
    }
    assert_eq!(run.calls(), 0);
}

fn emoji_go_there_and_back(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "cloud_event.same");
    let event = same(&run, &binary(&[("subject", "pot 🍲 😀"), ("chef", "👩\u{200d}🍳")], "🍲"));
    assert_eq!((event.attribute("subject"), event.attribute("chef")), (Some("pot 🍲 😀"), Some("👩\u{200d}🍳")));
    assert_eq!(event.data, "🍲".as_bytes());
    let event = same(&run, &structured(r#","subject":"\ud83d\ude00""#));
    assert_eq!(event.attribute("subject"), Some("😀"));
}

fn the_content_type_is_the_datas(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "cloud_event.same");
    let stray = binary(&[("datacontenttype", "text/plain")], "100C").with("ce-datacontenttype", "image/png");
    let event = same(&run, &stray);
    assert_eq!((event.attribute("datacontenttype"), &event.data[..]), (Some("text/plain"), &b"100C"[..]));
    assert_eq!(same(&run, &binary(&[], "100C")).attribute("datacontenttype"), None);
}

fn a_reply_is_an_event_or_204(runtime: &Runtime) {
    let run = OnKnative::of(runtime, "cloud_event.take_off");
    let boiled = |celsius: &str| {
        let data = format!(r#"{{"pot":3,"celsius":{celsius}}}"#);
        run.call(&binary(&[("datacontenttype", "application/json")], data))
    };
    let answer = boiled("100");
    let Delivery::Reply(event) = Delivery::of(&answer) else { panic!("{answer:?}") };
    assert_eq!((answer.status, event.attribute("type")), (200, Some("org.example.pot.taken")));
    assert_eq!((event.attribute("id"), &event.data[..]), (Some("a1-taken"), &br#"{"pot":3}"#[..]));
    let answer = boiled("60");
    assert_eq!((answer.status, answer.body.len(), Delivery::of(&answer)), (204, 0, Delivery::Done));
    let answer = boiled("\"hot\"");
    assert_eq!((answer.status, Delivery::of(&answer)), (400, Delivery::GivenUp), "{}", answer.text());
    // Bytes that are an event in JSON are told as one.
    let echo = OnKnative::of(runtime, "echo");
    let answer = echo.call(&structured(r#","data":1"#));
    assert!(matches!(Delivery::of(&answer), Delivery::Reply(_)), "{answer:?}");
}

fn an_empty_batch_is_no_call(runtime: &Runtime) {
    let run = OnKnative::of_events(runtime, "probe.phases");
    let answer = run.call(&Request::batch(&[]));
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let event: Value = serde_json::from_slice(&structured("").body).expect("JSON");
    assert_eq!(run.call(&Request::batch(&[event.clone(), event.clone()])).text(), "done");
    run.process().wait_for_line(|line| line == "function in Invoke", limit()).expect("it ran");
    assert_eq!(run.calls(), 1, "one call for the whole list");
    let broken = run.call(&Request::batch(&[event, json!({})]));
    assert_eq!((broken.status, broken.text().contains("event 1")), (400, true), "{}", broken.text());
    assert_eq!(run.calls(), 1);
}

fn each_mode_turns_into_the_other_and_back(runtime: &Runtime) {
    let same_run = OnKnative::of(runtime, "cloud_event.same");
    let document_run = OnKnative::of(runtime, "cloud_event.document");
    let more = [
        ("subject", "pot \"three\" € 100%"),
        ("time", "2026-01-02T03:04:05.006007008+09:30"),
        ("dataschema", "https://example.org/pot"),
        ("level", "7"),
        ("flag", "true"),
    ];
    for (content_type, data) in [
        ("application/json", &br#"{"b":1.0,"a":[null,"\u00e9"]}"#[..]),
        ("application/json", b"\"a text\""),
        ("application/json", b"null"),
        ("text/plain; charset=utf-8", "grün\n".as_bytes()),
        ("image/png", &[0, 255, 137]),
        ("application/octet-stream", b""),
    ] {
        let sent = binary(&[&more[..], &[("datacontenttype", content_type)]].concat(), data);
        let first = same(&same_run, &sent);
        let document = document_run.call(&sent);
        assert_eq!(document.header("content-type"), Some("application/cloudevents+json; charset=utf-8"));
        let headers = [("Content-Type", "application/cloudevents+json; charset=utf-8")];
        let second = same(&same_run, &Request::new("POST", "/", &headers, document.body.clone()));
        let sorted = |event: &Event| {
            let mut attributes = event.attributes.clone();
            attributes.sort();
            attributes
        };
        assert_eq!(sorted(&first), sorted(&second), "{}", document.text());
        assert_eq!((&first.data[..], &second.data[..]), (data, data), "{}", document.text());
        for (name, value) in more {
            assert_eq!(second.attribute(name), Some(value));
        }
    }
}
