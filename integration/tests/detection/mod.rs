//! The start line names platform and reason, and what is missing is named. Every environment there is stands in
//! `runtime-engine/core/tests/detection.rs`; here is one a platform, over the real binaries.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Aws, Options};
use platform_emulators::ports::free_port;
use platform_emulators::process::{Process, Signal};
use std::process::{Command, Stdio};

integration::both![
    the_start_line_names_platform_and_reason,
    a_platform_that_is_asked_is_named_too,
    a_platform_with_a_socket_is_named_too,
    what_is_missing_is_named_with_the_platform,
    a_setting_that_does_not_fit_ends_the_start_with_one_line,
    an_unknown_setting_is_said_with_the_nearest_and_a_skipped_layer_at_warn,
    a_platform_nobody_knows_is_answered_with_all_there_are,
];

/// Returns a command with nothing of the caller's environment but `PATH`.
fn command(runtime: &Runtime, deployment: &Deployment, variables: &[(&str, &str)]) -> Command {
    let mut command = deployment.command(runtime);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.env("FAAS_HOST", "127.0.0.1").env("FAAS_HANDLER", "echo").envs(variables.iter().copied());
    command.stdin(Stdio::null());
    command
}

fn start_line(process: &Process) -> String {
    let line = process.wait_for_line(|line| line.contains("platform "), limit());
    line.unwrap_or_else(|why| panic!("no start line: {why}; {}", process.output()))
}

fn the_start_line_names_platform_and_reason(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    for (variables, platform, mark) in [
        (&[][..], "http", "nothing marks another platform"),
        (&[("FAAS_PLATFORM", "http"), ("KUBERNETES_SERVICE_HOST", "10.96.0.1")], "http", "FAAS_PLATFORM names it"),
        (&[("KUBERNETES_SERVICE_HOST", "10.96.0.1")], "kubernetes", "KUBERNETES_SERVICE_HOST is set"),
        (&[("CONTAINER_APP_NAME", "shop")], "azure-container-apps", "CONTAINER_APP_NAME is set"),
        (&[("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("K_SERVICE", "shop")], "knative", "K_SERVICE is set"),
        (&[("K_SERVICE", "shop")], "google-cloud", "K_SERVICE is set"),
        (&[("FAAS_PLATFORM", "openfaas"), ("FAAS_METRICS_PORT", "0")], "openfaas", "FAAS_PLATFORM names it"),
    ] {
        let port = free_port().to_string();
        let variables = [&[("PORT", port.as_str()), ("port", port.as_str())][..], variables].concat();
        let process = Process::spawn(command(runtime, &deployment, &variables), |_| ()).expect("the runtime starts");
        let line = start_line(&process);
        assert!(line.contains(&format!("platform {platform} ({mark})")), "{variables:?}: {line}");
        process.wait_for_line(|line| line.contains(&port), limit()).expect("a line names the port");
        process.signal(Signal::Kill).expect("the signal is sent");
    }
}

fn a_platform_that_is_asked_is_named_too(runtime: &Runtime) {
    let deployment = Deployment::of("echo").env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
    let task_root = Some(deployment.root().to_owned());
    let options = Options { handler: Some("echo".to_owned()), task_root, patience: limit(), ..Options::default() };
    let aws = Aws::start(options).expect("there is a free port");
    let process = aws.spawn(deployment.command(runtime)).expect("the runtime starts");
    let line = start_line(&process);
    assert!(line.contains("platform aws-lambda (AWS_LAMBDA_RUNTIME_API is set)"), "{line}");
}

fn a_platform_with_a_socket_is_named_too(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    let socket = format!("unix:{}", deployment.path("lsnr.sock").display());
    let process = Process::spawn(command(runtime, &deployment, &[("FN_LISTENER", &socket)]), |_| ());
    let process = process.expect("the runtime starts");
    let line = start_line(&process);
    assert!(line.contains("platform fn (FN_LISTENER is set)"), "{line}");
    process.wait_for_line(|line| line.contains("lsnr.sock"), limit()).expect("a line names the socket");
}

fn what_is_missing_is_named_with_the_platform(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    for (variables, words) in [
        (
            &[("FN_FORMAT", "http-stream")][..],
            "FN_LISTENER: expected unix: and the absolute path of a socket, of at most 102 bytes, found \"\" \
             (platform fn: FN_FORMAT is set)",
        ),
        (
            &[("FAAS_PLATFORM", "aws-lambda")],
            "AWS_LAMBDA_RUNTIME_API: expected host:port of the Runtime API, found \"\" (platform aws-lambda: \
             FAAS_PLATFORM names it)",
        ),
        (
            &[("KUBERNETES_SERVICE_HOST", "10.96.0.1"), ("PORT", "x")],
            "PORT: expected a port from 0 to 65535, found \"x\" (platform kubernetes: KUBERNETES_SERVICE_HOST is set)",
        ),
    ] {
        let process = Process::spawn(command(runtime, &deployment, variables), |_| ()).expect("the runtime starts");
        assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(1), "{variables:?}");
        assert!(process.output().contains(words), "{variables:?}: {}", process.output());
    }
}

fn a_setting_that_does_not_fit_ends_the_start_with_one_line(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    for (name, value, words) in [
        ("FAAS_CONFIG", "{bad", "JSON, found invalid JSON at byte 1"),
        ("FAAS_CONCURRENCY", "0", "a whole number above 0, found \"0\""),
        ("FAAS_LIVENESS_PATH", "health", "a path that begins with / and has no query, found \"health\""),
        ("FAAS_DEBUG", "maybe", "1, true, yes or on, or 0, false, no or off, found \"maybe\""),
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:99999", "host:port of the Runtime API, found \"127.0.0.1:99999\""),
    ] {
        let process = Process::spawn(command(runtime, &deployment, &[(name, value)]), |_| ());
        let process = process.expect("the runtime starts");
        assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(1), "{name}");
        let lines = process.lines();
        assert_eq!(lines.len(), 1, "{name}: {}", process.output());
        assert!(lines[0].text.contains(&format!("{name}: expected {words}")), "{name}: {}", process.output());
    }
}

fn an_unknown_setting_is_said_with_the_nearest_and_a_skipped_layer_at_warn(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    let port = free_port().to_string();
    let variables = [
        ("PORT", port.as_str()),
        ("FAAS_TIMOUT", "3"),
        ("FAAS_LAYERS", "absent?"),
        ("FAAS_LAYER_ABSNT", "{}"),
        // The cluster has a Service called `faas-shop` beside the pod.
        ("FAAS_SHOP_PORT", "tcp://10.96.7.1:80"),
        ("FAAS_SHOP_SERVICE_HOST", "10.96.7.1"),
    ];
    let process = Process::spawn(command(runtime, &deployment, &variables), |_| ()).expect("the runtime starts");
    start_line(&process);
    let lines: Vec<String> = process.lines().into_iter().map(|line| line.text).collect();
    let mut warnings: Vec<&str> =
        lines.iter().filter_map(|line| Some(line.split_once(" WARN - runtime: ")?.1)).collect();
    warnings.sort_unstable();
    let doubt = |name: &str, nearest: &str| {
        format!("{name} is no setting of the runtime's and changes nothing; did you mean {nearest}?")
    };
    assert_eq!(warnings.len(), 3, "{lines:?}");
    assert_eq!(warnings[0], doubt("FAAS_LAYER_ABSNT", "FAAS_LAYER_ABSENT"));
    assert_eq!(warnings[1], doubt("FAAS_TIMOUT", "FAAS_TIMEOUT"));
    assert!(warnings[2].starts_with("skipped: optional layer \"absent\": Runtime.LayerNotFound: "), "{}", warnings[2]);
    process.signal(Signal::Kill).expect("the signal is sent");
}

fn a_platform_nobody_knows_is_answered_with_all_there_are(runtime: &Runtime) {
    let deployment = Deployment::of("echo");
    let process = Process::spawn(command(runtime, &deployment, &[("FAAS_PLATFORM", "moon")]), |_| ());
    let process = process.expect("the runtime starts");
    assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(1));
    let said = process.output();
    for name in ["aws-lambda", "tencent-scf", "fn", "openwhisk", "yandex", "kubernetes", "http", "found \"moon\""] {
        assert!(said.contains(name), "{name}: {said}");
    }
}
