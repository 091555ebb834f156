//! Services that modules offer to one another, and when each is there (`faas.h`, S1 to S5).

use crate::calls::c_module;
use integration::artifacts::Runtime;
use integration::both;
use integration::on_http::OnHttp;

both!(
    a_service_is_there_for_those_further_in_and_outlives_them,
    a_provider_further_in_still_outlives_those_further_out
);

/// Returns the lines of the module, from the start to the end of a process with these layers.
fn lines(runtime: &Runtime, layers: &[&str]) -> Vec<String> {
    let run = OnHttp::start(runtime, c_module("services").layers(layers), "services.user");
    assert_eq!(run.get("/").text(), "works", "{}", run.process.output());
    assert!(run.stop().success(), "{}", run.process.output());
    let output = run.process.output();
    output.lines().filter(|line| line.contains(" in ") && !line.contains("runtime:")).map(str::to_owned).collect()
}

fn a_service_is_there_for_those_further_in_and_outlives_them(runtime: &Runtime) {
    let found = lines(runtime, &["services.kv", "services.failing?", "services.asker"]);
    let expected = [
        "kv in create: one owner",
        "failing in create: offers",
        "asker in create: works",
        "user in create: works",
        "params in create: taken back",
        "asker in before: works",
        "user in destroy: works",
        "asker in destroy: works",
        "kv in destroy: absent",
        "kv in destroy, for whoever kept the table: cancelled",
    ];
    assert_eq!(found, expected);
}

fn a_provider_further_in_still_outlives_those_further_out(runtime: &Runtime) {
    let found = lines(runtime, &["services.asker", "services.kv"]);
    let expected = [
        "asker in create: absent",
        "kv in create: one owner",
        "user in create: works",
        "params in create: taken back",
        "asker in before: works",
        "user in destroy: works",
        "asker in destroy: works",
        "kv in destroy: absent",
        "kv in destroy, for whoever kept the table: cancelled",
    ];
    assert_eq!(found, expected);
}
