//! A layer that does not return, in an invocation or when it is asked how it is, holds up nobody else.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::limit;

integration::both![
    a_layer_that_is_stuck_before_an_invocation_holds_up_no_other,
    a_layer_whose_health_is_stuck_holds_up_nobody
];

/// Checks that old connections and new ones are served, and probes of life, too.
fn everybody_else_is_served(run: &OnHttp, kept: &mut [integration::client::Client]) {
    for client in kept {
        let reply =
            client.call("POST", "/", "", b"kept").unwrap_or_else(|error| panic!("{error}: {}", run.process.output()));
        assert_eq!((reply.status, &reply.body[..]), (200, &b"kept"[..]));
    }
    for _ in 0..20 {
        assert_eq!(run.get("/livez").status, 200);
        assert_eq!(run.call("POST", "/", "", b"new").body, b"new", "{}", run.process.output());
    }
}

fn a_layer_that_is_stuck_before_an_invocation_holds_up_no_other(runtime: &Runtime) {
    for function in ["overload.closing", "overload.inlined"] {
        let run = OnHttp::start(runtime, Deployment::of("overload").layers(&["overload.stuck"]), function);
        let path = run.deployment.path("go");
        let event = path.display().to_string();
        let mut kept: Vec<_> = (0..4).map(|_| run.client()).collect();
        everybody_else_is_served(&run, &mut kept);
        let mut stuck: Vec<_> = (0..3).map(|_| run.client()).collect();
        for (count, client) in (1..).zip(&mut stuck) {
            client.request("POST", "/", "", event.as_bytes()).expect("it is open");
            let mut seen = 0;
            let all = |line: &str| {
                seen += usize::from(line == "before holds");
                seen == count
            };
            run.process.wait_for_line(all, limit()).expect("the layer is stuck");
            everybody_else_is_served(&run, &mut kept);
        }
        std::fs::write(&path, "").expect("the layer is let go");
        for client in &mut stuck {
            assert_eq!(client.read().expect("an answer").body, event.as_bytes(), "{function}");
        }
        assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    }
}

fn a_layer_whose_health_is_stuck_holds_up_nobody(runtime: &Runtime) {
    let deployment = Deployment::of("overload").layers(&["overload.stuck"]);
    let ill = deployment.path("ill");
    let deployment = deployment.env("STUCK_HEALTH", &ill.display().to_string());
    let run = OnHttp::start(runtime, deployment, "overload.inlined");
    let mut kept: Vec<_> = (0..4).map(|_| run.client()).collect();
    std::fs::write(&ill, "").expect("the folder is there");
    let mut probes: Vec<_> = (0..40).map(|_| run.client()).collect();
    for probe in &mut probes {
        probe.request("GET", "/readyz", "", b"").expect("it is open");
    }
    run.process.wait_for_line(|line| line == "health holds", limit()).expect("the layer is stuck");
    everybody_else_is_served(&run, &mut kept);
    // The probes have a time limit of their own.
    for probe in &mut probes {
        assert_eq!(probe.read().expect("an answer").status, 503, "{}", run.process.output());
    }
    everybody_else_is_served(&run, &mut kept);
    std::fs::remove_file(&ill).expect("the layer is let go");
    assert_eq!(run.get("/readyz").status, 200, "{}", run.process.output());
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
}
