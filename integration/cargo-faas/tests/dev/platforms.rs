//! Requests on each platform, and which spans an invocation has: its own, and those of the starts that it ran for.

use super::{Rig, Unit, tool};
use integration::artifacts::{self, Runtime};
use serde_json::Value;

/// Returns an invocation with all that is told of it.
fn whole(rig: &Rig, platform: &str, one: &Value) -> Value {
    rig.until(&format!("{platform}: the spans are there"), || {
        let one = rig.api(&format!("invocations/{}", one["number"]));
        one["spans"].as_array().is_some_and(|spans| spans.iter().any(|span| span["depth"] == 0)).then_some(one)
    })
}

/// Returns the names of spans, those of phases with their phase and function.
fn names(spans: &Value) -> Vec<String> {
    let name = |span: &Value| {
        let words = [&span["phase"], &span["function"], &span["span"]];
        words.into_iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
    };
    spans.as_array().into_iter().flatten().map(name).collect()
}

/// Returns the names of the spans of an invocation of the function hello behind the layer monitor.
fn of_calls() -> Vec<String> {
    ["hello", "monitor"].map(str::to_owned).into()
}

/// Returns the names of the spans of the start of that process.
fn of_start() -> Vec<String> {
    ["RuntimeStart monitor", "FunctionStart hello hello", "FunctionStart hello monitor"].map(str::to_owned).into()
}

#[test]
fn a_start_is_shown_with_the_invocation_that_it_ran_for() {
    let manifest = r#"{"version":1,"functions":[
        {"name":"hello","events":[{"http":{"path":"/hello"}}]},
        {"name":"stream","start":"lazy","events":[{"http":{"path":"/stream"}}]},
        {"name":"faulty","start":"lazy","events":[{"http":{"path":"/faulty"}}]}]}"#;
    let rig = Rig::start(&[("shop", &["hello", "stream", "faulty"], manifest)], &[]);
    let start = |title: &str| {
        let one = rig.invocation(|one| one["title"] == title);
        let one = rig.until("it has ended", || {
            let one = rig.api(&format!("invocations/{}", one["number"]));
            (one["running"] == false).then_some(one)
        });
        (names(&one["start"]), one["coldStart"] == true)
    };
    // Nobody sees a request that no route takes, and it is the first all the same.
    assert_eq!(rig.get("/favicon.ico").status, 404);
    // The lines of the start may be read after the reply.
    rig.until("the first request has the start", || {
        (start("GET /favicon.ico") == (vec!["FunctionStart hello hello".to_owned()], true)).then_some(())
    });
    for (path, expected) in [
        ("/hello", Vec::new()),
        ("/stream?chunks=1", vec!["FunctionStart stream stream".to_owned()]),
        ("/stream?chunks=2", Vec::new()),
        ("/faulty?do=panic", vec!["FunctionStart faulty faulty".to_owned()]),
    ] {
        rig.get(path);
        whole(&rig, "http", &rig.invocation(|one| one["title"] == format!("GET {path}")));
        assert_eq!(start(&format!("GET {path}")), (expected, false), "{path}");
    }
    rig.leave();
}

/// Serves a function on a platform, and shows that a request passes as its event.
fn a_request_is_served_on(platform: &str, runtime: &Runtime) {
    // Platforms without routes of their own have one function here.
    let manifest = r#"{"version":1,"default":"hello","layers":["monitor"],
        "functions":[{"name":"hello","events":[{"http":true}]}]}"#;
    let unit: Unit<'_> = ("hello", &["hello", "layer_monitor"], manifest);
    let rig = Rig::under(runtime, &[unit], &["--platform", platform], &[]);
    let reply = rig.get("/greet?name=ada");
    assert_eq!(reply.status, 200, "{platform}: {}\n{}", reply.text(), rig.dev.output());
    assert!(reply.text().contains(r#""hello":"ada""#), "{platform}: {}", reply.text());
    let one = rig.invocation(|one| one["title"] == "GET /greet?name=ada");
    assert_ne!(one["platform"], "http", "{platform}");
    let one = whole(&rig, platform, &one);
    assert_eq!((names(&one["spans"]), &one["coldStart"]), (of_calls(), &true.into()), "{platform}: {one}");
    assert_eq!(names(&one["start"]), of_start(), "{platform}: {one}");
    let moment = |number: usize, key: &str| one["start"][number][key].as_u64().expect("a moment");
    let (inner, outer) = (1, 2);
    assert!(moment(outer, "fromUs") <= moment(inner, "fromUs") && moment(inner, "fromUs") < moment(inner, "toUs"));
    assert!(moment(inner, "toUs") <= moment(outer, "toUs") && moment(0, "toUs") <= moment(outer, "fromUs"), "{one}");
    let reply = rig.call("POST", "/greet?name=eve", "content-type: text/plain\r\nx-own: 1\r\n", b"a body");
    assert!(reply.text().contains(r#""hello":"eve""#), "{platform}: {}", reply.text());
    let other = rig.invocation(|one| one["title"] == "POST /greet?name=eve");
    let other = whole(&rig, platform, &other);
    // Each has its own, also where every call has a process of its own.
    let is_alone = platform == "yandex";
    let start = if is_alone { of_start() } else { Vec::new() };
    assert_eq!((names(&other["spans"]), &other["coldStart"]), (of_calls(), &is_alone.into()), "{platform}: {other}");
    assert_eq!(names(&other["start"]), start, "{platform}: {other}");
    assert_eq!(rig.api(&format!("invocations/{}", one["number"]))["spans"], one["spans"], "{platform}");
    rig.leave();
}

#[test]
fn on_each_platform_a_request_becomes_its_event_and_the_reply_a_reply() {
    let [full, light] = artifacts::get().both();
    for platform in [
        "aws",
        "fc",
        "azure",
        "scf",
        "functiongraph",
        "google",
        "knative",
        "openwhisk",
        "fn",
        "openfaas",
        "vefaas",
        "yandex",
        "container-apps",
        "kubernetes",
    ] {
        a_request_is_served_on(platform, full);
    }
    // Of each kind of control plane one: it is polled, it sends requests, there is a pipe.
    for platform in ["aws", "knative", "yandex"] {
        a_request_is_served_on(platform, light);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let mut wrong = tool(folder.path());
    wrong.args(["dev", "--deployment", "x", "--platform", "mars", "--runtime"]).arg(&artifacts::get().bootstrap().path);
    let wrong = wrong.output().expect("the tool starts");
    assert_eq!(wrong.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&wrong.stderr).contains("there is no local platform \"mars\"; there are aws-lambda, ")
    );
}
