//! Both runtimes and their modules under valgrind's memory checker, from the start to the exit after Close: no invalid
//! access, no use of what was never written, nothing lost. What is kept for the life of the process (tables, libraries
//! that are never unloaded) is still reachable at the exit and counts as kept.

use crate::needs::{Need, need, under};
use integration::artifacts::{self, Runtime};
use integration::client::Client;
use integration::deployment::Deployment;
use integration::faulty;
use integration::on_aws::OnAws;
use integration::on_http::{self, OnHttp};
use integration::wait::limit;
use libtest_mimic::Trial;
use platform_emulators::aws_lambda::{Aws, Event, Kind, Options};
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

pub(crate) fn trials() -> Vec<Trial> {
    let need = need("valgrind", "valgrind", &["--version"]);
    let mut trials = Vec::new();
    let mut add = |name, behaviour| trials.extend(need.over_both(name, behaviour));
    add("valgrind_aws_echo_and_inspect", aws_echo_and_inspect);
    add("valgrind_aws_errors_panics_and_large_replies", aws_faults);
    add("valgrind_aws_an_async_function_that_waits", aws_pending);
    add("valgrind_aws_streams_whole_and_broken", aws_streams);
    add("valgrind_aws_functions_in_c", aws_c);
    add("valgrind_http_errors_panics_waits_and_large_replies", http_replies);
    add("valgrind_http_streams_whole_and_broken", http_streams);
    add("valgrind_http_functions_in_c", http_c);
    add("valgrind_http_events_crowds_and_patience", http_others);
    add("valgrind_http_tasks_cancels_and_work_after_the_reply", http_background);
    add("valgrind_finds_a_byte_too_far", control);
    let (cpp, go) = (need_program("g++", "--version"), need_program("go", "version"));
    trials.extend(need.and(cpp).over_both("valgrind_http_a_function_and_a_layer_in_cpp", http_cpp));
    trials.extend(need.and(go).over_both("valgrind_http_a_function_and_a_layer_in_go", http_go));
    for program in ["linked", "one-file"] {
        trials.push(need.trial(&format!("valgrind_http_the_program_{program}"), move || http_program(program)));
    }
    trials
}

/// The exit code of a process in which valgrind found something.
const FOUND: &str = "--error-exitcode=99";

fn checked(command: &Command, report: &Path, more: &[&str]) -> Command {
    let report = format!("--log-file={}", report.display());
    let leaks = ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"];
    under(&[&["valgrind", FOUND, &report][..], &leaks, more].concat(), command)
}

fn on_aws(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnAws {
    let options = Options {
        handler: Some(handler.to_owned()),
        task_root: Some(deployment.root().to_owned()),
        timeout: limit(),
        patience: limit(),
        ..Options::default()
    };
    let aws = Aws::start(options).expect("there is a free port");
    let command = checked(&deployment.command(runtime), &deployment.path("report"), &[]);
    let process = aws.spawn(command).expect("valgrind starts");
    OnAws { aws, process, deployment }.polling()
}

fn on_http(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
    on_http_but(runtime, deployment, handler, &[])
}

/// Starts the runtime with further options of valgrind's.
fn on_http_but(runtime: &Runtime, deployment: Deployment, handler: &str, more: &[&str]) -> OnHttp {
    let port = free_port();
    let command = checked(&on_http::command(runtime, &deployment, handler, port), &deployment.path("report"), more);
    let process = Process::spawn(command, |_| ()).expect("valgrind starts");
    OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }.ready()
}

/// Stops the process, and checks that valgrind has found nothing.
fn assert_nothing_found(process: &Process, deployment: &Deployment) {
    process.signal(Signal::Term).expect("the signal is sent");
    let status = process.wait(limit()).expect("SIGTERM ends it");
    let report = std::fs::read_to_string(deployment.path("report")).expect("valgrind's report");
    assert_eq!(status.code(), Some(0), "{report}\n{}", process.output());
    assert!(report.contains("ERROR SUMMARY: 0 errors"), "{report}");
}

fn aws_end(run: &OnAws) {
    run.assert_clean();
    assert_nothing_found(&run.process, &run.deployment);
}

/// Returns a function with both layers around it.
fn layered(function: &str) -> Deployment {
    Deployment::of(function).layer("monitor").layer("metrics")
}

/// Returns the event of a function URL.
fn request(target: &str) -> Event {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"host": "abc.lambda-url.eu-west-1.on.aws", "x-twice": "1,2"}, "cookies": ["a=1", "b=2"],
        "requestContext": {
            "accountId": "anonymous", "apiId": "abc", "domainName": "abc.lambda-url.eu-west-1.on.aws",
            "http": {"method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "requestId": "r-1", "routeKey": "$default", "stage": "$default", "timeEpoch": 1_790_000_000_000_u64,
        },
        "isBase64Encoded": false,
    });
    Event::from(event.to_string().as_str())
}

fn aws_echo_and_inspect(runtime: &'static Runtime) {
    let run = on_aws(runtime, layered("echo"), "echo");
    for round in 0..50_usize {
        let text = format!("\"{}\"", "e".repeat(round * round * 20));
        assert_eq!(run.call(text.as_str()).body, text.as_bytes(), "round {round}");
    }
    aws_end(&run);
    let run = on_aws(runtime, layered("inspect"), "inspect");
    for _ in 0..3 {
        assert_eq!(run.inspect("{\"n\":1}").event(), b"{\"n\":1}");
        let seen = run.call(request("/a%20b?x=1&y=2&x=%33"));
        assert!(seen.text().contains("a%20b"), "{}", seen.text());
    }
    aws_end(&run);
}

fn aws_faults(runtime: &'static Runtime) {
    let run = on_aws(runtime, layered("faulty"), "faulty");
    for _ in 0..5 {
        for event in [faulty::ERROR, faulty::PANIC] {
            assert_eq!(run.aws.invoke(event).kind, Kind::Error, "{event}");
        }
        assert_eq!(run.call(faulty::FINE).text(), "\"fine\"");
    }
    assert_eq!(run.call(faulty::FIVE_MB).body.len(), 5_000_000);
    let refused = run.aws.invoke(faulty::SEVEN_MB);
    assert!(matches!(refused.kind, Kind::Error | Kind::TooLarge), "{:?}: {:.200}", refused.kind, refused.text());
    assert_eq!(run.call(faulty::FINE).text(), "\"fine\"");
    aws_end(&run);
}

fn aws_pending(runtime: &'static Runtime) {
    let run = on_aws(runtime, layered("hello"), "hello");
    for wait in ["", "&wait_ms=1", "&wait_ms=20"] {
        let answer = run.call(request(&format!("/a?name=ada{wait}")));
        assert!(answer.text().contains("ada"), "{}", answer.text());
    }
    assert!(run.call(request("/?wait_ms=long")).text().contains("400"), "the client's mistake");
    aws_end(&run);
}

fn aws_streams(runtime: &'static Runtime) {
    let run = on_aws(runtime, layered("stream"), "stream");
    for _ in 0..3 {
        let whole = run.aws.invoke(r#"{"chunks":10,"bytes":10000}"#);
        assert_eq!((whole.kind, whole.body.len(), whole.error_type), (Kind::Stream, 100_000, None));
        let broken = run.aws.invoke(r#"{"chunks":10,"bytes":100,"fail_after":2}"#);
        assert_eq!((broken.kind, broken.body.len()), (Kind::Stream, 200));
        assert_eq!(broken.error_type.as_deref(), Some("Function.StreamTorn"));
    }
    aws_end(&run);
}

/// Returns the module with the books, built with symbols.
fn ledger() -> Deployment {
    let source = artifacts::workspace().join("integration/tests/c/ledger.c");
    let library = artifacts::compile_c(&source, "libledger_valgrind.so", &["-g"]).unwrap_or_else(|why| panic!("{why}"));
    Deployment::empty().file("libledger.so", &library).layers(&["ledger.over"])
}

/// The ends of an invocation that the module with the books knows, but for those of a stream.
const ENDS: [&str; 12] = [
    "plain",
    "twice",
    "reply, fail",
    "fail, reply",
    "reply, panic",
    "reply, cancelled",
    "no such code",
    "keep",
    "pending",
    "no stream",
    "recover",
    "over",
];
/// The ends of a stream that it knows.
const STREAMS: [&str; 5] = ["stream", "stream, fail", "stream, panic", "reply, stream", "stream, reply"];

fn aws_c(runtime: &'static Runtime) {
    let run = on_aws(runtime, layered("echo-c"), "echo-c");
    for round in 0..50_usize {
        let text = format!("\"{}\"", "c".repeat(round * 100));
        assert_eq!(run.call(text.as_str()).body, text.as_bytes(), "round {round}");
    }
    aws_end(&run);
    let run = on_aws(runtime, ledger(), "ledger");
    for event in ENDS.iter().chain(&STREAMS).cycle().take(2 * (ENDS.len() + STREAMS.len())) {
        let answer = run.aws.invoke(*event);
        assert!(matches!(answer.kind, Kind::Response | Kind::Error | Kind::Stream), "{event}: {:?}", answer.kind);
    }
    aws_end(&run);
}

/// Checks the instrument itself: it sees into a module.
fn control(runtime: &'static Runtime) {
    let run = on_aws(runtime, ledger(), "ledger");
    run.call("overrun");
    run.process.signal(Signal::Term).expect("the signal is sent");
    assert_eq!(run.process.wait(limit()).expect("SIGTERM ends it").code(), Some(99), "{}", run.process.output());
}

const JSON: &str = "Content-Type: application/json\r\n";

fn call(client: &mut Client, event: &str) -> u16 {
    client.call("POST", "/", JSON, event.as_bytes()).unwrap_or_else(|error| panic!("{event}: {error}")).status
}

fn http_replies(runtime: &'static Runtime) {
    let run = on_http(runtime, layered("faulty"), "faulty");
    let mut client = run.client();
    for _ in 0..5 {
        for (event, status) in [(faulty::ERROR, 500), (faulty::PANIC, 500), (faulty::FINE, 200)] {
            assert_eq!(call(&mut client, event), status, "{event}");
        }
    }
    assert_eq!(call(&mut client, faulty::SEVEN_MB), 200);
    drop(client);
    assert_nothing_found(&run.process, &run.deployment);
    let run = on_http(runtime, layered("hello"), "hello");
    let mut client = run.client();
    for wait in ["", "&wait_ms=1", "&wait_ms=20"] {
        let reply = client.call("GET", &format!("/a?name=ada{wait}"), "", b"").expect("an answer");
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    drop(client);
    assert_nothing_found(&run.process, &run.deployment);
}

fn http_streams(runtime: &'static Runtime) {
    let run = on_http(runtime, layered("stream"), "stream");
    for _ in 0..3 {
        let whole = run.get("/?chunks=10&bytes=10000");
        assert_eq!((whole.status, whole.body.len()), (200, 100_000));
        let broken = run.client().call("GET", "/?chunks=10&bytes=100&fail_after=2", "", b"");
        assert!(broken.is_err(), "an end that looks whole hides the failure: {broken:?}");
    }
    assert_nothing_found(&run.process, &run.deployment);
}

fn http_c(runtime: &'static Runtime) {
    let run = on_http(runtime, layered("echo-c"), "echo-c");
    let mut client = run.client();
    for round in 0..50_usize {
        let body = vec![b'c'; round * 100];
        assert_eq!(client.call("POST", "/", "", &body).expect("an answer").body, body, "round {round}");
    }
    drop(client);
    assert_nothing_found(&run.process, &run.deployment);
    let run = on_http(runtime, ledger(), "ledger");
    let mut client = run.client();
    for event in ENDS {
        assert!(call(&mut client, event) >= 200, "{event}");
    }
    for event in STREAMS {
        // Broken streams take their connection along.
        let _ = run.client().call("POST", "/", JSON, event.as_bytes());
    }
    drop(client);
    assert_nothing_found(&run.process, &run.deployment);
}

fn http_others(runtime: &'static Runtime) {
    let knative = layered("cloud-event").env("FAAS_PLATFORM", "knative");
    let run = on_http(runtime, knative, "cloud-event.same");
    let event = br#"{"specversion":"1.0","id":"e-1","source":"/pot","type":"org.example.pot","data":{"pot":1}}"#;
    for _ in 0..3 {
        let reply = run.call("POST", "/", "Content-Type: application/cloudevents+json\r\n", event);
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    assert_nothing_found(&run.process, &run.deployment);
    for function in ["crowd.waits", "crowd.blocks"] {
        let run = on_http(runtime, layered("crowd"), function);
        for reply in run.at_once(4, "POST", "/", b"4 1") {
            assert_eq!((reply.status, reply.text().as_str()), (200, "4"), "{function}");
        }
        assert_nothing_found(&run.process, &run.deployment);
    }
    let run = on_http(runtime, layered("shaky").layers(&["shaky.shaky"]), "shaky.patient");
    assert_eq!(run.call("POST", "/", "", b"20").text(), "\"waited\"");
    assert_nothing_found(&run.process, &run.deployment);
    let run = on_http(runtime, layered("tasks"), "tasks");
    assert_eq!(run.call("POST", "/", "", b"").text(), "the task has panicked");
    assert_nothing_found(&run.process, &run.deployment);
}

fn http_background(runtime: &'static Runtime) {
    let functions = [("spawns", ""), ("after", "5"), ("after_with_panic", ""), ("keeps", ""), ("in_place", "")];
    for (function, event) in functions {
        let deployment = layered("background").env("FAAS_ASYNC_WORKERS", "2");
        let run = on_http(runtime, deployment, &format!("background.{function}"));
        for _ in 0..3 {
            let reply = run.call("POST", "/", "", event.as_bytes());
            assert_eq!((reply.status, reply.text().as_str()), (200, "replied"), "{function}");
        }
        assert_nothing_found(&run.process, &run.deployment);
    }
    let run = on_http(runtime, layered("background").env("FAAS_TIMEOUT", "2s"), "background.waits");
    for way in ["select", "thread", "nested"] {
        assert_eq!(run.call("POST", "/", "", way.as_bytes()).status, 504, "{way}");
    }
    assert_nothing_found(&run.process, &run.deployment);
}

fn need_program(name: &'static str, version: &str) -> Need {
    need(name, name, &[version])
}

fn http_cpp(runtime: &'static Runtime) {
    let library = artifacts::greet_cpp(Path::new("g++")).unwrap_or_else(|why| panic!("{why}"));
    let deployment = layered("echo").file("libgreet_cpp.so", &library).layers(&["greet_cpp.stamp"]);
    let run = on_http(runtime, deployment, "greet_cpp.greet");
    for (name, status) in [("ada", 200), ("", 500), ("bob", 200)] {
        assert_eq!(run.call("POST", "/", "", name.as_bytes()).status, status, "{name}");
    }
    assert_nothing_found(&run.process, &run.deployment);
}

/// Go's collector reads whole stacks, bytes that were never written included. Accesses and leaks are checked as ever.
fn http_go(runtime: &'static Runtime) {
    let library = artifacts::echo_go(Path::new("go")).unwrap_or_else(|why| panic!("{why}"));
    let deployment = layered("echo").file("libecho_go.so", &library).layers(&["echo_go.stamp"]);
    let run = on_http_but(runtime, deployment, "echo_go.echo", &["--undef-value-errors=no"]);
    for (event, status) in [("ada", 200), ("panic", 500), ("bob", 200)] {
        assert_eq!(run.call("POST", "/", "", event.as_bytes()).status, status, "{event}");
    }
    assert_nothing_found(&run.process, &run.deployment);
}

/// Checks programs with a function and its runtime in one.
fn http_program(name: &str) {
    let (mut made, said) = artifacts::cargo_build(&[name]);
    let path = made.remove(&name.replace('-', "_")).unwrap_or_else(|| panic!("{name} was not built:\n{said}"));
    // The path lives as long as the tests.
    let program: &'static Runtime = Box::leak(Box::new(Runtime { name: "light-bootstrap", path }));
    let run = on_http(program, Deployment::empty(), "echo");
    for round in 0..5_usize {
        let body = vec![b'l'; round * 1000];
        assert_eq!(run.call("POST", "/", "", &body).body, body, "round {round}");
    }
    assert_nothing_found(&run.process, &run.deployment);
}
