//! A module that was built against the frozen header, as a file that is never built again.

use crate::calls::assert_says;
use integration::artifacts::{Runtime, workspace};
use integration::both;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;

both!(a_module_that_was_built_against_the_frozen_header_runs);

fn a_module_that_was_built_against_the_frozen_header_runs(runtime: &Runtime) {
    let library = workspace().join("integration/tests/contract/frozen/frozen.so");
    let deployment = Deployment::empty().file("libfrozen.so", &library).layers(&["frozen.layer"]);
    let run = OnHttp::start(runtime, deployment.env("FAAS_LOG_FORMAT", "json"), "frozen");
    for event in ["", "an event", &"x".repeat(100_000)] {
        let reply = run.call("POST", "/", "", event.as_bytes());
        assert_eq!((reply.status, reply.header("x-who")), (200, Some("frozen")), "{}", run.process.output());
        assert_eq!(reply.text(), event);
    }
    assert_says(&run, r#""message":"replied","version":1.0}"#);
    assert!(run.stop().success(), "{}", run.process.output());
    assert!(run.process.output().contains("the frozen module is destroyed"), "{}", run.process.output());
}
