//! The host's requests, and the answers it gets.

use super::*;
use crate::invocation::Stamp;
use crate::log::{Field, Format, Log};
use crate::testing::Kept;
use faas_abi::host::{Given, Invocation as _, Stamped as _};
use faas_abi::{LIST_PLATFORM, LIST_REPLY_COOKIE, LIST_REPLY_HEADER, META_FUNCTION, REPLY_RAW, REPLY_VALUE};
use std::sync::Arc;

fn opened(pairs: &[(&str, &str)]) -> Result<PlatformConfig, String> {
    crate::platform::testing::opened(&ENTRY, pairs).map(|(_, opened)| opened)
}

fn server(pairs: &[(&str, &str)]) -> Box<dyn Serving> {
    match opened(pairs).expect("the variables fit").protocol {
        Protocol::Serving(server) => server,
        other => panic!("{other:?}"),
    }
}

fn process(sink: &Arc<Kept>) -> Arc<Process> {
    Arc::new(Process::new(Identity::default(), Log::new(Level::Info, Format::Text, sink.clone())))
}

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Message {
    crate::testing::request(method, target, headers, body.as_bytes())
}

const HOST: [(&str, &str); 4] = [
    ("Host", "127.0.0.1:34567"),
    ("X-Azure-Functions-InvocationId", "i-1"),
    ("X-Azure-Functions-HostVersion", "4.1037.0.0"),
    ("Content-Type", "application/json; charset=utf-8"),
];
const QUEUE: &str = r#"{"Data":{"job":"\"red\""},"Metadata":{"DequeueCount":"1","RetryContext":{"RetryCount":2}}}"#;
const HTTP: &str = r#"{"Data":{"req":{"Url":"http://h/api/x","Method":"GET"}},"Metadata":{}}"#;

/// Returns the invocation that this envelope makes.
fn invoked(server: &dyn Serving, process: &Arc<Process>, body: &str) -> Invocation {
    let message = request("POST", "/Paint", &HOST, body);
    let Route::Invoke(metadata) = server.route(process, &message, State::Ready) else {
        panic!("it is for the function")
    };
    assert_eq!((metadata.format, metadata.is_whole, metadata.captures_log), (MessageFormat::Azure, true, true));
    let mut invocation = Invocation::new(process.clone(), Arc::from("f"));
    invocation.renew(message, &metadata, false);
    invocation
}

fn reply(invocation: &mut Invocation, code: u32, body: Vec<u8>) {
    assert_eq!(faas_abi::host::Invocation::reply(invocation, code, Given::from(body)), faas_abi::OK);
}

fn answered(server: &dyn Serving, invocation: &Invocation) -> (u16, String) {
    let (mut response, mut body) = (Response::default(), Vec::new());
    assert_eq!(server.respond(invocation, &mut response, &mut body), BodyFrom::Scratch);
    assert_eq!(response.headers.get(b"content-type", caseless), Some(&b"application/json"[..]));
    (response.status, String::from_utf8(body).expect("JSON is UTF-8"))
}

#[test]
fn the_port_is_of_the_first_variable_there_is() {
    let listens = |pairs| server(pairs).listen().to_string();
    assert_eq!(listens(&[(PORT, "7001"), (OLD_PORT, "7002")]), "127.0.0.1:7001");
    assert_eq!(listens(&[(OLD_PORT, "7002")]), "127.0.0.1:7002");
    assert_eq!(listens(&[(WORKER, "w")]), "127.0.0.1:8080");
    assert_eq!(listens(&[(PORT, "7001"), ("FAAS_HOST", "0.0.0.0")]), "0.0.0.0:7001");
    for name in [PORT, OLD_PORT] {
        let expected = format!("{name}: expected a port from 0 to 65535, found \"many\"");
        assert_eq!(opened(&[(name, "many")]).expect_err("no port"), expected);
    }
}

#[test]
fn the_platform_is_known_by_what_the_host_sets() {
    for name in [PORT, OLD_PORT, WORKER] {
        let look_up = |other: &str| (other == name).then(|| "1".to_owned());
        assert_eq!(mark(&Env::new(&look_up)), Some(name));
    }
    assert_eq!(mark(&Env::new(&|_| None)), None);
}

#[test]
fn names_and_places_are_of_the_apps_settings() {
    let opened = opened(&[
        ("FUNCTIONS_APP_ROOT_PATH", "/home/site/wwwroot"),
        ("WEBSITE_SITE_NAME", "shop"),
        ("WEBSITE_SLOT_NAME", "production"),
        ("REGION_NAME", "West Europe"),
        ("WEBSITE_OWNER_NAME", "0000-1111+group-WestEuropewebspace-Linux"),
    ]);
    let PlatformConfig { identity, root, log, .. } = opened.expect("the variables fit");
    assert_eq!((identity.service.as_str(), identity.stage.as_str()), ("shop", "production"));
    assert_eq!((identity.region.as_str(), identity.account.as_str()), ("West Europe", "0000-1111"));
    assert_eq!((root.as_deref(), log.to), (Some("/home/site/wwwroot"), LogTo::Split));
}

#[test]
fn the_bare_root_is_answered_in_every_state_and_nothing_else_is() {
    let (server, process) = (server(&[]), process(&Arc::default()));
    for state in [State::Starting, State::Ready, State::Stopping] {
        let route = server.route(&process, &request("GET", "/", &[], ""), state);
        assert!(matches!(&route, Route::Local(answer) if answer.status == 200), "{route:?}");
    }
    for (method, target, headers) in
        [("GET", "/?a=1", &HOST[..0]), ("POST", "/", &[]), ("GET", "/api/x", &[]), ("GET", "/", &HOST[1..2])]
    {
        let route = server.route(&process, &request(method, target, headers, ""), State::Ready);
        assert!(
            matches!(&route, Route::Invoke(metadata) if metadata.format == MessageFormat::Request),
            "{method} {target}: {route:?}"
        );
    }
}

#[test]
fn an_envelope_is_told_from_a_request() {
    let (server, process) = (server(&[]), process(&Arc::default()));
    let format = |method: &str, target: &str, headers: &[(&str, &str)], body: &str| {
        let message = request(method, target, headers, body);
        match server.route(&process, &message, State::Ready) {
            Route::Invoke(metadata) => {
                assert_eq!(
                    (metadata.is_whole, metadata.captures_log),
                    (metadata.format == MessageFormat::Azure, metadata.is_whole)
                );
                metadata.format
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(format("POST", "/Paint", &HOST, QUEUE), MessageFormat::Azure);
    for host in ["localhost:7071", "127.0.0.1", "[::1]:80"] {
        assert_eq!(
            format("POST", "/Paint", &[("Host", host), HOST[1], HOST[3]], QUEUE),
            MessageFormat::Azure,
            "{host}"
        );
    }
    for (method, target) in [("PUT", "/Paint"), ("POST", "/"), ("POST", "/api/Paint"), ("POST", "/Paint?a=1")] {
        assert_eq!(format(method, target, &HOST, QUEUE), MessageFormat::Request, "{method} {target}");
    }
    for body in ["", "{}", r#"{"Data":{}}"#, "no json"] {
        assert_eq!(format("POST", "/Paint", &HOST, body), MessageFormat::Request, "{body}");
    }
    for other in [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Host", "h"), ("Forwarded", "for=192.0.2.7")] {
        assert_eq!(
            format("POST", "/Paint", &[HOST[0], HOST[1], HOST[3], other], QUEUE),
            MessageFormat::Request,
            "{other:?}"
        );
    }
    for host in ["shop.example", "127.0.0.1.example", "localhost.example"] {
        assert_eq!(
            format("POST", "/Paint", &[("Host", host), HOST[1], HOST[3]], QUEUE),
            MessageFormat::Request,
            "{host}"
        );
    }
    assert_eq!(format("POST", "/Paint", &[HOST[0], HOST[1]], QUEUE), MessageFormat::Request, "no content type");
    assert_eq!(format("POST", "/Paint", &[HOST[0], HOST[3]], QUEUE), MessageFormat::Request, "no invocation id");
}

#[test]
fn an_envelope_names_its_function_its_invocation_and_the_attempt() {
    let (server, process) = (server(&[]), process(&Arc::default()));
    let invocation = invoked(&*server, &process, QUEUE);
    assert_eq!((invocation.request_id(), invocation.meta(META_FUNCTION)), (&b"i-1"[..], &b"Paint"[..]));
    assert_eq!(invocation.num(faas_abi::NUM_ATTEMPT), 2);
    assert_eq!((invocation.event(), invocation.body()), (QUEUE.as_bytes(), &b"red"[..]));
    assert_eq!(invocation.get(LIST_PLATFORM, b"x-azure-functions-hostversion"), Some(&b"4.1037.0.0"[..]));
}

#[test]
fn only_the_functions_own_names_are_answered_to() {
    let process = process(&Arc::default());
    let status = |pairs: &[(&str, &str)], target: &str| match server(pairs).route(
        &process,
        &request("POST", target, &HOST, QUEUE),
        State::Ready,
    ) {
        Route::Invoke(_) => 200,
        Route::Local(answer) => {
            assert!(answer.body.contains("Runtime.NoSuchFunction") && answer.body.contains("i-1"), "{answer:?}");
            answer.status
        }
        other => panic!("{other:?}"),
    };
    for (pairs, target, expected) in [
        (&[][..], "/Anything", 200),
        (&[("FAAS_HANDLER", "shop.Paint")], "/Paint", 200),
        (&[("FAAS_HANDLER", "shop.Paint")], "/paint", 200),
        (&[("FAAS_HANDLER", "shop.Paint")], "/shop", 404),
        (&[("FAAS_HANDLER", "paint")], "/Paint", 200),
        (&[("FAAS_HANDLER", "shop.order"), ("FAAS_FUNCTION_NAME", "Paint")], "/PAINT", 200),
        (&[("FAAS_HANDLER", "shop.order"), ("FAAS_FUNCTION_NAME", "Paint")], "/Order", 200),
        (&[("FAAS_FUNCTION_NAME", "Paint")], "/Order\"", 404),
    ] {
        assert_eq!(status(pairs, target), expected, "{pairs:?} {target}");
    }
}

/// Returns `true` if a line of a module's goes to the reply.
fn capture(invocation: &Invocation, level: Level, message: &[u8], fields: &[Field<'_>]) -> bool {
    let mut stamp = Stamp::default();
    invocation.stamp(&mut stamp);
    stamp.capture(&invocation.process().log, level, message, fields.iter().copied())
}

#[test]
fn a_value_goes_back_with_the_lines_of_the_log() {
    let sink = Arc::<Kept>::default();
    let (server, process) = (server(&[]), process(&sink));
    let mut invocation = invoked(&*server, &process, QUEUE);
    assert!(capture(&invocation, Level::Info, b"painted", &[Field::text(b"in", b"red")]));
    assert!(!capture(&invocation, Level::Error, b"an error is written at once", &[]));
    reply(&mut invocation, REPLY_VALUE, br#"{"done":1}"#.to_vec());
    let expected = r#"{"Outputs":{},"Logs":["painted in=red"],"ReturnValue":{"done":1}}"#;
    assert_eq!(answered(&*server, &invocation), (200, expected.to_owned()));
    assert!(!capture(&invocation, Level::Info, b"late", &[]), "nobody would take it any more");
    assert!(sink.lines().is_empty());
}

#[test]
fn no_reply_is_no_value() {
    let (server, process) = (server(&[]), process(&Arc::default()));
    let mut invocation = invoked(&*server, &process, QUEUE);
    reply(&mut invocation, REPLY_VALUE, Vec::new());
    let expected = r#"{"Outputs":{},"Logs":[],"ReturnValue":null}"#;
    assert_eq!(answered(&*server, &invocation), (200, expected.to_owned()));
}

#[test]
fn the_type_of_a_reply_decides_what_it_is_and_not_its_look() {
    let (server, process) = (server(&[]), process(&Arc::default()));
    let returned = |code: u32, content_type: Option<&str>, text: &str| {
        let mut invocation = invoked(&*server, &process, QUEUE);
        if let Some(content_type) = content_type {
            invocation.add(faas_abi::LIST_REPLY_HEADER, b"content-type", content_type.as_bytes());
        }
        reply(&mut invocation, code, text.as_bytes().to_vec());
        let answer: serde_json::Value = serde_json::from_str(&answered(&*server, &invocation).1).expect("JSON");
        assert_eq!(answer["Outputs"], serde_json::json!({}), "{text}");
        answer["ReturnValue"].to_string()
    };
    let text = Some("text/plain; charset=utf-8");
    for (reply, as_value, as_text) in [
        ("[1,2,3]", "[1,2,3]", r#""[1,2,3]""#),
        (" 5 ", "5", r#"" 5 ""#),
        (r#"{"a":1}"#, r#"{"a":1}"#, r#""{\"a\":1}""#),
    ] {
        for code in [REPLY_VALUE, REPLY_RAW] {
            assert_eq!(returned(code, None, reply), as_value, "{code}");
            assert_eq!(returned(code, text, reply), as_text, "{code}");
            assert_eq!(returned(code, Some("application/json"), reply), as_value, "{code}");
        }
        assert_eq!(returned(200, None, reply), as_text);
        assert_eq!(returned(200, Some("application/json"), reply), as_value);
    }
    // A text is never taken for the host's own form.
    assert_eq!(returned(REPLY_VALUE, text, r#"{"Outputs":{}}"#), r#""{\"Outputs\":{}}""#);
}

#[test]
fn outputs_of_the_functions_own_go_through() {
    let (server, process) = (server(&[]), process(&Arc::default()));
    let own = r#"{"Outputs":{"done":["cmVk"]}}"#;
    for (event, code) in [(QUEUE, REPLY_RAW), (QUEUE, REPLY_VALUE), (HTTP, REPLY_RAW)] {
        let mut invocation = invoked(&*server, &process, event);
        reply(&mut invocation, code, own.as_bytes().to_vec());
        let expected = r#"{"Outputs":{"done":["cmVk"]},"Logs":[],"ReturnValue":null}"#;
        assert_eq!(answered(&*server, &invocation).1, expected, "{event} {code}");
    }
    let mut invocation = invoked(&*server, &process, HTTP);
    reply(&mut invocation, REPLY_VALUE, own.as_bytes().to_vec());
    let (_, body) = answered(&*server, &invocation);
    assert!(body.starts_with(r#"{"Outputs":{"res":{"statusCode":200,"#), "a value is the client's: {body}");
}

#[test]
fn an_http_reply_goes_to_the_output_that_is_named() {
    let sink = Arc::<Kept>::default();
    let (server, process) = (server(&[("FAAS_AZURE_HTTP_OUTPUT", "reply")]), process(&sink));
    let mut invocation = invoked(&*server, &process, HTTP);
    invocation.add(LIST_REPLY_HEADER, b"x-a", b"1");
    invocation.add(LIST_REPLY_COOKIE, b"", b"a=1");
    invocation.add(LIST_REPLY_COOKIE, b"", b"b=2");
    reply(&mut invocation, 403, b"no".to_vec());
    let expected = r#"{"Outputs":{"reply":{"statusCode":403,"headers":{"x-a":"1","Set-Cookie":"a=1"},"body":"no"}},"Logs":[],"ReturnValue":null}"#;
    assert_eq!(answered(&*server, &invocation), (200, expected.to_owned()));
    let lines = sink.lines();
    assert!(lines[0].contains("WARN i-1 runtime: the host sets one cookie a reply: 1 are lost"), "{lines:?}");
}

#[test]
fn a_value_for_a_client_is_json_and_bytes_are_told() {
    let sink = Arc::<Kept>::default();
    let (server, process) = (server(&[]), process(&sink));
    let mut invocation = invoked(&*server, &process, HTTP);
    reply(&mut invocation, REPLY_VALUE, b"{}".to_vec());
    let (_, body) = answered(&*server, &invocation);
    assert!(body.contains(r#""headers":{"content-type":"application/json"},"body":"{}""#), "{body}");
    reply(&mut invocation, REPLY_RAW, vec![0xff]);
    let (_, body) = answered(&*server, &invocation);
    assert!(body.contains(r#""headers":{},"body":"/w==""#), "{body}");
    assert!(sink.lines()[0].contains("as base64"));
}

#[test]
fn a_failure_is_500_and_says_why() {
    let sink = Arc::<Kept>::default();
    let (server, process) = (server(&[]), process(&sink));
    let mut invocation = invoked(&*server, &process, QUEUE);
    invocation.set_failure(Failure::new("Shop.Closed", "come back later"));
    let (status, body) = answered(&*server, &invocation);
    assert_eq!(status, 500);
    assert_eq!(body, r#"{"errorType":"Shop.Closed","errorMessage":"come back later","requestId":"i-1"}"#);
}

#[test]
fn failures_out_of_reach_have_a_status_by_how_the_request_came() {
    let server = server(&[]);
    for (format, kind, status) in [
        (MessageFormat::Azure, "Function.TimedOut", 500),
        (MessageFormat::Azure, "Runtime.Overloaded", 503),
        (MessageFormat::Request, "Function.TimedOut", 504),
        (MessageFormat::Request, "Shop.Closed", 500),
    ] {
        let (mut response, metadata) =
            (Response::default(), InvocationMetadata { format, ..InvocationMetadata::default() });
        server.failed(
            FailedInvocation { metadata: &metadata, request_id: b"i", failure: &Failure::new(kind, "why") },
            &mut response,
            &mut Vec::new(),
        );
        assert_eq!(response.status, status, "{format:?} {kind}");
    }
}
