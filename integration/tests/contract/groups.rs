//! Functions that share an instance, and functions that say themselves what they serve.

use crate::calls::{assert_says, c_module};
use integration::artifacts::Runtime;
use integration::both;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;

both!(
    a_module_named_alone_is_served_by_its_own_triggers_with_one_instance_a_group,
    two_configurations_are_two_instances,
    a_manifest_takes_a_modules_triggers_where_it_gives_no_events,
    what_a_manifest_gives_to_another_function_stays_that_functions,
);

fn shop() -> Deployment {
    c_module("shop")
}

/// Sends a request, and returns status and text.
fn call(run: &OnHttp, method: &str, target: &str) -> (u16, String) {
    let reply = run.call(method, target, "", b"");
    (reply.status, reply.text())
}

/// Checks how often each line of the module's was written, after a clean stop.
fn assert_lines(run: &OnHttp, expected: &[(&str, usize)]) {
    assert!(run.stop().success(), "{}", run.process.output());
    let output = run.process.output();
    for (line, times) in expected {
        assert_eq!(output.lines().filter(|said| said.trim_end() == *line).count(), *times, "{line}: {output}");
    }
}

fn ok(text: &str) -> (u16, String) {
    (200, text.to_owned())
}

fn a_module_named_alone_is_served_by_its_own_triggers_with_one_instance_a_group(runtime: &Runtime) {
    let run = OnHttp::start(runtime, shop().env("FAAS_CONFIG", "{}"), "shop");
    assert_eq!(call(&run, "GET", "/orders/7"), ok("look {} 1"));
    assert_eq!(call(&run, "POST", "/orders"), ok("add {} 2"));
    assert_eq!(call(&run, "GET", "/nowhere"), ok("page {} 3"));
    assert_eq!(call(&run, "GET", "/alone"), ok("alone {} 1"));
    assert_eq!(call(&run, "DELETE", "/orders").0, 405);
    // There is one for the group, and one for the function that is of none.
    let lines = [("shop {}: created", 2), ("shop {}: started", 2), ("shop {}: closed", 2), ("shop {}: destroyed", 2)];
    assert_lines(&run, &lines);
}

fn two_configurations_are_two_instances(runtime: &Runtime) {
    let manifest = r#"{"version": 1, "functions": [
        {"name": "a", "handler": "shop.look", "config": 1, "events": [{"http": {"path": "/a"}}]},
        {"name": "b", "handler": "shop.add", "config": 1, "events": [{"http": {"path": "/b"}}]},
        {"name": "c", "handler": "shop.look", "config": 2, "events": [{"http": {"path": "/c"}}]},
        {"name": "d", "handler": "shop.add", "config": 2, "start": "lazy", "events": [{"http": {"path": "/d"}}]},
        {"name": "e", "handler": "shop.add", "config": 2, "environment": {"E": 1}, "events": [{"http": {"path": "/e"}}]}
    ]}"#;
    let run = OnHttp::start(runtime, shop().manifest(manifest), "");
    let calls = ["/a", "/b", "/c", "/d", "/e"].map(|path| call(&run, "GET", path));
    assert_eq!(calls, ["look 1 1", "add 1 2", "look 2 1", "add 2 2", "add 2 1"].map(ok));
    let lines = [
        ("shop 1: created", 1),
        ("shop 1: started", 1),
        ("shop 1: closed", 1),
        ("shop 1: destroyed", 1),
        ("shop 2: created", 2),
        ("shop 2: started", 2),
        ("shop 2: closed", 2),
        ("shop 2: destroyed", 2),
    ];
    assert_lines(&run, &lines);
}

fn a_manifest_takes_a_modules_triggers_where_it_gives_no_events(runtime: &Runtime) {
    let manifest = r#"{"version": 1, "functions": [
        {"name": "look", "handler": "shop.look"},
        {"name": "add", "handler": "shop.add", "events": [{"http": {"path": "/add"}}]}
    ]}"#;
    let run = OnHttp::start(runtime, shop().manifest(manifest), "");
    assert_eq!(call(&run, "GET", "/orders/7"), ok("look  1"));
    assert_eq!(call(&run, "GET", "/add"), ok("add  2"));
    assert_eq!(call(&run, "POST", "/orders").0, 404, "the manifest's events count instead");
}

fn what_a_manifest_gives_to_another_function_stays_that_functions(runtime: &Runtime) {
    let manifest = r#"{"version": 1, "functions": [
        {"name": "look", "handler": "shop.look"},
        {"name": "add", "handler": "shop.add", "events": [{"http": {"path": "/orders/:number", "method": "GET"}}]}
    ]}"#;
    let run = OnHttp::start(runtime, shop().manifest(manifest), "");
    assert_says(&run, "function look does not serve what its module says");
    assert_eq!(call(&run, "GET", "/orders/7"), ok("add  1"));
}
