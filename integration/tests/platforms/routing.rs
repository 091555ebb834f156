//! Routes whose order has surprised people elsewhere, in one unit made from a yml: each request goes to the most
//! specific route, wherever it stands in the yml, with its parameters, on a platform that is sent requests and on one
//! that is asked for events.

use super::combined::read;
use crate::rig::{Answer, Platform};
use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::inspected::Inspected;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use platform_emulators::aws_lambda::Options;
use serde_json::{Value, json};
use std::fmt::Write;

integration::both![
    over_http_each_request_goes_to_the_most_specific_route,
    on_aws_each_request_goes_to_the_most_specific_route,
];

/// The function that serves a request.
enum Goes {
    /// The function of this route, with these parameters.
    To(&'static str, &'static [(&'static str, &'static str)]),
    /// No function, since no route fits the path.
    Nowhere,
    /// No function, since the routes of the path have only these methods.
    Refused(&'static str),
}
use Goes::{Nowhere, Refused, To};

/// The routes of one unit, the broadest first, and requests with their functions. The wrong results of others stand
/// beside.
type Case = (&'static [&'static str], &'static [(&'static str, Goes)]);

const CASES: &[Case] = &[
    (
        &["/*", "/", "/:a/:b", "/api/*", "/api", "/api/:id", "/api/:id/x", "/api/list"],
        &[
            ("GET /api/7", To("/api/:id", &[("id", "7")])), // `/api/*` hid it
            ("GET /api/list", To("/api/list", &[])),
            ("GET /api/list/", To("/api/list", &[])),
            ("GET /api/7/x", To("/api/:id/x", &[("id", "7")])),
            ("GET /api/7/y", To("/api/*", &[("*", "7/y")])),
            ("GET /api/list/x", To("/api/:id/x", &[("id", "list")])),
            ("GET /api", To("/api", &[])),
            ("GET /api/", To("/api", &[])),
            ("GET /x/y", To("/:a/:b", &[("a", "x"), ("b", "y")])),
            ("GET /x/y/z", To("/*", &[("*", "x/y/z")])),
            ("GET /apis", To("/*", &[("*", "apis")])), // a prefix of text took it
            ("GET /API/list", To("/:a/:b", &[("a", "API"), ("b", "list")])), // case made no difference
            ("GET /", To("/", &[])),
        ],
    ),
    (
        &["/:x/b/c", "/a/*"],
        &[
            ("GET /a/b/c", To("/a/*", &[("*", "b/c")])), // more slashes counted before texts
            ("GET /z/b/c", To("/:x/b/c", &[("x", "z")])),
            ("GET /a", To("/a/*", &[("*", "")])),
            ("GET /z/b/d", Nowhere),
        ],
    ),
    (
        &["/:type/:area/", "/detail/:id"],
        &[
            ("GET /detail/7", To("/detail/:id", &[("id", "7")])), // the slash at the end counted as depth
            ("GET /detail/7/", To("/detail/:id", &[("id", "7")])),
            ("GET /detail/7.html", To("/detail/:id", &[("id", "7.html")])),
            ("GET /list/7", To("/:type/:area/", &[("type", "list"), ("area", "7")])),
            ("GET /list/7/8", Nowhere),
        ],
    ),
    (
        &["/user/", "/user/:id", "GET /user/new", "/user/*"],
        &[
            ("GET /user", To("/user/", &[])), // `/user/` was another path
            ("GET /user/", To("/user/", &[])),
            ("GET /user/new", To("GET /user/new", &[])),
            ("POST /user/new", To("/user/:id", &[("id", "new")])), // the first pattern that fitted decided, whatever the method
            ("GET /user/7/8", To("/user/*", &[("*", "7/8")])),
            ("GET /usertest", Nowhere), // plain texts fitted as prefixes
        ],
    ),
    (
        &["GET /items", "POST /items", "GET /items/:id", "DELETE /items/:item", "GET /items/:id/*"],
        &[
            ("GET /items", To("GET /items", &[])),
            ("POST /items", To("POST /items", &[])),
            ("PUT /items", Refused("GET, HEAD, OPTIONS, POST")), // it was 404
            ("DELETE /items/7", To("DELETE /items/:item", &[("item", "7")])), // siblings had to share the parameter's name
            ("HEAD /items/7", To("GET /items/:id", &[("id", "7")])),
            ("PATCH /items/7", Refused("DELETE, GET, HEAD, OPTIONS")),
            ("GET /items/7/", To("GET /items/:id", &[("id", "7")])),
            ("GET /items/7/a/b", To("GET /items/:id/*", &[("id", "7"), ("*", "a/b")])),
            ("GET /item", Nowhere),
        ],
    ),
];

/// Returns a unit with a function for each route, called like its number.
fn deployment(routes: &[&str]) -> Deployment {
    let mut yml = "service: shop\nfunctions:\n".to_owned();
    for (number, route) in routes.iter().enumerate() {
        let (method, path) = route.split_once(' ').unwrap_or(("any", route));
        writeln!(yml, "  f{number}: {{handler: inspect, events: [{{http: {{path: '{path}', method: {method}}}}}]}}")
            .expect("a text takes all");
    }
    yml.push_str("aggregation: {all: {functionsPattern: '*'}}\n");
    let spec = read(&yml, "http");
    Deployment::of("inspect").manifest(&spec.manifest(&spec.units[0]).expect("a manifest can be written"))
}

fn behave<P: Platform>(start: impl Fn(Deployment) -> P) {
    for (routes, requests) in CASES {
        // The order of the yml makes no difference.
        let backwards: Vec<&str> = routes.iter().rev().copied().collect();
        for routes in [routes.to_vec(), backwards] {
            let mut platform = start(deployment(&routes));
            for (request, goes) in *requests {
                let (method, path) = request.split_once(' ').expect("a method and a path");
                let answer = platform.request(method, path, "");
                let Answer::Reply { status, headers, body } = &answer else { panic!("{request}: {answer:?}") };
                let allow =
                    headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("allow")).map(|(_, value)| &**value);
                match goes {
                    Nowhere => assert_eq!(*status, 404, "{routes:?}, {request}: {answer:?}"),
                    Refused(methods) => assert_eq!((*status, allow), (405, Some(*methods)), "{routes:?}, {request}"),
                    // A reply to HEAD has no body to look at.
                    To(..) if method == "HEAD" => assert_eq!(*status, 200, "{routes:?}, {request}: {answer:?}"),
                    To(route, params) => {
                        assert_eq!(*status, 200, "{routes:?}, {request}: {answer:?}");
                        let Inspected(seen) = Inspected::read(body);
                        let number = routes.iter().position(|other| other == route).expect("it is a route");
                        assert_eq!(seen["function"], format!("f{number}"), "{routes:?}, {request}");
                        let params: serde_json::Map<String, Value> =
                            params.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
                        assert_eq!(seen["http"]["path_params"], Value::Object(params), "{routes:?}, {request}");
                    }
                }
            }
        }
    }
}

fn over_http_each_request_goes_to_the_most_specific_route(runtime: &Runtime) {
    behave(|deployment| OnHttp::start(runtime, deployment, ""));
}

fn on_aws_each_request_goes_to_the_most_specific_route(runtime: &Runtime) {
    behave(|deployment| OnAws::launch(runtime, deployment, "", Options::default()).polling());
}
