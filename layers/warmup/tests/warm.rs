//! The calls that never reach the function, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, App, Invoke, sample, samples};
use handlers_sdk::{abi, function};
use layer_warmup::Warmup;

#[function]
fn work() -> &'static str {
    "worked"
}

fn app(config: &str, platform: &str) -> App {
    App::builder().configured(Warmup::MODULE, config).module(work::MODULE).on(platform).start().expect("starts")
}

fn worked(answer: &Answer) -> bool {
    assert!(answer.failed.is_none(), "{answer:?}");
    answer.text() == "worked"
}

#[test]
fn events_of_well_known_tools_are_answered_in_the_platforms_way() {
    let app = app("{}", "aws-lambda");
    for event in [r#"{"source":"serverless-plugin-warmup"}"#, r#"{"warmer":true,"concurrency":1}"#] {
        let answer = app.invoke(Invoke::event(event));
        assert!(!worked(&answer));
        assert_eq!(
            (answer.on_platform().text().as_str(), answer.on_platform().path.ends_with("/response")),
            ("null", true)
        );
    }
    let beside = r#"{"custom":{"source":"serverless-plugin-warmup"}}"#;
    assert!(!worked(&app.invoke(Invoke::event("{}").meta(abi::META_CLIENT_CONTEXT, beside))));
    assert!(worked(&app.invoke(Invoke::event(r#"{"source":"shop"}"#))) && worked(&app.invoke(Invoke::event("{}"))));
}

#[test]
fn a_timer_that_is_named_warms_up_and_others_do_their_work() {
    for (name, platform) in
        [("aws/schedule", "aws-lambda"), ("aliyun/timer", "aliyun-fc"), ("tencent/timer", "tencent-scf")]
    {
        let event = samples().iter().find(|one| one.name() == name).expect("it is one").bytes();
        let event: serde_json::Value = serde_json::from_slice(event).expect("JSON");
        let of_trigger = ["triggerName", "TriggerName"].into_iter().find_map(|key| event[key].as_str());
        let timer = of_trigger.or_else(|| event["resources"][0].as_str()?.rsplit('/').next()).expect("a name");
        let call = |timer: &str| app(&format!(r#"{{"timers":["{timer}"]}}"#), platform).invoke(sample(name));
        assert!(!worked(&call(timer)), "{name} of {timer}");
        assert!(worked(&call("another")), "{name}");
    }
}

#[test]
fn requests_for_the_paths_of_warm_ups_are_answered_without_a_body() {
    let app = app("{}", "http");
    for path in ["/_ah/warmup", "/admin/warmup"] {
        let answer = app.invoke(Invoke::http("GET", path));
        assert_eq!((answer.status(), answer.body.len()), (204, 0), "{path}");
    }
    assert!(
        worked(&app.invoke(Invoke::http("GET", "/warmup")))
            && worked(&app.invoke(Invoke::http("DELETE", "/admin/warmup")))
    );
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        (r#"{"paths":["warm"]}"#, r#"paths[0]: expected a path such as /warmup, found "warm""#),
        (r#"{"events":[{}]}"#, "events[0]: expected members of a warm-up event"),
        (r#"{"timers":[""]}"#, "timers[0]: expected the name of a timer"),
        (r#"{"timer":["x"]}"#, "unknown field `timer`, expected one of `timers`, `events`, `paths`"),
    ] {
        let app = App::builder().configured(Warmup::MODULE, config).module(work::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{found}");
    }
}
