//! The choice of the function that serves an invocation.

use super::*;

const SHOP: &str = r#"{"version":1,"functions":[
    {"name":"orders","handler":"show","events":[
        {"http":{"path":"/orders/:id","method":"GET"}},{"timer":{"source":"nightly"}},{"queue":true}]},
    {"name":"create","handler":"show","events":[{"http":{"path":"/orders","method":["POST","PUT"]}},
        {"queue":{"source":"paid"}},{"event":{"type":"com.shop.paid"}}]},
    {"name":"files","handler":"show","events":[{"http":{"path":"/files/*","method":"GET"}}]}]}"#;

fn who(answer: Answer) -> String {
    match answer {
        Answer::Reply(200, text) => text.split(' ').next().unwrap_or_default().to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_request_is_its_routes_function_with_the_parameters_of_the_path() {
    let shop = start(SHOP);
    assert_eq!(shop.get("/orders/7%20a?x=1"), reply("orders id=7 a greeting=- table=- layers=-"));
    assert_eq!(who(shop.request("POST", "/orders/").0), "create");
    assert_eq!(who(shop.get("/files/a/b")), "files");
    assert_eq!(who(shop.request("HEAD", "/orders/7").0), "orders");
}

#[test]
fn a_path_without_an_owner_is_not_found_and_a_method_without_one_says_what_there_is() {
    let shop = start(SHOP);
    let (answer, headers) = shop.request("GET", "/nowhere");
    let body = r#"{"errorType":"Runtime.NoFunction","errorMessage":"no function serves this path","requestId":"id-1"}"#;
    assert_eq!(answer, Answer::Reply(404, body.to_owned()));
    assert!(headers.contains(&("cache-control".to_owned(), "no-store".to_owned())), "{headers:?}");
    let (answer, headers) = shop.request("DELETE", "/orders");
    assert!(matches!(answer, Answer::Reply(405, _)), "{answer:?}");
    assert!(headers.contains(&("allow".to_owned(), "OPTIONS, POST, PUT".to_owned())), "{headers:?}");
    let (answer, headers) = shop.request("OPTIONS", "/orders/7");
    assert_eq!(answer, Answer::Reply(204, String::new()));
    assert!(headers.contains(&("allow".to_owned(), "GET, HEAD, OPTIONS".to_owned())), "{headers:?}");
    assert_eq!(shop.lines("ERROR"), Vec::<String>::new(), "a request that nobody serves is no failure");
}

#[test]
fn an_event_is_its_kinds_function_and_what_says_more_goes_first() {
    let shop = start(SHOP);
    let queue = |name: &str| {
        let arn = format!("arn:aws:sqs:eu-west-1:1:{name}");
        format!(r#"{{"Records":[{{"eventSource":"aws:sqs","eventSourceARN":"{arn}","body":"b"}}]}}"#)
    };
    assert_eq!(who(shop.event(&queue("paid"))), "create");
    assert_eq!(who(shop.event(&queue("other"))), "orders");
    let timer = r#"{"triggerName":"nightly","triggerTime":"2026-01-02T03:04:00Z","payload":""}"#;
    assert_eq!(who(shop.event(timer)), "orders");
    let paid = r#"{"specversion":"1.0","type":"com.shop.paid","source":"/shop","id":"1","data":{}}"#;
    assert_eq!(who(shop.event(paid)), "create");
}

#[test]
fn of_functions_for_one_event_the_one_that_names_source_and_type_serves_and_then_the_one_that_names_the_source() {
    let unit = |events: &[&str]| {
        let functions = events.iter().enumerate().map(|(number, event)| {
            format!(r#"{{"name":"f{number}","handler":"show","events":[{{"event":{event}}}]}}"#)
        });
        start(&format!(r#"{{"version":1,"functions":[{}]}}"#, functions.collect::<Vec<_>>().join(",")))
    };
    let [any, typed, from, both, path] = [
        "true",
        r#"{"type":"com.shop.paid"}"#,
        r#"{"source":"/shops/north"}"#,
        r#"{"source":"/shops/north","type":"com.shop.paid"}"#,
        r#"{"source":"north"}"#,
    ];
    let paid = r#"{"specversion":"1.0","type":"com.shop.paid","source":"/shops/north","id":"1","data":{}}"#;
    for (events, owner) in [
        (&[any, typed, from, both][..], "f3"),
        (&[any, typed, from], "f2"),
        (&[any, typed], "f1"),
        (&[typed, any], "f0"),
        // A part of the source's name is a name of it, and the first of the manifest serves.
        (&[path, from], "f0"),
        (&[from, path], "f0"),
    ] {
        assert_eq!(who(unit(events).event(paid)), owner, "{events:?}");
    }
}

#[test]
fn a_cloud_event_is_the_function_of_the_timer_topic_queue_bucket_or_table_that_it_stands_for() {
    let shop = start(
        r#"{"version":1,"functions":[
        {"name":"hourly","handler":"show","events":[{"timer":{"source":"hourly"}}]},
        {"name":"nightly","handler":"show","events":[{"timer":{"source":"nightly"}}]},
        {"name":"heard","handler":"show","events":[{"topic":{"source":"orders"}}]},
        {"name":"worked","handler":"show","events":[{"queue":{"source":"jobs"}}]},
        {"name":"read","handler":"show","events":[{"stream":{"source":"paid"}}]},
        {"name":"stored","handler":"show","events":[{"storage":{"source":"photos"}}]},
        {"name":"changed","handler":"show","events":[{"table":{"source":"customers"}}]},
        {"name":"any","handler":"show","events":[{"event":true}]}]}"#,
    );
    let event = |kind: &str, source: &str, more: &str| {
        who(shop.event(&format!(
            r#"{{"specversion":"1.0","id":"1","type":"{kind}","source":"{source}"{more},"data":{{}}}}"#
        )))
    };
    let published = "google.cloud.pubsub.topic.v1.messagePublished";
    let topic = |name: &str| format!("//pubsub.googleapis.com/projects/p/topics/{name}");
    assert_eq!(event(published, &topic("orders"), ""), "heard");
    assert_eq!(event(published, &topic("jobs"), ""), "worked");
    assert_eq!(event(published, &topic("others"), ""), "any", "nobody of these has it by name");
    let bucket = "//storage.googleapis.com/projects/_/buckets/photos";
    assert_eq!(event("google.cloud.storage.object.v1.finalized", bucket, ""), "stored");
    let (base, document) =
        ("//firestore.googleapis.com/projects/p/databases/(default)", r#","document":"customers/7""#);
    assert_eq!(event("google.cloud.firestore.document.v1.written", base, document), "changed");
    let source = "/apis/v1/namespaces/shop/pingsources/";
    assert_eq!(event("dev.knative.sources.ping", &format!("{source}nightly"), ""), "nightly");
    assert_eq!(event("dev.knative.sources.ping", &format!("{source}shop-hourly"), r#","timer":"hourly""#), "hourly");
    assert_eq!(event("faas.timer.event", "/faas/event/timer/hourly", ""), "hourly");
    assert_eq!(event("dev.knative.kafka.event", "/apis/v1/namespaces/shop/kafkasources/k#paid", ""), "read");
    assert_eq!(event("com.shop.paid", &topic("orders"), ""), "any", "the type tells what it stands for");
}

#[test]
fn finding_one_of_many_functions_by_its_route_allocates_nothing() {
    let functions = |count: usize, events: &dyn Fn(usize) -> String| {
        let one = |number| format!(r#"{{"name":"f{number}","handler":"show"{}}}"#, events(number));
        let all: Vec<String> = (0..count).map(one).collect();
        start(&format!(r#"{{"version":1,"functions":[{}]}}"#, all.join(",")))
    };
    let route = |number: usize| format!(r#","events":[{{"http":{{"path":"/s{number}/items/:id"}}}}]"#);
    let (only, many) = (functions(1, &|_| String::new()), functions(200, &route));
    let allocations = |process: &Process| {
        let mut place = process.runtime.place();
        counting::steady(20, || {
            let message = Assembly::request(Vec::new(), b"GET", b"/s170/items/7", b"");
            let metadata = InvocationMetadata { format: MessageFormat::Request, ..InvocationMetadata::default() };
            place.get_mut().renew(message.finish(), &metadata, false);
            assert!(block_on(process.runtime.invoke(&mut place)));
        })
    };
    assert_eq!(who(many.get("/s170/items/7")), "f170");
    assert_eq!(allocations(&many), allocations(&only), "as many as a function has that is alone");
}

#[test]
fn an_event_without_an_owner_is_a_failure_with_a_line_that_says_so() {
    let shop = start(SHOP);
    let timer = r#"{"triggerName":"hourly","triggerTime":"2026-01-02T03:04:00Z","payload":""}"#;
    let words = "Runtime.NoFunction: no function serves events of kind timer from aliyun:timer";
    assert_eq!(shop.event(timer), Answer::Failure(words.to_owned()));
    let errors = shop.lines("ERROR");
    assert!(errors.len() == 1 && errors[0].contains(words), "{errors:?}");
}

#[test]
fn a_name_that_the_platform_addresses_goes_before_everything_else() {
    let shop = start(SHOP);
    let queue = r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:paid","body":"b"}]}"#;
    assert_eq!(who(shop.event_for("files", queue)), "files");
    assert_eq!(who(shop.event_for("Files", queue)), "files", "Azure's names have any case");
    assert_eq!(who(shop.event_for("unknown", queue)), "create");
}

#[test]
fn a_process_called_like_a_function_gives_it_events_and_not_every_path() {
    let shop = try_start_as("files", SHOP, None).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(who(shop.event("anything")), "files");
    assert!(matches!(shop.get("/nowhere"), Answer::Reply(404, _)));
}

#[test]
fn the_default_function_serves_what_nobody_claims() {
    let shop = SHOP.replacen("\"version\":1,", "\"version\":1,\"default\":\"files\",", 1);
    let process = start(&shop);
    assert_eq!(who(process.get("/nowhere")), "files");
    assert_eq!(who(process.event("anything")), "files");
    // A handler that names a function makes it the default: the same package, deployed once more under that name.
    let named = HandlerName { text: "create".to_owned(), required: true };
    let process = try_start(&shop, Some(named)).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(who(process.event("anything")), "create");
    assert_eq!(who(process.get("/orders/7")), "orders", "routes stay");
}

#[test]
fn a_handler_that_names_no_function_of_the_manifest_ends_the_start() {
    let named = HandlerName { text: "refunds".to_owned(), required: true };
    let failure = try_start(SHOP, Some(named)).err().expect("it does not start").to_string();
    let words = "Runtime.NoSuchFunction: no function \"refunds\" in the manifest; it has: orders, create, files";
    assert_eq!(failure, words);
    let hint = HandlerName { text: "bootstrap".to_owned(), required: false };
    let process = try_start(SHOP, Some(hint)).unwrap_or_else(|failure| panic!("{failure}"));
    let is_note =
        |line: &String| line.ends_with("the platform's handler \"bootstrap\" names no function of the manifest");
    assert!(process.lines("INFO").iter().any(is_note), "a text that may mean nothing is said");
    // The name of the unit is what deployment files of several functions say.
    let named = SHOP.replacen("\"version\":1,", "\"version\":1,\"name\":\"bootstrap\",", 1);
    let hint = HandlerName { text: "bootstrap".to_owned(), required: false };
    let process = try_start(&named, Some(hint)).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(!process.lines("INFO").iter().any(is_note), "{:?}", process.lines("INFO"));
}

#[test]
fn a_route_of_two_functions_ends_the_start_and_names_both() {
    let twice = r#"{"version":1,"functions":[
        {"name":"one","handler":"show","events":[{"http":{"path":"/a/:x"}}]},
        {"name":"two","handler":"show","events":[{"http":{"path":"/a/{y}"}}]}]}"#;
    let failure = try_start(twice, None).err().expect("it does not start").to_string();
    assert!(failure.starts_with("Runtime.BadManifest: line 3, column "), "{failure}");
    assert!(failure.contains("function two") && failure.contains("is function one's already"), "{failure}");
}

#[test]
fn the_only_function_of_a_manifest_without_events_serves_everything() {
    let only = start(r#"{"version":1,"functions":[{"name":"only","handler":"show"}]}"#);
    assert_eq!(who(only.get("/any/where")), "only");
    assert_eq!(who(only.event("any")), "only");
    let routed = r#"{"version":1,"functions":[{"name":"only","handler":"show","events":[{"http":{"path":"/a"}}]}]}"#;
    let routed = start(routed);
    assert_eq!(who(routed.event("any")), "only", "no path can be another's that is not there");
    assert!(matches!(routed.get("/b"), Answer::Reply(404, _)));
}

#[test]
fn an_event_that_a_layer_recognises_is_found_by_what_the_layer_says() {
    let shop = start(
        &SHOP.replacen("\"version\":1,", "\"version\":1,\"layers\":[\"pigeons\"],", 1).replace("paid", "pigeons"),
    );
    assert_eq!(who(shop.event("coo coo")), "create");
    assert!(matches!(shop.event("caw"), Answer::Failure(_)));
}
