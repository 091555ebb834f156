//! The statements of `docs/conformance/fn.md`, one test a behaviour.

use super::run::{OnFn, shared_folder};
use integration::artifacts::{Runtime, compile_c, workspace};
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use integration::wait::{limit, scale};
use platform_emulators::fn_project::{Agent, Call, Options, Outcome};
use platform_emulators::process::Stream;
use std::fs::{Permissions, read_link};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

integration::both![
    the_socket_appears_ready_under_a_relative_link,
    stale_sockets_are_replaced,
    the_socket_is_there_within_five_seconds,
    the_socket_waits_for_the_function,
    only_three_statuses_are_answered,
    other_paths_and_methods_are_refused,
    a_request_is_enclosed_both_ways,
    a_plain_call_has_headers_as_they_are_and_no_status,
    the_deadline_reaches_the_function,
    a_passed_deadline_is_504_and_the_next_call_is_served,
    a_wrong_environment_ends_the_process,
    the_log_is_framed_on_both_streams,
    the_log_is_not_framed_without_name_or_header,
    a_freeze_between_calls_harms_nothing,
    a_hundred_calls_share_a_connection,
    the_socket_goes_with_the_process,
    a_streamed_reply_is_taken,
    the_trace_goes_on,
    a_read_only_folder_and_any_user_will_do,
];

fn the_socket_appears_ready_under_a_relative_link(runtime: &Runtime) {
    let run = OnFn::start(runtime, Deployment::of("echo"), "echo");
    run.assert_clean();
    let name = run.agent.folder().join("lsnr.sock");
    let target = read_link(&name).expect("the name is a link");
    assert_eq!(target.parent(), Some(Path::new("")), "{}", target.display());
    let socket = name.metadata().expect("it leads somewhere");
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.permissions().mode() & 0o777, 0o666);
}

fn stale_sockets_are_replaced(runtime: &Runtime) {
    // A process that was killed leaves it behind, once as a link and once bare.
    for linked in [true, false] {
        let folder = shared_folder();
        let bound = folder.path().join(if linked { "old.sock" } else { "lsnr.sock" });
        drop(UnixListener::bind(&bound).expect("it can be bound"));
        if linked {
            symlink("old.sock", folder.path().join("lsnr.sock")).expect("a link can be made");
        }
        let run = OnFn::launch_in(folder, runtime, Deployment::of("echo"), "echo", |options| options);
        let mut run = run.connected();
        assert_eq!(run.plain("new").answer().text(), "new");
        run.assert_clean();
    }
    // One of ours leaves it behind, too.
    let folder = shared_folder();
    let mut first = OnFn::launch_in(folder, runtime, Deployment::of("echo"), "echo", |options| options).connected();
    assert_eq!(first.plain("first").answer().text(), "first");
    first.process().signal(platform_emulators::process::Signal::Kill).expect("the signal is sent");
    first.left();
    assert!(!first.names().is_empty(), "a killed process leaves its socket behind");
    let listener = format!("unix:{}", first.agent.folder().join("lsnr.sock").display());
    let options =
        Options { start_limit: limit(), patience: limit(), ..Options::in_folder(first.agent.folder().to_owned()) };
    let options = Options { listener: Some(listener), ..options };
    let deployment = Deployment::of("echo").env("FAAS_HANDLER", "echo");
    let mut second = Agent::spawn(deployment.command(runtime), options).expect("it starts");
    second.connect().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(second.call(&Call::plain("second")).answer().text(), "second");
}

fn the_socket_is_there_within_five_seconds(runtime: &Runtime) {
    let in_time = |options: Options| Options { start_limit: Duration::from_secs(5) * scale(), ..options };
    OnFn::launch(runtime, Deployment::of("echo"), "echo", in_time).connected().assert_clean();
}

fn the_socket_waits_for_the_function(runtime: &Runtime) {
    let deployment = Deployment::of("probe");
    let go = deployment.path("go");
    let deployment = deployment.env("PROBE_FILE", &go.display().to_string());
    let run = OnFn::launch(runtime, deployment, "probe.slow_start", |options| options);
    run.process().wait_for_line(|line| line == "holding", limit()).expect("the start is under way");
    assert!(!run.names().contains(&"lsnr.sock".to_owned()), "{:?}", run.names());
    std::fs::write(go, "").expect("the start is let go");
    let mut run = run.connected();
    assert_eq!(run.plain("x").answer().text(), "x");
    run.assert_clean();
}

fn only_three_statuses_are_answered(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("faulty"), "faulty");
    for event in [faulty::ERROR, faulty::PANIC] {
        assert!(matches!(run.plain(event), Outcome::Failed(_)));
    }
    // A status of the function's own is the client's, not the call's.
    let answer = run.call(&Call::request("GET", "/?do=error&status=409", &[], "")).answer();
    assert_eq!(answer.status, 409);
    run.assert_clean();
    let outcome = run.call(&Call::plain(r#"{"do":"sleep"}"#).within(Duration::from_secs(1)));
    assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome:?}");
}

fn other_paths_and_methods_are_refused(runtime: &Runtime) {
    let run = OnFn::start(runtime, Deployment::of("echo"), "echo");
    for (method, target, status) in [("POST", "/", 404), ("POST", "/other", 404), ("GET", "/call", 405)] {
        assert_eq!(run.agent.stray(method, target).expect("it is answered").status, status, "{method} {target}");
    }
}

fn a_request_is_enclosed_both_ways(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("inspect"), "inspect");
    let headers = [("Accept", "a/b"), ("X-Twice", "1"), ("X-Twice", "2")];
    let call = Call::request("GET", "/t/app/hello?x=1", &headers, "");
    let answer = run.call(&call.clone().with("X-Not-The-Clients", "1")).answer();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let seen = Inspected::read(&answer.body);
    let sent = seen.0["http"]["headers"].to_string();
    assert!(sent.contains(r#"["X-Twice","1"],["X-Twice","2"]"#) && !sent.contains("Not-The-Clients"), "{sent}");
    run.assert_clean();
    let mut run = OnFn::start(runtime, made(), "made");
    let answer = run.call(&call).answer();
    assert_eq!(
        (answer.status, answer.text().as_str(), answer.header("content-type")),
        (201, "made", Some("text/plain"))
    );
    assert_eq!((answer.all("x-twice"), answer.all("set-cookie")), (vec!["1", "2"], vec!["c=d; Path=/"]));
    run.assert_clean();
    let mut run = OnFn::start(runtime, Deployment::of("probe"), "probe.status");
    for status in [201, 404, 500, 204] {
        let answer = run.call(&Call::request("GET", &format!("http://h/{status}"), &[], "")).answer();
        assert_eq!(answer.status, status);
    }
    run.assert_clean();
}

fn a_plain_call_has_headers_as_they_are_and_no_status(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, made(), "made");
    // The agent lists it as a breach if there is a status, or a prefix.
    let answer = run.plain("").answer();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/plain")));
    assert_eq!((answer.all("x-twice"), answer.all("set-cookie")), (vec!["1", "2"], vec!["c=d; Path=/"]));
    run.assert_clean();
}

fn the_deadline_reaches_the_function(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("inspect"), "inspect");
    let call = Call::plain("").within(Duration::from_secs(3600));
    let seen = Inspected::read(&run.call(&call).answer().body);
    let left = seen.number("remaining_ms");
    assert!((1..=3_600_000).contains(&left) && left > 3_600_000 - 60_000 * u64::from(scale()), "{left}");
    let seen = Inspected::read(&run.call(&Call { deadline: None, ..call }).answer().body);
    assert!(seen.0["deadline_ms"].is_null(), "{}", seen.0);
}

/// `hold` looks whether it is cancelled every millisecond. On a machine so busy that it does not come to that in time,
/// the process answers in its place and leaves. That is right too, but it is not the case of this test.
fn a_passed_deadline_is_504_and_the_next_call_is_served(runtime: &Runtime) {
    let seen = (0..20).any(|_| {
        let mut run = OnFn::start(runtime, Deployment::of("probe"), "probe.hold");
        let outcome = run.call(&Call::plain("/no/such/file").within(Duration::from_secs(1)));
        assert!(matches!(outcome, Outcome::TimedOut(_)), "{outcome:?}");
        let next = run.deployment.path("there");
        std::fs::write(&next, "").expect("a file can be made");
        matches!(run.plain(&next.display().to_string()), Outcome::Success(answer) if answer.text() == "let go")
    });
    assert!(seen, "after no passed deadline was the next call served");
}

fn a_wrong_environment_ends_the_process(runtime: &Runtime) {
    let long = format!("unix:/{}/lsnr.sock", "x".repeat(100));
    for (listener, format, names) in [
        ("", "http-stream", "FN_LISTENER"),
        ("/tmp/lsnr.sock", "http-stream", "FN_LISTENER"),
        ("tcp://127.0.0.1:8080", "http-stream", "FN_LISTENER"),
        ("unix:lsnr.sock", "http-stream", "FN_LISTENER"),
        (&long, "http-stream", "FN_LISTENER"),
        ("unix:/tmp/lsnr.sock", "json", "FN_FORMAT"),
    ] {
        let run = OnFn::launch(runtime, Deployment::of("echo"), "echo", |options| Options {
            listener: Some(listener.to_owned()),
            format: Some(format.to_owned()),
            ..options
        });
        assert_eq!(run.left().code(), Some(1), "{listener} {format}");
        let said = run.process().output();
        assert!(said.contains(names) && said.contains("platform fn"), "{listener} {format}: {said}");
    }
    let mut run = OnFn::launch(runtime, Deployment::of("echo"), "echo", |options| Options { format: None, ..options });
    run.agent.connect().unwrap_or_else(|why| panic!("no format is no error: {why}"));
}

fn framed(options: Options) -> Options {
    Options { frame: Some(("call".to_owned(), "Fn-Call-Id".to_owned())), ..options }
}

fn the_log_is_framed_on_both_streams(runtime: &Runtime) {
    let mut run = OnFn::launch(runtime, Deployment::of("echo"), "echo", framed).connected();
    for id in ["01A", "01B"] {
        run.call(&Call { id: id.to_owned(), ..Call::plain("x") }).answer();
    }
    run.agent.stop(limit());
    for stream in [Stream::Stdout, Stream::Stderr] {
        let lines = run.process().lines_of(stream);
        let at = |wanted: &str| lines.iter().position(|line| line == wanted);
        let (first, second) = (at("call=01A"), at("call=01B"));
        assert!(first.is_some() && first < second, "{stream:?}: {lines:?}");
        for at in [first, second].into_iter().flatten() {
            assert!(at > 0 && lines[at - 1].is_empty(), "an empty line stands before it: {lines:?}");
        }
    }
}

fn the_log_is_not_framed_without_name_or_header(runtime: &Runtime) {
    let mut run = OnFn::launch(runtime, Deployment::of("echo"), "echo", |options| Options {
        frame: Some(("call".to_owned(), "X-Not-Sent".to_owned())),
        ..options
    });
    run.agent.connect().unwrap_or_else(|why| panic!("{why}"));
    run.plain("x").answer();
    run.agent.stop(limit());
    let deployment = Deployment::of("echo").env("FN_LOGFRAME_NAME", "call");
    let mut half = OnFn::start(runtime, deployment, "echo");
    half.plain("x").answer();
    half.agent.stop(limit());
    for run in [run, half] {
        assert!(!run.process().output().contains("call="), "{}", run.process().output());
    }
}

fn a_freeze_between_calls_harms_nothing(runtime: &Runtime) {
    let freezing = |options: Options| Options { freezes: true, ..options };
    let mut run = OnFn::launch(runtime, Deployment::of("echo"), "echo", freezing).connected();
    for number in 0..10 {
        assert_eq!(run.plain(&number.to_string()).answer().text(), number.to_string());
    }
    // A call that comes while it is frozen waits in the socket.
    run.agent.freeze();
    assert_eq!(run.plain("thawed").answer().text(), "thawed");
    assert_eq!(run.agent.stop(limit()).code(), Some(0));
    run.assert_clean();
}

fn a_hundred_calls_share_a_connection(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("echo"), "echo");
    for number in 0..100 {
        assert_eq!(run.plain(&number.to_string()).answer().text(), number.to_string());
    }
    run.assert_clean();
}

fn the_socket_goes_with_the_process(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("probe"), "probe.ending");
    assert_eq!(run.plain("x").answer().text(), "x");
    assert_eq!(run.agent.stop(limit()).code(), Some(0), "{}", run.process().output());
    assert!(run.process().output().contains("closed"), "Close came:\n{}", run.process().output());
    assert_eq!(run.names(), Vec::<String>::new());
}

fn a_streamed_reply_is_taken(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("probe"), "probe.streaming");
    let go = run.deployment.path("go");
    std::fs::write(&go, "").expect("a file can be made");
    let event = format!("{}|", go.display());
    assert_eq!(run.plain(&event).answer().text(), "firstsecond");
    let answer = run.call(&Call::request("POST", "/", &[], event)).answer();
    assert_eq!((answer.status, answer.text().as_str(), answer.header("x-probe")), (201, "firstsecond", Some("1")));
    run.assert_clean();
}

fn the_trace_goes_on(runtime: &Runtime) {
    let mut run = OnFn::start(runtime, Deployment::of("inspect"), "inspect");
    let call = Call::plain("").with("X-B3-TraceId", "80f198ee56343ba864fe8b2a57d3eff7");
    let call = call.with("X-B3-SpanId", "e457b5a2e4d86bd1").with("X-B3-Sampled", "1");
    let seen = Inspected::read(&run.call(&call).answer().body);
    let expected = "00-80f198ee56343ba864fe8b2a57d3eff7-e457b5a2e4d86bd1-01";
    assert_eq!(seen.0["trace"]["traceparent"], expected);
}

/// The platform's root is read-only and its user is not root. As root, this test takes another user; else it has one.
fn a_read_only_folder_and_any_user_will_do(runtime: &Runtime) {
    const SOMEBODY: u32 = 54_321;
    let deployment = Deployment::empty().env("FAAS_HANDLER", "echo");
    let program = deployment.path("bootstrap");
    // By a process of its own: a child that another test starts while a file is open for writing here would keep it
    // open, and a program that is open for writing cannot be started.
    let copied = Command::new("cp").arg(&runtime.path).arg(&program).status().expect("cp starts");
    assert!(copied.success(), "it can be copied");
    let module = integration::artifacts::get().module("echo");
    std::fs::copy(module, deployment.path("libecho.so")).expect("it can be copied");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, Permissions::from_mode(mode)).expect("it is ours");
    mode(&program, 0o555);
    mode(&deployment.path("libecho.so"), 0o444);
    mode(deployment.root(), 0o555);
    let mut command = Command::new(program);
    command.current_dir(deployment.root()).envs(deployment.variables());
    if std::fs::metadata("/proc/self").expect("it is there").uid() == 0 {
        command.uid(SOMEBODY).gid(SOMEBODY);
    }
    let folder = shared_folder();
    let options = Options { start_limit: limit(), patience: limit(), ..Options::in_folder(folder.path().to_owned()) };
    let mut agent = Agent::spawn(command, options).expect("the runtime starts");
    agent.connect().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(agent.call(&Call::plain("x")).answer().text(), "x");
    assert_eq!(agent.stop(limit()).code(), Some(0), "{}", agent.process().output());
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0, "the socket is gone");
    // The owner has to be able to remove the folder.
    mode(deployment.root(), 0o755);
}

/// Returns a task root with the function of `made.c`.
fn made() -> Deployment {
    static MODULE: OnceLock<PathBuf> = OnceLock::new();
    let source = workspace().join("integration/tests/fn_project/made.c");
    let module = MODULE.get_or_init(|| compile_c(&source, "libmade.so", &[]).unwrap_or_else(|why| panic!("{why}")));
    Deployment::empty().file("libmade.so", module)
}
