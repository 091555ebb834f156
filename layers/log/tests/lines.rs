//! The lines the layer writes, through its real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke, sample};
use handlers_sdk::{Error, FaasContext, HttpView, Response, abi, function};
use layer_log::Log;
use serde_json::{Value, json};

#[function]
fn shop(ctx: FaasContext) -> Result<Response, Error> {
    match ctx.http().map_or("", HttpView::path) {
        "/fails" => Err(Error::new("Shop.Closed", "closed: secret words")),
        "/panics" => panic!("on purpose"),
        "/busy" => Ok(Response::new(503)),
        "/missing" => Ok(Response::new(404)),
        _ => Ok(Response::text(r#"{"token":"t","n":1}"#).header("x-reply", "r")),
    }
}

fn app(config: &str) -> App {
    App::builder().configured(Log::MODULE, config).module(shop::MODULE).start().expect("starts")
}

fn lines(app: &App) -> Vec<Value> {
    app.emitted().iter().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

fn only(app: &App) -> Value {
    let mut lines = lines(app);
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.remove(0)
}

#[test]
fn an_invocation_is_one_line_with_the_keys_of_powertools() {
    let app = app(r#"{"service":"shop"}"#);
    let trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    let call = Invoke::event("{}").meta(abi::META_TRACE, trace).meta(abi::META_INVOKED_AS, "arn:aws:lambda:x");
    app.invoke(call.on("aws-lambda"));
    let line = only(&app);
    for (key, value) in [
        ("level", json!("INFO")),
        ("message", json!("raw ok")),
        ("service", json!("shop")),
        ("cold_start", json!(true)),
        ("function_name", json!("shop")),
        ("function_arn", json!("arn:aws:lambda:x")),
        ("function_request_id", json!("test-request")),
        ("xray_trace_id", json!("1-5759e988-bd862e3fe1be46a994272793")),
    ] {
        assert_eq!(line[key], value, "{key}: {line}");
    }
    let time = line["timestamp"].as_str().expect("a text");
    assert_eq!((time.len(), &time[10..11], &time[19..20], &time[23..]), (24, "T", ".", "Z"), "{time}");
    assert!(line["duration_ms"].is_f64() && line["http"].is_null() && line["sampling_rate"].is_null(), "{line}");
}

#[test]
fn a_request_is_told_without_what_nobody_asked_for() {
    let app = app("{}");
    app.invoke(Invoke::http("POST", "/orders?token=q").header("Authorization", "Bearer b").body(r#"{"password":"p"}"#));
    let line = only(&app);
    assert_eq!((&line["message"], &line["http"]["status"]), (&json!("POST /orders 200"), &json!(200)));
    assert_eq!(line["http"], json!({"method": "POST", "path": "/orders", "status": 200}));
}

#[test]
fn what_is_asked_for_is_told_and_secrets_in_it_are_not() {
    let app = app(
        r#"{"query":true,"headers":["Authorization","X-Mail"],"replyHeaders":["x-reply"],"requestBody":100,"replyBody":100,
            "fields":{"team":"a","n":[1]},"redactKeys":["pin"],"redactPatterns":["*@*.*"]}"#,
    );
    let call =
        Invoke::http("POST", "/?pin=1&page=2").header("Authorization", "Bearer b").header("X-Mail", "ann@a.example");
    app.invoke(call.body(r#"{"pin":{"a":1},"who":"ann@a.example"}"#));
    let line = only(&app);
    let http = json!({"method": "POST", "path": "/", "status": 200, "query": "pin=*****&page=2",
        "headers": {"Authorization": "*****", "X-Mail": "*****"}, "reply_headers": {"x-reply": "r"},
        "body": {"pin": "*****", "who": "*****"}, "reply_body": {"token": "*****", "n": 1}});
    assert_eq!(line["http"], http, "{line}");
    assert_eq!((&line["team"], &line["n"]), (&json!("a"), &json!([1])));
}

#[test]
fn how_it_ended_is_the_level_and_the_words_of_a_failure_are_not_told() {
    let app = app("{}");
    for path in ["/fails", "/panics", "/busy", "/missing"] {
        app.invoke(Invoke::http("GET", path));
    }
    let ended: Vec<_> =
        lines(&app).iter().map(|line| [&line["level"], &line["outcome"], &line["error"]].map(Clone::clone)).collect();
    assert_eq!(
        ended,
        [
            [json!("ERROR"), json!("error"), json!("Shop.Closed")],
            [json!("ERROR"), json!("panic"), json!("Panic")],
            [json!("ERROR"), json!("error"), json!(null)],
            [json!("WARN"), json!("refused"), json!(null)],
        ]
    );
    assert!(!app.emitted().concat().contains("secret words"));
}

#[test]
fn of_what_goes_well_a_share_is_told_and_failures_always_are() {
    let app = app(r#"{"sampleRate":0.25}"#);
    for _ in 0..8 {
        app.invoke(Invoke::http("GET", "/"));
        app.invoke(Invoke::http("GET", "/fails"));
    }
    let lines = lines(&app);
    let count = |outcome: &str| lines.iter().filter(|line| line["outcome"] == outcome).count();
    assert_eq!((count("ok"), count("error"), &lines[0]["sampling_rate"]), (2, 8, &json!(0.25)));
}

#[function]
fn correlated(ctx: FaasContext) -> String {
    ctx.extension("correlation_id").unwrap_or("none").to_owned()
}

#[test]
fn an_id_that_calls_have_in_common_is_told_and_handed_on() {
    let app =
        App::builder().configured(Log::MODULE, r#"{"correlationId":["header:x-order","/detail/instance-id","/id"]}"#);
    let app = app.module(correlated::MODULE).start().expect("starts");
    assert_eq!(app.invoke(Invoke::http("GET", "/").header("X-Order", "o-1")).text(), "o-1");
    let of_event = app.invoke(sample("aws/eventbridge")).text();
    assert_ne!(of_event, "none");
    let ids: Vec<_> = lines(&app).iter().map(|line| line["correlation_id"].clone()).collect();
    assert_eq!(ids, [json!("o-1"), json!(of_event)]);
}

#[test]
fn google_reads_the_level_under_another_name() {
    let app =
        App::builder().configured(Log::MODULE, "{}").module(shop::MODULE).on("google-cloud").start().expect("starts");
    app.invoke(Invoke::http("GET", "/"));
    assert_eq!((&only(&app)["severity"], &only(&app)["level"]), (&json!("INFO"), &Value::Null));
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        (r#"{"sampleRate":2}"#, "sampleRate: invalid value: integer `2`, expected a share from 0 to 1"),
        (r#"{"correlationId":["x-order"]}"#, r#"correlationId[0]: expected header:<name>, or a JSON pointer"#),
        (r#"{"fields":{"level":"x"}}"#, "fields.level: expected a name that the line has not yet"),
        (r#"{"redactPatterns":["**"]}"#, r#"redactPatterns[0]: expected a pattern such as sk_*, found "**""#),
        (r#"{"requestBody":-1}"#, "requestBody: invalid value: integer `-1`"),
        (r#"{"sample":1}"#, "unknown field `sample`"),
    ] {
        let app = App::builder().configured(Log::MODULE, config).module(shop::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
}
