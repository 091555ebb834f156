//! The headers that a browser is sent, through the layer's real table.
#![allow(missing_docs, reason = "tests")]

use handlers_sdk::testing::{Answer, App, Invoke};
use handlers_sdk::{Error, FaasContext, HttpView, Response, function};
use layer_cors::Cors;

#[function]
fn shop(ctx: FaasContext) -> Result<Response, Error> {
    match ctx.http().map_or("", HttpView::path) {
        "/fails" => Err(Error::new("Shop.Closed", "closed")),
        "/panics" => panic!("on purpose"),
        "/own" => Ok(Response::text("own").header("access-control-allow-origin", "*").header("vary", "accept, ORIGIN")),
        "/vary" => Ok(Response::text("vary").header("vary", "accept")),
        _ => Ok(Response::text("fine")),
    }
}

const NAMED: &str =
    r#"{"allowOrigins":["https://a.example","https://*.b.example"],"exposeHeaders":["x-id"],"maxAge":"10m"}"#;
const ORIGIN: &str = "https://a.example";

fn app(config: &str) -> App {
    App::builder().configured(Cors::MODULE, config).module(shop::MODULE).start().expect("starts")
}

fn get(app: &App, path: &str, origin: &str) -> Answer {
    app.invoke(Invoke::http("GET", path).header("Origin", origin))
}

fn preflight(origin: &str, method: &str) -> Invoke {
    Invoke::http("OPTIONS", "/").header("Origin", origin).header("Access-Control-Request-Method", method)
}

fn all<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let same = answer.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
    same.map(|(_, value)| value.as_str()).collect()
}

#[test]
fn a_reply_says_who_may_read_it_and_depends_on_the_origin() {
    let app = app(NAMED);
    let answer = get(&app, "/", ORIGIN);
    assert_eq!((answer.text().as_str(), answer.header("access-control-allow-origin")), ("fine", Some(ORIGIN)));
    assert_eq!(answer.header("access-control-expose-headers"), Some("x-id"));
    assert_eq!((all(&answer, "vary"), answer.header("access-control-allow-credentials")), (vec!["Origin"], None));
    for origin in ["https://c.example", "null", "https://b.example"] {
        let answer = get(&app, "/", origin);
        assert_eq!((answer.text().as_str(), answer.header("access-control-allow-origin")), ("fine", None), "{origin}");
        assert_eq!(answer.header("vary"), Some("Origin"), "a cache must not hand it to another origin");
    }
    assert_eq!(app.invoke(Invoke::http("GET", "/")).header("vary"), Some("Origin"), "without an origin as well");
}

#[test]
fn what_the_function_says_itself_is_replaced_and_its_vary_is_kept() {
    let app = app(NAMED);
    let answer = get(&app, "/own", ORIGIN);
    assert_eq!(all(&answer, "access-control-allow-origin"), [ORIGIN]);
    let stranger = get(&app, "/own", "https://c.example");
    assert_eq!(stranger.header("access-control-allow-origin"), None, "the configuration decides");
    let vary = all(&get(&app, "/vary", ORIGIN), "vary").join(", ");
    assert!(vary.contains("accept") && vary.contains("Origin"), "{vary}");
}

#[test]
fn a_failure_can_be_read_by_the_page_too() {
    let app = app(NAMED);
    for path in ["/fails", "/panics"] {
        let answer = get(&app, path, ORIGIN);
        assert!(answer.failed.is_some());
        let reply = answer.on_platform();
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (Some(500), Some(ORIGIN)), "{path}");
        assert_eq!(reply.header("vary"), Some("Origin"));
    }
}

#[test]
fn a_preflight_never_reaches_the_function() {
    let app = app(NAMED);
    let answer = app.invoke(preflight("https://x.b.example", "POST"));
    assert_eq!((answer.status(), answer.body.len()), (204, 0));
    for (name, value) in [
        ("access-control-allow-origin", Some("https://x.b.example")),
        ("access-control-allow-methods", Some("GET, HEAD, POST")),
        ("access-control-allow-headers", None),
        ("access-control-max-age", Some("600")),
        ("access-control-allow-private-network", None),
        ("vary", Some("Origin, Access-Control-Request-Method, Access-Control-Request-Headers")),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let refused = app.invoke(preflight("https://c.example", "POST"));
    let told = refused.headers.iter().find(|(name, _)| name.starts_with("access-control"));
    assert_eq!((refused.status(), told), (204, None), "and the browser goes no further");
    let plain = app.invoke(Invoke::http("OPTIONS", "/").header("Origin", ORIGIN));
    assert_eq!(plain.text(), "fine", "OPTIONS that asks for nothing is the function's");
}

#[test]
fn what_is_asked_for_is_allowed_where_a_star_says_so() {
    let app = app(
        r#"{"allowOrigins":["https://a.example"],"allowMethods":["*"],"allowHeaders":["*"],"allowCredentials":true,"allowPrivateNetwork":true}"#,
    );
    let asked = preflight(ORIGIN, "DELETE").header("Access-Control-Request-Headers", "authorization,x-b");
    let answer = app.invoke(asked.header("Access-Control-Request-Private-Network", "true"));
    for (name, value) in [
        ("access-control-allow-methods", "DELETE"),
        ("access-control-allow-headers", "authorization,x-b"),
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-private-network", "true"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(answer.header("vary").is_some_and(|vary| vary.ends_with("Request-Private-Network")));
    let odd = app.invoke(preflight(ORIGIN, "GET").header("Access-Control-Request-Headers", "x b, c"));
    assert_eq!(odd.header("access-control-allow-headers"), None, "only what is a list of names is said back");
    assert_eq!(get(&app, "/", ORIGIN).header("access-control-allow-credentials"), Some("true"));
}

#[test]
fn where_every_origin_may_the_reply_is_the_same_for_all() {
    let app = app(r#"{"allowOrigins":["*"]}"#);
    for origin in [ORIGIN, "null"] {
        let answer = get(&app, "/", origin);
        assert_eq!(
            (answer.header("access-control-allow-origin"), answer.header("vary")),
            (Some("*"), None),
            "{origin}"
        );
    }
}

#[test]
fn an_event_is_no_request_of_a_page() {
    let answer = app(NAMED).invoke(Invoke::event("{}").on("aws-lambda"));
    assert_eq!((answer.text().as_str(), answer.headers.len()), ("fine", 1), "{:?}", answer.headers);
}

#[test]
fn a_mistake_in_its_configuration_ends_the_start() {
    for (config, why) in [
        ("{}", "allowOrigins: expected at least one origin, found none"),
        (r#"{"allowOrigins":["shop.example"]}"#, "allowOrigins[0]: expected *, null, or an origin such as"),
        (r#"{"allowOrigins":["*"],"allowCredentials":true}"#, "allowOrigins: expected origins by name, since"),
        (
            r#"{"allowOrigins":["null"],"exposeHeaders":["*"],"allowCredentials":true}"#,
            "exposeHeaders: expected headers",
        ),
        (
            r#"{"allowOrigins":["*"],"allowMethods":["GET PUT"]}"#,
            r#"allowMethods[0]: expected "*" or methods, found "GET PUT""#,
        ),
        (
            r#"{"allowOrigins":["*"],"maxAge":"soon"}"#,
            r#"maxAge: invalid value: string "soon", expected a time such as 30s"#,
        ),
        (r#"{"origins":["*"]}"#, "unknown field `origins`, expected one of `allowOrigins`"),
        (r#"{"allowOrigins":"*"}"#, "allowOrigins: invalid type: string \"*\", expected a sequence"),
    ] {
        let app = App::builder().configured(Cors::MODULE, config).module(shop::MODULE);
        let found = app.start().expect_err("it does not fit");
        assert!(found.contains("layer cors could not be made with") && found.contains(why), "{found}");
    }
}
