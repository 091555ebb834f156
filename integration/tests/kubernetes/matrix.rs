//! The matrix in a pod.

use super::run::{POD, pod, start};
use crate::matrix::matrix;
use crate::rig::Rig;
use crate::several::{REQUESTS, Row};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;

/// The rig of a process that is sent requests.
struct InCluster;

impl Rig for InCluster {
    type Run = OnHttp;

    const SEVERAL: Row = REQUESTS;

    fn launch(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        OnHttp::launch(runtime, pod(deployment), handler)
    }

    fn start(runtime: &Runtime, deployment: Deployment, handler: &str) -> OnHttp {
        start(runtime, deployment, handler)
    }
}

matrix! {
    InCluster;
    common echo, error, panic, deadline, large_body, init_failure, sigterm_in_flight, concurrency, refusal, several_functions;
    own inspect_over_every_trigger;
}

/// Checks the only trigger, which is the request, here with the trace of a service mesh.
pub(crate) fn inspect_over_every_trigger(runtime: &Runtime) {
    let headers = "X-B3-TraceId: 80f198ee56343ba864fe8b2a57d3eff7\r\nX-B3-SpanId: e457b5a2e4d86bd1\r\nX-B3-Sampled: 1\r\n\
                   X-Forwarded-For: 10.0.0.1, 192.0.2.7:4711\r\nX-Forwarded-Proto: https\r\nX-Request-Id: r-1\r\n";
    // Anybody may call a pod, until it is configured that an ingress stands in front.
    let trusting = Deployment::of("inspect").env("FAAS_TRUSTED_HOPS", "1");
    for (deployment, client, scheme) in
        [(Deployment::of("inspect"), "127.0.0.1", "http"), (trusting, "192.0.2.7", "https")]
    {
        let run = start(runtime, deployment, "inspect");
        let seen = Inspected::read(&run.call("PUT", "/a%20b?x=1", headers, b"body").body);
        assert_eq!((seen.text("platform"), seen.text("trigger"), seen.text("function")), ("kubernetes", "http", POD));
        assert_eq!((seen.text("request_id"), seen.body()), ("r-1", b"body".to_vec()));
        let http = &seen.0["http"];
        assert_eq!(
            (&http["path"], &http["client_ip"], &http["scheme"]),
            (&"/a b".into(), &client.into(), &scheme.into())
        );
        assert_eq!(seen.0["trace"]["traceparent"], "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01");
    }
}
