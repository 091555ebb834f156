//! Finds the function that serves an HTTP request: the one with the most specific pattern among those whose path and
//! method fit.
//!
//! `docs/routing.md` has the rules for users. A path is compared by segments, each with its percent-coding undone, and
//! as it is otherwise: what two slashes or `..` mean is not for the router to say. A function is a number here.
//!
//! Patterns are a tree of segments. A search walks it from the left and tries a text before a parameter, a parameter
//! before the rest, so that the first fitting end is the most specific one. A node has one way to it and is visited
//! once a search at most: the routes bound what a search costs, and of the path no more is looked at than the longest
//! pattern has segments.

mod error;
mod methods;
mod params;
mod pattern;

pub use error::{PatternFault, RouteError};
pub use methods::Allow;
pub(crate) use methods::USUAL as USUAL_METHODS;
pub use params::Params;

use methods::{ANY, GET, HEAD, Methods, OPTIONS, Unusable};
use params::Name;
use pattern::Segment;

/// Says how paths are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matching {
    /// `true` if `/a` and `/a/` are two paths. Otherwise one slash at the end makes no difference.
    pub strict_slash: bool,
    /// `true` if the texts of patterns fit whatever the case of ASCII letters. Values of parameters stay as they are.
    pub caseless: bool,
}

/// Holds the routes of a process, and finds the one that serves a request.
#[derive(Debug)]
pub struct Router {
    matching: Matching,
    /// The first one is the root.
    nodes: Vec<Node>,
    routes: Vec<Route>,
    methods: Methods,
    /// The methods that all routes take together.
    all_methods: u64,
    /// The segments of the longest pattern, a rest left out.
    depth: usize,
}

/// A place of the tree: some segments have been read.
#[derive(Debug, Default)]
struct Node {
    /// The routes of texts, in the order of the texts. These are in lower case if routes are caseless.
    literals: Vec<(Box<[u8]>, usize)>,
    /// The node that any text of a segment leads to.
    parameter: Option<usize>,
    /// The routes of paths that end here.
    exact: End,
    /// The routes of all paths that come here.
    rest: End,
}

/// Routes of the same paths: at most one a method, and one for all other methods.
#[derive(Debug, Default)]
struct End {
    any: Option<usize>,
    /// The methods that are named.
    named: u64,
    /// A route for each bit of `named`, in the order of the bits.
    by_method: Vec<usize>,
}

#[derive(Debug)]
struct Route {
    pattern: String,
    owner: usize,
    names: Vec<Name>,
}

/// A node that a search still has to visit.
#[derive(Debug)]
enum Step {
    /// A node, and the number of segments read on the way to it.
    Node { node: usize, depth: usize },
    /// The rest of a node.
    Rest { node: usize },
}

/// The result of a search for the function of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'r> {
    /// The function of this route serves it.
    Route {
        /// The number that was given with the route.
        owner: usize,
        /// The pattern of the route as it was given.
        pattern: &'r str,
    },
    /// No function serves it, and the client asks which methods the path has: it is answered with these, without a
    /// body.
    Options(Allow<'r>),
    /// No function serves it, because the path has only these methods: it is answered with 405 (RFC 9110 section
    /// 15.5.6).
    MethodNotAllowed(Allow<'r>),
    /// No function serves it, because no route fits the path: it is answered with 404.
    NotFound,
}

impl Router {
    /// Makes a router without routes.
    pub fn new(matching: Matching) -> Router {
        Router {
            matching,
            nodes: vec![Node::default()],
            routes: Vec::new(),
            methods: Methods::default(),
            all_methods: 0,
            depth: 0,
        }
    }

    /// Returns `true` if there are no routes.
    pub fn is_empty(&self) -> bool {
        self.routes.is_empty()
    }

    /// Adds a route: requests with a path that fits `pattern` and one of these methods go to `owner`, a number of the
    /// caller's. Without methods a route takes any. After an error there is no new route.
    pub fn add(&mut self, pattern: &str, methods: &[&str], owner: usize) -> Result<(), RouteError> {
        let segments = pattern::parse(pattern, self.matching.strict_slash)
            .map_err(|(at, fault)| RouteError::Pattern { pattern: pattern.to_owned(), at, fault })?;
        let mut named = 0;
        for method in methods {
            named |= self.methods.take(method).map_err(|unusable| {
                let (pattern, method) = (pattern.to_owned(), (*method).to_owned());
                match unusable {
                    Unusable::Name => RouteError::Method { pattern, method },
                    Unusable::Full => RouteError::TooManyMethods { pattern, method },
                }
            })?;
        }

        let mut node = 0;
        let mut depth = 0;
        let mut is_rest = false;
        let mut names = Vec::new();
        for segment in segments {
            match segment {
                Segment::Literal(text) => node = self.literal_child(node, text),
                Segment::Parameter(name) => {
                    names.push(Name { name: name.as_bytes().into(), at: depth, is_rest: false });
                    node = self.parameter_child(node);
                }
                Segment::Rest(name) => {
                    names.push(Name { name: name.as_bytes().into(), at: depth, is_rest: true });
                    is_rest = true;
                    break;
                }
            }
            depth += 1;
        }

        let route = self.routes.len();
        let node = &mut self.nodes[node];
        let end = if is_rest { &mut node.rest } else { &mut node.exact };
        if let Some((method, earlier)) = end.taken(named) {
            let earlier = &self.routes[earlier];
            return Err(RouteError::Taken {
                method: method.map(|bit| self.methods.name(bit).to_owned()),
                pattern: pattern.to_owned(),
                owner,
                earlier: earlier.pattern.clone(),
                earlier_owner: earlier.owner,
            });
        }
        end.insert(named, route);
        self.routes.push(Route { pattern: pattern.to_owned(), owner, names });
        self.all_methods |= if named == 0 { ANY } else { named };
        self.depth = self.depth.max(depth);
        Ok(())
    }

    /// Finds the function that serves a request with this method and this path, which is percent-coded and without a
    /// query. `params` then has the parameters of the route; it is empty if no function serves the request.
    ///
    /// An empty path is `/` (RFC 9110 section 4.2.3). Neither an absolute URI nor an authority is a path; `*` is one
    /// that only `OPTIONS` has (RFC 9112 section 3.2.4).
    pub fn find<'r>(&'r self, method: &[u8], raw_path: &[u8], params: &mut Params) -> Found<'r> {
        params.clear();
        let wanted = self.methods.bit(method);
        if !matches!(raw_path.first(), None | Some(b'/')) {
            return if wanted == OPTIONS && raw_path == b"*" {
                Found::Options(self.allow(self.all_methods))
            } else {
                Found::NotFound
            };
        }
        params.read(raw_path, self.depth, self.matching.strict_slash);
        let instead = if wanted == HEAD { GET } else { 0 };
        let mut search = Search { wanted, instead, ..Search::default() };
        if let Some(route) = self.walk(&mut search, params).or(search.second) {
            let route = &self.routes[route];
            params.keep(raw_path, &route.names);
            return Found::Route { owner: route.owner, pattern: &route.pattern };
        }
        match search.seen {
            0 => Found::NotFound,
            seen if wanted == OPTIONS => Found::Options(self.allow(seen)),
            seen => Found::MethodNotAllowed(self.allow(seen)),
        }
    }

    /// Returns the most specific route that takes the method. `None` means that `search` has seen all ends of the path.
    fn walk(&self, search: &mut Search, params: &mut Params) -> Option<usize> {
        let mut step = Step::Node { node: 0, depth: 0 };
        loop {
            #[cfg(test)]
            if let Step::Node { .. } = step {
                search.visits += 1;
            }
            match step {
                Step::Rest { node } => {
                    if let Some(route) = search.look_at(&self.nodes[node].rest) {
                        return Some(route);
                    }
                }
                Step::Node { node, depth } if params.ends_at(depth) => {
                    let Node { exact, rest, .. } = &self.nodes[node];
                    if let Some(route) = search.look_at(exact).or_else(|| search.look_at(rest)) {
                        return Some(route);
                    }
                }
                Step::Node { node: number, depth } => {
                    let node = &self.nodes[number];
                    let segment = params.segment(depth);
                    let parameter = node.parameter.filter(|_| segment.is_some_and(|text| !text.is_empty()));
                    let literal = segment.and_then(|text| node.literal(text, self.matching.caseless).ok());
                    // The last one is visited first.
                    if !node.rest.is_empty() {
                        params.pending.push(Step::Rest { node: number });
                    }
                    for node in [parameter, literal].into_iter().flatten() {
                        params.pending.push(Step::Node { node, depth: depth + 1 });
                    }
                }
            }
            step = params.pending.pop()?;
        }
    }

    /// Returns the methods for `Allow` of a path whose routes have these bits.
    fn allow(&self, bits: u64) -> Allow<'_> {
        let head = if bits & GET == 0 { 0 } else { HEAD };
        Allow { bits: bits | head | OPTIONS, methods: &self.methods }
    }

    fn literal_child(&mut self, node: usize, mut text: Vec<u8>) -> usize {
        let caseless = self.matching.caseless;
        if caseless {
            text.make_ascii_lowercase();
        }
        let next = self.nodes.len();
        let node = &mut self.nodes[node];
        match node.literal(&text, caseless) {
            Ok(child) => child,
            Err(place) => {
                node.literals.insert(place, (text.into(), next));
                self.nodes.push(Node::default());
                next
            }
        }
    }

    fn parameter_child(&mut self, node: usize) -> usize {
        let next = self.nodes.len();
        let child = *self.nodes[node].parameter.get_or_insert(next);
        if child == next {
            self.nodes.push(Node::default());
        }
        child
    }
}

impl Node {
    /// Returns the node that this text leads to, or else the place among the literals where it belongs.
    fn literal(&self, text: &[u8], caseless: bool) -> Result<usize, usize> {
        let found = if caseless {
            self.literals.binary_search_by(|(own, _)| own.iter().copied().cmp(text.iter().map(u8::to_ascii_lowercase)))
        } else {
            self.literals.binary_search_by(|(own, _)| (**own).cmp(text))
        };
        found.map(|place| self.literals[place].1)
    }
}

impl End {
    fn is_empty(&self) -> bool {
        self.any.is_none() && self.named == 0
    }

    /// Returns the route that names this method; `None` if no route does, and for a bit of 0.
    fn named(&self, bit: u64) -> Option<usize> {
        (self.named & bit != 0).then(|| self.by_method[self.place(bit)])
    }

    /// Returns the place of a bit's route in `by_method`.
    fn place(&self, bit: u64) -> usize {
        (self.named & (bit - 1)).count_ones() as usize
    }

    /// Returns the first of these methods that there is a route for, with that route. Bits of 0 stand for any method,
    /// as does a method of `None`.
    fn taken(&self, bits: u64) -> Option<(Option<u64>, usize)> {
        if bits == 0 {
            return self.any.map(|route| (None, route));
        }
        let both = self.named & bits;
        let first = both & both.wrapping_neg();
        self.named(first).map(|route| (Some(first), route))
    }

    fn insert(&mut self, mut bits: u64, route: usize) {
        if bits == 0 {
            self.any = Some(route);
        }
        while bits != 0 {
            let bit = bits & bits.wrapping_neg();
            self.by_method.insert(self.place(bit), route);
            self.named |= bit;
            bits &= !bit;
        }
    }
}

/// The state of a search: the wanted method and path, and the methods it has seen.
#[derive(Default)]
struct Search {
    /// The bit of the method, 0 if only routes for any method take it.
    wanted: u64,
    /// The bit of the method whose routes serve if no route takes the wanted one; 0 if there is no such method.
    instead: u64,
    /// The most specific route of those.
    second: Option<usize>,
    /// The methods of the ends that were of no use.
    seen: u64,
    /// The number of nodes it has visited.
    #[cfg(test)]
    visits: usize,
}

impl Search {
    /// Returns the route of this end that takes the method. If it is `None`, the methods of the end are noted.
    fn look_at(&mut self, end: &End) -> Option<usize> {
        let route = end.named(self.wanted).or(end.any);
        if route.is_none() {
            self.seen |= end.named;
            self.second = self.second.or_else(|| end.named(self.instead));
        }
        route
    }
}

#[cfg(test)]
mod tests;
