//! The matrix on plain HTTP.

use crate::matrix::matrix;
use crate::rig::Rig;
use crate::several::{REQUESTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;

/// The rig of a process that is sent requests.
struct PlainHttp;

impl Rig for PlainHttp {
    type Run = OnHttp;

    const SEVERAL: Row = REQUESTS;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        OnHttp::launch(runtime, deployment, handler)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        OnHttp::start(runtime, deployment, handler)
    }
}

matrix! {
    PlainHttp;
    common echo, error, panic, deadline, large_body, init_failure, sigterm_in_flight, refusal, several_functions;
    own inspect_over_every_trigger;
}

/// Checks the only trigger, which is the request.
pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("inspect"), "inspect");
    let reply = run.call("PUT", "/a%20b?x=1&x=2", "X-Twice: 1\r\nX-Twice: 2\r\nCookie: c=d\r\n", b"body");
    let seen = Inspected::read(&reply.body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("http", "http"));
    let http = &seen.0["http"];
    assert_eq!((&http["method"], &http["path"], &http["raw_path"]), (&"PUT".into(), &"/a b".into(), &"/a%20b".into()));
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    let twice = http["headers"].as_array().expect("a list").iter().filter(|pair| pair[0] == "X-Twice").count();
    assert_eq!((twice, http["cookies"].to_string().contains('c')), (2, true), "{http}");
    assert_eq!(seen.body(), b"body");
}
