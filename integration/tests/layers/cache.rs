//! `layer-cache` through each platform's front.

use crate::fronts::{ALL, Front};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_http::OnHttp;

integration::both![a_kept_reply_is_the_first_ones_and_no_others, one_call_fetches_for_all_that_ask_at_once];

fn cached(function: &str) -> Deployment {
    Deployment::of(function)
        .layer("cors")
        .layer("cache")
        .env("FAAS_LAYER_CACHE", r#"{"ttl":"1h","query":["n"]}"#)
        .env("FAAS_LAYER_CORS", r#"{"allowOrigins":["https://a.example","https://b.example"]}"#)
}

fn a_kept_reply_is_the_first_ones_and_no_others(runtime: &Runtime) {
    for platform in ALL {
        let front = Front::start(platform, runtime, cached("inspect"), "inspect");
        let first = front.get("/a?n=1&x=1", &[("Origin", "https://a.example")]);
        assert_eq!(first.header("cache-status"), Some("faas; fwd=miss; stored"), "{platform:?}: {first:?}");
        let second = front.get("/a?x=2&n=1", &[("Origin", "https://b.example")]);
        assert_eq!(second.body, first.body, "{platform:?}");
        assert!(
            second.header("cache-status").is_some_and(|status| status.starts_with("faas; hit; ttl=")),
            "{second:?}"
        );
        assert!(second.header("age").is_some() && second.header("content-type") == first.header("content-type"));
        // The words of another layer for one page are not kept for the next.
        assert_eq!(second.header("access-control-allow-origin"), Some("https://b.example"), "{platform:?}");
        let stranger = front.get("/a?n=1", &[("Origin", "https://c.example")]);
        assert_eq!(
            (stranger.body, stranger.headers.iter().any(|(name, _)| name.contains("allow-origin"))),
            (first.body.clone(), false)
        );
        for (target, headers) in
            [("/a?n=2", &[][..]), ("/a?n=1", &[("Authorization", "x")]), ("/a?n=1", &[("Cache-Control", "no-cache")])]
        {
            assert_ne!(front.get(target, headers).body, first.body, "{platform:?}: {target} {headers:?}");
        }
        assert_ne!(front.call("POST", "/a?n=1", &[], b"").body, first.body, "{platform:?}");
    }
}

fn one_call_fetches_for_all_that_ask_at_once(runtime: &Runtime) {
    let run = OnHttp::start(runtime, cached("hello").layer("monitor"), "hello");
    let bodies: Vec<String> =
        run.at_once(8, "GET", "/?n=1&wait_ms=500", b"").iter().map(|reply| reply.text()).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0] && body.contains("hello")), "{bodies:?}");
    // The monitor stands inside of the cache: it sees the calls of the function.
    let front = run.process.wait_for_line(|line| line.contains(r#""faas":"invocation""#), integration::wait::limit());
    front.unwrap_or_else(|late| panic!("{late}"));
    let calls = run.process.output().lines().filter(|line| line.contains(r#""faas":"invocation""#)).count();
    assert_eq!(calls, 1, "{}", run.process.output());
}
