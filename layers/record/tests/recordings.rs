//! The recordings that are written, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{App, Invoke, sample};
use handlers_sdk::{Error, Event, FaasContext, Response, function};
use layer_record::Record;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use tempfile::TempDir;

#[function]
fn shop(ctx: FaasContext) -> Result<Response, Error> {
    match ctx.http().and_then(|http| http.query("do")) {
        Some("fail") => Err(Error::new("Shop.Closed", "closed for sk_live_1")),
        Some("busy") => Ok(Response::new(503)),
        _ => Ok(Response::text(r#"{"token":"t","n":1}"#).header("set-cookie", "a=b")),
    }
}

fn app(config: &str) -> App {
    App::builder().configured(Record::MODULE, config).module(shop::MODULE).start().expect("starts")
}

fn lines(app: &App) -> Vec<Value> {
    app.emitted().iter().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

#[test]
fn a_failure_is_a_line_with_all_that_sends_it_again_and_no_secret() {
    let app = app(r#"{"redactPatterns":["sk_*"]}"#);
    app.invoke(Invoke::http("GET", "/fine"));
    let call =
        Invoke::http("POST", "/or%20ders?do=fail&token=t").header("Authorization", "Bearer b").header("X-A", "1");
    app.invoke(call.body(r#"{"password":"p","n":[1]}"#));
    let lines = lines(&app);
    assert_eq!(lines.len(), 1, "what went well is not written down: {lines:?}");
    let line = &lines[0];
    assert_eq!((&line["faas"], &line["version"], &line["trigger"]), (&json!("recording"), &json!(1), &json!("http")));
    let http = json!({"method": "POST", "target": "/or%20ders?do=fail&token=*****",
        "headers": [["Authorization", "*****"], ["X-A", "1"]], "text": r#"{"n":[1],"password":"*****"}"#});
    assert_eq!(line["http"], http, "{line}");
    assert_eq!(line["failure"], json!({"kind": "Shop.Closed", "message": "closed for *****"}));
    assert!(line["us"].is_u64() && line["event"].is_null() && line["reply"].is_null(), "{line}");
}

#[test]
fn all_are_written_where_all_are_asked_for_with_their_replies() {
    let app = app(r#"{"of":"all"}"#);
    app.invoke(Invoke::http("GET", "/"));
    app.invoke(Invoke::http("GET", "/?do=busy"));
    let lines = lines(&app);
    let expected = json!({"status": 200, "headers": [["content-type", "text/plain; charset=utf-8"], ["set-cookie", "*****"]],
        "text": r#"{"n":1,"token":"*****"}"#});
    assert_eq!((&lines[0]["reply"], &lines[1]["reply"]["status"]), (&expected, &json!(503)), "{lines:?}");
}

#[function]
fn breaks(_: Event) -> Result<(), Error> {
    Err(Error::new("Breaks.Always", "always"))
}

#[test]
fn an_event_is_itself_and_a_body_inside_of_it_hides_nothing() {
    let app = App::builder()
        .configured(Record::MODULE, "{}")
        .module(breaks::MODULE)
        .on("aws-lambda")
        .start()
        .expect("starts");
    let event = json!({"version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "",
        "headers": {"authorization": "Bearer b"}, "body": "eyJwYXNzd29yZCI6InAifQ==", "isBase64Encoded": true,
        "requestContext": {"http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"}}});
    app.invoke(Invoke::event(event.to_string()));
    app.invoke(sample("aws/sqs"));
    app.invoke(Invoke::event([0xff, 0x00]));
    let lines = lines(&app);
    let request = &lines[0]["event"]["json"];
    assert_eq!((&request["body"], &request["isBase64Encoded"]), (&json!(r#"{"password":"*****"}"#), &json!(false)));
    assert_eq!(request["headers"]["authorization"], "*****");
    assert_eq!(
        (&lines[1]["trigger"], &lines[1]["event"]["json"]["Records"][0]["eventSource"]),
        (&json!("queue"), &json!("aws:sqs"))
    );
    assert_eq!(lines[2]["event"], json!({"base64": "/wA="}));
}

#[test]
fn what_is_too_large_is_told_by_its_size() {
    let app = app(r#"{"of":"all","maxBytes":10}"#);
    app.invoke(Invoke::http("POST", "/").body("x".repeat(11)));
    assert_eq!((&lines(&app)[0]["http"]["omitted"], &lines(&app)[0]["reply"]["omitted"]), (&json!(11), &json!(19)));
}

#[test]
fn a_folder_has_a_file_for_each_and_the_oldest_go() {
    let folder = TempDir::new().expect("a folder");
    let inner = folder.path().join("made/here");
    let config = json!({"of": "all", "folder": inner, "maxFiles": 3}).to_string();
    for round in 0..2 {
        let app = app(&config);
        for number in 0..4 {
            app.invoke(Invoke::http("GET", &format!("/{round}/{number}")));
        }
        app.run_phase(handlers_sdk::abi::CLOSE).expect("closes");
        assert!(app.emitted().is_empty());
    }
    let mut files: Vec<_> =
        fs::read_dir(&inner).expect("it is made").map(|file| file.expect("a file").path()).collect();
    files.sort();
    let targets: Vec<String> = files
        .iter()
        .map(|file| {
            assert_eq!(fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o600);
            let read: Value = serde_json::from_slice(&fs::read(file).expect("readable")).expect("JSON");
            assert!(read.get("faas").is_none());
            read["http"]["target"].as_str().expect("a text").to_owned()
        })
        .collect();
    assert_eq!(targets, ["/1/1", "/1/2", "/1/3"]);
}

#[test]
fn of_many_a_share_is_written_down() {
    let app = app(r#"{"of":"all","sampleRate":0.5}"#);
    (0..6).for_each(|_| drop(app.invoke(Invoke::http("GET", "/"))));
    assert_eq!(lines(&app).len(), 3);
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        (r#"{"of":"errors"}"#, "of: unknown variant `errors`, expected `failures` or `all`"),
        (r#"{"sampleRate":"x"}"#, r#"sampleRate: invalid type: string "x", expected a share from 0 to 1"#),
        (r#"{"maxFiles":0}"#, "maxFiles: expected a number over zero, found 0"),
        (r#"{"folder":"/dev/null/x"}"#, "folder: expected a folder that can be written to, found /dev/null/x: "),
        (r#"{"dir":"/tmp"}"#, "unknown field `dir`, expected one of `of`"),
    ] {
        let app = App::builder().configured(Record::MODULE, config).module(shop::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
}
