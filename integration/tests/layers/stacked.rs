//! All layers around one another: order, short cuts, failures, panics and hangs.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::collector::{Collector, Mode};
use integration::deployment::Deployment;

integration::both![
    who_answers_first_is_seen_by_those_further_out,
    a_layer_that_fails_is_contained_as_its_policy_says,
    a_function_that_hangs_is_answered_in_its_place,
    a_function_that_is_cut_short_at_its_deadline_is_answered_by_the_layers,
];

const PAGE: &str = "https://a.example";
const CORS: &str = r#"{"allowOrigins":["https://a.example"]}"#;

/// All layers in the order of `docs/layers.md`.
const ORDER: [&str; 13] = [
    "warmup",
    "monitor",
    "log",
    "metrics",
    "trace",
    "record",
    "cors",
    "limit",
    "auth",
    "kv",
    "compress",
    "idempotency",
    "cache",
];

/// The configuration of `auth`, with the keys `a` and `b`.
const AUTH: &str = r#"{"apiKey":{"header":"x-key","keys":[
    {"name":"ann","sha256":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"},
    {"name":"bob","sha256":"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"}]}}"#;

fn stacked(collector: &Collector) -> Deployment {
    let deployment = ORDER.iter().fold(Deployment::of("faulty"), |all, name| all.layer(name));
    deployment
        .env("FAAS_LAYER_CORS", CORS)
        .env("FAAS_LAYER_LIMIT", r#"{"key":"header:x-key","rate":2,"per":"24h","concurrency":1}"#)
        .env("FAAS_LAYER_AUTH", AUTH)
        .env("FAAS_LAYER_TRACE", &collector.config(r#""flush":"reply""#))
        .env("FAAS_LAYER_CACHE", r#"{"ttl":"1h"}"#)
}

fn who_answers_first_is_seen_by_those_further_out(runtime: &Runtime) {
    for platform in ALL {
        let collector = Collector::start(Mode::Takes);
        let front = Front::start(platform, runtime, stacked(&collector), "faulty");
        let call = |target: &str, key: &str| {
            front.get(target, &[("Origin", PAGE), ("X-Key", key), ("Accept-Encoding", "gzip")])
        };
        let long = call("/?do=reply&bytes=5000", "a");
        // No bytes get through in the envelope of Azure's host.
        let coding = (platform != Platform::Azure).then_some("gzip");
        assert_eq!((long.status, long.header("content-encoding")), (200, coding), "{platform:?}: {long:?}");
        let kept = call("/?do=reply&bytes=5000", "a");
        assert!(kept.header("cache-status").is_some_and(|status| status.contains("hit")), "{platform:?}: {kept:?}");
        assert_eq!((&kept.body, kept.header("content-encoding")), (&long.body, coding), "{platform:?}");
        let refused = call("/", "a");
        assert_eq!((refused.status, refused.header("access-control-allow-origin")), (429, Some(PAGE)), "{platform:?}");
        front.said(&[r#""function_request_id""#, r#""status":429"#, r#""outcome":"refused""#]);
        assert_eq!(front.get("/admin/warmup", &[]).status, 204, "{platform:?}");
        let panicked = call("/?do=panic", "b");
        assert!(panicked.status >= 500, "{platform:?}: {panicked:?}");
        front.said(&[r#""faas":"invocation""#, r#""outcome":"panic""#]);
        front.said(&[r#""faas":"recording""#, r#""kind":"Panic""#]);
        assert_eq!(call("/", "b").text(), "\"fine\"", "{platform:?}: the process lives on, and the seat is free");
        assert_eq!(call("/", "b").status, 429, "{platform:?}: what failed has been counted");
        let spans = integration::wait::until("every call but the warm-up has a span", &front.process(), || {
            let spans = collector.spans().into_iter().filter(|span| span.kind == 2).count();
            (spans == 6).then_some(())
        });
        spans.unwrap_or_else(|why| panic!("{platform:?}: {why}: {:?}", collector.spans()));
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
        let deployment = deployment.env("SHAKY", how).env("FAAS_LAYER_CORS", CORS);
        let front = Front::start(Platform::Http, runtime, deployment, "faulty");
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

fn a_function_that_hangs_is_answered_in_its_place(runtime: &Runtime) {
    let collector = Collector::start(Mode::Takes);
    let deployment = stacked(&collector).env("FAAS_TIMEOUT", "1s");
    let front = Front::start(Platform::Http, runtime, deployment, "faulty");
    let call = |target: &str, key: &str| front.get(target, &[("Origin", PAGE), ("X-Key", key)]);
    let hung = call("/?do=sleep&ms=3600000", "a");
    assert_eq!(hung.status, 504, "{hung:?}");
    assert_eq!(call("/", "a").status, 429, "it still runs, and holds its seat");
    assert_eq!(call("/", "b").text(), "\"fine\"", "others are served");
}

fn a_function_that_is_cut_short_at_its_deadline_is_answered_by_the_layers(runtime: &Runtime) {
    let deployment = Deployment::of("hello").layer("log").layer("cors").env("FAAS_LAYER_CORS", CORS);
    let front = Front::start(Platform::Http, runtime, deployment.env("FAAS_TIMEOUT", "1s"), "hello");
    let cut = front.get("/?wait_ms=3600000", &[("Origin", PAGE)]);
    assert_eq!((cut.status, cut.header("access-control-allow-origin")), (504, Some(PAGE)), "{cut:?}");
    front.said(&[r#""function_request_id""#, r#""outcome":"cancelled""#]);
}
