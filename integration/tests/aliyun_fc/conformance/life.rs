//! An instance's life: the port, the start, the hooks, freezes, the end.

use super::super::run::{OnFc, told};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::{limit, silence};
use platform_emulators::aliyun_fc::{Dialect, Hook, Kind, Options, Request};
use platform_emulators::process::Signal;

integration::both![
    the_port_of_either_variable_is_listened_on_on_all_addresses,
    nine_thousand_is_the_port_where_no_variable_names_one,
    the_port_accepts_before_the_start_has_ended,
    a_handler_that_means_nothing_is_let_pass,
    the_initializer_runs_the_start_once,
    a_failed_start_fails_the_initializer_in_words,
    pre_stop_answers_after_close_and_ends_the_service,
    pre_freeze_runs_suspend_and_the_next_call_resume,
    a_freeze_does_not_shorten_the_next_call,
    sigterm_ends_what_runs_and_leaves,
    a_built_in_runtime_is_refused_in_words,
];

fn the_port_of_either_variable_is_listened_on_on_all_addresses(runtime: &Runtime) {
    for container in [false, true] {
        let deployment = Deployment::of("echo");
        let root = deployment.root().display().to_string();
        let options = Options { container, ..Options::default() };
        let run = OnFc::named(runtime, deployment.env("FAAS_ROOT", &root), "echo", options);
        assert_eq!(run.call("here").text(), "here");
        let all = format!("0.0.0.0:{}", run.fc.options().port);
        let named = run.fc.process().wait_for_line(|line| line.contains(&all), limit());
        assert!(named.is_ok(), "the start line names it: {named:?}");
        run.assert_clean();
    }
}

/// Another process may have that port: then the line says that it is in use.
fn nine_thousand_is_the_port_where_no_variable_names_one(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    let mut command = deployment.command(runtime);
    command.env_clear().env("FC_FUNC_CODE_PATH", deployment.root()).env("FC_FUNCTION_HANDLER", "echo");
    let process = platform_emulators::process::Process::spawn(command, |_| ()).expect("the runtime starts");
    process.wait_for_line(|line| line.contains("0.0.0.0:9000"), limit()).expect("the line of the port");
}

fn the_port_accepts_before_the_start_has_ended(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let go = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &go.display().to_string());
    let options = Options { timeout: 600, ..Options::default() };
    let run = OnFc::named(runtime, deployment, "probe.slow_start", options);
    run.until("holding", 1);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run.call("a call waits for the start"));
        std::fs::write(&go, "").expect("the start is let go");
        assert_eq!(waiting.join().expect("it is answered").text(), "a call waits for the start");
    });
    run.assert_clean();
}

/// The platform demands a handler, and its templates say `index.handler`.
fn a_handler_that_means_nothing_is_let_pass(runtime: &Runtime) {
    let deployment = Deployment::empty();
    std::fs::create_dir(deployment.path("functions")).expect("a folder can be made");
    let module = integration::artifacts::get().module("echo");
    let deployment = deployment.file("functions/libecho.so", module);
    let run = OnFc::named(runtime, deployment, "index.handler", Options::default());
    assert_eq!(run.call("the only one").text(), "the only one");
    run.assert_clean();
}

fn the_initializer_runs_the_start_once(runtime: &Runtime) {
    let options = Options { initializer: true, ..Options::default() };
    let run = OnFc::named(runtime, told(), "fc.life", options);
    assert_eq!(run.count("life FunctionStart"), 0, "it waits for the platform:\n{}", run.output());
    assert_eq!(run.call("x").text(), "alive");
    assert_eq!(run.call("x").text(), "alive");
    let (head, _) = run.fc.hook(Hook::Initialize).expect("an answer");
    assert_eq!(head.status, 200, "{}", run.output());
    run.assert_clean();
    assert_eq!((run.count("life FunctionStart"), run.count("life Invoke")), (1, 2));
}

fn a_failed_start_fails_the_initializer_in_words(runtime: &Runtime) {
    let options = Options { initializer: true, ..Options::default() };
    let run = OnFc::named(runtime, told().env("LIFE_FAILS", "1"), "fc.life", options);
    let Kind::InitFailed(why) = run.fc.invoke("x").kind else { panic!("it succeeds:\n{}", run.output()) };
    assert!(why.starts_with("404: ") && why.contains("no life without water") && why.contains("Life.Failed"), "{why}");
    assert_eq!(run.fc.invoke("x").kind, Kind::Gone, "the platform takes another instance");
    run.assert_clean();
}

fn pre_stop_answers_after_close_and_ends_the_service(runtime: &Runtime) {
    let deployment = told();
    let file = deployment.path("go");
    let deployment = deployment.env("LIFE_FILE", &file.display().to_string());
    let run = OnFc::named(runtime, deployment, "fc.life", Options { pre_stop: true, ..Options::default() });
    assert_eq!(run.call("x").text(), "alive");
    std::thread::scope(|scope| {
        let stopping = scope.spawn(|| run.fc.hook(Hook::PreStop).expect("an answer").0.status);
        run.until("life Close", 1);
        assert!(!stopping.is_finished(), "Close still runs:\n{}", run.output());
        std::fs::write(&file, "").expect("Close is let go");
        assert_eq!(stopping.join().expect("it is answered"), 200);
    });
    // Lines before the marker have been read once the marker is.
    run.assert_clean();
    let lines: Vec<_> = run.fc.process().lines().into_iter().map(|line| line.text).collect();
    let over = lines.iter().position(|line| line == "life is over").expect("Close has ended");
    let marked = lines.iter().position(|line| line.starts_with("FC PreStop End RequestId: ")).expect("a marker");
    assert!(over < marked, "{lines:#?}");
    assert_eq!((run.fc.invoke("x").status(), run.fc.request(&Request::new("GET", "/")).status), (503, 503));
    assert_eq!(run.fc.hook(Hook::PreStop).expect("an answer").0.status, 200, "it has stopped");
    run.assert_clean();
    run.fc.process().signal(Signal::Term).expect("the signal is sent");
    assert_eq!(run.fc.process().wait(limit()).expect("it leaves").code(), Some(0), "{}", run.output());
    assert_eq!(run.count("life Close"), 1, "Close runs once");
}

fn pre_freeze_runs_suspend_and_the_next_call_resume(runtime: &Runtime) {
    let options = Options { dialect: Dialect::Fc2, pre_freeze: true, pre_stop: true, ..Options::default() };
    let run = OnFc::named(runtime, told(), "fc.life", options);
    let phases = || {
        let lines = run.fc.process().lines().into_iter().map(|line| line.text);
        lines.filter_map(|line| line.strip_prefix("life ").map(str::to_owned)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(run.call("x").text(), "alive");
    for _ in 0..2 {
        assert_eq!(run.fc.freeze().expect("an answer"), Some(200), "{}", run.output());
        assert_eq!(run.call("x").text(), "alive");
    }
    run.assert_clean();
    assert_eq!(phases(), "FunctionStart Invoke Suspend Resume Invoke Suspend Resume Invoke");
    let stopped = run.fc.stop();
    assert!(matches!(stopped.pre_stop, Some(Ok(200))), "{stopped:?}");
    assert!(phases().ends_with("Close is over"), "{}", phases());
}

fn a_freeze_does_not_shorten_the_next_call(runtime: &Runtime) {
    let run = OnFc::named(runtime, told(), "fc.told", Options { timeout: 2, ..Options::default() });
    assert_eq!(run.told(&["m2"]), ["shop"]);
    assert_eq!(run.fc.freeze().expect("the signal is sent"), None);
    // The wait is longer than the function's time.
    assert!(run.fc.process().wait(silence()).is_err(), "it is frozen, not gone");
    let remaining: u64 = run.told(&["n2"])[0].parse().expect("milliseconds");
    assert!((1..=2000).contains(&remaining), "{remaining} ms of 2 s");
    run.assert_clean();
}

fn sigterm_ends_what_runs_and_leaves(runtime: &Runtime) {
    let options = Options { timeout: 600, ..Options::default() };
    let run = OnFc::named(runtime, Deployment::of("probe").env("FAAS_GRACE", "60s"), "probe.hold", options);
    let path = run.deployment.path("go");
    let request = Request::new("POST", "/").body(path.display().to_string());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| run.fc.request(&request));
        run.until("holding", 1);
        run.fc.process().signal(Signal::Term).expect("the signal is sent");
        let stopping = |line: &str| line.contains("stopping: 1 in flight");
        run.fc.process().wait_for_line(stopping, limit()).expect("the stop begins");
        std::fs::write(&path, "").expect("the function is let go");
        let response = running.join().expect("it is answered");
        assert_eq!((&response.kind, response.text().as_str()), (&Kind::Success, "let go"));
    });
    assert_eq!(run.fc.process().wait(limit()).expect("it leaves").code(), Some(0), "{}", run.output());
    run.assert_clean();
    let run = OnFc::named(runtime, told(), "fc.life", Options::default());
    assert_eq!(run.call("x").text(), "alive", "it has started");
    let status = run.fc.terminate().expect("the signal is sent").expect("it leaves");
    assert_eq!((status.code(), run.count("life Close")), (Some(0), 1), "{}", run.output());
}

fn a_built_in_runtime_is_refused_in_words(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    let mut command = deployment.command(runtime);
    command.env_clear().env("FC_RUNTIME_API", "127.0.0.1:9001").env("FC_FUNC_CODE_PATH", deployment.root());
    let process = platform_emulators::process::Process::spawn(command, |_| ()).expect("the runtime starts");
    assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(1), "{}", process.output());
    assert!(process.output().contains("FC_RUNTIME_API: expected nothing"), "{}", process.output());
}
