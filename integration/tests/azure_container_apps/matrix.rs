//! The matrix in a container app.

use super::run::{replica, start};
use crate::matrix::matrix;
use crate::rig::Rig;
use crate::several::{REQUESTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;

/// The rig of a process that is sent requests.
struct InReplica;

impl Rig for InReplica {
    type Run = OnHttp;

    const SEVERAL: Row = REQUESTS;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        OnHttp::launch(runtime, replica(deployment), handler)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        start(runtime, deployment, handler)
    }
}

matrix! {
    InReplica;
    common echo, error, panic, deadline, large_body, init_failure, sigterm_in_flight, concurrency, refusal, several_functions;
    own inspect_over_every_trigger;
}

/// Checks the only trigger, which is the request, here as the ingress hands it on.
pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("inspect"), "inspect");
    let headers = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Request-Id: r-1\r\n\
                   traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n";
    let seen = Inspected::read(&run.call("PUT", "/a%20b?x=1&x=2", headers, b"body").body);
    assert_eq!((seen.text("platform"), seen.text("trigger")), ("azure-container-apps", "http"));
    assert_eq!((seen.text("request_id"), seen.body()), ("r-1", b"body".to_vec()));
    let http = &seen.0["http"];
    assert_eq!(
        (&http["path"], &http["client_ip"], &http["scheme"]),
        (&"/a b".into(), &"192.0.2.7".into(), &"https".into())
    );
    assert_eq!(http["query"].to_string(), r#"[["x","1"],["x","2"]]"#);
    assert!(seen.0["trace"].to_string().contains("0af7651916cd43dd8448eb211c80319c"), "{}", seen.0);
}
