//! Detection, routes, metadata of invocations, responses and markers, without a socket.

use super::*;
use crate::platform::Detected;
use crate::testing::{Kept, Pairs, process_of, request};
use crate::trigger::{DecodedEvent, Kind, SpareView};
use faas_abi::host::{Given, Invocation as _};
use faas_abi::{LIST_PLATFORM, LIST_REPLY_HEADER, META_ACCOUNT, META_FUNCTION, META_HANDLER, META_INVOKED_AS};
use faas_abi::{META_REGION, META_REQUEST_ID, META_SERVICE, META_TRACE, META_VERSION, NUM_ATTEMPT, NUM_MEMORY_MB};
use faas_abi::{NUM_DEADLINE_EPOCH_MS, NUM_REMAINING_MS, REPLY_RAW, REPLY_VALUE};
use std::sync::Arc;

fn detected(pairs: Pairs<'_>) -> Result<Detected, String> {
    let look_up = crate::testing::look_up(pairs);
    let env = Env::new(&look_up);
    let settings = Settings::read(&env).map_err(|bad| bad.to_string())?;
    crate::platform::detect(&env, &settings).map_err(|unknown| unknown.to_string())
}

/// A process on the platform, its markers kept.
struct World {
    process: Arc<Process>,
    log: Arc<Kept>,
    protocol: Box<dyn Serving>,
}

impl World {
    fn new(pairs: Pairs<'_>) -> World {
        World::of(&[pairs, &[("FC_FUNC_CODE_PATH", "/code/")]].concat())
    }

    fn of(with: Pairs<'_>) -> World {
        let opened = detected(with).expect("it fits").opened;
        let (process, log) = process_of(opened.identity);
        let Protocol::Serving(protocol) = opened.protocol else { panic!("the platform sends requests") };
        World { process, log, protocol }
    }

    fn route(&self, state: State, method: &str, target: &str, headers: Pairs<'_>) -> Route {
        self.protocol.route(&self.process, &request(method, target, headers, b""), state)
    }

    /// Returns the purpose of a request, of a process that serves.
    fn asks(&self, method: &str, target: &str, headers: Pairs<'_>) -> String {
        word(self.route(State::Ready, method, target, headers))
    }

    fn marks(&self) -> String {
        let marks = self.log.take_marks();
        assert!(marks.iter().all(|(_, both)| !both), "standard output alone is cut by the markers");
        marks.into_iter().map(|(mark, _)| mark).collect()
    }

    /// Returns the invocation that this request makes.
    fn invocation(&self, headers: Pairs<'_>, body: &[u8]) -> Invocation {
        let message = request("POST", "/invoke?a=b", headers, body);
        let Route::Invoke(metadata) = self.protocol.route(&self.process, &message, State::Ready) else {
            panic!("an invocation")
        };
        let mut invocation = Invocation::new(self.process.clone(), Arc::from("own"));
        invocation.renew(message, &metadata, false);
        invocation
    }

    fn response(&self, invocation: &Invocation) -> (u16, String, String) {
        let (mut response, mut scratch) = (Response::default(), Vec::new());
        let from = self.protocol.respond(invocation, &mut response, &mut scratch);
        let body = if from == BodyFrom::Scratch { &scratch[..] } else { invocation.reply().as_slice() };
        (response.status, headers(&response), text(body).to_owned())
    }
}

/// Sets the reply of a function.
fn set(invocation: &mut Invocation, code: u32, body: &[u8]) {
    let status = faas_abi::host::Invocation::reply(invocation, code, Given::from(body.to_vec()));
    assert_eq!(status, faas_abi::OK);
}

fn word(route: Route) -> String {
    match route {
        Route::Invoke(metadata) if metadata.format == MessageFormat::Event => "event".to_owned(),
        Route::Invoke(_) => "request".to_owned(),
        Route::Signal(signal) => format!("{signal:?}"),
        Route::Local(answer) => answer.status.to_string(),
        other => format!("{other:?}"),
    }
}

fn headers(response: &Response) -> String {
    let lines = response.headers.iter().map(|(name, value)| format!("{}: {}", text(name), text(value)));
    lines.collect::<Vec<_>>().join("\n")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

#[test]
fn each_of_the_platforms_variables_marks_it_and_the_port_is_the_first_that_is_set() {
    let listen = |pairs: Pairs<'_>| match detected(pairs).map(|detected| detected.opened) {
        Ok(PlatformConfig { protocol: Protocol::Serving(protocol), identity, .. }) if identity.platform == NAME => {
            Ok(protocol.listen().to_string())
        }
        Ok(opened) => Err(format!("{} it is not", opened.identity.platform)),
        Err(why) => Err(why),
    };
    for name in ["FC_FUNC_CODE_PATH", "FC_FUNCTION_NAME", "FC_RUNTIME", "FC_INSTANCE_ID"] {
        assert_eq!(listen(&[(name, "x")]), Ok("0.0.0.0:9000".into()), "{name}");
    }
    let both = [("FC_SERVER_PORT", "8001"), ("FC_CUSTOM_LISTEN_PORT", "8002")];
    assert_eq!(listen(&both), Ok("0.0.0.0:8001".into()));
    assert_eq!(listen(&both[1..]), Ok("0.0.0.0:8002".into()));
    let bad = listen(&[("FC_CUSTOM_LISTEN_PORT", "many")]).expect_err("no port");
    assert!(bad.starts_with("FC_CUSTOM_LISTEN_PORT: expected a port from 0 to 65535, found \"many\""), "{bad}");
}

#[test]
fn a_built_in_runtime_is_another_protocol() {
    let why = detected(&[("FC_RUNTIME_API", "127.0.0.1:9001"), ("FC_FUNCTION_NAME", "f")]).expect_err("not ours");
    assert!(why.starts_with("FC_RUNTIME_API: expected nothing: ") && why.contains("aliyun-fc"), "{why}");
    assert!(detected(&[("FC_RUNTIME_API", "x"), ("FC_SERVER_PORT", "9000")]).is_ok());
}

#[test]
fn the_environment_names_function_folder_and_place() {
    let opened = detected(&[
        ("FC_FUNC_CODE_PATH", "/code/"),
        ("FC_FUNCTION_NAME", "shop"),
        ("FC_FUNCTION_HANDLER", "index.handler"),
        ("FC_FUNCTION_MEMORY_SIZE", "512"),
        ("FC_REGION", "cn-test"),
        ("FC_ACCOUNT_ID", "123"),
        ("FC_SERVICE_NAME", "svc"),
        ("FC_QUALIFIER", "LATEST"),
    ])
    .expect("it fits")
    .opened;
    let PlatformConfig { identity, root, handler, .. } = opened;
    assert_eq!((identity.function.as_str(), identity.memory_mb, identity.region.as_str()), ("shop", 512, "cn-test"));
    assert_eq!((identity.account.as_str(), identity.service.as_str()), ("123", "svc"));
    assert_eq!((identity.version.as_str(), identity.handler.as_str()), ("LATEST", "index.handler"));
    assert_eq!(root.as_deref(), Some("/code/"));
    assert!(handler.is_some_and(|handler| handler.text == "index.handler" && !handler.required));
}

#[test]
fn where_the_platforms_variables_are_not_its_headers_steer_nothing() {
    let world = World::of(&[("FAAS_PLATFORM", "aliyun-fc")]);
    for control in ["/pre-stop", "/pre-freeze", "/initialize", "/unknown"] {
        let headers = [
            ("x-fc-control-path", control),
            ("x-fc-instance-lifecycle-pre-stop-handler", "h"),
            ("x-fc-instance-lifecycle-pre-freeze-handler", "h"),
            ("x-fc-function-initializer", "h"),
        ];
        for method in ["GET", "POST"] {
            assert_eq!(world.asks(method, control, &headers), "request", "{method} {control}");
        }
    }
    assert_eq!(world.asks("POST", "/invoke", &[]), "event", "as the local tools send it");
}

#[test]
fn the_control_path_decides_whatever_path_and_method() {
    let world = World::new(&[]);
    for (control, target, expected) in [
        ("/invoke", "/any", "event"),
        ("/http-invoke", "/invoke", "request"),
        ("/http-invoke", "/initialize", "request"),
        ("/http-invoke", "/pre-stop", "request"),
        ("/pre-freeze", "/x", "Suspend"),
        ("/pre-stop", "/x", "Stop"),
        ("/initialize", "/x", "200"),
        ("/unheard-of", "/invoke", "404"),
    ] {
        for method in ["GET", "POST", "PUT"] {
            let found = world.asks(method, target, &[("X-Fc-Control-Path", control)]);
            assert_eq!(found, expected, "{control} {method} {target}");
        }
    }
}

#[test]
fn without_one_the_path_decides_where_the_step_is_configured() {
    let world = World::new(&[]);
    for (method, target, expected) in [
        ("POST", "/invoke", "event"),
        ("POST", "/invoke?x=1", "event"),
        ("GET", "/invoke", "request"),
        ("POST", "/initialize", "request"),
        ("GET", "/pre-stop", "request"),
        ("POST", "/pre-freeze", "request"),
        ("GET", "/", "request"),
    ] {
        assert_eq!(world.asks(method, target, &[("x-fc-control-path", "")]), expected, "{method} {target}");
    }
    for method in ["GET", "POST"] {
        let stops = [("x-fc-instance-lifecycle-pre-stop-handler", "index.stop")];
        assert_eq!(world.asks(method, "/pre-stop", &stops), "Stop");
        assert_eq!(world.asks(method, "/pre-freeze", &stops), "request");
        let freezes = [("x-fc-instance-lifecycle-pre-freeze-handler", "index.freeze")];
        assert_eq!(world.asks(method, "/pre-freeze", &freezes), "Suspend");
        assert_eq!(world.asks(method, "/initialize", &[("x-fc-function-initializer", "index.init")]), "200");
    }
    let stops = [("x-fc-instance-lifecycle-pre-stop-handler", "")];
    assert_eq!(world.asks("GET", "/pre-stop", &stops), "request", "an empty value is an absent one");
}

#[test]
fn with_an_initializer_the_start_waits_for_it_and_runs_once() {
    let world = World::new(&[("FC_INITIALIZER_HANDLER", "index.init")]);
    assert_eq!((world.protocol.start(), World::new(&[]).protocol.start()), (StartAt::Signal, StartAt::Once));
    let at = |state| word(world.route(state, "POST", "/initialize", &[("x-fc-request-id", "i")]));
    let initialize = format!("{:?}", Signal::Initialize(Initial::default()));
    assert_eq!((at(State::Waiting), at(State::Starting)), (initialize.clone(), initialize));
    assert_eq!((at(State::Ready), at(State::Stopping), at(State::Closed)), ("200".into(), "200".into(), "503".into()));
}

#[test]
fn after_pre_stop_nothing_is_served() {
    let world = World::new(&[]);
    let at = |control| word(world.route(State::Closed, "POST", "/", &[("x-fc-control-path", control)]));
    for control in ["/invoke", "/http-invoke", "/initialize", "/pre-freeze"] {
        assert_eq!(at(control), "503", "{control}");
    }
    assert_eq!(at("/pre-stop"), "200");
}

#[test]
fn nothing_is_frozen_before_it_has_started() {
    let world = World::new(&[]);
    let at = |state| word(world.route(state, "GET", "/", &[("x-fc-control-path", "/pre-freeze")]));
    assert_eq!(
        (at(State::Waiting), at(State::Starting), at(State::Stopping)),
        ("200".into(), "200".into(), "Suspend".into())
    );
}

#[test]
fn a_health_check_is_the_runtimes_own_where_its_path_is_configured() {
    let world = World::new(&[("FAAS_READINESS_PATH", "/up")]);
    assert_eq!(world.asks("GET", "/up", &[]), "Health");
    assert_eq!(word(world.route(State::Starting, "GET", "/up", &[])), "503");
    assert_eq!(world.asks("GET", "/up", &[("x-fc-control-path", "/http-invoke")]), "request");
    assert_eq!(World::new(&[]).asks("GET", "/readyz", &[]), "request");
}

const HEADERS: Pairs<'static> = &[
    ("X-Fc-Request-Id", "1-6700aa01-1b2c3d4e-0f1e2d3c4b5a"),
    ("X-Fc-Control-Path", "/invoke"),
    ("X-Fc-Function-Name", "shop"),
    ("X-Fc-Function-Handler", "index.handler"),
    ("X-Fc-Function-Memory", "1024"),
    ("X-Fc-Function-Timeout", "10"),
    ("X-Fc-Region", "cn-test"),
    ("X-Fc-Account-Id", "123"),
    ("X-Fc-Service-Name", "svc"),
    ("X-Fc-Qualifier", "prod"),
    ("X-Fc-Version-Id", "7"),
    ("X-Fc-Retry-Count", "2"),
    ("X-Fc-Tracing-Opentracing-Span-Context", "abc:def:0:1"),
    ("X-Fc-Access-Key-Secret", "secret"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("Content-Type", "application/octet-stream"),
];

#[test]
fn the_headers_say_what_a_call_is_about() {
    let world = World::new(&[("FC_FUNCTION_NAME", "other"), ("FC_FUNCTION_HANDLER", "index.handler")]);
    let before = crate::process::epoch_ms();
    let invocation = world.invocation(HEADERS, b"event");
    for (key, expected) in [
        (META_REQUEST_ID, "1-6700aa01-1b2c3d4e-0f1e2d3c4b5a"),
        (META_FUNCTION, "shop"),
        (META_HANDLER, "index.handler"),
        (META_REGION, "cn-test"),
        (META_ACCOUNT, "123"),
        (META_SERVICE, "svc"),
        (META_INVOKED_AS, "prod"),
        (META_VERSION, "7"),
        (META_TRACE, "abc:def:0:1"),
    ] {
        assert_eq!(text(invocation.meta(key)), expected);
    }
    assert_eq!((invocation.num(NUM_MEMORY_MB), invocation.num(NUM_ATTEMPT)), (1024, 2));
    assert!(invocation.num(NUM_DEADLINE_EPOCH_MS) >= before + 10_000);
    assert!(invocation.num(NUM_REMAINING_MS) <= 10_000);
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-fc-access-key-secret"), Some(&b"secret"[..]));
    assert_eq!(invocation.event(), b"event");
}

#[test]
fn empty_values_are_absent_and_the_environment_stands_in() {
    let world = World::new(&[("FC_REGION", "cn-env"), ("FC_FUNCTION_MEMORY_SIZE", "256"), ("FC_TIMEOUT", "3")]);
    let invocation = world.invocation(
        &[
            ("x-fc-region", ""),
            ("x-fc-function-memory", ""),
            ("x-fc-function-timeout", ""),
            ("x-fc-qualifier", "LATEST"),
            ("x-fc-version-id", ""),
            ("x-fc-service-name", ""),
            ("X-Fc-Access-Key-Id", ""),
            ("x-client", ""),
        ],
        b"",
    );
    assert_eq!((text(invocation.meta(META_REGION)), text(invocation.meta(META_VERSION))), ("cn-env", "LATEST"));
    assert_eq!((text(invocation.meta(META_SERVICE)), invocation.num(NUM_MEMORY_MB)), ("", 256));
    assert!((1..=3000).contains(&invocation.num(NUM_REMAINING_MS)));
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-fc-access-key-id"), None);
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-client"), Some(&b""[..]));
    assert_eq!((invocation.count(LIST_PLATFORM), invocation.at(LIST_PLATFORM, 2)), (2, None));
    assert_eq!(invocation.at(LIST_PLATFORM, 1), Some((&b"x-client"[..], &b""[..])));
}

#[test]
fn a_request_is_told_without_the_platforms_words_and_with_its_client() {
    let world = World::new(&[]);
    let headers = [
        ("x-fc-control-path", "/http-invoke"),
        ("X-Fc-Client-Ip", "192.0.2.5"),
        ("x-fc-security-token", "secret"),
        ("x-forwarded-for", "10.0.0.1"),
        ("X-Own", "1"),
    ];
    let invocation = world.invocation(&headers, b"body");
    let decoded = DecodedEvent::of(
        invocation.metadata().layout(),
        invocation.message().expect("one"),
        "127.0.0.1",
        &mut SpareView::default(),
    );
    assert_eq!(decoded.kind, Kind::Http);
    let view = decoded.http.expect("a request");
    assert_eq!((text(view.client_ip()), text(view.raw_query())), ("192.0.2.5", "a=b"));
    let names: Vec<_> = view.headers.iter().map(|(name, _)| text(name)).collect();
    assert_eq!(names, ["x-forwarded-for", "X-Own"]);
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-fc-security-token"), Some(&b"secret"[..]));
}

#[test]
fn an_event_is_answered_200_with_the_result_as_it_is() {
    let world = World::new(&[]);
    for (code, content_type) in
        [(REPLY_VALUE, "application/json"), (REPLY_RAW, "application/octet-stream"), (201, "a/b")]
    {
        let mut invocation = world.invocation(&[], b"event");
        if code == 201 {
            invocation.add(LIST_REPLY_HEADER, b"content-type", b"a/b");
            invocation.add(LIST_REPLY_HEADER, b"x-own", b"1");
        }
        set(&mut invocation, code, b"[1]");
        let expected = (200, format!("content-type: {content_type}\nx-fc-status: 200"), "[1]".to_owned());
        assert_eq!(world.response(&invocation), expected);
    }
}

#[test]
fn an_event_with_a_request_in_it_is_answered_in_four_members() {
    let world = World::new(&[]);
    let mut invocation = world.invocation(&[], br#"{"path":"/","httpMethod":"GET"}"#);
    invocation.add(LIST_REPLY_HEADER, b"x-own", b"1");
    set(&mut invocation, 404, b"none");
    let body = r#"{"statusCode":404,"headers":{"x-own":"1"},"body":"none","isBase64Encoded":false}"#;
    let expected = (200, "content-type: application/json\nx-fc-status: 200".to_owned(), body.to_owned());
    assert_eq!(world.response(&invocation), expected);
}

#[test]
fn a_request_is_answered_as_the_function_says_but_for_the_platforms_own_headers() {
    let world = World::new(&[]);
    let mut invocation = world.invocation(&[("x-fc-control-path", "/http-invoke")], b"");
    for (name, value) in [("X-Fc-Status", "404"), ("x-fc-anything", "1"), ("x-fcx", "2"), ("x-own", "3")] {
        invocation.add(LIST_REPLY_HEADER, name.as_bytes(), value.as_bytes());
    }
    set(&mut invocation, 418, b"tea");
    let expected = (418, "x-fcx: 2\nx-own: 3\nx-fc-status: 200".to_owned(), "tea".to_owned());
    assert_eq!(world.response(&invocation), expected);
}

#[test]
fn a_failure_is_told_in_the_platforms_own_header() {
    let world = World::new(&[]);
    let failure = Failure { detail: "a\nb".into(), ..Failure::new("BadColour", "colour \"unknown\"") };
    let mut event = world.invocation(&[], b"");
    event.set_failure(failure.clone());
    let json = r#"{"errorType":"BadColour","errorMessage":"colour \"unknown\"","stackTrace":[]}"#;
    let head = "content-type: application/json\ncache-control: no-store\nx-fc-status: 404";
    assert_eq!(world.response(&event), (404, head.to_owned(), json.to_owned()));
    let mut request = world.invocation(&[("x-fc-control-path", "/http-invoke"), ("x-fc-request-id", "r")], b"");
    request.add(LIST_REPLY_HEADER, b"access-control-allow-origin", b"*");
    request.add(LIST_REPLY_HEADER, b"x-fc-status", b"200");
    request.set_failure(failure);
    let json = r#"{"errorType":"BadColour","errorMessage":"colour \"unknown\"","requestId":"r"}"#;
    let head =
        "content-type: application/json\ncache-control: no-store\naccess-control-allow-origin: *\nx-fc-status: 404";
    assert_eq!(world.response(&request), (500, head.to_owned(), json.to_owned()));
}

#[test]
fn what_was_never_begun_is_503_and_may_be_sent_again() {
    let world = World::new(&[]);
    let failure = Failure::new("Runtime.Overloaded", "too many");
    for control in ["/invoke", "/http-invoke"] {
        let invocation = world.invocation(&[("x-fc-control-path", control)], b"");
        let (mut response, mut scratch) = (Response::default(), Vec::new());
        world.protocol.refused(
            FailedInvocation { metadata: invocation.metadata(), request_id: b"r", failure: &failure },
            &mut response,
            &mut scratch,
        );
        let head = "content-type: application/json\ncache-control: no-store\nx-fc-status: 404\nretry-after: 1";
        assert_eq!((response.status, headers(&response).as_str()), (503, head), "{control}");
        assert!(text(&scratch).contains("too many"));
    }
    assert_eq!(world.marks(), "", "no call has begun");
}

#[test]
fn a_call_is_marked_at_its_beginning_and_end() {
    let world = World::new(&[]);
    let invocation = world.invocation(&[("x-fc-request-id", "r-1")], b"");
    world.protocol.before(&invocation);
    world.protocol.after(&world.process, invocation.metadata(), b"r-1", false);
    assert_eq!(world.marks(), "FC Invoke Start RequestId: r-1\nFC Invoke End RequestId: r-1\n");
    world.protocol.after(&world.process, invocation.metadata(), b"r-1", true);
    assert_eq!(world.marks(), "FC Invoke End RequestId: r-1, Error: Unhandled function error\n");
}

#[test]
fn a_step_is_marked_too_and_its_failure_told() {
    let world = World::new(&[("FC_INITIALIZER_HANDLER", "index.init")]);
    let ask = |state, control| match world.route(
        state,
        "POST",
        "/",
        &[("x-fc-control-path", control), ("x-fc-request-id", "h-1")],
    ) {
        Route::Signal(signal) => Some(signal),
        _ => None,
    };
    for (state, control, word) in [
        (State::Waiting, "/initialize", "Initialize"),
        (State::Ready, "/pre-freeze", "PreFreeze"),
        (State::Ready, "/pre-stop", "PreStop"),
    ] {
        let signal = ask(state, control).expect("there is something to do");
        assert_eq!(world.marks(), format!("FC {word} Start RequestId: h-1\n"));
        assert_eq!(world.protocol.signalled(&signal, Ok(())), LocalResponse::text(200, ""));
        assert_eq!(world.marks(), format!("FC {word} End RequestId: h-1\n"));
        let signal = ask(state, control).expect("there is something to do");
        let answer = world.protocol.signalled(&signal, Err(&Failure::new("Shop.Closed", "no goods")));
        assert_eq!((answer.status, answer.headers), (404, FAILED));
        assert_eq!(answer.body, r#"{"errorType":"Shop.Closed","errorMessage":"no goods","stackTrace":[]}"#);
        let end = format!("FC {word} End RequestId: h-1, Error: Unhandled function error\n");
        assert_eq!(world.marks(), format!("FC {word} Start RequestId: h-1\n{end}"));
    }
    assert!(ask(State::Ready, "/initialize").is_none());
    assert_eq!(world.marks(), "FC Initialize Start RequestId: h-1\nFC Initialize End RequestId: h-1\n");
    assert!(ask(State::Ready, "/what").is_none());
    assert_eq!(world.marks(), "", "an unknown control path is marked by nothing");
}
