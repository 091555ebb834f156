//! A class in a process: one instance for all of its functions, two where it is configured twice, and the values
//! injected into it.

use integration::artifacts::Runtime;
use integration::deployment::Deployment;
use integration::on_aws::OnAws;
use integration::on_http::OnHttp;
use integration::wait::limit;
use platform_emulators::aws_lambda::Options;
use platform_emulators::process::Process;
use serde_json::{Value, json};

integration::both![
    over_http_two_configurations_of_a_class_are_two_shops,
    on_aws_routes_a_timer_and_a_queue_share_one_instance,
    what_was_made_for_a_class_ends_in_reverse_order,
    an_init_that_fails_is_the_init_error_of_the_platform,
    a_configuration_that_does_not_fit_is_the_init_error_of_the_platform,
    without_a_manifest_one_process_serves_all_functions_of_a_class,
    variables_of_its_own_give_a_function_an_instance_of_its_own,
    functions_that_start_late_find_the_instance_of_those_before,
];

/// Returns the functions of one shop, under names and paths that begin with its own.
fn shop(name: &str, stock: u32, start: &str) -> Vec<Value> {
    let config = json!({"name": name, "stock": stock});
    let function = |function: &str, events: Value| {
        json!({"name": format!("{name}-{function}"), "handler": format!("shop.{function}"), "config": config,
               "start": start, "events": events})
    };
    vec![
        function("order", json!([{"http": {"method": "get", "path": format!("/{name}/orders/{{id}}")}}])),
        function("buy", json!([{"http": {"method": "post", "path": format!("/{name}/orders")}}])),
        function("report", json!([{"timer": {"source": name}}, {"http": {"path": format!("/{name}/report")}}])),
        function("deliver", json!([{"queue": {"source": name}}])),
    ]
}

fn deployment(functions: &[Vec<Value>]) -> Deployment {
    Deployment::of("shop").manifest(&json!({"version": 1, "functions": functions.concat()}).to_string())
}

/// Returns the text of a report.
fn report(name: &str, orders: u32, left: u32) -> String {
    format!(r#"{{"shop":"{name}","orders":{orders},"left":{left}}}"#)
}

/// Returns the lines of the shops about their beginning and end, in order.
fn told(process: &Process) -> Vec<String> {
    let words = [" opens", " closes after ", " has "];
    let lines = process.lines().into_iter().map(|line| line.text);
    let own = lines.filter(|line| words.iter().any(|word| line.contains(word)));
    // The message stands behind the level, and the fields behind the message.
    own.map(|line| {
        let from = ["north ", "south "].iter().find_map(|name| line.find(name)).unwrap_or(0);
        let end =
            line[from..].find(" function=").or_else(|| line[from..].find(" target=")).unwrap_or(line.len() - from);
        line[from..from + end].to_owned()
    })
    .collect()
}

fn over_http_two_configurations_of_a_class_are_two_shops(runtime: &Runtime) {
    let run = OnHttp::start(runtime, deployment(&[shop("north", 3, "eager"), shop("south", 1, "eager")]), "");
    let buy = |path: &str, pieces: u32| {
        let wish = json!({"pieces": pieces}).to_string();
        run.call("POST", path, "X-Customer: ada\r\nContent-Type: application/json\r\n", wish.as_bytes())
    };
    assert_eq!(buy("/north/orders", 1).status, 201, "{}", run.process.output());
    let second = buy("/north/orders", 2);
    let order: Value = serde_json::from_slice(&second.body).expect("JSON");
    assert_eq!(order, json!({"id": 1, "shop": "north", "customer": "ada", "pieces": 2}));
    assert_eq!(buy("/north/orders", 1).status, 409, "nothing is left in the north");
    assert_eq!(buy("/south/orders", 1).status, 201, "and one piece in the south");
    assert_eq!(serde_json::from_slice::<Value>(&run.get("/north/orders/1").body).expect("JSON"), order);
    assert_eq!(run.get("/south/orders/1").status, 404);
    assert_eq!(run.get("/south/orders/first").status, 400, "it is no number");
    assert_eq!(run.call("POST", "/south/orders", "", b"{}").status, 401, "nobody says who asks");
    assert_eq!(run.get("/north/report").text(), report("north", 2, 0));
    assert_eq!(run.get("/south/report").text(), report("south", 1, 0));
    let opened = told(&run.process).into_iter().filter(|line| line.ends_with(" opens")).collect::<Vec<_>>();
    assert_eq!(opened.len(), 2, "one instance for each configuration: {opened:?}");
}

const TIMER: &str =
    r#"{"source":"aws.events","detail-type":"Scheduled Event","resources":["arn:aws:events:r:1:rule/north"]}"#;
const QUEUE: &str = r#"{"Records":[{"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:r:1:north","messageId":"m","body":"{\"pieces\":1}"}]}"#;

/// Returns the event of an HTTP API.
fn request(method: &str, path: &str, body: &str) -> String {
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"content-type": "application/json", "x-customer": "bob"},
        "requestContext": {"http": {"method": method, "path": path, "protocol": "HTTP/1.1"}},
        "body": body, "isBase64Encoded": false
    })
    .to_string()
}

fn on_aws_routes_a_timer_and_a_queue_share_one_instance(runtime: &Runtime) {
    let run = OnAws::launch(runtime, deployment(&[shop("north", 1, "eager")]), "", Options::default()).polling();
    let reply = |event: &str| serde_json::from_slice::<Value>(&run.call(event).body).expect("JSON");
    assert_eq!(reply(&request("POST", "/north/orders", r#"{"pieces":1}"#))["statusCode"], 201);
    assert_eq!(reply(&request("POST", "/north/orders", r#"{"pieces":1}"#))["statusCode"], 409);
    assert_eq!(run.call(QUEUE).text(), r#"{"batchItemFailures":[]}"#);
    assert_eq!(run.call(TIMER).text(), report("north", 1, 1));
    let order = reply(&request("GET", "/north/orders/0", ""));
    assert!(order["body"].as_str().is_some_and(|body| body.contains(r#""customer":"bob""#)), "{order}");
    run.assert_clean();
}

fn what_was_made_for_a_class_ends_in_reverse_order(runtime: &Runtime) {
    let run = OnHttp::start(runtime, deployment(&[shop("north", 3, "eager")]), "");
    assert_eq!(run.get("/north/report").status, 200);
    assert_eq!(run.stop().code(), Some(0), "{}", run.process.output());
    let lines = ["north has 3 pieces", "north opens", "north closes after 0 orders", "north has 3 pieces left"];
    assert_eq!(told(&run.process), lines, "{}", run.process.output());
}

/// Returns the error that AWS is told of in place of a start.
fn init_error(run: &OnAws) -> Value {
    assert_eq!(run.process.wait(limit()).expect("it leaves").code(), Some(1), "{}", run.process.output());
    let reports = run.aws.init_errors();
    assert_eq!(reports.len(), 1, "{}", run.process.output());
    serde_json::from_slice(&reports[0].body).expect("JSON")
}

fn an_init_that_fails_is_the_init_error_of_the_platform(runtime: &Runtime) {
    let functions = vec![json!({"name": "buy", "handler": "shop.buy", "config": {"name": ""}})];
    let run = OnAws::launch(runtime, deployment(&[functions]), "", Options::default());
    let told = init_error(&run);
    assert_eq!(told["errorType"], "Shop.Nameless", "{told}");
    assert!(told["errorMessage"].as_str().is_some_and(|text| text.contains("a shop has a name")), "{told}");
    let output = run.process.output();
    assert!(output.contains("while Shop (") && output.contains("examples/shop/src/lib.rs:"), "{output}");
}

fn a_configuration_that_does_not_fit_is_the_init_error_of_the_platform(runtime: &Runtime) {
    let functions = vec![json!({"name": "buy", "handler": "shop.buy", "config": {"name": 7}})];
    let run = OnAws::launch(runtime, deployment(&[functions]), "", Options::default());
    let told = init_error(&run);
    assert_eq!(told["errorType"], "Runtime.ConfigError", "{told}");
    let output = run.process.output();
    assert!(output.contains("invalid type: integer `7`") && output.contains("while Stock ("), "{output}");
}

fn functions_that_start_late_find_the_instance_of_those_before(runtime: &Runtime) {
    let run = OnHttp::start(runtime, deployment(&[shop("north", 3, "lazy")]), "");
    assert_eq!(told(&run.process), Vec::<String>::new(), "nobody has asked yet");
    let headers = "X-Customer: ada\r\nContent-Type: application/json\r\n";
    assert_eq!(run.call("POST", "/north/orders", headers, br#"{"pieces":1}"#).status, 201, "{}", run.process.output());
    let replies = run.at_once(8, "GET", "/north/report", b"");
    for reply in replies {
        assert_eq!(reply.text(), report("north", 1, 2));
    }
    assert_eq!(told(&run.process), ["north has 3 pieces", "north opens"]);
}

fn without_a_manifest_one_process_serves_all_functions_of_a_class(runtime: &Runtime) {
    let deployment = || Deployment::of("shop").env("FAAS_CONFIG", r#"{"name":"north","stock":2}"#);
    let run = OnHttp::start(runtime, deployment(), "shop");
    let headers = "X-Customer: ada\r\nContent-Type: application/json\r\n";
    let bought = run.call("POST", "/orders", headers, br#"{"pieces":2}"#);
    assert_eq!(bought.status, 201, "{}\n{}", bought.text(), run.process.output());
    let order: Value = serde_json::from_slice(&run.get("/orders/0").body).expect("JSON");
    assert_eq!(order, json!({"id": 0, "shop": "north", "customer": "ada", "pieces": 2}));
    assert_eq!(run.call("DELETE", "/orders/0", "", b"").status, 405, "no method of the class");
    assert_eq!(run.get("/elsewhere").status, 404, "no route of the class");
    assert_eq!(told(&run.process), ["north has 2 pieces", "north opens"]);
    let run = OnAws::launch(runtime, deployment(), "shop", Options::default()).polling();
    let queue = QUEUE.replace(":north", ":deliveries");
    run.call(queue.as_str());
    assert_eq!(run.call(TIMER).text(), report("north", 0, 3));
    let bought: Value =
        serde_json::from_slice(&run.call(request("POST", "/orders", r#"{"pieces":3}"#).as_str()).body).expect("JSON");
    assert_eq!(bought["statusCode"], 201, "{bought}");
    run.assert_clean();
}

fn variables_of_its_own_give_a_function_an_instance_of_its_own(runtime: &Runtime) {
    let config = json!({"name": "north", "stock": 3});
    let function = |name: &str, path: &str, colour: Option<&str>| {
        let environment = colour.map_or_else(|| json!({}), |colour| json!({"COLOUR": colour}));
        json!({"name": name, "handler": "shop.report", "config": config, "environment": environment,
               "events": [{"http": {"path": path}}]})
    };
    let functions = vec![
        function("plain", "/plain", None),
        function("red", "/red", Some("red")),
        function("reddish", "/reddish", Some("red")),
    ];
    let run = OnHttp::start(runtime, deployment(&[functions]), "");
    for path in ["/plain", "/red", "/reddish"] {
        assert_eq!(run.get(path).text(), report("north", 0, 3));
    }
    let opened = told(&run.process).into_iter().filter(|line| line.ends_with(" opens")).count();
    assert_eq!(opened, 2, "one for both that are red: {}", run.process.output());
}
