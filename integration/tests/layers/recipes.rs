//! The recipes of `docs/layers.md`, as they stand there.

use crate::fronts::{Door, Front, Platform};
use integration::artifacts::{Runtime, workspace};
use integration::bank::Bank;
use integration::deployment::Deployment;
use integration::scripted::Scripted;
use serde_json::{Value, json};

integration::both![
    a_page_of_another_origin_calls_an_api,
    a_slow_read_may_be_a_minute_old,
    logs_can_be_searched_and_failures_sent_again,
    an_instance_is_kept_warm,
    a_payment_takes_place_once,
    messages_are_done_once,
    who_calls_is_in_a_token,
    machines_have_keys_and_the_log_says_who_it_was,
    customers_have_keys_of_their_own,
    others_are_called,
    a_password_is_rotated,
];

/// Starts `faulty` with the variables of the recipe under that heading.
fn start(runtime: &Runtime, heading: &str) -> Front {
    start_with(Platform::Http, runtime, heading, Deployment::of("faulty"), "faulty")
}

fn start_with(platform: Platform, runtime: &Runtime, heading: &str, deployment: Deployment, handler: &str) -> Front {
    Front::start(platform, runtime, deployed(heading, deployment, str::to_owned), handler)
}

/// Returns the deployment with the variables of the recipe under that heading, in which `found` has replaced values of
/// other places by those here.
fn deployed(heading: &str, mut deployment: Deployment, found: impl Fn(&str) -> String) -> Deployment {
    let page = std::fs::read_to_string(workspace().join("docs/layers.md")).expect("the page is there");
    let (_, recipe) = page.split_once(&format!("### {heading}\n")).unwrap_or_else(|| panic!("no recipe {heading:?}"));
    let (_, block) = recipe.split_once("```sh\n").expect("a recipe has variables");
    let (block, _) = block.split_once("```").expect("they end");
    for line in block.lines() {
        let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("no variable: {line}"));
        let value = &*found(value.trim_matches('\''));
        if name == "FAAS_LAYERS" {
            deployment =
                value.split(',').fold(deployment, |deployment, layer| deployment.module(&format!("layer_{layer}")));
        }
        deployment = deployment.env(name, value);
    }
    deployment
}

fn a_page_of_another_origin_calls_an_api(runtime: &Runtime) {
    let front = start(runtime, "A page of another origin calls an API");
    let page = ("Origin", "https://shop.example");
    let asked = [page, ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type")];
    let preflight = front.call("OPTIONS", "/orders", &asked, b"");
    assert_eq!((preflight.status, preflight.header("access-control-max-age")), (204, Some("3600")));
    let reply = front.get("/?do=reply&bytes=5000", &[page, ("Accept-Encoding", "gzip")]);
    assert_eq!(
        (reply.header("content-encoding"), reply.header("access-control-expose-headers")),
        (Some("gzip"), Some("ratelimit"))
    );
    let refused = (0..110).map(|_| front.get("/", &[page])).find(|reply| reply.status == 429);
    assert_eq!(
        refused.expect("it is more than a hundred").header("access-control-allow-origin"),
        Some("https://shop.example")
    );
}

fn a_slow_read_may_be_a_minute_old(runtime: &Runtime) {
    let front = start(runtime, "A slow read that may be a minute old");
    assert_eq!(front.get("/?page=1", &[]).header("cache-status"), Some("faas; fwd=miss; stored"));
    let kept = front.get("/?utm=a&page=1", &[]);
    assert!(kept.header("cache-status").is_some_and(|status| status.starts_with("faas; hit")), "{kept:?}");
}

fn logs_can_be_searched_and_failures_sent_again(runtime: &Runtime) {
    let front = start(runtime, "Logs that can be searched, and failures that can be sent again");
    front.call("POST", "/?do=panic", &[("User-Agent", "test/1")], br#"{"iban":"AT1"}"#);
    let line: Value =
        serde_json::from_str(&front.said(&[r#""service":"shop""#, r#""outcome":"panic""#])).expect("JSON");
    assert_eq!(line["http"]["headers"]["user-agent"], "test/1");
    let recording: Value = serde_json::from_str(&front.said(&[r#""faas":"recording""#])).expect("JSON");
    assert_eq!(recording["http"]["text"], r#"{"iban":"*****"}"#);
}

fn an_instance_is_kept_warm(runtime: &Runtime) {
    let front = start(runtime, "An instance that is kept warm, and numbers that do not show it");
    assert_eq!(front.get("/warm", &[]).status, 204);
    assert_eq!(front.get("/", &[]).status, 200);
    let page = front.get("/metrics", &[]).text();
    assert!(page.contains("outcome=\"ok\"} 1\n"), "{page}");
}

fn a_payment_takes_place_once(runtime: &Runtime) {
    let (bank, heading) = (Bank::open(), "A payment that is asked for twice and takes place once");
    let deployment = Deployment::of("charge").env("BANK", &bank.address());
    let front = start_with(Platform::Http, runtime, heading, deployment, "charge");
    let pay = |who: &str| front.call("POST", "/", &[("Idempotency-Key", "k"), ("X-Api-Key", who)], b"order").text();
    assert_eq!((pay("ann"), pay("ann"), pay("bob")), ("receipt 1".into(), "receipt 1".into(), "receipt 2".into()));
    assert_eq!(front.call("POST", "/", &[], b"order").status, 400);
    assert_eq!(bank.charged("order"), 2);
}

fn messages_are_done_once(runtime: &Runtime) {
    let (bank, heading) = (Bank::open(), "Messages that come again and are done once");
    let deployment = Deployment::of("charge").env("BANK", &bank.address());
    let front = start_with(Platform::Aws, runtime, heading, deployment, "charge.settle");
    let Door::Aws(run) = &front.door else { panic!("it is on AWS") };
    let batch = r#"{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":"1"},
        {"eventSource":"aws:sqs","messageId":"m2","body":"2"}]}"#;
    for _ in 0..2 {
        run.call(batch);
    }
    assert_eq!((bank.charged("1"), bank.charged("2")), (1, 1));
}

/// A token signed by the private half of the recipe's key, which RFC 8037 has in appendix A.1: of `ann`, until 2100,
/// without a scope.
const TOKEN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJzaG9wIiwic3ViIjoiYW5uIiwiZXhwIjo0MTAyNDQ0ODAwfQ.JLNkNld9-JU_5FLJ7wmSMgByF9YlofxlYR3LpxfhFnSChO_T__Dn80SmgIyNfBaWfiHgAdEhUWdrjAVHUTvKBA";
/// A token as the one above, with the scope `orders:write`.
const MAY_WRITE: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6IjIwMjYifQ.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUiLCJhdWQiOiJzaG9wIiwic3ViIjoiYW5uIiwiZXhwIjo0MTAyNDQ0ODAwLCJzY29wZSI6Im9yZGVyczp3cml0ZSJ9.oKd6cx5u4BK0ksmgG9K3jP2gSS-ha3e5JJ2V1ruG7U_MV9rp_fEIpQuwXBwhQl6LzQQcPPeFkfcyNFTXajyWDw";

fn who_calls_is_in_a_token(runtime: &Runtime) {
    let front = start(runtime, "Who calls is in a token");
    let call = |method: &str, token: &str| {
        front.call(method, "/orders/7", &[("Authorization", &format!("Bearer {token}"))], b"").status
    };
    assert_eq!((call("GET", TOKEN), call("POST", TOKEN), call("POST", MAY_WRITE)), (200, 403, 200));
    let refused = front.get("/orders/7", &[]);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer realm=\"faas\"")));
    assert!(refused.header("ratelimit").is_some(), "guessing is limited: {refused:?}");
}

fn machines_have_keys_and_the_log_says_who_it_was(runtime: &Runtime) {
    let front = start(runtime, "Machines with keys, and a log of who it was");
    assert_eq!((front.get("/", &[]).status, front.get("/health", &[]).status), (401, 200));
    assert_eq!(front.get("/", &[("X-Api-Key", "k-0123456789abcdef")]).status, 200);
    front.said(&[r#""user":"ci""#]);
}

fn customers_have_keys_of_their_own(runtime: &Runtime) {
    let front = start(runtime, "Customers with keys of their own");
    for key in ["a", "b"] {
        let reply = front.get("/", &[("X-Api-Key", key)]);
        assert!(reply.header("ratelimit").is_some_and(|left| left.starts_with(r#""default";r=9;"#)), "{reply:?}");
    }
}

fn others_are_called(runtime: &Runtime) {
    let server = Scripted::good();
    let proxy = server.address.to_string();
    let deployment =
        deployed("Calls to others", Deployment::of("outbound"), |value| value.replace("proxy.internal:3128", &proxy));
    let front = Front::start(Platform::Http, runtime, deployment, "outbound.send");
    let wanted = json!({"url": "http://rates.example/EUR"}).to_string();
    let seen: Value = serde_json::from_slice(&front.call("POST", "/", &[], wanted.as_bytes()).body).expect("JSON");
    assert_eq!((&seen["body"], &*server.asked()[0].target), (&json!("ok"), "http://rates.example/EUR"));
}

fn a_password_is_rotated(runtime: &Runtime) {
    let server = Scripted::start(|_, mut link| {
        while let Some(asked) = link.request() {
            let is_right =
                (&*asked.target, asked.header("x-vault-token")) == ("/v1/secret/data/db", Some("of the agent"));
            let data = json!({"data": {"data": {"password": format!("number {}", link.number)}}}).to_string();
            link.reply(if is_right { 200 } else { 403 }, &data);
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "of the agent\n").expect("it is written");
    let url = server.url("");
    let deployment = deployed("A password that is rotated", Deployment::of("outbound"), |value| {
        value.replace("https://vault.internal:8200", &url).replace("/run/vault/token", &token.display().to_string())
    });
    let front = Front::start(Platform::Http, runtime, deployment, "outbound.param");
    let ask = || {
        let reply = front.call("POST", "/", &[("Content-Type", "text/plain")], b"db/password");
        serde_json::from_slice::<Value>(&reply.body).expect("JSON")["value"].clone()
    };
    assert_eq!(ask(), "number 1", "output:\n{}", front.output());
    assert_eq!((ask(), server.asked().len()), (json!("number 1"), 1), "it is at hand for a minute");
}
