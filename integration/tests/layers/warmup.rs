//! `layer-warmup` on each platform, and the callers that are not told of a warm-up.

use crate::fronts::{ALL, Door, Front, Platform, gateway_event};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use platform_emulators::aws_lambda::Options;
use platform_emulators::azure_functions::{Bound, Call, Ended};
use serde_json::{Value, json};

integration::both![
    a_request_for_a_warm_up_never_reaches_the_function,
    an_event_for_a_warm_up_is_answered_and_counted_by_nobody,
    azures_warmup_trigger_is_answered,
];

fn a_request_for_a_warm_up_never_reaches_the_function(runtime: &Runtime) {
    for platform in ALL {
        let deployment = Deployment::of("faulty").layer("warmup").layer("monitor");
        let front = Front::start(platform, runtime, deployment, "faulty");
        let warm = front.get("/_ah/warmup?do=panic", &[]);
        assert_eq!((warm.status, warm.body.len()), (204, 0), "{platform:?}: {warm:?}");
        assert_eq!(front.get("/", &[]).text(), "\"fine\"", "{platform:?}");
        front.said(&[r#""faas":"invocation""#, r#""outcome":"ok""#]);
        let lines = front.output().lines().filter(|line| line.contains(r#""faas":"invocation""#)).count();
        assert_eq!(lines, 1, "{platform:?}: the warm-up is not timed:\n{}", front.output());
    }
}

fn an_event_for_a_warm_up_is_answered_and_counted_by_nobody(runtime: &Runtime) {
    let deployment = Deployment::of("faulty").layer("warmup").layer("monitor").layer("metrics").layer("log");
    let deployment = deployment.env("FAAS_LAYER_WARMUP", r#"{"timers":["keep-warm"]}"#);
    let run = OnAws::launch(runtime, deployment, "faulty", Options::default()).polling();
    let timer = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "1",
        "time": "2026-01-02T03:04:05Z", "region": "eu-west-1", "resources": ["arn:aws:events:eu-west-1:1:rule/keep-warm"],
        "detail": {}});
    for event in [json!({"source": "serverless-plugin-warmup"}), json!({"warmer": true, "concurrency": 1}), timer] {
        assert_eq!(run.call(&*event.to_string()).text(), "null", "{event}");
    }
    let answer = run.call(&*gateway_event("GET", "/", &[], b""));
    let reply: Value = serde_json::from_slice(&answer.body).expect("JSON");
    assert_eq!(reply["body"], "\"fine\"");
    let told = |words: &str| run.process.output().lines().filter(|line| line.contains(words)).count();
    let has_told =
        run.process.wait_for_line(|line| line.contains(r#""function_request_id""#), integration::wait::limit());
    has_told.unwrap_or_else(|late| panic!("{late}; output:\n{}", run.process.output()));
    assert_eq!((told(r#""faas":"invocation""#), told(r#""_aws""#), told(r#""function_request_id""#)), (1, 1, 1));
    run.assert_clean();
}

fn azures_warmup_trigger_is_answered(runtime: &Runtime) {
    let manifest = json!({"version": 1, "layers": ["warmup"],
        "functions": [{"name": "work", "handler": "faulty"}, {"name": "warmup", "handler": "faulty"}]});
    let deployment = Deployment::of("faulty").module("layer_warmup").manifest(&manifest.to_string());
    let front = Front::start(Platform::Azure, runtime, deployment, "");
    let Door::Azure(host, _) = &front.door else { unreachable!("it is on Azure") };
    let call = Call::new("warmup", "warmupContext", Bound::Json(json!({"do": "panic"})));
    let ended = host.call(&call).expect("an answer");
    assert!(matches!(ended, Ended::Done(_)), "{ended:?}; output:\n{}", front.output());
    let work = Call::new("work", "start", Bound::Json(json!({})));
    assert!(matches!(host.call(&work).expect("an answer"), Ended::Done(_)));
}
