//! RuntimeStart to Close over both binaries: the order of the phases, layers around the function, the effect of a stop
//! on work in flight, the lines of the layers that come with the project, and the light runtime's independence of other
//! crates.

use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::faulty;
use integration::kernel;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::process::{Process, Signal};
use serde_json::Value;

integration::both![
    phases_come_in_order_and_layers_mirror_each_other,
    a_failure_passes_every_entered_layer_on_its_way_out,
    close_runs_over_http_too,
    a_layer_that_must_not_be_skipped_refuses_to_be_optional,
    work_in_flight_is_answered_after_sigterm,
    the_monitor_layer_writes_a_line_a_phase_and_an_invocation,
    the_metrics_layer_counts_at_metrics_and_in_the_log,
    two_hundred_functions_that_start_with_the_process_serve_and_stop,
    two_hundred_functions_that_start_with_their_first_request_serve_and_stop,
];

/// Returns the lines of the probe's function and layers.
fn told(process: &Process) -> Vec<String> {
    let own = |line: &str| ["outer ", "inner ", "function "].iter().any(|who| line.starts_with(who));
    process.lines().into_iter().map(|line| line.text).filter(|line| own(line)).collect()
}

/// Returns the lines of one process' phases, around a function that has work in `inner` ones.
fn around(phase: &str, with_function: bool) -> Vec<String> {
    let mut lines = vec![format!("outer before {phase}"), format!("inner before {phase}")];
    if with_function {
        lines.push(format!("function in {phase}"));
    }
    lines.extend([format!("inner after {phase}"), format!("outer after {phase}")]);
    lines
}

fn probe() -> Deployment {
    Deployment::of("probe").layers(&["probe.outer", "probe.inner"])
}

fn phases_come_in_order_and_layers_mirror_each_other(runtime: &Runtime) {
    let run = OnAws::launch(runtime, probe(), "probe.phases", Options::default()).polling();
    assert_eq!(run.call("1").text(), "done");
    assert_eq!(run.call("2").text(), "done");
    run.aws.wait_for(|now| now.extensions_parked == 1, limit()).expect("there is work at close");
    let shutdown = run.aws.shutdown(&run.process);
    assert_eq!(shutdown.signals, [Signal::Term]);
    run.process.wait(limit()).expect("it has ended");
    let expected = [
        around("RuntimeStart", false),
        around("FunctionStart", true),
        around("Invoke", true),
        around("Invoke", true),
        around("Close", true),
    ];
    assert_eq!(told(&run.process), expected.concat());
    run.assert_clean();
}

fn a_failure_passes_every_entered_layer_on_its_way_out(runtime: &Runtime) {
    let run = OnAws::launch(runtime, probe(), "probe.phases", Options::default()).polling();
    assert_eq!(run.aws.invoke("fail").kind, Kind::Error);
    run.process.wait_for_line(|line| line == "outer on_error Invoke", limit()).expect("the outermost is told");
    let expected = [
        "outer before Invoke",
        "inner before Invoke",
        "function in Invoke",
        "inner on_error Invoke",
        "outer on_error Invoke",
    ];
    // The lines of the start may still be on their way when the first poll has arrived: they are no part of this.
    let told = told(&run.process);
    let begin = told.iter().position(|line| line.ends_with(" Invoke")).expect("the invocation is told of");
    assert_eq!(told[begin..], expected);
    run.assert_clean();
}

fn close_runs_over_http_too(runtime: &Runtime) {
    let run = OnHttp::start(runtime, probe(), "probe.phases");
    assert_eq!(run.call("POST", "/", "", b"1").text(), "done");
    assert_eq!(run.stop().code(), Some(0));
    let lines = told(&run.process);
    assert_eq!(lines[lines.len() - 5..], around("Close", true));
}

fn a_layer_that_must_not_be_skipped_refuses_to_be_optional(runtime: &Runtime) {
    let layers = ["probe.outer?", "probe.inner?"];
    let run = OnAws::launch(runtime, Deployment::of("probe").layers(&layers), "probe.phases", Options::default());
    let answer = run.aws.invoke("1");
    assert_eq!(answer.kind, Kind::InitError, "{}", run.process.output());
    let words = "Runtime.LayerRequired: FAAS_LAYERS makes layer probe.inner optional, which that layer does not allow: \
                 write probe.inner instead of probe.inner?";
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1));
    assert!(run.process.output().contains(words), "{}", run.process.output());
    assert_eq!(told(&run.process), ["outer before Close", "outer after Close"], "what was made is closed");
    run.assert_clean();
}

fn work_in_flight_is_answered_after_sigterm(runtime: &Runtime) {
    let options = Options { timeout: limit(), ..Options::default() };
    let run = OnAws::launch(runtime, Deployment::of("probe"), "probe.hold", options).polling();
    let path = run.deployment.path("go");
    let pending = run.aws.submit(path.display().to_string().as_str());
    run.process.wait_for_line(|line| line == "holding", limit()).expect("the handler runs");
    run.process.signal(Signal::Term).expect("the signal is sent");
    // The signal has been handled, not only sent: an answer before that may well be followed by another poll.
    run.process.wait_for_line(|line| line.contains("stopping: 1 in flight"), limit()).expect("the stop begins");
    std::fs::write(path, "").expect("the handler is let go");
    let answer = pending.wait();
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Response, "let go"), "{}", run.process.output());
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(0));
    assert_eq!(run.aws.next_calls(), 1, "no further poll");
    run.assert_clean();
}

fn the_monitor_layer_writes_a_line_a_phase_and_an_invocation(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").layer("monitor");
    let run = OnAws::launch(runtime, deployment, "faulty", Options::default()).polling();
    let fine = run.call(faulty::FINE).request_id;
    let failed = run.aws.invoke(faulty::ERROR).request_id;
    run.process.wait_for_line(|line| line.contains(&failed), limit()).expect("a line of the last invocation");
    run.process.signal(Signal::Term).expect("the signal is sent");
    run.process.wait(limit()).expect("it leaves");
    let lines = run.process.lines().into_iter().filter_map(|line| serde_json::from_str::<Value>(&line.text).ok());
    let lines: Vec<Value> = lines.filter(|line| !line["faas"].is_null()).collect();
    let phases: Vec<_> =
        lines.iter().filter(|line| line["faas"] == "phase").map(|line| line["phase"].clone()).collect();
    assert_eq!(phases, ["RuntimeStart", "FunctionStart", "Close"]);
    let invocations: Vec<_> = lines.iter().filter(|line| line["faas"] == "invocation").collect();
    let told: Vec<_> = invocations
        .iter()
        .map(|line| (line["requestId"].as_str(), line["cold_start"].as_bool(), line["outcome"].as_str()))
        .collect();
    assert_eq!(told[0], (Some(fine.as_str()), Some(true), Some("ok")));
    assert_eq!(told.len(), 2);
    assert_eq!((told[1].0, told[1].1), (Some(failed.as_str()), Some(false)));
    assert_ne!(told[1].2, Some("ok"));
    assert!(invocations.iter().all(|line| line["us"].is_u64() && line["rss_kib"].is_u64()), "{invocations:?}");
    run.assert_clean();
}

fn the_metrics_layer_counts_at_metrics_and_in_the_log(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("echo").layer("metrics"), "echo");
    for _ in 0..3 {
        run.call("POST", "/", "", b"counted");
    }
    let reply = run.get("/metrics");
    assert_eq!(reply.status, 200);
    assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")), "{reply:?}");
    let counted = |line: &str| line.starts_with(|c: char| c.is_ascii_alphabetic()) && line.ends_with(" 3");
    assert!(reply.text().lines().any(counted), "three invocations in:\n{}", reply.text());

    let deployment = Deployment::of("echo").layer("metrics");
    let run = OnAws::launch(runtime, deployment, "echo", Options::default()).polling();
    run.call("counted");
    let line = run.process.wait_for_line(|line| line.contains("CloudWatchMetrics"), limit()).expect("a document");
    let document: Value = serde_json::from_str(&line).expect("JSON, and nothing else in the line");
    assert!(document["_aws"]["Timestamp"].is_u64(), "{document}");
    let metrics = &document["_aws"]["CloudWatchMetrics"][0];
    for metric in metrics["Metrics"].as_array().expect("a list of metrics") {
        let name = metric["Name"].as_str().expect("a name");
        assert!(!document[name].is_null(), "{name} has a value in {document}");
    }
    run.assert_clean();
}

fn two_hundred_functions_that_start_with_the_process_serve_and_stop(runtime: &Runtime) {
    two_hundred_functions(runtime, "eager");
}

fn two_hundred_functions_that_start_with_their_first_request_serve_and_stop(runtime: &Runtime) {
    two_hundred_functions(runtime, "lazy");
}

/// Checks ten functions in each of twenty libraries, every one of which is asked once.
fn two_hundred_functions(runtime: &Runtime, start: &str) {
    /// The most threads of a process: those of one with a single function, which watches, answers, looks after
    /// deadlines, and has one thread more now and then. Functions and libraries add none.
    const MOST_THREADS: usize = 8;
    let functions: Vec<String> = (0..200)
        .map(|number| {
            let (library, config) = (number / 10, format!(r#"{{"number":{number}}}"#));
            let event = format!(r#"{{"http":{{"path":"/s{number}/items/:id","method":"POST"}}}}"#);
            format!(
                r#"{{"name":"f{number}","handler":"m{library}.echo","start":"{start}","config":{config},"events":[{event}]}}"#
            )
        })
        .collect();
    let manifest = format!(r#"{{"version":1,"functions":[{}]}}"#, functions.join(","));
    let libraries = (0..20).fold(Deployment::empty(), |made, number| made.copy("echo", &format!("m{number}")));
    let run = OnHttp::start(runtime, libraries.manifest(&manifest), "f0");
    assert!(kernel::threads(&run.process) <= MOST_THREADS, "{} threads", kernel::threads(&run.process));
    let mut client = run.client();
    for number in 0..200 {
        let body = format!("to {number}");
        let reply = client.call("POST", &format!("/s{number}/items/7"), "", body.as_bytes()).expect("a reply");
        assert_eq!((reply.status, reply.text()), (200, body), "{}", run.process.output());
    }
    drop(client);
    assert!(kernel::threads(&run.process) <= MOST_THREADS, "{} threads", kernel::threads(&run.process));
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
}

#[test]
fn the_light_runtime_has_no_crate_from_outside_the_workspace() {
    let tree = |package: &str| {
        let arguments = ["tree", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}", "--locked"];
        let output = artifacts::cargo().args(arguments).output().expect("cargo starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("names are text");
        let mut crates: Vec<String> = text.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect();
        crates.sort();
        crates.dedup();
        crates
    };
    let root = artifacts::workspace().display().to_string();
    let outside = |crates: &[String]| crates.iter().filter(|name| !name.contains(&root)).cloned().collect::<Vec<_>>();
    let light = tree("light-runtime");
    assert!(light.len() >= 3, "itself, the core and the contract: {light:?}");
    assert_eq!(outside(&light), Vec::<String>::new());
    assert!(!outside(&tree("platform-emulators")).is_empty(), "the question itself can be answered with no");
}

#[test]
fn a_function_and_two_layers_link_with_the_light_runtime_into_one_static_program() {
    let runtime = artifacts::linked();
    let run = OnAws::launch(&runtime, Deployment::empty(), "linked.echo", Options::default()).polling();
    let maps = std::fs::read_to_string(format!("/proc/{}/maps", run.process.pid())).expect("the process is there");
    assert!(!maps.contains(".so"), "no library is loaded:\n{maps}");
    let answer = run.call("from one file");
    assert_eq!(answer.text(), "from one file");
    for layer in ["\"faas\":\"invocation\"", "CloudWatchMetrics"] {
        run.process.wait_for_line(|line| line.contains(layer), limit()).expect("both layers are around it");
    }
    run.assert_clean();
}
