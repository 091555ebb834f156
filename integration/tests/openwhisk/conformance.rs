//! The statements of `docs/conformance/openwhisk.md` about an action container.

use super::run::{Container, NO_RESULT, action, error_of, own_error_of, until_held};
use super::web::inspected;
use integration::artifacts::Runtime;
use integration::client::Client;
use integration::deployment::Deployment;
use integration::faulty;
use integration::wait::limit;
use platform_emulators::base64;
use platform_emulators::openwhisk::{Activation, Init, Options, Outcome};
use platform_emulators::process::Stream;
use serde_json::{Value, json};

integration::both![
    a_second_init_is_refused_in_the_exact_words_printed_too,
    a_run_before_init_is_500,
    objects_and_arrays_are_results_and_nothing_else_is,
    each_run_ends_with_a_sentinel_on_both_streams_and_init_with_none,
    every_answer_says_its_length,
    the_payload_is_the_context_and_the_api_host_is_the_containers,
    unicode_and_a_mebibyte_come_back,
    an_error_of_the_actions_own_is_200_and_keeps_the_container,
    after_sigterm_the_invoker_is_sent_elsewhere,
    the_environment_of_init_is_there_when_the_action_starts,
    each_activation_comes_on_a_connection_of_its_own,
    several_at_once_where_the_container_allows_it,
    what_is_no_request_of_the_invokers_is_refused,
    code_counts_only_where_it_is_allowed,
];

fn a_second_init_is_refused_in_the_exact_words_printed_too(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    let answer = run.invoker.init(&Init::default()).expect("an answer");
    assert_eq!(answer.status, 403);
    let words = "Cannot initialize the action more than once.";
    assert_eq!(serde_json::from_slice::<Value>(&answer.body).expect("JSON"), json!({ "error": words }));
    run.invoker.process().wait_for_line(|line| line.contains(words), limit()).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(run.result(r#"{"a":1}"#), json!({ "a": 1 }), "it is still the same action");
    run.assert_clean();
}

fn a_run_before_init_is_500(runtime: &Runtime) {
    let run = Container::launch(runtime, Deployment::of("echo"), "echo", Options::default());
    let answer = integration::wait::until("it listens", run.invoker.process(), || {
        run.invoker.send(&Activation::of(r#"{"a":1}"#)).ok()
    });
    let answer = answer.unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((answer.status, answer.text().as_str()), (500, r#"{"error":"no action defined yet"}"#));
    assert_eq!(run.invoker.init(&Init::default()).expect("an answer").status, 200);
    assert_eq!(run.result(r#"{"a":1}"#), json!({ "a": 1 }));
    run.assert_clean();
}

fn objects_and_arrays_are_results_and_nothing_else_is(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    for value in [r#"{"a":null}"#, "[1,[]]", "{}", "[]"] {
        assert_eq!(run.result(value).to_string(), value);
    }
    for value in ["\"text\"", "7", "true", "-0.5"] {
        assert_eq!(error_of(&run.run(value)), NO_RESULT, "{value}");
    }
    run.assert_clean();
}

fn each_run_ends_with_a_sentinel_on_both_streams_and_init_with_none(runtime: &Runtime) {
    let run = Container::of(runtime, "faulty");
    assert_eq!(run.invoker.sentinels(Stream::Stdout) + run.invoker.sentinels(Stream::Stderr), 0);
    own_error_of(&run.run(faulty::ERROR));
    for event in [faulty::PANIC, faulty::FINE] {
        error_of(&run.run(event));
    }
    run.assert_clean();
    assert_eq!((run.invoker.sentinels(Stream::Stdout), run.invoker.sentinels(Stream::Stderr)), (3, 3));
    // The lines of an action stand before the sentinel of its run.
    let run = Container::start(runtime, action(), "action.noisy", Options::default());
    assert_eq!(run.result("{}"), json!({ "lines": [1, "a\nb"] }));
    run.assert_clean();
    let lines = run.invoker.process().lines_of(Stream::Stdout);
    let at = |wanted: &str| lines.iter().position(|line| line == wanted);
    assert!(
        at(r#"{"printed":true}"#).is_some_and(|printed| Some(printed) < at(platform_emulators::openwhisk::SENTINEL))
    );
}

/// The emulator throws any other away.
fn every_answer_says_its_length(runtime: &Runtime) {
    let run = Container::of(runtime, "stream");
    // A stream is collected; its lines are no JSON.
    assert_eq!(error_of(&run.run(r#"{"chunks":3,"bytes":16}"#)), NO_RESULT);
    for (path, body) in [("/init", "{}"), ("/run", "no json"), ("/run", "[]"), ("/", "{}"), ("/run", "")] {
        let answer =
            run.invoker.exchange(path, body.as_bytes()).unwrap_or_else(|error| panic!("{path} {body}: {error}"));
        assert!(answer.status >= 400 && answer.text().starts_with("{\"error\":"), "{path} {body}: {}", answer.text());
    }
    run.assert_clean();
}

fn the_payload_is_the_context_and_the_api_host_is_the_containers(runtime: &Runtime) {
    let run = Container::of(runtime, "inspect");
    for number in [false, true] {
        let activation = Activation { number, deadline_ms: 4_000_000_000_123, ..Activation::of("{}") };
        let seen = inspected(run.invoker.run(&activation));
        assert_eq!((seen.number("deadline_ms"), seen.text("request_id")), (4_000_000_000_123, &*activation.id));
        assert_eq!((seen.text("function"), seen.text("version")), ("order", "0.0.1"));
        assert_eq!(seen.0["trace"]["platform"], "t1");
    }
    let run = Container::start(runtime, action(), "action.told", Options::default());
    let told = run.result("{}");
    assert_eq!(
        (&told["container_api_host"], &told["call_api_host"]),
        (&json!("https://ow.example"), &json!("https://ow.example"))
    );
    assert_eq!(told["transaction"], "t1");
    let api_host = Some("https://other.example".to_owned());
    let Outcome::Success(told) = run.invoker.run(&Activation { api_host, ..Activation::of("{}") }) else {
        panic!("{}", run.output())
    };
    assert_eq!(told["call_api_host"], "https://other.example");
    run.assert_clean();
}

fn unicode_and_a_mebibyte_come_back(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    let value = json!({ "winter": "❄ ☃ ❄", "emoji": "\u{1f600}", "escapes": "\u{0}\u{7f}\n\"\\" });
    assert_eq!(run.result(&value.to_string()), value);
    let long = json!({ "a": "a".repeat(1_048_561) });
    assert_eq!(run.result(&long.to_string()), long);
    run.assert_clean();
}

fn an_error_of_the_actions_own_is_200_and_keeps_the_container(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    let own = json!({ "error": { "code": 7 } });
    assert_eq!(run.run(&own.to_string()), Outcome::ApplicationError(own));
    let run = Container::of(runtime, "faulty");
    let Outcome::ApplicationError(said) = run.run(faulty::ERROR) else { panic!("{}", run.output()) };
    assert_eq!(said.as_object().map(serde_json::Map::len), Some(1), "{said}");
    assert!(said["error"].as_str().is_some_and(|error| error.starts_with("Faulty.Error: ")), "{said}");
    run.assert_clean();
}

fn after_sigterm_the_invoker_is_sent_elsewhere(runtime: &Runtime) {
    // There is time enough to ask, however busy the machine is.
    let deployment = action().env("FAAS_LAME_DUCK", "6s").env("FAAS_GRACE", "60s");
    let run = Container::start(runtime, deployment, "action.hold", Options::default());
    std::thread::scope(|scope| {
        let held = scope.spawn(|| run.run(&run.until_file("go")));
        until_held(run.invoker.process(), 1);
        run.terminate();
        assert_eq!(run.run("{}"), Outcome::Rescheduled, "{}", run.output());
        assert_eq!(run.invoker.init(&Init::default()).expect("an answer").status, 503);
        run.let_go("go");
        assert_eq!(held.join().expect("it is answered"), Outcome::Success(json!({ "let": "go" })));
    });
    assert_eq!(run.invoker.wait().expect("it leaves").code(), Some(0), "{}", run.output());
    run.assert_clean();
    // A container that was never initialised has nothing to end.
    let run = Container::launch(runtime, Deployment::of("echo"), "echo", Options::default());
    let listens = || run.invoker.exchange("/", b"{}").ok();
    integration::wait::until("it listens", run.invoker.process(), listens).unwrap_or_else(|why| panic!("{why}"));
    run.invoker.terminate().expect("the signal is sent");
    assert_eq!(run.invoker.wait().expect("it leaves").code(), Some(0), "{}", run.output());
}

fn the_environment_of_init_is_there_when_the_action_starts(runtime: &Runtime) {
    let run = Container::launch(runtime, action(), "action.told", Options::default());
    let init = Init::default().env("GREETING", "grüß dich").env("EMPTY", "");
    assert_eq!(run.invoker.init(&init).expect("an answer").status, 200, "{}", run.output());
    let told = run.result("{}");
    let seen = ["greeting", "empty", "absent", "namespace"].map(|name| told[name].clone());
    assert_eq!(seen, [json!("grüß dich"), json!(""), json!(null), json!("guest")], "{told}");
    run.assert_clean();
}

fn each_activation_comes_on_a_connection_of_its_own(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    // A client that says nothing keeps nobody from being heard.
    let _silent = Client::connect(run.invoker.address()).expect("it listens");
    for number in 0..50 {
        assert_eq!(run.result(&format!(r#"{{"n":{number}}}"#)), json!({ "n": number }));
    }
    run.assert_clean();
}

fn several_at_once_where_the_container_allows_it(runtime: &Runtime) {
    let options = Options { concurrent: true, ..Options::default() };
    let run = Container::start(runtime, action(), "action.hold", options);
    std::thread::scope(|scope| {
        let held = [0, 1, 2].map(|_| scope.spawn(|| run.run(&run.until_file("go"))));
        until_held(run.invoker.process(), 3);
        run.let_go("go");
        for held in held {
            assert_eq!(held.join().expect("it is answered"), Outcome::Success(json!({ "let": "go" })));
        }
    });
    run.assert_clean();
}

fn what_is_no_request_of_the_invokers_is_refused(runtime: &Runtime) {
    let run = Container::of(runtime, "echo");
    let mut client = Client::connect(run.invoker.address()).expect("it listens");
    for (method, path) in [("GET", "/run"), ("PUT", "/init"), ("POST", "/"), ("POST", "/runner")] {
        let reply = client.call(method, path, "", b"").expect("an answer");
        assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
    }
    let broken = run.invoker.exchange("/run", b"{\"value\":").expect("an answer");
    assert!(broken.status == 400 && broken.text().starts_with("{\"error\":\"invalid JSON"), "{}", broken.text());
    run.assert_clean();
}

fn code_counts_only_where_it_is_allowed(runtime: &Runtime) {
    let run = Container::launch(runtime, Deployment::of("echo"), "echo", Options::default());
    let init = Init { code: "not even base64".into(), binary: true, ..Init::default() };
    assert_eq!(run.invoker.init(&init).expect("an answer").status, 200, "an image with a function ignores it");
    assert_eq!(run.result(r#"{"a":1}"#), json!({ "a": 1 }));
    for (init, status, words) in [
        (Init::default(), 403, "Missing main/no code to execute."),
        (init, 400, "cannot decode the request: "),
        (Init { code: "f0VMRg==".into(), binary: true, ..Init::default() }, 502, "Runtime."),
    ] {
        let run =
            Container::launch(runtime, Deployment::empty().env("FAAS_ALLOW_INIT_CODE", "1"), "", Options::default());
        let answer = run.invoker.init(&init).expect("an answer");
        let said: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!(answer.status, status, "{said}");
        assert!(said["error"].as_str().is_some_and(|error| error.starts_with(words)), "{said}");
    }
    let library = std::fs::read(integration::artifacts::get().module("echo")).expect("the library is there");
    let deployment = Deployment::empty().env("FAAS_ALLOW_INIT_CODE", "1");
    let run = Container::launch(runtime, deployment, "", Options::default());
    let init = Init { code: base64::encode(&library), binary: true, ..Init::default() };
    let answer = run.invoker.init(&init).expect("an answer");
    assert_eq!(answer.status, 200, "{}; output:\n{}", answer.text(), run.output());
    assert_eq!(run.result(r#"{"a":1}"#), json!({ "a": 1 }));
    run.assert_clean();
}
