//! The lines the layer writes, through its real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, Event, Layer, Phase, abi, function, layer};
use layer_span::Span;

#[function]
fn subject(event: Event) -> Result<String, Error> {
    if &*event == b"fail" { Err(Error::new("Stock.Empty", "none left")) } else { Ok("made".to_owned()) }
}

fn app() -> App {
    app_with(r#"{"span":"inner","depth":1}"#)
}

/// Returns an app with a span around all, and one of that configuration inside of it.
fn app_with(inner: &str) -> App {
    let app = App::builder().configured(Span::MODULE, r#"{"span":"outer"}"#).configured(Span::MODULE, inner);
    app.module(subject::MODULE).start().expect("starts")
}

type Lines = Vec<serde_json::Value>;

/// Returns the lines of invocations, or those of phases.
fn lines(app: &App, is_of_phases: bool) -> Lines {
    let all = app.emitted();
    let all = all.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON"));
    all.filter(|line| line["phase"].is_string() == is_of_phases).collect()
}

fn time(line: &serde_json::Value, key: &str) -> u64 {
    line[key].as_u64().expect("a time")
}

#[test]
fn each_span_is_a_line_and_the_inner_one_lies_within_the_outer_one() {
    let app = app();
    app.invoke(Invoke::event("x"));
    let lines = lines(&app, false);
    assert_eq!((&lines[0]["span"], &lines[0]["depth"]), (&"inner".into(), &1.into()), "{lines:?}");
    assert_eq!((&lines[1]["span"], &lines[1]["depth"]), (&"outer".into(), &0.into()), "{lines:?}");
    assert_eq!(lines.len(), 2);
    assert!(time(&lines[1], "from_us") <= time(&lines[0], "from_us"), "{lines:?}");
    assert!(time(&lines[0], "from_us") <= time(&lines[0], "to_us"), "{lines:?}");
    assert!(time(&lines[0], "to_us") <= time(&lines[1], "to_us"), "{lines:?}");
    assert_eq!((&lines[0]["outcome"], &lines[0]["cold_start"]), (&"ok".into(), &true.into()));
}

#[test]
fn each_phase_has_a_line_of_each_span() {
    let app = app();
    app.run_phase(abi::CLOSE).expect("closes");
    let lines = lines(&app, true);
    let told: Vec<_> = lines.iter().map(|line| (line["phase"].as_str(), line["span"].as_str())).collect();
    let both = |phase| [(Some(phase), Some("inner")), (Some(phase), Some("outer"))];
    assert_eq!(told, ["RuntimeStart", "FunctionStart", "Close"].map(both).concat());
    let functions: Vec<_> = lines.iter().map(|line| line.get("function").and_then(|name| name.as_str())).collect();
    assert_eq!(functions, [None, None, Some("subject"), Some("subject"), None, None]);
    assert!(lines.iter().all(|line| line["outcome"] == "ok" && time(line, "from_us") <= time(line, "to_us")));
}

#[test]
fn what_stands_around_one_function_has_its_phases_with_it_and_the_function_itself_starts_with_no_runtime() {
    let phases = |inner: &str| -> Vec<(String, Option<String>)> {
        let app = app_with(inner);
        app.run_phase(abi::CLOSE).expect("closes");
        let inner = lines(&app, true).into_iter().filter(|line| line["depth"] == 1);
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        inner.map(|line| (text(&line["phase"]).expect("a phase"), text(&line["function"]))).collect()
    };
    let named = |phase: &str| (phase.to_owned(), Some("subject".to_owned()));
    let layer = phases(r#"{"span":"subject","depth":1,"of":"subject"}"#);
    assert_eq!(layer, ["RuntimeStart", "FunctionStart", "Close"].map(named));
    let function = phases(r#"{"span":"subject","depth":1,"of":"subject","function":true}"#);
    assert_eq!(function, ["FunctionStart", "Close"].map(named));
}

/// Fails when the process ends.
#[derive(Default)]
struct Forgets;

#[layer(name = "forgets")]
impl Layer for Forgets {
    fn before_close(&self, _: &mut Phase<'_>) -> Result<(), Error> {
        Err(Error::new("Stock.Lost", "not counted"))
    }
}

#[test]
fn a_phase_that_fails_is_named_by_every_span_that_the_failure_passes() {
    let app = App::builder().configured(Span::MODULE, r#"{"span":"outer"}"#);
    let app = app.configured(Span::MODULE, r#"{"span":"forgets","depth":1}"#).module(Forgets::MODULE);
    let app = app.module(subject::MODULE).start().expect("starts");
    assert!(app.run_phase(abi::CLOSE).is_err());
    let closes = lines(&app, true).into_iter().filter(|line| line["phase"] == "Close");
    let outcomes: Vec<_> = closes.map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["Stock.Lost", "Stock.Lost"]);
}

#[test]
fn a_failure_is_named_by_every_span_that_it_passes() {
    let app = app();
    app.invoke(Invoke::event("fail"));
    let outcomes: Vec<_> = lines(&app, false).iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["Stock.Empty", "Stock.Empty"]);
}

#[test]
fn without_a_name_it_does_not_start() {
    let failed = App::builder().configured(Span::MODULE, r#"{"depth":1}"#).module(subject::MODULE).start();
    assert!(failed.err().is_some_and(|why| why.contains(r#"{"span":"auth","depth":0}"#)));
}
