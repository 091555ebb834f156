//! Detection, polls, answers, routes and responses, without a socket.

use super::super::plain_event::testing::{Pairs, World, is_due_in, opened, request, set, text};
use super::*;
use crate::failure::Failure;
use crate::invocation::{Invocation, InvocationMetadata};
use crate::platform::{Initial, Listen, LocalResponse, PostOutcome, Route, Signal, StartAt, State};
use crate::trigger::MessageFormat;
use faas_abi::host::Invocation as _;
use faas_abi::{LIST_HEADER, LIST_PLATFORM, META_ACCOUNT, META_CLIENT_IP, META_FUNCTION, META_REGION, META_REQUEST_ID};
use faas_abi::{META_SERVICE, META_VERSION, NUM_DEADLINE_EPOCH_MS, NUM_MEMORY_MB, REPLY_RAW};

const API: Pairs<'_> =
    &[("RUNTIME_API_ADDR", "127.0.0.1:28800"), ("RUNTIME_FUNC_NAME", "shop"), ("RUNTIME_PROJECT_ID", "p-1")];
const HTTP: Pairs<'_> = &[("RUNTIME_FUNC_NAME", "shop"), ("RUNTIME_PROJECT_ID", "p-1")];
const IMAGE: Pairs<'_> = &[("RUNTIME_FUNC_NAME", "shop"), ("RUNTIME_CODE_ROOT", "/c"), ("FAAS_HUAWEI_MODE", "event")];

fn with(more: Pairs<'_>, pairs: Pairs<'_>) -> World {
    World::new(&[more, pairs].concat())
}

const EVENT: &str = "200 OK\nx-cff-request-id:   r-1  \nX-CFF-Invoke-Type: sync\nX-CFF-Secret-Key: hush\n\n{\"a\":1}";

#[test]
fn two_of_the_variables_mark_the_platform_and_the_address_means_polling() {
    let way = |pairs: Pairs<'_>| match opened(pairs).map(|opened| (opened.identity.platform, opened.protocol)) {
        Ok((NAME, Protocol::Polling(polling))) => polling.endpoint().to_owned(),
        Ok((NAME, Protocol::Serving(serving))) => serving.listen().to_string(),
        Ok((other, _)) => other.to_owned(),
        Err(why) => why,
    };
    assert_eq!(way(API), "127.0.0.1:28800");
    assert_eq!(way(&API[..2]), "127.0.0.1:28800");
    for name in ["RUNTIME_API_ADDR", "RUNTIME_FUNC_NAME", "RUNTIME_PROJECT_ID", "RUNTIME_CODE_ROOT"] {
        assert_eq!(way(&[(name, "127.0.0.1:1")]), "http", "{name} alone is anybody's");
    }
    assert_eq!(way(HTTP), "127.0.0.1:8000");
    assert_eq!(way(&[("RUNTIME_CODE_ROOT", "/c"), ("RUNTIME_PROJECT_ID", "p")]), "127.0.0.1:8000");
    assert_eq!(way(&[HTTP, &[("FAAS_HOST", "0.0.0.0"), ("PORT", "8100")]].concat()), "0.0.0.0:8100");
    assert_eq!(way(IMAGE), "0.0.0.0:8000");
    assert_eq!(way(&[API, &[("FAAS_HUAWEI_MODE", "http")]].concat()), "127.0.0.1:8000");
    assert_eq!(way(&[("FAAS_PLATFORM", NAME)]), "127.0.0.1:8000");
}

#[test]
fn what_does_not_fit_is_named() {
    for (pairs, expected) in [
        (
            &[("RUNTIME_API_ADDR", "h:1"), ("RUNTIME_CODE_ROOT", "/c")][..],
            "RUNTIME_FUNC_NAME: expected the function's name, beside RUNTIME_API_ADDR, found \"\"",
        ),
        (
            &[("RUNTIME_API_ADDR", "https://h:1"), ("RUNTIME_FUNC_NAME", "f")],
            "RUNTIME_API_ADDR: expected host:port of the runtime API, found \"https://h:1\"",
        ),
        (&[HTTP, &[("FAAS_HUAWEI_MODE", "poll")]].concat(), "RUNTIME_API_ADDR: expected host:port"),
        (&[HTTP, &[("FAAS_HUAWEI_MODE", "image")]].concat(), "FAAS_HUAWEI_MODE: expected poll, http or event"),
        (
            &[API, &[("RUNTIME_MAX_RESP_BODY_SIZE", "big")]].concat(),
            "RUNTIME_MAX_RESP_BODY_SIZE: expected a whole number",
        ),
    ] {
        let why = opened(pairs).expect_err("it does not fit");
        assert!(why.starts_with(expected) && why.contains("(platform huawei-functiongraph: "), "{why}");
    }
}

#[test]
fn the_environment_names_function_place_and_folder() {
    let names = [
        ("RUNTIME_FUNC_VERSION", "latest"),
        ("RUNTIME_PACKAGE", "default"),
        ("RUNTIME_MEMORY", "256"),
        ("RUNTIME_HANDLER", "bootstrap.handler"),
        ("RUNTIME_CODE_ROOT", "/opt/function/code"),
    ];
    let PlatformConfig { identity, handler, root, .. } = opened(&[API, &names].concat()).expect("it fits");
    assert_eq!((identity.function.as_str(), identity.version.as_str()), ("shop", "latest"));
    assert_eq!((identity.service.as_str(), identity.account.as_str()), ("default", "p-1"));
    assert_eq!((identity.memory_mb, identity.handler.as_str()), (256, "bootstrap.handler"));
    assert_eq!(root.as_deref(), Some("/opt/function/code"));
    assert!(handler.is_some_and(|handler| handler.text == "bootstrap.handler" && !handler.required));
}

#[test]
fn the_id_is_the_last_part_of_the_path() {
    let world = World::new(API);
    let (mut next, mut failed) = (Vec::new(), Vec::new());
    let polling = world.polling();
    polling.next(&mut next);
    assert!(next.starts_with(b"GET /v1/runtime/invocation/request HTTP/1.1\r\nHost: 127.0.0.1:28800\r\n"));
    let id = b"0b1c2d3e-0000-4000-8000-0000000000ab";
    polling.failed(id, &Failure::new("Boom", "no cat"), &mut failed);
    let failed = text(&failed);
    let line = "POST /v1/runtime/invocation/error/0b1c2d3e-0000-4000-8000-0000000000ab HTTP/1.1\r\n";
    assert!(failed.starts_with(line), "{failed}");
    assert!(failed.ends_with(r#"{"errorType":"Boom","errorMessage":"no cat","stackTrace":[]}"#), "{failed}");
    assert!(!polling.ready(&mut Vec::new()), "the first poll is the sign of life");
    assert!(!polling.streams() && polling.concurrency() == 1);
}

#[test]
fn an_event_has_an_id_and_the_status_200_and_all_else_is_nothing() {
    let world = World::new(API);
    for (answer, expected) in [
        (EVENT, "event"),
        ("200 OK\n\n{}", "nothing"),
        ("200 OK\nX-Cff-Request-Id:  \n\n{}", "nothing"),
        ("204 No Content\nX-Cff-Request-Id: r-1", "nothing"),
        ("404 Not Found\nX-Cff-Request-Id: r-1\n\n{}", "nothing"),
        ("500 Oops\n\n", "nothing"),
        ("201 Created\nX-Cff-Request-Id: r-1\n\n{}", "nothing"),
        ("200 OK\nX-Cff-Request-Id: r 1\n\n{}", "the runtime API handed out an event whose id fits in no path"),
    ] {
        assert_eq!(world.poll(answer), expected, "{answer}");
    }
    assert_eq!(world.log(), "", "no word of what is no failure, and none of a key");
}

#[test]
fn refusals_are_borne_for_a_minute() {
    let world = World::new(API);
    let pauses = world.polling().pauses_ms();
    assert_eq!(pauses[..7], [0, 50, 100, 200, 400, 800, 1000]);
    assert!(pauses[6..].iter().all(|pause| *pause == 1000));
    let whole: u64 = pauses.iter().map(|pause| u64::from(*pause)).sum();
    assert!((58_000..62_000).contains(&whole), "{whole}");
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
fn the_limit_is_the_environments_and_counts_from_the_receipt() {
    let is_due = |pairs: Pairs<'_>, limit_ms| is_due_in(limit_ms, || with(pairs, API).polled(EVENT));
    assert!(is_due(&[("RUNTIME_TIMEOUT", "3")], 3000));
    for odd in ["", "soon", "-1", "0", "99999999999999999999999"] {
        let invocation = with(&[("RUNTIME_TIMEOUT", odd)], API).polled(EVENT);
        assert_eq!(invocation.num(NUM_DEADLINE_EPOCH_MS), 0, "{odd}");
    }
    assert!(is_due(&[("RUNTIME_TIMEOUT", "soon"), ("FAAS_TIMEOUT", "4s")], 4000));
}

#[test]
fn keys_reach_the_context_as_the_platforms_metadata() {
    let world = World::new(API);
    let invocation = world.polled(EVENT);
    assert_eq!(text(invocation.meta(META_REQUEST_ID)), "r-1");
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-cff-secret-key"), Some(&b"hush"[..]));
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-cff-access-key"), None);
    assert_eq!((invocation.event(), world.log().as_str()), (&b"{\"a\":1}"[..], ""));
}

#[test]
fn a_result_goes_out_as_it_is_and_what_is_too_long_as_an_error() {
    let world = with(&[("RUNTIME_MAX_RESP_BODY_SIZE", "10")], API);
    let mut invocation = world.polled(EVENT);
    set(&mut invocation, REPLY_RAW, b" plain \n\n\n");
    let answer = world.answer(&invocation);
    assert!(answer.starts_with("POST /v1/runtime/invocation/response/r-1 HTTP/1.1\r\n"), "{answer}");
    assert!(answer.ends_with("\r\nContent-Length: 10\r\n\r\n plain \n\n\n"), "{answer}");
    set(&mut invocation, REPLY_RAW, b"eleven byte");
    let answer = world.answer(&invocation);
    assert!(answer.starts_with("POST /v1/runtime/invocation/error/r-1 HTTP/1.1\r\n"), "{answer}");
    assert!(answer.contains("the result has 11 bytes, and the platform takes at most 10"), "{answer}");
    let world = with(&[("RUNTIME_MAX_RESP_BODY_SIZE", "0")], API);
    let mut invocation = world.polled(EVENT);
    set(&mut invocation, REPLY_RAW, b"fine");
    let answer = world.answer(&invocation);
    assert!(answer.starts_with("POST /v1/runtime/invocation/response/"), "zero is no limit of its own: {answer}");
}

#[test]
fn a_reply_to_api_gateway_has_all_four_members() {
    let world = World::new(API);
    let event = r#"{"httpMethod":"GET","path":"/","headers":{},"requestContext":{"apiId":"a"}}"#;
    let mut invocation = world.polled(&format!("200 OK\nX-CFF-Request-Id: r\n\n{event}"));
    set(&mut invocation, 204, b"");
    let answer = world.answer(&invocation);
    assert!(answer.ends_with(r#"{"statusCode":204,"headers":{},"body":"","isBase64Encoded":false}"#), "{answer}");
    set(&mut invocation, 200, &[0xff, 0]);
    let answer = world.answer(&invocation);
    assert!(answer.ends_with(r#"{"statusCode":200,"headers":{},"body":"/wA=","isBase64Encoded":true}"#), "{answer}");
}

fn route(world: &World, state: State, method: &str, target: &str) -> String {
    match world.serving().route(&world.process, &request(method, target, &[], b""), state) {
        Route::Invoke(metadata) if metadata.format == MessageFormat::Event => "event".to_owned(),
        Route::Invoke(_) => "request".to_owned(),
        Route::Local(answer) => answer.status.to_string(),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_path_of_an_http_function_is_the_functions() {
    let world = World::new(HTTP);
    assert_eq!(world.serving().listen(), Listen::Tcp("127.0.0.1:8000"));
    for (method, target) in [("GET", "/"), ("POST", "/invoke"), ("POST", "/init"), ("GET", "/readyz")] {
        assert_eq!(route(&world, State::Ready, method, target), "request", "{method} {target}");
    }
    let world = with(&[("FAAS_READINESS_PATH", "/health")], HTTP);
    assert_eq!(route(&world, State::Ready, "GET", "/health"), "Health");
    assert_eq!(route(&world, State::Stopping, "GET", "/health"), "503");
}

#[test]
fn an_image_for_events_has_two_paths() {
    let world = World::new(IMAGE);
    let initialize = format!("Signal({:?})", Signal::Initialize(Initial::default()));
    for (state, method, target, expected) in [
        (State::Ready, "POST", "/invoke", "event"),
        (State::Ready, "GET", "/invoke", "405"),
        (State::Ready, "GET", "/", "404"),
        (State::Ready, "POST", "/init", "200"),
        (State::Ready, "GET", "/init", "405"),
        (State::Waiting, "POST", "/init", &initialize),
        (State::Starting, "POST", "/init", &initialize),
    ] {
        assert_eq!(route(&world, state, method, target), expected, "{state:?} {method} {target}");
    }
    assert_eq!(world.serving().start(), StartAt::Once);
    assert_eq!(with(&[("RUNTIME_INITIALIZER_HANDLER", "x.init")], IMAGE).serving().start(), StartAt::Signal);
    assert_eq!(with(&[("RUNTIME_INITIALIZER_HANDLER", "x.init")], HTTP).serving().start(), StartAt::Once);
}

#[test]
fn an_initializers_failure_is_told() {
    let world = World::new(IMAGE);
    let signal = Signal::Initialize(Initial::default());
    assert_eq!(world.serving().signalled(&signal, Ok(())), LocalResponse::json(200, "{}"));
    let failure = Failure::new("Boom", "no cat");
    let body = r#"{"errorType":"Boom","errorMessage":"no cat","stackTrace":[]}"#;
    assert_eq!(world.serving().signalled(&signal, Err(&failure)), LocalResponse::json(500, body));
}

fn routed(world: &World, target: &str, headers: Pairs<'_>, body: &[u8]) -> Invocation {
    let message = request("POST", target, headers, body);
    let Route::Invoke(metadata) = world.serving().route(&world.process, &message, State::Ready) else {
        panic!("an invocation")
    };
    world.invocation(message, metadata)
}

const HEADERS: Pairs<'_> = &[
    ("X-CFF-Request-Id", "r-7"),
    ("x-cff-memory", "512"),
    ("X-CFF-Timeout", "7"),
    ("X-CFF-Func-Name", "other"),
    ("X-CFF-Func-Version", "v2"),
    ("X-CFF-Package", "group"),
    ("X-CFF-Project-Id", "sn"),
    ("X-CFF-Region", "cn"),
    ("X-CFF-Security-Secret-Key", "hush"),
    ("X-Forwarded-For", "192.0.2.7, 10.0.0.1"),
    ("X-Real-IP", "192.0.2.7"),
];

#[test]
fn the_platforms_headers_fill_what_the_environment_leaves_open() {
    let world = World::new(&[("RUNTIME_CODE_ROOT", "/c"), ("FAAS_PLATFORM", NAME)]);
    let invocation = routed(&world, "/a", HEADERS, b"");
    let meta = |key| text(invocation.meta(key)).to_owned();
    assert_eq!((meta(META_REQUEST_ID).as_str(), meta(META_FUNCTION).as_str()), ("r-7", "other"));
    assert_eq!((meta(META_VERSION).as_str(), meta(META_SERVICE).as_str()), ("v2", "group"));
    assert_eq!((meta(META_ACCOUNT).as_str(), meta(META_REGION).as_str()), ("sn", "cn"));
    assert_eq!((meta(META_CLIENT_IP).as_str(), invocation.num(NUM_MEMORY_MB)), ("192.0.2.7", 512));
    assert!(is_due_in(7000, || routed(&world, "/a", HEADERS, b"")));
    assert_eq!(invocation.count(LIST_HEADER), 2, "the platform's own are no part of the request");
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-cff-security-secret-key"), Some(&b"hush"[..]));
    let known = with(&[("RUNTIME_TIMEOUT", "3"), ("RUNTIME_MEMORY", "128")], HTTP);
    let invocation = routed(&known, "/a", HEADERS, b"");
    let meta = |key| text(invocation.meta(key)).to_owned();
    assert_eq!((meta(META_FUNCTION).as_str(), meta(META_ACCOUNT).as_str()), ("shop", "p-1"));
    assert_eq!(invocation.num(NUM_MEMORY_MB), 128);
    assert!(is_due_in(3000, || routed(&known, "/a", HEADERS, b"")));
    assert_eq!(routed(&World::new(HTTP), "/", &[], b"").num(NUM_DEADLINE_EPOCH_MS), 0);
}

#[test]
fn an_events_result_is_the_response_and_its_failure_is_500() {
    let world = with(&[("RUNTIME_MAX_RESP_BODY_SIZE", "11")], IMAGE);
    let mut invocation = routed(&world, "/invoke", &[], br#"{"trigger_type":"TIMER"}"#);
    assert_eq!(invocation.decoded().source, "huawei:timer");
    set(&mut invocation, REPLY_RAW, b"{\"ok\":true}");
    let expected = (200, "content-type: application/json".to_owned(), r#"{"ok":true}"#.to_owned());
    assert_eq!(world.respond(&invocation), expected);
    set(&mut invocation, REPLY_RAW, b"{\"ok\":false}");
    assert_eq!(world.respond(&invocation).0, 500);
    invocation.set_failure(Failure::new("Boom", "no cat"));
    let (status, _, body) = world.respond(&invocation);
    assert_eq!((status, body.as_str()), (500, r#"{"errorType":"Boom","errorMessage":"no cat","stackTrace":[]}"#));
    assert_eq!(world.failed(&InvocationMetadata::default(), "Runtime.Closing").0, 503);
    let request = InvocationMetadata { format: MessageFormat::Request, ..InvocationMetadata::default() };
    assert_eq!(world.failed(&request, "Function.TimedOut").0, 504);
}
