//! The traces of a failure, over each direction of a platform: one line at level ERROR in the log, with everything in
//! it, and for the caller the part that is meant for them.

use crate::openwhisk::run::{Below, Container, NO_RESULT, error_of, own_error_of};
use crate::yandex::run::OnYandex;
use integration::artifacts::{self, Runtime};
use integration::deployment::Deployment;
use integration::faulty;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::{Kind, Options};
use platform_emulators::openwhisk::{self, Init};
use platform_emulators::process::{Process, Signal};
use platform_emulators::yandex::{Ended, Outcome, http_event};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;

integration::both![
    over_http_each_leaves_one_line_and_the_client_reads_nothing_internal,
    with_debug_a_client_reads_everything,
    on_aws_each_leaves_one_line_and_the_owner_reads_its_message,
    below_the_action_proxy_each_leaves_one_line,
    in_an_action_container_each_leaves_one_line,
    on_yandex_each_leaves_one_line_and_a_client_reads_nothing_internal,
    a_panic_that_ends_the_process_leaves_one_line_before_it,
    a_panic_on_a_thread_or_in_a_task_of_its_own_leaves_one_line,
];

/// An event, with kind and message of the failure that it leads to.
type Case = (&'static str, &'static str, &'static str);

const OWN: Case = (faulty::ERROR, "Faulty.Error", "asked for an error");
const PANIC: Case = (faulty::PANIC, "Panic", "asked for a panic");
const FOREIGN: Case = (faulty::FOREIGN, "std::io::Error", "no route to 10.0.0.7:6379");
const CASES: [Case; 3] = [OWN, PANIC, FOREIGN];

/// The formats of the log.
const FORMATS: [&str; 2] = ["text", "json"];

/// Ends the process, and returns the lines that it has written at level ERROR.
fn errors(process: &Process, format: &str) -> Vec<String> {
    process.signal(Signal::Kill).expect("the signal is sent");
    process.wait(limit()).expect("nothing survives it");
    errors_of(process.lines().into_iter().map(|line| line.text), format)
}

fn errors_of(lines: impl Iterator<Item = String>, format: &str) -> Vec<String> {
    let level = |line: &String| match format {
        "json" => serde_json::from_str::<Value>(line).is_ok_and(|json| json["level"] == "ERROR"),
        _ => line.split(' ').nth(1) == Some("ERROR"),
    };
    lines.filter(level).collect()
}

/// Asserts that there is one line for each case, with everything in it. `ids` are those that the platform gave the
/// requests; an empty one is not checked.
fn check(lines: &[String], format: &str, cases: &[Case], ids: &[String]) {
    assert_eq!(lines.len(), cases.len(), "{lines:#?}");
    for ((line, (_, kind, message)), id) in lines.iter().zip(cases).zip(ids) {
        if format == "json" {
            let json: Value = serde_json::from_str(line).expect("an object");
            assert_eq!(json["message"], format!("{kind}: {message}"), "{json}");
            assert_eq!((&json["errorType"], &json["function"]), (&(*kind).into(), &"faulty".into()), "{json}");
            let location = json["location"].as_str().unwrap_or_default();
            assert!(location.contains("faulty/src/lib.rs:"), "{json}");
            assert!(id.is_empty() || json["requestId"] == id.as_str(), "{json}");
        } else {
            let words = format!("{id} runtime: {kind}: {message} errorType={kind} function=faulty location=");
            assert!(line.contains(&words) && line.contains("faulty/src/lib.rs:"), "{line}\nlacks {words}");
        }
    }
}

fn over_http_each_leaves_one_line_and_the_client_reads_nothing_internal(runtime: &Runtime) {
    for format in FORMATS {
        let deployment = Deployment::of("faulty").env("FAAS_LOG_FORMAT", format);
        let run = OnHttp::start(runtime, deployment, "faulty");
        let ids: Vec<String> = (0..CASES.len()).map(|number| format!("id-{number}")).collect();
        for ((event, kind, message), id) in CASES.iter().zip(&ids) {
            let reply = run.call("POST", "/", &format!("X-Request-Id: {id}\r\n"), event.as_bytes());
            let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
            let open = if *kind == OWN.1 { message } else { "the function failed" };
            let expected = serde_json::json!({"errorType": kind, "errorMessage": open, "requestId": id});
            assert_eq!((reply.status, told), (500, expected));
        }
        assert_eq!(run.call("POST", "/", "", faulty::FINE.as_bytes()).status, 200, "the process lives on");
        check(&errors(&run.process, format), format, &CASES, &ids);
    }
}

fn with_debug_a_client_reads_everything(runtime: &Runtime) {
    let run = OnHttp::start(runtime, Deployment::of("faulty").env("FAAS_DEBUG", "1"), "faulty");
    for (event, _, message) in CASES {
        let reply = run.call("POST", "/", "", event.as_bytes());
        let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
        assert_eq!(told["errorMessage"], message);
        let place = told["stackTrace"][0].as_str().unwrap_or_default();
        assert!(place.starts_with("at ") && place.contains("faulty/src/lib.rs:"), "{told}");
    }
}

fn on_aws_each_leaves_one_line_and_the_owner_reads_its_message(runtime: &Runtime) {
    for format in FORMATS {
        let options = Options { log_format: Some(format.to_uppercase()), ..Options::default() };
        let run = OnAws::start(runtime, "faulty", options);
        let mut ids = Vec::new();
        for (event, kind, message) in CASES {
            let answer = run.aws.invoke(event);
            let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
            let expected = serde_json::json!({"errorType": kind, "errorMessage": message, "stackTrace": []});
            assert_eq!((answer.kind, told), (Kind::Error, expected));
            ids.push(answer.request_id);
        }
        run.call(faulty::FINE);
        run.assert_clean();
        check(&errors(&run.process, format), format, &CASES, &ids);
    }
}

fn below_the_action_proxy_each_leaves_one_line(runtime: &Runtime) {
    for format in FORMATS {
        let run = Below::start(runtime, Deployment::of("faulty"), Init::default().env("FAAS_LOG_FORMAT", format));
        for (event, kind, message) in CASES {
            assert_eq!(run.run(event).json()["error"], format!("{kind}: {message}"), "an activation's are its owner's");
        }
        // The error of a web action is its client's.
        let web = r#"{"do":"panic","__ow_method":"post","__ow_path":"","__ow_headers":{}}"#;
        assert_eq!(run.run(web).json()["error"], "Panic: the function failed");
        // A text is no result.
        assert_eq!(run.run(faulty::FINE).json()["error"], NO_RESULT);
        let mut errors = run.proxy.with_child(|child| errors(child, format));
        check_no_result(&errors.pop().expect("lines"), format);
        check(&errors, format, &[OWN, PANIC, FOREIGN, PANIC], &[const { String::new() }; 4]);
    }
}

fn in_an_action_container_each_leaves_one_line(runtime: &Runtime) {
    for format in FORMATS {
        let deployment = Deployment::of("faulty").env("FAAS_LOG_FORMAT", format);
        let run = Container::start(runtime, deployment, "faulty", openwhisk::Options::default());
        for (event, kind, message) in CASES {
            let outcome = run.run(event);
            let error = if event == faulty::PANIC { error_of(&outcome) } else { own_error_of(&outcome) };
            assert_eq!(error, format!("{kind}: {message}"), "an activation's are its owner's");
        }
        assert_eq!(error_of(&run.run(faulty::FINE)), NO_RESULT);
        let mut errors = errors(run.invoker.process(), format);
        check_no_result(&errors.pop().expect("lines"), format);
        check(&errors, format, &CASES, &[const { String::new() }; 3]);
    }
}

/// Asserts that this is the line of a result that the platform does not take.
fn check_no_result(line: &str, format: &str) {
    let kind = "Function.NoResult";
    if format == "json" {
        let json: Value = serde_json::from_str(line).expect("an object");
        assert_eq!(json["message"], format!("{kind}: {NO_RESULT}"), "{json}");
        assert_eq!((&json["errorType"], &json["function"]), (&kind.into(), &"faulty".into()), "{json}");
    } else {
        let words = format!(" runtime: {kind}: {NO_RESULT} errorType={kind} function=faulty");
        assert!(line.ends_with(&words), "{line}\nlacks {words}");
    }
}

fn on_yandex_each_leaves_one_line_and_a_client_reads_nothing_internal(runtime: &Runtime) {
    for format in FORMATS {
        let run = OnYandex::new(runtime, Deployment::of("faulty").env("FAAS_LOG_FORMAT", format), "faulty");
        for case in CASES {
            let (event, kind, message) = case;
            let ended = run.call(event);
            let expected = serde_json::json!({"errorType": kind, "errorMessage": message, "stackTrace": []});
            assert_eq!(told(&ended), expected);
            let lines = ended.log.lines().map(str::to_owned);
            check(&errors_of(lines, format), format, &[case], &["6f0c-emulated".to_owned()]);
        }
        // The platform hands the document to the client of a request.
        let ended = run.call(http_event("POST", &[("do", "panic")], &[], ""));
        assert_eq!(told(&ended)["errorMessage"], "the function failed");
    }
}

/// Returns a task root with `faulty` built with `panic = "abort"`.
fn aborting(format: &str) -> Deployment {
    Deployment::empty().file("libfaulty.so", artifacts::aborting()).env("FAAS_LOG_FORMAT", format)
}

/// Asserts that this is the line of a panic in the function of that name.
fn check_panic(line: &str, format: &str, function: &str, id: &str, message: &str) {
    if format == "json" {
        let json: Value = serde_json::from_str(line).expect("an object");
        let told = (&json["message"], &json["errorType"], &json["entry"]);
        let expected = (&format!("Panic: {message}").into(), &"Panic".into(), &format!("function {function}").into());
        assert_eq!(told, expected, "{json}");
        let place = json["location"].as_str().unwrap_or_default();
        assert!(place.contains(&format!("{function}/src/lib.rs:")), "{json}");
        assert_eq!(json["requestId"].as_str().unwrap_or_default(), id, "{json}");
    } else {
        let id = if id.is_empty() { "-" } else { id };
        let words = format!(" ERROR {id} function {function}: Panic: {message} errorType=Panic location=");
        assert!(line.contains(&words) && line.contains(&format!("{function}/src/lib.rs:")), "{line}\nlacks {words}");
    }
}

fn a_panic_that_ends_the_process_leaves_one_line_before_it(runtime: &Runtime) {
    const SIGABRT: i32 = 6;
    for format in FORMATS {
        for (event, id, message) in
            [(faulty::PANIC, "id-1", "asked for a panic"), (faulty::THREAD, "", "asked for a panic elsewhere")]
        {
            let run = OnHttp::start(runtime, aborting(format), "faulty");
            let lost = run.client().call("POST", "/", "X-Request-Id: id-1\r\n", event.as_bytes());
            assert!(lost.is_err(), "{lost:?}");
            let status = run.process.wait(limit()).expect("it has ended");
            assert_eq!(status.signal(), Some(SIGABRT), "{}", run.process.output());
            let errors = errors(&run.process, format);
            assert_eq!(errors.len(), 1, "{}", run.process.output());
            check_panic(&errors[0], format, "faulty", id, message);
        }
    }
}

fn a_panic_on_a_thread_or_in_a_task_of_its_own_leaves_one_line(runtime: &Runtime) {
    for format in FORMATS {
        for (module, event, reply, message) in [
            ("faulty", faulty::THREAD, "\"fine\"", "asked for a panic elsewhere"),
            ("tasks", "", "the task has panicked", "in a task of its own"),
        ] {
            let run = OnHttp::start(runtime, Deployment::of(module).env("FAAS_LOG_FORMAT", format), module);
            assert_eq!(run.call("POST", "/", "", event.as_bytes()).text(), reply);
            let errors = errors(&run.process, format);
            assert_eq!(errors.len(), 1, "{}", run.process.output());
            check_panic(&errors[0], format, module, "", message);
            assert!(!run.process.output().contains("panicked at"), "said once: {}", run.process.output());
        }
    }
}

/// Returns the document of a failed call.
fn told(ended: &Ended) -> Value {
    let Outcome::ExecutionError(told) = &ended.outcome else { panic!("{ended:?}") };
    serde_json::from_str(told).unwrap_or_else(|error| panic!("{error}: {told}"))
}
