//! `layer-limit` through each platform's front.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;
use integration::wait::until;

integration::both![one_too_many_is_told_when_to_come_again, one_too_many_at_once_is_refused];

fn limited(function: &str, config: &str) -> Deployment {
    Deployment::of(function).layer("limit").env("FAAS_LAYER_LIMIT", config)
}

fn one_too_many_is_told_when_to_come_again(runtime: &Runtime) {
    for platform in ALL {
        let config = r#"{"key":"header:x-key","rate":2,"per":"24h"}"#;
        let front = Front::start(platform, runtime, limited("faulty", config), "faulty");
        let call = |key: &str| front.get("/", &[("X-Key", key)]);
        assert_eq!((call("a").status, call("a").status), (200, 200), "{platform:?}");
        let refused = call("a");
        assert_eq!(refused.status, 429, "{platform:?}: {refused:?}");
        let again: u64 = refused.header("retry-after").and_then(|text| text.parse().ok()).expect("a number");
        assert!((1..=43_200).contains(&again), "{platform:?}: {again}");
        assert_eq!(refused.header("ratelimit-policy"), Some(r#""default";q=2;w=86400"#), "{platform:?}");
        assert!(refused.text().contains("Limit.TooManyRequests"), "{platform:?}: {refused:?}");
        let other = call("b");
        assert!(other.header("ratelimit").is_some_and(|left| left.starts_with(r#""default";r=1;t="#)), "{other:?}");
        // Over the gateway's event the address is the gateway's word; no client chooses it.
        if platform == Platform::Aws {
            let front = Front::start(platform, runtime, limited("faulty", r#"{"rate":1,"per":"24h"}"#), "faulty");
            let call = |address: &str| front.get("/", &[("X-Forwarded-For", address)]).status;
            assert_eq!((call("198.51.100.1"), call("198.51.100.2")), (200, 429));
        }
    }
}

fn one_too_many_at_once_is_refused(runtime: &Runtime) {
    let run = OnHttp::start(runtime, limited("hello", r#"{"key":"all","concurrency":2}"#), "hello");
    let mut held: Vec<_> = (0..2).map(|_| run.client()).collect();
    for client in &mut held {
        client.request("GET", "/?wait_ms=3600000", "", b"").expect("it is open");
    }
    let seen = |status| until("the status", &run.process, || (run.get("/").status == status).then_some(()));
    seen(429).unwrap_or_else(|why| panic!("with two in progress: {why}"));
    let refused = run.get("/");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("1")), "{}", refused.text());
    assert!(refused.text().contains("Limit.TooManyAtOnce"), "{}", refused.text());
    // Clients that are gone give their places back.
    drop(held);
    seen(200).unwrap_or_else(|why| panic!("with none in progress: {why}"));
}
