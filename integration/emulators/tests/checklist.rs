//! The emulator's side of the protocol's checklist, statement by statement, over bare sockets.

mod support;

use std::process::Command;

use platform_emulators::aws_lambda::{Aws, ChunkNext, Cognito, Event, Kind, MAX_PAYLOAD, Options, Post};
use platform_emulators::process::Signal;
use support::{Client, ERROR, INIT_ERROR, LIMIT, NEXT, assert_clean, error, response};

fn start() -> Aws {
    Aws::start(Options::default()).expect("a free port")
}

fn managed(polls: usize) -> Aws {
    Aws::start(Options { max_concurrency: Some(polls), ..Options::default() }).expect("a free port")
}

/// Returns a runtime in bash. Its command `poll` sends a poll on descriptor 3 and reads the status line of the reply.
fn bash(script: &str) -> Command {
    let head = r#"
        exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        send() { printf '%b' "$1" >&3; }
        poll() { send 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: local\r\n\r\n'; read -r line <&3; }
    "#;
    let mut command = Command::new("/bin/bash");
    command.arg("-c").arg(format!("{head}\n{script}"));
    command
}

#[test]
fn checklist_27_absent_headers_are_left_out_and_three_are_always_sent() {
    let aws = start();
    let mut client = Client::new(&aws);
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let bare = aws.submit(Event { invoked_arn: Some(String::new()), ..Event::from("") });
    let reply = client.next();
    assert_eq!(reply.id(), bare.request_id());
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    let deadline: u128 = reply.header("Lambda-Runtime-Deadline-Ms").and_then(|ms| ms.parse().ok()).expect("a number");
    assert!(deadline >= before + 3000, "{deadline} against {before}");
    let lambda = reply.headers.iter().filter(|(name, _)| name.starts_with("Lambda-")).count();
    assert_eq!((lambda, reply.body.len()), (2, 0), "{reply:?}");
    assert_eq!(client.post(&response(&reply.id()), b"1").status, 202);

    let full = Event {
        trace_id: Some("Root=1-6a000000-aaaabbbbccccddddeeee0001;Parent=53995c3f42cd8ad8;Sampled=1".into()),
        client_context: Some(r#"{"custom":{"a":"1"}}"#.into()),
        cognito: Some(Cognito { identity_id: "me".into(), identity_pool_id: String::new() }),
        tenant_id: Some("blue".into()),
        content_type: Some("text/plain".into()),
        ..Event::from("raw \u{1f600}")
    };
    aws.submit(full);
    let reply = client.next();
    assert_eq!(reply.body, "raw \u{1f600}".as_bytes());
    assert_eq!(
        reply.header("Lambda-Runtime-Invoked-Function-Arn"),
        Some("arn:aws:lambda:eu-west-1:111122223333:function:test_function")
    );
    assert!(reply.header("Lambda-Runtime-Trace-Id").is_some_and(|trace| trace.ends_with("Sampled=1")));
    assert_eq!(reply.header("Lambda-Runtime-Client-Context"), Some(r#"{"custom":{"a":"1"}}"#));
    assert_eq!(
        reply.header("Lambda-Runtime-Cognito-Identity"),
        Some(r#"{"cognitoIdentityId":"me","cognitoIdentityPoolId":""}"#)
    );
    assert_eq!(reply.header("Lambda-Runtime-Aws-Tenant-Id"), Some("blue"));
    assert_eq!(reply.header("Content-Type"), Some("text/plain"));
    assert_clean(&aws);
}

#[test]
fn checklist_27_managed_instances_send_absent_headers_empty_and_never_the_tenant() {
    let aws = managed(1);
    let mut client = Client::new(&aws);
    client.park();
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
    aws.submit(Event { tenant_id: Some("blue".into()), ..Event::from("{}") });
    let reply = client.read().expect("an event");
    for name in ["Trace-Id", "Client-Context", "Cognito-Identity"] {
        assert_eq!(reply.header(&format!("Lambda-Runtime-{name}")), Some(""), "{name}");
    }
    assert_eq!(reply.header("Lambda-Runtime-Aws-Tenant-Id"), None);
}

#[test]
fn checklist_28_repeated_next_redelivers_the_same_event() {
    let aws = start();
    let pending = aws.submit("the event");
    let mut client = Client::new(&aws);
    let (first, second) = (client.next(), client.next());
    let third = Client::new(&aws).next();
    for again in [&second, &third] {
        assert_eq!((again.id(), &again.body), (first.id(), &first.body));
        assert_eq!(again.header("Lambda-Runtime-Deadline-Ms"), first.header("Lambda-Runtime-Deadline-Ms"));
    }
    assert_eq!(client.post(&response(&first.id()), b"done").status, 202);
    assert_eq!(pending.wait().text(), "done");
    assert_eq!(aws.record(&first.id()).map(|record| record.deliveries.len()), Some(3));
}

#[test]
fn checklist_29_a_wrong_id_changes_nothing() {
    let aws = start();
    let pending = aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    for post in [response("5c1d7c1e-0f5a-4b7e-9b06-2a3f6d1e9a11"), error("nonsense")] {
        let reply = client.post(&post, ERROR.as_bytes());
        assert_eq!((reply.status, reply.error_type().as_str()), (400, "InvalidRequestID"));
    }
    assert_eq!(aws.snapshot().state, "Running");
    assert_eq!(client.post(&response(&id), b"right").status, 202);
    let answer = pending.wait();
    assert_eq!((answer.kind, answer.text().as_str(), answer.status), (Kind::Response, "right", Some(202)));
    assert_eq!(aws.strays().iter().map(|stray| stray.post).collect::<Vec<_>>(), [Post::Response, Post::Error]);
    assert_eq!(aws.violations().len(), 2);
}

#[test]
fn checklist_30_a_second_answer_is_refused() {
    let aws = start();
    let pending = aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    assert_eq!(client.post(&response(&id), b"first").status, 202);
    for (post, state) in [(response(&id), "InvocationResponse"), (error(&id), "InvocationErrorResponse")] {
        let reply = client.post(&post, ERROR.as_bytes());
        assert_eq!((reply.status, reply.error_type().as_str()), (403, "InvalidStateTransition"));
        let message = reply.json()["errorMessage"].to_string();
        assert!(message.contains("RuntimeResponseSentState") && message.contains(state), "{message}");
    }
    assert_eq!(pending.wait().text(), "first");
    let record = aws.record(&id).expect("it was submitted");
    assert_eq!((record.accepted(), record.refused()), (1, 2));

    let aws = managed(1);
    let mut client = Client::new(&aws);
    client.park();
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
    let pending = aws.submit("{}");
    let id = client.read().expect("an event").id();
    assert_eq!(client.post(&response(&id), b"first").status, 202);
    let reply = client.post(&response(&id), b"second");
    assert_eq!((reply.status, reply.error_type().as_str()), (400, "InvalidRequestID"));
    assert_eq!(pending.wait().text(), "first");
}

#[test]
fn checklist_31_an_init_error_after_the_first_poll_is_refused() {
    let aws = start();
    let mut poller = Client::new(&aws);
    poller.park();
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
    let mut client = Client::new(&aws);
    let reply = client.post(INIT_ERROR, ERROR.as_bytes());
    assert_eq!((reply.status, reply.error_type().as_str()), (403, "InvalidStateTransition"));
    assert_eq!(aws.init_errors().iter().map(|report| report.status).collect::<Vec<_>>(), [403]);
    assert_eq!(aws.snapshot().init_errors, 0);
}

#[test]
fn an_init_error_answers_every_event_and_ends_the_polling() {
    let aws = start();
    let early = aws.submit("{}");
    let mut client = Client::new(&aws);
    let kind = [("Content-Type", "application/json"), ("Lambda-Runtime-Function-Error-Type", "Runtime.NoSuchHandler")];
    assert_eq!(client.post_with(INIT_ERROR, &kind, ERROR.as_bytes()).status, 202);
    for answer in [early.wait(), aws.invoke("{}")] {
        assert_eq!((answer.kind, answer.text().as_str()), (Kind::InitError, ERROR));
        assert_eq!(answer.error_type.as_deref(), Some("Runtime.NoSuchHandler"));
        assert_eq!(answer.function_error, Some("Unhandled"));
    }
    assert_clean(&aws);
    assert_eq!(client.get(NEXT).error_type(), "InvalidStateTransition");
}

#[test]
fn checklist_32_a_response_above_the_limit_is_413_and_the_next_poll_works() {
    let aws = start();
    let mut client = Client::new(&aws);
    let too_large = aws.submit("1");
    let id = client.next().id();
    let reply = client.post(&response(&id), &vec![b'x'; MAX_PAYLOAD + 1]);
    assert_eq!((reply.status, reply.error_type().as_str()), (413, "RequestEntityTooLarge"));
    let answer = too_large.wait();
    assert_eq!(answer.kind, Kind::TooLarge);
    let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(json["errorType"], "Function.ResponseSizeTooLarge");
    assert_eq!(
        json["errorMessage"],
        "Response payload size (6291557 bytes) exceeded maximum allowed payload size (6291556 bytes)."
    );

    let largest = aws.submit("2");
    let id = client.next().id();
    assert_eq!(client.post(&response(&id), &vec![b'x'; MAX_PAYLOAD]).status, 202);
    assert_eq!(largest.wait().body.len(), 6_291_556);
    assert_clean(&aws);
}

#[test]
fn checklist_33_any_mode_but_streaming_is_refused_and_fatal() {
    for mode in ["Streaming", "buffered", "", "streaming2"] {
        let aws = start();
        let pending = aws.submit("{}");
        let mut client = Client::new(&aws);
        let id = client.next().id();
        let reply = client.post_with(&response(&id), &[("Lambda-Runtime-Function-Response-Mode", mode)], b"x");
        assert_eq!((reply.status, reply.error_type().as_str()), (400, "InvalidFunctionResponseMode"), "{mode:?}");
        let answer = pending.wait();
        assert_eq!(answer.kind, Kind::InvalidMode);
        assert_eq!(answer.error_type.as_deref(), Some("Runtime.InvalidResponseModeHeader"));
        let reply = client.get(NEXT);
        assert_eq!((reply.status, reply.error_type().as_str()), (403, "InvalidStateTransition"));
    }
}

#[test]
fn checklist_34_a_body_cut_short_is_400_and_the_invoker_is_told() {
    let aws = start();
    for chunked in [true, false] {
        let pending = aws.submit("{}");
        let mut client = Client::new(&aws);
        let id = client.next().id();
        if chunked {
            client.stream(&id);
            client.chunk(b"half");
        } else {
            client.head("POST", &response(&id), &[("Content-Length", "10")]);
            client.send(b"half");
        }
        client.end();
        let reply = client.read().expect("a reply in spite of the end");
        assert_eq!((reply.status, reply.error_type().as_str()), (400, "TruncatedHTTPRequest"));
        let answer = pending.wait();
        assert_eq!(answer.kind, Kind::Truncated);
        assert_eq!(answer.error_type.as_deref(), Some("Runtime.TruncatedResponse"));
    }
    let mut client = Client::new(&aws);
    client.park();
    aws.wait_for(|now| now.state == "Ready", LIMIT).expect("the next poll works");
}

#[test]
fn checklist_35_the_end_of_the_process_answers_its_invocation() {
    let aws = start();
    for (ending, text) in [
        ("exit 3", "Runtime exited with error: exit status 3"),
        ("exit 0", "Runtime exited without providing a reason"),
        ("kill -SEGV $$", "Runtime exited with error: signal: segmentation fault"),
    ] {
        let runtime = aws.spawn(bash(&format!("poll; {ending}"))).expect("bash starts");
        let answer = aws.invoke("{}");
        assert_eq!(answer.kind, Kind::Exited, "{answer:?}");
        let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(json["errorType"], "Runtime.ExitError");
        let message = json["errorMessage"].as_str().expect("a text");
        assert!(message.starts_with(&format!("RequestId: {} Error: {text}", answer.request_id)), "{message}");
        runtime.wait(LIMIT).expect("it has ended");
    }
    let _runtime = aws.spawn(bash("exit 9")).expect("bash starts");
    let answer = aws.invoke("{}");
    assert_eq!(answer.kind, Kind::Exited, "it never polled");
    assert!(answer.text().contains("exit status 9"), "{}", answer.text());
}

#[test]
fn checklist_36_a_late_answer_is_410_once_and_no_poll_is_a_refusal() {
    let aws = managed(2);
    let refused = aws.invoke("{}");
    assert_eq!((refused.kind, refused.error_type.as_deref()), (Kind::Refused, Some("Runtime.Unavailable")));

    let mut client = Client::new(&aws);
    client.park();
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
    let short = Event { deadline_in: Some(std::time::Duration::from_millis(1)), ..Event::from("{}") };
    let pending = aws.submit(short);
    let id = client.read().expect("an event").id();
    assert_eq!(pending.wait().kind, Kind::Timeout);
    let reply = client.post(&response(&id), b"late");
    assert_eq!((reply.status, reply.error_type().as_str()), (410, "InvokeTimeout"));
    let reply = client.post(&error(&id), ERROR.as_bytes());
    assert_eq!((reply.status, reply.error_type().as_str()), (400, "InvalidRequestID"));

    client.park();
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("the worker polls on");
    drop(client);
    aws.wait_for(|now| now.parked == 0, LIMIT).expect("a dropped poll frees its slot");
    assert_eq!(aws.invoke("{}").kind, Kind::Refused);
    assert_clean(&aws);
}

#[test]
fn checklist_37_the_202_says_ok() {
    let aws = start();
    aws.submit("{}");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    let reply = client.post(&response(&id), b"{}");
    assert_eq!((reply.status, reply.body.as_slice()), (202, &b"{\"status\":\"OK\"}\n"[..]));
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    assert_eq!(reply.header("Content-Length"), Some("16"));
    aws.submit("{}");
    let id = client.next().id();
    assert_eq!(client.post(&error(&id), ERROR.as_bytes()).json(), serde_json::json!({"status": "OK"}));
    assert_clean(&aws);
}

#[test]
fn checklist_38_without_an_extension_the_process_gets_no_sigterm() {
    let aws = start();
    let runtime = aws.spawn(bash("trap 'echo TERM; exit 0' TERM; poll")).expect("bash starts");
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
    let shutdown = aws.shutdown(&runtime);
    assert_eq!(shutdown.signals, [Signal::Kill]);
    assert_eq!(shutdown.status.and_then(|status| status.code()), None, "a signal ended it");
    assert_eq!(runtime.output(), "");
}

const REGISTER: &str = r#"
    send 'POST /2020-01-01/extension/register HTTP/1.1\r\nHost: local\r\nLambda-Extension-Name: inside\r\n'
    send 'Content-Length: 13\r\n\r\n{"events":[]}'
    read -r line <&3
    [[ $line == *200* ]] || exit 4
    while read -r line <&3; do
        [[ $line == Lambda-Extension-Identifier:* ]] && extension=${line#*: }
        [[ ${line%$'\r'} == "" ]] && break
    done
    read -r line <&3
    exec 4<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
    printf 'GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: local\r\nLambda-Extension-Identifier: %s\r\n\r\n' \
        "${extension%$'\r'}" >&4
"#;

#[test]
fn checklist_38_with_an_extension_sigterm_comes_first() {
    let aws = start();
    let runtime = aws.spawn(bash(&format!("{REGISTER}\n trap 'echo TERM; exit 0' TERM; poll"))).expect("bash starts");
    let now = aws.wait_for(|now| now.parked == 1 && now.extensions_parked == 1, LIMIT).expect("both park");
    assert_eq!(now.extensions, 1);
    let shutdown = aws.shutdown(&runtime);
    assert_eq!(shutdown.signals, [Signal::Term]);
    assert_eq!(shutdown.status.and_then(|status| status.code()), Some(0));
    runtime.wait(LIMIT).expect("it has ended");
    assert_eq!(runtime.output(), "TERM\n");
    assert_clean(&aws);
}

#[test]
fn checklist_38_sigkill_follows_when_sigterm_is_not_heard() {
    let aws = start();
    let runtime = aws.spawn(bash(&format!("trap '' TERM\n{REGISTER}\n poll"))).expect("bash starts");
    aws.wait_for(|now| now.parked == 1 && now.extensions_parked == 1, LIMIT).expect("both park");
    let shutdown = aws.shutdown(&runtime);
    assert_eq!(shutdown.signals, [Signal::Term, Signal::Kill]);
    assert!(shutdown.took >= platform_emulators::aws_lambda::GRACE, "it is given its time: {shutdown:?}");
}

#[test]
fn checklist_39_an_unknown_path_is_404_and_a_wrong_method_405() {
    let aws = start();
    let mut client = Client::new(&aws);
    for path in ["/", "/2018-06-01/runtime/invocation", "/2018-06-01/runtime/restore/next", "/2021-04-23/credentials"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    assert_eq!(client.get(&response("any")).status, 405);
    assert_eq!(client.post(NEXT, b"").status, 405);
    assert_eq!(aws.violations().len(), 6);
    let ping = client.get("/2018-06-01/ping");
    assert_eq!((ping.status, ping.body.as_slice()), (200, &b"pong"[..]));
}

#[test]
fn an_event_above_two_kilobytes_is_sent_chunked_unless_told_otherwise() {
    for (chunk_next, size, chunked) in [
        (ChunkNext::Above(2048), 2048, false),
        (ChunkNext::Above(2048), 2049, true),
        (ChunkNext::Above(2048), 100_000, true),
        (ChunkNext::Never, 100_000, false),
        (ChunkNext::Always, 0, true),
        (ChunkNext::Always, 5, true),
    ] {
        let aws = Aws::start(Options { chunk_next, ..Options::default() }).expect("a free port");
        let body: Vec<u8> = (0..size).map(|at| at as u8).collect();
        aws.submit(body.clone());
        let reply = Client::new(&aws).next();
        assert_eq!((reply.chunked, reply.body == body), (chunked, true), "{chunk_next:?} {size}");
    }
}

#[test]
fn a_poll_sent_right_behind_its_answer_is_served_in_order() {
    let aws = start();
    aws.submit("1");
    aws.submit("2");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    let answer = format!("POST {} HTTP/1.1\r\nHost: local\r\nContent-Length: 4\r\n\r\ndone", response(&id));
    client.send(format!("{answer}GET {NEXT} HTTP/1.1\r\nHost: local\r\n\r\n").as_bytes());
    assert_eq!(client.read().expect("the 202").status, 202);
    assert_eq!(client.read().expect("the event").body, b"2");
    assert_clean(&aws);
}

#[test]
fn header_names_and_values_can_be_made_unusual() {
    let aws = Aws::start(Options { lower_case_headers: true, ..Options::default() }).expect("a free port");
    let headers = vec![
        ("Lambda-Runtime-Deadline-Ms".to_owned(), "soon".to_owned()),
        ("lambda-runtime-client-context".to_owned(), "{not json".to_owned()),
    ];
    aws.submit(Event { headers, ..Event::from("{}") });
    let reply = Client::new(&aws).next();
    assert_eq!(reply.header("lambda-runtime-deadline-ms"), Some("soon"));
    assert_eq!(reply.header("lambda-runtime-client-context"), Some("{not json"));
    assert!(reply.header("lambda-runtime-aws-request-id").is_some());
}
