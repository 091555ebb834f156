//! How dev begins and ends: a start that fails, signals at each time, and what is left behind.

use super::*;

#[test]
fn after_a_first_build_that_failed_requests_are_told_so_at_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    dev_rig::fill(&folder.path().join("dep"), &[("shop", SHOP.1, r#"{"version":1,"functions":[{"nam":"hello"}]}"#)]);
    let mut command = tool(folder.path());
    command.args(["dev", "--port", "0", "--deployment", "dep", "--runtime"]).arg(&artifacts::get().bootstrap().path);
    let dev = Process::spawn(command, |_| ()).expect("the tool starts");
    let rig = Rig { address: dev_rig::serving(&dev), dev, folder };
    rig.line("did you mean \"name\"?");
    rig.until("the failure is known", || (rig.api("state")["build"] == "failed").then_some(()));
    // The client's own limit is far below the time for which a build is waited for.
    let reply = rig.get("/hello");
    assert_eq!((reply.status, reply.text().as_str()), (503, "no deployment is ready; the terminal says why\n"));
    rig.dev.signal(Signal::Int).expect("the signal is sent");
    assert_eq!(rig.dev.wait(wait::limit()).expect("it leaves").code(), Some(0));
}

#[test]
fn a_signal_ends_dev_also_while_it_waits_for_a_runtime_to_be_built() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(run(folder.path(), &["new", "greet", "--template", "c"]).status.success());
    let cache = folder.path().join("cache");
    std::fs::create_dir(&cache).expect("a folder can be made");
    let lock = std::fs::File::create(cache.join("lock")).expect("a file can be made");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("nobody else has it");
    let mut command = tool(folder.path());
    command.args(["dev", "--port", "0"]).current_dir(folder.path().join("greet")).env("FAAS_CACHE", &cache);
    let dev = Process::spawn(command, |_| ()).expect("the tool starts");
    dev.wait_for_line(|line| line.contains("another cargo faas is building in it; waiting"), wait::limit())
        .expect("it waits");
    dev.signal(Signal::Int).expect("the signal is sent");
    assert_eq!(dev.wait(wait::limit()).expect("it leaves").code(), Some(130));
}

#[test]
fn a_second_ctrl_c_drops_what_runs_and_leaves_nothing_behind() {
    let manifest = r#"{"version":1,"default":"hello","functions":[{"name":"hello","events":[{"http":true}]}]}"#;
    // The agent of Fn has one call at a time, and the container is looked at beside it.
    for platform in ["http", "fn"] {
        let rig = Rig::start(&[("hello", &["hello"], manifest)], &["--platform", platform]);
        let pids = rig.pids();
        let mut client = Client::connect(rig.address).expect("connects");
        client.request("GET", "/hello?wait_ms=600000", "", b"").expect("sends");
        rig.until("it runs", || (rig.api("state")["inFlight"] == 1).then_some(()));
        assert_eq!(rig.pids(), pids, "{platform}: the processes are listed while it runs");
        rig.dev.signal(Signal::Int).expect("the signal is sent");
        rig.line("draining  1 request in progress; Ctrl-C again to drop it");
        rig.dev.signal(Signal::Int).expect("the signal is sent");
        let status = rig.dev.wait(wait::limit()).expect("it leaves");
        assert_eq!(status.code(), Some(130), "{platform}: {}", rig.dev.output());
        rig.until_gone(&pids);
        rig.left_nothing(&pids);
    }
}

#[test]
fn after_one_ctrl_c_what_runs_is_answered_and_the_tool_leaves_with_0() {
    let rig = Rig::start(&[SHOP], &[]);
    let pids = rig.pids();
    let mut client = Client::connect(rig.address).expect("connects");
    client.request("GET", "/hello?wait_ms=1500", "", b"").expect("sends");
    rig.until("it runs", || (rig.api("state")["inFlight"] == 1).then_some(()));
    rig.dev.signal(Signal::Int).expect("the signal is sent");
    assert_eq!(client.read().expect("it is answered").status, 200);
    let status = rig.dev.wait(wait::limit()).expect("it leaves");
    assert_eq!(status.code(), Some(0), "{}", rig.dev.output());
    rig.left_nothing(&pids);
}

#[test]
fn with_nothing_in_flight_dev_leaves_at_once_on_platforms_whose_routers_learn_late_of_an_end() {
    let manifest = r#"{"version":1,"default":"hello","functions":[{"name":"hello","events":[{"http":true}]}]}"#;
    for platform in ["openfaas", "knative", "kubernetes", "azure-container-apps"] {
        let rig = Rig::start(&[("hello", &["hello"], manifest)], &["--platform", platform]);
        assert_eq!(rig.get("/hello").status, 200, "{platform}");
        let pids = rig.pids();
        // By itself each of them serves for 5 seconds or more after SIGTERM, OpenFaaS for 30.
        let environment = std::fs::read_to_string(format!("/proc/{}/environ", pids[0])).expect("it runs");
        assert!(environment.split('\0').any(|variable| variable == "FAAS_LAME_DUCK=0"), "{platform}: {environment}");
        rig.dev.signal(Signal::Int).expect("the signal is sent");
        let status = rig.dev.wait(wait::limit()).expect("it leaves");
        let said = rig.dev.output();
        assert_eq!(status.code(), Some(0), "{platform}: {said}");
        assert!(!said.contains("killed"), "{platform}: {said}");
        rig.left_nothing(&pids);
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_ends_the_tool() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it has an address").port().to_string();
    let folder = tempfile::tempdir().expect("a temporary folder");
    dev_rig::fill(&folder.path().join("dep"), &[SHOP]);
    let runtime = artifacts::get().bootstrap().path.display().to_string();
    let output = run(folder.path(), &["dev", "--port", &port, "--deployment", "dep", "--runtime", &runtime]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(said.contains(&format!("port {port}: ")) && said.to_lowercase().contains("in use"), "{said}");
    assert!(said.contains("; name another by --port"), "{said}");
}
