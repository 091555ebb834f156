//! Statements 25 and 26: logs in JSON and through the framed descriptor.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Event, Level, Options};
use serde_json::{Value, json};

integration::both![
    checklist_25_json_logs_are_one_object_a_line_with_the_request_id,
    checklist_26_framed_log_records_are_whole,
];

fn checklist_25_json_logs_are_one_object_a_line_with_the_request_id(runtime: &Runtime) {
    let options = Options { log_format: Some("JSON".into()), log_level: Some("DEBUG".into()), ..Options::default() };
    let run = OnAws::launch(runtime, Deployment::of("hello").layer("monitor"), "hello", options).polling();
    let mut ids = Vec::new();
    for query in ["name=ada", "name=two%0Alines%22", "wait_ms=nonsense"] {
        ids.push(run.call(get(query)).request_id);
    }
    // The first two functions write a line of their own, and the layer writes one for each.
    for (id, logs) in ids.iter().zip([true, true, false]) {
        let own = |line: &str| serde_json::from_str::<Value>(line).is_ok_and(|json| json["requestId"] == id.as_str());
        let line = logs.then(|| run.process.wait_for_line(own, limit()).expect("a line with its requestId"));
        let message = line.map(|line| serde_json::from_str::<Value>(&line).map(|json| json["message"].to_string()));
        assert!(message.is_none_or(|message| message.is_ok_and(|text| text.contains("greeting"))));
        run.process.wait_for_line(|line| line.contains(id.as_str()), limit()).expect("a line of it");
    }
    for line in run.process.lines() {
        let json = serde_json::from_str::<Value>(&line.text);
        let json = json.unwrap_or_else(|error| panic!("{error}: not one JSON object a line: {:?}", line.text));
        assert!(json.is_object(), "{json}");
        // Documents that a layer emits as they are have no level.
        assert!(json["level"].is_null() || json["timestamp"].is_string(), "{json}");
    }
    run.assert_clean();
}

/// Returns the event of a GET through an HTTP API.
fn get(query: &str) -> Event {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/greet", "rawQueryString": query, "headers": {},
        "requestContext": {
            "apiId": "abc", "domainName": "abc.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": "GET", "path": "/greet", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
            "requestId": "r-1", "routeKey": "$default", "stage": "$default",
        },
        "isBase64Encoded": false,
    });
    Event::from(event.to_string().as_str())
}

fn checklist_26_framed_log_records_are_whole(runtime: &Runtime) {
    let options = Options { telemetry_log_fd: true, ..Options::default() };
    let run = OnAws::launch(runtime, Deployment::of("probe").layer("monitor"), "probe.environment", options).polling();
    // The descriptor in the variable is the runtime's own: modules do not see it.
    let answer = run.call("_LAMBDA_TELEMETRY_LOG_FD");
    run.call("PATH");
    run.aws.wait_for(|now| now.parked == 1 && now.next_calls == 3 && now.log_bytes > 0, limit()).expect("it logs");
    let frames = run.aws.log_frames().unwrap_or_else(|error| panic!("{error}"));
    let of_it = frames.iter().find(|frame| String::from_utf8_lossy(&frame.message).contains(&answer.request_id));
    let frame = of_it.unwrap_or_else(|| panic!("no record of {} in {frames:?}", answer.request_id));
    assert!(frame.text && frame.level >= Level::None, "{frame:?}");
    let year = 1_000_000 * 86_400 * 365;
    assert!((50 * year..150 * year).contains(&frame.micros), "microseconds since 1970: {}", frame.micros);
    run.assert_clean();
}
