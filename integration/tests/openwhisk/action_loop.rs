//! The statements of `docs/conformance/openwhisk.md` about a child of the stock proxy.

use super::run::{Below, NO_RESULT};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::faulty;
use integration::inspected::Inspected;
use platform_emulators::openwhisk::{Activation, Init, SENTINEL, Started};
use platform_emulators::process::Stream;
use serde_json::{Value, json};

integration::both![
    each_line_in_has_one_line_out,
    prints_go_to_the_log_and_never_among_the_answers,
    the_start_is_acknowledged_only_where_the_proxy_waits_for_it,
    the_end_of_the_input_is_the_end,
    what_is_no_json_is_answered_with_an_error_in_json,
    after_an_error_answers_still_belong_to_their_lines,
    a_panic_is_an_answer_and_the_process_lives_on,
    what_is_no_result_is_written_as_it_is_for_the_proxy_to_refuse,
    an_environment_of_nothing_but_the_proxys_own_is_enough,
    children_of_the_function_have_no_descriptor_of_ours,
    a_line_of_five_megabytes_is_read_whole,
    a_second_init_and_empty_code_are_the_proxys_to_refuse,
    a_child_that_dies_is_seen_at_once,
    line_feeds_of_the_payload_are_gone_before_the_pipe,
    sentinels_are_the_proxys_to_write,
    the_context_is_that_of_the_line,
    a_failed_start_fails_the_init,
];

fn each_line_in_has_one_line_out(runtime: &Runtime) {
    let run = Below::of(runtime, "echo");
    for number in 0..100 {
        let said = run.run(&format!(r#"{{"n":{number}}}"#));
        assert_eq!((said.status, said.body), (200, format!("{{\"n\":{number}}}\n").into_bytes()));
    }
    assert_eq!(run.proxy.unasked(), Vec::<String>::new());
    assert_eq!(run.proxy.end().expect("it leaves").code(), Some(0), "{}", run.output());
    assert_eq!(run.proxy.unasked(), Vec::<String>::new(), "nor at the end");
}

fn prints_go_to_the_log_and_never_among_the_answers(runtime: &Runtime) {
    let run = Below::action(runtime, "noisy");
    for _ in 0..3 {
        assert_eq!(run.run("{}").json(), json!({ "lines": [1, "a\nb"] }));
    }
    assert_eq!(run.proxy.end().expect("it leaves").code(), Some(0), "{}", run.output());
    let printed = run.proxy.with_child(|child| child.lines_of(Stream::Stdout));
    assert_eq!(printed.iter().filter(|line| *line == r#"{"printed":true}"#).count(), 3, "{printed:?}");
    assert_eq!(run.proxy.unasked(), Vec::<String>::new());
}

fn the_start_is_acknowledged_only_where_the_proxy_waits_for_it(runtime: &Runtime) {
    for wait_for_ack in [true, false] {
        let options = Started { wait_for_ack, ..Started::default() };
        let run = Below::new(runtime, Deployment::of("echo"), options);
        assert_eq!(run.init(Init::default()).status, 200, "{}", run.output());
        // An acknowledgement that nobody waited for would be taken for the first answer.
        assert_eq!(run.run(r#"{"first":1}"#).json(), json!({ "first": 1 }));
        assert_eq!(run.proxy.end().expect("it leaves").code(), Some(0), "{}", run.output());
        assert_eq!(run.proxy.unasked(), Vec::<String>::new());
    }
}

fn the_end_of_the_input_is_the_end(runtime: &Runtime) {
    for calls in [0, 1] {
        let run = Below::of(runtime, "echo");
        for _ in 0..calls {
            assert_eq!(run.run("{}").status, 200);
        }
        assert_eq!(run.proxy.end().expect("it leaves").code(), Some(0), "{}", run.output());
    }
}

fn what_is_no_json_is_answered_with_an_error_in_json(runtime: &Runtime) {
    let run = Below::of(runtime, "echo");
    for input in [&b"\"quotes\" and \\"[..], b"{\"value\":", b"", b"\xff\xfe", b"[1]", b"7"] {
        let said = run.proxy.send(input);
        assert!(said.status == 200 && said.json()["error"].is_string(), "{}", input.escape_ascii());
    }
    assert_eq!(run.run(r#"{"a":1}"#).json(), json!({ "a": 1 }));
    assert_eq!(run.proxy.unasked(), Vec::<String>::new());
}

fn after_an_error_answers_still_belong_to_their_lines(runtime: &Runtime) {
    let run = Below::of(runtime, "faulty");
    for _ in 0..3 {
        let said = run.run(faulty::ERROR);
        assert!(said.json()["error"].as_str().is_some_and(|error| error.starts_with("Faulty.Error: ")), "{said:?}");
        assert_eq!(run.run(faulty::FINE).json(), json!({ "error": NO_RESULT }));
        assert!(run.proxy.send(b"no json").json()["error"].is_string());
    }
    assert_eq!(run.proxy.unasked(), Vec::<String>::new());
}

fn a_panic_is_an_answer_and_the_process_lives_on(runtime: &Runtime) {
    let run = Below::of(runtime, "faulty");
    let said = run.run(faulty::PANIC);
    assert!(said.json()["error"].as_str().is_some_and(|error| error.starts_with("Panic: ")), "{said:?}");
    // It is a text, which the proxy refuses in words that it has for an answer alone.
    assert_eq!(run.run(faulty::FINE).json(), json!({ "error": NO_RESULT }));
    assert_eq!(run.proxy.end().expect("it leaves").code(), Some(0), "{}", run.output());
}

fn what_is_no_result_is_written_as_it_is_for_the_proxy_to_refuse(runtime: &Runtime) {
    let run = Below::of(runtime, "echo");
    for value in ["\"text\"", "7", "true"] {
        let said = run.run(value);
        assert_eq!((said.status, said.json()), (502, json!({ "error": NO_RESULT })), "{value}");
    }
    assert_eq!(run.run("[1,2]").json(), json!([1, 2]));
}

/// The emulator gives no other variables, and the function finds those that it gives.
fn an_environment_of_nothing_but_the_proxys_own_is_enough(runtime: &Runtime) {
    let init = Init::default().env("FAAS_HANDLER", "action.told").env("GREETING", "hi").env("EMPTY", "");
    let run = Below::start(runtime, super::run::action(), init);
    let told = run.run("{}").json();
    let seen = ["greeting", "empty", "absent", "namespace"].map(|name| told[name].clone());
    assert_eq!(seen, [json!("hi"), json!(""), json!(null), json!("guest")], "{told}");
    assert_eq!(told["container_api_host"], "https://ow.example");
}

fn children_of_the_function_have_no_descriptor_of_ours(runtime: &Runtime) {
    let run = Below::action(runtime, "descriptors");
    assert_eq!(run.run("{}").json(), json!({ "inherited": leaked() }));
}

/// Returns the descriptors beyond the first three that any program started by this one has, since they were inherited.
fn leaked() -> Vec<u64> {
    const CLOSE_ON_EXEC: u32 = 0o2_000_000;
    let inherited = |fd: &u64| {
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = flags.and_then(|text| u32::from_str_radix(text.trim(), 8).ok());
        flags.is_some_and(|flags| flags & CLOSE_ON_EXEC == 0)
    };
    // The third descriptor is the shell's, which opens it for the answers.
    (4..256).filter(inherited).collect()
}

fn a_line_of_five_megabytes_is_read_whole(runtime: &Runtime) {
    let run = Below::of(runtime, "echo");
    let value = format!(r#"{{"a":"{}"}}"#, "x".repeat(5_000_000));
    let said = run.run(&value);
    assert!(said.status == 200 && said.body.strip_suffix(b"\n") == Some(value.as_bytes()), "{} bytes", said.body.len());
}

fn a_second_init_and_empty_code_are_the_proxys_to_refuse(runtime: &Runtime) {
    let run = Below::new(runtime, Deployment::of("echo"), Started::default());
    let empty = run.proxy.init(&Init::default(), std::path::Path::new("/bin/false"), std::path::Path::new("/"));
    assert_eq!((empty.status, empty.json()), (403, json!({ "error": "Missing main/no code to execute." })));
    assert_eq!(run.init(Init::default()).status, 200);
    assert_eq!(run.init(Init::default()).status, 403);
    assert_eq!(run.run("{}").status, 200, "the child has not noticed");
}

fn a_child_that_dies_is_seen_at_once(runtime: &Runtime) {
    let run = Below::new(runtime, Deployment::of("faulty"), Started::default());
    assert_eq!(run.run("{}").status, 500, "nothing has been sent yet");
    assert_eq!(run.init(Init::default()).status, 200);
    let said = run.run(r#"{"do":"exit","code":7}"#);
    assert_eq!((said.status, said.json()), (400, json!({ "error": "command exited" })));
    assert_eq!(run.run("{}").status, 500);
    let run = Below::of(runtime, "echo");
    run.proxy.kill().expect("it is there");
    assert_eq!(run.run("{}").status, 500);
}

fn line_feeds_of_the_payload_are_gone_before_the_pipe(runtime: &Runtime) {
    let run = Below::of(runtime, "echo");
    let said = run.proxy.send(b"{\n  \"value\": {\n    \"a\": \"x\\ny\"\n  }\n}\n");
    assert_eq!((said.status, said.json()), (200, json!({ "a": "x\ny" })));
    assert_eq!(run.run("{\"b\":\n1}").json(), json!({ "b": 1 }));
    assert_eq!(run.proxy.unasked(), Vec::<String>::new());
}

fn sentinels_are_the_proxys_to_write(runtime: &Runtime) {
    let run = Below::of(runtime, "faulty");
    for event in [faulty::ERROR, faulty::PANIC, faulty::FINE] {
        run.run(event);
    }
    assert_eq!(run.proxy.end().expect("it leaves").code(), Some(0), "{}", run.output());
    assert!(!run.output().contains(SENTINEL), "{}", run.output());
}

fn the_context_is_that_of_the_line(runtime: &Runtime) {
    let run = Below::of(runtime, "inspect");
    for number in [false, true] {
        let api_host = Some("https://h".to_owned());
        let activation =
            Activation { number, deadline_ms: 4_000_000_000_123, api_host, ..Activation::of(r#"{"n":1}"#) };
        let seen = Inspected(run.proxy.run(&activation).json());
        assert_eq!((seen.text("platform"), seen.text("request_id")), ("openwhisk", &*activation.id));
        assert_eq!((seen.number("deadline_ms"), seen.event()), (4_000_000_000_123, br#"{"n":1}"#.to_vec()));
        assert_eq!((seen.text("function"), &seen.0["cold_start"]), ("order", &Value::Bool(!number)));
    }
    let web = r#"{"__ow_method":"get","__ow_headers":{},"__ow_path":"/a","__ow_query":"x=1","__ow_body":""}"#;
    let reply = run.run(web).json();
    assert_eq!(reply["statusCode"], 200, "{reply}");
    let seen = Inspected::read(reply["body"].as_str().expect("a text").as_bytes());
    assert_eq!((seen.text("trigger"), &seen.0["http"]["path"]), ("http", &json!("/a")));
}

fn a_failed_start_fails_the_init(runtime: &Runtime) {
    for (deployment, init) in [
        (Deployment::empty(), Init::default()),
        (Deployment::of("probe"), Init::default().env("FAAS_HANDLER", "probe.failing_start")),
    ] {
        let run = Below::new(runtime, deployment, Started::default());
        let said = run.init(init);
        assert_eq!(said.status, 502, "{said:?}");
        assert!(
            said.json()["error"].as_str().is_some_and(|error| error.starts_with("cannot start action: ")),
            "{said:?}"
        );
        assert_eq!(run.proxy.end().expect("it leaves").code(), Some(1), "{}", run.output());
    }
}
