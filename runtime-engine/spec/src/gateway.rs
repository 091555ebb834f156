//! Routes in the words of the gateways before each platform: exactly, or as much as there is, with what is lost. What a
//! gateway cannot tell apart reaches the process, and its router decides.

/// A route as a gateway has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// What is set at the gateway, in its own words; empty: every path reaches the process.
    pub routes: Vec<String>,
    /// What the gateway does not know of the route, and the process's router decides; empty: nothing.
    pub note: &'static str,
}

/// One segment of a pattern of ours.
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

/// The route at the gateway of a platform. `pattern` is one that the router takes.
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
    let exact = |routes: Vec<String>| Gateway { routes, note: "" };
    match platform {
        // API Gateway's greedy parameter takes one segment at least, so that the bare path is a route of its own.
        "aws-lambda" if has_rest => exact(vec![format!("/{}", braces("")), format!("/{}", braces("{proxy+}"))]),
        "aws-lambda" => exact(vec![format!("/{}", braces(""))]),
        "azure-functions" => Gateway {
            routes: vec![braces("{*rest}")],
            note: "overlapping routes of several functions are taken in the order of their names, so a unit has one route \
                   for all",
        },
        "huawei-functiongraph" if has_rest => exact(vec![format!("/{} (match_mode SWA)", braces(""))]),
        "huawei-functiongraph" => exact(vec![format!("/{} (match_mode NORMAL)", braces(""))]),
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
                Gateway { routes: vec![format!("{prefix}/*")], note }
            }
        }
        _ => Gateway { routes: Vec::new(), note: "every path reaches the process" },
    }
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
            ("huawei-functiongraph", "/users/:id", vec!["/users/{id} (match_mode NORMAL)"]),
            ("huawei-functiongraph", "/files/*", vec!["/files (match_mode SWA)"]),
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
    }
}
