//! The start of a process with several functions, and its messages when it fails: over plain HTTP and on AWS.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::process::Process;
use serde_json::{Value, json};

integration::both![
    over_http_a_lazy_function_that_cannot_start_fails_alone,
    on_aws_a_lazy_function_that_cannot_start_fails_alone,
    an_eager_function_that_cannot_start_ends_the_process_and_is_named,
    all_mistakes_of_a_manifest_are_told_at_once,
    a_manifest_that_is_named_and_missing_is_one_line,
    faas_handler_makes_a_function_the_default,
    a_handler_of_the_platforms_makes_a_function_the_default_if_it_names_one,
    faas_handler_that_names_no_function_ends_the_process,
    a_configuration_that_is_nobodys_is_warned_of,
    on_aws_a_function_at_its_limit_refuses_an_event_and_the_others_answer,
];

/// Returns a process of `inspect` at `/inspect`, and `broken` at `/broken`, whose start fails.
fn with_broken(start: &str) -> Deployment {
    let deployment = Deployment::of("inspect").module("faulty");
    let manifest = json!({"version": 1, "functions": [
        {"name": "inspect", "events": [{"http": {"path": "/inspect"}}, {"timer": true}]},
        {"name": "broken", "handler": "faulty", "start": start, "environment": {"FAULTY_START": "error"},
         "events": [{"http": {"path": "/broken"}}, {"queue": true}]},
    ]});
    write(deployment, &manifest.to_string())
}

fn write(deployment: Deployment, manifest: &str) -> Deployment {
    std::fs::write(deployment.path("faas.json"), manifest).expect("a file can be made");
    deployment
}

const TIMER: &str =
    r#"{"source":"aws.events","detail-type":"Scheduled Event","resources":["arn:aws:events:r:1:rule/n"]}"#;
const QUEUE: &str = r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:q","messageId":"m"}]}"#;

/// Returns the lines at level ERROR of a process that has left with 1.
fn last_errors(process: &Process) -> Vec<String> {
    assert_eq!(process.wait(limit()).expect("it leaves").code(), Some(1), "{}", process.output());
    let lines = process.lines().into_iter().map(|line| line.text);
    lines.filter(|line| line.contains(" ERROR ")).collect()
}

/// Returns the error that AWS is told of in place of a start.
fn init_error(run: &OnAws) -> Value {
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    let reports = run.aws.init_errors();
    assert_eq!(reports.len(), 1, "{}", run.process.output());
    serde_json::from_slice(&reports[0].body).expect("JSON")
}

fn over_http_a_lazy_function_that_cannot_start_fails_alone(runtime: &Runtime) {
    let run = OnHttp::start(runtime, with_broken("lazy"), "");
    let first = run.get("/broken");
    assert!(first.status == 500 && first.text().contains("Faulty.Start"), "{} {}", first.status, first.text());
    let next = run.get("/broken");
    assert!(next.status == 503 && next.text().contains("Runtime.FunctionFenced"), "{} {}", next.status, next.text());
    assert_eq!(Inspected::read(&run.get("/inspect").body).text("function"), "inspect");
    let line = |line: &str| line.contains("Faulty.Start: asked not to start") && line.contains("function=broken");
    run.process.wait_for_line(line, limit()).expect("a line that names it");
    run.process.wait_for_line(|line| line.contains("function broken is fenced"), limit()).expect("a line of the fence");
}

fn on_aws_a_lazy_function_that_cannot_start_fails_alone(runtime: &Runtime) {
    let run = OnAws::launch(runtime, with_broken("lazy"), "", Options::default()).polling();
    for kind in ["Faulty.Start", "Runtime.FunctionFenced"] {
        let answer = run.aws.invoke(QUEUE);
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((answer.kind, &told["errorType"]), (Kind::Error, &kind.into()), "{told}");
        assert_eq!(run.inspect(TIMER).text("function"), "inspect");
    }
    run.assert_clean();
}

fn an_eager_function_that_cannot_start_ends_the_process_and_is_named(runtime: &Runtime) {
    let words = "function broken: asked not to start";
    let run = OnHttp::launch(runtime, with_broken("eager"), "");
    let errors = last_errors(&run.process);
    assert!(errors.len() == 1 && errors[0].contains(&format!("start failed: Faulty.Start: {words}")), "{errors:?}");
    let run = OnAws::launch(runtime, with_broken("eager"), "", Options::default());
    let told = init_error(&run);
    assert_eq!((&told["errorType"], &told["errorMessage"]), (&"Faulty.Start".into(), &words.into()));
}

fn all_mistakes_of_a_manifest_are_told_at_once(runtime: &Runtime) {
    const BAD: &str = r#"{"version": 1, "functions": [
        {"name": "inspect", "timout": "3s", "concurrency": 0},
        {"name": "other", "handler": "inspect", "events": [{"http": {"path": "other"}}]}]}"#;
    const MISTAKES: [&str; 3] = [
        "line 2, column 29, functions[0]: expected a key of a function, found \"timout\"; did you mean \"timeout\"?",
        "line 2, column 60, functions[0].concurrency: expected a whole number of at least 1, found 0",
        "line 3, column 78, functions[1].events[0].http.path: expected a path that begins with /, found \"other\"",
    ];
    let run = OnHttp::launch(runtime, write(Deployment::of("inspect"), BAD), "");
    let errors = last_errors(&run.process);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let run = OnAws::launch(runtime, write(Deployment::of("inspect"), BAD), "", Options::default());
    let told = init_error(&run);
    assert_eq!(told["errorType"], "Runtime.BadManifest", "{told}");
    let message = told["errorMessage"].as_str().expect("a text");
    for mistake in MISTAKES {
        assert!(errors[0].contains(mistake), "{mistake}\nis not in {}", errors[0]);
        assert!(message.contains(mistake), "{mistake}\nis not in {message}");
    }
}

fn a_manifest_that_is_named_and_missing_is_one_line(runtime: &Runtime) {
    let missing = || Deployment::of("inspect").env("FAAS_MANIFEST", "/nowhere/shop.json");
    let run = OnHttp::launch(runtime, missing(), "inspect");
    let errors = last_errors(&run.process);
    let words = "/nowhere/shop.json: No such file or directory";
    assert!(errors.len() == 1 && errors[0].contains(words), "{errors:?}");
    let run = OnAws::launch(runtime, missing(), "inspect", Options::default());
    let told = init_error(&run);
    assert!(told["errorMessage"].as_str().is_some_and(|message| message.contains(words)), "{told}");
}

/// Returns two functions of one library, of which only one has a route.
fn two() -> Deployment {
    let manifest = r#"{"version": 1, "functions": [{"name": "orders", "handler": "inspect",
        "events": [{"http": {"path": "/orders"}}]}, {"name": "pages", "handler": "inspect"}]}"#;
    write(Deployment::of("inspect"), manifest)
}

fn faas_handler_makes_a_function_the_default(runtime: &Runtime) {
    for (handler, status, function) in [("", 404, ""), ("pages", 200, "pages"), ("orders", 200, "orders")] {
        let run = OnHttp::start(runtime, two(), handler);
        assert_eq!(Inspected::read(&run.get("/orders").body).text("function"), "orders", "routes stay");
        let other = run.get("/any");
        assert_eq!(other.status, status, "{handler:?}: {}", other.text());
        assert!(status == 404 || Inspected::read(&other.body).text("function") == function, "{}", other.text());
    }
}

/// `_HANDLER` is never empty there, and often means nothing.
fn a_handler_of_the_platforms_makes_a_function_the_default_if_it_names_one(runtime: &Runtime) {
    let run = OnAws::launch(runtime, two(), "pages", Options::default()).polling();
    assert_eq!(run.inspect("[1]").text("function"), "pages");
    let run = OnAws::launch(runtime, two(), "bootstrap", Options::default()).polling();
    let answer = run.aws.invoke("[1]");
    assert!(answer.kind == Kind::Error && answer.text().contains("Runtime.NoFunction"), "{}", answer.text());
    run.assert_clean();
}

fn faas_handler_that_names_no_function_ends_the_process(runtime: &Runtime) {
    let words = "no function \"refunds\" in the manifest; it has: orders, pages";
    let run = OnHttp::launch(runtime, two(), "refunds");
    let errors = last_errors(&run.process);
    assert!(errors.len() == 1 && errors[0].contains(words), "{errors:?}");
    let run = OnAws::launch(runtime, two().env("FAAS_HANDLER", "refunds"), "bootstrap", Options::default());
    let told = init_error(&run);
    assert_eq!((&told["errorType"], &told["errorMessage"]), (&"Runtime.NoSuchFunction".into(), &words.into()));
}

fn a_configuration_that_is_nobodys_is_warned_of(runtime: &Runtime) {
    let run = OnHttp::start(runtime, two().env("FAAS_CONFIG", r#"{"word": "w"}"#), "");
    assert!(Inspected::read(&run.get("/orders").body).0.get("word").is_none());
    let warned = |line: &str| line.contains(" WARN ") && line.contains("FAAS_CONFIG means nothing beside a manifest");
    run.process.wait_for_line(warned, limit()).expect("a line");
}

/// The instance is one that has several events at once.
fn on_aws_a_function_at_its_limit_refuses_an_event_and_the_others_answer(runtime: &Runtime) {
    let manifest = r#"{"version": 1, "functions": [
        {"name": "holds", "handler": "probe.hold", "concurrency": 1, "events": [{"raw": true}]},
        {"name": "inspect", "events": [{"timer": true}]}, {"name": "faulty", "events": [{"queue": true}]}]}"#;
    let deployment = write(Deployment::of("probe").module("inspect").module("faulty"), manifest);
    let options = Options { timeout: limit(), max_concurrency: Some(4), ..Options::default() };
    let run = OnAws::launch(runtime, deployment, "", options).polling();
    let path = run.deployment.path("go");
    let held = run.aws.submit(path.display().to_string().as_str());
    run.process.wait_for_line(|line| line == "holding", limit()).expect("it runs");
    run.aws.wait_for(|now| now.parked == 3, limit()).expect("the other polls are there, one for each event below");
    let busy = run.aws.invoke("another");
    assert!(busy.kind == Kind::Error && busy.text().contains("Runtime.FunctionBusy"), "{}", busy.text());
    assert_eq!(run.inspect(TIMER).text("function"), "inspect");
    assert_eq!(run.call(QUEUE).text(), "\"fine\"");
    std::fs::write(path, "").expect("it is let go");
    assert_eq!(held.wait().text(), "let go");
    run.assert_clean();
}
