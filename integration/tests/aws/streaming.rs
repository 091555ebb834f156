//! Statements 18 to 20: streamed responses.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Answer, Event, Kind, Options};
use serde_json::{Value, json};

integration::both![
    checklist_18_the_first_chunk_leaves_before_the_handler_ends,
    checklist_19_a_failure_in_the_middle_comes_in_trailers,
    checklist_20_the_prelude_ends_in_eight_zero_bytes,
];

fn start(runtime: &Runtime) -> OnAws {
    let options = Options { timeout: limit(), ..Options::default() };
    OnAws::launch(runtime, Deployment::of("probe"), "probe.streaming", options).polling()
}

/// Returns the event of a function URL around a body.
fn over_http(body: &str) -> Event {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/", "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.eu-west-1.on.aws", "content-type": "text/plain"},
        "requestContext": {
            "accountId": "anonymous", "apiId": "abc", "domainName": "abc.lambda-url.eu-west-1.on.aws",
            "http": {"method": "POST", "path": "/", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "requestId": "r-1", "routeKey": "$default", "stage": "$default", "timeEpoch": 1_790_000_000_000_u64,
        },
        "body": body, "isBase64Encoded": false,
    });
    Event::from(event.to_string().as_str())
}

/// Lets the first chunk out, sees it arrive, and only then lets the handler end.
fn in_two_halves(run: &OnAws, ending: &str, wrap: fn(&str) -> Event) -> Answer {
    let path = run.deployment.path(&format!("go-{ending}"));
    let pending = run.aws.submit(wrap(&format!("{}|{ending}", path.display())));
    let id = pending.request_id().to_owned();
    let first = run.aws.wait_for(|now| now.request(&id).is_none_or(|request| request.received >= 5), limit());
    let first = first.unwrap_or_else(|late| panic!("the first chunk waits: {late}\n{}", run.process.output()));
    assert!(first.request(&id).is_some_and(|request| request.responding), "it ended: {}", run.process.output());
    std::fs::write(path, "").expect("the handler is let go");
    pending.wait()
}

fn checklist_18_the_first_chunk_leaves_before_the_handler_ends(runtime: &Runtime) {
    let run = start(runtime);
    let answer = in_two_halves(&run, "ok", |body| Event::from(body));
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Stream, "firstsecond"));
    assert_eq!(answer.header("lambda-runtime-function-response-mode"), Some("streaming"));
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    let trailer = answer.header("trailer").unwrap_or_default().to_ascii_lowercase();
    for name in ["lambda-runtime-function-error-type", "lambda-runtime-function-error-body"] {
        assert!(trailer.split(',').any(|part| part.trim() == name), "{trailer}");
    }
    assert_eq!((answer.error_type.as_deref(), answer.stream_error.as_deref()), (None, None));
    assert!(run.aws.wait_for(|now| now.parked == 1, limit()).is_ok(), "it polls on");
    run.assert_clean();
}

fn checklist_19_a_failure_in_the_middle_comes_in_trailers(runtime: &Runtime) {
    let run = start(runtime);
    let answer = in_two_halves(&run, "fail", |body| Event::from(body));
    assert_eq!((answer.kind, answer.text().as_str()), (Kind::Stream, "firstsecond"), "no error text in the body");
    assert_eq!(answer.trailer("lambda-runtime-function-error-type"), Some("Function.Probe"));
    let error: Value =
        serde_json::from_slice(answer.stream_error.as_deref().expect("a trailer with the error")).expect("JSON");
    assert_eq!(error["errorType"], "Function.Probe");
    assert_eq!(error["errorMessage"], "the rest is missing");
    assert_eq!(run.aws.invoke("no bar").kind, Kind::Error, "before the first byte an error is an error");
    run.assert_clean();
}

fn checklist_20_the_prelude_ends_in_eight_zero_bytes(runtime: &Runtime) {
    let run = start(runtime);
    for (ending, body) in [("empty", &b""[..]), ("ok", b"firstsecond")] {
        let answer =
            if ending == "ok" { in_two_halves(&run, ending, over_http) } else { run.aws.invoke(over_http("|empty")) };
        assert_eq!(answer.kind, Kind::Stream, "{}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/vnd.awslambda.http-integration-response"));
        let zero = answer.body.iter().position(|byte| *byte == 0).expect("the prelude ends");
        let (prelude, rest) = answer.body.split_at(zero);
        let prelude: Value = serde_json::from_slice(prelude).expect("the prelude is JSON");
        assert_eq!(prelude["statusCode"], 201);
        assert_eq!(prelude["headers"]["x-probe"], "1", "{prelude}");
        assert_eq!(rest, [&[0; 8], body].concat(), "{ending}");
    }
    run.assert_clean();
}
