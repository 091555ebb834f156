//! The differences of a container app from plain HTTP.

use super::run::{replica, start};
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_http::{self, OnHttp};
use integration::wait::{limit, until};
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use std::net::{Ipv4Addr, SocketAddr};

integration::both![
    a_replica_is_known_by_its_app,
    the_port_of_the_app_is_listened_on_where_we_name_none,
    a_port_that_is_none_is_named_and_ends_the_process,
    a_replica_that_ends_tells_the_probe_and_serves_on,
];

fn a_replica_is_known_by_its_app(runtime: &Runtime) {
    let run = start(runtime, Deployment::of("inspect"), "inspect");
    let line = run.process.wait_for_line(|line| line.contains("platform "), limit()).expect("a start line");
    assert!(line.contains("platform azure-container-apps (CONTAINER_APP_NAME is set)"), "{line}");
    let seen = Inspected::read(&run.get("/").body);
    let names = (seen.text("function"), seen.text("version"), seen.text("region"));
    assert_eq!(names, ("shop", "shop--20mh1s9", "westeurope"));
}

fn the_port_of_the_app_is_listened_on_where_we_name_none(runtime: &Runtime) {
    let port = free_port();
    let deployment = replica(Deployment::of("echo")).env("PORT", "").env("CONTAINER_APP_PORT", &port.to_string());
    let command = on_http::command(runtime, &deployment, "echo", 0);
    let process = Process::spawn(command, |_| ()).expect("the runtime starts");
    let run = OnHttp { process, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), deployment }.ready();
    assert_eq!(run.call("POST", "/", "", b"here").body, b"here");
}

fn a_port_that_is_none_is_named_and_ends_the_process(runtime: &Runtime) {
    let deployment = replica(Deployment::of("echo")).env("PORT", "").env("CONTAINER_APP_PORT", "eighty");
    let run = OnHttp::launch(runtime, deployment, "echo");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1));
    let said = run.process.output();
    assert!(said.contains("CONTAINER_APP_PORT") && said.contains("platform azure-container-apps"), "{said}");
}

fn a_replica_that_ends_tells_the_probe_and_serves_on(runtime: &Runtime) {
    let grace = format!("{}s", 60 * integration::wait::scale());
    let lame_duck = format!("{}s", 5 * integration::wait::scale());
    let deployment = Deployment::of("probe").env("FAAS_GRACE", &grace).env("FAAS_LAME_DUCK", &lame_duck);
    let run = start(runtime, deployment, "probe.hold");
    let (path, open) = (run.deployment.path("go"), run.deployment.path("open"));
    let mut running = run.client();
    running.request("POST", "/", "", path.display().to_string().as_bytes()).expect("it is open");
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    assert_eq!(run.get("/readyz").status, 503);
    std::fs::write(&open, "").expect("a file can be made");
    let late = run.call("POST", "/", "", open.display().to_string().as_bytes());
    assert_eq!((late.status, late.text().as_str()), (200, "let go"));
    let refused = until("the port is closed", &run.process, || Client::connect(run.address).err());
    assert!(refused.is_ok(), "{refused:?}");
    std::fs::write(path, "").expect("the handler is let go");
    assert_eq!(running.read().expect("what was accepted is answered").text(), "let go");
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0), "{}", run.process.output());
}
