//! The lines the layer writes, through its real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, Event, function};
use layer_span::Span;

#[function]
fn subject(event: Event) -> Result<String, Error> {
    if &*event == b"fail" { Err(Error::new("Stock.Empty", "none left")) } else { Ok("made".to_owned()) }
}

fn app() -> App {
    let app = App::builder().configured(Span::MODULE, r#"{"span":"outer"}"#);
    let app = app.configured(Span::MODULE, r#"{"span":"inner","depth":1}"#);
    app.module(subject::MODULE).start().expect("starts")
}

fn lines(app: &App) -> Vec<serde_json::Value> {
    app.emitted().iter().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn each_span_is_a_line_and_the_inner_one_lies_within_the_outer_one() {
    let app = app();
    app.invoke(Invoke::event("x"));
    let lines = lines(&app);
    assert_eq!((&lines[0]["span"], &lines[0]["depth"]), (&"inner".into(), &1.into()), "{lines:?}");
    assert_eq!((&lines[1]["span"], &lines[1]["depth"]), (&"outer".into(), &0.into()), "{lines:?}");
    assert_eq!(lines.len(), 2);
    let time = |line: usize, key: &str| lines[line][key].as_u64().expect("a time");
    assert!(time(1, "from_us") <= time(0, "from_us") && time(0, "from_us") <= time(0, "to_us"), "{lines:?}");
    assert!(time(0, "to_us") <= time(1, "to_us"), "{lines:?}");
    assert_eq!(lines[0]["outcome"], "ok");
}

#[test]
fn a_failure_is_named_by_every_span_that_it_passes() {
    let app = app();
    app.invoke(Invoke::event("fail"));
    let outcomes: Vec<_> = lines(&app).iter().map(|line| line["outcome"].clone()).collect();
    assert_eq!(outcomes, ["Stock.Empty", "Stock.Empty"]);
}

#[test]
fn without_a_name_it_does_not_start() {
    let failed = App::builder().configured(Span::MODULE, r#"{"depth":1}"#).module(subject::MODULE).start();
    assert!(failed.err().is_some_and(|why| why.contains(r#"{"span":"auth","depth":0}"#)));
}
