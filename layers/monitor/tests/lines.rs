//! The lines the layer writes, through its real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke, sample};
use handlers_sdk::{Error, Event, Response, abi, function};
use layer_monitor::Monitor;

#[function]
fn subject(event: Event) -> Result<Response, Error> {
    match &*event {
        b"fail" => Err(Error::new("Stock.Empty", "none left")),
        b"panic" => panic!("on purpose"),
        b"broken" => Ok(Response::new(503)),
        _ => Ok(Response::new(201).body("made")),
    }
}

fn app() -> App {
    App::builder().module(Monitor::MODULE).module(subject::MODULE).start().expect("starts")
}

fn lines(app: &App) -> Vec<serde_json::Value> {
    app.emitted().iter().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn each_invocation_is_one_line_without_its_body() {
    let app = app();
    app.invoke(Invoke::event("secret body"));
    let lines = lines(&app);
    let invocations: Vec<_> = lines.iter().filter(|line| line["faas"] == "invocation").collect();
    assert_eq!(invocations.len(), 1, "{lines:?}");
    let line = invocations[0];
    assert_eq!((&line["outcome"], &line["status"]), (&"ok".into(), &201.into()));
    assert_eq!(line["reply_bytes"], 4);
    assert!(line["us"].is_u64() && line["rss_kib"].as_u64() > Some(0), "{line}");
    assert!(!line.to_string().contains("secret body"));
}

#[test]
fn errors_and_panics_are_told_apart_and_named() {
    let app = app();
    app.invoke(Invoke::event("fail"));
    app.invoke(Invoke::event("panic"));
    let outcomes: Vec<_> = lines(&app)
        .into_iter()
        .filter(|line| line["faas"] == "invocation")
        .map(|line| (line["outcome"].as_str().unwrap().to_owned(), line["error"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(outcomes[0], ("error".to_owned(), "Stock.Empty".to_owned()));
    assert_eq!(outcomes[1].0, "panic");
}

#[test]
fn every_phase_is_one_line() {
    let app = app();
    app.run_phase(abi::RUNTIME_START).expect("starts");
    app.run_phase(abi::FUNCTION_START).expect("starts");
    app.run_phase(abi::CLOSE).expect("closes");
    let lines = lines(&app);
    for phase in ["RuntimeStart", "FunctionStart", "Close"] {
        assert!(lines.iter().any(|line| line["faas"] == "phase" && line["phase"] == phase), "{phase}: {lines:?}");
    }
}

#[test]
fn a_line_tells_trigger_path_and_trace_and_no_query() {
    let app = App::builder().module(Monitor::MODULE).module(subject::MODULE);
    let app = app.on("http").route("GET", "/orders/{id}", "subject").start().expect("starts");
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    app.invoke(Invoke::http("GET", "/orders/7?token=secret").header("traceparent", trace));
    let lines = lines(&app);
    let line = lines.iter().find(|line| line["faas"] == "invocation").expect("a line");
    for (member, expected) in [
        ("trigger", "http"),
        ("method", "GET"),
        ("path", "/orders/7"),
        ("route", "/orders/{id}"),
        ("traceId", "4bf92f3577b34da6a3ce929d0e0e4736"),
    ] {
        assert_eq!(line[member], expected, "{line}");
    }
    assert!(!line.to_string().contains("secret"), "{line}");
}

#[test]
fn a_trace_of_x_ray_is_told_as_its_console_has_it() {
    let app = app();
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    app.invoke(Invoke::event("fine").meta(abi::META_TRACE, trace));
    let line = lines(&app).into_iter().find(|line| line["faas"] == "invocation").expect("a line");
    assert_eq!(line["traceId"], "1-5759e988-bd862e3fe1be46a994272793");
}

#[test]
fn an_event_of_lambda_is_read_on_demand() {
    const LAMBDA: (&str, &str) = ("aws-lambda", "aws/s3");
    const OTHER: (&str, &str) = ("aliyun-fc", "aliyun/oss");
    for (setting, (platform, event), expected) in
        [("", LAMBDA, false), ("on", LAMBDA, true), ("", OTHER, true), ("off", OTHER, false)]
    {
        let app = App::builder().module(Monitor::MODULE).module(subject::MODULE).config("FAAS_MONITOR_EVENT", setting);
        let app = app.on(platform).start().expect("starts");
        app.invoke(sample(event));
        let lines = lines(&app);
        let line = lines.iter().find(|line| line["faas"] == "invocation").expect("a line");
        assert_eq!(line["trigger"].as_str(), expected.then_some("storage"), "{setting:?} on {platform}");
    }
}

#[test]
fn of_what_goes_well_a_share_has_a_line_and_failures_always_do() {
    let app = App::builder().module(Monitor::MODULE).module(subject::MODULE).config("FAAS_MONITOR_SAMPLE", "0.25");
    let app = app.start().expect("starts");
    for _ in 0..8 {
        app.invoke(Invoke::event("fine"));
        app.invoke(Invoke::event("fail"));
        app.invoke(Invoke::http("GET", "/").body("broken"));
    }
    let lines = lines(&app);
    let count =
        |word: &str| lines.iter().filter(|line| line["faas"] == "invocation" && line["outcome"] == word).count();
    assert_eq!((count("ok"), count("error")), (2, 16));
}

#[test]
fn of_what_goes_well_only_what_was_slow_has_a_line() {
    let app = App::builder().module(Monitor::MODULE).module(subject::MODULE).config("FAAS_MONITOR_SLOW_MS", "60000");
    let app = app.start().expect("starts");
    app.invoke(Invoke::event("fine"));
    app.invoke(Invoke::event("panic"));
    let outcomes: Vec<_> =
        lines(&app).into_iter().filter_map(|line| line["outcome"].as_str().map(str::to_owned)).collect();
    assert_eq!(outcomes.last().map(String::as_str), Some("panic"));
    assert_eq!(lines(&app).iter().filter(|line| line["faas"] == "invocation").count(), 1);
}

#[test]
fn a_share_that_does_not_fit_ends_the_start() {
    for (variable, value) in [
        ("FAAS_MONITOR_SAMPLE", "1.5"),
        ("FAAS_MONITOR_SAMPLE", "half"),
        ("FAAS_MONITOR_SLOW_MS", "-1"),
        ("FAAS_MONITOR_EVENT", "maybe"),
    ] {
        let app = App::builder().module(Monitor::MODULE).module(subject::MODULE).config(variable, value);
        let why = app.start().expect_err("it does not fit");
        assert!(why.contains(&format!("{variable}: expected ")) && why.contains(value), "{why}");
    }
}
