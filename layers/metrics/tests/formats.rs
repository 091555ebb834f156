//! Both formats, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Builder, Invoke};
use handlers_sdk::{Error, FaasContext, Response, abi, function};
use layer_metrics::Metrics;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

#[function]
fn subject(event: Vec<u8>, ctx: FaasContext) -> Result<Response, Error> {
    let telemetry = ctx.telemetry().ok_or_else(|| Error::msg("expected a provider"))?;
    match event.as_slice() {
        b"fail" => Err(Error::new("Stock.Empty", "none left")),
        b"panic" => panic!("on purpose"),
        b"missing" => Ok(Response::new(404)),
        b"broken" => Ok(Response::new(503)),
        b"report" => {
            telemetry.counter("orders_total", 2.0, &[("shop", "vienna")]);
            telemetry.counter("orders_total", -1.0, &[("shop", "vienna")]);
            telemetry.counter("orders_total", 1.0, &[("shop", "graz")]);
            telemetry.gauge("queue.length", 7.0, &[]);
            telemetry.histogram("payment_seconds", 0.02, &[("shop", "vienna")]);
            telemetry.histogram("payment_seconds", 0.04, &[("shop", "vienna")]);
            // These are a name of the layer's own, one that is no name, and one of another kind.
            telemetry.counter("faas_invocations_total", 1.0, &[]);
            telemetry.counter("no name", 1.0, &[]);
            telemetry.gauge("orders_total", 1.0, &[]);
            Ok(Response::new(200))
        }
        many if many.starts_with(b"many") => {
            for number in 0..10 {
                telemetry.counter("many_total", 1.0, &[("number", &number.to_string())]);
            }
            Ok(Response::new(200))
        }
        _ => Ok(Response::new(200)),
    }
}

fn builder() -> Builder {
    App::builder().module(Metrics::MODULE).module(subject::MODULE)
}

fn over_http(target: &str) -> Invoke {
    Invoke::http("GET", target).on("http")
}

/// Returns an app whose function has a route.
fn routed_app() -> Builder {
    builder().route("GET", "/orders/{id}", "subject")
}

fn routed(event: &str) -> Invoke {
    over_http("/orders/7").body(event)
}

/// Returns an app on AWS Lambda: the layer asks once which platform it is on.
fn lambda() -> Builder {
    builder().on("aws-lambda")
}

fn documents(app: &App) -> Vec<serde_json::Value> {
    app.emitted().iter().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Checks that every metric and dimension that a document announces is a member of it.
fn is_whole(document: &serde_json::Value) {
    let directive = &document["_aws"]["CloudWatchMetrics"][0];
    for metric in directive["Metrics"].as_array().expect("a list") {
        let value = &document[metric["Name"].as_str().expect("a name")];
        assert!(value.is_number() || value.is_array(), "{metric} in {document}");
    }
    for name in directive["Dimensions"].as_array().expect("sets").iter().flat_map(|set| set.as_array().expect("a set"))
    {
        assert!(document[name.as_str().expect("a name")].is_string(), "{name} in {document}");
    }
    assert!(document["_aws"]["Timestamp"].as_u64() > Some(1_600_000_000_000));
}

#[test]
fn on_lambda_each_invocation_writes_a_document_in_the_embedded_metric_format() {
    let app = lambda().start().expect("starts");
    for event in ["ok", "missing", "broken", "fail", "panic"] {
        app.invoke(Invoke::event(event));
    }
    let documents = documents(&app);
    let seen: Vec<(u64, &str)> = documents
        .iter()
        .map(|document| {
            is_whole(document);
            assert_eq!(document["_aws"]["CloudWatchMetrics"][0]["Dimensions"], serde_json::json!([["FunctionName"]]));
            assert_eq!(document["FunctionName"], "subject");
            (document["Errors"].as_u64().expect("a number"), document["outcome"].as_str().expect("a text"))
        })
        .collect();
    assert_eq!(seen, [(0, "ok"), (0, "refused"), (1, "error"), (1, "error"), (1, "panic")]);
}

#[test]
fn dimensions_are_configured_and_the_trace_is_a_member() {
    let app = routed_app()
        .on("aws-lambda")
        .config("FAAS_METRICS_DIMENSIONS", "FunctionName;FunctionName,Route,StatusClass")
        .config("FAAS_METRICS_NAMESPACE", "shop")
        .start()
        .expect("starts");
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    app.invoke(Invoke::http("GET", "/orders/7").body("broken"));
    app.invoke(Invoke::event("ok").meta(abi::META_TRACE, trace));
    let documents = documents(&app);
    documents.iter().for_each(is_whole);
    let [http, event] = &documents[..] else { panic!("{documents:?}") };
    assert_eq!((&http["Route"], &http["StatusClass"]), (&"/orders/{id}".into(), &"5xx".into()));
    assert_eq!(
        (&http["traceId"], &event["traceId"]),
        (&serde_json::Value::Null, &"1-5759e988-bd862e3fe1be46a994272793".into())
    );
    assert_eq!(http["_aws"]["CloudWatchMetrics"][0]["Namespace"], "shop");
    assert_eq!((&event["Route"], &event["StatusClass"]), (&"none".into(), &"none".into()));
}

#[test]
fn own_metrics_are_documents_with_their_labels_as_dimensions() {
    let app = lambda().start().expect("starts");
    app.invoke(Invoke::event("report"));
    let own: Vec<_> = documents(&app).into_iter().filter(|document| document["Invocations"].is_null()).collect();
    own.iter().for_each(is_whole);
    let vienna = own.iter().find(|document| document["shop"] == "vienna").expect("a document of its own");
    assert_eq!((&vienna["orders_total"], &vienna["payment_seconds"]), (&2.into(), &serde_json::json!([0.02, 0.04])));
    assert_eq!(vienna["_aws"]["CloudWatchMetrics"][0]["Dimensions"], serde_json::json!([["shop"]]));
    let units = &vienna["_aws"]["CloudWatchMetrics"][0]["Metrics"];
    assert_eq!((&units[0]["Unit"], &units[1]["Unit"]), (&"Count".into(), &"Seconds".into()));
}

#[test]
fn over_http_the_metrics_path_is_answered_in_the_functions_place() {
    let app = routed_app().start().expect("starts");
    for event in ["ok", "ok", "missing", "fail"] {
        app.invoke(routed(event));
    }
    let answer = app.invoke(over_http("/metrics"));
    assert_eq!(answer.status(), 200);
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain; version=0.0.4")));
    let series = |status: &str, outcome: &str| {
        format!(
            "function=\"subject\",trigger=\"http\",route=\"/orders/{{id}}\",method=\"GET\",status=\"{status}\",outcome=\"{outcome}\""
        )
    };
    for (labels, count) in [(series("2xx", "ok"), 2), (series("4xx", "refused"), 1), (series("5xx", "error"), 1)] {
        for line in [
            format!("faas_invocations_total{{{labels}}} {count}"),
            format!("faas_invocation_duration_seconds_bucket{{{labels},le=\"+Inf\"}} {count}"),
        ] {
            assert!(answer.text().lines().any(|other| other == line), "{line} is not in\n{}", answer.text());
        }
    }
    assert!(answer.text().contains("\nfaas_invocations_in_flight 0\n"), "{}", answer.text());
    assert!(app.emitted().is_empty(), "no documents where logs are not CloudWatch's");
}

#[test]
fn own_metrics_are_on_the_page_with_the_configured_buckets() {
    let app = builder().config("FAAS_METRICS_BUCKETS", "0.03,0.3").start().expect("starts");
    app.invoke(routed("report"));
    let page = app.invoke(over_http("/metrics")).text();
    for line in [
        "# TYPE orders_total counter",
        "orders_total{shop=\"vienna\"} 2",
        "orders_total{shop=\"graz\"} 1",
        "queue_length 7",
        "payment_seconds_bucket{shop=\"vienna\",le=\"0.03\"} 1",
        "payment_seconds_bucket{shop=\"vienna\",le=\"0.3\"} 2",
        "payment_seconds_count{shop=\"vienna\"} 2",
    ] {
        assert!(page.lines().any(|other| other == line), "{line} is not in\n{page}");
    }
    assert!(!page.contains("no name") && !page.contains("\nfaas_invocations_total 1"), "{page}");
}

#[test]
fn there_is_an_end_to_series_and_it_is_said_once() {
    let paths: Vec<String> = (0..10).map(|number| format!("/{number}")).collect();
    let builder = paths.iter().fold(routed_app(), |builder, path| builder.route("GET", path, "subject"));
    let app = builder.config("FAAS_METRICS_SERIES", "3").start().expect("starts");
    app.invoke(routed("many"));
    app.invoke(routed("many again"));
    for path in &paths {
        app.invoke(over_http(path).body("ok"));
    }
    let page = app.invoke(over_http("/metrics")).text();
    assert!(page.contains("many_total{series=\"other\"} 14\n"), "{page}");
    assert_eq!(page.lines().filter(|line| line.starts_with("many_total{")).count(), 4, "{page}");
    assert_eq!(page.lines().filter(|line| line.starts_with("faas_invocations_total{")).count(), 4, "{page}");
    let warnings: Vec<String> =
        app.logs().into_iter().filter(|line| line.level == 2).map(|line| line.message).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("own metrics") && warnings[1].contains("invocations"), "{warnings:?}");
}

fn ask(address: SocketAddr, request: &str) -> String {
    let mut client = TcpStream::connect(address).expect("it listens");
    client.write_all(request.as_bytes()).expect("it takes it");
    let mut answer = String::new();
    client.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

#[test]
fn on_a_port_of_its_own_the_path_stays_the_functions() {
    let app = builder().config("FAAS_METRICS_LISTEN", "127.0.0.1:0").start().expect("starts");
    let said = app.logs().into_iter().find_map(|line| {
        let address = line.message.strip_prefix("metrics on http://")?.strip_suffix("/metrics")?.to_owned();
        Some(address)
    });
    let address: SocketAddr = said.expect("it says where").parse().expect("an address");
    let answer = app.invoke(over_http("/metrics"));
    assert_eq!((answer.status(), answer.text().as_str()), (200, ""), "the function has answered");
    // A client that goes away without a word costs the others nothing.
    drop(TcpStream::connect(address).expect("it listens"));
    let page = ask(address, "GET /metrics?x=1 HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("faas_invocations_total{"), "{page}");
    assert!(ask(address, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(ask(address, "POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    let head = ask(address, "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 ") && head.ends_with("\r\n\r\n"), "{head}");
    app.close();
    assert!(TcpStream::connect(address).is_err(), "the port is closed with the layer");
}

#[test]
fn a_second_instance_counts_and_leaves_own_metrics_to_the_first() {
    let app = App::builder().module(Metrics::MODULE).module(Metrics::MODULE).module(subject::MODULE).start();
    let app = app.expect("both start");
    assert!(app.logs().iter().any(|line| line.message.starts_with("own metrics are gathered elsewhere: ")));
    app.invoke(routed("report"));
    assert!(app.invoke(over_http("/metrics")).text().contains("orders_total{shop=\"vienna\"} 2"));
}

#[test]
fn what_does_not_fit_ends_the_start_with_the_variable_that_says_it() {
    for (variable, value) in [
        ("FAAS_METRICS_DIMENSIONS", "Path"),
        ("FAAS_METRICS_BUCKETS", "1,0.5"),
        ("FAAS_METRICS_LISTEN", "here"),
        ("FAAS_METRICS_SERIES", "0"),
    ] {
        let why = builder().config(variable, value).start().expect_err("it does not fit");
        assert!(why.contains(&format!("{variable}: expected ")) && why.contains(value), "{why}");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("it has one").to_string();
    let why = builder().config("FAAS_METRICS_LISTEN", &address).start().expect_err("it is taken");
    assert!(why.contains(&format!("FAAS_METRICS_LISTEN: cannot listen on {address}")), "{why}");
}
