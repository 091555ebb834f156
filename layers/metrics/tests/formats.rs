//! Both formats, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke};
use handlers_sdk::{Error, Event, abi, function};
use layer_metrics::Metrics;

#[function]
fn subject(event: Event) -> Result<Event, Error> {
    if &*event == b"fail" { Err(Error::new("Stock.Empty", "none left")) } else { Ok(event) }
}

fn app() -> App {
    App::builder().module(Metrics::MODULE).module(subject::MODULE).start().expect("starts")
}

#[test]
fn on_lambda_each_invocation_writes_a_document_in_the_embedded_metric_format() {
    let app = app();
    let on_lambda = |body: &str| Invoke::event(body).meta(abi::META_PLATFORM, "aws-lambda");
    app.invoke(on_lambda("ok"));
    app.invoke(on_lambda("fail"));
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
    let app = app();
    let over_http =
        |target: &str| Invoke::http("GET", target).meta(abi::META_PLATFORM, "http").meta(abi::META_SOURCE, "http");
    app.invoke(over_http("/hello"));
    let answer = app.invoke(over_http("/metrics"));
    assert_eq!(answer.status(), 200);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    assert!(answer.text().contains("faas_invocations_total{outcome=\"ok\"} 1\n"), "{}", answer.text());
    assert!(app.emitted().is_empty(), "no documents where logs are not CloudWatch's");
}
