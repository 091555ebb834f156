//! Environments from start to end: deadlines, SnapStart, extensions, the framed log, polls side by side.

mod support;

use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use platform_emulators::aws_lambda::{Aws, Event, InitType, Kind, Level, Options};
use support::{Client, ERROR, INIT_ERROR, LIMIT, NEXT, RESTORE_ERROR, RESTORE_NEXT, assert_clean, response};

fn start(options: Options) -> Aws {
    Aws::start(options).expect("a free port")
}

#[test]
fn a_passed_deadline_cuts_the_runtime_off_and_starts_afresh() {
    let aws = start(Options::default());
    let pending = aws.submit("{}");
    assert!(!aws.time_out(pending.request_id()), "no poll has taken it");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    client.stream(&id);
    aws.wait_for(|now| now.request(&id).is_some_and(|request| request.responding), LIMIT).expect("the head");
    assert!(aws.time_out(&id));
    let answer = pending.wait();
    assert_eq!((answer.kind, answer.error_type.as_deref()), (Kind::Timeout, Some("Sandbox.Timedout")));
    assert!(answer.text().contains(&format!("{id} Task timed out after 3.00 seconds")), "{}", answer.text());
    assert!(client.read().is_err(), "its connection is cut");
    aws.wait_for(|now| now.state == "Started", LIMIT).expect("a new environment");
    aws.submit("2");
    assert_eq!(Client::new(&aws).next().body, b"2");
    assert_eq!(aws.record(&id).map(|record| (record.accepted(), record.refused())), Some((0, 1)));
}

#[test]
fn a_passed_deadline_ends_the_process() {
    let aws = start(Options::default());
    let mut command = Command::new("/bin/bash");
    command.args([
        "-c",
        r#"
        exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: local\r\n\r\n' >&3
        while read -r line <&3; do :; done
        sleep 300
    "#,
    ]);
    let runtime = aws.spawn(command).expect("bash starts");
    let answer = aws.invoke(Event { deadline_in: Some(Duration::from_millis(300)), ..Event::from("{}") });
    assert_eq!(answer.kind, Kind::Timeout);
    let again = aws.spawn(Command::new("/bin/true")).expect("the last process is waited for");
    again.wait(LIMIT).expect("it ends");
    let status = runtime.wait(LIMIT).expect("it was killed");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}

#[test]
fn a_deadline_that_is_not_enforced_only_tells_the_runtime() {
    let aws = start(Options { enforce_deadline: false, ..Options::default() });
    let pending = aws.submit(Event { deadline_in: Some(Duration::ZERO), ..Event::from("{}") });
    let mut client = Client::new(&aws);
    let id = client.next().id();
    assert!(pending.wait_for(Duration::from_millis(20)).is_err());
    assert_eq!(client.post(&response(&id), b"late but fine").status, 202);
    assert_eq!(pending.wait().kind, Kind::Response);
}

#[test]
fn a_caller_does_not_wait_for_ever() {
    let aws = start(Options { patience: Duration::from_millis(10), ..Options::default() });
    let answer = aws.invoke("{}");
    assert_eq!(answer.kind, Kind::Unanswered);
    assert!(answer.text().contains("Started"), "it says what was there: {}", answer.text());
}

#[test]
fn snap_start_parks_until_it_is_restored() {
    let aws = start(Options { init_type: InitType::SnapStart, ..Options::default() });
    assert!(aws.env().iter().all(|(name, _)| name != "AWS_ACCESS_KEY_ID"));
    let pending = aws.submit("{}");
    assert!(!aws.restore(), "nothing to restore yet");
    let mut client = Client::new(&aws);
    client.head("GET", RESTORE_NEXT, &[]);
    aws.wait_for(|now| now.restore_parked && now.state == "RestoreReady", LIMIT).expect("it parks");
    assert!(aws.restore());
    let restored = client.read().expect("a reply");
    assert_eq!((restored.status, restored.body.len()), (200, 0));
    assert_eq!(aws.snapshot().state, "Restoring");
    let id = client.next().id();
    assert_eq!(client.post(&response(&id), b"ok").status, 202);
    assert_eq!(pending.wait().text(), "ok");
    assert_clean(&aws);
    let reply = client.get_with("/2021-04-23/credentials", &[("Authorization", "wrong")]);
    assert_eq!((reply.status, reply.header("Content-Type")), (404, Some("text/plain; charset=utf-8")));
    let env = aws.env();
    let token = env.iter().find(|(name, _)| name == "AWS_CONTAINER_AUTHORIZATION_TOKEN").expect("it is set");
    let reply = client.get_with("/2021-04-23/credentials", &[("Authorization", &token.1)]);
    assert!(reply.json()["AccessKeyId"].is_string());
}

#[test]
fn a_failed_restore_is_reported_by_either_call() {
    for path in [RESTORE_ERROR, INIT_ERROR] {
        let aws = start(Options { init_type: InitType::SnapStart, ..Options::default() });
        let mut client = Client::new(&aws);
        client.head("GET", RESTORE_NEXT, &[]);
        aws.wait_for(|now| now.restore_parked, LIMIT).expect("it parks");
        aws.restore();
        client.read().expect("a reply");
        assert_eq!(client.post(path, ERROR.as_bytes()).status, 202);
        assert_eq!(aws.snapshot().state, "RuntimeRestoreErrorState");
        assert_eq!(aws.invoke("{}").kind, Kind::RestoreError);
        assert_eq!(client.get(NEXT).status, 403);
    }
}

#[test]
fn polls_stand_side_by_side_and_answers_overlap() {
    let aws = start(Options { max_concurrency: Some(3), ..Options::default() });
    let clients: Vec<Mutex<Client>> = (0..3).map(|_| Mutex::new(Client::new(&aws))).collect();
    let with = |at: usize| clients[at].lock().expect("no test has failed");
    (0..3).for_each(|at| with(at).park());
    aws.wait_for(|now| now.parked == 3, LIMIT).expect("all park");
    let pending: Vec<_> = (0..3).map(|number| aws.submit(format!("{number}").as_str())).collect();
    let ids: Vec<String> = (0..3).map(|at| with(at).read().expect("an event").id()).collect();
    assert_eq!(aws.snapshot().in_flight.len(), 3);
    for at in [2, 0, 1] {
        assert_eq!(with(at).post(&response(&ids[at]), ids[at].as_bytes()).status, 202);
    }
    for pending in pending {
        let answer = pending.wait();
        assert_eq!((answer.kind, answer.text()), (Kind::Response, answer.request_id));
    }
    assert_eq!((aws.max_parked(), aws.next_calls()), (3, 3));
    assert_clean(&aws);
}

#[test]
fn one_poll_too_many_is_a_breach() {
    for (max_concurrency, allowed) in [(None, 1), (Some(2), 2)] {
        let aws = start(Options { max_concurrency, ..Options::default() });
        let mut clients: Vec<Client> = (0..=allowed).map(|_| Client::new(&aws)).collect();
        clients.iter_mut().for_each(Client::park);
        aws.wait_for(|now| now.parked == allowed + 1, LIMIT).expect("all park");
        assert_eq!(aws.violations().len(), 1, "{:?}", aws.violations());
    }
}

#[test]
fn an_extension_hears_of_invocations_and_the_next_event_waits_for_it() {
    let aws = start(Options { external_extensions: vec!["outside".into()], ..Options::default() });
    let mut extension = Client::new(&aws);
    let register = "/2020-01-01/extension/register";
    let name = [("Lambda-Extension-Name", "outside"), ("Lambda-Extension-Accept-Feature", "accountId")];
    let reply = extension.post_with(register, &name, br#"{"events":["INVOKE","SHUTDOWN"]}"#);
    assert_eq!(reply.status, 200);
    let json = reply.json();
    assert_eq!((&json["functionName"], &json["accountId"]), (&"test_function".into(), &"111122223333".into()));
    let id = reply.header("Lambda-Extension-Identifier").expect("it is given one").to_owned();
    let poll = |extension: &mut Client| {
        extension.head("GET", "/2020-01-01/extension/event/next", &[("Lambda-Extension-Identifier", &id)]);
    };
    let mut runtime = Client::new(&aws);
    runtime.park();
    aws.wait_for(|now| now.parked == 1, LIMIT).expect("it parks");
    aws.submit("1");
    assert!(aws.snapshot().in_flight.iter().all(|request| !request.delivered), "the extension is not ready");
    poll(&mut extension);
    let request = runtime.read().expect("an event").id();
    let event = extension.read().expect("an event").json();
    assert_eq!((&event["eventType"], &event["requestId"]), (&"INVOKE".into(), &request.as_str().into()));
    assert_eq!(runtime.post(&response(&request), b"1").status, 202);

    let late = Client::new(&aws).post_with(register, &[("Lambda-Extension-Name", "late")], b"{}");
    assert_eq!((late.status, late.error_type().as_str()), (403, "Extension.RegistrationClosed"));
    let unknown = Client::new(&aws).get("/2020-01-01/extension/event/next");
    assert_eq!(unknown.error_type(), "Extension.MissingExtensionIdentifier");
    let mut telemetry = Client::new(&aws);
    telemetry.head("PUT", "/2022-07-01/telemetry", &[("Content-Length", "2")]);
    telemetry.send(b"{}");
    let reply = telemetry.read().expect("a reply");
    assert_eq!((reply.status, reply.error_type().as_str()), (202, "Telemetry.NotSupported"));
    assert_clean(&aws);
}

#[test]
fn framed_log_records_arrive_through_the_inherited_descriptor() {
    let aws = start(Options { telemetry_log_fd: true, ..Options::default() });
    let mut command = Command::new("/bin/bash");
    let script = r#"printf '\xa5\x5a\x00\x0f\0\0\0\5\0\6\x5c\x06\x0b\x60\x80\x01hello' >&"$_LAMBDA_TELEMETRY_LOG_FD"
        read -r line || echo "no input"; sleep 300"#;
    command.args(["-c", script]);
    let runtime = aws.spawn(command).expect("bash starts");
    runtime.wait_for_line(|line| line == "no input", LIMIT).expect("its input is empty");
    aws.wait_for(|now| now.log_bytes >= 21, LIMIT).expect("the record");
    let frames = aws.log_frames().expect("frames");
    assert_eq!((frames[0].level, frames[0].text, frames[0].message.as_slice()), (Level::Info, true, &b"hello"[..]));
}

#[test]
fn a_process_gets_the_platforms_environment_and_nothing_else() {
    let aws = start(Options { handler: Some("lib.run".into()), log_format: Some("JSON".into()), ..Options::default() });
    let mut command = Command::new("/usr/bin/env");
    command.env("CUSTOM", "1").env_remove("TZ");
    let runtime = aws.spawn(command).expect("env starts");
    runtime.wait(LIMIT).expect("it ends");
    let mut seen: Vec<String> = runtime.lines().into_iter().map(|line| line.text).collect();
    let mut expected: Vec<String> =
        aws.env().into_iter().filter(|(name, _)| name != "TZ").map(|(name, value)| format!("{name}={value}")).collect();
    expected.push("CUSTOM=1".to_owned());
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    assert!(seen.contains(&format!("AWS_LAMBDA_RUNTIME_API={}", aws.address())));
    assert!(seen.contains(&"_HANDLER=lib.run".to_owned()) && seen.contains(&"AWS_LAMBDA_LOG_FORMAT=JSON".to_owned()));
}

#[test]
fn a_second_process_is_refused_while_the_first_runs_and_events_wait_for_the_next() {
    let aws = start(Options::default());
    let sleeper = || {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exec sleep 300"]);
        command
    };
    let first = aws.spawn(sleeper()).expect("sh starts");
    assert_eq!(aws.spawn(sleeper()).map(|_| ()).map_err(|error| error.kind()), Err(std::io::ErrorKind::AlreadyExists));
    aws.shutdown(&first);
    let pending = aws.submit("{}");
    let _second = aws.spawn(sleeper()).expect("sh starts");
    let mut client = Client::new(&aws);
    let id = client.next().id();
    assert_eq!(client.post(&response(&id), b"ok").status, 202);
    assert_eq!(pending.wait().text(), "ok");
}
