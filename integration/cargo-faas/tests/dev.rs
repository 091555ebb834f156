//! `cargo faas dev` as its users meet it: requests while deployments are swapped, edits that do not build, events,
//! timers and platforms, the console for programs, and an end that leaves nothing behind.
#![forbid(unsafe_code)]

mod dev_rig;
#[path = "dev/ends.rs"]
mod ends;
#[path = "dev/platforms.rs"]
mod platforms;
#[path = "dev/projects.rs"]
mod projects;

use dev_rig::{Rig, Unit, tool};
use integration::artifacts::{self, Runtime};
use integration::client::{Client, Reply};
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait;
use platform_emulators::process::{Process, Signal};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// A unit with the functions hello and faulty.
const SHOP: Unit<'_> = (
    "shop",
    &["hello", "faulty"],
    r#"{"version":1,"functions":[
        {"name":"hello","events":[{"http":{"path":"/hello"}}]},
        {"name":"faulty","events":[{"http":{"path":"/faulty"}},{"queue":{"source":"orders"}}]}]}"#,
);

/// A unit with a stream, which serves all other requests.
const PAGES: Unit<'_> = ("pages", &["stream"], r#"{"version":1,"default":"stream","functions":[{"name":"stream"}]}"#);

/// Returns the shop with a mark in its manifest, so that it is another one.
fn marked(mark: usize) -> String {
    SHOP.2.replace("\"version\":1", &format!("\"version\":1,\"x-mark\":{mark}"))
}

#[test]
fn with_a_thousand_requests_in_flight_at_each_of_ten_swaps_none_is_lost_or_served_twice() {
    swap_under_load(artifacts::get().bootstrap());
}

#[test]
fn under_light_bootstrap_no_request_of_a_thousand_at_each_swap_is_lost_or_served_twice() {
    swap_under_load(artifacts::get().light_bootstrap());
}

/// Swaps deployments while a thousand requests are in flight, and clients begin others all the time.
fn swap_under_load(runtime: &Runtime) {
    const OPEN: usize = 1_000;
    const CLIENTS: usize = 8;
    const SWAPS: usize = 10;
    // Plain HTTP accepts 256 at once unless it is told.
    let rig = Rig::under(runtime, &[SHOP], &[], &[("FAAS_CONCURRENCY", "1100")]);
    let about = |error: std::io::Error| -> ! { panic!("{}: {error}\n{}", runtime.name, rig.dev.output()) };
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let is_greeted = |reply: &Reply, name: &str| {
        assert_eq!(reply.status, 200, "{name}: {}", reply.text());
        assert!(reply.text().contains(&format!("\"hello\":\"{name}\"")), "{name}: {}", reply.text());
    };
    let client = || {
        let mut client = Client::connect(rig.address).expect("connects");
        while !is_over.load(Ordering::SeqCst) {
            let name = format!("n{}", next.fetch_add(1, Ordering::SeqCst));
            let reply = client.call("POST", &format!("/hello?name={name}&wait_ms=10"), "", b"x");
            is_greeted(&reply.unwrap_or_else(|error| about(error)), &name);
        }
    };
    let swaps = || {
        let mut open: Vec<Client> = (0..OPEN).map(|_| Client::connect(rig.address).expect("connects")).collect();
        for swap in 1..=SWAPS {
            let name = |number: usize| format!("swap{swap}-{number}");
            for (number, client) in open.iter_mut().enumerate() {
                // Those that are whole before the swap wait in the function while it comes.
                let wait = if number % 2 == 0 { 1_000 } else { 10 };
                let head = format!(
                    "POST /hello?name={}&wait_ms={wait} HTTP/1.1\r\nHost: {}\r\nContent-Length: 1\r\n\r\n",
                    name(number),
                    rig.address
                );
                client.send(head.as_bytes()).unwrap_or_else(|error| about(error));
            }
            let in_flight = || rig.api("state")["inFlight"].as_u64().filter(|count| *count >= OPEN as u64);
            rig.until("a thousand are in flight", in_flight);
            let body = |client: &mut Client| client.send(b"x").unwrap_or_else(|error| about(error));
            open.iter_mut().step_by(2).for_each(body);
            let text = marked(swap);
            rig.replace(&[("shop", SHOP.1, &text)]);
            rig.line(&format!("deployed  {}, ", swap + 1));
            // The old process has these as well, although they are whole only now.
            open.iter_mut().skip(1).step_by(2).for_each(body);
            for (number, client) in open.iter_mut().enumerate() {
                is_greeted(&client.read().unwrap_or_else(|error| about(error)), &name(number));
            }
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        let swaps = std::panic::catch_unwind(std::panic::AssertUnwindSafe(swaps));
        // The clients end, however the swaps went.
        is_over.store(true, Ordering::SeqCst);
        swaps.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        clients.into_iter().for_each(|client| client.join().expect("every request was answered"));
    });
    let sent = SWAPS * OPEN + next.load(Ordering::SeqCst);
    let served = rig.until("the line of every request is there", || {
        let mut served: BTreeMap<String, usize> = BTreeMap::new();
        for line in rig.dev.lines() {
            if let Some((_, name)) = line.text.split_once("greeting name=") {
                *served.entry(name.to_owned()).or_default() += 1;
            }
        }
        (served.len() == sent).then_some(served)
    });
    let twice: Vec<_> = served.iter().filter(|(_, count)| **count != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    rig.leave();
}

#[test]
fn what_does_not_start_is_said_and_the_old_deployment_goes_on_until_it_does() {
    let rig = Rig::start(&[SHOP], &[]);
    rig.replace(&[("shop", SHOP.1, r#"{"version":1,"functions":[{"nam":"hello"}]}"#)]);
    rig.line("did you mean \"name\"?");
    rig.line("deployment 1 goes on");
    let state = rig.until("the build has failed", || Some(rig.api("state")).filter(|state| state["build"] == "failed"));
    assert!(state["failure"].as_str().is_some_and(|why| why.contains("did you mean")), "{state}");
    assert!(rig.get("/_faas").text().contains("The newest build is not served."));
    assert_eq!(rig.get("/hello").status, 200);
    // This is a dotenv file that the function does not start with.
    rig.replace(&[SHOP]);
    rig.line("deployed  2, ");
    std::fs::write(rig.deployment().join(".env"), "FAULTY_START=error\n").expect("it is written");
    rig.line("Faulty.Start");
    rig.line("deployment 2 goes on");
    assert_eq!(rig.get("/hello").status, 200);
    std::fs::write(rig.deployment().join(".env"), "FAULTY_START=\n").expect("it is written");
    rig.line("deployed  4, ");
    assert_eq!(rig.get("/hello").status, 200);
    rig.until("it serves", || (rig.api("state")["build"] == "serves").then_some(()));
    rig.leave();
}

#[test]
fn an_invocation_over_plain_http_has_the_time_that_the_option_says() {
    let rig = Rig::start(
        &[("faulty", &["faulty"], r#"{"version":1,"default":"faulty","functions":[{"name":"faulty"}]}"#)],
        &["--timeout", "1"],
    );
    let reply = rig.call("POST", "/", "", br#"{"do":"sleep","ms":600000}"#);
    assert_eq!(reply.status, 504, "{}", reply.text());
    rig.until("a new process serves", || (rig.call("POST", "/", "", b"{}").status == 200).then_some(()));
    rig.leave();
}

#[test]
fn units_are_found_by_their_routes_and_bodies_pass_as_they_come() {
    let rig = Rig::start(&[SHOP, PAGES], &[]);
    assert!(rig.get("/hello?name=ada").text().contains("ada"));
    assert_eq!(rig.call("POST", "/any/path", "", br#"{"chunks":2}"#).text().lines().count(), 2);
    let large = vec![b'x'; 5 << 20];
    assert_eq!(rig.call("PUT", "/hello?name=large", "", &large).status, 200);
    let kept = rig.invocation(|one| one["title"] == "PUT /hello?name=large");
    let body = &kept["body"];
    assert_eq!((&body["bytes"], &body["cut"]), (&large.len().into(), &true.into()), "{}", body["bytes"]);
    assert_eq!(body["text"].as_str().map(str::len), Some(64 << 10), "of a body the first bytes are kept");
    // A piece is there although the next one comes much later.
    let mut client = Client::connect(rig.address).expect("connects");
    client.request("GET", "/stream?chunks=2&pause_ms=600000", "", b"").expect("sends");
    assert!(client.begins().expect("the reply begins"));
    let head = client.head().expect("the head is there");
    assert_eq!(head.status, 200);
    assert!(client.chunk().expect("a piece comes").starts_with(b"0."));
    drop(client);
    let cut = rig.invocation(|one| one["title"] == "GET /stream?chunks=2&pause_ms=600000");
    assert_eq!(cut["problem"]["kind"], "Cut", "{cut}");
    rig.dev.signal(Signal::Term).expect("the signal is sent");
    rig.line("draining  ");
}

#[test]
fn a_runtime_that_dies_is_replaced_and_the_next_request_finds_the_new_one() {
    let rig = Rig::start(&[SHOP], &[]);
    let reply = rig.get("/faulty?do=abort");
    assert_eq!((reply.status, reply.header("content-type")), (502, Some("application/json")));
    assert!(reply.text().contains("Runtime.ExitError"), "{}", reply.text());
    assert_eq!(rig.get("/hello").status, 200);
    rig.line("restart   a runtime has left by itself");
    rig.line("deployed  2, ");
    rig.leave();
}

#[test]
fn an_invocation_has_its_spans_its_lines_and_the_place_of_its_error() {
    let rig = Rig::start(&[SHOP], &[]);
    rig.call("POST", "/faulty?do=panic", "content-type: text/plain\r\n", b"<script>alert(1)</script>");
    let failed = rig.invocation(|one| one["title"] == "POST /faulty?do=panic");
    let failed = rig.until("its lines are there", || {
        let now = rig.api(&format!("invocations/{}", failed["number"]));
        (now["spans"][0].is_object() && now["problem"].is_object()).then_some(now)
    });
    assert_eq!(failed["problem"]["kind"], "Panic", "{failed}");
    assert!(failed["problem"]["place"].as_str().is_some_and(|place| place.contains("faulty/src/lib.rs:")), "{failed}");
    assert_eq!((&failed["spans"][0]["span"], &failed["function"]), (&"faulty".into(), &"faulty".into()), "{failed}");
    assert_eq!(failed["body"]["text"], "<script>alert(1)</script>");
    let page = rig.get(&format!("/_faas/invocations/{}", failed["number"]));
    assert!(page.text().contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.text().contains("<script>alert"));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let lines = rig.get("/_faas/api/logs?function=faulty").text();
    assert!(lines.lines().count() >= 1 && lines.contains("asked for a panic"), "{lines}");
    let nobody = rig.get("/_faas/api/logs?function=nobody");
    assert_eq!(nobody.status, 400);
    assert!(nobody.text().starts_with("there is no function \"nobody\"; there are "), "{}", nobody.text());
    rig.leave();
}

#[test]
fn the_console_refuses_other_names_other_sites_and_what_is_not_there() {
    let rig = Rig::start(&[SHOP], &[]);
    let call = |head: &str| {
        let mut client = Client::connect(rig.address).expect("connects");
        client.send(head.as_bytes()).expect("sends");
        client.read().expect("answers").status
    };
    assert_eq!(call("GET /_faas HTTP/1.1\r\nHost: evil.example\r\n\r\n"), 403);
    let own = format!("Host: {}\r\n", rig.address);
    assert_eq!(call(&format!("GET /_faas HTTP/1.1\r\n{own}\r\n")), 200);
    let post = |origin: &str| call(&format!("POST /_faas/send HTTP/1.1\r\n{own}{origin}Content-Length: 0\r\n\r\n"));
    assert_eq!(post("Origin: http://evil.example\r\n"), 403);
    assert_eq!(post("Sec-Fetch-Site: cross-site\r\n"), 403);
    // A request from its own page is only wrong.
    assert_eq!(post(&format!("Origin: http://{}\r\n", rig.address)), 400);
    for path in ["/_faas/nothing", "/_faas/invocations/999", "/_faas/api/invocations/x"] {
        assert_eq!(rig.get(path).status, 404, "{path}");
    }
    // The function's own paths are not the console's.
    assert_eq!(rig.get("/_faasx").status, 404);
    assert_eq!(rig.api("invocations")[0]["title"], "GET /_faasx");
    rig.leave();
}

#[test]
fn timers_fire_and_events_of_any_platform_reach_the_function_they_are_for() {
    let timed =
        SHOP.2.replace("[{\"http\":{\"path\":\"/hello\"}}]", "[{\"timer\":{\"source\":\"tidy\",\"every\":\"1s\"}}]");
    let rig = Rig::start(&[("shop", SHOP.1, &timed)], &[]);
    let fired = rig.invocation(|one| one["title"] == "event timer tidy");
    assert_eq!((&fired["platform"], &fired["function"]), (&"aws-lambda".into(), &"hello".into()), "{fired}");
    assert!(fired["body"]["text"].as_str().is_some_and(|event| event.contains("rule/tidy")), "{fired}");
    let invoke = |asked: &str| -> Value {
        let reply = rig.call("POST", "/_faas/api/invoke", "content-type: application/json\r\n", asked.as_bytes());
        assert_eq!(reply.status, 200, "{asked}: {}", reply.text());
        serde_json::from_slice(&reply.body).expect("it is JSON")
    };
    for sample in ["aws/sqs", "aliyun/mns", "azure/queue", "tencent/cmq", "huawei/smn", "fn/call"] {
        let answer = invoke(&format!(r#"{{"sample":"{sample}","function":"faulty"}}"#));
        let one = &answer["invocations"][0];
        assert_eq!((&one["failed"], &one["function"]), (&false.into(), &"faulty".into()), "{sample}: {one}");
        // Azure's host gets the bytes in base64.
        let is_fine = |text: &str| text.contains("fine") || text.contains("ZmluZQ==");
        assert!(one["reply"]["text"].as_str().is_some_and(is_fine), "{sample}: {one}");
    }
    // The runtime decides which function serves it.
    assert_eq!(invoke(r#"{"sample":"aws/sqs"}"#)["invocations"][0]["function"], "faulty");
    let twice = invoke(r#"{"event":"{\"do\":\"error\"}","function":"faulty","retry":2}"#);
    let tries = twice["invocations"].as_array().expect("a list");
    assert_eq!(tries.len(), 3, "{twice}");
    assert!(tries.iter().all(|one| one["failed"] == true && one["requestId"] == tries[0]["requestId"]), "{twice}");
    let same = invoke(r#"{"event":"{}","function":"faulty","duplicate":true,"freezeMs":20}"#);
    assert_eq!(same["invocations"][0]["requestId"], same["invocations"][1]["requestId"], "{same}");
    let refused = invoke(r#"{"event":"{}","throttle":true}"#);
    assert_eq!(refused["invocations"][0]["status"], 429, "{refused}");
    let late = invoke(r#"{"event":"{\"do\":\"sleep\",\"ms\":600000}","function":"faulty","deadlineMs":300}"#);
    assert!(late["invocations"][0]["problem"]["kind"].as_str().is_some_and(|kind| kind.contains("imed")), "{late}");
    let left = invoke(r#"{"event":"{\"do\":\"sleep\",\"ms\":1500}","function":"faulty","sigterm":true}"#);
    assert_eq!(left["invocations"][0]["failed"], false, "what runs is answered before the process leaves: {left}");
    // The process of the event before is leaving, and the start of the next one may take its time.
    rig.until("an event ends before its SIGTERM", || {
        invoke(r#"{"event":"{}","function":"faulty","sigterm":true}"#);
        rig.dev.output().contains("no SIGTERM: the event ended").then_some(())
    });
    // The function hello has no process of its own on this platform yet.
    let began = std::time::Instant::now();
    invoke(r#"{"sample":"aliyun/mns","function":"hello","freezeMs":1000}"#);
    assert!(began.elapsed() >= std::time::Duration::from_secs(1), "it was not frozen");
    let endless = r#"{"sample":"aliyun/mns","function":"faulty","deadlineMs":300}"#;
    let reply = rig.call("POST", "/_faas/api/invoke", "", endless.as_bytes());
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("tells no event how long it has"), "{}", reply.text());
    for wrong in
        [r#"{"sample":"aws/nothing"}"#, r#"{"function":"nobody"}"#, "no JSON", r#"{"event":"x","function":"nobody"}"#]
    {
        let reply = rig.call("POST", "/_faas/api/invoke", "", wrong.as_bytes());
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text());
    }
    rig.leave();
}

#[test]
fn beside_dev_a_name_means_a_deployment_a_function_or_a_librarys_function() {
    let manifest = SHOP.2.replace(r#""name":"faulty","#, r#""name":"hard","handler":"faulty.faulty","#);
    let rig = Rig::start(&[PAGES, ("shop", SHOP.1, &manifest)], &[]);
    let url = format!("http://{}/", rig.address);
    let invoke = |more: &[&str]| run(rig.folder.path(), &[&["invoke", "--url", &url, "--function"], more].concat());
    for (more, served) in [
        (&["faulty.faulty", "--data", "{}"][..], "event by hand on hard: 200, "),
        // Of a deployment the one function that serves such events gets them, and without an event the plainest one.
        (&["shop", "--sample", "aws/sqs"], "event aws/sqs on hard: 200, "),
        (&["shop"], "GET /faulty on hard: 200, "),
        (&["pages", "--data", "{}"], "event by hand on stream: 200, "),
    ] {
        let output = invoke(more);
        assert!(text(&output.stderr).contains(served), "{more:?}: {}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{more:?}");
    }
    let nobody = invoke(&["shop.hard", "--data", "{}"]);
    assert!(
        text(&nobody.stderr).contains("there is no function \"shop.hard\"; there are "),
        "{}",
        text(&nobody.stderr)
    );
    rig.leave();
}

#[test]
fn on_azure_the_host_tells_the_parameters_of_a_route() {
    let manifest = r#"{"version":1,"functions":[{"name":"inspect","events":[{"http":{"path":"/notes/{id}"}}]}]}"#;
    let rig = Rig::start(&[("inspect", &["inspect"], manifest)], &["--platform", "azure"]);
    let reply = rig.get("/notes/7?id=8");
    assert!(reply.text().contains(r#""path_params":{"id":"7"}"#), "{}: {}", reply.status, reply.text());
    rig.leave();
}

#[test]
fn a_function_whose_name_is_as_long_as_a_files_may_be_gets_its_events() {
    let name = "a".repeat(246);
    let manifest =
        format!(r#"{{"version":1,"functions":[{{"name":"{name}","handler":"faulty"}},{{"name":"hello"}}]}}"#);
    let rig = Rig::start(&[("shop", SHOP.1, &manifest)], &[]);
    let asked = format!(r#"{{"event":"{{}}","function":"{name}"}}"#);
    let reply = rig.call("POST", "/_faas/api/invoke", "", asked.as_bytes());
    let answer: Value = serde_json::from_slice(&reply.body).expect("it is JSON");
    assert_eq!(answer["invocations"][0]["status"], 200, "{answer}");
    rig.leave();
}

#[test]
fn what_is_no_request_is_refused_and_head_is_answered_without_a_body() {
    let rig = Rig::start(&[SHOP], &[]);
    let mut nonsense = Client::connect(rig.address).expect("connects");
    nonsense.send(b"nonsense\r\n\r\n").expect("sends");
    assert_eq!(nonsense.read().expect("it is answered").status, 400);
    let head = rig.call("HEAD", "/hello", "", b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    rig.leave();
}

/// Runs the tool to its end.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    tool(folder).args(arguments).output().expect("the tool starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn invoke_and_logs_ask_a_running_dev_and_invoke_a_bare_runtime() {
    let rig = Rig::start(&[SHOP], &[]);
    let (folder, url) = (rig.folder.path(), format!("http://{}/", rig.address));
    let invoke = |more: &[&str]| run(folder, &[&["invoke", "--url", &url], more].concat());
    let fine = invoke(&["--path", "/hello?name=ada"]);
    assert_eq!(fine.status.code(), Some(0), "{}", text(&fine.stderr));
    assert!(text(&fine.stdout).contains(r#""hello":"ada""#), "{}", text(&fine.stdout));
    assert!(text(&fine.stderr).contains("GET /hello?name=ada on hello: 200, "), "{}", text(&fine.stderr));
    let event = invoke(&["--function", "faulty", "--sample", "aws/sqs"]);
    assert_eq!((event.status.code(), text(&event.stdout).as_str()), (Some(0), "\"fine\"\n"), "{}", text(&event.stderr));
    let failed = invoke(&["--function", "faulty", "--data", r#"{"do":"panic"}"#]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stderr).contains("failed: ") && text(&failed.stderr).contains("asked for a panic"));
    assert!(text(&failed.stderr).contains(" on faulty: 500, "), "{}", text(&failed.stderr));
    let wrong = invoke(&["--function", "faulty", "--data", "{bad"]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(text(&wrong.stderr).starts_with("failed: event: --data: expected JSON: "), "{}", text(&wrong.stderr));
    let unheard = invoke(&["--path", "/hello", "--platform", "fn"]);
    assert_eq!(unheard.status.code(), Some(1));
    assert!(text(&unheard.stderr).contains("--platform is for events"), "{}", text(&unheard.stderr));
    let decided = invoke(&["--path", "/hello", "--timeout", "5"]);
    assert_eq!(decided.status.code(), Some(1));
    let why = "--timeout says how a runtime is built or started, which a running dev has decided: --url asks that dev: \
               leave one of the two out";
    assert!(text(&decided.stderr).contains(why), "{}", text(&decided.stderr));
    let json = invoke(&["--function", "faulty", "--data", "{}", "--json"]);
    assert!(serde_json::from_slice::<Value>(&json.stdout).expect("JSON")["invocations"][0]["number"].is_u64());
    let logs = run(folder, &["logs", "--url", &url, "--function", "hello", "--no-follow"]);
    assert!(text(&logs.stdout).contains("shop | ") && text(&logs.stdout).contains("greeting name=ada"));
    let nobody = run(folder, &["logs", "--url", &url, "--function", "nobody"]);
    assert_eq!((nobody.status.code(), text(&nobody.stdout).as_str()), (Some(1), ""));
    assert!(text(&nobody.stderr).contains("there is no function \"nobody\"; there are "), "{}", text(&nobody.stderr));
    // A client that follows hears the lines from here on, and ends with dev.
    let mut follow = tool(folder);
    follow.args(["logs", "--url", &url, "--function", "hello"]);
    let follow = Process::spawn(follow, |_| ()).expect("the tool starts");
    rig.get("/hello?name=eve");
    follow.wait_for_line(|line| line.contains("greeting name=eve"), wait::limit()).expect("the line comes");
    rig.leave();
    follow.wait(wait::limit()).expect("it ends");
    let alone = OnHttp::start(artifacts::get().light_bootstrap(), Deployment::of("hello"), "hello");
    let bare = tempfile::tempdir().expect("a folder");
    let reply = run(bare.path(), &["invoke", "--url", &format!("http://{}", alone.address), "--path", "/?name=bare"]);
    assert!(text(&reply.stdout).contains(r#""hello":"bare""#), "{}{}", text(&reply.stdout), text(&reply.stderr));
    let nobody = run(bare.path(), &["logs"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("none runs for this project"), "{}", text(&nobody.stderr));
}

#[test]
fn without_an_event_a_running_dev_sends_what_the_function_is_written_for() {
    let rig = Rig::start(&[SHOP, PAGES], &[]);
    let (folder, url) = (rig.folder.path(), format!("http://{}/", rig.address));
    let invoke = |more: &[&str]| run(folder, &[&["invoke", "--url", &url], more].concat());
    for (asked, told, said) in [
        // It is a function of the first unit.
        (&[][..], "GET /?name=Ada%20Lovelace&lang=en on stream: 200, ", ""),
        (&["--function", "hello"], "GET /hello on hello: 200, ", r#""hello":"world","path":"/hello""#),
        // What only an event can have makes one of the request.
        (&["--function", "hello", "--freeze", "5ms"], "event GET /hello on hello: 200, ", "/hello"),
        (&["--function", "hello", "--platform", "aws"], "event GET /hello on hello: 200, ", "/hello"),
    ] {
        let asked = invoke(asked);
        assert_eq!(asked.status.code(), Some(0), "{}", text(&asked.stderr));
        assert!(text(&asked.stderr).contains(told), "{told}: {}", text(&asked.stderr));
        assert!(text(&asked.stdout).contains(said), "{said}: {}", text(&asked.stdout));
    }
    let elsewhere = invoke(&["--function", "hello", "--platform", "fn"]);
    assert_eq!(elsewhere.status.code(), Some(1));
    let why = "GET /hello is a request, and dev serves it on http: --alone starts a runtime on fn for it";
    assert!(text(&elsewhere.stderr).contains(why), "{}", text(&elsewhere.stderr));
    rig.leave();

    let queue = r#"{"version":1,"functions":[{"name":"faulty","events":[{"queue":{"source":"orders"}}]}]}"#;
    let rig = Rig::start(&[("shop", &["faulty"], queue)], &[]);
    let url = format!("http://{}/", rig.address);
    for (more, told) in [(&[][..], "event aws/sqs on faulty: 200, "), (&["--platform", "aliyun"], "event aliyun/")] {
        let event = run(rig.folder.path(), &[&["invoke", "--url", &url][..], more].concat());
        assert_eq!(
            (event.status.code(), text(&event.stdout).as_str()),
            (Some(0), "\"fine\"\n"),
            "{}",
            text(&event.stderr)
        );
        assert!(text(&event.stderr).contains(told), "{told}: {}", text(&event.stderr));
    }
    rig.leave();

    // Where a queue sends CloudEvents, it is the function of the queue that gets one and not the default.
    let both = r#"{"version":1,"default":"hello","functions":[
        {"name":"hello","events":[{"http":true}]},{"name":"faulty","events":[{"queue":{"source":"orders"}}]}]}"#;
    let rig = Rig::start(&[("shop", &["hello", "faulty"], both)], &["--platform", "google"]);
    let url = format!("http://{}/", rig.address);
    let event = run(rig.folder.path(), &["invoke", "--url", &url, "--function", "faulty"]);
    assert_eq!(text(&event.stdout), "\"fine\"\n", "faulty says so and hello does not: {}", text(&event.stderr));
    rig.until("its span says whose it is", || (rig.api("invocations")[0]["function"] == "faulty").then_some(()));
    rig.leave();

    let alone = OnHttp::start(artifacts::get().light_bootstrap(), Deployment::of("hello"), "hello");
    let bare = tempfile::tempdir().expect("a folder");
    let nobody = run(bare.path(), &["invoke", "--url", &format!("http://{}", alone.address)]);
    assert!(text(&nobody.stderr).contains("no dev is there, and any other server takes requests alone: --path /"));
}

#[test]
fn a_recording_of_dev_is_sent_again_by_dev_and_to_a_bare_runtime() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let recordings = folder.path().join("recordings");
    let recorded = SHOP.2.replace("\"version\":1", "\"version\":1,\"layers\":[\"record\"]");
    dev_rig::fill(&folder.path().join("dep"), &[("shop", &["hello", "faulty", "layer_record"], &recorded)]);
    let config = format!("FAAS_LAYER_RECORD='{{\"of\":\"all\",\"folder\":\"{}\"}}'\n", recordings.display());
    std::fs::write(folder.path().join("dep/.env"), config).expect("it is written");
    let rig = Rig::serve(folder, &[]);
    let headers = "x-own: 1\r\ncontent-type: text/plain\r\n";
    assert_eq!(rig.call("POST", "/hello?name=ada", headers, b"a body").status, 200);
    rig.invocation(|one| one["title"] == "POST /hello?name=ada");
    let file = rig.until("the recording is there", || {
        let mut entries = std::fs::read_dir(&recordings).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        entries.find(|path| path.extension().is_some_and(|extension| extension == "json"))
    });
    let file = file.to_str().expect("the path is a text");
    let (place, url) = (rig.folder.path(), format!("http://{}/", rig.address));
    let again = run(place, &["invoke", "--url", &url, "--replay", file]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains(r#""hello":"ada""#), "{}", text(&again.stdout));
    assert!(text(&again.stderr).contains("POST /hello?name=ada on hello: 200, "), "{}", text(&again.stderr));
    let state = rig.api("invocations");
    let numbers: Vec<_> = state.as_array().into_iter().flatten().map(|one| one["number"].clone()).collect();
    assert_eq!(numbers.len(), 2, "{state}");
    let [first, second] = [&numbers[0], &numbers[1]].map(|number| rig.api(&format!("invocations/{number}")));
    let own =
        |one: &Value| one["request"]["headers"].as_array().is_some_and(|all| all.iter().any(|pair| pair[0] == "x-own"));
    assert!(own(&first) && own(&second), "{first}\n{second}");
    assert_eq!((&first["title"], &first["body"]), (&second["title"], &second["body"]));
    let event = place.join("event.json");
    std::fs::write(&event, r#"{"version":1,"event":{"json":{"do":"panic"}}}"#).expect("it is written");
    let event = event.to_str().expect("the path is a text");
    let failed = run(place, &["invoke", "--url", &url, "--function", "faulty", "--replay", event]);
    assert_eq!(failed.status.code(), Some(1), "{}", text(&failed.stdout));
    assert!(text(&failed.stderr).contains("asked for a panic"), "{}", text(&failed.stderr));
    let alone = OnHttp::start(artifacts::get().light_bootstrap(), Deployment::of("hello"), "hello");
    let bare = run(place, &["invoke", "--url", &format!("http://{}", alone.address), "--replay", file]);
    assert!(text(&bare.stdout).contains(r#""hello":"ada""#), "{}{}", text(&bare.stdout), text(&bare.stderr));
    rig.leave();
}

#[test]
fn each_of_several_processes_for_one_call_is_followed() {
    let manifest = r#"{"version":1,"default":"hello","functions":[{"name":"hello","events":[{"http":true}]}]}"#;
    let rig = Rig::start(&[("hello", &["hello"], manifest)], &["--platform", "yandex"]);
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(rig.address).expect("connects")).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.request("GET", &format!("/?name=n{number}&wait_ms=1000"), "", b"").expect("sends");
    }
    rig.until("all run", || (rig.api("state")["inFlight"] == 3).then_some(()));
    for (number, client) in clients.iter_mut().enumerate() {
        assert_eq!(client.read().expect("a reply comes").status, 200);
        rig.line(&format!("greeting name=n{number}"));
    }
    rig.leave();
}
