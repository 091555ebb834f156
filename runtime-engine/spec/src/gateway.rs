//! Routes in the words of the gateways before each platform: exactly, or as nearly as possible, with a note about the
//! difference. Requests that a gateway cannot tell apart reach the process, whose router decides.

use std::cmp::Ordering;

/// A route in the words of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The routes that are set at the gateway, in its own words; empty if every path reaches the process.
    pub routes: Vec<String>,
    /// The way in which the gateway compares a path with these, where that is set beside them; empty where it is not.
    pub mode: &'static str,
    /// The part of the route that the gateway does not know, and that the process's router decides; empty if there is
    /// none.
    pub note: &'static str,
}

/// One segment of a pattern of our own.
enum Segment<'p> {
    Literal(&'p str),
    Parameter(&'p str),
    Rest,
}

fn segments(pattern: &str) -> Vec<Segment<'_>> {
    pattern
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| match segment.as_bytes()[0] {
            b':' => Segment::Parameter(&segment[1..]),
            b'*' => Segment::Rest,
            b'{' if segment.starts_with("{*") || segment.ends_with("+}") => Segment::Rest,
            b'{' => Segment::Parameter(segment.trim_matches(['{', '}'])),
            _ => Segment::Literal(segment),
        })
        .collect()
}

/// Returns the route at the gateway of a platform. `pattern` is one that the router takes.
///
/// ```
/// use serverless_spec::gateway::route;
///
/// assert_eq!(route("aws-lambda", "/orders/:id").routes, ["/orders/{id}"]);
/// assert_eq!(route("aws-lambda", "/files/*").routes, ["/files", "/files/{proxy+}"]);
/// ```
pub fn route(platform: &str, pattern: &str) -> Gateway {
    let segments = segments(pattern);
    let has_rest = matches!(segments.last(), Some(Segment::Rest));
    let braces = |rest: &str| {
        let parts: Vec<String> = segments
            .iter()
            .filter_map(|segment| match segment {
                Segment::Literal(text) => Some((*text).to_owned()),
                Segment::Parameter(name) => Some(format!("{{{name}}}")),
                Segment::Rest if rest.is_empty() => None,
                Segment::Rest => Some(rest.to_owned()),
            })
            .collect();
        parts.join("/")
    };
    let exact = |routes: Vec<String>| Gateway { routes, mode: "", note: "" };
    let is_literal = segments.iter().all(|segment| matches!(segment, Segment::Literal(_)));
    match platform {
        // API Gateway's greedy parameter takes one segment at least, so the bare path is a route of its own.
        "aws-lambda" if has_rest => exact(vec![format!("/{}", braces("")), format!("/{}", braces("{proxy+}"))]),
        "aws-lambda" => exact(vec![format!("/{}", braces(""))]),
        // An empty route would be replaced by the folder's name.
        "azure-functions" if segments.is_empty() => exact(vec!["{root:maxlength(0)?}".to_owned()]),
        "azure-functions" => Gateway {
            routes: vec![braces("{*rest}")],
            mode: "",
            note: "routes are tried in the order of the names of their folders, which are numbered for that",
        },
        "huawei-functiongraph" => {
            let mode = if has_rest { "SWA" } else { "NORMAL" };
            Gateway { routes: vec![format!("/{}", braces(""))], mode, note: "" }
        }
        "yandex" if has_rest => exact(vec![format!("/{}", braces("")), format!("/{}", braces("{rest+}"))]),
        "yandex" => exact(vec![format!("/{}", braces(""))]),
        "fn" if is_literal => exact(vec![format!("/{}", braces(""))]),
        "fn" => Gateway { routes: Vec::new(), mode: "", note: "a trigger has one exact path" },
        "aliyun-fc" => {
            let literal: Vec<&str> = segments
                .iter()
                .map_while(|segment| if let Segment::Literal(text) = segment { Some(*text) } else { None })
                .collect();
            let prefix: String = literal.iter().map(|text| format!("/{text}")).collect();
            if literal.len() == segments.len() {
                exact(vec![if prefix.is_empty() { "/".to_owned() } else { prefix }])
            } else {
                let is_exact = has_rest && literal.len() + 1 == segments.len();
                let note = if is_exact {
                    ""
                } else {
                    "the domain has no parameters: what else begins so reaches the process, too"
                };
                Gateway { routes: vec![format!("{prefix}/*")], mode: "", note }
            }
        }
        _ => Gateway { routes: Vec::new(), mode: "", note: "every path reaches the process" },
    }
}

/// Compares two patterns: the router tries the lesser first. It compares segment by segment from the left, a text
/// before a parameter, a parameter before the rest.
///
/// ```
/// use serverless_spec::gateway::order;
///
/// let mut patterns = ["/*", "/orders/:id", "/orders/new"];
/// patterns.sort_by(|one, other| order(one, other));
/// assert_eq!(patterns, ["/orders/new", "/orders/:id", "/*"]);
/// ```
pub fn order(one: &str, other: &str) -> Ordering {
    let rank = |segment: Option<&Segment<'_>>| match segment {
        Some(Segment::Literal(_)) => 0,
        Some(Segment::Parameter(_)) => 1,
        // A pattern that ends comes before one with an empty rest.
        None => 2,
        Some(Segment::Rest) => 3,
    };
    let (one, other) = (segments(one), segments(other));
    for index in 0..one.len().max(other.len()) {
        let (left, right) = (one.get(index), other.get(index));
        let by_text = || match (left, right) {
            (Some(Segment::Literal(left)), Some(Segment::Literal(right))) => left.cmp(right),
            _ => Ordering::Equal,
        };
        match rank(left).cmp(&rank(right)).then_with(by_text) {
            Ordering::Equal => {}
            order => return order,
        }
    }
    Ordering::Equal
}

/// Returns the path that a pattern begins with, and whether the pattern is that path alone.
///
/// ```
/// use serverless_spec::gateway::literal;
///
/// assert_eq!(literal("/orders/:id"), ("/orders".to_owned(), false));
/// assert_eq!(literal("/orders"), ("/orders".to_owned(), true));
/// ```
pub fn literal(pattern: &str) -> (String, bool) {
    let segments = segments(pattern);
    let is_literal = |segment: &&Segment<'_>| matches!(segment, Segment::Literal(_));
    let texts: String = segments
        .iter()
        .take_while(is_literal)
        .map(|segment| if let Segment::Literal(text) = segment { format!("/{text}") } else { String::new() })
        .collect();
    let is_exact = segments.iter().all(|segment| is_literal(&segment));
    (if texts.is_empty() { "/".to_owned() } else { texts }, is_exact)
}

/// Returns `true` if a path that fits the pattern may begin with this prefix, written as `/users/*`.
pub(crate) fn may_begin(prefix: &str, pattern: &str) -> bool {
    let segments = segments(pattern);
    let mut rest = segments.iter();
    for part in prefix.trim_end_matches('*').split('/').filter(|part| !part.is_empty()) {
        match rest.next() {
            Some(Segment::Rest) => return true,
            Some(Segment::Parameter(_)) => {}
            Some(Segment::Literal(text)) if *text == part => {}
            _ => return false,
        }
    }
    true
}

/// Returns the names of the parameters in a route that has them in braces.
pub(crate) fn parameters(route: &str) -> Vec<&str> {
    route
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| name.trim_end_matches('+'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_those_of_each_gateway() {
        for (platform, pattern, routes) in [
            ("aws-lambda", "/users/:id", vec!["/users/{id}"]),
            ("aws-lambda", "/files/*", vec!["/files", "/files/{proxy+}"]),
            ("aws-lambda", "/", vec!["/"]),
            ("azure-functions", "/users/{id}", vec!["users/{id}"]),
            ("azure-functions", "/files/*path", vec!["files/{*rest}"]),
            ("azure-functions", "/", vec!["{root:maxlength(0)?}"]),
            ("huawei-functiongraph", "/users/:id", vec!["/users/{id}"]),
            ("huawei-functiongraph", "/files/*", vec!["/files"]),
            ("yandex", "/files/*", vec!["/files", "/files/{rest+}"]),
            ("fn", "/orders", vec!["/orders"]),
            ("fn", "/users/:id", vec![]),
            ("aliyun-fc", "/orders", vec!["/orders"]),
            ("aliyun-fc", "/users/:id/orders", vec!["/users/*"]),
            ("aliyun-fc", "/files/*", vec!["/files/*"]),
            ("aliyun-fc", "/", vec!["/"]),
            ("knative", "/users/:id", vec![]),
        ] {
            assert_eq!(route(platform, pattern).routes, routes, "{platform} {pattern}");
        }
        assert_eq!(route("aliyun-fc", "/files/*").note, "");
        assert!(!route("aliyun-fc", "/users/:id").note.is_empty());
        assert_eq!(route("huawei-functiongraph", "/files/*").mode, "SWA");
        assert_eq!(route("huawei-functiongraph", "/users/:id").mode, "NORMAL");
    }

    #[test]
    fn prefixes_are_those_that_a_path_may_begin_with() {
        for (prefix, pattern, may) in [
            ("/users/*", "/users/:id/orders", true),
            ("/users/*", "/:any/orders", true),
            ("/users/*", "/*", true),
            ("/users/*", "/orders/:id", false),
            ("/users/*", "/", false),
            ("/*", "/orders", true),
        ] {
            assert_eq!(may_begin(prefix, pattern), may, "{prefix} {pattern}");
        }
        assert_eq!(literal("/users/:id/x"), ("/users".to_owned(), false));
        assert_eq!(literal("/users/list"), ("/users/list".to_owned(), true));
        assert_eq!(literal("/*"), ("/".to_owned(), false));
        assert_eq!(parameters("/a/{id}/{rest+}"), ["id", "rest"]);
    }

    #[test]
    fn the_order_is_that_of_the_router() {
        use faas_core::router::{Found, Matching, Params, Router};
        let patterns =
            ["/api/list", "/api/:id", "/api/*", "/:a/list", "/a/*", "/:x/b/c", "/a/:b/c", "/*", "/", "/api", "/a/b/:c"];
        let paths = [
            "/",
            "/api",
            "/api/list",
            "/api/7",
            "/api/7/8",
            "/a/b/c",
            "/a/x/c",
            "/z/list",
            "/z/b/c",
            "/a",
            "/a/b",
            "/q/r/s",
        ];
        let mut sorted = patterns.to_vec();
        sorted.sort_by(|one, other| order(one, other));
        let only = |pattern: &str| {
            let mut router = Router::new(Matching { strict_slash: false, caseless: false });
            router.add(pattern, &[], 0).expect("it is a pattern");
            router
        };
        let mut whole = Router::new(Matching { strict_slash: false, caseless: false });
        for (number, pattern) in patterns.iter().enumerate() {
            whole.add(pattern, &[], number).expect("it is a pattern");
        }
        for path in paths {
            let fits = |pattern: &&&str| {
                matches!(only(pattern).find(b"GET", path.as_bytes(), &mut Params::new()), Found::Route { .. })
            };
            let first = sorted.iter().find(fits).copied();
            let found = match whole.find(b"GET", path.as_bytes(), &mut Params::new()) {
                Found::Route { owner, .. } => Some(patterns[owner]),
                _ => None,
            };
            assert_eq!(first, found, "{path}: {sorted:?}");
        }
    }
}
