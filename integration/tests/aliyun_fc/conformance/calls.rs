//! Events: those that arrive, the details that functions are told, the replies, and the marks in the log.

use super::super::run::{OnFc, told};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use platform_emulators::aliyun_fc::{CREDENTIALS, Dialect, Event, Kind, Options};
use serde_json::Value;

integration::both![
    bodies_reach_the_function_byte_for_byte,
    json_is_decoded_whatever_the_content_type,
    the_context_tells_what_the_platform_says,
    what_the_platform_leaves_empty_is_absent,
    an_error_is_404_in_both_places_with_its_words,
    a_panic_is_an_error_and_the_connection_goes_on,
    a_success_is_200_in_both_places,
    each_call_is_marked_once_at_both_ends,
    a_call_that_is_tried_again_is_told_how_often,
    two_hundred_calls_run_at_once_and_never_mix,
    the_gateway_gets_four_members,
];

fn bodies_reach_the_function_byte_for_byte(runtime: &Runtime) {
    let run = OnFc::of(runtime, "echo");
    let all: Vec<u8> = (0..=255).collect();
    let mut large = vec![0; 32 << 20];
    large.iter_mut().enumerate().for_each(|(at, byte)| *byte = ((at * 31) >> 7) as u8);
    for body in [&b""[..], b"x", &all, &large[..6 << 20], &large] {
        let came = run.call(body.to_vec()).body;
        assert!(came == body, "{} bytes of {} came back, or others", came.len(), body.len());
    }
    let refused = run.fc.invoke(vec![0; (32 << 20) + 1]);
    assert!(matches!(refused.kind, Kind::InvalidArgument(_)), "more is never sent: {:?}", refused.kind);
    run.assert_clean();
}

fn json_is_decoded_whatever_the_content_type(runtime: &Runtime) {
    let run = OnFc::of(runtime, "faulty");
    assert_eq!(run.call(r#"{"do":"reply","bytes":12}"#).text(), "\"xxxxxxxxxx\"", "the platform says octet-stream");
    run.assert_clean();
}

/// The keys of `faas.h`: platform, request id, function, version, service, region, invoked as, account, handler.
const META: [&str; 9] = ["m6", "m1", "m2", "m3", "m4", "m7", "m10", "m12", "m13"];

fn the_context_tells_what_the_platform_says(runtime: &Runtime) {
    let options = Options {
        dialect: Dialect::Fc2,
        handler: "fc.told".to_owned(),
        qualifier: "prod".to_owned(),
        version_id: "7".to_owned(),
        memory_mb: 1024,
        timeout: 90,
        ..Options::default()
    };
    let run = OnFc::start(runtime, told(), options);
    let answer = run.call(META.join("\n").as_str());
    let Options { function, service, region, account, .. } = run.fc.options();
    let expected =
        ["aliyun-fc", &answer.request_id, function, "7", service, region, "prod", account, "fc.told"].join("\n");
    assert_eq!(answer.text().trim_end(), expected);
    let numbers = run.told(&["n5", "n4", "n2"]);
    assert_eq!(numbers[..2], ["1024", "0"]);
    let remaining: u64 = numbers[2].parse().expect("milliseconds");
    assert!((60_000..=90_000).contains(&remaining), "{remaining} ms of 90 s");
    let names = CREDENTIALS.map(|(name, _)| format!("px-fc-{name}"));
    let values = CREDENTIALS.map(|(_, value)| format!("{value};"));
    assert_eq!(run.told(&names.each_ref().map(String::as_str)), values);
    run.assert_clean();
}

fn what_the_platform_leaves_empty_is_absent(runtime: &Runtime) {
    let options = Options { role: false, qualifier: String::new(), region: String::new(), ..Options::default() };
    let run = OnFc::named(runtime, told(), "fc.told", options);
    // They are version, service, region, invoked as, trace; then credentials, and a name that is always there.
    let asked = ["m3", "m4", "m7", "m10", "m22", "px-fc-access-key-id", "px-fc-security-token", "px-fc-function-name"];
    assert_eq!(run.told(&asked), ["", "", "", "", "", "", "", "shop;"]);
    run.assert_clean();
}

fn an_error_is_404_in_both_places_with_its_words(runtime: &Runtime) {
    let run = OnFc::of(runtime, "faulty");
    let answer = run.fc.invoke(faulty::ERROR);
    let head = answer.head.as_ref().expect("an answer");
    assert_eq!((head.status, head.all("x-fc-status")), (404, vec!["404"]));
    assert_eq!(head.header("content-type"), Some("application/json"));
    let json: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!((&json["errorType"], &json["errorMessage"]), (&"Faulty.Error".into(), &"asked for an error".into()));
    let marks = answer.log.expect("the call's log");
    assert!(marks.ends_with(", Error: Unhandled function error\n"), "{marks}");
    run.assert_clean();
}

fn a_panic_is_an_error_and_the_connection_goes_on(runtime: &Runtime) {
    let run = OnFc::of(runtime, "faulty");
    for _ in 0..3 {
        let answer = run.fc.invoke(faulty::PANIC);
        assert_eq!((&answer.kind, answer.status()), (&Kind::FunctionError, 404), "{}", answer.text());
        // There is one call at a time: the emulator sends on the connection it has, and tells if that has ended.
        assert_eq!(run.call(faulty::FINE).text(), "\"fine\"");
    }
    run.assert_clean();
}

fn a_success_is_200_in_both_places(runtime: &Runtime) {
    let run = OnFc::named(runtime, told(), "fc.headers", Options::default());
    let answer = run.call("event");
    let head = answer.head.expect("an answer");
    assert_eq!((head.status, head.all("x-fc-status")), (200, vec!["200"]), "whatever the function says of it");
    assert_eq!((head.header("x-fc-request-id"), head.header("keep-alive")), (None, None));
    assert_eq!(answer.body, b"tea");
    run.assert_clean();
}

fn each_call_is_marked_once_at_both_ends(runtime: &Runtime) {
    let run = OnFc::of(runtime, "faulty");
    let mut ids = Vec::new();
    for (event, end) in [(faulty::FINE, ""), (faulty::ERROR, ", Error: Unhandled function error"), (faulty::FINE, "")] {
        let answer = run.fc.invoke(event);
        let id = answer.request_id;
        let log = answer.log.expect("the markers cut the call's log out");
        assert!(log.starts_with(&format!("FC Invoke Start RequestId: {id}\n")), "{log}");
        assert!(log.ends_with(&format!("FC Invoke End RequestId: {id}{end}\n")), "{log}");
        ids.push(id);
    }
    // The emulator takes every line that looks like a marker: right ones, once, in order, on standard output alone.
    run.assert_clean();
    assert!(ids[0] != ids[1] && ids[1] != ids[2]);
}

fn a_call_that_is_tried_again_is_told_how_often(runtime: &Runtime) {
    let run = OnFc::of(runtime, "faulty");
    let tries = run.fc.invoke_async(faulty::ERROR, 2);
    assert_eq!(tries.len(), 3, "an error makes the platform try again");
    assert_eq!(run.fc.invoke_async(faulty::FINE, 2).len(), 1, "and a success does not");
    run.assert_clean();
    let run = OnFc::named(runtime, told(), "fc.told", Options::default());
    let answer = run.call(Event { retries: 2, ..Event::from("n4") });
    assert_eq!(answer.text(), "2\n");
    run.assert_clean();
}

fn two_hundred_calls_run_at_once_and_never_mix(runtime: &Runtime) {
    const CALLS: usize = 200;
    let options = || Options { concurrency: CALLS, timeout: 600, ..Options::default() };
    // A function that blocks a thread is given one for each call.
    let deployment = Deployment::of("probe").env("FAAS_THREADS", "200");
    let run = OnFc::named(runtime, deployment, "probe.gate", options());
    let answers = at_once(&run, CALLS, "200");
    assert!(answers.iter().all(|(_, text)| text == "met"), "all two hundred are inside before one leaves");
    run.assert_clean();
    let run = OnFc::named(runtime, told(), "fc.told", options());
    for (request_id, text) in at_once(&run, CALLS, "m1\npx-fc-request-id") {
        assert_eq!(text, format!("{request_id}\n{request_id};\n"));
    }
    run.assert_clean();
}

/// Returns request ids and replies of this number of calls.
fn at_once(run: &OnFc, calls: usize, event: &str) -> Vec<(String, String)> {
    let one = || {
        let answer = run.call(event);
        (answer.request_id.clone(), answer.text())
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..calls).map(|_| scope.spawn(one)).collect();
        running.into_iter().map(|call| call.join().expect("it is answered")).collect()
    })
}

fn the_gateway_gets_four_members(runtime: &Runtime) {
    let run = OnFc::of(runtime, "hello");
    let event = r#"{"path":"/a","httpMethod":"GET","headers":{},"queryParameters":{"name":"ada"},"pathParameters":{},
        "body":"","isBase64Encoded":false}"#;
    let reply: Value = serde_json::from_slice(&run.call(event).body).expect("JSON");
    let members: Vec<_> = reply.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(members, ["body", "headers", "isBase64Encoded", "statusCode"], "{reply}");
    assert_eq!((&reply["statusCode"], &reply["isBase64Encoded"]), (&200.into(), &false.into()));
    assert!(reply["body"].as_str().is_some_and(|body| body.contains(r#""hello":"ada""#)), "{reply}");
    run.assert_clean();
}
