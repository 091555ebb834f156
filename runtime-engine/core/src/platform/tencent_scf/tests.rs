//! Detection, polls, answers, routes and responses, without a socket.

use super::super::plain_event::testing::{Pairs, World, is_due_in, opened, request, set, text};
use super::*;
use crate::failure::Failure;
use crate::invocation::{Invocation, InvocationMetadata};
use crate::platform::{Listen, PostOutcome, Route, State};
use crate::trigger::MessageFormat;
use faas_abi::host::Invocation as _;
use faas_abi::{LIST_HEADER, LIST_PLATFORM, META_ACCOUNT, META_CLIENT_IP, META_FUNCTION, META_REGION, META_REQUEST_ID};
use faas_abi::{META_STAGE, META_VERSION, NUM_DEADLINE_EPOCH_MS, NUM_MEMORY_MB, REPLY_RAW};

const API: Pairs<'_> = &[("SCF_RUNTIME_API", "127.0.0.1"), ("SCF_RUNTIME_API_PORT", "9001")];
const WEB: Pairs<'_> = &[("TENCENTCLOUD_RUNENV", "SCF"), ("SCF_FUNCTIONNAME", "shop")];

fn with(more: Pairs<'_>, pairs: Pairs<'_>) -> World {
    World::new(&[more, pairs].concat())
}

const EVENT: &str = "200 OK\nrequest_id: r-1\nMemory_Limit_In_Mb: 128\ntime_limit_in_ms: 3000\n\n{\"a\":1}";

#[test]
fn the_runtime_api_means_polling_and_every_other_mark_serving() {
    let way = |pairs: Pairs<'_>| match opened(pairs).map(|opened| (opened.identity.platform, opened.protocol)) {
        Ok((NAME, Protocol::Polling(polling))) => polling.endpoint().to_owned(),
        Ok((NAME, Protocol::Serving(serving))) => serving.listen().to_string(),
        Ok((other, _)) => other.to_owned(),
        Err(why) => why,
    };
    assert_eq!(way(API), "127.0.0.1:9001");
    assert_eq!(way(&[("SCF_RUNTIME_API", "fd00::1"), ("SCF_RUNTIME_API_PORT", " 9001 ")]), "[fd00::1]:9001");
    assert_eq!(way(&[("TENCENTCLOUD_RUNENV", "SCF")]), "0.0.0.0:9000");
    assert_eq!(way(&[("TENCENTCLOUD_RUNENV", "CVM")]), "http");
    assert_eq!(way(&[("SCF_FUNCTIONNAME", "shop"), ("PORT", "9100")]), "0.0.0.0:9100");
    assert_eq!(way(&[("SCF_FUNCTIONVERSION", "$LATEST")]), "0.0.0.0:9000");
    assert_eq!(way(&[API, &[("FAAS_SCF_MODE", "web")]].concat()), "0.0.0.0:9000");
    assert_eq!(way(&[("FAAS_PLATFORM", NAME)]), "0.0.0.0:9000");
}

#[test]
fn half_of_the_address_is_an_error_that_names_the_other_half() {
    for (pairs, expected) in [
        (&API[..1], "SCF_RUNTIME_API_PORT: expected the port of the runtime API, beside SCF_RUNTIME_API, found \"\""),
        (&API[1..], "SCF_RUNTIME_API: expected the host of the runtime API, beside SCF_RUNTIME_API_PORT, found \"\""),
        (&[("SCF_RUNTIME_API", "a b"), ("SCF_RUNTIME_API_PORT", "1")], "SCF_RUNTIME_API: expected the host"),
        (&[("SCF_RUNTIME_API", "https://h"), ("SCF_RUNTIME_API_PORT", "1")], "SCF_RUNTIME_API: expected the host"),
        (&[("SCF_RUNTIME_API", "h"), ("SCF_RUNTIME_API_PORT", "many")], "SCF_RUNTIME_API_PORT: expected the port"),
        (&[("FAAS_SCF_MODE", "poll"), ("SCF_FUNCTIONNAME", "x")], "SCF_RUNTIME_API: expected the host"),
        (&[("FAAS_SCF_MODE", "both"), ("SCF_FUNCTIONNAME", "x")], "FAAS_SCF_MODE: expected poll or web"),
    ] {
        let why = opened(pairs).expect_err("it does not fit");
        assert!(why.starts_with(expected) && why.contains("(platform tencent-scf: "), "{why}");
    }
}

#[test]
fn the_environment_names_function_place_and_folder() {
    let names = [
        ("SCF_FUNCTIONNAME", "shop"),
        ("SCF_FUNCTIONVERSION", "$LATEST"),
        ("SCF_NAMESPACE", "default"),
        ("TENCENTCLOUD_REGION", "ap-test"),
        ("TENCENTCLOUD_APPID", "1250000000"),
        ("TENCENTCLOUD_UIN", "100000000001"),
        ("USER_CODE_ROOT", "/var/user/"),
        ("_HANDLER", "index.main_handler"),
    ];
    let PlatformConfig { identity, handler, root, .. } = opened(&[API, &names].concat()).expect("it fits");
    assert_eq!((identity.function.as_str(), identity.version.as_str()), ("shop", "$LATEST"));
    assert_eq!((identity.stage.as_str(), identity.region.as_str()), ("default", "ap-test"));
    assert_eq!((identity.account.as_str(), identity.handler.as_str()), ("100000000001", "index.main_handler"));
    assert_eq!(root.as_deref(), Some("/var/user/"));
    assert!(handler.is_some_and(|handler| handler.text == "index.main_handler" && !handler.required));
    assert!(opened(API).expect("it fits").handler.is_none(), "a missing handler is none");
}

#[test]
fn requests_have_no_id_in_their_paths() {
    let world = World::new(API);
    let polling = world.polling();
    let (mut ready, mut next, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    assert!(polling.ready(&mut ready));
    polling.next(&mut next);
    polling.failed(b"r-1", &Failure::new("Boom", "no cat"), &mut failed);
    let agent = concat!("Host: 127.0.0.1:9001\r\nUser-Agent: runtime-engine/", env!("CARGO_PKG_VERSION"), "\r\n");
    assert_eq!(text(&next), format!("GET /runtime/invocation/next HTTP/1.1\r\n{agent}\r\n"));
    let post = |path: &str, content_type: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\n{agent}Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    assert_eq!(text(&ready), post("/runtime/init/ready", "text/plain", " "));
    let body = r#"{"errorType":"Boom","errorMessage":"no cat","stackTrace":[]}"#;
    assert_eq!(text(&failed), post("/runtime/invocation/error", "application/json", body));
    assert!(!polling.streams() && polling.concurrency() == 1, "one poll at a time");
    assert!(!polling.init_error(&Failure::new("a", "b"), &mut Vec::new()), "there is no such call");
}

#[test]
fn an_event_brings_id_memory_and_limit_under_names_of_any_case() {
    for event in [EVENT.to_owned(), EVENT.to_uppercase().replace("200 OK", "200 ok").replace("R-1", "r-1")] {
        let world = World::new(API);
        let invocation = world.polled(&event);
        assert_eq!(text(invocation.meta(META_REQUEST_ID)), "r-1");
        assert_eq!(invocation.num(NUM_MEMORY_MB), 128);
        assert!(is_due_in(3000, || world.polled(&event)), "the limit counts from the receipt");
        assert!(invocation.metadata().is_whole);
    }
}

#[test]
fn an_event_without_headers_is_served_without_them() {
    let invocation = World::new(API).polled("200 OK\n\n");
    assert_eq!((invocation.meta(META_REQUEST_ID), invocation.event()), (&b""[..], &b""[..]));
    assert_eq!((invocation.num(NUM_DEADLINE_EPOCH_MS), invocation.num(NUM_MEMORY_MB)), (0, 0));
    let odd = "200 OK\ntime_limit_in_ms: soon\nmemory_limit_in_mb: -1\n\nx";
    assert_eq!(World::new(API).polled(odd).num(NUM_DEADLINE_EPOCH_MS), 0);
    assert!(is_due_in(2000, || with(&[("FAAS_TIMEOUT", "2s")], API).polled(odd)));
}

#[test]
fn what_is_no_success_is_asked_for_again() {
    let world = World::new(API);
    assert_eq!(world.poll("202 Accepted\nrequest_id: r\n\nx"), "event");
    assert_eq!(world.poll("204 No Content"), "nothing");
    assert_eq!(world.poll("500 Oops"), "the runtime API answered 500 to the poll");
    assert_eq!(world.poll("404 Not Found\nrequest_id: r"), "the runtime API answered 404 to the poll");
    for (status, verdict) in [
        (200, PostOutcome::Accepted),
        (202, PostOutcome::Accepted),
        (400, PostOutcome::Dropped),
        (500, PostOutcome::Dropped),
    ] {
        assert_eq!(world.polling().verdict(status), verdict, "{status}");
    }
}

#[test]
fn a_result_goes_out_as_it_is_and_a_failure_as_json() {
    let world = World::new(API);
    let mut invocation = world.polled(EVENT);
    set(&mut invocation, REPLY_RAW, b"  plain \n");
    let answer = world.answer(&invocation);
    assert!(answer.starts_with("POST /runtime/invocation/response HTTP/1.1\r\n"), "{answer}");
    assert!(answer.ends_with("\r\nContent-Length: 9\r\n\r\n  plain \n"), "{answer}");
    invocation.set_failure(Failure { detail: "one\ntwo".into(), ..Failure::new("Boom", "no \"cat\"") });
    let answer = world.answer(&invocation);
    assert!(answer.starts_with("POST /runtime/invocation/error HTTP/1.1\r\n"), "{answer}");
    let body = r#"{"errorType":"Boom","errorMessage":"no \"cat\"","stackTrace":[]}"#;
    assert!(answer.ends_with(body), "{answer}");
}

#[test]
fn a_reply_to_a_request_in_an_event_has_the_form_of_its_source() {
    let world = World::new(API);
    let event = r#"{"httpMethod":"GET","path":"/","headers":{},"queryString":{}}"#;
    let mut invocation = world.polled(&format!("200 OK\nrequest_id: r\n\n{event}"));
    set(&mut invocation, 201, b"hi");
    let answer = world.answer(&invocation);
    assert!(answer.ends_with(r#"{"statusCode":201,"headers":{},"body":"hi","isBase64Encoded":false}"#), "{answer}");
}

#[test]
fn a_result_over_six_mebibytes_is_an_error_before_it_is_sent() {
    let world = World::new(API);
    let mut invocation = world.polled(EVENT);
    set(&mut invocation, REPLY_RAW, &vec![b'x'; MAX_RESULT]);
    assert!(world.answer(&invocation).starts_with("POST /runtime/invocation/response "));
    set(&mut invocation, REPLY_RAW, &vec![b'x'; MAX_RESULT + 1]);
    let answer = world.answer(&invocation);
    assert!(answer.starts_with("POST /runtime/invocation/error "), "{}", &answer[..80]);
    assert!(answer.contains("the result has 6291457 bytes, and the platform takes at most 6291456"), "{answer}");
}

#[test]
fn an_event_that_comes_again_after_its_answer_is_said() {
    let world = World::new(API);
    let mut invocation = world.polled(EVENT);
    world.polled(EVENT);
    assert_eq!(world.log(), "", "an event without an answer comes again by rule");
    set(&mut invocation, REPLY_RAW, b"");
    world.answer(&invocation);
    assert_eq!(world.poll(EVENT), "event");
    let log = world.log();
    assert!(log.contains("WARN r-1 runtime: this event comes again"), "{log}");
    assert_eq!((log.lines().count(), world.poll(&EVENT.replace("r-1", "r-2")).as_str()), (1, "event"));
    assert_eq!(world.log(), log);
}

fn routed(world: &World, method: &str, target: &str, headers: Pairs<'_>, body: &[u8]) -> Invocation {
    let message = request(method, target, headers, body);
    let Route::Invoke(metadata) = world.serving().route(&world.process, &message, State::Ready) else {
        panic!("an invocation")
    };
    world.invocation(message, metadata)
}

#[test]
fn a_post_to_event_invoke_is_an_event_and_all_else_a_request() {
    let world = World::new(WEB);
    assert_eq!(world.serving().listen(), Listen::Tcp("0.0.0.0:9000"));
    for (method, target, format) in [
        ("POST", "/event-invoke", MessageFormat::Event),
        ("POST", "/event-invoke?x=1", MessageFormat::Event),
        ("GET", "/event-invoke", MessageFormat::Request),
        ("POST", "/event-invoke/", MessageFormat::Request),
        ("POST", "/", MessageFormat::Request),
        ("GET", "/readyz", MessageFormat::Request),
    ] {
        assert_eq!(routed(&world, method, target, &[], b"").metadata().format, format, "{method} {target}");
    }
}

#[test]
fn a_health_check_is_answered_where_one_is_configured() {
    let world = with(&[("FAAS_READINESS_PATH", "/health")], WEB);
    let ask = |state| match world.serving().route(&world.process, &request("GET", "/health", &[], b""), state) {
        Route::Health => 200,
        Route::Local(answer) => answer.status,
        other => panic!("{other:?}"),
    };
    assert_eq!((ask(State::Ready), ask(State::Starting), ask(State::Stopping)), (200, 503, 503));
}

#[test]
fn the_platforms_headers_are_facts_and_no_part_of_the_request() {
    let headers = [
        ("X-Scf-Request-Id", "r-7"),
        ("X-Scf-Memory", "256"),
        ("X-Scf-Timeout", "7000"),
        ("X-Scf-Version", "3"),
        ("X-Scf-Name", "other"),
        ("X-Scf-Namespace", "default"),
        ("X-Scf-Region", "ap-test"),
        ("X-Scf-Appid", "1250000000"),
        ("X-Scf-Uin", "100000000001"),
        ("X-Scf-Secret-Key", "hush"),
        ("X-Scf-Remote-Addr", "192.0.2.7"),
        ("X-Mine", "1"),
    ];
    let world = World::new(&[("SCF_NAMESPACE", "test"), ("SCF_FUNCTIONNAME", "shop")]);
    let invocation = routed(&world, "GET", "/a", &headers, b"");
    let meta = |key| text(invocation.meta(key)).to_owned();
    assert_eq!((meta(META_REQUEST_ID).as_str(), meta(META_FUNCTION).as_str()), ("r-7", "other"));
    assert_eq!((meta(META_VERSION).as_str(), meta(META_REGION).as_str()), ("3", "ap-test"));
    assert_eq!((meta(META_ACCOUNT).as_str(), meta(META_CLIENT_IP).as_str()), ("100000000001", "192.0.2.7"));
    assert_eq!((meta(META_STAGE).as_str(), invocation.num(NUM_MEMORY_MB)), ("test", 256));
    assert!(is_due_in(7000, || routed(&world, "GET", "/a", &headers, b"")));
    assert_eq!((invocation.count(LIST_HEADER), invocation.get(LIST_HEADER, b"x-mine")), (1, Some(&b"1"[..])));
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-scf-secret-key"), Some(&b"hush"[..]));
    let bare = routed(&world, "GET", "/a", &[("X-Scf-Timeout", "soon"), ("X-Scf-Name", "")], b"");
    assert_eq!((text(bare.meta(META_FUNCTION)), bare.num(NUM_DEADLINE_EPOCH_MS)), ("shop", 0));
}

#[test]
fn an_events_result_is_the_response_and_its_failure_is_500() {
    let world = World::new(WEB);
    let mut invocation = routed(&world, "POST", "/event-invoke", &[], b"{\"Type\":\"Timer\",\"TriggerName\":\"t\"}");
    assert_eq!(invocation.decoded().source, "tencent:timer");
    set(&mut invocation, REPLY_RAW, b"{\"ok\":true}");
    let expected = (200, "content-type: application/json".to_owned(), r#"{"ok":true}"#.to_owned());
    assert_eq!(world.respond(&invocation), expected);
    set(&mut invocation, REPLY_RAW, &vec![b'x'; MAX_RESULT + 1]);
    assert_eq!(world.respond(&invocation).0, 500);
    invocation.set_failure(Failure::new("Boom", "no cat"));
    let (status, _, body) = world.respond(&invocation);
    assert_eq!((status, body.as_str()), (500, r#"{"errorType":"Boom","errorMessage":"no cat","stackTrace":[]}"#));
    let metadata = InvocationMetadata::default();
    assert_eq!(world.failed(&metadata, "Function.TimedOut").0, 500);
    assert_eq!(world.failed(&metadata, "Runtime.Overloaded").0, 503);
}

#[test]
fn a_requests_reply_is_http() {
    let world = World::new(WEB);
    let mut invocation = routed(&world, "GET", "/", &[], b"");
    set(&mut invocation, 404, b"gone");
    assert_eq!(world.respond(&invocation), (404, String::new(), "gone".to_owned()));
    invocation.set_failure(Failure::new("Boom", "no cat"));
    assert_eq!(world.respond(&invocation).0, 500);
    let metadata = InvocationMetadata { format: MessageFormat::Request, ..InvocationMetadata::default() };
    assert_eq!(world.failed(&metadata, "Function.TimedOut").0, 504);
}
