//! `layer-cors` through each platform's front.

use crate::fronts::{ALL, Front, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use serde_json::json;

integration::both![a_page_reads_replies_and_failures, what_routing_refuses_can_be_read_too];

const PAGE: &str = "https://a.example";
const CONFIG: &str = r#"{"allowOrigins":["https://a.example"],"allowMethods":["GET","PUT"],"maxAge":"10m"}"#;

fn a_page_reads_replies_and_failures(runtime: &Runtime) {
    for platform in ALL {
        let deployment = Deployment::of("faulty").layer("cors").env("FAAS_LAYER_CORS", CONFIG);
        let front = Front::start(platform, runtime, deployment, "faulty");
        let asked = [("Origin", PAGE), ("Access-Control-Request-Method", "PUT")];
        let preflight = front.call("OPTIONS", "/?do=panic", &asked, b"");
        assert_eq!((preflight.status, preflight.body.len()), (204, 0), "{platform:?}: {preflight:?}");
        assert_eq!(preflight.header("access-control-allow-origin"), Some(PAGE), "{platform:?}");
        assert_eq!(preflight.header("access-control-allow-methods"), Some("GET, PUT"), "{platform:?}");
        assert_eq!(preflight.header("access-control-max-age"), Some("600"), "{platform:?}");

        for (target, status) in [("/", 200), ("/?do=error&status=409", 409)] {
            let reply = front.get(target, &[("Origin", PAGE)]);
            assert_eq!(
                (reply.status, reply.header("access-control-allow-origin")),
                (status, Some(PAGE)),
                "{platform:?}"
            );
            let vary = reply.header("vary").unwrap_or_default();
            assert!(vary.contains("Origin"), "{platform:?}: {reply:?}");
            let other = front.get(target, &[("Origin", "https://b.example")]);
            assert_eq!((other.status, other.header("access-control-allow-origin")), (status, None), "{platform:?}");
        }
        // On other platforms the platform makes the reply to a failure itself.
        if matches!(platform, Platform::Http | Platform::Google) {
            for target in ["/?do=panic", "/?do=error"] {
                let reply = front.get(target, &[("Origin", PAGE)]);
                assert_eq!((reply.status, reply.header("access-control-allow-origin")), (500, Some(PAGE)), "{target}");
            }
        }
    }
}

fn what_routing_refuses_can_be_read_too(runtime: &Runtime) {
    let function = |name: &str, path: &str| {
        let events = json!([{"http": {"path": path, "method": "PUT"}}]);
        json!({"name": name, "handler": "faulty", "events": events})
    };
    let manifest = json!({"version": 1, "functions": [function("orders", "/orders"), function("stock", "/stock")],
        "layers": [{"name": "cors", "config": serde_json::from_str::<serde_json::Value>(CONFIG).expect("JSON")}]});
    // Azure's host finds the function itself.
    for platform in ALL.into_iter().filter(|platform| *platform != Platform::Azure) {
        let deployment = Deployment::of("faulty").module("layer_cors").manifest(&manifest.to_string());
        let front = Front::start(platform, runtime, deployment, "");
        let call = |method: &str, path: &str| {
            let headers = [("Origin", PAGE), ("Access-Control-Request-Method", "PUT")];
            front.call(method, path, &headers, b"")
        };
        for (method, path, status) in [("GET", "/orders", 405), ("GET", "/nowhere", 404), ("OPTIONS", "/orders", 204)] {
            let reply = call(method, path);
            assert_eq!(reply.status, status, "{platform:?} {method} {path}: {reply:?}");
            assert_eq!(
                reply.header("access-control-allow-origin"),
                Some(PAGE),
                "{platform:?} {method} {path}: {reply:?}"
            );
        }
        assert_eq!(call("OPTIONS", "/orders").header("access-control-allow-methods"), Some("GET, PUT"));
    }
}
