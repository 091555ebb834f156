//! The lines the layer writes, through its real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, Event, Response, abi, function};
use layer_monitor::Monitor;

#[function]
fn subject(event: Event) -> Result<Response, Error> {
    match &*event {
        b"fail" => Err(Error::new("Stock.Empty", "none left")),
        b"panic" => panic!("on purpose"),
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
