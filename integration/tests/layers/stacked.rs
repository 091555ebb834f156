//! Layers around one another: order, short cuts, failures, panics and hangs.

use crate::fronts::{ALL, Front};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;

integration::both![who_answers_first_is_seen_by_those_further_out, a_layer_that_fails_is_contained_as_its_policy_says];

const PAGE: &str = "https://a.example";

/// All layers in the order of `docs/layers.md`.
fn stacked(function: &str) -> Deployment {
    let deployment = Deployment::of(function);
    let deployment =
        ["warmup", "monitor", "log", "metrics", "cors", "limit"].iter().fold(deployment, |all, name| all.layer(name));
    deployment
        .env("FAAS_LAYER_CORS", r#"{"allowOrigins":["https://a.example"]}"#)
        .env("FAAS_LAYER_LIMIT", r#"{"key":"header:x-key","rate":1,"per":"24h"}"#)
}

fn who_answers_first_is_seen_by_those_further_out(runtime: &Runtime) {
    for platform in ALL {
        let front = Front::start(platform, runtime, stacked("faulty"), "faulty");
        let call = |target: &str, key: &str| front.get(target, &[("Origin", PAGE), ("X-Key", key)]);
        assert_eq!(call("/", "a").text(), "\"fine\"", "{platform:?}");
        let refused = call("/", "a");
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (429, Some(PAGE)), "{platform:?}");
        front.said(&[r#""function_request_id""#, r#""status":429"#, r#""outcome":"refused""#]);
        assert_eq!(front.get("/admin/warmup", &[]).status, 204, "{platform:?}");
        let panicked = call("/?do=panic", "b");
        assert!(panicked.status >= 500, "{platform:?}: {panicked:?}");
        front.said(&[r#""faas":"invocation""#, r#""outcome":"panic""#]);
        assert_eq!(call("/", "c").text(), "\"fine\"", "{platform:?}: the process lives on");
        let refused = call("/", "b");
        assert_eq!(refused.status, 429, "{platform:?}: what failed has been counted");
    }
}

fn a_layer_that_fails_is_contained_as_its_policy_says(runtime: &Runtime) {
    for (how, layer, status) in [
        ("error", "shaky", 500),
        ("panic", "shaky", 500),
        ("after", "shaky", 500),
        ("error", "shaky?", 200),
        ("panic", "shaky?", 200),
        ("after", "shaky?", 200),
    ] {
        let deployment = Deployment::of("faulty").module("shaky").layer("monitor").layer("cors").layers(&[layer]);
        let deployment =
            deployment.env("SHAKY", how).env("FAAS_LAYER_CORS", r#"{"allowOrigins":["https://a.example"]}"#);
        let front = Front::start(crate::fronts::Platform::Http, runtime, deployment, "faulty");
        for _ in 0..3 {
            let reply = front.get("/", &[("Origin", PAGE)]);
            assert_eq!(
                (reply.status, reply.header("access-control-allow-origin")),
                (status, Some(PAGE)),
                "{layer} {how}"
            );
        }
        let outcome = match (status, how) {
            (200, _) => r#""outcome":"ok""#,
            (_, "panic") => r#""outcome":"panic""#,
            _ => r#""outcome":"error""#,
        };
        front.said(&[r#""faas":"invocation""#, outcome]);
    }
}
