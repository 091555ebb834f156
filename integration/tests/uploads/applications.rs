//! An axum application that is mounted as a function, beside the same application served by axum itself: answer by
//! answer.

use integration::artifacts::{self, Runtime};
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::kernel::peak_memory;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait;
use platform_emulators::aws_lambda::Options;
use platform_emulators::process::Process;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

integration::both![
    every_answer_is_that_of_axum,
    requests_that_come_one_after_the_other_are_answered_as_by_axum,
    an_upload_of_twenty_mebibytes_needs_the_memory_of_a_part,
    what_is_sent_comes_back_before_more_is_sent,
    a_client_that_leaves_ends_its_stream_and_no_other,
    under_aws_lambda_it_answers_events_of_api_gateway,
    an_event_that_is_no_request_is_an_error_of_its_own,
];

/// The application served by axum.
struct Served {
    process: Process,
    address: SocketAddr,
}

impl Served {
    fn start() -> Served {
        let mut command = Command::new(artifacts::get().axum_served());
        command.stdin(Stdio::null());
        let process = Process::spawn(command, |_| ()).expect("axum starts");
        let line = process.wait_for_line(|line| line.starts_with("127.0.0.1:"), wait::limit()).expect("its address");
        Served { address: line.trim().parse().expect("an address"), process }
    }

    fn client(&self) -> Client {
        Client::connect(self.address).unwrap_or_else(|error| panic!("{error}:\n{}", self.process.output()))
    }
}

fn mounted(runtime: &Runtime) -> OnHttp {
    OnHttp::start(runtime, Deployment::of("axum-app"), "axum_app.app")
}

/// A request: method, target, further header lines, body.
type Asked = (&'static str, &'static str, &'static str, &'static [u8]);

const JSON: &str = "Content-Type: application/json\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

const REQUESTS: &[Asked] = &[
    ("GET", "/", "", b""),
    ("HEAD", "/", "", b""),
    ("GET", "/items", "", b""),
    ("HEAD", "/items", "", b""),
    ("POST", "/items", JSON, br#"{"name":"jam","count":3}"#),
    ("POST", "/items", JSON, br#"{"name":"jam"}"#),
    ("POST", "/items", JSON, br#"{"name":7}"#),
    ("POST", "/items", JSON, br#"{"name":"#),
    ("POST", "/items", JSON, b""),
    ("POST", "/items", "", br#"{"name":"jam"}"#),
    ("POST", "/items", "Content-Type: text/plain\r\n", br#"{"name":"jam"}"#),
    ("PUT", "/items", "", b""),
    ("PATCH", "/items", JSON, b"{}"),
    ("OPTIONS", "/items", "", b""),
    ("GET", "/items/0", "", b""),
    ("GET", "/items/2?ignored=yes", "", b""),
    ("GET", "/items/9", "", b""),
    ("GET", "/items/x", "", b""),
    ("GET", "/items/-1", "", b""),
    ("GET", "/items/%31", "", b""),
    ("DELETE", "/items/1", "", b""),
    ("HEAD", "/items/1", "", b""),
    ("GET", "/items/", "", b""),
    ("GET", "/items/1/more", "", b""),
    ("GET", "/search?q=tea", "", b""),
    ("GET", "/search?q=a%20b+c%26&page=2", "", b""),
    ("GET", "/search?q=%C3%A4", "", b""),
    ("GET", "/search?page=2", "", b""),
    ("GET", "/search?q=a&page=x", "", b""),
    ("GET", "/search", "", b""),
    ("GET", "/search?q=one&q=two", "", b""),
    ("POST", "/form", FORM, b"name=salt+and+pepper&count=2"),
    ("POST", "/form", FORM, b"count=2"),
    ("POST", "/form", JSON, b"{}"),
    ("POST", "/echo", "Content-Type: text/plain\r\n", b"what is said"),
    ("POST", "/echo", "", b""),
    ("POST", "/echo", "Content-Type: application/octet-stream\r\n", b"\0\xff\r\n\r\n"),
    ("POST", "/echo", "Transfer-Encoding: chunked\r\n", b""),
    ("GET", "/echo-headers", "X-One: 1\r\nX-Two: a\r\nx-two: b\r\n", b""),
    ("PURGE", "/echo-headers", "x-any: method\r\n", b""),
    ("GET", "/cookies", "Cookie: a=1; b=2\r\n", b""),
    ("GET", "/cookies", "", b""),
    ("GET", "/moved", "", b""),
    ("GET", "/fails", "", b""),
    ("GET", "/events", "Accept: text/event-stream\r\n", b""),
    ("GET", "/lines", "", b""),
    ("HEAD", "/lines", "", b""),
    ("GET", "/empty", "", b""),
    ("GET", "/bytes", "", b""),
    ("POST", "/upload", "", b"a small one"),
    ("POST", "/mirror", "", b"and back"),
    ("GET", "/mirror", "", b""),
    ("GET", "/path/a/b%2Fc/d?x=1&x=%32", "", b""),
    ("GET", "/path//double/", "", b""),
    ("GET", "/nowhere", "", b""),
    ("GET", "/nowhere%20at%20all?x", "", b""),
    ("POST", "/nowhere", JSON, b"{}"),
];

fn ask(client: &mut Client, (method, target, headers, body): Asked) -> Reply {
    let reply = if headers.starts_with("Transfer-Encoding") {
        let head = format!("{method} {target} HTTP/1.1\r\nHost: shop\r\n{headers}\r\n");
        client.send(&[head.as_bytes(), b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"].concat()).and_then(|()| client.read())
    } else {
        client.call(method, target, headers, body)
    };
    reply.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
}

/// Returns the parts of a reply that are compared: all but the time, and the rest of the connection.
///
/// A body that is still coming when its head goes out has a length from axum, and chunks from a runtime.
fn seen(target: &str, reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers: Vec<_> =
        reply.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    headers.retain(|(name, _)| !matches!(name.as_str(), "date" | "connection"));
    if target == "/mirror" {
        headers.retain(|(name, _)| !matches!(name.as_str(), "content-length" | "transfer-encoding"));
    }
    headers.sort();
    (reply.status, headers, reply.body.escape_ascii().to_string())
}

fn every_answer_is_that_of_axum(runtime: &Runtime) {
    let (axum, run) = (Served::start(), mounted(runtime));
    assert!(REQUESTS.len() >= 40);
    let mut differences = Vec::new();
    for asked in REQUESTS {
        let expected = seen(asked.1, &ask(&mut axum.client(), *asked));
        let found = seen(asked.1, &ask(&mut run.client(), *asked));
        if found != expected {
            differences.push(format!("{} {}\n  axum    {expected:?}\n  mounted {found:?}", asked.0, asked.1));
        }
    }
    assert!(differences.is_empty(), "{}\n{}", differences.join("\n"), run.process.output());
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
}

fn requests_that_come_one_after_the_other_are_answered_as_by_axum(runtime: &Runtime) {
    let (axum, run) = (Served::start(), mounted(runtime));
    let (mut expected, mut found) = (axum.client(), run.client());
    for asked in REQUESTS {
        let (found, expected) = (ask(&mut found, *asked), ask(&mut expected, *asked));
        assert_eq!(seen(asked.1, &found), seen(asked.1, &expected), "{} {}", asked.0, asked.1);
    }
}

fn an_upload_of_twenty_mebibytes_needs_the_memory_of_a_part(runtime: &Runtime) {
    let (axum, run) = (Served::start(), mounted(runtime));
    let body: Vec<u8> = (0..20 << 20).map(|at| (at % 253) as u8).collect();
    let upload = |client: &mut Client| client.call("POST", "/upload", "", &body).expect("an answer").text();
    let expected = upload(&mut axum.client());
    assert!(expected.contains("\"bytes\":20971520"), "{expected}");
    run.call("POST", "/upload", "", b"warm");
    let before = peak_memory(&run.process);
    assert_eq!(upload(&mut run.client()), expected);
    let more = peak_memory(&run.process) - before;
    assert!(more < 4 << 20, "{more} bytes for 20 MiB");
    assert_eq!(run.call("POST", "/echo", "", &body[..3 << 20]).status, 413, "axum's own limit of 2 MiB holds");
}

fn what_is_sent_comes_back_before_more_is_sent(runtime: &Runtime) {
    let run = mounted(runtime);
    let mut client = run.client();
    client.send(b"POST /mirror HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").expect("it is open");
    assert_eq!(client.head().expect("the head comes before the body").status, 200);
    for word in ["one", "two"] {
        client.send(format!("{:x}\r\n{word}\r\n", word.len()).as_bytes()).expect("it is open");
        assert_eq!(client.chunk().expect("it comes back"), word.as_bytes());
    }
    client.send(b"0\r\n\r\n").expect("it is open");
    assert_eq!(client.chunk().expect("the end"), b"");
}

fn a_client_that_leaves_ends_its_stream_and_no_other(runtime: &Runtime) {
    let run = mounted(runtime);
    let mut others: Vec<_> = (0..4).map(|_| run.client()).collect();
    for client in &mut others {
        client.send(b"POST /mirror HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\nhalf").expect("it is open");
        assert_eq!(client.head().expect("a head").status, 200);
    }
    drop(others.remove(0));
    for client in &mut others {
        client.send(b"done").expect("it is open");
        let mut body = Vec::new();
        while let Some(chunk) = client.chunk().ok().filter(|chunk| !chunk.is_empty()) {
            body.extend(chunk);
        }
        assert_eq!(body, b"halfdone", "{}", run.process.output());
    }
    assert_eq!(run.stop().code(), Some(0), "the one that was left has ended:\n{}", run.process.output());
}

/// Returns an event of API Gateway's payload format 2.0.
fn event((method, target, headers, body): Asked) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let lines = headers.lines().filter_map(|line| line.split_once(": "));
    let headers: serde_json::Map<_, _> =
        lines.map(|(name, value)| (name.to_ascii_lowercase(), Value::from(value))).collect();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "requestContext": {
            "requestId": "r", "stage": "$default", "domainName": "api.example",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        },
        "body": String::from_utf8_lossy(body), "isBase64Encoded": false,
    })
    .to_string()
}

fn under_aws_lambda_it_answers_events_of_api_gateway(runtime: &Runtime) {
    let axum = Served::start();
    let run = OnAws::launch(runtime, Deployment::of("axum-app"), "axum_app.app", Options::default()).polling();
    let few = ["/", "/items", "/items/2?ignored=yes", "/items/9", "/search?q=a%20b+c%26&page=2", "/form", "/cookies"];
    let same = |asked: &&Asked| (few.contains(&asked.1) || asked.1 == "/nowhere") && !matches!(asked.0, "HEAD");
    let mut compared = 0;
    for asked in REQUESTS.iter().filter(same) {
        let expected = ask(&mut axum.client(), *asked);
        let answer: Value = serde_json::from_slice(&run.call(&*event(*asked)).body).expect("a reply of API Gateway's");
        let header = |name: &str| answer["headers"][name].as_str();
        let found = (answer["statusCode"].as_u64(), answer["body"].as_str().unwrap_or_default().to_owned());
        assert_eq!(found, (Some(u64::from(expected.status)), expected.text()), "{} {}: {answer}", asked.0, asked.1);
        for name in ["content-type", "x-route", "x-timed", "location", "allow"] {
            assert_eq!(header(name), expected.header(name), "{name} of {} {}: {answer}", asked.0, asked.1);
        }
        let cookies: Vec<_> = answer["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(cookies, expected.all("set-cookie"), "{answer}");
        compared += 1;
    }
    assert!(compared >= 15, "{compared}");
    run.assert_clean();
}

fn an_event_that_is_no_request_is_an_error_of_its_own(runtime: &Runtime) {
    let run = OnAws::launch(runtime, Deployment::of("axum-app"), "axum_app.app", Options::default()).polling();
    let answer = run.aws.invoke(r#"{"detail": 1}"#);
    assert!(answer.text().contains("Runtime.TriggerMismatch"), "{answer:?}");
}
