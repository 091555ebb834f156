//! Both formats, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, Event, function};
use layer_metrics::Metrics;

#[function]
fn subject(event: Event) -> Result<Event, Error> {
    if &*event == b"fail" { Err(Error::new("Stock.Empty", "none left")) } else { Ok(event) }
}

fn app(platform: &str) -> App {
    App::builder().module(Metrics::MODULE).module(subject::MODULE).on(platform).start().expect("starts")
}

#[test]
fn on_lambda_each_invocation_writes_a_document_in_the_embedded_metric_format() {
    let app = app("aws-lambda");
    app.invoke(Invoke::event("ok"));
    app.invoke(Invoke::event("fail"));
    let documents: Vec<serde_json::Value> =
        app.emitted().iter().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(documents.len(), 2);
    for (document, errors) in documents.iter().zip([0, 1]) {
        assert!(document["FunctionName"].is_string());
        assert_eq!(document["Errors"], errors);
        let directive = &document["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "runtime-engine");
        assert!(document["_aws"]["Timestamp"].as_u64() > Some(1_600_000_000_000));
        // Every metric and dimension that is announced is a member of the document.
        for metric in directive["Metrics"].as_array().expect("a list") {
            assert!(document[metric["Name"].as_str().expect("a name")].is_u64(), "{metric}");
        }
        assert_eq!(directive["Dimensions"], serde_json::json!([["FunctionName"]]));
    }
}

#[test]
fn over_http_the_metrics_path_is_answered_in_the_functions_place() {
    let app = app("http");
    app.invoke(Invoke::http("GET", "/hello"));
    let answer = app.invoke(Invoke::http("GET", "/metrics"));
    assert_eq!(answer.status(), 200);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    assert!(answer.text().contains("faas_invocations_total{outcome=\"ok\"} 1\n"), "{}", answer.text());
    assert!(app.emitted().is_empty(), "no documents where logs are not CloudWatch's");
}
