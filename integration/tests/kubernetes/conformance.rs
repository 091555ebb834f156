//! The statements of `docs/conformance/kubernetes.md`, one test for each behaviour: the differences from plain HTTP.

use super::run::{POD, gate, pod, start, unhurried};
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::OnHttp;
use integration::wait::{limit, until};
use platform_emulators::process::Signal;

integration::both![
    a_cluster_is_known_by_the_address_of_its_api,
    a_pod_that_drains_serves_on_then_refuses_then_leaves,
    without_the_lame_duck_time_the_port_closes_at_once,
    an_idle_pod_leaves_after_the_lame_duck_time,
    the_name_of_the_pod_is_the_functions_unless_it_has_one,
    a_stop_hook_needs_nothing_of_the_function,
    docker_is_plain_http,
];

fn a_cluster_is_known_by_the_address_of_its_api(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("echo"), "echo");
    let line = run.process.wait_for_line(|line| line.contains("platform "), limit()).expect("a start line");
    assert!(line.contains("platform kubernetes (KUBERNETES_SERVICE_HOST is set)"), "{line}");
}

fn a_pod_that_drains_serves_on_then_refuses_then_leaves(runtime: &Runtime) {
    let run = start(runtime, unhurried(Deployment::of("probe")), "probe.hold");
    let (path, event) = gate(&run, "go");
    let mut running = run.client();
    running.request("POST", "/", "", &event).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");

    // In the lame duck a client that asks learns of the stop, and one that does not is served.
    assert_eq!(run.get("/readyz").status, 503);
    assert_eq!(run.get("/livez").status, 200);
    let (open, event) = gate(&run, "open");
    std::fs::write(open, "").expect("a file can be made");
    let late = run.call("POST", "/", "", &event);
    assert_eq!((late.status, late.text().as_str(), late.closes), (200, "let go", true));

    // Then nobody gets in, and running calls are still waited for.
    let refused = until("the port is closed", &run.process, || Client::connect(run.address).err());
    assert!(refused.is_ok(), "{refused:?}");
    assert_eq!(run.process.status(), None, "it waits for what runs");
    std::fs::write(path, "").expect("the handler is let go");
    let reply = running.read().expect("what was accepted is answered");
    assert_eq!((reply.status, reply.text().as_str(), reply.closes), (200, "let go", true));
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}

fn without_the_lame_duck_time_the_port_closes_at_once(runtime: &Runtime) {
    let deployment = unhurried(Deployment::of("probe")).env("FAAS_LAME_DUCK", "0");
    let run = start(runtime, deployment, "probe.hold");
    let (path, event) = gate(&run, "go");
    let mut running = run.client();
    running.request("POST", "/", "", &event).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    let refused = until("the port is closed", &run.process, || Client::connect(run.address).err());
    assert!(refused.is_ok(), "{refused:?}");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(running.read().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}

fn an_idle_pod_leaves_after_the_lame_duck_time(runtime: &Runtime) {
    let deployment = unhurried(Deployment::of("probe")).env("FAAS_LAME_DUCK", "1s");
    let run = start(runtime, deployment, "probe.ending");
    let sent = std::time::Instant::now();
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    assert!(sent.elapsed() >= std::time::Duration::from_secs(1), "after {:?}", sent.elapsed());
    assert!(run.process.output().contains("closed"), "Close came:\n{}", run.process.output());
}

fn the_name_of_the_pod_is_the_functions_unless_it_has_one(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("inspect"), "inspect");
    assert_eq!(Inspected::read(&run.get("/").body).text("function"), POD);
    let named = Deployment::of("inspect").env("FAAS_FUNCTION_NAME", "shop");
    let run = start(runtime, named, "inspect");
    assert_eq!(Inspected::read(&run.get("/").body).text("function"), "shop");
}

/// A `preStop` hook of the kind `httpGet` is an ordinary request of the kubelet's to whatever path it names; one that
/// sleeps is nothing at all to the process.
fn a_stop_hook_needs_nothing_of_the_function(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("probe"), "probe.status");
    let hook = run.call("GET", "/204", "User-Agent: kube-lifecycle/1.33\r\n", b"");
    assert_eq!(hook.status, 204, "it is the function's");
    assert_eq!(run.get("/readyz").status, 200, "and begins no stop");
    let run = OnHttp::launch(runtime, pod(Deployment::of("echo").env("FAAS_LAME_DUCK", "0")), "echo").ready();
    assert_eq!(run.stop().code(), Some(0));
}

fn docker_is_plain_http(runtime: &Runtime) {
    let deployment = Deployment::of("inspect").env("HOSTNAME", "4f1c2d3e4b5a").env("container", "docker");
    let run = OnHttp::start(runtime, deployment, "inspect");
    let line = run.process.wait_for_line(|line| line.contains("platform "), limit()).expect("a start line");
    assert!(line.contains("platform http (nothing marks another platform)"), "{line}");
    assert_eq!(Inspected::read(&run.get("/").body).text("platform"), "http");
    assert_eq!(run.stop().code(), Some(0));
}
