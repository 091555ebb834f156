//! The router against a naive one, over random routes and paths, and against the tables of `docs/routing.md`.
//!
//! The naive router knows no tree: it keeps the routes that fit, and takes the most specific one of them.

use faas_core::router::{Found, Matching, Params, RouteError, Router};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Texts of segments: as they are, as a pattern spells them, and as a request does. Some differ by case or by
/// percent-coding alone, some look like parameters, and one is empty.
const TEXTS: [(&str, &str, &str); 12] = [
    ("a", "a", "a"),
    ("a", "%61", "%61"),
    ("A", "A", "A"),
    ("b", "b", "b"),
    ("b", "b", "%62"),
    ("ab", "ab", "ab"),
    ("", "", ""),
    ("a/b", "a%2Fb", "a%2fb"),
    (":p", "%3Ap", ":p"),
    ("*", "%2A", "*"),
    ("..", "..", ".."),
    ("é%", "é%", "%C3%A9%"),
];

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "OPTIONS", "PURGE"];

/// Names and values of parameters.
type Pairs = Vec<(String, String)>;

#[derive(Clone, Debug)]
enum Part {
    /// A place in `TEXTS`.
    Text(usize),
    /// One segment, written in braces or with a colon.
    Parameter { braces: bool },
    /// The rest, in one of its four spellings.
    Rest { spelling: usize },
}

#[derive(Clone, Debug)]
struct Route {
    parts: Vec<Part>,
    /// The letter that the names of its parameters begin with.
    letter: char,
    methods: Vec<&'static str>,
}

fn route() -> impl Strategy<Value = Route> {
    let part = prop_oneof![
        3 => (0..TEXTS.len()).prop_map(Part::Text),
        2 => any::<bool>().prop_map(|braces| Part::Parameter { braces }),
    ];
    let methods = prop_oneof![1 => Just(Vec::new()), 2 => subsequence(&METHODS[..], 1..4)];
    let rest = prop_oneof![2 => Just(None), 1 => (0..4_usize).prop_map(Some)];
    (prop::collection::vec(part, 0..4), rest, select(vec!['p', 'q']), methods).prop_map(
        |(mut parts, rest, letter, methods)| {
            match rest {
                Some(spelling) => parts.push(Part::Rest { spelling }),
                // The root is a single empty segment.
                None if parts.is_empty() => parts.push(Part::Text(6)),
                None => {}
            }
            Route { parts, letter, methods }
        },
    )
}

/// Makes the method and the segments of a request.
fn request() -> impl Strategy<Value = (&'static str, Vec<usize>)> {
    let method = select(vec!["GET", "HEAD", "POST", "OPTIONS", "PURGE", "DELETE", "get"]);
    (method, prop::collection::vec(0..TEXTS.len(), 1..6))
}

fn matching() -> impl Strategy<Value = Matching> {
    (any::<bool>(), any::<bool>()).prop_map(|(strict_slash, caseless)| Matching { strict_slash, caseless })
}

impl Route {
    fn name(&self, place: usize) -> String {
        match self.parts[place] {
            Part::Rest { spelling: 0 } => "*".to_owned(),
            _ => format!("{}{place}", self.letter),
        }
    }

    fn pattern(&self) -> String {
        let parts = self.parts.iter().enumerate().map(|(place, part)| {
            let name = self.name(place);
            match part {
                Part::Text(text) => format!("/{}", TEXTS[*text].1),
                Part::Parameter { braces: true } => format!("/{{{name}}}"),
                Part::Parameter { braces: false } => format!("/:{name}"),
                Part::Rest { spelling: 0 } => "/*".to_owned(),
                Part::Rest { spelling: 1 } => format!("/*{name}"),
                Part::Rest { spelling: 2 } => format!("/{{{name}+}}"),
                Part::Rest { .. } => format!("/{{*{name}}}"),
            }
        });
        parts.collect()
    }

    /// Returns the parts without the empty text at the end, if that makes no difference.
    fn relevant(&self, matching: Matching) -> &[Part] {
        match &self.parts[..] {
            [front @ .., Part::Text(6)] if !matching.strict_slash => front,
            all => all,
        }
    }

    /// Returns the parts that two routes of the same paths have in common.
    fn shape(&self, matching: Matching) -> Vec<Option<String>> {
        let of = |part: &Part| match part {
            Part::Text(text) => Some(folded(TEXTS[*text].0, matching)),
            Part::Parameter { .. } => None,
            Part::Rest { .. } => Some("the rest".to_owned()),
        };
        self.relevant(matching).iter().map(of).collect()
    }

    /// Returns how specific the route is, the smallest first, and its parameters; `None` if the path does not fit.
    fn fit(&self, path: &[usize], matching: Matching) -> Option<(Vec<u8>, Pairs)> {
        let all: Vec<&str> = path.iter().map(|text| TEXTS[*text].0).collect();
        let count = if !matching.strict_slash && all.last() == Some(&"") { all.len() - 1 } else { all.len() };
        let (mut ranks, mut params) = (Vec::new(), Vec::new());
        let parts = self.relevant(matching);
        for (place, part) in parts.iter().enumerate() {
            match part {
                Part::Rest { .. } if place <= count => {
                    let rest = all.get(place..).unwrap_or_default().join("/");
                    params.push((self.name(place), rest));
                    ranks.push(2);
                    return Some((ranks, params));
                }
                _ if place >= count => return None,
                Part::Text(text) if folded(TEXTS[*text].0, matching) == folded(all[place], matching) => ranks.push(0),
                Part::Parameter { .. } if !all[place].is_empty() => {
                    params.push((self.name(place), all[place].to_owned()));
                    ranks.push(1);
                }
                _ => return None,
            }
        }
        ranks.push(0);
        (parts.len() == count).then_some((ranks, params))
    }
}

fn folded(text: &str, matching: Matching) -> String {
    if matching.caseless { text.to_ascii_lowercase() } else { text.to_owned() }
}

/// Returns an answer in words, as `docs/routing.md` has it.
fn words(pattern: &str, params: &[(String, String)]) -> String {
    let params: Vec<String> = params.iter().map(|(name, value)| format!("{name} `{value}`")).collect();
    let with = if params.is_empty() { "" } else { " with " };
    format!("`{pattern}`{with}{}", params.join(", "))
}

fn naive(routes: &[&Route], method: &str, path: &[usize], matching: Matching) -> String {
    let fit = |route: &Route| route.fit(path, matching);
    let best = |takes: &dyn Fn(&Route) -> bool| {
        let fitting = routes.iter().filter(|route| takes(route)).filter_map(|route| Some((fit(route)?, route)));
        fitting.min_by_key(|((ranks, _), route)| (ranks.clone(), route.methods.is_empty()))
    };
    let names = |method| move |route: &Route| route.methods.is_empty() || route.methods.contains(&method);
    let found = best(&names(method)).or_else(|| if method == "HEAD" { best(&names("GET")) } else { None });
    if let Some(((_, params), route)) = found {
        return words(&route.pattern(), &params);
    }
    let fitting = routes.iter().filter(|route| fit(route).is_some());
    let mut allow: Vec<&str> = fitting.flat_map(|route| route.methods.iter().copied()).collect();
    if allow.is_empty() {
        return "404".to_owned();
    }
    if allow.contains(&"GET") {
        allow.push("HEAD");
    }
    allow.push("OPTIONS");
    allow.sort_unstable();
    allow.dedup();
    let allow = allow.join(", ");
    if method == "OPTIONS" { format!("the methods {allow}") } else { format!("405, {allow}") }
}

fn find(router: &Router, method: &str, path: &str, params: &mut Params) -> String {
    let found = router.find(method.as_bytes(), path.as_bytes(), params);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("what was sent was text");
    let params: Pairs = params.iter().map(|(name, value)| (text(name), text(value))).collect();
    assert!(params.is_empty() || matches!(found, Found::Route { .. }), "{found:?} {params:?}");
    match found {
        Found::Route { pattern, .. } => words(pattern, &params),
        Found::Options(allow) => format!("the methods {allow}"),
        Found::MethodNotAllowed(allow) => format!("405, {allow}"),
        Found::NotFound => "404".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn the_router_finds_what_a_naive_one_finds(
        matching in matching(),
        routes in prop::collection::vec(route(), 0..16),
        requests in prop::collection::vec(request(), 24),
    ) {
        let mut router = Router::new(matching);
        let mut added: Vec<&Route> = Vec::new();
        for (owner, route) in routes.iter().enumerate() {
            let rival = added.iter().find(|other| {
                let share = route.methods.iter().any(|method| other.methods.contains(method));
                other.shape(matching) == route.shape(matching)
                    && (share || route.methods.is_empty() && other.methods.is_empty())
            });
            match router.add(&route.pattern(), &route.methods, owner) {
                Ok(()) => {
                    prop_assert!(rival.is_none(), "{} and {rival:?}", route.pattern());
                    added.push(route);
                }
                Err(RouteError::Taken { pattern, earlier, .. }) => {
                    prop_assert!(rival.is_some(), "{pattern} and {earlier}");
                    prop_assert_eq!(pattern, route.pattern());
                }
                Err(other) => panic!("{other}"),
            }
        }
        let mut params = Params::new();
        for (method, path) in &requests {
            let raw: String = path.iter().map(|text| format!("/{}", TEXTS[*text].2)).collect();
            let found = find(&router, method, &raw, &mut params);
            let expected = naive(&added, method, path, matching);
            prop_assert_eq!(found, expected, "{} {}", method, raw);
        }
    }
}

/// Returns the rows of the page, each as the heading of its first column, and its cells.
fn rows(page: &str) -> Vec<(String, Vec<String>)> {
    let mut heading = None;
    let mut rows = Vec::new();
    for line in page.lines() {
        let Some(line) = line.strip_prefix("| ") else {
            // A line of dashes is within a table.
            heading = heading.filter(|_| line.starts_with("|---"));
            continue;
        };
        let cells: Vec<String> = line.trim_end_matches(" |").split(" | ").map(str::to_owned).collect();
        match &heading {
            None => heading = Some(cells[0].clone()),
            Some(heading) => rows.push((heading.clone(), cells)),
        }
    }
    rows
}

/// Returns the texts between grave accents.
fn code(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn what_the_page_says_of_routes_is_what_the_router_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/routing.md");
    let page = std::fs::read_to_string(path).expect("docs/routing.md");
    let mut checked = 0;
    for (heading, cells) in rows(&page) {
        let matching = match heading.as_str() {
            "pattern" => {
                let pattern = code(&cells[0])[0];
                let error = Router::new(Matching::default()).add(pattern, &[], 0).expect_err(pattern);
                assert_eq!(error.to_string(), format!("route `{pattern}`, {}", cells[1]));
                checked += 1;
                continue;
            }
            "routes" => Matching::default(),
            "routes (strict)" => Matching { strict_slash: true, ..Matching::default() },
            "routes (caseless)" => Matching { caseless: true, ..Matching::default() },
            "segment" => continue,
            other => panic!("a table of {other}, which nothing checks"),
        };
        let mut router = Router::new(matching);
        for (owner, route) in code(&cells[0]).into_iter().enumerate() {
            let (method, pattern) = route.split_at(route.find('/').expect("a pattern"));
            let methods: Vec<&str> = method.split_whitespace().collect();
            router.add(pattern, &methods, owner).unwrap_or_else(|error| panic!("{error}"));
        }
        let (method, path) = code(&cells[1])[0].split_once(' ').expect("a method and a path");
        assert_eq!(find(&router, method, path, &mut Params::new()), cells[2], "{cells:?}");
        checked += 1;
    }
    assert!(checked > 50, "{checked} rows");
}
