//! `layer-http-client` in the real runtimes, before servers that are good, slow, torn, deaf, endless, or gone.
//! Certificates are judged in `foreign/tls.rs`.

use crate::fronts::{ALL, Front};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::kernel;
use integration::on_http::OnHttp;
use integration::scripted::{Link, Scripted};
use integration::wait::{limit, until};
use platform_emulators::ports::free_port;
use platform_emulators::process::Signal;
use serde_json::{Value, json};

integration::both![
    a_function_sends_requests_on_every_platform_and_connections_are_kept,
    nothing_begins_before_the_first_request,
    a_connection_that_its_server_closed_in_a_freeze_is_not_used_again,
    a_connection_that_is_too_old_is_not_used_again,
    a_request_is_sent_again_only_if_that_is_wanted_and_safe,
    a_reply_that_is_none_is_a_failure_with_a_line,
    a_server_that_does_not_answer_is_left_at_the_deadline,
    a_request_whose_caller_is_gone_is_ended,
    a_reply_is_no_longer_than_it_may_be,
    who_is_not_there_is_not_found,
    what_is_no_request_is_refused_before_it_is_sent,
    a_redirect_is_a_reply,
    so_many_run_at_once_and_the_others_wait,
    a_proxy_is_asked_for_those_that_stand_behind_it,
    what_is_under_way_when_the_process_ends_is_cancelled,
];

fn deployment(config: &str) -> Deployment {
    Deployment::of("outbound").layer("http-client").env("FAAS_LAYER_HTTP_CLIENT", config)
}

/// A process that sends the requests it is told.
struct Sender(OnHttp);

impl Sender {
    fn start(runtime: &Runtime, deployment: Deployment) -> Sender {
        Sender(OnHttp::start(runtime, deployment, "outbound.send"))
    }

    fn send(&self, wanted: &Value) -> Value {
        let reply = self.0.call("POST", "/", "", wanted.to_string().as_bytes());
        assert_eq!(reply.status, 200, "{}; output:\n{}", reply.text(), self.0.process.output());
        serde_json::from_slice(&reply.body).expect("JSON")
    }

    fn get(&self, url: &str) -> Value {
        self.send(&json!({"url": url}))
    }

    fn said(&self, words: &str) -> String {
        let line = self.0.process.wait_for_line(|line| line.contains(words), limit());
        line.unwrap_or_else(|late| panic!("{words:?}: {late}; output:\n{}", self.0.process.output()))
    }
}

fn a_function_sends_requests_on_every_platform_and_connections_are_kept(runtime: &Runtime) {
    for platform in ALL {
        for function in ["outbound.send", "outbound.block"] {
            let server = Scripted::start(|_, mut link| {
                while let Some(asked) = link.request() {
                    let body = format!("{} {}", asked.method, String::from_utf8_lossy(&asked.body));
                    link.reply(if asked.target == "/none" { 404 } else { 200 }, &body);
                }
            });
            // Azure calls functions by the names of their folders.
            let deployment = deployment("{}").env("FAAS_FUNCTION_NAME", function);
            let front = Front::start(platform, runtime, deployment, function);
            for (target, status) in [("/one?x=1", 200), ("/none", 404)] {
                let wanted =
                    json!({"method": "PUT", "url": server.url(target), "headers": [["X-One", "1"]], "body": "ink"});
                let reply = front.call("POST", "/", &[], wanted.to_string().as_bytes());
                let seen: Value =
                    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"));
                assert_eq!((&seen["status"], &seen["body"]), (&json!(status), &json!("PUT ink")), "{platform:?}");
            }
            let asked = server.asked();
            assert_eq!((asked[0].target.as_str(), asked[0].header("x-one")), ("/one?x=1", Some("1")), "{platform:?}");
            assert_eq!((asked.len(), server.links()), (2, 1), "{platform:?}, {function}");
        }
    }
}

fn nothing_begins_before_the_first_request(runtime: &Runtime) {
    let server = Scripted::good();
    // A missing list of certificates is no mistake until it is needed.
    let sender = Sender::start(runtime, deployment(r#"{"ca":"/nowhere.pem"}"#));
    let process = &sender.0.process;
    let threads = |name: &str| {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", process.pid())).expect("it runs");
        let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.filter(|found| found.trim() == name).count()
    };
    assert_eq!((threads("faas-http"), threads("faas-http-clock")), (0, 0));
    assert_eq!(sender.get(&server.url("/"))["body"], "ok");
    assert_eq!((threads("faas-http"), threads("faas-http-clock")), (1, 1));
    assert_eq!(sender.get("https://127.0.0.1:9/")["error"], "NotFound");
}

fn a_connection_that_its_server_closed_in_a_freeze_is_not_used_again(runtime: &Runtime) {
    let server = Scripted::start(|server, mut link| {
        link.request();
        link.reply(200, "first");
        if link.number == 1 {
            server.wait_for_release();
        } else {
            while link.request().is_some() && link.reply(200, "later") {}
        }
    });
    let sender = Sender::start(runtime, deployment("{}"));
    // The request is a POST, which nobody may send twice.
    let wanted = json!({"method": "POST", "url": server.url("/"), "body": "x"});
    assert_eq!(sender.send(&wanted)["body"], "first");
    sender.0.process.signal(Signal::Stop).expect("it is there");
    server.release();
    server.wait_for_closed(1);
    sender.0.process.signal(Signal::Cont).expect("it is there");
    assert_eq!(sender.send(&wanted)["body"], "first", "over a connection of its own");
    assert_eq!((server.links(), server.asked().len()), (2, 2), "and nothing was sent twice");
}

fn a_connection_that_is_too_old_is_not_used_again(runtime: &Runtime) {
    let server = Scripted::good();
    let sender = Sender::start(runtime, deployment(r#"{"idleTimeout":0}"#));
    for _ in 0..2 {
        assert_eq!(sender.get(&server.url("/"))["body"], "ok");
    }
    assert_eq!(server.links(), 2);
}

/// Serves one request of each connection, and closes the connection at the second one without a word.
fn once_each(_: &Scripted, mut link: Link) {
    link.request();
    link.reply(200, "ok");
    link.request();
}

fn a_request_is_sent_again_only_if_that_is_wanted_and_safe(runtime: &Runtime) {
    for (config, method, is_sent_again) in [
        ("{}", "GET", false),
        (r#"{"retrySafe":true}"#, "GET", true),
        (r#"{"retrySafe":true}"#, "DELETE", true),
        (r#"{"retrySafe":true}"#, "POST", false),
    ] {
        let server = Scripted::start(once_each);
        let sender = Sender::start(runtime, deployment(config));
        let wanted = json!({"method": method, "url": server.url("/")});
        assert_eq!(sender.send(&wanted)["status"], 200);
        let second = sender.send(&wanted);
        if is_sent_again {
            assert_eq!((&second["status"], server.asked().len()), (&json!(200), 3), "{method} {config}");
        } else {
            assert_eq!((&second["error"], server.asked().len()), (&json!("Failed"), 2), "{method} {config}");
        }
    }
    // Over a new connection nothing is sent again.
    let server = Scripted::start(|_, mut link| drop(link.request()));
    let sender = Sender::start(runtime, deployment(r#"{"retrySafe":true}"#));
    assert_eq!((&sender.get(&server.url("/"))["error"], server.asked().len()), (&json!("Failed"), 1));
}

fn a_reply_that_is_none_is_a_failure_with_a_line(runtime: &Runtime) {
    let sender = Sender::start(runtime, deployment("{}"));
    for (reply, words) in [
        ("", "ended without a reply"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntorn", "ended within the reply"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "the size of a chunk"),
        ("220 mail.example ESMTP\r\n", "invalid HTTP version"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "its Content-Length is no number"),
    ] {
        let server = Scripted::start(move |_, mut link| {
            link.request();
            link.write(reply.as_bytes());
        });
        assert_eq!(sender.get(&server.url("/a?key=secret"))["error"], "Failed", "{reply:?}");
        let line = sender.said(words);
        assert!(line.contains(&server.address.to_string()) && !line.contains("secret"), "{line}");
    }
}

fn a_server_that_does_not_answer_is_left_at_the_deadline(runtime: &Runtime) {
    let deaf = Scripted::start(|server, mut link| {
        link.request();
        server.wait_for_release();
    });
    let slow = Scripted::start(|server, mut link| {
        link.request();
        link.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow");
        server.wait_for_release();
    });
    let never_done = Scripted::start(|_, mut link| {
        link.request();
        link.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        while link.write(b"1\r\nx\r\n") {
            std::thread::yield_now();
        }
    });
    let sender = Sender::start(runtime, deployment(r#"{"timeout":"300ms","maxBytes":1000000000000}"#));
    for server in [&deaf, &slow] {
        assert_eq!(sender.get(&server.url("/"))["error"], "Deadline", "the layer's own limit");
        let wanted = json!({"url": server.url("/"), "limit_ms": 50});
        assert_eq!(sender.send(&wanted)["error"], "Deadline", "the caller's");
    }
    assert_eq!(sender.get(&never_done.url("/"))["error"], "Deadline");
    sender.said("its time was over");
    let good = Scripted::good();
    let patient = json!({"url": good.url("/"), "limit_ms": 20_000});
    assert_eq!(sender.send(&patient)["body"], "ok", "its threads are there again");
}

fn a_request_whose_caller_is_gone_is_ended(runtime: &Runtime) {
    let server = Scripted::start(|_, mut link| {
        link.request();
        // The read ends when the client closes.
        link.request();
    });
    let sender = Sender::start(runtime, deployment(r#"{"timeout":"1h"}"#));
    let mut client = sender.0.client();
    let wanted = json!({"url": server.url("/")}).to_string();
    client.request("POST", "/", "", wanted.as_bytes()).expect("it is sent");
    server.wait_for_requests(1);
    drop(client);
    server.wait_for_closed(1);
}

fn a_reply_is_no_longer_than_it_may_be(runtime: &Runtime) {
    let server = Scripted::start(|_, mut link| {
        link.request();
        link.write(b"HTTP/1.1 200 OK\r\n\r\n");
        while link.write(&[b'x'; 1 << 10]) {}
    });
    let sender = Sender::start(runtime, deployment(r#"{"maxBytes":100000}"#));
    assert_eq!(sender.get(&server.url("/"))["error"], "TooBig", "one that does not end");
    let whole = Scripted::start(|_, mut link| while link.request().is_some() && link.reply(200, &"x".repeat(1000)) {});
    assert_eq!(sender.send(&json!({"url": whole.url("/"), "most_bytes": 999}))["error"], "TooBig");
    assert_eq!(sender.send(&json!({"url": whole.url("/"), "most_bytes": 1000}))["length"], 1000);
}

fn who_is_not_there_is_not_found(runtime: &Runtime) {
    let sender = Sender::start(runtime, deployment("{}"));
    assert_eq!(sender.get(&format!("http://127.0.0.1:{}/", free_port()))["error"], "NotFound");
    sender.said("nobody listens at 127.0.0.1");
    assert_eq!(sender.get("http://no-such-host.invalid/")["error"], "NotFound");
}

fn what_is_no_request_is_refused_before_it_is_sent(runtime: &Runtime) {
    let server = Scripted::good();
    let sender = Sender::start(runtime, deployment("{}"));
    for wanted in [
        json!({"url": "ftp://a/"}),
        json!({"url": "/relative"}),
        json!({"url": server.url("/ HTTP/1.1\r\nx: y")}),
        json!({"url": server.url("/"), "method": "G T"}),
        json!({"url": server.url("/"), "headers": [["x", "1\r\nhost: b"]]}),
        json!({"url": server.url("/"), "headers": [["Content-Length", "7"]]}),
    ] {
        assert_eq!(sender.send(&wanted)["error"], "Invalid", "{wanted}");
    }
    assert_eq!(server.links(), 0);
    let without = OnHttp::start(runtime, Deployment::of("outbound"), "outbound.send");
    let reply = without.call("POST", "/", "", json!({"url": "http://a/"}).to_string().as_bytes());
    assert!(reply.text().contains("Outbound.NoClient"), "{}", reply.text());
}

fn a_redirect_is_a_reply(runtime: &Runtime) {
    let server = Scripted::start(|_, mut link| {
        link.request();
        link.write(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nX-Two: 1\r\nX-TWO: 2\r\nContent-Length: 0\r\n\r\n");
        link.request();
    });
    let seen = Sender::start(runtime, deployment("{}")).get(&server.url("/"));
    let expected = json!([["location", "/elsewhere"], ["x-two", "1"], ["x-two", "2"], ["content-length", "0"]]);
    assert_eq!((&seen["status"], &seen["headers"]), (&json!(302), &expected));
    assert_eq!(server.asked().len(), 1);
}

fn so_many_run_at_once_and_the_others_wait(runtime: &Runtime) {
    let server = Scripted::start(|server, mut link| {
        while link.request().is_some() {
            server.wait_for_release();
            link.reply(200, "ok");
        }
    });
    let sender = Sender::start(runtime, deployment(r#"{"concurrency":3}"#));
    let replies = std::thread::scope(|scope| {
        let sent = scope.spawn(|| sender.send(&json!({"url": server.url("/"), "times": 10}))["replies"].clone());
        server.wait_for_requests(3);
        let process = &sender.0.process;
        let idle = until("no more have come", process, || (kernel::threads(process) > 0).then(|| server.asked().len()));
        assert_eq!(idle, Ok(3));
        server.release();
        sent.join().expect("it is answered")
    });
    assert_eq!((replies, server.asked().len()), (json!(10), 10));
    assert!(server.links() <= 3, "{}", server.links());
}

fn a_proxy_is_asked_for_those_that_stand_behind_it(runtime: &Runtime) {
    let proxy = Scripted::start(|_, mut link| {
        while let Some(asked) = link.request() {
            if asked.method == "CONNECT" {
                link.reply(403, "no");
            } else {
                link.reply(200, "by the proxy");
            }
        }
    });
    let own = Scripted::good();
    let user = format!("http://user:secret@{}", proxy.address);
    let config = json!({"proxy": user, "noProxy": "direct.invalid"}).to_string();
    let of_environment =
        deployment("{}").env("http_proxy", &user).env("HTTPS_PROXY", &user).env("NO_PROXY", "direct.invalid");
    for deployment in [deployment(&config), of_environment] {
        let before = proxy.asked().len();
        let sender = Sender::start(runtime, deployment);
        assert_eq!(sender.get("http://shop.invalid/x?y")["body"], "by the proxy");
        assert_eq!(sender.get("https://shop.invalid/x")["error"], "Failed");
        assert_eq!(sender.get(&own.url("/"))["body"], "ok", "this machine is behind none");
        assert_eq!(sender.get("http://direct.invalid/")["error"], "NotFound");
        let asked = &proxy.asked()[before..];
        let lines: Vec<_> = asked.iter().map(|asked| (&*asked.method, &*asked.target)).collect();
        assert_eq!(lines, [("GET", "http://shop.invalid/x?y"), ("CONNECT", "shop.invalid:443")]);
        assert!(asked.iter().all(|asked| asked.header("proxy-authorization") == Some("Basic dXNlcjpzZWNyZXQ=")));
        assert!(sender.said("the proxy").contains("answers 403"));
        assert!(!sender.0.process.output().contains("secret"), "{}", sender.0.process.output());
    }
}

fn what_is_under_way_when_the_process_ends_is_cancelled(runtime: &Runtime) {
    let server = Scripted::start(|_, mut link| {
        link.request();
        link.request();
    });
    let deployment = deployment(r#"{"timeout":"1h"}"#).env("FAAS_GRACE", "1s");
    let sender = Sender::start(runtime, deployment);
    let mut client = sender.0.client();
    let body = json!({"url": server.url("/")}).to_string();
    client.request("POST", "/", "", body.as_bytes()).expect("it is sent");
    server.wait_for_requests(1);
    sender.0.process.signal(Signal::Term).expect("it is there");
    sender.0.process.wait(limit()).unwrap_or_else(|late| panic!("{late}:\n{}", sender.0.process.output()));
    server.wait_for_closed(1);
}
