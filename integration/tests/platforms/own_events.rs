//! Events that functions declare themselves: they count where nothing else names events, and give way to a manifest
//! with a line that names both.

use integration::artifacts::{Runtime, compile_c, workspace};
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::Options;
use serde_json::{Value, json};

integration::both![
    the_manifest_counts_before_what_a_module_says_and_a_line_names_both,
    a_function_that_nobody_routes_to_is_said_and_called_by_its_name,
    two_timers_of_a_library_that_say_no_name_are_told_apart,
    the_only_function_of_a_library_serves_the_route_that_it_says,
];

/// Returns a library that C makes.
fn c_library(name: &str) -> Deployment {
    let source = workspace().join(format!("integration/tests/c/{name}.c"));
    let file = format!("lib{name}.so");
    let library = compile_c(&source, &file, &["-fvisibility=hidden"]).unwrap_or_else(|why| panic!("{why}"));
    Deployment::empty().file(&file, &library)
}

fn timers() -> Deployment {
    c_library("timers")
}

fn manifest(functions: &[Value]) -> String {
    json!({"version": 1, "functions": functions}).to_string()
}

fn the_manifest_counts_before_what_a_module_says_and_a_line_names_both(runtime: &Runtime) {
    let config = json!({"name": "north", "stock": 1});
    let function = |name: &str, events: Value| json!({"name": name, "handler": format!("shop.{name}"), "config": config, "events": events});
    let deployment = Deployment::of("shop").manifest(&manifest(&[
        function("order", json!([{"http": {"path": "/v2/orders/:id", "method": "get"}}])),
        // This is the same as in the module, written otherwise, and no line tells of it.
        function("buy", json!([{"http": {"path": "/orders", "method": ["POST"]}}])),
        function("deliver", json!([])),
        function("report", json!([{"http": {"path": "/report", "method": "get"}}, {"timer": {"source": "nightly"}}])),
    ]));
    let run = OnHttp::start(runtime, deployment, "");
    let bought =
        run.call("POST", "/orders", "X-Customer: ada\r\nContent-Type: application/json\r\n", br#"{"pieces":1}"#);
    assert_eq!(bought.status, 201, "{}", bought.text());
    assert_eq!(run.get("/v2/orders/0").status, 200);
    assert_eq!(run.get("/orders/0").status, 404, "its own route is nobody's");
    let line = "INFO - runtime: function order serves what the manifest says, GET /v2/orders/:id, and not what its module says, GET \
                /orders/{id}";
    run.process.wait_for_line(|found| found.ends_with(line), limit()).unwrap_or_else(|late| panic!("{late}"));
    assert_eq!(run.stop().code(), Some(0));
    let output = run.process.output();
    assert_eq!(output.matches("not what its module says").count(), 1, "{output}");
    assert!(!output.contains("serves no events"), "{output}");
}

const TIMER: &str =
    r#"{"source":"aws.events","detail-type":"Scheduled Event","resources":["arn:aws:events:r:1:rule/NAME"]}"#;

fn a_function_that_nobody_routes_to_is_said_and_called_by_its_name(runtime: &Runtime) {
    let function = |name: &str| json!({"name": name, "handler": format!("timers.{name}")});
    let deployment = timers().manifest(&manifest(&[function("night"), function("quiet")]));
    let run = OnAws::launch(runtime, deployment, "quiet", Options::default()).polling();
    assert_eq!(run.call("{}").text(), "quiet", "the handler names it");
    assert_eq!(run.call(TIMER).text(), "night");
    assert_eq!(
        run.process.output().matches("serves no events").count(),
        0,
        "it is the default: {}",
        run.process.output()
    );
    run.assert_clean();
    let deployment = timers().manifest(&manifest(&[function("night"), function("quiet")]));
    let run = OnAws::launch(runtime, deployment, "nobody", Options::default()).polling();
    let line =
        "function quiet serves no events: neither the manifest nor its module names any, and it is called by its name";
    run.process.wait_for_line(|found| found.ends_with(line), limit()).unwrap_or_else(|late| panic!("{late}"));
    assert_eq!(run.process.output().matches("serves no events").count(), 1, "{}", run.process.output());
}

fn two_timers_of_a_library_that_say_no_name_are_told_apart(runtime: &Runtime) {
    let all = json!(["night", "often", "quiet"]);
    let functions: Vec<Value> = all
        .as_array()
        .into_iter()
        .flatten()
        .map(|name| json!({"name": name, "handler": format!("timers.{}", name.as_str().unwrap_or_default())}))
        .collect();
    // The library is served whole, without a manifest, and by one that leaves the events to it.
    for deployment in [timers(), timers().manifest(&manifest(&functions))] {
        let run = OnAws::launch(runtime, deployment, "timers", Options::default()).polling();
        assert_eq!(run.call(&*TIMER.replace("NAME", "night-timer")).text(), "night");
        assert_eq!(run.call(&*TIMER.replace("NAME", "often-timer")).text(), "often");
        run.assert_clean();
    }
}

fn the_only_function_of_a_library_serves_the_route_that_it_says(runtime: &Runtime) {
    let run = OnHttp::start(runtime, c_library("alone"), "alone");
    assert_eq!(run.get("/alone/7").text(), "page", "{}", run.process.output());
    assert_eq!(run.call("POST", "/alone/7", "", b"").status, 405);
    assert_eq!(run.get("/").status, 404);
}
