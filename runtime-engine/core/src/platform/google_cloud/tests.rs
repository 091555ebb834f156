//! Google Cloud's requests to a container, one by one.

use super::super::cloudevents::tests::{EVENT, invoked, process, request};
use super::*;
use crate::failure::Failure;
use faas_abi::host::Invocation as Contract;
use faas_abi::{LIST_ATTRIBUTE, META_REQUEST_ID, META_SOURCE, META_TRACE, META_TRACEPARENT, META_TRIGGER};

fn opened(pairs: &[(&str, &str)]) -> Result<(Option<&'static str>, PlatformConfig), String> {
    let look_up = crate::testing::look_up(pairs);
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).expect("no setting is wrong here");
    open(&env, &settings).map_err(|bad| bad.to_string()).map(|opened| (mark(&env), opened))
}

fn server(pairs: &[(&str, &str)]) -> Box<dyn Serving> {
    match opened(pairs).expect("the variables fit").1.protocol {
        Protocol::Serving(server) => server,
        other => panic!("{other:?}"),
    }
}

fn of_type(signature: &str) -> Box<dyn Serving> {
    server(&[("FUNCTION_SIGNATURE_TYPE", signature)])
}

fn status(server: &dyn Serving, request: &Message) -> u16 {
    match server.route(&process(), request, State::Ready) {
        Route::Local(answer) => answer.status,
        Route::Health => 1,
        Route::Invoke(_) | Route::Rewritten(..) => 0,
        Route::Signal(signal) => panic!("{signal:?}"),
    }
}

const LEGACY: &str = r#"{"eventId":"9","timestamp":"2026-01-02T03:04:05Z",
    "eventType":"providers/firebase.auth/eventTypes/user.create","resource":"projects/p","data":{"uid":"u1"}}"#;

#[test]
fn a_service_outside_of_a_cluster_and_a_function_anywhere_are_googles() {
    let cluster = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    for (pairs, expected) in [
        (&[("K_SERVICE", "shop")][..], Some("K_SERVICE")),
        (&[("K_SERVICE", "shop"), cluster], None),
        (&[("FUNCTION_TARGET", "paint"), cluster], Some("FUNCTION_TARGET")),
        (&[("FUNCTION_SIGNATURE_TYPE", "event")], Some("FUNCTION_SIGNATURE_TYPE")),
        (&[("CLOUD_RUN_TIMEOUT_SECONDS", "60")], Some("CLOUD_RUN_TIMEOUT_SECONDS")),
        (&[], None),
    ] {
        assert_eq!(opened(pairs).expect("fits").0, expected, "{pairs:?}");
    }
}

#[test]
fn names_are_of_the_variables_and_the_log_is_googles() {
    let pairs = [
        ("K_SERVICE", "paint"),
        ("K_REVISION", "paint-00007-abc"),
        ("K_CONFIGURATION", "conf"),
        ("GOOGLE_CLOUD_PROJECT", "p"),
        ("FUNCTION_TARGET", "painter"),
    ];
    let opened = opened(&pairs).expect("fits").1;
    let Identity { function, version, service, account, handler, .. } = &opened.identity;
    assert_eq!((&**function, &**version, &**service), ("paint", "paint-00007-abc", "conf"));
    assert_eq!((&**account, &**handler), ("p", "painter"));
    let hint = opened.handler.expect("a function is named");
    assert_eq!((&*hint.text, hint.required, opened.log.format), ("painter", false, Some(Format::Google)));
}

#[test]
fn a_function_has_a_name_and_a_service_needs_none() {
    let hint = |pairs: &[(&str, &str)]| opened(pairs).expect("fits").1.handler.map(|hint| hint.text);
    assert_eq!(hint(&[("FUNCTION_SIGNATURE_TYPE", "http")]).as_deref(), Some("function"));
    assert_eq!(hint(&[("K_SERVICE", "paint")]), None);
}

#[test]
fn port_timeout_and_signature_are_checked() {
    assert_eq!(server(&[]).listen(), Listen::Tcp("0.0.0.0:8080"));
    assert_eq!(server(&[("PORT", "9000")]).listen(), Listen::Tcp("0.0.0.0:9000"));
    for (name, value, words) in [
        ("PORT", "x", "a port"),
        ("CLOUD_RUN_TIMEOUT_SECONDS", "soon", "a whole number"),
        ("FUNCTION_SIGNATURE_TYPE", "typed", "http, cloudevent or event"),
        ("CLOUD_RUN_JOB", "nightly", "a job is sent no requests"),
    ] {
        let why = opened(&[(name, value)]).expect_err(name);
        assert!(why.starts_with(name) && why.contains(words), "{why}");
    }
}

#[test]
fn two_paths_of_browsers_are_no_functions_and_all_others_are() {
    let function = of_type("http");
    for path in ["/favicon.ico", "/robots.txt?x"] {
        assert_eq!(status(&*function, &request("GET", path, &[], "")), 404, "{path}");
        assert_eq!(status(&*server(&[("K_SERVICE", "s")]), &request("GET", path, &[], "")), 0, "{path}");
    }
    for path in ["/", "/livez", "/readyz", "/a/favicon.ico"] {
        for method in ["GET", "POST", "DELETE", "PURGE"] {
            assert_eq!(status(&*function, &request(method, path, &[], "")), 0, "{method} {path}");
        }
    }
    let seen = invoked(&*function, request("POST", "/", &EVENT, "100C"));
    assert_eq!(seen.meta(META_TRIGGER), b"http", "an event is a request like any other");
}

#[test]
fn probes_are_known_by_paths_that_somebody_names_and_not_by_who_asks() {
    let named = server(&[("K_SERVICE", "s"), ("FAAS_LIVENESS_PATH", "/up"), ("FAAS_READINESS_PATH", "/ok")]);
    assert_eq!(status(&*named, &request("GET", "/up", &[], "")), 200);
    assert_eq!(status(&*named, &request("GET", "/ok", &[], "")), 1);
    let early = named.route(&process(), &request("GET", "/ok", &[], ""), State::Starting);
    assert!(matches!(&early, Route::Local(answer) if answer.status == 503), "{early:?}");
    for agent in ["GoogleHC/1.0", "kube-probe/1.33"] {
        let asked = request("GET", "/any", &[("User-Agent", agent)], "");
        assert_eq!(status(&*named, &asked), 0, "{agent}: it is the function's");
    }
}

#[test]
fn a_service_is_sent_events_and_requests() {
    let service = server(&[("K_SERVICE", "s")]);
    let event = invoked(&*service, request("POST", "/", &EVENT, "100C"));
    assert_eq!((event.meta(META_TRIGGER), event.meta(META_SOURCE)), (&b"event"[..], &b"cloudevents"[..]));
    let other = invoked(&*service, request("POST", "/", &[], LEGACY));
    assert_eq!(other.meta(META_TRIGGER), b"http");
}

#[test]
fn an_event_function_takes_no_other_method_than_post() {
    for signature in ["cloudevent", "event"] {
        let function = of_type(signature);
        for method in ["GET", "HEAD", "PUT", "OPTIONS"] {
            assert_eq!(status(&*function, &request(method, "/", &EVENT, "")), 405, "{method}");
        }
        assert_eq!(status(&*function, &request("POST", "/any/path", &EVENT, "{}")), 0);
        let broken = [("content-type", "application/cloudevents+json")];
        assert_eq!(status(&*function, &request("POST", "/", &broken, "{")), 400);
        assert_eq!(status(&*function, &request("POST", "/", &[], "no JSON")), 400);
    }
}

#[test]
fn a_cloudevent_function_is_given_the_older_form_as_an_event() {
    let event = invoked(&*of_type("cloudevent"), request("POST", "/", &[("Function-Execution-Id", "x1")], LEGACY));
    assert_eq!((event.meta(META_SOURCE), event.meta(META_REQUEST_ID)), (&b"cloudevents"[..], &b"x1"[..]));
    for (name, value) in [
        ("id", "9"),
        ("type", "google.firebase.auth.user.v1.created"),
        ("source", "//firebaseauth.googleapis.com/projects/p"),
        ("subject", "users/u1"),
        ("datacontenttype", "application/json"),
    ] {
        assert_eq!(event.get(LIST_ATTRIBUTE, name.as_bytes()), Some(value.as_bytes()), "{name}");
    }
    assert_eq!(event.body(), br#"{"uid":"u1"}"#);
    assert_eq!(status(&*of_type("cloudevent"), &request("POST", "/", &[], r#"{"x":1}"#)), 400);
}

#[test]
fn a_function_of_the_older_form_is_given_a_cloudevent_as_data_and_context() {
    let function = of_type("event");
    let headers = [
        ("ce-specversion", "1.0"),
        ("ce-id", "9"),
        ("ce-source", "//firebaseauth.googleapis.com/projects/p"),
        ("ce-type", "google.firebase.auth.user.v1.created"),
    ];
    let event = invoked(&*function, request("POST", "/", &headers, r#"{"uid":"u1"}"#));
    assert_eq!((event.meta(META_TRIGGER), event.meta(META_SOURCE)), (&b"event"[..], &b"google:firebase-auth"[..]));
    assert!(event.event().starts_with(br#"{"context":{"eventId":"9","#), "{}", event.event().escape_ascii());
    let flat = invoked(&*function, request("POST", "/", &[], LEGACY));
    assert!(flat.event().ends_with(br#","data":{"uid":"u1"}}"#), "{}", flat.event().escape_ascii());
    let other = invoked(&*function, request("POST", "/", &[], r#"{"x":1}"#));
    assert_eq!((other.meta(META_TRIGGER), other.event()), (&b"raw"[..], &br#"{"x":1}"#[..]));
    let batch = [("content-type", "application/cloudevents-batch+json")];
    assert_eq!(status(&*function, &request("POST", "/", &batch, "[]")), 204);
    let one = r#"[{"specversion":"1.0","id":"1","source":"s","type":"t"}]"#;
    assert_eq!(status(&*function, &request("POST", "/", &batch, one)), 415);
}

#[test]
fn the_trace_is_w3cs_where_it_is_sound_else_googles() {
    let trace = "11112222333344445555666677778888";
    let w3c = format!("00-{trace}-00000000000000ff-00");
    let cloud = format!("{trace}/12297848147757817309;o=1");
    let of_cloud = format!("00-{trace}-aaaabbbbccccdddd-01");
    for (first, second, traceparent, text) in [
        (&*w3c, &*cloud, &*w3c, &*cloud),
        ("junk", &*cloud, &*of_cloud, &*cloud),
        (&*w3c, "junk/;", &*w3c, ""),
        ("", "junk/1;o=1", "", ""),
    ] {
        let headers = [("traceparent", first), ("X-Cloud-Trace-Context", second)];
        let seen = invoked(&*of_type("http"), request("GET", "/", &headers, ""));
        assert_eq!((seen.meta(META_TRACEPARENT), seen.meta(META_TRACE)), (traceparent.as_bytes(), text.as_bytes()));
    }
}

#[test]
fn the_timeout_is_the_deadline() {
    let limited = server(&[("CLOUD_RUN_TIMEOUT_SECONDS", "60"), ("FAAS_TIMEOUT", "1s")]);
    let seen = invoked(&*limited, request("GET", "/", &[], ""));
    let left = seen.metadata().deadline.expect("there is one").remaining_ms(seen.process());
    assert!((50_000..=60_000).contains(&left), "{left}");
    assert!(invoked(&*of_type("http"), request("GET", "/", &[], "")).metadata().deadline.is_none());
}

#[test]
fn failures_say_what_they_are_in_a_header() {
    let function = of_type("http");
    for (kind, refused, status, word) in [
        ("Panic", false, 500, "crash"),
        ("Shop.Closed", false, 500, "crash"),
        ("Function.TimedOut", false, 504, "timeout"),
        ("Runtime.Overloaded", true, 429, "error"),
        ("Runtime.Closing", true, 503, "error"),
    ] {
        let (mut response, mut body) = (Response::default(), Vec::new());
        let (metadata, failure) = (InvocationMetadata::default(), Failure::new(kind, "why"));
        if refused {
            function.refused(
                FailedInvocation { metadata: &metadata, request_id: b"r", failure: &failure },
                &mut response,
                &mut body,
            );
        } else {
            function.failed(
                FailedInvocation { metadata: &metadata, request_id: b"r", failure: &failure },
                &mut response,
                &mut body,
            );
        }
        let found = response.headers.get(b"x-google-status", caseless);
        assert_eq!((response.status, found), (status, Some(word.as_bytes())), "{kind}");
        assert_eq!(response.headers.get(b"retry-after", caseless).is_some(), refused);
    }
}

#[test]
fn an_event_without_a_reply_is_204_for_both_kinds_of_functions() {
    for signature in ["cloudevent", "event"] {
        let function = of_type(signature);
        let mut invocation = invoked(&*function, request("POST", "/", &[], LEGACY));
        Contract::reply(&mut invocation, faas_abi::REPLY_VALUE, faas_abi::host::Given::EMPTY);
        let mut response = Response::default();
        function.respond(&invocation, &mut response, &mut Vec::new());
        assert_eq!((response.status, response.headers.len()), (204, 0), "{signature}");
    }
}
