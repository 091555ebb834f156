use super::*;

/// Makes a router with these routes, each a list of methods (which may be empty), a space and a pattern. The owner of a
/// route is its place.
fn router(matching: Matching, routes: &[&str]) -> Router {
    let mut router = Router::new(matching);
    for (owner, route) in routes.iter().enumerate() {
        add(&mut router, route, owner).unwrap_or_else(|error| panic!("{error}"));
    }
    router
}

fn add(router: &mut Router, route: &str, owner: usize) -> Result<(), RouteError> {
    let (methods, pattern) = route.split_at(route.find('/').expect("a pattern has a slash"));
    let methods: Vec<&str> = methods.split_whitespace().collect();
    router.add(pattern, &methods, owner)
}

/// Returns the result of a search in one line: the pattern and the parameters, or the status and the methods.
fn find(router: &Router, method: &str, path: &str) -> String {
    let mut params = Params::new();
    match router.find(method.as_bytes(), path.as_bytes(), &mut params) {
        Found::Route { pattern, .. } => {
            let pairs = params
                .iter()
                .map(|(name, value)| format!(" {}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
            pattern.to_owned() + &pairs.collect::<String>()
        }
        other => {
            assert_eq!(params.iter().count(), 0, "{other:?}");
            match other {
                Found::Options(allow) => format!("options {allow}"),
                Found::MethodNotAllowed(allow) => format!("405 {allow}"),
                _ => "404".to_owned(),
            }
        }
    }
}

fn check(matching: Matching, routes: &[&str], table: &[(&str, &str)]) {
    let router = router(matching, routes);
    for (request, expected) in table {
        let (method, path) = request.rsplit_once(' ').unwrap_or(("GET", request));
        assert_eq!(find(&router, method, path), *expected, "{request} among {routes:?}");
    }
}

const STRICT: Matching = Matching { strict_slash: true, caseless: false };
const CASELESS: Matching = Matching { strict_slash: false, caseless: true };

#[test]
fn a_parameter_is_exactly_one_segment_and_not_empty() {
    check(
        Matching::default(),
        &["/users/:id", "/a/{b}/c/:d", "/:x//y"],
        &[
            ("/users/7", "/users/:id id=7"),
            ("/users/7/", "/users/:id id=7"),
            ("/users", "404"),
            ("/users/", "404"),
            ("/users//", "404"),
            ("/users/7/8", "404"),
            ("/a/1/c/2", "/a/{b}/c/:d b=1 d=2"),
            ("/a//c/2", "404"),
            ("/a/1/c", "404"),
            ("/1//y", "/:x//y x=1"),
            ("///y", "404"),
        ],
    );
}

#[test]
fn the_rest_may_be_empty_and_is_taken_as_it_is() {
    check(
        Matching::default(),
        &["/files/*", "/named/{rest+}", "/:user/repo/*tail"],
        &[
            ("/files", "/files/* *="),
            ("/files/", "/files/* *="),
            ("/files/a", "/files/* *=a"),
            ("/files/a/b", "/files/* *=a/b"),
            ("/files/a/b/", "/files/* *=a/b/"),
            ("/files//", "/files/* *=/"),
            ("/files/../x", "/files/* *=../x"),
            ("/filesystem", "404"),
            ("/named/a%20b/c%2Fd", "/named/{rest+} rest=a b/c/d"),
            ("/me/repo", "/:user/repo/*tail user=me tail="),
            ("/me/repo/src/lib.rs", "/:user/repo/*tail user=me tail=src/lib.rs"),
        ],
    );
    check(
        Matching::default(),
        &["/*"],
        &[
            ("", "/* *="),
            ("/", "/* *="),
            ("//", "/* *=/"),
            ("/a/b", "/* *=a/b"),
            ("a", "404"),
            ("*", "404"),
            ("http://host/a", "404"),
        ],
    );
}

#[test]
fn segments_are_compared_with_their_percent_coding_undone_and_not_before() {
    check(
        Matching::default(),
        &["/a b/:x", "/caf%C3%A9", "/x%2Fy", "/é/{v}", "/%3Aid", "/%2A"],
        &[
            ("/a%20b/c%2Fd", "/a b/:x x=c/d"),
            ("/a+b/c", "404"),
            ("/%61%20b/%", "/a b/:x x=%"),
            ("/a%20b/%zz", "/a b/:x x=%zz"),
            ("/caf%c3%a9", "/caf%C3%A9"),
            ("/café", "/caf%C3%A9"),
            ("/x%2fy", "/x%2Fy"),
            ("/x/y", "404"),
            ("/%C3%A9/%C3%A9", "/é/{v} v=é"),
            ("/:id", "/%3Aid"),
            ("/9", "404"),
            ("/*", "/%2A"),
        ],
    );
}

#[test]
fn values_may_be_any_bytes() {
    let router = router(Matching::default(), &["/:a"]);
    let mut params = Params::new();
    assert!(matches!(router.find(b"GET", b"/\xff%00%FE", &mut params), Found::Route { .. }));
    assert_eq!(params.iter().collect::<Vec<_>>(), [(&b"a"[..], &b"\xff\0\xfe"[..])]);
}

#[test]
fn nothing_is_made_of_dots_and_double_slashes() {
    check(
        Matching::default(),
        &["/a/b", "/a//b", "/./c", "/:x/..", "/d//"],
        &[
            ("/a/b", "/a/b"),
            ("/a//b", "/a//b"),
            ("/a///b", "404"),
            ("//a/b", "404"),
            ("/a/./b", "404"),
            ("/x/../a/b", "404"),
            ("/./c", "/./c"),
            ("/c", "404"),
            ("/a/..", "/:x/.. x=a"),
            ("/d//", "/d//"),
            ("/d/", "404"),
            ("/d", "404"),
        ],
    );
}

#[test]
fn one_slash_at_the_end_makes_no_difference_unless_asked_for() {
    check(
        Matching::default(),
        &["/", "/a", "/b/", "/c/:id/"],
        &[
            ("", "/"),
            ("/", "/"),
            ("//", "404"),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/a//", "404"),
            ("/b", "/b/"),
            ("/b/", "/b/"),
            ("/c/1", "/c/:id/ id=1"),
            ("/c/1/", "/c/:id/ id=1"),
        ],
    );
    check(
        STRICT,
        &["/", "/a", "/b/", "/d", "/d/", "/e/:id", "/f/*"],
        &[
            ("", "/"),
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "404"),
            ("/b", "404"),
            ("/b/", "/b/"),
            ("/d", "/d"),
            ("/d/", "/d/"),
            ("/e/", "404"),
            ("/e/1", "/e/:id id=1"),
            ("/e/1/", "404"),
            ("/f", "/f/* *="),
            ("/f/", "/f/* *="),
            ("/f/a/", "/f/* *=a/"),
        ],
    );
    check(STRICT, &["/*"], &[("/", "/* *="), ("", "/* *="), ("//", "/* *=/")]);
}

#[test]
fn case_counts_unless_asked_for_and_never_in_values() {
    check(Matching::default(), &["/Users/:Id"], &[("/Users/Ab", "/Users/:Id Id=Ab"), ("/users/Ab", "404")]);
    check(
        CASELESS,
        &["/Users/:Id", "/É", "/users/Me", "/%5A/*"],
        &[
            ("/uSERS/aB", "/Users/:Id Id=aB"),
            ("/USERS/%41b", "/Users/:Id Id=Ab"),
            ("/users/mE", "/users/Me"),
            ("/É", "/É"),
            ("/é", "404"),
            ("/z/A", "/%5A/* *=A"),
        ],
    );
}

#[test]
fn a_text_comes_before_a_parameter_and_that_before_the_rest_from_the_left() {
    let routes = ["/*", "/:a/b", "/a/*", "/a/:b", "/a/b", "/:a/:b", "/a", "/a/:b/c", "/:a/b/c/*"];
    check(
        Matching::default(),
        &routes,
        &[
            ("/a/b", "/a/b"),
            ("/a/x", "/a/:b b=x"),
            ("/a/x/y", "/a/* *=x/y"),
            ("/a/x/c", "/a/:b/c b=x"),
            ("/a/b/c", "/a/:b/c b=b"),
            ("/a/b/c/d", "/a/* *=b/c/d"),
            ("/x/b", "/:a/b a=x"),
            ("/x/y", "/:a/:b a=x b=y"),
            ("/x/b/c", "/:a/b/c/* a=x *="),
            ("/x/y/z", "/* *=x/y/z"),
            ("/a", "/a"),
            ("/a/", "/a"),
            ("/", "/* *="),
        ],
    );
}

#[test]
fn a_path_that_ends_comes_before_an_empty_rest() {
    check(Matching::default(), &["/files/*", "/files"], &[("/files", "/files"), ("/files/", "/files")]);
    check(STRICT, &["/files/*", "/files"], &[("/files", "/files"), ("/files/", "/files/* *=")]);
}

/// Routes that go wrong in midway's order of aggregated routes: rests that hide parameters, slashes that count as
/// depth, and methods that are looked at too late.
#[test]
fn the_order_in_which_routes_are_written_makes_no_difference() {
    let midway = ["/api/:id/x", "/api/list", "/api/*", "/api/:id", "/:a/:b", "/api", "/"];
    let table: &[(&str, &str)] = &[
        ("/api/7/x", "/api/:id/x id=7"),
        ("/api/list", "/api/list"),
        ("/api/7", "/api/:id id=7"),
        ("/api/7/", "/api/:id id=7"),
        ("/api/7/y", "/api/* *=7/y"),
        ("/api/list/x", "/api/:id/x id=list"),
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/other/7", "/:a/:b a=other b=7"),
        ("/", "/"),
        ("/other", "404"),
    ];
    let mut routes = midway.to_vec();
    for _ in 0..routes.len() {
        routes.rotate_left(1);
        check(Matching::default(), &routes, table);
        let backwards: Vec<&str> = routes.iter().rev().copied().collect();
        check(Matching::default(), &backwards, table);
    }
    check(Matching::default(), &["/:x/b/c", "/a/*"], &[("/a/b/c", "/a/* *=b/c"), ("/z/b/c", "/:x/b/c x=z")]);
    check(
        Matching::default(),
        &["/:type/:area/", "/detail/:id"],
        &[
            ("/detail/7", "/detail/:id id=7"),
            ("/detail/7/", "/detail/:id id=7"),
            ("/list/7", "/:type/:area/ type=list area=7"),
        ],
    );
    check(
        Matching::default(),
        &["/user/", "/user/:id"],
        &[("/user", "/user/"), ("/user/", "/user/"), ("/user/1", "/user/:id id=1")],
    );
    check(
        Matching::default(),
        &["GET /api/*", "POST /api/:id"],
        &[("GET /api/7", "/api/* *=7"), ("POST /api/7", "/api/:id id=7"), ("POST /api/7/x", "405 GET, HEAD, OPTIONS")],
    );
}

#[test]
fn the_method_is_part_of_what_fits() {
    check(
        Matching::default(),
        &["POST /users/new", "GET /users/:id", "PUT /users/*"],
        &[
            ("POST /users/new", "/users/new"),
            ("GET /users/new", "/users/:id id=new"),
            ("PUT /users/new", "/users/* *=new"),
            ("DELETE /users/new", "405 GET, HEAD, OPTIONS, POST, PUT"),
            ("DELETE /users/7", "405 GET, HEAD, OPTIONS, PUT"),
            ("POST /users/7", "405 GET, HEAD, OPTIONS, PUT"),
            ("GET /users/7/8", "405 OPTIONS, PUT"),
            ("get /users/7", "405 GET, HEAD, OPTIONS, PUT"),
            ("GET /nobody", "404"),
        ],
    );
}

#[test]
fn a_method_that_is_named_comes_before_any_on_the_same_path_alone() {
    let router = router(Matching::default(), &["/a/:x", "GET POST /a/:y", "PUT /a/*", "/:b/c"]);
    assert_eq!(find(&router, "GET", "/a/1"), "/a/:y y=1");
    assert_eq!(find(&router, "POST", "/a/1"), "/a/:y y=1");
    assert_eq!(find(&router, "DELETE", "/a/1"), "/a/:x x=1");
    assert_eq!(find(&router, "BREW", "/a/1"), "/a/:x x=1");
    assert_eq!(find(&router, "PUT", "/a/1"), "/a/:x x=1", "the path decides first");
    assert_eq!(find(&router, "PUT", "/a/c"), "/a/:x x=c");
}

#[test]
fn head_is_served_by_who_takes_it_else_by_who_takes_get() {
    check(
        Matching::default(),
        &["GET /a", "HEAD /:x", "GET /b/c", "/b/*", "GET /c/d", "GET /c/*", "POST /d"],
        &[
            ("HEAD /a", "/:x x=a"),
            ("HEAD /b/c", "/b/* *=c"),
            ("HEAD /c/d", "/c/d"),
            ("HEAD /c/e", "/c/* *=e"),
            ("HEAD /d", "/:x x=d"),
            ("HEAD /d/e", "404"),
        ],
    );
    check(Matching::default(), &["POST /d"], &[("HEAD /d", "405 OPTIONS, POST")]);
}

#[test]
fn options_is_answered_where_no_route_takes_it() {
    let mut routes = vec!["GET /a", "POST /:x", "OPTIONS /own", "PURGE /own"];
    check(
        Matching::default(),
        &routes,
        &[
            ("OPTIONS /a", "options GET, HEAD, OPTIONS, POST"),
            ("OPTIONS /b", "options OPTIONS, POST"),
            ("OPTIONS /own", "/own"),
            ("OPTIONS /a/b", "404"),
            ("OPTIONS *", "options GET, HEAD, OPTIONS, POST, PURGE"),
            ("GET *", "404"),
            ("PATCH /own", "405 OPTIONS, POST, PURGE"),
            ("PURGE /own", "/own"),
            ("PURGE /a", "405 GET, HEAD, OPTIONS, POST"),
        ],
    );
    routes.push("/any");
    check(
        Matching::default(),
        &routes,
        &[("OPTIONS /any", "/any"), ("OPTIONS *", "options DELETE, GET, HEAD, OPTIONS, PATCH, POST, PURGE, PUT")],
    );
}

#[test]
fn two_routes_of_the_same_paths_and_method_are_an_error_that_names_both() {
    let mut router = router(Matching::default(), &["GET HEAD /users/:id", "/any/*", "/x/:y/z"]);
    let error = add(&mut router, "POST GET /users/{name}/", 9).expect_err("taken");
    assert_eq!(
        error.to_string(),
        "route `/users/{name}/` of owner 9 takes the same paths as `/users/:id` of owner 0, both with GET; write another \
         path or another method for one of them"
    );
    assert_eq!(find(&router, "POST", "/users/1"), "405 GET, HEAD, OPTIONS", "nothing of it is there");
    let error = add(&mut router, "/any/{rest+}", 4).expect_err("taken");
    assert!(error.to_string().contains("`/any/*` of owner 1, both with any method"), "{error}");
    assert!(matches!(
        add(&mut router, "/x/{other}/z", 0),
        Err(RouteError::Taken { method: None, earlier_owner: 2, .. })
    ));
    // Other shapes, other methods, other ends.
    for (owner, route) in ["POST /users/{name}", "/users/:id", "GET /any/*", "/any", "/x/y/z"].iter().enumerate() {
        add(&mut router, route, 10 + owner).unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(find(&router, "POST", "/users/1"), "/users/{name} name=1", "each route keeps its names");
    assert_eq!(find(&router, "GET", "/users/1"), "/users/:id id=1");
}

#[test]
fn what_makes_two_paths_the_same_is_what_the_settings_say() {
    let taken = |matching, first, second| add(&mut router(matching, &[first]), second, 1).is_err();
    assert!(taken(Matching::default(), "/a", "/a/") && !taken(STRICT, "/a", "/a/"));
    assert!(taken(CASELESS, "/A", "/a") && !taken(Matching::default(), "/A", "/a"));
    assert!(taken(Matching::default(), "/%61", "/a"));
    assert!(taken(Matching::default(), "/:a/*", "/{b}/{c+}"));
}

#[test]
fn errors_say_what_is_wrong_where_and_what_to_write() {
    let mut router = Router::new(Matching::default());
    let mut said = |route: &str| add(&mut router, route, 0).expect_err(route).to_string();
    assert_eq!(
        said("/detail/:id.html"),
        "route `/detail/:id.html`, byte 11: a parameter is a whole segment; write it alone and look at the end of its \
         value in the function"
    );
    assert_eq!(
        said("/api*"),
        "route `/api*`, byte 4: `*` stands within a text, and a parameter is a whole segment; write the parameter \
         between two slashes or at the end, or `%2A` to mean the character"
    );
    assert_eq!(
        said("/:id(\\d+)"),
        "route `/:id(\\d+)`, byte 4: a parameter takes any text; write `{id}` and look at its value in the function"
    );
    assert_eq!(
        said("get,post /a"),
        "route `/a`: `get,post` is not the name of a method; write a list of single methods, or leave the methods out to \
         mean any"
    );
    assert!(router.is_empty());
}

#[test]
fn the_methods_of_all_routes_are_64_at_most() {
    let mut router = Router::new(Matching::default());
    let names: Vec<String> = (0..56).map(|number| format!("M{number}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    router.add("/a", &all[..55], 0).expect("64 with the usual ones");
    let error = router.add("/b", &all[55..], 1).expect_err("one more");
    assert!(error.to_string().contains("64 methods, and `M55` is one more"), "{error}");
    assert_eq!(find(&router, "M54", "/a"), "/a");
    assert_eq!(find(&router, "M55", "/a").split(", ").count(), 56);
}

#[test]
fn without_routes_there_is_nothing() {
    let router = Router::new(Matching::default());
    assert!(router.is_empty());
    for path in ["", "/", "/a", "//"] {
        assert_eq!(find(&router, "GET", path), "404");
    }
    assert_eq!(find(&router, "OPTIONS", "*"), "options OPTIONS");
}

/// Returns the number of nodes that the search for a path visits.
fn visits(router: &Router, path: &str) -> usize {
    let mut params = Params::new();
    params.read(path.as_bytes(), router.depth, false);
    let mut search = Search { wanted: GET, ..Search::default() };
    assert_eq!(router.walk(&mut search, &mut params), None, "{path}");
    search.visits
}

#[test]
fn no_path_makes_a_search_visit_a_node_twice() {
    // Each segment is `x` or a parameter: a path of `x` has two ways on at every node.
    let depth = 12;
    let mut router = Router::new(Matching::default());
    for number in 0..1 << depth {
        let parts = (0..depth).map(|bit| if number >> bit & 1 == 0 { "/x".to_owned() } else { format!("/:p{bit}") });
        router.add(&(parts.collect::<String>() + "/end"), &[], number).expect("a shape of its own");
    }
    assert_eq!(visits(&router, &("/x".repeat(depth) + "/nowhere")), (1 << (depth + 1)) - 1, "all that are not an end");

    // Parameters with a text after each: `/:p0/x`, `/:p0/:p1/x` and so on.
    let mut router = Router::new(Matching::default());
    let mut front = String::new();
    for depth in 0..200 {
        front += &format!("/:p{depth}");
        router.add(&format!("{front}/x/end"), &[], depth).expect("a shape of its own");
    }
    let visited = visits(&router, &"/x".repeat(10_000));
    assert!(visited <= router.nodes.len() && router.nodes.len() <= 601, "{visited} of {}", router.nodes.len());
}

#[test]
fn a_path_is_read_no_further_than_patterns_go() {
    let router = router(Matching::default(), &["/a/:b/c", "/a/*"]);
    let path = "/a".to_owned() + &"/%61".repeat(10_000);
    let mut params = Params::new();
    params.read(path.as_bytes(), router.depth, false);
    assert_eq!(params.segment(2), Some(&b"a"[..]));
    assert_eq!(params.segment(3), None);
    let found = find(&router, "GET", &path);
    assert_eq!(found, format!("/a/* *={}", "a/".repeat(10_000).trim_end_matches('/')));
}

#[test]
fn a_pattern_may_be_as_long_as_it_likes() {
    let pattern = "/x".repeat(100_000);
    let mut router = Router::new(Matching::default());
    router.add(&pattern, &[], 0).expect("a pattern");
    assert_eq!(find(&router, "GET", &pattern), pattern);
    assert_eq!(find(&router, "GET", &(pattern.clone() + "/x")), "404");
}
