//! Layers whose hooks wait for a server, over both binaries: on a runtime that serves others meanwhile, and on one that
//! lends its thread to the invocation at hand.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};

integration::both![
    an_async_layer_asks_a_slow_server_and_goes_on,
    it_may_answer_or_recover_after_it_has_waited,
    many_invocations_wait_in_it_at_once,
    the_first_that_waits_leaves_its_place_to_others,
    a_time_out_of_its_own_is_its_failure,
    a_panic_while_it_waits_is_a_failure_by_its_policy,
    the_deadline_drops_a_hook_that_waits_and_the_function_is_not_called,
    a_client_that_goes_away_leaves_the_process_well,
    a_layer_waits_where_the_runtime_lends_its_thread,
    a_required_layer_asks_for_keys_at_start_and_again_for_an_unknown_one,
    own_numbers_of_a_function_are_on_the_metrics_port,
];

/// The server's answer to a question. `None` is no answer, for as long as the other side waits.
type Answer = Box<dyn Fn(&str) -> Option<&'static str> + Send + Sync>;

/// A server of one line a connection.
struct Server {
    address: SocketAddr,
    asked: Arc<(Mutex<Vec<String>>, Condvar)>,
}

impl Server {
    fn start(answer: Answer) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("it has one");
        let asked: Arc<(Mutex<Vec<String>>, Condvar)> = Arc::default();
        let (noted, answer) = (asked.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (noted, answer) = (noted.clone(), answer.clone());
                std::thread::spawn(move || converse(stream, &noted, &answer));
            }
        });
        Server { address, asked }
    }

    /// Waits until there were `count` questions.
    fn wait_for(&self, count: usize) {
        let (asked, changed) = &*self.asked;
        let asked = asked.lock().expect("no test panics with it");
        let (asked, late) = changed.wait_timeout_while(asked, limit(), |asked| asked.len() < count).expect("as above");
        assert!(!late.timed_out(), "expected {count} questions, found {asked:?}");
    }

    fn asked(&self) -> Vec<String> {
        self.asked.0.lock().expect("no test panics with it").clone()
    }
}

fn converse(mut stream: TcpStream, asked: &(Mutex<Vec<String>>, Condvar), answer: &Answer) {
    let mut question = String::new();
    if BufReader::new(&stream).read_line(&mut question).is_err() || question.is_empty() {
        return;
    }
    let question = question.trim().to_owned();
    asked.0.lock().expect("no test panics with it").push(question.clone());
    asked.1.notify_all();
    match answer(&question) {
        // The other side may be gone.
        Some(answer) => drop(writeln!(stream, "{answer}")),
        // The read lasts until the other side lets go.
        None => drop(stream.read(&mut [0; 1])),
    }
}

/// Returns the layer around the function that writes `served`.
fn deployment(server: &Server, layer: &str) -> Deployment {
    let address = server.address.to_string();
    Deployment::of("waiting").layers(&[layer]).env("WAITING_SERVER", &address)
}

fn over_http(runtime: &Runtime, deployment: Deployment) -> OnHttp {
    OnHttp::start(runtime, deployment, "waiting")
}

fn says(run: &OnHttp, text: &str) {
    run.process.wait_for_line(|line| line.contains(text), limit()).unwrap_or_else(|late| panic!("{text}: {late}"));
}

fn an_async_layer_asks_a_slow_server_and_goes_on(runtime: &Runtime) {
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = gate.clone();
    let server = Server::start(Box::new(move |_| {
        let open = held.0.lock().expect("no test panics with it");
        drop(held.1.wait_while(open, |open| !*open).expect("as above"));
        Some("go on")
    }));
    let run = over_http(runtime, deployment(&server, "waiting"));
    std::thread::scope(|scope| {
        let reply = scope.spawn(|| run.call("POST", "/", "", b"hello"));
        server.wait_for(1);
        // Others are served meanwhile, as the probe is.
        assert_eq!(run.get("/readyz").status, 200);
        *gate.0.lock().expect("no test panics with it") = true;
        gate.1.notify_all();
        assert_eq!(reply.join().expect("it is answered").text(), "hello");
    });
    assert_eq!(server.asked(), ["before hello"]);
    says(&run, "served");
}

fn it_may_answer_or_recover_after_it_has_waited(runtime: &Runtime) {
    let server = Server::start(Box::new(|question| match question {
        "before mine" => Some("answer"),
        "before no" => Some("fail"),
        "failed Served.Failed" => Some("recover"),
        _ => Some("go on"),
    }));
    let run = over_http(runtime, deployment(&server, "waiting"));
    let reply = run.call("POST", "/", "", b"mine");
    assert_eq!((reply.status, reply.text().as_str()), (429, "from the layer"));
    let reply = run.call("POST", "/", "", b"fail inside");
    assert_eq!((reply.status, reply.text().as_str()), (503, "recovered"));
    // A layer that fails on the way in is not asked on the way out.
    let reply = run.call("POST", "/", "", b"no");
    assert!(reply.status >= 500 && reply.text().contains("Waiting.Refused"), "{reply:?}");
    assert_eq!(server.asked(), ["before mine", "before fail inside", "failed Served.Failed", "before no"]);
}

fn many_invocations_wait_in_it_at_once(runtime: &Runtime) {
    all_wait_at_once(runtime, "2", 60);
}

/// Whether a function waits is seen as it does; the first call of all waits on the thread that it began on.
fn the_first_that_waits_leaves_its_place_to_others(runtime: &Runtime) {
    all_wait_at_once(runtime, "1", 2);
}

/// Checks that all wait at once. Each goes on once all have come.
fn all_wait_at_once(runtime: &Runtime, threads: &str, many: usize) {
    let here = Arc::new((Mutex::new(0), Condvar::new()));
    let server = Server::start(Box::new(move |_| {
        let mut count = here.0.lock().expect("no test panics with it");
        *count += 1;
        here.1.notify_all();
        drop(here.1.wait_while(count, |count| *count < many).expect("as above"));
        Some("go on")
    }));
    let deployment = deployment(&server, "waiting").env("FAAS_CONCURRENCY", "100").env("FAAS_THREADS", threads);
    let run = over_http(runtime, deployment);
    let replies = run.at_once(many, "POST", "/", b"one of many");
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.text() == "one of many"), "{replies:?}");
    assert_eq!(server.asked().len(), many);
}

fn a_time_out_of_its_own_is_its_failure(runtime: &Runtime) {
    let server = Server::start(Box::new(|_| None));
    let patient = || deployment(&server, "waiting").env("WAITING_PATIENCE_MS", "50");
    let reply = over_http(runtime, patient()).call("POST", "/", "", b"hello");
    assert!(reply.status >= 500 && reply.text().contains("Waiting.TooSlow"), "{reply:?}");
    let optional = deployment(&server, "waiting?").env("WAITING_PATIENCE_MS", "50");
    let run = over_http(runtime, optional);
    assert_eq!(run.call("POST", "/", "", b"hello").text(), "hello");
    says(&run, "layer waiting failed in before and was skipped: the server has not answered in time");
}

fn a_panic_while_it_waits_is_a_failure_by_its_policy(runtime: &Runtime) {
    let server = Server::start(Box::new(|question| Some(if question == "before bad" { "panic" } else { "go on" })));
    let run = over_http(runtime, deployment(&server, "waiting"));
    for _ in 0..3 {
        assert!(run.call("POST", "/", "", b"bad").status >= 500);
    }
    says(&run, "on purpose, after a wait");
    assert_eq!(run.call("POST", "/", "", b"good").text(), "good", "the library goes on");
    let run = over_http(runtime, deployment(&server, "waiting?"));
    assert_eq!(run.call("POST", "/", "", b"bad").text(), "bad");
    says(&run, "layer waiting failed in before and was skipped: on purpose, after a wait");
}

fn the_deadline_drops_a_hook_that_waits_and_the_function_is_not_called(runtime: &Runtime) {
    for layer in ["waiting", "waiting?"] {
        let server = Server::start(Box::new(|question| (question != "before slow").then_some("go on")));
        let run = over_http(runtime, deployment(&server, layer).env("FAAS_TIMEOUT", "500ms"));
        let reply = run.call("POST", "/", "", b"slow");
        assert_eq!(reply.status, 504, "{layer}: {reply:?}");
        says(&run, "a wait was dropped");
        assert_eq!(run.call("POST", "/", "", b"quick").text(), "quick", "{layer}");
        let is_call = |line: &str| line.ends_with(": served");
        run.process.wait_for_line(is_call, limit()).expect("the function says that it is called");
        let served = run.process.lines().iter().filter(|line| is_call(&line.text)).count();
        assert_eq!(served, 1, "{layer}: the function is called for the second alone:\n{}", run.process.output());
    }
}

fn a_client_that_goes_away_leaves_the_process_well(runtime: &Runtime) {
    let server = Server::start(Box::new(|question| (question != "before gone").then_some("go on")));
    let run = over_http(runtime, deployment(&server, "waiting").env("FAAS_TIMEOUT", "2s"));
    for count in 1..=5 {
        let mut client = run.client();
        client.request("POST", "/", "", b"gone").expect("it is sent");
        // A client that is gone before anything is asked for it may not be served at all.
        server.wait_for(count);
    }
    assert_eq!(run.call("POST", "/", "", b"well").text(), "well");
    says(&run, "a wait was dropped");
}

fn a_layer_waits_where_the_runtime_lends_its_thread(runtime: &Runtime) {
    let server = Server::start(Box::new(|question| match question {
        "before \"panic\"" => Some("panic"),
        "before \"hang\"" => None,
        "before \"mine\"" => Some("answer"),
        _ => Some("go on"),
    }));
    let options = Options { timeout: std::time::Duration::from_secs(2), ..Options::default() };
    let run = OnAws::launch(runtime, deployment(&server, "waiting"), "waiting", options).polling();
    assert_eq!(run.call("\"hello\"").text(), "\"hello\"");
    assert_eq!(run.call("\"mine\"").text(), "from the layer");
    for event in ["\"panic\"", "\"hang\""] {
        assert_eq!(run.aws.invoke(event).kind, Kind::Error, "{event}");
    }
    assert_eq!(run.call("\"hello\"").text(), "\"hello\"", "the process goes on");
}

fn a_required_layer_asks_for_keys_at_start_and_again_for_an_unknown_one(runtime: &Runtime) {
    let keys = Arc::new(Mutex::new("old\n"));
    let given = keys.clone();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 1024]);
            let keys = given.lock().expect("no test panics with it");
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{keys}");
        }
    });
    let config = format!(r#"{{"keys":"{address}"}}"#);
    let deployment = Deployment::of("hello").layers(&["auth"]).module("auth").env("FAAS_LAYER_AUTH", &config);
    let run = OnHttp::start(runtime, deployment, "hello");
    let status = |key: &str| run.call("GET", "/", &format!("authorization: {key}\r\n"), b"").status;
    assert_eq!((run.get("/").status, status("old"), status("new")), (401, 200, 401));
    *keys.lock().expect("no test panics with it") = "old\nnew\n";
    assert_eq!((status("new"), status("forged")), (200, 401));
    // Without its server, the process does not start: the layer must not be skipped.
    let config = r#"{"keys":"127.0.0.1:1"}"#;
    let deployment = Deployment::of("hello").layers(&["auth"]).module("auth").env("FAAS_LAYER_AUTH", config);
    let run = OnHttp::launch(runtime, deployment, "hello");
    let status = run.process.wait(limit()).expect("it leaves");
    assert!(status.code().is_some_and(|code| code > 0), "{status}; {}", run.process.output());
}

fn own_numbers_of_a_function_are_on_the_metrics_port(runtime: &Runtime) {
    let port = platform_emulators::ports::free_port();
    let deployment = Deployment::of("orders").layer("metrics");
    let deployment = deployment.env("FAAS_METRICS_LISTEN", &format!("127.0.0.1:{port}"));
    let run = OnHttp::start(runtime, deployment, "orders");
    for shop in ["vienna", "graz", "vienna"] {
        assert_eq!(run.call("POST", "/", "", shop.as_bytes()).text(), format!("ordered in {shop}"));
    }
    assert_eq!(run.call("POST", "/", "", b"nowhere").status, 404);
    // The path is the function's, since the page has a port of its own.
    assert_eq!(run.call("POST", "/metrics", "", b"linz").text(), "ordered in linz");
    let page = integration::client::Client::connect(SocketAddr::from(([127, 0, 0, 1], port)))
        .and_then(|mut client| client.call("GET", "/metrics", "", b""))
        .expect("the page is there")
        .text();
    for line in [
        "orders_total{shop=\"vienna\"} 2",
        "orders_total{shop=\"graz\"} 1",
        "order_seconds_count{shop=\"vienna\"} 2",
        "faas_invocations_in_flight 0",
    ] {
        assert!(page.lines().any(|other| other == line), "{line} is not in\n{page}");
    }
    let refused = |line: &&str| {
        line.starts_with("faas_invocations_total{") && line.contains("status=\"4xx\",outcome=\"refused\"")
    };
    let counts: Vec<&str> = page.lines().filter(refused).collect();
    assert!(matches!(counts[..], [one] if one.ends_with(" 1")), "{counts:?} in\n{page}");
}
