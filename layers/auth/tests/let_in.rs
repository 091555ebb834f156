//! The callers that are let in, those that are not, and the replies they get, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

mod support;

use handlers_sdk::testing::{Answer, App, Invoke, sample};
use handlers_sdk::{Claims, FaasContext, function};
use layer_auth::Auth;
use serde_json::{Value, json};
use std::time::Duration;
use support::{Signer, base64url, now, set};

#[derive(serde::Deserialize)]
struct User {
    sub: String,
    #[serde(default)]
    shop: u32,
}

#[function]
fn whoami(ctx: FaasContext, user: Option<Claims<User>>) -> String {
    let user = user.map(|Claims(user)| format!("{} of {}", user.sub, user.shop)).unwrap_or_default();
    format!("{user}|{}|{}", ctx.extension("user").unwrap_or("-"), ctx.extension("auth").unwrap_or("-"))
}

fn app(config: &Value) -> App {
    App::builder().configured(Auth::MODULE, &config.to_string()).module(whoami::MODULE).start().expect("starts")
}

fn call(app: &App, authorization: &str) -> Answer {
    app.invoke(Invoke::http("GET", "/").header("Authorization", authorization))
}

fn issuer(signer: &Signer) -> Value {
    json!({"issuer": "https://id.example", "audiences": ["shop"], "keys": [signer.public()]})
}

fn claims() -> Value {
    json!({"iss": "https://id.example", "aud": "shop", "sub": "ann", "shop": 7})
}

/// Returns the claims with one of them set, or without it.
fn with(name: &str, value: &Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().expect("claims").remove(name)),
        value => claims[name] = value.clone(),
    }
    claims
}

#[test]
fn a_token_that_is_right_lets_in_and_functions_are_told_who_it_is() {
    let signer = Signer::new("a");
    let app = app(&json!({"jwt": {"issuers": [issuer(&signer)]}}));
    let good = signer.sign(&claims());
    for authorization in [format!("Bearer {good}"), format!("bearer   {good}")] {
        assert_eq!(call(&app, &authorization).text(), "ann of 7|ann|jwt");
    }
    assert_eq!(call(&app, &format!("Bearer {}", signer.sign(&with("sub", &Value::Null)))).status(), 403);
}

#[test]
fn a_token_that_is_wrong_is_refused_and_its_error_is_named() {
    let (signer, other) = (Signer::new("a"), Signer::new("b"));
    let app = app(&json!({"jwt": {"issuers": [issuer(&signer)]}, "realm": "the shop"}));
    let header = r#"{"alg":"EdDSA","kid":"a"}"#;
    let text = with("exp", &json!(now() + 60)).to_string();
    let twice = text.replacen('{', r#"{"sub":"bob","#, 1);
    let good = signer.sign(&claims());
    let (head, rest) = good.split_once('.').expect("dots");
    for (token, why) in [
        (String::new(), "the token is malformed"),
        ("x.y".to_owned(), "the token is malformed"),
        (format!("{good}.x"), "the token is malformed"),
        (format!("{good}="), "the token is malformed"),
        (format!("{head}.\u{e9}{rest}"), "the token is malformed"),
        (signer.sign_text(header, &twice), "the token is malformed"),
        (signer.sign_text(r#"{"alg":"EdDSA","kid":"a","alg":"EdDSA"}"#, &text), "the token is malformed"),
        (signer.sign_text(r#"{"alg":"EdDSA","kid":7}"#, &text), "the token is malformed"),
        (signer.sign_text(header, "[]"), "the token is malformed"),
        (signer.sign_text(header, &format!("{text}{}", " ".repeat(20_000))), "the token is too long"),
        (signer.sign_text(r#"{"alg":"none"}"#, &text), "the token's algorithm is not accepted"),
        (signer.sign_text(r#"{"kid":"a"}"#, &text), "the token's algorithm is not accepted"),
        (signer.sign_text(r#"{"alg":"eddsa","kid":"a"}"#, &text), "the token's algorithm is not accepted"),
        (signer.sign_text(r#"{"alg":"HS256","kid":"a"}"#, &text), "the token's algorithm is not accepted"),
        (
            signer.sign_text(r#"{"alg":"EdDSA","kid":"a","crit":[]}"#, &text),
            "the token's header has an extension that is not understood",
        ),
        (
            signer.sign_text(r#"{"alg":"EdDSA","kid":"a","b64":true}"#, &text),
            "the token's header has an extension that is not understood",
        ),
        (signer.sign_text(r#"{"alg":"EdDSA","kid":"a","typ":"logout+jwt"}"#, &text), "the token is of another type"),
        (signer.sign_text(r#"{"alg":"EdDSA","kid":"c"}"#, &text), "the token's key is not known"),
        (signer.sign_text(r#"{"alg":"RS256","kid":"a"}"#, &text), "the token's key is not known"),
        (other.sign(&claims()), "the token's key is not known"),
        (other.sign_text(header, &text), "the token's signature is not valid"),
        (format!("{head}.{}", base64url(b"{}")) + ".", "the token's issuer is not accepted"),
        (signer.sign_text(header, &claims().to_string()), "the token never expires"),
        (signer.sign(&with("exp", &json!(now() - 40))), "the token has expired"),
        (signer.sign(&with("nbf", &json!(now() + 90))), "the token is not valid yet"),
        (signer.sign(&with("iat", &json!(now() + 90))), "the token is of the future"),
        (signer.sign(&with("aud", &json!("other"))), "the token is for another audience"),
        (signer.sign(&with("aud", &Value::Null)), "the token is for another audience"),
        (signer.sign(&with("iss", &json!("https://evil.example"))), "the token's issuer is not accepted"),
        (signer.sign(&with("iss", &json!(["https://id.example"]))), "the token's issuer is not accepted"),
        (signer.sign(&with("iss", &Value::Null)), "the token's issuer is not accepted"),
    ] {
        let refused = call(&app, &format!("Bearer {token}"));
        let challenge = format!(r#"Bearer realm="the shop", error="invalid_token", error_description="{why}""#);
        assert_eq!((refused.status(), refused.header("www-authenticate")), (401, Some(&*challenge)), "{token:.99}");
        assert_eq!(
            (refused.json()["errorType"].as_str(), refused.header("cache-control")),
            (Some("Auth.Invalid"), Some("no-store"))
        );
    }
    assert!(app.logs().iter().all(|line| !line.message.contains(head)), "no token is in the log");
    assert!(app.logs().iter().any(|line| line.message.contains("refused: the token has expired")));
}

#[test]
fn who_says_nothing_is_told_no_error() {
    let app = app(&json!({"jwt": {"issuers": [issuer(&Signer::new("a"))]}}));
    for request in [
        Invoke::http("GET", "/"),
        Invoke::http("OPTIONS", "/"),
        Invoke::http("GET", "/").header("Authorization", "Basic YTpi"),
        Invoke::http("GET", "/").header("Authorization", "Bearer"),
        Invoke::http("GET", "/?access_token=x"),
    ] {
        let refused = app.invoke(request);
        let challenge = refused.header("www-authenticate").expect("a challenge");
        assert_eq!((refused.status(), challenge.starts_with("Bearer realm=\"faas\"")), (401, true));
    }
    let missing = app.invoke(Invoke::http("GET", "/"));
    assert_eq!(missing.header("www-authenticate"), Some("Bearer realm=\"faas\""));
    assert_eq!(missing.json()["errorType"], "Auth.Missing");
}

#[test]
fn credentials_that_come_twice_are_a_bad_request() {
    let signer = Signer::new("a");
    let app = app(&json!({"jwt": {"issuers": [issuer(&signer)]}}));
    let good = format!("Bearer {}", signer.sign(&claims()));
    let twice = Invoke::http("GET", "/").header("Authorization", &good).header("authorization", &good);
    let refused = app.invoke(twice);
    assert_eq!(
        (refused.status(), refused.header("www-authenticate")),
        (400, Some("Bearer realm=\"faas\", error=\"invalid_request\""))
    );
}

#[test]
fn each_issuer_signs_for_itself_alone() {
    let (one, two) = (Signer::new("a"), Signer::new("a2"));
    let issuers = json!([
        {"issuer": "https://one.example", "keys": [one.public()]},
        {"issuer": "https://two.example", "keys": [two.public()], "requireExp": false, "types": ["at+jwt"], "leeway": "1m"},
    ]);
    let app = app(&json!({"jwt": {"issuers": issuers}}));
    let status = |token: &str| call(&app, &format!("Bearer {token}")).status();
    let of = |issuer: &str| json!({"iss": issuer, "sub": "ann"}).to_string();
    let header = |typ: &str, kid: &str| format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{typ}"}}"#);
    assert_eq!(
        status(&one.sign(&json!({"iss": "https://one.example"}))),
        403,
        "it has no sub, which the function reads"
    );
    assert_eq!(status(&one.sign(&json!({"iss": "https://one.example", "sub": "ann"}))), 200);
    assert_eq!(status(&one.sign(&json!({"iss": "https://two.example", "sub": "ann"}))), 401, "with the other's name");
    assert_eq!(status(&two.sign_text(&header("application/AT+JWT", "a2"), &of("https://two.example"))), 200);
    assert_eq!(status(&two.sign_text(&header("JWT", "a2"), &of("https://two.example"))), 401, "of another type");
    assert_eq!(status(&two.sign_text(r#"{"alg":"EdDSA"}"#, &of("https://two.example"))), 401, "of no type");
    let late = json!({"iss": "https://two.example", "sub": "ann", "exp": now() - 45}).to_string();
    assert_eq!(status(&two.sign_text(&header("at+jwt", "a2"), &late)), 200, "within the leeway");
}

#[test]
fn a_secret_signs_with_its_algorithms_and_an_old_one_until_it_is_taken_away() {
    let secrets = ["a secret of more than thirty-two bytes", "another secret of thirty-two bytes!!"];
    let app = app(&json!({"jwt": {"issuers": [{"secrets": secrets}], "cookie": "session"}}));
    let sign = |secret: &str, header: &str| {
        let claims = json!({"sub": "ann", "exp": now() + 60}).to_string();
        let signed = format!("{}.{}", base64url(header.as_bytes()), base64url(claims.as_bytes()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        format!("{signed}.{}", base64url(ring::hmac::sign(&key, signed.as_bytes()).as_ref()))
    };
    let hs256 = r#"{"alg":"HS256"}"#;
    for secret in secrets {
        assert_eq!(call(&app, &format!("Bearer {}", sign(secret, hs256))).text(), "ann of 0|ann|jwt");
    }
    assert_eq!(call(&app, &format!("Bearer {}", sign("a third secret of thirty-two bytes!!!", hs256))).status(), 401);
    assert_eq!(call(&app, &format!("Bearer {}", sign(secrets[0], r#"{"alg":"HS512"}"#))).status(), 401);
    let cookie = |token: &str| app.invoke(Invoke::http("GET", "/").header("Cookie", &format!("a=b; session={token}")));
    assert_eq!(cookie(&sign(secrets[0], hs256)).text(), "ann of 0|ann|jwt");
    assert_eq!(cookie("x").status(), 401);
    let both = Invoke::http("GET", "/").header("Authorization", "Bearer x");
    let both = both.header("Cookie", &format!("session={}", sign(secrets[0], hs256)));
    assert_eq!(app.invoke(both).status(), 401, "the header counts, and what is behind it is not tried");
}

/// The output of `printf %s k-0123456789abcdef | sha256sum`, and PBKDF2 of `s3cret`.
const KEY_HASH: &str = "6b1ed3249bfeaf163cc86042729f1023caea2e1d2f3594407894563fdf054b42";
const PASSWORD_HASH: &str = "$pbkdf2-sha256$i=100000$c2FsdHNhbHQ$ar34+fG8Q9WpDlBrxkSKDzayBAC23xR/Wcdl87N1ni4";

fn side_by_side() -> Value {
    json!({
        "jwt": {"issuers": [issuer(&Signer::new("a"))]},
        "apiKey": {"keys": [{"name": "ci", "sha256": KEY_HASH, "claims": {"shop": 3, "scope": "deploy"}}]},
        "basic": {"users": [{"name": "bob", "password": PASSWORD_HASH}]},
    })
}

#[test]
fn tokens_keys_and_passwords_stand_side_by_side() {
    let app = app(&side_by_side());
    let key = |key: &str| app.invoke(Invoke::http("GET", "/").header("X-Api-Key", key));
    assert_eq!(key("k-0123456789abcdef").text(), "ci of 3|ci|apiKey");
    assert_eq!(call(&app, "Basic Ym9iOnMzY3JldA==").text(), "bob of 0|bob|basic");
    assert_eq!(call(&app, &format!("Bearer {}", Signer::new("a").sign(&claims()))).text(), "ann of 7|ann|jwt");
    let challenges =
        r#"Bearer realm="faas", Basic realm="faas", charset="UTF-8", ApiKey realm="faas", header="x-api-key""#;
    for refused in [key("k-0123456789abcdeg"), key(""), call(&app, "Basic Ym9iOnMzY3JldDI="), call(&app, "Basic ?")] {
        let told: Vec<&str> = refused
            .headers
            .iter()
            .filter(|(name, _)| name == "www-authenticate")
            .map(|(_, value)| value.as_str())
            .collect();
        assert_eq!((refused.status(), told.join(", ").as_str()), (401, challenges));
    }
    let mixed =
        Invoke::http("GET", "/").header("Authorization", "Basic Ym9iOng=").header("X-Api-Key", "k-0123456789abcdef");
    assert_eq!(app.invoke(mixed).status(), 401, "who says something wrong is not let in by something else");
}

#[test]
fn routes_open_and_ask_for_more() {
    let mut config = side_by_side();
    config["routes"] = json!([
        {"path": "/health", "access": "open"},
        {"methods": ["OPTIONS"], "path": "/*", "access": "open"},
        {"path": "/news/*", "access": "optional"},
        {"methods": ["POST"], "path": "/deploy/{id}", "scopes": ["deploy"]},
        {"path": "/shops/3/*", "claims": {"shop": [3, 4]}},
    ]);
    let app = app(&config);
    let key = |method: &str, path: &str| {
        app.invoke(Invoke::http(method, path).header("X-Api-Key", "k-0123456789abcdef")).status()
    };
    let bob = |method: &str, path: &str| {
        app.invoke(Invoke::http(method, path).header("Authorization", "Basic Ym9iOnMzY3JldA=="))
    };
    let none = |method: &str, path: &str| app.invoke(Invoke::http(method, path)).status();
    assert_eq!(
        (none("GET", "/health"), none("OPTIONS", "/deploy/1"), none("GET", "/news/1"), none("GET", "/")),
        (200, 200, 200, 401)
    );
    assert_eq!(app.invoke(Invoke::http("GET", "/news/1").header("X-Api-Key", "x")).status(), 401, "said wrong");
    assert_eq!((key("POST", "/deploy/1"), key("GET", "/shops/3/x"), key("GET", "/")), (200, 200, 200));
    let forbidden = bob("POST", "/deploy/1");
    assert_eq!(
        (forbidden.status(), forbidden.header("www-authenticate")),
        (403, Some(r#"Bearer realm="faas", error="insufficient_scope", scope="deploy""#))
    );
    assert_eq!(forbidden.json()["errorMessage"], "expected the scopes deploy");
    assert_eq!((bob("GET", "/deploy/1").status(), bob("GET", "/shops/3/x").status()), (200, 403));
    assert_eq!((none("GET", "/health/../deploy/1"), bob("GET", "/health/../deploy/1").status()), (401, 403));
}

#[test]
fn events_are_let_in_where_their_platform_alone_can_hand_them_over() {
    let start = |platform: &str, events: Option<&str>| {
        let mut config = json!({"jwt": {"issuers": [issuer(&Signer::new("a"))]}});
        if let Some(events) = events {
            config["events"] = events.into();
        }
        let app = App::builder().configured(Auth::MODULE, &config.to_string()).module(whoami::MODULE).on(platform);
        app.start().expect("starts")
    };
    let event = |app: &App| app.invoke(sample("aws/sqs")).failed.map(|failed| failed.kind);
    assert_eq!(event(&start("aws-lambda", None)), None);
    assert_eq!(event(&start("aws-lambda", Some("pass"))), None);
    assert_eq!(event(&start("aws-lambda", Some("refuse"))).as_deref(), Some("Auth.Forbidden"));
    let cloud_event = || Invoke::cloud_event(&[("id", "1"), ("source", "/s"), ("type", "t")], "{}");
    let knative = start("knative", None);
    let refused = knative.invoke(cloud_event());
    assert_eq!(
        refused.failed.as_ref().map(|failed| failed.kind.as_str()),
        Some("Auth.Missing"),
        "anybody might send one"
    );
    let good = format!("Bearer {}", Signer::new("a").sign(&claims()));
    assert_eq!(knative.invoke(cloud_event().header("Authorization", &good)).failed.map(|failed| failed.kind), None);
    assert_eq!(start("knative", Some("pass")).invoke(cloud_event()).failed.map(|failed| failed.kind), None);
}

#[test]
fn keys_in_a_file_are_read_again_when_it_changes_and_kept_while_it_is_broken() {
    let folder = std::env::temp_dir().join(format!("layer-auth-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("keys.json");
    let write = |text: &str| {
        std::fs::write(folder.join("new"), text).expect("written");
        std::fs::rename(folder.join("new"), &path).expect("moved");
    };
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    write(&set(&[&old]).to_string());
    let app = app(&json!({"jwt": {"issuers": [{"keysFile": path, "keepFor": "1h"}]}}));
    let status = |signer: &Signer| call(&app, &format!("Bearer {}", signer.sign(&json!({"sub": "ann"})))).status();
    assert_eq!((status(&old), status(&new)), (200, 401));
    write(&set(&[&old, &new]).to_string());
    app.advance(Duration::from_secs(1));
    assert_eq!((status(&old), status(&new)), (200, 200));
    write(&set(&[&new]).to_string());
    app.advance(Duration::from_secs(1));
    assert_eq!((status(&old), status(&new)), (401, 200));
    write("{");
    app.advance(Duration::from_secs(59 * 60));
    assert_eq!(status(&new), 200);
    assert_eq!(app.logs().iter().filter(|line| line.message.contains("keys.json: expected JSON")).count(), 1);
    app.advance(Duration::from_secs(60));
    let gone = call(&app, &format!("Bearer {}", new.sign(&json!({"sub": "ann"}))));
    assert_eq!((gone.status(), gone.header("retry-after"), gone.header("www-authenticate")), (503, Some("5"), None));
    assert_eq!(gone.json()["errorType"], "Auth.Unavailable");
    std::fs::remove_file(&path).expect("removed");
    app.advance(Duration::from_secs(1));
    assert_eq!(status(&new), 503);
    write(&set(&[&new]).to_string());
    app.advance(Duration::from_secs(1));
    assert_eq!(status(&new), 200);
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    let public = Signer::new("a").public();
    let issuer = |more: Value| {
        let mut issuer = json!({"keys": [public.clone()]});
        issuer.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        json!({"jwt": {"issuers": [issuer]}})
    };
    for (config, why) in [
        (json!({}), "jwt: expected at least one of jwt, apiKey, basic, found none"),
        (json!({"jwt": {"issuers": []}}), "jwt.issuers: expected at least one, found none"),
        (json!({"jwt": {"issuers": [{}]}}), "jwt.issuers[0].keys: expected one of secrets, keys, keysFile, keysUrl"),
        (issuer(json!({"secrets": ["x"]})), "jwt.issuers[0].keys: expected one of secrets"),
        (issuer(json!({"algorithms": ["none"]})), r#"jwt.issuers[0].algorithms: expected RS256"#),
        (issuer(json!({"algorithms": ["HS256"]})), r#"EdDSA, found "HS256""#),
        (issuer(json!({"algorithms": []})), "jwt.issuers[0].algorithms: expected at least one"),
        (issuer(json!({"leeway": "11m"})), "jwt.issuers[0].leeway: expected at most 10m"),
        (issuer(json!({"keepFor": "1m"})), "jwt.issuers[0].keepFor: expected a time that is not shorter than lifetime"),
        (issuer(json!({"keys": []})), "jwt.issuers[0].keys: expected public keys"),
        (
            issuer(json!({"keys": [public.clone(), {"kty": "oct", "k": "AAAA"}]})),
            "keys[1]: expected a public key, found a secret",
        ),
        (
            json!({"jwt": {"issuers": [{"secrets": ["too short"]}]}}),
            "secrets: expected secrets of at least 32 bytes, found one of 9",
        ),
        (json!({"jwt": {"issuers": [{"secrets": []}]}}), "secrets: expected secrets of at least 32 bytes"),
        (
            json!({"jwt": {"issuers": [{"secrets": ["x".repeat(40)], "algorithms": ["HS256", "HS384"]}]}}),
            "secrets: expected secrets of at least 48 bytes, found one of 40",
        ),
        (
            json!({"jwt": {"issuers": [{"secrets": ["x".repeat(40)], "algorithms": ["RS256"]}]}}),
            "since the key is a secret",
        ),
        (
            json!({"jwt": {"issuers": [{"keysUrl": "http://id.example/keys"}]}}),
            "keysUrl: expected a URL of https, or of this machine",
        ),
        (
            json!({"jwt": {"issuers": [{"keysUrl": "http://localhost.evil.example/"}]}}),
            "keysUrl: expected a URL of https",
        ),
        (
            json!({"jwt": {"issuers": [{"keysUrl": "http://localhost:80@evil.example/"}]}}),
            "keysUrl: expected a URL of https",
        ),
        (json!({"jwt": {"issuers": [{"keysFile": "/no/such/file"}]}}), "/no/such/file cannot be read"),
        (
            json!({"jwt": {"issuers": [{"issuer": "a", "keys": [public.clone()]}, {"keys": [public.clone()]}]}}),
            "jwt.issuers[1].issuer: expected its name, beside other issuers",
        ),
        (
            json!({"jwt": {"issuers": [{"issuer": "a", "keys": [public.clone()]}, {"issuer": "a", "keys": [public.clone()]}]}}),
            "jwt.issuers[1].issuer: expected a name that no other issuer has",
        ),
        (json!({"apiKey": {"keys": []}}), "apiKey.keys: expected at least one"),
        (
            json!({"apiKey": {"keys": [{"name": "a", "sha256": "k-1"}]}}),
            "apiKey.keys[0].sha256: expected 64 hexadecimal digits",
        ),
        (
            json!({"apiKey": {"header": "authorization", "keys": [{"name": "a", "sha256": KEY_HASH}]}}),
            "apiKey.header: expected",
        ),
        (
            json!({"basic": {"users": [{"name": "a", "password": "s3cret"}]}}),
            "basic.users[0].password: expected $pbkdf2-sha256$i=",
        ),
        (
            json!({"basic": {"users": [{"name": "a:b", "password": PASSWORD_HASH}]}}),
            "basic.users[0].name: expected a name without a colon",
        ),
        (
            json!({"basic": {"users": [{"name": "a", "password": PASSWORD_HASH}, {"name": "a", "password": PASSWORD_HASH}]}}),
            "basic.users[1].name: expected a name that no other has",
        ),
    ] {
        let app = App::builder().configured(Auth::MODULE, &config.to_string()).module(whoami::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{config}: {found}");
        assert!(!found.contains("s3cret") && !found.contains("k-1"), "no secret is told: {found}");
    }
    for (name, value, why) in [
        ("routes", json!([{"path": "health"}]), "routes[0].path: expected a path"),
        (
            "routes",
            json!([{"path": "/", "access": "open", "scopes": ["a"]}]),
            "routes[0].access: expected another one than open",
        ),
        ("routes", json!([{"path": "/", "scopes": ["a b"]}]), "routes[0].scopes: expected words"),
        ("routes", json!([{"path": "/", "scope": ["a"]}]), "unknown field `scope`"),
        ("realm", json!("a\"b"), "realm: expected a text of ASCII without quotes"),
        ("events", json!("ignore"), "events: unknown variant `ignore`"),
    ] {
        let mut config = side_by_side();
        config[name] = value;
        let app = App::builder().configured(Auth::MODULE, &config.to_string()).module(whoami::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains(why), "{config}: {found}");
    }
}
