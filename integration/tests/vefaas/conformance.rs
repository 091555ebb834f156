//! The statements of `docs/conformance/vefaas.md`, one test a behaviour.

use super::run::OnVefaas;
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::wait::limit;
use platform_emulators::vefaas::Request;
use std::net::TcpListener;

integration::both![
    control_requests_need_their_header,
    other_control_requests_are_refused,
    a_port_in_use_is_exit_170,
    the_function_starts_with_the_initializer_or_the_first_request,
    an_unknown_event_type_is_400,
    what_is_no_cloud_event_is_400,
    the_duration_is_told,
    the_limit_of_the_function_reaches_it,
    a_wrong_environment_ends_the_process,
];

fn control_requests_need_their_header(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "inspect");
    for headers in [&[][..], &[("X-Faas-Internal-Request", "false")]] {
        for (method, path) in
            [("POST", "/v1/initialize"), ("GET", "/v1/version"), ("GET", "/livez"), ("GET", "/readyz")]
        {
            let seen = run.inspect(&Request::http(method, path, headers, ""));
            assert_eq!(seen.0["http"]["path"], path, "it is the function's");
        }
    }
    let version = run.instance.control("GET", "/v1/version").expect("it is answered");
    assert_eq!((version.status, version.text().split('.').count()), (200, 3), "{}", version.text());
}

fn other_control_requests_are_refused(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "echo");
    for (method, path, status) in
        [("GET", "/v1/initialize", 405), ("POST", "/v1/version", 405), ("GET", "/", 404), ("POST", "/v1/other", 404)]
    {
        assert_eq!(run.instance.control(method, path).expect("it is answered").status, status, "{method} {path}");
    }
}

fn a_port_in_use_is_exit_170(runtime: &Runtime) {
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = taken.local_addr().expect("it has an address").port().to_string();
    // This variable counts more than the platform's.
    let deployment = Deployment::of("echo").env("_FAAS_RUNTIME_PORT", &port);
    let run = OnVefaas::launch(runtime, deployment, "echo", None);
    assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(170), "{}", run.process().output());
    assert!(run.process().output().contains(&port), "{}", run.process().output());
}

fn starts(run: &OnVefaas) -> usize {
    run.process().lines().iter().filter(|line| line.text == "function in FunctionStart").count()
}

fn the_function_starts_with_the_initializer_or_the_first_request(runtime: &Runtime) {
    let run = OnVefaas::start(runtime, Deployment::of("probe"), "probe.phases", None);
    for _ in 0..2 {
        run.instance.initialize().unwrap_or_else(|why| panic!("{why}"));
    }
    run.process().wait_for_line(|line| line == "function in FunctionStart", limit()).expect("it starts");
    assert_eq!((run.post("x").text().as_str(), starts(&run)), ("done", 1));

    let run = OnVefaas::start(runtime, Deployment::of("probe"), "probe.phases", None);
    assert_eq!(run.post("x").text(), "done", "without an initializer");
    run.process().wait_for_line(|line| line == "function in Invoke", limit()).expect("it ran");
    assert_eq!(starts(&run), 1);
}

fn an_unknown_event_type_is_400(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "echo");
    let request = Request { event_type: "carrier-pigeon".to_owned(), ..Request::http("POST", "/", &[], "x") };
    let answer = run.call(&request);
    assert_eq!((answer.status, answer.header("x-faas-response-error-code")), (400, Some("invalid_event_type")));
    let bare = Request { event_type: String::new(), ..Request::http("POST", "/", &[], "x") };
    assert_eq!(run.call(&bare).text(), "x", "none is a request");
}

fn what_is_no_cloud_event_is_400(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "echo");
    let structured = [("Content-Type", "application/cloudevents+json")];
    for request in [
        Request::event(&[], "no event at all"),
        Request::event(&[("ce-specversion", "1.0"), ("ce-id", "1")], "no source and no type"),
        Request::event(&structured, "no JSON"),
        Request::event(&structured, r#"{"specversion":"1.0","id":"1"}"#),
    ] {
        let answer = run.call(&request);
        assert_eq!((answer.status, answer.header("x-faas-response-error-code")), (400, Some("invalid_cloud_event")));
    }
}

fn the_duration_is_told(runtime: &Runtime) {
    let run = OnVefaas::of(runtime, "faulty");
    for event in [r#"{"do":"sleep","ms":20}"#, r#"{"do":"error"}"#] {
        let answer = run.post(event);
        let told = answer.header("x-faas-execution-duration").unwrap_or_default();
        let millis: f64 = told.parse().unwrap_or_else(|error| panic!("{told:?}: {error}"));
        assert!(millis >= 0.0 && told.split_once('.').is_some_and(|(_, digits)| digits.len() == 2), "{told}");
        assert!(!event.contains("sleep") || millis >= 20.0, "{told}");
    }
}

fn the_limit_of_the_function_reaches_it(runtime: &Runtime) {
    let run = OnVefaas::start(runtime, Deployment::of("inspect"), "inspect", Some(3600));
    let seen = run.inspect(&Request::http("GET", "/", &[], ""));
    assert!((3_000_000..=3_600_000).contains(&seen.number("remaining_ms")), "{}", seen.0);
    let run = OnVefaas::of(runtime, "inspect");
    assert!(run.inspect(&Request::http("GET", "/", &[], "")).0["deadline_ms"].is_null());
}

fn a_wrong_environment_ends_the_process(runtime: &Runtime) {
    for (name, value) in [("_FAAS_RUNTIME_PORT", "many"), ("_FAAS_FUNC_TIMEOUT", "long")] {
        let run = OnVefaas::launch(runtime, Deployment::of("echo").env(name, value), "echo", None);
        assert_eq!(run.process().wait(limit()).expect("it leaves").code(), Some(1), "{name}");
        let said = run.process().output();
        assert!(said.contains(name) && said.contains("platform vefaas"), "{said}");
    }
}
